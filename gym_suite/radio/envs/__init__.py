"""The environments of the family: one class per id, whose docstring is the id's page."""

from gym_suite.radio.envs.base import RadioEnv
from gym_suite.radio.envs.ids import (
    AccessEnv,
    AccessVectorEnv,
    AntiJammingEnv,
    AntiJammingVectorEnv,
    GilbertElliottEnv,
    GilbertElliottVectorEnv,
    JammingEnv,
    JammingVectorEnv,
)
from gym_suite.radio.envs.setup import Options, configure, keyword_names

__all__ = [
    "AccessEnv",
    "AccessVectorEnv",
    "AntiJammingEnv",
    "AntiJammingVectorEnv",
    "GilbertElliottEnv",
    "GilbertElliottVectorEnv",
    "JammingEnv",
    "JammingVectorEnv",
    "Options",
    "RadioEnv",
    "configure",
    "keyword_names",
]
