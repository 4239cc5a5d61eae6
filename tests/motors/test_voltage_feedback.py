"""Feedback of the demanded voltage: what it saves where the machine is another one, and that else it takes nothing."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.controllers.laws import M


def run(id, first, seeds, *, feedback=None, **keywords):
    """Run torque control on paired seeds; return returns, trips (seeds,) and the controller's last state."""
    envs = gymnasium.make_vec(id, num_envs=seeds, **keywords)
    controller = gym_suite.make_controller(envs, voltage_feedback=feedback)
    observation, _ = envs.reset(seed=first)
    state, alive = None, np.ones(seeds, bool)
    returns, trips = np.zeros(seeds), np.zeros(seeds, bool)
    for _ in range(2000):
        action, state = controller.predict(observation, state)
        observation, reward, terminated, truncated, _ = envs.step(action)
        returns += np.where(alive, reward, 0.0)
        trips |= alive & terminated
        alive &= ~(terminated | truncated)
    assert state is not None
    return returns, trips, state


@pytest.mark.parametrize(("machine", "first"), [("PMSM", 26), ("EESM", 50)])
def test_machines_with_more_flux_or_less_voltage_do_not_run_away(machine, first):
    """Seeds whose machines run away without the feedback, beside their neighbours, with 30 % of mismatch."""
    id = f"gem/{machine}-Torque-v0"
    returns, trips, _ = run(id, first, 16, mismatch=0.3)
    before, tripped, _ = run(id, first, 16, feedback=0.0, mismatch=0.3)
    assert tripped.sum() >= 3
    assert trips.sum() <= 1
    assert returns.mean() > before.mean() * 1.05


@pytest.mark.parametrize("machine", ["PMSM", "EESM"])
def test_the_machine_that_is_believed_in_loses_nothing(machine):
    returns, trips, _ = run(f"gem/{machine}-Torque-v0", 0, 50)
    before, _, _ = run(f"gem/{machine}-Torque-v0", 0, 50, feedback=0.0)
    assert not trips.any()
    assert (returns - before).mean() > -1e-3 * before.mean()


def test_at_rest_within_the_voltage_nothing_is_taken_from_the_operating_points():
    """A torque that the voltage holds: what a jump has taken is given back within some milliseconds."""
    state = run("gem/PMSM-Torque-v0", 0, 1, speed=100.0, reference={"torque": 60.0})[2]
    assert state[0, M.weakening] == 0.0


def test_a_magnet_stronger_than_believed_weakens_the_field_until_the_voltage_suffices():
    """The steady state: the demanded voltage is what there is, with the torque of the right sign."""
    envs = gymnasium.make_vec(
        "gem/PMSM-Torque-v0",
        num_envs=1,
        speed=300.0,
        reference={"torque": -100.0},
        mismatch={"psi_p": 1.3, "l_q": 1.3, "u_dc": 0.8},
    )
    controller = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    state, torques, weakening = None, [], []
    for _ in range(1500):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = envs.step(action)
        assert not terminated.any()
        torques.append(info["torque"][0])
        weakening.append(state[0, M.weakening])
    assert 0.0 < weakening[-1] < 0.7
    assert np.ptp(weakening[-300:]) < 0.05
    # Currents that are held give the torque asked for, times what the magnet is stronger and the saliency larger.
    assert 1.0 < np.mean(torques[-300:]) / -100.0 < 1.5


def test_a_negative_gain_is_refused():
    env = gymnasium.make("gem/PMSM-Torque-v0")
    with pytest.raises(ValueError, match="voltage_feedback"):
        gym_suite.make_controller(env, voltage_feedback=-1.0)
