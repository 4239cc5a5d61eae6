"""What agents were trained or searched with: more steps than others, fewer, or for nothing.

The protocol of an id gives every training and every search of gains the same number of environment steps. Nobody is
refused for having had another; it is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from gym_suite.comparison.agents import AgentSpec
from gym_suite.comparison.text import listed
from gym_suite.core.cards import ROUNDED
from gym_suite.registration import catalogue

__all__ = ["budgets", "over_budget"]


def over_budget(id: str, trainings: Sequence[AgentSpec]) -> bool:
    """Whether one of an agent's trainings, or its search, had more steps than the protocol of an id gives.

    Args:
        id: environment id; one that is not of this package gives no budget.
        trainings: specifications of one agent.
    """
    entry = catalogue().get(id)
    return entry is not None and any(entry.protocol.exceeded_by(one.steps) for one in trainings)


def budgets(id: str, agents: Sequence[AgentSpec]) -> list[str]:
    """What is to be said of the steps that agents had before they were judged, in sentences.

    Args:
        id: environment id.
        agents: all specifications of a comparison.
    """
    told = []
    by_name = {one.name: [spec for spec in agents if spec.name == one.name] for one in agents}
    if over := [name for name, specs in by_name.items() if over_budget(id, specs)]:
        had = (f"{name} ({_most(by_name[name]):,})" for name in over)
        told.append(
            f"Over budget: the protocol of {id} gives a training or a search "
            f"{catalogue()[id].protocol.budget:,} environment steps. More were taken for {listed(had)}."
        )
    learned = {name: specs for name, specs in by_name.items() if specs[0].kind == "learned"}
    most = max(learned, key=lambda name: _most(learned[name]), default="")
    searched = {
        name: specs
        for name, specs in by_name.items()
        if most and specs[0].kind == "controller" and specs[0].steps is not None
    }
    fewer = [n for n, s in searched.items() if _most(s) * (1.0 + ROUNDED) < _most(by_name[most])]
    if fewer:
        had = listed(f"{name} ({_most(by_name[name]):,})" for name in fewer)
        told.append(
            f"Not equal budgets: {most} learned from {_most(by_name[most]):,} environment steps. Gains were searched "
            f"with fewer for {had}."
        )
    for name, (first, *_) in by_name.items():
        if first.as_rule:
            trials = "" if first.trials is None else f" in {first.trials:,} trials"
            told.append(
                f"{name} is {first.as_rule} by its rule: the search of its gains found nothing better{trials}. These "
                "are two names of one controller, so they count once."
            )
    return told


def _most(specs: Sequence[AgentSpec]) -> int:
    """The most steps that one of an agent's trainings had."""
    return max(one.steps or 0 for one in specs)
