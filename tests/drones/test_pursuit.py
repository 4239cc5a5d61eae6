"""An evader and its pursuers: the evader's law integrated a second time here, what is earned, and who catches it."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.drones.groups import ARENA_FLOOR, CATCH, WALL

from .test_groups import SETTINGS, STILL, fly, page, vector

ID = "drones/Pursuit-v0"


def pushed(evader, pursuers, arena):
    """Return what pushes an evader, from the words of the page."""
    away = evader - pursuers
    length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 0.05)
    push = (away / length / length**2).sum(axis=0)
    level = np.append(evader[:2], 0.0)
    radius = max(np.linalg.norm(level), 0.05)  # on the axis the mantle is everywhere equally near
    for inwards, far in (
        (-level / radius, arena - np.linalg.norm(level)),
        (np.array([0.0, 0.0, 1.0]), evader[2] - ARENA_FLOOR),
        (np.array([0.0, 0.0, -1.0]), ARENA_FLOOR + arena - evader[2]),
    ):
        push = push + WALL * inwards / max(far, 0.05) ** 2
    return push


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"drones": 2, "arena": 2.0, "evader_speed": 2.0, "evader_acceleration": 9.0, "catch": 0.05},
        pytest.param({"engine": "bullet"}, marks=pytest.mark.bullet),
    ],
)
def test_the_evader_flies_by_its_law(keywords):
    env = gymnasium.make(ID, **({"engine": "compiled"} | keywords)).unwrapped
    count = env.setup.agent_count
    arena, fast, most = (
        keywords.get(name, default)
        for name, default in (("arena", 3.0), ("evader_speed", 1.5), ("evader_acceleration", 4.0))
    )
    law = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=8)
    place, speed = (vector(env.state(), name, 0) for name in ("target", "target_velocity"))
    assert (speed == 0.0).all()
    state, ended, steps, dt = None, False, 0, 1.0 / 60.0
    while not ended and steps < 300:
        action, state = law.predict(observation, state)
        observation, _, ended, _, info = env.step(action)
        now = env.state()
        pursuers = np.array([vector(now, "position", j) for j in range(count)])
        push = pushed(place, pursuers, arena)
        wanted = fast * push / max(np.linalg.norm(push), 1.0 / arena**2)
        change = wanted - speed
        size = np.linalg.norm(change)
        speed = speed + change * min(1.0, most * dt / size)
        place = place + dt * speed
        for j in range(count):
            np.testing.assert_allclose(vector(now, "target", j), place, atol=1e-9)
            np.testing.assert_allclose(vector(now, "target_velocity", j), speed, atol=1e-9)
        assert info["evader_speed"] == pytest.approx(np.linalg.norm(speed), abs=1e-9)
        assert info["evader_speed"] <= fast + 1e-9
        place, speed = vector(now, "target", 0), vector(now, "target_velocity", 0)
        steps += 1
    assert steps > 40
    env.close()


def test_the_evader_stays_about_its_arena_and_starts_far_out():
    envs = gymnasium.make_vec(ID, num_envs=40, engine="compiled", catch=0.01, evader_speed=2.0)
    law = gym_suite.make_controller(envs, spread=0.1)
    observation, info = envs.reset(seed=0)
    radius = np.hypot(info["target_x_0"], info["target_y_0"])
    assert (radius >= 2.4).all() and (radius <= 2.85).all()
    assert np.ptp(np.arctan2(info["target_y_0"], info["target_x_0"])) > 5.0
    state, over = None, 2.0**2 / (2.0 * 4.0)  # what it takes to stop
    for _ in range(240):
        action, state = law.predict(observation, state)
        observation, *_, info = envs.step(action)
        assert np.hypot(info["target_x_0"], info["target_y_0"]).max() < 3.0 + over
        assert info["target_z_0"].min() > ARENA_FLOOR - over
        assert info["target_z_0"].max() < ARENA_FLOOR + 3.0 + over
    envs.close()


def test_coming_nearer_earns_and_a_catch_ends_the_episode_for_all():
    env = gym_suite.parallel_env(
        ID, engine="compiled", weights={"progress": 2.0, "rates": 0.0}, **STILL
    )

    def read(infos, name, drone):
        return np.array([infos["drone_0"][f"{name}{a}_{drone}"] for a in "xyz"])

    _, infos = env.reset(seed=1)
    evader = read(infos, "target_", 0)
    near = {f"position_{a}_1": evader[k] + (0.23 if a == "x" else 0.0) for k, a in enumerate("xyz")}
    near["velocity_x_1"] = -3.0
    _, infos = env.reset(seed=1, options={"state": near})
    gaps = [np.linalg.norm(read(infos, "", j) - evader) for j in range(3)]
    assert gaps[1] == pytest.approx(0.23)
    _, rewards, ended, _, infos = env.step({a: np.zeros(4, np.float32) for a in env.agents})
    for j in range(3):
        gap = np.linalg.norm(read(infos, "", j) - read(infos, "target_", j))
        assert rewards[f"drone_{j}"] == pytest.approx(2.0 * (gaps[j] - gap + CATCH), rel=1e-9)
    assert all(ended.values()) and not env.agents
    info = infos["drone_0"]
    assert info["caught"] == 1.0 and info["catch_time"] == pytest.approx(1.0 / 60.0)
    assert info["nearest"] < 0.2 and info["violation"] == 0.0
    env.close()


def test_who_crashes_catches_nothing():
    env = gymnasium.make(ID, engine="compiled", **STILL).unwrapped
    env.reset(seed=1)
    low = {f"target_z_{j}": 0.03 for j in range(3)} | {
        f"target_{a}_{j}": 2.0 for a in "xy" for j in range(3)
    }
    low |= {"position_x_0": 2.0, "position_y_0": 2.05, "position_z_0": 0.0135, "velocity_z_0": -0.2}
    env.reset(seed=1, options={"state": low})
    _, reward, ended, _, info = env.step(np.zeros(12))
    assert info["nearest"] < 0.2
    assert ended and info["caught"] == 0.0 and info["violation"] == 1.0 and reward < 0.0


def test_progress_sums_to_the_way_that_was_made_good():
    env = gymnasium.make(ID, engine="compiled").unwrapped
    env.reset(seed=3)
    begin = np.mean([env.state()[f"gap_{j}"][0] for j in range(3)])
    total = 0.0
    for _ in range(30):
        *_, info = env.step(np.full(12, 0.03))
        total += info["reward_progress"]
    end = np.mean([info[f"target_distance_{j}"] for j in range(3)])
    assert total == pytest.approx(begin - end, abs=1e-9)


def test_the_arena_is_observed():
    env = gymnasium.make(ID, engine="compiled").unwrapped
    observation, _ = env.reset(seed=0)
    columns, state = env.setup.observation_columns, env.state()
    for j, row in enumerate(observation.reshape(3, -1)):
        place = vector(state, "position", j)
        seen = [row[columns.index(f"centre_{a}")] for a in "xy"]
        np.testing.assert_allclose(seen, -place[:2], atol=1e-6)
        way = [row[columns.index(f"error_{a}")] for a in "xyz"]
        np.testing.assert_allclose(way, vector(state, "target", j) - place, atol=1e-6)


def test_pursuing_catches_as_the_page_says():
    text = page("pursuit")
    assert "catches 20 in the nominal setting, under noise (1 %) and a delay of one period" in text
    assert "Under mismatch (30 %) it crashes none and catches 18" in text
    for setting, catches in zip(SETTINGS, (20, 20, 18, 20), strict=True):
        _, infos = fly(ID, **setting)
        assert np.nansum(infos["violation"]) == 0.0
        assert np.nansum(infos["caught"]) == catches, setting
        times = np.nanmax(infos["catch_time"], axis=0)
        assert 1.5 < times[times > 0.0].mean() < 2.5
    _, infos = fly(ID, evader_acceleration=8.0, catch=0.15)
    assert 0 < np.nansum(infos["caught"]) < 10
    _, infos = fly(ID, "zero", seeds=5)
    assert np.nansum(infos["caught"]) == 0.0


def test_two_and_ten_catch_it_too():
    for drones in (2, 10):
        _, infos = fly(ID, seeds=10, drones=drones)
        assert np.nansum(infos["caught"]) == 10 and not np.nansum(infos["violation"])


def test_where_pursuers_meet_the_evader_is_where_it_will_be():
    """A pursuer that flies straight there at full speed is there when the evader is."""
    env = gymnasium.make(ID, engine="compiled")
    law = gym_suite.make_controller(env)
    rng = np.random.default_rng(0)
    way, moving = rng.normal(0.0, 0.5, (50, 3)), rng.normal(0.0, 0.4, (50, 3))
    time = law._time_to_meet(way, moving)
    soon = time[:, 0] < 1.0
    assert soon.sum() > 20
    there = np.linalg.norm(way + time * moving, axis=1)
    np.testing.assert_allclose(there[soon], law.fastest * time[soon, 0], rtol=1e-9)
    fast = np.tile([9.0, 0.0, 0.0], (1, 1))
    assert law._time_to_meet(way[:1], fast) == 1.0  # nobody knows


def test_pursuit_without_an_evader_is_refused():
    from gym_suite.drones.controllers.pursuit import Pursuing

    with pytest.raises(ValueError, match="drones/Pursuit-v0"):
        Pursuing().for_env(gymnasium.make("drones/MultiHover-v0", engine="compiled"))
    env = gymnasium.make(ID, engine="compiled")
    for name in ("fastest", "spread", "push"):
        with pytest.raises(ValueError, match=name):
            gym_suite.make_controller(env, **{name: -1.0})


def test_the_evader_is_drawn_with_its_arena():
    from gym_suite.drones.render import DroneRenderer

    env = gymnasium.make(ID, engine="compiled", render_mode="rgb_array", view="room").unwrapped
    env.reset(seed=0)
    env.step(np.zeros(12))
    (space,) = env._renderer.stage().views
    assert [body.name for body in space.bodies] == ["drone 0", "drone 1", "drone 2", "evader"]
    np.testing.assert_array_equal(space.bodies[-1].position[-1], vector(env.state(), "target", 0))
    assert len(space.lines) == 2 and {line[0, 2] for line in space.lines} == {0.5, 3.5}
    names = [name for panel in DroneRenderer(env.setup)._panels() for name in panel.names]
    assert "evader_speed" in names
    assert len(np.unique(env.render().reshape(-1, 3), axis=0)) > 20
    env.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"drones": 1}, "drones"),
        ({"evader_speed": 30.0}, r"evader_speed = 30 m/s is not to be caught.*at most 10.9 m/s"),
        ({"evader_speed": 0.0}, "evader_speed"),
        ({"evader_acceleration": np.inf}, "evader_acceleration"),
        ({"catch": -0.1}, "catch"),
        ({"catch": 3.0}, r"caught at catch = 3 m; take an arena of more than 4.\d+ m"),
        (
            {"spacing": 0.05},
            r"3 drones 0.0866 m from each other; they touch at 0.12 m; give more than 0.0693 m",
        ),
        ({"drones": 100}, r"spacing = 7.37 m lets pursuers start within"),
        ({"arena": 5.0}, r"11.4 m from a pursuer in an arena of 5 m, from which bound = 8 m ends"),
        ({"yaw": "path"}, "this target has no path"),
        ({"path": "circle"}, "path"),
    ],
)
def test_a_chase_that_makes_no_sense_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", **keywords)
