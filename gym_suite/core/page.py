"""The page of an id, composed when somebody asks for it: tables from data, prose from Markdown fragments.

``help(env)``, ``inspect.getdoc``, ``gym-suite show ID`` and the documentation all show the same page. Its tables come
from the columns, options, reward terms, card and policy manifests of the id; what only words can say stands once, in
the family's ``pages/*.md``: ``family.md`` for all its ids, ``<facet>_<value>.md`` for those that have this facet (see
:attr:`gym_suite.core.cards.Card.fragments`). A fragment is a list of sections, headed as on the page. What all families
say stands in ``core/pages/shared.md``, which also gives the order within a section: a line ``[[table]]`` is where a
table goes, ``[[prose]]`` where the fragments' text goes; a fragment that writes ``[[table]]`` itself has it there.
``$steps``, ``${p.r_s}`` (a nominal parameter) and ``${k.tau}`` (a keyword) are values of the id.
"""

from __future__ import annotations

import csv
import inspect
import itertools
import json
import re
import statistics
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.core.cards import Card, load
from gym_suite.core.columns import Column, Columns

if TYPE_CHECKING:
    from gym_suite.core.family import Setup
    from gym_suite.core.ids import IdEnv

HEADINGS = (
    "Description",
    "Action Space",
    "Observation Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Arguments",
    "Reference Controllers",
    "Parameters and Sources",
    "Version History",
)
#: Length of a line of prose.
WIDTH = 120
_MARK = re.compile(r"\[\[(\w+)\]\]")
_HEADING = re.compile(r"^## (?P<heading>[^(\n]+?)(?: \((?P<only>\w+)\))?$", re.MULTILINE)
_POLICIES = Path(__file__).resolve().parent.parent / "learning" / "policies"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page: its cells as plain text.

    Attributes:
        headings: One a column.
        rows: One tuple of cells a row.
        code: Headings whose cells are shown as code.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: frozenset[str] = frozenset({"Name", "Default"})

    def markdown(self) -> str:
        """Return the table in Markdown, its columns aligned."""
        cells = [
            tuple(self._cell(h, c) for h, c in zip(self.headings, row, strict=True))
            for row in self.rows
        ]
        lines = (self.headings, *cells)
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.headings))]
        told = [
            "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
            for line in lines
        ]
        told.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
        return "\n".join(told)

    def _cell(self, heading: str, text: str) -> str:
        text = text.replace("|", "\\|")
        if heading not in self.code or not text:
            return text
        return " to ".join(f"`{part}`" for part in text.split(" to "))


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page.

    Attributes:
        heading: One of :data:`HEADINGS`, or one that somebody adds.
        parts: Paragraphs (Markdown) and tables in order.
    """

    heading: str
    parts: tuple[str | Table, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All that is to be said of an id.

    Attributes:
        title: Its first line, "id: summary."
        sections: In order.
    """

    title: str
    sections: tuple[Section, ...]

    def markdown(self) -> str:
        """Return the page as Markdown, with headings of the second level."""
        blocks = [self.title]
        for section in self.sections:
            blocks.append(f"## {section.heading}")
            blocks += [part if isinstance(part, str) else part.markdown() for part in section.parts]
        return "\n\n".join(blocks) + "\n"

    def section(self, heading: str) -> Section:
        """Return a section by its heading.

        Raises:
            KeyError: If there is none.
        """
        return {section.heading: section for section in self.sections}[heading]


class PageText:
    """The docstring of an id's class: composed when it is read, for import must cost nothing."""

    def __get__(self, instance: Any, owner: type[IdEnv]) -> str:
        if "card" not in vars(owner):  # a subclass of somebody's own
            return inspect.cleandoc(f"A subclass of {owner.__mro__[1].__name__}.")
        return _text(owner)


@cache
def _text(owner: type[IdEnv]) -> str:
    return compose(owner).markdown()


