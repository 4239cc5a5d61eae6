"""Rotors other than four in a usual layout: equations written anew, the numbers of four listed ones, who flies them."""

import json
import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, lsq_linear
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.core.rows import Rows
from gym_suite.drones import parameters as pm
from gym_suite.drones import simulate
from gym_suite.drones.controllers.allocation import THRUST, YAW, Sharing
from gym_suite.drones.controllers.pid import PeerPID
from gym_suite.drones.controllers.relaxed import Relaxed
from gym_suite.drones.replay import physics_row
from gym_suite.registration import id_class_of

HOVER, FAILURE = "drones/Hover-v0", "drones/RotorFailure-v0"
#: Four rotors that nobody would build: at unlike distances, two and two turning alike.
ODD = [[0.2, -0.2, -1], [-0.25, -0.15, 1], [-0.15, 0.25, -1], [0.2, 0.1, 1]]
WIDE = [[0.25, -0.2, -1], [0.25, 0.2, 1], [0, -0.3, 1], [0, 0.3, -1], [-0.25, -0.2, -1], [-0.25, 0.2, 1]]  # fmt: skip


def ring(count, first, arm):
    """Return (x, y, turn) of rotors on a circle, counted to the left, written down anew."""
    angles = np.radians(first + 360.0 / count * np.arange(count))
    return np.column_stack([arm * np.cos(angles), arm * np.sin(angles), (-1.0) ** (np.arange(count) + 1)])  # fmt: skip


def exact(vehicle, places, rpm, dt, start):
    """Integrate Newton's and Euler's equations with drag and the rotors' lag."""
    inertia = np.diag([vehicle.i_xx, vehicle.i_yy, vehicle.i_zz])
    drag = np.diag([vehicle.drag_xy, vehicle.drag_xy, vehicle.drag_z])
    x, y, turns = np.array(places).T

    def slope(_, s, command):
        q, v, w, n = s[3:7], s[7:10], s[10:13], s[13:]
        r = Rotation.from_quat(q).as_matrix()
        f = vehicle.k_f * n**2
        force = r @ [0, 0, f.sum()] - r @ drag @ r.T @ v * n.sum() * 2 * np.pi / 60
        torque = np.array([y @ f, -x @ f, vehicle.k_m * turns @ n**2])
        body = r.T @ w
        alpha = np.linalg.solve(inertia, torque - np.cross(body, inertia @ body))
        turning = 0.5 * np.append(w * q[3] + np.cross(w, q[:3]), -w @ q[:3])
        falling = force / vehicle.mass - [0, 0, 9.80665]
        return np.concatenate([v, turning, falling, r @ alpha, (command - n) / vehicle.rotor_lag])

    s = np.concatenate([*start, np.zeros(3), rpm[0]])
    states = [s]
    for command in rpm:
        s = solve_ivp(slope, (0, dt), s, method="DOP853", rtol=1e-12, atol=1e-13, args=(command,)).y[:, -1]  # fmt: skip
        states.append(s)
    return np.array(states)


@pytest.mark.parametrize(
    ("vehicle", "places"),
    [
        ({"base": "f550", "drag_xy": 2e-4, "drag_z": 1e-4}, ring(6, 30.0, 0.27)),
        ({"base": "f550", "layout": "hexa_+", "i_yy": 0.05}, ring(6, 0.0, 0.27)),
        ("octorotor", ring(8, 0.0, 0.4)),
        ({"base": "octorotor", "layout": "octo_x", "drag_xy": 2e-4}, ring(8, 22.5, 0.4)),
        ({"base": "f550", "rotors": WIDE, "i_xx": 0.05}, WIDE),
        ({"base": "f550", "rotors": ODD, "drag_z": 3e-4}, ODD),
    ],
)
def test_flight_is_that_of_newton_s_and_euler_s_equations(vehicle, places):
    built, rng, dt = pm.build_vehicle(vehicle), np.random.default_rng(1), 1 / 240
    hover = math.sqrt(built.mass * 9.80665 / (len(places) * built.k_f))
    rpm = hover * (1.0 + 0.05 * rng.standard_normal((120, len(places))))
    rpm += 0.02 * hover * rng.standard_normal(len(places))
    start = [0.0, 0.0, 60.0], Rotation.from_rotvec([0.3, -0.2, 0.4]).as_quat(), [1.0, -1.0, 0.5]
    want = exact(built, places, rpm, dt, start)
    got = simulate(vehicle, rpm, engine="compiled", integrator="rk4", aerodynamics=("drag",),
                   position=start[0], quaternion=start[1], velocity=start[2])  # fmt: skip
    assert (np.abs(want[:, 10:13]).max(axis=0) > 0.05).all()  # it turns about all axes
    places_in = {
        "position": slice(0, 3),
        "velocity": slice(7, 10),
        "angular_velocity": slice(10, 13),
    }
    for name, columns in places_in.items():
        scale = np.abs(want[:, columns]).max()
        np.testing.assert_allclose(got[name][:, 0], want[:, columns], rtol=0, atol=1e-7 * scale)


