"""Tuning rules against closed forms, python-control and SciPy."""

import math
import pickle

import control
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from gym_suite.controllers import experiments, tuning
from gym_suite.controllers.state_feedback import lqr

positive = st.floats(min_value=1e-4, max_value=1e3)


def law(gains):
    """The ideal law kp + ki/s + kd s as a transfer function."""
    s = control.tf("s")
    return gains.kp + gains.ki / s + gains.kd * s


@given(gain=positive, time_constant=positive, dt=st.floats(1e-6, 1e-1))
def test_magnitude_optimum_has_its_textbook_margin_and_gains(gain, time_constant, dt):
    gains = tuning.magnitude_optimum(gain, time_constant, dt=dt)
    sigma = 1.5 * dt
    assert gains.integral_time == pytest.approx(time_constant)
    assert gains.kp == pytest.approx(time_constant / (2 * gain * sigma))
    # L = 1 / (2 sigma s (sigma s + 1)) crosses at omega sigma = sqrt((sqrt(2) - 1) / 2).
    omega = math.sqrt((math.sqrt(2) - 1) / 2) / sigma
    s = 1j * omega
    loop = (gains.kp + gains.ki / s) * gain / ((time_constant * s + 1) * (sigma * s + 1))
    assert abs(loop) == pytest.approx(1.0)
    assert 180 + math.degrees(np.angle(loop)) == pytest.approx(65.53, abs=0.01)


def test_magnitude_optimum_overshoots_by_4_3_percent():
    gain, time_constant, sigma = 55.0, 0.02, 1.5e-4
    gains = tuning.magnitude_optimum(gain, time_constant, delay=sigma)
    plant = control.tf([gain], [time_constant, 1]) * control.tf([1], [sigma, 1])
    closed = control.minreal(control.feedback(law(gains) * plant), verbose=False)
    info = control.step_info(closed, T=np.linspace(0, 40 * sigma, 20001))
    assert info["Overshoot"] == pytest.approx(100 * math.exp(-math.pi), abs=0.01)
    assert info["RiseTime"] == pytest.approx(4.3 * sigma / math.sqrt(2), rel=0.01)


@pytest.mark.parametrize(("a", "margin"), [(2.0, 36.87), (4.0, 61.93), (1 + math.sqrt(2), 45.0)])
def test_symmetrical_optimum_margin(a, margin):
    gain, sigma = 7.0, 1.5e-4
    gains = tuning.symmetrical_optimum(gain, delay=sigma, a=a)
    plant = control.tf([gain], [1, 0]) * control.tf([1], [sigma, 1])
    _, phase_margin, _, crossover = control.margin(law(gains) * plant)
    assert phase_margin == pytest.approx(margin, abs=0.01)
    assert crossover == pytest.approx(1 / (a * sigma))
    assert gains.integral_time == pytest.approx(a * a * sigma)


def test_symmetrical_optimum_overshoot_with_and_without_prefilter():
    gain, sigma = 7.0, 1e-3
    gains = tuning.symmetrical_optimum(gain, delay=sigma)
    closed = control.feedback(law(gains) * control.tf([gain], [sigma, 1, 0]))
    time = np.linspace(0, 60 * sigma, 20001)
    assert control.step_info(closed, T=time)["Overshoot"] == pytest.approx(43.4, abs=0.1)
    filtered = control.minreal(closed * control.tf([1], [gains.prefilter, 1]), verbose=False)
    assert control.step_info(filtered, T=time)["Overshoot"] == pytest.approx(8.15, abs=0.1)


def test_simc_gives_its_published_examples():
    # Skogestad 2003: with lambda = delay, kp = T / (2 k delay) and Ti = min(T, 8 delay).
    gains = tuning.simc(2.0, 10.0, 1.0)
    assert (gains.kp, gains.integral_time) == pytest.approx((2.5, 8.0))
    # Margins of the tight setting for T <= 8 delay: GM = pi, PM = 61.4 deg (his table 2).
    gains = tuning.simc(1.0, 4.0, 1.0)
    s = 1j * 0.5
    loop = (gains.kp + gains.ki / s) / (4.0 * s + 1) * np.exp(-s)
    assert abs(loop) == pytest.approx(1.0)
    assert 180 + math.degrees(np.angle(loop)) == pytest.approx(61.4, abs=0.1)


@given(gain=positive, t1=positive, ratio=st.floats(0.01, 1.0), delay=positive)
def test_simc_pid_equals_the_series_form(gain, t1, ratio, delay):
    t2 = ratio * t1
    gains = tuning.simc(gain, t1, delay, second_time_constant=t2, closed_loop=2 * delay)
    kc, ti = t1 / (gain * 3 * delay), min(t1, 12 * delay)
    s = 1j / t1
    series = kc * (1 + 1 / (ti * s)) * (1 + t2 * s)
    assert gains.kp + gains.ki / s + gains.kd * s == pytest.approx(series)


