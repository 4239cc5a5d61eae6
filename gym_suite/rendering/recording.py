"""Frames to files: .png, .gif and .mp4."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.extras import install_line

__all__ = ["Recorder", "check_target", "save_frames"]


def check_target(path: str | os.PathLike[str]) -> Path:
    """Return where a file is to be written, before anything is simulated for it.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: The folder does not exist.
        PermissionError: The folder cannot be written to.
    """
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot record to {str(path)!r}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot record to {str(path)!r}: {folder} cannot be written to")
    return Path(path)


class Recorder:
    """Writes frames into one file; the suffix says the format.

    The file appears under its name only when it is complete. Use it in a ``with`` block, which
    drops the unfinished file when an error leaves it.

    Args:
        path: ``.png`` keeps the last frame; ``.gif`` and ``.mp4`` keep all. A ``.mp4`` needs the
            extra ``video``.
        fps: Frames a second of a ``.gif`` or ``.mp4``. A ``.gif`` counts in hundredths of a second,
            so that 20, 25 and 50 are kept exactly.

    Raises:
        ValueError: The suffix is none of these, or fps is not within (0, 100].
        FileNotFoundError: The folder does not exist.
        PermissionError: The folder cannot be written to.
        ImportError: ``.mp4`` without imageio and imageio-ffmpeg.
    """

    def __init__(self, path: str | os.PathLike[str], *, fps: float = 25.0) -> None:
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        if suffix not in _WRITERS:
            raise ValueError(
                f"cannot record to {str(path)!r}: the suffix must be one of "
                f"{', '.join(_WRITERS)}, got {suffix or 'none'!r}; "
                "gym_suite.rendering.record writes .html, an interactive page, too"
            )
        if not 0.0 < fps <= 100.0:
            raise ValueError(f"fps= must lie within (0, 100] frames a second, got {fps}")
        folder = check_target(path).resolve().parent
        self.fps = float(fps)
        self.frames = 0
        self._shape: tuple[int, ...] = ()
        self._partial = folder / f".{self.path.stem}.{os.getpid()}.partial{suffix}"
        self._writer: _Writer | None = _WRITERS[suffix](self._partial, self.fps)

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame.

        Args:
            frame: Picture (height, width, 3), copied.

        Raises:
            ValueError: It is no such picture, or not of the first one's shape.
            RuntimeError: The recorder is closed.
        """
        if self._writer is None:
            raise RuntimeError(f"the recorder of {str(self.path)!r} is closed")
        frame = np.asarray(frame)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise ValueError(
                f"a frame is uint8 of shape (height, width, 3), got {frame.dtype} {frame.shape}"
            )
        if self.frames and frame.shape != self._shape:
            raise ValueError(
                f"all frames of a recording have one shape, got {frame.shape} after {self._shape}"
            )
        self._shape = frame.shape
        self._writer.add(frame)
        self.frames += 1

    def close(self) -> Path:
        """Finish the file and return its path; more than once does no harm.

        Raises:
            ValueError: No frame was added, so that there is nothing to write.
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return self.path
        try:
            if not self.frames:
                raise ValueError(f"nothing to write to {str(self.path)!r}: no frame was added")
            writer.close()
            self._partial.replace(self.path)
        finally:
            self._partial.unlink(missing_ok=True)
        return self.path

    def discard(self) -> None:
        """Drop what was recorded and leave no file behind."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abort()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


def save_frames(
    frames: Iterable[NDArray[np.uint8]], path: str | os.PathLike[str], *, fps: float = 25.0
) -> Path:
    """Write frames to a file and return its path.

    Args:
        frames: Pictures (height, width, 3) of one shape; a generator is drawn from as they are
            written. One picture may be given as it is.
        path: As for `Recorder`.
        fps: As for `Recorder`.

    Raises:
        ValueError: As `Recorder`, or there is no frame.
        ImportError: As `Recorder`.
    """
    if isinstance(frames, np.ndarray) and frames.ndim == 3:
        frames = [frames]
    with Recorder(path, fps=fps) as recorder:
        for frame in frames:
            recorder.add(frame)
    return recorder.path


class _Writer(Protocol):
    """One file format."""

    def __init__(self, path: Path, fps: float) -> None: ...
    def add(self, frame: NDArray[np.uint8]) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class _PngWriter:
    """Keeps the last frame."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._frame: NDArray[np.uint8] | None = None

    def add(self, frame: NDArray[np.uint8]) -> None:
        self._frame = frame.copy()

    def close(self) -> None:
        from PIL import Image

        if self._frame is not None:
            Image.fromarray(self._frame).save(self._path, optimize=True)

    def abort(self) -> None:
        self._frame = None


class _GifWriter:
    """Keeps each frame as indices into a palette of its own, a byte a pixel."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path = path
        self._duration = 10 * round(100.0 / fps)  # whole hundredths of a second, in ms
        self._images: list[Any] = []

    def add(self, frame: NDArray[np.uint8]) -> None:
        from PIL import Image

        # An octree is seven times as quick as a median cut and as faithful to flat colours; no
        # dithering, whose noise would swell every frame.
        octree, plain = Image.Quantize.FASTOCTREE, Image.Dither.NONE
        self._images.append(Image.fromarray(frame).quantize(256, method=octree, dither=plain))

    def close(self) -> None:
        first, *others = self._images
        first.save(
            self._path,
            save_all=True,
            append_images=others,
            duration=self._duration,
            loop=0,
        )
        self._images.clear()

    def abort(self) -> None:
        self._images.clear()


class _Mp4Writer:
    """Hands the frames to ffmpeg (H.264, plays in every browser)."""

    def __init__(self, path: Path, fps: float) -> None:
        try:
            import imageio.v2 as imageio
            import imageio_ffmpeg  # noqa: F401 - imageio finds it by itself, or fails much later
        except ImportError as error:
            raise ImportError(
                f"recording .mp4 needs imageio and imageio-ffmpeg: {install_line('video')}. "
                "A .gif needs neither"
            ) from error
        self._writer = imageio.get_writer(
            path,
            format="FFMPEG",
            mode="I",
            fps=fps,
            codec="libx264",
            quality=8,
            pixelformat="yuv420p",
            macro_block_size=2,
        )

    def add(self, frame: NDArray[np.uint8]) -> None:
        self._writer.append_data(frame)

    def close(self) -> None:
        self._writer.close()

    abort = close


_WRITERS: dict[str, type[_Writer]] = {".png": _PngWriter, ".gif": _GifWriter, ".mp4": _Mp4Writer}
