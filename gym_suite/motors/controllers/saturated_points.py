"""Operating points of a machine whose iron saturates, from its flux map: least current, field weakening, most torque.

Maximum torque per ampere (MTPA), and where the voltage bounds the flux, maximum torque per voltage (MTPV), as for
constant inductances (Morimoto, Takeda, Hirasa and Taniguchi, IEEE Trans. Ind. Appl. 26(5), 1990, doi:10.1109/28.60058),
with the map in place of the inductances. At the bound a point is looked for along its circle in the plane of the flux,
on which currents and torque follow from the inverse of the map; as Awan, Song, Saarakkala and Hinkkanen, IEEE Trans.
Ind. Appl. 54(6), 2018, doi:10.1109/TIA.2018.2862410, find theirs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.machines.flux_maps import FluxMap
from gym_suite.motors.machines.search import STEPS, golden

Values = NDArray[np.float64]

_FLUXES, _PARTS = 81, 41  # nodes of the table
_MAGNITUDES = 401  # of the current along most torque per ampere
_ROUNDING = 1e-6  # part of the current limit within which a current counts as on it
_ANGLES = np.linspace(
    0.0, math.pi, 181
)  # of the flux, among which the strongest is looked for first


def _torque(machine: Any, i_d: Values, i_q: Values) -> Values:
    psi_d, psi_q = machine.map.linkages(i_d, i_q, beyond=True)
    return 1.5 * machine.p * (psi_d * i_q - psi_q * i_d)


def saturated_torque(machine: Any, current: float) -> float:
    """Return the largest torque that a current gives, N m."""
    return float(_torque(machine, *machine.map.strongest(np.array([current])))[0])


def saturated_points(machine: Any, part: float) -> list[Values]:
    """Return bounds of the flux, the largest torque within each and the current limit, and currents for parts of it.

    What the table's columns are for; see :func:`gym_suite.motors.controllers.operating_points.operating_points`.
    """
    known: FluxMap = machine.map
    i_max = part * machine.i_limit
    size = np.linspace(0.0, i_max, _MAGNITUDES)
    best_d, best_q = known.strongest(size)
    best = np.maximum.accumulate(_torque(machine, best_d, best_q))
    flux = np.hypot(*known.linkages(best_d, best_q))
    fluxes = np.linspace(0.0, float(flux.max()), _FLUXES)

    strongest, limit = _at_bounds(machine, i_max, fluxes)
    free = flux[-1] <= fluxes  # what most torque per ampere gives at the current limit
    limit = np.where(free, best[-1], limit)
    torque = limit[:, None] * np.linspace(0.0, 1.0, _PARTS) ** 2
    i_d, i_q = np.interp(torque, best, best_d), np.interp(torque, best, best_q)
    weak = np.hypot(*known.linkages(i_d, i_q)) > fluxes[:, None] * (1.0 + 1e-9)

    # Where the flux there is too large: on the bound, from no torque to the largest.
    low, high = np.zeros_like(torque), np.broadcast_to(strongest[:, None], torque.shape)
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        less = _torque(machine, *_on_circle(known, fluxes[:, None], middle)) < torque
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    bound_d, bound_q = _on_circle(known, fluxes[:, None], high)
    i_d, i_q = np.where(weak, bound_d, i_d), np.where(weak, bound_q, i_q)

    # Where no current keeps the bound there is no torque, and the field is weakened as far as the current allows.
    low, high, _ = known.reach
    along = np.linspace(max(-i_max, low), min(i_max, high), 2 * _MAGNITUDES - 1)
    least = along[np.argmin(np.abs(known.linkages(along, 0.0)[0]))]
    none = (limit <= 0.0)[:, None]
    return [fluxes, limit, np.where(none, least, i_d), np.where(none, 0.0, i_q)]


def _on_circle(known: FluxMap, flux: Values, angle: Values) -> tuple[Values, Values]:
    """Return the currents at an amplitude of the flux and its angle from the d axis."""
    return known.currents(flux * np.cos(angle), flux * np.sin(angle), beyond=True)


def _at_bounds(machine: Any, i_max: float, fluxes: Values) -> tuple[Values, Values]:
    """Return the angle of the flux with the largest torque on each bound within the current limit, and that torque."""
    known: FluxMap = machine.map

    def merit(angle: Values, allowed: float = 0.0) -> Values:
        i_d, i_q = _on_circle(known, fluxes, angle)
        over = np.maximum(np.hypot(i_d, i_q) - i_max, known.excess(i_d, i_q))
        # Beyond the limit or the map: the nearer to it the better.
        return np.where(over > allowed * i_max, -1.0 - over, _torque(machine, i_d, i_q))

    best = _ANGLES[np.argmax([merit(np.full(fluxes.shape, a)) for a in _ANGLES], axis=0)]
    step = _ANGLES[1]
    angle = golden(merit, np.maximum(best - step, 0.0), np.minimum(best + step, math.pi))
    # Where the current limit binds, the section ends on either side of it.
    return angle, np.maximum(merit(angle, _ROUNDING), 0.0)
