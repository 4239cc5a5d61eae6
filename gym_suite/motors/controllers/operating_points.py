"""Which currents give a torque: maximum torque per ampere, and field weakening.

Row functions, used by the controllers and by the inner loop of the drive.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.transforms import torque_of

_BISECTIONS = 40
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@kernel
def mtpa_current(magnitude, l_d, l_q, psi_p):
    """Return (i_d, i_q >= 0) of maximum torque per ampere for a current magnitude.

    Morimoto, Takeda, Hirasa and Taniguchi, "Expansion of operating limits for permanent magnet
    motor by current vector control considering inverter capacity", IEEE Trans. Ind. Appl. 26(5),
    1990, doi:10.1109/28.60058: i_d = psi/(2 dL) - sqrt(psi^2/(4 dL^2) + i_q^2) with dL = L_q - L_d.
    """
    difference = l_q - l_d
    if abs(difference) * magnitude < 1e-9 * psi_p:
        return 0.0, magnitude
    root = math.sqrt(psi_p * psi_p + 8.0 * difference * difference * magnitude * magnitude)
    i_d = (psi_p - root) / (4.0 * difference)
    i_d = min(max(i_d, -magnitude), magnitude)
    return i_d, math.sqrt(max(magnitude * magnitude - i_d * i_d, 0.0))


@kernel
def max_torque(magnitude, pairs, l_d, l_q, psi_p):
    """Return the largest torque that a current magnitude can give, N m."""
    i_d, i_q = mtpa_current(magnitude, l_d, l_q, psi_p)
    return torque_of(i_d, i_q, pairs, l_d, l_q, psi_p)


@kernel
def mtpa_for_torque(torque, i_max, pairs, l_d, l_q, psi_p):
    """Return (i_d, i_q) of maximum torque per ampere for a torque; its magnitude is limited to i_max.

    The torque along the curve grows with the magnitude, so bisection on the magnitude is safe.
    """
    wanted = min(abs(torque), max_torque(i_max, pairs, l_d, l_q, psi_p))
    low, high = 0.0, i_max
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if max_torque(middle, pairs, l_d, l_q, psi_p) < wanted:
            low = middle
        else:
            high = middle
    i_d, i_q = mtpa_current(0.5 * (low + high), l_d, l_q, psi_p)
    return (i_d, i_q) if torque >= 0.0 else (i_d, -i_q)


@kernel
def _flux(i_d, i_q, l_d, l_q, psi_p):
    return math.hypot(l_d * i_d + psi_p, l_q * i_q)


@kernel
def _largest_i_q(i_d, i_max, flux_max, l_d, l_q, psi_p):
    """Return the largest i_q at an i_d within the current circle and the voltage ellipse, or -1."""
    on_circle = i_max * i_max - i_d * i_d
    along_d = l_d * i_d + psi_p
    on_ellipse = flux_max * flux_max - along_d * along_d
    if on_circle < 0.0 or on_ellipse < 0.0:
        return -1.0
    return min(math.sqrt(on_circle), math.sqrt(on_ellipse) / l_q)


@kernel
def _torque_on_bound(i_d, i_max, flux_max, pairs, l_d, l_q, psi_p):
    i_q = _largest_i_q(i_d, i_max, flux_max, l_d, l_q, psi_p)
    if i_q < 0.0:
        return -1.0 - abs(i_d + psi_p / l_d)
    return torque_of(i_d, i_q, pairs, l_d, l_q, psi_p)


@kernel
def currents_for_torque(torque, omega_e, u_max, i_max, pairs, l_d, l_q, psi_p):
    """Return (i_d, i_q) for a torque: MTPA, and field weakening where the voltage does not suffice.

    Within the current circle i_max and the voltage ellipse abs(omega_e) |psi| <= u_max (resistive
    drop left to the caller's margin) the point with the least current that gives the torque; where
    no point gives it, the point of the largest torque that the limits allow.

    Args:
        torque: Wanted torque, N m.
        omega_e: Electrical speed, rad/s.
        u_max: Voltage amplitude to stay below, V.
        i_max: Current amplitude to stay below, A.
        pairs: Pole pairs.
        l_d: d inductance, H.
        l_q: q inductance, H.
        psi_p: Magnet flux, Vs.
    """
    i_d, i_q = mtpa_for_torque(torque, i_max, pairs, l_d, l_q, psi_p)
    speed = abs(omega_e)
    if speed * _flux(i_d, i_q, l_d, l_q, psi_p) <= u_max:
        return i_d, i_q
    flux_max = u_max / speed
    # The largest torque on the bound of the allowed set: unimodal in i_d left of the MTPA point.
    left, right = -i_max, i_d
    for _ in range(_BISECTIONS):
        span = _GOLDEN * (right - left)
        one, two = right - span, left + span
        if _torque_on_bound(one, i_max, flux_max, pairs, l_d, l_q, psi_p) < _torque_on_bound(
            two, i_max, flux_max, pairs, l_d, l_q, psi_p
        ):
            left = one
        else:
            right = two
    best_d = 0.5 * (left + right)
    best_q = _largest_i_q(best_d, i_max, flux_max, l_d, l_q, psi_p)
    sign = 1.0 if torque >= 0.0 else -1.0
    if best_q < 0.0:  # no current satisfies both limits: weaken as far as the current allows
        return max(-psi_p / l_d, -i_max), 0.0
    wanted = min(
        abs(torque), torque_of(*mtpa_current(i_max, l_d, l_q, psi_p), pairs, l_d, l_q, psi_p)
    )
    if torque_of(best_d, best_q, pairs, l_d, l_q, psi_p) <= wanted:
        return best_d, sign * best_q
    # Between that point and MTPA the line of constant torque crosses the ellipse once.
    inside, outside = best_d, i_d
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inside + outside)
        needed = wanted / (1.5 * pairs * (psi_p + (l_d - l_q) * middle))
        if needed <= _largest_i_q(middle, i_max, flux_max, l_d, l_q, psi_p):
            inside = middle
        else:
            outside = middle
    needed = wanted / (1.5 * pairs * (psi_p + (l_d - l_q) * inside))
    return inside, sign * needed
