"""One floor: what the environments of all ids share."""

from __future__ import annotations

from types import MappingProxyType

from gym_suite.agv.envs.options import ONE, SEVERAL, Options
from gym_suite.agv.envs.setup import build
from gym_suite.agv.maps.scenes import SCENES, read_scene
from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.core.options import OptionSet


class AGVEnv(IdEnv):
    """One floor. The scene of each id gives its defaults."""

    facets = MappingProxyType({"task": ("target", "dock", "fleet"), "scene": SCENES})

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments of this id, with its scene's as defaults."""
        taken = ONE if cls.card.agents == "one" else SEVERAL
        return taken.replaced(read_scene(cls.card.facets["scene"]))

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup of this id for its options."""
        return build(cls.id, options, several=cls.card.agents != "one")
