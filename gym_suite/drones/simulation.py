"""Open-loop simulation of drones: rotor speeds in, a trajectory out, in either engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number, check_option
from gym_suite.core.trajectory import Trajectory
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import BODY, RIGID, ROTOR, scratch_size
from gym_suite.drones.contacts import forget_neighbours
from gym_suite.drones.dynamics import fly, wrenches
from gym_suite.drones.motion import constants
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.propulsion import supply
from gym_suite.drones.rotors import rotor_count, rotor_table
from gym_suite.drones.vehicles import FEWEST

X, P, R = BODY.places, PHYSICS.places, ROTOR.places

ENGINES = ("bullet", "compiled")
#: Integration steps per dt that ``integrator="rk4"`` takes by default.
RK4_SUBSTEPS = 4

_SHAPES = {"position": 3, "quaternion": 4, "velocity": 3, "angular_velocity": 3}
_UNITS = {"position": "m", "quaternion": "1", "velocity": "m/s", "angular_velocity": "rad/s"}


def simulate(
    vehicle: object,
    rpm: ArrayLike,
    *,
    engine: str = "bullet",
    model: object = "identified",
    aerodynamics: object = pm.EFFECTS,
    dt: float = 1 / 240,
    position: ArrayLike,
    quaternion: ArrayLike,
    velocity: ArrayLike | None = None,
    angular_velocity: ArrayLike | None = None,
    integrator: str = "bullet",
    substeps: int | None = None,
) -> Trajectory:
    """Fly one or many drones under given rotor speeds, each held over one step.

    Args:
        vehicle: A set's name ("cf2x", "cf2p", "cf21", "race", "x500", "f550", "octorotor"), a mapping of overrides
            such as ``{"base": "cf2p", "mass": 0.03}``, a vehicle file or a
            :class:`gym_suite.drones.parameters.Vehicle`.
        rpm: Commanded rotor speeds, rpm, shape (steps, drones, rotors), or (steps, rotors) for one drone.
        engine: "bullet" (PyBullet) or "compiled".
        model: "identified", "bullet-parity", "measured", a mapping of overrides or a
            :class:`gym_suite.drones.parameters.Model`.
        aerodynamics: Effects that are on, of "ground", "drag" and "downwash".
        dt: Step, s.
        position: m, shape (drones, 3) or (3,) for one drone.
        quaternion: (x, y, z, w) from body to world, shape (drones, 4) or (4,); normalised here.
        velocity: m/s, like the position; 0 where not given.
        angular_velocity: rad/s in the world frame, like the position; 0 where not given.
        integrator: "bullet" (semi-implicit Euler, as Bullet) or "rk4" (compiled engine only).
        substeps: Integration steps per dt of the compiled engine; 1, or 4 with "rk4".

    Returns:
        steps + 1 rows of ``position``, ``quaternion`` (xyzw), ``velocity`` and ``angular_velocity`` (world
        frame), each of shape (steps + 1, drones, ...). With a motor lag the rotors begin at the first command.

    Raises:
        ValueError: For arrays of a wrong shape or not finite, a zero quaternion, an unknown name (naming the
            nearest), or a number out of bounds.
        TypeError: For a vehicle, model or aerodynamics of the wrong kind.
        ImportError: For engine="bullet" without PyBullet.
    """
    check_option("engine", engine, ENGINES)
    check_option("integrator", integrator, pm.INTEGRATORS)
    built = pm.build_vehicle(vehicle)
    law = pm.build_model(model)
    pm.check_battery(built, law)
    effects = pm.read_effects(aerodynamics)
    commands = _commands(rpm, built.count)
    if integrator == "rk4" and (engine == "bullet" or not law.identified):
        raise ValueError(
            "integrator='rk4' is for engine='compiled' and an identified model; "
            "Bullet and the peer's one-step-old frame have a scheme of their own"
        )
    if substeps is not None and engine == "bullet":
        raise ValueError("substeps is for engine='compiled'; give Bullet a smaller dt")
    if substeps is None:
        substeps = RK4_SUBSTEPS if integrator == "rk4" else 1
    values = pm.physics_values(
        built,
        law,
        effects,
        integrator=integrator,
        dt=check_number("dt", dt, above=0.0, high=1.0),
        substeps=int(check_number("substeps", substeps, low=1, high=1_000_000, integer=True)),
    )
    row = np.array(list(values.values()))
    rotors = rotor_table(built, values, first=X.setpoint_0)
    start = {
        "position": position,
        "quaternion": quaternion,
        "velocity": velocity,
        "angular_velocity": angular_velocity,
    }
    agents = _agents(start, commands, float(row[P.motor_lag]), rotors)
    if engine == "compiled":
        states = np.empty((len(commands) + 1, len(agents), RIGID))
        work = np.zeros(scratch_size(len(agents)))
        _fly_compiled(agents, commands, row, rotors, work, states)
    else:
        states = _fly_bullet(agents, commands, row, rotors)
    meta = {"engine": engine, "vehicle": repr(built), "model": repr(law), "effects": list(effects)}
    columns, at = {}, 0
    for name, size in _SHAPES.items():
        columns[name] = states[:, :, at : at + size]
        at += size
    return Trajectory(columns, dt=float(row[P.dt]), units=_UNITS, meta=meta)


def _commands(rpm: ArrayLike, rotors: int) -> NDArray[np.float64]:
    values = np.ascontiguousarray(rpm, dtype=np.float64)
    if values.ndim == 2:
        values = values[:, None]
    if values.ndim != 3 or values.shape[2] != rotors or not values.size:
        raise ValueError(f"rpm must have shape (steps, drones, {rotors}), got {np.shape(rpm)}")
    wrong = _first_wrong(values.reshape(-1))
    if wrong >= 0:
        step, drone, rotor = np.unravel_index(wrong, values.shape)
        got = values[step, drone, rotor]
        raise ValueError(f"rpm[{step}, {drone}, {rotor}] is {got}; it must be finite and >= 0")
    return values


@kernel
def _first_wrong(values):
    """Return the index of the first number that is not a finite one >= 0, or -1."""
    wrong = 0
    for i in range(values.shape[0]):
        wrong += not 0.0 <= values[i] < np.inf
    if wrong:
        for i in range(values.shape[0]):
            if not 0.0 <= values[i] < np.inf:
                return i
    return -1


def _agents(
    start: dict[str, Any],
    commands: NDArray[np.float64],
    lag: float,
    rotors: NDArray[np.float64],
) -> NDArray:
    """Return the drones' rows at the beginning."""
    count, further = commands.shape[1], rotor_count(rotors) - FEWEST
    # What is held by inner loops is not flown; in its place stand the rotors beyond four.
    agents = np.zeros((count, X.setpoint_0 + 2 * further))
    at = 0
    for name, size in _SHAPES.items():
        given = start[name]
        values = np.zeros((count, size)) if given is None else np.asarray(given, dtype=np.float64)
        if values.shape == (size,) and count == 1:
            values = values[None]
        if values.shape != (count, size):
            raise ValueError(f"{name} must have shape ({count}, {size}), got {values.shape}")
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite, got {values.tolist()}")
        agents[:, at : at + size] = values
        at += size
    attitude = agents[:, X.quaternion_x : X.quaternion_x + 4]
    length = np.linalg.norm(attitude, axis=1)
    if (length < 1e-6).any():
        raise ValueError(
            f"quaternion {int(np.argmin(length))} is zero; no attitude is (0, 0, 0, 1)"
        )
    attitude /= length[:, None]
    agents[:, X.old_quaternion_x : X.old_quaternion_x + 4] = attitude
    if lag > 0.0:
        places = np.arange(X.rotor_0, X.rotor_0 + FEWEST)
        agents[:, places if rotors.ndim == 1 else rotors[:, R.speed].astype(int)] = commands[0]
    return agents


