"""Training of policies with Stable-Baselines3 or its sister on JAX: ``gym-suite train ID --algo ppo --seeds 5``."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gym_suite.behaviour import behaviour_of
from gym_suite.core.crew import cores
from gym_suite.core.kernel import source_digest
from gym_suite.learning.evaluation import Evaluation, Score
from gym_suite.learning.events import Events
from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.learner import (
    EVALUATION_EPISODES,
    Learned,
    Lesson,
    Moment,
    Progress,
    in_words,
    learn,
)
from gym_suite.learning.learners import check_learner
from gym_suite.learning.policies import load_policy
from gym_suite.learning.randomised import blocks_of, shares
from gym_suite.learning.records import (
    folder_named,
    prepare_folder,
    read_manifest,
    replace_curve,
    write_manifest,
)
from gym_suite.learning.seeds import EVALUATION_SEED
from gym_suite.learning.settings import settings_for, trials_for
from gym_suite.learning.shelf import folder_of
from gym_suite.registration import assumed, card, make_controller
from gym_suite.workers import Lost, check_workers, run_tasks

SELECTION = "none: the last policy of each run"
METRIC = "mean |value - reference| / scale over tracked columns; steps lost by a trip count as 1"
RETURN_METRIC = "mean return of an episode"


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One finished training run.

    Attributes:
        path: The policy file.
        seed: Training seed.
        end: Steps and time of the whole run, evaluations included.
        score: Score of the policy in the evaluation at the end.
        reached: First evaluation in which the policy had no trip and at most the reference
            controller's error, or where nothing is tracked at least its return; None if there was
            none.
        skipped: True if the policy was there before.
    """

    path: Path
    seed: int
    end: Moment
    score: Score
    reached: Moment | None
    skipped: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Training:
    """The result of :func:`train`.

    Attributes:
        folder: Where policies, curves and manifest lie.
        reference: Name of the id's reference controller.
        reference_score: Its score on the same evaluation episodes.
        runs: One per seed that has been trained.
        lost: Why there is none, by seed: the process of the training died, or raised something.
    """

    folder: Path
    reference: str
    reference_score: Score
    runs: tuple[Run, ...]
    lost: Mapping[int, str]


