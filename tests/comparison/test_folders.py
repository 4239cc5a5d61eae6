"""Folders that are given from Python: none is filled by mistake, and what is damaged in them is named."""

import json

import pytest

import gym_suite
from gym_suite.comparison import leaderboard, submit
from gym_suite.comparison.board import Board
from gym_suite.learning import train, tune
from gym_suite.learning.records import read_manifest
from gym_suite.learning.trials import TrialLog

ID = "gem/PMSM-v0"


@pytest.mark.parametrize(
    "call",
    [
        lambda: gym_suite.compare(ID, agents=["pi"], seeds=1, horizon=2, out=""),
        lambda: leaderboard("", ids=[ID]),
        lambda: submit("", "board"),
        lambda: submit("entry", ""),
        lambda: train(ID, out="", seeds=1, steps=100),
        lambda: tune(ID, out=""),
    ],
)
def test_an_empty_text_is_no_folder(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=r"^(out|folder) is empty: give a folder, or leave it out$"
    ):
        call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "hello", "[1]", "5", "null", "[" * 100_000])
def test_a_damaged_row_of_a_leaderboard_is_named(content, tmp_path):
    board = Board.ordered(tmp_path, protocol=False, episodes=1, steps=2)
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "another.json").write_text(content)
    with pytest.raises(ValueError, match=r"another\.json is damaged"):
        board.rows()


@pytest.mark.parametrize("content", ["", "hello", "[]", '{"id": "gem/PMSM-v0"}', "[" * 100_000])
def test_a_damaged_manifest_is_named(content, tmp_path):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        read_manifest(tmp_path, ID)


@pytest.mark.parametrize(
    "lines", ["hello\n", "[1]\n", '{"id": 1}\nhello\n', '{"id": 1}\n{}\n', "[" * 100_000 + "\n"]
)
def test_a_damaged_log_of_trials_is_named(lines, tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text(lines)
    with pytest.raises(ValueError, match=r"trials\.jsonl is damaged"):
        TrialLog(path, {"id": 1})
    path.write_text(json.dumps({"id": 2}) + "\n")
    with pytest.raises(ValueError, match="other id"):
        TrialLog(path, {"id": 1})
