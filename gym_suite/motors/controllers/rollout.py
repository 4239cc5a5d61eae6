"""Predictive control of the currents of any drive by rollout, as row functions: the cheapest of many first voltages.

Where the voltage of deadbeat control can be given, nothing is better. Where it cannot, the way to the references takes
several periods, and which way is best depends on what it costs. Many first voltages are tried, and each is finished by
rules, all currents towards their references at once or some before the others (rollout: D. P. Bertsekas, Dynamic
Programming and Optimal Control, vol. 1, 4th ed., Athena Scientific 2017, section 6.4). Courses are predicted as
:mod:`gym_suite.motors.controllers.deadbeat_model` does; those that come near to a trip are left out.

The windings of a DC machine are apart: as long as each voltage moves its own current as far as it can, nothing is left
to choose, so that such machines are not searched for.
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.deadbeat_model import (
    NOTHING,
    added,
    along,
    among,
    bounded,
    controlled,
    first_reach,
    free_coefficients,
    held_voltages,
    leakage_part,
    moved_by,
    second_reach,
    shrunk,
    solved,
    stepped,
)
from gym_suite.motors.controllers.laws import FLUX_MAP
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.iron import with_flux
from gym_suite.motors.machines.base import DOUBLY_FED, EXCITED, INDUCTION, SATURATED, SIX_PHASE
from gym_suite.motors.quantities import AXES, P
from gym_suite.motors.transforms import rotate, turn

#: Numbers of the search, one row.
ROLLOUT = Columns(
    Column("moves", "1", 0, meaning="directions of a voltage that are tried"),
    Column("horizon", "1", 0, meaning="periods over which courses are predicted"),
    Column("margin", "1", 0, 1, meaning="part of the current limits that a course may use"),
    Column("exponent", "1", 0, meaning="of an error in what a course costs"),
    Column("torque_factor", "1/(N m)", 0, meaning="reciprocal of the error that earns nothing"),
    Column("strive", "1", 0, meaning="of the currents' distances beside the torque's error"),
    Column("kept", "N m", 0, meaning="torque whose field is kept; 0: that of least loss"),
    *(Column(f"weight_{k}", "1", 0, meaning="of a current's error") for k in range(AXES)),
    *(Column(f"factor_{k}", "1/A", 0, meaning="reciprocal of its largest") for k in range(AXES)),
)
Z = ROLLOUT.places

#: Part of the current's limit over which the slopes of a period are taken.
_SLOPE = 0.05


@kernel
def _times(columns, v):
    """Return the sum of four columns, each times its number."""
    a, b, c, d = columns
    return (
        a[0] * v[0] + b[0] * v[1] + c[0] * v[2] + d[0] * v[3],
        a[1] * v[0] + b[1] * v[1] + c[1] * v[2] + d[1] * v[3],
        a[2] * v[0] + b[2] * v[1] + c[2] * v[2] + d[2] * v[3],
        a[3] * v[0] + b[3] * v[1] + c[3] * v[2] + d[3] * v[3],
    )


@kernel
def _slope(group, i, change, size, c, held, omega, frame, k, law):
    """Return what an ampere more of a current changes one period later."""
    after, _ = moved_by(group, along(i, 1.0, change), held, omega, frame, k, law)
    return along(NOTHING, 1.0 / size, along(after, -1.0, c))


@called_kernel
def _map_of(group, i, u, columns, offset, where, law):
    """Return the map of a period about currents and a voltage.

    Args:
        group: The group.
        i: Currents of four axes, A.
        u: Voltages of axes, V.
        columns: Of :func:`gym_suite.motors.controllers.deadbeat_model.one_period`, A/V.
        offset: What the prediction lacks, A.
        where: Of :func:`rolled_out`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.

    Returns:
        The columns of the currents, those of the voltages (A/V) and of their inverse (V/A), and what is left, A.
    """
    omega, frame, angle, _ = where
    k, used, kind = free_coefficients(group, law), controlled(group, law), len(group)
    held, size = held_voltages(group, u, angle, law), _SLOPE * law[P.i_limit]
    c, _ = moved_by(group, i, held, omega, frame, k, law)
    first = _slope(group, i, (size, 0.0, 0.0, 0.0), size, c, held, omega, frame, k, law)
    second = _slope(group, i, (0.0, size, 0.0, 0.0), size, c, held, omega, frame, k, law)
    third = fourth = NOTHING
    if kind == EXCITED or kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - as below
        third = _slope(group, i, (0.0, 0.0, size, 0.0), size, c, held, omega, frame, k, law)
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        fourth = _slope(group, i, (0.0, 0.0, 0.0, size), size, c, held, omega, frame, k, law)
    phi = first, second, third, fourth
    inverse = (
        solved(columns, (1.0, 0.0, 0.0, 0.0)),
        solved(columns, (0.0, 1.0, 0.0, 0.0)),
        solved(columns, (0.0, 0.0, 1.0, 0.0)),
        solved(columns, (0.0, 0.0, 0.0, 1.0)),
    )
    moved = added(_times(phi, i), _times(columns, among(used, u)))
    return phi, columns, inverse, added(along(c, -1.0, moved), offset)


@kernel
def _after(group, i, u, model, offset, frame, angle, where, k, law):
    """Return the currents and the frame one period later, by the map where that is affine."""
    if len(group) == INDUCTION or len(group) == SATURATED:
        held = held_voltages(group, u, angle, law)
        i, frame = moved_by(group, i, held, where[0], frame, k, law)
        return added(i, offset), frame
    return added(added(_times(model[0], i), _times(model[1], u)), model[3]), frame


# --------------------------------------------------------------------------------------------------------- the rules


@kernel
def _rules(group):
    """Return how many rules there are."""
    kind = len(group)
    if kind == EXCITED:
        return 6
    if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
        return 5
    return 3


@kernel
def _first_axes(group, rule):
    """Return 1 for each axis whose current a rule moves before the others; rule 0 moves all at once."""
    if len(group) == EXCITED:
        if rule == 3:
            return 0.0, 0.0, 1.0, 0.0
        if rule == 4:
            return 1.0, 1.0, 0.0, 0.0
        if rule == 5:
            return 1.0, 0.0, 1.0, 0.0
        return 1.0 if rule == 1 else 0.0, 1.0 if rule == 2 else 0.0, 0.0, 0.0
    if rule == 1:
        return 1.0, 0.0, 1.0, 0.0
    if rule == 2:
        return 0.0, 1.0, 0.0, 1.0
    if rule == 3:
        return 1.0, 1.0, 0.0, 0.0
    return 0.0, 0.0, 1.0, 1.0


@kernel
def _by_rule(group, i, references, rule, model, angle, law):
    """Return the voltage of axes that a rule gives, V, and whether it brings the currents to their references.

    Args:
        group: The group.
        i: Currents of four axes, A.
        references: Of them, A.
        rule: Its number.
        model: Of :func:`_map_of`.
        angle: Cosine and sine of the frame in the middle of the period.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    phi, columns, inverse, c = model
    used = controlled(group, law)
    rest, change = added(_times(phi, i), c), among(used, along(references, -1.0, i))
    hold = _times(inverse, among(used, along(i, -1.0, rest)))
    wanted = added(hold, _times(inverse, change))
    if rule == 0:
        fast = NOTHING
        if len(group) == DOUBLY_FED:
            fast = _times(inverse, leakage_part(group, i, references, change, law))
        return bounded(group, hold, wanted, fast, columns, angle, law)
    first = first_reach(group, NOTHING, wanted, angle, law)
    if min(first, second_reach(group, NOTHING, wanted, law)) >= 1.0:
        return wanted, True
    u = shrunk(group, hold, angle, law)
    u = stepped(group, u, _times(inverse, among(_first_axes(group, rule), change)), angle, law)
    return stepped(group, u, along(wanted, -1.0, u), angle, law), False


