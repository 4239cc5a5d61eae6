"""What the ids promise: caps, rewards, ends, starts, moving things, sensors, fleets."""

import math
from dataclasses import replace

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv import geometry, loops
from gym_suite.agv.lidar import true_ranges
from gym_suite.core.rows import Rows

SCENES = {
    "SimpleStatic": 2000,
    "SimpleDynamic": 2000,
    "ComplexStatic": 3000,
    "ComplexDynamic": 4000,
}


def rollout(envs, steps, seed=0):
    generator = np.random.default_rng(seed)
    envs.reset(seed=seed)
    for _ in range(steps):
        yield envs.step(generator.uniform(-1, 1, envs.action_space.shape))


@pytest.mark.parametrize("name", SCENES)
def test_the_papers_caps(name):
    id = f"agv/{name}-v0"
    assert gymnasium.spec(id).max_episode_steps == SCENES[name]
    assert str(SCENES[name]) in gymnasium.make(id).unwrapped.__doc__
    env = gymnasium.make_vec(id, num_envs=2)
    env.reset(seed=0)
    env.unwrapped._rows.step[:] = SCENES[name] - 1
    assert env.step(np.zeros((2, 2)))[3].all()


def test_sparse_rewards_are_one_at_the_end_and_nothing_else():
    envs = gymnasium.make_vec("agv/SimpleStatic-v0", num_envs=64)
    ends = {1.0: 0, -1.0: 0}
    for controller in ("a_star", "random"):
        agent = gym_suite.make_controller(envs, controller)
        observation, _ = envs.reset(seed=5)
        live = np.ones(64, dtype=bool)
        for _ in range(300):
            observation, reward, terminated, _, info = envs.step(agent.predict(observation)[0])
            assert (reward[live & ~terminated] == 0.0).all()
            for i in np.flatnonzero(live & terminated):
                ends[reward[i]] += 1
                assert info["arrived" if reward[i] > 0 else "violation"][i] == 1.0
            live &= ~terminated
    assert min(ends.values()) > 20


@pytest.mark.parametrize("action", [(0.0, 1.0), (1.0, 0.0)])
def test_whoever_docks_stands_and_does_not_turn(action):
    """Wherever it is and however it is turned, it has arrived once its speed and its yaw rate are together 0.05."""
    env = gymnasium.make("agv/Dock-v0", goal_radius=100.0, goal_angle=math.pi, goal_speed=0.05)
    _, info = env.reset(seed=0)
    for step in range(20):
        *_, arrived, _, info = env.step(np.array(action if step < 3 else (0.0, 0.0)))
        speed = abs(info["v"]) + abs(info["omega"])
        assert arrived == (speed <= 0.05) == bool(info["arrived"])
        if arrived:
            break
    assert arrived and step > 3


def test_dense_rewards_add_up():
    env = gymnasium.make("agv/SimpleStatic-v0", reward="dense").unwrapped
    agent = gym_suite.make_controller(env)
    observation, info = env.reset(seed=1)
    first, progress, terminated = info["goal_distance"], 0.0, False
    while not terminated:
        observation, reward, terminated, _, info = env.step(agent.predict(observation)[0])
        assert reward == pytest.approx(sum(v for k, v in info.items() if k.startswith("reward_")))
        progress += info["reward_progress"]
    assert progress == pytest.approx(0.05 * (first - info["goal_distance"]))
    assert reward > 0.9


def test_coming_within_half_a_metre_of_something_costs_in_proportion():
    """What is clear is the shortest beam from the vehicle's middle, less half of its width."""
    env = gymnasium.make("agv/ComplexStatic-v0", weights={"clearance": 2.0})
    env.action_space.seed(0)
    p = env.unwrapped.nominal.parameters
    beams, half = int(p["lidar_beams"]), 0.5 * p["width"]
    seen = set()
    for seed in range(8):
        _, ended = env.reset(seed=seed), False
        for _ in range(40):
            seen_there, _, ended, _, info = env.step(env.action_space.sample())
            clearance, cost = info["clearance"], info["reward_clearance"]
            shortest = float(seen_there[:beams].min()) * p["lidar_range"]
            assert clearance == pytest.approx(max(shortest - half, 0.0), abs=1e-5)
            assert cost == pytest.approx(-2.0 * max(0.0, 1.0 - clearance / 0.5), abs=1e-9)
            seen.add("near" if clearance < 0.25 else "between" if clearance < 0.5 else "far")
            if ended:
                break
    assert seen == {"near", "far", "between"}


