"""Many worlds of Bullet in one client: little memory, and the numbers of worlds alone, contacts included."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite

pybullet = pytest.importorskip("pybullet")

from gym_suite.drones.bullet import MOST_WORLDS, Client, World  # noqa: E402
from gym_suite.drones.camera import PICTURES  # noqa: E402
from gym_suite.drones.columns import BODY, PARAMETERS, RIGID  # noqa: E402

ID = "drones/Hover-v0"
X, P = BODY.places, PARAMETERS.places
LOW = {"state": {"position_z": 0.02}}  # on the floor, where contacts have a memory
# On the floor at the same place each time, so that what an episode left behind there would be met again.
STILL = (*BODY.names[: X.position_z], *BODY.names[X.quaternion_x : RIGID])
DOWN = {"position_z": 0.0125, "quaternion_w": 1.0, "velocity_z": -1.0, "angular_velocity_x": 2.0}
AGAIN = {"state": dict.fromkeys(STILL, 0.0) | DOWN}


def touching(place):
    return len(pybullet.getContactPoints(physicsClientId=place.number))


def worlds_of(envs):
    return envs.unwrapped._rows.engine._worlds


@pytest.mark.parametrize(("n", "seed"), [(3, 0), (MOST_WORLDS, 1)])
def test_worlds_of_one_client_move_as_worlds_alone_bit_for_bit(n, seed):
    """Some tumble about on the floor for ever, some come to rest there, where the solver's last bits settle."""
    row = gymnasium.make(ID, engine="bullet").unwrapped.setup.row
    rng = np.random.default_rng(seed)
    shared = Client(row)
    pairs = [(World(1, row), World(1, row, place=shared)) for _ in range(n)]
    x = np.zeros((n, 1, len(BODY.names)))
    x[..., X.position_z] = rng.uniform(0.02, 0.3, (n, 1))
    q = rng.normal(size=(n, 1, 4)) * (0.3, 0.3, 0.3, 0.0) + (0.0, 0.0, 0.0, 1.0)
    x[..., X.quaternion_x : X.velocity_x] = q / np.linalg.norm(q, axis=-1, keepdims=True)
    x[..., X.velocity_x : RIGID] = rng.normal(size=(n, 1, RIGID - X.velocity_x))
    for start, worlds in zip(x, pairs, strict=True):
        for world in worlds:
            world.set_poses(start)
    weight = row[P.mass] * row[P.gravity]
    ends, touched, rests = np.zeros((2, n, RIGID)), 0, 0
    for t in range(200):
        wrenches = rng.normal(size=(n, 1, 6)) * ([weight] * 3 + [2e-5] * 3)
        wrenches[::2] = 0.0
        for i, (one, beside) in enumerate(pairs):
            at = (x[i] if t == 0 else ends[0, i][None])[:, :3]
            one.step(wrenches[i], at)
            beside.push(wrenches[i], at)
        shared.step()
        for i, (one, beside) in enumerate(pairs):
            ends[0, i], ends[1, i] = one.read(), beside.read()
        assert np.array_equal(ends[0], ends[1]), t
        touched += touching(shared)
        rests += int((np.abs(ends[0, ::2, X.velocity_x : RIGID]).max(axis=1) < 1e-3).sum())
    assert touched > 100 * n and rests > 5 * n
    for one, _ in pairs:
        one.close()
    shared.close()
    assert not pybullet.isConnected(shared.number)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_rows_are_single_environments_through_falls_and_resets(mode):
    """Rows end and begin at different times, and what an episode left behind on the floor is forgotten."""
    n, keywords = 4, {"engine": "bullet", "max_episode_steps": 25}
    envs = gymnasium.make_vec(ID, num_envs=n, autoreset_mode=mode, **keywords)
    singles = [gymnasium.make(ID, **keywords) for _ in range(n)]
    seen, _ = envs.reset(seed=5, options=LOW)
    for i, single in enumerate(singles):
        np.testing.assert_array_equal(single.reset(seed=5 + i, options=LOW)[0], seen[i])
    over, ends, rng = np.zeros(n, bool), 0, np.random.default_rng(2)
    for t in range(80):
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        actions[::2] = -0.5  # these never leave the floor, or fall upon it
        seen, rewards, terminated, truncated, _ = envs.step(actions)
        for i, single in enumerate(singles):
            if over[i]:
                expected = single.reset()[0]
            else:
                expected, reward, *ended, _ = single.step(actions[i])
                assert rewards[i] == reward and [terminated[i], truncated[i]] == ended, (t, i)
                if any(ended) and mode == "SameStep":
                    expected = single.reset()[0]
            np.testing.assert_array_equal(seen[i], expected, err_msg=f"step {t}, row {i}")
        over = (terminated | truncated) & (mode == "NextStep")
        ends += int((terminated | truncated).sum())
    assert ends >= 2 * n
    for env in (envs, *singles):
        env.close()


