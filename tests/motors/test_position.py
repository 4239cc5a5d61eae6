"""Position control: where it is asked for, how the reference controller gets there, and what is refused."""

import gymnasium
import numpy as np
import pytest

from gym_suite.motors.controllers.cascade import speed_for_position
from gym_suite.motors.controllers.laws import LAW, L

from .test_dc_envs import follow


@pytest.mark.parametrize(
    ("id", "error"), [("gem/PermExDc-Position-v0", 0.05), ("gem/ExtExDc-Position-v0", 0.08)]
)
def test_reference_controller_follows_without_a_trip(id, error):
    envs = gymnasium.make_vec(id, num_envs=20)
    (item,) = envs.unwrapped.nominal.setup.tracking
    run, ended = follow(envs, 1199)
    assert not ended and not run["violation"].any()
    assert np.abs(run["position"] - run["position_ref"]).mean() < error * item.scale
    before = np.arange(398, 1199, 400)  # of the next reference
    assert np.abs(run["position"] - run["position_ref"])[before].max() < 1e-2 * item.scale


@pytest.mark.parametrize("size", [0.1, 1.0, 5.0, 50.0])
@pytest.mark.parametrize("keywords", [{}, {"mismatch": 0.3}])
def test_steps_small_and_large_arrive_without_overshoot(size, keywords):
    env = gymnasium.make(
        "gem/PermExDc-Position-v0", reference=size, reference_range=50.0, duration=0.8, **keywords
    )
    run, ended = follow(env, 799)
    response = run["position"] / size
    assert not ended
    assert response.max() < 1.005
    assert response[-1] == pytest.approx(1.0, abs=1e-4)
    # Nobody gets there faster than by the largest torque forwards, then backwards.
    strongest = 0.75 * 210.0 * 0.165 / 0.0251
    fastest = 2.0 * np.sqrt(size / strongest)
    assert np.argmax(response > 0.98) * 1e-3 < 0.06 + 1.6 * fastest


def test_position_is_the_integral_of_the_speed_through_all_turns():
    env = gymnasium.make("gem/PermExDc-Position-v0", reference=40.0, reference_range=50.0)
    run, _ = follow(env, 600)
    assert run["position"].max() > 6 * np.pi
    whole = np.concatenate([[0.0], np.cumsum(0.5 * (run["omega"][1:] + run["omega"][:-1]) * 1e-3)])
    assert run["position"] - run["position"][0] == pytest.approx(whole, abs=1e-2)


def test_position_of_a_three_phase_machine_is_its_electrical_angle_over_the_pole_pairs():
    nominal = gymnasium.make("gem/PMSM-v0").unwrapped.nominal
    x = np.zeros(len(nominal.setup.state_columns))
    place = nominal.setup.state_columns.index
    x[place("omega")], x[place("cos_epsilon")] = 100.0, 1.0
    for k in range(50):
        (x,) = nominal.advance(x, np.zeros(2), step=k)
    assert x[place("position")] == pytest.approx(100.0 * 50e-4, rel=1e-9)


def test_approach_brakes_in_time_and_joins_smoothly():
    law = np.zeros(len(LAW))
    law[L.kp_position], law[L.braking], law[L.omega_max] = 40.0, 800.0, 300.0
    near = 800.0 / 40.0**2
    assert speed_for_position(0.5 * near, law) == pytest.approx(20.0 * near)
    errors = near * np.array([1 - 1e-7, 1 + 1e-7])
    speeds = [speed_for_position(e, law) for e in errors]
    assert np.diff(speeds) / np.diff(errors) == pytest.approx(40.0, rel=1e-3)
    # d speed/dt = d speed/d error * speed is the braking.
    far, step = 20.0 * near, 1e-6
    slope = (speed_for_position(far + step, law) - speed_for_position(far - step, law)) / (2 * step)
    assert slope * speed_for_position(far, law) == pytest.approx(800.0, rel=1e-6)
    assert speed_for_position(-1e6, law) == -300.0


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"converter": "2QC"}, "four quadrants"),
        ({"load": "constant_speed"}, "needs a shaft that turns"),
        ({"reference_range": 1e5}, "reference_range"),
        ({"speed": 10.0}, "unknown keyword"),
        ({"reference": {"omega": 1.0}}, "position"),
    ],
)
def test_what_cannot_be_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("gem/PermExDc-Position-v0", **keywords)
