"""The behaviour of an id as one short hash: has it stayed what it was?

An id's behaviour is frozen: whoever trained a policy or published a score on it relies on that. The hash is taken of
a short rollout with fixed keys and actions: names of what is observed and done, observations, rewards and ends, rounded
so that another processor's last digits do not matter. It is the compiled engine's, with the id's default keywords
unless others are given.

The package ships the hashes of its ids in ``behaviours.json``, and a test compares them. After a deliberate change,
which needs a new version of the id, or for a new id, write them again::

    python -m gym_suite.behaviour
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.core.cards import OUTSIDE
from gym_suite.core.kernel import cache_root, source_digest
from gym_suite.core.rows import Rows
from gym_suite.registration import card, catalogue, id_class_of

TABLE = Path(__file__).with_name("behaviours.json")
WORLDS, STEPS = 4, 40
#: Digits behind the point that count; observations and rewards are of the order of one.
DECIMALS = 6


def behaviour_of(id: str, keywords: Mapping[str, Any] | None = None) -> str:
    """Return the hash of an id's behaviour, 16 hexadecimal digits.

    It is kept in the cache folder for as long as the id's sources stay as they are.

    Args:
        id: An id of the catalogue.
        keywords: Keyword arguments of the environment, plain data; ``max_episode_steps`` as in ``gymnasium.make``.

    Raises:
        ValueError: For an unknown id or keyword, naming the nearest.
    """
    entry, own = card(id), dict(keywords or {})
    limit = own.pop("max_episode_steps", entry.max_episode_steps)
    name = f"{source_digest(entry.family)} {entry.id} {limit} {json.dumps(own, sort_keys=True)}"
    path = cache_root() / "behaviours.json"
    known = _read(path)
    if name not in known:
        found = _hash(entry.id, own, limit)
        with suppress(
            OSError
        ):  # another process may have written meanwhile; what it found is found again
            scratch = path.with_suffix(f".{os.getpid()}")
            scratch.write_text(json.dumps(_read(path) | {name: found}, indent=1), "utf-8")
            scratch.replace(path)
        return found
    return known[name]


def recorded() -> dict[str, str]:
    """Return the behaviours that the package's ids are to have, as shipped."""
    return _read(TABLE)


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _hash(id: str, keywords: Mapping[str, Any], limit: int | None) -> str:
    setup = id_class_of(id).configure(**keywords)
    # Another engine moves the same worlds otherwise, and rounds as its version does; pictures are its too.
    rows = Rows(replace(setup, engine=None, images=(), flat=True), WORLDS)
    told = [setup.joint_names(setup.observation_columns), setup.joint_names(setup.action_columns)]
    content = hashlib.sha256(
        json.dumps([*told, setup.actions, setup.dt, setup.horizon, limit]).encode()
    )
    # A bit generator's stream never changes, a Generator's distributions may.
    raw = np.random.Philox(key=1).random_raw((STEPS, *rows.u.shape))
    share = (raw >> np.uint64(11)) * 2.0**-53
    choices = np.tile(setup.choices, setup.agent_count)
    actions = np.floor(share * choices) if setup.choices else 2.0 * share - 1.0
    episode = np.arange(1, WORLDS + 1, dtype=np.uint64)
    rows.reset(np.ones(WORLDS, np.bool_), episode)
    _add(content, rows.o)
    for action in actions:
        rows.u[:] = action
        rows.advance()
        over: np.ndarray = np.all(rows.terminated, axis=1)  # type: ignore[assignment]
        _add(content, rows.o, rows.reward, rows.terminated)
        if over.any():
            episode[over] += np.uint64(WORLDS)
            rows.reset(over, episode[over])
    return content.hexdigest()[:16]


def _add(content: Any, *arrays: np.ndarray) -> None:
    for array in arrays:
        rounded = np.round(array.astype(np.float64), DECIMALS) + 0.0  # no negative zeros
        content.update(np.ascontiguousarray(rounded).tobytes())


def main(ids: Sequence[str] = ()) -> None:
    """Write the shipped table anew.

    Args:
        ids: Only these ids; the others stay as they are. By default all, and only those that there are.
    """
    own = [entry.id for entry in catalogue().values() if entry.module != OUTSIDE]
    table = {id: recorded().get(id, "") for id in own} if ids else {}
    for id in ids or own:
        table[id] = behaviour_of(id)
    TABLE.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
