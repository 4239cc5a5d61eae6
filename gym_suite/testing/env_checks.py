"""Checks of what one environment promises: contracts, seeds, snapshots, memory, observations, rewards."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from gym_suite.testing.subjects import (
    Subject,
    arrays_in,
    assert_same,
    make_native,
    make_single,
    random_actions,
    rollout,
    warnings_are_errors,
)

STEPS = 40
SEEDS = 20


def check_gymnasium_contract(subject: Subject, **keywords: Any) -> None:
    """Gymnasium's own ``check_env`` passes without a warning (pictures are checked apart)."""
    from gymnasium.utils.env_checker import check_env

    env = make_single(subject, **keywords)
    # A setup that is no registered id has no spec to render by.
    allowed = () if isinstance(subject, str) else (".*Not able to test alternative render modes",)
    with warnings_are_errors(*allowed):
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def check_stable_baselines3_contract(subject: Subject, **keywords: Any) -> None:
    """Stable-Baselines3's ``check_env`` passes without a warning; nothing is checked where it is missing."""
    try:
        from stable_baselines3.common.env_checker import check_env
    except ImportError:
        return
    env = make_single(subject, **keywords)
    # It takes every three-dimensional Box for a picture of bytes.
    setup: Any = env.unwrapped.setup  # type: ignore[attr-defined]
    depths = any(image.dtype != "uint8" for image in setup.images)
    with warnings_are_errors(*(("It seems that your observation",) if depths else ())):
        check_env(env, warn=True, skip_render_check=True)
    env.close()


def check_spec_round_trip(id: str, **keywords: Any) -> None:
    """A spec written to JSON and read back makes the same environment, single and vector."""
    env, envs = make_single(id, **keywords), make_native(id, 3, **keywords)
    assert env.spec is not None and envs.spec is not None, f"{id} has no spec"
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    again_vector = gymnasium.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert again_vector.num_envs == 3, f"the vector spec came back with {again_vector.num_envs}"
    for what, one, other in (("single", env, again), ("vector", envs, again_vector)):
        actions = random_actions(one.action_space, STEPS)
        assert_same(other.reset(seed=3), one.reset(seed=3), f"{what} reset from the JSON spec")
        assert_same(rollout(other, actions), rollout(one, actions), f"{what} from the JSON spec")
        one.close()
        other.close()


def check_resolved_keywords(id: str, **keywords: Any) -> None:
    """``setup.keywords`` survive JSON and, given to ``make``, yield the same environment."""
    import json

    env = make_single(id, **keywords)
    resolved = json.loads(json.dumps(env.unwrapped.setup.keywords))  # type: ignore[attr-defined]
    again = make_single(id, **resolved)
    actions = random_actions(env.action_space, STEPS)
    assert_same(again.reset(seed=1), env.reset(seed=1), "reset with the resolved keywords")
    assert_same(rollout(again, actions), rollout(env, actions), "steps with the resolved keywords")


def check_pickle_and_deepcopy(id: str, **keywords: Any) -> None:
    """A pickled or copied environment, single or vector, has exactly the future of the original."""
    for env in (make_single(id, **keywords), make_native(id, 3, **keywords)):
        actions = random_actions(env.action_space, 3 * STEPS)
        env.reset(seed=5)
        rollout(env, actions[:STEPS])
        twins = {"pickle": pickle.loads(pickle.dumps(env)), "deepcopy": copy.deepcopy(env)}
        future = [*rollout(env, actions[STEPS:]), env.reset()]
        for what, twin in twins.items():
            assert type(twin) is type(env), f"{what} gives a {type(twin).__name__}"
            assert twin.spec == env.spec, f"{what} loses the spec"
            same = [*rollout(twin, actions[STEPS:]), twin.reset()]
            assert_same(same, future, f"the future after {what}")


def check_close_twice(subject: Subject, **keywords: Any) -> None:
    """Closing again does nothing, before a reset and after."""
    for env in (make_single(subject, **keywords), make_native(subject, 2, **keywords)):
        env.close()
        env.close()
    for env in (make_single(subject, **keywords), make_native(subject, 2, **keywords)):
        env.reset(seed=0)
        env.close()
        env.close()


def check_rendering(subject: Subject, **keywords: Any) -> None:
    """``rgb_array`` and ``ansi`` need no display, give pictures and texts and change nothing in the world."""
    env = make_single(subject, render_mode="rgb_array", **keywords)
    plain = make_single(subject, **keywords)
    actions = random_actions(env.action_space, 4)
    env.reset(seed=2)
    plain.reset(seed=2)
    for action in actions:
        frame = env.render()
        assert isinstance(frame, np.ndarray), f"render() gave {type(frame).__name__}"
        assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3, (
            f"a frame has dtype {frame.dtype} and shape {frame.shape}, expected uint8 (h, w, 3)"
        )
        assert_same(env.step(action), plain.step(action), "a step between two pictures")
    env.close()
    told = make_single(subject, render_mode="ansi", **keywords)
    told.reset(seed=2)
    plain.reset(seed=2)
    for action in actions:
        text = told.render()
        assert isinstance(text, str), f"render() gave {type(text).__name__}, expected a text"
        assert text.strip(), "render() gave an empty text"
        assert_same(told.step(action), plain.step(action), "a step between two texts")
    told.close()


