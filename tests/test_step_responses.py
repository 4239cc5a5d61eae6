"""The recorded step responses are what the comparison gives, of ids as they are now, and no reference trips."""

import json

import pytest

from gym_suite import step_responses
from gym_suite.registration import card

RECORDED = sorted(json.loads(step_responses.FILE.read_text("utf-8")))


@pytest.mark.parametrize("id", RECORDED)
def test_a_reference_controller_follows_and_does_not_trip(id):
    told = step_responses.step_response_of(id)
    if told is None:
        pytest.skip("the id has changed since; its page shows no step response")
    assert told.agent == card(id).reference
    assert told.seeds == (card(id).protocol.first_seed, step_responses.EPISODES)
    assert told.trips == 0.0
    assert told.mean_error is not None and told.mean_error < 0.2


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/PermExDc-Torque-v0"])
def test_a_record_is_what_the_command_writes(id, tmp_path, monkeypatch):
    shipped = step_responses.step_response_of(id)
    assert shipped is not None
    monkeypatch.setattr(step_responses, "FILE", tmp_path / "step_responses.json")
    assert step_responses.step_response_of(id) is None
    step_responses.main([id])
    again = step_responses.step_response_of(id)
    assert again is not None
    for name in ("rise_time", "overshoot", "steady_error", "mean_error", "trips"):
        assert getattr(again, name) == pytest.approx(getattr(shipped, name), rel=1e-2, abs=1e-6)


def test_a_record_of_another_behaviour_is_not_shown(monkeypatch):
    monkeypatch.setattr(step_responses, "behaviours", lambda: {"gem/PMSM-v0": "otherwise"})
    assert step_responses.step_response_of("gem/PMSM-v0") is None


def test_where_nothing_is_to_follow_there_is_no_step_response():
    with pytest.raises(ValueError, match="nothing is to follow a reference"):
        step_responses.judge("radio/GilbertElliott-v0", episodes=2)
