"""Each id's page says what the environment is: headings, shapes, arguments and their defaults."""

import ast
import inspect
import re

import gymnasium
import pytest

import gym_suite
from gym_suite.radio.envs.setup import DEFAULTS, Options, keyword_names
from gym_suite.registration import load

FAMILY = [card for card in gym_suite.catalogue().values() if card.family == "radio"]
CARDS = [card for card in FAMILY if card.entry_point]
SHARED = [card for card in FAMILY if not card.entry_point]
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


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_pages_agree_with_the_environment(card):
    cls = load(card.entry_point)
    text = inspect.getdoc(cls)
    env = gymnasium.make(card.id).unwrapped
    setup = env.setup
    assert text.startswith(f"{card.id}: ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert f"`Discrete({env.action_space.n})`" in text
    assert f"shape ({env.observation_space.shape[0]},)" in text
    for name in (*setup.reward_terms, *(n for n, _, _ in setup.info_arrays)):
        assert f"`{name}`" in text
    for name in setup.metric_columns.names:
        assert f"`{name}`" in text, name
    for name in card.controllers:
        assert name in ("zero", "random") or f"`{name}`" in text, name
    rows = re.findall(r"^\| `(\w+)` +\| `(.*?)` +\|", text, re.MULTILINE)
    said = {name: ast.literal_eval(default) for name, default in rows if name[:7] != "reward_"}
    options = Options(**DEFAULTS[cls.task])
    wanted = {name: getattr(options, name) for name in keyword_names(cls.task)}
    assert said == {"render_mode": None} | wanted


@pytest.mark.parametrize("card", SHARED, ids=lambda card: card.id)
def test_pages_for_several_agents_agree_with_the_environment(card):
    env = gym_suite.parallel_env(card.id)
    cls, setup = load(card.parallel_entry_point).single, env.setup
    text = inspect.getdoc(cls)
    assert text.startswith(f"{card.id}: ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    agent = env.possible_agents[0]
    assert f"`Discrete({env.action_space(agent).n})`" in text
    assert f"shape ({env.observation_space(agent).shape[0]},)" in text
    assert f"({setup.horizon})" in text
    general = (re.sub(r"_agent_\d+$", "_<agent>", name) for name in setup.metric_columns.names)
    for name in (*general, *(n for n, _, _ in setup.info_arrays)):
        assert f"`{name}`" in text, name
    for name in card.controllers:
        assert name in ("zero", "random") or f"`{name}`" in text, name
    rows = re.findall(r"^\| `(\w+)` +\| `(.*?)` +\|", text, re.MULTILINE)
    said = {name: ast.literal_eval(default) for name, default in rows if name[:7] != "reward_"}
    module = inspect.getmodule(cls)
    options = module.Options()
    wanted = {name: getattr(options, name) for name in options.__dataclass_fields__}
    assert said == {"render_mode": None} | wanted
