"""Control with the model: the prediction is exact, one period suffices where it can, and the ladder's order holds."""

import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite
from gym_suite.learning.gains import load_gains, shipped_gains
from gym_suite.learning.seeds import purpose_of
from gym_suite.motors.controllers.prediction import PREDICTIVE, N, R, _beyond, one_period
from gym_suite.motors.machines import SYNCHRONOUS, group_of

SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
}
#: Episode seeds that neither a search nor the choice of the laws' numbers has seen.
SEEDS = list(range(60_000, 60_012))


def returns(id, agent, steps=1000, seeds=SEEDS, **keywords):
    """Return the returns of an agent's episodes, (seeds,), and how many of them tripped."""
    envs = gymnasium.make_vec(id, num_envs=len(seeds), **keywords)
    law = agent(envs) if callable(agent) else gym_suite.make_controller(envs, agent)
    observation, _ = envs.reset(seed=seeds)
    total, alive, state = np.zeros(len(seeds)), np.ones(len(seeds), bool), None
    for _ in range(steps):
        action, state = law.predict(observation, state)
        observation, reward, terminated, _, _ = envs.step(action)
        total += np.where(alive, reward, 0.0)
        alive &= ~terminated
    return total, int((~alive).sum())


def scores(id, agents, **keywords):
    """Return the score of each agent: 0 is do-nothing, 1 is PI."""
    zero, one = (returns(id, agent, **keywords)[0].mean() for agent in ("zero", "pi"))
    found = {}
    for agent in agents:
        own, trips = returns(id, agent, **keywords)
        assert trips == 0, f"{agent} trips"
        found[agent] = (own.mean() - zero) / (one - zero)
    return found


def rotating_frame(omega_e, u, r_s, l_d, l_q, psi_p, tau):
    """Return d/dt of (i_d, i_q) under a voltage that stands still in the stator; u is its value at tau / 2."""

    def slope(t, i):
        turned = omega_e * (t - 0.5 * tau)
        u_d = u[0] * math.cos(turned) + u[1] * math.sin(turned)
        u_q = u[1] * math.cos(turned) - u[0] * math.sin(turned)
        return [
            (u_d - r_s * i[0] + omega_e * l_q * i[1]) / l_d,
            (u_q - r_s * i[1] - omega_e * (l_d * i[0] + psi_p)) / l_q,
        ]

    return slope


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/SynRM-v0"])
@pytest.mark.parametrize("omega", [-200.0, 0.0, 310.0])
def test_one_period_is_that_of_the_equations(id, omega):
    law = gym_suite.make_controller(gymnasium.make(id), "deadbeat")
    values = gymnasium.make(id).unwrapped.nominal.parameters
    phi, gamma, c = one_period(group_of(SYNCHRONOUS), omega, law._constants)
    i, u, tau = np.array([30.0, -45.0]), np.array([-60.0, 25.0]), values["tau"]
    predicted = np.reshape(phi, (2, 2)) @ i + np.reshape(gamma, (2, 2)) @ u + c
    machine = [values[name] for name in ("r_s", "l_d", "l_q", "psi_p")]
    slope = rotating_frame(values["p"] * omega, u, *machine, tau)
    exact = solve_ivp(slope, (0.0, tau), i, rtol=1e-11, atol=1e-11).y[:, -1]
    np.testing.assert_allclose(predicted, exact, atol=1e-4)


@pytest.mark.parametrize("keywords", [{}, {"dead_time": False}, {"frame": "abc"}], ids=str)
@pytest.mark.parametrize("speed", [0.0, 200.0])
def test_deadbeat_needs_one_period_and_the_dead_time(keywords, speed):
    """A step that the voltage can give is made in one period, from the period in which the voltage acts."""
    step = {"kind": "step", "amplitude": 8.0, "start": 0.01}
    env = gymnasium.make(
        "gem/PMSM-v0", speed=speed, reference={"i_sd": step, "i_sq": step}, **keywords
    )
    law = gym_suite.make_controller(env, "deadbeat")
    observation, _ = env.reset(seed=0)
    state, errors = None, []
    for _ in range(140):
        action, state = law.predict(observation, state)
        observation, _, _, _, info = env.step(action)
        errors.append(max(abs(info[f"{axis}_ref"] - info[axis]) for axis in ("i_sd", "i_sq")))
    jump = int(np.argmax(np.array(errors[50:]) > 1.0)) + 50
    # The reference is seen at the end of the step in which it jumps; then dead time, and one period.
    periods = 1 if keywords.get("dead_time") is False else 2
    assert max(errors[jump + periods :]) < 2e-3
    assert max(errors[50:jump]) < 2e-3


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/SynRM-v0", "gem/PMSM-Torque-v0"])
def test_order_of_the_ladder_on_the_nominal_plant(id):
    found = scores(id, ["pi-predicted", "deadbeat", "mpc", "mpc-soft"])
    assert 1.0 < found["pi-predicted"] < found["deadbeat"] < found["mpc"]
    assert found["mpc-soft"] > found["deadbeat"]


