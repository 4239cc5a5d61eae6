"""What sampling planners pay for places: compiled, and the same in NumPy to the last bit; targets are told apart."""

import os
import pickle
import threading
from multiprocessing import get_context

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.agv.columns import COLLIDED, X
from gym_suite.agv.controllers.mppi import FIELDS, add_costs
from gym_suite.core import crew

CELL, FIRST, KEEP = 0.25, 3, 0.7


def in_numpy(x, value, goal, seen):
    """Cost to go and costs of all places, with whole arrays."""
    a, b = x[:, FIRST + X.x], x[:, FIRST + X.y]
    rows, columns = value.shape
    c = np.clip(a / CELL - 0.5, 0.0, columns - 1.001)
    r = np.clip(b / CELL - 0.5, 0.0, rows - 1.001)
    j, i = c.astype(np.int64), r.astype(np.int64)
    u, w = c - j, r - i
    corners = np.stack([value[i, j], value[i, j + 1], value[i + 1, j], value[i + 1, j + 1]])
    open_ = corners < 1e3 * CELL
    dearest = np.where(open_, corners, -1.0).max(axis=0)
    corners = np.where(open_, corners, np.where(dearest < 0.0, 100.0, dearest + 4.0 * CELL))
    far = (corners * np.stack([(1 - u) * (1 - w), u * (1 - w), (1 - u) * w, u * w])).sum(axis=0)
    distance = np.hypot(a - goal[0], b - goal[1])
    left = np.where(distance < 2.0 * CELL, np.minimum(distance, far + CELL), far)
    cost = 100.0 * (x[:, FIRST + X.status] == COLLIDED)
    if len(seen):
        gap = np.hypot(a[:, None] - seen[:, 0], b[:, None] - seen[:, 1]).min(axis=1)
        cost = cost + 20.0 * np.maximum(0.0, 1.0 - gap / KEEP)
    return left, cost + 0.2 * left


@pytest.mark.parametrize("returns", [0, 1, 40])
def test_costs_of_places_are_those_of_whole_arrays_to_the_last_bit(returns):
    rng = np.random.default_rng(returns)
    value = rng.uniform(0.0, 30.0, (20, 30))
    value[rng.uniform(size=value.shape) < 0.4] = 1e3 * CELL
    # Around the target less is left than as the crow flies.
    value[8:13, 10:15] = rng.uniform(0.0, 0.3, (5, 5))
    x = rng.normal(size=(3000, FIRST + len(X._fields)))
    x[:, FIRST + X.x] = rng.uniform(-1.0, 8.5, len(x))
    x[:, FIRST + X.y] = rng.uniform(-1.0, 6.0, len(x))
    x[:, FIRST + X.status] = np.where(rng.uniform(size=len(x)) < 0.1, COLLIDED, 0.0)
    goal, seen = (3.0, 2.5), rng.uniform(0.0, 6.0, (returns, 2))
    # Places on a return, between two that are as near to the last digits, and just as far as nothing is paid.
    for k in range(returns):
        x[k, [FIRST + X.x, FIRST + X.y]] = seen[k]
        x[100 + k, [FIRST + X.x, FIRST + X.y]] = 0.5 * (seen[k] + seen[0])
        x[200 + k, [FIRST + X.x, FIRST + X.y]] = seen[k] + (KEEP, 0.0)
    left, cost = np.empty(len(x)), np.zeros(len(x))
    add_costs(x, FIRST, value, CELL, *goal, seen, KEEP, left, cost)
    expected_left, expected_cost = in_numpy(x, value, goal, seen)
    np.testing.assert_array_equal(left, expected_left)
    np.testing.assert_array_equal(cost, expected_cost)
    near = np.hypot(x[:, FIRST + X.x] - goal[0], x[:, FIRST + X.y] - goal[1]) < 2.0 * CELL
    assert near.any() and not near.all() and (cost > 100.0).any()
    assert not returns or ((cost - 0.2 * left > 1.0) & (cost < 100.0)).any()


