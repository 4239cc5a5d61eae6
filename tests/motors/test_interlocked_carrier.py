"""Interlocked legs under a carrier: mean voltages in closed form, currents by SciPy, distortion and compensation."""

import itertools

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite
from gym_suite.motors.controllers.interlocking import compensate_interlocking
from gym_suite.motors.controllers.laws import LAW, SEEN, S
from gym_suite.motors.quantities import FRAME_ABC, FRAME_DQ, P

U_DC, TAU = 300.0, 1e-4
CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0


def standing(off, zero="none", **more):
    """Return a drive at standstill under phase voltages without dead time, and its reset with phase currents."""
    env = gymnasium.make(
        "gem/PMSM-v0",
        modulation="carrier",
        zero_sequence=zero,
        interlocking=off,
        dead_time=False,
        frame="abc",
        speed=0.0,
        **more,
    )

    def reset(phases):
        i_d, i_q = CLARKE @ phases
        env.reset(seed=0, options={"state": {"epsilon": 0.0, "i_sd": i_d, "i_sq": i_q}})

    return env, reset


def lost(duties, signs, off):
    """Return what interlocking takes from the legs' mean voltages, V; the second of two equal periods.

    While both switches are off the diodes take a leg from which current flows down and one into which it flows up: a
    pulse is shorter by the time, or a notch, as far as there is so much of it.
    """
    room = np.where(signs > 0, duties, 1.0 - duties)
    held = (duties <= 0.0) | (duties >= 1.0)
    return np.where(held, 0.0, -signs * np.minimum(off / TAU, room)) * U_DC


@pytest.mark.parametrize(
    ("phases", "duties"),
    [
        ((60.0, -20.0, -40.0), (0.5, 0.3, 0.7)),
        ((-60.0, 20.0, 40.0), (0.5, 0.3, 0.7)),
        # Pulses and notches shorter than the time, and notches shorter than twice it.
        ((60.0, -20.0, -40.0), (0.02, 0.985, 0.495)),
        ((-60.0, 20.0, 40.0), (0.02, 0.985, 0.495)),
        ((60.0, -20.0, -40.0), (0.95, 0.03, 0.52)),
        ((-60.0, 20.0, 40.0), (0.95, 0.03, 0.52)),
        ((60.0, -20.0, -40.0), (1.0, 0.0, 0.5)),  # legs that are not switched
        ((-60.0, 20.0, 40.0), (1.0, 0.0, 0.5)),
    ],
)
def test_the_mean_voltage_is_the_closed_form(phases, duties):
    """To 1e-9 of the link's, of a pulse, of one too short, across the ends of periods, and of none."""
    off, duties = 0.04 * TAU, np.array(duties)
    env, reset = standing(off, machine={"l_d": 1.0, "l_q": 1.0, "r_s": 1e-9, "i_limit": 500.0})
    reset(np.array(phases))
    action = (2.0 * duties - 1.0).astype(np.float32)
    duties = 0.5 + 0.5 * action.astype(float)
    common = duties.mean() - 0.5  # what float32 leaves of it; phase voltages have none
    env.step(action)
    *_, info = env.step(action)
    env.close()
    assert abs(common) < 1e-7
    legs = np.clip(duties - common, 0.0, 1.0)
    legs = np.where(np.abs(legs - np.round(legs)) < 1e-7, np.round(legs), legs)
    expected = CLARKE @ (U_DC * legs + lost(legs, np.sign(phases), off))
    assert (info["u_sd"], info["u_sq"]) == pytest.approx(expected, abs=1e-9 * U_DC)


