"""The magnetic co-energy of a machine as a bicubic spline of its d and q currents: fit and evaluation.

With the flux linkages as the gradient of a co-energy, psi = grad W'(i), reciprocity d psi_d / d i_q = d psi_q / d i_d
holds by construction, and the machine stores or gives back energy only; it is passive where the Hessian, which is the
matrix of incremental inductances, is positive definite. (Woodson and Melcher, "Electromechanical Dynamics", part I,
Wiley 1968, chapter 3; for maps of saturated machines Armando, Bojoi, Guglielmi, Pellegrino and Pastorelli, IEEE Trans.
Ind. Appl. 49(5), 2013, doi:10.1109/TIA.2013.2258876.) Uniform cubic B-splines: de Boor, "A Practical Guide to Splines",
revised ed., Springer 2001. The flux linkages are smooth (C1), the inductances continuous.

A spline is one row of numbers, which all rows of worlds share: along d and along q the first current (A), the cells per
ampere and the number of cells, then the cells, those of one d after the other. A cell is the polynomial that the
splines sum up to in it: 16 coefficients (J) of the powers of the places s along q and t along d, the four of one power
of s after the other. By Horner's scheme they take a quarter less time than splines by their weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel

Values = NDArray[np.float64]

HEADER = 6  # numbers before the cells
PATCH = 16  # coefficients of a cell
#: Weight of the fluxes' second differences from cell to cell beside their distance from the measured ones: enough to
#: keep measurement noise out of the inductances, far too little to move a flux by more than that noise.
SMOOTHING = 1e-3


# ------------------------------------------------------------------------------------------------------ evaluation


@kernel
def _place(current, row, first):
    """Return the cell of a current along one axis, the place in it, and by how much the current is outside the map."""
    along, cells = (current - row[first]) * row[first + 1], row[first + 2]
    inside = 0.0  # also of what is no number, which then stands in the excess
    if along >= cells:
        inside = cells
    elif along > 0.0:
        inside = along
    cell, beyond = min(int(inside), int(cells) - 1), 0.0
    if along != inside:
        beyond = (along - inside) / row[first + 1]
    return cell, inside - cell, beyond


@kernel
def _cell(j, k, row, first):
    """Return the place of the first coefficient of a cell."""
    return first + HEADER + PATCH * (j * int(row[first + 5]) + k)


@kernel
def _horner(row, at, s):
    """Return a polynomial in s, its first and half its second derivative; coefficients stand four apart."""
    second = row[at + 8] + s * row[at + 12]
    first = row[at + 4] + s * second
    bend = second + s * row[at + 12]
    return row[at] + s * first, first + s * bend, bend + s * row[at + 12]


@kernel
def linkages(i_d, i_q, row, first):
    """Return (psi_d, psi_q, l_dd, l_dq, l_qq): flux linkages, Vs, and incremental inductances, H.

    Outside the map the inductances of its edge stay, and the fluxes go on along them: there the currents still decay
    without a voltage.

    Args:
        i_d: d current, A.
        i_q: q current, A.
        row: A row in which the spline stands.
        first: Place of its first number in it.
    """
    j, t, beyond_d = _place(i_d, row, first)
    k, s, beyond_q = _place(i_q, row, first + 3)
    at, per_d, per_q = _cell(j, k, row, first), row[first + 1], row[first + 4]
    _, g_0, b_0 = _horner(row, at, s)
    v_1, g_1, b_1 = _horner(row, at + 1, s)
    v_2, g_2, b_2 = _horner(row, at + 2, s)
    v_3, g_3, b_3 = _horner(row, at + 3, s)
    l_dd = per_d * per_d * (2.0 * v_2 + 6.0 * t * v_3)
    l_dq = per_d * per_q * (g_1 + t * (2.0 * g_2 + 3.0 * t * g_3))
    l_qq = 2.0 * per_q * per_q * (b_0 + t * (b_1 + t * (b_2 + t * b_3)))
    psi_d = per_d * (v_1 + t * (2.0 * v_2 + 3.0 * t * v_3))
    psi_q = per_q * (g_0 + t * (g_1 + t * (g_2 + t * g_3)))
    psi_d += l_dd * beyond_d + l_dq * beyond_q
    psi_q += l_dq * beyond_d + l_qq * beyond_q
    return psi_d, psi_q, l_dd, l_dq, l_qq


@kernel
def coenergy(i_d, i_q, row, first):
    """Return the co-energy of d and q currents within the map, J without the factor 3/2 of three phases."""
    j, t, _ = _place(i_d, row, first)
    k, s, _ = _place(i_q, row, first + 3)
    at = _cell(j, k, row, first)
    v_0, _, _ = _horner(row, at, s)
    v_1, _, _ = _horner(row, at + 1, s)
    v_2, _, _ = _horner(row, at + 2, s)
    v_3, _, _ = _horner(row, at + 3, s)
    return v_0 + t * (v_1 + t * (v_2 + t * v_3))


@kernel
def linkages_rows(i, row, out):
    """Fill out, (n, 5), with :func:`linkages` of currents, (n, 2)."""
    for k in range(i.shape[0]):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = linkages(i[k, 0], i[k, 1], row, 0)


@kernel
def coenergy_rows(i, row, out):
    """Fill out, (n,), with :func:`coenergy` of currents, (n, 2)."""
    for k in range(i.shape[0]):
        out[k] = coenergy(i[k, 0], i[k, 1], row, 0)


# ------------------------------------------------------------------------------------------------------------- fit


#: The four cubic B-splines that are not zero in a cell, by the powers of the place in it.
_SPLINES = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6.0


def _powers(place: float) -> Values:
    """Return the powers of a place within a cell, and their slopes, (2, 4)."""
    return np.array([[1.0, place, place**2, place**3], [0.0, 1.0, 2.0 * place, 3.0 * place**2]])


def _basis(currents: Values, low: float, high: float, cells: int) -> tuple[Values, Values]:
    """Return the B-splines of an axis at currents and their slopes per ampere, each (currents, cells + 3)."""
    per = cells / (high - low)
    value, slope = np.zeros((2, len(currents), cells + 3))
    for n, current in enumerate(currents):
        along = (current - low) * per
        cell = min(int(along), cells - 1)
        splines = _powers(along - cell) @ _SPLINES
        value[n, cell : cell + 4], slope[n, cell : cell + 4] = splines[0], per * splines[1]
    return value, slope


def fit(i_d: Values, i_q: Values, psi_d: Values, psi_q: Values, cells: tuple[int, int]) -> Values:
    """Return the row of the co-energy whose flux linkages come nearest to given ones, by least squares.

    Args:
        i_d: d currents of a grid, increasing, A, (n,).
        i_q: q currents, increasing, A, (m,).
        psi_d: d flux linkages, Vs, (n, m).
        psi_q: q flux linkages, Vs, (n, m).
        cells: Of the spline along d and q.
    """
    n, m = cells
    d, slope_d = _basis(i_d, i_d[0], i_d[-1], n)
    q, slope_q = _basis(i_q, i_q[0], i_q[-1], m)
    normal = np.kron(slope_d.T @ slope_d, q.T @ q) + np.kron(d.T @ d, slope_q.T @ slope_q)
    right = slope_d.T @ psi_d @ q + d.T @ psi_q @ slope_q
    for along, size, other in ((0, n + 3, m + 3), (1, m + 3, n + 3)):
        span = (i_d, i_q)[along]
        third = np.diff(np.eye(size), 3, axis=0) * cells[along] / (span[-1] - span[0])
        bent = SMOOTHING * third.T @ third
        normal += np.kron(bent, np.eye(other)) if along == 0 else np.kron(np.eye(other), bent)
    # Fluxes leave the constant open: the co-energy is zero where the grid begins.
    start = np.kron(d[0], q[0])
    normal += np.outer(start, start)
    coefficients = np.linalg.solve(normal, right.ravel())
    header = [i_d[0], n / (i_d[-1] - i_d[0]), n, i_q[0], m / (i_q[-1] - i_q[0]), m]
    return np.concatenate([header, _patches(coefficients.reshape(n + 3, m + 3)).ravel()])


def _patches(coefficients: Values) -> Values:
    """Return the polynomials of all cells, (n, m, powers along q, powers along d), from the splines' coefficients."""
    each = np.lib.stride_tricks.sliding_window_view(coefficients, (4, 4))
    return np.einsum("td,jkdq,sq->jkst", _SPLINES, each, _SPLINES)
