"""Which currents give a torque: least loss, field weakening, and the largest torque, as a table for each machine.

The table is over the torque and a bound of the stator flux, abs(psi) <= u_max / abs(omega_e), so that one table serves
all speeds and DC-link voltages. It is filled once by NumPy; :func:`currents_for_torque` looks up in it.
"""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.saturated_points import saturated_points, saturated_torque
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    Machine,
)
from gym_suite.motors.machines.search import STEPS, golden

Values = NDArray[np.float64]

_TINY = 1e-100  # in place of zero below a fraction bar
_FLUXES, _PARTS = 81, 41  # nodes of the table
_EXCITED_FLUXES, _EXCITED_PARTS, _EXCITED_STEPS = 41, 25, 24  # where a third current is looked for

# Columns of the table: bound of the flux, largest torque, then each current at each part of the torque.
_FLUX, _TORQUE, _FIRST = 0, 1, 2


class DQModel:
    """The steady state of a machine in the rotor's frame, as arrays over many points at once.

    Args:
        pairs: Pole pairs.
        l_d: d inductance, H.
        l_q: q inductance, H.
        psi: Flux of the rotor's magnets or excitation, Vs.
    """

    def __init__(self, pairs: float, l_d: float, l_q: float, psi: float | Values) -> None:
        self.pairs, self.l_d, self.l_q, self.psi = pairs, l_d, l_q, np.asarray(psi)

    def torque(self, i_d: Values, i_q: Values) -> Values:
        """Return the air-gap torque, N m."""
        return 1.5 * self.pairs * (self.psi + (self.l_d - self.l_q) * i_d) * i_q

    def flux(self, i_d: Values, i_q: Values) -> Values:
        """Return the amplitude of the stator flux, Vs."""
        return np.hypot(self.l_d * i_d + self.psi, self.l_q * i_q)

    def mtpa(self, magnitude: Values) -> tuple[Values, Values]:
        """Return (i_d, i_q >= 0) of maximum torque per ampere for current magnitudes.

        Morimoto, Takeda, Hirasa and Taniguchi, "Expansion of operating limits for permanent magnet
        motor by current vector control considering inverter capacity", IEEE Trans. Ind. Appl. 26(5),
        1990, doi:10.1109/28.60058: i_d = psi/(2 dL) - sqrt(psi^2/(4 dL^2) + i_q^2) with dL = L_q - L_d.
        """
        difference = self.l_q - self.l_d
        root = np.sqrt(self.psi**2 + 8.0 * (difference * magnitude) ** 2)
        # (psi - root) / (4 dL), written so that it holds without saliency and without current too.
        i_d = -2.0 * difference * magnitude**2 / (self.psi + root + _TINY)
        return i_d, np.sqrt(np.maximum(magnitude**2 - i_d**2, 0.0))

    def q_for(self, torque: Values, i_d: Values) -> Values:
        """Return the q current that gives a torque together with an i_d; huge where none does."""
        slope = 1.5 * self.pairs * (self.psi + (self.l_d - self.l_q) * i_d)
        return torque / np.maximum(slope, _TINY)

    def largest_q(self, i_d: Values, i_max: float, flux_max: Values) -> Values:
        """Return the largest i_q at an i_d within the current circle and the voltage ellipse, or -1."""
        circle = i_max**2 - i_d**2
        ellipse = flux_max**2 - (self.l_d * i_d + self.psi) ** 2
        inside = (circle >= 0.0) & (ellipse >= 0.0)
        i_q = np.minimum(np.sqrt(np.abs(circle)), np.sqrt(np.abs(ellipse)) / self.l_q)
        return np.where(inside, i_q, -1.0)

    def strongest(self, i_max: float, flux: Values) -> tuple[Values, Values]:
        """Return the currents of the largest torque for bounds of the flux, by golden section along the bound.

        Where no current keeps the bound there is no torque, and the field is weakened as far as the current allows.
        """
        least = np.maximum(-self.psi / self.l_d, -i_max)

        def value(i_d: Values) -> Values:
            i_q = self.largest_q(i_d, i_max, flux)
            # Where nothing is allowed, the nearer to the current of least flux the better.
            return np.where(i_q < 0.0, -1.0 - np.abs(i_d - least), self.torque(i_d, i_q))

        # Unimodal in i_d below the point of maximum torque per ampere, or below the least flux where that is nearer.
        top = np.maximum(self.mtpa(np.array(i_max))[0], least)
        i_d = golden(value, np.full(np.broadcast(flux, top).shape, -i_max), top)
        i_q = self.largest_q(i_d, i_max, flux)
        return np.where(i_q < 0.0, least, i_d), np.maximum(i_q, 0.0)

    def least(
        self, i_max: float, torque: Values, flux: Values, inner: Values
    ) -> tuple[Values, Values]:
        """Return the least currents that give torques within bounds of the flux.

        Args:
            i_max: Current amplitude to stay within, A.
            torque: N m, each within what its bounds allow.
            flux: Bounds, Vs.
            inner: i_d of the largest torque within the bounds, A.
        """
        low, high = np.zeros_like(torque), np.full_like(torque, i_max)
        for _ in range(
            STEPS
        ):  # the torque grows with the magnitude along maximum torque per ampere
            middle = 0.5 * (low + high)
            less = self.torque(*self.mtpa(middle)) < torque
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        i_d, i_q = self.mtpa(0.5 * (low + high))
        # Where the flux there is too large: from it towards the largest torque, along the line of constant torque,
        # which crosses the bound once.
        weak = self.flux(i_d, i_q) > flux
        inside, outside = np.broadcast_to(inner, torque.shape).copy(), i_d.copy()
        for _ in range(STEPS):
            middle = 0.5 * (inside + outside)
            fits = self.q_for(torque, middle) <= self.largest_q(middle, i_max, flux)
            inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
        i_d = np.where(weak, inside, i_d)
        return i_d, np.where(
            weak & (torque > 0.0), self.q_for(torque, inside), np.where(weak, 0.0, i_q)
        )


