"""Whatever numbers the documented bounds allow: nothing that is not finite ever leaves an environment."""

import math
import re

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401  registers the ids
from gym_suite.drones import parameters as pm
from gym_suite.drones.vehicles import RINGS

IDS = ("drones/Hover-v0", "drones/Track-v0", "drones/MultiHover-v0", "drones/Formation-v0")
MORE = ("drones/Waypoints-v0", "drones/Landing-v0", "drones/Autopilot-v0")
ROWS = 32


def extreme(rng, parameters, name):
    """Return a bound of a number of a dataclass, its default, or something between on a logarithmic scale."""
    about = parameters.__dataclass_fields__[name]
    low, high = about.metadata["low"], about.metadata["high"]
    if about.metadata["above"] is not None:
        low = max(low, about.metadata["above"] * (1 + 1e-9))
    between = math.exp(rng.uniform(math.log(max(low, 1e-12)), math.log(high)))
    return float(rng.choice([low, high, about.default, between]))


def numbers(parameters):
    return [n for n, f in parameters.__dataclass_fields__.items() if "meaning" in f.metadata]


def a_vehicle(rng):
    given = {name: extreme(rng, pm.Vehicle, name) for name in numbers(pm.Vehicle)}
    x, y = given["i_xx"], given["i_yy"]
    given["i_zz"] = float(np.clip(given["i_zz"], abs(x - y), min(x + y, 1e3)))
    return {**given, "layout": str(rng.choice([*pm.LAYOUTS, *RINGS]))}


def a_setup(rng, id):
    """Return keyword arguments at the ends of their bounds."""
    identified = bool(rng.integers(2))
    model = {name: extreme(rng, pm.Model, name) for name in numbers(pm.Model)}
    model["gravity"] = max(model["gravity"], 0.1)
    vehicle = a_vehicle(rng)
    if not 1e-10 < vehicle["k_f"] < 1e-9 or vehicle["layout"] in RINGS:
        model["battery_voltage"] = 0.0  # it is a Crazyflie's
    physics = float(rng.choice([10, 240, 1e5]))
    near = "progress" if id in MORE[:2] else "position"
    keywords = {
        "engine": "compiled",
        "vehicle": vehicle,
        "model": {**model, "identified": identified},
        "integrator": str(rng.choice(["bullet", "rk4"])) if identified else "bullet",
        "physics_frequency": physics,
        "control_frequency": physics / float(rng.choice([1, 4])),
        "action": str(rng.choice(pm.ACTIONS)),
        "start_position": float(rng.choice([0.0, 100.0])),
        "start_velocity": float(rng.choice([0.0, 100.0])),
        "start_tilt": float(rng.choice([0.0, 1.5])),
        "bound": 1e6,
        "mismatch": rng.choice([None, 0.3, 0.99]),
        "weights": dict.fromkeys((near, "rates", "effort", "smoothness"), 1e6),
        "penalty_crash": float(rng.choice([0.0, 1e8])),
        "wind": None
        if rng.integers(2)
        else {"mean": ((-100, 100), 100, -100), "gust": 100.0, "turbulence": 100.0},
        "failure": {"effectiveness": (0.0, 1.0), "time": 0.1} if rng.integers(2) else None,
        "payload": {"centre": ((-1, 1), 1)} if rng.integers(2) else None,
        "disturbance": {"force_x": float(rng.choice([0.0, 1e300])), "force_z": -1e-3},
    }
    if id in IDS[2:]:
        keywords["spacing"] = 100.0
    if "Autopilot" in id:
        del keywords["action"]  # these are sticks
        vehicle["layout"] = str(rng.choice(pm.LAYOUTS))
    return keywords


def some_worlds(rng, id, rows):
    """Return worlds at the ends of the bounds; what could not hover, or would not feel its wind, is drawn anew."""
    while True:
        try:
            return gymnasium.make_vec(id, num_envs=rows, **a_setup(rng, id))
        except ValueError as error:
            assert re.match("the vehicle cannot hover|this wind would do nothing", str(error))


def soak(rng, id, steps, rows=ROWS):
    """Fly held bang-bang and random actions, after a crash too as users may; return how many steps it were."""
    envs = some_worlds(rng, id, rows)
    observation, _ = envs.reset(seed=int(rng.integers(1 << 30)))
    assert np.isfinite(observation).all()
    held = np.sign(rng.standard_normal(envs.action_space.shape))
    for k in range(steps):
        action = held if k % 2 == 0 or k < steps // 2 else envs.action_space.sample()
        observation, reward, _, _, info = envs.step(action.astype(np.float32))
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()
        assert all(np.isfinite(v).all() for n, v in info.items() if n.startswith("reward"))
    envs.close()
    return rows * steps


@pytest.mark.parametrize("id", IDS)
def test_extremes_of_the_bounds(id):
    rng = np.random.default_rng(IDS.index(id))
    for _ in range(20):
        soak(rng, id, 40)


@pytest.mark.slow
@pytest.mark.parametrize("id", (*IDS, *MORE))
def test_extremes_of_the_bounds_for_long(id):
    """As many steps as make 10^8 of all ids together, of setups drawn until then."""
    rng, done = np.random.default_rng(100 + (*IDS, *MORE).index(id)), 0
    while done < 1e8 / len((*IDS, *MORE)):
        done += soak(rng, id, 700, rows=256)


@pytest.mark.parametrize("engine", ["compiled", pytest.param("bullet", marks=pytest.mark.bullet)])
def test_held_bang_bang_actions_on_a_body_that_is_not_even(engine):
    envs = gymnasium.make_vec(
        "drones/Hover-v0", num_envs=4, engine=engine, mismatch=0.3, bound=1e6, start_position=100.0
    )
    envs.reset(seed=1)
    rows = envs.unwrapped._rows
    names = envs.unwrapped.setup.state_columns.names
    turn = names.index("angular_velocity_x")
    rng = np.random.default_rng(0)
    fastest = 0.0
    for k in range(480):
        if k % 60 == 0:
            action = np.sign(rng.standard_normal((4, 4))).astype(np.float32)
        observation, reward, *_ = envs.step(action)
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()
        fastest = max(fastest, float(np.abs(rows.x[:, turn : turn + 3]).max()))
    assert 10.0 < fastest < 2000.0  # what rotors of 0.3 N on 28 mm can do in eight seconds
    envs.close()
