"""One world of quadcopters: what the environments of all ids share."""

from __future__ import annotations

from typing import Any, ClassVar

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.drones.envs.setup import configure


class DroneEnv(IdEnv):
    """One world. The class of each id names its task and documents it.

    Keywords are the attributes of :class:`gym_suite.drones.envs.options.Options`.
    """

    task: ClassVar[str]

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, cls.task, **keywords)
