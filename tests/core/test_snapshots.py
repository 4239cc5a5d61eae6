"""What is put back as a state, and with what an episode may begin: refused with a sentence, and nothing has moved."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite import testing as suite
from gym_suite.registration import catalogue
from gym_suite.teams import team_id

ONE, OTHER, SEVERAL = "radio/GilbertElliott-v0", "radio/Access-v0", "radio/MultiAccess-v0"
FACES = {
    "one": lambda: gymnasium.make(ONE).unwrapped,
    "many": lambda: gymnasium.make_vec(ONE, num_envs=2),
    "several": lambda: gym_suite.parallel_env(SEVERAL),
    "team": lambda: gymnasium.make(team_id(SEVERAL)).unwrapped,
    "teams": lambda: gymnasium.make_vec(team_id(SEVERAL), num_envs=2),
}


def begun(face):
    env = FACES[face]()
    env.reset(seed=3)
    return env


def replaced(snapshot, name, value):
    """Return the snapshot with one array of its rows replaced."""
    return snapshot | {"rows": snapshot["rows"] | {name: value}}


@pytest.mark.parametrize("face", FACES)
def test_a_snapshot_says_what_it_lacks_and_nothing_moves(face):
    env = begun(face)
    whole = env.get_state()
    bad = [({}, "'rows'"), ([], "must be a mapping, got a value of type list"), (None, "NoneType")]
    for name in whole:
        bad += [({k: v for k, v in whole.items() if k != name}, f"lacks '{name}'")]
    for name in whole["rows"]:
        rows = {k: v for k, v in whole["rows"].items() if k != name}
        bad.append((whole | {"rows": rows}, f"rows lacks '{name}'"))
    bad += [
        (whole | {"row": 1}, "Did you mean 'rows'"),
        (whole | {"rows": 7}, "rows must be a mapping, got a value of type int"),
        (replaced(whole, "x", whole["rows"]["x"][:, 1:]), "x has shape"),
        (replaced(whole, "x", whole["rows"]["x"] * np.nan), "must be finite"),
        (replaced(whole, "step", ["a"] * len(whole["rows"]["step"])), "step must be an array"),
        (replaced(whole, "step", whole["rows"]["step"] - 1), "step must be 0 or more, got -1"),
        (replaced(whole, "step", whole["rows"]["step"] + 0.5), "step must be of the type int64"),
        (replaced(whole, "key", whole["rows"]["key"].astype(float) + 4e3), "key must be of the"),
        (whole | {"started": "yes"}, "started must be True or False, got 'yes'"),
        (whole | {"started": 1}, "started must be True or False, got 1"),
        (replaced(whole, "id", OTHER), f"is of {OTHER}"),
        (whole | {"generators": []}, "generators"),
        (whole | {"generators": [{"bit_generator": "PCG64"}]}, "generators"),
        (whole | {"generators": None}, "generators"),
    ]
    for snapshot, words in bad:
        with pytest.raises(ValueError, match=words):
            env.set_state(snapshot)
        suite.assert_same(env.get_state(), whole, f"the world after {words}")


@pytest.mark.parametrize("face", FACES)
def test_an_array_of_another_shape_is_refused_even_where_it_could_be_spread(face):
    """Without its first axis or with one more, doubled, and a single number: each could be written over the rows."""
    env = begun(face)
    whole = env.get_state()
    arrays = {name: a for name, a in whole["rows"].items() if isinstance(a, np.ndarray)}
    own = {name: whole[name] for name in ("done", "gone") if name in whole}
    if isinstance(whole["generators"], np.ndarray):
        own["generators"] = whole["generators"]
    for name, array in {**arrays, **own}.items():
        others = (
            array[:1].ravel(),
            array[None],
            np.repeat(array, 2, axis=0),
            np.zeros((), array.dtype),
        )
        for other in others:
            if np.shape(other) == array.shape:
                continue
            bad = whole | {name: other} if name in own else replaced(whole, name, other)
            with pytest.raises(ValueError, match=rf"the snapshot's {name} has shape .*, this"):
                env.set_state(bad)
    suite.assert_same(env.get_state(), whole, "the world after all of them")


def test_a_snapshot_of_another_face_is_refused():
    one, many = begun("one"), gymnasium.make_vec(ONE, num_envs=1)
    many.reset(seed=0)
    with pytest.raises(ValueError, match="entry of the snapshot 'done'"):
        one.set_state(many.get_state())
    with pytest.raises(ValueError, match="lacks 'done'"):
        many.set_state(one.get_state())
    several = begun("several")
    with pytest.raises(ValueError, match="lacks 'agents'"):
        several.set_state(begun("team").get_state())
    with pytest.raises(ValueError, match="unknown agent of the snapshot 'nobody'"):
        several.set_state(several.get_state() | {"agents": ["nobody"]})


@pytest.mark.parametrize("face", FACES)
def test_what_was_taken_is_put_back(face):
    env = begun(face)
    snapshot = env.get_state()
    env.reset(seed=9)
    env.set_state(snapshot)
    suite.assert_same(env.get_state(), snapshot, "the world that was put back")


# One id for each layout of the state that a family has.
IDS = ("gem/PMSM-v0", "drones/Hover-v0", "drones/Waypoints-v0", ONE, "agv/SimpleStatic-v0")


@pytest.mark.parametrize("id", IDS)
def test_what_an_episode_may_begin_with_gives_finite_numbers(id):
    keywords = {"engine": "compiled"} if catalogue()[id].family == "drones" else {}
    env = gymnasium.make(id, **keywords).unwrapped
    actions = env.action_space
    actions.seed(0)
    for column in env.setup.state_columns.used:
        for sign in (-1.0, 1.0):
            with pytest.raises(ValueError, match=f"'{column.name}' must "):
                env.reset(seed=0, options={"state": {column.name: sign * 1e13}})
            limit = min(sign * column.high if sign > 0 else -column.low, 1e12)
            state = {column.name: sign * limit}
            observation, _ = env.reset(seed=0, options={"state": state})
            assert env.observation_space.contains(observation), state
            observation, reward, *_ = env.step(actions.sample())
            assert env.observation_space.contains(observation), state
            assert np.isfinite(reward), state
