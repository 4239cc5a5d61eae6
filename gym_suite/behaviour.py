"""The behaviour of an id as one short hash: has it stayed what it was?

An id's behaviour is frozen: whoever trained a policy or published a score on it relies on that. The hash is taken of
a short rollout with fixed keys and actions: names of what is observed and done, observations, rewards and ends, rounded
so that another processor's last digits do not matter. It is the compiled engine's, with the id's default keywords
unless others are given.

These defaults are the nominal plant. What noise, mismatch, delay and a disturbance make of an id is hashed apart, see
:func:`behaviour_in_settings_of`: policies and scores tell the first hash alone.

The package ships the hashes of its ids in ``behaviours.json`` and ``behaviours_in_settings.json``, and a test compares
them. After a deliberate change, which needs a new version of the id, or for a new id, write them again::

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
from gym_suite.core.family import Setup
from gym_suite.core.kernel import cache_root, source_digest
from gym_suite.core.rows import Rows
from gym_suite.registration import card, catalogue, id_class_of

TABLE = Path(__file__).with_name("behaviours.json")
WORLDS, STEPS = 4, 40
#: Of each of an id's settings.
SHORT_WORLDS, SHORT_STEPS = 2, 12
#: Keywords of a plant that is not the nominal one, where there is something that they touch.
NOISE, MISMATCH, DELAY = 0.01, 0.3, 1
#: Of a channel's disturbance, SI, and how many control periods a pseudo-random step lasts.
DISTURBANCE, PERIODS = 1.0, 3
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


def behaviour_in_settings_of(id: str) -> str:
    """Return the hash of an id's behaviour under noise, mismatch, delay and a disturbance, 16 hexadecimal digits.

    Of each that touches the id a rollout of its own, from the first period on. It is not kept.

    Args:
        id: An id of the catalogue.

    Raises:
        ValueError: For an unknown id, naming the nearest.
    """
    entry = card(id)
    content = hashlib.sha256()
    for name, value in _settings(id_class_of(entry.id).configure()).items():
        content.update(name.encode())
        rows = _rows(entry.id, {name: value}, SHORT_WORLDS)
        _roll(content, rows, SHORT_STEPS)
    return content.hexdigest()[:16]


def _settings(setup: Setup) -> dict[str, Any]:
    """Return the keyword of every departure from the nominal plant that touches an id."""
    signal = {"kind": "prbs", "amplitude": DISTURBANCE, "period": PERIODS * setup.dt}
    touched = {
        "noise": (NOISE, setup.measured),
        "mismatch": (MISMATCH, setup.plant_parameters),
        "delay": (DELAY, True),
        "disturbance": (dict.fromkeys(setup.disturbances, signal), setup.disturbances),
    }
    return {name: value for name, (value, touches) in touched.items() if touches}


def recorded_in_settings() -> dict[str, str]:
    """Return what :func:`behaviour_in_settings_of` is to give for the package's ids, as shipped."""
    return _read(_table_of_settings())


def _table_of_settings() -> Path:
    return TABLE.with_name("behaviours_in_settings.json")


def _read(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _hash(id: str, keywords: Mapping[str, Any], limit: int | None) -> str:
    rows = _rows(id, keywords, WORLDS)
    setup = rows.setup
    told = [setup.joint_names(setup.observation_columns), setup.joint_names(setup.action_columns)]
    content = hashlib.sha256(
        json.dumps([*told, setup.actions, setup.dt, setup.horizon, limit]).encode()
    )
    _roll(content, rows, STEPS)
    return content.hexdigest()[:16]


def _rows(id: str, keywords: Mapping[str, Any], worlds: int) -> Rows:
    setup = id_class_of(id).configure(**keywords)
    # Another engine moves the same worlds otherwise, and rounds as its version does; pictures are its too.
    return Rows(replace(setup, engine=None, images=(), flat=True), worlds)


def _roll(content: Any, rows: Rows, steps: int) -> None:
    """Add what is observed and earned in so many steps of fixed actions from fixed keys on."""
    setup, worlds = rows.setup, len(rows.u)
    # A bit generator's stream never changes, a Generator's distributions may.
    raw = np.random.Philox(key=1).random_raw((steps, *rows.u.shape))
    share = (raw >> np.uint64(11)) * 2.0**-53
    choices = np.tile(setup.choices, setup.agent_count)
    actions = np.floor(share * choices) if setup.choices else 2.0 * share - 1.0
    episode = np.arange(1, worlds + 1, dtype=np.uint64)
    rows.reset(np.ones(worlds, np.bool_), episode)
    _add(content, rows.o)
    for action in actions:
        rows.u[:] = action
        rows.advance()
        over: np.ndarray = np.all(rows.terminated, axis=1)  # type: ignore[assignment]
        _add(content, rows.o, rows.reward, rows.terminated)
        if over.any():
            episode[over] += np.uint64(worlds)
            rows.reset(over, episode[over])


def _add(content: Any, *arrays: np.ndarray) -> None:
    for array in arrays:
        rounded = np.round(array.astype(np.float64), DECIMALS) + 0.0  # no negative zeros
        content.update(np.ascontiguousarray(rounded).tobytes())


def main(ids: Sequence[str] = ()) -> None:
    """Write the shipped tables anew.

    Args:
        ids: Only these ids; the others stay as they are. By default all, and only those that there are.
    """
    own = [entry.id for entry in catalogue().values() if entry.module != OUTSIDE]
    for path, of in ((TABLE, behaviour_of), (_table_of_settings(), behaviour_in_settings_of)):
        table = {id: _read(path).get(id, "") for id in own} if ids else {}
        table |= {id: of(id) for id in ids or own}
        path.write_text(json.dumps(dict(sorted(table.items())), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
