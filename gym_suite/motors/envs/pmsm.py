"""The permanent-magnet synchronous machine: current control, speed control, a drive cycle."""

from __future__ import annotations

from gym_suite.motors.envs.base import MotorEnv, MotorVectorEnv


class PMSMEnv(MotorEnv):
    """Current control of a permanent-magnet synchronous machine, gem/PMSM-v0."""

    id = "gem/PMSM-v0"
    task = "current"


class PMSMVectorEnv(MotorVectorEnv):
    """Many :class:`PMSMEnv` in one compiled loop."""

    single = PMSMEnv


class PMSMSpeedEnv(MotorEnv):
    """Speed control of a permanent-magnet synchronous machine, gem/PMSM-Speed-v0."""

    id = "gem/PMSM-Speed-v0"
    task = "speed"


class PMSMSpeedVectorEnv(MotorVectorEnv):
    """Many :class:`PMSMSpeedEnv` in one compiled loop."""

    single = PMSMSpeedEnv


class PMSMDriveCycleEnv(MotorEnv):
    """An electric car follows a driving cycle, gem/PMSM-DriveCycle-v0."""

    id = "gem/PMSM-DriveCycle-v0"
    task = "drive_cycle"


class PMSMDriveCycleVectorEnv(MotorVectorEnv):
    """Many :class:`PMSMDriveCycleEnv` in one compiled loop."""

    single = PMSMDriveCycleEnv
