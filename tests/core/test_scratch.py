"""Nothing in the kernels' scratch outlives a step: snapshots hold the future without it, and threads may swap it."""

import numpy as np
import pytest

from gym_suite.core.rows import Rows
from gym_suite.registration import catalogue, load

KEYWORDS = {"drones": {"engine": "compiled"}}
N, STEPS = 4, 12


def setup_of(card):
    entry = load(card.entry_point or card.parallel_entry_point)
    return getattr(entry, "single", entry).configure(**KEYWORDS.get(card.family, {}))


def play(setup, spoil):
    rows, rng = Rows(setup, N), np.random.default_rng(5)
    history = []
    rows.reset(np.ones(N, bool), np.arange(1, N + 1, dtype=np.uint64))
    for _ in range(STEPS):
        if setup.actions is None:
            rows.u[:] = rng.uniform(-1.0, 1.0, rows.u.shape)
        else:
            rows.u[:] = rng.integers(0, setup.actions, rows.u.shape)
        if spoil:
            rows.work[:] = np.nan
        rows.advance()
        history.append((rows.x.copy(), rows.o.copy(), rows.m.copy(), rows.reward.copy()))
    if spoil:
        rows.work[:] = np.nan
    rows.observe(np.ones(N, bool))
    return [*history, (rows.o, rows.m)]


@pytest.mark.parametrize("id", catalogue())
def test_scratch_may_be_spoilt_between_steps(id):
    setup = setup_of(catalogue()[id])
    for got, expected in zip(play(setup, True), play(setup, False), strict=True):
        for one, other in zip(got, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("id", catalogue())
def test_snapshots_hold_no_scratch(id):
    setup = setup_of(catalogue()[id])
    rows = Rows(setup, N)
    rows.reset(np.ones(N, bool), np.arange(1, N + 1, dtype=np.uint64))
    assert "work" not in rows.get_state()
