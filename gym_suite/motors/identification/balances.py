"""Voltage equations of each kind, integrated over time: linear in the machine's numbers, so a fit can begin from them.

Integrals of what was measured average its noise away, where derivatives would amplify it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.identification.logs import CHANCE, Log
from gym_suite.motors.machines import Machine

Array = NDArray[np.float64]

#: Parts of the log over which the equations are integrated, each giving a start.
WINDOWS = (1.0, 0.1, 0.01)
#: Ratio of a number to that of the set, either way, within which a start may lie.
FARTHEST = 1e5


def _equal(numbers: Mapping[str, float], base: Machine) -> dict[str, float]:
    return dict(numbers)


@dataclass(frozen=True, slots=True)
class Balance:
    """How the numbers of a kind follow from its voltage equations.

    Attributes:
        names: The numbers that are found.
        terms: From a log, the integrals of its voltages, (equations, n), and of the terms that the unknowns multiply,
            (unknowns, equations, n).
        numbers: From the unknowns to the numbers by name, of a machine like the base.
        completed: From the numbers to all that a machine needs of its circuit.
        assumed: Sentences on what no log can tell.
    """

    names: tuple[str, ...]
    terms: Callable[[Log, float], tuple[Array, Array]]
    numbers: Callable[[Array, tuple[str, ...], Machine], dict[str, float]]
    completed: Callable[[Mapping[str, float], Machine], dict[str, float]] = _equal
    assumed: tuple[str, ...] = ()

    def build(self, base: Machine, numbers: Mapping[str, float]) -> Machine:
        """Return a machine with these numbers, the others those of a base.

        Raises:
            ValueError: If there is no such machine.
        """
        return replace(base, **self.completed(numbers, base))  # type: ignore[type-var]

    def solve(self, log: Log, base: Machine, window: float) -> tuple[Array, float]:
        """Return the unknowns that explain the integrals over windows of a log best, and what stays unexplained.

        Args:
            log: The log.
            base: For its pole pairs.
            window: Part of the log that a window lasts.

        Returns:
            The unknowns, nan where they are within the noise, and the rms of what stays unexplained over that of the
            voltages' integrals.
        """
        y, terms = self.terms(log, base.pairs)
        rows = max(int(window * (len(log.t) - 1)), 1)
        sums = np.concatenate([terms, y[None]])
        over = (sums[..., rows:] - sums[..., :-rows]) if window < 1.0 else sums
        over = over.reshape(len(sums), -1)
        size = np.linalg.norm(over, axis=1)
        size[size == 0.0] = 1.0
        a, b = (over[:-1] / size[:-1, None]).T, over[-1] / size[-1]
        inverse = np.linalg.pinv(a, rcond=1e-9)
        found = inverse @ b
        left = float(np.linalg.norm(a @ found - b))
        spread = np.linalg.norm(inverse, axis=1) * left / math.sqrt(len(b))
        found[np.abs(found) <= CHANCE * spread] = math.nan
        return found * size[-1] / size[:-1], left

    def misfit(self, log: Log, base: Machine) -> float:
        """Return the part of the voltages' integrals that no numbers explain."""
        return self.solve(log, base, 0.1)[1]


def start_of(balance: Balance, log: Log, base: Machine) -> Iterator[dict[str, float]]:
    """Yield numbers to begin a fit with: of each length of windows, and those of the base.

    What a log does not show comes out within the noise or as anything, even below zero; there the base's number stands.

    Args:
        balance: The kind's equations.
        log: The log.
        base: The machine to begin with.
    """
    own = {name: getattr(base, name) for name in balance.names}
    for window in WINDOWS:
        unknowns, _ = balance.solve(log, base, window)
        found = balance.numbers(unknowns, balance.names, base)
        yield {
            name: value if 1.0 / FARTHEST < value / own[name] < FARTHEST else own[name]
            for name, value in found.items()
        }
    yield own


def _named(unknowns: Array, names: tuple[str, ...], base: Machine) -> dict[str, float]:
    return dict(zip(names, map(float, unknowns), strict=True))


def _integral(log: Log, values: NDArray[Any]) -> NDArray[Any]:
    """Return the integral from the first row, by trapezia."""
    steps = 0.5 * (values[1:] + values[:-1]) * np.diff(log.t)
    return np.concatenate([np.zeros(1, values.dtype), np.cumsum(steps)])


