"""The PMSM's linear model against the textbook, python-control and the running environment."""

import control
import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401
from gym_suite.analysis import linearize, open_loop, operating_point, step_response

ID = "gem/PMSM-v0"


@pytest.fixture(scope="module")
def env():
    env = gymnasium.make(ID)
    yield env
    env.close()


def textbook(values, i_d, i_q, omega):
    """A and B of the dq currents (states i_d, i_q; inputs u_d, u_q) at a speed held constant."""
    omega_e = values["p"] * omega
    r, l_d, l_q = values["r_s"], values["l_d"], values["l_q"]
    a = [[-r / l_d, omega_e * l_q / l_d], [-omega_e * l_d / l_q, -r / l_q]]
    return np.array(a), np.diag([1 / l_d, 1 / l_q])


def currents(model):
    """Rows and columns of the currents and the voltages."""
    states = [model.state_names.index(name) for name in ("i_sd", "i_sq")]
    inputs = [model.input_names.index(name) for name in ("u_sd", "u_sq")]
    return states, inputs


@pytest.mark.parametrize(
    ("i_d", "i_q", "omega"), [(0.0, 0.0, 0.0), (-80.0, 120.0, 200.0), (30.0, -150.0, -314.0)]
)
def test_matrices_equal_the_textbook(env, i_d, i_q, omega):
    model = linearize(env, {"i_sd": i_d, "i_sq": i_q, "omega": omega})
    values = env.unwrapped.nominal.parameters
    a, b = textbook(values, i_d, i_q, omega)
    states, inputs = currents(model)
    np.testing.assert_allclose(model.A[np.ix_(states, states)], a, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(model.B[np.ix_(states, inputs)], b, rtol=1e-7, atol=1e-6)
    by_speed = model.A[states, model.state_names.index("omega")]
    p, l_d, l_q, psi = (values[name] for name in ("p", "l_d", "l_q", "psi_p"))
    expected = [p * l_q * i_q / l_d, -p * (l_d * i_d + psi) / l_q]
    np.testing.assert_allclose(by_speed, expected, rtol=1e-7, atol=1e-6)
    torque = model.C[model.output_names.index("torque"), states]
    slopes = [1.5 * p * (l_d - l_q) * i_q, 1.5 * p * (psi + (l_d - l_q) * i_d)]
    np.testing.assert_allclose(torque, slopes, rtol=1e-7, atol=1e-9)


def test_operating_point_is_the_steady_state_of_the_textbook(env):
    point = operating_point(env, states={"i_sd": -50.0, "i_sq": 100.0, "omega": 150.0})
    values = env.unwrapped.nominal.parameters
    omega_e = values["p"] * 150.0
    found = point.as_dict()
    assert found["u_sd"] == pytest.approx(-50.0 * values["r_s"] - omega_e * values["l_q"] * 100.0)
    assert found["u_sq"] == pytest.approx(
        100.0 * values["r_s"] + omega_e * (values["l_d"] * -50.0 + values["psi_p"])
    )


def test_an_operating_point_beyond_the_voltage_is_refused(env):
    limit = env.unwrapped.nominal.parameters["u_dc"] / np.sqrt(3)
    wanted = {"i_sd": 0.0, "i_sq": 300.0, "omega": 400.0}
    with pytest.raises(ValueError, match=r"no operating point.*at their bounds: u_sd"):
        operating_point(env, states=wanted)
    wider = {"u_sd": (-1000.0, 1000.0)}
    assert operating_point(env, states=wanted, bounds=wider).as_dict()["u_sd"] < -limit


def test_step_responses_agree(env):
    point = operating_point(env, states={"i_sd": -50.0, "i_sq": 100.0, "omega": 150.0})
    model = linearize(env, point)
    options = {"input": "u_sq", "amplitude": 5.0, "duration": 0.1}
    linear = step_response(model, **options)
    plant = step_response(env, point=point, **options)
    system = model.to_control()
    theirs = control.forced_response(system[:, "u_sq"], linear.time, np.full(linear.time.size, 5.0))
    np.testing.assert_allclose(linear.outputs.T, theirs.outputs, atol=1e-7)
    # At constant speed the currents are linear in the voltages: the plant follows exactly.
    for name in ("i_sd", "i_sq"):
        np.testing.assert_allclose(plant[name], linear[name], atol=1e-6)


def test_discrete_pair_equals_the_plant_held_for_one_period(env):
    from scipy.integrate import solve_ivp

    nominal = env.unwrapped.nominal
    model = linearize(env, {"omega": 200.0})
    states, inputs = currents(model)
    a, b = textbook(nominal.parameters, 0.0, 0.0, 200.0)
    x, u = np.array([10.0, -20.0]), np.array([30.0, 15.0])
    solution = solve_ivp(
        lambda _, i: a @ i + b @ u, (0.0, model.dt), x, method="DOP853", rtol=1e-12, atol=1e-12
    )
    got = model.Ad[np.ix_(states, states)] @ x + model.Bd[np.ix_(states, inputs)] @ u
    np.testing.assert_allclose(got, solution.y[:, -1], rtol=1e-8)


def test_open_loops_of_the_reference_controller_have_the_margins_of_their_rule(env):
    from gym_suite import make_controller

    tau = env.unwrapped.setup.dt
    responses = open_loop(make_controller(env))
    assert [response.label for response in responses[:2]] == ["i_sd", "i_sq"]
    for response in responses[:2]:
        # kp / (L s) exp(-1.5 tau s) with kp = L / (3 tau)
        assert response.gain_crossover == pytest.approx(1 / (3 * tau), rel=1e-6)
        assert response.phase_margin == pytest.approx(90.0 - np.degrees(0.5), abs=1e-4)
        assert response.gain_margin == pytest.approx(np.pi, rel=1e-6)
