"""The page of the leaderboard: each number worked out again from its data, and no row but of today's ids."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from gym_suite.behaviour import TABLE
from gym_suite.comparison import leaderboard
from gym_suite.comparison.board import Board
from gym_suite.core.cards import OUTSIDE
from gym_suite.learning.shelf import files_of
from gym_suite.registration import card, catalogue

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import boards  # noqa: E402

SETTINGS = ["nominal", "noise"]
NUMBER = r"[−\d.]+|–"
SCORE = re.compile(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\]([+−!]?)")
LOCK, PMSM = "radio/GilbertElliott-v0", "gem/PMSM-v0"


def holm(p):
    """Holm's correction, by its definition."""
    order = sorted(range(len(p)), key=lambda k: p[k])
    corrected, largest = [0.0] * len(p), 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[k]))
        corrected[k] = largest
    return corrected


def decimal(value):
    if value is None:
        return "–"
    value = round(value, 2 if abs(value) < 100 else None) or 0.0
    return (f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}").replace("-", "−")


def shown(data):
    """The rows that a page may show: of ids that behave as now, with the files and agents of now."""
    behaviours = json.loads(TABLE.read_text("utf-8"))
    rows = {}
    for row in data["rows"]:
        entry = catalogue().get(row["id"])
        if entry is None or row["behaviour"] != behaviours[row["id"]]:
            continue
        names = {agent["name"] for agent in row["agents"]}
        if row["files"] == files_of(row["id"]) and names >= {
            *entry.controllers,
            *entry.tuned,
            *entry.learned,
        }:
            rows[row["id"]] = row
    return rows


def lines_of(text):
    """The cells of each row, by id."""
    found = re.findall(r"^\| \[`([^`]+)`\]\(([^)]+)\) \| (.*) \| (.*) \| (.*) \|$", text, re.M)
    for id, link, *_ in found:
        assert link == f"environments/{id.replace('/', '-')}.md"
    assert len({id for id, *_ in found}) == len(found)
    return {id: cells for id, _, *cells in found}


def check(text, data):
    """Work out every number of a page again."""
    rows, lines = shown(data), lines_of(text)
    assert list(lines) and set(lines) == set(rows)
    beside = [
        (id, agent["name"], setting, cell)
        for id, row in rows.items()
        for agent in row["agents"]
        for setting, cell in agent["settings"].items()
        if cell["p"] is not None
    ]
    sure = {
        key: p < 0.05
        for (*key, _), p in zip(beside, holm([cell["p"] for *_, cell in beside]), strict=True)
        for key in [tuple(key)]
    }
    duels = [(id, s, d) for id, row in rows.items() for s, d in row["learning"].items() if d]
    others = [p for *_, duel in duels for p in duel["p_of_others"]]
    against = holm([duel["p"] for *_, duel in duels] + others)
    outcomes: dict[str, dict[str, list[str]]] = {id: {} for id in rows}
    counts = dict.fromkeys(("wins", "ties", "loses", "mixed"), 0)
    for (id, setting, duel), p in zip(duels, against, strict=False):
        agents = {agent["name"]: agent["settings"][setting] for agent in rows[id]["agents"]}
        ahead, behind = (duel["policy"], duel["law"])[:: 1 if duel["ahead"] else -1]
        outcome = "ties" if p >= 0.05 else "wins" if duel["ahead"] else "loses"
        if p < 0.05 and agents[ahead]["failures"][0] > agents[behind]["failures"][0]:
            outcome = "mixed"
        outcomes[id].setdefault(outcome, []).append(setting)
        counts[outcome] += 1
    episodes = sum(
        row["episodes"] * len(agent["settings"]) * max(1, agent["trainings"])
        for row in rows.values()
        for agent in row["agents"]
    )
    environments = f"{len(rows)} environment{'s' if len(rows) > 1 else ''}"
    assert f"on {environments}, in {episodes:,} episodes" in text
    if duels:
        assert (
            f"wins {counts['wins']} times, ties {counts['ties']} times and loses {counts['loses']} times"
            f"; {counts['mixed']} times the pair is mixed." in text
        )
    assert f"for all {len(beside):,} comparisons" in text
    assert f"for all {len(duels) + len(others):,} pairs" in text
    for id, row in rows.items():
        law, policy, learning = lines[id]
        for cell, kind in ((law, "controller"), (policy, "learned")):
            check_best(cell, [a for a in row["agents"] if a["kind"] == kind], row, sure)
        told = dict(part.split(": ") for part in learning.split("<br>")) if learning != "–" else {}
        assert {name: names.split(", ") for name, names in told.items()} == outcomes[id]