@pytest.mark.parametrize("vehicle", ["f550", "octorotor"])
def test_it_hovers_where_the_rotors_carry_the_weight(vehicle):
    built = pm.VEHICLES[vehicle]
    hover = math.sqrt(built.mass * 9.80665 / (built.count * built.k_f))
    run = simulate(vehicle, np.full((480, built.count), hover), engine="compiled", aerodynamics=(),
                   position=[0, 0, 5], quaternion=[0, 0, 0, 1])  # fmt: skip
    np.testing.assert_allclose(run["position"][-1, 0], [0, 0, 5], rtol=0, atol=1e-9)


@pytest.mark.bullet
def test_bullet_flies_six_rotors_as_the_compiled_engine_does():
    seen = []
    for engine in ("bullet", "compiled"):
        env = gymnasium.make(HOVER, engine=engine, vehicle="f550")
        rng, track = np.random.default_rng(2), []
        env.reset(seed=4)
        for _ in range(50):
            env.step(rng.uniform(-0.3, 0.5, 6))
            state = env.unwrapped.state()
            track.append([float(state[f"position_{a}"][0]) for a in "xyz"])
        seen.append(np.array(track))
        env.close()
    assert np.ptp(seen[0], axis=0).max() > 0.3
    np.testing.assert_allclose(seen[1], seen[0], rtol=0, atol=1e-6)


#: Rotors of layout x, listed.
USUAL = [[0.028, -0.028, -1], [-0.028, -0.028, 1], [-0.028, 0.028, -1], [0.028, 0.028, 1]]
SUFFERED = {
    "wind": {"mean": (1.0, -0.5, 0.2), "turbulence": "light"},
    "payload": {"mass": 0.003, "offset": (0.01, 0.0, 0.0)},
    "failure": {"effectiveness": 0.8, "time": 0.1, "yaw_drag": 1e-6},
}


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        (HOVER, {"start_tilt": 0.5}),
        (HOVER, {"model": "bullet-parity", **SUFFERED}),
        (HOVER, {"integrator": "rk4"}),
        (HOVER, SUFFERED),
        (HOVER, {"sensors": {"position_noise": 0.01, "latency": 2}, "yaw": 0.3}),
        ("drones/Track-v0", {"action": "rates"}),
        ("drones/Track-v0", {"action": "velocity", "mismatch": 0.2}),
        (HOVER, {"action": "position"}),
        ("drones/MultiHover-v0", {}),
        ("drones/Waypoints-v0", {"history": 2, "sensors": {"position_noise": 0.01, "latency": 1}}),
        (FAILURE, {"vehicle": {}}),
    ],
)
def test_four_listed_rotors_are_the_layout_that_they_are_listed_as(id, keywords):
    """Everything that asks for rotors one by one gives the numbers of the formulas of four."""
    found = []
    for rotors in ((), USUAL):
        given = {"engine": "compiled", **keywords, "vehicle": {"base": "cf2x", "rotors": rotors}}
        rows, rng = Rows(id_class_of(id).configure(**given), 8), np.random.default_rng(5)
        rows.reset(np.ones(8, bool), rng.integers(0, 2**63, 8, dtype=np.uint64))
        for _ in range(40):
            rows.u[:] = rng.uniform(-1.0, 0.8, rows.u.shape)
            rows.advance()
        found.append((rows.x.copy(), rows.m.copy(), rows.o.copy(), rows.reward.copy()))
    for usual, listed in zip(*found, strict=True):
        np.testing.assert_allclose(listed, usual, rtol=1e-6, atol=1e-6)


def test_spaces_columns_and_keywords_say_how_many_rotors_there_are():
    env = gymnasium.make(HOVER, engine="compiled", vehicle="f550", history=2)
    setup = env.unwrapped.setup
    assert env.action_space.shape == (6,)
    assert [n for n in setup.observation_columns.names if n.endswith("rotor_5")] == ["last_action_rotor_5"]  # fmt: skip
    assert {"rotor_5", "command_5"} <= set(setup.state_columns.names)
    assert setup.effort == tuple(f"command_{i}" for i in range(6))
    env.reset(seed=0)
    _, _, _, _, info = env.step(np.array([0, 0, 0, 0, 0.25, -0.5], np.float32))
    hover = setup.row[setup.parameter_columns.index("hover_rpm")]
    told = [float(info[f"command_{i}"]) for i in range(6)]
    np.testing.assert_allclose(told, hover * (1 + 0.4 * np.array([0, 0, 0, 0, 0.25, -0.5])))
    kept = env.unwrapped.get_state()
    first = env.step(np.full(6, 0.1, np.float32))[0]
    env.unwrapped.set_state(kept)
    np.testing.assert_array_equal(env.step(np.full(6, 0.1, np.float32))[0], first)
    said = json.loads(json.dumps(setup.keywords["vehicle"]))
    assert pm.build_vehicle(said) == pm.VEHICLES["f550"]
    env.close()


