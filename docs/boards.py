"""The page of the leaderboard: ``leaderboard.md``, made from ``leaderboard.json``, neither of them written by hand.

Run the leaderboard and take its rows over, from as many folders as it was run into; rows that are not in them stay::

    gym-suite leaderboard --protocol --out build/leaderboard
    python docs/boards.py build/leaderboard

Without a folder the page is made anew from what is recorded, as it must be after an id, its agents or its policies have
changed: a row that belongs to others is not shown then, and its id is told among those that are not run.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gym_suite.behaviour import recorded
from gym_suite.comparison.board import Board
from gym_suite.comparison.leaderboard_page import OUTCOMES, how
from gym_suite.comparison.outcomes import OVER_BUDGET
from gym_suite.comparison.rows import with_claims
from gym_suite.comparison.sentences import MARKS
from gym_suite.comparison.text import listed, number, seconds
from gym_suite.comparison.verdicts import LEVEL
from gym_suite.core.cards import BASELINES, OUTSIDE, Card
from gym_suite.learning.shelf import files_of
from gym_suite.registration import FAMILIES, catalogue

DATA = Path(__file__).with_name("leaderboard.json")
PAGE = Path(__file__).with_name("leaderboard.md")
#: What of how a leaderboard was run must be the same for all rows of a page.
SAME = ("version", "protocol", "episodes", "steps")
#: Significant digits that are kept of scores, shares and times, and of a p; the page shows fewer.
KEPT, KEPT_OF_P = 5, 3
#: What is kept of a row, of one of its agents, and of an agent under a setting.
ROW = "id episodes seeds horizon settings idle problems learning behaviour files"
AGENT = "name kind rank by information trainings steps trials time_per_action"
CELL = "score failures failed_runs p claim_if_sure"


def cards() -> list[Card]:
    """Return the cards of the ids that the page is about: our own in which one agent acts."""
    own = [card for card in catalogue().values() if card.module != OUTSIDE]
    return [card for card in own if card.agents != "several"]


# ----------------------------------------------------------------------------------------------------------- the data


def read() -> dict[str, Any]:
    """Return what is recorded: how it was run, and a row for each id; no rows where nothing is."""
    return json.loads(DATA.read_text("utf-8")) if DATA.is_file() else {"about": {}, "rows": []}


def taken_over(data: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """Return data with the rows of leaderboards in place of those that they had of the same ids.

    Args:
        data: As :func:`read` has it.
        folders: That ``gym-suite leaderboard`` has written.

    Raises:
        ValueError: If a folder holds no leaderboard, or one that was run otherwise.
    """
    about, rows = dict(data["about"]), {row["id"]: row for row in data["rows"]}
    for folder in folders:
        board = Board.open(folder)
        told = json.loads((folder / "about.json").read_text("utf-8"))
        here = {name: told[name] for name in SAME}
        if about and about != here:
            raise ValueError(
                f"{folder} was run with {here}, the rows that are recorded with {about}; they make no page together. "
                f"To begin anew, delete {DATA.name}."
            )
        about = here
        rows |= {row["id"]: _compact(row) for row in board.rows()}
    return {"about": about, "rows": [rows[id] for id in sorted(rows)]}


def written(data: Mapping[str, Any]) -> str:
    """Return data as the text of its file, a line for each row.

    Args:
        data: As :func:`read` has it.
    """
    rows = ",\n".join(json.dumps(row, allow_nan=False) for row in data["rows"])
    return f'{{"about": {json.dumps(data["about"])}, "rows": [\n{rows}\n]}}\n'


def _compact(row: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of a row what the page needs, with fewer digits."""
    kept = _chosen(row, ROW)
    kept["commit"] = row["provenance"]["commit"]
    kept["learning"] = {
        name: duel and {**duel, "p": _of_p(duel["p"]), "p_of_others": _of_p(duel["p_of_others"])}
        for name, duel in row["learning"].items()
    }
    kept["agents"] = [
        _chosen(agent, AGENT)
        | {"primary": agent["primary"] and agent["primary"]["setting"]}
        | {
            "settings": {
                name: _chosen(cell, CELL) | {"p": _of_p(cell["p"])}
                for name, cell in agent["settings"].items()
            }
        }
        for agent in row["agents"]
    ]
    return kept


def _chosen(told: Mapping[str, Any], names: str) -> dict[str, Any]:
    return {name: _rounded(told[name], KEPT) for name in names.split()}


def _of_p(value: Any) -> Any:
    return _rounded(value, KEPT_OF_P)


