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


SHOWN = ("entity_actions", "occupancy", "peer_observation")


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


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_recorded_draws_are_injected_into_many_worlds(mode):
    record, run = load("init_simple_jammer_test")
    scenario = import_rfrl(record).to_dict() | {"steps": 60}
    envs = gymnasium.make_vec("radio/Access-v0", num_envs=3, scenario=scenario, autoreset_mode=mode)
    plain = gymnasium.make_vec(
        "radio/Access-v0", num_envs=3, scenario=scenario, autoreset_mode=mode
    )
    plain.reset(seed=4)
    _, info = envs.reset(seed=4, options={"draws": [record["draws"], [], record["draws"]]})
    for k, action in enumerate(run["actions"][:80]):
        actions = np.full(3, action)
        observation, reward, *_, info = envs.step(actions)
        expected, *_, usual = plain.step(actions)
        # A world without draws goes its own way; the others as recorded, until a new episode begins.
        assert np.array_equal(observation[1], expected[1])
        if k < 59:
            for row in (0, 2):
                one = {name: info[name][row] for name in usual if name in SHOWN}
                assert_info(one, run, k + 1)
                assert reward[row] == run["rewards"][k]
        elif k > 60:
            assert not np.array_equal(info["entity_actions"], run["entity_actions"][k + 1])
    again, _ = envs.reset(seed=4, options={"draws": record["draws"]})
    assert again.shape == expected.shape
    info = envs.step(np.full(3, run["actions"][0]))[-1]
    assert_info({name: info[name][1] for name in SHOWN}, run, 1)


def test_snapshots_of_many_worlds_take_their_draws_along():
    record, run = load("init_simple_jammer_test")
    envs = gymnasium.make_vec("radio/Access-v0", num_envs=2, scenario=import_rfrl(record).to_dict())
    envs.reset(seed=0, options={"draws": record["draws"]})
    for action in run["actions"][:40]:
        envs.step(np.full(2, action))
    snapshot = envs.unwrapped.get_state()
    envs.reset(seed=9)
    envs.unwrapped.set_state(snapshot)
    for k in range(40, 90):
        info = envs.step(np.full(2, run["actions"][k]))[-1]
        assert_info({name: info[name][0] for name in SHOWN}, run, k + 1)


