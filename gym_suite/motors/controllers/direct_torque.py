"""Direct torque control: flux and torque of the stator by a table of switching states, as row functions.

I. Takahashi and T. Noguchi, "A new quick-response and high-efficiency control strategy of an induction motor", IEEE
Trans. Ind. Appl. 22(5), 1986, doi:10.1109/TIA.1986.4504799; for machines with magnets L. Zhong, M. F. Rahman, W. Y. Hu
and K. W. Lim, "Analysis of direct torque control in permanent magnet synchronous motor drives", IEEE Trans. Power
Electronics 12(3), 1997, doi:10.1109/63.575680.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.laws import L, S, currents_for
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.controllers.switched_laws import believed, positions, predicted
from gym_suite.motors.electrical import coefficients
from gym_suite.motors.loads import shaft
from gym_suite.motors.machines.base import INDUCTION
from gym_suite.motors.quantities import P
from gym_suite.motors.transforms import rotate, turn

#: Settings of the law, one row.
DIRECT = Columns(
    Column("flux_band", "1", meaning="half the flux' hysteresis, as a part of its reference"),
    Column("torque_band", "1", meaning="half the torque's hysteresis, as a part of the largest"),
    Column("guard", "A", meaning="current from which on flux and torque are led to none"),
)
D = DIRECT.places

#: What the law remembers.
LEVELS = Columns(
    Column("flux", meaning="1: the flux is to grow, -1: to shrink, 0: not yet told"),
    Column("torque", meaning="1: the torque is to grow, -1: to fall, 0: neither"),
)
H = LEVELS.places

#: Part of the rotor's flux in waiting below which an induction machine is given no torque, but flux.
BUILT_UP = 0.5

#: Switching states 4 a + 2 b + c of the voltages at 0, 60, ... 300 degrees from phase a.
ACTIVE_STATES = np.array([4.0, 6.0, 2.0, 3.0, 1.0, 5.0])
SEXTANT = math.pi / 3.0


@kernel
def leakage_of(law):
    """Return the leakage inductance that the stator sees (H), and its coupling with the rotor's flux, l_m / l_r."""
    coupling = law[P.l_m] / (law[P.l_m] + law[P.l_sigr])
    return law[P.l_m] + law[P.l_sigs] - coupling * law[P.l_m], coupling


@kernel
def _linkage(group, i_d, i_q, flux, law):
    """Return the stator's flux along and across the drive's frame by the nominal machine, Vs."""
    if len(group) == INDUCTION:
        leakage, coupling = leakage_of(law)
        return leakage * i_d + coupling * flux, leakage * i_q
    return law[P.l_d] * i_d + law[P.psi_p], law[P.l_q] * i_q


@kernel
def flux_and_torque_for(group, torque, seen, law, points, u_max):
    """Return the stator flux (Vs) and the torque (N m) to lead to: those of the currents of least loss for a torque.

    What flux and torque these currents have, the machine has at no other currents within the limits, so that their
    limits are those of flux and torque. The rotor's flux of an induction machine follows slowly, and the stator's is
    led to where the current along it, within what the one across it leaves of the limit, moves the rotor's to its aim.

    Args:
        group: The group.
        torque: Wanted torque, N m.
        seen: Row of :data:`gym_suite.motors.controllers.laws.SEEN`.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
        u_max: Voltage amplitude to stay below, V.
    """
    omega, flux = seen[S.omega], seen[S.flux]
    i = seen[S.current_0], seen[S.current_1], 0.0, 0.0
    if len(group) == INDUCTION:
        waiting = currents_for_torque(group, 0.0, law[P.p] * omega, u_max, points)[0]
        if flux < BUILT_UP * law[P.l_m] * waiting:
            torque = 0.0
    wanted = currents_for(group, torque, omega, i, flux, u_max, law, points)
    i_d, i_q = wanted[0], wanted[1]
    if len(group) == INDUCTION:
        leakage, coupling = leakage_of(law)
        room = math.sqrt(max(law[L.i_max] * law[L.i_max] - i_q * i_q, 0.0))
        i_d = ((law[P.l_m] + law[P.l_sigs]) * i_d - coupling * flux) / leakage
        i_d = min(max(i_d, -room), room)
    psi_d, psi_q = _linkage(group, i_d, i_q, flux, law)
    return math.hypot(psi_d, psi_q), 1.5 * law[P.p] * (psi_d * i_q - psi_q * i_d)