def compose(cls: type[IdEnv], /, **keywords: Any) -> Page:
    """Return the page of an id.

    Args:
        cls: The id's class.
        **keywords: Keyword arguments of the environment; the page then shows what they make of it.

    Raises:
        ValueError: If a fragment has an unknown heading, or names a value or table that there is not.
    """
    setup = cls.configure(**keywords)
    card = cls.card
    said = [*_shared(), *(part for name in card.fragments for part in fragment(cls.__mro__, name))]
    if card.prose:
        said += sections_of(card.prose, f"the page of {card.id}")
    true = _truths(setup)
    values = _values(card, setup)
    composed = []
    for heading in HEADINGS:
        frame = [text for h, only, text in _shared() if h == heading and (not only or only in true)]
        own = [
            text
            for h, only, text in said[len(_shared()) :]
            if h == heading and (not only or only in true)
        ]
        tables = _tables(heading, cls, setup)
        text = "\n\n".join(frame).replace("[[prose]]", "\n\n".join(own))
        composed.append(Section(heading, tuple(_parts(_filled(text, values, card.id), tables))))
    return Page(f"{card.id}: {card.summary}.", tuple(composed))


# ---------------------------------------------------------------------------------------------------------- fragments

Said = tuple[str, str, str]  # heading, what must be true, text


def sections_of(text: str, where: str) -> list[Said]:
    """Return the sections of a fragment: heading, what must be true of the setup, text.

    Args:
        text: Markdown with headings of the second level.
        where: For the error.

    Raises:
        ValueError: For a heading that no page has.
    """
    found = list(_HEADING.finditer(text))
    parts = []
    for match, after in zip(found, [*found[1:], None], strict=True):
        if match["heading"] not in HEADINGS:
            raise ValueError(
                f"{where}: unknown heading {match['heading']!r}; pages have {list(HEADINGS)}"
            )
        body = text[match.end() : after.start() if after else len(text)]
        parts.append((match["heading"], match["only"] or "", body.strip()))
    return parts


@cache
def _shared() -> tuple[Said, ...]:
    text = resources.files("gym_suite.core").joinpath("pages/shared.md").read_text("utf-8")
    return tuple(sections_of(text, "shared.md"))


def fragment(lineage: Sequence[type], name: str) -> list[Said]:
    """Return the sections of a fragment by its name, or none where the family has no such fragment.

    Args:
        lineage: The class of an id and its bases; the fragment is looked for beside the packages of these.
        name: Without the ending.
    """
    for folder in _page_folders(lineage):
        path = folder.joinpath(f"{name}.md")
        if path.is_file():
            return sections_of(path.read_text("utf-8"), path.name)
    return []


def _page_folders(lineage: Sequence[type]) -> Iterator[Any]:
    """Yield the folders of fragments of the families that a class descends from."""
    for cls in lineage:
        parts = cls.__module__.split(".")
        if len(parts) > 2 and parts[1] != "core":
            yield resources.files(".".join(parts[:2])).joinpath("pages")


def _filled(text: str, values: Mapping[str, str], id: str) -> str:
    try:
        return _Values(text).substitute(values)
    except KeyError as error:
        raise ValueError(f"the page of {id} names a value that there is not: {error}") from None


class _Values(Template):
    idpattern = r"[a-z_][a-z0-9_]*(?:\.[a-z0-9_]+)?"


def _parts(text: str, tables: Mapping[str, Any]) -> Iterator[str | Table]:
    """Yield paragraphs and tables; a table that has been shown is not shown again."""
    shown = set()
    for block in re.split(r"\n{2,}", text):
        mark = _MARK.fullmatch(block.strip())
        if not mark:
            if block.strip():
                yield _wrapped(block.strip("\n"))
            continue
        if mark[1] not in tables:
            raise ValueError(f"a page asks for [[{mark[1]}]]; there is {sorted(tables)}")
        if mark[1] not in shown and tables[mark[1]]:
            shown.add(mark[1])
            yield tables[mark[1]]


