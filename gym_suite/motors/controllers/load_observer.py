"""Speed control by an observer of the load, as row functions: what is known is fed forward, what is not is observed.

The observer runs the nominal shaft beside the real one and takes what they differ by for a torque of the load, which is
then fed forward (K. Ohnishi, M. Shibata and T. Murakami, "Motion control for advanced mechatronics", IEEE/ASME Trans.
Mechatronics 1(1), 1996, doi:10.1109/3516.491410). Both poles of its error lie at one place, by pole placement:

    w+ = w + (T - T_load(w) - d) dt / J,   e = w_measured - w+,
    w  = w+ + (1 - z^2) e,                 d = d - (1 - z)^2 e J / dt.

The law demands the torque with which the speed comes a part of the way to its reference in a period, and moves with it
where the reference moves.
"""

from __future__ import annotations

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.laws import currents_for
from gym_suite.motors.controllers.prediction import PREDICTIVE, RECALLED, WATCHED, predictive_action
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.loads import load_coefficients, load_torque
from gym_suite.motors.quantities import P

#: Numbers of the law: those of the currents' control, then its own.
OBSERVED = PREDICTIVE + Columns(
    Column("pull", "1", 0, 1, "part of the error of the speed that a control period takes away"),
    Column("pole", "1", 0, 1, "place of both poles of the observer's error"),
    Column("lag", "s", 0, meaning="time until a demanded torque is there"),
    Column("settled", "1", 0, 1, "part of a period in which its last torque acts already"),
    Column("moving", "1", 0, 1, "1: without a preview the reference goes on as it moved last"),
    Column("foresight", "1", 0, 1, "1: the reference of the next period is seen"),
)
B = OBSERVED.places

#: What the law sees: as for the currents, then the reference of the next period.
FORESEEN = WATCHED + Columns(Column("ahead", "rad/s", meaning="reference one period ahead"))
F = FORESEEN.places

#: What the law remembers: as for the currents, then its own.
ESTIMATED = RECALLED + Columns(
    Column("omega", "rad/s", meaning="observed speed"),
    Column("load", "N m", meaning="observed torque that the nominal load does not explain"),
    Column("torque", "N m", meaning="torque at the last sample"),
    Column("target", "rad/s", meaning="reference at the last sample"),
    Column("known", "1", 0, 1, "1 if there is a last sample"),
)
E = ESTIMATED.places


@kernel
def _observe_load(group, seen, memory, law):
    """Update observed speed and load by one sample; return the present torque, N m."""
    torque = torque_of(group, (seen[F.current_0], seen[F.current_1], 0.0, 0.0), law)
    omega = seen[F.omega]
    if memory[E.known] == 0.0:
        memory[E.omega], memory[E.load] = omega, 0.0
    else:
        a, b, c, inertia, linear = load_coefficients(law)
        dt, z = law[B.dt], law[B.pole]
        mean = law[B.settled] * torque + (1.0 - law[B.settled]) * memory[E.torque]
        net = mean - load_torque(memory[E.omega], a, b, c, linear) - memory[E.load]
        expected = memory[E.omega] + net * dt / inertia
        error = omega - expected
        memory[E.omega] = expected + (1.0 - z * z) * error
        memory[E.load] -= (1.0 - z) * (1.0 - z) * error * inertia / dt
    memory[E.torque] = torque
    return torque


@kernel
def demanded_torque(group, seen, memory, law):
    """Return the torque that the law demands, within the limits of the machine's currents, N m; one row.

    Args:
        group: The group.
        seen: Row of :data:`FORESEEN`, the first reference a speed.
        memory: Row of :data:`ESTIMATED`, updated.
        law: Row of :data:`OBSERVED`.
    """
    torque = _observe_load(group, seen, memory, law)
    a, b, c, inertia, linear = load_coefficients(law)
    reference, dt = seen[F.reference_0], law[B.dt]
    following = reference
    if law[B.foresight] > 0.0:
        following = seen[F.ahead]
    elif law[B.moving] > 0.0 and memory[E.known] > 0.0:
        following = reference + (reference - memory[E.target])
    memory[E.target], memory[E.known] = reference, 1.0
    # The speed at which the torque will be there.
    omega, load = memory[E.omega], memory[E.load]
    net = torque - load_torque(omega, a, b, c, linear) - load
    omega += net * law[B.lag] / inertia
    goal = following - (1.0 - law[B.pull]) * (reference - omega)
    demanded = (goal - omega) * inertia / dt + load_torque(omega, a, b, c, linear) + load
    limit = law[P.torque_limit]
    return min(max(demanded, -limit), limit)


@kernel
def observed_speed_rows(group, seen, memory, law, points, action):
    """Fill the voltage actions of rows of speed control with an observer of the load.

    Args:
        group: The group.
        seen: Rows of :data:`FORESEEN`.
        memory: Rows of :data:`ESTIMATED`, updated.
        law: Row of :data:`OBSERVED`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        torque = demanded_torque(group, seen[i], memory[i], law)
        measured = seen[i, F.current_0], seen[i, F.current_1], 0.0, 0.0
        references = currents_for(
            group, torque, seen[i, F.omega], measured, 0.0, law[B.u_max], law, points
        )
        predictive_action(group, seen[i], references, torque, memory[i], law, action[i])


@kernel
def observed_torque_rows(group, seen, memory, law, action):
    """Fill the torque actions (n, 1) of rows of the same law above the drive's own current loop."""
    for i in range(seen.shape[0]):
        torque = demanded_torque(group, seen[i], memory[i], law)
        action[i, 0] = torque / law[P.torque_limit]
