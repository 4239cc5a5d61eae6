"""The controllers of current, torque, speed and position as functions over rows, one above the other.

What they stand on, PI control of the currents and the operating points, is in
:mod:`gym_suite.motors.controllers.laws`.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import pi_output, pi_update
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.laws import L, M, S, current_control_one, currents_for
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
)
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3, inverse_clarke

#: Part of the largest torque by which the table of operating points may miss the torque that it is asked for.
TABLE_ERROR = 5e-3
#: What counts at most of an excess of the demanded voltage, and of a reserve: a jump of the reference demands many
#: times what there is, for a short time.
MOST_EXCESS = 0.5
#: Part of the voltage that the feedback may at most take away from the operating points.
MOST_WEAKENING = 0.7


@kernel
def fill_phases(alpha, beta, u_dc, action, first):
    """Fill the actions of three legs, whose common part between the extremes makes the whole hexagon reachable."""
    a, b, c = inverse_clarke(alpha, beta)
    common = 0.5 * (max(a, b, c) + min(a, b, c))
    action[first] = 2.0 * (a - common) / u_dc
    action[first + 1] = 2.0 * (b - common) / u_dc
    action[first + 2] = 2.0 * (c - common) / u_dc


@kernel
def _voltage_action(group, seen, references, memory, law, action):
    """Run current control on one row; fill the voltage action, update the integrals.

    Returns the stator's demanded voltage as :func:`gym_suite.motors.controllers.laws.current_control_one` has it.
    """
    i = seen[S.current_0], seen[S.current_1], seen[S.current_2], seen[S.current_3]
    frame = seen[S.omega], seen[S.cosine], seen[S.sine], seen[S.flux]
    u_dc = law[P.u_dc]
    axes, held, modulation = current_control_one(
        group, i, references, frame, memory, M.integral_0, law, u_dc
    )
    kind = len(group)
    if kind == DC:
        for k in range(action.shape[0]):
            action[k] = axes[k] / u_dc
    elif int(law[P.frame]) == FRAME_ABC:
        fill_phases(held[0], held[1], u_dc, action, 0)
        if kind == EXCITED:
            action[3] = axes[2] / u_dc
        if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
            fill_phases(held[2], held[3], u_dc, action, 3)
    else:
        action[0] = axes[0] * SQRT3 / u_dc
        action[1] = axes[1] * SQRT3 / u_dc
        if kind == EXCITED:
            action[2] = axes[2] / u_dc
        if kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109 - the compiler drops no branch on `in`
            action[2] = axes[2] * SQRT3 / u_dc
            action[3] = axes[3] * SQRT3 / u_dc
    return modulation


@kernel
def current_control_rows(group, seen, memory, law, action):
    """Fill the actions of rows of current control.

    Args:
        group: The group.
        seen: Rows of :data:`SEEN`.
        memory: Rows of :data:`MEMORY`, updated.
        law: Row of :data:`LAW`.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row = seen[i]
        references = row[S.reference_0], row[S.reference_1], row[S.reference_2], row[S.reference_3]
        _voltage_action(group, row, references, memory[i], law, action[i])


@kernel
def weaken(modulation, memory, law, points):
    """Lower the voltage of the operating points while more voltage is demanded than there is, and give it back after.

    A machine with more flux than the drive believes, or less voltage, holds its currents nowhere near their references
    once the voltage is used up, and they run away. The excess of the demanded voltage is therefore integrated and
    lowers the bound of the flux: field weakening by feedback of the voltage (J.-M. Kim and S.-K. Sul, "Speed control of
    interior permanent magnet synchronous motor drive for the flux weakening operation", IEEE Trans. Ind. Appl. 33(1),
    1997). Its time is that in which the voltage takes the machine's largest flux away.

    Args:
        modulation: The stator's demanded voltage as a part of what there is at every angle.
        memory: Row of :data:`gym_suite.motors.controllers.laws.MEMORY`, updated.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points, the last row that of its largest flux.
    """
    if law[L.feedback] > 0.0:
        rate = law[L.feedback] * law[L.u_max] / points[points.shape[0] - 1, 0]
        excess = min(max(modulation - 1.0, -MOST_EXCESS), MOST_EXCESS)
        weakening = memory[M.weakening] + rate * law[P.tau] * excess
        memory[M.weakening] = min(max(weakening, 0.0), MOST_WEAKENING)


