"""Recordings in SigMF, the Signal Metadata Format that radio software shares: written from an episode, read as a table.

Needs the extra ``sigmf``. A band of C channels of bandwidth B side by side is one recording at the rate C B; its middle
is the scenario's frequency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.extras import install_line
from gym_suite.core.parameters import check_number
from gym_suite.radio.scenario.model import MIN_DBM

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples with what was written about them.

    Attributes:
        samples: Complex, (n,).
        sample_rate: Hz.
        frequency: Middle of the band, Hz; 0 where the file does not say it.
        annotations: What was marked: "label", "start" and "count" in samples, "low" and "high" in Hz where given.
    """

    samples: Complex
    sample_rate: float
    frequency: float
    annotations: tuple[Mapping[str, Any], ...] = ()


def wideband(channels: NDArray[Any]) -> Complex:
    """Return the band whose channels these are, with C times their rate.

    Args:
        channels: Samples of each channel about its own middle, the lowest first, complex (C, N).

    Returns:
        Complex (C N,): the spectra of the channels side by side, powers kept.
    """
    spectra = np.fft.fftshift(np.fft.fft(channels, axis=1), axes=1)
    # The mean power of the sum is the sum of the channels' mean powers.
    return np.fft.ifft(np.fft.ifftshift(spectra.ravel())) * len(channels)


def channels_of(samples: NDArray[Any], count: int) -> Complex:
    """Return the channels of a band, the inverse of :func:`wideband`.

    Args:
        samples: Of the band, complex (n,), n a multiple of count.
        count: Number of channels.
    """
    spectra = np.fft.fftshift(np.fft.fft(samples)).reshape(count, -1)
    return np.fft.ifft(np.fft.ifftshift(spectra, axes=1), axis=1) / count


def powers(
    recording: Recording, channels: int, step: float, *, full_scale: float = 0.0
) -> NDArray[np.float64]:
    """Return the power of each channel in each step, as an entity of the kind "playback" takes it.

    Args:
        recording: What was recorded; its whole rate is the band.
        channels: Number of channels, into which the band is cut.
        step: Length of a step, s; what is left over at the end is dropped.
        full_scale: Power that a sample of magnitude 1 stands for, dBm.

    Returns:
        dBm, (steps, channels), the lowest channel first.

    Raises:
        ValueError: If the recording is shorter than a step, or a step has fewer than two samples a channel.
    """
    channels = int(check_number("channels", channels, low=1, integer=True))
    check_number("step", step, above=0.0)
    each = int(step * recording.sample_rate / channels + 1e-9)
    if each < 2:
        least = 2.0 * channels / recording.sample_rate
        raise ValueError(
            f"a step of {step:g} s has {each} samples a channel; it must last {least:g} s at least"
        )
    block = each * channels
    rows = len(recording.samples) // block
    if rows == 0:
        raise ValueError(
            f"the recording lasts {len(recording.samples) / recording.sample_rate:g} s, no step of {step:g} s"
        )
    blocks = recording.samples[: rows * block].reshape(rows, block)
    parts = np.array([channels_of(one, channels) for one in blocks])
    mean = np.mean(np.abs(parts) ** 2, axis=2)
    with np.errstate(divide="ignore"):
        return np.maximum(10.0 * np.log10(mean) + full_scale, MIN_DBM)


def write(path: str | Path, recording: Recording, *, description: str = "") -> Path:
    """Write a recording as ``<path>.sigmf-data`` (cf32_le) and ``<path>.sigmf-meta``.

    Args:
        path: Where to, with or without one of these endings.
        recording: What to write.
        description: A line about it.

    Returns:
        The file of metadata.

    Raises:
        ModuleNotFoundError: Without the extra ``sigmf``.
    """
    sigmf = _library()
    path = _stem(path)
    data = path.with_name(path.name + ".sigmf-data")
    recording.samples.astype("<c8").tofile(data)
    file = sigmf.SigMFFile(
        data_file=data,
        global_info={
            "core:datatype": "cf32_le",
            "core:sample_rate": float(recording.sample_rate),
            "core:description": description,
        },
    )
    file.add_capture(0, metadata={"core:frequency": float(recording.frequency)})
    for mark in sorted(recording.annotations, key=lambda mark: mark["start"]):
        about = {"core:label": str(mark["label"])}
        if "low" in mark and "high" in mark:
            about |= {
                "core:freq_lower_edge": float(mark["low"]),
                "core:freq_upper_edge": float(mark["high"]),
            }
        file.add_annotation(int(mark["start"]), length=int(mark["count"]), metadata=about)
    meta = path.with_name(path.name + ".sigmf-meta")
    file.tofile(meta, overwrite=True)
    return meta


