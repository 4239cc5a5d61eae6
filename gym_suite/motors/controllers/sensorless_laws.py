"""Speed control without a sensor of the shaft, as row functions: an observer of the angle, and what is done with it.

A salient machine looks like a round one with its inductance across the magnets and an electromotive force that is
extended by what saliency makes of it. In the stator's frame, as complex numbers,

    l_q di/dt = u - r_s i - e,    e = (j omega_e psi_a + dpsi_a/dt) exp(j epsilon),    psi_a = psi_p + (l_d - l_q) i_d,

psi_a being the active flux; I. Boldea, M. C. Paicu and G.-D. Andreescu, "Active flux concept for motion-sensorless
unified AC drives", IEEE Trans. Power Electron. 23(5), 2008, doi:10.1109/TPEL.2008.2002394. Z. Chen, M. Tomita, S. Doki
and S. Okuma, "An extended electromotive force model for sensorless control of interior permanent-magnet synchronous
motors", IEEE Trans. Ind. Electron. 50(2), 2003, doi:10.1109/TIE.2003.809391, extend it with l_d in the place of l_q:
then all of it lies along the q axis, but turns round while i_q falls quickly at low speed, and the speed stands in the
equation of the current, where an error of it looks like one of the angle. Here dpsi_a/dt is reckoned from the measured
currents in the estimated frame, and the rest w = j omega_e psi_a exp(j epsilon) is observed. Both observers take it for
a vector of constant length that turns at the estimated speed, over a period exactly:

    i+ = phi i + gamma u + c e,    w+ = turn w,    turn = exp(j omega_e tau).

A phase-locked loop turns an axis with w; its angle and speed are the drive's. An error of the speed makes a voltage
(l_d - l_q) i_q along the d axis that the loop takes for one of the angle, so it must be slow beside
psi_a omega_e / ((l_q - l_d) i_q). That it keeps up while the drive accelerates is because it is told by how much the
machine's torque moves the nominal shaft.
"""

from __future__ import annotations

import cmath
import math

from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel
from gym_suite.motors.controllers.cascade import current_control_rows, speed_control_rows
from gym_suite.motors.controllers.deadbeat_laws import RECALLED, deadbeat_speed_rows
from gym_suite.motors.controllers.laws import LAW, MEMORY, SEEN, M
from gym_suite.motors.electrical import torque_of
from gym_suite.motors.quantities import P
from gym_suite.motors.transforms import wrap

#: Numbers of the law: those of the cascade, then its own.
SENSORLESS = LAW + Columns(
    Column("sliding", "1", 0, 1, "0: observer by pole placement, 1: sliding mode"),
    Column(
        "pole", "1", 0, 1, "pole of the observer's error in the frame that turns with the rotor"
    ),
    Column("bound", "V", 0, meaning="largest voltage by which the sliding mode corrects"),
    Column("locking", "1", 0, 1, "both poles of the phase-locked loop"),
    Column("floor", "V", 0, meaning="electromotive force below which the loop is slower"),
    Column("fastest", "rad/s", 0, meaning="largest electrical speed that the loop believes"),
    Column(
        "agility", "1/(kg m^2)", 0, meaning="electrical acceleration of the nominal shaft by 1 N m"
    ),
    Column("start_current", "A", 0, meaning="current that drags the rotor along"),
    Column("start_time", "s", 0, meaning="time for which it stands still before"),
    Column("start_patience", "s", 0, meaning="time after which the start begins anew"),
    Column(
        "start_damping", "s", 0, meaning="angle that it leads by for each rad/s that the rotor lags"
    ),
    Column("start_slope", "rad/s^2", 0, meaning="electrical acceleration of that current"),
    Column("start_speed", "rad/s", 0, meaning="electrical speed from which on the observer drives"),
    Column("periods", "1", 1, meaning="periods for which it must have been locked before"),
)
N = SENSORLESS.places

