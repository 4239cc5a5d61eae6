"""A vehicle's motion against closed forms, and what friction and payload do to it."""

import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.agv import dynamics
from gym_suite.agv.controllers.pursuit import pursuit_curvature

IDEAL = {"lag": 0.0, "jerk": 0.0}
HALL = "\n".join(["#" * 120] + ["#" + "." * 118 + "#"] * 100 + ["#" * 120])


def world(vehicle=None, **keywords):
    keywords = {"layout": HALL, "payload": 0.0, "least_distance": 0.0} | keywords
    vehicle = {"odometry_error": 0.0} | (vehicle or {})
    env = gymnasium.make("agv/SimpleStatic-v0", vehicle=vehicle, **keywords).unwrapped
    env.reset(seed=0)
    return env


def place(env, **state):
    start = {"x": 30.0, "y": 25.0, "theta": 0.0, "goal_x": 5.0, "goal_y": 5.0}
    start |= {"odometry_x": 30.0, "odometry_y": 25.0, "odometry_theta": 0.0}
    env.reset(seed=0, options={"state": start | state})


def value(env, name):
    return float(env.state()[name][0])


@pytest.mark.parametrize("v, omega", [(0.8, 0.5), (0.3, -1.2), (1.0, 0.0), (0.0, 1.0), (0.7, 1e-7)])
def test_constant_twist_gives_the_exact_arc(v, omega):
    env = world(IDEAL | {"mu": 10.0})
    place(env, v=v, omega=omega, wheel_v=v, wheel_omega=omega, theta=0.4)
    for _ in range(100):
        env.step([v / 1.0, omega / 1.5])
    t = 10.0
    if abs(omega) > 1e-5:
        x = 30.0 + v / omega * (math.sin(0.4 + omega * t) - math.sin(0.4))
        y = 25.0 - v / omega * (math.cos(0.4 + omega * t) - math.cos(0.4))
    else:
        turned = solve_ivp(
            lambda t, s: (v * math.cos(s[2]), v * math.sin(s[2]), omega), (0, t), (30, 25, 0.4),
            rtol=1e-13, atol=1e-13,
        )  # fmt: skip
        x, y = turned.y[:2, -1]
    assert value(env, "x") == pytest.approx(x, abs=1e-9)
    assert value(env, "y") == pytest.approx(y, abs=1e-9)
    assert math.remainder(value(env, "theta") - 0.4 - omega * t, math.tau) == pytest.approx(
        0, abs=1e-9
    )


@pytest.mark.parametrize("a", [0.5, 1.0, 2.0])
def test_braking_distance(a):
    """v^2 / (2 a) for a speed that is a whole number of a dt."""
    env = world(IDEAL | {"deceleration": a, "drive_force": 1e4, "mu": 10.0})
    v = 1.0
    place(env, v=v, wheel_v=v)
    for _ in range(60):
        env.step([0.0, 0.0])
    assert value(env, "v") == 0.0
    assert value(env, "x") - 30.0 == pytest.approx(v * v / (2 * a), abs=1e-9)


@pytest.mark.parametrize("mu", [0.1, 0.3])
def test_locked_wheels_slide_as_coulomb_says(mu):
    """v^2 / (2 mu g share), and odometry believes in the brakes."""
    hard = {"deceleration": 1e6, "drive_force": 1e9, "mu": mu}
    env = world(IDEAL | hard, substeps=200)
    place(env, v=1.0, wheel_v=1.0)
    for _ in range(60):
        env.step([0.0, 0.0])
    distance = 1.0 / (2 * mu * 9.80665 * 0.5)
    assert value(env, "x") - 30.0 == pytest.approx(distance, rel=1e-3)
    assert value(env, "odometry_x") - 30.0 < 0.01


def test_no_bend_beyond_friction():
    """On ice the vehicle slides outwards and turns in a wider arc than its wheels want."""
    env = world(IDEAL | {"mu": 0.1})
    place(env, v=1.0, wheel_v=1.0)
    for _ in range(30):
        env.step([1.0, 1.0])
    assert value(env, "slip") > 0.1
    drift = math.hypot(
        value(env, "x") - value(env, "odometry_x"), value(env, "y") - value(env, "odometry_y")
    )
    assert drift > 0.2
    dry = world(IDEAL | {"mu": 2.0})
    place(dry, v=1.0, wheel_v=1.0)
    for _ in range(30):
        dry.step([1.0, 1.0])
    assert value(dry, "slip") == 0.0
    assert value(dry, "odometry_x") == pytest.approx(value(dry, "x"), abs=1e-9)


