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


def test_an_id_of_which_no_setting_is_left_is_named_with_the_reason(tmp_path):
    """Beside one that is run: by a setting that changes nothing there, and by one that only the other has."""
    for settings, other, reason in (
        ("mismatch", DRIVE, "nothing here changes"),
        ("late", ID, f"{RADIO} has no setting of that name"),
    ):
        comparison = compare([RADIO, other], settings=settings, **SHORT)
        assert comparison.ids == (other,) and comparison.left_out == (RADIO,)
        page = comparison.report(tmp_path / settings).read_text("utf-8")
        table = " ".join(str(comparison).split())
        for text in (" ".join(page.split()), table):
            assert RADIO in text and f"{settings.title()} was not run: {reason}" in text


def test_a_setting_that_only_another_id_has_is_said():
    comparison = compare([ID, DRIVE], settings=["nominal", "late"], **SHORT)
    assert [e.setting.name for e in comparison.of(DRIVE)] == ["nominal"]
    assert f"Late was not run: {DRIVE} has no setting of that name." in limits(comparison, DRIVE)


def test_a_comparison_of_which_nothing_is_left_is_refused_with_the_reasons(tmp_path):
    ids = [RADIO, "radio/Jamming-v0"]
    with pytest.raises(ValueError, match="nothing is left to run") as refused:
        compare(ids, settings=["mismatch", "disturbance"], out=tmp_path / "out", **SHORT)
    told = str(refused.value)
    assert all(id in told for id in ids) and told.count("mismatch (nothing here changes") == 2
    assert "disturbance (" in told and "nominal" in told and "\n" not in told
    assert not (tmp_path / "out").exists()


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
