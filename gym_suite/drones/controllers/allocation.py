"""Sharing thrust and torques among rotors of which some can give less than others, or nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel

#: Weights of thrust and of the torque about z beside those about x and y, where rotors cannot give all of them: who
#: falls over loses his place and his height, who turns about z keeps both. With 0.1 for the torque about z a
#: hexacopter without a rotor stayed 0.13 m beside its target, with 0.02 0.01 m.
THRUST, YAW = 0.3, 0.02
#: Most sweeps over the rotors, and the change of a force within one, as a part of the weight, with which they end; a
#: test holds what they leave of the least cost.
SWEEPS, SETTLED = 2000, 1e-9
SOURCE = (
    "O. Haerkegard, Efficient active set algorithms for solving constrained least squares problems in aircraft control "
    "allocation, IEEE CDC 2002, doi:10.1109/CDC.2002.1184694 (weighted least squares within bounds); solver: "
    "projected coordinate descent"
)


class Sharing:
    """Forces of rotors, each from 0 to a largest one, that come nearest to a thrust and torques.

    Weighted least squares within bounds. What is weighed are thrust over the weight, torques about x and y over those
    of the weight at the longest lever, and the torque about z over that of rotors of one sense that carry the weight.

    Args:
        effects: Thrust and body torques (N m) of each rotor's force, (4, rotors).
        weight: Of the vehicle, N.
    """

    def __init__(self, effects: NDArray[np.float64], weight: float) -> None:
        reach = weight * float(np.abs(effects[1:3]).max())
        turn = weight * float(np.abs(effects[3]).max())
        scale = np.array([THRUST / weight, 1.0 / reach, 1.0 / reach, YAW / turn if turn else 0.0])
        self._scale, self._weight = scale, weight
        self._matrix = effects * scale[:, None]
        self._inverses: dict[bytes, NDArray[np.float64]] = {}

    def _begin(self, wanted: NDArray[np.float64], most: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the least forces of the rotors that can give any, within their bounds, (n, rotors)."""
        able = most > 0.0
        forces = np.zeros(most.shape)
        for pattern in np.unique(able, axis=0):
            inverse = self._inverses.setdefault(
                pattern.tobytes(), np.linalg.pinv(self._matrix * pattern)
            )
            rows = (able == pattern).all(axis=1)
            # Summed alike however many rows there are, as BLAS does not.
            forces[rows] = (wanted[rows, None, :] * inverse).sum(axis=2)
        return np.clip(forces, 0.0, most)

    def forces(self, demand: NDArray[np.float64], most: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the forces, N, (n, rotors).

        Args:
            demand: Thrust, N, and body torques, N m, (n, 4).
            most: Largest force of each rotor, N, (n, rotors).
        """
        wanted = demand * self._scale
        forces = self._begin(wanted, most)
        settled = SETTLED * self._weight
        _descend(self._matrix, wanted, np.ascontiguousarray(most), settled, np.empty(4), forces)
        return forces

    def missed(self, demand: NDArray[np.float64], most: NDArray[np.float64]) -> float:
        """Return how much of a thrust and torques about x and y, (4,), is missed, in the units that are weighed."""
        forces = self.forces(demand[None], most[None])[0]
        left = self._matrix @ forces - demand * self._scale
        return float(np.abs(left[:3]).max())


@kernel
def _descend(matrix, wanted, most, settled, left, forces):
    """Move forces (n, rotors) to the least sum of squares of matrix (4, rotors) times forces less wanted (n, 4).

    One force after the other goes to the best that its bounds let it, so the cost falls with each. It ends where none
    moves by more than ``settled``; ``left`` is scratch.
    """
    for row in range(forces.shape[0]):
        for r in range(4):
            left[r] = -wanted[row, r]
            for i in range(forces.shape[1]):
                left[r] += matrix[r, i] * forces[row, i]
        for _ in range(SWEEPS):
            moved = 0.0
            for i in range(forces.shape[1]):
                slope, square = 0.0, 0.0
                for r in range(4):
                    slope += matrix[r, i] * left[r]
                    square += matrix[r, i] * matrix[r, i]
                new = min(max(forces[row, i] - slope / square, 0.0), most[row, i])
                for r in range(4):
                    left[r] += matrix[r, i] * (new - forces[row, i])
                moved = max(moved, abs(new - forces[row, i]))
                forces[row, i] = new
            if moved < settled:
                break
