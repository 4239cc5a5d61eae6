"""Direct torque control with space-vector modulation: PI control of flux and torque in the stator flux' frame.

The amplitude of the stator's flux and the torque are controlled in place of the currents, and the voltage is modulated
(G. S. Buja and M. P. Kazmierkowski, "Direct torque control of PWM inverter-fed AC motors - a survey", IEEE Trans. Ind.
Electronics 51(4), 2004, doi:10.1109/TIE.2004.831717, section V). Along the flux the voltage changes its amplitude,
d|psi|/dt = u_x - r_s i_x, across it the angle delta from the rotor's flux, whose frame turns with omega_s:
|psi| (d delta/dt + omega_s) = u_y - r_s i_y. What the resistance takes is left to the integrals.
"""

from __future__ import annotations

import math

from gym_suite.controllers.pid import CLAMPING, pi_update
from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.cascade import weaken
from gym_suite.motors.controllers.direct_torque import flux_and_torque_for, leakage_of
from gym_suite.motors.controllers.laws import LAW, L, M, S
from gym_suite.motors.controllers.movements import part_within
from gym_suite.motors.controllers.prediction import fill_command
from gym_suite.motors.machines.base import INDUCTION
from gym_suite.motors.observer import slip
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3, hexagon_factor, rotate, turn

#: Numbers of the law: those of field-oriented control, then its own.
FLUX_LAW = LAW + Columns(
    Column("kp_along", "1/s", meaning="proportional gain of the flux' amplitude"),
    Column("ki_along", "1/s^2", meaning="integral gain of the flux' amplitude"),
    Column("kp_across", "1/s", meaning="proportional gain of the flux that lacks for the torque"),
    Column("ki_across", "1/s^2", meaning="integral gain of the flux that lacks for the torque"),
    Column("stride", "N m", meaning="largest change of the torque that is aimed at in a period"),
)
F = FLUX_LAW.places

#: Part of the slope of the torque over the flux without load below which it is not reckoned: at the load angle of the
#: largest torque no voltage across the flux changes the torque.
LEAST_SLOPE = 0.2
_TINY = 1e-9  # Vs, below a fraction bar


@kernel
def plant_of(group, flux, law):
    """Return the inductances along and across the frame (H) and the rotor's flux in the stator (Vs).

    An induction machine is in the frame of its rotor's flux a machine with magnets of that flux, behind the leakage.
    """
    if len(group) == INDUCTION:
        leakage, coupling = leakage_of(law)
        return leakage, leakage, coupling * flux
    return law[P.l_d], law[P.l_q], law[P.psi_p]


@kernel
def slopes(c, s, i_d, i_q, psi, l_d, l_q, pairs):
    """Return how the torque goes with the stator flux, N m/Vs: with its amplitude, and with what is added across it.

    They are the partial derivatives of 1.5 p (psi_d i_q - psi_q i_d) while the rotor's flux rests.

    Args:
        c: Cosine of the angle of the stator's flux from the frame.
        s: Its sine.
        i_d: Current along the frame, A.
        i_q: Current across it, A.
        psi: Amplitude of the stator's flux, Vs.
        l_d: Inductance along the frame, H.
        l_q: Inductance across it, H.
        pairs: Pole pairs.
    """
    along = c * i_q - s * i_d + psi * c * s * (1.0 / l_q - 1.0 / l_d)
    across = psi * (c * c / l_q + s * s / l_d) - c * i_d - s * i_q
    return 1.5 * pairs * along, 1.5 * pairs * across


@kernel
def _flux_and_torque_one(group, seen, memory, law, points, action):
    """Run the law on one row; fill the voltage action, update the integrals.

    Returns the stator's demanded voltage as a part of what there is at every angle.
    """
    u_dc, omega_e = law[P.u_dc], law[P.p] * seen[S.omega]
    i_d, i_q = seen[S.current_0], seen[S.current_1]
    l_d, l_q, rotor = plant_of(group, seen[S.flux], law)
    psi_d, psi_q = l_d * i_d + rotor, l_q * i_q
    psi = math.hypot(psi_d, psi_q)
    c, s = 1.0, 0.0
    if psi > _TINY:
        c, s = psi_d / psi, psi_q / psi
    present = 1.5 * law[P.p] * (psi_d * i_q - psi_q * i_d)
    # On the way to another torque the flux is that of the torques between: one that was held while the flux turns past
    # the magnets would take more current than the machine bears.
    stride = law[F.stride]
    wanted = present + min(max(seen[S.reference_0] - present, -stride), stride)
    u_max = (1.0 - memory[M.weakening]) * law[L.u_max]
    aim, torque = flux_and_torque_for(group, wanted, seen, law, points, u_max)
    along, across = slopes(c, s, i_d, i_q, psi, l_d, l_q, law[P.p])
    across = max(across, LEAST_SLOPE * 1.5 * law[P.p] * max(aim, _TINY) / l_q)
    error_x = aim - psi
    error_y = (torque - present - along * error_x) / across

    omega_s = omega_e
    if len(group) == INDUCTION:
        omega_s += slip(i_q, seen[S.flux], law)
    base_x, base_y = memory[M.integral_0], memory[M.integral_1] + omega_s * psi
    change_x, change_y = law[F.kp_along] * error_x, law[F.kp_across] * error_y
    modulation = math.hypot(base_x + change_x, base_y + change_y) * SQRT3 / u_dc
    part = part_within(base_x, base_y, change_x, change_y, u_dc / SQRT3)
    u_x, u_y = base_x + part * change_x, base_y + part * change_y
    u_d, u_q = rotate(u_x, u_y, c, s)

    ahead = turn((law[P.dead_time] + 0.5) * omega_s * law[P.tau])
    cosine, sine = rotate(seen[S.cosine], seen[S.sine], ahead[0], ahead[1])
    alpha, beta = rotate(u_d, u_q, cosine, sine)
    factor = hexagon_factor(alpha, beta, u_dc)
    memory[M.integral_0] = pi_update(
        part * error_x, base_x, law[F.ki_along], law[P.tau], u_x, factor * u_x, CLAMPING, 0.0
    )
    memory[M.integral_1] = pi_update(
        part * error_y,
        memory[M.integral_1],
        law[F.ki_across],
        law[P.tau],
        u_y,
        factor * u_y,
        CLAMPING,
        0.0,
    )
    u_axis = math.inf if int(law[P.frame]) == FRAME_ABC else u_dc / SQRT3
    real_d = min(max(factor * u_d, -u_axis), u_axis)
    real_q = min(max(factor * u_q, -u_axis), u_axis)
    fill_command((real_d, real_q), (cosine, sine), law, action)
    return modulation


@kernel
def flux_and_torque_rows(group, seen, memory, law, points, action):
    """Fill the actions of rows of direct torque control with space-vector modulation.

    Args:
        group: The group, of machines with two currents.
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`, the first reference a torque.
        memory: Rows of :data:`gym_suite.motors.controllers.laws.MEMORY`, updated; their first two integrals are those
            along and across the stator's flux.
        law: Row of :data:`FLUX_LAW`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        modulation = _flux_and_torque_one(group, seen[i], memory[i], law, points, action[i])
        weaken(modulation, memory[i], law, points)