@given(gain=positive, time_constant=positive, factor=st.floats(1.0, 50.0))
def test_first_order_pole_placement(gain, time_constant, factor):
    frequency, damping = factor / time_constant, 0.8
    gains = tuning.pole_placement_first_order(
        gain, time_constant, frequency=frequency, damping=damping
    )
    characteristic = np.array([time_constant, 1 + gain * gains.kp, gain * gains.ki]) / time_constant
    np.testing.assert_allclose(
        characteristic, [1.0, 2 * damping * frequency, frequency**2], rtol=1e-9
    )


@pytest.mark.parametrize(("third_pole", "friction"), [(0.0, 0.0), (2.0, 0.0), (2.0, 0.7)])
def test_double_integrator_pole_placement(third_pole, friction):
    gain, frequency, damping = 0.3, 4.0, 0.6
    gains = tuning.pole_placement_double_integrator(
        gain, frequency=frequency, damping=damping, third_pole=third_pole, friction=friction
    )
    # s^3 + (friction + gain kd) s^2 + gain kp s + gain ki
    got = [1.0, friction + gain * gains.kd, gain * gains.kp, gain * gains.ki]
    wanted = np.polymul([1.0, third_pole], [1.0, 2 * damping * frequency, frequency**2])
    np.testing.assert_allclose(got, wanted)


def test_ziegler_nichols_ultimate_on_a_known_plant():
    # 1 / (s + 1)^3 oscillates at K = 8 with the period 2 pi / sqrt(3).
    ku, tu = 8.0, 2 * math.pi / math.sqrt(3)
    gains = experiments.ziegler_nichols_ultimate(ku, tu, kind="PID")
    assert (gains.kp, gains.integral_time, gains.derivative_time) == pytest.approx(
        (4.8, tu / 2, tu / 8)
    )
    plant = control.tf([1], [1, 3, 3, 1])
    assert (control.poles(control.feedback(law(gains) * plant)).real < 0).all()
    proportional = experiments.ziegler_nichols_ultimate(ku, tu, kind="P")
    assert proportional.ki == 0.0
    assert proportional.kp == 4.0


@pytest.mark.parametrize("kind", ["P", "PI", "PID"])
@pytest.mark.parametrize("rule", ["zn", "setpoint0", "setpoint20", "disturbance0", "disturbance20"])
def test_step_rules_stabilise_their_own_plant(rule, kind):
    gain, time_constant, delay = 3.0, 10.0, 2.0
    if rule == "zn":
        gains = experiments.ziegler_nichols_step(gain, time_constant, delay, kind=kind)
    else:
        gains = experiments.chien_hrones_reswick(
            gain,
            time_constant,
            delay,
            kind=kind,
            purpose=rule.rstrip("02"),
            overshoot=20 if rule.endswith("20") else 0,
        )
    pade = control.tf(*control.pade(delay, 8))
    # A real derivative is filtered.
    shaped = gains.kp + gains.ki * control.tf([1], [1, 0]) if gains.ki else control.tf(gains.kp, 1)
    shaped = shaped + control.tf([gains.kd, 0], [0.02 * delay, 1])
    closed = control.feedback(shaped * control.tf([gain], [time_constant, 1]) * pade)
    assert (control.poles(closed).real < 0).all()


def test_chien_setpoint_rules_are_ordered_by_overshoot():
    calm = experiments.chien_hrones_reswick(1.0, 10.0, 1.0, overshoot=0)
    lively = experiments.chien_hrones_reswick(1.0, 10.0, 1.0, overshoot=20)
    assert (calm.kp, calm.integral_time) == pytest.approx((3.5, 12.0))
    assert (lively.kp, lively.integral_time) == pytest.approx((6.0, 10.0))


def test_lqr_double_integrator_is_the_textbook_case():
    # Q = diag(1, 0), R = 1: K = [1, sqrt(2)], P = [[sqrt(2), 1], [1, sqrt(2)]], damping 1/sqrt(2).
    feedback = lqr([[0, 1], [0, 0]], [[0], [1]], [1.0, 0.0], [1.0])
    root = math.sqrt(2)
    np.testing.assert_allclose(feedback.k, [[1.0, root]], atol=1e-9)
    np.testing.assert_allclose(feedback.riccati, [[root, 1.0], [1.0, root]], atol=1e-9)
    np.testing.assert_allclose(feedback.poles.real, -1 / root, atol=1e-9)
    assert feedback.k_i.shape == (1, 0)


