"""Several seeds at once: the same policies as one after the other, and a dead process costs its own seed only."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import gym_suite
from gym_suite.cli import main
from gym_suite.learning import load_policy, train
from gym_suite.learning.records import read_curves, replace_curve
from gym_suite.learning.shelf import listed
from gym_suite.workers import at_once

ID = "gem/PMSM-v0"
TINY = {"rows": 8, "rollout": 32, "batch": 128, "epochs": 1, "evaluations": 2, "network": [8]}
ROOT = str(Path(gym_suite.__file__).resolve().parent.parent)
TIMES = ("wall_time", "cpu_time")


def training(folder, **keywords):
    return train(ID, **({"seeds": 3, "steps": 600, "settings": TINY, "out": folder} | keywords))


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    return training(tmp_path_factory.mktemp("one-by-one"))


def weights(path):
    policy = load_policy(path, ID)
    return {name: array.tobytes() for name, array in policy._arrays.items()}


def curves(folder):
    with (folder / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def same(result, other):
    assert [run.path.name for run in result.runs] == [run.path.name for run in other.runs]
    assert [run.score for run in result.runs] == [run.score for run in other.runs]
    for one, two in zip(result.runs, other.runs, strict=True):
        assert weights(one.path) == weights(two.path)
    assert curves(result.folder) == curves(other.folder)


def test_two_at_once_give_the_policies_of_one_after_the_other(one_by_one, tmp_path):
    lines, states = [], []
    result = training(tmp_path, jobs=2, progress=lines.append, status=states.append)
    same(result, one_by_one)
    assert result.lost == {}
    assert sum("reach pi's error" in line for line in lines) == 3
    assert not any("trips" in line for line in lines), "evaluations are told in the status"
    assert states and all(" of 3 seeds done" in state for state in states)
    assert training(tmp_path, jobs=2).runs == tuple(
        run for run in training(tmp_path).runs if run.skipped
    )


# A training whose second seed ends its process, as the system does where memory runs out.
DIES = """
import os
from gym_suite.learning import learner, train
import gym_suite.learning.training as training

def dying(lesson, tell):
    if lesson.seed == 1:
        os._exit(9)
    if lesson.seed == 2:
        raise MemoryError("no room")
    return learner.learn(lesson, tell)

if __name__ == "__main__":
    import json, sys
    training.learn = dying
    lines = []
    result = train(sys.argv[1], seeds=4, steps=600, settings=json.loads(sys.argv[2]), out=sys.argv[3], jobs=2,
                   progress=lines.append)
    print(json.dumps([sorted(run.seed for run in result.runs), result.lost, lines]))
"""


def test_a_dead_process_costs_its_own_seed_only_and_is_made_up_for_later(one_by_one, tmp_path):
    script = tmp_path / "dies.py"
    script.write_text(DIES)
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, str(script), ID, json.dumps(TINY), str(out)],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=True,
    )
    finished, lost, lines = json.loads(done.stdout)
    assert finished == [0, 3]
    assert lost["1"] == "the process that ran it died (exit status 9), 2 times"
    assert lost["2"] == "MemoryError: no room"
    assert sum("lost, " in line for line in lines) == 2
    again = training(out, jobs=2)
    assert [run.skipped for run in again.runs] == [True, False, False]
    same_runs = zip(again.runs, one_by_one.runs, strict=True)
    assert all(weights(one.path) == weights(two.path) for one, two in same_runs)


def children(pid):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at the processes of Linux")
def test_no_training_outlives_a_command_that_is_killed(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gym_suite", "train", ID, "--seeds", "2", "--jobs", "2"]
    command += ["--out", str(out), "--settings", json.dumps(TINY), "--steps", "10000000"]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": ROOT}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "ppo seed" in line:
            break
    workers = children(process.pid)
    assert len(workers) >= 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(1500):
        if not any(map(lives, workers)):
            break
        time.sleep(0.02)
    assert not [pid for pid in workers if lives(pid)]
    assert not listed(out)


def end_of_all(tasks, count, cores):
    """When the last of equal tasks ends, count of which share the cores: moved on in small steps of time."""
    waiting, left, now, step = tasks, [], 0.0, 1e-3
    while waiting or left:
        while waiting and len(left) < count:
            waiting, left = waiting - 1, [*left, 1.0]
        done = step * min(1.0, cores / len(left))
        left = [part - done for part in left if part > done + 1e-9]
        now += step
    return now


@pytest.mark.parametrize(("seeds", "cores"), [(1, 4), (3, 2), (4, 2), (5, 2), (5, 4), (10, 8)])
def test_as_many_at_once_as_end_soonest(seeds, cores):
    count = at_once(seeds, cores)
    best = min(end_of_all(seeds, other, cores) for other in range(1, 2 * cores + 1))
    assert 1 <= count <= seeds and end_of_all(seeds, count, cores) < best + 0.02
    assert end_of_all(seeds, count - 1, cores) > best + 0.02 if count > 1 else True


@pytest.mark.parametrize(("more", "jobs"), [([], 3), (["--jobs", "2"], 2)])
def test_the_command_trains_as_many_at_once_unless_told(more, jobs, monkeypatch):
    told = {}
    monkeypatch.setattr("gym_suite.core.crew.cores", lambda: 2)
    monkeypatch.setattr(
        "gym_suite.learning.train",
        lambda id, **keywords: told.update(keywords) or SimpleNamespace(folder="there", lost={}),
    )
    assert main(["train", ID, "--seeds", "5", *more]) == 0
    assert told["jobs"] == jobs


def test_curves_lie_in_the_order_of_seeds_whichever_ended_first(tmp_path):
    for algo, seed in (("sac", 1), ("ppo", 10), ("ppo", 2), ("sac", 0), ("ppo", 10)):
        replace_curve(tmp_path, algo, seed, [{"algo": algo, "seed": seed, "step": 5}])
    order = [(row["algo"], row["seed"]) for row in read_curves(tmp_path)]
    assert order == [("sac", "0"), ("sac", "1"), ("ppo", "2"), ("ppo", "10")]


def test_bad_counts_and_executors_are_refused(tmp_path, capsys):
    for jobs in (0, -2):
        with pytest.raises(ValueError, match="jobs: expected at least 1"):
            training(tmp_path / "out", jobs=jobs)
    with pytest.raises(ValueError, match="Did you mean 'ray'"):
        training(tmp_path / "out", executor="rai")
    assert not (tmp_path / "out").exists()
    assert main(["train", ID, "--jobs", "0", "--out", str(tmp_path / "out")]) == 2
    assert "jobs: expected at least 1, got 0" in capsys.readouterr().err


def test_a_cluster_trains_the_same(one_by_one, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        same(training(tmp_path, executor="ray"), one_by_one)
    finally:
        ray.shutdown()
