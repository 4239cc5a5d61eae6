"""How a world of quadcopters moves: from setpoints over rotor commands and forces to the next state; no task.

A drone is a row that begins with :data:`gym_suite.drones.columns.BODY`; a world is (drones, columns). Within a control
period its rotors hold their commands, or an inner loop with the nominal model commands them anew at each physics step,
so that the drone holds its setpoint.
"""

from __future__ import annotations

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.signals import signal_value
from gym_suite.drones import parameters as pm
from gym_suite.drones import tables as T
from gym_suite.drones.adversity import begin, draw, endure, stir
from gym_suite.drones.aerodynamics import attitude, downwash, store_wrench, store_wrench_of
from gym_suite.drones.columns import ADVERSITY, BODY, ROTOR, SCRATCH, WORLD_SCRATCH
from gym_suite.drones.contacts import (
    CONTACT_STEPS,
    ON_THE_FLOOR,
    RESTING,
    add_contacts,
    add_floor,
    forget_neighbours,
    hold,
    mark_touching,
    near_floor,
    rests,
)
from gym_suite.drones.controllers.laws import Gains, attitude_torque, led, rate_torque, wanted_force
from gym_suite.drones.motion import (
    constants,
    fly_free,
    gyroscopic_correction,
    pushed_step,
    remember_attitude,
    rotor_memory,
    runge_kutta_step,
    spin_rotors,
    turns_hard,
    turns_steadily,
)
from gym_suite.drones.parameters import CONTROL, PHYSICS
from gym_suite.drones.propulsion import supply
from gym_suite.drones.rotors import wanted_speed
from gym_suite.drones.sticks import level_rates
from gym_suite.drones.transforms import rotor_speeds, turn_back

X, W, R = BODY.places, SCRATCH.places, ROTOR.places
WORLD, DRAWN = WORLD_SCRATCH.places, len(ADVERSITY)
P, DRONE_SCRATCH = (PHYSICS + CONTROL).places, len(SCRATCH)

STREAM_FORCE = 1 << 17
#: N, beyond which a disturbing force is not felt as larger: more would carry numbers out of range.
MOST_FORCE = 1e6


@kernel
def advance_one(agents, key, step, p, tables, work):
    """Move one world by one control period under its drones' commands or setpoints.

    Args:
        agents: The drones.
        key: The episode's key.
        step: Control periods since reset.
        p: Parameters of the plant.
        tables: See :mod:`gym_suite.drones.tables`.
        work: Scratch, :func:`gym_suite.drones.columns.scratch_size` numbers.
    """
    per = constants(p)
    forget_neighbours(agents, work)
    for tick in range(int(p[P.ratio])):
        prepare(agents, key, step, tick, p, tables, work)
        fly(agents, p, per, tables[T.rotors], work)


@kernel
def advance_plain_one(a, p, rotors, work):
    """Move a drone that is alone by one control period, as :func:`advance_one` does where that is all there is to it.

    Its rotors are commanded directly, no force disturbs it, and Bullet's scheme moves it. Most of flying is this, and
    it compiles in half the time.

    Args:
        a: The drone.
        p: Parameters.
        rotors: Table of the rotors.
        work: Scratch, :func:`gym_suite.drones.columns.scratch_size` numbers.
    """
    per = constants(p)
    for _ in range(int(p[P.ratio]) * int(p[P.substeps])):
        if near_floor(a, p, per.dt):
            _touch_floor(a, p, per, rotors, work)
        else:
            fly_free(a, 0.0, p, per, rotors)


@called_kernel
def _touch_floor(a, p, per, rotors, work):
    """Move a drone that may touch the floor by one integration step, as :func:`_fly_touching` does."""
    store_wrench(a, 0.0, p, rotors, work, W.wrench_0)
    remember_attitude(a)
    if rests(a, p, work, W.wrench_0):
        hold(a)
    else:
        for _ in range(CONTACT_STEPS):
            for c in range(6):
                work[W.pushed_0 + c] = work[W.wrench_0 + c]
            add_floor(a, p, work, W.pushed_0)
            pushed_step(a, p, per, per.dt / CONTACT_STEPS, work, W.pushed_0)
    spin_rotors(a, per.kept, rotors)


