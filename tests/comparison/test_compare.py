"""compare(): same seeds for all, nothing lost, failures visible, one page."""

import csv
import html.parser
import json
import math
import re
import sys
import types

import gymnasium
import numpy as np
import pytest
from lag_env import HOLD, HORIZON, ID, Proportional

from gym_suite.comparison import compare
from gym_suite.comparison.results import decode
from gym_suite.registration import catalogue, id_class_of


class Integrator:
    """Written for one observation at a time, with its memory in the object."""

    def __init__(self):
        self.sum = 0.0

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if episode_start:
            self.sum = 0.0
        error = float(observation[1]) - float(observation[0])
        self.sum += 0.05 * error
        return [float(np.clip(0.8 * error + 2.5 * self.sum, -1, 1))], state


class FailsOnSomeSeeds(Proportional):
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if np.any(observation[..., 1] > 0.7):
            raise RuntimeError("reference too high for me")
        return super().predict(observation, state, episode_start, deterministic)


def play(agent, seed, **keywords):
    """Reference implementation: one single environment, one episode."""
    env = gymnasium.make(ID, **keywords)
    observation, _ = env.reset(seed=seed)
    state, start, total, steps, ended = None, True, 0.0, 0, False
    while True:
        action, state = agent.predict(observation, state, start, True)
        observation, reward, ended, cut, _ = env.step(action)
        start, total, steps = False, total + reward, steps + 1
        if ended or cut:
            return total, steps, ended


def judged(**options):
    """A comparison of the lag in the nominal setting."""
    return compare(ID, **{"settings": "nominal", "progress": False} | options)


@pytest.mark.parametrize("seeds", [[3, 5, 8], range(0, 8, 3), range(7, 3, -1)], ids=str)
@pytest.mark.parametrize("agent", [Proportional(2.0), Integrator()])
def test_results_are_those_of_single_episodes(agent, seeds):
    comparison = judged(agents={"mine": agent}, seeds=seeds)
    records = [r for r in comparison.records if r["agent"]["name"] == "mine"]
    assert [record["seed"] for record in records] == list(seeds)
    for record in records:
        total, steps, ended = play(agent, record["seed"])
        assert record["metrics"]["return"] == pytest.approx(total, abs=1e-9)
        assert (record["metrics"]["length"], record["metrics"]["terminated"]) == (steps, ended)


def test_setting_keywords_and_horizon_reach_the_environment():
    comparison = compare(ID, seeds=2, settings={"slow": {"delay": 3}}, horizon=120, progress=False)
    record = comparison.records[0]
    total, steps, _ = play(Proportional(2.0), 0, delay=3, max_episode_steps=120)
    assert steps == 120 == record["metrics"]["length"]
    assert record["metrics"]["return"] == pytest.approx(total, abs=1e-9)
    assert record["setting"] == {"name": "slow", "keywords": {"delay": 3}}


def test_score_is_anchored_at_do_nothing_and_the_reference():
    summary = {row.name: row for row in judged(seeds=20).summary()}
    assert summary["zero"].score.estimate == pytest.approx(0.0)
    assert summary["p"].score.estimate == pytest.approx(1.0)
    assert summary["zero"].improvement.estimate == 0.0
    assert summary["p"].improvement is None
    assert summary["p"].metrics["RMSE"].estimate < summary["zero"].metrics["RMSE"].estimate


def test_metrics_tell_what_the_closed_form_says():
    """Behind a plain feedforward the lag answers with its time constant of ten periods."""
    summary = {row.name: row for row in judged(agents={"ff": Proportional(0.0)}).summary()}
    metrics = summary["ff"].metrics
    pole = math.log(1 / 0.9)  # per period
    assert metrics["RiseTime"].estimate == pytest.approx(math.log(9) / pole * 1e-3, abs=1e-3)
    assert metrics["SettlingTime"].estimate == pytest.approx(math.log(50) / pole * 1e-3, abs=1.5e-3)
    assert metrics["Overshoot"].estimate == pytest.approx(0.0, abs=1e-3)
    assert metrics["violations"].estimate == 0.0
    assert HORIZON % HOLD == 0


