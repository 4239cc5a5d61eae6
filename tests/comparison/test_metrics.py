"""Metrics against python-control's step_info and closed forms."""

from dataclasses import dataclass

import control
import numpy as np
import pytest

from gym_suite.comparison.metrics import (
    effort_metrics,
    episode_metrics,
    find_steps,
    integral_metrics,
    step_metrics,
)

DT = 1e-3


@dataclass(frozen=True)
class Pair:
    value: str
    reference: str
    scale: float
    unit: str
    label: str


SYSTEMS = {
    "first order": control.tf([1], [0.02, 1]),
    "second order, damped": control.tf([1], [0.01**2, 2 * 0.9 * 0.01, 1]),
    "second order, ringing": control.tf([1], [0.01**2, 2 * 0.3 * 0.01, 1]),
    "steady error": control.tf([0.97], [0.02, 1]),
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("size", [1.0, 250.0, -40.0])
def test_step_metrics_are_python_controls(name, size):
    time = np.arange(400) * DT
    response = control.step_response(SYSTEMS[name], time).outputs * size
    reference = np.full(400, size)
    steps = find_steps(response, reference, smallest=0.1)
    ours = {k: v[0] for k, v in step_metrics(response, steps, dt=DT).items()}
    oracle = control.step_info(response, time, yfinal=size)
    assert ours["RiseTime"] == pytest.approx(oracle["RiseTime"])
    assert ours["Overshoot"] == pytest.approx(oracle["Overshoot"], abs=1e-9)
    if np.isnan(oracle["SettlingTime"]):
        assert ours["SettlingTime"] == np.inf  # never inside the band of the reference
    else:
        assert ours["SettlingTime"] == pytest.approx(oracle["SettlingTime"])
    gain = float(np.real(SYSTEMS[name].dcgain()))
    assert ours["SteadyStateValue"] == pytest.approx(gain, abs=1e-4)
    assert ours["SteadyStateError"] == pytest.approx(abs(size) * (1 - gain), abs=1e-4 * abs(size))


def test_piecewise_constant_reference_is_judged_step_by_step():
    """Levels 0 -> 1 -> -2 -> -1.99 (too small to judge) -> 3, answered by first-order lags."""
    levels, hold, tau = [1.0, -2.0, -1.99, 3.0], 200, 0.02
    reference, value, before = [], [], 0.0
    age = np.arange(hold) * DT  # where the reference is new the value is still the old one
    for level in levels:
        reference.append(np.full(hold, level))
        value.append(level + (before - level) * np.exp(-age / tau))
        before = level
    reference, value = np.concatenate(reference), np.concatenate(value)
    steps = find_steps(value, reference, smallest=0.05)
    np.testing.assert_array_equal(steps.start, [0, 200, 600])
    np.testing.assert_allclose(steps.size, [1.0, -3.0, 4.99])
    by_step = step_metrics(value, steps, dt=DT)
    np.testing.assert_allclose(by_step["RiseTime"], tau * np.log(9), atol=1.01 * DT)
    expected = np.ceil(tau * np.log(50) / DT) * DT
    np.testing.assert_allclose(by_step["SettlingTime"], expected)
    np.testing.assert_allclose(by_step["Overshoot"], 0.0, atol=1e-9)
    np.testing.assert_allclose(by_step["SteadyStateValue"], 1.0, atol=1e-3)


def test_the_steady_state_is_the_mean_over_the_last_tenth_of_a_step():
    """Of a value that rises by a hundredth of the step in every period that is the mean of the last ten, 0.945."""
    value = np.concatenate([np.arange(100) / 100.0, np.ones(5)])
    steps = find_steps(value, np.repeat([1.0, 2.0], [100, 5]), smallest=0.05)
    by_step = step_metrics(value, steps, dt=DT)
    np.testing.assert_allclose(by_step["SteadyStateValue"][0], 0.945)
    np.testing.assert_allclose(by_step["SteadyStateError"][0], 0.055)


def test_a_moving_reference_has_no_steps_and_its_metrics_do_not_apply():
    time = np.arange(500) * DT
    reference = np.sin(10 * time)
    columns = {"y": reference[:, None] + 0.1, "r": reference[:, None], "reward": np.zeros((500, 1))}
    pair = Pair("y", "r", 1.0, "A", "y")
    metrics = episode_metrics(columns, dt=DT, tracking=[pair], lengths=[499])
    assert all(np.isnan(metrics[k]) for k in ("RiseTime", "SettlingTime", "Overshoot"))
    assert metrics["RMSE"] == pytest.approx(0.1)


def test_integrals_of_an_exponential_have_closed_forms():
    tau, dt = 0.02, 1e-5
    time = np.arange(60_001) * dt  # thirty time constants
    value, reference = 5.0 * (1 - np.exp(-time / tau)), np.full(time.size, 5.0)
    metrics = integral_metrics(value, reference, dt=dt)
    assert metrics["IAE"][0] == pytest.approx(5 * tau, rel=1e-3)
    assert metrics["ISE"][0] == pytest.approx(25 * tau / 2, rel=2e-3)
    assert metrics["ITAE"][0] == pytest.approx(5 * tau**2, rel=1e-3)
    assert metrics["RMSE"][0] == pytest.approx(np.sqrt(25 * tau / 2 / 0.6), rel=1e-3)
    assert metrics["MAE"][0] == pytest.approx(5 * tau / 0.6, rel=1e-3)


def test_itae_starts_its_clock_at_each_step():
    error = np.concatenate([np.ones(50), np.zeros(150)])
    reference = np.concatenate([np.ones(200), np.full(200, 3.0)])
    value = reference - np.concatenate([error, error])
    steps = find_steps(value, reference, smallest=0.0)
    expected = 2 * np.arange(50).sum() * DT**2  # two equal errors weigh the same
    found = integral_metrics(value, reference, dt=DT, steps=steps)["ITAE"][0]
    assert found == pytest.approx(expected)


def test_periods_lost_by_an_early_end_count_as_full_scale():
    reference, value = np.full(401, 2.0), np.full(401, 1.0)
    value[101:] = 2.0 - 10.0  # what an episode would look like that went on at full-scale error
    whole = integral_metrics(value, reference, dt=DT)
    cut = integral_metrics(value[:101], reference[:101], dt=DT, lost=[300], scale=10.0)
    for name, values in whole.items():
        assert cut[name][0] == pytest.approx(values[0]), name


def test_rows_are_judged_as_if_alone_and_only_to_their_end():
    rng = np.random.default_rng(0)
    lengths = np.array([300, 180, 1])
    reference = np.repeat(rng.uniform(-1, 1, (4, 3)), 100, axis=0)
    columns = {
        "y": reference + 0.2 * rng.normal(size=(400, 3)),
        "r": reference,
        "reward": rng.normal(size=(400, 3)),
        "u": rng.uniform(-2, 2, (400, 3)),
        "bad": (rng.uniform(size=(400, 3)) < 0.1).astype(float),
    }
    pair = Pair("y", "r", 2.0, "A", "y")
    options = {
        "dt": DT,
        "tracking": [pair],
        "effort": ["u"],
        "effort_scale": [2.0],
        "violation": "bad",
    }
    together = episode_metrics(columns, lengths=lengths, **options)
    for row, length in enumerate(lengths):
        cut = {k: v[: length + 1, row : row + 1] for k, v in columns.items()}
        alone = episode_metrics(cut, lengths=[length], **options)
        assert alone.keys() == together.keys()
        for name, values in together.items():
            np.testing.assert_allclose(values[row], alone[name][0], rtol=1e-12, err_msg=name)
    assert together["return"][1] == pytest.approx(columns["reward"][1:181, 1].sum())
    assert together["violations"][0] == columns["bad"][1:301, 0].sum()


def test_several_quantities_are_put_together_as_shares_of_their_scales():
    zeros = np.zeros((11, 1))
    columns = {"a": zeros + 3.0, "b": zeros + 40.0, "r": zeros, "reward": zeros}
    pairs = [Pair("a", "r", 10.0, "A", "i_d"), Pair("b", "r", 100.0, "A", "i_q")]
    metrics = episode_metrics(columns, dt=0.1, tracking=pairs, lengths=[10])
    assert metrics["RMSE"][0] == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2))
    assert metrics["IAE"][0] == pytest.approx(0.3 + 0.4)
    assert metrics["ISE"][0] == pytest.approx(0.09 + 0.16)
    assert metrics["i_q/RMSE"][0] == pytest.approx(40.0)
    assert metrics["i_d/IAE"][0] == pytest.approx(3.0)


