"""Checks of what a controller promises, and that the reference controller earns its place."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np

from gym_suite.registration import card, make_controller
from gym_suite.testing.subjects import (
    assert_same,
    make_native,
    make_single,
    random_actions,
    rollout,
)

ROWS = 4
STEPS = 12
SEEDS = 20
HORIZON = 1000  # steps over which controllers are judged, if the episode is longer


def _observations(id: str, keywords: dict[str, Any]) -> np.ndarray:
    """Return observations of a random rollout, (STEPS, ROWS, no)."""
    envs = make_native(id, ROWS, **keywords)
    first = envs.reset(seed=0)[0]
    actions = random_actions(envs.action_space, STEPS - 1)
    return np.array([first, *(step[0] for step in rollout(envs, actions))])


def _run(controller: Any, observations: np.ndarray, starts: np.ndarray | None = None) -> list:
    """Return the actions and states of a batch over time."""
    state, results = None, []
    for k, observation in enumerate(observations):
        start = None if starts is None else starts[k]
        action, state = controller.predict(observation, state, start)
        results.append((action, state))
    return results


def _looks(id: str, name: str, keywords: dict[str, Any]) -> bool:
    """Return whether a controller looks at its worlds: recorded observations tell it nothing."""
    return make_controller(make_single(id, **keywords), name).information == "state"


def check_in_its_worlds(id: str, name: str, **keywords: Any) -> None:
    """In a closed loop a row acts as it would alone, in the action space, and moves nothing itself."""
    envs = make_native(id, ROWS, **keywords)
    singles = [make_single(id, **keywords) for _ in range(ROWS)]
    together = make_controller(envs, name)
    together.watch(envs)
    alone = [make_controller(env, name) for env in singles]
    for controller, env in zip(alone, singles, strict=True):
        controller.watch(env)
    observation, _ = envs.reset(seed=0)
    rows = [env.reset(seed=seed)[0] for seed, env in enumerate(singles)]
    twins = (observation[1:] == observation[0]).all(axis=1).any()
    state, states = None, [None] * ROWS
    for k in range(STEPS):
        before: Any = envs.unwrapped.get_state()  # type: ignore[attr-defined]
        action, state = together.predict(observation, state)
        assert_same(envs.unwrapped.get_state(), before, "the worlds while it makes up its mind")  # type: ignore[attr-defined]
        assert envs.action_space.contains(action), f"{name} gave {action!r}"
        for i, env in enumerate(singles):
            own, states[i] = alone[i].predict(rows[i], states[i])
            if not (together.randomized and twins):
                assert_same(own, action[i], f"action of row {i} at step {k}")
            rows[i] = env.step(action[i])[0]
        observation, _, terminated, truncated, _ = envs.step(action)
        if (terminated | truncated).any():
            break


def check_predict(id: str, name: str, **keywords: Any) -> None:
    """Actions lie in the action space and have its shape and dtype, for one row and for many."""
    if _looks(id, name, keywords):
        return
    env, envs = make_single(id, **keywords), make_native(id, ROWS, **keywords)
    controller = make_controller(env, name)
    for observation in _observations(id, keywords):
        action, _ = controller.predict(observation)
        assert envs.action_space.contains(action), f"{name} gave {action!r} for {ROWS} rows"
        action, _ = controller.predict(observation[0])
        assert env.action_space.contains(action), f"{name} gave {action!r} for one row"


def check_batches(id: str, name: str, **keywords: Any) -> None:
    """Every row of a batch acts, and remembers, exactly as it would alone.

    A controller that draws random numbers tells rows that begin alike apart by their order: of these
    only the first is the one alone.
    """
    if _looks(id, name, keywords):
        return
    controller = make_controller(make_single(id, **keywords), name)
    observations = _observations(id, keywords)
    batch = _run(controller, observations)
    for row in range(ROWS):
        twins = (observations[0, :row] == observations[0, row]).all(axis=1)
        if controller.randomized and twins.any():
            continue
        alone = _run(controller, observations[:, row])
        for k, ((action, state), (actions, states)) in enumerate(zip(alone, batch, strict=True)):
            assert_same(action, actions[row], f"action of row {row} at step {k}")
            assert_same(state, states[row], f"state of row {row} at step {k}")


def check_state_is_kept(id: str, name: str, **keywords: Any) -> None:
    """``predict`` changes neither the observation nor the state it is given, and repeats itself."""
    if _looks(id, name, keywords):
        return
    controller = make_controller(make_single(id, **keywords), name)
    observations = _observations(id, keywords)
    _, state = controller.predict(observations[0])
    kept, seen = np.copy(state), observations[1].copy()
    first = controller.predict(observations[1], state)
    assert_same(state, kept, "the state that predict was given")
    assert_same(observations[1], seen, "the observation that predict was given")
    assert_same(controller.predict(observations[1], kept), first, "the same call again")


def check_episode_start(id: str, name: str, **keywords: Any) -> None:
    """A row marked by ``episode_start`` acts like one that starts; the others go on undisturbed."""
    if _looks(id, name, keywords):
        return
    controller = make_controller(make_single(id, **keywords), name)
    observations = _observations(id, keywords)
    middle = STEPS // 2
    starts = np.zeros((STEPS, ROWS), dtype=bool)
    starts[middle, ::2] = True
    through, marked = _run(controller, observations), _run(controller, observations, starts)
    # An agent may tell episodes apart (random actions do); it is compared with one that knows so too.
    all_marked = np.zeros((STEPS, ROWS), dtype=bool)
    all_marked[middle] = True
    anew = _run(controller, observations, all_marked)
    for k, (action, _) in enumerate(marked):
        assert_same(action[1::2], through[k][0][1::2], f"rows that go on, step {k}")
        assert_same(action[::2], anew[k][0][::2], f"rows that start anew, step {k}")
    if not controller.randomized:
        fresh = _run(controller, observations[middle:])
        for k, (action, _) in enumerate(fresh):
            assert_same(marked[middle + k][0][::2], action[::2], f"a fresh start, step {k}")


def check_controller_pickles(id: str, name: str, **keywords: Any) -> None:
    """A pickled controller acts and describes itself as the original."""
    controller = make_controller(make_single(id, **keywords), name)
    twin = pickle.loads(pickle.dumps(controller))
    if controller.information == "state":
        assert twin.describe() == controller.describe(), "describe() differs after pickle"
        return
    observations = _observations(id, keywords)
    assert_same(_run(twin, observations), _run(controller, observations), "after pickle")
    assert twin.describe() == controller.describe(), "describe() differs after pickle"


def check_description(id: str, name: str, **keywords: Any) -> None:
    """``describe()`` is JSON and says name, rule and gains; ``information`` is one of the three kinds."""
    controller = make_controller(make_single(id, **keywords), name)
    described = controller.describe()
    assert json.loads(json.dumps(described)) == described, "describe() does not survive JSON"
    for key in ("name", "information", "gains"):
        assert key in described, f"describe() lacks {key!r}: {sorted(described)}"
    assert controller.information in ("observation", "model", "state"), controller.information
    assert described["information"] == controller.information, "describe() tells another kind"


def check_bad_overrides(id: str, name: str, **keywords: Any) -> None:
    """An unknown keyword or controller is a ValueError."""
    env = make_single(id, **keywords)
    for arguments, override in (((name,), {"no_such_gain": 1.0}), ((name + "x",), {})):
        try:
            make_controller(env, *arguments, **override)
        except ValueError as error:
            assert override or name in str(error), f"the nearest name is not told: {error}"
        else:
            raise AssertionError(f"make_controller accepted {arguments} {override}")


def returns_of(id: str, name: str, *, steps: int = HORIZON, **keywords: Any) -> dict[str, Any]:
    """Return what one controller earns in the first episode of 20 seeds.

    Args:
        id: The environment's id.
        name: The controller's name.
        steps: Steps after which an episode is cut off.
        **keywords: Keywords of the environment.

    Returns:
        "returns": (20,) sums of rewards until the episode's end; "violations": (20,) steps in which
        a limit was violated; "terminated": (20,) whether the episode ended early without success.
    """
    envs: Any = make_native(id, SEEDS, **keywords)
    controller = make_controller(envs, name)
    violation, success = envs.unwrapped.setup.violation, envs.unwrapped.setup.success
    controller.watch(envs)
    observation, state = envs.reset(seed=0)[0], None
    returns, violations = np.zeros(SEEDS), np.zeros(SEEDS)
    live, ended = np.ones(SEEDS, dtype=bool), np.zeros(SEEDS, dtype=bool)
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, terminated, truncated, infos = envs.step(action)
        returns += np.where(live, reward, 0.0)
        violations += np.where(live, infos[violation], 0.0) if violation else 0.0
        failed = terminated & ~(infos[success] > 0.0) if success else terminated
        ended |= live & failed
        live &= ~(terminated | truncated)
        if not live.any():
            break
    envs.close()
    return {"returns": returns, "violations": violations, "terminated": ended}


def check_beats_doing_nothing(id: str, name: str, **keywords: Any) -> None:
    """The reference controller earns more than doing nothing, paired over 20 seeds, and nothing trips.

    One that has to begin before it controls, as a drive that looks for its rotor, says in ``starting_`` how many
    control periods that may take, and is judged for so much longer.
    """
    env: Any = make_single(id, **keywords)
    steps = HORIZON + getattr(make_controller(env, name), "starting_", 0)
    env.close()
    own, nothing = (returns_of(id, agent, steps=steps, **keywords) for agent in (name, "zero"))
    gain = own["returns"] - nothing["returns"]
    assert gain.mean() > 2.0 * gain.std(ddof=1) / np.sqrt(SEEDS), (
        f"{name} gains {gain.mean():.4g} +- {gain.std(ddof=1):.4g} on doing nothing"
    )
    assert (gain > 0.0).mean() >= 0.9, (
        f"{name} beats doing nothing in {(gain > 0).sum()} of {SEEDS}"
    )
    _check_violations(id, name, own["violations"], **keywords)
    assert not own["terminated"].any(), f"{name} ends episodes early: {own['terminated']}"


def _check_violations(id: str, name: str, violations: np.ndarray, **keywords: Any) -> None:
    """No limit is violated; where chance forces violations there are no more than under random actions."""
    env: Any = make_single(id, **keywords)
    avoidable = env.unwrapped.setup.avoidable
    env.close()
    if avoidable:
        assert not violations.any(), f"{name} violates limits: {violations}"
        return
    chance = returns_of(id, "random", **keywords)["violations"]
    assert violations.sum() <= chance.sum(), (
        f"{name} violates limits in {violations.sum():g} steps, random actions in {chance.sum():g}"
    )


def check_survives_mismatch(id: str, name: str, **keywords: Any) -> None:
    """With every plant parameter up to 30 % off, the reference controller violates no limit on 20 seeds."""
    result = returns_of(id, name, mismatch=0.3, **keywords)
    assert np.isfinite(result["returns"]).all(), f"returns are {result['returns']}"
    _check_violations(id, name, result["violations"], mismatch=0.3, **keywords)
    assert not result["terminated"].any(), f"{name} ends episodes early: {result['terminated']}"


PROTOCOL = (
    check_in_its_worlds,
    check_predict,
    check_batches,
    check_state_is_kept,
    check_episode_start,
    check_controller_pickles,
    check_description,
    check_bad_overrides,
)
REFERENCE = (check_beats_doing_nothing, check_survives_mismatch)


def is_reference(id: str, name: str) -> bool:
    """Return whether a controller is the reference controller of an id."""
    return name == card(id).reference
