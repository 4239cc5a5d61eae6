"""The folder of a leaderboard: what is damaged or of others is told before anything runs, and can be mended."""

import json
import shutil

import pytest

from gym_suite.cli import main
from gym_suite.comparison import board as boards
from gym_suite.comparison import leaderboard, submit
from gym_suite.comparison.board import Board
from gym_suite.comparison.results import LOCK
from gym_suite.comparison.rows import check_row
from gym_suite.learning import shipped
from gym_suite.registration import card

ID, OTHER, ELSEWHERE = "radio/GilbertElliott-v0", "radio/Access-v0", "agv/SimpleStatic-v0"
SMALL = {"episodes": 2, "steps": 5, "progress": False}
FILE, OTHERS = "radio-GilbertElliott-v0.json", "radio-Access-v0.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    leaderboard(folder, ids=[ID], **SMALL)
    return folder


@pytest.fixture
def board(made, tmp_path):
    shutil.copytree(made, tmp_path / "board")
    return tmp_path / "board"


def contents(folder):
    """What is kept in a folder, by file; who writes there is not."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != LOCK}


def edit(path, change):
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def refused(folder, ids, reason):
    """Ask for some ids; nothing is run, and nothing is changed."""
    before = contents(folder)
    with pytest.raises(ValueError, match=reason):
        leaderboard(folder, ids=ids, **SMALL)
    assert contents(folder) == before


# ------------------------------------------------------------------------------------------ damage


def changed(change):
    """A damage that leaves the row an object."""

    def damage(text):
        row = json.loads(text)
        change(row)
        return json.dumps(row)

    return damage


ROWS = {
    "torn": (lambda text: text[:40], ""),
    "a list": (lambda text: "[]", "it is no object"),
    "an id alone": (lambda text: json.dumps({"id": 3}), "id is not a text"),
    "of another id": (lambda text: text.replace(ID, OTHER), f"it is of {OTHER}"),
    "without agents": (changed(lambda row: row.pop("agents")), "agents is missing"),
    "agents by name": (changed(lambda row: row.update(agents={})), "agents is no list"),
    "a place that is a text": (
        changed(lambda row: row["agents"][0]["settings"]["nominal"].update(rank=["1", 1, 2])),
        r"rank\[0\] is not a whole number",
    ),
    "a time that is not finite": (
        changed(lambda row: row["agents"][0].update(time_per_action=float("nan"))),
        r"agents\[0\]\.time_per_action is not a finite number",
    ),
    "no settings": (
        changed(lambda row: row["agents"][0].update(settings=None)),
        "settings is no object",
    ),
    "a duel of nobody": (
        changed(lambda row: row["learning"]["nominal"].update(policy="nobody")),
        "learning.nominal is of agents that are not there",
    ),
    "no version": (
        changed(lambda row: row["provenance"].pop("gym_suite")),
        "provenance.gym_suite is missing",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_damaged_row_is_told_before_anything_runs_and_written_anew(name, made, board):
    damage, reason = ROWS[name]
    file = board / "rows" / FILE
    file.write_text(damage(file.read_text()))
    refused(
        board, [OTHER], rf"{FILE} is damaged \(.*{reason}.* run gym-suite leaderboard with {ID}"
    )
    leaderboard(board, ids=[ID], **SMALL)
    assert file.read_bytes() == (made / "rows" / FILE).read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"steps": "5"}, "steps is not a whole number"),
        ({"steps": 0}, "steps must be a whole number >= 1, got 0"),
        ({"episodes": 0}, "episodes must be a whole number >= 1, got 0"),
        ({"episodes": None}, "episodes is not a whole number"),
        ({"episodes": True}, "episodes is not a whole number"),
        ({"protocol": True, "steps": None}, "a protocol decides episodes, got 2"),
        ({"protocol": 1}, "protocol is not true or false"),
        ({"version": None}, "version is not a text"),
        ({"sources": {"radio": 5}}, "sources.radio is not a text"),
        ({"sources": ["radio"]}, "sources is no object"),
    ],
)
def test_a_damaged_account_of_how_it_was_run_is_named(change, reason, board):
    edit(board / "about.json", lambda about: about.update(change))
    refused(board, [ID], rf"about\.json is damaged \({reason}")
    with pytest.raises(ValueError, match=reason):
        Board.open(board)


def test_episodes_are_a_number(tmp_path):
    with pytest.raises(ValueError, match="episodes must be a whole number >= 1, got None"):
        Board.ordered(tmp_path, protocol=False, episodes=None)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "id is missing"),
        ({"id": ID, "name": "x"}, "policies is missing"),
        ({"id": ID, "name": "x", "controller": 5}, "controller is not a text"),
        ({"id": ID, "name": "x", "controller": ""}, "names no files"),
        ({"id": ID, "name": "x", "policies": []}, "names no files"),
        ({"id": ID, "name": "x", "policies": ["../p.npz"]}, "names no files"),
        ({"id": ID, "name": "x", "policies": ["p.npz"], "by": 3}, "by is not a text"),
        ({"id": ID, "name": "x", "policies": ["p.npz"], "files": {"p.npz": 3}}, "files.p.npz is"),
    ],
)
def test_a_damaged_entry_is_named(told, reason, board):
    place = board / "submissions" / "x"
    place.mkdir(parents=True)
    (place / "submission.json").write_text(json.dumps(told))
    refused(board, [ID], rf"submission\.json is damaged \(.*{reason}.* remove .*submissions/x")


# ------------------------------------------------------------------------------------------ of others


def test_every_entry_of_a_row_and_of_its_agents_is_looked_for(made):
    """A page reads them all, so a row that lacks one is told of instead of a traceback."""
    whole = json.loads((made / "rows" / FILE).read_text())
    check_row(whole)
    for name in whole:
        with pytest.raises(ValueError, match=name):
            check_row({key: value for key, value in whole.items() if key != name})
    first, *others = whole["agents"]
    for name in first:
        lacking = {key: value for key, value in first.items() if key != name}
        with pytest.raises(ValueError, match=name):
            check_row(whole | {"agents": [lacking, *others]})


@pytest.mark.parametrize("left", ["rows", "runs"])
def test_what_nothing_tells_the_version_of_is_refused(left, board):
    shutil.copytree(board / left, board.parent / "rest" / left)
    edit_all = (board.parent / "rest" / "rows").glob("*.json")
    for file in edit_all:
        edit(file, lambda row: row["provenance"].update(gym_suite="0.1.0"))
    refused(board.parent / "rest", [OTHER], f"holds {left} of a leaderboard and no about.json")


def of_other_sources(folder):
    edit(folder / "about.json", lambda about: about["sources"].update(agv="of another day"))


def row_of_other_sources(folder):
    edit(
        folder / "rows" / "agv-SimpleStatic-v0.json",
        lambda row: row["provenance"].update(source_digest="of another day"),
    )


def row_of_another_version(folder):
    edit(
        folder / "rows" / "agv-SimpleStatic-v0.json",
        lambda row: row["provenance"].update(gym_suite="0.1.0"),
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (of_other_sources, "its row is of other sources of agv than are here"),
        (row_of_other_sources, "its row is of other sources of agv than are here"),
        (row_of_another_version, "its row is of gym_suite 0.1.0"),
    ],
)
def test_rows_of_others_stand_on_no_page_with_those_of_now(change, why, board, capsys):
    digest = boards.source_digest("agv")
    row = json.loads((board / "rows" / FILE).read_text()) | {"id": ELSEWHERE, "family": "agv"}
    row["provenance"]["source_digest"] = digest
    (board / "rows" / "agv-SimpleStatic-v0.json").write_text(json.dumps(row))
    edit(board / "about.json", lambda about: about["sources"].update(agv=digest))
    assert [one["id"] for one in leaderboard(board, ids=[ID], **SMALL)] == [ELSEWHERE, ID]
    assert "left out" not in (board / "index.html").read_text()
    change(board)
    rows = leaderboard(board, ids=[ID], **SMALL | {"progress": True})
    assert [one["id"] for one in rows] == [ID]
    data = json.loads((board / "leaderboard.json").read_text())
    assert [one["id"] for one in data["rows"]] == [ID]
    assert data["left_out"][ELSEWHERE].startswith(why)
    assert f"{ELSEWHERE} is left out: {why}" in (board / "index.html").read_text()
    assert f"gym_suite: {ELSEWHERE} is left out: {why}" in capsys.readouterr().err
    assert (board / "rows" / "agv-SimpleStatic-v0.json").is_file()


# ------------------------------------------------------------------------------------------ entries


def entry(folder, claim, **changes):
    folder.mkdir()
    shutil.copyfile(shipped(ID, "ppo")[0], folder / "p0.npz")
    told = {"id": ID, "name": "outsider", "policies": ["p0.npz"], "claim": claim, "command": "x"}
    (folder / "submission.json").write_text(json.dumps(told | changes))
    return folder


def test_a_refused_entry_changes_nothing(board, tmp_path, capsys):
    """Neither one whose controller cannot be built, nor one that was made with episodes of the leaderboard."""
    before = contents(board)
    (seed, *_) = card(ELSEWHERE).protocol.seeds
    controller = {"id": ELSEWHERE, "policies": [], "controller": "mine.py:build"}
    unable = entry(tmp_path / "unable", {"nominal": 1.0}, **controller)
    (unable / "mine.py").write_text("def build(env):\n    raise RuntimeError('no idea')\n")
    seen = entry(tmp_path / "seen", {"nominal": 1.0}, **controller, seeds=[seed, seed])
    (seen / "mine.py").write_text("raise SystemExit('this ran')\n")
    for folder, reason in ((unable, "no idea"), (seen, f"cannot be judged on seed {seed}")):
        assert main(["submit", str(folder), "--run-code", "--out", str(board)]) == 2
        assert reason in capsys.readouterr().err
        assert contents(board) == before


def test_a_claim_by_the_protocol_is_told_of_what_a_first_look_runs(board, tmp_path, capsys):
    claim = dict.fromkeys(json.loads((board / "rows" / FILE).read_text())["settings"], 7.0)
    folder = entry(tmp_path / "mine", claim)
    about = (board / "about.json").read_bytes()
    assert main(["submit", str(folder), "--out", str(board)]) == 1
    told = capsys.readouterr().err
    assert "under nominal 7 is claimed" in told
    of = "of 2 episodes of at most 5 control periods, which this leaderboard runs in place of the"
    assert told.count(f" came out {of} protocol") == len(claim) > 1
    assert told.count("run with --protocol: hand it in there, or claim what came out here") == 1
    assert (board / "about.json").read_bytes() == about


def test_an_accepted_entry_that_was_damaged_is_handed_in_again(board, tmp_path):
    checked = submit(
        entry(tmp_path / "guess", dict.fromkeys(["nominal"], 7.0)), board, progress=False
    )
    truth = {name: found for name, found in checked.found.items() if found is not None}
    folder = entry(tmp_path / "mine", truth)
    assert not submit(folder, board, progress=False).problems
    accepted, good = board / "submissions" / "outsider" / "p0.npz", (folder / "p0.npz").read_bytes()
    shutil.copyfile(shipped(ID, "ppo")[1], folder / "p0.npz")
    for damage in (b"junk", (folder / "p0.npz").read_bytes(), None):
        accepted.unlink()
        if damage is not None:
            accepted.write_bytes(damage)
        refused(
            board, [ID], r"p0\.npz is not what was accepted of the entry 'outsider': hand the entry"
        )
        (folder / "p0.npz").write_bytes(shipped(ID, "ppo")[1].read_bytes())
        with pytest.raises(ValueError, match="there is an entry 'outsider' of"):
            submit(folder, board, progress=False)
        (folder / "p0.npz").write_bytes(good)
        assert not submit(folder, board, progress=False).problems
        assert accepted.read_bytes() == good
    leaderboard(board, ids=[ID], **SMALL)
