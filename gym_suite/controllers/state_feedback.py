"""Linear-quadratic regulator: state feedback from matrices and weights.

Take the matrices from :func:`gym_suite.analysis.linearize`, whose ``Ad``, ``Bd`` are the exact
zero-order-hold pair of a plant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StateFeedback:
    """State feedback ``u = -k x - k_i z``, with ``z`` the integral of the control error's outputs.

    Attributes:
        k: Feedback of the states, (inputs, states).
        k_i: Feedback of the integrators, (inputs, integrators); (inputs, 0) without them.
        riccati: Solution of the Riccati equation of the augmented plant; ``x' P x`` is the cost.
        poles: Closed-loop eigenvalues, of the augmented plant.
        dt: Sampling period in s; 0 for continuous time.
        rule: Name of the rule.
        source: Where the rule is published.
    """

    k: NDArray[np.float64]
    k_i: NDArray[np.float64]
    riccati: NDArray[np.float64]
    poles: NDArray[np.complex128]
    dt: float
    rule: str
    source: str


def _matrix(name: str, value: ArrayLike, rows: int | None, columns: int | None) -> NDArray[Any]:
    array = np.atleast_2d(np.asarray(value, dtype=np.float64))
    wanted = (rows or array.shape[0], columns or array.shape[1])
    if array.shape != wanted:
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array!r}")
    return array


def _weight(name: str, value: ArrayLike, size: int, *, strict: bool) -> NDArray[np.float64]:
    """Return a symmetric weight; a vector is taken as its diagonal."""
    array = np.asarray(value, dtype=np.float64)
    array = _matrix(name, np.diag(array) if array.ndim == 1 else array, size, size)
    if not np.allclose(array, array.T):
        raise ValueError(f"{name} must be symmetric, got {array!r}")
    lowest = float(np.linalg.eigvalsh(array).min())
    floor = 1e-12 * max(1.0, float(np.abs(array).max()))
    if lowest < -floor or (strict and lowest <= 0.0):
        wanted = "positive definite" if strict else "positive semidefinite"
        raise ValueError(f"{name} must be {wanted}, its lowest eigenvalue is {lowest!r}")
    return array


def lqr(
    a: ArrayLike,
    b: ArrayLike,
    q: ArrayLike,
    r: ArrayLike,
    *,
    dt: float = 0.0,
    integral: ArrayLike | None = None,
) -> StateFeedback:
    """Linear-quadratic regulator, continuous or discrete, with integral action on demand.

    Minimises ``int x'Qx + u'Ru dt`` for ``dx/dt = A x + B u`` (dt = 0), or
    ``sum x'Qx + u'Ru`` for ``x+ = A x + B u`` (dt > 0).

    Args:
        a: System matrix (n, n).
        b: Input matrix (n, m).
        q: State weight (n, n) or its diagonal, of the augmented plant when there is integral
            action (states first, then integrators).
        r: Input weight (m, m) or its diagonal, positive definite.
        dt: Sampling period in s of a discrete plant, 0 for a continuous one.
        integral: Output matrix (k, n) of the variables whose error is integrated:
            ``dz/dt = C x - reference``, or ``z+ = z + dt (C x - reference)``.

    Returns:
        The feedback, the Riccati solution and the closed-loop poles.

    Raises:
        ValueError: For wrong shapes, indefinite weights, or a plant that cannot be stabilised.
    """
    from scipy.linalg import solve_continuous_are, solve_discrete_are

    if not (math.isfinite(dt) and dt >= 0.0):
        raise ValueError(f"dt must be a sampling period in s or 0 for continuous time, got {dt!r}")
    a = _matrix("a", a, None, None)
    n = a.shape[0]
    a = _matrix("a", a, n, n)
    b = _matrix("b", np.reshape(b, (n, -1)), n, None)
    if integral is not None:
        a, b = _augment(a, b, _matrix("integral", integral, None, n), dt)
    q = _weight("q", q, a.shape[0], strict=False)
    r = _weight("r", r, b.shape[1], strict=True)
    try:
        riccati = (solve_discrete_are if dt > 0.0 else solve_continuous_are)(a, b, q, r)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"no stabilising feedback exists for these matrices: {error}") from error
    if dt > 0.0:
        k = np.linalg.solve(r + b.T @ riccati @ b, b.T @ riccati @ a)
    else:
        k = np.linalg.solve(r, b.T @ riccati)
    poles = np.linalg.eigvals(a - b @ k)
    if (np.abs(poles) >= 1.0).any() if dt > 0.0 else (poles.real >= 0.0).any():
        raise ValueError(f"these weights leave the loop unstable, its poles are {poles!r}")
    return StateFeedback(
        k=k[:, :n],
        k_i=k[:, n:],
        riccati=riccati,
        poles=poles.astype(np.complex128),
        dt=float(dt),
        rule="LQR",
        source="B. D. O. Anderson and J. B. Moore, Optimal Control: Linear Quadratic Methods, "
        "Prentice Hall 1990",
    )


def _augment(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], dt: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Append the integrators of ``c x`` to the plant."""
    n, k = a.shape[0], c.shape[0]
    step, memory = (dt, np.eye(k)) if dt > 0.0 else (1.0, np.zeros((k, k)))
    a_augmented = np.block([[a, np.zeros((n, k))], [step * c, memory]])
    return a_augmented, np.vstack([b, np.zeros((k, b.shape[1]))])
