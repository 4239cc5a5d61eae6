"""The map of a period of any drive's currents, the voltage that it needs, and what of that the converters can give.

Over one period of the converter the speed is held, so the currents of a machine with constant inductances move by an
affine map of the voltages, whose columns come from the machine's own equations
(:func:`gym_suite.motors.electrical.period`); where iron saturates they are its slopes.

Axes are those of :func:`gym_suite.motors.electrical.axis_currents`, four of which some are unused. Voltages of axes are
those in the middle of the period in which they act, which is what an action of d and q commands.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.laws import FLUX_MAP, WITHIN
from gym_suite.motors.controllers.movements import LEAST_CHANGE, part_from_circle
from gym_suite.motors.controllers.prediction import hexagon_reach, square_reach, strip
from gym_suite.motors.controllers.switched_laws import currents_of, state_with
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.electrical import coefficients, dc_coefficients, period
from gym_suite.motors.iron import saturated_coefficients
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SATURATED, SIX_PHASE
from gym_suite.motors.machines.dc import SEPARATE, SHUNT
from gym_suite.motors.quantities import P
from gym_suite.motors.switches import under
from gym_suite.motors.transforms import SQRT3, rotate, stars_of, turn

_STILL = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0  # a shaft that keeps its speed
NOTHING = 0.0, 0.0, 0.0, 0.0  # of four axes


# ----------------------------------------------------------------------------------------------- four axes


@kernel
def added(a, b):
    """Return the sum of two vectors of four axes."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


@kernel
def along(a, part, b):
    """Return a + part * b of vectors of four axes."""
    return a[0] + part * b[0], a[1] + part * b[1], a[2] + part * b[2], a[3] + part * b[3]


@kernel
def controlled(group, law):
    """Return 1 for each axis whose current a voltage controls, 0 for the others."""
    kind = len(group)
    if kind == DC:
        return 1.0, 1.0 if int(law[P.excitation]) == SEPARATE else 0.0, 0.0, 0.0
    if kind == EXCITED:
        return 1.0, 1.0, 1.0, 0.0
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        return 1.0, 1.0, 1.0, 1.0
    return 1.0, 1.0, 0.0, 0.0


@kernel
def among(used, a):
    """Return a vector of four axes without those that are not used."""
    return used[0] * a[0], used[1] * a[1], used[2] * a[2], used[3] * a[3]


@kernel
def _divided(m, v):
    """Return the solution x of m x = v, of two equations; m by rows."""
    scale = 1.0 / (m[0] * m[3] - m[1] * m[2])
    return scale * (m[3] * v[0] - m[1] * v[1]), scale * (m[0] * v[1] - m[2] * v[0])


@kernel
def solved(columns, b):
    """Return the solution x of four equations sum(columns[j] x[j]) = b, by the Schur complement of the first two.

    Args:
        columns: Four columns of four numbers, the first two with their first two rows not singular.
        b: The right-hand side.
    """
    p = columns[0][0], columns[1][0], columns[0][1], columns[1][1]
    first = _divided(p, (columns[2][0], columns[2][1]))
    second = _divided(p, (columns[3][0], columns[3][1]))
    own = _divided(p, (b[0], b[1]))
    r = columns[0][2], columns[1][2], columns[0][3], columns[1][3]
    rest = (
        columns[2][2] - r[0] * first[0] - r[1] * first[1],
        columns[3][2] - r[0] * second[0] - r[1] * second[1],
        columns[2][3] - r[2] * first[0] - r[3] * first[1],
        columns[3][3] - r[2] * second[0] - r[3] * second[1],
    )
    other = (
        b[2] - r[0] * own[0] - r[1] * own[1],
        b[3] - r[2] * own[0] - r[3] * own[1],
    )
    z, w = _divided(rest, other)
    x = own[0] - first[0] * z - second[0] * w
    y = own[1] - first[1] * z - second[1] * w
    return x, y, z, w


# ----------------------------------------------------------------------------------------------- the prediction


@kernel
def free_coefficients(group, law):
    """Return what the derivative of a group reads, of DC machines without the diodes that block a current."""
    kind = len(group)
    if kind == DC:
        return (*dc_coefficients(law)[:8], 0.0, 0.0)
    if kind == SATURATED:
        return saturated_coefficients(law, law[FLUX_MAP:])
    return coefficients(group, law)


@kernel
def held_voltages(group, u, angle, law):
    """Return the voltages of axes (V) as converters hold them, for cosine and sine of the frame's angle."""
    kind = len(group)
    if kind == DC:
        return u[0], u[0] if int(law[P.excitation]) == SHUNT else u[1], 0.0, 0.0
    if kind == SIX_PHASE:
        return stars_of(u, angle[0], angle[1])
    alpha, beta = rotate(u[0], u[1], angle[0], angle[1])
    return alpha, beta, u[2], u[3]


