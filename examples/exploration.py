"""Does a bonus for novelty find a sparse reward sooner? PPO, PPO with random network distillation, PPO with counts.

The four scenes of Yin et al. (arXiv:2404.12594), who claim that it does, with the sparse reward and equal budgets; A*
and MPPI, which know the map, beside them, and PPO that was A*'s pupil first. Counts and distillation look at other
columns here (the hyper-parameters name them), so that the two are no experiment about counting against distilling:
``same_columns.py`` is.
Everything is recorded as it finishes; a killed run goes on where it was. The whole experiment takes one process some
two hours of one core:

    python examples/exploration.py --seeds 5 --steps 2000000 --out exploration
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SCENES = ("SimpleStatic", "SimpleDynamic", "ComplexStatic", "ComplexDynamic")
LEARNERS = ("ppo", "ppo-rnd", "ppo-count")
PUPIL = "ppo-dagger"
PLANNERS = ("a_star", "mppi", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one method reached in one scene, over its seeds.

    Attributes:
        scene: The scene.
        method: The learner or planner.
        success: Part of the evaluation episodes that reached the target, of each seed.
        first: Steps until training reached a target for the first time, of each seed; infinite if never.
        coverage: Part of the cells that a vehicle can be in that training has visited, of each seed.
        cpu_time: Processor seconds of each seed, evaluations included.
    """

    scene: str
    method: str
    success: tuple[float, ...]
    first: tuple[float, ...] = ()
    coverage: tuple[float, ...] = ()
    cpu_time: tuple[float, ...] = ()


def learn(scene, method, *, seeds, steps, settings, out, say):
    """Train one method in one scene and read its curves."""
    from gym_suite.learning import train
    from gym_suite.learning.records import outcomes
    from gym_suite.learning.settings import settings_for

    id = f"agv/{scene}-v0"
    folder = Path(out) / scene
    train(id, algo=method, seeds=seeds, steps=steps, settings=settings, out=folder, progress=say)
    found = outcomes(folder)[method]
    cells = reachable(id, settings_for(id, method, overrides=settings).cells)
    return Result(
        scene=scene,
        method=method,
        success=found.success,
        first=found.first_success,
        coverage=tuple(count / cells for count in found.coverage),
        cpu_time=found.cpu_time,
    )


def reachable(id, cells):
    """Return how many of the cells in which visits are counted a vehicle's centre can be in."""
    import gymnasium

    from gym_suite.agv.maps import clear
    from gym_suite.learning.novelty import Visits

    setup = gymnasium.make(id).get_wrapper_attr("setup")
    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    fine = 5  # parts of a map cell: walls are kept off by half a width, no whole number of cells
    grid = np.kron(setup.tables[0][0], np.ones((fine, fine), dtype=np.uint8))
    rows, columns = np.nonzero(clear(grid, p["cell"] / fine, 0.5 * p["width"]))
    x, y = ((k + 0.5) * p["cell"] / fine for k in (columns, rows))
    visits = Visits([-1.0, -1.0], [1.0, 1.0], cells)
    visits.add(np.column_stack([x - p["map_x"], y - p["map_y"]]) / p["scale_x"])
    return visits.coverage


def plan(scene, method, *, episodes):
    """Return how often a planner reaches the target on the learners' evaluation episodes."""
    import gym_suite
    from gym_suite.learning.evaluation import Evaluation

    evaluation = Evaluation(f"agv/{scene}-v0", episodes=episodes)
    score = evaluation.score(gym_suite.make_controller(evaluation.envs, method))
    evaluation.close()
    return Result(scene=scene, method=method, success=(score.success or 0.0,))


def table(results):
    """Return the results as a table: medians over seeds, with the least and the largest."""
    lines = [
        f"{'scene':15}{'method':10} {'success':22}{'first goal, steps':30}{'floor seen':22}CPU s"
    ]
    for r in results:
        spans = [_span(values) for values in (r.success, r.first, r.coverage, r.cpu_time)]
        lines.append(f"{r.scene:15}{r.method:10} {spans[0]:22}{spans[1]:30}{spans[2]:22}{spans[3]}")
    return "\n".join(lines)


def _span(values):
    if not values:
        return "-"
    low, middle, high = np.quantile(values, [0.0, 0.5, 1.0], method="nearest")
    return f"{middle:.3g}" if low == high else f"{middle:.3g} ({low:.3g} to {high:.3g})"


def main(
    scenes: tuple[str, ...] = ("SimpleStatic",),
    seeds: int = 1,
    steps: int = 8_192,
    episodes: int = 4,
    planners: tuple[str, ...] = ("a_star",),
    out: str = "exploration",
):
    """Run the experiment and return its results; by default a sliver of it."""
    whole = steps >= 100_000
    settings = {"evaluations": 10} if whole else {"evaluations": 1, "rows": 16}
    lessons = {} if whole else {"rounds": 2, "round_steps": 100, "fits": 20}
    results = []
    for scene in scenes:
        for method in (*LEARNERS, PUPIL):
            more = {"settings": settings | lessons} if method == PUPIL else {"settings": settings}
            budget = None if whole and method == PUPIL else steps  # its own is smaller
            results.append(
                learn(scene, method, seeds=seeds, steps=budget, out=out, say=print, **more)
            )
            print(table(results[-1:]), flush=True)
        results += [plan(scene, method, episodes=episodes) for method in planners]
    text = table(results)
    (Path(out) / "results.txt").write_text(text + "\n")
    print(text)
    return results


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scenes", nargs="+", default=SCENES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--planners", nargs="*", default=PLANNERS)
    parser.add_argument("--out", default="exploration")
    main(**vars(parser.parse_args()))
