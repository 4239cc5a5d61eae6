"""Updates that cost less are Stable-Baselines3's own, bit for bit, and its layer Tanh is a hyperbolic tangent."""

import gymnasium
import numpy as np
import pytest

from gym_suite.learning import make_sb3_vec
from gym_suite.learning.settings import settings_for
from gym_suite.learning.updates import lean_ppo, tanh_layer

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")

SMALL = {"n_steps": 16, "batch_size": 32, "n_epochs": 3, "seed": 3, "device": "cpu"}


def carts(id):
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    return DummyVecEnv([lambda: Monitor(gymnasium.make(id, max_episode_steps=20))] * 4)


def learned(cls, make, *, held=False, **keywords):
    """A trained model; with ``held`` the spread stays as it is, as in every training of this package."""
    model = cls("MlpPolicy", make(), **SMALL | keywords)
    if held:
        model.policy.log_std.requires_grad_(False)
    return model.learn(256)


def assert_same(one, other):
    expected, got = one.policy.state_dict(), other.policy.state_dict()
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    assert [e["r"] for e in one.ep_info_buffer] == [e["r"] for e in other.ep_info_buffer]
    assert len(one.ep_info_buffer) > 0


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        ("Pendulum-v1", {"held": True, "vf_coef": 0.7, "policy_kwargs": {"log_std_init": -1.0}}),
        ("Pendulum-v1", {"ent_coef": 0.01}),
        ("Pendulum-v1", {"use_sde": True, "sde_sample_freq": 4}),
        ("Pendulum-v1", {"held": True, "normalize_advantage": False, "clip_range": 0.01}),
        ("Pendulum-v1", {"held": True, "target_kl": 1e-4}),
        ("CartPole-v1", {"ent_coef": 0.01, "max_grad_norm": 0.05}),
    ],
)
def test_updates_are_those_of_stable_baselines3_bit_for_bit(id, keywords):
    plain = learned(sb3.PPO, lambda: carts(id), **keywords)
    lean = learned(lean_ppo(), lambda: carts(id), **keywords)
    assert_same(plain, lean)


def test_rows_of_an_id_give_the_same_updates_and_episodes():
    def rows():
        return make_sb3_vec("gem/PMSM-v0", 8, metrics=False, max_episode_steps=10)

    assert_same(
        learned(sb3.PPO, rows, held=True),
        learned(lean_ppo(), rows, held=True),
    )


def test_tanh_is_the_hyperbolic_tangent_and_so_is_its_slope():
    x = torch.linspace(-12.0, 12.0, 20_001, requires_grad=True)
    y = tanh_layer()()(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    exact = np.tanh(x.detach().double().numpy())
    assert np.abs(y.detach().numpy() - exact).max() < 2.4e-7
    assert np.abs(slope.numpy() - (1.0 - exact**2)).max() < 5e-7
    assert y.abs().max() <= 1.0


@pytest.mark.parametrize("algo", ["ppo", "td3", "sac"])
def test_a_model_is_saved_and_loaded_with_its_layers_and_optimiser(tmp_path, algo):
    small = {"rows": 8, "batch": 32, "network": [8], "activation": "tanh"}
    small |= {"rollout": 8} if algo == "ppo" else {"learning_starts": 16, "buffer": 1000}
    settings = settings_for("gem/PMSM-v0", algo, steps=128, overrides=small)
    model = settings.build(make_sb3_vec("gem/PMSM-v0", 8, metrics=False), 0).learn(128)
    model.save(tmp_path / "model.zip")
    loaded = type(model).load(tmp_path / "model.zip", device="cpu")
    observation = model.get_env().reset()
    assert np.array_equal(
        model.predict(observation, deterministic=True)[0],
        loaded.predict(observation, deterministic=True)[0],
    )
    optimiser = getattr(loaded.policy, "optimizer", None) or loaded.policy.actor.optimizer
    assert optimiser.defaults["fused"] and optimiser.defaults["eps"] == settings.adam_epsilon
