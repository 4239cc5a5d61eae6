"""Work that takes too long is done in parts: the numbers are the same, and what is done is kept."""

import json
import math
import time
from contextlib import closing

import numpy as np
import pytest
from lag_env import ID as LAG
from test_cluster import cluster  # noqa: F401  a fixture: Ray, played
from test_company import RADIO, Network, curves, jobs_of, plain, told

from gym_suite.comparison import board as boards
from gym_suite.comparison import compare, leaderboard, parcels, pieces, seats
from gym_suite.comparison.company import batches_of, execute_all
from gym_suite.comparison.execution import run_jobs
from gym_suite.comparison.parcels import Parcel, execute_parcel
from gym_suite.comparison.pieces import GROWTH, LOOK, MOST, Cost, Watch, parts_of
from gym_suite.comparison.rollouts import Job, execute
from gym_suite.comparison.seats import TooLong
from gym_suite.workers import Instead, run_tasks

SEEDS = tuple(range(50))


def hasten(monkeypatch):
    """Let everything be done in as many parts as there can be; the list grows by the jobs of each that is run."""
    monkeypatch.setattr(pieces, "MOST", 1e-6)
    monkeypatch.setattr(pieces, "LOOK", 0.0)
    monkeypatch.setattr(pieces, "GROWTH", 1e9)
    monkeypatch.setattr(seats, "REPORT", 0.0)
    done, run = [], parcels.execute_all

    def noted(jobs, tick):
        found = run(jobs, tick)
        done.append(jobs)
        return found

    monkeypatch.setattr(parcels, "execute_all", noted)
    return done


@pytest.fixture
def eager(monkeypatch):
    return hasten(monkeypatch)


def names(parts):
    return [[(j.agent.name, j.setting.name, j.agent.training_seed) for j in part] for part in parts]


# ------------------------------------------------------------------------------------------ which parts


def test_agents_part_first_then_settings_trainings_and_episodes():
    jobs = jobs_of("gem/PMSM-v0", ["ppo"], seeds=SEEDS, settings=[{}, {"noise": 0.01}])
    (batch,) = batches_of(jobs, 1)
    agents = parts_of(batch, 100)
    assert [{job.agent.name for job in part} for part in agents] == [{"pi"}, {"zero"}, {"ppo"}]
    settings = parts_of(agents[2], 100)
    assert names(settings) == [[("ppo", s, k) for k in range(5)] for s in ("s0", "s1")]
    trainings = parts_of(settings[1], 100)
    assert names(trainings) == [[("ppo", "s1", k)] for k in range(5)]
    episodes = parts_of(trainings[0], 7)
    assert len(episodes) == 7
    assert [seed for (job,) in episodes for seed in job.seeds] == list(SEEDS)
    assert {len(job.seeds) for (job,) in episodes} == {7, 8}
    for (job,) in episodes:
        assert set(job.kept) == {0, 1} & set(job.seeds)
        assert job.shown == (1 if 1 in job.seeds else None)
    assert len(parts_of(trainings[0], 1000)) == 50
    # No more parts than pay: what would be apart stays together, in its order.
    for whole in (batch, agents[2], settings[1]):
        halves = parts_of(whole, 2)
        assert len(halves) == 2
        assert sorted(whole, key=repr) == sorted([job for half in halves for job in half], key=repr)
        for half in halves:
            assert list(half) == [job for job in whole if job in half]
    assert parts_of(batch, 1) == [batch]


@pytest.mark.parametrize("setup", [0.05, 5.0])
@pytest.mark.parametrize("steps", [200, 2000, 100_000])
@pytest.mark.parametrize("stepping", [1.0, 30.0, 800.0, 4000.0])
def test_parts_are_as_short_as_they_are_to_be_or_as_many_as_are_little_more_work(
    setup, steps, stepping
):
    cost = Cost(setup, stepping, steps)
    whole, again = setup + stepping, setup + pieces.CALL * steps
    assert cost.parts >= 1
    assert (cost.parts - 1) * again <= GROWTH * whole * (1.0 + 1e-9)
    if cost.parts < math.ceil(whole / MOST):
        assert cost.parts * again > GROWTH * whole  # one more part would be too much
    if whole <= MOST:
        assert cost.parts == 1


