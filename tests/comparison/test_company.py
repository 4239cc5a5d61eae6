"""A result belongs to its episode: alone, among others, extended or resumed, it is the same to the last bit."""

import json

import numpy as np
import pytest
from lag_env import ID

from gym_suite.agv.controllers.cooperative import CooperativeFleet
from gym_suite.comparison import company, compare, rollouts, seats
from gym_suite.comparison.agents import line_up
from gym_suite.comparison.batching import StackedBatches
from gym_suite.comparison.company import batches_of, execute_all
from gym_suite.comparison.rollouts import Job, execute
from gym_suite.comparison.settings import Setting
from gym_suite.comparison.worlds import make
from gym_suite.controllers.protocol import keeps_to_its_rows
from gym_suite.motors.controllers.predictive import Deadbeat
from gym_suite.registration import make_controller

RADIO = "radio/GilbertElliott-v0"


class Network:
    """An agent of matrix products, which round by the size of the batch; its memory is its last action."""

    information = "observation"

    def __init__(self):
        rng = np.random.default_rng(0)
        self.layers = [
            rng.normal(size=s).astype(np.float32) for s in ((3, 257), (257, 63), (63, 1))
        ]

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        x = np.asarray(observation, dtype=np.float32)
        for layer in self.layers:
            x = np.tanh(x @ layer)
        return x, state


def told(comparison):
    """Everything of the records but when and how fast."""
    return {
        (
            r["setting"]["name"],
            r["agent"]["name"],
            r["agent"]["training_seed"],
            r["seed"],
        ): json.dumps(r["metrics"])
        for r in comparison.records
    }


def curves(comparison):
    """All kept trajectories, column by column."""
    found = {}
    for experiment in comparison.experiments:
        for agent in experiment.agents:
            for seed in experiment.seeds:
                trajectory = comparison.trajectory(experiment, agent, seed)
                if trajectory is not None:
                    key = (agent.name, agent.training_seed, seed)
                    found[key] = {name: trajectory[name].tobytes() for name in trajectory.names}
    return found


