"""Who earns what on every id of electric drives, from the ladders that the package ships.

``validation/drive-ladders.md`` and the README's sentence on who wins follow from ``gym_suite/ladders.json``, and are
never written by hand. After ladders have been recorded anew::

    python docs/drive_ladders.py

writes the page and prints the sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gym_suite.core.cards import OUTSIDE, Card
from gym_suite.ladders import Ladder, Rung, ladder_of
from gym_suite.learning.gains import load_gains, shipped_gains
from gym_suite.registration import catalogue

FILE = Path(__file__).with_name("validation") / "drive-ladders.md"
NOTHING, RULE, TUNED = "zero", "pi", "pi-tuned"
#: Names of laws that are the PI cascade of their id, where another name says what else they do.
CASCADES = {"emf": RULE, "emf-tuned": TUNED}
#: Title of a column, its agents, and what stands where an id has none of them, see also :data:`REASONS`.
COLUMNS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("PI by rule", (RULE,), "no PI law for this id"),
    ("PI tuned by budget", (TUNED,), "not tuned"),
    ("deadbeat", ("deadbeat",), "as `fcs-mpc` over one period"),
    (
        "MPC",
        ("mpc", "mpc-soft", "fcs-mpc", "preview-derating"),
        "none: beyond the largest torque deadbeat is the cheapest course",
    ),
    ("PPO", ("ppo",), "not trained on the defaults"),
)
#: Why single ids have no law of a column, where that is not what the others lack it for.
REASONS = {
    ("deadbeat", "gem/PMSM-TwoMass-v0"): "none: within the gap no torque reaches the load",
    ("deadbeat", "gem/PMSM-Thermal-v0"): "none: the drive reaches a torque within a period",
}
#: Agents that are set against PI by rule in the table of pairs and the README's sentence.
AGAINST = (TUNED, "deadbeat", "mpc", "mpc-soft", "ppo")


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one agent earns more than another, over the ids that have both.

    Attributes:
        ids: Ids that have both.
        above: Of these, those where its interval lies above the other's.
        below: Those where it lies below.
        same: Those where both are one controller, for a search of gains came back to the rule's.
    """

    ids: int
    above: int
    below: int
    same: int

    @property
    def untold(self) -> int:
        """Ids with two controllers that the intervals do not tell apart."""
        return self.ids - self.same - self.above - self.below


def cards() -> list[Card]:
    """Return the cards of the drives' ids, in the order of the catalogue."""
    own = (card for card in catalogue().values() if card.module != OUTSIDE)
    return [card for card in own if card.family == "motors" and card.agents != "several"]


def ladders() -> dict[str, Ladder | None]:
    """Return the ladder of each id of drives, None where it has none or has changed since."""
    return {card.id: ladder_of(card.id) for card in cards()}


def _rungs(ladder: Ladder | None) -> dict[str, Rung]:
    rungs = () if ladder is None else ladder.rungs
    return {CASCADES.get(rung.name, rung.name): rung for rung in rungs}


def is_rule(card: Card) -> bool:
    """Return whether the search of an id's PI gains found nothing better than the rule's."""
    return any(
        load_gains(shipped_gains(card.id, name)).as_rule
        for name in card.tuned
        if CASCADES.get(name, name) == TUNED
    )


def worst(rung: Rung) -> str:
    """Return the setting in which an agent's interquartile mean is lowest."""
    return min(rung.returns, key=lambda name: _mean(rung, name))


def _ends(rung: Rung, setting: str) -> tuple[float, float]:
    """Return the ends of a mean's interval, all numbers where the episodes cannot tell them."""
    _, low, high = rung.returns[setting]
    if low is None or high is None:
        return float("-inf"), float("inf")
    return low, high


def _mean(rung: Rung, setting: str) -> float:
    value = rung.returns[setting][0]
    return float("-inf") if value is None else value


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000.0 else f"{value:.4g}"


def _told(rung: Rung, setting: str) -> str:
    """Return a mean with its interval, and the share of episodes that failed where there is one."""
    middle, low, high = rung.returns[setting]
    text = "not finite" if middle is None else _number(middle)
    if low is not None and high is not None:
        text += f" [{_number(low)}, {_number(high)}]"
    failed = rung.failures[setting]
    return f"{text} ({100.0 * failed:.0f} % failed)" if failed else text


def _cell(rungs: dict[str, Rung], agents: tuple[str, ...], otherwise: str) -> str:
    parts = []
    for name in (agent for agent in agents if agent in rungs):
        rung = rungs[name]
        head = f"`{name}` " if len(agents) > 1 else ""
        low = worst(rung)
        parts.append(f"{head}{_told(rung, 'nominal')}; {low} {_told(rung, low)}")
    return "; ".join(parts) or otherwise


