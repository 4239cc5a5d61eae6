"""What the documentation prints of policies in Bullet, in wind and on the measured model is of what ships."""

import json
import sys
from pathlib import Path

import pytest

from gym_suite.behaviour import recorded as behaviours
from gym_suite.learning.shelf import files_of

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def elsewhere():
    sys.path.insert(0, str(DOCS))
    try:
        import elsewhere
    finally:
        sys.path.remove(str(DOCS))
    return elsewhere


def test_all_quadcopters_with_policies_are_judged_as_they_are_and_with_what_ships(elsewhere):
    told = elsewhere.results()
    assert sorted(told) == sorted(elsewhere.ids())
    for id, entry in told.items():
        assert entry["behaviour"] == behaviours()[id]
        assert entry["files"] == files_of(id)
        assert list(entry["places"]) == elsewhere.places_of(id)
        for found in entry["places"].values():
            assert list(found) == elsewhere.agents_of(id)


def test_the_measured_model_is_that_of_a_crazyflie_alone(elsewhere):
    assert elsewhere.places_of("drones/Landing-v0") == list(elsewhere.PLACES)
    assert elsewhere.places_of("drones/RotorFailure-v0") == ["compiled", "Bullet", "wind"]


@pytest.mark.parametrize("place", ["compiled", "wind", "measured"])
def test_a_judgement_anew_finds_what_was_recorded(elsewhere, place):
    id = "drones/Landing-v0"
    agents = elsewhere.agents_of(id)
    again = elsewhere.judge(id, place, agents)
    recorded = elsewhere.results()[id]["places"][place]
    for name in agents:
        assert again[name] == pytest.approx(recorded[name], rel=1e-3, abs=1e-3)


def test_the_table_has_a_row_for_each_agent_and_a_column_for_each_place(elsewhere):
    lines = elsewhere.table().splitlines()[2:]
    assert lines[0].count("|") == len(elsewhere.PLACES) + 3
    assert len(lines) == 2 + sum(len(elsewhere.agents_of(id)) for id in elsewhere.ids())
    told = json.loads(elsewhere.FILE.read_text("utf-8"))["drones/Velocity-v0"]["places"]["wind"]
    row = next(line for line in lines if line.startswith("| drones/Velocity-v0 | ppo-dagger |"))
    assert f"{told['ppo-dagger'][0]:.3g}" in row
