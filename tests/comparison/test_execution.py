"""Worker processes: one that dies costs one job at most, and none outlives its comparison."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gym_suite
from gym_suite import workers
from gym_suite.comparison import compare
from gym_suite.comparison.execution import check_executor

ID = "gem/PMSM-v0"
ROOT = str(Path(gym_suite.__file__).resolve().parent.parent)

AGENTS = """
import os
import numpy as np

class Dies:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        os._exit(7)

class Slow:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        import time
        time.sleep(0.05)
        return np.zeros((*np.shape(observation)[:-1], 2), dtype=np.float32), state

def dies(env):
    return Dies()

def slow(env):
    return Slow()
"""


def test_an_agent_that_ends_its_process_becomes_failed_runs(tmp_path):
    (tmp_path / "bad.py").write_text(AGENTS)
    comparison = compare(
        ID,
        agents=[f"{tmp_path / 'bad.py'}:dies", "random"],
        seeds=2,
        horizon=30,
        settings="nominal",
        workers=2,
        progress=False,
    )
    status = {(r["agent"]["name"], r["seed"]): r["status"] for r in comparison.records}
    assert status == {
        (name, seed): "failed" if name == "bad:dies" else "done"
        for name in ("pi", "zero", "bad:dies", "random")
        for seed in (0, 1)
    }
    (row,) = [row for row in comparison.summary() if row.failed]
    assert "exit status 7" in row.errors[0]


SCRIPT = """
import sys
from gym_suite.comparison import compare

if __name__ == "__main__":
    compare(sys.argv[1], agents=["pi", "random", sys.argv[3]], seeds=2, horizon=400, out=sys.argv[2],
            workers=2, settings={str(i): {"noise": 0.001 * (i + 1)} for i in range(3)}, progress=False)
"""


def children(pid):
    """Processes whose parent is this one."""
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


WITHOUT_GUARD = """
import gym_suite

options = {{"horizon": 5, "settings": "nominal", "progress": False}}
print(gym_suite.compare({id!r}, agents=[], seeds=2, workers=2, **options))
"""


@pytest.mark.parametrize("guarded", [False, True])
def test_a_script_that_starts_workers_in_its_workers_is_told_how_to_be_written(guarded, tmp_path):
    """Each worker runs the script again; without a guard each would start workers and die, all work with it."""
    script = WITHOUT_GUARD.format(id=ID)
    if guarded:
        script = script.replace("print(", 'if __name__ == "__main__":\n    print(')
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env=os.environ | {"PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode == 0) == guarded, done.stderr
    last = (done.stderr.splitlines() or [""])[-1]
    assert last.endswith("has to stand below  if __name__ == '__main__':") != guarded
    assert (ID in done.stdout) == guarded


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at the processes of Linux")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_a_comparison_that_is_ended(how, tmp_path):
    (tmp_path / "bad.py").write_text(AGENTS)
    script, out = tmp_path / "run.py", tmp_path / "out"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), ID, str(out), f"{tmp_path / 'bad.py'}:slow"]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": ROOT})
    file = out / "results.jsonl"
    for _ in range(6000):
        if file.exists() and file.stat().st_size > 0:
            break
        time.sleep(0.02)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.send_signal(how)
    process.wait()
    for _ in range(1500):
        if not any(map(lives, workers)):
            break
        time.sleep(0.02)
    assert not [pid for pid in workers if lives(pid)]
    lines = file.read_text().splitlines(keepends=True)
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    assert records and all(record["status"] == "done" for record in records)


def test_a_cluster_of_which_nobody_answers_is_told_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", object())
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ConnectionError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        check_executor("ray", 1, [])


@pytest.mark.parametrize("host", ["a" * 64, f"head.{'b' * 70}.org", "head..org"])
def test_a_name_that_no_host_can_have_is_told_as_one_that_does_not_answer(host, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", object())
    monkeypatch.setenv("RAY_ADDRESS", f"{host}:6379")
    with pytest.raises(ConnectionError, match=rf"no Ray cluster answers at {host}:6379"):
        check_executor("ray", 1, [])


RAY = """
import time

def init(address, log_to_driver):
    if address == "quiet":
        time.sleep(600.0)
    if address != "head":
        raise ValueError(f"Invalid address format: {address}")
"""


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nowhere", "ValueError: Invalid address format: nowhere"),
        ("quiet", "what listens there does not answer as Ray does, for 2 s"),
        ("head", ""),
    ],
)
def test_what_is_no_ray_is_told_in_time(address, reason, monkeypatch, tmp_path):
    """Ray goes on trying to speak with whatever listens, and its errors are tracebacks."""
    (tmp_path / "ray.py").write_text(RAY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", object())
    monkeypatch.setattr(workers, "GREETING", 2.0)
    monkeypatch.setenv("RAY_ADDRESS", address)
    if not reason:
        check_executor("ray", 1, [])
        return
    with pytest.raises(ConnectionError) as refused:
        check_executor("ray", 1, [])
    assert str(refused.value) == f"no Ray cluster answers at {address} (RAY_ADDRESS): {reason}"
