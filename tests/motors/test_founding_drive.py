"""The drive on which learning was first set against a cascade of PI controllers, and what is found on it here."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.learning import load_policy, shipped
from gym_suite.learning.gains import load_gains, shipped_gains

ID, SETTING = "gem/SeriesDc-Speed-v0", "traue_2022"
WORLDS, STEPS = 24, 2400
PLANTS = {"nominal": {}, "noise": {"noise": 0.01}, "mismatch": {"mismatch": 0.3}}
PLANTS |= {"delay": {"delay": 1}}


def earned(envs, agent):
    """Return the mean return of an agent, which trips in no episode."""
    observation, _ = envs.reset(seed=60_000)
    state, total = None, np.zeros(WORLDS)
    for step in range(STEPS):
        action, state = agent.predict(observation, state, np.full(WORLDS, step == 0))
        observation, reward, terminated, _, _ = envs.step(action)
        total += reward
        assert not terminated.any()
    return total.mean()


@pytest.mark.parametrize("plant", PLANTS)
def test_searched_gains_earn_more_than_the_policies_and_those_stand_beside_the_rule(plant):
    drive = gym_suite.card(ID).setting(SETTING) | PLANTS[plant]
    envs = gymnasium.make_vec(ID, num_envs=WORLDS, **drive)
    by_rule = earned(envs, gym_suite.make_controller(envs, "pi"))
    searched = earned(envs, load_gains(shipped_gains(ID, "pi-tuned", SETTING), ID).load(envs))
    own = {
        method: [earned(envs, load_policy(file)) for file in shipped(ID, method, SETTING)]
        for method in ("td3", "ddpg")
    }
    policies = [*own["td3"], *own["ddpg"]]
    assert len(policies) == 10 and searched > by_rule
    if plant == "noise":
        assert max(policies) == pytest.approx(searched, rel=0.005)
        assert sum(value > by_rule for value in policies) == 7
    else:
        assert max(policies) < searched
        assert all(np.mean(values) < by_rule for values in own.values())


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