@pytest.mark.parametrize("dt", [0.0, 0.05])
def test_lqr_solves_its_riccati_equation(dt):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(4, 4)), rng.normal(size=(4, 2))
    q, r = np.diag([1.0, 2.0, 0.5, 0.1]), np.diag([1.0, 3.0])
    if dt:
        a = linalg.expm(a * dt)
    feedback = lqr(a, b, q, r, dt=dt)
    p, k = feedback.riccati, feedback.k
    if dt:
        residual = a.T @ p @ a - p - a.T @ p @ b @ k + q
        assert (np.abs(feedback.poles) < 1).all()
    else:
        residual = a.T @ p + p @ a - p @ b @ k + q
        assert (feedback.poles.real < 0).all()
    np.testing.assert_allclose(residual, 0.0, atol=1e-8 * np.abs(p).max())
    np.testing.assert_allclose(k, control.dlqr(a, b, q, r)[0] if dt else control.lqr(a, b, q, r)[0])


@pytest.mark.parametrize("dt", [0.0, 0.05])
def test_lqr_integral_action_removes_the_steady_error(dt):
    a, b, c = np.array([[0.9]]), np.array([[0.1]]), np.array([[1.0]])
    if not dt:
        a = np.array([[-1.0]])
    feedback = lqr(a, b, [1.0, 50.0], [1.0], dt=dt, integral=c)
    x, z, reference, disturbance = 0.0, 0.0, 2.0, 0.3
    for _ in range(20000):
        u = -feedback.k[0, 0] * x - feedback.k_i[0, 0] * z + disturbance
        if dt:
            x, z = a[0, 0] * x + b[0, 0] * u, z + dt * (x - reference)
        else:
            x, z = x + 1e-3 * (a[0, 0] * x + b[0, 0] * u), z + 1e-3 * (x - reference)
    assert x == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tuning.magnitude_optimum(1.0, -1.0, dt=1e-4), "time_constant must be positive"),
        (lambda: tuning.magnitude_optimum(1.0, math.nan, dt=1e-4), "time_constant must be a fin"),
        (lambda: tuning.magnitude_optimum(0.0, 1.0, dt=1e-4), "gain must not be zero"),
        (lambda: tuning.magnitude_optimum(1.0, 1.0), "either dt or delay"),
        (lambda: tuning.magnitude_optimum(1.0, 1.0, dt=1.0, delay=1.0), "either dt or delay"),
        (lambda: tuning.symmetrical_optimum(1.0, dt=1e-4, a=1.0), "a must be above 1"),
        (lambda: tuning.simc(1.0, 1.0, -1.0), "delay must not be negative"),
        (lambda: tuning.simc(1.0, 1.0, 0.0), "closed_loop > 0"),
        (lambda: tuning.simc(1.0, 1.0, 1.0, second_time_constant=2.0), "swap"),
        (lambda: tuning.pole_placement_first_order(1.0, 1.0, frequency=0.1), "too slow"),
        (lambda: experiments.ziegler_nichols_ultimate(1.0, 1.0, kind="PIDD"), "'PID'"),
        (lambda: experiments.ziegler_nichols_step(1.0, 1.0, 0.0), "delay must be positive"),
        (lambda: experiments.chien_hrones_reswick(1.0, 1.0, 1.0, overshoot=10), "0 or 20"),
        (lambda: experiments.chien_hrones_reswick(1.0, 1.0, 1.0, purpose="setpint"), "'setpoint'"),
        (lambda: lqr([[1.0]], [[0.0]], [1.0], [1.0]), "no stabilising|unstable"),
        (lambda: lqr([[1.0]], [[1.0]], [-1.0], [1.0]), "positive semidefinite"),
        (lambda: lqr([[1.0]], [[1.0]], [1.0], [0.0]), "positive definite"),
        (lambda: lqr([[1.0, 2.0]], [[1.0]], [1.0], [1.0]), "a must have shape"),
        (lambda: lqr([[0.0]], [[1.0]], [0.0], [1.0]), "unstable|no stabilising"),
        (lambda: lqr([[0.0]], [[1.0]], [1.0], [1.0], dt=-1.0), "dt must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gains_are_frozen_documented_and_survive_pickle():
    gains = tuning.magnitude_optimum(10.0, 0.02, dt=1e-4).with_unit("V/A")
    assert gains.rule == "magnitude optimum"
    assert "Kessler" in gains.source
    assert gains.assumptions["delay"] == pytest.approx(1.5e-4)
    with pytest.raises(AttributeError):
        gains.kp = 1.0
    with pytest.raises(TypeError):
        gains.assumptions["delay"] = 0.0
    assert pickle.loads(pickle.dumps(gains)).as_dict() == gains.as_dict()
