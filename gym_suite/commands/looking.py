"""Commands that look at ids: list, show, run, render, bench, validate, identify, datasheet, fly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from gym_suite.arguments import agent_of, check_episode, check_folder, episode_of, keywords_of
from gym_suite.commands.output import (
    AgentAssignments,
    Assignments,
    Id,
    Ids,
    as_json,
    put,
    tell_line,
)


def list_ids(*, family: str | None = None, tag: str | None = None) -> None:
    """List the registered environments.

    Args:
        family: Only this family.
        tag: Only those with this tag.
    """
    from gym_suite import show

    put(show.list_ids(family=family, tag=tag))


def show_id(id: Id, /, *, page: bool = False, keywords: Assignments = ()) -> None:
    """Show an environment: spaces, reward terms, parameters with sources, controllers, keywords.

    Args:
        id: The environment.
        page: Print the page as Markdown, the same text as help() of the environment's class.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.show import describe_id, page_of

    if page:
        print(page_of(id, keywords_of(keywords)).markdown())
        return
    put(describe_id(id, keywords_of(keywords)))


def run(
    id: Id,
    /,
    *,
    agent: str | None = None,
    gains: Path | None = None,
    own: AgentAssignments = (),
    seed: int = 0,
    steps: int | None = None,
    csv: Path | None = None,
    keywords: Assignments = (),
) -> None:
    """Run one episode and print its metrics.

    Args:
        id: The environment.
        agent: Name, policy file, gains file or file.py:factory; the reference controller by default.
        gains: File of tuned gains (.json), whose controller acts.
        own: Gain ("i_sd.kp=4.1") or keyword argument of the controller, value as JSON; may be given several times.
        seed: Episode seed.
        steps: Length of the episode; the environment's own by default.
        csv: File for everything that happened: metrics, actions and observations by name.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.comparison.rollouts import Job, execute
    from gym_suite.comparison.settings import Setting
    from gym_suite.comparison.worlds import make
    from gym_suite.show import metrics_table

    check_episode(seed, steps)
    if csv is not None:
        check_folder("--csv", csv)
    spec, settings = agent_of(agent, id, gains, own), Setting("shell", keywords_of(keywords))
    make(
        id, settings.keywords, steps
    ).close()  # what is wrong with its keywords is no failed episode
    (record,) = execute(Job(id, settings, steps, spec, (seed,))).records
    if record["status"] == "failed":
        raise ValueError(f"the episode failed: {record['error']}")
    put(metrics_table(record, settings.keywords))
    if csv is not None:
        episode_of(id, spec, seed, steps, settings.keywords).to_csv(csv)
        print(csv)


def render(
    id: Id,
    /,
    *,
    out: Path,
    agent: str | None = None,
    beside: str | None = None,
    gains: Path | None = None,
    own: AgentAssignments = (),
    seed: int = 0,
    steps: int | None = None,
    keywords: Assignments = (),
) -> None:
    """Record an episode as .html (a page to turn, scrub and play), .gif, .mp4 (extra video) or .png (the last frame).

    Args:
        id: The environment.
        out: File to write.
        agent: Name, policy file, gains file or file.py:factory; the reference controller by default.
        beside: Agent of a second run on the same seed, side by side on the page (.html).
        gains: File of tuned gains (.json), whose controller acts.
        own: Gain ("i_sd.kp=4.1") or keyword argument of the controller, value as JSON; may be given several times.
        seed: Episode seed.
        steps: Length of the episode; the environment's own by default.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.rendering import record

    check_episode(seed, steps)
    specs = [agent_of(agent, id, gains, own)]
    specs += [agent_of(beside, id)] if beside is not None else []
    record(
        id,
        agent=specs[0].load,
        beside=specs[1].load if beside is not None else None,
        names=tuple(spec.name for spec in specs),
        out=out,
        seed=seed,
        steps=steps,
        **keywords_of(keywords),
    )
    print(out)


