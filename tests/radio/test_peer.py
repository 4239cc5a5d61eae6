"""The peer's games, step by step: recorded runs of RFRL Gym are replayed with their random draws."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.radio import import_rfrl, read_scenario, shipped

DATA = Path(__file__).parent / "data"
RUNS = sorted(path.stem for path in DATA.glob("*.npz"))


def load(name):
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return json.loads((DATA / f"{name}.json").read_text()), arrays


def make(scenario, **keywords):
    name = {"access": "radio/Access-v0", "jam": "radio/Jamming-v0"}[scenario.goal]
    return gymnasium.make(name, scenario=scenario, **keywords)


def assert_info(info, run, step):
    for name, recorded in (
        ("entity_actions", "entity_actions"),
        ("occupancy", "true_vec"),
        ("peer_observation", "obs_vec"),
    ):
        assert info[name].tolist() == run[recorded][step].tolist(), (name, step)


@pytest.mark.parametrize("name", RUNS)
def test_recorded_runs_are_equal_in_every_step(name):
    record, run = load(name)
    env = make(import_rfrl(record["scenario_as_run"]))
    _, info = env.reset(seed=0, options={"draws": record["draws"]})
    assert_info(info, run, 0)
    for k, action in enumerate(run["actions"]):
        _, reward, terminated, truncated, info = env.step(action)
        assert_info(info, run, k + 1)
        assert reward == run["rewards"][k], k
        assert not terminated
        assert truncated == bool(run["terminated"][k])


def test_a_snapshot_takes_the_injected_draws_along():
    record, run = load("init_simple_jammer_test")
    env = make(import_rfrl(record)).unwrapped
    env.reset(seed=0, options={"draws": record["draws"]})
    for action in run["actions"][:40]:
        env.step(action)
    snapshot = env.get_state()
    other = make(import_rfrl(record)).unwrapped
    other.reset(seed=7)
    other.set_state(snapshot)
    for k in range(40, 90):
        assert_info(other.step(run["actions"][k])[-1], run, k + 1)


def channels_of(entity, steps):
    scenario = {"channels": 10, "steps": 50, "entities": {"e": entity}}
    env = make(read_scenario(scenario))
    infos = [env.reset(seed=0)[1], *(env.step(0)[-1] for _ in range(steps - 1))]
    return [int(info["entity_actions"][0]) for info in infos]


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        (
            {"kind": "hopper", "channels": [0, 1, 2, 3], "on_off": [1, 3, 0]},
            [0, 0, 0, 1, 1, 1, 2, 2, 2, 3],
        ),
        (
            {"kind": "hopper", "channels": [0, 1, 2, 3], "on_off": [1, 3, 2]},
            [0, 0, 0, -1, -1, 1, 1, 1, -1, -1, 2],
        ),
        (
            {"kind": "constant", "channels": [7], "on_off": [0, 2, 3]},
            [-1, -1, -1, 7, 7, -1, -1, -1, 7, 7],
        ),
        (
            {"kind": "hopper", "channels": [0, 1, 2, 3], "start": 3, "stop": 8},
            [-1, -1, -1, 0, 1, 2, 3, 0, 1, -1, -1],
        ),
        ({"kind": "constant", "channels": [9], "on_off": [0, 0, 1]}, [-1] * 6),
        ({"kind": "sweep", "width": 3}, [0, 3, 6, 9, 2]),
    ],
)
def test_worked_examples(entity, expected):
    assert channels_of(entity, len(expected)) == expected


def test_the_24_scenarios_of_the_peer_ship_and_play():
    names = [n for n in shipped() if n != "shared_band" and not read_scenario(n).agents]
    assert len(names) == 24
    assert len(shipped()) == 24 + 6 + 1
    for name in names:
        scenario = read_scenario(name)
        env = make(scenario)
        env.reset(seed=0)
        for _ in range(scenario.steps):
            _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
            assert reward in (-1.0, 0.0, 1.0)
            assert not terminated
        assert truncated


def test_a_jamming_scenario_is_refused_by_access_and_the_other_way_round():
    with pytest.raises(ValueError, match=r"radio/Jamming-v0"):
        gymnasium.make("radio/Access-v0", scenario="paper_s2")
    with pytest.raises(ValueError, match=r"radio/Access-v0"):
        gymnasium.make("radio/Jamming-v0", scenario="paper_s3")


def test_draws_that_cannot_be_are_refused_and_nothing_changes():
    env = gymnasium.make("radio/Access-v0", scenario="paper_s3")
    env.reset(seed=0)
    before = env.unwrapped.get_state()
    for draws, message in (
        ([{"step": 1, "entity": "stoc", "chosen": 1}], r"draws\[0\].entity.*'stoch'"),
        ([{"step": 1, "entity": "stoch", "chosen": 99}], r"draws\[0\].chosen"),
        ([{"step": 1, "entity": "stoch"}], r"draws\[0\].chosen is missing"),
        ("all", "must be a list"),
    ):
        with pytest.raises(ValueError, match=message):
            env.reset(seed=1, options={"draws": draws})
    after = env.unwrapped.get_state()
    assert np.array_equal(before["rows"]["x"], after["rows"]["x"])
    assert before["generators"] == after["generators"]


def test_the_family_is_reached_from_the_package():
    assert gym_suite.radio.import_rfrl is import_rfrl