class Clock:
    """Time that passes as it is told."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(pieces.time, "perf_counter", lambda: self.now)


@pytest.mark.parametrize(
    ("period", "parts"),
    [(0.001, None), (0.02, 1), (2.0, 5)],  # s a control period, of 200
)
def test_a_piece_ends_early_where_it_would_take_too_long(period, parts, monkeypatch):
    clock, told_shares = Clock(monkeypatch), []
    five = [{"noise": k / 100.0} for k in range(5)]
    jobs = tuple(jobs_of("gem/PMSM-v0", ["pi"], seeds=SEEDS, horizon=200, settings=five))
    batch = [job for job in jobs if job.agent.name == "pi"]
    watch = Watch(batch, told_shares.append)
    clock.now += 1.0  # compiles
    ended = None
    for step in range(1, 201):
        clock.now += period
        try:
            watch(step / 200)
        except TooLong as long:
            ended = long.parts
            break
    if period < 1.0:
        assert ended is None and len(told_shares) == 200
    else:
        assert len(ended) == parts
        # Soon, and not by the first period, which compiles.
        assert clock.now <= 1.0 + 2 * max(period, LOOK)
    whole = 1.0 + 200 * period
    assert (whole > MOST) == (ended is not None)


# ------------------------------------------------------------------------------------------ the same numbers


CASES = {
    "policies and laws": (
        "gem/PMSM-v0",
        ["ppo", "random"],
        {"horizon": 60, "settings": ["nominal", "noise"]},
    ),
    "who draws, and who looks into the worlds": (
        RADIO,
        ["thompson", "hopper", "clairvoyant"],
        {"horizon": 40, "settings": ["nominal", "noise"]},
    ),
    "a user's own": (LAG, {"net": Network()}, {"horizon": 60, "settings": "nominal"}),
}
EPISODES = [0, 1, 2, 23]


@pytest.mark.parametrize("name", CASES)
def test_in_parts_everything_comes_to_the_same(name, monkeypatch, tmp_path):
    id, agents, more = CASES[name]
    expected = compare(id, agents=agents, seeds=EPISODES, progress=False, **more)
    eager = hasten(monkeypatch)
    found = compare(id, agents=agents, seeds=EPISODES, out=tmp_path, progress=False, **more)
    assert told(found) == told(expected) and curves(found) == curves(expected)
    assert {len(jobs) for jobs in eager} == {1}
    assert {len(job.seeds) for (job,) in eager} == {1}
    assert len(eager) == len(found.records)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert len({json.loads(line)["run"] for line in lines}) == len(lines) == len(found.records)


def test_parts_of_several_agents_and_settings_come_to_the_same():
    settings = [{}, {"noise": 0.01}, {"delay": 1}]
    (batch,) = batches_of(jobs_of("gem/PMSM-v0", ["ppo"], settings=settings), 1)
    expected = {repr(job): plain(execute(job)) for job in batch}
    for first in parts_of(batch, 2):
        for part in [first, *parts_of(first, 2)]:
            for job, outcome in zip(part, execute_all(part), strict=True):
                assert plain(outcome) == expected[repr(job)]


def test_parts_come_to_the_same_on_a_cluster(cluster, monkeypatch):  # noqa: F811
    id, agents, more = CASES["policies and laws"]
    options = {"agents": agents, "seeds": EPISODES, "progress": False, **more}
    expected = compare(id, **options)
    eager = hasten(monkeypatch)
    assert told(compare(id, executor="ray", **options)) == told(expected)
    assert {len(job.seeds) for (job,) in eager} == {1}


def test_what_was_done_before_a_kill_is_kept(eager, tmp_path, monkeypatch):
    """One batch of agents and settings; the process ends after some of its parts."""
    run = boards.run_jobs

    def killed(jobs, **keywords):
        with closing(run(jobs, **keywords)) as finished:
            for k, done in enumerate(finished):
                yield done
                if k == 20:
                    raise KeyboardInterrupt

    small = {"ids": [RADIO], "episodes": 2, "steps": 5, "progress": False}
    monkeypatch.setattr(boards, "run_jobs", killed)
    with pytest.raises(KeyboardInterrupt):
        leaderboard(tmp_path, **small)
    file = tmp_path / "runs" / "radio-GilbertElliott-v0" / "results.jsonl"
    assert len(file.read_text().splitlines()) == 21
    monkeypatch.setattr(boards, "run_jobs", run)
    (row,) = leaderboard(tmp_path, **small)
    (other,) = leaderboard(tmp_path / "at once", **small)

    def scores(row):
        return [[cell["score"] for cell in a["settings"].values()] for a in row["agents"]]

    assert scores(row) == scores(other)
    assert (tmp_path / "rows" / "radio-GilbertElliott-v0.json").is_file()


class Planner:
    """An agent that takes long for every row."""

    information = "observation"

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        time.sleep(0.002 * np.atleast_2d(observation).shape[0])
        return np.zeros((*np.shape(observation)[:-1], 2), dtype=np.float32), state


def test_who_takes_long_is_run_by_few_episodes_and_who_does_not_in_one_piece(monkeypatch):
    """By the time that it takes here; nobody says in advance who is a planner."""
    monkeypatch.setattr(pieces, "MOST", 0.5)
    monkeypatch.setattr(pieces, "LOOK", 0.05)
    monkeypatch.setattr(seats, "REPORT", 0.02)
    monkeypatch.setattr(pieces, "GROWTH", 1.0)
    jobs = jobs_of("gem/PMSM-v0", {"plan": Planner()}, seeds=SEEDS[:20], horizon=50)
    found = list(run_jobs(jobs, executor="local", workers=1, progress=lambda job, share: None))
    counts = {}
    for job, outcome in found:
        assert [record["seed"] for record in outcome.records] == list(job.seeds)
        counts.setdefault(job.agent.name, []).append(len(job.seeds))
    assert counts["pi"] == counts["zero"] == [20]
    assert len(counts["plan"]) >= 3 and sum(counts["plan"]) == 20


def test_progress_counts_each_episode_once(eager, capsys):
    id, agents, more = CASES["policies and laws"]
    compare(id, agents=agents, seeds=2, progress=True, **more)
    lines = [line for line in capsys.readouterr().err.splitlines() if "episodes]" in line]
    counts = [int(line.split("/")[0].lstrip("[")) for line in lines]
    total = int(lines[0].split("/")[1].split()[0])
    assert counts == list(range(1, total + 1))


def test_a_parcel_tells_that_it_begins_anew(eager):
    jobs = tuple(jobs_of("gem/PMSM-v0", ["deadbeat"]))
    shares = []
    found = execute_parcel(Parcel(jobs), shares.append)
    assert isinstance(found, Instead) and shares[-1] == 0.0
    assert all(isinstance(job, Job) for part in found.tasks for job in part.jobs)


# ------------------------------------------------------------------------------------------ who does them


def halved(task, tell):
    """A piece of work that is done in halves until one is left."""
    if len(task) == 1:
        return task[0] ** 2
    half = len(task) // 2
    return Instead((task[:half], task[half:]))


@pytest.mark.parametrize("options", [{}, {"workers": 2}, {"executor": "ray"}])
@pytest.mark.parametrize("tasks", [[range(5)], [range(3), range(3, 5)]])
def test_parts_are_done_in_place_of_what_they_are_of(options, tasks, cluster):  # noqa: F811
    done = dict(run_tasks(halved, tasks, **options))
    assert {task[0]: result for task, result in done.items()} == {k: k**2 for k in range(5)}
