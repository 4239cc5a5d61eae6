"""Open-loop simulation of a drive: voltages in, a trajectory out, no limits and no trips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.electrical import (
    coefficients,
    derivative,
    period,
    torque_of,
)
from gym_suite.motors.iron import saturated_coefficients, with_flux
from gym_suite.motors.loads import load_torque, shaft
from gym_suite.motors.machines import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SATURATED,
    SIX_PHASE,
    Group,
    Machine,
    build_machine,
    group_of,
)
from gym_suite.motors.machines.base import check_substeps
from gym_suite.motors.parameters import (
    ConstantSpeed,
    Load,
    TwoMass,
    build_load,
    load_kind,
    loads_of,
    moves,
)
from gym_suite.motors.quantities import PARAMETERS, QUANTITIES, P
from gym_suite.motors.transforms import clarke, rotate, star_axes


def simulate(
    machine: object,
    voltages: ArrayLike | Mapping[str, ArrayLike],
    *,
    tau: float,
    frame: str | None = None,
    load: object = "constant_speed",
    initial_state: Mapping[str, float] | None = None,
    substeps: int | None = None,
    rtol: float | None = None,
) -> Trajectory:
    """Simulate a machine under given voltages, each held over one period.

    Args:
        machine: A set's name, a machine of :mod:`gym_suite.motors.machines`, or a mapping such as
            ``{"kind": "PMSM", "p": 3, "r_s": 0.018, ...}``; what it leaves out is the kind's default set.
        voltages: V, shape (steps, number of voltages): d, q of synchronous machines ("dq") or their phases a, b, c
            ("abc", whose common part has no effect); behind them the excitation voltage where there is one. Of
            induction machines alpha, beta in the stator's frame ("alphabeta") or phases, those of a fed rotor behind
            them. Of two stars d, q, x, y, or the phases of one and of the other. Of DC machines the terminal voltages:
            one, or armature and excitation of an ExtExDc. Or a mapping from their symbols, such as ``u_sd``, to arrays
            of shape (steps,) or numbers.
        tau: Length of a period, s.
        frame: "dq": the voltage is held in the rotor's frame and turns with it. "alphabeta": all voltages are held in
            the stator's frame. "abc": each is held in the frame of its winding, as an inverter does. None: the frame of
            the machine's state, of DC machines their terminals.
        load: A kind's name, a load, or a mapping such as ``{"kind": "constant_speed", "omega": 100.0}``
            or ``{"kind": "polynomial_static", "a": 0.05, "b": 0.01, "c": 1e-4, "tau_decay": 1e-3,
            "j_total": 0.04}`` (j_total is rotor plus load) or ``{"kind": "vehicle", ...}``.
        initial_state: omega (rad/s), the machine's currents (A) and rotor fluxes (Vs), epsilon (rad,
            electrical; of DC machines the shaft's); 0 where not given.
        substeps: Runge-Kutta steps per period; None: as many as the machine's time constants ask for, as in the
            environments.
        rtol: If given, adaptive integration (DOP853; Hairer, Norsett and Wanner, 1993) to this
            relative tolerance; the kinks of Coulomb friction at standstill are located as events.

    Returns:
        steps + 1 rows of ``omega``, the machine's state such as ``i_sd``, ``i`` or ``psi_ralpha``, ``epsilon`` (rad,
        electrical, not wrapped), ``torque``, ``torque_load``, and the voltage at the beginning of each period in the
        frame of the state, such as ``u_sd`` (the last row repeats the last period's).

    Raises:
        ValueError: For voltages of a wrong shape or not finite, an unknown name (naming the nearest),
            a number out of bounds, or fewer substeps than the machine's time constants ask for.
        TypeError: If machine or load is of none of the kinds above.
    """
    tau = check_number("tau", tau, above=0.0)
    built = build_machine(machine)
    if built.commutated:
        raise ValueError(
            f"simulate holds voltages at all windings; those of a {built.words} are commutated, some without a "
            f"voltage: take an environment, such as gem/{type(built).__name__}-v0"
        )
    own_frame = next(iter(built.frames))
    frame = check_option("frame", own_frame if frame is None else frame, built.frames)
    carried = build_load(load, default="constant_speed", j_rotor=built.j_rotor)
    names = ("omega", *built.states, "epsilon")
    start = _initial(initial_state, names, carried)
    held = _voltages(voltages, built.frames[frame], phases=frame == "abc")
    states = np.empty((len(held) + 1, len(names)))
    states[0] = start
    group, row, spin = group_of(built.group), _parameters(built, carried), float(frame != own_frame)
    flux = built.flux_row()
    k = _coefficients(built, row)
    if rtol is None:
        steps = check_substeps(built, tau, substeps, most=1_000_000)
        _fixed(group, states, held, k, shaft(row, 0.0), spin, tau, steps)
    else:
        if substeps is not None:
            raise ValueError("substeps is for the fixed step; rtol chooses its own")
        rtol = check_number("rtol", rtol, low=2.3e-14, high=1e-2)
        _adaptive(group, states, held, k, shaft(row, 0.0), spin, tau, rtol)
    columns = dict(zip(names, states.T.copy(), strict=True))
    if built.group == SATURATED:
        _check_inside(built, columns)
    columns |= _torques(group, states, row, flux)
    columns |= dict(zip(built.frames[own_frame], _shown(group, states, held, spin), strict=True))
    units = {name: QUANTITIES[built.slot(name)].unit for name in columns}
    meta = {"machine": repr(built), "load": repr(carried), "frame": frame, "rtol": rtol}
    return Trajectory(columns, dt=tau, units=units, meta=meta)


def _coefficients(machine: Machine, row: NDArray[np.float64]) -> Any:
    """Return what the derivative of a machine reads of its parameters, and of its flux map where it has one."""
    if machine.group == SATURATED:
        return saturated_coefficients(row, machine.flux_row())
    return coefficients(group_of(machine.group), row)


def _parameters(machine: Machine, load: Load) -> NDArray[np.float64]:
    """Return a parameter row of a machine and a load, zeros elsewhere."""
    row = np.zeros(len(PARAMETERS))
    numbers = machine.numbers()
    for part in loads_of(load):
        numbers |= asdict(part)
    for name, value in numbers.items():
        row[PARAMETERS.index(name)] = value
    row[P.load_kind] = load_kind(load)
    return row


def _initial(
    given: Mapping[str, float] | None, names: tuple[str, ...], load: Load
) -> NDArray[np.float64]:
    given = dict(given or {})
    check_keywords(given, names, "initial state")
    if isinstance(load, TwoMass):
        raise ValueError(
            "simulate knows rigid shafts; a load of kind 'two_mass' is for environments, got "
            f"{load!r}"
        )
    if not isinstance(load, ConstantSpeed) and not moves(load):
        raise ValueError(
            "simulate holds the speed or lets it follow the torque; a load that dictates another is for environments, "
            f"got {load!r}"
        )
    held = load.omega if isinstance(load, ConstantSpeed) else None
    if held is not None:
        if given.get("omega", held) != held:
            raise ValueError(
                f"the load holds omega at {held:g}, the initial state says {given['omega']:g}"
            )
        given["omega"] = held
    return np.array([check_number(f"initial {n}", given.get(n, 0.0)) for n in names])


def _voltages(voltages: Any, names: tuple[str, ...], *, phases: bool) -> NDArray[np.float64]:
    """Return the voltages in two components for each three phases, (steps, held voltages)."""
    if isinstance(voltages, Mapping):
        check_keywords(voltages, names, "voltage")
        missing = [name for name in names if name not in voltages]
        if missing:
            raise ValueError(f"voltages lack {', '.join(missing)}; needed are {', '.join(names)}")
        columns = [np.asarray(voltages[name], dtype=np.float64) for name in names]
        if len({np.shape(column) for column in columns} - {()}) > 1:
            shapes = ", ".join(f"{n} {c.shape}" for n, c in zip(names, columns, strict=True))
            raise ValueError(f"voltages of a mapping must have one length, got {shapes}")
        voltages = np.stack(np.broadcast_arrays(*columns), axis=-1)
    values = np.asarray(voltages, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(names) or not len(values):
        raise ValueError(
            f"voltages must have shape (steps, {len(names)}), {', '.join(names)}, got {values.shape}"
        )
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise ValueError(f"voltages[{wrong[0][0]}, {wrong[0][1]}] is not finite")
    if phases:
        stars = 3 * (len(names) // 3)  # what is left is not of three phases
        pairs = [[clarke(*row[j : j + 3]) for row in values] for j in range(0, stars, 3)]
        values = np.column_stack([*map(np.array, pairs), values[:, stars:]])
    return np.ascontiguousarray(values)


@kernel
def _start(group, states, k, held, spin):
    """Return the state of a period's beginning as the derivative takes it, its angle counted from there."""
    kind = len(group)
    row, v = states[k], held[k]
    if kind == DC:
        # The last voltage excites, if any does.
        i_e = row[2] if row.shape[0] > 3 else 0.0
        return row[0], row[1], i_e, v[0], v[v.shape[0] - 1], 0.0
    if kind == INDUCTION:
        return row[0], row[1], row[2], row[3], row[4], v[0], v[1], 0.0
    if kind == DOUBLY_FED:
        u_a, u_b = v[2], v[3]
        if spin > 0.0:
            u_a, u_b = rotate(u_a, u_b, math.cos(row[5]), math.sin(row[5]))
        return row[0], row[1], row[2], row[3], row[4], v[0], v[1], u_a, u_b, 0.0
    if kind == SIX_PHASE:
        u = v[0], v[1], v[2], v[3]
        if spin > 0.0:
            u = star_axes(u, math.cos(row[5]), math.sin(row[5]))
        return row[0], row[1], row[2], row[3], row[4], u[0], u[1], u[2], u[3], 0.0
    u_d, u_q = v[0], v[1]
    if spin > 0.0:
        angle = row[row.shape[0] - 1]
        u_d, u_q = rotate(u_d, u_q, math.cos(angle), -math.sin(angle))
    if kind == EXCITED:
        return row[0], row[1], row[2], row[3], u_d, u_q, v[2], 0.0
    return row[0], row[1], row[2], u_d, u_q, 0.0


@kernel
def _fixed(group, states, held, k, load, spin, tau, steps):
    last = states.shape[1] - 1
    for i in range(held.shape[0]):
        x = period(group, _start(group, states, i, held, spin), k, load, spin, tau, steps)
        for j in range(last):
            states[i + 1, j] = x[j]
        states[i + 1, last] = states[i, last] + x[len(x) - 1]


def replay(
    machine: Machine,
    load: Load,
    start: Mapping[str, float],
    times: NDArray[np.float64],
    voltages: NDArray[np.float64],
    *,
    speeds: NDArray[np.float64] | None,
    substeps: int,
    measured: Mapping[str, NDArray[np.float64]] | None = None,
    every: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return what a machine does under recorded voltages, at the recorded times, which need not be equally spaced.

    Args:
        machine: The machine.
        load: What its shaft carries.
        start: Its state at the first time; 0 where not given.
        times: s, shape (n,), growing.
        voltages: V, shape (n, number of voltages), in the frame of the machine's state, each held until the next time.
        speeds: Speed that something else gives the shaft, rad/s, shape (n,), linear between times; None: the shaft
            turns as the torques say.
        substeps: Runge-Kutta steps between two times.
        measured: Name to array of shape (n,) of states to begin anew from.
        every: After how many times it begins anew from what was measured; 0: never.

    Returns:
        Name to array of shape (n,) for each state and the ``torque`` (N m) in the air gap.
    """
    names = ("omega", *machine.states, "epsilon")
    states = np.zeros((len(times), len(names)))
    states[0] = [start.get(name, 0.0) for name in names]
    group, row = group_of(machine.group), _parameters(machine, load)
    driven = speeds is not None
    anew = states
    if every:
        anew = np.column_stack([(measured or {}).get(name, states[:, 0]) for name in names])
    follow = speeds if driven else times
    k, held = _coefficients(machine, row), shaft(row, 0.0)
    _follow(group, states, voltages, times, follow, driven, k, held, substeps, anew, every)
    columns = dict(zip(names, states.T, strict=True))
    return {**columns, "torque": _torques(group, states, row, machine.flux_row())["torque"]}


def torque_at(machine: Machine, states: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the torque in the air gap, N m, of recorded states.

    Args:
        machine: The machine.
        states: Name to array for each of the machine's states.
    """
    table = np.column_stack([states[name] for name in machine.states])
    table = np.pad(table, ((0, 0), (1, 1)))  # speed and angle, on which no torque depends
    row = _parameters(machine, ConstantSpeed(omega=0.0))
    group, flux = group_of(machine.group), machine.flux_row()
    return _torques(group, table, row, flux)["torque"]


@kernel
def _follow(group, states, held, times, speeds, driven, k, load, steps, measured, every):
    last = states.shape[1] - 1
    for i in range(times.shape[0] - 1):
        if every > 0 and i > 0 and i % every == 0:
            for j in range(last):
                states[i, j] = measured[i, j]
        h = times[i + 1] - times[i]
        if driven:
            load = 0.0, 0.0, 0.0, 0.0, (speeds[i + 1] - speeds[i]) / h, 0.0
            states[i, 0] = speeds[i]
        x = period(group, _start(group, states, i, held, 0.0), k, load, 0.0, h, steps)
        for j in range(last):
            states[i + 1, j] = x[j]
        states[i + 1, last] = states[i, last] + x[len(x) - 1]


@kernel
def _slope(group, x, k, load, spin, dx):
    kind = len(group)
    # Not `in`, on which the compiler drops no branch.
    if kind == EXCITED or kind == INDUCTION:  # noqa: SIM109
        state = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
    elif kind == DOUBLY_FED or kind == SIX_PHASE:  # noqa: SIM109
        state = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9]
    else:
        state = x[0], x[1], x[2], x[3], x[4], x[5]
    slopes = derivative(group, state, k, load, spin)
    for j in range(len(slopes)):
        dx[j] = slopes[j]


def _check_inside(machine: Any, columns: Mapping[str, NDArray[np.float64]]) -> None:
    """Refuse a run whose currents leave the machine's flux map."""
    i_d, i_q = columns["i_sd"], columns["i_sq"]
    outside = np.flatnonzero(~machine.map.holds(i_d, i_q))
    if len(outside):
        k = outside[0]
        low, high, most = machine.map.reach
        raise ValueError(
            f"in period {k} the currents i_sd = {i_d[k]:.4g} A, i_sq = {i_q[k]:.4g} A are outside the flux map, which "
            f"holds i_sd from {low:g} to {high:g} A and i_sq from {-most:g} to {most:g} A: what they do there was "
            "never measured"
        )


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
    group: Group,
    states: NDArray[np.float64],
    held: NDArray[np.float64],
    k: Any,
    load: tuple[float, ...],
    spin: float,
    tau: float,
    rtol: float,
) -> None:
    """Fill the states period by period."""
    regimes = _regimes(load)
    number = 0
    if len(regimes) > 1 and abs(states[0, 0]) > regimes[0].high:
        number = 1 if states[0, 0] > 0.0 else -1

    def slope(_: float, y: NDArray[np.float64], load: Any) -> NDArray[np.float64]:
        dx = np.empty_like(y)
        _slope(group, np.ascontiguousarray(y), k, load, spin, dx)
        return dx

    for i in range(len(held)):
        x = np.array(_start(group, states, i, held, spin))
        x, number = _one_period(slope, x, number, tau, rtol, regimes)
        states[i + 1, :-1] = x[: states.shape[1] - 1]
        states[i + 1, -1] = states[i, -1] + x[-1]


