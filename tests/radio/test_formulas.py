"""Formulas against closed-form vectors, and simulation against the formulas."""

import json
import math
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from gym_suite.radio import transforms as tf

REFERENCE = json.loads((Path(__file__).parent / "data" / "radio_reference.json").read_text())
CLOSE = 1e-9


def close(value, expected, tolerance=CLOSE):
    assert abs(value - expected) <= tolerance * max(1.0, abs(expected)), (value, expected)


@pytest.mark.parametrize("case", REFERENCE["energy_detector"], ids=str)
def test_energy_detector(case):
    n, snr, pfa = case["N"], tf.from_db(case["snr_db"]), case["pfa"]
    threshold = tf.detector_threshold(pfa, n)
    close(threshold, case["threshold"])
    close(tf.detector_threshold_clt(pfa, n), case["threshold_clt"])
    close(tf.false_alarm_probability(threshold, n), pfa)
    close(tf.detection_probability(snr, threshold, n), case["pd_const_envelope"])
    close(tf.detection_probability(snr, threshold, n, signal="gaussian"), case["pd_gaussian"])
    close(tf.detection_probability(snr, threshold, n, signal="clt"), case["pd_clt"])


def test_samples_snr_wall_and_cfar():
    for label, expected in REFERENCE["samples_required"].items():
        snr = tf.from_db(float(label.removesuffix("dB")))
        close(tf.samples_required(snr, 0.1, 0.9), expected)
    for label, expected in REFERENCE["snr_wall_dB"].items():
        close(tf.snr_wall_db(float(label.removesuffix("dB"))), expected)
    for label, expected in REFERENCE["ca_cfar_alpha"].items():
        cells, pfa = label.removeprefix("N").split("_pfa")
        close(tf.ca_cfar_factor(float(pfa), int(cells)), expected)


@pytest.mark.parametrize("ebn0_db", [k for k in REFERENCE["ber"] if k.isdigit()])
def test_bit_error_rates(ebn0_db):
    g = tf.from_db(float(ebn0_db))
    laws = {
        "bpsk_qpsk": ("qpsk", "none"),
        "bfsk_coh": ("bfsk", "none"),
        "bfsk_nc": ("bfsk_nc", "none"),
        "dbpsk": ("dbpsk", "none"),
        "psk8_gray": ("psk8", "none"),
        "qam16_gray": ("qam16", "none"),
        "qam64_gray": ("qam64", "none"),
        "bpsk_rayleigh": ("bpsk", "rayleigh"),
        "bfsk_nc_rayleigh": ("bfsk_nc", "rayleigh"),
        "dbpsk_rayleigh": ("dbpsk", "rayleigh"),
    }
    for name, (modulation, fading) in laws.items():
        value = tf.bit_error_rate(modulation, g, fading=fading)
        # The reference integrates 8-PSK numerically, to 1e-9; the others are closed forms.
        bounds = {"abs_tol": 1e-9} if name == "psk8_gray" else {"rel_tol": 1e-9, "abs_tol": 1e-15}
        assert math.isclose(value, REFERENCE["ber"][ebn0_db][name], **bounds), name


def test_links():
    close(tf.free_space_path_loss_db(100.0, 2.4e9), 80.05, 1e-3)
    close(tf.thermal_noise_dbm(1e6), -113.98, 1e-3)
    close(tf.packet_error_rate(1e-3, 1000), 1.0 - (1.0 - 1e-3) ** 1000)


@pytest.mark.parametrize("case", REFERENCE["whittle"], ids=str)
def test_whittle_index(case):
    value = tf.whittle_index(case["w"], case["p01"], case["p11"])
    close(value, case["closed"])
    assert abs(value - case["numeric"]) < 2e-5  # the bisection's own error


@pytest.mark.parametrize("case", REFERENCE["gilbert_elliott"], ids=str)
def test_two_channels_optimum(case):
    p01, p11 = case["p01"], case["p11"]
    close(tf.stationary_idle(p01, p11), case["random"])
    close(tf.two_channel_throughput(p01, p11), case["N2_exact"])
    assert abs(tf.two_channel_throughput(p01, p11) - case["N2_pomdp_optimal"]) < 1e-8


@pytest.mark.parametrize(("samples", "snr_db", "pfa"), [(100, -5, 0.1), (10, 0, 0.01), (1, 3, 0.2)])
def test_simulated_detector_has_the_theory_s_probabilities(samples, snr_db, pfa):
    """Three standard errors, on the default band: channel 0 busy, channel 1 idle."""
    scenario = {
        "channels": 2,
        "steps": 1000,
        "entities": {"user": {"kind": "constant", "channels": [0], "snr": snr_db}},
    }
    rows, steps = 100, 100
    envs = gymnasium.make_vec(
        "radio/Access-v0",
        num_envs=rows,
        scenario=scenario,
        physics="statistical",
        samples=samples,
        false_alarm=pfa,
        history=1,
    )
    envs.reset(seed=1)
    hits = np.array([envs.step(np.zeros(rows, dtype=int))[0][:, :2] for _ in range(steps)])
    threshold = tf.detector_threshold(pfa, samples)
    expected = tf.detection_probability(tf.from_db(snr_db), threshold, samples), pfa
    for channel in (0, 1):
        error = math.sqrt(expected[channel] * (1.0 - expected[channel]) / (rows * steps))
        assert abs(hits[:, :, channel].mean() - expected[channel]) < 3.0 * error


def test_mismatched_noise_moves_the_false_alarms():
    envs = gymnasium.make_vec(
        "radio/Access-v0",
        num_envs=200,
        scenario={"channels": 2, "steps": 1000, "entities": {}},
        physics="statistical",
        false_alarm=0.1,
        mismatch={"noise_power": 1.05},
        history=1,
    )
    envs.reset(seed=1)
    found = np.mean([envs.step(np.zeros(200, dtype=int))[0][:, :2].mean() for _ in range(50)])
    threshold = tf.detector_threshold(0.1, 100)
    expected = tf.false_alarm_probability(threshold, 100, noise=1.05)
    assert abs(found - expected) < 3.0 * math.sqrt(expected * (1 - expected) / 20_000)
