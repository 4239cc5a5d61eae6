"""Equal budgets: trainings and searches had the steps that the protocol of their id gives, or the page says so."""

import dataclasses
import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite import registration
from gym_suite.comparison import leaderboard_page
from gym_suite.comparison.agents import AgentSpec, default_agents, resolve
from gym_suite.comparison.budgets import budgets
from gym_suite.comparison.rows import row_of, with_claims
from gym_suite.comparison.sources import PolicySource
from gym_suite.comparison.text import listed
from gym_suite.core.cards import OUTSIDE, Protocol
from gym_suite.learning import load_gains, load_policy, shipped
from gym_suite.learning.campaign import plan
from gym_suite.learning.gains import shipped_gains
from gym_suite.learning.policies import ExportedPolicy
from gym_suite.learning.settings import recorded_trials, settings_for
from gym_suite.learning.shelf import SHIPPED, folder_of, runs_of
from gym_suite.registration import card, catalogue

IDS = [entry.id for entry in catalogue().values() if entry.module != OUTSIDE]
ROOT = Path(__file__).resolve().parents[2]
SMALL = "radio/GilbertElliott-v0"
#: Ids whose gains were searched with fewer steps than their policies learn from, and why; the page says so.
FEWER = dict.fromkeys(
    ("drones/Hover-v0", "drones/Track-v0"),
    "searched before policies on plants that differ were given more; a search takes over a minute of a processor",
)


def trainings(id):
    """Yield setting, method and what is recorded of every training whose policies ship."""
    for setting in ("nominal", *card(id).settings):
        for method, run in runs_of(id, setting).items():
            yield setting, method, run


def searches(id):
    """Return what the gains files of an id tell, by setting and name."""
    found = {}
    for setting in ("nominal", *card(id).settings):
        for path in sorted(folder_of(id, setting).glob("*-tuned*.json")):
            found[setting, path.stem] = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("id", IDS)
def test_the_budget_of_a_protocol_is_that_of_the_largest_training_or_search(id):
    given = [settings_for(id, "ppo").steps]
    for work in plan():
        if work.id == id:
            given += [settings_for(id, m, setting=work.setting).steps for m in work.methods]
    given += [about["budget"] for about in searches(id).values()]
    assert card(id).protocol.budget == max(given), "say the true number in the family's cards.py"


@pytest.mark.parametrize("id", IDS)
def test_nothing_that_ships_is_over_the_budget_of_its_id(id):
    protocol = card(id).protocol
    for _, method, run in trainings(id):
        assert run["steps"] <= protocol.budget, method
        for policy in run["policies"]:  # ends with a whole rollout
            assert not protocol.exceeded_by(policy["steps"]), (method, policy["file"])
    for about in searches(id).values():
        assert about["steps"] <= about["budget"] <= protocol.budget


def test_every_search_that_ships_was_looked_at():
    assert sum(len(searches(id)) for id in IDS) == len(list(SHIPPED.rglob("*-tuned*.json"))) >= 48


@pytest.mark.parametrize("id", [id for id in IDS if searches(id)])
def test_a_search_had_the_steps_of_the_largest_training_or_the_page_says_that_it_had_not(id):
    own = searches(id)
    largest = {}
    for setting, _, run in trainings(id):
        largest[setting] = max(largest.get(setting, 0), run["steps"])
    fewer = {
        (setting, name)
        for setting, steps in largest.items()
        for (where, name), about in own.items()
        # Under a setting without gains of its own those of the id are meant.
        if where == (setting if any(at == setting for at, _ in own) else "nominal")
        and about["budget"] < steps
    }
    assert bool(fewer) == (id in FEWER), "search again, or give the reason here"
    told = " ".join(budgets(id, light(id)))
    assert ("Not equal budgets" in told) == bool(fewer)
    for _, name in fewer:
        assert name.rpartition("-")[0] in told.partition("searched with fewer for")[2]


def test_the_changelog_names_whose_gains_were_searched_with_fewer():
    newest = " ".join((ROOT / "CHANGELOG.md").read_text("utf-8").split())
    assert f"as those of {listed(f'`{id}`' for id in FEWER)}." in newest


def light(id):
    """The agents of an id that were trained or searched, with what their files tell, without loading them."""
    agents = [
        AgentSpec(name, "learned", PolicySource(SHIPPED / policy["file"]), steps=policy["steps"])
        for setting, name, run in trainings(id)
        if setting == "nominal"
        for policy in run["policies"]
    ]
    for name in card(id).tuned:
        gains = load_gains(shipped_gains(id, name))
        steps, rule = gains.about["budget"], gains.agent if gains.as_rule else ""
        agents.append(AgentSpec(name, "controller", gains, steps=steps, as_rule=rule))
    return agents


def test_specifications_tell_what_the_files_of_policies_and_gains_tell():
    specs = {spec.name: spec for spec in resolve(None, "gem/PMSM-v0")}
    assert specs["ppo"].steps == runs_of("gem/PMSM-v0")["ppo"]["policies"][-1]["steps"]
    assert specs["pi-tuned"].steps == 6_000_000 and not specs["pi-tuned"].as_rule
    assert specs["pi"].steps is None and specs["pi"].trials is None


@pytest.mark.parametrize(
    ("steps", "over"), [(None, False), (2e6, False), (2_007_040, False), (2_100_000, True)]
)
def test_a_budget_is_exceeded_by_more_than_the_rest_of_a_rollout(steps, over):
    assert Protocol().exceeded_by(steps) == over


