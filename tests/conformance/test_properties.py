"""Whatever a user passes as action, keyword or option: it works, or it is a clear error and nothing is lost."""

import functools
import math

import gymnasium
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import gym_suite.testing as suite
from gym_suite.registration import catalogue

IDS = tuple(id for id, card in catalogue().items() if card.entry_point)
REAL = st.one_of(
    arrays.floating_dtypes(),
    arrays.integer_dtypes(),
    arrays.unsigned_integer_dtypes(),
    st.just(bool),
)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=5),
    st.binary(max_size=5),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@functools.cache
def world(id, n=None):
    """One environment per id for all examples, on its way."""
    keywords = catalogue()[id].anywhere
    env = (
        gymnasium.make_vec(id, num_envs=n, **keywords)
        if n
        else gymnasium.make(id, **keywords).unwrapped
    )
    env.reset(seed=0)
    return env


def choices(space):
    """Return how many choices a discrete space has, by element."""
    return space.n if isinstance(space, gymnasium.spaces.Discrete) else space.nvec


def assert_step_or_refusal(env, action):
    """Step; on ValueError the world must be as before, and then go on."""
    before = env.get_state()
    try:
        results = env.step(action)
    except ValueError as error:
        assert str(error)
        suite.assert_same(env.get_state(), before, "the world after a refused action")
        results = env.step(np.zeros(env.action_space.shape))
    assert env.observation_space.contains(results[0])
    assert np.isfinite(results[1]).all()
    assert all(np.isfinite(value).all() for value in results[-1].values())
    if np.any(results[2]):
        env.reset()


@pytest.mark.parametrize("id", IDS)
@given(data=st.data())
def test_any_array_as_an_action(id, data):
    env = world(id)
    shape = data.draw(st.one_of(st.just(env.action_space.shape), SHAPES))
    action = data.draw(arrays.arrays(data.draw(REAL), shape))
    accepted = action.shape == env.action_space.shape and np.isfinite(action.astype(float)).all()
    if accepted and not isinstance(env.action_space, gymnasium.spaces.Box):
        whole = (action == np.floor(action)) & (action >= 0)
        accepted = bool((whole & (action < choices(env.action_space))).all())
    before = env.get_state()["rows"]["step"].copy()
    if accepted:
        env.step(action)
        assert env.get_state()["rows"]["step"] == before + 1
        env.reset()
    else:
        assert_step_or_refusal(env, action)


@pytest.mark.parametrize("id", IDS)
@given(action=JUNK)
def test_any_object_as_an_action(id, action):
    assert_step_or_refusal(world(id), action)


@pytest.mark.parametrize("id", IDS)
@given(
    row=st.integers(0, 2),
    wrong=st.sampled_from([np.nan, np.inf, -np.inf]),
    column=st.integers(0, 5),
    seed=st.integers(0, 2**32),
)
def test_one_wrong_element_stops_all_worlds(id, row, wrong, column, seed):
    envs = world(id, 3)
    generator = np.random.default_rng(seed)
    if not isinstance(envs.single_action_space, gymnasium.spaces.Box):
        size = (3, *envs.single_action_space.shape)
        action = generator.integers(choices(envs.single_action_space), size=size).astype(float)
        action[row, *[column % n for n in action.shape[1:]]] = wrong
        named = "actions must be"
    else:
        size = envs.action_space.shape[1]
        action = generator.uniform(-2.0, 2.0, (3, size))
        action[row, column % size] = wrong
        named = rf"actions\[{row}, {column % size}\]"
    before = envs.get_state()
    with pytest.raises(ValueError, match=named):
        envs.step(action)
    suite.assert_same(envs.get_state(), before, "the worlds after a refused action")


@functools.cache
def keyword_names(id):
    return tuple(gymnasium.make(id, **catalogue()[id].anywhere).unwrapped.setup.keywords)


