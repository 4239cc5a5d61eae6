"""What ``gym-suite list`` and ``gym-suite show`` print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gym_suite.core.columns import Columns
from gym_suite.core.parameters import check_option
from gym_suite.registration import Card, card, catalogue


def list_ids(*, family: str | None = None, tag: str | None = None) -> Table:
    """Return the table of registered ids.

    Args:
        family: Only ids of this family.
        tag: Only ids with this tag.

    Raises:
        ValueError: If no id has such a family or tag; the nearest one is told.
    """
    cards = list(catalogue().values())
    if family is not None:
        check_option("family", family, sorted({entry.family for entry in cards}))
        cards = [entry for entry in cards if entry.family == family]
    if tag is not None:
        check_option("tag", tag, sorted({name for entry in cards for name in entry.tags}))
        cards = [entry for entry in cards if tag in entry.tags]
    table = _table("id", "family", "controllers", "learned", "tags", "summary")
    for entry in cards:
        table.add_row(
            entry.id,
            entry.family,
            ", ".join(entry.controllers),
            ", ".join(entry.learned),
            ", ".join(entry.tags),
            entry.summary,
        )
    return table


def describe_id(id: str, keywords: Mapping[str, Any] | None = None) -> Group:
    """Return everything that an environment says about itself; builds it to ask.

    Args:
        id: A registered id.
        keywords: Keyword arguments of the environment.

    Raises:
        ValueError: If the id, a keyword or its value is not valid.
    """
    entry = card(id)
    setup, nominal = _setup(entry, keywords or {})
    terms = setup.reward_terms
    others = [column for column in setup.metric_columns if column.name not in terms]
    parts: list[RenderableType | None] = [
        Text(entry.id, style="bold"),
        entry.summary,
        _facts(entry, setup),
        _columns_table("Observation", setup.observation_columns, numbered=True),
        _action_table(setup),
        _columns_table("Reward terms (the reward is their sum)", setup.metric_columns, only=terms),
        _columns_table("Other metrics in info (SI)", Columns(*others)),
        _parameter_table(setup.parameter_columns, nominal.parameters),
        _agents_table(entry),
        _settings_table(entry),
        _marks_table(setup),
        _keyword_table(setup.keywords),
    ]
    return Group(*(part for part in parts if part is not None))


def metrics_table(record: Mapping[str, Any]) -> Table:
    """Return the table of one episode's metrics.

    Args:
        record: The episode's record, as in results.jsonl.
    """
    agent = record["agent"]
    title = f"{record['id']}, agent {agent['name']} (sees {agent['information']}), seed {record['seed']}"
    table = _table("metric", "value", title=title)
    for name, value in record["metrics"].items():
        table.add_row(name, _number(value))
    table.add_row("time_per_action", f"{record['time_per_action'] * 1e6:.1f} us")
    return table


def _setup(entry: Card, keywords: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return setup and nominal model of an id, for one agent or several."""
    import gymnasium

    import gym_suite

    env: Any
    if not entry.entry_point:
        env = gym_suite.parallel_env(entry.id, **keywords)
    else:
        env = gymnasium.make(entry.id, **keywords).unwrapped
    try:
        return env.setup, env.nominal
    finally:
        env.close()


def _facts(entry: Card, setup: Any) -> str:
    horizon = setup.horizon or entry.max_episode_steps
    length = f"{horizon} steps ({horizon * setup.dt:g} s)" if horizon else "decided by a keyword"
    lines = [
        f"family {entry.family}; tags: {', '.join(entry.tags) or 'none'}",
        f"control period {setup.dt:g} s; episode at most {length}",
    ]
    if setup.agents:
        lines.append(f"agents: {', '.join(setup.agents)}")
    return "\n".join(lines)


def _table(*headings: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading in headings:
        numeric = heading in {"#", "low", "high", "value", "SI at 1"}
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=heading == "id")
    return table


def _columns_table(
    title: str, columns: Columns, *, numbered: bool = False, only: Iterable[str] | None = None
) -> Table | None:
    """Return a table of columns; those that are normalised say what 1 stands for."""
    chosen = [column for column in columns if only is None or column.name in only]
    if not chosen:
        return None
    scaled = numbered and any(column.scale != 1.0 for column in chosen)
    headings = [*(["#"] if numbered else []), "name", "unit", "low", "high"]
    table = _table(*headings, *(["SI at 1"] if scaled else []), "meaning", title=title)
    for i, column in enumerate(chosen):
        cells = [column.name, column.unit, _number(column.low), _number(column.high)]
        if scaled:
            cells.append(_number(column.scale))
        cells.append(column.meaning)
        table.add_row(*([str(i)] if numbered else []), *map(escape, cells))
    return table


def _action_table(setup: Any) -> Table | str | None:
    if setup.actions is not None:
        return f"Action: Discrete({setup.actions})"
    return _columns_table("Action", setup.action_columns, numbered=True)


def _parameter_table(columns: Columns, nominal: Mapping[str, float]) -> Table:
    table = _table("name", "value", "unit", "meaning", "source", title="Nominal parameters")
    for column in columns:
        value = _number(nominal[column.name])
        table.add_row(
            column.name, value, *map(escape, (column.unit, column.meaning, column.source))
        )
    return table


def _agents_table(entry: Card) -> Table:
    table = _table("name", "what it is", title="Agents that come with it")
    for i, (name, where) in enumerate(entry.controllers.items()):
        kind = "reference controller" if i == 0 else "controller"
        table.add_row(name, f"{kind}, {where}")
    for name in entry.learned:
        table.add_row(name, "learned policies that ship with the package")
    return table


def _settings_table(entry: Card) -> Table | None:
    if not entry.settings:
        return None
    table = _table("setting", "keywords", title="Settings of its own")
    for name, keywords in entry.settings.items():
        table.add_row(name, ", ".join(f"{k}={v!r}" for k, v in keywords.items()))
    return table


def _marks_table(setup: Any) -> Table | None:
    """What returns are put beside, for an episode of the setup's own length."""
    if setup.marks is None or setup.horizon is None:
        return None
    table = _table("figure", "return", "kind", "how", title="Beside theory")
    for mark in setup.marks(setup.horizon):
        value = "not computed" if mark.value is None else f"{mark.value:.6g}"
        table.add_row(mark.name, value, mark.kind, mark.meaning)
    return table


def _keyword_table(keywords: Mapping[str, Any]) -> Table | None:
    if not keywords:
        return None
    table = _table("keyword", "as set", title="Keyword arguments")
    for name, value in keywords.items():
        table.add_row(name, escape(repr(value)))
    return table


def _number(value: float) -> str:
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.6g}"
