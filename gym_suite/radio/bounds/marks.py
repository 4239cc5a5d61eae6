"""The figures that stand beside an id's results: computed bounds and what the papers published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gym_suite.core.marks import Mark
from gym_suite.radio.bounds import gilbert_elliott
from gym_suite.radio.bounds.bands import ceilings, unseen
from gym_suite.radio.bounds.planning import Rules
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.reading import read_scenario

_ICMLA = "tabular Q-learning after 100 episodes, arXiv 2401.05406 (ICMLA 2023)"
#: Scenario to the returns published for it: name, value, meaning.
PUBLISHED: Mapping[str, tuple[tuple[str, float, str], ...]] = {
    "paper_s1": (("Q-learning (paper)", 98.0, f"{_ICMLA}: about 98"),),
    "paper_s2": (("Q-learning (paper)", 33.0, f"{_ICMLA}: converges to 33 without memory"),),
    "paper_s3": (("Q-learning (paper)", 100.0, f"{_ICMLA}: reaches the optimum, no number given"),),
    "paper_s4": (
        ("Q-learning, low (paper)", 75.0, f"{_ICMLA}: from 25, then noisy between 75 and 100"),
        ("Q-learning, high (paper)", 100.0, f"{_ICMLA}: from 25, then noisy between 75 and 100"),
    ),
}
#: Terms of the reward that the bounds reckon with.
KNOWN_TERMS = frozenset({"reward_access", "reward_switching"})
_SAME = {"scenario_1": "paper_s1", "scenario_2": "paper_s2"}


def scenario_marks(
    scenario: Scenario, keywords: Mapping[str, Any], terms: Sequence[str], steps: int
) -> tuple[Mark, ...]:
    """Return the figures of a setup with one agent.

    Args:
        scenario: The band.
        keywords: The resolved keyword arguments of the setup.
        terms: Names of the reward's terms. With one that these bounds do not know they would be of another reward.
        steps: Steps of an episode; at most the scenario's.
    """
    if unknown := set(terms) - KNOWN_TERMS:
        text = f"not known with the reward's {', '.join(sorted(unknown))}"
        return (Mark("clairvoyant", None, "bound", text),)
    published = _published(scenario) if steps == scenario.steps else ()
    scenario = replace(scenario, steps=min(steps, scenario.steps))
    rules = Rules.of(keywords)
    if rules is None:  # what a step earns follows from the link, which these bounds do not know
        return (Mark("clairvoyant", None, "bound", "not known for this reward"),)
    found = ceilings(scenario, rules=rules)
    how = "" if not found.episodes else f"; mean over {found.episodes} episodes"
    shown = keywords["physics"] == "perfect" and keywords["sensing"] == "all"
    marks = []
    if shown:
        text = "best map from RFRL Gym's occupancy vector to an action"
        marks.append(Mark("memoryless", found.memoryless, "ceiling", text + how))
    if keywords["sensing"] == "own":
        marks.append(_own_channel(scenario, rules, late=keywords["delay"] > 0))
    text = "knows who is where and what entities remember, not the draws to come"
    plain = keywords["delay"] == 0 and keywords["noise"] is None
    known = shown and plain and not unseen(scenario)
    name, kind = ("optimum", "optimum") if known else ("full state", "bound")
    marks.append(Mark(name, found.optimum, kind, text))
    text = "knows besides who transmits where in the coming step"
    marks.append(Mark("clairvoyant", found.clairvoyant, "bound", text + how))
    if shown and rules == Rules():
        marks += [Mark(label, value, "published", text) for label, value, text in published]
    return tuple(marks)


def _own_channel(scenario: Scenario, rules: Rules, *, late: bool) -> Mark:
    """Return the optimum where only the used channel is sensed; where actions are late it is a bound."""
    entities = scenario.entities
    plain = rules.switching_cost == 0.0 and [e.channels for e in entities] == [
        (c,) for c in range(scenario.channels)
    ]
    found = None
    if plain and all(e.kind == "gilbert_elliott" and e.on_off[2] == 0 for e in entities):
        found = gilbert_elliott.optimum(
            [e.p01 for e in entities],
            [e.p11 for e in entities],
            steps=scenario.steps,
            lost=rules.lost,
        )
    text = "senses only the channel that it uses"
    if found is None:
        return Mark("optimum", None, "optimum", text)
    if late:
        return Mark("without delay", found.value, "bound", f"{text}, and acts at once")
    if found.error:
        text += f"; the myopic policy, simulated, standard error {found.error:.2g}"
    return Mark("optimum", found.value, "optimum", text)


def _published(scenario: Scenario) -> tuple[tuple[str, float, str], ...]:
    """Return what was published for exactly this scenario."""
    name = _SAME.get(scenario.name, scenario.name)
    if name not in PUBLISHED:
        return ()
    same = read_scenario(scenario.name).to_dict() == scenario.to_dict()
    return PUBLISHED[name] if same else ()
