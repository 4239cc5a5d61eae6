"""The environments of the family: one class per id, whose docstring is the id's page."""

from gym_suite.motors.envs.base import MotorEnv
from gym_suite.motors.envs.options import TASKS, Options, Task, defaults
from gym_suite.motors.envs.pmsm import PMSMEnv, PMSMVectorEnv
from gym_suite.motors.envs.pmsm_drive_cycle import PMSMDriveCycleEnv, PMSMDriveCycleVectorEnv
from gym_suite.motors.envs.pmsm_speed import PMSMSpeedEnv, PMSMSpeedVectorEnv
from gym_suite.motors.envs.setup import configure, drive_cycle

__all__ = [
    "TASKS",
    "MotorEnv",
    "Options",
    "PMSMDriveCycleEnv",
    "PMSMDriveCycleVectorEnv",
    "PMSMEnv",
    "PMSMSpeedEnv",
    "PMSMSpeedVectorEnv",
    "PMSMVectorEnv",
    "Task",
    "configure",
    "defaults",
    "drive_cycle",
]
