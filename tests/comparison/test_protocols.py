"""A protocol is run exactly, and nobody is judged on episodes that it was made with."""

import dataclasses
import json

import pytest
from lag_env import ID

from gym_suite import registration
from gym_suite.comparison import compare
from gym_suite.comparison.agents import resolve
from gym_suite.core.cards import PRIMARY, RANKS, Card, Protocol
from gym_suite.learning.seeds import EVALUATION_SEED, purpose_of
from gym_suite.registration import catalogue
from gym_suite.show import page_of

OURS = [id for id in registration.catalogue() if not id.startswith("lag/")]


@pytest.fixture
def short(monkeypatch):
    """The lag with a protocol that a test can afford."""
    own = Protocol(
        first_seed=70, episodes=8, horizon=50, settings=("nominal", "late"), primary="worst"
    )
    cards = {ID: dataclasses.replace(catalogue()[ID], protocol=own)}
    monkeypatch.setattr(registration, "_catalogue", {**catalogue(), **cards})
    return own


def test_seeds_settings_and_length_are_those_of_the_card(short):
    comparison = compare(ID, protocol=True, agents=["p"], progress=False)
    ran = {(e.setting.name, e.seeds, e.horizon) for e in comparison.experiments}
    assert ran == {(name, tuple(range(70, 78)), 50) for name in ("nominal", "late")}
    assert {r["seed"] for r in comparison.records} == set(short.seeds)
    assert all(r["metrics"]["steps"] <= 50 for r in comparison.records if "steps" in r["metrics"])


def test_table_and_page_tell_the_protocol_and_who_ranks_first(short, tmp_path):
    comparison = compare(ID, protocol=True, agents=["p"], progress=False)
    page = comparison.report(tmp_path).read_text("utf-8")
    for text in (" ".join(str(comparison).split()), " ".join(page.split())):
        assert f"Run by the protocol of {ID}: 8 episodes (seeds 70 to 77)" in text
        assert f"What ranks is {PRIMARY['worst']}: p 1.00" in text


