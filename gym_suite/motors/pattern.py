"""The switching pattern of a drive: where each leg of its converter is over time, and the currents that follow.

A leg is at the upper rail, at the lower one, or between them: at the neutral point of a bridge of three levels, or
where no switch is closed. A drive that chooses switching states holds each for a period, one period late with dead
time; legs under a carrier have one pulse in the middle of each period, whose edges follow from its mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.machines import DC, SIX_PHASE, Machine, build_machine
from gym_suite.motors.pulses import leg_means
from gym_suite.motors.quantities import LEG_MEANS
from gym_suite.rendering import style

__all__ = ["leg_steps", "switching_diagram"]

Values = NDArray[np.floating[Any]]
#: By leg: times (s) from which on it is in a position, and the positions, 1 (upper rail) to -1 (lower rail).
Steps = dict[str, tuple[Values, Values]]

_WIDTH, _DPI = 8.0, 120  # inches, dots per inch
_PITCH = 1.5  # from a leg to the next, where a leg's own height is 1


def leg_steps(env: Any, run: Trajectory) -> Steps:
    """Return when each leg of a drive's converter was where.

    Args:
        env: A drive that chooses switching states, or one whose legs follow a carrier.
        run: What was recorded in it, as :func:`gym_suite.motors.diagrams.record` returns it.

    Raises:
        ValueError: For a drive with mean voltages, or whose pulses are not told; see
            :func:`gym_suite.motors.pulses.leg_means`.
    """
    setup, machine = env.unwrapped.setup, _machine(env)
    start = run.dt * np.arange(len(run))
    if setup.choices:
        names = [c.name for c in setup.observation_columns if c.name.startswith("last_action_")]
        chosen = [
            np.asarray(table)[run[name].astype(np.int64)]
            for table, name in zip(setup.echo, setup.action_names, strict=True)
        ]
        positions = np.concatenate(chosen, axis=1).astype(np.float64)
        if env.unwrapped.nominal.parameters["dead_time"] > 0.0:
            # Before the first command no switch is closed.
            positions = np.concatenate((np.zeros((1, positions.shape[1])), positions[:-1]))
        legs = [name.removeprefix("last_action_") for name in names]
        return {leg: (start, positions[:, k]) for k, leg in enumerate(legs)}
    means = leg_means(setup, machine, run)
    three = LEG_MEANS.names[0] in run
    steps: Steps = {}
    for leg, mean in zip("abc", means.T, strict=True):
        base = np.where(mean >= 0.0, 0.0, -1.0) if three else np.full(len(mean), -1.0)
        above = base + (1.0 if three else 2.0)
        half = 0.5 * run.dt * (mean - base) / (above - base)
        middle = start + 0.5 * run.dt
        times = np.stack((start, middle - half, middle + half), axis=1)
        flat, positions = times.ravel(), np.stack((base, above, base), axis=1).ravel()
        # A leg that is held at a rail for a whole period has no pulse in it.
        lasting = np.diff(flat, append=run.dt * len(run)) > 1e-9 * run.dt
        steps[leg] = flat[lasting], positions[lasting]
    return steps


def switching_diagram(env: Any, run: Trajectory, *, periods: int = 100) -> Any:
    """Return where each leg was over the last periods of a run, and the currents, as a Matplotlib figure.

    Beside each leg stands how often a second it was switched on in the whole run, on the mean.

    Args:
        env: A drive that chooses switching states, or one whose legs follow a carrier.
        run: What was recorded in it, as :func:`gym_suite.motors.diagrams.record` returns it.
        periods: How many periods are drawn, at most.

    Raises:
        ValueError: For a drive with mean voltages, or whose pulses are not told; see
            :func:`gym_suite.motors.pulses.leg_means`.
    """
    from matplotlib.figure import Figure

    periods = int(check_number("periods", periods, low=1, integer=True))
    setup, machine, steps = env.unwrapped.setup, _machine(env), leg_steps(env, run)
    end, shown = run.dt * len(run), min(periods, len(run))
    with style.context():
        height = 2.6 + 0.42 * len(steps)
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained")
        ratios = (0.42 * len(steps), 1.5)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=ratios)
        for k, (leg, (times, positions)) in enumerate(steps.items()):
            floor, color = -_PITCH * k, style.PALETTE[k % 3]
            level = floor + 0.5 * (np.append(positions, positions[-1]) + 1.0)
            x = 1e3 * np.append(times, end)
            upper.fill_between(x, floor, level, step="post", color=color, alpha=0.25, lw=0)
            upper.step(x, level, where="post", color=color, lw=1.0, label=f"leg {leg}")
            told = f"{1e-3 * rises(positions) / end:.4g} kHz"
            upper.annotate(
                told, (1.005, floor + 0.5), xycoords=("axes fraction", "data"), va="center",
                fontsize=7.5, color=style.MUTED,
            )  # fmt: skip
        upper.set_yticks([0.5 - _PITCH * k for k in range(len(steps))], list(steps))
        upper.set_ylabel("leg")
        upper.set_ylim(-_PITCH * (len(steps) - 1) - 0.15, 1.15)
        upper.grid(visible=False, axis="y")
        upper.set_title(
            "up: at the upper rail; right: switched on so often in the whole run", color=style.MUTED
        )
        for k, (name, current) in enumerate(_currents(machine, run).items()):
            lower.plot(
                1e3 * run.dt * np.arange(1, len(run) + 1), current,
                color=style.PALETTE[k % len(style.PALETTE)], lw=1.2, label=name,
            )  # fmt: skip
        lower.margins(y=0.08)
        lower.set_ylabel("current (A)")
        lower.set_xlabel("time (ms)")
        lower.legend(loc="upper left", bbox_to_anchor=(1.005, 1.0), ncols=1)
        lower.set_xlim(1e3 * run.dt * (len(run) - shown), 1e3 * end)
        figure.suptitle(f"{setup.id}: switching pattern", x=0.01, ha="left", fontsize=11)
    return figure


def rises(positions: Values) -> int:
    """Return how often a leg comes to the upper of its positions from below, of all its positions in turn."""
    return int((np.diff(positions) > 0.0).sum())


def _machine(env: Any) -> Machine:
    """Return the machine of a drive."""
    words = dict(env.unwrapped.setup.keywords["machine"])
    return build_machine(words, kind=env.unwrapped.card.facets["machine"])


def _currents(machine: Machine, run: Trajectory) -> dict[str, Values]:
    """Return the currents that are drawn: of the phases, of two stars alpha and beta, of a DC machine its windings."""
    if machine.group == DC:
        return {name: run[name] for name in machine.currents}
    angle = run["rho" if "rho" in run else "epsilon"]
    vector = (run["i_sd"] + 1j * run["i_sq"]) * np.exp(1j * angle)
    if machine.group == SIX_PHASE:
        return {"$i_\\alpha$": vector.real, "$i_\\beta$": vector.imag}
    third = 2.0j / 3.0 * np.pi
    return {f"$i_{leg}$": (vector * np.exp(-k * third)).real for k, leg in enumerate("abc")}
