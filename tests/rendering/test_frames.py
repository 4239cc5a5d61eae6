"""Frames show the data, need no display, and leave the user's Matplotlib alone."""

import subprocess
import sys

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_suite.rendering import Box, Canvas, History, Panel, PlanePlot, Series, StripChart, style
from gym_suite.rendering.charts import nice_limits


def rgb(color):
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def pixels_of(frame, color):
    """Rows and columns of the pixels of exactly this colour."""
    return np.nonzero((frame == rgb(color)).all(axis=2))


def chart(canvas, *, span=1.0, reference="r", limits=()):
    line = Series(name="y", label="y", reference=reference)
    panel = Panel(title="value", unit="A", series=[line], limits=limits)
    box = Box(60, 10, canvas.width - 80, canvas.height - 20)
    return StripChart(canvas, [panel], box=box, span=span)


def plane(canvas, extent=10.0):
    return PlanePlot(
        canvas, box=Box(0, 0, canvas.width, canvas.height), title="plane", labels=("x", "y"),
        extent=extent,
    )  # fmt: skip


@pytest.mark.parametrize("size", [(960, 540), (640, 480), (321, 243), (1920, 1080)])
def test_frame_has_the_asked_size(size):
    canvas = Canvas(size)
    chart(canvas).update([0.0, 0.1], {"y": [0, 1], "r": [1, 1]})
    frame = canvas.frame()
    assert frame.shape == (size[1], size[0], 3)
    assert frame.dtype == np.uint8
    assert frame.flags["OWNDATA"]
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize(
    "size", [(0, 540), (960,), (960.5, 540), "big", None, (960, -1), (10**6, 540), (np.nan, 1)]
)
def test_senseless_size_is_refused(size):
    with pytest.raises(ValueError, match="size="):
        Canvas(size)


def test_frames_are_independent_copies():
    canvas = Canvas((320, 240))
    picture = chart(canvas)
    picture.update([0.0, 0.5], {"y": [0, 1], "r": [1, 1]})
    first = canvas.frame()
    kept = first.copy()
    picture.update([0.0, 0.9], {"y": [0, -1], "r": [1, 1]})
    second = canvas.frame()
    assert (first == kept).all()
    assert (first != second).any()


def test_redrawing_leaves_no_trace_of_earlier_data():
    rng = np.random.default_rng(3)
    used, fresh = Canvas((480, 300)), Canvas((480, 300))
    time = np.linspace(0.0, 0.8, 50)
    used_chart, fresh_chart = chart(used), chart(fresh)
    for scale in (1.0, 300.0, 0.01):
        used_chart.update(time, {"y": scale * rng.normal(size=50), "r": scale + 0 * time})
        used.frame()
    values = {"y": np.sin(9 * time), "r": np.cos(9 * time)}
    for one in (used_chart, fresh_chart):
        one.update(time, values)
    assert (used.frame() == fresh.frame()).all()


def test_chart_line_lies_where_the_value_is():
    canvas = Canvas((960, 540))
    picture = chart(canvas, reference=None)
    # A step up at half of the data: the left half must be drawn below the right half.
    time = np.linspace(0.0, 1.0, 101)
    picture.update(time, {"y": np.where(time < 0.5, -1.0, 1.0)})
    rows, columns = pixels_of(canvas.frame(), style.PALETTE[0])
    inside = columns < 900  # the legend's sample lies above the axes, at the right
    middle = 60 + 0.5 * (canvas.width - 80)
    left = np.median(rows[inside & (columns < middle - 5)])
    right = np.median(rows[inside & (columns > middle + 5)])
    low, high = nice_limits(-1.0, 1.0)
    height = 540 - 20 - 18 - 34  # of the axes: the box less title and time axis
    assert left - right == pytest.approx(2.0 / (high - low) * height, abs=2)


def test_reference_is_drawn_dashed_and_limits_when_in_view():
    canvas = Canvas((960, 540))
    time = np.linspace(0.0, 1.0, 11)
    chart(canvas, limits=(3.0, 1000.0)).update(time, {"y": 0 * time, "r": 3.1 + 0 * time})
    without = Canvas((960, 540))
    chart(without, limits=(1000.0,)).update(time, {"y": 0 * time, "r": 3.1 + 0 * time})
    one, other = canvas.frame(), without.frame()
    assert (one != other).any(), "the limit within view makes a difference"
    rows, columns = pixels_of(other, style.INK)
    row = np.bincount(rows[columns > 70]).argmax()
    drawn = np.isin(np.arange(70, 900), columns[rows == row])
    assert 0.3 < drawn.mean() < 0.9


def test_time_axis_moves_on_past_its_end():
    canvas = Canvas((480, 300))
    picture = chart(canvas, span=1.0, reference=None)
    seen = []
    for end in (0.9, 1.3, 7.7):
        time = np.linspace(0.0, end, 400)
        picture.update(time, {"y": np.sin(20 * time)})
        frame = canvas.frame()
        seen.append(frame)
        _, columns = pixels_of(frame[60:250], style.PALETTE[0])
        assert columns.max() > 240, "the newest value is within view"
    assert (seen[0] != seen[1]).any()
    assert (seen[1] != seen[2]).any()


