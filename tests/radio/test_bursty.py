"""Users whose bursts were fitted to a recording: the fit, the kernel, the bounds, and the filter that infers them."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from scipy.optimize import minimize

import gym_suite
from gym_suite.radio import read_scenario
from gym_suite.radio.bounds import Rules
from gym_suite.radio.bounds.chains import Chain
from gym_suite.radio.bounds.independent import independent
from gym_suite.radio.bounds.planning import memoryless, plan
from gym_suite.radio.controllers.hidden import HiddenMarkov
from gym_suite.radio.scenario.model import Entity
from gym_suite.radio.transforms import (
    detection_probability,
    detector_threshold,
    false_alarm_probability,
)

ID = "radio/BurstyAccess-v0"
RECORDED = json.loads((Path(__file__).parent / "data" / "library_runs.json").read_text())
USER = Entity(name="user", kind="bursty", channels=(0,))


def mixture(lengths, long, short_mean, long_mean):
    """Return the chances of run lengths of two geometric distributions, (k,)."""
    parts = [(1.0 - 1.0 / m) ** (lengths - 1.0) / m for m in (short_mean, long_mean)]
    return (1.0 - long) * parts[0] + long * parts[1]


@pytest.mark.parametrize("name", ["gap", "burst"])
def test_the_defaults_are_the_fit_of_the_recording(name):
    lengths, counts = np.array(RECORDED[f"{name}s"], dtype=float).T
    ours = np.array(
        [
            getattr(USER, f"long_{name}s"),
            getattr(USER, f"short_{name}"),
            getattr(USER, f"long_{name}"),
        ]
    )

    def surprise(v):
        return -counts @ np.log(mixture(lengths, *v))

    bounds = [(0.01, 0.99), (1.001, 5.0), (2.0, 100.0)]
    found = minimize(surprise, [0.3, 2.0, 8.0], bounds=bounds, method="L-BFGS-B")
    np.testing.assert_allclose(ours, found.x, rtol=6e-3)
    # One geometric distribution, a two-state chain, explains the recording far worse.
    mean = counts @ lengths / counts.sum()
    assert surprise([0.5, mean, mean]) - surprise(ours) > 3000.0


def test_the_kernel_draws_what_was_recorded():
    """Distribution functions of the lengths of a simulated user and of the recording, at most 0.07 apart."""
    users = {f"u{c}": {"kind": "bursty", "channels": [c]} for c in range(20)}
    scenario = {"channels": 20, "steps": 6000, "entities": users}
    env = gymnasium.make("radio/Access-v0", scenario=scenario)
    env.reset(seed=3)
    busy = np.array([env.step(0)[-1]["occupancy"] > 0 for _ in range(6000)])
    start = np.array([0.596 * 1.61, 0.404 * 11.0, 0.454 * 1.41, 0.546 * 11.9])
    assert abs(busy.mean() - start[2:].sum() / start.sum()) < 0.02
    for name, on in (("bursts", True), ("gaps", False)):
        found = []
        for course in busy.T:
            edges = np.flatnonzero(np.diff(course)) + 1
            runs = np.diff(edges)
            found += runs[course[edges[:-1]] == on].tolist()
        lengths, counts = np.array(RECORDED[name]).T
        expected = np.cumsum(counts) / counts.sum()
        simulated = (np.array(found)[:, None] <= lengths).mean(axis=0)
        assert np.abs(simulated - expected).max() < 0.07, name
        at = np.arange(1, 60)
        said = np.cumsum(
            mixture(
                at.astype(float),
                getattr(USER, f"long_{name}"),
                getattr(USER, f"short_{name[:-1]}"),
                getattr(USER, f"long_{name[:-1]}"),
            )
        )
        simulated = (np.array(found)[:, None] <= at).mean(axis=0)
        assert np.abs(simulated - said).max() < 1.63 / np.sqrt(len(found)), name  # Kolmogorov, 1 %


@pytest.mark.parametrize("rules", [Rules(), Rules(lost=0.0)], ids=["peer", "throughput"])
def test_independent_channels_have_the_bounds_of_planning(rules):
    """The product of distribution functions against counting all states together."""
    users = {
        "a": {"kind": "bursty", "channels": [2]},
        "b": {"kind": "gilbert_elliott", "channels": [0], "p01": 0.3, "p11": 0.6},
        "c": {"kind": "bursty", "channels": [1], "long_gap": 4.0, "long_bursts": 0.9},
    }
    scenario = read_scenario({"channels": 3, "steps": 7, "entities": users})
    chain = Chain(scenario)
    found, values = independent(scenario, rules)
    counted = plan(chain, rules)
    assert values.informed == pytest.approx(counted.informed, abs=1e-9)
    assert values.clairvoyant == pytest.approx(counted.clairvoyant, abs=1e-9)
    assert found == pytest.approx(memoryless(chain, rules), abs=1e-9)
    free = read_scenario(scenario.to_dict() | {"channels": 4})
    assert independent(free, rules)[1].informed == pytest.approx(7.0)


def test_bands_that_are_not_independent_have_no_product():
    user = {"kind": "bursty", "channels": [0]}
    for more in ({"start": 2}, {"on_off": [1, 3, 1]}):
        band = {"channels": 2, "entities": {"u": user | more}}
        assert independent(read_scenario(band), Rules()) is None
    both = {"channels": 2, "entities": {"u": user, "v": user}}
    assert independent(read_scenario(both), Rules()) is None
    assert (
        independent(
            read_scenario({"channels": 1, "entities": {"u": user}}), Rules(switching_cost=0.1)
        )
        is None
    )


# --------------------------------------------------------------------------------------- the filter


def returns(name, *, id=ID, rows=100, seed=70_000, **keywords):
    envs = gymnasium.make_vec(id, num_envs=rows, **keywords)
    law = gym_suite.make_controller(envs, name) if isinstance(name, str) else name.for_env(envs)
    observation, _ = envs.reset(seed=seed)
    state, total = None, np.zeros(rows)
    for _ in range(envs.unwrapped.setup.horizon):
        action, state = law.predict(observation, state)
        observation, reward, *_ = envs.step(action)
        total += reward
    return total


def test_the_ladder_of_the_id():
    """Chance below what learns within the episode, below the filter, below who knows each state."""
    setup = gymnasium.make(ID).unwrapped.setup
    bounds = {mark.name: mark.value for mark in setup.marks(setup.horizon)}
    hmm, markov = returns("hmm"), returns("markov")
    error = 4.0 * hmm.std() / 10.0
    assert (markov > returns("random")).all()
    assert markov.mean() + error < hmm.mean()
    assert hmm.mean() + error < bounds["full state"] < bounds["clairvoyant"]


def test_the_filter_is_the_recursion_written_anew():
    """One channel, forward recursion by a matrix of four states from the chances of the detector."""
    scenario = {"channels": 1, "steps": 60, "entities": {"u": {"kind": "bursty", "channels": [0]}}}
    scenario["entities"]["u"]["snr"] = -6.0
    env = gymnasium.make(
        "radio/Access-v0", scenario=scenario, physics="statistical", false_alarm=0.2, samples=80
    )
    law = HiddenMarkov.for_env(env)
    threshold = detector_threshold(0.2, 80)
    hears = np.array([false_alarm_probability(threshold, 80)] * 2 + [0.0] * 2)
    hears[2:] = detection_probability(10.0**-0.6, threshold, 80)
    gaps, bursts, mean = [0.596, 0.404], [0.454, 0.546], [1.61, 11.0, 1.41, 11.9]
    move = np.zeros((4, 4))
    for k in range(4):
        move[k, k] = 1.0 - 1.0 / mean[k]
        for j, part in enumerate(bursts if k < 2 else gaps):
            move[k, (2 if k < 2 else 0) + j] = part / mean[k]
    belief = np.array([*gaps, *bursts]) * mean
    belief /= belief.sum()
    observation, _ = env.reset(seed=11)
    state, acted = None, []
    for _ in range(60):
        action, state = law.predict(observation, state)
        now = belief * (hears if observation[0] > 0.5 else 1.0 - hears)
        belief = now / now.sum() @ move
        np.testing.assert_allclose(state, belief, atol=1e-12)
        assert action == (1 if belief[:2].sum() >= 0.5 else 0)
        acted.append(int(action))
        observation, *_ = env.step(action)
    assert 0 < sum(acted) < 60


def test_the_filter_of_gilbert_elliott_users_is_the_myopic_policy():
    keywords = {"id": "radio/GilbertElliott-v0", "rows": 20}
    np.testing.assert_array_equal(returns("myopic", **keywords), returns(HiddenMarkov, **keywords))


@pytest.mark.parametrize("keywords", [{}, {"scenario": "paper_s4"}])
def test_other_bands_are_refused(keywords):
    with pytest.raises(ValueError, match="at most one user with a chain of its own"):
        HiddenMarkov.for_env(gymnasium.make("radio/Access-v0", **keywords))


@pytest.mark.parametrize("setting", [{"noise": 0.3}, {"delay": 1}], ids=str)
def test_the_filter_goes_on_under_noise_and_late_actions(setting):
    assert returns("hmm", rows=20, **setting).mean() > returns("random", rows=20, **setting).mean()