def train(
    id: str,
    *,
    algo: str = "ppo",
    learner: str = "sb3",
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    out: str | Path | None = None,
    setting: str = "nominal",
    settings: Mapping[str, Any] | None = None,
    trials: int | None = None,
    jobs: int = 1,
    executor: str = "local",
    tensorboard: bool = False,
    progress: Callable[[str], None] | None = None,
    status: Callable[[str], None] | None = None,
    **keywords: Any,
) -> Training:
    """Train policies on an environment and write them with their curves and a manifest.

    The folder gets ``<algo>-<seed>.npz`` for each seed, ``curves.csv`` and ``manifest.json``. Seeds
    that the manifest lists as finished are skipped, so a killed training goes on where it was. Several
    at once give the policies that one after the other gives.

    Args:
        id: Environment id; one policy learns for all agents of an id for several only.
        algo: ``"ppo"``, on plants that differ as the hyper-parameters' ``randomise`` says, ``"ppo-nominal"``, on the
            nominal plant, ``"ppo-rnd"``, ``"ppo-count"``, ``"ppo-dagger"``, ``"sac"``, ``"ddpg"`` or ``"td3"``.
        learner: ``"sb3"``, Stable-Baselines3 on PyTorch, or ``"sbx"``, Stable-Baselines Jax, which has ppo, ppo-nominal
            and sac with the same hyper-parameters.
        seeds: Number of training runs.
        seed: Seed of the first run; the others follow.
        steps: Environment steps of each run; by default those of the hyper-parameters.
        out: Output folder; by default ``policies/<id with a dash>``, and in it a folder of the
            setting's name.
        setting: Setting of the id under which to train, see ``gym-suite show``.
        settings: Hyper-parameters to replace.
        trials: Number of trainings that were tried to find ``settings``, for the manifest; None: not counted, or the
            count that stands with the id's own hyper-parameters.
        jobs: Seeds that are trained at once, each in a process of one thread. A process that dies takes its own seed
            with it, which is begun once more.
        executor: "local", or "ray" for a Ray cluster, which decides itself how many it trains at once.
        tensorboard: Whether to write the learning curves as event files too while they grow, in the folder
            ``tensorboard`` of the output folder.
        progress: Gets one line of text at a time.
        status: Gets a line that takes the place of the one before: how far all trainings are; without it ``progress``
            gets every evaluation.
        **keywords: Keyword arguments of the environment.

    Raises:
        ImportError: Ray is not installed.
        ConnectionError: The Ray cluster does not answer.
        ValueError: Unknown id, algorithm, learner, setting, hyper-parameter or keyword, a learner that lacks the
            algorithm, counts that are not positive, or a folder with policies trained otherwise.
        OSError: The folder cannot be written; said before anything runs.
        ModuleNotFoundError: The library that learns is not installed, or tensorboard where event files are wanted.
    """
    counts = (("seeds", seeds, 1), ("seed", seed, 0), ("steps", steps, 1), ("trials", trials, 0))
    counts += (("jobs", jobs, 1),)
    for name, value, least in counts:
        if value is not None and value < least:
            raise ValueError(f"{name}: expected at least {least}, got {value}")
    entry = card(id)
    if entry.side:
        raise ValueError(
            f"{entry.id} has sides that oppose each other, and one policy for all would learn for none: train each "
            f"side on gym_suite.learning.agents_as_batch({entry.id!r}) or with a library for several policies"
        )
    id = entry.id
    named = dict(entry.setting(setting))
    chosen = settings_for(id, algo, setting=setting, steps=steps, overrides=settings)
    shares(chosen.rows, len(blocks_of(chosen.randomise, named | keywords)))
    tried = trials_for(id, algo, setting=setting) if trials is None and not settings else trials
    check_learner(learner, algo, chosen)
    if more := assumed(id, named | keywords, chosen.rows):
        told = ", ".join(f"{name}={value!r}" for name, value in more.items())
        if progress is not None:
            progress(f"{id} is trained with {told}")
        named |= more
    check_workers(executor, jobs, [("a hyper-parameter or keyword", (chosen, named | keywords))])
    folder = (
        folder_named("out", out)
        if out is not None
        else folder_of(id, setting, root=Path("policies"))
    )
    say = progress or (lambda line: None)
    events = Events(folder) if tensorboard else None
    evaluation = Evaluation(id, episodes=EVALUATION_EPISODES, keywords=named | keywords)
    try:
        _check_actions(entry.id, evaluation.seat, chosen, algo)
        prepare_folder(folder)
        work = _Work(id, algo, learner, chosen, folder, named | keywords, evaluation, say)
        command = _command(id, algo, learner, seeds, seed, steps, setting, settings, keywords)
        work.open(command, tried)
        runs, lost = work.run(range(seed, seed + seeds), jobs, executor, status, events)
        return Training(folder, work.reference, work.reference_score, runs, lost)
    finally:
        evaluation.close()
        if events is not None:
            events.close()


def _check_actions(id: str, seat: Any, settings: Settings, algo: str) -> None:
    """Refuse an algorithm for numbers where actions are choices."""
    from gymnasium import spaces

    space = getattr(seat, "single_action_space", None) or seat.action_space
    if settings.continuous and not isinstance(space, spaces.Box):
        raise ValueError(f"{algo} needs continuous actions; {id} has {space}: use ppo")


