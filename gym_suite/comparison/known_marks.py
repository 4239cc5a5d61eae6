"""Figures that returns are put beside, kept from one command to the next: some take seconds to compute.

They lie beside the compiled kernels, one file each, and its name follows from everything that decides them: the sources
of the family, the id, its keywords, the length of an episode, and the numbers that its kernels read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.comparison.results import write_whole
from gym_suite.comparison.worlds import World, marks_of
from gym_suite.core.cards import OUTSIDE
from gym_suite.core.family import Setup
from gym_suite.core.kernel import cache_root, source_digest
from gym_suite.core.marks import Mark
from gym_suite.registration import catalogue

__all__ = ["known_marks"]


def known_marks(env: Any, horizon: int | None = None) -> tuple[Mark, ...]:
    """The figures of :func:`gym_suite.comparison.worlds.marks_of`, computed once on a machine.

    Args:
        env: as made by :func:`gym_suite.comparison.worlds.make`.
        horizon: control periods after which an episode is cut; None for the id's own limit.
    """
    setup = getattr(env.unwrapped, "setup", None)
    own = catalogue().get(getattr(setup, "id", ""))
    if own is None or own.module == OUTSIDE or not isinstance(setup, Setup) or not setup.marks:
        return marks_of(env, horizon)  # what decides the figures of others is not known here
    path = cache_root() / "marks" / f"{_digest(env, setup, horizon)}.json"
    with suppress(OSError, ValueError, TypeError):  # what is damaged is computed again
        return tuple(Mark(**mark) for mark in json.loads(path.read_text("utf-8")))
    marks = marks_of(env, horizon)
    with suppress(OSError):  # a full disk costs time only
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, marks)
    return marks


def _digest(env: Any, setup: Any, horizon: int | None) -> str:
    about = {
        "sources": source_digest(setup.family),
        "id": setup.id,
        "keywords": dict(env.spec.kwargs),
        "limit": World.of(env, horizon).limit,
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True, default=repr).encode())
    for array in _arrays((setup.row, setup.plant_row, setup.tables)):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _arrays(value: Any) -> Iterable[np.ndarray]:
    """Yield all arrays of nested tuples."""
    if isinstance(value, tuple):
        for part in value:
            yield from _arrays(part)
    elif value is not None:
        yield np.asarray(value)


def _write(path: Path, marks: Iterable[Mark]) -> None:
    text = json.dumps([dataclasses.asdict(mark) for mark in marks], allow_nan=False)
    write_whole(path, text)
