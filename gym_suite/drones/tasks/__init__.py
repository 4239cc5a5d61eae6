"""What drones are to do: reference, starting state, reward, end and observation; no physics.

One row is one world: after the physical columns of each drone come its target, its last actions and a count.
Hover holds a place; track follows a path that the time since reset and the episode's key decide; a formation
holds a ring of places about such a path, and may swap them.
"""

from gym_suite.drones.tasks.layout import (
    ACTIONS,
    OBSERVATION_BOUND,
    P_RATIO,
    PATHS,
    SCALES,
    TASK_PARAMETERS,
    TASKS,
)
from gym_suite.drones.tasks.loops import (
    advance_batch,
    begin_batch,
    finish_batch,
    forces_batch,
    observe_batch,
    reset_batch,
    step_batch,
)

__all__ = [
    "ACTIONS",
    "OBSERVATION_BOUND",
    "PATHS",
    "P_RATIO",
    "SCALES",
    "TASKS",
    "TASK_PARAMETERS",
    "advance_batch",
    "begin_batch",
    "finish_batch",
    "forces_batch",
    "observe_batch",
    "reset_batch",
    "step_batch",
]
