"""Plain kernels do what the others do; setpoints are what actions ask for; tasks are known by name."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from gym_suite.core.ids import check_facets
from gym_suite.core.rows import Rows
from gym_suite.drones import loops
from gym_suite.drones.envs.base import DroneEnv
from gym_suite.registration import catalogue, id_class_of

N = 16


def fly(setup, steps=60):
    """Return states, observations, metrics and rewards of random actions; drones come down and touch the floor."""
    rows, rng = Rows(setup, N), np.random.default_rng(3)
    rows.reset(np.ones(N, bool), rng.integers(0, 2**63, N, dtype=np.uint64))
    for _ in range(steps):
        rows.u[:] = rng.uniform(-1.2, 0.6, rows.u.shape)
        rows.advance()
    return rows.x, rows.o, rows.m, rows.reward


@pytest.mark.parametrize("keywords", [{}, {"mismatch": 0.1, "vehicle": "cf2p"}, {"history": 3}])
@pytest.mark.parametrize("id", ["drones/Hover-v0", "drones/Track-v0"])
def test_plain_kernels_do_what_the_others_do_bit_for_bit(id, keywords):
    setup = id_class_of(id).configure(engine="compiled", **keywords)
    assert setup.kernels is loops.PLAIN
    got, expected = fly(setup), fly(replace(setup, kernels=loops.ANY))
    assert (got[0][:, setup.state_columns.index("position_z")] < 0.1).any()  # some are down
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "keywords",
    [
        {"action": "rates"},
        {"integrator": "rk4"},
        {"disturbance": {"force_x": 0.01}},
    ],
)
def test_whoever_needs_more_gets_the_kernels_that_can_do_it(keywords):
    setup = id_class_of("drones/Hover-v0").configure(engine="compiled", **keywords)
    assert setup.kernels is loops.ANY


def test_the_setpoint_is_what_the_action_asks_for():
    action = np.array([0.5, -0.25, 1.0, 0.125])
    for kind, scale in (("velocity", 2.0), ("position", 0.5)):
        env = gymnasium.make("drones/Track-v0", engine="compiled", action=kind)
        env.reset(seed=0)
        before = env.unwrapped.state()
        env.step(action[:3])
        state = env.unwrapped.state()
        for a, given in zip("xyz", action, strict=False):
            origin = before[f"target_{a}"][0] if kind == "position" else 0.0
            assert state[f"setpoint_{kind}_{a}"][0] == pytest.approx(origin + scale * given)
    env = gymnasium.make("drones/Hover-v0", engine="compiled", action="rates")
    env.reset(seed=0)
    env.step(action)
    state, values = env.unwrapped.state(), env.unwrapped.nominal.parameters
    weight = values["mass"] * values["gravity"]
    assert state["setpoint_thrust"][0] == pytest.approx(1.4 * weight)
    assert state["setpoint_roll_rate"][0] == pytest.approx(-1.5)
    assert state["setpoint_yaw_rate"][0] == pytest.approx(0.25)


def test_a_task_that_nobody_knows_is_refused_by_name():
    card = replace(catalogue()["drones/Hover-v0"], id="drones/Land-v0", facets={"task": "land"})
    with pytest.raises(ValueError, match="unknown task of drones/Land-v0 'land'"):
        check_facets(card, DroneEnv)
