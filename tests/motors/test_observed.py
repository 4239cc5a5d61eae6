"""Speed control with an observer of the load, and linear-quadratic currents: what they promise."""

import gymnasium
import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

import gym_suite
from gym_suite.motors.controllers.load_observer import ESTIMATED, E

SEEDS = list(range(60_000, 60_006))


def run(id, agent, steps, seeds=SEEDS, gains=None, **keywords):
    """Return returns, (seeds,), how many tripped, the agent's last state and the errors over time."""
    envs = gymnasium.make_vec(id, num_envs=len(seeds), **keywords)
    law = gym_suite.make_controller(envs, agent, **(gains or {}))
    observation, _ = envs.reset(seed=list(seeds))
    tracked = envs.unwrapped.setup.tracking[0]
    total, alive, state = np.zeros(len(seeds)), np.ones(len(seeds), bool), None
    errors = []
    for _ in range(steps):
        action, state = law.predict(observation, state)
        observation, reward, terminated, _, info = envs.step(action)
        total += np.where(alive, reward, 0.0)
        alive &= ~terminated
        errors.append(info[tracked.value] - info[tracked.reference])
    return total, int((~alive).sum()), state, np.array(errors)


@pytest.mark.parametrize(
    "keywords", [{}, {"mismatch": 0.3}, {"delay": 1}, {"noise": 0.01}], ids=str
)
def test_speed_is_followed_without_a_trip_and_about_as_well_as_by_pi_or_better(keywords):
    own, trips, _, _ = run("gem/PMSM-Speed-v0", "load-observer", 4000, **keywords)
    reference = run("gem/PMSM-Speed-v0", "pi", 4000, **keywords)[0]
    assert trips == 0
    # Noise goes through the observer too.
    assert own.mean() > (0.99 if "noise" in keywords else 1.0) * reference.mean()


def test_the_observer_finds_a_load_that_the_model_does_not_know():
    extra = 12.0
    torque = {"torque_load": {"kind": "step", "amplitude": extra, "start": 0.05}}
    _, _, state, errors = run(
        "gem/PMSM-Speed-v0", "load-observer", 3000, disturbance=torque, reference=40.0
    )
    assert state.shape == (len(SEEDS), len(ESTIMATED))
    np.testing.assert_allclose(state[:, E.load], extra, rtol=0.02)
    assert np.abs(errors[-1]).max() < 0.05


@pytest.mark.parametrize("pole", [0.5, 0.9])
def test_the_observers_error_has_its_poles_where_they_were_placed(pole):
    """(1 - z/q)^2 times a step of the load, written out: an unknown load d is seen as d (1 - (1 + n (1 - q)) q^n)."""
    env = gymnasium.make(
        "gem/PMSM-DriveCycle-v0",
        start=0.0,
        disturbance={"torque_load": {"kind": "step", "amplitude": 20.0, "start": 0.2}},
    )
    law = gym_suite.make_controller(env, "load-observer", pole=pole)
    observation, _ = env.reset(seed=0)
    state, seen = None, []
    for _ in range(60):
        action, state = law.predict(observation, state)
        observation = env.step(action)[0]
        seen.append(state[E.load])
    n = np.arange(40)
    wanted = 20.0 * (1.0 - (1.0 + n * (1.0 - pole)) * pole**n)
    # The observation of step 21 is the first that shows a period under the load.
    np.testing.assert_allclose(seen[20:60], wanted, atol=0.3)


def test_with_a_preview_the_cycle_is_followed_more_closely_than_by_pi():
    def rmse(agent, **keywords):
        errors = run("gem/PMSM-DriveCycle-v0", agent, 3000, **keywords)[3]
        return np.sqrt(np.mean(errors**2))

    ahead = rmse("load-observer", preview=1)
    assert ahead < 0.9 * rmse("pi")
    assert ahead < 0.8 * rmse("load-observer")


def test_noise_on_the_cycle_trips_neither_observer_nor_reference_whose_error_is_filtered():
    assert run("gem/PMSM-DriveCycle-v0", "load-observer", 2000, noise=0.01)[1] == 0
    assert run("gem/PMSM-DriveCycle-v0", "pi", 2000, noise=0.01)[1] == 0
    bare = {"error_lag": 0.0, "symmetry": 4.0}
    assert run("gem/PMSM-DriveCycle-v0", "pi", 2000, gains=bare, noise=0.01)[1] > 0


