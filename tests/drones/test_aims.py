"""Waypoints, gates, commanded velocities and a moving pad: rules of the tasks, and the controllers that solve them."""

import gymnasium
import numpy as np
import pytest
from scipy.optimize import minimize

import gym_suite
from gym_suite.drones.controllers.racing import Racer, lap_scale, plan_lap
from gym_suite.drones.tracks import build_track, names
from gym_suite.drones.trajectories import minimum_snap

IDS = tuple(f"drones/{name}-v0" for name in ("Waypoints", "Gates", "Velocity", "Landing"))
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
ENGINES = (("compiled", 20), pytest.param("bullet", 4, marks=pytest.mark.bullet))
GRAVITY = 9.80665


def fly(id, law, *, seeds=20, steps=479, **keywords):
    """Return returns, which drones were never lost, and the infos of every step."""
    envs = gymnasium.make_vec(id, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, state = envs.reset(seed=0)[0], None
    total, alive, infos = np.zeros(seeds), np.ones(seeds, bool), []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, ended, _, info = envs.step(action)
        total += reward * alive
        infos.append({name: np.where(alive, value, np.nan) for name, value in info.items()})
        alive &= ~ended
    envs.close()
    return total, alive, infos


def last(infos, name):
    return np.array([info[name] for info in infos])


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
def test_waypoints_are_passed_and_a_faster_law_passes_more(engine, seeds):
    total, alive, infos = fly(IDS[0], "guided", engine=engine, seeds=seeds)
    passed = last(infos, "passed")
    assert alive.all() and passed[-1].min() >= 7
    assert (np.diff(passed, axis=0) >= 0).all()
    slow, alive, _ = fly(IDS[0], "geometric", engine=engine, seeds=seeds)
    assert alive.all() and slow.mean() < 0.7 * total.mean()
    idle, _, _ = fly(IDS[0], "zero", engine=engine, seeds=seeds)
    assert idle.max() < slow.min()


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
@pytest.mark.parametrize(("track", "lap"), [("oval", 3.3), ("eight", 4.7)])
def test_the_racer_laps_every_track_without_loss(engine, seeds, track, lap):
    _, alive, infos = fly(IDS[1], "racing", engine=engine, seeds=seeds, track=track)
    assert alive.all()
    laps = last(infos, "lap_time")[-1]
    assert (laps > 0.0).all() and laps.max() < lap
    # a lap is the sum of the splits of its gates
    passed, split = last(infos, "passed"), last(infos, "split_time")
    for k in range(seeds):
        at = np.flatnonzero(np.diff(passed[:, k], prepend=0.0) > 0)
        if len(at) % 6 == 1:
            assert laps[k] == pytest.approx(split[at[-6:], k].sum(), abs=1e-9)


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
def test_commanded_velocities_are_held(engine, seeds):
    total, alive, infos = fly(IDS[2], "indi", engine=engine, seeds=seeds)
    assert alive.all() and total.min() > 350.0
    gap = [last(infos, f"target_velocity_{a}") - last(infos, f"velocity_{a}") for a in "xyz"]
    size = np.linalg.norm(gap, axis=0)
    settled = np.arange(479) % 120 > 70  # of the two seconds of a command
    assert size[settled].mean() < 0.06
    vertical = last(infos, "target_velocity_z")
    assert (vertical[:118] >= 0.0).all() and (np.abs(vertical) <= 0.3).all()
    np.testing.assert_allclose(vertical[10], -vertical[130])  # out and back


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
def test_the_moving_pad_is_landed_on_softly(engine, seeds):
    total, _, infos = fly(IDS[3], "descent", engine=engine, seeds=seeds)
    landed = last(infos, "landed")
    assert np.nansum(landed, axis=0).tolist() == [1.0] * seeds
    touch = last(infos, "touch_speed")[landed == 1.0]
    assert (touch > 0.0).all() and touch.max() < 0.4
    assert not np.nansum(last(infos, "violation")) and total.min() > 5.0


@pytest.mark.parametrize("keywords", [{"noise": 0.01}, {"mismatch": 0.2}, {"delay": 1}])
def test_landing_stands_what_compare_puts_it_through(keywords):
    _, _, infos = fly(IDS[3], "descent", **keywords)
    assert np.nansum(last(infos, "landed"), axis=0).tolist() == [1.0] * 20


def place(env, **state):
    """Put the drone of an environment somewhere and return what a step of hovering says."""
    env.reset(seed=0, options={"state": state})
    _, reward, ended, _, info = env.step(np.zeros(4))
    return reward, ended, info


def through(gate_side, **state):
    """Fly through the first gate of "oval", at (2, 0, 1) along +y, with an offset along x and z."""
    env = gymnasium.make(IDS[1], engine="compiled", **STILL).unwrapped
    for seed in range(60):
        env.reset(seed=seed)
        if env.state()["stage"][0] == 0:
            break
    dx, dz = gate_side
    numbers = {"position_x": 2.0 + dx, "position_y": -0.02, "position_z": 1.0 + dz}
    numbers |= {"velocity_y": 3.0, **state}
    env.reset(seed=seed, options={"state": numbers})
    _, _, ended, _, info = env.step(np.zeros(4))
    return info["passed"], ended, info["violation"]


def test_a_gate_is_an_opening_with_a_frame_about_it():
    radius = 0.06
    clear = 0.25 - radius
    for side in ((0.0, 0.0), (clear - 0.01, 0.0), (0.0, 0.01 - clear)):
        assert through(side) == (1, False, 0)
    for side in ((clear + 0.01, 0.0), (0.0, clear + 0.01), (0.40, 0.0), (0.0, -0.40)):
        assert through(side) == (0, True, 1)
    # what counts is where the plane is crossed, here at four fifths of the period
    slanting = {"position_y": -0.04, "velocity_x": 5.4}
    assert through((0.0, 0.0), position_x=2.11, **slanting) == (1, False, 0)
    assert through((0.0, 0.0), position_x=2.13, **slanting) == (0, True, 1)
    assert through((0.43, 0.0)) == (0, False, 0)  # past the frame, outside
    assert through((0.0, 0.0), position_y=0.02, velocity_y=-3.0) == (0, False, 0)  # backwards


def test_coming_down_beside_the_pad_fast_or_tilted_is_a_crash():
    env = gymnasium.make(IDS[3], engine="compiled", **STILL, speed=1e-3).unwrapped
    env.reset(seed=0)
    pad = {a: env.state()[f"target_{a}"][0] for a in "xy"}
    low = {"position_z": 0.0135, "velocity_z": -0.2}
    on = {f"position_{a}": value for a, value in pad.items()} | low
    reward, ended, info = place(env, **on)
    assert ended and info["landed"] == 1 and info["violation"] == 0 and reward > 4.5
    assert info["touch_speed"] == pytest.approx(0.2, abs=0.002)
    half = np.radians(30.0) / 2.0
    tilted = {"quaternion_y": np.sin(half), "quaternion_w": np.cos(half), "position_z": 0.041}
    beside = tuple({f"position_{a}": pad[a] + 0.21} for a in "xy")
    for wrong in (*beside, {"velocity_z": -0.7}, tilted):
        reward, ended, info = place(env, **(on | wrong))
        assert ended and info["landed"] == 0 and info["violation"] == 1 and reward < -5.0


def test_progress_is_what_the_distance_shrinks_by():
    env = gymnasium.make(IDS[0], engine="compiled").unwrapped
    env.reset(seed=3)
    for _ in range(30):
        before = env.state()
        gap = np.sqrt(sum((before[f"target_{a}"] - before[f"position_{a}"]) ** 2 for a in "xyz"))
        _, _, ended, _, info = env.step(np.full(4, 0.05))
        assert info["reward_progress"] == pytest.approx(gap[0] - info["target_distance"], abs=1e-9)
        assert not ended


@pytest.mark.parametrize("id", IDS)
def test_snapshots_go_on_as_the_episode_did(id):
    env = gymnasium.make(id, engine="compiled").unwrapped
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-0.1, 0.1, (20, 4))
    for action in actions[:10]:
        env.step(action)
    kept = env.get_state()
    first = [env.step(action)[:2] for action in actions[10:]]
    env.set_state(kept)
    for (observation, reward), action in zip(first, actions[10:], strict=True):
        again = env.step(action)
        np.testing.assert_array_equal(again[0], observation)
        assert again[1] == reward


