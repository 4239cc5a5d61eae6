"""PI and PID control laws: compiled row functions, and small Python classes on top of them.

The compiled functions are scalar in, scalar out, so that the same source runs in a controller's
``predict`` and in an inner loop inside a plant's kernel. They keep no state of their own:

    output, integral = pi_one(error, integral, kp, ki, dt, low, high, anti_windup, back_gain)

``integral`` is the integral *term*, in the unit of the output, so a change of ``ki`` makes no bump.
It is advanced by forward Euler after the output, hence ``output = kp * error + integral`` at every
sample. Where the limit acts elsewhere (a voltage hexagon limits two axes jointly), call
``pi_output``, let the plant's limiter act, then ``pi_update`` with the output that was realised.

Anti-windup, by number inside kernels and by name outside (``ANTI_WINDUP``):

====================  =====================================================================
``NONE``              the integral always advances
``CLAMPING``          it stands still while the error would push the output further past its limit
``BACK_CALCULATION``  it is led back by ``back_gain * (realised - demanded)``
====================  =====================================================================

Source: K. J. Åström and T. Hägglund, *Advanced PID Control*, ISA, 2006, chapters 3 and 13.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import unknown_error

NONE = 0
CLAMPING = 1
BACK_CALCULATION = 2

#: Names of the anti-windup kinds, as the classes and the controllers' keywords take them.
ANTI_WINDUP = {"none": NONE, "clamping": CLAMPING, "back_calculation": BACK_CALCULATION}

#: Columns of a PID's state row; a row of zeros is a fresh start.
PID_STATE = ("integral", "derivative", "previous", "started")


@kernel
def limit_one(value, low, high):
    """Return ``value`` limited to ``[low, high]``."""
    return min(max(value, low), high)


@kernel
def pi_output(error, integral, kp):
    """Return the demanded output of a PI law, before any limit."""
    return kp * error + integral


@kernel
def pi_update(error, integral, ki, dt, demanded, realised, anti_windup, back_gain):
    """Return the integral term after one sample.

    ``demanded`` is what the law asked for, ``realised`` what the limiter let through.
    """
    slope = ki * error
    excess = demanded - realised
    if anti_windup == CLAMPING and excess * slope > 0.0:
        return integral
    if anti_windup == BACK_CALCULATION:
        # A back gain above 1/dt would overshoot within one sample and ring.
        return integral + dt * slope - min(back_gain * dt, 1.0) * excess
    return integral + dt * slope


@kernel
def pi_one(error, integral, kp, ki, dt, low, high, anti_windup, back_gain):
    """One sample of a PI law whose output is limited to ``[low, high]``.

    Returns:
        The limited output and the new integral term.
    """
    demanded = pi_output(error, integral, kp)
    output = limit_one(demanded, low, high)
    return output, pi_update(error, integral, ki, dt, demanded, output, anti_windup, back_gain)


@kernel
def derivative_one(signal, derivative, previous, started, kd, dt, filter_time):
    """Return the derivative term of ``kd s / (filter_time s + 1)`` by backward Euler.

    ``filter_time`` (s) may be zero (plain difference). With ``started`` zero there is no previous
    sample yet, and the term is zero instead of a kick.
    """
    if started == 0.0:
        return 0.0
    return (filter_time * derivative + kd * (signal - previous)) / (filter_time + dt)


@kernel
def pid_one(
    reference,
    measurement,
    integral,
    derivative,
    previous,
    started,
    kp,
    ki,
    kd,
    dt,
    filter_time,
    setpoint_weight,
    derivative_weight,
    low,
    high,
    anti_windup,
    back_gain,
):
    """One sample of a two-degree-of-freedom PID law with filtered derivative.

    ``u = kp (b r - y) + ki int(r - y) + kd s / (filter_time s + 1) (c r - y)``, limited to
    ``[low, high]``, with ``b`` the set-point weight and ``c`` the derivative weight: 0 takes the
    derivative of the measurement, 1 that of the error.

    Returns:
        The limited output, then the new state: integral, derivative, previous, started.
    """
    signal = derivative_weight * reference - measurement
    derivative = derivative_one(signal, derivative, previous, started, kd, dt, filter_time)
    demanded = kp * (setpoint_weight * reference - measurement) + integral + derivative
    output = limit_one(demanded, low, high)
    error = reference - measurement
    integral = pi_update(error, integral, ki, dt, demanded, output, anti_windup, back_gain)
    return output, integral, derivative, signal, 1.0


@kernel
def pi_batch(error, integral, law, output):
    """Fill ``output`` (n,) and advance ``integral`` (n,) in place, by :func:`pi_one`.

    ``law`` holds kp, ki, dt, low, high, anti-windup kind, back gain.
    """
    for i in range(error.shape[0]):
        output[i], integral[i] = pi_one(
            error[i], integral[i], law[0], law[1], law[2], law[3], law[4], law[5], law[6]
        )


@kernel
def pid_batch(reference, measurement, state, law, output):
    """Fill ``output`` (n,) and advance ``state`` (n, 4) in place, by :func:`pid_one`.

    ``law`` holds kp, ki, kd, dt, filter time, b, c, low, high, anti-windup kind, back gain.
    """
    for i in range(reference.shape[0]):
        output[i], state[i, 0], state[i, 1], state[i, 2], state[i, 3] = pid_one(
            reference[i],
            measurement[i],
            state[i, 0],
            state[i, 1],
            state[i, 2],
            state[i, 3],
            law[0],
            law[1],
            law[2],
            law[3],
            law[4],
            law[5],
            law[6],
            law[7],
            law[8],
            law[9],
            law[10],
        )


def anti_windup_kind(name: str) -> int:
    """Return the number of a named anti-windup kind.

    Raises:
        ValueError: If no kind has that name; names the nearest.
    """
    if name not in ANTI_WINDUP:
        raise unknown_error("anti-windup", name, ANTI_WINDUP)
    return ANTI_WINDUP[name]


def back_calculation_gain(kp: float, ki: float, kd: float = 0.0) -> float:
    """Return the usual back-calculation gain in 1/s, the inverse of the tracking time.

    The tracking time is ``Ti`` without and ``sqrt(Ti Td)`` with a derivative (Åström and Hägglund,
    *Advanced PID Control*, 2006, section 3.5). Zero where there is no integral.
    """
    if ki == 0.0 or kp == 0.0:
        return 0.0
    integral_time = kp / ki
    return 1.0 / math.sqrt(integral_time * kd / kp) if kd > 0.0 else 1.0 / integral_time


def _check_law(limits: tuple[float, float], dt: float, **values: float) -> None:
    """Refuse gains that are not finite, a period that is not positive, and crossed limits."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
    if not (math.isfinite(dt) and dt > 0.0):
        raise ValueError(f"dt must be a positive sampling period in s, got {dt!r}")
    low, high = limits
    if not low < high:
        raise ValueError(f"low must be below high, got low={low!r}, high={high!r}")


