"""Folders that something is written into: proved before anything runs, and by one process at a time."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import IO

#: The file by which a process holds a folder; it stays behind, empty of meaning once its process has ended.
LOCK = "results.lock"


def check_writable(folder: Path) -> None:
    """Create a folder and prove that it can be written.

    Raises:
        OSError: it cannot; the message names the folder and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            f"the output folder cannot be written: {folder} ({error.strerror or error})"
        ) from None


def locked(folder: Path, writer: str = "comparison") -> IO[str]:
    """Take a folder, created if need be, until what is returned is closed or the process ends, however it ends.

    Args:
        folder: that is to be written by one process at a time.
        writer: what is writing there, for the message.

    Raises:
        OSError: it cannot be written, or another has it.
    """
    check_writable(folder)
    stream = (folder / LOCK).open("a+", encoding="utf-8")
    try:
        _lock_file(stream)
    except OSError:
        stream.seek(0)
        holder = stream.read().strip() or "another process"
        stream.close()
        raise BlockingIOError(
            f"another {writer} is writing into {folder} ({holder}): wait for it, or choose another folder"
        ) from None
    stream.truncate(0)
    stream.write(f"process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
    stream.flush()
    return stream


def _lock_file(stream: IO[str]) -> None:
    """Lock an open file without waiting.

    Raises:
        OSError: it is locked already.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
