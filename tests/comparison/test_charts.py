"""Charts: nothing of the data is lost or misplaced, and the SVG is well formed."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from gym_suite.comparison.charts import Line, Mark, interval_glyph, line_chart, thin, ticks
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.text import digits, quantity, with_interval


def test_thinning_keeps_every_peak():
    rng = np.random.default_rng(0)
    x = np.arange(100_000.0)
    y = rng.normal(size=x.size)
    y[[12_345, 98_765]] = 50.0, -50.0
    px, py = thin(x, y, 500)
    assert px.size <= 1002 and np.all(np.diff(px) > 0)
    assert (py.max(), py.min()) == (50.0, -50.0)
    np.testing.assert_array_equal(y[px.astype(int)], py)
    for start in range(0, 100_000, 20_000):
        inside = (px >= start) & (px < start + 20_000)
        part = y[start : start + 20_000]
        assert (py[inside].max(), py[inside].min()) == (part.max(), part.min())


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-0.25, 1.25), (0, 2000), (1e-7, 9e-7), (-400, 400)]
)
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 9
    assert low - 1e-12 <= found[0] and found[-1] <= high * (1 + 1e-9)
    step = found[1] - found[0]
    mantissa = step / 10 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(mantissa - m) for m in (1, 2, 2.5, 5, 10)) < 1e-6


def points(svg, style):
    path = next(e for e in ElementTree.fromstring(svg).iter() if e.get("class") == style)
    return np.array([[float(v) for v in p.split()] for p in re.split("[ML]", path.get("d"))[1:]])


def test_lines_are_where_the_axis_says():
    line = Line(np.array([0.0, 5.0, 10.0]), np.array([0.0, 1.0, -1.0]), "s0", "a < b & c")
    svg = line_chart([line], x_label="x", y_label="y", title="t", x_range=(0, 10), y_range=(-1, 1))
    root = ElementTree.fromstring(svg)
    texts = {e.text: e for e in root.iter("text")}
    drawn = points(svg, "line s0")
    assert drawn[0, 0] == pytest.approx(float(texts["0"].get("x")), abs=0.1)
    assert drawn[2, 0] == pytest.approx(float(texts["10"].get("x")), abs=0.1)
    # A number stands four pixels below its grid line.
    assert drawn[1, 1] == pytest.approx(float(texts["1.0"].get("y")) - 4, abs=0.1)
    assert drawn[2, 1] == pytest.approx(float(texts["−1.0"].get("y")) - 4, abs=0.1)
    assert next(root.iter("title")).text == "a < b & c"


def test_logarithmic_axis_and_marks():
    omega = np.logspace(0, 4, 50)
    mark = Mark(100.0, "crossover", vertical=True)
    svg = line_chart(
        [Line(omega, -20 * np.log10(omega), "s1")],
        x_label="",
        y_label="",
        title="",
        x_range=(1.0, 1e4),
        x_log=True,
        marks=[mark, Mark(-40.0, "here"), Mark(1e9, "outside", vertical=True)],
    )
    root = ElementTree.fromstring(svg)
    marks = [e for e in root.iter("line") if e.get("class") == "mark"]
    assert len(marks) == 2
    drawn = points(svg, "line s1")
    middle = (drawn[0, 0] + drawn[-1, 0]) / 2
    assert float(marks[0].get("x1")) == pytest.approx(middle, abs=0.2)
    assert "outside" not in svg


def test_gaps_break_the_line():
    y = np.array([0.0, 1.0, np.nan, 1.0, 0.0])
    svg = line_chart([Line(np.arange(5.0), y, "s0")], x_label="", y_label="", title="")
    path = next(e for e in ElementTree.fromstring(svg).iter() if e.get("class") == "line s0")
    assert path.get("d").count("M") == 2


def test_glyph_shows_what_lies_outside_as_an_arrow():
    inside = interval_glyph(0.5, 0.4, 0.6, view=(0, 1), anchors=(0, 1), style="s0")
    outside = interval_glyph(-7.0, -8.0, -6.0, view=(0, 1), anchors=(0, 1), style="s0")
    assert "circle" in inside and "circle" not in outside
    ElementTree.fromstring(inside)
    ElementTree.fromstring(outside)


def test_numbers_as_words():
    assert digits(float("inf")) == "never" and digits(float("nan")) == "–"
    assert digits(1234.5) == "1234" and digits(-0.001234) == "−0.00123"
    assert quantity(1.5e-4, "s") == "150 µs" and quantity(0.25, "s") == "250 ms"
    assert with_interval(Interval(0.98765, 0.95, 1.02)) == "0.988 [0.950, 1.020]"
    assert with_interval(Interval(-0.0001, -0.3, 0.4)) == "0.00 [−0.30, 0.40]"
    assert with_interval(Interval(2.0, 2.0, 2.0)) == "2.00"
    assert with_interval(Interval(float("inf"), 1.0, float("inf"))) == "never"
    assert with_interval(None) == "–"
