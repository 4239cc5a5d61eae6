"""What the drones' controllers share: from observation to flight state, from rotor speeds to action."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.controllers.protocol import Controller, Loop
from gym_suite.drones.columns import TABLES
from gym_suite.drones.controllers.heading import MEMORY, HeadingFrame
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import hover_speeds
from gym_suite.drones.vehicles import FEWEST, RPM

P, T = PHYSICS.places, TABLES.places


def parts(**sizes: int) -> Mapping[str, slice]:
    """Return where numbers of given sizes stand in a row, one after the other: slices by name."""
    ends = np.cumsum(list(sizes.values())).tolist()
    return MappingProxyType(
        {
            name: slice(end - size, end)
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }
    )


def sizes(memory: Mapping[str, slice]) -> dict[str, int]:
    """Return how many numbers each part has: what :func:`parts` was given."""
    return {name: part.stop - part.start for name, part in memory.items()}


#: Parts of what laws remember that hold a number of each rotor.
OF_ROTORS = ("rotors", "before")


class RotorController(Controller, ABC):
    """A law that gives rotor speeds from one drone's observation; of several drones each is flown alike.

    It keeps the nose along x, or where the observation says where it is to point, there: see
    :class:`gym_suite.drones.controllers.heading.HeadingFrame`.

    Observations may be one drone's or, in the joint form, all drones' side by side.
    """

    #: What one drone's law remembers, by name; "rotors" is its belief of the rotors' speeds, rpm above hovering. What
    #: it holds of each of four rotors (:data:`OF_ROTORS`) is as long as there are rotors once the law is tuned.
    memory: Mapping[str, slice] = parts()
    #: Parts of it that begin with a vector of the world, and that end with a heading. What a target's motion is
    #: compared with is none: its change is fed forward, and that is its change in the axes that turn.
    vectors: ClassVar[tuple[str, ...]] = ()
    headings: ClassVar[tuple[str, ...]] = ()
    #: Whether thrust gives way where the rotors cannot give both thrust and torque: a drone that keeps upright
    #: sinks, one that does not falls.
    keeps_torque = True
    #: Whether a vehicle of more than four rotors may turn about z for long: the law then sees the world in axes that
    #: stay near its nose.
    lets_turn = False
    #: Where the gains come from, for :meth:`describe`; set by ``_tune``.
    rule_: str = ""
    source_: str = ""

    def _tune(self, nominal: Any) -> None:
        setup = nominal.setup
        names = setup.action_columns.names
        if not names[0].startswith("action_rotor"):
            raise ValueError(
                f"{type(self).__name__} commands rotor speeds; make the environment with action='rotors', "
                f"its actions are {', '.join(names)}"
            )
        if not setup.flat:
            raise ValueError(
                f"{type(self).__name__} needs the state; make the environment with 'state' in observation"
            )
        self._row = np.array(nominal.row)
        self._columns = setup.observation_columns
        self._size = len(self._columns)
        self._dt = setup.dt
        self._range = setup.action_columns[0].scale
        self._hover = float(self._row[P.hover_rpm])
        self._rotor_table = nominal.tables[T.rotors]
        # Each rotor's speed where they carry the weight; of four in a usual layout all turn alike.
        self._even = hover_speeds(self._row, self._rotor_table)
        self._count = len(self._even)
        if self._count != FEWEST:
            own = sizes(self.memory)
            self.memory = parts(
                **{n: self._count if n in OF_ROTORS else size for n, size in own.items()}
            )
        drag = self._row[[P.drag_xy, P.drag_xy, P.drag_z]]
        self._drag = drag * self._count * self._hover * RPM / self._row[P.mass]
        lag = self._row[P.motor_lag]
        self._kept = float(np.exp(-self._dt / lag)) if lag > 0.0 else 0.0
        self.observation_size_ = None  # one drone's or all drones'
        self._drones = setup.agent_count
        self._memory_size = max((part.stop for part in self.memory.values()), default=0)
        self._frame = None
        if "target_heading_x" in self._columns or (self.lets_turn and self._count > FEWEST):
            self._frame = HeadingFrame(self._columns, self._dt)
            self._memory_size += MEMORY
        self.state_size = self._memory_size * self._drones

    def describe(self) -> dict[str, Any]:
        """Return name, rule, source, gains with units, hyper-parameters and information, as plain data."""
        described = super().describe()
        return described | {"rule": self.rule_, "source": self.source_}

    def _seen(self, o: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """Return a vector quantity of (n, no) in SI units, (n, 3); 0 where a part of it is not observed."""
        vector = np.zeros((len(o), 3))
        for k, part in enumerate(f"{name}_{a}" for a in "xyz"):
            if part in self._columns:
                at = self._columns.index(part)
                vector[:, k] = o[:, at] * self._columns[at].scale
        return vector

    def _motion(
        self, o: NDArray[np.float64], memory: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the target's velocity, the acceleration that holds it against drag, and the target's jerk.

        The drag is that of rotors at hover speed (M. Faessler, A. Franchi and D. Scaramuzza, IEEE RA-L 3 (2018)
        620-626, doi:10.1109/LRA.2017.2776353); the jerk is the difference to the period before.

        Args:
            o: Observations, (n, no).
            memory: The last acceleration and whether there is one, (n, 4); updated in place.
        """
        velocity = self._seen(o, "target_velocity")
        acceleration = self._seen(o, "target_acceleration")
        jerk = (acceleration - memory[:, 0:3]) * memory[:, 3:4] / self._dt
        memory[:, 0:3], memory[:, 3] = acceleration, 1.0
        return velocity, acceleration + self._drag * velocity, jerk

    def _rotation(self, o: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rotation matrices row by row, (n, 9)."""
        at = self._columns.index("rotation_xx")
        return np.ascontiguousarray(o[:, at : at + 9])

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        n, width = observation.shape
        if width not in (self._size, self._size * self._drones):
            raise ValueError(
                f"an observation has {self._size} numbers per drone and {self._drones} drones, got {width}"
            )
        count = width // self._size
        o = observation.reshape(n * count, self._size)
        used = count * self._memory_size
        mine = np.ascontiguousarray(state[:, :used].reshape(n * count, self._memory_size))
        if self._frame is not None:
            vectors = [self.memory[name].start for name in self.vectors]
            headings = [self.memory[name].stop - 1 for name in self.headings]
            o = self._frame.seen(o, mine, vectors, headings)
        action = (self._rotors(o, mine) / self._even - 1.0) / self._range
        if self.keeps_torque:
            action -= np.maximum(action.max(axis=1, keepdims=True) - 1.0, 0.0)
            action += np.maximum(-1.0 - action.min(axis=1, keepdims=True), 0.0)
        action = np.clip(action, -1.0, 1.0)
        self._after(action, mine)
        state[:, :used] = mine.reshape(n, used)
        return action.reshape(n, count * self._count)

    @abstractmethod
    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return rotor speeds, rpm, (n, rotors), from observations (n, no); may update the state (n, ns) in place."""

    def _after(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        """Update the state with what the action space let through."""

    def overruled(
        self, state: ArrayLike, answer: ArrayLike, action: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the state in which the believed rotor speeds follow the action that was taken, not the answer.

        Args:
            state: What :meth:`predict` returned, (ns,) or (n, ns). Not changed.
            answer: The action that it returned, (nu,) or (n, nu).
            action: The action that was taken, of the same shape.
        """
        changed = np.array(state, np.float64)
        place = self.memory.get("rotors")
        if place is None:
            return changed
        more = np.asarray(action, np.float64) - np.asarray(answer, np.float64)
        more = self._range * self._even * (1.0 - self._kept) * more.reshape(-1, self._count)
        memories = changed[..., : self._memory_size * self._drones].reshape(-1, self._memory_size)
        memories[:, place] += more
        changed[..., : self._memory_size * self._drones] = memories.reshape(*changed.shape[:-1], -1)
        return changed

    def _follow_rotors(self, action: NDArray[np.float64], state: NDArray[np.float64]) -> None:
        """Let the believed rotor speeds, rpm above hovering, approach what was commanded."""
        wanted = action * self._range * self._even
        believed = state[:, self.memory["rotors"]]
        believed[:] = wanted + (believed - wanted) * self._kept


def cascade_loops(
    attitude: list[float], position: list[float], height: list[float], *, lag: float, dt: float
) -> list[Loop]:
    """Return the open loops of a cascade about hovering, for Bode plots and margins.

    Args:
        attitude: Gains of rate (1/s) and angle (1/s^2).
        position: Gains of velocity (1/s), position (1/s^2) and integral (1/s^3) above the closed attitude loop.
        height: The same of height, which commands thrust.
        lag: Rotor lag that the loops see, s.
        dt: Control period, s; half of it is the hold's dead time.
    """
    closed = [lag, 1.0, *attitude]
    delay = {"delay": 0.5 * dt, "dt": dt}
    return [
        Loop(
            label="attitude", numerator=tuple(attitude), denominator=(lag, 1.0, 0.0, 0.0), **delay
        ),
        Loop(
            label="position",
            numerator=tuple(attitude[1] * gain for gain in position),
            denominator=(*closed, 0.0, 0.0, 0.0),
            **delay,
        ),
        Loop(
            label="height",
            numerator=tuple(height),
            denominator=(lag, 1.0, 0.0, 0.0, 0.0),
            **delay,
        ),
    ]


def euler_angles(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return roll, pitch, yaw, (n, 3) in rad, of rotation matrices row by row, (n, 9)."""
    r = rotation.reshape(-1, 3, 3)
    return np.stack(
        [
            np.arctan2(r[:, 2, 1], r[:, 2, 2]),
            np.arcsin(np.clip(-r[:, 2, 0], -1.0, 1.0)),
            np.arctan2(r[:, 1, 0], r[:, 0, 0]),
        ],
        axis=1,
    )
