"""A local Ray cluster of two nodes: one dies half-way, or whoever ordered the work does; the numbers are the same."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from gym_suite.comparison import compare

ray = pytest.importorskip("ray")

ID = "gem/PMSM-v0"
AGENTS = ["pi", "pi-predicted", "deadbeat", "lqr", "random"]
SETTINGS = ["nominal", "noise", "delay"]
SEEDS, HORIZON = 20, 8000
RUNS = (len(AGENTS) + 1) * len(SETTINGS) * SEEDS  # with doing nothing, which scores 0


@pytest.fixture(scope="module")
def here():
    """What one machine comes to."""
    return returns(ordered())


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.second = made.add_node(num_cpus=1)
        made.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", made.address)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def ordered(**keywords):
    return compare(
        ID,
        agents=AGENTS,
        settings=SETTINGS,
        seeds=SEEDS,
        horizon=HORIZON,
        progress=False,
        **keywords,
    )


def returns(comparison):
    assert comparison.failed_runs == 0 and len(comparison.records) == RUNS
    return {
        # As text: what an episode has none of is NaN, which equals nothing.
        (record["agent"]["name"], record["setting"]["name"], record["seed"]): repr(
            record["metrics"]
        )
        for record in comparison.records
    }


def finished(folder):
    """Return how many runs a folder holds, each once."""
    file = folder / "results.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def wait_for(condition, seconds=120.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def test_a_node_that_dies_half_way_changes_no_number(cluster, here, tmp_path):
    ray.init(address=cluster.address, log_to_driver=False)
    died = []

    def kill():
        # Both nodes have work, so that some is lost.
        wait_for(
            lambda: finished(tmp_path) >= RUNS // 6 and not ray.available_resources().get("CPU")
        )
        died.append(finished(tmp_path))
        cluster.remove_node(cluster.second, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    there = ordered(executor="ray", out=tmp_path)
    killer.join()
    assert returns(there) == here
    assert died[0] < RUNS, "it died when all was done"
    wait_for(lambda: sum(node["Alive"] for node in ray.nodes()) == 1)
    assert finished(tmp_path) == RUNS


def test_who_ordered_dies_and_the_next_goes_on(cluster, here, tmp_path):
    command = [sys.executable, "-m", "gym_suite", "compare", ID, "--agents", *AGENTS]
    command += ["--setting", *SETTINGS, "--seeds", str(SEEDS), "--steps", str(HORIZON)]
    command += ["--executor", "ray", "--out", str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: finished(tmp_path) >= RUNS // 6 or first.poll() is not None)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    before = finished(tmp_path)
    assert RUNS // 6 <= before < RUNS
    assert returns(ordered(executor="ray", out=tmp_path)) == here
    assert finished(tmp_path) == RUNS
