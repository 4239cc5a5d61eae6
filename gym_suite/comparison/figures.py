"""The report's figures: from records, trajectories and curves to SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.charts import Figure, Line, Mark, line_chart
from gym_suite.comparison.experiments import Experiment
from gym_suite.comparison.metrics import SMALLEST_STEP, find_steps
from gym_suite.comparison.rollouts import curve_stride
from gym_suite.comparison.statistics import fewest, performance_profile, t_factor
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import digits
from gym_suite.core.marks import tightest

__all__ = [
    "agent_styles",
    "baselines_first",
    "bode",
    "profile",
    "trajectories",
]

ZOOM_STEPS = 3
"""Steps of the reference in the zoom."""

ZOOM_SHARE = 0.1
"""Share of the episode in the zoom where the reference has no steps."""

COLOURS = 12
"""Colours of the page's palette, besides the grey ones of the baselines."""


def agent_styles(experiments: Sequence[Experiment]) -> dict[str, str]:
    """A CSS class per agent name, the same in all sections of the page."""
    styles = {"zero": "zero", "random": "random"}
    for name in dict.fromkeys(name for e in experiments for name in e.names):
        if name not in styles:
            styles[name] = f"s{(len(styles) - 2) % COLOURS}"
    return styles


def trajectories(
    summary: Summary,
    experiment: Experiment,
    styles: Mapping[str, str],
    *,
    brief: bool = False,
) -> list[Figure]:
    """All agents over the reference on the first seed, or where nothing is tracked what they have earned by a time.

    Args:
        summary: where the trajectories are.
        experiment: which one to draw.
        styles: CSS class by agent name.
        brief: one figure only, the one that tells most.
    """
    world = experiment.world
    if world.success:
        return _arrivals(summary, experiment, styles)
    if not world.tracking:
        return _returns(summary, experiment, styles)[: 1 if brief else None]
    agents = baselines_first(experiment.agents, experiment.reference)
    recorded = [(agent, summary.trajectory(experiment, agent)) for agent in agents]
    recorded = [(agent, trajectory) for agent, trajectory in recorded if trajectory is not None]
    if not recorded:
        return []
    longest = max((trajectory for _, trajectory in recorded), key=len)
    whole = (0.0, float(longest.time[-1]))
    zooms, steps = _zooms(longest, world.tracking)

    def draw(title: str, window: tuple[float, float], *, error: bool = False) -> Figure:
        charts = [
            _values(recorded, longest, tracked, styles, window, title=title, error=error)
            for tracked in world.tracking
        ]
        return Figure(title, "".join(charts))

    if brief:
        return [draw(*zooms[0])] if zooms else [draw("Whole episode", whole)]
    figures = [draw("Whole episode", whole)]
    if not steps:  # a moving reference hides small errors
        figures.append(draw("Tracking error", whole, error=True))
    return figures + [draw(title, window) for title, window in zooms]


def _arrivals(summary: Summary, experiment: Experiment, styles: Mapping[str, str]) -> list[Figure]:
    """Share of the episodes that have reached their goal by a time."""
    end = experiment.world.limit * experiment.world.dt
    unit, factor = _time_unit(end)
    lines, last = [], 0.0
    for name in experiment.names:
        _, times = summary.matrix(experiment, name, "TimeToGoal")
        _, reached = summary.matrix(experiment, name, "success")
        if not times.size:
            continue
        arrived = np.sort(times[reached > 0.0])
        last = max(last, float(arrived[-1]) if arrived.size else 0.0)
        share = np.arange(arrived.size + 1) / times.size
        # Stairs: each arrival lifts the line at its time.
        time = np.repeat(np.append(arrived, end), 2)
        lines.append(
            Line(
                np.insert(time[:-1], 0, 0.0) * factor,
                100.0 * np.repeat(share, 2),
                f"trace {styles[name]}",
                name,
            )
        )
    if not lines or last == 0.0:
        return []
    chart = line_chart(
        lines,
        x_label=f"time in {unit}",
        y_label="episodes at their goal, in %",
        title="episodes at their goal",
        x_range=(0.0, min(1.1 * last, end) * factor),
        y_range=(-2.0, 104.0),
        y_ticks=(0.0, 25.0, 50.0, 75.0, 100.0),
    )
    words = "All episodes and trainings of an agent together: the higher and the further to the left, the better."
    return [Figure("Episodes at their goal by a time", chart, words)]


