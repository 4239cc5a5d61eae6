"""A controller's hyper-parameters searched on the reward: ``gym-suite tune ID --agent pi --budget 6e6``.

A learned policy is fitted to the reward by millions of environment steps, a controller's gains come from a rule that
has never seen it. To compare the two on equal terms the same law gets the same steps: covariance matrix adaptation
(CMA-ES) changes its hyper-parameters within their bounds, and every candidate is judged by the mean return of the same
episodes.

N. Hansen and A. Ostermeier, "Completely derandomized self-adaptation in evolution strategies", Evolutionary
Computation 9(2), 2001; restarts with doubled populations: A. Auger and N. Hansen, CEC 2005. The implementation is the
package cmaes (M. Nomura and M. Shibata, arXiv:2402.01373).
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite import provenance
from gym_suite.behaviour import behaviour_of
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.extras import install_line
from gym_suite.core.kernel import source_digest
from gym_suite.core.parameters import check_option, unknown_error
from gym_suite.learning.evaluation import Evaluation, Score
from gym_suite.learning.folders import locked
from gym_suite.learning.gains import load_gains
from gym_suite.learning.jury import Jury
from gym_suite.learning.randomised import blocks_of, check_randomise
from gym_suite.learning.records import folder_named, replace_curve, write_text
from gym_suite.learning.seeds import EVALUATION_SEED, TUNING_STRIDE, tuning_seeds
from gym_suite.learning.settings import settings_for
from gym_suite.learning.shelf import folder_of
from gym_suite.learning.trials import Course, Trial, TrialLog, other_parts

FORMAT = 1
#: Plants on which candidates are judged: those that a training learns on, or the nominal one.
SETTINGS = ("randomised", "nominal")
#: The training whose steps and whose plants a search gets.
TRAINING = "ppo"
#: Evaluations that a budget is to give, from which the number of episodes of each follows.
EVALUATIONS, FEWEST, MOST = 150, 8, 64
CURVE_EPISODES = 20
#: Part of the budget that the final choice among the best candidates and the rule's own gains gets, and how many they
#: are at most: a search finds what happens to suit its few episodes, so the choice is made on more of others.
RUNOFF, FINALISTS = 0.25, 5
#: Standard deviation of the first candidates about the rule's values, in shares of the range.
SPREAD = 0.2
#: What counts as the cost of a candidate that cannot control at all.
FAILED = 1e30


@dataclasses.dataclass(frozen=True, slots=True)
class Tuning:
    """The result of :func:`tune`.

    Attributes:
        path: The gains file.
        gains: The best hyper-parameters by name.
        value: Their mean return on the episodes of the search.
        rule_value: That of the controller as the rule gives it.
        score: How they do on the evaluation episodes of learning curves, nominally.
        rule_score: How the rule's do there.
        trials: Candidates tried, the rule's own included.
        steps: Environment steps used.
        skipped: True if the search was finished before.
    """

    path: Path
    gains: Mapping[str, Any]
    value: float
    rule_value: float
    score: Score
    rule_score: Score
    trials: int
    steps: int
    skipped: bool = False


def require_cmaes() -> Any:
    """Import cmaes.

    Raises:
        ModuleNotFoundError: It is not installed; the message names the extra.
    """
    try:
        import cmaes
    except ModuleNotFoundError as e:
        raise ModuleNotFoundError(f"this needs cmaes: {install_line('tune')}", name=e.name) from e
    return cmaes


def tune(
    id: str,
    *,
    agent: str | None = None,
    budget: float | None = None,
    settings: str = "randomised",
    randomise: Mapping[str, Any] | None = None,
    setting: str = "nominal",
    seed: int = 0,
    episodes: int | None = None,
    out: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
    **keywords: Any,
) -> Tuning:
    """Search a controller's hyper-parameters on the reward and write a gains file, which ``compare`` takes as an agent.

    The folder gets ``<agent>-tuned-<seed>.json``, the trials beside it (``.trials.jsonl``) and ``curves.csv``, whose
    columns are those of a training. Trials are written as they finish: a search that was killed and is started again
    gives what it would have given. Evaluations for the curve are not counted, as in a training.

    Args:
        id: Environment id.
        agent: Name of one of the id's controllers; the reference by default.
        budget: Environment steps; by default those of one training of the id.
        settings: "randomised": candidates are judged on plants that differ; "nominal".
        randomise: Plant keywords to a value or a list of values, in place of a training's: how far plants differ is
            to be chosen for a search as for a training, and gains that cannot learn in an episode may want less.
        setting: Setting of the id under which to search, see ``gym-suite show``.
        seed: Seed of the search.
        episodes: Episodes on which every candidate is judged, spread over the plants, of which each needs one; by
            default as many as leave some 150 candidates, and at least 8. A search has 1,000 seeds: where these leave
            less than as many for the final choice, the best on these is what was found.
        out: Output folder; by default ``gains/<id with a dash>``.
        parameters: The controller's keyword arguments that are not searched.
        progress: Gets one line of text at a time.
        **keywords: Keyword arguments of the environment.

    Raises:
        ValueError: Unknown id, controller, setting or keyword; a controller with nothing to search; a budget that holds
            not one candidate; plants to randomise of a nominal search; fewer episodes than plants; a folder with
            another search of this name, or with gains of this name that are another's.
        OSError: The folder cannot be written, or another search is writing into it; said before anything runs.
        ModuleNotFoundError: cmaes is not installed.
    """
    from gym_suite.registration import card

    entry = card(id)
    if not entry.entry_point:
        raise ValueError(f"{entry.id} has several agents: only controllers of one are searched")
    check_option("settings", settings, SETTINGS)
    agent = entry.reference if agent is None else agent
    if agent not in entry.controllers:
        raise unknown_error(f"controller of {entry.id}", agent, entry.controllers)
    training = settings_for(entry.id, TRAINING, setting=setting)
    steps = _whole("budget", training.steps if budget is None else budget)
    tuning_seeds(seed, 1)
    require_cmaes()
    fixed = dict(entry.setting(setting)) | keywords
    plants = training.randomise if randomise is None else check_randomise(randomise)
    if randomise is not None and (settings == "nominal" or not plants):
        raise ValueError(
            "randomise: name what differs, or search on the nominal plant alone (settings) without it"
        )
    folder = (
        folder_of(entry.id, setting, root=Path("gains"))
        if out is None
        else folder_named("out", out)
    )
    own = dict(parameters or {})
    blocks = blocks_of(plants if settings == "randomised" else {}, fixed)
    search = Search(entry.id, agent, own, blocks, fixed, seed, steps, episodes)
    try:
        suffix = "" if settings == "randomised" else f"-{settings}"
        command = _command(
            entry.id, agent, own, budget, settings, randomise, setting, seed, episodes, keywords
        )
        about = {"settings": settings, "setting": setting, "command": command}
        say = progress or (lambda line: None)
        with closing(locked(folder, "search")):
            return search.run(folder, f"{agent}-tuned{suffix}", about, say)
    finally:
        search.close()


class Search:
    """One search: the plants, the episodes on them, the candidates and what they came to."""

    def __init__(
        self,
        id: str,
        agent: str,
        parameters: Mapping[str, Any],
        blocks: Sequence[Mapping[str, Any]],
        keywords: Mapping[str, Any],
        seed: int,
        budget: int,
        episodes: int | None,
    ):
        self.id, self.agent, self.seed, self.budget = id, agent, seed, budget
        self.parameters = dict(parameters)
        self.blocks, self.keywords = [dict(block) for block in blocks], dict(keywords)
        self.curve = Evaluation(id, episodes=CURVE_EPISODES, keywords=dict(keywords))
        self._open: list[Evaluation | Jury] = [self.curve]
        try:
            self._prepare(episodes)
        except BaseException:
            self.close()
            raise

    def _prepare(self, episodes: int | None) -> None:
        self.rule = self._controller({})
        self.hyperparameters: dict[str, Hyperparameter] = self.rule.hyperparameters_
        if not self.hyperparameters:
            raise ValueError(
                f"{self.agent} of {self.id} has nothing to search: it declares no hyper-parameters with bounds, and "
                "its rule gives no gains"
            )
        for one in self.hyperparameters.values():
            if one.default is None:
                raise ValueError(f"hyper-parameter {one.name!r} of {self.agent} has no default")
        horizon, count = self.curve.horizon, len(self.blocks)
        if horizon is None:
            raise ValueError(f"{self.id} has no time limit; give one: max_episode_steps=...")
        if episodes is None:
            wanted = min(max(self.budget // (EVALUATIONS * horizon), FEWEST), MOST)
            episodes = count * max(1, round(wanted / count))
        self.seeds = tuning_seeds(self.seed, _whole("episodes", episodes))
        if len(self.seeds) < count:
            raise ValueError(
                f"episodes: {len(self.seeds)} are too few for {count} plants, every combination of what is "
                "randomised, each of which needs one: raise episodes, or search on the nominal plant (settings)"
            )
        self.cost = len(self.seeds) * horizon
        if self.budget < self.cost:
            raise ValueError(
                f"budget: {self.budget:,} steps hold not one candidate, which takes up to {self.cost:,}: "
                f"{len(self.seeds)} episodes of {horizon:,} steps; raise budget, or lower episodes"
            )
        self.jury = self._jury(self.seeds, self.cost)
        self.finalists, self.last_seeds = self._runoff(horizon)

    def _runoff(self, horizon: int) -> tuple[int, range]:
        """Return how many candidates the final choice is among, and its episodes, as many on every plant.

        None where the budget, or the seeds that are left, give fewer than the search itself has.
        """
        after, count = self.seeds.stop, len(self.blocks)
        room = (TUNING_STRIDE - len(self.seeds)) // count
        for finalists in range(FINALISTS, 1, -1):
            each = min(int(RUNOFF * self.budget) // (finalists * horizon * count), room)
            if each * count >= len(self.seeds):
                return finalists, range(after, after + each * count)
        return 0, range(after, after)

    @property
    def _last_cost(self) -> int:
        """Environment steps of a candidate in the final choice, at most."""
        return len(self.last_seeds) * (self.cost // len(self.seeds))

    def _choose(self, log: TrialLog, trials: Sequence[Trial]) -> list[Trial]:
        """Judge the rule's gains and the best others on the last episodes; return what they came to."""
        first, *others = trials
        distinct = {trial.place: trial for trial in others if trial.value is not None}
        ranked = sorted(distinct.values(), key=lambda trial: trial.worth, reverse=True)
        places = [first.place, *(trial.place for trial in ranked[: self.finalists - 1])]
        jury = self._jury(self.last_seeds, self._last_cost)
        return list(_in_turn(log, jury, places, len(places) * jury.cost))

    def _jury(self, seeds: range, cost: int) -> Jury:
        jury = Jury(self.id, self.blocks, seeds, cost, self.controller)
        self._open.append(jury)
        return jury

    def close(self) -> None:
        """Close the environments."""
        for one in self._open:
            one.close()

    def run(
        self, folder: Path, name: str, about: Mapping[str, Any], say: Callable[[str], None]
    ) -> Tuning:
        """Search, or go on where an earlier call was stopped.

        Args:
            folder: Where the files go.
            name: Of the tuned controller in tables and curves.
            about: What the gains file says besides.
            say: Gets one line of text at a time.
        """
        path = folder / f"{name}-{self.seed}.json"
        plan = self._plan()
        if path.is_file():
            before = load_gains(path, self.id).about
            if other := other_parts(before.get("plan"), plan):
                raise ValueError(
                    f"{path} holds gains that are another's ({', '.join(other)}) and are not written over: choose "
                    "another folder or another seed, or move the file away"
                )
            say(f"{name}: finished before, skipped")
            return _tuning_of(path, before, skipped=True)
        log = TrialLog(path.with_suffix(".trials.jsonl"), plan)
        course = Course(self, name, say)
        for generation in self._generations(log):
            course.add(generation)
        if self.finalists:
            course.settle(self._choose(log, course.trials))
        data = self._about(course) | dict(about) | {"plan": plan}
        replace_curve(folder, name, self.seed, course.rows)
        write_text(path, json.dumps(data, indent=2) + "\n")
        say(
            f"{name}: {data['trials']} trials in {data['steps']:,} steps and {data['cpu_time']:.0f} s of processor "
            f"time; return {data['value']:.6g}, by rule {data['rule_value']:.6g}"
        )
        return _tuning_of(path, data)

    def _about(self, course: Course) -> dict[str, Any]:
        """Return what a gains file says of a search that is over."""
        trials, best, last = course.trials, course.best, course.last
        everything = [*trials, *last]
        return {
            "format": FORMAT,
            "id": self.id,
            "agent": self.agent,
            "gains": self.values(best.place),
            "parameters": self.parameters,
            "rule": self.values(self.start),
            "value": best.value,
            "rule_value": (last or trials)[0].value,
            "objective": "mean return of an episode",
            "method": f"CMA-ES (cmaes {provenance.versions(['cmaes']).get('cmaes', '')})",
            "budget": self.budget,
            "steps": sum(trial.steps for trial in everything),
            "trials": len(trials),
            "failed_trials": sum(trial.value is None for trial in trials),
            "finalists": [
                {"gains": self.values(trial.place), "value": trial.value} for trial in last
            ],
            "keywords": self.keywords,
            "seeds": {
                "search": self.seed,
                "episodes": [self.seeds.start, self.last_seeds.stop - 1],
                "evaluation": [EVALUATION_SEED, EVALUATION_SEED + CURVE_EPISODES - 1],
            },
            "score": dataclasses.asdict(course.score),
            "rule_score": dataclasses.asdict(course.rule_score),
            "versions": provenance.versions(["numpy", "numba", "gymnasium", "cmaes"]),
            "machine": provenance.machine(),
            "commit": provenance.commit(),
            "source_digest": source_digest(self.curve.setup.family),
            "behaviour": behaviour_of(self.id, self.keywords),
            "wall_time": round(sum(trial.wall_time for trial in everything), 2),
            "cpu_time": round(sum(trial.cpu_time for trial in everything), 2),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _plan(self) -> dict[str, Any]:
        """Return everything that decides what the search comes to."""
        plan = {
            "id": self.id,
            "agent": self.agent,
            "parameters": self.parameters,
            "budget": self.budget,
            "seed": self.seed,
            "episodes": [self.seeds.start, self.seeds.stop - 1],
            "finalists": self.finalists,
            "last_episodes": len(self.last_seeds),
            "plants": self.blocks,
            "hyperparameters": {n: h.as_dict() for n, h in self.hyperparameters.items()},
            "spread": SPREAD,
            "source_digest": source_digest(self.curve.setup.family),
        }
        return json.loads(json.dumps(plan))

    def _generations(self, log: TrialLog) -> Iterator[list[Trial]]:
        """Yield the trials, the rule's own first, then a population at a time until the budget is used up."""
        left = self.budget - self.finalists * self._last_cost
        (first,) = _in_turn(log, self.jury, [self.start], self.cost)
        if first.value is None:
            raise ValueError(f"{self.agent} of {self.id} cannot run as it is: {first.error}")
        left -= first.steps
        yield [first]
        for ask, tell in self._populations():
            asked = ask()
            tried = list(_in_turn(log, self.jury, asked, left))
            left -= sum(trial.steps for trial in tried)
            if tried:
                yield tried
            if len(tried) < len(asked):
                return
            tell(tried)

    def _populations(
        self,
    ) -> Iterator[tuple[Callable[[], list[Any]], Callable[[list[Trial]], None]]]:
        """Yield how to ask for a population and how to tell what it came to; a search that is done starts again."""
        cmaes = require_cmaes()
        size, dimension, restart = None, len(self.hyperparameters), 0
        mean = np.array(self.start)
        bounds = np.tile([0.0, 1.0], (dimension, 1))
        while True:
            optimizer = cmaes.CMA(
                mean=mean,
                sigma=SPREAD,
                bounds=bounds,
                seed=int(np.random.SeedSequence([self.seed, restart]).generate_state(1)[0]),
                population_size=size,
            )
            while not optimizer.should_stop():

                def ask(optimizer: Any = optimizer) -> list[tuple[float, ...]]:
                    drawn = [optimizer.ask() for _ in range(optimizer.population_size)]
                    return [tuple(place.tolist()) for place in drawn]

                def tell(trials: list[Trial], optimizer: Any = optimizer) -> None:
                    costs = [FAILED if t.value is None else -t.value for t in trials]
                    places = [np.array(trial.place) for trial in trials]
                    optimizer.tell(list(zip(places, costs, strict=True)))

                yield ask, tell
            restart += 1
            size = 2 * optimizer.population_size
            mean = np.random.default_rng([self.seed, restart]).uniform(size=dimension)

    @property
    def start(self) -> tuple[float, ...]:
        """Return where the rule's own values lie."""
        return tuple(one.start for one in self.hyperparameters.values())

    def values(self, place: Sequence[float]) -> dict[str, Any]:
        """Return the hyper-parameters at a place."""
        pairs = zip(self.hyperparameters.values(), place, strict=True)
        return {one.name: one.at(share) for one, share in pairs}

    def controller(self, place: Sequence[float]) -> Any:
        """Return the controller at a place; where the rule's values lie, as the rule gives it."""
        return self.rule if tuple(place) == self.start else self._controller(self.values(place))

    def _controller(self, values: Mapping[str, Any]) -> Any:
        from gym_suite.registration import make_controller

        return make_controller(self.curve.envs, self.agent, gains=values, **self.parameters)


def _in_turn(
    log: TrialLog, jury: Jury, places: Sequence[tuple[float, ...]], left: int
) -> Iterator[Trial]:
    """Yield the trials of candidates while steps are left; what the log does not know is judged some at a time.

    Args:
        log: Of the search.
        jury: Who judges.
        places: Where the candidates lie.
        left: Environment steps that they may take.
    """
    ahead: list[Trial] = []
    for k, place in enumerate(places):
        if left < jury.cost:
            return
        if not log.known and not ahead:
            ahead = jury.judge(places[k : k + left // jury.cost])
        trial = log.next(place, lambda _, ahead=ahead: ahead.pop(0))
        left -= trial.steps
        yield trial


def _whole(name: str, value: float) -> int:
    """Return a positive whole number, which may be written as 6e6.

    Raises:
        ValueError: If it is none.
    """
    if isinstance(value, bool) or not math.isfinite(value) or value != int(value) or value < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {value:g}")
    return int(value)


def _tuning_of(path: Path, about: Mapping[str, Any], *, skipped: bool = False) -> Tuning:
    return Tuning(
        path=path,
        gains=about["gains"],
        value=about["value"],
        rule_value=about["rule_value"],
        score=Score(**about["score"]),
        rule_score=Score(**about["rule_score"]),
        trials=about["trials"],
        steps=about["steps"],
        skipped=skipped,
    )


def _command(
    id: str,
    agent: str,
    parameters: Mapping[str, Any],
    budget: float | None,
    settings: str,
    randomise: Mapping[str, Any] | None,
    setting: str,
    seed: int,
    episodes: int | None,
    keywords: Mapping[str, Any],
) -> str:
    """The shell command that repeats this search."""
    words = ["gym-suite", "tune", id, "--agent", agent]
    if budget is not None:
        words += ["--budget", f"{budget:g}"]
    if settings != SETTINGS[0]:
        words += ["--settings", settings]
    if randomise is not None:
        words += ["--randomise", json.dumps(randomise)]
    if setting != "nominal":
        words += ["--setting", setting]
    if seed:
        words += ["--seed", str(seed)]
    if episodes is not None:
        words += ["--episodes", str(episodes)]
    for option, values in (("--agent-set", parameters), ("--set", keywords)):
        for name, value in values.items():
            words += [option, f"{name}={json.dumps(value)}"]
    return shlex.join(words)
