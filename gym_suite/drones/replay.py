"""Replay of a real flight: short predictions from its motor commands, voltage and body rates, in either engine.

A window begins at a measured state. From there on the model knows what the motors were told, the battery's voltage and
how fast the body turned; it does not know where it went. Torques are not predicted: at 100 Hz in closed loop they
cannot be told from a log, so the measured rates turn the body, whose moments of inertia are set so large that nothing
else does.

What no parameter can know is found from the flight's past, before each window (:func:`observe`): by how much the
body frame of the motion capture is tilted against the accelerometer, while the vehicle rests, and against the thrust
in flight; and the rotors' thrust per thrust of the model, which differs by some per cent from battery to battery.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_option
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import BODY, RIGID, USUAL, scratch_size
from gym_suite.drones.contacts import forget_neighbours
from gym_suite.drones.dynamics import fly
from gym_suite.drones.logs import STANDARD_GRAVITY, Log
from gym_suite.drones.motion import constants
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.propulsion import rotor_speed
from gym_suite.drones.transforms import rotation, turn, turn_back
from gym_suite.drones.vehicles import RPM

X, P = BODY.places, PHYSICS.places
Array = NDArray[np.float64]

ENGINES = ("compiled", "bullet")
#: kg, mass of the replayed Crazyflie with markers: drone-models 0.1.0, set cf2x_L250.
MASS = 0.0319
#: Thrust over the thrust stand's at the same motor voltage and :data:`MASS`: the mean over five flights of NanoBench
#: (circle fast, figure8 fast, oval fast, star fast, trefoil medium), :func:`gym_suite.drones.validation.thrust_scale`.
THRUST_SCALE = 0.647
#: s, time constant by which the measured voltage, noisy by the motors' pulses, is smoothed.
SMOOTHING = 0.3
#: s, of flight that the observer remembers, and how much flight its first guess weighs.
MEMORY, TRUST = 2.0, 1.0
#: m above the first height, from which on a vehicle flies; s of rest that tell the tilt of the body frame, and of
#: running motors that tell that a log begins in flight; mean pulse width above which a vehicle flies.
AIRBORNE, REST = 0.1, 0.2
FLYING_WIDTH = 0.3
#: Moment of inertia, kg m^2, of a body that only its measured rates turn.
_UNTURNED = 1e3
_BULLET_STEPS = 4  # of a sample


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a model makes of a log, sample by sample.

    Attributes:
        row: Physical parameters.
        commands: Rotor speeds at which the motors would settle, rpm, (n, 4).
        rotors: Their speeds with the lag, rpm, (n, 4).
        believed: Tilt of the thrust about x and y, rad, and thrust over the model's, (n, 3).
    """

    row: Array
    commands: Array
    rotors: Array
    believed: Array


def physics_row(vehicle: object, model: object, effects: tuple[str, ...] = pm.EFFECTS) -> Array:
    """Return the parameter row of a body that measured rates turn; the log's voltage takes the battery's place.

    Raises:
        ValueError: If the vehicle has not four rotors in layout "x" or "+", as the logs are of.
    """
    given = pm.build_vehicle(vehicle)
    if not given.usual:
        raise ValueError(
            "logs are of vehicles with four rotors in layout 'x' or '+'; this one has "
            f"{given.count} in layout {given.arrangement!r}"
        )
    built = replace(given, i_xx=_UNTURNED, i_yy=_UNTURNED, i_zz=_UNTURNED)
    law = replace(pm.build_model(model), battery_voltage=0.0)
    values = pm.physics_values(built, law, effects, integrator="rk4", dt=0.01, substeps=1)
    return np.array(list(values.values()))


