"""Shipped policies of the tasks with aims and of rotor failure, judged beside the reference of their id."""

import json

import numpy as np
import pytest

import gym_suite
from gym_suite.learning import shipped
from gym_suite.learning.policies import ExportedPolicy
from gym_suite.learning.settings import shipped_for
from gym_suite.learning.shelf import folder_of
from gym_suite.registration import card
from tests.drones.flights import WIND, judged

METHODS = dict.fromkeys(
    ("drones/Velocity-v0", "drones/Landing-v0", "drones/Gates-v0", "drones/RotorFailure-v0"),
    "ppo-dagger",
)
#: The settings under which the comparison judges.
SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
}


@pytest.mark.parametrize("id", METHODS)
def test_five_policies_ship_with_the_command_that_made_them(id):
    method = METHODS[id]
    assert card(id).learned == (method,)
    assert [path.name for path in shipped(id, method)] == [f"{method}-{k}.npz" for k in range(5)]
    run = json.loads((folder_of(id) / "manifest.json").read_text())["runs"][method]
    assert run["command"].startswith(f"gym-suite train {id} --algo {method} --seeds 5 --set")
    assert run["keywords"] == shipped_for(id)["keywords"]
    assert run["selection"].startswith("none")


def reference_and_policies(id):
    def agents(envs):
        yield gym_suite.make_controller(envs)
        yield from (ExportedPolicy.for_env(envs, path) for path in shipped(id, METHODS[id]))

    return agents


#: Part of the return of `indi` that each policy at commanded velocities earns at least.
FLOWN = {"nominal": 0.98, "noise": 0.975, "mismatch": 0.98, "delay": 0.95, "wind": 0.965}


@pytest.mark.parametrize("setting", FLOWN)
def test_policies_at_commanded_velocities_lose_no_drone_and_earn_nearly_what_indi_does(setting):
    keywords = {"wind": WIND} if setting == "wind" else SETTINGS[setting]
    id = "drones/Velocity-v0"
    returns, lost, _, _ = judged(id, reference_and_policies(id), **keywords)
    assert not lost.any()
    reference, *policies = returns.mean(axis=1)
    assert all(FLOWN[setting] * reference < earned < reference for earned in policies)


#: Landings of 20 that each policy makes at least; the reference makes all.
LANDED = {"nominal": 20, "noise": 20, "mismatch": 17, "delay": 20}


@pytest.mark.parametrize("setting", SETTINGS)
def test_policies_land_and_where_the_vehicle_is_another_fewer_than_the_reference(setting):
    id = "drones/Landing-v0"
    _, lost, landed, _ = judged(id, reference_and_policies(id), **SETTINGS[setting])
    reference, *policies = landed.sum(axis=1)
    assert reference == 20 and not lost.any()
    assert min(policies) == LANDED[setting]


#: Part of the reference's return that each policy earns at least; each flies through at least these gates, on average.
RACED = {
    "nominal": (0.99, 13.9),
    "noise": (0.99, 13.5),
    "mismatch": (0.98, 12.9),
    "delay": (0.99, 13.8),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_policies_race_through_gates_without_a_crash_and_earn_nearly_what_the_reference_does(
    setting,
):
    id = "drones/Gates-v0"
    returns, lost, _, passed = judged(id, reference_and_policies(id), **SETTINGS[setting])
    assert not lost.any()
    share, gates = RACED[setting]
    reference, *policies = returns.mean(axis=1)
    assert all(earned > share * reference for earned in policies)
    assert all(count >= gates for count in passed[1:].mean(axis=1))


#: Part of the return of `relaxed` that each policy earns at least.
RELAXED = {"nominal": 0.96, "noise": 0.96, "mismatch": 0.97, "delay": 0.97}


@pytest.mark.parametrize("setting", RELAXED)
def test_policies_that_lose_a_rotor_lose_no_vehicle_and_earn_nearly_what_the_reference_does(
    setting,
):
    id = "drones/RotorFailure-v0"
    returns, lost, _, _ = judged(id, reference_and_policies(id), **SETTINGS[setting])
    assert not lost.any()
    reference, *policies = returns.mean(axis=1)
    assert all(earned > RELAXED[setting] * reference for earned in policies)
    assert np.mean(policies) > 0.98 * reference


def test_with_a_rotor_lost_in_wind_policies_lose_vehicles_that_the_reference_keeps():
    id = "drones/RotorFailure-v0"
    _, lost, _, _ = judged(id, reference_and_policies(id), wind=WIND)
    reference, *policies = lost.sum(axis=1)
    assert reference == 0
    assert all(count > 0 for count in policies)


#: Vehicles of 100 that the reference and that each policy loses at most where parameters are 30 % off.
OTHERS = {"drones/Gates-v0": (2, 7), "drones/Landing-v0": (0, 3), "drones/Velocity-v0": (0, 2)}


@pytest.mark.parametrize("id", OTHERS)
def test_of_100_other_vehicles_policies_lose_some_that_the_reference_does_not(id):
    found = judged(id, reference_and_policies(id), episodes=100, later=500_000, mismatch=0.3)
    reference, *policies = found[1].sum(axis=1)
    assert reference == OTHERS[id][0]
    assert reference < max(policies) == OTHERS[id][1]
