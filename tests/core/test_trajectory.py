"""A trajectory is columns by name over time, and comes back from disk as it was."""

import csv

import numpy as np
import pytest

from gym_suite.core.trajectory import Trajectory


@pytest.fixture
def trajectory():
    columns = {"i_sd": np.linspace(0.0, 1.0, 5), "omega": np.arange(5.0)}
    return Trajectory(columns, dt=0.1, units={"i_sd": "A"}, meta={"id": "x", "seeds": [1, 2]})


def test_columns_time_and_length(trajectory):
    assert len(trajectory) == 5
    assert trajectory.names == ("i_sd", "omega")
    assert "omega" in trajectory
    np.testing.assert_array_equal(trajectory["omega"], np.arange(5.0))
    np.testing.assert_allclose(trajectory.time, [0.0, 0.1, 0.2, 0.3, 0.4])
    assert "5 rows" in repr(trajectory)
    assert len(Trajectory({}, dt=1.0)) == 0


def test_a_wrong_column_names_the_nearest(trajectory):
    with pytest.raises(ValueError, match="Did you mean 'omega'"):
        trajectory["omaga"]
    with pytest.raises(ValueError, match="unknown column"):
        trajectory[["omega"]]


def test_select_keeps_units_and_meta(trajectory):
    part = trajectory.select(["i_sd"])
    assert part.names == ("i_sd",)
    assert dict(part.units) == {"i_sd": "A"}
    assert dict(part.meta) == dict(trajectory.meta)
    with pytest.raises(ValueError, match="i_sd"):
        trajectory.select(["i_sq"])


def test_a_row_of_many_worlds():
    values = np.arange(12.0).reshape(4, 3)
    many = Trajectory({"x": values, "shared": np.arange(4)}, dt=1.0)
    one = many.row(1)
    np.testing.assert_array_equal(one["x"], values[:, 1])
    np.testing.assert_array_equal(one["shared"], np.arange(4))


def test_csv_has_a_header_with_units_and_the_exact_numbers(trajectory, tmp_path):
    trajectory.to_csv(tmp_path / "run.csv")
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["time [s]", "i_sd [A]", "omega [1]"]
    numbers = np.array(rows[1:], dtype=np.float64)
    np.testing.assert_array_equal(numbers[:, 1], trajectory["i_sd"])


def test_csv_of_many_worlds_is_refused_with_the_way_out(tmp_path):
    many = Trajectory({"x": np.zeros((4, 3))}, dt=1.0)
    with pytest.raises(ValueError, match=r"\.row"):
        many.to_csv(tmp_path / "run.csv")
    assert not list(tmp_path.iterdir())


def test_save_and_load_return_everything(trajectory, tmp_path):
    trajectory.save(tmp_path / "run.npz")
    again = Trajectory.load(tmp_path / "run.npz")
    assert again.names == trajectory.names
    for name in trajectory.names:
        np.testing.assert_array_equal(again[name], trajectory[name])
    assert (again.dt, dict(again.units), dict(again.meta)) == (
        trajectory.dt,
        dict(trajectory.units),
        dict(trajectory.meta),
    )


@pytest.mark.parametrize(
    ("columns", "dt"),
    [
        ({"x": np.zeros(3), "y": np.zeros(4)}, 1.0),
        ({"x": 1.0}, 1.0),
        ({"x": np.zeros(3)}, 0.0),
        ({"x": np.zeros(3)}, -1.0),
        ({"x": np.zeros(3)}, np.nan),
    ],
)
def test_wrong_columns_and_steps_are_refused(columns, dt):
    with pytest.raises(ValueError, match=r"columns|dt"):
        Trajectory(columns, dt=dt)


def test_units_and_meta_are_read_only(trajectory):
    with pytest.raises(TypeError):
        trajectory.units["i_sd"] = "V"
    with pytest.raises(TypeError):
        trajectory.meta["id"] = "y"


@pytest.mark.parametrize("damage", ["empty", "short", "text", "array", "other", "no dt"])
def test_a_file_that_is_no_trajectory_is_named(trajectory, tmp_path, damage):
    path = tmp_path / "run.npz"
    trajectory.save(path)
    content = path.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "short":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "text":
        path.write_text("time [s],i_sd [A]\n0.0,1.0\n")
    elif damage == "array":
        with path.open("wb") as file:
            np.save(file, np.arange(3.0))
    elif damage == "other":
        np.savez(path, x=np.arange(3.0))
    else:
        np.savez(path, head=np.array("{}"))
    with pytest.raises(ValueError, match=r"run\.npz is no trajectory that Trajectory\.save wrote"):
        Trajectory.load(path)


def test_a_trajectory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trajectory file .*gone\.npz"):
        Trajectory.load(tmp_path / "gone.npz")
