"""Step responses against closed forms and python-control's step_info."""

import control
import numpy as np
import pytest

from gym_suite.analysis import linearize, operating_point, step_info, step_response


def closed_form(time, amplitude):
    """Position of the oscillator after a force step from rest."""
    frequency, damping = 5.0, 0.04
    damped = frequency * np.sqrt(1 - damping**2)
    decay = np.exp(-damping * frequency * time)
    swing = np.cos(damped * time) + damping * frequency / damped * np.sin(damped * time)
    return amplitude / 50.0 * (1 - decay * swing)


def test_linear_model_and_plant_both_equal_the_closed_form(oscillator):
    for model in (linearize(oscillator), oscillator):
        response = step_response(model, input="force", amplitude=3.0, duration=8.0)
        np.testing.assert_allclose(response["position"], closed_form(response.time, 3.0), atol=1e-9)
        np.testing.assert_allclose(response["spring"], 50 * response["position"], atol=1e-7)


def test_info_equals_python_control(oscillator):
    model = linearize(oscillator)
    response = step_response(model, amplitude=2.0)
    theirs = control.step_info(2.0 * model.to_control(), T=response.time)[0][0]
    ours = response.info("position")
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
    assert ours["Overshoot"] == pytest.approx(
        100 * np.exp(-np.pi * 0.04 / np.sqrt(1 - 0.04**2)), rel=1e-2
    )
    assert set(response.info()) == {"position", "spring"}


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(5))
def test_step_info_equals_python_control_on_random_systems(seed, sign):
    rng = np.random.default_rng(seed)
    poles = -rng.uniform(0.5, 3.0, 3) + 1j * np.array([0.0, 4.0, -4.0]) * rng.uniform(0.2, 1.0)
    poles[2] = np.conj(poles[1])
    system = sign * control.zpk([rng.uniform(-4.0, 4.0)], poles, 2.0)
    time, output = control.step_response(system, np.linspace(0, 30, 3001))
    theirs = control.step_info(output, time)
    ours = step_info(time, output)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_step_info_of_a_response_that_defines_nothing():
    time = np.linspace(0.0, 1.0, 11)
    info = step_info(time, np.zeros(11))
    assert np.isnan(info["RiseTime"])
    assert info["SteadyStateValue"] == 0.0
    assert np.isnan(step_info(time, 0.5 * time, final=1.0)["SettlingTime"])
    with pytest.raises(ValueError, match="alike"):
        step_info(time, np.zeros(3))


def test_plant_step_from_an_operating_point_follows_its_linear_model(motor):
    point = operating_point(
        motor,
        states={"omega": 100.0, "epsilon": 0.0},
        inputs={"i_e": 6.0, "load": 1.0},
        moving=["epsilon"],
    )
    options = {"input": "u", "amplitude": 1.0, "duration": 0.5}
    plant = step_response(motor, point=point, **options)
    linear = step_response(linearize(motor, point), **options)
    np.testing.assert_allclose(plant.outputs, linear.outputs, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(plant.offset, point.y)
    assert plant["omega"][-1] > 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input": "forc"}, "'force'"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"duration": -1.0}, "duration"),
        ({"steps": 0}, "steps"),
    ],
)
def test_bad_input_is_refused(oscillator, arguments, message):
    with pytest.raises(ValueError, match=message):
        step_response(oscillator, **arguments)


def test_an_integrating_plant_asks_for_a_duration_and_an_input(motor):
    with pytest.raises(ValueError, match="say which input"):
        step_response(motor)
    with pytest.raises(ValueError, match="give duration"):
        step_response(motor, input="u")
    with pytest.raises(ValueError, match="own point"):
        step_response(linearize(motor), input="u", point=operating_point(motor, moving=["epsilon"]))