def _row(card: Card, ladder: Ladder | None) -> str:
    if ladder is None:
        return f"| `{card.id}` | not recorded |" + " |" * len(COLUMNS)
    rungs = _rungs(ladder)
    cells = [f"`{card.id}`", _told(rungs[NOTHING], "nominal")]
    for title, agents, otherwise in COLUMNS:
        missing = REASONS.get((title, card.id), otherwise)
        if agents == (TUNED,) and RULE not in rungs:
            missing = COLUMNS[0][2]  # nothing to tune
        elif any(name in card.controllers for name in agents):
            missing = "not recorded"
        same = (
            ", by the rule's gains: none better was found"
            if agents == (TUNED,) and is_rule(card)
            else ""
        )
        cells.append(_cell(rungs, agents, missing) + same)
    return "| " + " | ".join(cells) + " |"


def tally(name: str, recorded: Mapping[str, Ladder | None], *, nominal: bool) -> Tally:
    """Return how often an agent earns more than PI by rule, told by intervals at 95 % that do not meet.

    Args:
        name: The agent.
        recorded: Of :func:`ladders`.
        nominal: Whether in the nominal plant, or each in its own worst setting.
    """
    ids = above = below = same = 0
    for card in cards():
        rungs = _rungs(recorded[card.id])
        if name not in rungs or RULE not in rungs:
            continue
        ids += 1
        same += name == TUNED and is_rule(card)
        (low, high), (other_low, other_high) = (
            _ends(rung, "nominal" if nominal else worst(rung))
            for rung in (rungs[name], rungs[RULE])
        )
        above += low > other_high
        below += high < other_low
    return Tally(ids, above, below, same)


def sentence() -> str:
    """Return the README's sentence on who wins."""
    parts, recorded = [], ladders()
    for name in AGAINST:
        here, there = (tally(name, recorded, nominal=nominal) for nominal in (True, False))
        if here.ids:
            others = "ids that have it"
            if here.same:
                others = f"ids where its search found other gains than the rule's (on {here.same} it found none better)"
            parts.append(
                f"`{name}` more on {here.above} of {here.ids - here.same} {others} and less on {here.below}, in the "
                f"worst setting of each more on {there.above} and less on {there.below}"
            )
    return (
        "What agents of electric drives earn against PI control by rule, counted where intervals at 95 % do not meet: "
        f"{'; '.join(parts)}."
    )


def _pairs(recorded: Mapping[str, Ladder | None]) -> Iterator[str]:
    yield (
        "| Agent | Ids that have both | Of these one controller | Nominal: above, below, not told | "
        "Worst setting: above, below, not told |"
    )
    yield "|---|---|---|---|---|"
    for name in AGAINST:
        here, there = (tally(name, recorded, nominal=nominal) for nominal in (True, False))
        cells = (f"{one.above}, {one.below}, {one.untold}" for one in (here, there))
        yield f"| `{name}` | {here.ids} | {here.same} | " + " | ".join(cells) + " |"


def page() -> str:
    """Return the page."""
    recorded = ladders()
    counts = sorted({ladder.seeds[1] for ladder in recorded.values() if ladder is not None})
    episodes = " or ".join(str(count) for count in counts) or "no"
    titles = ["Id", "doing nothing", *(title for title, _, _ in COLUMNS)]
    lines = [
        "# Who earns what on electric drives",
        "",
        "PI control with gains by a named rule and with gains searched by the budget of a training, deadbeat control, "
        "predictive control and PPO, on every id of drives. A cell has the interquartile mean of the return in the "
        "nominal plant, then that in the setting where this agent earns least, with the setting's name; brackets are "
        f"bootstrap intervals at 95 %. Recorded over {episodes} episodes of each id's protocol in each of its settings "
        "(nominal, noise, mismatch, delay, disturbance), so that small differences are not told. The mean leaves "
        "the outer quarters out, so the share of episodes that failed stands behind it. Returns of two ids are not "
        "comparable. The page of an id has all its agents and settings. Without a sensor of the shaft the PI law is "
        "`emf`, the cascade above an observer of the angle.",
        "",
        "Written by `python docs/drive_ladders.py` from the ladders that ship.",
        "",
        "## Against PI by rule",
        "",
        "On how many ids the interval of an agent's mean lies above or below that of PI by rule; the others are not "
        "told apart. In the worst setting each is taken where it earns least. Intervals that do not meet say less "
        "than the paired differences of `gym-suite compare`, which is where to look for one id. Where a search found "
        "no better gains than the rule's, `pi-tuned` is `pi`: one controller, which is not counted against itself.",
        "",
        *_pairs(recorded),
        "",
        "## Every id",
        "",
        "| " + " | ".join(titles) + " |",
        "|" + "---|" * len(titles),
        *(_row(card, recorded[card.id]) for card in cards()),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the page and print the README's sentence."""
    FILE.write_text(page(), "utf-8")
    print(sentence())


if __name__ == "__main__":
    main()
