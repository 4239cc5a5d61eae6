"""Open-loop simulation of a drive: voltages in, a trajectory out, no limits and no trips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.electrical import (
    synchronous_coefficients,
    synchronous_derivative,
    synchronous_period,
)
from gym_suite.motors.loads import load_torque, shaft
from gym_suite.motors.machines import Machine, build_machine
from gym_suite.motors.parameters import (
    ConstantSpeed,
    Load,
    build_load,
    load_kind,
    loads_of,
)
from gym_suite.motors.quantities import FRAMES, PARAMETERS, QUANTITIES, P
from gym_suite.motors.transforms import clarke, rotate, torque_of


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
        machine: A set's name, a :class:`gym_suite.motors.machines.PMSM`, or a mapping such as
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
    check_option("frame", frame, FRAMES)
    tau = check_number("tau", tau, above=0.0)
    steps = int(check_number("substeps", substeps, low=1, high=1_000_000, integer=True))
    built = build_machine(machine)
    carried = build_load(load, default="constant_speed", j_rotor=built.j_rotor)
    names = ("omega", *built.currents, "epsilon")
    start = _initial(initial_state, names, carried)
    held = _voltages(voltages, frame)
    states = np.empty((len(held) + 1, len(names)))
    states[0] = start
    row = _parameters(built, carried)
    spin = float(frame == "abc")
    if rtol is None:
        _fixed(states, held, row, spin, tau, steps)
    else:
        if substeps != 1:
            raise ValueError("substeps is for the fixed step; rtol chooses its own")
        rtol = check_number("rtol", rtol, low=2.3e-14, high=1e-2)
        _adaptive(states, held, row, spin, tau, rtol)
    columns = _columns(states, held, row, spin)
    units = {name: QUANTITIES[name].unit for name in columns}
    meta = {"machine": repr(built), "load": repr(carried), "frame": frame, "rtol": rtol}
    return Trajectory(columns, dt=tau, units=units, meta=meta)


def _parameters(machine: Machine, load: Load) -> NDArray[np.float64]:
    """Return a parameter row of a machine and a load, zeros elsewhere."""
    row = np.zeros(len(PARAMETERS))
    for source in (machine, *loads_of(load)):
        for field in fields(source):  # type: ignore[arg-type]
            row[PARAMETERS.index(field.name)] = getattr(source, field.name)
    row[P.load_kind] = load_kind(load)
    return row


def _initial(
    given: Mapping[str, float] | None, names: tuple[str, ...], load: Load
) -> NDArray[np.float64]:
    given = dict(given or {})
    check_keywords(given, names, "initial state")
    held = load.omega if isinstance(load, ConstantSpeed) else None
    if held is not None:
        if given.get("omega", held) != held:
            raise ValueError(
                f"the load holds omega at {held:g}, the initial state says {given['omega']:g}"
            )
        given["omega"] = held
    return np.array([check_number(f"initial {n}", given.get(n, 0.0)) for n in names])


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
        values = np.array([clarke(*phases) for phases in values])
    return np.ascontiguousarray(values)


@kernel
def _start(states, k, held, spin):
    """Return the state of a period's beginning as the derivative takes it, its angle counted from there."""
    u_d, u_q = held[k, 0], held[k, 1]
    if spin > 0.0:
        angle = states[k, 3]
        u_d, u_q = rotate(u_d, u_q, math.cos(angle), -math.sin(angle))
    return states[k, 0], states[k, 1], states[k, 2], u_d, u_q, 0.0


@kernel
def _fixed(states, held, p, spin, tau, steps):
    k, load = synchronous_coefficients(p), shaft(p, 0.0)
    for i in range(held.shape[0]):
        x = synchronous_period(_start(states, i, held, spin), k, load, spin, tau, steps)
        states[i + 1, 0], states[i + 1, 1], states[i + 1, 2] = x[0], x[1], x[2]
        states[i + 1, 3] = states[i, 3] + x[5]


@kernel
def _slope(x, p, load, spin, dx):
    state = x[0], x[1], x[2], x[3], x[4], x[5]
    slopes = synchronous_derivative(state, synchronous_coefficients(p), load, spin)
    dx[0], dx[1], dx[2], dx[3], dx[4], dx[5] = slopes


@dataclass(frozen=True, slots=True)
class _Regime:
    """A range of speed within which the load torque is smooth, and what it looks like there."""

    load: tuple[float, ...]
    low: float
    high: float


def _regimes(load: tuple[float, ...]) -> dict[int, _Regime]:
    """Return the smooth pieces of the load torque: -1 below standstill, 0 around it, 1 above.

    Outside a band around standstill Coulomb friction is a constant torque, within it more viscous
    friction, so each piece is the same law with other numbers.
    """
    a, b, c, linear, _, mobility = load

    def piece(viscous: float, constant: float) -> tuple[float, ...]:
        return 0.0, viscous, c, linear, constant, mobility

    if a == 0.0 or linear == 0.0:
        return {0: _Regime(piece(b, 0.0), -math.inf, math.inf)}
    return {
        -1: _Regime(piece(b, -a), -math.inf, -linear),
        0: _Regime(piece(b + a / linear, 0.0), -linear, linear),
        1: _Regime(piece(b, a), linear, math.inf),
    }


def _adaptive(
    states: NDArray[np.float64],
    held: NDArray[np.float64],
    p: NDArray[np.float64],
    spin: float,
    tau: float,
    rtol: float,
) -> None:
    """Fill the states period by period."""
    regimes = _regimes(shaft(p, 0.0))
    number = 0
    if len(regimes) > 1 and abs(states[0, 0]) > regimes[0].high:
        number = 1 if states[0, 0] > 0.0 else -1
    for k in range(len(held)):
        x, number = _period(
            np.array(_start(states, k, held, spin)), number, p, spin, tau, rtol, regimes
        )
        states[k + 1, :3] = x[:3]
        states[k + 1, 3] = states[k, 3] + x[5]


def _period(
    x: NDArray[np.float64],
    number: int,
    p: NDArray[np.float64],
    spin: float,
    tau: float,
    rtol: float,
    regimes: Mapping[int, _Regime],
) -> tuple[NDArray[np.float64], int]:
    """Integrate over one period, from kink to kink; return the state and the regime at its end."""
    from scipy.integrate import solve_ivp

    t = 0.0
    while True:
        regime = regimes[number]

        def slope(_: float, y: NDArray[np.float64], regime: Any = regime) -> NDArray[np.float64]:
            dx = np.empty_like(y)
            _slope(np.ascontiguousarray(y), p, regime.load, spin, dx)
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
    states: NDArray[np.float64], held: NDArray[np.float64], p: NDArray[np.float64], spin: float
) -> dict[str, NDArray[np.float64]]:
    omega, i_d, i_q, epsilon = states.T.copy()
    voltage = np.append(held, held[-1:], axis=0) @ [1.0, 1.0j]
    if spin > 0.0:
        voltage *= np.exp(-1j * epsilon)
    a, b, c, linear, _, mobility = shaft(p, 0.0)
    machine = p[P.p], p[P.l_d], p[P.l_q], p[P.psi_p]
    torque = np.array([torque_of(*i, *machine) for i in zip(i_d, i_q, strict=True)])
    taken = torque if mobility == 0.0 else [load_torque(w, a, b, c, linear) for w in omega]
    return {
        "omega": omega,
        "i_sd": i_d,
        "i_sq": i_q,
        "epsilon": epsilon,
        "torque": torque,
        "torque_load": np.array(taken),
        "u_sd": voltage.real,
        "u_sq": voltage.imag,
    }
