"""Direct torque control: the table against the machine's own equations, and that it holds its drives."""

import cmath
import math
from typing import Any

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.controllers.direct_torque import switching_state, three_levels, two_levels
from gym_suite.motors.controllers.switched import DirectTorqueControl

IDS = ("gem/PMSM-Torque-Finite-v0", "gem/SCIM-Torque-Finite-v0")
SETTINGS: dict[str, dict[str, Any]] = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
}


def voltage(state):
    """Return the space vector of a switching state 4 a + 2 b + c, of length 1."""
    a, b, c = state // 4, state // 2 % 2, state % 2
    return a + b * cmath.exp(2j * math.pi / 3) + c * cmath.exp(-2j * math.pi / 3)


@pytest.mark.parametrize("flux", [1.0, -1.0])
@pytest.mark.parametrize("torque", [1.0, -1.0])
def test_the_voltage_of_the_table_moves_flux_and_torque_as_told(flux, torque):
    """Along the flux it moves its length, to its left it turns it on and with that the torque grows."""
    for angle in np.radians(np.arange(-179.5, 180.0, 5.0)):
        u = voltage(int(switching_state(angle, flux, torque, 0.0))) * cmath.exp(-1j * angle)
        assert abs(u) == pytest.approx(1.0)
        assert u.imag * torque > 0.49
        assert u.real * flux > -1e-9


def test_no_change_of_the_torque_takes_the_nearer_zero_state():
    assert [switching_state(1.0, 1.0, 0.0, float(n)) for n in range(4)] == [0, 0, 7, 7]


def test_hysteresis_holds_its_level_within_the_band():
    levels, level = [], 0.0
    for error in (0.5, 1.1, 0.2, -0.9, -1.1, 0.9, 1.1):
        level = two_levels(error, 1.0, level)
        levels.append(level)
    assert levels == [1, 1, 1, 1, -1, -1, 1]
    levels, level = [], 0.0
    for error in (0.5, 1.1, 0.2, -0.1, -0.9, -1.1, -0.2, 0.1):
        level = three_levels(error, 1.0, level)
        levels.append(level)
    assert levels == [0, 1, 1, 0, 0, -1, -1, 0]


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_no_drive_trips_and_the_torque_is_followed(id, setting):
    envs: Any = gymnasium.make_vec(id, num_envs=20, **SETTINGS[setting])
    controller = gym_suite.make_controller(envs, "dtc")
    observation, _ = envs.reset(seed=0)
    state, earned = None, 0.0
    for _ in range(1900):
        action, state = controller.predict(observation, state)
        observation, reward, terminated, _, _ = envs.step(action)
        assert not terminated.any()
        earned += reward.mean() / 1900
    assert earned > 0.7


def test_it_says_what_it_is_not_for():
    with pytest.raises(ValueError, match="has a direction without torque"):
        DirectTorqueControl.for_env(gymnasium.make("gem/SynRM-Torque-Finite-v0"))
    with pytest.raises(ValueError, match="follows a torque"):
        DirectTorqueControl.for_env(gymnasium.make("gem/PMSM-Finite-v0"))
    with pytest.raises(ValueError, match="guard"):
        gym_suite.make_controller(gymnasium.make(IDS[0]), "dtc", guard=1.5)
