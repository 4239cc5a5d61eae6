"""The page of each id, its class's docstring, says what the environment is: every table is compared."""

import ast
import inspect
import re
import runpy
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from gym_suite.agv import dynamics, sparsity
from gym_suite.agv import envs as agv
from gym_suite.agv.envs.setup import DENSE, Options
from gym_suite.agv.maps import LAYOUTS
from gym_suite.agv.parameters import VEHICLES
from gym_suite.registration import catalogue

EXAMPLE = Path(__file__).parents[2] / "examples" / "exploration.py"
exploration = runpy.run_path(str(EXAMPLE))
CARDS = {card.id: card for card in catalogue().values() if card.family == "agv"}
HEADINGS = [
    "Description",
    "Action Space",
    "Observation Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Arguments",
    "Reference Controllers",
    "Parameters and Sources",
    "Version History",
]


def tables(text):
    """Return the tables of a section, each as rows by heading, cells without quoting."""
    blocks, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif current:
            blocks.append(current)
            current = []
    return [[dict(zip(b[0], row, strict=True)) for row in b[2:]] for b in blocks]


def bullet(text, start):
    """Return the item of a list that begins so, as one line."""
    items = re.split(r"^\* ", text, flags=re.MULTILINE)
    (found,) = [item for item in items if item.startswith(start)]
    return " ".join(found.split("\n\n")[0].split())


@pytest.fixture(params=CARDS)
def card(request):
    return CARDS[request.param]


@pytest.fixture
def cls(card):
    return getattr(agv, card.id.split("/")[1].removesuffix("-v0") + "Env")


@pytest.fixture
def setup(cls):
    return cls.configure()


