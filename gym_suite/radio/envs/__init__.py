"""The environments of the family: one class per id, whose docstring is the id's page."""

from gym_suite.radio.envs.base import RadioEnv, RadioVectorEnv
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
from gym_suite.radio.envs.jamming_game import JammingGameEnv, JammingGameParallelEnv
from gym_suite.radio.envs.multi_access import MultiAccessEnv, MultiAccessParallelEnv
from gym_suite.radio.envs.setup import Options, configure, keyword_names

__all__ = [
    "AccessEnv",
    "AccessVectorEnv",
    "AntiJammingEnv",
    "AntiJammingVectorEnv",
    "GilbertElliottEnv",
    "GilbertElliottVectorEnv",
    "JammingEnv",
    "JammingGameEnv",
    "JammingGameParallelEnv",
    "JammingVectorEnv",
    "MultiAccessEnv",
    "MultiAccessParallelEnv",
    "Options",
    "RadioEnv",
    "RadioVectorEnv",
    "configure",
    "keyword_names",
]