def check_seeds(subject: Subject, **keywords: Any) -> None:
    """A seed fixes this episode and the following ones; other seeds give other episodes."""
    env, other = make_single(subject, **keywords), make_single(subject, **keywords)
    actions = random_actions(env.action_space, STEPS)

    def episodes(world: Any, seed: int) -> list:
        first = [world.reset(seed=seed), *rollout(world, actions)]
        return [*first, world.reset(), *rollout(world, actions)]

    expected = episodes(env, 7)
    assert_same(episodes(env, 7), expected, "the same seed again")
    assert_same(episodes(other, 7), expected, "the same seed in another environment")
    # The state, for two episodes may look alike at first (a car at a red light).
    starts = {_start(env, seed) for seed in range(SEEDS)}
    assert len(starts) == SEEDS, f"{SEEDS} seeds gave {len(starts)} different initial states"
    without = {_start(env, None) for _ in range(SEEDS)}
    assert len(without) == SEEDS, "resets without a seed repeat an episode"


def _start(env: Any, seed: int | None) -> tuple[float, ...]:
    """Return what tells an episode apart: its initial state, or its key where that is all whole numbers.

    Such a world has so few states that seeds may share one, and without chance it has only one.
    """
    env.reset(seed=seed)
    state = tuple(float(values[0]) for values in env.unwrapped.state().values())
    if all(value == round(value) for value in state):
        return tuple(env.unwrapped.get_state()["rows"]["key"].tolist())
    return state


def check_snapshots(subject: Subject, **keywords: Any) -> None:
    """``set_state`` restores a world exactly, random stream included, as often as one likes.

    So a planner can branch: try other actions, go back, and find the same future.
    """
    for make in (make_single, lambda s, **k: make_native(s, 3, **k)):
        env: Any = make(subject, **keywords).unwrapped
        actions = random_actions(env.action_space, 3 * STEPS)
        others = random_actions(env.action_space, STEPS, seed=9)
        env.reset(seed=4)
        rollout(env, actions[:STEPS])
        snapshot, state = env.get_state(), env.state()
        future = [*rollout(env, actions[STEPS:]), env.reset()]
        env.set_state(snapshot)
        assert_same(env.state(), state, "the state that a snapshot restores")
        rollout(env, others)
        env.set_state(snapshot)
        assert_same(
            [*rollout(env, actions[STEPS:]), env.reset()], future, "the future after branching"
        )
        elsewhere: Any = make(subject, **keywords).unwrapped
        elsewhere.set_state(snapshot)
        assert_same(
            [*rollout(elsewhere, actions[STEPS:]), elsewhere.reset()],
            future,
            "the future of a snapshot in another environment",
        )


def check_fresh_memory(subject: Subject, **keywords: Any) -> None:
    """Nothing that was handed out changes later, and no two steps share memory."""
    for env in (
        make_single(subject, max_episode_steps=7, **keywords),
        make_native(subject, 3, max_episode_steps=7, **keywords),
    ):
        actions = random_actions(env.action_space, 20)
        bare: Any = env.unwrapped
        given: list[tuple] = [env.reset(seed=0)]
        kept = [copy.deepcopy(given[0])]
        for action in actions:
            given.append((*env.step(action), bare.metrics(), bare.state(), bare.get_state()))
            kept.append(copy.deepcopy(given[-1]))
            if not isinstance(env, gymnasium.vector.VectorEnv) and any(given[-1][2:4]):
                env.reset()
        assert_same(given, kept, "what earlier steps returned")
        for earlier, later in itertools.pairwise(given):
            shared = any(
                np.shares_memory(one, other)
                for one in arrays_in(earlier)
                for other in arrays_in(later)
                if one.dtype != object and other.dtype != object
            )
            assert not shared, "two steps returned the same memory"


def check_observations(subject: Subject, **keywords: Any) -> None:
    """Observations are finite, lie in the declared space, and no element is constant over 20 seeds."""
    envs: Any = make_native(subject, SEEDS, **keywords)
    space = envs.single_observation_space
    seen = [envs.reset(seed=0)[0]]
    seen += [step[0] for step in rollout(envs, random_actions(envs.action_space, STEPS))]
    setup = envs.unwrapped.setup
    names = setup.observation_columns.names * setup.agent_count
    for what, box in _boxes(space).items():
        stacked = np.array([one if what is None else one[what] for one in seen])
        assert stacked.dtype == box.dtype, f"observations are {stacked.dtype}, not {box.dtype}"
        assert np.isfinite(stacked).all(), "an observation is not finite"
        if len(box.shape) > 1:
            low, high = stacked.min(), stacked.max()
            assert box.low.min() <= low < high <= box.high.max(), (
                f"picture {what!r} has values in [{low}, {high}]"
            )
            continue
        low, high = stacked.min(axis=(0, 1)), stacked.max(axis=(0, 1))
        for j, name in enumerate(names):
            assert box.low[j] <= low[j] and high[j] <= box.high[j], (
                f"observation {name!r} left [{box.low[j]}, {box.high[j]}]: [{low[j]}, {high[j]}]"
            )
            assert low[j] < high[j], f"observation {name!r} is always {low[j]}"


