"""The page of each id, its class's docstring, says what the environment is: every table is compared."""

import ast
import inspect
import re

import gymnasium
import pytest

from gym_suite.motors import dynamics
from gym_suite.motors import parameters as pm
from gym_suite.motors.envs import TASKS, defaults
from gym_suite.registration import catalogue, load

CARDS = {card.id: card for card in catalogue().values() if card.family == "motors"}
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


def sections(card):
    """Return the page's text by heading."""
    page = inspect.getdoc(load(card.entry_point))
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def table(text, number=0):
    """Return the rows of a table of a section as dicts by heading, cells without quoting."""
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


def bullet(text, start):
    """Return the item of a list that begins so, as one line."""
    items = re.split(r"^\* ", text, flags=re.MULTILINE)
    (found,) = [item for item in items if item.startswith(start)]
    return " ".join(found.split())


@pytest.fixture(params=CARDS)
def card(request):
    return CARDS[request.param]


@pytest.fixture
def env(card):
    return gymnasium.make(card.id).unwrapped


@pytest.fixture
def page(card):
    return sections(card)


def test_headings_are_gymnasiums_and_ours(page):
    assert list(page) == HEADINGS
    assert all(text.strip() for text in page.values())


def test_first_line_names_the_id(card):
    first = inspect.getdoc(load(card.entry_point)).splitlines()[0]
    assert first.startswith(f"{card.id}: ")


@pytest.mark.parametrize("heading", ["Action Space", "Observation Space"])
def test_space_tables_are_the_columns_and_the_space(page, env, heading):
    rows = table(page[heading])
    is_action = heading == "Action Space"
    space = env.action_space if is_action else env.observation_space
    columns = env.setup.action_columns if is_action else env.setup.observation_columns
    assert space.shape == (len(rows),)
    assert f"({len(rows)},)" in page[heading]
    assert [row["Name"] for row in rows] == list(columns.names)
    for j, (row, column) in enumerate(zip(rows, columns, strict=True)):
        assert row["Num"] == str(j)
        assert (float(row["Min"]), float(row["Max"])) == (space.low[j], space.high[j])
        assert row["Unit"] == column.unit
        assert row["Meaning"] == column.meaning
        assert float(row["SI value of 1"]) == pytest.approx(column.scale, rel=1e-5)


def test_info_table_is_the_metrics(page, env):
    rows = table(page["Observation Space"], 1)
    terms = env.setup.reward_terms
    metrics = [column for column in env.setup.metric_columns if column.name not in terms]
    said = [(row["Name"], row["Meaning"], row["Unit"]) for row in rows]
    assert said == [(column.name, column.meaning, column.unit) for column in metrics]
    _, info = env.reset(seed=0)
    assert set(info) == {*terms, *(row["Name"] for row in rows)}


def test_reward_table_is_the_terms_and_weights(page, env):
    rows = table(page["Rewards"])
    assert [row["Term"] for row in rows] == list(env.setup.reward_terms)
    weights = TASKS[type(env).task].weights
    *weighted, trip = rows
    said = {row["Term"].removeprefix("reward_"): float(row["Weight"]) for row in weighted}
    assert said == weights
    assert not trip["Weight"]


def test_reward_formulas_hold(env):
    """The tracking, loss, effort and smoothness terms, computed from info as the table says."""
    weights = dict.fromkeys(TASKS[type(env).task].weights, 0.5)
    env = gymnasium.make(env.setup.id, weights=weights).unwrapped
    p = env.nominal.parameters
    env.reset(seed=1)
    env.action_space.seed(1)
    last = 0.0 * env.action_space.sample()
    for _ in range(5):
        action = env.action_space.sample()
        _, reward, _, _, info = env.step(action)
        formulas = {
            "loss": -0.5 * (info["i_sd"] ** 2 + info["i_sq"] ** 2) / p["i_limit"] ** 2,
            "effort": -0.5 * (action**2).mean(),
            "smoothness": -0.5 * ((action - last) ** 2).mean(),
        }
        for tracked in env.setup.tracking:
            error = abs(info[tracked.reference] - info[tracked.value])
            part = min(error / p["error_scale"], 1.0) ** p["error_exponent"]
            formulas[tracked.value] = 0.5 * (1.0 - part)
        for name in weights:
            assert info[f"reward_{name}"] == pytest.approx(formulas[name], rel=1e-6), name
        assert reward == pytest.approx(sum(formulas[name] for name in weights))
        last = action