@kernel
def torque_control_rows(group, seen, memory, law, points, action):
    """Fill the actions of rows of torque control, the currents for the torque and their control.

    Args:
        group: The group.
        seen: Rows of :data:`SEEN`, the first reference a torque.
        memory: Rows of :data:`MEMORY`, updated.
        law: Row of :data:`LAW`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row = seen[i]
        torque, omega, flux = row[S.reference_0], row[S.omega], row[S.flux]
        currents = row[S.current_0], row[S.current_1], row[S.current_2], row[S.current_3]
        u_max = (1.0 - memory[i, M.weakening]) * law[L.u_max]
        references = currents_for(group, torque, omega, currents, flux, u_max, law, points)
        modulation = _voltage_action(group, row, references, memory[i], law, action[i])
        weaken(modulation, memory[i], law, points)


@kernel
def _speed_law(group, seen, memory, law, points):
    """Run the speed controller on one row; return current references and the torque they give.

    The filter of the reference begins at the speed. It remembers what it has left of the reference's steps, which
    decays to nothing, and not where it is, which in single precision would stand still before it is there.
    """
    omega, reference, dt = seen[S.omega], seen[S.reference_0], law[L.dt]
    ahead = reference - omega
    step = ahead
    if memory[M.started] > 0.0:
        step = reference - memory[M.reference]
    before = memory[M.lag] + step
    lag = 0.0
    if law[L.prefilter] > 0.0:
        lag = before - before * (1.0 - math.exp(-dt / law[L.prefilter]))
    error = ahead - lag
    if law[L.error_lag] > 0.0:
        memory[M.error_speed] += (error - memory[M.error_speed]) * (
            1.0 - math.exp(-dt / law[L.error_lag])
        )
        error = memory[M.error_speed]
    demanded = pi_output(error, memory[M.integral_speed], law[L.kp_speed])
    if law[L.inertia] > 0.0:
        # What the nominal shaft needs to follow the reference as it moves.
        target = reference - lag
        if memory[M.started] > 0.0:
            demanded += law[L.inertia] * (before - lag) / dt
        if abs(target) > 1e-3:
            demanded += math.copysign(law[L.friction], target)
        demanded += (law[L.viscous] + law[L.drag] * abs(target)) * target
    memory[M.lag], memory[M.reference], memory[M.started] = lag, reference, 1.0
    limit = law[P.torque_limit]
    torque = min(max(demanded, -limit), limit)
    i = seen[S.current_0], seen[S.current_1], seen[S.current_2], seen[S.current_3]
    u_max = (1.0 - memory[M.weakening]) * law[L.u_max]
    references = currents_for(group, torque, omega, i, seen[S.flux], u_max, law, points)
    if len(group) == DC:
        # In the field that there is.
        realised = torque_of(group, (references[0], i[1], 0.0, 0.0), law)
    else:
        realised = torque_of(group, references, law)
    # What the table rounds is no limit: an integral that stood still for it would leave an error for ever.
    reached = demanded if abs(demanded - realised) <= TABLE_ERROR * limit else realised
    memory[M.integral_speed] = pi_update(
        error,
        memory[M.integral_speed],
        law[L.ki_speed],
        dt,
        demanded,
        reached,
        int(law[L.anti_windup]),
        law[L.back_gain_speed],
    )
    # A drive that is told a torque waits for its field itself.
    return references, torque if len(group) == DC else realised


@kernel
def speed_references(group, seen, memory, law, points):
    """Run the speed controller on one row of :data:`SEEN`; return the references of the currents of four axes, A."""
    return _speed_law(group, seen, memory, law, points)[0]


@kernel
def within_circle(group, references, seen, i_max):
    """Return the references of currents along and across the field that stay within a circle while both move.

    The operating points keep the circle, but the currents come to them at different times: while the one across the
    field waits for its voltage, the one along it may overshoot, by what parameters are off or by a further period of
    delay, and both together trip. So the measured current along the field counts, not its reference. Nor does the one
    along it grow in a synchronous machine whose iron does not saturate while the other still fills the circle: a shaft
    that its load carries through the speeds moves the operating point faster than one voltage moves both.

    Args:
        group: The group. Where other windings have a part in the field, or there is none that turns, the references
            are returned as they are.
        references: Of four axes, A.
        seen: Row of :data:`gym_suite.motors.controllers.laws.SEEN`.
        i_max: Radius of the circle, A.
    """
    kind = len(group)
    if not (kind == SYNCHRONOUS or kind == INDUCTION or kind == SATURATED):  # noqa: SIM109 - the compiler drops no branch on `in`
        return references
    i_d, i_q = seen[S.current_0], seen[S.current_1]
    most = math.sqrt(max(i_max * i_max - i_d * i_d, 0.0))
    across = min(max(references[1], -most), most)
    along = references[0]
    if kind == SYNCHRONOUS:
        most = max(math.sqrt(max(i_max * i_max - i_q * i_q, 0.0)), abs(i_d))
        along = min(max(along, -most), most)
    return along, across, references[2], references[3]


@kernel
def speed_control_rows(group, seen, memory, law, points, action):
    """Fill the voltage actions of rows of cascaded speed control; arguments as :func:`torque_control_rows`."""
    for i in range(seen.shape[0]):
        wanted, _ = _speed_law(group, seen[i], memory[i], law, points)
        references = within_circle(group, wanted, seen[i], law[L.i_max])
        modulation = _voltage_action(group, seen[i], references, memory[i], law, action[i])
        weaken(modulation, memory[i], law, points)


@kernel
def torque_command_rows(group, seen, memory, law, points, action):
    """Fill the torque actions (n, 1) of rows of speed control above the drive's own current loop."""
    for i in range(seen.shape[0]):
        _, torque = _speed_law(group, seen[i], memory[i], law, points)
        action[i, 0] = torque / law[P.torque_limit]


