"""The learner on JAX: the same settings and records, policies that act as its networks do, words for what it lacks."""

import json
import sys
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest

from gym_suite.learning import export_policy, load_policy, train
from gym_suite.learning.learner import make_rows
from gym_suite.learning.learners import build, set_log_std
from gym_suite.learning.records import read_curves
from gym_suite.learning.settings import settings_for

ID = "gem/PMSM-v0"
CHOICES = "radio/Access-v0"
PPO = {"rows": 8, "rollout": 32, "batch": 128, "epochs": 1, "evaluations": 2, "network": [8]}
SAC = {"rows": 4, "batch": 16, "learning_starts": 64, "buffer": 1000, "network": [8, 8]}
SMALL = {"ppo": PPO, "ppo-nominal": PPO, "sac": SAC | {"evaluations": 2}}
needs_sbx = pytest.mark.skipif(find_spec("sbx") is None, reason="needs the extra jax")


def training(folder, algo="ppo", id=ID, settings=None, **keywords):
    chosen = SMALL[algo] | (settings or {})
    return train(
        id, **({"algo": algo, "learner": "sbx", "seeds": 1, "steps": 600} | keywords), settings=chosen, out=folder
    )  # fmt: skip


def arrays(run):
    return load_policy(run.path)._arrays


def written(model, id, path):
    setup = gymnasium.make(id).unwrapped.setup
    return export_policy(
        model,
        path,
        id=id,
        training_seed=3,
        observation_columns=setup.observation_columns.names,
        action_columns=setup.action_columns.names,
    )


@pytest.mark.parametrize("algo", ["ppo-rnd", "ppo-count", "ppo-dagger"])
def test_methods_that_it_lacks_are_refused_by_name(algo, tmp_path):
    words = f"learner 'sbx' has ppo, ppo-nominal, sac, not {algo}: train it with learner 'sb3'"
    with pytest.raises(ValueError, match=words):
        train("agv/SimpleStatic-v0", algo=algo, learner="sbx", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_else_it_lacks_is_said(tmp_path):
    with pytest.raises(ValueError, match="noise_steps must be 0, got 4"):
        training(tmp_path / "out", settings={"noise_steps": 4})
    with pytest.raises(ValueError, match="Did you mean 'sbx'"):
        training(tmp_path / "out", learner="sbz")
    assert not (tmp_path / "out").exists()


def test_without_the_extra_the_line_that_installs_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sbx", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"needs Stable-Baselines Jax: pip install .*\[jax\]"
    ):
        training(tmp_path / "out")


@needs_sbx
@pytest.mark.parametrize(
    ("algo", "id", "more"),
    [
        ("ppo", ID, {"history": 3, "activation": "relu", "network": [8, 4]}),
        ("ppo", CHOICES, {"randomise": {}}),
        ("sac", ID, {"history": 2, "activation": "tanh"}),
    ],
)
def test_the_exported_policy_acts_as_the_network_does(algo, id, more, tmp_path):
    settings = settings_for(id, algo, steps=600, overrides=SMALL[algo] | more)
    env = make_rows(id, settings, {})
    model = build("sbx", settings, env, seed=3)
    model.learn(600)
    observed = env.unwrapped.observation_space.shape[0]
    policy = written(model, id, tmp_path / "policy.npz")
    rng = np.random.default_rng(0)
    state, stack = None, np.zeros((40, observed * settings.history), np.float32)
    for step in range(2 * settings.history):
        row = rng.uniform(-2.0, 2.0, (40, observed)).astype(np.float32)
        stack = np.concatenate([stack[:, observed:], row], axis=1)
        seen = env.normalize_obs(stack) if settings.normalize else stack
        expected, _ = model.predict(seen, deterministic=True)
        actions, state = policy.predict(row, state, np.full(40, step == 0))
        np.testing.assert_allclose(actions, expected, rtol=0, atol=1e-5)
    env.close()


@needs_sbx
def test_the_spread_of_stochastic_actions_is_that_of_the_network(tmp_path):
    settings = settings_for(ID, "sac", steps=600, overrides=SMALL["sac"] | {"normalize": False})
    env = make_rows(ID, settings, {})
    model = build("sbx", settings, env, seed=3)
    model.learn(600)
    policy = written(model, ID, tmp_path / "policy.npz")
    row = np.tile(np.full(env.observation_space.shape, 0.3, np.float32), (20_000, 1))
    theirs, _ = model.predict(row, deterministic=False)
    ours, _ = policy.predict(row, deterministic=False)
    for share in (0.1, 0.5, 0.9):
        found, expected = (np.quantile(a, share, axis=0) for a in (ours, theirs))
        np.testing.assert_allclose(found, expected, atol=0.03)
    env.close()


@needs_sbx
def test_records_say_which_library_learned_and_a_run_goes_on(tmp_path):
    result = training(tmp_path / "first", seeds=2)
    manifest = json.loads((tmp_path / "first" / "manifest.json").read_text())
    run = manifest["runs"]["ppo"]
    assert run["learner"] == "sbx" and "--learner sbx" in run["command"]
    for entry in run["policies"]:
        assert {"sbx-rl", "jax", "stable-baselines3"} <= entry["versions"].keys()
    rows = read_curves(tmp_path / "first")
    assert {row["seed"] for row in rows} == {"0", "1"} and len(rows) >= 4
    assert all(run.skipped for run in training(tmp_path / "first", seeds=2).runs)
    again = training(tmp_path / "again", seeds=2)
    for one, two in zip(result.runs, again.runs, strict=True):
        assert one.score == two.score
        for name, array in arrays(one).items():
            assert np.array_equal(array, arrays(two)[name]), name
    with pytest.raises(ValueError, match="ppo policies trained with other learner"):
        training(tmp_path / "first", learner="sb3")


@needs_sbx
def test_the_spread_follows_the_schedule_and_is_not_learned(tmp_path):
    one, other = (
        training(
            tmp_path / learner,
            learner=learner,
            settings={"log_std": -0.5, "log_std_final": -2.0, "learning_rate": 0.01},
        ).runs[0]
        for learner in ("sbx", "sb3")
    )
    spread = arrays(one)["log_std"]
    assert -2.0 < spread[0] < -0.5
    np.testing.assert_allclose(spread, arrays(other)["log_std"], atol=1e-6)


@needs_sbx
def test_the_spread_of_choices_is_left_alone():
    settings = settings_for(CHOICES, "ppo", overrides=SMALL["ppo"] | {"randomise": {}})
    env = make_rows(CHOICES, settings, {})
    model = build("sbx", settings, env, seed=0)
    set_log_std(model, -1.0)
    assert "log_std" not in model.policy.actor_state.params["params"]
    env.close()


@needs_sbx
def test_it_learns(tmp_path):
    more = {
        "rollout": 64,
        "batch": 256,
        "rows": 32,
        "epochs": 10,
        "network": [32, 32],
        "log_std": -1.0,
    }
    result = training(tmp_path, "ppo-nominal", steps=60_000, settings=more)
    rows = read_curves(tmp_path)
    first, last = (float(rows[k]["evaluation_error"]) for k in (0, -1))
    assert last == result.runs[0].score.error < 0.5 * first


@needs_sbx
def test_what_policy_files_do_not_know_is_refused(tmp_path):
    from sbx import TD3

    env = make_rows(ID, settings_for(ID, "sac", overrides=SMALL["sac"]), {})
    with pytest.raises(ValueError, match="PPO and SAC are exported, not of TD3"):
        written(TD3("MlpPolicy", env, buffer_size=100), ID, tmp_path / "policy.npz")
    env.close()
