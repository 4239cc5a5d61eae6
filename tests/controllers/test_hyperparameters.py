"""Gains are a user's to give: they reach the law, show in the description, and can be searched within bounds."""

import copy
import functools
import math
import pickle
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gym_suite
from gym_suite.controllers.hyperparameters import Hyperparameter, found_in
from gym_suite.controllers.protocol import Controller
from gym_suite.controllers.tuning import magnitude_optimum
from gym_suite.registration import catalogue, id_class_of
from gym_suite.testing import random_actions


class Law(Controller):
    """Acts by three gains of a rule and one keyword argument."""

    def __init__(self, *, offset=0.0):
        self.offset = offset

    def _tune(self, nominal):
        self.gains_["i"] = magnitude_optimum(10.0, 0.02, dt=nominal.dt).with_unit("V/A")
        self.gains_["weights"] = np.array([1.0, 2.0])
        self.gain_units_["weights"] = "V"

    def _law(self, observation, state):
        gains = self.gains_
        return gains["i"].kp * observation @ gains["weights"][:, None] + self.offset


@pytest.fixture
def nominal():
    setup = SimpleNamespace(observation_columns=("a", "b"))
    return SimpleNamespace(setup=setup, dt=1e-4, plant=None)


def test_a_gain_that_is_given_reaches_the_law_and_the_description(nominal):
    rule = Law.for_env(nominal)
    mine = Law.for_env(nominal, gains={"i.kp": 3.0, "weights": [1.0, 0.0]})
    assert mine.predict([5.0, 7.0])[0] == 15.0
    assert mine.gains_["i"].kp == 3.0 and mine.gains_["i"].ki == rule.gains_["i"].ki
    described = mine.describe()
    assert described["gains"]["i.kp"] == {"value": 3.0, "unit": "V/A", "given": True}
    assert "given" not in described["gains"]["i.ki"]
    assert described["rule"] == "magnitude optimum, kp given"
    assert rule.describe()["rule"] == "magnitude optimum"


def test_gains_may_be_given_within_the_name_of_what_they_control(nominal):
    one, other = (
        Law.for_env(nominal, gains=gains).describe()["gains"]
        for gains in ({"i.kp": 3.0, "i.ki": 4.0}, {"i": {"kp": 3.0, "ki": 4.0}})
    )
    assert one == other
    assert one["i.ki"] == {"value": 4.0, "unit": "V/(A s)", "given": True}
    with pytest.raises(ValueError, match=r"'i\.kq'. Did you mean 'i.kp'"):
        Law.for_env(nominal, gains={"i": {"kq": 1.0}})


def test_gains_given_go_along_with_copies(nominal):
    mine = Law.for_env(nominal, gains={"i.kp": 3.0})
    for twin in (
        pickle.loads(pickle.dumps(mine)),
        copy.deepcopy(mine),
        mine.clone().tune(nominal),
        mine.tune(nominal),
    ):
        assert twin.gains_["i"].kp == 3.0


def test_gains_cannot_be_changed_behind_the_law(nominal):
    controller = Law.for_env(nominal)
    with pytest.raises(TypeError):
        controller.gains_["i"] = None
    with pytest.raises(AttributeError, match="gains="):
        controller.gains_ = {}
    with pytest.raises(ValueError, match="read-only"):
        controller.gains_["weights"][0] = 9.0
    assert controller.gains_["weights"][0] == 1.0


@pytest.mark.parametrize(
    ("gains", "error", "message"),
    [
        ({"i.kq": 1.0}, ValueError, "Did you mean 'i.kp'"),
        ({"i.kd": 1.0}, ValueError, "unknown gain"),  # the law has no derivative part
        ({"i": 1.0}, ValueError, "unknown gain"),
        ({"i": {}}, ValueError, "unknown gain"),
        ({"i.kp": math.nan}, ValueError, "finite"),
        ({"i.kp": "much"}, ValueError, "number"),
        ({"weights": [1.0]}, ValueError, r"shape \(2,\)"),
        ({"weights": "ab"}, ValueError, "numbers"),
        (3.0, TypeError, "mapping"),
    ],
)
def test_gains_that_there_are_none_of_are_refused(nominal, gains, error, message):
    with pytest.raises(error, match=message):
        Law.for_env(nominal, gains=gains)


def test_hyperparameters_are_found_from_the_gains_of_a_class_that_declares_none(nominal):
    found = Law.for_env(nominal).hyperparameters_
    assert set(found) == {"i.kp", "i.ki", "weights"}
    kp = Law.for_env(nominal).gains_["i"].kp
    one = found["i.kp"]
    assert one.at(one.start) == pytest.approx(kp, rel=1e-12)
    assert (one.at(0.0), one.at(1.0)) == (pytest.approx(0.1 * kp), pytest.approx(10.0 * kp))
    assert one.unit == "V/A" and one.meaning == "proportional gain"
    assert found["weights"].at(1.0) == [10.0, 20.0]  # a vector keeps its shape
    assert found_in({"k": np.eye(2), "none": 0.0}, {}) == {}  # a matrix hangs together