class _Regulator:
    """What PI and PID share: a law row, a state per element, and a step over arrays."""

    dt: float
    _law: NDArray[np.float64]
    _state: NDArray[np.float64] | None

    def reset(self) -> None:
        """Forget the past: the next step is a fresh start, of any shape."""
        self._state = None

    def _arrays(self, *values: ArrayLike) -> tuple[tuple[int, ...], list[NDArray[np.float64]]]:
        """Broadcast the values against each other; return their shape and flat arrays."""
        arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
        for array in arrays:
            if not np.isfinite(array).all():
                raise ValueError(f"reference and measurement must be finite, got {array!r}")
        return arrays[0].shape, [np.ascontiguousarray(array).reshape(-1) for array in arrays]

    def _rows(self, n: int, columns: int) -> NDArray[np.float64]:
        """Return the state, created on the first step; later steps must have the same size."""
        if self._state is None:
            self._state = np.zeros((n, columns))
        if self._state.shape[0] != n:
            raise ValueError(
                f"this regulator runs {self._state.shape[0]} loop(s) and got {n}; "
                "call reset() to start with another number"
            )
        return self._state

    @staticmethod
    def _shaped(output: NDArray[np.float64], shape: tuple[int, ...]) -> Any:
        return float(output[0]) if shape == () else output.reshape(shape)


