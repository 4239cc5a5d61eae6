"""The controllers meet what they promise: accuracy, order, robustness, and an account of their gains."""

import gymnasium
import numpy as np
import pytest
from scipy.optimize import lsq_linear

import gym_suite
from gym_suite.learning.gains import load_gains, shipped_gains
from gym_suite.learning.seeds import purpose_of

IDS = ("drones/Hover-v0", "drones/Track-v0", "drones/MultiHover-v0")
LAWS = ("geometric", "lqr", "pid", "indi", "mpc", "mellinger")
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
CIRCLE = {"kind": "circle", "size": 0.3, "period": 10.0}
# Half-width 1.5 m; its fastest point, the crossing, at 3 m/s.
LEMNISCATE = {"kind": "lemniscate", "size": 1.5, "period": 2.0 * np.pi * 1.5 * np.sqrt(2.0) / 3.0}


def fly(id, law, *, seeds=20, first=0, **keywords):
    """Return distances, (steps, seeds), NaN after an end, and returns of an episode per seed."""
    options = keywords.pop("options", {})
    envs = gymnasium.make_vec(id, num_envs=seeds, **({"engine": "compiled"} | keywords))
    own = None if isinstance(law, str) else law(envs)
    controller = own or gym_suite.make_controller(envs, law, **options)
    observation, _ = envs.reset(seed=first)
    state, alive = None, np.ones(seeds, bool)
    distances, total = [], np.zeros(seeds)
    for _ in range(479):
        action, state = controller.predict(observation, state)
        observation, reward, terminated, _, info = envs.step(action)
        total += reward * alive
        alive &= ~terminated
        distances.append(np.where(alive, info["distance"], np.nan))
    envs.close()
    return np.array(distances), total


@pytest.fixture(scope="module")
def idle():
    return {id: fly(id, "zero")[1] for id in IDS}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("id", IDS)
def test_every_law_beats_doing_nothing_on_twenty_seeds(id, law, idle):
    distances, total = fly(id, law)
    assert np.isfinite(distances).all()
    assert (total > idle[id]).all() and total.mean() > 5.0 * idle[id].mean()
    if law != "pid":
        assert distances[240:].mean() < 0.01 and distances[240:].mean(axis=0).max() < 0.02


def test_doing_nothing_earns_about_zero(idle):
    for id, total in idle.items():
        assert abs(total.mean()) < 0.03 * 480, id


@pytest.mark.parametrize("engine", ENGINES)
def test_the_recorded_circle_is_followed_within_a_centimetre(engine):
    def error(law, **options):
        parity = {"model": "bullet-parity", "aerodynamics": (), "control_frequency": 48}
        path = {"engine": engine, "path": CIRCLE, "options": options}
        distances, _ = fly("drones/Track-v0", law, seeds=1, **parity, **STILL, **path)
        return np.sqrt((distances[96:] ** 2).mean())

    assert error("geometric") < 0.001
    assert error("lqr") < 0.001
    # The recorded runs of the peer have 0.0099 with its velocity feed-forward and 0.0946 without.
    assert error("pid") == pytest.approx(0.0099, abs=0.002)
    assert error("pid", feed_forward=False) == pytest.approx(0.0946, abs=0.01)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fast_lemniscate_is_followed_within_ten_centimetres(engine):
    keywords = {"engine": engine, "path": LEMNISCATE, **STILL}
    distances, _ = fly("drones/Track-v0", "geometric", seeds=4, **keywords)
    assert distances[120:].max() < 0.07  # the start, level where the path needs a tilt, is over
    assert np.sqrt((distances[120:] ** 2).mean()) < 0.03
    plain, _ = fly("drones/Track-v0", "geometric", options={"feed_forward": False}, **keywords)
    assert not np.nanmax(plain[120:]) < 0.5


OFF = [
    {name: factor}
    for name in ("mass", "k_f", "k_m", "motor_lag", "drag_xy")
    for factor in (0.7, 1.3)
] + [dict.fromkeys(("i_xx", "i_yy", "i_zz"), factor) for factor in (0.7, 1.3)]


@pytest.mark.parametrize("mismatch", OFF, ids=str)
@pytest.mark.parametrize("law", ["geometric", "lqr", "indi", "mellinger"])
def test_parameters_off_by_30_percent_are_survived(law, mismatch):
    distances, _ = fly("drones/Hover-v0", law, mismatch=mismatch)
    assert np.isfinite(distances).all()
    # The heaviest and the weakest hang on the integral action, and on most of the thrust there is.
    assert distances[240:].mean() < 0.025 and distances[-60:].mean() < 0.01