@kernel
def prepare(agents, key, step, tick, p, tables, work):
    """Set disturbing forces and rotor commands of a world for physics step ``tick`` of a control period."""
    if tables[T.signals].shape[0] > 0:
        t = (step * int(p[P.ratio]) + tick) * p[P.dt]
        _disturb(agents, key, t, tables[T.signals], tables[T.samples])
    if tables[T.adversity].shape[0] > 0:
        _suffer(agents, key, step, tick, p, tables, work)
    if int(p[P.action]) != pm.ROTORS:
        _close_loops(agents, p, tables[T.nominal][0], tables[T.rotors])
    if p[P.battery_voltage] > 0.0:
        supply(agents, p)


@called_kernel
def _disturb(agents, key, t, signals, samples):
    """Set the disturbing force on every drone at time t."""
    for c in range(3):
        force = signal_value(signals, c, samples, key, STREAM_FORCE + c, t)
        force = max(min(force, MOST_FORCE), -MOST_FORCE)
        for j in range(agents.shape[0]):
            agents[j, X.force_x + c] = force


@called_kernel
def _suffer(agents, key, step, tick, p, tables, work):
    """Set what befalls the drones at physics step ``tick`` of a control period; its numbers are drawn at the first."""
    first = agents.shape[0] * DRONE_SCRATCH + WORLD.drawn_0
    numbers = work[first : first + DRAWN]
    if tick == 0:
        draw(key, tables[T.adversity], numbers)
        if step == 0:
            begin(agents, key, numbers)
        stir(agents, key, step, p[P.ratio] * p[P.dt], numbers)
    for j in range(agents.shape[0]):
        for c in range(3):
            agents[j, X.torque_x + c] = 0.0
            if tables[T.signals].shape[0] == 0:
                agents[j, X.force_x + c] = 0.0
    t = (step * int(p[P.ratio]) + tick) * p[P.dt]
    endure(agents, key, t, p, tables[T.rotors], tables[T.nominal][0], numbers)


@called_kernel
def _close_loops(agents, p, nominal, rotors):
    """Command the rotors of every drone by the inner loop of its kind of setpoint."""
    kind = int(p[P.action])
    gains = Gains(
        p[P.gain_position],
        p[P.gain_velocity],
        p[P.gain_attitude],
        p[P.gain_rate],
        p[P.gain_lag],
    )
    for j in range(agents.shape[0]):
        a, s = agents[j], X.setpoint_0
        r = attitude(a)
        wx, wy, wz = turn_back(
            r, a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z]
        )
        if kind == pm.RATES:
            thrust = a[s]
            tx, ty, tz = rate_torque(nominal, gains, a[s + 1], a[s + 2], a[s + 3], wx, wy, wz)
        elif kind == pm.STICKS:
            ox, oy = level_rates(r, a[s], a[s + 1])
            thrust = 4.0 * nominal[P.k_f] * (a[s + 3] * nominal[P.max_rpm]) ** 2
            tx, ty, tz = rate_torque(nominal, gains, ox, oy, -a[s + 2], wx, wy, wz)
        else:
            ex, ey, ez = 0.0, 0.0, 0.0
            vx, vy, vz = -a[X.velocity_x], -a[X.velocity_y], -a[X.velocity_z]
            if kind == pm.VELOCITY:
                vx += a[s]
                vy += a[s + 1]
                vz += a[s + 2]
            else:
                ex = a[s] - a[X.position_x]
                ey = a[s + 1] - a[X.position_y]
                ez = a[s + 2] - a[X.position_z]
            fx, fy, fz = wanted_force(nominal, gains, ex, ey, ez, vx, vy, vz, 0.0, 0.0, 0.0)
            thrust, tx, ty, tz = attitude_torque(nominal, gains, r, wx, wy, wz, fx, fy, fz)
        if rotors.ndim == 1:
            wanted = rotor_speeds(thrust, tx, ty, tz, nominal)
            for c in range(4):
                a[X.command_0 + c] = led(nominal, gains, wanted[c], a[X.rotor_0 + c])
        else:
            for c in range(rotors.shape[0]):
                speed = wanted_speed(rotors, c, thrust, tx, ty, tz, nominal[P.max_rpm])
                k = int(rotors[c, R.speed])
                a[int(rotors[c, R.command])] = led(nominal, gains, speed, a[k])


