"""Tuning rules: from a plant's parameters to gains, each with its assumptions and its source.

Every rule is a function that returns frozen :class:`gym_suite.controllers.gains.Gains` for the parallel (ideal) PID law

    u = kp e + ki int(e) dt + kd de/dt

so ``Ti = kp / ki`` and ``Td = kd / kp``. ``gain`` is the plant's static gain (output per input) or,
for an integrating plant, its velocity gain (output per input and second); times are in s. Rules
from experiments are in :mod:`gym_suite.controllers.experiments`, state feedback is in
:mod:`gym_suite.controllers.state_feedback`.

A rule refuses input outside its assumptions with a ValueError that says what it got.
"""

from __future__ import annotations

import math

from gym_suite.controllers.gains import (
    Gains,
    check_finite,
    check_gain,
    check_not_negative,
    check_positive,
)

#: Dead time of one sampling period (computation) plus half of one (mean age of a held output), in
#: sampling periods: D. Schröder, *Elektrische Antriebe - Regelung von Antriebssystemen*, 4th ed.,
#: Springer 2015, chapter 5 (the sum of the small time constants of a digital current loop).
SAMPLED_DELAY = 1.5


def _small_delay(dt: float | None, delay: float | None) -> float:
    """Return the sum of the small delays, given itself or as 1.5 sampling periods."""
    if (dt is None) == (delay is None):
        raise ValueError(f"give either dt or delay, got dt={dt!r} and delay={delay!r}")
    if dt is not None:
        check_positive(dt=dt)
        return SAMPLED_DELAY * dt
    assert delay is not None
    check_positive(delay=delay)
    return delay


def magnitude_optimum(
    gain: float, time_constant: float, *, dt: float | None = None, delay: float | None = None
) -> Gains:
    """Magnitude optimum (Betragsoptimum): PI for a first-order plant with small delays.

    Plant ``gain / ((T s + 1)(T_sigma s + 1))``. The PI zero cancels ``T`` and the loop becomes
    ``1 / (2 T_sigma s (T_sigma s + 1))``: damping 1/sqrt(2), overshoot 4.3 %, phase margin
    65.5 deg.

    Args:
        gain: Static gain of the plant.
        time_constant: Dominant time constant T in s.
        dt: Sampling period in s; then ``T_sigma = 1.5 dt``.
        delay: Or the sum of the small delays T_sigma itself, in s.

    Returns:
        ``Tn = T``, ``kp = T / (2 gain T_sigma)``.

    Raises:
        ValueError: For a time that is not positive, a zero gain, or not exactly one of dt, delay.
    """
    check_gain(gain)
    check_positive(time_constant=time_constant)
    sigma = _small_delay(dt, delay)
    kp = time_constant / (2.0 * gain * sigma)
    return Gains(
        kp=kp,
        ki=kp / time_constant,
        rule="magnitude optimum",
        source="C. Kessler, Über die Vorausberechnung optimal abgestimmter Regelkreise, "
        "Regelungstechnik 3 (1955) 40-49",
        assumptions={"gain": gain, "time_constant": time_constant, "delay": sigma},
    )


def symmetrical_optimum(
    gain: float, *, dt: float | None = None, delay: float | None = None, a: float = 2.0
) -> Gains:
    """Symmetrical optimum: PI for an integrating plant with small delays.

    Plant ``gain / (s (T_sigma s + 1))``. The open loop's phase peaks at its crossover
    ``1 / (a T_sigma)``, with the margin ``atan((a^2 - 1) / (2 a))``: 36.9 deg for the classical
    a = 2, 61.9 deg for a = 4. The reference filter takes the PI zero's overshoot (43 % at a = 2)
    out of the response. A plant ``V / (T s + 1)`` with large T counts as integrating, gain V / T.

    Args:
        gain: Velocity gain of the plant, in output per input and second.
        dt: Sampling period in s; then ``T_sigma = 1.5 dt``.
        delay: Or the sum of the small delays T_sigma itself, in s.
        a: Ratio of symmetry, above 1; larger is slower and better damped.

    Returns:
        ``Tn = a^2 T_sigma``, ``kp = 1 / (a gain T_sigma)``, prefilter Tn.

    Raises:
        ValueError: For a <= 1, a zero gain, or not exactly one positive of dt, delay.
    """
    check_gain(gain)
    check_finite(a=a)
    if a <= 1.0:
        raise ValueError(f"a must be above 1 (no phase margin is left below), got {a!r}")
    sigma = _small_delay(dt, delay)
    kp = 1.0 / (a * gain * sigma)
    integral_time = a * a * sigma
    return Gains(
        kp=kp,
        ki=kp / integral_time,
        prefilter=integral_time,
        rule="symmetrical optimum",
        source="C. Kessler, Das symmetrische Optimum, Regelungstechnik 6 (1958) 395-400, 432-436",
        assumptions={"gain": gain, "delay": sigma, "a": a},
    )


