"""What the pages say in formulas and sentences, computed from what the environments do."""

import gymnasium
import numpy as np
import pytest

from gym_suite.drones.envs.tasks import TASKS
from gym_suite.registration import catalogue, id_class_of

CARDS = {card.id: card for card in catalogue().values() if card.family == "drones"}


@pytest.fixture(params=CARDS)
def card(request):
    return CARDS[request.param]


def away(state, one, other):
    """Return the length of the difference of two vectors of the state, of the first drone."""
    suffix = "_0" if "position_x_0" in state else ""
    gaps = [state[f"{one}_{a}{suffix}"] - state[f"{other}_{a}{suffix}"] for a in "xyz"]
    return float(np.linalg.norm(gaps))


def test_reward_formulas_hold(card):
    """The terms, computed from info, actions and state as the table says."""
    task = TASKS[card.facets["task"]]
    first = next(iter(task.weights))
    weights = {first: 1.5, "rates": 0.5, "effort": 0.25, "smoothness": 0.125}
    env = gymnasium.make(card.id, engine="compiled", weights=weights).unwrapped
    count = env.setup.agent_count
    suffixes = [f"_{j}" for j in range(count)] if env.setup.agents else [""]
    scale = env.nominal.parameters["error_scale"]
    env.reset(seed=1)
    env.action_space.seed(1)
    last = np.zeros((count, 4))
    for _ in range(5):
        before = env.state()
        action = env.action_space.sample()
        _, _, _, _, info = env.step(action)
        state, rows = env.state(), action.reshape(count, 4)
        near = [max(1 - info[f"target_distance{s}"] / scale, 0) for s in suffixes]
        turning = [
            sum(state[f"angular_velocity_{a}{s}"][0] ** 2 for a in "xyz") / 100 for s in suffixes
        ]
        earned = {
            "position": np.mean(near),
            "progress": np.mean(
                [before[f"gap{s}"][0] - info[f"target_distance{s}"] for s in suffixes]
                if first == "progress"
                else 0.0
            ),
            "velocity": max(1 - away(state, "target_velocity", "velocity") / scale, 0),
        }
        expected = {
            first: 1.5 * earned[first],
            "rates": -0.5 * np.minimum(turning, 10).mean(),
            "effort": -0.25 * (rows**2).mean(),
            "smoothness": -0.125 * ((rows - last) ** 2).mean(),
        }
        for name, value in expected.items():
            assert info[f"reward_{name}"] == pytest.approx(value, rel=1e-6), name
        last = rows


def test_default_penalty_is_the_formula_of_the_page(card):
    page = " ".join(id_class_of(card.id).__doc__.split())
    assert "1 + n (rates + effort + 4 smoothness)" in page
    weights = {"rates": 0.5, "effort": 0.25, "smoothness": 0.125}
    env = gymnasium.make(card.id, engine="compiled", weights=weights).unwrapped
    expected = 1 + card.max_episode_steps * (0.5 + 0.25 + 4 * 0.125)
    assert env.nominal.parameters["penalty_crash"] == expected


@pytest.mark.bullet
def test_pictures_are_the_spaces_that_the_page_names():
    kinds = ("rgb", "depth", "segmentation")
    env = gymnasium.make("drones/Hover-v0", engine="bullet", observation=kinds)
    images = env.unwrapped.setup.images
    env.close()
    assert [image.name for image in images] == list(kinds)
    said = [(i.low, i.high, i.shape[2], i.dtype) for i in images]
    assert said == [(0, 255, 3, "uint8"), (0, 20, 1, "float32"), (0, 255, 1, "uint8")]
