"""The drive on which learning was first set against a cascade of PI controllers, and what is found on it here."""

import numpy as np
import pytest

import gym_suite

ID, SETTING = "gem/SeriesDc-Speed-v0", "traue_2022"


@pytest.fixture(scope="module")
def earned():
    """Mean return by agent and training seed, over the same twelve episodes."""
    run = gym_suite.compare(
        ID,
        agents=["pi-tuned", "td3", "ddpg"],
        settings=[SETTING],
        seeds=range(60_000, 60_012),
        progress=False,
    )
    found = {}
    for record in run.records:
        agent = record["agent"]
        key = agent["name"], agent.get("training_seed")
        found.setdefault(key, []).append(record["metrics"]["return"])
    return {key: float(np.mean(values)) for key, values in found.items()}


def test_gains_that_were_searched_earn_more_than_every_policy_of_td3_and_ddpg(earned):
    policies = [value for (name, _), value in earned.items() if name in ("td3", "ddpg")]
    assert len(policies) == 10
    assert max(policies) < earned["pi-tuned", None]


def test_policies_are_beside_the_cascade_by_rule_some_above_it_and_on_the_mean_below(earned):
    by_rule = earned["pi", None]
    for method in ("td3", "ddpg"):
        own = [value for (name, _), value in earned.items() if name == method]
        assert max(own) > by_rule > np.mean(own)
        assert min(own) > by_rule - 0.15 * (by_rule - earned["zero", None])


def test_the_numbers_of_the_drive_are_those_of_the_example_that_came_with_the_paper():
    drive = gym_suite.card(ID).setting(SETTING)
    assert {name: drive["machine"][name] for name in ("r_a", "r_e", "l_a", "l_e", "j_rotor")} == {
        "r_a": 2.5,
        "r_e": 4.5,
        "l_a": 9.7e-3,
        "l_e": 9.2e-3,
        "j_rotor": 1e-3,
    }
    # Full voltage is no trip: the resistances alone hold the current below its limit.
    most = drive["machine"]["u_dc"] / (drive["machine"]["r_a"] + drive["machine"]["r_e"])
    assert most == pytest.approx(60.0) and most < drive["machine"]["i_limit"]
