"""Training must leave usable policies, honest records, and go on where it was stopped."""

import csv
import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.behaviour import behaviour_of
from gym_suite.comparison.agents import resolve
from gym_suite.learning import learner, load_policy, train, training
from gym_suite.learning.evaluation import Evaluation
from gym_suite.learning.learner import Progress
from gym_suite.learning.shelf import listed
from gym_suite.learning.training import _Told

ID = "gem/PMSM-v0"
TINY = {"rows": 8, "rollout": 32, "batch": 128, "epochs": 1, "evaluations": 2, "network": [8]}


def small_training(folder, **keywords):
    arguments = {"seeds": 2, "steps": 600, "settings": TINY, "out": folder} | keywords
    return train(ID, **arguments)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training") / "made" / "on" / "demand"
    lines = []
    return small_training(folder, progress=lines.append), lines


def test_every_seed_leaves_a_policy_that_acts(trained):
    result, _ = trained
    assert [path.name for path in listed(result.folder)] == ["ppo-0.npz", "ppo-1.npz"]
    env = gymnasium.make(ID)
    setup = env.unwrapped.setup
    actions = []
    for run in result.runs:
        policy = load_policy(run.path, ID, observation_columns=setup.observation_columns.names)
        assert policy.training_seed == run.seed
        assert policy.action_columns == setup.action_columns.names
        observation, _ = env.reset(seed=0)
        actions.append(policy.predict(observation)[0])
        assert env.action_space.contains(actions[-1])
        env.step(actions[-1])
    assert not np.array_equal(*actions)


def test_the_manifest_says_how_and_with_what(trained):
    result, lines = trained
    manifest = json.loads((result.folder / "manifest.json").read_text())
    run = manifest["runs"]["ppo"]
    assert manifest["id"] == ID
    assert run["command"].startswith(f"gym-suite train {ID} --algo ppo --seeds 2 --steps 600")
    assert run["hyper_parameters"]["network"] == [8]
    assert run["selection"].startswith("none")
    assert run["evaluation"]["seeds"][0] > 1_000  # comparisons take theirs from 0 upwards
    for entry in run["policies"]:
        assert entry["steps"] >= 600
        assert entry["wall_time"] > 0 and entry["cpu_time"] > 0
        assert {"gym_suite", "numpy", "torch", "stable-baselines3"} <= entry["versions"].keys()
        assert entry["source_digest"] and entry["date"].startswith("20")
        assert entry["behaviour"] == behaviour_of(ID)
        assert entry["machine"].keys() == {"cpu", "cores", "os", "threads"}
        assert entry["commit"] is None or len(entry["commit"].partition("+")[0]) == 40
    assert run["tuning_trials"] is None  # nobody counted
    assert any("reach pi's error" in line for line in lines)


def test_trials_are_counted_and_a_policy_says_on_what_behaviour_it_was_trained(tmp_path):
    result = small_training(tmp_path, seeds=1, trials=12, tau=2e-4)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["runs"]["ppo"]["tuning_trials"] == 12
    told = load_policy(result.runs[0].path).provenance
    assert told["keywords"] == {"tau": 2e-4}
    assert told["behaviour"] == behaviour_of(ID, {"tau": 2e-4}) != behaviour_of(ID)


def test_compare_warns_of_a_policy_trained_on_another_behaviour(trained, tmp_path, monkeypatch):
    path = trained[0].runs[0].path
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve([str(path)], ID)
    monkeypatch.setattr("gym_suite.behaviour.behaviour_of", lambda id, keywords=None: "changed")
    with pytest.warns(UserWarning, match="another behaviour of gem/PMSM-v0"):
        resolve([str(path)], ID)


