"""References that are given: signals of every kind, several at once, and switching among them at random."""

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401 - registers the ids

SINE = {"kind": "sine", "amplitude": 30.0, "period": 0.01}
CONSTANT = {"kind": "constant", "offset": 50.0}


def references(id, steps, seed=0, names=None, **keywords):
    env = gymnasium.make(id, **keywords)
    _, info = env.reset(seed=seed)
    names = names or [item.reference for item in env.unwrapped.setup.tracking]
    infos = [info]
    infos += [env.step(np.zeros(env.action_space.shape))[4] for _ in range(steps)]
    return np.array([[info[name] for name in names] for info in infos])


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/ExtExDc-v0"])
def test_several_signals_at_once(id):
    env = gymnasium.make(id)
    first, second = (item.value for item in env.unwrapped.setup.tracking)
    dt = env.unwrapped.setup.dt
    triangle = {"kind": "triangle", "amplitude": 20.0, "offset": 40.0, "period": 0.004}
    seen = references(id, 100, reference={first: SINE, second: triangle}, speed=0.0)
    t = dt * np.arange(101)
    assert seen[:, 0] == pytest.approx(30.0 * np.sin(2 * np.pi * t / 0.01), abs=1e-9)
    within = (t / 0.004) % 1.0
    shape = np.interp(within, [0, 0.25, 0.75, 1.0], [0, 1, -1, 0])
    assert seen[:, 1] == pytest.approx(40.0 + 20.0 * shape, abs=1e-9)


@pytest.mark.parametrize(
    "id", ["gem/PermExDc-v0", "gem/SeriesDc-Torque-v0", "gem/ShuntDc-Speed-v0"]
)
@pytest.mark.parametrize(
    "kind", ["step", "ramp", "sine", "triangle", "sawtooth", "random_walk", "laplace_walk"]
)
def test_every_kind_of_signal_for_every_task(id, kind):
    bounds = {"low": 0.0, "high": 9.0}
    signal = {"kind": kind, "amplitude": 4.0, "offset": 4.5, "period": 0.01, **bounds}
    (item,) = gymnasium.make(id).unwrapped.setup.tracking
    seen = references(id, 50, reference={item.value: signal})
    assert np.isfinite(seen).all() and seen.min() >= 0.0 and seen.max() <= 9.0


def test_a_switched_reference_holds_one_of_its_signals_for_a_while():
    switched = {"kind": "switched", "signals": [SINE, CONSTANT, -20.0], "hold": 0.002}
    seen = references("gem/PermExDc-v0", 1900, reference={"i": switched}, speed=0.0)[:, 0]
    t = 1e-5 * np.arange(1901)
    known = np.array([30.0 * np.sin(2 * np.pi * t / 0.01), 50.0 + 0 * t, -20.0 + 0 * t])
    chosen = np.abs(known - seen).argmin(axis=0)
    assert np.abs(known - seen).min(axis=0).max() < 1e-9
    # Every stretch has one signal; over ten stretches there is more than one.
    stretches = [chosen[k * 200 + 2 : (k + 1) * 200 - 2] for k in range(9)]
    assert all(len(set(stretch)) == 1 for stretch in stretches)
    assert len({stretch[0] for stretch in stretches}) > 1


def test_worlds_draw_their_own_parameters_from_ranges_and_previews_know_them():
    """The peer's sub-episodes: amplitude, period and offset are drawn anew every so often."""
    drawn = {"kind": "sine", "amplitude": [10.0, 50.0], "period": [0.001, 0.01], "redraw": 0.005}
    keywords = {"reference": {"i_sq": drawn}, "preview": 1, "preview_interval": 1e-3}
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=3, **keywords)
    columns = envs.setup.observation_columns
    now, ahead = columns.index("i_sq_ref"), columns.index("i_sq_ref_1")
    observation, _ = envs.reset(seed=0)
    seen = [observation]
    seen += [envs.step(np.zeros((3, 2)))[0] for _ in range(150)]
    seen = np.array(seen)
    assert np.array_equal(seen[:-10, :, ahead], seen[10:, :, now])
    stretches = seen[:150, :, now].reshape(3, 50, 3)
    assert not np.isclose(stretches[0], stretches[1]).all()  # another stretch
    assert not np.isclose(seen[:, 0, now], seen[:, 1, now]).all()  # another world
    single = references("gem/PMSM-v0", 150, seed=1, reference={"i_sq": drawn}, names=["i_sq_ref"])
    scale = columns["i_sq_ref"].scale
    assert seen[:, 1, now] == pytest.approx(single[:, 0] / scale, abs=1e-6)


