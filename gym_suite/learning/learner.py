"""One training: an untrained model, its environments, what it learns, and what is kept of it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from gym_suite import provenance
from gym_suite.core.kernel import source_digest
from gym_suite.learning.evaluation import Evaluation, Score
from gym_suite.learning.export import as_numpy
from gym_suite.learning.hyperparameters import Settings
from gym_suite.learning.learners import build, packages, place, set_log_std
from gym_suite.learning.methods import PPOSettings
from gym_suite.learning.novelty import Exploration
from gym_suite.learning.policies import ExportedPolicy
from gym_suite.learning.randomised import blocks_of, shares, side_by_side
from gym_suite.learning.records import versions
from gym_suite.learning.seeds import training_seed
from gym_suite.learning.vec_env import agents_as_batch, make_sb3_vec
from gym_suite.registration import card, parallel_env

EVALUATION_EPISODES = 20
#: Seconds of learning by which a training tells how long it will take: the first update is slower than the others.
PACE_TIME = 5.0
#: How many times as long as until then it must take to be worth a line.
WORTH = 3.0
#: What a policy's own file repeats of the manifest.
TOLD = ("steps", "date", "versions", "commit", "source_digest", "behaviour")


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """When something happened in a training run: environment steps, wall and processor seconds."""

    step: int
    wall_time: float
    cpu_time: float


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


@dataclasses.dataclass(frozen=True, slots=True)
class Lesson:
    """Everything that decides one training; it can be sent to another process.

    Attributes:
        id: Environment id.
        algo: Algorithm.
        settings: Hyper-parameters.
        keywords: Keyword arguments of the environment.
        seed: Training seed.
        reference: Score of the id's reference controller on the evaluation's episodes.
        sources: Digest of the sources that decide it, of who ordered the training.
        behaviour: Hash of the environment's behaviour.
        learner: The library that learns, see :mod:`gym_suite.learning.learners`.
    """

    id: str
    algo: str
    settings: Settings
    keywords: Mapping[str, Any]
    seed: int
    reference: Score
    sources: str
    behaviour: str
    learner: str = "sb3"


@dataclasses.dataclass(frozen=True, slots=True)
class Learned:
    """What a training came to.

    Attributes:
        policy: The policy, which runs in NumPy.
        entry: What the manifest says of it.
        curve: Rows of the learning curve.
    """

    policy: ExportedPolicy
    entry: dict[str, Any]
    curve: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        step: Environment steps.
        words: The last evaluation in a line; empty where there is none to tell.
        row: The learning curve's row of it.
        whole: Seconds that the whole training will take, told once, by the pace of its first updates.
    """

    step: int
    words: str
    row: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    whole: float | None = None


def learn(lesson: Lesson, tell: Callable[[Progress], None]) -> Learned:
    """Train a policy; wherever this runs, the same lesson gives the same policy on one machine and source.

    Args:
        lesson: What to train.
        tell: Gets every evaluation, and once how long all will take.

    Raises:
        ValueError: The sources of the package here are others than those of who ordered the training.
    """
    evaluation = Evaluation(lesson.id, episodes=EVALUATION_EPISODES, keywords=dict(lesson.keywords))
    try:
        if source_digest(evaluation.setup.family) != lesson.sources:
            raise ValueError(
                "the package has other sources here than where the training was ordered: install the same version"
            )
        with _one_thread(), place(lesson.learner):
            model, curve = _trained(lesson, evaluation, tell)
            entry = _entry(lesson, curve)
            told = {name: value for name, value in entry.items() if name in TOLD}
            policy = exported(model, lesson, evaluation, told | {"keywords": lesson.keywords})
            entry["randomised_scores"] = _scores(policy, lesson)
        return Learned(policy, entry, curve.rows)
    finally:
        evaluation.close()


def _trained(
    lesson: Lesson, evaluation: Evaluation, tell: Callable[[Progress], None]
) -> tuple[Any, _Curve]:
    """Return the trained model and its curve."""
    env = make_rows(lesson.id, lesson.settings, lesson.keywords)
    model = build(lesson.learner, lesson.settings, env, lesson.seed)
    # The model has seeded its rows as trainings are; this holds for seeds from a million on too.
    env.seed(training_seed(lesson.seed))
    curve = _Curve(lesson, evaluation, model, Exploration.of(env, lesson.settings), tell)
    # Curves are ours; without a logger of its own the library makes a temporary folder for each training.
    from stable_baselines3.common.logger import Logger

    model.set_logger(Logger(folder=None, output_formats=[]))
    model.learn(lesson.settings.steps, callback=_callback(curve))
    curve.evaluate()
    env.close()
    return model, curve


def exported(
    model: Any, lesson: Lesson, evaluation: Evaluation, told: Mapping[str, Any] | None = None
) -> ExportedPolicy:
    """Return the policy of a model in NumPy.

    Args:
        model: Of the lesson's library.
        lesson: What it learns.
        evaluation: On which it is scored.
        told: What the policy's file says of the training.
    """
    setup = evaluation.setup
    return as_numpy(
        model,
        id=lesson.id,
        training_seed=lesson.seed,
        observation_columns=setup.joint_names(setup.observation_columns),
        action_columns=setup.joint_names(setup.action_columns),
        provenance=told,
    )


