"""The DC link and what feeds it, integrated together with the machine that draws from it.

A converter without losses takes from the link what it gives to the windings: with the parts m of the link's voltage u
that windings have, the voltages are u m and the link's current is the sum of m i, whatever u. A capacitor makes u a
state: c du/dt = i_source - i - i_brake. A battery's voltage is open_circuit(charge) - r_source i_source at once.

The state of a link is a tuple: voltage (V), state of charge, the energies that have gone into the converter, out of the
source's inner voltage and into the braking resistor (J), and the integral of the voltage (V s). That of an ideal link
is an empty tuple: what is compiled for it knows no supply.
"""

from __future__ import annotations

import math

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform4
from gym_suite.core.signals import interpolate
from gym_suite.motors.electrical import derivative, period
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE
from gym_suite.motors.quantities import P, Q, T, X
from gym_suite.motors.supplies import BATTERY, RECTIFIER
from gym_suite.motors.switches import under

#: What kernels take for an ideal supply and for one whose voltage moves; told apart by their lengths.
IDEAL_LINK: tuple[int, ...] = ()
FED_LINK: tuple[int, ...] = (0,)
#: Part of the nominal voltage below which a drive's measurement of the link is not used.
LEAST_MEASURED = 0.1

_STREAM_SUPPLY = 24  # of random numbers


@kernel
def power_of(group, s, p):
    """Return the power that flows into the windings of a state with its voltages, W."""
    kind = len(group)
    if kind == DC:
        return s[1] * s[3] + s[2] * s[4]
    if kind == EXCITED:
        return 1.5 * (s[1] * s[4] + s[2] * s[5]) + s[3] * s[6]
    if kind == INDUCTION:
        return 1.5 * (s[1] * s[5] + s[2] * s[6])
    if kind == DOUBLY_FED:
        l_m, inverse = p[P.l_m], 1.0 / (p[P.l_m] + p[P.l_sigr])
        i_a, i_b = (s[3] - l_m * s[1]) * inverse, (s[4] - l_m * s[2]) * inverse
        return 1.5 * (s[1] * s[5] + s[2] * s[6] + i_a * s[7] + i_b * s[8])
    if kind == SIX_PHASE:
        return 1.5 * (s[1] * s[5] + s[2] * s[6] + s[3] * s[7] + s[4] * s[8])
    return 1.5 * (s[1] * s[3] + s[2] * s[4])


@kernel
def inner_voltage(charge, phase, t, p, tables):
    """Return the voltage of a source behind its resistance, V.

    Args:
        charge: State of charge of a battery.
        phase: Phase of the mains at reset, rad.
        t: Time since reset, s.
        p: Parameter row.
        tables: The family's tables.
    """
    kind = int(p[P.supply_kind])
    if kind == BATTERY:
        curve = tables[T.open_circuit]
        return interpolate(curve[:, 0], curve[:, 1], charge)
    if kind == RECTIFIER:
        angle = 2.0 * math.pi * p[P.mains_frequency] * t + phase
        part = abs(math.sin(angle))
        if p[P.mains_phases] > 1.0:
            third = 2.0 * math.pi / 3.0
            part = max(part, abs(math.sin(angle + third)), abs(math.sin(angle - third)))
        return p[P.u_source] * part
    return p[P.u_source]


@kernel
def flows(w, inner, current, p):
    """Return what the currents of a link and its state lead to.

    Args:
        w: State of the link.
        inner: Of :func:`inner_voltage`.
        current: What the converter takes, A.
        p: Parameter row.

    Returns:
        The link's voltage (V), the current out of the source and that into the braking resistor (A), and dw/dt.
    """
    conductance, change, charging = 1.0 / p[P.r_source], 0.0, 0.0
    if int(p[P.supply_kind]) == BATTERY:
        most = p[P.i_charge] if w[1] < 1.0 else 0.0
        source = max(current, -most)
        brake = source - current
        u = inner - p[P.r_source] * source
        if u <= 0.0:  # the converter's diodes carry the rest past a shorted source
            u, source = 0.0, inner * conductance
        charging = -source / p[P.charge_capacity]
    else:
        u, brake = max(w[0], 0.0), 0.0
        source = (inner - u) * conductance
        if int(p[P.supply_kind]) == RECTIFIER:
            source = max(source, 0.0)
            brake = max(u - p[P.u_brake], 0.0) * conductance
        change = (source - current - brake) / p[P.c_link]
        if w[0] <= 0.0 and change < 0.0:
            # The converter's diodes short the empty capacitor and carry what the machine still draws.
            change = 0.0
    return u, source, brake, (change, charging, u * current, inner * source, u * brake, u)


@kernel
def _slopes(group, s, w, v, cosine, sine, k, load, phase, t, p, tables):
    """Return ds/dt and dw/dt under parts of the link's voltage, given as the voltages v at the nominal one."""
    nominal = under(group, s, v, cosine, sine)
    inner = inner_voltage(w[1], phase, t, p, tables)
    u, _, _, dw = flows(w, inner, power_of(group, nominal, p) / p[P.u_dc], p)
    part = u / p[P.u_dc]
    held = part * v[0], part * v[1], part * v[2], part * v[3]
    return derivative(group, under(group, s, held, cosine, sine), k, load, 0.0), dw


