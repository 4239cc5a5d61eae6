"""Sensors of the drives: what they are off by has the size and frequency of its closed form, and is only observed."""

import json

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.envs.sensors import Sensors
from gym_suite.motors.loops import KERNELS
from gym_suite.motors.quantities import T
from gym_suite.motors.tiles import TILED_KERNELS

ID = "gem/PMSM-v0"
ALL = {
    "current_gain": (-0.02, 0.02),
    "current_offset": {"a": (-2.0, 2.0)},
    "current_noise": 0.5,
    "current_bits": 12,
    "encoder_lines": 512,
    "encoder_offset": 0.01,
}
SQRT3 = np.sqrt(3.0)


def driven(id, steps, *, worlds=1, seed=0, size=0.3, options=None, **keywords):
    """Return observed columns (SI) and info by name, (steps + 1, worlds), of random actions, and the rewards."""
    envs = gymnasium.make_vec(id, num_envs=worlds, **keywords)
    columns = envs.unwrapped.setup.observation_columns
    scale = np.array([column.scale for column in columns])
    rng = np.random.default_rng(1)
    o, info = envs.reset(seed=seed, options=options)
    seen, told, earned = [o], [info], []
    for _ in range(steps):
        action = rng.uniform(-size, size, envs.action_space.shape).astype(np.float32)
        o, reward, terminated, _, info = envs.step(action)
        seen.append(o)
        told.append(info)
        earned.append(reward)
        assert not terminated.any()
    envs.close()
    shown = dict(zip(columns.names, (np.array(seen) * scale).transpose(2, 0, 1), strict=True))
    true = {name: np.array([one[name] for one in told]) for name in told[0] if name[0] != "_"}
    return shown, true, np.array(earned)


def phases(d, q, epsilon):
    """Return the currents of phases a and b of a vector in the rotor's frame."""
    vector = (d + 1j * q) * np.exp(1j * epsilon)
    return vector.real, (vector * np.exp(-2j * np.pi / 3.0)).real


def two_phase_vector(a, b, epsilon):
    """Return the vector in the frame of an angle of currents a, b and -a - b."""
    third = np.exp(2j * np.pi / 3.0)
    vector = 2.0 / 3.0 * (a + b * third + (-a - b) * third**2)
    return vector * np.exp(-1j * epsilon)


def amplitudes(signal, t, omega):
    """Return the amplitudes of a signal's components at once and twice a frequency (rad/s), by least squares."""
    waves = [wave(k * omega * t) for k in (1, 2) for wave in (np.cos, np.sin)]
    found = np.linalg.lstsq(np.column_stack([*waves, np.ones_like(t)]), signal, rcond=None)[0]
    return np.hypot(found[0], found[1]), np.hypot(found[2], found[3])


# --------------------------------------------------------------------------------------------------------- the currents


def test_offset_and_gain_are_those_of_the_phases():
    offset, gain = {"a": 3.0, "b": -1.0}, {"a": 0.02, "b": -0.03}
    shown, true, _ = driven(
        ID, 60, worlds=3, sensors={"current_offset": offset, "current_gain": gain}
    )
    a, b = phases(true["i_sd"], true["i_sq"], true["epsilon"])
    expected = two_phase_vector(1.02 * a + 3.0, 0.97 * b - 1.0, true["epsilon"])
    np.testing.assert_allclose(shown["i_sd"], expected.real, atol=2e-4)
    np.testing.assert_allclose(shown["i_sq"], expected.imag, atol=2e-4)


