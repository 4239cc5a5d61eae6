"""How much of what it is to do a current may do at once: within a voltage, and within its limit."""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel

#: Part of a converter's voltage that may move coupled currents even where what holds them uses all of it: the way to
#: currents that need less voltage must not be closed.
LEAST_CHANGE = 0.4


@kernel
def part_within(base_a, base_b, change_a, change_b, radius):
    """Return the largest part in [0, 1] of a change that keeps base + part * change within a circle, or is small."""
    square = change_a * change_a + change_b * change_b
    along = base_a * change_a + base_b * change_b
    room = radius * radius - base_a * base_a - base_b * base_b
    if square == 0.0 or square + 2.0 * along <= room:
        return 1.0
    small = min(LEAST_CHANGE * radius / math.sqrt(square), 1.0)
    if room <= 0.0:
        return small
    # The positive root of |base + part * change| = radius.
    return max((math.sqrt(along * along + square * room) - along) / square, small)


@kernel
def part_from_circle(i_d, i_q, along_d, along_q, ahead_d, ahead_q, radius):
    """Return the largest part of a movement of a current that keeps it within a circle, or lets it not leave further.

    Args:
        i_d: Current, A.
        i_q: Current, A.
        along_d: What it moves by, A.
        along_q: What it moves by, A.
        ahead_d: Where it is to come in the end, A, which is always allowed.
        ahead_q: Where it is to come in the end, A.
        radius: Of the circle, A.
    """
    square = along_d * along_d + along_q * along_q
    most = max(radius * radius, ahead_d * ahead_d + ahead_q * ahead_q)
    outwards = i_d * along_d + i_q * along_q
    room = most - i_d * i_d - i_q * i_q
    if square == 0.0 or square + 2.0 * outwards <= room:
        return 1.0
    root = math.sqrt(max(outwards * outwards + square * room, 0.0))
    return min(max((root - outwards) / square, 0.0), 1.0)
