"""Signals against theory: constellations, pulses, samples without jumps, bit errors, detectors, fading, SINR."""

import math

import gymnasium
import numpy as np
import pytest
from scipy import integrate, stats

from gym_suite.radio import montecarlo
from gym_suite.radio import transforms as tf
from gym_suite.radio.air import emission, iq
from gym_suite.radio.air.detector import energy_statistic
from gym_suite.radio.scenario.mapping import read_waveform
from gym_suite.radio.scenario.model import Link, Waveform

KINDS = [("psk", 2), ("psk", 4), ("psk", 8), ("qam", 4), ("qam", 16), ("qam", 64), ("ask", 4)]


def close(counted, expected, trials):
    """Three standard errors of a counted frequency."""
    assert abs(counted - expected) <= 3.0 * math.sqrt(expected * (1.0 - expected) / trials), (
        counted,
        expected,
    )


def band(waveform, *, snr=60.0, samples=400, channels=1, kind="constant", **link):
    """A world of one strong entity, whose samples are nearly free of noise."""
    user = {"kind": kind, "channels": [0], "snr": snr, "waveform": waveform}
    return gymnasium.make(
        "radio/Access-v0",
        scenario={"channels": channels, "steps": 1000, "entities": {"user": user}},
        physics="iq",
        samples=samples,
        history=1,
        link=link or None,
    ).unwrapped


def steps_of(env, count):
    """Return the samples of channel 0 in some steps, in units of the entity's amplitude."""
    env.reset(seed=3)
    noise = 10.0 ** (Link().noise / 20.0) * 1e3
    rows = []
    for _ in range(count):
        env.step(0)
        rows.append(env.iq()[0] / noise)
    return np.array(rows)


# ------------------------------------------------------------------------------- constellations, pulses


@pytest.mark.parametrize(("kind", "order"), KINDS)
def test_constellations_are_gray_and_of_unit_power(kind, order):
    points = tf.constellation(kind, order)
    assert np.mean(np.abs(points) ** 2) == pytest.approx(1.0)
    distance = np.abs(points[:, None] - points[None, :])
    nearest = np.min(distance[distance > 1e-9])
    for a, b in np.argwhere(np.abs(distance - nearest) < 1e-9):
        assert bin(a ^ b).count("1") == 1


@pytest.mark.parametrize("rolloff", [0.1, 0.25, 0.35, 1.0])
def test_root_raised_cosine_is_free_of_intersymbol_interference(rolloff):
    """Filtered by itself it is the raised cosine: 1 at its own symbol, 0 at the others."""
    time = np.arange(-400, 401) / 8.0
    pulse = tf.pulse_shape("rrc", time, rolloff)
    assert np.isfinite(pulse).all()
    own = np.convolve(pulse, pulse) / 8.0
    middle = len(own) // 2
    assert own[middle] == pytest.approx(1.0, abs=2e-3)
    assert np.abs(own[middle + 8 : middle + 200 : 8]).max() < 2e-3
    raised = tf.pulse_shape("rc", time, rolloff)
    assert np.abs(own[middle - 100 : middle + 101] - raised[300:501]).max() < 3e-3


def test_normal_numbers_of_the_samples_are_normal():
    env = band("tone", snr=-200.0, samples=50_000)
    noise = steps_of(env, 1)[0] * 1e3 * math.sqrt(2.0)
    for part in (noise.real, noise.imag):
        assert stats.kstest(part, "norm").pvalue > 0.01
    far = np.abs(np.concatenate([noise.real, noise.imag])) > 3.5  # beyond the ziggurat's edge
    close(far.mean(), 2.0 * tf.q_function(3.5), 100_000)
    assert abs(np.corrcoef(noise.real, noise.imag)[0, 1]) < 3.0 / math.sqrt(50_000)
    assert abs(np.corrcoef(noise.real[1:], noise.real[:-1])[0, 1]) < 3.0 / math.sqrt(50_000)


# ------------------------------------------------------------------------------------------- waveforms