def test_a_vehicle_file_lists_rotors(tmp_path):
    path = tmp_path / "wide.toml"
    path.write_text(f'[vehicle]\nbase = "f550"\nrotors = {json.dumps(WIDE)}\n', "utf-8")
    assert pm.build_vehicle(path) == pm.build_vehicle({"base": "f550", "rotors": WIDE})
    assert pm.build_vehicle(path).places == tuple(map(tuple, WIDE))


def test_several_octorotors_have_their_own_commands():
    envs = gymnasium.make_vec(
        "drones/MultiHover-v0", num_envs=3, engine="compiled", vehicle="octorotor", spacing=1.5
    )
    envs.reset(seed=0)
    action = np.tile(np.linspace(-0.5, 0.5, 16, dtype=np.float32), (3, 1))
    _, _, _, _, info = envs.step(action)
    setup = envs.unwrapped.setup
    hover = setup.row[setup.parameter_columns.index("hover_rpm")]
    for j in range(2):
        told = np.array([info[f"command_{i}_{j}"][0] for i in range(8)])
        np.testing.assert_allclose(told, hover * (1 + 0.4 * action[0, 8 * j : 8 * j + 8]), rtol=1e-6)  # fmt: skip
    envs.close()


def flown(id, law, *, steps, seeds=20, first=0, **keywords):
    """Return distances, (steps, seeds), NaN from a loss on."""
    envs = gymnasium.make_vec(id, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, _ = envs.reset(seed=first)
    state, alive, told = None, np.ones(seeds, bool), []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, ended, _, info = envs.step(action)
        alive &= ~ended
        told.append(np.where(alive, info["distance"], np.nan))
    envs.close()
    return np.array(told)


@pytest.mark.parametrize("law", ["geometric", "indi", "adaptive", "lqr", "mpc", "mellinger"])
@pytest.mark.parametrize("vehicle", ["f550", "octorotor", {"base": "f550", "rotors": WIDE}])
def test_laws_fly_to_the_point_with_any_rotors(law, vehicle):
    distances = flown(HOVER, law, steps=480, vehicle=vehicle)
    assert np.isfinite(distances[-1]).all()
    assert distances[-60:].max() < 0.15  # in the eighth second


@pytest.mark.parametrize("vehicle", ["f550", "octorotor"])
@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"noise": 0.01},
        {"mismatch": 0.3},
        {"delay": 1},
        {"disturbance": {"force_x": {"kind": "prbs", "amplitude": 0.3, "period": 0.5}}},
    ],
    ids=["nominal", "noise", "mismatch", "delay", "disturbance"],
)
def test_six_and_eight_rotors_fly_on_without_any_of_them(vehicle, setting):
    distances = flown(FAILURE, "relaxed", steps=720, vehicle=vehicle, **setting)
    assert np.isfinite(distances[-1]).all()
    assert distances[-120:].mean() < 0.15


def test_an_octocopter_flies_on_where_nobody_tells_and_a_hexacopter_does_not():
    untold = {"steps": 360, "action_range": 1.0, "failure": {"effectiveness": 0.0, "time": 1.0}}
    assert (flown(HOVER, "indi", vehicle="octorotor", **untold)[-60:] < 0.1).all()
    assert np.isnan(flown(HOVER, "indi", vehicle="f550", **untold)[-1]).all()


def test_any_rotor_may_fail_and_it_is_told_which():
    envs = gymnasium.make_vec(FAILURE, num_envs=128, engine="compiled", vehicle="octorotor")
    at = envs.unwrapped.setup.observation_columns.index("health_0")
    envs.reset(seed=0)
    for _ in range(61):
        seen = envs.step(np.zeros((128, 8), np.float32))[0][:, at : at + 8]
    assert (seen.sum(axis=1) == 7.0).all()
    assert np.bincount(seen.argmin(axis=1), minlength=8).min() > 4
    envs.close()


def torque_about_z(places, lost, sense):
    """Return the largest torque about z of a sense in level flight without a rotor, over that of the whole weight."""
    x, y, turns = np.array(places).T
    bounds = [(0.0, 0.0 if k == lost else None) for k in range(len(x))]
    found = linprog(-sense * turns, A_eq=[np.ones_like(x), x, y], b_eq=[1.0, 0.0, 0.0], bounds=bounds)  # fmt: skip
    return -found.fun


