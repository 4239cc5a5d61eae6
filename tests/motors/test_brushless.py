"""The brushless DC machine: windings and diodes by SciPy, commutation by its closed form, energy, and its control."""

import math
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite
from gym_suite.motors import simulate
from gym_suite.motors.commutated import conducting, sector_of
from gym_suite.motors.diagrams import phase_diagram, record
from gym_suite.motors.idle_leg import idle_coefficients, pulsed_with_idle_leg
from gym_suite.motors.machines import BLDC
from gym_suite.motors.quantities import P
from gym_suite.motors.trapezoid import phase_shapes, trapezoid
from gym_suite.registration import card

R, L, PSI, PAIRS, U_DC = 0.2865, 150.5e-6, 2.525e-3, 8, 24.0
FLAT = 2.0 * np.pi / 3.0
CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0


def make(id="gem/BLDC-v0", **keywords):
    return gymnasium.make(id, **keywords).unwrapped


def phases(info):
    """Return the three currents that an environment tells."""
    return np.linalg.pinv(CLARKE) @ [info["i_salpha"], info["i_sbeta"]]


def shape(angle, flat=FLAT):
    """Return what magnets induce in the phases, by interpolation between the trapezoid's corners."""
    edge = 0.5 * (np.pi - flat)
    corners = [-np.pi, -np.pi + edge, -edge, edge, np.pi - edge, np.pi]
    at = angle - 2.0 * np.pi / 3.0 * np.arange(3)
    at = (at + np.pi) % (2.0 * np.pi) - np.pi
    return -np.interp(at, corners, [0.0, -1.0, -1.0, 1.0, 1.0, 0.0])


def test_trapezoids_have_their_tops_and_are_straight_between_them():
    for flat in (0.0, 1.0, FLAT, np.pi):
        for angle in np.linspace(-7.0, 7.0, 301):
            if flat < np.pi or abs(math.sin(angle)) > 1e-2:
                assert phase_shapes(angle, flat) == pytest.approx(shape(angle, flat), abs=1e-12)
    assert trapezoid(0.5 * np.pi, 1.0) == 1.0


def test_the_two_phases_that_conduct_are_those_at_their_tops():
    """In each of the six sectors one has all of the positive voltage and one all of the negative."""
    seen = set()
    for angle in np.linspace(-np.pi, np.pi, 720, endpoint=False) + 1e-3:
        first, second = conducting(sector_of(angle))
        f = phase_shapes(angle, FLAT)
        assert f[first] == 1.0 and f[second] == -1.0
        seen.add((first, second))
    assert len(seen) == 6


# ------------------------------------------------------------------------------------------------------- the windings


def moved(currents, angle, omega_e, volts, span):
    """Return the currents after a time in which two terminals have a voltage and that of NaN has its diodes alone.

    Phases in their own quantities: the diode at the lower rail carries a current out of the leg and the one at the
    upper rail a current into it; without a current the terminal floats until it leaves the link.
    """
    i, t = np.array(currents), 0.0
    off = int(np.flatnonzero(np.isnan(volts))[0])

    def star(t, v):
        return np.mean(v - omega_e * PSI * shape(angle + omega_e * t))

    def floating(t):
        e, ends = omega_e * PSI * shape(angle + omega_e * t), [k for k in range(3) if k != off]
        return np.mean([volts[k] - e[k] for k in ends]) + e[off]

    while span - t > 1e-15:
        v = np.array(volts)
        if abs(i[off]) > 1e-9:
            v[off] = 0.0 if i[off] > 0.0 else U_DC
        elif floating(t + 1e-12) > U_DC:
            v[off] = U_DC
        elif floating(t + 1e-12) < 0.0:
            v[off] = 0.0
        free = np.isnan(v[off])

        def slope(t, i, v=v, free=free):
            held = v.copy()
            if free:
                held[off] = floating(t)
            e = omega_e * PSI * shape(angle + omega_e * t)
            return (held - e - star(t, held) - R * i) / L

        def leaves(t, i, v=v, free=free):
            if free:
                return min(floating(t), U_DC - floating(t))
            return i[off] if v[off] == 0.0 else -i[off]

        leaves.terminal, leaves.direction = True, -1
        run = solve_ivp(
            slope, (t, span), i, method="DOP853", rtol=1e-11, atol=1e-12, events=leaves,
            max_step=span / 4,
        )  # fmt: skip
        i, t = run.y[:, -1], run.t[-1]
        if run.status == 1 and not free:
            others = [k for k in range(3) if k != off]
            i[others] += 0.5 * i[off]
            i[off] = 0.0
    return i


