"""compare() on the real drive: rows, processes and kills change nothing in the results."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison import compare
from gym_suite.comparison.batching import first_state

ID = "gem/PMSM-v0"
SHORT = {"horizon": 300, "settings": "nominal", "progress": False}


@pytest.fixture(scope="module")
def short():
    return compare(ID, agents=["pi", "zero", "random"], seeds=4, **SHORT)


def returns(comparison, name):
    records = [r for r in comparison.records if r["agent"]["name"] == name]
    return {r["seed"]: r["metrics"]["return"] for r in records}


@pytest.mark.parametrize("name", ["pi", "random"])
def test_rows_equal_single_episodes_bit_for_bit(short, name):
    env = gymnasium.make(ID, max_episode_steps=300)
    agent = gym_suite.make_controller(env, name)
    for seed, total in returns(short, name).items():
        observation, info = env.reset(seed=seed)
        rewards, infos, start, ended = [], [info], True, False
        memory = first_state(agent, (seed,))  # what is drawn belongs to the episode's seed
        state = None if memory is None else memory[0]
        while not ended:
            action, state = agent.predict(observation, state, start)
            observation, reward, terminated, truncated, info = env.step(action)
            rewards.append(reward)
            infos.append(info)
            start, ended = False, terminated or truncated
        assert total == pytest.approx(np.sum(rewards), rel=1e-12)
        if seed == 0:
            experiment = short.experiments[0]
            spec = next(agent for agent in experiment.agents if agent.name == name)
            trajectory = short.trajectory(experiment, spec)
            named = short.trajectory(ID, name, seed)
            np.testing.assert_array_equal(named["reward"], trajectory["reward"])
            np.testing.assert_array_equal(trajectory["reward"][1:], rewards)
            for column in ("i_sd", "i_sq_ref", "u_sq"):
                expected = [info[column] for info in infos]
                np.testing.assert_array_equal(trajectory[column], expected)


@pytest.mark.parametrize(
    ("id", "agent", "seed", "said"),
    [
        ("gem/PMSM", "pi", 0, "Did you mean 'gem/PMSM-v0'"),
        (ID, "pj", 0, "unknown agent 'pj'. Did you mean 'pi'"),
        (ID, "pi", 99, "seed 99 was not run"),
    ],
)
def test_an_episode_that_was_not_run_is_refused_with_the_nearest(short, id, agent, seed, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        short.trajectory(id, agent, seed)


def test_processes_give_the_same_results_as_one(short):
    parallel = compare(ID, agents=["pi", "zero", "random"], seeds=4, workers=2, **SHORT)
    assert [r["run"] for r in parallel.records] == [r["run"] for r in short.records]
    # Through JSON, because not applicable (NaN) is unequal to itself.
    told = [[json.dumps(r["metrics"]) for r in c.records] for c in (parallel, short)]
    assert told[0] == told[1]


def test_the_reference_controller_wins_and_its_gains_are_explained(short, tmp_path):
    rows = {row.name: row for row in short.summary()}
    assert rows["zero"].score.high < 0.5 < rows["pi"].score.low
    assert rows["pi"].metrics["RMSE"].high < rows["zero"].metrics["RMSE"].low
    assert rows["random"].metrics["terminated"].estimate > 0.0
    assert rows["random"].improvement.estimate == 0.0
    text = short.report(tmp_path).read_text()
    for promised in ("magnitude optimum", "i_sd.kp", "V/A", "phase margin", "d current"):
        assert promised in text


def test_settings_by_name_change_the_plant_not_the_controller():
    comparison = compare(ID, agents=["pi"], seeds=2, horizon=300, progress=False)
    totals = [
        [
            r["metrics"]["return"]
            for r in comparison.records
            if r["agent"]["name"] == "pi" and r["setting"]["name"] == name
        ]
        for name in ("nominal", "noise", "mismatch", "delay", "disturbance")
    ]
    assert len({tuple(total) for total in totals}) == 5
    assert all(r["status"] == "done" for r in comparison.records)


SCRIPT = """
import sys
from gym_suite.comparison import compare
from gym_suite.comparison.batching import first_state

if __name__ == "__main__":
    compare(sys.argv[1], agents=["pi", "random"], seeds=3, horizon=300, out=sys.argv[2],
            settings={str(i): {"noise": 0.001 * (i + 1)} for i in range(40)})
"""


def test_a_comparison_killed_by_the_system_goes_on_where_it_was(tmp_path):
    script, out = tmp_path / "run.py", tmp_path / "out"
    script.write_text(SCRIPT)
    root = str(Path(gym_suite.__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, str(script), ID, str(out)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    file = out / "results.jsonl"
    for _ in range(3000):
        if file.exists() and file.stat().st_size > 10_000:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    survived = [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    assert 0 < len(survived) < 360
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    lines = file.read_text().splitlines(keepends=True)
    assert lines[: len(survived)] == survived
    records = [json.loads(line) for line in lines]
    assert len(records) == len({record["run"] for record in records}) == 360
    assert (out / "results.csv").read_text().count("\n") == 361
