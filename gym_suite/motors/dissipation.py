"""A synchronous machine and its inverter with everything that they lose, integrated together, and how they warm.

The formulas of the losses are those of :class:`gym_suite.motors.losses.Losses`, those of the heat
:class:`gym_suite.motors.thermal.ThermalNetwork`'s. A state holds flux linkages, (omega, psi_d, psi_q, u_d, u_q, angle),
with the voltages of the inverter's legs, and behind them the energies (J) that have gone each way since the period
began, in the order of :data:`gym_suite.motors.quantities.POWERS`. Each is a state of its own: that they balance is
physics, not bookkeeping.
"""

from __future__ import annotations

import math

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.motors.iron import follow_iron, iron_at, saturated_coefficients
from gym_suite.motors.loads import acceleration
from gym_suite.motors.machines.base import SATURATED
from gym_suite.motors.quantities import K, P, Q, T, X

#: Mean of a sine's size over its amplitude, of three phases together.
_THREE_PHASES = 6.0 / math.pi
_STREAM_TEMPERATURE = 28  # of random numbers

#: The energies of a period that has not begun.
NO_ENERGY = (0.0,) * 7


@kernel
def warmth(x, p):
    """Return the factor of the windings' resistance, and the d flux (Vs) that the magnets have gained by their heat."""
    if p[P.warms] == 0.0:
        return 1.0, 0.0
    winding = x[X.temperature_winding] - p[P.temperature_nominal]
    magnet = x[X.temperature_magnet] - p[P.temperature_nominal]
    return 1.0 + p[P.alpha_winding] * winding, p[P.alpha_magnet] * magnet * p[P.psi_p]


@kernel
def lossy_coefficients(group, x, p, tables):
    """Return what a machine's slopes read: (pairs, r_s, its d flux by heat, its iron), all at its temperatures.

    The iron is the map's coefficients of :func:`gym_suite.motors.iron.saturated_coefficients`, or (psi_p, 1 / l_d,
    1 / l_q) where inductances are constant.
    """
    factor, shift = warmth(x, p)
    r_s = factor * p[P.r_s]
    if len(group) == SATURATED:
        return p[P.p], r_s, shift, saturated_coefficients(p, tables[T.flux][0])
    return p[P.p], r_s, shift, (p[P.psi_p], 1.0 / p[P.l_d], 1.0 / p[P.l_q])


@kernel
def loss_coefficients(p):
    """Return what the losses read of a parameter row.

    It is (hysteresis, eddy, standstill, bearing, windage, slope, amplitude of the threshold's fundamental, the square
    of i_knee, switching loss per ampere of the current's amplitude).
    """
    # A phase loses its threshold with the sign of its current: a square wave, whose fundamental is 4/pi of it.
    fundamental = 4.0 / math.pi * p[P.threshold]
    switching = _THREE_PHASES * p[P.e_switch] / (p[P.tau] * p[P.i_nominal])
    knee = p[P.i_knee] * p[P.i_knee]
    iron = p[P.hysteresis], p[P.eddy], p[P.standstill]
    drag, slope = (p[P.bearing], p[P.windage]), p[P.slope]
    return (*iron, *drag, slope, fundamental, knee, switching)


@kernel
def _iron_of(group, i_d, i_q, k):
    """Return the currents, the inverse of the incremental inductances there, and the flux linkages without shift."""
    iron = k[3]
    if len(group) == SATURATED:
        return iron_at(i_d, i_q, iron)
    psi_m, inverse_d, inverse_q = iron
    return i_d, i_q, inverse_d, 0.0, inverse_q, psi_m + i_d / inverse_d, i_q / inverse_q


@kernel
def _follow(group, y, before, k):
    """Return what :func:`_iron_of` does, at the flux linkages of a state near those before."""
    shift, iron = k[2], k[3]
    if len(group) == SATURATED:
        return follow_iron((y[0], y[1] - shift, y[2]), before, iron)
    psi_m, inverse_d, inverse_q = iron
    own = y[1] - shift
    return (own - psi_m) * inverse_d, y[2] * inverse_q, inverse_d, 0.0, inverse_q, own, y[2]


