"""How exactly our reference controllers follow the references of gym-electric-motor, beside its own controllers.

``moving/gem-errors.json`` is written by this script, never by hand, and takes some minutes::

    python docs/peer_errors.py

Its reference process is written anew here: a Wiener process of the current as a part of its limit, clipped at the
nominal current, whose standard deviation of a step is drawn between 1e-3 and 1e-1, evenly in its logarithm, for 500 to
2000 steps each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

import gym_suite
from gym_suite.motors.controllers.field_oriented import machine_of
from gym_suite.motors.counterparts import from_gem_id

FILE = Path(__file__).with_name("moving") / "gem-errors.json"
#: Control periods of an episode, and episodes.
STEPS, EPISODES = 5000, 10
#: Standard deviation of a step of the reference as a part of the limit, and steps for which one is kept.
SIGMA, KEPT = (1e-3, 1e-1), (500, 2000)

#: Mean absolute error of the controllers that its release 3.0.3 builds for its ids, as a part of the current's limit:
#: measured once over an episode of 5000 steps, seed 0, with its defaults.
PEER: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "Cont-CC-PermExDc-v0": {"i": 0.0487},
        "Cont-CC-SeriesDc-v0": {"i": 0.0652},
        "Cont-CC-ShuntDc-v0": {"i_a": 0.0259},
        "Cont-CC-ExtExDc-v0": {"i_a": 0.0611, "i_e": 0.0151},
        "Cont-CC-PMSM-v0": {"i_sd": 0.0154, "i_sq": 0.0090},
        "Cont-CC-SynRM-v0": {"i_sd": 0.0044, "i_sq": 0.0136},
        "Cont-CC-SCIM-v0": {"i_sd": 0.0061, "i_sq": 0.0255},
    }
)


def walk(bound: float, steps: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return a reference as a part of the limit, (steps,); see the module.

    Args:
        bound: Nominal current as a part of the limit.
        steps: Number of values.
        generator: What draws them.
    """
    values, value = np.empty(steps), generator.uniform(-bound, bound)
    left, sigma = 0, 0.0
    for k in range(steps):
        if left == 0:
            left = int(generator.integers(*KEPT))
            sigma = 10.0 ** generator.uniform(*np.log10(SIGMA))
        value = min(max(value + sigma * generator.normal(), -bound), bound)
        values[k] = value
        left -= 1
    return values


def errors(name: str, seed: int) -> tuple[dict[str, float], bool]:
    """Return the mean absolute error of each current as a part of its limit, and whether the drive tripped.

    An action is judged by the reference that was seen when it was chosen, as that release judges it.

    Args:
        name: An id of gym-electric-motor.
        seed: Of the reference and of the episode.
    """
    id, keywords = from_gem_id(name)
    bare: Any = gymnasium.make(id, **keywords).unwrapped
    machine: Any = machine_of(bare.nominal.parameters)
    generator, references = np.random.default_rng(seed), {}
    for tracked in bare.setup.tracking:
        limit = machine.currents[tracked.value]
        bound = getattr(machine, limit.replace("limit", "nominal")) / getattr(machine, limit)
        course = tracked.scale * walk(bound, STEPS + 1, generator)
        times = keywords["tau"] * np.arange(STEPS + 1)
        references[tracked.value] = {"table": np.column_stack((times, course)).tolist()}
    env = gymnasium.make(id, reference=references, max_episode_steps=STEPS, **keywords)
    controller = gym_suite.make_controller(env)
    observation, info = env.reset(seed=seed)
    state, ended, tripped, found = None, False, False, []
    while not ended:
        seen = info
        action, state = controller.predict(observation, state)
        observation, _, tripped, late, info = env.step(action)
        ended = tripped or late
        missed = [info[t.value] - seen[t.reference] for t in bare.setup.tracking]
        found.append(np.abs(missed) / [t.scale for t in bare.setup.tracking])
    means = np.mean(found, axis=0)
    return {t.value: float(e) for t, e in zip(bare.setup.tracking, means, strict=True)}, tripped


def judge(name: str) -> dict[str, Any]:
    """Return what is recorded of an id: each current's mean error over the episodes with the extremes, and trips."""
    episodes = [errors(name, seed) for seed in range(EPISODES)]
    ours = {}
    for current in episodes[0][0]:
        values = [found[current] for found, _ in episodes]
        told = float(np.mean(values)), min(values), max(values)
        ours[current] = [float(f"{value:.3g}") for value in told]
    return {"errors": ours, "trips": sum(tripped for _, tripped in episodes)}


def table() -> str:
    """Return a table in Markdown: of each id and current its error there and ours."""
    recorded = json.loads(FILE.read_text("utf-8"))
    rows = [
        "| id | current | its controller | ours | our least and largest |",
        "|---|---|---|---|---|",
    ]
    for name, told in recorded.items():
        for current, (mean, least, most) in told["errors"].items():
            theirs = f"{PEER[name][current]:.4f}"
            rows.append(
                f"| `{name}` | `{current}` | {theirs} | {mean:.4f} | {least:.4f} to {most:.4f} |"
            )
    trips = [f"{told['trips']} of `{name}`" for name, told in recorded.items() if told["trips"]]
    ended = f"Of our {EPISODES} episodes each, these ended in a trip: {', '.join(trips) or 'none'}."
    return "\n".join(rows) + f"\n\n{ended}\n"


def main() -> None:
    """Judge all ids and write the file."""
    recorded = {name: judge(name) for name in PEER}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(told)}" for name, told in recorded.items())
    FILE.write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
