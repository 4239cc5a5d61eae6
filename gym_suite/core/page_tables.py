"""The tables of an id's page, from its columns, options, reward terms, card and policy manifests.

:mod:`gym_suite.core.page` puts them between the prose.
"""

from __future__ import annotations

import csv
import inspect
import itertools
import json
import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_suite.core.cards import Card, load
from gym_suite.core.columns import Column, Columns

if TYPE_CHECKING:
    from gym_suite.core.family import Setup
    from gym_suite.core.ids import IdEnv

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


def number(value: float) -> str:
    """Return a number as pages show it."""
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.6g}"


def listed(names: Iterable[str]) -> str:
    """Return names as an enumeration of code: `a`, `b` and `c`."""
    told = [" to ".join(f"`{part}`" for part in name.split(" to ")) for name in names]
    return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))


def numbered_runs(names: Sequence[str]) -> list[str]:
    """Return names with each run of at least four that only count up as one: "a_0 to a_5"."""
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


def section_tables(heading: str, cls: type[IdEnv], setup: Setup) -> dict[str, Any]:
    """Return the tables and lines of a section by the marks that stand for them, ``[[table]]`` and others.

    Args:
        heading: Of the section.
        cls: The id's class.
        setup: What its keywords made of it.
    """
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
