"""Recordings are read back by the libraries that everybody reads them with."""

import os
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from gym_suite.rendering import Recorder, save_frames


def test_png_is_the_last_frame_exactly(tmp_path, frames):
    path = save_frames(frames, tmp_path / "a.png")
    assert (np.asarray(Image.open(path)) == frames[-1]).all()
    path = save_frames(frames[2], tmp_path / "one.PNG")
    assert (np.asarray(Image.open(path)) == frames[2]).all()


def test_gif_has_every_frame_at_its_time(tmp_path, frames):
    path = save_frames((frame for frame in frames), tmp_path / "a.gif", fps=20)
    with Image.open(path) as picture:
        assert picture.n_frames == len(frames)
        assert picture.info["loop"] == 0
        for frame, read in zip(frames, ImageSequence.Iterator(picture), strict=True):
            assert read.info["duration"] == 50
            error = np.abs(np.asarray(read.convert("RGB")).astype(int) - frame)
            assert error.mean() < 4


def test_gif_that_stands_still_lasts_as_long(tmp_path, frames):
    """Pillow may merge equal frames; what counts is how long they are shown."""
    path = save_frames([frames[0]] * 5 + [frames[1]] * 5, tmp_path / "a.gif", fps=10)
    with Image.open(path) as picture:
        total = sum(read.info["duration"] for read in ImageSequence.Iterator(picture))
    assert total == 1000


def test_mp4_has_every_frame_at_its_time(tmp_path, frames):
    imageio = pytest.importorskip("imageio.v2", reason="the extra video is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    path = save_frames(frames, tmp_path / "a.mp4", fps=24)
    with imageio.get_reader(path) as reader:
        read = [*iter(reader)]
        assert reader.get_meta_data()["fps"] == pytest.approx(24)
    assert len(read) == len(frames)
    assert read[0].shape == frames[0].shape
    for k in (0, 6, 11):  # compressed, so about equal, but never another frame
        errors = [np.abs(read[k].astype(int) - frame).mean() for frame in frames]
        assert np.argmin(errors) == k


def test_mp4_without_its_library_names_the_extra(tmp_path, frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"pip install .*\[video\]"):
        save_frames(frames, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.avi", "a", "a.gif.txt", "png"])
def test_unknown_suffix_names_the_valid_ones(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.png, \.gif, \.mp4"):
        Recorder(tmp_path / name)


@pytest.mark.parametrize("fps", [0, -1, 1000, np.nan])
def test_senseless_frame_rate_is_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="fps="):
        Recorder(tmp_path / "a.gif", fps=fps)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_wrong_frame_is_refused_and_the_recorder_goes_on(tmp_path, frames, suffix):
    with Recorder(tmp_path / f"a.{suffix}") as recorder:
        recorder.add(frames[0])
        for wrong in (frames[0][:, :, 0], frames[0] / 255.0, frames[0][:40], "frame"):
            with pytest.raises(ValueError, match="frame"):
                recorder.add(wrong)
        recorder.add(frames[1])
    assert recorder.frames == 2
    assert recorder.close() == tmp_path / f"a.{suffix}"
    with pytest.raises(RuntimeError, match="closed"):
        recorder.add(frames[0])


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, frames):
    path = tmp_path / "a.gif"
    path.write_bytes(b"precious")
    with pytest.raises(ZeroDivisionError), Recorder(path) as recorder:
        recorder.add(frames[0])
        1 / 0  # noqa: B018
    with pytest.raises(ValueError, match="no frame"):
        save_frames([], path)
    assert path.read_bytes() == b"precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gif"]


def test_missing_or_unwritable_folder_is_told_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        Recorder(tmp_path / "nowhere" / "a.gif")
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(PermissionError, match="cannot be written"):
        Recorder(locked / "a.gif")
