"""Three levels by carriers: edges and currents by SciPy, spectra by double Fourier series, the neutral point kept."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import jv

import gym_suite
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.diagrams import line_voltage_diagram, record
from gym_suite.motors.disposition import balancing_shift, leg_references
from gym_suite.motors.machines import PMSM
from gym_suite.motors.pulses import leg_means, line_spectrum

CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0
U_DC, TAU = 300.0, 1e-4


def make(**keywords):
    """Return a drive whose bridge of three levels follows carriers."""
    usual = {"converter": "npc", "modulation": "carrier"}
    return gymnasium.make("gem/PMSM-v0", **(usual | keywords)).unwrapped


def compared(references):
    """Return edges (s) and positions of the legs between them, by comparison with two triangles in NumPy."""
    parts = np.abs(references) % 1.0
    parts = np.where(references < 0.0, 1.0 - parts, parts)
    edges = np.unique([0.0, TAU, *(0.5 * TAU * (1 - parts)), *(0.5 * TAU * (1 + parts))])
    triangle = np.abs(2.0 * 0.5 * (edges[1:] + edges[:-1]) / TAU - 1.0)
    upper = references[:, None] > triangle
    lower = references[:, None] > triangle - 1.0
    return edges, upper.astype(float) + lower.astype(float) - 1.0


@pytest.mark.parametrize("zero", ["none", "space-vector", "dpwm1"])
def test_currents_and_neutral_point_are_scipys_from_edge_to_edge(zero):
    """The edges by comparison with the triangles, the references by formulas written anew."""
    c, omega = 3e-4, 300.0
    env = make(
        zero_sequence=zero, c_neutral=c, dead_time=False, frame="abc", substeps=10, speed=omega / 3
    )
    _, info = env.reset(seed=1, options={"state": {"i_sd": -60.0, "i_sq": 90.0}})
    r, l_d, l_q, psi = 18e-3, 0.37e-3, 1.2e-3, 66e-3
    random, reached = np.random.default_rng(0), 0.0
    y = np.array([-60.0, 90.0, info["epsilon"], 0.0, 0.0, 0.0])
    for k in range(10):
        action = random.uniform(-0.7, 0.7, 3).astype(np.float32)
        phases = 150.0 * (action - action.mean(dtype=float)).astype(float)
        common = {"none": 0.0, "space-vector": 0.5 * (phases.max() + phases.min())}
        if zero == "dpwm1":
            common[zero] = (
                phases.max() - 150.0 if phases.max() >= -phases.min() else phases.min() + 150.0
            )
        references = (phases - common[zero]) / 150.0
        edges, positions = compared(references)
        y[4:], middle = 0.0, y[2] + 0.5 * omega * TAU
        for j in range(len(edges) - 1):
            if edges[j + 1] - edges[j] < 1e-15:
                continue
            own, at = positions[:, j], positions[:, j] == 0.0

            def slope(_, y, own=own, at=at):
                turned = np.exp(1j * y[2])
                i = ((y[0] + 1j * y[1]) * turned * np.exp(-2j / 3 * np.pi * np.arange(3))).real
                alpha, beta = CLARKE @ (150.0 * own + y[3] * at)
                u = (alpha + 1j * beta) / turned
                return [
                    (u.real - r * y[0] + omega * l_q * y[1]) / l_d,
                    (u.imag - r * y[1] - omega * (l_d * y[0] + psi)) / l_q,
                    omega,
                    -(at @ i) / (2.0 * c),
                    alpha,
                    beta,
                ]

            span = edges[j], edges[j + 1]
            y = solve_ivp(slope, span, y, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        *_, info = env.step(action)
        assert (info["i_sd"], info["i_sq"]) == pytest.approx(y[:2], abs=1e-6), k
        assert info["u_n"] == pytest.approx(y[3], abs=1e-7), k
        assert [info[f"leg_{phase}"] for phase in "abc"] == pytest.approx(references, abs=1e-12)
        shown = complex(*y[4:]) / TAU * np.exp(-1j * middle)
        assert complex(info["u_sd"], info["u_sq"]) == pytest.approx(shown, abs=1e-6)
        reached = max(reached, abs(y[3]))
    assert reached > 1.0


# -------------------------------------------------------------------------------------------------------- spectrum


def half_wave(k, n):
    """Return the integral of cos(k y) cos(n y) over abs(y) < pi / 2."""
    return sum(np.pi / 2.0 if j == 0 else np.sin(j * np.pi / 2.0) / j for j in (k - n, k + n))


def leg_line(m, n, ratio, depth):
    """Return the complex amplitude of a leg's position at m times the carrier and n times the fundamental.

    Phase disposition, regular sampling once a period, sine without a zero sequence; D. G. Holmes and T. A. Lipo, "Pulse
    Width Modulation for Power Converters", Wiley 2003, chapters 3 and 11. With q = m + n / ratio the integral of
    exp(j q x) over a pulse is 2 sin(q pi r) / q where the reference r = depth cos(y) is above 0, and
    2 (sin(q pi (1 + r)) - sin(q pi)) / q below. Jacobi and Anger turn sines and cosines of cosines into Bessel
    functions, whose harmonics are integrated over half a wave each.
    """
    q = m + n / ratio
    z, orders = q * np.pi * depth, np.arange(60)
    odd = 2 * orders + 1
    sines = 2.0 * (-1.0) ** orders * jv(odd, z)
    even = 2 * orders
    cosines = np.where(orders == 0, 1.0, 2.0) * (-1.0) ** orders * jv(even, z)
    sine_up = sum(s * half_wave(k, n) for s, k in zip(sines, odd, strict=True))
    cosine_up = sum(s * half_wave(k, n) for s, k in zip(cosines, even, strict=True))
    # On the other half wave y is pi away, where cos(k y) and cos(n y) change signs by their orders.
    flip = (-1.0) ** n
    cosine_down, sine_down = flip * cosine_up, -flip * sine_up
    plain = 2.0 * np.sin(n * np.pi / 2.0) / n * flip if n else np.pi
    inner = sine_up + np.sin(q * np.pi) * (cosine_down - plain) + np.cos(q * np.pi) * sine_down
    return inner * 2.0 / q / (2.0 * np.pi**2)


@pytest.mark.parametrize("depth", [0.35, 0.9])
def test_the_spectrum_of_the_line_voltage_is_that_of_the_double_fourier_series(depth):
    """Every line up to four times the carrier within 1e-4 of the link's voltage, so much do far lines overlap.

    That is 1 % of each line above a hundredth of that voltage.
    """
    env = make(
        zero_sequence="none",
        frame="abc",
        dead_time=False,
        speed=0.0,
        machine={"l_d": 1.0, "l_q": 1.0, "psi_p": 1e-6},
    )
    env.reset(seed=0)
    ratio, turns = 200, 4
    legs = []
    for k in range(turns * ratio):
        angle = 2.0 * np.pi * k / ratio - 2.0 / 3.0 * np.pi * np.arange(3)
        *_, info = env.step((depth * np.cos(angle)).astype(np.float32))
        legs.append([info[f"leg_{phase}"] for phase in "abc"])
    frequency, amplitude = line_spectrum(np.array(legs), TAU, U_DC, levels=3)
    found = {round(f * ratio * TAU, 6): a for f, a in zip(frequency, amplitude, strict=True)}
    lines = 0
    for m in range(5):
        for n in range(1 if m == 0 else -30, 31):
            between = abs(1.0 - np.exp(2j / 3.0 * np.pi * n))
            expected = 150.0 * between * abs(leg_line(m, n, ratio, depth))
            seen = found[float(m * ratio + n)]
            assert seen == pytest.approx(expected, abs=1e-4 * U_DC), (m, n)
            lines += expected > 0.01 * U_DC
    assert lines > 10
    assert found[1.0] == pytest.approx(np.sqrt(3.0) * 150.0 * depth, rel=1e-3)
    # The carrier itself, the largest line of a leg, is the same in all legs.
    assert found[float(ratio)] < 1e-4 * U_DC < 150.0 * abs(leg_line(1, 0, ratio, depth))


def test_three_levels_have_smaller_lines_than_two_at_the_same_carrier():
    """Of the distortion of the line voltage, weighted as an inductance does, less than 0.6 is left."""
    weighted = {}
    for converter, levels in (("two-level", 2), ("t-type", 3)):
        env = make(converter=converter, zero_sequence="space-vector", speed=150.0)
        run = record(env, gym_suite.make_controller(env), seed=1, steps=400)
        legs = leg_means(env.setup, PMSM(), run)
        frequency, amplitude = line_spectrum(legs, TAU, U_DC, levels=levels)
        high = frequency > 5e3
        weighted[levels] = np.sqrt(np.square(amplitude[high] / frequency[high]).sum())
    assert weighted[3] < 0.6 * weighted[2]


def test_the_mean_positions_of_two_levels_are_those_that_were_commanded():
    """From the told voltages at constant speed, by sines without a zero sequence, to 1e-6."""
    env = make(converter="two-level", zero_sequence="none", dead_time=False, speed=150.0)
    run = record(env, gym_suite.make_controller(env), seed=1, steps=60)
    legs = leg_means(env.setup, PMSM(), run)
    half = 0.5 * 3 * 150.0 * TAU
    for k in range(5, 55):
        asked = U_DC / np.sqrt(3.0) * complex(run["action_d"][k], run["action_q"][k])
        turned = asked * np.exp(1j * (run["epsilon"][k] - half))
        phases = (turned * np.exp(-2j / 3.0 * np.pi * np.arange(3))).real
        if np.abs(phases).max() < 150.0:
            assert legs[k] == pytest.approx(phases / 150.0, abs=1e-5), k


def test_the_diagram_of_the_line_voltage_shows_the_fundamental_and_no_carrier():
    env = make(speed=150.0)
    run = record(env, gym_suite.make_controller(env), seed=1, steps=300)
    figure = line_voltage_diagram(env, run)
    ax = figure.axes[0]
    assert "three levels" in figure.get_suptitle()
    frequency = float(ax.lines[-1].get_xdata()[0]) * 1e3
    assert frequency == pytest.approx(3 * 150.0 / (2.0 * np.pi), abs=0.5 / (300 * TAU))
    assert ax.get_xlim()[1] > 40.0


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"modulation": "averaged", "converter": "two-level"}, "follow no carrier"),
        ({"converter": "two-level", "interlocking": 1e-6}, "told without it"),
    ],
)
def test_a_run_without_such_pulses_is_not_drawn(keywords, says):
    env = make(**keywords)
    commanded = gymnasium.make("gem/PMSM-Speed-v0", control="torque", modulation="carrier")
    with pytest.raises(ValueError, match="several in a step"):
        line_voltage_diagram(commanded, Trajectory({"u_sd": np.zeros(3)}, dt=1e-3))
    with pytest.raises(ValueError, match=says):
        line_voltage_diagram(env, Trajectory({"u_sd": np.zeros(3)}, dt=TAU))


# --------------------------------------------------------------------------------------------------- neutral point


def test_no_shift_of_the_legs_brings_the_neutral_point_nearer_to_the_middle():
    """Against a grid of all shifts that the rails allow, and of equal ones the smallest is taken."""
    p, random = make(c_neutral=1e-3).setup.row, np.random.default_rng(3)
    roots = 0
    for _ in range(300):
        i = random.normal(0.0, 100.0, 3)
        i -= i.mean()
        v = random.uniform(0.0, 173.0) * np.exp(1j * random.uniform(-np.pi, np.pi))
        u_n = float(random.choice([0.0, 0.3, 5.0, -5.0, 40.0]))
        phases = (v * np.exp(-2j / 3.0 * np.pi * np.arange(3))).real / 150.0
        phases -= 0.5 * (phases.max() + phases.min())

        def later(shift, phases=phases, i=i, u_n=u_n):
            return u_n + TAU / (2.0 * 1e-3) * (np.abs(phases + shift) @ i)

        shift = balancing_shift(tuple(phases), tuple(i), u_n, p)
        room = 1.0 - phases.max()
        assert abs(shift) <= room + 1e-12
        grid = np.linspace(-room, room, 4001)
        seen = np.array([later(s) for s in grid])
        assert abs(later(shift)) <= np.abs(seen).min() + 1e-9
        crossing = grid[:-1][seen[:-1] * seen[1:] < 0.0]
        if len(crossing):
            roots += 1
            assert abs(shift) <= np.abs(crossing).min() + 2.0 * room / 4000 + 1e-9
        # Voltages between terminals are those that were asked for.
        legs = np.array(leg_references((v.real, v.imag), tuple(i), u_n, p))
        assert 150.0 * (CLARKE @ legs) == pytest.approx([v.real, v.imag], abs=1e-9)
    assert roots > 50


SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": {"l_q": 1.2, "psi_p": 0.9}},
    "delay": {"delay": 1},
    "disturbance": {"disturbance": {"u_sd": {"kind": "sine", "amplitude": 10.0, "period": 0.02}}},
}


def flown(env, seeds):
    """Return the rms of the neutral point's voltage from 60 ms on, from 20 V off, and the trips of some episodes."""
    law = gym_suite.make_controller(env, "pi")
    neutral, trips = [], 0
    for seed in range(seeds):
        observation, _ = env.reset(seed=seed, options={"state": {"u_n": 20.0}})
        state = None
        for k in range(1000):
            action, state = law.predict(observation, state)
            observation, _, terminated, _, info = env.step(action)
            trips += terminated
            if terminated:
                break
            if k >= 600:
                neutral.append(info["u_n"])
    return np.sqrt(np.mean(np.square(neutral))), trips


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_zero_sequence_balances_the_neutral_point_in_five_settings(setting):
    neutral, trips = flown(make(c_neutral=1e-2, speed=100.0, **SETTINGS[setting]), 3)
    assert trips == 0
    assert neutral < 1.0


