"""Operating points of least loss: against a search of SciPy's with losses written anew, and in drives that run."""

import gymnasium
import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import gym_suite
from gym_suite.motors.controllers.least_loss import least_loss_points
from gym_suite.motors.controllers.operating_points import (
    currents_for_torque,
    operating_points,
    torque_limit,
)
from gym_suite.motors.losses import usual_losses
from gym_suite.motors.machines import SETS, group_of

MACHINES = ("PMSM", "SynRM", "SaturatedPMSM")
PART = 0.9  # of the current limit


def fluxes(m, i_d, i_q):
    if hasattr(m, "map"):
        return [float(psi) for psi in m.map.linkages(i_d, i_q)]
    return m.l_d * i_d + getattr(m, "psi_p", 0.0), m.l_q * i_q


def air_gap(m, i_d, i_q):
    psi_d, psi_q = fluxes(m, i_d, i_q)
    return 1.5 * m.p * (psi_d * i_q - psi_q * i_d)


def lost(m, own, omega_e, i_d, i_q):
    """Return all losses, W, from the formulas of the losses' page."""
    size, flux = np.hypot(i_d, i_q), np.hypot(*fluxes(m, i_d, i_q))
    iron = 1.5 * (own.hysteresis * omega_e + own.eddy * omega_e**2) * flux**2
    conduction = 6.0 / np.pi * own.threshold * size**2 / np.hypot(size, own.i_knee)
    conduction += 1.5 * own.slope * size**2
    switching = 6.0 / np.pi * own.e_switch * size / m.i_nominal / m.period
    omega = omega_e / m.p
    friction = (own.bearing + own.windage * omega**2) * omega
    return 1.5 * m.r_s * size**2 + iron + conduction + switching + friction


def searched(m, own, omega_e, torque, u_max):
    """Return the least loss within the limits, W, by SciPy: over the d current, the q current by the torque."""
    i_max = PART * m.i_limit

    def q_for(i_d):
        top = np.sqrt(i_max**2 - i_d**2)
        if air_gap(m, i_d, top) < torque:
            return None
        return brentq(lambda i_q: air_gap(m, i_d, i_q) - torque, 0.0, top, xtol=1e-12)

    def merit(i_d):
        i_q = q_for(i_d)
        if i_q is None or omega_e * np.hypot(*fluxes(m, i_d, i_q)) > u_max * (1.0 + 1e-6):
            return 1e9
        return lost(m, own, omega_e, i_d, i_q)

    grid = np.linspace(-0.999 * i_max, 0.999 * i_max, 200)
    best = grid[np.argmin([merit(i_d) for i_d in grid])]
    step = grid[1] - grid[0]
    found = minimize_scalar(
        merit, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-7}
    )
    return min(found.fun, merit(best))


def tables(name):
    machine = SETS[name].machine
    u_max = 0.95 * machine.u_dc / np.sqrt(3.0)
    own = usual_losses(machine)
    short = operating_points(machine, PART)
    return machine, own, u_max, short, least_loss_points(machine, PART, own, machine.period, u_max)


@pytest.mark.parametrize("name", MACHINES)
def test_losses_are_never_above_those_of_least_current_and_equal_an_independent_optimum(name):
    machine, own, u_max, short, table = tables(name)
    group, base = group_of(machine.group), u_max / short[-1, 0]
    gained = []
    for speed in (0.05, 0.13, 0.3, 0.6, 1.0, 1.4, 2.0):
        omega_e = speed * base
        for part in (0.05, 0.3, 0.7):
            torque = part * torque_limit(omega_e, u_max, short)
            least, other = (
                currents_for_torque(group, torque, omega_e, u_max, points)[:2]
                for points in (short, table)
            )
            # At equal torque: what the interpolation of either table misses of it counts for nothing.
            given = air_gap(machine, *other)
            assert given == pytest.approx(torque, rel=6e-3)
            assert np.hypot(*other) <= PART * machine.i_limit * (1.0 + 1e-6)
            taken = lost(machine, own, omega_e, *other)
            at_most = lost(machine, own, omega_e, *least) * given / air_gap(machine, *least)
            assert taken <= at_most * (1.0 + 5e-4)
            gained.append(1.0 - taken / at_most)
            if speed >= 0.3:
                optimum = searched(machine, own, omega_e, given, u_max)
                assert taken == pytest.approx(optimum, rel=2e-3)
    assert max(gained) > 2e-3


