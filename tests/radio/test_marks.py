"""The figures beside an id's results: what they are, what they say, and that nobody beats a bound."""

import pickle

import gymnasium
import pytest

import gym_suite
from gym_suite.radio import read_scenario


def marks(id, steps=None, **keywords):
    setup = gymnasium.make(id, **keywords).unwrapped.setup
    setup = pickle.loads(pickle.dumps(setup))
    return {mark.name: mark for mark in setup.marks(steps or setup.horizon)}


def test_a_paper_s_scenario_stands_beside_its_published_result():
    found = marks("radio/Jamming-v0", scenario="paper_s2")
    assert {name: mark.value for name, mark in found.items()} == {
        "memoryless": 34.0,
        "optimum": 100.0,
        "clairvoyant": 100.0,
        "Q-learning (paper)": 33.0,
    }
    assert [mark.kind for mark in found.values()] == ["ceiling", "optimum", "bound", "published"]
    assert "2401.05406" in found["Q-learning (paper)"].meaning


@pytest.mark.parametrize(
    "keywords",
    [
        {"scenario": read_scenario("paper_s2").to_dict() | {"steps": 50}},
        {"scenario": "paper_s2", "observation": "detect"},
        {"scenario": "paper_s2", "reward": "throughput"},
        {"scenario": "paper_s2", "switching_cost": 0.1},
        {"scenario": "paper_s2", "sensing": "own"},
    ],
    ids=str,
)
def test_published_results_only_where_the_settings_correspond(keywords):
    found = marks("radio/Jamming-v0", **({"scenario": "paper_s2"} | keywords))
    assert "published" not in {mark.kind for mark in found.values()}


def test_marks_follow_horizon_and_reward():
    keywords = {"jammer": {"kind": "random_jammer", "width": 3}, "reward": "throughput"}
    found = marks("radio/AntiJamming-v0", steps=50, **keywords)
    assert found["optimum"].value == pytest.approx(35.0)  # 1 - m / C of the steps
    assert found["clairvoyant"].value == pytest.approx(50.0)
    found = marks("radio/AntiJamming-v0", jammer={"kind": "follower", "reaction": 0.0})
    assert found["optimum"].value == 0.0  # whoever transmits is jammed at once


def test_gilbert_elliott_stands_beside_the_partially_observed_optimum():
    found = marks("radio/GilbertElliott-v0", channels=2)
    assert found["optimum"].value == pytest.approx(200 * 0.65, abs=0.5)
    assert found["clairvoyant"].value == pytest.approx(200 * 0.75)
    assert found["optimum"].value < found["full state"].value < found["clairvoyant"].value + 1e-9
    many = marks("radio/GilbertElliott-v0", channels=4, p01=0.8, p11=0.2)
    assert many["optimum"].value is None


IDS = [c.id for c in gym_suite.catalogue().values() if c.family == "radio" and c.entry_point]


@pytest.mark.parametrize("id", IDS)
def test_every_id_and_setting_states_its_bounds(id):
    card = gym_suite.card(id)
    for keywords in ({}, *card.settings.values()):
        found = marks(id, **keywords)
        assert found["clairvoyant"].kind == "bound"
        known = [m.value for m in found.values() if m.kind != "published" and m.value is not None]
        assert known == sorted(known)
        assert found["clairvoyant"].value == max(known)
        assert all(mark.meaning for mark in found.values())
