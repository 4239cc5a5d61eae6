"""Bridges of three levels: 27 states, the neutral point in closed form and by SciPy, and a law that balances it."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite
from gym_suite.motors.switches import at_neutral, levels_of, three_level_legs

U_DC = 300.0
CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0


def make(**keywords):
    """Return a drive with a bridge of three levels."""
    return gymnasium.make("gem/PMSM-Finite-v0", **{"converter": "npc", **keywords}).unwrapped


def digits(code):
    """Return 0, 1 or 2 for each leg: lower rail, neutral point, upper rail."""
    return np.array([code // 9, code // 3 % 3, code % 3])


def test_the_states_are_those_of_three_levels_and_make_19_vectors():
    """Of 27 states three are without a voltage, and each vector of the inner hexagon has two."""
    vectors = {}
    for code in range(27):
        legs = three_level_legs(float(code))
        assert tuple(np.array(legs) + 1.0) == tuple(digits(code))
        levels = np.array(levels_of((*legs, -1.0, -1.0, -1.0)))[:3]
        assert (levels == 0.5 * digits(code)).all()
        assert (np.array(at_neutral(legs)) == (digits(code) == 1)).all()
        vectors.setdefault(tuple(np.round(CLARKE @ levels, 9) + 0.0), []).append(code)
    assert len(vectors) == 19
    assert sorted(map(len, vectors.values())) == [1] * 12 + [2] * 6 + [3]
    assert make().action_space == gymnasium.spaces.Discrete(27)


@pytest.mark.parametrize(("code", "drawn"), [(15, 1), (5, -1), (21, 2), (13, 0), (18, 0), (0, 0)])
def test_the_neutral_point_moves_by_the_current_that_is_drawn_from_it(code, drawn):
    """2 c du = -i t to 1e-6, with currents that a very large inductance holds: 60 A out of leg a, -40 and -20 A."""
    currents = np.array([60.0, -40.0, -20.0])
    held = {"l_d": 1e3, "l_q": 1e3, "r_s": 1e-9, "psi_p": 1e-9}
    env = make(machine=held, c_neutral=2e-3, speed=0.0, dead_time=False)
    i_d, i_q = CLARKE @ currents
    env.reset(seed=0, options={"state": {"epsilon": 0.0, "i_sd": i_d, "i_sq": i_q, "u_n": 5.0}})
    steps = 40
    for _ in range(steps):
        *_, info = env.step(code)
    flowing = currents @ (digits(code) == 1)
    expected = 5.0 - flowing * steps * env.setup.dt / (2.0 * 2e-3)
    assert info["u_n"] == pytest.approx(expected, rel=1e-6)
    assert (flowing != 0.0) == (drawn != 0)


def test_currents_and_neutral_point_are_scipys():
    """Over 60 random states at speed, with a capacitance that lets the neutral point move by tens of volts."""
    c, omega = 2.5e-4, 300.0
    env = make(c_neutral=c, speed=omega / 3.0, dead_time=False, substeps=10)
    start = {"i_sd": -60.0, "i_sq": 90.0}
    _, info = env.reset(seed=4, options={"state": start})
    r, l_d, l_q, psi = 18e-3, 0.37e-3, 1.2e-3, 66e-3
    tau, random = env.setup.dt, np.random.default_rng(2)
    y, reached = np.array([-60.0, 90.0, info["epsilon"], 0.0, 0.0, 0.0]), 0.0
    for k in range(60):
        code = int(random.integers(27))
        levels, at = 0.5 * digits(code), (digits(code) == 1).astype(float)

        def slope(_, y, levels=levels, at=at):
            turned = np.exp(1j * y[2])
            phases = ((y[0] + 1j * y[1]) * turned * np.exp(-2j / 3 * np.pi * np.arange(3))).real
            alpha, beta = CLARKE @ (U_DC * levels + y[3] * at)
            u = (alpha + 1j * beta) / turned
            return [
                (u.real - r * y[0] + omega * l_q * y[1]) / l_d,
                (u.imag - r * y[1] - omega * (l_d * y[0] + psi)) / l_q,
                omega,
                -(at @ phases) / (2.0 * c),
                alpha,
                beta,
            ]

        y[4:], middle = 0.0, y[2] + 0.5 * omega * tau
        y = solve_ivp(slope, (0.0, tau), y, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        *_, info = env.step(code)
        assert (info["i_sd"], info["i_sq"]) == pytest.approx(y[:2], abs=1e-6), k
        assert info["u_n"] == pytest.approx(y[3], abs=1e-7), k
        # The mean is shown in the frame of the period's middle.
        shown = complex(*y[4:]) / tau * np.exp(-1j * middle)
        assert complex(info["u_sd"], info["u_sq"]) == pytest.approx(shown, abs=1e-6)
        reached = max(reached, abs(y[3]))
    assert reached > 1.0


def test_without_the_neutral_point_it_is_a_bridge_of_two_levels():
    """Of states at the rails alone the currents are those of the other converter, and the neutral point rests."""
    two, three = gymnasium.make("gem/PMSM-Finite-v0").unwrapped, make()
    for env in (two, three):
        env.reset(seed=1, options={"state": {"epsilon": 0.3}})
    random = np.random.default_rng(0)
    for _ in range(30):
        bits = random.integers(0, 2, 3)
        *_, a = two.step(int(bits @ [4, 2, 1]))
        *_, b = three.step(int(2 * bits @ [9, 3, 1]))
    assert abs(b["u_n"]) < 1e-12
    # Until the first command acts one has all switches off and the other has all legs at the neutral point.
    assert (a["u_sd"], a["u_sq"]) == pytest.approx((b["u_sd"], b["u_sq"]), abs=1e-9)


SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": {"l_q": 1.2, "psi_p": 0.9}},
    "delay": {"delay": 1},
    "disturbance": {"disturbance": {"u_sd": {"kind": "sine", "amplitude": 10.0, "period": 0.02}}},
}


def flown(env, seeds, **keywords):
    """Return the rms of the neutral point's voltage, of the error of the currents, and the trips of some episodes."""
    law = gym_suite.make_controller(env, "fcs-mpc", **keywords)
    neutral, errors, trips = [], [], 0
    for seed in range(seeds):
        observation, _ = env.reset(seed=seed, options={"state": {"u_n": 20.0}})
        state = None
        for k in range(400):
            action, state = law.predict(observation, state)
            observation, _, terminated, _, info = env.step(action)
            trips += terminated
            if terminated:
                break
            if k >= 200:
                neutral.append(info["u_n"])
                errors += [info["i_sd"] - info["i_sd_ref"], info["i_sq"] - info["i_sq_ref"]]
    return np.sqrt(np.mean(np.square(neutral))), np.sqrt(np.mean(np.square(errors))), trips


