"""The environments of the family: one class per id, whose docstring is the id's page."""

from gym_suite.agv.envs.base import AGVEnv
from gym_suite.agv.envs.ids import (
    ComplexDynamicEnv,
    ComplexDynamicVectorEnv,
    ComplexStaticEnv,
    ComplexStaticVectorEnv,
    DockEnv,
    DockVectorEnv,
    FleetEnv,
    FleetParallelEnv,
    SimpleDynamicEnv,
    SimpleDynamicVectorEnv,
    SimpleStaticEnv,
    SimpleStaticVectorEnv,
)
from gym_suite.agv.envs.setup import Options, configure

__all__ = [
    "AGVEnv",
    "ComplexDynamicEnv",
    "ComplexDynamicVectorEnv",
    "ComplexStaticEnv",
    "ComplexStaticVectorEnv",
    "DockEnv",
    "DockVectorEnv",
    "FleetEnv",
    "FleetParallelEnv",
    "Options",
    "SimpleDynamicEnv",
    "SimpleDynamicVectorEnv",
    "SimpleStaticEnv",
    "SimpleStaticVectorEnv",
    "configure",
]
