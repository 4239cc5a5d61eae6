"""What the pages say in words and formulas, and no table of them guarantees, holds."""

import re
import runpy
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from gym_suite.agv.envs.options import DENSE
from gym_suite.agv.maps import LAYOUTS
from gym_suite.agv.parameters import VEHICLES
from gym_suite.core.page import compose
from gym_suite.core.page_tables import Table
from gym_suite.registration import id_class_of

ID = "agv/SimpleStatic-v0"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def page():
    return compose(id_class_of(ID))


def text_of(page, heading):
    return " ".join(" ".join(p.split()) for p in page.section(heading).parts if isinstance(p, str))


def test_reward_formulas_hold():
    """Computed from info as the table of the terms says."""
    weights = {"progress": 0.3, "clearance": 0.2, "smoothness": 0.1, "time": 0.01}
    env = gymnasium.make("agv/ComplexStatic-v0", weights=weights)
    env.action_space.seed(0)
    ends = set()
    for seed in range(4):
        _, before = env.reset(seed=seed)
        last, over = np.zeros(2), False
        while not over:
            action = env.action_space.sample()
            _, reward, over, late, info = env.step(action)
            formulas = {
                "goal": float(info["arrived"] > 0),
                "collision": -info["violation"],
                "progress": 0.3 * (before["goal_distance"] - info["goal_distance"]),
                "clearance": -0.2 * max(0.0, 1.0 - info["clearance"] / 0.5),
                "smoothness": -0.1 * np.sum((action - last) ** 2),
                "time": -0.01,
            }
            for name, value in formulas.items():
                assert info[f"reward_{name}"] == pytest.approx(value, abs=1e-6), name
            assert reward == pytest.approx(sum(formulas.values()), abs=1e-6)
            ends.add(info["violation"])
            before, last, over = info, action, over or late
    assert ends == {0.0, 1.0}


def test_the_dense_weights_are_those_that_are_told():
    (said,) = [a.meaning for a in id_class_of(ID).option_set().arguments if a.name == "weights"]
    told = {name: float(number) for number, name in re.findall(r"([\d.]+) for (\w+)", said)}
    assert DENSE.items() <= told.items()
    setup = gymnasium.make(ID, reward="dense").unwrapped.setup
    weights = {term.name.removeprefix("reward_"): term.weight for term in setup.terms}
    assert {name: weights[name] for name in DENSE} == DENSE


def test_the_page_names_what_may_be_given():
    takes = {a.name: a.takes for a in id_class_of(ID).option_set().arguments}
    assert re.findall(r'"([\w-]+)"', takes["layout"]) == list(LAYOUTS)
    assert re.findall(r'"([\w-]+)"', takes["vehicle"]) == list(VEHICLES)
    assert re.findall(r"`(\w+)`", takes["weights"]) == list(DENSE)


def test_the_figures_of_the_trainings_are_those_that_ship(page):
    *_, table = (p for p in page.section("Reference Controllers").parts if isinstance(p, Table))
    told = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert told["ppo-dagger"]["Success"] == "1"
    assert told["ppo"]["First success, steps"] == "42,560 (16,064 to 312,512)"


def test_how_sparse_the_reward_is_and_that_its_measure_has_bounds():
    """The way is no shorter than straight on, the reference no faster than the limits."""
    sparsity = runpy.run_path(str(EXAMPLES / "sparsity.py"))["sparsity"]
    found = sparsity(ID, episodes=100)
    assert found["random arrives"] <= 0.03
    assert found["straight, m"] - 0.5 <= found["way, m"]
    assert found["way, m"] / 1.0 <= found["time at the limits, s"] <= found["a_star, s"]