def _returns(summary: Summary, experiment: Experiment, styles: Mapping[str, str]) -> list[Figure]:
    """What agents have earned by a time, and how far that is from what they could have."""
    world = experiment.world
    steps = np.arange(0, world.limit + 1, curve_stride(world), dtype=np.float64)
    curves = {}
    for name in experiment.names:
        found = [
            [summary.trajectory(experiment, agent, seed) for seed in experiment.seeds]
            for agent in experiment.trainings(name)
        ]
        whole = [list(episodes) for episodes in zip(*found, strict=True) if None not in episodes]
        if whole:
            # (trainings, episodes, time)
            curves[name] = np.array(
                [
                    [_by_then(t, steps * world.dt) for t in episodes]
                    for episodes in zip(*whole, strict=True)
                ]
            )
    if not curves:
        return []
    bound = tightest(summary.marks(experiment))
    time = world.dt * steps
    unit, factor = _time_unit(float(time[-1])) if world.timed else ("steps", 1.0)

    def draw(title: str, label: str, rate: float | None, words: str) -> Figure:
        lines = []
        for name, values in curves.items():
            middle, half = values.mean(axis=(0, 1)), _half_width(values)
            if rate is not None:
                middle = rate * time - middle
            style = f"trace {styles[name]}"
            lines.append(Line(time * factor, middle, style, name, middle - half, middle + half))
        chart = line_chart(
            lines,
            x_label=f"time in {unit}",
            y_label=label,
            title=title.lower(),
            x_range=(0.0, float(time[-1]) * factor),
        )
        return Figure(title, chart, words)

    means = f"Means of {len(experiment.seeds)} episodes, all trainings of an agent together, with 95 % intervals."
    figures = [draw("Earned so far", "return so far", None, means)]
    if bound is not None and bound.value is not None:
        words = (
            f"Its {digits(bound.value, 4)} spread evenly over the episode, minus what was earned."
        )
        title = f"Regret to the {bound.name}"
        figures.append(draw(title, "regret so far", bound.value / float(time[-1]), words))
    return figures