# Values near what keywords take, beside junk: most of these must work.
PLAUSIBLE = st.one_of(
    st.floats(0.0, 1.0),
    st.integers(0, 5),
    st.sampled_from(["PMSM", "dq", "abc", "voltage", "torque", "full", "constant_speed"]),
    st.dictionaries(
        st.sampled_from(["i_sd", "omega", "r_s", "l_d", "torque_load", "u_sd", "kind", "effort"]),
        st.one_of(st.floats(0.3, 2.0), st.floats(-2.0, 0.0)),
        max_size=2,
    ),
)


@pytest.mark.parametrize("id", IDS)
@settings(max_examples=150, derandomize=True)
@given(data=st.data())
def test_any_value_of_any_keyword(id, data):
    """Either a clear ValueError or TypeError when it is made, or an environment that runs."""
    name = data.draw(st.sampled_from(keyword_names(id)))
    value = data.draw(st.one_of(PLAUSIBLE, JUNK))
    try:
        given = dict(catalogue()[id].anywhere) | {name: value}
        env = gymnasium.make(id, disable_env_checker=True, **given)
    except (ValueError, TypeError) as error:
        assert str(error)
        return
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    for action in suite.random_actions(env.action_space, 3):
        observation, reward, _, _, info = env.step(action)
        assert env.observation_space.contains(observation), observation
        assert np.isfinite(reward)
        assert all(np.isfinite(value).all() for value in info.values()), info


@pytest.mark.parametrize("id", IDS)
@given(seed=st.integers(0, 2**63), n=st.integers(1, 6))
@settings(max_examples=15)
def test_any_seed_and_number_of_worlds_agree_with_single_ones(id, seed, n):
    envs = gymnasium.make_vec(id, num_envs=n, **catalogue()[id].anywhere)
    actions = suite.random_actions(envs.action_space, 5, seed=seed)
    env, row = world(id), seed % n
    pairs = [(envs.reset(seed=seed)[0][row], env.reset(seed=seed + row)[0])]
    for action in actions:
        observation, _, terminated, truncated, _ = env.step(action[row])
        pairs.append((envs.step(action)[0][row], observation))
        if terminated or truncated:
            break
    np.testing.assert_array_equal(*zip(*pairs, strict=True))
    env.reset(seed=0)


@pytest.mark.parametrize("id", IDS)
@given(options=st.dictionaries(st.text(max_size=6), JUNK, min_size=1, max_size=2))
def test_any_reset_options(id, options):
    # An empty option asks for nothing, and a name that is no column is told as one.
    assume(not set(options) <= {"state", "reset_mask", "draws"} or any(options.values()))
    env = world(id)
    before = env.get_state()
    with pytest.raises(ValueError, match=r"reset option|unknown column|draws"):
        env.reset(options=options)
    suite.assert_same(env.get_state(), before, "the world after refused options")


@pytest.mark.parametrize(
    ("id", "name", "value"),
    [
        ("gem/PMSM-Speed-v0", "duration", math.inf),
        ("gem/PMSM-Speed-v0", "duration", -1.0),
        ("gem/PMSM-v0", "dead_time", "x"),
        ("gem/PMSM-v0", "substeps", 10**400),
        ("gem/PMSM-DriveCycle-v0", "tau", 1e-9),
        ("gem/PMSM-DriveCycle-v0", "control_period", 1e9),
        ("drones/Hover-v0", "control_frequency", 1e-9),
    ],
)
def test_a_keyword_that_cannot_work_is_refused_by_name(id, name, value):
    with pytest.raises(ValueError, match=name):
        gymnasium.make(id, **{name: value})


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        ("gem/PMSM-DriveCycle-v0", {"disturbance": {"u_sd": 1e9}}),
    ],
)
def test_observations_stay_in_the_space_when_the_integration_diverges(id, keywords):
    env = gymnasium.make(id, disable_env_checker=True, **keywords)
    env.reset(seed=0)
    for action in suite.random_actions(env.action_space, 40):
        observation, _, terminated, *_ = env.step(action)
        assert env.observation_space.contains(observation)
        if terminated:
            return
