"""Frames of a band: drawn from the state, at the asked size, different as the episode goes on."""

import gymnasium
import numpy as np

import gym_suite


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


def test_the_waterfall_shows_the_samples():
    """A tone lights its bins alone; where nobody sends there is the thermal noise."""
    from gym_suite.radio.render import spectrum

    tone = {"kind": "constant", "channels": [2], "snr": 30.0, "waveform": "tone"}
    env = gymnasium.make(
        "radio/Access-v0",
        scenario={"channels": 4, "steps": 50, "entities": {"tone": tone}},
        physics="iq",
        samples=512,
        render_mode="rgb_array",
    )
    env.reset(seed=0)
    empty = env.render()
    for k in range(40):
        env.step(1 if k % 2 else 0)
    full = env.render()
    assert full.shape == (540, 960, 3)
    changed = np.any(full != empty, axis=2)
    assert changed[80:330, 60:460].any()  # the map
    assert changed[80:330, 640:880].any()  # the waterfall
    heard = spectrum(env.unwrapped.iq(agent=False), 16) / spectrum(env.unwrapped.iq(), 16).min()
    assert heard.argmax() == 2 * 16 + 8
    flat = np.concatenate([heard[:28], heard[46:]])
    assert flat.max() < 6.0 * flat.min()
    env.close()


def test_white_noise_of_unit_power_has_a_flat_spectrum_of_one():
    from gym_suite.radio.render import spectrum

    pair = np.random.default_rng(0).standard_normal((2, 3, 40_000)) / np.sqrt(2.0)
    found = spectrum(pair[0] + 1j * pair[1], 8)
    assert found.shape == (24,)
    assert np.abs(found - 1.0).max() < 0.06


def test_a_band_in_letters():
    env = gymnasium.make(
        "radio/Access-v0",
        scenario={
            "channels": 3,
            "steps": 50,
            "entities": {
                "a": {"kind": "constant", "channels": [0]},
                "b": {"kind": "hopper", "channels": [0, 1]},
            },
        },
        render_mode="ansi",
    )
    env.reset(seed=0)
    for action in (1, 3, 0):
        env.step(action)
    lines = env.render().splitlines()
    assert lines[0] == "radio/Access-v0  step 3  reward +0"
    assert lines[1:4] == ["   2 ..O.", "   1 .2.2", "   0 *X*1"]


def test_roc_curves_are_drawn():
    from gym_suite.radio.montecarlo import receiver_operating_characteristic
    from gym_suite.radio.render import roc_figure

    curve = receiver_operating_characteristic(-5.0, 50, trials=50, physics="statistical")
    picture = roc_figure({"-5 dB": curve}, size=(400, 300))
    assert picture.shape == (300, 400, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


def test_a_game_is_drawn_too():
    env = gym_suite.parallel_env("radio/JammingGame-v0", render_mode="rgb_array")
    env.reset(seed=0)
    for k in range(12):
        env.step(dict.fromkeys(env.agents, 1 + k % 3))
    assert env.render().shape == (540, 960, 3)
    env.close()


def test_the_legend_names_what_can_be_in_the_band():
    """A jammer where one is, a hit where the agent jams, a bad channel where the band is a chain."""
    from gym_suite.radio.render import RadioRenderer

    def names(id, **keywords):
        setup = gymnasium.make(id, **keywords).unwrapped.setup
        return [name for name, _ in RadioRenderer(setup)._legend]

    assert names("radio/AntiJamming-v0")[0] == "idle" and "jammer" in names("radio/AntiJamming-v0")
    assert "jammer" not in names("radio/Access-v0") and "user" in names("radio/Access-v0")
    assert names("radio/Jamming-v0")[-2:] == ["agent: hit", "agent: missed"]
    assert "bad channel" in names("radio/GilbertElliott-v0")
    alone = {"channels": 4, "steps": 50, "entities": {"one": {"kind": "constant", "channels": [2]}}}
    assert "several" not in names("radio/Access-v0", scenario=alone)