#: What the law sees: as the cascade, whose currents, speed and angle it fills, then what is measured.
PHASED = SEEN + Columns(
    Column("i_alpha", "A", meaning="measured alpha current"),
    Column("i_beta", "A", meaning="measured beta current"),
    Column("u_alpha", "V", meaning="alpha voltage commanded last"),
    Column("u_beta", "V", meaning="beta voltage commanded last"),
)
V = PHASED.places

#: What the law remembers: as the cascade, then its own.
TRACED = MEMORY + Columns(
    Column("known", "1", 0, 1, "1 if there is an earlier sample"),
    Column("i_alpha", "A", meaning="observed alpha current"),
    Column("i_beta", "A", meaning="observed beta current"),
    Column("was_alpha", "A", meaning="alpha current measured last"),
    Column("was_beta", "A", meaning="beta current measured last"),
    Column("w_alpha", "V", meaning="observed alpha component of the extended electromotive force"),
    Column("w_beta", "V", meaning="observed beta component of it"),
    Column("u_alpha", "V", meaning="alpha voltage of the period that begins"),
    Column("u_beta", "V", meaning="beta voltage of the period that begins"),
    Column("angle", "rad", -math.pi, math.pi, "electrical angle of the phase-locked loop"),
    Column("speed", "rad/s", meaning="electrical speed of the phase-locked loop"),
    Column("error", "1", -1, 1, "low-pass sine of the angle by which the loop is off"),
    Column("direction", "1", -1, 1, "1 or -1: the way that the drive turns"),
    Column("dragged_angle", "rad", -math.pi, math.pi, "angle of the current that drags the rotor"),
    Column("dragged_speed", "rad/s", 0, meaning="its speed"),
    Column("swinging", "rad/s", meaning="low-pass electrical speed of the rotor by that current"),
    Column("spent", "s", 0, meaning="time since the start began"),
    Column("locked", "1", 0, meaning="periods for which the loop has been locked, less the others"),
    Column("running", "1", 0, 1, "1: the observer drives, 0: the rotor is dragged along"),
)
R = TRACED.places
#: Places behind them of what deadbeat control remembers, and its mark that it has begun.
_OWN, _BEGUN = len(TRACED), RECALLED.places.predicted

#: Sine of the angle within which the phase-locked loop counts as locked, and part of the speed of the start within
#: which its own must be.
LOCKED, LIKE = 0.2, 0.3
#: Angle by which the dragging current leads or lags at most to damp the rotor's swinging, rad.
MOST_LEAD = 0.7
#: |z| below which (exp(z) - 1) / z is taken from its series, whose first term left out is then below 1e-14.
_SMALL = 1e-3


@kernel
def _mean_growth(z):
    """Return the mean of exp(z s) over s in [0, 1], (exp(z) - 1) / z."""
    if abs(z) < _SMALL:
        return 1.0 + z * (1.0 / 2.0 + z * (1.0 / 6.0 + z / 24.0))
    return (cmath.exp(z) - 1.0) / z


@kernel
def transition(omega_e, law):
    """Return (phi, turn, c, gamma) of one period at an electrical speed: 1, complex 1, complex A/V and A/V.

    Args:
        omega_e: Electrical speed, rad/s.
        law: Row of nominal parameters.
    """
    tau, l_q = law[P.tau], law[P.l_q]
    rate, spin = complex(-law[P.r_s] / l_q, 0.0), complex(0.0, omega_e)
    phi, turned = cmath.exp(rate * tau), cmath.exp(spin * tau)
    c = -tau / l_q * phi * _mean_growth((spin - rate) * tau)
    gamma = tau / l_q * _mean_growth(rate * tau)
    return phi, turned, c, gamma


@kernel
def changing_flux(before, after, angle, omega_e, law):
    """Return the voltage of the active flux' change, (l_d - l_q) di_d/dt, as it stands at a period's beginning, V.

    Args:
        before: Measured current at the beginning of the period, A, complex.
        after: Measured current at its end, A, complex.
        angle: Estimated electrical angle at the beginning, rad.
        omega_e: Estimated electrical speed, rad/s.
        law: Row of nominal parameters.
    """
    axis = cmath.exp(complex(0.0, angle))
    turned = axis * cmath.exp(complex(0.0, omega_e * law[P.tau]))
    change = (after * turned.conjugate()).real - (before * axis.conjugate()).real
    return (law[P.l_d] - law[P.l_q]) * change / law[P.tau] * axis


