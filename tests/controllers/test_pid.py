"""PI and PID laws against SciPy's discretisations, closed forms and hand-computed samples."""

import math

import numpy as np
import pytest
from scipy import signal

from gym_suite.controllers import pid
from gym_suite.controllers.gains import Gains
from gym_suite.controllers.pid import PI, PID, Cascade
from gym_suite.controllers.tuning import magnitude_optimum
from gym_suite.core.kernel import kernel

KINDS = sorted(pid.ANTI_WINDUP)


def test_pi_output_equals_the_transfer_function():
    # Forward Euler: u(z) = (kp + ki dt / (z - 1)) e(z).
    kp, ki, dt = 2.0, 30.0, 1e-2
    error = np.random.default_rng(0).normal(size=200)
    _, expected, *_ = signal.dlsim(([kp, ki * dt - kp], [1.0, -1.0], dt), error)
    regulator = PI(kp, ki, dt=dt)
    got = [regulator.step(value, 0.0) for value in error]
    np.testing.assert_allclose(got, expected[:, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("filter_time", [0.0, 5e-3, 0.2])
def test_derivative_equals_scipys_backward_difference(filter_time):
    kd, dt = 0.7, 1e-2
    measurement = np.cumsum(np.random.default_rng(1).normal(size=100))
    measurement[0] = 0.0  # SciPy starts at rest at zero
    continuous = ([kd, 0.0], [filter_time, 1.0])
    if filter_time == 0.0:
        discrete = ([kd / dt, -kd / dt], [1.0, 0.0], dt)
    else:
        numerator, denominator, _ = signal.cont2discrete(continuous, dt, method="backward_diff")
        discrete = (numerator[0], denominator, dt)
    _, expected, *_ = signal.dlsim(discrete, -measurement)
    regulator = PID(0.0, 0.0, kd, dt=dt, filter_time=filter_time)
    got = [regulator.step(0.0, value) for value in measurement]
    np.testing.assert_allclose(got, expected[:, 0], rtol=1e-10, atol=1e-10)


def test_first_sample_has_no_derivative_kick():
    assert PID(1.0, 0.0, 5.0, dt=1e-3).step(2.0, 0.5) == pytest.approx(1.5)


def test_reference_step_kicks_only_when_the_derivative_takes_the_error():
    outputs = {}
    for on in ("measurement", "error"):
        regulator = PID(1.0, 0.0, 0.1, dt=1e-2, filter_time=0.0, derivative_on=on)
        regulator.step(0.0, 0.0)
        outputs[on] = regulator.step(1.0, 0.0)
    assert outputs["measurement"] == pytest.approx(1.0)
    assert outputs["error"] == pytest.approx(1.0 + 0.1 / 1e-2)


def test_setpoint_weight_scales_the_reference_in_the_proportional_part():
    regulator = PID(2.0, 0.0, 0.0, dt=1e-2, setpoint_weight=0.25)
    assert regulator.step(4.0, 1.0) == pytest.approx(2.0 * (0.25 * 4.0 - 1.0))


def test_clamping_stops_the_integral_only_in_the_limited_direction():
    regulator = PI(1.0, 10.0, dt=0.1, low=-1.0, high=1.0, anti_windup="clamping")
    assert regulator.step(5.0, 0.0) == 1.0
    assert regulator.integral[0] == 0.0
    assert regulator.step(-0.5, 0.0) == -0.5
    assert regulator.integral[0] == pytest.approx(-0.5)


def test_clamping_works_for_negative_gains():
    regulator = PI(-1.0, -10.0, dt=0.1, low=-1.0, high=1.0, anti_windup="clamping")
    assert regulator.step(5.0, 0.0) == -1.0
    assert regulator.integral[0] == 0.0


def test_without_anti_windup_the_integral_runs_away():
    regulator = PI(1.0, 10.0, dt=0.1, high=1.0, anti_windup="none")
    for _ in range(50):
        regulator.step(5.0, 0.0)
    assert regulator.integral[0] == pytest.approx(50 * 10.0 * 0.1 * 5.0)


def test_back_calculation_settles_where_both_slopes_balance():
    # ki e + back_gain (high - demanded) = 0 in the steady state.
    ki, gain, error, high = 10.0, 4.0, 5.0, 1.0
    options = {"dt": 0.01, "high": high, "anti_windup": "back_calculation", "back_gain": gain}
    regulator = PI(1.0, ki, **options)
    for _ in range(2000):
        regulator.step(error, 0.0)
    demanded = 1.0 * error + regulator.integral[0]
    assert demanded == pytest.approx(high + ki * error / gain)


def test_a_huge_back_gain_does_not_ring():
    regulator = PI(1.0, 1.0, dt=0.1, high=1.0, anti_windup="back_calculation", back_gain=1e6)
    integrals = []
    for _ in range(20):
        regulator.step(5.0, 0.0)
        integrals.append(regulator.integral[0])
    assert np.ptp(integrals[2:]) < 1e-9


def _overshoot_with_saturation(anti_windup):
    """Step response of 1 / (s + 1) under a PI limited to little more than it needs."""
    dt = 0.01
    regulator = PI(2.0, 8.0, dt=dt, low=0.0, high=1.1, anti_windup=anti_windup)
    y, peak = 0.0, 0.0
    for _ in range(2000):
        y += dt * (regulator.step(1.0, y) - y)
        peak = max(peak, y)
    assert y == pytest.approx(1.0, abs=1e-6)
    return peak - 1.0


def test_anti_windup_reduces_overshoot():
    plain = _overshoot_with_saturation("none")
    assert _overshoot_with_saturation("clamping") < 0.5 * plain
    assert _overshoot_with_saturation("back_calculation") < 0.5 * plain


@kernel
def _two_axes(errors, integrals, kp, ki, dt, radius, kind, gain):
    """Two PI laws whose outputs share a circle, as a caller composes them."""
    a = pid.pi_output(errors[0], integrals[0], kp)
    b = pid.pi_output(errors[1], integrals[1], kp)
    length = math.sqrt(a * a + b * b)
    scale = min(1.0, radius / length)
    integrals[0] = pid.pi_update(errors[0], integrals[0], ki, dt, a, scale * a, kind, gain)
    integrals[1] = pid.pi_update(errors[1], integrals[1], ki, dt, b, scale * b, kind, gain)
    return scale * a, scale * b


def test_split_form_composes_inside_a_kernel():
    integrals = np.zeros(2)
    u = _two_axes(np.array([3.0, 4.0]), integrals, 1.0, 10.0, 0.1, 1.0, pid.CLAMPING, 0.0)
    assert u == pytest.approx((0.6, 0.8))
    np.testing.assert_array_equal(integrals, 0.0)
    u = _two_axes(np.array([0.03, 0.04]), integrals, 1.0, 10.0, 0.1, 1.0, pid.CLAMPING, 0.0)
    assert u == pytest.approx((0.03, 0.04))
    np.testing.assert_allclose(integrals, [0.03, 0.04])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("law", ["pi", "pid"])
def test_arrays_equal_scalars(law, kind):
    rng = np.random.default_rng(2)
    options = {"dt": 0.01, "low": -1.0, "high": 2.0, "anti_windup": kind}

    def build():
        return PI(1.0, 5.0, **options) if law == "pi" else PID(1.0, 5.0, 0.1, **options)

    batch, singles = build(), [build() for _ in range(6)]
    for _ in range(30):
        reference, measurement = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
        got = batch.step(reference, measurement)
        expected = [
            one.step(r, y)
            for one, r, y in zip(singles, reference.flat, measurement.flat, strict=True)
        ]
        np.testing.assert_array_equal(got.ravel(), expected)


def test_cascade_runs_the_outer_loop_once_per_ratio():
    outer, inner = PI(1.0, 2.0, dt=0.03), PI(4.0, 8.0, dt=0.01)
    cascade = Cascade(outer, inner, ratio=3)
    seen = []
    for step in range(6):
        cascade.step(1.0, 0.1 * step, 0.0)
        seen.append(cascade.inner_reference)
    assert seen[0] == seen[1] == seen[2] == pytest.approx(1.0)
    assert seen[3] == seen[4] == seen[5] == pytest.approx(0.7 + 2.0 * 0.03 * 1.0)


def test_cascade_controls_a_double_plant():
    # di/dt = -i + u, dw/dt = i: the outer loop sets i*, the inner one u.
    dt = 0.01
    cascade = Cascade(PI(1.0, 0.2, dt=5 * dt), PI(5.0, 10.0, dt=dt), ratio=5)
    i = w = 0.0
    for _ in range(6000):
        u = cascade.step(2.0, w, i)
        i, w = i + dt * (u - i), w + dt * i
    assert w == pytest.approx(2.0, abs=1e-6)


def test_from_gains():
    gains = magnitude_optimum(10.0, 0.02, dt=1e-4)
    assert PI.from_gains(gains, dt=1e-4).step(1.0, 0.0) == pytest.approx(gains.kp)
    with pytest.raises(ValueError, match="use PID"):
        PI.from_gains(Gains(kp=1.0, kd=1.0, rule="r", source="s"), dt=1.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PI(1.0, 1.0, dt=0.0), "dt must be a positive"),
        (lambda: PI(math.nan, 1.0, dt=0.1), "kp must be a finite"),
        (lambda: PI(1.0, 1.0, dt=0.1, low=1.0, high=1.0), "low must be below high"),
        (lambda: PI(1.0, 1.0, dt=0.1, anti_windup="clampin"), "'clamping'"),
        (lambda: PID(1.0, 1.0, 1.0, dt=0.1, derivative_on="eror"), "'error'"),
        (lambda: PID(1.0, 1.0, 1.0, dt=0.1, filter_time=-1.0), "filter_time"),
        (lambda: Cascade(PI(1, 1, dt=0.1), PI(1, 1, dt=0.1), ratio=2), "outer period"),
        (lambda: Cascade(PI(1, 1, dt=0.1), PI(1, 1, dt=0.1), ratio=0), "ratio"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_bad_sample_is_refused_and_changes_nothing():
    regulator = PI(1.0, 1.0, dt=0.1)
    regulator.step(1.0, 0.0)
    before = regulator.integral
    with pytest.raises(ValueError, match="finite"):
        regulator.step(math.nan, 0.0)
    with pytest.raises(ValueError, match=r"reset\(\)"):
        regulator.step(np.ones(3), 0.0)
    np.testing.assert_array_equal(regulator.integral, before)
