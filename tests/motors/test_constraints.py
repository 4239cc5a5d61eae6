"""Constraints beside the current limits: limits, sums of squares, limits and functions of the user's."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors import CustomConstraint

STEPS = 400


def rollout(constraints=None, seed=0, id="gem/PMSM-Torque-v0", **keywords):
    """Return infos of an episode under the reference controller, and whether the last step terminated it."""
    env = gymnasium.make(id, constraints=constraints, **keywords)
    pi = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=seed)
    state, infos = None, []
    for _ in range(STEPS):
        action, state = pi.predict(observation, state)
        observation, reward, terminated, _, info = env.step(action)
        total = sum(value for name, value in info.items() if name.startswith("reward_"))
        assert reward == pytest.approx(total)
        infos.append(info)
        if terminated:
            break
    return infos, terminated


def first_beyond(infos, value):
    """Return the number of the first step in which a function of info exceeds 1."""
    return next(k for k, info in enumerate(infos) if value(info) > 1.0)


@pytest.mark.parametrize(
    ("constraints", "value"),
    [
        ([{"torque": 60.0}], lambda i: abs(i["torque"]) / 60.0),
        ([["i_sd", "i_sq"], {"i_sq": 80.0}], lambda i: abs(i["i_sq"]) / 80.0),
        (
            [{"i_sd": 90.0, "i_sq": 110.0}],
            lambda i: (i["i_sd"] / 90) ** 2 + (i["i_sq"] / 110) ** 2,
        ),
        (
            [{"u_sd": 400.0}, {"i_sd": 100.0, "torque": 70.0}],
            lambda i: (i["i_sd"] / 100) ** 2 + (i["torque"] / 70) ** 2,
        ),
    ],
)
def test_an_episode_ends_in_the_step_that_violates_a_constraint(constraints, value):
    free, ended = rollout()
    assert not ended
    infos, ended = rollout(constraints)
    assert ended and len(infos) - 1 == first_beyond(free, value)
    last = infos[-1]
    assert last["violation"] == 1.0 and last["reward_trip"] == -1.0
    assert all(info["violation"] == 0.0 == info["reward_trip"] for info in infos[:-1])


def test_quantities_have_their_usual_limits():
    env = gymnasium.make("gem/PMSM-Speed-v0", constraints=["omega", "torque", ["i_sd", "i_sq"]])
    limit = env.unwrapped.nominal.parameters["omega_limit"]
    env.reset(seed=0)
    state = env.unwrapped.get_state()
    for omega, ends in ((0.999 * limit, False), (1.001 * limit, True), (-1.001 * limit, True)):
        env.unwrapped.set_state(state)
        x = env.unwrapped.get_state()
        place = env.unwrapped.setup.state_columns.index("omega")
        x["rows"]["x"][0, place] = omega
        env.unwrapped.set_state(x)
        assert env.step(np.zeros(2))[2] == ends


def test_many_worlds_end_as_one_does():
    envs = gymnasium.make_vec("gem/PMSM-Torque-v0", num_envs=3, constraints=[{"torque": 60.0}])
    pi = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    state, start, ends = None, np.ones(3, bool), [None] * 3
    for step in range(STEPS):
        action, state = pi.predict(observation, state, start)
        observation, _, terminated, truncated, _ = envs.step(action)
        start = terminated | truncated
        for k in np.flatnonzero(terminated):
            ends[k] = step if ends[k] is None else ends[k]
    singles = [rollout([{"torque": 60.0}], seed=seed) for seed in range(3)]
    assert ends == [len(infos) - 1 if ended else None for infos, ended in singles]


@pytest.mark.parametrize(
    ("constraints", "error", "message"),
    [
        (["omga"], ValueError, "Did you mean 'omega'"),
        (["u_sd"], ValueError, r"'u_sd' has no limit of its own; give one, as in"),
        ([{"omega": -1.0}], ValueError, "limit of 'omega'"),
        ("omega", TypeError, "constraints are a list"),
        ([[]], TypeError, "constraint 0 must name"),
        ([3.0], TypeError, "constraint 0 must name"),
    ],
)
def test_what_cannot_be_constrained_is_refused(constraints, error, message):
    with pytest.raises(error, match=message):
        gymnasium.make("gem/PMSM-v0", constraints=constraints)


def test_a_function_of_the_user_s_costs_its_degree_and_ends_the_episode():
    free, _ = rollout()

    def degree(info):
        return max(0.0, abs(info["torque"]) - 50.0) / 20.0

    env = CustomConstraint(gymnasium.make("gem/PMSM-Torque-v0"), degree, penalty=4.0)
    pi = gym_suite.make_controller(env)
    observation, info = env.reset(seed=0)
    assert info["reward_constraint"] == 0.0
    state, partly = None, 0
    for expected in free:
        action, state = pi.predict(observation, state)
        observation, reward, terminated, _, info = env.step(action)
        part = min(degree(expected), 1.0)
        assert info["reward_constraint"] == pytest.approx(-4.0 * part)
        terms = sum(value for name, value in info.items() if name.startswith("reward_"))
        assert reward == pytest.approx(terms)
        assert terminated == (part == 1.0) == (info["violation"] == 1.0)
        partly += 0.0 < part < 1.0
        if terminated:
            break
    assert terminated and partly


def test_a_function_that_is_none_or_gives_no_degree_is_refused():
    env = gymnasium.make("gem/PMSM-v0")
    with pytest.raises(TypeError, match="function of info"):
        CustomConstraint(env, 3.0)
    with pytest.raises(ValueError, match="penalty"):
        CustomConstraint(env, bool, penalty=-1.0)
    wrong = CustomConstraint(env, lambda info: -1.0)
    wrong.reset(seed=0)
    with pytest.raises(ValueError, match="degree of a constraint"):
        wrong.step(np.zeros(2))


def test_two_functions_cost_what_both_do_and_the_reward_stays_the_sum_of_its_terms():
    env = gymnasium.make("gem/PMSM-v0")
    env = CustomConstraint(CustomConstraint(env, lambda info: 0.5), lambda info: 0.25, penalty=2.0)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(np.zeros(2))
    assert info["reward_constraint"] == pytest.approx(-1.0)
    terms = [value for name, value in info.items() if name.startswith("reward_")]
    assert reward == pytest.approx(sum(terms))