@kernel
def observed(measured, current, emf, voltage, known, omega_e, law):
    """Return the observed current (A) and extended electromotive force (V) after one more sample, complex numbers.

    By pole placement both poles of the error lie at ``pole`` turn: in the frame that turns with the rotor, where all
    rests in the steady state, each error dies as ``pole``^k.

    In discrete sliding mode the correction is the electromotive force that explains the measured current within one
    period, no longer than ``bound``: as long as it is shorter, the observed current is the measured one, and the
    correction is the equivalent control, whose low-pass value is the electromotive force's error (S. V. Drakunov and
    V. I. Utkin, "On discrete-time sliding modes", IFAC Proc. Volumes 22(3), 1989; V. Utkin, J. Guldner and J. Shi,
    "Sliding Mode Control in Electro-Mechanical Systems", 2nd ed., CRC Press 2009). The low-pass turns with the rotor,
    so that it has no lag in the steady state; the error dies as ``pole``^k there too.

    Args:
        measured: Current at the end of the period, A.
        current: Observed current at its beginning, A.
        emf: Observed electromotive force at its beginning, V.
        voltage: Voltage in the period, V.
        known: Voltage of the change of the active flux, as :func:`changing_flux` has it, V.
        omega_e: Electrical speed in the period, rad/s.
        law: Row of :data:`SENSORLESS`.
    """
    phi, turned, c, gamma = transition(omega_e, law)
    expected = phi * current + gamma * voltage + c * (emf + known)
    error, pole = measured - expected, law[N.pole]
    if law[N.sliding] > 0.0:
        correction = error / c
        size, bound = abs(correction), law[N.bound]
        if size > bound:
            correction *= bound / size
        return expected + c * correction, turned * (emf + (1.0 - pole) * correction)
    # The errors turn by ((1 - m_1) phi, (1 - m_1) c; -m_2 phi, turned - m_2 c): both poles are to be pole turned.
    left = pole * pole * turned / phi
    m_2 = turned * (1.0 - pole) * (1.0 - pole) / c
    return expected + (1.0 - left) * error, turned * emf + m_2 * error


@kernel
def _lock(emf, torque, memory, law):
    """Move the phase-locked loop by one sample, both poles of its error at one place, by pole placement.

    Args:
        emf: Observed electromotive force, V, complex.
        torque: Torque of the machine in the period, as far as it is known, N m.
        memory: Row of :data:`TRACED`, updated.
        law: Row of :data:`SENSORLESS`.
    """
    tau, z = law[P.tau], law[N.locking]
    gained = law[N.agility] * torque * tau
    expected = memory[R.angle] + (memory[R.speed] + 0.5 * gained) * tau
    axis = cmath.exp(complex(0.0, expected + 0.5 * math.pi))
    size = max(abs(emf), law[N.floor])
    error = memory[R.direction] * (emf * axis.conjugate()).imag / size
    speed = memory[R.speed] + gained + (1.0 - z) * (1.0 - z) / tau * error
    memory[R.angle] = wrap(expected + (1.0 - z * z) * error)
    memory[R.speed] = min(max(speed, -law[N.fastest]), law[N.fastest])
    memory[R.error] += (1.0 - z) * (error - memory[R.error])


