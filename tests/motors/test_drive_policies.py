"""Policies of single drives beside their reference controllers, on the nominal plant and on those that differ."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison.planning import settings_of
from gym_suite.learning import load_policy, shipped

WORLDS = 20
SETTINGS = ("nominal", "noise", "mismatch", "delay", "disturbance")
CALM = SETTINGS[:-1]


def plant_of(id, setting):
    """Return the keyword arguments of a setting of the protocol."""
    (found,) = settings_of((setting,), [id], {})[id].settings
    return found.keywords


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


def torque_commands(setting):
    id = "gem/SCIM-Speed-v0"
    keywords = {**gym_suite.card(id).setting("torque"), **plant_of(id, setting)}
    return judged(id, "torque", keywords, 600)


@pytest.mark.parametrize("setting", CALM)
def test_policies_that_command_the_torque_of_an_induction_machine_earn_more_than_the_cascade_by_rule(
    setting,
):
    (rule, tripped), (returns, trips) = torque_commands(setting)
    assert not tripped.any() and not trips.any()
    assert (returns.mean(axis=1) > rule.mean()).all()


def test_under_a_disturbing_load_these_policies_trip_in_most_episodes_and_the_cascade_earns_more():
    (rule, tripped), (returns, trips) = torque_commands("disturbance")
    assert tripped.sum() <= 1
    assert (trips.mean(axis=1) > 0.5).all()
    assert (returns.mean(axis=1) < rule.mean()).all()


@pytest.mark.parametrize("setting", SETTINGS)
def test_policies_that_choose_switching_states_earn_less_than_the_search_over_them(setting):
    id = "gem/PMSM-Finite-v0"
    (search, tripped), (returns, trips) = judged(id, "nominal", plant_of(id, setting), 2000)
    assert not tripped.any()
    assert trips.mean() <= 0.15
    assert (returns.mean(axis=1) < search.mean()).all()


@pytest.mark.parametrize("setting", SETTINGS)
def test_policies_that_share_torque_between_field_and_stator_earn_less_than_the_table_of_points(
    setting,
):
    id = "gem/EESM-Torque-v0"
    keywords = {**gym_suite.card(id).setting("losses"), **plant_of(id, setting)}
    (table, tripped), (returns, trips) = judged(id, "losses", keywords, 2000)
    assert not tripped.any()
    assert (trips.mean(axis=1) <= 0.1).all()
    assert (returns.mean(axis=1) < table.mean()).all()
