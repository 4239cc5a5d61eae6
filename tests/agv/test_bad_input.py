"""What cannot be is refused at construction or reset, by name; what would once have been taken silently too."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv.parameters import build_vehicle, vehicle_source

ID = "agv/SimpleStatic-v0"
BOX = "######\n#....#\n#....#\n#....#\n######"


def make(id=ID, **keywords):
    return gymnasium.make(id, **keywords).unwrapped


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"moving_target": "False"}, "moving_target must be True or False, got 'False'"),
        ({"moving_target": 2.5}, "moving_target must be True or False"),
        ({"dock": "no"}, "dock must be True or False"),
        ({"moving_obstacles": "many"}, "moving_obstacles must be a number"),
        ({"moving_obstacles": None}, "moving_obstacles must be a number"),
        ({"dock": True, "moving_target": True, "layout": "docks"}, "docks stand"),
        ({"dt": 1.0, "substeps": 1}, "could pass a wall; raise substeps"),
        ({"moving_obstacles": 1, "obstacle_speed": 20.0}, "lower obstacle_speed"),
        ({"moving_target": True, "target_speed": 9.0}, "lower target_speed"),
        ({"moving_obstacles": 3, "obstacle_radius": 100.0}, "no place for a disc of radius 100"),
        ({"moving_obstacles": 1, "layout": BOX, "least_distance": 0.0}, "keeps it off a vehicle"),
        ({"least_distance": 100.0}, "starts and targets are at most"),
        ({"weights": 5}, "weights must map terms"),
        ({"starts": "abc"}, "starts must be poses"),
        ({"starts": [(1, 2), (1, 2, 3)]}, "starts must be poses"),
        ({"layout": {"kind": "ascii", "text": None}}, "'text' of a layout"),
        ({"layout": {"kind": "moving_ai", "path": 5}}, "'path' of a layout"),
        ({"layout": {"kind": "procedural", "seeds": 5}}, "seeds must be"),
        ({"layout": {"kind": "procedural", "seeds": (0, 2.5)}}, r"seeds\[1\] must be a whole"),
        ({"layout": {"kind": "racks", "columns": 100_000, "rows": 100_000}}, "too many"),
    ],
)
def test_what_cannot_be_is_refused_by_name(keywords, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(**keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"lidar": np.int64(36)},
        {"payload": np.array([0.0, 50.0])},
        {"layout": {"kind": "racks", "columns": 2.0, "rows": 2.0, "aisle": 5}},
        {"moving_obstacles": True},
    ],
)
def test_numbers_of_numpy_and_whole_floats_are_taken(keywords):
    make(**keywords).reset(seed=0)


@pytest.mark.parametrize(
    "state",
    [
        {"layout": 1},
        {"layout": 0.5},
        {"payload": -100.0},
        {"x": 1e9},
        {"status": 7},
        {"action_0": 50.0},
    ],
)
def test_a_state_that_cannot_be_is_refused_before_anything_moves(state):
    env = make()
    env.reset(seed=0)
    before = env.state()
    with pytest.raises(ValueError, match=f"{next(iter(state))!r} must (be|lie)"):
        env.reset(seed=1, options={"state": state})
    assert all(np.array_equal(before[name], value) for name, value in env.state().items())


def test_odometry_and_wheels_follow_a_state_written_by_hand():
    env = make(localization="odometry")
    _, info = env.reset(seed=0, options={"state": {"x": 2.0, "y": 2.0, "v": 0.5}})
    assert info["odometry_error"] == 0.0
    assert env.state()["wheel_v"] == [0.5]
    _, info = env.reset(
        seed=0, options={"state": {"x": 2.0, "y": 2.0, "odometry_x": 2.5, "odometry_y": 2.0}}
    )
    assert info["odometry_error"] == pytest.approx(0.5)


def test_a_snapshot_of_another_id_or_map_is_refused_and_one_of_another_plant_leaves_it_alone():
    simple, other = make(), make("agv/ComplexStatic-v0")
    simple.reset(seed=0)
    other.reset(seed=0)
    with pytest.raises(
        ValueError, match=r"of agv/SimpleStatic-v0, this environment is agv/Complex"
    ):
        other.set_state(simple.get_state())
    several = make(layout={"kind": "procedural", "seeds": (0, 8)}, lidar=36)
    one = make(layout={"kind": "procedural", "seeds": (0, 1)}, lidar=36)
    several.reset(seed=0, options={"state": {"layout": 5}})
    one.reset(seed=0)
    with pytest.raises(ValueError, match="layout is from another setup"):
        one.set_state(several.get_state())
    slow = make(vehicle={"v_limit": 0.5})
    slow.reset(seed=0)
    slow.set_state(simple.get_state())
    column = slow.setup.parameter_columns.index("v_limit")
    assert slow.get_state()["rows"]["p"][0, column] == 0.5


def test_vehicles_of_a_fleet_start_apart_or_the_map_is_refused():
    for layout, agents in (("bug_trap", 2), ("simple", 30)):
        env = gym_suite.parallel_env(
            "agv/Fleet-v0", layout=layout, agents=agents, least_distance=0.0
        )
        setup = env.setup
        p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
        apart = np.hypot(p["length"], p["width"])
        for seed in range(20):
            env.reset(seed=seed)
            state = dict(
                zip(setup.state_columns.names, env.get_state()["rows"]["x"][0], strict=True)
            )
            places = np.array([(state[f"agv_{i}_x"], state[f"agv_{i}_y"]) for i in range(agents)])
            gaps = np.hypot(*(places[:, None] - places[None]).T) + 9.0 * np.eye(agents)
            assert gaps.min() >= apart, (layout, seed)
    with pytest.raises(ValueError, match=r"room for \d starts that are"):
        gym_suite.parallel_env("agv/Fleet-v0", layout="u_trap", agents=4)


def test_a_number_of_ones_own_is_not_said_to_come_from_a_data_sheet():
    own = build_vehicle({"v_limit": 1.5, "mass": 80.0})  # as the MP-500 has them
    assert vehicle_source(own, "v_limit") == vehicle_source(own, "mass") == "user"
    assert vehicle_source(own, "length") == vehicle_source(build_vehicle("MiR100"), "length")
    wide = build_vehicle({"base": "MP-500", "mu": 0.3})
    assert vehicle_source(wide, "v_limit") == vehicle_source(build_vehicle("MP-500"), "v_limit")
