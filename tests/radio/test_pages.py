"""Each id's page says what the environment is: headings, shapes, arguments and their defaults."""

import ast
import inspect
import re

import gymnasium
import pytest

import gym_suite
from gym_suite.radio.envs.setup import DEFAULTS, Options, keyword_names
from gym_suite.registration import load

CARDS = [card for card in gym_suite.catalogue().values() if card.family == "radio"]
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
