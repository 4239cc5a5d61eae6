"""The leaderboard: every agent by the protocol, grown and resumed; entries count only if they come out."""

import json
import math
import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from gym_suite.cli import main
from gym_suite.comparison import board as boards
from gym_suite.comparison import compare, leaderboard, plan, submit
from gym_suite.comparison.board import Board
from gym_suite.comparison.leaderboard_page import _learning as learning_of
from gym_suite.comparison.plan import Estimate, as_markdown, estimate, hours_on, store_rate
from gym_suite.comparison.results import LOCK, locked
from gym_suite.comparison.rows import with_claims
from gym_suite.comparison.submissions import TOLERANCE, Check
from gym_suite.comparison.verdicts import LEVEL, holm
from gym_suite.learning import shipped
from gym_suite.learning.gains import shipped_gains
from gym_suite.learning.shelf import files_of
from gym_suite.registration import card

ID, OTHER = "gem/PMSM-v0", "gem/PMSM-Torque-v0"
SMALL = {"episodes": 4, "steps": 40, "progress": False}
SETTINGS = ("nominal", "noise", "mismatch", "delay", "disturbance")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    return folder, leaderboard(folder, ids=[ID], **SMALL)


@pytest.fixture
def copied(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "board")
    return tmp_path / "board"


def scores(row, name):
    (agent,) = [agent for agent in row["agents"] if agent["name"] == name]
    return {setting: cell["score"][0] for setting, cell in agent["settings"].items()}


def test_everybody_takes_part_under_every_setting_of_the_protocol(made):
    (row,) = made[1]
    entry = card(ID)
    assert {a["name"] for a in row["agents"]} == {*entry.controllers, *entry.tuned, *entry.learned}
    for agent in row["agents"]:
        assert set(agent["settings"]) == set(SETTINGS)
        for cell in agent["settings"].values():
            place, best, worst = cell["rank"]
            assert 1 <= best <= place <= worst <= len(row["agents"])
            assert cell["failed_runs"] == 0
    assert row["seeds"] == [entry.protocol.first_seed, entry.protocol.first_seed + 3]
    assert set(row["learning"]) == set(SETTINGS)
    (ppo,) = [agent for agent in row["agents"] if agent["name"] == "ppo"]
    assert ppo["trainings"] == 5 and ppo["steps"] > 0


def test_its_scores_are_those_of_compare(made):
    (row,) = made[1]
    seeds = list(card(ID).protocol.seeds)[:4]
    comparison = compare(ID, agents=["ppo", "lqr"], seeds=seeds, horizon=40, progress=False)
    found = {(r.name, r.setting): r.score.estimate for r in comparison.summary()}
    for name in ("pi", "zero", "ppo", "lqr"):
        assert scores(row, name) == {s: found[name, s] for s in SETTINGS}


def test_page_and_data_say_the_same_and_the_page_needs_nothing_else(made):
    folder, rows = made
    data = json.loads((folder / "leaderboard.json").read_text())
    assert data["rows"] == rows and data["about"]["episodes"] == 4
    page = (folder / "index.html").read_text()
    assert ID in page and "Do not quote it" in page
    for outside in ("http://", "https://", "<script", "<link", "src="):
        assert outside not in page


def test_nothing_is_done_twice_and_a_board_grows(copied, monkeypatch):
    kept = (copied / "runs" / "gem-PMSM-v0" / "results.jsonl").read_bytes()
    asked = []
    run = boards.run_jobs

    def note(jobs, **keywords):
        asked.extend(job.id for job in jobs)
        return run(jobs, **keywords)

    monkeypatch.setattr(boards, "run_jobs", note)
    rows = leaderboard(copied, ids=["radio/GilbertElliott-v0", ID], **SMALL)
    assert set(asked) == {"radio/GilbertElliott-v0"}
    assert (copied / "runs" / "gem-PMSM-v0" / "results.jsonl").read_bytes() == kept
    assert [row["id"] for row in rows] == [ID, "radio/GilbertElliott-v0"]
    assert "radio/GilbertElliott-v0" in (copied / "index.html").read_text()
    clairvoyant = [a for a in rows[1]["agents"] if a["information"] == "state"]
    assert clairvoyant and all(
        cell["rank"] is None for agent in clairvoyant for cell in agent["settings"].values()
    ), "who sees the true state ranks with nobody"


