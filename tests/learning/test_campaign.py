"""One command trains everything that ships: it says how long, goes on where it was, and replaces only what is whole."""

import json

import pytest

from gym_suite.learning import campaign
from gym_suite.learning.campaign import SEEDS, Work, install, plan, train_work
from gym_suite.learning.records import read_curves, replace_curve
from gym_suite.learning.shelf import MANIFEST, listed, runs_of
from gym_suite.registration import card, catalogue

ID = "gem/PMSM-v0"
#: Families whose policies are not all of the one commit yet.
EARLIER = {"motors"}


def finished(folder, methods, count=SEEDS):
    """A folder as a training leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = {}
    for method in methods:
        entries = []
        for seed in range(count):
            name = f"{method}-{seed}.npz"
            (folder / name).write_bytes(b"new")
            entries.append({"file": name, "training_seed": seed, "cpu_time": 3.0, "steps": 10})
        runs[method] = {"policies": entries, "hyper_parameters": {"randomise": {"delay": [0, 1]}}}
    (folder / MANIFEST).write_text(json.dumps({"id": ID, "runs": runs}))


def test_the_plan_is_what_cards_name():
    works = plan()
    for entry in catalogue().values():
        mine = [work for work in works if work.id == entry.id]
        assert bool(mine) == bool(entry.learned)
        assert set(entry.learned) <= {method for work in mine for method in work.methods}
    # A setting may have methods of its own.
    methods = {work.setting: work.methods for work in works if work.id == "gem/SeriesDc-Speed-v0"}
    assert methods == {"nominal": ("ppo",), "traue_2022": ("td3", "ddpg")}
    assert {work.setting for work in works if work.id == "radio/Access-v0"} == {
        "nominal",
        "icmla_3",
        "icmla_4",
    }
    assert {"ppo", "ppo-nominal"} <= set(next(w for w in works if w.id == ID).methods)
    assert all(card(work.id).setting(work.setting) is not None for work in works)


def test_what_is_left_and_how_long_it_takes_follows_from_what_was_done(tmp_path):
    work = Work(ID, "nominal", ("ppo",), {})
    assert work.left(tmp_path) == {"ppo": SEEDS}
    assert work.seconds(tmp_path) > 100.0  # as the shipped ones took
    finished(work.folder(tmp_path), ["ppo"], 2)
    assert work.left(tmp_path) == {"ppo": SEEDS - 2}
    assert work.seconds(tmp_path) == pytest.approx((SEEDS - 2) * 6_000_000 * 0.3)
    finished(work.folder(tmp_path), ["ppo"])
    assert work.seconds(tmp_path) == 0.0


def test_it_says_its_hours_before_anything_runs(tmp_path, capsys):
    assert campaign.main(["--plan", "--out", str(tmp_path), "--only", ID]) == 0
    told = capsys.readouterr().err
    assert "10 trainings to do: about" in told and "hours in 2 processes" in told
    assert f"{ID} (nominal): 5 ppo, 5 ppo-nominal" in told
    assert not list(tmp_path.iterdir())


def test_unfinished_policies_replace_nothing(tmp_path):
    works = [Work(ID, "nominal", ("ppo",), {}), Work(ID, "tuned", ("ppo",), {})]
    old = works[0].folder(tmp_path / "shipped")
    finished(old, ["ppo", "gone"])
    (old / "pi-tuned-0.json").write_text("{}")
    for algo in ("ppo", "gone", "pi-tuned"):
        replace_curve(old, algo, 0, [{"algo": algo, "seed": 0, "step": 1, "cpu_time": 1.0}])
    new = works[0].folder(tmp_path / "new")
    finished(new, ["ppo"])
    replace_curve(new, "ppo", 0, [{"algo": "ppo", "seed": 0, "step": 2, "cpu_time": 2.0}])
    with pytest.raises(ValueError, match="1 of 2 pieces of work are not finished"):
        install(works, tmp_path / "new", tmp_path / "shipped")
    assert len(listed(old)) == 2 * SEEDS
    finished(works[1].folder(tmp_path / "new"), ["ppo"])
    replaced = install(works, tmp_path / "new", tmp_path / "shipped")
    assert replaced[0] == old
    assert [path.stem for path in listed(old)] == [f"ppo-{seed}" for seed in range(SEEDS)]
    assert not list(old.glob("gone-*"))
    # Gains that somebody searched are no training's.
    assert (old / "pi-tuned-0.json").is_file()
    assert [row["algo"] for row in read_curves(old)] == ["ppo", "pi-tuned"]


def test_a_piece_of_work_is_trained_once(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(
        "gym_suite.learning.training.train", lambda id, **keywords: trained.append((id, keywords))
    )
    told = train_work(Work(ID, "nominal", ("ppo", "ppo-nominal"), {"tau": 1e-4}), tmp_path, print)
    assert told == f"{ID} (nominal)"
    assert [keywords["algo"] for _, keywords in trained] == ["ppo", "ppo-nominal"]
    assert all(keywords["tau"] == 1e-4 and keywords["seeds"] == SEEDS for _, keywords in trained)
    assert {keywords["out"] for _, keywords in trained} == {tmp_path / "gem-PMSM-v0"}


def test_a_training_that_fails_leaves_the_others_alone(tmp_path, monkeypatch, capsys):
    """One id's folder is a file, so that nothing can be kept there."""
    monkeypatch.setattr("gym_suite.learning.training.train", lambda id, *, out, **_: out.mkdir())
    works = [Work(ID, "nominal", ("ppo",), {}), Work("drones/Hover-v0", "nominal", ("ppo",), {})]
    monkeypatch.setattr(campaign, "plan", lambda: works)
    works[0].folder(tmp_path).write_text("in the way")
    assert campaign.main(["--processes", "1", "--out", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert f"failed: {ID} (nominal): FileExistsError" in told
    assert "finished: drones/Hover-v0 (nominal)" in told
    assert works[1].folder(tmp_path).is_dir()


def test_bad_input_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        campaign.main(["--processes", "0", "--out", str(tmp_path)])
    assert "at least 1" in capsys.readouterr().err
    with pytest.raises(ValueError, match=ID):
        campaign.main(["--only", "gem/PMSN-v0", "--out", str(tmp_path)])


def test_all_that_ships_is_of_one_commit_but_what_is_named():
    commits = {}
    for work in plan():
        for run in runs_of(work.id, work.setting).values():
            mine = commits.setdefault(card(work.id).family, set())
            mine |= {policy["commit"] for policy in run["policies"]}
    (one,) = commits["drones"]
    assert {family for family, found in commits.items() if found != {one}} == EARLIER
