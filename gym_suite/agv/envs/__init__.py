"""The environments of the family: one module per id, whose class's docstring is the id's page.

The four scenes and their step caps are those of a paper, all else is ours.
"""

from gym_suite.agv.envs.base import AGVEnv
from gym_suite.agv.envs.complex_dynamic import ComplexDynamicEnv, ComplexDynamicVectorEnv
from gym_suite.agv.envs.complex_static import ComplexStaticEnv, ComplexStaticVectorEnv
from gym_suite.agv.envs.dock import DockEnv, DockVectorEnv
from gym_suite.agv.envs.fleet import FleetEnv, FleetParallelEnv
from gym_suite.agv.envs.setup import Options, configure
from gym_suite.agv.envs.simple_dynamic import SimpleDynamicEnv, SimpleDynamicVectorEnv
from gym_suite.agv.envs.simple_static import SimpleStaticEnv, SimpleStaticVectorEnv

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