@kernel
def _slopes(y, iron, k, d, load):
    """Return d/dt of a state with its energies.

    Args:
        y: The state.
        iron: Currents and more, of :func:`_follow`.
        k: Of :func:`lossy_coefficients`.
        d: Of :func:`loss_coefficients`.
        load: Of :func:`gym_suite.motors.loads.shaft`.
    """
    omega, psi_d, psi_q, u_d, u_q = y[0], y[1], y[2], y[3], y[4]
    pairs, r_s, i_d, i_q = k[0], k[1], iron[0], iron[1]
    hysteresis, eddy, standstill, bearing, windage, slope, fundamental, knee, per_ampere = d
    omega_e, square = pairs * omega, i_d * i_d + i_q * i_q
    drop = slope + fundamental / math.sqrt(square + knee)  # V/A
    turning = omega / max(abs(omega), standstill)
    flux = 1.5 * pairs * (psi_d * psi_d + psi_q * psi_q)
    iron_drag = flux * (hysteresis * turning + eddy * omega_e)
    friction = bearing * turning + windage * abs(omega) * omega
    torque = 1.5 * pairs * (psi_d * i_q - psi_q * i_d) - iron_drag - friction
    switching = per_ampere * math.sqrt(square)
    return (
        acceleration(omega, torque, load),
        u_d - (r_s + drop) * i_d + omega_e * psi_q,
        u_q - (r_s + drop) * i_q - omega_e * psi_d,
        omega_e * u_q,
        -omega_e * u_d,
        omega_e,
        1.5 * (u_d * i_d + u_q * i_q) + switching,
        torque * omega,
        1.5 * r_s * square,
        iron_drag * omega,
        1.5 * drop * square,
        switching,
        friction * omega,
    )


@called_kernel
def lossy_period(group, x, energies, k, d, load, h, steps):
    """Move a machine with its losses over the time h by Runge-Kutta steps of fourth order.

    Args:
        group: The group.
        x: State of the machine as :mod:`gym_suite.motors.electrical` lays it out.
        energies: What has gone each way, J.
        k: Of :func:`lossy_coefficients`.
        d: Of :func:`loss_coefficients`.
        load: Of :func:`gym_suite.motors.loads.shaft`.
        h: The time, s.
        steps: Runge-Kutta steps.

    Returns:
        State and energies at the end.
    """
    iron, s = _iron_of(group, x[1], x[2], k), h / steps
    start = x[0], iron[5] + k[2], iron[6], x[3], x[4], x[5]
    y = start + energies
    for _ in range(steps):
        k1 = _slopes(y, iron, k, d, load)
        middle = combine(y, 0.5 * s, k1)
        iron = _follow(group, middle, iron, k)
        k2 = _slopes(middle, iron, k, d, load)
        middle = combine(y, 0.5 * s, k2)
        iron = _follow(group, middle, iron, k)
        k3 = _slopes(middle, iron, k, d, load)
        end = combine(y, s, k3)
        iron = _follow(group, end, iron, k)
        y = combine_rk4(y, s, k1, k2, k3, _slopes(end, iron, k, d, load))
        iron = _follow(group, y, iron, k)
    return (y[0], iron[0], iron[1], y[3], y[4], y[5]), y[6:]


# ----------------------------------------------------------------------------------------------- what a row keeps


@kernel
def keep_powers(x, energies, time):
    """Write the energies of a control period into a row, as means over its time."""
    x[X.power_dc], x[X.power_shaft] = energies[0] / time, energies[1] / time
    x[X.loss_copper], x[X.loss_iron] = energies[2] / time, energies[3] / time
    x[X.loss_conduction], x[X.loss_switching] = energies[4] / time, energies[5] / time
    x[X.loss_friction] = energies[6] / time