def _rounded(value: Any, digits: int) -> Any:
    """Round floats, in lists too."""
    if isinstance(value, list):
        return [_rounded(one, digits) for one in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def why_not_shown(card: Card, row: Mapping[str, Any] | None) -> str:
    """Return why an id has no row on the page, "" where it has.

    Args:
        card: Of the id.
        row: That is recorded, None where none is.
    """
    if row is None:
        return f"needs the extra {card.extra}" if card.extra else "not run yet"
    if row["behaviour"] != recorded().get(card.id):
        return "the id behaves otherwise since"
    if row["files"] != files_of(card.id):
        return "its policies or searched gains are others since"
    named = {*card.controllers, *card.tuned, *card.learned, *BASELINES}
    missing = sorted(named - {agent["name"] for agent in row["agents"]})
    return f"{listed(missing)} came since" if missing else ""


# ----------------------------------------------------------------------------------------------------------- the page


def page(data: Mapping[str, Any]) -> str:
    """Return the page as Markdown.

    Args:
        data: As :func:`read` has it.
    """
    recorded_rows = {row["id"]: row for row in data["rows"]}
    reasons = {card.id: why_not_shown(card, recorded_rows.get(card.id)) for card in cards()}
    rows = {
        row["id"]: row
        for row in with_claims([recorded_rows[id] for id, why in reasons.items() if not why])
    }
    parts = ["# Leaderboard", *_opening(data["about"], list(rows.values()))]
    for family in FAMILIES:
        mine = [rows[card.id] for card in cards() if card.family == family and card.id in rows]
        if mine:
            lines = [
                "| Environment | Best law | Best policy | Learning |",
                "|---|---|---|---|",
                *(f"| {' | '.join(cells)} |" for cells in map(_line, mine)),
            ]
            parts += [f"## {_title(family)}", "\n".join(lines)]
    parts += _not_shown({id: why for id, why in reasons.items() if why})
    return "\n\n".join([*parts, *_notes(list(rows.values()))]) + "\n"


def _opening(about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        yield (
            "With this version the leaderboard has not been run yet: `gym-suite leaderboard --protocol` runs it, and "
            "`python docs/boards.py FOLDER` makes this page of it."
        )
        return
    played = sum(
        row["episodes"] * len(agent["settings"]) * max(agent["trainings"], 1)
        for row in rows
        for agent in row["agents"]
    )
    commits = sorted({row["commit"][:10] for row in rows})
    yield (
        f"Every law and every policy that ships, on {number(len(rows), 'environment')}, in {played:,} episodes of "
        f"gym_suite {about['version']} (commit {listed(commits)}): `gym-suite leaderboard` ran them and "
        f"`docs/boards.py` wrote this page. {how(about)}"
    )
    outcomes = [duel["outcome"] for row in rows for duel in row["learning"].values() if duel]
    if outcomes:
        count = Counter(outcomes)
        yield (
            f"In {number(len(outcomes), 'setting')} of {number(sum(map(_learns, rows)), 'environment')} a policy "
            f"ships. Beside the best law the best of the policies wins {count['wins']} times, ties "
            f"{count['ties']} times and loses {count['loses']} times; {count['mixed']} times the pair is mixed."
        )


def _learns(row: Mapping[str, Any]) -> bool:
    return any(duel is not None for duel in row["learning"].values())


def _line(row: Mapping[str, Any]) -> list[str]:
    """Return the cells of an id."""
    link = f"[`{row['id']}`](environments/{row['id'].replace('/', '-')}.md)"
    return [
        link,
        _best(row, "controller"),
        _best(row, "learned"),
        _outcomes(row),
    ]


def _best(row: Mapping[str, Any], kind: str) -> str:
    """Return what the best of a kind came to: by its lowest score over the settings, or the one that ranks."""
    able = [a for a in row["agents"] if a["kind"] == kind and a["information"] != "state"]
    if not able:
        return "none"
    scored = [a for a in able if a["primary"] is not None]
    if not scored:
        return " ".join(dict.fromkeys(row["problems"].values())) or "no score"
    best = max(scored, key=lambda agent: _score(agent, agent["primary"]))
    worst = best["primary"]
    first = row["settings"][0]
    told = [f"**{best['name']}** {_told(best, first)}"]
    if worst != first:
        told.append(f"worst {_told(best, worst)}, {worst}")
    told += [_failures(row, best), *_made(row["id"], best)]
    if best["time_per_action"] is not None:
        told.append(f"{seconds(best['time_per_action'])} an action")
    ahead = max(scored, key=lambda agent: _score(agent, first))
    if _score(ahead, first) > _score(best, first):
        told.append(f"ahead under {first}: **{ahead['name']}** {_told(ahead, first)}")
    return "<br>".join(told)


def _score(agent: Mapping[str, Any], setting: str) -> float:
    """Return a score, minus infinity where there is none."""
    score = agent["settings"].get(setting, {}).get("score")
    return -math.inf if score is None or score[0] is None else score[0]


def _told(agent: Mapping[str, Any], setting: str) -> str:
    """Return a score with its interval and its mark."""
    cell = agent["settings"].get(setting)
    if cell is None or cell["score"] is None or cell["score"][0] is None:
        return "–"
    value, low, high = (_decimal(end) for end in cell["score"])
    return f"{value} [{low}, {high}]{MARKS.get(cell['claim'], '')}"


def _decimal(value: float | None) -> str:
    """Return a score to hundredths; one that is far off to fewer, and an end of which nothing is known as a dash."""
    if value is None:
        return "–"
    text = f"{value:.2f}" if abs(value) < 100.0 else f"{value:.0f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def _failures(row: Mapping[str, Any], agent: Mapping[str, Any]) -> str:
    """Return in which setting an agent fails most often."""
    shares = {name: cell["failures"] for name, cell in agent["settings"].items()}
    name = max(shares, key=lambda name: shares[name][0])
    share, _, high = (100.0 * end for end in shares[name])
    if not share:
        return f"no failure (of {row['episodes']} at most {high:.0f} %)"
    return f"fails {share:.0f} %, {name}"


def _made(id: str, agent: Mapping[str, Any]) -> Iterator[str]:
    """Yield how many samples an agent was made with, where any were needed, and whether these were too many."""
    if agent["trainings"]:
        steps = f" of {agent['steps'] / 1e6:.3g} M steps" if agent["steps"] else ""
        yield f"{number(agent['trainings'], 'training')}{steps}"
    if agent["trials"]:
        yield f"{number(agent['trials'], 'trial')}"
    if catalogue()[id].protocol.exceeded_by(agent["steps"]):
        yield OVER_BUDGET


def _outcomes(row: Mapping[str, Any]) -> str:
    """Return where the best policy of a setting wins, ties and loses beside the best law of that setting."""
    where = {
        outcome: [
            name for name, duel in row["learning"].items() if duel and duel["outcome"] == outcome
        ]
        for outcome in OUTCOMES
    }
    return (
        "<br>".join(f"{outcome}: {', '.join(names)}" for outcome, names in where.items() if names)
        or "–"
    )


def _title(family: str) -> str:
    """Return what a family calls itself: the first line of its package's docstring."""
    doc = __import__(f"gym_suite.{family}", fromlist=["__doc__"]).__doc__ or family
    return doc.partition("\n")[0].partition(":")[0].rstrip(".")


def _not_shown(reasons: Mapping[str, str]) -> Iterator[str]:
    if reasons:
        yield "## Not run"
        for reason in dict.fromkeys(reasons.values()):
            ids = [f"`{id}`" for id, why in reasons.items() if why == reason]
            yield f"{reason[0].upper()}{reason[1:]}: {', '.join(ids)}."


def _notes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not rows:
        return
    beside = sum(
        cell["p"] is not None
        for row in rows
        for a in row["agents"]
        for cell in a["settings"].values()
    )
    pairs = sum(
        1 + len(duel["p_of_others"]) for row in rows for duel in row["learning"].values() if duel
    )
    yield "## How to read this"
    yield (
        "A score is 0 for doing nothing and 1 for the reference controller or a computed optimum, with its 95 % "
        "interval; how it is reckoned is on the page about [comparisons](theory/comparison.md). First stands the score "
        "under the first setting, below it the worst over all settings, which ranks, then the setting in which the "
        "agent fails most often, and at the end who is ahead under the first setting, where it is another. A law that "
        "needed no search has no number of trials. Whoever looks at the true state is left out. Seconds are of one "
        "action, the call from Python included, on the machine that ran it."
    )
    yield (
        f"{MARKS['beats']} and {MARKS['loses']} behind a score say that an agent beats the reference or loses to it, "
        f"{MARKS['fails more']} that it earns more and fails more often: each corrected (Holm) for all "
        f"{beside:,} comparisons with a reference, at {100 * LEVEL:g} %. Learning wins, ties or loses in the pair of "
        f"the best policy and the best law of a setting, corrected for all {pairs:,} pairs of a policy and a law; a "
        "tie is a pair that these episodes do not tell apart. Where whoever earns more also fails more often, the pair "
        "is mixed: neither a win nor a loss."
    )
    yield (
        "All agents of an id see the same episodes, which no training and no tuning has seen. All other agents and "
        "settings are in the page that `gym-suite leaderboard` itself writes, and what each of them earns is on the "
        "page of its id."
    )


def main(folders: Sequence[str] = ()) -> None:
    """Take rows over and write data and page.

    Args:
        folders: That ``gym-suite leaderboard`` has written.
    """
    data = taken_over(read(), [Path(folder) for folder in folders])
    if folders:
        DATA.write_text(written(data), "utf-8")
    PAGE.write_text(page(data), "utf-8")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
