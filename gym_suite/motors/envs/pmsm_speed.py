"""Speed control of a permanent-magnet synchronous machine."""

from __future__ import annotations

from gym_suite.core.ids import IdVectorEnv
from gym_suite.motors.envs.base import MotorEnv


class PMSMSpeedEnv(MotorEnv):
    """gem/PMSM-Speed-v0: speed control of a permanent-magnet synchronous machine.

    ## Description

    An inverter feeds a three-phase permanent-magnet synchronous machine with a rigid shaft and a load with friction.
    Every 0.1 ms the agent commands the stator voltage, so that the speed follows a reference that jumps every 0.2 s.

        l_d di_sd/dt = u_sd - r_s i_sd + omega_e l_q i_sq
        l_q di_sq/dt = u_sq - r_s i_sq - omega_e (l_d i_sd + psi_p)
        d epsilon/dt = omega_e,   omega_e = p omega
        torque = 3/2 p (psi_p + (l_d - l_q) i_sd) i_sq
        (j_rotor + j_load) domega/dt = torque - sign(omega) (a + c omega^2) - b omega

    Transformations are amplitude-invariant: the length of a space vector is the phase amplitude. The Coulomb part a
    grows linearly from standstill up to the speed `a tau_decay / (j_rotor + j_load)`.

    * **Hold.** The inverter (averaged, ideal supply) holds the *stator* voltage over each period `tau`, so in the
      rotor's frame the voltage turns backwards by `omega_e tau`. The integrator (classical Runge-Kutta, `substeps`
      per period) sees that turn.
    * **Dead time.** With `dead_time=True` a voltage command acts one period late, as in real drives; the voltage that
      acts in the first period of an episode is zero.
    * **Angle advance.** A dq action is turned into the stator's frame by `epsilon + 1.5 omega_e tau` (`0.5 omega_e
      tau` without dead time): where the rotor is in the middle of the period in which the voltage acts. An abc action
      is not turned.
    * **Hexagon.** A voltage beyond the inverter's hexagon (corners `2/3 u_dc`, inscribed circle `u_dc/sqrt(3)`) is
      shortened to it with its direction kept. The common part of an abc action has no effect.

    ## Action Space

    `Box(-1, 1, (2,), float32)`: a voltage in the rotor's frame, normalised by `u_dc/sqrt(3)`. Finite values outside
    are clipped and counted in `info["clipped"]`; NaN and infinity are refused.

    | Num | Name       | Meaning           | Min | Max | SI value of 1 | Unit |
    |-----|------------|-------------------|-----|-----|---------------|------|
    | 0   | `action_d` | d voltage command | -1  | 1   | 173.205       | V    |
    | 1   | `action_q` | q voltage command | -1  | 1   | 173.205       | V    |

    With `frame="abc"` it is the three phase voltages `action_a`, `action_b`, `action_c`, normalised by `u_dc/2`.

    With `control="torque"` the action is one torque command `action_torque`, normalised by the torque that 90 % of
    `i_limit` gives at most (320.4 N m), and acts for `control_period`. At the beginning of a step maximum torque per
    ampere and field weakening, within 90 % of `i_limit` and 95 % of `u_dc/sqrt(3)`, turn the torque into current
    references at the present speed; an inner PI current controller with decoupling (gains by the magnitude optimum)
    follows them every `tau` with the nominal machine parameters and the true DC-link voltage.

    ## Observation Space

    `Box(float32)` of shape (9,), of the end of the step:

    | Num | Name            | Meaning                        | Min  | Max | SI value of 1 | Unit  |
    |-----|-----------------|--------------------------------|------|-----|---------------|-------|
    | 0   | `i_sd`          | d current                      | -1.5 | 1.5 | 400           | A     |
    | 1   | `i_sq`          | q current                      | -1.5 | 1.5 | 400           | A     |
    | 2   | `omega`         | mechanical speed               | -1.5 | 1.5 | 418.879       | rad/s |
    | 3   | `sin_epsilon`   | sine of the electrical angle   | -1   | 1   | 1             | 1     |
    | 4   | `cos_epsilon`   | cosine of the electrical angle | -1   | 1   | 1             | 1     |
    | 5   | `last_action_d` | last action                    | -1   | 1   | 173.205       | V     |
    | 6   | `last_action_q` | last action                    | -1   | 1   | 173.205       | V     |
    | 7   | `error`         | reference minus value          | -1.5 | 1.5 | 418.879       | rad/s |
    | 8   | `omega_ref`     | reference                      | -1.5 | 1.5 | 418.879       | rad/s |

    `preview=k` appends `omega_ref_1`, `omega_ref_2`, ...: the references `preview_interval`, twice that, ... ahead.
    `frame="abc"` makes three last actions; `control="torque"` makes one and leaves sine and cosine out.

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
    | `omega_ref`   | reference at the same instant                    | rad/s |

    `control="torque"` adds `torque_ref` (N m) and the references of the inner controller, `i_sd_ref` and `i_sq_ref`
    (A).

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term                | Formula                                                                    | Weight |
    |---------------------|----------------------------------------------------------------------------|--------|
    | `reward_omega`      | weight * (1 - min(abs(omega_ref - omega) / error_scale, 1)^error_exponent) | 1      |
    | `reward_loss`       | -weight * (i_sd^2 + i_sq^2) / i_limit^2                                    | 0      |
    | `reward_effort`     | -weight * mean square of the action's elements                             | 0      |
    | `reward_smoothness` | -weight * mean square of the change of the action's elements               | 0      |
    | `reward_trip`       | -`penalty_trip` in the step that trips, else 0                             |        |

    `error_scale` is 418.879 rad/s, `omega_limit`; the exponent 0.5 lets small errors matter. Values and references
    are those of the end of the step, which `info` and the returned observation show: in the step at whose end the
    reference jumps, nobody can have followed it.

    A perfect step earns 1. An early end never pays: the tracking terms are never negative, so an end forfeits what
    they would still earn (weights are never negative), and the default `penalty_trip`, `1 + steps (loss + effort + 4
    smoothness)` with the weights of these names and the steps of an episode, exceeds all that the other terms can
    cost until the end of the episode. A `penalty_trip` below that cost is refused.

    ## Starting State

    The machine stands still without current; the electrical angle is uniform in [-pi, pi). The reference is constant
    over `reference_hold` and then drawn anew, uniform in [-reference_range, reference_range].

    `reset(options={"state": {"omega": 100.0}})` overwrites columns of the drawn state (SI;
    `env.unwrapped.setup.state_columns` names them); the first reference remains the one that was drawn.

    ## Episode End

    * Termination: the amplitude of the current exceeds `i_limit` at the end of a step (a trip). With
      `control="torque"` that is looked at once per `control_period`.
    * Truncation: after `duration`, 6000 steps.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name               | Default               | Meaning                                                         |
    |--------------------|-----------------------|-----------------------------------------------------------------|
    | `render_mode`      | `None`                | `None`, `"rgb_array"`, `"ansi"` or `"human"`                    |
    | `machine`          | `"PMSM"`              | name of a set, mapping or `PMSM`, see below                     |
    | `load`             | `"polynomial_static"` | kind, mapping with "kind", or load, see below                   |
    | `control`          | `"voltage"`           | what an action commands: `"voltage"` or `"torque"`              |
    | `frame`            | `"dq"`                | frame of a voltage action: `"dq"` or `"abc"`                    |
    | `tau`              | `1e-4`                | period of the inverter and, for voltages, of control, s         |
    | `control_period`   | `None`                | of torque commands, multiple of `tau`, s; `None`: 1e-3          |
    | `substeps`         | `1`                   | Runge-Kutta steps per period of the inverter                    |
    | `dead_time`        | `True`                | whether a voltage command acts one period late                  |
    | `reference`        | `None`                | signal, rad/s, in place of the random steps                     |
    | `reference_hold`   | `0.2`                 | time between two random references, s                           |
    | `reference_range`  | `None`                | largest one drawn, rad/s; `None`: 0.6 omega_nominal             |
    | `duration`         | `0.6`                 | length of an episode, s                                         |
    | `preview`          | `0`                   | number of future references observed                            |
    | `preview_interval` | `None`                | time between them, s; `None`: one step                          |
    | `weights`          | `None`                | mapping from `omega`, `loss`, `effort`, `smoothness` to weights |
    | `error_scale`      | `None`                | error that earns nothing, rad/s; `None`: omega_limit            |
    | `error_exponent`   | `0.5`                 | exponent of the normalised error                                |
    | `penalty_trip`     | `None`                | cost of a trip; `None`: see Rewards                             |
    | `noise`            | `None`                | of the measurements, see below                                  |
    | `mismatch`         | `None`                | departure of the plant from nominal, see below                  |
    | `delay`            | `0`                   | steps by which actions are late, on top of the dead time        |
    | `disturbance`      | `None`                | mapping from channel to signal, see below                       |

    * `machine`: "PMSM" or "HSM16.17.12-C01", a `gym_suite.motors.parameters.PMSM`, or a mapping of overrides, which
      departs from "PMSM" unless it names another set under "base".
    * `load`: "polynomial_static", "vehicle" (see gem/PMSM-DriveCycle-v0), a mapping of overrides with the kind under
      "kind", or a load of `gym_suite.motors.parameters`. A mapping may give `j_total`, rotor plus load, in place of
      `j_load`.
    * A signal is a number, a mapping of attributes of `gym_suite.core.signals.Signal` such as `{"kind": "sine",
      "amplitude": 5.0, "period": 0.1}`, or a `Signal`; its time counts from the reset.
    * `noise`: standard deviation of white Gaussian noise, as a fraction of full scale (the SI value of 1) for all
      measurements or as a mapping from name to SI value. It is added to the observed `i_sd`, `i_sq`, `omega` and
      `error`, each with its own draw, never to `info` or the reward; with a torque command the inner controller's two
      current sensors have the noise of `i_sd`.
    * `mismatch` multiplies parameters of the plant: a fraction s draws a factor from [1 - s, 1 + s] at each reset for
      every one of r_s, l_d, l_q, psi_p, j_rotor, a, b, c, j_load, mass, c_r, c_d, area and u_dc; a mapping gives
      factors or (lowest, highest) by name. Controllers see nominal values. An action of 1 is the true `u_dc/sqrt(3)`.
    * `delay`: the first actions to arrive are zero; last action, effort and smoothness are of the action that
      arrives.
    * `disturbance`: signals for `torque_load` (N m, on top of the load's own), `u_sd` and `u_sq` (V, added to the
      inverter's voltage in the rotor's frame at the beginning of each period and then held with it).

    ## Reference Controllers

    | Name     | What it is                                                                                |
    |----------|-------------------------------------------------------------------------------------------|
    | `pi`     | PI speed control (symmetrical optimum, Kessler 1958) above field-oriented current control |
    | `zero`   | zero voltage                                                                              |
    | `random` | uniform actions                                                                           |

    ## Parameters and Sources

    | Name            | Value   | Unit    | Meaning                                         | Source |
    |-----------------|---------|---------|-------------------------------------------------|--------|
    | `p`             | 3       | 1       | pole pairs                                      | [1]    |
    | `r_s`           | 18e-3   | Ohm     | stator resistance                               | [1]    |
    | `l_d`           | 0.37e-3 | H       | d inductance                                    | [1]    |
    | `l_q`           | 1.2e-3  | H       | q inductance                                    | [1]    |
    | `psi_p`         | 66e-3   | Vs      | magnet flux                                     | [1]    |
    | `j_rotor`       | 0.03883 | kg m^2  | rotor inertia                                   | [1]    |
    | `i_nominal`     | 240     | A       | nominal current (amplitude)                     | [1]    |
    | `i_limit`       | 400     | A       | current at which the drive trips (amplitude)    | [1]    |
    | `omega_nominal` | 314.159 | rad/s   | nominal speed                                   | [1]    |
    | `omega_limit`   | 418.879 | rad/s   | highest speed                                   | [1]    |
    | `u_dc`          | 300     | V       | DC-link voltage                                 | [1]    |
    | `a`             | 0.01    | N m     | Coulomb friction                                | [2]    |
    | `b`             | 0.01    | N m s   | viscous friction                                | [2]    |
    | `c`             | 0       | N m s^2 | quadratic drag                                  | [2]    |
    | `tau_decay`     | 1e-3    | s       | time constant of Coulomb friction at standstill | [2]    |
    | `j_load`        | 1e-5    | kg m^2  | inertia of the load                             | [2]    |

    `omega_limit` only scales observation and reward: no speed trips.

    * [1] gym-electric-motor 3.0.3 default PMSM, after doi:10.1109/TPEL.2020.3006779 and
      doi:10.1109/IEMDC.2019.8785122
    * [2] gym-electric-motor 3.0.3, PolynomialStaticLoad of its AC speed-control environments
    * Machine: Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer 2015, section 16.
      Hexagon: Holtz, Proc. IEEE 82(8), 1994, doi:10.1109/5.301684.

    ## Version History

    * v0: first version
    """

    id = "gem/PMSM-Speed-v0"
    task = "speed"


class PMSMSpeedVectorEnv(IdVectorEnv):
    """Many :class:`PMSMSpeedEnv` in one compiled loop; the same keywords."""

    single = PMSMSpeedEnv
