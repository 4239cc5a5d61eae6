"""PPO after imitation: without rounds it is PPO, with them it becomes its teacher before it sees a reward."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.learning import load_policy, make_sb3_vec, train
from gym_suite.learning.imitation import dagger_ppo

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")

SMALL = {"n_steps": 32, "batch_size": 32, "n_epochs": 2, "seed": 5, "device": "cpu"}


class Swing:
    """A teacher of Pendulum whose answers are a linear map of the observation."""

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.clip(observation @ np.array([[0.5], [-1.0], [-0.1]]), -2.0, 2.0), state


def pendulums(*, normalize=False, rows=2):
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1", max_episode_steps=20)] * rows)
    return VecNormalize(env) if normalize else env


def parameters_of(model):
    return {name: value.clone() for name, value in model.policy.state_dict().items()}


def pupil(env, **keywords):
    given = {"rounds": 3, "round_steps": 100, "fits": 400, "fit_batch": 64} | keywords
    return dagger_ppo()("MlpPolicy", env, teacher=Swing(), **given, **SMALL)


@pytest.mark.parametrize("normalize", [False, True])
def test_without_rounds_it_is_ppo_bit_for_bit(normalize):
    plain = sb3.PPO("MlpPolicy", pendulums(normalize=normalize), **SMALL).learn(320)
    other = pupil(pendulums(normalize=normalize), rounds=0, critic_rollouts=4).learn(320)
    expected, got = parameters_of(plain), parameters_of(other)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)


@pytest.mark.parametrize("normalize", [False, True])
def test_after_the_rounds_it_does_what_its_teacher_does(normalize):
    env = pendulums(normalize=normalize)
    model = pupil(env).learn(600)  # 3 rounds of 100 steps in 2 rows: no PPO yet
    assert model.num_timesteps == 600 and not model.imitating
    rows = np.stack([gymnasium.make("Pendulum-v1").reset(seed=s)[0] for s in range(50)])
    wanted, _ = Swing().predict(rows)
    seen = env.normalize_obs(rows) if normalize else rows
    answers, _ = model.predict(seen, deterministic=True)
    assert np.abs(answers - wanted).mean() < 0.1 * np.abs(wanted).mean()


def test_of_several_observations_the_teacher_is_shown_the_newest():
    """The pendulum's observation three times over; shown the oldest, the pupil would be one of two steps ago."""
    from stable_baselines3.common.vec_env import VecFrameStack

    model = pupil(VecFrameStack(pendulums(), 3), seen=3).learn(600)
    rows = np.stack([gymnasium.make("Pendulum-v1").reset(seed=s)[0] for s in range(50)])
    old = rows * np.array([1.0, -1.0, 1.0])  # the other side of the vertical
    answers, _ = model.predict(np.hstack([old, old, rows]), deterministic=True)
    wanted, _ = Swing().predict(rows)
    assert np.abs(answers - wanted).mean() < np.abs(answers - Swing().predict(old)[0]).mean()


def test_the_first_round_is_the_teachers_and_the_others_are_the_pupils():
    model = pupil(pendulums(), rounds=2, round_steps=5, fits=1)
    taken = []
    inner = model.env.step_async
    model.env.step_async = lambda actions: (taken.append(np.array(actions)), inner(actions))
    states = []
    fit = model._fit
    model._fit = lambda: (
        states.append(model._answers[: model._count].reshape(-1, 2, 1).copy()),
        fit(),
    )
    model.learn(20)
    np.testing.assert_allclose(taken[:5], states[0])
    assert states[1].shape == (10, 2, 1)  # all that was answered so far
    assert np.abs(np.array(taken[5:]) - states[1][5:]).max() > 0.01


