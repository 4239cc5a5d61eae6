"""Formulas of links, detectors and channels; plain functions of numbers, no simulation.

SciPy is imported where it is needed. Powers are ratios unless a name ends in ``_db``.
"""

from __future__ import annotations

import math

import numpy as np

SPEED_OF_LIGHT = 299_792_458.0  # m/s, exact
BOLTZMANN = 1.380649e-23  # J/K, exact


def from_db(value: float) -> float:
    """Return the power ratio of a value in dB."""
    return 10.0 ** (value / 10.0)


def to_db(ratio: float) -> float:
    """Return a power ratio in dB."""
    return 10.0 * math.log10(ratio)


def q_function(x: float) -> float:
    """Return the tail probability of a standard normal variable."""
    return 0.5 * math.erfc(x / math.sqrt(2.0))


# ----------------------------------------------------------------------------------- energy detection


def detector_threshold(false_alarm: float, samples: int) -> float:
    """Return the threshold on the mean of N |y|^2, in noise powers, for a false alarm probability.

    Urkowitz, Proc. IEEE 55(4), 1967: Pfa = Gamma(N, N lambda) / Gamma(N).
    """
    from scipy.special import gammainccinv

    return float(gammainccinv(samples, false_alarm)) / samples


def detector_threshold_clt(false_alarm: float, samples: int) -> float:
    """Return the threshold of :func:`detector_threshold` by the central limit theorem."""
    return 1.0 + _q_inverse(false_alarm) / math.sqrt(samples)


def false_alarm_probability(threshold: float, samples: int, noise: float = 1.0) -> float:
    """Return the probability that noise alone exceeds a threshold."""
    from scipy.special import gammaincc

    return float(gammaincc(samples, samples * threshold / noise))


def detection_probability(
    snr: float, threshold: float, samples: int, *, signal: str = "constant_envelope"
) -> float:
    """Return the probability of detecting a signal (Digham, Alouini and Simon 2007).

    Args:
        snr: Signal over noise power, a ratio.
        threshold: On the mean of N |y|^2, in noise powers.
        samples: N.
        signal: "constant_envelope" (Marcum's Q_N), "gaussian", or "clt" (normal approximation for
            PSK of Liang et al. 2008).
    """
    from scipy.special import gammaincc
    from scipy.stats import ncx2

    if signal == "constant_envelope":
        return float(ncx2.sf(2.0 * samples * threshold, 2.0 * samples, 2.0 * samples * snr))
    if signal == "gaussian":
        return float(gammaincc(samples, samples * threshold / (1.0 + snr)))
    if signal == "clt":
        return q_function((threshold - 1.0 - snr) * math.sqrt(samples / (2.0 * snr + 1.0)))
    from gym_suite.core.parameters import unknown_error

    raise unknown_error("signal", signal, ("constant_envelope", "gaussian", "clt"))


def _q_inverse(probability: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(probability))


def samples_required(snr: float, false_alarm: float, detection: float) -> float:
    """Return the samples that an energy detector needs (central limit theorem, PSK signal)."""
    width = _q_inverse(false_alarm) - _q_inverse(detection) * math.sqrt(2.0 * snr + 1.0)
    return (width / snr) ** 2


def snr_wall_db(uncertainty_db: float) -> float:
    """Return the SNR in dB below which no number of samples helps (Tandra and Sahai 2008)."""
    rho = from_db(uncertainty_db)
    return to_db((rho * rho - 1.0) / rho)


def ca_cfar_factor(false_alarm: float, cells: int) -> float:
    """Return the factor on the mean of the reference cells of a CA-CFAR detector (Richards 2014)."""
    return cells * (false_alarm ** (-1.0 / cells) - 1.0)


# ------------------------------------------------------------------------------------------ bit errors


