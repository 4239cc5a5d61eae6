"""Learning curves as event files: what TensorBoard reads is what the curve's file says."""

import sys

import pytest

from gym_suite import cli
from gym_suite.learning import train
from gym_suite.learning.records import read_curves

TINY = {"rows": 8, "rollout": 32, "batch": 128, "epochs": 1, "evaluations": 2, "network": [8]}


@pytest.mark.parametrize("jobs", [1, 2])
def test_event_files_hold_the_learning_curves(tmp_path, jobs):
    pytest.importorskip("stable_baselines3")
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(
        "gem/PMSM-v0", seeds=2, steps=600, settings=TINY, out=tmp_path, tensorboard=True, jobs=jobs
    )
    curves = read_curves(tmp_path)
    for seed in (0, 1):
        read = EventAccumulator(str(tmp_path / "tensorboard" / f"ppo-{seed}"))
        read.Reload()
        rows = [row for row in curves if row["seed"] == str(seed)]
        assert len(rows) > 1
        for name in ("evaluation_return", "evaluation_error", "evaluation_trips"):
            told = [(event.step, event.value) for event in read.Scalars(name)]
            kept = [(int(row["step"]), pytest.approx(float(row[name]), rel=1e-6)) for row in rows]
            assert told == kept
        assert "evaluation_success" not in read.Tags()["scalars"], "the id has no goal"


def test_without_tensorboard_its_line_is_told_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    pytest.importorskip("stable_baselines3")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    words = ["train", "gem/PMSM-v0", "--tensorboard", "--out", str(tmp_path / "made")]
    assert cli.main(words) != 0
    told = " ".join(capsys.readouterr().err.split())
    assert "need tensorboard" in told and "[tensorboard]" in told
    assert not (tmp_path / "made").exists()
