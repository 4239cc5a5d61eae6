"""How long to sense before a frame is used: the sensing-throughput trade-off of Liang et al. (2008).

Y.-C. Liang, Y. Zeng, E. C. Y. Peh and A. T. Hoang, "Sensing-throughput tradeoff for cognitive radio
networks", IEEE TWC 7(4), 2008.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gym_suite.core.parameters import check_number
from gym_suite.radio.transforms import _q_inverse, q_function


@dataclass(frozen=True, slots=True)
class SensingTime:
    """The best sensing time of a frame.

    Attributes:
        duration: s.
        throughput: Part of the frame times the chance that an idle channel is used, the objective.
    """

    duration: float
    throughput: float


def normalized_throughput(
    duration: float,
    *,
    snr: float,
    frame: float = 0.1,
    bandwidth: float = 6e6,
    detection: float = 0.9,
) -> float:
    """Return (T - tau) / T (1 - Pfa(tau)) of an energy detector that detects with a given probability.

    Pfa follows from the central limit theorem for a PSK signal: Q(sqrt(2 g + 1) Q^-1(Pd) + g sqrt(N)).

    Args:
        duration: Sensing time tau, s.
        snr: Signal over noise power g, a ratio.
        frame: Frame T, s.
        bandwidth: Complex samples a second.
        detection: Probability of detection Pd.
    """
    margin = math.sqrt(2.0 * snr + 1.0) * _q_inverse(detection)
    false_alarm = q_function(margin + snr * math.sqrt(duration * bandwidth))
    return (frame - duration) / frame * (1.0 - false_alarm)


def best_sensing_time(
    snr: float, *, frame: float = 0.1, bandwidth: float = 6e6, detection: float = 0.9
) -> SensingTime:
    """Return the sensing time that maximises :func:`normalized_throughput`; it is unimodal.

    Args:
        snr: Signal over noise power, a ratio.
        frame: Frame, s.
        bandwidth: Complex samples a second.
        detection: Probability of detection.

    Raises:
        ValueError: For a value out of bounds.
    """
    from scipy.optimize import minimize_scalar

    check_number("snr", snr, above=0.0)
    check_number("frame", frame, above=0.0)
    check_number("bandwidth", bandwidth, above=0.0)
    check_number("detection", detection, above=0.0, high=0.999999)
    setting = {"snr": snr, "frame": frame, "bandwidth": bandwidth, "detection": detection}
    found = minimize_scalar(
        lambda tau: -normalized_throughput(tau, **setting),
        bounds=(0.0, frame),
        method="bounded",
        options={"xatol": 1e-9 * frame},
    )
    return SensingTime(float(found.x), -float(found.fun))
