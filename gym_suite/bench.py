"""How fast it is: steps a second by id, import and start times, with CartPole in the same run."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import gymnasium
import numpy as np
from rich.console import Group

from gym_suite.core.crew import FEWEST, read_threads
from gym_suite.core.kernel import CACHE_VARIABLE
from gym_suite.registration import BENCHMARKS, Card, card, catalogue, load, parallel_env
from gym_suite.sheets import PlainTable, plain_table
from gym_suite.version import __version__

YARDSTICK = "CartPole-v1"
VECTOR_SIZES = (1, 64, 4096)
KERNEL_ROWS = 4096
MOST_ENGINES = 64  # worlds of an engine other than the compiled one, which are heavy
POOL = 16  # sets of actions drawn beforehand and used in turn
RESTART = 100  # calls of the bare kernel from one set of starting states


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of steps a second.

    Attributes:
        id: Environment id.
        what: What was called.
        rows: Environments that one call steps.
        runs: Environment steps a second in each repetition.
        cpu_runs: Environment steps per second of processor time; it varies far less than ``runs``
            where other programs want the same cores.
    """

    id: str
    what: str
    rows: int
    runs: tuple[float, ...]
    cpu_runs: tuple[float, ...]

    @property
    def best(self) -> float:
        """The fastest repetition: what the machine can do when nothing disturbs it."""
        return max(self.runs)

    @property
    def median(self) -> float:
        """The median repetition."""
        return statistics.median(self.runs)

    @property
    def cpu(self) -> float:
        """The median repetition in steps per second of processor time."""
        return statistics.median(self.cpu_runs)


@dataclass(frozen=True, slots=True)
class Duration:
    """A wall-clock time of a fresh process.

    Attributes:
        what: What the process did.
        runs: Seconds in each repetition.
    """

    what: str
    runs: tuple[float, ...]

    @property
    def best(self) -> float:
        """The fastest repetition."""
        return min(self.runs)

    @property
    def median(self) -> float:
        """The median repetition."""
        return statistics.median(self.runs)


@dataclass(frozen=True, slots=True)
class Case:
    """Something to time.

    Attributes:
        id: Environment id, with its setting in brackets; or a family's name.
        what: What is called.
        rows: What one call counts for: environment steps, agent steps, frames.
        step: Makes one call, told which.
        close: Frees what the case holds.
        shared: Whether threads share its rows.
    """

    id: str
    what: str
    rows: int
    step: Callable[[int], None]
    close: Callable[[], None] = lambda: None
    shared: bool = False


def measure_rates(
    ids: Sequence[str],
    *,
    repeats: int = 5,
    seconds: float = 0.5,
    threads: int | str = 1,
    yardstick: bool = True,
) -> list[Rate]:
    """Measure steps a second.

    Every repetition goes through all cases in turn, so that a busy moment of the machine does not
    fall on one of them alone. Actions are random and drawn beforehand, resets are included.

    Args:
        ids: Registered ids.
        repeats: Repetitions.
        seconds: Time that one repetition of one case takes, s.
        threads: Threads that share the compiled worlds of a vector environment, or "auto"; it is measured with one
            besides, and with more where there are worlds for all.
        yardstick: Whether to measure Gymnasium's CartPole beside them.

    Returns:
        One rate per case.

    Raises:
        ValueError: If an id is not registered, repeats or seconds is not positive, there cannot be as many threads, or
            none of the ids has worlds for them.
    """
    count, choose = read_threads(threads)
    if repeats < 1 or not seconds > 0:
        raise ValueError(f"repeats and seconds must be positive, got {repeats} and {seconds}")
    cards = [card(id) for id in ids]
    least = FEWEST if choose else count
    shared = {} if count == 1 and not choose else {"threads": threads}
    cases = [case for entry in cards for case in _cases(entry, shared, least)]
    if shared and not any(case.shared for case in cases):
        for case in cases:
            case.close()
        raise ValueError(
            f"threads={threads} share the compiled worlds of make_vec, and there are none of {', '.join(ids)}"
        )
    for family in dict.fromkeys(entry.family for entry in cards):
        cases += family_cases(family)
    if yardstick:
        cases += [_vector_case(YARDSTICK, {}, VECTOR_SIZES[-1]), _single_case(YARDSTICK, {})]
    calls = [_calibrate(case, seconds) for case in cases]
    times: list[list[tuple[float, float]]] = [[] for _ in cases]
    for _ in range(repeats):
        for case, count, results in zip(cases, calls, times, strict=True):
            results.append(_time(case, count))
    for case in cases:
        case.close()
    rates = []
    for case, count, results in zip(cases, calls, times, strict=True):
        wall, cpu = (
            tuple(count * case.rows / t for t in kind) for kind in zip(*results, strict=True)
        )
        rates.append(Rate(case.id, case.what, case.rows, wall, cpu))
    return rates


