"""A policy file must act as the model it came from; a bad file must be refused with its reason."""

import json

import numpy as np
import pytest

from gym_suite.learning import policies
from gym_suite.learning.export import export_policy
from gym_suite.learning.policies import load_policy
from gym_suite.learning.shelf import listed, shipped

COLUMNS = ("cos", "sin", "velocity")


def small_model(
    algo, *, normalize=False, activation="Tanh", noise_steps=-1, history=1, scaled_frames=False
):
    """An SB3 model on Pendulum, trained just enough for every array to differ from its start."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

    torch.set_num_threads(1)
    env = make_vec_env("CartPole-v1" if algo == "dqn" else "Pendulum-v1", n_envs=2, seed=3)
    if normalize and scaled_frames:
        env = VecNormalize(env, clip_obs=1.5)  # low enough to clip often
    if history > 1:
        env = VecFrameStack(env, history)
    if normalize and not scaled_frames:
        env = VecNormalize(env, clip_obs=1.5)
    net = {"net_arch": [24, 16], "activation_fn": getattr(torch.nn, activation)}
    own = {
        "ppo": {
            "n_steps": 32,
            "batch_size": 32,
            "use_sde": noise_steps > 0,
            "sde_sample_freq": noise_steps,
        },
        "a2c": {"n_steps": 16},
    }.get(algo, {"learning_starts": 16, "batch_size": 16})
    cls = getattr(stable_baselines3, algo.upper())
    model = cls("MlpPolicy", env, policy_kwargs=net, seed=1, device="cpu", **own)
    return model.learn(128)


def export(model, path):
    return export_policy(
        model,
        path,
        id="Pendulum-v1",
        training_seed=1,
        observation_columns=COLUMNS,
        action_columns=("torque",),
        provenance={"steps": 128},
    )


def frames(rows=20, steps=9):
    """Observations of episodes that run side by side, and the steps at which some begin anew."""
    rng = np.random.default_rng(0)
    seen = rng.uniform(-8, 8, (steps, rows, 3)).astype(np.float32)
    return seen, rng.random((steps, rows)) < 0.2


@pytest.fixture(scope="module")
def policy_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "ppo-1.npz"
    export(small_model("ppo", normalize=True), path)
    return path


@pytest.mark.parametrize("activation", ["Tanh", "ReLU"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("algo", ["ppo", "a2c", "sac", "td3", "ddpg"])
def test_actions_equal_stable_baselines3(algo, normalize, activation, tmp_path):
    model = small_model(algo, normalize=normalize, activation=activation)
    export(model, tmp_path / "policy.npz")
    policy = load_policy(tmp_path / "policy.npz", "Pendulum-v1", observation_columns=COLUMNS)
    assert policy.algo == algo
    rows = np.random.default_rng(0).uniform(-8, 8, (300, 3)).astype(np.float32)
    normalizer = model.get_vec_normalize_env()
    expected, _ = model.predict(
        normalizer.normalize_obs(rows) if normalize else rows, deterministic=True
    )
    actions, state = policy.predict(rows)
    assert actions.shape == (300, 1) and state is None
    np.testing.assert_allclose(actions, expected, rtol=0, atol=1e-5)
    one_by_one = np.stack([policy.predict(row)[0] for row in rows])
    np.testing.assert_allclose(one_by_one, expected, rtol=0, atol=1e-5)
    assert model.action_space.contains(policy.predict(rows[0])[0])


@pytest.mark.parametrize("algo", ["td3", "ddpg"])
def test_a_policy_without_spread_draws_nothing(algo, tmp_path):
    policy = export(small_model(algo), tmp_path / "policy.npz")
    row = np.array([0.3, -0.2, 0.5])
    assert policy.predict(row, deterministic=False)[0] == policy.predict(row)[0]


@pytest.mark.parametrize(
    ("algo", "normalize", "scaled_frames"),
    [
        ("ppo", False, False),
        ("ppo", True, False),
        ("ppo", True, True),
        ("sac", True, False),  # SB3's own replay takes no other order
    ],
)
def test_a_history_is_that_of_vec_frame_stack(algo, normalize, scaled_frames, tmp_path):
    from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

    model = small_model(algo, history=3, normalize=normalize, scaled_frames=scaled_frames)
    export(model, tmp_path / "policy.npz")
    policy = load_policy(tmp_path / "policy.npz", "Pendulum-v1", observation_columns=COLUMNS)
    assert policy.describe()["history"] == policy.history == 3
    seen, starts = frames()
    normalizer = model.get_vec_normalize_env()
    before, after = (lambda o: o), (lambda o: o)
    if normalize and scaled_frames:
        before = normalizer.normalize_obs
    elif normalize:
        after = normalizer.normalize_obs
    stack = StackedObservations(seen.shape[1], 3, model.get_env().unwrapped.observation_space)
    stacked, state, single = stack.reset(before(seen[0])).copy(), None, None
    for t, observation in enumerate(seen):
        if t:
            infos = [{"terminal_observation": seen[t, 0]}] * seen.shape[1]
            stacked = stack.update(before(observation), starts[t], infos)[0].copy()
        expected, _ = model.predict(after(stacked), deterministic=True)
        kept = None if state is None else state.copy()
        actions, following = policy.predict(observation, state, starts[t])
        np.testing.assert_allclose(actions, expected, rtol=0, atol=1e-5)
        assert kept is None or np.array_equal(kept, state)
        one, single = policy.predict(observation[4], single, starts[t, 4])
        np.testing.assert_allclose(one, expected[4], rtol=0, atol=1e-5)
        state = following
    with pytest.raises(ValueError, match="fresh start"):
        policy.predict(seen[0][:2], state)


def test_a_format_without_histories_is_still_read(policy_file, tmp_path):
    with np.load(policy_file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(str(arrays.pop("meta")))
    for name in ("checksum", "history", "frames_scaled", "exploration"):
        del meta[name]
    meta["format"] = 1
    old = policies.ExportedPolicy(meta, arrays).save(tmp_path / "old.npz")
    rows = np.random.default_rng(1).normal(size=(20, 3))
    assert np.array_equal(
        load_policy(old).predict(rows)[0], load_policy(policy_file).predict(rows)[0]
    )


@pytest.mark.parametrize(("algo", "noise_steps"), [("ppo", -1), ("sac", -1), ("ppo", 1)])
def test_stochastic_actions_have_the_distribution_of_stable_baselines3(algo, noise_steps, tmp_path):
    import torch

    model = small_model(algo, noise_steps=noise_steps)
    policy = export(model, tmp_path / "policy.npz")
    row = np.tile(np.array([0.3, -0.2, 0.5], np.float32), (40_000, 1))
    torch.manual_seed(0)
    if noise_steps > 0:  # a draw for each row, as for each environment
        model.policy.reset_noise(len(row))
    theirs, _ = model.predict(row, deterministic=False)
    ours, _ = policy.predict(row, deterministic=False)
    assert abs(ours.mean() - theirs.mean()) < 0.03
    assert abs(ours.std() - theirs.std()) < 0.02
    np.testing.assert_allclose(
        np.quantile(ours, [0.1, 0.5, 0.9]), np.quantile(theirs, [0.1, 0.5, 0.9]), atol=0.05
    )


def test_stochastic_actions_repeat_with_the_seed_and_leave_numpys_global_state_alone(policy_file):
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what is tested
    row = np.zeros(3, np.float32)
    first, second = (load_policy(policy_file, seed=7) for _ in range(2))
    draws = [first.predict(row, deterministic=False)[0] for _ in range(5)]
    assert np.array_equal(draws, [second.predict(row, deterministic=False)[0] for _ in range(5)])
    assert len(np.unique(draws)) == 5
    first.seed(7)
    assert np.array_equal(draws[0], first.predict(row, deterministic=False)[0])
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_an_action_is_not_overwritten_by_the_next_one(policy_file):
    policy = load_policy(policy_file)
    action, _ = policy.predict(np.array([1.0, 0.0, 0.0]))
    kept = action.copy()
    policy.predict(np.array([-1.0, 0.0, 3.0]))
    assert np.array_equal(action, kept)


def test_a_loaded_policy_says_what_it_is(policy_file):
    policy = load_policy(policy_file)
    assert (policy.id, policy.algo, policy.training_seed) == ("Pendulum-v1", "ppo", 1)
    assert policy.information == "observation"
    described = policy.describe()
    assert described["network"] == [3, 24, 16, 1]
    assert described["provenance"] == {"steps": 128}
    assert described["observation_columns"] == list(COLUMNS)
    json.dumps(described)


@pytest.mark.parametrize("shape", [(2,), (4,), (5, 2), (1, 5, 3), ()])
def test_a_wrong_observation_is_refused(policy_file, shape):
    with pytest.raises(ValueError, match="expected observations of shape"):
        load_policy(policy_file).predict(np.zeros(shape))


def test_another_id_or_other_columns_are_refused(policy_file):
    with pytest.raises(ValueError, match="trained on 'Pendulum-v1', not on 'gem/PMSM-v0'"):
        load_policy(policy_file, "gem/PMSM-v0")
    with pytest.raises(ValueError, match="it lacks preview"):
        load_policy(policy_file, observation_columns=(*COLUMNS, "preview"))
    with pytest.raises(ValueError, match=r"has .* in the place of"):
        load_policy(policy_file, observation_columns=COLUMNS[::-1])
    with pytest.raises(ValueError, match="other action columns"):
        load_policy(policy_file, action_columns=("force",))
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz"):
        load_policy(policy_file.with_name("nowhere.npz"))


def test_a_truncated_file_is_refused_wherever_it_is_cut(policy_file, tmp_path):
    content = policy_file.read_bytes()
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        broken = tmp_path / "broken.npz"
        broken.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"broken\.npz is not a usable policy file"):
            load_policy(broken)


def test_a_flipped_byte_is_refused_wherever_it_is(policy_file, tmp_path):
    content = policy_file.read_bytes()
    intact = load_policy(policy_file)
    rows = np.random.default_rng(1).normal(size=(20, 3))
    refused = 0
    for place in np.random.default_rng(2).integers(0, len(content), 200):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        broken = tmp_path / "broken.npz"
        broken.write_bytes(damaged)
        try:
            policy = load_policy(broken)
        except ValueError as e:
            assert "broken.npz" in str(e)
            refused += 1
        else:  # zip headers hold dates and the like, which carry nothing
            assert np.array_equal(policy.predict(rows)[0], intact.predict(rows)[0])
    assert refused > 100


def test_a_changed_weight_is_refused_even_in_a_sound_archive(policy_file, tmp_path):
    with np.load(policy_file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["w0"] = arrays["w0"] * 1.001
    np.savez(tmp_path / "edited.npz", **arrays)
    with pytest.raises(ValueError, match="checksum does not match"):
        load_policy(tmp_path / "edited.npz")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"tuning_trials": "many"}, "tuning_trials must be a whole number >= 0, got 'many'"),
        ({"tuning_trials": -1}, "tuning_trials must be a whole number"),
        ({"steps": "1e6"}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"behaviour": 7}, "behaviour must be a text, got 7"),
        ({"keywords": "noise"}, "keywords must be an object"),
        ({"seeds": [0, 19]}, "seeds must be an object"),
        ({"seeds": {"episodes": [9, 5]}}, "two whole numbers"),
    ],
)
def test_what_a_policy_tells_in_another_form_is_refused(told, reason, policy_file, tmp_path):
    """In a file that is whole; nobody should learn of it when all runs are done."""
    policy = load_policy(policy_file)
    path = tmp_path / "odd.npz"
    meta = {**policy.meta, "provenance": {**policy.provenance, **told}}
    policies.ExportedPolicy(meta, policy.arrays).save(path)
    with pytest.raises(ValueError, match=rf"odd\.npz is not a usable policy file.*{reason}"):
        load_policy(path)
    nothing = {**policy.meta, "provenance": dict.fromkeys(["tuning_trials", "steps", "behaviour"])}
    policies.ExportedPolicy(nothing, policy.arrays).save(path)
    assert load_policy(path).provenance["steps"] is None  # as in files of whom nobody has counted


@pytest.mark.parametrize("content", [b"hello", b"PK\x05\x06" + b"\0" * 18])
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ValueError, match="not a usable policy file"):
        load_policy(tmp_path / "other.npz")


def refused_models():
    """Models that are not exported, each with what the refusal names."""
    import gymnasium
    import torch
    from stable_baselines3 import PPO, SAC
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecExtractDictObs, VecNormalize

    def elsewhere():
        model = PPO("MlpPolicy", "Pendulum-v1", device="cpu")
        model.__class__ = type("TRPO", (PPO.__base__,), {})
        return model

    def under(wrapper):
        env = make_vec_env(lambda: wrapper(gymnasium.make("Pendulum-v1")))
        return PPO("MlpPolicy", env, device="cpu")

    class Named(gymnasium.ObservationWrapper):
        """Gives observations a name."""

        def __init__(self, env):
            super().__init__(env)
            self.observation_space = gymnasium.spaces.Dict({"o": env.observation_space})

        def observation(self, observation):
            return {"o": observation}

    def dict_under():
        env = VecExtractDictObs(make_vec_env(lambda: Named(gymnasium.make("Pendulum-v1"))), "o")
        return PPO("MlpPolicy", env, device="cpu")

    def twice():
        env = VecNormalize(VecNormalize(make_vec_env("Pendulum-v1")))
        return PPO("MlpPolicy", env, device="cpu")

    def own(cls, **keywords):
        return cls("MlpPolicy", "Pendulum-v1", device="cpu", **keywords)

    return {
        "TRPO": elsewhere,
        "use_sde": lambda: own(SAC, use_sde=True),
        "squash_output": lambda: own(PPO, use_sde=True, policy_kwargs={"squash_output": True}),
        "elu": lambda: own(PPO, policy_kwargs={"activation_fn": torch.nn.ELU}),
        "VecExtractDictObs": dict_under,
        "under VecNormalize": twice,
        "FlattenObservation": lambda: under(
            lambda env: gymnasium.wrappers.FlattenObservation(
                gymnasium.wrappers.FrameStackObservation(env, 2)
            )
        ),
        "RescaleAction": lambda: under(
            lambda env: gymnasium.wrappers.RescaleAction(env, -1.0, 1.0)
        ),
    }


@pytest.mark.parametrize("reason", list(refused_models()))
def test_what_cannot_be_exported_is_refused_by_name(reason, tmp_path):
    model = refused_models()[reason]()
    with pytest.raises(ValueError, match=reason):
        export(model, tmp_path / "never.npz")
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_says_which_files_are_shipped(tmp_path):
    assert listed(tmp_path) == []
    runs = {"ppo": {"policies": [{"file": f"ppo-{s}.npz", "training_seed": s} for s in (10, 2)]}}
    (tmp_path / "manifest.json").write_text(json.dumps({"runs": runs}))
    (tmp_path / "ppo-99.npz").write_bytes(b"not in the manifest")
    assert [path.name for path in listed(tmp_path)] == ["ppo-2.npz", "ppo-10.npz"]
    assert listed(tmp_path, "sac") == []
    assert shipped("no/Such-v0") == []


def test_choices_are_those_of_the_model(tmp_path):
    import torch
    from stable_baselines3 import PPO

    model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, seed=3, device="cpu")
    model.learn(256)
    policy = export_policy(
        model,
        tmp_path / "choices.npz",
        id="CartPole-v1",
        training_seed=3,
        observation_columns=("x", "v", "theta", "omega"),
        action_columns=(),
    )
    observations = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    expected, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.predict(observations)[0], expected)
    # Drawn ones have the model's probabilities, within four standard errors of 20,000 draws.
    with torch.no_grad():
        distribution = model.policy.get_distribution(torch.as_tensor(observations[:1]))
        p = float(distribution.distribution.probs[0, 1])
    many = np.repeat(observations[:1], 20_000, axis=0)
    share = policy.predict(many, deterministic=False)[0].mean()
    assert abs(share - p) < 4.0 * np.sqrt(p * (1.0 - p) / len(many))


def test_dqn_takes_the_best_choice_and_now_and_then_any(tmp_path):
    model = small_model("dqn")
    policy = export_policy(
        model,
        tmp_path / "dqn.npz",
        id="CartPole-v1",
        training_seed=1,
        observation_columns=("x", "v", "theta", "omega"),
        action_columns=(),
    )
    observations = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    best, _ = model.predict(observations, deterministic=True)
    np.testing.assert_array_equal(policy.predict(observations)[0], best)
    assert policy.predict(observations[0])[0] == best[0]
    many = np.repeat(observations[:1], 20_000, axis=0)
    others = (policy.predict(many, deterministic=False)[0] != best[0]).mean()
    assert abs(others - 0.5 * model.exploration_rate) < 0.02