def test_powers_are_in_milliwatts():
    """20 dBm over 100 m of free space at 2.4 GHz: -60.05 dBm, in the samples as in the SINR's formula."""
    user = {"kind": "constant", "channels": [0], "power": 20.0, "distance": 100.0}
    for waveform in ("psk", {"kind": "qam", "order": 64}, "tone", "fmcw", "noise"):
        env = gymnasium.make(
            "radio/Access-v0",
            scenario={"channels": 1, "entities": {"u": user | {"waveform": waveform}}},
            physics="iq",
            samples=20_000,
        ).unwrapped
        env.reset(seed=0)
        power = 10.0 * math.log10(np.mean(np.abs(env.iq()) ** 2))
        assert power == pytest.approx(20.0 - 80.05, abs=0.1), waveform


@pytest.mark.parametrize(
    "waveform", [{"kind": "tone", "offset": 0.1}, {"kind": "fmcw", "chirp": 300}]
)
def test_carriers_go_on_without_a_jump(waveform):
    """The phase goes on across steps: the step between two samples is smooth across the border too."""
    rows = steps_of(band(waveform), 6)
    phase = np.unwrap(np.angle(rows.ravel()))
    turn = np.diff(phase) / (2.0 * math.pi)
    read = read_waveform("w", waveform)
    if read.kind == "tone":
        assert np.abs(turn - read.offset).max() < 2e-3
    else:
        first = 400  # samples before: step 0 was played at the reset
        k = (np.arange(len(turn)) + first) % read.chirp
        expected = read.bandwidth * ((k + 0.5) / read.chirp - 0.5)
        assert np.abs(turn - expected).max() < 2e-3
    assert np.abs(np.abs(rows) - 1.0).max() < 0.01


def test_symbols_go_on_without_a_jump_and_can_be_read():
    """A matched filter over many steps finds points of the constellation, those on the borders too."""
    waveform = {"kind": "qam", "order": 16, "bandwidth": 0.8, "rolloff": 0.35}
    rows = steps_of(band(waveform, samples=320), 20)
    rate = emission.symbol_rate(Waveform(**waveform)) / 32.0
    line = rows.ravel()
    time = (320 + np.arange(len(line))) * rate
    symbols = np.arange(math.ceil(time[0]) + 8, math.floor(time[-1]) - 8)
    # The correlation with pulses at the sampled instants is exact: they are band limited.
    pulses = tf.pulse_shape("rrc", time[None, :] - symbols[:, None], 0.35)
    found = pulses @ line
    found /= np.sqrt(np.mean(np.abs(found) ** 2))
    # One unknown phase: the fourth power of square constellations points to -1.
    turn = np.angle(-np.mean(found**4)) / 4.0
    points = tf.constellation("qam", 16)
    best = min(
        np.abs((found * np.exp(-1j * (turn + k * math.pi / 2)))[:, None] - points).min(axis=1).max()
        for k in range(4)
    )
    assert best < 0.2  # a third of the distance to a border between two points


def test_a_signal_stays_within_its_bandwidth():
    rows = steps_of(band({"kind": "psk", "bandwidth": 0.5}, samples=4000), 4)
    spectrum = np.mean(np.abs(np.fft.fft(rows * np.hanning(4000), axis=1)) ** 2, axis=0)
    frequency = np.abs(np.fft.fftfreq(4000))
    assert spectrum[frequency > 0.27].sum() < 1e-3 * spectrum.sum()


def test_a_hopper_takes_its_signal_along():
    """Its symbols are those that it would have sent on one channel."""
    user = {"kind": "hopper", "channels": [0, 1], "snr": 60.0}

    def make(entity):
        return gymnasium.make(
            "radio/Access-v0",
            scenario={"channels": 2, "entities": {"user": entity}},
            physics="iq",
            samples=64,
        ).unwrapped

    hopping, staying = make(user), make(user | {"channels": [0]})
    hopping.reset(seed=1)
    staying.reset(seed=1)
    for step in range(1, 5):
        hopping.step(0)
        staying.step(0)
        there, here = hopping.iq()[step % 2], staying.iq()[0]
        assert np.abs(there - here).max() < 0.01 * np.abs(here).max()


# --------------------------------------------------------------------------------------- bit error rates