def test_nan_leaves_a_gap_and_empty_panels_are_refused():
    canvas = Canvas((480, 300))
    picture = chart(canvas, reference=None)
    picture.update([0.0, 0.5, 1.0], {"y": [np.nan, np.nan, np.nan]})
    assert canvas.frame().shape == (300, 480, 3)
    with pytest.raises(ValueError, match="at least one panel"):
        StripChart(canvas, [], box=Box(0, 0, 100, 100), span=1.0)
    with pytest.raises(ValueError, match="span="):
        chart(canvas, span=0.0)


@pytest.mark.parametrize(("x", "y"), [(5.0, 0.0), (0.0, 5.0), (-7.0, -3.0)])
def test_point_of_a_plane_moves_in_proportion(x, y):
    canvas = Canvas((540, 540))
    picture = plane(canvas)

    def centre(point):
        picture.update([point[0]], [point[1]])
        rows, columns = pixels_of(canvas.frame(), style.PALETTE[0])
        return np.array([columns.mean(), -rows.mean()])

    side = min(canvas.width - 46, canvas.height - 20 - 32) * 540 / canvas.width
    moved = centre((x, y)) - centre((0.0, 0.0))
    assert moved == pytest.approx(np.array([x, y]) / 20.0 * side, abs=1.5)


def test_plane_shows_reference_limits_and_polygon():
    def draw(reference=None, limits=False, polygon=False):
        canvas = Canvas((320, 320))
        picture = plane(canvas)
        if limits:
            picture.circle(8.0, label="limit", warning=True)
            picture.ellipse((3.0, 6.0))
            picture.polygon([[1, 1], [-1, 1], [0, -1]])
        outline = picture.moving_polygon()
        if polygon:
            outline.update([[4, 4], [-4, 4], [0, -4]])
        picture.update([0.0, 1.0, 2.0], [0.0, 0.5, 2.0], reference=reference)
        return canvas.frame()

    bare = draw()
    for other in (draw(reference=(5.0, -5.0)), draw(limits=True), draw(polygon=True)):
        assert (bare != other).any()
    with pytest.raises(ValueError, match="extent="):
        plane(Canvas((320, 320)), extent=np.inf)


def test_frames_ignore_the_users_style_and_keep_it():
    def draw():
        canvas = Canvas((320, 240))
        chart(canvas).update([0.0, 0.5], {"y": [0, 1], "r": [1, 1]})
        return canvas.frame()

    plain = draw()
    with matplotlib.rc_context():
        matplotlib.style.use("dark_background")
        matplotlib.rcParams.update({"font.size": 30, "axes.grid": False, "lines.linewidth": 9})
        before = dict(matplotlib.rcParams)
        assert (draw() == plain).all()
        assert dict(matplotlib.rcParams) == before


def test_importing_and_drawing_use_neither_pyplot_nor_a_display():
    code = """
import sys
import gym_suite.rendering as rendering
assert not any(name.startswith("matplotlib") for name in sys.modules), "imported too early"
canvas = rendering.Canvas((320, 240))
canvas.frame()
assert "matplotlib.pyplot" not in sys.modules
assert "tkinter" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@given(
    st.floats(-1e9, 1e9), st.floats(0, 1e9), st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
)  # fmt: skip
def test_nice_limits_hold_the_data_and_are_not_wasteful(low, extent, span):
    high = low + extent
    bottom, top = nice_limits(low, high, span=span)
    assert bottom <= low <= high <= top
    assert bottom < top
    needed = max(high - low, span, 1e-12 * max(abs(low), abs(high)), 1e-12)
    assert top - bottom <= 2.5 * needed + 1e-9 * max(abs(low), abs(high))


@given(
    st.lists(st.integers(0, 400), max_size=6),
    st.integers(2, 80),
    st.integers(1, 5),
    st.integers(0, 300),
)
def test_history_keeps_the_newest_rows(jumps, capacity, stride, length):
    """Against a plain list: episodes with jumps back, as snapshots make them."""
    history = History(1, capacity=capacity, stride=stride)
    plan = list(range(length))
    for jump in jumps:
        plan += range(min(jump, plan[-1] if plan else 0), min(jump, plan[-1] if plan else 0) + 7)
    kept = []
    for step in plan:
        history.append(step, np.array([step + 0.5]))
        kept = [k for k in kept if k < step] + [step]
    steps, rows = history.rows()
    assert (rows[:, 0] == steps + 0.5).all()
    assert len(history) == len(steps) <= capacity
    assert history.step == (plan[-1] if plan else -1)
    if plan:
        assert steps[-1] == plan[-1] == history.newest()[0] - 0.5
    if not jumps:
        expected = [k for k in kept if k % stride == 0 or k == kept[-1]][-capacity:]
        assert steps.tolist() == expected
    history.clear()
    assert len(history) == 0