def test_failed_runs_are_tried_again_and_done_ones_are_not(tmp_path):
    """What made an agent fail may have been put right since: a missing file, a full disk."""
    (tmp_path / "agent.py").write_text(
        "import pathlib\n"
        "import numpy as np\n"
        "class Agent:\n"
        "    information = 'observation'\n"
        "    def predict(self, observation, state=None, episode_start=None, deterministic=True):\n"
        f"        here = pathlib.Path({str(tmp_path)!r})\n"
        "        (here / 'calls').open('a').write('x')\n"
        "        if not (here / 'mended').exists():\n"
        "            raise RuntimeError('not yet')\n"
        "        return np.zeros((*np.shape(observation)[:-1], 1), dtype=np.float32), state\n"
        "def make(env):\n"
        "    return Agent()\n"
    )
    run = {"agents": {"own": f"{tmp_path / 'agent.py'}:make"}, "seeds": 2, "out": tmp_path / "out"}
    found = []
    for k in range(3):
        if k == 1:
            (tmp_path / "mended").touch()
        before = (tmp_path / "calls").stat().st_size if k else 0
        comparison = judged(**run)
        (row,) = [row for row in comparison.summary() if row.name == "own"]
        found.append((row.failed, (tmp_path / "calls").stat().st_size > before))
    assert found == [(2, True), (0, True), (0, False)]


def test_a_failed_agent_stays_visible_with_its_error(tmp_path):
    comparison = judged(agents={"shy": FailsOnSomeSeeds()}, seeds=20, out=tmp_path)
    row = next(row for row in comparison.summary() if row.name == "shy")
    assert 0 < row.failed < 20 and row.episodes == 20
    (error,) = row.errors
    assert re.fullmatch(
        r"RuntimeError: reference too high for me \(test_compare.py, line \d+\)", error
    )
    failed = [r for r in comparison.records if r["status"] == "failed"]
    assert len(failed) == row.failed and failed[0]["metrics"] == {}
    page = comparison.report(tmp_path).read_text()
    assert f"shy: {row.failed} runs failed" in page and "reference too high for me" in page
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert sum(json.loads(line)["status"] == "failed" for line in lines) == row.failed
    rendered = capture(comparison)
    assert "reference too high for me" in rendered


def capture(comparison):
    from rich.console import Console

    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(comparison.table())
    return console.export_text()


def test_an_action_that_is_not_finite_fails_the_run_not_the_comparison():
    class Poisoned(Proportional):
        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            action, state = super().predict(observation)
            return action * np.nan, state

    comparison = judged(agents={"nan": Poisoned()}, seeds=2)
    errors = [r["error"] for r in comparison.records if r["agent"]["name"] == "nan"]
    assert len(errors) == 2
    assert all(error.startswith("ValueError: action must be finite") for error in errors)


class Counting(Proportional):
    calls = 0

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        type(self).calls += 1
        return super().predict(observation, state, episode_start, deterministic)


def test_a_killed_comparison_resumes_and_loses_nothing(tmp_path):
    options = {"agents": {"counting": Counting()}, "seeds": 6, "out": tmp_path}
    whole = judged(**options)
    file = tmp_path / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 18
    # A kill in the middle of a write: a torn last line after ten whole ones.
    file.write_text("".join(lines[:10]) + lines[10][:37])
    resumed = judged(**options)
    after = file.read_text().splitlines(keepends=True)
    assert after[:10] == lines[:10]
    assert len(after) == 18 and all(decode(line)["status"] == "done" for line in after)
    assert [r["metrics"] for r in resumed.records] == [r["metrics"] for r in whole.records]
    calls = Counting.calls
    again = judged(**options)
    assert Counting.calls == calls  # nothing was left to run
    assert file.read_text().splitlines(keepends=True) == after
    assert len(again.records) == 18


