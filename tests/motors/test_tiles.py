"""Synchronous machines that step in tiles: bit for bit what they do row by row."""

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401
from gym_suite.core.caches import MANY_ROWS
from gym_suite.core.rows import Rows
from gym_suite.motors.cascade_tiles import CASCADE_KERNELS
from gym_suite.motors.loops import KERNELS
from gym_suite.motors.machines.base import SYNCHRONOUS
from gym_suite.motors.parameters import OrnsteinUhlenbeck
from gym_suite.motors.tiles import TILE, TILED_KERNELS

PLAIN = {
    "current": ("gem/PMSM-v0", {}),
    "phases": ("gem/PMSM-v0", {"frame": "abc", "dead_time": False, "substeps": 3}),
    "costs": (
        "gem/PMSM-v0",
        {"weights": {"effort": 0.1, "smoothness": 0.2}, "error_exponent": 0.7},
    ),
    "speed": ("gem/PMSM-Speed-v0", {}),
    "long period": ("gem/PMSM-v0", {"tau": 1e-3, "error_exponent": 1.0}),
    "reluctance": ("gem/SynRM-v0", {}),
}


def setup_of(id, **keywords):
    env: Any = gymnasium.make(id, **keywords)
    setup = env.unwrapped.setup
    env.close()
    return setup


def started(setup, n):
    rows = Rows(setup, n)
    rows.reset(np.ones(n, dtype=bool), np.arange(1, n + 1, dtype=np.uint64))
    return rows


CYCLE = "gem/PMSM-DriveCycle-v0"
SHAKEN = {"u_sd": 5.0, "torque_load": {"kind": "sine", "amplitude": 5.0, "period": 1.0}}
CASCADED = {
    "cycle": (CYCLE, {}),
    "noise": (CYCLE, {"noise": 0.02, "delay": 1, "dead_time": False}),
    "mismatch": (CYCLE, {"mismatch": 0.3, "substeps": 2}),
    "disturbance": (CYCLE, {"disturbance": SHAKEN, "preview": 3}),
    "constraints": (CYCLE, {"constraints": ["i_sd"], "weights": {"loss": 1e-4, "effort": 0.1}}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_tiles_equal_rows_bit_for_bit(name):
    id, keywords = PLAIN[name]
    setup = setup_of(id, **keywords)
    assert setup.kernels is TILED_KERNELS
    ended = compare_with_rows(setup, 450, name)
    assert ended > 0 or name != "current"


@pytest.mark.parametrize("name", CASCADED)
def test_tiles_under_torque_control_equal_rows_bit_for_bit(name):
    id, keywords = CASCADED[name]
    setup = setup_of(id, **keywords)
    assert setup.kernels is CASCADE_KERNELS
    compare_with_rows(setup, 40, name)


def test_tiles_on_a_road_with_a_grade_equal_rows_bit_for_bit(tmp_path):
    path = tmp_path / "hill.csv"
    path.write_text("time_s,speed_mps,grade\n0,0,0\n10,8,0.05\n20,8,-0.04\n30,0,0\n")
    setup = setup_of(CYCLE, cycle=str(path), window=20.0)
    assert setup.kernels is CASCADE_KERNELS
    compare_with_rows(setup, 40, "hill")


def compare_with_rows(setup, steps, name):
    """Move the rows of two setups, in tiles and one by one, by the same actions; return how many have ended."""
    n, rng = 2 * TILE + 5, np.random.default_rng(0)
    tiled, single = (started(s, n) for s in (setup, replace(setup, kernels=KERNELS[SYNCHRONOUS])))
    ended = 0
    for step in range(steps):
        size = 1.2 if step % 3 == 0 else 0.3
        action = rng.uniform(-size, size, tiled.u.shape)
        skip = rng.random(n) < (0.0 if step % 2 else 0.4)
        if step == steps // 4:
            skip[:] = True
        for rows in (tiled, single):
            rows.u[:] = action
            rows.advance(skip)
        moved = ~skip
        for part in ("x", "step"):
            np.testing.assert_array_equal(getattr(tiled, part), getattr(single, part), name)
        for part in ("m", "o", "u", "reward", "terminated"):
            np.testing.assert_array_equal(getattr(tiled, part)[moved], getattr(single, part)[moved])
        over = tiled.terminated[:, 0] & moved
        ended += int(over.sum())
        if over.any():
            keys = rng.integers(0, 2**63, int(over.sum())).astype(np.uint64)
            tiled.reset(over, keys)
            single.reset(over, keys)
    return ended


def test_very_many_rows_equal_rows_bit_for_bit():
    """From some number on what is told goes past the caches, and the next rows are asked for ahead."""
    setup = setup_of("gem/PMSM-v0")
    n, rng = MANY_ROWS + TILE // 2 + 5, np.random.default_rng(0)
    tiled, single = (started(s, n) for s in (setup, replace(setup, kernels=KERNELS[SYNCHRONOUS])))
    for _ in range(3):
        action, skip = rng.uniform(-1.1, 1.1, tiled.u.shape), rng.random(n) < 0.1
        for rows in (tiled, single):
            rows.u[:] = action
            rows.advance(skip)
        for part in ("x", "step"):
            np.testing.assert_array_equal(getattr(tiled, part), getattr(single, part))
        for part in ("m", "o", "u", "reward", "terminated"):
            told, expected = getattr(tiled, part)[~skip], getattr(single, part)[~skip]
            np.testing.assert_array_equal(told, expected)


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        ("gem/PMSM-v0", {"mismatch": {"r_s": 0.2}}),
        ("gem/PMSM-v0", {"disturbance": {"u_sd": 5.0}}),
        ("gem/PMSM-v0", {"preview": 2}),
        ("gem/PMSM-v0", {"constraints": ["i_sd"]}),
        ("gem/PMSM-v0", {"load": OrnsteinUhlenbeck()}),
        (CYCLE, {"supply": "rectifier"}),
        ("gem/PMSM-v0", {"supply": "rectifier"}),
    ],
)
def test_what_is_not_plain_goes_row_by_row(id, keywords):
    assert setup_of(id, **keywords).kernels not in (TILED_KERNELS, CASCADE_KERNELS)
