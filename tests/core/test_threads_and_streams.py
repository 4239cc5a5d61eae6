"""Threads give the numbers of one thread; the worlds' generators are NumPy's, word for word."""

import copy
import os
import pickle
import threading
import time
from multiprocessing import get_context

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import seeding
from hypothesis import given
from hypothesis import strategies as st

import gym_suite
from gym_suite.bench import measure_rates
from gym_suite.core import crew as crews
from gym_suite.core.crew import TRIES, Crew, cores
from gym_suite.core.streams import Streams
from gym_suite.registration import catalogue
from gym_suite.teams import team_id

SINGLE = tuple(card.id for card in catalogue().values() if card.entry_point)
ALL = np.ones(5, dtype=np.bool_)


def keywords_of(id):
    return dict(catalogue()[id].settings.get("compiled", {}))


def raw(generators):
    return np.array([g.bit_generator.random_raw() for g in generators], dtype=np.uint64)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("id", SINGLE)
@pytest.mark.filterwarnings("ignore:threads=3")
def test_threads_change_no_number(id, mode):
    """Episodes of different lengths end, restart and go on; 3 threads for 7 worlds against one."""
    made = [
        gymnasium.make_vec(
            id, 7, autoreset_mode=mode, threads=threads, max_episode_steps=9, **keywords_of(id)
        )
        for threads in (1, 3)
    ]
    first, second = (envs.reset(seed=3) for envs in made)
    made[0].action_space.seed(1)
    ended = np.zeros(7, dtype=np.bool_)
    for _ in range(25):
        if mode == "Disabled" and ended.any():
            resets = [envs.reset(options={"reset_mask": ended.copy()}) for envs in made]
            assert np.array_equal(resets[0][0], resets[1][0])
        actions = made[0].action_space.sample()
        first, second = (envs.step(actions) for envs in made)
        for a, b in zip(first[:4], second[:4], strict=True):
            assert np.array_equal(a, b)
        for name in made[0].metrics():
            assert np.array_equal(made[0].metrics()[name], made[1].metrics()[name])
        ended = first[2] | first[3]
    for envs in made:
        envs.close()


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "drones/Hover-v0", "radio/Jamming-v0"])
@pytest.mark.filterwarnings("ignore:threads=2")
def test_threads_change_nothing_of_what_is_drawn(id):
    """Plants, noise and what waits in queues are drawn anew for worlds that start while others move."""
    made = [
        gymnasium.make_vec(
            id,
            40,
            threads=threads,
            max_episode_steps=4,
            noise=0.01,
            mismatch=0.3,
            delay=1,
            **keywords_of(id),
        )
        for threads in (1, 2)
    ]
    # Worlds end at different steps.
    late = np.arange(40) % 3 == 0
    for envs in made:
        envs.reset(seed=3)
        envs.step(np.zeros_like(envs.action_space.sample()))
        envs.reset(options={"reset_mask": late})
    made[0].action_space.seed(1)
    for _ in range(12):
        actions = made[0].action_space.sample()
        first, second = (envs.step(actions) for envs in made)
        for a, b in zip(first[:4], second[:4], strict=True):
            assert np.array_equal(a, b)
    kept = [envs.unwrapped.get_state() for envs in made]
    for name in ("x", "key", "step", "p", "queue"):
        assert np.array_equal(kept[0]["rows"][name], kept[1]["rows"][name])
    for envs in made:
        envs.close()


@pytest.mark.filterwarnings("ignore:threads=2")
def test_a_refused_action_moves_no_world_with_threads():
    envs = gymnasium.make_vec("gem/PMSM-v0", 6, threads=2, max_episode_steps=1)
    envs.reset(seed=0)
    envs.reset(options={"reset_mask": np.arange(6) > 2})
    envs.step(np.zeros((6, 2)))
    envs.reset(options={"reset_mask": np.arange(6) > 2})
    before = envs.unwrapped.get_state()
    actions = np.zeros((6, 2))
    actions[5, 1] = np.nan
    with pytest.raises(ValueError, match=r"actions\[5, 1\]"):
        envs.step(actions)
    after = envs.unwrapped.get_state()
    for name in ("x", "key", "step"):
        assert np.array_equal(after["rows"][name], before["rows"][name])
    assert np.array_equal(after["generators"], before["generators"])


def test_threads_that_cannot_be():
    for wrong in (0, -1, 1.5, "many", True, False, None, 1025):
        with pytest.raises(ValueError, match="threads must"):
            gymnasium.make_vec("gem/PMSM-v0", 4, threads=wrong)