def bit_error_rate(modulation: str, ebn0: float, *, fading: str = "none") -> float:
    """Return the bit error probability (Proakis and Salehi 2008, chapters 4 and 13).

    Args:
        modulation: "bpsk", "qpsk", "bfsk" (coherent), "bfsk_nc" (noncoherent), "dbpsk", "psk8",
            "qam16" or "qam64" (Gray coded; one bit error per symbol error).
        ebn0: Energy per bit over noise density, a ratio.
        fading: "none" or "rayleigh" (averaged; for bpsk, qpsk, bfsk_nc and dbpsk).

    Raises:
        ValueError: For an unknown modulation or fading, naming the nearest.
    """
    from gym_suite.core.parameters import check_option

    faded = {
        "bpsk": lambda g: 0.5 * (1.0 - math.sqrt(g / (1.0 + g))),
        "qpsk": lambda g: 0.5 * (1.0 - math.sqrt(g / (1.0 + g))),
        "bfsk_nc": lambda g: 1.0 / (2.0 + g),
        "dbpsk": lambda g: 0.5 / (1.0 + g),
    }
    plain = {
        "bpsk": lambda g: q_function(math.sqrt(2.0 * g)),
        "qpsk": lambda g: q_function(math.sqrt(2.0 * g)),
        "bfsk": lambda g: q_function(math.sqrt(g)),
        "bfsk_nc": lambda g: 0.5 * math.exp(-0.5 * g),
        "dbpsk": lambda g: 0.5 * math.exp(-g),
        "psk8": lambda g: psk_symbol_error_rate(8, 3.0 * g) / 3.0,
        "qam16": lambda g: qam_symbol_error_rate(16, 4.0 * g) / 4.0,
        "qam64": lambda g: qam_symbol_error_rate(64, 6.0 * g) / 6.0,
    }
    check_option("fading", fading, ("none", "rayleigh"))
    laws = faded if fading == "rayleigh" else plain
    return laws[check_option("modulation", modulation, laws)](ebn0)


def psk_symbol_error_rate(order: int, esn0: float) -> float:
    """Return the symbol error probability of M-PSK (Craig's form of the exact integral)."""
    from scipy.integrate import quad

    sine = math.sin(math.pi / order) ** 2

    def integrand(theta: float) -> float:
        return math.exp(-esn0 * sine / math.sin(theta) ** 2)

    area = quad(integrand, 0.0, math.pi * (order - 1) / order, epsabs=1e-15, epsrel=1e-12)[0]
    return area / math.pi


def qam_symbol_error_rate(order: int, esn0: float) -> float:
    """Return the symbol error probability of square M-QAM."""
    side = 2.0 * (1.0 - 1.0 / math.sqrt(order)) * q_function(math.sqrt(3.0 * esn0 / (order - 1)))
    return side * (2.0 - side) if side < 1e-3 else 1.0 - (1.0 - side) ** 2


# --------------------------------------------------------------------------------------------- links


def free_space_path_loss_db(distance: float, frequency: float) -> float:
    """Return Friis' free-space path loss in dB for a distance in m and a frequency in Hz."""
    return 20.0 * math.log10(4.0 * math.pi * distance * frequency / SPEED_OF_LIGHT)


def log_distance_path_loss_db(
    distance: float, exponent: float, *, reference: float, reference_loss_db: float
) -> float:
    """Return the log-distance path loss in dB (Rappaport 2002, section 4.9)."""
    return reference_loss_db + 10.0 * exponent * math.log10(distance / reference)


def thermal_noise_dbm(bandwidth: float, *, noise_figure_db: float = 0.0) -> float:
    """Return the thermal noise power in dBm of a bandwidth in Hz at 290 K."""
    return to_db(BOLTZMANN * 290.0 * bandwidth * 1e3) + noise_figure_db


def packet_error_rate(bit_error: float, bits: int) -> float:
    """Return the probability that at least one of independent bits is wrong."""
    return -math.expm1(bits * math.log1p(-bit_error)) if bit_error < 1.0 else 1.0


# ---------------------------------------------------------------------------- Gilbert-Elliott channels


def stationary_idle(p01: float, p11: float) -> float:
    """Return the stationary probability of the good state: p01 / (p01 + p10)."""
    return p01 / (p01 + 1.0 - p11) if p01 + 1.0 - p11 > 0.0 else 0.5


def next_belief(w: float, p01: float, p11: float, steps: int = 1) -> float:
    """Return the probability of the good state some steps after it had probability w."""
    w0 = stationary_idle(p01, p11)
    return w0 - (p11 - p01) ** steps * (w0 - w)