@pytest.mark.parametrize("id", ["agv/SimpleStatic-v0", "agv/ComplexDynamic-v0", "agv/Dock-v0"])
def test_starts_and_targets_are_free_and_apart(id):
    envs = gymnasium.make_vec(id, num_envs=300, moving_obstacles=3)
    _, info = envs.reset(seed=0)
    p, (grid, *_) = envs.unwrapped.nominal.parameters, envs.unwrapped.nominal.tables
    state = envs.unwrapped.state()
    for i in range(300):
        box = (0.5 * p["length"], 0.5 * p["width"], grid[0], p["cell"])
        for name in ("", "goal_"):
            pose = [float(state[name + n][i]) for n in ("x", "y", "theta")]
            assert not geometry.box_hits_grid(*pose, *box)
        for k in range(3):
            x, y = state[f"obstacle_{k}_x"][i], state[f"obstacle_{k}_y"][i]
            assert not geometry.disc_hits_grid(x, y, 0.3, grid[0], p["cell"])
            assert math.hypot(x - info["x"][i], y - info["y"][i]) > 1.5
    assert info["goal_distance"].min() >= p["least_distance"] - 1e-9
    assert info["theta"].std() > 1.0 and info["payload"].std() > 10.0


def test_obstacles_walk_on_free_floor_and_do_not_run_into_a_standing_vehicle():
    envs = gymnasium.make_vec("agv/ComplexStatic-v0", num_envs=20, moving_obstacles=8)
    envs.reset(seed=0)
    grid, first = envs.unwrapped.nominal.tables[0][0], envs.unwrapped.state()
    for _ in range(400):
        _, _, terminated, _, info = envs.step(np.zeros((20, 2)))
        assert not terminated.any() and not info["violation"].any()
    last = envs.unwrapped.state()
    for k in range(8):
        x, y = last[f"obstacle_{k}_x"], last[f"obstacle_{k}_y"]
        moved = np.hypot(x - first[f"obstacle_{k}_x"], y - first[f"obstacle_{k}_y"])
        assert np.median(moved) > 1.0
        assert not any(
            geometry.disc_hits_grid(*place, 0.3, grid, 0.5) for place in zip(x, y, strict=True)
        )


def test_an_obstacle_that_is_near_a_vehicle_may_walk_away_from_it_and_no_nearer():
    env = gymnasium.make("agv/SimpleStatic-v0", moving_obstacles=1)
    stride, gone = env.unwrapped.nominal.parameters["obstacle_speed"] * env.unwrapped.dt, 0
    for k in range(16):
        _, info = env.reset(seed=0)
        away = 2.0 * math.pi * k / 16
        at = info["x"] + 0.9 * math.cos(away), info["y"] + 0.9 * math.sin(away)
        for heading, nearer in ((away, False), (away + math.pi, True)):
            state = dict(
                zip(("x", "y", "theta"), (*at, math.remainder(heading, 2 * math.pi)), strict=True)
            )
            given = {f"obstacle_0_{name}": value for name, value in state.items()}
            env.reset(seed=0, options={"state": given})
            env.step(np.zeros(2))
            now = env.unwrapped.state()
            moved = math.hypot(now["obstacle_0_x"][0] - at[0], now["obstacle_0_y"][0] - at[1])
            assert moved == pytest.approx(0.0, abs=1e-9) or not nearer
            gone += moved == pytest.approx(stride)
    assert gone >= 4  # some of the ways end at a wall


