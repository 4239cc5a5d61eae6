"""A search gives a controller what a training gives a policy: the same steps, plants and honest records."""

import csv
import json
import shlex
import sys
from contextlib import closing

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.cli import main
from gym_suite.comparison.agents import resolve
from gym_suite.learning import load_gains, search, seeds, tune
from gym_suite.learning.evaluation import Evaluation
from gym_suite.learning.folders import locked
from gym_suite.learning.records import CURVE_COLUMNS
from gym_suite.learning.settings import settings_for

ID = "gem/PMSM-v0"
BUDGET, EPISODES, HORIZON = 20_000, 4, 100


def small_search(folder, **keywords):
    arguments = {
        "agent": "pi",
        "budget": BUDGET,
        "episodes": EPISODES,
        "max_episode_steps": HORIZON,
        "out": folder,
    }
    return tune(ID, **arguments | keywords)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    lines = []
    return small_search(tmp_path_factory.mktemp("search"), progress=lines.append), lines


def without_times(path):
    about = json.loads(path.read_text())
    for name in ("wall_time", "cpu_time", "date", "command"):
        del about[name]
    return about


def test_the_gains_are_better_than_the_rules_on_episodes_that_the_search_did_not_see(found):
    tuning, lines = found
    assert tuning.value > tuning.rule_value
    about = json.loads(tuning.path.read_text())
    assert about["value"] == tuning.value and set(about["gains"]) == set(about["rule"])
    # Judged again as the file says, on the last of its episodes and its plants.
    first, last = about["seeds"]["episodes"]
    assert about["plan"]["episodes"] == [first, first + EPISODES - 1]
    count = about["plan"]["last_episodes"]
    assert last == first + EPISODES + count - 1 and count >= EPISODES
    plants = about["plan"]["plants"]
    each, total = count // len(plants), 0.0
    for k, plant in enumerate(plants):
        start = first + EPISODES + k * each
        evaluation = Evaluation(ID, episodes=each, seed=start, keywords=plant)
        total += evaluation.score(load_gains(tuning.path).load(evaluation.envs)).episode_return
    assert total / len(plants) == pytest.approx(tuning.value, rel=1e-12)
    finalists = about["finalists"]
    assert len(finalists) == about["plan"]["finalists"] == 5
    assert finalists[0] == {"gains": about["rule"], "value": about["rule_value"]}
    assert max(finalists, key=lambda one: one["value"])["gains"] == about["gains"]
    assert lines[-1].startswith("pi-tuned: 40 trials in 20,000 steps")


def test_a_budget_too_small_for_a_final_choice_is_all_searched(tmp_path):
    about = json.loads(small_search(tmp_path, budget=2_000).path.read_text())
    assert about["finalists"] == [] and about["trials"] == 5 and about["steps"] == 2_000


def test_the_budget_is_kept_and_every_trial_counted(found):
    tuning, _ = found
    about = json.loads(tuning.path.read_text())
    trials = tuning.path.with_suffix(".trials.jsonl").read_text().splitlines()[1:]
    assert tuning.steps == BUDGET == about["budget"]
    last = about["plan"]["finalists"], about["plan"]["last_episodes"] * HORIZON
    searched = (BUDGET - last[0] * last[1]) // (EPISODES * HORIZON)
    assert tuning.trials == about["trials"] == len(trials) - last[0] == searched
    assert about["steps"] == sum(json.loads(line)["steps"] for line in trials)


def test_seeds_and_plants_are_a_trainings_kind_and_no_evaluations(found):
    about = json.loads(found[0].path.read_text())
    for seed in about["seeds"]["episodes"]:
        assert seeds.purpose_of(seed) == "tuning"
    assert {seeds.purpose_of(seed) for seed in about["seeds"]["evaluation"]} == {"evaluation"}
    assert seeds.purpose_of(0) == "comparison"
    assert seeds.purpose_of(seeds.training_seed(0)) == "training"
    randomise = settings_for(ID, "ppo").randomise
    assert {plant["delay"] for plant in about["plan"]["plants"]} == set(randomise["delay"])
    assert {"commit", "machine", "versions", "source_digest", "behaviour"} <= about.keys()
    assert about["versions"]["cmaes"]


