"""Losses in the steady state against the simulated drive, least loss against SciPy's minimiser, and its picture."""

from io import BytesIO

import gymnasium
import numpy as np
import pytest
from matplotlib.image import imread
from scipy.optimize import brentq, minimize_scalar

import gym_suite
from gym_suite.motors.diagrams import efficiency_diagram
from gym_suite.motors.efficiency import best_currents, efficiency_map, steady
from gym_suite.motors.losses import Losses, usual_losses
from gym_suite.motors.machines import KINDS

MACHINES = ("PMSM", "SynRM", "SaturatedPMSM")
LOST = ("copper", "iron", "conduction", "switching", "friction")


@pytest.mark.parametrize("kind", MACHINES)
def test_a_simulated_drive_settles_to_the_powers_that_are_told(kind):
    machine = KINDS[kind]()
    speed = 0.5 * machine.omega_nominal
    i_d = (0.3 if kind == "SynRM" else -0.3) * machine.i_nominal
    i_q = 0.5 * machine.i_nominal
    env = gymnasium.make(
        f"gem/{kind}-v0",
        losses="usual",
        load={"kind": "constant_speed", "omega": speed},
        reference={"i_sd": i_d, "i_sq": i_q},
    )
    controller, hidden = gym_suite.make_controller(env), None
    observation, _ = env.reset(seed=0)
    for _ in range(1500):
        action, hidden = controller.predict(observation, hidden)
        observation, *_, info = env.step(action)
    # A voltage that is held while the rotor turns makes a ripple within each period, which the steady state has not.
    state = steady(machine, "usual", info["i_sd"], info["i_sq"], speed)
    for name in LOST:
        assert state.parts[name] == pytest.approx(info[f"loss_{name}"], rel=1e-3), name
    for name in ("power_dc", "power_shaft"):
        assert getattr(state, name) == pytest.approx(info[name], rel=1e-3)
    assert state.efficiency == pytest.approx(info["efficiency"], rel=1e-3)
    assert state.loss == pytest.approx(sum(state.parts.values()), rel=1e-9)
    assert state.voltage == pytest.approx(np.hypot(info["u_sd"], info["u_sq"]), rel=1e-3)


@pytest.mark.parametrize(("kind", "torque", "part"), [("PMSM", 60.0, 0.8), ("SynRM", 1.2, 0.5)])
def test_least_loss_is_what_a_minimiser_finds_in_the_equations_of_the_machine(kind, torque, part):
    machine = KINDS[kind]()
    speed, lost = part * machine.omega_nominal, usual_losses(machine)
    omega_e, magnets = machine.p * speed, getattr(machine, "psi_p", 0.0)

    def powers(i):
        psi_d, psi_q = magnets + machine.l_d * i[0], machine.l_q * i[1]
        square, flux = i @ i, psi_d**2 + psi_q**2
        amplitude = np.sqrt(square)
        iron = 1.5 * (lost.hysteresis * omega_e + lost.eddy * omega_e**2) * flux
        shaft = 1.5 * machine.p * (psi_d * i[1] - psi_q * i[0]) - iron / speed - lost.bearing
        below_knee = np.hypot(amplitude, lost.i_knee)
        inverter = 6.0 / np.pi * lost.threshold * square / below_knee + 1.5 * lost.slope * square
        inverter += 6.0 / np.pi * lost.e_switch / machine.period * amplitude / machine.i_nominal
        return 1.5 * machine.r_s * square + iron + inverter + lost.bearing * speed, shaft

    def across(i_d):
        """The q current that gives the torque beside a d current."""
        return brentq(
            lambda i_q: powers(np.array([i_d, i_q]))[1] - torque, 0.0, machine.i_limit, xtol=1e-12
        )

    low, high = (1.0, machine.i_limit) if kind == "SynRM" else (-machine.i_nominal, 0.0)
    found = minimize_scalar(
        lambda i_d: powers(np.array([i_d, across(i_d)]))[0],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-8},
    )
    i_d, i_q = best_currents(machine, "usual", torque, speed)
    assert steady(machine, "usual", i_d, i_q, speed).torque == pytest.approx(torque, rel=1e-9)
    assert steady(machine, "usual", i_d, i_q, speed).loss == pytest.approx(found.fun, rel=1e-6)
    assert np.allclose((i_d, i_q), (found.x, across(found.x)), atol=1e-3 * machine.i_nominal)