def test_obstacles_find_the_little_free_floor_that_there_is_and_keep_off_the_start():
    """Three rows of sixty are free: chance alone misses them now and then, and nothing may start inside a wall."""
    layout = "\n".join(["#" * 60] * 28 + ["#" + "." * 58 + "#"] * 3 + ["#" * 60] * 29)
    envs = gymnasium.make_vec(
        "agv/SimpleStatic-v0", num_envs=200, layout=layout, moving_obstacles=4
    )
    envs.reset(seed=0)
    state, grid = envs.unwrapped.state(), envs.unwrapped.nominal.tables[0][0]
    for k in range(4):
        x, y = state[f"obstacle_{k}_x"], state[f"obstacle_{k}_y"]
        places = zip(x.tolist(), y.tolist(), strict=True)
        assert not any(geometry.disc_hits_grid(*place, 0.3, grid, 0.5) for place in places)
        assert (np.hypot(x - state["x"], y - state["y"]) > 0.3).all()
    _, _, terminated, _, _ = envs.step(np.zeros((200, 2)))
    assert not terminated.any()


def test_targets_walk_where_a_vehicle_fits():
    envs = gymnasium.make_vec("agv/SimpleDynamic-v0", num_envs=20)
    _, before = envs.reset(seed=0)
    grid = envs.unwrapped.nominal.tables[0][0]
    for _ in range(200):
        _, _, _, _, info = envs.step(np.zeros((20, 2)))
        stride = np.hypot(info["goal_x"] - before["goal_x"], info["goal_y"] - before["goal_y"])
        assert (stride <= 0.3 * 0.1 + 1e-12).all()
        before = info
        for x, y in zip(info["goal_x"], info["goal_y"], strict=True):
            assert not geometry.disc_hits_grid(x, y, 0.53, grid, 0.5)


def test_layouts_are_drawn_and_told():
    layout = {"kind": "procedural", "seeds": (0, 8)}
    envs = gymnasium.make_vec("agv/SimpleStatic-v0", num_envs=200, layout=layout)
    observation, _ = envs.reset(seed=0)
    drawn = envs.unwrapped.state()["layout"]
    assert set(drawn) == set(range(8))
    column = envs.unwrapped.setup.observation_columns.index("layout")
    assert np.allclose(observation[:, column] * 7, drawn)


def test_lidar_noise_and_dropout():
    envs = gymnasium.make_vec(
        "agv/SimpleStatic-v0", num_envs=200, lidar={"noise": 0.02, "dropout": 0.1, "range": 30.0}
    )
    observation, _ = envs.reset(seed=0)
    setup, states = envs.unwrapped.setup, envs.unwrapped.get_state()["rows"]["x"]
    true = np.concatenate([true_ranges(setup, state) for state in states])
    seen = observation[:, :108].astype(float) * 30.0
    lost = seen > 29.999
    assert lost.mean() == pytest.approx(0.1, abs=0.01)
    assert (seen - true)[~lost].std() == pytest.approx(0.02, rel=0.03)
    assert (seen - true)[~lost].mean() == pytest.approx(0.0, abs=1e-3)


def test_beams_of_each_vehicle_drop_out_by_themselves():
    fleet = gym_suite.parallel_env("agv/Fleet-v0", lidar={"dropout": 0.5, "range": 60.0})
    observations, _ = fleet.reset(seed=0)
    lost = np.array([observations[agent][:108] == 1.0 for agent in fleet.agents])
    assert 0.4 < lost.mean() < 0.6
    alike = np.mean(
        lost[0] == lost[1]
    )  # half of them by chance, all of them with one draw for both
    assert 0.3 < alike < 0.7


def test_odometry_drifts_and_may_be_all_there_is():
    envs = gymnasium.make_vec("agv/SimpleStatic-v0", num_envs=50, localization="odometry")
    agent = gym_suite.make_controller(envs)
    observation, info = envs.reset(seed=0)
    assert not info["odometry_error"].any()
    for _ in range(50):
        observation, *_, info = envs.step(agent.predict(observation)[0])
    assert 0.001 < np.median(info["odometry_error"]) < 0.3
    state, columns = envs.unwrapped.state(), envs.unwrapped.setup.observation_columns
    x = 6.0 + 6.0 * observation[:, columns.index("pose_x")]
    assert np.allclose(x, state["odometry_x"], atol=1e-5)
    cosine = observation[:, columns.index("heading_cos")]
    assert np.allclose(cosine, np.cos(state["odometry_theta"]), atol=1e-5)
    assert np.abs(cosine - np.cos(state["theta"])).max() > 1e-4


