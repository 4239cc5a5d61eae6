"""Scores that cannot hide: failures, failed runs, weak references, several measures."""

import numpy as np
import pytest
from lag_env import GOAL, ID, Proportional

from gym_suite.comparison import Comparison, compare
from gym_suite.comparison.results import Results
from gym_suite.comparison.samples import Sample
from gym_suite.comparison.scales import doubt
from gym_suite.comparison.sentences import findings, limits, winners
from gym_suite.comparison.statistics import contrast
from gym_suite.comparison.verdicts import over_settings


def judged(id=ID, **options):
    return compare(id, **{"settings": "nominal", "progress": False} | options)


def rows(comparison):
    return {row.name: row for row in comparison.summary()}


class Raises(Proportional):
    """As good as the reference where it does not raise."""

    def __init__(self, above):
        super().__init__()
        self.above = above

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        if np.any(observation[..., 1] > self.above):
            raise RuntimeError("too high for me")
        return super().predict(observation, state, episode_start, deterministic)


class Bold(Proportional):
    """Aims at another target."""

    def __init__(self, k=9.0, extra=1.0):
        super().__init__(k)
        self.extra = extra

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        o = np.asarray(observation, dtype=float)
        target = self.extra * o[..., 1]
        u = target / 1.25 + self.k * (target - o[..., 0])
        return np.clip(u, -1, 1)[..., None].astype(np.float32), state


def test_runs_that_raise_count_as_doing_nothing_and_lower_the_score():
    found = rows(judged(agents={"whole": Raises(2.0), "half": Raises(0.5), "never": Raises(-9.0)}))
    assert found["whole"].score.estimate == pytest.approx(1.0)
    assert 0.0 < found["half"].failed < 20
    assert found["half"].score.estimate < 0.9
    assert found["half"].failures.estimate == found["half"].failed / 20
    never = found["never"]
    assert (never.failed, never.failures.estimate) == (20, 1.0)
    # Not only as good as do-nothing on the whole, but on every seed, in every resample.
    assert (never.score.estimate, never.score.low, never.score.high) == (0.0, 0.0, 0.0)
    assert never.difference == found["zero"].difference


def test_a_failed_run_scores_what_doing_nothing_does():
    comparison = judged(agents={"half": Raises(0.5)})
    (experiment,) = comparison.experiments
    seeds, own = comparison.matrix(experiment, "half", "return")
    worth = comparison.sample(experiment, "half").values[0]
    idle = comparison.matrix(experiment, "zero", "return")[1][0]
    assert np.ptp(idle) > 10.0  # seeds differ
    for i, seed in enumerate(experiment.seeds):
        assert worth[i] == (own[0, seeds.index(seed)] if seed in seeds else idle[i])


def test_a_failed_run_is_worth_a_return_that_anchors_the_score_where_that_is_a_number():
    comparison = judged(agents={"half": Raises(0.5), "never": Raises(-9.0)}, anchors=[-70.0, "p"])
    (experiment,) = comparison.experiments
    worth = comparison.sample(experiment, "half").values[0]
    seeds, _ = comparison.matrix(experiment, "half", "return")
    lost = [i for i, seed in enumerate(experiment.seeds) if seed not in seeds]
    assert lost and set(worth[lost]) == {-70.0}
    assert rows(comparison)["never"].score.estimate == 0.0


def altered(comparison, change):
    """The same comparison with other numbers in its records."""
    results = Results(None)
    results.add([{**r, "metrics": {**r["metrics"], **change(r)}} for r in comparison.records], {})
    return Comparison(comparison.experiments, results)


def test_crashes_are_not_trimmed_away_and_no_victory():
    """An agent that earns more on every seed but the two on which it crashes."""
    real = judged(agents={"reckless": Proportional(4.0)})

    def crash(record):
        if record["agent"]["name"] != "reckless":
            return {}
        if record["seed"] in (3, 4):
            return {"failed": 1.0, "terminated": 1.0, "return": record["metrics"]["return"] - 8.0}
        return {"return": record["metrics"]["return"] + 5.0}

    comparison = altered(real, crash)
    (experiment,) = comparison.experiments
    row = rows(comparison)["reckless"]
    sample = comparison.sample(experiment, "reckless")
    assert sample.location < np.sort(sample.values.ravel())[5:-5].mean()  # what trimming would say
    assert row.verdict.claim == "fails more"
    assert (
        "reckless earns more, but fails more often, than the reference controller p"
        in findings(comparison, ID)[0]
    )
    assert "At worst fail: reckless in 10 % of the episodes (nominal); p never." in findings(
        comparison, ID
    )