def _held(log: Log, k: int) -> Array:
    """Return the integral of a voltage that is held from row to row."""
    return np.concatenate([[0.0], np.cumsum(log.voltages[:-1, k] * np.diff(log.t))])


def _rise(values: NDArray[Any]) -> NDArray[Any]:
    return values - values[0]


def _table(log: Log, rows: list[list[Array | None]]) -> Array:
    """Return terms, (unknowns, equations, n), of rows of equations; None is a term that is not there."""
    nothing = np.zeros(len(log.t))
    return np.array([[nothing if term is None else term for term in row] for row in rows])


def _synchronous(log: Log, pairs: float, *, magnet: bool) -> tuple[Array, Array]:
    """Return the balance of u_d = r i_d + l_d i_d' - w l_q i_q, u_q = r i_q + l_q i_q' + w (l_d i_d + psi)."""
    i_d, i_q = log.currents["i_sd"], log.currents["i_sq"]
    w = pairs * log.omega
    rows = [
        [_integral(log, i_d), _integral(log, i_q)],
        [_rise(i_d), _integral(log, w * i_d)],
        [-_integral(log, w * i_q), _rise(i_q)],
    ]
    rows += [[np.zeros(len(log.t)), _integral(log, w)]] if magnet else []
    return np.array([_held(log, 0), _held(log, 1)]), np.array(rows)


def _excited(log: Log, pairs: float) -> tuple[Array, Array]:
    """Return the balance of a synchronous machine whose field is that of a winding, psi_e = 3/2 l_m i_d + l_e i_e."""
    i_d, i_q, i_e = (log.currents[name] for name in ("i_sd", "i_sq", "i_e"))
    w = pairs * log.omega
    rows = [
        [_integral(log, i_d), _integral(log, i_q), None],
        [None, None, _integral(log, i_e)],
        [_rise(i_d), _integral(log, w * i_d), None],
        [-_integral(log, w * i_q), _rise(i_q), None],
        [_rise(i_e), _integral(log, w * i_e), 1.5 * _rise(i_d)],
        [None, None, _rise(i_e)],
    ]
    return np.array([_held(log, k) for k in range(3)]), _table(log, rows)


def _magnets(log: Log, pairs: float) -> tuple[Array, Array]:
    """Return the balance of u = r i + l i' + psi omega."""
    i = log.currents["i"]
    terms = [_integral(log, i), _rise(i), _integral(log, log.omega)]
    return np.array([_held(log, 0)]), np.array(terms)[:, None]


def _series(log: Log, pairs: float) -> tuple[Array, Array]:
    """Return the balance of u = r i + l i' + l' omega i."""
    i = log.currents["i"]
    terms = [_integral(log, i), _rise(i), _integral(log, log.omega * i)]
    return np.array([_held(log, 0)]), np.array(terms)[:, None]


def _two_windings(log: Log, pairs: float) -> tuple[Array, Array]:
    """Return the balance of u_a = r_a i_a + l_a i_a' + l' omega i_e, u_e = r_e i_e + l_e i_e'."""
    i_a, i_e = log.currents["i_a"], log.currents["i_e"]
    rows = [
        [_integral(log, i_a), None],
        [None, _integral(log, i_e)],
        [_rise(i_a), None],
        [None, _rise(i_e)],
        [_integral(log, log.omega * i_e), None],
    ]
    last = log.voltages.shape[1] - 1  # one voltage feeds both windings of a shunt machine
    return np.array([_held(log, 0), _held(log, last)]), _table(log, rows)


