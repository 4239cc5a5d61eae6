"""Losses of a drive from a map of its efficiency: a model with a term for each kind of loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Term to the powers of torque and speed that it grows with, its unit and what it stands for. With a constant flux a
#: current is proportional to its torque, so copper loss grows with the square of the torque and the conduction loss of
#: semiconductors with a fixed drop with the torque; where the field is weakened the flux falls as the speed grows, and
#: the current is proportional to the power. Hysteresis grows with the frequency and eddy currents with its square
#: (Steinmetz, Proc. IEEE 72(2), 1984, doi:10.1109/PROC.1984.12842, reprint of 1892).
TERMS: Mapping[str, tuple[int, int, str, str]] = MappingProxyType(
    {
        "standing": (0, 0, "W", "electronics, and what a field costs"),
        "conduction": (1, 0, "W/(N m)", "fixed drop of semiconductors"),
        "copper": (2, 0, "W/(N m)^2", "windings and resistance of semiconductors"),
        "hysteresis": (0, 1, "W s/rad", "hysteresis, and friction of a constant torque"),
        "eddy": (0, 2, "W s^2/rad^2", "eddy currents, and viscous friction"),
        "loaded_iron": (1, 1, "W s/(rad N m)", "iron under the flux of the current"),
        "weakening": (
            2,
            2,
            "1/W",
            "windings where a weakened field makes currents grow with the power",
        ),
    }
)
#: Rounds in which weights follow the model; the second changes little.
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class LossModel:
    """Losses of a drive by torque and speed, from a map of its efficiency.

    Attributes:
        coefficients: Term of :data:`TERMS` to its coefficient, none below zero.
        rms: Rms error of the efficiency over the points of the map.
        worst: Largest error of the efficiency over them.
        held_out: Rms error of the efficiency at each speed, from a fit to the points at all other speeds.
        points: Number of points.
    """

    coefficients: Mapping[str, float]
    rms: float
    worst: float
    held_out: float
    points: int

    def losses(self, torque: ArrayLike, speed: ArrayLike) -> Array:
        """Return the losses, W, in driving and in braking alike.

        Args:
            torque: N m.
            speed: rad/s, of a shape that goes with that of the torque.
        """
        columns = _columns(np.asarray(torque, np.float64), np.asarray(speed, np.float64))
        return np.tensordot(np.array(list(self.coefficients.values())), columns, axes=1)

    def efficiency(self, torque: ArrayLike, speed: ArrayLike) -> Array:
        """Return the efficiency in driving: mechanical power over what is taken up, 0 where there is no such power.

        Args:
            torque: N m.
            speed: rad/s.
        """
        given = np.asarray(torque, np.float64) * np.asarray(speed, np.float64)
        useful = np.maximum(given, 0.0)
        taken = useful + self.losses(torque, speed)
        return np.divide(useful, taken, out=np.zeros_like(taken), where=taken > 0.0)

    def __str__(self) -> str:
        lines = [f"{self.points} points; rms error of the efficiency {self.rms:.4f}"]
        lines[0] += f", at speeds that were left out {self.held_out:.4f}, worst {self.worst:.4f}"
        for name, value in self.coefficients.items():
            *_, unit, meaning = TERMS[name]
            lines.append(f"{name} = {value:.4g} {unit} ({meaning})")
        return "\n".join(lines)


def fit_losses(torque: ArrayLike, speed: ArrayLike, efficiency: ArrayLike) -> LossModel:
    """Return the loss model that explains a map of efficiency best.

    The coefficients are those of the least squared error of the efficiency, none below zero: a loss that gives power
    is none. What a term stands for is what usually grows as it does; a map of the whole cannot tell friction from
    hysteresis, or a converter from a winding.

    Args:
        torque: Torques of the map's points, N m, above 0.
        speed: Their speeds, rad/s, above 0.
        efficiency: Their efficiencies in driving, above 0 and below 1.

    Raises:
        ValueError: For points of different numbers, fewer than twice the terms, or at fewer than three speeds, or a
            value out of bounds; says which.
    """
    t, w, eta = (np.asarray(values, np.float64).ravel() for values in (torque, speed, efficiency))
    if not len(t) == len(w) == len(eta):
        raise ValueError(
            f"a map has as many torques as speeds and efficiencies, got {len(t)}, {len(w)} and {len(eta)}"
        )
    for name, values in (("torque", t), ("speed", w), ("efficiency", eta)):
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
        if len(bad):
            raise ValueError(
                f"{name}[{bad[0]}] is {values[bad[0]]:g}; a map is of points where the drive gives power, all above 0"
            )
    if eta.max() >= 1.0:
        guess = ", which looks like per cent" if np.median(eta) > 1.0 else ""
        raise ValueError(f"the largest efficiency is {eta.max():g}{guess}; it lies below 1")
    speeds = np.unique(w)
    if len(t) < 2 * len(TERMS) or len(speeds) < 3:
        raise ValueError(
            f"{len(t)} points at {len(speeds)} speeds are too few for {len(TERMS)} terms: give {2 * len(TERMS)} at "
            "three"
        )
    found = _solve(t, w, eta)
    errors = _efficiency(found, t, w) - eta
    apart = np.empty_like(eta)
    for own in speeds:
        at = w == own
        apart[at] = _efficiency(_solve(t[~at], w[~at], eta[~at]), t[at], w[at]) - eta[at]
    return LossModel(
        coefficients=MappingProxyType(dict(zip(TERMS, map(float, found), strict=True))),
        rms=float(np.sqrt(np.mean(errors**2))),
        worst=float(np.abs(errors).max()),
        held_out=float(np.sqrt(np.mean(apart**2))),
        points=len(t),
    )


def _columns(torque: Array, speed: Array) -> Array:
    """Return what each coefficient is multiplied by, (terms, ...)."""
    size, turning = np.abs(torque), np.abs(speed)
    return np.array([size**a * turning**b for a, b, *_ in TERMS.values()])


def _efficiency(found: Array, torque: Array, speed: Array) -> Array:
    power = torque * speed
    return power / (power + found @ _columns(torque, speed))


def _solve(torque: Array, speed: Array, efficiency: Array) -> Array:
    """Return the coefficients of least squared error of the efficiency.

    With P the power and V the losses, P / (P + V_model) - P / (P + V) = (V - V_model) eta eta_model / P: losses that
    are weighted so differ by what the efficiencies do.
    """
    from scipy.optimize import nnls

    power = torque * speed
    losses = power * (1.0 / efficiency - 1.0)
    columns = _columns(torque, speed)
    model, found = efficiency, np.zeros(len(columns))
    for _ in range(ROUNDS):
        weight = efficiency * model / power
        weighted = columns * weight
        size = np.linalg.norm(weighted, axis=1)
        found = nnls((weighted / size[:, None]).T, losses * weight)[0] / size
        model = _efficiency(found, torque, speed)
    return found
