"""Which currents give a torque: least current, field weakening, and the largest torque, as a table for each machine.

The table is over the torque and a bound of the stator flux, abs(psi) <= u_max / abs(omega_e), so that one table serves
all speeds and DC-link voltages. It is filled once by NumPy; :func:`currents_for_torque` looks up in it.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel

Values = NDArray[np.float64]

_BISECTIONS = 60
_TINY = 1e-100  # in place of zero below a fraction bar
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
_FLUXES, _PARTS = 81, 41  # nodes of the table

# Columns of the table: bound of the flux, largest torque, then i_d at each part of the torque, then i_q.
_FLUX, _TORQUE, _FIRST = 0, 1, 2


class DQModel:
    """The steady state of a machine in the rotor's frame, as arrays over many points at once.

    Args:
        pairs: Pole pairs.
        l_d: d inductance, H.
        l_q: q inductance, H.
        psi_p: Magnet flux, Vs.
    """

    def __init__(self, pairs: float, l_d: float, l_q: float, psi_p: float) -> None:
        self.pairs, self.l_d, self.l_q, self.psi_p = pairs, l_d, l_q, psi_p

    def torque(self, i_d: Values, i_q: Values) -> Values:
        """Return the air-gap torque, N m."""
        return 1.5 * self.pairs * (self.psi_p + (self.l_d - self.l_q) * i_d) * i_q

    def flux(self, i_d: Values, i_q: Values) -> Values:
        """Return the amplitude of the stator flux, Vs."""
        return np.hypot(self.l_d * i_d + self.psi_p, self.l_q * i_q)

    def mtpa(self, magnitude: Values) -> tuple[Values, Values]:
        """Return (i_d, i_q >= 0) of maximum torque per ampere for current magnitudes.

        Morimoto, Takeda, Hirasa and Taniguchi, "Expansion of operating limits for permanent magnet
        motor by current vector control considering inverter capacity", IEEE Trans. Ind. Appl. 26(5),
        1990, doi:10.1109/28.60058: i_d = psi/(2 dL) - sqrt(psi^2/(4 dL^2) + i_q^2) with dL = L_q - L_d.
        """
        difference = self.l_q - self.l_d
        root = np.sqrt(self.psi_p**2 + 8.0 * (difference * magnitude) ** 2)
        # (psi - root) / (4 dL), written so that it holds without saliency and without current too.
        i_d = -2.0 * difference * magnitude**2 / (self.psi_p + root + _TINY)
        return i_d, np.sqrt(np.maximum(magnitude**2 - i_d**2, 0.0))

    def q_for(self, torque: Values, i_d: Values) -> Values:
        """Return the q current that gives a torque together with an i_d; huge where none does."""
        slope = 1.5 * self.pairs * (self.psi_p + (self.l_d - self.l_q) * i_d)
        return torque / np.maximum(slope, _TINY)

    def largest_q(self, i_d: Values, i_max: float, flux_max: Values) -> Values:
        """Return the largest i_q at an i_d within the current circle and the voltage ellipse, or -1."""
        circle = i_max**2 - i_d**2
        ellipse = flux_max**2 - (self.l_d * i_d + self.psi_p) ** 2
        inside = (circle >= 0.0) & (ellipse >= 0.0)
        i_q = np.minimum(np.sqrt(np.abs(circle)), np.sqrt(np.abs(ellipse)) / self.l_q)
        return np.where(inside, i_q, -1.0)


def max_torque(magnitude: float, pairs: float, l_d: float, l_q: float, psi_p: float) -> float:
    """Return the largest torque that a current magnitude can give, N m."""
    model = DQModel(pairs, l_d, l_q, psi_p)
    return float(model.torque(*model.mtpa(np.array(magnitude))))


@cache
def operating_points(i_max: float, pairs: float, l_d: float, l_q: float, psi_p: float) -> Values:
    """Return the table of operating points of a machine, read-only, (fluxes, 2 + 2 parts).

    Within the current circle i_max and abs(psi) <= flux each row holds, for a bound of the flux, the largest torque
    and, for parts of it, the point with the least current. The parts are squares, 0 to 1: currents are smooth over the
    root of the torque, also of a reluctance machine, whose torque goes with the square of the current.

    Args:
        i_max: Current amplitude to stay within, A.
        pairs: Pole pairs.
        l_d: d inductance, H.
        l_q: q inductance, H.
        psi_p: Magnet flux, Vs.
    """
    model = DQModel(pairs, l_d, l_q, psi_p)
    top_d, top_q = model.mtpa(np.array(i_max))
    # Any flux above this one is no bound: neither at the largest torque nor without current.
    enough = max(float(model.flux(top_d, top_q)), psi_p)
    fluxes = np.linspace(0.0, enough, _FLUXES)
    best_d, best_q = _largest_torque(model, i_max, fluxes)
    limit = model.torque(best_d, best_q)
    roots = np.linspace(0.0, 1.0, _PARTS)
    torque = limit[:, None] * roots**2
    i_d, i_q = _least_current(model, i_max, torque, fluxes[:, None], best_d[:, None])
    # A bound that no current keeps: no torque, and the field weakened as far as the current allows.
    i_q[limit <= 0.0] = 0.0
    table = np.column_stack([fluxes, limit, i_d, i_q])
    table.setflags(write=False)
    return table


def _largest_torque(model: DQModel, i_max: float, flux: Values) -> tuple[Values, Values]:
    """Return the currents of the largest torque for each bound of the flux, by golden section along the bound."""

    def value(i_d: Values) -> Values:
        i_q = model.largest_q(i_d, i_max, flux)
        # Where nothing is allowed, the nearer to the current of least flux the better.
        return np.where(
            i_q < 0.0, -1.0 - np.abs(i_d + model.psi_p / model.l_d), model.torque(i_d, i_q)
        )

    # Unimodal in i_d below the point of maximum torque per ampere.
    left, right = (
        np.full_like(flux, -i_max),
        np.full_like(flux, float(model.mtpa(np.array(i_max))[0])),
    )
    for _ in range(_BISECTIONS):
        span = _GOLDEN * (right - left)
        one, two = right - span, left + span
        up = value(one) < value(two)
        left, right = np.where(up, one, left), np.where(up, right, two)
    i_d = 0.5 * (left + right)
    i_q = model.largest_q(i_d, i_max, flux)
    nothing = i_q < 0.0
    return np.where(nothing, max(-model.psi_p / model.l_d, -i_max), i_d), np.where(
        nothing, 0.0, i_q
    )


def _least_current(
    model: DQModel, i_max: float, torque: Values, flux: Values, inner: Values
) -> tuple[Values, Values]:
    """Return the least currents that give torques within bounds of the flux.

    Args:
        model: The machine.
        i_max: Current amplitude to stay within, A.
        torque: (fluxes, parts), N m, each within what its row can give.
        flux: Bound of each row, (fluxes, 1), Vs.
        inner: i_d of the largest torque of each row, (fluxes, 1), A.
    """
    low, high = np.zeros_like(torque), np.full_like(torque, i_max)
    for _ in range(
        _BISECTIONS
    ):  # the torque grows with the magnitude along maximum torque per ampere
        middle = 0.5 * (low + high)
        less = model.torque(*model.mtpa(middle)) < torque
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    i_d, i_q = model.mtpa(0.5 * (low + high))
    # Where the flux there is too large: from it towards the largest torque, along the line of constant torque, which
    # crosses the bound once.
    weak = model.flux(i_d, i_q) > flux
    inside, outside = np.broadcast_to(inner, torque.shape).copy(), i_d.copy()
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inside + outside)
        fits = model.q_for(torque, middle) <= model.largest_q(middle, i_max, flux)
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return np.where(weak, inside, i_d), np.where(weak, model.q_for(torque, inside), i_q)


@kernel
def currents_for_torque(torque, omega_e, u_max, points):
    """Return (i_d, i_q) for a torque, or for the largest that current and voltage allow.

    Args:
        torque: Wanted torque, N m.
        omega_e: Electrical speed, rad/s.
        u_max: Voltage amplitude to stay below, V; the resistive drop is left to the caller's margin.
        points: Table of :func:`operating_points`.
    """
    last = points.shape[0] - 1
    parts = (points.shape[1] - _FIRST) // 2
    across = float(last)
    if abs(omega_e) * points[last, _FLUX] > u_max:
        across = last * u_max / (abs(omega_e) * points[last, _FLUX])
    j = min(int(across), last - 1)
    b = across - j
    a = 1.0 - b
    limit = a * points[j, _TORQUE] + b * points[j + 1, _TORQUE]
    along = 0.0
    if limit > 0.0:
        along = (parts - 1) * math.sqrt(min(abs(torque) / limit, 1.0))
    k = min(int(along), parts - 2)
    d = along - k
    c = 1.0 - d
    k += _FIRST
    i_d = a * (c * points[j, k] + d * points[j, k + 1])
    i_d += b * (c * points[j + 1, k] + d * points[j + 1, k + 1])
    k += parts
    i_q = a * (c * points[j, k] + d * points[j, k + 1])
    i_q += b * (c * points[j + 1, k] + d * points[j + 1, k + 1])
    return i_d, math.copysign(i_q, torque)
