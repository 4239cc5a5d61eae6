"""The Runge-Kutta step has order four, on tuples of any length, compiled and not."""

import numpy as np
import pytest

from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel


@kernel
def _derivative(x, t):
    """A damped, forced oscillator beside a logistic growth: x'' = -x - 0.2 x' + sin t, y' = y (1 - y)."""
    position, speed, growth = x
    return speed, -position - 0.2 * speed + np.sin(t), growth * (1.0 - growth)


@kernel
def _integrate(position, speed, growth, h, steps):
    x = (position, speed, growth)
    for i in range(steps):
        t = i * h
        k1 = _derivative(x, t)
        k2 = _derivative(combine(x, 0.5 * h, k1), t + 0.5 * h)
        k3 = _derivative(combine(x, 0.5 * h, k2), t + 0.5 * h)
        k4 = _derivative(combine(x, h, k3), t + h)
        x = combine_rk4(x, h, k1, k2, k3, k4)
    return x


def closed_form(t):
    """Position and growth at time t, from rest at 0 and growth 0.1."""
    # The forced part of x'' + 0.2 x' + x = sin t is -5 cos t; the rest decays from (5, 0).
    decay, omega = 0.1, np.sqrt(1.0 - 0.01)
    free = np.exp(-decay * t) * (5.0 * np.cos(omega * t) + 5.0 * decay / omega * np.sin(omega * t))
    return free - 5.0 * np.cos(t), 1.0 / (1.0 + 9.0 * np.exp(-t))


def test_order_four_is_measured():
    t, errors = 6.0, []
    for steps in (30, 60, 120, 240):
        position, _, growth = _integrate(0.0, 0.0, 0.1, t / steps, steps)
        errors.append([abs(position - closed_form(t)[0]), abs(growth - closed_form(t)[1])])
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders[-1], 4.0, atol=0.15)
    assert max(errors[-1]) < 1e-6


@pytest.mark.parametrize("length", [1, 2, 5])
def test_compiled_and_plain_agree_bit_for_bit(length):
    generator = np.random.default_rng(length)
    rows = [tuple(generator.normal(size=length).tolist()) for _ in range(5)]
    assert _one(*rows[:2]) == combine(rows[0], 0.3, rows[1])
    assert _all(*rows) == combine_rk4(rows[0], 0.3, *rows[1:])


@kernel
def _one(x, k):
    return combine(x, 0.3, k)


@kernel
def _all(x, k1, k2, k3, k4):
    return combine_rk4(x, 0.3, k1, k2, k3, k4)


def test_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        combine((1.0, 2.0), 0.1, (1.0,))
