"""Which settings an id is judged under, and what is said of those that change nothing."""

import pytest
from lag_env import ID

from gym_suite.comparison import compare
from gym_suite.comparison.sentences import limits
from gym_suite.comparison.settings import DISTURBANCES, ROBUST, Setting, read_settings

DRIVE, RADIO = "gem/PMSM-v0", "radio/GilbertElliott-v0"
SHORT = {"agents": ["zero"], "seeds": 1, "horizon": 20, "progress": False}


def test_a_drive_is_judged_under_five_settings_by_default():
    comparison = compare(DRIVE, **SHORT)
    assert [e.setting.name for e in comparison.experiments] == list(ROBUST)
    signals = comparison.experiments[-1].setting.keywords["disturbance"]
    assert set(signals) == {"u_sd", "u_sq"} <= set(DISTURBANCES)
    assert comparison.idle == {}


def test_settings_that_change_nothing_are_said_not_repeated():
    comparison = compare(RADIO, **SHORT)
    names = [e.setting.name for e in comparison.experiments]
    assert "mismatch" not in names and "disturbance" not in names
    assert set(comparison.idle[RADIO]) >= {"mismatch", "disturbance"}
    told = " ".join(limits(comparison, RADIO))
    assert "mismatch" in told.lower() and "nothing here" in told
    assert "nothing here" in str(comparison)


def test_a_setting_without_effect_on_any_agent_is_told():
    comparison = compare(
        ID, seeds=2, settings={"nominal": {}, "same": {"gain": 1.0}}, progress=False
    )
    assert comparison.unchanged(comparison.experiments[1])
    assert any("exactly what it came to in the nominal" in told for told in limits(comparison, ID))


def test_nominal_alone_is_the_old_way():
    comparison = compare(ID, settings="nominal", seeds=1, progress=False)
    assert [e.setting.name for e in comparison.experiments] == ["nominal"]


def test_a_disturbance_named_on_the_card_goes_before_the_general_one():
    own = {"disturbance": {"disturbance": {"u_sd": 3.0}}}
    read = read_settings(None, {"x": own}, channels={"x": ("u_sd", "u_sq")})
    (setting,) = [s for s in read["x"].settings if s.name == "disturbance"]
    assert setting.keywords == {"disturbance": {"u_sd": 3.0}}


def test_channels_that_nobody_knows_a_signal_for_are_named():
    read = read_settings("disturbance", {"x": {}}, channels={"x": ("tide",)})
    assert read["x"].settings == () and "'tide'" in read["x"].idle["disturbance"]


def test_keywords_lie_over_those_of_every_setting():
    read = read_settings(["nominal", "noise"], {"x": {}}, {"speed": 1.0}, {"x": ()})
    assert read["x"].settings == (
        Setting("nominal", {"speed": 1.0}),
        Setting("noise", {"noise": 0.01, "speed": 1.0}),
    )


def test_keywords_of_a_setting_are_plain_data():
    with pytest.raises(ValueError, match="must be plain data"):
        read_settings({"odd": {"gain": object()}}, {"x": {}})
