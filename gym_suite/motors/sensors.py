"""What the sensors of a drive make of its quantities: current sensors, an encoder or a resolver, as row functions.

They touch only what is observed: the plant, reward, metrics and the controllers inside the drive know the quantities as
they are. Numbers that have bounds are drawn at the beginning of an episode by its key.

A star of three phases has sensors in its phases a and b; the current of the third is what is missing to zero, as in
most drives. With an offset the currents that are shown in the rotor's frame have a ripple at the electrical frequency,
with unlike gains one at twice that; Chung and Sul, "Analysis and compensation of current measurement error in
vector-controlled AC motor drives", IEEE Trans. Ind. Appl. 34(2), 1998, doi:10.1109/28.663477.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import normal2, uniform, uniform4
from gym_suite.motors.dynamics import follow_angle
from gym_suite.motors.machines.base import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    SIX_PHASE,
    SYNCHRONOUS,
)
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import SENSORS, K, P, Q, T, X
from gym_suite.motors.transforms import SQRT3, rotate, star_axes, stars_of, turn, wrap

S = SENSORS.places

# Streams of random numbers, beside those of references, supplies and signals: what an episode draws, where it finds the
# encoder's marks and the resolver's harmonics, and the noise of a reading.
_STREAM_NUMBERS, _STREAM_PHASES, _STREAM_READING = 1 << 24, 1 << 25, 1 << 26


@kernel
def draw_numbers(key, table, numbers):
    """Fill the numbers of an episode's sensors, each uniform between its bounds.

    Args:
        key: The row's key.
        table: Lowest and highest numbers, (2, columns of SENSORS).
        numbers: Filled.
    """
    for k in range(numbers.shape[0]):
        low, high = table[0, k], table[1, k]
        part = uniform(key, 0, _STREAM_NUMBERS + k) if low < high else 0.0
        numbers[k] = low + (high - low) * part


# ------------------------------------------------------------------------------------------------------- the shaft


@kernel
def remember_shaft(x, dt, anew):
    """Keep the angle at which the encoder is read, and the one before; at a reset as if the shaft had been turning."""
    x[X.shaft_before] = x[X.position] - dt * x[X.omega] if anew else x[X.shaft_read]
    x[X.shaft_read] = x[X.position]


def follow_shaft(dt, x, mask, names):
    """Make what belongs to a shaft with an encoder follow its angle and speed, where a user has written them.

    The encoder has then been read as if the shaft had been turning at its speed.

    Args:
        dt: Control period, s.
        x: States, (n, nx).
        mask: Which rows.
        names: The columns that were written.
    """
    follow_angle(x, mask, names)
    if {"omega", "position"} & names:
        x[mask, X.shaft_read] = x[mask, X.position]
        x[mask, X.shaft_before] = x[mask, X.position] - dt * x[mask, X.omega]


@kernel
def counted_angle(angle, lines, phase):
    """Return the angle that an encoder tells, rad: the middle between two edges of its tracks.

    A line has four of them.

    Args:
        angle: Angle that the shaft has turned by since reset, rad.
        lines: Lines of a turn.
        phase: Where between two edges the shaft stood at reset, in [0, 1).
    """
    step = 0.5 * math.pi / lines
    return step * (math.floor(angle / step + phase) + 0.5 - phase)


@kernel
def shaft_shown(group, x, phases, numbers, p):
    """Return what is off in the angle of the shaft and in the electrical one (rad), and the speed shown (rad/s).

    An encoder's speed is the edges that have passed in the last control period. A resolver has as many pole pairs as
    the machine and a tracking converter without a lag of its own, whose speed is the derivative of the angle told;
    what its windings and amplifiers are off by has harmonics of the first and second order; Hanselman, "Resolver signal
    requirements for high accuracy resolver-to-digital conversion", IEEE Trans. Ind. Electron. 37(6), 1990,
    doi:10.1109/41.103461.

    Args:
        group: The group.
        x: State row.
        phases: Numbers in [0, 1) that stay for an episode: of the edges, and of the two harmonics.
        numbers: Those of the episode's sensors.
        p: Parameter row.
    """
    lines = numbers[S.encoder_lines]
    pairs, angle = 1.0, x[X.position]
    if len(group) != DC:
        pairs, angle = p[P.p], x[X.epsilon]
    if lines > 0.0:
        now = counted_angle(x[X.position], lines, phases[0])
        before = counted_angle(x[X.shaft_before], lines, phases[0])
        off = now - x[X.position] + numbers[S.encoder_offset]
        return off, pairs * off, (now - before) / (p[P.tau] * p[P.ratio])
    first = angle + 2.0 * math.pi * phases[1]
    second = 2.0 * (angle + math.pi * phases[2])
    off = numbers[S.resolver_first] * math.sin(first) + numbers[S.resolver_second] * math.sin(
        second
    )
    slope = numbers[S.resolver_first] * math.cos(first)
    slope += 2.0 * numbers[S.resolver_second] * math.cos(second)
    return off / pairs, off, x[X.omega] * (1.0 + slope)


# ------------------------------------------------------------------------------------------------------- the currents


@kernel
def reading(current, k, noise, numbers):
    """Return what a current sensor tells, A.

    Args:
        current: The current, A.
        k: The sensor's number.
        noise: A standard normal number.
        numbers: Those of the episode's sensors.
    """
    value = (1.0 + numbers[S.gain_0 + k]) * current + numbers[S.offset_0 + k]
    value += numbers[S.current_noise] * noise
    if numbers[S.current_bits] > 0.0:
        half = 2.0 ** (numbers[S.current_bits] - 1.0)
        step = numbers[S.range_0 + k] / half
        value = step * min(max(math.floor(value / step + 0.5), -half), half - 1.0)
    return value


@kernel
def star_reading(alpha, beta, k, noise, numbers):
    """Return the current vector that two sensors of a star tell, A: alpha = i_a, beta = (i_a + 2 i_b) / sqrt(3).

    Args:
        alpha: The vector, A.
        beta: Its second component, A.
        k: Number of the sensor of phase a; that of phase b follows.
        noise: Two standard normal numbers.
        numbers: Those of the episode's sensors.
    """
    a = reading(alpha, k, noise[0], numbers)
    b = reading(0.5 * (SQRT3 * beta - alpha), k + 1, noise[1], numbers)
    return a, (a + 2.0 * b) / SQRT3


@kernel
def show_currents(group, x, cosine, sine, noise, numbers, q):
    """Put the currents that the sensors tell in the place of the quantities.

    Args:
        group: The group.
        x: State row.
        cosine: Cosine of the electrical angle that the drive believes.
        sine: Its sine.
        noise: Four standard normal numbers.
        numbers: Those of the episode's sensors.
        q: Row of quantities, changed in place.
    """
    kind = len(group)
    if kind == DC:
        q[Q.i_a] = reading(q[Q.i_a], 0, noise[0], numbers)
        q[Q.i_e] = reading(q[Q.i_e], 1, noise[1], numbers)
        return
    own_cosine, own_sine = x[X.cos_epsilon], x[X.sin_epsilon]
    if kind == SIX_PHASE:
        i = stars_of((q[Q.i_sd], q[Q.i_sq], q[Q.i_sx], q[Q.i_sy]), own_cosine, own_sine)
        one = star_reading(i[0], i[1], 0, noise, numbers)
        other = star_reading(i[2], i[3], 2, (noise[2], noise[3]), numbers)
        i = star_axes((one[0], one[1], other[0], other[1]), cosine, sine)
        q[Q.i_sd], q[Q.i_sq], q[Q.i_sx], q[Q.i_sy] = i
        return
    if kind == INDUCTION:  # the frame is that of the flux which the drive estimates
        own_cosine, own_sine = q[Q.cos_rho], q[Q.sin_rho]
        cosine, sine = own_cosine, own_sine
    alpha, beta = rotate(q[Q.i_sd], q[Q.i_sq], own_cosine, own_sine)
    alpha, beta = star_reading(alpha, beta, 0, noise, numbers)
    q[Q.i_sd], q[Q.i_sq] = rotate(alpha, beta, cosine, -sine)
    if (
        kind == DOUBLY_FED
    ):  # the rotor's windings turn with it: their axes are those of its currents
        second = noise[2], noise[3]
        q[Q.i_rd], q[Q.i_rq] = star_reading(q[Q.i_rd], q[Q.i_rq], 2, second, numbers)
    if kind == EXCITED:
        q[Q.i_e] = reading(q[Q.i_e], 2, noise[2], numbers)


@called_kernel
def sense(group, x, key, step, p, tables, numbers, q):
    """Put what the sensors tell in the place of the quantities, and what follows of them.

    Args:
        group: The group.
        x: State row.
        key: The row's key.
        step: Control periods since reset.
        p: Parameter row.
        tables: The family's tables.
        numbers: Scratch for the numbers of the episode's sensors.
        q: Row of quantities, changed in place.
    """
    draw_numbers(key, tables[T.sensors], numbers)
    turned, off, omega = shaft_shown(group, x, uniform4(key, 0, _STREAM_PHASES), numbers, p)
    first, second = normal2(key, step, _STREAM_READING)
    third, fourth = normal2(key, step, _STREAM_READING + 1)
    cosine, sine = rotate(x[X.cos_epsilon], x[X.sin_epsilon], *turn(off))
    show_currents(group, x, cosine, sine, (first, second, third, fourth), numbers, q)
    q[Q.omega], q[Q.position] = omega, x[X.position] + turned
    if int(p[P.load_kind]) == VEHICLE:
        q[Q.v] = omega * p[P.wheel_radius] / p[P.gear_ratio]
    if len(group) != DC:
        q[Q.epsilon], q[Q.cos_epsilon], q[Q.sin_epsilon] = wrap(x[X.epsilon] + off), cosine, sine
    if len(group) == SYNCHRONOUS:  # as the phases carry them, whatever the drive believes
        q[Q.i_salpha], q[Q.i_sbeta] = rotate(q[Q.i_sd], q[Q.i_sq], cosine, sine)
    task = tables[T.task]
    for k in range(int(p[P.tracked])):
        q[Q.error_0 + k] = q[Q.reference_0 + k] - q[int(task[k, K.tracked])]
