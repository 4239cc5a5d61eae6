"""Rings of drones: what they see of each other, swaps, and the controller that keeps them apart."""

import gymnasium
import numpy as np
import pytest

import gym_suite

ID = "drones/Formation-v0"
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))


def places(info, count, prefix=""):
    """Return positions of the drones, or of their targets, (worlds, drones, 3)."""
    columns = [[info[f"{prefix}{a}_{j}"] for a in "xyz"] for j in range(count)]
    return np.moveaxis(np.array(columns, dtype=float).reshape(count, 3, -1), 2, 0)


def fly(keywords, worlds, steps=480, controller="avoiding"):
    """Return returns, whether each world lives, the smallest gap and the farthest distance over time."""
    envs = gymnasium.make_vec(ID, num_envs=worlds, **keywords)
    count = envs.unwrapped.setup.agent_count
    agent = gym_suite.make_controller(envs, controller)
    observation, state = envs.reset(seed=0)[0], None
    total, live, gap, far = np.zeros(worlds), np.ones(worlds, dtype=bool), np.inf, []
    for _ in range(steps):
        action, state = agent.predict(observation, state)
        observation, reward, ended, _, info = envs.step(action)
        total += reward * live
        live &= ~ended
        at = places(info, count)
        apart = np.linalg.norm(at[:, :, None] - at[:, None], axis=-1) + 9 * np.eye(count)
        gap = min(gap, apart[live].min(initial=9.0))
        far.append(info["distance"][live].max(initial=0.0))
    envs.close()
    return total, live, gap, np.array(far)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_reference_controller_swaps_without_touching(engine):
    total, live, gap, far = fly({"engine": engine}, 5)
    assert live.all()
    assert gap > 0.25  # twice what would be a crash
    assert far[58] < 0.05 and far[59] > 0.9  # the first swap, after a second
    assert far[290] < 0.03 and far[-1] < 0.03  # both swaps are done in time
    idle, _, _, _ = fly({"engine": engine}, 5, controller="zero")
    assert (idle < 0.25 * total).all()


@pytest.mark.parametrize("drones", [2, 3, 6])
def test_rings_of_other_sizes_swap_too(drones):
    _, live, gap, far = fly({"engine": "compiled", "drones": drones}, 5, steps=230)
    assert live.all() and gap > 0.15
    assert far[-1] < 0.03


def test_holding_is_easy():
    total, live, _, far = fly({"engine": "compiled", "formation": "hold"}, 5)
    assert live.all() and (total > 465).all()
    assert far[240:].max() < 0.01


def test_a_swap_sends_each_drone_to_the_opposite_place():
    env = gymnasium.make(ID, engine="compiled", path=None, **STILL)
    _, info = env.reset(seed=0)
    before = places(info, 4, "target_")[0]
    np.testing.assert_allclose(np.linalg.norm(before - [0, 0, 1], axis=1), 0.5)
    targets = [places(env.step(np.zeros(16))[-1], 4, "target_")[0] for _ in range(60)]
    np.testing.assert_array_equal(targets[-2], before)
    np.testing.assert_allclose(targets[-1], before[[2, 3, 0, 1]], atol=1e-12)


def test_neighbours_are_the_nearest_in_order_and_zeros_beyond_the_radius():
    keywords = {"drones": 6, "spacing": 0.9, "start_position": 0.3, "path": None}
    env = gymnasium.make(
        ID, engine="compiled", neighbours=4, neighbour_radius=1.2, **(STILL | keywords)
    ).unwrapped
    columns = env.setup.observation_columns
    seen_any = hidden_any = False
    for seed in range(5):
        observation, info = env.reset(seed=seed)
        rows, at = observation.reshape(6, -1), places(info, 6)[0]
        for j in range(6):
            apart = np.linalg.norm(at - at[j], axis=1)
            order = np.argsort(apart)[1:5]
            for k, i in enumerate(order, start=1):
                first = columns.index(f"neighbour_{k}_x")
                expected = (at[i] - at[j]) if apart[i] < 1.2 else np.zeros(3)
                np.testing.assert_allclose(rows[j, first : first + 3], expected, atol=1e-6)
                seen_any |= apart[i] < 1.2
                hidden_any |= apart[i] >= 1.2
    assert seen_any and hidden_any