def _induction(log: Log, pairs: float) -> tuple[Array, Array]:
    """Return the balance of an induction machine, its rotor's flux eliminated.

    With the flux of the rotor as u - r_s i - l_s' i' integrated, the rotor's equation psi' = r_R i - (alpha - j w) psi
    becomes, integrated once, linear in the unknowns: l_s', r_s + r_R + alpha l_s', alpha, alpha r_s, r_s, and a
    constant and a ramp of the flux at the first row. l_s' is the transient inductance, r_R the rotor's resistance and
    alpha its rate in the inverse-gamma circuit; Slemon, IEEE Trans. Ind. Appl. 25(6), 1989, doi:10.1109/28.44251.
    """
    i = log.currents["i_salpha"] + 1j * log.currents["i_sbeta"]
    u = _held(log, 0) + 1j * _held(log, 1)
    charge = _integral(log, i)
    turning = 1j * pairs * log.omega
    left = u - _integral(log, turning * u)
    turned = _integral(log, turning)
    t = log.t.astype(complex)
    terms = [
        _rise(i) - _integral(log, turning * i) + i[0] * turned,
        charge,
        -_integral(log, u),
        _integral(log, charge),
        -_integral(log, turning * charge),
        t,
        1j * t,
        turned,
        1j * turned,
    ]
    split = [np.array([term.real, term.imag]) for term in terms]
    return np.array([left.real, left.imag]), np.array(split)


def _induction_numbers(unknowns: Array, names: tuple[str, ...], base: Machine) -> dict[str, float]:
    """Return the T circuit with equal leakages of the unknowns."""
    transient, total, rate, product = map(float, unknowns[:4])
    r_s = product / rate if rate else math.nan
    r_rotor = total - r_s - rate * transient
    magnetising = r_rotor / rate if rate else math.nan
    l_s = magnetising + transient
    if not (magnetising > 0.0 and transient > 0.0):
        return dict.fromkeys(names, math.nan)
    l_m = math.sqrt(magnetising * l_s)
    return {"r_s": r_s, "r_r": r_rotor * (l_s / l_m) ** 2, "l_m": l_m, "l_sigs": l_s - l_m}


def _equal_leakages(numbers: Mapping[str, float], base: Machine) -> dict[str, float]:
    leakage = {"l_sigr": numbers["l_sigs"]} if "l_sigs" in numbers else {}
    return {**numbers, **leakage}


def _of_sums(unknowns: Array, names: tuple[str, ...], base: Machine) -> dict[str, float]:
    """Return the armature's part of what both windings in series have together."""
    numbers = _named(unknowns, names, base)
    return {name: value / (1.0 + _share(name, base)) for name, value in numbers.items()}


def _in_series(numbers: Mapping[str, float], base: Machine) -> dict[str, float]:
    """Return the numbers of both windings, which carry one current."""
    excitation = {n.replace("_a", "_e"): v * _share(n, base) for n, v in numbers.items()}
    return {**{n: v for n, v in excitation.items() if n in ("r_e", "l_e")}, **numbers}


def _share(name: str, base: Machine) -> float:
    """Return the excitation's resistance or inductance over the armature's, as the base has it; 0 of other numbers."""
    own = {key: getattr(base, key) for key in ("r_a", "r_e", "l_a", "l_e")}
    return own[name.replace("_a", "_e")] / own[name] if name in ("r_a", "l_a") else 0.0


_TWO = ("r_a", "r_e", "l_a", "l_e", "l_e_prime")

#: The kinds that can be identified.
BALANCES: Mapping[str, Balance] = MappingProxyType(
    {
        "PMSM": Balance(
            ("r_s", "l_d", "l_q", "psi_p"),
            lambda log, pairs: _synchronous(log, pairs, magnet=True),
            _named,
        ),
        "SynRM": Balance(
            ("r_s", "l_d", "l_q"),
            lambda log, pairs: _synchronous(log, pairs, magnet=False),
            _named,
        ),
        "EESM": Balance(("r_s", "r_e", "l_d", "l_q", "l_m", "l_e"), _excited, _named),
        "PermExDc": Balance(("r_a", "l_a", "psi_e"), _magnets, _named),
        "SeriesDc": Balance(
            ("r_a", "l_a", "l_e_prime"),
            _series,
            _of_sums,
            _in_series,
            (
                "r_e = {r_e:.4g} Ohm and l_e = {l_e:.4g} H, shared with r_a and l_a as in the machine that it departs "
                "from: a log shows only their sums",
            ),
        ),
        "ShuntDc": Balance(_TWO, _two_windings, _named),
        "ExtExDc": Balance(_TWO, _two_windings, _named),
        "SCIM": Balance(
            ("r_s", "r_r", "l_m", "l_sigs"),
            _induction,
            _induction_numbers,
            _equal_leakages,
            ("l_sigr = l_sigs: stator quantities cannot tell the leakages apart",),
        ),
    }
)