def _wrapped(block: str) -> str:
    """Return a paragraph or list whose lines are wrapped again where a value has made one too long."""
    if block.startswith("    ") or max(map(len, block.splitlines())) <= WIDTH:
        return block
    items = re.split(r"\n(?=\* )", block)
    return "\n".join(
        textwrap.fill(
            " ".join(item.split()),
            WIDTH,
            subsequent_indent="  " if item.startswith("* ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )


def _truths(setup: Setup) -> set[str]:
    facts = {
        "box": setup.actions is None,
        "choices": setup.actions is not None,
        "several": bool(setup.agents),
        "single": not setup.agents,
        "measured": bool(setup.measured),
        "physical": bool(setup.plant_parameters),
        "disturbed": bool(setup.disturbances),
        "signals": bool(setup.disturbances) or "reference" in setup.keywords,
        "late": any(name.startswith("last_action") for name in setup.observation_columns.names),
    }
    return {name for name, fact in facts.items() if fact}


def _values(card: Card, setup: Setup) -> dict[str, str]:
    steps = setup.horizon or card.max_episode_steps
    values = {
        "id": card.id,
        "dt": number(setup.dt),
        "steps": str(steps or ""),
        "seconds": number(steps * setup.dt) if steps else "",
        "state": setup.state_columns.names[0],
        "measured": listed(_runs(setup.measured)),
        "physical": listed(setup.plant_parameters),
        "channels": listed(setup.disturbances),
    }
    parameters = zip(setup.parameter_columns.names, setup.row.tolist(), strict=True)
    values |= {f"p.{name}": number(value) for name, value in parameters}
    return values | {f"k.{name}": str(value) for name, value in setup.keywords.items()}


# ------------------------------------------------------------------------------------------------------------- tables


def number(value: float) -> str:
    """Return a number as pages show it."""
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.6g}"


def listed(names: Iterable[str]) -> str:
    """Return names as an enumeration of code: `a`, `b` and `c`."""
    told = [" to ".join(f"`{part}`" for part in name.split(" to ")) for name in names]
    return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))


def _runs(names: Sequence[str]) -> list[str]:
    return [f"{a} to {b}" if a != b else a for a, b in _numbered(names, [()] * len(names))]


def _numbered(names: Sequence[str], alike: Sequence[Any]) -> list[tuple[str, str]]:
    """Return first and last name of each run: names that count up and are alike besides; at least four."""
    runs: list[list[int]] = []
    for j, name in enumerate(names):
        if runs and alike[j] == alike[runs[-1][-1]] and name == _next(names[runs[-1][-1]]):
            runs[-1].append(j)
        else:
            runs.append([j])
    told = []
    for run in runs:
        told += (
            [(names[run[0]], names[run[-1]])]
            if len(run) > 3
            else [(names[j], names[j]) for j in run]
        )
    return told


def _next(name: str) -> str | None:
    match = re.fullmatch(r"(.*?)(\d+)", name)
    return f"{match[1]}{int(match[2]) + 1}" if match else None


def columns_table(columns: Columns, *, numbered: bool = True, bounds: bool = True) -> Table | None:
    """Return the table of some columns; runs of columns that only count up are one row.

    Args:
        columns: Of actions, observations, metrics or states.
        numbered: Whether to show positions.
        bounds: Whether to show bounds and what 1 stands for.
    """
    if not len(columns):
        return None
    about = [(c.meaning, number(c.low), number(c.high), number(c.scale), c.unit) for c in columns]
    rows = []
    for first, last in _numbered(columns.names, about):
        i, j = columns.index(first), columns.index(last)
        meaning, low, high, scale, unit = about[i]
        name = first if i == j else f"{first} to {last}"
        place = (str(i) if i == j else f"{i}-{j}",) if numbered else ()
        rows.append((*place, name, meaning, *((low, high, scale) if bounds else ()), unit))
    headings = (
        *(("Num",) if numbered else ()),
        "Name",
        "Meaning",
        *(("Min", "Max", "SI value of 1") if bounds else ()),
        "Unit",
    )
    return Table(headings, tuple(rows))


def _tables(heading: str, cls: type[IdEnv], setup: Setup) -> dict[str, Any]:
    """Return what a section's marks stand for."""
    makers: dict[str, Any] = {
        "Description": lambda: {},
        "Action Space": lambda: _action_tables(setup),
        "Observation Space": lambda: _observation_tables(setup),
        "Rewards": lambda: {"table": _terms_table(setup)},
        "Starting State": lambda: {},
        "Episode End": lambda: {"end": _end(cls.card, setup)},
        "Arguments": lambda: {"table": _arguments_table(cls)},
        "Reference Controllers": lambda: {
            "table": _controllers_table(cls.card),
            "tuned": tuned_table(cls.card),
            "learned": learned_table(cls.card),
        },
        "Parameters and Sources": lambda: _parameter_tables(setup),
        "Version History": lambda: {"history": _history(cls.card)},
    }
    return makers[heading]()


