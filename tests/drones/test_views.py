"""Pictures with `view=`: the room and the chasing eye, our own renderer against Bullet's and SciPy's geometry."""

import tomllib
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.drones.columns import TABLES
from gym_suite.drones.render import eye_of, gate_outlines
from gym_suite.rendering import Canvas, style
from gym_suite.rendering.spaceplot import FOCAL, project, rotate

ROOT = Path(gym_suite.__file__).parents[1]
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}


def picture(steps=10, env_id="drones/Hover-v0", **keywords):
    env = gymnasium.make(env_id, render_mode="rgb_array", **{"engine": "compiled"} | keywords)
    pilot, memory = gym_suite.make_controller(env), None
    observation, _ = env.reset(seed=0)
    for _ in range(steps):
        action, memory = pilot.predict(observation, memory)
        observation, *_ = env.step(action)
    frame = env.render()
    env.close()
    env.close()
    return frame


def where(frame, color, tolerance=40):
    """Return the mean place (x, y from the upper left) of the pixels of a colour and how many there are."""
    near = np.abs(frame.astype(int) - 255 * np.array(color)).max(axis=2) < tolerance
    rows, columns = np.nonzero(near)
    return (columns.mean(), rows.mean(), near.sum()) if len(rows) else (np.nan, np.nan, 0)


def test_turning_is_scipys():
    rng = np.random.default_rng(1)
    points, turn = rng.normal(size=(5, 3)), Rotation.random(rng=1)
    np.testing.assert_allclose(rotate(points, turn.as_quat()), turn.apply(points), atol=1e-12)


@pytest.mark.bullet
def test_projection_is_bullets():
    """The same eye through Bullet's view and projection matrices (OpenGL's)."""
    from gym_suite.drones.bullet import load_pybullet

    bullet = load_pybullet()
    eye, target, size = (-1.5, 0.7, 2.0), (0.3, 0.1, 0.8), (400.0, 300.0)
    points = np.random.default_rng(2).uniform(-0.5, 1.0, (20, 3))
    view = np.reshape(bullet.computeViewMatrix(eye, target, (0, 0, 1)), (4, 4)).T
    angle = np.degrees(2 * np.arctan(0.5 / FOCAL))
    lens = np.reshape(
        bullet.computeProjectionMatrixFOV(angle, size[0] / size[1], 0.01, 50), (4, 4)
    ).T
    clip = np.column_stack([points, np.ones(20)]) @ (lens @ view).T
    expected = clip[:, :2] / clip[:, 3:] * np.array(size) / 2
    np.testing.assert_allclose(project(points, eye, target, size[1])[:, :2], expected, atol=1e-3)


def test_charts_are_the_default():
    np.testing.assert_array_equal(picture(), picture(view="charts"))
    np.testing.assert_array_equal(picture(), picture(view=("charts",)))


def test_charts_stand_beside_the_room_unchanged():
    with_planes, with_room = picture(), picture(view=("chase", "charts"))
    np.testing.assert_array_equal(with_planes[40:, :500], with_room[40:, :500])
    assert (with_planes != with_room).any()


@pytest.mark.parametrize("engine", ["compiled", pytest.param("bullet", marks=pytest.mark.bullet)])
def test_the_chased_drone_is_in_the_middle(engine):
    frame = picture(view="chase", engine=engine, **STILL)
    if engine == "bullet":  # lit, so of another brightness: look for its hue
        red, green, blue = np.moveaxis(frame[40:].astype(int), 2, 0)
        rows, columns = np.nonzero((red > 2.5 * blue) & (green > 1.3 * blue) & (red > 60))
        x, y, count = columns.mean(), rows.mean() + 40, len(rows)
    else:
        x, y, count = where(frame, to_rgb(style.PALETTE[0]), tolerance=60)
    assert count > 200
    # The view fills the sheet but for a head of 46 and a margin of 8 pixels.
    assert abs(x - 480) < 25 and abs(y - 0.5 * (38 + 532)) < 25


