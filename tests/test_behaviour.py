"""An id's behaviour is frozen: its hash says whether it still is what it was."""

import json

import pytest

from gym_suite import behaviour
from gym_suite.core import kernel
from gym_suite.core.cards import OUTSIDE
from gym_suite.registration import card, catalogue, id_class_of

IDS = tuple(entry.id for entry in catalogue().values() if entry.module != OUTSIDE)


@pytest.mark.parametrize("id", IDS)
def test_an_id_behaves_as_it_did_when_its_version_was_registered(id):
    assert behaviour.behaviour_of(id) == behaviour.recorded().get(id), (
        f"{id} behaves otherwise than recorded. Whoever trained on it or published a score relies on it: register a "
        "new version of the id, or undo the change. For a new id, write the table: python -m gym_suite.behaviour ID"
    )


@pytest.mark.parametrize("id", IDS)
def test_an_id_behaves_as_it_did_under_noise_mismatch_delay_and_disturbance(id):
    assert behaviour.behaviour_in_settings_of(id) == behaviour.recorded_in_settings().get(id), (
        f"{id} behaves otherwise than recorded where its plant is not the nominal one. What a policy met in training "
        "and what a ladder was recorded under are others now: undo the change, or register a new version of the id, "
        "record its ladder anew and write the tables: python -m gym_suite.behaviour ID"
    )


def test_the_tables_hold_the_packages_ids_and_no_others():
    assert set(behaviour.recorded()) == set(behaviour.recorded_in_settings()) == set(IDS)


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "drones/Hover-v0", "agv/SimpleStatic-v0"])
def test_a_change_of_each_departure_from_the_nominal_plant_is_noticed_and_nominally_nothing_is(
    id, monkeypatch
):
    before, nominal = behaviour.behaviour_in_settings_of(id), behaviour.behaviour_of(id)
    seen = {before}
    for name in ("NOISE", "MISMATCH", "DELAY", "DISTURBANCE"):
        with monkeypatch.context() as changed:
            changed.setattr(behaviour, name, 2 * getattr(behaviour, name))
            seen.add(behaviour.behaviour_in_settings_of(id))
            assert behaviour._hash(id, {}, card(id).max_episode_steps) == nominal
    assert len(seen) == 5
    assert behaviour.behaviour_in_settings_of(id) == before


def test_every_departure_from_the_nominal_plant_is_in_the_hash_of_an_id_that_it_touches():
    touched = {"noise": 0, "mismatch": 0, "delay": 0, "disturbance": 0}
    for id in IDS:
        setup = id_class_of(id).configure()
        found = behaviour._settings(setup)
        assert "delay" in found
        assert ("mismatch" in found) == bool(setup.plant_parameters)
        assert set(found.get("disturbance", ())) == set(setup.disturbances)
        for name in found:
            touched[name] += 1
    assert min(touched.values()) > 50, touched


def test_another_reward_is_another_behaviour_and_the_same_one_is_not():
    id = "gem/PMSM-v0"
    same = behaviour.behaviour_of(id)
    assert behaviour.behaviour_of(id, {}) == same
    assert behaviour.behaviour_of(id, {"max_episode_steps": card(id).max_episode_steps}) == same
    for keywords in ({"tau": 5e-5}, {"error_exponent": 1.0}, {"max_episode_steps": 100}):
        assert behaviour.behaviour_of(id, keywords) != same


def test_it_is_computed_once_for_the_same_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(behaviour, "cache_root", lambda: tmp_path)
    first = behaviour.behaviour_of("gem/PMSM-v0")
    (name,) = json.loads((tmp_path / "behaviours.json").read_text())
    assert name.startswith(kernel.source_digest("motors"))
    monkeypatch.setattr(behaviour, "_hash", lambda *arguments: "computed again")
    assert behaviour.behaviour_of("gem/PMSM-v0") == first
    (tmp_path / "behaviours.json").write_text("damaged")
    assert behaviour.behaviour_of("gem/PMSM-v0") == "computed again"


def test_unknown_ids_and_keywords_are_refused_by_name():
    with pytest.raises(ValueError, match="gem/PMSM-v0"):
        behaviour.behaviour_of("gem/PMSN-v0")
    with pytest.raises(ValueError, match="'tau'"):
        behaviour.behaviour_of("gem/PMSM-v0", {"tua": 1e-4})


def test_the_tables_are_written_by_one_command(tmp_path, monkeypatch):
    monkeypatch.setattr(behaviour, "TABLE", tmp_path / "behaviours.json")
    monkeypatch.setattr(behaviour, "behaviour_of", lambda id: f"hash of {id}")
    monkeypatch.setattr(behaviour, "behaviour_in_settings_of", lambda id: f"other of {id}")
    behaviour.main()
    assert behaviour.recorded() == {id: f"hash of {id}" for id in IDS}
    assert behaviour.recorded_in_settings() == {id: f"other of {id}" for id in IDS}
    monkeypatch.setattr(behaviour, "behaviour_in_settings_of", lambda id: f"new of {id}")
    behaviour.main(["gem/PMSM-v0"])
    assert set(behaviour.recorded()) == set(IDS)
    told = behaviour.recorded_in_settings()
    assert {id for id in IDS if told[id].startswith("new")} == {"gem/PMSM-v0"}
