"""One call from an id and an agent to a picture or a clip."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.rendering.recording import Recorder, check_target
from gym_suite.rendering.replay import distinct, episode_stage, write_page

__all__ = ["Recording", "clip_timing", "record"]

_SECONDS = 7.5  # length of a clip
_FPS = 20.0  # exact in a .gif


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What `record` wrote.

    Attributes:
        path: The file.
        steps: Control periods simulated.
        frames: Pictures in the file; for a page the instants that it shows.
        fps: Pictures a second; of no meaning for a ``.png`` or a page.
    """

    path: Path
    steps: int
    frames: int
    fps: float

    def __fspath__(self) -> str:
        return str(self.path)


def clip_timing(steps: int, *, fps: float | None = None) -> tuple[int, float]:
    """Return the steps between two frames and the frames a second of a clip of 5 to 10 s.

    Few steps make a slow clip: with fewer than a frame for each, the frame rate falls, to no less
    than two a second.

    Args:
        steps: Control periods to show.
        fps: Frames a second; None chooses 20, or fewer when there are few steps.
    """
    rate = fps or _FPS
    stride = max(1, round(steps / (_SECONDS * rate)))
    if fps is None and stride == 1:
        rate = min(_FPS, max(2.0, (steps + 1) / _SECONDS))
    return stride, rate


def record(
    env_id: str,
    *,
    agent: Any,
    out: str | os.PathLike[str],
    seed: int = 0,
    steps: int | None = None,
    fps: float | None = None,
    beside: Any = None,
    names: tuple[str, ...] = (),
    **keywords: Any,
) -> Recording:
    """Run an agent and write a picture, a clip or an interactive page of it.

    The episode is simulated once to learn how long it is, then replayed with the same actions for
    the frames, so that a clip lasts 5 to 10 s whether the agent survives or not.

    Args:
        env_id: A registered id; of one for several agents only, the agent acts for all.
        agent: Name for `gym_suite.make_controller`, an object with ``predict`` (such as a loaded
            policy), a class with ``for_env``, or a function that takes the env and returns one.
        out: File to write; ``.png`` (the last frame), ``.gif``, ``.mp4`` or ``.html``, a page that replays one
            episode (turn, scrub, change the speed) and loads nothing.
        seed: Of the env and its action space.
        steps: Control periods to run; a new episode begins when one ends before. None runs one
            episode (at most 10,000 steps of an id without an end).
        fps: Frames a second of a clip; None chooses.
        beside: Second agent, whose run on the same seed stands beside the first one's; of a page only.
        names: What the page calls the runs; by default the agents' own names.
        **keywords: For `gymnasium.make`.

    Raises:
        ValueError: Unknown id, agent, keyword or suffix, ``steps`` is not positive, or ``beside`` for a clip.
        OSError: The file cannot be written; found out before anything is simulated.
        ImportError: ``.mp4`` without the extra ``video``.
    """
    import gymnasium

    import gym_suite  # noqa: F401 - registers the ids
    from gym_suite.teams import team_id

    if steps is not None and steps < 1:
        raise ValueError(f"steps= must be at least 1, got {steps}")
    if Path(out).suffix.lower() == ".html":
        agents = [agent] if beside is None else [agent, beside]
        called = list(names) or [_name(one) for one in agents]
        return _write_replay(
            env_id, dict(zip(distinct(called), agents, strict=True)), out, seed, steps, keywords
        )
    if beside is not None:
        raise ValueError(f"beside= is for pages (.html), got {os.fspath(out)!r}")
    Recorder(out, fps=fps or _FPS).discard()  # fails now rather than after the simulation
    env = gymnasium.make(team_id(env_id), render_mode="rgb_array", **keywords)
    try:
        actions = _simulate(env, _resolve(agent, env), seed=seed, steps=steps)
        still = Path(out).suffix.lower() == ".png"
        stride, rate = (len(actions), _FPS) if still else clip_timing(len(actions), fps=fps)
        with Recorder(out, fps=rate) as recorder:
            _replay(env, actions, recorder, seed=seed, stride=stride)
    finally:
        env.close()
    return Recording(
        path=recorder.path, steps=len(actions), frames=1 if still else recorder.frames, fps=rate
    )


def _write_replay(
    env_id: str, agents: dict[str, Any], out: Any, seed: int, steps: int | None, keywords: Any
) -> Recording:
    """Run each agent on the seed and write the page."""
    check_target(out)  # fails now rather than after the simulation
    stages = {}
    for name, agent in agents.items():

        def of(env: Any, agent: Any = agent) -> Any:
            return _resolve(agent, env)

        stages[name] = episode_stage(env_id, of, seed=seed, steps=steps, **keywords)
    path = write_page(out, f"{env_id}, seed {seed}", stages)
    longest = max(stages.values(), key=lambda stage: float(stage.time[-1]))
    steps = round(float(longest.time[-1]) / longest.dt)
    return Recording(path=path, steps=steps, frames=len(longest.time), fps=_FPS)


def _name(agent: Any) -> str:
    """Return what an agent is called where nobody says."""
    if isinstance(agent, str):
        return agent
    return getattr(agent, "__name__", None) or type(agent).__name__


def _resolve(agent: Any, env: Any) -> Any:
    """Return an object with ``predict``."""
    from gym_suite.teams import as_team, seat_of

    seat = seat_of(env)
    if isinstance(agent, str):
        from gym_suite import make_controller

        return as_team(make_controller(seat, agent), env)
    is_class = isinstance(agent, type)  # a class has predict too, but no self to give it
    if is_class and hasattr(agent, "for_env"):
        agent = agent.for_env(seat)
    elif is_class or (callable(agent) and not hasattr(agent, "predict")):
        agent = agent(seat)
    if not hasattr(agent, "predict"):
        raise ValueError(
            "agent= must be a name, an object with predict(observation, state, episode_start), "
            f"a class with for_env or a function that returns one, got {type(agent).__name__}"
        )
    return as_team(agent, env)


def _simulate(env: Any, agent: Any, *, seed: int, steps: int | None) -> list[np.ndarray]:
    """Return the actions of the agent, one for each step."""
    from gym_suite.teams import show_world

    limit = 10_000 if steps is None else steps
    show_world(agent, env)
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    actions: list[np.ndarray] = []
    memory, fresh = None, True
    while len(actions) < limit:
        action, memory = agent.predict(observation, memory, fresh, True)
        actions.append(np.copy(action))
        observation, _, terminated, truncated, _ = env.step(action)
        fresh = bool(terminated or truncated)
        if fresh:
            if steps is None:
                break
            observation, _ = env.reset()
    return actions


def _replay(
    env: Any, actions: list[np.ndarray], recorder: Recorder, *, seed: int, stride: int
) -> None:
    """Repeat the actions and record every ``stride``-th step and the last."""
    env.reset(seed=seed)
    if stride < len(actions):
        recorder.add(env.render())
    for number, action in enumerate(actions, start=1):
        _, _, terminated, truncated, _ = env.step(action)
        if number % stride == 0 or number == len(actions):
            recorder.add(env.render())
        if (terminated or truncated) and number < len(actions):
            env.reset()
