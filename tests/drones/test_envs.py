"""The tasks in both engines: conformance is tested with all ids; here, what is particular to drones."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.drones.envs.options import YAW_RANGE

IDS = ("drones/Hover-v0", "drones/Track-v0", "drones/MultiHover-v0")
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}


def fly(env, controller, steps=480, seed=0):
    observation, _ = env.reset(seed=seed)
    state, total, distances = None, 0.0, []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, terminated, truncated, info = env.step(action)
        total += reward
        distances.append(info["distance"])
        if terminated or truncated:
            break
    return total, np.array(distances), terminated


@pytest.mark.bullet
@pytest.mark.parametrize("id", IDS)
def test_engines_give_the_same_episode_in_free_flight(id):
    results = []
    for engine in ("compiled", "bullet"):
        env = gymnasium.make(id, engine=engine)
        results.append(fly(env, gym_suite.make_controller(env), steps=120))
        env.close()
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("id", IDS)
def test_the_reference_controller_solves_the_task_and_doing_nothing_does_not(id, engine):
    env = gymnasium.make(id, engine=engine)
    reference, idle = gym_suite.make_controller(env), gym_suite.make_controller(env, "zero")
    for seed in range(3):
        total, distances, ended = fly(env, reference, seed=seed)
        assert not ended
        assert distances[240:].mean() < 0.03
        nothing = fly(env, idle, seed=seed)[0]
        assert nothing < 0.25 * total
    env.close()


@pytest.mark.parametrize("action", ["rates", "velocity", "position"])
def test_inner_loops_hold_the_drone_at_zero(action):
    env = gymnasium.make("drones/Hover-v0", engine="compiled", action=action, **STILL)
    env.reset(seed=0)
    for _ in range(240):
        _, _, terminated, _, info = env.step(np.zeros(env.action_space.shape))
        assert not terminated
    assert info["distance"] < 0.05


@pytest.mark.parametrize("speed", [1.0, 3.0])
def test_drones_that_fly_into_each_other_crash_and_those_that_pass_do_not(speed):
    env = gymnasium.make("drones/MultiHover-v0", engine="compiled", bound=100.0, **STILL).unwrapped
    radius = env.setup.keywords["vehicle"]["radius"]
    for aside, crash in ((0.0, True), (2.2 * radius, False)):
        start = {"position_x_0": 0.0, "position_x_1": 0.5, "velocity_x_0": speed}
        start |= {"velocity_x_1": -speed, "position_y_0": 0.0, "position_y_1": aside}
        env.reset(seed=0, options={"state": {**start, "position_z_0": 1.0, "position_z_1": 1.0}})
        ended, steps = False, 0
        while not ended and steps < 20:
            _, _, ended, _, info = env.step(np.zeros(env.action_space.shape))
            steps += 1
        assert ended == crash
        assert info["violation"] == crash


def test_rates_that_are_asked_for_are_reached_each_in_its_own_range():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", action="rates", **STILL).unwrapped
    names = env.setup.state_columns.names
    env.reset(seed=0)
    for _ in range(120):
        env.step(np.array([0.0, 0.0, 0.0, 0.5]))
    rate = env.get_state()["rows"]["x"][0][names.index("angular_velocity_z")]
    assert rate == pytest.approx(0.5 * YAW_RANGE, rel=0.05)


def test_paths_are_followed_by_their_own_derivatives():
    for path in ("circle", "lemniscate", "helix", {"kind": "circle", "rise": 0.2}):
        env = gymnasium.make("drones/Track-v0", engine="compiled", path=path)
        env.reset(seed=3)
        rows = []
        for _ in range(20):
            env.step(np.zeros(4))
            state = env.unwrapped.state()
            rows.append(
                [
                    [state[f"target_{d}{a}"][0] for a in "xyz"]
                    for d in ("", "velocity_", "acceleration_")
                ]
            )
        place, speed, acceleration = np.moveaxis(np.array(rows), 1, 0)
        dt = env.unwrapped.dt
        np.testing.assert_allclose((place[2:] - place[:-2]) / (2 * dt), speed[1:-1], atol=1e-3)
        np.testing.assert_allclose(
            (speed[2:] - speed[:-2]) / (2 * dt), acceleration[1:-1], atol=2e-3
        )


@pytest.mark.bullet
def test_two_bullet_worlds_never_touch_and_close_frees_them():
    import pybullet

    first = gymnasium.make_vec("drones/Hover-v0", num_envs=2, engine="bullet")
    second = gymnasium.make("drones/Hover-v0", engine="bullet")
    before = [first.reset(seed=0)[0].copy()]
    second.reset(seed=9)
    alone = gymnasium.make("drones/Hover-v0", engine="bullet")
    alone.reset(seed=0)
    for _ in range(20):
        before.append(first.step(np.zeros((2, 4)))[0])
        second.step(np.ones(4))
        expected = alone.step(np.zeros(4))[0]
    np.testing.assert_array_equal(before[-1][0], expected)
    worlds = [w.client for w in first.unwrapped._rows.engine._worlds]
    for env in (first, second, alone):
        env.close()
        env.close()
    assert not any(pybullet.isConnected(client) for client in worlds)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"engine": "mujoco"}, "unknown engine"),
        ({"control_frequency": 50}, "whole multiple"),
        ({"action": "rotor"}, "'rotors'"),
        ({"vehicle": {"mass": -1}}, "mass"),
        ({"wieghts": {}}, "'weights'"),
        ({"weights": {"positon": 1}}, "'position'"),
        ({"history": 0}, "history"),
        ({"start_position": 3.0}, r"bound = 2 m ends .* below 1\.15 m, or a bound above 5\.2 m"),
        ({"start_position": 1.0, "bound": 1.7}, "start_position = 1 m starts drones up to 1.73 m"),
        ({"start_velocity": 30.0}, r"start_velocity = 30 m/s .* bound = 2 m ends"),
    ],
)
def test_bad_keywords_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("drones/Hover-v0", **({"engine": "compiled"} | keywords))


def test_a_start_is_refused_from_the_speed_on_that_the_whole_thrust_does_not_brake_within_the_bound():
    """Twice its weight, falling along the diagonal: v^2 / 2 = (2 g - g / sqrt(3)) bound, v = sqrt(3) start_velocity."""
    vehicle = {"base": "cf2x", "thrust_to_weight": 2.0}
    braking = 9.80665 * (2.0 - 1.0 / np.sqrt(3.0))
    most = np.sqrt(2.0 * braking * 2.0 / 3.0)
    given = {"engine": "compiled", "model": "identified", "vehicle": vehicle, "bound": 2.0}
    gymnasium.make("drones/Hover-v0", start_velocity=0.99 * most, **given)
    with pytest.raises(ValueError, match=f"below {most:.3g} m/s, or a bound above 2.04 m"):
        gymnasium.make("drones/Hover-v0", start_velocity=1.01 * most, **given)
    gymnasium.make("drones/Velocity-v0", engine="compiled", start_velocity=30.0)


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        ("drones/Hover-v0", {"start_position": 1.15}),
        ("drones/Autopilot-v0", {"start_position": 3.0, "bound": 5.2}),
        ("drones/Velocity-v0", {"start_position": 50.0}),  # no distance ends its episodes
    ],
)
def test_an_episode_does_not_end_before_any_action_has_acted(id, keywords):
    envs = gymnasium.make_vec(id, num_envs=200, engine="compiled", start_velocity=0.0, **keywords)
    envs.reset(seed=0)
    *_, terminated, _, _ = envs.step(np.zeros(envs.action_space.shape, np.float32))
    assert not terminated.any()
    with pytest.raises(ValueError, match="start_position"):
        gymnasium.make("drones/Autopilot-v0", engine="compiled", start_position=2.0)


@pytest.mark.bullet
def test_too_many_bullet_worlds_name_the_compiled_engine():
    with pytest.raises(ValueError, match="engine='compiled'"):
        gymnasium.make_vec("drones/Hover-v0", num_envs=65, engine="bullet")


def test_a_table_is_followed_and_bad_tables_are_refused():
    table = [[0, 0, 0, 1], [2, 1, 0, 1.5], [4, 1, 1, 1]]
    path = {"kind": "table", "table": table}
    env = gymnasium.make("drones/Track-v0", engine="compiled", path=path)
    _, distances, ended = fly(env, gym_suite.make_controller(env))
    assert not ended
    assert distances[-1] < 0.02
    for wrong in (None, [[0, 0, 0]], [[1, 0, 0, 1], [0, 0, 0, 1]]):
        with pytest.raises(ValueError, match="table"):
            gymnasium.make(
                "drones/Track-v0", engine="compiled", path={"kind": "table", "table": wrong}
            )