@kernel
def fly(agents, p, per, rotors, work):
    """Move the drones of a world, (drones, columns), by one physics step under their rotor commands.

    Args:
        agents: The drones.
        p: Parameters.
        per: Their :func:`gym_suite.drones.motion.constants`.
        rotors: Table of the rotors.
        work: Scratch, :func:`gym_suite.drones.columns.scratch_size` numbers, with a list of neighbours.
    """
    count = agents.shape[0]
    blown = p[P.downwash_1] > 0.0 and count > 1
    for _ in range(int(p[P.substeps])):
        if mark_touching(agents, p, per.dt, work):
            _fly_touching(agents, p, per, rotors, work)
        elif p[P.integrator] > 0.5 and turns_steadily(agents, per.dt):
            runge_kutta_step(agents, p, per, rotors, work)
        else:
            if blown:  # by where all drones are before any of them moves
                for j in range(count):
                    work[j * DRONE_SCRATCH + W.wrench_0] = downwash(agents, j, p, rotors)
            for j in range(count):
                push = work[j * DRONE_SCRATCH + W.wrench_0] if blown else 0.0
                fly_free(agents[j], push, p, per, rotors)


@called_kernel
def _fly_touching(agents, p, per, rotors, work):
    """Move drones of which some may touch something by one integration step.

    Those take small steps, in which the forces of flight stay as they are; those that lie still are held.
    """
    count = agents.shape[0]
    awake = False
    for j in range(count):
        store_wrench_of(agents, j, p, rotors, work)
    for j in range(count):
        remember_attitude(agents[j])
        k = j * DRONE_SCRATCH
        if work[k + W.touching] == ON_THE_FLOOR and rests(agents[j], p, work, k + W.wrench_0):
            hold(agents[j])
            work[k + W.touching] = RESTING
        awake |= work[k + W.touching] > 0.0
    for _ in range(CONTACT_STEPS if awake else 0):
        for j in range(count):
            k = j * DRONE_SCRATCH
            for c in range(6):
                work[k + W.pushed_0 + c] = work[k + W.wrench_0 + c]
        add_contacts(agents, p, work)
        for j in range(count):
            k = j * DRONE_SCRATCH
            if work[k + W.touching] > 0.0:
                pushed_step(agents[j], p, per, per.dt / CONTACT_STEPS, work, k + W.pushed_0)
    for j in range(count):
        k = j * DRONE_SCRATCH
        if work[k + W.touching] == 0.0:
            pushed_step(agents[j], p, per, per.dt, work, k + W.wrench_0)
        spin_rotors(agents[j], per.kept, rotors)


@kernel
def wrenches(agents, p, rotors, work, out):
    """Fill force and torque of each drone, (drones, 6), for another engine; then do what follows its step."""
    kept = rotor_memory(p, p[P.dt])
    for j in range(agents.shape[0]):
        store_wrench_of(agents, j, p, rotors, work)
    for j in range(agents.shape[0]):
        for c in range(6):
            out[j, c] = work[j * DRONE_SCRATCH + W.wrench_0 + c]
        if turns_hard(agents[j], p, p[P.dt]):
            gx, gy, gz = gyroscopic_correction(agents[j], p, p[P.dt])
            out[j, 3] += gx
            out[j, 4] += gy
            out[j, 5] += gz
        spin_rotors(agents[j], kept, rotors)
        remember_attitude(agents[j])