def test_default_penalty_is_the_formula_of_the_page(page, card, env):
    weights = {"effort": 0.25, "smoothness": 0.125}
    cost = 0.25 + 4 * 0.125
    formula = "effort + 4 smoothness"
    if "loss" in TASKS[type(env).task].weights:
        weights["loss"], cost, formula = 1.5, cost + 1.5, "loss + effort + 4 smoothness"
    assert formula in " ".join(page["Rewards"].split())
    steps = env.setup.horizon or card.max_episode_steps
    made = gymnasium.make(card.id, weights=weights).unwrapped
    assert made.nominal.parameters["penalty_trip"] == 1.0 + steps * cost


def test_error_scale_is_the_one_of_the_page(page, env):
    said = re.search(r"`error_scale` is ([\d.]+)", page["Rewards"])
    assert float(said[1]) == pytest.approx(env.nominal.parameters["error_scale"], rel=1e-5)


def test_arguments_are_the_options_and_their_defaults(page, card):
    rows = table(page["Arguments"])
    said = {row["Name"]: ast.literal_eval(row["Default"]) for row in rows}
    task = load(card.entry_point).task
    assert said == {"render_mode": None} | defaults(task)
    assert list(said) == ["render_mode", *defaults(task)]


def test_defaults_written_out_change_nothing(page, card, env):
    said = {row["Name"]: ast.literal_eval(row["Default"]) for row in table(page["Arguments"])}
    explicit = gymnasium.make(card.id, **said).unwrapped
    assert (explicit.setup.row == env.setup.row).all()
    assert explicit.setup.keywords == env.setup.keywords


def test_weights_and_plant_keywords_name_what_there_is(page, env):
    text = page["Arguments"]
    (row,) = [row for row in table(text) if row["Name"] == "weights"]
    assert re.findall(r"`(\w+)`", row["Meaning"]) == list(TASKS[type(env).task].weights)
    noise = bullet(text, "`noise`").split("the observed")[1].split("never")[0]
    assert re.findall(r"`(\w+)`", noise.split(";")[0]) == list(env.setup.measured)
    named = re.findall(r"\w+", bullet(text, "`mismatch`").split("every one of")[1].split(";")[0])
    assert [name for name in named if name != "and"] == list(env.setup.plant_parameters)
    channels = re.findall(r"`(\w+)`", bullet(text, "`disturbance`"))[1:]
    assert tuple(channels) == dynamics.DISTURBANCES
    assert all(f'"{name}"' in bullet(text, "`machine`") for name in pm.MACHINES)


def test_episode_length_is_the_one_of_the_page(page, card, env):
    steps = env.setup.horizon or card.max_episode_steps
    assert f"{steps} steps" in bullet(page["Episode End"], "Truncation")


def test_reset_option_of_the_page_works(page, env):
    example = re.search(r"options=(\{.*?\}\})", page["Starting State"])
    options = ast.literal_eval(example[1])
    _, info = env.reset(seed=0, options=options)
    assert options["state"]
    for name, value in options["state"].items():
        assert info[name] == value


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
        source = bullet(text, row["Source"]).removeprefix(row["Source"]).strip()
        assert column.source and source.startswith(column.source), row["Name"]
    tuned = {"kp_d", "ki_d", "kp_q", "ki_q"}
    assert [row["Name"] for row in rows] == [
        column.name for column in columns if column.source and column.name not in tuned
    ]
