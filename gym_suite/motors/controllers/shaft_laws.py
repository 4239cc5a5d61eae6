"""Deadbeat and predictive control of a shaft whose drive takes torques, as row functions.

A drive that is told a torque reaches it within a small part of a control period T of the shaft, unless its currents are
at their limits or its field has to follow. Over a period the shaft is then, with its inertia J,

    w+ = w + (m - load(w) - d) T / J,    m = torque + rise (torque_before - torque),    x+ = x + (w + w+) T / 2,

where d is what the nominal load does not explain. Deadbeat control solves this for the torque with which the speed is
at its reference one period later. To a position the shaft goes in the fewest periods that a bounded torque allows: C.
A. Desoer and J. Wing, "An optimal strategy for a saturating sampled-data system", IRE Trans. Automatic Control 6(1),
1961.

An observer runs this model on the torque of the measured currents, as :mod:`gym_suite.motors.controllers.load_observer`
does; where it errs one way it believes the samples soon, where it errs by chance it does not (D. W. Trigg and A. G.
Leach, "Exponential smoothing with an adaptive response rate", Operational Research Quarterly 18(1), 1967).
"""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.controllers.laws import L, S, currents_for
from gym_suite.motors.controllers.prediction import MOST_DELAYS, choose_delay
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.loads import load_coefficients, load_torque
from gym_suite.motors.machines.base import DC
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import AXES, P

#: Numbers of the law, one row.
SHAFT = Columns(
    Column("step", "1", 0, 1, "part of the error of the speed that a period is to take away"),
    Column("pole", "1", 0, 1, "place of both poles of the observer while it errs by chance"),
    Column("quick", "1", 0, 1, "the same while it errs one way"),
    Column("rise", "1", 0, 1, "part of a period by which a commanded torque is late"),
    Column("left", "1", 0, 1, "part of a step of the torque that is left after a period"),
    Column("delays", "1", 0, meaning="further periods of delay that are reckoned with, at most"),
    Column("quiet", "1", 0, meaning="part of the largest torque that noise may ask for"),
    Column("doubt", "rad/s", 0, meaning="size of the errors that is believed at first"),
    Column("moving", "1", 0, 1, "1: the reference goes on as it moved last"),
    Column("position", "1", 0, 1, "1: the reference is a position, 0: a speed"),
    Column("braking", "1", 0, 1, "part of the largest torque that braking reckons with"),
)
N = SHAFT.places

#: What the law remembers.
KNOWN = Columns(
    Column("known", "1", 0, 1, "1 if there is an earlier sample"),
    Column("omega", "rad/s", meaning="observed speed"),
    Column("position", "rad", meaning="observed position"),
    Column("load", "N m", meaning="observed torque that the nominal load does not explain"),
    Column("torque", "N m", meaning="torque at the last sample"),
    *(Column(f"current_{k}", "A", meaning="current at the last sample") for k in range(AXES)),
    Column("target", "*", meaning="reference at the last sample"),
    Column("bias", "rad/s", meaning="low-pass error of the predicted speed"),
    Column("size", "rad/s", 0, meaning="low-pass size of that error"),
    Column("trust", "1", 0, 1, "part of its step that the noise leaves to the law"),
    *(
        Column(f"past_{k}", "N m", meaning="torque that was commanded, the last one first")
        for k in range(MOST_DELAYS + 1)
    ),
    *(
        Column(f"missed_{k}", "1", 0, meaning="squared errors of the currents, forgetting")
        for k in range(MOST_DELAYS + 1)
    ),
    Column("delay", "1", 0, MOST_DELAYS, "further periods by which commands seem to be late"),
)
R = KNOWN.places

#: Forgetting of errors of the currents in a period, and the error that tells nothing of the delay, as a part of the
#: current limits.
_FORGETTING, _SMALL = 0.9, 0.02
#: Part of the low-pass errors that a sample renews, and the power of the tracking signal that moves the poles: errors
#: by chance make a signal of about a fifth, which is to move nothing. Design values.
_RENEWED, _POWER = 0.1, 4
#: Parts of the largest errors of position and speed below which a course has come to its end.
_ARRIVED, _STANDING = 1e-4, 1e-3


# ----------------------------------------------------------------------------------------------- the model


