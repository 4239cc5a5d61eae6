"""What the agents of a band observe, what they are rewarded for, and what ``info`` tells."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gym_suite.core.columns import Column, Columns, Term
from gym_suite.radio.columns import SHOWN
from gym_suite.radio.parameters import MAX_CHANNELS
from gym_suite.radio.tables import Band
from gym_suite.radio.tasks import QUANTITIES, Q

_GOOD = {
    "access": "at most `tolerance` of the step was blocked",
    "jam": "the target was alone on the agent's channel",
}


def reward_terms(band: Band, reward: str) -> tuple[Term, ...]:
    """Return the reward terms of one agent.

    Args:
        band: With the agent's task.
        reward: One of :data:`gym_suite.radio.parameters.REWARDS`.
    """
    good = _GOOD[band.scenario.goal]
    formula = {
        "peer": f"+1 if {good}, -1 if not, 0 for silence",
        "throughput": f"1 if {good}, else 0",
        "goodput": "1 if the packet arrives, which chance decides by the SINR, else 0",
    }[reward]
    return (
        Term("reward_access", formula, low=-1.0, high=1.0),
        Term(
            "reward_switching",
            "-weight where a transmission changed the channel",
            "switching_cost",
            high=0.0,
        ),
    )


SERVICE = Term(
    "reward_service",
    "mean over the agents of +1 if served or hit, -1 if not, 0 for silence",
    low=-1.0,
    high=1.0,
)


def metrics(terms: tuple[Term, ...]) -> tuple[Columns, np.ndarray]:
    """Return the metric columns of one agent, its quantities, and the empty table of what makes others of them."""
    told = [column for column in QUANTITIES if column.name != "collided"]
    return Columns(*(term.column for term in terms), *told[len(terms) :]), _shown(())


def team_metrics(agents: tuple[str, ...]) -> tuple[Columns, np.ndarray]:
    """Return the metric columns of several agents, and what makes each, (nm, 3)."""
    count = len(agents)
    columns = Columns(
        SERVICE.column,
        Column("delivered", "1", 0, count, "agents that were served or hit"),
        Column("collided", "1", 0, count, "agents that shared a channel with another agent"),
        *(Column(f"channel_{a}", "1", -1, MAX_CHANNELS, f"channel of {a}") for a in agents),
        *(Column(f"ack_{a}", "1", -1, 1, f"1: {a} was served, -1: lost") for a in agents),
    )
    together = (("reward_access", -1, count), ("delivered", -1, 1), ("collided", -1, 1))
    each = [(quantity, j, 1) for quantity in ("channel", "ack") for j in range(count)]
    return columns, _shown((*together, *each))


def _shown(metrics: Iterable[tuple[str, int, int]]) -> np.ndarray:
    rows = [(getattr(Q, quantity), agent, parts) for quantity, agent, parts in metrics]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(SHOWN))


def observations(band: Band, history: int) -> Columns:
    """Return the columns of one agent's observation: sensed channels, own last action, acknowledgement.

    Args:
        band: Where several agents share it, they also see which one they are.
        history: Steps that it goes back.
    """
    agents, heard, channels = band.agents, band.heard, range(band.scenario.channels)
    scale, low, text = 1.0, -1.0, "0: idle, 1: busy; -1: not sensed"
    if agents:
        text = f"busy, or number of who is there over {heard + 1}; -1: before the episode"
    elif band.scenario.observation == "classify":
        scale = heard + 1.0
        low, text = -1.0 / scale, f"0: idle, 1..{heard}: who, {heard + 1}: several; -1: not sensed"
    sensed = [
        Column(f"sensed_{k}_{c}", "1", low, 1, f"each channel {k} steps ago; {text}", scale=scale)
        for k in range(history)
        for c in channels
    ]
    actions = [
        Column(f"last_action_{k}", "1", 0, 1, "1 for the own last action, else 0")
        for k in range(len(channels) + 1)
    ]
    ack = Column("ack", "1", -1, 1, "1: delivered, served or hit, -1: lost, 0: silent")
    who = [Column(f"is_{name}", "1", 0, 1, f"1 for {name}") for name in agents]
    return Columns(*sensed, *actions, ack, *who)
