"""Two tiny plants with closed-form matrices: a linear oscillator and a bilinear machine."""

from types import SimpleNamespace

import numpy as np
import pytest

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel


@kernel
def oscillator_derivative(x, v, p, dx):
    """Mass, spring, damper: p = mass, damping, stiffness."""
    dx[0] = x[1]
    dx[1] = (v[0] - p[1] * x[1] - p[2] * x[0]) / p[0]


@kernel
def oscillator_output(x, v, p, y):
    """Position and force of the spring."""
    y[0] = x[0]
    y[1] = p[2] * x[0]


@kernel
def motor_derivative(x, v, p, dx):
    """Separately excited motor: p = r, l, m, j, friction; v = u, i_e, load; bilinear in i_e."""
    dx[0] = (v[0] - p[0] * x[0] - p[2] * v[1] * x[1]) / p[1]
    dx[1] = (p[2] * v[1] * x[0] - p[4] * x[1] - v[2]) / p[3]
    dx[2] = x[1]


@kernel
def motor_output(x, v, p, y):
    """Speed and torque."""
    y[0] = x[1]
    y[1] = p[2] * v[1] * x[0]


def _nominal(derivative, output, states, inputs, outputs, row, dt):
    plant = SimpleNamespace(
        derivative=derivative, output=output, states=states, inputs=inputs, outputs=outputs
    )
    setup = SimpleNamespace(observation_columns=outputs)
    return SimpleNamespace(plant=plant, row=np.array(row), dt=dt, setup=setup)


@pytest.fixture(scope="session")
def oscillator():
    """Mass 2 kg, damping 0.8 N s/m, stiffness 50 N/m: 5 rad/s, damping ratio 0.04."""
    return _nominal(
        oscillator_derivative,
        oscillator_output,
        Columns(Column("position", "m"), Column("velocity", "m/s")),
        Columns(Column("force", "N", -100.0, 100.0)),
        Columns(Column("position", "m"), Column("spring", "N")),
        [2.0, 0.8, 50.0],
        0.01,
    )


@pytest.fixture(scope="session")
def motor():
    """A motor whose angle turns for ever; voltage limited to 60 V."""
    return _nominal(
        motor_derivative,
        motor_output,
        Columns(
            Column("i", "A", -200.0, 200.0),
            Column("omega", "rad/s", -400.0, 400.0),
            Column("epsilon", "rad"),
        ),
        Columns(
            Column("u", "V", -60.0, 60.0),
            Column("i_e", "A", 0.0, 10.0),
            Column("load", "N m", -50.0, 50.0),
        ),
        Columns(Column("omega", "rad/s"), Column("torque", "N m")),
        [0.2, 1e-2, 0.03, 0.05, 0.01],
        1e-3,
    )
