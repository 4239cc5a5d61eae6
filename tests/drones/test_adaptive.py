"""Adaptive control: it learns the thrust per mass that the plant has, and flies by it."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.drones.controllers.adaptive import Adaptive

HOVER, TRACK = "drones/Hover-v0", "drones/Track-v0"
#: A payload of 8 g under a Crazyflie of 27 g, and a battery at 0.3 to 0.6 of its charge.
LOADED = {"payload": {"mass": 0.008}, "battery": (0.3, 0.6)}
#: As `compare` has them.
SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "disturbance": {
        "disturbance": {
            f"force_{axis}": {"kind": "prbs", "amplitude": 0.01, "period": 0.5} for axis in "xyz"
        }
    },
}


def flown(id, law, *, seeds=12, steps=360, gains=None, **keywords):
    """Return each episode's return and whether it was flown to the end, the law, and what it remembers then."""
    envs = gymnasium.make_vec(id, num_envs=seeds, engine="compiled", **keywords)
    controller = gym_suite.make_controller(envs, law, **(gains or {}))
    observation, _ = envs.reset(seed=0)
    state, alive, total = None, np.ones(seeds, bool), np.zeros(seeds)
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, ended, *_ = envs.step(action)
        total += reward * alive
        alive &= ~ended
    envs.close()
    return total, alive, controller, np.asarray(state)


@pytest.mark.parametrize(
    ("mismatch", "scale"),
    [
        ({"k_f": (0.8, 0.8)}, 0.8),
        ({"mass": (1.3, 1.3)}, 1.0 / 1.3),
        ({"mass": (0.7, 0.7)}, 1 / 0.7),
    ],
    ids=["thrust", "heavy", "light"],
)
def test_it_learns_the_thrust_per_mass_that_there_is(mismatch, scale):
    """At rest thrust carries the weight, so the scale is k_f m_0 / (k_f0 m), whatever it was believed to be."""
    _, alive, law, state = flown(HOVER, "adaptive", seeds=4, mismatch=mismatch, aerodynamics=())
    assert alive.all()
    assert isinstance(law, Adaptive)
    learned = 1.0 + state[:, law.memory["scale"]]
    np.testing.assert_allclose(learned, scale, rtol=0.03)


@pytest.mark.parametrize(("mass", "bound"), [(0.35, 2.5), (3.0, 0.4)], ids=["light", "heavy"])
def test_what_it_believes_stays_within_its_bounds(mass, bound):
    """Thrust per mass is 1 / mass of the nominal one, beyond what is believed: the bound is reached and kept."""
    given = {"mismatch": {"mass": (mass, mass)}, "aerodynamics": ()}
    *_, law, state = flown(HOVER, "adaptive", seeds=4, steps=40, gains={"adaptation": 0.3}, **given)
    np.testing.assert_allclose(1.0 + state[:, law.memory["scale"]], bound, rtol=1e-12)


def test_with_the_nominal_plant_there_is_next_to_nothing_to_learn():
    _, _, law, state = flown(HOVER, "adaptive", seeds=4)
    np.testing.assert_allclose(state[:, law.memory["scale"]], 0.0, atol=0.02)


@pytest.mark.parametrize("setting", SETTINGS)
def test_on_the_path_with_a_payload_and_a_flat_battery_it_earns_more_than_incremental_inversion(
    setting,
):
    """Under mismatch one of twelve has rotors too weak for its load, whoever commands them."""
    keywords = LOADED | SETTINGS[setting]
    adaptive, alive, *_ = flown(TRACK, "adaptive", **keywords)
    indi, kept, *_ = flown(TRACK, "indi", **keywords)
    np.testing.assert_array_equal(alive, kept)
    assert alive.sum() >= (11 if setting == "mismatch" else 12)
    assert adaptive.mean() > indi.mean()


def test_an_adaptation_that_is_none_is_refused():
    env = gymnasium.make(HOVER, engine="compiled")
    with pytest.raises(ValueError, match="adaptation"):
        Adaptive.for_env(env, adaptation=0.0)
