"""Checks of what an environment does with bad input, and with the keywords that touch the plant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from gym_suite.core.observations import STATE
from gym_suite.testing.subjects import (
    Subject,
    assert_same,
    discrete_bounds,
    make_native,
    make_single,
    raises_value_error,
    random_actions,
    rollout,
)

STEPS = 40
SEEDS = 20


# ------------------------------------------------------------------------------------------- actions


def bad_actions(space: spaces.Space) -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Return what no environment may accept: name to (action, words that the error must mention).

    Args:
        space: The action space, single or batched.
    """
    if isinstance(space, spaces.Box):
        shape, good = space.shape, np.zeros(space.shape)
    else:
        _, shape = discrete_bounds(space)
        good = np.zeros(shape, dtype=np.int64)
    numbers = np.array(good, dtype=np.float64)
    bad: dict[str, tuple[Any, tuple[str, ...]]] = {
        "one element more": (np.zeros((*shape, 2)), ("shape", str((*shape, 2)), str(shape))),
        "complex": (numbers + 1j, ("dtype", "complex")),
        "strings": (good.astype(str), ("dtype",)),
        "objects": (np.full(shape, None), ("dtype", "object")),
        "a ragged list": ([[0.0], [0.0, 0.0]], ()),
        "None": (None, ()),
    }
    last = tuple(size - 1 for size in shape)
    for label, value in (("NaN", np.nan), ("infinity", np.inf), ("minus infinity", -np.inf)):
        action = numbers.copy()
        action[last] = value
        words = (str(list(last)), str(value)) if isinstance(space, spaces.Box) else ()
        bad[label] = (action, words)
    if isinstance(space, spaces.Box):
        bad["one element less"] = (np.zeros((*shape[:-1], shape[-1] + 1)), ("shape",))
        return bad
    high, _ = discrete_bounds(space)
    for label, value in (("too high", np.max(high)), ("negative", -1), ("a fraction", 0.5)):
        action = numbers.copy()
        action[last] = value
        bad[label] = (action, ("whole number",))
    return bad


def check_bad_actions(subject: Subject, **keywords: Any) -> None:
    """A wrong shape or dtype, NaN or infinity is a ValueError that says what was wrong, and changes nothing."""
    for env in (make_single(subject, **keywords), make_native(subject, 3, **keywords)):
        bare: Any = env.unwrapped
        actions = random_actions(env.action_space, 2 * STEPS)
        env.reset(seed=6)
        rollout(env, actions[:STEPS])
        before = bare.get_state(), bare.metrics(), bare.state()
        for what, (action, words) in bad_actions(env.action_space).items():
            with raises_value_error(f"an action of {what}", *words):
                bare.step(action)
            after = bare.get_state(), bare.metrics(), bare.state()
            assert_same(after, before, f"the world after an action of {what}")
        twin: Any = (
            make_single(subject, **keywords)
            if len(before[2]) and not hasattr(env, "num_envs")
            else make_native(subject, 3, **keywords)
        )
        twin.reset(seed=6)
        rollout(twin, actions[:STEPS])
        assert_same(
            rollout(env, actions[STEPS:]), rollout(twin, actions[STEPS:]), "steps after bad actions"
        )


def check_step_before_reset(subject: Subject, **keywords: Any) -> None:
    """Stepping before the first reset is Gymnasium's ResetNeeded, not a wrong answer."""
    from gymnasium.error import ResetNeeded

    for env in (make_single(subject, **keywords), make_native(subject, 2, **keywords)):
        try:
            env.unwrapped.step(random_actions(env.action_space, 1)[0])
        except ResetNeeded:
            continue
        raise AssertionError("a step before the first reset was accepted")