CASES = {
    "networks": (ID, {"net": Network()}, {}),
    "shipped policies": ("gem/PMSM-v0", ["ppo"], {"horizon": 100}),
    "agents that draw": (RADIO, ["random", "thompson", "exp3", "hopper", "ppo"], {"horizon": 40}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_episode_is_the_same_in_any_company(name, tmp_path):
    id, agents, more = CASES[name]
    options = {"agents": agents, "settings": "nominal", "progress": False, **more}
    whole = compare(id, seeds=[0, 1, 2, 3, 4, 23], **options)
    everything = told(whole)
    for seeds in ([3], [23, 1]):
        alone = told(compare(id, seeds=seeds, **options))
        assert alone == {key: value for key, value in everything.items() if key[-1] in seeds}
    # Extended from two seeds, and resumed after losing lines.
    out = tmp_path / "out"
    compare(id, seeds=[0, 23], out=out, **options)
    extended = compare(id, seeds=[0, 1, 2, 3, 4, 23], out=out, **options)
    assert told(extended) == everything and curves(extended) == curves(whole)
    lines = (out / "results.jsonl").read_text().splitlines(keepends=True)
    (out / "results.jsonl").write_text("".join(lines[::3]))
    resumed = compare(id, seeds=[0, 1, 2, 3, 4, 23], out=out, **options)
    assert told(resumed) == everything and curves(resumed) == curves(whole)


def test_episodes_of_one_agent_do_not_share_their_draws():
    """All episodes of this band begin with the same observation."""
    options = {"settings": "nominal", "horizon": 40, "progress": False}
    comparison = compare(RADIO, agents=["random"], seeds=6, **options)
    (experiment,) = comparison.experiments
    spec = next(agent for agent in experiment.agents if agent.name == "random")
    kept = [comparison.trajectory(experiment, spec, seed)["return"] for seed in experiment.seeds]
    assert len({curve.tobytes() for curve in kept}) == 6


@pytest.mark.parametrize("damage", ["cut", "garbled", "lost"])
def test_a_damaged_trajectory_is_made_again_as_it_was(damage, tmp_path):
    options = {"agents": ["random"], "seeds": 3, "settings": "nominal", "progress": False}
    for id in (RADIO, ID):
        out = tmp_path / id.replace("/", "-")
        whole = curves(compare(id, horizon=40, out=out, **options))
        for path in (out / "trajectories").iterdir():
            content = path.read_bytes()
            if damage == "lost":
                path.unlink()
            elif damage == "cut":
                path.write_bytes(content[:100])
            else:
                path.write_bytes(content[:60] + b"\xff" * 60 + content[120:])
        again = compare(id, horizon=40, out=out, **options)
        assert curves(again) == whole
        assert len(again.records) == 9


def jobs_of(id, agents, *, seeds=(0, 5, 41), horizon=60, settings=None, **keywords):
    """A job of each agent of an id, under each setting or under one."""
    named = [Setting(f"s{k}", one) for k, one in enumerate(settings or [keywords])]
    return [
        Job(id, setting, horizon, agent, seeds, kept=seeds[:2], shown=seeds[1])
        for setting in named
        for agent in line_up(agents, id).agents
    ]


def plain(outcome):
    """An outcome but for times."""
    records = [{k: v for k, v in r.items() if k != "time_per_action"} for r in outcome.records]
    kept = {
        seed: {name: trajectory[name].tobytes() for name in trajectory.names}
        for seed, trajectory in outcome.trajectories.items()
    }
    return json.dumps(records), kept


NOISY, OTHER, LATE = {"noise": 0.01}, {"mismatch": 0.3}, {"delay": 1}
COMPILED = {"engine": "compiled"}
BESIDE = {
    "currents": ("gem/PMSM-v0", None, [NOISY | LATE]),
    "currents under settings": ("gem/PMSM-v0", None, [{}, NOISY, OTHER, LATE]),
    "switching states": ("gem/PMSM-Finite-v0", None, [OTHER, NOISY]),
    "band": (RADIO, None, [{}, LATE]),
    "band of drawing agents": (RADIO, ["random", "thompson", "exp3", "hopper", "ppo"], [{}, LATE]),
    "warehouse": ("agv/SimpleDynamic-v0", ["ppo", "dwa", "mppi"], [{}, NOISY, LATE]),
    "quadcopter": ("drones/Hover-v0", ["ppo", "lqr"], [COMPILED, COMPILED | OTHER]),
}


@pytest.mark.parametrize("name", BESIDE)
def test_agents_beside_each_other_do_what_each_does_alone(name):
    id, agents, settings = BESIDE[name]
    jobs = jobs_of(id, agents, settings=settings)
    (batch,) = batches_of(jobs, 1)
    assert sorted(map(repr, batch)) == sorted(map(repr, jobs)) and len(batch) > 3
    for job, outcome in zip(batch, execute_all(batch), strict=True):
        assert plain(outcome) == plain(execute(job)), (job.agent.name, job.setting.name)
        assert all(record["status"] == "done" for record in outcome.records)


@pytest.mark.parametrize(
    ("id", "agents", "keywords"),
    [
        ("agv/SimpleDynamic-v0", ["ppo", "dwa", "random"], {}),
        ("drones/Gates-v0", ["random", "racing"], COMPILED | LATE),
        ("drones/Hover-v0", ["random"], {"engine": "bullet"}),
    ],
)
def test_what_is_spared_after_the_end_of_an_episode_decides_nothing(
    id, agents, keywords, monkeypatch
):
    """Worlds rest, controllers skip their rows, and policies without a row left are left out."""
    jobs = jobs_of(id, agents, horizon=150, settings=[keywords])
    spared = [plain(outcome) for outcome in execute_all(jobs)]
    lengths = {
        record["metrics"]["length"] for records, _ in spared for record in json.loads(records)
    }
    assert len(lengths) > 3, "episodes end at different times"
    make = rollouts.make_many
    for module in (company, rollouts):
        monkeypatch.setattr(module, "make_many", lambda *o, resting: make(*o))
    monkeypatch.setattr(seats, "keeps_to_its_rows", lambda agent: False)
    monkeypatch.setattr(StackedBatches, "attend", lambda self, awake: None)
    assert [plain(outcome) for outcome in execute_all(jobs)] == spared


#: Agents of the band, and whether each decides row by row.
RADIO_AGENTS = {"clairvoyant": False, "thompson": True, "random": True}


def test_only_who_decides_row_by_row_is_spared_rows():
    """Not who looks into the worlds, nor who plans for several vehicles, nor what a user brings."""
    with make(RADIO, {}) as env:
        found = {name: keeps_to_its_rows(make_controller(env, name)) for name in RADIO_AGENTS}
    assert found == RADIO_AGENTS
    assert not keeps_to_its_rows(CooperativeFleet())
    assert not keeps_to_its_rows(Network())


def test_what_would_fill_the_memory_is_run_in_parts(monkeypatch):
    (batch,) = batches_of(jobs_of("gem/PMSM-v0", ["deadbeat"], settings=[{}, NOISY]), 1)
    whole = [plain(outcome) for outcome in execute_all(batch)]
    for cells in (3 * 60 * 4, 3 * 60 * 2, 1):
        monkeypatch.setattr(company, "CELLS", cells)
        shares = []
        assert [plain(outcome) for outcome in execute_all(batch, shares.append)] == whole
        assert shares == sorted(shares)


def test_settings_with_clocks_of_their_own_are_run_one_after_the_other(monkeypatch):
    jobs = jobs_of("gem/PMSM-v0", ["deadbeat"], settings=[{}, {"tau": 2e-4}])
    (batch,) = batches_of(jobs, 1)
    asked = asked_for(monkeypatch)
    found = [plain(outcome) for outcome in execute_all(batch)]
    assert asked == [9, 9]
    assert found == [plain(execute(job)) for job in batch]


def asked_for(monkeypatch):
    """A list that grows by the rows of each vector environment that is made."""
    asked, make = [], rollouts.make_many
    for module in (company, rollouts):
        monkeypatch.setattr(
            module, "make_many", lambda id, n, *o, **k: asked.append(n) or make(id, n, *o, **k)
        )
    return asked


def test_agents_beside_each_other_share_one_vector_environment(monkeypatch):
    asked = asked_for(monkeypatch)
    (batch,) = batches_of(jobs_of("gem/PMSM-v0", ["ppo"]), 1)
    execute_all(batch)
    assert asked == [3 * 7]  # the two anchors and five trainings
    asked.clear()
    clairvoyant = jobs_of(RADIO, ["clairvoyant"])
    execute_all(tuple(clairvoyant))
    assert sorted(asked) == [3, 6], "who looks into the worlds has its own"


def test_what_shares_is_shared_out_among_the_workers_and_bounded_in_size():
    jobs = jobs_of("gem/PMSM-v0", ["ppo", "deadbeat", "random"], seeds=tuple(range(20)))
    sizes = [[len(batch) for batch in batches_of(jobs, workers)] for workers in (1, 2, 100)]
    assert sizes == [[9], [2, 2, 2, 3], [1] * 9]
    nine = [{"noise": k / 100.0} for k in range(9)]
    settings = jobs_of("gem/PMSM-v0", ["ppo"], settings=nine)
    assert [len(batch) for batch in batches_of(settings, 1)] == [7 * 9]
    assert [len(batch) for batch in batches_of(settings, 2)] == [9, 2 * 9, 2 * 9, 2 * 9]
    many = jobs_of("gem/PMSM-v0", ["ppo", "deadbeat"], seeds=tuple(range(100)), settings=nine)
    assert [len(batch) for batch in batches_of(many, 1)] == [9] * 8
    more = jobs_of("gem/PMSM-v0", ["deadbeat"], seeds=tuple(range(200)), settings=nine)
    assert [len(batch) for batch in batches_of(more, 1)] == [3] * 9, "setting by setting"
    mixed = jobs_of("gem/PMSM-v0", {"net": Network()}) + jobs_of("gem/PMSM-v0", [], delay=1)
    assert [[job.agent.name for job in batch] for batch in batches_of(mixed, 1)] == [
        ["pi", "pi", "zero", "zero"],
        ["net"],
    ]
    resumed = [job for job in settings if job.setting.name != "s4" or job.agent.name != "pi"]
    assert [len(batch) for batch in batches_of(resumed, 1)] == [8, 6 * 9]


def test_worlds_of_bullet_do_not_stand_beside_those_of_others(monkeypatch):
    """Bullet is the engine where none is named; so many of its worlds would fill the memory."""
    pytest.importorskip("pybullet")
    asked = asked_for(monkeypatch)
    for keywords in ({}, {"engine": "bullet"}):
        (batch,) = batches_of(jobs_of("drones/Hover-v0", ["lqr"], horizon=5, **keywords), 1)
        execute_all(batch)
    assert asked == [3] * 6


def test_an_agent_that_fails_fails_alone(monkeypatch):
    jobs = tuple(jobs_of("gem/PMSM-v0", ["deadbeat"]))

    def wrong(controller, *about):
        raise RuntimeError("no idea")

    monkeypatch.setattr(Deadbeat, "predict", wrong)
    status = {
        job.agent.name: {record["status"] for record in outcome.records}
        for job, outcome in zip(jobs, execute_all(jobs), strict=True)
    }
    assert status == {"pi": {"done"}, "zero": {"done"}, "deadbeat": {"failed"}}
