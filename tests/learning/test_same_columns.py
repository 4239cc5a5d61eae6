"""The experiment on novelty: equal trials, the same columns, an exact test, and a correction over all of them."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/same_columns.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("same_columns", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["same_columns"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["same_columns"]


def test_both_bonuses_get_the_same_columns_and_as_many_trials(example):
    tried = example.sweep(["SimpleStatic"], [0.5, 1.0])
    ways = {
        method: [
            [(w.columns, w.weight, w.episodic) for w in group]
            for group in tried
            if group[0].method == method
        ]
        for method in example.BONUSES
    }
    assert ways["ppo-rnd"] == ways["ppo-count"]
    assert [len(group) for group in ways["ppo-rnd"]] == [
        4,
        4,
    ]  # two columns; weights, episodic or not
    names = [way.name for group in tried for way in group]
    assert len(set(names)) == len(names) == 16


def test_the_way_that_did_best_in_the_sweep_is_judged_on_other_seeds(
    example, monkeypatch, tmp_path
):
    asked = []

    def learn(condition, seed, seeds, steps, settings, out):
        asked.append((condition, seed))
        good = condition.episodic and condition.weight == 0.5
        return [0.9 if good else 0.1] * seeds

    monkeypatch.setattr(example, "learn", learn)
    monkeypatch.setattr(example, "origin", lambda condition, out: {"commit": "none"})
    monkeypatch.setattr(example, "elsewhere", lambda condition, out: [0.5, 0.5, 0.5])
    tests = example.main(seeds=3, trials=2, weights=(0.5, 1.0), out=str(tmp_path))
    judged = [condition for condition, seed in asked if seed == 0]
    assert [c.method for c in judged] == ["ppo", *example.BONUSES, *example.BONUSES]
    assert all(c.episodic and c.weight == 0.5 for c in judged[1:])
    assert all(seed in (0, example.SWEEP_SEED) for _, seed in asked)
    assert len(tests) == 6
    assert "Swept with 2 trainings each" in (tmp_path / "results.txt").read_text()
    results = json.loads((tmp_path / "results.json").read_text())
    assert [way["success"] for way in results["judged"]] == [[0.1] * 3, *[[0.9] * 3] * 4]
    assert results["tests"] == tests


@pytest.mark.parametrize("seed", range(4))
def test_the_permutation_test_is_scipys_exact_one(example, seed):
    generator = np.random.default_rng(seed)
    one, other = generator.uniform(size=4), generator.uniform(size=5) + 0.3

    def difference(x, y, axis):
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    theirs = stats.permutation_test((one, other), difference, vectorized=True, n_resamples=np.inf)
    by_size = np.abs(theirs.null_distribution) >= abs(theirs.statistic) - 1e-12
    assert example.permutation_test(one, other) == pytest.approx(by_size.mean())


def test_what_is_asked_is_corrected_over_all_comparisons(example):
    """Five alike trainings are no difference; five of five are one, until it is corrected for six questions."""
    best = [ways[0] for ways in example.sweep(["SimpleStatic"], [1.0])]
    plan = [example.Condition(scene="SimpleStatic", method="ppo"), *best]
    found = {c: [0.0] * 5 for c in plan} | {plan[-1]: [1.0] * 5}
    tests = example.compared(found)
    assert len(tests) == 6  # four with PPO, and counts with distillation on either columns
    raw = sorted(test["p"] for test in tests)
    assert raw[0] == raw[1] == pytest.approx(2 / 252)
    assert raw[2:] == [1.0] * 4
    assert min(test["corrected"] for test in tests) == pytest.approx(6 * 2 / 252)
    told = example.told(found, 1000)
    assert "25 trainings, 6 comparisons" in told
    assert told.count("differs") == 2


def test_what_the_documentation_prints_follows_from_how_each_training_ended(example):
    """By SciPy's exact test and a correction written anew, from the successes that are listed."""
    found = json.loads((ROOT / "docs/theory/novelty.json").read_text("utf-8"))
    success = {way["name"]: way["success"] for way in found["judged"]}
    assert all(len(each) == found["seeds"] == 10 for each in success.values())

    def difference(x, y, axis):
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    raw = []
    for test in found["tests"]:
        pair = success[test["one"]], success[test["other"]]
        theirs = stats.permutation_test(pair, difference, vectorized=True, n_resamples=np.inf)
        extreme = np.abs(theirs.null_distribution) >= abs(theirs.statistic) - 1e-12
        raw.append(extreme.mean())
        assert test["difference"] == pytest.approx(theirs.statistic)
        assert test["p"] == pytest.approx(extreme.mean())
    by_rank = np.sort(raw) * np.arange(len(raw), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(by_rank), 1.0)
    assert np.sort([test["corrected"] for test in found["tests"]]) == pytest.approx(corrected)
    swept = {way["name"]: np.mean(way["success"]) for way in found["swept"]}
    for way in found["judged"][
        1:
    ]:  # what did best of those that were tried for this bonus and these columns
        rivals = [n for n in swept if n.startswith(f"{way['method']} {way['columns']}")]
        assert len(rivals) == 2 * len(found["weights"])
        assert swept[way["name"]] == max(swept[name] for name in rivals)


def test_what_the_documentation_says_of_it_is_what_was_found():
    found = json.loads((ROOT / "docs/theory/novelty.json").read_text("utf-8"))
    sure = [test for test in found["tests"] if test["corrected"] < 0.05]
    assert len(found["tests"]) == 6
    assert [(test["one"].split()[:2], test["other"]) for test in sure] == [
        (["ppo-count", "pose"], "ppo")
    ]
    assert sure[0]["difference"] > 0.0
    # On the plants that differ the order of the means is the same.
    nominal, elsewhere = (
        [np.mean(way[which]) for way in found["judged"]] for which in ("success", "elsewhere")
    )
    assert np.array_equal(np.argsort(nominal), np.argsort(elsewhere))
    trainings = sum(len(way["success"]) for way in (*found["swept"], *found["judged"]))
    assert trainings == 98
