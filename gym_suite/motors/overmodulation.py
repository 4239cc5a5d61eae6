"""Over-modulation of a three-phase bridge: voltages from the circle within the hexagon up to six-step operation.

A command beyond that circle is taken as the fundamental that is wanted. In place of the vector stands the point of the
hexagon that is nearest to a longer one of the same direction (minimum-distance over-modulation), which is made so long
that over a turn of the vector the fundamental is the command: A. M. Hava, R. J. Kerkman and T. A. Lipo, "Carrier-based
PWM-VSI overmodulation strategies: analysis, comparison, and design", IEEE Trans. Power Electron. 13(4), 1998,
where the inverse of the modulator's gain linearises it; the regions are those of J. Holtz,
W. Lotzkat and A. M. Khambadkone, "On continuous control of PWM inverters in the overmodulation range including the
six-step mode", IEEE Trans. Power Electron. 8(4), 1993. The gain's closed forms follow from the
Fourier integral over a twelfth of a turn.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.transforms import SQRT3, rotate

#: What kernels take for commands that are shortened to the hexagon and for those that lead to six-step operation; told
#: apart by their lengths.
HEXAGON: tuple[int, ...] = ()
SIX_STEP: tuple[int, ...] = (0,)
#: Fundamental of six-step operation, 2 u_dc / pi, as a part of u_dc / sqrt(3), the circle within the hexagon.
MOST_FUNDAMENTAL = 2.0 * SQRT3 / math.pi
#: Newton steps after which the fundamental is the wanted one to 1e-12 wherever it is.
_STEPS = 5
#: Difference from six-step operation that is none.
_NONE = 1e-9


@kernel
def fundamental_of(inverse):
    """Return the fundamental under a turning vector of a length, and its derivative by the inverse of that length.

    While the vector is outside the hexagon but its nearest points are on all of an edge but its ends (region I, up to
    2/3 u_dc) it leaves the hexagon by an angle arccos(inverse) to either side of an edge's middle; beyond (region II)
    the nearest points stay in a corner but for an angle arcsin(inverse / sqrt(3)) to either side of it.

    Args:
        inverse: Reciprocal of the length as a part of u_dc / sqrt(3), in (0, 1].

    Returns:
        The fundamental as a part of u_dc / sqrt(3), and its derivative.
    """
    if inverse >= 0.5 * SQRT3:
        sine, angle = math.sqrt(max(1.0 - inverse * inverse, 0.0)), math.acos(min(inverse, 1.0))
        size = 0.5 * sine + (math.pi / 6.0 - 0.5 * angle) / inverse
        slope = math.pi / 6.0 - 0.5 * angle - 0.5 * sine * inverse
    else:
        sine = inverse / SQRT3
        cosine, angle = math.sqrt(1.0 - sine * sine), math.asin(sine)
        size = 0.5 * angle / inverse + 0.5 * cosine / SQRT3
        slope = 0.5 * (angle - sine * cosine)
    return 6.0 / math.pi * size, -6.0 / math.pi * slope / (inverse * inverse)


@kernel
def _inverse_for(wanted):
    """Return the reciprocal of the length whose fundamental is the wanted one.

    The fundamental falls with the reciprocal, ever faster; Newton's method from above, where the parabola that touches
    it at six-step operation has the wanted value, never leaves that side.
    """
    missing = MOST_FUNDAMENTAL - wanted
    inverse = min(math.sqrt(3.0 * SQRT3 * math.pi * missing), 1.0)
    for _ in range(_STEPS):
        size, slope = fundamental_of(inverse)
        inverse = min(inverse - (size - wanted) / slope, 1.0)
    return inverse


@kernel
def overmodulated(alpha, beta, u_dc):
    """Return the voltage (alpha, beta) of a period whose commands have the fundamental (alpha, beta), V.

    Within the circle u_dc / sqrt(3) it is the command; from 2 u_dc / pi on it is the nearest corner of the hexagon.
    """
    circle = u_dc / SQRT3
    wanted = math.sqrt(alpha * alpha + beta * beta) / circle
    if wanted <= 1.0:
        return alpha, beta
    angle = math.atan2(beta, alpha)
    # The middle of the nearest edge, at 30 degrees and every 60 further on.
    middle = (math.floor(angle * 3.0 / math.pi) + 0.5) * math.pi / 3.0
    away = angle - middle
    along, half_edge = circle, circle / SQRT3
    across = math.copysign(half_edge, away)
    if wanted < MOST_FUNDAMENTAL - _NONE:
        length = circle / _inverse_for(wanted)
        along = min(length * math.cos(away), circle)
        across = min(max(length * math.sin(away), -half_edge), half_edge)
    return rotate(along, across, math.cos(middle), math.sin(middle))
