"""PI control of the currents that are predicted for the end of the dead time, as row functions."""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.laws import L, M, current_control_one, currents_for
from gym_suite.motors.controllers.prediction import (
    W,
    currents_after,
    fill_command,
    given_voltage,
    one_period,
)
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import rotate, turn


@kernel
def _compensated_action(group, seen, references, memory, law, action):
    """Run PI control on the currents that are predicted for the time at which its voltage acts; one row."""
    omega, i = seen[W.omega], (seen[W.current_0], seen[W.current_1])
    if law[P.dead_time] > 0.0:
        half = turn(0.5 * law[P.p] * omega * law[P.tau])
        now = rotate(seen[W.cosine], seen[W.sine], half[0], half[1])
        u = given_voltage(seen[W.last_0], seen[W.last_1], seen[W.last_2], now, law)
        i = currents_after(i, u, one_period(group, omega, law))
    axes, held, _ = current_control_one(
        group,
        (i[0], i[1], 0.0, 0.0),
        references,
        (omega, seen[W.cosine], seen[W.sine], 0.0),
        memory,
        M.integral_0,
        law,
        law[P.u_dc],
    )
    if int(law[P.frame]) == FRAME_ABC:
        fill_command(held, (1.0, 0.0), law, action)
    else:
        fill_command(axes, (1.0, 0.0), law, action)


@kernel
def compensated_current_rows(group, seen, memory, law, action):
    """Fill the actions of rows of current control by PI with the dead time predicted.

    Args:
        group: The group.
        seen: Rows of :data:`WATCHED`.
        memory: Rows of :data:`gym_suite.motors.controllers.laws.MEMORY`, updated.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row = seen[i]
        references = row[W.reference_0], row[W.reference_1], 0.0, 0.0
        _compensated_action(group, row, references, memory[i], law, action[i])


@kernel
def compensated_torque_rows(group, seen, memory, law, points, action):
    """Fill the actions of rows of torque control; arguments as :func:`compensated_current_rows`, and the points."""
    for i in range(seen.shape[0]):
        row = seen[i]
        measured = row[W.current_0], row[W.current_1], 0.0, 0.0
        references = currents_for(
            group, row[W.reference_0], row[W.omega], measured, 0.0, law[L.u_max], law, points
        )
        _compensated_action(group, row, references, memory[i], law, action[i])
