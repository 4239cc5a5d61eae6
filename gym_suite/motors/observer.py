"""The flux observer inside the drive of an induction machine, as row functions.

The current model integrates the rotor's equation from measured currents and speed with nominal parameters,
dpsi_r/dt = (l_m i_s - psi_r) r_r / l_r + j omega_e psi_r in the stator's frame; Leonhard, "Control of Electrical
Drives", 3rd ed., Springer 2001, section 12. The direction of that flux is the frame of the drive's currents and
voltages.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.quantities import P, X
from gym_suite.motors.transforms import rotate, turn

#: Flux below which a direction is not taken from it, as a part of that of the current limit.
LEAST_FLUX = 1e-3


@kernel
def flux_frame(x):
    """Return cosine and sine of the direction of the estimated flux, and its amplitude (Vs)."""
    alpha, beta = x[X.flux_alpha], x[X.flux_beta]
    flux = math.sqrt(alpha * alpha + beta * beta)
    if flux == 0.0:
        return 1.0, 0.0, 0.0
    return alpha / flux, beta / flux, flux


@kernel
def slip(i_q, flux, p):
    """Return how much faster than the rotor its flux turns, rad/s electrical: r_r l_m / l_r i_q / psi.

    Args:
        i_q: Stator current across the flux, A.
        flux: Amplitude of the rotor's flux, Vs.
        p: Nominal parameters.
    """
    least = LEAST_FLUX * p[P.l_m] * p[P.i_limit]
    return p[P.r_r] * p[P.l_m] / (p[P.l_m] + p[P.l_sigr]) * i_q / max(flux, least)


@kernel
def follow_flux(x, before, p):
    """Move the estimated flux by one inverter period.

    Exact for the mean current of the period and constant speed: with a = -r_r/l_r + j omega_e it is
    psi exp(a tau) + l_m r_r/l_r i (exp(a tau) - 1) / a.

    Args:
        x: State row at the end of the period, changed in place.
        before: Stator current (alpha, beta) at its beginning, A.
        p: Nominal parameters.
    """
    rate, omega_e, tau = p[P.r_r] / (p[P.l_m] + p[P.l_sigr]), p[P.p] * x[X.omega], p[P.tau]
    decay = math.exp(-rate * tau)
    cosine, sine = turn(omega_e * tau)
    alpha, beta = rotate(x[X.flux_alpha], x[X.flux_beta], decay * cosine, decay * sine)
    square = rate * rate + omega_e * omega_e
    if square > 0.0:
        # (exp(a tau) - 1) / a, numerator times the conjugate of a.
        real, imaginary = decay * cosine - 1.0, decay * sine
        gain = p[P.l_m] * rate / square
        part = gain * (imaginary * omega_e - real * rate)
        across = -gain * (real * omega_e + imaginary * rate)
        mean_a, mean_b = 0.5 * (before[0] + x[X.i_salpha]), 0.5 * (before[1] + x[X.i_sbeta])
        gained = rotate(mean_a, mean_b, part, across)
        alpha, beta = alpha + gained[0], beta + gained[1]
    x[X.flux_alpha], x[X.flux_beta] = alpha, beta