@kernel
def trace(group, seen, memory, law):
    """Update what is known of currents, electromotive force, angle and speed by one sample; one row.

    Args:
        group: The group.
        seen: Row of :data:`PHASED`.
        memory: Row of :data:`TRACED`, updated.
        law: Row of :data:`SENSORLESS`.
    """
    measured = complex(seen[V.i_alpha], seen[V.i_beta])
    commanded = complex(seen[V.u_alpha], seen[V.u_beta])
    if memory[R.known] == 0.0:
        memory[R.known] = 1.0
        memory[R.direction] = -1.0 if seen[V.reference_0] < 0.0 else 1.0
        current, emf = measured, 0.0j
    else:
        voltage = commanded
        if law[P.dead_time] > 0.0:  # what was commanded a period before has acted
            voltage = complex(memory[R.u_alpha], memory[R.u_beta])
        current = complex(memory[R.i_alpha], memory[R.i_beta])
        emf = complex(memory[R.w_alpha], memory[R.w_beta])
        before = complex(memory[R.was_alpha], memory[R.was_beta])
        speed = memory[R.speed]
        known = changing_flux(before, measured, memory[R.angle], speed, law)
        current, emf = observed(measured, current, emf, voltage, known, speed, law)
        torque = 0.0
        if memory[R.running] > 0.0:  # before, nothing is known of the angle
            axis = cmath.exp(complex(0.0, -memory[R.angle]))
            inside = before * axis
            torque = torque_of(group, (inside.real, inside.imag, 0.0, 0.0), law)
        _lock(emf, torque, memory, law)
    memory[R.i_alpha], memory[R.i_beta] = current.real, current.imag
    memory[R.was_alpha], memory[R.was_beta] = measured.real, measured.imag
    memory[R.w_alpha], memory[R.w_beta] = emf.real, emf.imag
    memory[R.u_alpha], memory[R.u_beta] = commanded.real, commanded.imag


@kernel
def _drag(memory, law):
    """Move the current that aligns the rotor and drags it along by one period; return the angle of that current, rad.

    It stands still and then turns. A rotor in such a field is a pendulum without friction: the electromotive force
    across the current tells its speed while it is not far off, and the current leads by as much as the rotor lags. If
    the observer has not locked in time all begins anew, from an angle a
    quarter of a turn on.
    """
    tau, direction = law[P.tau], memory[R.direction]
    if memory[R.spent] >= law[N.start_patience]:
        memory[R.spent] = memory[R.dragged_speed] = 0.0
        memory[R.dragged_angle] = wrap(memory[R.dragged_angle] + 0.5 * math.pi)
    memory[R.spent] += tau
    if memory[R.spent] > law[N.start_time]:
        speed = memory[R.dragged_speed] + law[N.start_slope] * tau
        memory[R.dragged_speed] = min(speed, law[N.start_speed])
    forced = direction * memory[R.dragged_speed]
    memory[R.dragged_angle] = wrap(memory[R.dragged_angle] + forced * tau)
    axis = cmath.exp(complex(0.0, memory[R.dragged_angle]))
    emf = complex(memory[R.w_alpha], memory[R.w_beta])
    across = (emf * axis.conjugate()).imag / law[P.psi_p]
    memory[R.swinging] += (1.0 - law[N.locking]) * (across - memory[R.swinging])
    lead = law[N.start_damping] * (forced - memory[R.swinging])
    return memory[R.dragged_angle] + min(max(lead, -MOST_LEAD), MOST_LEAD)


@kernel
def _look(seen, angle, speed, law):
    """Fill what the cascade sees in a frame at an electrical angle (rad) that turns at an electrical speed (rad/s)."""
    axis = cmath.exp(complex(0.0, angle))
    current = complex(seen[V.i_alpha], seen[V.i_beta]) * axis.conjugate()
    seen[V.current_0], seen[V.current_1] = current.real, current.imag
    seen[V.cosine], seen[V.sine], seen[V.omega] = axis.real, axis.imag, speed / law[P.p]


@kernel
def _is_locked(memory, law):
    """Return whether the phase-locked loop turns with the current that drags the rotor, at the speed of the start."""
    start = law[N.start_speed]
    differs = abs(memory[R.direction] * memory[R.speed] - start) > LIKE * start
    return memory[R.dragged_speed] >= start and not differs and abs(memory[R.error]) < LOCKED


@kernel
def _hand_over(group, seen, memory, law):
    """Let the observer drive from now on: integrals turn into its frame, the speed's is the torque that there is."""
    integral = complex(memory[R.integral_0], memory[R.integral_1])
    integral *= cmath.exp(complex(0.0, memory[R.dragged_angle] - memory[R.angle]))
    memory[R.integral_0], memory[R.integral_1] = integral.real, integral.imag
    currents = seen[V.current_0], seen[V.current_1], 0.0, 0.0
    memory[R.integral_speed] = torque_of(group, currents, law)
    memory[R.running] = 1.0


