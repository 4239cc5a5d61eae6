"""The air's torque against turning, and a lost rotor, against closed forms and SciPy."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation

ID = "gym_suite:drones/Hover-v0"
CALM = {
    "engine": "compiled",
    "start_position": 0.0,
    "start_velocity": 0.0,
    "start_tilt": 0.0,
    "bound": 1e5,
}
#: Where the rotors stand, per lever, and the sense of their torques, rotor by rotor.
PLACES = np.array([(1, -1), (-1, -1), (-1, 1), (1, 1)])
SENSES = np.array([-1, 1, -1, 1])


def body_rates(state):
    q = [state[f"quaternion_{a}"][0] for a in "xyzw"]
    w = [state[f"angular_velocity_{a}"][0] for a in "xyz"]
    return Rotation.from_quat(q).inv().apply(w)


@pytest.mark.parametrize("engine", ["compiled", pytest.param("bullet", marks=pytest.mark.bullet)])
def test_the_air_brakes_a_turning_vehicle(engine):
    """Under equal rotors the rate about the vertical falls as exp(-drag t / i_zz)."""
    failure = {"effectiveness": 1.0, "yaw_drag": 2.5e-3}
    env = gymnasium.make(
        ID, vehicle="race", failure=failure, **CALM | {"engine": engine}, aerodynamics=()
    )
    i_zz = env.unwrapped.nominal.parameters["i_zz"]
    env.reset(seed=0, options={"state": {"angular_velocity_z": 10.0}})
    for _ in range(30):
        env.step(np.zeros(4))
    rate = env.unwrapped.state()["angular_velocity_z"][0]
    assert rate == pytest.approx(10.0 * np.exp(-2.5e-3 * 0.5 / i_zz), rel=5e-3)
    env.close()


@pytest.mark.parametrize("rotor", [0, 1])
def test_a_vehicle_without_a_rotor_tumbles_as_the_equations_say(rotor):
    """Euler's equations under three rotors at hovering speed and the air's torque, by SciPy at a tight tolerance."""
    drag = 2.5e-3
    env = gymnasium.make(
        ID,
        vehicle="race",
        integrator="rk4",
        physics_frequency=9600,
        control_frequency=240,
        aerodynamics=(),
        failure={"rotor": rotor, "time": 0.0, "yaw_drag": drag},
        **CALM,
    )
    p = env.unwrapped.nominal.parameters
    env.reset(seed=0)
    for _ in range(60):
        env.step(np.zeros(4))
    inertia = np.array([p["i_xx"], p["i_yy"], p["i_zz"]])
    forces = np.full(4, p["mass"] * p["gravity"] / 4.0)
    forces[rotor] = 0.0
    x, y = p["lever"] * PLACES.T
    torque = np.array([y @ forces, -x @ forces, p["k_m"] / p["k_f"] * (SENSES @ forces)])

    def slope(t, w):
        return (torque - [0.0, 0.0, drag * w[2]] - np.cross(w, inertia * w)) / inertia

    exact = solve_ivp(slope, (0.0, 0.25), np.zeros(3), rtol=1e-10, atol=1e-12).y[:, -1]
    got = body_rates(env.unwrapped.state())
    assert np.abs(exact).min() > 1.0
    np.testing.assert_allclose(got, exact, rtol=0.01, atol=0.05)


def test_bad_input_is_said():
    with pytest.raises(ValueError, match="failure yaw_drag must lie in"):
        gymnasium.make(ID, engine="compiled", failure={"yaw_drag": -1.0})
    with pytest.raises(ValueError, match="'yaw_drag'"):
        gymnasium.make(ID, engine="compiled", failure={"yaw_dra": 1.0})