def _by_then(trajectory: Any, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """What an episode had earned by some times; after its end it keeps what it has."""
    places = np.rint(time / trajectory.dt).astype(np.int64)
    return trajectory["return"][np.minimum(places, len(trajectory) - 1)]


def _half_width(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the 95 % interval of the mean of (trainings, episodes, time), trainings and episodes both drawn."""
    variance = np.zeros(values.shape[-1])
    for axis in (0, 1):
        count = values.shape[axis]
        if count > 1:
            variance += values.mean(axis=1 - axis).var(axis=0, ddof=1) / count
    factor = t_factor(fewest(*values.shape[:2]))
    return 1.96 * factor * np.sqrt(variance) if math.isfinite(factor) else np.zeros_like(variance)


def _values(
    recorded: Sequence[tuple[Any, Any]],
    longest: Any,
    tracked: Any,
    styles: Mapping[str, str],
    window: tuple[float, float],
    *,
    title: str,
    error: bool,
) -> str:
    """A tracked quantity of all agents over its reference, or how far it is from it.

    The baselines' errors are left out: next to them nobody else's could be seen.
    """
    if error:
        recorded = [pair for pair in recorded if pair[0].kind != "baseline"] or recorded
    unit, factor = _time_unit(longest.time[-1])
    baselines = sum(agent.kind == "baseline" for agent, _ in recorded)
    curves = [
        t[tracked.value] - t[tracked.reference] if error else t[tracked.value] for _, t in recorded
    ]
    lines = [
        Line(t.time * factor, curve, f"trace {styles[a.name]}", _who(a))
        for (a, t), curve in zip(recorded, curves, strict=True)
    ]
    inside = [(t.time >= window[0]) & (t.time <= window[1]) for _, t in recorded]
    seen = [curve[mask] for curve, mask in zip(curves[baselines:], inside[baselines:], strict=True)]
    if not error:
        seen += [t[tracked.reference][m] for (_, t), m in zip(recorded, inside, strict=True)]
        # A row's reference stands until the next row: stairs, not ramps.
        target = np.repeat(longest[tracked.reference][:-1], 2)
        held = np.repeat(longest.time * factor, 2)[1:-1]
        lines.insert(baselines, Line(held, target, "reference", "reference"))
    return line_chart(
        lines,
        x_label=f"time in {unit}",
        y_label=f"{'error of ' if error else ''}{tracked.label} in {tracked.unit}",
        title=f"{tracked.label}, {title.lower()}",
        x_range=(window[0] * factor, window[1] * factor),
        y_range=_value_range(np.concatenate(seen or curves), tracked.scale),
        marks=(Mark(0.0),) if error else (),
    )


def _who(agent: Any) -> str:
    seed = agent.training_seed
    return agent.name if seed is None else f"{agent.name}, training seed {seed}"


def baselines_first(agents: Sequence[Any], reference: str | None) -> list[Any]:
    """Baselines first, the reference controller last: what matters most lies on top."""
    return sorted(agents, key=lambda agent: (agent.kind != "baseline", agent.name == reference))


def _time_unit(duration: float) -> tuple[str, float]:
    return ("ms", 1e3) if duration < 1.0 else ("s", 1.0)


def _value_range(values: NDArray[np.float64], scale: float) -> tuple[float, float]:
    """What the reference and the agents that try span, but not beyond the limit by much."""
    room = max(0.08 * float(np.ptp(values)), 1e-6 * scale)
    low = max(float(values.min()) - room, -1.15 * scale)
    high = min(float(values.max()) + room, 1.15 * scale)
    return (low, high) if low < high else (-scale, scale)


def _zooms(
    trajectory: Any, tracking: Sequence[Any]
) -> tuple[list[tuple[str, tuple[float, float]]], bool]:
    """Windows: the first steps of the reference and one of them closely, or where it moves most.

    Returns:
        The windows with their titles, and whether the reference has steps.
    """
    time = trajectory.time
    starts: dict[int, float] = {}
    for t in tracking:
        smallest = SMALLEST_STEP * t.scale
        steps = find_steps(trajectory[t.value], trajectory[t.reference], smallest=smallest)
        for start, size in zip(steps.start.tolist(), steps.size / t.scale, strict=True):
            starts[start] = starts.get(start, 0.0) + abs(size)
    ordered = sorted(starts)
    if len(ordered) > ZOOM_STEPS:
        first = (float(time[0]), float(time[ordered[ZOOM_STEPS]]))
        largest = max(ordered[1:ZOOM_STEPS], key=starts.__getitem__)
        following = ordered[ordered.index(largest) + 1]
        held = float(time[following] - time[largest])
        close = (float(time[largest]) - 0.04 * held, float(time[largest]) + 0.2 * held)
        return [("The first steps of the reference", first), ("One step, closely", close)], True
    if len(trajectory) < 500:
        return [], bool(ordered)
    width = int(ZOOM_SHARE * len(trajectory))
    moves = np.sum([np.abs(np.diff(trajectory[t.reference])) / t.scale for t in tracking], axis=0)
    begin = int(np.argmax(np.convolve(moves, np.ones(width), mode="valid")))
    window = (float(time[begin]), float(time[begin + width]))
    return [("Where the reference moves most", window)], bool(ordered)


def profile(summary: Summary, experiment: Experiment, styles: Mapping[str, str]) -> Figure | None:
    """Performance profile of the scores.

    Args:
        summary: finished.
        experiment: which one to draw.
        styles: CSS class by agent name.
    """
    thresholds = np.linspace(-0.25, 1.25, 151)
    lines = []
    for name in experiment.names:
        scores = summary.scores(experiment, name)
        if scores is not None:
            p = performance_profile(scores, thresholds, resamples=500)
            lines.append(Line(p.thresholds, p.share, styles[name], name, p.low, p.high))
    scale = summary.scale(experiment)
    if not lines or scale is None:
        return None
    chart = line_chart(
        lines,
        x_label="score τ",
        y_label="share of episodes with a score above τ",
        title=f"{experiment.id} performance profile",
        x_range=(-0.25, 1.25),
        y_range=(-0.02, 1.04),
        y_ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
        marks=(
            Mark(0.0, scale.bottom, vertical=True),
            Mark(1.0, scale.top, vertical=True, side="end"),
        ),
    )
    return Figure("Performance profile", chart)


def bode(responses: Sequence[Any]) -> list[Figure]:
    """Bode plots of open loops with their margins.

    Args:
        responses: of `gym_suite.analysis.open_loop`.
    """
    figures = []
    for i, response in enumerate(responses):
        omega = np.asarray(response.omega)
        view = (float(omega[0]), float(omega[-1]))
        decibels = 20.0 * np.log10(np.asarray(response.magnitude))
        phase = np.asarray(response.phase)
        crossovers = [
            Mark(value, text, vertical=True, side=side)
            for value, text, side in (
                (response.gain_crossover, "gain crossover", "end"),
                (response.phase_crossover, "phase crossover", "start"),
            )
            if math.isfinite(value)
        ]
        style = f"s{i % COLOURS}"
        low, high = max(float(phase.min()), -450.0), float(phase.max())
        magnitude = line_chart(
            [Line(omega, decibels, style)],
            x_label="",
            y_label="magnitude in dB",
            title=f"open loop {response.label}, magnitude",
            x_range=view,
            x_log=True,
            height=200,
            marks=[Mark(0.0, "0 dB"), *crossovers],
        )
        angle = line_chart(
            [Line(omega, phase, style)],
            x_label="angular frequency in rad/s",
            y_label="phase in degrees",
            title=f"open loop {response.label}, phase",
            x_range=view,
            y_range=(low - 15.0, high + 15.0),
            y_ticks=_right_angles(low, high),
            x_log=True,
            height=200,
            marks=[Mark(-180.0, "−180°"), *(Mark(m.at, "", vertical=True) for m in crossovers)],
        )
        figures.append(Figure(f"Open loop {response.label}", magnitude + angle, _margins(response)))
    return figures


def _right_angles(low: float, high: float) -> list[float]:
    """Multiples of 45 or 90 degrees between two phases."""
    step = 45.0 if high - low <= 300.0 else 90.0
    first, last = math.ceil((low - 15.0) / step), math.floor((high + 15.0) / step)
    return [step * i for i in range(first, last + 1)]


def _margins(response: Any) -> str:
    parts = []
    if math.isfinite(response.phase_margin):
        parts.append(
            f"phase margin {response.phase_margin:.1f}° at "
            f"{digits(response.gain_crossover, 4)} rad/s"
        )
    if math.isfinite(response.gain_margin):
        decibels = 20.0 * math.log10(response.gain_margin)
        where = digits(response.phase_crossover, 4)
        parts.append(f"gain margin {decibels:.1f} dB at {where} rad/s")
    return ("Dead time included: " + "; ".join(parts) + ".") if parts else ""
