"""A lap through gates as a drone finds itself on it: which gate is next, where on the lap it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.columns import Columns
from gym_suite.drones.columns import GATE_OBSERVATIONS, GATES
from gym_suite.drones.trajectories import Pieces

G = GATES.places
Array = NDArray[np.float64]

#: s between the samples of a lap; s before and behind itself in which a drone looks for its place on the lap.
EVERY, NEAR = 0.005, 0.2
#: s behind a gate to which a drone may fly on that has not got through it; then it goes back half-way to the last one.
BEYOND = 0.3
#: Numbers that are remembered of a drone: the time to the gate, below 0 before it, s; the gate; the pace, as a share of
#: the lap's; whether there was a period before.
MEMORY = 4


def checked_gates(gates: Array, law: str) -> Array:
    """Return the table of gates if a law can fly through them by what is observed.

    Raises:
        ValueError: If there are none, or they are too far apart for the next one to be observed.
    """
    if not len(gates):
        raise ValueError(f"{law} control needs gates; it flies drones/Gates-v0")
    farthest = GATE_OBSERVATIONS["next_x"].high * GATE_OBSERVATIONS["next_x"].scale
    apart = np.abs(_ways(gates)).max()
    if apart >= farthest:
        raise ValueError(
            f"{law} control needs gates less than {farthest:g} m apart along each axis, got {apart:.3g} m"
        )
    return gates


def centres(gates: Array) -> Array:
    """Return the middles of the gates, m, (gates, 3)."""
    return gates[:, G.centre_x : G.centre_z + 1]


def _ways(gates: Array) -> Array:
    """Return the ways from each gate to the next one, m, (gates, 3)."""
    return np.roll(centres(gates), -1, axis=0) - centres(gates)


class Course:
    """A closed lap through gates.

    Args:
        gates: Table of the gates.
        columns: Of one drone's observation.
        lap: The lap.
        crossings: Times of the lap at which it crosses the gates, s, (gates,).
    """

    def __init__(self, gates: Array, columns: Columns, lap: Pieces, crossings: Array) -> None:
        through = gates[:, G.through_x : G.through_y + 1]
        self.lap, self.total = lap, float(lap.durations.sum())
        self._centres, self._crossings = centres(gates), crossings
        self._known = np.hstack(
            [_ways(gates), self._centres[:, 2:], through, np.roll(through, -1, axis=0)]
        )
        names = [f"{which}_{a}" for which in ("gate", "next_gate") for a in "xy"]
        self._directions = [columns.index(name) for name in names]
        self._height = columns.index("height")
        self._metre = columns[self._height].scale
        self.times = np.arange(0.0, self.total, EVERY)
        self._places = lap.at(self.times)
        # From the gate before to each one.
        self._pieces = (crossings - np.roll(crossings, 1)) % self.total

    def find(self, o: Array, error: Array, after: Array) -> tuple[NDArray[np.intp], Array]:
        """Return which gate is next, (n,), and where the drone is, m, (n, 3).

        Args:
            o: Observations.
            error: Way to the next gate, m, (n, 3).
            after: Way to the gate after it, m, (n, 3).
        """
        height = o[:, self._height] * self._metre
        directions = [o[:, at] for at in self._directions]
        seen = np.column_stack([after - error, height + error[:, 2], *directions])
        gate = np.square(seen[:, None] - self._known).sum(axis=2).argmin(axis=1)
        return gate, self._centres[gate] - error

    def follow(
        self, memory: Array, gate: NDArray[np.intp], place: Array, dt: float
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return the time on the lap of its place nearest to a drone, the last pace, and whether a gate was missed.

        Args:
            memory: What is remembered, (n, :data:`MEMORY`); the time to the gate and the gate are updated.
            gate: Which gate is next.
            place: Where the drone is.
            dt: Control period, s.
        """
        # Times to the gate: below 0 before it. The one a period ago has gone on by a period.
        until, piece = memory[:, 0], self._pieces[gate]
        changed = memory[:, 1] != gate
        until[:] = np.where(
            changed, np.where(memory[:, 3] > 0.0, until - piece, -0.5 * piece), until
        )
        pace = np.where(memory[:, 3] > 0.0, memory[:, 2], 0.0)
        memory[:, 1], memory[:, 3] = gate, 1.0
        until += pace * dt
        offsets = np.arange(-NEAR, NEAR, EVERY)
        candidates = until[:, None] + offsets
        index = ((self._crossings[gate][:, None] + candidates) / EVERY).astype(np.intp)
        ways = self._places[index % len(self.times)] - place[:, None]
        nearest = np.square(ways).sum(axis=2).argmin(axis=1)
        until[:] = candidates[np.arange(len(place)), nearest]
        missed = until > BEYOND
        until[:] = np.where(missed, -0.5 * piece, np.maximum(until, -piece))
        return (self._crossings[gate] + until) % self.total, pace, missed
