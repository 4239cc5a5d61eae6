"""The page of each id, its class's docstring, says what the environment is: every table is compared."""

import ast
import inspect
import re

import gymnasium
import numpy as np
import pytest

from gym_suite.drones.envs.options import TASKS, defaults
from gym_suite.registration import catalogue, load

CARDS = {card.id: card for card in catalogue().values() if card.family == "drones"}
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


def table(text, number=0):
    """Return the rows of a table as dicts by heading, cells without quoting."""
    blocks, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif current:
            blocks.append(current)
            current = []
    head, rule, *rows = blocks[number]
    assert all(set(cell) == {"-"} for cell in rule)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture(params=CARDS)
def card(request):
    return CARDS[request.param]


@pytest.fixture
def env(card):
    return gymnasium.make(card.id, engine="compiled").unwrapped


@pytest.fixture
def page(card):
    text = inspect.getdoc(load(card.entry_point))
    assert text.startswith(f"{card.id}: ")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_headings_are_gymnasiums_and_ours(page):
    assert list(page) == HEADINGS
    assert all(text.strip() for text in page.values())


@pytest.mark.parametrize("heading", ["Action Space", "Observation Space"])
def test_space_tables_are_one_drones_columns(page, env, heading):
    rows = table(page[heading])
    setup = env.setup
    columns = setup.action_columns if heading == "Action Space" else setup.observation_columns
    assert f"({len(columns)},)" in page[heading]
    assert [row["Name"] for row in rows] == list(columns.names)
    for j, (row, column) in enumerate(zip(rows, columns, strict=True)):
        assert row["Num"] == str(j)
        assert (float(row["Min"]), float(row["Max"])) == (column.low, column.high)
        assert (row["Unit"], row["Meaning"]) == (column.unit, column.meaning)
        assert float(row["SI value of 1"]) == pytest.approx(column.scale, rel=1e-5)


def test_the_joint_action_space_is_the_one_of_the_page(page, env):
    if env.setup.agents:
        assert f"({env.action_space.shape[0]},), float32" in page["Action Space"]


@pytest.mark.bullet
def test_picture_table_is_the_spaces(page, card):
    said = {row["Key"]: row["Space"] for row in table(page["Observation Space"], 1)}
    env = gymnasium.make(card.id, engine="bullet", observation=tuple(said))
    setup = env.unwrapped.setup
    env.close()
    assert [*said] == ["state", *(image.name for image in setup.images)]
    for image in setup.images:
        channels = image.shape[2]
        expected = f"Box({image.low:g}, {image.high:g}, (height, width, {channels}), {image.dtype})"
        assert said[image.name] == expected


def test_info_table_is_the_metrics(page, env):
    rows = table(page["Observation Space"], 2)
    terms = env.setup.reward_terms
    metrics = [column for column in env.setup.metric_columns if column.name not in terms]
    said = [(row["Name"], row["Meaning"], row["Unit"]) for row in rows]
    assert said == [(column.name, column.meaning, column.unit) for column in metrics]


def test_reward_table_is_the_terms_and_weights(page, env):
    *weighted, crash = table(page["Rewards"])
    assert [row["Term"] for row in (*weighted, crash)] == list(env.setup.reward_terms)
    for row in weighted:
        name = row["Term"].replace("reward_", "weight_")
        assert float(row["Weight"]) == env.nominal.parameters[name]
    assert not crash["Weight"]


def test_reward_formulas_hold(card):
    """The terms, computed from info, actions and state as the table says."""
    weights = {"position": 1.5, "rates": 0.5, "effort": 0.25, "smoothness": 0.125}
    env = gymnasium.make(card.id, engine="compiled", weights=weights).unwrapped
    count = env.setup.agent_count
    suffixes = [f"_{j}" for j in range(count)] if env.setup.agents else [""]
    scale = env.nominal.parameters["error_scale"]
    env.reset(seed=1)
    env.action_space.seed(1)
    last = np.zeros((count, 4))
    for _ in range(5):
        action = env.action_space.sample()
        _, _, _, _, info = env.step(action)
        state, rows = env.state(), action.reshape(count, 4)
        near = [max(1 - info[f"target_distance{s}"] / scale, 0) for s in suffixes]
        turning = [
            sum(state[f"angular_velocity_{a}{s}"][0] ** 2 for a in "xyz") / 100 for s in suffixes
        ]
        expected = {
            "position": 1.5 * np.mean(near),
            "rates": -0.5 * np.minimum(turning, 10).mean(),
            "effort": -0.25 * (rows**2).mean(),
            "smoothness": -0.125 * ((rows - last) ** 2).mean(),
        }
        for name, value in expected.items():
            assert info[f"reward_{name}"] == pytest.approx(value, rel=1e-6), name
        last = rows


def test_default_penalty_is_the_formula_of_the_page(page, card):
    assert "1 + 480 (rates + effort + 4 smoothness)" in " ".join(page["Rewards"].split())
    weights = {"rates": 0.5, "effort": 0.25, "smoothness": 0.125}
    env = gymnasium.make(card.id, engine="compiled", weights=weights).unwrapped
    assert env.nominal.parameters["penalty_crash"] == 1 + 480 * (0.5 + 0.25 + 4 * 0.125)
    assert card.max_episode_steps == 480 and "480 steps (8 s)" in page["Episode End"]


def test_arguments_are_the_options_and_their_defaults(page, card, env):
    said = {row["Name"]: ast.literal_eval(row["Default"]) for row in table(page["Arguments"])}
    task = load(card.entry_point).task
    assert said == {"render_mode": None} | defaults(TASKS[task])
    assert list(said) == ["render_mode", *defaults(TASKS[task])]
    explicit = gymnasium.make(card.id, **(said | {"engine": "compiled"})).unwrapped
    assert (explicit.setup.row == env.setup.row).all()
    assert explicit.setup.keywords == env.setup.keywords


def test_controllers_are_the_cards(page, card):
    rows = table(page["Reference Controllers"])
    assert [row["Name"] for row in rows] == [*card.controllers, *card.learned]


def test_parameter_table_is_the_nominal_row_with_its_sources(page, env):
    text = page["Parameters and Sources"]
    rows, columns = table(text), env.setup.parameter_columns
    for row in rows:
        column = columns[row["Name"]]
        nominal = env.nominal.parameters[row["Name"]]
        assert float(row["Value"]) == pytest.approx(nominal, rel=1e-5)
        assert (row["Unit"], row["Meaning"]) == (column.unit, column.meaning)
        number = re.escape(row["Source"])
        (source,) = re.findall(rf"^{number} (.*?)(?=^\[|\Z)", text, flags=re.MULTILINE | re.DOTALL)
        assert " ".join(source.split()) == column.source, row["Name"]
    assert [row["Name"] for row in rows] == [column.name for column in columns if column.source]
