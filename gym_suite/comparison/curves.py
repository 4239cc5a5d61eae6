"""Figures of trainings: how policies learned, from the files that lie beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gym_suite.comparison.charts import Figure, Line, Mark, line_chart
from gym_suite.learning.records import Outcome, outcomes, read_curves

__all__ = ["exploration_curves", "learning_curves"]


def learning_curves(
    folder: Path, algo: str, style: str, *, trials: int | None = None
) -> Figure | None:
    """Evaluation over environment steps, a thin line per seed and their median: of trainings, or of a search.

    The error where the id tracks something, else the return.

    Args:
        folder: of shipped policies or of tuned gains, with curves.csv (columns of `gym_suite.learning`).
        algo: which rows: a method's, or those of a controller whose gains were searched.
        style: CSS class.
        trials: candidates that a search tried; None for trainings.
    """
    rows = [row for row in read_curves(folder) if row["algo"] == algo]
    tracked = any(row["evaluation_error"] for row in rows)
    quantity, factor = ("error", 100.0) if tracked else ("return", 1.0)
    curves = _by_seed(rows, f"evaluation_{quantity}")
    if not curves:
        return None
    lines = [
        Line(steps / 1e6, factor * values, f"faded {style}", f"seed {seed}")
        for seed, (steps, values, _) in curves.items()
    ]
    common, median = _median_curve(curves)
    lines.append(Line(common / 1e6, factor * median, style, "median of the seeds"))
    column = f"reference_{quantity}"
    reference = [float(row[column]) for row in rows if row.get(column)][:1]
    everything = np.concatenate([*(values for _, values, _ in curves.values()), reference])
    lowest, highest = factor * float(everything.min()), factor * float(everything.max())
    room = 0.05 * (highest - lowest) or 1.0
    minutes = [float(wall[-1]) / 60.0 for _, _, wall in curves.values()]
    label = "mean absolute error in % of full scale, logarithmic" if tracked else "mean return"
    chart = line_chart(
        lines,
        x_label=f"{'training' if trials is None else 'environment'} steps in millions",
        y_label=label,
        title=f"{'learning curves' if trials is None else 'search'} of {algo}",
        x_range=(0.0, float(max(steps[-1] for steps, _, _ in curves.values())) / 1e6),
        y_range=(
            (max(lowest, 1e-3) * 0.8, highest * 1.1) if tracked else (lowest - room, highest + room)
        ),
        y_log=tracked,
        marks=[Mark(factor * value, "reference controller") for value in reference],
    )
    if trials is not None:
        caption = (
            f"The best of the candidates so far, {trials:,} in all, evaluated on episode seeds that neither the search "
            f"nor this comparison uses. The search took {max(minutes):.1f} minutes."
        )
        return Figure(f"Search of {algo}", chart, caption)
    caption = (
        f"Evaluated on episode seeds that neither training nor this comparison uses. {len(curves)} "
        "training seeds, thin; their median, thick. Wall time of one training: "
        f"{min(minutes):.1f} to {max(minutes):.1f} minutes."
    )
    return Figure(f"Learning curves of {algo}", chart, caption)


def exploration_curves(folder: Path, styles: Mapping[str, str]) -> list[Figure]:
    """What trainings came to: goals reached in evaluation, cells visited; medians of the seeds, a line a method.

    Args:
        folder: of shipped policies, with curves.csv.
        styles: CSS class of each method.

    Returns:
        A figure for each of the two that several methods recorded.
    """
    rows = [row for row in read_curves(folder) if row["algo"] in styles]
    found = []
    for column, title, label, factor in (
        ("evaluation_success", "Goals reached in evaluation", "episodes, in %", 100.0),
        ("coverage", "Cells visited in training", "cells", 1.0),
    ):
        medians = {}
        for algo in dict.fromkeys(row["algo"] for row in rows):
            curves = _by_seed(
                [row for row in rows if row["algo"] == algo and row.get(column)], column
            )
            if curves:
                medians[algo] = _median_curve(curves)
        if len(medians) < 2:
            continue
        highest = max(float(values.max()) for _, values in medians.values())
        chart = line_chart(
            [Line(s / 1e6, factor * v, styles[algo], algo) for algo, (s, v) in medians.items()],
            x_label="training steps in millions",
            y_label=label,
            title=title.lower(),
            x_range=(0.0, max(float(steps[-1]) for steps, _ in medians.values()) / 1e6),
            y_range=(0.0, 1.05 * factor * highest or 1.0),
        )
        caption = "Medians of the training seeds."
        if column == "evaluation_success":
            caption += " " + _first_goals([outcomes(folder)[algo] for algo in medians])
        found.append(Figure(title, chart, caption))
    return found


def _first_goals(found: Sequence[Outcome]) -> str:
    """When trainings reached their first goal, in words."""
    told = []
    for outcome in found:
        firsts = sorted(outcome.first_success)
        low, middle, high = (
            f"{value:,.0f}" if math.isfinite(value) else "never"
            for value in (firsts[0], firsts[(len(firsts) - 1) // 2], firsts[-1])
        )
        span = "" if low == high else f" ({low} to {high})"
        told.append(f"{outcome.algo} {middle}{span}")
    return "First goal in training after so many steps, median and range: " + ", ".join(told) + "."


def _median_curve(
    curves: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps up to which all seeds came, and the median of their values there."""
    common = np.unique(np.concatenate([steps for steps, _, _ in curves.values()]))
    common = common[common <= min(steps[-1] for steps, _, _ in curves.values())]
    return common, np.median([np.interp(common, s, v) for s, v, _ in curves.values()], axis=0)


def _by_seed(
    rows: Sequence[Mapping[str, str]], column: str
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Steps, a column and wall time of each seed, where the column has a value."""
    curves = {}
    for seed in dict.fromkeys(row["seed"] for row in rows):
        own = [row for row in rows if row["seed"] == seed and row[column]]
        table = np.array(
            [[float(row["step"]), float(row[column]), float(row["wall_time"])] for row in own]
        )
        if table.size and np.isfinite(table).all():
            steps, values, wall = table[np.argsort(table[:, 0])].T
            curves[seed] = (steps, values, wall)
    return curves