class PI(_Regulator):
    """A PI regulator that keeps its own state, for scalars or arrays of parallel loops.

    Args:
        kp: Proportional gain, in output per error.
        ki: Integral gain, in output per error and second.
        dt: Sampling period in s.
        low: Lower limit of the output.
        high: Upper limit of the output.
        anti_windup: "none", "clamping" or "back_calculation".
        back_gain: Back-calculation gain in 1/s; None takes ``ki / kp``.

    Raises:
        ValueError: For gains that are not finite, ``dt <= 0``, crossed limits or an unknown
            anti-windup.
    """

    def __init__(
        self,
        kp: float,
        ki: float,
        *,
        dt: float,
        low: float = -math.inf,
        high: float = math.inf,
        anti_windup: str = "clamping",
        back_gain: float | None = None,
    ) -> None:
        gain = back_calculation_gain(kp, ki) if back_gain is None else back_gain
        _check_law((low, high), dt, kp=kp, ki=ki, back_gain=gain)
        self.dt = float(dt)
        kind = anti_windup_kind(anti_windup)
        self._law = np.array([kp, ki, dt, low, high, kind, gain], dtype=np.float64)
        self._state = None

    @classmethod
    def from_gains(cls, gains: Gains, *, dt: float, **options: Any) -> PI:
        """Build the regulator from tuned gains; ``options`` are those of the constructor.

        Args:
            gains: Gains with the rule that gave them.
            dt: Sampling period, s.
            **options: The constructor's other arguments.
        """
        if gains.kd != 0.0:
            raise ValueError(f"gains of {gains.rule!r} have kd={gains.kd!r}; use PID for them")
        return cls(gains.kp, gains.ki, dt=dt, **options)

    @property
    def integral(self) -> Any:
        """The integral term of each loop, (n,), in the unit of the output."""
        return None if self._state is None else self._state[:, 0].copy()

    def step(self, reference: ArrayLike, measurement: ArrayLike) -> Any:
        """Advance one sample.

        Args:
            reference: Wanted value, a scalar or an array.
            measurement: Measured value, broadcast against the reference.

        Returns:
            The limited output: a float for scalars, else an array of the broadcast shape.

        Raises:
            ValueError: If a value is not finite or the number of loops changed since reset.
        """
        shape, (wanted, measured) = self._arrays(reference, measurement)
        integral = self._rows(wanted.size, 1)[:, 0]
        output = np.empty(wanted.size)
        pi_batch(wanted - measured, integral, self._law, output)
        return self._shaped(output, shape)