def test_where_there_is_a_goal_the_time_to_it_is_judged_and_a_missed_one_takes_all():
    slow = Proportional(0.2)
    stuck = Bold(k=0.0, extra=0.5)
    comparison = judged(GOAL, agents={"slow": slow, "stuck": stuck})
    (experiment,) = comparison.experiments
    found = rows(comparison)
    assert experiment.world.success == "arrived"
    times = found["p"].metrics["TimeToGoal"].estimate
    assert times < found["slow"].metrics["TimeToGoal"].estimate < 0.2
    assert found["stuck"].metrics["success"].estimate == 0.5
    limit = experiment.world.limit * experiment.world.dt
    missed = comparison.sample(experiment, "stuck")
    assert (missed.values[missed.full] == -limit).all()
    scores = [found[name].score.estimate for name in ("p", "slow", "stuck", "zero")]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] < 1.0  # both arrive everywhere, and yet they are told apart
    assert found["slow"].measures["success"] == pytest.approx(1.0)


def test_a_computed_optimum_is_what_one_means():
    comparison = judged(keywords={"best": -1.0})
    (experiment,) = comparison.experiments
    scale = comparison.scale(experiment)
    assert (scale.high, scale.top) == (-1.0, "the optimum, -1.000".replace("-", "−"))
    zero = comparison.matrix(experiment, "zero", "return")[1].mean()
    p = comparison.matrix(experiment, "p", "return")[1].mean()
    assert rows(comparison)["p"].score.estimate == pytest.approx((p - zero) / (-1.0 - zero))


def test_a_reference_that_hardly_beats_doing_nothing_is_flagged_and_left_out_of_totals():
    settings = {"nominal": {}, "weak": {"gain": 0.5}}
    real = compare(ID, agents=["zero", Proportional(1.0)], settings=settings, progress=False)
    _, weak = real.experiments
    seeds, idle = real.matrix(weak, "zero", "return")
    lead = np.random.default_rng(0).normal(1.0, 4.0, idle.size)

    def weaken(record):
        if record["setting"]["name"] == "nominal" or record["agent"]["name"] == "zero":
            return {}
        place = seeds.index(record["seed"])
        return {"return": idle[0, place] + lead[place]}

    comparison = altered(real, weaken)
    strong, weak = comparison.experiments
    assert comparison.scale(strong).problem == "" and comparison.trusted(ID) == ["nominal"]
    assert "not to be trusted" in comparison.scale(weak).problem
    assert any("weak: The score is not to be trusted" in told for told in limits(comparison, ID))
    alone = judged(agents=["zero", Proportional(1.0)])
    assert comparison.overall() == alone.overall()
    assert all(s.worst.setting == "nominal" for s in comparison.standings(ID))


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_episodes_are_no_weak_reference(seeds, tmp_path):
    """The proportional law leads by far on every seed: twenty show it, one or two cannot tell how far."""
    settings = {"nominal": {}, "weaker": {"gain": 0.9}}
    agents = {"own": Proportional(1.0)}
    whole = judged(agents=agents, settings=settings)
    assert not any(limits(whole, ID)) and whole.trusted(ID) == ["nominal", "weaker"]
    few = judged(agents=agents, settings=settings, seeds=seeds)
    assert few.trusted(ID) == [] and few.overall() == []
    (told,) = limits(few, ID)
    words = "1 episode is" if seeds == 1 else "2 episodes are"
    assert told.startswith(f"nominal, weaker: {words} too few to know") and "hardly" not in told
    for standing in few.standings(ID):
        shown = {row.setting: row.score.estimate for row in standing.rows}
        assert standing.worst.score.estimate == min(shown.values())
    page = " ".join(few.report(tmp_path).read_text("utf-8").split())
    assert f"{words} too few to know" in page and "hardly better" not in page
    assert page.count('class="n unsure"') >= 3 * 3 and "1 episodes" not in page
    table = str(few)
    assert "(0.00) nominal" in table or "(0.00) weaker" in table
    assert " ".join(table.split()).count(f"{words} too few") == 1