def test_the_filtered_error_is_that_of_a_first_order_lag_and_its_gains_reckon_with_it():
    """A constant error of the speed is demanded as (1 - exp(-n dt / lag)) of it, and the integral of that."""
    env = gymnasium.make("gem/PMSM-DriveCycle-v0", start=100.0)
    values, columns = env.unwrapped.nominal.parameters, env.unwrapped.setup.observation_columns
    lag, dt, a = 0.2, 0.01, 3.0
    law = gym_suite.make_controller(env, error_lag=lag, symmetry=a)
    lever = values["wheel_radius"] / values["gear_ratio"]
    inertia = values["j_rotor"] + values["mass"] * lever**2
    gains = law.gains_["omega"]
    delay = inertia / (a * gains.kp)
    assert delay - lag == pytest.approx(0.0153)  # of the drive's own current loop and of sampling
    assert gains.ki == pytest.approx(gains.kp / (a**2 * delay))
    observation, _ = env.reset(seed=0)
    apart = observation.copy()
    place, error = columns.index("omega"), 10.0
    apart[place] -= error / columns["omega"].scale
    seen = float(observation[place] - apart[place]) * columns["omega"].scale
    state, other, demands = None, None, []
    for _ in range(20):
        here, state = law.predict(observation, state)
        there, other = law.predict(apart, other)
        demands.append(float(there[0] - here[0]) * values["torque_limit"])
    filtered = seen * (1.0 - np.exp(-np.arange(1, 21) * dt / lag))
    integral = gains.ki * dt * (np.cumsum(filtered) - filtered)
    # The table of operating points rounds torques.
    np.testing.assert_allclose(demands, gains.kp * filtered + integral, rtol=1e-3, atol=0.2)


def test_a_lag_below_zero_is_refused():
    with pytest.raises(ValueError, match="error_lag"):
        gym_suite.make_controller(gymnasium.make("gem/PMSM-DriveCycle-v0"), error_lag=-0.1)


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/SynRM-v0", "gem/PMSM-Torque-v0"])
def test_gains_are_those_of_the_riccati_equation(id):
    law = gym_suite.make_controller(gymnasium.make(id), "lqr", effort=0.4, integral=0.2)
    values = gymnasium.make(id).unwrapped.nominal.parameters
    tau, r, l_q = values["tau"], values["r_s"], values["l_q"]
    a = np.exp(-tau * r / l_q)
    b = (1.0 - a) / r
    plant, inlet = np.array([[a, 0.0], [tau, 1.0]]), np.array([[b], [0.0]])
    q = np.diag([1.0, (0.2 / tau) ** 2]) / values["i_limit"] ** 2
    weight = np.array([[(0.4 * np.sqrt(3.0) / values["u_dc"]) ** 2]])
    p = solve_discrete_are(plant, inlet, q, weight)
    k = np.linalg.solve(weight + inlet.T @ p @ inlet, inlet.T @ p @ plant)[0]
    gains = law.gains_["i_sq"]
    np.testing.assert_allclose([gains.kp, gains.ki], k, rtol=1e-6)


@pytest.mark.parametrize("keywords", [{}, {"mismatch": 0.3}, {"delay": 1}], ids=str)
def test_linear_quadratic_currents_beat_the_rule(keywords):
    own, trips, _, _ = run("gem/PMSM-v0", "lqr", 1000, **keywords)
    assert trips == 0
    assert own.mean() > run("gem/PMSM-v0", "pi", 1000, **keywords)[0].mean()


def test_on_a_cycle_the_demand_moves_with_the_reference():
    """A reference that has moved by dv since the last sample asks for the torque that adds as much again."""
    env = gymnasium.make("gem/PMSM-DriveCycle-v0", start=100.0)
    values = env.unwrapped.nominal.parameters
    columns = env.unwrapped.setup.observation_columns
    law = gym_suite.make_controller(env, "load-observer")
    observation, _ = env.reset(seed=0)
    place, dv = columns.index("v_ref"), 0.005
    later = observation.copy()
    later[place] += dv / columns["v_ref"].scale

    def demand(*seen):
        state = None
        for one in seen:
            action, state = law.predict(one, state)
        return float(action[0]) * values["torque_limit"]

    moved = demand(observation, later) - demand(later, later)
    lever = values["wheel_radius"] / values["gear_ratio"]
    inertia = values["j_rotor"] + values["mass"] * lever**2
    true_dv = float(later[place] - observation[place]) * columns["v_ref"].scale
    assert moved == pytest.approx(true_dv / lever * inertia / 0.01, rel=1e-3)


def test_a_filtered_prediction_lets_less_noise_into_the_voltage():
    def restlessness(part):
        env = gymnasium.make(
            "gem/PMSM-v0", noise=0.01, speed=100.0, reference={"i_sd": -20.0, "i_sq": 50.0}
        )
        law = gym_suite.make_controller(env, "deadbeat", filter=part, observer=0.0)
        observation, _ = env.reset(seed=0)
        state, actions = None, []
        for _ in range(300):
            action, state = law.predict(observation, state)
            observation = env.step(action)[0]
            actions.append(action)
        return np.std(actions[50:], axis=0).mean()

    # Of white noise on the currents a part of the correction reaches the voltage.
    assert restlessness(0.3) < 0.5 * restlessness(1.0)