def test_without_balancing_the_neutral_point_stays_off():
    env = make(c_neutral=1e-2, speed=100.0, zero_sequence="space-vector")
    assert flown(env, 3)[0] > 10.0


def test_a_neutral_point_beyond_a_quarter_of_the_link_trips():
    env = make(c_neutral=1e-3, zero_sequence="space-vector")
    env.reset(seed=0, options={"state": {"u_n": 0.26 * U_DC}})
    *_, terminated, _, info = env.step(np.zeros(2, np.float32))
    assert terminated and info["violation"] == 1.0


@pytest.mark.parametrize(
    ("id", "keywords", "says"),
    [
        ("gem/PMSM-v0", {"converter": "npc"}, "converter='npc' is for modulation='carrier'"),
        ("gem/PMSM-v0", {"converter": "npcc", "modulation": "carrier"}, "Did you mean 'npc'"),
        ("gem/PMSM-v0", {"c_neutral": 1e-3}, "'two-level' has no neutral point"),
        ("gem/PMSM-v0", {"modulation": "carrier", "zero_sequence": "balancing"}, "no neutral"),
        ("gem/SynRM-v0", {"converter": "npc", "modulation": "carrier", "supply": "rc"}, "ideal"),
        (
            "gem/SynRM-v0",
            {"converter": "t-type", "modulation": "carrier", "interlocking": 1e-6},
            "switch at once",
        ),
        (
            "gem/PMSM-v0",
            {"converter": "npc", "modulation": "carrier", "c_neutral": 1e-7},
            "take at least",
        ),
        ("gem/EESM-v0", {"converter": "npc", "modulation": "carrier"}, "converter"),
    ],
)
def test_three_levels_that_cannot_be_are_refused(id, keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make(id, **keywords)
