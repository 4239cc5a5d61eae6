"""A walking target in a bay."""

from __future__ import annotations

from gym_suite.agv.envs.base import AGVEnv
from gym_suite.core.ids import IdVectorEnv


class SimpleDynamicEnv(AGVEnv):
    """agv/SimpleDynamic-v0: a walking target in a bay.

    ## Description

    A differential-drive vehicle with a lidar is to reach a target in a walled bay of 12 m x 11.5 m with one block in
    its middle. The target walks about.

    That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse
    reward and a cap of 2000 steps is Yin et al., "Random Network Distillation Based Deep Reinforcement Learning for
    AGV Path Planning", arXiv:2404.12594, of which only abstract and summaries could be read; map, vehicle, sensor,
    control period and all numbers are ours.

    * **Drive.** Two speed loops (first order, `lag`) move the wheels within limits of speed, acceleration, jerk and,
      with a payload, force. Over each of `substeps` sub-steps the pose follows the exact arc of the mean twist.
    * **Traction.** A wheel gives forces within a circle of radius mu times its load, along and across together; beyond
      that the vehicle slides (Coulomb), and `odometry_error` and slip let odometry drift away from the truth.
    * **Collision.** The vehicle is a box about its drive axle's centre; it, the cells of the map, other vehicles and
      moving obstacles (discs) are tested exactly after each sub-step (map) or period (the rest).
    * **Lidar.** Exact ranges from the vehicle's centre; beam j looks along theta + (j + 1/2) fov / beams - fov / 2.

    * **Target.** It walks straight on at `target_speed` and turns at random in front of walls. `moving_obstacles` adds
      discs that do the same, and stop short of the vehicle.

    ## Action Space

    `Box(-1, 1, (2,), float32)`: speed and yaw rate as parts of the limits; a command beyond what the wheels can do is
    shortened with its curvature kept. Finite values outside are clipped and counted in `info["clipped"]`; NaN and
    infinity are refused.

    | Num | Name    | Meaning  | Min | Max | SI value of 1 | Unit  |
    |-----|---------|----------|-----|-----|---------------|-------|
    | 0   | `v`     | speed    | -1  | 1   | 1             | m/s   |
    | 1   | `omega` | yaw rate | -1  | 1   | 1.5           | rad/s |

    With `action="wheels"` it is the speeds of the left and the right wheel, normalised by `wheel_limit`.

    ## Observation Space

    `Box(float32)` of shape (120,), of the end of the step:

    | Num   | Name                     | Meaning                                 | Min  | Max | SI value of 1 | Unit  |
    |-------|--------------------------|-----------------------------------------|------|-----|---------------|-------|
    | 0-107 | `lidar_0` to `lidar_107` | range of a beam, from the right rear on | 0    | 1   | 10            | m     |
    | 108   | `goal_distance`          | distance of the target                  | 0    | 1   | 16.6208       | m     |
    | 109   | `goal_cos`               | cosine of the target's bearing          | -1   | 1   | 1             | 1     |
    | 110   | `goal_sin`               | sine of the target's bearing            | -1   | 1   | 1             | 1     |
    | 111   | `v`                      | speed                                   | -1.5 | 1.5 | 1             | m/s   |
    | 112   | `omega`                  | yaw rate                                | -1.5 | 1.5 | 1.5           | rad/s |
    | 113   | `payload`                | payload                                 | 0    | 1   | 100           | kg    |
    | 114   | `last_0`                 | first element of the last action        | -1   | 1   | 1             | 1     |
    | 115   | `last_1`                 | second element of the last action       | -1   | 1   | 1             | 1     |
    | 116   | `pose_x`                 | position from the map's middle          | -1   | 1   | 6             | m     |
    | 117   | `pose_y`                 | position from the map's middle          | -1   | 1   | 6             | m     |
    | 118   | `heading_cos`            | cosine of the heading                   | -1   | 1   | 1             | 1     |
    | 119   | `heading_sin`            | sine of the heading                     | -1   | 1   | 1             | 1     |

    Several layouts (see `layout`) append `layout`, the number of the one that was drawn. `dock=True` appends
    `dock_cos` and `dock_sin`, the turn to the dock's heading. With `localization="odometry"` pose and bearing are
    those of odometry.

    `info` holds SI values, without noise, of the same instant as the observation: the reward terms, and

    | Name             | Meaning                                       | Unit  |
    |------------------|-----------------------------------------------|-------|
    | `arrived`        | vehicles that have arrived                    | 1     |
    | `violation`      | 1 if a vehicle hit something in this step     | 1     |
    | `clearance`      | least range seen, less half the width         | m     |
    | `goal_distance`  | distance to the target (mean over vehicles)   | m     |
    | `clipped`        | elements of the action outside [-1, 1]        | 1     |
    | `x`              | position of the drive axle's centre           | m     |
    | `y`              | position of the drive axle's centre           | m     |
    | `theta`          | heading                                       | rad   |
    | `v`              | speed along the heading                       | m/s   |
    | `omega`          | yaw rate                                      | rad/s |
    | `goal_x`         | target position                               | m     |
    | `goal_y`         | target position                               | m     |
    | `goal_theta`     | target heading, or where a moving target goes | rad   |
    | `payload`        | payload                                       | kg    |
    | `slip`           | speed of the wheels' contact over the floor   | m/s   |
    | `odometry_error` | distance of odometry from the truth           | m     |
    | `goal_angle`     | turn to the target's heading                  | rad   |

    ## Rewards

    The reward is the sum of the terms in `info`. The weights are those of `reward="sparse"` and `"dense"`:

    | Term                | Formula                                                            | Weight | Dense  |
    |---------------------|--------------------------------------------------------------------|--------|--------|
    | `reward_goal`       | 1 in the step in which the target is reached                       |        |        |
    | `reward_collision`  | -1 in the step in which the vehicle hits something                 |        |        |
    | `reward_progress`   | weight * (distance to the target before the step - after it), in m | 0      | 0.05   |
    | `reward_clearance`  | -weight * max(0, 1 - clearance / 0.5 m)                            | 0      | 0.002  |
    | `reward_smoothness` | -weight * squared change of the action                             | 0      | 0.0005 |
    | `reward_time`       | -weight                                                            | 0      | 0.0005 |

    Progress counts as the crow flies, so in a trap it pays to leave the straight line only later.

    How sparse that is (200 episodes, means; `python -m gym_suite.agv.sparsity`):

    | Figure              | Value   | Unit | Meaning                                                                  |
    |---------------------|---------|------|--------------------------------------------------------------------------|
    | `straight`          | 6.741   | m    | start to target as the crow flies                                        |
    | `way`               | 6.559   | m    | a short way with room to turn, up to the target's radius                 |
    | `time`              | 6.892   | s    | for that way at the limits of speed and acceleration, without bends      |
    | `random_success`    | 0.16    | 1    | part of the episodes in which uniformly random actions reach the target  |
    | `random_collision`  | 0.795   | 1    | part of those that end in a collision                                    |
    | `random_length`     | 659.7   | 1    | steps of an episode of theirs                                            |
    | `random_coverage`   | 0.03349 | 1    | part of the cells in which the vehicle could turn that they visit in one |
    | `reference_success` | 1       | 1    | part of the episodes in which `a_star` reaches the target                |
    | `reference_time`    | 8.461   | s    | time that it takes then                                                  |

    A discount of 0.99 leaves 0.99^2000 = 2e-9 of a reward that is 2000 steps away. What learns it nevertheless, and
    what does not: the shipped trainings (`gym-suite train ID --algo METHOD`), five a method, medians with the least and
    the largest. Targets are those reached in 20 episodes at the end, floor is the part of the cells that a vehicle can
    be in; `ppo-dagger` imitates `a_star` first, whose driving in the first round counts for its last columns.

    | Method       | Steps | Targets, %      | First one, steps        | Floor, %      | CPU, s         |
    |--------------|-------|-----------------|-------------------------|---------------|----------------|
    | `ppo`        | 2.0 M | 95 (65 to 100)  | 7,616 (6,016 to 23,488) | 95 (94 to 96) | 75 (58 to 82)  |
    | `ppo-rnd`    | 2.0 M | 100 (90 to 100) | 7,616 (6,016 to 19,584) | 94 (94 to 98) | 97 (88 to 112) |
    | `ppo-count`  | 2.0 M | 100 (90 to 100) | 7,488 (5,760 to 22,016) | 98 (97 to 99) | 91 (88 to 103) |
    | `ppo-dagger` | 0.5 M | 100             | 2,688 (2,560 to 3,008)  | 91 (90 to 91) | 31 (27 to 37)  |

    A target that walks comes by of itself, to a third of the vehicles that stand still: here plain PPO is nearly as
    good as with a bonus.

    ## Starting State

    Start and target are drawn from the cells in which the vehicle can turn, the target at least `least_distance` away;
    a heading and a payload. The vehicle stands.

    `reset(options={"state": {"theta": 1.0}})` overwrites columns of the drawn state (SI;
    `env.unwrapped.setup.state_columns` names them).

    ## Episode End

    * Termination: the vehicle is within `goal_radius` of the target, or hits something.
    * Truncation: after 2000 steps of `dt`.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name               | Default      | Meaning                                                               |
    |--------------------|--------------|-----------------------------------------------------------------------|
    | `render_mode`      | `None`       | `None`, `"rgb_array"` or `"human"`                                    |
    | `vehicle`          | `"MiR100"`   | "MiR100", "MiR250", "MP-500", mapping of overrides, or `Vehicle`      |
    | `lidar`            | `None`       | beams, mapping of overrides, or `Lidar`; `None`: 108 beams            |
    | `layout`           | `"simple"`   | map, see below                                                        |
    | `cell`             | `0.5`        | size of a map cell, m                                                 |
    | `starts`           | `None`       | poses (x, y, heading) from which starts are drawn; `None`: the map's  |
    | `goals`            | `None`       | poses from which targets are drawn; `None`: the map's                 |
    | `least_distance`   | `4.0`        | least distance from start to target, m                                |
    | `moving_target`    | `True`       | whether targets walk about                                            |
    | `moving_obstacles` | `0`          | number of obstacles that walk about; `True`: 4                        |
    | `obstacle_radius`  | `0.3`        | their radius, m                                                       |
    | `obstacle_speed`   | `0.4`        | their speed, m/s                                                      |
    | `target_speed`     | `0.3`        | speed of a moving target, m/s                                         |
    | `goal_radius`      | `0.5`        | distance at which a target counts as reached, m                       |
    | `dock`             | `False`      | whether targets are poses to be reached within tolerances             |
    | `goal_angle`       | `0.05`       | heading error allowed at a dock, rad                                  |
    | `goal_speed`       | `0.05`       | sum of speed (m/s) and yaw rate (rad/s) allowed at a dock             |
    | `payload`          | `None`       | number or (lowest, highest) drawn, kg; `None`: up to the limit        |
    | `action`           | `"twist"`    | "twist" (speed, yaw rate) or "wheels" (left, right)                   |
    | `localization`     | `"truth"`    | "truth" or "odometry": how observations know the pose                 |
    | `reward`           | `"sparse"`   | "sparse" or "dense"                                                   |
    | `weights`          | `None`       | mapping from `progress`, `clearance`, `smoothness`, `time` to weights |
    | `dt`               | `0.1`        | control period, s                                                     |
    | `substeps`         | `4`          | steps of the physics in a control period                              |
    | `engine`           | `"compiled"` | "compiled"                                                            |
    | `noise`            | `None`       | of the measurements, see below                                        |
    | `mismatch`         | `None`       | departure of the plant from nominal, see below                        |
    | `delay`            | `0`          | control periods by which actions are late                             |
    | `disturbance`      | `None`       | mapping from channel to signal, see below                             |

    * `layout`: a name ("simple", "complex", "u_trap", "bug_trap", "docks", "warehouse", "warehouse-10-20-10-2-1",
      "procedural"), a drawing of several lines, the path of a MovingAI file (`*.map`), a `gym_suite.agv.maps.Layout`,
      or a mapping with the kind under "kind": "ascii" and "text", "moving_ai" and "path", "racks" and numbers,
      "procedural" and "seeds". A map without a free way is refused, naming the cell.
    * A signal is a number, a mapping of attributes of `gym_suite.core.signals.Signal` such as `{"kind": "sine",
      "amplitude": 0.1, "period": 2.0}`, or a `Signal`; its time counts from the reset.
    * `noise`: standard deviation of white Gaussian noise, as a fraction of full scale (the SI value of 1) for all
      measurements or as a mapping from name to SI value, added to the observed ranges, `v` and `omega`, never to
      `info` or the reward. The lidar has noise and drop-out of its own besides (`lidar={"noise": 0.01, "dropout":
      0.02}`).
    * `mismatch` multiplies parameters of the plant: a fraction s draws a factor from [1 - s, 1 + s] at each reset for
      every one of mass, acceleration, deceleration, alpha, lag, drive_force and mu; a mapping gives factors or
      (lowest, highest) by name. Controllers see nominal values.
    * `disturbance`: signals for `v` (m/s) and `omega` (rad/s), added to what is asked of the drives.

    ## Reference Controllers

    | Name         | What it is                                                                 |
    |--------------|----------------------------------------------------------------------------|
    | `a_star`     | A* on the map and what the lidar sees besides, with regulated pure pursuit |
    | `dwa`        | dynamic window approach along the same way                                 |
    | `mppi`       | model predictive path integral control with the compiled model             |
    | `zero`       | stand still                                                                |
    | `random`     | uniform actions                                                            |
    | `ppo`        | learned by proximal policy optimization                                    |
    | `ppo-rnd`    | the same with random network distillation as a bonus for what is new       |
    | `ppo-count`  | the same with a bonus for states that were visited seldom, counted exactly |
    | `ppo-dagger` | the same after imitation of `a_star`                                       |

    ## Parameters and Sources

    | Name             | Value   | Unit    | Meaning                                                     | Source |
    |------------------|---------|---------|-------------------------------------------------------------|--------|
    | `length`         | 0.89    | m       | length                                                      | [1]    |
    | `width`          | 0.58    | m       | width                                                       | [1]    |
    | `wheel_radius`   | 0.0625  | m       | drive wheel radius                                          | [2]    |
    | `half_track`     | 0.2226  | m       | half the distance of the drive wheels                       | [2]    |
    | `mass`           | 77      | kg      | mass                                                        | [2]    |
    | `payload_limit`  | 100     | kg      | largest payload                                             | [1]    |
    | `v_limit`        | 1       | m/s     | highest speed                                               | [2]    |
    | `omega_limit`    | 1.5     | rad/s   | highest yaw rate                                            | [2]    |
    | `wheel_limit`    | 24      | rad/s   | highest wheel speed                                         | [3]    |
    | `acceleration`   | 1.5     | m/s^2   | highest acceleration                                        | [2]    |
    | `deceleration`   | 2       | m/s^2   | highest deceleration                                        | [2]    |
    | `alpha`          | 2       | rad/s^2 | highest yaw acceleration                                    | [2]    |
    | `jerk`           | 30      | m/s^3   | highest jerk (0: no limit)                                  | [3]    |
    | `lag`            | 0.05    | s       | time constant of the speed loop                             | [3]    |
    | `drive_force`    | 180     | N       | largest force of the drive                                  | [3]    |
    | `mu`             | 0.6     | 1       | friction of the drive wheels on the floor                   | [3]    |
    | `drive_share`    | 0.5     | 1       | part of the weight on the drive wheels                      | [3]    |
    | `odometry_error` | 0.01    | 1       | largest relative error of wheel radii and track in odometry | [4]    |
    | `lidar_beams`    | 108     | 1       | beams                                                       | [3]    |
    | `lidar_fov`      | 6.28319 | rad     | field of view                                               | [5]    |
    | `lidar_range`    | 10      | m       | largest range                                               | [3]    |
    | `lidar_noise`    | 0       | m       | standard deviation of a range                               | [6]    |
    | `lidar_dropout`  | 0       | 1       | probability that a beam reports its largest range           | [3]    |

    * [1] manufacturer's data sheet, quoted from memory and not checked again
    * [2] DFKI-NI/mir_robot, mir_description and mir_navigation
    * [3] ours: no published figure
    * [4] order of magnitude of Borenstein, Feng, IEEE Trans. Robot. Autom. 12(6), 1996
    * [5] two scanners at opposite corners see all around; DFKI-NI/mir_robot, mir_description and mir_navigation
    * [6] 0.01 m in DFKI-NI/mir_robot, mir_description and mir_navigation; off by default

    The vehicle is a MiR100 as far as its published description goes. Its size and payload are quoted from memory and
    could not be confirmed at the manufacturer; what is marked as ours is a plausible figure, not a measured one. Do
    not take either for a data sheet.

    ## Version History

    * v0: first version
    """

    id = "agv/SimpleDynamic-v0"
    defaults = {"layout": "simple", "moving_target": True}  # noqa: RUF012 - ClassVar[Mapping] in the base


class SimpleDynamicVectorEnv(IdVectorEnv):
    """Many :class:`SimpleDynamicEnv` in one compiled loop; the same keywords."""

    single = SimpleDynamicEnv
