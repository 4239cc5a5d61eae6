"""Gains of the drones' controllers by named rules."""

from __future__ import annotations

#: Rotor lag that a lead leaves, s; bandwidths below follow from it.
LAG_LEFT = 0.02
#: Attitude bandwidth over position bandwidth.
SEPARATION = 5.0
#: How far the attitude's bandwidth is raised above that of three equal poles.
FASTER = 1.4


def geometric_gains() -> dict[str, float]:
    """Return the gains of geometric control by pole placement.

    With rotors of lag T the attitude's error obeys T s^3 + s^2 + k_o s + k_R; its three poles are put together
    at a = 1 / (3 T), so k_o = 3 a^2 T and k_R = a^3 T; then the bandwidth is raised by :data:`FASTER` at the same
    damping. The position's two poles are put together a factor :data:`SEPARATION` below a.

    Returns:
        position (1/s^2), velocity (1/s), attitude (1/s^2), rate (1/s), lag (s).
    """
    lag = LAG_LEFT
    pole = 1.0 / (3.0 * lag)
    slow = pole / SEPARATION
    return {
        "position": slow**2,
        "velocity": 2.0 * slow,
        "attitude": FASTER**2 * pole**3 * lag,
        "rate": FASTER * 3.0 * pole**2 * lag,
        "lag": lag,
    }
