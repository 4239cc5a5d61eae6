"""Does it matter how novelty is counted, or where it is looked for? PPO, distillation and counts on the same columns.

``exploration.py`` trains what ships, in which distillation and counts look at different columns of the observation.
Here each of the two looks for novelty once in the direction to the target and once in the pose. Weight of the bonus,
and whether it ends with the episode, are swept for either on either columns, as many trials for each; the way with the
highest mean success is then trained anew with other seeds, beside PPO alone. Differences of the mean success are tested
by exact permutation of the trainings, and Holm's correction is made over all of them. Everything is recorded as it
finishes; a killed run goes on where it was. What the documentation says of it took two processes some hours:

    python examples/same_columns.py --scenes SimpleStatic --steps 1000000

``results.json`` in the folder then says how each training ended.
"""

import json
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np

#: Where novelty is looked for: what distillation ships with, and what counts ship with.
COLUMNS = {
    "direction": ("goal_distance", "goal_cos", "goal_sin"),
    "pose": ("goal_distance", "pose_x", "pose_y"),
}
BONUSES = ("ppo-rnd", "ppo-count")
#: Seed of the first training of the sweep; what is found there is judged on other seeds.
SWEEP_SEED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One way to train in one scene; PPO alone has no columns and no weight.

    Attributes:
        scene: The scene.
        method: "ppo", "ppo-rnd" or "ppo-count".
        columns: Of :data:`COLUMNS`, or "".
        weight: Weight of the bonus's advantage.
        episodic: Whether the bonus's stream ends with the episode.
    """

    scene: str
    method: str
    columns: str = ""
    weight: float = 0.0
    episodic: bool = False

    @property
    def name(self) -> str:
        """What tables call it."""
        ends = " episodic" if self.episodic else ""
        return (
            f"{self.method} {self.columns} {self.weight:g}{ends}" if self.columns else self.method
        )

    @property
    def folder(self) -> Path:
        """Where its trainings are kept, below the folder of all."""
        return Path(self.scene) / self.name.replace(" ", "-")

    @property
    def settings(self) -> dict:
        """What is set besides the method's own hyper-parameters."""
        if not self.columns:
            return {}
        return {
            "novelty": list(COLUMNS[self.columns]),
            "bonus_weight": self.weight,
            "bonus_episodic": self.episodic,
        }


def sweep(scenes: Sequence[str], weights: Sequence[float]) -> list[list[Condition]]:
    """Return what is tried: for each scene, columns and bonus the ways to set it, the same for all."""
    return [
        [
            Condition(scene=scene, method=method, columns=columns, weight=weight, episodic=episodic)
            for weight in weights
            for episodic in (False, True)
        ]
        for scene in scenes
        for columns in COLUMNS
        for method in BONUSES
    ]


def learn(
    condition: Condition, seed: int, seeds: int, steps: int, settings: dict, out: str
) -> list[float]:
    """Train one condition, or what is left of it, and return the success of each training."""
    from gym_suite.learning import train
    from gym_suite.learning.records import outcomes

    folder = Path(out) / condition.folder
    train(
        f"agv/{condition.scene}-v0",
        algo=condition.method,
        seed=seed,
        seeds=seeds,
        steps=steps,
        settings=settings | condition.settings,
        out=folder,
        progress=lambda line: None,
    )
    return list(outcomes(folder)[condition.method].success)


def permutation_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p-value of the difference of two means, over all ways to part the trainings.

    Exact: the part of the ways in which the difference is at least as large as the one found (Fisher 1935; Pitman
    1937). With five trainings a side it is never below 2 / 252.

    Args:
        one: Values of one method's trainings.
        other: Values of the other's.
    """
    pooled = np.array([*one, *other])
    ways = np.array(list(combinations(range(len(pooled)), len(one))))
    sums = pooled[ways].sum(axis=1)
    differences = sums / len(one) - (pooled.sum() - sums) / len(other)
    found = abs(np.mean(one) - np.mean(other))
    return float(np.mean(np.abs(differences) >= found - 1e-12))


def compared(found: dict[Condition, list[float]]) -> list[dict]:
    """Return the comparisons that are asked for: each bonus with PPO, and counts with distillation on the same columns.

    Args:
        found: Success of each training of each condition.
    """
    from gym_suite.comparison.verdicts import holm

    pairs = []
    for a in found:
        for b in found:
            plain = a.method == "ppo" and b.columns
            same = a.columns and a.columns == b.columns
            alike = same and (a.method, b.method) == BONUSES
            if a.scene == b.scene and (plain or alike):
                pairs.append((a, b))
    raw = [permutation_test(found[b], found[a]) for a, b in pairs]
    return [
        {
            "scene": a.scene,
            "one": b.name,
            "other": a.name,
            "difference": float(np.mean(found[b]) - np.mean(found[a])),
            "p": p,
            "corrected": corrected,
        }
        for (a, b), p, corrected in zip(pairs, raw, holm(raw), strict=True)
    ]


def told(found: dict[Condition, list[float]], steps: int) -> str:
    """Return the results in words and figures: each training's success, then the tests."""
    lines = [f"Success of each training after {steps:,} steps:"]
    for condition, success in found.items():
        each = " ".join(f"{value:.2f}" for value in success)
        mean = np.mean(success)
        lines.append(f"  {condition.scene:15}{condition.name:32} mean {mean:.2f}: {each}")
    tests = compared(found)
    count = min(map(len, found.values()))
    least = 2.0 / math.comb(2 * count, count)
    lines.append(
        f"{sum(map(len, found.values()))} trainings, {len(tests)} comparisons, exact permutation tests, Holm's "
        f"correction; with {count} trainings a side no corrected p is below {min(1.0, least * len(tests)):.2g}:"
    )
    for test in tests:
        sure = "differs" if test["corrected"] < 0.05 else "no difference shown"
        lines.append(
            f"  {test['scene']:15}{test['one']:32} - {test['other']:32} {test['difference']:+.2f}, "
            f"p {test['p']:.3f}, corrected {test['corrected']:.3f}: {sure}"
        )
    return "\n".join(lines)


