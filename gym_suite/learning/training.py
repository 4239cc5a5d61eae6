"""Training of policies with Stable-Baselines3: ``gym-suite train ID --algo ppo --seeds 5``."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite import provenance
from gym_suite.behaviour import behaviour_of
from gym_suite.core.kernel import source_digest
from gym_suite.learning.evaluation import Evaluation, Score
from gym_suite.learning.export import as_numpy
from gym_suite.learning.novelty import Exploration
from gym_suite.learning.policies import folder_of, load_policy
from gym_suite.learning.randomised import blocks_of, shares, side_by_side
from gym_suite.learning.records import (
    prepare_folder,
    read_manifest,
    replace_curve,
    versions,
    write_manifest,
)
from gym_suite.learning.seeds import EVALUATION_SEED, training_seed
from gym_suite.learning.settings import PPOSettings, Settings, settings_for, trials_for
from gym_suite.learning.vec_env import agents_as_batch, make_sb3_vec, require_sb3
from gym_suite.registration import assumed, card, make_controller, parallel_env

EVALUATION_EPISODES = 20
SELECTION = "none: the last policy of each run"
METRIC = "mean |value - reference| / scale over tracked columns; steps lost by a trip count as 1"
RETURN_METRIC = "mean return of an episode"
#: What a policy's own file repeats of the manifest.
TOLD = ("steps", "date", "versions", "commit", "source_digest", "behaviour")


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """When something happened in a training run: environment steps, wall and processor seconds."""

    step: int
    wall_time: float
    cpu_time: float


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
        runs: One per seed.
    """

    folder: Path
    reference: str
    reference_score: Score
    runs: tuple[Run, ...]


def train(
    id: str,
    *,
    algo: str = "ppo",
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    out: str | Path | None = None,
    setting: str = "nominal",
    settings: Mapping[str, Any] | None = None,
    trials: int | None = None,
    progress: Callable[[str], None] | None = None,
    **keywords: Any,
) -> Training:
    """Train policies on an environment and write them with their curves and a manifest.

    The folder gets ``<algo>-<seed>.npz`` for each seed, ``curves.csv`` and ``manifest.json``. Seeds
    that the manifest lists as finished are skipped, so a killed training goes on where it was.

    Args:
        id: Environment id; one policy learns for all agents of an id for several only.
        algo: ``"ppo"``, on plants that differ as the hyper-parameters' ``randomise`` says, ``"ppo-nominal"``, on the
            nominal plant, ``"ppo-rnd"``, ``"ppo-count"``, ``"ppo-dagger"`` or ``"sac"``.
        seeds: Number of training runs.
        seed: Seed of the first run; the others follow.
        steps: Environment steps of each run; by default those of the hyper-parameters.
        out: Output folder; by default ``policies/<id with a dash>``, and in it a folder of the
            setting's name.
        setting: Setting of the id under which to train, see ``gym-suite show``.
        settings: Hyper-parameters to replace.
        trials: Number of trainings that were tried to find ``settings``, for the manifest; None: not counted, or the
            count that stands with the id's own hyper-parameters.
        progress: Gets one line of text at a time.
        **keywords: Keyword arguments of the environment.

    Raises:
        ValueError: Unknown id, algorithm, setting, hyper-parameter or keyword, counts that are not positive, or a
            folder with policies trained otherwise.
        OSError: The folder cannot be written; said before anything runs.
        ModuleNotFoundError: Stable-Baselines3 is not installed.
    """
    counts = (("seeds", seeds, 1), ("seed", seed, 0), ("steps", steps, 1), ("trials", trials, 0))
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
    require_sb3()
    if more := assumed(id, named | keywords, chosen.rows):
        told = ", ".join(f"{name}={value!r}" for name, value in more.items())
        if progress is not None:
            progress(f"{id} is trained with {told}")
        named |= more
    folder = Path(out) if out is not None else folder_of(id, setting, root=Path("policies"))
    say = progress or (lambda line: None)
    evaluation = Evaluation(id, episodes=EVALUATION_EPISODES, keywords=named | keywords)
    try:
        _check_actions(entry.id, evaluation.seat, chosen, algo)
        prepare_folder(folder)
        work = _Work(id, algo, chosen, folder, named | keywords, evaluation, say)
        command = _command(id, algo, seeds, seed, steps, setting, settings, keywords)
        work.open(command, tried)
        with _one_thread():
            runs = tuple(work.run(s) for s in range(seed, seed + seeds))
        return Training(folder, work.reference, work.reference_score, runs)
    finally:
        evaluation.close()


def _check_actions(id: str, seat: Any, settings: Settings, algo: str) -> None:
    """Refuse an algorithm for numbers where actions are choices."""
    from gymnasium import spaces

    space = getattr(seat, "single_action_space", None) or seat.action_space
    if settings.continuous and not isinstance(space, spaces.Box):
        raise ValueError(f"{algo} needs continuous actions; {id} has {space}: use ppo")


