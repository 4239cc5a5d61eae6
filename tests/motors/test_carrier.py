"""Carrier modulation: edges and means against NumPy, currents against SciPy, ripple against the textbook."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gym_suite.motors.carrier import duty_cycles, legs_at, next_edge
from gym_suite.motors.electrical import coefficients
from gym_suite.motors.link import IDEAL_LINK, link_of
from gym_suite.motors.machines import SYNCHRONOUS, group_of
from gym_suite.motors.rows import electrical_state
from gym_suite.motors.switches import levels_of, winding_voltages
from gym_suite.motors.switching import closed

CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0
GROUP = group_of(SYNCHRONOUS)
HELD = (0.0,) * 6  # a shaft at constant speed


def segments(row, v):
    """Yield (begin, end, positions of the legs) of a period."""
    tau = row["tau"]
    duties, at = duty_cycles(row["group"], v, row["p"]), 0.0
    while at < tau:
        end = next_edge(duties, at, tau)
        yield at, end, legs_at(row["group"], duties, 0.5 * (at + end), tau, row["p"])
        at = end


def row_of(env, group=GROUP):
    return {"p": env.setup.row, "tau": env.setup.dt, "group": group}


def compared(phases, tau, u_dc, zero):
    """Return edges and levels by comparing duty cycles to a triangle that starts at its top, in NumPy."""
    common = 0.5 * (phases.max() + phases.min()) if zero else 0.0
    duties = 0.5 + (phases - common) / u_dc
    edges = np.sort([0.0, tau, *(0.5 * tau * (1 - duties)), *(0.5 * tau * (1 + duties))])
    middles = 0.5 * (edges[1:] + edges[:-1])
    triangle = np.abs(2.0 * middles / tau - 1.0)
    return edges, (duties[:, None] > triangle).astype(float)


@pytest.mark.parametrize("zero", ["none", "space-vector"])
def test_currents_are_those_of_pulses_that_a_comparison_with_the_triangle_gives(zero):
    """Every period against SciPy from edge to edge; and a period's mean voltage is what was commanded, to 1e-9."""
    env = gymnasium.make(
        "gem/PMSM-v0",
        modulation="carrier",
        zero_sequence=zero,
        dead_time=False,
        frame="abc",
        substeps=10,
        speed=100.0,
    ).unwrapped
    _, info = env.reset(seed=1)
    r, l_d, l_q, psi, omega = 18e-3, 0.37e-3, 1.2e-3, 66e-3, 300.0
    tau, random = env.setup.dt, np.random.default_rng(0)
    y = np.array([0.0, 0.0, info["epsilon"], 0.0, 0.0])
    for k in range(12):
        action = random.uniform(-0.7, 0.7, 3).astype(np.float32)
        phases = 150.0 * (action - action.mean(dtype=float)).astype(float)
        edges, levels = compared(phases, tau, 300.0, zero == "space-vector")
        y[3:] = 0.0
        begin = y[2]
        for j in range(len(edges) - 1):
            if edges[j + 1] - edges[j] < 1e-15:
                continue
            alpha, beta = 300.0 * CLARKE @ levels[:, j]

            def slope(_, y, alpha=alpha, beta=beta):
                c, s = np.cos(y[2]), np.sin(y[2])
                u_d, u_q = c * alpha + s * beta, c * beta - s * alpha
                return [
                    (u_d - r * y[0] + omega * l_q * y[1]) / l_d,
                    (u_q - r * y[1] - omega * (l_d * y[0] + psi)) / l_q,
                    omega,
                    alpha,
                    beta,
                ]

            y = solve_ivp(
                slope, (edges[j], edges[j + 1]), y, method="DOP853", rtol=1e-12, atol=1e-12
            ).y[:, -1]
        *_, info = env.step(action)
        assert (info["i_sd"], info["i_sq"]) == pytest.approx(y[:2], abs=1e-8 * 100), k
        mean = y[3:] / tau
        assert mean == pytest.approx(CLARKE @ phases, abs=1e-9 * 300.0)
        middle = begin + 0.5 * omega * tau
        c, s = np.cos(middle), np.sin(middle)
        shown = c * mean[0] + s * mean[1], c * mean[1] - s * mean[0]
        assert (info["u_sd"], info["u_sq"]) == pytest.approx(shown, abs=1e-9 * 300.0)


