"""Which currents and torques a DC machine can hold, and which give a torque: closed forms, as row functions.

Rows ``p`` are parameter rows or laws, which begin alike. Where both currents can be chosen they are those of least
copper loss within current limits and voltage; elsewhere the torque decides.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import limit_one
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.machines.dc import MAGNETS, SEPARATE, SERIES, SHUNT
from gym_suite.motors.quantities import P

_LEAST_FIELD = 1e-3  # part of the excitation's limit below which an armature current makes no torque to speak of
#: Part of the excitation's limit beyond which a negative field is used as it is, where else a positive one is built:
#: three times the usual noise of a measured current, which must not turn the armature's about. A design value.
_TURNED = 0.03
#: Part of the largest field that the armature's current can still hold which a machine in parallel may have while it
#: excites itself: at all of it a field that is a little stronger would run away. A design value.
_HELD = 0.5
LEAST_RESISTANCE = 1e-12  # Ohm, in place of none


@kernel
def voltage_range(p, u_max):
    """Return the lowest and highest armature voltage within an amplitude, V."""
    return chopper_range(p[P.quadrants_a], u_max)


@kernel
def armature_range(p, psi, omega, u_max, i_max):
    """Return the lowest and highest steady armature current in a field, A; the lowest twice where there is none.

    Args:
        p: Parameter row.
        psi: Flux that turns, Vs.
        omega: Speed, rad/s.
        u_max: Voltage to stay within, V.
        i_max: Current to stay within, A.
    """
    low, high = voltage_range(p, u_max)
    resistance = max(p[P.r_a], LEAST_RESISTANCE)
    least = -i_max if int(p[P.quadrants_a]) > 1 else 0.0
    first = limit_one((low - psi * omega) / resistance, least, i_max)
    return first, max(first, min(i_max, (high - psi * omega) / resistance))


@kernel
def bound_together(p, omega, u_max, i_max):
    """Return the amplitude (A) of the current that one voltage holds beside the field it makes, and the sign it has.

    The currents of a machine in series or in parallel are in proportion: u = slope * current, and the slope changes
    its sign at the speed at which the machine excites itself. The sign is 0 where either is allowed.
    """
    if int(p[P.excitation]) == SERIES:
        slope = p[P.r_a] + p[P.r_e] + p[P.l_e_prime] * omega
        most, drawn = u_max, slope
    else:
        r_e = max(p[P.r_e], LEAST_RESISTANCE)
        part = 1.0 - p[P.l_e_prime] * omega / r_e
        slope = p[P.r_a] / part if part != 0.0 else math.inf
        drawn = part + p[P.r_a] / r_e  # what both windings draw has this sign
        most = min(u_max, p[P.r_e] * p[P.i_e_limit] * i_max / p[P.i_limit])
    amplitude = min(i_max, most / max(abs(slope), LEAST_RESISTANCE))
    quadrants = int(p[P.quadrants_a])
    if quadrants == 4:
        return amplitude, 0.0
    if quadrants == 1 and drawn < 0.0:
        amplitude = 0.0
    return amplitude, -1.0 if slope < 0.0 else 1.0


@kernel
def _largest_product(i_max, psi_max, resistance, omega, low, high):
    """Return the largest torque >= 0 of a current and a flux within bounds, and within r i + psi omega in [low, high].

    Along the voltage's bound the product is largest at i = high / (2 r), if the limits let it get there.
    """
    if omega >= 0.0:
        full = max(min(i_max, (high - psi_max * omega) / resistance), 0.0)
        weak = min(i_max, 0.5 * high / resistance)
        psi = psi_max
        if psi_max * omega > high - resistance * weak:
            psi = (high - resistance * weak) / omega
        return max(full * psi_max, weak * psi)
    current = min(i_max, (high - psi_max * omega) / resistance)
    return current * min(psi_max, (low - resistance * current) / omega)


@called_kernel
def torque_range(p, omega, u_max, part):
    """Return the lowest and highest steady torque at a speed, N m.

    Args:
        p: Parameter row.
        omega: Speed, rad/s.
        u_max: Voltage to stay within, V.
        part: Part of the current limits to stay within.
    """
    excitation = int(p[P.excitation])
    i_max = part * p[P.i_limit]
    if excitation == MAGNETS:
        least, most = armature_range(p, p[P.psi_e], omega, u_max, i_max)
        return p[P.psi_e] * least, p[P.psi_e] * most
    if excitation == SEPARATE:
        low, high = voltage_range(p, u_max)
        resistance = max(p[P.r_a], LEAST_RESISTANCE)
        psi = p[P.l_e_prime] * largest_excitation(p, u_max, part)
        drive = _largest_product(i_max, psi, resistance, omega, low, high)
        if int(p[P.quadrants_a]) == 1:
            return 0.0, drive
        return -_largest_product(i_max, psi, resistance, -omega, -high, -low), drive
    current, _ = bound_together(p, omega, u_max, i_max)
    if excitation == SERIES:
        return 0.0, p[P.l_e_prime] * current * current
    part_a = 1.0 - p[P.l_e_prime] * omega / max(p[P.r_e], LEAST_RESISTANCE)
    if part_a == 0.0:
        return 0.0, 0.0
    torque = p[P.l_e_prime] * current * current * p[P.r_a] / (p[P.r_e] * part_a)
    return min(torque, 0.0), max(torque, 0.0)


@kernel
def largest_excitation(p, u_max, part):
    """Return the largest excitation current of a winding with a converter of its own, A."""
    return min(part * p[P.i_e_limit], u_max / max(p[P.r_e], LEAST_RESISTANCE))


@kernel
def _least_loss_excitation(p, torque, omega, u_max, part, kept):
    """Return the excitation current of least copper loss for a torque within the range at this speed, A.

    r_a i_a^2 + r_e i_e^2 with l_e_prime i_a i_e = torque is least at i_e^2 = abs(torque) / l_e_prime sqrt(r_a / r_e).
    The armature's limit and whoever keeps a field want more, the voltage less: r_a torque / psi + psi omega within it.
    """
    most = largest_excitation(p, u_max, part)
    ratio = math.sqrt(p[P.r_a] / max(p[P.r_e], LEAST_RESISTANCE))
    best = math.sqrt(abs(torque) / p[P.l_e_prime] * ratio)
    least = abs(torque) / (p[P.l_e_prime] * part * p[P.i_limit])
    if omega != 0.0:
        # The larger root of psi^2 abs(omega) - u psi + r_a torque sign(omega) = 0.
        root = math.sqrt(max(u_max * u_max - 4.0 * p[P.r_a] * torque * omega, 0.0))
        most = min(most, (u_max + root) / (2.0 * abs(omega) * p[P.l_e_prime]))
        if torque * omega < 0.0 and int(p[P.quadrants_a]) != 4:
            # No negative voltage: what is induced must exceed the drop.
            least = max(least, math.sqrt(p[P.r_a] * abs(torque / omega)) / p[P.l_e_prime])
    return limit_one(best, min(max(least, kept), most), most)


@kernel
def _held_voltage(p, omega, u_max, i_max):
    """Return the voltage within which the armature's current can hold the field of a machine in parallel, V.

    Above the speed r_e / l_e_prime the rotation induces more than the field's resistance takes: with any steady
    armature current the field grows. Only a current against the induced voltage stops it, r_a i = (l_e_prime omega -
    r_e) i_e, so that i_e must not exceed what the largest current holds, nor the voltage what drives that i_e.
    """
    resistance = max(p[P.r_e], LEAST_RESISTANCE)
    excess = p[P.l_e_prime] * omega / resistance - 1.0
    if excess <= 0.0:
        return u_max
    return min(u_max, _HELD * p[P.r_a] * i_max / excess)


@called_kernel
def dc_currents_for(torque, omega, i, u_max, p, part, kept):
    """Return the references of four axes for a torque, or for the nearest that the limits allow.

    The armature's current is the one that gives the torque in the field that there is, for the field is slow. In a
    negative field it is the opposite of that in a positive one: l_e_prime i_a i_e is the same.

    Args:
        torque: Wanted torque, N m.
        omega: Speed, rad/s.
        i: Measured currents of the armature and of the excitation, A.
        u_max: Voltage to stay within, V.
        p: Law or parameter row.
        part: Part of the current limits to stay within.
        kept: Excitation current that a machine with a converter for it keeps where its voltage allows, A.
    """
    low, high = torque_range(p, omega, u_max, part)
    torque = limit_one(torque, low, high)
    excitation = int(p[P.excitation])
    i_max = part * p[P.i_limit]
    if excitation == MAGNETS:
        return torque / p[P.psi_e], 0.0, 0.0, 0.0
    if excitation == SERIES:
        return math.sqrt(max(torque, 0.0) / p[P.l_e_prime]), 0.0, 0.0, 0.0
    wanted = i[1]
    if excitation == SEPARATE:
        wanted = _least_loss_excitation(p, torque, omega, u_max, part, kept)
    field = i[1]
    if field > -_TURNED * p[P.i_e_limit]:
        field = max(field, _LEAST_FIELD * p[P.i_e_limit])
    psi = p[P.l_e_prime] * field
    if excitation == SHUNT:
        held = _held_voltage(p, omega, u_max, i_max)
        if held < u_max:
            psi, u_max = p[P.l_e_prime] * i[1], held
    least, most = armature_range(p, psi, omega, u_max, i_max)
    return limit_one(torque / (p[P.l_e_prime] * field), least, most), wanted, 0.0, 0.0
