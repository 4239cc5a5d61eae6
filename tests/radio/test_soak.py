"""Whatever numbers the bounds allow: nothing that is not finite or outside its space ever leaves a band."""

import dataclasses

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401  registers the ids
from gym_suite.radio import parameters as pm
from gym_suite.radio.scenario import model
from gym_suite.radio.scenario.kinds import KIND, KINDS
from gym_suite.teams import team_id

IDS = (
    *("radio/Access-v0", "radio/Jamming-v0", "radio/GilbertElliott-v0"),
    *("radio/AntiJamming-v0", "radio/MultiAccess-v0", "radio/JammingGame-v0"),
)
ROWS = 32
STEPS = 64  # of an episode, so that many begin and end


def extreme(rng, parameters, name):
    """Return a bound of a number of a dataclass or its default; of what counts steps, something short too."""
    field = parameters.__dataclass_fields__[name]
    low, high = field.metadata["low"], field.metadata["high"]
    choices = [low, high, *([] if field.default is None else [field.default])]
    if field.metadata["integer"]:
        return int(rng.choice([*choices, min(max(3, low), high)]))
    return float(rng.choice(choices))


def some(rng, parameters, names):
    """Return extremes of about a half of the named numbers."""
    return {name: extreme(rng, parameters, name) for name in names if rng.integers(2)}


def numbers(parameters):
    return [f.name for f in dataclasses.fields(parameters) if "low" in f.metadata]


def a_waveform(rng):
    kind = str(rng.choice(pm.WAVEFORMS))
    numbers_of = [name for name in numbers(model.Waveform) if name not in ("start", "duration")]
    return {"kind": kind, **some(rng, model.Waveform, numbers_of)}


def an_entity(rng, kind, channels):
    """Return an entity of a kind at the ends of its bounds."""
    own = [name for name in KIND[kind].keys if name in numbers(model.Entity)]
    power = () if kind == "playback" else ("snr",)
    given = some(rng, model.Entity, (*own, *power, "start", "stop"))
    if "width" in given:
        given["width"] = min(given["width"], channels)
    if "start" in given and given["start"] > given.get("stop", model.FOREVER):
        del given["start"]
    if "channels" in KIND[kind].keys:
        one = kind in ("constant", "stochastic_constant", "gilbert_elliott", "bursty")
        size = 1 if one else int(rng.integers(1, channels + 1))
        given["channels"] = rng.permutation(channels)[:size].tolist()
    if kind == "playback":
        given["table"] = rng.choice([-300.0, -100.0, 100.0], size=(3, channels)).tolist()
        given["repeat"] = True
    if rng.integers(2):
        given["on_off"] = [int(rng.integers(2)), *rng.choice([1, 7], size=2).tolist()]
    return {"kind": kind, **given}


def a_scenario(rng, goal):
    """Return a band of a few transmitters, of any kinds."""
    channels = int(rng.choice([1, 2, 10, 64, pm.MAX_CHANNELS]))
    kinds = [kind.name for kind in KINDS if kind.name != "own"]
    chosen = rng.choice(kinds, size=int(rng.choice([1, 5, 16])))
    entities = {f"entity_{k}": an_entity(rng, str(k_), channels) for k, k_ in enumerate(chosen)}
    target = {} if goal == "access" else {"target": "entity_0"}
    return {"channels": channels, "steps": STEPS, "goal": goal, "entities": entities, **target}


def sensed(rng, channels, rewards=pm.REWARDS):
    """Return the keyword arguments of sensing and of the reward at the ends of their bounds."""
    link = some(rng, model.Link, numbers(model.Link))
    if "power" not in link:
        link.pop("distance", None)
    physics = str(rng.choice(pm.PHYSICS))
    dear = (
        physics == "iq" and channels > 10
    )  # samples of many channels take long and show nothing else
    return {
        "physics": "statistical" if dear else physics,
        "sensing": str(rng.choice(pm.SENSING)),
        "reward": str(rng.choice(rewards)),
        "history": int(rng.choice([1, 4, pm.MAX_HISTORY if channels <= 10 else 4])),
        "switching_cost": float(rng.choice([0.0, 1e6])),
        "tolerance": float(rng.choice([0.0, 0.5, 0.999])),
        "samples": int(rng.choice([1, 100] if physics == "iq" else [1, 100, 10_000_000])),
        "false_alarm": float(rng.choice([1e-9, 0.01, 0.999])),
        "link": {
            **link,
            "modulation": str(rng.choice(pm.MODULATIONS)),
            "fading": str(rng.choice(pm.FADINGS)),
        },
        "mismatch": rng.choice([None, 0.99]),
    }