@cache
def operating_points(machine: Machine, part: float) -> Values:
    """Return the table of a machine's operating points, read-only, (fluxes, 2 + currents * parts).

    Each row holds, for a bound of the flux, the largest torque within the current limits and, for parts of it, the
    currents that give it at least loss. The parts are squares, 0 to 1: currents are smooth over the root of the torque,
    also of a reluctance machine, whose torque goes with the square of the current.

    Args:
        machine: The machine.
        part: Part of the current limits that may be used, which is all that the table of a DC machine holds: its
            points have closed forms.
    """
    if machine.group == DC:
        return np.array([[part]])
    solve = _OWN_POINTS.get(machine.group, _synchronous_points)
    table = np.column_stack(solve(machine, part))
    table.setflags(write=False)
    return table


@cache
def max_torque(machine: Any, part: float) -> float:
    """Return the largest torque that a part of the current limits gives at standstill, N m."""
    if machine.group == DC:
        return machine.largest_torque(part)
    i_max = np.array(part * machine.i_limit)
    if machine.group == DOUBLY_FED:
        machine = _excited_by_rotor(machine)
    if machine.group == EXCITED:
        model = _excited_model(machine, min(part * machine.i_e_limit, machine.i_e_nominal))
        return float(model.torque(*model.mtpa(i_max)))
    if machine.group == INDUCTION:
        model = DQModel(machine.p, machine.l_s, machine.sigma * machine.l_s, 0.0)
        return float(model.torque(*np.full(2, i_max / math.sqrt(2.0))))
    if machine.group == SATURATED:
        return saturated_torque(machine, float(i_max))
    model = DQModel(machine.p, machine.l_d, machine.l_q, getattr(machine, "psi_p", 0.0))
    return float(model.torque(*model.mtpa(i_max)))


def _synchronous_points(machine: Any, part: float) -> list[Values]:
    model = DQModel(machine.p, machine.l_d, machine.l_q, getattr(machine, "psi_p", 0.0))
    i_max = part * machine.i_limit
    # Any flux above this one is no bound: neither at the largest torque nor without current.
    enough = max(float(model.flux(*model.mtpa(np.array(i_max)))), float(model.psi))
    fluxes = np.linspace(0.0, enough, _FLUXES)
    best_d, best_q = model.strongest(i_max, fluxes)
    limit = model.torque(best_d, best_q)
    torque = limit[:, None] * np.linspace(0.0, 1.0, _PARTS) ** 2
    i_d, i_q = model.least(i_max, torque, fluxes[:, None], best_d[:, None])
    return [fluxes, limit, i_d, i_q]


