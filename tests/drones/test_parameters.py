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