def a_setup(rng, id):
    """Return keyword arguments at the ends of their bounds."""
    if "Game" in id:
        size = int(rng.choice([2, 5, 64]))
        values = rng.choice([1e-6, 1.0, 1e6], size=size).tolist()
        return {
            "values": values,
            "jammers": min(int(rng.choice([1, 16])), size - 1),
            "steps": STEPS,
            "history": int(rng.choice([1, 16])),
        }
    if "MultiAccess" in id:
        return {"scenario": str(rng.choice(["marl_3", "marl_8", "marl_10", "marl_20", "marl_23"]))}
    if id in IDS[:2]:
        scenario = a_scenario(rng, "jam" if "Jamming" in id else "access")
        rewards = pm.REWARDS[: 2 if "Jamming" in id else 3]  # a jammer has no packets to deliver
        return {"scenario": scenario, **sensed(rng, scenario["channels"], rewards)}
    channels = int(rng.choice([1, 5, 64, 128]))
    own = {"channels": channels, "steps": STEPS, "snr": float(rng.choice([-200.0, 0.0, 200.0]))}
    if "Gilbert" in id:
        own |= {name: float(rng.choice([0.0, 0.5, 1.0])) for name in ("p01", "p11")}
    else:
        kinds = [kind.name for kind in KINDS if kind.pursues and kind.name != "own"]
        given = an_entity(rng, str(rng.choice(kinds)), channels)
        own["jammer"] = {key: given[key] for key in given if key not in ("snr", "start", "stop")}
    return {**own, **sensed(rng, channels)}


def soak(rng, id, steps, rows=ROWS):
    """Choose held and random channels; return the steps of agents, 0 where the setup is refused."""
    keywords = a_setup(rng, id)
    try:
        envs = gymnasium.make_vec(team_id(id), num_envs=rows, **keywords)
    except ValueError:
        return 0
    observation, _ = envs.reset(seed=int(rng.integers(1 << 30)))
    assert envs.observation_space.contains(observation), keywords
    terms = envs.unwrapped.setup.reward_terms
    envs.action_space.seed(int(rng.integers(1 << 30)))
    for k in range(steps):
        if k % 8 == 0 or k > steps // 2:
            action = envs.action_space.sample()
        observation, reward, _, _, info = envs.step(action)
        assert envs.observation_space.contains(observation), keywords
        assert np.isfinite(reward).all(), keywords
        assert all(np.isfinite(value).all() for value in info.values()), keywords
        if "Game" not in id:  # there the reward is one side's, the terms are the mean of both
            np.testing.assert_array_equal(reward, sum(info[name] for name in terms), str(keywords))
    agents = len(envs.unwrapped.setup.agents) or 1
    envs.close()
    return steps * rows * agents


@pytest.mark.parametrize("id", IDS)
def test_extremes_of_the_bounds(id):
    rng = np.random.default_rng(IDS.index(id))
    assert sum(soak(rng, id, 80) > 0 for _ in range(20)) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_extremes_of_the_bounds_for_long(id):
    """As many steps as make 10^8 of all ids together, of setups drawn until then."""
    rng, done = np.random.default_rng(100 + IDS.index(id)), 0
    # Steps of several agents in the shipped bands cost a hundredth of those of bands at the ends of the bounds.
    while done < (46e6 if "MultiAccess" in id or "Game" in id else 2e6):
        done += soak(rng, id, 1000, rows=128)