@kernel
def speed_for_position(error, law):
    """Return the speed to approach a position with, rad/s.

    Proportional to the error near it; further away the speed from which the braking still stops in time, which joins
    it smoothly: the proximate time-optimal servomechanism of Workman, "Adaptive proximate time-optimal
    servomechanisms", PhD thesis, Stanford 1987; Franklin, Powell and Workman, "Digital Control of Dynamic Systems",
    3rd ed., 1998, section 14.7.

    Args:
        error: Reference less position, rad.
        law: Row of :data:`LAW`.
    """
    gain, braking = law[L.kp_position], law[L.braking]
    near = braking / (gain * gain)
    speed = gain * abs(error)
    if abs(error) > near:
        speed = math.sqrt(2.0 * braking * (abs(error) - 0.5 * near))
    return math.copysign(min(speed, law[L.omega_max]), error)


@kernel
def position_control_rows(group, seen, memory, law, points, action):
    """Fill the voltage actions of rows of position control; arguments as :func:`torque_control_rows`."""
    for i in range(seen.shape[0]):
        row = seen[i]
        row[S.reference_0] = speed_for_position(row[S.reference_0] - row[S.position], law)
        references, _ = _speed_law(group, row, memory[i], law, points)
        _voltage_action(group, row, references, memory[i], law, action[i])


@kernel
def position_command_rows(group, seen, memory, law, points, action):
    """Fill the torque actions (n, 1) of rows of position control above the drive's own current loop."""
    for i in range(seen.shape[0]):
        row = seen[i]
        row[S.reference_0] = speed_for_position(row[S.reference_0] - row[S.position], law)
        _, torque = _speed_law(group, row, memory[i], law, points)
        action[i, 0] = torque / law[P.torque_limit]
