"""The leaderboard of the documentation: every id as it is now, and sentences that follow from its rows."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from gym_suite.behaviour import recorded as behaviours
from gym_suite.registration import card, catalogue
from gym_suite.version import __version__

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def boards():
    sys.path.insert(0, str(DOCS))
    try:
        import boards

        yield boards
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def rows(boards):
    return boards.recorded()["rows"]


def test_every_id_in_which_one_agent_acts_has_a_row_of_its_present_behaviour(boards, rows):
    alone = {entry.id for entry in catalogue().values() if entry.entry_point and not entry.extra}
    assert set(rows) == alone
    stale = [id for id, row in rows.items() if row["behaviour"] != behaviours()[id]]
    assert not stale, "run gym-suite leaderboard for them, then python docs/boards.py FOLDER"
    assert boards.recorded()["about"]["version"] == __version__


def test_a_row_has_the_anchors_and_all_settings_of_its_protocol_and_no_failed_run(rows):
    for id, row in rows.items():
        entry = card(id)
        names = [agent["name"] for agent in row["agents"]]
        assert {"zero", "random", entry.reference} <= set(names), id
        assert {*row["settings"], *row["idle"]} == set(entry.protocol.settings), id
        assert row["seeds"][0] == entry.protocol.first_seed
        for agent in row["agents"]:
            assert all(cell["failed_runs"] == 0 for cell in agent["settings"].values()), id


def test_the_page_says_what_the_rows_say(boards, rows):
    page = boards.table()
    counted = Counter(
        cell["outcome"] for row in rows.values() for cell in row["learning"].values() if cell
    )
    told = re.search(r"wins (\d+) times, ties (\d+) times, loses (\d+) times", page)
    assert told
    assert [int(n) for n in told.groups()] == [counted[k] for k in ("wins", "ties", "loses")]
    assert page.count("](environments/") == len(rows)
    assert "Do not quote it" in page


def test_rows_of_another_run_are_taken_beside_the_others_or_refused(boards, tmp_path, monkeypatch):
    """Of a leaderboard that was run as the others were; what has not been run again stays."""
    monkeypatch.setattr(boards, "FILE", tmp_path / "leaderboard.json")
    folder = tmp_path / "run"
    (folder / "rows").mkdir(parents=True)
    about = {"format": 1, "version": __version__, "sources": {}, "protocol": False}
    (folder / "about.json").write_text(json.dumps(about | {"episodes": 3, "steps": None}))
    (folder / "rows" / "a.json").write_text(json.dumps({"id": "a", "score": 0.123456789}))
    boards.take(folder)
    (folder / "rows" / "a.json").unlink()
    (folder / "rows" / "b.json").write_text(json.dumps({"id": "b"}))
    boards.take(folder)
    assert boards.recorded()["rows"] == {"a": {"id": "a", "score": 0.123457}, "b": {"id": "b"}}
    (folder / "about.json").write_text(json.dumps(about | {"episodes": 4, "steps": None}))
    with pytest.raises(ValueError, match="were run with"):
        boards.take(folder)