@kernel
def moved(omega, position, before, torque, load, choice, law):
    """Return speed (rad/s), position (rad) and torque (N m) of the nominal shaft after a period.

    Args:
        omega: Speed, rad/s.
        position: Angle, rad.
        before: Torque at the beginning of the period, N m.
        torque: Torque that the drive goes to, N m.
        load: Torque of the load that the nominal one does not explain, N m.
        choice: Row of :data:`SHAFT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    a, b, c, inertia, linear = load_coefficients(law)
    mean, dt = torque + choice[N.rise] * (before - torque), law[L.dt]
    after = omega + (mean - load_torque(omega, a, b, c, linear) - load) * dt / inertia
    middle = 0.5 * (omega + after)
    after = omega + (mean - load_torque(middle, a, b, c, linear) - load) * dt / inertia
    turned = 0.5 * (omega + after) * dt
    return after, position + turned, torque + choice[N.left] * (before - torque)


@kernel
def torque_to(goal, omega, before, load, choice, law):
    """Return the torque, N m, within its limits, with which the speed is at a goal (rad/s) after a period.

    Arguments as :func:`moved`.
    """
    a, b, c, inertia, linear = load_coefficients(law)
    middle = 0.5 * (omega + goal)
    mean = (goal - omega) * inertia / law[L.dt] + load_torque(middle, a, b, c, linear) + load
    torque = (mean - choice[N.rise] * before) / (1.0 - choice[N.rise])
    limit = law[P.torque_limit]
    return min(max(torque, -limit), limit)


@kernel
def speed_to_stop(error, omega, braking, dt):
    """Return the speed one period later with which a shaft comes to rest at a position in the fewest periods, rad/s.

    From the speed n B T the shaft stops within n periods of the deceleration B, over n^2 B T^2 / 2; between these
    points the last period's deceleration is smaller, and the way linear in the speed. So the speed v one period later,
    and the way that is left then, lie on that line of n where n (n + 1) / 2 <= way / (B T^2) < (n + 1) (n + 2) / 2:

        v = way / (T (n + 1)) + n B T / 2,    way = error - T omega / 2.

    Near the position n is 0: v = error / T - omega / 2, which comes to rest in two periods, as linear deadbeat control.

    Args:
        error: Reference less position, rad.
        omega: Speed now, rad/s.
        braking: Deceleration B, rad/s^2.
        dt: The period T, s.
    """
    way = error - 0.5 * dt * omega
    unit = braking * dt * dt
    n = math.floor(0.5 * (math.sqrt(1.0 + 8.0 * abs(way) / unit) - 1.0))
    return math.copysign(abs(way) / (dt * (n + 1.0)) + 0.5 * n * braking * dt, way)


@kernel
def towards_position(error, omega, before, load, braking, choice, law):
    """Return the torque towards a position, N m, within its limits and those of the speed.

    Args:
        error: Reference less position, rad.
        omega: Speed, rad/s.
        before: Torque at the beginning of the period, N m.
        load: Torque of the load that the nominal one does not explain, N m.
        braking: Part of the largest torque that braking reckons with.
        choice: Row of :data:`SHAFT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
    """
    _, _, _, inertia, _ = load_coefficients(law)
    goal = speed_to_stop(error, omega, braking * law[P.torque_limit] / inertia, law[L.dt])
    goal = min(max(goal, -law[L.omega_max]), law[L.omega_max])
    return torque_to(goal, omega, before, load, choice, law)


# ----------------------------------------------------------------------------------------------- what the drive makes


@kernel
def _currents(seen):
    """Return the measured currents of four axes, A."""
    return seen[S.current_0], seen[S.current_1], seen[S.current_2], seen[S.current_3]


@kernel
def _answer(group, torque, omega, i, law, points):
    """Return the references of the currents by which the drive answers a command of a torque, A."""
    return currents_for(group, torque, omega, i, 0.0, law[L.u_max], law, points)


@kernel
def attainable(group, torque, omega, i, law, points):
    """Return the torque that a drive makes of a commanded one within the limits of its currents, N m.

    Args:
        group: The group.
        torque: The commanded one, N m.
        omega: Speed, rad/s.
        i: Measured currents of four axes, A: a DC machine takes the torque out of the field that there is.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
    """
    wanted = _answer(group, torque, omega, i, law, points)
    if len(group) == DC:
        wanted = wanted[0], i[1], 0.0, 0.0
    return torque_of(group, wanted, law)


# ----------------------------------------------------------------------------------------------- what is observed


@kernel
def _believe(group, omega, i, memory, choice, law, points):
    """Find by how many further periods commands are late: the delay which explains the currents best that move fast."""
    small = _SMALL * _SMALL
    for delay in range(int(choice[N.delays]) + 1):
        wanted = _answer(group, memory[R.past_0 + delay], omega, i, law, points)
        d = (i[0] - wanted[0]) / law[P.i_limit]
        q = 0.0 if len(group) == DC else (i[1] - wanted[1]) / law[P.i_limit]
        missed = _FORGETTING * memory[R.missed_0 + delay]
        memory[R.missed_0 + delay] = missed + d * d + q * q
    choose_delay(memory, R.missed_0, R.delay, int(choice[N.delays]), small)


@kernel
def _trusted(noise, choice, law):
    """Return the part of its step that is left to the law by errors by chance of a size in the speed, rad/s."""
    _, _, _, inertia, _ = load_coefficients(law)
    most = choice[N.quiet] * law[P.torque_limit] * law[L.dt] / inertia
    return min(most / noise, 1.0) if noise > 0.0 else 1.0


@kernel
def _begin(seen, i, torque, memory, choice, law):
    """Remember of a drive that is switched on that it has held the torque that it makes."""
    memory[R.known], memory[R.trust] = 1.0, _trusted(choice[N.doubt], choice, law)
    memory[R.omega], memory[R.position] = seen[S.omega], seen[S.position]
    memory[R.torque], memory[R.target] = torque, seen[S.reference_0]
    memory[R.size] = choice[N.doubt]
    for k in range(MOST_DELAYS + 1):
        memory[R.past_0 + k] = torque
    for k in range(AXES):
        memory[R.current_0 + k] = i[k]


@kernel
def observe(group, seen, memory, choice, law, points):
    """Update what is known of shaft, load and delay by one sample; return the present torque, N m.

    The torque rises with its field while the current that makes it is at its limit, and is constant over the period
    else: its mean is that of what the field at the period's beginning allowed and of what there is at its end.

    Args:
        group: The group.
        seen: Row of :data:`gym_suite.motors.controllers.laws.SEEN`.
        memory: Row of :data:`KNOWN`, updated.
        choice: Row of :data:`SHAFT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
    """
    i = _currents(seen)
    torque = torque_of(group, i, law)
    if memory[R.known] == 0.0:
        _begin(seen, i, torque, memory, choice, law)
        return torque
    if choice[N.delays] > 0.0:
        _believe(group, seen[S.omega], i, memory, choice, law, points)
    last = (
        memory[R.current_0],
        memory[R.current_1],
        memory[R.current_2],
        memory[R.current_3],
    )
    mean = 0.5 * (torque + attainable(group, torque, memory[R.omega], last, law, points))
    omega, position, _ = moved(
        memory[R.omega], memory[R.position], memory[R.torque], mean, memory[R.load], choice, law
    )
    error = seen[S.omega] - omega
    memory[R.bias] += _RENEWED * (error - memory[R.bias])
    memory[R.size] += _RENEWED * (abs(error) - memory[R.size])
    signal = abs(memory[R.bias]) / memory[R.size] if memory[R.size] > 0.0 else 0.0
    sure = min(signal, 1.0) ** _POWER
    z = choice[N.pole] + sure * (choice[N.quick] - choice[N.pole])
    _, _, _, inertia, _ = load_coefficients(law)
    memory[R.omega] = omega + (1.0 - z * z) * error
    memory[R.load] -= (1.0 - z) * (1.0 - z) * error * inertia / law[L.dt]
    memory[R.position] = position + (1.0 - z * z) * (seen[S.position] - position)
    # White noise of a mean size s leaves about sqrt(5/4 (1 - z)) s of itself in the observed speed.
    noise = (1.0 - sure) * memory[R.size] * math.sqrt(1.25 * (1.0 - z))
    memory[R.trust] = _trusted(noise, choice, law)
    memory[R.torque] = torque
    for k in range(AXES):
        memory[R.current_0 + k] = i[k]
    return torque


@kernel
def foreseen(group, seen, memory, choice, law, points):
    """Observe a sample; return speed, position and torque at the time at which a new command begins to act.

    Arguments as :func:`observe`.
    """
    torque = observe(group, seen, memory, choice, law, points)
    omega, position, load = memory[R.omega], memory[R.position], memory[R.load]
    for j in range(int(memory[R.delay]) - 1, -1, -1):
        given = attainable(group, memory[R.past_0 + j], omega, _currents(seen), law, points)
        omega, position, torque = moved(omega, position, torque, given, load, choice, law)
    return omega, position, torque


@kernel
def _command(torque, memory, law, action):
    """Fill the torque action (1,) and remember what it commands."""
    for j in range(MOST_DELAYS, 0, -1):
        memory[R.past_0 + j] = memory[R.past_0 + j - 1]
    memory[R.past_0] = torque
    action[0] = torque / law[P.torque_limit]


@kernel
def deadbeat_shaft_rows(group, seen, memory, choice, law, points, action):
    """Fill the torque actions (n, 1) of rows of deadbeat control of speed or position.

    Args:
        group: The group.
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`, the first reference a speed or a position.
        memory: Rows of :data:`KNOWN`, updated.
        choice: Row of :data:`SHAFT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row, own = seen[i], memory[i]
        omega, position, before = foreseen(group, row, own, choice, law, points)
        target, load = row[S.reference_0], own[R.load]
        slope = choice[N.moving] * (target - own[R.target])
        own[R.target] = target
        if choice[N.position] > 0.0:
            error = target - position
            torque = towards_position(error, omega, before, load, choice[N.braking], choice, law)
        else:
            # The reference when the command begins to act, and what is to be left of the error a period later.
            reference = target + own[R.delay] * slope
            left = 1.0 - choice[N.step] * own[R.trust]
            goal = reference + slope - left * (reference - omega)
            torque = torque_to(goal, omega, before, load, choice, law)
        _command(torque, own, law, action[i])


