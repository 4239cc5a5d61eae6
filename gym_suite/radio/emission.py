"""What goes on the air, as data: the agent's link, an entity's waveform, a table of powers played back."""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.radio.parameters import FADINGS, MODULATIONS, PULSES, WAVEFORMS
from gym_suite.radio.transforms import (
    bit_error_rate,
    free_space_path_loss_db,
    from_db,
    log_distance_path_loss_db,
    thermal_noise_dbm,
)
from gym_suite.radio.values import truth, whole

MAX_CELLS = 1_000_000  # numbers in a table that is played back
MIN_DBM, MAX_DBM = -300.0, 100.0
DISTANCE = 100.0  # m, to a receiver, where none is given
ORDERS: Mapping[str, tuple[int, ...]] = {
    "psk": (2, 4, 8, 16),
    "qam": (4, 16, 64, 256),
    "ask": (2, 4, 8),
}
_WAVES: Mapping[str, tuple[str, int]] = {
    "bpsk": ("psk", 2),
    "dbpsk": ("psk", 2),
    "qpsk": ("psk", 4),
    "psk8": ("psk", 8),
    "qam16": ("qam", 16),
    "qam64": ("qam", 64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What an entity sends within its channel.

    Attributes:
        kind: "psk", "qam" or "ask" symbols, a "tone", "fmcw" chirps, or Gaussian "noise".
        order: Points of the constellation.
        pulse: Of the symbols: "rrc" and "rc" (root and raised cosine), or "rect".
        rolloff: Of the cosines.
        bandwidth: Occupied, as a part of the channel: symbols are (1 + rolloff) times slower.
        offset: Of the carrier from the channel's middle, as a part of the channel.
        chirp: Samples of the channel in one chirp.
        falling: Whether chirps go down.
    """

    kind: str = "psk"
    order: int = 4
    pulse: str = "rrc"
    rolloff: float = 0.35
    bandwidth: float = 0.8
    offset: float = 0.0
    chirp: int = 256
    falling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The agent's link to its receiver, which also senses, and the air around it.

    Attributes:
        bandwidth: Of a channel, Hz.
        frequency: Of the band, Hz; for the path loss.
        noise_figure: Of the receiver, dB, above the thermal noise at 290 K.
        exponent: Of the path loss beyond 1 m; 2 is free space.
        snr: Received power of the agent over the noise of a channel, dB.
        power: Transmitted power of the agent, dBm, with ``distance`` in place of ``snr``; None: ``snr`` holds.
        distance: From the agent to its receiver, m.
        modulation: Of the agent's packets.
        packet: Bits of the packet sent in a step.
        fading: "none", or "rayleigh": a gain per transmitter and step, all independent.
    """

    bandwidth: float = 1e6
    frequency: float = 2.4e9
    noise_figure: float = 6.0
    exponent: float = 2.0
    snr: float = 15.0
    power: float | None = None
    distance: float = DISTANCE
    modulation: str = "qpsk"
    packet: int = 1000
    fading: str = "none"

    @property
    def noise(self) -> float:
        """Noise power of a channel, dBm."""
        return thermal_noise_dbm(self.bandwidth, noise_figure_db=self.noise_figure)

    @property
    def waveform(self) -> Waveform:
        """What the agent sends."""
        kind, order = _WAVES[self.modulation]
        return Waveform(kind=kind, order=order)

    @property
    def received(self) -> float:
        """Received power of the agent over the noise of a channel, dB."""
        return self.snr if self.power is None else self.snr_from(self.power, self.distance)

    def snr_from(self, power: float, distance: float) -> float:
        """Return the signal-to-noise ratio in dB of dBm sent from a distance in m."""
        reference = free_space_path_loss_db(1.0, self.frequency)
        loss = log_distance_path_loss_db(
            distance, self.exponent, reference=1.0, reference_loss_db=reference
        )
        return power - loss - self.noise

    def to_dict(self) -> dict[str, Any]:
        """Return what :func:`read_link` reads and JSON can hold."""
        return {key: value for key, value in asdict(self).items() if value is not None}


# -------------------------------------------------------------------------------------------- reading


_LINK_BOUNDS = {
    "bandwidth": (1.0, 1e12),
    "frequency": (1.0, 1e15),
    "noise_figure": (0.0, 100.0),
    "exponent": (0.0, 10.0),
    "snr": (-200.0, 200.0),
    "power": (MIN_DBM, MAX_DBM),
    "distance": (1.0, 1e9),
}


def read_link(path: str, value: object) -> Link:
    """Return the link of a mapping, or a :class:`Link` itself.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if isinstance(value, Link):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be an object, got {value!r}")
    check_keywords(value, [f.name for f in fields(Link)], f"key of {path}")
    given: dict[str, Any] = {
        key: check_number(f"{path}.{key}", value[key], low=low, high=high)
        for key, (low, high) in _LINK_BOUNDS.items()
        if key in value and not (key == "power" and value[key] is None)
    }
    if "modulation" in value:
        given["modulation"] = check_option(f"{path}.modulation", value["modulation"], MODULATIONS)
    if "packet" in value:
        given["packet"] = whole(f"{path}.packet", value["packet"], 1, 10**9)
    if "fading" in value:
        given["fading"] = check_option(f"{path}.fading", value["fading"], FADINGS)
    check_distance(path, given)
    return Link(**given)


def check_distance(path: str, given: Mapping[str, Any]) -> None:
    """Refuse a distance that nothing would come of, for ``snr`` holds without a transmitted power.

    Raises:
        ValueError: Naming the key's path.
    """
    if given.get("power") is None and given.get("distance", DISTANCE) != DISTANCE:
        raise ValueError(
            f"{path}.distance counts only beside {path}.power, the power transmitted in dBm; "
            f"without it {path}.snr says what arrives"
        )


def read_waveform(path: str, value: object) -> Waveform:
    """Return the waveform of a mapping, or of its kind alone.

    Raises:
        ValueError: Naming the key's path, the value and what is allowed.
    """
    if isinstance(value, str):
        value = {"kind": value}
    if isinstance(value, Waveform):
        value = asdict(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"{path} must be a kind or an object, got {value!r}")
    check_keywords(value, [f.name for f in fields(Waveform)], f"key of {path}")
    kind = check_option(f"{path}.kind", value.get("kind", "psk"), WAVEFORMS)
    given: dict[str, Any] = {"kind": kind}
    if kind in ORDERS:
        order = whole(f"{path}.order", value.get("order", 4), 2, 256)
        if order not in ORDERS[kind]:
            allowed = ", ".join(map(str, ORDERS[kind]))
            raise ValueError(f"{path}.order of {kind} must be one of {allowed}, got {order}")
        given["order"] = order
    if "pulse" in value:
        given["pulse"] = check_option(f"{path}.pulse", value["pulse"], PULSES)
    for key, low, high in (
        ("rolloff", 0.0, 1.0),
        ("bandwidth", 0.01, 1.0),
        ("offset", -0.5, 0.5),
    ):
        if key in value:
            given[key] = check_number(f"{path}.{key}", value[key], low=low, high=high)
    if "chirp" in value:
        given["chirp"] = whole(f"{path}.chirp", value["chirp"], 2, 10_000_000)
    if "falling" in value:
        given["falling"] = truth(f"{path}.falling", value["falling"])
    result = Waveform(**given)
    half = 0.0 if kind == "tone" else 0.5 * result.bandwidth
    if kind != "noise" and abs(result.offset) + half > 0.5 + 1e-12:
        raise ValueError(
            f"{path}.offset {result.offset:g} moves a bandwidth of {2.0 * half:g} out of its channel"
        )
    return result


def read_table(
    path: str, value: object, channels: int, folder: Path | None = None
) -> tuple[tuple[float, ...], ...]:
    """Return a table of received powers in dBm, a row per step and a column per channel.

    Args:
        path: Where it stands, for errors.
        value: Rows of numbers, or the name of a CSV or NPZ file (its array "powers", or its only one).
        channels: Number of columns.
        folder: From which a relative name is meant; None: the current one.

    Raises:
        ValueError: Naming the key's path, the place, the value and what is allowed.
    """
    rows = _file(path, value, folder) if isinstance(value, str | Path) else value
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Sequence) or not rows:
        raise ValueError(f"{path} must be a list of rows of dBm or a file's name, got {rows!r}")
    if len(rows) * channels > MAX_CELLS:
        raise ValueError(f"{path} has {len(rows)} rows, at most {MAX_CELLS // channels} fit")
    return tuple(_row(f"{path}[{i}]", row, channels) for i, row in enumerate(rows))


def _row(path: str, row: object, channels: int) -> tuple[float, ...]:
    if isinstance(row, str | bytes | Mapping) or not isinstance(row, Sequence):
        raise ValueError(f"{path} must be a list of {channels} powers in dBm, got {row!r}")
    if len(row) != channels:
        raise ValueError(f"{path} must have one power per channel, {channels}, got {len(row)}")
    return tuple(
        check_number(f"{path}[{c}]", value, low=MIN_DBM, high=MAX_DBM)
        for c, value in enumerate(row)
    )


def _file(path: str, name: str | Path, folder: Path | None) -> list[Any]:
    file = Path(name) if folder is None else folder / name
    if file.suffix not in (".csv", ".npz"):
        raise ValueError(f"{path} must name a .csv or .npz file, got {str(name)!r}")
    if "\0" in str(file) or not file.is_file():
        raise ValueError(f"{path}: there is no file {str(name)!r}")
    return _npz(path, file) if file.suffix == ".npz" else _csv(path, file)


def _csv(path: str, file: Path) -> list[Any]:
    try:
        lines = list(csv.reader(file.read_text("utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {file.name} is not a CSV file: {error}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line or line[0].lstrip().startswith("#"):
            continue
        try:
            rows.append([float(cell) for cell in line])
        except ValueError as error:
            raise ValueError(f"{path}: line {number} of {file.name}: {error}") from None
    return rows


def _npz(path: str, file: Path) -> list[Any]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names = arrays.files
            name = "powers" if "powers" in names else names[0] if len(names) == 1 else None
            if name is None:
                raise ValueError(f"it holds no array 'powers' but {', '.join(names) or 'nothing'}")
            table = arrays[name]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: {file.name} cannot be read: {error}") from None
    if table.ndim != 2 or table.dtype.kind not in "fiu":
        raise ValueError(
            f"{path}: {file.name} holds an array of shape {table.shape} and dtype {table.dtype}, "
            "expected real numbers, a row per step and a column per channel"
        )
    return table.astype(np.float64).tolist()


def schema_parts() -> dict[str, Any]:
    """Return the JSON Schemas of a link, a waveform and a table."""

    def number(low: float, high: float) -> dict[str, Any]:
        return {"type": "number", "minimum": low, "maximum": high}

    link: dict[str, Any] = {key: number(*bounds) for key, bounds in _LINK_BOUNDS.items()}
    link |= {
        "modulation": {"enum": list(MODULATIONS)},
        "packet": {"type": "integer", "minimum": 1, "maximum": 10**9},
        "fading": {"enum": list(FADINGS)},
    }
    waveform = {
        "kind": {"enum": list(WAVEFORMS)},
        "order": {"enum": sorted({order for orders in ORDERS.values() for order in orders})},
        "pulse": {"enum": list(PULSES)},
        "rolloff": number(0.0, 1.0),
        "bandwidth": number(0.01, 1.0),
        "offset": number(-0.5, 0.5),
        "chirp": {"type": "integer", "minimum": 2, "maximum": 10_000_000},
        "falling": {"type": "boolean"},
    }
    row = {"type": "array", "items": number(MIN_DBM, MAX_DBM), "minItems": 1}
    table = {"anyOf": [{"type": "string"}, {"type": "array", "items": row, "minItems": 1}]}
    closed = {"type": "object", "additionalProperties": False}
    return {
        "link": closed | {"properties": link},
        "waveform": {
            "anyOf": [{"enum": list(WAVEFORMS)}, closed | {"properties": waveform}],
        },
        "table": table,
    }


# --------------------------------------------------------------------------------------- packet errors

HAZARD_LOW, HAZARD_STEP, HAZARD_COUNT = -20.0, 0.02, 3001  # dB


@lru_cache(maxsize=16)
def hazard_table(modulation: str) -> np.ndarray:
    """Return ln(-ln(1 - bit error rate)) over the SINR from -20 to 40 dB in steps of 0.02 dB, (3001, 1).

    Straight lines between its points give bit error rates to 1e-4 of their value above 1e-9.
    """
    bits = math.log2(_WAVES[modulation][1])
    result = np.full((HAZARD_COUNT, 1), -700.0)
    for k in range(HAZARD_COUNT):
        ratio = from_db(HAZARD_LOW + HAZARD_STEP * k)
        error = bit_error_rate(modulation, ratio / bits)
        if error > 1e-300:
            result[k, 0] = math.log(-math.log1p(-min(error, 0.5)))
    return result