@pytest.fixture
def page(cls):
    parts = re.split(r"^## (.+)$", inspect.getdoc(cls), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_headings_and_first_line(page, card, cls):
    assert list(page) == HEADINGS
    assert all(text.strip() for text in page.values())
    assert inspect.getdoc(cls).startswith(f"{card.id}: ")


@pytest.mark.parametrize("heading", ["Action Space", "Observation Space"])
def test_space_tables_are_the_columns(page, setup, heading):
    rows = tables(page[heading])[0]
    columns = setup.action_columns if heading == "Action Space" else setup.observation_columns
    assert f"({len(columns)},)" in page[heading]
    place = 0
    for row in rows:
        first, _, last = row["Num"].partition("-")
        assert int(first) == place
        place = int(last or first) + 1
        names = [name.strip("`") for name in row["Name"].split(" to ")]
        assert names == [columns.names[k] for k in dict.fromkeys((int(first), place - 1))]
        for column in list(columns)[int(first) : place]:
            assert (float(row["Min"]), float(row["Max"])) == (column.low, column.high)
            assert (row["Meaning"], row["Unit"]) == (column.meaning, column.unit)
            assert float(row["SI value of 1"]) == pytest.approx(column.scale, rel=1e-5)
    assert place == len(columns)


def test_info_table_is_the_metrics(page, setup):
    rows = tables(page["Observation Space"])[1]
    metrics = [c for c in setup.metric_columns if c.name not in setup.reward_terms]
    said = [(row["Name"], row["Meaning"], row["Unit"]) for row in rows]
    assert said == [(column.name, column.meaning, column.unit) for column in metrics]


def test_reward_table_is_the_terms_and_weights(page, setup):
    rows = tables(page["Rewards"])[0]
    assert [row["Term"] for row in rows] == list(setup.reward_terms)
    said = {row["Term"].removeprefix("reward_"): row for row in rows}
    assert {name: float(row["Dense"]) for name, row in said.items() if row["Dense"]} == DENSE
    assert all(float(said[name]["Weight"]) == 0.0 for name in DENSE)


def test_reward_formulas_hold():
    """Computed from info as the tables of the scenes say."""
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


def test_arguments_are_the_options_and_their_defaults(page, cls, setup):
    rows = tables(page["Arguments"])[0]
    said = {row["Name"]: ast.literal_eval(row["Default"]) for row in rows}
    several = "agents" in cls.defaults
    names = [name for name in Options.__slots__ if several or name != "agents"]
    defaults = Options(**cls.defaults)
    assert said == {"render_mode": None} | {name: getattr(defaults, name) for name in names}
    explicit = cls.configure(**{name: said[name] for name in names})
    assert (explicit.row == setup.row).all() and explicit.keywords == setup.keywords
    text = {row["Name"]: row["Meaning"] for row in rows}
    assert re.findall(r"`(\w+)`", text["weights"]) == list(DENSE)
    assert all(f'"{name}"' in text["vehicle"] for name in VEHICLES)


def test_what_the_lists_below_the_arguments_name(page, setup):
    text = page["Arguments"]
    named = bullet(text, "`layout`").split(", a drawing")[0]
    assert re.findall(r'"([\w-]+)"', named) == list(LAYOUTS)
    plant = bullet(text, "`mismatch`").split("every one of")[1].split(";")[0]
    assert [n for n in re.findall(r"\w+", plant) if n != "and"] == list(setup.plant_parameters)
    channels = re.findall(r"`(\w+)` \(", bullet(text, "`disturbance`"))
    assert tuple(channels) == dynamics.DISTURBANCES


def test_episode_length_and_controllers_are_the_cards(page, card):
    assert f"after {card.max_episode_steps} steps" in bullet(page["Episode End"], "Truncation")
    rows = tables(page["Reference Controllers"])[0]
    assert [row["Name"] for row in rows] == [*card.controllers, *card.learned]


def test_reset_option_of_the_page_works(page, cls, setup):
    example = re.search(r"options=(\{.*?\}\})", page["Starting State"])
    options = ast.literal_eval(example[1])
    env = cls()
    env.reset(seed=0, options=options)
    for name, value in options["state"].items():
        assert env.state()[name][0] == value


def test_parameter_table_is_the_nominal_row_with_its_sources(page, setup):
    text = page["Parameters and Sources"]
    rows = tables(text)[0]
    columns = [column for column in setup.parameter_columns if column.source]
    assert [row["Name"] for row in rows] == [column.name for column in columns]
    for row, column in zip(rows, columns, strict=True):
        nominal = setup.row[setup.parameter_columns.index(column.name)]
        assert float(row["Value"]) == pytest.approx(nominal, rel=1e-5)
        assert (row["Unit"], row["Meaning"]) == (column.unit, column.meaning)
        assert bullet(text, row["Source"]).removeprefix(row["Source"]).strip() == column.source


@pytest.mark.parametrize("scene", sparsity.SCENES)
def test_sparsity_is_what_the_function_finds(scene):
    page = inspect.getdoc(getattr(agv, f"{scene}Env"))
    rows = tables(page.split("## Rewards")[1].split("## Starting State")[0])[1]
    found = sparsity.sparsity(f"agv/{scene}-v0")
    assert [row["Figure"] for row in rows] == list(sparsity.Sparsity.__slots__)
    for row in rows:
        value = getattr(found, row["Figure"])
        assert float(row["Value"]) == pytest.approx(value, rel=0.02, abs=0.02), row["Figure"]


@pytest.mark.parametrize("scene", sparsity.SCENES)
def test_what_learned_it_is_what_ships(scene):
    page = inspect.getdoc(getattr(agv, f"{scene}Env"))
    rows = tables(page.split("## Rewards")[1].split("## Starting State")[0])[2]
    assert [tuple(row.values()) for row in rows] == exploration["shipped"](scene)
    assert [row["Method"] for row in rows] == list(CARDS[f"agv/{scene}-v0"].learned)


def test_sparsity_has_bounds():
    """The way is no shorter than straight on, the reference no faster than the limits."""
    found = sparsity.sparsity("agv/SimpleStatic-v0", episodes=20, seed=7)
    assert found.straight - 0.5 <= found.way and found.time <= found.reference_time
    assert found.time >= found.way / 1.0
    with pytest.raises(ValueError, match="episodes"):
        sparsity.sparsity("agv/SimpleStatic-v0", episodes=0)
    with pytest.raises(ValueError, match="one vehicle"):
        sparsity.sparsity("gem/PMSM-v0", episodes=1)