def test_few_trainings_of_an_anchor_are_told_as_such():
    rng = np.random.default_rng(3)
    zero, trained = (
        Sample.of(np.zeros(20)),
        Sample.of(np.array([[1.0], [2.0]]) + rng.normal(0.0, 0.2, (2, 20))),
    )
    gap, _ = contrast((trained, zero), lambda one, other: one - other)
    told, few = doubt(gap, (zero, trained), "nothing", "mine")
    assert few and told.startswith(
        "2 trainings are too few to know how much better mine is than nothing"
    )


def test_anchors_that_are_numbers_are_known_exactly():
    comparison = judged(anchors=[-100.0, 0.0], agents=["p"], seeds=1)
    scale = comparison.scale(comparison.experiments[0])
    assert (scale.gap.low, scale.gap.high, scale.problem) == (100.0, 100.0, "")


def test_no_score_where_the_reference_is_no_better():
    comparison = judged(anchors=["p", "zero"])
    (experiment,) = comparison.experiments
    assert "There is no score" in comparison.scale(experiment).problem
    assert all(row.score is None for row in comparison.summary())


def test_the_choice_of_measure_that_picks_the_winner_is_told():
    comparison = judged(agents={"bold": Bold(k=9.0, extra=1.02), "soft": Proportional(4.0)})
    best = winners(comparison, ID)
    assert set(best) >= {"return", "ISE", "RMSE"}
    told = [s for s in findings(comparison, ID) if s.startswith("The choice of the measure")]
    assert bool(told) == (not set.intersection(*map(set, best.values())))


@pytest.mark.parametrize(
    ("steady", "quick", "told"),
    [
        # Both reach every goal and one is quicker: it is best by every measure, and shares one of them.
        ((1.0, 0.2), (1.0, 0.1), ""),
        ((1.0, 0.1), (1.0, 0.1), ""),
        # One reaches more goals and the other is quicker on the whole: the measure decides.
        (
            (1.0, 0.15),
            (0.95, 0.1),
            "by time to the goal it is quick; by goals reached it is steady",
        ),
    ],
)
def test_the_choice_of_measure_is_told_only_where_nobody_is_best_by_all(steady, quick, told):
    real = judged(GOAL, agents={"steady": Proportional(1.0), "quick": Proportional(3.0)})
    wanted = {"steady": steady, "quick": quick}

    def change(record):
        """Goals and times alone; the reference reaches half of them, late, and do-nothing none."""
        name, seed = record["agent"]["name"], record["seed"]
        share, time = (wanted | {"p": (0.5, 0.18), "zero": (0.0, 0.2)})[name]
        there = seed < 20 * share
        ends = {"success": float(there), "failed": float(not there), "TimeToGoal": time}
        untold = dict.fromkeys(("IAE", "ISE", "ITAE", "RMSE"), np.nan)
        return ends | untold | ({} if there else {"TimeToGoal": 0.2})

    comparison = altered(real, change)
    said = [s for s in findings(comparison, GOAL) if s.startswith("The choice of the measure")]
    assert said == ([f"The choice of the measure picks the winner here: {told}."] if told else [])


def test_verdicts_of_one_kind_share_a_sentence():
    agents = {f"copy {i}": Proportional(2.0) for i in range(3)}
    told = findings(judged(agents=agents, seeds=5), ID)
    assert told[0] == (
        "5 episodes cannot tell copy 0, copy 1 and copy 2 from the reference controller p in nominal."
    )


def test_beating_has_to_hold_over_the_settings():
    """Best without delay, unstable with it."""
    settings = {"nominal": {}, "late": {"delay": 2}}
    comparison = compare(ID, agents={"fast": Proportional(9.0)}, settings=settings, progress=False)
    (standing,) = [s for s in comparison.standings(ID) if s.name == "fast"]
    assert [row.verdict.claim for row in standing.rows] == ["beats", "loses"]
    assert standing.worst.setting == "late"
    assert standing.verdict == "depends on the setting"
    told = findings(comparison, ID)[0]
    assert told.startswith(
        "fast beats the reference controller p in nominal and loses to it in late"
    )
    assert "The score falls: fast from" in told