def _scores(policy: ExportedPolicy, lesson: Lesson) -> list[dict[str, Any]]:
    """Score a policy on each of the plants that it was trained on; nothing where that is the nominal one."""
    scores = []
    for block in blocks_of(lesson.settings.randomise, lesson.keywords):
        if block == lesson.keywords:
            continue
        evaluation = Evaluation(lesson.id, episodes=EVALUATION_EPISODES, keywords=block)
        score = dataclasses.asdict(evaluation.score(policy))
        evaluation.close()
        scores.append({"keywords": block, "score": score})
    return scores


def _entry(lesson: Lesson, curve: _Curve) -> dict[str, Any]:
    return {
        "file": f"{lesson.algo}-{lesson.seed}.npz",
        "training_seed": lesson.seed,
        "steps": curve.now.step,
        "wall_time": round(curve.now.wall_time, 2),
        "cpu_time": round(curve.now.cpu_time, 2),
        "score": dataclasses.asdict(curve.score),
        "reached": dataclasses.asdict(curve.reached) if curve.reached else None,
        "versions": versions(packages(lesson.learner)),
        "machine": provenance.machine(),
        "commit": provenance.commit(),
        "source_digest": lesson.sources,
        "behaviour": lesson.behaviour,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


class _Curve:
    """The learning curve of a run: evaluates the policy at intervals and keeps the rows."""

    def __init__(
        self,
        lesson: Lesson,
        evaluation: Evaluation,
        model: Any,
        exploration: Exploration,
        tell: Callable[[Progress], None],
    ):
        self.lesson, self.evaluation, self.model = lesson, evaluation, model
        self.exploration, self.tell = exploration, tell
        self.rows: list[dict[str, Any]] = []
        self.reached: Moment | None = None
        self._start = time.perf_counter(), time.process_time()
        self._interval = max(1, lesson.settings.steps // lesson.settings.evaluations)
        self._next = 0
        self._evaluating = 0.0
        self._since: tuple[float, int] | None = None
        self._paced = False

    def pace(self) -> None:
        """Tell once how long all will take, when :data:`PACE_TIME` has been spent on learning, if that is long.

        To be called between rollouts. Steps before the method learns, which are faster, do not count; evaluations do by
        the time of the first one.
        """
        step, now = self.model.num_timesteps, time.perf_counter()
        if self._paced or step < getattr(self.model, "learning_starts", 0) or not self.rows:
            return
        if self._since is None:
            self._since = now - self._evaluating, step
            return
        learning, learned = now - self._evaluating - self._since[0], step - self._since[1]
        if learning < PACE_TIME or learned <= 0:
            return
        self._paced = True
        settings = self.lesson.settings
        evaluations = (settings.evaluations + 1) * self._evaluating / len(self.rows)
        whole = settings.steps * learning / learned + evaluations
        if whole > WORTH * (now - self._start[0]):
            self.tell(Progress(step, "", whole=whole))

    def due(self) -> bool:
        """Whether the next evaluation is due."""
        return self.model.num_timesteps >= self._next

    def evaluate(self) -> None:
        """Score the policy as it is now and add a row."""
        lesson, begun = self.lesson, time.perf_counter()
        self._next = self.model.num_timesteps + self._interval
        self.score = self.evaluation.score(exported(self.model, lesson, self.evaluation))
        wall, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        self.now = Moment(self.model.num_timesteps, wall, cpu)
        if self.reached is None and self.score.reaches(lesson.reference):
            self.reached = self.now
        self.rows.append(self._row())
        self._evaluating += time.perf_counter() - begun
        words = (
            f"{lesson.algo} seed {lesson.seed}: {self.now.step:,} steps, {wall:.0f} s, "
            f"{in_words(self.score)}, trips {self.score.trips:.0%}"
        )
        self.tell(Progress(self.now.step, words, row=self.rows[-1]))

    def _row(self) -> dict[str, Any]:
        episodes = self.model.ep_info_buffer or []
        return {
            "algo": self.lesson.algo,
            "seed": self.lesson.seed,
            "step": self.now.step,
            "wall_time": round(self.now.wall_time, 3),
            "cpu_time": round(self.now.cpu_time, 3),
            "episode_return": _mean([e["r"] for e in episodes]),
            "episode_length": _mean([e["l"] for e in episodes]),
            "evaluation_error": self.score.error,
            "evaluation_return": self.score.episode_return,
            "evaluation_trips": self.score.trips,
            "evaluation_success": self.score.success,
            "reference_error": self.lesson.reference.error,
            "reference_return": self.lesson.reference.episode_return,
            **self.exploration.row(),
        }


def _callback(curve: _Curve) -> Any:
    """A Stable-Baselines3 callback: evaluations between rollouts, and PPO's spread by schedule."""
    from stable_baselines3.common.callbacks import BaseCallback

    settings = curve.lesson.settings

    class Between(BaseCallback):
        def _on_rollout_start(self) -> None:
            if isinstance(settings, PPOSettings):
                left = 1.0 - min(1.0, self.model.num_timesteps / settings.steps)
                span = settings.log_std - settings.log_std_final
                set_log_std(self.model, settings.log_std_final + span * left)
            if curve.due():
                curve.evaluate()
            curve.pace()

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


def in_words(score: Score) -> str:
    """The number by which agents are judged: tracking error, or where nothing is tracked return."""
    if score.error is not None:
        return f"error {score.error:.3g}"
    arrived = "" if score.success is None else f", success {score.success:.0%}"
    return f"return {score.episode_return:.4g}{arrived}"


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