def test_draws_of_many_worlds_that_cannot_be_are_refused():
    record, _ = load("init_simple_jammer_test")
    envs = gymnasium.make_vec("radio/Access-v0", num_envs=2, scenario=import_rfrl(record).to_dict())
    envs.reset(seed=0)
    before = envs.unwrapped.get_state()
    for draws, message in (
        ([record["draws"]] * 3, "one a world, 2, got 3"),
        ([{"step": 1, "entity": "x", "chosen": 1}], "draws.0..entity"),
        ("all", "must be a list"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.reset(seed=1, options={"draws": draws})
    with pytest.raises(ValueError, match="reset option"):
        envs.reset(seed=1, options={"draws": record["draws"], "drawz": 1})
    assert np.array_equal(envs.unwrapped.get_state()["rows"]["x"], before["rows"]["x"])
    other = gymnasium.make_vec("radio/AntiJamming-v0", num_envs=2)
    with pytest.raises(ValueError, match="no scenario"):
        other.reset(seed=1, options={"draws": record["draws"]})


def test_a_refused_action_leaves_injected_draws_as_they_were():
    record, run = load("init_simple_jammer_test")
    env = make(import_rfrl(record)).unwrapped
    env.reset(seed=0, options={"draws": record["draws"]})
    for k, action in enumerate(run["actions"][:60]):
        before = env.get_state()["rows"]["x"]
        with pytest.raises(ValueError, match="whole number"):
            env.step(99)
        assert np.array_equal(env.get_state()["rows"]["x"], before)
        assert_info(env.step(action)[-1], run, k + 1)


# ----------------------------------------------------------------------------------------- edges


def test_hop_orders_stand_as_written_or_as_a_recording_resolved_them():
    entity = {"type": "FixedHopFreq", "channels": [0, 1, 2, 3], "onoff": [1, 1, 0], "rand_hop": 1}
    given = {
        "environment": {
            "num_channels": 4,
            "max_steps": 20,
            "observation_mode": "detect",
            "reward_mode": "dsa",
            "target_entity": None,
        },
        "entities": {"hop": entity},
        "render": {},
    }
    assert import_rfrl(given).entities[0].channels == (0, 1, 2, 3)
    resolved = [{"label": "hop", "resolved_channels": [2, 0, 3, 1]}]
    scenario = import_rfrl({"scenario_as_run": given, "entities": resolved, "name": "run"})
    assert scenario.entities[0].channels == (2, 0, 3, 1)
    env = make(scenario)
    played = [int(env.reset(seed=0)[1]["entity_actions"][0])]
    played += [int(env.step(0)[-1]["entity_actions"][0]) for _ in range(7)]
    assert played == [2, 0, 3, 1, 2, 0, 3, 1]
    with pytest.raises(ValueError, match=r"entities\.hop\.rand_hop"):
        import_rfrl(given | {"entities": {"hop": entity | {"rand_hop": 3}}})


@pytest.mark.parametrize(
    ("chosen", "candidates", "expected"),
    [
        (5, [5, -1], 5),  # a channel, or -1
        (-1, [5, -1], -1),
        (True, None, 5),  # whether it transmits
        (0, [0, 1], -1),
        ([1], None, 5),  # arrays of one element, as NumPy's choice returns them
        (0.29, None, 5),  # a uniform number, against the probability of 0.3
        (0.31, None, -1),
    ],
)
def test_draws_of_a_stochastic_constant_in_all_their_forms(chosen, candidates, expected):
    entity = {"kind": "stochastic_constant", "channels": [5], "probability": 0.3}
    env = make(read_scenario({"channels": 8, "steps": 9, "entities": {"s": entity}}))
    draw = {"step": 3, "entity": "s", "chosen": chosen}
    if candidates is not None:
        draw["candidates"] = candidates
    for seed in range(6):
        env.reset(seed=seed, options={"draws": [draw]})
        infos = [env.step(0)[-1] for _ in range(3)]
        assert infos[-1]["entity_actions"].tolist() == [expected]


def jammed(entities, course, *, channels=5):
    """Return the jammer's channels in the steps 0 .. len(course); it is the last entity."""
    scenario = read_scenario({"channels": channels, "steps": 50, "entities": entities})
    env = make(scenario)
    infos = [env.reset(seed=0)[1]] + [env.step(action)[-1] for action in course]
    return [int(info["entity_actions"][-1]) for info in infos]


def test_edges_of_the_simple_jammer():
    alone = {"j": {"kind": "simple_jammer"}}
    # Silent without a victim, one step behind the agent, and not after its own signal.
    assert jammed(alone, [3, 3, 0, 0, 5]) == [-1, -1, 2, 2, -1, -1]
    tv = {"tv": {"kind": "constant", "channels": [1]}}
    # It goes after entities too; jammed ones it has to itself, and takes again.
    assert jammed(tv | alone, [0, 0, 0]) == [-1, 1, 1, 1]
    # A fresh victim comes before the one it jams already; without avoid_repeats either may be next.
    assert jammed(tv | alone, [0, 4, 4]) == [-1, 1, 1, 3]
    careless = {"j": {"kind": "simple_jammer", "avoid_repeats": False}}
    assert jammed(tv | careless, [0, 4, 4])[:3] == [-1, 1, 1]
    assert jammed(tv | careless, [0, 4, 4])[3] in (1, 3)
    # Where agent and entity meet nobody is alone, and there is no victim.
    late = {"j": {"kind": "simple_jammer", "start": 2}}
    assert jammed(tv | late, [2, 2, 2]) == [-1, -1, -1, -1]


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
    own = {"shared_band", "bursty_20", "adaptive_4"}
    names = [n for n in shipped() if n not in own and not read_scenario(n).agents]
    assert len(names) == 24
    assert len(shipped()) == 24 + 6 + len(own)
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


def test_draws_that_an_entity_cannot_make_are_refused():
    entities = {
        "table": {"kind": "constant", "channels": [3]},
        "hop": {"kind": "stochastic_hopper", "channels": [0, 2]},
    }
    scenario = {"channels": 5, "steps": 10, "entities": entities}
    env = gymnasium.make("radio/Access-v0", scenario=scenario).unwrapped
    for draw, message in (
        ({"step": 1, "entity": "table", "chosen": 3}, "'table' is a constant"),
        ({"step": 1, "entity": "hop", "chosen": 1}, r"a channel of 'hop', \[0, 2\], got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            env.reset(seed=0, options={"draws": [draw]})
    env.reset(seed=0, options={"draws": [{"step": 1, "entity": "hop", "chosen": 2}]})
    assert env.step(0)[-1]["entity_actions"].tolist() == [3, 2]
