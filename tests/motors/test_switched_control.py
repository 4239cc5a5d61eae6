"""Controllers of switched converters: what they choose against a search with the environment itself; their bands."""

import itertools

import gymnasium
import numpy as np
import pytest

import gym_suite

CASES = {
    "PMSM": [8],
    "SCIM": [8],
    "EESM": [8, 4],
    "DFIM": [8, 8],
    "SixPhasePMSM": [8, 8],
    "ExtExDc": [4, 4],
}


def given(codes):
    return codes[0] if len(codes) == 1 else list(codes)


def best_by_trial(env, choices, periods):
    """Return the cost of each first choice: least sum of squared errors over the periods in which it acts."""
    bare, costs = env.unwrapped, {}
    start = bare.get_state()
    tracking = bare.setup.tracking
    wanted = {t.value: bare.metrics()[t.reference][0] for t in tracking}
    for sequence in itertools.product(itertools.product(*map(range, choices)), repeat=periods):
        bare.set_state(start)
        env.step(given(sequence[0]))  # what was commanded before acts in this period
        cost = 0.0
        for codes in (*sequence[1:], sequence[-1]):
            info = env.step(given(codes))[4]
            cost += sum(((wanted[t.value] - info[t.value]) / t.scale) ** 2 for t in tracking)
        costs[sequence[0]] = min(cost, costs.get(sequence[0], np.inf))
    bare.set_state(start)
    return costs


@pytest.mark.parametrize(
    ("name", "horizon"), [*((name, 1) for name in CASES), ("PMSM", 2), ("ExtExDc", 2)]
)
def test_the_search_finds_what_a_search_with_the_environment_finds(name, horizon):
    """Under a reference that holds, the state taken is as good as the best one that was tried, dead time and all."""
    env = gymnasium.make(f"gem/{name}-Finite-v0", reference_hold=1.0, max_episode_steps=-1)
    controller = gym_suite.make_controller(env, "fcs-mpc", horizon=horizon, switching=0.0)
    observation, state = env.reset(seed=7)[0], None
    for k in range(31):
        action, state = controller.predict(observation, state)
        if k in (10, 30):
            costs = best_by_trial(env, CASES[name], horizon)
            taken = costs[tuple(np.ravel(action).tolist())]
            assert taken <= min(costs.values()) + 1e-6 * max(costs.values())
            assert taken < max(costs.values())
        observation = env.step(action)[0]


def test_dead_time_is_compensated():
    """Without knowing what is under way the currents would be further from their references."""
    errors = []
    for dead_time in (True, False):
        env = gymnasium.make("gem/PMSM-Finite-v0", dead_time=dead_time, reference_hold=1.0)
        controller = gym_suite.make_controller(env, "fcs-mpc")
        observation, state = env.reset(seed=3)[0], None
        late = []
        for k in range(600):
            action, state = controller.predict(observation, state)
            observation, *_, info = env.step(action)
            if k >= 400:
                error = info["i_sd_ref"] - info["i_sd"], info["i_sq_ref"] - info["i_sq"]
                late.append(np.hypot(*error))
        errors.append(np.mean(late))
    assert errors[0] < 1.2 * errors[1]


def test_switching_can_be_made_dear():
    """A cost of switching lowers the number of legs that are switched."""
    counts = []
    for cost in (0.0, 1e-3):
        env = gymnasium.make("gem/SCIM-Finite-v0", reference_hold=1.0)
        controller = gym_suite.make_controller(env, "fcs-mpc", switching=cost)
        observation, state = env.reset(seed=3)[0], None
        changed = 0.0
        for _ in range(500):
            action, state = controller.predict(observation, state)
            observation = env.step(action)[0]
            changed += env.unwrapped.state()["change"][0]
        counts.append(changed)
    assert counts[1] < 0.7 * counts[0]


@pytest.mark.parametrize("converter", ["4QC", "2QC", "1QC"])
def test_hysteresis_keeps_a_current_in_its_band(converter):
    """But for what the voltage moves it by in the period of sampling and that of the dead time."""
    env = gymnasium.make(
        "gem/SeriesDc-Finite-v0", converter=converter, speed=100.0, reference={"i": 60.0}
    )
    controller = gym_suite.make_controller(env, "hysteresis", band=0.01)
    observation, state = env.reset(seed=0)[0], None
    seen = []
    for k in range(3000):
        action, state = controller.predict(observation, state)
        observation, *_, info = env.step(action)
        if k >= 1500:
            seen.append(info["i"])
    # 5.4 mH under at most 60 V and what the rotation induces.
    moved = 2 * 2e-5 * (60.0 + 1.7e-3 * 60.0 * 100.0 + 4.0) / 5.419e-3
    assert np.abs(np.array(seen) - 60.0).max() <= 0.01 * 210.0 + moved
    assert np.ptp(seen) > 0.01 * 210.0  # it does move between the edges


def test_wrong_settings_are_refused():
    env = gymnasium.make("gem/DFIM-Finite-v0")
    with pytest.raises(ValueError, match=r"horizon = 3 would look at 262144 sequences"):
        gym_suite.make_controller(env, "fcs-mpc", horizon=3)
    with pytest.raises(ValueError, match="horizon"):
        gym_suite.make_controller(env, "fcs-mpc", horizon=4)
    from gym_suite.motors.controllers.switched import HysteresisControl

    with pytest.raises(ValueError, match="-Finite"):
        HysteresisControl.for_env(gymnasium.make("gem/PMSM-v0"))