def _action_tables(setup: Setup) -> dict[str, Any]:
    each = ", for each agent" if setup.agents else ""
    if setup.actions is not None:
        kind = "MultiDiscrete" if isinstance(setup.actions, tuple) else "Discrete"
        choices = list(setup.choices) if isinstance(setup.actions, tuple) else setup.actions
        return {"space": f"`{kind}({choices})`{each}.", "table": None}
    space = f"`Box(-1, 1, ({setup.action_size},), float32)`{each}."
    return {"space": space, "table": columns_table(setup.action_columns)}


def _observation_tables(setup: Setup) -> dict[str, Any]:
    each = ", for each agent" if setup.agents else ""
    rest = [c for c in setup.metric_columns if c.name not in setup.reward_terms]
    size = len(setup.observation_columns)
    space = (
        f"`Box(float32)` of shape ({size},){each}, of the end of the step:" if setup.flat else ""
    )
    pictures = tuple(
        (i.name, f"Box({number(i.low)}, {number(i.high)}, {i.shape}, {i.dtype})", i.meaning, i.unit)
        for i in setup.images
    )
    return {
        "space": space,
        "table": columns_table(setup.observation_columns) if setup.flat else None,
        "images": Table(("Name", "Space", "Meaning", "Unit"), pictures) if pictures else None,
        "info": columns_table(Columns(*rest), numbered=False, bounds=False),
    }


def _terms_table(setup: Setup) -> Table:
    terms = setup.terms
    if not terms:
        rows = [(name, setup.metric_columns[name].meaning, "") for name in setup.reward_terms]
    else:
        rows = [
            (
                t.name,
                t.formula,
                number(t.weight) if isinstance(t.weight, int | float) else t.weight or "",
            )
            for t in terms
        ]
    return Table(("Name", "Formula", "Weight"), tuple(rows))


def _end(card: Card, setup: Setup) -> str:
    steps = setup.horizon or card.max_episode_steps
    if not steps:
        return "* Truncation: never, unless `max_episode_steps` of `make` says when."
    if setup.horizon:
        return f"* Truncation: after {steps} steps ({number(steps * setup.dt)} s), which follow from the keywords."
    return f"* Truncation: after {steps} steps ({number(steps * setup.dt)} s), `max_episode_steps` of `make`."


def _arguments_table(cls: type[IdEnv]) -> Table:
    modes = '`None`, `"rgb_array"`, `"ansi"` or `"human"`'
    rows = [("render_mode", "None", modes, "what `render` gives")]
    rows += [(a.name, repr(a.default), a.takes, a.meaning) for a in cls.option_set().arguments]
    return Table(("Name", "Default", "Takes", "Meaning"), tuple(rows))


def _controllers_table(card: Card) -> Table:
    rows = []
    for name, entry in card.controllers.items():
        law = load(entry)
        sees = str(getattr(law, "information", "observation"))
        rows.append((name, card.rank(name), summary_of(law), sees))
    return Table(("Name", "Rank", "What it is", "Sees"), tuple(rows))


def summary_of(thing: Any) -> str:
    """Return the first line of a docstring, without its full stop and with a small first letter."""
    first = (inspect.getdoc(thing) or "").partition("\n")[0].rstrip(".")
    start, _, rest = first.partition(" ")
    return f"{start.lower() if start.istitle() else start} {rest}".strip()


def policy_folders(card: Card) -> Iterator[tuple[str, Path]]:
    """Yield the settings for which policies of an id ship, "nominal" first, and their folders."""
    root = _POLICIES / card.id.replace("/", "-")
    for path in (root, *sorted(p for p in root.glob("*") if p.is_dir())):
        if (path / "manifest.json").is_file():
            yield ("nominal" if path == root else path.name), path