@kernel
def two_levels(error, band, level):
    """Return the level of a hysteresis with two: 1 from an error above the band on, -1 from one below it."""
    if error > band or (level == 0.0 and error >= 0.0):
        return 1.0
    if error < -band or level == 0.0:
        return -1.0
    return level


@kernel
def three_levels(error, band, level):
    """Return the level of a hysteresis with three: 1 or -1 from an error beyond the band until its sign changes."""
    if error > band:
        return 1.0
    if error < -band:
        return -1.0
    return level if level * error > 0.0 else 0.0


@kernel
def switching_state(angle, flux_level, torque_level, upper):
    """Return the switching state of Takahashi's and Noguchi's table.

    In the sextant k about the voltage k the voltage k + 1 makes flux and torque grow, k + 2 the torque alone, k - 1 the
    flux alone, and k - 2 neither; a zero state holds the flux, and the torque falls towards that of standing windings.

    Args:
        angle: Of the stator's flux from phase a, rad.
        flux_level: 1 or -1.
        torque_level: 1, 0 or -1.
        upper: Number of legs at the upper rail, by which the nearer of the two zero states is taken.
    """
    if torque_level == 0.0:
        return 7.0 if upper >= 2.0 else 0.0
    sextant = math.floor(angle / SEXTANT + 0.5)
    turned = 1 if flux_level > 0.0 else 2
    return ACTIVE_STATES[(sextant + (turned if torque_level > 0.0 else -turned)) % 6]


@kernel
def direct_torque_rows(group, seen, last, memory, law, points, direct, action):
    """Fill the switching states of rows by direct torque control.

    Flux and torque are those that the nominal machine has at the measured currents, of an induction machine at the flux
    that the drive observes; with dead time at the currents that the state commanded last leads to. Where the current is
    above the guard they are led to those without a current of the stator's.

    Args:
        group: The group.
        seen: Rows of :data:`gym_suite.motors.controllers.laws.SEEN`, the first reference a torque.
        last: Rows of the legs' positions that were commanded last, (n, 6).
        memory: Rows of :data:`LEVELS`, updated.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        points: Table of the machine's operating points.
        direct: Row of :data:`DIRECT`.
        action: Rows of switching states, (n, 1), filled.
    """
    load, k = shaft(law, 0.0), coefficients(group, law)
    for j in range(seen.shape[0]):
        row = seen[j]
        cosine, sine, flux = row[S.cosine], row[S.sine], row[S.flux]
        i = row[S.current_0], row[S.current_1], 0.0, 0.0
        s, legs = believed(group, i, row, law), positions(last[j])
        if law[P.dead_time] > 0.0:
            s = predicted(group, s, legs, cosine, sine, k, load, law)
        i_a, i_b = s[1], s[2]
        if len(group) == INDUCTION:
            leakage, coupling = leakage_of(law)
            psi_a, psi_b = leakage * i_a + coupling * s[3], leakage * i_b + coupling * s[4]
        else:
            psi_d, psi_q = _linkage(group, i_a, i_b, flux, law)
            ahead = rotate(cosine, sine, *turn(s[5]))
            psi_a, psi_b = rotate(psi_d, psi_q, ahead[0], ahead[1])
            i_a, i_b = rotate(i_a, i_b, ahead[0], ahead[1])
        aim, torque = flux_and_torque_for(group, row[S.reference_0], row, law, points, law[L.u_max])
        if math.hypot(i_a, i_b) > direct[D.guard]:
            aim, torque = _linkage(group, 0.0, 0.0, flux, law)[0], 0.0
        error = torque - 1.5 * law[P.p] * (psi_a * i_b - psi_b * i_a)
        short = aim - math.hypot(psi_a, psi_b)
        memory[j, H.flux] = two_levels(short, direct[D.flux_band] * aim, memory[j, H.flux])
        band = direct[D.torque_band] * law[P.torque_limit]
        memory[j, H.torque] = three_levels(error, band, memory[j, H.torque])
        upper = 0.0
        for m in range(3):
            upper += 1.0 if legs[m] > 0.0 else 0.0
        angle = math.atan2(psi_b, psi_a)
        action[j, 0] = switching_state(angle, memory[j, H.flux], memory[j, H.torque], upper)
