"""compare(): run agents on the same seeds and judge them by the same numbers."""

from __future__ import annotations

import html
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_suite.comparison.execution import check_executor, progress_bar, run_jobs
from gym_suite.comparison.experiments import read_seeds
from gym_suite.comparison.outcomes import AgentSummary
from gym_suite.comparison.planning import (
    experiments_of,
    lineups_of,
    missing_jobs,
    outdated,
    settings_of,
)
from gym_suite.comparison.results import Results, check_writable, encode, write_csv, write_whole
from gym_suite.comparison.rollouts import Job
from gym_suite.comparison.settings import NOMINAL, Chosen, Setting
from gym_suite.comparison.sources import RUNS_CODE
from gym_suite.comparison.summary import Summary
from gym_suite.comparison.text import listed
from gym_suite.comparison.worlds import known_id
from gym_suite.core.cards import Protocol
from gym_suite.learning.records import folder_named
from gym_suite.registration import catalogue

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["AgentSummary", "Comparison", "compare"]


class Comparison(Summary):
    """Finished results, what can be said about them, and the report."""

    def table(self) -> RenderableType:
        """The main numbers as a table for the terminal."""
        from gym_suite.comparison.terminal import table

        return table(self)

    def __rich__(self) -> RenderableType:
        """What a rich console prints: the table."""
        return self.table()

    def __str__(self) -> str:
        """The table as text."""
        from rich.console import Console

        console = Console(width=120, color_system=None, force_terminal=False, markup=False)
        with console.capture() as captured:
            console.print(self.table())
        return captured.get()

    def _repr_html_(self) -> str:
        """The table as a notebook shows it."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def report(self, folder: str | Path) -> Path:
        """Write the report: one self-contained page, and the results beside it.

        Args:
            folder: created if need be.

        Returns:
            The path of index.html.

        Raises:
            OSError: the folder cannot be written.
        """
        from gym_suite.comparison.report import write_report

        folder = folder_named("folder", folder)
        check_writable(folder)
        self.save(folder)
        return write_report(self, folder / "index.html")

    def save(self, folder: str | Path) -> None:
        """Write results.csv, and results.jsonl if it is not already kept there.

        Args:
            folder: where to write; created if need be.
        """
        folder = folder_named("folder", folder)
        own = self.results.folder
        if own is None or own.resolve() != folder.resolve():
            check_writable(folder)
            lines = "".join(encode(record) + "\n" for record in self.records)
            write_whole(folder / "results.jsonl", lines)
        write_csv(folder / "results.csv", self.records)


def compare(
    ids: str | Sequence[str],
    *,
    agents: Iterable[Any] | Mapping[str, Any] | Any | None = None,
    seeds: int | Sequence[int] | None = None,
    settings: str | Iterable[str | Setting] | Mapping[str, Mapping[str, Any]] | None = None,
    keywords: Mapping[str, Any] | None = None,
    anchors: Sequence[Any] | None = None,
    out: str | Path | None = None,
    horizon: int | None = None,
    protocol: bool = False,
    workers: int = 1,
    executor: str = "local",
    progress: bool = True,
) -> Comparison:
    """Run agents on the same episode seeds and compare them.

    The reference controller and do-nothing of each id always take part: they anchor the score.

    Args:
        ids: environment ids, those of any other Gymnasium package too ("module:id" where a module registers it); these
            need ``anchors``.
        agents: names of controllers, tuned gains or shipped policies, policy files (.npz, or .zip of
            Stable-Baselines3, with the statistics of its VecNormalize beside it as vecnormalize.pkl),
            "file.py:factory", objects with `predict`, classes with `for_env`, or a mapping of your own names to any
            of these. None takes the reference controller, do-nothing, random, and all shipped policies; "all" every
            controller besides. A .zip can run any code when it is loaded, an .npz cannot.
        seeds: episode seeds, or their number; None for 20.
        settings: names among "nominal", "noise", "mismatch", "delay", "disturbance" (None: these five) and the ids'
            own settings, "all" for all of both, or a mapping of name to environment keywords. A setting that changes
            nothing for an id, or that only others have, is not run there; :attr:`Comparison.idle` says which, and the
            page names ids of which nothing is left.
        keywords: environment keywords laid over those of every setting.
        anchors: what scores 0 and what scores 1, each an agent or a return; None for do-nothing and the reference
            controller, or a computed optimum where the id has one.
        out: folder for results; what an earlier, perhaps killed, comparison finished there is not
            done again, unless other sources did it, which is said. None keeps everything in memory.
        horizon: control periods after which episodes are cut; None for each id's own limit.
        protocol: whether seeds, settings and horizon are exactly those of each id's protocol, which its page shows;
            none of them can then be given.
        workers: processes.
        executor: "local" or "ray".
        progress: show progress on stderr.

    Raises:
        ValueError: unknown id, agent, setting or executor (the nearest is told), a policy file
            that is damaged or for another id, or settings that change nothing for any of the ids.
        FileNotFoundError: no such policy file.
        ConnectionError: no Ray cluster answers where RAY_ADDRESS says.
        OSError: the folder cannot be written, or another comparison is writing there. Like all of these, before
            anything runs.
    """
    names = list(dict.fromkeys(map(known_id, [ids] if isinstance(ids, str) else list(ids))))
    if not names:
        raise ValueError("no environment id; expected at least one")
    if horizon is not None and (
        isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1
    ):
        raise ValueError(f"horizon must be a whole number >= 1, got {horizon!r}")
    place = None if out is None else folder_named("out", out)
    protocols: dict[str, Protocol] = {}
    if protocol:
        given = {"seeds": seeds, "settings": settings, "keywords": keywords, "horizon": horizon}
        protocols = _protocols(names, {**given, "anchors": anchors})
    read = {
        id: read_seeds(protocols[id].seeds if protocol else 20 if seeds is None else seeds)
        for id in names
    }
    asked: dict[str, Chosen] = {}
    for own, ids_of in _groups(names, protocols, settings):
        asked |= settings_of(own, ids_of, dict(keywords or {}))
    _check_something(asked)
    shared = list(agents) if isinstance(agents, Iterator) else agents
    lineups = {id: lineups_of(id, asked[id], shared, read[id], anchors) for id in names}
    everybody = [a for own in lineups.values() for lineup in own.values() for a in lineup.agents]
    if progress and any(agent.runs_code for agent in everybody):
        print(f"gym_suite: {RUNS_CODE}.", file=sys.stderr)
    experiments = [
        experiment
        for id, own in lineups.items()
        for experiment in experiments_of(
            id,
            asked[id],
            own,
            read[id],
            horizon=protocols[id].horizon if protocol else horizon,
            own_anchors=anchors is not None,
            protocol=protocols.get(id),
        )
    ]
    results = Results(place)
    try:
        # The longest first, so that no worker is left alone with one at the end.
        longest = sorted(experiments, key=lambda experiment: -experiment.world.limit)
        jobs = [job for experiment in longest for job in missing_jobs(experiment, results)]
        check_executor(executor, workers, jobs)
        if progress and (told := outdated(jobs, results)):
            print(f"gym_suite: {told}.", file=sys.stderr)
        _run(jobs, results, executor, workers, progress)
        idle = {id: chosen.idle for id, chosen in asked.items() if chosen.idle}
        comparison = Comparison(tuple(experiments), results, idle)
        if out is not None:
            comparison.save(out)
        return comparison
    finally:
        results.close()


def _protocols(ids: Sequence[str], given: Mapping[str, Any]) -> dict[str, Protocol]:
    """The protocol of each id.

    Raises:
        ValueError: something was given that a protocol decides, or an id is not of this package.
    """
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"a protocol decides {name}, so it cannot be given with it: leave out {name} or the protocol"
            )
    for id in ids:
        if id not in catalogue():
            raise ValueError(f"{id} is not of this package and has no protocol")
    return {id: catalogue()[id].protocol for id in ids}


def _check_something(asked: Mapping[str, Chosen]) -> None:
    """Refuse a comparison of which nothing is left to run.

    Raises:
        ValueError: no id has a setting that changes it.
    """
    if any(chosen.settings for chosen in asked.values()):
        return
    told = (
        f"{id}: {listed(f'{n} ({why})' for n, why in c.idle.items())}" for id, c in asked.items()
    )
    raise ValueError(
        f"nothing is left to run under the settings asked for ({'; '.join(told)}): ask for {NOMINAL!r} too, or for "
        "others"
    )


def _groups(
    ids: Sequence[str], protocols: Mapping[str, Protocol], settings: Any
) -> Iterator[tuple[Any, list[str]]]:
    """Yield the settings that were asked for with the ids that they are for: all, or each with its protocol's."""
    if not protocols:
        yield settings, list(ids)
    for id, protocol in protocols.items():
        yield protocol.settings, [id]


def _run(
    jobs: Sequence[Job], results: Results, executor: str, workers: int, progress: bool
) -> None:
    """Run jobs and keep what they give as it comes."""
    with (
        progress_bar(jobs, shown=progress) as update,
        closing(run_jobs(jobs, executor=executor, workers=workers, progress=update)) as finished,
    ):
        for job, outcome in finished:
            kept = {job.run(s).digest(): t for s, t in outcome.trajectories.items()}
            results.add(outcome.records, kept)
