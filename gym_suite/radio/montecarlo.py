"""Links and detectors tried out: bit errors of simulated packets, energies of simulated channels.

What :mod:`gym_suite.radio.transforms` says in formulas, found by counting; for figures and checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.parameters import check_number, check_option
from gym_suite.radio.air.detector import drawn_energy
from gym_suite.radio.air.iq import channel_energy
from gym_suite.radio.scenario.mapping import read_mapping, read_waveform
from gym_suite.radio.simulation import Worlds
from gym_suite.radio.tables import band_of
from gym_suite.radio.transforms import (
    constellation,
    detection_probability,
    detector_threshold,
    false_alarm_probability,
    from_db,
    pulse_shape,
)

Complex = NDArray[np.complex128]
_LINEAR = {
    "bpsk": ("psk", 2),
    "qpsk": ("psk", 4),
    "psk8": ("psk", 8),
    "qam16": ("qam", 16),
    "qam64": ("qam", 64),
}
_OTHERS = ("dbpsk", "bfsk", "bfsk_nc")
_BLOCK = 200_000  # symbols at once


@dataclass(frozen=True, slots=True)
class Errors:
    """What was counted.

    Attributes:
        bits: Bits sent.
        bit_errors: Of them received wrongly.
        symbols: Symbols sent.
        symbol_errors: Of them received wrongly.
    """

    bits: int
    bit_errors: int
    symbols: int
    symbol_errors: int

    @property
    def bit_error_rate(self) -> float:
        """Part of the bits received wrongly."""
        return self.bit_errors / self.bits

    @property
    def symbol_error_rate(self) -> float:
        """Part of the symbols received wrongly."""
        return self.symbol_errors / self.symbols


def simulate_errors(
    modulation: str,
    ebn0: float,
    *,
    symbols: int = 100_000,
    fading: str = "none",
    rolloff: float | None = None,
    seed: int = 0,
) -> Errors:
    """Send random bits over white noise and count what arrives wrongly.

    Args:
        modulation: One of those of :func:`gym_suite.radio.transforms.bit_error_rate`.
        ebn0: Mean energy per bit over noise density, a ratio.
        symbols: Symbols sent.
        fading: "none", or "rayleigh": a gain per symbol, known to the coherent receivers, and for
            dbpsk the same for two symbols in a row.
        rolloff: Of root raised cosine pulses, four samples a symbol, with a matched filter; None:
            symbols straight away. For the modulations that are sent as points: not dbpsk and bfsk.
        seed: Of the random numbers.

    Raises:
        ValueError: For an unknown modulation or fading, or pulses where there are none.
    """
    check_option("modulation", modulation, (*_LINEAR, *_OTHERS))
    check_option("fading", fading, ("none", "rayleigh"))
    if rolloff is not None and modulation not in _LINEAR:
        raise ValueError(f"rolloff is for {', '.join(_LINEAR)}, not for {modulation!r}")
    generator = np.random.default_rng(seed)
    counted = np.zeros(4, dtype=np.int64)
    while counted[2] < symbols:
        count = min(_BLOCK, symbols - int(counted[2]))
        counted += _send(modulation, ebn0, count, fading, rolloff, generator)
    return Errors(*counted.tolist())


def _send(
    modulation: str,
    ebn0: float,
    count: int,
    fading: str,
    rolloff: float | None,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Return bits, bit errors, symbols and symbol errors of one block."""
    gain = np.ones(count, dtype=np.complex128)
    if fading == "rayleigh":
        gain = _noise(generator, count, 1.0)
    if modulation in _LINEAR:
        points = constellation(*_LINEAR[modulation])
        labels = generator.integers(0, len(points), count)
        width = int(math.log2(len(points)))
        density = 1.0 / (width * ebn0)  # a symbol has energy 1
        sent = points[labels] * gain
        if rolloff is None:
            received = sent + _noise(generator, count, density)
        else:
            received = _through_pulses(sent, density, rolloff, generator)
        received /= gain
        decided = np.abs(received[:, None] - points[None, :]).argmin(axis=1)
        wrong = labels ^ decided
        errors = sum(int(((wrong >> k) & 1).sum()) for k in range(width))
        return np.array([count * width, errors, count, int((wrong != 0).sum())])
    sent = generator.integers(0, 2, count)
    decided = _decide(modulation, sent, gain, 1.0 / ebn0, generator)
    errors = int((sent != decided).sum())
    return np.array([count, errors, count, errors])


def _noise(generator: np.random.Generator, count: int, density: float) -> Complex:
    """Return complex white noise of a mean power."""
    pair = generator.standard_normal((2, count))
    return math.sqrt(0.5 * density) * (pair[0] + 1j * pair[1])


def _through_pulses(
    sent: Complex, density: float, rolloff: float, generator: np.random.Generator
) -> Complex:
    """Shape symbols by root raised cosines, add noise, and filter by the same."""
    from scipy.signal import fftconvolve

    rate, span = 4, 16
    time = np.arange(-span * rate, span * rate + 1) / rate
    pulse = pulse_shape("rrc", time, rolloff)
    pulse /= math.sqrt((pulse**2).sum())
    line = np.zeros(len(sent) * rate, dtype=np.complex128)
    line[::rate] = sent
    line = fftconvolve(line, pulse)
    line += _noise(generator, len(line), density)
    return fftconvolve(line, pulse)[2 * span * rate :][: len(sent) * rate : rate]


