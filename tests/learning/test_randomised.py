"""Training on plants that differ: every combination gets its rows, and what was learned runs without torch."""

import json

import gymnasium
import numpy as np
import pytest

from gym_suite.learning import load_policy, make_sb3_vec, train
from gym_suite.learning.evaluation import Evaluation
from gym_suite.learning.learner import make_rows
from gym_suite.learning.randomised import blocks_of, check_randomise, shares, side_by_side
from gym_suite.learning.seeds import training_seed
from gym_suite.learning.settings import settings_for

ID = "gem/PMSM-v0"
VARIED = {"noise": [0.0, 0.01], "mismatch": 0.3, "delay": [0, 1]}


def test_every_combination_is_a_block():
    blocks = blocks_of(VARIED, {"tau": 1e-4})
    assert len(blocks) == 4 and all(block["tau"] == 1e-4 for block in blocks)
    assert {(block["noise"], block["delay"]) for block in blocks} == {
        (0.0, 0),
        (0.0, 1),
        (0.01, 0),
        (0.01, 1),
    }
    assert {block["mismatch"] for block in blocks} == {0.3}
    assert blocks_of({}, {"tau": 1e-4}) == [{"tau": 1e-4}]
    # What a user fixes is not varied.
    assert {block["delay"] for block in blocks_of(VARIED, {"delay": 2})} == {2}


def test_rows_are_spread_evenly():
    assert shares(10, 4) == [3, 3, 2, 2]
    with pytest.raises(ValueError, match="3 rows are too few for 4 combinations"):
        shares(3, 4)


@pytest.mark.parametrize(
    ("randomise", "message"),
    [
        ({"delays": [0, 1]}, "Did you mean 'delay'"),
        ({"tau": [1e-4, 2e-4]}, "unknown keyword to randomise"),
        ({"delay": []}, "at least one value"),
        ([0, 1], "must map"),
    ],
)
def test_what_cannot_vary_is_refused(randomise, message):
    with pytest.raises(ValueError, match=message):
        check_randomise(randomise)
    with pytest.raises(ValueError, match=message):
        settings_for(ID, "ppo", overrides={"randomise": randomise})


def test_a_history_goes_with_whole_observations_only():
    for overrides in (
        {"visited": ["pose_x"]},
        {"history": 0},
    ):
        with pytest.raises(ValueError, match="history"):
            settings_for(ID, "ppo", overrides={"history": 3} | overrides)
    with pytest.raises(ValueError, match="novelty"):
        settings_for(ID, "ppo-count", overrides={"history": 2})


def test_ppo_is_robust_and_ppo_nominal_is_not():
    robust, nominal = settings_for(ID, "ppo"), settings_for(ID, "ppo-nominal")
    assert {"noise", "mismatch", "delay"} <= robust.randomise.keys()
    assert nominal.randomise == {} and nominal.history == 1
    assert nominal.steps == robust.steps


def test_blocks_side_by_side_do_what_each_does_alone():
    keywords = [{"delay": 0}, {"delay": 1, "noise": 0.01}]
    sizes = (3, 2)
    together, alone = (
        [make_sb3_vec(ID, n, **words) for n, words in zip(sizes, keywords, strict=True)]
        for _ in range(2)
    )
    together = side_by_side(together)
    together.seed(training_seed(7))
    for env, seed in zip(alone, (training_seed(7), training_seed(7) + 3), strict=True):
        env.seed(seed)
    observation = together.reset()
    np.testing.assert_array_equal(observation, np.concatenate([env.reset() for env in alone]))
    assert together.num_envs == 5 and len(together.reset_infos) == 5
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(300):
        action = rng.uniform(-1, 1, (5, 2)).astype(np.float32)
        got = together.step(action)
        steps = [alone[0].step(action[:3]), alone[1].step(action[3:])]
        *expected, infos = zip(*steps, strict=True)
        for mine, theirs in zip(got[:3], expected, strict=True):
            np.testing.assert_array_equal(mine, np.concatenate(theirs))
        infos = [info for part in infos for info in part]
        for mine, theirs in zip(got[3], infos, strict=True):
            assert mine.keys() == theirs.keys()
            if "terminal_observation" in mine:
                ended += 1
                np.testing.assert_array_equal(
                    mine["terminal_observation"], theirs["terminal_observation"]
                )
    assert ended
    delays = [setup.delay for setup in together.get_attr("setup")]
    assert delays == [0, 0, 0, 1, 1]
    assert together.get_attr("setup", [4])[0].delay == 1
    assert together.envs is together.parts[0].envs
    with pytest.raises(ValueError, match="all rows together"):
        together.env_method("get_state", indices=[1])


def test_a_single_block_stays_as_it_is():
    settings = settings_for("no/Such-v0", "ppo-nominal", overrides={"rows": 32})
    env = make_rows(ID, settings, {})
    assert type(env).__name__ == "VectorRows" and env.num_envs == 32
    settings = settings_for("no/Such-v0", "ppo", overrides={"rows": 50, "batch": 50})
    env = make_rows(ID, settings, {})
    assert type(env).__name__ == "VecFrameStack"
    assert [part.num_envs for part in env.unwrapped.parts] == [13, 13, 12, 12]


@pytest.fixture(scope="module")
def robust(tmp_path_factory):
    tiny = {
        "rows": 8,
        "rollout": 32,
        "batch": 128,
        "epochs": 1,
        "evaluations": 2,
        "network": [8],
        "normalize": True,
    }
    folder = tmp_path_factory.mktemp("robust")
    return train(ID, seeds=1, steps=600, settings=tiny, out=folder)


def test_a_robust_policy_is_exported_with_its_history_and_judged_on_every_plant(robust):
    manifest = json.loads((robust.folder / "manifest.json").read_text())
    settings = settings_for(ID, "ppo")
    assert manifest["runs"]["ppo"]["hyper_parameters"]["randomise"] == dict(settings.randomise)
    (entry,) = manifest["runs"]["ppo"]["policies"]
    policy = load_policy(robust.runs[0].path, ID)
    assert policy.history == settings.history > 1
    scores = entry["randomised_scores"]
    assert [score["keywords"] for score in scores] == blocks_of(settings.randomise)
    evaluation = Evaluation(ID, keywords=scores[-1]["keywords"])
    assert evaluation.score(policy).episode_return == scores[-1]["score"]["episode_return"]


def test_a_policy_with_a_history_acts_alone_as_in_a_batch(robust):
    policy = load_policy(robust.runs[0].path, ID)
    envs = gymnasium.make_vec(ID, num_envs=3)
    env = gymnasium.make(ID)
    observation, _ = envs.reset(seed=5)
    single, _ = env.reset(seed=6)
    states, state = None, None
    for _ in range(20):
        actions, states = policy.predict(observation, states)
        action, state = policy.predict(single, state)
        np.testing.assert_allclose(action, actions[1], atol=1e-6)
        observation, *_ = envs.step(actions)
        single, *_ = env.step(actions[1])
    first, _ = policy.predict(observation, states, np.ones(3, bool))
    np.testing.assert_array_equal(first, policy.predict(observation)[0])
