"""A result belongs to its episode: alone, among others, extended or resumed, it is the same to the last bit."""

import json

import numpy as np
import pytest
from lag_env import ID

from gym_suite.comparison import compare

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