def test_a_killed_leaderboard_goes_on_with_the_same_numbers(made, copied):
    file = copied / "runs" / "gem-PMSM-v0" / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:90]) + lines[90][:50])
    (copied / "rows" / "gem-PMSM-v0.json").unlink()
    (row,) = leaderboard(copied, ids=[ID], workers=2, **SMALL)
    for agent in made[1][0]["agents"]:
        assert scores(row, agent["name"]) == scores(made[1][0], agent["name"])


def contents(folder):
    """What is kept in a folder, by file; who writes there is not."""
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != LOCK}


def test_results_of_another_version_are_refused_and_kept(copied):
    about = json.loads((copied / "about.json").read_text())
    before = contents(copied)
    for name, value, reason in (
        ("version", "0.1.0", "holds results of gym_suite 0.1.0, this is"),
        ("sources", {"motors": "other"}, "other sources of motors"),
        ("episodes", 9, "episodes 9"),
        ("format", 99, "damaged"),
    ):
        (copied / "about.json").write_text(json.dumps(about | {name: value}))
        with pytest.raises(ValueError, match=reason):
            leaderboard(copied, ids=[ID], **SMALL)
    (copied / "about.json").write_bytes(before[copied / "about.json"])
    assert contents(copied) == before


def test_one_at_a_time_writes_into_a_leaderboard(copied, truth, tmp_path):
    before = contents(copied)
    folder = entry(tmp_path / "mine", truth)
    with closing(locked(copied, "leaderboard")):
        for call in (
            lambda: leaderboard(copied, ids=["radio/GilbertElliott-v0"], **SMALL),
            lambda: submit(folder, copied, progress=False),
        ):
            with pytest.raises(OSError, match=r"another leaderboard is writing into .*process \d+"):
                call()
        assert contents(copied) == before
    leaderboard(copied, ids=[ID], **SMALL)
    assert not submit(folder, copied, progress=False).problems


def test_bad_numbers_are_refused_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "out"
    for wrong, reason in (
        ({"episodes": 0}, "episodes must be a whole number >= 1, got 0"),
        ({"steps": -1}, "steps must be a whole number >= 1, got -1"),
        ({"protocol": True, "steps": 5}, "a protocol decides steps"),
        ({"episodes": 51}, "protocol of gem/PMSM-v0 has 50 episodes, got episodes=51"),
        ({"workers": 0}, "workers must be"),
    ):
        with pytest.raises(ValueError, match=reason):
            leaderboard(out, ids=[ID], **wrong)
    with pytest.raises(ValueError, match="gem/PMSM-v0"):
        leaderboard(out, ids=["gem/PMSN-v0"])
    assert main(["leaderboard", ID, "--protocol", "--episodes", "3", "--out", str(out)]) == 2
    assert "leave out --episodes or --protocol" in capsys.readouterr().err
    assert main(["leaderboard", ID, "--plan", "--episodes", "1000", "--out", str(out)]) == 2
    assert "has 50 episodes, got episodes=1000" in capsys.readouterr().err
    assert not out.exists()


def test_claims_are_corrected_for_all_comparisons_of_all_rows():
    def row(id, ps):
        cells = [{"p": p, "claim_if_sure": "beats"} for p in ps]
        agents = [{"settings": {"nominal": cell}} for cell in cells]
        return {"id": id, "agents": agents, "learning": {}}

    ps = [[0.001, 0.03], [0.02, 0.9, None]]
    rows = with_claims([row("a", ps[0]), row("b", ps[1])])
    cells = [a["settings"]["nominal"] for one in rows for a in one["agents"]]
    corrected = holm([0.001, 0.03, 0.02, 0.9])
    assert [cell["p_corrected"] for cell in cells] == [*corrected, None]
    assert [cell["claim"] for cell in cells] == [
        *("beats" if p < LEVEL else "cannot tell" for p in corrected),
        None,
    ]
    assert [cell["claim"] for cell in cells].count("beats") == 1


def row_of(id, *duels, policy=0.0, law=0.0):
    """A row with a duel in each setting of a policy and a law that fail in these shares of the episodes."""
    learning = {f"setting {k}": duel for k, duel in enumerate(duels)}
    agents = [
        {
            "name": name,
            "settings": {s: {"p": None, "failures": [share, 0.0, 1.0]} for s in learning},
        }
        for name, share in (("ppo", policy), ("pi", law))
    ]
    return {"id": id, "agents": agents, "learning": learning}


def duel(p, ahead, *others):
    return {"policy": "ppo", "law": "pi", "ahead": ahead, "p": p, "p_of_others": list(others)}


