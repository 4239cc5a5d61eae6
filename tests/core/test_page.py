"""The page of every id says what the id is: composed from data, nothing missing, nothing twice, nothing unused."""

import ast
import inspect
import pydoc
import re
from pathlib import Path

import gymnasium
import pytest

import gym_suite
from gym_suite import cli
from gym_suite.core.page import HEADINGS, compose, sections_of
from gym_suite.core.page_tables import Table
from gym_suite.registration import FAMILIES, catalogue, id_class_of

PACKAGE = Path(gym_suite.__file__).parent
IDS = tuple(catalogue())
FRAGMENTS = sorted(PACKAGE.glob("*/pages/*.md"))


def table(page, heading, number=0):
    tables = [part for part in page.section(heading).parts if isinstance(part, Table)]
    return [dict(zip(tables[number].headings, row, strict=True)) for row in tables[number].rows]


def prose(text):
    return [line for line in text.splitlines() if line.strip() and not line.startswith("|")]


@pytest.fixture(params=IDS)
def cls(request):
    return id_class_of(request.param)


def test_a_page_is_whole(cls):
    """All headings with something below each, every value filled in, and the same text wherever somebody asks."""
    page = compose(cls)
    assert tuple(section.heading for section in page.sections) == HEADINGS
    assert all(section.parts for section in page.sections), "a section says nothing"
    text = page.markdown()
    assert text.startswith(f"{cls.id}: ")
    assert not re.search(r"\[\[|\$\{?[a-z]", text)
    assert inspect.getdoc(cls) == cls.__doc__.strip("\n")
    assert cls.__doc__ == text
    assert "## Reference Controllers" in pydoc.render_doc(cls)


def test_tables_are_the_columns_options_and_terms(cls):
    setup, page = cls.configure(), compose(cls)
    arguments = table(page, "Arguments")
    assert [row["Name"] for row in arguments] == ["render_mode", *cls.option_set().names]
    assert all(row["Meaning"] for row in arguments)
    assert [row["Name"] for row in table(page, "Rewards")] == list(setup.reward_terms)
    assert tuple(term.name for term in setup.terms) == setup.reward_terms, (
        "a reward term has no formula"
    )
    assert all(
        c.meaning
        for c in (*setup.metric_columns, *setup.observation_columns, *setup.action_columns)
    )
    assert all(c.meaning and c.unit for c in (*setup.state_columns, *setup.parameter_columns))
    controllers = [row["Name"] for row in table(page, "Reference Controllers")]
    assert controllers == list(cls.card.controllers)


def test_defaults_written_out_change_nothing(cls):
    """The page's defaults are the real ones: an environment made with all of them is the same."""
    said = {row["Name"]: row["Default"] for row in table(compose(cls), "Arguments")}
    keywords = {
        name: ast.literal_eval(text) for name, text in said.items() if name != "render_mode"
    }
    plain, explicit = cls.configure(), cls.configure(**keywords)
    assert (explicit.row == plain.row).all()
    assert explicit.keywords == plain.keywords


def test_policies_are_in_the_page_of_their_id(cls):
    learned = [
        p for p in compose(cls).section("Reference Controllers").parts if isinstance(p, Table)
    ][1:]
    said = {row[0] for part in learned for row in part.rows}
    assert said >= set(cls.card.learned)


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda p: f"{p.parent.parent.name}/{p.stem}")
def test_every_fragment_is_used_and_well_formed(path):
    family = path.parent.parent.name
    said = sections_of(path.read_text("utf-8"), path.name)
    assert all(text for _, _, text in said)
    if family != "core":
        used = {
            name
            for card in catalogue().values()
            if card.family == family
            for name in card.fragments
        }
        assert path.stem in used, f"no id has the fragment {path.name}"


def test_prose_is_short_and_stands_once():
    lines = [line for path in FRAGMENTS for line in prose(path.read_text("utf-8"))]
    # Equations are no prose: two machines may have one in common.
    said = [line for line in lines if not line.startswith(("#", "[[", "    "))]
    twice = {line for line in said if said.count(line) > 1}
    assert not twice
    assert len(lines) <= 1010


def test_every_family_has_its_page():
    assert {path.parent.parent.name for path in FRAGMENTS if path.stem == "family"} == set(FAMILIES)


def test_show_gives_the_same_page(capsys):
    assert cli.main(["show", IDS[0], "--page"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(id_class_of(IDS[0]).__doc__)


def test_show_composes_for_keywords(capsys):
    """With --set the page is that of the environment as set."""
    assert cli.main(["show", "gem/PMSM-v0", "--page", "--set", "frame=abc"]) == 0
    assert "`action_c`" in capsys.readouterr().out


def test_an_instance_and_a_wrapped_one_show_the_page():
    env = gymnasium.make(IDS[0])
    assert env.unwrapped.__doc__ == id_class_of(IDS[0]).__doc__


@pytest.mark.parametrize(
    ("text", "said"),
    [("## Colour\n\nblue", "Colour"), ("## Description (never)\n\nx", None)],
)
def test_a_fragment_with_an_unknown_heading_is_refused(text, said):
    if said is None:
        assert sections_of(text, "here") == [("Description", "never", "x")]
        return
    with pytest.raises(ValueError, match=said):
        sections_of(text, "here")