@pytest.mark.parametrize(
    ("setting", "least"), [("noise", 1.0), ("mismatch", 1.08), ("delay", 1.08)]
)
def test_soft_predictive_control_survives_what_is_not_nominal(setting, least):
    """The figures of an independent audit of such laws, 1.00, 1.11 and 1.08, with what twelve seeds scatter."""
    assert scores("gem/PMSM-v0", ["mpc-soft"], **SETTINGS[setting])["mpc-soft"] >= least


def test_the_observer_learns_what_the_model_does_not_explain():
    """A constant voltage on an axis leaves an error without the observer and none with it."""

    def error(**gains):
        env = gymnasium.make(
            "gem/PMSM-v0",
            speed=100.0,
            disturbance={"u_sd": 5.0},
            reference={"i_sd": -20.0, "i_sq": 20.0},
        )
        law = gym_suite.make_controller(env, "deadbeat", **gains)
        observation, _ = env.reset(seed=0)
        state = None
        for _ in range(300):
            action, state = law.predict(observation, state)
            observation, _, _, _, info = env.step(action)
        return abs(info["i_sd_ref"] - info["i_sd"])

    assert error(observer=0.0) > 1.0
    assert error() < 0.02


@pytest.mark.parametrize("late", [0, 1, 2])
def test_soft_predictive_control_finds_the_delay(late):
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=8, delay=late, noise=0.005)
    law = gym_suite.make_controller(envs, "mpc-soft")
    observation, _ = envs.reset(seed=60_100)
    state = None
    for _ in range(500):
        action, state = law.predict(observation, state)
        observation = envs.step(action)[0]
    assert (state[:, R.delay] == late).all()


TUNED = [
    (id, name)
    for id, card in gym_suite.catalogue().items()
    if card.family == "motors"
    for name in card.tuned
]


@pytest.mark.parametrize(("id", "name"), TUNED)
def test_gains_that_ship_were_searched_within_the_budget(id, name):
    about = load_gains(shipped_gains(id, name), id).about
    assert about["steps"] <= about["budget"] <= gym_suite.card(id).protocol.budget
    assert {purpose_of(seed) for seed in about["seeds"]["episodes"]} == {"tuning"}
    assert "+" not in about["commit"], "the sources were not those of a commit"
    # Where episodes are long a budget is few candidates, and the rule's own gains may be the best.
    if about["gains"] == about["rule"]:
        assert about["value"] == about["rule_value"]
        return
    assert about["value"] > about["rule_value"]
    assert about["trials"] > 5


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("gem/PMSM-v0", "pi-tuned"),
        ("gem/PMSM-v0", "pi-tuned-nominal"),
        ("gem/SynRM-v0", "pi-tuned"),
        ("gem/PMSM-TwoMass-v0", "pi-tuned"),
        ("gem/SeriesDc-v0", "pi-tuned"),
        ("gem/SeriesDc-Torque-v0", "pi-tuned"),
    ],
)
def test_gains_that_ship_earn_more_than_the_rules_on_plants_as_they_were_searched_on(id, name):
    gains = load_gains(shipped_gains(id, name), id)
    plants = gains.about["plan"]["plants"]
    rule = [returns(id, gym_suite.make_controller, **plant)[0].mean() for plant in plants]
    own = [returns(id, gains.load, **plant)[0].mean() for plant in plants]
    assert np.mean(own) > np.mean(rule)


@pytest.mark.parametrize(("setting", "most"), [("nominal", 0), ("mismatch", 1), ("delay", 0)])
def test_a_course_to_a_torque_hardly_ever_trips_a_machine_that_is_not_the_nominal_one(
    setting, most
):
    # Two of these machines tripped under mismatch while a course could use nine tenths of the current's limit.
    id, seeds = "gem/PMSM-Torque-v0", list(range(100_000, 100_100))
    _, trips = returns(id, "mpc-soft", steps=2000, seeds=seeds, **SETTINGS[setting])
    assert trips <= most


@pytest.mark.parametrize(
    ("current", "reference", "beyond"),
    [(0.79, 0.1, False), (0.81, 0.1, True), (0.85, 0.88, False), (0.89, 0.88, True)],
)
def test_a_course_may_be_as_near_to_the_limit_as_its_references(current, reference, beyond):
    law = np.zeros(len(PREDICTIVE))
    law[N.margin], law[N.i_limit] = 0.8, 100.0
    assert _beyond((0.0, -100.0 * current), (-100.0 * reference, 0.0), law) == beyond


def test_numbers_out_of_bounds_are_refused():
    env = gymnasium.make("gem/PMSM-v0")
    with pytest.raises(ValueError, match="step"):
        gym_suite.make_controller(env, "deadbeat", step=1.5)
    with pytest.raises(ValueError, match="delays"):
        gym_suite.make_controller(env, "mpc-soft", delays=3)
    with pytest.raises(ValueError, match="observer"):
        gym_suite.make_controller(env, "mpc", obsrver=0.2)
