"""Field-oriented PI control of the currents, as a row function.

The same function is the inner loop of the drive under torque control and the heart of the
reference controllers' ``predict``.
"""

from __future__ import annotations

from gym_suite.controllers.pid import pi_output, pi_update
from gym_suite.core.kernel import kernel
from gym_suite.motors.transforms import hexagon_factor, inverse_park


@kernel
def current_control_one(
    i_d,
    i_q,
    i_d_ref,
    i_q_ref,
    omega_e,
    epsilon,
    integral_d,
    integral_q,
    kp_d,
    ki_d,
    kp_q,
    ki_q,
    l_d,
    l_q,
    psi_p,
    u_dc,
    tau,
    dead_time,
    decoupling,
    u_axis,
    anti_windup,
    back_gain_d,
    back_gain_q,
):
    """One sample of two PI laws in rotor coordinates with decoupling and hexagon limitation.

    The decoupling adds the voltages -omega_e L_q i_q and omega_e (L_d i_d + psi_p) that the rotation
    induces (Schroeder, "Elektrische Antriebe - Regelung von Antriebssystemen", 4th ed., Springer
    2015, section 16); the voltage is turned ahead by the angle that the rotor moves until the middle
    of the period in which it acts, 1.5 or 0.5 omega_e tau with or without dead time.

    Args:
        i_d: Measured d current, A.
        i_q: Measured q current, A.
        i_d_ref: Reference of i_d, A.
        i_q_ref: Reference of i_q, A.
        omega_e: Electrical speed, rad/s.
        epsilon: Electrical angle, rad.
        integral_d: Integral term of the d law, V.
        integral_q: Integral term of the q law, V.
        kp_d: Proportional gain d, V/A.
        ki_d: Integral gain d, V/(A s).
        kp_q: Proportional gain q, V/A.
        ki_q: Integral gain q, V/(A s).
        l_d: Nominal d inductance, H.
        l_q: Nominal q inductance, H.
        psi_p: Nominal magnet flux, Vs.
        u_dc: DC-link voltage, V.
        tau: Sampling period, s.
        dead_time: 1 with one sample of dead time, else 0.
        decoupling: 1 with, 0 without.
        u_axis: Largest voltage that can be commanded on one axis, V; infinite if there is no such limit.
        anti_windup: Kind as in :mod:`gym_suite.controllers.pid`.
        back_gain_d: Gain of back-calculation d, 1/s.
        back_gain_q: Gain of back-calculation q, 1/s.

    Returns:
        u_d, u_q (V, within the hexagon and u_axis), alpha, beta (V, within the hexagon) and the two
        new integral terms.
    """
    error_d, error_q = i_d_ref - i_d, i_q_ref - i_q
    u_d = pi_output(error_d, integral_d, kp_d) - decoupling * omega_e * l_q * i_q
    u_q = pi_output(error_q, integral_q, kp_q) + decoupling * omega_e * (l_d * i_d + psi_p)
    alpha, beta = inverse_park(u_d, u_q, epsilon + (dead_time + 0.5) * omega_e * tau)
    factor = hexagon_factor(alpha, beta, u_dc)
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    integral_d = pi_update(error_d, integral_d, ki_d, tau, u_d, real_d, anti_windup, back_gain_d)
    integral_q = pi_update(error_q, integral_q, ki_q, tau, u_q, real_q, anti_windup, back_gain_q)
    return real_d, real_q, factor * alpha, factor * beta, integral_d, integral_q