def test_declared_hyperparameters_may_be_keyword_arguments_or_gains(nominal):
    class Declared(Law):
        """Says what is worth a search."""

        hyperparameters = (
            Hyperparameter(name="offset", low=-1.0, high=1.0, scale="linear", unit="V"),
            Hyperparameter(name="i.kp", low=0.5, high=2.0, relative=True),
        )

    controller = Declared.for_env(nominal, offset=0.5)
    assert set(controller.hyperparameters_) == {"offset", "i.kp"}
    assert controller.hyperparameters_["offset"].default == 0.5
    values = {name: one.at(0.0) for name, one in controller.hyperparameters_.items()}
    other = Declared.for_env(nominal, gains=values)
    assert other.offset == -1.0
    assert other.gains_["i"].kp == pytest.approx(0.5 * controller.gains_["i"].kp)

    class Wrong(Law):
        """Declares what it does not have."""

        hyperparameters = (Hyperparameter(name="ofset", low=0.0, high=1.0, scale="linear"),)

    with pytest.raises(ValueError, match="'offset'"):
        _ = Wrong.for_env(nominal).hyperparameters_


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"low": 0.0, "high": math.inf}, "no bounds"),
        ({"low": math.nan, "high": 1.0}, "no bounds"),
        ({"low": 2.0, "high": 1.0}, "no bounds"),
        ({"low": 0.0, "high": 1.0}, "positive"),
        ({"low": 1.0, "high": 2.0, "scale": "lin"}, "'linear'"),
    ],
)
def test_a_hyperparameter_needs_bounds(bounds, message):
    with pytest.raises(ValueError, match=message):
        Hyperparameter(name="gain", **bounds)


@given(
    low=st.floats(1e-6, 1e3),
    span=st.floats(1.01, 1e6),
    share=st.floats(0.0, 1.0),
    scale=st.sampled_from(["log", "linear"]),
)
def test_values_lie_within_the_bounds_and_their_place_is_found_again(low, span, share, scale):
    one = Hyperparameter(name="x", low=low, high=low * span, scale=scale)
    value = one.at(share)
    assert one.low <= value <= one.high
    again = Hyperparameter(name="x", low=low, high=low * span, scale=scale, default=value)
    assert again.start == pytest.approx(share, abs=1e-6)
    assert one.at(-1.0) == one.at(0.0) and one.at(2.0) == one.at(1.0)


def test_whole_numbers_stay_whole():
    one = Hyperparameter(name="horizon", low=2, high=20, whole=True, default=5)
    assert {type(one.at(share)) for share in (0.0, 0.3, 1.0)} == {int}


def ladders():
    """An id for each set of controllers and of what they observe."""
    found = {}
    for card in catalogue().values():
        if card.entry_point:
            observed = id_class_of(card.id).configure().observation_columns.names
            found[tuple(card.controllers.values()), observed] = card.id  # the last is the richest
    return list(found.values())


WORLDS, STEPS = 12, 30
#: Steps of DC drives: their fields take hundreds of periods before the voltage, and with it an integral, is free.
DC_STEPS = 600
#: Steps of a drive that is derated: 45 s, until the warmest of its worlds are near their limits.
HOT_STEPS = 450


@functools.cache
def played(id):
    """Worlds in which the reference controller acts, now and then at random, and what was observed there."""
    fixed = {"engine": "compiled"} if catalogue()[id].family == "drones" else {}
    if catalogue()[id].facets.get("task") == "speed":
        fixed = {"reference_range": 1.0}  # so near that no limit hides what a gain does
    envs = gymnasium.make_vec(id, num_envs=WORLDS, **fixed)
    observation, _ = envs.reset(seed=3)
    law, state, seen = gym_suite.make_controller(envs), None, [observation]
    law.watch(envs)
    # What a band or an integral does shows when random actions are over.
    steps = DC_STEPS if {"dc", "finite"} & set(catalogue()[id].tags) else STEPS
    if catalogue()[id].facets.get("task") == "thermal":
        steps = HOT_STEPS
    steps += getattr(law, "starting_", 0) // 2  # of two attempts the first one
    for k, chance in enumerate(random_actions(envs.action_space, steps, seed=3)):
        action, state = law.predict(seen[-1], state)
        seen.append(envs.step(chance if k % 3 == 0 and k < STEPS else action)[0])
    return envs, seen


def answers(id, name, gains=None):
    """A controller, and what it does about the observations; None where it refuses the gains."""
    envs, seen = played(id)
    try:
        controller = gym_suite.make_controller(envs, name, gains=gains)
    except ValueError:
        return None, None
    controller.watch(envs)
    state, actions = None, []
    for observation in seen:
        action, state = controller.predict(observation, state)
        actions.append(action)
    return controller, np.array(actions)


@pytest.mark.parametrize("id", ladders())
def test_every_hyperparameter_of_every_controller_changes_the_control(id):
    idle = []
    for name in catalogue()[id].controllers:
        controller, actions = answers(id, name)
        for one in controller.hyperparameters_.values():
            # A bound that is not met at one end of its range must be at the other.
            others = (answers(id, name, {one.name: one.at(share)})[1] for share in (0.0, 1.0))
            if all(np.array_equal(actions, other) for other in others):
                idle.append(f"{name}: {one.name}")
    assert not idle, f"given, but without effect on the control: {idle}"
