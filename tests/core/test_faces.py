"""What the faces of an environment say of themselves and refuse, alike for one world, many, and several agents."""

import gymnasium
import numpy as np
import pytest

import gym_suite

ONE, SEVERAL = "radio/GilbertElliott-v0", "agv/Fleet-v0"
FACES = {
    "many": lambda **keywords: gymnasium.make_vec(ONE, num_envs=2, **keywords),
    "several": lambda **keywords: gym_suite.parallel_env(SEVERAL, **keywords),
}


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("steps", [0, -1, 2.5, "4", True, float("nan")])
def test_a_time_limit_is_a_whole_number(face, steps):
    with pytest.raises(ValueError, match="max_episode_steps must be a whole number of at least 1"):
        FACES[face](max_episode_steps=steps)


@pytest.mark.parametrize("face", FACES)
def test_a_numpy_number_is_a_limit_and_the_shorter_one_counts(face):
    env = FACES[face](max_episode_steps=np.int64(3))
    env.reset(seed=0)
    for step in range(1, 4):
        if face == "many":
            truncated = env.step(env.action_space.sample())[3].all()
        else:
            env.step({agent: env.action_space(agent).sample() for agent in env.agents})
            truncated = not env.agents
        assert truncated == (step == 3)


@pytest.mark.parametrize("face", [*FACES, "one"])
def test_reset_options_are_a_mapping(face):
    env = gymnasium.make(ONE).unwrapped if face == "one" else FACES[face]()
    with pytest.raises(ValueError, match=r"reset options must be a mapping by name, got \[1\]"):
        env.reset(seed=0, options=[1])


def test_a_video_of_several_agents_plays_as_fast_as_it_happened():
    env = FACES["several"](render_mode="rgb_array")
    assert env.metadata["render_fps"] == round(1.0 / env.dt) == 10


def test_worlds_that_do_not_fit_into_memory_are_counted():
    with pytest.raises(MemoryError, match="num_envs=1000000000000 worlds of gem/PMSM-v0 do not"):
        gymnasium.make_vec("gem/PMSM-v0", num_envs=10**12)
