"""CSV as spreadsheets and loggers write it: read as it is meant, or refused with the place."""

import gzip

import numpy as np
import pytest

from gym_suite.analysis.tables import read_columns


def test_lines_without_anything_in_them_are_no_rows(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("t,i\n0,1\n\n1,2\n,\n\n", "utf-8")
    columns, _ = read_columns(file, ("t", "i"))
    np.testing.assert_array_equal(columns["i"], [1.0, 2.0])
    file.write_text("t,i\n\n0,1\n1,x\n", "utf-8")
    with pytest.raises(ValueError, match=r"row 1 \(line 4\)"):
        read_columns(file, ("t", "i"))


def test_a_column_that_comes_twice_is_refused_where_it_is_read(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("t,i,i\n0,1,2\n", "utf-8")
    with pytest.raises(ValueError, match=r"log\.csv has the column i twice"):
        read_columns(file, ("t", "i"))
    assert read_columns(file, ("t",))[0]["t"] == [0.0]


DAMAGED = {
    "torn.csv.gz": gzip.compress(b"t,i\n0,1\n")[:-6],
    "garbled.csv.gz": gzip.compress(b"t,i\n0,1\n")[:10] + b"\xff" * 20,
    "wide.csv": b't,i\n0,"' + b"1" * 200_000 + b'"\n',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_table_is_named(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(DAMAGED[name])
    with pytest.raises(ValueError, match=f"{name} cannot be read as CSV"):
        read_columns(file, ("t", "i"))
