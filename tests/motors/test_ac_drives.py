"""The reference controllers of every alternating-current drive start, follow and do not trip."""

import gymnasium
import numpy as np
import pytest

import gym_suite

MACHINES = ("PMSM", "SynRM", "EESM", "SCIM", "DFIM", "SixPhasePMSM")
TASKS = ("", "-Torque", "-Speed")
#: Part of the full scale that the error may have on average over 20 seeds of the defaults, jumps included.
USUAL = 0.02
#: Where the voltage needs longer for what is asked: a flux that is large for it, a heavy load.
SLOWER = {
    "DFIM": 0.08,
    "DFIM-Torque": 0.11,
    "DFIM-Speed": 0.05,
    "SCIM-Speed": 0.04,
    "SixPhasePMSM-Speed": 0.04,
}


def run(id, seeds=20, steps=None, **keywords):
    """Run the reference controller; return the errors (steps, tracked, seeds) in parts of the full scale, and trips."""
    envs = gymnasium.make_vec(id, num_envs=seeds, **keywords)
    setup = envs.unwrapped.setup
    controller = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    state, errors, trips = None, [], np.zeros(seeds, bool)
    for _ in range(steps or setup.horizon or 2000):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = envs.step(action)
        errors.append([(info[t.value] - info[t.reference]) / t.scale for t in setup.tracking])
        trips |= terminated
    return np.array(errors), trips


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("machine", MACHINES)
def test_reference_controller_follows_without_a_trip(machine, task):
    errors, trips = run(f"gem/{machine}{task}-v0")
    assert not trips.any()
    assert np.abs(errors).mean() < SLOWER.get(f"{machine}{task}", USUAL)


def test_excited_windings_move_together_where_the_voltage_is_short():
    """From rest to full excitation the stator's voltage is short: the exciter must not drive its current."""
    env = gymnasium.make("gem/EESM-v0", speed=0.0, reference={"i_e": 110.0, "i_sd": 0.0})
    controller = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    state, currents = None, []
    for _ in range(200):
        action, state = controller.predict(observation, state)
        observation, _, _, _, info = env.step(action)
        currents.append((info["i_sd"], info["i_e"]))
    i_sd, i_e = np.array(currents).T
    assert np.abs(i_sd).max() < 0.1 * 110.0
    assert i_e.max() < 1.05 * 110.0 and abs(i_e[-1] - 110.0) < 0.01 * 110.0


@pytest.mark.parametrize("mismatch", [{"iron_d": 0.8}, {"l_q": 0.8}, {"r_s": 1.5, "r_e": 1.5}])
def test_excited_machine_with_other_windings_than_the_drive_believes(mismatch):
    _, trips = run("gem/EESM-v0", mismatch=mismatch)
    assert not trips.any()


def test_observer_follows_the_flux():
    """With the machine that it believes in, the current model's flux is the machine's: in amplitude and direction."""
    envs = gymnasium.make_vec("gem/SCIM-v0", num_envs=20).unwrapped
    controller = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    state, worst = None, 0.0
    for _ in range(1500):
        action, state = controller.predict(observation, state)
        observation, *_ = envs.step(action)
        x = envs.state()
        apart = np.hypot(x["flux_alpha"] - x["psi_ralpha"], x["flux_beta"] - x["psi_rbeta"])
        worst = max(worst, float((apart / np.hypot(x["psi_ralpha"], x["psi_rbeta"])).max()))
    assert worst < 1e-3


def test_wrong_rotor_resistance_turns_the_frame():
    """A warm rotor detunes the orientation: the torque misses its command, more than with the believed resistance."""

    def error(**keywords):
        errors, trips = run("gem/SCIM-Torque-v0", speed=50.0, **keywords)
        assert not trips.any()
        return np.abs(errors[500:]).mean()

    assert error(mismatch={"r_r": 1.5}) > 2.0 * error()


def test_induction_machine_weakens_its_field():
    """Above the speed that the standing flux allows the flux falls, and the speed is still reached."""
    env = gymnasium.make(
        "gem/SCIM-Speed-v0",
        reference={"omega": 410.0},
        load={"kind": "polynomial_static", "b": 1e-3},
        duration=0.6,
    )
    controller = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    state, ended = None, False
    while not ended:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
    assert not terminated
    assert abs(info["omega"] - 410.0) < 0.01 * 410.0
    assert info["psi_rd"] < 0.95 * 0.14375 * 3.9 / np.sqrt(2.0)
