"""A quadcopter flown by Betaflight's firmware: take-off, hover and a circle under a position loop through the radio.

The firmware levels the craft and turns its motors; what is here is the pilot, who sees position, velocity and heading
as they are, and moves the sticks. The craft is the compiled engine's, with an output of the firmware as a share of the
largest rotor speed.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.pilot import (
    HEADING,
    HEIGHT_INTEGRAL,
    HEIGHT_POSITION,
    HEIGHT_SPEED,
    INTEGRAL,
    MOST_INTEGRAL,
    POSITION,
    sticks,
)
from gym_suite.drones.controllers.pilot import SPEED as SPEED_GAIN
from gym_suite.drones.firmware import PERIOD, Firmware, FirmwareError, check_mixer
from gym_suite.drones.packets import State, radio, rotation
from gym_suite.drones.sticks import HALF_WAY, MIDDLE
from gym_suite.drones.vehicles import build_vehicle
from gym_suite.rendering import EpisodeRecorder, Stage

__all__ = ["Flight", "Pilot", "course", "fly"]

Array = NDArray[np.float64]

#: The course: seconds on the ground, of the climb, and until the circle is at speed; m; m/s.
GROUNDED, CLIMB, SPEED_UP = 0.5, 3.0, 2.0
HEIGHT, RADIUS, SPEED = 1.0, 1.0, 1.0
#: s after which what is left of the climb, or of speeding up, is not counted any more.
SETTLED = 3.0


def course(hover: float, laps: float) -> Array:
    """Return the way as a table of time, x, y, z: up from the ground, ``hover`` s at 1 m, ``laps`` round a circle.

    The circle of 1 m radius begins where the hover ends and speeds up to 1 m/s within 2 s; it slows down as long, so
    that it ends at rest. A way too short for that speeds up over its first half only.
    """
    begin = GROUNDED + CLIMB + hover
    way = 2.0 * math.pi * RADIUS * laps
    fast = min(SPEED, math.sqrt(way * SPEED / SPEED_UP))  # largest speed of the way
    rise = SPEED_UP * fast / SPEED  # s of speeding up, and of slowing down
    lasts = rise + way / fast if laps > 0.0 else 0.0
    t = np.arange(0.0, begin + lasts + 0.1, 0.1)
    part = np.clip((t - GROUNDED) / CLIMB, 0.0, 1.0)
    z = (
        HEIGHT * part**3 * (10.0 - 15.0 * part + 6.0 * part**2)
    )  # rest to rest, its acceleration without a jump
    s = np.clip(t - begin, 0.0, lasts)
    # At its speed, less what speeding up leaves behind and slowing down does not reach any more.
    slow = np.maximum(rise - s, 0.0) ** 2 - np.maximum(s - lasts + rise, 0.0) ** 2 - rise**2
    angle = (fast * s + 0.5 * SPEED / SPEED_UP * slow) / RADIUS
    return np.column_stack([t, RADIUS * (np.cos(angle) - 1.0), RADIUS * np.sin(angle), z])


class Pilot:
    """The position loop of :class:`gym_suite.drones.controllers.pilot.Pilot` on the true state, at the firmware's rate.

    Args:
        parameters: Nominal parameters of the craft by name.
    """

    def __init__(self, parameters: Mapping[str, float]) -> None:
        self._parameters = parameters
        self._integral = np.zeros(3)

    def channels(
        self,
        position: Array,
        velocity: Array,
        heading: float,
        target: Sequence[Array],
        *,
        flying: bool,
    ) -> list[int]:
        """Return the radio's channels.

        Args:
            position: m, (3,).
            velocity: m/s, (3,).
            heading: rad; 0 is wanted.
            target: Wanted position, velocity and acceleration, (3,) each.
            flying: Whether to remember the error; not while the craft stands on the ground.
        """
        error = target[0] - position
        if flying:
            self._integral += INTEGRAL * HEIGHT_INTEGRAL * PERIOD * error
            np.clip(self._integral, -MOST_INTEGRAL, MOST_INTEGRAL, out=self._integral)
        wanted = target[2] + self._integral + POSITION * HEIGHT_POSITION * error
        wanted += SPEED_GAIN * HEIGHT_SPEED * (target[1] - velocity)
        nose = np.array([heading])
        moved = sticks(wanted[None], nose, HEADING * nose, self._parameters)
        roll, pitch, yaw, throttle = moved[0].tolist()
        return radio(roll, pitch, MIDDLE + HALF_WAY * throttle, yaw, armed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What a flight came to.

    Attributes:
        hover_rms: Root mean square of the distance from the target in the hover, 3 s after the climb on, m.
        circle_rms: The same on the circle, from 3 s after its begin on, m; NaN without one.
        pace: Simulated time over real time.
        unanswered: States that the firmware has not answered.
        stage: What a replay shows.
    """

    hover_rms: float
    circle_rms: float
    pace: float
    unanswered: int
    stage: Stage

    def sentence(self) -> str:
        """Return the figures as a sentence."""
        circle = (
            "" if math.isnan(self.circle_rms) else f", the circle within {self.circle_rms:.3f} m"
        )
        return (
            f"Hovered within {self.hover_rms:.3f} m RMS{circle}; {self.pace:.2f} of real time, "
            f"{self.unanswered} states without an answer."
        )