def read(path: str | Path) -> Recording:
    """Return the recording of a pair of files.

    Args:
        path: Either of the two, or what they share.

    Raises:
        FileNotFoundError: If one of them is missing.
        ValueError: If the metadata cannot be read, or name no sample rate.
        ModuleNotFoundError: Without the extra ``sigmf``.
    """
    sigmf = _library()
    path = _stem(path)
    for ending in (".sigmf-meta", ".sigmf-data"):
        if not path.with_name(path.name + ending).is_file():
            raise FileNotFoundError(f"there is no file {path}{ending}")
    try:
        file = sigmf.fromfile(path.with_name(path.name + ".sigmf-meta"))
        samples = np.asarray(file.read_samples(), dtype=np.complex128).ravel()
        rate = file.get_global_info().get("core:sample_rate")
        captures, marks = file.get_captures(), file.get_annotations()
    except Exception as error:  # the library raises what json, NumPy and its schema raise
        raise ValueError(f"{path}.sigmf-meta cannot be read: {error}") from None
    if not rate:
        raise ValueError(f"{path}.sigmf-meta names no core:sample_rate")
    frequency = captures[0].get("core:frequency", 0.0) if captures else 0.0
    return Recording(samples, float(rate), float(frequency), tuple(map(_mark, marks)))


def _mark(annotation: Mapping[str, Any]) -> dict[str, Any]:
    mark = {
        "label": annotation.get("core:label", ""),
        "start": annotation["core:sample_start"],
        "count": annotation.get("core:sample_count", 0),
    }
    edges = {"low": "core:freq_lower_edge", "high": "core:freq_upper_edge"}
    return mark | {name: annotation[key] for name, key in edges.items() if key in annotation}


def record(env: Any, actions: Iterable[Any], *, seed: int = 0) -> Recording:
    """Play an episode and return what a wideband receiver would have recorded, with marks of who was heard.

    A mark covers whole steps of a channel, also where an entity is on the air for a part of each step only.

    Samples are in the root of mW: the mean of their squared magnitude is the band's power in mW.

    Args:
        env: An environment of the family with ``physics="iq"``, single.
        actions: What the agent does in each step; the recording ends with them or with the episode.
        seed: Episode seed.

    Raises:
        ValueError: If no step was played.
    """
    world = env.unwrapped
    link = world.setup.keywords["link"]
    scenario = world.setup.keywords["scenario"]
    names = [*scenario["entities"], "several"]
    bandwidth, frequency = float(link["bandwidth"]), float(link["frequency"])
    env.reset(seed=seed)
    blocks, heard = [], []
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        channels = world.iq()
        blocks.append(wideband(channels))
        state = world.state()
        heard.append([int(state[f"occupancy_{c}"][0]) for c in range(len(channels))])
        if terminated or truncated:
            break
    if not blocks:
        raise ValueError("actions are empty: there is nothing to record")
    samples, rate = np.concatenate(blocks), bandwidth * len(heard[0])
    lowest = frequency - 0.5 * rate
    marks = [
        {
            "label": names[min(code, len(names)) - 1],
            "start": first * len(blocks[0]),
            "count": count * len(blocks[0]),
            "low": lowest + c * bandwidth,
            "high": lowest + (c + 1) * bandwidth,
        }
        for c, column in enumerate(np.array(heard).T)
        for code, first, count in _runs(column)
        if code
    ]
    return Recording(samples, rate, frequency, tuple(marks))


def _runs(codes: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return value, first place and length of each run of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
    return [(int(codes[a]), int(a), int(b - a)) for a, b in pairwise(edges)]


def _stem(path: str | Path) -> Path:
    path = Path(path)
    return path.with_suffix("") if path.suffix in (".sigmf-meta", ".sigmf-data") else path


def _library() -> Any:
    try:
        import sigmf
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"recordings in SigMF need the extra sigmf: {install_line('sigmf')}"
        ) from None
    return sigmf
