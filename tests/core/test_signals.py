"""Every signal equals its closed form; the random ones have the statistics they claim and replay exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal as scipy_signal
from scipy import stats

from gym_suite.core.signals import (
    KINDS,
    WIDTH,
    Signal,
    as_signal,
    interpolate,
    pack,
    reflect,
    signal_value,
)

TIMES = np.linspace(-0.3, 4.7, 501)
KEY = np.uint64(2024)


def play(signal, times=TIMES, *, key=KEY, stream=7):
    """Return the values of one signal, which stands between two others in the packed rows."""
    other = Signal(kind="table", table=((0.0, 5.0), (1.0, 6.0)))
    rows, tables = pack([other, as_signal(signal), other])
    return np.array([signal_value(rows, 1, tables, np.uint64(key), stream, t) for t in times])


def since(start):
    return start <= TIMES


# ------------------------------------------------------------------------------------ the deterministic ones


def test_none_and_constant():
    np.testing.assert_array_equal(play(Signal(kind="none", offset=3.0)), 0.0)
    np.testing.assert_array_equal(play(3.5), 3.5)


def test_step():
    values = play(Signal(kind="step", offset=1.0, amplitude=2.0, start=1.0))
    np.testing.assert_array_equal(values, np.where(since(1.0), 3.0, 1.0))


def test_ramp():
    values = play(Signal(kind="ramp", offset=1.0, amplitude=4.0, period=2.0, start=0.5))
    expected = np.interp(TIMES, [0.5, 2.5], [1.0, 5.0])
    np.testing.assert_allclose(values, expected, rtol=1e-14)


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.7])
def test_periodic_signals_equal_scipy(phase):
    period, start, offset, amplitude = 0.8, 0.2, 1.5, 2.5
    common = {"offset": offset, "amplitude": amplitude, "period": period, "phase": phase}
    angle = 2.0 * np.pi * ((TIMES - start) / period + phase)
    waves = {
        "sine": np.sin(angle),
        # SciPy's triangle begins at -1; ours, like the sine, at 0 and rising.
        "triangle": scipy_signal.sawtooth(angle + 0.5 * np.pi, width=0.5),
        "sawtooth": scipy_signal.sawtooth(angle),
    }
    for kind, wave in waves.items():
        values = play(Signal(kind=kind, start=start, **common))
        expected = np.where(since(start), offset + amplitude * wave, offset)
        # Where a sawtooth falls, rounding decides on which side a time lies.
        apart = np.abs(values - expected) > 1e-9
        assert apart.sum() <= (8 if kind == "sawtooth" else 0)
        if kind == "sawtooth":
            np.testing.assert_allclose(np.abs(values - expected)[apart], 2.0 * amplitude, rtol=1e-6)


def test_bounds_clip():
    values = play(Signal(kind="sine", amplitude=2.0, low=-0.5, high=1.0))
    expected = np.clip(np.where(since(0.0), 2.0 * np.sin(2.0 * np.pi * TIMES), 0.0), -0.5, 1.0)
    np.testing.assert_allclose(values, expected, atol=1e-12)


# ----------------------------------------------------------------------------------------------- tables

TABLE = ((0.5, 1.0), (1.0, 3.0), (2.5, -2.0))


def test_a_table_is_linear_between_and_held_outside():
    values = play({"table": TABLE, "start": 0.25, "offset": 10.0})
    times, numbers = np.array(TABLE).T
    expected = np.where(since(0.25), 10.0 + np.interp(TIMES - 0.25, times, numbers), 10.0)
    np.testing.assert_allclose(values, expected, rtol=1e-13)


def test_a_table_repeats_after_its_period():
    values = play({"table": TABLE, "period": 1.5, "amplitude": 2.0})
    times, numbers = np.array(TABLE).T
    expected = np.where(since(0.0), 2.0 * np.interp(TIMES % 1.5, times, numbers), 0.0)
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_a_table_of_one_row_is_constant():
    np.testing.assert_array_equal(play({"table": [(0.0, 4.0)]})[since(0.0)], 4.0)


def test_several_tables_are_told_apart():
    signals = [as_signal({"table": [(0.0, float(i)), (1.0, i + 10.0)]}) for i in range(3)]
    rows, tables = pack(signals)
    assert rows.shape == (3, WIDTH)
    values = [signal_value(rows, i, tables, KEY, 0, 0.5) for i in range(3)]
    np.testing.assert_allclose(values, [5.0, 6.0, 7.0])


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9, unique=True), st.floats(-2e3, 2e3))
def test_interpolation_equals_numpy(times, t):
    times = np.sort(times)
    values = np.cos(np.arange(len(times)))
    expected = np.interp(t, times, values)
    assert interpolate(times, values, t) == pytest.approx(expected, rel=1e-9, abs=1e-9)


# ------------------------------------------------------------------------------------------- random walk


def walks(times, *, keys=4000, **more):
    """Return (keys, times) values of a walk of one unit per second."""
    rows, tables = pack([Signal(kind="random_walk", amplitude=1.0, period=1.0, **more)])
    key = np.arange(1, keys + 1, dtype=np.uint64)
    return np.array([[signal_value(rows, 0, tables, k, 3, t) for t in times] for k in key])


def test_a_walk_has_brownian_increments():
    times = np.array([0.0, 0.1, 0.35, 0.9, 1.0, 1.7, 3.2, 6.0])
    values = walks(times)
    np.testing.assert_array_equal(values[:, 0], 0.0)
    increments = np.diff(values, axis=1) / np.sqrt(np.diff(times))
    for column in increments.T:
        assert stats.kstest(column, "norm").pvalue > 0.005
    covariance = np.cov(increments.T)
    np.testing.assert_allclose(np.diag(covariance), 1.0, atol=0.1)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0.0, atol=0.07)


def test_a_walk_scales_with_amplitude_and_period():
    rows, tables = pack([Signal(kind="random_walk", amplitude=3.0, period=0.5, offset=1.0)])
    plain = pack([Signal(kind="random_walk", amplitude=1.0, period=1.0)])
    for t in (0.2, 1.3, 4.0):
        value = signal_value(rows, 0, tables, KEY, 3, t)
        assert value == pytest.approx(
            1.0 + 3.0 * signal_value(plain[0], 0, plain[1], KEY, 3, 2 * t)
        )


@pytest.mark.parametrize("kind", ["random_walk", "prbs", "laplace_walk"])
def test_a_path_does_not_depend_on_the_order_of_the_questions(kind):
    signal = Signal(kind=kind, amplitude=1.0, period=0.1)
    straight = play(signal)
    order = np.random.default_rng(0).permutation(len(TIMES))
    mixed = np.empty_like(straight)
    mixed[order] = play(signal, TIMES[order])
    np.testing.assert_array_equal(mixed, straight)
    np.testing.assert_array_equal(play(signal), straight)


@pytest.mark.parametrize("kind", ["random_walk", "prbs", "laplace_walk"])
def test_keys_and_streams_give_other_paths(kind):
    signal = Signal(kind=kind, amplitude=1.0, period=0.1)
    assert not np.array_equal(play(signal, key=1), play(signal, key=2))
    assert not np.array_equal(play(signal, stream=1), play(signal, stream=2))


def test_a_walk_is_continuous():
    fine = play(Signal(kind="random_walk", amplitude=1.0), np.linspace(0.0, 2.0, 20001))
    # Increments over 0.1 ms have a standard deviation of 0.01; six of them never occur.
    assert np.abs(np.diff(fine)).max() < 0.06
    assert np.abs(np.diff(fine)).std() > 0.004


@given(
    low=st.floats(-100.0, 99.0),
    width=st.floats(1e-3, 100.0),
    amplitude=st.floats(0.0, 1e3),
    t=st.floats(0.0, 1e3),
    key=st.integers(0, 2**64 - 1),
)
def test_a_bounded_walk_stays_within_its_bounds(low, width, amplitude, t, key):
    signal = Signal(kind="random_walk", amplitude=amplitude, low=low, high=low + width)
    (value,) = play(signal, [t], key=key)
    assert low <= value <= low + width


@pytest.mark.parametrize("value", [0.5, 3.0, 3.5, -1.5, 7.5, -9.5, 1e4 + 0.3])
def test_reflection_is_a_mirror_at_both_bounds(value):
    low, high = -1.0, 3.0
    part = (value - low) / (high - low)
    wave = low + (high - low) * 0.5 * (1.0 + scipy_signal.sawtooth(np.pi * part, width=0.5))
    assert reflect(value, low, high) == pytest.approx(wave, abs=1e-9)


# ------------------------------------------------------------------------------------------ Laplace walk


def test_a_laplace_walk_has_independent_increments_of_laplace_s_distribution():
    rows, tables = pack([Signal(kind="laplace_walk", amplitude=1.0, period=1.0)])
    times = np.arange(12)
    values = np.array(
        [
            [signal_value(rows, 0, tables, np.uint64(k), 3, float(t)) for t in times]
            for k in range(3000)
        ]
    )
    np.testing.assert_array_equal(values[:, 0], 0.0)
    increments = np.diff(values, axis=1)
    for (
        column
    ) in increments.T:  # the standard deviation of the distribution is sqrt(2) times its scale
        assert stats.kstest(column, "laplace", args=(0.0, np.sqrt(0.5))).pvalue > 0.001
    # Sizes of neighbours do not go together either, as they would on a clock with a memory.
    for series in (increments, np.abs(increments)):
        correlation = np.corrcoef(series.T) - np.eye(11)
        assert np.abs(correlation).max() < 0.08


@pytest.mark.parametrize("period", [6, 7, 14, 15])
def test_every_increment_of_a_laplace_walk_is_one_of_laplace_s_distribution(period):
    """The clock of later halves is what earlier ones left of it."""
    rows, tables = pack([Signal(kind="laplace_walk", amplitude=1.0, period=1.0)])
    increments = [
        signal_value(rows, 0, tables, np.uint64(k), 3, period + 1.0)
        - signal_value(rows, 0, tables, np.uint64(k), 3, float(period))
        for k in range(20_000)
    ]
    assert stats.kstest(increments, "laplace", args=(0.0, np.sqrt(0.5))).pvalue > 0.001


def test_a_laplace_walk_is_the_same_over_thousands_of_periods():
    rows, tables = pack([Signal(kind="laplace_walk", amplitude=2.0, period=1e-3)])

    def at(key, period):
        return signal_value(rows, 0, tables, np.uint64(key), 3, (period + 0.5) * 1e-3)

    path = np.array([at(5, k) for k in range(4096)])
    assert stats.kstest(np.diff(path), "laplace", args=(0.0, 2.0 * np.sqrt(0.5))).pvalue > 0.001
    far = np.array([at(key, 3000) for key in range(2000)])
    assert stats.kstest(far / (2.0 * np.sqrt(3000.0)), "norm").pvalue > 0.001
    held = [signal_value(rows, 0, tables, KEY, 3, t) for t in (0.0071, 0.0075, 0.0079)]
    assert len(set(held)) == 1


# ------------------------------------------------------------------------------------- ranges to draw from


def test_each_episode_draws_its_own_parameters_from_ranges():
    """A sine of drawn parameters is fitted back: each lies in its range and is spread over it."""
    signal = as_signal(
        {"kind": "sine", "offset": [-1.0, 1.0], "amplitude": [2.0, 4.0], "period": [0.1, 10.0]}
    )
    phased = Signal(kind="sine", amplitude=1.0, phase=(0.0, 1.0))
    rows, tables = pack([signal, phased])
    drawn = []
    for key in range(600):
        word = np.uint64(key)
        start, phase = (signal_value(rows, k, tables, word, 3, 0.0) for k in (0, 1))
        slope = (signal_value(rows, 0, tables, word, 3, 1e-7) - start) / 1e-7
        long = [signal_value(rows, 0, tables, word, 3, t) for t in np.linspace(0.0, 10.0, 2001)]
        amplitude = 0.5 * (max(long) - min(long))
        drawn.append((start, amplitude, 2.0 * np.pi * amplitude / slope, phase))
    offset, amplitude, period, phase = np.array(drawn).T
    uniform = {"offset": (offset, -1.0, 2.0), "amplitude": (amplitude, 2.0, 2.0)}
    uniform["period"] = (np.log(period), np.log(0.1), np.log(100.0))
    for column, low, width in uniform.values():
        assert stats.kstest(column, "uniform", args=(low, width)).pvalue > 0.001
    assert stats.kstest(phase, "arcsine", args=(-1.0, 2.0)).pvalue > 0.001
    assert np.abs(np.corrcoef([offset, amplitude, period, phase]) - np.eye(4)).max() < 0.15


def test_parameters_are_drawn_anew_and_the_signal_begins_again():
    signal = Signal(kind="sawtooth", amplitude=(1.0, 2.0), period=0.5, redraw=1.0, start=0.25)
    values = play(
        signal, np.arange(0.25, 40.25, 1.0)
    )  # each at the lowest point of its first tooth
    assert values.min() >= -2.0 and values.max() <= -1.0 and len(set(values)) == 40
    again = play(signal, np.arange(0.75, 40.75, 1.0))  # the next tooth of the same stretch
    np.testing.assert_allclose(again, values)
    walk = Signal(kind="random_walk", amplitude=1.0, period=0.1, redraw=1.0)
    starts = play(walk, np.arange(20.0))
    np.testing.assert_array_equal(starts, 0.0)
    assert len(set(play(walk, np.arange(0.5, 20.5)))) == 20


# -------------------------------------------------------------------------------------------------- PRBS


def test_a_prbs_holds_and_is_balanced():
    hold, bits = 0.1, 4000
    times = (np.arange(3 * bits) + 0.5) * hold / 3.0
    values = play(Signal(kind="prbs", amplitude=2.0, offset=1.0, period=hold), times)
    assert set(values) == {-1.0, 3.0}
    held = values.reshape(bits, 3)
    assert (held == held[:, :1]).all()
    high = held[:, 0] > 0
    assert stats.binomtest(int(high.sum()), bits).pvalue > 0.01
    assert stats.binomtest(int((high[1:] == high[:-1]).sum()), bits - 1).pvalue > 0.01


# --------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"kind": "sin"}, "sine"),
        ({"amplitud": 1.0}, "amplitude"),
        ({"kind": "sine", "period": 0.0}, "period"),
        ({"kind": "sine", "period": -1.0}, "period"),
        ({"kind": "sine", "amplitude": np.nan}, "amplitude"),
        ({"kind": "sine", "phase": "early"}, "phase"),
        ({"low": 1.0, "high": 1.0}, "low"),
        ({"low": np.nan}, "low"),
        ({"kind": "random_walk", "low": 0.0}, "two finite bounds"),
        ({"kind": "laplace_walk", "high": 3.0}, r"a laplace walk .* got \[-inf, 3\]"),
        ({"kind": "laplace"}, "'laplace_walk'"),
        ({"kind": "sine", "amplitude": (3.0, 1.0)}, "lowest 3 is above highest 1"),
        ({"kind": "sine", "offset": (1.0, 2.0, 3.0)}, r"number or \(lowest, highest\)"),
        ({"kind": "sine", "period": (0.0, 1.0)}, "period"),
        ({"kind": "sine", "redraw": -1.0}, "redraw"),
        ({"table": TABLE, "period": (1.0, 2.0)}, "a table has one period"),
        ({"kind": "table"}, "table"),
        ({"kind": "sine", "table": [(0.0, 1.0)]}, "table"),
        ({"table": [(0.0, 1.0), (0.0, 2.0)]}, "ascend"),
        ({"table": [(1.0, 1.0), (0.0, 2.0)]}, "ascend"),
        ({"table": [(0.0, np.inf)]}, "finite"),
        ({"table": [(0.0, 1.0, 2.0)]}, "pairs"),
        ({"table": [1.0, 2.0]}, "pairs"),
        ({"table": [(0.0, 1.0), (2.0,)]}, "pairs"),
        ({"table": TABLE, "period": -1.0}, "period"),
        ({"kind": "step"}, r'stand still: give its amplitude, such as {"kind": "step", "amp'),
        ({"kind": "prbs", "offset": 3.0, "period": 0.1}, "give its amplitude"),
        ({"kind": "sine", "offset": 3.0}, "give its amplitude"),
        (np.nan, "finite"),
    ],
)
def test_wrong_signals_are_refused(wrong, match):
    with pytest.raises(ValueError, match=match):
        as_signal(wrong)


@pytest.mark.parametrize("wrong", ["fast", None, True, [1.0], np.arange(3.0), np.sin])
def test_what_is_no_signal_is_refused(wrong):
    with pytest.raises(
        TypeError, match=r"torque .*values over time go into a mapping with a table"
    ):
        as_signal(wrong, "torque")


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "constant", "offset": (-2.0, 3.0)},
        {"kind": "step", "offset": 1.0, "amplitude": (-2.0, 4.0), "start": 1.0},
        {"kind": "step", "offset": 1.0, "amplitude": (2.0, 4.0), "start": 0.5},
        {"kind": "ramp", "offset": 1.0, "amplitude": -2.0},
        {"kind": "sine", "offset": (1.0, 2.0), "amplitude": (0.5, 4.0), "high": 4.0},
        {"kind": "sawtooth", "amplitude": 2.0},
        {"kind": "prbs", "offset": -1.0, "amplitude": 2.0, "period": 0.1},
        {"table": [(0.0, 4.0), (1.0, -3.0)], "amplitude": (1.0, 2.0)},
        {"kind": "random_walk", "amplitude": 9.0, "low": -1.0, "high": 2.0},
    ],
)
def test_a_span_is_what_a_signal_may_reach_and_no_more(given):
    signal = as_signal({"redraw": 1.005, **given})
    low, high = signal.span()
    seen = np.array([play(signal, np.linspace(0.0, 3.0, 301), key=key) for key in range(60)])
    assert low <= seen.min() and seen.max() <= high
    assert seen.min() - low < 0.1 * (high - low) + 1e-9
    assert high - seen.max() < 0.1 * (high - low) + 1e-9


def test_the_span_of_a_walk_without_bounds_has_no_end():
    assert as_signal({"kind": "laplace_walk", "amplitude": 1.0}).span() == (-np.inf, np.inf)
    assert as_signal({"kind": "none", "offset": 3.0}).span() == (0.0, 0.0)


def test_a_signal_is_a_row_of_numbers():
    signal = Signal(kind="sine", amplitude=2.0, period=0.5)
    row = signal.row()
    assert row.dtype == np.float64
    assert KINDS[int(row[0])] == "sine"
    assert as_signal(signal) is signal
    rows, tables = pack([])
    assert rows.shape == (0, WIDTH)
    assert tables.shape == (1, 3)