def test_outcomes_of_learning_are_corrected_for_all_pairs_of_policies_and_laws():
    # Five pairs: by Holm 5 * 0.001, 4 * 0.009 and 3 * 0.012.
    rows = with_claims(
        [
            row_of("a", duel(0.001, True, 0.5, 0.9), duel(0.012, True)),
            row_of("b", duel(0.009, False), None),
        ]
    )
    found = [cell for one in rows for cell in one["learning"].values()]
    assert [cell and cell["outcome"] for cell in found] == ["wins", "wins", "loses", None]
    assert [cell["p_corrected"] for cell in found[:3]] == pytest.approx([0.005, 0.036, 0.036])
    (more,) = with_claims([row_of("c", duel(0.012, True, 0.9, 0.9, 0.9, 0.9))])
    assert more["learning"]["setting 0"]["outcome"] == "ties"


@pytest.mark.parametrize(
    ("ahead", "policy", "law", "outcome", "words"),
    [
        (True, 0.0, 0.0, "wins", "ppo beats pi"),
        (True, 0.1, 0.2, "wins", "ppo beats pi"),
        (True, 0.2, 0.1, "mixed", "ppo earns more and fails more often than pi"),
        (False, 0.1, 0.1, "loses", "ppo loses to pi"),
        (False, 0.2, 0.1, "loses", "ppo loses to pi"),
        (False, 0.1, 0.2, "mixed", "ppo earns less and fails less often than pi"),
    ],
)
def test_nobody_wins_who_fails_more_often(ahead, policy, law, outcome, words):
    (row,) = with_claims([row_of("a", duel(0.001, ahead), policy=policy, law=law)])
    assert row["learning"]["setting 0"]["outcome"] == outcome
    (told,) = learning_of(row)
    assert told == f"Under setting 0 {words}, the best that was not learned."
    (tie,) = with_claims([row_of("a", duel(0.1, ahead), policy=policy, law=law)])
    assert tie["learning"]["setting 0"]["outcome"] == "ties"


def test_a_row_tells_the_pair_that_its_outcome_is_of(made):
    (row,) = made[1]
    kinds = {agent["name"]: agent["kind"] for agent in row["agents"]}
    learned = sum(kind == "learned" for kind in kinds.values())
    laws = sum(kind not in ("learned", "baseline") for kind in kinds.values())
    for setting, told in row["learning"].items():
        assert kinds[told["policy"]] == "learned" and kinds[told["law"]] == "controller"
        assert len(told["p_of_others"]) == learned * laws - 1
        places = {agent["name"]: agent["settings"][setting]["rank"][0] for agent in row["agents"]}
        for kind, name in (("learned", told["policy"]), ("controller", told["law"])):
            assert places[name] == min(places[n] for n, k in kinds.items() if k == kind)
        assert told["ahead"] == (places[told["policy"]] < places[told["law"]])
    assert row["files"] == files_of(ID)


def test_a_plan_counts_what_is_left_and_writes_nothing(made, tmp_path):
    (one,) = estimate(Board(tmp_path / "new", episodes=4, steps=40), [ID])
    row = made[1][0]
    jobs = sum(max(a["trainings"], 1) for a in row["agents"]) * len(SETTINGS)
    assert (one.jobs, one.episodes, one.steps) == (jobs, 4 * jobs, 160 * jobs)
    assert one.seconds >= one.longest > 0.0
    assert hours_on([one], 1) == one.seconds / 3600.0
    assert hours_on([one], 10**6) == one.longest / 3600.0
    assert not (tmp_path / "new").exists()
    (done,) = estimate(Board.open(made[0]), [ID])
    assert (done.jobs, done.seconds) == (0, 0.0)


def test_a_plan_reckons_with_the_pieces_that_workers_get(tmp_path, monkeypatch):
    """A planner that takes a second a step: 160 s a job of four episodes, so it comes in pieces of an episode."""

    def rate(job, limit):
        return plan._Rate(0.1, 1.0 if job.agent.name == "mpc" else 1e-6)

    monkeypatch.setattr(plan, "_rate", rate)
    (one,) = estimate(Board(tmp_path / "new", episodes=4, steps=40), [ID])
    trainings = one.jobs // len(SETTINGS)  # every other one in one piece, with all its settings
    assert one.pieces == trainings - 1 + len(SETTINGS) * 4
    assert (one.longest, one.slowest) == (pytest.approx(40.1), "mpc")
    assert one.seconds == pytest.approx(20 * 40.1 + (trainings - 1) * 5 * (0.1 + 160e-6))


