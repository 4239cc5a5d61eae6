"""The return ladders of the ids: what each agent earns, from doing nothing to policies, as recorded data.

The pages of the documentation show them. ``ladders.json`` is written by the comparison itself, never by hand::

    python -m gym_suite.ladders gem/PMSM-v0

without ids, for all that a single agent acts in. It takes minutes an id. A ladder belongs to a behaviour, and to the
policies and gains that ship: after a change of the id, or with other files, it is not shown until it is recorded anew.
An agent that is new is judged on its own, beside the others as they stand, if nothing else has changed::

    python -m gym_suite.ladders gem/SCIM-v0 --add pi-tuned
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gym_suite.behaviour import recorded as behaviours
from gym_suite.core.cards import BASELINES, OUTSIDE, RANKS, Card
from gym_suite.learning.shelf import files_of
from gym_suite.registration import card, catalogue, id_class_of
from gym_suite.version import __version__

FILE = Path(__file__).with_name("ladders.json")
#: Episodes a setting, the first of those that the id's protocol keeps for judging.
EPISODES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One agent of a ladder.

    Attributes:
        name: Of the agent.
        rank: Of :data:`gym_suite.core.cards.RANKS`.
        trainings: Number of trainings, 0 where nothing was trained.
        returns: By setting: interquartile mean of the return over the episodes, and the ends of its bootstrap interval
            at 95 %; the ends are None where the episodes cannot tell them.
        failures: By setting: share of the episodes that failed.
    """

    name: str
    rank: str
    trainings: int
    returns: Mapping[str, Sequence[float | None]]
    failures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The agents of an id, the lower anchor first and the rest by their rank.

    Attributes:
        behaviour: Of the id when they were judged, as :func:`gym_suite.behaviour.behaviour_of` has it.
        version: Of the package that judged them.
        files: Of the policies and gains that were judged, as :func:`files_of` has it.
        seeds: The first episode seed, and the number of episodes.
        rungs: The agents.
    """

    behaviour: str
    version: str
    files: str
    seeds: tuple[int, int]
    rungs: tuple[Rung, ...]

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the settings under which the agents were judged."""
        return tuple(dict.fromkeys(name for rung in self.rungs for name in rung.returns))


def ladder_of(id: str) -> Ladder | None:
    """Return the recorded ladder of an id; None where there is none, or where the id or what ships with it has changed.

    Args:
        id: An id of the catalogue.
    """
    told = _read().get(id)
    if told is None or told["behaviour"] != behaviours().get(id) or told["files"] != files_of(id):
        return None
    rungs = tuple(Rung(**rung) for rung in told["rungs"])
    return Ladder(
        behaviour=told["behaviour"],
        version=told["version"],
        files=told["files"],
        seeds=tuple(told["seeds"]),
        rungs=rungs,
    )


def judge(id: str, *, episodes: int = EPISODES, agents: Sequence[str] = ()) -> Ladder:
    """Judge every agent of an id under every setting of its protocol and return the ladder.

    Quadcopters are moved by the compiled engine, which every system has.

    Args:
        id: An id that a single agent acts in.
        episodes: Number of episodes a setting, from the first seed of the id's protocol on.
        agents: Only these, with the anchors that their scores need; all of the id by default.

    Raises:
        ValueError: For an unknown id, or one for several agents only.
    """
    from gym_suite.comparison import compare

    entry = card(id)
    if entry.agents == "several":
        raise ValueError(f"{entry.id} has several agents, and a ladder is of one that acts alone")
    protocol = entry.protocol
    compiled = {"engine": "compiled"} if "engine" in id_class_of(id).option_set().names else {}
    found = compare(
        entry.id,
        agents=list(agents) or "all",
        seeds=protocol.seeds[:episodes],
        settings=protocol.settings,
        horizon=protocol.horizon,
        keywords=compiled,
        progress=False,
    )
    rungs = []
    for standing in found.standings(entry.id):
        returns, failures = {}, {}
        for row in standing.rows:
            interval = row.metrics.get("return")
            if interval is None:
                continue
            ends = (interval.estimate, interval.low, interval.high)
            returns[row.setting] = [_rounded(value) for value in ends]
            failures[row.setting] = round(row.failures.estimate, 4)
        rungs.append(
            Rung(
                name=standing.name,
                rank=entry.rank(standing.name),
                trainings=standing.first.trainings,
                returns=returns,
                failures=failures,
            )
        )
    rungs.sort(key=lambda rung: _place(entry, rung))
    return Ladder(
        behaviour=behaviours().get(entry.id, ""),
        version=__version__,
        files=files_of(entry.id),
        seeds=(protocol.first_seed, episodes),
        rungs=tuple(rungs),
    )


def extend(id: str, agents: Sequence[str]) -> Ladder:
    """Judge new agents of an id and return its recorded ladder with them, the other agents as they stand.

    Args:
        id: An id with a ladder.
        agents: Names of the agents.

    Raises:
        ValueError: There is no ladder of the id, or it is of another behaviour, other versions or other files.
    """
    entry = card(id)
    told = _read().get(entry.id)
    now = (behaviours().get(entry.id), __version__, files_of(entry.id, without=agents))
    if told is None or (told["behaviour"], told["version"], told["files"]) != now:
        raise ValueError(
            f"{entry.id} has no ladder of what the id and its other agents are now; record it anew without --add"
        )
    _, episodes = told["seeds"]
    found = judge(entry.id, episodes=episodes, agents=agents)
    rungs = {rung["name"]: Rung(**rung) for rung in told["rungs"]}
    rungs |= {rung.name: rung for rung in found.rungs if rung.name in agents}
    ordered = sorted(rungs.values(), key=lambda rung: _place(entry, rung))
    return replace(found, rungs=tuple(ordered))


def _place(entry: Card, rung: Rung) -> tuple[int, int]:
    """Return where a rung stands: by its rank, and within a rank as on the card."""
    order = [*RANKS, ""]
    within = [*BASELINES, *entry.controllers, *entry.tuned, *entry.learned]
    return order.index(rung.rank), within.index(rung.name) if rung.name in within else len(within)


def _rounded(value: float) -> float | None:
    """Return a number to five digits, as JSON can say it."""
    return float(f"{value:.5g}") if abs(value) < float("inf") else None


def _read() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def _ids() -> Iterator[str]:
    return (
        entry.id
        for entry in catalogue().values()
        if entry.module != OUTSIDE and entry.agents != "several"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Record the ladders of ids and write the file after each, so that what is done stays done.

    Args:
        arguments: Those of the process by default.
    """
    parser = argparse.ArgumentParser(description="Record what the agents of ids earn.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="by default all of a single agent")
    parser.add_argument("--add", action="append", metavar="AGENT", help="judge only this agent")
    given = parser.parse_args(arguments)
    for id in given.ids or list(_ids()):
        ladder = asdict(extend(id, given.add) if given.add else judge(id))
        table = _read() | {id: ladder}
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(table[key])}" for key in sorted(table))
        FILE.write_text(f"{{\n{text}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
