"""Taking off: standing is no crash, what carries the drone, when it is done, and the laws that do it."""

import gymnasium
import numpy as np
import pytest

import gym_suite

ID = "drones/TakeOff-v0"
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))
SETTINGS = ({}, {"noise": 0.01}, {"mismatch": 0.3}, {"delay": 1})
CALM = {"aerodynamics": ("drag",), "start_position": 0.0, "start_tilt": 0.0}


def fly(law, *, seeds=20, steps=480, **keywords):
    """Return which drones were done and which crashed, when, and distances and heights of all steps."""
    envs = gymnasium.make_vec(ID, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, state = envs.reset(seed=0)[0], None
    alive, done, crashed = (np.full(seeds, value) for value in (True, False, False))
    rows = []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, ended, _, info = envs.step(action)
        seen = {name: info[name] for name in ("target_distance", "z", "held")}
        rows.append({n: np.where(alive, v, np.nan) for n, v in (seen | {"reward": reward}).items()})
        done |= alive & (info["reached"] > 0.0)
        crashed |= alive & (info["violation"] > 0.0)
        alive &= ~ended
    envs.close()
    return done, crashed, {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_reference_takes_off_and_holds_the_place(engine, setting):
    done, crashed, flown = fly("indi", engine=engine, **setting)
    assert done.all() and not crashed.any()
    for k in range(20):  # counted anew: a second on end within reach, and not before
        near = flown["target_distance"][:, k] < 0.15
        last = np.flatnonzero(np.isfinite(flown["reward"][:, k]))[-1]
        assert near[last - 59 : last + 1].all() and not near[last - 60]
        left = 480 - (last + 1)
        assert flown["reward"][last, k] == pytest.approx(left + 1.0, abs=0.2)
        assert (flown["reward"][:last, k] <= 1.0).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_geometric_control_is_not_thrown_by_what_it_integrates_on_the_floor(engine, setting):
    done, crashed, flown = fly("geometric", engine=engine, **setting)
    assert done.sum() >= 19 and not crashed.any()
    assert done.all() or "mismatch" in setting
    if not setting:
        assert np.nanmax(flown["z"]) < 1.15


@pytest.mark.parametrize("law", ["indi", "adaptive", "geometric"])
def test_the_figures_of_the_page_hold(law):
    for setting in ({}, {"mismatch": 0.3}, {"wind": {"mean": ((-1, 1), (-1, 1), 0)}}):
        done, crashed, _ = fly(law, seeds=100, **setting)
        assert done.sum() >= (99 if law == "geometric" and "mismatch" in setting else 100)
        assert not crashed.any()


@pytest.mark.parametrize("engine", ENGINES)
def test_it_lifts_off_when_thrust_exceeds_weight_and_not_before(engine):
    env = gymnasium.make(ID, engine=engine, **CALM).unwrapped
    for action, lifts in ((-0.015, False), (0.015, True)):  # thrust 0.988 and 1.012 of the weight
        env.reset(seed=0)
        for _ in range(180):
            _, _, ended, _, info = env.step(np.full(4, action))
            assert not ended and not info["violation"]
        assert (info["z"] > 0.1) == lifts
        if not lifts:
            assert info["z"] == pytest.approx(0.0125, abs=5e-4) and info["speed"] < 1e-3
    env.close()


def test_the_floor_carries_what_thrust_does_not():
    env = gymnasium.make(ID, engine="compiled", **CALM).unwrapped
    sink = env.nominal.parameters["contact_sink"]
    for action in (-1.0, -0.5):
        env.reset(seed=0)
        for _ in range(240):
            *_, info = env.step(np.full(4, action))
        carried = 1.0 - (1.0 + 0.4 * action) ** 2  # of the weight
        assert (0.0125 - info["z"]) / sink == pytest.approx(carried, abs=0.025)


def test_drones_start_level_on_the_floor_with_rotors_still_at_seeded_places_and_headings():
    env = gymnasium.make(ID, engine="compiled").unwrapped
    seen = []
    for seed in range(40):
        _, info = env.reset(seed=seed)
        state = {name: value[0] for name, value in env.state().items()}
        assert info["z"] == 0.0125 and info["speed"] == 0.0
        assert state["quaternion_x"] == state["quaternion_y"] == 0.0
        assert not any(state[f"rotor_{k}"] or state[f"command_{k}"] for k in range(4))
        heading = 2.0 * np.arctan2(state["quaternion_z"], state["quaternion_w"])
        seen.append((state["position_x"], state["position_y"], heading))
    places = np.abs(seen)
    assert (places[:, :2] <= 0.3).all() and (places[:, :2].max(axis=0) > 0.25).all()
    assert 0.7 < places[:, 2].max() <= 1.0
    six = gymnasium.make(ID, engine="compiled", vehicle="f550", action_range=0.4).unwrapped
    six.reset(seed=0)
    assert not any(six.state()[f"rotor_{k}"][0] for k in range(6))


@pytest.mark.parametrize("engine", ENGINES)
def test_coming_down_after_it_has_flown_is_a_crash_and_standing_is_none(engine):
    env = gymnasium.make(ID, engine=engine, start_tilt=0.0).unwrapped
    env.reset(seed=1)
    for _ in range(300):
        _, reward, ended, _, info = env.step(-np.ones(4))
        assert not ended and not info["violation"] and reward >= 0.0
    for _ in range(40):
        *_, info = env.step(np.full(4, 0.3))
    assert info["z"] > 0.1
    ended = False
    while not ended:
        _, reward, ended, _, info = env.step(np.full(4, -0.3))
    assert info["violation"] == 1 and info["reached"] == 0 and reward < -5.0 and info["z"] < 0.05
    env.close()


def test_tipping_over_is_a_crash():
    env = gymnasium.make(ID, engine="compiled").unwrapped
    for degrees, falls in ((40.0, False), (65.0, True)):
        half = np.radians(degrees) / 2.0
        turned = {"quaternion_x": 0.0, "quaternion_z": 0.0}
        turned |= {"quaternion_y": np.sin(half), "quaternion_w": np.cos(half)}
        touching = 0.06 * np.sin(2.0 * half) + 0.0125 * np.cos(half)
        env.reset(seed=0, options={"state": turned | {"position_z": touching}})
        _, _, ended, _, info = env.step(-np.ones(4))
        assert ended == falls and info["violation"] == falls


def test_a_place_that_is_left_is_held_anew():
    env = gymnasium.make(ID, engine="compiled", hold=0.05, start_position=0.0).unwrapped
    near = {"position_z": 1.1, "velocity_z": 0.0}
    env.reset(seed=0, options={"state": near | {"flown": 1.0}})
    held, ended = [], False
    while not ended:
        _, _, ended, _, info = env.step(np.zeros(4))
        held.append(info["held"])
    np.testing.assert_allclose(held, [1 / 60, 2 / 60, 3 / 60])
    assert info["reached"] == 1
    env.reset(seed=0, options={"state": {"position_z": 1.5, "held": 0.04, "flown": 1.0}})
    *_, info = env.step(np.zeros(4))
    assert info["held"] == 0.0 and info["reached"] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_snapshots_go_on_as_the_episode_did(engine):
    env = gymnasium.make(ID, engine=engine).unwrapped
    env.reset(seed=1)
    for _ in range(30):
        env.step(np.full(4, 0.2))
    kept = env.get_state()
    first = [env.step(np.full(4, -0.4)) for _ in range(60)]
    env.set_state(kept)
    for one in first:
        again = env.step(np.full(4, -0.4))
        np.testing.assert_array_equal(again[0], one[0])
        assert again[1:3] == one[1:3]
        if one[2]:
            break
    assert one[2]  # it came down, which only who has flown may not
    env.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"height": 0.1}, r"height must be greater than 0\.1825"),
        ({"height": 3.0}, r"height = 3 m .* bound above 3\.03 m"),
        ({"start_position": 1.5}, r"start_position below 1\.15 m|bound above"),
        ({"reach": 0.0}, "reach must be greater than 0"),
        ({"hold": -1.0}, "hold must"),
        ({"hold": float("nan")}, "hold must be a finite number"),
        ({"hight": 1.0}, "'height'"),
        ({"start_velocity": 0.1}, "start_velocity"),
    ],
)
def test_bad_numbers_are_named(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", **keywords)
