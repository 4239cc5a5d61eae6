"""What trainings came to, from curves.csv: medians, first goals, and nothing where nothing was recorded."""

import csv
import json

import gym_suite
from gym_suite.comparison.curves import exploration_curves, learning_curves

COLUMNS = (
    "algo",
    "seed",
    "step",
    "wall_time",
    "cpu_time",
    "evaluation_success",
    "first_success",
    "coverage",
)


def write(folder, runs):
    with (folder / "curves.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for algo, seed, first, success, cells in runs:
            writer.writerow((algo, seed, 0, 0.0, 0.0, success and 0.0, "", cells and 0))
            writer.writerow((algo, seed, 1000, 1.0, 1.0, success, first, cells))


def test_medians_and_first_goals_of_several_methods(tmp_path):
    write(
        tmp_path,
        [
            ("ppo", 0, "", 0.0, 10),
            ("ppo", 1, 700, 0.1, 20),
            ("ppo", 2, "", 0.0, 30),
            ("ppo-count", 0, 500, 0.5, 40),
            ("ppo-count", 1, 300, 1.0, 50),
            ("ppo-count", 2, 900, 0.6, 60),
            ("other", 0, 1, 1.0, 99),
        ],
    )
    goals, cells = exploration_curves(tmp_path, {"ppo": "s0", "ppo-count": "s1"})
    assert (
        goals.title == "Goals reached in evaluation" and cells.title == "Cells visited in training"
    )
    assert "ppo never (700 to never)" in goals.caption
    assert "ppo-count 500 (300 to 900)" in goals.caption
    assert "other" not in goals.caption + goals.svg


def test_nothing_recorded_gives_no_figure(tmp_path):
    assert exploration_curves(tmp_path, {"ppo": "s0"}) == []
    write(tmp_path, [("ppo", 0, "", "", ""), ("sac", 0, "", "", "")])
    assert exploration_curves(tmp_path, {"ppo": "s0", "sac": "s1"}) == []


def test_a_search_of_gains_is_drawn_as_a_training_is(tmp_path):
    """Its curve has the columns of a training's; the caption counts the candidates that it took."""
    columns = (*COLUMNS[:5], "evaluation_error", "evaluation_return", "reference_return")
    rows = [
        ("pi-tuned", 0, 0, 0.0, 0.0, "", 10.0, 10.0),
        ("pi-tuned", 0, 5e5, 120.0, 60.0, "", 12.5, ""),
    ]
    with (tmp_path / "curves.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    found = learning_curves(tmp_path, "pi-tuned", "s0", trials=1151)
    assert found.title == "Search of pi-tuned"
    assert "1,151 in all" in found.caption and "2.0 minutes" in found.caption
    assert "environment steps in millions" in found.svg
    assert learning_curves(tmp_path, "pi-tuned-nominal", "s0", trials=3) is None


def test_the_report_shows_the_search_beside_the_agents(tmp_path):
    """A gains file with its curve, compared: the figure and the number of trials stand on the page."""
    gains = {"id": "gem/PMSM-v0", "agent": "pi", "gains": {"i_sd.kp": 1.3}, "trials": 1151}
    (tmp_path / "pi-tuned-0.json").write_text(json.dumps(gains))
    columns = (*COLUMNS[:5], "evaluation_error", "evaluation_return", "reference_return")
    rows = [("pi-tuned", 0, k * 1e5, 6.0 * k, 5.0 * k, 0.02 - 0.002 * k, "", "") for k in range(3)]
    with (tmp_path / "curves.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    agents = [str(tmp_path / "pi-tuned-0.json")]
    result = gym_suite.compare(
        "gem/PMSM-v0", agents=agents, seeds=2, settings=["nominal"], horizon=50, workers=1
    )
    page = result.report(tmp_path / "report").read_text("utf-8")
    assert "Search of pi-tuned" in page
    assert "trials that went into its numbers" in page and "1,151" in page