# ----------------------------------------------------------------------------------------------- courses to a position


@kernel
def _field_after(field, wanted, law):
    """Return the excitation current after a period in which its chopper gives all of its voltage until it is there, A.

    The circuit is exact: i+ = exp(-r T / l) i + (1 - exp(-r T / l)) u / r, Ohm's law for r = 0 being its limit u T / l.
    """
    dt, r, l_e = law[L.dt], law[P.r_e], law[P.l_e]
    left = math.exp(-r * dt / l_e)
    part = (1.0 - left) / r if r > 0.0 else dt / l_e
    if wanted > field:
        return min(left * field + part * law[P.u_dc], wanted)
    return max(left * field - part * law[P.u_dc], wanted)


@called_kernel
def course_cost(group, shaft, field, load, target, braking, best, judged, choice, law, points):
    """Return what a course to a position costs whose braking reckons with a part of the largest torque.

    A period costs what the reward takes for its error, (abs(error) factor)^exponent up to 1. Of a machine with a
    converter for its excitation the field follows as that one's voltage lets it.

    Args:
        group: The group.
        shaft: Speed (rad/s), position (rad) and torque (N m) when the course begins.
        field: Excitation current then, A.
        load: Torque of the load that the nominal one does not explain, N m.
        target: Position, rad.
        braking: Part of the largest torque that braking reckons with.
        best: Cost from which on the rest is of no interest.
        judged: Periods that are predicted, factor (1/rad) and exponent of the reward.
        choice: Row of :data:`SHAFT`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
    """
    omega, position, torque = shaft
    horizon, factor, exponent = judged
    total, i_a = 0.0, 0.0
    separate = len(group) == DC and int(law[P.excitation]) == SEPARATE
    for _ in range(horizon):
        asked = towards_position(target - position, omega, torque, load, braking, choice, law)
        flowing = i_a, field, 0.0, 0.0
        given = attainable(group, asked, omega, flowing, law, points)
        if separate:
            wanted = _answer(group, asked, omega, flowing, law, points)
            i_a, after = wanted[0], _field_after(field, wanted[1], law)
            mean = torque_of(group, (i_a, 0.5 * (field + after), 0.0, 0.0), law)
            given, field = min(max(mean, -abs(asked)), abs(asked)), after
        omega, position, torque = moved(omega, position, torque, given, load, choice, law)
        error = min(abs(target - position) * factor, 1.0)
        total += error**exponent
        if total >= best or (error < _ARRIVED and abs(omega) < _STANDING * law[L.omega_max]):
            break
    return total


@kernel
def course_rows(group, seen, memory, choice, law, points, parts, judged, action):
    """Fill the torque actions (n, 1) of rows of predictive control of a position.

    Arguments as :func:`deadbeat_shaft_rows`, and the parts of the largest torque that are tried for braking, (parts,),
    and what :func:`course_cost` judges a course by.
    """
    for i in range(seen.shape[0]):
        row, own = seen[i], memory[i]
        shaft = foreseen(group, row, own, choice, law, points)
        omega, position, before = shaft
        target, load = row[S.reference_0], own[R.load]
        chosen, best = choice[N.braking], math.inf
        for braking in parts:
            cost = course_cost(
                group,
                shaft,
                row[S.current_1],
                load,
                target,
                braking,
                best,
                judged,
                choice,
                law,
                points,
            )
            if cost < best:
                chosen, best = braking, cost
        torque = towards_position(target - position, omega, before, load, chosen, choice, law)
        _command(torque, own, law, action[i])