def understand(
    log: Log,
    vehicle: object = None,
    model: object = "measured",
    *,
    scale: float = THRUST_SCALE,
    observed: bool = True,
) -> Inputs:
    """Return what a vehicle and model make of a log.

    Args:
        log: The flight.
        vehicle: As in :func:`gym_suite.drones.simulate`; by default a CF2X of :data:`MASS`.
        model: As there.
        scale: Thrust over the model's.
        observed: Whether tilt and thrust are observed from the flight's past; else the tilt is 0 and the scale stays.
    """
    row = physics_row({"mass": MASS} if vehicle is None else vehicle, model)
    commands, rotors = np.empty_like(log.width), np.empty_like(log.width)
    turn_motors(log.t, log.width, log.voltage, float(row[P.motor_lag]), commands, rotors)
    believed = np.tile([0.0, 0.0, scale], (len(log.t), 1))
    if observed:
        tilt = resting_tilt(log)
        observe(
            log.t, airborne(log), log.quaternion, log.velocity, rotors, row, tilt, scale, believed
        )
    return Inputs(row, commands, rotors, believed)


def airborne(log: Log) -> NDArray[np.bool_]:
    """Return at which samples a vehicle flies, (n,).

    That is where it is :data:`AIRBORNE` above the height at which the log begins. Where the log begins in flight,
    with pulses as wide as it takes over its first :data:`REST`, nothing is known of the floor: there it flies while its
    motors run.
    """
    begin = log.width[log.t - log.t[0] < REST].mean(axis=1)
    if begin.min() > FLYING_WIDTH:
        return log.width.sum(axis=1) > 0.0
    return log.position[:, 2] > log.position[0, 2] + AIRBORNE


def never_flies(log: Log) -> str:
    """Return the sentence about a log in which :func:`airborne` finds no flight."""
    return (
        f"{log.name} holds no flight: it neither rises by {AIRBORNE:g} m over where it begins, nor begins with pulses "
        f"as wide as flight takes, {FLYING_WIDTH:.0%} of the full width"
    )


def resting_tilt(log: Log) -> Array:
    """Return the rotation vector, rad, (3,), from the body frame of the motion capture to the accelerometer's.

    It is told by gravity before the motors run; zero where the log begins in flight.
    """
    running = np.flatnonzero(log.width.sum(axis=1) > 0.0)
    still = slice(0, int(running[0]) if len(running) else len(log.t))
    if still.stop < 2 or log.t[still.stop - 1] - log.t[0] < REST:
        return np.zeros(3)
    felt = log.force[still].mean(axis=0)
    felt /= np.linalg.norm(felt)
    x, y, z, w = log.quaternion[still].T
    seen = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]).mean(
        axis=1
    )
    axis = np.cross(felt, seen)
    sine = float(np.linalg.norm(axis))
    return axis / sine * np.arcsin(min(sine, 1.0)) if sine > 1e-9 else np.zeros(3)


@kernel
def turn_motors(t, width, voltage, lag, commands, rotors):
    """Fill the speeds at which motors would settle and those by a lag, rpm; commands hold till the next."""
    volts = voltage[0]
    for k in range(t.shape[0]):
        step = t[k] - t[k - 1] if k > 0 else 0.0
        volts += (voltage[k] - volts) * (1.0 - np.exp(-step / SMOOTHING))
        kept = np.exp(-step / lag) if lag > 0.0 else 0.0
        for c in range(4):
            commands[k, c] = rotor_speed(width[k, c] * volts)
            held = commands[k - 1, c] if k > 0 else commands[k, c]
            before = rotors[k - 1, c] if k > 0 else commands[k, c]
            rotors[k, c] = held + (before - held) * kept


@kernel
def tilted(q, x, y, z):
    """Return the quaternion after a small rotation (x, y, z) in the body, rad."""
    half = 0.5 * np.sqrt(x * x + y * y + z * z)
    s = 0.5 * np.sin(half) / half if half > 1e-9 else 0.5
    ax, ay, az, aw = s * x, s * y, s * z, np.cos(half)
    return (
        q[3] * ax + q[0] * aw + q[1] * az - q[2] * ay,
        q[3] * ay - q[0] * az + q[1] * aw + q[2] * ax,
        q[3] * az + q[0] * ay - q[1] * ax + q[2] * aw,
        q[3] * aw - q[0] * ax - q[1] * ay - q[2] * az,
    )