def test_limits_hold_and_payload_lowers_them():
    env = world({"jerk": 5.0})
    heavy = world({"jerk": 5.0, "payload_limit": 400.0}, payload=400.0)
    speeds = []
    for e in (env, heavy):
        place(e, payload=value(e, "payload"))
        v, a = [0.0], [0.0]
        for _ in range(100):
            e.step([1.0, 0.0])
            v.append(value(e, "v"))
            a.append(value(e, "wheel_a"))
        assert max(v) <= 1.0 + 1e-9
        assert v[-1] == pytest.approx(1.0, abs=1e-3)
        assert max(a) <= 1.5
        assert np.abs(np.diff(a)).max() <= 5.0 * 0.1 + 1e-9
        speeds.append(v[6])
    assert speeds[1] < 0.5 * speeds[0]
    assert max(a) <= 180.0 / 477.0 + 1e-9


def test_first_order_lag():
    """A small step in speed follows 1 - exp(-t / lag)."""
    env = world({"lag": 0.5, "jerk": 0.0})
    place(env)
    for k in range(1, 30):
        env.step([0.2, 0.0])
        assert value(env, "v") == pytest.approx(0.2 * (1 - math.exp(-0.1 * k / 0.5)), abs=1e-9)


def test_wheel_limit_keeps_the_curvature():
    env = world({"wheel_limit": 8.0})
    p = env.nominal.row
    v, omega = dynamics.command(1.0, 1.0, p)
    assert omega / v == pytest.approx(1.5 / 1.0)
    assert abs(v) + abs(omega) * 0.2226 == pytest.approx(8.0 * 0.0625)
    wheels = world(action="wheels")
    left, right = 0.3, 0.5
    v, omega = dynamics.command(left, right, wheels.nominal.row)
    assert v == pytest.approx(0.5 * (left + right) * 24.0 * 0.0625)
    assert omega == pytest.approx((right - left) * 24.0 * 0.0625 / (2 * 0.2226))


def test_pursuit_curvature_runs_through_its_point():
    generator = np.random.default_rng(0)
    for along, across in generator.uniform(-2, 2, (50, 2)):
        kappa = pursuit_curvature(along, across)
        if abs(kappa) < 1e-3:
            continue
        # The circle through the origin with a tangent along x has its centre at (0, 1 / kappa).
        assert math.hypot(along, across - 1 / kappa) == pytest.approx(abs(1 / kappa), rel=1e-9)


def test_a_step_of_the_nominal_model_is_a_step_of_the_environment():
    env = world()
    place(env)
    x = env.get_state()["rows"]["x"]
    for action in ([1.0, 0.3], [0.5, -1.0]):
        x = env.nominal.advance(x, np.array([action]))
        env.step(action)
        names = env.setup.state_columns.names[1:]
        for name in ("x", "y", "theta", "v", "omega"):
            assert x[0, 1 + names.index(name)] == value(env, name)


@pytest.mark.parametrize("lateral", [0.2, -0.2])
@pytest.mark.parametrize("omega", [0.8, -0.8])
def test_a_force_free_vehicle_keeps_its_momentum_in_the_room(lateral, omega):
    """Without friction nothing acts: in the turning frame the speeds change as Coriolis says, in the room not at all.

    dv/dt = omega v_lateral, dv_lateral/dt = -omega v, over one period of many sub-steps.
    """
    env = world(IDEAL | {"mu": 1e-9}, substeps=1000)
    place(env, v=0.5, v_lateral=lateral, omega=omega, wheel_v=0.0, wheel_omega=0.0, theta=0.3)

    def momentum():
        c, s = math.cos(value(env, "theta")), math.sin(value(env, "theta"))
        v, side = value(env, "v"), value(env, "v_lateral")
        return v * c - side * s, v * s + side * c

    before = momentum()
    for _ in range(10):
        env.step([0.0, 0.0])
    assert momentum() == pytest.approx(before, abs=2e-3)


def test_traction_gives_the_wheels_twist_exactly_as_far_as_friction_goes():
    """The forces that a step needs are those of Newton's law in the turning frame, on either wheel."""
    v, side, omega, mass, inertia, half, h = 0.4, 0.3, 1.2, 80.0, 9.0, 0.2, 0.01
    wheel_v, wheel_omega = v + 0.02, omega - 0.03
    along = mass * ((wheel_v - v) / h - omega * side)
    across = mass * (-side / h + omega * v)
    moment = inertia * (wheel_omega - omega) / h
    needed = max(math.hypot(0.5 * (along + sign * moment / half), 0.5 * across) for sign in (1, -1))
    state = (v, side, omega, wheel_v, wheel_omega, mass, inertia, half)
    assert dynamics.traction(*state, needed * (1 + 1e-9), h) == (wheel_v, 0.0, wheel_omega)
    assert dynamics.traction(*state, needed * (1 - 1e-6), h) != (wheel_v, 0.0, wheel_omega)
