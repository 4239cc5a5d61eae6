"""Threads give the numbers of one thread; the worlds' generators are NumPy's, word for word."""

import time

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import seeding

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.core.crew import Crew, cores
from gym_suite.core.streams import Streams
from gym_suite.registration import catalogue

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
    for wrong in (0, -1, 1.5, "many"):
        with pytest.raises(ValueError, match="threads"):
            gymnasium.make_vec("gem/PMSM-v0", 4, threads=wrong)


def test_more_threads_than_cores_are_said():
    with pytest.warns(RuntimeWarning, match=f"{cores()} cores"):
        Crew(cores() + 1, 100)


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