def check_best(cell, agents, row, sure):
    """What is told of the best of a kind."""
    able = [
        a
        for a in agents
        if a["information"] != "state" and a["primary"] and a["settings"][a["primary"]]["score"]
    ]
    if not able:
        told = " ".join(dict.fromkeys(row["problems"].values())) or "no score"
        assert cell == (told if agents else "none")
        return
    best = max(able, key=lambda a: a["settings"][a["primary"]]["score"][0])
    first = row["settings"][0]
    scored = [a for a in able if a["settings"][first]["score"]]
    ahead = max(scored, key=lambda a: a["settings"][first]["score"][0])
    others = ahead["settings"][first]["score"][0] > best["settings"][first]["score"][0]
    cell, _, last = cell.partition(f"<br>ahead under {first}: ")
    assert bool(last) == others
    if last:
        score = [decimal(end) for end in ahead["settings"][first]["score"]]
        assert last.rstrip("+−!") == f"**{ahead['name']}** {score[0]} [{score[1]}, {score[2]}]"
        assert (last[-1] in "+−!") == sure.get((row["id"], ahead["name"], first), False)
    assert cell.startswith(f"**{best['name']}** ")
    told = SCORE.findall(cell)
    settings = list(dict.fromkeys((row["settings"][0], best["primary"])))
    assert len(told) == sum(bool(best["settings"][s]["score"]) for s in settings)
    for (value, low, high, mark), setting in zip(told, settings, strict=True):
        score = best["settings"][setting]["score"]
        assert [value, low, high] == [decimal(end) for end in score]
        claim = best["settings"][setting]["claim_if_sure"]
        marks = {"beats": "+", "loses": "−", "fails more": "!"}
        made = sure.get((row["id"], best["name"], setting), False)
        assert mark == (marks.get(claim, "") if made else "")
    if len(settings) > 1:
        assert f"worst {told[1][0]}" in cell and f"]{told[1][3]}, {settings[1]}<br>" in cell
    shares = {name: one["failures"] for name, one in best["settings"].items()}
    most = max(share[0] for share in shares.values())
    if most:
        ((percent, where),) = re.findall(r"fails (\d+) %, ([\w-]+)", cell)
        assert shares[where][0] == most and int(percent) == round(100 * most)
    else:
        (high,) = {share[2] for share in shares.values()}
        assert f"no failure (of {row['episodes']} at most {100 * high:.0f} %)" in cell
    trainings, steps, trials = best["trainings"], best["steps"], best["trials"]
    assert (f"{trainings} training" in cell) == bool(trainings)
    if steps:
        (told_steps,) = re.findall(r"of ([\d.]+) M steps", cell)
        assert float(told_steps) == float(f"{steps / 1e6:.3g}")
    assert (f"<br>{trials} trial" in cell) == bool(trials)
    factor = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
    ((value, unit),) = re.findall(r"<br>([\d.]+) (s|ms|µs|ns) an action$", cell)
    assert float(value) * factor[unit] == pytest.approx(best["time_per_action"], rel=6e-3)


# ------------------------------------------------------------------------------------------------------------ the page


def test_the_page_is_that_of_its_data():
    again = boards.page(boards.read())
    assert boards.PAGE.read_text("utf-8") == again, "make it anew: python docs/boards.py"


def test_every_number_of_the_page_is_that_of_its_data():
    data = boards.read()
    text = boards.PAGE.read_text("utf-8")
    if not shown(data):
        assert "has not been run yet" in text and not re.search(r"\d\.\d", text)
        return
    check(text, data)