@pytest.mark.parametrize(
    ("modulation", "db"),
    [
        ("bpsk", 4),
        ("qpsk", 4),
        ("bfsk", 6),
        ("bfsk_nc", 6),
        ("dbpsk", 5),
        ("psk8", 9),
        ("qam16", 9),
    ],
)
def test_simulated_bit_errors(modulation, db):
    found = montecarlo.simulate_errors(modulation, tf.from_db(db), symbols=300_000, seed=1)
    close(found.bit_error_rate, tf.bit_error_rate(modulation, tf.from_db(db)), found.bits)


@pytest.mark.parametrize("modulation", ["bpsk", "qpsk", "bfsk_nc", "dbpsk"])
def test_simulated_bit_errors_under_fading(modulation):
    g = tf.from_db(8)
    found = montecarlo.simulate_errors(modulation, g, symbols=200_000, fading="rayleigh", seed=2)
    expected = tf.bit_error_rate(modulation, g, fading="rayleigh")
    count = found.symbols  # the bits of a symbol share their gain
    close(found.bit_error_rate, expected, count)


@pytest.mark.parametrize(
    ("modulation", "order", "db"), [("psk8", 8, 6), ("qam16", 16, 6), ("qam64", 64, 8)]
)
def test_simulated_symbol_errors(modulation, order, db):
    """Symbol error probabilities are exact at any ratio."""
    found = montecarlo.simulate_errors(modulation, tf.from_db(db), symbols=200_000, seed=3)
    law = tf.psk_symbol_error_rate if modulation == "psk8" else tf.qam_symbol_error_rate
    close(found.symbol_error_rate, law(order, tf.from_db(db) * math.log2(order)), found.symbols)


def test_pulses_and_a_matched_filter_change_nothing():
    g = tf.from_db(5)
    found = montecarlo.simulate_errors("qpsk", g, symbols=200_000, rolloff=0.35, seed=4)
    close(found.bit_error_rate, tf.bit_error_rate("qpsk", g), found.bits)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"modulation": "qam17"}, "'qam16'"),
        ({"modulation": "bpsk", "fading": "rice"}, "fading 'rice'"),
        ({"modulation": "dbpsk", "rolloff": 0.3}, "rolloff is for"),
    ],
)
def test_bit_error_simulations_refuse_what_they_cannot(keywords, message):
    with pytest.raises(ValueError, match=message):
        montecarlo.simulate_errors(ebn0=1.0, **keywords)


# -------------------------------------------------------------------------------------------- detectors


@pytest.mark.parametrize("physics", ["statistical", "iq"])
@pytest.mark.parametrize("waveform", ["psk", "fmcw", "noise"])
def test_simulated_roc(physics, waveform):
    found = montecarlo.receiver_operating_characteristic(
        -7.0, 60, trials=4000, points=9, physics=physics, waveform=waveform
    )
    for counted, expected in (
        (found.false_alarm_counted, found.false_alarm),
        (found.detection_counted, found.detection),
    ):
        enough = (expected > 0.005) & (expected < 0.995)  # for counts to be nearly normal
        assert enough.sum() >= 5
        for one, wanted in zip(counted[enough], expected[enough], strict=True):
            close(one, wanted, found.trials)


@pytest.mark.parametrize("waveform", ["psk", {"kind": "qam", "order": 16}, "tone", "noise"])
def test_samples_and_statistics_agree(waveform):
    """Detections and false alarms of the two, through the environment, within three standard errors."""
    scenario = {
        "channels": 3,
        "steps": 1000,
        "entities": {
            "user": {"kind": "constant", "channels": [0], "snr": -8.0, "waveform": waveform},
            "other": {"kind": "constant", "channels": [1], "snr": -10.0, "waveform": waveform},
            "third": {"kind": "constant", "channels": [1], "snr": -12.0},
        },
    }
    rates, rows, steps = [], 50, 100
    for physics in ("statistical", "iq"):
        envs = gymnasium.make_vec(
            "radio/Access-v0",
            num_envs=rows,
            scenario=scenario,
            physics=physics,
            samples=128,
            false_alarm=0.1,
            history=1,
        )
        envs.reset(seed=4)
        idle = np.zeros(rows, dtype=int)
        rates.append(np.mean([envs.step(idle)[0][:, :3] for _ in range(steps)], axis=(0, 1)))
    for one, two in zip(*rates, strict=True):
        mean = 0.5 * (one + two)
        assert abs(one - two) < 3.0 * math.sqrt(2.0 * mean * (1.0 - mean) / (rows * steps))