def ripple(env, size, zero):
    """Return the rms ripple and the amplitude of the fundamental of a phase's current, over one period of 50 Hz.

    The waveform is that of the environment's own kernels between the edges, read at eight moments of each segment.
    """
    env.reset(seed=0, options={"state": {"epsilon": 0.0}})
    tau, row = env.setup.dt, row_of(env)
    per = round(0.02 / tau)
    angles = 2.0 * np.pi * np.arange(7 * per) / per
    actions = (size * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(np.float32)
    for k in range(6 * per):
        env.step(actions[k])
    p, times, phase, weights = env.setup.row, [], [], []
    k, load, tables = coefficients(GROUP, p), HELD, env.setup.tables
    s, w = electrical_state(GROUP, env._rows.x[0]), link_of(IDEAL_LINK, env._rows.x[0])
    for n in range(6 * per, 7 * per):
        v = (
            *(size * 300.0 / np.sqrt(3.0) * np.array([np.cos(angles[n]), np.sin(angles[n])])),
            0.0,
            0.0,
        )
        for begin, end, legs in segments(row, v):
            h = (end - begin) / 8
            for j in range(8):
                before = s[1]
                s, w, _ = closed(
                    GROUP, s, w, legs, (0.0,) * 4, 1.0, 0.0, k, load, 0.0, 0.0, h, p, tables
                )
                # The middle of a short part of a line is its mean.
                times.append(n * tau + begin + (j + 0.5) * h)
                phase.append(0.5 * (before + s[1]))
                weights.append(h)
    times, phase, weights = map(np.array, (times, phase, weights))
    angle = 2.0 * np.pi * 50.0 * times
    base = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
    root = np.sqrt(weights)
    fitted = np.linalg.lstsq(base * root[:, None], phase * root, rcond=None)[0]
    rest = phase - base @ fitted
    return np.sqrt((weights * rest**2).sum() / weights.sum()), np.hypot(*fitted[1:])


def distortion(depth, zero):
    """Return the mean square of the harmonic flux of a phase by its closed form, for many pulses a period.

    In units of (u_dc tau)^2, with the depth of modulation of half the link's voltage; Holmes and Lipo, "Pulse Width
    Modulation for Power Converters", Wiley 2003, chapters 5 and 6; so in Hava, Kerkman and Lipo, IEEE Trans. Power
    Electron. 14(1), 1999. The scale follows from small depths: pulses then are impulses of half a period's volt-seconds
    at a quarter and three quarters of it, so that the flux errs evenly within a quarter period of the mean voltage v to
    either side, (v tau / 4)^2 / 3, with v^2 = (depth u_dc)^2 / 8 on the average.
    """
    last = 9.0 / 8.0 * (1.5 - 9.0 * np.sqrt(3.0) / (8.0 * np.pi) if zero else 1.0)
    shape = 1.5 * depth**2 - 4.0 * np.sqrt(3.0) / np.pi * depth**3 + last * depth**4
    return shape / 1.5 / 384.0


@pytest.mark.parametrize("depth", [0.4, 0.9])
def test_the_distortion_of_the_current_is_the_textbooks_and_space_vectors_have_less(depth):
    inductance, resistance, tau = 1e-3, 0.5, 1e-4
    rms = {}
    for zero in ("none", "space-vector"):
        env = gymnasium.make(
            "gem/PMSM-v0",
            machine={"l_d": inductance, "l_q": inductance, "r_s": resistance, "psi_p": 1e-6},
            modulation="carrier",
            zero_sequence=zero,
            dead_time=False,
            speed=0.0,
        ).unwrapped
        size = depth * np.sqrt(3.0) / 2.0
        rms[zero], amplitude = ripple(env, size, zero)
        expected = 300.0 * tau * np.sqrt(distortion(depth, zero == "space-vector")) / inductance
        omega = 2.0 * np.pi * 50.0
        fundamental = depth * 150.0 / np.hypot(resistance, omega * inductance)
        assert amplitude == pytest.approx(fundamental, rel=2e-3)
        thd = np.sqrt(2.0) * rms[zero] / amplitude
        assert thd == pytest.approx(np.sqrt(2.0) * expected / fundamental, rel=0.005)
    assert rms["space-vector"] < rms["none"]


@pytest.mark.parametrize(
    ("id", "more"),
    [
        ("gem/PMSM-Speed-v0", {"control": "torque"}),
        ("gem/PMSM-v0", {"supply": {"kind": "rc", "c_link": 1e6}}),
        ("gem/EESM-v0", {}),
        ("gem/SixPhasePMSM-v0", {}),
        ("gem/ExtExDc-v0", {"converter": "4QC"}),
        ("gem/PermExDc-v0", {"converter": "1QC"}),
    ],
)
def test_a_carrier_changes_little_at_the_ends_of_periods(id, more):
    """Sampled where the ripple is zero, the currents are nearly those of the averaged converter."""
    rows = []
    for modulation in ("averaged", "carrier"):
        env = gymnasium.make(id, modulation=modulation, **more).unwrapped
        env.reset(seed=2)
        env.action_space.seed(4)
        for _ in range(40):
            *_, info = env.step(0.3 * np.abs(env.action_space.sample()))
        rows.append({name: float(value) for name, value in info.items()})
        limit = float(env.setup.row[env.setup.parameter_columns.index("i_limit")])
    averaged, pulsed = rows
    for name in averaged:
        if name.startswith("i_") and not name.endswith("_ref"):
            assert pulsed[name] == pytest.approx(averaged[name], abs=0.01 * limit), name
    assert any(pulsed[name] != averaged[name] for name in averaged if name.startswith("i"))


def test_a_voltage_beyond_the_legs_is_cut_off_without_a_zero_sequence():
    """Space vectors reach u_dc / sqrt(3), a triangle compared to sines u_dc / 2."""
    reached = {}
    for zero in ("none", "space-vector"):
        env = gymnasium.make(
            "gem/PMSM-v0", modulation="carrier", zero_sequence=zero, speed=0.0, dead_time=False
        ).unwrapped
        v = 300.0 / np.sqrt(3.0), 0.0
        total = np.zeros(6)
        for begin, end, legs in segments(row_of(env), (*v, 0.0, 0.0)):
            total += (end - begin) / env.setup.dt * np.array(levels_of(legs))
        reached[zero] = np.hypot(*winding_voltages(GROUP, tuple(total), env.setup.row)[:2])
    assert reached["space-vector"] == pytest.approx(300.0 / np.sqrt(3.0), rel=1e-12)
    # The leg of phase a stays at the rail, those of the others give what is asked for.
    assert reached["none"] == pytest.approx((2.0 * 150.0 + 300.0 / np.sqrt(3.0)) / 3.0, rel=1e-12)


@pytest.mark.parametrize(
    ("id", "keywords", "says"),
    [
        ("gem/PMSM-v0", {"modulation": "carier"}, "Did you mean 'carrier'"),
        ("gem/PMSM-v0", {"zero_sequence": "none"}, "zero_sequence is for modulation='carrier'"),
        ("gem/PMSM-v0", {"modulation": "carrier", "zero_sequence": "svm"}, "Valid: none, space-v"),
        ("gem/PermExDc-v0", {"zero_sequence": "none"}, "zero_sequence"),
        ("gem/PMSM-Finite-v0", {"modulation": "carrier"}, "modulation"),
    ],
)
def test_a_modulation_that_there_is_not_is_refused(id, keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make(id, **keywords)
