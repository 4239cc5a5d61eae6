"""Numbers of vehicle and model: which one holds where both have one."""

import gymnasium
import pytest

import gym_suite  # noqa: F401 - registers the ids


def torque_constant(**keywords):
    setup = gymnasium.make("drones/Hover-v0", **keywords).get_wrapper_attr("setup")
    columns = list(setup.parameter_columns)
    index = setup.parameter_columns.index("k_m")
    return setup.row[index], columns[index].source


def test_a_torque_constant_of_ones_own_goes_before_the_models_ratio():
    ratio, source = torque_constant()
    assert ratio == pytest.approx(0.0074 * 3.16e-10) and "crazyflow" in source
    assert torque_constant(vehicle={"k_m": 6e-12}) == (6e-12, "user")
    stronger, _ = torque_constant(vehicle={"k_f": 6.32e-10})
    assert stronger == pytest.approx(2.0 * ratio)
    assert torque_constant(model="bullet-parity")[0] == 7.94e-12


def parameters(**keywords):
    setup = gymnasium.make("drones/Hover-v0", engine="compiled", **keywords).get_wrapper_attr(
        "setup"
    )
    return dict(zip(setup.parameter_columns.names, setup.row, strict=True))


@pytest.mark.parametrize(
    ("vehicle", "rotors", "mass", "thrust", "lag"),
    [
        ("cf21", 4, 0.0319, 0.48, 0.072),  # 0.12 N a rotor
        ("race", 4, 0.752, 49.0, 0.033),  # 1.5625e-6 N/(rad/s)^2 at 2,800 rad/s
        ("x500", 4, 2.0, 34.19, 0.0125),  # 8.54858e-6 N/(rad/s)^2 at 1,000 rad/s
        ("f550", 6, 2.0, 60.27, 0.03),  # 1.2216e-7 N/rpm^2 at 9,068 rpm
        ("octorotor", 8, 1.64, 48.22, 0.03),  # three times its weight
    ],
)
def test_published_vehicles_have_their_thrust_and_lag(vehicle, rotors, mass, thrust, lag):
    p = parameters(vehicle=vehicle)
    assert p["mass"] == mass
    assert rotors * p["k_f"] * p["max_rpm"] ** 2 == pytest.approx(thrust, rel=0.005)
    assert p["motor_lag"] == lag
    assert parameters(vehicle=vehicle, model={"motor_lag": 0.05})["motor_lag"] == 0.05
    assert parameters(vehicle=vehicle, model="bullet-parity")["motor_lag"] == 0.0


def test_the_measured_model_stands_in_for_the_crazyflie_s_numbers_only():
    assert parameters(model="measured")["k_f"] == 2.432e-10
    assert parameters(model="measured", vehicle={"k_f": 3e-10})["k_f"] == 3e-10
    assert parameters(model="measured", vehicle="cf21")["k_f"] == 2.173e-10
    for keywords in ({"model": "measured"}, {"battery": 0.8}):
        with pytest.raises(ValueError, match="are a Crazyflie's"):
            gymnasium.make("drones/Hover-v0", engine="compiled", vehicle="x500", **keywords)