def test_every_id_has_a_row_of_today_or_is_told_with_the_reason():
    text = boards.PAGE.read_text("utf-8")
    table, _, missing = text.partition("## Not run\n")
    missing = missing.partition("\n## ")[0]
    rows = set(lines_of(table))
    assert rows == set(shown(boards.read()))
    for id, entry in catalogue().items():
        if entry.module != OUTSIDE and entry.agents != "several":
            assert (f"`{id}`" in missing) != (id in rows), id


@pytest.mark.xfail(
    strict=True,
    reason="to be measured anew: gym-suite leaderboard --plan --protocol --page docs/guides/leaderboard-hours.inc",
)
def test_what_the_leaderboard_takes_is_told_of_the_ids_that_there_are():
    text = (ROOT / "docs" / "guides" / "leaderboard-hours.inc").read_text("utf-8")
    told = dict(re.findall(r"^\| (\w+) \| (\d+) \|", text, re.M))
    run = [entry for entry in catalogue().values() if entry.module != OUTSIDE]
    counts = Counter(e.family for e in run if e.agents != "several" and not e.extra)
    assert {name: int(count) for name, count in told.items()} == {**counts, "all": counts.total()}
    assert "| Longest piece, s |" in text


def test_the_data_are_small_and_the_page_is_linked():
    assert not boards.DATA.is_file() or boards.DATA.stat().st_size < 1_000_000
    assert "(leaderboard.md)" in (ROOT / "docs" / "index.md").read_text("utf-8")


# ------------------------------------------------------------------------------------------------- made-up leaderboards


def agent(name, kind, scores, p=None, **changes):
    """An agent with a score in each setting; p of the comparison with the reference, None for none."""
    best = min(scores, key=lambda setting: scores[setting])
    return {
        "name": name,
        "kind": kind,
        "rank": "",
        "by": None,
        "information": "observation",
        "trainings": 0,
        "steps": None,
        "trials": None,
        "time_per_action": 1.5e-5,
        "primary": best,
        "settings": {
            setting: {
                "score": [score, score - 0.125, score + 0.25],
                "failures": [0.0, 0.0, 0.07],
                "failed_runs": 0,
                "p": p,
                "claim_if_sure": None if p is None else "beats" if score > 1.0 else "loses",
            }
            for setting, score in scores.items()
        },
    } | changes


def duel(policy, law, ahead, p, *others):
    return {"policy": policy, "law": law, "ahead": ahead, "p": p, "p_of_others": list(others)}


def row(id, agents, learning):
    entry = card(id)
    others = {*entry.controllers, *entry.tuned, *entry.learned} - {one["name"] for one in agents}
    fillers = [agent(name, "baseline", dict.fromkeys(SETTINGS, -1.0)) for name in sorted(others)]
    return {
        "id": id,
        "episodes": 50,
        "seeds": [50_000, 50_049],
        "horizon": 400,
        "settings": SETTINGS,
        "idle": {},
        "problems": {},
        "learning": learning,
        "behaviour": json.loads(TABLE.read_text("utf-8"))[id],
        "files": files_of(id),
        "commit": "0123456789abcdef",
        "agents": [*agents, *fillers],
    }


@pytest.fixture
def data():
    failing = agent("pi", "controller", {"nominal": 1.0, "noise": 0.9}, trials=300)
    failing["settings"]["noise"]["failures"] = [0.14, 0.05, 0.3]
    motor = row(
        PMSM,
        [
            failing,
            agent("mpc", "controller", {"nominal": 1.25, "noise": 0.5}, p=1e-6),
            agent(
                "ppo",
                "learned",
                {"nominal": 1.06, "noise": -0.004},
                p=0.001,
                trainings=5,
                steps=3_000_000,
            ),
        ],
        {"nominal": duel("ppo", "mpc", True, 0.002, 0.3), "noise": duel("ppo", "pi", False, 0.001)},
    )
    radio = row(
        LOCK,
        [
            agent("sees-all", "controller", {"nominal": 9.0, "noise": 9.0}, information="state"),
            agent("myopic", "controller", {"nominal": 1.0, "noise": 0.75}),
        ],
        {"nominal": duel("ppo", "myopic", True, 0.04), "noise": None},
    )
    about = {"version": "0.2.0", "protocol": True, "episodes": 0, "steps": None}
    return {"about": about, "rows": [motor, radio]}


