"""Mellinger's law: its formulas written out anew, its wanted rates, and a minimum-snap path that it follows."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.drones.controllers.flatness import attitude
from gym_suite.drones.controllers.laws import fill_demand
from gym_suite.drones.controllers.mellinger import Mellinger

TRACK = "drones/Track-v0"
POINTS = [(0, 0, 1), (1, 0.5, 1.3), (1.5, -0.5, 0.9), (0, -1, 1.2), (-1, 0, 1.0), (0, 0, 1)]
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}


def made(**keywords):
    env = gymnasium.make(TRACK, engine="compiled", **keywords)
    return env, gym_suite.make_controller(env, "mellinger")


def frame(force):
    """Return the axes, in columns, of a body whose z axis is along a force, the nose along x."""
    z = force / np.linalg.norm(force)
    y = np.cross(z, [1.0, 0.0, 0.0])
    y /= np.linalg.norm(y)
    return np.column_stack([np.cross(y, z), y, z])


def vee(skew):
    return np.array([skew[2, 1], skew[0, 2], skew[1, 0]])


@pytest.mark.parametrize("axis", range(3))
def test_the_error_of_attitude_is_the_sine_of_the_angle(axis):
    """1/2 vee(R_d' R - R' R_d) of a turn by an angle about an axis is that axis times the sine."""
    env, law = made()
    values = env.unwrapped.nominal.parameters
    for angle in (-1.2, 0.3, 2.0):
        turned = Rotation.from_rotvec(angle * np.eye(3)[axis]).as_matrix()
        zero, demand = np.zeros((1, 3)), np.empty((1, 4))
        fill_demand(
            zero,
            zero,
            turned.reshape(1, 9),
            zero,
            zero,
            zero,
            zero,
            law._row,
            law._gains,
            np.inf,
            demand,
        )
        wanted = np.zeros(3)
        inertia = values[("i_xx", "i_yy", "i_zz")[axis]]
        wanted[axis] = -inertia * float(law.gains_["attitude"]) * np.sin(angle)
        np.testing.assert_allclose(demand[0, 1:], wanted, atol=1e-12)


def test_its_actions_are_those_of_its_formulas_written_out_anew():
    env, law = made(path={"kind": "lemniscate", "size": 1.0, "period": 5.0})
    columns, values = env.unwrapped.setup.observation_columns, env.unwrapped.nominal.parameters
    gains = {name: float(value) for name, value in law.gains_.items()}
    dt, span = env.unwrapped.setup.dt, env.unwrapped.setup.action_columns[0].scale
    mass, g, hover = values["mass"], values["gravity"], values["hover_rpm"]
    inertia = np.array([values["i_xx"], values["i_yy"], values["i_zz"]])
    turning = 4 * hover * 2 * np.pi / 60
    drag = np.array([values["drag_xy"], values["drag_xy"], values["drag_z"]]) * turning / mass
    places = values["lever"] * np.array([(1, -1), (-1, -1), (-1, 1), (1, 1)])
    effects = np.array(
        [
            np.ones(4),
            places[:, 1],
            -places[:, 0],
            values["k_m"] / values["k_f"] * np.array([-1, 1, -1, 1]),
        ]
    )
    kept = np.exp(-dt / values["motor_lag"])

    def seen(o, name):
        places = [columns.index(f"{name}_{a}") for a in "xyz"]
        return np.array([o[k] * columns[k].scale for k in places], dtype=np.float64)

    observation, _ = env.reset(seed=4)
    state, summed, believed, before, most = None, np.zeros(3), np.zeros(4), None, 0.0
    for _ in range(40):
        action, state = law.predict(observation, state)
        o = observation.astype(np.float64)
        error = seen(o, "error")
        error[:2] *= min(1.0, 0.3 / max(np.linalg.norm(error[:2]), 1e-9))
        velocity, push = seen(o, "target_velocity"), seen(o, "target_acceleration")
        # Of the observed acceleration the jerk is a difference, of what drag adds it is exact.
        jerk = drag * push + (0.0 if before is None else (push - before) / dt)
        before = push
        summed = summed + dt * np.clip(error, -0.2, 0.2)
        asked = push + drag * velocity + [0.0, 0.0, g]
        force = mass * (
            gains["position"] * error
            + gains["velocity"] * (velocity - seen(o, "velocity"))
            + gains["integral"] * summed
            + asked
        )
        at = columns.index("rotation_xx")
        r = o[at : at + 9].reshape(3, 3)
        wanted = frame(force)
        e_r = 0.5 * vee(wanted.T @ r - r.T @ wanted)
        # The rates of the flat body by a difference of two attitudes.
        h = 1e-6
        ahead, behind = frame(asked + h * jerk), frame(asked - h * jerk)
        spin = Rotation.from_matrix(ahead @ behind.T).as_rotvec() / (2 * h)
        rate = seen(o, "body_rate")
        e_w = rate - r.T @ spin
        torque = -inertia * (gains["attitude"] * e_r + gains["rate"] * e_w)
        torque += np.cross(rate, inertia * rate)
        thrusts = np.linalg.solve(effects, [force @ r[:, 2], *torque])
        speed = np.sqrt(np.maximum(thrusts / values["k_f"], 0.0))
        rotor = believed + hover
        led = rotor + (speed - rotor) * values["motor_lag"] / gains["lag"]
        expected = (np.clip(led, 0.0, values["max_rpm"]) / hover - 1.0) / span
        expected -= max(expected.max() - 1.0, 0.0)
        expected += max(-1.0 - expected.min(), 0.0)
        expected = np.clip(expected, -1.0, 1.0)
        np.testing.assert_allclose(action, expected, atol=2e-5)
        most = max(most, float(np.abs(spin).max()))
        settled = expected * span * hover
        believed = settled + (believed - settled) * kept
        observation, *_ = env.step(action)
    assert most > 0.2  # there was something to feed forward


def test_wanted_rates_are_those_of_the_attitude_along_a_trajectory():
    t = np.linspace(0.0, 3.0, 7)
    w, h = np.array([1.3, 0.9, 1.7]), 1e-5

    def force(t):
        a = -(w**2) * np.sin(np.outer(t, w))
        a[:, 2] += 9.80665
        return a

    jerk = -(w**3) * np.cos(np.outer(t, w))
    size, axes, rates = attitude(np.stack([force(t).T, jerk.T]))
    np.testing.assert_allclose(size[0], np.linalg.norm(force(t), axis=1))
    for k, moment in enumerate(t):
        ahead, behind = (frame(force(np.array([moment + s]))[0]) for s in (h, -h))
        spin = Rotation.from_matrix(ahead @ behind.T).as_rotvec() / (2 * h)
        body = frame(force(np.array([moment]))[0])
        np.testing.assert_allclose(axes[0, :, :, k].T, body, atol=1e-9)
        np.testing.assert_allclose(rates[0, :, k], body.T @ spin, atol=1e-6)


class WithoutRates(Mellinger):
    """The law without what differential flatness says of the body's rates."""

    def _turning(self, acceleration, jerk):
        return np.zeros_like(acceleration)


