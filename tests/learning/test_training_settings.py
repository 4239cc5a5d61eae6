"""Hyper-parameters are data: every entry builds a model, and a wrong one is refused by name."""

import gymnasium
import numpy as np
import pytest

from gym_suite.learning import make_sb3_vec
from gym_suite.learning.methods import ALGORITHMS
from gym_suite.learning.settings import _data, settings_for

ENTRIES = [(id, algo) for id, algos in _data().items() for algo in algos if algo in ALGORITHMS]
CLASSES = {
    "ppo": "LeanPPO",
    "ppo-nominal": "LeanPPO",
    "sac": "SAC",
    "ddpg": "DDPG",
    "td3": "TD3",
    "ppo-rnd": "BonusPPO",
    "ppo-count": "BonusPPO",
    "ppo-dagger": "DaggerPPO",
}


@pytest.mark.parametrize(("id", "algo"), ENTRIES)
def test_every_entry_builds_a_model_with_its_values(id, algo):
    from stable_baselines3.common.vec_env import DummyVecEnv

    settings = settings_for(id, algo)
    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * settings.rows)
    if algo == "ppo-dagger":  # there has to be a teacher
        keywords = {"engine": "compiled"} if id.startswith("drones/") else {}
        env = make_sb3_vec("gem/PMSM-v0" if id == "default" else id, settings.rows, **keywords)
    named = {*settings.visited, *getattr(settings, "novelty", ())}
    if named:
        env.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (len(named),))
        env.observation_space.origin = {"columns": tuple(named)}
    model = settings.build(env, seed=3)
    assert type(model).__name__ == CLASSES[algo]
    assert model.gamma == settings.discount
    assert model.batch_size == settings.batch
    assert model.lr_schedule(1.0) == pytest.approx(settings.learning_rate)
    assert model.lr_schedule(0.0) == pytest.approx(settings.learning_rate_final)
    assert model.seed == 3


def test_noise_that_lasts_is_drawn_anew_after_its_steps():
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * 64)
    model = settings_for("default", "ppo", overrides={"noise_steps": 4}).build(env, seed=3)
    assert model.use_sde and model.sde_sample_freq == 4
    model = settings_for("default", "ppo").build(env, seed=3)
    assert not model.use_sde


@pytest.mark.parametrize("algo", ["ddpg", "td3"])
@pytest.mark.parametrize("time", [1.0, 4.0, 25.0])
def test_deterministic_methods_explore_by_a_process_of_the_spread_and_the_memory_asked_for(
    algo, time
):
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * 2)
    wanted = {"noise_std": 0.3, "noise_time": time}
    model = settings_for("default", algo, overrides=wanted).build(env, seed=3)
    drawn = np.array([model.action_noise().ravel() for _ in range(40_000)])
    assert drawn.std(axis=0) == pytest.approx([0.3, 0.3], rel=0.07)
    after = [np.corrcoef(row[:-1], row[1:])[0, 1] for row in drawn.T]
    assert after == pytest.approx([1.0 - 1.0 / time] * 2, abs=0.02)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1  # each row goes its own way


def test_what_td3_adds_to_ddpg_are_its_own_numbers():
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")] * 2)
    added = {"policy_delay": 3, "target_noise": 0.15, "target_clip": 0.4}
    model = settings_for("default", "td3", overrides=added).build(env, seed=3)
    found = model.policy_delay, model.target_policy_noise, model.target_noise_clip
    assert found == (3, 0.15, 0.4)


def test_an_algorithm_built_on_another_keeps_its_own_values_under_an_ids_entry():
    pupil = settings_for("drones/Hover-v0", "ppo-dagger")
    assert pupil.log_std == settings_for("default", "ppo-dagger").log_std
    assert pupil.discount == settings_for("drones/Hover-v0", "ppo").discount


def test_an_id_without_an_entry_gets_the_default_one():
    assert settings_for("no/Such-v0", "ppo") == settings_for("default", "ppo")
    assert settings_for("no/Such-v0", "ppo", steps=123).steps == 123
    assert settings_for("no/Such-v0", "sac", overrides={"batch": 7}).batch == 7


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"discout": 0.9}, "Did you mean 'discount'"),
        ({"discount": 1.5}, "discount"),
        ({"discount": float("nan")}, "discount"),
        ({"rows": 0}, "rows"),
        ({"rows": 2.5}, "rows"),
        ({"rows": True}, "rows"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"activation": "tan"}, "Did you mean 'tanh'"),
        ({"network": [64, 0]}, "network"),
        ({"network": 64}, "network"),
        ({"rollout": -4}, "rollout"),
        ({"steps": 0}, "steps"),
        ({"noise_steps": -1}, "noise_steps"),
        ({"time_limit": 1.5}, "time_limit"),
        ({"rows": 60, "rollout": 60, "batch": 1000}, "rows x rollout must be a multiple of batch"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(overrides, reason):
    with pytest.raises(ValueError, match=reason):
        settings_for("default", "ppo", overrides=overrides)


def test_an_unknown_algorithm_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'ppo'"):
        settings_for("default", "ppo2")


def test_a_pattern_stands_in_where_an_id_has_no_entry_for_an_algorithm():
    numbers = {
        id: (settings.discount, settings.history)
        for id in ("gem/EESM-v0", "gem/SynRM-Speed-Finite-v0", "gem/SeriesDc-Speed-v0")
        for settings in [settings_for(id, "ppo")]
    }
    slow = (0.97, 5)
    assert numbers == {
        "gem/EESM-v0": (0.85, 5),
        "gem/SynRM-Speed-Finite-v0": slow,
        "gem/SeriesDc-Speed-v0": slow,  # which has entries, but of other algorithms
    }
    # An entry of its own is laid over the default alone.
    assert settings_for("gem/PMSM-DriveCycle-v0", "ppo").history == 3
    assert settings_for("drones/Waypoints-v0", "ppo") == settings_for("agv/Dock-v0", "ppo")
