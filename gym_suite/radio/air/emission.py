"""What is sent, as tables that kernels read: constellations, pulses, the ziggurat, packet errors over the SINR.

Symbols are shaped by 12 taps in 32 phases: symbol clocks are odd multiples of 1/32 of the sampling rate.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.parameters import WAVEFORMS
from gym_suite.radio.scenario.model import ORDERS, POINTS, Waveform
from gym_suite.radio.transforms import bit_error_rate, constellation, from_db, pulse_shape

PHASES = 32  # positions of a sample within a symbol
SPAN = 6  # symbols on each side that a pulse reaches
TAPS = 2 * SPAN
LAYERS = 128  # of the ziggurat
EDGE = 3.442619855899  # from which on the ziggurat's tail begins
_AREA = 9.91256303526217e-3
HAZARD_LOW, HAZARD_STEP, HAZARD_COUNT = -20.0, 0.02, 3001  # dB


def ziggurat_table() -> NDArray[np.float64]:
    """Return edges of the layers and the ratios of neighbouring ones, (129, 2).

    Doornik, "An improved ziggurat method to generate normal random samples", Oxford, 2005 (ZIGNOR).
    """
    edges = np.zeros(LAYERS + 1)
    height = math.exp(-0.5 * EDGE**2)
    edges[0], edges[1] = _AREA / height, EDGE
    for i in range(2, LAYERS):
        edges[i] = math.sqrt(-2.0 * math.log(_AREA / edges[i - 1] + height))
        height = math.exp(-0.5 * edges[i] ** 2)
    ratios = np.zeros(LAYERS + 1)
    ratios[:LAYERS] = edges[1:] / edges[:LAYERS]
    return np.column_stack([edges, ratios])


def symbol_table() -> tuple[NDArray[np.float64], dict[tuple[str, int], int]]:
    """Return the points of all constellations (K, 2), and where each begins."""
    points, first = [], {}
    for kind, orders in ORDERS.items():
        for order in orders:
            first[kind, order] = len(points)
            points += [(z.real, z.imag) for z in constellation(kind, order)]
    return np.array(points), first


def pulse_taps(pulse: str, rolloff: float) -> NDArray[np.float64]:
    """Return the taps of a pulse at each of 32 positions within a symbol, of unit mean power, (32, 12)."""
    position = np.arange(PHASES)[:, None] / PHASES
    time = position - (np.arange(TAPS)[None, :] - (SPAN - 1))
    taps = pulse_shape(pulse, time, rolloff)
    return taps / math.sqrt((taps**2).sum(axis=1).mean())


def symbol_rate(waveform: Waveform) -> int:
    """Return the symbols in 32 samples: odd, so that all positions within a symbol are met."""
    spread = 1.0 if waveform.pulse == "rect" else 1.0 + waveform.rolloff
    return max(1, 2 * round((PHASES * waveform.bandwidth / spread - 1.0) / 2.0) + 1)


def wave_columns(
    waveform: Waveform, first: dict[tuple[str, int], int], pulses: dict[tuple[str, float], int]
) -> dict[str, float]:
    """Return what the table of entities holds of a waveform, by column.

    Args:
        waveform: What is sent.
        first: Where each constellation begins in the table of symbols.
        pulses: Which pulses have taps so far, in order; one that is new is noted.
    """
    result = {"wave": float(WAVEFORMS.index(waveform.kind)), "symbols": 0.0, "order": 1.0}
    result |= {"pulse": 0.0, "rate": waveform.bandwidth}
    result |= {"offset": waveform.offset, "chirp": float(waveform.chirp)}
    result |= {"burst_start": waveform.start}
    result |= {"burst_end": min(1.0, waveform.start + waveform.duration)}
    if waveform.kind in ORDERS:
        place = pulses.setdefault((waveform.pulse, waveform.rolloff), len(pulses))
        result["symbols"] = float(first[waveform.kind, waveform.order])
        result["order"] = float(waveform.order)
        result["pulse"] = float(PHASES * place)
        result["rate"] = float(symbol_rate(waveform))
    if waveform.kind == "fmcw" and waveform.falling:
        result["rate"] = -waveform.bandwidth
    return result


@lru_cache(maxsize=16)
def hazard_table(modulation: str) -> np.ndarray:
    """Return ln(-ln(1 - bit error rate)) over the SINR from -20 to 40 dB in steps of 0.02 dB, (3001, 1).

    Straight lines between its points give bit error rates to 1e-4 of their value above 1e-9.
    """
    bits = math.log2(POINTS[modulation][1])
    result = np.full((HAZARD_COUNT, 1), -700.0)
    for k in range(HAZARD_COUNT):
        ratio = from_db(HAZARD_LOW + HAZARD_STEP * k)
        error = bit_error_rate(modulation, ratio / bits)
        if error > 1e-300:
            result[k, 0] = math.log(-math.log1p(-min(error, 0.5)))
    return result
