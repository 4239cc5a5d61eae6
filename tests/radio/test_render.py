"""Frames of a band: drawn from the state, at the asked size, different as the episode goes on."""

import gymnasium
import numpy as np


def test_frames_show_the_episode_and_never_step_it():
    env = gymnasium.make("radio/Access-v0", render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    for k in range(30):
        env.step(k % 11)
    state = env.unwrapped.get_state()["rows"]["x"]
    later = env.render()
    assert first.shape == later.shape == (540, 960, 3)
    assert first.dtype == np.uint8
    assert np.any(first != later)
    assert np.array_equal(state, env.unwrapped.get_state()["rows"]["x"])
    env.close()
    env.close()


def test_delivered_and_lost_transmissions_have_their_colours():
    env = gymnasium.make("radio/AntiJamming-v0", render_mode="rgb_array")
    env.reset(seed=0)
    for _ in range(20):
        env.step(1)
    lost = env.render()
    env.reset(seed=0)
    for k in range(20):
        env.step(1 + k % 5)
    delivered = env.render()
    red, green = np.array([213, 94, 0]), np.array([0, 158, 115])
    area = slice(60, 330)

    def count(frame, color):
        return int((np.abs(frame[area].astype(int) - color).max(axis=2) < 3).sum())

    assert count(lost, red) > 10 * max(1, count(delivered, red))
    assert count(delivered, green) > 10 * count(lost, green)


def test_every_world_of_a_vector_environment_has_its_frame():
    envs = gymnasium.make_vec("radio/Jamming-v0", num_envs=2, render_mode="rgb_array")
    envs.reset(seed=0)
    envs.step(np.array([1, 5]))
    one, two = envs.render()
    assert np.any(one != two)
    envs.close()
