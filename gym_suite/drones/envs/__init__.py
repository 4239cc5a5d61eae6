"""The environments of the family: one class per id, whose docstring is the id's page."""

from gym_suite.drones.envs.base import DroneEnv
from gym_suite.drones.envs.formation import (
    FormationEnv,
    FormationParallelEnv,
    FormationVectorEnv,
)
from gym_suite.drones.envs.hover import HoverEnv, HoverVectorEnv
from gym_suite.drones.envs.multi_hover import (
    MultiHoverEnv,
    MultiHoverParallelEnv,
    MultiHoverVectorEnv,
)
from gym_suite.drones.envs.options import Options, defaults, keyword_names
from gym_suite.drones.envs.setup import configure
from gym_suite.drones.envs.track import TrackEnv, TrackVectorEnv

__all__ = [
    "DroneEnv",
    "FormationEnv",
    "FormationParallelEnv",
    "FormationVectorEnv",
    "HoverEnv",
    "HoverVectorEnv",
    "MultiHoverEnv",
    "MultiHoverParallelEnv",
    "MultiHoverVectorEnv",
    "Options",
    "TrackEnv",
    "TrackVectorEnv",
    "configure",
    "defaults",
    "keyword_names",
]