def run(
    plan: Sequence[Condition], seed: int, seeds: int, steps: int, jobs: int, out: str
) -> dict[Condition, list[float]]:
    """Train all conditions and return the success of each training."""
    settings: dict = {"evaluations": 10} if steps >= 100_000 else {"evaluations": 1, "rows": 16}
    arguments = [(condition, seed, seeds, steps, settings, out) for condition in plan]
    if jobs == 1:
        success = [learn(*one) for one in arguments]
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            success = list(pool.map(learn, *zip(*arguments, strict=True)))
    return dict(zip(plan, success, strict=True))


def recorded(found: dict[Condition, list[float]]) -> list[dict]:
    """Return conditions and the success of each of their trainings as data for a file."""
    return [asdict(way) | {"name": way.name, "success": found[way]} for way in found]


def made(condition: Condition, out: Path) -> dict:
    """Return the manifest's run of a condition's method."""
    manifest = json.loads((out / condition.folder / "manifest.json").read_text("utf-8"))
    return manifest["runs"][condition.method]


def origin(condition: Condition, out: Path) -> dict:
    """Return by which version and commit a condition was trained, and with which hyper-parameters besides its own."""
    run = made(condition, out)
    policy = run["policies"][0]
    return {
        "version": policy["versions"]["gym_suite"],
        "commit": policy["commit"],
        "hyper_parameters": run["hyper_parameters"],
    }


def elsewhere(condition: Condition, out: Path) -> list[float]:
    """Return the success of each training on the plants that differ, with mismatch, noise and late actions."""
    return [
        math.fsum(plant["score"]["success"] for plant in policy["randomised_scores"])
        / len(policy["randomised_scores"])
        for policy in made(condition, out)["policies"]
    ]


def main(
    scenes: Sequence[str] = ("SimpleStatic",),
    seeds: int = 1,
    trials: int = 1,
    steps: int = 4_096,
    weights: Sequence[float] = (1.0,),
    jobs: int = 1,
    out: str = "same-columns",
) -> list[dict]:
    """Run the experiment and return its tests; by default a sliver of it."""
    tried = sweep(scenes, weights)
    every = [way for ways in tried for way in ways]
    swept = run(every, SWEEP_SEED, trials, steps, jobs, str(Path(out) / "sweep"))
    best = [max(ways, key=lambda way: np.mean(swept[way])) for ways in tried]
    plan = [
        way
        for scene in scenes
        for way in (Condition(scene=scene, method="ppo"), *(w for w in best if w.scene == scene))
    ]
    found = run(plan, 0, seeds, steps, jobs, out)
    lines = [f"Swept with {trials} trainings each, mean success after {steps:,} steps:"]
    lines += [f"  {way.scene:15}{way.name:32} {np.mean(swept[way]):.2f}" for way in every]
    text, tests = "\n".join([*lines, told(found, steps)]), compared(found)
    (Path(out) / "results.txt").write_text(text + "\n", "utf-8")
    results = {
        "steps": steps,
        "seeds": seeds,
        "trials": trials,
        "weights": list(weights),
        "origin": origin(plan[0], Path(out)),
        "swept": recorded(swept),
        "judged": [
            way | {"elsewhere": elsewhere(condition, Path(out))}
            for way, condition in zip(recorded(found), found, strict=True)
        ],
        "tests": tests,
    }
    (Path(out) / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    print(text)
    return tests


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scenes", nargs="+", default=("SimpleStatic", "ComplexStatic"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--weights", type=float, nargs="+", default=(0.3, 1.0, 3.0))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", default="same-columns")
    main(**vars(parser.parse_args()))