def test_the_curves_hold_every_evaluation_of_every_seed(trained):
    result, _ = trained
    with (result.folder / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for run in result.runs:
        mine = [row for row in rows if row["seed"] == str(run.seed)]
        steps = [int(row["step"]) for row in mine]
        assert len(mine) >= 2 and steps[0] == 0 and steps == sorted(steps)
        assert {float(row["reference_error"]) for row in mine} == {result.reference_score.error}
        assert float(mine[-1]["evaluation_error"]) == run.score.error


def test_the_score_is_that_of_the_file(trained):
    result, _ = trained
    evaluation = Evaluation(ID)
    assert evaluation.score(load_policy(result.runs[1].path)) == result.runs[1].score
    reference = evaluation.score(gym_suite.make_controller(evaluation.envs))
    assert reference == result.reference_score
    idle = evaluation.score(gym_suite.make_controller(evaluation.envs, "zero"))
    assert reference.error < 0.2 * idle.error and reference.trips == 0.0


def test_an_episode_that_trips_cannot_look_precise():
    evaluation = Evaluation(ID, episodes=5)
    random = evaluation.score(gym_suite.make_controller(evaluation.envs, "random"))
    assert random.trips == 1.0
    horizon = gymnasium.spec(ID).max_episode_steps
    assert random.error > 1.0 - random.length / horizon


def test_a_stopped_training_goes_on_where_it_was(trained, tmp_path):
    result, _ = trained
    lines = []
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path, progress=interrupt_when("ppo seed 1:", lines))
    assert lines[-1].startswith("stopped: 1 of 2 trainings are finished and kept in")
    assert "begins those that were under way anew" in lines[-1]
    assert [path.name for path in listed(tmp_path)] == ["ppo-0.npz"]
    before = (tmp_path / "ppo-0.npz").read_bytes()
    lines = []
    again = small_training(tmp_path, progress=lines.append)
    assert any("seed 0: finished before" in line for line in lines)
    assert [run.skipped for run in again.runs] == [True, False]
    assert (tmp_path / "ppo-0.npz").read_bytes() == before
    assert [run.score for run in again.runs] == [run.score for run in result.runs]  # and repeats
    more = small_training(tmp_path, seed=1, seeds=2)
    assert [run.skipped for run in more.runs] == [True, False]
    assert len(listed(tmp_path)) == 3


def test_it_says_once_how_long_it_will_take(tmp_path, monkeypatch):
    for name in ("PACE_TIME", "WORTH"):
        monkeypatch.setattr(learner, name, 0.0)
    lines = []
    small_training(tmp_path, progress=lines.append)
    (said,) = [line for line in lines if line.startswith("it will take about")]
    assert re.search(r"\d seconds for each of 2 trainings, 1 at once: \d+ seconds for all", said)
    assert "Ctrl-C keeps the trainings that are finished" in said


def test_the_time_is_that_of_all_steps_at_the_pace_of_learning_and_of_all_evaluations(monkeypatch):
    """Evaluations of 4 s at the start, halfway and at the end, idle steps, then 10 steps a second: 1,000 in 112 s."""
    clock, told = [0.0], []
    monkeypatch.setattr(
        learner,
        "time",
        SimpleNamespace(perf_counter=lambda: clock[0], process_time=lambda: 0.0),
    )
    model = SimpleNamespace(num_timesteps=0, learning_starts=100)
    lesson = SimpleNamespace(settings=SimpleNamespace(steps=1000, evaluations=2))
    curve = learner._Curve(lesson, None, model, None, told.append)
    curve.pace()  # before the first evaluation nothing is known
    clock[0], curve._evaluating, curve.rows = 4.0, 4.0, [{}]
    for step in range(0, 400, 10):
        model.num_timesteps = step
        curve.pace()
        clock[0] += 1.0 if step >= 100 else 0.01
    (progress,) = told
    assert progress.whole == pytest.approx(100.0 + 3 * 4.0)
    assert progress.step == 150


@pytest.mark.parametrize(
    ("jobs", "count", "all"),
    [(1, 1, None), (2, 5, "36 minutes"), (3, 5, "20 minutes"), (8, 5, "12 minutes")],
)
def test_trainings_that_run_at_once_take_their_rounds(jobs, count, all, monkeypatch):
    """Of two cores; three that share them are measured while they do, and leave none idle."""
    monkeypatch.setattr(training, "cores", lambda: 2)
    lines = []
    lessons = [SimpleNamespace(seed=k, settings=SimpleNamespace(steps=100)) for k in range(count)]
    told = _Told(lessons, jobs, lines.append, None)
    for lesson in lessons[:2]:
        told(lesson, Progress(1, "", whole=720.0))
    (said,) = lines
    assert said.startswith("it will take about 12 minutes")
    assert (f"{min(jobs, 5)} at once: {all} for all" in said) if all else ("for all" not in said)