def simc(
    gain: float,
    time_constant: float,
    delay: float,
    *,
    second_time_constant: float = 0.0,
    closed_loop: float | None = None,
) -> Gains:
    """SIMC: PI, or PID with a second time constant, for a plant with dead time.

    Plant ``gain exp(-delay s) / ((T1 s + 1)(T2 s + 1))``. An integrating plant ``k' / s`` is
    the limit of a large T1 with ``gain = k' T1``.

    Args:
        gain: Static gain.
        time_constant: Larger time constant T1 in s.
        delay: Effective dead time in s.
        second_time_constant: T2 in s, at most T1; 0 gives a PI law.
        closed_loop: Wanted closed-loop time constant (lambda) in s; None takes the dead time,
            the author's choice of tight control.

    Returns:
        The ideal-form gains of the series law ``Kc = T1 / (gain (lambda + delay))``,
        ``Ti = min(T1, 4 (lambda + delay))``, ``Td = T2``.

    Raises:
        ValueError: For negative times, a zero gain, T2 > T1, or ``lambda + delay = 0``.
    """
    check_gain(gain)
    check_positive(time_constant=time_constant)
    check_not_negative(delay=delay, second_time_constant=second_time_constant)
    if second_time_constant > time_constant:
        raise ValueError(
            f"second_time_constant {second_time_constant!r} exceeds time_constant "
            f"{time_constant!r}; swap them"
        )
    wanted = delay if closed_loop is None else closed_loop
    check_not_negative(closed_loop=wanted)
    if wanted + delay == 0.0:
        raise ValueError("a plant without delay needs closed_loop > 0")
    series_gain = time_constant / (gain * (wanted + delay))
    series_ti = min(time_constant, 4.0 * (wanted + delay))
    # Series to ideal form: (1 + 1/(Ti s))(1 + Td s), Skogestad 2003, eq. 36.
    factor = 1.0 + second_time_constant / series_ti
    return Gains(
        kp=series_gain * factor,
        ki=series_gain / series_ti,
        kd=series_gain * second_time_constant,
        rule="SIMC",
        source="S. Skogestad, Simple analytic rules for model reduction and PID controller tuning, "
        "J. Process Control 13 (2003) 291-309",
        assumptions={
            "gain": gain,
            "time_constant": time_constant,
            "second_time_constant": second_time_constant,
            "delay": delay,
            "closed_loop": wanted,
        },
    )


_POLES = "K. J. Åström and T. Hägglund, Advanced PID Control, ISA 2006, section 6.3"


def pole_placement_first_order(
    gain: float, time_constant: float, *, frequency: float, damping: float = math.sqrt(0.5)
) -> Gains:
    """PI that gives a first-order plant the poles ``s^2 + 2 damping w s + w^2``.

    Plant ``gain / (T s + 1)``, no delay.

    Args:
        gain: Static gain.
        time_constant: T in s.
        frequency: Natural frequency w of the closed loop in rad/s.
        damping: Damping ratio of the closed loop, positive.

    Returns:
        ``kp = (2 damping w T - 1) / gain``, ``ki = w^2 T / gain``.

    Raises:
        ValueError: If a value is not positive, or the wish is slower than the plant (``kp`` would
            oppose the integral part).
    """
    check_gain(gain)
    check_positive(time_constant=time_constant, frequency=frequency, damping=damping)
    numerator = 2.0 * damping * frequency * time_constant - 1.0
    if numerator < 0.0:
        raise ValueError(
            f"frequency {frequency!r} rad/s is too slow for this plant: at least "
            f"{0.5 / (damping * time_constant)!r} rad/s keeps kp from changing sign"
        )
    return Gains(
        kp=numerator / gain,
        ki=frequency**2 * time_constant / gain,
        rule="pole placement",
        source=_POLES,
        assumptions={
            "gain": gain,
            "time_constant": time_constant,
            "frequency": frequency,
            "damping": damping,
        },
    )


def pole_placement_double_integrator(
    gain: float,
    *,
    frequency: float,
    damping: float = math.sqrt(0.5),
    third_pole: float = 0.0,
    friction: float = 0.0,
) -> Gains:
    """PD or PID for a double integrator: poles ``(s + third_pole)(s^2 + 2 damping w s + w^2)``.

    Plant ``gain / (s (s + friction))``: position from force, angle from torque.

    Args:
        gain: Acceleration per input.
        frequency: Natural frequency w of the closed loop in rad/s.
        damping: Damping ratio of the closed loop, positive.
        third_pole: Rate of the third pole in 1/s; 0 gives a PD law without integral part.
        friction: The plant's own rate of decay in 1/s, 0 for a pure double integrator.

    Returns:
        kp, ki and kd in ideal form.

    Raises:
        ValueError: For values out of range.
    """
    check_gain(gain)
    check_positive(frequency=frequency, damping=damping)
    check_not_negative(third_pole=third_pole, friction=friction)
    return Gains(
        kp=(frequency**2 + 2.0 * damping * frequency * third_pole) / gain,
        ki=frequency**2 * third_pole / gain,
        kd=(2.0 * damping * frequency + third_pole - friction) / gain,
        rule="pole placement",
        source=_POLES,
        assumptions={
            "gain": gain,
            "frequency": frequency,
            "damping": damping,
            "third_pole": third_pole,
            "friction": friction,
        },
    )
