"""The drive's continuous-time plant for linear analysis, of each group in the frame in which it can rest."""

from __future__ import annotations

from functools import partial

from gym_suite.core.columns import Column, Columns
from gym_suite.core.family import Plant
from gym_suite.core.kernel import kernel
from gym_suite.motors.electrical import (
    dc_coefficients,
    dc_derivative,
    doubly_fed_derivative,
    excited_coefficients,
    excited_derivative,
    induction_coefficients,
    induction_derivative,
    six_phase_coefficients,
    six_phase_derivative,
    synchronous_coefficients,
    synchronous_derivative,
    torque_of,
)
from gym_suite.motors.iron import saturated_coefficients, saturated_derivative, with_flux
from gym_suite.motors.loads import shaft
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
    Machine,
    group_of,
)
from gym_suite.motors.quantities import QUANTITIES, P

_SYNCHRONOUS, _EXCITED = group_of(SYNCHRONOUS), group_of(EXCITED)
_DC = group_of(DC)
_INDUCTION = group_of(INDUCTION)
_DOUBLY_FED, _SIX_PHASE = group_of(DOUBLY_FED), group_of(SIX_PHASE)
_SATURATED = group_of(SATURATED)


@kernel
def synchronous_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq) for the inputs (u_sd, u_sq, torque_load)."""
    state = x[0], x[1], x[2], v[0], v[1], 0.0
    k, load = synchronous_coefficients(p), shaft(p, v[2])
    dx[0], dx[1], dx[2], _, _, _ = synchronous_derivative(state, k, load, 0.0)


@kernel
def synchronous_output(x, v, p, y):
    """Fill y with the state and the torque."""
    y[0], y[1], y[2] = x[0], x[1], x[2]
    y[3] = torque_of(_SYNCHRONOUS, (x[1], x[2], 0.0, 0.0), p)


@kernel
def saturated_plant(flux, x, v, p, dx):
    """Fill dx as :func:`synchronous_plant`, of a machine with a flux map, whose row comes first."""
    state = x[0], x[1], x[2], v[0], v[1], 0.0
    k, load = saturated_coefficients(p, flux), shaft(p, v[2])
    dx[0], dx[1], dx[2], _, _, _ = saturated_derivative(state, k, load, 0.0)


@kernel
def saturated_output(flux, x, v, p, y):
    """Fill y with the state and the torque."""
    y[0], y[1], y[2] = x[0], x[1], x[2]
    i = with_flux((x[1], x[2], 0.0, 0.0), p[P.flux_scale], flux, 0)
    y[3] = torque_of(_SATURATED, i, p)


@kernel
def excited_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq, i_e) for the inputs (u_sd, u_sq, u_e, torque_load)."""
    state = x[0], x[1], x[2], x[3], v[0], v[1], v[2], 0.0
    k, load = excited_coefficients(p), shaft(p, v[3])
    dx[0], dx[1], dx[2], dx[3], _, _, _, _ = excited_derivative(state, k, load, 0.0)


@kernel
def excited_output(x, v, p, y):
    """Fill y with the state and the torque."""
    y[0], y[1], y[2], y[3] = x[0], x[1], x[2], x[3]
    y[4] = torque_of(_EXCITED, (x[1], x[2], x[3], 0.0), p)


@kernel
def one_current_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i) of a DC machine for the inputs (u, torque_load)."""
    state = x[0], x[1], 0.0, v[0], 0.0, 0.0
    dx[0], dx[1], _, _, _, _ = dc_derivative(state, dc_coefficients(p), shaft(p, v[1]))


@kernel
def one_current_output(x, v, p, y):
    """Fill y with the state and the torque."""
    y[0], y[1] = x[0], x[1]
    y[2] = torque_of(_DC, (x[1], 0.0, 0.0, 0.0), p)


@kernel
def two_currents_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_a, i_e) of a DC machine for its voltages, the last exciting, and torque_load."""
    last = v.shape[0] - 1
    state = x[0], x[1], x[2], v[0], v[last - 1], 0.0
    dx[0], dx[1], dx[2], _, _, _ = dc_derivative(state, dc_coefficients(p), shaft(p, v[last]))


@kernel
def two_currents_output(x, v, p, y):
    """Fill y with the state and the torque."""
    y[0], y[1], y[2] = x[0], x[1], x[2]
    y[3] = torque_of(_DC, (x[1], x[2], 0.0, 0.0), p)