# ------------------------------------------------------------------------------------------------------ what it costs


@kernel
def _cost(group, i, flux, references, torque, law, search):
    """Return what an error of the currents, or of their torque, costs in a period: as the reward reckons.

    A torque is reached by many currents, of which not all can be left again as they should; so the distances of the
    currents count beside it.
    """
    total, exponent, by_torque = 0.0, search[Z.exponent], search[Z.torque_factor] > 0.0
    if by_torque:
        have = i
        if len(group) == INDUCTION:
            have = i[0], i[1], flux, 0.0
        if len(group) == SATURATED:
            have = with_flux(i, 1.0, law, FLUX_MAP)
        error = abs(torque - torque_of(group, have, law)) * search[Z.torque_factor]
        total = min(error, 1.0) ** exponent
    for k in range(AXES):
        weight = search[Z.weight_0 + k]
        if weight > 0.0:
            error = min(abs(references[k] - i[k]) * search[Z.factor_0 + k], 1.0)
            total += search[Z.strive] * weight * error if by_torque else weight * error**exponent
    return total


@kernel
def _exceeds(square, wanted, most):
    """Return whether a squared current is beyond a bound and beyond its reference."""
    return square > max(most * most, wanted)


@kernel
def _beyond(group, i, references, law, search):
    """Return whether currents are too near to the limits at which the drive trips, and beyond their references."""
    kind, r, margin = len(group), references, search[Z.margin]
    square, wanted = i[0] * i[0] + i[1] * i[1], r[0] * r[0] + r[1] * r[1]
    other, aim = i[2] * i[2] + i[3] * i[3], r[2] * r[2] + r[3] * r[3]
    most = margin * law[P.i_limit]
    if kind == SIX_PHASE:
        return _exceeds(square + other, wanted + aim, most)
    if kind == EXCITED:
        field = margin * law[P.i_e_limit]
        return _exceeds(square, wanted, most) or _exceeds(other, aim, field)
    if kind == DOUBLY_FED:
        return _exceeds(square, wanted, most) or _exceeds(other, aim, most)
    return _exceeds(square, wanted, most)


