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

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from gym_suite.core.cards import Card
from gym_suite.core.page_tables import Table, listed, number, numbered_runs, section_tables

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
        tables = section_tables(heading, cls, setup)
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
        "measured": listed(numbered_runs(setup.measured)),
        "physical": listed(setup.plant_parameters),
        "channels": listed(setup.disturbances),
    }
    parameters = zip(setup.parameter_columns.names, setup.row.tolist(), strict=True)
    values |= {f"p.{name}": number(value) for name, value in parameters}
    return values | {f"k.{name}": str(value) for name, value in setup.keywords.items()}