def make_threaded(threads):
    gymnasium.make_vec("gem/PMSM-v0", 4, threads=threads).close()


def make_threaded_for_sb3(threads):
    pytest.importorskip("stable_baselines3")
    from gym_suite.learning import make_sb3_vec

    make_sb3_vec("gem/PMSM-v0", 4, threads=threads).close()


def measure_threaded(threads):
    measure_rates(["gem/PMSM-v0"], repeats=1, seconds=1e-3, threads=threads, yardstick=False)


@pytest.mark.parametrize(
    "ask",
    [lambda n: Crew(n, 100), make_threaded, make_threaded_for_sb3, measure_threaded],
    ids=["crew", "make_vec", "make_sb3_vec", "measure_rates"],
)
def test_more_threads_than_cores_are_said_where_the_user_asked(ask):
    """The line is one of this file, not of the package and not of Gymnasium."""
    with pytest.warns(RuntimeWarning, match=f"{cores()} cores") as told:
        ask(cores() + 1)
    assert {one.filename for one in told if "cores" in str(one.message)} == {__file__}


def test_auto_calls_every_row_once_and_settles():
    crew = Crew("auto", 2048)
    seen = np.zeros(2048, dtype=np.int64)

    def call(thread, skip, also):
        assert 0 <= thread < cores()
        seen[~skip] += 1
        seen[also] += 100

    ended = np.arange(2048) % 5 == 0
    for _ in range(40):
        crew(call, ended, ended)
    assert (seen == np.where(ended, 4000, 40)).all()
    crew.close()
    crew.close()


@pytest.mark.parametrize("sharing_pays", [True, False])
def test_auto_learns_from_calls_that_are_split_and_timed(monkeypatch, sharing_pays):
    monkeypatch.setattr(crews, "cores", lambda: 2)
    crew, lock, parts = Crew("auto", 1000), threading.Lock(), []

    def call(first, stop):
        parts.append((first, stop))
        if sharing_pays:
            time.sleep((stop - first) * 1e-5)
        else:
            with lock:
                time.sleep(0.005)

    for _ in range(2 * TRIES):
        crew.split(call, timed=True)
    parts.clear()
    crew.split(call, timed=True)
    assert sorted(parts) == ([(0, 500), (500, 1000)] if sharing_pays else [(0, 1000)])
    crew.close()


@pytest.mark.filterwarnings("ignore:threads=3")
def test_callers_of_one_crew_take_turns():
    """Each has its own rows moved, all of them, and gets no answer of another's."""
    crew, done = Crew(3, 9), np.zeros((2, 9), dtype=np.int64)

    def work(caller):
        def call(first, stop):
            done[caller, first:stop] += 1

        for _ in range(300):
            crew.split(call)

    callers = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(2)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(60.0)
    assert not any(one.is_alive() for one in callers)
    assert (done == 300).all()
    crew.close()


@pytest.mark.filterwarnings("ignore:threads=3")
@pytest.mark.parametrize("again", [copy.deepcopy, lambda crew: pickle.loads(pickle.dumps(crew))])
def test_a_copy_of_a_crew_has_threads_of_its_own(again):
    crew, seen = Crew(3, 9), []
    fresh = pickle.dumps(crew)
    crew.split(lambda first, stop: seen.append(first))
    assert pickle.dumps(crew) == fresh  # by which results of an agent are known again
    twin = again(crew)
    crew.close()
    twin.split(lambda first, stop: seen.append((first, threading.get_ident())))
    assert sorted(seen[:3]) == [0, 3, 6]
    assert sorted(first for first, _ in seen[3:]) == [0, 3, 6]
    assert len({thread for _, thread in seen[3:]}) == 3
    twin.close()


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")


def in_a_fork(call):
    """Return what a call gives in a process that is forked from this one and is ended if it hangs."""
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=lambda: theirs.send(call()))
    child.start()
    theirs.close()
    try:
        assert ours.poll(60.0), "the forked process hangs"
        return ours.recv()
    finally:
        child.kill()
        child.join()


