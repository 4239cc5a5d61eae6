"""Deadbeat control of any drive: its map is that of the equations, one period suffices, and it earns more than PI."""

import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import gym_suite
from gym_suite.motors.controllers.deadbeat import DeadbeatControl
from gym_suite.motors.controllers.deadbeat_laws import RECALLED, R
from gym_suite.motors.controllers.deadbeat_model import one_period, solved
from tests.motors.rollouts import episodes

OWN = f"{DeadbeatControl.__module__}:{DeadbeatControl.__name__}"
IDS = [id for id, card in gym_suite.catalogue().items() if card.controllers.get("deadbeat") == OWN]
CURRENT_IDS = [id for id in IDS if "-Torque" not in id and "-Speed" not in id]
TORQUE_IDS = [id for id in IDS if "-Torque" in id]
SPEED_IDS = [id for id in IDS if "-Speed" in id]


def test_every_id_whose_action_is_a_voltage_has_it():
    machines = {id.partition("/")[2].partition("-")[0] for id in CURRENT_IDS}
    assert machines == {
        *("EESM", "SCIM", "DFIM", "SixPhasePMSM", "SaturatedPMSM"),
        *("PermExDc", "SeriesDc", "ShuntDc", "ExtExDc", "BLDC"),
    }
    assert len(TORQUE_IDS) == len(CURRENT_IDS) - 1  # a commutated machine has no task of its torque
    assert {"gem/PMSM-Speed-v0", "gem/SynRM-Speed-v0", "gem/SeriesDc-Speed-v0"} < set(SPEED_IDS)


# ------------------------------------------------------------------------------------------------- the map of a period


def map_of(id, i, u, omega):
    """Return the currents after a period, by the law's map, of currents (A) and voltages of axes (V)."""
    law = gym_suite.make_controller(gymnasium.make(id), "deadbeat")
    values = gymnasium.make(id).unwrapped.nominal.parameters
    half = 0.5 * values["p"] * omega * values["tau"] if "p" in values else 0.0
    frame, angle = (1.0, 0.0, 0.0), (math.cos(half), math.sin(half))
    group, row = law._above._group, law._above._constants
    c, columns = one_period(group, tuple(i), (0.0,) * 4, values["u_dc"], omega, frame, angle, row)
    return np.array(c) + np.array(columns).T @ np.array(u), values


