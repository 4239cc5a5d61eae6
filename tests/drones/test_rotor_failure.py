"""A lost rotor: what is told of it, and the law that flies on."""

import gymnasium
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import gym_suite
from gym_suite.drones.controllers.relaxed import _THRUST, _Plan

ID = "drones/RotorFailure-v0"


def test_it_is_told_which_rotor_has_lost_how_much_and_when():
    seeds = 128
    envs = gymnasium.make_vec(
        ID, num_envs=seeds, engine="compiled", failure={"effectiveness": 0.25, "time": (0.1, 0.2)}
    )
    first = envs.unwrapped.setup.observation_columns.index("health_0")
    seen = [envs.reset(seed=0)[0][:, first : first + 4]]
    idle = np.zeros((seeds, 4), np.float32)
    seen = np.array(seen + [envs.step(idle)[0][:, first : first + 4] for _ in range(60)])
    assert (seen[:24] == 1.0).all()  # the first 0.1 s
    ill = seen == 0.25
    assert (ill.any(axis=2) | (seen == 1.0).all(axis=2)).all()
    begun = ill.any(axis=2).argmax(axis=0)
    assert begun.min() >= 24 and begun.max() <= 49 and len(np.unique(begun)) > 10
    last = ill[-1]
    assert (last.sum(axis=1) == 1).all()  # one each, and it stays
    assert (np.bincount(last.argmax(axis=1), minlength=4) > seeds / 8).all()
    envs.close()


def flown(law, *, seeds=20, steps=1200, **keywords):
    """Return distances, (steps, seeds), NaN from a loss on, and the returns."""
    envs = gymnasium.make_vec(ID, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, _ = envs.reset(seed=0)
    state, alive, total, told = None, np.ones(seeds, bool), np.zeros(seeds), []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, ended, _, info = envs.step(action)
        total += reward * alive
        alive &= ~ended
        told.append(np.where(alive, info["distance"], np.nan))
    envs.close()
    return np.array(told), total


@pytest.mark.parametrize(
    ("setting", "survivors", "off"),
    [
        ({}, 20, 0.1),
        ({"noise": 0.01}, 20, 0.1),
        ({"mismatch": 0.3}, 20, 0.15),
        ({"delay": 1}, 20, 0.1),
        ({"disturbance": {"force_x": {"kind": "prbs", "amplitude": 0.3, "period": 0.5}}}, 20, 0.1),
    ],
    ids=["nominal", "noise", "mismatch", "delay", "disturbance"],
)
def test_relaxed_hover_stays_where_it_is_without_a_rotor(setting, survivors, off):
    """As the page says, by setting: how many of 20 it keeps, and how far off they are in the last second."""
    distances, _ = flown("relaxed", **setting)
    alive = np.isfinite(distances[-1])
    assert alive.sum() >= survivors
    assert distances[-240:, alive].mean() < off


def test_a_vehicle_that_turns_faster_than_believed_is_braked():
    """With more yaw torque the rotor opposite takes a larger share: the rate grows by less than the torque."""
    rates = []
    for factor in (1.0, 1.5):
        env = gymnasium.make(
            ID,
            engine="compiled",
            mismatch={"k_m": (factor, factor)},
            failure={"rotor": 0, "time": 0.1, "yaw_drag": 2.5e-3},
        )
        law = gym_suite.make_controller(env, "relaxed")
        observation, _ = env.reset(seed=0)
        state = None
        for _ in range(1440):
            action, state = law.predict(observation, state)
            observation, _, ended, _, _ = env.step(action)
            assert not ended
        column = env.unwrapped.setup.observation_columns.index("body_rate_z")
        rates.append(abs(observation[column]))
        env.close()
    assert rates[0] < rates[1] < 1.35 * rates[0]


@pytest.mark.bullet
def test_relaxed_hover_flies_in_bullet_too():
    distances, _ = flown("relaxed", engine="bullet", seeds=4)
    assert np.isfinite(distances).all() and distances.max() < 1.5


def test_who_keeps_the_heading_falls():
    _, stays = flown("relaxed")
    for law in ("geometric", "zero"):
        distances, total = flown(law)
        assert np.isnan(distances[-1]).all()
        assert (total < stays).all()


def test_three_rotors_share_what_is_asked_as_the_bounded_least_squares_do():
    rng = np.random.default_rng(0)
    levers = np.array([[-1, -1, 1, 1], [-1, 1, 1, -1], [-0.2, 0.2, -0.2, 0.2]]) * 0.09
    weight, strongest = 7.0, 5.0
    for lost in range(4):
        plan = _Plan(levers, lost, weight, strongest)
        alive = [k for k in range(4) if k != lost]
        torque, thrust = rng.normal(0.0, 0.5, (50, 2)), rng.uniform(0.0, 14.0, 50)
        got = plan.forces(torque, thrust)
        assert (got[:, lost] == 0.0).all() and got.min() >= 0.0 and got.max() <= strongest
        scale = np.array([1.0 / (weight * 0.09)] * 2 + [_THRUST / weight])
        matrix = np.vstack([levers[:2, alive], np.ones(3)]) * scale[:, None]
        for row, wanted in zip(got, np.column_stack([torque, thrust]) * scale, strict=True):
            best = lsq_linear(matrix, wanted, bounds=(0.0, strongest), tol=1e-12).cost
            assert 0.5 * np.square(matrix @ row[alive] - wanted).sum() <= best + 1e-9


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        (ID, {"vehicle": "x500"}, "cannot fly on when one is lost"),
        ("drones/Hover-v0", {}, "has to be told which rotor is lost"),
    ],
)
def test_what_cannot_be_flown_is_refused_with_the_reason(id, keywords, message):
    from gym_suite.drones.controllers.relaxed import Relaxed

    env = gymnasium.make(id, engine="compiled", **keywords)
    with pytest.raises(ValueError, match=message):
        Relaxed.for_env(env)
