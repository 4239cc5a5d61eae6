"""Operation without a sensor of the shaft: nothing of the angle is observed, and the observers find it nevertheless."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import gym_suite
from gym_suite.controllers.protocol import nominal_of
from gym_suite.motors.controllers.laws import M
from gym_suite.motors.controllers.sensorless import EmfControl, SlidingModeControl
from gym_suite.motors.controllers.sensorless_laws import (
    SENSORLESS,
    TRACED,
    N,
    R,
    _lock,
    changing_flux,
    observed,
    transition,
)
from gym_suite.motors.quantities import P

ID = "gem/PMSM-Sensorless-v0"
AGENTS = ("emf", "smo", "deadbeat", "mpc")


def driven(agent, steps, *, worlds=2, seed=0, every=1, given=None, **keywords):
    """Return true and estimated speed and angle, (times, worlds), and whether each world has not tripped."""
    envs = gymnasium.make_vec(ID, num_envs=worlds, **keywords)
    controller = gym_suite.make_controller(envs, agent, **(given or {}))
    o, _ = envs.reset(seed=seed)
    state, start, alive = None, np.ones(worlds, bool), np.ones(worlds, bool)
    told = {name: [] for name in ("omega", "omega_ref", "epsilon", "speed", "angle", "running")}
    info = None
    for k in range(steps):
        action, state = controller.predict(o, state, start)
        if info is not None and k % every == 0:
            for name in ("omega", "omega_ref", "epsilon"):
                told[name].append(info[name].copy())
            for name, place in (("speed", R.speed), ("angle", R.angle), ("running", R.running)):
                told[name].append(state[:, place].copy())
        o, _, terminated, _, info = envs.step(action)
        alive &= ~terminated
        start = terminated
    pairs = nominal_of(envs).parameters["p"]
    envs.close()
    told = {name: np.array(values) for name, values in told.items()}
    told["speed"] /= pairs
    told["off"] = np.angle(np.exp(1j * (told["angle"] - told["epsilon"])))
    return told, alive


# ------------------------------------------------------------------------------------------------ what is observed


def test_neither_angle_nor_speed_is_observed_and_currents_are_those_of_the_stators_frame():
    envs = gymnasium.make_vec(ID, num_envs=3)
    columns = envs.unwrapped.setup.observation_columns
    assert columns.names == (
        "i_salpha",
        "i_sbeta",
        "last_action_a",
        "last_action_b",
        "last_action_c",
        "omega_ref",
    )
    rng = np.random.default_rng(3)
    envs.reset(seed=1)
    for _ in range(40):
        o, _, _, _, info = envs.step(rng.uniform(-0.3, 0.3, (3, 3)).astype(np.float32))
    shown = (o[:, 0] + 1j * o[:, 1]) * columns["i_salpha"].scale
    true = (info["i_sd"] + 1j * info["i_sq"]) * np.exp(1j * info["epsilon"])
    assert abs(true).min() > 10.0
    np.testing.assert_allclose(shown, true, rtol=1e-6)


def test_references_lie_between_10_percent_of_the_nominal_speed_and_all_of_it():
    envs = gymnasium.make_vec(ID, num_envs=400)
    o, _ = envs.reset(seed=1)
    columns = envs.unwrapped.setup.observation_columns
    references = o[:, columns.index("omega_ref")] * columns["omega_ref"].scale
    nominal = nominal_of(envs).parameters["omega_nominal"]
    assert 0.1 * nominal - 1e-3 <= references.min() < 0.12 * nominal
    assert 0.98 * nominal < references.max() <= nominal + 1e-3


def test_a_current_sensors_offset_is_seen_in_its_phase():
    sensors = {"current_offset": {"a": 5.0}}
    (plain, _), (off, _) = (
        gymnasium.make(ID, sensors=given).reset(seed=4) for given in (None, sensors)
    )
    shift = (off[:2] - plain[:2]) * 400.0
    # The third current is what is missing to zero: alpha = i_a, beta = (i_a + 2 i_b) / sqrt(3).
    np.testing.assert_allclose(shift, [5.0, 5.0 / np.sqrt(3.0)], rtol=1e-5)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"frame": "dq"}, "frame='dq' turns a voltage by the rotor's angle"),
        ({"sensors": {"encoder_lines": 512}}, "sensors encoder_lines: the shaft of this id has no"),
        ({"sensors": {"resolver_first": 0.1}}, "sensors resolver_first: the shaft of this id has"),
        ({"control": "torque"}, "control"),
    ],
)
def test_what_needs_the_shafts_angle_is_refused(keywords, words):
    with pytest.raises(ValueError, match=words):
        gymnasium.make(ID, **keywords)


def test_observers_are_for_where_phase_currents_are_observed_and_magnets_start_the_rotor():
    with pytest.raises(ValueError, match=r"i_salpha, i_sbeta.*PMSM-Speed-v0 does not observe"):
        EmfControl.for_env(gymnasium.make("gem/PMSM-Speed-v0"))
    reluctance = gymnasium.make(ID, machine={"psi_p": 0.0, "l_d": 1.2e-3, "l_q": 0.3e-3})
    with pytest.raises(ValueError, match="psi_p = 0"):
        SlidingModeControl.for_env(reluctance)
    with pytest.raises(ValueError, match=r"start_current = 0\.5 holds no rotor: 120 A"):
        EmfControl.for_env(gymnasium.make(ID), start_current=0.5)


# --------------------------------------------------------------------------------------------------- the observers


def numbers(**given):
    """Return a row of the observers' law with the given numbers, 0 elsewhere."""
    law = np.zeros(len(SENSORLESS))
    for name, value in given.items():
        law[SENSORLESS.index(name)] = value
    return law


