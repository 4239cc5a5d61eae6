"""What is measured besides the environments: open-loop simulation in both engines, Bullet's reset."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gymnasium
import numpy as np

from gym_suite.drones.bullet import has_bullet
from gym_suite.drones.simulation import simulate

FREQUENCY = 240


def cases() -> Iterator[tuple[str, int, Callable[[int], None]]]:
    """Yield (what is called, what one call counts for, the call) for :mod:`gym_suite.bench`."""
    for engine, drones, steps, effects in (
        ("bullet", 10, 10 * FREQUENCY, ("ground", "drag", "downwash")),
        ("compiled", 1000, FREQUENCY, ()),
        ("compiled", 80, FREQUENCY, ("ground", "drag", "downwash")),
    ):
        if engine == "bullet" and not has_bullet():
            continue
        told = " + ".join(effects) or "no effects"
        what = f"simulate, {engine}, {drones} drones, {told}"
        yield what, steps * drones, _flight(engine, drones, steps, effects)
    if not has_bullet():
        return
    world = gymnasium.make("drones/Hover-v0").unwrapped
    yield "reset, bullet, drones", 1, lambda _: world.reset() and None


def _flight(
    engine: str, drones: int, steps: int, effects: tuple[str, ...]
) -> Callable[[int], None]:
    """A free flight: drones rise and sink at places of their own in a grid, away from the floor."""
    side = int(np.ceil(np.sqrt(drones)))
    place = np.arange(drones)
    position = np.stack([place % side, place // side, np.full(drones, 100)], axis=1).astype(float)
    quaternion = np.tile([0.0, 0.0, 0.0, 1.0], (drones, 1))
    rng = np.random.default_rng(0)
    rpm = 14_600.0 + 200.0 * rng.standard_normal((steps, drones, 1)).repeat(4, axis=2)

    def call(_: int) -> None:
        simulate(
            "cf2x",
            rpm,
            engine=engine,
            aerodynamics=effects,
            dt=1.0 / FREQUENCY,
            position=position,
            quaternion=quaternion,
        )

    return call