@pytest.mark.parametrize("model", ["identified", "bullet-parity"])
@pytest.mark.parametrize("law", ["geometric", "indi", "lqr", "mellinger"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_an_overturned_drone_high_above_its_target_is_turned_back(law, model, axis):
    env = gymnasium.make("drones/Hover-v0", engine="compiled", model=model, bound=40.0, **STILL)
    controller = gym_suite.make_controller(env, law)
    turned = {"quaternion_w": np.cos(1.0), f"quaternion_{axis}": np.sin(1.0), "position_z": 20.0}
    observation, _ = env.reset(seed=0, options={"state": turned})
    upright = env.unwrapped.setup.observation_columns.index("rotation_zz")
    assert observation[upright] == pytest.approx(np.cos(2.0))
    state, best = None, -1.0
    for _ in range(90):
        action, state = controller.predict(observation, state)
        observation, *_ = env.step(action)
        best = max(best, observation[upright])
    assert best > 0.95 and observation[upright] > 0.65  # it may tilt by 45 degrees on its way


def test_without_integral_action_a_heavy_drone_hangs_low():
    distances, _ = fly(
        "drones/Hover-v0", "geometric", mismatch={"mass": 1.3}, options={"integral": False}
    )
    assert distances[-60:].mean() > 0.15


def test_the_peers_gains_are_for_rotors_without_lag():
    falls, _ = fly("drones/Hover-v0", "pid", options={"tuning": "peer"})
    assert np.isnan(falls[-1]).mean() > 0.9
    for keywords in ({}, {"mismatch": {"mass": 1.3}}, {"mismatch": {"motor_lag": 1.3}}):
        distances, _ = fly("drones/Hover-v0", "pid", **keywords)
        assert np.isfinite(distances).all()
        assert distances[-60:].mean() < 0.01
    for vehicle in ("cf2x", "cf2p"):
        distances, _ = fly("drones/Hover-v0", "pid", model="bullet-parity", vehicle=vehicle)
        assert np.isfinite(distances).all()
        assert distances[240:].mean() < 0.05


@pytest.mark.parametrize("vehicle", ["cf21", "race", "x500"])
@pytest.mark.parametrize("law", ["geometric", "lqr", "pid", "mellinger"])
def test_controllers_are_scaled_to_vehicles_of_30_g_to_2_kg(law, vehicle):
    distances, _ = fly("drones/Hover-v0", law, vehicle=vehicle)
    assert np.isfinite(distances).all()
    assert distances[-60:].mean() < 0.03


def test_the_peers_gains_are_refused_on_another_vehicle():
    env = gymnasium.make("drones/Hover-v0", engine="compiled", vehicle="x500")
    with pytest.raises(ValueError, match=r"hovers at 7232 rpm.*tuning='poles'"):
        gym_suite.make_controller(env, "pid", tuning="peer")


@pytest.mark.parametrize("vehicle", ["cf2x", "cf2p"])
@pytest.mark.parametrize("law", ["geometric", "lqr", "indi", "mellinger"])
def test_both_vehicles_hover_with_lag_and_without(law, vehicle):
    for model in ("identified", "bullet-parity"):
        distances, _ = fly("drones/Hover-v0", law, vehicle=vehicle, model=model)
        assert distances[240:].mean() < 0.01


@pytest.mark.parametrize("law", [law for law in LAWS if law != "mpc"])
def test_the_gains_are_accounted_for_and_can_be_given(law):
    env = gymnasium.make("drones/Track-v0", engine="compiled")
    controller = gym_suite.make_controller(env, law)
    described = controller.describe()
    assert described["rule"] and described["source"]
    assert set(described["gains"]) == set(controller.gains_)
    assert all(entry["unit"] for entry in described["gains"].values())
    name, value = next(iter(controller.gains_.items()))
    mine = gym_suite.make_controller(env, law, gains={name: 1.1 * np.asarray(value)})
    np.testing.assert_allclose(mine.gains_[name], 1.1 * np.asarray(value))
    rows = np.array([env.reset(seed=k)[0] for k in range(3)])
    assert np.abs(mine.predict(rows)[0] - controller.predict(rows)[0]).max() > 1e-6
    for wrong, error in (
        ({"gains": {name + "x": value}}, ValueError),
        ({"gains": {name: np.nan * np.asarray(value)}}, ValueError),
        ({"gains": {name: np.ones(7)}}, ValueError),
        ({"gains": 3.0}, TypeError),
    ):
        with pytest.raises(error, match="gain"):
            gym_suite.make_controller(env, law, **wrong)


def test_bad_settings_are_named():
    env = gymnasium.make("drones/Hover-v0", engine="compiled")
    for law, wrong, message in (
        ("lqr", {"position": 0.0}, "position"),
        ("lqr", {"comand": 1.0}, "'command'"),
        ("pid", {"tuning": "pear"}, "'peer'"),
        ("geometric", {"attitude_scale": -1.0}, "attitude_scale"),
    ):
        with pytest.raises(ValueError, match=message):
            gym_suite.make_controller(env, law, **wrong)
    rates = gymnasium.make("drones/Hover-v0", engine="compiled", action="rates")
    for law in LAWS:
        with pytest.raises(ValueError, match="action='rotors'"):
            gym_suite.make_controller(rates, law)


@pytest.mark.bullet
@pytest.mark.parametrize("law", LAWS)
def test_a_law_that_cannot_see_the_state_says_so(law):
    env = gymnasium.make("drones/Hover-v0", observation="rgb")
    with pytest.raises(ValueError, match="'state' in observation"):
        gym_suite.make_controller(env, law)
    env.close()


@pytest.mark.parametrize("law", LAWS)
def test_a_law_flies_each_drone_of_several_as_it_flies_one(law):
    joint = gymnasium.make("drones/MultiHover-v0", engine="compiled")
    controller = gym_suite.make_controller(joint, law)
    rows = np.array([joint.reset(seed=k)[0] for k in range(4)])
    together, state = controller.predict(rows)
    together_2, _ = controller.predict(rows[::-1], state)
    width = rows.shape[1] // 2
    for j in range(2):
        mine = rows[:, j * width : (j + 1) * width]
        alone, state = controller.predict(mine)
        np.testing.assert_array_equal(alone, together[:, 4 * j : 4 * j + 4])
        alone_2, _ = controller.predict(mine[::-1], state)
        np.testing.assert_array_equal(alone_2, together_2[:, 4 * j : 4 * j + 4])


@pytest.mark.parametrize("id", ("drones/RotorFailure-v0", "drones/MultiHover-v0"))
def test_a_law_that_is_told_what_was_done_believes_the_speeds_that_the_rotors_have(id):
    """Random commands stand in for its answers: untold, it would believe in what it would have commanded."""
    envs = gymnasium.make_vec(id, 4, engine="compiled", vehicle="race", failure=None)
    law = gym_suite.make_controller(envs, "indi" if "Multi" in id else "relaxed")
    drones = envs.single_action_space.shape[0] // 4
    observation, _ = envs.reset(seed=0)
    generator, state = np.random.default_rng(0), None
    for _ in range(12):
        answer, state = law.predict(observation, state)
        taken = np.clip(answer + generator.uniform(-0.3, 0.3, answer.shape), -1.0, 1.0)
        before, state = state, law.overruled(state, answer, taken)
        observation, _, ended, _, _ = envs.step(taken.astype(np.float32))
        assert not ended.any()
    suffixes = [f"_{k}" for k in range(drones)] if drones > 1 else [""]
    names = [f"rotor_{k}{suffix}" for suffix in suffixes for k in range(4)]
    true = np.array([envs.unwrapped.state()[name] for name in names]).T.reshape(-1, 4)
    believed, untold = (
        each.reshape(len(true), -1)[:, law.memory["rotors"]] + law._even for each in (state, before)
    )
    np.testing.assert_allclose(believed, true, rtol=1e-5)
    assert np.abs(untold / true - 1.0).max() > 1e-3
    one = law.overruled(before[0], answer[0], taken[0])
    np.testing.assert_array_equal(one, state[0])


# ------------------------------------------------------------------------------ incremental dynamic inversion

PUSHED = {
    "nominal": {},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "noise": {"noise": 0.01},
    "force": {"disturbance": {"force_x": {"kind": "prbs", "amplitude": 0.01, "period": 0.5}}},
}


@pytest.mark.parametrize("setting", PUSHED)
@pytest.mark.parametrize("id", IDS)
def test_mellinger_s_law_loses_no_drone_in_any_setting(id, setting):
    distances, _ = fly(id, "mellinger", **PUSHED[setting])
    assert np.isfinite(distances).all()
    assert distances[-60:].mean() < 0.03


@pytest.mark.parametrize("setting", PUSHED)
@pytest.mark.parametrize("id", ["drones/Hover-v0", "drones/Track-v0"])
@pytest.mark.parametrize("law", ["indi", "mpc"])
def test_strong_laws_stand_above_geometric_control(id, setting, law):
    keywords = PUSHED[setting]
    distances, own = fly(id, law, **keywords)
    assert np.isfinite(distances).all()
    assert own.mean() > fly(id, "geometric", **keywords)[1].mean()


@pytest.mark.parametrize("law", ["pid", "lqr", "geometric"])
@pytest.mark.parametrize("id", ["drones/Hover-v0", "drones/Track-v0"])
def test_a_law_whose_gains_were_searched_fits_its_task(id, law):
    """Searched with the steps of a training on plants that differ: above the rule there, near it elsewhere.

    On other seeds than the search's. PID is above its rule in each setting, the others pay at most 2 % in one.
    """
    gains = load_gains(shipped_gains(id, f"{law}-tuned"), id)
    about = gains.about
    assert about["steps"] <= gym_suite.card(id).protocol.budget and about["trials"] > 100
    assert {purpose_of(seed) for seed in about["seeds"]["episodes"]} == {"tuning"}
    assert "+" not in about["commit"], "the sources were not those of a commit"
    for setting, keywords in PUSHED.items():
        distances, own = fly(id, gains.load, first=60_000, **keywords)
        assert np.isfinite(distances).all(), setting
        gain = own.mean() / fly(id, law, first=60_000, **keywords)[1].mean()
        assert gain > (1.0 if law == "pid" or setting == "mismatch" else 0.98), setting
    nominal = fly(id, gains.load, first=60_000)[1].mean()
    assert nominal > 0.8 * fly(id, "geometric", first=60_000)[1].mean()


@pytest.mark.parametrize("axis", range(3))
def test_a_constant_force_is_found_and_undone_without_an_integral(axis):
    push = [0.0, 0.0, 0.0]
    push[axis] = 0.02
    disturbance = {f"force_{a}": f for a, f in zip("xyz", push, strict=True)}
    env = gymnasium.make("drones/Hover-v0", engine="compiled", disturbance=disturbance, **STILL)
    law = gym_suite.make_controller(env, "indi")
    observation, _ = env.reset(seed=0)
    state = None
    for _ in range(300):
        action, state = law.predict(observation, state)
        observation, _, _, _, info = env.step(action)
    mass = env.unwrapped.nominal.parameters["mass"]
    found = state[law.memory["force"]]
    np.testing.assert_allclose(found, np.array(push) / mass, atol=0.01)
    assert info["distance"] < 0.003
    assert (state[law.memory["integrals"]] == 0.0).all()


# ------------------------------------------------------------------------------------- predictive control


def test_predictive_control_is_the_regulator_where_no_limit_is_met():
    env = gymnasium.make("drones/Track-v0", engine="compiled", **STILL)
    weights = {"position": 0.1, "velocity": 0.3, "integral": 0.15, "reach": 4.0}
    mpc = gym_suite.make_controller(env, "mpc", **weights)
    lqr = gym_suite.make_controller(env, "lqr", **weights)
    observation, _ = env.reset(seed=3)
    one = two = None
    for _ in range(100):
        action, one = mpc.predict(observation, one)
        same, two = lqr.predict(observation, two)
        np.testing.assert_allclose(action, same, atol=1e-5)
        observation = env.step(action)[0]


@pytest.mark.parametrize("seed", range(5))
def test_its_program_is_solved_within_the_limits(seed):
    """Against SciPy's bounded least squares of the same cost; its first commands are what is applied."""
    law = gym_suite.make_controller(gymnasium.make("drones/Hover-v0", engine="compiled"), "mpc")
    generator = np.random.default_rng(seed)
    size = len(law._gradient)
    hessian = np.linalg.inv(law._inverse) - law._penalty * np.eye(size)
    start = np.zeros((1, law._gradient.shape[1]))
    start[0, :3] = generator.uniform(-0.3, 0.3, 3)
    start[0, 3:5] = generator.uniform(-0.3, 0.3, 2)
    start[0, 6:9] = generator.uniform(-0.5, 0.5, 3)
    kept = np.full((1, 4), law._hover)
    root = np.linalg.cholesky(hessian).T
    low, high = (np.tile(bound - kept[0], size // 4) for bound in law._bounds)
    while (np.abs(law._free @ start[0]) < 1.5 * high[0]).all():
        start *= 1.2  # until a limit is met
    given = law._feedback(start, kept)[0]
    target = -np.linalg.solve(root.T, law._gradient @ start[0])
    exact = lsq_linear(root, target, bounds=(low, high), tol=1e-12)
    np.testing.assert_allclose(given, exact.x[:4], atol=0.02 * (high[0] - low[0]))