@pytest.fixture(scope="module")
def greedy(tmp_path_factory):
    """A policy file that tells of a thousand million steps."""
    policy = load_policy(shipped(SMALL, "ppo")[0])
    told = {**policy.provenance, "steps": 10**9}
    path = tmp_path_factory.mktemp("policies") / "greedy.npz"
    ExportedPolicy({**policy.meta, "provenance": told}, policy.arrays).save(path)
    return path


@pytest.fixture(scope="module")
def result(greedy):
    """That policy beside those that ship."""
    return gym_suite.compare(
        SMALL,
        agents=["ppo", str(greedy)],
        seeds=2,
        horizon=20,
        settings="nominal",
        progress=False,
    )


def test_pages_mark_an_agent_that_is_over_budget_and_no_other(result, tmp_path):
    over = {row.name for row in result.summary() if row.over_budget}
    assert over == {"greedy"}
    text = " ".join(str(result).split())
    assert "greedy (over budget)" in text and text.count("(over budget)") == 1
    assert "gives a training or a search 1,500,000 environment steps. More were taken for" in text
    page = (result.report(tmp_path)).read_text("utf-8")
    assert page.count('<b class="bad">over budget</b>') == 1
    assert "taken for greedy (1,000,000,000)." in page
    assert "1,507,328" in page  # what ppo took is told where it describes itself


def test_the_leaderboard_marks_who_is_over_budget(greedy, tmp_path, monkeypatch):
    entry = card(SMALL)
    protocol = Protocol(episodes=2, horizon=20, settings=("nominal",), budget=entry.protocol.budget)
    changed = {**catalogue(), SMALL: dataclasses.replace(entry, protocol=protocol)}
    monkeypatch.setattr(registration, "_catalogue", changed)
    agents = ["ppo", str(greedy)]
    result = gym_suite.compare(SMALL, agents=agents, protocol=True, progress=False)
    row = json.loads(json.dumps(row_of(result, SMALL, {})))
    told = {agent["name"]: (agent["steps"], agent["over_budget"]) for agent in row["agents"]}
    assert told["greedy"] == (10**9, True) and not told["ppo"][1] and told["zero"] == (None, False)
    about = {"version": "0", "protocol": True, "episodes": None, "steps": None}
    path = leaderboard_page.write_page(with_claims([row]), about, tmp_path / "index.html", {})
    page = path.read_text("utf-8")
    assert page.count("; over budget") == 1 and "taken for greedy (1,000,000,000)." in page


def test_gains_that_are_the_rules_are_told_apart_from_those_that_are_not():
    """Every shipped file against what the rule gives today."""
    same = set()
    for id in IDS:
        for name in card(id).tuned:
            found = load_gains(shipped_gains(id, name))
            env = gymnasium.make(id, **card(id).anywhere)
            rule = gym_suite.make_controller(env, found.agent, **found.parameters).hyperparameters_
            env.close()
            alike = [np.allclose(rule[k].default, v, rtol=1e-9) for k, v in found.gains.items()]
            assert found.as_rule == all(alike), (id, name)
            if found.as_rule:
                same.add(id)
                (told,) = (words for words in budgets(id, light(id)) if "found nothing" in words)
                assert told.startswith(f"{name} is {found.agent} by its rule")
    assert len(same) == 14


def test_one_controller_under_two_names_is_told_as_one():
    id = "gem/PMSM-Torque-v0"
    assert "pi-tuned" in default_agents(id)
    result = gym_suite.compare(
        id, agents=["pi-tuned"], seeds=2, horizon=20, settings="nominal", progress=False
    )
    trials = load_gains(shipped_gains(id, "pi-tuned")).about["trials"]
    told = f"pi-tuned is pi by its rule: the search of its gains found nothing better in {trials}"
    assert told in " ".join(str(result).split())
    returns = {r["agent"]["name"]: [] for r in result.records}
    for record in result.records:
        returns[record["agent"]["name"]].append(record["metrics"]["return"])
    assert returns["pi"] == returns["pi-tuned"]


def test_a_controller_with_parameters_of_its_own_is_not_the_rules(tmp_path):
    path = tmp_path / "gains.json"
    gains = {"i_sd.kp": 1.0}
    about = {"id": "gem/PMSM-v0", "agent": "pi", "gains": gains}
    for more, same in (
        ({"rule": gains}, True),
        ({}, False),
        ({"rule": {"i_sd.kp": 1.1}}, False),
        ({"rule": gains, "parameters": {"decoupling": 0.5}}, False),
    ):
        path.write_text(json.dumps(about | more))
        assert load_gains(path).as_rule == same


def test_of_everything_that_ships_the_trials_are_told():
    for work in plan():
        for method in work.methods:
            assert recorded_trials(work.id, method, setting=work.setting), (work.id, method)
    specs = [spec for spec in resolve(["ppo"], "gem/PMSM-v0") if spec.name == "ppo"]
    assert {spec.trials for spec in specs} == {3}  # nobody had counted: from the history
    jamming = resolve(["ppo"], "radio/Jamming-v0")
    counted = runs_of("radio/Jamming-v0")["ppo"]["tuning_trials"]
    assert counted and {spec.trials for spec in jamming if spec.name == "ppo"} == {counted}


def test_what_a_page_says_of_trials(result, tmp_path):
    text = result.report(tmp_path).read_text("utf-8")
    assert "at least 2" in text  # of those that ship
    assert "not recorded" in text  # of a file from elsewhere
