"""Observed quantities of a user's own: behind the id's columns, in every face, within their bounds."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import gym_suite
from gym_suite.comparison import compare
from gym_suite.core.page import compose
from gym_suite.registration import id_class_of

DRIVE, BAND, FLEET = "gem/PMSM-v0", "radio/GilbertElliott-v0", "agv/Fleet-v0"
POWER = "1.5 * (u_sd * i_sd + u_sq * i_sq)"
OWN = {"ampere": "hypot(i_sd, i_sq)", "part": {"value": "i_sq / 10", "low": -1, "high": 1}}


def test_they_stand_behind_the_ids_columns_and_are_what_the_formulas_say():
    plain = gymnasium.make(DRIVE, noise=0.01, delay=1)
    own = gymnasium.make(DRIVE, noise=0.01, delay=1, observed_quantities=OWN)
    first, _ = plain.reset(seed=3)
    seen, info = own.reset(seed=3)
    for k in range(30):
        assert np.array_equal(seen[:-2], first) and own.observation_space.contains(seen)
        ampere = np.hypot(info["i_sd"], info["i_sq"])
        assert seen[-2] == np.float32(ampere)
        assert seen[-1] == np.float32(np.clip(info["i_sq"] / 10, -1, 1))
        action = np.array([0.2, 0.5 - k % 2], np.float32)
        first, *_ = plain.step(action)
        seen, _, _, _, info = own.step(action)
    space = own.observation_space
    assert (space.low[-2:].tolist(), space.high[-2:].tolist()) == ([-np.inf, -1], [np.inf, 1])
    assert own.unwrapped.setup.observation_columns.names[-2:] == ("ampere", "part")


def test_bounded_ones_pass_gymnasiums_check():
    check_env(
        gymnasium.make(DRIVE, observed_quantities={"part": OWN["part"]}).unwrapped,
        skip_render_check=True,
    )


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_many_worlds_observe_as_single_ones_through_their_ends(mode):
    keywords = {"observed_quantities": {"late": "channel + 0.5"}, "max_episode_steps": 5}
    envs = gymnasium.make_vec(BAND, num_envs=3, autoreset_mode=mode, **keywords)
    singles = [gymnasium.make(BAND, **keywords) for _ in range(3)]
    seen, _ = envs.reset(seed=4)
    assert np.array_equal(seen, [env.reset(seed=4 + i)[0] for i, env in enumerate(singles)])
    envs.action_space.seed(1)
    over = [False] * 3
    for _ in range(14):
        action = envs.action_space.sample()
        seen, _, _, truncated, infos = envs.step(action)
        for i, env in enumerate(singles):
            if over[i] and mode == "NextStep":
                expected, over[i] = env.reset()[0], False
            else:
                expected, _, _, over[i], _ = env.step(action[i])
                if over[i] and mode == "SameStep":
                    assert np.array_equal(infos["final_obs"][i], expected)
                    expected, over[i] = env.reset()[0], False
            assert np.array_equal(seen[i], expected)
            if mode == "NextStep":
                assert truncated[i] == over[i]
    mask = np.array([True, False, True])
    if mode == "NextStep":
        again, _ = envs.reset(options={"reset_mask": mask})
        assert np.array_equal(again[1], seen[1])


def test_every_agent_observes_them_and_their_controller_acts_as_without():
    plain = gym_suite.parallel_env(FLEET, agents=2)
    own = gym_suite.parallel_env(FLEET, agents=2, observed_quantities={"far": "goal_distance"})
    first, seen = plain.reset(seed=0)[0], own.reset(seed=0)[0]
    size = plain.observation_space(plain.agents[0]).shape[0]
    for _ in range(3):
        for agent, observation in seen.items():
            assert own.observation_space(agent).contains(observation)
            assert np.array_equal(observation[:size], first[agent])
        action = {agent: np.array([0.5, 0.1], np.float32) for agent in own.agents}
        first, seen = plain.step(action)[0], own.step(action)[0]
        infos = own.metrics()
        assert all(o[-1] == np.float32(infos["goal_distance"][0]) for o in seen.values())


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        (DRIVE, {}),
        ("gem/PMSM-Speed-v0", {}),
        (BAND, {}),
        ("agv/SimpleStatic-v0", {}),
        ("drones/Hover-v0", {"engine": "compiled"}),
        ("drones/MultiHover-v0", {"engine": "compiled"}),
    ],
)
def test_reference_controllers_act_as_without_them(id, keywords):
    actions = []
    for own in ({}, {"observed_quantities": {"mine": "1.5"}}):
        env = gymnasium.make(id, **keywords, **own)
        controller = gym_suite.make_controller(env)
        observation, _ = env.reset(seed=1)
        state, told = None, []
        for _ in range(12):
            action, state = controller.predict(observation, state)
            told.append(action)
            observation, *_ = env.step(action)
        actions.append(told)
    assert np.array_equal(*actions)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_snapshots_and_specs_keep_them(twin):
    env = gymnasium.make(DRIVE, observed_quantities=OWN)
    env.reset(seed=0)
    action = np.array([0.3, 0.2], np.float32)
    seen, *_ = env.step(action)
    snapshot = env.unwrapped.get_state()
    other = twin(env.unwrapped)
    ahead, *_ = env.step(action)
    assert np.array_equal(ahead, other.step(action)[0])
    env.unwrapped.set_state(snapshot)
    assert np.array_equal(env.unwrapped._observation(), seen)
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    assert gymnasium.make(spec).observation_space == env.observation_space


def test_the_page_and_the_bounds_of_theory_know_of_them():
    page = str(compose(id_class_of(DRIVE), observed_quantities=OWN))
    assert "own: `hypot(i_sd, i_sq)`" in page
    plain = gymnasium.make("radio/Access-v0").unwrapped.setup
    own = gymnasium.make("radio/Access-v0", observed_quantities={"hint": "channel"})
    kinds = {mark.kind for mark in own.unwrapped.setup.marks(10)}
    assert kinds == {mark.kind for mark in plain.marks(10)} - {"ceiling"} and kinds


@pytest.mark.parametrize(
    ("quantities", "error", "message"),
    [
        ("i_sd", TypeError, "observed_quantities must map names to formulas"),
        ({"a": [3]}, TypeError, "must be a formula or a function"),
        ({"a b": "1"}, ValueError, "a name is letters, digits and _, got 'a b'"),
        ({"i_sd": "1"}, ValueError, "gem/PMSM-v0 observes 'i_sd' already"),
        ({"a": "torqe"}, ValueError, "unknown column of observed quantity 'a' 'torqe'.*'torque'"),
        ({"a": {"value": "1", "hihg": 2}}, ValueError, "'hihg'. Did you mean 'high'"),
        ({"a": {"value": "1", "low": 2, "high": 1}}, ValueError, "low must be below high, got 2"),
        ({"a": {"low": 2}}, TypeError, "must be a formula or a function"),
    ],
)
def test_quantities_that_cannot_be_are_refused(quantities, error, message):
    with pytest.raises(error, match=message):
        gymnasium.make(DRIVE, observed_quantities=quantities)


def test_one_that_is_not_finite_is_named_and_one_too_large_for_float32_is_its_largest():
    envs = gymnasium.make_vec(BAND, num_envs=3, observed_quantities={"bad": "log(channel - 1)"})
    with pytest.raises(ValueError, match="bad is nan in world 0; it must be finite"):
        envs.reset(seed=0)
    large = gymnasium.make(BAND, observed_quantities={"large": "1e300"})
    assert large.reset(seed=0)[0][-1] == np.finfo(np.float32).max


def test_a_comparison_runs_on_them_and_refuses_policies_that_were_trained_without():
    asked = {"seeds": 1, "settings": "nominal", "horizon": 10, "progress": False}
    own = {"observed_quantities": {"hint": "channel"}}
    result = compare(BAND, agents=["random"], keywords=own, **asked)
    assert not result.failed_runs
    shown = result._repr_html_()  # what a notebook shows
    assert shown.startswith("<pre>") and "random" in shown and "<" not in shown[5:-6]
    with pytest.raises(ValueError, match="hint"):
        compare(BAND, agents=["ppo"], keywords=own, **asked)
    function = {"observed_quantities": {"hint": abs}}
    with pytest.raises((TypeError, ValueError), match="function"):
        compare(BAND, agents=["random"], keywords=function, **asked)


def test_a_value_beyond_its_bounds_is_observed_as_the_bound():
    bounds = {"low": -1, "high": 2}
    own = {"above": {"value": "5", **bounds}, "below": {"value": "-5", **bounds}}
    observation, _ = gymnasium.make(BAND, observed_quantities=own).reset(seed=0)
    assert observation[-2:].tolist() == [2.0, -1.0]
