"""Control of the shaft by torques: a period suffices for a speed, the fewest do for a position, and both earn more."""

import math

import gymnasium
import numpy as np
import pytest
from scipy.optimize import linprog

import gym_suite
from gym_suite.motors.controllers.shaft import (
    CourseControl,
    DeadbeatPositionControl,
    DeadbeatShaftControl,
)
from gym_suite.motors.controllers.shaft_laws import (
    KNOWN,
    N,
    R,
    course_cost,
    deadbeat_shaft_rows,
    moved,
    speed_to_stop,
    torque_to,
)
from tests.motors.rollouts import SEEDS, episodes

SPEEDS = ["PermExDc-Speed", "ShuntDc-Speed", "ExtExDc-Speed", "BLDC-Speed"]
POSITIONS = ["PermExDc-Position", "ExtExDc-Position"]


def test_every_id_that_follows_a_shaft_by_torques_has_it():
    own = f"{DeadbeatShaftControl.__module__}:{DeadbeatShaftControl.__name__}"
    course = f"{CourseControl.__module__}:{CourseControl.__name__}"
    cards = gym_suite.catalogue().items()
    have = {id for id, card in cards if card.controllers.get("deadbeat") == own}
    assert have == {f"gem/{name}-v0" for name in (*SPEEDS, "PMSM-DriveCycle")}
    have = {id for id, card in cards if card.controllers.get("mpc") == course}
    assert have == {f"gem/{name}-v0" for name in POSITIONS}


# ----------------------------------------------------------------------------------------------- a speed


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_speed_within_reach_is_there_a_period_later(seed):
    """Of the machine whose field does not move; the error before is no more than the largest torque can take away."""
    env = gymnasium.make("gem/PermExDc-Speed-v0")
    law = gym_suite.make_controller(env, "deadbeat")
    values = env.unwrapped.nominal.parameters
    inertia = values["j_rotor"] + values["j_load"]
    observation, _ = env.reset(seed=seed)
    column = env.unwrapped.nominal.setup.observation_columns.index("error")
    scale = env.unwrapped.nominal.setup.observation_columns[column].scale
    state, errors, torques = None, [], []
    for _ in range(400):
        errors.append(scale * float(observation[column]))
        action, state = law.predict(observation, state)
        torques.append(float(action[0]) * values["torque_limit"])
        observation, *_ = env.step(action)
    # Where the torque has just left its limit the speed is led to the reference, within the last period's reach.
    bounds = np.abs(torques) < values["torque_limit"] * (1.0 - 1e-6)
    first = int(np.argmax(bounds & (np.abs(errors) > 1e-3)))
    reach = values["torque_limit"] * 1e-3 / inertia
    assert 0 < first < 399
    assert abs(errors[first]) < 1.1 * reach
    assert abs(errors[first + 1]) < 0.03 * reach


def test_the_torque_to_a_speed_undoes_the_shaft():
    """With friction of all kinds, at either sign: what the model moves by that torque is the goal."""
    law = gym_suite.make_controller(gymnasium.make("gem/ShuntDc-Speed-v0"), "deadbeat")
    choice, row = law._choice, law._above._constants
    for omega, change, load in [(30.0, 5.0, 0.4), (-30.0, 4.0, -0.3), (100.0, -6.0, 0.0)]:
        torque = torque_to(omega + change, omega, 3.0, load, choice, row)
        after, position, _ = moved(omega, 1.0, 3.0, torque, load, choice, row)
        assert after == pytest.approx(omega + change, abs=1e-3)
        assert position == pytest.approx(1.0 + (omega + 0.5 * change) * 1e-3, abs=1e-5)


def followed(law, load, steps, periods_late=0, noise=0.0):
    """Let the law drive a shaft of the nominal inertia that only a constant torque loads; return speeds and memory."""
    above, v = law._above, law._values
    inertia, psi, dt = v["j_rotor"] + v["j_load"], v["psi_e"], 1e-3
    rng = np.random.default_rng(3)
    memory, omega, action = np.zeros((1, len(KNOWN))), 20.0, np.zeros((1, 1))
    queue, torque, speeds = [0.0] * periods_late, 0.0, []
    for _ in range(steps):
        seen = np.zeros((1, len(above._scale)))
        places = {"current": 0, "omega": 4, "reference": 9}
        seen[0, places["current"]] = torque / psi
        seen[0, places["omega"]] = omega + noise * rng.standard_normal()
        seen[0, places["reference"]] = 20.0
        deadbeat_shaft_rows(
            above._group, seen, memory, law._choice, above._constants, above._points, action
        )
        queue.append(action[0, 0] * v["torque_limit"])
        before, torque = torque, queue.pop(0)
        mean = torque + law._choice[N.rise] * (before - torque)
        omega += (mean - load) * dt / inertia
        speeds.append(omega)
    return np.array(speeds), memory[0]


@pytest.fixture
def permanent():
    env = gymnasium.make("gem/PermExDc-Speed-v0")
    law = gym_suite.make_controller(env, "deadbeat")
    law._values = env.unwrapped.nominal.parameters
    return law


@pytest.mark.parametrize("late", [0, 1, 2])
def test_a_load_is_observed_and_made_good(permanent, late):
    speeds, memory = followed(permanent, 4.0, 90, periods_late=late)
    assert memory[R.load] == pytest.approx(4.0, abs=1e-3)
    np.testing.assert_allclose(speeds[-10:], 20.0, atol=1e-3)


def test_noise_is_not_followed(permanent):
    """Of white noise the speed has less than four tenths, and the law goes by small steps."""
    speeds, memory = followed(permanent, 0.0, 600, noise=4.0)
    assert np.std(speeds[100:]) < 0.4 * 4.0
    assert 0.0 < memory[R.trust] < 0.5