def test_tracks_are_refused_with_the_reason(tmp_path):
    gate = {"centre": [0, 0, 1], "through": [1, 0]}
    sizes = {"width": 0.5, "height": 0.5, "frame": 0.1}

    def track(*gates, **more):
        return {**sizes, **more, "gates": list(gates)}

    other = {"centre": [1, 0, 1], "through": [0, 2]}
    assert len(build_track(track(gate, other))) == 2
    for wrong, message in (
        (track(gate, {**other, "centre": [0.3, 0, 1]}), "gates 0 and 1 intersect"),
        (track(gate, gate), "gates 0 and 1 intersect"),
        (track(gate), "2 to 200 gates, got 1"),
        (track(gate, {**other, "centre": [1, 0, 0.3]}), "gate 1 stands in the floor"),
        (track(gate, {**other, "through": [0, 0]}), "gate 1 needs a direction"),
        (track(gate, {"centre": [1, 0, 1]}), "gate 1 has no 'through'"),
        (track(gate, {**other, "with": 1}), "'with'"),
        ({"gates": [gate, other]}, "gate 0 has no 'width'"),
        ("ovel", "'oval'"),
    ):
        with pytest.raises(ValueError, match=message):
            build_track(wrong)
    stacked = {"centre": [0, 0, 1.8], "through": [1, 0]}  # one above the other, frames apart
    assert len(build_track(track(gate, stacked))) == 2
    with pytest.raises(ValueError, match="cannot be read"):
        build_track(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("gates = 3 3", "utf-8")
    with pytest.raises(ValueError, match="is not TOML"):
        build_track(str(bad))
    with pytest.raises(ValueError, match=r"the vehicle needs more than 0\.6 m"):
        gymnasium.make(IDS[1], engine="compiled", vehicle="x500")
    with pytest.raises(ValueError, match="bound = 1 m ends"):
        gymnasium.make(IDS[1], engine="compiled", bound=1.0)
    with pytest.raises(ValueError, match="waypoints are up to 6 m apart"):
        gymnasium.make(IDS[0], engine="compiled", spread=2.0)


def test_a_track_file_of_ones_own_is_raced_on(tmp_path):
    lines = ["width = 0.8", "height = 0.8", "frame = 0.05"]
    for centre, way in (((2, 0, 1), (0, 1)), ((0, 1, 1.2), (-1, 0)), ((-1.5, 0, 1), (0, -1))):
        lines += ["[[gates]]", f"centre = {list(centre)}", f"through = {list(way)}"]
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines), "utf-8")
    env = gymnasium.make(IDS[1], engine="compiled", track=str(path))
    again = gymnasium.make(IDS[1], **env.unwrapped.setup.keywords)  # JSON's form of it
    np.testing.assert_array_equal(env.reset(seed=2)[0], again.reset(seed=2)[0])
    _, alive, infos = fly(IDS[1], "racing", track=str(path))
    assert alive.all() and last(infos, "passed")[-1].min() >= 3


