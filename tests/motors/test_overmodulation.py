"""Over-modulation: fundamentals by numerical Fourier integrals, nearest points by a search of the hexagon's outline."""

import math

import gymnasium
import numpy as np
import pytest

from gym_suite.motors.converters import rotor_voltage, star_voltages, stator_voltage
from gym_suite.motors.overmodulation import (
    HEXAGON,
    MOST_FUNDAMENTAL,
    SIX_STEP,
    fundamental_of,
    overmodulated,
)
from gym_suite.motors.quantities import FRAME_DQ, PARAMETERS, P

U_DC = 300.0
CIRCLE, LAST = U_DC / math.sqrt(3.0), 2.0 * U_DC / math.pi
CORNERS = 2.0 / 3.0 * U_DC * np.exp(1j * np.pi / 3.0 * np.arange(6))
PERIODS = 600  # of the converter in one turn of the voltage
STILL = {"l_d": 1.0, "l_q": 1.0, "psi_p": 1e-6, "u_dc": U_DC}  # hardly any current flows


def outline(points):
    """Return the hexagon's outline, six edges of so many points."""
    part = np.linspace(0.0, 1.0, points, endpoint=False)
    return np.concatenate(
        [a + part * (b - a) for a, b in zip(CORNERS, np.roll(CORNERS, -1), strict=True)]
    )


def given(size, angles):
    """Return the voltages of the package for commands of one size at these angles, complex."""
    return np.array(
        [complex(*overmodulated(size * math.cos(a), size * math.sin(a), U_DC)) for a in angles]
    )


def harmonic(voltages, angles, order):
    """Return the amplitude of a harmonic of a voltage over one turn, positive and negative sequence by its sign."""
    return (voltages * np.exp(-1j * order * angles)).mean()


@pytest.fixture(scope="module")
def turn():
    return (np.arange(3600) + 0.5) * 2.0 * np.pi / 3600


def test_the_fundamental_is_the_command_up_to_six_step_operation(turn):
    """Within 1e-4 of 2 u_dc / pi, in phase, growing with the command, and no voltage outside the hexagon."""
    before = 0.0
    for size in np.concatenate([np.linspace(0.2, 1.4, 61) * CIRCLE, [LAST - 1e-6, LAST, LAST + 1]]):
        voltages = given(size, turn)
        found = harmonic(voltages, turn, 1)
        assert found.real == pytest.approx(min(size, LAST), abs=1e-4 * LAST), size
        assert abs(found.imag) < 1e-9 * U_DC
        assert found.real >= before - 1e-9 * U_DC
        before = found.real
        for middle in np.pi / 6.0 + np.pi / 3.0 * np.arange(6):
            assert (voltages * np.exp(-1j * middle)).real.max() <= CIRCLE * (1 + 1e-12)


def test_six_step_operation_has_the_spectrum_of_a_square_wave(turn):
    """Only corners, and harmonics 6 k +- 1 of one over their order; Holmes and Lipo 2003, section 1.4."""
    voltages = given(1.2 * CIRCLE, turn)
    assert np.abs(voltages[:, None] - CORNERS).min(axis=1).max() < 1e-9 * U_DC
    for order in (-5, 7, -11, 13):
        assert abs(harmonic(voltages, turn, order)) == pytest.approx(LAST / abs(order), rel=1e-3)


@pytest.mark.parametrize("length", [1.05, 1.1547, 1.3, 3.0])
def test_the_voltage_is_the_nearest_point_of_the_hexagon(length, turn):
    """Of a longer vector whose fundamental the closed form gives; a vector within the hexagon is its own."""
    size = fundamental_of(1.0 / length)[0] * CIRCLE
    hexagon, some = outline(2000), turn[::50]
    for angle, voltage in zip(some, given(size, some), strict=True):
        longer = length * CIRCLE * np.exp(1j * angle)
        inside = abs(longer) * math.cos((angle % (np.pi / 3)) - np.pi / 6) <= CIRCLE
        nearest = longer if inside else hexagon[np.abs(hexagon - longer).argmin()]
        assert abs(voltage - nearest) < 2e-4 * U_DC