@called_kernel
def _fed_period(group, s, w, v, cosine, sine, k, load, phase, t, h, steps, p, tables):
    d = h / steps
    for j in range(steps):
        at = t + j * d
        s1, w1 = _slopes(group, s, w, v, cosine, sine, k, load, phase, at, p, tables)
        s2, w2 = combine(s, 0.5 * d, s1), combine(w, 0.5 * d, w1)
        s2, w2 = _slopes(group, s2, w2, v, cosine, sine, k, load, phase, at + 0.5 * d, p, tables)
        s3, w3 = combine(s, 0.5 * d, s2), combine(w, 0.5 * d, w2)
        s3, w3 = _slopes(group, s3, w3, v, cosine, sine, k, load, phase, at + 0.5 * d, p, tables)
        s4, w4 = combine(s, d, s3), combine(w, d, w3)
        s4, w4 = _slopes(group, s4, w4, v, cosine, sine, k, load, phase, at + d, p, tables)
        s, w = combine_rk4(s, d, s1, s2, s3, s4), combine_rk4(w, d, w1, w2, w3, w4)
        w = max(w[0], 0.0), min(w[1], 1.0), w[2], w[3], w[4], w[5]
    if int(p[P.supply_kind]) == BATTERY:
        nominal = under(group, s, v, cosine, sine)
        inner = inner_voltage(w[1], phase, t + h, p, tables)
        u = flows(w, inner, power_of(group, nominal, p) / p[P.u_dc], p)[0]
        w = u, w[1], w[2], w[3], w[4], w[5]
    return s, w


@kernel
def linked_period(group, s, w, v, cosine, sine, k, load, phase, t, h, steps, p, tables):
    """Move a machine and the link that feeds it over the time h by Runge-Kutta steps of fourth order.

    Args:
        group: The group.
        s: State of the machine as :mod:`gym_suite.motors.electrical` lays it out; its last element is the angle passed.
        w: State of the link, empty for an ideal one.
        v: Voltages of the windings at the nominal voltage of the link, as converters hold them, V.
        cosine: Cosine of the electrical angle at which the angle passed is 0.
        sine: Its sine.
        k: Coefficients of the machine.
        load: The shaft.
        phase: Phase of the mains at reset, rad.
        t: Time since reset at the beginning, s.
        h: The time, s.
        steps: Runge-Kutta steps.
        p: Parameter row.
        tables: The family's tables.

    Returns:
        Both states at the end.
    """
    if len(w) == 0:
        return period(group, under(group, s, v, cosine, sine), k, load, 1.0, h, steps), w
    return _fed_period(group, s, w, v, cosine, sine, k, load, phase, t, h, steps, p, tables)


@kernel
def effective_time(before, after, h, p):
    """Return the time at the link's nominal voltage that has the volt-seconds of a time h, s."""
    if len(before) == 0:
        return h
    return (after[5] - before[5]) / p[P.u_dc]


# ---------------------------------------------------------------------------------------------------- the link of a row


@kernel
def link_of(supply, x):
    """Return the state of a row's link, empty where the supply is ideal."""
    if len(supply) == 0:
        return ()
    return x[X.u_dc], x[X.charge], x[X.energy_dc], x[X.energy_source], x[X.energy_brake], 0.0


@kernel
def mains_phase(supply, key, p):
    """Return where the mains were in their period at reset, rad."""
    if len(supply) == 0:
        return 0.0
    return 2.0 * math.pi * uniform4(key, 0, _STREAM_SUPPLY)[0]


@kernel
def keep_link(x, w, p):
    """Write the state of a link into a row; an empty battery trips."""
    if len(w) > 0:
        x[X.u_dc], x[X.charge] = w[0], w[1]
        x[X.energy_dc], x[X.energy_source], x[X.energy_brake] = w[2], w[3], w[4]
        if int(p[P.supply_kind]) == BATTERY and not w[1] > 0.0:
            x[X.tripped] = 1.0


@kernel
def start_link(supply, x, key, p, tables):
    """Begin an episode with a capacitor charged to the source's voltage, or a battery in some state of charge."""
    if len(supply) > 0:
        x[X.u_dc] = p[P.u_source]
        if int(p[P.supply_kind]) == BATTERY:
            drawn = uniform4(key, 0, _STREAM_SUPPLY)[1]
            x[X.charge] = p[P.charge_low] + (p[P.charge_high] - p[P.charge_low]) * drawn
            x[X.u_dc] = inner_voltage(x[X.charge], 0.0, 0.0, p, tables)


@kernel
def measure_link(supply, x, q):
    """Fill the quantities of a row's link."""
    if len(supply) > 0:
        q[Q.u_dc], q[Q.charge] = x[X.u_dc], x[X.charge]
        q[Q.energy_dc], q[Q.energy_source] = x[X.energy_dc], x[X.energy_source]
        q[Q.energy_brake] = x[X.energy_brake]


@kernel
def measured_voltage(supply, x, p):
    """Return the voltage of the link as the drive knows it, V."""
    if len(supply) == 0:
        return p[P.u_dc]
    return max(x[X.u_dc], LEAST_MEASURED * p[P.u_dc])
