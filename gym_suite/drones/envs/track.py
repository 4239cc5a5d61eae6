"""A quadcopter on a path, drones/Track-v0."""

from __future__ import annotations

from gym_suite.core.ids import IdVectorEnv
from gym_suite.drones.envs.base import DroneEnv


class TrackEnv(DroneEnv):
    """drones/Track-v0: follow a circle, a lemniscate, a helix or a table.

    ## Description

    A quadcopter follows a point that moves on a path about (0, 0, 1) m. Quadcopters of the Crazyflie 2.0 kind
    fly above a floor. The identified model has rotors with a lag of 72 ms, drag in the body's frame, ground
    effect and a bounded downwash; `model="bullet-parity"` is gym-pybullet-drones' physics instead, its damping
    and its one-step-old frame included.

    ## Action Space

    `Box(-1, 1, (4,), float32)`: rotor speeds relative to hovering, 1 + 0.4 a times the hover speed. Finite
    values outside are clipped and counted in `info["clipped"]`; NaN and infinity are refused.

    | Num | Name             | Meaning                   | Min | Max | SI value of 1 | Unit |
    |-----|------------------|---------------------------|-----|-----|---------------|------|
    | 0   | `action_rotor_0` | rotor 0 command; 0 hovers | -1  | 1   | 0.4           | 1    |
    | 1   | `action_rotor_1` | rotor 1 command; 0 hovers | -1  | 1   | 0.4           | 1    |
    | 2   | `action_rotor_2` | rotor 2 command; 0 hovers | -1  | 1   | 0.4           | 1    |
    | 3   | `action_rotor_3` | rotor 3 command; 0 hovers | -1  | 1   | 0.4           | 1    |

    `action="rates"`: collective thrust (1 + 0.8 a times the weight) and body rates; `"velocity"`: a velocity;
    `"position"`: a place relative to the target. Inner loops with the nominal model then command the rotors at
    the physics rate.

    ## Observation Space

    `Box(float32)` of shape (29,), of the end of the step:

    | Num | Name                    | Meaning                        | Min | Max | SI value of 1 | Unit  |
    |-----|-------------------------|--------------------------------|-----|-----|---------------|-------|
    | 0   | `error_x`               | target minus position x        | -5  | 5   | 1             | m     |
    | 1   | `error_y`               | target minus position y        | -5  | 5   | 1             | m     |
    | 2   | `error_z`               | target minus position z        | -5  | 5   | 1             | m     |
    | 3   | `velocity_x`            | velocity x                     | -5  | 5   | 2             | m/s   |
    | 4   | `velocity_y`            | velocity y                     | -5  | 5   | 2             | m/s   |
    | 5   | `velocity_z`            | velocity z                     | -5  | 5   | 2             | m/s   |
    | 6   | `rotation_xx`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 7   | `rotation_xy`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 8   | `rotation_xz`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 9   | `rotation_yx`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 10  | `rotation_yy`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 11  | `rotation_yz`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 12  | `rotation_zx`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 13  | `rotation_zy`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 14  | `rotation_zz`           | element of the rotation matrix | -1  | 1   | 1             | 1     |
    | 15  | `body_rate_x`           | body rate x                    | -5  | 5   | 10            | rad/s |
    | 16  | `body_rate_y`           | body rate y                    | -5  | 5   | 10            | rad/s |
    | 17  | `body_rate_z`           | body rate z                    | -5  | 5   | 10            | rad/s |
    | 18  | `height`                | height                         | -5  | 5   | 1             | m     |
    | 19  | `target_velocity_x`     | target velocity x              | -5  | 5   | 2             | m/s   |
    | 20  | `target_velocity_y`     | target velocity y              | -5  | 5   | 2             | m/s   |
    | 21  | `target_velocity_z`     | target velocity z              | -5  | 5   | 2             | m/s   |
    | 22  | `target_acceleration_x` | target acceleration x          | -5  | 5   | 10            | m/s^2 |
    | 23  | `target_acceleration_y` | target acceleration y          | -5  | 5   | 10            | m/s^2 |
    | 24  | `target_acceleration_z` | target acceleration z          | -5  | 5   | 10            | m/s^2 |
    | 25  | `last_action_rotor_0`   | action 1 periods ago           | -1  | 1   | 0.4           | 1     |
    | 26  | `last_action_rotor_1`   | action 1 periods ago           | -1  | 1   | 0.4           | 1     |
    | 27  | `last_action_rotor_2`   | action 1 periods ago           | -1  | 1   | 0.4           | 1     |
    | 28  | `last_action_rotor_3`   | action 1 periods ago           | -1  | 1   | 0.4           | 1     |

    `history=k` appends older actions. The accelerations of a table are 0.

    `observation=` takes "rgb", "depth" and "segmentation" from the on-board camera too, which needs
    `engine="bullet"`: alone, a picture; as a tuple with or without "state", a `Dict`. The camera stands at the
    front edge, looks ahead and rolls and pitches with the drone. A checkered floor and four posts are there to be
    seen and are never touched. `noise=` touches no picture.

    | Key            | Space                                     | Values                                    |
    |----------------|-------------------------------------------|-------------------------------------------|
    | `state`        | the columns above                         |                                           |
    | `rgb`          | `Box(0, 255, (height, width, 3), uint8)`  | colours                                   |
    | `depth`        | `Box(0, 20, (height, width, 1), float32)` | m along the camera's axis                 |
    | `segmentation` | `Box(0, 255, (height, width, 1), uint8)`  | 0 nothing, 1 floor, 2 post, 3 + j drone j |

    `info` holds SI values, without noise, of the same instant as the observation: the reward terms, and

    | Name              | Meaning                                          | Unit |
    |-------------------|--------------------------------------------------|------|
    | `violation`       | 1 if a drone crashed or left                     | 1    |
    | `clipped`         | elements of the action that were outside [-1, 1] | 1    |
    | `distance`        | of the drone farthest from its target            | m    |
    | `x`               | position x                                       | m    |
    | `y`               | position y                                       | m    |
    | `z`               | position z                                       | m    |
    | `target_x`        | target x                                         | m    |
    | `target_y`        | target y                                         | m    |
    | `target_z`        | target z                                         | m    |
    | `target_distance` | distance from the target                         | m    |
    | `speed`           | speed                                            | m/s  |
    | `command_0`       | rotor command                                    | rpm  |
    | `command_1`       | rotor command                                    | rpm  |
    | `command_2`       | rotor command                                    | rpm  |
    | `command_3`       | rotor command                                    | rpm  |

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term                | Formula                                                      | Weight |
    |---------------------|--------------------------------------------------------------|--------|
    | `reward_position`   | weight * max(1 - distance / error_scale, 0)                  | 1      |
    | `reward_rates`      | -weight * min(squared body rates / (10 rad/s)^2, 10)         | 0.02   |
    | `reward_effort`     | -weight * mean square of the action's elements               | 0      |
    | `reward_smoothness` | -weight * mean square of the change of the action's elements | 0      |
    | `reward_crash`      | -`penalty_crash` in the step that crashes or leaves, else 0  |        |

    A calm step at the target earns 1. The default `penalty_crash`, `1 + 480 (rates + effort + 4 smoothness)`
    with the weights of these names, makes an early end never pay in a calm flight.

    ## Starting State

    On the path, at a phase drawn per episode, with offset, velocity and attitude as `start_position`,
    `start_velocity` and `start_tilt` give.

    ## Episode End

    * Termination: a drone touches the floor or comes nearer to another one than two collision radii, or is
      farther than `bound` from its target.
    * Truncation: after 480 steps (8 s), `max_episode_steps` of `make`.

    ## Arguments

    | Name                | Default                           | Meaning                                            |
    |---------------------|-----------------------------------|----------------------------------------------------|
    | `render_mode`       | `None`                            | `None`, `"rgb_array"`, `"ansi"` or `"human"`       |
    | `vehicle`           | `"cf2x"`                          | "cf2x", "cf2p", mapping (with "base") or `Vehicle` |
    | `engine`            | `"bullet"`                        | `"bullet"` or `"compiled"`                         |
    | `model`             | `"identified"`                    | "identified", "bullet-parity", mapping or `Model`  |
    | `aerodynamics`      | `("ground", "drag", "downwash")`  | effects that are on                                |
    | `integrator`        | `"bullet"`                        | `"bullet"`, or `"rk4"` with the compiled engine    |
    | `physics_frequency` | `240`                             | physics steps a second, Hz                         |
    | `control_frequency` | `60`                              | actions a second, Hz; divides `physics_frequency`  |
    | `action`            | `"rotors"`                        | "rotors", "rates", "velocity" or "position"        |
    | `action_range`      | `None`                            | of an action; `None`: 0.4, 6 rad/s, 2 m/s, 0.5 m   |
    | `observation`       | `"state"`                         | "state", "rgb", "depth", "segmentation", or some   |
    | `image_size`        | `(64, 48)`                        | (width, height) of the pictures                    |
    | `field_of_view`     | `1.0`                             | vertical angle of view of the camera, rad          |
    | `history`           | `1`                               | last actions observed                              |
    | `path`              | `{"kind": "circle", "rise": 0.1}` | name or mapping with "kind", see below             |
    | `start_position`    | `0.1`                             | largest offset at reset along each axis, m         |
    | `start_velocity`    | `0.1`                             | largest velocity at reset along each axis, m/s     |
    | `start_tilt`        | `0.1`                             | largest tilt at reset about each axis, rad         |
    | `bound`             | `2.0`                             | distance from the target that ends the episode, m  |
    | `error_scale`       | `0.3`                             | distance that earns nothing, m                     |
    | `weights`           | `None`                            | mapping from terms to weights                      |
    | `penalty_crash`     | `None`                            | cost of a crash; `None`: see Rewards               |
    | `noise`             | `None`                            | of the measurements: of full scale, or SI by name  |
    | `mismatch`          | `None`                            | of the plant: a fraction, or factors by name       |
    | `delay`             | `0`                               | control periods by which actions are late          |
    | `disturbance`       | `None`                            | mapping from `force_x`, ... `_z` (N) to signals    |

    * `path`: "circle" (`size`: radius, `period`, `rise`: vertical amplitude), "lemniscate" (of Gerono; `size`:
      half-width), "helix" (`rise`: height of one round), or "table" (`table`: rows of time, x, y, z; linear
      between them, held after the last). A round begins where the episode's key says.
    * `engine="bullet"` holds at most 64 worlds in a process and needs PyBullet; `"compiled"` needs nothing.
      Neither ever stands in for the other.
    * With `model="bullet-parity"` nothing keeps a landed drone from rolling and creeping, as in the peer.

    ## Reference Controllers

    | Name        | What it is                                                      |
    |-------------|-----------------------------------------------------------------|
    | `geometric` | geometric control on SE(3) (Lee, Leok and McClamroch, CDC 2010) |
    | `lqr`       | LQR of the linearised plant, weights by Bryson's rule           |
    | `pid`       | the PID of gym-pybullet-drones, slower where rotors lag         |
    | `zero`      | hover thrust                                                    |
    | `random`    | uniform actions                                                 |
    | `ppo`       | learned by proximal policy optimization with engine="compiled"  |

    ## Parameters and Sources

    | Name                 | Value      | Unit      | Meaning                                   | Source |
    |----------------------|------------|-----------|-------------------------------------------|--------|
    | `mass`               | 0.027      | kg        | mass                                      | [1]    |
    | `i_xx`               | 1.4e-05    | kg m^2    | moment of inertia about x                 | [1]    |
    | `i_yy`               | 1.4e-05    | kg m^2    | moment of inertia about y                 | [1]    |
    | `i_zz`               | 2.17e-05   | kg m^2    | moment of inertia about z                 | [1]    |
    | `k_f`                | 3.16e-10   | N/rpm^2   | thrust constant                           | [1]    |
    | `k_m`                | 2.3384e-12 | N m/rpm^2 | torque constant                           | [2]    |
    | `lever`              | 0.028      | m         | rotor offset along x and y, or arm        | [1]    |
    | `layout`             | 0          | 1         | 0 x, 1 +                                  | [1]    |
    | `prop_radius`        | 0.0231348  | m         | propeller radius                          | [1]    |
    | `ground_coefficient` | 11.3686    | 1         | ground effect; 0 off                      | [1]    |
    | `drag_xy`            | 9.1785e-07 | N s^2/m   | rotor drag x, y; 0 off                    | [1]    |
    | `drag_z`             | 1.0311e-06 | N s^2/m   | rotor drag z; 0 off                       | [1]    |
    | `downwash_1`         | 2267.18    | N         | downwash strength; 0 off                  | [1]    |
    | `downwash_2`         | 0.16       | 1         | downwash spread                           | [1]    |
    | `downwash_3`         | -0.11      | m         | downwash width                            | [1]    |
    | `radius`             | 0.06       | m         | collision radius                          | [1]    |
    | `height`             | 0.025      | m         | collision height                          | [1]    |
    | `gravity`            | 9.80665    | m/s^2     | gravity                                   | [3]    |
    | `damping`            | 0          | 1/s       | artificial damping a = -d v (1 + speed)     | [4]    |
    | `motor_lag`          | 0.072      | s         | time constant of the rotors               | [5]    |
    | `friction`           | 0.5        | 1         | Coulomb friction of contacts              | [6]    |
    | `rolling_friction`   | 0.001      | m         | rolling friction                          | [7]    |
    | `spinning_friction`  | 0.001      | m         | spinning friction                         | [7]    |
    | `contact_sink`       | 0.0001     | m         | penetration of a resting drone (compiled) | [8]    |
    | `contact_damping`    | 1          | 1         | damping ratio of a contact (compiled)     | [8]    |

    [1] Bitcraze Crazyflie 2.0 as in gym-pybullet-drones 2.1.0 (Panerati et al., IROS 2021, arXiv:2103.02142),
    after Foerster, ETH Zurich 2015, and Luis and Le Ny, Polytechnique Montreal 2016
    [2] Crazyflie 2.x identification of crazyflow 0.1 (Schuck et al. 2025)
    [3] ISO 80000-3
    [4] none
    [5] Crazyflie of rotorpy 2.1.2 (Folk, Paulos and Kumar, arXiv:2306.04485)
    [6] Bullet 3.25 default
    [7] choice of this package: landed drones rest
    [8] choice of this package

    ## Version History

    * v0: first version.
    """

    id = "drones/Track-v0"
    task = "track"


class TrackVectorEnv(IdVectorEnv):
    """Many :class:`TrackEnv`."""

    single = TrackEnv