@pytest.mark.parametrize("speed", [60.0, 250.0])
def test_currents_of_windings_and_diodes_are_scipys(speed):
    """Over commutations, pulses of both signs and what diodes carry of an idle phase, to 1e-4 A."""
    env = make(dead_time=False, speed=speed, substeps=16)
    tau, omega_e = env.setup.dt, PAIRS * speed
    _, info = env.reset(seed=3)
    random, i, idle = np.random.default_rng(0), np.zeros(3), 0.0
    for k in range(60):
        part = float(np.float32(random.uniform(0.3, 1.0) if k % 9 else random.uniform(-0.6, 0.6)))
        angle = info["epsilon"]
        f = shape(angle)
        first, second = int(np.argmax(f)), int(np.argmin(f))
        edges = sorted({0.0, tau, *(0.5 * tau * (1 + s * (0.5 + p * part / 2)) for s in (-1, 1)
                                     for p in (-1, 1))})  # fmt: skip
        for begin, end in pairwise(edges):
            carrier = abs(begin + end - tau) / tau
            volts = np.full(3, np.nan)
            volts[first] = U_DC if 0.5 + 0.5 * part > carrier else 0.0
            volts[second] = U_DC if 0.5 - 0.5 * part > carrier else 0.0
            i = moved(i, angle + omega_e * begin, omega_e, volts, end - begin)
        *_, info = env.step([part])
        assert phases(info) == pytest.approx(i, abs=1e-4), k
        assert info["torque"] == pytest.approx(PAIRS * PSI * shape(info["epsilon"]) @ i, abs=1e-5)
        assert abs(info["i"]) == pytest.approx(np.abs(i).max(), abs=1e-4)
        assert info["u"] == pytest.approx(part * U_DC, abs=1e-9)
        idle = max(idle, np.abs(np.delete(i, [first, second])).max())
    assert idle > 0.005


@pytest.mark.parametrize("sector", range(6))
def test_a_free_shaft_and_the_voltage_of_an_idle_terminal_are_scipys(sector):
    """Two phases in series at the whole voltage, the third without current, over 0.4 ms."""
    row = make("gem/BLDC-Speed-v0").setup.row.copy()
    row[P.tau] = 2e-5
    inertia, drag, extra = 2e-5, 1e-5, 0.03
    load = 0.0, 0.0, drag, 1.0, extra, 1.0 / inertia
    epsilon = -5.0 * np.pi / 6.0 + (sector + 0.2) * np.pi / 3.0
    first, second = conducting(sector_of(epsilon))
    ends = [first, second, 3 - first - second]
    k = idle_coefficients(first, second, epsilon, row)

    def slope(t, y):
        f = shape(epsilon + y[2])[ends]
        e = PAIRS * y[0] * PSI * f
        return [
            (PAIRS * PSI * (f[0] - f[1]) * y[1] - drag * y[0] ** 2 - extra) / inertia,
            (U_DC - e[0] + e[1] - 2.0 * R * y[1]) / (2.0 * L),
            PAIRS * y[0],
            0.5 * (U_DC - e[0] - e[1]) + e[2],
        ]

    s, up = (200.0, 1.5, -1.5, 0.0, 0.0), 0.0
    for _ in range(20):
        s, up_in, up_out = pulsed_with_idle_leg(s, 1.0, k, load, row)
        up += up_in
        assert up_out == 0.0
    theirs = solve_ivp(
        slope, (0.0, 4e-4), [200.0, 1.5, 0.0, 0.0], rtol=1e-11, atol=1e-12, max_step=1e-5
    ).y[:, -1]
    assert [s[0], s[1], s[3], s[4]] == pytest.approx(theirs, rel=1e-8)
    assert s[2] == -s[1]
    assert up == pytest.approx(4e-4, rel=1e-12)


@pytest.mark.parametrize("ratio", [3.0, 4.0, 7.0])
def test_the_torque_while_currents_commutate_is_its_closed_form(ratio):
    """It falls where the link has less than four times the voltage induced in a phase, and rises where it has more.

    R. Carlson, M. Lajoie-Mazenc and J. C. dos S. Fagundes, "Analysis of torque ripple due to phase commutation in
    brushless DC machines", IEEE Trans. Ind. Appl. 28(3), 1992: with wide tops and without resistance the third current
    goes by (U - 4 E) / (3 L), and the one that is switched off is zero after 3 L I / (U + 2 E), when the torque has
    changed by its part (U - 4 E) / (U + 2 E).
    """
    induced = U_DC / ratio
    omega_e, flat, current, tau = induced / PSI, np.radians(178.0), 1.0, 1e-7
    env = make(
        machine={"r_s": 0.0, "flat": flat},
        speed=omega_e / PAIRS,
        dead_time=False,
        tau=tau,
        reference_hold=1e-3,
    )
    # Where the current is handed over from phase b to phase c; phase a, at its top, keeps it.
    epsilon = -0.5 * np.pi + 1e-6
    alpha, beta = CLARKE @ np.array([current, -current, 0.0])
    vector = (alpha + 1j * beta) * np.exp(-1j * epsilon)
    state = {"epsilon": epsilon, "i_sd": vector.real, "i_sq": vector.imag}
    _, info = env.reset(seed=0, options={"state": state})
    before = 2.0 * PAIRS * PSI * current
    assert info["torque"] == pytest.approx(before, rel=1e-9)
    assert info["i"] == pytest.approx(current, rel=1e-9)
    ends, time = 3.0 * L * current / (U_DC + 2.0 * induced), 0.0
    while time + tau < ends:
        *_, info = env.step([1.0])
        time += tau
        expected = before * (1.0 + (U_DC - 4.0 * induced) / (3.0 * L * current) * time)
        assert info["torque"] == pytest.approx(expected, rel=1e-6)
        assert phases(info)[1] == pytest.approx(-current * (1.0 - time / ends), abs=1e-6)
    assert abs(phases(info)[1]) < 0.02 * current
    change = (U_DC - 4.0 * induced) / (U_DC + 2.0 * induced)
    assert info["torque"] / before - 1.0 == pytest.approx(change, abs=0.02)
    for _ in range(5):
        *_, info = env.step([1.0])
    assert abs(phases(info)[1]) < 1e-6