@pytest.mark.parametrize("late", [0, 1, 2])
@pytest.mark.parametrize("name", ["ExtExDc-Speed", "PermExDc-Position", "BLDC-Speed"])
def test_the_delay_is_found(name, late):
    _, trips, state = episodes(f"gem/{name}-v0", "deadbeat", seeds=SEEDS[:2], delay=late)
    assert trips == 0
    np.testing.assert_array_equal(state[:, R.delay], late)


# ----------------------------------------------------------------------------------------------- a position


def fewest(error, omega, braking, dt):
    """Return in how many periods a bounded acceleration can bring a mass to rest at a position, by linear programs."""
    for n in range(1, 60):
        k = np.arange(n)
        stop, way = np.full(n, dt), dt * dt * (n - k - 0.5)
        found = linprog(
            np.zeros(n), A_eq=[stop, way], b_eq=[-omega, error - omega * n * dt],
            bounds=[(-braking, braking)] * n, method="highs",
        )  # fmt: skip
        if found.status == 0:
            return n
    raise AssertionError("not within 60 periods")


@pytest.mark.parametrize("start", [(1.0, 0.0), (-2.3, 0.4), (0.3, 2.0), (0.0, -1.7), (4.0, 3.1)])
def test_a_position_is_reached_in_the_fewest_periods(start):
    """A mass of unit acceleration and period 0.2, which the law drives to within the rounding of the numbers."""
    (error, omega), braking, dt = start, 1.0, 0.2
    best = fewest(error, omega, braking, dt)
    needed = 0
    while math.hypot(error, omega) > 1e-9:
        goal = speed_to_stop(error, omega, braking, dt)
        after = omega + min(max((goal - omega) / dt, -braking), braking) * dt
        error, omega = error - 0.5 * (omega + after) * dt, after
        needed += 1
        assert needed <= best
    assert needed == best


@pytest.mark.parametrize("name", POSITIONS)
def test_a_course_is_predicted_as_the_drive_goes_it(name):
    """Its cost is that of the episode, which the whole drive with its converters has been simulated for."""
    env = gymnasium.make(f"gem/{name}-v0")
    law = DeadbeatPositionControl.for_env(env, braking=0.6)
    observation, _ = env.reset(seed=11)
    nominal = env.unwrapped.nominal
    columns, horizon = nominal.setup.observation_columns, 200
    j = columns.index("position_ref")
    target = columns[j].scale * float(observation[j])
    factor = 1.0 / nominal.setup.tracking[0].scale
    state, earned = None, 0.0
    for _ in range(horizon):
        action, state = law.predict(observation, state)
        observation, reward, *_ = env.step(action)
        earned += reward
    above = law._above
    cost = course_cost(
        above._group, (0.0, 0.0, 0.0), 0.0, 0.0, target, 0.6, math.inf, (horizon, factor, 0.5),
        law._choice, above._constants, above._points,
    )  # fmt: skip
    assert 1.0 < cost < 0.9 * horizon
    assert cost == pytest.approx(horizon - earned, rel=0.02)


# ----------------------------------------------------------------------------------------------- what it earns


@pytest.mark.parametrize("name", [*SPEEDS, *POSITIONS])
def test_it_earns_more_than_the_cascade(name):
    pi, _, _ = episodes(f"gem/{name}-v0", "pi")
    deadbeat, trips, _ = episodes(f"gem/{name}-v0", "deadbeat")
    assert trips == 0
    assert (deadbeat > pi).all()
    if name in POSITIONS:
        mpc, trips, _ = episodes(f"gem/{name}-v0", "mpc")
        assert trips == 0
        assert mpc.mean() > deadbeat.mean() - 0.1


def test_on_a_drive_cycle_it_earns_more_than_the_cascade():
    pi, _, _ = episodes("gem/PMSM-DriveCycle-v0", "pi", seeds=SEEDS[:2])
    deadbeat, trips, _ = episodes("gem/PMSM-DriveCycle-v0", "deadbeat", seeds=SEEDS[:2])
    assert trips == 0
    assert (deadbeat > pi).all()


# ----------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize(
    ("name", "law", "message"),
    [
        ("PermExDc-Torque", DeadbeatShaftControl, "control='torque'"),
        ("PMSM-TwoMass", DeadbeatShaftControl, "follows omega_load"),
        ("PermExDc-Position", DeadbeatShaftControl, "for omega or v"),
        ("PermExDc-Speed", CourseControl, "for position"),
    ],
)
def test_what_it_is_not_written_for_is_said(name, law, message):
    with pytest.raises(ValueError, match=message):
        law.for_env(gymnasium.make(f"gem/{name}-v0"))


def test_a_machine_whose_currents_do_not_tell_its_torque_is_refused():
    with pytest.raises(ValueError, match="flux"):
        DeadbeatShaftControl.for_env(gymnasium.make("gem/SCIM-Speed-v0", control="torque"))


@pytest.mark.parametrize(
    ("law", "keywords"),
    [
        *((DeadbeatShaftControl, {name: -0.1}) for name in ("step", "pole", "quick", "quiet")),
        (DeadbeatShaftControl, {"delays": 3}),
        (DeadbeatPositionControl, {"braking": 1.1}),
        *((CourseControl, {name: 0}) for name in ("moves", "least", "horizon")),
    ],
)  # fmt: skip
def test_a_number_out_of_bounds_is_named(law, keywords):
    with pytest.raises(ValueError, match=next(iter(keywords))):
        task = "Speed" if law is DeadbeatShaftControl else "Position"
        law.for_env(gymnasium.make(f"gem/PermExDc-{task}-v0"), **keywords)
