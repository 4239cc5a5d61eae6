"""Whether a snapshot is one that ``get_state()`` of such an environment returned, asked before anything moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords

SAME = (
    "only what get_state() of an environment of the same id, keywords and face returned is put back"
)


def check_entries(
    snapshot: object, names: Iterable[str], what: str = "the snapshot", spare: Iterable[str] = ()
) -> None:
    """Refuse a snapshot that is no mapping with the entries that this environment keeps.

    Args:
        snapshot: As a user gave it, or a part of it.
        names: Of the entries that have to be there.
        what: What it is, for errors.
        spare: Names of entries that may be there besides.

    Raises:
        ValueError: Naming what is missing, or what is there besides; or if it says of itself neither that it has been
            started nor that it has not.
    """
    if not isinstance(snapshot, Mapping):
        raise ValueError(
            f"{what} must be a mapping, got a value of type {type(snapshot).__name__}: {SAME}"
        )
    names = tuple(names)
    missing = [name for name in names if name not in snapshot]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(map(repr, missing))}: {SAME}")
    check_keywords(snapshot, (*names, *spare), f"entry of {what}")
    started = snapshot.get("started", True)
    if not isinstance(started, bool):
        raise ValueError(f"the snapshot's started must be True or False, got {started!r:.80}")


def as_kept(name: str, values: object, kept: np.ndarray) -> np.ndarray:
    """Return an array of a snapshot in the type of the one that it is to replace.

    Args:
        name: What it is, for errors.
        values: As the snapshot has them.
        kept: The array of this environment.

    Raises:
        ValueError: For another shape, for what are no numbers, or for numbers that the type would change.
    """
    try:
        given = np.asarray(values)
        array = given.astype(kept.dtype)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"the snapshot's {name} must be an array of numbers: {SAME}") from None
    if array.shape != kept.shape:
        raise ValueError(
            f"the snapshot's {name} has shape {array.shape}, this environment's {kept.shape}"
        )
    kinds = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[kept.dtype.kind]
    if given.dtype.kind not in kinds or (kinds == "iu" and not (array == given).all()):
        raise ValueError(f"the snapshot's {name} must be of the type {kept.dtype}: {SAME}")
    return array


def restore_generator(generator: np.random.Generator, states: Any) -> None:
    """Put the generator of one world where a snapshot says.

    Args:
        generator: Of the world.
        states: The snapshot's list of one bit generator's state.

    Raises:
        ValueError: If it is no such list.
    """
    before = generator.bit_generator.state
    try:
        (state,) = states
        generator.bit_generator.state = state
    except (TypeError, ValueError, KeyError, OverflowError):
        generator.bit_generator.state = before  # what was read before the fault is undone
        raise ValueError(
            f"the snapshot's generators are not the state of one world's generator: {SAME}"
        ) from None
