"""Computed figures are kept: none is computed twice, none of another id, setting or length is taken for it."""

import json

import pytest

from gym_suite.comparison import known_marks as module
from gym_suite.comparison.known_marks import known_marks
from gym_suite.comparison.worlds import make, marks_of

BAND = "radio/GilbertElliott-v0"


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The ids whose figures were computed; they are kept in a folder of the test's own."""
    computed = []

    def count(env, horizon=None):
        computed.append(env.spec.id)
        return marks_of(env, horizon)

    monkeypatch.setattr(module, "marks_of", count)
    monkeypatch.setattr(module, "cache_root", lambda: tmp_path / "cache")
    return computed


def test_figures_are_computed_once_and_are_the_same(asked, tmp_path):
    env = make(BAND, {})
    first = known_marks(env)
    assert first and first == marks_of(env)
    assert known_marks(make(BAND, {})) == first and asked == [BAND]
    (kept,) = (tmp_path / "cache" / "marks").iterdir()
    for damage in ("", "[1, 2]", '[{"name": "bound"}]', kept.read_text()[:-5]):
        kept.write_text(damage)
        assert known_marks(env) == first
    assert asked == [BAND] * 5


@pytest.mark.parametrize(
    ("keywords", "horizon"), [({"delay": 1}, None), ({}, 20), ({"noise": 0.1}, None)]
)
def test_another_setting_or_length_has_figures_of_its_own(asked, keywords, horizon):
    known_marks(make(BAND, {}))
    env = make(BAND, keywords, horizon)
    assert known_marks(env, horizon) == marks_of(env, horizon)
    assert len(asked) == 2


def test_a_file_that_was_edited_has_figures_of_its_own(asked, tmp_path):
    path, found = tmp_path / "band.json", []
    for weights in ([0.5, 0.5], [0.9, 0.1], [0.5, 0.5]):
        hopper = {"kind": "stochastic_hopper", "channels": [0, 1], "weights": weights}
        band = {"name": "band", "channels": 2, "link": {}, "steps": 10, "entities": {"a": hopper}}
        path.write_text(json.dumps(band))
        found.append(known_marks(make("radio/Access-v0", {"scenario": str(path)})))
    assert len(asked) == 2 and found[0] == found[2] != found[1]


def test_where_nothing_can_be_kept_figures_are_computed(asked, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    env = make(BAND, {})
    assert known_marks(env) == known_marks(env) == marks_of(env)
    assert len(asked) == 2
    assert known_marks(make("gem/PMSM-v0", {})) == ()