@pytest.mark.parametrize("told", [True, False])
def test_a_teacher_is_told_what_its_pupil_did_where_it_is_to_be(told):
    class Remembering(Swing):
        told = ()

        def overruled(self, state, answer, action):
            self.told = (*self.told, (answer, action))
            return state

    model = pupil(pendulums(), rounds=2, round_steps=5, fits=1, told=told)
    model.teacher = Remembering()
    taken = []
    inner = model.env.step_async
    model.env.step_async = lambda actions: (taken.append(np.array(actions)), inner(actions))
    model.learn(20)
    if not told:
        assert not model.teacher.told
        return
    answers, actions = (np.array(each) for each in zip(*model.teacher.told, strict=True))
    np.testing.assert_array_equal(actions, taken[5:])
    assert answers.shape == actions.shape and np.abs(answers - actions).max() > 0.01


def test_at_first_only_the_critic_learns_from_the_reward():
    model = pupil(pendulums(), rounds=1, round_steps=5, fits=1, critic_rollouts=2)
    model.learn(10)
    before = parameters_of(model)
    model.learn(2 * 64, reset_num_timesteps=False)
    after = parameters_of(model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("value_net" in name for name in moved)
    assert not any("policy_net" in name or "action_net" in name for name in moved)
    model.learn(64, reset_num_timesteps=False)
    later = parameters_of(model)
    assert any(not torch.equal(after[n], later[n]) for n in after if "action_net" in n)


def test_saved_models_go_on(tmp_path):
    model = pupil(pendulums(), rounds=1, round_steps=5, fits=1).learn(80)
    model.save(tmp_path / "model.zip")
    again = dagger_ppo().load(tmp_path / "model.zip", env=pendulums())
    assert not again.imitating
    again.learn(64, reset_num_timesteps=False)
    early = pupil(pendulums(), rounds=2, round_steps=5, fits=1).learn(10)
    early.save(tmp_path / "early.zip")
    again = dagger_ppo().load(tmp_path / "early.zip", env=pendulums())
    with pytest.raises(ValueError, match="need a teacher"):
        again.learn(64, reset_num_timesteps=False)


@pytest.mark.parametrize(
    ("id", "scores"), [("gem/PMSM-v0", "error"), ("radio/Access-v0", "episode_return")]
)
def test_training_by_name_gives_policies_that_act_like_the_reference(id, scores, tmp_path):
    """Continuous actions and choices; imitation alone."""
    settings = {
        "rows": 32, "rollout": 32, "batch": 256, "evaluations": 1, "rounds": 3, "round_steps": 100,
        "fits": 300, "fit_batch": 256, "network": [64, 64],
    }  # fmt: skip
    steps = 3 * 100 * 32
    result = train(id, algo="ppo-dagger", seeds=1, steps=steps, settings=settings, out=tmp_path)
    policy = load_policy(tmp_path / "ppo-dagger-0.npz", id)
    envs = make_sb3_vec(id, 64, seed=7)
    teacher = gym_suite.make_controller(envs.envs)
    observation, answers, wanted = envs.reset(), [], []
    memory, start = None, np.ones(64, bool)
    for _ in range(20):
        action, memory = teacher.predict(observation, memory, start, deterministic=True)
        answers.append(policy.predict(observation)[0])
        wanted.append(action)
        observation, _, start, _ = envs.step(action)
    answers, wanted = np.array(answers), np.array(wanted)
    if wanted.dtype.kind in "iu":
        assert (answers == wanted).mean() > 0.5
    else:
        assert np.abs(answers - wanted).mean() < 0.1
    score, reference = (getattr(s, scores) for s in (result.runs[0].score, result.reference_score))
    assert abs(score - reference) < max(0.5 * abs(reference), 0.05)


def test_an_unknown_teacher_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'pi'"):
        train("gem/PMSM-v0", algo="ppo-dagger", settings={"teacher": "pid1"}, out=tmp_path)
    with pytest.raises(ValueError, match="teacher must be a name"):
        train("gem/PMSM-v0", algo="ppo-dagger", settings={"teacher": 3}, out=tmp_path)
