"""One world of quadcopters: what the environments of all ids share."""

from __future__ import annotations

from types import MappingProxyType

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.core.options import OptionSet
from gym_suite.drones.envs.options import TASKS, Options, option_set
from gym_suite.drones.envs.setup import build


class DroneEnv(IdEnv):
    """One world. The task of each id says what its drones are to do."""

    facets = MappingProxyType({"task": tuple(TASKS)})

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments that the task takes."""
        return option_set(TASKS[cls.card.facets["task"]])

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup of this id for its options."""
        return build(cls.id, TASKS[cls.card.facets["task"]], cls.option_set(), options)