def bench(
    ids: Ids = (),
    /,
    *,
    repeats: int = 5,
    seconds: float = 0.5,
    threads: int | Literal["auto"] = 1,
    start: bool = True,
    cold: bool = False,
    against: Path | None = None,
    json: bool = False,
) -> None:
    """Measure steps a second, with CartPole in the same run, and import and start times.

    Args:
        ids: The environments; all by default.
        repeats: Repetitions; best and median are told.
        seconds: Time that one repetition of one measurement takes.
        threads: Threads that share the compiled worlds of make_vec, or "auto" for as many as pay, measured beside one
            thread in the same run.
        start: Whether to measure import and start times, in fresh processes.
        cold: Measure first starts with an empty kernel cache instead, of the first id of each family by default.
        against: Root of another version's checkout, whose first starts are measured in turn (with --cold).
        json: Print JSON instead of tables.
    """
    from gym_suite import bench as benchmark

    if against and not cold:
        raise ValueError("--against goes with --cold")
    if threads != 1 and cold:
        raise ValueError("--threads goes without --cold: a first start uses one")
    if cold:
        starts = benchmark.measure_cold(list(ids) or benchmark.first_ids(), against=against)
        if json:
            print(as_json(benchmark.cold_json(starts)))
        else:
            put(benchmark.cold_table(starts))
        return
    chosen = list(ids) or benchmark.default_ids()
    rates = benchmark.measure_rates(chosen, repeats=repeats, seconds=seconds, threads=threads)
    durations = benchmark.measure_start(chosen[0], repeats=repeats) if start else []
    if json:
        print(as_json(benchmark.as_json(rates, durations)))
    else:
        put(benchmark.as_table(rates, durations))


def validate(
    family: Positional[Annotated[str, arg(metavar="FAMILY")]],
    /,
    *,
    data: Path | None = None,
    json: Path | None = None,
    page: Path | None = None,
) -> None:
    """Replay recordings of real hardware through a family's models and print the errors of prediction.

    Args:
        family: The family.
        data: Folder of recordings in the documented form; by default the excerpts that the package brings.
        json: File for the scores as JSON.
        page: File for a page with the scores, Markdown.
    """
    from gym_suite.core.parameters import check_option
    from gym_suite.registration import VALIDATIONS, load

    check_option("family", family, VALIDATIONS)
    for option, file in (("--json", json), ("--page", page)):
        if file is not None:
            check_folder(option, file)
    print(load(VALIDATIONS[family])(data=data, json=json, page=page))


def identify(
    family: Positional[Annotated[str, arg(metavar="FAMILY")]],
    log: Positional[Annotated[Path, arg(metavar="LOG")]],
    /,
    *,
    kind: str | None = None,
    out: Path | None = None,
    keywords: Assignments = (),
) -> None:
    """Find the parameters that explain a log of real hardware (.csv), with intervals and errors of prediction.

    Args:
        family: The family whose model is fitted.
        log: The log; the family's page says which columns it reads.
        kind: Kind of what was recorded, where the family has several.
        out: File to write for the environments' keywords (.toml).
        keywords: Keyword argument of the family's identification, value as JSON; may be given several times.
    """
    from gym_suite.analysis import identify as find

    given = keywords_of(keywords)
    if out is not None:
        check_folder("--out", out)
    result = find(log, family, **(given if kind is None else {"kind": kind, **given}))
    print(result)
    if out is not None:
        result.save(out)
        print(out)


def datasheet(
    family: Positional[Annotated[str, arg(metavar="FAMILY")]],
    form: Positional[Annotated[Path, arg(metavar="FORM")]],
    /,
    *,
    out: Path | None = None,
) -> None:
    """Turn a maker's data sheet, filled into a form (.toml), into parameters, and say what had to be assumed.

    Args:
        family: The family whose parameters they become.
        form: The form; the family's page says which entries and units it knows.
        out: File to write for the environments' keywords (.toml).
    """
    from gym_suite.core.parameters import check_option
    from gym_suite.registration import DATASHEETS, load

    check_option("family", family, DATASHEETS)
    if out is not None:
        check_folder("--out", out)
    result = load(DATASHEETS[family])(form)
    print(result)
    if out is not None:
        result.save(out)
        print(out)


def fly(
    *,
    autopilot: str = "betaflight",
    vehicle: str = "race",
    hover: float = 10.0,
    laps: float = 1.0,
    out: Path = Path("flight.html"),
    keywords: Assignments = (),
) -> None:
    """Let a real autopilot's firmware fly a quadcopter (extra sitl): take-off, hover, a circle; and draw the flight.

    Args:
        autopilot: The firmware, a process of its own that ends with the command.
        vehicle: The quadcopter, by name or vehicle file.
        hover: Seconds of the hover, at 1 m.
        laps: Rounds of the circle of 1 m radius at 1 m/s.
        out: File for the replay, a page (.html).
        keywords: Keyword argument of drones/Track-v0, value as JSON; may be given several times.
    """
    from gym_suite.core.parameters import check_option
    from gym_suite.registration import AUTOPILOTS, load
    from gym_suite.rendering import check_page, write_page

    check_option("autopilot", autopilot, AUTOPILOTS)
    check_page(out)
    flight = load(AUTOPILOTS[autopilot])(
        vehicle=vehicle, hover=hover, laps=laps, tell=tell_line, **keywords_of(keywords)
    )
    write_page(out, f"{autopilot}, vehicle {vehicle}", {autopilot: flight.stage})
    print(f"{flight.sentence()}\n{out}")
