"""The command ``gym-suite``: thin over the functions that Python users call.

Every command imports what it needs when it runs, so that ``gym-suite list`` starts at once.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console, RenderableType
from rich.markup import escape
from tyro.conf import DisallowNone, FlagCreatePairsOff, Positional, UseAppendAction, arg

from gym_suite.arguments import (
    agent_of,
    check_episode,
    check_folder,
    chosen_ids,
    episode_of,
    json_object,
    keywords_of,
    number_of,
)
from gym_suite.code_pages import write_plainly
from gym_suite.provenance import THREADS
from gym_suite.version import __version__

if TYPE_CHECKING:
    pass

Id = Positional[Annotated[str, arg(metavar="ID")]]
Ids = Positional[Annotated[tuple[str, ...], arg(metavar="[ID ...]", help_behavior_hint="")]]
Assignments = Annotated[
    UseAppendAction[tuple[str, ...]], arg(name="set", metavar="KEY=VALUE", help_behavior_hint="")
]

AgentAssignments = Annotated[
    UseAppendAction[tuple[str, ...]],
    arg(name="agent-set", metavar="NAME=VALUE", help_behavior_hint=""),
]

FAILED = 1
USER_ERROR = 2
INTERRUPTED = 130
WIDE = 160  # columns where there is no terminal to ask, so that a row stays on a line


def list_ids(*, family: str | None = None, tag: str | None = None) -> None:
    """List the registered environments.

    Args:
        family: Only this family.
        tag: Only those with this tag.
    """
    from gym_suite import show

    _print(show.list_ids(family=family, tag=tag))


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
    _print(describe_id(id, keywords_of(keywords)))


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
    from gym_suite.show import metrics_table

    check_episode(seed, steps)
    if csv is not None:
        check_folder("--csv", csv)
    spec, settings = agent_of(agent, id, gains, own), Setting("shell", keywords_of(keywords))
    (record,) = execute(Job(id, settings, steps, spec, (seed,))).records
    if record["status"] == "failed":
        raise ValueError(f"the episode failed: {record['error']}")
    _print(metrics_table(record))
    if csv is not None:
        episode_of(id, spec, seed, steps, settings.keywords).to_csv(csv)
        print(csv)


def compare(
    ids: Ids = (),
    /,
    *,
    family: str | None = None,
    agents: tuple[str, ...] = (),
    protocol: bool = False,
    seeds: int | None = None,
    setting: tuple[str, ...] = (),
    anchors: tuple[str, ...] = (),
    steps: int | None = None,
    out: Path = Path("report"),
    workers: int = 1,
    executor: Literal["local", "ray"] = "local",
    keywords: Assignments = (),
) -> int:
    """Run agents on the same seeds and write a report; a killed run goes on where it was.

    Ends with status 1 if a run failed.

    Args:
        ids: The environments, of any other package too (these need --anchors).
        family: All environments of this family, under all settings of their own too.
        agents: Names, policy files (.zip, .npz), files of tuned gains (.json) or file.py:factory; by
            default the reference controller, the baselines, what is tuned or strong and the shipped
            policies. "all", every controller besides, is the default with --family. A .zip can run
            any code when it is loaded, an .npz cannot; vecnormalize.pkl beside it is read.
        protocol: Take seeds, settings and length of an episode from the protocol of each id, which "show" prints.
        seeds: Episode seeds of each agent; 20 by default.
        setting: Settings to run under: nominal, noise, mismatch, delay, disturbance (these five by
            default), or the ids' own; "all" for all of both, the default with --family.
        anchors: What scores 0 and what scores 1, two agents or returns; by default do-nothing and
            the reference controller, or a computed optimum.
        steps: Length of an episode; the environment's own by default.
        out: Folder of the report.
        workers: Processes.
        executor: Where the jobs run.
        keywords: Keyword argument of the environments, value as JSON; may be given several times.
    """
    from gym_suite import comparison

    chosen = chosen_ids(ids, family, agents)
    result = comparison.compare(
        chosen,
        agents=list(agents) or ("all" if family else None),
        seeds=seeds,
        settings=setting or ("all" if family and not protocol else None),
        keywords=keywords_of(keywords),
        anchors=[number_of(anchor) for anchor in anchors] or None,
        out=out,
        horizon=steps,
        protocol=protocol,
        workers=workers,
        executor=executor,
    )
    # The report first: whatever the terminal makes of the table, the page is there.
    page = result.report(out)
    _print(result.table())
    print(page)
    return FAILED if result.failed_runs else 0


def leaderboard(
    ids: Ids = (),
    /,
    *,
    family: str | None = None,
    protocol: bool = False,
    episodes: int | None = None,
    steps: int | None = None,
    jobs: int = 1,
    executor: Literal["local", "ray"] = "local",
    plan: bool = False,
    page: Path | None = None,
    out: Path = Path("leaderboard"),
) -> int:
    """Run every id with all agents of its ladder and the policies that ship, and write one page; resumable.

    Ids that were run before into the folder stay on the page. Ends with status 1 if a run failed.

    Args:
        ids: The environments; by default all.
        family: All environments of this family.
        protocol: Run the whole protocol of each id; otherwise its first episodes, for a first look.
        episodes: Episodes of each agent without --protocol; 5 by default.
        steps: Length of an episode without --protocol; the protocol's by default.
        jobs: Processes.
        executor: Where the jobs run.
        plan: Say how many jobs and core hours are left, by rates measured now, and end.
        page: With --plan, a file for the same by families, as Markdown.
        out: Folder of the leaderboard.
    """
    from gym_suite import comparison
    from gym_suite.comparison import plan as planning
    from gym_suite.comparison.board import EPISODES, Board
    from gym_suite.registration import catalogue

    everything = tuple(entry.id for entry in catalogue().values() if entry.entry_point)
    chosen = chosen_ids(ids or (() if family else everything), family)
    if page is not None and not plan:
        raise ValueError(
            "--page is for --plan; the page of a leaderboard is index.html in its folder"
        )
    if protocol and episodes is not None:
        raise ValueError("a protocol decides episodes: leave out --episodes or --protocol")
    count = EPISODES if episodes is None else episodes
    if plan:
        board = Board.ordered(out, protocol=protocol, episodes=count, steps=steps)
        estimates = planning.estimate(board, chosen, _tell)
        _print(planning.as_table(estimates))
        if page is not None:
            command = "gym-suite leaderboard --plan" + (" --protocol" if protocol else "")
            page.write_text(planning.as_markdown(estimates, command), encoding="utf-8")
        return 0
    rows = comparison.leaderboard(
        out,
        ids=chosen,
        protocol=protocol,
        episodes=count,
        steps=steps,
        workers=jobs,
        executor=executor,
    )
    print(out / "index.html")
    cells = [c for row in rows for a in row["agents"] for c in a["settings"].values()]
    return FAILED if any(cell["failed_runs"] for cell in cells) else 0


def submit(
    folder: Positional[Annotated[Path, arg(metavar="FOLDER")]],
    /,
    *,
    jobs: int = 1,
    executor: Literal["local", "ray"] = "local",
    out: Path = Path("leaderboard"),
) -> int:
    """Run an outsider's policies and put them onto a leaderboard if what they claim comes out.

    Ends with status 1 if it does not; the leaderboard is then as it was.

    Args:
        folder: With submission.json and the policies that it names.
        jobs: Processes.
        executor: Where the jobs run.
        out: Folder of the leaderboard.
    """
    from gym_suite import comparison

    checked = comparison.submit(folder, out, workers=jobs, executor=executor)
    for setting, found in checked.found.items():
        claimed = checked.claimed.get(setting)
        told = [f"{setting}:", "no claim" if claimed is None else f"claimed {claimed:.4g},"]
        print(*told, "no score" if found is None else f"came out {found:.4g}")
    for problem in checked.problems:
        _tell(f"not accepted: {problem}")
    if not checked.problems:
        print(out / "index.html")
    return FAILED if checked.problems else 0


def train(
    id: Id,
    /,
    *,
    algo: Literal["ppo", "ppo-nominal", "ppo-rnd", "ppo-count", "ppo-dagger", "sac"] = "ppo",
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    out: Path | None = None,
    setting: str = "nominal",
    settings: str = "{}",
    trials: int | None = None,
    jobs: int = 1,
    executor: Literal["local", "ray"] = "local",
    keywords: Assignments = (),
) -> int:
    """Train policies with Stable-Baselines3 (extra rl) and export them as small files; a killed training goes on.

    Ends with status 1 if a seed was lost.

    Args:
        id: The environment.
        algo: Algorithm.
        seeds: Number of trainings.
        seed: Seed of the first training; the others follow.
        steps: Environment steps of each training; the id's own number by default.
        out: Folder for policies, learning curves and manifest; policies/<id> by default.
        setting: Setting of the id under which to train.
        settings: Hyper-parameters to replace, a JSON object.
        trials: Number of trainings tried to find these settings, for the manifest.
        jobs: Seeds that are trained at once, each in a process of one thread; the policies are the same.
        executor: Where they are trained.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.learning import train as train_policies

    with _status(shown=jobs > 1) as (tell, status):
        training = train_policies(
            id,
            algo=algo,
            seeds=seeds,
            seed=seed,
            steps=steps,
            out=out,
            setting=setting,
            settings=json_object("--settings", settings),
            trials=trials,
            jobs=jobs,
            executor=executor,
            progress=tell,
            status=status,
            **keywords_of(keywords),
        )
    print(training.folder)
    return FAILED if training.lost else 0