@kernel
def induction_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq, psi_rd, psi_rq) for the inputs (u_sd, u_sq, omega_s, torque_load).

    The frame turns with the stator's frequency omega_s, so that everything rests in the steady state.
    """
    state = x[0], x[1], x[2], x[3], x[4], v[0], v[1], 0.0
    k, load = induction_coefficients(p), shaft(p, v[3])
    slopes = induction_derivative(state, k, load)
    dx[0] = slopes[0]
    for j in (1, 3):
        dx[j], dx[j + 1] = slopes[j] + v[2] * x[j + 1], slopes[j + 1] - v[2] * x[j]


@kernel
def induction_output(x, v, p, y):
    """Fill y with the state and the torque."""
    for j in range(5):
        y[j] = x[j]
    y[5] = torque_of(_INDUCTION, (x[1], x[2], x[3], x[4]), p)


@kernel
def doubly_fed_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq, i_rd, i_rq), in the rotor's frame.

    Inputs are (u_sd, u_sq, u_rd, u_rq, torque_load).
    """
    l_m, l_r = p[P.l_m], p[P.l_m] + p[P.l_sigr]
    psi_d, psi_q = l_m * x[1] + l_r * x[3], l_m * x[2] + l_r * x[4]
    state = x[0], x[1], x[2], psi_d, psi_q, v[0], v[1], v[2], v[3], 0.0
    slopes = doubly_fed_derivative(state, induction_coefficients(p), shaft(p, v[4]), 0.0)
    omega_e = p[P.p] * x[0]
    dx[0], dx[1], dx[2] = slopes[0], slopes[1] + omega_e * x[2], slopes[2] - omega_e * x[1]
    dx[3] = (slopes[3] + omega_e * psi_q - l_m * dx[1]) / l_r
    dx[4] = (slopes[4] - omega_e * psi_d - l_m * dx[2]) / l_r


@kernel
def doubly_fed_output(x, v, p, y):
    """Fill y with the state and the torque."""
    for j in range(5):
        y[j] = x[j]
    y[5] = torque_of(_DOUBLY_FED, (x[1], x[2], x[3], x[4]), p)


@kernel
def six_phase_plant(x, v, p, dx):
    """Fill dx with d/dt of (omega, i_sd, i_sq, i_sx, i_sy) for the inputs (u_sd, u_sq, u_sx, u_sy, torque_load)."""
    state = x[0], x[1], x[2], x[3], x[4], v[0], v[1], v[2], v[3], 0.0
    slopes = six_phase_derivative(state, six_phase_coefficients(p), shaft(p, v[4]), 0.0)
    for j in range(5):
        dx[j] = slopes[j]


@kernel
def six_phase_output(x, v, p, y):
    """Fill y with the state and the torque."""
    for j in range(5):
        y[j] = x[j]
    y[5] = torque_of(_SIX_PHASE, (x[1], x[2], x[3], x[4]), p)


_KERNELS = {
    (DC, 1): (one_current_plant, one_current_output),
    (DC, 2): (two_currents_plant, two_currents_output),
    DOUBLY_FED: (doubly_fed_plant, doubly_fed_output),
    SIX_PHASE: (six_phase_plant, six_phase_output),
    INDUCTION: (induction_plant, induction_output),
    SYNCHRONOUS: (synchronous_plant, synchronous_output),
    EXCITED: (excited_plant, excited_output),
    SATURATED: (saturated_plant, saturated_output),
}


def plant_of(machine: Machine) -> Plant:
    """Return the plant of a machine, bounded by the machine's limits."""
    speed, bound = machine.omega_limit, machine.u_dc / machine.voltage_divisor

    def column(name: str, limit: float) -> Column:
        about = QUANTITIES[machine.slot(name)]
        return Column(name, about.unit, -limit, limit, about.meaning)

    inside = dict(machine.currents)
    turning = []
    if machine.group == INDUCTION:
        inside |= {"psi_rd": "psi_limit", "psi_rq": "psi_limit"}
        turning = [column("omega_s", 2.0 * machine.pairs * speed)]
    states = Columns(
        column("omega", speed),
        *(column(name, getattr(machine, limit)) for name, limit in inside.items()),
    )
    inputs = Columns(
        *(column(name, bound) for name in machine.voltages),
        *turning,
        Column("torque_load", "N m", meaning="torque on the shaft besides the load's own"),
    )
    group = machine.group
    derivative, output = _KERNELS[(group, len(machine.currents)) if group == DC else group]
    if group == SATURATED:
        row = machine.flux_row()
        derivative, output = partial(derivative, row), partial(output, row)
    return Plant(
        states,
        inputs,
        states + Columns(Column("torque", "N m", meaning="air-gap torque")),
        derivative=derivative,
        output=output,
        guess=(0.5 * machine.omega_nominal, *(0.0,) * len(inside)),
    )