def test_neighbours_that_are_equally_far_are_both_seen():
    """The one in the middle of three in a row sees the next in order first, then the other, at the same distance."""
    env = gymnasium.make(ID, engine="compiled", drones=3, neighbours=2, path=None, **STILL)
    rows = {0: (0.0, 0.0), 1: (1.0, 0.0), 2: (-1.0, 0.0)}
    state = {f"position_{c}_{j}": at[k] for j, at in rows.items() for k, c in enumerate("xy")}
    observation, _ = env.reset(seed=0, options={"state": state})
    columns = env.unwrapped.setup.observation_columns
    first, second = (columns.index(f"neighbour_{k}_x") for k in (1, 2))
    middle = observation.reshape(3, -1)[0]
    np.testing.assert_array_equal(middle[first : first + 3], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(middle[second : second + 3], [-1.0, 0.0, 0.0])


def test_history_holds_the_last_actions_newest_first():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", history=3).unwrapped
    observation, _ = env.reset(seed=0)
    first = env.setup.observation_columns.index("last_action_rotor_0")
    given = np.random.default_rng(0).uniform(-0.1, 0.1, (5, 4)).astype(np.float32)
    np.testing.assert_array_equal(observation[first : first + 12], 0.0)
    for k, action in enumerate(given):
        observation, *_ = env.step(action)
        last = observation[first : first + 12].reshape(3, 4)
        expected = np.zeros((3, 4), np.float32)
        newest = given[max(k - 2, 0) : k + 1][::-1]
        expected[: len(newest)] = newest
        np.testing.assert_array_equal(last, expected)
    observation, _ = env.reset(seed=1)  # nothing of the episode before is left
    np.testing.assert_array_equal(observation[first : first + 12], 0.0)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"formation": "swop"}, "'swap'"),
        ({"swap_period": 0.0}, "swap_period"),
        ({"neighbours": 4}, "neighbours"),
        ({"drones": 1}, "drones"),
        (
            {"drones": 30, "spacing": 0.5},
            r"30 drones 0.105 m from each other; they touch at 0.12 m",
        ),
        ({"spacing": 1.5}, "a swap is 3 m long, from which bound = 2 m"),
    ],
)
def test_impossible_rings_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", **keywords)


@pytest.mark.parametrize("vehicle", ["x500", "f550", "octorotor"])
@pytest.mark.parametrize(
    ("id", "keywords"), [("drones/MultiHover-v0", {}), (ID, {"formation": "hold"})]
)
def test_a_ring_grows_with_its_vehicles_so_that_the_reference_loses_none(id, keywords, vehicle):
    envs = gymnasium.make_vec(id, num_envs=20, engine="compiled", vehicle=vehicle, **keywords)
    law = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=100_000)
    state = None
    for _ in range(480):
        action, state = law.predict(observation, state)
        observation, _, terminated, truncated, _ = envs.step(action)
        assert not terminated.any()
    assert truncated.all()
    envs.close()


def test_a_ring_that_is_swapped_on_stays_within_what_can_be_crossed():
    # On the default ring 30 drones would touch; one with room for their starts would be longer across than the bound.
    env = gymnasium.make(ID, engine="compiled", drones=30)
    env.reset(seed=0)
    env.step(np.zeros(env.action_space.shape, np.float32))


def test_no_two_of_many_drones_start_in_each_other():
    env = gymnasium.make("drones/MultiHover-v0", engine="compiled", drones=100)
    for seed in range(5):
        env.reset(seed=seed)
        _, _, terminated, _, info = env.step(np.zeros(env.action_space.shape, np.float32))
        assert not terminated and not np.any(info["violation"])


def test_bad_gains_are_refused():
    env = gymnasium.make(ID, engine="compiled")
    with pytest.raises(ValueError, match="reach"):
        gym_suite.make_controller(env, "avoiding", reach=0.1)
    with pytest.raises(ValueError, match="speed"):
        gym_suite.make_controller(env, "avoiding", speed=0.0)
