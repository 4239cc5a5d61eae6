"""The pulses of a bridge whose legs follow carriers, and the spectrum of the voltage between two of its terminals.

Each leg has one pulse in the middle of each period, from its base to the position above, so that its mean says when its
edges are: nothing is sampled, and the spectrum is that of the edges at any frequency.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.carrier import bridge_duties
from gym_suite.motors.machines import DC, DOUBLY_FED, SIX_PHASE, Machine
from gym_suite.motors.quantities import LEG_MEANS, MODULATIONS

__all__ = ["LINE_MULTIPLES", "leg_means", "line_spectrum"]

Values = NDArray[np.float64]

#: Multiples of the carrier's frequency up to which the spectrum goes.
LINE_MULTIPLES = 4.5
_CHUNK = 256  # frequencies at a time, so that memory does not matter


def leg_means(setup: Any, machine: Machine, run: Trajectory) -> Values:
    """Return the mean positions of the legs a, b, c in each period of a run, -1 to 1, (n, 3).

    Args:
        setup: Of the drive.
        machine: Its machine.
        run: What was recorded.

    Raises:
        ValueError: For a drive whose legs follow no carrier, whose steps are not periods of it, whose legs are
            interlocked, or which has not one bridge of three legs alone.
    """
    words = setup.keywords
    if machine.group in (DC, DOUBLY_FED, SIX_PHASE):
        raise ValueError(f"a {machine.words} has not one bridge of three legs alone")
    if words.get("modulation", MODULATIONS[0]) == MODULATIONS[0]:
        raise ValueError("the legs of this drive follow no carrier; it needs modulation='carrier'")
    if words.get("control", "voltage") != "voltage":
        raise ValueError(
            "pulses are told where a step is one period of the carrier; control='torque' has several in a step"
        )
    if words.get("interlocking"):
        raise ValueError(
            f"interlocking = {words['interlocking']:g} s moves edges by the currents; pulses are told without it"
        )
    if all(name in run for name in LEG_MEANS.names):
        return np.stack([run[name] for name in LEG_MEANS.names], axis=1)
    angle = np.unwrap(run["rho" if "rho" in run else "epsilon"])
    turned = np.gradient(angle) if len(angle) > 1 else 0.0 * angle
    voltage = (run["u_sd"] + 1j * run["u_sq"]) * np.exp(1j * (angle - 0.5 * turned))
    duties = [bridge_duties(v.real, v.imag, setup.row) for v in voltage]
    return 2.0 * np.array(duties) - 1.0


def line_spectrum(
    means: Values, tau: float, u_dc: float, *, levels: int, window: bool = True
) -> tuple[Values, Values]:
    """Return frequencies (Hz) and amplitudes (V) of the voltage between the terminals a and b.

    Hann's window (Harris 1978, doi:10.1109/PROC.1978.10837) weighs whole periods, so that lines stay lines at the
    multiples of the carrier. The neutral point of three levels is taken as in the middle of the link.

    Args:
        means: Of :func:`leg_means`, (n, 3) or more legs, of which the first two count.
        tau: The period of the carrier, s.
        u_dc: Voltage of the link, V.
        levels: 2 or 3.
        window: Whether to weigh; without it lines need whole periods of the fundamental.
    """
    count = len(means)
    weight = np.ones(count)
    if window:
        weight = 1.0 - np.cos(2.0 * np.pi * (np.arange(count) + 0.5) / count)
    base = np.full((count, 2), -1.0)
    step = 2.0
    if levels == 3:
        base, step = np.where(means[:, :2] >= 0.0, 0.0, -1.0), 1.0
    width = (means[:, :2] - base) / step
    frequency = np.arange(1, int(LINE_MULTIPLES * count) + 1) / (count * tau)
    middle = (np.arange(count) + 0.5) * tau
    amplitude = np.empty(len(frequency))
    for first in range(0, len(frequency), _CHUNK):
        part = slice(first, first + _CHUNK)
        omega = 2.0 * np.pi * frequency[part, None]
        turn = weight * np.exp(-1j * omega * middle)
        # The integral of exp(-j omega t) over a pulse is its middle's times 2 sin(omega width / 2) / omega.
        whole = 2.0 * np.sin(0.5 * omega * tau) / omega
        legs = [
            whole * base[:, leg] + step * 2.0 * np.sin(0.5 * omega * tau * width[:, leg]) / omega
            for leg in range(2)
        ]
        line = 0.5 * u_dc * (turn * (legs[0] - legs[1])).sum(axis=1)
        amplitude[part] = 2.0 * np.abs(line) / (count * tau)
    return frequency, amplitude