def turned(u, angle):
    """Return a vector that stands still, in a frame that has turned by an angle."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * u[0] + sine * u[1], cosine * u[1] - sine * u[0]


def integrated(slope, i, tau):
    return solve_ivp(slope, (0.0, tau), i, rtol=1e-11, atol=1e-11).y[:, -1]


@pytest.mark.parametrize("omega", [-150.0, 0.0, 300.0])
def test_the_map_of_an_excited_machine_is_that_of_its_equations(omega):
    i, u = [40.0, -60.0, 3.0, 0.0], [-80.0, 35.0, 120.0, 0.0]
    predicted, v = map_of("gem/EESM-v0", i, u, omega)
    omega_e = v["p"] * omega
    inductances = np.array([[v["l_d"], v["l_m"]], [1.5 * v["l_m"], v["l_e"]]])

    def slope(t, y):
        u_d, u_q = turned(u, omega_e * (t - 0.5 * v["tau"]))
        psi_d, psi_q = v["l_d"] * y[0] + v["l_m"] * y[2], v["l_q"] * y[1]
        rates = [u_d - v["r_s"] * y[0] + omega_e * psi_q, u[2] - v["r_e"] * y[2]]
        d, e = np.linalg.solve(inductances, rates)
        return [d, (u_q - v["r_s"] * y[1] - omega_e * psi_d) / v["l_q"], e]

    np.testing.assert_allclose(predicted[:3], integrated(slope, i[:3], v["tau"]), atol=1e-5)


@pytest.mark.parametrize("omega", [-150.0, 0.0, 250.0])
def test_the_map_of_two_stars_is_that_of_their_equations(omega):
    i, u = [20.0, -30.0, 4.0, -2.0], [-60.0, 25.0, 8.0, -5.0]
    predicted, v = map_of("gem/SixPhasePMSM-v0", i, u, omega)
    omega_e, r_s = v["p"] * omega, v["r_s"]

    def slope(t, y):
        angle = omega_e * (t - 0.5 * v["tau"])
        u_d, u_q = turned(u[:2], angle)
        u_x, u_y = turned(u[2:], -angle)
        return [
            (u_d - r_s * y[0] + omega_e * v["l_q"] * y[1]) / v["l_d"],
            (u_q - r_s * y[1] - omega_e * (v["l_d"] * y[0] + v["psi_p"])) / v["l_q"],
            (u_x - r_s * y[2] - omega_e * v["l_y"] * y[3]) / v["l_x"],
            (u_y - r_s * y[3] + omega_e * v["l_x"] * y[2]) / v["l_y"],
        ]

    np.testing.assert_allclose(predicted, integrated(slope, i, v["tau"]), atol=1e-5)


@pytest.mark.parametrize("omega", [0.0, 100.0])
def test_the_map_of_a_machine_with_two_choppers_is_that_of_its_equations(omega):
    """The voltages stand still, so the exponential of the matrix with them behind the currents is exact."""
    i, u = [30.0, 2.0, 0.0, 0.0], [-40.0, 90.0, 0.0, 0.0]
    predicted, v = map_of("gem/ExtExDc-v0", i, u, omega)
    matrix = np.zeros((4, 4))
    matrix[0] = np.array([-v["r_a"], -v["l_e_prime"] * omega, 1.0, 0.0]) / v["l_a"]
    matrix[1] = np.array([0.0, -v["r_e"], 0.0, 1.0]) / v["l_e"]
    exact = expm(matrix * v["tau"]) @ [*i[:2], *u[:2]]
    np.testing.assert_allclose(predicted[:2], exact[:2], rtol=1e-7)


def test_four_equations_are_solved():
    rng = np.random.default_rng(5)
    for _ in range(20):
        matrix, b = rng.normal(size=(4, 4)), rng.normal(size=4)
        columns = tuple(tuple(column) for column in matrix.T)
        np.testing.assert_allclose(solved(columns, tuple(b)), np.linalg.solve(matrix, b), rtol=1e-9)


# ------------------------------------------------------------------------------------------------- one period suffices

#: Part of the limits of the currents that a period can bring, with the speed at which it is asked for, rad/s.
STEPS = {
    "EESM": (2e-4, 100.0),
    "SCIM": (5e-3, 50.0),
    "DFIM": (2e-4, 50.0),
    "SixPhasePMSM": (2e-3, 100.0),
    "SaturatedPMSM": (5e-3, 50.0),
    "PermExDc": (0.05, 100.0),
    "SeriesDc": (2e-3, 50.0),
    "ShuntDc": (5e-3, 50.0),
    "ExtExDc": (5e-4, 50.0),
}


@pytest.mark.parametrize("dead_time", [True, False])
@pytest.mark.parametrize("machine", STEPS)
def test_one_period_and_the_dead_time_suffice(machine, dead_time):
    part, speed = STEPS[machine]
    env = gymnasium.make(f"gem/{machine}-v0")
    built = env.unwrapped.nominal.setup.keywords["machine"]
    names = [item.value for item in env.unwrapped.nominal.setup.tracking]
    limits = [built["i_e_limit"] if name == "i_e" else built["i_limit"] for name in names]
    reference = {
        name: {"kind": "step", "amplitude": part * limit, "start": 100.2 * env.unwrapped.nominal.dt}
        for name, limit in zip(names, limits, strict=True)
    }
    env = gymnasium.make(f"gem/{machine}-v0", speed=speed, reference=reference, dead_time=dead_time)
    law = gym_suite.make_controller(env, "deadbeat")
    observation, _ = env.reset(seed=0)
    state, errors = None, []
    for _ in range(130):
        action, state = law.predict(observation, state)
        observation, _, _, _, info = env.step(action)
        errors.append(
            max(
                abs(info[f"{name}_ref"] - info[name]) / limit
                for name, limit in zip(names, limits, strict=True)
            )
        )
    errors = np.array(errors)
    jump = int(np.argmax(errors[90:] > 0.5 * part)) + 90
    # The reference is seen at the end of the step in which it jumps; then dead time, and one period.
    assert errors[jump] == pytest.approx(part, rel=0.01)
    # The frame of an induction machine is that of the drive's estimate, which is not quite the model's flux.
    small = 1e-5 if machine == "SCIM" else 1e-6
    assert errors[jump + (2 if dead_time else 1) :].max() < small
    assert errors[90:jump].max() < small


# ------------------------------------------------------------------------------------------------- beside PI control


@pytest.mark.parametrize("id", CURRENT_IDS + TORQUE_IDS)
def test_it_earns_more_than_pi_and_does_not_trip(id):
    usual, _, _ = episodes(id, "pi", 400)
    own, trips, _ = episodes(id, "deadbeat", 400)
    assert trips == 0
    assert own.mean() > usual.mean()


@pytest.mark.parametrize("id", SPEED_IDS)
def test_a_speed_above_it_is_followed_as_above_pi(id):
    usual, _, _ = episodes(id, "pi", 2000)
    own, trips, _ = episodes(id, "deadbeat", 2000)
    assert trips == 0
    assert own.mean() > usual.mean() - 0.005 * abs(usual.mean())


@pytest.mark.parametrize("machine", ["EESM", "SCIM", "ExtExDc"])
def test_it_finds_a_further_period_of_delay(machine):
    _, trips, state = episodes(f"gem/{machine}-v0", "deadbeat", 300, delay=1)
    assert trips == 0
    assert (state[:, R.delay] == 1.0).all()
    assert state.shape[1] == len(RECALLED)


def test_phases_do_what_axes_do():
    """In the frame of the phases nothing but the action's coordinates is different; the square is none there."""
    for id in ("gem/EESM-v0", "gem/DFIM-v0", "gem/SixPhasePMSM-v0"):
        axes, _, _ = episodes(id, "deadbeat", 200)
        phases, trips, _ = episodes(id, "deadbeat", 200, frame="abc")
        assert trips == 0
        assert phases.mean() == pytest.approx(axes.mean(), rel=0.02)


def test_where_it_has_no_say_it_says_so():
    with pytest.raises(ValueError, match="torques"):
        DeadbeatControl.for_env(gymnasium.make("gem/PermExDc-Speed-v0"))
    with pytest.raises(ValueError, match="delays"):
        gym_suite.make_controller(gymnasium.make("gem/EESM-v0"), "deadbeat", delays=3)
