"""Agents by name, file, factory and object; clear refusals."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from lag_env import ID, Proportional

import gym_suite
from gym_suite.comparison import compare
from gym_suite.comparison.agents import resolve
from gym_suite.learning import policies

FACTORY = """
import numpy as np

class Agent:
    def __init__(self, gain):
        self.gain = gain

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.clip(self.gain * observation[..., 1:2], -1, 1), state

def make(env):
    return Agent(env.unwrapped.nominal.parameters["gain"])

def nothing(env):
    return 3
"""


@pytest.fixture
def env():
    return gymnasium.make(ID)


@pytest.fixture
def factory(tmp_path):
    path = tmp_path / "my_agent.py"
    path.write_text(FACTORY)
    return path


def test_reference_and_do_nothing_always_take_part_and_the_reference_comes_first():
    assert [spec.name for spec in resolve(["random"], ID)] == ["p", "zero", "random"]
    assert [spec.name for spec in resolve(None, ID)] == ["p", "zero", "random"]
    assert [spec.kind for spec in resolve("random", ID)] == ["controller", "baseline", "baseline"]


def test_unknown_agent_names_the_nearest():
    with pytest.raises(ValueError, match=r"unknown agent 'randon' .*Did you mean 'random'"):
        resolve(["randon"], ID)


def test_factory_in_a_file(factory, env):
    spec = resolve([f"{factory}:make"], ID)[-1]
    assert (spec.name, spec.kind) == ("my_agent:make", "custom")
    action, _ = spec.load(env).predict(np.array([0.0, 0.5, 0.0]))
    assert action == 0.5


def test_factory_errors_say_what_is_missing(factory, env, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no_such.py"):
        resolve([f"{tmp_path}/no_such.py:make"], ID)
    with pytest.raises(ValueError, match=r"no function 'mak'; did you mean 'make'"):
        resolve([f"{factory}:mak"], ID)
    with pytest.raises(ValueError, match=r"names no function"):
        resolve([str(factory)], ID)
    with pytest.raises(TypeError, match=r"nothing returned a int without predict"):
        resolve([f"{factory}:nothing"], ID)[-1].load(env)
    (tmp_path / "broken.py").write_text("import no_such_module_at_all")
    with pytest.raises(ValueError, match=r"cannot be imported: ModuleNotFoundError"):
        resolve([f"{tmp_path}/broken.py:make"], ID)


def test_a_changed_file_is_another_agent(factory):
    before = resolve([f"{factory}:make"], ID)[-1].identity
    factory.write_text(FACTORY + "# changed\n")
    assert resolve([f"{factory}:make"], ID)[-1].identity != before


NUMBA = """
import numba
import numpy as np

@numba.njit(cache=True)
def law(target):
    return min(max(0.8 * target, -1.0), 1.0)

class Agent:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.array([law(float(observation[1]))]), state

def make(env):
    return Agent()

class Two(Agent):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.array([law(float(observation[1])), 0.0]), state

def both(env):
    return Two()
