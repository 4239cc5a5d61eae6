"""What a user sees of a motor: frames that follow the state, in every task, without touching it."""

import tracemalloc
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from PIL import Image, ImageSequence

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.controllers.baselines import RandomAgent
from gym_suite.core.columns import Column, Columns
from gym_suite.core.marks import Tracked
from gym_suite.motors.render import MotorRenderer
from gym_suite.rendering import record, style
from gym_suite.rendering.replay import episode_stage

IDS = ("gem/PMSM-v0", "gem/PMSM-Speed-v0", "gem/PMSM-DriveCycle-v0")


def run(env, steps, seed=3):
    """Reset, take gentle random actions, and return everything that was observed."""
    rng = np.random.default_rng(seed)
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        action = rng.uniform(-0.1, 0.1, env.action_space.shape)
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append(np.append(observation, reward))
        if terminated or truncated:
            break
    return seen


def machine(**metrics):
    """A setup with the given metric columns (name: unit) that tracks none of them."""
    return SimpleNamespace(
        id="test/Machine-v0",
        dt=1e-4,
        horizon=100,
        metric_columns=Columns(*[Column(n, u, -500, 500) for n, u in metrics.items()]),
        parameter_columns=Columns(Column("i_limit", "A"), Column("u_dc", "V")),
        row=np.array([400.0, 300.0]),
        tracking=(),
        violation="",
    )


@pytest.mark.parametrize("env_id", IDS)
def test_frames_follow_the_episode(env_id):
    with gymnasium.make(env_id, render_mode="rgb_array") as env:
        run(env, 1)
        first = env.render()
        run(env, 40)
        later = env.render()
        assert (env.render() == later).all(), "the same state makes the same frame"
        for frame in (first, later):
            assert frame.shape == (540, 960, 3)
            assert frame.dtype == np.uint8
        changed = (first != later).any(axis=2)
        assert changed[:, :640].any(), "the charts"
        assert changed[:, 640:].any(), "the planes"
        env.reset(seed=3)
        assert (env.render()[40:] != later[40:]).any(), "a new episode forgets the old one"


@pytest.mark.parametrize("env_id", IDS)
def test_rendering_changes_nothing(env_id):
    with gymnasium.make(env_id) as plain, gymnasium.make(env_id, render_mode="rgb_array") as drawn:
        drawn = gymnasium.wrappers.RenderCollection(drawn)
        for one, other in zip(run(plain, 10), run(drawn, 10), strict=True):
            assert (one == other).all()


def test_each_row_of_a_vector_env_has_the_frame_of_its_single_env():
    rng = np.random.default_rng(0)
    actions = rng.uniform(-0.1, 0.1, (20, 3, 2))
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=3, render_mode="rgb_array")
    envs.reset(seed=5)
    for action in actions:
        envs.step(action)
    frames = envs.render()
    assert len(frames) == 3
    for row in range(3):
        with gymnasium.make("gem/PMSM-v0", render_mode="rgb_array") as env:
            env.reset(seed=5 + row)
            for action in actions:
                env.step(action[row])
            assert (env.render() == frames[row]).all()
    assert (frames[0] != frames[1]).any()
    envs.close()


def test_current_is_drawn_in_proportion_and_the_reference_beside_it():
    renderer = MotorRenderer(machine(i_sd="A", i_sq="A", i_sd_ref="A", i_sq_ref="A"))
    blue = np.array([int(style.COLORS["blue"][k : k + 2], 16) for k in (1, 3, 5)])

    def point(i_sd, i_sq):
        renderer.append(0, 0, np.array([i_sd, i_sq, 0.0, 300.0]), None)
        rows, columns = np.nonzero((renderer.frame(0)[:, 640:] == blue).all(axis=2))
        return np.array([columns.mean(), -rows.mean()])

    origin = point(0.0, 0.0)
    east, north, both = (point(*i) - origin for i in ((200, 0), (0, 200), (-100, -300)))
    assert east[0] > 40
    assert east == pytest.approx([east[0], 0], abs=1)
    assert north == pytest.approx([0, east[0]], abs=1.5)
    assert both == pytest.approx([-0.5 * east[0], -1.5 * east[0]], abs=1.5)


