"""Tuning rules from experiments: the ultimate gain, or the reaction to a step.

They return :class:`gym_suite.controllers.gains.Gains` for the parallel (ideal) PID law, as those of
:mod:`gym_suite.controllers.tuning` do, and refuse input outside their assumptions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gym_suite.controllers.gains import Gains, check_gain, check_positive
from gym_suite.core.parameters import unknown_error

_ZIEGLER_NICHOLS = (
    "J. G. Ziegler and N. B. Nichols, Optimum settings for automatic controllers, "
    "Trans. ASME 64 (1942) 759-768"
)


def _from_times(
    kp: float, integral_time: float, derivative_time: float, **provenance: Any
) -> Gains:
    """Return gains from kp, Ti, Td (infinite Ti: no integral part)."""
    return Gains(kp=kp, ki=kp / integral_time, kd=kp * derivative_time, **provenance)


def _kind(kind: str, options: Mapping[str, Any]) -> Any:
    if kind not in options:
        raise unknown_error("kind of law", kind, options)
    return options[kind]


def ziegler_nichols_ultimate(
    ultimate_gain: float, ultimate_period: float, *, kind: str = "PI"
) -> Gains:
    """Ziegler-Nichols by the ultimate gain: quarter-amplitude decay, lively.

    Args:
        ultimate_gain: Proportional gain at which the loop oscillates steadily.
        ultimate_period: Period of that oscillation in s.
        kind: "P", "PI" or "PID".

    Returns:
        P 0.5 Ku; PI 0.45 Ku, Tu/1.2; PID 0.6 Ku, Tu/2, Tu/8.

    Raises:
        ValueError: For an unknown kind or values out of range.
    """
    check_gain(ultimate_gain)
    check_positive(ultimate_period=ultimate_period)
    table = {
        "P": (0.5, math.inf, 0.0),
        "PI": (0.45, 1.0 / 1.2, 0.0),
        "PID": (0.6, 0.5, 0.125),
    }
    gain, integral, derivative = _kind(kind, table)
    return _from_times(
        gain * ultimate_gain,
        integral * ultimate_period,
        derivative * ultimate_period,
        rule="Ziegler-Nichols (ultimate gain)",
        source=_ZIEGLER_NICHOLS,
        assumptions={"ultimate_gain": ultimate_gain, "ultimate_period": ultimate_period},
    )


def _reaction(gain: float, time_constant: float, delay: float) -> float:
    """Return a = gain delay / T, the reaction curve's intercept."""
    check_gain(gain)
    check_positive(time_constant=time_constant, delay=delay)
    return gain * delay / time_constant


def ziegler_nichols_step(
    gain: float, time_constant: float, delay: float, *, kind: str = "PI"
) -> Gains:
    """Ziegler-Nichols by the reaction curve of ``gain exp(-delay s) / (T s + 1)``.

    Args:
        gain: Static gain.
        time_constant: T in s.
        delay: Dead time L in s.
        kind: "P", "PI" or "PID".

    Returns:
        With a = gain L / T: P 1/a; PI 0.9/a, L/0.3; PID 1.2/a, 2 L, L/2 (the 1942 paper's values).

    Raises:
        ValueError: For an unknown kind or values out of range.
    """
    a = _reaction(gain, time_constant, delay)
    table = {
        "P": (1.0, math.inf, 0.0),
        "PI": (0.9, 1.0 / 0.3, 0.0),
        "PID": (1.2, 2.0, 0.5),
    }
    factor, integral, derivative = _kind(kind, table)
    return _from_times(
        factor / a,
        integral * delay,
        derivative * delay,
        rule="Ziegler-Nichols (step)",
        source=_ZIEGLER_NICHOLS,
        assumptions={"gain": gain, "time_constant": time_constant, "delay": delay},
    )


#: (purpose, overshoot in %) -> kind -> (factor of 1/a, Ti in T, Ti in L, Td in L).
_CHIEN = {
    ("setpoint", 0): {
        "P": (0.3, math.inf, 0.0, 0.0),
        "PI": (0.35, 1.2, 0.0, 0.0),
        "PID": (0.6, 1.0, 0.0, 0.5),
    },
    ("setpoint", 20): {
        "P": (0.7, math.inf, 0.0, 0.0),
        "PI": (0.6, 1.0, 0.0, 0.0),
        "PID": (0.95, 1.4, 0.0, 0.47),
    },
    ("disturbance", 0): {
        "P": (0.3, math.inf, 0.0, 0.0),
        "PI": (0.6, 0.0, 4.0, 0.0),
        "PID": (0.95, 0.0, 2.4, 0.42),
    },
    ("disturbance", 20): {
        "P": (0.7, math.inf, 0.0, 0.0),
        "PI": (0.7, 0.0, 2.3, 0.0),
        "PID": (1.2, 0.0, 2.0, 0.42),
    },
}


def chien_hrones_reswick(
    gain: float,
    time_constant: float,
    delay: float,
    *,
    kind: str = "PI",
    purpose: str = "setpoint",
    overshoot: int = 0,
) -> Gains:
    """Chien-Hrones-Reswick: calmer than Ziegler-Nichols, for set points or for disturbances.

    Plant ``gain exp(-delay s) / (T s + 1)`` with T well above the dead time.

    Args:
        gain: Static gain.
        time_constant: T in s.
        delay: Dead time L in s.
        kind: "P", "PI" or "PID".
        purpose: "setpoint" or "disturbance".
        overshoot: 0 or 20, in percent.

    Returns:
        The table's gains, as printed in Åström and Hägglund, *PID Controllers*, 2nd ed. 1995,
        tables 4.2 and 4.3.

    Raises:
        ValueError: For an unknown kind, purpose or overshoot, or values out of range.
    """
    a = _reaction(gain, time_constant, delay)
    if purpose not in ("setpoint", "disturbance"):
        raise unknown_error("purpose", purpose, ("setpoint", "disturbance"))
    if overshoot not in (0, 20):
        raise ValueError(f"overshoot must be 0 or 20 (percent), got {overshoot!r}")
    factor, per_time, per_delay, derivative = _kind(kind, _CHIEN[(purpose, int(overshoot))])
    return _from_times(
        factor / a,
        per_time * time_constant + per_delay * delay,
        derivative * delay,
        rule=f"Chien-Hrones-Reswick ({purpose}, {overshoot} %)",
        source="K. L. Chien, J. A. Hrones and J. B. Reswick, On the automatic control of "
        "generalized passive systems, Trans. ASME 74 (1952) 175-185",
        assumptions={"gain": gain, "time_constant": time_constant, "delay": delay},
    )