def test_a_training_goes_on_after_hyper_parameters_were_added(trained, tmp_path):
    shutil.copytree(trained[0].folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in ("time_limit", "noise_steps"):
        del manifest["runs"]["ppo"]["hyper_parameters"][name]
    path.write_text(json.dumps(manifest))
    assert all(run.skipped for run in small_training(tmp_path).runs)
    with pytest.raises(ValueError, match="other hyper_parameters"):
        small_training(tmp_path, settings=TINY | {"time_limit": 50})


def test_a_skipped_policy_of_other_sources_is_said_to_be_so(tmp_path):
    small_training(tmp_path, seeds=1)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["runs"]["ppo"]["policies"][0]["source_digest"] = "another"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    lines = []
    small_training(tmp_path, seeds=1, progress=lines.append)
    assert any("with other sources of the package), skipped" in line for line in lines)


def interrupt_when(beginning, lines):
    def progress(line):
        lines.append(line)
        if line.startswith(beginning):
            raise KeyboardInterrupt

    return progress


def test_a_folder_with_policies_trained_otherwise_is_refused(trained):
    result, _ = trained
    with pytest.raises(ValueError, match="trained with other steps, hyper_parameters"):
        small_training(result.folder, steps=700)
    with pytest.raises(ValueError, match=f"policies of '{ID}', not of 'gem/PMSM-Speed-v0'"):
        train("gem/PMSM-Speed-v0", out=result.folder, steps=600, settings=TINY)
    assert len(listed(result.folder)) == 2


def test_sac_trains_beside_ppo(trained):
    result, _ = trained
    tiny = {"rows": 4, "learning_starts": 64, "batch": 32, "evaluations": 1, "network": [8]}
    small_training(result.folder, algo="sac", seeds=1, steps=200, settings=tiny)
    assert [p.name for p in listed(result.folder)] == ["ppo-0.npz", "ppo-1.npz", "sac-0.npz"]


def test_normalised_training_exports_the_statistics(tmp_path):
    result = small_training(tmp_path, seeds=1, settings=TINY | {"normalize": True})
    assert load_policy(result.runs[0].path).describe()["observation_normalised"]


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"algo": "pp"}, "Did you mean 'ppo'"),
        ({"seeds": 0}, "seeds"),
        ({"seeds": -1}, "seeds"),
        ({"seed": -1}, "seed"),
        ({"steps": 0}, "steps"),
        ({"settings": {"discout": 0.9}}, "Did you mean 'discount'"),
        ({"machin": "brusa"}, "machine"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(keywords, reason, tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(ValueError, match=reason):
        train(ID, **({"out": folder} | keywords))
    assert not folder.exists()


def test_an_unknown_id_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=ID):
        train("gem/PMSN-v0", out=tmp_path)


def test_a_folder_that_cannot_be_written_is_reported_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("in the way")
    lines = []
    with pytest.raises(OSError, match=r"out is to be a folder, and .*file is a file"):
        train(ID, out=tmp_path / "file" / "below", progress=lines.append)
    assert lines == []


def test_policies_run_and_training_is_importable_without_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['stable_baselines3'] = None\n"
        "import gym_suite.learning as learning\n"
        "from gym_suite.learning import load_policy, shipped, train\n"
        "try:\n"
        f"    learning.make_sb3_vec({ID!r}, 2)\n"
        "except ModuleNotFoundError as e:\n"
        "    print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[rl]'" in done.stdout


def test_choices_are_learned_exported_and_judged_by_their_return(tmp_path):
    result = train("radio/Access-v0", seeds=1, steps=600, settings=TINY, out=tmp_path / "policies")
    (run,) = result.runs
    assert run.score.error is None and run.score.success is None
    policy = load_policy(run.path, "radio/Access-v0")
    envs = gymnasium.make_vec("radio/Access-v0", num_envs=4)
    observation, _ = envs.reset(seed=0)
    action, _ = policy.predict(observation)
    assert action.shape == (4,) and all(map(envs.single_action_space.contains, action))
    single, _ = policy.predict(observation[1])
    assert single == action[1]
    with (result.folder / "curves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert rows[-1]["evaluation_error"] == "" and float(rows[-1]["reference_return"]) > 0


def test_a_setting_has_policies_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train("drones/MultiHover-v0", setting="compiled", seeds=1, steps=300, settings=TINY)
    assert result.folder == Path("policies/drones-MultiHover-v0/compiled")
    run = json.loads((result.folder / "manifest.json").read_text())["runs"]["ppo"]
    assert run["keywords"] == {"engine": "compiled"} and "--setting compiled" in run["command"]
    # One policy for both quadcopters: its columns say whose they are.
    policy = load_policy(result.runs[0].path)
    assert policy.action_columns[0].startswith("drone_0/")
    assert policy.action_columns[-1].startswith("drone_1/")
    with pytest.raises(ValueError, match="compiled"):
        train("drones/MultiHover-v0", setting="compield", seeds=1)


def test_episodes_of_training_can_be_cut_short_and_evaluations_are_not(tmp_path):
    settings = TINY | {"time_limit": 7, "noise_steps": 4}
    result = small_training(tmp_path, seeds=1, settings=settings)
    with (tmp_path / "curves.csv").open(newline="") as file:
        lengths = [row["episode_length"] for row in csv.DictReader(file)]
    assert 0.0 < float(lengths[-1]) <= 7.0
    assert result.runs[0].score.length > 7.0
    policy = load_policy(result.runs[0].path, ID)
    observation = gymnasium.make(ID).reset(seed=0)[0]
    draws = [policy.predict(observation, deterministic=False)[0] for _ in range(3)]
    assert not np.array_equal(draws[0], draws[1])


def test_an_algorithm_for_numbers_is_refused_where_actions_are_choices(tmp_path):
    with pytest.raises(ValueError, match=r"sac needs continuous actions.*use ppo"):
        train("radio/Access-v0", algo="sac", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
