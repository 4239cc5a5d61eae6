"""What a leaderboard will take: jobs, episodes and core hours, from rates measured here and now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gym_suite.comparison.board import Board, Field
from gym_suite.comparison.company import batches_of
from gym_suite.comparison.pieces import Cost, parts_of
from gym_suite.comparison.results import slug
from gym_suite.comparison.rollouts import Job, execute
from gym_suite.comparison.text import digits, number
from gym_suite.version import __version__

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Estimate", "as_markdown", "as_table", "estimate", "store_rate"]

SHORT, LONG = 8, 40
"""Control periods of the two runs from which the rate of an agent is taken: what both have in common falls out."""

CORES = (1, 2, 10, 100, 1000, 100_000)
"""Numbers of cores for which the hours are told."""

PRICE = 0.05
"""US dollars of a core hour, about what large providers ask for a virtual core by the hour without a contract."""

WRITES = 50
"""Jobs whose results are written to measure how many the disk takes."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an id still takes.

    Attributes:
        id: environment id.
        jobs: a training of an agent, or an agent without any, under a setting each.
        pieces: what workers get on a cluster, one after the other: jobs together, or parts of one.
        episodes: of all jobs.
        steps: environment steps at most; episodes may end earlier.
        seconds: processor seconds at most, of one core.
        longest: processor seconds of its longest piece, below which no number of cores gets.
        slowest: name of the agent of that piece.
    """

    id: str
    jobs: int
    pieces: int
    episodes: int
    steps: int
    seconds: float
    longest: float
    slowest: str


def estimate(
    board: Board, ids: Sequence[str], progress: Callable[[str], None] = lambda line: None
) -> list[Estimate]:
    """Measure what is left of some ids; nothing is written.

    Every agent runs twice for a few control periods under the first setting, with as many episodes as the board has;
    the other settings are taken to cost the same. By these costs work is done in pieces as it would be if it ran.

    Args:
        board: how the leaderboard is run.
        ids: environment ids.
        progress: gets a line for each id.
    """
    found = []
    for place, id in enumerate(ids, 1):
        progress(f"[{place}/{len(ids)}] {id}")
        field = Field.of(board, id, board.entries(id))
        jobs = _left(board, field)
        limit = field.experiments[0].world.limit
        costs: dict[str, _Rate] = {}
        for job in jobs:
            if job.agent.name not in costs:
                costs[job.agent.name] = _rate(job, limit)
        pieces = _pieces(jobs, costs, limit)
        longest, slowest = max(pieces, default=(0.0, ""))
        episodes = sum(len(job.seeds) for job in jobs)
        found.append(
            Estimate(
                id=id,
                jobs=len(jobs),
                pieces=len(pieces),
                episodes=episodes,
                steps=episodes * limit,
                seconds=sum(seconds for seconds, _ in pieces),
                longest=longest,
                slowest=slowest,
            )
        )
    return found


def _left(board: Board, field: Field) -> list[Job]:
    """The jobs that are not done; all where there is no folder yet."""
    from gym_suite.comparison.results import Results

    there = (board.folder / "runs" / slug(field.id)).is_dir()
    with closing(board.results(field.id) if there else Results(None)) as results:
        return field.missing(results)


@dataclass(frozen=True, slots=True)
class _Rate:
    """Processor seconds of an agent's jobs: of each besides its steps, and of a step of an episode."""

    setup: float
    step: float


def _pieces(jobs: Sequence[Job], rates: Mapping[str, _Rate], limit: int) -> list[tuple[float, str]]:
    """Processor seconds of each piece in which jobs are done on a cluster, and an agent of it."""
    found: list[tuple[float, str]] = []
    waiting = batches_of(jobs, len(jobs)) if jobs else []
    while waiting:
        batch = waiting.pop()
        setup = sum(rates[job.agent.name].setup for job in batch)
        steps = sum(rates[job.agent.name].step * len(job.seeds) for job in batch)
        cost = Cost(setup, steps * limit, limit)
        parts = parts_of(batch, cost.parts)
        if len(parts) > 1:
            waiting += parts
        else:
            found.append((cost.seconds, batch[0].agent.name))
    return found


def _rate(job: Job, limit: int) -> _Rate:
    short, long = min(SHORT, limit), min(LONG, limit)
    few = replace(job, horizon=short, kept=())
    execute(few)  # compiles what is not compiled
    taken = []
    for horizon in (short, long):
        begin = time.process_time()
        execute(replace(few, horizon=horizon))
        taken.append(time.process_time() - begin)
    rate = max(0.0, taken[1] - taken[0]) / max(1, long - short)
    return _Rate(max(0.0, taken[0] - short * rate), rate / len(job.seeds))


def store_rate(board: Board, id: str) -> float:
    """Measure how many jobs a second a leaderboard can put onto the disk; the results go to a folder of passing use.

    One process writes all results, each job's as it comes in, and waits until the disk has them.

    Args:
        board: how the leaderboard is run.
        id: whose results are written.
    """
    from gym_suite.comparison.results import Results

    field = Field.of(board, id, ())
    with closing(Results(None)) as none:
        job = field.missing(none)[0]
    records = execute(replace(job, horizon=SHORT, kept=())).records
    with TemporaryDirectory() as folder, closing(Results(Path(folder))) as results:
        begin = time.perf_counter()
        for _ in range(WRITES):
            results.add(records, {})
        return WRITES / (time.perf_counter() - begin)


