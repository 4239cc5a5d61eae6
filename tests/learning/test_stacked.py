"""Policies that are evaluated together come to what each comes to alone, to the last bit."""

import gymnasium
import numpy as np
import pytest

from gym_suite.comparison.batching import FixedBatches, StackedBatches
from gym_suite.learning.policies import ExportedPolicy
from gym_suite.learning.shelf import shipped
from gym_suite.learning.stacked import PolicyStack, stacked

IDS = [
    "gem/PMSM-v0",  # a history
    "gem/PMSM-Finite-v0",  # choices
    "radio/Access-v0",
    "agv/SimpleStatic-v0",  # observations by their statistics
    "drones/Landing-v0",
]


def policies_of(id):
    env = gymnasium.make(id, **({"engine": "compiled"} if id.startswith("drones") else {}))
    paths = shipped(id)
    method = paths[0].stem.rpartition("-")[0]
    own = [path for path in paths if path.stem.rpartition("-")[0] == method]
    found = [ExportedPolicy.for_env(env, path) for path in own]
    env.close()
    return found


@pytest.mark.parametrize("id", IDS)
def test_policies_of_one_method_act_together_as_each_alone(id):
    policies = policies_of(id)
    assert len(policies) == 5 and isinstance(stacked(policies), PolicyStack)
    seeds, generator = (3, 27, 20, 1), np.random.default_rng(1)
    alone = [FixedBatches(policy, seeds) for policy in policies]
    together = StackedBatches(stacked(policies), seeds)
    columns = len(policies[0].observation_columns)
    for step in range(6):
        rows = generator.normal(0.0, 2.0, (len(policies), len(seeds), columns)).astype(np.float32)
        start = generator.random((len(policies), len(seeds))) < (1.0 if step == 0 else 0.3)
        expected = [
            agent.predict(own, None, begins, True)[0]
            for agent, own, begins in zip(alone, rows, start, strict=True)
        ]
        found = together.predict(rows.reshape(-1, columns), None, start.ravel(), True)[0]
        assert found.dtype == expected[0].dtype
        assert np.array_equal(found, np.concatenate(expected))


@pytest.mark.parametrize("id", IDS)
def test_policies_whose_rows_have_all_ended_do_what_they_did_last_and_the_others_go_on(id):
    policies, seeds, generator = policies_of(id), (3, 27), np.random.default_rng(2)
    all_of_them, fewer = (StackedBatches(stacked(policies), seeds) for _ in range(2))
    columns = len(policies[0].observation_columns)
    awake, last = np.ones((len(policies), len(seeds)), np.bool_), None
    for step in range(6):
        rows = generator.normal(0.0, 2.0, (awake.size, columns)).astype(np.float32)
        start = np.full(awake.size, step == 0)
        fewer.attend(awake.ravel())
        expected = all_of_them.predict(rows, None, start, True)[0].reshape(*awake.shape, -1)
        found = fewer.predict(rows, None, start, True)[0].reshape(*awake.shape, -1)
        acting = awake.any(axis=1)
        assert np.array_equal(found[acting], expected[acting])
        assert last is None or np.array_equal(found[~acting], last[~acting])
        last = found
        awake[step % 5, step // 5 :] = False  # the first of them keeps one row, then has none
        awake[0, 1] = step < 5


def test_what_differs_in_shape_is_not_evaluated_together():
    current, band = policies_of("gem/PMSM-v0"), policies_of("radio/Access-v0")
    assert stacked([current[0], band[0]]) is None and stacked(current[:1]) is None
    assert stacked([current[0], object()]) is None
    with pytest.raises(ValueError, match="of one shape"):
        PolicyStack([current[0], band[0]])


def test_a_stack_refuses_what_it_cannot_do():
    policies = policies_of("gem/PMSM-v0")
    stack = PolicyStack(policies)
    rows = np.zeros((5, 2, len(stack.observation_columns)), np.float32)
    with pytest.raises(ValueError, match=r"expected observations of shape \(5, rows, "):
        stack.predict(rows[0])
    with pytest.raises(ValueError, match="do not draw"):
        stack.predict(rows, deterministic=False)
