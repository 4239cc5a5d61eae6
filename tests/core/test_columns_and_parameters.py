"""Names lead to columns, wrong names to the nearest right one, and wrong numbers to what is allowed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_suite.core.columns import Column, Columns
from gym_suite.core.keywords import read_delay, read_disturbance, read_mismatch, read_noise
from gym_suite.core.parameters import (
    build,
    check_keywords,
    check_number,
    check_option,
    nearest,
    parameter,
    unknown_error,
    validate,
)

COLUMNS = Columns(
    Column("i_sd", "A", -1.5, 1.5, "d current", scale=400.0),
    Column("omega", "rad/s", -2.0, 2.0, scale=100.0),
    Column("plain"),
)

# --------------------------------------------------------------------------------------------- columns


def test_columns_by_name_position_and_iteration():
    assert COLUMNS.names == ("i_sd", "omega", "plain")
    assert [column.name for column in COLUMNS] == list(COLUMNS.names)
    assert len(COLUMNS) == 3
    assert COLUMNS.index("omega") == 1
    assert COLUMNS["omega"] is COLUMNS[1]
    assert "omega" in COLUMNS
    assert "speed" not in COLUMNS
    np.testing.assert_array_equal(COLUMNS.low, [-1.5, -2.0, -np.inf])
    np.testing.assert_array_equal(COLUMNS.high, [1.5, 2.0, np.inf])
    assert COLUMNS.low.dtype == np.float64


def test_columns_are_values():
    same = Columns(*COLUMNS)
    assert same == COLUMNS
    assert hash(same) == hash(COLUMNS)
    assert COLUMNS + Columns(Column("more")) != COLUMNS
    assert (COLUMNS + Columns(Column("more"))).names[-1] == "more"
    with pytest.raises(dataclasses.FrozenInstanceError):
        COLUMNS[0].name = "x"


def test_equal_names_are_refused():
    with pytest.raises(ValueError, match="differ"):
        Columns(Column("a"), Column("a"))


def test_a_wrong_column_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'omega'"):
        COLUMNS.index("omga")
    with pytest.raises(ValueError, match="Did you mean 'omega'"):
        COLUMNS["omga"]


# ------------------------------------------------------------------------------------------ parameters


def test_nearest_ignores_case_and_gives_up_on_nonsense():
    assert nearest("Noise", ["delay", "noise"]) == "noise"
    assert nearest("gem/PMSM", ["gem/PMSM-v0", "gem/PMSM-Speed-v0"]) == "gem/PMSM-v0"
    assert nearest("zzzzzz", ["noise"]) is None
    assert nearest(7, ["noise"]) is None


def test_unknown_error_shows_at_most_thirty_options():
    message = str(unknown_error("thing", "x17", [f"x{i}" for i in range(100)]))
    assert "unknown thing 'x17'" in message
    assert message.endswith(", ...")
    assert str(unknown_error("thing", "x", [])).endswith("none")


def test_check_option_and_keywords():
    assert check_option("frame", "dq", ["dq", "abc"]) == "dq"
    for wrong in ("dp", None, 3, ["dq"]):
        with pytest.raises(ValueError, match="frame"):
            check_option("frame", wrong, ["dq", "abc"])
    check_keywords(["noise"], ["noise", "delay"])
    with pytest.raises(ValueError, match="'noise'"):
        check_keywords(["nose"], ["noise", "delay"])


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (np.nan, {}),
        (np.inf, {}),
        ("1.0", {}),
        (True, {}),
        (None, {}),
        ([1.0], {"low": 5.0}),
        (1.5, {"integer": True}),
        (0.0, {"above": 0.0}),
        (-0.1, {"low": 0.0}),
        (1.1, {"high": 1.0}),
        (b"1", {}),
        (1j, {}),
        (10**400, {}),
    ],
)
def test_wrong_numbers_are_refused_by_name(value, bounds):
    with pytest.raises(ValueError, match="mass"):
        check_number("mass", value, **bounds)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_finite_numbers_pass_unchanged(value):
    assert check_number("mass", value) == value
    assert check_number("mass", np.float64(value)) == value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spring:
    stiffness: float = parameter(2.0, unit="N/m", meaning="stiffness", above=0.0, source="invented")
    turns: int = parameter(5, meaning="turns", low=1, integer=True)
    label: str = ""

    def __post_init__(self):
        validate(self)


SETS = {"soft": Spring(stiffness=1.0), "hard": Spring(stiffness=9.0, turns=9)}


def make(value):
    return build(Spring, value, sets=SETS, default="soft", what="spring")


def test_a_declared_parameter_tells_unit_meaning_and_source():
    field = dataclasses.fields(Spring)[0]
    assert field.metadata["unit"] == "N/m"
    assert field.metadata["source"] == "invented"


@pytest.mark.parametrize(
    "wrong", [{"stiffness": 0.0}, {"turns": 1.5}, {"turns": 0}, {"turns": "5"}]
)
def test_wrong_parameters_are_refused_with_class_and_name(wrong):
    with pytest.raises(ValueError, match=rf"Spring\.{next(iter(wrong))}"):
        Spring(**wrong)
    with pytest.raises(ValueError, match=rf"Spring\.{next(iter(wrong))}"):
        make(wrong)


def test_a_set_comes_from_name_mapping_dataclass_or_nothing():
    assert make(None) is SETS["soft"]
    assert make("hard") is SETS["hard"]
    assert make({"turns": 7}) == Spring(stiffness=1.0, turns=7)
    assert make({"base": "hard", "stiffness": 3.0}) == Spring(stiffness=3.0, turns=9)
    own = Spring(stiffness=4.0)
    assert make(own) is own


def test_wrong_sets_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'hard'"):
        make("hart")
    with pytest.raises(ValueError, match="Did you mean 'stiffness'"):
        make({"stifness": 3.0})
    with pytest.raises(ValueError, match="Did you mean 'soft'"):
        make({"base": "sofd"})
    with pytest.raises(TypeError, match="spring"):
        make(3.0)


# --------------------------------------------------------------------------------- the plant's keywords


def test_noise_is_a_fraction_or_si_by_column():
    np.testing.assert_array_equal(read_noise(0.01, COLUMNS, ["i_sd"]), [0.01, 0.0, 0.0])
    np.testing.assert_allclose(
        read_noise({"i_sd": 4.0, "omega": 1.0}, COLUMNS, ["i_sd", "omega"]), [0.01, 0.01, 0.0]
    )
    assert read_noise(None, COLUMNS, ["i_sd"]) is None
    assert read_noise(0.0, COLUMNS, ["i_sd"]) is None


def test_mismatch_is_a_fraction_a_factor_or_a_range():
    assert read_mismatch(None, COLUMNS, ["i_sd"]).shape == (0, 3)
    assert read_mismatch(0, COLUMNS, ["i_sd"]).shape == (0, 3)
    np.testing.assert_allclose(read_mismatch(0.3, COLUMNS, ["omega"]), [[1, 0.7, 1.3]])
    rows = read_mismatch({"omega": 1.2, "i_sd": (0.5, 2.0)}, COLUMNS, ["i_sd", "omega"])
    np.testing.assert_allclose(rows, [[1, 1.2, 1.2], [0, 0.5, 2.0]])


@pytest.mark.parametrize(
    ("read", "wrong", "error", "match"),
    [
        (read_noise, -0.1, ValueError, "noise"),
        (read_noise, np.nan, ValueError, "noise"),
        (read_noise, True, ValueError, "noise"),
        (read_noise, {"omga": 1.0}, ValueError, "omega"),
        (read_noise, {"plain": 1.0}, ValueError, "plain"),
        (read_noise, {"omega": -1.0}, ValueError, "omega"),
        (read_noise, "much", TypeError, "noise"),
        (read_mismatch, 1.0, ValueError, "mismatch"),
        (read_mismatch, -0.1, ValueError, "mismatch"),
        (read_mismatch, {"omga": 1.0}, ValueError, "omega"),
        (read_mismatch, {"omega": 0.0}, ValueError, "omega"),
        (read_mismatch, {"omega": (1.2, 0.8)}, ValueError, "lowest"),
        (read_mismatch, {"omega": (1.0, 1.1, 1.2)}, ValueError, "one factor or two"),
        (read_mismatch, "30 %", TypeError, "mismatch"),
    ],
)
def test_wrong_noise_and_mismatch_are_refused(read, wrong, error, match):
    with pytest.raises(error, match=match):
        read(wrong, COLUMNS, ["i_sd", "omega"])


@pytest.mark.parametrize("wrong", [-1, 0.5, 1001, "2", None, np.nan])
def test_wrong_delays_are_refused(wrong):
    with pytest.raises(ValueError, match="delay"):
        read_delay(wrong)
    assert read_delay(np.int64(3)) == 3


def test_disturbances_are_signals_by_channel():
    assert read_disturbance(None, ["a", "b"]) == []
    assert read_disturbance({}, ["a", "b"]) == []
    signals = read_disturbance({"b": 2.0}, ["a", "b"])
    assert [signal.kind for signal in signals] == ["none", "constant"]
    assert signals[1].offset == 2.0
    with pytest.raises(ValueError, match="channel"):
        read_disturbance({"c": 1.0}, ["a", "b"])
    with pytest.raises(TypeError, match="a, b"):
        read_disturbance(1.0, ["a", "b"])
