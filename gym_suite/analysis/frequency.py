"""Frequency responses of loops: Bode data with dead time, and stability margins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.analysis.linear import LinearModel
from gym_suite.controllers.protocol import Loop
from gym_suite.core.parameters import unknown_error

Vector = NDArray[np.float64]

_POINTS_PER_DECADE = 200

#: Rounding errors of a phase or a logarithm.
_TOUCH = 1e-10


#: Of the first loop on a pair of axes, the second and so on.
_DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrequencyResponse:
    """An open loop over frequency, and its margins.

    Where there are several crossovers, the margins nearest to instability are given, as
    python-control does. Frequencies above half the sampling rate are left out.

    Attributes:
        omega: (n,) angular frequencies in rad/s.
        magnitude: (n,) gain, 1.
        phase: (n,) phase in degrees, continuous over frequency.
        gain_margin: Factor by which the gain may grow before the loop turns unstable; infinite
            without a phase crossover.
        phase_margin: Degrees of phase the loop may lose; infinite without a gain crossover.
        gain_crossover: Frequency in rad/s at which the magnitude is 1; NaN if none.
        phase_crossover: Frequency in rad/s at which the phase is -180 degrees; NaN if none.
        label: Name of the loop.
    """

    omega: Vector
    magnitude: Vector
    phase: Vector
    gain_margin: float
    phase_margin: float
    gain_crossover: float
    phase_crossover: float
    label: str

    @property
    def magnitude_db(self) -> Vector:
        """Magnitude in decibels."""
        return 20.0 * np.log10(self.magnitude)

    @property
    def gain_margin_db(self) -> float:
        """Gain margin in decibels."""
        return float(20.0 * np.log10(self.gain_margin))

    def plot(self, axes: Any = None) -> Any:
        """Draw the Bode plot, named with its margins in a legend.

        Args:
            axes: Two matplotlib axes, for magnitude and phase, on which other loops may be drawn already; each has a
                dash of its own, so that those beneath are seen. None makes a new figure.

        Returns:
            The matplotlib figure.
        """
        if axes is None:
            from matplotlib.figure import Figure

            axes = Figure(figsize=(6.4, 5.2), layout="constrained").subplots(2, 1, sharex=True)
        upper, lower = axes
        name = (
            f"{self.label}: phase margin {self.phase_margin:.1f} deg, "
            f"gain margin {self.gain_margin_db:.1f} dB"
        )
        drawn = sum(not str(line.get_label()).startswith("_") for line in upper.get_lines())
        dash = _DASHES[drawn % len(_DASHES)]
        upper.semilogx(self.omega, self.magnitude_db, linestyle=dash, label=name)
        upper.axhline(0.0, color="0.6", linewidth=0.8)
        upper.set_ylabel("magnitude in dB")
        lower.semilogx(self.omega, self.phase, linestyle=dash, label=self.label)
        lower.axhline(-180.0, color="0.6", linewidth=0.8)
        lower.set(xlabel="angular frequency in rad/s", ylabel="phase in degrees")
        for crossover, style in ((self.gain_crossover, "--"), (self.phase_crossover, ":")):
            if np.isfinite(crossover):
                for axis in axes:
                    axis.axvline(crossover, color="0.4", linewidth=0.8, linestyle=style)
        upper.legend(loc="lower left", frameon=False, fontsize="small")
        return upper.figure


def open_loop(controller: Any, *, omega: ArrayLike | None = None) -> tuple[FrequencyResponse, ...]:
    """Return the frequency response of each loop of a controller, its dead time included.

    Args:
        controller: A tuned controller with a method ``loops() -> list[Loop]``.
        omega: Frequencies in rad/s; None chooses them per loop.

    Raises:
        TypeError: If the controller offers no loops.
    """
    if not callable(getattr(controller, "loops", None)):
        raise TypeError(f"{type(controller).__name__} offers no loops() with its open loops")
    return tuple(frequency_response(loop, omega=omega) for loop in controller.loops())


def frequency_response(
    system: Loop | LinearModel,
    *,
    input: str | None = None,
    output: str | None = None,
    omega: ArrayLike | None = None,
) -> FrequencyResponse:
    """Return magnitude, phase and margins of a loop, or of one channel of a linear model.

    Args:
        system: A loop, or a linear model.
        input: Input of a linear model; may be left out where there is only one.
        output: Output of a linear model; may be left out where there is only one.
        omega: Increasing positive frequencies in rad/s; None covers corner frequencies and
            crossovers, up to half the sampling rate of a sampled loop.

    Raises:
        ValueError: For unknown names or frequencies that are not positive and increasing.
    """
    loop = _channel(system, input, output) if isinstance(system, LinearModel) else system
    zeros, poles, gain = _roots(loop)
    if omega is None:
        grid = _frequencies(loop, zeros, poles, gain)
    else:
        grid = np.asarray(omega, dtype=np.float64)
        if grid.ndim != 1 or grid.size < 2 or grid[0] <= 0.0 or not (np.diff(grid) > 0.0).all():
            raise ValueError("omega must be at least two increasing positive frequencies in rad/s")
    magnitude = partial(_log_magnitude, zeros, poles, gain)
    raw = partial(_raw_phase, zeros, poles, gain, loop.delay)
    shift = 2.0 * np.pi * np.ceil((raw(grid[0]) - 0.5 * np.pi) / (2.0 * np.pi))

    def phase(frequency: Any) -> Any:
        return raw(frequency) - shift

    gain_margin, phase_crossover = _gain_margin(grid, magnitude, phase)
    phase_margin, gain_crossover = _phase_margin(grid, magnitude, phase)
    return FrequencyResponse(
        omega=grid.copy(),
        magnitude=np.exp(magnitude(grid)),
        phase=np.degrees(phase(grid)),
        gain_margin=gain_margin,
        phase_margin=phase_margin,
        gain_crossover=gain_crossover,
        phase_crossover=phase_crossover,
        label=loop.label,
    )


def _channel(model: LinearModel, input: str | None, output: str | None) -> Loop:
    """Return one channel of a linear model as a transfer function."""
    from scipy.signal import ss2tf

    columns = []
    for name, names, kind in (
        (input, model.input_names, "input"),
        (output, model.output_names, "output"),
    ):
        if name is None and len(names) != 1:
            raise ValueError(f"say which {kind}: {', '.join(names)}")
        if name is not None and name not in names:
            raise unknown_error(kind, name, names)
        columns.append(0 if name is None else names.index(name))
    source, sink = columns
    numerators, denominator = ss2tf(model.A, model.B, model.C, model.D, input=source)
    numerator, denominator = np.array(numerators[sink]), np.array(denominator)
    # The conversion leaves rounding errors where leading coefficients vanish.
    scale = np.abs(denominator).max()
    numerator[np.abs(numerator) < 1e-12 * max(scale, np.abs(numerator).max())] = 0.0
    if not numerator.any():
        raise ValueError(
            f"{model.input_names[source]} does not act on {model.output_names[sink]} here"
        )
    label = f"{model.input_names[source]} to {model.output_names[sink]}"
    return Loop(label=label, numerator=tuple(numerator), denominator=tuple(denominator))


def _roots(loop: Loop) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Return zeros, poles and leading gain."""
    numerator = np.trim_zeros(np.array(loop.numerator), "f")
    denominator = np.trim_zeros(np.array(loop.denominator), "f")
    return np.roots(numerator), np.roots(denominator), float(numerator[0] / denominator[0])


