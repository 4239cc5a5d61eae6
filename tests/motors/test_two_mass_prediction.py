"""Predictive control of a load behind an elastic shaft: of the torques that are tried it commands the cheapest."""

import math

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.controllers.two_mass import PredictiveTwoMassControl


def test_of_the_torques_that_are_tried_the_cheapest_is_commanded():
    """One course after the other, in plain numbers: the shaft, its gap and the feedback by their own formulas."""
    env = gymnasium.make("gem/PMSM-TwoMass-v0")
    law = gym_suite.make_controller(env, "mpc")
    assert isinstance(law, PredictiveTwoMassControl)
    v = env.unwrapped.nominal.parameters
    scale = env.unwrapped.nominal.setup.tracking[0].scale
    x = np.array([95.0, 104.0, 0.021, 40.0, 3.0])

    def bent(x):
        return math.copysign(max(abs(x[2]) - 0.5 * v["backlash"], 0.0), x[2])

    def asked(x):
        held = v["b"] * 100.0 + x[4]
        away = np.array([x[0] - 100.0, x[1] - 100.0, bent(x) - held / v["stiffness"], x[3] - held])
        return float(np.clip(held - law._k @ away, -law._most, law._most))

    def after(x, torque):
        missing = v["stiffness"] * (bent(x) - x[2])
        return law._a @ x + law._b @ np.array([torque, missing])

    def cost(x, torque):
        total, x = 0.0, after(x, torque)
        for _ in range(40):
            total += math.sqrt(min(abs(x[1] - 100.0) / scale, 1.0))
            x = after(x, asked(x))
        return total

    tried = asked(x) + law._limit * np.array([0.0, *np.linspace(-0.1, 0.1, 9)])
    tried = np.clip(tried, -law._most, law._most)
    costs = [cost(x, torque) for torque in tried]
    assert max(costs) > min(costs) + 1e-4
    reference = np.array([100.0])
    np.testing.assert_allclose(law._costs(x[None], tried[None], reference)[0], costs, rtol=1e-9)
    # Known from the sample before, and measured as it was predicted.
    columns = env.unwrapped.nominal.setup.observation_columns
    observation = np.zeros((1, len(columns)))
    for name, value in [("omega", x[0]), ("omega_load", x[1]), ("omega_load_ref", 100.0)]:
        observation[0, columns.index(name)] = value / columns[columns.index(name)].scale
    action, _ = law.predict(observation, np.concatenate([x, [1.0]])[None])
    assert action[0, 0] * law._limit == pytest.approx(tried[int(np.argmin(costs))], rel=1e-5)


def test_predictive_control_earns_more_than_the_feedback_that_it_begins_with():
    totals = {}
    for agent in ("state-feedback", "mpc"):
        envs = gymnasium.make_vec("gem/PMSM-TwoMass-v0", num_envs=2)
        law = gym_suite.make_controller(envs, agent)
        observation, _ = envs.reset(seed=[61_000, 61_001])
        state, total = None, np.zeros(2)
        for _ in range(600):
            action, state = law.predict(observation, state)
            observation, reward, terminated, _, _ = envs.step(action)
            assert not terminated.any()
            total += reward
        totals[agent] = total
    assert (totals["mpc"] > totals["state-feedback"]).all()


@pytest.mark.parametrize("keywords", [{"moves": 0}, {"stride": -0.1}, {"horizon": 0}])
def test_a_number_of_predictive_control_out_of_bounds_is_named(keywords):
    with pytest.raises(ValueError, match=next(iter(keywords))):
        gym_suite.make_controller(gymnasium.make("gem/PMSM-TwoMass-v0"), "mpc", **keywords)
