"""Physics of a drive whose load hangs on an elastic shaft with backlash, and the loops over its rows.

    j_rotor domega/dt = torque - torque_shaft
    j_load domega_load/dt = torque_shaft - load torque(omega_load)
    dtwist/dt = omega - omega_load

The shaft's torque is stiffness times what is bent of the twist, plus damping times its rate; in a gap it is none. See
:class:`gym_suite.motors.parameters.TwoMass`. Machine and shaft are integrated together. Converters are averaged and the
supply is ideal. What is compiled here is compiled for such loads alone.
"""

from __future__ import annotations

import math
from functools import cache

from gym_suite.core.family import Kernels, clip_action, first_not_finite, parameter_row
from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.motors.converters import commanded
from gym_suite.motors.dynamics import (
    command_currents,
    disturbance_of,
    frame_speed,
    inner_voltages,
    remember_action,
    wait,
)
from gym_suite.motors.electrical import coefficients, derivative, over_limit
from gym_suite.motors.iron import saturated_coefficients
from gym_suite.motors.loads import load_torque
from gym_suite.motors.machines.base import DC, SATURATED, group_of
from gym_suite.motors.machines.dc import SHUNT
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.quantities import CONTROL_TORQUE, SIGNAL_DISTURBANCE, P, Q, T, X
from gym_suite.motors.rows import disturbing_voltages, electrical_state, finish
from gym_suite.motors.switches import under
from gym_suite.motors.tasks import (
    forget_earnings,
    judge_one,
    measure_one,
    observe_one,
    refer_one,
    reset_one,
    tell_one,
)
from gym_suite.motors.transforms import turn


@kernel
def shaft_torque(twist, slip, p):
    """Return the torque that the shaft transmits from the rotor to the load, N m.

    Args:
        twist: Angle of the rotor less that of the load, rad.
        slip: Its rate, rad/s.
        p: Parameter row.
    """
    half = 0.5 * p[P.backlash]
    if half == 0.0:
        return p[P.stiffness] * twist + p[P.damping] * slip
    if abs(twist) <= half:
        return 0.0
    torque = p[P.stiffness] * (twist - math.copysign(half, twist)) + p[P.damping] * slip
    return torque if torque * twist > 0.0 else 0.0  # sides of a gap push, they do not pull


@kernel
def load_side(extra, p):
    """Return the load as :func:`gym_suite.motors.loads.acceleration` reads a shaft: friction, torque, 1 / inertia.

    Args:
        extra: Torque on the load besides its own, N m.
        p: Parameter row.
    """
    mobility = 1.0 / p[P.j_load]
    return p[P.a], p[P.b], p[P.c], p[P.a] * p[P.tau_decay] * mobility, extra, mobility


@kernel
def _slopes(group, s, w, k, load, p):
    """Return d/dt of a machine's state and of (omega_load, twist)."""
    a, b, c, linear, extra, mobility = load
    omega_load, twist = w
    slip = s[0] - omega_load
    torque = shaft_torque(twist, slip, p)
    rotor = 0.0, 0.0, 0.0, 0.0, torque, 1.0 / p[P.j_rotor]
    taken = load_torque(omega_load, a, b, c, linear) + extra
    return derivative(group, s, k, rotor, 1.0), ((torque - taken) * mobility, slip)


@called_kernel
def flexible_period(group, s, w, k, load, h, steps, p):
    """Move a machine and its shaft over the time h by Runge-Kutta steps of fourth order.

    Args:
        group: The group.
        s: State of the machine with its voltages, as :mod:`gym_suite.motors.electrical` lays it out.
        w: Speed of the load (rad/s) and twist (rad).
        k: Coefficients of the machine.
        load: Of :func:`load_side`.
        h: The time, s.
        steps: Runge-Kutta steps.
        p: Parameter row.

    Returns:
        Both states at the end.
    """
    d = h / steps
    for _ in range(steps):
        s1, w1 = _slopes(group, s, w, k, load, p)
        s2, w2 = _slopes(group, combine(s, 0.5 * d, s1), combine(w, 0.5 * d, w1), k, load, p)
        s3, w3 = _slopes(group, combine(s, 0.5 * d, s2), combine(w, 0.5 * d, w2), k, load, p)
        s4, w4 = _slopes(group, combine(s, d, s3), combine(w, d, w3), k, load, p)
        s, w = combine_rk4(s, d, s1, s2, s3, s4), combine_rk4(w, d, w1, w2, w3, w4)
    return s, w


@kernel
def _coefficients(group, p, tables):
    """Return what the derivative of a group reads of a parameter row, and of the flux map where it has one."""
    if len(group) == SATURATED:
        return saturated_coefficients(p, tables[T.flux][0])
    return coefficients(group, p)


