"""The table of what agents of electric drives earn, and the README's sentence on who wins, are what the ladders say."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from gym_suite import ladders
from gym_suite.learning.gains import shipped_gains
from gym_suite.registration import card

ROOT = Path(__file__).resolve().parents[1]
RECORDED = json.loads(ladders.FILE.read_text("utf-8"))


@pytest.fixture
def drive_ladders(monkeypatch):
    """The script that writes the page."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import drive_ladders

    return drive_ladders


#: The PI cascade of gem/PMSM-Sensorless-v0 by the names that its observer gives it.
CASCADES = {"emf": "pi", "emf-tuned": "pi-tuned"}


def rungs(id):
    return {CASCADES.get(rung["name"], rung["name"]): rung for rung in RECORDED[id]["rungs"]}


@cache
def shown():
    """Return the ids of drives whose ladders belong to what ships."""
    return [id for id in RECORDED if id.startswith("gem/") and ladders.ladder_of(id) is not None]


def test_the_page_and_the_readme_say_what_the_recorded_ladders_say(drive_ladders):
    again = "write it anew: python docs/drive_ladders.py"
    assert drive_ladders.FILE.read_text("utf-8") == drive_ladders.page(), again
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert drive_ladders.sentence() in readme, again


def test_every_id_of_drives_has_a_row_with_its_own_numbers(drive_ladders):
    titles = ["zero", "pi", "pi-tuned", "deadbeat", "mpc", "ppo"]
    table = drive_ladders.page().partition("## Every id")[2]
    rows = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].startswith("`gem/"):
            rows[cells[0].strip("`")] = dict(zip(titles, cells[1:], strict=True))
    assert list(rows) == [entry.id for entry in drive_ladders.cards()]
    for id in shown():
        own, row = rungs(id), rows[id]
        for name in ("pi", "pi-tuned", "deadbeat", "ppo"):
            if name not in own:
                expected = "no .* for this id|not tuned|not trained|none: |as `fcs-mpc`|not built: "
                if name in card(id).controllers:
                    expected = "not recorded"
                assert re.search(expected, row[name]), (id, name)
                continue
            nominal, other = row[name].split("; ")
            returns = own[name]["returns"]
            lowest = min(returns, key=lambda setting: returns[setting][0])
            for text, setting in ((nominal, "nominal"), (other, lowest)):
                assert setting == "nominal" or text.startswith(setting)
                numbers = [float(n) for n in re.findall(r"[0-9.]+", text)[:3]]
                assert numbers == pytest.approx(returns[setting], rel=1e-3, abs=0.5), (id, name)
                failed = re.search(r"\((\d+) % failed\)", text)
                share = float(failed.group(1)) / 100.0 if failed else 0.0
                assert own[name]["failures"][setting] == pytest.approx(share, abs=0.006)
        if "pi" in own:
            assert row["pi-tuned"] != "no PI law for this id"
        for name in ("mpc", "mpc-soft", "fcs-mpc"):
            assert (f"`{name}`" in row["mpc"]) == (name in own)


@pytest.mark.parametrize("name", ["pi-tuned", "deadbeat", "mpc", "mpc-soft", "ppo"])
def test_an_agent_is_counted_where_its_interval_lies_above_that_of_pi(drive_ladders, name):
    recorded = drive_ladders.ladders()
    for nominal in (True, False):
        verdicts = []
        for id in shown():
            own = rungs(id)
            if name in own and "pi" in own:
                ends = []
                for agent in (name, "pi"):
                    returns = own[agent]["returns"]
                    worst = min(returns.values(), key=lambda told: told[0])
                    ends.append((returns["nominal"] if nominal else worst)[1:])
                (low, high), (pi_low, pi_high) = ends
                verdicts.append((low > pi_high) - (high < pi_low))
        found = drive_ladders.tally(name, recorded, nominal=nominal)
        counted = len(verdicts), verdicts.count(1), verdicts.count(-1)
        assert (found.ids, found.above, found.below) == counted


def test_a_search_that_came_back_to_the_rule_is_one_controller_and_counted_once(drive_ladders):
    same, other = set(), set()
    for id in shown():
        tuned = {CASCADES.get(name, name): name for name in card(id).tuned}
        if "pi-tuned" in rungs(id) and "pi" in rungs(id):
            told = json.loads(shipped_gains(id, tuned["pi-tuned"]).read_text("utf-8"))
            (same if told["gains"] == told["rule"] else other).add(id)
    assert same and other
    for id in same:  # one controller earns the same under both names
        own = rungs(id)
        for setting, told in own["pi"]["returns"].items():
            assert own["pi-tuned"]["returns"][setting][0] == pytest.approx(told[0], rel=1e-3)
    page, readme = drive_ladders.page(), " ".join((ROOT / "README.md").read_text("utf-8").split())
    marked = {
        line.split("`")[1]
        for line in page.splitlines()
        if line.startswith("| `gem/") and "by the rule's gains: none better was found" in line
    }
    assert marked == same
    found = drive_ladders.tally("pi-tuned", drive_ladders.ladders(), nominal=True)
    assert (found.same, found.ids) == (len(same), len(same | other))
    assert found.untold == len(other) - found.above - found.below
    counted = (
        f"`pi-tuned` more on {found.above} of {len(other)} ids where its search found other gains"
    )
    assert f"{counted} than the rule's (on {len(same)} it found none better)" in readme
    head = (
        f"| `pi-tuned` | {found.ids} | {len(same)} | {found.above}, {found.below}, {found.untold} |"
    )
    assert head in page
    newest = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"On {len(same)} of them nothing better than the rule's gains was found" in newest


