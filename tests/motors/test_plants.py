"""The plants of linear analysis against matrices written apart, each in the frame in which its machine rests."""

import numpy as np
import pytest

import gym_suite  # noqa: F401  (registers the ids)
from gym_suite.motors.machines import KINDS, SETS
from gym_suite.registration import id_class_of
from tests.motors.unified import OF, TURN, currents

AC = [name for name in KINDS if name in OF]


def slopes_of(name, omega, x, v):
    """Return d/dt of a machine's electrical state, and its torque, in its plant's frame at the angle 0."""
    machine = SETS[name].machine
    model = OF[name](machine)
    i = currents(model, x[None])[0]
    turning = 0.0
    if name == "SCIM":
        turning, v = v[2], np.array([v[0], v[1], 0.0, 0.0])
    elif name == "DFIM":
        turning = machine.p * omega
    if name == "DFIM":
        i = x  # its state is the currents of both sides
    di, torque = model.slopes(omega, i, v)
    dx = di if model.shown is None or name == "DFIM" else model.shown @ di
    # Seen from a frame that turns, everything turns the other way.
    back = np.kron(np.eye(len(x) // 2), TURN) if turning else 0.0
    return dx - turning * (back @ x if turning else 0.0), torque


@pytest.mark.parametrize("name", AC)
def test_the_plant_is_that_of_the_machines_equations(name):
    setup = id_class_of(f"gem/{name}-Speed-v0").configure()
    plant, generator = setup.plant, np.random.default_rng(3)
    for _ in range(5):
        x = plant.states.high * generator.uniform(-0.5, 0.5, len(plant.states))
        v = np.append(
            0.5 * plant.inputs.high[:-1] * generator.uniform(-1, 1, len(plant.inputs) - 1), 0
        )
        dx, y = np.zeros(len(x)), np.zeros(len(plant.outputs))
        plant.derivative(x, v, setup.row, dx)
        plant.output(x, v, setup.row, y)
        wanted, torque = slopes_of(name, x[0], x[1:], v[:-1])
        np.testing.assert_allclose(dx[1:], wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
        assert y[-1] == pytest.approx(torque, rel=1e-9)


@pytest.mark.parametrize("name", ["PermExDc", "SeriesDc", "ShuntDc", "ExtExDc"])
def test_the_plant_of_a_dc_machine_is_that_of_its_circuits(name):
    machine = SETS[name].machine
    setup = id_class_of(f"gem/{name}-Speed-v0").configure()
    plant, omega, i = setup.plant, 50.0, np.array([20.0, 30.0])[: len(machine.states)]
    v = np.array([40.0, 11.0])[: len(setup.plant.inputs) - 1]
    dx, y = np.zeros(1 + len(i)), np.zeros(len(plant.outputs))
    plant.derivative(np.append(omega, i), np.append(v, 0.0), setup.row, dx)
    plant.output(np.append(omega, i), np.append(v, 0.0), setup.row, y)
    if name == "PermExDc":
        psi, wanted = (
            machine.psi_e,
            [(v[0] - machine.r_a * i[0] - machine.psi_e * omega) / machine.l_a],
        )
    elif name == "SeriesDc":
        psi = machine.l_e_prime * i[0]
        drop = (machine.r_a + machine.r_e) * i[0] + psi * omega
        wanted = [(v[0] - drop) / (machine.l_a + machine.l_e)]
    else:
        psi = machine.l_e_prime * i[1]
        wanted = [
            (v[0] - machine.r_a * i[0] - psi * omega) / machine.l_a,
            (v[-1] - machine.r_e * i[1]) / machine.l_e,
        ]
    np.testing.assert_allclose(dx[1:], wanted, rtol=1e-9)
    assert y[-1] == pytest.approx(psi * i[0], rel=1e-9)
