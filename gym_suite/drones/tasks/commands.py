"""From an action to rotor commands."""

from __future__ import annotations

import math

from gym_suite.core.family import clip_action
from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.signals import signal_value
from gym_suite.drones import parameters as pm
from gym_suite.drones.controllers.laws import attitude_rotors, led, rate_rotors, wanted_force
from gym_suite.drones.dynamics import COMMAND, FORCE, POSITION, RATE, ROTOR, VELOCITY, attitude
from gym_suite.drones.tasks.layout import (
    ACTION_RATES,
    ACTION_ROTORS,
    ACTION_VELOCITY,
    CLIPPED,
    HISTORY,
    P_ACTION,
    P_ACTION_RANGE,
    P_GAINS,
    P_HISTORY,
    P_RATIO,
    P_YAW_RANGE,
    STREAM_FORCE,
    TARGET,
)
from gym_suite.drones.transforms import turn_back


@kernel
def hover_speed(nominal):
    """Return the rotor speed, rpm, at which the nominal drone hovers."""
    return math.sqrt(0.25 * nominal[pm.P_MASS] * nominal[pm.P_GRAVITY] / nominal[pm.P_K_F])


@kernel
def keep_action(a, u, p):
    """Clip one drone's action, count what was outside and put it in front of its history."""
    a[CLIPPED] = clip_action(u)
    size = u.shape[0]
    for k in range(int(p[P_HISTORY]) * size - 1, size - 1, -1):
        a[HISTORY + k] = a[HISTORY + k - size]
    for k in range(size):
        a[HISTORY + k] = u[k]


@kernel
def prepare(agents, key, step, tick, p, tables):
    """Set disturbing forces and rotor commands of a world for physics step ``tick`` of a control period."""
    disturbed = tables[2].shape[0] > 0
    t = (step * int(p[P_RATIO]) + tick) * p[pm.P_DT]
    # Rotor speeds hold as they are for the period; inner loops act anew at each physics step.
    held = tick > 0 and int(p[P_ACTION]) == ACTION_ROTORS
    for j in range(agents.shape[0]):
        for c in range(3 if disturbed else 0):
            agents[j, FORCE + c] = signal_value(tables[2], c, tables[3], key, STREAM_FORCE + c, t)
        if not held:
            command_rotors(agents[j], p, tables[1])


@kernel
def command_rotors(a, p, nominal):
    """Turn the last action of one drone into rotor commands, by the inner loops where it is none itself."""
    kind, span = int(p[P_ACTION]), p[P_ACTION_RANGE]
    if kind == ACTION_ROTORS:
        hover, top = hover_speed(nominal), nominal[pm.P_MAX_RPM]
        for c in range(4):
            a[COMMAND + c] = min(max(hover * (1.0 + span * a[HISTORY + c]), 0.0), top)
        return
    _close_loop(a, p, nominal)


@called_kernel
def _close_loop(a, p, nominal):
    """Command rotors by the inner loop of an action that is a wish of another kind."""
    kind, span = int(p[P_ACTION]), p[P_ACTION_RANGE]
    gains = (p[P_GAINS], p[P_GAINS + 1], p[P_GAINS + 2], p[P_GAINS + 3], p[P_GAINS + 4])
    r = attitude(a)
    if kind == ACTION_RATES:
        weight = nominal[pm.P_MASS] * nominal[pm.P_GRAVITY]
        thrust = weight * (1.0 + 0.8 * a[HISTORY])
        wanted = rate_rotors(
            nominal,
            gains,
            thrust,
            r,
            span * a[HISTORY + 1],
            span * a[HISTORY + 2],
            p[P_YAW_RANGE] * a[HISTORY + 3],
            a[RATE],
            a[RATE + 1],
            a[RATE + 2],
        )
    else:
        ex, ey, ez = 0.0, 0.0, 0.0
        vx, vy, vz = -a[VELOCITY], -a[VELOCITY + 1], -a[VELOCITY + 2]
        if kind == ACTION_VELOCITY:
            vx += span * a[HISTORY]
            vy += span * a[HISTORY + 1]
            vz += span * a[HISTORY + 2]
        else:
            ex = a[TARGET] + span * a[HISTORY] - a[POSITION]
            ey = a[TARGET + 1] + span * a[HISTORY + 1] - a[POSITION + 1]
            ez = a[TARGET + 2] + span * a[HISTORY + 2] - a[POSITION + 2]
        fx, fy, fz = wanted_force(nominal, gains, ex, ey, ez, vx, vy, vz, 0.0, 0.0, 0.0)
        wx, wy, wz = turn_back(r, a[RATE], a[RATE + 1], a[RATE + 2])
        wanted = attitude_rotors(nominal, gains, r, wx, wy, wz, fx, fy, fz)
    for c in range(4):
        a[COMMAND + c] = led(nominal, gains, wanted[c], a[ROTOR + c])