def test_more_seeds_and_agents_add_to_what_is_there(tmp_path):
    judged(agents=["random"], seeds=3, out=tmp_path)
    first = (tmp_path / "results.jsonl").read_text()
    comparison = judged(agents=["random", Proportional(1.0)], seeds=5, out=tmp_path)
    assert (tmp_path / "results.jsonl").read_text().startswith(first)
    assert len(comparison.records) == 20
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 20


def test_an_unwritable_folder_is_reported_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("in the way")
    before = Counting.calls
    with pytest.raises(OSError, match=r"out is to be a folder, and .*file is a file"):
        compare(ID, agents={"c": Counting()}, out=tmp_path / "file" / "out", progress=False)
    assert Counting.calls == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agents": ["zerro"]}, r"Did you mean 'zero'"),
        ({"settings": ("nominall",)}, r"nominal"),
        ({"settings": {"bad": {"gain": -1.0}}}, r"gain must be positive"),
        ({"seeds": 0}, r"seeds must be"),
        ({"seeds": [1, 1]}, r"seeds must be"),
        ({"seeds": [0.5, 1.5]}, r"seeds must be"),
        ({"seeds": True}, r"seeds must be"),
        ({"seeds": 1.5}, r"seeds must be"),
        ({"seeds": range(-4, 0)}, r"seeds must be"),
        ({"seeds": np.zeros((4, 2), int)}, r"seeds must be"),
        ({"seeds": np.array(3)}, r"seeds must be"),
        ({"horizon": 0}, r"horizon must be"),
        ({"executor": "rai"}, r"ray"),
        ({"workers": 0}, r"workers must be"),
        ({"anchors": ["zero"]}, r"anchors are two"),
        ({"anchors": ["zero", "zero"]}, r"the same"),
    ],
)
def test_bad_arguments_are_refused_before_anything_runs(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        compare(ID, out=tmp_path / "out", progress=False, **options)
    assert not (tmp_path / "out" / "results.jsonl").exists()


def test_unknown_id_names_the_nearest():
    with pytest.raises(ValueError, match=r"lag/Lag-v0"):
        compare("lag/Lagg-v0", progress=False)


def test_ray_missing_names_what_to_install():
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(ImportError, match=r"pip install ray"):
            compare(ID, executor="ray", progress=False)


def test_a_folder_called_ray_is_no_cluster(monkeypatch):
    """Python makes a module without a file of it; that is told before anything runs."""
    folder = types.ModuleType("ray")
    folder.__path__ = ["/home/somebody/ray"]
    monkeypatch.setitem(sys.modules, "ray", folder)
    with pytest.raises(ImportError, match=r"pip install ray; the folder .* is not the package"):
        compare(ID, executor="ray", progress=False)


def test_an_agent_that_cannot_be_sent_to_another_process_is_refused():
    agent = Proportional()
    agent.hook = lambda: None
    with pytest.raises(ValueError, match=r"workers=1"):
        compare(ID, agents={"mine": agent}, workers=2, progress=False)


def test_progress_without_a_terminal_is_plain_lines(capfd):
    judged(seeds=2, progress=True)
    lines = capfd.readouterr().err.splitlines()
    assert lines == [
        "[2/6 episodes] lag/Lag-v0: p",
        "[4/6 episodes] lag/Lag-v0: zero",
        "[6/6 episodes] lag/Lag-v0: random",
    ]


class Page(html.parser.HTMLParser):
    """Collects what a browser would fetch, anchors, and unbalanced tags."""

    VOID = ("meta", "br", "link", "img", "hr", "input")

    def __init__(self):
        super().__init__()
        self.fetched, self.ids, self.targets, self.open, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag in ("script", "link", "img", "iframe"):
            self.fetched.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if (attributes.get("href") or "").startswith("#"):
            self.targets.append(attributes["href"][1:])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_report_is_one_self_contained_page(tmp_path):
    comparison = compare(
        ID,
        agents=["random", Proportional(0.5)],
        settings={"nominal": {}, "slow": {"delay": 2}},
        seeds=5,
        progress=False,
    )
    path = comparison.report(tmp_path / "report")
    text = path.read_text()
    page = Page()
    page.feed(text)
    assert page.open == [] and page.fetched == []
    assert not re.search(r"url\((?!#)|@import|https?://", text)
    assert set(page.targets) <= set(page.ids) and len(set(page.ids)) == len(page.ids)
    assert page.tags.count("svg") >= 6 and len(text) < 3_000_000
    for promised in ("interquartile", "python-control", "kernel digest", "this test", "Settling"):
        assert promised in text
    with (tmp_path / "report" / "results.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(comparison.records) == 40
    assert float(rows[0]["return"]) == comparison.records[0]["metrics"]["return"]
    lines = (tmp_path / "report" / "results.jsonl").read_text().splitlines()
    assert [decode(line)["run"] for line in lines] == [r["run"] for r in comparison.records]
    record = json.loads(lines[0])
    assert {"gym_suite", "source_digest", "numpy", "numba", "gymnasium", "python"} <= set(
        record["provenance"]
    )


def test_what_users_name_is_escaped_in_the_page(tmp_path):
    comparison = judged(agents={"<script>alert(1)</script>": Proportional(0.5)}, seeds=2)
    text = comparison.report(tmp_path).read_text()
    assert "<script>" not in text and "&lt;script&gt;" in text


def test_never_and_not_applicable_survive_the_file(tmp_path):
    comparison = judged(seeds=2, out=tmp_path)
    zero = next(r for r in comparison.records if r["agent"]["name"] == "zero")
    assert zero["metrics"]["RiseTime"] == math.inf
    line = next(
        line
        for line in (tmp_path / "results.jsonl").read_text().splitlines()
        if zero["run"] in line
    )
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert decode(line)["metrics"]["RiseTime"] == math.inf


def test_regret_is_to_what_the_id_says_is_best(tmp_path):
    comparison = judged(seeds=3, horizon=50)
    (experiment,) = comparison.experiments
    assert [mark.name for mark in comparison.marks(experiment)] == [
        "no error",
        "a paper's",
        "optimum",
    ]
    for row in comparison.summary():
        _, returns = comparison.matrix(experiment, row.name, "return")
        # Neither a published result nor what is not computed is something to regret.
        assert list(row.regret) == ["no error"]
        assert row.regret["no error"].estimate == pytest.approx(-returns.mean())
    text = comparison.report(tmp_path).read_text()
    for told in ("no error in any of 50 steps", "made up for this test", "not computed"):
        assert told in text


def test_an_id_is_judged_under_its_own_settings_too(tmp_path):
    comparison = compare(ID, settings="all", seeds=2, progress=False, keywords={"gain": 0.9})
    settings = {e.setting.name: dict(e.setting.keywords) for e in comparison.experiments}
    assert settings == {
        "nominal": {"gain": 0.9},
        "delay": {"delay": 1, "gain": 0.9},
        "late": {"delay": 2, "gain": 0.9},
    }
    assert "Scores by setting" in comparison.report(tmp_path).read_text()
    # Another id has no such setting and sits that one out.
    late = compare([ID, "gem/PMSM-v0"], settings="late", seeds=1, horizon=5, progress=False)
    assert [e.id for e in late.experiments] == [ID]
    with pytest.raises(ValueError, match=r"'lat'.*'late'"):
        compare(ID, settings="lat", seeds=1, progress=False)


def test_all_agents_are_every_controller_of_the_id():
    comparison = judged(agents="all", seeds=1)
    assert [row.name for row in comparison.summary()] == ["p", "zero", "random"]


@pytest.mark.parametrize("id", [card.id for card in catalogue().values() if card.entry_point])
def test_every_id_can_be_compared(id, tmp_path):
    anywhere = dict(catalogue()[id].anywhere)
    comparison = compare(
        id, seeds=2, horizon=12, settings="nominal", keywords=anywhere, progress=False
    )
    assert not [record["error"] for record in comparison.records if record["status"] == "failed"]
    text = comparison.report(tmp_path).read_text()
    assert text.endswith("</html>\n") or "</html>" in text
    if (
        id_class_of(id).configure().tracking
    ):  # where nothing is followed twelve steps may show nothing
        assert "<svg" in text