@pytest.mark.parametrize("waveform", ["psk", "noise"])
def test_a_follower_that_comes_within_the_step_is_heard_on_both_channels(waveform):
    """With a reaction of 0.25 it is on the old channel for a quarter of the step, on the new one for the rest."""
    power, rows, steps = 4.0, 20, 40
    jammer = {"kind": "follower", "reaction": 0.25, "waveform": waveform}
    jammer["snr"] = 10.0 * math.log10(power)
    envs = gymnasium.make_vec(
        "radio/Access-v0",
        num_envs=rows,
        scenario={"channels": 3, "steps": 1000, "entities": {"jammer": jammer}},
        physics="iq",
        samples=200,
        history=1,
    )
    envs.reset(seed=2)
    envs.step(np.ones(rows, dtype=int))
    setup, world = envs.unwrapped.setup, envs.unwrapped
    energies = []
    for k in range(steps):
        envs.step(np.full(rows, 2 - k % 2))  # from channel 0 to 1 and back
        state = world.get_state()["rows"]
        for i in range(rows):
            sampled = iq.band_samples(
                state["x"][i], state["key"][i], state["step"][i], state["p"][0], setup.tables,
                agent=False,
            )  # fmt: skip
            energy = (np.abs(sampled) ** 2).mean(axis=1)
            energies.append(energy if k % 2 else energy[[1, 0, 2]])  # first the new channel
    found = np.mean(energies, axis=0)
    expected = np.array([1.0 + 0.75 * power, 1.0 + 0.25 * power, 1.0])
    spread = 5.0 * expected / math.sqrt(rows * steps * 200)
    assert np.all(np.abs(found - expected) < spread), (found, expected)
    # A detector that is told statistics only decides as often.
    rates = []
    for physics in ("iq", "statistical"):
        envs = gymnasium.make_vec(
            "radio/Access-v0",
            num_envs=50,
            scenario={
                "channels": 3,
                "steps": 1000,
                "entities": {"jammer": jammer | {"snr": -6.0, "waveform": "psk"}},
            },
            physics=physics,
            samples=100,
            false_alarm=0.1,
            history=1,
        )
        envs.reset(seed=3)
        seen = []
        for k in range(100):
            sensed = envs.step(np.full(50, 2 - k % 2))[0][:, :3]
            seen.append(sensed if k % 2 else sensed[:, [1, 0, 2]])
        rates.append(np.mean(seen[1:], axis=(0, 1)))
    for one, two in zip(*rates, strict=True):
        mean = 0.5 * (one + two)
        assert abs(one - two) < 3.0 * math.sqrt(2.0 * mean * (1.0 - mean) / (50 * 99))


def test_detection_under_rayleigh_fading():
    """The mean of the detection probability over exponential powers (Digham et al. 2007)."""
    snr, samples = tf.from_db(-3.0), 50
    threshold = tf.detector_threshold(0.1, samples)
    expected = integrate.quad(
        lambda g: tf.detection_probability(snr * g, threshold, samples) * math.exp(-g), 0.0, 40.0
    )[0]
    for physics in ("statistical", "iq"):
        busy = montecarlo.simulate_energies(
            snr, samples, 5000, physics=physics, fading="rayleigh", seed=6
        )[1]
        close((busy > threshold).mean(), expected, 5000)


# ------------------------------------------------------------------------------------------------- link


def sinrs(entities, *, steps=1, rows=1, action=1, link=None, **keywords):
    """Return the metrics of steps on channel 0, each (steps, rows)."""
    envs = gymnasium.make_vec(
        "radio/Access-v0",
        num_envs=rows,
        scenario={"channels": 2, "steps": 10_000, "entities": entities},
        link=link,
        **keywords,
    )
    envs.reset(seed=7)
    infos = [envs.step(np.full(rows, action))[4] for _ in range(steps)]
    return {
        name: np.array([info[name] for info in infos])
        for name in ("sinr", "goodput", "ack", "delivered", "primary", "reward_access")
    }