def two_channel_throughput(p01: float, p11: float) -> float:
    """Return the optimal long-run throughput of two equal channels of which one is used a step.

    The myopic policy is optimal there (Zhao, Krishnamachari and Liu, IEEE TWC 7(12), 2008).
    """
    w0 = stationary_idle(p01, p11)
    return w0 + w0 * (1.0 - w0) * abs(p11 - p01)


def whittle_index(w: float, p01: float, p11: float) -> float:
    """Return the Whittle index of a channel with belief w, average reward, unit rate.

    Liu and Zhao, IEEE T-IT 56(11), 2010, theorem 2.
    """
    ahead = next_belief(w, p01, p11)
    w0 = stationary_idle(p01, p11)
    if p11 >= p01:
        if w <= p01 or w >= p11:
            return w
        if w >= w0 - 1e-12:
            return w / (1.0 - p11 + w)
        steps, reached = 0, p01
        while reached <= w:
            steps += 1
            reached = next_belief(reached, p01, p11)
        gain = w - ahead
        return (gain * (steps + 1) + reached) / (1.0 - p11 + gain * steps + reached)
    if w <= p11 or w >= p01:
        return w
    after = next_belief(p11, p01, p11)
    if w < w0:
        return (w + p01 - ahead) / (1.0 + p01 - after + ahead - w)
    if w < after:
        return p01 / (1.0 + p01 - after)
    return p01 / (1.0 + p01 - w)


# -------------------------------------------------------------------------------------------- waveforms


def gray(value: int) -> int:
    """Return the Gray code of a whole number."""
    return value ^ (value >> 1)


def constellation(kind: str, order: int) -> np.ndarray:
    """Return the points of a constellation of unit mean power; neighbours differ in one bit of their label.

    Args:
        kind: "psk", "qam" (square) or "ask" (both signs).
        order: Number of points, a power of two; for qam of four.

    Returns:
        Complex points in the order of their labels, (order,).
    """
    points = np.empty(order, dtype=np.complex128)
    if kind == "psk":
        turn = 0.25 * math.pi if order == 4 else 0.0
        for place in range(order):
            angle = 2.0 * math.pi * place / order + turn
            points[gray(place)] = complex(math.cos(angle), math.sin(angle))
        return points
    side = math.isqrt(order) if kind == "qam" else order
    levels = np.empty(side)
    for place in range(side):
        levels[gray(place)] = 2 * place - (side - 1)
    if kind == "ask":
        points[:] = levels
    else:
        points[:] = (levels[:, None] + 1j * levels[None, :]).ravel()
    return points / math.sqrt(np.mean(np.abs(points) ** 2))


def pulse_shape(pulse: str, time: np.ndarray, rolloff: float) -> np.ndarray:
    """Return a pulse at times in symbols (Proakis and Salehi 2008, section 9.2).

    Args:
        pulse: "rrc" (root raised cosine), "rc" (raised cosine) or "rect" (1 in [0, 1)).
        time: Times in symbols.
        rolloff: Of the cosines, 0 to 1.
    """
    t = np.asarray(time, dtype=np.float64)
    if pulse == "rect":
        return ((t >= 0.0) & (t < 1.0)).astype(np.float64)
    b = rolloff
    if pulse == "rc":
        root = 1.0 - (2.0 * b * t) ** 2
        pole = np.abs(root) < 1e-9
        value = np.sinc(t) * np.cos(math.pi * b * t) / np.where(pole, 1.0, root)
        limit = 0.25 * math.pi * np.sinc(0.5 / b) if b > 0.0 else 1.0
        return np.where(pole, limit, value)
    if b == 0.0:
        return np.sinc(t)
    start, pole = np.abs(t) < 1e-9, np.abs(np.abs(4.0 * b * t) - 1.0) < 1e-9
    safe = np.where(start | pole, 0.123 / b, t)
    value = np.sin(math.pi * safe * (1.0 - b))
    value += 4.0 * b * safe * np.cos(math.pi * safe * (1.0 + b))
    value /= math.pi * safe * (1.0 - (4.0 * b * safe) ** 2)
    angle = 0.25 * math.pi / b
    limit = (1.0 + 2.0 / math.pi) * math.sin(angle) + (1.0 - 2.0 / math.pi) * math.cos(angle)
    value = np.where(pole, b / math.sqrt(2.0) * limit, value)
    return np.where(start, 1.0 + b * (4.0 / math.pi - 1.0), value)