def test_the_curve_stands_in_the_columns_of_a_trainings(found):
    with (found[0].path.parent / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CURVE_COLUMNS
    steps = [int(row["step"]) for row in rows]
    assert steps[0] == 0 and steps == sorted(steps) and steps[-1] == BUDGET
    assert {row["algo"] for row in rows} == {"pi-tuned"}
    assert float(rows[-1]["evaluation_return"]) == found[0].score.episode_return
    assert float(rows[0]["evaluation_return"]) == float(rows[0]["reference_return"])


@pytest.mark.parametrize("after", [1, 17, 43])
def test_a_search_that_was_killed_gives_what_it_would_have_given(
    found, tmp_path, after, monkeypatch
):
    judged = search.TrialLog.next
    count = 0

    def killed(self, place, run):
        nonlocal count
        count += 1
        if count > after:
            raise KeyboardInterrupt
        return judged(self, place, run)

    monkeypatch.setattr(search.TrialLog, "next", killed)
    with pytest.raises(KeyboardInterrupt):
        small_search(tmp_path)
    assert not list(tmp_path.glob("*.json"))
    (log,) = tmp_path.glob("*.trials.jsonl")
    with log.open("a") as file:
        file.write('{"place": [0.1, 0.')  # torn by the kill
    monkeypatch.setattr(search.TrialLog, "next", judged)
    again = small_search(tmp_path)
    assert without_times(again.path) == without_times(found[0].path)
    assert not again.skipped
    assert small_search(tmp_path).skipped


@pytest.mark.parametrize("id", [ID, "gem/SCIM-Torque-v0", "drones/Hover-v0", "agv/SimpleStatic-v0"])
def test_candidates_side_by_side_come_to_what_each_comes_to_alone(id):
    keywords = {"max_episode_steps": 60, "noise": 0.01, "mismatch": 0.3}
    keywords |= {"drones": {"engine": "compiled"}, "agv": {"reward": "dense"}}.get(
        id.partition("/")[0], {}
    )
    alone = Evaluation(id, episodes=3, seed=300_000, keywords=keywords)
    beside = Evaluation(id, episodes=3, seed=300_000, keywords=keywords, times=4)
    names = gym_suite.card(id).controllers
    laws = [gym_suite.make_controller(alone.envs, name) for name in (*names, *names)][:4]
    assert beside.scores(laws) == [alone.score(law) for law in laws]
    assert len({score.episode_return for score in beside.scores(laws)}) > 1


def test_another_seed_is_another_search_beside_the_first(tmp_path):
    first = small_search(tmp_path, budget=4_000)
    other = small_search(tmp_path, budget=4_000, seed=1)
    assert first.path.name == "pi-tuned-0.json" and other.path.name == "pi-tuned-1.json"
    assert first.gains != other.gains
    nominal = small_search(tmp_path, budget=4_000, settings="nominal")
    assert nominal.path.name == "pi-tuned-nominal-0.json"
    assert json.loads(nominal.path.read_text())["plan"]["plants"] == [
        {"max_episode_steps": HORIZON}
    ]


def test_plants_may_differ_as_the_user_says_and_the_command_repeats_it(tmp_path):
    plants = {"mismatch": [0.0, 0.2], "delay": 1}
    path = small_search(tmp_path, budget=4_000, randomise=plants).path
    about = json.loads(path.read_text())
    fixed = {"max_episode_steps": HORIZON, "delay": 1}
    assert about["plan"]["plants"] == [fixed | {"mismatch": 0.0}, fixed | {"mismatch": 0.2}]
    words = shlex.split(about["command"])
    assert json.loads(words[words.index("--randomise") + 1]) == plants
    out = tmp_path / "again"
    assert main([*words[1:], "--out", str(out)]) == 0
    assert json.loads((out / path.name).read_text())["gains"] == about["gains"]


def test_another_search_of_the_same_name_is_refused(tmp_path):
    first = small_search(tmp_path, budget=2_000)
    trials = first.path.with_suffix(".trials.jsonl")
    before = {path: path.read_bytes() for path in (first.path, trials)}
    for keywords, part in (
        ({"budget": 4_000}, "other budget"),
        ({"noise": 0.01, "episodes": 5}, "other episodes, other plants"),
        ({"parameters": {"decoupling": 0.5}}, "other parameters"),
    ):
        with pytest.raises(ValueError, match=rf"pi-tuned-0\.json holds .*\({part}.*\) and are not"):
            small_search(tmp_path, **{"budget": 2_000} | keywords)
    assert {path: path.read_bytes() for path in before} == before
    first.path.rename(tmp_path / "aside.json")
    with pytest.raises(ValueError, match=r"trials\.jsonl holds another search \(other budget,"):
        small_search(tmp_path, budget=4_000)
    # Without its trials too, as gains ship, a file is not written over.
    trials.unlink()
    (tmp_path / "aside.json").rename(first.path)
    with pytest.raises(ValueError, match="other budget"):
        small_search(tmp_path, budget=4_000)
    assert first.path.read_bytes() == before[first.path]


def test_gains_that_no_search_has_left_are_not_written_over(tmp_path):
    path = tmp_path / "pi-tuned-0.json"
    path.write_text(json.dumps({"id": ID, "agent": "pi", "gains": {"i_sd.kp": 4.1}}))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="no plan of a search"):
        small_search(tmp_path)
    assert path.read_bytes() == before


