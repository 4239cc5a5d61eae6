"""One world of quadcopters: what the environments of all ids share."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.core.options import OptionSet
from gym_suite.drones.envs.options import Options, option_set
from gym_suite.drones.envs.setup import build
from gym_suite.drones.envs.tasks import TASKS


class DroneEnv(IdEnv):
    """One world. The task of each id says what its drones are to do."""

    facets = MappingProxyType({"task": tuple(TASKS)})

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments that the task takes."""
        return option_set(TASKS[cls.card.facets["task"]])

    @classmethod
    def assumed(cls, keywords: Mapping[str, Any], worlds: int = 1) -> dict[str, Any]:
        """Return the keywords that hold where a user names no engine and PyBullet is not installed or too heavy.

        Args:
            keywords: What the user gave; pictures need PyBullet, so nothing is assumed for them.
            worlds: How many worlds there are to be.
        """
        given = {**cls.option_set().defaults, **keywords}
        sees = given.get("observation", "state")  # nobody takes pictures of what an autopilot flies
        if "engine" in keywords or (given["engine"], sees) != ("bullet", "state"):
            return {}
        from gym_suite.drones.bullet import MOST_WORLDS, has_bullet

        return {} if has_bullet() and worlds <= MOST_WORLDS else {"engine": "compiled"}

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup for a user's keywords, in the compiled engine where PyBullet is not installed."""
        assumed = cls.assumed(keywords)
        if assumed:
            warnings.warn(
                "PyBullet is not installed, so drones fly in the compiled engine, as with engine='compiled'",
                UserWarning,
                stacklevel=2,
            )
        return super().configure(**assumed, **keywords)

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup of this id for its options."""
        return build(cls.id, TASKS[cls.card.facets["task"]], cls.option_set(), options)