def test_costs_to_go_are_kept_by_layout_and_target():
    env = gymnasium.make("agv/SimpleStatic-v0")
    pi = gym_suite.make_controller(env, "mppi")
    shape = pi._cost[0].shape
    places = [(0.0, 0.0, 0.0, 0.3 * k, 0.2 * k) for k in range(1, 12)]
    kept = [pi._field(0, place).copy() for place in places]
    fresh = gym_suite.make_controller(env, "mppi")
    for place, field in zip(reversed(places), reversed(kept), strict=True):
        np.testing.assert_array_equal(fresh._field(0, place), field)
        np.testing.assert_array_equal(pi._field(0, place), field)
    assert kept[0].shape == shape and not np.array_equal(kept[0], kept[-1])
    cell = pi._values["cell"]
    for k in range(3 * FIELDS):
        pi._field(0, (0.0, 0.0, 0.0, cell * (k % shape[1] + 0.5), cell * (k // shape[1] + 0.5)))
        assert len(pi._fields) <= FIELDS
    env.close()


@pytest.mark.parametrize("name", ["mppi", "mppi-tuned"])
def test_threads_share_the_samples_and_change_no_bit(name):
    envs = gymnasium.make_vec("agv/ComplexDynamic-v0", num_envs=2)
    one, several = (
        gym_suite.make_controller(envs, name, samples=33, horizon=6, threads=threads)
        for threads in (1, 2)
    )
    several = pickle.loads(pickle.dumps(several))
    seen, _ = envs.reset(seed=3)
    states, start = (None, None), True
    for _ in range(5):
        acted = [
            law.predict(seen, state, start)
            for law, state in zip((one, several), states, strict=True)
        ]
        for a, b in zip(*acted, strict=True):
            np.testing.assert_array_equal(a, b)
        states, start = [state for _, state in acted], False
        seen = envs.step(acted[0][0])[0]
    envs.close()


def decisions(env, threads, samples=64):
    """Return what a controller of its own decides at the first observation, and with what it goes on from there."""
    law = gym_suite.make_controller(env, "mppi", threads=threads, samples=samples, horizon=5)
    seen, state, found = env.unwrapped.reset(seed=0)[0], None, []
    for _ in range(5):
        action, state = law.predict(seen, state, state is None, True)
        found.append(action)
    return np.array(found)


@pytest.mark.parametrize("samples", [64, 600])
def test_threads_where_they_pay_change_no_bit(samples, monkeypatch):
    monkeypatch.setattr(crew, "cores", lambda: 2)
    env = gymnasium.make("agv/ComplexDynamic-v0")
    np.testing.assert_array_equal(decisions(env, "auto", samples), decisions(env, 1, samples))
    env.close()


@pytest.mark.filterwarnings("ignore:threads=2")
def test_controllers_decide_side_by_side_and_in_a_forked_process():
    """Two in two threads of Python, and one that has decided here, in a copy of this process."""
    env, found = gymnasium.make("agv/ComplexDynamic-v0"), {}
    expected = decisions(env, 1)
    law = gym_suite.make_controller(env, "mppi", threads=2, samples=64, horizon=5)
    seen = env.unwrapped.reset(seed=0)[0]

    def decide(key, law, calls):
        for _ in range(calls):
            found[key] = law.predict(seen, None, True, True)[0]

    laws = [law, law, law.clone().tune(env)]  # one of them is called from two threads
    callers = [
        threading.Thread(target=decide, args=(k, law, 100), daemon=True)
        for k, law in enumerate(laws)
    ]
    for one in callers:
        one.start()
    for one in callers:
        one.join(120.0)
    assert not any(one.is_alive() for one in callers)
    if hasattr(os, "fork"):
        context = get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=lambda: theirs.send(law.predict(seen, None, True, True)[0]))
        child.start()
        theirs.close()
        try:
            assert ours.poll(60.0), "the forked process hangs"
            found["forked"] = ours.recv()
        finally:
            child.kill()
            child.join()
    for action in found.values():
        np.testing.assert_array_equal(action, expected[0])
    env.close()


@pytest.mark.parametrize("threads", [0, 2000, True, 1.5, "many", None])
def test_threads_that_cannot_be_are_refused_when_it_is_made(threads):
    env = gymnasium.make("agv/ComplexDynamic-v0")
    with pytest.raises(ValueError, match="threads must"):
        gym_suite.make_controller(env, "mppi", threads=threads)
    env.close()


def test_more_threads_than_cores_are_said_where_it_is_made():
    env = gymnasium.make("agv/ComplexDynamic-v0")
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="cores") as told:
            gym_suite.make_controller(env, "mppi-tuned", threads=crew.cores() + 1)
        assert [one.filename for one in told] == [__file__]
    env.close()
