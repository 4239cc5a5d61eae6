"""One drive and many: what the environments of all ids share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.motors.envs.setup import configure


class MotorEnv(IdEnv):
    """One drive. The class of each id says which and documents it.

    A subclass names its id and its task, and may give the id defaults of its own, which a user's
    keywords, the attributes of :class:`gym_suite.motors.envs.options.Options`, override.
    """

    task: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, cls.task, **(dict(cls.defaults) | keywords))
