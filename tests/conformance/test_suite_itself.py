"""The suite finds what is wrong, says where, and refuses what it does not know."""

import numpy as np
import pytest

import gym_suite.testing as suite
from gym_suite.testing.env_checks import check_reward_terms
from gym_suite.testing.subjects import raises_value_error, warnings_are_errors


def test_checks_have_names_and_promises():
    groups = (suite.ENV_CHECKS, suite.PARALLEL_CHECKS, suite.CONTROLLER_CHECKS)
    checks = [check for group in (*groups, suite.REFERENCE_CHECKS) for check in group]
    assert len({check.__name__ for check in checks}) == len(checks)
    assert all(check.__name__.startswith("check_") and check.__doc__ for check in checks)
    assert set(suite.FAMILY_CHECKS) < set(suite.ENV_CHECKS)


@pytest.mark.parametrize("call", [suite.check_env_id, lambda id: suite.check_controller(id, "pi")])
def test_an_unknown_id_is_refused_with_the_nearest(call):
    with pytest.raises(ValueError, match="gem/PMSM-v0"):
        call("gem/PMSN-v0")


@pytest.mark.parametrize(
    ("got", "expected", "where"),
    [
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), r"x\[1\]"),
        (np.zeros(2, np.float32), np.zeros(2), "dtype"),
        (np.zeros((2, 1)), np.zeros(2), "shape"),
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, "lacks .*'b'"),
        ({"a": (0.0, [1.0])}, {"a": (0.0, [2.0])}, r"x\['a'\]\[1\]\[0\]"),
        (np.array([None, 1], object), np.array([None, 2], object), r"x\[1\]"),
        (0.1 + 0.2, 0.3, "0.3000"),
    ],
)
def test_differences_are_found_and_located(got, expected, where):
    with pytest.raises(AssertionError, match=where):
        suite.assert_same(got, expected, "x")


def test_nan_equals_nan():
    suite.assert_same(np.array([np.nan]), np.array([np.nan]), "x")
    suite.assert_same(float("nan"), float("nan"), "x")


def test_raises_value_error_wants_the_right_error():
    with pytest.raises(AssertionError, match="was accepted"), raises_value_error("x"):
        pass
    with pytest.raises(AssertionError, match="KeyError"), raises_value_error("x"):
        raise KeyError("y")
    with pytest.raises(AssertionError, match="does not mention"), raises_value_error("x", "near"):
        raise ValueError("far")


def test_warnings_fail_a_check():
    import warnings

    with pytest.raises(UserWarning), warnings_are_errors():
        warnings.warn("x", stacklevel=1)


def test_a_wrong_reward_is_found():
    """A setup whose terms lack a part of the reward does not pass."""
    import dataclasses

    import gymnasium

    from gym_suite.core.columns import Column, Columns

    setup = gymnasium.make("gem/PMSM-v0").unwrapped.setup
    columns = list(setup.metric_columns)
    columns[1] = Column("forgotten")
    wrong = dataclasses.replace(setup, metric_columns=Columns(*columns), terms=())
    with pytest.raises(AssertionError, match="reward"):
        check_reward_terms(wrong)


def test_actions_reach_beyond_the_box_and_reproduce():
    import gymnasium

    box = gymnasium.spaces.Box(-1, 1, (2,))
    actions = suite.random_actions(box, 100, seed=3)
    assert actions.shape == (100, 2)
    assert np.abs(actions).max() > 1.0
    np.testing.assert_array_equal(actions, suite.random_actions(box, 100, seed=3))
    choices = suite.random_actions(gymnasium.spaces.MultiDiscrete([3, 2]), 100)
    assert choices.shape == (100, 2)
    assert choices.max(axis=0).tolist() == [2, 1]


def test_returns_are_paired_by_seed():
    nothing = suite.returns_of("gem/PMSM-v0", "zero", steps=50)["returns"]
    assert nothing.shape == (20,)
    again = suite.returns_of("gem/PMSM-v0", "zero", steps=50)["returns"]
    np.testing.assert_array_equal(nothing, again)
