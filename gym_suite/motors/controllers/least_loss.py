"""Which currents lose least for a torque at a speed, as a table in the form of that of the least current.

The losses of the iron grow with speed and flux, so the currents of least loss weaken the field more, the faster the
machine turns (Morimoto, Tong, Takeda and Hirasa, IEEE Trans. Ind. Electron. 41(5), 1994, doi:10.1109/41.315269). The
table of :func:`gym_suite.motors.controllers.operating_points.operating_points` is over the bound of the flux that the
voltage allows at a speed. Continued beyond the largest flux of the machine, where the bound holds nothing back any
more, it is a table over the speed, and what looks up the one looks up the other.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.efficiency import linkages, steady
from gym_suite.motors.losses import Losses
from gym_suite.motors.machines import SATURATED, SYNCHRONOUS
from gym_suite.motors.machines.search import golden

Values = NDArray[np.float64]

#: How many times slower than where the voltage begins to bound the flux the table goes. From half of that on the
#: losses fade to those at standstill, of which the least are those of the least current.
SLOWER = 8
_COARSE = 8  # rows of which one is searched where the voltage bounds nothing; those between are interpolated
_BISECTIONS, _SECTIONS = 30, 24
_OUTSIDE = 1e12  # W, more than any drive loses
_ROUNDING = 1e-6  # part by which a point may miss the limits that it is on


@cache
def least_loss_points(
    machine: Any, part: float, losses: Losses, tau: float, u_max: float
) -> Values:
    """Return the table of the operating points at which a drive loses least, read-only.

    It holds for one voltage: what is looked up for a lower one are the points of a higher speed.

    Args:
        machine: A machine; of one whose losses are not computed the points are those of the least current.
        part: Part of the current limit that may be used.
        losses: What the drive loses besides the copper.
        tau: Period of the inverter, s.
        u_max: Voltage amplitude that operating points may use, V.
    """
    base = operating_points(machine, part)
    if machine.group not in (SYNCHRONOUS, SATURATED):
        return base
    last = len(base) - 1
    searched = np.concatenate(
        [np.arange(last), np.arange(last, SLOWER * last + 1, _COARSE, dtype=np.int64)]
    )
    rows = base[np.minimum(searched, last)]
    bound = base[last, 0] * searched / last
    i_d, i_q = _search(machine, part * machine.i_limit, losses, tau, u_max, rows, bound)
    every = np.arange(SLOWER * last + 1)
    limit = base[np.minimum(every, last), 1]
    columns = [np.interp(every, searched, own) for own in (*i_d.T, *i_q.T)]
    table = np.column_stack([base[last, 0] * every / last, limit, *columns])
    table.setflags(write=False)
    return table


def _search(
    machine: Any,
    i_max: float,
    losses: Losses,
    tau: float,
    u_max: float,
    rows: Values,
    bound: Values,
) -> tuple[Values, Values]:
    """Return the currents of least loss for the torques of rows of the table of least currents, (rows, parts) each.

    Along the currents that give a torque the flux falls with the d current: the search goes down from that of the least
    current, which it keeps where there is nothing better.

    Args:
        machine: The machine.
        i_max: Current that may be used, A.
        losses: What the drive loses besides the copper.
        tau: Period of the inverter, s.
        u_max: Voltage amplitude, V.
        rows: Rows of the table of least currents, (rows, 2 + 2 parts).
        bound: Bounds of the flux, Vs, (rows,).
    """
    parts = (rows.shape[1] - 2) // 2
    torque = rows[:, 1:2] * np.linspace(0.0, 1.0, parts) ** 2
    own_d, own_q = rows[:, 2 : 2 + parts], rows[:, 2 + parts :]
    slowest, most = bound[-1], bound[:, None]
    fading = np.clip(2.0 * (1.0 - bound / slowest), 0.0, 1.0)
    # No bound at all belongs to a speed without end; the machine's own is the last that matters.
    fastest = u_max / (machine.pairs * machine.omega_limit)
    omega = (fading * u_max / np.maximum(bound, fastest))[:, None] / machine.pairs

    def air_gap(i_d: Values, i_q: Values) -> Values:
        psi_d, psi_q = linkages(machine, i_d, i_q)
        return 1.5 * machine.pairs * (psi_d * i_q - psi_q * i_d)

    def across(i_d: Values) -> Values:
        """The q current that gives the torque beside a d current; the largest where none does."""
        low, high = np.zeros_like(torque), np.sqrt(np.maximum(i_max**2 - i_d**2, 0.0))
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            short = air_gap(i_d, middle) < torque
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high

    def merit(i_d: Values, i_q: Values) -> Values:
        state = steady(machine, losses, i_d, i_q, omega, tau=tau)
        outside = air_gap(i_d, i_q) < torque - _ROUNDING * rows[-1, 1]
        outside |= np.hypot(*linkages(machine, i_d, i_q)) > most * (1.0 + _ROUNDING)
        # Beyond the limits: the nearer to the least current the better.
        return np.where(outside, i_d - _OUTSIDE, -sum(state.parts.values()))

    found = golden(lambda i_d: merit(i_d, across(i_d)), -i_max, own_d, _SECTIONS)
    found_q = across(found)
    # Without a speed the least current is the least loss: what rounding finds there is none.
    better = (merit(found, found_q) > merit(own_d, own_q)) & (fading > 0.0)[:, None]
    return np.where(better, found, own_d), np.where(better, found_q, own_q)
