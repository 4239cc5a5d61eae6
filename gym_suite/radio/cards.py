"""The family's ids as data: strings and numbers alone."""

from __future__ import annotations

from typing import Any

from gym_suite.core.cards import BASELINES, BUDGET, Card, Protocol

_LAWS = "gym_suite.radio.controllers"
#: The controllers of one agent by name.
LAWS = {
    "sense_avoid": f"{_LAWS}.sensing:SenseAndAvoid",
    "markov": f"{_LAWS}.sensing:MarkovPredictor",
    "table": f"{_LAWS}.sensing:PatternTable",
    "evader": f"{_LAWS}.sensing:Evader",
    "hopper": f"{_LAWS}.sensing:UniformHopper",
    "ucb1": f"{_LAWS}.bandits:UCB1",
    "sw_ucb": f"{_LAWS}.bandits:SlidingWindowUCB",
    "thompson": f"{_LAWS}.bandits:Thompson",
    "exp3": f"{_LAWS}.bandits:EXP3",
    "myopic": f"{_LAWS}.sensing:Myopic",
    "whittle": f"{_LAWS}.sensing:Whittle",
    "q_learning": f"{_LAWS}.learning:QLearning",
    "best-map": f"{_LAWS}.memoryless:BestMap",
    "hmm": f"{_LAWS}.hidden:HiddenMarkov",
    "optimal": f"{_LAWS}.optimal:Optimal",
    "clairvoyant": f"{_LAWS}.clairvoyant:Clairvoyant",
}
#: What every id of one agent has behind its own laws.
_LEARNERS = ("ucb1", "sw_ucb", "thompson", "exp3", "hopper", "q_learning", "clairvoyant")
#: Environment steps of a training, by names of ids without family and version, where not the usual ones.
_BUDGETS = {
    "Access": 500_000,
    "AntiJamming": 300_000,
    "GilbertElliott": 1_500_000,
    "Jamming": 800_000,
}


def _card(name: str, task: str, summary: str, laws: dict[str, str], **more: Any) -> Card:
    return Card(
        id=f"radio/{name}-v0",
        family="radio",
        summary=summary,
        base="gym_suite.radio.envs.base:RadioEnv",
        module="gym_suite.radio.envs",
        facets={"task": task},
        controllers=laws | dict(BASELINES),
        protocol=Protocol(budget=_BUDGETS.get(name, BUDGET), metrics=("return", "violations")),
        **more,
    )


def _alone(
    name: str, task: str, summary: str, *own: str, learned: tuple[str, ...] = ("ppo",), **more: Any
) -> Card:
    names = dict.fromkeys((*own, *_LEARNERS))
    return _card(
        name,
        task,
        summary,
        {law: LAWS[law] for law in names},
        learned=learned,
        strong=tuple(law for law in own if law in ("optimal", "hmm")),
        **more,
    )


def _together(name: str, task: str, summary: str, tag: str, *, side: str = "", **laws: str) -> Card:
    entries = {law: f"{_LAWS}.games:{where}" for law, where in laws.items()}
    tags = (tag, "multi-agent")
    return _card(name, task, summary, entries, agents="several", side=side, tags=tags)


_BURSTY = """## Description

Twenty channels have a user each, whose bursts and gaps are semi-Markov: their lengths mix short and long ones. The six
numbers are a maximum-likelihood fit to a recorded trace of interference, 196,608 readings of 1 ms by a sensor node in a
library full of wireless networks (TinyOS project, meyer-heavy; Lee, Cerpa and Levis, IPSN 2007), in which more than
-90 dBm counts as busy; a step is one reading. Successive lengths are taken for independent. Users arrive 8 dB below the
noise of a channel, so that 100 samples find 59 of 100 bursts at 10 false alarms in 100: who is there has to be
inferred from what was sensed over time. `hmm` does so exactly.
"""

_ADAPTIVE = """## Description

Two jammers learn from the agent while it transmits on four channels. One draws one of the agent's last five choices, so
that it is most often where the agent is most often. The other draws one of those choices that the agent made after the
channel that it is on now, and thus breaks a fixed order. Who hops at random is met in two steps of five. With a
memory of the own last five channels the best strategy can be computed: `optimal` follows it, and the figure "optimum"
is what it earns.
"""

CARDS = (
    _alone(
        "Access",
        "access",
        "dynamic spectrum access: transmit where nobody will be",
        *("table", "markov", "sense_avoid", "optimal"),
        tags=("access",),
        settings={"icmla_3": {"scenario": "paper_s3"}, "icmla_4": {"scenario": "paper_s4"}},
    ),
    _alone(
        "Jamming",
        "jamming",
        "jam a target: transmit where it will be alone",
        *("table", "markov", "sense_avoid", "best-map", "optimal"),
        tags=("jamming",),
        settings={"icmla_1": {"scenario": "paper_s1"}, "icmla_2": {"scenario": "paper_s2"}},
    ),
    _alone(
        "GilbertElliott",
        "gilbert_elliott",
        "use one of several channels that turn good and bad unseen",
        *("myopic", "whittle", "markov"),
        tags=("access", "partial observation"),
    ),
    _alone(
        "AntiJamming",
        "anti_jamming",
        "keep a link alive against a jammer that follows, sweeps, draws or fills the band",
        *("evader", "sense_avoid", "markov", "optimal"),
        tags=("anti-jamming",),
    ),
    _alone(
        "BurstyAccess",
        "access",
        "twenty channels with bursty users of a measured kind, heard by a detector below the noise",
        *("markov", "table", "sense_avoid", "hmm"),
        keywords={"scenario": "bursty_20", "physics": "statistical", "false_alarm": 0.1},
        tags=("access", "partial observation"),
        prose=_BURSTY,
        learned=(),
    ),
    _alone(
        "AdaptiveJamming",
        "access",
        "keep a link alive against two jammers that learn the agent's habits",
        *("sense_avoid", "markov", "table", "optimal"),
        keywords={"scenario": "adaptive_4"},
        tags=("access", "anti-jamming"),
        prose=_ADAPTIVE,
        learned=(),
    ),
    _together(
        "MultiAccess",
        "multi_access",
        "several agents share a band, each with access or a target (PettingZoo)",
        "access",
        schedule="Schedule",
        musical_chairs="MusicalChairs",
    ),
    _together(
        "JammingGame",
        "jamming_game",
        "a transmitter against jammers, a zero-sum game with a known value (PettingZoo)",
        "anti-jamming",
        side="transmitter",
        minimax="Minimax",
        fictitious="FictitiousPlay",
    ),
)
