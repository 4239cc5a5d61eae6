"""The hover plant against the textbook and against the running physics; margins of the regulator built on it."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.analysis import linearize, open_loop, operating_point, step_response
from gym_suite.drones.controllers.gains import chain_gains

IDS = ("drones/Hover-v0", "drones/Track-v0", "drones/MultiHover-v0")
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}


@pytest.fixture(scope="module")
def env():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", integrator="rk4", **STILL)
    yield env
    env.close()


@pytest.mark.parametrize("model", ["identified", "bullet-parity"])
@pytest.mark.parametrize("id", IDS)
def test_the_rest_point_is_hovering(id, model):
    env = gymnasium.make(id, engine="compiled", model=model, aerodynamics=())
    point, values = operating_point(env), env.unwrapped.nominal.parameters
    hover = np.sqrt(values["mass"] * values["gravity"] / (4.0 * values["k_f"]))
    np.testing.assert_allclose(point.u, hover, rtol=1e-12)
    found = point.as_dict()
    assert found["z"] == 1.0
    assert found["thrust"] == pytest.approx(values["mass"] * values["gravity"], rel=1e-12)
    assert len(point.x) == (16 if model == "identified" else 12)


def test_ground_effect_lowers_the_hover_speed_and_lifts_with_height(env):
    low = operating_point(env, states={"x": 0, "y": 0, "z": 0.1, "yaw": 0})
    assert low.u[0] < operating_point(env).u[0]
    assert linearize(env, low).A[8, 2] < linearize(env, operating_point(env)).A[8, 2] < 0.0


def test_matrices_equal_the_textbook():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", aerodynamics=())
    v = env.unwrapped.nominal.parameters
    model = linearize(env, operating_point(env))
    hover, g = model.point.u[0], v["gravity"]
    a, b = np.zeros((16, 16)), np.zeros((16, 4))
    a[0:3, 6:9] = a[3:6, 9:12] = np.eye(3)
    a[6, 4], a[7, 3] = g, -g  # x'' = g pitch, y'' = -g roll
    thrust = 2.0 * v["k_f"] * hover
    a[8, 12:] = thrust / v["mass"]
    a[9, 12:] = v["lever"] * thrust / v["i_xx"] * np.array([-1, -1, 1, 1])
    a[10, 12:] = v["lever"] * thrust / v["i_yy"] * np.array([-1, 1, 1, -1])
    a[11, 12:] = 2.0 * v["k_m"] * hover / v["i_zz"] * np.array([-1, 1, -1, 1])
    a[12:, 12:], b[12:] = -np.eye(4) / v["motor_lag"], np.eye(4) / v["motor_lag"]
    np.testing.assert_allclose(model.A, a, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(model.B, b, rtol=1e-7, atol=1e-7)


def test_the_discrete_pair_is_the_slope_of_the_running_physics(env):
    """One control period of the kernels, with Runge-Kutta, from states a little off hovering."""
    bare = env.unwrapped
    model, nominal = linearize(env, operating_point(env)), bare.nominal
    env.reset(seed=0)
    columns = bare.setup.state_columns
    start = bare.get_state()["rows"]["x"][0]
    at = {name: columns.index(name) for name in columns.names}
    trim = model.point.u[0]
    for i in range(4):
        start[at[f"rotor_{i}"]] = start[at[f"command_{i}"]] = trim
    hover = np.sqrt(0.25 * nominal.parameters["mass"] * nominal.parameters["gravity"])
    hover /= np.sqrt(nominal.parameters["k_f"])
    names = [
        *(f"position_{a}" for a in "xyz"),
        *(f"quaternion_{a}" for a in "xyz"),
        *(f"velocity_{a}" for a in "xyz"),
        *(f"angular_velocity_{a}" for a in "xyz"),
        *(f"rotor_{i}" for i in range(4)),
    ]
    places = [at[name] for name in names]
    # For small turns an angle is twice the quaternion's part, and body and world rates are alike.
    scale = np.array([1.0] * 3 + [2.0] * 3 + [1.0] * 10)
    size = np.array([1e-4] * 12 + [1.0] * 4)

    def after(states, commands):
        rows = np.tile(start, (len(states), 1))
        rows[:, places] += states / scale
        action = ((trim + commands) / hover - 1.0) / 0.4
        return (nominal.advance(rows, action)[:, places] - start[places]) * scale

    up, down = (after(sign * np.diag(size), np.zeros((16, 4))) for sign in (1.0, -1.0))
    slopes = ((up - down) / (2.0 * size[:, None])).T
    np.testing.assert_allclose(slopes, model.Ad, rtol=2e-5, atol=2e-6)
    up, down = (after(np.zeros((4, 16)), sign * np.eye(4)) for sign in (1.0, -1.0))
    np.testing.assert_allclose((up - down).T / 2.0, model.Bd, rtol=2e-5, atol=2e-7)


def test_small_steps_of_the_plant_are_those_of_its_linear_model(env):
    point = operating_point(env)
    linear = step_response(linearize(env, point), input="command_0", duration=0.5, steps=50)
    plant = step_response(env, input="command_0", point=point, duration=0.5, steps=50)
    for name in ("z", "roll", "pitch", "yaw", "thrust"):
        np.testing.assert_allclose(
            plant[name], linear[name], rtol=0.02, atol=1e-3 * np.abs(linear[name]).max()
        )


def test_the_regulators_margins(env):
    """Each rotor's loop, broken at the plant's input, stays away from -1; all gains may halve and double."""
    law = gym_suite.make_controller(env, "lqr")
    model, n = linearize(env, operating_point(env)), 16
    a, b = np.zeros((n + 3, n + 3)), np.vstack([model.Bd, np.zeros((3, 4))])
    a[:n, :n], a[n:, n:], a[n:, :3] = model.Ad, np.eye(3), model.dt * np.eye(3)
    k = np.hstack([law.gains_["k"], law.gains_["k_i"]])
    assert np.abs(np.linalg.eigvals(a - b @ k)).max() < 0.995  # the integrators: 1.5 s
    for gain in (0.5, 0.7, 1.3, 2.0):
        assert np.abs(np.linalg.eigvals(a - gain * b @ k)).max() < 1.0
    for i in range(4):
        rest = np.delete(np.arange(4), i)
        closed = a - b[:, rest] @ k[rest]  # the other rotors' loops stay shut
        loop = [
            k[i] @ np.linalg.solve(np.exp(1j * w * model.dt) * np.eye(n + 3) - closed, b[:, i])
            for w in np.geomspace(0.05, np.pi / model.dt, 400)
        ]
        assert np.abs(1.0 + np.array(loop)).min() > 0.6


def test_the_loops_keep_margins_and_the_peers_gains_do_not_under_a_rotor_lag(env):
    def margins(law, **options):
        loops = open_loop(gym_suite.make_controller(env, law, **options))
        return {r.label: (r.phase_margin, max(r.gain_margin, 1.0 / r.gain_margin)) for r in loops}

    for law in ("geometric", "pid"):
        for label, (phase, gain) in margins(law).items():
            assert phase > (20.0 if label == "position" else 35.0), (law, label)
            assert gain > 2.0, (law, label)
    assert margins("pid", tuning="peer")["attitude"][0] < 0.0


def test_the_cascades_poles_are_where_the_rule_puts_them():
    lag = 0.04
    g = chain_gains(lag)
    inner = [lag, 1.0, g["rate"], g["attitude"]]
    outer = g["attitude"] * np.array([g["velocity"], g["position"], g["integral"]])
    slow = 1.0 / (12.0 * lag)
    for found, expected in (
        (np.array([*inner, *outer]) / lag, np.poly([-slow] * 3 + [-3.0 * slow] * 3)),
        (
            np.array([lag, 1.0, g["slope"], g["value"], g["sum"]]) / lag,
            np.poly([-1.5 * slow] * 2 + [-4.5 * slow] * 2),
        ),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