@pytest.mark.parametrize("worlds", [1, 2])
def test_an_episode_is_the_same_whatever_was_before(worlds):
    """A drone that lay on the floor begins there anew without the contacts of the episode before."""
    used, fresh = (gymnasium.make_vec(ID, num_envs=worlds, engine="bullet") for _ in range(2))
    still = np.full(used.action_space.shape, -1.0, np.float32)
    used.reset(seed=3, options=AGAIN)
    used.step(still)
    for envs in (used, fresh):
        envs.reset(seed=3, options=AGAIN)
        envs.step(still)
    for name, values in used.unwrapped.state().items():
        np.testing.assert_array_equal(values, fresh.unwrapped.state()[name], err_msg=name)
    assert all(touching(world.place) for envs in (used, fresh) for world in worlds_of(envs))
    used.close()
    fresh.close()


@pytest.mark.parametrize("id", ["drones/Hover-v0", "drones/MultiHover-v0"])
def test_pictures_of_rows_are_those_of_single_environments(id):
    """Nobody sees the drones of another world, and each camera is where its own drone is."""
    keywords = {"observation": PICTURES, "image_size": (24, 16), "max_episode_steps": 3}
    keywords |= {"engine": "bullet"}
    envs = gymnasium.make_vec(id, num_envs=3, **keywords)
    singles = [gymnasium.make(id, **keywords) for _ in range(3)]
    seen, _ = envs.reset(seed=5)
    pictures = [env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]
    rng = np.random.default_rng(0)
    ended = np.zeros(3, bool)
    different = False
    for _ in range(6):  # through the end of an episode and the reset after it
        for i, picture in enumerate(pictures):
            assert seen.keys() == picture.keys()
            for kind in PICTURES:
                np.testing.assert_array_equal(seen[kind][i], picture[kind], err_msg=kind)
        different |= not np.array_equal(seen["depth"][0], seen["depth"][1])
        actions = rng.uniform(-1.0, 1.0, envs.action_space.shape).astype(np.float32)
        seen, _, terminated, truncated, _ = envs.step(actions)
        pictures = [
            env.reset()[0] if ended[i] else env.step(actions[i])[0] for i, env in enumerate(singles)
        ]
        ended = terminated | truncated
    assert different
    for env in (envs, *singles):
        env.close()


MEASURE = """
import gymnasium, numpy, sys, gym_suite
keywords = {"observation": "rgb"} if "rgb" in sys.argv else {}
envs = gymnasium.make_vec("drones/Hover-v0", num_envs=64, engine="bullet", **keywords)
envs.reset(seed=0)
for _ in range(3):
    envs.step(numpy.zeros(envs.action_space.shape, numpy.float32))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads Linux's /proc")
@pytest.mark.parametrize("what", ["columns", "rgb"])
def test_64_worlds_fit_into_400_megabytes_with_all_of_python(what):
    root = str(Path(gym_suite.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, what], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * 1024 < 400e6
