"""The magnetic co-energy of a machine as a bicubic spline of its d and q currents: fit and evaluation.

With the flux linkages as the gradient of a co-energy, psi = grad W'(i), reciprocity d psi_d / d i_q = d psi_q / d i_d
holds by construction, and the machine stores or gives back energy only; it is passive where the Hessian, which is the
matrix of incremental inductances, is positive definite. (Woodson and Melcher, "Electromechanical Dynamics", part I,
Wiley 1968, chapter 3; for maps of saturated machines Armando, Bojoi, Guglielmi, Pellegrino and Pastorelli, IEEE Trans.
Ind. Appl. 49(5), 2013, doi:10.1109/TIA.2013.2258876.) Uniform cubic B-splines: de Boor, "A Practical Guide to Splines",
revised ed., Springer 2001. The flux linkages are smooth (C1), the inductances continuous.

A spline is one row of numbers, which all rows of worlds share: along d and along q the first current (A), the cells per
ampere and the number of cells, then the coefficients (J), those of one d after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import kernel

Values = NDArray[np.float64]

HEADER = 6  # numbers before the coefficients
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
    cell = min(int(inside), int(cells) - 1)
    return cell, inside - cell, (along - inside) / row[first + 1]


@kernel
def _weights(t):
    """Return the four cubic B-splines that are not zero at a place t within a cell."""
    s = 1.0 - t
    square, cube = t * t, t * t * t
    return (
        s * s * s / 6.0,
        (3.0 * cube - 6.0 * square + 4.0) / 6.0,
        (3.0 * t + 3.0 * square - 3.0 * cube + 1.0) / 6.0,
        cube / 6.0,
    )


@kernel
def _slopes(t, per):
    """Return their first derivatives, with ``per`` cells per ampere."""
    s = 1.0 - t
    return (
        -0.5 * per * s * s,
        0.5 * per * t * (3.0 * t - 4.0),
        0.5 * per * (1.0 + 2.0 * t - 3.0 * t * t),
        0.5 * per * t * t,
    )


@kernel
def _bends(t, per):
    """Return their second derivatives."""
    square = per * per
    return square * (1.0 - t), square * (3.0 * t - 2.0), square * (1.0 - 3.0 * t), square * t


@kernel
def _sum(w, row, at):
    """Return the weighted sum of four coefficients that follow one another."""
    return w[0] * row[at] + w[1] * row[at + 1] + w[2] * row[at + 2] + w[3] * row[at + 3]


@kernel
def _dot(w, a, b, c, d):
    return w[0] * a + w[1] * b + w[2] * c + w[3] * d


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
    value, slope = _weights(s), _slopes(s, row[first + 4])
    bend = _bends(s, row[first + 4])
    width = int(row[first + 5]) + 3
    a = first + HEADER + j * width + k
    b, c, d = a + width, a + 2 * width, a + 3 * width
    along = _weights(t)
    slope_d, per = _slopes(t, row[first + 1]), row[first + 1]
    v = _sum(value, row, a), _sum(value, row, b), _sum(value, row, c), _sum(value, row, d)
    g = _sum(slope, row, a), _sum(slope, row, b), _sum(slope, row, c), _sum(slope, row, d)
    l_dd = _dot(_bends(t, per), v[0], v[1], v[2], v[3])
    l_dq = _dot(slope_d, g[0], g[1], g[2], g[3])
    l_qq = _dot(
        along, _sum(bend, row, a), _sum(bend, row, b), _sum(bend, row, c), _sum(bend, row, d)
    )
    psi_d = _dot(slope_d, v[0], v[1], v[2], v[3]) + l_dd * beyond_d + l_dq * beyond_q
    psi_q = _dot(along, g[0], g[1], g[2], g[3]) + l_dq * beyond_d + l_qq * beyond_q
    return psi_d, psi_q, l_dd, l_dq, l_qq


@kernel
def coenergy(i_d, i_q, row, first):
    """Return the co-energy of d and q currents within the map, J without the factor 3/2 of three phases."""
    j, t, _ = _place(i_d, row, first)
    k, s, _ = _place(i_q, row, first + 3)
    w, width = _weights(s), int(row[first + 5]) + 3
    a = first + HEADER + j * width + k
    b, c, d = a + width, a + 2 * width, a + 3 * width
    return _dot(_weights(t), _sum(w, row, a), _sum(w, row, b), _sum(w, row, c), _sum(w, row, d))


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


def _basis(currents: Values, low: float, high: float, cells: int) -> tuple[Values, Values]:
    """Return the B-splines of an axis at currents and their slopes per ampere, each (currents, cells + 3)."""
    per = cells / (high - low)
    value, slope = np.zeros((2, len(currents), cells + 3))
    for n, current in enumerate(currents):
        along = (current - low) * per
        cell = min(int(along), cells - 1)
        value[n, cell : cell + 4] = _weights(along - cell)
        slope[n, cell : cell + 4] = _slopes(along - cell, per)
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
    return np.concatenate([header, coefficients])