def _excited_model(machine: Any, i_e: Any) -> DQModel:
    """Return the steady state of a machine at given excitations."""
    return DQModel(machine.p, machine.l_d, machine.l_q, machine.l_m * np.asarray(i_e))


def _excited_points(machine: Any, part: float) -> list[Values]:
    """Fill the table of a machine with an excitation winding: the excitation of least copper loss for each point."""
    i_max, most = part * machine.i_limit, min(part * machine.i_e_limit, machine.i_e_nominal)

    def largest(i_e: Values, flux: Values) -> Values:
        own = _excited_model(machine, i_e)
        return own.torque(*own.strongest(i_max, flux))

    # Without a bound of the flux the most excitation gives the most torque.
    own = _excited_model(machine, most)
    fluxes = np.linspace(0.0, float(own.flux(*own.mtpa(np.array(i_max)))), _EXCITED_FLUXES)
    limit = largest(golden(lambda i_e: largest(i_e, fluxes), 0.0 * fluxes, most), fluxes)
    torque = limit[:, None] * np.linspace(0.0, 1.0, _EXCITED_PARTS) ** 2
    flux = np.broadcast_to(fluxes[:, None], torque.shape)

    def solve(i_e: Values) -> tuple[Values, Values, Values]:
        """Return the least currents, and by how much the torque is out of reach."""
        own = _excited_model(machine, i_e)
        best_d, best_q = own.strongest(i_max, flux)
        i_d, i_q = own.least(i_max, torque, flux, best_d)
        return i_d, i_q, torque - own.torque(best_d, best_q)

    def merit(i_e: Values) -> Values:
        i_d, i_q, short = solve(i_e)
        loss = 1.5 * machine.r_s * (i_d**2 + i_q**2) + machine.r_e * i_e**2
        # An excitation with which the torque is out of reach: the more torque it gives the better.
        return np.where(short > 1e-9 * limit[-1], -1e9 * (1.0 + short), -loss)

    i_e = golden(merit, np.zeros_like(torque), most, _EXCITED_STEPS)
    i_d, i_q, _ = solve(i_e)
    return [fluxes, limit, i_d, i_q, i_e]


def _induction_points(machine: Any, part: float) -> list[Values]:
    """Fill the table of an induction machine: at rest in its frame it is a reluctance machine with l_s and sigma l_s.

    The current along the flux is that of least loss in stator and rotor, but not less than in waiting: the flux follows
    slowly, and a drive without it would be slow. Products of the two currents are torques, so all bounds are quadratic
    equations in the square of the current along the flux.
    """
    l_d, l_q, i_max = machine.l_s, machine.sigma * machine.l_s, part * machine.i_limit
    model = DQModel(machine.p, l_d, l_q, 0.0)
    enough = max(i_max * math.hypot(l_d, l_q) / math.sqrt(2.0), l_d * machine.i_standing)
    fluxes = np.linspace(0.0, enough, _FLUXES)
    # The largest product of the currents on the circle, else on the ellipse, else where both bind.
    ellipse = fluxes**2 / (2.0 * l_d**2)
    both = (fluxes**2 - (l_q * i_max) ** 2) / (l_d**2 - l_q**2)
    inside = ellipse + fluxes**2 / (2.0 * l_q**2) <= i_max**2
    square = np.where(inside, ellipse, np.minimum(both, i_max**2 / 2.0))
    best_d = np.sqrt(np.maximum(square, 0.0))
    best_q = np.minimum(
        np.sqrt(np.maximum(i_max**2 - best_d**2, 0.0)),
        np.sqrt(np.maximum(fluxes**2 - (l_d * best_d) ** 2, 0.0)) / l_q,
    )
    limit = model.torque(best_d, best_q)
    product = (best_d * best_q)[:, None] * np.linspace(0.0, 1.0, _PARTS) ** 2
    bound = fluxes[:, None] ** 2

    def roots(most: Values | float, of_d: float, of_q: float) -> tuple[Values, Values]:
        """Return the squares of i_d between which of_d i_d^2 + of_q (product / i_d)^2 does not exceed a bound."""
        root = np.sqrt(np.maximum(np.square(most) - 4.0 * of_d * of_q * product**2, 0.0))
        high = (most + root) / (2.0 * of_d)
        return of_q * product**2 / (of_d * np.maximum(high, _TINY)), high

    by_flux, by_current = roots(bound, l_d**2, l_q**2), roots(i_max**2, 1.0, 1.0)
    low = np.maximum(by_flux[0], by_current[0])
    high = np.minimum(by_flux[1], by_current[1])
    coupling = machine.l_m / machine.l_r
    weight = 1.0 + machine.r_r * coupling**2 / max(machine.r_s, _TINY)
    square = np.maximum(product * math.sqrt(weight), machine.i_standing**2)
    i_d = np.sqrt(np.minimum(np.maximum(square, low), high))
    return [fluxes, limit, i_d, product / np.maximum(i_d, _TINY)]


