"""The vibration damping task: PI control swings through the gap for ever, notch filter and state feedback do not."""

import gymnasium
import numpy as np
import pytest
from scipy import signal

import gym_suite
from gym_suite.comparison import settings
from gym_suite.registration import card

ID = "gem/PMSM-TwoMass-v0"


def controlled(agent, *, backlash, seconds=2.0, worlds=2, reference=50.0, **keywords):
    """Return told quantities, (steps, worlds), of a controller on an id with a constant reference."""
    load = {"kind": "two_mass", "backlash": backlash}
    envs = gymnasium.make_vec(
        ID, num_envs=worlds, load=load, reference=reference, duration=seconds + 1.0, **keywords
    )
    controller = gym_suite.make_controller(envs, agent)
    o, _ = envs.reset(seed=0)
    state, start, told = None, np.ones(worlds, bool), []
    for _ in range(round(1000 * seconds)):
        action, state = controller.predict(o, state, start)
        o, _, terminated, _, info = envs.step(action)
        start = np.zeros(worlds, bool)
        assert not terminated.any()
        told.append(info)
    return {
        name: np.array([one[name] for one in told])
        for name in ("omega_load", "torque", "twist", "torque_shaft")
    }


def test_pi_control_has_a_limit_cycle_through_the_gap_and_none_without_a_gap():
    """Nordin and Gutman 2002: the linear loop is damped, the gap keeps it swinging at one amplitude."""
    rigid = controlled("pi", backlash=0.0, worlds=1)
    assert np.ptp(rigid["omega_load"][-400:]) < 0.05
    told = controlled("pi", backlash=0.03, seconds=5.0, worlds=1)
    one, other = told["omega_load"][-1600:-800], told["omega_load"][-800:]
    assert np.ptp(other) > 5.0
    assert np.ptp(one) == pytest.approx(np.ptp(other), rel=0.1)  # neither grows nor dies
    late = told["torque_shaft"][-800:]
    assert late.max() > 1.0 and late.min() < -1.0  # both sides of the gap are hit
    assert (late == 0.0).mean() > 0.05


@pytest.mark.parametrize("agent", ["notch", "state-feedback"])
@pytest.mark.parametrize("backlash", [0.0, 0.03])
def test_notch_and_state_feedback_damp_what_pi_keeps_swinging(agent, backlash):
    told = controlled(agent, backlash=backlash)
    assert np.ptp(told["omega_load"][-400:], axis=0).max() < 0.05
    np.testing.assert_allclose(told["omega_load"][-1], 50.0, atol=0.05)


@pytest.mark.parametrize(("width", "damping"), [(0.5, 0.03), (0.9, 2.0)])
def test_the_notch_is_the_filter_of_the_literature(width, damping):
    """Ellis 2012, chapter 9: its impulse response is that of SciPy's bilinear transform, prewarped to the resonance."""
    env = gymnasium.make(ID, load={"kind": "two_mass", "backlash": 0.03, "damping": damping})
    law, p = gym_suite.make_controller(env, "notch", width=width), env.unwrapped.nominal.parameters
    mobility = 1.0 / p["j_rotor"] + 1.0 / p["j_load"]
    w = np.sqrt(p["stiffness"] * mobility)
    z, half = 0.5 * damping * mobility / w, np.tan(0.5 * w * env.unwrapped.dt)
    above, below = signal.bilinear(
        [1.0, 2.0 * z * w, w * w], [1.0, 2.0 * width * w, w * w], w / half / 2
    )
    impulse = np.eye(1, 600)[0]
    state = np.zeros((1, law.state_size))
    found = [law._filtered(np.array([one]), state)[0] for one in impulse]
    np.testing.assert_allclose(found, signal.lfilter(above, below, impulse), atol=1e-12)
    # At the resonance it passes z / width and nothing is turned; far above and below it passes all.
    _, passed = signal.freqz(found, worN=[w * env.unwrapped.dt])
    assert passed[0] == pytest.approx(z / width, abs=1e-6)


def test_state_feedback_holds_the_speed_under_a_load_that_it_does_not_know():
    disturbance = {"torque_load": {"kind": "step", "amplitude": 30.0, "start": 0.8}}
    told = controlled("state-feedback", backlash=0.03, disturbance=disturbance)
    assert told["omega_load"][700:1000].min() < 49.5  # it is felt,
    np.testing.assert_allclose(told["omega_load"][-1], 50.0, atol=0.05)  # and nothing is left


SETTINGS = {**settings.SETTINGS}
SETTINGS["disturbance"] = {
    "disturbance": {name: settings.DISTURBANCES[name] for name in ("torque_load", "u_sd", "u_sq")}
}


def returns(agent, keywords, episodes=20):
    """Return what an agent earns in whole episodes of the id's defaults under a setting, (episodes,)."""
    envs = gymnasium.make_vec(ID, num_envs=episodes, **keywords)
    controller = gym_suite.make_controller(envs, agent)
    o, _ = envs.reset(seed=50_000)
    state, start, total = None, np.ones(episodes, bool), np.zeros(episodes)
    for k in range(1500):
        action, state = controller.predict(o, state, start)
        o, reward, terminated, truncated, _ = envs.step(action)
        assert not terminated.any(), k
        start, total = truncated, total + reward
    assert truncated.all()
    return total


@pytest.mark.parametrize("setting", SETTINGS)
def test_state_feedback_earns_more_than_notch_and_that_more_than_pi_in_every_setting(setting):
    pi, notch, feedback = (
        returns(agent, SETTINGS[setting]).mean() for agent in ("pi", "notch", "state-feedback")
    )
    assert pi < notch < feedback


def test_controllers_say_what_they_need():
    controllers = card(ID).controllers
    for name in ("pi", "notch", "state-feedback"):
        module, _, law = controllers[name].partition(":")
        cls = getattr(__import__(module, fromlist=[law]), law)
        with pytest.raises(ValueError, match="it needs load='two_mass' and control='torque'"):
            cls.for_env(gymnasium.make("gem/PMSM-Speed-v0"))
    with pytest.raises(ValueError, match="symmetry must be greater than 1"):
        gym_suite.make_controller(gymnasium.make(ID), "pi", symmetry=1.0)
    with pytest.raises(ValueError, match="torque_share must be greater than 0 and at most 1, got"):
        gym_suite.make_controller(gymnasium.make(ID), "state-feedback", torque_share=1.1)
    with pytest.raises(ValueError, match="torque_weight must be greater than 0"):
        gym_suite.make_controller(gymnasium.make(ID), "state-feedback", torque_weight=0.0)
    with pytest.raises(ValueError, match="needs load='two_mass'"):
        gymnasium.make(ID, load="polynomial_static")