def test_sinr_is_what_the_link_budget_says():
    """30 dBm and 10 dBm over 200 m and 50 m; noise of 1 MHz at 6 dB."""
    link = {"power": 30.0, "distance": 200.0}
    user = {"kind": "constant", "channels": [0], "power": 10.0, "distance": 50.0}
    loss = [tf.free_space_path_loss_db(d, 2.4e9) for d in (200.0, 50.0)]
    noise = -113.975 + 6.0
    total = 10.0 * math.log10(10.0 ** (noise / 10.0) + 10.0 ** ((10.0 - loss[1]) / 10.0))
    alone = sinrs({}, link=link)["sinr"][0, 0]
    jammed = sinrs({"u": user}, link=link)
    assert alone == pytest.approx(30.0 - loss[0] - noise, abs=2e-3)
    assert jammed["sinr"][0, 0] == pytest.approx(30.0 - loss[0] - total, abs=2e-3)
    assert jammed["primary"][0, 0] == 1.0
    assert sinrs({"u": user}, link=link, action=0)["sinr"][0, 0] == -200.0


def test_faded_sinr_is_exponential():
    found = sinrs({}, steps=20, rows=500, link={"snr": 10.0, "fading": "rayleigh"})["sinr"]
    power = 10.0 ** (found.ravel() / 10.0) / 10.0
    assert stats.kstest(power, "expon").pvalue > 0.01
    close((power < 0.1).mean(), 1.0 - math.exp(-0.1), power.size)  # the outage 10 dB below the mean
    assert abs(np.corrcoef(power[:-500], power[500:])[0, 1]) < 3.0 / math.sqrt(power.size)


@pytest.mark.parametrize(("modulation", "snr", "bits"), [("qpsk", 9.0, 500), ("qam16", 15.0, 200)])
def test_goodput_is_that_of_the_packet_error_rate(modulation, snr, bits):
    link = {"snr": snr, "modulation": modulation, "packet": bits, "bandwidth": 2e6}
    found = sinrs({}, steps=40, rows=500, link=link, reward="goodput")
    width = {"qpsk": 2, "qam16": 4}[modulation]
    error = tf.bit_error_rate(modulation, tf.from_db(snr) / width)
    arrives = 1.0 - tf.packet_error_rate(error, bits)
    close(found["delivered"].mean(), arrives, found["delivered"].size)
    assert np.array_equal(found["reward_access"], found["delivered"])
    assert np.array_equal(found["goodput"], bits * found["delivered"])


def test_goodput_under_fading():
    link = {"snr": 10.0, "modulation": "qpsk", "packet": 100, "fading": "rayleigh"}
    found = sinrs({}, steps=40, rows=500, link=link, reward="goodput")["delivered"]

    def arrives(g):
        error = tf.bit_error_rate("qpsk", 5.0 * g)
        return (1.0 - error) ** 100 * math.exp(-g)

    close(found.mean(), integrate.quad(arrives, 0.0, 60.0)[0], found.size)


def test_a_follower_spoils_part_of_a_packet():
    """It comes after 40 % of the step: 60 % of the bits see its power."""
    jammer = {"kind": "follower", "reaction": 0.4, "snr": 8.0}
    link = {"snr": 13.0, "packet": 100, "modulation": "bpsk"}
    found = []
    envs = gymnasium.make_vec(
        "radio/AntiJamming-v0", num_envs=500, jammer=jammer, link=link, reward="goodput"
    )
    envs.reset(seed=2)
    for step in range(40):
        info = envs.step(np.full(500, 1 + step % 10))[4]
        found.append(info["delivered"])
    quiet, loud = tf.from_db(13.0), tf.from_db(13.0) / (1.0 + tf.from_db(8.0))
    chance = [1.0 - tf.bit_error_rate("bpsk", g) for g in (quiet, loud)]
    close(np.mean(found), chance[0] ** 40 * chance[1] ** 60, 500 * 40)
    assert info["sinr"][0] == pytest.approx(
        10.0 * math.log10(quiet / (1.0 + 0.6 * tf.from_db(8.0))), abs=1e-9
    )