def _one_period(
    slope: Any,
    x: NDArray[np.float64],
    number: int,
    tau: float,
    rtol: float,
    regimes: Mapping[int, _Regime],
) -> tuple[NDArray[np.float64], int]:
    """Integrate over one period, from kink to kink; return the state and the regime at its end."""
    from scipy.integrate import solve_ivp

    t = 0.0
    while True:
        regime = regimes[number]
        solution = solve_ivp(
            slope,
            (t, tau),
            x,
            method="DOP853",
            rtol=rtol,
            atol=rtol,
            events=_leaving(regime),
            args=(regime.load,),
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
        def distance(_: float, y: NDArray[np.float64], __: Any) -> float:
            return y[0] - bound if math.isfinite(bound) else -direction

        distance.terminal = True  # type: ignore[attr-defined]
        distance.direction = direction  # type: ignore[attr-defined]
        return distance

    return [event(regime.low, -1.0), event(regime.high, 1.0)]


@kernel
def _own_torque(group, row, p, flux):
    kind = len(group)
    if kind == SATURATED:
        i = with_flux((row[1], row[2], 0.0, 0.0), p[P.flux_scale], flux, 0)
        return torque_of(group, i, p)
    if kind == DC:
        return torque_of(group, (row[1], row[2] if row.shape[0] > 3 else 0.0, 0.0, 0.0), p)
    if kind == INDUCTION:
        return torque_of(group, (row[1], row[2], row[3], row[4]), p)
    if kind == SIX_PHASE:
        return torque_of(group, (row[1], row[2], row[3], row[4]), p)
    if kind == DOUBLY_FED:  # from rotor flux to rotor current
        l_r = p[P.l_m] + p[P.l_sigr]
        rotor = (row[3] - p[P.l_m] * row[1]) / l_r, (row[4] - p[P.l_m] * row[2]) / l_r
        return torque_of(group, (row[1], row[2], rotor[0], rotor[1]), p)
    third = row[3] if kind == EXCITED else 0.0
    return torque_of(group, (row[1], row[2], third, 0.0), p)


@kernel
def _own_torques(group, states, p, flux, torque):
    for i in range(states.shape[0]):
        torque[i] = _own_torque(group, states[i], p, flux)


def _torques(
    group: Group,
    states: NDArray[np.float64],
    p: NDArray[np.float64],
    flux: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Return the machine's and the load's torque."""
    torque = np.empty(len(states))
    _own_torques(group, states, p, flux, torque)
    a, b, c, linear, _, mobility = shaft(p, 0.0)
    taken = torque
    if mobility != 0.0:
        taken = np.array([load_torque(omega, a, b, c, linear) for omega in states[:, 0]])
    return {"torque": torque, "torque_load": taken}


def _shown(
    group: Group, states: NDArray[np.float64], held: NDArray[np.float64], spin: float
) -> list[NDArray[np.float64]]:
    """Return the voltages at the beginning of each period in the frame of the currents."""
    held = np.append(held, held[-1:], axis=0)
    kind, angle = len(group), states[:, -1]
    if spin > 0.0 and kind == SIX_PHASE:
        axes = [
            star_axes(tuple(u), math.cos(a), math.sin(a)) for u, a in zip(held, angle, strict=True)
        ]
        held = np.array(axes)
    elif spin > 0.0 and kind == DOUBLY_FED:
        turned = (held[:, 2] + 1j * held[:, 3]) * np.exp(1j * angle)
        held[:, 2], held[:, 3] = turned.real, turned.imag
    elif spin > 0.0 and kind != INDUCTION:
        turned = (held[:, 0] + 1j * held[:, 1]) * np.exp(-1j * states[:, -1])
        held[:, 0], held[:, 1] = turned.real, turned.imag
    return list(held.T)