def test_effort_known_values():
    u = np.array([0.0, 1.0, -1.0, 1.0, 0.0])  # row 0 is before the first action
    metrics = effort_metrics([u], [1.0])
    assert metrics["EffortRMS"][0] == pytest.approx(np.sqrt(3 / 4))
    assert metrics["EffortVariation"][0] == pytest.approx((2 + 2 + 1) / 3)
    assert metrics["Saturation"][0] == pytest.approx(3 / 4)
    # Four rotors at full speed are at 100 %, not at 200 %.
    many = effort_metrics([u, 5.0 * u, 7.0 * u, u], [1.0, 5.0, 7.0, 1.0])
    assert many == {name: pytest.approx(value) for name, value in metrics.items()}


def test_never_reached_is_infinite_not_missing():
    reference = np.ones(100)
    value = np.linspace(0, 0.5, 100)
    metrics = step_metrics(value, find_steps(value, reference, smallest=0.0), dt=DT)
    assert metrics["RiseTime"][0] == metrics["SettlingTime"][0] == np.inf


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(3,\).*\(4,\)"):
        integral_metrics(np.zeros(3), np.zeros(4), dt=DT)
    with pytest.raises(ValueError, match="lengths"):
        integral_metrics(np.zeros((3, 2)), np.zeros((3, 2)), dt=DT, lengths=[2, 3])


def test_a_step_of_exactly_the_smallest_size_counts():
    reference = np.repeat([0.0, 0.5, 0.25], 40)
    assert find_steps(reference, reference, smallest=0.5).size.tolist() == [0.5]
    assert find_steps(reference, reference, smallest=0.25).size.tolist() == [0.5, -0.25]
