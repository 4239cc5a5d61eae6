"""Pictures need no display, follow the state, and leave it alone."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv.render import heat_map, value_map


def test_a_floor_plan_shows_walls_and_vehicle():
    env = gymnasium.make("agv/SimpleStatic-v0", render_mode="rgb_array", moving_obstacles=2)
    env.reset(seed=0)
    first = env.render()
    assert first.shape == (540, 960, 3) and first.dtype == np.uint8
    for _ in range(10):
        env.step([0.0, 1.0])
    second = env.render()
    assert (first != second).any()
    blue = (np.abs(second.astype(int) - (0x00, 0x72, 0xB2)).sum(axis=2) < 20).sum()
    assert blue > 100  # the vehicle


def test_a_planned_path_is_drawn_until_the_next_reset():
    env = gymnasium.make("agv/SimpleStatic-v0", render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    before = env.render()
    env._renderer.show_path([(1.0, 1.0), (10.0, 10.0)])
    assert (env.render() != before).any()
    with pytest.raises(ValueError, match="shape"):
        env._renderer.show_path([1.0, 2.0])
    env.reset(seed=0)
    assert (env.render() == before).all()


def test_fleets_and_other_layouts():
    env = gym_suite.parallel_env("agv/Fleet-v0", render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().std() > 5
    halls = {"kind": "procedural", "seeds": (0, 4)}
    env = gymnasium.make("agv/SimpleStatic-v0", layout=halls, render_mode="rgb_array")
    pictures = []
    for seed in range(6):
        env.reset(seed=seed)
        pictures.append(env.render())
    assert len({picture.tobytes() for picture in pictures}) == 6


def test_heat_map():
    setup = gymnasium.make("agv/SimpleStatic-v0").unwrapped.setup
    generator = np.random.default_rng(0)
    picture = heat_map(setup, *generator.uniform(1, 4, (2, 500)))
    assert picture.shape == (540, 960, 3)
    assert (picture != heat_map(setup, [], [])).any()
    with pytest.raises(ValueError, match="shape"):
        heat_map(setup, [1.0], [1.0, 2.0])


def test_value_map():
    setup = gymnasium.make("agv/SimpleStatic-v0").unwrapped.setup
    values = np.linspace(0.1, 0.5, 23 * 24).reshape(23, 24)
    picture = value_map(setup, values, label="bonus", text="after 10 steps")
    assert picture.shape == (540, 960, 3)
    assert (picture != value_map(setup, values[::-1], label="bonus", text="after 10 steps")).any()
    unknown = np.where(values < 0.3, np.nan, values)
    assert (picture != value_map(setup, unknown, label="bonus")).any()
    with pytest.raises(ValueError, match="shape"):
        value_map(setup, values.T, label="bonus")
    with pytest.raises(ValueError, match="positive"):
        value_map(setup, values - 0.1, label="bonus")


def test_a_fleet_has_colours():
    env = gym_suite.parallel_env("agv/Fleet-v0", render_mode="rgb_array", agents=4)
    env.reset(seed=0)
    frame = env.render().astype(int)
    for color in ((0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00), (0xCC, 0x79, 0xA7), (0x00, 0x9E, 0x73)):
        assert (np.abs(frame - color).sum(axis=2) < 20).sum() > 100, color
