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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,u,i\n0,1,2\n1,1,234.5,2\n2,1,2\n", r"row 1 \(line 3\) has 4 fields, the header has 3"),
        ("t,i,note\n0,1,a\n1,2\n", r"row 1 \(line 3\) has 2 fields, the header has 3"),
        ("t,i\n0,0,1,5\n", r"row 0 \(line 2\) has 4 fields.*decimal point"),
        ('t,i\n"0,0","1,5"\n', r"row 0 \(line 2\) has no number.*decimal point, not a comma"),
        ("t;i\n0;1\n", r"separates its columns by semicolons.*commas separate columns"),
        ("t;u, measured;i\n0,0;1,5;2,5\n", r"by semicolons.*numbers have a decimal point"),
        ("t\ti\n0\t1\n", r"separates its columns by tabs"),
    ],
)
def test_fields_that_are_not_the_headers_are_refused(tmp_path, text, message):
    """A row with a field too many would be read shifted."""
    file = tmp_path / "log.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"log\.csv.*{message}"):
        read_columns(file, ("t", "i"))


def test_empty_fields_at_the_end_do_not_count(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("t,note,i,,\n0,a,1\n1,,2,, \n2,c,3,\n", "utf-8")
    columns, _ = read_columns(file, ("t", "i"))
    np.testing.assert_array_equal(columns["i"], [1.0, 2.0, 3.0])
    file.write_text("t,i,note\n0,1,a\n1,2,\n", "utf-8")
    np.testing.assert_array_equal(read_columns(file, ("t", "i"))[0]["i"], [1.0, 2.0])


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
