"""Betaflight's firmware between the actions of an environment and its rotors: states and motor outputs in lockstep."""

from __future__ import annotations

import weakref
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.family import Setup
from gym_suite.core.rows import Rows
from gym_suite.drones import loops
from gym_suite.drones import parameters as pm
from gym_suite.drones.columns import BODY, PARAMETERS
from gym_suite.drones.firmware import PERIOD, Firmware
from gym_suite.drones.packets import State, radio
from gym_suite.drones.sticks import HALF_WAY, MIDDLE

X, P = BODY.places, PARAMETERS.places


def check_rate(dt: float) -> None:
    """Refuse a physics step that is not the firmware's.

    Args:
        dt: Physics step, s.

    Raises:
        ValueError: If it is another one, with the rate that it must be.
    """
    if abs(dt - PERIOD) > 1e-9 * PERIOD:
        raise ValueError(
            f"the firmware takes a state {1.0 / PERIOD:.0f} times a second, so physics_frequency must be "
            f"{1.0 / PERIOD:.0f} Hz with engine='betaflight', got {1.0 / dt:g} Hz"
        )


class Lockstep:
    """Moves the row of an environment, flown by a firmware; see :class:`gym_suite.core.family.Advance`.

    The firmware is started at the first reset; from then on each reset disarms and arms it, while it is told that the
    craft is held where the episode starts. It ends with :meth:`close`, with the last reference to this object, and with
    the interpreter.

    Args:
        setup: What the id and its keywords decide.
        n: Number of worlds, which is 1.

    Raises:
        ImportError: Without the extra ``sitl``.
        ValueError: For more than one world.
    """

    def __init__(self, setup: Setup, n: int) -> None:
        if n > 1:
            raise ValueError(
                f"engine='betaflight' holds one world, got {n}: the firmware's ports are fixed, and its clock is that "
                "of the machine. engine='compiled' (on the shell --set engine=compiled) flies a model of its angle "
                "mode in any number of worlds"
            )
        try:
            Firmware()  # refuses where there is none
        except ImportError as error:
            raise ImportError(
                f"{error}. engine='compiled' (on the shell --set engine=compiled) flies a model of its angle mode and "
                "needs nothing"
            ) from None
        self._kernels = cast("loops.DroneKernels", setup.kernels)
        self._ratio = int(setup.row[P.ratio])
        self._gravity, self._fastest = float(setup.row[P.gravity]), float(setup.row[P.max_rpm])
        self._firmware: Firmware | None = None
        self._end: Any = None
        self._before: NDArray[np.float64] | None = None

    def reset(self, rows: Rows, mask: NDArray[np.bool_]) -> None:
        """Arm the firmware, started where it is not running, for an episode that begins as the row says.

        Raises:
            FirmwareError: A port is in use, or the firmware does not answer or arm in time.
        """
        if not mask[0]:
            return
        try:
            if self._firmware is None:
                self._firmware = Firmware()
                self._end = weakref.finalize(self, self._firmware.close)
                self._firmware.__enter__()
            still = self._state(rows.x[0])._replace(rates=(0.0,) * 3, velocity=(0.0,) * 3)
            self._firmware.rearm(still)
            self._before = None
        except BaseException:
            self.close()
            raise

    def _state(self, x: NDArray[np.float64]) -> State:
        """Return what the sensors say of a row; the specific force is that of the last physics step."""
        position, velocity, spin = (
            x[at : at + 3] for at in (X.position_x, X.velocity_x, X.angular_velocity_x)
        )
        before = velocity if self._before is None else self._before
        gained = (velocity - before) / PERIOD
        self._before = velocity.copy()
        quaternion = x[X.quaternion_x : X.quaternion_x + 4].tolist()
        return State.of(quaternion, position, velocity, spin, gained, self._gravity)

    def step(self, rows: Rows, skip: NDArray[np.bool_]) -> int:
        """Move the row by one control period; return -1 or the index of a non-finite action.

        Raises:
            FirmwareError: The firmware has ended or stopped answering; the next reset starts another one.
        """
        tables = rows.setup.tables
        wrong = self._kernels.begin(rows.x, rows.u, rows.p, tables, skip)
        if wrong >= 0 or skip[0]:
            return wrong
        # Its rotors are commanded here, so no inner loop of the physics is to do it.
        plant = rows.p.copy()
        plant[:, P.action] = pm.ROTORS
        roll, pitch, yaw, throttle = rows.u[0].tolist()
        channels = radio(roll, pitch, MIDDLE + HALF_WAY * throttle, yaw, armed=True)
        firmware = cast("Firmware", self._firmware)
        try:
            for tick in range(self._ratio):
                outputs = firmware.fly(self._state(rows.x[0]), channels, slot=tick)
                rows.x[0, X.command_0 : X.command_0 + 4] = self._fastest * outputs
                loops.fly_tick_batch(
                    rows.x, rows.key, rows.step, tick, plant, tables, rows.work, skip
                )
        except BaseException:
            self.close()
            raise
        self._kernels.finish(
            rows.x,
            rows.key,
            rows.step,
            rows.p,
            tables,
            rows.work,
            rows.metrics,
            rows.o,
            rows.reward,
            rows.terminated,
            skip,
        )
        return -1

    def capture(self, rows: Rows, mask: NDArray[np.bool_]) -> None:
        """Draw nothing: no id that an autopilot flies observes pictures."""

    def get_state(self) -> None:
        """Return nothing, as long as no firmware runs.

        Raises:
            ValueError: In flight, for what the firmware remembers cannot be read.
        """
        self._refuse_snapshots()

    def set_state(self, rows: Rows, state: Any) -> None:
        """Do nothing, as long as no firmware runs and none was when the snapshot was taken.

        Raises:
            ValueError: In flight, for what the firmware remembers cannot be written.
        """
        self._refuse_snapshots()

    def _refuse_snapshots(self) -> None:
        if self._firmware is not None:
            raise ValueError(
                "what the firmware remembers can be neither saved nor put back, so a world that has been reset with "
                "engine='betaflight' has no snapshots and no copies; one with engine='compiled' has"
            )

    def close(self) -> None:
        """End the firmware; may be called twice."""
        if self._end is not None:
            self._end()
        self._firmware = self._end = None