def test_a_hexacopter_loses_one_sense_of_turning_and_an_octocopter_none():
    for lost in range(6):
        places = ring(6, 30.0, 0.27)
        sense = places[lost, 2]
        assert torque_about_z(places, lost, sense) == pytest.approx(0.0, abs=1e-9)
        assert torque_about_z(places, lost, -sense) > 0.1
        assert torque_about_z(ring(8, 0.0, 0.4), lost, 1.0) > 0.1
        assert torque_about_z(ring(8, 0.0, 0.4), lost, -1.0) > 0.1


def test_rotors_share_what_is_wanted_as_well_as_their_bounds_let_them():
    rng = np.random.default_rng(0)
    for places in (ring(6, 30.0, 0.27), ring(8, 0.0, 0.4), np.array(WIDE)):
        x, y, turns = places.T
        gives, weight, most = np.array([np.ones_like(x), y, -x, 0.02 * turns]), 20.0, 8.0
        sharing = Sharing(gives, weight)
        reach = weight * max(np.abs(x).max(), np.abs(y).max())
        scale = np.array([THRUST / weight, 1 / reach, 1 / reach, YAW / (0.02 * weight)])
        demand = rng.normal([weight, 0.0, 0.0, 0.0], [8.0, 1.0, 1.0, 0.3], (20, 4))
        tops = np.where(np.arange(len(x)) == rng.integers(len(x), size=(20, 1)), 0.0, most)
        got = sharing.forces(demand, tops)
        assert (got >= 0.0).all() and (got <= tops).all()
        for forces, wanted, top in zip(got, demand, tops, strict=True):
            alive = top > 0.0
            matrix = scale[:, None] * gives
            best = lsq_linear(matrix[:, alive], scale * wanted, bounds=(0.0, most), tol=1e-12).cost
            assert 0.5 * np.square(matrix @ forces - scale * wanted).sum() <= best + 5e-7


@pytest.mark.parametrize(
    ("vehicle", "message"),
    [
        ({"rotors": USUAL[:3]}, "4 to 8 rotors, got 3"),
        ({"rotors": [[0, 0, 0.5], *USUAL[1:]]}, "turn must be 1 or -1, got 0.5"),
        ({"rotors": [[0, 0], *USUAL[1:]]}, r"rotors\[0\] must be \(x, y, turn\)"),
        ({"rotors": [[x, y, 1] for x, y, _ in USUAL]}, "must not stand in one line, nor all turn alike"),
        ({"rotors": [[x, 0.0, t] for x, _, t in USUAL]}, "must not stand in one line"),
        ({"rotors": [[x + 0.2, y, t] for x, y, t in USUAL]}, "times the mean of the listed rotors"),
        ({"layout": "hexa"}, "hexa_x"),
    ],
)  # fmt: skip
def test_rotors_that_cannot_hover_are_refused_with_the_reason(vehicle, message):
    with pytest.raises(ValueError, match=message):
        pm.build_vehicle(vehicle)


def test_rotors_are_a_list():
    with pytest.raises(TypeError, match="must list"):
        pm.build_vehicle({"rotors": 6})


def test_what_is_made_for_four_rotors_refuses_others():
    env = gymnasium.make(HOVER, engine="compiled", vehicle="f550")
    with pytest.raises(ValueError, match="the PID mixes for four rotors"):
        PeerPID.for_env(env)
    env.close()
    small = {"layout": "hexa_x"}
    for id, keywords, message in (
        (HOVER, {"vehicle": small, "battery": 0.5}, "current is that of four rotors"),
        ("drones/Autopilot-v0", {"vehicle": "f550"}, "autopilot mixes for four rotors"),
        (HOVER, {"vehicle": "f550", "failure": {"rotor": 6}}, "failure rotor"),
    ):
        with pytest.raises(ValueError, match=message):
            gymnasium.make(id, engine="compiled", **keywords)
    with pytest.raises(ValueError, match="logs are of vehicles with four rotors"):
        physics_row("octorotor", "measured")
    with pytest.raises(ValueError, match=r"shape \(steps, drones, 6\)"):
        simulate("f550", np.ones((5, 4)), position=[0, 0, 1], quaternion=[0, 0, 0, 1])
    for vehicle, message in (
        ({"base": "f550", "thrust_to_weight": 1.4}, "with rotor 0 lost the others cannot carry"),
        ({"base": "f550", "rotors": ODD}, "four rotors are listed"),
    ):
        env = gymnasium.make(FAILURE, engine="compiled", vehicle=vehicle)
        with pytest.raises(ValueError, match=message):
            Relaxed.for_env(env)
        env.close()