def test_with_copper_alone_the_least_loss_is_most_torque_per_ampere():
    machine = KINDS["SaturatedPMSM"]()
    i_d, i_q = machine.map.strongest(np.array([5.0, 10.0, 15.0]))
    psi_d, psi_q = machine.map.linkages(i_d, i_q)
    torque = 3.0 * (psi_d * i_q - psi_q * i_d)
    for aim in ("loss", "current"):
        found = best_currents(machine, Losses(), torque, 50.0, aim=aim)
        assert np.allclose(np.hypot(*found), (5.0, 10.0, 15.0), rtol=1e-5)
        assert np.allclose(np.arctan2(*found[::-1]), np.arctan2(i_q, i_d), atol=5e-3)


@pytest.mark.parametrize("kind", MACHINES)
def test_least_loss_is_never_above_least_current_and_both_keep_the_limits(kind):
    machine = KINDS[kind]()
    best, short = (efficiency_map(machine, aim=aim) for aim in ("loss", "current"))
    able = np.isfinite(best.i_d)
    assert np.array_equal(able, np.isfinite(short.i_d)) and 0.2 < able.mean() < 1.0
    assert np.all(best.state.loss[able] <= short.state.loss[able] * (1.0 + 1e-9))
    size, voltage = np.hypot(best.i_d, best.i_q), best.state.voltage
    assert size[able].max() < machine.i_limit
    assert voltage[able].max() <= machine.u_dc / np.sqrt(3.0)
    asked = np.broadcast_to(best.torque[:, None], able.shape)
    assert np.allclose(best.state.torque[able], asked[able], rtol=1e-7)
    assert np.nanmin(best.efficiency) > 0.0 and np.nanmax(best.efficiency) < 1.0


def test_what_the_measured_machine_gains():
    """The figures of the changelog."""
    best, short = (efficiency_map(KINDS["SaturatedPMSM"](), aim=aim) for aim in ("loss", "current"))
    gain = 100.0 * (best.efficiency - short.efficiency)
    assert np.nanmax(gain) == pytest.approx(0.85, abs=0.01)
    assert np.nanmean(gain) == pytest.approx(0.10, abs=0.005)
    assert np.nanmax(best.efficiency) == pytest.approx(0.952, abs=1e-3)
    where = np.unravel_index(np.nanargmax(best.efficiency), gain.shape)
    assert best.torque[where[0]] == pytest.approx(17.0, abs=0.2)
    assert best.speed[where[1]] * 30.0 / np.pi == pytest.approx(2375.0)


def test_in_braking_the_same_currents_serve_with_another_sign():
    machine = KINDS["PMSM"]()
    i_d, i_q = best_currents(machine, "usual", np.array([40.0, -40.0]), 200.0)
    assert i_q[0] > 0.0 > i_q[1] and np.all(i_d < 0.0)
    state = steady(machine, "usual", i_d, i_q, 200.0)
    assert np.allclose(state.torque, (40.0, -40.0)) and state.power_dc[1] < 0.0
    assert np.all((state.efficiency > 0.5) & (state.efficiency < 1.0))


def test_what_has_no_such_losses_is_refused():
    with pytest.raises(ValueError, match="not for a"):
        efficiency_map(KINDS["SCIM"]())
    with pytest.raises(ValueError, match="Did you mean 'current'"):
        best_currents(KINDS["PMSM"](), "usual", 1.0, 1.0, aim="curent")
    with pytest.raises(ValueError, match="got None"):
        steady(KINDS["PMSM"](), None, 1.0, 1.0, 1.0)


def test_the_efficiency_of_the_measured_machine_is_a_picture():
    file = BytesIO()
    efficiency_diagram(KINDS["SaturatedPMSM"]()).savefig(file, format="png")
    file.seek(0)
    assert (imread(file)[..., :3] < 0.98).any(axis=-1).mean() > 0.2