def test_one_search_at_a_time_writes_into_a_folder(tmp_path):
    with (
        closing(locked(tmp_path, "search")),
        pytest.raises(OSError, match=r"another search is writing into .*process \d+"),
    ):
        small_search(tmp_path)
    assert not list(tmp_path.glob("*.json*"))

    def meanwhile(line):
        if "2,000 of" in line:  # a second one begins while the first is at work
            with pytest.raises(OSError, match="another search"):
                small_search(tmp_path, budget=2_000)
            refused.append(line)

    refused = []
    first = small_search(tmp_path, budget=2_000, progress=meanwhile)
    assert refused and small_search(tmp_path, budget=2_000).gains == first.gains


@pytest.mark.parametrize(
    ("keywords", "finalists", "last"),
    [
        # All seeds of a search are its own: none is left for another choice.
        ({"settings": "nominal", "budget": 40_000, "episodes": 1000}, 0, 0),
        ({"budget": 60_000, "episodes": 999}, 0, 0),
        ({"settings": "nominal", "budget": 30_000, "episodes": 501}, 0, 0),
        # As many others are left, the same number for each of four plants.
        ({"settings": "nominal", "budget": 30_000, "episodes": 500}, 5, 500),
        ({"budget": 26_000, "episodes": 402}, 5, 596),
        ({"budget": 400, "episodes": 4}, 5, 20),
    ],
)
def test_the_final_choice_has_as_many_other_episodes_or_there_is_none(
    keywords, finalists, last, tmp_path
):
    about = json.loads(small_search(tmp_path, max_episode_steps=1, **keywords).path.read_text())
    plan = about["plan"]
    assert (plan["finalists"], plan["last_episodes"]) == (finalists, last)
    assert len(about["finalists"]) == finalists and last % len(plan["plants"]) == 0
    assert about["steps"] <= keywords["budget"]
    assert {seeds.purpose_of(seed) for seed in about["seeds"]["episodes"]} == {"tuning"}
    assert about["seeds"]["episodes"][1] < seeds.TUNING_SEED + seeds.TUNING_STRIDE
    assert small_search(tmp_path, max_episode_steps=1, **keywords).skipped


def test_the_default_budget_is_that_of_a_training(tmp_path, monkeypatch):
    seen = {}

    class Stop(Exception):
        pass

    def prepare(self, episodes):
        seen["budget"] = self.budget
        raise Stop

    monkeypatch.setattr(search.Search, "_prepare", prepare)
    with pytest.raises(Stop):
        tune(ID, out=tmp_path)
    assert seen["budget"] == settings_for(ID, "ppo").steps == 6_000_000