def check_action_dtypes(subject: Subject, **keywords: Any) -> None:
    """Any real dtype and plain lists are accepted and mean the same numbers."""
    env: Any = make_single(subject, **keywords)
    ones = np.ones(env.action_space.shape)
    results = {}
    for dtype in (np.float64, np.float32, np.float16, np.int64, np.int8, np.uint8, np.bool_, list):
        env.reset(seed=0)
        action = ones.tolist() if dtype is list else ones.astype(dtype)
        results[dtype] = env.step(action)
        assert_same(results[dtype], results[np.float64], f"a step with {dtype.__name__}")


def check_clipping(subject: Subject, **keywords: Any) -> None:
    """Numbers beyond [-1, 1] act as the bound, and the metric "clipped" counts them."""
    env: Any = make_single(subject, **keywords)
    if not isinstance(env.action_space, spaces.Box):
        return
    assert "clipped" in env.unwrapped.setup.metric_columns, "there is no metric 'clipped'"
    delay = env.unwrapped.setup.delay
    inside = np.linspace(-1.0, 1.0, env.action_space.shape[0])
    beyond = inside * np.where(np.abs(inside) == 1.0, 1e6, 1.0)
    results = []
    for action in (inside, beyond):
        env.reset(seed=3)
        results += [env.step(action) for _ in range(delay + 1)]
        count = results[-1][-1].pop("clipped")
        expected = float(np.sum(np.abs(action) > 1.0))
        assert count == expected, f"info['clipped'] is {count} for {action}, expected {expected}"
    assert_same(results[-1], results[delay], "a step with a clipped action")


# ------------------------------------------------------------------------------------------ keywords


def check_unknown_keywords(id: str, **keywords: Any) -> None:
    """A misspelt keyword is a ValueError that names the right one, for make and make_vec."""
    names = make_single(id, **keywords).unwrapped.setup.keywords  # type: ignore[attr-defined]
    assert names, "setup.keywords is empty"
    for name in names:
        for wrong in (name + "x", name.upper()):
            misspelt: dict[str, Any] = {wrong: None}
            with raises_value_error(f"the keyword {wrong!r}", repr(wrong), repr(name)):
                make_single(id, **misspelt)
            with raises_value_error(f"the keyword {wrong!r}", repr(wrong), repr(name)):
                make_native(id, 2, **misspelt)


def check_bad_options(subject: Subject, **keywords: Any) -> None:
    """An unknown reset option or state column is a ValueError that names the nearest; the world goes on."""
    env: Any = make_single(subject, **keywords)
    column = env.unwrapped.setup.state_columns.names[0]
    env.reset(seed=0)
    rollout(env, random_actions(env.action_space, 5))
    before = env.unwrapped.get_state()
    for options, words in (
        ({"stat": {}}, ("'state'",)),
        ({"state": {column + "x": 0.0}}, (repr(column),)),
        ({"state": {column: np.nan}}, (repr(column),)),
        ({"state": {column: [0.0, 0.0]}}, (repr(column), "shape")),
    ):
        with raises_value_error(f"reset options {options}", *words):
            env.unwrapped.reset(options=options)
        assert_same(env.unwrapped.get_state(), before, f"the world after options {options}")


def _nominal(env: Any) -> tuple:
    nominal = env.unwrapped.nominal
    return dict(nominal.parameters), nominal.row


def check_noise(id: str, **keywords: Any) -> None:
    """``noise=`` changes measured observations only, reproducibly, and stays within the space."""
    plain: Any = make_native(id, SEEDS, **keywords)
    noisy: Any = make_native(id, SEEDS, noise=0.01, **keywords)
    setup = noisy.unwrapped.setup
    measured = [setup.observation_columns.index(name) for name in setup.measured]
    others = np.setdiff1d(np.arange(len(setup.observation_columns)), measured)
    assert measured, f"{id} accepts noise= and measures nothing"
    assert_same(_nominal(noisy), _nominal(plain), "the nominal parameters under noise=")
    expected, got = plain.reset(seed=0)[0], noisy.reset(seed=0)[0]
    assert_same(noisy.reset(seed=0)[0], got, "noise under the same seed")
    assert_same(noisy.unwrapped.state(), plain.unwrapped.state(), "the state under noise=")
    assert_same(got[:, others], expected[:, others], "what is not measured, under noise=")
    deviation = (got - expected)[:, measured].std(axis=0)
    assert (deviation > 0.002).all() and (deviation < 0.03).all(), (
        f"noise=0.01 gave deviations of {deviation} over {SEEDS} worlds"
    )
    for step in rollout(noisy, random_actions(noisy.action_space, STEPS)):
        assert noisy.observation_space.contains(step[0]), "noise left the observation space"