def test_predictive_control_balances_the_neutral_point():
    """From 20 V off it comes within a volt in the nominal plant; without that cost it stays tens of volts off."""
    env = make(c_neutral=1e-3)
    balanced, error, trips = flown(env, 4)
    left, _, _ = flown(env, 4, neutral=0.0)
    assert (balanced, trips) == (pytest.approx(0.3, abs=0.1), 0)
    assert left > 10.0
    assert error < 0.01 * 240.0


def test_the_state_that_is_taken_is_the_best_of_all_that_the_plant_tries():
    """By the currents alone, with the neutral point 60 V off: that moves the voltages as the choice of a state does."""
    env = make(dead_time=False, c_neutral=1e-3)
    law, limit = gym_suite.make_controller(env, "fcs-mpc", neutral=0.0), 240.0
    for seed in range(12):
        # Far from the references states of the rails alone are best, whatever the neutral point's voltage; half of the
        # episodes begin there and half at the references.
        state = {"u_n": 60.0 if seed % 2 else -60.0}
        observation, info = env.reset(seed=seed, options={"state": state})
        if seed >= 4:
            state |= {name: info[f"{name}_ref"] for name in ("i_sd", "i_sq")}
            observation, _ = env.reset(seed=seed, options={"state": state})
        before, costs = env.get_state(), []
        for code in range(27):
            env.set_state(before)
            *_, info = env.step(code)
            errors = [info[f"{name}_ref"] - info[name] for name in ("i_sd", "i_sq")]
            switched = np.abs(digits(code) - 1).sum()
            costs.append(np.square(errors).sum() / limit**2 + 1e-6 * switched)
        action, _ = law.predict(observation)
        assert costs[int(action)] <= min(costs) + 1e-7, seed


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_neutral_point_is_balanced_and_nothing_trips_in_five_settings(setting):
    neutral, _, trips = flown(make(c_neutral=1e-3, **SETTINGS[setting]), 3)
    assert trips == 0
    assert neutral < 1.0


@pytest.mark.parametrize(
    ("id", "keywords", "says"),
    [
        ("gem/PMSM-Finite-v0", {"converter": "npcc"}, "Did you mean 'npc'"),
        ("gem/PMSM-Finite-v0", {"c_neutral": 1e-3}, "'two-level' has no neutral point"),
        ("gem/PMSM-Finite-v0", {"converter": "npc", "c_neutral": 1e-6}, "take at least"),
        ("gem/PMSM-Finite-v0", {"converter": "npc", "supply": "rc"}, "for the ideal supply"),
        ("gem/PMSM-Finite-v0", {"converter": "t-type", "interlocking": 1e-6}, "switch at once"),
        ("gem/SCIM-Finite-v0", {"converter": "npc"}, "converter"),
        ("gem/PermExDc-v0", {"c_neutral": 1e-3}, "c_neutral"),
    ],
)
def test_a_bridge_of_three_levels_that_cannot_be_is_refused(id, keywords, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make(id, **keywords)


def test_laws_that_do_not_fit_say_so():
    env = make()
    with pytest.raises(ValueError, match=r"HysteresisControl .* two positions of a leg"):
        gym_suite.make_controller(env, "hysteresis")
    with pytest.raises(ValueError, match=r"horizon = 2: .* one period ahead"):
        gym_suite.make_controller(env, "fcs-mpc", horizon=2)