@pytest.mark.parametrize(
    ("claims", "fails_more", "verdict"),
    [
        (["beats"], False, "beats"),
        (["beats", "cannot tell"], False, "beats"),
        (["beats", "cannot tell"], True, "fails more"),
        (["beats", "fails more"], True, "fails more"),
        (["beats", "loses"], False, "depends on the setting"),
        (["fails more", "loses", "cannot tell"], True, "depends on the setting"),
        (["loses", "cannot tell"], True, "loses"),
        (["cannot tell", "cannot tell"], True, "cannot tell"),
    ],
)
def test_one_verdict_over_all_settings(claims, fails_more, verdict):
    assert over_settings(claims, fails_more=fails_more) == verdict


def test_the_verdict_over_settings_stands_in_the_headline_and_the_worst_decides_the_order(tmp_path):
    """A crash where nobody could tell the two apart takes the victory; one that the reference shares does not."""
    settings = {"nominal": {}, "late": {"delay": 2}}
    agents = {name: Proportional(2.0) for name in ("frail", "sound", "even")}
    real = compare(ID, agents=agents, settings=settings, progress=False)

    def change(record):
        name, late = record["agent"]["name"], record["setting"]["name"] == "late"
        crashed = late and record["seed"] == 3 and name in ("frail", "p")
        crashed |= late and record["seed"] == 5 and name == "frail"
        more = 5.0 if name in ("frail", "sound") and not late else 0.0
        found = {"return": record["metrics"]["return"] + more}
        return found | ({"failed": 1.0, "terminated": 1.0} if crashed else {})

    comparison = altered(real, change)
    verdicts = {s.name: s.verdict for s in comparison.standings(ID)}
    assert verdicts == {
        "p": None,
        "zero": None,
        "frail": "fails more",
        "sound": "beats",
        "even": "cannot tell",
    }
    marks = {
        (row.setting, row.name): row.verdict.claim for row in comparison.summary() if row.verdict
    }
    assert marks["nominal", "frail"] == "beats" and marks["late", "frail"] == "cannot tell"
    page = " ".join(comparison.report(tmp_path).read_text("utf-8").split())
    table = page[page.index('<table class="scores">') : page.index("</table>")]
    assert '<span class="good">beats</span>' in table
    assert '<span class="bad">fails more</span>' in table
    order = [
        s.worst.score.estimate for s in sorted(comparison.standings(ID), key=lambda s: s.place)
    ]
    assert order == sorted(order, reverse=True)
    names = [words.partition("<")[0] for words in table.split('<span class="name">')[1:]]
    worst = {s.name: s.worst.score.estimate for s in comparison.standings(ID)}
    assert [worst[name] for name in names] == order
    told = str(comparison)
    assert "over all" in told and "fails more" in told and "worst" in told


def test_an_agent_that_is_better_somewhere_and_worst_elsewhere_does_not_stand_first(tmp_path):
    settings = {"nominal": {}, "late": {"delay": 2}}
    comparison = compare(ID, agents={"fast": Proportional(9.0)}, settings=settings, progress=False)
    scores = {s.name: s.first.score.estimate for s in comparison.standings(ID)}
    assert scores["fast"] > scores["p"]
    page = comparison.report(tmp_path).read_text("utf-8")
    table = page[page.index('<table class="scores">') :]
    assert table.index(">p</span>") < table.index(">fast</span>")
    lines = str(comparison).splitlines()
    first, second = (
        next(i for i, line in enumerate(lines) if line.startswith(n)) for n in ("p ", "fast ")
    )
    assert first < second and "depends" in lines[second]


def test_every_comparison_of_a_page_is_corrected():
    agents = {f"copy {i}": Proportional(2.0 + 0.001 * i) for i in range(12)}
    comparison = judged(agents=agents)
    assert len(comparison.verdicts) == 12
    raw = sorted(v.p for v in comparison.verdicts.values())
    corrected = sorted(v.corrected for v in comparison.verdicts.values())
    assert corrected[0] == pytest.approx(min(1.0, 12 * raw[0]))
