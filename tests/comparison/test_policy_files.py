"""Policy files of other environments are refused before anything runs."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison.agents import resolve
from gym_suite.comparison.sentences import notes
from gym_suite.learning import export_policy, load_policy, make_sb3_vec, shipped
from gym_suite.learning.policies import ExportedPolicy

DRIVE = "gem/PMSM-v0"
SHORT = {"settings": "nominal", "horizon": 20, "progress": False}


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


def trained(path, seed, *, rows=None):
    """Save a model that has learned for a moment; the rows are seeded by it, or by whoever gives them."""
    PPO = pytest.importorskip("stable_baselines3").PPO
    rows = rows or make_sb3_vec(DRIVE, 2)
    model = PPO("MlpPolicy", rows, n_steps=8, batch_size=16, device="cpu", seed=seed).learn(16)
    model.save(path)
    return model


def test_trainings_of_stable_baselines3_are_counted_as_ours_are(tmp_path):
    files = [tmp_path / f"z{seed}.zip" for seed in (0, 1)]
    for seed, file in enumerate(files):
        trained(file, seed)
    ours = shipped(DRIVE, "ppo")[:2]
    agents = {"theirs": files, "ours": ours, "one": files[0], "single": ours[0]}
    comparison = gym_suite.compare(DRIVE, agents=agents, seeds=3, **SHORT)
    counted = {row.name: row.trainings for row in comparison.summary()}
    assert counted == {"pi": 0, "zero": 0, "theirs": 2, "ours": 2, "one": 1, "single": 1}
    assert "theirs ×2" in str(comparison)
    page = " ".join(comparison.report(tmp_path / "page").read_text("utf-8").split())
    assert page.count('<span class="soft">×2</span>') == 2
    alone = gym_suite.compare(DRIVE, agents={"one": files[0]}, seeds=3, **SHORT)
    assert any("a single training seed" in told for told in notes(alone))


def altered(path, **told):
    """Save a shipped policy that tells something else of its making; None leaves it out."""
    policy = load_policy(shipped(DRIVE, "ppo")[0])
    kept = {k: v for k, v in (policy.provenance | told).items() if v is not None}
    return ExportedPolicy({**policy.meta, "provenance": kept}, policy.arrays).save(path)


@pytest.mark.filterwarnings("ignore:.*another behaviour")
def test_policies_of_another_behaviour_or_of_none_are_marked_and_told(tmp_path):
    agents = {
        "sound": altered(tmp_path / "sound.npz"),
        "other": altered(tmp_path / "other.npz", behaviour="0123456789abcdef"),
        "mute": altered(tmp_path / "mute.npz", behaviour=None),
        "theirs": tmp_path / "theirs.zip",
    }
    trained(agents["theirs"], 0)
    comparison = gym_suite.compare(DRIVE, agents=agents, seeds=3, **SHORT)
    page = " ".join(comparison.report(tmp_path / "page").read_text("utf-8").split())
    table = " ".join(str(comparison).split())
    for name, reason in (
        ("other", f"it was made on another behaviour of {DRIVE} (0123456789abcdef; now "),
        ("mute", f"it does not say on which behaviour of {DRIVE} it was trained"),
        ("theirs", f"it does not say on which behaviour of {DRIVE} it was trained"),
    ):
        assert sum(f"{name}: {reason}" in told for told in notes(comparison)) == 1
        assert f"{name}: {reason}" in page and f"{name}: {reason}" in table
        assert f"{name} †" in table
        assert f'{name}</span> <span class="bad" title="{reason}' in page
    assert not any("sound" in told for told in notes(comparison)) and "sound †" not in table


def test_policies_are_not_judged_on_the_episodes_of_their_training(tmp_path):
    """Told by the file, as gains tell those of their search."""
    path = altered(tmp_path / "mine.npz", seeds={"episodes": [5, 9]})
    with pytest.raises(ValueError, match=r"'mine' was trained on episode seeds 5 to 9.*seed 5"):
        gym_suite.compare(DRIVE, agents=[path], **SHORT)
    assert gym_suite.compare(DRIVE, agents=[path], seeds=2, **SHORT).failed_runs == 0


def test_a_model_tells_the_episodes_that_its_rows_were_given(tmp_path):
    model = trained(tmp_path / "own.zip", None, rows=make_sb3_vec(DRIVE, 2, seed=7))
    setup = gymnasium.make(DRIVE).unwrapped.setup
    export_policy(
        model,
        tmp_path / "own.npz",
        id=DRIVE,
        training_seed=None,
        observation_columns=setup.observation_columns.names,
        action_columns=setup.action_columns.names,
    )
    for name in ("own.zip", "own.npz"):
        (spec,) = [s for s in resolve([tmp_path / name], DRIVE) if s.name == "own"]
        assert spec.made_on == (7, 8)
        with pytest.raises(ValueError, match=r"episode seeds 7 to 8, so .* on seed 7"):
            gym_suite.compare(DRIVE, agents=[tmp_path / name], seeds=8, **SHORT)
        assert gym_suite.compare(DRIVE, agents=[tmp_path / name], seeds=7, **SHORT)
    trained(tmp_path / "theirs.zip", 0)
    assert np.min(resolve([tmp_path / "theirs.zip"], DRIVE)[-1].made_on) >= 1_000_000
    assert gym_suite.compare(DRIVE, agents=[tmp_path / "theirs.zip"], seeds=2, **SHORT)