def test_a_leg_that_is_held_no_longer_is_switched_where_periods_meet():
    """Discontinuous modulation: from the upper rail for a whole period to a pulse in the next one."""
    off, phases = 0.03 * TAU, np.array([60.0, -20.0, -40.0])
    env, reset = standing(
        off, "dpwm1", machine={"l_d": 1.0, "l_q": 1.0, "r_s": 1e-9, "i_limit": 500.0}
    )
    reset(phases)
    first = np.array([0.8, -0.4, -0.4], dtype=np.float32)
    second = np.array([0.3, 0.4, -0.7], dtype=np.float32)
    env.step(first)
    *_, info = env.step(second)
    env.close()
    volts = 0.5 * U_DC * second.astype(float)
    legs = (volts - volts.min()) / U_DC  # leg c is held at the lower rail
    # Leg a, from which current flows, falls with its lower diode at once, and pulses; b and c were low already.
    taken = lost(legs, np.sign(phases), off)
    expected = CLARKE @ (U_DC * legs + taken)
    assert (info["u_sd"], info["u_sq"]) == pytest.approx(expected, abs=1e-9 * U_DC)
    reset(-phases)
    env.step(first)
    *_, info = env.step(second)
    taken = lost(legs, np.sign(-phases), off)
    taken[0] += off / TAU * U_DC  # the upper diode holds leg a for the time
    expected = CLARKE @ (U_DC * legs + taken)
    assert (info["u_sd"], info["u_sq"]) == pytest.approx(expected, abs=1e-9 * U_DC)


def test_currents_are_those_of_delayed_edges():
    """Of three periods by SciPy from edge to edge, the edges delayed by the sign of each phase's current."""
    off, tau, signs = 3e-6, TAU, np.array([1.0, -1.0, -1.0])
    env, reset = standing(off, substeps=10)
    phases = np.array([80.0, -30.0, -50.0])
    reset(phases)
    y, random = np.array([*(CLARKE @ phases)]), np.random.default_rng(1)
    for _ in range(3):
        action = random.uniform(-0.2, 0.2, 3).astype(np.float32)
        volts = 0.5 * U_DC * (action - action.mean(dtype=float)).astype(float)
        duties = 0.5 + volts / U_DC
        rise = 0.5 * (1.0 - duties) * tau + np.where(signs > 0, off, 0.0)
        fall = 0.5 * (1.0 + duties) * tau + np.where(signs < 0, off, 0.0)
        edges = np.unique([0.0, tau, *rise, *fall])
        for begin, end in itertools.pairwise(edges):
            middle = 0.5 * (begin + end)
            alpha, beta = U_DC * CLARKE @ ((rise < middle) & (middle < fall)).astype(float)
            y = solve_ivp(
                lambda _, y, a=alpha, b=beta: [
                    (a - 18e-3 * y[0]) / 0.37e-3,
                    (b - 18e-3 * y[1]) / 1.2e-3,
                ],
                (begin, end),
                y,
                method="DOP853",
                rtol=1e-12,
                atol=1e-12,
            ).y[:, -1]
        *_, info = env.step(action)
        assert (info["i_sd"], info["i_sq"]) == pytest.approx(y, abs=1e-7)
    env.close()


@pytest.mark.parametrize(("converter", "short"), [("4QC", 2.0), ("2QC", 1.0), ("1QC", 0.0)])
def test_a_chopper_is_short_of_each_leg_with_two_switches(converter, short):
    """Of four quadrants both legs carry the current, of one the diode waits for nothing."""
    off, tau, part = 0.04, 1e-5, 0.6
    env = gymnasium.make(
        "gem/PermExDc-v0",
        modulation="carrier",
        converter=converter,
        interlocking=off * tau,
        dead_time=False,
        tau=tau,
        speed=150.0,
    )
    env.reset(seed=0, options={"state": {"i": 10.0}})
    *_, info = env.step(np.array([part], dtype=np.float32))
    u_dc = env.unwrapped.setup.row[env.unwrapped.setup.parameter_columns.index("u_dc")]
    env.close()
    assert info["i"] > 1.0
    assert info["u"] == pytest.approx((float(np.float32(part)) - short * off) * u_dc, rel=1e-9)


