"""How exactly the controllers of gym-electric-motor follow references of its own process, recorded for comparison.

``moving/gem-runs.json`` is written by this script, never by hand, in a Python of its own, since that release wants an
older NumPy than we do::

    python -m venv peer
    peer/bin/pip install gym-electric-motor==3.0.3 numpy==1.26.4 "gymnasium<1.1" control-block-diagram ipython
    peer/bin/python docs/peer_runs.py

Its environments and controllers have their defaults, the induction machine the flux observer that its controller needs.
What its references are, bounds, steps and limits, is read from it. An action is judged by the reference that was seen
when it was chosen, as it judges it itself. A trip ends an episode.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import gem_controllers  # pyright: ignore[reportMissingImports]
import gym_electric_motor  # pyright: ignore[reportMissingImports]
import numpy as np
from gym_electric_motor.physical_system_wrappers import FluxObserver  # pyright: ignore[reportMissingImports]
from gym_electric_motor.reference_generators import (  # pyright: ignore[reportMissingImports]
    MultipleReferenceGenerator,
    SubepisodedReferenceGenerator,
)
from peer_walks import EPISODES, NAMES, STEPS, courses

FILE = Path(__file__).with_name("moving") / "gem-runs.json"


class Recorded(SubepisodedReferenceGenerator):
    """A reference that is given."""

    def __init__(self, quantity: str) -> None:
        super().__init__(reference_state=quantity, episode_lengths=(STEPS + 1, STEPS + 1))
        self.course = np.zeros(STEPS + 1)

    def _reset_reference(self) -> None:
        self._reference = self.course


def build(name: str, **more: Any) -> Any:
    """Return its environment, without a window."""
    if "SCIM" in name:
        more["physical_system_wrappers"] = (FluxObserver(),)
    return gym_electric_motor.make(name, visualization=(), **more).unwrapped


def process(name: str) -> list[dict[str, Any]]:
    """Return what it follows by default: quantity, limit (SI), bounds and steps as parts of the limit."""
    env = build(name)
    whole = env.reference_generator
    own = whole._sub_generators if isinstance(whole, MultipleReferenceGenerator) else [whole]
    system = env.physical_system
    return [
        {
            "quantity": part.reference_names[0],
            "limit": float(system.limits[system.state_positions[part.reference_names[0]]]),
            "bounds": [float(bound) for bound in part._limit_margin],
            "sigma": [float(bound) for bound in part._sigma_range],
        }
        for part in own
    ]


def episode(name: str, followed: list[dict[str, Any]], seed: int) -> tuple[list[float], int]:
    """Return the mean absolute error of each quantity as a part of its limit, and the periods until its end."""
    parts = [Recorded(item["quantity"]) for item in followed]
    env = build(name, reference_generator=MultipleReferenceGenerator(parts))
    circle = followed[0]["quantity"] == "i_sd"
    given = courses(
        [item["bounds"] for item in followed], [item["sigma"] for item in followed], circle, seed
    )
    for part, course in zip(parts, given):  # noqa: B905 - of one length
        part.course = course
    law = gem_controllers.GemController.make(env, name, block_diagram=False, plot_references=False)
    (state, seen), _ = env.reset(seed=seed)
    law.reset()
    places = [env.physical_system.state_positions[item["quantity"]] for item in followed]
    total, steps, ended = np.zeros(len(places)), 0, False
    while steps < STEPS and not ended:
        (state, ahead), _, ended, _, _ = env.step(law.control(state, seen))
        total += np.abs(state[places] - seen)
        seen, steps = ahead, steps + 1
    return [float(value) for value in total / steps], steps


def main() -> None:
    """Judge all ids and write the file."""
    lines = []
    for name in NAMES:
        followed = process(name)
        found = [episode(name, followed, seed) for seed in range(EPISODES)]
        for k, item in enumerate(followed):
            item["errors"] = [float(f"{errors[k]:.4g}") for errors, _ in found]
        told = {"followed": followed, "steps": [steps for _, steps in found]}
        assert all(math.isfinite(error) for errors, _ in found for error in errors), name
        lines.append(f"{json.dumps(name)}: {json.dumps(told)}")
        print(lines[-1], flush=True)
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