@kernel
def drives(group, seen, memory, law):
    """Update what is known of the shaft by one sample and fill what the cascade sees; one row.

    A current of constant length aligns the rotor and drags it along (I/f start; Z. Wang, K. Lu and F. Blaabjerg, "A
    simple startup strategy based on current regulation for back-EMF-based sensorless control of PMSM", IEEE Trans.
    Power Electron. 27(8), 2012). Once the phase-locked loop has been locked for some periods above the speed of the
    start, the drive takes its angle and speed for the shaft's. It keeps its direction and goes no slower than that
    speed, below which little is seen.

    Args:
        group: The group.
        seen: Row of :data:`PHASED`; what the cascade sees is filled: references of a speed where the observer drives,
            and of the currents that drag the rotor along where it does not.
        memory: Row of :data:`TRACED`, updated.
        law: Row of :data:`SENSORLESS`.

    Returns:
        Whether the observer drives.
    """
    trace(group, seen, memory, law)
    direction = memory[R.direction]
    _look(seen, memory[R.angle], memory[R.speed], law)
    if memory[R.running] == 0.0:
        # Noise that takes it out for single periods is no loss.
        memory[R.locked] = max(memory[R.locked] + (1.0 if _is_locked(memory, law) else -1.0), 0.0)
        if memory[R.locked] >= law[N.periods]:
            _hand_over(group, seen, memory, law)
    if memory[R.running] > 0.0:
        slowest = law[N.start_speed] / law[P.p]
        seen[V.reference_0] = direction * max(direction * seen[V.reference_0], slowest)
        return True
    angle = _drag(memory, law)
    _look(seen, angle, direction * memory[R.dragged_speed], law)
    seen[V.reference_0], seen[V.reference_1] = law[N.start_current], 0.0
    return False


@kernel
def sensorless_rows(group, seen, memory, law, points, action):
    """Fill the voltage actions of rows of the cascade of speed control without a sensor of the shaft.

    Args:
        group: The group.
        seen: Rows of :data:`PHASED`; what the cascade sees is filled.
        memory: Rows of :data:`TRACED`, updated.
        law: Row of :data:`SENSORLESS`.
        points: Table of the machine's operating points.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row, own, filled = seen[i : i + 1], memory[i : i + 1], action[i : i + 1]
        if drives(group, seen[i], memory[i], law):
            speed_control_rows(group, row, own, law, points, filled)
        else:
            current_control_rows(group, row, own, law, filled)


@kernel
def sensorless_deadbeat_rows(group, seen, memory, choice, law, points, search, action):
    """Fill the voltage actions of rows of speed control above deadbeat or predictive control of the currents.

    The cascade drags the rotor along; where the observer drives, the currents are controlled in its frame.

    Args:
        group: The group.
        seen: Rows of :data:`PHASED`; what the cascade sees is filled.
        memory: Rows of :data:`TRACED`, and behind it of
            :data:`gym_suite.motors.controllers.deadbeat_laws.RECALLED`, updated.
        choice: Row of :data:`gym_suite.motors.controllers.deadbeat_laws.DEADBEAT`.
        law: Row of :data:`SENSORLESS`.
        points: Table of the machine's operating points.
        search: Row of :data:`gym_suite.motors.controllers.rollout.ROLLOUT`, or an empty tuple for no search.
        action: Rows of actions, filled.
    """
    for i in range(seen.shape[0]):
        row, filled = seen[i : i + 1], action[i : i + 1]
        if drives(group, seen[i], memory[i], law):
            own = memory[i : i + 1, _OWN:]
            if own[0, _BEGUN] == 0.0:
                own[0, M.integral_speed] = memory[i, M.integral_speed]
            deadbeat_speed_rows(group, row, own, choice, law, points, search, filled)
        else:
            current_control_rows(group, row, memory[i : i + 1], law, filled)