def hours_on(estimates: Sequence[Estimate], cores: int) -> float:
    """Wall hours on so many cores: the work shared out, but no less than the longest piece.

    Args:
        estimates: of all ids.
        cores: that work at once.
    """
    work = sum(one.seconds for one in estimates)
    return max(work / cores, max((one.longest for one in estimates), default=0.0)) / 3600.0


def as_markdown(estimates: Sequence[Estimate], command: str, writes: float) -> str:
    """The estimates as a page of the documentation: a row a family, and what bounds more cores.

    Args:
        estimates: of all ids.
        command: that measured them.
        writes: jobs a second whose results one process can put onto the disk, of :func:`store_rate`; of no matter
            where nothing is left.
    """
    from gym_suite.provenance import machine
    from gym_suite.registration import card

    jobs = sum(one.jobs for one in estimates)
    if not jobs:
        ids = number(len(estimates), "environment")
        return f"By `{command}` with gym_suite {__version__} nothing is left to run of {ids}.\n"
    families: dict[str, list[Estimate]] = {}
    for one in estimates:
        families.setdefault(card(one.id).family, []).append(one)
    lines = [
        f"Measured by `{command}` with gym_suite {__version__} on one core of {machine()['cpu']}, other programs "
        "running; hours are of processor time and upper bounds, for episodes may end early.",
        "",
        "| Family | Ids | Jobs | Pieces | Episodes | Million steps | Core hours | Longest piece, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_markdown_row(family, own) for family, own in families.items()]
    lines.append(_markdown_row("all", estimates))
    total = sum(one.seconds for one in estimates)
    longest = max(estimates, key=lambda one: one.longest)
    pieces = sum(one.pieces for one in estimates)
    each = {one.episodes / one.jobs for one in estimates if one.jobs}
    twice = "twice the episodes"
    if len(each) == 1 and (now := each.pop()).is_integer():
        twice = f"{2 * now:.0f} episodes in place of {now:.0f}"
    lines += [
        "",
        f"The mean piece takes {total / pieces:.1f} s and the longest {longest.longest:.0f} s ({longest.slowest} on "
        f"`{longest.id}`). One process puts the results of {writes:,.0f} jobs a second onto this disk, as many as "
        f"{writes * total / jobs:,.0f} cores finish. At {PRICE:g} US dollars a core hour all of it costs "
        f"{total / 3600.0 * PRICE:.2f}, and {2.0 * total / 3600.0 * PRICE:.2f} with {twice}.",
        "",
        f"| Cores | Pieces a core | Wall hours | with {twice.partition(' in place')[0]} | Bound by |",
        "|---|---|---|---|---|",
    ]
    for cores in CORES:
        hours = hours_on(estimates, cores)
        bound = "the longest piece" if hours * 3600.0 <= longest.longest else "the work"
        lines.append(
            f"| {cores:,} | {digits(pieces / cores, 2)} | {hours:.2g} | {2.0 * hours:.2g} | {bound} |"
        )
    return "\n".join(lines) + "\n"


def _markdown_row(name: str, estimates: Sequence[Estimate]) -> str:
    numbers = (
        f"{len(estimates)}",
        f"{sum(one.jobs for one in estimates):,}",
        f"{sum(one.pieces for one in estimates):,}",
        f"{sum(one.episodes for one in estimates):,}",
        f"{sum(one.steps for one in estimates) / 1e6:.1f}",
        f"{hours_on(estimates, 1):.2g}",
        f"{max(one.longest for one in estimates):.0f}",
    )
    return f"| {name} | {' | '.join(numbers)} |"


def as_table(estimates: Sequence[Estimate]) -> RenderableType:
    """The estimates as a table for a terminal.

    Args:
        estimates: of all ids.
    """
    from rich.console import Group
    from rich.text import Text

    from gym_suite.sheets import plain_table

    numeric = ("jobs", "pieces", "episodes", "million steps", "core s", "longest piece, s")
    table = plain_table("id", *numeric, "of", numeric=numeric)
    for one in estimates:
        numbers = (
            f"{one.jobs}",
            f"{one.pieces}",
            f"{one.episodes:,}",
            f"{one.steps / 1e6:.2f}",
            f"{one.seconds:.0f}",
        )
        table.add_row(one.id, *numbers, f"{one.longest:.1f}", one.slowest)
    jobs, episodes = sum(one.jobs for one in estimates), sum(one.episodes for one in estimates)
    if not jobs:
        return Group(table, Text("Nothing is left to run."))
    wall = ", ".join(f"{hours_on(estimates, cores):.2g} on {cores}" for cores in CORES)
    words = (
        f"{jobs:,} jobs, {episodes:,} episodes: at most {hours_on(estimates, 1):.2g} core hours "
        f"by rates measured here. Wall hours by cores: {wall}."
    )
    return Group(table, Text(words))