def check_mismatch(id: str, **keywords: Any) -> None:
    """``mismatch=`` draws plant parameters anew at each reset; controllers keep seeing the nominal ones."""
    plain: Any = make_native(id, SEEDS, **keywords)
    other: Any = make_native(id, SEEDS, mismatch=0.3, **keywords)
    setup = other.unwrapped.setup
    assert setup.plant_parameters, f"{id} accepts mismatch= and has no plant parameters"
    assert_same(_nominal(other), _nominal(plain), "the nominal parameters under mismatch=")
    other.reset(seed=0)
    drawn = other.unwrapped.get_state()["rows"]["p"]
    for j, name in enumerate(setup.parameter_columns.names):
        nominal = setup.row[j]
        if name not in setup.plant_parameters or nominal == 0.0:
            assert (drawn[:, j] == nominal).all(), f"mismatch= touched {name!r}"
            continue
        factor = drawn[:, j] / nominal
        assert (np.abs(factor - 1.0) <= 0.3 + 1e-12).all(), f"{name!r} was drawn beyond 30 %"
        assert len(np.unique(factor)) == SEEDS, f"{name!r} is the same in several worlds"
    actions = random_actions(other.action_space, STEPS)
    expected = [other.reset(seed=0), *rollout(other, actions)]
    assert_same([other.reset(seed=0), *rollout(other, actions)], expected, "the same seed again")
    again = other.unwrapped.get_state()["rows"]["p"]
    other.reset()
    assert not (other.unwrapped.get_state()["rows"]["p"] == again).all(), (
        "the next episode has the same parameters"
    )
    _check_fixed_mismatch(id, setup, keywords)


def _check_fixed_mismatch(id: str, setup: Any, keywords: dict[str, Any]) -> None:
    """A given factor is met, an unknown parameter refused with the nearest name."""
    name = next(n for n in setup.plant_parameters if setup.row[setup.parameter_columns.index(n)])
    env: Any = make_single(id, mismatch={name: 1.25}, **keywords)
    env.reset(seed=0)
    column = setup.parameter_columns.index(name)
    got = env.unwrapped.get_state()["rows"]["p"][0, column]
    assert got == 1.25 * setup.row[column], f"mismatch={{{name!r}: 1.25}} gave {got}"
    with raises_value_error("mismatch of an unknown parameter", repr(name)):
        make_single(id, mismatch={name + "x": 1.1}, **keywords)


def check_delay(id: str, **keywords: Any) -> None:
    """``delay=k`` gives exactly what the undelayed world gives for k idle actions and then the same ones.

    But for the last action that is observed and what of it was clipped: they are of the action that was given.
    """
    delay = 3
    for make in (make_single, lambda i, **k: make_native(i, 3, **k)):
        late: Any = make(id, delay=delay, **keywords)
        prompt: Any = make(id, delay=0, **keywords)
        actions = random_actions(late.action_space, STEPS)
        idles = late.unwrapped.setup.idle_actions
        idle = np.resize(idles, late.action_space.shape)
        shifted = [*[idle] * delay, *actions[:-delay]]
        assert_same(late.reset(seed=2), prompt.reset(seed=2), "reset with delay=")
        for k, (action, earlier) in enumerate(zip(actions, shifted, strict=True)):
            got, expected = late.step(action), prompt.step(earlier)
            _check_echo(late.unwrapped.setup, got[0], action)
            told, same = (_without_issued(late.unwrapped.setup, one) for one in (got, expected))
            assert_same(told, same, f"step {k} with delay={delay}")
            if np.any(got[2]) or np.any(got[3]):
                break
        assert_same(_nominal(late), _nominal(prompt), "the nominal parameters under delay=")
    for wrong in (-1, 1.5, "one"):
        with raises_value_error(f"delay={wrong!r}", "delay"):
            make_single(id, delay=wrong, **keywords)