@called_kernel
def _tail(group, i, frame, references, torque, rule, model, offset, where, best, law, search):
    """Return the cost of bringing the currents to their references by one rule; infinite if the drive would trip.

    Args:
        group: The group.
        i: Currents when the rule begins, A.
        frame: Cosine and sine of the drive's frame then, and the flux, Vs.
        references: Of the currents, A.
        torque: Reference of the torque, N m, where that is what costs.
        rule: Its number.
        model: Of :func:`_map_of`.
        offset: What the prediction lacks, A.
        where: Of :func:`rolled_out`.
        best: Cost from which on the rest is of no interest.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        search: Row of :data:`ROLLOUT`.
    """
    _, _, angle, turned = where
    total, k = 0.0, free_coefficients(group, law)
    for _ in range(int(search[Z.horizon]) - 1):
        angle = rotate(angle[0], angle[1], turned[0], turned[1])
        u, reached = _by_rule(group, i, references, rule, model, angle, law)
        if reached:
            return total
        i, frame = _after(group, i, u, model, offset, frame, angle, where, k, law)
        if _beyond(group, i, references, law, search):
            return math.inf
        total += _cost(group, i, frame[2], references, torque, law, search)
        if total >= best:
            return total
    return total


# ---------------------------------------------------------------------------------------------------------- the search


@kernel
def _tries(group, moves):
    """Return how many first voltages are tried besides those that belong to the rules."""
    kind = len(group)
    if kind == EXCITED:
        return 4 * moves
    if kind == DOUBLY_FED:
        return moves // 2 * (moves // 2 + 1)
    return moves


@kernel
def _tried(group, number, u, columns, angle, law, search):
    """Return a first voltage of axes by its number, V.

    The first converter's is on the edge of what it can give. The second's is the one of deadbeat control, on its edge
    too, or the one that moves the excitation as deadbeat control would.

    Args:
        group: The group.
        number: Of the voltage.
        u: That of deadbeat control, V.
        columns: Of :func:`gym_suite.motors.controllers.deadbeat_model.one_period`, A/V.
        angle: Cosine and sine of the frame in the middle of the period.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        search: Row of :data:`ROLLOUT`.
    """
    kind, moves, u_dc = len(group), int(search[Z.moves]), law[P.u_dc]
    if kind == DOUBLY_FED:
        moves //= 2
    c, s = turn(2.0 * math.pi * (number % moves) / moves)
    other = number // moves
    second = u[2], u[3]
    if kind == DOUBLY_FED and other > 0:
        x, y = turn(2.0 * math.pi * (other - 1) / moves)
        second = u_dc * x, u_dc * y
    if kind == EXCITED and (other == 1 or other == 2):
        second = -u_dc if other == 1 else u_dc, 0.0
    v = shrunk(group, (u_dc * c, u_dc * s, second[0], second[1]), angle, law)
    if kind == EXCITED and other == 3:
        moved = columns[0][2] * (u[0] - v[0]) + columns[1][2] * (u[1] - v[1])
        v = v[0], v[1], min(max(u[2] + moved / columns[2][2], -u_dc), u_dc), 0.0
    return v


@called_kernel
def rolled_out(group, i, references, torque, u, hold, columns, offset, where, law, search):
    """Return the voltage of axes that begins the cheapest of many ways from currents to references, V.

    Args:
        group: The group.
        i: Currents of four axes when the voltage begins to act, A.
        references: Of them, A.
        torque: Reference of the torque, N m, where that is what costs.
        u: The voltage of deadbeat control within what can be given, V.
        hold: The voltage that keeps the currents, V.
        columns: Of :func:`gym_suite.motors.controllers.deadbeat_model.one_period`, A/V.
        offset: What the prediction lacks, A.
        where: Mechanical speed (rad/s), cosine, sine and flux (Vs) of the drive's frame when the voltage begins to act,
            cosine and sine of the frame in the middle of that period, and of the angle by which it turns in a period.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        search: Row of :data:`ROLLOUT`.
    """
    _, frame, angle, _ = where
    model = _map_of(group, i, u, columns, offset, where, law)
    k, rules, kept = free_coefficients(group, law), _rules(group), shrunk(group, hold, angle, law)
    chosen, best = u, math.inf
    for number in range(rules + 1 + _tries(group, int(search[Z.moves]))):
        v = u
        if number > rules:
            v = _tried(group, number - rules - 1, u, columns, angle, law, search)
        elif number == rules:
            v = along(kept, 0.5, along(u, -1.0, kept))
        elif number > 0:
            v, _ = _by_rule(group, i, references, number, model, angle, law)
        then, after = _after(group, i, v, model, offset, frame, angle, where, k, law)
        if _beyond(group, then, references, law, search):
            continue
        paid = _cost(group, then, after[2], references, torque, law, search)
        for rule in range(rules):
            if paid >= best:
                break
            total = paid + _tail(
                group,
                then,
                after,
                references,
                torque,
                rule,
                model,
                offset,
                where,
                best - paid,
                law,
                search,
            )
            if total < best:
                chosen, best = v, total
    return chosen