@pytest.mark.parametrize(
    "id",
    ["gem/EESM-v0", "gem/SCIM-v0", "gem/DFIM-v0", "gem/SixPhasePMSM-v0", "gem/ExtExDc-v0"],
)
def test_equal_gains_scale_the_currents_of_every_machine_and_nothing_else(id):
    shown, true, _ = driven(id, 15, worlds=2, size=0.05, sensors={"current_gain": 0.05})
    currents = [name for name in shown if name.startswith("i_") and not name.endswith("_ref")]
    assert currents
    for name in currents:
        np.testing.assert_allclose(shown[name], 1.05 * true[name], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(shown["omega"], true["omega"], rtol=1e-5, atol=1e-4)


def test_each_current_of_a_machine_has_the_offset_of_its_own_sensor():
    shown, true, _ = driven("gem/EESM-v0", 5, size=0.05, sensors={"current_offset": {"e": 0.5}})
    np.testing.assert_allclose(shown["i_e"] - true["i_e"], 0.5, atol=1e-4)
    np.testing.assert_allclose(shown["i_sd"], true["i_sd"], atol=1e-3)
    shown, true, _ = driven(
        "gem/ExtExDc-v0", 5, size=0.05, sensors={"current_offset": {"i_e": 0.1}}
    )
    np.testing.assert_allclose(shown["i_e"] - true["i_e"], 0.1, atol=1e-5)
    np.testing.assert_allclose(shown["i_a"], true["i_a"], atol=1e-4)
    given = {"sensors": {"current_offset": {"ra": 2.0}}}  # in the rotor's own frame
    shown, true, _ = driven("gem/DFIM-v0", 5, size=0.05, **given)
    np.testing.assert_allclose(shown["i_rd"] - true["i_rd"], 2.0, atol=1e-3)
    np.testing.assert_allclose(shown["i_rq"] - true["i_rq"], 2.0 / SQRT3, atol=1e-3)
    np.testing.assert_allclose(shown["i_sd"], true["i_sd"], atol=1e-3)


def test_the_second_star_has_sensors_of_its_own():
    """An offset of the second star's phase a, 30 degrees ahead: half of it in d and q, half in x and y."""
    given = {"sensors": {"current_offset": {"a2": 2.0}}}
    shown, true, _ = driven("gem/SixPhasePMSM-v0", 8, size=0.05, **given)
    vector = two_phase_vector(2.0, 0.0, true["epsilon"] - np.pi / 6.0)
    off = {name: shown[name] - true[name] for name in ("i_sd", "i_sq", "i_sx", "i_sy")}
    np.testing.assert_allclose(off["i_sd"] + 1j * off["i_sq"], 0.5 * vector, atol=1e-3)
    np.testing.assert_allclose(off["i_sx"] - 1j * off["i_sy"], -0.5 * vector, atol=1e-3)


def test_a_converter_tells_steps_and_no_more_than_its_range():
    bits, full = 6, 40.0
    step = full / 2 ** (bits - 1)
    given = {"current_bits": bits, "current_range": full, "current_offset": {"b": 20.0}}
    shown, true, _ = driven(ID, 60, worlds=8, size=0.15, sensors=given)
    told = phases(shown["i_sd"], shown["i_sq"], true["epsilon"])
    real = phases(true["i_sd"], true["i_sq"], true["epsilon"])
    for one, other, offset in zip(told, real, (0.0, 20.0), strict=True):
        np.testing.assert_allclose(one / step, np.round(one / step), atol=1e-3)
        expected = np.clip(other + offset, -full, full - step)
        assert np.abs(one - expected).max() <= 0.5 * step + 1e-3
        assert np.abs(one - expected).max() > 0.45 * step
    assert max(np.abs(real).max(), (real[1] + 20.0).max()) > full  # so that the range was needed


def test_noise_is_that_of_two_sensors_and_white():
    shown, true, _ = driven(ID, 100, worlds=40, size=0.05, sensors={"current_noise": 2.0})
    a, b = phases(shown["i_sd"] - true["i_sd"], shown["i_sq"] - true["i_sq"], true["epsilon"])
    for one in (a, b):
        assert one.std() == pytest.approx(2.0, rel=0.04)
        assert abs((one[1:] * one[:-1]).mean()) < 0.04 * 4.0
    assert abs((a * b).mean()) < 0.06 * 4.0


def ripple(sensors):
    """Return the amplitudes of the torque's ripple at once and twice the electrical frequency under PI control, N m."""
    omega, reference = 100.0, {"i_sd": 0.0, "i_sq": 100.0}
    env = gymnasium.make(
        ID, load={"kind": "constant_speed", "omega": omega}, reference=reference, sensors=sensors
    )
    controller = gym_suite.make_controller(env)
    o, _ = env.reset(seed=0)
    state, start, torque = None, np.ones(1, bool), []
    for _ in range(1500):
        action, state = controller.predict(o[None], state, start)
        o, _, terminated, _, info = env.step(action[0])
        start, _ = np.zeros(1, bool), torque.append(info["torque"])
        assert not terminated
    machine = env.unwrapped.setup.keywords["machine"]
    settled, omega_e = np.array(torque[500:]), machine["p"] * omega
    t = env.unwrapped.setup.dt * np.arange(len(settled))
    slope = 1.5 * machine["p"] * machine["psi_p"], machine
    return amplitudes(settled, t, omega_e), slope


def test_an_offset_ripples_the_torque_at_the_electrical_frequency_and_a_gain_at_twice_that():
    """Chung and Sul 1998: the controller holds what it sees, so the torque has the ripple that the currents are off by.

    An offset of both phases is a vector of the length 2 / sqrt(3) sqrt(a^2 + a b + b^2), gains that differ by e one of
    e i / sqrt(3) that turns twice; below the bandwidth of the current control the true current has it negated.
    """
    (once, twice), (per_ampere, machine) = ripple({"current_offset": {"a": 4.0, "b": -2.0}})
    length = 2.0 / SQRT3 * np.sqrt(16.0 - 8.0 + 4.0)
    saliency = abs(machine["l_d"] - machine["l_q"]) / machine["psi_p"] * 100.0
    expected = per_ampere * length * np.hypot(1.0, saliency)
    assert once == pytest.approx(expected, rel=0.15)
    # The reluctance torque goes by the product of both currents, so a little of it is left at twice the frequency.
    assert twice < 0.05 * once
    (once, twice), (per_ampere, machine) = ripple({"current_gain": {"a": 0.02, "b": -0.02}})
    expected = per_ampere * 0.04 * 100.0 / SQRT3 * np.hypot(1.0, saliency)
    assert twice == pytest.approx(expected, rel=0.25)
    assert once < 0.02 * twice
    assert max(ripple(None)[0]) < 0.01 * expected


# ------------------------------------------------------------------------------------------------------------ the shaft


def turned(shown, true):
    """Return what the electrical angle shown is off by, rad."""
    angle = np.arctan2(shown["sin_epsilon"], shown["cos_epsilon"])
    return np.angle(np.exp(1j * (angle - true["epsilon"])))


def test_an_encoder_tells_the_middle_between_two_edges_and_the_edges_that_passed():
    lines, omega, pairs, dt = 64, 200.0, 3, 1e-4
    given = {"encoder_lines": lines}
    load = {"kind": "constant_speed", "omega": omega}
    shown, true, _ = driven(ID, 400, worlds=4, size=0.05, load=load, sensors=given)
    step = 2.0 * np.pi / (4 * lines)
    off = turned(shown, true)
    assert np.abs(off).max() <= 0.5 * pairs * step + 1e-5
    assert off.std() == pytest.approx(pairs * step / np.sqrt(12.0), rel=0.05)
    quanta = shown["omega"] / (step / dt)
    np.testing.assert_allclose(quanta, np.round(quanta), atol=1e-3)
    expected = omega * dt / step
    assert {int(np.floor(expected)), int(np.ceil(expected))} == set(np.unique(np.round(quanta)))
    assert shown["omega"].mean() == pytest.approx(omega, rel=0.01)
    vector = (true["i_sd"] + 1j * true["i_sq"]) * np.exp(-1j * off)  # in the frame believed
    np.testing.assert_allclose(shown["i_sd"] + 1j * shown["i_sq"], vector, atol=1e-3)


def test_an_encoder_that_is_turned_against_the_rotor_shows_it():
    given = {"encoder_lines": 1_000_000, "encoder_offset": 0.05}
    shown, true, _ = driven(ID, 20, size=0.05, sensors=given)
    np.testing.assert_allclose(turned(shown, true), 3 * 0.05, atol=1e-5)


def test_a_resolver_has_its_harmonics_and_its_speed_is_their_derivative():
    first, second, omega, pairs = 0.02, 0.01, 150.0, 3
    load = {"kind": "constant_speed", "omega": omega}
    given = {"resolver_first": first, "resolver_second": second}
    shown, true, _ = driven(ID, 600, worlds=2, size=0.05, load=load, sensors=given)
    t = 1e-4 * np.arange(601)
    for world in range(2):
        off = turned(shown, true)[:, world]
        basis = [f(k * pairs * omega * t) for k in (1, 2) for f in (np.cos, np.sin)]
        basis = np.column_stack(basis)
        found, residual, *_ = np.linalg.lstsq(basis, off, rcond=None)
        assert np.hypot(*found[:2]) == pytest.approx(first, rel=1e-3)
        assert np.hypot(*found[2:]) == pytest.approx(second, rel=1e-3)
        assert np.sqrt(residual / len(t)) < 1e-5
        angle = pairs * omega * t + off
        slope = (angle[2:] - angle[:-2]) / 2e-4 / pairs
        np.testing.assert_allclose(shown["omega"][1:-1, world], slope, rtol=1e-3)


def test_errors_are_of_what_is_shown():
    given = {"sensors": {"encoder_lines": 32}}
    start = {"state": {"omega": 50.0}}
    shown, true, _ = driven("gem/PMSM-Speed-v0", 60, size=0.05, options=start, **given)
    np.testing.assert_allclose(shown["error"], shown["omega_ref"] - shown["omega"], atol=1e-3)
    assert np.abs(shown["omega"] - true["omega"]).max() > 1.0
    shown, true, _ = driven("gem/PermExDc-Position-v0", 40, **given)
    step = 2.0 * np.pi / (4 * 32)
    off = shown["position"] - true["position"]
    assert 0.3 * step < np.abs(off).max() <= 0.5 * step + 1e-4
    np.testing.assert_allclose(shown["error"], shown["position_ref"] - shown["position"], atol=1e-4)


# ------------------------------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize("id", [ID, "gem/PMSM-Finite-v0", "gem/PMSM-DriveCycle-v0"])
def test_they_touch_only_what_is_observed(id):
    envs = [
        gymnasium.make_vec(id, num_envs=3, **given)
        for given in ({}, {"sensors": ALL}, {"sensors": {"resolver_first": 0.1}})
    ]
    rng = np.random.default_rng(0)
    told = [env.reset(seed=3)[1] for env in envs]
    for _ in range(40):
        action = rng.integers(0, 8, 3)
        if envs[0].single_action_space.shape:
            action = rng.uniform(-0.1, 0.1, envs[0].action_space.shape).astype(np.float32)
        results = [env.step(action) for env in envs]
        told = [result[4] for result in results]
        for result in results[1:]:
            np.testing.assert_array_equal(result[1], results[0][1])
            np.testing.assert_array_equal(result[2], results[0][2])
            assert not np.array_equal(result[0], results[0][0])
        for name, values in told[0].items():
            for other in told[1:]:
                np.testing.assert_array_equal(other[name], values)


def test_one_and_many_worlds_see_the_same_and_a_snapshot_restores_it():
    many = gymnasium.make_vec(ID, num_envs=2, sensors=ALL)
    one = gymnasium.make(ID, sensors=ALL)
    (o, _), (single, _) = many.reset(seed=5), one.reset(seed=5)
    np.testing.assert_array_equal(o[0], single)
    rng = np.random.default_rng(0)
    for k in range(30):
        action = rng.uniform(-0.3, 0.3, (2, 2)).astype(np.float32)
        if k == 10:
            kept = one.unwrapped.get_state()
        o, single = many.step(action)[0], one.step(action[0])[0]
        np.testing.assert_array_equal(o[0], single)
        if k == 10:
            then = action[0], single
    one.unwrapped.set_state(kept)
    np.testing.assert_array_equal(one.step(then[0])[0], then[1])
    drawn = [gymnasium.make(ID, sensors={"current_offset": (-5.0, 5.0)}) for _ in range(2)]
    first, second = (env.reset(seed=k)[0][:2] for k, env in enumerate(drawn))
    assert not np.allclose(first, second)  # each episode has its own


def test_a_shaft_that_is_put_somewhere_has_been_read_there():
    given = {"sensors": {"encoder_lines": 1_000_000}, "load": "polynomial_static"}
    start = {"state": {"omega": 50.0, "position": 3.0}}
    shown, true, _ = driven(ID, 1, options=start, **given)
    np.testing.assert_allclose(shown["omega"], true["omega"], atol=0.05)


def test_controllers_do_not_know_them_and_ideal_ones_cost_nothing():
    env = gymnasium.make(ID, sensors=ALL)
    assert len(env.unwrapped.nominal.tables[T.sensors]) == 0
    again = gymnasium.make(ID, **json.loads(json.dumps(env.unwrapped.setup.keywords)))
    np.testing.assert_array_equal(env.reset(seed=1)[0], again.reset(seed=1)[0])
    for ideal in (None, {}, Sensors(), {"current_gain": 0.0, "encoder_lines": 0}):
        assert gymnasium.make(ID, sensors=ideal).unwrapped.setup.kernels is TILED_KERNELS
    assert gymnasium.make("gem/SCIM-v0", sensors={}).unwrapped.setup.kernels in KERNELS.values()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.1, "sensors takes a mapping with current_gain"),
        ({"current_gian": 0.1}, "Did you mean 'current_gain'"),
        ({"current_gain": 0.6}, r"sensors current_gain must lie in \[-0.5, 0.5\], got 0.6"),
        ({"current_gain": (0.1, -0.1)}, "lower bound 0.1 is above"),
        (
            {"current_offset": {"c": 1.0}},
            "current sensor in sensors current_offset 'c'.* Valid: a, b",
        ),
        ({"current_offset": 1e6}, "sensors current_offset must lie in"),
        ({"current_noise": -1.0}, "sensors current_noise must lie in"),
        ({"current_bits": 1}, "must be 0 .no converter. or lie in"),
        ({"current_bits": 12.5}, "must be a whole number"),
        ({"current_range": 100.0}, "give its current_bits too"),
        ({"current_bits": 8, "current_range": 0.0}, "must be greater than 0"),
        ({"current_bits": 12, "current_range": 1e-12}, "must be 20 A at least, 0.05 times"),
        ({"current_bits": 12, "current_range": {"b": 19.0}}, "20 A at least, .*, got 19 A"),
        ({"current_bits": 12, "current_range": 1e6}, "current_range must"),
        ({"encoder_lines": -1}, "encoder_lines must lie in"),
        ({"encoder_offset": 0.1}, "give its encoder_lines too"),
        (
            {"encoder_lines": 10, "resolver_first": 0.1},
            "an encoder or a resolver, not both: encoder_lines is 10, and resolver_first is 0.1$",
        ),
        (
            {"encoder_lines": 10, "resolver_first": 0.1, "resolver_second": (0.0, 0.2)},
            "and resolver_first is 0.1 and resolver_second lies between 0 and 0.2$",
        ),
        ({"resolver_second": 1.0}, "resolver_second must lie in"),
    ],
)
def test_what_cannot_be_is_refused_with_the_number(given, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, sensors=given)


def test_what_has_no_sensor_is_each_rows_own_as_well():
    """The neutral point's voltage of several worlds, observed beside currents that sensors show."""
    envs = gymnasium.make_vec(
        "gem/PMSM-ThreeLevel-Finite-v0", num_envs=4, sensors={"current_gain": 0.01}
    )
    setup = envs.unwrapped.setup
    place = setup.observation_columns.names.index("u_n")
    scale = setup.observation_columns[place].scale
    envs.reset(seed=0)
    envs.action_space.seed(0)
    for _ in range(60):
        observation, _, _, _, info = envs.step(envs.action_space.sample())
    assert (np.abs(info["u_n"]) > 1e-4).all() and len(set(info["u_n"])) == 4
    np.testing.assert_allclose(observation[:, place] * scale, info["u_n"], rtol=1e-5)