def test_the_eye_is_behind_where_the_drone_heads():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", **STILL)
    for yaw in (0.0, 2.0):
        turn = {"quaternion_z": np.sin(yaw / 2), "quaternion_w": np.cos(yaw / 2)}
        env.reset(seed=0, options={"state": turn})
        snapshot = env.unwrapped.get_state()["rows"]["x"][0]
        eye, target = eye_of("chase", snapshot, env.unwrapped.setup, 1.0)
        back = (eye - target) / np.linalg.norm((eye - target)[:2])
        np.testing.assert_allclose(back[:2], [-np.cos(yaw), -np.sin(yaw)], atol=1e-6)
        assert back[2] > 0.2
    env.close()


def test_several_drones_are_seen_in_their_colours_where_they_are():
    env = gymnasium.make("drones/Formation-v0", engine="compiled", **STILL)
    env.reset(seed=0)
    state, setup = env.unwrapped.state(), env.unwrapped.setup
    row = env.unwrapped.get_state()["rows"]["x"][0]
    places = [[state[f"position_{a}_{j}"][0] for a in "xyz"] for j in range(4)]
    env.close()
    frame = picture(0, "drones/Formation-v0", view="room", **STILL)
    from gym_suite.drones.render import DroneRenderer

    eye, target = eye_of("room", row, setup, DroneRenderer(setup)._extent())
    height = Canvas().height - 46.0
    seen = project(places, eye, target, height)
    for j, (x, y, _) in enumerate(seen):
        near = frame[
            round(538 - 8 - height / 2 - y) - 25 : round(538 - 8 - height / 2 - y) + 25,
            round(8 + 940 / 2 + x) - 25 : round(8 + 940 / 2 + x) + 25,
        ]
        assert where(near, to_rgb(style.PALETTE[j]), 60)[2] > 15


def test_gates_stand_across_the_way_that_their_track_tells():
    env = gymnasium.make("drones/Gates-v0", engine="compiled", track="eight")
    setup = env.unwrapped.setup
    env.close()
    gates = setup.tables[TABLES.places.gates]
    path = ROOT / "gym_suite" / "drones" / "tracks" / "eight.toml"
    told = tomllib.loads(path.read_text("utf-8"))
    outlines = gate_outlines(gates)
    assert len(outlines) == len(told["gates"]) == 6
    for corners, gate in zip(outlines, told["gates"], strict=True):
        np.testing.assert_allclose(corners.mean(axis=0), gate["centre"], atol=1e-12)
        sides = np.roll(corners, -1, axis=0) - corners
        np.testing.assert_allclose(np.linalg.norm(sides, axis=1), 0.5, atol=1e-12)
        np.testing.assert_allclose(sides[:, :2] @ gate["through"], 0.0, atol=1e-12)


@pytest.mark.parametrize("engine", ["compiled", pytest.param("bullet", marks=pytest.mark.bullet)])
def test_gates_are_seen_in_the_room(engine):
    frame = picture(0, "drones/Gates-v0", view="room", track="eight", engine=engine)
    # The shaded pillars of Bullet's room have some 150 pixels of the colour of gates.
    assert where(frame, to_rgb(style.WARNING), 60)[2] > 400


@pytest.mark.bullet
def test_bullets_room_leaves_no_client_behind():
    from gym_suite.drones.bullet import load_pybullet

    bullet = load_pybullet()
    before = sum(bool(bullet.isConnected(client)) for client in range(64))
    picture(1, view="room", engine="bullet")
    assert sum(bool(bullet.isConnected(client)) for client in range(64)) == before


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ("chart", "charts"),
        ("chasing", "chase"),
        (("room", "chase"), "charts"),
        ((), "charts"),
        (("charts", "charts"), "charts"),
    ],
)
def test_an_unknown_view_is_told(view, told):
    with pytest.raises(ValueError, match=told):
        gymnasium.make("drones/Hover-v0", engine="compiled", view=view)