@kernel
def _frame_of(group, s, frame):
    """Return cosine and sine of the drive's frame, and the rotor's flux (Vs), of a state that has moved a period.

    Args:
        group: The group.
        s: The state; its last element is the angle that has passed.
        frame: Cosine, sine and flux before.
    """
    kind = len(group)
    if kind == DC:
        return frame
    if kind == INDUCTION:
        flux = math.sqrt(s[3] * s[3] + s[4] * s[4])
        if flux == 0.0:
            return frame
        return s[3] / flux, s[4] / flux, flux
    cosine, sine = rotate(frame[0], frame[1], *turn(s[len(s) - 1]))
    return cosine, sine, frame[2]


@called_kernel
def moved_by(group, i, v, omega, frame, k, law):
    """Return the currents of four axes one period later under held voltages, and the frame then.

    Args:
        group: The group.
        i: Currents of four axes, A.
        v: Of :func:`held_voltages`.
        omega: Mechanical speed, rad/s.
        frame: Cosine and sine of the drive's frame, and the flux that the drive estimates, Vs.
        k: What the derivative reads.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    s = state_with(group, i, omega, frame[0], frame[1], frame[2], law)
    s = under(group, s, v, frame[0], frame[1])
    after = period(group, s, k, _STILL, 1.0, law[P.tau], int(law[P.substeps]))
    return currents_of(group, after, frame[0], frame[1], law), _frame_of(group, after, frame)


@called_kernel
def one_period(group, i, u, unit, omega, frame, angle, law):
    """Return the currents one period after i under voltages u of axes, and what a volt of each axis adds to them.

    Args:
        group: The group.
        i: Currents of four axes, A.
        u: Voltages of four axes, V.
        unit: Change of a voltage that slopes are taken over, V.
        omega: Mechanical speed, rad/s.
        frame: Cosine and sine of the drive's frame at the beginning, and the estimated flux, Vs.
        angle: Cosine and sine of the frame in the middle of the period.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.

    Returns:
        The currents, A, and four columns in A/V; those of unused axes are unit vectors, which keep equations solvable.
    """
    k, used = free_coefficients(group, law), controlled(group, law)
    c, _ = moved_by(group, i, held_voltages(group, u, angle, law), omega, frame, k, law)
    c = among(used, c)
    scale = 1.0 / unit
    first = second = third = fourth = NOTHING
    changed = u[0] + unit, u[1], u[2], u[3]
    first, _ = moved_by(group, i, held_voltages(group, changed, angle, law), omega, frame, k, law)
    first = among(used, along(NOTHING, scale, along(among(used, first), -1.0, c)))
    second = 0.0, 1.0, 0.0, 0.0
    if used[1] > 0.0:
        changed = u[0], u[1] + unit, u[2], u[3]
        moved, _ = moved_by(
            group, i, held_voltages(group, changed, angle, law), omega, frame, k, law
        )
        second = along(NOTHING, scale, along(among(used, moved), -1.0, c))
    third = 0.0, 0.0, 1.0, 0.0
    if used[2] > 0.0:
        changed = u[0], u[1], u[2] + unit, u[3]
        moved, _ = moved_by(
            group, i, held_voltages(group, changed, angle, law), omega, frame, k, law
        )
        third = along(NOTHING, scale, along(among(used, moved), -1.0, c))
    fourth = 0.0, 0.0, 0.0, 1.0
    if used[3] > 0.0:
        changed = u[0], u[1], u[2], u[3] + unit
        moved, _ = moved_by(
            group, i, held_voltages(group, changed, angle, law), omega, frame, k, law
        )
        fourth = along(NOTHING, scale, along(among(used, moved), -1.0, c))
    return c, (first, second, third, fourth)


@kernel
def flowing(group, i, law):
    """Return currents of four axes without those that a diode blocks."""
    if len(group) != DC:
        return i
    i_a, i_e = i[0], i[1]
    if int(law[P.quadrants_e]) == 1:
        i_e = max(i_e, 0.0)
    if int(law[P.quadrants_a]) == 1:
        i_a = max(i_a, -i_e if int(law[P.excitation]) == SHUNT else 0.0)
    return i_a, i_e, i[2], i[3]


# ----------------------------------------------------------------------------------------------- what can be commanded


@kernel
def first_reach(group, u, v, angle, law):
    """Return the largest step in [0, 1] along v from u, of axes, that the first converter can give, or both stars'."""
    kind, u_dc = len(group), law[P.u_dc]
    if kind == DC:
        low, high = chopper_range(law[P.quadrants_a], u_dc)
        return strip(u[0], v[0], low, high, 1.0)
    most = square_reach((u[0], u[1]), (v[0], v[1]), 1.0, law)
    at, along = held_voltages(group, u, angle, law), held_voltages(group, v, angle, law)
    most = hexagon_reach((at[0], at[1]), (along[0], along[1]), u_dc, most)
    if kind == SIX_PHASE:
        most = square_reach((u[2], u[3]), (v[2], v[3]), most, law)
        most = hexagon_reach((at[2], at[3]), (along[2], along[3]), u_dc, most)
    return most


