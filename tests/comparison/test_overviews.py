"""Pictures from outside: what they show is where things were in the episode, for every agent of the page."""

import re
import xml.etree.ElementTree as ElementTree

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison import compare
from gym_suite.comparison.charts import Line
from gym_suite.comparison.overviews import Spot, plan_chart, raster_chart
from gym_suite.comparison.report import _title
from gym_suite.rendering import style

QUIET = {"settings": "nominal", "progress": False}


def numbers_of(text):
    return [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", text)]


def scale_of(svg, label):
    """Pixels to data units along an axis, from two of the numbers at it: (slope, offset)."""
    shown = [e for e in svg.iter("text") if e.get("class") is None]
    anchor, place = ("middle", "x") if label.startswith("x") else ("end", "y")
    ticks = [e for e in shown if e.get("text-anchor") == anchor]
    values = [float(e.text.replace("−", "-")) for e in ticks]
    # A number stands four pixels below its grid line.
    pixels = [float(e.get(place)) - (4 if place == "y" else 0) for e in ticks]
    return np.polyfit(pixels, values, 1)


def plans_of(page):
    found = re.findall(r'<svg class="plan".*?</svg>', page, re.S)
    return [ElementTree.fromstring(svg) for svg in found]


def played(id, name, seed, columns, **keywords):
    """Columns of the metrics and states of one episode, played here."""
    env = gymnasium.make(id, **keywords)
    agent = gym_suite.make_controller(env, name)
    observation, info = env.reset(seed=seed)
    rows, state, start, over = [info], None, True, False
    while not over:
        action, state = agent.predict(observation, state, start)
        observation, _, ended, cut, info = env.step(action)
        rows.append(info)
        start, over = False, ended or cut
    env.close()
    return np.array([[row[name] for name in columns] for row in rows])


def test_a_plan_of_a_hall_shows_walls_ways_starts_and_targets(tmp_path):
    comparison = compare("agv/SimpleStatic-v0", agents=["a_star"], seeds=[4], **QUIET)
    (plan,) = plans_of(comparison.report(tmp_path).read_text("utf-8"))
    where = played("agv/SimpleStatic-v0", "a_star", 4, ["x", "y", "goal_x", "goal_y"])
    x_of, y_of = (np.poly1d(scale_of(plan, label)) for label in ("x in m", "y in m"))
    assert x_of[1] == pytest.approx(-y_of[1], rel=1e-3)  # as long one way as the other
    (line,) = [
        e
        for e in plan.iter("path")
        if e.get("class", "").startswith("line trace") and "s0" in e.get("class")
    ]
    points = np.array(numbers_of(line.get("d"))).reshape(-1, 2)
    drawn = np.column_stack([x_of(points[:, 0]), y_of(points[:, 1])])
    nearest = np.abs(where[:, None, :2] - drawn[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 1.5 * x_of[1]  # within a pixel and a half, all the way
    (ring,) = [e for e in plan.iter("circle") if "ring" in e.get("class")]
    at = x_of(float(ring.get("cx"))), y_of(float(ring.get("cy")))
    np.testing.assert_allclose(at, where[-1, 2:], atol=0.1)
    setup = gymnasium.make("agv/SimpleStatic-v0").unwrapped.setup
    grid = setup.tables[0][0]
    cell = float(setup.row[setup.parameter_columns.index("cell")])
    area = sum(
        float(e.get("width")) * float(e.get("height")) * x_of[1] ** 2
        for e in plan.iter("rect")
        if e.get("class") == "wall"
    )
    assert area == pytest.approx(np.count_nonzero(grid) * cell**2, rel=0.02)


def test_a_way_that_failed_ends_in_a_cross(tmp_path):
    comparison = compare("agv/SimpleStatic-v0", agents=["a_star"], seeds=1, horizon=40, **QUIET)
    (plan,) = plans_of(comparison.report(tmp_path).read_text("utf-8"))
    shapes = [e.get("class").split()[1] for e in plan.iter() if "spot" in e.get("class", "")]
    assert shapes.count("cross") == 2 and "dot" not in shapes  # nobody arrives in four seconds


def test_where_an_agent_moves_several_each_agent_has_its_plan(tmp_path):
    comparison = compare("agv/Fleet-v0", agents=["random"], seeds=1, horizon=30, **QUIET)
    page = comparison.report(tmp_path).read_text("utf-8")
    plans = plans_of(page)
    names = re.findall(r'<p class="whose">(.*?)</p>', page)
    assert set(names) == {"cooperative", "zero", "random"} and len(plans) == 3
    for plan in plans:
        ways = [e for e in plan.iter("path") if "trace" in e.get("class", "")]
        assert len(ways) == 6


def test_a_flight_is_seen_from_above_and_from_the_side(tmp_path):
    keywords = {"engine": "compiled"}
    comparison = compare(
        "drones/Hover-v0", agents=["geometric"], seeds=1, horizon=120, keywords=keywords, **QUIET
    )
    above, beside = plans_of(comparison.report(tmp_path).read_text("utf-8"))
    assert above.get("aria-label") == "from above" and beside.get("aria-label") == "from the side"
    words = {e.text for e in beside.iter("text") if e.get("class") == "axis"}
    assert words == {"x in m", "z in m"}


def test_the_band_shows_the_first_steps_of_every_agent(tmp_path):
    """A step is worth 1 where it was delivered and -1 where it was lost: the picture has the return of its episode."""
    id = "radio/Access-v0"
    comparison = compare(id, agents=["ucb1"], seeds=[2], horizon=100, **QUIET)
    page = comparison.report(tmp_path).read_text("utf-8")
    rasters = [
        ElementTree.fromstring(svg)
        for svg in re.findall(r'<svg class="raster".*?</svg>', page, re.S)
    ]
    assert len(rasters) == len(comparison.experiments[0].names)
    for name in ("ucb1", comparison.experiments[0].reference):
        drawn = next(r for r in rasters if r.get("aria-label").endswith(name))
        x_of = np.poly1d(scale_of(drawn, "x"))
        count = {}
        for path in drawn.iter("path"):
            runs = re.findall(r"M([\d.]+) [\d.]+H([\d.]+)", path.get("d"))
            count[path.get("fill")] = sum(x_of(float(b)) - x_of(float(a)) for a, b in runs)
        (record,) = [r for r in comparison.records if r["agent"]["name"] == name]
        earned = count["#009E73"] - count[style.WARNING]
        assert earned == pytest.approx(record["metrics"]["return"], abs=1.0)
        assert count["#009E73"] > 20.0
    assert "agent: delivered" in page


def test_what_is_shown_is_made_again_where_an_older_comparison_has_not_kept_it(tmp_path):
    id = "radio/GilbertElliott-v0"
    compare(id, agents=["random"], seeds=[0, 1], out=tmp_path, **QUIET)
    later = compare(id, agents=["random"], seeds=[1, 0], out=tmp_path, **QUIET)
    (experiment,) = later.experiments
    for agent in experiment.agents:
        shown = later.trajectory(experiment, agent)
        assert set(experiment.world.watched) <= set(shown.names)


def test_an_environment_without_such_a_picture_has_none(tmp_path):
    comparison = compare("gem/PMSM-v0", agents=["zero"], seeds=1, horizon=50, **QUIET)
    page = comparison.report(tmp_path).read_text("utf-8")
    assert 'class="plan"' not in page and 'class="raster"' not in page


def test_plans_hold_together():
    way = np.array([0.0, 1.0, 2.0, 2.0])
    up = np.array([0.0, 0.0, 1.0, np.nan])
    svg = plan_chart(
        [Line(way, up, "trace s0", "me & you")],
        labels=("x in m", "y in m"),
        title="from above",
        x_range=(0.0, 4.0),
        y_range=(0.0, 2.0),
        boxes=np.array([[1.0, 2.0, 0.0, 1.0]]),
        outlines=[np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])],
        spots=[Spot(1.0, 1.0, "s0", shape) for shape in ("dot", "ring", "square", "cross")],
        size=(400.0, 400.0),
    )
    root = ElementTree.fromstring(svg)
    assert next(root.iter("title")).text == "me & you"
    left, top, width, height = numbers_of(root.get("viewBox"))
    assert (left, top) == (0.0, 0.0) and width <= 400.0 and height <= 400.0
    wall = next(e for e in root.iter("rect") if e.get("class") == "wall")
    assert float(wall.get("width")) == pytest.approx(float(wall.get("height")), abs=0.2)


def test_rasters_merge_neighbours_and_lose_none():
    values = np.array([[0, 1], [0, 1], [2, 1], [0, 0], [2, 1]])
    svg = raster_chart(values, ["#fff", "#111", "#222"], labels=("step", "channel"), title="t")
    paths = {e.get("fill"): e.get("d") for e in ElementTree.fromstring(svg).iter("path")}
    assert paths["#111"].count("M") == 2 and paths["#222"].count("M") == 2


def test_way_and_clearance_tell_apart_who_arrives(tmp_path):
    """Of the episodes that came to their goal, and nothing of the others."""
    id = "agv/SimpleStatic-v0"
    comparison = compare(id, agents=["a_star"], seeds=[4], **QUIET)
    where = played(id, "a_star", 4, ["x", "y", "clearance"])
    records = {r["agent"]["name"]: r["metrics"] for r in comparison.records}
    way = sum(np.hypot(*step) for step in np.diff(where[:, :2], axis=0))
    assert records["a_star"]["PathLength"] == pytest.approx(way, rel=1e-9)
    assert records["a_star"]["LeastClearance"] == where[:, 2].min()
    assert np.isnan(records["zero"]["PathLength"])
    page = comparison.report(tmp_path).read_text("utf-8")
    assert "Path length" in page and "Least clearance" in page
    headline = page[page.index("Scores by setting") : page.index("<details")]
    assert headline.index(">a_star<") < headline.index(">zero<")  # the best first


def test_a_page_of_many_ids_is_called_by_what_they_have_in_common():
    assert _title(["agv/Dock-v0", "radio/Access-v0"]) == "agv/Dock-v0, radio/Access-v0"
    many = ["drones/Hover-v0", "drones/Track-v0", "drones/Gates-v0", "drones/Landing-v0"]
    assert _title(many) == "drones: 4 environments"
    assert _title([*many, "CartPole-v1"]) == "drones, CartPole-v1: 5 environments"