def trials_of(id):
    return json.loads(shipped_gains(id, "pi-tuned").read_text("utf-8"))["trials"]


def test_an_id_whose_ladder_is_of_another_behaviour_is_not_told(drive_ladders, monkeypatch):
    monkeypatch.setattr(drive_ladders, "ladder_of", lambda id: None)
    page = drive_ladders.page()
    assert page.count("| not recorded |") == len(drive_ladders.cards())
    assert drive_ladders.tally("mpc", drive_ladders.ladders(), nominal=True).ids == 0
    assert card("gem/PMSM-v0") in drive_ladders.cards()


def test_deadbeat_control_earns_more_than_pi_nominally_and_mostly_less_with_noise():
    gains = {"nominal": [], "noise": []}
    for id in shown():
        own = rungs(id)
        if {"pi", "deadbeat"} <= set(own) and "speed" not in card(id).tags:
            for setting, found in gains.items():
                found.append(
                    own["deadbeat"]["returns"][setting][0] - own["pi"]["returns"][setting][0]
                )
    assert len(gains["nominal"]) >= 22
    assert min(gains["nominal"]) > 0.0
    assert sum(gain < 0.0 for gain in gains["noise"]) > len(gains["noise"]) / 2


#: Drives told torques, a commutated one, two masses and a doubly fed one, with the laws that know their model, and the
#: settings in which such a law earns less than PI control by rule.
LESS = {
    ("PermExDc-Speed", "deadbeat"): set(),
    ("ShuntDc-Speed", "deadbeat"): set(),
    ("ExtExDc-Speed", "deadbeat"): {"delay"},
    ("BLDC-Speed", "deadbeat"): set(),
    ("PMSM-DriveCycle", "deadbeat"): set(),
    ("PermExDc-Position", "deadbeat"): {"disturbance"},
    ("PermExDc-Position", "mpc"): set(),
    ("ExtExDc-Position", "deadbeat"): set(),
    ("ExtExDc-Position", "mpc"): {"mismatch"},
    ("BLDC", "deadbeat"): {"noise"},
    ("BLDC", "mpc"): {"noise"},
    ("BLDC", "mpc-soft"): {"noise"},
    ("DFIM-Speed", "mpc"): {"noise"},
    ("DFIM-Speed", "mpc-soft"): {"noise"},
    ("PMSM-TwoMass", "mpc"): set(),
}


@pytest.mark.parametrize(("name", "agent"), LESS)
def test_laws_that_know_the_shaft_earn_more_nominally_and_less_in_single_settings(name, agent):
    own = rungs(f"gem/{name}-v0")
    rule, law = own["pi"], own[agent]
    assert law["returns"]["nominal"][0] > rule["returns"]["nominal"][0]
    assert law["failures"]["nominal"] == 0.0
    less = {s for s, found in law["returns"].items() if found[0] < rule["returns"][s][0]}
    assert less == LESS[name, agent]
    oftener = {s for s, share in law["failures"].items() if share > rule["failures"][s]}
    assert oftener == ({"mismatch"} if (name, agent) == ("ExtExDc-Position", "mpc") else set())


def test_without_a_sensor_deadbeat_currents_earn_as_the_cascade_and_more_drives_trip_with_mismatch():
    own = rungs("gem/PMSM-Sensorless-v0")
    for name in ("deadbeat", "mpc"):
        assert own[name]["returns"]["nominal"] == pytest.approx(
            own["pi"]["returns"]["nominal"], rel=1e-3
        )
        assert own[name]["failures"]["mismatch"] > own["pi"]["failures"]["mismatch"] == 0.0
        assert own[name]["failures"]["nominal"] == 0.0


def test_with_mismatch_single_episodes_trip_of_the_laws_that_know_the_model():
    """As the changelog lists them: one of eight episodes, where none does by the law that it is put beside."""
    newest = " ".join((ROOT / "CHANGELOG.md").read_text("utf-8").split())
    with_currents = [id for id in shown() if not {"speed", "position"} & set(card(id).tags)]
    tripping = set()
    for id in with_currents:
        own = rungs(id)
        if "pi" in own and "deadbeat" in own and own["pi"]["failures"]["mismatch"] == 0.0:
            share = own["deadbeat"]["failures"]["mismatch"]
            assert share in (0.0, 0.125)
            if share:
                tripping.add(id)
    *most, last = (f"`{id}`" for id in sorted(tripping))
    told = f"of {', '.join(most)} and {last}."
    assert (
        f"one of the eight episodes of the ladder trips where none does under `pi`: {told}"
        in newest
    )
    own = rungs("gem/EESM-v0")
    assert [own[n]["failures"]["mismatch"] for n in ("deadbeat", "mpc", "mpc-soft")] == [
        0,
        0.125,
        0.125,
    ]
