"""Step responses of the plant and of its linear model, and the figures that describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.analysis.linear import (
    LinearModel,
    OperatingPoint,
    Plant,
    column_scale,
    linearize,
    zero_order_hold,
)
from gym_suite.core.parameters import unknown_error

Vector = NDArray[np.float64]


def step_info(
    time: ArrayLike,
    output: ArrayLike,
    *,
    final: float | None = None,
    settling_threshold: float = 0.02,
    rise_limits: tuple[float, float] = (0.1, 0.9),
) -> dict[str, float]:
    """Describe a step response that starts from zero, with python-control's names and definitions.

    Args:
        time: (T,) in s.
        output: (T,) deviation from the value before the step.
        final: Steady-state value; None takes the last sample.
        settling_threshold: Half width of the settling band, relative to the final value.
        rise_limits: Shares of the final value between which the rise time counts.

    Returns:
        RiseTime, SettlingTime (s), SettlingMin, SettlingMax, Overshoot, Undershoot (percent), Peak,
        PeakTime and SteadyStateValue; NaN where the response does not define the figure.

    Raises:
        ValueError: If the shapes differ or there are no samples.
    """
    time, output = np.asarray(time, dtype=float), np.asarray(output, dtype=float)
    if time.ndim != 1 or output.shape != time.shape or time.size == 0:
        raise ValueError(f"time and output must be (T,) alike, got {time.shape} and {output.shape}")
    steady = float(output[-1]) if final is None else float(final)
    peak = int(np.argmax(np.abs(output)))
    info = dict.fromkeys(
        ("RiseTime", "SettlingTime", "SettlingMin", "SettlingMax", "Overshoot", "Undershoot"),
        float("nan"),
    )
    info |= {
        "Peak": float(abs(output[peak])),
        "PeakTime": float(time[peak]),
        "SteadyStateValue": steady,
    }
    if steady == 0.0 or not np.isfinite(steady):
        return info
    share = output / steady
    info["Overshoot"] = max(0.0, 100.0 * (float(share.max()) - 1.0))
    info["Undershoot"] = max(0.0, -100.0 * float(share.min()))
    outside = np.flatnonzero(np.abs(share - 1.0) >= settling_threshold)
    settled = int(outside[-1]) + 1 if outside.size else 0
    if settled < time.size:
        info["SettlingTime"] = float(time[settled])
    reached = [np.flatnonzero(share >= limit) for limit in rise_limits]
    if all(indices.size for indices in reached):
        begin, end = (int(indices[0]) for indices in reached)
        info["RiseTime"] = float(time[end] - time[begin])
        info["SettlingMin"] = float(min(output[end:].min(), steady))
        info["SettlingMax"] = float(max(output[end:].max(), steady))
    return info


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """Outputs after a step of one input, in deviations from their value before it.

    Attributes:
        time: (T,) in s.
        outputs: (T, ny), SI; add ``offset`` for absolute values.
        output_names: Names of the outputs.
        input_name: The input that was stepped.
        amplitude: Height of the step, SI.
        offset: Outputs before the step (ny,).
        final: Steady-state values (ny,) where known, else NaN.
    """

    time: Vector
    outputs: Vector
    output_names: tuple[str, ...]
    input_name: str
    amplitude: float
    offset: Vector
    final: Vector

    def __getitem__(self, name: str) -> Vector:
        """Return one output's deviation (T,).

        Raises:
            ValueError: For an unknown name; names the nearest.
        """
        return self.outputs[:, self._column(name)]

    def _column(self, name: str) -> int:
        if name not in self.output_names:
            raise unknown_error("output", name, self.output_names)
        return self.output_names.index(name)

    def info(self, output: str | None = None, **options: Any) -> dict[str, Any]:
        """Return :func:`step_info` of one output, or of all by name where there are several.

        Args:
            output: Name of the output; None for the only one, or for all.
            **options: Keywords of :func:`step_info`.
        """
        if output is None and len(self.output_names) > 1:
            return {name: self.info(name, **options) for name in self.output_names}
        column = self._column(output) if output is not None else 0
        known = self.final[column]
        options.setdefault("final", float(known) if np.isfinite(known) else None)
        return step_info(self.time, self.outputs[:, column], **options)


def step_response(
    model: Any,
    *,
    input: str | None = None,
    amplitude: float = 1.0,
    duration: float | None = None,
    steps: int = 1000,
    point: OperatingPoint | None = None,
) -> Response:
    """Step one input and record the outputs, of a linear model or of the plant itself.

    The linear model is advanced exactly; the plant's compiled derivative is integrated by SciPy's
    DOP853 to a relative tolerance of 1e-10.

    Args:
        model: A :class:`LinearModel`, an env, or a nominal model.
        input: Name of the input; may be left out where there is only one.
        amplitude: Height of the step, SI.
        duration: Time to record in s. None takes eight times the slowest time constant of the
            linear model (about the point), which must be stable then.
        steps: Number of intervals to record.
        point: Where the plant starts (env or nominal model only); None is zero.

    Raises:
        ValueError: For an unknown input, numbers out of range, or an unstable or integrating model
            without ``duration``.
    """
    subject = model if isinstance(model, LinearModel) else Plant(model)
    if isinstance(subject, LinearModel) and point is not None:
        raise ValueError("a linear model has its own point; give point with an env only")
    names = subject.names[1] if isinstance(subject, Plant) else subject.input_names
    column = _input_column(names, input)
    if not np.isfinite(amplitude) or amplitude == 0.0:
        raise ValueError(f"amplitude must be finite and not zero, got {amplitude!r}")
    if steps != int(steps) or steps < 1:
        raise ValueError(f"steps must be a positive whole number, got {steps!r}")
    if duration is None:
        linear = subject if isinstance(subject, LinearModel) else linearize(model, point)
        duration = _settling_duration(linear)
    if not (np.isfinite(duration) and duration > 0.0):
        raise ValueError(f"duration must be a positive time in s, got {duration!r}")
    time = np.linspace(0.0, duration, int(steps) + 1)
    if isinstance(subject, LinearModel):
        return _linear_step(subject, column, amplitude, time)
    return _plant_step(subject, column, amplitude, time, point)


def _input_column(names: tuple[str, ...], name: str | None) -> int:
    if name is None:
        if len(names) != 1:
            raise ValueError(f"say which input to step: {', '.join(names)}")
        return 0
    if name not in names:
        raise unknown_error("input", name, names)
    return names.index(name)


def _settling_duration(model: LinearModel) -> float:
    slowest = float(model.poles().real.max()) if model.A.size else -1.0
    if slowest >= -1e-9:
        raise ValueError(
            f"the model integrates or is unstable (slowest pole {slowest:.3g} 1/s): give duration"
        )
    return -8.0 / slowest


def _linear_step(model: LinearModel, column: int, amplitude: float, time: Vector) -> Response:
    a, b = zero_order_hold(model.A, model.B, time[1] - time[0])
    push = b[:, column] * amplitude
    states = np.zeros((time.size, model.A.shape[0]))
    for k in range(1, time.size):
        states[k] = a @ states[k - 1] + push
    stable = (model.poles().real < 0.0).all()
    final = model.dc_gain()[:, column] * amplitude
    return Response(
        time=time,
        outputs=states @ model.C.T + model.D[:, column] * amplitude,
        output_names=model.output_names,
        input_name=model.input_names[column],
        amplitude=float(amplitude),
        offset=model.point.y.copy(),
        final=final if stable else np.full_like(final, np.nan),
    )


def _plant_step(
    plant: Plant, column: int, amplitude: float, time: Vector, point: OperatingPoint | None
) -> Response:
    from scipy.integrate import solve_ivp

    x = np.zeros(len(plant.states)) if point is None else point.x.copy()
    u = np.zeros(len(plant.inputs)) if point is None else point.u.copy()
    offset = plant.output(x, u)
    u[column] += amplitude
    solution = solve_ivp(
        lambda _, state: plant.derivative(state, u),
        (0.0, time[-1]),
        x,
        method="DOP853",
        t_eval=time,
        rtol=1e-10,
        atol=1e-12 * column_scale(plant.states),
    )
    if not solution.success:
        raise ValueError(f"the plant cannot be integrated from this point: {solution.message}")
    outputs = np.array([plant.output(state, u) for state in solution.y.T])
    return Response(
        time=time,
        outputs=outputs - offset,
        output_names=plant.names[2],
        input_name=plant.names[1][column],
        amplitude=float(amplitude),
        offset=offset,
        final=np.full(offset.size, np.nan),
    )
