"""The files of a comparison: damage is done again, one writer at a time, nothing in them acts."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lag_env import ID, Proportional

import gym_suite
from gym_suite.comparison import compare
from gym_suite.comparison.results import LOCK, Results, decode, encode, write_csv
from gym_suite.comparison.text import visible

OPTIONS = {"agents": ["random"], "seeds": 3, "settings": "nominal", "progress": False}


def edited(line, **changes):
    record = json.loads(line) | changes
    return json.dumps({name: value for name, value in record.items() if value != "gone"})


def returning(line, value):
    return edited(line, metrics=json.loads(line)["metrics"] | {"return": value})


DAMAGES = {
    "no agent": lambda line: edited(line, agent="gone"),
    "an agent without a kind": lambda line: edited(line, agent={"name": "p"}),
    "no provenance": lambda line: edited(line, provenance="gone"),
    "no setting": lambda line: edited(line, setting={}),
    "a time that is a text": lambda line: edited(line, time_per_action="fast"),
    "a run that is a list": lambda line: edited(line, run=["a", "b"]),
    "no metrics": lambda line: edited(line, metrics={}),
    "a metric that is a list": lambda line: edited(line, metrics={"return": [1.0]}),
    "a return that is not finite": lambda line: edited(line, metrics={"return": "Infinity"}),
    "a status of its own": lambda line: edited(line, status="splendid"),
    "a seed that is true": lambda line: edited(line, seed=True),
    "a number": lambda line: "7",
    "brackets without end": lambda line: "[" * 100_000,
    "no JSON": lambda line: line[:-5],
    "bytes": lambda line: "\x00\x01" * 10,
    "another return": lambda line: returning(line, 1e6),
    "a return that is true": lambda line: returning(line, True),
    "a return that is a text": lambda line: returning(line, "1.5"),
    "a return of very many digits": lambda line: returning(line, 10**400),
    "no metrics but the return": lambda line: edited(
        line, metrics={"return": json.loads(line)["metrics"]["return"]}
    ),
    "another seed": lambda line: edited(line, seed=json.loads(line)["seed"] + 1),
    "no checksum": lambda line: edited(line, checksum="gone"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_line_is_done_again(name, tmp_path):
    whole = compare(ID, out=tmp_path, **OPTIONS)
    file = tmp_path / "results.jsonl"
    lines = file.read_text().splitlines()
    place = len(lines) - 1
    file.write_text("\n".join([*lines[:place], DAMAGES[name](lines[place])]) + "\n")
    again = compare(ID, out=tmp_path, **OPTIONS)
    assert [json.dumps(r["metrics"]) for r in again.records] == [
        json.dumps(r["metrics"]) for r in whole.records
    ]
    again.report(tmp_path)


def test_two_comparisons_do_not_write_into_one_folder(tmp_path):
    holder = Results(tmp_path)
    with pytest.raises(OSError, match=r"another comparison is writing into .*process \d+"):
        compare(ID, out=tmp_path, **OPTIONS)
    holder.close()
    assert len(compare(ID, out=tmp_path, **OPTIONS).records) == 9


def test_results_of_another_version_are_told_and_done_anew(tmp_path, monkeypatch, capsys):
    """A comparison that begins all over says so; it looked as if it had lost what was done."""
    compare(ID, out=tmp_path, **OPTIONS)
    options = OPTIONS | {"progress": True}
    told = r"gym_suite: .* holds \d+ results? of .* on lag/Lag-v0 by other sources"
    compare(ID, out=tmp_path, **options | {"seeds": 4, "agents": ["random", Proportional(2.0)]})
    assert not re.search(told, capsys.readouterr().err), "more seeds and agents of the same sources"
    file = tmp_path / "results.jsonl"
    before = file.read_text()
    monkeypatch.setattr("gym_suite.comparison.experiments.__version__", "9.9.9")
    compare(ID, out=tmp_path, **options)
    err = capsys.readouterr().err
    (line,) = [line for line in err.splitlines() if "other sources" in line]
    assert line.startswith(f"gym_suite: {tmp_path} holds 9 results of p, zero and random on {ID}")
    assert (
        f"(of gym_suite {gym_suite.__version__}; this is 9.9.9): these runs are done anew" in line
    )
    assert file.read_text().startswith(before)


def test_a_dead_process_leaves_no_lock(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from gym_suite.comparison.results import Results; "
        "Results(Path(sys.argv[1])); os._exit(1)"
    )
    root = str(Path(gym_suite.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert (tmp_path / LOCK).exists()
    Results(tmp_path).close()


def test_a_cell_that_a_spreadsheet_would_run_is_made_a_text(tmp_path):
    agents = {
        "=cmd|' /C calc'!A0": Proportional(1.0),
        "+1": Proportional(1.5),
        "plain": Proportional(),
    }
    comparison = compare(ID, agents=agents, seeds=1, settings="nominal", progress=False)
    write_csv(tmp_path / "results.csv", comparison.records)
    with (tmp_path / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["agent"] for row in rows] == ["p", "zero", "'=cmd|' /C calc'!A0", "'+1", "plain"]
    assert float(rows[0]["return"]) == comparison.records[0]["metrics"]["return"] < 0.0


def test_nothing_that_a_terminal_would_obey_leaves_a_name_or_an_error(tmp_path, capfd):
    class Evil(Proportional):
        name = "a\x1b]0;owned\x07b\u202ec"

        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            raise RuntimeError("\x1b[2J gone\nagain")

    comparison = compare(ID, agents=[Evil()], seeds=1, settings="nominal", out=tmp_path)
    page = comparison.report(tmp_path).read_text()
    table = (tmp_path / "results.csv").read_text()
    for text in (str(comparison), page, table, capfd.readouterr().err):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    (error,) = [r["error"] for r in comparison.records if r["error"]]
    assert "gone again" in error


@pytest.mark.parametrize(
    ("text", "shown"), [("plain", "plain"), ("a\nb\tc", "a b c"), ("ψ_p", "ψ_p")]
)
def test_harmless_text_stays(text, shown):
    assert visible(text) == shown


def test_a_full_disk_leaves_no_half_table(tmp_path, monkeypatch):
    def full(descriptor, *arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gym_suite.comparison.results.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_csv(tmp_path / "results.csv", [])
    assert list(tmp_path.iterdir()) == []


def test_a_record_survives_its_line(tmp_path):
    comparison = compare(ID, out=tmp_path, **OPTIONS)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert [decode(line)["run"] for line in lines] == [r["run"] for r in comparison.records]
    # What says the same in other letters is no damage.
    assert [decode(json.dumps(json.loads(line), indent=1)) for line in lines] == [
        decode(line) for line in lines
    ]


@pytest.mark.parametrize("value", [True, "1.5", 10**400, [1.0], {}])
def test_a_metric_is_a_number_whatever_the_checksum_says(value, tmp_path):
    (record, *_) = compare(ID, out=tmp_path, **OPTIONS).records
    assert decode(encode(record)) == record
    with pytest.raises(ValueError, match=r"metrics\.return is not a finite number"):
        decode(encode(record | {"metrics": record["metrics"] | {"return": value}}))