def test_what_is_drawn_of_a_vehicle_is_drawn_independently():
    envs = gymnasium.make_vec("agv/SimpleStatic-v0", num_envs=400)
    envs.reset(seed=0)
    state = envs.unwrapped.state()
    drawn = np.array([state[name] for name in ("error_v", "error_omega", "payload")])
    assert np.abs(np.corrcoef(drawn) - np.eye(3)).max() < 0.2


def test_vehicles_that_arrive_or_collide_leave_the_floor():
    starts = [(2.0, 2.0, 0.0), (4.0, 2.0, math.pi), (9.0, 9.0, 0.0)]
    env = gym_suite.parallel_env(
        "agv/Fleet-v0", agents=3, layout="simple", starts=starts, least_distance=0.0,
        goals=[(10.5, 9.0, 0.0), (1.5, 9.5, 0.0), (1.5, 7.0, 0.0)],
    )  # fmt: skip
    # The one that starts on the right gets the target on the right.
    for seed in range(50):
        env.reset(seed=seed)
        start = dict(zip(env.setup.state_columns.names, env.state(), strict=True))
        if any(start[f"{a}_x"] == 9.0 and start[f"{a}_goal_x"] == 10.5 for a in env.agents):
            break
    names = env.setup.state_columns.names
    places = dict(zip(names, env.state(), strict=True))
    first = {a: places[f"{a}_x"] for a in env.agents}
    total = dict.fromkeys(env.agents, 0.0)
    for _ in range(60):
        actions = {agent: np.array([1.0, 0.0], np.float32) for agent in env.agents}
        _, reward, *_ = env.step(actions)
        for agent, value in reward.items():
            total[agent] += value
        if not env.agents:
            break
    by_start = {round(first[agent]): value for agent, value in total.items()}
    assert by_start == {2: -1.0, 4: -1.0, 9: 1.0}


@pytest.mark.parametrize("n", [2, 20])
def test_fleets_start_apart(n):
    env = gym_suite.parallel_env("agv/Fleet-v0", agents=n)
    for seed in range(5):
        env.reset(seed=seed)
        state = dict(zip(env.setup.state_columns.names, env.state(), strict=True))
        for names in (("x", "y"), ("goal_x", "goal_y")):
            places = np.array([[state[f"{a}_{m}"] for m in names] for a in env.agents])
            gaps = np.hypot(*(places[:, None] - places[None]).T) + 10 * np.eye(n)
            assert gaps.min() > 1.0


def test_the_sparse_return_is_bounded_by_the_target():
    setup = gymnasium.make("agv/SimpleStatic-v0").unwrapped.setup
    (mark,) = setup.marks(2000)
    assert (mark.value, mark.kind) == (1.0, "bound")
    assert gymnasium.make("agv/SimpleStatic-v0", reward="dense").unwrapped.setup.marks is None


@pytest.mark.parametrize("id", ["agv/ComplexDynamic-v0", "agv/Dock-v0"])
def test_the_loops_for_one_vehicle_compute_what_those_for_all_do(id):
    setup = gymnasium.make(id, reward="dense", localization="odometry").unwrapped.setup
    assert setup.kernels is loops.ALONE
    worlds = [Rows(one, 64) for one in (setup, replace(setup, kernels=loops.TOGETHER))]
    keys = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64)
    actions = np.random.default_rng(1).uniform(-1.2, 1.2, (60, 64, 2))
    for rows in worlds:
        rows.reset(np.ones(64, dtype=bool), keys)
    for action in actions:
        for rows in worlds:
            rows.u[:] = action
            rows.advance()
        one, other = worlds
        for name in ("x", "o", "m", "reward", "terminated"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_the_last_action_seen_under_delay_is_the_one_given():
    env = gymnasium.make("agv/SimpleStatic-v0", delay=2).unwrapped
    first = env.setup.observation_columns.index("last_action_0")
    env.reset(seed=0)
    for action in ([0.5, -0.25], [1.0, 0.75]):
        observation, *_ = env.step(action)
        assert observation[first : first + 2].tolist() == action
