"""Cameras: geometry against what is known of the scene, forms of the observation, errors."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import gym_suite

pytestmark = pytest.mark.bullet
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}


def look(state=None, **keywords):
    given = (
        {"observation": ("rgb", "depth", "segmentation"), "image_size": (65, 49)} | STILL | keywords
    )
    env = gymnasium.make("drones/Hover-v0", engine="bullet", **given)
    observation, _ = env.reset(seed=0, options={"state": state or {}})
    env.close()
    return observation


def test_depth_is_the_distance_along_the_axis():
    seen = look()
    # Level at 1 m: the red post's face, 3.0 - 0.12 m ahead of the middle, 0.06 m behind the camera's place.
    assert seen["depth"][24, 32, 0] == pytest.approx(3.0 - 0.12 - 0.06, rel=1e-3)
    assert seen["segmentation"][24, 32, 0] == 2
    red = seen["rgb"][24, 32].astype(int)
    assert red[0] > 2 * max(red[1], red[2])
    # The floor through the lowest row: depth z with 1 = z tan(angle below the axis).
    focal = 24.5 / np.tan(0.5)
    rows = np.arange(44, 49)
    expected = focal / (rows - 24.0)
    np.testing.assert_allclose(seen["depth"][rows, 2, 0], expected, rtol=0.03)
    assert (seen["segmentation"][rows, 2] == 1).all()
    assert (seen["segmentation"][0] == 0).all()  # the sky
    assert seen["depth"][0].min() == pytest.approx(20.0, rel=1e-3)


def test_the_camera_turns_with_the_drone():
    quarter = {"quaternion_z": np.sqrt(0.5), "quaternion_w": np.sqrt(0.5)}
    green = look(quarter)["rgb"][24, 32].astype(int)
    assert green[1] > 1.5 * max(green[0], green[2])  # the post on the left
    rolled = look({"quaternion_x": np.sqrt(0.5), "quaternion_w": np.sqrt(0.5)})
    floor = rolled["segmentation"][:, :, 0] == 1
    # Rolled to the right by 90 degrees: the floor is on its right.
    assert floor[:, 40:].sum() > 5 * floor[:, :20].sum()
    down = look({"quaternion_y": np.sqrt(0.5), "quaternion_w": np.sqrt(0.5)})
    assert (down["segmentation"] == 1).all()
    np.testing.assert_allclose(down["depth"], 1.0 - 0.06, rtol=1e-3)


def test_drones_see_each_other_by_number():
    env = gymnasium.make(
        "drones/MultiHover-v0",
        engine="bullet",
        observation="segmentation",
        image_size=(64, 48),
        **STILL,
    )
    observation, _ = env.reset(seed=0)
    env.close()
    assert observation.shape == (48, 128, 1)  # both, side by side
    # drone 0 is in front and looks away from drone 1, which sees it
    assert 4 not in observation[:, :64] and 3 in observation[:, 64:]


@pytest.mark.parametrize(
    ("observation", "kind"),
    [("rgb", np.uint8), ("depth", np.float32), ("segmentation", np.uint8)],
)
def test_one_picture_alone_is_a_box(observation, kind):
    env = gymnasium.make(
        "drones/Hover-v0", engine="bullet", observation=observation, image_size=(20, 10)
    )
    seen, _ = env.reset(seed=0)
    assert seen.dtype == kind and seen.shape == (10, 20, 3 if observation == "rgb" else 1)
    assert env.observation_space.contains(seen)
    seen, *_ = env.step(np.zeros(4))
    assert env.observation_space.contains(seen)
    env.close()


def test_controllers_read_the_columns_of_a_dict():
    env = gymnasium.make("drones/Hover-v0", engine="bullet", observation=("state", "rgb"))
    plain = gymnasium.make("drones/Hover-v0", engine="bullet")
    for name in ("geometric", "zero", "random"):
        seen, _ = env.reset(seed=0)
        columns, _ = plain.reset(seed=0)
        np.testing.assert_array_equal(seen["state"], columns)
        one, _ = gym_suite.make_controller(env, name).predict(seen)
        other, _ = gym_suite.make_controller(plain, name).predict(columns)
        np.testing.assert_array_equal(one, other)
    env.close()
    plain.close()


def test_pictures_change_no_flight():
    plain = gymnasium.make("drones/Hover-v0", engine="bullet")
    seeing = gymnasium.make("drones/Hover-v0", engine="bullet", observation=("state", "depth"))
    plain.reset(seed=3)
    seeing.reset(seed=3)
    for _ in range(100):  # down to the floor and along it
        one, other = plain.step(-np.ones(4)), seeing.step(-np.ones(4))
        np.testing.assert_array_equal(one[0], other[0]["state"])
    plain.close()
    seeing.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"engine": "compiled", "observation": "rgb"}, "needs engine='bullet'"),
        ({"engine": "compiled", "observation": ("state", "depth")}, "needs engine='bullet'"),
        ({"observation": "rgbd"}, "'rgb'"),
        ({"observation": ()}, "observation is empty"),
        ({"observation": "rgb", "image_size": (64, 0)}, "image_size, height"),
        ({"observation": "rgb", "image_size": 64}, "width, height"),
        ({"observation": "rgb", "field_of_view": 4.0}, "field_of_view"),
    ],
)
def test_bad_cameras_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("drones/Hover-v0", **({"engine": "bullet"} | keywords))


def test_nothing_is_printed_when_pybullet_is_imported():
    code = "from gym_suite.drones.bullet import load_pybullet as f; f(); import sys; print('x', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "x\n")