@kernel
def observe(t, aloft, quaternion, velocity, rotors, p, tilt, scale, believed):
    """Fill, sample by sample, what the flight until then tells of the thrust's direction and size.

    In flight the specific force in the body is R'(dv/dt + g) plus drag. Its mean over the last :data:`MEMORY` seconds
    (exponential), sideways over the weight and upwards over the model's thrust, is what is believed; it begins as the
    tilt at rest and the given scale, which weigh as much as :data:`TRUST` seconds. Nothing later than a sample enters.

    Args:
        t: Time, s, (n,).
        aloft: Whether the vehicle flies, (n,); once it has flown it is taken to fly on.
        quaternion: (n, 4).
        velocity: m/s, (n, 3).
        rotors: Speeds of the rotors, rpm, (n, 4).
        p: Parameters.
        tilt: Rotation from the measured body frame to the one that carries the accelerometer, rad, (3,).
        scale: Thrust over the model's, to begin with.
        believed: Tilt of the thrust about x and y, rad, and thrust over the model's, (n, 3).
    """
    sum_x, sum_y, sum_z, weight = 0.0, 0.0, scale * TRUST, TRUST
    flying = False
    for k in range(t.shape[0]):
        flying |= aloft[k]
        thrust, turning = 0.0, 0.0
        for c in range(4):
            thrust += p[P.k_f] * rotors[k, c] ** 2 / p[P.mass]
            turning += RPM * rotors[k, c]
        if flying and k > 0 and thrust > 0.1 * p[P.gravity]:
            step = t[k] - t[k - 1]
            q = tilted(quaternion[k], tilt[0], tilt[1], tilt[2])
            r = rotation(q[0], q[1], q[2], q[3])
            fx, fy, fz = turn_back(
                r,
                (velocity[k, 0] - velocity[k - 1, 0]) / step,
                (velocity[k, 1] - velocity[k - 1, 1]) / step,
                (velocity[k, 2] - velocity[k - 1, 2]) / step + p[P.gravity],
            )
            bx, by, bz = turn_back(r, velocity[k, 0], velocity[k, 1], velocity[k, 2])
            fx += p[P.drag_xy] * turning / p[P.mass] * bx
            fy += p[P.drag_xy] * turning / p[P.mass] * by
            fz += p[P.drag_z] * turning / p[P.mass] * bz
            kept = np.exp(-step / MEMORY)
            sum_x = sum_x * kept + fx / p[P.gravity] * step
            sum_y = sum_y * kept + fy / p[P.gravity] * step
            sum_z = sum_z * kept + fz / thrust * step
            weight = weight * kept + step
        believed[k, 0] = tilt[0] - sum_y / weight
        believed[k, 1] = tilt[1] + sum_x / weight
        believed[k, 2] = sum_z / weight


def predict(
    log: Log, inputs: Inputs, starts: Any, steps: int, *, engine: str = "compiled"
) -> Array:
    """Return position and velocity predicted from windows' starts on, (windows, steps, 6).

    Args:
        log: The flight.
        inputs: What a model makes of it.
        starts: Samples at which windows begin.
        steps: Samples to predict.
        engine: "compiled" or "bullet".

    Raises:
        ValueError: For an unknown engine, naming the nearest, or a window that goes beyond the log's end.
        ImportError: For engine="bullet" without PyBullet.
    """
    check_option("engine", engine, ENGINES)
    begins = np.asarray(starts, dtype=np.int64)
    if len(begins) and int(begins.max()) + steps >= len(log.t):
        raise ValueError(f"a window of {steps} samples goes beyond the end of {log.name}")
    out = np.empty((len(begins), steps, 6))
    flight = (log.t, log.position, log.quaternion, log.velocity, log.rate)
    told = (inputs.commands, inputs.rotors, inputs.believed)
    agents, row = np.zeros((1, len(BODY))), inputs.row.copy()
    if engine == "bullet":
        _predict_in_bullet(begins, flight, told, agents, row, inputs.row, out)
    else:
        _predict_compiled(
            begins, *flight, *told, agents, row, inputs.row, np.zeros(scratch_size(1)), out
        )
    return out