def _number(value: float | list[float]) -> str:
    """Return a gain, of one number or of one for each axis, with four digits."""
    if isinstance(value, list):
        return f"({', '.join(f'{one:.4g}' for one in value)})"
    return f"{value:.4g}"


def tuned_table(card: Card) -> Table | None:
    """Return what searches of gains on the reward came to, read from the files that ship.

    The return is the mean over the episodes of the search's own seeds, on the plants that the search judged by.
    """
    rows = []
    root = _POLICIES / card.id.replace("/", "-")
    places = {"": root} | {f" ({setting})": root / setting for setting in card.settings}
    for name, (where, folder) in itertools.product(card.tuned, places.items()):
        path = folder / f"{name}-0.json"
        if not path.is_file():
            continue
        told = json.loads(path.read_text("utf-8"))
        gains = ", ".join(f"{gain} {_number(value)}" for gain, value in told["gains"].items())
        steps = f"{told['steps'] / 1e6:.3g} M"
        returns = f"{told['value']:,.0f}", f"{told['rule_value']:,.0f}"
        rows.append((name + where, told["agent"], str(told["trials"]), steps, *returns, gains))
    headings = ("Name", "Law", "Trials", "Steps", "Return", "By rule", "Gains")
    return Table(headings, tuple(rows)) if rows else None


def learned_table(card: Card) -> Table | None:
    """Return what the trainings of an id came to, read from the manifests and curves beside the shipped policies.

    Medians over the trainings with the lowest and the highest; return and success are those of the evaluation after the
    last step. Success, and the step at which a training first had one, are shown where an id has a goal.
    """
    rows = []
    for setting, folder in policy_folders(card):
        runs = json.loads((folder / "manifest.json").read_text("utf-8"))["runs"]
        first = _first_successes(folder)
        for method, run in runs.items():
            policies = run["policies"]
            scores = [policy["score"] for policy in policies]
            rows.append(
                {
                    "Name": method,
                    "Setting": setting,
                    "Trainings": str(len(policies)),
                    "Steps": f"{run['steps'] / 1e6:.3g} M",
                    "Return": _spread([score["episode_return"] for score in scores]),
                    "Success": _spread([score.get("success") for score in scores]),
                    "First success, steps": _spread(first.get(method, ())),
                    "CPU, s": _spread([p["cpu_time"] for p in policies]),
                }
            )
    headings = tuple(name for name in (rows[0] if rows else ()) if any(row[name] for row in rows))
    shown = tuple(tuple(row[name] for name in headings) for row in rows)
    return Table(headings, shown) if rows else None


def _first_successes(folder: Path) -> dict[str, list[float]]:
    """Return, for each method, the steps until each training first reached its goal; infinite if it never did."""
    path = folder / "curves.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        last = {
            (row["algo"], row["seed"]): row
            for row in csv.DictReader(file)
            if "first_success" in row
        }
    found: dict[str, list[float]] = {}
    for (method, _), row in last.items():
        found.setdefault(method, []).append(float(row["first_success"] or np.inf))
    return {method: steps for method, steps in found.items() if np.isfinite(steps).any()}


def _spread(values: Iterable[float | None]) -> str:
    """Return the median with the lowest and the highest; empty where one is not known."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, middle, high = (
        "never" if np.isinf(v) else f"{v:.4g}" if abs(v) < 1e3 else f"{v:,.0f}"
        for v in (min(known), statistics.median(known), max(known))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _parameter_tables(setup: Setup) -> dict[str, Any]:
    sourced: list[tuple[Column, float]] = [
        (column, value)
        for column, value in zip(setup.parameter_columns, setup.row.tolist(), strict=True)
        if column.source
    ]
    sources = list(dict.fromkeys(column.source for column, _ in sourced))
    rows = [
        (c.name, number(value), c.unit, c.meaning, f"[{sources.index(c.source) + 1}]")
        for c, value in sourced
    ]
    listing = "\n".join(f"* [{i + 1}] {source}" for i, source in enumerate(sources))
    headings = ("Name", "Value", "Unit", "Meaning", "Source")
    return {"table": Table(headings, tuple(rows)) if rows else None, "sources": listing}


def _history(card: Card) -> str:
    return "\n".join(f"* {version}: {what}" for version, what in card.history.items())
