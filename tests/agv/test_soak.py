"""Whatever numbers the bounds allow: nothing that is not finite or outside its space ever leaves a warehouse."""

import dataclasses

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401  registers the ids
from gym_suite.agv import parameters as pm
from gym_suite.teams import team_id

IDS = ("agv/SimpleStatic-v0", "agv/ComplexDynamic-v0", "agv/Dock-v0", "agv/Fleet-v0")
ROWS = 16

#: Where a bound is open the ends are numbers far beyond any vehicle.
LEAST, MOST = 1e-6, 1e6


def extreme(rng, parameters, name):
    """Return a bound of a number of a dataclass, its default, or something between on a logarithmic scale."""
    field = parameters.__dataclass_fields__[name]
    about = field.metadata
    low = LEAST if about["above"] is not None else max(about["low"], 0.0)
    high = min(about["high"], MOST)
    between = float(np.exp(rng.uniform(np.log(max(low, LEAST)), np.log(high))))
    value = float(rng.choice([low, high, field.default, between]))
    return round(value) if about["integer"] else value


def a_part(rng, parameters, names):
    """Return a dataclass's defaults in which each of the named numbers is at an extreme in one of four cases."""
    return {name: extreme(rng, parameters, name) for name in names if rng.random() < 0.25}


def a_setup(rng, id):
    """Return keyword arguments at the ends of their bounds."""
    numbers = [field.name for field in dataclasses.fields(pm.Vehicle)]
    sizes = ("length", "width", "half_track")  # which decide whether it finds a place
    vehicle = a_part(rng, pm.Vehicle, [name for name in numbers if name not in sizes])
    lidar = a_part(rng, pm.Lidar, ("beams", "fov", "range", "noise", "dropout"))
    lidar["beams"] = min(int(lidar.get("beams", 32)), 128)  # more are as good and take long
    keywords = {
        "vehicle": vehicle,
        "lidar": lidar,
        "reward": str(rng.choice(["sparse", "dense"])),
        "weights": None
        if rng.integers(2)
        else dict.fromkeys(pm.WEIGHTS, float(rng.choice([0.0, 1e6]))),
        "action": str(rng.choice(["twist", "wheels"])),
        "localization": str(rng.choice(["truth", "odometry"])),
        "payload": None if rng.integers(2) else 0.0,
        "mismatch": rng.choice([None, 0.3, 0.99]),
        "noise": rng.choice([None, 0.05, 10.0]),
        "delay": int(rng.choice([0, 1, 50])),
        "disturbance": {"v": float(rng.choice([0.0, 1e3])), "omega": -1e3}
        if rng.integers(2)
        else None,
        "substeps": int(rng.choice([1, 4, 50])),
        "goal_radius": float(rng.choice([1e-6, 0.5, 100.0])),
    }
    if "Dock" not in id:
        keywords["moving_target"] = bool(rng.integers(2))
    if rng.integers(2):
        keywords |= {"moving_obstacles": int(rng.choice([1, 8])), "obstacle_radius": 0.05}
    return keywords


def soak(rng, id, steps, rows=ROWS):
    """Drive held bang-bang and random actions; return the steps of vehicles, 0 where the setup is refused."""
    keywords = a_setup(rng, id)
    try:
        envs = gymnasium.make_vec(team_id(id), num_envs=rows, **keywords)
    except ValueError:
        return 0
    observation, _ = envs.reset(seed=int(rng.integers(1 << 30)))
    assert envs.observation_space.contains(observation), keywords
    held = np.sign(rng.standard_normal(envs.action_space.shape)).astype(np.float32)
    terms = envs.unwrapped.setup.reward_terms
    for k in range(steps):
        if k % 16 == 0:
            held = np.sign(rng.standard_normal(held.shape)).astype(np.float32)
        action = held if k % 2 == 0 or k < steps // 2 else envs.action_space.sample()
        observation, reward, _, _, info = envs.step(action)
        assert envs.observation_space.contains(observation), keywords
        assert np.isfinite(reward).all(), keywords
        assert all(np.isfinite(value).all() for value in info.values()), keywords
        np.testing.assert_array_equal(reward, sum(info[name] for name in terms), str(keywords))
    agents = len(envs.unwrapped.setup.agents) or 1
    envs.close()
    return steps * rows * agents


@pytest.mark.parametrize("id", IDS)
def test_extremes_of_the_bounds(id):
    rng = np.random.default_rng(IDS.index(id))
    assert sum(soak(rng, id, 40) > 0 for _ in range(20)) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("id", IDS)
def test_extremes_of_the_bounds_for_long(id):
    """As many steps as make 10^8 of all ids together, of setups drawn until then."""
    rng, done = np.random.default_rng(100 + IDS.index(id)), 0
    while done < 1e8 / len(IDS):
        done += soak(rng, id, 700, rows=128)
