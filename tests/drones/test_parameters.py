"""Numbers of vehicle and model: which one holds where both have one."""

import gymnasium
import numpy as np
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


NAMED = {
    "gravity": 1.1,
    "lever": 0.8,
    "ground_coefficient": 1.5,
    "downwash_1": 0.5,
    "downwash_2": 1.2,
    "downwash_3": 1.1,
    "battery_voltage": 0.95,
    "battery_resistance": 1.3,
    "battery_fade": 2.0,
}


@pytest.mark.parametrize("name", NAMED)
def test_a_mismatch_varies_by_name_what_a_fraction_leaves_alone(name):
    """The flight is that of a plant with the other number, controllers are told nothing of it."""
    id, factor = "drones/MultiHover-v0", NAMED[name]
    keywords = {"engine": "compiled", "model": "measured", "battery": 0.5, "action_range": 1.0}
    pair = {}
    for told, mismatch in (("fixed", {name: factor}), ("drawn", {name: (factor, factor + 0.1)})):
        envs = gymnasium.make_vec(id, num_envs=3, **keywords, mismatch=mismatch)
        envs.reset(seed=1)
        rows, columns = envs.unwrapped._rows, envs.unwrapped.setup.parameter_columns
        factors = rows.p[:, columns.index(name)] / envs.unwrapped.setup.row[columns.index(name)]
        assert (factors >= factor - 1e-12).all() and (factors <= factor + 0.1 + 1e-12).all()
        assert len(np.unique(factors)) == (1 if told == "fixed" else 3)
        pair[told] = envs
    plain = gymnasium.make_vec(id, num_envs=3, **keywords)
    plain.reset(seed=1)
    for envs in (plain, pair["fixed"]):
        states = envs.unwrapped.get_state()
        x = states["rows"]["x"].reshape(3, 2, -1)
        at = envs.unwrapped.setup.state_columns.index("position_x_0")
        # One drone near the floor, the other above it; full throttle, so that the battery is felt.
        x[:, 0, at : at + 3], x[:, 1, at : at + 3] = (0.0, 0.0, 0.1), (0.01, 0.0, 0.5)
        envs.unwrapped.set_state(states)
    up = np.tile(np.array([1, 1, 0.8, 0.8] * 2, np.float32), (3, 1))
    for _ in range(8):
        plain.step(up)
        pair["fixed"].step(up)
    one, other = (envs.unwrapped._rows.x for envs in (plain, pair["fixed"]))
    assert np.abs(one - other).max() > 1e-6
    untouched = gymnasium.make_vec(id, num_envs=3, **keywords, mismatch=0.3)
    untouched.reset(seed=1)
    assert len(np.unique(untouched.unwrapped._rows.p[:, columns.index(name)])) == 1


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"mismatch": {"battery_voltage": 0.9}}, "it is 0 here"),
        ({"mismatch": {"ground_coefficient": 2.0}, "aerodynamics": ()}, "it is 0 here"),
        ({"mismatch": {"lever": 0.9}, "vehicle": "f550"}, "places of this vehicle's rotors"),
        ({"mismatch": {"gravity": 0.9}, "engine": "bullet"}, "needs engine='compiled'"),
        ({"mismatch": {"levr": 0.9}}, "'lever'"),
    ],
)
def test_a_mismatch_that_would_do_nothing_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("drones/Hover-v0", **{"engine": "compiled", **keywords})


def test_the_measured_model_stands_in_for_the_crazyflie_s_numbers_only():
    assert parameters(model="measured")["k_f"] == 2.432e-10
    assert parameters(model="measured", vehicle={"k_f": 3e-10})["k_f"] == 3e-10
    assert parameters(model="measured", vehicle="cf21")["k_f"] == 2.173e-10
    for keywords in ({"model": "measured"}, {"battery": 0.8}):
        with pytest.raises(ValueError, match="are a Crazyflie's"):
            gymnasium.make("drones/Hover-v0", engine="compiled", vehicle="x500", **keywords)
