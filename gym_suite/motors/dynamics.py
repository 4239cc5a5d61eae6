"""Physics of the drive: converter, machine and load, moved by one control period at a time; it knows no task.

The inverter holds the stator voltage over each of its periods, so in the rotor's frame the voltage turns backwards by
the electrical angle that passes; the integrator sees that. A command becomes effective one period late (``dead_time``),
as in real drives, and is turned ahead by the angle that the rotor moves until the middle of the period in which it is
effective.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2
from gym_suite.core.signals import signal_value
from gym_suite.motors.controllers.foc import L, current_control_one
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.converters import stator_voltage
from gym_suite.motors.electrical import (
    synchronous_coefficients,
    synchronous_derivative,
    synchronous_period,
)
from gym_suite.motors.loads import load_torque, shaft
from gym_suite.motors.parameters import CONSTANT_SPEED
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.transforms import SQRT3, rotate, torque_of, turn, wrap

# Streams of random numbers; those below 16 belong to the references.
_STREAM_SENSOR = 16
_STREAM_DISTURBANCE = 34


# ------------------------------------------------------------------------------------------ what is commanded


@kernel
def _remember_action(x, u):
    size = u.shape[0]
    change = 0.0
    for j in range(size):
        difference = u[j] - x[X.action_0 + j]
        change += difference * difference
        x[X.action_0 + j] = u[j]
    x[X.change] = change / size


@called_kernel
def _command_currents(x, u, p, tables):
    """Turn a torque command into the references of the inner current controller."""
    law = tables[T.law][0]
    x[X.command_0], x[X.command_1] = currents_for_torque(
        u[0] * p[P.torque_limit],
        law[L.p] * x[X.omega],
        law[L.u_max] * p[P.u_dc] / law[L.u_dc],
        tables[T.points],
    )


@called_kernel
def _inner_voltage(x, key, tick, p, tables):
    """Run the inner current controller once; return its stator voltage, update its integrals."""
    i_d, i_q = x[X.i_sd], x[X.i_sq]
    if p[P.noise_i_sd] > 0.0 or p[P.noise_i_sq] > 0.0:
        noise_d, noise_q = normal2(key, tick, _STREAM_SENSOR)
        i_d += p[P.noise_i_sd] * noise_d
        i_q += p[P.noise_i_sq] * noise_q
    law = tables[T.law][0]
    _, _, alpha, beta, x[X.integral_0], x[X.integral_1] = current_control_one(
        i_d,
        i_q,
        x[X.command_0],
        x[X.command_1],
        law[L.p] * x[X.omega],
        x[X.cos_epsilon],
        x[X.sin_epsilon],
        x[X.integral_0],
        x[X.integral_1],
        law,
        p[P.u_dc],
    )
    return alpha, beta


# ------------------------------------------------------------------------------------- one inverter period


@called_kernel
def _disturbance(tables, key, t):
    """Return what disturbs the plant at a time, in the order of ``DISTURBANCES``."""
    signals, own = tables[T.signals], tables[T.signal_tables]
    first, stream = SIGNAL_DISTURBANCE, _STREAM_DISTURBANCE
    torque = signal_value(signals, first, own, key, stream, t)
    u_d = signal_value(signals, first + 1, own, key, stream + 1, t)
    u_q = signal_value(signals, first + 2, own, key, stream + 2, t)
    return torque, u_d, u_q


@kernel
def _period(x, key, tick, alpha, beta, half_cosine, half_sine, p, tables, plain):
    """Move the machine and its shaft by one inverter period under a held stator voltage.

    Args:
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        alpha: Stator voltage, V.
        beta: Stator voltage, V.
        half_cosine: Cosine of half the angle that passes at the present speed.
        half_sine: Its sine.
        p: Parameter row.
        tables: The family's tables.
        plain: As for :func:`advance_one`.
    """
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    u_d, u_q = rotate(alpha, beta, cosine, -sine)
    extra = 0.0
    if not plain and tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra, added_d, added_q = _disturbance(tables, key, tick * p[P.tau])
        u_d += added_d
        u_q += added_q
    x[X.u_sd], x[X.u_sq] = rotate(u_d, u_q, half_cosine, -half_sine)
    load = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0) if plain else shaft(p, extra)
    state = x[X.omega], x[X.i_sd], x[X.i_sq], u_d, u_q, 0.0
    omega, x[X.i_sd], x[X.i_sq], _, _, turned = synchronous_period(
        state, synchronous_coefficients(p), load, 1.0, p[P.tau], int(p[P.substeps])
    )
    x[X.epsilon] = wrap(x[X.epsilon] + turned)
    cosine, sine = rotate(cosine, sine, *turn(turned))
    # Rounding must not make the pair grow or shrink over the years.
    length = 1.5 - 0.5 * (cosine * cosine + sine * sine)
    x[X.cos_epsilon], x[X.sin_epsilon] = length * cosine, length * sine
    if not plain and int(p[P.load_kind]) != CONSTANT_SPEED:
        a, b, c, linear, _, _ = load
        x[X.omega] = omega
        x[X.torque_load] = load_torque(omega, a, b, c, linear) + extra


@kernel
def advance_one(x, key, step, u, p, tables, plain):
    """Move one row by one control period.

    Args:
        x: State row, changed in place.
        key: The row's key.
        step: Control periods since reset.
        u: Action row within [-1, 1].
        p: Parameter row.
        tables: The family's tables.
        plain: Whether it is known that the action is a voltage, the speed is held and nothing disturbs.
    """
    _remember_action(x, u)
    x[X.tripped] = 0.0
    torque_control = not plain and int(p[P.control]) == CONTROL_TORQUE
    ratio = 1 if plain else int(p[P.ratio])
    if torque_control:
        _command_currents(x, u, p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        half_cosine, half_sine = turn(0.5 * p[P.p] * x[X.omega] * p[P.tau])
        if torque_control:
            alpha, beta = _inner_voltage(x, key, tick, p, tables)
        else:
            cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
            alpha, beta = stator_voltage(u, cosine, sine, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            waiting = x[X.held_0], x[X.held_1]
            x[X.held_0], x[X.held_1] = alpha, beta
            alpha, beta = waiting
        _period(x, key, tick, alpha, beta, half_cosine, half_sine, p, tables, plain)
        square = x[X.i_sd] * x[X.i_sd] + x[X.i_sq] * x[X.i_sq]
        if not square <= p[P.i_limit] * p[P.i_limit]:  # a current that is no number trips too
            x[X.tripped] = 1.0


def follow_angle(x, mask, names):
    """Make cosine and sine of the angle follow the angle, where a user has written it into states.

    Args:
        x: States, (n, nx).
        mask: Which rows.
        names: The columns that were written.
    """
    if "epsilon" in names:
        angles = x[mask, X.epsilon]
        x[mask, X.cos_epsilon] = [math.cos(angle) for angle in angles]
        x[mask, X.sin_epsilon] = [math.sin(angle) for angle in angles]


# ------------------------------------------------------------------------------------------- plant for analysis


def plant_columns(machine):
    """Return the columns of states, inputs and outputs of the plant, bounded by a machine's limits."""
    speed, current = machine.omega_limit, machine.i_limit
    voltage = machine.u_dc / SQRT3
    states = Columns(
        Column("omega", "rad/s", -speed, speed, "mechanical speed"),
        Column("i_sd", "A", -current, current, "d current"),
        Column("i_sq", "A", -current, current, "q current"),
    )
    inputs = Columns(
        Column("u_sd", "V", -voltage, voltage, "d voltage"),
        Column("u_sq", "V", -voltage, voltage, "q voltage"),
        Column("torque_load", "N m", meaning="torque on the shaft besides the load's own"),
    )
    return states, inputs, states + Columns(Column("torque", "N m", meaning="air-gap torque"))


@kernel
def plant_derivative(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq) for the inputs (u_sd, u_sq, torque_load)."""
    state = x[0], x[1], x[2], v[0], v[1], 0.0
    domega, di_d, di_q, _, _, _ = synchronous_derivative(
        state, synchronous_coefficients(p), shaft(p, v[2]), 0.0
    )
    dx[0], dx[1], dx[2] = domega, di_d, di_q


@kernel
def plant_output(x, v, p, y):
    """Fill y with (omega, i_sd, i_sq, torque)."""
    y[0], y[1], y[2] = x[0], x[1], x[2]
    y[3] = torque_of(x[1], x[2], p[P.p], p[P.l_d], p[P.l_q], p[P.psi_p])
