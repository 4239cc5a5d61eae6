"""What the numbers say, in sentences; agents of which the same is to be said share one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gym_suite.comparison.budgets import budgets
from gym_suite.comparison.measures import MEASURES
from gym_suite.comparison.outcomes import Standing
from gym_suite.comparison.settings import NOMINAL
from gym_suite.comparison.sources import RUNS_CODE
from gym_suite.comparison.statistics import Interval
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import listed, number, percent, span
from gym_suite.comparison.verdicts import LEVEL, Claim
from gym_suite.core.cards import PRIMARY

__all__ = [
    "DOUBT",
    "MARKS",
    "by_protocol",
    "doubts",
    "findings",
    "limits",
    "not_run",
    "notes",
    "winners",
]

MARKS: dict[Claim, str] = {"beats": "+", "loses": "−", "fails more": "!", "cannot tell": ""}
"""Signs that stand behind a score in a table."""


DOUBT = "†"
"""Sign behind the name of an agent that was made on another behaviour of the id, or does not say on which."""

NO_ANCHOR = "There is no score, because an agent that anchors it failed."
UNCHANGED = "Every agent came to exactly what it came to in the nominal setting."


def findings(summary: Summary, id: str) -> list[str]:
    """What is claimed of the agents of an id, over all its settings.

    Args:
        summary: finished.
        id: one of its ids.
    """
    experiments = summary.of(id)
    reference = experiments[0].reference
    if reference is None:
        return ["The upper anchor is a number: nobody is compared with a reference."]
    groups: dict[tuple[tuple[str, Claim], ...], list[Standing]] = {}
    for standing in summary.standings(id):
        claims: list[tuple[str, Claim]] = [
            (row.setting, row.verdict.claim) for row in standing.rows if row.verdict
        ]
        if claims:
            groups.setdefault(tuple(claims), []).append(standing)
    episodes = len(experiments[0].seeds)
    sentences = [
        _sentence(claims, standings, reference, episodes) for claims, standings in groups.items()
    ]
    sentences += _failures(summary.standings(id), reference)
    return sentences + _choice(summary, id)


def limits(summary: Summary, id: str) -> list[str]:
    """What the results of an id cannot say: settings that were not run, scales not to be trusted, unequal budgets.

    Args:
        summary: finished.
        id: one of its ids.
    """
    told: dict[str, list[str]] = {}
    for experiment in summary.of(id):
        scale, setting = summary.scale(experiment), experiment.setting.name
        if scale is None:
            told.setdefault(NO_ANCHOR, []).append(setting)
        elif scale.problem:
            told.setdefault(scale.problem, []).append(setting)
        if summary.unchanged(experiment):
            told.setdefault(UNCHANGED, []).append(setting)
    sentences = [f"{', '.join(settings)}: {words}" for words, settings in told.items()]
    sentences += not_run(summary.idle.get(id, {}))
    return sentences + budgets(id, summary.of(id)[0].agents)


def not_run(idle: Mapping[str, str]) -> list[str]:
    """Which settings of an id were not run, a sentence for each reason.

    Args:
        idle: reason by name.
    """
    reasons: dict[str, list[str]] = {}
    for name, reason in idle.items():
        reasons.setdefault(reason, []).append(name)
    sentences = []
    for reason, names in reasons.items():
        which = listed(names)
        were = "was" if len(names) == 1 else "were"
        sentences.append(f"{which[:1].upper()}{which[1:]} {were} not run: {reason}.")
    return sentences


def doubts(summary: Summary) -> list[str]:
    """Whose behaviour of the id is not, or perhaps not, the one that it is judged on, a sentence for each.

    Args:
        summary: finished.
    """
    told = {(row.id, row.name, words): None for row in summary.summary() for words in row.doubts}
    several = len(summary.ids) > 1
    return [f"{DOUBT} {name}{f' on {id}' if several else ''}: {words}." for id, name, words in told]


def by_protocol(summary: Summary, id: str) -> str:
    """The protocol that an id was run by, and the figure that ranks its agents; empty where the user chose.

    Of its settings those are named that were run; :func:`limits` says which were not, and why.

    Args:
        summary: finished.
        id: one of its ids.
    """
    protocol = summary.of(id)[0].protocol
    if protocol is None:
        return ""
    told = []
    for standing in summary.standings(id):
        rows = {row.setting: row for row in standing.rows}
        row = standing.worst if protocol.primary == "worst" else rows.get(NOMINAL)
        if row is not None and row.score is not None:
            told.append((row.score.estimate, f"{standing.name} {_decimals(row.score)}"))
    ranked = [words for _, words in sorted(told, key=lambda pair: -pair[0])]
    ran = listed(experiment.setting.name for experiment in summary.of(id))
    return (
        f"Run by the protocol of {id}: {number(protocol.episodes, 'episode')} (seeds {span(protocol.seeds)}), "
        f"{ran}. What ranks is {PRIMARY[protocol.primary]}: {', '.join(ranked)}."
    )


def winners(summary: Summary, id: str) -> dict[str, list[str]]:
    """Best agents by each measure of the first setting, baselines aside; empty where there is only one measure.

    Args:
        summary: finished.
        id: one of its ids.
    """
    setting = summary.of(id)[0].setting.name
    rows = [r for r in summary.summary() if (r.id, r.setting) == (id, setting)]
    rows = [row for row in rows if row.kind != "baseline" and row.measures]
    found = {}
    for metric in MEASURES if len(rows) > 1 else ():
        scores = {row.name: row.measures[metric] for row in rows if metric in row.measures}
        if len(scores) > 1 and len(set(scores.values())) > 1:
            best = max(scores.values())
            found[metric] = [name for name, value in scores.items() if value == best]
    return found


def _sentence(
    claims: Sequence[tuple[str, Claim]],
    standings: Sequence[Standing],
    reference: str,
    episodes: int,
) -> str:
    """One sentence for agents of which the same is claimed in every setting."""
    one = len(standings) == 1
    places: dict[Claim, list[str]] = {}
    for setting, claim in claims:
        places.setdefault(claim, []).append(setting)
    known = f"the reference controller {reference}"
    other = known
    parts = []
    verbs: list[tuple[Claim, str]] = [
        ("beats", "beats" if one else "beat"),
        (
            "fails more",
            "earns more, but fails more often, than"
            if one
            else "earn more, but fail more often, than",
        ),
        ("loses", "loses to" if one else "lose to"),
        ("cannot tell", "cannot be told from"),
    ]
    for claim, verb in verbs:
        if settings := places.get(claim):
            everywhere = len(places) == 1 and len(settings) > 1
            where = f"in all {len(settings)} settings" if everywhere else f"in {listed(settings)}"
            parts.append(f"{verb} {other} {where}")
            other = "it"
    names = listed(standing.name for standing in standings)
    if len(places) == 1 and "cannot tell" in places:
        where = f"any of the {len(claims)} settings" if len(claims) > 1 else claims[0][0]
        return (
            f"{number(episodes, 'episode')} cannot tell {names} from {known} in {where}."
            f"{_fall(standings)}"
        )
    few = f" by {number(episodes, 'episode')}" if "cannot tell" in places else ""
    return f"{names} {listed(parts)}{few}.{_fall(standings)}"


def _fall(standings: Sequence[Standing]) -> str:
    """How far the scores fall from setting to setting, where they do."""
    falls = []
    for standing in standings:
        first, worst = standing.first.score, standing.worst
        if first is None or worst is None or worst.score is None or worst is standing.first:
            continue
        if first.estimate - worst.score.estimate >= 0.02:
            falls.append(
                f"{standing.name} from {_decimals(first)} ({standing.first.setting}) to "
                f"{_decimals(worst.score)} ({worst.setting})"
            )
    if not falls:
        return ""
    return (
        f" Scores fall: {'; '.join(falls)}." if len(falls) > 1 else f" The score falls: {falls[0]}."
    )


def _failures(standings: Iterable[Standing], reference: str) -> list[str]:
    """Who fails, where most, and how the reference does there."""
    standings = [s for s in standings if s.first.kind != "baseline"]
    told = [
        f"{s.name} in {percent(s.frailest.failures)} of the episodes ({s.frailest.setting})"
        for s in standings
        if s.frailest.failures.estimate > 0.0
    ]
    if not told:
        return []
    sound = [s.name for s in standings if s.frailest.failures.estimate == 0.0]
    rest = f"; {listed(sound)} never" if sound else ""
    return [f"At worst fail: {', '.join(told)}{rest}."]


def _choice(summary: Summary, id: str) -> list[str]:
    """Whether another measure would have picked another winner."""
    best = winners(summary, id)
    if not best or set.intersection(*map(set, best.values())):
        return []  # somebody is best by every measure
    groups: dict[tuple[str, ...], list[str]] = {}
    for metric, names in best.items():
        groups.setdefault(tuple(names), []).append(MEASURES[metric])
    told = [f"by {listed(metrics)} it is {listed(names)}" for names, metrics in groups.items()]
    return [f"The choice of the measure picks the winner here: {'; '.join(told)}."]


def _decimals(interval: Interval) -> str:
    return f"{interval.estimate + 0.0:.2f}".replace("-", "−")


def notes(summary: Summary) -> list[str]:
    """What a careful reader should know of how results were made.

    Args:
        summary: finished.
    """
    rows = summary.summary()
    trainings = sorted({row.trainings for row in rows if row.trainings > 1})
    told = [
        "Scores are interquartile means over episodes and trainings into which every failed episode enters with its "
        "full weight: trimming would hide failures that are rarer than one in four. Where 1 is a computed optimum, "
        "which is an expected value, scores are means. Rates and counts are means.",
        "A run that raised an error counts as if its agent had done nothing on that seed, and as failed. Its control "
        "metrics are missing from the tables. An agent all of whose runs raised is exactly do-nothing.",
        "Intervals are bootstrap intervals at 95 %. Each resample draws the same episodes for all agents and the two "
        "anchors of the score with them, and trainings too where there are several. Their ends are moved outwards by "
        "what Student's t asks for at so few trainings or episodes.",
        f"An agent “beats” or “loses to” the reference where three tests agree: the number of episodes won, the mean "
        f"difference and the difference of the scores. The comparisons of this page ({len(summary.verdicts)}) are "
        f"corrected together (Holm): with a probability of at least {100 - 100 * LEVEL:g} % none of its claims is "
        "false. To “beat” also takes no more failures than the reference has. Over several settings an agent “beats” "
        "only if it does so in at least one, loses in none and fails more often in none; where it earns more in one "
        "and loses in another, it depends on the setting. Trainings are taken to scatter about "
        "normally. Where they are of two kinds, few of them can all be of one by chance, and a method that is often "
        "better and now and then much worse may be said to beat another one that earns as much on average: the second "
        "table below says how often.",
        "An episode that ends early by a failure counts its lost control periods as errors of full scale, so "
        "that dying early cannot look precise. Rise, settling and overshoot are judged on the "
        "steps that were reached; “never” means that in more than a quarter of the episodes half "
        "of the steps did not get there.",
        "Trajectories show the first seed only; tables and profiles use all of them.",
        "Time per action is measured on this machine with one row per call, Python included; it "
        "ranks implementations, not algorithms.",
    ]
    if trainings:
        fewest = trainings[0]
        unseen = 1.0 - 0.05 ** (1.0 / fewest)
        told.append(
            f"With {fewest} trainings of a method nobody knows how often a training goes wrong: even if none of them "
            f"did, up to {100 * unseen:.0f} % of all trainings could (exact binomial limit at 95 %). The first table "
            "below says how often intervals hold the truth then."
        )
    if any(row.trainings == 1 for row in rows):
        told.append(
            "A learned agent with a single training seed says nothing about its method: its "
            "intervals hold for that one policy."
        )
    if len({row.information for row in rows} - {"undeclared"}) > 1:
        told.append(
            "Agents with different information are not equals; under the name of each stands what it "
            "may look at."
        )
    told += doubts(summary)
    if any(agent.runs_code for e in summary.experiments for agent in e.agents):
        told.append(f"About the policies in .zip files: {RUNS_CODE}.")
    return told
