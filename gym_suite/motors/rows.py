"""Between a row and the equations of its machine: what goes into a period that is integrated, and what comes of it."""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.dynamics import disturbance_of, frame_speed
from gym_suite.motors.loads import load_torque
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE
from gym_suite.motors.machines.dc import SEPARATE, SHUNT
from gym_suite.motors.observer import flux_frame, follow_flux
from gym_suite.motors.parameters import CONSTANT_SPEED, SPEED_PROFILE
from gym_suite.motors.quantities import SIGNAL_DISTURBANCE, P, T, X
from gym_suite.motors.transforms import rotate, star_axes, stars_of, turn, wrap


@kernel
def electrical_state(group, x):
    """Return the state of a row as :mod:`gym_suite.motors.electrical` lays it out, without voltages."""
    kind = len(group)
    omega = x[X.omega]
    if kind == DC:
        return omega, x[X.i_a], x[X.i_e], 0.0, 0.0, 0.0
    if kind == INDUCTION:
        i_a, i_b, psi_a, psi_b = x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta]
        return omega, i_a, i_b, psi_a, psi_b, 0.0, 0.0, 0.0
    if kind == DOUBLY_FED:
        i_a, i_b, psi_a, psi_b = x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta]
        return omega, i_a, i_b, psi_a, psi_b, 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == SIX_PHASE:
        return omega, x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy], 0.0, 0.0, 0.0, 0.0, 0.0
    if kind == EXCITED:
        return omega, x[X.i_sd], x[X.i_sq], x[X.i_e], 0.0, 0.0, 0.0, 0.0
    return omega, x[X.i_sd], x[X.i_sq], 0.0, 0.0, 0.0


@kernel
def keep_state(group, x, s, p):
    """Write the currents and fluxes of a state into a row."""
    kind = len(group)
    if kind == DC:
        i_a, i_e = s[1], s[2]
        # A diode that has begun to block within a Runge-Kutta step ends it without current.
        if int(p[P.quadrants_e]) == 1:
            i_e = max(i_e, 0.0)
        if int(p[P.quadrants_a]) == 1:
            i_a = max(i_a, -i_e if int(p[P.excitation]) == SHUNT else 0.0)
        x[X.i_a], x[X.i_e] = i_a, i_e
    elif kind == INDUCTION or kind == DOUBLY_FED:  # noqa: SIM109 - the compiler drops no branch on `in`
        x[X.i_salpha], x[X.i_sbeta], x[X.psi_ralpha], x[X.psi_rbeta] = s[1], s[2], s[3], s[4]
    elif kind == SIX_PHASE:
        x[X.i_sd], x[X.i_sq], x[X.i_sx], x[X.i_sy] = s[1], s[2], s[3], s[4]
    elif kind == EXCITED:
        x[X.i_sd], x[X.i_sq], x[X.i_e] = s[1], s[2], s[3]
    else:
        x[X.i_sd], x[X.i_sq] = s[1], s[2]


@kernel
def disturbing_voltages(group, x, key, t, p, tables):
    """Return the voltages that disturb the windings in a period, V.

    They are laid out as by :func:`gym_suite.motors.switches.winding_voltages`, and given in the frame of the currents
    at its beginning.
    """
    kind = len(group)
    if tables[T.signals].shape[0] <= SIGNAL_DISTURBANCE:
        return 0.0, 0.0, 0.0, 0.0
    first = disturbance_of(tables, 1, key, t)
    if kind == DC:
        if int(p[P.excitation]) == SEPARATE:
            return first, disturbance_of(tables, 2, key, t), 0.0, 0.0
        return first, first if int(p[P.excitation]) == SHUNT else 0.0, 0.0, 0.0
    second = disturbance_of(tables, 2, key, t)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    if kind == INDUCTION:
        cosine, sine, _ = flux_frame(x)
    if kind == SIX_PHASE:
        axes = first, second, disturbance_of(tables, 3, key, t), disturbance_of(tables, 4, key, t)
        return stars_of(axes, cosine, sine)
    alpha, beta = rotate(first, second, cosine, sine)
    if kind == EXCITED:
        return alpha, beta, disturbance_of(tables, 3, key, t), 0.0
    if kind == DOUBLY_FED:
        third, fourth = disturbance_of(tables, 3, key, t), disturbance_of(tables, 4, key, t)
        return alpha, beta, third, fourth
    return alpha, beta, 0.0, 0.0


@kernel
def show_voltages(group, x, v, p, tables):
    """Write the mean voltages of a period into a row, in the frame of the currents in its middle."""
    kind = len(group)
    if kind == DC:
        x[X.u_a] = v[0]
        if int(p[P.excitation]) == SEPARATE:
            x[X.u_e] = v[1]
    else:
        half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
        cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
        if kind == INDUCTION:
            cosine, sine, _ = flux_frame(x)
        if kind == SIX_PHASE:
            u = star_axes(v, cosine, sine)
            x[X.u_sd], x[X.u_sq] = rotate(u[0], u[1], half_cosine, -half_sine)
            x[X.u_sx], x[X.u_sy] = rotate(u[2], u[3], half_cosine, half_sine)
        else:
            u_d, u_q = rotate(v[0], v[1], cosine, -sine)
            x[X.u_sd], x[X.u_sq] = rotate(u_d, u_q, half_cosine, -half_sine)
        if kind == EXCITED:
            x[X.u_e] = v[2]
        if kind == DOUBLY_FED:
            x[X.u_rd], x[X.u_rq] = v[2], v[3]


@kernel
def finish(group, x, s, v, load, p, tables):
    """Write the end of a period into a row: voltages, currents, observed flux, angles, speed and load torque.

    Args:
        group: The group.
        x: State row as it was at the beginning.
        s: The machine's state at the end; its last element is the angle passed.
        v: Mean voltages of the windings in the period as :func:`gym_suite.motors.switches.winding_voltages` lays them
            out, V.
        load: The shaft.
        p: Parameter row.
        tables: The family's tables.
    """
    kind = len(group)
    cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    show_voltages(group, x, v, p, tables)
    currents = x[X.i_salpha], x[X.i_sbeta]
    keep_state(group, x, s, p)
    turned = s[len(s) - 1]
    if kind == INDUCTION:
        follow_flux(x, currents, tables[T.law][0])
    if kind == DC:
        x[X.position] += turned
    else:
        x[X.epsilon] = wrap(x[X.epsilon] + turned)
        x[X.position] += turned / p[P.p]
        cosine, sine = rotate(cosine, sine, *turn(turned))
        # Rounding must not make the pair grow or shrink over the years.
        length = 1.5 - 0.5 * (cosine * cosine + sine * sine)
        x[X.cos_epsilon], x[X.sin_epsilon] = length * cosine, length * sine
    if int(p[P.load_kind]) != CONSTANT_SPEED:
        x[X.omega] = s[0]
        if int(p[P.load_kind]) < SPEED_PROFILE:
            a, b, c, linear, extra, _ = load
            x[X.torque_load] = load_torque(s[0], a, b, c, linear) + extra