def harmonics(compensated, off):
    """Return the 5th and 7th harmonic of the phase currents of a controlled drive, A."""
    periods = 200
    env = gymnasium.make(
        "gem/PMSM-v0",
        modulation="carrier",
        interlocking=off,
        speed=2.0 * np.pi / (periods * TAU) / 3.0,
        reference={"i_sd": 0.0, "i_sq": 60.0},
    )
    law = gym_suite.make_controller(env, "pi", interlocking_compensation=compensated)
    observation, _ = env.reset(seed=0)
    state, found = None, []
    for _ in range(4 * periods):
        action, state = law.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        found.append((info["i_sd"] + 1j * info["i_sq"]) * np.exp(1j * info["epsilon"]))
    env.close()
    spectrum = np.fft.fft(found[2 * periods :]) / (2 * periods)
    assert abs(spectrum[2]) == pytest.approx(60.0, rel=0.05)
    return abs(spectrum[-10]), abs(spectrum[14])


def test_distortion_by_interlocking_falls_with_compensation():
    """The harmonics that interlocking makes, five and seven times the frequency of the currents."""
    without = np.array(harmonics(False, 0.0))
    left = np.array(harmonics(False, 3e-6))
    compensated = np.array(harmonics(True, 3e-6))
    assert (left > 10.0 * without).all()
    assert left == pytest.approx([1.6, 1.5], abs=0.05)
    assert (compensated < 0.045).all()


@pytest.mark.parametrize("frame", [FRAME_DQ, FRAME_ABC])
def test_what_is_added_is_what_the_commanded_currents_will_lose(frame):
    """Leg by leg, at the angle of the middle of the period in which the voltage acts, one and a half periods ahead."""
    law, seen = np.zeros(len(LAW)), np.zeros((1, len(SEEN)))
    law[P.frame], law[P.tau], law[P.interlocking], law[P.p] = frame, TAU, 0.03 * TAU, 3.0
    law[P.dead_time], omega, epsilon = 1.0, 400.0, 0.4
    seen[0, S.omega], seen[0, S.cosine], seen[0, S.sine] = omega, np.cos(epsilon), np.sin(epsilon)
    seen[0, S.reference_0], seen[0, S.reference_1] = -30.0, 50.0
    action = np.zeros((1, 3 if frame == FRAME_ABC else 2))
    compensate_interlocking(seen, law, action)
    turned = np.exp(1j * (epsilon + 1.5 * TAU * 3.0 * omega))
    phases = ((-30.0 + 50.0j) * turned * np.exp(-2j / 3.0 * np.pi * np.arange(3))).real
    volts = 0.03 * U_DC * np.sign(phases)
    if frame == FRAME_ABC:
        assert 0.5 * U_DC * action[0] == pytest.approx(volts)
    else:
        given = U_DC / np.sqrt(3.0) * complex(*action[0]) * turned
        assert (given.real, given.imag) == pytest.approx(CLARKE @ volts)


@pytest.mark.parametrize(
    ("id", "keywords", "says"),
    [
        ("gem/PMSM-v0", {"interlocking": 2e-6}, "is for modulation='carrier'"),
        ("gem/PMSM-v0", {"interlocking": "x"}, "interlocking must be a number, got .x"),
        (
            "gem/PMSM-v0",
            {"interlocking": 5e-5, "modulation": "carrier"},
            r"5e-05 s must be shorter than half the period, tau = 0.0001 s",
        ),
        ("gem/PMSM-v0", {"interlocking": -1e-6, "modulation": "carrier"}, "interlocking"),
    ],
)
def test_interlocking_that_cannot_be_is_refused(id, keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make(id, **keywords)


@pytest.mark.parametrize("id", ["gem/SCIM-v0", "gem/PermExDc-v0"])
def test_compensation_of_a_machine_without_its_frame_is_refused(id):
    env = gymnasium.make(id)
    with pytest.raises(ValueError, match="interlocking_compensation is for machines with d and q"):
        gym_suite.make_controller(env, "pi", interlocking_compensation=True)