def point_mass_lap(gates, most, parts=4, own=0.06):
    """Return the least time of a lap of a point mass, s: collocation with accelerations constant in parts of a way.

    Free are the times of the ways, places in the openings, velocities there, and accelerations; what is given is that
    thrust is at most ``most``, m/s^2.
    """
    n = len(gates)
    centre, way = (np.array([getattr(g, name) for g in gates]) for name in ("centre", "through"))
    aside = np.column_stack([-way[:, 1], way[:, 0], np.zeros(n)])
    room = np.array([[0.5 * g.width - own, 0.5 * g.height - own] for g in gates])
    left = parts - np.arange(parts) - 0.5

    def split(x):
        return (
            x[:n],
            x[n : 3 * n].reshape(n, 2),
            x[3 * n : 6 * n].reshape(n, 3),
            x[6 * n :].reshape(n, parts, 3),
        )

    def joined(x):
        times, offsets, v, a = split(x)
        p = centre + offsets[:, :1] * aside + offsets[:, 1:] * [0.0, 0.0, 1.0]
        h = times[:, None] / parts
        moved = v * times[:, None] + h**2 * (left[:, None] * a).sum(axis=1)
        gained = h * a.sum(axis=1)
        return np.concatenate(
            [(p + moved - np.roll(p, -1, 0)).ravel(), (v + gained - np.roll(v, -1, 0)).ravel()]
        )

    def spared(x):
        force = split(x)[3] + [0.0, 0.0, GRAVITY]
        return (1.0 - np.square(force).sum(axis=2) / most**2).ravel()

    def slopes(function):
        def jacobian(x):
            return np.array([function(x + 1e-7 * e) - function(x) for e in np.eye(len(x))]).T / 1e-7

        return jacobian

    v = (np.roll(centre, -1, 0) - np.roll(centre, 1, 0)) / 1.2
    a = np.repeat((np.roll(v, -1, 0) - v)[:, None] / 0.6, parts, axis=1)
    x = np.concatenate([np.full(n, 0.6), np.zeros(2 * n), v.ravel(), a.ravel()])
    bounds = [(0.05, 5.0)] * n + [(-r, r) for r in room.ravel()] + [(None, None)] * (len(x) - 3 * n)
    found = minimize(
        lambda x: x[:n].sum(),
        x,
        jac=lambda x: np.append(np.ones(n), np.zeros(len(x) - n)),
        bounds=bounds,
        method="SLSQP",
        constraints=[
            {"type": "eq", "fun": joined, "jac": slopes(joined)},
            {"type": "ineq", "fun": spared, "jac": slopes(spared)},
        ],
        options={"maxiter": 300, "ftol": 1e-6},
    )
    assert found.success and np.abs(joined(found.x)).max() < 1e-5
    return found.fun