# ------------------------------------------------------------------------------------------------ bursts


def test_a_burst_is_on_the_air_for_its_part_of_each_step_alone():
    env = band({"kind": "tone", "start": 0.25, "duration": 0.5})
    rows = np.abs(steps_of(env, 4)) ** 2
    before, during, after = rows[:, :100], rows[:, 100:300], rows[:, 300:]
    assert during.mean() == pytest.approx(1.0, rel=1e-2)
    assert before.mean() < 1e-4
    assert after.mean() < 1e-4


def test_a_burst_blocks_its_part_of_a_step_and_disturbs_that_part_of_a_packet():
    """Its mean interference is its power times its duration; the rest of the packet's bits are undisturbed."""
    entities = {
        "user": {"kind": "constant", "channels": [0], "snr": 10.0, "waveform": {"duration": 0.4}}
    }
    scenario = {"channels": 2, "steps": 10, "entities": entities}
    link = {"modulation": "qpsk", "snr": 12.0, "packet": 200}
    keywords = {"scenario": scenario, "link": link, "history": 1}
    env = gymnasium.make("radio/Access-v0", reward="goodput", **keywords)
    env.reset(seed=0)
    info = env.step(1)[-1]
    state = env.unwrapped.state()
    assert state["blocked"][0] == pytest.approx(0.4)
    assert info["sinr"] == pytest.approx(12.0 - 10.0 * math.log10(1.0 + 0.4 * 10.0))
    clean, hit = (
        (1.0 - tf.bit_error_rate("qpsk", 10.0 ** (sinr / 10.0) / 2.0)) ** bits
        for sinr, bits in ((12.0, 120), (12.0 - 10.0 * math.log10(11.0), 80))
    )
    assert state["success"][0] == pytest.approx(clean * hit, rel=1e-3)
    for tolerance, reward in ((0.3, -1.0), (0.5, 1.0)):
        env = gymnasium.make("radio/Access-v0", tolerance=tolerance, **keywords)
        env.reset(seed=0)
        assert np.sign(env.step(1)[1] - 1e-9) == np.sign(reward)


def test_bursts_that_leave_their_step_are_refused():
    with pytest.raises(ValueError, match=r"duration is at most 0\.4"):
        band({"start": 0.6, "duration": 0.5})
    with pytest.raises(ValueError, match="follower"):
        band({"duration": 0.5}, kind="follower")


# ------------------------------------------------------------------------------- the detector's statistic


def test_the_statistics_distribution_is_that_of_signal_in_any_noise():
    """2 N T / noise is noncentral chi-square: its mean and variance with twice the nominal noise."""
    samples, snr, noise = 20.0, 3.0, 2.0
    drawn = [energy_statistic(snr, samples, noise, np.uint64(k), 0, 7) for k in range(4000)]
    exact = stats.ncx2(2 * samples, 2 * samples * snr / noise)
    scale = noise / (2 * samples)
    assert np.mean(drawn) == pytest.approx(scale * exact.mean(), rel=0.02)
    assert np.mean(drawn) == pytest.approx(noise + snr, rel=0.02)
    assert np.var(drawn) == pytest.approx(scale**2 * exact.var(), rel=0.08)


def test_what_is_gaussian_itself_adds_to_the_noise():
    """A Gaussian emitter's energy scatters as noise of its power does, far more than a constant envelope's."""
    samples, snr = 20, 10.0
    noise = montecarlo.simulate_energies(
        snr, samples, 4000, physics="statistical", waveform="noise"
    )[1]
    signal = montecarlo.simulate_energies(
        snr, samples, 4000, physics="statistical", waveform="psk"
    )[1]
    assert np.var(noise) == pytest.approx((1.0 + snr) ** 2 / samples, rel=0.1)
    assert np.var(signal) == pytest.approx((1.0 + 2.0 * snr) / samples, rel=0.1)
