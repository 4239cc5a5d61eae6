"""Currents for a torque in a field that is kept, as row functions: that of a larger torque, whatever torque is asked.

A field that a winding or an iron holds against its voltage is slow. Where the smallest current is not what is wanted,
the field of a large torque is kept and only the current across it moves with the torque, so that a large torque is
there within the time of one fast current. Machines whose magnets make the field have nothing to keep; of a DC machine
with an excitation of its own the law's ``least_field`` keeps it.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.laws import L, currents_for
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.machines.base import DOUBLY_FED, EXCITED, INDUCTION
from gym_suite.motors.observer import LEAST_FLUX
from gym_suite.motors.quantities import P


@kernel
def _across(i, part):
    """Return the currents of a doubly fed machine with a part of their torque in the same field.

    Stator and rotor current i_s and i_r share the field of i_s + i_r, and their torque is that sum times the part of
    i_s across it: moving only this part moves nothing but the leakage fluxes.
    """
    m_d, m_q = i[0] + i[2], i[1] + i[3]
    square = m_d * m_d + m_q * m_q
    if square == 0.0:
        return i
    along = (i[0] * m_d + i[1] * m_q) / square
    s_d, s_q = along * m_d, along * m_q
    s_d, s_q = s_d + part * (i[0] - s_d), s_q + part * (i[1] - s_q)
    return s_d, s_q, m_d - s_d, m_q - s_q


@kernel
def currents_in_kept_field(group, torque, omega, i, flux, u_max, kept, law, points):
    """Return the references of four axes for a torque, or for the largest that the limits allow, in a kept field.

    Args:
        group: The group.
        torque: Wanted torque, N m.
        omega: Mechanical speed, rad/s.
        i: Measured currents of four axes, A.
        flux: Flux that the drive estimates, Vs.
        u_max: Voltage amplitude to stay below, V.
        kept: Torque whose field is kept, N m; 0: that of least loss for each torque.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
    """
    kind = len(group)
    if kept == 0.0 or not (kind == INDUCTION or kind == EXCITED or kind == DOUBLY_FED):  # noqa: SIM109 - `in` is not compiled away
        return currents_for(group, torque, omega, i, flux, u_max, law, points)
    larger = math.copysign(max(abs(torque), kept), torque)
    wanted = currents_for(group, larger, omega, i, flux, u_max, law, points)
    if kind == INDUCTION:
        # What makes the torque is the flux that there is, which is the third reference.
        point = currents_for_torque(group, larger, law[P.p] * omega, u_max, points)
        there = torque_of(group, (point[0], point[1], law[P.l_m] * point[0], 0.0), law)
        least = LEAST_FLUX * law[P.l_m] * law[P.i_limit]
        each = torque_of(group, (0.0, 1.0, max(flux, least), 0.0), law)
        across = math.copysign(min(abs(torque), abs(there)), torque) / each
        most = math.sqrt(max(law[L.i_max] * law[L.i_max] - point[0] * point[0], 0.0))
        return point[0], min(max(across, -most), most), flux, 0.0
    there = torque_of(group, wanted, law)
    part = min(torque / there, 1.0) if there != 0.0 else 0.0
    if kind == DOUBLY_FED:
        return _across(wanted, part)
    return wanted[0], part * wanted[1], wanted[2], 0.0