def _boxes(space: Any) -> dict[Any, Any]:
    """Return the parts of an observation space by key; None for one that is no Dict."""
    return dict(space.spaces) if isinstance(space, gymnasium.spaces.Dict) else {None: space}


def check_pictures(subject: Subject, **keywords: Any) -> None:
    """Pictures show the state: another start looks otherwise, and a restored state looks the same again."""
    env: Any = make_single(subject, **keywords).unwrapped
    if not env.setup.images:
        env.close()
        return

    def pictures(observation: Any) -> dict[Any, np.ndarray]:
        whole = observation if isinstance(observation, dict) else {None: observation}
        return {what: part for what, part in whole.items() if what != "state"}

    first = pictures(env.reset(seed=0)[0])
    snapshot = env.get_state()
    action = random_actions(env.action_space, STEPS)
    later = [pictures(env.step(one)[0]) for one in action]
    env.set_state(snapshot)
    for one, expected in zip(action, later, strict=True):
        assert_same(pictures(env.step(one)[0]), expected, "pictures after a restored state")
    other = pictures(env.reset(seed=1)[0])
    assert any((first[what] != other[what]).any() for what in first), "two starts look alike"
    env.close()


def check_reward_terms(subject: Subject, **keywords: Any) -> None:
    """The reward is the sum of the reward terms in ``info``, in their order, bit for bit."""
    env = make_single(subject, **keywords)
    terms = env.unwrapped.setup.reward_terms  # type: ignore[attr-defined]
    assert terms, "the metrics hold no reward terms (columns named 'reward_...')"
    columns = env.unwrapped.setup.metric_columns.names  # type: ignore[attr-defined]
    assert columns[: len(terms)] == terms, f"the reward terms do not come first: {columns}"
    env.reset(seed=1)
    for action in random_actions(env.action_space, 10 * STEPS):
        _, reward, terminated, truncated, info = env.step(action)
        # Not sum(): since Python 3.12 it compensates rounding errors.
        total = info[terms[0]]
        for name in terms[1:]:
            total += info[name]
        assert reward == total, f"the reward {reward!r} is not the sum of its terms {total!r}"
        if terminated or truncated:
            env.reset()


def check_info_is_state(subject: Subject, **keywords: Any) -> None:
    """``info`` holds exactly the metric columns, then the setup's arrays; what the state has equals it."""
    env = make_single(subject, **keywords)
    bare: Any = env.unwrapped
    names = bare.setup.metric_columns.names
    shared = [name for name in names if name in bare.setup.state_columns.used]
    _, info = env.reset(seed=1)
    for action in random_actions(env.action_space, STEPS):
        for name, first, stop in bare.setup.info_arrays:
            expected = list(bare.state().values())[first:stop]
            found = info.pop(name)
            assert found.dtype == np.int32, f"info[{name!r}] has dtype {found.dtype}"
            assert found.tolist() == np.ravel(expected).tolist(), (
                f"info[{name!r}] is not the state's"
            )
        assert tuple(info) == names, f"info has the keys {tuple(info)}, expected {names}"
        assert all(type(value) is float for value in info.values()), f"info holds no floats: {info}"
        state, metrics = bare.state(), bare.metrics()
        for name in shared:
            assert info[name] == state[name][0], f"info[{name!r}] is not the state's"
        for name in names:
            assert info[name] == metrics[name][0], f"info[{name!r}] differs from metrics()"
        _, _, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            _, info = env.reset()


def check_observation_scale(subject: Subject, **keywords: Any) -> None:
    """An observation of a state column, times its scale, is the SI value in the state (without noise)."""
    env: Any = make_single(subject, **keywords).unwrapped
    setup = env.setup
    if setup.noise is not None or setup.agents or setup.images:
        return
    for seed in range(SEEDS):
        observations = [env.reset(seed=seed)[0]]
        observations += [env.step(a)[0] for a in random_actions(env.action_space, 3, seed=seed)]
        state = env.state()
        for j, column in enumerate(setup.observation_columns):
            if column.name in setup.state_columns.used:
                # Actions are normalised in the state too.
                scale = column.scale / setup.state_columns[column.name].scale
                value = np.clip(state[column.name][0] / scale, column.low, column.high)
                np.testing.assert_allclose(
                    observations[-1][j],
                    value,
                    rtol=1e-6,
                    atol=1e-6,
                    err_msg=f"observation {column.name!r} times {column.scale:g} is not the state",
                )


GENERAL = (
    check_gymnasium_contract,
    check_stable_baselines3_contract,
    check_close_twice,
    check_seeds,
    check_snapshots,
    check_fresh_memory,
    check_observations,
    check_pictures,
    check_reward_terms,
    check_info_is_state,
    check_observation_scale,
)
BY_ID = (
    check_spec_round_trip,
    check_resolved_keywords,
    check_pickle_and_deepcopy,
    check_rendering,
)