def test_violation_is_announced():
    setup = machine(i_sd="A", i_sq="A", violation="1")
    setup.violation = "violation"
    orange = np.array([int(style.WARNING[k : k + 2], 16) for k in (1, 3, 5)])
    renderer = MotorRenderer(setup)

    def announced(violation):
        renderer.append(0, 0, np.array([0.0, 0.0, violation]), None)
        return (renderer.frame(0)[:30] == orange).all(axis=2).any()

    assert not announced(0.0)
    assert announced(1.0)


@pytest.mark.parametrize(
    "columns",
    [
        {"i": "A", "omega": "rad/s"},
        {"torque": "N m"},
        {"i_sd": "A", "i_sq": "A"},
        {"i_sd": "A", "i_sq": "A", "u_sd": "V", "u_sq": "V"},
        {"i_sd": "A", "i_sq": "A", "u_sd": "V", "u_sq": "V", "epsilon": "rad", "omega": "rad/s"},
        {"i_sd": "A", "i_sq": "A", "u_sd": "V", "u_sq": "V", "u_sx": "V", "u_sy": "V"},
    ],
)
def test_it_draws_what_there_is(columns):
    setup = machine(**columns, omega_ref="rad/s")
    if "omega" in columns:
        setup.tracking = (Tracked("omega", "omega_ref", 400.0, "rad/s", "speed"),)
    renderer = MotorRenderer(setup, size=(640, 360))
    row = np.linspace(-1.0, 1.0, len(setup.metric_columns))
    renderer.append(0, 0, row, None)
    first = renderer.frame()
    for step in range(1, 30):
        renderer.append(0, step, row * step, None)
    assert first.shape == (360, 640, 3)
    assert (renderer.frame() != first).any()
    renderer.close()
    renderer.close()


@pytest.mark.parametrize(("id", "corners"), [("PMSM", 6), ("SixPhasePMSM", 12)])
def test_switched_voltages_lie_within_the_turning_polygons(id, corners):
    """In every plane of a replay, at each instant; the longest ones are corners, whichever way the plane turns."""
    agent = RandomAgent().tune
    stage = episode_stage(f"gem/{id}-Finite-v0", agent, seed=1, steps=12, speed=200.0)
    planes = [view for view in stage.views if view.corners is not None]
    assert len(planes) == corners // 6
    for plane in planes:
        points = np.stack([stage.values[name] for name in plane.values], axis=1)[2:]
        outline = plane.corners[2:]
        assert outline.shape == (len(points), corners, 2)
        distance = np.linalg.norm(outline - points[:, None], axis=2).min(axis=1)
        longest = np.linalg.norm(outline[0], axis=1).max()
        far = np.linalg.norm(points, axis=1) > 0.99 * longest
        assert (distance[far] < 1e-6 * longest).all()
        sides = np.roll(outline, -1, axis=1) - outline
        inward = points[:, None] - outline
        turning = sides[..., 0] * inward[..., 1] - sides[..., 1] * inward[..., 0]
        assert (turning > -1e-6 * longest**2).all()


def test_rendering_before_reset_is_an_error():
    renderer = MotorRenderer(machine(torque="N m"))
    with pytest.raises(RuntimeError, match="reset"):
        renderer.frame(0)


def test_memory_stays_bounded_over_a_long_episode():
    setup = machine(torque="N m")
    setup.horizon = None
    renderer = MotorRenderer(setup)
    row = np.array([1.0])
    tracemalloc.start()
    for step in range(20_000):
        renderer.append(0, step, row, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000
    assert renderer.frame(0).any()


def test_recording_the_reference_controller(tmp_path):
    done = record("gem/PMSM-v0", agent="pi", out=tmp_path / "run.gif", seed=1, steps=150, fps=5)
    with Image.open(done.path) as picture:
        assert picture.size == (960, 540)
        frames = list(ImageSequence.Iterator(picture))
        seconds = sum(frame.info["duration"] for frame in frames) / 1000
    assert 5.0 <= seconds <= 10.0
    assert done.steps == 150


def test_recording_names_the_nearest_agent(tmp_path):
    with pytest.raises(ValueError, match="pi"):
        record("gem/PMSM-v0", agent="ip", out=tmp_path / "run.gif")
    assert list(tmp_path.iterdir()) == []
