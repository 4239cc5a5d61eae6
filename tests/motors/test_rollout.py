"""Predictive control of any drive: deadbeat where that suffices, elsewhere no other first voltage earns more."""

import itertools

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.controllers.deadbeat import RolloutControl
from gym_suite.motors.controllers.deadbeat_laws import R
from gym_suite.motors.controllers.kept_field import currents_in_kept_field
from gym_suite.motors.controllers.laws import L
from gym_suite.motors.controllers.rollout import Z
from gym_suite.motors.electrical import torque_of
from tests.motors.rollouts import episodes

OWN = f"{RolloutControl.__module__}:{RolloutControl.__name__}"
IDS = [id for id, card in gym_suite.catalogue().items() if card.controllers.get("mpc") == OWN]
SPEED_IDS = [id for id in IDS if "-Speed" in id]


def test_every_id_that_has_deadbeat_control_has_it():
    drives = {
        id: card.controllers
        for id, card in gym_suite.catalogue().items()
        if card.facets["task"] in ("current", "torque", "speed")
        and "Shaft" not in card.controllers.get("deadbeat", "Shaft")
    }
    assert all({"mpc", "mpc-soft"} <= set(controllers) for controllers in drives.values())
    assert len(IDS) == 27


# ------------------------------------------------------------------------------------------------- what it chooses


@pytest.mark.parametrize("machine", ["EESM", "DFIM", "SixPhasePMSM", "SaturatedPMSM"])
def test_where_one_period_suffices_it_is_deadbeat_control(machine):
    env = gymnasium.make(f"gem/{machine}-v0")
    names = [item.value for item in env.unwrapped.nominal.setup.tracking]
    start = 50.2 * env.unwrapped.nominal.dt
    reference = {name: {"kind": "step", "amplitude": 0.01, "start": start} for name in names}
    env = gymnasium.make(f"gem/{machine}-v0", speed=20.0, reference=reference)
    observation, _ = env.reset(seed=0)
    laws = [gym_suite.make_controller(env, name) for name in ("deadbeat", "mpc")]
    states = [None, None]
    for _ in range(100):
        actions = []
        for k, law in enumerate(laws):
            action, states[k] = law.predict(observation, states[k])
            actions.append(action)
        np.testing.assert_array_equal(*actions)
        observation, *_ = env.step(actions[0])


@pytest.mark.parametrize("seed", [61_000, 61_001])
def test_no_first_voltages_of_a_grid_earn_more(seed):
    """All corners, edges and middles of what an excited machine takes, held for some periods, then it continues."""
    grid = np.array(list(itertools.product((-1.0, -0.5, 0.0, 0.5, 1.0), repeat=3)))
    held, steps = 5, 40
    envs = gymnasium.make_vec("gem/EESM-v0", num_envs=1 + len(grid))
    law = gym_suite.make_controller(envs, "mpc")
    observation, _ = envs.reset(seed=[seed] * (1 + len(grid)))
    total, state = np.zeros(1 + len(grid)), None
    for k in range(steps):
        action, state = law.predict(observation, state)
        if k < held:
            action[1:] = grid
        observation, reward, terminated, _, _ = envs.step(action)
        total += np.where(terminated, -np.inf, reward)
    assert total[0] > total[1:].max() - 0.01 * steps


def test_of_two_currents_it_earns_what_the_search_that_was_written_for_them_does():
    usual, _, _ = episodes("gem/PMSM-v0", "mpc", 1000)
    own, trips, _ = episodes("gem/PMSM-v0", RolloutControl, 1000)
    assert trips == 0
    assert own.mean() == pytest.approx(usual.mean(), rel=1e-3)


# ------------------------------------------------------------------------------------------------- the kept field


def currents(above, torque, i, flux, kept, row, points):
    u_max = row[L.u_max]
    return currents_in_kept_field(above._group, torque, 10.0, i, flux, u_max, kept, row, points)


@pytest.mark.parametrize("machine", ["EESM", "DFIM", "SCIM"])
def test_in_a_kept_field_a_torque_moves_one_current_alone(machine):
    law = gym_suite.make_controller(gymnasium.make(f"gem/{machine}-Torque-v0"), "mpc")
    above, kept = law._above, law._search[Z.kept]
    row, rest, points = above._constants, (0.0,) * 4, above._points
    flux = 0.0
    if machine == "SCIM":
        largest = currents(above, kept, rest, 1.0, kept, row, points)
        flux = above._machine.l_m * largest[0]
    fields = []
    for part in (-0.4, 0.05, 0.2, 0.5):
        torque = part * kept
        i = currents(above, torque, rest, flux, kept, row, points)
        assert torque_of(above._group, i, row) == pytest.approx(torque, rel=1e-6)
        fields.append((i[0] + i[2], i[1] + i[3]) if machine == "DFIM" else (i[0], i[2]))
    np.testing.assert_allclose(np.abs(fields), np.abs(fields[:1] * 4), rtol=0.02, atol=1e-6)


# ------------------------------------------------------------------------------------------------- beside deadbeat


@pytest.mark.parametrize("id", [id for id in IDS if id not in SPEED_IDS])
def test_it_earns_at_least_what_deadbeat_control_does_and_does_not_trip(id):
    # A field that is kept has to be built first, which a DC machine's armature waits for.
    steps = 4000 if id == "gem/ExtExDc-Torque-v0" else 600
    usual, _, _ = episodes(id, "deadbeat", steps)
    own, trips, _ = episodes(id, "mpc", steps)
    assert trips == 0
    assert own.mean() >= usual.mean() - 1e-9


@pytest.mark.parametrize("id", SPEED_IDS)
def test_a_speed_above_it_is_followed_as_above_deadbeat_control(id):
    usual, _, _ = episodes(id, "deadbeat", 2000)
    own, trips, _ = episodes(id, "mpc", 2000)
    assert trips == 0
    assert own.mean() > usual.mean() - 0.005 * abs(usual.mean())


@pytest.mark.parametrize("machine", ["SCIM", "DFIM"])
def test_a_torque_of_machines_that_are_off_does_not_trip(machine):
    _, trips, _ = episodes(f"gem/{machine}-Torque-v0", "mpc", 600, mismatch=0.3)
    assert trips == 0


@pytest.mark.parametrize("machine", ["EESM", "DFIM"])
def test_softly_it_finds_a_further_period_of_delay(machine):
    _, trips, state = episodes(f"gem/{machine}-v0", "mpc-soft", 300, delay=1)
    assert trips == 0
    assert (state[:, R.delay] == 1.0).all()


def test_numbers_out_of_bounds_are_refused():
    env = gymnasium.make("gem/EESM-Torque-v0")
    for name, value in (("moves", 1), ("horizon", 0), ("field", 1.5)):
        with pytest.raises(ValueError, match=name):
            gym_suite.make_controller(env, "mpc", **{name: value})
