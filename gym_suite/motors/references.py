"""What is to be followed: references drawn in steps, given as signals, or read from a drive cycle.

Each is a pure function of key and tick, so that a preview is a look at a later tick.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform, uniform4
from gym_suite.core.signals import interpolate, signal_value
from gym_suite.motors.quantities import (
    REFERENCE_CURRENTS,
    REFERENCE_CYCLE,
    REFERENCE_SIGNALS,
    SIGNAL_REFERENCE,
    P,
    T,
    X,
)
from gym_suite.motors.transforms import SQRT3, reachable

VOLTAGE_MARGIN = 0.95  # part of the inscribed circle that references and operating points may use

# Streams of random numbers: the start of an episode, random references, signals of references.
STREAM_START, STREAM_STEPS, STREAM_SIGNALS = 0, 1, 2

_TRIES = 32
_SHRINKS = 30


@called_kernel
def random_currents(key, segment, omega, p, target, first):
    """Fill two references with currents uniform in the circle that the voltage can hold at this speed.

    Rejection sampling; should no try hit, the last one is drawn towards the current of least flux
    until the voltage suffices.

    Args:
        key: The row's key.
        segment: Which of the references that follow one another.
        omega: Speed, rad/s.
        p: Parameter row.
        target: Row to fill.
        first: Place of the d current in it.
    """
    i_max, u_max = p[P.reference_range], VOLTAGE_MARGIN * p[P.u_dc] / SQRT3
    r_s, l_d, l_q, psi_p = p[P.r_s], p[P.l_d], p[P.l_q], p[P.psi_p]
    omega_e = p[P.p] * omega
    i_d, i_q = 0.0, 0.0
    found = False
    for k in range(_TRIES):
        a, b, _, _ = uniform4(key, segment * _TRIES + k, STREAM_STEPS)
        radius = i_max * math.sqrt(a)
        i_d = radius * math.cos(2.0 * math.pi * b)
        i_q = radius * math.sin(2.0 * math.pi * b)
        found = reachable(i_d, i_q, omega_e, i_max, u_max, r_s, l_d, l_q, psi_p)
        if found:
            break
    least = max(-psi_p / l_d, -i_max)
    shrinks = 0
    while not found and shrinks < _SHRINKS:
        i_d, i_q = 0.8 * i_d + 0.2 * least, 0.8 * i_q
        found = reachable(i_d, i_q, omega_e, i_max, u_max, r_s, l_d, l_q, psi_p)
        shrinks += 1
    target[first], target[first + 1] = i_d, i_q


@called_kernel
def refer(x, key, tick, p, tables, target, first):
    """Fill a row's references (SI) of an inverter period since reset, from the place ``first`` on.

    Args:
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        p: Parameter row.
        tables: The family's tables.
        target: Row to fill, which may be the state itself.
        first: Place of the first reference in it.
    """
    kind = int(p[P.reference_kind])
    if kind == REFERENCE_CYCLE:
        cycle = tables[T.cycle]
        target[first] = interpolate(cycle[:, 0], cycle[:, 1], x[X.start] + tick * p[P.tau])
    elif kind == REFERENCE_SIGNALS:
        signals, own = tables[T.signals], tables[T.signal_tables]
        for k in range(int(p[P.tracked])):
            row = SIGNAL_REFERENCE + k
            value = signal_value(signals, row, own, key, STREAM_SIGNALS + k, tick * p[P.tau])
            target[first + k] = value
    else:
        segment = tick // int(p[P.reference_ticks])
        if kind == REFERENCE_CURRENTS:
            random_currents(key, segment, x[X.omega], p, target, first)
        else:
            part = uniform(key, segment, STREAM_STEPS)
            target[first] = p[P.reference_range] * (2.0 * part - 1.0)


@kernel
def holds(tick, p):
    """Return whether the references of this tick are those of the one before."""
    drawn = int(p[P.reference_kind]) < REFERENCE_SIGNALS
    return drawn and tick % int(p[P.reference_ticks]) != 0
