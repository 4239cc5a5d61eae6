"""Policy files of other environments are refused before anything runs."""

import gymnasium
import pytest

import gym_suite
from gym_suite.comparison.agents import resolve
from gym_suite.learning import make_sb3_vec, shipped


def test_a_stable_baselines3_file_for_another_id_is_refused(tmp_path):
    PPO = pytest.importorskip("stable_baselines3").PPO
    path = tmp_path / "policy.zip"
    PPO("MlpPolicy", make_sb3_vec("gem/PMSM-v0", 2), n_steps=8, batch_size=16).save(path)
    spec = resolve([str(path)], "gem/PMSM-v0")[-1]
    spec.load(gymnasium.make("gem/PMSM-v0"))
    # Both ids have nine observations and two actions: only the file knows.
    with pytest.raises(ValueError, match=r"is for gem/PMSM-v0, not for gem/PMSM-Speed-v0"):
        spec.load(gymnasium.make("gem/PMSM-Speed-v0"))


def test_a_policy_for_other_observations_is_refused_before_anything_runs(tmp_path):
    path = shipped("gem/PMSM-v0")[0]
    with pytest.raises(ValueError, match=r"action_a|last_action"):
        gym_suite.compare(
            "gem/PMSM-v0",
            agents=[str(path)],
            seeds=1,
            settings={"abc": {"frame": "abc"}},
            out=tmp_path / "report",
        )
    assert not (tmp_path / "report" / "index.html").exists()


def test_five_policies_ship_for_each_id_of_the_demo():
    for id in ("gem/PMSM-v0", "gem/PMSM-DriveCycle-v0"):
        assert len(shipped(id, "ppo")) == 5
