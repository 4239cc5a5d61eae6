"""Tracks of gates, as data: TOML files beside this module, files of the user's, or mappings.

A track is a closed course. Its file has ``description``, ``width``, ``height`` and ``frame`` (m, of all gates: the
opening, and the width of the frame about it) and for each gate a table ``[[gates]]`` with ``centre`` (x, y, z in m) and
``through`` (x, y of the direction in which it is flown through, of any length); a gate may have a ``width``, ``height``
and ``frame`` of its own. Gates stand upright.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, unknown_error

FOLDER = Path(__file__).parent
#: m, within which gates stand; m, most that a size may be; gates that a track may have.
FARTHEST, LARGEST, MOST_GATES = 1000.0, 100.0, 200
_SIZES = ("width", "height", "frame")
_TRACK, _GATE = ("description", *_SIZES, "gates"), ("centre", "through", *_SIZES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """An upright rectangle to fly through.

    Attributes:
        centre: Of its opening, (x, y, z) in m.
        through: Level unit vector of the direction in which it is flown through, (x, y).
        width: Of the opening, m.
        height: Of the opening, m.
        frame: Width of the frame about the opening, m.
    """

    centre: tuple[float, float, float]
    through: tuple[float, float]
    width: float
    height: float
    frame: float

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Both ends of the gate with its frame seen from above, (x, y) in m."""
        half = 0.5 * self.width + self.frame
        (x, y, _), (nx, ny) = self.centre, self.through
        return (x + half * ny, y - half * nx), (x - half * ny, y + half * nx)

    @property
    def span(self) -> tuple[float, float]:
        """Heights of its lower and upper edge with the frame, m."""
        half = 0.5 * self.height + self.frame
        return self.centre[2] - half, self.centre[2] + half


def names() -> tuple[str, ...]:
    """Return the names of the tracks that ship."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def build_track(value: object) -> tuple[Gate, ...]:
    """Return the gates of a track from its name, a file (.toml), a mapping as a file has it, or gates.

    Raises:
        ValueError: For a name that does not ship (naming the nearest), a file that cannot be read, unknown entries,
            numbers out of bounds, fewer than two gates, gates in the floor or gates that intersect.
        TypeError: For anything else.
    """
    if isinstance(value, str) and not value.casefold().endswith(".toml"):
        if value not in names():
            raise unknown_error("track", value, names())
        value = FOLDER / f"{value}.toml"
    if isinstance(value, str | Path):
        value = _read(Path(value))
    if isinstance(value, Mapping):
        gates = _gates(value)
    elif isinstance(value, tuple) and all(isinstance(gate, Gate) for gate in value):
        gates = value
    else:
        raise TypeError(f"track must be a name, a file or a mapping, got {type(value).__name__}")
    if not 2 <= len(gates) <= MOST_GATES:
        raise ValueError(f"a track has 2 to {MOST_GATES} gates, got {len(gates)}")
    for i, gate in enumerate(gates):
        if gate.span[0] < 0.0:
            raise ValueError(
                f"gate {i} stands in the floor: its lower edge is at {gate.span[0]:.3g} m"
            )
        for j in range(i):
            if _intersect(gates[j], gate):
                raise ValueError(f"gates {j} and {i} intersect; move one of them")
    return gates


def as_mapping(gates: tuple[Gate, ...]) -> dict[str, Any]:
    """Return gates as a mapping that :func:`build_track` takes and JSON can hold."""
    return {
        "gates": [
            {
                "centre": list(gate.centre),
                "through": list(gate.through),
                **{name: getattr(gate, name) for name in _SIZES},
            }
            for gate in gates
        ]
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the track {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the track {path} is not TOML: {error}") from None


def _gates(track: Mapping[str, Any]) -> tuple[Gate, ...]:
    check_keywords(track, _TRACK, "entry of a track")
    listed = track.get("gates", ())
    if not isinstance(listed, list | tuple):
        raise ValueError(f"gates must be a list, got {type(listed).__name__}")
    shared = {name: track[name] for name in _SIZES if name in track}
    return tuple(_gate(i, given, shared) for i, given in enumerate(listed))


def _gate(i: int, given: Any, shared: Mapping[str, Any]) -> Gate:
    if not isinstance(given, Mapping):
        raise ValueError(f"gate {i} must have centre and through, got {given!r}")
    check_keywords(given, _GATE, f"entry of gate {i}")
    values = {**shared, **given}
    missing = [name for name in _GATE if name not in values]
    if missing:
        raise ValueError(f"gate {i} has no {missing[0]!r}")
    sizes = {
        name: check_number(f"{name} of gate {i}", values[name], above=0.0, high=LARGEST)
        for name in _SIZES
    }
    x, y, z = _vector(i, "centre", values["centre"], 3)
    nx, ny = _vector(i, "through", values["through"], 2)
    length = math.hypot(nx, ny)
    if length < 1e-6:
        raise ValueError(f"gate {i} needs a direction through it, got through = (0, 0)")
    return Gate(centre=(x, y, z), through=(nx / length, ny / length), **sizes)


def _vector(i: int, name: str, value: Any, size: int) -> list[float]:
    if not isinstance(value, list | tuple) or len(value) != size:
        raise ValueError(f"{name} of gate {i} must be {size} numbers, got {value!r}")
    return [
        check_number(f"{name} of gate {i}", number, low=-FARTHEST, high=FARTHEST)
        for number in value
    ]


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return twice the signed area of a triangle: on which side of the line a b the point c is."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _intersect(one: Gate, other: Gate) -> bool:
    """Return whether two upright rectangles share a point."""
    if one.span[1] < other.span[0] or other.span[1] < one.span[0]:
        return False
    (a, b), (c, d) = one.ends, other.ends
    for k in range(2):
        if max(a[k], b[k]) < min(c[k], d[k]) or max(c[k], d[k]) < min(a[k], b[k]):
            return False
    return _side(a, b, c) * _side(a, b, d) <= 0.0 and _side(c, d, a) * _side(c, d, b) <= 0.0