def _decide(
    modulation: str,
    sent: NDArray[np.int64],
    gain: Complex,
    density: float,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Send bits by differences of phase, or by one of two orthogonal tones, and decide on them."""
    count = len(sent)
    if modulation == "dbpsk":
        start = _noise(generator, count, density) + gain
        after = _noise(generator, count, density) + gain * (1.0 - 2.0 * sent)
        return ((after * start.conj()).real < 0.0).astype(np.int64)
    tones = [gain * (sent == k) + _noise(generator, count, density) for k in (0, 1)]
    if modulation == "bfsk":
        level = [(tone * gain.conj()).real for tone in tones]
    else:
        level = [np.abs(tone) for tone in tones]
    return (level[1] > level[0]).astype(np.int64)


# ---------------------------------------------------------------------------------------------- energy


def simulate_energies(
    snr: float,
    samples: int,
    trials: int,
    *,
    physics: str = "iq",
    waveform: Any = "psk",
    fading: str = "none",
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies of an idle and of a busy channel as the environments' detector sees them, (trials,) each.

    Args:
        snr: Mean received power over noise, a ratio.
        samples: Complex samples averaged.
        trials: Steps.
        physics: "statistical" (drawn from the exact distribution) or "iq" (of synthesised samples).
        waveform: What is sent: a kind, or a mapping, as in a scenario.
        fading: "none", or "rayleigh": a gain per step.
        seed: Of the random numbers.

    Raises:
        ValueError: For an unknown physics, waveform or fading, or numbers out of bounds.
    """
    check_option("physics", physics, ("statistical", "iq"))
    read_waveform("waveform", waveform)
    check_number("snr", snr, low=0.0)
    level = -200.0 if snr == 0.0 else max(-200.0, 10.0 * math.log10(snr))
    user = {"kind": "constant", "channels": [0], "snr": level, "waveform": waveform}
    scenario = {"channels": 2, "steps": trials, "entities": {"user": user}}
    band = band_of(
        read_mapping(scenario | {"link": {"fading": fading}}),
        history=1,
        physics="iq",
        samples=samples,
    )
    worlds = Worlds(band, [seed])
    place = (worlds.x[0], worlds.key[0])
    rest = (worlds.p[0], worlds.tables)
    if physics == "iq":
        measure, rest = channel_energy, (*rest, worlds.work[0])
    else:
        measure = drawn_energy
    energies = np.array(
        [[measure(*place, step, c, *rest) for c in (1, 0)] for step in range(1, trials + 1)]
    )
    return energies[:, 0], energies[:, 1]


@dataclass(frozen=True, slots=True)
class Roc:
    """Probabilities of a detector over its threshold; theory and counting.

    Attributes:
        threshold: On the mean of |y|^2, in noise powers, (k,).
        false_alarm: By theory, (k,).
        detection: By theory: constant envelope, or Gaussian for noise, (k,).
        false_alarm_counted: Part of the idle trials above each threshold, (k,).
        detection_counted: Part of the busy trials above each threshold, (k,).
        trials: Number of trials of each.
    """

    threshold: NDArray[np.float64]
    false_alarm: NDArray[np.float64]
    detection: NDArray[np.float64]
    false_alarm_counted: NDArray[np.float64]
    detection_counted: NDArray[np.float64]
    trials: int


def receiver_operating_characteristic(
    snr_db: float,
    samples: int,
    *,
    trials: int = 2000,
    points: int = 81,
    physics: str = "iq",
    waveform: Any = "psk",
    seed: int = 0,
) -> Roc:
    """Return the ROC of the energy detector, by theory and by simulated steps.

    Args:
        snr_db: Received power over noise, dB.
        samples: Complex samples averaged.
        trials: Steps simulated.
        points: Thresholds, for false alarms from 0.001 to 0.999.
        physics: "statistical" or "iq".
        waveform: What is sent: a kind, or a mapping, as in a scenario.
        seed: Of the random numbers.

    Raises:
        ValueError: As :func:`simulate_energies`.
    """
    wave = read_waveform("waveform", waveform)
    chance = 1.0 / (1.0 + np.exp(-np.linspace(-6.9, 6.9, points)))
    threshold = np.array([detector_threshold(one, samples) for one in chance])
    signal = "gaussian" if wave.kind == "noise" else "constant_envelope"
    snr = from_db(snr_db)
    idle, busy = simulate_energies(
        snr, samples, trials, physics=physics, waveform=waveform, seed=seed
    )
    return Roc(
        threshold=threshold,
        false_alarm=np.array([false_alarm_probability(one, samples) for one in threshold]),
        detection=np.array(
            [detection_probability(snr, one, samples, signal=signal) for one in threshold]
        ),
        false_alarm_counted=(idle[:, None] > threshold).mean(axis=0),
        detection_counted=(busy[:, None] > threshold).mean(axis=0),
        trials=trials,
    )
