"""Discontinuous modulation: the voltage of space vectors, a third fewer commutations, the textbook's distortion."""

import gymnasium
import numpy as np
import pytest

from gym_suite.motors.carrier import bridge_duties
from gym_suite.motors.quantities import PARAMETERS, ZERO_SEQUENCES, P

U_DC = 300.0
DISCONTINUOUS = ("dpwm-min", "dpwm-max", "dpwm0", "dpwm1", "dpwm2", "dpwm3")
PERIODS = 360  # in one turn of the voltage


def duties(zero, size, angle):
    """Return the duty cycles of the three legs."""
    p = np.zeros(len(PARAMETERS))
    p[P.u_dc], p[P.zero_sequence] = U_DC, ZERO_SEQUENCES.index(zero)
    return np.array(bridge_duties(size * np.cos(angle), size * np.sin(angle), p))


def turn(zero, size):
    """Return the angles of a turn and the duty cycles there, (periods, 3)."""
    angles = (np.arange(PERIODS) + 0.5) * 2.0 * np.pi / PERIODS
    return angles, np.array([duties(zero, size, a) for a in angles])


@pytest.mark.parametrize("zero", DISCONTINUOUS)
@pytest.mark.parametrize("size", [10.0, 100.0, 173.2])
def test_the_voltage_between_the_terminals_is_that_of_space_vectors(zero, size):
    """To 1e-9 of the link's, with duty cycles in [0, 1] of which one is exactly 0 or 1 in each period."""
    _, found = turn(zero, size)
    _, expected = turn("space-vector", size)
    lines = found - np.roll(found, -1, axis=1)
    assert np.abs(lines - (expected - np.roll(expected, -1, axis=1))).max() < 1e-9
    assert found.min() >= 0.0
    assert found.max() <= 1.0
    assert ((found == 0.0) | (found == 1.0)).any(axis=1).all()


@pytest.mark.parametrize(
    ("zero", "held_high", "held_low"),
    [
        # Degrees of the voltage's angle at which the leg of phase a is held; Holmes and Lipo 2003, section 6.5.
        ("dpwm0", [(-60, 0)], [(120, 180)]),
        ("dpwm1", [(-30, 30)], [(150, 210)]),
        ("dpwm2", [(0, 60)], [(180, 240)]),
        ("dpwm3", [(-60, -30), (30, 60)], [(120, 150), (210, 240)]),
        ("dpwm-max", [(-60, 60)], []),
        ("dpwm-min", [], [(120, 240)]),
    ],
)
def test_a_leg_is_held_where_the_textbook_holds_it(zero, held_high, held_low):
    angles, found = turn(zero, 120.0)
    degrees = np.degrees(angles)
    for value, spans in ((1.0, held_high), (0.0, held_low)):
        held = np.zeros(PERIODS, dtype=bool)
        for low, high in spans:
            held |= (degrees - low) % 360.0 < high - low
        np.testing.assert_array_equal(found[:, 0] == value, held)


def commutations(zero):
    """Return how often the legs are switched within a turn, from period to period too."""
    _, found = turn(zero, 120.0)
    pulsing = 2 * np.count_nonzero((found > 0.0) & (found < 1.0))
    at_ends = found >= 1.0  # a leg without a notch is at the upper rail where periods meet
    return pulsing + np.count_nonzero(at_ends != np.roll(at_ends, 1, axis=0))


@pytest.mark.parametrize("zero", DISCONTINUOUS)
def test_a_third_of_the_commutations_is_saved(zero):
    """But for what changing the held leg takes, twelve times a turn at most."""
    assert commutations("space-vector") == 6 * PERIODS
    assert 0 <= commutations(zero) - 4 * PERIODS <= 12


def distortion(zero, depth, tau):
    """Return the rms of the harmonic flux of the phases over a turn, V s, from the pulses alone.

    Between edges the phase voltages are constant, and the flux of their difference from the mean is a straight line.
    """
    _, found = turn(zero, depth * 0.5 * U_DC)
    total = 0.0
    for row in found:
        edges = np.unique([0.0, 1.0, *(0.5 - 0.5 * row), *(0.5 + 0.5 * row)])
        middles = 0.5 * (edges[1:] + edges[:-1])
        levels = (np.abs(2.0 * middles[:, None] - 1.0) < row).astype(float)
        phases = U_DC * (levels - levels.mean(axis=1, keepdims=True))
        wanted = U_DC * (row - row.mean())
        steps = np.diff(edges)[:, None] * tau
        flux = np.concatenate([np.zeros((1, 3)), np.cumsum((phases - wanted) * steps, axis=0)])
        a, b = flux[:-1], flux[1:]
        # Of a symmetrical period the flux has no mean: its squares count.
        total += (steps * (a * a + a * b + b * b) / 3.0).sum() / 3.0
    return np.sqrt(total / (PERIODS * tau))


@pytest.mark.parametrize("zero", ["dpwm0", "dpwm1", "dpwm2", "dpwm3"])
def test_distortion_at_equal_commutations_is_larger_at_low_depth_and_smaller_at_high(zero):
    """With periods of two thirds; Holmes and Lipo 2003, section 6.6. Sines against a triangle stay above both."""
    low, high = 0.3, 1.1
    assert distortion(zero, low, 2e-4 / 3.0) > distortion("space-vector", low, 1e-4)
    assert distortion(zero, high, 2e-4 / 3.0) < distortion("space-vector", high, 1e-4)
    assert distortion("space-vector", 0.9, 1e-4) < distortion("none", 0.9, 1e-4)


def test_a_drive_is_moved_by_what_it_is_told():
    """Sampled where periods meet the currents under all zero sequences are nearly one, and not the same."""
    found = {}
    for zero in ("space-vector", "dpwm1"):
        env = gymnasium.make("gem/PMSM-v0", modulation="carrier", zero_sequence=zero)
        _, info = env.reset(seed=2)
        for k in range(30):
            *_, info = env.step(np.array([0.2, 0.1 + 0.01 * k], dtype=np.float32))
        found[zero] = np.array([info["i_sd"], info["i_sq"], info["u_sd"], info["u_sq"]])
        env.close()
    assert found["dpwm1"] == pytest.approx(found["space-vector"], abs=0.02 * 240.0)
    assert found["dpwm1"][2:] == pytest.approx(found["space-vector"][2:], abs=1e-6 * U_DC)
    assert (found["dpwm1"] != found["space-vector"]).any()
