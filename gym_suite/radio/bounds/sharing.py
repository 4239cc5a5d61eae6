"""What several agents that share a band can earn together, and what was published for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gym_suite.core.marks import Mark
from gym_suite.radio.bounds.chains import SILENT, Air, Chain, Uncounted
from gym_suite.radio.bounds.planning import WORK
from gym_suite.radio.scenario.kinds import KIND
from gym_suite.radio.scenario.model import Scenario
from gym_suite.radio.scenario.reading import read_scenario

#: Summed reward of all agents over 100 steps, mean of the last 100 episodes of one training each:
#: DQN, PPO, APPO and IMPALA, one policy per agent, as recomputed from the authors' results.
PUBLISHED: Mapping[str, tuple[float, float, float, float]] = {
    "marl_3": (400.0, 400.0, 399.6, 399.2),
    "marl_8": (192.2, 184.5, -0.1, 0.0),
    "marl_20": (192.6, 193.0, 199.9, 197.4),
    "marl_22": (197.4, 174.1, 200.0, 195.9),
    "marl_23": (392.8, 324.5, 242.0, 282.4),
}
ALGORITHMS = ("DQN", "PPO", "APPO", "IMPALA")
STEPS = 100  # of the published episodes


def team_bound(scenario: Scenario) -> float | None:
    """Return the mean return per agent of a team that knows who transmits where in the coming step.

    A jammer hits wherever its target is on air; each agent with access needs a channel without
    entities for itself. None where entities react to the agents, or where there are too many states.

    Args:
        scenario: A band with agents.
    """
    if any(KIND[entity.kind].reacts for entity in scenario.entities):
        return None
    try:
        return _expected(Chain(scenario)) / len(scenario.agents)
    except Uncounted:
        return None


def _expected(chain: Chain) -> float:
    total, work = 0.0, WORK
    chances = chain.begin()
    for step in range(chain.steps):
        behind: dict[Air, float] = {}
        for air, chance in chances.items():
            for after, part in chain.follow(step, air, ()).items():
                behind[after] = behind.get(after, 0.0) + chance * part
                work -= 1
            if work < 0:
                raise Uncounted
        chances = behind
        total += sum(chance * _served(chain, step + 1, air) for air, chance in chances.items())
    return total


def _served(chain: Chain, step: int, air: Air) -> int:
    """Return how many agents can be served or hit in a step."""
    scenario = chain.scenario
    actions = chain.actions(step, air, ())
    names = [entity.name for entity in scenario.entities]
    hits = sum(
        actions[names.index(role.target)] != SILENT
        for role in scenario.agents
        if role.target is not None
    )
    free = chain.occupancy(step, actions).count(0)
    return hits + min(free, sum(role.goal == "access" for role in scenario.agents))


def sharing_marks(scenario: Scenario, steps: int) -> tuple[Mark, ...]:
    """Return the figures of a band with several agents, as mean returns per agent.

    Args:
        scenario: The band.
        steps: Steps of an episode; at most the scenario's.
    """
    value = team_bound(replace(scenario, steps=min(steps, scenario.steps)))
    text = "mean per agent of a team that knows who transmits where in the coming step"
    marks = [Mark("clairvoyant team", value, "bound", text)]
    if steps == STEPS and scenario.name in PUBLISHED:
        same = replace(scenario, steps=read_scenario(scenario.name).steps)
        if same.to_dict() == read_scenario(scenario.name).to_dict():
            source = "mean per agent, arXiv 2410.21521 (CCNC 2025), one training, last 100 episodes"
            marks += [
                Mark(f"{algorithm} (paper)", total / len(scenario.agents), "published", source)
                for algorithm, total in zip(ALGORITHMS, PUBLISHED[scenario.name], strict=True)
            ]
    return tuple(marks)