def fly(
    *,
    vehicle: Any = "race",
    hover: float = 10.0,
    laps: float = 1.0,
    command: Sequence[str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
    **keywords: Any,
) -> Flight:
    """Let the firmware fly the course and end it, whatever happens.

    Args:
        vehicle: As of ``drones/Track-v0``, with four rotors in layout "x".
        hover: Seconds of the hover, from 5 on.
        laps: Rounds of the circle, 0 for none.
        command: Program and arguments of a firmware; None: the one of the extra ``sitl``.
        tell: Called with a line on how far it is.
        **keywords: Others of ``drones/Track-v0``, such as ``wind``; engine, frequencies, action, path, bound and start
            are the flight's own.

    Raises:
        ValueError: For a number out of bounds, a vehicle for which the firmware does not mix, or a keyword that the
            environment does not take.
        ImportError: Without the extra ``sitl``.
        FirmwareError: A port is in use, the firmware does not answer, or the craft crashed.
    """
    import gymnasium

    hover = check_number("hover", hover, low=5.0, high=600.0)
    laps = check_number("laps", laps, low=0.0, high=100.0)
    craft = build_vehicle(vehicle)
    check_mixer(craft.arrangement, craft.count)
    way = course(hover, laps)
    steps = int(way[-1, 0] / PERIOD)
    rate = round(1.0 / PERIOD)
    given = {
        "engine": "compiled",
        "physics_frequency": rate,
        "control_frequency": rate,
        "action": "rotors",
        "action_range": 1.0,
        "path": {"kind": "table", "table": way.tolist(), "spline": True},
        "bound": 5.0,
    }
    still = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
    if own := sorted({*given, *still, "max_episode_steps"} & set(keywords)):
        raise ValueError(f"{', '.join(own)}: the flight with an autopilot sets that itself")
    env = gymnasium.make(
        "drones/Track-v0", vehicle=vehicle, max_episode_steps=steps, **given, **still, **keywords
    )
    try:
        # Compiled before the firmware's clock runs.
        env.reset(seed=0)
        env.step(np.zeros(4))
        with _ended_by_signals(), Firmware(command, tell=tell) as firmware:
            tell(f"flying {steps * PERIOD:.0f} s")
            return _flown(env, firmware, hover, steps)
    finally:
        env.close()


def _flown(env: Any, firmware: Firmware, hover: float, steps: int) -> Flight:
    """Return the flight of an armed firmware."""
    world, recorder = env.unwrapped, EpisodeRecorder(env, steps)
    known = world.nominal.parameters
    pilot = Pilot(known)
    env.reset(seed=0, options={"state": {"position_z": 0.5 * known["height"]}})
    recorder.note()
    before = np.zeros(3)
    unanswered, begun = firmware.unanswered, time.monotonic()
    errors = np.empty(steps)
    for k in range(steps):
        state = {name: float(values[0]) for name, values in world.state().items()}
        position, velocity, spin = (
            _vector(state, name) for name in ("position", "velocity", "angular_velocity")
        )
        target = [
            _vector(state, name) for name in ("target", "target_velocity", "target_acceleration")
        ]
        quaternion = tuple(state[f"quaternion_{a}"] for a in "xyzw")
        gained, before = (velocity - before) / PERIOD, velocity
        now = State.of(quaternion, position, velocity, spin, gained, known["gravity"])
        nose = rotation(quaternion)[:, 0]
        heading = math.atan2(nose[1], nose[0])
        flying = k * PERIOD > GROUNDED
        output = firmware.fly(
            now, pilot.channels(position, velocity, heading, target, flying=flying)
        )
        rpm = known["max_rpm"] * output
        *_, terminated, _, _ = env.step(np.clip(rpm / known["hover_rpm"] - 1.0, -1.0, 1.0))
        recorder.note()
        errors[k] = world.metrics()["target_distance"][0]
        # Standing on the floor counts as a crash everywhere else.
        if terminated and k * PERIOD > GROUNDED + CLIMB:
            raise FirmwareError(f"the craft crashed after {k * PERIOD:.1f} s")
    up = GROUNDED + CLIMB
    pace = steps * PERIOD / (time.monotonic() - begun)
    return Flight(
        hover_rms=_rms(errors, up + SETTLED, up + hover),
        circle_rms=_rms(errors, up + hover + SETTLED, math.inf),
        pace=pace,
        unanswered=firmware.unanswered - unanswered,
        stage=_in_the_air(recorder.stage(), up),
    )


def _in_the_air(stage: Stage, up: float) -> Stage:
    """Return a stage without the alarm before ``up`` s: standing on the floor is no crash before the take-off."""
    alarm = None if stage.alarm is None else np.where(stage.time < up, 0.0, stage.alarm)
    return replace(stage, alarm=alarm)


def _vector(state: dict[str, float], name: str) -> Array:
    return np.array([state[f"{name}_{a}"] for a in "xyz"])


def _rms(errors: Array, first: float, last: float) -> float:
    """Return the root mean square of the errors from ``first`` to ``last`` s, NaN where there are none."""
    t = np.arange(len(errors)) * PERIOD
    part = errors[(t >= first) & (t < last)]
    return float(np.sqrt(np.mean(part**2))) if len(part) else math.nan


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM unwind the stack, as Ctrl-C does, so that what is open is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    kept = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, kept)
