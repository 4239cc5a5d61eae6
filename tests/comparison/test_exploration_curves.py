"""What trainings came to, from curves.csv: medians, first goals, and nothing where nothing was recorded."""

import csv

from gym_suite.comparison.curves import exploration_curves

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