@kernel
def warm_up(x, time, p):
    """Move a row's temperatures by a time (s) under the mean losses in it; one beyond its limit trips.

    The implicit midpoint rule, which is stable for every time, keeps the energy, and rests where the network's algebra
    says. The nodes around the housing are eliminated by hand.
    """
    if p[P.warms] == 0.0:
        return
    winding, magnet, housing = (
        x[X.temperature_winding],
        x[X.temperature_magnet],
        x[X.temperature_housing],
    )
    rotor = p[P.rotor_share] * x[X.loss_iron]
    stator = x[X.loss_iron] - rotor + x[X.loss_friction]
    to_winding, to_magnet = 1.0 / p[P.rth_winding], 1.0 / p[P.rth_magnet]
    to_ambient = 1.0 / p[P.rth_housing]
    # Half a step's kelvin per watt of each node.
    own_w, own_m = 0.5 * time / p[P.c_winding], 0.5 * time / p[P.c_magnet]
    own_h = 0.5 * time / p[P.c_housing]
    share_w, share_m = 1.0 / (1.0 + own_w * to_winding), 1.0 / (1.0 + own_m * to_magnet)
    alone_w = share_w * (winding + own_w * x[X.loss_copper])
    alone_m = share_m * (magnet + own_m * rotor)
    inflow = stator + to_winding * alone_w + to_magnet * alone_m + to_ambient * p[P.ambient]
    outflow = to_winding * share_w + to_magnet * share_m + to_ambient
    middle = (housing + own_h * inflow) / (1.0 + own_h * outflow)
    x[X.temperature_winding] = 2.0 * (alone_w + (1.0 - share_w) * middle) - winding
    x[X.temperature_magnet] = 2.0 * (alone_m + (1.0 - share_m) * middle) - magnet
    x[X.temperature_housing] = 2.0 * middle - housing
    if not x[X.temperature_winding] <= p[P.limit_winding]:
        x[X.tripped] = 1.0
    if not x[X.temperature_magnet] <= p[P.limit_magnet]:
        x[X.tripped] = 1.0


@kernel
def start_warm(x, key, p):
    """Begin an episode with a machine that has stood: all of it has one temperature."""
    if p[P.warms] > 0.0:
        drawn = uniform4(key, 0, _STREAM_TEMPERATURE)[0]
        start = p[P.temperature_low] + (p[P.temperature_high] - p[P.temperature_low]) * drawn
        x[X.temperature_winding] = x[X.temperature_magnet] = x[X.temperature_housing] = start


@kernel
def efficiency_of(shaft, link, losses):
    """Return the part of the power that is used, 0 where none is.

    In driving it is the shaft's power over what it takes together with the losses, in braking that given to the link.
    Where the link feeds a shaft that is driven all the power is lost.
    """
    if shaft > 0.0:
        return shaft / (shaft + losses)
    if shaft < 0.0 and link < 0.0:
        return link / (link - losses)
    return 0.0


@kernel
def measure_powers(x, p, tables, q):
    """Fill the quantities of a row's losses and temperatures, and put right what those say of torque and errors."""
    q[Q.power_dc], q[Q.power_shaft] = x[X.power_dc], x[X.power_shaft]
    q[Q.loss_copper], q[Q.loss_iron] = x[X.loss_copper], x[X.loss_iron]
    q[Q.loss_conduction], q[Q.loss_switching] = x[X.loss_conduction], x[X.loss_switching]
    q[Q.loss_friction] = x[X.loss_friction]
    losses = x[X.loss_copper] + x[X.loss_iron] + x[X.loss_friction]
    losses += x[X.loss_conduction] + x[X.loss_switching]
    q[Q.efficiency] = efficiency_of(x[X.power_shaft], x[X.power_dc], losses)
    q[Q.temperature_winding] = x[X.temperature_winding]
    q[Q.temperature_magnet] = x[X.temperature_magnet]
    q[Q.temperature_housing] = x[X.temperature_housing]
    q[Q.torque] += 1.5 * p[P.p] * warmth(x, p)[1] * q[Q.i_sq]
    task = tables[T.task]
    for k in range(int(p[P.tracked])):
        q[Q.error_0 + k] = q[Q.reference_0 + k] - q[int(task[k, K.tracked])]
