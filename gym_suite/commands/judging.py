"""Commands that compare, train and search: compare, leaderboard, submit, train, tune."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from gym_suite.arguments import check_folder, chosen_ids, json_object, keywords_of, number_of
from gym_suite.commands.output import (
    FAILED,
    AgentAssignments,
    Assignments,
    Id,
    Ids,
    put,
    status_line,
    tell_line,
)


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
        keywords=keywords_of(keywords) or None,
        anchors=[number_of(anchor) for anchor in anchors] or None,
        out=out,
        horizon=steps,
        protocol=protocol,
        workers=workers,
        executor=executor,
    )
    # The report first: whatever the terminal makes of the table, the page is there.
    page = result.report(out)
    put(result.table())
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
        ids: The environments; by default all that one agent acts in.
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
    from gym_suite.core.parameters import check_number
    from gym_suite.registration import catalogue

    everything = tuple(entry.id for entry in catalogue().values() if entry.entry_point)
    chosen = chosen_ids(ids or (() if family else everything), family)
    for late in [id for id in chosen if id not in ids and catalogue()[id].extra]:
        tell_line(
            f"{late} is left out: it needs the extra {catalogue()[late].extra!r} and runs in real time; name it to "
            "have it judged"
        )
        chosen = tuple(id for id in chosen if id != late)
    if page is not None and not plan:
        raise ValueError(
            "--page is for --plan; the page of a leaderboard is index.html in its folder"
        )
    if page is not None:
        check_folder("--page", page)
    if protocol and episodes is not None:
        raise ValueError("a protocol decides episodes: leave out --episodes or --protocol")
    check_number("--jobs", jobs, low=1, integer=True)
    count = EPISODES if episodes is None else episodes
    if plan:
        board = Board.ordered(out, protocol=protocol, episodes=count, steps=steps)
        estimates = planning.estimate(board, chosen, tell_line)
        put(planning.as_table(estimates))
        if page is not None:
            asked = ["gym-suite", "leaderboard", *ids]
            for option, value in (("family", family), ("episodes", episodes), ("steps", steps)):
                asked += [] if value is None else [f"--{option}", str(value)]
            command = shlex.join([*asked, "--plan", *(["--protocol"] if protocol else [])])
            left = any(one.jobs for one in estimates)
            writes = planning.store_rate(board, chosen[0]) if left else 0.0
            text = planning.as_markdown(estimates, command, writes)
            page.write_text(text, encoding="utf-8")
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
    run_code: bool = False,
    jobs: int = 1,
    executor: Literal["local", "ray"] = "local",
    out: Path = Path("leaderboard"),
) -> int:
    """Run an outsider's policies or controller and put them onto a leaderboard if what they claim comes out.

    Ends with status 1 if it does not; the leaderboard is then as it was, but for the results of what was run.

    Args:
        folder: With submission.json and the policies (.npz), gains (.json) or "file.py:factory" that it names.
        run_code: Run the file of a controller, which can do anything; read it before.
        jobs: Processes.
        executor: Where the jobs run.
        out: Folder of the leaderboard.
    """
    from gym_suite import comparison

    checked = comparison.submit(folder, out, run_code=run_code, workers=jobs, executor=executor)
    for setting, found in checked.found.items():
        claimed = checked.claimed.get(setting)
        told = [f"{setting}:", "no claim" if claimed is None else f"claimed {claimed:.4g},"]
        print(*told, "no score" if found is None else f"came out {found:.4g}")
    for problem in checked.problems:
        tell_line(f"not accepted: {problem}")
    if checked.advice:
        tell_line(checked.advice)
    if not checked.problems:
        print(out / "index.html")
    return FAILED if checked.problems else 0


def train(
    id: Id,
    /,
    *,
    algo: Literal[
        "ppo", "ppo-nominal", "ppo-rnd", "ppo-count", "ppo-dagger", "sac", "ddpg", "td3"
    ] = "ppo",
    learner: Literal["sb3", "sbx"] = "sb3",
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    out: Path | None = None,
    setting: str = "nominal",
    settings: str = "{}",
    trials: int | None = None,
    jobs: int | None = None,
    executor: Literal["local", "ray"] = "local",
    tensorboard: bool = False,
    keywords: Assignments = (),
) -> int:
    """Train policies (extra rl, or jax for learner sbx) and export them as small files; a killed training goes on.

    Ends with status 1 if a seed was lost.

    Args:
        id: The environment.
        algo: Algorithm.
        learner: sb3, Stable-Baselines3 on PyTorch, or sbx, Stable-Baselines Jax, which has ppo, ppo-nominal and sac.
        seeds: Number of trainings.
        seed: Seed of the first training; the others follow.
        steps: Environment steps of each training; the id's own number by default.
        out: Folder for policies, learning curves and manifest; policies/<id> by default.
        setting: Setting of the id under which to train.
        settings: Hyper-parameters to replace, a JSON object.
        trials: Number of trainings tried to find these settings, for the manifest.
        jobs: Seeds that are trained at once, each in a process of one thread; the policies are the same. By default as
            many as end soonest: on two cores two of four, three of five.
        executor: Where they are trained.
        tensorboard: Write the learning curves as event files too, in the folder tensorboard of the output folder
            (extra tensorboard).
        keywords: Keyword argument of the environment, value as JSON; may be given several times.
    """
    from gym_suite.core.crew import cores
    from gym_suite.learning import train as train_policies
    from gym_suite.workers import at_once

    if jobs is None:
        jobs = at_once(seeds, cores()) if executor == "local" and seeds > 0 else 1
    with status_line(shown=jobs > 1) as (tell, status):
        training = train_policies(
            id,
            algo=algo,
            learner=learner,
            seeds=seeds,
            seed=seed,
            steps=steps,
            out=out,
            setting=setting,
            settings=json_object("--settings", settings),
            trials=trials,
            jobs=jobs,
            executor=executor,
            tensorboard=tensorboard,
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
    randomise: str | None = None,
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
        randomise: How plants differ, in place of a training's: a JSON object of noise, mismatch, delay, disturbance.
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
        randomise=None if randomise is None else json_object("--randomise", randomise),
        setting=setting,
        seed=seed,
        episodes=episodes,
        out=out,
        parameters=keywords_of(own, "--agent-set"),
        progress=tell_line,
        **keywords_of(keywords),
    )
    print(tuning.path)
