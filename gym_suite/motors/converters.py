"""From an action to the voltages that the converters hold, as row functions.

A chopper is averaged over its period: of one quadrant it gives 0 to u_dc and lets a current flow one way, of two it
gives 0 to u_dc to either current, of four -u_dc to u_dc; Mohan, Undeland and Robbins, "Power Electronics", 3rd ed.,
Wiley 2003, chapter 7.
"""

from __future__ import annotations

from gym_suite.core.kernel import kernel
from gym_suite.motors.machines.base import DC, DOUBLY_FED, EXCITED, INDUCTION, SIX_PHASE
from gym_suite.motors.machines.dc import MAGNETS
from gym_suite.motors.observer import flux_frame
from gym_suite.motors.overmodulation import overmodulated
from gym_suite.motors.quantities import FRAME_ABC, P, X
from gym_suite.motors.transforms import SQRT3, clarke, hexagon_factor, rotate, stars_of


@kernel
def _ahead(cosine, sine, half_cosine, half_sine, p):
    """Return cosine and sine ahead by half a period, with dead time by one more: the middle of where it acts."""
    cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    if p[P.dead_time] > 0.0:
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
        cosine, sine = rotate(cosine, sine, half_cosine, half_sine)
    return cosine, sine


@kernel
def limited(reach, alpha, beta, u_dc):
    """Return the voltage that a bridge gives for one that is asked of it.

    It is shortened to the hexagon with its direction kept, or led to six-step operation.

    Args:
        reach: :data:`gym_suite.motors.overmodulation.HEXAGON` or :data:`gym_suite.motors.overmodulation.SIX_STEP`.
        alpha: Voltage, V.
        beta: Voltage, V.
        u_dc: Voltage of the DC link, V.
    """
    if len(reach) > 0:
        return overmodulated(alpha, beta, u_dc)
    factor = hexagon_factor(alpha, beta, u_dc)
    return alpha * factor, beta * factor


@kernel
def rotor_voltage(reach, u, p):
    """Return the voltage (d, q) that an action asks of the converter of a fed rotor, in the frame of its windings."""
    u_dc = p[P.u_dc]
    if int(p[P.frame]) == FRAME_ABC:
        half = 0.5 * u_dc
        return clarke(half * u[3], half * u[4], half * u[5])
    scale = u_dc / SQRT3
    return limited(reach, scale * u[2], scale * u[3], u_dc)


@kernel
def star_voltages(reach, u, cosine, sine, half_cosine, half_sine, p):
    """Return the voltages (alpha, beta) of two stars that an action asks for, each within its inverter's hexagon.

    Arguments as :func:`stator_voltage`; the action is d, q, x, y, or the phases of one star and of the other.
    """
    u_dc = p[P.u_dc]
    if int(p[P.frame]) == FRAME_ABC:
        half = 0.5 * u_dc
        one = clarke(half * u[0], half * u[1], half * u[2])
        other = clarke(half * u[3], half * u[4], half * u[5])
        return one[0], one[1], other[0], other[1]
    cosine, sine = _ahead(cosine, sine, half_cosine, half_sine, p)
    scale = u_dc / SQRT3
    axes = scale * u[0], scale * u[1], scale * u[2], scale * u[3]
    stars = stars_of(axes, cosine, sine)
    one = limited(reach, stars[0], stars[1], u_dc)
    other = limited(reach, stars[2], stars[3], u_dc)
    return one[0], one[1], other[0], other[1]


@kernel
def stator_voltage(reach, u, cosine, sine, half_cosine, half_sine, p):
    """Return the stator voltage (alpha, beta) that an action asks for, within the inverter's hexagon.

    Args:
        reach: What a voltage is brought within; see :func:`limited`.
        u: Action row, whose first elements are d and q or the phases a, b, c.
        cosine: Cosine of the angle of the frame at the beginning of the period.
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
    cosine, sine = _ahead(cosine, sine, half_cosine, half_sine, p)
    scale = u_dc / SQRT3
    alpha, beta = rotate(scale * u[0], scale * u[1], cosine, sine)
    return limited(reach, alpha, beta, u_dc)


@kernel
def chopper_range(quadrants, u_dc):
    """Return the lowest and highest voltage that a chopper gives on the average of its period, V."""
    return -u_dc if int(quadrants) == 4 else 0.0, u_dc


@kernel
def chopper_voltage(part, quadrants, u_dc):
    """Return the voltage of a chopper that is asked for a part of its supply, V."""
    low, high = chopper_range(quadrants, u_dc)
    return min(max(part * u_dc, low), high)


@kernel
def standing_voltage(omega, p):
    """Return the voltage at which a DC machine carries no current at a speed, as far as its chopper gives it, V."""
    if int(p[P.excitation]) != MAGNETS:
        return 0.0
    low, high = chopper_range(p[P.quadrants_a], p[P.u_dc])
    return min(max(p[P.psi_e] * omega, low), high)


@kernel
def commanded(group, reach, x, u, half_cosine, half_sine, p):
    """Return the four voltages that an action asks the converters to hold, of which some are unused.

    Args:
        group: The group.
        reach: Of :func:`stator_voltage`.
        x: State row.
        u: Action row.
        half_cosine: Cosine of half the angle that the frame turns by in a period.
        half_sine: Its sine.
        p: Parameter row.
    """
    kind = len(group)
    if kind == DC:
        armature = chopper_voltage(u[0], p[P.quadrants_a], p[P.u_dc])
        if u.shape[0] > 1:
            return armature, chopper_voltage(u[1], p[P.quadrants_e], p[P.u_dc]), 0.0, 0.0
        return armature, 0.0, 0.0, 0.0
    if kind == INDUCTION:
        cosine, sine, _ = flux_frame(x)
    else:
        cosine, sine = x[X.cos_epsilon], x[X.sin_epsilon]
    if kind == SIX_PHASE:
        return star_voltages(reach, u, cosine, sine, half_cosine, half_sine, p)
    alpha, beta = stator_voltage(reach, u, cosine, sine, half_cosine, half_sine, p)
    if kind == EXCITED:
        exciter = u[3] if int(p[P.frame]) == FRAME_ABC else u[2]
        return alpha, beta, p[P.u_dc] * exciter, 0.0
    if kind == DOUBLY_FED:
        u_d, u_q = rotor_voltage(reach, u, p)
        return alpha, beta, u_d, u_q
    return alpha, beta, 0.0, 0.0
