"""What is to be followed: references drawn in steps, given as signals, or read from a drive cycle.

Each is a pure function of key and tick, so that a preview is a look at a later tick.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4
from gym_suite.core.signals import interpolate, signal_value
from gym_suite.motors.controllers.dc_points import (
    armature_range,
    bound_together,
    largest_excitation,
    torque_range,
)
from gym_suite.motors.controllers.operating_points import torque_limit
from gym_suite.motors.electrical import excited_axis
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
)
from gym_suite.motors.machines.dc import MAGNETS, SEPARATE
from gym_suite.motors.machines.spline import linkages
from gym_suite.motors.quantities import (
    REFERENCE_CURRENTS,
    REFERENCE_CYCLE,
    REFERENCE_SIGNALS,
    REFERENCE_TORQUE,
    SIGNAL_REFERENCE,
    K,
    P,
    T,
    X,
)
from gym_suite.motors.transforms import SQRT3

VOLTAGE_MARGIN = 0.95  # part of the inscribed circle that references and operating points may use
REFERENCE_MARGIN = 0.95  # part of the current limit that references may reach

# Streams of random numbers: the start of an episode, random references, signals of references.
STREAM_START, STREAM_STEPS, STREAM_SIGNALS = 0, 1, 2
_STREAM_CHOICE = 8  # of a switched reference
STREAM_APART = 15  # those from 2 to 7 are the signals', one for each tracked quantity
_STREAM_SWITCHED = 64  # of the signals that it is switched among

_TRIES = 32
_SHRINKS = 30
_FED_MARGIN = (
    0.8  # of the voltage for both currents of a doubly fed machine, which the flux makes together
)
_APART = 0.2  # part of the range for the difference of two stars' currents
_LEAST_FIELD, _MOST_FIELD = 1.0 / 3.0, 0.9  # parts of an induction machine's current along its flux


@kernel
def _holdable(i_d, i_q, l_d, psi, omega_e, u_max, p):
    """Return whether constant currents stay within a voltage amplitude at a speed, beside a rotor flux."""
    u_d = p[P.r_s] * i_d - omega_e * p[P.l_q] * i_q
    u_q = p[P.r_s] * i_q + omega_e * (l_d * i_d + psi)
    return u_d * u_d + u_q * u_q <= u_max * u_max


@called_kernel
def random_field_currents(key, segment, omega, p, target, first):
    """Fill references of an induction machine with currents that the voltage can hold at this speed at length.

    The current along the flux is uniform between a third and nine tenths of the range, that across it within the
    circle; rejection sampling. Should no try hit, the last one is shortened until the voltage suffices.

    Args:
        key: The row's key.
        segment: Which of the references that follow one another.
        omega: Speed, rad/s.
        p: Parameter row.
        target: Row to fill.
        first: Place of the first reference in it.
    """
    i_max, u_max = p[P.reference_high], VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    l_s, l_r = p[P.l_m] + p[P.l_sigs], p[P.l_m] + p[P.l_sigr]
    leakage = l_s - p[P.l_m] * p[P.l_m] / l_r
    i_d, i_q, found, tries = i_max, 0.0, False, 0
    while not found and tries < _TRIES + _SHRINKS:
        if tries < _TRIES:
            a, b, _, _ = uniform4(key, segment * _TRIES + tries, STREAM_STEPS)
            i_d = i_max * (_LEAST_FIELD + (_MOST_FIELD - _LEAST_FIELD) * a)
            i_q = math.sqrt(i_max * i_max - i_d * i_d) * (2.0 * b - 1.0)
        else:
            i_d, i_q = 0.8 * i_d, 0.8 * i_q
        omega_s = p[P.p] * omega + p[P.r_r] / l_r * i_q / i_d
        u_d = p[P.r_s] * i_d - omega_s * leakage * i_q
        u_q = p[P.r_s] * i_q + omega_s * l_s * i_d
        found = u_d * u_d + u_q * u_q <= u_max * u_max
        tries += 1
    target[first], target[first + 1] = i_d, i_q


@called_kernel
def random_fed_currents(key, segment, omega, p, target, first):
    """Fill references of a doubly fed machine with currents of stator and rotor that the stator's voltage can hold.

    Each uniform in its circle; rejection sampling. Should no try hit, the last ones are shortened until the voltage
    suffices. Arguments as :func:`random_field_currents`.
    """
    i_max, u_max = p[P.reference_high], _FED_MARGIN * p[P.u_dc] / SQRT3
    omega_e, l_s = p[P.p] * omega, p[P.l_m] + p[P.l_sigs]
    i_d, i_q, r_d, r_q, found, tries = 0.0, 0.0, 0.0, 0.0, False, 0
    while not found and tries < _TRIES + _SHRINKS:
        if tries < _TRIES:
            a, b, c, d = uniform4(key, segment * _TRIES + tries, STREAM_STEPS)
            stator, rotor = i_max * math.sqrt(a), i_max * math.sqrt(c)
            i_d = stator * math.cos(2.0 * math.pi * b)
            i_q = stator * math.sin(2.0 * math.pi * b)
            r_d = rotor * math.cos(2.0 * math.pi * d)
            r_q = rotor * math.sin(2.0 * math.pi * d)
        else:
            i_d, i_q, r_d, r_q = 0.8 * i_d, 0.8 * i_q, 0.8 * r_d, 0.8 * r_q
        u_d = p[P.r_s] * i_d - omega_e * (l_s * i_q + p[P.l_m] * r_q)
        u_q = p[P.r_s] * i_q + omega_e * (l_s * i_d + p[P.l_m] * r_d)
        found = u_d * u_d + u_q * u_q <= u_max * u_max
        tries += 1
    target[first], target[first + 1] = i_d, i_q
    target[first + 2], target[first + 3] = r_d, r_q


@called_kernel
def random_currents(group, key, segment, omega, p, target, first):
    """Fill references with currents within the range that the voltage can hold at this speed.

    Uniform in the circle, an excitation uniform in its range; rejection sampling. Should no try hit, the last one is
    drawn towards the currents of least flux until the voltage suffices.

    Args:
        group: The group.
        key: The row's key.
        segment: Which of the references that follow one another.
        omega: Speed, rad/s.
        p: Parameter row.
        target: Row to fill.
        first: Place of the first reference in it.
    """
    kind = len(group)
    i_max, u_max = p[P.reference_high], VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    omega_e = p[P.p] * omega
    i_d, i_q, i_e, psi = 0.0, 0.0, 0.0, p[P.psi_p]
    l_d, l_m = p[P.l_d], 0.0
    if kind == EXCITED:
        l_d, l_m, _ = excited_axis(p)
    # One loop for tries and shrinking, in which each pass needs the last one: of a loop of tries alone the compiler
    # makes eight at once, though mostly the first is enough (measured: 1.4 us a reset instead of 0.14).
    found, tries = False, 0
    while not found and tries < _TRIES + _SHRINKS:
        if tries < _TRIES:
            a, b, c, _ = uniform4(key, segment * _TRIES + tries, STREAM_STEPS)
            radius = i_max * math.sqrt(a)
            i_d = radius * math.cos(2.0 * math.pi * b)
            i_q = radius * math.sin(2.0 * math.pi * b)
            if kind == EXCITED:
                i_e = p[P.i_e_nominal] * c
                psi = l_m * i_e
        else:
            if kind == EXCITED:
                i_e *= 0.8
                psi = l_m * i_e
            i_d, i_q = 0.8 * i_d + 0.2 * max(-psi / l_d, -i_max), 0.8 * i_q
        found = _holdable(i_d, i_q, l_d, psi, omega_e, u_max, p)
        tries += 1
    target[first], target[first + 1] = i_d, i_q
    if kind == EXCITED:
        target[first + 2] = i_e
    if kind == SIX_PHASE:  # what the stars are to differ in, which takes hardly any voltage
        a, b, _, _ = uniform4(key, segment, STREAM_APART)
        radius = _APART * i_max * math.sqrt(a)
        target[first + 2] = radius * math.cos(2.0 * math.pi * b)
        target[first + 3] = radius * math.sin(2.0 * math.pi * b)


@called_kernel
def random_saturated_currents(key, segment, omega, p, flux, target, first):
    """Fill references of a machine whose iron saturates with currents that the voltage can hold at this speed.

    Uniform in the circle; rejection sampling. Should no try hit, the last one is drawn towards the current along -d
    that weakens the field; arguments as :func:`random_currents`, and the row of the flux map.
    """
    i_max, u_max = p[P.reference_high], VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    omega_e, scale = p[P.p] * omega, p[P.flux_scale]
    weakest = -min(p[P.psi_p] / p[P.l_d], i_max)
    i_d, i_q, found, tries = 0.0, 0.0, False, 0
    while not found and tries < _TRIES + _SHRINKS:
        if tries < _TRIES:
            a, b, _, _ = uniform4(key, segment * _TRIES + tries, STREAM_STEPS)
            radius = i_max * math.sqrt(a)
            i_d = radius * math.cos(2.0 * math.pi * b)
            i_q = radius * math.sin(2.0 * math.pi * b)
        else:
            i_d, i_q = 0.8 * i_d + 0.2 * weakest, 0.8 * i_q
        psi_d, psi_q, _, _, _ = linkages(i_d, i_q, flux, 0)
        u_d = p[P.r_s] * i_d - omega_e * scale * psi_q
        u_q = p[P.r_s] * i_q + omega_e * scale * psi_d
        found = u_d * u_d + u_q * u_q <= u_max * u_max
        tries += 1
    target[first], target[first + 1] = i_d, i_q


@called_kernel
def random_dc_currents(key, segment, omega, p, target, first):
    """Fill references of a DC machine with currents that its voltage can hold at this speed, uniform among them.

    An excitation of its own is drawn first, not above what leaves the armature its voltage; arguments as
    :func:`random_currents`.
    """
    excitation = int(p[P.excitation])
    i_max, u_max = p[P.reference_high], VOLTAGE_MARGIN * p[P.u_dc]
    first_part, second_part, _, _ = uniform4(key, segment, STREAM_STEPS)
    if excitation in (MAGNETS, SEPARATE):
        psi = p[P.psi_e]
        if excitation == SEPARATE:
            most = min(p[P.i_e_nominal], largest_excitation(p, u_max, 1.0))
            if omega != 0.0:
                most = min(most, u_max / (p[P.l_e_prime] * abs(omega)))
            target[first + 1] = most * second_part
            psi = p[P.l_e_prime] * target[first + 1]
        least, most = armature_range(p, psi, omega, u_max, i_max)
        target[first] = least + (most - least) * first_part
    else:
        most, sign = bound_together(p, omega, u_max, i_max)
        target[first] = most * (sign * first_part if sign != 0.0 else 2.0 * first_part - 1.0)


@kernel
def _random_currents(group, key, segment, x, p, tables, target, first):
    """Fill the references of a segment under current control."""
    if len(group) == DC:
        random_dc_currents(key, segment, x[X.omega], p, target, first)
    elif len(group) == INDUCTION:
        random_field_currents(key, segment, x[X.omega], p, target, first)
    elif len(group) == DOUBLY_FED:
        random_fed_currents(key, segment, x[X.omega], p, target, first)
    elif len(group) == SATURATED:
        row = tables[T.flux][0]
        random_saturated_currents(key, segment, x[X.omega], p, row, target, first)
    else:
        random_currents(group, key, segment, x[X.omega], p, target, first)


@kernel
def _torques_within(group, omega, p, tables):
    """Return the least and the largest torque (N m) that a group's machines can give at a speed."""
    if len(group) == DC:
        return torque_range(p, omega, VOLTAGE_MARGIN * p[P.u_dc], tables[T.points][0, 0])
    u_max = VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    most = torque_limit(p[P.p] * omega, u_max, tables[T.points])
    return -most, most


