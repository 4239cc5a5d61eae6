"""Every id still does what it did when it was registered.

Not bit for bit: other processors and mathematical libraries round otherwise. A failure means that the id's
behaviour has changed, which needs a new version of the id; golden_rollouts.py says how to write new files.
"""

import numpy as np
import pytest
from golden_rollouts import FOLDER, cases, path_of, play

TOLERANCE = 1e-9  # of the largest magnitude in each column
FLOAT32 = 1e-6


@pytest.mark.parametrize("name", cases())
def test_the_rollout_is_as_recorded(name):
    id, keywords = cases()[name]
    with np.load(path_of(name)) as recorded:
        golden = dict(recorded)
    got = play(id, keywords, seed=int(golden["seed"]), actions=golden["actions"])
    assert got["names"].tolist() == golden["names"].tolist()
    np.testing.assert_array_equal(got["done"], golden["done"])
    for part, tolerance in (
        ("observations", FLOAT32),
        ("rewards", TOLERANCE),
        ("metrics", TOLERANCE),
    ):
        assert got[part].dtype == golden[part].dtype
        axes = tuple(range(golden[part].ndim - 1)) if part != "rewards" else None
        scale = np.abs(golden[part]).max(axis=axes, keepdims=True)
        difference = np.abs(got[part] - golden[part])
        assert (difference <= tolerance * scale).all(), f"{part} differ by {difference.max():.3g}"


def test_rollouts_show_something():
    for name in cases():
        with np.load(path_of(name)) as golden:
            assert np.isfinite(golden["metrics"]).all()
            assert np.ptp(golden["rewards"]) > 0.0


def test_every_file_belongs_to_a_case():
    assert {path.name for path in FOLDER.iterdir()} == {path_of(name).name for name in cases()}