@kernel
def _begin(a, k, position, quaternion, velocity, rotors, believed, p, nominal):
    """Put a drone where it was measured at sample k, with what is believed of it then."""
    q = tilted(quaternion[k], believed[k, 0], believed[k, 1], 0.0)
    for c in range(4):
        a[X.quaternion_x + c] = a[X.old_quaternion_x + c] = q[c]
        a[X.rotor_0 + c] = rotors[k, c]
    for c in range(3):
        a[X.position_x + c] = position[k, c]
        a[X.velocity_x + c] = velocity[k, c]
    p[P.k_f] = nominal[P.k_f] * believed[k, 2]


@kernel
def _turn_as_measured(a, k, rate, commands):
    """Give a drone the rates measured about sample k, and its rotors' commands."""
    r = rotation(a[X.quaternion_x], a[X.quaternion_y], a[X.quaternion_z], a[X.quaternion_w])
    x, y, z = turn(
        r,
        0.5 * (rate[k, 0] + rate[k + 1, 0]),
        0.5 * (rate[k, 1] + rate[k + 1, 1]),
        0.5 * (rate[k, 2] + rate[k + 1, 2]),
    )
    a[X.angular_velocity_x], a[X.angular_velocity_y], a[X.angular_velocity_z] = x, y, z
    for c in range(4):
        a[X.command_0 + c] = commands[k, c]


@kernel
def _predict_compiled(
    starts,
    t,
    position,
    quaternion,
    velocity,
    rate,
    commands,
    rotors,
    believed,
    agents,
    p,
    nominal,
    work,
    out,
):
    a = agents[0]
    for i in range(starts.shape[0]):
        _begin(a, starts[i], position, quaternion, velocity, rotors, believed, p, nominal)
        forget_neighbours(agents, work)
        for h in range(out.shape[1]):
            k = starts[i] + h
            _turn_as_measured(a, k, rate, commands)
            p[P.dt] = t[k + 1] - t[k]
            fly(agents, p, constants(p), USUAL, work)
            for c in range(3):
                out[i, h, c] = a[X.position_x + c]
                out[i, h, 3 + c] = a[X.velocity_x + c]


def _predict_in_bullet(
    starts: NDArray[np.int64],
    flight: tuple[Array, ...],
    told: tuple[Array, ...],
    agents: Array,
    p: Array,
    nominal: Array,
    out: Array,
) -> None:
    from gym_suite.drones.bullet import World
    from gym_suite.drones.dynamics import wrenches

    t, position, quaternion, velocity, rate = flight
    commands, rotors, believed = told
    world, wrench, work = World(1, p), np.empty((1, 6)), np.zeros(scratch_size(1))
    try:
        for i, start in enumerate(starts.tolist()):
            _begin(agents[0], start, position, quaternion, velocity, rotors, believed, p, nominal)
            for h in range(out.shape[1]):
                k = start + h
                p[P.dt] = (t[k + 1] - t[k]) / _BULLET_STEPS
                world.set_step(float(p[P.dt]))
                for _ in range(_BULLET_STEPS):
                    _turn_as_measured(agents[0], k, rate, commands)
                    world.set_poses(agents)
                    wrenches(agents, p, USUAL, work, wrench)
                    world.step(wrench, agents[:, X.position_x : X.position_x + 3])
                    agents[0, :RIGID] = world.read()
                out[i, h, :3] = agents[0, X.position_x : X.position_x + 3]
                out[i, h, 3:] = agents[0, X.velocity_x : X.velocity_x + 3]
    finally:
        world.close()


def constant_thrust(log: Log, thrust: float, drag: float) -> Inputs:
    """Return inputs that hold a specific thrust, in units of standard gravity, against a linear drag, 1/s.

    It is the simplest prediction that the gyro turns, and the mark that a model of the thrust has to beat.
    """
    row = physics_row({"mass": MASS}, {"motor_lag": 0.0}, ("drag",))
    speed = np.sqrt(thrust * STANDARD_GRAVITY * MASS / (4.0 * row[P.k_f]))
    row[P.drag_xy] = row[P.drag_z] = drag * MASS / (4.0 * speed * RPM)
    rotors = np.full_like(log.width, speed)
    return Inputs(row, rotors, rotors, np.tile([0.0, 0.0, 1.0], (len(log.t), 1)))