def _cases(entry: Card, shared: Mapping[str, Any], least: int) -> Iterator[Case]:
    """The forms of an id, under its default engine unless that needs an extra, and under those of its settings.

    Args:
        entry: The id.
        shared: The keyword by which threads share compiled worlds; empty where none are to.
        least: Fewest worlds that are measured with it.
    """
    for name, keywords in {"nominal": {}, **entry.settings}.items():
        left_out = entry.extra if name == "nominal" else "engine" not in keywords
        if left_out:
            continue
        label = entry.id if name == "nominal" else f"{entry.id} ({name})"
        found: list[Case] = []
        if entry.entry_point:
            setup = _setup(entry.id, keywords)
            if setup.engine is None:
                found.append(_kernel_case(setup))
            most = MOST_ENGINES if setup.engine is not None else VECTOR_SIZES[-1]
            sizes = dict.fromkeys(min(rows, most) for rows in VECTOR_SIZES)
            for rows in sizes:
                found.append(_vector_case(entry.id, keywords, rows))
                if shared and rows >= least and setup.engine is None:
                    case = _vector_case(entry.id, {**keywords, **shared}, rows)
                    what = f"{case.what}, {shared['threads']} threads"
                    found.append(replace(case, what=what, shared=True))
            found.append(_single_case(entry.id, keywords))
        if entry.parallel_entry_point:
            found.append(_parallel_case(entry.id, keywords))
        yield from (replace(case, id=label) for case in found)


def _setup(id: str, keywords: Mapping[str, Any]) -> Any:
    env: Any = gymnasium.make(id, **keywords).unwrapped
    env.close()
    return env.setup


def family_cases(family: str) -> list[Case]:
    """Return what a family measures besides its environments, such as open-loop simulation.

    Args:
        family: The family's name.
    """
    if family not in BENCHMARKS:
        return []
    return [Case(family, what, count, step) for what, count, step in load(BENCHMARKS[family])()]


def _time(case: Case, count: int) -> tuple[float, float]:
    """Return the wall and the processor time of so many calls, s."""
    step = case.step
    wall, cpu = perf_counter(), process_time()
    for i in range(count):
        step(i)
    return perf_counter() - wall, process_time() - cpu


def _calibrate(case: Case, seconds: float) -> int:
    """Return how many calls take about that long; the first calls compile and warm up."""
    _time(case, 3)
    count = 1
    while (taken := _time(case, count)[0]) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / taken))


def _kernel_case(setup: Any) -> Case:
    """The compiled physics alone: no reward, no observation, no reset, no Python per step."""
    from gym_suite.core.rows import Rows

    rows = Rows(setup, KERNEL_ROWS)
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 2**63, KERNEL_ROWS, dtype=np.uint64)
    rows.reset(np.ones(KERNEL_ROWS, dtype=np.bool_), keys)
    start = rows.x.copy()
    actions = _draw_rows(setup, generator)
    advance = setup.kernels.advance

    def step(i: int) -> None:
        if i % RESTART == 0:
            rows.x[:] = start
        rows.u[:] = actions[i % POOL]
        advance(rows.x, rows.key, rows.step, rows.u, rows.p, setup.tables, rows.work)

    return Case(setup.id, "bare kernel", KERNEL_ROWS, step)