@kernel
def _command(a, wanted, rotors):
    """Write the commands of a drone's rotors, (rotors,), to its row."""
    if rotors.ndim == 1:
        for c in range(4):
            a[X.command_0 + c] = wanted[c]
    else:
        for c in range(rotors.shape[0]):
            a[int(rotors[c, R.command])] = wanted[c]


@kernel
def _fly_compiled(agents, commands, p, rotors, work, states):
    count, steps = agents.shape[0], commands.shape[0]
    per = constants(p)
    forget_neighbours(agents, work)
    for k in range(steps + 1):
        # One pass over the drones for both: with many of them each pass comes from the outer caches.
        for j in range(count):
            for c in range(RIGID):
                states[k, j, c] = agents[j, c]
            if k < steps:
                _command(agents[j], commands[k, j], rotors)
        if k < steps:
            if p[P.battery_voltage] > 0.0:
                supply(agents, p)
            fly(agents, p, per, rotors, work)


@kernel
def _prepare(agents, command, p, rotors, work, out):
    for j in range(agents.shape[0]):
        _command(agents[j], command[j], rotors)
    if p[P.battery_voltage] > 0.0:
        supply(agents, p)
    wrenches(agents, p, rotors, work, out)


def _fly_bullet(
    agents: NDArray[np.float64],
    commands: NDArray[np.float64],
    row: NDArray[np.float64],
    rotors: NDArray[np.float64],
) -> NDArray[np.float64]:
    from gym_suite.drones.bullet import World

    steps, count = commands.shape[:2]
    states = np.empty((steps + 1, count, RIGID))
    states[0] = agents[:, :RIGID]
    wrench, work = np.empty((count, 6)), np.zeros(scratch_size(count))
    world = World(count, row)
    try:
        world.set_poses(agents)
        for k in range(steps):
            _prepare(agents, commands[k], row, rotors, work, wrench)
            world.step(wrench, agents[:, X.position_x : X.position_x + 3])
            after = states[k + 1]
            after.flat = world.read()
            agents[:, :RIGID] = after
    finally:
        world.close()
    return states
