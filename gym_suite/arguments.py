"""What a command line says, as the values that functions take: agents, ids, keyword arguments, numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gym_suite.comparison.agents import AgentSpec
    from gym_suite.core.trajectory import Trajectory


def agent_of(
    name: str | None, id: str, gains: Path | None = None, own: Sequence[str] = ()
) -> AgentSpec:
    """Return one agent: the reference controller for None, the first training of a learned one.

    Args:
        name: Name, policy file, gains file or "file.py:factory".
        id: The environment.
        gains: File of tuned gains, whose controller acts.
        own: Gains and keyword arguments of the controller as texts like "i_sd.kp=4.1".

    Raises:
        ValueError: For an unknown name (the nearest is told), or a file that is not for this id.
        FileNotFoundError: For a file that is not there.
    """
    from gym_suite.comparison.agents import resolve

    if gains is not None or own:
        return own_agent(name, id, gains, own)
    if name is None:
        return resolve([], id)[0]
    specs = resolve([name], id)
    return next((spec for spec in specs if spec.name == name), specs[-1])


def own_agent(name: str | None, id: str, gains: Path | None, own: Sequence[str]) -> AgentSpec:
    """Return a controller with a user's own numbers: from a file, from the command line, or both.

    Args:
        name: The controller; the reference or the file's for None.
        id: The environment.
        gains: File of tuned gains.
        own: Gains and keyword arguments as texts like "i_sd.kp=4.1".

    Raises:
        ValueError: For gains of another controller, and for names and values that cannot be.
    """
    from gym_suite.comparison.agents import AgentSpec
    from gym_suite.learning.gains import OwnGains, load_gains
    from gym_suite.registration import card

    if gains is not None:
        chosen = load_gains(gains, card(id).id)
        if name not in (None, chosen.agent):
            raise ValueError(f"{gains} holds gains of {chosen.agent!r}, not of {name!r}")
    else:
        chosen = OwnGains(card(id).id, name or card(id).reference)
    chosen = chosen.with_values(keywords_of(own, "--agent-set"))
    return AgentSpec(chosen.agent, "controller", chosen, batched=True)


def episode_of(
    id: str, spec: AgentSpec, seed: int, steps: int | None, keywords: Mapping[str, Any]
) -> Trajectory:
    """Run one episode and return all of it; a row holds what was so after its action.

    Args:
        id: The environment.
        spec: Who acts.
        seed: Episode seed.
        steps: Length of the episode; the environment's own for None.
        keywords: Keyword arguments of the environment.

    Returns:
        Reward, metrics, actions and observations by name.
    """
    import numpy as np

    from gym_suite.comparison.batching import first_memory
    from gym_suite.comparison.worlds import make
    from gym_suite.core.trajectory import Trajectory
    from gym_suite.teams import show_world

    env = make(id, keywords, steps)
    setup, agent = env.get_wrapper_attr("setup"), spec.load(env)
    show_world(agent, env)
    observation, info = env.reset(seed=seed)
    idle = np.full(env.action_space.shape or (1,), np.nan)
    told = _numbers_of(info)
    rows = [[0.0, *told.values(), *idle, *observation]]
    state, start, over = first_memory(agent, seed), True, False
    while not over:
        action, state = agent.predict(observation, state, start, True)
        observation, reward, terminated, truncated, info = env.step(action)
        rows.append([reward, *_numbers_of(info).values(), *np.ravel(action), *observation])
        start, over = False, terminated or truncated
    env.close()
    actions = setup.joint_names(setup.action_columns)
    if not actions:  # choices have no columns
        own = setup.action_names
        actions = tuple(f"{agent}/{name}" for agent in setup.agents for name in own) or own
    observations = [f"observation_{name}" for name in setup.joint_names(setup.observation_columns)]
    names = ["reward", *told, *actions, *observations]
    units = {column.name: column.unit for column in setup.metric_columns}
    return Trajectory(dict(zip(names, np.array(rows).T, strict=True)), dt=setup.dt, units=units)


def _numbers_of(info: Mapping[str, Any]) -> dict[str, float]:
    """Return what ``info`` holds as numbers by name; an array gives a number for each of its elements."""
    numbers: dict[str, float] = {}
    for name, value in info.items():
        if getattr(value, "ndim", 0):
            numbers |= {f"{name}_{k}": float(one) for k, one in enumerate(value.tolist())}
        else:
            numbers[name] = float(value)
    return numbers


def check_folder(option: str, path: Path) -> None:
    """Refuse a file that cannot be written, before anything runs.

    Args:
        option: The option that it was given to, for errors.
        path: The file.

    Raises:
        FileNotFoundError: There is no such folder.
        PermissionError: The folder cannot be written to.
        IsADirectoryError: The path is a folder.
    """
    folder = path.resolve().parent
    if path.is_dir():
        raise IsADirectoryError(f"{option}: {path} is a folder")
    if not folder.is_dir():
        raise FileNotFoundError(f"{option}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{option}: the folder {folder} cannot be written to")


def chosen_ids(ids: Sequence[str], family: str | None, agents: Sequence[str] = ()) -> list[str]:
    """Return the ids that were asked for, by name and by family.

    Args:
        ids: By name.
        family: All ids of this family besides.
        agents: What was given as agents, among which an id may have got lost.

    Raises:
        ValueError: If there are none, or the family is unknown.
    """
    from gym_suite.core.parameters import check_option
    from gym_suite.registration import catalogue, families

    chosen = list(ids)
    if family is not None:
        cards = catalogue().values()
        check_option("family", family, families())
        own = [entry for entry in cards if entry.family == family and entry.id not in ids]
        chosen += [entry.id for entry in own]
    if not chosen:
        among = [name for name in agents if name.rpartition(":")[2] in catalogue()]
        raise ValueError(
            f"{among[0]} was read as an agent: put ids before --agents"
            if among
            else "no environment to compare on: name ids, or a family with --family"
        )
    return chosen


def check_episode(seed: int, steps: int | None) -> None:
    """Refuse an episode without a step and a seed that is none, before anything runs.

    Args:
        seed: Episode seed.
        steps: Length of the episode, None for the environment's own.

    Raises:
        ValueError: Naming the option.
    """
    from gym_suite.core.parameters import check_number

    check_number("--seed", seed, low=0)
    if steps is not None:
        check_number("--steps", steps, low=1)


def keywords_of(assignments: Sequence[str], option: str = "--set") -> dict[str, Any]:
    """Return values by name from texts like ``tau=1e-4``; what is not JSON is a string.

    For ``--set`` a dot leads into a mapping: ``machine.r_s=0.1`` is ``machine={"r_s": 0.1}``.

    Args:
        assignments: The texts.
        option: The option that they were given to, for errors.

    Raises:
        ValueError: For a text that is no assignment, a name that is given twice, or JSON that is none.
    """
    keywords: dict[str, Any] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not (equals and all(part.isidentifier() for part in name.split("."))):
            raise ValueError(f"{option} expects KEY=VALUE, got {text!r}")
        if name in keywords:
            raise ValueError(f"{option} {name} is given twice")
        try:
            keywords[name] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            if value[:1] in ("{", "["):
                raise ValueError(f"{option} {name}: not valid JSON: {value:.200}") from None
            keywords[name] = value
    return _nested(keywords) if option == "--set" else keywords


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by name with dots resolved into mappings."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        inner, (*path, last) = nested, name.split(".")
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ValueError(f"--set {name}: {part} is {inner!r} already, which has no {last}")
        if last in inner:
            raise ValueError(f"--set {name} is given twice")
        inner[last] = value
    return nested


def number_of(text: str) -> str | float:
    """Return a number for a text that is one, else the text.

    Args:
        text: The text.
    """
    try:
        return float(text)
    except ValueError:
        return text


def json_object(option: str, text: str) -> dict[str, Any]:
    """Return the object that a text says in JSON.

    Args:
        option: The option that it was given to, for errors.
        text: The text.

    Raises:
        ValueError: If it is no JSON object.
    """
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{option} expects a JSON object, got {text!r:.200}")
    return value
