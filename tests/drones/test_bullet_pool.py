"""Bullet's worlds in several processes: the numbers of one process, and no process that is left behind."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.core.pool import PATIENCE

pytest.importorskip("pybullet")

ID = "drones/Hover-v0"
ROOT = str(Path(gym_suite.__file__).resolve().parent.parent)
linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at the processes of Linux")


def workers_of(envs):
    return [process.pid for process, _ in envs.unwrapped._rows.engine._workers]


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids):
    for _ in range(1500):
        if not any(map(lives, pids)):
            return True
        time.sleep(0.02)
    return False


def same(one, two):
    for a, b in zip(one[:-1], two[:-1], strict=True):
        if isinstance(a, dict):
            assert all(np.array_equal(a[name], b[name]) for name in a)
        else:
            assert np.array_equal(a, b)
    assert one[-1].keys() == two[-1].keys()
    for name, values in one[-1].items():
        if not name.startswith(("final", "_final")):
            assert np.array_equal(values, two[-1][name]), name


@pytest.fixture
def pair(request):
    id, keywords = request.param
    made = [gymnasium.make_vec(id, num_envs=3, workers=n, **keywords) for n in (1, 2)]
    yield made
    for envs in made:
        envs.close()


@pytest.mark.parametrize(
    "pair",
    [
        (ID, {"max_episode_steps": 9}),
        (
            "drones/MultiHover-v0",
            {
                "mismatch": 0.2,
                "noise": 0.01,
                "delay": 1,
                "autoreset_mode": "SameStep",
                "max_episode_steps": 9,
            },
        ),
        (ID, {"observation": "rgb", "max_episode_steps": 5}),
    ],
    indirect=True,
    ids=["hover", "two-drones-adverse", "pictures"],
)
def test_the_numbers_are_those_of_one_process(pair):
    """Three worlds in two processes, through resets, with all that touches the plant, and with pictures."""
    same(*(envs.reset(seed=3) for envs in pair))
    pair[0].action_space.seed(0)
    for _ in range(14):
        actions = pair[0].action_space.sample()
        same(*(envs.step(actions) for envs in pair))
    mask = np.array([True, False, True])
    same(*(envs.reset(options={"reset_mask": mask}) for envs in pair))
    same(*(envs.step(pair[0].action_space.sample() * 0) for envs in pair))


@pytest.mark.parametrize("pair", [(ID, {})], indirect=True)
def test_snapshots_restore_and_travel(pair):
    """Back to where it was within a pool; into a copy and into one process too, as a fresh Bullet world."""
    one, two = pair
    low = {"state": {"position_z": 0.02}}  # on the floor, where contacts have a memory
    same(one.reset(seed=1, options=low), two.reset(seed=1, options=low))
    actions = np.full(one.action_space.shape, -0.2, dtype=np.float32)
    for _ in range(5):
        one.step(actions), two.step(actions)
    saved = [envs.unwrapped.get_state() for envs in pair]
    first = [[envs.step(actions) for _ in range(4)] for envs in pair]
    for envs, state in zip(pair, saved, strict=True):
        envs.unwrapped.set_state(state)
    for a, b, c in zip(first[0], first[1], [two.step(actions) for _ in range(4)], strict=True):
        same(a, b)
        same(b, c)
    two.unwrapped.set_state(saved[1])
    twin = pickle.loads(pickle.dumps(two.unwrapped))
    assert workers_of(twin) != workers_of(two)
    assert np.isfinite(twin.step(actions)[0]).all()
    twin.close()
    one.unwrapped.set_state(copy.deepcopy(saved[1]))
    two.unwrapped.set_state(saved[0])
    assert np.isfinite(one.step(actions)[0]).all() and np.isfinite(two.step(actions)[0]).all()


@pytest.mark.parametrize("pair", [(ID, {})], indirect=True)
def test_a_refused_action_moves_no_world(pair):
    for envs in pair:
        envs.reset(seed=0)
        before = envs.unwrapped.state()
        actions = np.zeros(envs.action_space.shape)
        actions[2, 1] = np.nan
        with pytest.raises(ValueError, match=r"actions\[2, 1\] is nan"):
            envs.step(actions)
        for name, values in envs.unwrapped.state().items():
            assert np.array_equal(values, before[name])
    same(*(envs.step(np.zeros(envs.action_space.shape)) for envs in pair))


@linux
def test_workers_end_when_the_environment_is_closed_or_forgotten():
    closed, forgotten = (gymnasium.make_vec(ID, num_envs=2, workers=2) for _ in range(2))
    pids = [*workers_of(closed), *workers_of(forgotten)]
    assert len(pids) == 2 and all(map(lives, pids))
    closed.close()
    closed.close()
    del forgotten
    assert gone(pids)


#: Python leaves Ctrl-C alone where it was started in a shell's background.
SCRIPT = """
import signal, sys, time
import gymnasium, gym_suite
signal.signal(signal.SIGINT, signal.default_int_handler)
if __name__ == "__main__":
    envs = gymnasium.make_vec("drones/Hover-v0", num_envs=2, workers=2)
    envs.reset(seed=0)
    print(*[process.pid for process, _ in envs.unwrapped._rows.engine._workers], flush=True)
    while True:
        envs.step(envs.action_space.sample())