def test_what_the_link_gives_is_in_the_shaft_and_in_the_windings():
    """Without resistance and friction to 1e-6 of what went back and forth, commutations and diodes included."""
    load = {"kind": "polynomial_static", "a": 0.0, "b": 0.0, "c": 0.0, "j_load": 1e-6}
    env = make("gem/BLDC-Speed-v0", control="voltage", control_period=None, load=load, supply="rc",
               machine={"r_s": 0.0}, substeps=16)  # fmt: skip
    _, first = env.reset(seed=1, options={"state": {"omega": 100.0}})
    inertia = BLDC().j_rotor + 1e-6

    def stored(info):
        return 0.5 * inertia * info["omega"] ** 2 + 0.75 * L * (
            info["i_salpha"] ** 2 + info["i_sbeta"] ** 2
        )

    given, least, most = stored(first), 0.0, 0.0
    law = gym_suite.make_controller(env)
    observation, state = env.reset(seed=1, options={"state": {"omega": 100.0}})[0], None
    for _ in range(3000):
        action, state = law.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        energy = info["energy_dc"]
        least, most = min(least, energy), max(most, energy)
        assert stored(info) - given == pytest.approx(energy, abs=1e-6 * max(most - least, 0.05))
    assert most - least > 0.05


# ------------------------------------------------------------------------------------------------------------ control

SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "disturbance": {},
}
#: Mean absolute error as a part of the full scale, at most.
LARGEST = {"gem/BLDC-v0": 0.012, "gem/BLDC-Speed-v0": 0.03}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("id", LARGEST)
def test_the_reference_controller_follows_without_a_trip_in_five_settings(id, setting):
    """And earns more than doing nothing does, in each of four episodes."""
    keywords = SETTINGS[setting]
    if setting == "disturbance":
        keywords = card(id).settings[setting]
    env = make(id, **keywords)
    law, item, errors = gym_suite.make_controller(env), env.setup.tracking[0], []
    for seed in range(4):
        earned = {}
        for agent in ("pi", "zero"):
            observation, _ = env.reset(seed=seed)
            state, total = None, 0.0
            for _ in range(env.setup.horizon or 2000):
                action = np.zeros(1, np.float32)
                if agent == "pi":
                    action, state = law.predict(observation, state)
                observation, reward, terminated, truncated, info = env.step(action)
                total += reward
                if agent == "pi":
                    assert not terminated
                    errors.append(info[item.reference] - info[item.value])
                if terminated or truncated:
                    break
            earned[agent] = total
        assert earned["pi"] > earned["zero"], seed
    assert np.abs(errors).mean() < LARGEST[id] * item.scale


def test_the_diagram_shows_three_currents_and_voltages_a_third_of_a_turn_apart():
    env = make(speed=200.0)
    run = record(env, gym_suite.make_controller(env), seed=2, steps=400)
    figure = phase_diagram(env, run)
    axes = figure.axes
    assert [ax.get_ylabel() for ax in axes] == ["phase a", "phase b", "phase c", "torque (N m)"]
    for k, ax in enumerate(axes[:3]):
        current, induced = ax.lines[0].get_ydata(), ax.lines[1].get_ydata()
        row = {name: run[name][-1] for name in ("i_salpha", "i_sbeta")}
        assert current[-1] == pytest.approx(phases(row)[k])
        assert np.abs(induced).max() == pytest.approx(PAIRS * 200.0 * PSI, rel=1e-6)
    with pytest.raises(ValueError, match="no trapezoids"):
        phase_diagram(gymnasium.make("gem/PermExDc-v0"), run)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"machine": {"psi_p": 0.0}}, "gives no torque"),
        ({"machine": {"flat": 3.2}}, "flat"),
        ({"modulation": "carrier"}, "unknown keyword"),
        ({"converter": "4QC"}, "unknown keyword"),
        ({"speed": 700.0}, "speed"),
    ],
)
def test_a_brushless_drive_that_cannot_be_is_refused(keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make("gem/BLDC-v0", **keywords)


def test_voltages_at_all_windings_are_not_what_a_brushless_machine_has():
    with pytest.raises(ValueError, match="commutated, some without a"):
        simulate("BLDC", np.zeros((3, 2)), tau=1e-4)