class _Work:
    """The training runs of one call of :func:`train`."""

    def __init__(
        self,
        id: str,
        algo: str,
        learner: str,
        settings: Settings,
        folder: Path,
        keywords: dict[str, Any],
        evaluation: Evaluation,
        say: Callable[[str], None],
    ):
        self.id, self.algo, self.learner = id, algo, learner
        self.settings, self.folder = settings, folder
        self.keywords, self.evaluation, self.say = keywords, evaluation, say
        self.digest = source_digest(evaluation.setup.family)
        self.behaviour = behaviour_of(id, keywords)

    def open(self, command: str, trials: int | None) -> None:
        """Score the reference controller and open the manifest.

        Args:
            command: The shell command that repeats the training.
            trials: Trainings that were tried to find the hyper-parameters; None: not counted.

        Raises:
            ValueError: The folder holds policies trained with other settings.
        """
        plan = {
            "learner": self.learner,
            "steps": self.settings.steps,
            "keywords": self.keywords,
            "hyper_parameters": dataclasses.asdict(self.settings),
        }
        plan = json.loads(json.dumps(plan))
        self.manifest = read_manifest(self.folder, self.id)
        old = self.manifest["runs"].get(self.algo)
        if old is not None:  # hyper-parameters that came later have the value that changes nothing
            later = json.loads(json.dumps(_defaults(self.settings)))
            old = {"learner": "sb3"} | old | {"hyper_parameters": later | old["hyper_parameters"]}
        if old is not None and (other := [name for name in plan if old[name] != plan[name]]):
            raise ValueError(
                f"{self.folder} holds {self.algo} policies trained with other "
                f"{', '.join(other)}: choose another folder"
            )
        self.reference = card(self.id).reference
        controller = make_controller(self.evaluation.seat)
        self.reference_score = self.evaluation.score(controller)
        self.say(f"{self.reference}: {in_words(self.reference_score)} on evaluation seeds")
        n = self.evaluation.envs.num_envs
        self.manifest["runs"][self.algo] = {
            "command": command,
            **plan,
            "tuning_trials": trials,
            "selection": SELECTION,
            "evaluation": {
                "seeds": [EVALUATION_SEED, EVALUATION_SEED + n - 1],
                "metric": METRIC if self.evaluation.setup.tracking else RETURN_METRIC,
                "reference": self.reference,
                "reference_score": dataclasses.asdict(self.reference_score),
            },
            "policies": old["policies"] if old else [],
        }

    def run(
        self,
        seeds: Sequence[int],
        jobs: int,
        executor: str,
        status: Callable[[str], None] | None,
        events: Events | None,
    ) -> tuple[tuple[Run, ...], dict[int, str]]:
        """Train seeds, or skip those that are finished.

        Args:
            seeds: Training seeds.
            jobs: How many at once.
            executor: Where.
            status: Gets how far all are.
            events: Gets the rows of the learning curves.

        Returns:
            What is finished, and why the rest is not, by seed.
        """
        finished = {seed: run for seed in seeds if (run := self._finished(seed)) is not None}
        lessons = [self._lesson(seed) for seed in seeds if seed not in finished]
        lost: dict[int, str] = {}
        told = _Told(lessons, jobs, self.say, status, events)
        results = run_tasks(learn, lessons, executor=executor, workers=jobs, told=told)
        try:
            with closing(results):
                for lesson, learned in results:
                    told.ends(lesson)
                    if isinstance(learned, Lost):
                        lost[lesson.seed] = learned.reason
                        self.say(f"{self.algo} seed {lesson.seed}: lost, {learned.reason}")
                    else:
                        finished[lesson.seed] = self._keep(learned)
        except KeyboardInterrupt:
            self.say(
                f"stopped: {len(finished)} of {len(seeds)} trainings are finished and kept in {self.folder}; the same "
                "command goes on from there, and begins those that were under way anew"
            )
            raise
        return tuple(finished[seed] for seed in sorted(finished)), lost

    def _lesson(self, seed: int) -> Lesson:
        return Lesson(
            id=self.id,
            algo=self.algo,
            settings=self.settings,
            keywords=self.keywords,
            seed=seed,
            reference=self.reference_score,
            sources=self.digest,
            behaviour=self.behaviour,
            learner=self.learner,
        )

    def _finished(self, seed: int) -> Run | None:
        """Return a run of an earlier training; None where there is none."""
        path = self.folder / f"{self.algo}-{seed}.npz"
        entries = self.manifest["runs"][self.algo]["policies"]
        entry = next((e for e in entries if e["training_seed"] == seed), None)
        if entry is None or not path.is_file():
            return None
        load_policy(path, self.id)  # a damaged one is refused, not trusted
        same = entry.get("source_digest") == self.digest
        other = "" if same else ", with other sources of the package"
        self.say(f"{self.algo} seed {seed}: finished before ({entry['date']}{other}), skipped")
        return _run_of(path, entry)

    def _keep(self, learned: Learned) -> Run:
        """Write what a training came to."""
        entry, entries = learned.entry, self.manifest["runs"][self.algo]["policies"]
        seed, path = entry["training_seed"], self.folder / entry["file"]
        learned.policy.save(path)
        replace_curve(self.folder, self.algo, seed, learned.curve)
        entries[:] = sorted(
            [*(e for e in entries if e["training_seed"] != seed), entry],
            key=lambda e: e["training_seed"],
        )
        write_manifest(self.folder, self.manifest)
        run = _run_of(path, entry, skipped=False)
        self._report(run)
        return run

    def _report(self, run: Run) -> None:
        reached = "did not reach"
        if run.reached:
            reached = f"reached after {run.reached.wall_time:.0f} s"
            reached += f" ({run.reached.cpu_time:.0f} s of processor time)"
            reached += f" and {run.reached.step:,} steps"
        self.say(
            f"{self.algo} seed {run.seed}: {in_words(run.score)} after {run.end.step:,} steps in "
            f"{run.end.wall_time:.0f} s; {reached} {self.reference}'s {in_words(self.reference_score)}"
        )


