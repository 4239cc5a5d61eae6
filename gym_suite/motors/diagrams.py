"""Diagrams of a drive as textbooks draw them: planes of current and voltage, torque over speed, spectrum, dashboard.

Each is made of an environment, whose machine decides limits and lines, and of a run that was recorded in it. Lines of
most torque per ampere and of the limit come from the machine's own table of operating points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number, check_option
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.controllers.dc_points import torque_range
from gym_suite.motors.controllers.operating_points import operating_points, torque_limit
from gym_suite.motors.efficiency import AIMS, efficiency_map
from gym_suite.motors.machines import (
    DC,
    DOUBLY_FED,
    EXCITED,
    SIX_PHASE,
    Machine,
    build_machine,
)
from gym_suite.motors.pattern import switching_diagram
from gym_suite.motors.pulses import LINE_MULTIPLES, leg_means, line_spectrum
from gym_suite.motors.quantities import LEG_MEANS, PARAMETERS
from gym_suite.motors.references import VOLTAGE_MARGIN
from gym_suite.motors.transforms import voltage_corners
from gym_suite.motors.trapezoid import phase_shapes
from gym_suite.rendering import style

__all__ = [
    "DIAGRAMS",
    "diagram",
    "efficiency_diagram",
    "line_voltage_diagram",
    "phase_diagram",
    "record",
    "switching_diagram",
]

Values = NDArray[np.float64]
Vectors = NDArray[np.complex128]
_WIDTH, _DPI = 8.0, 120  # inches, dots per inch
_SPEEDS = 121  # points of a limit over the speed
_LEAST_PART = 1e-4  # of the link's voltage: lines below are not drawn


def record(env: Any, agent: Any, *, seed: int = 0, steps: int = 1000) -> Trajectory:
    """Return what ``info`` tells of a run, and the actions, one row a step; it ends with the episode.

    Args:
        env: A drive, one world.
        agent: Anything with ``predict``, such as a reference controller.
        seed: Of the episode.
        steps: At most.
    """
    steps = int(check_number("steps", steps, low=1, integer=True))
    setup = env.unwrapped.setup
    names = setup.metric_columns.names
    observation, _ = env.reset(seed=seed)
    state, infos, actions = None, [], []
    for _ in range(steps):
        action, state = agent.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        infos.append([info[name] for name in names])
        actions.append(np.atleast_1d(action))
        if terminated or truncated:
            break
    columns = dict(zip(names, np.array(infos, dtype=np.float64).T, strict=True))
    columns |= dict(zip(setup.action_names, np.array(actions, np.float64).T, strict=True))
    units = {column.name: column.unit for column in setup.metric_columns}
    return Trajectory(columns, dt=setup.dt, units=units, meta={"id": setup.id})


def diagram(kind: str, env: Any, run: Trajectory) -> Any:
    """Return a diagram as a Matplotlib figure, which has ``savefig``.

    Args:
        kind: One of :data:`DIAGRAMS`.
        env: The drive.
        run: What was recorded in it, as :func:`record` returns it.

    Raises:
        ValueError: For an unknown kind, naming the nearest, or one that the machine does not have.
    """
    from matplotlib.figure import Figure

    check_option("diagram", kind, DIAGRAMS)
    setup = env.unwrapped.setup
    machine = build_machine(
        dict(setup.keywords["machine"]), kind=env.unwrapped.card.facets["machine"]
    )
    if machine.group == DC and kind in ("dq", "alphabeta"):
        raise ValueError(
            f"a {machine.words} has no {kind} plane; its diagrams are {', '.join(_OF_DC)}"
        )
    with style.context():
        figure = Figure(figsize=(_WIDTH, 0.62 * _WIDTH), dpi=_DPI, layout="constrained")
        DIAGRAMS[kind](figure, setup, machine, run)
        if kind in ("dq", "alphabeta"):
            figure.legend(loc="outside lower center", ncols=2)
        figure.suptitle(f"{setup.id}: {_TITLES[kind]}", x=0.01, ha="left", fontsize=11)
    return figure


# --------------------------------------------------------------------------------------------------------- dashboard


def _dashboard(figure: Any, setup: Any, machine: Machine, run: Trajectory) -> None:
    """References with what follows them, currents, voltages and actions over time, each with its limits."""
    tracked = [item.value for item in setup.tracking]
    currents = [name for name in machine.currents if name not in tracked]
    panels = [("tracked", tracked, [item.scale for item in setup.tracking])]
    if currents:
        panels.append(("currents", currents, [machine.i_limit]))
    panels.append(("voltages", list(machine.voltages), [_voltage(machine)]))
    # Switching states are numbers without a limit to come near.
    panels.append(("actions", list(setup.action_names), [] if setup.choices else [1.0]))
    axes = figure.subplots(len(panels), 1, sharex=True)
    for place, (ax, (title, names, limits)) in enumerate(zip(axes, panels, strict=True)):
        shown = 0.0
        for k, name in enumerate(names):
            color = style.PALETTE[k % len(style.PALETTE)]
            reference = f"{name}_ref"
            if title == "tracked" and reference in run:
                ax.step(run.time, run[reference], where="post", color=style.INK, lw=0.9, ls="--")
                shown = max(shown, np.abs(run[reference]).max())
            stays = setup.choices and title in ("voltages", "actions")  # within a period
            ax.plot(
                run.time, run[name], color=color, label=name.removeprefix("action_"), lw=1.2,
                drawstyle="steps-post" if stays else "default",
            )  # fmt: skip
            shown = max(shown, np.abs(run[name]).max())
        for limit in {size for size in limits if size < 2.5 * shown}:
            for side in (-limit, limit):
                ax.axhline(side, color=style.WARNING, lw=0.8, alpha=0.6)
        ax.margins(y=0.06)
        unit = "1" if title == "actions" else run.units.get(names[0], "")
        ax.set_ylabel(title if unit in ("", "1") else f"{title} ({unit})")
        ax.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), ncols=1)
        if place == 0:
            ax.set_title("dashed: reference; orange: limit, where it is near", color=style.MUTED)
    axes[-1].set_xlabel("time (s)")
    axes[-1].set_xlim(0.0, run.time[-1])


# ------------------------------------------------------------------------------------------------------------- planes


def _dq(figure: Any, setup: Any, machine: Any, run: Trajectory) -> None:
    """The plane of the currents with circle and lines of the machine, and that of the voltages."""
    left, right = figure.subplots(1, 2)
    limit = machine.i_limit
    points = operating_points(machine, machine.current_margin)
    count = 3 if machine.group in (EXCITED, DOUBLY_FED) else 2
    parts = (points.shape[1] - 2) // count
    i_d, i_q = points[:, 2 : 2 + parts], points[:, 2 + parts : 2 + 2 * parts]
    _circle(left, limit, style.WARNING, f"current limit, {limit:g} A")
    _run(left, run["i_sd"], run["i_sq"])
    for sign in (1.0, -1.0):
        named = sign > 0.0
        label = "most torque per ampere" if named else None
        left.plot(i_d[-1], sign * i_q[-1], color=style.COLORS["green"], lw=1.6, label=label)
        label = "largest torque, as the speed grows" if named else None
        left.plot(
            i_d[:, -1],
            sign * i_q[:, -1],
            color=style.COLORS["purple"],
            lw=1.6,
            ls="--",
            label=label,
        )
    if "i_sd_ref" in run and "i_sq_ref" in run:
        left.plot(run["i_sd_ref"], run["i_sq_ref"], "+", color=style.INK, ms=6, label="reference")
    _square(left, 1.1 * limit, "$i_d$ (A)", "$i_q$ (A)", "current")
    radius = machine.u_dc / math.sqrt(3.0)
    _circle(right, radius, style.MUTED, f"voltage in any direction, {radius:.4g} V")
    _run(right, run["u_sd"], run["u_sq"])
    _square(right, 0.74 * machine.u_dc, "$u_d$ (V)", "$u_q$ (V)", "voltage")


def _alphabeta(figure: Any, setup: Any, machine: Any, run: Trajectory) -> None:
    """The stator's own plane: currents with the circle, voltages with what a two-level inverter gives.

    Of two stars the plane stands below in which they differ.
    """
    planes, stars = [("\\alpha", "\\beta", *_stator(machine, run))], 1
    if machine.group == SIX_PHASE:
        stars = 2
        figure.set_size_inches(_WIDTH, 1.12 * _WIDTH)
        # With y counted the other way round the plane turns against the rotor.
        planes.append(("x", "y", *_resting(run, "i_sx", "i_sy", "u_sx", "u_sy", -1.0)))
    rows = figure.subplots(len(planes), 2, squeeze=False)
    outline = voltage_corners(machine.u_dc, stars)
    outline = np.array([*outline, outline[0]], np.complex128)
    for (left, right), (one, two, current, voltage) in zip(rows, planes, strict=True):
        named = left is rows[0, 0]
        limit = f"current limit, {machine.i_limit:g} A" if named else "_"
        _circle(left, machine.i_limit, style.WARNING, limit)
        _run(left, current.real, current.imag)
        _square(left, 1.1 * machine.i_limit, f"$i_{one}$ (A)", f"$i_{two}$ (A)", "current")
        label = "voltage that the inverter can give" if named else "_"
        right.plot(outline.real, outline.imag, color=style.WARNING, lw=1.0, label=label)
        right.plot(voltage.real, voltage.imag, ".", ms=2.5, color=style.PALETTE[0], alpha=0.5)
        _square(right, 0.74 * machine.u_dc, f"$u_{one}$ (V)", f"$u_{two}$ (V)", "voltage")


def _stator(machine: Any, run: Trajectory) -> tuple[Vectors, Vectors]:
    """Return current and voltage of the stator as complex numbers, the voltage in the middle of each period."""
    return _resting(run, "i_sd", "i_sq", "u_sd", "u_sq", 1.0)


def _resting(
    run: Trajectory, i_x: str, i_y: str, u_x: str, u_y: str, sense: float
) -> tuple[Vectors, Vectors]:
    """Return current and voltage of a plane that turns with the field, or against it, as the stator sees them."""
    angle = sense * np.unwrap(run["rho" if "rho" in run else "epsilon"])
    turned = np.gradient(angle) if len(angle) > 1 else 0.0 * angle
    current = (run[i_x] + 1j * run[i_y]) * np.exp(1j * angle)
    return current, (run[u_x] + 1j * run[u_y]) * np.exp(1j * (angle - 0.5 * turned))


# ----------------------------------------------------------------------------------------------- torque over speed


def _torque_speed(figure: Any, setup: Any, machine: Any, run: Trajectory) -> None:
    """What torque current and voltage allow at which speed, and where the run was."""
    ax = figure.subplots()
    rpm = 30.0 / math.pi
    fastest = max(1.05 * machine.speeds()[1], np.abs(run["omega"]).max())
    omega = np.linspace(0.0, fastest, _SPEEDS)
    points = operating_points(machine, machine.current_margin)
    if machine.group == DC:
        row = np.zeros(len(PARAMETERS))
        for name, value in zip(setup.parameter_columns.names, setup.row, strict=True):
            row[PARAMETERS.index(name)] = value
        part = points[0, 0]
        bounds = [torque_range(row, w, VOLTAGE_MARGIN * machine.u_dc, part) for w in omega]
        low, high = np.array(bounds).T
    else:
        u_max = VOLTAGE_MARGIN * machine.u_dc / machine.voltage_divisor
        high = np.array([torque_limit(machine.pairs * w, u_max, points) for w in omega])
        low = -high
    ax.fill_between(omega * rpm, low, high, color=style.PALETTE[0], alpha=0.10, lw=0)
    for bound, label in ((high, "current and voltage allow"), (low, None)):
        ax.plot(omega * rpm, bound, color=style.PALETTE[0], label=label)
    power = float((high * omega).max())
    faster = omega[power < 1.15 * high.max() * omega]
    ax.plot(
        faster * rpm, power / faster, color=style.MUTED, ls=":", lw=1.1,
        label=f"power of {_watts(power)}",
    )  # fmt: skip
    forward = np.where(run["omega"] < 0.0, -1.0, 1.0)
    ax.plot(
        np.abs(run["omega"]) * rpm, forward * run["torque"], ".", ms=3, alpha=0.5,
        color=style.COLORS["vermillion"], label="the run",
    )  # fmt: skip
    ax.axvline(machine.omega_nominal * rpm, color=style.FAINT, lw=1.0)
    ax.set_xlim(0.0, fastest * rpm)
    ax.set_xlabel("speed (rpm), grey line: nominal")
    ax.set_ylabel("torque (N m)")
    ax.legend(loc="upper right")


def _watts(power: float) -> str:
    return f"{power / 1e3:.3g} kW" if power >= 1e3 else f"{power:.3g} W"


# ---------------------------------------------------------------------------------------------------------- spectrum


def _spectrum(figure: Any, setup: Any, machine: Any, run: Trajectory) -> None:
    """Amplitudes of the current that a terminal carries, over frequency."""
    ax = figure.subplots()
    if machine.group == DC:
        name = next(iter(machine.currents))
        current, label = run[name], f"armature current {name}"
    else:
        current, label = _stator(machine, run)[0].real, "current of phase a"
    frequency, amplitude = spectrum(current, run.dt)
    floor = 1e-6 * machine.i_limit
    ax.semilogy(
        frequency, np.maximum(amplitude, floor), color=style.PALETTE[0], lw=1.0, label=label
    )
    largest = 1 + int(np.argmax(amplitude[1:]))
    ax.plot(
        frequency[largest], amplitude[largest], "o", ms=6, color=style.COLORS["vermillion"],
        label=f"{amplitude[largest]:.3g} A at {frequency[largest]:.4g} Hz",
    )  # fmt: skip
    ax.set_xlim(0.0, frequency[-1])
    ax.set_ylim(floor, 3.0 * amplitude.max())
    ax.set_xlabel(f"frequency (Hz), resolved to {frequency[1]:.3g} Hz")
    ax.set_ylabel("amplitude (A)")
    ax.legend(loc="upper right")


def spectrum(signal: Values, dt: float) -> tuple[Values, Values]:
    """Return frequencies (Hz) and amplitudes of a signal; a sine between them loses up to 15 %.

    Hann's window (Harris 1978, doi:10.1109/PROC.1978.10837) over all of it, without the mean's own leakage; amplitudes
    are those of sines, the mean stands at 0 Hz.

    Args:
        signal: Samples, (n,).
        dt: Time between two, s.
    """
    count = len(signal)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(count) + 0.5) / count)
    mean = float(np.mean(signal))
    amplitude: Values = np.abs(np.fft.rfft((signal - mean) * window)).astype(np.float64)
    amplitude *= 2.0 / window.sum()
    amplitude[0] = abs(mean)
    return np.fft.rfftfreq(count, dt).astype(np.float64), amplitude


def line_voltage_diagram(env: Any, run: Trajectory) -> Any:
    """Return the spectrum of the pulsed voltage between two terminals as a Matplotlib figure.

    It is that of the pulses' own edges, not of samples, so that it reaches beyond the carrier.

    Args:
        env: A drive whose legs follow a carrier, of two or of three levels.
        run: What was recorded in it, as :func:`record` returns it.

    Raises:
        ValueError: For a drive without such pulses, saying why; see :func:`gym_suite.motors.pulses.leg_means`.
    """
    from matplotlib.figure import Figure

    setup = env.unwrapped.setup
    machine = build_machine(
        dict(setup.keywords["machine"]), kind=env.unwrapped.card.facets["machine"]
    )
    means = leg_means(setup, machine, run)
    levels = 3 if LEG_MEANS.names[0] in run else 2
    frequency, amplitude = line_spectrum(means, run.dt, machine.u_dc, levels=levels)
    part = np.maximum(amplitude / machine.u_dc, _LEAST_PART)
    carrier = 1e-3 / run.dt
    with style.context():
        figure = Figure(figsize=(_WIDTH, 0.5 * _WIDTH), dpi=_DPI, layout="constrained")
        ax = figure.subplots()
        for k in range(1, int(LINE_MULTIPLES) + 1):
            ax.axvline(k * carrier, color=style.FAINT, lw=0.8, ls=":")
        ax.vlines(frequency / 1e3, _LEAST_PART, part, color=style.PALETTE[0], lw=0.8)
        largest = int(np.argmax(part))
        ax.plot(
            frequency[largest] / 1e3, part[largest], "o", ms=6, color=style.COLORS["vermillion"],
            label=f"{amplitude[largest]:.3g} V at {frequency[largest]:.4g} Hz",
        )  # fmt: skip
        ax.set_yscale("log")
        ax.set_xlim(0.0, frequency[-1] / 1e3)
        ax.set_ylim(_LEAST_PART, 3.0)
        ax.set_xlabel(f"frequency (kHz), multiples of the carrier's {carrier:.4g} kHz dotted")
        ax.set_ylabel("amplitude / $u_{dc}$")
        ax.legend(loc="upper right")
        figure.suptitle(
            f"{setup.id}: voltage between two terminals, {'three' if levels == 3 else 'two'} levels",
            x=0.01, ha="left", fontsize=11,
        )  # fmt: skip
    return figure


# ----------------------------------------------------------------------------------------------- six-step commutation


def phase_diagram(env: Any, run: Trajectory) -> Any:
    """Return currents and induced voltages of a brushless DC machine's phases, and its torque, as a Matplotlib figure.

    Args:
        env: A drive with such a machine.
        run: What was recorded in it, as :func:`record` returns it.

    Raises:
        ValueError: For another machine, whose magnets induce no trapezoids.
    """
    from matplotlib.figure import Figure

    setup = env.unwrapped.setup
    machine: Any = build_machine(
        dict(setup.keywords["machine"]), kind=env.unwrapped.card.facets["machine"]
    )
    if not machine.commutated:
        raise ValueError(f"in a {machine.words} the magnets induce no trapezoids")
    vector = run["i_salpha"] + 1j * run["i_sbeta"]
    shapes = np.array([phase_shapes(angle, machine.flat) for angle in run["epsilon"]])
    milliseconds = 1e3 * run.time
    with style.context():
        figure = Figure(figsize=(_WIDTH, 0.75 * _WIDTH), dpi=_DPI, layout="constrained")
        *axes, last = figure.subplots(4, 1, sharex=True)
        for k, ax in enumerate(axes):
            current = (vector * np.exp(-2j / 3.0 * math.pi * k)).real
            induced = machine.pairs * run["omega"] * machine.psi_p * shapes[:, k]
            ax.plot(milliseconds, current, color=style.PALETTE[0], lw=1.2, label="current (A)")
            ax.plot(
                milliseconds, induced, color=style.COLORS["vermillion"], lw=1.0,
                label="induced (V)",
            )  # fmt: skip
            ax.set_ylabel(f"phase {'abc'[k]}")
        axes[0].legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), ncols=1)
        last.plot(milliseconds, run["torque"], color=style.COLORS["green"], lw=1.0)
        last.set_ylabel("torque (N m)")
        last.set_xlabel("time (ms)")
        last.set_xlim(milliseconds[0], milliseconds[-1])
        figure.suptitle(f"{setup.id}: six-step commutation", x=0.01, ha="left", fontsize=11)
    return figure


# ------------------------------------------------------------------------------------------------------------ pieces

# -------------------------------------------------------------------------------------------------------- efficiency


def efficiency_diagram(machine: Any, losses: object = "usual") -> Any:
    """Return the efficiency of a drive over torque and speed as a Matplotlib figure.

    Left with the currents of least loss; right how much more of the power they use than those of least current.

    Args:
        machine: A PMSM, SynRM or SaturatedPMSM.
        losses: "usual", a mapping of overrides of the usual ones, or losses.

    Raises:
        ValueError: For another machine, or a number out of bounds.
    """
    from matplotlib.figure import Figure

    best, short = (efficiency_map(machine, losses, aim=aim) for aim in AIMS)
    rpm = best.speed * 30.0 / math.pi
    with style.context():
        figure = Figure(figsize=(_WIDTH, 0.5 * _WIDTH), dpi=_DPI, layout="constrained")
        whole, gained = figure.subplots(1, 2, sharey=True)
        percent = 100.0 * best.efficiency
        levels = np.unique(np.round(np.nanquantile(percent, np.linspace(0.1, 0.98, 9)), 1))
        filled = whole.contourf(rpm, best.torque, percent, levels=60, cmap="viridis")
        lines = whole.contour(rpm, best.torque, percent, levels=levels, colors="k", linewidths=0.6)
        whole.clabel(lines, fmt="%g", fontsize=7)
        figure.colorbar(filled, ax=whole)
        whole.set_title("efficiency at least loss (%)")
        more = 100.0 * (best.efficiency - short.efficiency)
        filled = gained.contourf(rpm, best.torque, more, levels=30, cmap="magma")
        figure.colorbar(filled, ax=gained)
        gained.set_title("above that at least current (points)")
        for ax in (whole, gained):
            ax.axvline(machine.omega_nominal * 30.0 / math.pi, color=style.FAINT, lw=1.0)
            ax.set_xlabel("speed (rpm), grey line: nominal")
        whole.set_ylabel("torque of the shaft (N m)")
    return figure


def _voltage(machine: Machine) -> float:
    """Return the voltage amplitude that the converter gives in any direction, V."""
    return machine.u_dc if machine.group == DC else machine.u_dc / math.sqrt(3.0)


def _circle(ax: Any, radius: float, color: str, label: str) -> None:
    angle = np.linspace(0.0, 2.0 * np.pi, 181)
    ax.plot(radius * np.cos(angle), radius * np.sin(angle), color=color, lw=1.0, label=label)


def _run(ax: Any, x: Values, y: Values) -> None:
    ax.plot(x, y, color=style.PALETTE[0], lw=0.8, alpha=0.8)
    ax.plot(x[-1:], y[-1:], "o", color=style.PALETTE[0], ms=5)


def _square(ax: Any, extent: float, x: str, y: str, title: str) -> None:
    ax.set_aspect("equal")
    ax.set_xlim(-extent, extent)
    ax.set_ylim(-extent, extent)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_title(title)


#: The diagrams that there are.
DIAGRAMS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "dashboard": _dashboard,
        "dq": _dq,
        "alphabeta": _alphabeta,
        "torque-speed": _torque_speed,
        "spectrum": _spectrum,
    }
)
_OF_DC = tuple(kind for kind in DIAGRAMS if kind not in ("dq", "alphabeta"))
_TITLES = {
    "dashboard": "references, states and actions",
    "dq": "plane of d and q",
    "alphabeta": "plane of alpha and beta",
    "torque-speed": "torque over speed",
    "spectrum": "spectrum of the current",
}
