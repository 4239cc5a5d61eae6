"""One floor: what the environments of all ids share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gym_suite.agv.envs.setup import configure
from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv


class AGVEnv(IdEnv):
    """One floor. The class of each id gives its defaults and documents it.

    Keywords are the attributes of :class:`gym_suite.agv.envs.setup.Options`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, cls.defaults, **keywords)