def _excited_by_rotor(machine: Any) -> Any:
    """Return a doubly fed machine as one with an excitation winding: the direct current of its rotor, along d."""
    return SimpleNamespace(
        group=EXCITED,
        p=machine.p,
        r_s=machine.r_s,
        r_e=1.5 * machine.r_r,  # of three phases
        l_d=machine.l_s,
        l_q=machine.l_s,
        l_m=machine.l_m,
        i_limit=machine.i_limit,
        i_e_limit=machine.i_limit,
        i_e_nominal=machine.i_limit,
    )


def _fed_points(machine: Any, part: float) -> list[Values]:
    return _excited_points(_excited_by_rotor(machine), part)


_OWN_POINTS = {
    DOUBLY_FED: _fed_points,
    EXCITED: _excited_points,
    INDUCTION: _induction_points,
    SATURATED: saturated_points,
}


@kernel
def _between(omega_e, u_max, points):
    """Return the row of the table below the bound of the flux at a speed, and the part of the way to the next."""
    last = points.shape[0] - 1
    across = float(last)
    if abs(omega_e) * points[last, _FLUX] > u_max:
        across = last * u_max / (abs(omega_e) * points[last, _FLUX])
    j = min(int(across), last - 1)
    return j, across - j


@kernel
def torque_limit(omega_e, u_max, points):
    """Return the largest torque at an electrical speed within a voltage amplitude, N m."""
    j, b = _between(omega_e, u_max, points)
    return (1.0 - b) * points[j, _TORQUE] + b * points[j + 1, _TORQUE]


@kernel
def _blend(points, j, k, b, d):
    """Return the bilinear interpolation between four entries, with parts b and d of the way."""
    low = (1.0 - d) * points[j, k] + d * points[j, k + 1]
    high = (1.0 - d) * points[j + 1, k] + d * points[j + 1, k + 1]
    return (1.0 - b) * low + b * high


@kernel
def currents_for_torque(group, torque, omega_e, u_max, points):
    """Return the currents of four axes for a torque, or for the largest that current and voltage allow.

    Args:
        group: The group.
        torque: Wanted torque, N m.
        omega_e: Electrical speed, rad/s.
        u_max: Voltage amplitude to stay below, V; the resistive drop is left to the caller's margin.
        points: Table of :func:`operating_points`.
    """
    kind = len(group)
    three = kind in (EXCITED, DOUBLY_FED)
    count = 3 if three else 2
    parts = (points.shape[1] - _FIRST) // count
    j, b = _between(omega_e, u_max, points)
    limit = (1.0 - b) * points[j, _TORQUE] + b * points[j + 1, _TORQUE]
    along = 0.0
    if limit > 0.0:
        along = (parts - 1) * math.sqrt(min(abs(torque) / limit, 1.0))
    k = min(int(along), parts - 2)
    d = along - k
    k += _FIRST
    i_d, i_q = _blend(points, j, k, b, d), _blend(points, j, k + parts, b, d)
    i_e = _blend(points, j, k + 2 * parts, b, d) if three else 0.0
    return i_d, math.copysign(i_q, torque), i_e, 0.0
