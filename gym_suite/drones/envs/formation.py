"""Quadcopters in formation, drones/Formation-v0."""

from __future__ import annotations

from gym_suite.core.ids import IdParallelEnv, IdVectorEnv
from gym_suite.drones.envs.base import DroneEnv


class FormationEnv(DroneEnv):
    """drones/Formation-v0: quadcopters fly in a ring and swap places."""

    id = "drones/Formation-v0"
    task = "formation"


class FormationVectorEnv(IdVectorEnv):
    """Many :class:`FormationEnv`."""

    single = FormationEnv


class FormationParallelEnv(IdParallelEnv):
    """:class:`FormationEnv` as a PettingZoo ParallelEnv."""

    single = FormationEnv