def _draw_rows(setup: Any, generator: np.random.Generator) -> np.ndarray:
    """Return random actions as the kernels take them, (POOL, rows, numbers)."""
    shape = (POOL, KERNEL_ROWS, setup.agent_count * setup.action_size)
    if setup.actions is not None:
        return generator.integers(0, np.tile(setup.choices, setup.agent_count), shape).astype(
            np.float64
        )
    return generator.uniform(-1.0, 1.0, shape)


def _vector_case(id: str, keywords: Mapping[str, Any], rows: int) -> Case:
    envs = gymnasium.make_vec(
        id, num_envs=rows, vectorization_mode="vector_entry_point", **keywords
    )
    envs.reset(seed=0)
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(POOL)]

    def step(i: int) -> None:
        envs.step(actions[i % POOL])

    return Case(id, "make_vec, native", rows, step, envs.close)


def _single_case(id: str, keywords: Mapping[str, Any]) -> Case:
    env = gymnasium.make(id, **keywords)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(POOL)]

    def step(i: int) -> None:
        _, _, terminated, truncated, _ = env.step(actions[i % POOL])
        if terminated or truncated:
            env.reset()

    return Case(id, "make, default wrappers", 1, step, env.close)


def _parallel_case(id: str, keywords: Mapping[str, Any]) -> Case:
    """A world of several agents; agent steps are counted."""
    env = parallel_env(id, **keywords)
    env.reset(seed=0)
    count = len(env.possible_agents)
    for i, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(i)
    actions = [{a: env.action_space(a).sample() for a in env.possible_agents} for _ in range(POOL)]

    def step(i: int) -> None:
        env.step(actions[i % POOL])
        if not env.agents:
            env.reset()

    return Case(id, "PettingZoo, agent steps", count, step, env.close)


def measure_start(id: str, *, repeats: int = 5) -> list[Duration]:
    """Measure import and start times in fresh processes.

    Args:
        id: The id to make and reset.
        repeats: Repetitions; the cold start, which compiles, is run once.

    Returns:
        The times of a bare interpreter, of ``import gymnasium``, of ``import gym_suite``, and of
        making and resetting the id with an empty and with a filled kernel cache.
    """
    make = f"import gym_suite, gymnasium; gymnasium.make({card(id).id!r}).reset()"
    with tempfile.TemporaryDirectory(prefix="gym_suite-bench-") as folder:
        run = _Process(Path(folder))
        cold = run(make)
        commands = {
            "bare interpreter": "pass",
            "import gymnasium": "import gymnasium",
            "import gym_suite": "import gym_suite",
            f"start {id}, warm": make,
        }
        runs: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(repeats):
            for what, code in commands.items():
                runs[what].append(run(code))
    found = [Duration(what, tuple(results)) for what, results in runs.items()]
    return [*found, Duration(f"start {id}, cold", (cold,))]


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What a first start with an empty kernel cache costs: making an id, a reset and a step.

    Attributes:
        id: Environment id.
        sources: Whose: "here", or the folder of another version.
        cpu: Processor seconds of the start.
        compilations: Functions compiled in it.
        warm: Wall-clock seconds of a second start, import included.
    """

    id: str
    sources: str
    cpu: float
    compilations: int
    warm: float


_START = """
import json, time
import gymnasium, numba.core.event as event, gym_suite
compiled = event.RecordingListener()
event.register("numba:compile", compiled)
begin = time.process_time()
card = gym_suite.card({id!r})
keywords = dict(card.settings.get("compiled", {{}}))
if card.entry_point:
    env = gymnasium.make(card.id, **keywords)
    env.reset(seed=0)
    env.step(env.action_space.sample())
else:
    env = gym_suite.parallel_env(card.id, **keywords)
    env.reset(seed=0)
    env.step({{a: env.action_space(a).sample() for a in env.agents}})