def tune(
    id: Id,
    /,
    *,
    agent: str | None = None,
    budget: float | None = None,
    settings: Literal["randomised", "nominal"] = "randomised",
    setting: str = "nominal",
    seed: int = 0,
    episodes: int | None = None,
    out: Path | None = None,
    own: AgentAssignments = (),
    keywords: Assignments = (),
) -> None:
    """Search a controller's gains on the reward with the steps of a training (extra tune); resumable.

    Args:
        id: The environment.
        agent: Name of one of its controllers; the reference by default.
        budget: Environment steps, such as 6e6; by default those of one training of the id.
        settings: Judge candidates on plants that differ, as a training sees them, or on the nominal one.
        setting: Setting of the id under which to search.
        seed: Seed of the search.
        episodes: Episodes on which every candidate is judged; by default as many as leave some 150 candidates.
        out: Folder for gains file, trials and curve; gains/<id> by default.
        own: Keyword argument of the controller that is not searched, value as JSON; may be given several times.
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.learning import tune as search

    tuning = search(
        id,
        agent=agent,
        budget=budget,
        settings=settings,
        setting=setting,
        seed=seed,
        episodes=episodes,
        out=out,
        parameters=keywords_of(own, "--agent-set"),
        progress=_tell,
        **keywords_of(keywords),
    )
    print(tuning.path)


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
        start: Whether to measure import and start times, in fresh processes.
        cold: Measure first starts with an empty kernel cache instead, of the first id of each family by default.
        against: Root of another version's checkout, whose first starts are measured in turn (with --cold).
        json: Print JSON instead of tables.
    """
    from gym_suite import bench as benchmark

    if against and not cold:
        raise ValueError("--against goes with --cold")
    if cold:
        starts = benchmark.measure_cold(list(ids) or benchmark.first_ids(), against=against)
        if json:
            print(_as_json(benchmark.cold_json(starts)))
        else:
            _print(benchmark.cold_table(starts))
        return
    chosen = list(ids) or benchmark.default_ids()
    rates = benchmark.measure_rates(chosen, repeats=repeats, seconds=seconds)
    durations = benchmark.measure_start(chosen[0], repeats=repeats) if start else []
    if json:
        print(_as_json(benchmark.as_json(rates, durations)))
    else:
        _print(benchmark.as_table(rates, durations))


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
    print(load(VALIDATIONS[family])(data=data, json=json, page=page))


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
        vehicle=vehicle, hover=hover, laps=laps, tell=_tell, **keywords_of(keywords)
    )
    write_page(out, f"{autopilot}, vehicle {vehicle}", {autopilot: flight.stage})
    print(f"{flight.sentence()}\n{out}")


