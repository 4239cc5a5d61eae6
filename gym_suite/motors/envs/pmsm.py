"""Current control of a permanent-magnet synchronous machine."""

from __future__ import annotations

from gym_suite.core.ids import IdVectorEnv
from gym_suite.motors.envs.base import MotorEnv


class PMSMEnv(MotorEnv):
    """gem/PMSM-v0: current control of a permanent-magnet synchronous machine.

    ## Description

    An inverter feeds a three-phase permanent-magnet synchronous machine whose shaft a stiff load keeps at constant
    speed. Every 0.1 ms the agent commands the stator voltage, so that the two currents in the rotor's frame follow
    references that jump every 20 ms. This is the innermost loop of a field-oriented drive; what makes it hard is the
    coupling of both axes by the rotation, the limited voltage and the delay.

        l_d di_sd/dt = u_sd - r_s i_sd + omega_e l_q i_sq
        l_q di_sq/dt = u_sq - r_s i_sq - omega_e (l_d i_sd + psi_p)
        d epsilon/dt = omega_e,   omega_e = p omega
        torque = 3/2 p (psi_p + (l_d - l_q) i_sd) i_sq

    Transformations are amplitude-invariant: the length of a space vector is the phase amplitude.

    * **Hold.** The inverter (averaged, ideal supply) holds the *stator* voltage over each period `tau`, so in the
      rotor's frame the voltage turns backwards by `omega_e tau`. The integrator (classical Runge-Kutta, `substeps`
      per period) sees that turn.
    * **Dead time.** With `dead_time=True` a command acts one period late, as in real drives; the voltage that acts in
      the first period of an episode is zero.
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
    | 7   | `i_sd_ref`      | reference                      | -1.5 | 1.5 | 400           | A     |
    | 8   | `i_sq_ref`      | reference                      | -1.5 | 1.5 | 400           | A     |

    `preview=k` appends k pairs `i_sd_ref_1`, `i_sq_ref_1`, ...: the references `preview_interval`, twice that, ...
    ahead. `frame="abc"` makes three last actions.

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
    | `i_sd_ref`    | reference at the same instant                    | A     |
    | `i_sq_ref`    | reference at the same instant                    | A     |

    `torque_load` is 0 where the load holds the speed.

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term                | Formula                                                                  | Weight |
    |---------------------|--------------------------------------------------------------------------|--------|
    | `reward_i_sd`       | weight * (1 - min(abs(i_sd_ref - i_sd) / error_scale, 1)^error_exponent) | 0.5    |
    | `reward_i_sq`       | weight * (1 - min(abs(i_sq_ref - i_sq) / error_scale, 1)^error_exponent) | 0.5    |
    | `reward_effort`     | -weight * mean square of the action's elements                           | 0      |
    | `reward_smoothness` | -weight * mean square of the change of the action's elements             | 0      |
    | `reward_trip`       | -`penalty_trip` in the step that trips, else 0                           |        |

    `error_scale` is 400 A, the current limit; the exponent 0.5 lets small errors matter. Values and references are
    those of the end of the step, which `info` and the returned observation show: in the step at whose end a reference
    jumps, nobody can have followed it.

    A perfect step earns 1. An early end never pays: the tracking terms are never negative, so an end forfeits what
    they would still earn (weights are never negative), and the default `penalty_trip`, `1 + 2000 (effort + 4
    smoothness)` with the weights of these names, exceeds all that the other terms can cost until the end of the
    episode. A `penalty_trip` below that cost is refused. The 2000 are the registered steps; with a larger
    `max_episode_steps` and weights on effort or smoothness give `penalty_trip` yourself.

    ## Starting State

    The speed is uniform in [0, omega_nominal], the electrical angle uniform in [-pi, pi); the currents are zero.

    References are constant over `reference_hold` and then drawn anew: uniform in the circle of radius
    `reference_range`, among those whose steady voltage at the present speed stays within 95 % of `u_dc/sqrt(3)`, so
    that a controller can follow. After 32 misses the last draw is pulled towards the current of least flux until the
    voltage suffices.

    `reset(options={"state": {"omega": 100.0, "i_sd": -50.0}})` overwrites columns of the drawn state (SI;
    `env.unwrapped.setup.state_columns` names them); the first reference remains the one that was drawn.

    ## Episode End

    * Termination: the amplitude of the current exceeds `i_limit` at the end of an inverter period (a trip).
    * Truncation: after 2000 steps (0.2 s), `max_episode_steps` of `make`.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name               | Default            | Meaning                                                             |
    |--------------------|--------------------|---------------------------------------------------------------------|
    | `render_mode`      | `None`             | `None`, `"rgb_array"`, `"ansi"` or `"human"`                        |
    | `machine`          | `"PMSM"`           | name of a set, mapping or `PMSM`, see below                         |
    | `load`             | `"constant_speed"` | kind, mapping with "kind", or load, see below                       |
    | `frame`            | `"dq"`             | frame of a voltage action: `"dq"` or `"abc"`                        |
    | `tau`              | `1e-4`             | period of inverter and control, s                                   |
    | `substeps`         | `1`                | Runge-Kutta steps per period of the inverter                        |
    | `dead_time`        | `True`             | whether a voltage command acts one period late                      |
    | `speed`            | `None`             | rad/s, or (lowest, highest) of the draw; `None`: (0, omega_nominal) |
    | `reference`        | `None`             | mapping from `i_sd`, `i_sq` to signals, A, see below                |
    | `reference_hold`   | `0.02`             | time between two random references, s                               |
    | `reference_range`  | `None`             | largest amplitude drawn, A, up to 0.95 i_limit; `None`: i_nominal   |
    | `preview`          | `0`                | number of future references observed                                |
    | `preview_interval` | `None`             | time between them, s; `None`: one step                              |
    | `weights`          | `None`             | mapping from `i_sd`, `i_sq`, `effort`, `smoothness` to weights      |
    | `error_scale`      | `None`             | error that earns nothing, A; `None`: i_limit                        |
    | `error_exponent`   | `0.5`              | exponent of the normalised error                                    |
    | `penalty_trip`     | `None`             | cost of a trip; `None`: see Rewards                                 |
    | `noise`            | `None`             | of the measurements, see below                                      |
    | `mismatch`         | `None`             | departure of the plant from nominal, see below                      |
    | `delay`            | `0`                | steps by which actions are late, on top of the dead time            |
    | `disturbance`      | `None`             | mapping from channel to signal, see below                           |

    * `machine`: "PMSM" or "HSM16.17.12-C01", a `gym_suite.motors.parameters.PMSM`, or a mapping of overrides, which
      departs from this id's default set unless it names another one under "base".
    * `load`: "constant_speed" (with `omega` in a mapping), "polynomial_static" or "vehicle", whose parameters are on
      the pages of gem/PMSM-Speed-v0 and gem/PMSM-DriveCycle-v0. Where the load lets the speed change, `preview` shows
      the random references that would be drawn at the present speed.
    * `reference` takes the place of the random steps; a current that the mapping leaves out has the reference 0. What
      is given is not checked against voltage and current limits.
    * A signal is a number, a mapping of attributes of `gym_suite.core.signals.Signal` such as `{"kind": "sine",
      "amplitude": 5.0, "period": 0.1}`, or a `Signal`; its time counts from the reset.
    * `noise`: standard deviation of white Gaussian noise, as a fraction of full scale (the SI value of 1) for all
      measurements or as a mapping from name to SI value. It is added to the observed `i_sd`, `i_sq`, `omega`, never
      to `info` or the reward.
    * `mismatch` multiplies parameters of the plant: a fraction s draws a factor from [1 - s, 1 + s] at each reset for
      every one of r_s, l_d, l_q, psi_p, j_rotor, a, b, c, j_load, mass, c_r, c_d, area and u_dc; a mapping gives
      factors or (lowest, highest) by name. Controllers see nominal values. An action of 1 is the true `u_dc/sqrt(3)`,
      and random references are those that the true plant can hold.
    * `delay`: the first actions to arrive are zero; last action, effort and smoothness are of the action that
      arrives.
    * `disturbance`: signals for `torque_load` (N m, refused at constant speed), `u_sd` and `u_sq` (V, added to
      the inverter's voltage in the rotor's frame at the beginning of each period and then held with it).

    ## Reference Controllers

    | Name     | What it is                                                                               |
    |----------|------------------------------------------------------------------------------------------|
    | `pi`     | field-oriented PI control with decoupling; gains by the magnitude optimum (Kessler 1955) |
    | `zero`   | zero voltage                                                                             |
    | `random` | uniform actions                                                                          |
    | `ppo`    | learned by proximal policy optimization                                                  |

    ## Parameters and Sources

    | Name            | Value   | Unit   | Meaning                                      | Source |
    |-----------------|---------|--------|----------------------------------------------|--------|
    | `p`             | 3       | 1      | pole pairs                                   | [1]    |
    | `r_s`           | 18e-3   | Ohm    | stator resistance                            | [1]    |
    | `l_d`           | 0.37e-3 | H      | d inductance                                 | [1]    |
    | `l_q`           | 1.2e-3  | H      | q inductance                                 | [1]    |
    | `psi_p`         | 66e-3   | Vs     | magnet flux                                  | [1]    |
    | `j_rotor`       | 0.03883 | kg m^2 | rotor inertia                                | [1]    |
    | `i_nominal`     | 240     | A      | nominal current (amplitude)                  | [1]    |
    | `i_limit`       | 400     | A      | current at which the drive trips (amplitude) | [1]    |
    | `omega_nominal` | 314.159 | rad/s  | nominal speed                                | [1]    |
    | `omega_limit`   | 418.879 | rad/s  | highest speed                                | [1]    |
    | `u_dc`          | 300     | V      | DC-link voltage                              | [1]    |

    `omega_limit` only scales the observation: no speed trips.

    * [1] gym-electric-motor 3.0.3 default PMSM, after doi:10.1109/TPEL.2020.3006779 and
      doi:10.1109/IEMDC.2019.8785122
    * Machine: Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer 2015, section 16.
      Hexagon: Holtz, Proc. IEEE 82(8), 1994, doi:10.1109/5.301684.

    ## Version History

    * v0: first version
    """

    id = "gem/PMSM-v0"
    task = "current"


class PMSMVectorEnv(IdVectorEnv):
    """Many :class:`PMSMEnv` in one compiled loop; the same keywords."""

    single = PMSMEnv
