"""The energy detector: thresholds, ROC curves by theory and by simulated slots, and the SNR wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

if TYPE_CHECKING:
    from gym_suite.radio.montecarlo import Roc

TRIALS = 2000

LAB = Lab(
    number=8,
    name="energy_detector",
    title="The energy detector and the SNR wall",
    minutes=45,
    prerequisites="complex noise, decibels, and the normal distribution",
    draws=(
        Draw(name="samples", low=40, high=200, step=10, meaning="complex samples a slot"),
        Draw(name="false_alarm", low=0.01, high=0.10, step=0.01, meaning="false alarms allowed"),
        Draw(name="snr", low=-9.0, high=-3.0, step=0.5, unit="dB", meaning="signal over noise"),
        Draw(name="doubt", low=0.2, high=1.5, step=0.1, unit="dB", meaning="doubt about the noise"),
    ),
    questions=(
        Question(
            key="mean",
            text="Noise has the power 1 and a signal of constant envelope is {snr:g} dB against it. Which mean "
            "does the statistic, the mean of |y|^2, have while the signal is there?",
            tolerance=0.005,
            hint="Powers of independent things add.",
        ),
        Question(
            key="threshold",
            text="The noise has the power 1, a slot {samples:g} complex samples. Which threshold gives "
            "{false_alarm:g} false alarms? (Exactly or by the normal distribution; it is asked for within 2 %.)",
            tolerance=0.02,
            hint="Without a signal the statistic has the mean 1 and the standard deviation 1/sqrt(N).",
        ),
        Question(
            key="detection",
            text="Which part of the slots with a signal of {snr:g} dB and constant envelope does that detector find?",
            tolerance=0.04,
            hint="Read it in the ROC: set samples and signal to yours and go up at your false alarms.",
        ),
        Question(
            key="quarter",
            text="The signal becomes weaker by 3 dB, half its power, and is far below the noise. By which factor "
            "do the samples have to grow, for the same false alarms and detections?",
            tolerance=0.03,
            hint="The distance of the two means, counted in standard deviations, has to stay as it is.",
        ),
        Question(
            key="wall",
            text="The power of the noise is known within {doubt:g} dB up and down only. Below which ratio of "
            "signal and noise, in dB, does no number of samples help?",
            unit="dB",
            tolerance=0.02,
            hint="The threshold has to stand above the strongest noise, the weakest noise with the signal above "
            "it. Write both with the factor rho = 10^(doubt/10).",
        ),
        Question(
            key="who",
            text="The detector says busy. What does it not know?",
            choices=(
                "Whether there is energy beyond the threshold.",
                "Who transmits: any energy counts, a jammer's as well.",
                "How many samples were averaged.",
            ),
            hint="What does the statistic look at?",
        ),
    ),
)


def roc(snr: float, samples: int, seed: int = 0) -> Roc:
    """Return the ROC by theory and by simulated slots of a PSK signal.

    Args:
        snr: Signal over noise, dB.
        samples: Complex samples a slot.
        seed: Of the simulation.
    """
    from gym_suite.radio.montecarlo import receiver_operating_characteristic

    return receiver_operating_characteristic(
        snr, samples, trials=TRIALS, physics="statistical", seed=seed
    )


def worst_detection(
    snr: float, samples: NDArray[np.float64], *, doubt: float, false_alarm: float
) -> NDArray[np.float64]:
    """Return the detections that are sure although the noise is in doubt, by the central limit theorem.

    The threshold keeps the false alarms under the strongest noise; the signal comes under the weakest.

    Args:
        snr: Signal over the nominal noise, dB.
        samples: Complex samples a slot, (k,).
        doubt: By how much the noise may be stronger or weaker, dB.
        false_alarm: Probability allowed.
    """
    from scipy.stats import norm

    rho, signal = 10.0 ** (doubt / 10.0), 10.0 ** (snr / 10.0)
    threshold = rho * (1.0 + norm.isf(false_alarm) / np.sqrt(samples))
    weakest = 1.0 / rho
    spread = np.sqrt((weakest**2 + 2.0 * weakest * signal) / samples)
    return norm.sf((threshold - weakest - signal) / spread)