@pytest.mark.parametrize("r_s", [0.0, 1e-9, 18e-3, 5.0])
@pytest.mark.parametrize("omega_e", [0.0, 1e-3, 900.0, -3000.0])
def test_a_period_of_the_model_is_exact(r_s, omega_e):
    """Against the matrix exponential of d/dt (i, w, u) with u held and w turning."""
    tau, l_q = 1e-4, 1.2e-3
    rates = np.array([[-r_s, -1.0, 1.0], [0.0, 1j * omega_e * l_q, 0.0], [0.0, 0.0, 0.0]]) / l_q
    whole = expm(rates * tau)
    phi, turned, c, gamma = transition(omega_e, numbers(tau=tau, l_q=l_q, r_s=r_s))
    found = np.array([[phi, c, gamma], [0.0, turned, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(found, whole, rtol=1e-11, atol=1e-15)


def run_observer(sliding, pole, periods=60, bound=500.0):
    """Return the errors of the electromotive force, turned with the rotor, at a machine that SciPy integrates."""
    tau, inductance, r_s, omega_e, flux = 1e-4, 0.9e-3, 0.05, 700.0, 0.08
    law = numbers(
        tau=tau, l_d=inductance, l_q=inductance, r_s=r_s, sliding=sliding, pole=pole, bound=bound
    )
    rng = np.random.default_rng(5)
    voltages = rng.uniform(-80.0, 80.0, (periods, 2)) @ [1.0, 1j]

    def emf(t):
        return 1j * omega_e * flux * np.exp(1j * (omega_e * t + 0.3))

    def slope(t, y, u):
        change = (u - r_s * (y[0] + 1j * y[1]) - emf(t)) / inductance
        return [change.real, change.imag]

    true, current, w, errors = 10.0 - 5.0j, 10.0 - 5.0j, 0.0j, []
    for k, u in enumerate(voltages):
        span = k * tau, (k + 1) * tau
        end = solve_ivp(
            slope, span, [true.real, true.imag], "DOP853", rtol=1e-12, atol=1e-11, args=(u,)
        )
        true = complex(*end.y[:, -1])
        current, w = observed(true, current, w, u, 0.0j, omega_e, law)
        errors.append((w - emf(span[1])) * np.exp(-1j * omega_e * span[1]))
    return np.array(errors)


@pytest.mark.parametrize("pole", [0.6, 0.9])
def test_the_error_of_the_observer_by_pole_placement_has_both_poles_where_they_were_asked_for(pole):
    errors = run_observer(0.0, pole)
    assert abs(errors[0]) > 10.0 and abs(errors[-1]) < 60.0 * 60.0 * pole**59 + 1e-7
    # (z - pole)^2 applied to the sequence leaves nothing.
    left = errors[2:] - 2.0 * pole * errors[1:-1] + pole**2 * errors[:-2]
    assert abs(left).max() < 1e-7


@pytest.mark.parametrize("pole", [0.6, 0.9])
def test_the_error_in_sliding_mode_has_the_pole_of_the_low_pass(pole):
    errors = run_observer(1.0, pole)
    assert abs(errors[0]) == pytest.approx(pole * 700.0 * 0.08, rel=1e-7)
    assert abs(errors[1:] - pole * errors[:-1]).max() < 1e-7


def test_the_sliding_mode_is_reached_by_bounded_corrections():
    """With 10 V a period the 56 V cannot be explained at once, so that the mode is reached some periods later."""
    errors = run_observer(1.0, 0.6, bound=10.0)
    assert abs(errors[0]) == pytest.approx(56.0 - 0.4 * 10.0, rel=1e-3)
    assert abs(errors[1]) > 0.8 * 56.0
    assert abs(errors[-1]) < 1e-3 and abs(errors[-1] / errors[-2]) == pytest.approx(0.6, rel=1e-2)


def test_the_changing_flux_is_what_saliency_induces_along_the_d_axis():
    """A current that turns with the frame has none; one whose d part moves by 3 A a period has its closed form."""
    law = numbers(tau=1e-4, l_d=0.4e-3, l_q=1.2e-3)
    turned = np.exp(1j * (0.7 + 900.0 * 1e-4))
    before = (20.0 + 50.0j) * np.exp(0.7j)
    assert abs(changing_flux(before, (20.0 + 80.0j) * turned, 0.7, 900.0, law)) < 1e-9
    moved = changing_flux(before, (23.0 + 50.0j) * turned, 0.7, 900.0, law)
    np.testing.assert_allclose(moved, -0.8e-3 * 3.0 / 1e-4 * np.exp(0.7j), rtol=1e-9)


def lock(direction, offset, acceleration, periods=40, z=0.8, scale=1.0):
    """Return the errors of angle and speed of the phase-locked loop, (periods, 2), and its low-pass error.

    The rotor begins at 500 electrical rad/s and is accelerated by a torque that the loop is told, and the loop begins
    off by an angle.
    """
    tau, agility = 1e-4, 40.0
    law = numbers(tau=tau, locking=z, floor=1.0, fastest=1e4, agility=agility)
    memory = np.zeros(len(TRACED))
    speed, angle = direction * 500.0, 0.7
    memory[R.angle], memory[R.speed], memory[R.direction] = angle - offset, speed, direction
    errors = []
    for _ in range(periods):
        angle += (speed + 0.5 * acceleration * tau) * tau
        speed += acceleration * tau
        emf = scale * 1j * direction * np.exp(1j * angle)
        _lock(emf, acceleration / agility, memory, law)
        off = np.angle(np.exp(1j * (angle - memory[R.angle])))
        errors.append((off, speed - memory[R.speed]))
    return np.array(errors), memory[R.error]


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_both_poles_of_the_phase_locked_loop_are_where_they_were_asked_for(direction):
    z = 0.8
    errors, low = lock(direction, 1e-5, 0.0, z=z)
    for error in errors.T:  # (z - pole)^2 applied to the sequence leaves nothing
        left = error[2:] - 2.0 * z * error[1:-1] + z**2 * error[:-2]
        assert abs(left).max() < 1e-9 * abs(error).max()
    assert abs(errors[0, 0]) == pytest.approx(z**2 * 1e-5, rel=1e-6)
    # Too slow at first where the rotor is ahead: it speeds up in the way that it turns or the other.
    assert errors[0, 1] == pytest.approx(-((1.0 - z) ** 2) / 1e-4 * 1e-5, rel=1e-6)
    assert abs(low) < 1e-6
    begun = lock(direction, 1e-5, 0.0, periods=1, z=z)[1]
    assert begun == pytest.approx((1.0 - z) * 1e-5, rel=1e-6)


@pytest.mark.parametrize("acceleration", [3e4, -3e4])
def test_the_loop_keeps_up_with_an_acceleration_whose_torque_it_is_told(acceleration):
    errors, _ = lock(1.0, 0.0, acceleration)
    np.testing.assert_allclose(errors, 0.0, atol=1e-9)


def test_below_the_floor_the_loop_is_slower_in_proportion():
    whole, half = (lock(1.0, 1e-5, 0.0, periods=1, scale=scale)[0][0] for scale in (1.0, 0.5))
    assert half[1] == pytest.approx(0.5 * whole[1], rel=1e-6)


def test_the_loop_believes_no_speed_beyond_the_fastest():
    law, memory = numbers(tau=1e-4, locking=0.5, floor=1.0, fastest=300.0), np.zeros(len(TRACED))
    memory[R.direction] = 1.0
    for sign in (1.0, -1.0):
        for _ in range(50):
            ahead = memory[R.angle] + memory[R.speed] * 1e-4 + sign * 1.0
            _lock(1j * np.exp(1j * ahead), 0.0, memory, law)
        assert memory[R.speed] == sign * 300.0


def test_poles_follow_from_bandwidths_and_floors_from_the_speed_of_the_start():
    controller = EmfControl.for_env(gymnasium.make(ID), bandwidth=100.0, ratio=5.0)
    law = controller._constants
    assert law[N.locking] == pytest.approx(np.exp(-0.01))
    assert law[N.pole] == pytest.approx(np.exp(-0.05))
    assert law[N.start_speed] == pytest.approx(0.08 * 3 * law[P.omega_nominal])


# ------------------------------------------------------------------------------------------------- closed loop


#: From 10 % of the nominal speed of 100 pi rad/s to all of it.
STEP = {"kind": "step", "offset": 10.0 * np.pi, "amplitude": 90.0 * np.pi, "start": 1.4}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_step_from_10_to_100_percent_of_the_nominal_speed_is_followed_without_loss_of_lock(agent):
    told, alive = driven(agent, 19_000, worlds=20, every=5, reference=STEP, duration=2.0)
    assert alive.all()
    since = told["running"].argmax(axis=0)
    assert told["running"][-1].all() and since.max() < 2600  # within 1.3 s
    # Once the observer drives the angle is never lost; it settles in 0.1 s, 200 samples, to less than a degree at rest.
    for k, first in enumerate(since):
        assert abs(told["off"][first:, k]).max() < np.radians(60.0)
        assert abs(told["off"][first + 200 :, k]).max() < np.radians(10.0)
    assert abs(told["off"][-1]).max() < np.radians(1.0)
    np.testing.assert_allclose(told["omega"][2790], 10.0 * np.pi, atol=1.0)
    np.testing.assert_allclose(told["omega"][-1], 100.0 * np.pi, atol=3.0)


@pytest.mark.parametrize(("reference", "reached"), [(-60.0, -60.0), (15.0, 8.0 * np.pi)])
def test_a_drive_turns_as_its_first_reference_asks_but_no_slower_than_it_starts(reference, reached):
    told, alive = driven("emf", 19_000, worlds=4, every=20, reference=reference, duration=2.0)
    assert alive.all()
    np.testing.assert_allclose(told["omega"][-1], reached, atol=1.0)
    assert abs(told["off"][-1]).max() < np.radians(2.0)


@pytest.mark.parametrize("agent", ["deadbeat", "mpc"])
def test_where_the_observer_begins_to_drive_the_speed_law_begins_with_the_torque_that_there_is(
    agent,
):
    envs = gymnasium.make_vec(ID, num_envs=4, reference=60.0, duration=2.0)
    law = gym_suite.make_controller(envs, agent)
    o, _ = envs.reset(seed=5)
    state, torque, waiting, found = None, None, np.ones(4, bool), {}
    while waiting.any():
        action, state = law.predict(o, state)
        begun = waiting & (state[:, R.running] > 0.0)
        for k in np.flatnonzero(begun):
            found[k] = state[k, len(TRACED) + M.integral_speed], torque[k]
        waiting &= ~begun
        o, _, terminated, _, info = envs.step(action)
        torque = info["torque"].copy()
        assert not terminated.any()
    envs.close()
    begun, there = np.array([found[k] for k in range(4)]).T
    assert abs(there).max() > 1.0
    np.testing.assert_allclose(begun, there, atol=0.5)
