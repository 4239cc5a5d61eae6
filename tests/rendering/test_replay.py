"""The interactive page shows what happened, loads nothing, and plays and scrubs in a browser."""

import base64
import json
import re
import time

import gymnasium
import numpy as np
import pytest
from labs.browser import PROGRAM, Browser

import gym_suite
from gym_suite import cli
from gym_suite.rendering import Body, Panel, Plane, Raster, Series, Space, Stage
from gym_suite.rendering.clip import record
from gym_suite.rendering.replay import episode_stage, pack, replay_page, write_page

TIME = np.linspace(0.0, 2.0, 21)


def unpacked(packed):
    """Read a packed array by its documented form."""
    levels = np.frombuffer(base64.b64decode(packed["data"]), dtype="<u2").astype(float)
    values = packed["low"] + (packed["high"] - packed["low"]) * levels / 65534
    values[levels == 65535] = np.nan
    return values.reshape(packed["shape"])


def data_of(page):
    found = re.search(r'<script id="episode" type="application/json">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


def made_up_stage():
    """A body on a circle with a plane, a raster and a chart."""
    angle = 0.5 * np.pi * TIME
    place = np.column_stack([np.cos(angle), np.sin(angle), 1.0 + 0.1 * TIME])
    flat = np.zeros(len(TIME))
    turned = np.column_stack([flat, flat, np.sin(angle / 2), np.cos(angle / 2)])
    body = Body(
        name="a<b>&", color="#0072B2", position=place, quaternion=turned, size=(0.3, 0.2, 0.1)
    )
    space = Space(
        bodies=[body],
        floor=(-2.0, -2.0, 2.0, 2.0),
        boxes=np.array([[0.0, 0.0, 0.5, 0.2, 0.2, 0.5]]),
        lines=[np.array([[1.0, 0.0, 0.5], [1.0, 0.5, 0.5], [1.0, 0.5, 1.5]])],
    )
    plane = Plane(title="current (A)", labels=("$i_d$", "$i_q$"), values=("x", "y"), extent=1.2)
    raster = Raster(
        title="who",
        label="channel",
        groups=2,
        values=np.tile([0, 1], (len(TIME), 1)),
        classes=[("idle", "#ffffff"), ("user", "#0072B2")],
    )
    panel = Panel(title="height", unit="m", series=[Series(name="z", label="$z$", reference="x")])
    values = {"x": place[:, 0], "y": place[:, 1], "z": place[:, 2]}
    return Stage(
        dt=0.1, time=TIME, values=values, panels=[panel], views=[space, plane, raster], alarm=flat
    )


def test_packed_numbers_are_within_half_a_level_and_gaps_stay():
    rng = np.random.default_rng(0)
    values = rng.normal(3.0, 20.0, (50, 4))
    values[3, 2], values[7, 0] = np.nan, np.inf
    read = unpacked(pack(values))
    known = np.isfinite(values)
    assert (np.isfinite(read) == known).all()
    span = values[known].max() - values[known].min()
    assert np.abs(read[known] - values[known]).max() <= 0.5001 * span / 65534
    np.testing.assert_allclose(unpacked(pack(np.full(3, 7.25))), 7.25, atol=1e-12)
    assert np.isnan(unpacked(pack(np.full(2, np.nan)))).all()


def test_the_page_asks_for_nothing_and_no_name_breaks_it():
    page = replay_page("x </script> & <b>", {"</script><script>alert(1)": made_up_stage()})
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|url\(|@import|\bfetch\b|XMLHttpRequest|import\(", page)
    assert page.count("<script") == page.count("</script>") == 2
    data = data_of(page)
    assert data["title"] == "x </script> & <b>"
    assert data["runs"][0]["name"] == "</script><script>alert(1)"
    assert data["runs"][0]["views"][1]["labels"] == ["i_d", "i_q"]
    assert "{{" not in page


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("precious")
    broken = made_up_stage()
    with pytest.raises(KeyError):
        write_page(path, "x", {"a": Stage(dt=1, time=TIME, values={}, panels=broken.panels)})
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.html"]


def compared(env_id, agent, steps, **keywords):
    """Return the stage of an episode and the states, by name, of the same one played here."""
    stage = episode_stage(
        env_id,
        lambda env: gym_suite.make_controller(env, agent),
        seed=3,
        steps=steps,
        **keywords,
    )
    env = gymnasium.make(env_id, **keywords)
    pilot = gym_suite.make_controller(env, agent)
    env.action_space.seed(3)
    observation, _ = env.reset(seed=3)
    states, memory = [env.unwrapped.state()], None
    for _ in range(steps):
        action, memory = pilot.predict(observation, memory)
        observation, *_ = env.step(action)
        states.append(env.unwrapped.state())
    env.close()
    return stage, {name: np.array([s[name][0] for s in states]) for name in states[0]}


DRONES = {"MultiHover": 2, "Formation": 4, "LeaderFollower": 3, "Crossing": 2}


@pytest.mark.parametrize(
    "name", ["Hover", "Track", "MultiHover", "Formation", "LeaderFollower", "Crossing"]
)
def test_drones_are_where_they_were(name):
    stage, states = compared(f"drones/{name}-v0", None, 30, engine="compiled")
    (space,) = stage.views
    several = len(space.bodies) > 1
    assert len(space.bodies) == DRONES.get(name, 1)
    assert len({body.color for body in space.bodies}) == len(space.bodies)
    np.testing.assert_allclose(stage.time, np.arange(31) / 60, atol=1e-12)
    for j, body in enumerate(space.bodies):
        suffix = f"_{j}" if several else ""
        for c, a in enumerate("xyz"):
            np.testing.assert_array_equal(body.position[:, c], states[f"position_{a}{suffix}"])
            np.testing.assert_array_equal(body.target[:, c], states[f"target_{a}{suffix}"])
        for c, a in enumerate("xyzw"):
            np.testing.assert_array_equal(body.quaternion[:, c], states[f"quaternion_{a}{suffix}"])
        x0, y0, x1, y1 = space.floor
        assert x0 < body.position[:, 0].min() and body.position[:, 0].max() < x1
        assert y0 < body.position[:, 1].min() and body.position[:, 1].max() < y1


@pytest.mark.parametrize("vehicle", ["cf2x", "cf2p", "x500", "f550"])
def test_rotors_are_drawn_where_their_thrust_acts(vehicle):
    """More thrust of one rotor turns the body away from its place: r x F along x and y."""
    env = gymnasium.make("drones/Hover-v0", vehicle=vehicle, engine="compiled", start_tilt=0.0,
                         start_velocity=0.0)  # fmt: skip
    stage = episode_stage("drones/Hover-v0", lambda env: gym_suite.make_controller(env), steps=1,
                          vehicle=vehicle, engine="compiled")  # fmt: skip
    for rotor, (x, y) in enumerate(stage.views[0].bodies[0].rotors):
        env.reset(seed=0)
        action = np.zeros(env.action_space.shape)
        action[rotor] = 0.5
        env.step(action)
        state = env.unwrapped.state()
        roll, pitch = state["angular_velocity_x"][0], state["angular_velocity_y"][0]
        arm = np.hypot(x, y)
        turn = np.array([y, -x]) / arm  # of the torque of a thrust along z at (x, y)
        assert np.dot(turn, [roll, pitch]) > 0.95 * np.hypot(roll, pitch) > 0.0
    env.close()


def test_a_hall_has_its_walls_once_and_its_vehicle():
    stage, states = compared("agv/ComplexStatic-v0", None, 25)
    (space,) = stage.views
    np.testing.assert_array_equal(space.bodies[0].position[:, 0], states["x"])
    np.testing.assert_allclose(
        2 * np.arctan2(*space.bodies[0].quaternion[:, 2:].T), states["theta"], atol=1e-12
    )
    env = gymnasium.make("agv/ComplexStatic-v0")
    from gym_suite.agv.columns import T_GRID

    setup = env.unwrapped.setup
    grid = np.asarray(setup.tables[T_GRID][int(states["layout"][0])])
    cell = float(setup.row[setup.parameter_columns.index("cell")])
    covered = np.zeros(grid.shape, int)
    for x, y, _, a, b, _ in space.boxes:
        columns = slice(round((x - a) / cell), round((x + a) / cell))
        covered[round((y - b) / cell) : round((y + b) / cell), columns] += 1
    np.testing.assert_array_equal(covered, grid != 0)
    assert len(space.boxes) < 0.2 * covered.sum()


def test_a_fleet_of_several_agents_is_replayed_too(tmp_path):
    path = tmp_path / "fleet.html"
    done = record("agv/Fleet-v0", agent="orca", out=path, steps=12, agents=3)
    assert done.steps == 12
    bodies = data_of(path.read_text())["runs"][0]["views"][0]["bodies"]
    assert len({body["color"] for body in bodies[:3]}) == 3


def test_where_sides_oppose_each_other_an_agent_plays_one_of_them():
    seen = []

    class Silent:
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            seen.append(np.shape(observation))
            return np.zeros(len(np.atleast_2d(observation)), int), state

    env = gym_suite.parallel_env("radio/JammingGame-v0")
    size = len(env.unwrapped.setup.observation_columns)
    assert env.max_num_agents > 1
    episode_stage("radio/JammingGame-v0", lambda seat: Silent(), steps=5)
    assert [np.prod(shape) for shape in seen[-5:]] == [size] * 5  # before that it was tried out


def test_a_drive_has_its_planes_and_the_hexagon_turns_against_the_rotor():
    stage, states = compared("gem/PMSM-v0", "pi", 40)
    current, voltage = stage.views
    np.testing.assert_allclose(
        stage.values[current.values[1]], states["i_sq"], rtol=1e-9, atol=1e-9
    )
    radius = np.linalg.norm(voltage.corners, axis=2)
    np.testing.assert_allclose(radius, radius[0, 0])
    # Its inscribed circle is what a two-level inverter gives linearly, u_dc / sqrt(3).
    assert radius[0, 0] * np.cos(np.pi / 6) == pytest.approx(voltage.circles[0][0])
    corner = np.unwrap(np.arctan2(voltage.corners[:, 0, 1], voltage.corners[:, 0, 0]))
    turned = np.unwrap(stage.values["epsilon"])
    np.testing.assert_allclose(np.diff(corner)[1:], -np.diff(turned)[1:], atol=2e-3)


def test_a_waterfall_shows_the_whole_episode(tmp_path):
    stage = episode_stage(
        "radio/Access-v0", lambda env: gym_suite.make_controller(env), steps=130, physics="iq"
    )
    occupancy, air = stage.views
    assert occupancy.values.shape == (131, occupancy.groups)
    assert air.values.shape[0] == 131 and air.values.shape[1] % air.groups == 0
    spoken = stage.time > 0
    reward = np.diff(stage.values["total"], prepend=0.0)
    names = [name for name, _ in occupancy.classes]
    delivered = (occupancy.values == names.index("agent: delivered")).any(axis=1)
    assert (reward[spoken & delivered] > 0).all() and delivered.sum() > 50


def test_two_runs_stand_side_by_side(tmp_path):
    path = tmp_path / "two.html"
    arguments = ["render", "drones/Hover-v0", "--agent", "lqr", "--beside", "lqr", "--steps", "20"]
    arguments += ["--set", 'engine="compiled"', "--out", str(path)]
    assert cli.main(arguments) == 0
    runs = data_of(path.read_text())["runs"]
    assert [run["name"] for run in runs] == ["lqr", "lqr (2)"]
    assert runs[0]["views"] == runs[1]["views"]
    assert path.stat().st_size < 100_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "no/such/folder/a.html"], "no folder"),
        (["--out", "a.gif", "--beside", "lqr"], ".html"),
        (["--out", "a.html", "--beside", "lqx"], "lqr"),
        (["--out", "a.htm"], ".html"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["render", "drones/Hover-v0", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_foreign_environment_is_refused(tmp_path):
    with pytest.raises(ValueError, match="of this package"):
        record("CartPole-v1", agent=lambda env: Still(), out=tmp_path / "a.html", steps=3)
    assert not list(tmp_path.iterdir())


class Still:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return 0, state


@pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
def test_it_plays_scrubs_turns_and_loads_nothing(tmp_path):
    pytest.importorskip("websockets", reason="the extra lab is not installed")
    runs = {"one": made_up_stage(), "other": made_up_stage()}
    url = write_page(tmp_path / "a.html", "made up", runs).as_uri()
    browser = Browser(url, tmp_path / "profile")
    try:
        browser.wait_until(lambda: browser.count("#clock") == 1, "the page")
        browser.wait_until(lambda: "of 2 s" in browser.text(), "the clock")
        assert browser.run("document.querySelectorAll('canvas').length") == 8
        picture = "document.querySelector('canvas').toDataURL()"
        first = browser.run(picture)
        browser.run("$('scrub').value = 1; $('scrub').dispatchEvent(new Event('input'))")
        assert "1.00 of 2 s" in browser.text()
        second = browser.run(picture)
        assert second != first
        # The page reads the numbers as they were: half-way the body is at (0, 1), within a level.
        place = browser.run("stages[1].parts[0].pose(stages[1].parts[0].bodies[0], [10, 0])[0]")
        np.testing.assert_allclose(place, [0.0, 1.0, 1.1], atol=1e-4)
        for kind, x, y in (("Pressed", 300, 300), ("Moved", 360, 330), ("Released", 360, 330)):
            browser.call(
                "Input.dispatchMouseEvent",
                type=f"mouse{kind}", x=x, y=y, button="left", buttons=1, clickCount=1,
            )  # fmt: skip
        assert browser.run(picture) != second
        assert browser.run("camera.yaw") == pytest.approx(-2.2 - 60 * 0.008)
        browser.run("$('speed').value = '0.5'; goTo(0); $('play').click()")
        time.sleep(0.5)
        browser.wait_until(lambda: browser.run("now") > 0.1, "the time to run")
        browser.run("$('play').click()")
        stopped = browser.run("now")
        time.sleep(0.2)
        assert browser.run("now") == stopped > 0.1
        for view in ("above", "chase 0"):
            before = browser.run(picture)
            browser.run(
                f"$('camera').value = '{view}'; $('camera').dispatchEvent(new Event('change'))"
            )
            assert browser.run(picture) != before
        assert [one for one in browser.requests if not one.startswith("data:")] == [url]
    finally:
        browser.close()
