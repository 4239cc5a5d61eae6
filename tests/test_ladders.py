"""The recorded ladders are what the comparison gives, of ids as they are now, in the order of the ranks."""

import json
import re
from pathlib import Path

import pytest

from gym_suite import ladders
from gym_suite.core.cards import OUTSIDE, RANKS
from gym_suite.registration import card, catalogue

RECORDED = sorted(json.loads(ladders.FILE.read_text("utf-8")))


@pytest.mark.parametrize("id", RECORDED)
def test_a_ladder_has_all_agents_of_its_id_from_doing_nothing_on(id):
    ladder = ladders.ladder_of(id)
    if ladder is None:
        pytest.skip("the id has changed since; its page shows no ladder")
    entry = card(id)
    names = [rung.name for rung in ladder.rungs]
    assert names[0] == "zero"
    assert entry.reference in names
    assert {rung.rank for rung in ladder.rungs} <= set(RANKS)
    assert ladder.settings[0] == "nominal"
    assert set(ladder.settings) <= set(entry.protocol.settings)
    assert ladder.seeds[0] == entry.protocol.first_seed


def test_a_ladder_is_what_the_command_records(tmp_path, monkeypatch):
    shipped = ladders.ladder_of("radio/GilbertElliott-v0")
    assert shipped is not None
    monkeypatch.setattr(ladders, "FILE", tmp_path / "ladders.json")
    assert ladders.ladder_of("radio/GilbertElliott-v0") is None
    ladders.main(["radio/GilbertElliott-v0"])
    again = ladders.ladder_of("radio/GilbertElliott-v0")
    assert again is not None
    for old, new in zip(shipped.rungs, again.rungs, strict=True):
        assert (old.name, old.rank, old.trainings) == (new.name, new.rank, new.trainings)
        assert old.failures == new.failures
        for setting, told in old.returns.items():
            assert new.returns[setting] == pytest.approx(told, rel=1e-3), (old.name, setting)


def test_an_agent_that_is_new_is_judged_beside_the_others_as_they_stand(tmp_path, monkeypatch):
    id, name = "radio/GilbertElliott-v0", "markov"
    shipped = json.loads(ladders.FILE.read_text("utf-8"))[id]
    (new,) = (rung for rung in shipped["rungs"] if rung["name"] == name)
    others = [rung for rung in shipped["rungs"] if rung is not new]
    others[1]["returns"]["nominal"][0] = 0.25  # which is not judged again
    monkeypatch.setattr(ladders, "FILE", tmp_path / "ladders.json")
    ladders.FILE.write_text(json.dumps({id: shipped | {"rungs": others}}), "utf-8")
    ladders.main([id, "--add", name])
    made = json.loads(ladders.FILE.read_text("utf-8"))[id]
    assert [rung["name"] for rung in made["rungs"]] == [rung["name"] for rung in shipped["rungs"]]
    (again,) = (rung for rung in made["rungs"] if rung["name"] == name)
    assert again["returns"]["nominal"] == pytest.approx(new["returns"]["nominal"], rel=1e-3)
    assert made["rungs"] != others
    assert [rung for rung in made["rungs"] if rung is not again] == others
    ladders.FILE.write_text(json.dumps({id: shipped | {"behaviour": "otherwise"}}), "utf-8")
    with pytest.raises(ValueError, match="record it anew without --add"):
        ladders.main([id, "--add", name])


def test_a_ladder_of_another_behaviour_is_not_shown(monkeypatch):
    monkeypatch.setattr(ladders, "behaviours", lambda: {"radio/GilbertElliott-v0": "otherwise"})
    assert ladders.ladder_of("radio/GilbertElliott-v0") is None


@pytest.mark.parametrize("id", RECORDED)
def test_a_ladder_judged_the_policies_and_gains_that_ship_now(id):
    recorded = json.loads(ladders.FILE.read_text("utf-8"))[id]
    assert recorded["files"] == ladders.files_of(id), "record it anew: python -m gym_suite.ladders"


def test_a_ladder_of_other_policies_is_not_shown(monkeypatch):
    assert ladders.ladder_of("radio/Access-v0") is not None
    monkeypatch.setattr(ladders, "files_of", lambda id: "others")
    assert ladders.ladder_of("radio/Access-v0") is None


def test_doing_nothing_earns_less_than_the_reference():
    for id in RECORDED:
        ladder = ladders.ladder_of(id)
        if ladder is None:
            continue
        nominal = {rung.name: rung.returns["nominal"][0] for rung in ladder.rungs}
        assert nominal["zero"] < nominal[card(id).reference], id


def test_every_id_of_one_agent_has_a_ladder_as_the_changelog_says():
    ids = [e.id for e in catalogue().values() if e.module != OUTSIDE and e.agents != "several"]
    have = [id for id in ids if ladders.ladder_of(id) is not None]
    newest = (Path(__file__).parents[1] / "CHANGELOG.md").read_text("utf-8")
    assert f"has recorded it ({len(have)} of {len(ids)} ids)" in newest


def test_an_id_for_several_agents_has_no_ladder():
    with pytest.raises(ValueError, match="several agents"):
        ladders.judge("radio/JammingGame-v0")


def test_what_a_delay_costs_laws_that_do_not_know_it_is_what_the_page_says():
    page = Path(__file__).parents[1] / "docs/theory/drives.md"
    told = re.findall(
        r"^\| `([\w-]+)` +\| (\d+) +\| (\d+) +\|$", page.read_text("utf-8"), re.MULTILINE
    )
    ladder = ladders.ladder_of("gem/PMSM-v0")
    assert ladder is not None
    rungs = {rung.name: rung for rung in ladder.rungs}
    late = {}
    for name, nominal, delay in told:
        returns = rungs[name].returns
        assert [returns[s][0] for s in ("nominal", "delay")] == pytest.approx(
            [float(nominal), float(delay)], abs=0.6
        )
        assert rungs[name].failures["delay"] == 0.0
        late[name] = returns["delay"][0]
    assert max(late[name] for name in ("deadbeat", "mpc", "pi-predicted")) < late["pi"]
    assert late["pi"] < late["mpc-soft"]
