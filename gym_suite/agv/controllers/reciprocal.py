"""Optimal reciprocal collision avoidance: half-planes of velocities, and the one nearest to a wish within them.

van den Berg, Guy, Lin, Manocha, "Reciprocal n-body collision avoidance", Robotics Research, Springer Tracts in Advanced
Robotics 70, 2011 (ORCA). A half-plane is n v >= b with a unit normal n; kernels take them as rows (nx, ny, b).
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel

SLACK = 1e-12  # of a half-plane, below which it counts as kept


@called_kernel
def way_out(px, py, vx, vy, radius, horizon):
    """Return the least change of a relative velocity that ends at the velocity obstacle's rim.

    The velocity obstacle holds all relative velocities v for which a disc at p, moving towards the origin with -v,
    touches it within the horizon: a cone about p, cut off by a disc of radius / horizon about p / horizon. Where
    the discs overlap already the caller passes the time within which they are to part as the horizon.

    Args:
        px: Where the other is, m.
        py: Where the other is, m.
        vx: Velocity relative to the other's, m/s.
        vy: Velocity relative to the other's, m/s.
        radius: Sum of both radii, m.
        horizon: Time to look ahead, s.

    Returns:
        The change (ux, uy) and the normal (nx, ny) that points out of the obstacle there.
    """
    square = px * px + py * py
    wx, wy = vx - px / horizon, vy - py / horizon
    along = wx * px + wy * py
    far = square > radius * radius
    if not far or (along < 0.0 and along * along > radius * radius * (wx * wx + wy * wy)):
        length = math.sqrt(wx * wx + wy * wy)
        if length < 1e-12:  # in the very middle: back the way it came
            length, wx, wy = 1.0, -px / math.sqrt(square), -py / math.sqrt(square)
            return radius / horizon * wx, radius / horizon * wy, wx, wy
        nx, ny = wx / length, wy / length
        out = radius / horizon - length
        return out * nx, out * ny, nx, ny
    leg = math.sqrt(square - radius * radius)
    # The normal of the leg on whose side the velocity is: p turned by the cone's half angle and a quarter.
    side = 1.0 if px * wy - py * wx > 0.0 else -1.0
    nx = (-radius * px - side * leg * py) / square
    ny = (-radius * py + side * leg * px) / square
    out = -(vx * nx + vy * ny)
    return out * nx, out * ny, nx, ny


@kernel
def _on_line(planes, i, limit, wx, wy, straight):
    """Return the best velocity on the rim of half-plane i within those before it, and whether there is one.

    Best is nearest to (wx, wy) or, if ``straight``, farthest in its direction.
    """
    nx, ny, b = planes[i, 0], planes[i, 1], planes[i, 2]
    dx, dy = ny, -nx
    square = limit * limit - b * b
    if square < 0.0:
        return 0.0, 0.0, False
    high = math.sqrt(square)
    low = -high
    for j in range(i):
        slope = planes[j, 0] * dx + planes[j, 1] * dy
        rest = planes[j, 2] - b * (planes[j, 0] * nx + planes[j, 1] * ny)
        if abs(slope) < 1e-12:
            if rest > SLACK:
                return 0.0, 0.0, False
        elif slope > 0.0:
            low = max(low, rest / slope)
        else:
            high = min(high, rest / slope)
    if low > high:
        return 0.0, 0.0, False
    t = wx * dx + wy * dy
    if straight:
        t = high if t > 0.0 else low
    t = min(max(t, low), high)
    return b * nx + t * dx, b * ny + t * dy, True


@called_kernel
def nearest_velocity(planes, count, limit, wx, wy, straight):
    """Return the velocity within half-planes and a speed limit that is best by a wish; a linear programme.

    By the incremental method: half-planes are added one by one, and where the best velocity so far violates the new
    one the best one lies on its rim (de Berg et al., Computational Geometry, section 4.4).

    Args:
        planes: Half-planes (nx, ny, b), of which the first ``count`` hold.
        count: Their number.
        limit: Largest speed, m/s.
        wx: The wish, m/s.
        wy: The wish, m/s.
        straight: 0: the nearest to the wish; else the farthest in the wish's direction.

    Returns:
        vx, vy and the number of half-planes kept: ``count``, or the number of the one that cannot be kept with
        those before it.
    """
    length = math.sqrt(wx * wx + wy * wy)
    x, y = wx, wy
    if length > limit or (straight and length > 0.0):
        x, y = wx * limit / length, wy * limit / length
    for i in range(count):
        if planes[i, 0] * x + planes[i, 1] * y < planes[i, 2] - SLACK:
            qx, qy, found = _on_line(planes, i, limit, wx, wy, straight)
            if not found:
                return x, y, i
            x, y = qx, qy
    return x, y, count


@called_kernel
def least_violation(planes, hard, count, limit, wx, wy, scratch):
    """Return the velocity that keeps the first ``hard`` half-planes and violates the others least.

    Where :func:`nearest_velocity` keeps them all, it is that one. Else the largest violation is made as small as can
    be, by a linear programme in velocity and violation (section 5.3 of van den Berg et al.): the half-planes are
    added one by one, and where one is violated more than the largest so far, the best velocity is the one farthest
    out of it among those for which no earlier one is violated more.

    Args:
        planes: Half-planes (nx, ny, b).
        hard: How many of the first always hold; together they must be possible at standstill.
        count: Number of all.
        limit: Largest speed, m/s.
        wx: The wish, m/s.
        wy: The wish, m/s.
        scratch: float64 (count, 3).

    Returns:
        vx, vy and the violation, m/s.
    """
    x, y, kept = nearest_velocity(planes, count, limit, wx, wy, 0)
    if kept == count:
        return x, y, 0.0
    x, y, _ = nearest_velocity(planes, hard, limit, wx, wy, 0)
    worst = 0.0
    for i in range(hard, count):
        nx, ny, b = planes[i, 0], planes[i, 1], planes[i, 2]
        if b - nx * x - ny * y <= worst + SLACK:
            continue
        size = 0
        for j in range(hard):
            for k in range(3):
                scratch[size, k] = planes[j, k]
            size += 1
        for j in range(hard, i):
            ax, ay, rest = planes[j, 0] - nx, planes[j, 1] - ny, planes[j, 2] - b
            length = math.sqrt(ax * ax + ay * ay)
            if length > 1e-9:  # else both are violated alike
                scratch[size, 0], scratch[size, 1] = ax / length, ay / length
                scratch[size, 2] = rest / length
                size += 1
        qx, qy, kept = nearest_velocity(scratch, size, limit, nx, ny, 1)
        if kept == size:
            x, y = qx, qy
        worst = max(worst, b - nx * x - ny * y)
    return x, y, worst
