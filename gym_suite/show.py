"""What ``gym-suite list`` and ``gym-suite show`` print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gym_suite.core.cards import PRIMARY
from gym_suite.core.page import Page, Section, compose
from gym_suite.core.page_tables import Table as PageTable
from gym_suite.core.page_tables import number
from gym_suite.core.parameters import check_option
from gym_suite.registration import Card, card, catalogue, families, id_class_of, make_controller
from gym_suite.sheets import plain_table


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
        check_option("family", family, families())
        cards = [entry for entry in cards if entry.family == family]
    if tag is not None:
        check_option("tag", tag, sorted({name for entry in cards for name in entry.tags}))
        cards = [entry for entry in cards if tag in entry.tags]
    table = plain_table("id", "family", "controllers", "learned", "tags", "summary")
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


def page_of(id: str, keywords: Mapping[str, Any] | None = None) -> Page:
    """Return the page of an id, with what it is put beside in theory.

    Args:
        id: A registered id.
        keywords: Keyword arguments of the environment; the page then shows what they make of it.

    Raises:
        ValueError: If the id, a keyword or its value is not valid.
    """
    entry, cls = card(id), id_class_of(id)
    page = compose(cls, **(keywords or {}))
    more = [_settings(entry), _protocol(entry), _theory(cls, keywords or {})]
    if keywords:
        more.append(_gains(cls, keywords))
    return replace(page, sections=page.sections + tuple(s for s in more if s is not None))


def describe_id(id: str, keywords: Mapping[str, Any] | None = None) -> Group:
    """Return everything that an environment says about itself, for a terminal.

    Args:
        id: A registered id.
        keywords: Keyword arguments of the environment.

    Raises:
        ValueError: If the id, a keyword or its value is not valid.
    """
    page = page_of(id, keywords)
    parts: list[RenderableType] = [Text(page.title, style="bold"), ""]
    for section in page.sections:
        parts.append(Text(section.heading, style="bold underline"))
        for part in section.parts:
            parts += ["", Markdown(part) if isinstance(part, str) else _told(part)]
        parts.append("")
    return Group(*parts)


def metrics_table(record: Mapping[str, Any], keywords: Mapping[str, Any]) -> Table:
    """Return the table of one episode's metrics, with their units.

    Args:
        record: The episode's record, as in results.jsonl.
        keywords: Keyword arguments of the environment.
    """
    from gym_suite.comparison.units import in_words

    tracking = id_class_of(record["id"]).configure(**keywords).tracking
    agent = record["agent"]
    title = f"{record['id']}, agent {agent['name']} (sees {agent['information']}), seed {record['seed']}"
    table = plain_table("metric", "value", title=title)
    for name, value in in_words(record["metrics"], tracking):
        table.add_row(name, value)
    table.add_row("time_per_action", f"{record['time_per_action'] * 1e6:.1f} us")
    return table


def _told(part: PageTable) -> Table:
    table = plain_table(*part.headings)
    for row in part.rows:
        table.add_row(*map(escape, row))
    return table


def _settings(entry: Card) -> Section | None:
    if not entry.settings:
        return None
    rows = [
        (name, ", ".join(f"{k}={v!r}" for k, v in keywords.items()))
        for name, keywords in entry.settings.items()
    ]
    return Section("Settings of Its Own", (PageTable(("Name", "Keywords"), tuple(rows)),))


def _protocol(entry: Card) -> Section:
    """How the id is judged where results are to be compared across papers."""
    own = entry.protocol
    first, last = own.seeds[0], own.seeds[-1]
    length = "the id's own limit" if own.horizon is None else f"{own.horizon} steps"
    rows = [
        (
            "Episodes",
            f"{own.episodes}, seeds {first} to {last}, which nothing of ours was tuned or trained on",
        ),
        ("Length", length),
        ("Settings", ", ".join(own.settings)),
        (
            "Budget",
            f"{own.budget:,} steps of the environment for a training, which ends with a whole rollout, or for a "
            "search of gains",
        ),
        ("Metrics", ", ".join(own.metrics)),
        ("Ranked by", PRIMARY[own.primary]),
    ]
    text = f"`gym-suite compare {entry.id} --protocol` runs exactly this."
    return Section("Protocol", (text, PageTable(("What", "Value"), tuple(rows))))


def _gains(cls: Any, keywords: Mapping[str, Any]) -> Section | None:
    """The gains that the reference controller's rules make of these keywords, where it has any."""
    if not cls.card.controllers or cls.card.agents == "several":
        return None
    env = cls(**keywords)
    told = make_controller(env).describe()
    env.close()
    rows = [(name, number(g["value"]), g["unit"]) for name, g in told.get("gains", {}).items()]
    if not rows:
        return None
    rules = f"`{told['name']}` by its rule: {told['rule']}."
    return Section("Tuned Gains", (rules, PageTable(("Name", "Value", "Unit"), tuple(rows))))


def _theory(cls: Any, keywords: Mapping[str, Any]) -> Section | None:
    """What returns are put beside, for an episode of the setup's own length."""
    setup = cls.configure(**keywords)
    if setup.marks is None or setup.horizon is None:
        return None
    rows = [
        (
            mark.name,
            "not computed" if mark.value is None else number(mark.value),
            mark.kind,
            mark.meaning,
        )
        for mark in setup.marks(setup.horizon)
    ]
    headings = ("Figure", "Return", "Kind", "How")
    return Section("Beside Theory", (PageTable(headings, tuple(rows)),))
