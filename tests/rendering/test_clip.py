"""`record` turns an id and an agent into a file of the right length."""

import gymnasium
import numpy as np
import pytest
from PIL import Image, ImageSequence

from gym_suite.rendering import record
from gym_suite.rendering.clip import clip_timing


class Counter(gymnasium.Env):
    """Draws how often it was stepped since the reset; ends by itself after `life` steps."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012 - Gymnasium's way
    observation_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, *, life=10**9, render_mode=None):
        self.life, self.render_mode = life, render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self.np_random.uniform(-1, 1, 1).astype(np.float32), {}

    def step(self, action):
        self.count += 1
        observation = np.asarray(action, np.float32) * 0.5
        return observation, 0.0, self.count >= self.life, False, {}

    def render(self):
        frame = np.full((60, 80, 3), 255, np.uint8)
        frame.reshape(-1, 3)[: self.count] = 0
        return frame


class Echo:
    """Answers with the observation and counts how often it starts anew."""

    def __init__(self):
        self.starts = self.calls = 0

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        self.calls += 1
        self.starts += bool(episode_start)
        return observation, state


@pytest.fixture(autouse=True)
def counter_id():
    gymnasium.register("test/Counter-v0", entry_point=Counter, max_episode_steps=900)
    yield
    del gymnasium.registry["test/Counter-v0"]


def shown(path):
    """Steps since the reset that each frame shows, and seconds that the clip lasts."""
    with Image.open(path) as picture:
        counts, seconds = [], 0.0
        for read in ImageSequence.Iterator(picture):
            counts.append(int((np.asarray(read.convert("L")) < 128).sum()))
            seconds += read.info.get("duration", 0) / 1000
    return counts, seconds


def test_a_whole_episode_makes_a_clip_of_five_to_ten_seconds(tmp_path):
    agent = Echo()
    done = record("test/Counter-v0", agent=agent, out=tmp_path / "a.gif")
    counts, seconds = shown(done.path)
    assert counts[0] == 0
    assert counts[-1] == 900 == done.steps == agent.calls
    assert counts == sorted(counts)
    assert 5.0 <= seconds <= 10.0
    assert seconds == pytest.approx(done.frames / done.fps)


@pytest.mark.parametrize("life", [40, 100, 333])
def test_an_early_end_makes_a_clip_of_five_to_ten_seconds_too(tmp_path, life):
    done = record("test/Counter-v0", agent=Echo(), out=tmp_path / "a.gif", life=life)
    counts, seconds = shown(done.path)
    assert counts[-1] == life == done.steps
    assert 5.0 <= seconds <= 10.0


@pytest.mark.parametrize("steps", [*range(1, 40), 100, 150, 151, 225, 226, 2000, 6000, 10**6])
def test_clips_last_five_to_ten_seconds(steps):
    stride, fps = clip_timing(steps)
    seconds = (1 + np.ceil(steps / stride)) / fps
    assert seconds <= 10.0
    assert seconds >= (5.0 if steps >= 9 else 1.0)


def test_several_episodes_start_the_agent_anew(tmp_path):
    agent = Echo()
    done = record("test/Counter-v0", agent=agent, out=tmp_path / "a.gif", steps=95, life=30)
    counts, _ = shown(done.path)
    assert agent.starts == 4
    assert agent.calls == done.steps == 95
    assert max(counts) == 30
    assert counts[-1] == 5


def test_still_picture_shows_the_last_step(tmp_path):
    done = record("test/Counter-v0", agent=Echo(), out=tmp_path / "a.png", steps=77)
    assert shown(done.path)[0] == [77]
    assert done.frames == 1


def test_frame_rate_is_kept(tmp_path):
    done = record("test/Counter-v0", agent=lambda env: Echo(), out=tmp_path / "a.gif", fps=10)
    counts, seconds = shown(done.path)
    assert seconds / len(counts) == pytest.approx(0.1)
    assert 5.0 <= seconds <= 10.0


class Tuned(Echo):
    """Made by `for_env` alone."""

    @classmethod
    def for_env(cls, env):
        assert env.action_space.shape == (1,)
        return cls()


class Built(Echo):
    """Takes the env when it is made."""

    def __init__(self, env):
        super().__init__()
        assert env.action_space.shape == (1,)


@pytest.mark.parametrize("agent", [Tuned, Built, lambda env: Echo(), Echo()])
def test_agents_come_as_classes_functions_or_objects(tmp_path, agent):
    assert record("test/Counter-v0", agent=agent, out=tmp_path / "a.png", steps=9).steps == 9


def test_bad_input_is_told_before_anything_runs(tmp_path):
    agent = Echo()
    with pytest.raises(ValueError, match=r"\.png"):
        record("test/Counter-v0", agent=agent, out=tmp_path / "a.bmp")
    with pytest.raises(FileNotFoundError):
        record("test/Counter-v0", agent=agent, out=tmp_path / "no" / "a.gif")
    with pytest.raises(ValueError, match="steps="):
        record("test/Counter-v0", agent=agent, out=tmp_path / "a.gif", steps=0)
    with pytest.raises(ValueError, match="predict"):
        record("test/Counter-v0", agent=3, out=tmp_path / "a.gif")
    assert agent.calls == 0
    assert list(tmp_path.iterdir()) == []