@pytest.mark.parametrize(
    ("track", "least", "planned"), [("oval", 1.92, 3.19), ("eight", 2.55, 4.6)]
)
def test_laps_stand_beside_the_bound_of_a_point_mass(track, least, planned):
    gates = build_track(track)
    assert point_mass_lap(gates, 1.96 * GRAVITY) == pytest.approx(least, abs=0.01)
    env = gymnasium.make(IDS[1], engine="compiled", track=track)
    lap = gym_suite.make_controller(env, "racing").lap_time_
    assert least < lap <= planned


def test_every_track_that_ships_is_listed_in_the_error():
    assert names() == ("eight", "oval")
    with pytest.raises(ValueError, match="racing control needs gates"):
        Racer().for_env(gymnasium.make(IDS[0], engine="compiled"))


def test_a_planned_lap_meets_its_points_and_what_it_is_allowed():
    points = np.array([gate.centre for gate in build_track("oval")])
    limits = {"thrust": 16.0, "gravity": GRAVITY, "rate": 2.5}
    lap = plan_lap(points, **limits)
    assert lap_scale(lap, **limits) == pytest.approx(1.0, abs=1e-3)
    ends = np.cumsum(lap.durations)
    np.testing.assert_allclose(lap.at(ends), np.roll(points, -1, axis=0), atol=1e-9)
    t = np.linspace(0.0, ends[-1], 2000)
    force = lap.at(t, 2) + np.array([0.0, 0.0, GRAVITY])
    turning = np.linalg.norm(lap.at(t, 3), axis=1) / np.linalg.norm(force, axis=1)
    assert np.linalg.norm(force, axis=1).max() < 16.2 and turning.max() < 2.7
    for k in range(1, 5):  # closed and smooth
        np.testing.assert_allclose(lap.at(0.0, k), lap.at(ends[-1] - 1e-9, k), rtol=1e-4, atol=1e-4)


def test_a_closed_trajectory_of_least_snap_is_what_a_quadratic_programme_finds():
    """Places, velocities, accelerations and jerks at the points are free, pieces of degree 7 between them."""
    points = np.array([[0, 0, 1], [1, 0.5, 1.5], [0.5, 1.5, 1.2], [0, 0, 1]], dtype=float)
    spans = np.array([1.0, 0.8, 1.4])
    pieces = minimum_snap(points, spans, closed=True)
    powers = np.arange(8)

    def row(t, k):
        factor = np.prod([np.maximum(powers - i, 0) for i in range(k)], axis=0) if k else 1.0
        return factor * float(t) ** np.maximum(powers - k, 0)

    cost, equal, right = np.zeros((24, 24)), [], []
    for i, span in enumerate(spans):
        nodes, weights = np.polynomial.legendre.leggauss(8)
        for node, weight in zip(nodes, weights, strict=True):
            snap = row(0.5 * span * (node + 1.0), 4)
            cost[8 * i : 8 * i + 8, 8 * i : 8 * i + 8] += 0.5 * span * weight * np.outer(snap, snap)
        for t, point in ((0.0, points[i]), (span, points[i + 1])):
            line = np.zeros(24)
            line[8 * i : 8 * i + 8] = row(t, 0)
            equal.append(line)
            right.append(point)
        for k in range(1, 4):
            line, after = np.zeros(24), (i + 1) % 3
            line[8 * i : 8 * i + 8] += row(span, k)
            line[8 * after : 8 * after + 8] -= row(0.0, k)
            equal.append(line)
            right.append(np.zeros(3))
    equal, right = np.array(equal), np.array(right)
    for axis in range(3):
        start = np.linalg.lstsq(equal, right[:, axis], rcond=None)[0]
        found = minimize(
            lambda c: c @ cost @ c,
            start,
            jac=lambda c: 2.0 * cost @ c,
            constraints={
                "type": "eq",
                "fun": lambda c, a=axis: equal @ c - right[:, a],
                "jac": lambda c: equal,
            },
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        ours = pieces.coefficients[:, axis].ravel()
        assert np.abs(equal @ ours - right[:, axis]).max() < 1e-8
        assert ours @ cost @ ours <= found.fun * (1.0 + 1e-6)
        assert ours @ cost @ ours == pytest.approx(found.fun, rel=1e-3)
    with pytest.raises(ValueError, match="a closed trajectory ends where it begins"):
        minimum_snap(points[:3], spans[:2], closed=True)