def test_each_signal_is_chosen_as_often_and_each_world_has_its_own_choices():
    switched = {"kind": "switched", "signals": [1.0, 2.0, 3.0, 4.0], "hold": 0.002}
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=4000, reference={"i_sd": switched})
    _, info = envs.reset(seed=0)
    counts = np.bincount(np.array(info["i_sd_ref"]).astype(int))[1:]
    assert counts.sum() == 4000
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(750)


def test_a_preview_shows_what_will_be_switched_to():
    switched = {"kind": "switched", "signals": [1.0, 2.0, 3.0], "hold": 0.001}
    env = gymnasium.make(
        "gem/PMSM-v0", reference={"i_sq": switched}, preview=1, preview_interval=1e-3
    )
    columns = env.unwrapped.setup.observation_columns
    observation, _ = env.reset(seed=3)
    seen = [observation]
    seen += [env.step(np.zeros(2))[0] for _ in range(100)]
    seen = np.array(seen)
    now, ahead = (seen[:, columns.index(name)] for name in ("i_sq_ref", "i_sq_ref_1"))
    assert np.array_equal(ahead[:-10], now[10:])
    assert len(set(now)) > 1


def test_switching_goes_with_a_disturbance_and_a_dictated_speed():
    keywords = {
        "reference": {"i": {"kind": "switched", "signals": [5.0, 6.0], "hold": 0.001}},
        "load": {
            "kind": "speed_profile",
            "omega": {"kind": "ramp", "amplitude": 10.0, "period": 0.001},
        },
    }
    one = references("gem/SeriesDc-v0", 20, names=["i_ref", "omega"], **keywords)
    assert set(one[:, 0]) <= {5.0, 6.0}
    assert one[10, 1] == pytest.approx(10.0)
    two = references(
        "gem/SeriesDc-v0", 20, names=["i_ref", "u"], disturbance={"u": 3.0}, **keywords
    )
    assert np.array_equal(one[:, 0], two[:, 0])
    assert two[1:, 1] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"i": {"kind": "switched", "signals": []}}, "needs a list of signals"),
        ({"i": {"kind": "switched", "signals": [1.0], "hold": 0.0}}, "hold"),
        ({"i": {"kind": "switched", "signal": [1.0]}}, "'signals'"),
        ({"i": {"kind": "switched", "signals": [{"kind": "sin"}], "hold": 1.0}}, "sine"),
        ({"i": {"kind": "swiched"}}, "unknown signal kind"),
        ({"i": {"kind": "sine", "amplitude": (10.0, 300.0)}}, "from -300 to 300 A, .* of 210 A"),
        ({"i": {"kind": "switched", "signals": [1.0, -211.0], "hold": 1.0}}, "from -211 to -211 A"),
        (
            {"i": {"kind": "random_walk", "amplitude": 9.0, "low": 0.0, "high": 400.0}},
            "from 0 to 400 A",
        ),
    ],
)
def test_what_cannot_be_is_refused(reference, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("gem/SeriesDc-v0", reference=reference)


def test_a_bounded_reference_and_an_endless_walk_are_taken():
    for kind in ("random_walk", "laplace_walk"):
        gymnasium.make("gem/PMSM-v0", reference={"i_sq": {"kind": kind, "amplitude": 1e3}})
    sine = {"kind": "sine", "amplitude": 1e4, "low": -100.0, "high": 100.0}
    gymnasium.make("gem/PMSM-v0", reference={"i_sq": sine})
    gymnasium.make("gem/PermExDc-Position-v0", reference={"kind": "constant", "offset": 1e4})
