"""Driving cycles: those of the regulations, a user's file with the road's grade, and what is refused."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.envs.cycles import CYCLES, drive_cycle

ID = "gem/PMSM-DriveCycle-v0"
#: Length (s), distance (km) and highest speed (km/h) as the regulations state them.
STATED = {
    "WLTC": (1800.0, 23.266, 131.3),
    "UDDS": (1369.0, 11.99, 91.25),
    "HWFET": (765.0, 16.5, 96.4),
    "US06": (600.0, 12.89, 129.2),
    "WMTC": (1800.0, 28.9, 125.3),
}


@pytest.mark.parametrize("name", CYCLES)
def test_a_cycle_has_the_length_distance_and_speed_of_its_regulation(name):
    table = drive_cycle(name)
    length, distance, fastest = STATED[name]
    assert table[0].tolist() == [0.0, 0.0] and table[-1].tolist() == [length, 0.0]
    assert np.trapezoid(table[:, 1], table[:, 0]) == pytest.approx(1e3 * distance, rel=2e-3)
    assert 3.6 * table[:, 1].max() == pytest.approx(fastest, abs=0.1)


def drive(steps, n=1, seed=0, **keywords):
    """Drive with the reference controller; return the infos, (steps, worlds)."""
    envs = gymnasium.make_vec(ID, num_envs=n, **keywords)
    controller = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=seed)
    state, infos = None, []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = envs.step(action)
        assert not terminated.any()
        infos.append(
            {name: np.array(info[name]) for name in ("v", "v_ref", "torque", "torque_load")}
        )
    return {name: np.array([info[name] for info in infos]) for name in infos[0]}


@pytest.mark.parametrize("name", ["UDDS", "HWFET", "WMTC"])
def test_the_reference_controller_keeps_within_the_tolerance_of_the_regulation(name):
    """2 mph of the EPA (40 CFR 86.115-78) and 2 km/h of the UN are both kept, and by far."""
    run = drive(5999, n=4, cycle=name)
    assert np.abs(run["v"] - run["v_ref"]).max() < 1.0 / 3.6


def road(tmp_path, grade, speed=10.0, name="road.csv"):
    path = tmp_path / name
    lines = [f"{t},{3.6 * speed},{grade}" for t in (0, 30, 60)]
    path.write_text("\n".join(["# mine", "time_s, speed_km_h, grade", *lines]))
    return str(path)


@pytest.mark.parametrize("grade", [0.0, 0.06, -0.03])
def test_a_grade_takes_the_weight_along_the_road(tmp_path, grade):
    run = drive(1500, cycle=road(tmp_path, grade), window=30.0, start=0.0)
    lever, weight = 0.350 / 5.72, 1270.0 * 9.80665
    angle = np.arctan(grade)
    drag = 0.5 * 1.2 * 0.29 * 2.38 * 10.0**2
    force = weight * (np.sin(angle) + 7.7e-3 * np.cos(angle)) + drag
    assert run["v"][-1] == pytest.approx(10.0, abs=1e-3)
    assert run["torque_load"][-1] == pytest.approx(lever * force, rel=1e-4)
    assert run["torque"][-1] == pytest.approx(lever * force, rel=1e-2)


def test_a_level_road_in_a_file_is_the_road_of_a_cycle(tmp_path):
    path = tmp_path / "again.csv"
    table = drive_cycle("US06")
    path.write_text("time_s,speed_mps\n" + "\n".join(f"{t!r},{v!r}" for t, v in table.tolist()))
    one, two = (drive(300, cycle=cycle, start=100.0) for cycle in ("US06", str(path)))
    assert np.array_equal(one["v"], two["v"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,speed\n0,0\n1,1", "speed_mps"),
        ("time_s\n0\n1", "needs the columns time_s and one of"),
        ("time_s,speed_mps,speed_km_h\n0,0,0\n1,1,1", "one of"),
        ("time_s,speed_mps\n0,0\n1,fast", "line 2 below the names"),
        ("time_s,speed_mps\n0,0\n1", "line 2 below the names"),
        ("time_s,speed_mps\n0,0\n0,1", "times must ascend"),
        ("time_s,speed_mps\n5,0\n6,1", "from 0 s"),
        ("time_s,speed_mps\n0,0\n1,-1", "must not be below 0"),
        ("time_s,speed_mps\n0,0\n1,nan", "finite"),
        ("time_s,speed_mps,grade\n0,0,0\n1,1,6", "rise over run"),
        ("time_s,speed_mps\n0,0\n1,60", "turns up to 38.4"),
        ("time_s,speed_mps\n0,0", "at least two"),
        ("", "got none"),
    ],
)
def test_a_file_that_is_no_cycle_is_refused(tmp_path, text, message):
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, cycle=str(path))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"cycle": "WLTP"}, "'WLTC'"),
        ({"cycle": "mine.csv"}, "no cycle file"),
        ({"cycle": "US06", "window": 700.0}, "600"),
        ({"cycle": "US06", "load": {"kind": "vehicle", "gear_ratio": 9.0}}, "smaller gear_ratio"),
    ],
)
def test_what_cannot_be_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, **keywords)