@forks
@pytest.mark.filterwarnings("ignore:threads=3")
@pytest.mark.filterwarnings("ignore:.*multi-threaded")
@pytest.mark.parametrize("busy", [False, True])
def test_a_crew_works_in_a_forked_process_and_goes_on_here(busy):
    """Also where one of its threads, and the caller that it works for, are in the middle of a call."""
    crew, inside, go_on = Crew(3, 9), threading.Event(), threading.Event()

    def wait(first, stop):
        inside.set()
        assert go_on.wait(60.0)

    def moved():
        out = np.zeros(9, dtype=np.int64)

        def move(first, stop):
            out[first:stop] += first + 1

        for _ in range(3):
            crew.split(move)
        crew(lambda thread, skip: out.__setitem__(~skip, out[~skip] + 1), np.arange(9) == 4)
        return out.tolist()

    caller = threading.Thread(target=crew.split, args=(wait,), daemon=True)
    if busy:
        caller.start()
        assert inside.wait(60.0)

    def forked_twice():
        return moved(), in_a_fork(moved), crew.close()

    expected = [3 + 1] * 3 + [12 + 1, 12, 12 + 1] + [21 + 1] * 3
    assert in_a_fork(forked_twice) == (expected, expected, None)
    go_on.set()
    if busy:
        caller.join(60.0)
        assert not caller.is_alive()
    assert moved() == expected
    crew.close()


@forks
@pytest.mark.filterwarnings("ignore:threads=2")
@pytest.mark.filterwarnings("ignore:.*multi-threaded")
def test_worlds_with_threads_go_on_in_a_forked_process():
    envs, alone = (gymnasium.make_vec("gem/PMSM-v0", 100, threads=n) for n in (2, 1))
    actions = np.full(envs.action_space.shape, 0.1, dtype=np.float32)
    for one in (envs, alone):
        one.reset(seed=0)
        one.step(actions)

    def steps():
        found = [envs.step(actions)[0] for _ in range(3)]
        envs.close()
        return found

    first = in_a_fork(steps)
    expected = [alone.step(actions)[0] for _ in range(3)]
    assert np.array_equal(first, expected)
    assert np.array_equal([envs.step(actions)[0] for _ in range(3)], expected)
    envs.close()
    alone.close()


@pytest.mark.filterwarnings("ignore:threads=3")
def test_what_a_thread_raises_is_raised_when_all_have_ended():
    crew, seen = Crew(3, 9), []

    def call(first, stop):
        if first == 3:
            raise KeyError(first)
        seen.append(first)

    for _ in range(3):
        with pytest.raises(KeyError, match="3"):
            crew.split(call)
    assert sorted(seen) == [0, 0, 0, 6, 6, 6]
    crew.close()


@pytest.mark.filterwarnings("ignore:threads=2")
def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next():
    crew, seen = Crew(2, 4), []
    crew._hands[0].give(seen.append, "interrupted")

    def call(first, stop):
        time.sleep(0.05 * first)  # the other thread's answer comes late
        seen.append(first)

    crew.split(call)
    assert sorted(seen, key=str) == [0, 2, "interrupted"]
    crew.close()


@pytest.mark.filterwarnings("ignore:threads=2")
def test_threads_end_with_their_crew():
    crew = Crew(2, 4)
    thread = crew._hands[0]._thread
    del crew
    thread.join(10.0)
    assert not thread.is_alive()


def test_streams_are_the_generators_of_gymnasium():
    seeds = [0, 1, 12345678901234, 2**63 + 5, 2**100 + 3]
    streams, mask = Streams(5), np.array([True, False, True, False, True])
    streams.seed(seeds, ALL)
    own = [seeding.np_random(seed)[0] for seed in seeds]
    assert np.array_equal(streams.draw(ALL), raw(own))
    assert np.array_equal(streams.draw(mask), raw(own[::2]))
    assert np.array_equal(raw(streams.generators), raw(own))
    assert np.array_equal(streams.draw(ALL), raw(own))
    assert streams.seeds == tuple(seeds)


def test_many_seeds_at_once_and_partly_again():
    streams = Streams(5)
    streams.seed(range(7, 12), ALL)
    assert np.array_equal(streams.draw(ALL), raw(seeding.np_random(s)[0] for s in range(7, 12)))
    streams.seed([None, 3, None, None, 4], np.array([True, True, True, True, False]))
    assert streams.seeds == (7, 3, 9, 10, 11)
    expected = [seeding.np_random(s)[0] for s in range(7, 12)]
    raw(expected)
    expected[1] = seeding.np_random(3)[0]
    assert np.array_equal(streams.draw(ALL), raw(expected))


@pytest.mark.parametrize("container", [list, tuple, np.array])
@pytest.mark.parametrize("mask", [ALL, np.array([False, True, False, True, True])])
def test_a_list_of_seeds_seeds_the_masked_worlds_alone(container, mask):
    """Words of 32 bits and of 64, out of order, given as whole numbers of Python or of NumPy."""
    streams, given = Streams(5), [2**63 - 1, 5, 2**32, 0, 5]
    streams.seed(range(7, 12), ALL)
    streams.seed(container(given), mask)
    told = tuple(given[i] if mask[i] else 7 + i for i in range(5))
    assert streams.seeds == told
    assert np.array_equal(streams.draw(ALL), raw(seeding.np_random(s)[0] for s in told))


