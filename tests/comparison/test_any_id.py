"""Environments of other packages, given two anchors."""

import gymnasium
import numpy as np
import pytest

from gym_suite.comparison import compare
from gym_suite.comparison.sentences import findings


class Balance:
    """Pushes to where the pole falls."""

    information = "observation"

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        o = np.asarray(observation)
        return (o[..., 2] + 0.5 * o[..., 3] > 0.0).astype(np.int64), state


def cart(**options):
    return compare("CartPole-v1", **{"seeds": 4, "progress": False} | options)


def test_any_gymnasium_id_between_two_agents(tmp_path):
    comparison = cart(agents={"mine": Balance()}, anchors=["random", Balance()])
    rows = {row.name: row for row in comparison.summary()}
    assert rows["mine"].score.estimate == pytest.approx(1.0)
    assert rows["random"].score.estimate == pytest.approx(0.0)
    env, policy = gymnasium.make("CartPole-v1"), Balance()
    observation, _ = env.reset(seed=2)
    total, ended = 0.0, False
    while not ended:
        observation, reward, terminated, truncated, _ = env.step(policy.predict(observation)[0])
        total, ended = total + reward, terminated or truncated
    (experiment,) = comparison.experiments
    assert comparison.matrix(experiment, "mine", "return")[1][0, 2] == total
    page = comparison.report(tmp_path).read_text()
    assert "steps" in page and "0 is random" in page


def test_anchors_may_be_returns():
    comparison = cart(agents={"mine": Balance()}, anchors=[0.0, 500.0])
    (row,) = comparison.summary()
    (experiment,) = comparison.experiments
    returns = comparison.matrix(experiment, "mine", "return")[1]
    assert row.score.estimate == pytest.approx(np.mean(np.sort(returns[0])[1:-1]) / 500.0)
    assert row.verdict is None
    assert findings(comparison, "CartPole-v1") == [
        "The upper anchor is a number: nobody is compared with a reference."
    ]


def test_an_end_of_which_nothing_is_known_is_no_failure():
    rows = {row.name: row for row in cart(anchors=["zero", 500.0]).summary()}
    assert rows["zero"].failures.estimate == 0.0
    assert rows["zero"].metrics["terminated"].estimate == 1.0


def test_discrete_observations():
    comparison = compare("FrozenLake-v1", seeds=3, anchors=["zero", 1.0], progress=False)
    assert {row.name for row in comparison.summary()} == {"zero", "random"}
    assert not comparison.failed_runs


@pytest.mark.parametrize("anchor", [float("nan"), float("inf")])
def test_an_anchor_that_is_no_finite_return_is_refused(anchor):
    with pytest.raises(
        ValueError, match=f"an anchor of the score is a finite return, got {anchor}"
    ):
        cart(anchors=["zero", anchor])


def test_what_scores_one_is_above_what_scores_nothing():
    with pytest.raises(ValueError, match="scores 1, must be above the first, got 500 and 0"):
        cart(anchors=[500.0, 0.0])


def test_an_id_without_a_reference_asks_for_anchors():
    with pytest.raises(ValueError, match=r"CartPole-v1 is not of this package .*--anchors"):
        cart()


def test_settings_of_such_an_id_are_given_as_keywords():
    settings = {"plain": {}, "bent": {"sutton_barto_reward": True}}
    comparison = cart(settings=settings, anchors=["zero", 500.0])
    assert [e.setting.name for e in comparison.experiments] == ["plain", "bent"]
    assert set(cart(anchors=["zero", 500.0]).idle["CartPole-v1"]) == {
        "noise",
        "mismatch",
        "delay",
        "disturbance",
    }
