"""What a comparison will run: experiments from ids, agents and settings, and the jobs that are not done yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gym_suite.comparison.agents import Lineup, line_up
from gym_suite.comparison.experiments import Experiment, check_unseen, sources_of
from gym_suite.comparison.results import Results
from gym_suite.comparison.rollouts import Job
from gym_suite.comparison.settings import Chosen, Setting, read_settings
from gym_suite.comparison.text import listed, number, visible
from gym_suite.comparison.worlds import World, changes, channels_of, make
from gym_suite.core.cards import Protocol
from gym_suite.registration import assumed, catalogue

__all__ = ["experiments_of", "lineups_of", "missing_jobs", "outdated", "settings_of"]


def settings_of(
    settings: str | Iterable[str | Setting] | Mapping[str, Mapping[str, Any]] | None,
    ids: Sequence[str],
    keywords: Mapping[str, Any],
) -> dict[str, Chosen]:
    """The settings of each id, looked up in its card and its environment.

    Args:
        settings: as of :func:`gym_suite.comparison.compare`.
        ids: environment ids.
        keywords: of the environments, laid over those of every setting.

    Raises:
        ValueError: an unknown setting or keyword.
    """
    if isinstance(settings, Iterator):
        settings = list(settings)
    channels = {}
    for id in ids:
        if id in catalogue() and not isinstance(settings, Mapping):
            # What can be disturbed is asked of what runs without an extra: the settings chosen may not need it.
            env = make(id, {**catalogue()[id].anywhere, **keywords})
            channels[id] = channels_of(env) or ()
            env.close()
    chosen = read_settings(
        settings,
        {id: catalogue()[id].settings if id in catalogue() else {} for id in ids},
        keywords,
        channels,
        lambda id, own: changes(id, own, keywords),
    )
    return {id: _spelled_out(id, one) for id, one in chosen.items()}


def _spelled_out(id: str, chosen: Chosen) -> Chosen:
    """The settings of an id with what it assumes on this machine, so that page and digests say it."""
    settings = tuple(
        replace(one, keywords={**one.keywords, **assumed(id, one.keywords)})
        for one in chosen.settings
    )
    return replace(chosen, settings=settings)


def lineups_of(
    id: str, chosen: Chosen, agents: Any, seeds: Sequence[int], anchors: Sequence[Any] | None = None
) -> dict[str, Lineup]:
    """Who takes part on an id, by the name of the setting.

    Args:
        id: environment id.
        chosen: its settings.
        agents: as of :func:`gym_suite.comparison.compare`.
        seeds: episode seeds.
        anchors: of the score, None for the id's own.

    Raises:
        ValueError: an unknown agent, or one that may have been made with one of the seeds.
        FileNotFoundError: no such file.
    """
    found = {}
    for setting in chosen.settings:
        lineup = line_up(agents, id, setting.name, anchors)
        check_unseen(id, seeds, lineup.agents)
        found[setting.name] = lineup
    return found


def experiments_of(
    id: str,
    chosen: Chosen,
    lineups: Mapping[str, Lineup],
    seeds: tuple[int, ...],
    *,
    horizon: int | None,
    own_anchors: bool = False,
    protocol: Protocol | None = None,
) -> list[Experiment]:
    """The experiments of an id, one per setting; each policy has been loaded once when this returns.

    Args:
        id: environment id.
        chosen: its settings.
        lineups: who takes part, by the name of the setting.
        seeds: episode seeds.
        horizon: control periods after which episodes are cut, None for the id's own limit.
        own_anchors: whether the user named the anchors of the score.
        protocol: of the id, where it decides seeds, settings and horizon.

    Raises:
        ValueError: a policy does not fit.
    """
    found = []
    for setting in chosen.settings:
        lineup = lineups[setting.name]
        found.append(
            Experiment(
                id=id,
                setting=setting,
                seeds=seeds,
                horizon=horizon,
                agents=lineup.agents,
                low=lineup.low,
                high=lineup.high,
                own_anchors=own_anchors,
                world=_check_environment(id, setting, horizon, lineup.agents),
                protocol=protocol,
            )
        )
    return found


def _check_environment(
    id: str, setting: Setting, horizon: int | None, agents: Sequence[Any]
) -> World:
    """Build an environment and load each policy once, so that what does not fit is told before anything runs."""
    env = make(id, setting.keywords, horizon)
    try:
        for agent in agents:
            if agent.from_file:
                agent.load(env)
        return World.of(env, horizon)
    finally:
        env.close()


def missing_jobs(experiment: Experiment, results: Results) -> list[Job]:
    """The jobs whose runs are not done yet; failed ones are tried again.

    Args:
        experiment: what is to be run.
        results: what is there.
    """
    jobs = []
    for agent in experiment.agents:
        seeds, kept = [], []
        for run in experiment.runs(agent):
            digest = run.digest()
            record = results.get(digest)
            done = record is not None and record["status"] == "done"
            shown = run.seed in experiment.kept_seeds
            if shown and not (done and _whole(results.trajectory(digest), run.seed, experiment)):
                kept.append(run.seed)
            if not done or run.seed in kept:
                seeds.append(run.seed)
        if seeds:
            jobs.append(
                Job(
                    experiment.id,
                    experiment.setting,
                    experiment.horizon,
                    agent,
                    tuple(seeds),
                    tuple(kept),
                    experiment.seeds[0] if experiment.seeds[0] in kept else None,
                )
            )
    return jobs


def outdated(jobs: Sequence[Job], results: Results) -> str:
    """What is to be said of results that are there but are not taken for current, in a line; empty: nothing.

    Args:
        jobs: what is to be run.
        results: what is there.
    """
    asked = {
        (job.id, job.setting.name, job.horizon, job.agent.name, job.agent.training_seed, seed)
        for job in jobs
        for seed in job.seeds
    }
    old: list[Mapping[str, Any]] = []
    for record in results.records:
        agent, setting = record["agent"], record["setting"]["name"]
        key = record["id"], setting, record.get("horizon"), agent["name"], agent["training_seed"]
        wanted = record["status"] == "done" and (*key, record["seed"]) in asked
        if wanted and _made_by(record) != sources_of(record["id"]):
            old.append(record)
    if not old:
        return ""
    names = listed(dict.fromkeys(visible(record["agent"]["name"]) for record in old))
    ids = listed(dict.fromkeys(record["id"] for record in old))
    versions = listed(dict.fromkeys(visible(str(_made_by(record)[0])) for record in old))
    return (
        f"{results.folder} holds {number(len(old), 'result')} of {names} on {ids} by other sources than are here (of "
        f"gym_suite {versions}; this is {sources_of(old[0]['id'])[0]}): these runs are done anew, and what was there "
        "stays in results.jsonl"
    )


def _made_by(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """Of which sources a record is, as :func:`gym_suite.comparison.experiments.sources_of` tells them."""
    return record["provenance"].get("gym_suite"), record["provenance"].get("source_digest")


def _whole(trajectory: Any, seed: int, experiment: Experiment) -> bool:
    """Whether a trajectory is there, with all that is watched where it is the one that is shown."""
    if trajectory is None:
        return False
    shown = seed == experiment.seeds[0]
    return not shown or set(experiment.world.watched) <= set(trajectory.names)
