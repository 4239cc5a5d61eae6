"""Whatever numbers a drive accepts: nothing that is not finite or outside its space ever leaves an environment."""

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401  registers the ids
from gym_suite.motors.quantities import P

# One id of each kind of step: averaged voltages with losses and heat, a free shaft, choppers, a bridge of three levels
# and an elastic shaft; and of tasks of their own, derating and operation without a sensor of the shaft.
IDS = ("gem/PMSM-v0", "gem/PMSM-Speed-v0")
MORE = (
    *("gem/SCIM-Speed-v0", "gem/SeriesDc-v0", "gem/PMSM-ThreeLevel-Finite-v0"),
    *("gem/PMSM-TwoMass-v0", "gem/PMSM-Thermal-v0", "gem/PMSM-Sensorless-v0"),
)
ROWS = 32
#: By what a machine's numbers may differ from the default's, as a power of ten.
DECADES = 3.0
LOSSY = ("gem/PMSM-v0", "gem/PMSM-Speed-v0")


def a_number(rng, default):
    """Return the default, or up to some decades more or less."""
    return default * 10.0 ** float(rng.choice([0.0, 0.0, rng.uniform(-DECADES, DECADES)]))


def a_machine(rng, id):
    """Return the numbers of a machine; limits are not below what is nominal."""
    given = gymnasium.make(id).unwrapped.setup.keywords["machine"]
    machine = {
        name: a_number(rng, value)
        for name, value in given.items()
        if isinstance(value, float) and name != "p"
    }
    for nominal, limit in (("i_nominal", "i_limit"), ("omega_nominal", "omega_limit")):
        machine[limit] = max(machine[limit], 1.01 * machine[nominal])
    return machine


def some_sensors(rng):
    """Return sensors at the ends of their bounds."""
    return {
        "current_gain": (-0.5, 0.5),
        "current_offset": 0.0,
        "current_bits": int(rng.choice([0, 2, 32])),
        **({"encoder_lines": int(rng.choice([1, 10_000_000]))} if rng.integers(2) else {}),
    }


def a_setup(rng, id):
    """Return keyword arguments far from the defaults; drives that cannot be simulated are refused with a number."""
    keywords = {
        "machine": a_machine(rng, id),
        "tau": float(rng.choice([1e-5, 1e-4])) if "Finite" not in id else 1e-5,
        "noise": float(rng.choice([0.0, 1.0])),
        "mismatch": rng.choice([None, 0.3, 0.9]),
        "delay": int(rng.choice([0, 1, 20])),
        "penalty_trip": 1e6,
    }
    if "ThreeLevel" not in id:
        keywords["sensors"] = some_sensors(rng) if rng.integers(2) else None
    if id in LOSSY and rng.integers(2):
        keywords |= {"losses": "usual", "thermal": "usual" if rng.integers(2) else None}
    return keywords


def soak(rng, id, steps, rows=ROWS):
    """Drive with held bang-bang and random actions; return the inverter's periods, 0 where the drive was refused."""
    try:
        envs = gymnasium.make_vec(id, num_envs=rows, **a_setup(rng, id))
    except ValueError:
        return 0
    space = envs.single_observation_space
    observation, _ = envs.reset(seed=int(rng.integers(1 << 30)))
    envs.action_space.seed(int(rng.integers(1 << 30)))
    held = envs.action_space.sample()
    if held.dtype.kind == "f":
        held = np.sign(held)
    for k in range(steps):
        assert (observation >= space.low).all()
        assert (observation <= space.high).all()
        action = held if k % 2 == 0 or k < steps // 2 else envs.action_space.sample()
        observation, reward, _, _, info = envs.step(action)
        assert np.isfinite(reward).all()
        assert all(np.isfinite(v).all() for n, v in info.items() if n.startswith("reward"))
    envs.close()
    return rows * steps * int(envs.unwrapped.setup.row[P.ratio])


@pytest.mark.filterwarnings("ignore:.*default load takes")
@pytest.mark.parametrize("id", IDS)
def test_extremes_that_are_accepted(id):
    rng = np.random.default_rng(IDS.index(id))
    # A drive in three of those that are drawn can be simulated at least, or nothing is tried.
    assert sum(soak(rng, id, 40) for _ in range(20)) > 20 // 3 * ROWS * 40


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*default load takes")
@pytest.mark.parametrize("id", (*IDS, *MORE))
def test_extremes_that_are_accepted_for_long(id):
    """As many periods as make 10^8 of all ids together, of setups drawn until then."""
    rng, done = np.random.default_rng(100 + (*IDS, *MORE).index(id)), 0
    while done < 1e8 / len((*IDS, *MORE)):
        # A period of control of what heats slowly is a thousand of the inverter's.
        steps, rows = (20, 32) if "Thermal" in id else (700, 256)
        done += soak(rng, id, steps, rows)