def _by_agent(setup: Any, observation: Any) -> np.ndarray:
    columns = observation[STATE] if isinstance(observation, Mapping) else observation
    return np.array(columns).reshape(-1, len(setup.observation_columns))


def _check_echo(setup: Any, observation: Any, action: Any) -> None:
    """The last action that is observed is the one that was given."""
    if not setup.echoed:
        return
    given = np.asarray(action).reshape(-1, setup.action_size)
    if setup.actions is None:
        given = np.clip(given, -1.0, 1.0)
    expected = setup.shown_actions(given)
    seen = _by_agent(setup, observation)[:, setup.echoed]
    assert np.array_equal(seen, expected.astype(np.float32)), f"gave {action}, observed {seen}"


def _without_issued(setup: Any, step: Any) -> Any:
    """Return a step without what speaks of the action that was given."""
    observation, *middle, info = step
    if setup.flat:
        seen = _by_agent(setup, observation)
        seen[:, setup.echoed] = 0.0
        observation = {**observation, STATE: seen} if isinstance(observation, Mapping) else seen
    return observation, *middle, {k: v for k, v in info.items() if k != "clipped"}


def _last_state(env: Any, actions: np.ndarray) -> dict[str, float]:
    """Return the state after the last action, or where the episode has ended before."""
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            break
    return {name: float(values[0]) for name, values in env.unwrapped.state().items()}


def check_disturbance(id: str, *, channels: Sequence[str] | None = None, **keywords: Any) -> None:
    """Each channel of ``disturbance=`` moves the world, reproducibly, and leaves the nominal model alone.

    Args:
        id: The environment's id.
        channels: The channels; those of the setup by default.
        **keywords: Further keywords of the environment.
    """
    plain: Any = make_single(id, **keywords)
    known: Sequence[str] = plain.unwrapped.setup.disturbances if channels is None else channels
    actions = random_actions(plain.action_space, 5)
    expected = [plain.reset(seed=0), *rollout(plain, actions)]
    for channel in known:
        env: Any = make_single(id, disturbance={channel: 1.0}, **keywords)
        assert_same(_nominal(env), _nominal(plain), f"the nominal parameters, {channel} disturbed")
        assert_same(env.reset(seed=0), expected[0], f"reset, {channel} disturbed")
        got = rollout(env, actions)
        plain.reset(seed=0)
        env.reset(seed=0)
        assert _last_state(env, actions) != _last_state(plain, actions), (
            f"a disturbance of 1 on {channel!r} moves nothing"
        )
        env.reset(seed=0)
        assert_same(rollout(env, actions), got, f"the same seed again, {channel} disturbed")
        with raises_value_error("a misspelt channel", repr(channel)):
            make_single(id, disturbance={channel + "_": 1.0}, **keywords)
        with raises_value_error("a misspelt signal kind", "'sine'"):
            make_single(id, disturbance={channel: {"kind": "sin"}}, **keywords)
    still: Any = make_single(id, disturbance={}, **keywords)
    assert_same([still.reset(seed=0), *rollout(still, actions)], expected, "disturbance={}")


GENERAL = (
    check_bad_actions,
    check_step_before_reset,
    check_action_dtypes,
    check_clipping,
    check_bad_options,
)
BY_ID = (
    check_unknown_keywords,
    check_noise,
    check_mismatch,
    check_delay,
    check_disturbance,
)
