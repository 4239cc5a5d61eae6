"""Bode data and margins against python-control and closed forms."""

import math

import control
import numpy as np
import pytest
from matplotlib.figure import Figure

from gym_suite.analysis import frequency_response, linearize, open_loop
from gym_suite.controllers.protocol import Loop
from gym_suite.controllers.tuning import magnitude_optimum, symmetrical_optimum

LOOPS = {
    "type 1": ([10.0], [1.0, 11.0, 10.0, 0.0]),
    "resonance": ([3.0, 6.0], [1.0, 0.3, 9.0, 0.0]),
    "non-minimum phase": ([-1.0, 2.0], [1.0, 3.0, 3.0, 1.0]),
    "unstable": ([6.0, 6.0], [1.0, 0.0, -1.0]),
    "negative gain": ([-4.0], [1.0, 1.0]),
    "double integrator": ([2.0, 1.0], [0.1, 1.0, 0.0, 0.0]),
    "far crossover": ([1e5], [1.0, 1.0]),
    "no crossover": ([0.1], [1.0, 1.0]),
}


@pytest.mark.parametrize("name", LOOPS)
def test_response_and_margins_equal_python_control(name):
    numerator, denominator = LOOPS[name]
    ours = frequency_response(
        Loop(label=name, numerator=tuple(numerator), denominator=tuple(denominator))
    )
    system = control.tf(numerator, denominator)
    exact = system(1j * ours.omega)
    np.testing.assert_allclose(ours.magnitude, np.abs(exact), rtol=1e-9)
    np.testing.assert_allclose(
        np.exp(1j * np.radians(ours.phase)), exact / np.abs(exact), atol=1e-9
    )
    assert np.abs(np.diff(ours.phase)).max() < 90.0
    gain, phase, phase_crossover, gain_crossover = control.margin(system)
    # python-control calls an infinite margin by the same name
    assert ours.phase_margin == pytest.approx(phase, abs=1e-6)
    assert ours.gain_crossover == pytest.approx(gain_crossover, rel=1e-6, nan_ok=True)
    if phase_crossover > ours.omega[0]:
        assert ours.gain_margin == pytest.approx(gain, rel=1e-6)
        assert ours.phase_crossover == pytest.approx(phase_crossover, rel=1e-6)


@pytest.mark.parametrize("name", ["type 1", "resonance", "double integrator"])
@pytest.mark.parametrize("delay", [0.01, 0.3])
def test_margins_with_dead_time_equal_python_control_on_the_same_data(name, delay):
    numerator, denominator = LOOPS[name]
    loop = Loop(label=name, numerator=tuple(numerator), denominator=tuple(denominator), delay=delay)
    ours = frequency_response(loop)
    omega = np.geomspace(0.1, 300.0, 2001)
    data = control.tf(numerator, denominator)(1j * omega) * np.exp(-1j * omega * delay)
    gain, phase, _, phase_crossover, gain_crossover, _ = control.stability_margins(
        control.frd(data, omega, smooth=False)
    )
    np.testing.assert_allclose(
        [ours.gain_margin, ours.phase_margin, ours.phase_crossover, ours.gain_crossover],
        [gain, phase, phase_crossover, gain_crossover],
        rtol=1e-3,
    )


def test_delayed_integrator_has_its_closed_form_margins():
    k, delay = 2.0, 0.1
    ours = frequency_response(Loop(label="x", numerator=(k,), denominator=(1.0, 0.0), delay=delay))
    assert ours.gain_crossover == pytest.approx(k)
    assert ours.phase_margin == pytest.approx(90.0 - math.degrees(k * delay))
    assert ours.phase_crossover == pytest.approx(0.5 * math.pi / delay)
    assert ours.gain_margin == pytest.approx(0.5 * math.pi / delay / k)
    assert ours.gain_margin_db == pytest.approx(20 * math.log10(ours.gain_margin))


class Current:
    """A PI current loop by the magnitude optimum, with its real dead time."""

    dt = 1e-4

    def loops(self):
        r, inductance = 0.018, 0.37e-3
        gains = magnitude_optimum(1 / r, inductance / r, dt=self.dt)
        plant = {"numerator": [1.0], "denominator": [inductance, r]}
        return [Loop.from_gains("i_sd", gains, **plant, delay=1.5 * self.dt, dt=self.dt)]


def test_open_loop_of_a_magnitude_optimum_current_controller():
    (response,) = open_loop(Current())
    # kp / (L s) exp(-1.5 dt s) with kp = L / (3 dt): crosses at 1 / (3 dt), 0.5 rad of delay there.
    assert response.label == "i_sd"
    assert response.gain_crossover == pytest.approx(1 / (3 * Current.dt))
    assert response.phase_margin == pytest.approx(90.0 - math.degrees(0.5))
    assert response.gain_margin == pytest.approx(math.pi)
    assert response.omega[-1] == pytest.approx(math.pi / Current.dt)


def test_symmetrical_optimum_peaks_at_its_crossover():
    gains = symmetrical_optimum(5.0, delay=1e-3)
    loop = Loop.from_gains("speed", gains, numerator=[5.0], denominator=[1e-3, 1.0, 0.0])
    response = frequency_response(loop)
    assert response.phase_margin == pytest.approx(math.degrees(math.atan(0.75)))
    peak = response.omega[np.argmax(response.phase)]
    assert peak == pytest.approx(response.gain_crossover, rel=0.02)


def test_channel_of_a_linear_model(oscillator):
    model = linearize(oscillator)
    ours = frequency_response(model, output="spring")
    exact = model.to_control()(1j * ours.omega)[1, 0]
    np.testing.assert_allclose(ours.magnitude, np.abs(exact), rtol=1e-8)
    assert ours.label == "force to spring"


def test_plot_draws_and_compute_does_not():
    (response,) = open_loop(Current())
    figure = response.plot()
    assert len(figure.axes) == 2
    (told,) = figure.axes[0].get_legend().get_texts()
    assert response.label in told.get_text() and "phase margin" in told.get_text()


def test_loops_that_are_equal_are_both_seen():
    (response,) = open_loop(Current())
    upper, lower = Figure().subplots(2, 1)
    for _ in range(2):
        response.plot((upper, lower))
    for axes in (upper, lower):
        curves = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]
        assert len({line.get_linestyle() for line in curves}) == 2
    assert len(upper.get_legend().get_texts()) == 2


def test_given_frequencies_are_used_and_checked(oscillator):
    omega = np.array([1.0, 2.0, 3.0])
    response = frequency_response(linearize(oscillator), output="position", omega=omega)
    np.testing.assert_array_equal(response.omega, omega)
    for bad in ([0.0, 1.0], [2.0, 1.0], [1.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="increasing positive"):
            frequency_response(linearize(oscillator), output="position", omega=bad)


def test_bad_input_is_refused(oscillator, motor):
    with pytest.raises(TypeError, match="loops"):
        open_loop(object())
    with pytest.raises(ValueError, match="say which output"):
        frequency_response(linearize(oscillator))
    with pytest.raises(ValueError, match="'spring'"):
        frequency_response(linearize(oscillator), output="sprin")
    with pytest.raises(ValueError, match="does not act"):
        frequency_response(linearize(motor), input="i_e", output="torque")