class PID(_Regulator):
    """A PID regulator with filtered derivative and set-point weight that keeps its own state.

    Args:
        kp: Proportional gain, in output per error.
        ki: Integral gain, in output per error and second.
        kd: Derivative gain, in output seconds per error.
        dt: Sampling period in s.
        filter_time: Time constant of the derivative's filter in s; None takes ``kd / (10 kp)``
            (Åström and Hägglund, *Advanced PID Control*, 2006: N = 10).
        setpoint_weight: Share b of the reference in the proportional part, 0 to 1.
        derivative_on: "measurement" (no kick on a reference step) or "error".
        low: Lower limit of the output.
        high: Upper limit of the output.
        anti_windup: "none", "clamping" or "back_calculation".
        back_gain: Back-calculation gain in 1/s; None takes :func:`back_calculation_gain`.

    Raises:
        ValueError: For gains that are not finite, ``dt <= 0``, a negative filter time, crossed
            limits or an unknown name.
    """

    def __init__(
        self,
        kp: float,
        ki: float,
        kd: float,
        *,
        dt: float,
        filter_time: float | None = None,
        setpoint_weight: float = 1.0,
        derivative_on: str = "measurement",
        low: float = -math.inf,
        high: float = math.inf,
        anti_windup: str = "clamping",
        back_gain: float | None = None,
    ) -> None:
        weights = {"measurement": 0.0, "error": 1.0}
        if derivative_on not in weights:
            raise unknown_error("derivative_on", derivative_on, weights)
        if filter_time is None:
            filter_time = abs(kd / kp) / 10.0 if kp != 0.0 else 0.0
        gain = back_calculation_gain(kp, ki, kd) if back_gain is None else back_gain
        numbers = {"kp": kp, "ki": ki, "kd": kd, "filter_time": filter_time}
        _check_law((low, high), dt, **numbers, setpoint_weight=setpoint_weight, back_gain=gain)
        if filter_time < 0.0:
            raise ValueError(f"filter_time must not be negative, got {filter_time!r}")
        self.dt = float(dt)
        kind = anti_windup_kind(anti_windup)
        shape = [filter_time, setpoint_weight, weights[derivative_on]]
        self._law = np.array([kp, ki, kd, dt, *shape, low, high, kind, gain], dtype=np.float64)
        self._state = None

    @classmethod
    def from_gains(cls, gains: Gains, *, dt: float, **options: Any) -> PID:
        """Build the regulator from tuned gains; ``options`` are those of the constructor.

        Args:
            gains: Gains with the rule that gave them.
            dt: Sampling period, s.
            **options: The constructor's other arguments.
        """
        return cls(gains.kp, gains.ki, gains.kd, dt=dt, **options)

    def step(self, reference: ArrayLike, measurement: ArrayLike) -> Any:
        """Advance one sample; arguments, result and errors as in :meth:`PI.step`."""
        shape, (wanted, measured) = self._arrays(reference, measurement)
        state = self._rows(wanted.size, len(PID_STATE))
        output = np.empty(wanted.size)
        pid_batch(wanted, measured, state, self._law, output)
        return self._shaped(output, shape)


class Cascade:
    """An outer regulator that sets the reference of a faster inner one.

    The outer loop acts on the first of every ``ratio`` inner samples and holds its output between.

    Args:
        outer: Regulator of the outer variable, sampled every ``ratio`` inner periods.
        inner: Regulator of the inner variable.
        ratio: Number of inner samples per outer sample, a whole number.

    Raises:
        ValueError: If ``ratio`` is not a positive whole number or does not match the periods.
    """

    def __init__(self, outer: PI | PID, inner: PI | PID, *, ratio: int) -> None:
        if ratio != int(ratio) or ratio < 1:
            raise ValueError(f"ratio must be a positive whole number, got {ratio!r}")
        if not math.isclose(outer.dt, ratio * inner.dt, rel_tol=1e-9):
            raise ValueError(
                f"the outer period {outer.dt!r} s must be ratio={ratio} times the inner "
                f"period {inner.dt!r} s"
            )
        self.outer = outer
        self.inner = inner
        self.ratio = int(ratio)
        self.reset()

    def reset(self) -> None:
        """Forget the past of both loops."""
        self.outer.reset()
        self.inner.reset()
        self.inner_reference: Any = None
        self._sample = 0

    def step(
        self, reference: ArrayLike, outer_measurement: ArrayLike, inner_measurement: ArrayLike
    ) -> Any:
        """Advance one inner sample and return the inner regulator's output.

        Args:
            reference: Wanted value of the outer variable, a scalar or an array.
            outer_measurement: Measured value of the outer variable.
            inner_measurement: Measured value of the inner variable.
        """
        if self._sample == 0:
            self.inner_reference = self.outer.step(reference, outer_measurement)
        self._sample = (self._sample + 1) % self.ratio
        return self.inner.step(self.inner_reference, inner_measurement)