def test_a_candidate_that_cannot_run_is_the_worst_and_told_of(tmp_path):
    """Gains of moving to a pose are stable only where k_alpha exceeds k_rho; others are refused."""
    tuning = tune(
        "agv/Dock-v0",
        budget=6_000,
        episodes=2,
        settings="nominal",
        max_episode_steps=100,
        out=tmp_path,
    )
    about = json.loads(tuning.path.read_text())
    assert about["failed_trials"] > 0
    assert np.isfinite(tuning.value) and tuning.value >= tuning.rule_value


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"budget": 0}, "budget: expected a whole number of at least 1, got 0"),
        ({"budget": -1e6}, "budget"),
        ({"budget": 0.5}, "budget"),
        ({"budget": float("nan")}, "budget"),
        ({"budget": 399}, "hold not one candidate"),
        ({"episodes": 0}, "episodes"),
        ({"randomise": {"mismach": 0.3}}, "mismatch"),
        ({"randomise": {"mismatch": []}}, "at least one value"),
        ({"randomise": [0.3]}, "must map plant keywords"),
        ({"randomise": {"mismatch": 0.3}, "settings": "nominal"}, "name what differs"),
        ({"randomise": {}}, "name what differs"),
        ({"episodes": 3}, "episodes: 3 are too few for 4 plants.*raise episodes"),
        ({"episodes": 1}, "episodes: 1 are too few for 4 plants"),
        ({"episodes": 1001, "budget": 1e9}, "1 to 1000 episodes, got 1001"),
        ({"seed": -1}, "seed"),
        ({"seed": 800}, "seed"),
        ({"agent": "pii"}, "Did you mean 'pi'"),
        ({"agent": "zero"}, "nothing to search"),
        ({"settings": "nominl"}, "Did you mean 'nominal'"),
        ({"setting": "icmla_3"}, "setting of gem/PMSM-v0"),
        ({"dely": 1}, "Did you mean 'delay'"),
        ({"parameters": {"rul": 1}}, "Did you mean 'rule'"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(keywords, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        small_search(tmp_path / "out", **keywords)
    assert not (tmp_path / "out").exists()


def test_hyperparameters_without_bounds_are_refused(tmp_path, monkeypatch):
    from gym_suite.controllers.hyperparameters import Hyperparameter
    from gym_suite.registration import card, load

    law = load(card(ID).controllers["pi"])
    with pytest.raises(ValueError, match="no bounds to search within"):
        Hyperparameter(name="symmetry", low=1.0, high=float("inf"))
    monkeypatch.setattr(law, "hyperparameters", (Hyperparameter(name="symetry", low=1, high=2),))
    with pytest.raises(ValueError, match="symmetry"):
        small_search(tmp_path)


def test_several_agents_and_folders_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="several agents"):
        tune("agv/Fleet-v0", out=tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file is a file"):
        small_search(tmp_path / "file" / "below")


def test_without_cmaes_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cmaes", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*\[tune\]"):
        small_search(tmp_path)


def test_compare_takes_a_gains_file_as_an_agent(found):
    specs = resolve([str(found[0].path)], ID)
    spec = next(spec for spec in specs if spec.name == "pi-tuned-0")
    assert spec.kind == "controller" and spec.identity
    env = gymnasium.make(ID)
    controller = spec.load(env)
    for name, value in found[0].gains.items():
        entry = controller.describe()["gains"][name]
        assert entry["value"] == value and entry["given"]
    result = gym_suite.compare(ID, agents=[str(found[0].path)], seeds=2, horizon=50)
    assert "pi-tuned-0" in {record["agent"]["name"] for record in result.records}


def test_gains_of_another_id_or_of_something_else_are_refused_plainly(found, tmp_path):
    with pytest.raises(
        ValueError, match="holds gains for 'gem/PMSM-v0', not for 'gem/PMSM-Speed-v0'"
    ):
        resolve([str(found[0].path)], "gem/PMSM-Speed-v0")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_gains(tmp_path / "nowhere.json")
    path = tmp_path / "gains.json"
    for content in (
        "not JSON",
        "[]",
        '{"id": "gem/PMSM-v0"}',
        '{"id": 1, "agent": "pi", "gains": 2}',
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match="is not a gains file"):
            load_gains(path)
    path.write_text(json.dumps({"id": ID, "agent": "pi", "gains": {"i_sd.kq": 1.0}}))
    with pytest.raises(ValueError, match=r"gains\.json: unknown gain .*'i_sd.kp'"):
        load_gains(path).load(gymnasium.make(ID))


def test_what_was_made_on_another_behaviour_is_warned_of(found, tmp_path):
    about = json.loads(found[0].path.read_text())
    path = tmp_path / "gains.json"
    path.write_text(json.dumps(about | {"behaviour": "0123456789abcdef"}))
    with pytest.warns(UserWarning, match="another behaviour of gem/PMSM-v0"):
        resolve([str(path)], ID)
    path.write_text(json.dumps(about | {"keywords": {"tua": 1.0}}))
    with pytest.warns(UserWarning, match="does not take now"):
        resolve([str(path)], ID)
