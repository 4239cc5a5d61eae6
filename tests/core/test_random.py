"""The generator is NumPy's Philox, its numbers have the distributions they claim, and counters are independent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gym_suite.core.kernel import kernel
from gym_suite.core.random import normal, normal2, philox, uniform, uniform4

WORDS = st.integers(0, 2**64 - 1)


@kernel
def _words(keys, steps, streams, out):
    for i in range(keys.shape[0]):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = philox(keys[i], steps[i], streams[i])


@kernel
def _draw(key, stream, flat, box, bell):
    for step in range(flat.shape[0]):
        flat[step] = uniform(key, step, stream)
        box[step, 0], box[step, 1], box[step, 2], box[step, 3] = uniform4(key, step, stream + 1)
        bell[step, 0], bell[step, 1] = normal2(key, step, stream + 2)


def numpy_words(key, step, stream):
    """Return the first block of NumPy's Philox4x64-10 at a counter (it counts up before it draws)."""
    counter = np.array([step, stream, 0, 0], dtype=np.uint64)
    if step == 0:
        # One below, with the borrow that 256-bit arithmetic needs.
        top = np.uint64(2**64 - 1)
        if stream:
            counter[:2] = top, stream - 1
        else:
            counter[:] = top
    else:
        counter[0] = step - 1
    generator = np.random.Philox(counter=counter, key=np.array([key, 0], dtype=np.uint64))
    return generator.random_raw(4)


def own_words(key, step, stream):
    out = np.zeros((1, 4), dtype=np.uint64)
    _words(*(np.array([v], dtype=np.uint64) for v in (key, step, stream)), out)
    return out[0]


@given(key=WORDS, step=WORDS, stream=WORDS)
def test_words_equal_numpy(key, step, stream):
    np.testing.assert_array_equal(own_words(key, step, stream), numpy_words(key, step, stream))


@pytest.mark.parametrize("corner", [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1])
def test_words_equal_numpy_at_the_corners(corner):
    for key, step, stream in ((corner, 0, 0), (0, corner, 1), (7, 1, corner)):
        np.testing.assert_array_equal(own_words(key, step, stream), numpy_words(key, step, stream))


def test_known_answers_of_the_paper():
    """Philox4x64-10 with zero key and zero counter, from the authors' known-answer tests."""
    expected = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert own_words(0, 0, 0).tolist() == expected


@pytest.fixture(scope="module")
def drawn():
    flat, box, bell = np.zeros(20000), np.zeros((20000, 4)), np.zeros((20000, 2))
    _draw(np.uint64(12345), 10, flat, box, bell)
    return flat, box, bell


def test_uniform_numbers_are_uniform(drawn):
    flat, box, _ = drawn
    for column in (flat, *box.T):
        assert column.min() >= 0.0
        assert column.max() < 1.0
        assert stats.kstest(column, "uniform").pvalue > 0.01


def test_normal_numbers_are_normal(drawn):
    for column in drawn[2].T:
        assert stats.kstest(column, "norm").pvalue > 0.01
        assert column.mean() == pytest.approx(0.0, abs=0.03)
        assert column.std() == pytest.approx(1.0, abs=0.03)
        assert np.abs(column).max() < 6.0


def test_draws_of_one_counter_and_of_neighbours_are_independent(drawn):
    flat, box, bell = drawn
    columns = np.column_stack([flat, box, bell])
    correlations = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(correlations).max() < 0.03
    for column in columns.T:
        assert abs(np.corrcoef(column[:-1], column[1:])[0, 1]) < 0.03


def test_keys_and_streams_tell_draws_apart():
    values = {
        uniform(key, step, stream) for key in range(8) for step in range(8) for stream in range(8)
    }
    assert len(values) == 512


def test_scalar_forms_agree():
    assert uniform(3, 4, 5) == uniform4(3, 4, 5)[0]
    assert normal(3, 4, 5) == normal2(3, 4, 5)[0]


def test_the_top_half_of_a_word_decides():
    word = numpy_words(9, 1, 2)[0]
    assert uniform(9, 1, 2) == float(word >> np.uint64(11)) * 2.0**-53