def test_the_closed_form_of_the_gain_is_its_integral():
    """And its derivative is that of the closed form, in both regions and to either side of where they meet."""
    angles = (np.arange(200_000) + 0.5) * np.pi / 6.0 / 200_000  # from an edge's middle to a corner
    for length in (1.0001, 1.1, 1.1546, 1.1548, 1.5, 8.0):
        along = np.minimum(length * np.cos(angles), 1.0)
        across = np.minimum(length * np.sin(angles), 1.0 / math.sqrt(3.0))
        integral = (along * np.cos(angles) + across * np.sin(angles)).mean()
        size, slope = fundamental_of(1.0 / length)
        assert size == pytest.approx(integral, rel=1e-9)
        h = 1e-6
        ahead, behind = fundamental_of(1.0 / length + h)[0], fundamental_of(1.0 / length - h)[0]
        if length > 1.001:  # a step further would be within the circle
            assert slope == pytest.approx((ahead - behind) / (2.0 * h), rel=1e-4)
    assert fundamental_of(1e-6)[0] == pytest.approx(MOST_FUNDAMENTAL, rel=1e-9)


def turned(modulation, size, **more):
    """Return the mean voltages of the periods of one turn of a command of constant size, in the rotor's frame."""
    env = gymnasium.make(
        more.pop("id", "gem/PMSM-v0"),
        machine=STILL,
        modulation=modulation,
        speed=2.0 * np.pi / (PERIODS * 1e-4) / 3.0,
        **more,
    )
    env.reset(seed=3)
    action = size / CIRCLE * np.array([0.6, 0.8], dtype=np.float32)
    found = []
    for _ in range(PERIODS + 1):
        *_, info = env.step(action)
        found.append(complex(info["u_sd"], info["u_sq"]))
    env.close()
    return np.array(found[1:])  # the first is that of the dead time


@pytest.mark.parametrize("modulation", ["averaged", "carrier"])
def test_drives_reach_the_commanded_fundamental_where_the_hexagon_ends_at_95_percent(modulation):
    """Within 0.5 %, with 100 periods an edge: in the turning frame the mean over a turn is the fundamental."""
    for size in (0.5, 1.0, 1.03, 1.06, 1.09, 1.15):
        expected = min(size * CIRCLE, LAST)
        found = turned(modulation, size * CIRCLE, overmodulation="six-step").mean()
        assert abs(found - expected * (0.6 + 0.8j)) < 0.005 * LAST, size
    cut = abs(turned(modulation, 1.15 * CIRCLE).mean())
    assert cut == pytest.approx(3.0 * math.log(3.0) / math.pi * CIRCLE, rel=0.002)


def test_within_the_circle_nothing_changes():
    """To the last digits: a drive that may over-modulate goes another way through the code."""
    usual = turned("averaged", 0.97 * CIRCLE)
    over = turned("averaged", 0.97 * CIRCLE, overmodulation="six-step")
    assert over == pytest.approx(usual, rel=1e-12)


def test_every_bridge_over_modulates():
    """Stator, fed rotor and each of two stars: what is asked beyond six-step operation is a corner."""
    p = np.zeros(len(PARAMETERS))
    p[P.u_dc], p[P.frame] = U_DC, FRAME_DQ
    u, still = np.full(4, 0.95), (1.0, 0.0, 1.0, 0.0)
    stars = star_voltages(SIX_STEP, u * [1.0, 1.0, 0.0, 0.0], *still, p)
    pairs = stator_voltage(SIX_STEP, u, *still, p), rotor_voltage(SIX_STEP, u, p)
    for pair in (*pairs, stars[:2], stars[2:]):
        assert np.abs(complex(*pair) - CORNERS).min() < 1e-9 * U_DC
        assert np.hypot(*pair) == pytest.approx(2.0 / 3.0 * U_DC)
    for pair in (stator_voltage(HEXAGON, u, *still, p), rotor_voltage(HEXAGON, u, p)):
        assert pair[0] == pytest.approx(pair[1])  # its direction is kept


@pytest.mark.parametrize(
    ("id", "keywords", "says"),
    [
        ("gem/PMSM-v0", {"overmodulation": "six step"}, "Did you mean 'six-step'"),
        (
            "gem/PMSM-Speed-v0",
            {"overmodulation": "six-step", "control": "torque"},
            "stays within the hexagon",
        ),
        ("gem/PMSM-v0", {"overmodulation": "six-step", "frame": "abc"}, "for frame='dq'"),
        (
            "gem/PMSM-v0",
            {"overmodulation": "six-step", "modulation": "carrier", "zero_sequence": "none"},
            "another zero_sequence than 'none'",
        ),
        ("gem/PermExDc-v0", {"overmodulation": "six-step"}, "overmodulation"),
        ("gem/PMSM-Finite-v0", {"overmodulation": "six-step"}, "overmodulation"),
    ],
)
def test_over_modulation_that_cannot_be_is_refused(id, keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make(id, **keywords)