@pytest.mark.parametrize("name", MACHINES)
def test_at_standstill_points_are_those_of_the_least_current(name):
    machine, _, u_max, short, table = tables(name)
    group = group_of(machine.group)
    for part in (0.1, 0.5, 1.0):
        torque = part * short[-1, 1]
        one, other = (
            currents_for_torque(group, torque, 0.0, u_max, points) for points in (short, table)
        )
        assert one == other


def run(id, aim, steps=400, **keywords):
    """Return the mean of losses (W) and efficiency in the second half of an episode, and the torque at its end."""
    env = gymnasium.make(id, losses="usual", max_episode_steps=-1, **keywords)
    law, state = gym_suite.make_controller(env, "pi", aim=aim), None
    observation, _ = env.reset(seed=3)
    loss, used = [], []
    for _ in range(steps):
        action, state = law.predict(observation, state)
        observation, _, over, _, info = env.step(action)
        assert not over
        loss.append(info["power_dc"] - info["power_shaft"])
        used.append(info["efficiency"])
    half = steps // 2
    return np.mean(loss[half:]), np.mean(used[half:]), info["torque"]


@pytest.mark.parametrize("name", MACHINES)
def test_a_drive_that_runs_so_loses_less_for_the_same_torque(name):
    machine, _, u_max, short, _ = tables(name)
    speed = 0.9 * u_max / short[-1, 0] / machine.pairs
    wanted = {"reference": 0.3 * short[-1, 1], "speed": speed}
    loss, used, torque = run(f"gem/{name}-Torque-v0", "current", **wanted)
    less, more, other = run(f"gem/{name}-Torque-v0", "loss", **wanted)
    assert other == pytest.approx(torque, rel=6e-3) and torque == pytest.approx(
        wanted["reference"], rel=6e-3
    )
    assert less < 0.9995 * loss and more > used


SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "disturbance": {"disturbance": {"u_sd": {"kind": "sine", "amplitude": 10.0, "period": 0.003}}},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_over_whole_episodes_the_loss_is_lower_and_the_efficiency_higher_in_each_setting(setting):
    """Eight episodes with random references and speeds, of the machine of which most is to be gained."""
    found = []
    for aim in ("current", "loss"):
        envs = gymnasium.make_vec(
            "gem/SaturatedPMSM-Torque-v0", num_envs=8, losses="usual", **SETTINGS[setting]
        )
        law, state = gym_suite.make_controller(envs, "pi", aim=aim), None
        observation, _ = envs.reset(seed=70)
        told = []
        for _ in range(1500):
            action, state = law.predict(observation, state)
            observation, _, over, _, info = envs.step(action)
            assert not over.any()
            told.append((info["power_dc"] - info["power_shaft"], info["efficiency"]))
        found.append(np.mean(told, axis=(0, 2)))
    (loss, used), (less, more) = found
    assert less < loss and more > used


def test_without_losses_the_two_aims_are_the_same_and_wrong_ones_are_refused():
    env = gymnasium.make("gem/PMSM-Torque-v0")
    observation, _ = env.reset(seed=1)
    one, other = (
        gym_suite.make_controller(env, "pi", aim=aim).predict(observation)[0]
        for aim in ("current", "loss")
    )
    assert np.array_equal(one, other)
    with pytest.raises(ValueError, match="Did you mean 'loss'"):
        gym_suite.make_controller(env, "pi", aim="losses")
    env = gymnasium.make("gem/PMSM-Speed-v0", control="torque", losses="usual")
    with pytest.raises(ValueError, match="under control='torque' the drive itself does"):
        gym_suite.make_controller(env, "pi", aim="loss")