def _log_magnitude(zeros: NDArray[Any], poles: NDArray[Any], gain: float, omega: Any) -> Any:
    """Return the natural logarithm of |L(j omega)|."""
    s = 1j * np.asarray(omega)[..., None]
    distance_to_zeros = np.log(np.abs(s - zeros)).sum(axis=-1)
    return np.log(abs(gain)) + distance_to_zeros - np.log(np.abs(s - poles)).sum(axis=-1)


def _raw_phase(
    zeros: NDArray[Any], poles: NDArray[Any], gain: float, delay: float, omega: Any
) -> Any:
    """Return the phase in rad as the sum over the roots.

    Each root's angle is continuous over positive frequencies, so nothing needs unwrapping.
    """
    omega = np.asarray(omega)

    def angles(roots: NDArray[Any]) -> Any:
        return np.arctan2(omega[..., None] - np.imag(roots), -np.real(roots)).sum(axis=-1)

    return (np.pi if gain < 0.0 else 0.0) + angles(zeros) - angles(poles) - omega * delay


def _frequencies(loop: Loop, zeros: NDArray[Any], poles: NDArray[Any], gain: float) -> Vector:
    """Return frequencies that cover the corners, the dead time and the crossovers."""
    corners = np.abs(np.concatenate([zeros, poles]))
    corners = corners[corners > 1e-9 * (corners.max() if corners.size else 1.0)]
    marks = [*corners, *([1.0 / loop.delay] if loop.delay > 0.0 else [])]
    marks += [np.pi / loop.dt] if loop.dt > 0.0 else []
    low, high = (min(marks) / 100.0, max(marks) * 100.0) if marks else (1e-3, 1e3)
    magnitude = partial(_log_magnitude, zeros, poles, gain)
    # A crossover may lie decades outside the corners: follow a slope until it is well passed.
    for _ in range(12):
        if magnitude(high) > -1.0 and magnitude(high / 2.0) > magnitude(high) + 0.1:
            high *= 10.0
        if magnitude(low) < 1.0 and magnitude(low / 2.0) > magnitude(low) + 0.1:
            low /= 10.0
    if loop.dt > 0.0:
        high = np.pi / loop.dt
        low = min(low, high / 1e3)
    count = int(np.ceil(_POINTS_PER_DECADE * np.log10(high / low))) + 1
    return np.geomspace(low, high, count)