def doctor() -> int:
    """Say what is installed, what is missing for which feature and the line that installs it, and where the cache is.

    Ends with status 1 if a feature is missing.
    """
    from gym_suite import doctor as doctors

    findings = doctors.examine()
    _print(doctors.as_table(findings))
    return FAILED if any(finding.state == "missing" for finding in findings) else 0


def warm(*, family: str | None = None) -> None:
    """Compile the kernels ahead, so that the first lesson or run does not wait for them.

    Args:
        family: Only this family.
    """
    from gym_suite import doctor as doctors

    count, seconds = doctors.warm(family, tell=_tell)
    print(
        f"{count} functions compiled in {seconds:.0f} s"
        if count
        else "Everything was compiled before."
    )


def lab(
    name: Annotated[str, arg(metavar="[LAB]", help_behavior_hint="")] = "",
    /,
    *,
    student: int = 0,
    port: int = 2718,
    host: str = "127.0.0.1",
    browser: bool = True,
    copy: Path | None = None,
    notebook: Path | None = None,
    solutions: bool = False,
) -> int:
    """List the teaching labs, or open one in the browser (extra lab); Ctrl-C ends it.

    Args:
        name: Number or name of the lab; without one all labs are listed.
        student: The student's number, which decides the numbers of the lab.
        port: Port on which it is served.
        host: Address on which it is served; the default is reached from this machine alone.
        browser: Whether to open a browser.
        copy: Folder into which to copy the notebook instead, to change its code.
        notebook: File into which to write the lab as a notebook for Jupyter and Colab instead; its name ends in .ipynb.
        solutions: Print the answers for this student instead.
    """
    from gym_suite.labs import jupyter, lab_named, opening

    if not name:
        _print(opening.as_table())
        return 0
    chosen = lab_named(name)
    if solutions:
        _print(opening.solutions(chosen, student))
        return 0
    if copy is not None:
        path = opening.copy(chosen, copy)
        print(f"{path}\nOpen it with: {sys.executable} -m marimo edit {path}")
        return 0
    if notebook is not None:
        opening.write_new(jupyter.checked(notebook), jupyter.as_notebook(chosen, student=student))
        print(notebook)
        return 0
    return opening.serve(chosen, student=student, host=host, port=port, browser=browser, tell=_tell)