@pytest.mark.parametrize(
    "given",
    [
        {"seeds": 3},
        {"seeds": 0},
        {"settings": "nominal"},
        {"settings": []},
        {"horizon": 9},
        {"keywords": {"gain": 2.0}},
        {"anchors": (0.0, 1.0)},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_a_protocol_decides_cannot_be_given_with_it(given):
    with pytest.raises(ValueError, match=f"a protocol decides {next(iter(given))}"):
        compare(ID, protocol=True, progress=False, **given)


def test_settings_that_change_nothing_are_not_told_as_run(monkeypatch, tmp_path):
    protocol = Protocol(episodes=2, horizon=20)
    assert {"mismatch", "disturbance"} < set(protocol.settings)
    id = "radio/Jamming-v0"
    changed = {**catalogue(), id: dataclasses.replace(catalogue()[id], protocol=protocol)}
    monkeypatch.setattr(registration, "_catalogue", changed)
    run = compare(id, protocol=True, agents=["zero"], progress=False)
    ran = [experiment.setting.name for experiment in run.experiments]
    assert set(run.idle[id]) == set(protocol.settings) - set(ran) != set()
    for text in (str(run), run.report(tmp_path).read_text("utf-8")):
        told = " ".join(text.split()).partition("Run by the protocol")[2].partition("What ranks")[0]
        assert [name for name in protocol.settings if name in told] == ran
        assert "not run: " in " ".join(text.split())


def test_an_id_of_another_package_has_no_protocol():
    with pytest.raises(ValueError, match="has no protocol"):
        compare("CartPole-v1", protocol=True, progress=False)


def gains_file(tmp_path, first, last):
    """Write gains as a search leaves them behind."""
    path = tmp_path / "mine.json"
    about = {
        "id": "gem/PMSM-v0",
        "agent": "pi",
        "gains": {"i_sd.kp": 1.0},
        "seeds": {"episodes": [first, last]},
    }
    path.write_text(json.dumps(about))
    return str(path)


def test_gains_are_not_judged_on_the_episodes_of_their_search(tmp_path):
    path = gains_file(tmp_path, 5, 9)
    with pytest.raises(ValueError, match=r"tuned on episode seeds 5 to 9.*seed 5"):
        compare("gem/PMSM-v0", agents=[path], settings="nominal", progress=False)
    run = compare(
        "gem/PMSM-v0", agents=[path], settings="nominal", seeds=2, horizon=20, progress=False
    )
    assert run.failed_runs == 0


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"seeds": None}, "seeds must be an object, got None"),
        ({"seeds": [200_000, 200_009]}, "seeds must be an object"),
        ({"seeds": {"episodes": 7}}, "two whole numbers.* got 7"),
        ({"seeds": {"episodes": None}}, "two whole numbers"),
        ({"seeds": {"episodes": [5]}}, "two whole numbers"),
        ({"seeds": {"episodes": ["a", "b"]}}, "two whole numbers"),
        ({"seeds": {"episodes": [9, 5]}}, "two whole numbers"),
        ({"parameters": [1]}, "parameters must be an object"),
        ({"keywords": 3}, "keywords must be an object"),
        ({"trials": "many"}, "trials must be a whole number"),
        ({"trials": -1}, "trials must be a whole number"),
    ],
)
def test_what_a_gains_file_tells_in_another_form_is_refused(told, reason, tmp_path):
    path = tmp_path / "mine.json"
    about = {"id": "gem/PMSM-v0", "agent": "pi", "gains": {"i_sd.kp": 1.0}}
    path.write_text(json.dumps(about))
    resolve([str(path)], "gem/PMSM-v0")
    path.write_text(json.dumps(about | told))
    with pytest.raises(ValueError, match=rf"mine\.json is not a gains file: .*{reason}"):
        resolve([str(path)], "gem/PMSM-v0")


def test_policies_are_not_judged_on_episodes_of_trainings():
    seed = EVALUATION_SEED + 7
    with pytest.raises(ValueError, match=f"{seed} is of those for evaluation.*below 100,000"):
        compare("gem/PMSM-v0", agents=["ppo"], settings="nominal", seeds=[seed], progress=False)


@pytest.mark.parametrize("id", OURS)
def test_protocols_keep_apart_from_what_ours_were_made_with(id):
    card = catalogue()[id]
    own = card.protocol
    assert {purpose_of(seed) for seed in own.seeds} == {"comparison"}
    assert min(own.seeds) >= 1000, "examples and defaults begin at 0"
    assert set(card.strong) <= set(card.controllers)
    assert all(card.rank(name) in RANKS for name in (*card.controllers, *card.tuned, *card.learned))
    shown = page_of(id).section("Protocol")
    assert "--protocol` runs exactly this" in shown.parts[0]


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "agv/SimpleStatic-v0", "radio/Access-v0"])
def test_metrics_of_a_protocol_are_metrics(id):
    run = compare(id, agents=["zero"], settings="nominal", seeds=1, horizon=60, progress=False)
    told = {name for record in run.records for name in record["metrics"]}
    timed = {"TimeToGoal"}  # of an episode that has reached its goal
    assert set(catalogue()[id].protocol.metrics) - timed <= told


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"episodes": 0}, "episodes"),
        ({"budget": -1}, "budget"),
        ({"settings": ()}, "at least one setting"),
        ({"primary": "worstt"}, "'worst'"),
        ({"first_seed": -1}, "first_seed"),
    ],
)
def test_a_protocol_that_says_nothing_is_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        Protocol(**wrong)


def test_a_strong_controller_must_be_one_of_the_controllers():
    with pytest.raises(ValueError, match="'zero'"):
        Card(id="lab/X-v0", family="motors", summary="x", strong=("zer",))