def test_the_first_seeds_reach_all_worlds():
    """Nothing was there before, so that a world outside the mask has its seed from the start."""
    streams = Streams(5)
    streams.seed([4, 3, 2, 1, 2**64 - 1], np.array([True, False, False, False, True]))
    expected = [seeding.np_random(seed)[0] for seed in (4, 3, 2, 1, 2**64 - 1)]
    assert np.array_equal(streams.draw(ALL), raw(expected))


def test_without_a_seed_the_worlds_differ_and_say_theirs():
    streams = Streams(5)
    streams.seed([None] * 5, ALL)
    assert len(set(streams.seeds)) == 5
    again = [seeding.np_random(seed)[0] for seed in streams.seeds]
    assert np.array_equal(streams.draw(ALL), raw(again))


STEPS = st.integers(-(2**62), 2**62).filter(bool)


@given(
    start=st.integers(0, 2**66),
    step=STEPS | st.sampled_from([1, -1, 2, -3]),
    mask=st.lists(st.booleans(), min_size=5, max_size=5),
    held=st.booleans(),
)
def test_a_range_seeds_as_the_list_of_its_numbers(start, step, mask, held):
    """Up or down, in steps, over the end of the words of 64 bits; beside NumPy's own generators."""
    start = max(start, -4 * step)  # none is negative
    seeds, mask, streams = range(start, start + 5 * step, step), np.array(mask), Streams(5)
    streams.seed(range(7, 12), ALL)
    if held:
        assert streams.generators
    streams.seed(seeds, mask)
    told = tuple(seeds[i] if mask[i] else 7 + i for i in range(5))
    assert streams.seeds == told
    assert np.array_equal(streams.draw(ALL), raw(seeding.np_random(one)[0] for one in told))
    first = Streams(5)
    first.seed(seeds, mask)
    assert np.array_equal(first.draw(ALL), raw(seeding.np_random(one)[0] for one in seeds))


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "radio/MultiAccess-v0"])
@pytest.mark.parametrize(
    "seeds", [range(0, 8, 2), range(7, 3, -1), range(0, 4_000_000, 1_000_000), range(3, 7)]
)
def test_worlds_begin_alike_by_a_range_and_by_its_list(id, seeds):
    by_range, by_list = (gymnasium.make_vec(team_id(id), 4) for _ in range(2))
    first = by_range.reset(seed=seeds)[0]
    assert np.array_equal(first, by_list.reset(seed=list(seeds))[0])
    assert by_range.np_random_seed == tuple(seeds)
    alone = gymnasium.make(team_id(id))
    assert np.array_equal(first[3], alone.reset(seed=seeds[3])[0])
    for wrong in (range(-4, 0), range(4, -4, -2), np.zeros((4, 2), int), np.array(3), "0123"):
        with pytest.raises(ValueError, match="whole number"):
            by_range.reset(seed=wrong)
    with pytest.raises(ValueError, match="5 elements for 4 worlds"):
        by_range.reset(seed=range(5))
    assert by_range.np_random_seed == tuple(seeds)
    for env in (by_range, by_list, alone):
        env.close()


@pytest.mark.parametrize("wrong", [range(4), [1], np.zeros(4, int), -1])
def test_one_world_takes_one_seed(wrong):
    world = gym_suite.parallel_env("radio/MultiAccess-v0")
    with pytest.raises(gymnasium.error.Error, match="Seed must be"):
        world.reset(seed=wrong)
    world.close()


@pytest.mark.parametrize("seed", [-1, 1.5, "x"])
def test_no_seed_but_a_whole_number(seed):
    with pytest.raises(ValueError, match="whole number"):
        Streams(5).seed([seed] * 5, ALL)
    with pytest.raises(ValueError, match="whole number"):
        Streams(5).seed(np.array([3, 3, 3, 3, -1]), ALL)


def test_every_thread_has_scratch_of_its_own():
    envs = gymnasium.make_vec("gem/PMSM-v0", 6, threads=2).unwrapped
    rows, everybody = envs._rows, np.zeros(6, dtype=np.bool_)
    scratch = [rows._arguments(everybody, thread)[6] for thread in (0, 1)]
    assert scratch[0] is rows.work
    assert scratch[1].shape == rows.work.shape
    assert not np.shares_memory(*scratch)
    envs.close()
