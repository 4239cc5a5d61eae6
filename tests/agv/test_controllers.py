"""Controllers reach targets on seeds they were not tuned on."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv.controllers.cooperative import plan_fleet
from gym_suite.agv.controllers.docking import move_to_pose
from gym_suite.agv.controllers.fleet import TOLD, F
from gym_suite.agv.geometry import INFINITY


def success(id, name, rows, *, seed=10_000, **keywords):
    """Return the part of first episodes that end at the target."""
    envs = gymnasium.make_vec(id, num_envs=rows, **keywords)
    controller = gym_suite.make_controller(envs, name)
    observation, state = envs.reset(seed=seed)[0], None
    arrived, live = np.zeros(rows, dtype=bool), np.ones(rows, dtype=bool)
    for _ in range(gymnasium.spec(id).max_episode_steps):
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = envs.step(action)
        arrived |= live & (info["arrived"] > 0)
        live &= ~(terminated | truncated)
        if not live.any():
            break
    return arrived.mean()


@pytest.mark.parametrize(
    "name, least",
    [
        ("SimpleStatic", 0.99),
        ("SimpleDynamic", 0.99),
        ("ComplexStatic", 0.99),
        ("ComplexDynamic", 0.95),
    ],
)
def test_references_reach_the_target(name, least):
    assert success(f"agv/{name}-v0", "a_star", 500) >= least


@pytest.mark.parametrize("name", ["dwa", "mppi"])
def test_the_other_planners_do_too(name):
    assert success("agv/SimpleStatic-v0", name, 20) == 1.0
    assert success("agv/ComplexStatic-v0", name, 5) == 1.0


def test_docking():
    assert success("agv/Dock-v0", "move_to_pose", 500) >= 0.99


@pytest.mark.parametrize(
    "keywords",
    [
        {"layout": "u_trap"},
        {"layout": "bug_trap"},
        {"layout": {"kind": "procedural", "seeds": (1000, 1016)}},
        {"moving_obstacles": 6},
        {"vehicle": "MP-500", "mismatch": 0.3},
        {"vehicle": "MiR250", "lidar": {"noise": 0.01}},
    ],
)
def test_the_reference_elsewhere(keywords):
    assert success("agv/SimpleStatic-v0", "a_star", 60, **keywords) >= 0.95


def test_the_benchmark_warehouse_is_driven():
    keywords = {"layout": "warehouse-10-20-10-2-1", "cell": 1.5, "least_distance": 30.0}
    assert success("agv/ComplexStatic-v0", "a_star", 3, **keywords) == 1.0


def fleet_arrivals(name, seeds, **keywords):
    """Return how many vehicles arrived and how many there were, over whole episodes."""
    env = gym_suite.parallel_env("agv/Fleet-v0", max_episode_steps=1500, **keywords)
    controller = gym_suite.make_controller(env, name)
    arrived, vehicles = 0, 0
    for seed in seeds:
        observations, _ = env.reset(seed=seed)
        vehicles += len(env.agents)
        state = {agent: np.zeros(controller.state_size) for agent in env.agents}
        while env.agents:
            live = list(env.agents)
            rows = np.array([observations[agent] for agent in live])
            actions, states = controller.predict(rows, np.array([state[agent] for agent in live]))
            state = dict(zip(live, states, strict=True))
            moves = dict(zip(live, actions, strict=True))
            observations, rewards, terminated, _, _ = env.step(moves)
            arrived += sum(terminated[agent] and rewards[agent] > 0 for agent in live)
    return arrived, vehicles


def test_a_fleet_that_talks_arrives_whole():
    """Seeds 14 and 16 are among those on which vehicles that only see each other block an aisle for ever."""
    assert fleet_arrivals("orca", range(20)) == (120, 120)
    assert fleet_arrivals("orca", range(3), agents=12) == (36, 36)


#: Two halls joined by a passage 7 m long and 1.5 m wide, which one vehicle fills (cell 0.5 m).
HALLS = "\n".join(
    ["#" * 28]
    + ["#......##############......#"] * 3
    + ["#..........................#"] * 3
    + ["#......##############......#"] * 3
    + ["#" * 28]
)
#: A corridor as wide, in which there is no room to wait.
CORRIDOR = "\n".join(["#" * 30] + ["#" + "." * 28 + "#"] * 3 + ["#" * 30])


def test_a_fleet_that_plans_in_space_and_time_passes_a_bottleneck():
    """Head-on traffic: somebody waits in the hall, and all arrive; with avoidance alone nobody does."""
    meeting = {"cell": 0.5, "least_distance": 7.0}
    assert fleet_arrivals("cooperative", range(3), layout=HALLS, agents=4, **meeting) == (12, 12)
    assert fleet_arrivals("orca", [0], layout=HALLS, agents=4, **meeting)[0] < 4
    assert fleet_arrivals("cooperative", range(3), layout=CORRIDOR, agents=2, **meeting) == (6, 6)


@pytest.mark.parametrize("keywords", [{"mismatch": 0.3}, {"delay": 1}], ids=str)
def test_a_fleet_passes_the_bottleneck_on_other_plants_and_with_later_actions(keywords):
    meeting = {"layout": HALLS, "agents": 4, "cell": 0.5, "least_distance": 7.0}
    assert fleet_arrivals("cooperative", range(2), **meeting, **keywords) == (8, 8)


def test_who_finds_no_plan_is_planned_first():
    """A dead end with one bay beside the first vehicle: in the order of numbers the second has nowhere to go."""
    cost = np.full((4, 9), INFINITY)
    cost[1, 1:8], cost[2, 1] = 1.0, 1.0
    told = np.zeros((2, len(TOLD)))
    for row, (x, goal) in zip(told, [(1.5, 7.5), (4.5, 1.5)], strict=True):
        row[F.x], row[F.y], row[F.goal_x], row[F.goal_y] = x, 1.5, goal, 1.5
    steps, cells = 20, cost.size
    ranks, plans = np.array([0.0, 1.0]), np.zeros((2, steps), np.int64)
    plan_fleet(
        told, 0, 2, cost, ranks, np.zeros(2), np.empty((2, *cost.shape)),
        np.empty((steps, cells), np.uint8), plans, np.empty(steps * cells),
        np.empty(steps * cells, np.int64), np.empty(2 * steps * cells, np.int64),
        np.empty(2 * steps * cells), 1.0, 1.0,
    )  # fmt: skip
    assert ranks[1] < ranks[0]
    assert not (plans[0] == plans[1]).any()
    # Nobody keeps time exactly, so a place is kept free a step before and after, too.
    assert not (plans[0, 1:] == plans[1, :-1]).any()
    assert plans[1, -1] == 1 * 9 + 1
    assert 2 * 9 + 1 in plans[0]


def test_a_fleet_that_plans_in_space_and_time_arrives_whole_elsewhere_too():
    assert fleet_arrivals("cooperative", range(6)) == (36, 36)
    assert fleet_arrivals("cooperative", range(2), agents=20) == (40, 40)


@pytest.mark.parametrize("name", ["cooperative", "orca"])
def test_the_rows_of_a_fleet_are_whole_worlds(name):
    env = gym_suite.parallel_env("agv/Fleet-v0", agents=3)
    controller = gym_suite.make_controller(env, name)
    observations, _ = env.reset(seed=0)
    rows = np.array(list(observations.values()))
    one, _ = controller.predict(rows)
    two, _ = controller.predict(np.vstack([rows, rows]))
    assert (two[:3] == one).all()
    assert (two[3:] == one).all()
    assert controller.predict(rows[0])[0].shape == (2,)
    with pytest.raises(ValueError, match="3 rows, the vehicles of a world"):
        controller.predict(np.vstack([rows, rows[:1]]))


def test_random_actions_do_not_find_the_target():
    assert success("agv/ComplexStatic-v0", "random", 200) < 0.02


def test_move_to_pose_converges():
    """From any place in front, by Euler's method on the unicycle."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        x, y, theta = -2.0, *generator.uniform(-0.8, 0.8, 2)
        for _ in range(4000):
            c, s = np.cos(theta), np.sin(theta)
            along, across = -x * c - y * s, x * s - y * c
            v, omega = move_to_pose(along, across, -theta, 0.6, 1.8, -0.6)
            x, y, theta = x + 0.01 * v * c, y + 0.01 * v * s, theta + 0.01 * omega
        assert np.hypot(x, y) < 1e-3 and abs(theta) < 0.05


def test_setups_that_a_controller_cannot_drive_are_refused():
    wheels = gymnasium.make("agv/SimpleStatic-v0", action="wheels")
    for name in ("a_star", "dwa", "mppi"):
        with pytest.raises(ValueError, match="twist"):
            gym_suite.make_controller(wheels, name)
    dock = gymnasium.make("agv/Dock-v0")
    with pytest.raises(ValueError, match="k_beta"):
        gym_suite.make_controller(dock, k_beta=1.0)


@pytest.mark.parametrize("id", ["agv/ComplexStatic-v0", "agv/SimpleDynamic-v0"])
def test_tuned_sampling_arrives_always_and_sooner_than_planning(id):
    """On episode seeds that the choice of its numbers has not seen."""
    times = {}
    for name in ("a_star", "mppi-tuned"):
        run = gym_suite.compare(
            id, agents=[name], settings="nominal", seeds=range(60_000, 60_010), progress=False
        )
        own = [record for record in run.records if record["agent"]["name"] == name]
        assert all(record["metrics"]["success"] == 1.0 for record in own)
        times[name] = sum(record["metrics"]["TimeToGoal"] for record in own)
    assert times["mppi-tuned"] < times["a_star"]