@called_kernel
def _refer_by_plan(start, key, tick, p, tables, target, first):
    """Fill the references that follow a drive cycle, which begins at ``start`` (s), or signals."""
    if int(p[P.reference_kind]) == REFERENCE_CYCLE:
        cycle = tables[T.cycle]
        target[first] = interpolate(cycle[:, 0], cycle[:, 1], start + tick * p[P.tau])
        return
    signals, own, task = tables[T.signals], tables[T.signal_tables], tables[T.task]
    for k in range(int(p[P.tracked])):
        row, stream = SIGNAL_REFERENCE + k, STREAM_SIGNALS + k
        count = int(task[k, K.switched])
        if count > 0:
            stretch = tick // int(task[k, K.switched_ticks])
            choice = int(count * uniform(key, stretch, _STREAM_CHOICE + k))
            row = int(task[k, K.switched_first]) + choice
            stream = _STREAM_SWITCHED + row
        target[first + k] = signal_value(signals, row, own, key, stream, tick * p[P.tau])


@called_kernel
def refer(group, x, key, tick, p, tables, target, first):
    """Fill a row's references (SI) of an inverter period since reset, from the place ``first`` on.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        p: Parameter row.
        tables: The family's tables.
        target: Row to fill, which may be the state itself.
        first: Place of the first reference in it.
    """
    kind = int(p[P.reference_kind])
    if kind >= REFERENCE_SIGNALS:
        _refer_by_plan(x[X.start], key, tick, p, tables, target, first)
        return
    segment = tick // int(p[P.reference_ticks])
    if kind == REFERENCE_CURRENTS:
        _random_currents(group, key, segment, x, p, tables, target, first)
        return
    low, high = p[P.reference_low], p[P.reference_high]
    if kind == REFERENCE_TORQUE:
        least, most = _torques_within(group, x[X.omega], p, tables)
        low, high = min(max(low, least), most), max(min(high, most), least)
    target[first] = low + (high - low) * uniform(key, segment, STREAM_STEPS)


@kernel
def holds(tick, p):
    """Return whether the references of this tick are those of the one before.

    The quotient of whole numbers below 2^52 is whole only where one divides the other. Dividing whole numbers would do,
    but the compiler makes no vector instructions of it.
    """
    ticks = p[P.reference_ticks]
    divided = tick / ticks
    return p[P.reference_kind] < REFERENCE_SIGNALS and np.floor(divided) != divided
