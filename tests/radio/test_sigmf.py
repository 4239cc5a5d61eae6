"""Recordings in SigMF: what is written can be read by others and played back here."""

import gymnasium
import numpy as np
import pytest

from gym_suite.radio import sigmf
from gym_suite.radio.scenario.model import Link

pytest.importorskip("sigmf")
BANDWIDTH, SAMPLES = 1e6, 64
SCENARIO = {
    "channels": 4,
    "steps": 20,
    "entities": {
        "tower": {"kind": "constant", "channels": [2], "snr": 20.0},
        "hopper": {"kind": "hopper", "channels": [0, 1], "snr": 20.0},
    },
}


@pytest.fixture(scope="module")
def recording():
    env = gymnasium.make("radio/Access-v0", physics="iq", samples=SAMPLES, scenario=SCENARIO)
    return sigmf.record(env, [0] * 15)


def test_a_band_is_its_channels_side_by_side():
    """A tone in a channel is a tone of the same power at the channel's place in the band."""
    n, k = 64, 5
    channels = np.zeros((4, n), dtype=complex)
    channels[3] = np.exp(2j * np.pi * k * np.arange(n) / n)
    band = sigmf.wideband(channels)
    place = (3 - 2) / 4 + 0.5 / 4 + k / n / 4  # of the rate, from the band's middle
    expected = np.exp(2j * np.pi * place * np.arange(4 * n))
    ratio = band / expected
    assert np.allclose(ratio, ratio[0])
    assert abs(ratio[0]) == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(size=(4, n, 2)) @ [1, 1j]
    assert np.allclose(sigmf.channels_of(sigmf.wideband(noise), 4), noise)
    assert np.mean(np.abs(sigmf.wideband(noise)) ** 2) == pytest.approx(
        np.sum(np.mean(np.abs(noise) ** 2, axis=1))
    )


def test_what_is_written_is_read_again_and_valid(recording, tmp_path):
    import sigmf as library

    meta = sigmf.write(tmp_path / "band", recording, description="four channels")
    library.fromfile(meta).validate()
    again = sigmf.read(tmp_path / "band.sigmf-data")
    assert np.allclose(again.samples, recording.samples, atol=1e-6 * abs(recording.samples).max())
    assert again.sample_rate == 4 * BANDWIDTH
    assert again.frequency == Link().frequency
    assert len(again.annotations) == len(recording.annotations)
    (tower,) = [mark for mark in again.annotations if mark["label"] == "tower"]
    assert tower["count"] == len(recording.samples)
    assert tower["low"] == Link().frequency
    assert tower["high"] == Link().frequency + BANDWIDTH


def test_a_recording_can_be_played_back(recording):
    """Powers of a step are the mean of signal and noise; played back, the same channels are busy."""
    table = sigmf.powers(recording, 4, SAMPLES / BANDWIDTH)
    assert table.shape == (15, 4)
    noise = Link().noise
    assert table[:, 2] == pytest.approx(noise + 20.0, abs=0.5)
    assert np.all(table[:, 3] < noise + 3.0)
    entity = {"kind": "playback", "table": table, "level": noise + 10.0}
    env = gymnasium.make(
        "radio/Access-v0", scenario={"channels": 4, "steps": 14, "entities": {"air": entity}}
    )
    env.reset(seed=0)
    busy = env.unwrapped.state()
    assert [busy[f"occupancy_{c}"][0] > 0 for c in range(4)] == list(table[0] > noise + 10.0)


def test_marks_lie_where_and_when_somebody_sends(recording):
    """Loud steps of a channel and marked ones are the same, and each bears the name of who sends there."""
    loud = sigmf.powers(recording, 4, SAMPLES / BANDWIDTH) > Link().noise + 10.0
    marked, block = np.zeros_like(loud), 4 * SAMPLES
    lowest = Link().frequency - 2.0 * BANDWIDTH
    for mark in recording.annotations:
        channel = round((mark["low"] - lowest) / BANDWIDTH)
        first, count = mark["start"] // block, mark["count"] // block
        assert not marked[first : first + count, channel].any()
        marked[first : first + count, channel] = True
        assert mark["label"] == ("tower" if channel == 2 else "hopper")
        assert mark["high"] == mark["low"] + BANDWIDTH
    assert (marked == loud).all()
    assert loud[:, :2].any(axis=0).all()


def test_bad_recordings_are_refused_by_name(recording, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        sigmf.read(tmp_path / "nothing")
    with pytest.raises(ValueError, match="no step of 1 s"):
        sigmf.powers(recording, 4, 1.0)
    with pytest.raises(ValueError, match="samples a channel"):
        sigmf.powers(recording, 4, 1e-6)
    meta = sigmf.write(tmp_path / "band", recording)
    meta.write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        sigmf.read(meta)


def test_full_scale_shifts_powers_and_two_at_once_are_marked_as_several(recording):
    table = sigmf.powers(recording, 4, SAMPLES / BANDWIDTH)
    louder = sigmf.powers(recording, 4, SAMPLES / BANDWIDTH, full_scale=30.0)
    assert louder == pytest.approx(table + 30.0)
    both = {name: {"kind": "constant", "channels": [1]} for name in ("a", "b")}
    env = gymnasium.make(
        "radio/Access-v0",
        physics="iq",
        samples=SAMPLES,
        scenario={"channels": 2, "steps": 9, "entities": both},
    )
    (mark,) = sigmf.record(env, [0] * 5).annotations
    assert mark["label"] == "several"
    # On the agent's own channel it is one more than anybody.
    assert sigmf.record(env, [2] * 5).annotations[0]["label"] == "several"