class _Told:
    """Tells evaluations as they come: each in a line of its own, or all in one that is replaced; and how long it takes.

    Args:
        lessons: What is trained.
        jobs: How many at once.
        say: Gets a line.
        status: Gets a line in the place of the one before; without it ``say`` gets it.
        events: Gets the rows of the learning curves.
    """

    def __init__(
        self,
        lessons: Sequence[Lesson],
        jobs: int,
        say: Callable[[str], None],
        status: Callable[[str], None] | None,
        events: Events | None = None,
    ):
        self._jobs, self._estimated = min(jobs, max(len(lessons), 1)), False
        self._say, self._status, self._events = say, status, events
        self._steps = dict.fromkeys((lesson.seed for lesson in lessons), 0)
        self._all = sum(lesson.settings.steps for lesson in lessons)
        self._done, self._count = 0, len(lessons)

    def __call__(self, lesson: Lesson, progress: Progress) -> None:
        self._steps[lesson.seed] = min(progress.step, lesson.settings.steps)
        if progress.whole is not None:
            self._estimate(progress.whole)
            return
        if self._events is not None:
            self._events.add(f"{lesson.algo}-{lesson.seed}", progress.step, progress.row)
        if self._status is None:
            self._say(progress.words)
            return
        share = sum(self._steps.values()) / self._all
        self._status(f"{share:4.0%}, {self._done} of {self._count} seeds done | {progress.words}")

    def _estimate(self, whole: float) -> None:
        """Say once how long all trainings take where one takes so many seconds, and what a Ctrl-C leaves."""
        if self._estimated:
            return
        self._estimated = True
        rounds = self._count / self._jobs
        if self._jobs <= cores():  # more share the cores from the first to the last
            rounds = math.ceil(rounds)
        for_all = ""
        if self._count > 1:
            for_all = f" for each of {self._count} trainings, {self._jobs} at once: {in_time(rounds * whole)} for all"
        self._say(
            f"it will take about {in_time(whole)}{for_all}, by the pace of the first updates; Ctrl-C keeps the "
            "trainings that are finished"
        )

    def ends(self, lesson: Lesson) -> None:
        """Note that a training has ended, however it did."""
        self._done += 1
        self._steps[lesson.seed] = lesson.settings.steps


def in_time(seconds: float) -> str:
    """Return a time in words of the unit that fits: seconds, minutes or hours.

    Args:
        seconds: The time, s.
    """
    if seconds < 100.0:
        return f"{seconds:.0f} seconds"
    if seconds < 6000.0:
        return f"{seconds / 60.0:.0f} minutes"
    return f"{seconds / 3600.0:.1f} hours"


def _defaults(settings: Settings) -> dict[str, Any]:
    """Return the hyper-parameters that have a value that changes nothing."""
    found = {}
    for field in dataclasses.fields(settings):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return found


def _run_of(path: Path, entry: Mapping[str, Any], *, skipped: bool = True) -> Run:
    reached = entry["reached"]
    return Run(
        path=path,
        seed=entry["training_seed"],
        end=Moment(entry["steps"], entry["wall_time"], entry["cpu_time"]),
        score=Score(**entry["score"]),
        reached=Moment(**reached) if reached else None,
        skipped=skipped,
    )


def _command(
    id: str,
    algo: str,
    learner: str,
    seeds: int,
    seed: int,
    steps: int | None,
    setting: str,
    settings: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
) -> str:
    """The shell command that repeats this training."""
    words = ["gym-suite", "train", id, "--algo", algo, "--seeds", str(seeds)]
    if learner != "sb3":
        words += ["--learner", learner]
    if seed:
        words += ["--seed", str(seed)]
    if steps is not None:
        words += ["--steps", str(steps)]
    if setting != "nominal":
        words += ["--setting", setting]
    if settings:
        words += ["--settings", json.dumps(dict(settings))]
    for name, value in keywords.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return shlex.join(words)