"""


@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent(how, tmp_path):
    script = tmp_path / "flies.py"
    script.write_text(SCRIPT)
    before = set(os.listdir("/dev/shm")) if Path("/dev/shm").is_dir() else set()
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 1 and all(map(lives, pids))
    parent.send_signal(how)
    try:
        parent.wait(timeout=60)
    finally:
        parent.kill()
    assert gone(pids)
    if before:
        left = set(os.listdir("/dev/shm")) - before
        assert not [name for name in left if name.startswith(("pym-", "psm_"))]


@linux
def test_a_worker_that_dies_is_said():
    envs = gymnasium.make_vec(ID, num_envs=2, workers=2)
    envs.reset(seed=0)
    pids = workers_of(envs)
    os.kill(pids[0], signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"has died \(exit status -9\); make the environment"):
        for _ in range(3):
            envs.step(np.zeros(envs.action_space.shape))
    assert gone(pids)
    envs.close()


#: The child ends as Python ends, not by os._exit.
FORKS = """
import os, sys
import gymnasium, numpy, gym_suite

if __name__ == "__main__":
    envs, alone = (gymnasium.make_vec("drones/Hover-v0", num_envs=3, engine="bullet", workers=n) for n in (2, 1))
    actions = numpy.full(envs.action_space.shape, 0.1, dtype=numpy.float32)
    for one in (envs, alone):
        one.reset(seed=0)
        one.step(actions)
    (worker, _), = envs.unwrapped._rows.engine._workers
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        for use in (envs.reset, lambda: envs.step(actions), envs.unwrapped.get_state):
            try:
                use()
            except RuntimeError as error:
                os.write(tell, f"{error}\\n".encode())
        if sys.argv[1] == "closes":
            envs.close()
            envs.close()
        sys.exit(3)
    os.close(tell)
    print(os.fdopen(told).read(), end="")
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    same = all(numpy.array_equal(envs.step(actions)[0], alone.step(actions)[0]) for _ in range(3))
    print(same, worker.is_alive())
"""


@linux
@pytest.mark.parametrize("child", ["closes", "forgets"])
def test_a_forked_process_leaves_the_workers_alone(child, tmp_path):
    """It moves nothing, and its end is none of theirs."""
    script = tmp_path / "forks.py"
    script.write_text(FORKS)
    done = subprocess.run(
        [sys.executable, str(script), child],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *refused, status, last = done.stdout.splitlines()
    assert len(refused) == 3
    assert all("make the environment anew here" in line for line in refused)
    assert (status, last) == ("3", "True True")
    assert "Traceback" not in done.stderr


@linux
def test_workers_end_though_a_forked_process_lives():
    """The other end of a pipe would stay open in it, and a worker waits for its end."""
    envs = gymnasium.make_vec(ID, num_envs=2, workers=2)
    pids = workers_of(envs)
    child = get_context("fork").Process(target=time.sleep, args=(120.0,))
    child.start()
    start = time.monotonic()
    envs.close()
    assert time.monotonic() - start < PATIENCE
    assert gone(pids)
    child.kill()
    child.join()


def test_bad_numbers_of_workers_are_refused():
    for wrong in (0, -1, 1.5):
        with pytest.raises(ValueError, match="workers"):
            gymnasium.make_vec(ID, num_envs=2, workers=wrong)
    for threads in (2, True):
        with pytest.raises(ValueError, match="threads"):
            gymnasium.make_vec(ID, num_envs=2, threads=threads)
    with pytest.raises(ValueError, match=r"workers=2 share the worlds of another engine.*threads="):
        gymnasium.make_vec("gem/PMSM-v0", num_envs=2, workers=2)
    with pytest.raises(ValueError, match="at most 64 worlds in a process"):
        gymnasium.make_vec(ID, num_envs=130, workers=2)


def test_more_workers_than_worlds_are_as_many_as_worlds():
    envs = gymnasium.make_vec(ID, num_envs=2, workers=3)
    assert len(workers_of(envs)) == 1, "and this process has a world, too"
    envs.close()