def examples(
    name: Annotated[str, arg(metavar="[NAME]", help_behavior_hint="")] = "",
    /,
    *,
    copy: Path | None = None,
) -> int:
    """List the example programs, print one, or copy them to change them.

    Args:
        name: Name of an example; without one all are meant.
        copy: Folder into which to copy instead.
    """
    from gym_suite import examples as programs

    chosen = programs.named(name) if name else programs.examples()
    if copy is not None:
        for path in programs.copied(chosen, copy):
            print(f"{path}\nRun it with: {sys.executable} {path}")
        return 0
    if name:
        print(chosen[0].path.read_text("utf-8"), end="")
        return 0
    _print(programs.as_table())
    return 0


def first_steps() -> None:
    """Say the five things to do first."""
    steps = {
        "doctor": "what is installed and what is missing",
        "list": "all environments",
        "show gem/PMSM-v0": "what one of them is: spaces, rewards, controllers",
        "render gem/PMSM-v0 --out pi.gif": "a picture of its reference controller at work",
        "compare gem/PMSM-v0": "its agents side by side: report/index.html",
    }
    print("Controllers and learned policies on physics-backed environments. To begin with:\n")
    for command, what in steps.items():
        print(f"  gym-suite {command:<33}{what}")
    print("\ngym-suite --help lists all commands, gym-suite COMMAND --help their arguments.")


COMMANDS = {
    "list": list_ids,
    "show": show_id,
    "run": run,
    "compare": compare,
    "leaderboard": leaderboard,
    "submit": submit,
    "train": train,
    "tune": tune,
    "render": render,
    "bench": bench,
    "fly": fly,
    "validate": validate,
    "doctor": doctor,
    "warm": warm,
    "lab": lab,
    "examples": examples,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        0, or 1 if a run of a comparison failed, or 2 for what the user can put right (told in one line on stderr),
        or 130 after Ctrl-C.
        Anything else that goes wrong is a fault of ours and raised.

    Raises:
        SystemExit: From the parser, for ``--help`` and for arguments that it refuses.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _one_thread()
    write_plainly(sys.stdout)
    if not arguments:
        first_steps()
        return 0
    if arguments == ["--version"]:
        print(__version__)
        return 0
    try:
        status = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="gym-suite",
            description="Compare controllers and learned policies on physics-backed environments.",
            args=arguments,
            config=(FlagCreatePairsOff, DisallowNone),
        )
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; leave nothing for the interpreter to flush at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_the_users(error):
            raise
        sys.stderr.write(f"gym-suite: {' '.join(str(error).split())}\n")
        return USER_ERROR
    return status or 0


def _one_thread() -> None:
    """Give each numeric library one thread: more gain nothing, and lose on a busy machine."""
    for variable in THREADS:
        os.environ.setdefault(variable, "1")


def _is_the_users(error: Exception) -> bool:
    """Tell a refusal, by our own code or the file system, from a fault inside a library."""
    if isinstance(error, OSError):
        return True
    if not isinstance(error, ValueError | TypeError | ImportError):
        return False
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("gym_suite"):
        return False
    frame, _ = list(traceback.walk_tb(error.__traceback__))[-1]
    return Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parent)


def _tell(line: str) -> None:
    """Tell how far something is, on stderr."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _status(*, shown: bool) -> Iterator[tuple[Callable[[str], None], Callable[[str], None] | None]]:
    """Offer, on stderr, a way to tell lines and one to tell a line that takes the place of the one before.

    Args:
        shown: Whether there is the second; there is none where stderr is no terminal.
    """
    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield _tell, None
        return
    with console.status("") as line:
        yield (
            lambda text: console.print(text, markup=False, highlight=False),
            lambda text: line.update(escape(text)),
        )


def _as_json(data: Any) -> str:
    return json.dumps(data, indent=2)


class _Output(Console):
    """Standard output; a reader that has gone is left to :func:`main`."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _print(renderable: RenderableType) -> None:
    # Nothing of ours is written in rich's markup, which would swallow the brackets of "gym-suite[rl]".
    _Output(width=None if sys.stdout.isatty() else WIDE, markup=False).print(renderable)


if __name__ == "__main__":
    sys.exit(main())