def make_rows(id: str, settings: Settings, keywords: Mapping[str, Any]) -> Any:
    """Make what a training learns from: rows in blocks of plants, their histories and running statistics.

    Args:
        id: Environment id.
        settings: Of the training.
        keywords: Keyword arguments of the environment.

    Returns:
        A Stable-Baselines3 ``VecEnv``.
    """
    from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

    limits = [limit for limit in (settings.time_limit, keywords.get("max_episode_steps")) if limit]
    fixed = dict(keywords) | ({"max_episode_steps": min(limits)} if limits else {})
    blocks = blocks_of(settings.randomise, fixed)
    rows = zip(shares(settings.rows, len(blocks)), blocks, strict=True)
    env = side_by_side([_rows_of(id, n, block) for n, block in rows])
    if settings.history > 1:
        env = VecFrameStack(env, settings.history)
    return VecNormalize(env, gamma=settings.discount) if settings.normalize else env


def _rows_of(id: str, n: int, keywords: Mapping[str, Any]) -> Any:
    """Make n rows of an id, or of one for several agents only as many worlds as have no more agents, at least one."""
    if card(id).agents != "several":
        return make_sb3_vec(id, n, metrics=False, **keywords)
    env = parallel_env(id, **keywords)
    return agents_as_batch(env, max(1, n // len(env.possible_agents)), metrics=False)


class _Work:
    """The training runs of one call of :func:`train`."""

    def __init__(
        self,
        id: str,
        algo: str,
        settings: Settings,
        folder: Path,
        keywords: dict[str, Any],
        evaluation: Evaluation,
        say: Callable[[str], None],
    ):
        self.id, self.algo, self.settings, self.folder = id, algo, settings, folder
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
            "steps": self.settings.steps,
            "keywords": self.keywords,
            "hyper_parameters": dataclasses.asdict(self.settings),
        }
        plan = json.loads(json.dumps(plan))
        self.manifest = read_manifest(self.folder, self.id)
        old = self.manifest["runs"].get(self.algo)
        if old is not None:  # hyper-parameters that came later have the value that changes nothing
            later = json.loads(json.dumps(_defaults(self.settings)))
            old = old | {"hyper_parameters": later | old["hyper_parameters"]}
        if old is not None and (other := [name for name in plan if old[name] != plan[name]]):
            raise ValueError(
                f"{self.folder} holds {self.algo} policies trained with other "
                f"{', '.join(other)}: choose another folder"
            )
        self.reference = card(self.id).reference
        controller = make_controller(self.evaluation.seat)
        self.reference_score = self.evaluation.score(controller)
        self.say(f"{self.reference}: {_told(self.reference_score)} on evaluation seeds")
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

    def run(self, seed: int) -> Run:
        """Train one seed, or skip it if it is finished."""
        path = self.folder / f"{self.algo}-{seed}.npz"
        entries = self.manifest["runs"][self.algo]["policies"]
        entry = next((e for e in entries if e["training_seed"] == seed), None)
        if entry is not None and path.is_file():
            load_policy(path, self.id)  # a damaged one is refused, not trusted
            other = (
                ""
                if entry.get("source_digest") == self.digest
                else ", with other sources of the package"
            )
            self.say(f"{self.algo} seed {seed}: finished before ({entry['date']}{other}), skipped")
            return _run_of(path, entry)
        model, curve = self._learn(seed)
        entry = self._entry(path, seed, curve)
        told = {name: value for name, value in entry.items() if name in TOLD}
        policy = self.exported(model, seed, told | {"keywords": self.keywords})
        entry["randomised_scores"] = self._scores(policy)
        policy.save(path)
        replace_curve(self.folder, self.algo, seed, curve.rows)
        entries[:] = sorted(
            [*(e for e in entries if e["training_seed"] != seed), entry],
            key=lambda e: e["training_seed"],
        )
        write_manifest(self.folder, self.manifest)
        self._report(seed, curve)
        return _run_of(path, entry, skipped=False)

    def _learn(self, seed: int) -> tuple[Any, _Curve]:
        env = make_rows(self.id, self.settings, self.keywords)
        model = self.settings.build(env, seed)
        # The model has seeded row i with seed + i, where comparisons take their episodes from.
        env.seed(training_seed(seed))
        curve = _Curve(self, model, seed, Exploration.of(env, self.settings))
        # Curves are ours; without a logger of its own the library makes a temporary folder for each training.
        from stable_baselines3.common.logger import Logger

        model.set_logger(Logger(folder=None, output_formats=[]))
        model.learn(self.settings.steps, callback=_callback(curve))
        curve.evaluate()
        env.close()
        return model, curve

    def exported(self, model: Any, seed: int, told: Mapping[str, Any] | None = None) -> Any:
        """Return the policy of a model in NumPy.

        Args:
            model: Of Stable-Baselines3.
            seed: Training seed.
            told: What the policy's file says of the training.
        """
        setup = self.evaluation.setup
        return as_numpy(
            model,
            id=self.id,
            training_seed=seed,
            observation_columns=setup.joint_names(setup.observation_columns),
            action_columns=setup.joint_names(setup.action_columns),
            provenance=told,
        )

    def _scores(self, policy: Any) -> list[dict[str, Any]]:
        """Score a policy on each of the plants that it was trained on; nothing where that is the nominal one."""
        scores = []
        for block in blocks_of(self.settings.randomise, self.keywords):
            if block == self.keywords:
                continue
            evaluation = Evaluation(self.id, episodes=EVALUATION_EPISODES, keywords=block)
            score = dataclasses.asdict(evaluation.score(policy))
            evaluation.close()
            scores.append({"keywords": block, "score": score})
        return scores

    def _entry(self, path: Path, seed: int, curve: _Curve) -> dict[str, Any]:
        return {
            "file": path.name,
            "training_seed": seed,
            "steps": curve.now.step,
            "wall_time": round(curve.now.wall_time, 2),
            "cpu_time": round(curve.now.cpu_time, 2),
            "score": dataclasses.asdict(curve.score),
            "reached": dataclasses.asdict(curve.reached) if curve.reached else None,
            "versions": versions(),
            "machine": provenance.machine(),
            "commit": provenance.commit(),
            "source_digest": self.digest,
            "behaviour": self.behaviour,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _report(self, seed: int, curve: _Curve) -> None:
        reached = "did not reach"
        if curve.reached:
            reached = f"reached after {curve.reached.wall_time:.0f} s"
            reached += f" ({curve.reached.cpu_time:.0f} s of processor time)"
            reached += f" and {curve.reached.step:,} steps"
        self.say(
            f"{self.algo} seed {seed}: {_told(curve.score)} after {curve.now.step:,} steps in "
            f"{curve.now.wall_time:.0f} s; {reached} {self.reference}'s {_told(self.reference_score)}"
        )


class _Curve:
    """The learning curve of a run: evaluates the policy at intervals and keeps the rows."""

    def __init__(self, work: _Work, model: Any, seed: int, exploration: Exploration):
        self.work, self.model, self.seed = work, model, seed
        self.exploration = exploration
        self.rows: list[dict[str, Any]] = []
        self.reached: Moment | None = None
        self._start = time.perf_counter(), time.process_time()
        self._interval = max(1, work.settings.steps // work.settings.evaluations)
        self._next = 0

    def due(self) -> bool:
        """Whether the next evaluation is due."""
        return self.model.num_timesteps >= self._next

    def evaluate(self) -> None:
        """Score the policy as it is now and add a row."""
        work = self.work
        self._next = self.model.num_timesteps + self._interval
        self.score = work.evaluation.score(work.exported(self.model, self.seed))
        wall, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        self.now = Moment(self.model.num_timesteps, wall, cpu)
        if self.reached is None and self.score.reaches(work.reference_score):
            self.reached = self.now
        self.rows.append(self._row())
        work.say(
            f"{work.algo} seed {self.seed}: {self.now.step:,} steps, {wall:.0f} s, "
            f"{_told(self.score)}, trips {self.score.trips:.0%}"
        )

    def _row(self) -> dict[str, Any]:
        episodes = self.model.ep_info_buffer or []
        return {
            "algo": self.work.algo,
            "seed": self.seed,
            "step": self.now.step,
            "wall_time": round(self.now.wall_time, 3),
            "cpu_time": round(self.now.cpu_time, 3),
            "episode_return": _mean([e["r"] for e in episodes]),
            "episode_length": _mean([e["l"] for e in episodes]),
            "evaluation_error": self.score.error,
            "evaluation_return": self.score.episode_return,
            "evaluation_trips": self.score.trips,
            "evaluation_success": self.score.success,
            "reference_error": self.work.reference_score.error,
            "reference_return": self.work.reference_score.episode_return,
            **self.exploration.row(),
        }


def _callback(curve: _Curve) -> Any:
    """A Stable-Baselines3 callback: evaluations between rollouts, and PPO's spread by schedule."""
    from stable_baselines3.common.callbacks import BaseCallback

    settings = curve.work.settings

    class Between(BaseCallback):
        def _on_rollout_start(self) -> None:
            if isinstance(settings, PPOSettings):
                left = 1.0 - min(1.0, self.model.num_timesteps / settings.steps)
                span = settings.log_std - settings.log_std_final
                spread: Any = getattr(self.model.policy, "log_std", None)
                if spread is not None:
                    spread.data.fill_(settings.log_std_final + span * left)
            if curve.due():
                curve.evaluate()

        def _on_step(self) -> bool:
            if not getattr(self.model, "guided", False):  # what a teacher reaches is no finding
                curve.exploration.note(self.locals, self.num_timesteps)
            return True

    return Between()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: on small networks more only wait for each other, badly so under load."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
    seeds: int,
    seed: int,
    steps: int | None,
    setting: str,
    settings: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
) -> str:
    """The shell command that repeats this training."""
    words = ["gym-suite", "train", id, "--algo", algo, "--seeds", str(seeds)]
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


def _told(score: Score) -> str:
    """The number by which agents are judged: tracking error, or where nothing is tracked return."""
    if score.error is not None:
        return f"error {score.error:.3g}"
    arrived = "" if score.success is None else f", success {score.success:.0%}"
    return f"return {score.episode_return:.4g}{arrived}"


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
