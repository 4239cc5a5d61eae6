"""A Ray cluster, played by a module that runs what it is sent as a machine with other files or other sources would."""

import pickle
import re
import shutil
import sys
import types

import pytest

from gym_suite.comparison import compare, rollouts
from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.experiments import sources_of
from gym_suite.comparison.parcels import Parcel
from gym_suite.comparison.rollouts import Job, execute
from gym_suite.comparison.settings import Setting
from gym_suite.comparison.sources import ControllerSource, Sb3Source
from gym_suite.learning import shipped

ID = "gem/PMSM-v0"
OPTIONS = {"seeds": 2, "horizon": 30, "settings": "nominal", "progress": False}
CONTROLLER = """
import gym_suite

def build(env):
    return gym_suite.make_controller(env, "lqr")
"""


@pytest.fixture
def cluster(monkeypatch):
    """Ray, whose work runs here, sent as bytes; `there` can be replaced by what makes this another machine."""
    ray = types.ModuleType("ray")
    ray.exceptions = types.SimpleNamespace(RayTaskError=KeyError, RayError=LookupError)
    ray.is_initialized = lambda: True
    ray.there = lambda run: run()
    ray.wait = lambda waiting, num_returns: (waiting[:1], waiting[1:])
    ray.get = lambda sent: ray.there(lambda: run_sent(sent))
    ray.remote = lambda **options: (
        lambda function: types.SimpleNamespace(
            remote=lambda *arguments: pickle.dumps((function, arguments))
        )
    )

    def run_sent(sent):
        function, arguments = pickle.loads(sent)
        return pickle.loads(pickle.dumps(function(*arguments)))

    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return ray


def returns(comparison):
    return {(r["agent"]["name"], r["seed"]): r["metrics"].get("return") for r in comparison.records}


def test_files_of_agents_go_along(cluster, tmp_path):
    """A node has neither the user's files nor the folder of this installation."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.py").write_text(CONTROLLER)
    shutil.copyfile(shipped(ID, "ppo")[0], home / "policy.npz")
    agents = [f"{home / 'mine.py'}:build", str(home / "policy.npz")]
    here = compare(ID, agents=agents, **OPTIONS)
    sent = []

    def elsewhere(run):
        home.rename(tmp_path / "away")
        try:
            sent.append(run())
        finally:
            (tmp_path / "away").rename(home)
        return sent[-1]

    cluster.there = elsewhere
    there = compare(ID, agents=agents, executor="ray", **OPTIONS)
    assert len(sent) == 4 and there.failed_runs == 0
    assert returns(there) == returns(here)


def test_a_policy_of_another_library_goes_with_its_statistics(tmp_path):
    for name in ("policy.zip", "vecnormalize.pkl"):
        (tmp_path / name).write_text(name)
    agent = AgentSpec("policy", "learned", Sb3Source(tmp_path / "policy.zip"))
    parcel = Parcel.packed((Job(ID, Setting("nominal"), 5, agent, (0,)),))
    shutil.rmtree(tmp_path)
    (job,), (again,) = parcel.unpacked(), parcel.unpacked()
    assert job.agent.source == again.agent.source, "nothing is copied twice"
    assert [path.name for path in job.agent.source.files] == ["policy.zip", "vecnormalize.pkl"]
    assert {path.read_text() for path in job.agent.source.files} == {
        path.name for path in job.agent.source.path.parent.iterdir()
    }


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (("0.0.1", "0" * 16), r"another here than .* ordered \(0\.0\.1 and "),
        ((sources_of(ID)[0], "0" * 16), "another here than where the comparison was ordered: "),
    ],
)
def test_a_machine_with_other_sources_gives_failed_runs(
    others, said, cluster, monkeypatch, tmp_path
):
    """Its results would be known by other sources than those asked for, and counted for nothing without a word."""

    def elsewhere(run):
        with monkeypatch.context() as patch:
            patch.setattr(rollouts, "sources_of", lambda id: others)
            return run()

    cluster.there = elsewhere
    comparison = compare(
        ID, agents=["pi", "random"], executor="ray", out=tmp_path / "out", **OPTIONS
    )
    assert comparison.failed_runs == len(comparison.records) == 6
    for row in comparison.summary():
        assert row.failed == 2
        (error,) = row.errors
        assert re.search(said, error) and "install the same" in error
    cluster.there = lambda run: run()
    again = compare(ID, agents=["pi", "random"], executor="ray", out=tmp_path / "out", **OPTIONS)
    assert again.failed_runs == 0


def test_one_job_with_other_sources_fails_by_itself():
    agent = AgentSpec("pi", "controller", ControllerSource("pi"), batched=True)
    job = Job(ID, Setting("nominal"), 5, agent, (0, 1), sources=("0.0.1", "0" * 16))
    records = execute(job).records
    assert [record["run"] for record in records] == [job.run(seed).digest() for seed in (0, 1)]
    assert {record["status"] for record in records} == {"failed"}


def test_a_run_of_which_nothing_came_back_has_failed():
    comparison = compare(ID, agents=["random"], **OPTIONS)
    experiment = comparison.experiments[0]
    (spec,) = experiment.trainings("random")
    lost = next(experiment.runs(spec)).digest()
    del comparison.results._records[lost]
    assert comparison.failed_runs == 1
    (row,) = [row for row in comparison.summary() if row.name == "random"]
    assert (row.failed, row.errors) == (1, ("no result came back",))