def test_a_plan_as_a_page_adds_up():
    ones = [
        Estimate("gem/PMSM-v0", 10, 2, 500, 10**6, 3600.0, 900.0, "mpc"),
        Estimate("radio/Access-v0", 20, 28, 1000, 10**6, 7200.0, 400.0, "ucb1"),
    ]
    page = as_markdown(ones, "gym-suite leaderboard --plan", 4.0)
    assert "| motors | 1 | 10 | 2 | 500 | 1.0 | 1 | 900 |" in page
    assert "| all | 2 | 30 | 30 | 1,500 | 2.0 | 3 | 900 |" in page
    assert "| 2 | 15 | 1.5 | 3 | the work |" in page
    assert "| 100 | 0.30 | 0.25 | 0.5 | the longest piece |" in page
    assert "(mpc on `gem/PMSM-v0`)" in page
    assert (
        "4 jobs a second onto this disk, as many as 1,440 cores finish" in page
    )  # 4 * 360 s a job
    assert "costs 0.15, and 0.30 with 100 episodes in place of 50." in page
    assert "| with 100 episodes |" in page
    few = [replace(one, episodes=2 * one.jobs) for one in ones]
    page = as_markdown(few, "gym-suite leaderboard --plan", 4.0)
    assert "and 0.30 with 4 episodes in place of 2." in page and "| with 4 episodes |" in page
    page = as_markdown([ones[0], few[1]], "gym-suite leaderboard --plan", 4.0)
    assert "and 0.30 with twice the episodes." in page and "| with twice the episodes |" in page


def test_a_plan_of_what_is_done_is_a_page_too(copied, tmp_path, capsys):
    page = tmp_path / "page.md"
    for options in ([], ["--episodes", "4"]):
        arguments = ["leaderboard", ID, "--plan", "--page", str(page), "--steps", "40", *options]
        assert main([*arguments, "--out", str(copied if options else tmp_path / "new")]) == 0
        asked = " ".join([f"gym-suite leaderboard {ID}", *options, "--steps 40 --plan"])
        assert f"`{asked}`" in page.read_text()
    assert page.read_text().endswith("nothing is left to run of 1 environment.\n")
    assert "Nothing is left to run." in capsys.readouterr().out


def test_what_the_disk_takes_is_measured_elsewhere(tmp_path):
    assert store_rate(Board(tmp_path / "new", episodes=4, steps=40), ID) > 0.0
    assert not (tmp_path / "new").exists()


def test_a_page_is_for_a_plan(tmp_path, capsys):
    arguments = ["leaderboard", ID, "--page", str(tmp_path / "page.md"), "--out", str(tmp_path)]
    assert main(arguments) == 2
    assert "--page is for --plan" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ entries


def entry(folder, claim, **changes):
    folder.mkdir()
    for k, path in enumerate(shipped(ID, "ppo")[:2]):
        shutil.copyfile(path, folder / f"policy-{k}.npz")
    told = {
        "id": ID,
        "name": "outsider",
        "by": "somebody",
        "policies": ["policy-0.npz", "policy-1.npz"],
        "claim": claim,
        "command": "gym-suite train gem/PMSM-v0",
    }
    (folder / "submission.json").write_text(json.dumps(told | changes))
    return folder


@pytest.fixture(scope="module")
def truth():
    """What the two policies come to, by compare."""
    seeds = list(card(ID).protocol.seeds)[:4]
    files = [str(path) for path in shipped(ID, "ppo")[:2]]
    comparison = compare(ID, agents={"outsider": files}, seeds=seeds, horizon=40, progress=False)
    rows = [row for row in comparison.summary() if row.name == "outsider"]
    assert {row.trainings for row in rows} == {2}
    return {row.setting: row.score.estimate for row in rows}


def test_an_entry_that_comes_out_is_put_beside_the_others(copied, truth, tmp_path, capsys):
    claim = {setting: score + 0.5 * TOLERANCE for setting, score in truth.items()}
    folder = entry(tmp_path / "mine", claim)
    assert main(["submit", str(folder), "--out", str(copied)]) == 0
    assert "nominal: claimed" in capsys.readouterr().out
    data = json.loads((copied / "leaderboard.json").read_text())
    assert scores(data["rows"][0], "outsider") == truth
    page = (copied / "index.html").read_text()
    assert "outsider" in page and "by somebody" in page
    shutil.rmtree(folder)  # the board has copies of its own
    (row,) = leaderboard(copied, ids=[ID], **SMALL)
    assert scores(row, "outsider") == truth


