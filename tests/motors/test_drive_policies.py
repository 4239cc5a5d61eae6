"""Policies of single drives beside their reference controllers, on the nominal plant and on those that differ."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.learning import load_policy, shipped

WORLDS = 20
PLANTS = {"nominal": {}, "noise": {"noise": 0.01}, "mismatch": {"mismatch": 0.3}}
PLANTS |= {"delay": {"delay": 1}}


def earned(envs, agent, steps):
    """Return each episode's return until it trips, and whether it did."""
    observation, _ = envs.reset(seed=60_000)
    state, total, tripped = None, np.zeros(WORLDS), np.zeros(WORLDS, bool)
    for step in range(steps):
        action, state = agent.predict(observation, state, np.full(WORLDS, step == 0))
        observation, reward, terminated, _, _ = envs.step(action)
        total += np.where(tripped, 0.0, reward)
        tripped |= terminated
    return total, tripped


def judged(id, setting, keywords, steps):
    """Return what the reference controller and each shipped policy earn: returns and trips, (policies, worlds)."""
    envs = gymnasium.make_vec(id, num_envs=WORLDS, **keywords)
    reference = earned(envs, gym_suite.make_controller(envs), steps)
    files = shipped(id, "ppo", setting)
    assert len(files) == 5
    policies = [earned(envs, load_policy(file), steps) for file in files]
    envs.close()
    return reference, tuple(np.array(part) for part in zip(*policies, strict=True))


@pytest.mark.parametrize("plant", PLANTS)
def test_policies_that_command_the_torque_of_an_induction_machine_earn_more_than_the_cascade_by_rule(
    plant,
):
    keywords = {**gym_suite.card("gem/SCIM-Speed-v0").setting("torque"), **PLANTS[plant]}
    (rule, tripped), (returns, trips) = judged("gem/SCIM-Speed-v0", "torque", keywords, 600)
    assert not tripped.any() and not trips.any()
    assert (returns.mean(axis=1) > rule.mean()).all()


@pytest.mark.parametrize("plant", PLANTS)
def test_policies_that_choose_switching_states_earn_less_than_the_search_over_them(plant):
    (search, tripped), (returns, trips) = judged(
        "gem/PMSM-Finite-v0", "nominal", PLANTS[plant], 2000
    )
    assert not tripped.any()
    assert trips.mean() <= 0.15
    assert (returns.mean(axis=1) < search.mean()).all()