"""


def test_a_factory_may_use_functions_that_numba_keeps_in_its_cache(tmp_path):
    """What a cache holds remembers its module by name; the second process has to find it."""
    path = tmp_path / "compiled.py"
    path.write_text(NUMBA)
    code = (
        "import sys; from pathlib import Path; from gym_suite.comparison.sources import FactorySource; "
        "agent = FactorySource(Path(sys.argv[1]), 'make').load(None); "
        "action = agent.predict([0.0, 0.5, 0.0])[0][0]; "
        "law = sys.modules[type(agent).__module__].law; "
        "print(action, sum(law.stats.cache_hits.values()))"
    )
    told = [run_apart(code, path) for _ in range(2)]
    assert [float(value) for value, _ in told] == [0.4, 0.4]
    assert [hits for _, hits in told] == ["0", "1"]


def run_apart(code, path):
    """What a process of its own prints, by words; Numba and Python keep what they compile, where they do by default."""
    root = str(Path(gym_suite.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    for name in ("NUMBA_CACHE_DIR", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


ACTS = (
    "import sys; from pathlib import Path; from gym_suite.comparison.sources import FactorySource; "
    "files = [Path(name) for name in sys.argv[1].split(',')]; "
    "agents = [FactorySource(file, 'make').load(None) for file in files]; "
    "print(*(agent.predict([0.0, 0.5, 0.0])[0][0] for agent in agents))"
)
OWN = (
    "import sys; from pathlib import Path; sys.path.insert(0, str(Path(sys.argv[1]).parent)); "
    "import compiled; print(compiled.make(None).predict([0.0, 0.5, 0.0])[0][0])"
)


def test_a_factory_with_cached_functions_may_be_moved_copied_edited_and_used_elsewhere(tmp_path):
    """A cache that lies beside the file goes along with it, and so would the module's name that it remembers."""
    first, second, third = (tmp_path / name for name in ("a", "b", "c"))
    first.mkdir()
    (first / "compiled.py").write_text(NUMBA)
    assert run_apart(OWN, first / "compiled.py") == ["0.4"]  # the user's own program, before
    assert run_apart(ACTS, first / "compiled.py") == ["0.4"]
    first.rename(second)
    assert run_apart(ACTS, second / "compiled.py") == ["0.4"]
    shutil.copytree(second, third)  # with the times of the files
    assert run_apart(ACTS, third / "compiled.py") == ["0.4"]
    stamp = (third / "compiled.py").stat()
    (third / "compiled.py").write_text(NUMBA.replace("0.8", "0.6"))
    os.utime(third / "compiled.py", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    both = f"{second / 'compiled.py'},{third / 'compiled.py'}"
    assert run_apart(ACTS, both) == ["0.4", "0.3"]
    assert run_apart(ACTS, both) == ["0.4", "0.3"]
    assert run_apart(OWN, second / "compiled.py") == ["0.4"]  # and after


def test_two_factories_of_one_name_with_cached_functions_run_in_two_processes(tmp_path):
    files = [tmp_path / name / "compiled.py" for name in ("a", "b")]
    for file, gain in zip(files, ("0.8", "0.6"), strict=True):
        file.parent.mkdir()
        file.write_text(NUMBA.replace("0.8", gain))
    told = {}
    for workers in (1, 2):
        result = compare(
            "gem/PMSM-v0",
            agents={file.parent.name: f"{file}:both" for file in files},
            seeds=2,
            settings="nominal",
            horizon=20,
            workers=workers,
            progress=False,
        )
        assert result.failed_runs == 0
        told[workers] = {
            row.name: row.metrics["return"].estimate
            for row in result.summary()
            if row.kind == "custom"
        }
    assert told[1] == told[2] and told[1]["a"] != told[1]["b"]


def test_objects_classes_and_your_own_names(env):
    mine = Proportional(1.0)
    specs = resolve({"weak": mine, "strong": Proportional(5.0)}, ID)
    assert [spec.name for spec in specs] == ["p", "zero", "weak", "strong"]
    assert specs[2].load(env) is mine
    assert resolve([Proportional], ID)[-1].load(env).k == 2.0
    assert specs[2].identity != specs[3].identity


def test_two_agents_of_one_name_are_told_apart():
    names = [spec.name for spec in resolve([Proportional(1.0), Proportional(3.0)], ID)]
    assert names == ["p", "zero", "Proportional", "Proportional 2"]


@pytest.mark.parametrize("bad", [3, object(), int, lambda env: None])
def test_what_cannot_act_is_refused(bad):
    with pytest.raises(TypeError, match=r"object with predict"):
        resolve([bad], ID)


def test_a_file_that_unpacks_to_more_than_any_policy_is_not_unpacked(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", bytes(3 << 20))
    monkeypatch.setattr(policies, "LARGEST", 2 << 20)
    with pytest.raises(ValueError, match="unpacks to 3 MiB, a policy to at most 2 MiB"):
        resolve([bomb], ID)


def test_missing_and_damaged_policy_files_are_refused_with_the_reason(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        resolve([tmp_path / "none.npz"], ID)
    for suffix in (".npz", ".zip"):
        torn = tmp_path / f"torn{suffix}"
        torn.write_bytes(b"PK\x03\x04 and not much more")
        with pytest.raises(ValueError, match=r"truncated or damaged"):
            resolve([str(torn)], ID)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data", "{}")
    with pytest.raises(ValueError, match=r"an algorithm other than"):
        resolve([Path(other)], ID)


def test_stable_baselines3_policy_file(tmp_path, env):
    sb3 = pytest.importorskip("stable_baselines3")
    model = sb3.PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu", seed=0)
    model.save(tmp_path / "mine.zip")
    spec = resolve([tmp_path / "mine.zip"], ID)[-1]
    assert (spec.name, spec.kind) == ("mine", "learned")
    observation = np.array([[0.1, 0.5, 0.0], [0.0, -0.5, 0.2]], dtype=np.float32)
    ours, _ = spec.load(env).predict(observation, deterministic=True)
    np.testing.assert_array_equal(ours, model.predict(observation, deterministic=True)[0])
    whole = (tmp_path / "mine.zip").read_bytes()
    (tmp_path / "mine.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"truncated or damaged"):
        resolve([tmp_path / "mine.zip"], ID)


def test_stable_baselines3_policy_with_other_spaces_is_refused(tmp_path, env):
    sb3 = pytest.importorskip("stable_baselines3")
    sb3.PPO("MlpPolicy", "MountainCarContinuous-v0", n_steps=8, batch_size=8).save(
        tmp_path / "car.zip"
    )
    spec = resolve([tmp_path / "car.zip"], ID)[-1]
    with pytest.raises(ValueError, match=r"another observation_space"):
        spec.load(env)


def normalised(tmp_path, env):
    """A policy trained for a moment under VecNormalize, and its environments."""
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    envs = VecNormalize(DummyVecEnv([lambda: gymnasium.make(ID)]), clip_obs=5.0)
    model = sb3.PPO("MlpPolicy", envs, n_steps=64, batch_size=64, n_epochs=1, device="cpu", seed=0)
    model.learn(640)
    model.save(tmp_path / "mine.zip")
    return model, envs


@pytest.mark.parametrize("name", ["vecnormalize.pkl", "mine_vecnormalize.pkl"])
def test_a_policy_trained_under_vecnormalize_is_judged_with_its_statistics(name, tmp_path, env):
    model, envs = normalised(tmp_path, env)
    without = resolve([tmp_path / "mine.zip"], ID)[-1].identity
    envs.save(tmp_path / name)
    spec = resolve([tmp_path / "mine.zip"], ID)[-1]
    assert spec.identity != without
    observation = np.array([[0.1, 0.5, 0.0], [0.0, -0.5, 0.2]], dtype=np.float32)
    ours, _ = spec.load(env).predict(observation, deterministic=True)
    wanted, _ = model.predict(envs.normalize_obs(observation), deterministic=True)
    np.testing.assert_allclose(ours, wanted, atol=1e-6)
    assert not np.allclose(wanted, model.predict(observation, deterministic=True)[0], atol=1e-3)


def test_a_policy_whose_statistics_are_missing_or_damaged_is_refused_by_name(tmp_path, env):
    normalised(tmp_path, env)
    spec = resolve([tmp_path / "mine.zip"], ID)[-1]
    with pytest.raises(
        ValueError, match=r"mine\.zip was trained under VecNormalize .*vecnormalize\.pkl"
    ):
        spec.load(env)
    (tmp_path / "vecnormalize.pkl").write_bytes(b"no pickle")
    with pytest.raises(ValueError, match=r"vecnormalize\.pkl holds no usable statistics"):
        spec.load(env)


def test_whoever_gives_a_zip_is_told_that_it_can_run_code(tmp_path, env, capfd):
    sb3 = pytest.importorskip("stable_baselines3")
    sb3.PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu", seed=0).save(
        tmp_path / "mine.zip"
    )
    options = {"agents": [tmp_path / "mine.zip"], "seeds": 1, "settings": "nominal"}
    page = compare(ID, **options).report(tmp_path).read_text()
    assert "can run any code" in page and "export_policy" in page
    assert "can run any code" in capfd.readouterr().err


class ListOfTwo:
    """Returns a list of two numbers, which is no pair of action and state."""

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return [0.0, 0.0]


def test_an_agent_that_forgets_the_state_is_told_what_predict_returns():
    result = compare(
        ID, agents={"mine": ListOfTwo()}, seeds=1, settings="nominal", horizon=5, progress=False
    )
    (failed,) = {r["error"] for r in result.records if r["agent"]["name"] == "mine"}
    assert "predict must return (action, state), got [0.0, 0.0]" in failed
