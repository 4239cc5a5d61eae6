"""Direct torque control with modulation: its slopes, where it settles, how it steps, and when it trips."""

import math
from typing import Any

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison.settings import DISTURBANCES
from gym_suite.motors.controllers.flux_control import slopes
from gym_suite.motors.controllers.flux_oriented import ModulatedTorqueControl
from gym_suite.motors.controllers.laws import M
from gym_suite.motors.machines import KINDS
from tests.motors.rollouts import episodes

IDS = ("gem/PMSM-Torque-v0", "gem/SCIM-Torque-v0")
TWENTY = list(range(50_000, 50_020))
DISTURBANCE = {name: DISTURBANCES[name] for name in ("u_sd", "u_sq")}


def run(id, steps, **keywords):
    """Return the torque of each period, the last step's information, and what the law remembers, of one world."""
    env = gymnasium.make(id, **keywords)
    controller = gym_suite.make_controller(env, "dtc-svm")
    observation, _ = env.reset(seed=3)
    state: Any = None
    torques, info = [], {}
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        torques.append(info["torque"])
    return np.array(torques), info, np.ravel(state)


@pytest.mark.parametrize(("l_d", "l_q", "rotor"), [(3.7e-4, 1.2e-3, 0.066), (6e-3, 6e-3, 0.5)])
def test_the_slopes_of_the_torque_are_those_of_the_machines_equation(l_d, l_q, rotor):
    """Central differences of 1.5 p psi x i, with the flux as amplitude and angle."""

    def torque(psi, angle):
        psi_d, psi_q = psi * math.cos(angle), psi * math.sin(angle)
        return 1.5 * 3.0 * (psi_d * psi_q / l_q - psi_q * (psi_d - rotor) / l_d)

    for psi in (0.8 * rotor, 1.3 * rotor):
        for angle in (-1.2, -0.3, 0.0, 0.7, 1.9):
            c, s = math.cos(angle), math.sin(angle)
            i_d, i_q = (psi * c - rotor) / l_d, psi * s / l_q
            along, across = slopes(c, s, i_d, i_q, psi, l_d, l_q, 3.0)
            h = 1e-6
            assert along == pytest.approx(
                (torque(psi + h, angle) - torque(psi - h, angle)) / (2.0 * h), rel=1e-6
            )
            turned = (torque(psi, angle + h) - torque(psi, angle - h)) / (2.0 * h)
            assert across == pytest.approx(turned / psi, rel=1e-6)


@pytest.mark.parametrize("torque", [60.0, -25.0])
def test_a_magnet_machine_settles_at_the_currents_of_least_loss(torque):
    """Their closed form: Morimoto's line of maximum torque per ampere, at the torque's own current."""
    machine: Any = KINDS["PMSM"]()
    torques, info, _ = run(IDS[0], 400, speed=80.0, reference={"torque": torque})
    assert torques[-50:] == pytest.approx(torque, rel=0.01)
    ratio = machine.psi_p / (2.0 * (machine.l_q - machine.l_d))
    i_d = ratio - math.hypot(ratio, info["i_sq"])
    assert info["i_sd"] == pytest.approx(i_d, abs=0.01 * machine.i_limit)


@pytest.mark.parametrize("part", [0.3, -0.9])
def test_an_induction_machine_settles_at_its_torque_in_the_flux_of_least_loss(part):
    """T = 1.5 p l_m^2 / l_r i_d i_q, with i_d^2 = i_d i_q sqrt(1 + (r_r / r_s) (l_m / l_r)^2), or that in waiting."""
    machine: Any = KINDS["SCIM"]()
    product = abs(part) * 0.5 * machine.i_nominal**2
    coupling = machine.l_m / (machine.l_m + machine.l_sigr)
    torque = math.copysign(1.5 * machine.p * coupling * machine.l_m * product, part)
    torques, info, memory = run(IDS[1], 1500, speed=30.0, reference={"torque": torque})
    assert torques[-100:] == pytest.approx(torque, rel=0.01)
    least = product * math.sqrt(1.0 + machine.r_r / machine.r_s * coupling**2)
    i_d = max(math.sqrt(least), machine.i_standing)
    assert info["i_sd"] == pytest.approx(i_d, rel=0.02)
    # What the rotation induces is fed forward with the slip: the integrals are left what the resistance takes.
    sigma = 1.0 - coupling * machine.l_m / machine.l_s
    angle = math.atan2(sigma * info["i_sq"], info["i_sd"])
    along = info["i_sd"] * math.cos(angle) + info["i_sq"] * math.sin(angle)
    across = info["i_sq"] * math.cos(angle) - info["i_sd"] * math.sin(angle)
    drop = np.array([along, across]) * machine.r_s
    assert memory[[M.integral_0, M.integral_1]] == pytest.approx(drop, abs=0.05 * np.hypot(*drop))


def test_a_step_of_the_torque_is_there_in_a_little_more_than_a_millisecond_and_overshoots_little():
    """From none to 80 N m at 80 rad/s; much of the rise is the time that the whole voltage takes."""
    torques, _, _ = run(IDS[0], 200, speed=80.0, reference={"torque": 80.0})
    assert torques[11] > 72.0  # after 12 periods of 0.1 ms
    assert torques.max() < 1.05 * 80.0


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize(
    "keywords", [{}, {"noise": 0.01}, {"delay": 1}, {"disturbance": DISTURBANCE}]
)
def test_no_drive_trips_nominally_with_noise_with_a_late_action_or_disturbed(id, keywords):
    returns, trips, _ = episodes(id, "dtc-svm", seeds=TWENTY, **keywords)
    assert trips == 0
    assert returns.min() > 0.8 * 2000


@pytest.mark.parametrize(("id", "most"), [(IDS[0], 1), (IDS[1], 0)])
def test_of_machines_that_are_others_few_trip(id, most):
    returns, trips, _ = episodes(id, "dtc-svm", seeds=TWENTY, mismatch=0.3)
    assert trips <= most
    assert np.median(returns) > 0.75 * 2000


def test_it_says_what_it_is_not_for():
    with pytest.raises(ValueError, match="has a direction without torque"):
        ModulatedTorqueControl.for_env(gymnasium.make("gem/SynRM-Torque-v0"))
    with pytest.raises(ValueError, match="follows a torque, and gem/PMSM-v0 asks for i_sd, i_sq"):
        ModulatedTorqueControl.for_env(gymnasium.make("gem/PMSM-v0"))
    with pytest.raises(ValueError, match="stride"):
        gym_suite.make_controller(gymnasium.make(IDS[0]), "dtc-svm", stride=0.0)