print(json.dumps([time.process_time() - begin, sum(e.is_start for _, e in compiled.buffer)]))
"""


def measure_cold(ids: Sequence[str], *, against: Path | None = None) -> list[ColdStart]:
    """Measure first starts with an empty kernel cache, each in a fresh process with a folder of its own.

    Args:
        ids: Registered ids.
        against: Root of another version's sources, which is measured in turn with this one.

    Raises:
        ValueError: If an id is not registered, or the folder has no package.
    """
    versions: dict[str, Path | None] = {"here": None}
    if against is not None:
        if not (against / "gym_suite").is_dir():
            raise ValueError(f"{against} has no folder gym_suite: name the root of a checkout")
        versions[str(against)] = against.resolve()
    found = []
    for id in ids:
        code = _START.format(id=card(id).id)
        for name, root in versions.items():
            with tempfile.TemporaryDirectory(prefix="gym_suite-bench-") as folder:
                run = _Process(Path(folder), root)
                cpu, compilations = json.loads(run.output(code))
                found.append(ColdStart(card(id).id, name, cpu, compilations, run(code)))
    return found


def first_ids() -> list[str]:
    """Return the first id of each family: what a first start of the family compiles for."""
    return list(
        {entry.family: entry.id for entry in reversed(tuple(catalogue().values()))}.values()
    )[::-1]


def cold_table(starts: Sequence[ColdStart]) -> PlainTable:
    """Return first starts as a table for a terminal."""
    numeric = ("CPU s", "compilations", "second start, s")
    title = "First start, empty kernel cache"
    table = plain_table("id", "sources", *numeric, title=title, numeric=numeric)
    for one in starts:
        numbers = (f"{one.cpu:.1f}", str(one.compilations), f"{one.warm:.2f}")
        table.add_row(one.id, one.sources, *numbers)
    return table


def cold_json(starts: Sequence[ColdStart]) -> dict[str, Any]:
    """Return first starts as JSON data."""
    return {"versions": versions(), "first_starts": [asdict(one) for one in starts]}


class _Process:
    """Runs code in a fresh interpreter that finds this package, with a kernel cache of its own."""

    def __init__(self, cache: Path, root: Path | None = None) -> None:
        package = str(root or Path(__file__).resolve().parent.parent)
        others = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([package, others] if others else [package])
        self._environment = {**os.environ, "PYTHONPATH": path, CACHE_VARIABLE: str(cache)}
        self._cwd = cache

    def __call__(self, code: str) -> float:
        """Return how long it took, s."""
        start = perf_counter()
        self.output(code)
        return perf_counter() - start

    def output(self, code: str) -> str:
        """Return what it printed."""
        return subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            env=self._environment,
            cwd=self._cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ).stdout


def default_ids() -> list[str]:
    """Return all registered ids."""
    return list(catalogue())


def versions() -> dict[str, str]:
    """Return what the numbers belong to."""
    return {
        "gym_suite": __version__,
        **{name: version(name) for name in ("gymnasium", "numpy", "numba")},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def as_table(rates: Sequence[Rate], durations: Sequence[Duration]) -> Group:
    """Return the measurements as tables for a terminal."""
    numeric = ("rows", "best", "median", "median per CPU s")
    title = "Environment steps a second"
    speed = plain_table("id", "through", *numeric, title=title, numeric=numeric)
    for rate in rates:
        numbers = (f"{value:,.0f}" for value in (rate.best, rate.median, rate.cpu))
        speed.add_row(rate.id, rate.what, str(rate.rows), *numbers)
    numeric = ("best", "median")
    time = plain_table("what", *numeric, title="Seconds, a fresh process", numeric=numeric)
    for duration in durations:
        time.add_row(duration.what, f"{duration.best:.3f}", f"{duration.median:.3f}")
    return Group(speed, time) if durations else Group(speed)


def as_json(rates: Sequence[Rate], durations: Sequence[Duration]) -> dict[str, Any]:
    """Return the measurements as JSON data."""

    def record(result: Rate | Duration) -> dict[str, Any]:
        return {**asdict(result), "best": result.best, "median": result.median}

    return {
        "versions": versions(),
        "rates": [record(rate) for rate in rates],
        "durations": [record(duration) for duration in durations],
    }