@kernel
def second_reach(group, u, v, law):
    """Return the largest step in [0, 1] along v from u, of axes, that the second converter can give."""
    kind, u_dc = len(group), law[P.u_dc]
    if kind == DC:
        if int(law[P.excitation]) == SEPARATE:
            low, high = chopper_range(law[P.quadrants_e], u_dc)
            return strip(u[1], v[1], low, high, 1.0)
        return 1.0
    if kind == EXCITED:
        return strip(u[2], v[2], -u_dc, u_dc, 1.0)
    if kind == DOUBLY_FED:
        most = square_reach((u[2], u[3]), (v[2], v[3]), 1.0, law)
        return hexagon_reach((u[2], u[3]), (v[2], v[3]), u_dc, most)
    return 1.0


@kernel
def of_parts(group, first, second, v):
    """Return a voltage of axes of which the first converter's is multiplied by one factor, the second's by another."""
    kind = len(group)
    if kind == DC:
        return first * v[0], second * v[1], 0.0, 0.0
    if kind == SIX_PHASE:
        return first * v[0], first * v[1], first * v[2], first * v[3]
    return first * v[0], first * v[1], second * v[2], second * v[3]


@kernel
def shrunk(group, u, angle, law):
    """Return a voltage of axes shortened, each converter's part by itself, to what can be given."""
    first = first_reach(group, NOTHING, u, angle, law)
    return of_parts(group, first, second_reach(group, NOTHING, u, law), u)


@kernel
def stepped(group, u, v, angle, law):
    """Return u + step * v with the largest step in [0, 1] that the converters can give.

    The windings of a DC machine are apart, and each goes as far as its own chopper lets it; those that share a flux go
    together.
    """
    first, second = first_reach(group, u, v, angle, law), second_reach(group, u, v, law)
    if len(group) != DC:
        first = second = min(first, second)
    return added(u, of_parts(group, first, second, v))


@kernel
def _opened(group, u, v, columns, angle, law):
    """Return u + step * v as :func:`stepped`, but with a step that is not small, and the voltage shortened after it.

    Where all of the voltage holds the currents, a step towards those that need less of it, along a direction that first
    asks for more, would be none, and the way to them closed; see :mod:`gym_suite.motors.controllers.movements`.
    Whatever the stator's flux really does then, the current of a winding that shares it is to move as it should.
    """
    step = min(first_reach(group, u, v, angle, law), second_reach(group, u, v, law))
    size = math.sqrt(v[0] * v[0] + v[1] * v[1])
    least = LEAST_CHANGE * law[P.u_dc] / SQRT3
    if step * size >= least or size == 0.0:
        return along(u, step, v)
    asked = along(u, min(least / size, 1.0), v)
    factor = first_reach(group, NOTHING, asked, angle, law)
    given = of_parts(group, factor, 1.0, asked)
    kind = len(group)
    if kind == EXCITED or kind == DOUBLY_FED:  # noqa: SIM109 - the compiler drops no branch on `in`
        d, q = asked[0] - given[0], asked[1] - given[1]
        own = columns[2][2], columns[3][2], columns[2][3], columns[3][3]
        z, w = _divided(
            own,
            (
                columns[0][2] * d + columns[1][2] * q,
                columns[0][3] * d + columns[1][3] * q,
            ),
        )
        given = given[0], given[1], given[2] + z, given[3] + w
    return shrunk(group, given, angle, law)


@kernel
def leakage_part(group, i, references, change, law):
    """Return the part of a change of currents that moves leakage fluxes alone, within the circles of the limit.

    Stator and rotor current of a doubly fed machine against each other leave the flux that they share, and need little
    voltage; see :func:`gym_suite.motors.controllers.laws.current_control_one`.
    """
    sig_s, sig_r = law[P.l_sigs], law[P.l_sigr]
    share = sig_r / (sig_s + sig_r) if sig_s + sig_r > 0.0 else 0.5
    d = change[0] - share * (change[0] + change[2])
    q = change[1] - share * (change[1] + change[3])
    i_max = WITHIN * law[P.i_limit]
    reach = min(
        part_from_circle(i[0], i[1], d, q, references[0], references[1], i_max),
        part_from_circle(i[2], i[3], -d, -q, references[2], references[3], i_max),
    )
    return reach * d, reach * q, -reach * d, -reach * q


@called_kernel
def bounded(group, hold, wanted, fast, columns, angle, law):
    """Return the voltage of axes that can be given in place of the one that is wanted, V, and whether it is that.

    It departs from the voltage that would keep the currents as they are, so that what suffices not moves the currents
    in the right direction still.

    Args:
        group: The group.
        hold: Voltage that keeps the currents, V.
        wanted: Voltage that brings them to their references, V.
        fast: Change of the voltage for a movement that has the first claim on it, V.
        columns: Of :func:`one_period`, A/V.
        angle: Cosine and sine of the frame in the middle of the period.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    first = first_reach(group, NOTHING, wanted, angle, law)
    if min(first, second_reach(group, NOTHING, wanted, law)) >= 1.0:
        return wanted, True
    u = shrunk(group, hold, angle, law)
    if len(group) == DC:
        return stepped(group, u, along(wanted, -1.0, u), angle, law), False
    if len(group) == DOUBLY_FED:
        u = stepped(group, u, fast, angle, law)
    return _opened(group, u, along(wanted, -1.0, u), columns, angle, law), False
