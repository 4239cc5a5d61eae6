"""Open-loop simulation of a drive: voltages in, a trajectory out, no limits and no trips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors import parameters as pm
from gym_suite.motors.dynamics import hold_free, pmsm_derivative
from gym_suite.motors.shaft import load_coefficients, load_torque
from gym_suite.motors.transforms import SQRT3

STATE = ("omega", "i_sd", "i_sq", "epsilon")
_UNITS = {
    "omega": "rad/s",
    "i_sd": "A",
    "i_sq": "A",
    "epsilon": "rad",
    "torque": "N m",
    "torque_load": "N m",
    "u_sd": "V",
    "u_sq": "V",
}


def simulate(
    machine: object,
    voltages: ArrayLike,
    *,
    tau: float,
    frame: str = "dq",
    load: object = "constant_speed",
    initial_state: Mapping[str, float] | None = None,
    substeps: int = 1,
    rtol: float | None = None,
) -> Trajectory:
    """Simulate a machine under given voltages, each held over one period.

    Args:
        machine: A set's name, a :class:`gym_suite.motors.parameters.PMSM`, or a mapping such as
            ``{"kind": "PMSM", "p": 3, "r_s": 0.018, ...}``; what it leaves out is the set's "PMSM".
        voltages: V, shape (steps, 2) in the rotor's frame ("dq") or (steps, 3) phase voltages in the
            stator's frame ("abc"), whose common part has no effect.
        tau: Length of a period, s.
        frame: "dq": the voltage is held in the rotor's frame and turns with it. "abc": it is held in
            the stator's frame, as an inverter does.
        load: A kind's name, a load, or a mapping such as ``{"kind": "constant_speed", "omega": 100.0}``
            or ``{"kind": "polynomial_static", "a": 0.05, "b": 0.01, "c": 1e-4, "tau_decay": 1e-3,
            "j_total": 0.04}`` (j_total is rotor plus load) or ``{"kind": "vehicle", ...}``.
        initial_state: omega (rad/s), i_sd, i_sq (A), epsilon (rad, electrical); 0 where not given.
        substeps: Runge-Kutta steps per period; 1 is what the environments use.
        rtol: If given, adaptive integration (DOP853; Hairer, Norsett and Wanner, 1993) to this
            relative tolerance; the kinks of Coulomb friction at standstill are located as events.

    Returns:
        steps + 1 rows of ``omega``, ``i_sd``, ``i_sq``, ``epsilon`` (rad, electrical, not wrapped),
        ``torque``, ``torque_load``, and the voltage at the beginning of each period in the rotor's
        frame, ``u_sd`` and ``u_sq`` (the last row repeats the last period's).

    Raises:
        ValueError: For voltages of a wrong shape or not finite, an unknown name (naming the nearest),
            or a number out of bounds.
        TypeError: If machine or load is of none of the kinds above.
    """
    check_option("frame", frame, pm.FRAMES)
    tau = check_number("tau", tau, above=0.0)
    steps = int(check_number("substeps", substeps, low=1, high=1_000_000, integer=True))
    built = pm.build_machine(machine)
    shaft = pm.build_load(load, default="constant_speed", j_rotor=built.j_rotor)
    start = _initial(initial_state, shaft)
    held = _voltages(voltages, frame)
    constants = _constants(built, shaft, held=float(frame == "abc"))
    if rtol is None:
        states = np.empty((len(held) + 1, 4))
        states[0] = start
        _fixed(states, held, tau, steps, constants)
    else:
        if substeps != 1:
            raise ValueError("substeps is for the fixed step; rtol chooses its own")
        rtol = check_number("rtol", rtol, low=2.3e-14, high=1e-2)
        states = _adaptive(start, held, tau, rtol, constants)
    meta = {"machine": repr(built), "load": repr(shaft), "frame": frame, "rtol": rtol}
    return Trajectory(_columns(states, held, frame, constants), dt=tau, units=_UNITS, meta=meta)


def _initial(given: Mapping[str, float] | None, load: pm.Load) -> NDArray[np.float64]:
    given = dict(given or {})
    check_keywords(given, STATE, "initial state")
    held = load.omega if isinstance(load, pm.ConstantSpeed) else None
    if held is not None:
        if given.get("omega", held) != held:
            raise ValueError(
                f"the load holds omega at {held:g}, the initial state says {given['omega']:g}"
            )
        given["omega"] = held
    return np.array([check_number(f"initial {n}", given.get(n, 0.0)) for n in STATE])


def _voltages(voltages: ArrayLike, frame: str) -> NDArray[np.float64]:
    """Return the voltages as (steps, 2): (d, q), or (alpha, beta) for phase voltages."""
    values = np.asarray(voltages, dtype=np.float64)
    size = 2 if frame == "dq" else 3
    if values.ndim != 2 or values.shape[1] != size or not len(values):
        raise ValueError(f"voltages must have shape (steps, {size}), got {values.shape}")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise ValueError(f"voltages[{wrong[0][0]}, {wrong[0][1]}] is not finite")
    if frame == "abc":
        a, b, c = values.T
        values = np.column_stack([(2.0 * a - b - c) / 3.0, (b - c) / SQRT3])
    return np.ascontiguousarray(values)


def _constants(machine: pm.PMSM, load: pm.Load, *, held: float) -> tuple[float, ...]:
    """Return the constants of :func:`pmsm_derivative`, with voltages of zero."""
    row = np.zeros(len(pm.PARAMETERS))
    polynomial = load if isinstance(load, pm.PolynomialStatic) else pm.PolynomialStatic(a=0, b=0)
    vehicle = load if isinstance(load, pm.Vehicle) else pm.Vehicle()
    for source in (machine, polynomial, vehicle):
        for name in source.__slots__:
            row[pm.PARAMETERS.index(name)] = getattr(source, name)
    row[pm.P_LOAD_KIND] = pm.load_kind(load)
    a, b, c, inertia, linear = load_coefficients(row)
    if isinstance(load, pm.ConstantSpeed):
        a, b, c, inertia, linear = 0.0, 0.0, 0.0, 0.0, 0.0
    machine_part = (float(machine.p), machine.r_s, machine.l_d, machine.l_q, machine.psi_p)
    return (*machine_part, a, b, c, inertia, linear, 0.0, held, 0.0, 0.0)


# Positions among the constants.
_A, _B, _LINEAR, _EXTRA, _HELD = 5, 6, 9, 10, 11


@kernel
def _fixed(states, held, tau, steps, constants):
    for k in range(held.shape[0]):
        x = (states[k, 0], states[k, 1], states[k, 2], states[k, 3])
        full = (*constants[:12], held[k, 0], held[k, 1])
        x = hold_free(x, tau, steps, full)
        for j in range(4):
            states[k + 1, j] = x[j]


@kernel
def _derivative(t, x, constants, dx):
    state = (x[0], x[1], x[2], x[3])
    dx[0], dx[1], dx[2], dx[3] = pmsm_derivative(state, constants)


@dataclass(frozen=True, slots=True)
class _Regime:
    """A range of speed within which the load torque is smooth, and what it looks like there."""

    number: int  # -1 below, 0 around standstill, 1 above
    constants: tuple[float, ...]
    low: float
    high: float


def _regimes(constants: tuple[float, ...]) -> dict[int, _Regime]:
    """Return the smooth pieces of the load torque.

    Outside a band around standstill Coulomb friction is a constant torque, within it more viscous
    friction, so each piece is the same law with other numbers.
    """
    a, b, linear = constants[_A], constants[_B], constants[_LINEAR]

    def piece(viscous: float, constant: float) -> tuple[float, ...]:
        changed = list(constants)
        changed[_A], changed[_B], changed[_EXTRA] = 0.0, viscous, constant
        return tuple(changed)

    if a == 0.0 or linear == 0.0:
        return {0: _Regime(0, piece(b, 0.0), -math.inf, math.inf)}
    return {
        -1: _Regime(-1, piece(b, -a), -math.inf, -linear),
        0: _Regime(0, piece(b + a / linear, 0.0), -linear, linear),
        1: _Regime(1, piece(b, a), linear, math.inf),
    }


def _adaptive(
    start: NDArray[np.float64],
    held: NDArray[np.float64],
    tau: float,
    rtol: float,
    constants: tuple[float, ...],
) -> NDArray[np.float64]:
    states = np.empty((len(held) + 1, 4))
    states[0] = start
    regimes = _regimes(constants)
    number = 0
    if len(regimes) > 1 and abs(start[0]) > regimes[0].high:
        number = 1 if start[0] > 0.0 else -1
    for k, voltage in enumerate(held):
        states[k + 1], number = _period(states[k], number, voltage, tau, rtol, regimes)
    return states


def _period(
    x: NDArray[np.float64],
    number: int,
    voltage: NDArray[np.float64],
    tau: float,
    rtol: float,
    regimes: Mapping[int, _Regime],
) -> tuple[NDArray[np.float64], int]:
    """Integrate over one period, from kink to kink; return the state and the regime at its end."""
    from scipy.integrate import solve_ivp

    t = 0.0
    while True:
        regime = regimes[number]
        full = (*regime.constants[:12], float(voltage[0]), float(voltage[1]))

        def slope(_: float, y: NDArray[np.float64], full: Any = full) -> NDArray[np.float64]:
            dx = np.empty(4)
            _derivative(0.0, np.ascontiguousarray(y), full, dx)
            return dx

        events = _leaving(regime)
        solution = solve_ivp(
            slope, (t, tau), x, method="DOP853", rtol=rtol, atol=rtol, events=events
        )
        if not solution.success:
            raise RuntimeError(f"the integration failed: {solution.message}")
        x = solution.y[:, -1]
        if solution.status == 0:
            return x, number
        t = float(solution.t[-1])
        number += 1 if len(solution.t_events[-1]) else -1


def _leaving(regime: _Regime) -> list[Any]:
    """Return the events of leaving a regime downwards and upwards, the latter last."""

    def event(bound: float, direction: float) -> Any:
        def distance(_: float, y: NDArray[np.float64]) -> float:
            return y[0] - bound if math.isfinite(bound) else -direction

        distance.terminal = True  # type: ignore[attr-defined]
        distance.direction = direction  # type: ignore[attr-defined]
        return distance

    return [event(regime.low, -1.0), event(regime.high, 1.0)]


def _columns(
    states: NDArray[np.float64],
    held: NDArray[np.float64],
    frame: str,
    constants: tuple[float, ...],
) -> dict[str, NDArray[np.float64]]:
    omega, i_d, i_q, epsilon = states.T.copy()
    pairs, _, l_d, l_q, psi_p, a, b, c, inertia, linear = constants[:10]
    first, second = np.append(held, held[-1:], axis=0).T
    if frame == "abc":
        cosine, sine = np.cos(epsilon), np.sin(epsilon)
        first, second = first * cosine + second * sine, second * cosine - first * sine
    torque = 1.5 * pairs * (psi_p + (l_d - l_q) * i_d) * i_q
    taken = torque if inertia == 0.0 else [load_torque(w, a, b, c, linear) for w in omega]
    return {
        "omega": omega,
        "i_sd": i_d,
        "i_sq": i_q,
        "epsilon": epsilon,
        "torque": torque,
        "torque_load": np.array(taken),
        "u_sd": first,
        "u_sq": second,
    }