def test_a_page_says_who_is_best_how_sure_and_where_learning_stands(data):
    text = boards.page(data)
    check(text, data)
    law, policy, learning = lines_of(text)[PMSM]
    assert law == (
        "**pi** 1.00 [0.88, 1.25]<br>worst 0.90 [0.78, 1.15], noise<br>fails 14 %, noise<br>"
        "300 trials<br>15.0 µs an action<br>ahead under nominal: **mpc** 1.25 [1.12, 1.50]+"
    )
    assert "1.06 [0.94, 1.31]+<br>worst 0.00 [−0.13, 0.25]−, noise" in policy
    assert "<br>5 trainings of 3 M steps<br>" in policy
    assert learning == "wins: nominal<br>mixed: noise"  # pi is ahead there and fails more often
    assert lines_of(text)[LOCK][0].startswith(
        "**myopic** 1.00"
    )  # who sees the state ranks with nobody
    assert lines_of(text)[LOCK][2] == "ties: nominal"  # 0.04 of one pair, more of five


def test_where_the_scale_is_none_the_page_says_why(data):
    motor = data["rows"][0]
    motor["problems"] = {"nominal": "The reference is no better than do-nothing."}
    for one in motor["agents"]:
        one["primary"] = None
    text = boards.page(data)
    check(text, data)
    assert lines_of(text)[PMSM][0] == "The reference is no better than do-nothing."


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("behaviour", "The id behaves otherwise since"),
        ("files", "Its policies or searched gains are others"),
    ],
)
def test_a_row_of_other_days_is_not_shown_but_told(data, key, reason):
    data["rows"][0][key] = "0" * 16
    text = boards.page(data)
    check(text, data)
    assert PMSM not in lines_of(text)
    assert re.search(rf"^{reason}.*`{PMSM}`", text, re.M)


def test_a_row_without_an_agent_of_today_is_not_shown_but_told(data):
    agents = data["rows"][0]["agents"]
    agents[:] = [one for one in agents if one["name"] != "deadbeat"]
    assert f"Deadbeat came since: `{PMSM}`." in boards.page(data)


def test_rows_come_from_folders_and_stay_where_a_folder_has_none(data, tmp_path, monkeypatch):
    monkeypatch.setattr(boards, "DATA", tmp_path / "data.json")
    monkeypatch.setattr(boards, "PAGE", tmp_path / "page.md")
    folder = tmp_path / "board"
    rows = leaderboard(folder, ids=[LOCK], episodes=3, steps=20, progress=False)
    boards.main([str(folder)])
    found = boards.read()
    check(boards.PAGE.read_text("utf-8"), found)
    assert "A first look, not the protocols" in boards.PAGE.read_text("utf-8")
    for one, other in zip(found["rows"][0]["agents"], rows[0]["agents"], strict=True):
        assert one["name"] == other["name"]
        for setting, cell in one["settings"].items():
            assert cell["score"] == pytest.approx(other["settings"][setting]["score"], rel=1e-4)
    kept = data | {"about": found["about"]}
    merged = boards.taken_over(kept, [folder])
    assert [one["id"] for one in merged["rows"]] == [PMSM, LOCK]
    assert merged["rows"] == [data["rows"][0], found["rows"][0]]
    boards.main()  # made anew from what is recorded: nothing changes
    assert json.loads(boards.DATA.read_text("utf-8")) == found
    with pytest.raises(ValueError, match=r"was run with .*'episodes': 3.* make no page together"):
        boards.taken_over(data, [folder])
    with pytest.raises(ValueError, match="holds no leaderboard"):
        boards.taken_over(data, [tmp_path])


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{}", "id is missing"), (f'{{"id": "{LOCK}"}}', "family is missing"), ("{", "Expecting")],
)
def test_a_damaged_row_of_a_folder_is_named(content, reason, data, tmp_path):
    Board.ordered(tmp_path, protocol=True).prepare([LOCK])
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "radio-GilbertElliott-v0.json").write_text(content)
    with pytest.raises(ValueError, match=rf"radio-GilbertElliott-v0\.json is damaged \({reason}"):
        boards.taken_over(data, [tmp_path])
