"""From an action to the voltage that the converter holds, as row functions."""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3, clarke, limit_to_hexagon, rotate


@kernel
def stator_voltage(u, cosine, sine, half_cosine, half_sine, p):
    """Return the stator voltage (alpha, beta) that a voltage action asks for, within the inverter's hexagon.

    Args:
        u: Action row.
        cosine: Cosine of the electrical angle at the beginning of the period.
        sine: Its sine.
        half_cosine: Cosine of half the angle that passes in a period.
        half_sine: Its sine.
        p: Parameter row.
    """
    u_dc = p[P.u_dc]
    if int(p[P.frame]) == FRAME_ABC:
        half = 0.5 * u_dc
        # Legs limited to half the DC link cannot leave the hexagon.
        return clarke(half * u[0], half * u[1], half * u[2])
    # Ahead by half a period, and by one more with dead time: the middle of where it is effective.
    cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    if p[P.dead_time] > 0.0:
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    scale = u_dc / SQRT3
    alpha, beta = rotate(scale * u[0], scale * u[1], cosine, sine)
    return limit_to_hexagon(alpha, beta, u_dc)