def along_points(law, speed, **keywords):
    """Return distances from the target on a path of least snap, (steps, seeds)."""
    path = {"kind": "points", "points": POINTS, "speed": speed}
    envs = gymnasium.make_vec(TRACK, 4, engine="compiled", path=path, **STILL, **keywords)
    controller = law.for_env(envs)
    observation, _ = envs.reset(seed=0)
    state, distances = None, []
    for _ in range(int(60 * 7.4 / speed)):
        action, state = controller.predict(observation, state)
        observation, _, ended, _, info = envs.step(action)
        assert not ended.any()
        distances.append(info["distance"])
    envs.close()
    return np.array(distances)


@pytest.mark.parametrize(("speed", "rms", "most"), [(1.0, 0.013, 0.03), (1.5, 0.045, 0.09)])
def test_a_path_of_least_snap_through_points_is_followed_better_for_the_wanted_rates(
    speed, rms, most
):
    error = along_points(Mellinger, speed)
    without = along_points(WithoutRates, speed)
    assert np.sqrt((error**2).mean()) < rms and error.max() < most
    assert np.sqrt((without**2).mean()) > 2.0 * rms


@pytest.mark.parametrize(
    ("setting", "rms"), [({"noise": 0.01}, 0.03), ({"delay": 1}, 0.03), ({"mismatch": 0.2}, 0.1)]
)
def test_it_stays_on_a_slow_one_in_every_setting(setting, rms):
    """Vehicles that lack 30 % of their thrust under 30 % more weight leave it for a while, as with other laws."""
    error = along_points(Mellinger, 0.7, **setting)
    assert np.sqrt((error**2).mean()) < rms


def test_a_path_that_asks_for_free_fall_gives_actions_that_are_numbers():
    period = 2 * np.pi * np.sqrt(1.0 / 11.0)
    path = {"kind": "circle", "size": 0.1, "rise": 1.0, "period": period}
    env, law = made(path=path, bound=50.0, **STILL)
    observation, _ = env.reset(seed=0)
    state = None
    for _ in range(40):
        action, state = law.predict(observation, state)
        assert np.isfinite(action).all()
        observation, *_ = env.step(action)