def _crossings(grid: Vector, function: Callable[[Any], Any], period: float = np.inf) -> list[float]:
    """Return where a continuous function passes zero, or any multiple of a period, refined.

    Touching a level within rounding errors is no crossing.
    """
    from scipy.optimize import brentq

    value = function(grid)
    if np.isinf(period):
        band = (value > -_TOUCH).astype(float)
    else:
        band = np.floor(value / period + _TOUCH)
    places = []
    for i in np.flatnonzero(np.diff(band)):
        level = 0.0 if np.isinf(period) else period * max(band[i], band[i + 1])
        left, right = value[i] - level, value[i + 1] - level
        if left * right < 0.0:
            places.append(brentq(lambda w, level=level: function(w) - level, grid[i], grid[i + 1]))
        else:
            places.append(grid[i] if abs(left) < abs(right) else grid[i + 1])
    return [float(place) for place in places]


def _gain_margin(
    grid: Vector, magnitude: Callable[[Any], Any], phase: Callable[[Any], Any]
) -> tuple[float, float]:
    """Return the gain margin nearest to one, and its frequency."""
    # The phase is at -180 degrees where this is a whole number of turns.
    crossings = _crossings(grid, lambda w: phase(w) + np.pi, period=2.0 * np.pi)
    if not crossings:
        return float("inf"), float("nan")
    nearest = min(crossings, key=lambda w: abs(float(magnitude(w))))
    return float(np.exp(-magnitude(nearest))), nearest


def _phase_margin(
    grid: Vector, magnitude: Callable[[Any], Any], phase: Callable[[Any], Any]
) -> tuple[float, float]:
    """Return the smallest phase margin in degrees, and its frequency."""
    crossings = _crossings(grid, magnitude)
    if not crossings:
        return float("inf"), float("nan")
    margins = [float(np.degrees(phase(w)) % 360.0 - 180.0) for w in crossings]
    nearest = int(np.argmin(np.abs(margins)))
    return margins[nearest], crossings[nearest]