def test_an_entry_that_does_not_come_out_is_told_and_changes_nothing(
    copied, truth, tmp_path, capsys
):
    before = {p: c for p, c in contents(copied).items() if "runs" not in p.parts}
    claim = truth | {"noise": truth["noise"] + 0.05}
    del claim["delay"]
    folder = entry(tmp_path / "mine", claim)
    assert main(["submit", str(folder), "--out", str(copied)]) == 1
    told = capsys.readouterr().err
    assert f"under noise {claim['noise']:.4g} is claimed, {truth['noise']:.4g} came out" in told
    assert "nothing is claimed under delay" in told
    assert {p: c for p, c in contents(copied).items() if "runs" not in p.parts} == before
    (row,) = leaderboard(copied, ids=[ID], **SMALL)
    assert "outsider" not in {agent["name"] for agent in row["agents"]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "ppo"}, "'ppo' is an agent of gem/PMSM-v0 already"),
        ({"name": "../up"}, "small letters, digits and hyphens"),
        ({"policies": ["../policy-0.npz"]}, "beside submission.json"),
        ({"policies": ["agent.py"]}, "beside submission.json"),
        ({"policies": ["policy-0.npz", "policy-0.npz"]}, "same training seed"),
        ({"policies": ["policy-7.npz"]}, "no policy file"),
        ({"policies": []}, "neither policies nor a controller"),
        ({"controller": "mine.py:build"}, "policies and controller; an entry is either"),
        ({"policies": [], "controller": "mine.py"}, "gains .* or 'file.py:factory' beside"),
        ({"policies": [], "controller": "../mine.py:build"}, "beside submission.json"),
        ({"policies": [], "controller": "submission.json"}, "beside submission.json"),
        ({"policies": [], "controller": ["mine.py:build"]}, "beside submission.json"),
        ({"policies": [], "controller": "mine.py:build"}, "no file .*mine.py"),
        ({"versions": "0.2.0"}, "versions are texts by package"),
        ({"seeds": [9, 3]}, "the first and the last seed"),
        ({"seeds": [0, 60_000]}, "cannot be judged on seed 50000"),
        ({"claim": {"nominl": 1.0}}, "Did you mean 'nominal'"),
        ({"claim": {"nominal": "high"}}, "a finite score for each setting"),
        ({"claim": {"nominal": math.nan}}, "a finite score for each setting"),
        ({"claim": {"nominal": math.inf}}, "a finite score for each setting"),
        ({"claim": {"nominal": 10**400}}, "a finite score for each setting"),
        ({"id": "gem/SynRM-v0"}, "gem/SynRM-v0"),
        ({"comand": "x"}, "Did you mean 'command'"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(copied, changes, reason, tmp_path):
    folder = entry(tmp_path / "mine", **({"claim": {"nominal": 1.0}} | changes))
    with pytest.raises((ValueError, FileNotFoundError), match=reason):
        submit(folder, copied, progress=False)
    assert not (copied / "submissions").exists()


@pytest.mark.parametrize("found", [math.nan, math.inf])
def test_what_is_no_number_never_comes_out_as_claimed(found):
    (problem,) = Check({"nominal": 1.0}, {"nominal": found}).problems
    assert problem.startswith("under nominal 1 is claimed")
    assert Check({"nominal": math.nan}, {"nominal": 1.0}).problems


CONTROLLER = """
import gym_suite


def build(env):
    return gym_suite.make_controller(env, "lqr")
"""


def test_a_controller_is_an_entry_and_runs_only_with_leave(made, copied, tmp_path, capsys):
    claim = scores(made[1][0], "lqr")
    folder = entry(tmp_path / "mine", claim, policies=[], controller="mine.py:build")
    (folder / "mine.py").write_text("raise SystemExit('this ran')\n" + CONTROLLER)
    assert main(["submit", str(folder), "--out", str(copied)]) == 2
    assert "runs code of whoever wrote it" in capsys.readouterr().err
    (folder / "mine.py").write_text(CONTROLLER)
    assert main(["submit", str(folder), "--run-code", "--out", str(copied)]) == 0
    data = json.loads((copied / "leaderboard.json").read_text())
    assert scores(data["rows"][0], "outsider") == claim
    shutil.rmtree(folder)
    (row,) = leaderboard(copied, ids=[ID], **SMALL)
    assert scores(row, "outsider") == claim


BESIDE = f"""{CONTROLLER}

class Late:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        open(BESIDE)


def late(env):
    return Late()


from pathlib import Path

BESIDE = Path(__file__).with_name("gain.txt")
"""


def test_an_entry_needs_nothing_but_the_files_that_it_names(copied, tmp_path):
    """What lies beside it does not go along, so a score that came of it could not be found again."""
    folder = entry(tmp_path / "mine", {"nominal": 1.0}, policies=[], controller="mine.py:build")
    (folder / "gain.txt").write_text("1.0")
    told = "cannot be built of what submission.json names, mine.py alone: .*gain.txt"
    for code in (
        BESIDE + "BESIDE.read_text()\n",
        BESIDE.replace("return gym_suite", "BESIDE.read_text()\n    return gym_suite"),
        BESIDE + "import sys\nif not BESIDE.is_file():\n    sys.exit(f'no {BESIDE}')\n",
    ):
        (folder / "mine.py").write_text(code)
        with pytest.raises(ValueError, match=told):
            submit(folder, copied, run_code=True, progress=False)
    (folder / "mine.py").write_text(BESIDE)
    about = json.loads((folder / "submission.json").read_text())
    (folder / "submission.json").write_text(json.dumps(about | {"controller": "mine.py:late"}))
    problems = submit(folder, copied, run_code=True, progress=False).problems
    assert (
        "under nominal no score came out, for runs of it failed: FileNotFoundError" in problems[0]
    )
    assert not (copied / "submissions").exists()
    assert {path.name for path in folder.iterdir()} == {
        *("policy-0.npz", "policy-1.npz", "mine.py", "gain.txt", "submission.json")
    }


def test_gains_are_an_entry(made, copied, tmp_path):
    claim = scores(made[1][0], "pi-tuned")
    folder = entry(tmp_path / "mine", claim, policies=[], controller="gains.json")
    shutil.copyfile(shipped_gains(ID, "pi-tuned", "nominal"), folder / "gains.json")
    versions = {"gym_suite": "0.1.0"}
    told = json.loads((folder / "submission.json").read_text()) | {"versions": versions}
    (folder / "submission.json").write_text(
        json.dumps(told | {"claim": claim | {"noise": claim["noise"] + 1.0}})
    )
    problems = submit(folder, copied, progress=False).problems
    assert len(problems) == 2 and problems[1].startswith("it was made with gym_suite 0.1.0, this")
    (folder / "submission.json").write_text(json.dumps(told))
    assert not submit(folder, copied, progress=False).problems
    kept = json.loads((copied / "submissions" / "outsider" / "submission.json").read_text())
    assert (kept["controller"], kept["versions"]) == ("gains.json", versions)
    (folder / "gains.json").write_text((folder / "gains.json").read_text() + "\n")
    with pytest.raises(
        ValueError, match=f"an entry 'outsider' of {ID} on this leaderboard already"
    ):
        submit(folder, copied, progress=False)


def test_a_name_is_taken_for_all_ids(copied, tmp_path):
    """Entries lie in folders of their names: the same file for another id would stand in the first one's place."""
    accepted = copied / "submissions" / "outsider"
    accepted.mkdir(parents=True)
    controller = {"name": "outsider", "controller": "mine.py:build"}
    (accepted / "mine.py").write_text(CONTROLLER)
    (accepted / "submission.json").write_text(json.dumps({"id": OTHER, **controller}))
    before = {p: p.read_bytes() for p in accepted.iterdir()}
    folder = entry(tmp_path / "mine", {"nominal": 1.0}, policies=[], **controller)
    (folder / "mine.py").write_text(CONTROLLER)
    with pytest.raises(ValueError, match=f"an entry 'outsider' of {OTHER} on this leaderboard"):
        submit(folder, copied, run_code=True, progress=False)
    assert {p: p.read_bytes() for p in accepted.iterdir()} == before


def test_what_a_killed_process_has_begun_is_no_entry(copied, truth, tmp_path):
    begun = copied / "submissions" / "outsider"
    begun.mkdir(parents=True)
    (begun / "another.npz").write_bytes(b"half")
    assert not submit(entry(tmp_path / "mine", truth), copied, progress=False).problems
    names = {"policy-0.npz", "policy-1.npz", "submission.json"}
    assert {path.name for path in begun.iterdir()} == names


def test_an_entry_needs_a_leaderboard_and_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no submission\.json"):
        submit(tmp_path, tmp_path)
    folder = entry(tmp_path / "mine", {"nominal": 1.0})
    with pytest.raises(ValueError, match="holds no leaderboard"):
        submit(folder, tmp_path / "none")
