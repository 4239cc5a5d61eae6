"""An electric car with a permanent-magnet synchronous machine follows a driving cycle."""

from __future__ import annotations

from gym_suite.core.ids import IdVectorEnv
from gym_suite.motors.envs.base import MotorEnv


class PMSMDriveCycleEnv(MotorEnv):
    """gem/PMSM-DriveCycle-v0: an electric car follows the driving cycle WLTC class 3b.

    ## Description

    A permanent-magnet synchronous machine drives a car through one reduction gear. Every 10 ms the agent commands a
    torque, so that the car follows a window of the WLTC class 3b, the speed profile of the worldwide light-vehicle
    test procedure (1800 s, 23.27 km, up to 131.3 km/h; 1 Hz, linear between). The road is level, the gear rigid and
    without losses, and only the machine brakes.

        l_d di_sd/dt = u_sd - r_s i_sd + omega_e l_q i_sq
        l_q di_sq/dt = u_sq - r_s i_sq - omega_e (l_d i_sd + psi_p)
        d epsilon/dt = omega_e,   omega_e = p omega
        torque = 3/2 p (psi_p + (l_d - l_q) i_sd) i_sq
        (j_rotor + mass lever^2) domega/dt = torque - lever (mass gravity c_r sign(v) + rho/2 c_d area v abs(v))
        v = lever omega,   lever = wheel_radius / gear_ratio

    Transformations are amplitude-invariant: the length of a space vector is the phase amplitude. Rolling resistance
    grows linearly up to 0.1 m/s.

    At the beginning of a step maximum torque per ampere and field weakening, within 90 % of `i_limit` and 95 % of
    `u_dc/sqrt(3)`, turn the torque into current references at the present speed; an inner PI current controller with
    decoupling (gains by the magnitude optimum) follows them every `tau` with the nominal machine parameters and the
    true DC-link voltage.

    * **Hold.** The inverter (averaged, ideal supply) holds the *stator* voltage over each period `tau`, so in the
      rotor's frame the voltage turns backwards by `omega_e tau`. The integrator (classical Runge-Kutta, `substeps`
      per period) sees that turn.
    * **Dead time.** With `dead_time=True` a voltage command of the inner controller acts one period late, as in real
      drives; the voltage that acts in the first period of an episode is zero.
    * **Angle advance.** A dq voltage is turned into the stator's frame by `epsilon + 1.5 omega_e tau` (`0.5 omega_e
      tau` without dead time): where the rotor is in the middle of the period in which the voltage acts.
    * **Hexagon.** A voltage beyond the inverter's hexagon (corners `2/3 u_dc`, inscribed circle `u_dc/sqrt(3)`) is
      shortened to it with its direction kept.

    ## Action Space

    `Box(-1, 1, (1,), float32)`: a torque, normalised by the largest that 90 % of `i_limit` gives. Finite values
    outside are clipped and counted in `info["clipped"]`; NaN and infinity are refused.

    | Num | Name            | Meaning        | Min | Max | SI value of 1 | Unit |
    |-----|-----------------|----------------|-----|-----|---------------|------|
    | 0   | `action_torque` | torque command | -1  | 1   | 182.249       | N m  |

    With `control="voltage"` the agent commands the stator voltage every `tau` instead, without inner controller:
    `action_d`, `action_q` normalised by `u_dc/sqrt(3)`, or with `frame="abc"` three phase voltages normalised by
    `u_dc/2`. A step is then 0.1 ms, and the window takes 600,000.

    ## Observation Space

    `Box(float32)` of shape (6,), of the end of the step:

    | Num | Name                 | Meaning               | Min  | Max | SI value of 1 | Unit  |
    |-----|----------------------|-----------------------|------|-----|---------------|-------|
    | 0   | `i_sd`               | d current             | -1.5 | 1.5 | 288           | A     |
    | 1   | `i_sq`               | q current             | -1.5 | 1.5 | 288           | A     |
    | 2   | `omega`              | mechanical speed      | -1.5 | 1.5 | 628.319       | rad/s |
    | 3   | `last_action_torque` | last action           | -1   | 1   | 182.249       | N m   |
    | 4   | `error`              | reference minus value | -1.5 | 1.5 | 5             | m/s   |
    | 5   | `v_ref`              | reference             | -1.5 | 1.5 | 38.4461       | m/s   |

    `preview=k` appends `v_ref_1`, `v_ref_2`, ...: the profile `preview_interval`, twice that, ... ahead, also beyond
    the window. `control="voltage"` puts `sin_epsilon` and `cos_epsilon` behind `omega`.

    `info` holds SI values, without noise, of the same instant as the observation: the reward terms, and

    | Name          | Meaning                                          | Unit  |
    |---------------|--------------------------------------------------|-------|
    | `omega`       | mechanical speed                                 | rad/s |
    | `i_sd`        | d current                                        | A     |
    | `i_sq`        | q current                                        | A     |
    | `epsilon`     | electrical angle                                 | rad   |
    | `torque`      | air-gap torque                                   | N m   |
    | `torque_load` | load torque                                      | N m   |
    | `u_sd`        | d voltage in the middle of the last period       | V     |
    | `u_sq`        | q voltage in the middle of the last period       | V     |
    | `violation`   | 1 if the current limit is exceeded               | 1     |
    | `clipped`     | elements of the action that were outside [-1, 1] | 1     |
    | `v_ref`       | reference at the same instant                    | m/s   |
    | `v`           | vehicle speed                                    | m/s   |
    | `torque_ref`  | torque command                                   | N m   |
    | `i_sd_ref`    | reference of the inner d controller              | A     |
    | `i_sq_ref`    | reference of the inner q controller              | A     |

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term                | Formula                                                            | Weight |
    |---------------------|--------------------------------------------------------------------|--------|
    | `reward_v`          | weight * (1 - min(abs(v_ref - v) / error_scale, 1)^error_exponent) | 1      |
    | `reward_loss`       | -weight * (i_sd^2 + i_sq^2) / i_limit^2                            | 0      |
    | `reward_effort`     | -weight * mean square of the action's elements                     | 0      |
    | `reward_smoothness` | -weight * mean square of the change of the action's elements       | 0      |
    | `reward_trip`       | -`penalty_trip` in the step that trips, else 0                     |        |

    `error_scale` is 5 m/s; the exponent 0.5 lets small errors matter. Values and references are those of the end of
    the step, which `info` and the returned observation show: the profile at the time to which the step has led.

    A perfect step earns 1. An early end never pays: the tracking terms are never negative, so an end forfeits what
    they would still earn (weights are never negative), and the default `penalty_trip`, `1 + steps (loss + effort + 4
    smoothness)` with the weights of these names and the steps of an episode, exceeds all that the other terms can
    cost until the end of the episode. A `penalty_trip` below that cost is refused.

    ## Starting State

    The window begins at a time uniform in [0, 1800 s - window], or at `start`. The car has the profile's speed of
    that time, the currents are zero, and the electrical angle is uniform in [-pi, pi).

    `reset(options={"state": {"omega": 0.0}})` overwrites columns of the drawn state (SI;
    `env.unwrapped.setup.state_columns` names them); for a window that begins elsewhere give `start` to `make`, so
    that speed and reference agree.

    ## Episode End

    * Termination: the amplitude of the current exceeds `i_limit` at the end of a step (a trip); between two steps it
      is not looked at.
    * Truncation: at the end of the window, 6000 steps.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name               | Default             | Meaning                                                     |
    |--------------------|---------------------|-------------------------------------------------------------|
    | `render_mode`      | `None`              | `None`, `"rgb_array"`, `"ansi"` or `"human"`                |
    | `machine`          | `"HSM16.17.12-C01"` | name of a set, mapping or `PMSM`, see below                 |
    | `load`             | `"vehicle"`         | mapping of overrides or `Vehicle`                           |
    | `control`          | `"torque"`          | what an action commands: `"torque"` or `"voltage"`          |
    | `frame`            | `"dq"`              | frame of a voltage action: `"dq"` or `"abc"`                |
    | `tau`              | `1e-4`              | period of the inverter and of the inner controller, s       |
    | `control_period`   | `0.01`              | of torque commands, a whole number of `tau`, s              |
    | `substeps`         | `1`                 | Runge-Kutta steps per period of the inverter                |
    | `dead_time`        | `True`              | whether a voltage command acts one period late              |
    | `window`           | `60.0`              | length of the window, s, or `"full"`: 180,000 steps         |
    | `start`            | `None`              | where the window begins, s; `None`: drawn at each reset     |
    | `preview`          | `0`                 | number of future references observed                        |
    | `preview_interval` | `None`              | time between them, s; `None`: one step                      |
    | `weights`          | `None`              | mapping from `v`, `loss`, `effort`, `smoothness` to weights |
    | `error_scale`      | `None`              | error that earns nothing, m/s; `None`: 5                    |
    | `error_exponent`   | `0.5`               | exponent of the normalised error                            |
    | `penalty_trip`     | `None`              | cost of a trip; `None`: see Rewards                         |
    | `noise`            | `None`              | of the measurements, see below                              |
    | `mismatch`         | `None`              | departure of the plant from nominal, see below              |
    | `delay`            | `0`                 | steps by which actions are late, on top of the dead time    |
    | `disturbance`      | `None`              | mapping from channel to signal, see below                   |

    * `machine`: "PMSM" or "HSM16.17.12-C01", a `gym_suite.motors.parameters.PMSM`, or a mapping of overrides, which
      departs from "PMSM" unless it names another set under "base".
    * `load`: a mapping such as `{"mass": 1500.0}` or a `gym_suite.motors.parameters.Vehicle`; other kinds are
      refused.
    * A signal is a number, a mapping of attributes of `gym_suite.core.signals.Signal` such as `{"kind": "sine",
      "amplitude": 5.0, "period": 0.1}`, or a `Signal`; its time counts from the reset.
    * `noise`: standard deviation of white Gaussian noise, as a fraction of full scale (the SI value of 1) for all
      measurements or as a mapping from name to SI value. It is added to the observed `i_sd`, `i_sq`, `omega` and
      `error`, each with its own draw, never to `info` or the reward; the inner controller's two current sensors have
      the noise of `i_sd`.
    * `mismatch` multiplies parameters of the plant: a fraction s draws a factor from [1 - s, 1 + s] at each reset for
      every one of r_s, l_d, l_q, psi_p, j_rotor, a, b, c, j_load, mass, c_r, c_d, area and u_dc; a mapping gives
      factors or (lowest, highest) by name. Controllers see nominal values. The inner controller knows the true u_dc
      and otherwise the nominal machine.
    * `delay`: the first actions to arrive are zero; last action, effort and smoothness are of the action that
      arrives.
    * `disturbance`: signals for `torque_load` (N m on the machine's shaft, on top of the load's own), `u_sd` and
      `u_sq` (V, added to the inverter's voltage in the rotor's frame at the beginning of each period and then held
      with it).

    ## Reference Controllers

    | Name     | What it is                                                                                     |
    |----------|------------------------------------------------------------------------------------------------|
    | `pi`     | PI speed control (symmetrical optimum, Kessler 1958) with the nominal shaft torque fed forward |
    | `zero`   | zero torque: the car coasts                                                                    |
    | `random` | uniform actions                                                                                |
    | `ppo`    | learned by proximal policy optimization                                                        |

    ## Parameters and Sources

    | Name            | Value     | Unit   | Meaning                                      | Source |
    |-----------------|-----------|--------|----------------------------------------------|--------|
    | `p`             | 3         | 1      | pole pairs                                   | [1]    |
    | `r_s`           | 17.932e-3 | Ohm    | stator resistance                            | [1]    |
    | `l_d`           | 0.37e-3   | H      | d inductance                                 | [1]    |
    | `l_q`           | 1.2e-3    | H      | q inductance                                 | [1]    |
    | `psi_p`         | 65.65e-3  | Vs     | magnet flux                                  | [1]    |
    | `j_rotor`       | 0.03883   | kg m^2 | rotor inertia                                | [2]    |
    | `i_nominal`     | 240       | A      | nominal current (amplitude)                  | [1]    |
    | `i_limit`       | 288       | A      | current at which the drive trips (amplitude) | [1]    |
    | `omega_nominal` | 628.319   | rad/s  | nominal speed                                | [1]    |
    | `omega_limit`   | 628.319   | rad/s  | highest speed                                | [1]    |
    | `u_dc`          | 350       | V      | DC-link voltage                              | [1]    |
    | `mass`          | 1270      | kg     | vehicle mass                                 | [3]    |
    | `c_r`           | 7.7e-3    | 1      | rolling resistance coefficient               | [4]    |
    | `c_d`           | 0.29      | 1      | drag coefficient                             | [3]    |
    | `area`          | 2.38      | m^2    | frontal area                                 | [3]    |
    | `gear_ratio`    | 5.72      | 1      | motor turns per wheel turn                   | [5]    |
    | `wheel_radius`  | 0.35      | m      | wheel radius                                 | [6]    |
    | `rho`           | 1.2       | kg/m^3 | density of air                               | [7]    |
    | `gravity`       | 9.80665   | m/s^2  | standard gravity                             | [8]    |

    `omega_limit` only scales the observation: no speed trips.

    * [1] Brusa HSM16.17.12-C01 data as used in the peer's published DDPG example (the peer: gym-electric-motor)
    * [2] not published for this machine; the peer's default PMSM value
    * [3] BMW i3 (60 Ah) technical data, BMW Group media information, 2013
    * [4] upper bound of tyre label class B, Regulation (EU) 2020/740, annex I
    * [5] design value: 131.3 km/h at 95 % of 6,000 rpm
    * [6] tyre size 155/70 R19 of the BMW i3: 19 in / 2 + 0.70 * 155 mm
    * [7] dry air at 20 degC and 1013 hPa, ideal gas, rounded
    * [8] ISO 80000-3
    * Driving cycle: UN Global Technical Regulation No. 15, WLTC class 3b.
    * Machine: Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer 2015, section 16.
      Hexagon: Holtz, Proc. IEEE 82(8), 1994, doi:10.1109/5.301684.

    ## Version History

    * v0: first version
    """

    id = "gem/PMSM-DriveCycle-v0"
    task = "drive_cycle"


class PMSMDriveCycleVectorEnv(IdVectorEnv):
    """Many :class:`PMSMDriveCycleEnv` in one compiled loop; the same keywords."""

    single = PMSMDriveCycleEnv