@kernel
def _move(group, x, key, tick, v, p, tables):
    """Move machine and shaft by one inverter period under held voltages.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        tick: Inverter periods since reset.
        v: The voltages that the converters hold, V.
        p: Parameter row.
        tables: The family's tables.
    """
    tau, extra = p[P.tau], 0.0
    t = tick * tau
    if tables[T.signals].shape[0] > SIGNAL_DISTURBANCE:
        extra = disturbance_of(tables, 0, key, t)
    d = disturbing_voltages(group, x, key, t, p, tables)
    second = v[1]
    if len(group) == DC and int(p[P.excitation]) == SHUNT:
        second = v[0]
    v = v[0] + d[0], second + d[1], v[2] + d[2], v[3] + d[3]
    load, k = load_side(extra, p), _coefficients(group, p, tables)
    s = under(group, electrical_state(group, x), v, x[X.cos_epsilon], x[X.sin_epsilon])
    w = x[X.omega_load], x[X.twist]
    s, w = flexible_period(group, s, w, k, load, tau, int(p[P.substeps]), p)
    finish(group, x, s, v, load, p, tables)
    x[X.omega_load], x[X.twist] = w
    a, b, c, linear, _, _ = load
    x[X.torque_load] = load_torque(w[0], a, b, c, linear) + extra
    if over_limit(group, x, p):
        x[X.tripped] = 1.0


@kernel
def advance_flexible_one(group, x, key, step, u, p, tables):
    """Move one row by one control period; arguments as :func:`gym_suite.motors.dynamics.advance_one`."""
    remember_action(x, u)
    x[X.tripped] = 0.0
    torque_control = int(p[P.control]) == CONTROL_TORQUE
    ratio, law = int(p[P.ratio]), tables[T.law][0]
    if torque_control:
        command_currents(group, x, u, p[P.u_dc], p, tables)
    for k in range(ratio):
        tick = step * ratio + k
        if torque_control:
            v = inner_voltages(group, x, key, tick, p[P.u_dc], p, law)
        else:
            half_cosine, half_sine = turn(0.5 * frame_speed(group, x, p, tables) * p[P.tau])
            v = commanded(group, HEXAGON, x, u, half_cosine, half_sine, p)
        if p[P.dead_time] > 0.0:
            v = wait(group, x, v)
        _move(group, x, key, tick, v, p, tables)


@kernel
def measure_shaft(x, p, q):
    """Fill the quantities of a row's shaft; before the task's, which may follow them."""
    q[Q.omega_load], q[Q.twist] = x[X.omega_load], x[X.twist]
    q[Q.torque_shaft] = shaft_torque(x[X.twist], x[X.omega] - x[X.omega_load], p)


@kernel
def _look(group, i, x, key, step, p, tables, q, m, o):
    """Observe row i where no step has been made."""
    own = p[parameter_row(p, i)]
    measure_shaft(x[i], own, q)
    measure_one(group, x[i], own, tables, q)
    forget_earnings(q)
    tell_one(own, tables, q, m[:, i])
    observe_one(group, x[i], key[i], step, own, tables, q, o[i])


def follow_load(follow, x, mask, names):
    """Make the load turn with the rotor where a user has written the rotor's speed alone.

    Args:
        follow: What makes the other columns of the shaft follow.
        x: States, (n, nx).
        mask: Which rows.
        names: The columns that were written.
    """
    follow(x, mask, names)
    if "omega" in names and "omega_load" not in names:
        x[mask, X.omega_load] = x[mask, X.omega]


@cache
def flexible_kernels(number: int) -> Kernels:
    """Return the loops of a group whose load hangs on an elastic shaft, made when somebody first asks for them.

    Args:
        number: The group's.
    """
    group = group_of(number)

    @kernel
    def step_flexible(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
        """Move all rows not skipped by one control period."""
        wrong = first_not_finite(u, skip)
        for i in range(x.shape[0] if wrong < 0 else 0):
            if not skip[i]:
                own, row, q = p[parameter_row(p, i)], x[i], work[i]
                row[X.clipped] = clip_action(u[i])
                advance_flexible_one(group, row, key[i], step[i], u[i], own, tables)
                step[i] += 1
                refer_one(group, row, key[i], step[i], own, tables)
                measure_shaft(row, own, q)
                measure_one(group, row, own, tables, q)
                reward[i, 0], terminated[i, 0] = judge_one(group, row, own, tables, q)
                tell_one(own, tables, q, m[:, i])
                observe_one(group, row, key[i], step[i], own, tables, q, o[i])
        return wrong

    @kernel
    def reset_flexible(x, key, p, tables, work, m, o, mask):
        """Start the masked rows, whose loads turn with their rotors."""
        for i in range(x.shape[0]):
            if mask[i]:
                reset_one(group, x[i], key[i], p[parameter_row(p, i)], tables)
                x[i, X.omega_load] = x[i, X.omega]
                _look(group, i, x, key, 0, p, tables, work[i], m, o)

    @kernel
    def observe_flexible(x, key, step, p, tables, work, m, o, mask):
        """Fill observations and metrics of the masked rows from their states."""
        for i in range(x.shape[0]):
            if mask[i]:
                _look(group, i, x, key, step[i], p, tables, work[i], m, o)

    @kernel
    def advance_flexible(x, key, step, u, p, tables, work):
        """Move rows by one control period: the physics alone."""
        for i in range(x.shape[0]):
            own = p[parameter_row(p, i)]
            advance_flexible_one(group, x[i], key[i], step[i], u[i], own, tables)
            step[i] += 1

    return Kernels(
        step=step_flexible,
        reset=reset_flexible,
        observe=observe_flexible,
        advance=advance_flexible,
    )
