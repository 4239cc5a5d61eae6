"""What the tasks ask for: references, episodes, rewards and refusals."""

import csv
import math
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.envs.cycles import drive_cycle
from gym_suite.motors.machines import PMSM, SETS
from gym_suite.motors.quantities import T


def rollout(envs, steps, act=None, seed=0):
    observation, info = envs.reset(seed=seed)
    generator = np.random.default_rng(7)
    infos, rewards = [info], []
    for _ in range(steps):
        action = np.zeros(envs.action_space.shape) if act is None else act(observation, generator)
        observation, reward, _, _, info = envs.step(action)
        infos.append(info)
        rewards.append(reward)
    return infos, np.array(rewards)


@pytest.mark.parametrize("machine", ["PMSM", "HSM16.17.12-C01"])
def test_current_references_can_be_held_with_the_voltage_there_is(machine):
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=200, machine=machine)
    infos, _ = rollout(envs, 1)
    p = envs.unwrapped.nominal.parameters
    i_d, i_q = (infos[0][name] for name in ("i_sd_ref", "i_sq_ref"))
    omega_e = p["p"] * infos[0]["omega"]
    u_d = p["r_s"] * i_d - omega_e * p["l_q"] * i_q
    u_q = p["r_s"] * i_q + omega_e * (p["l_d"] * i_d + p["psi_p"])
    assert np.hypot(u_d, u_q).max() <= p["u_dc"] / math.sqrt(3)
    assert np.hypot(i_d, i_q).max() <= p["i_nominal"]
    assert np.hypot(i_d, i_q).std() > 20.0
    assert 0.0 <= infos[0]["omega"].min() < infos[0]["omega"].max() <= p["omega_nominal"]


@pytest.mark.parametrize(
    ("id", "action"),
    [("gem/PMSM-v0", (0.3, -0.1)), ("gem/PermExDc-v0", (0.3,)), ("gem/EESM-v0", (0.1, 0.2, -0.3))],
)
def test_effort_costs_the_mean_square_of_the_action_and_smoothness_that_of_its_change(id, action):
    env = gymnasium.make(id, weights={"effort": 0.3, "smoothness": 0.2})
    env.reset(seed=0)
    action = np.array(action)
    *_, first = env.step(action)
    *_, info = env.step(-0.5 * action)
    mean = np.mean(np.square(action))
    assert first["reward_effort"] == pytest.approx(-0.3 * mean, rel=1e-6)
    assert info["reward_effort"] == pytest.approx(-0.3 * 0.25 * mean, rel=1e-6)
    assert info["reward_smoothness"] == pytest.approx(-0.2 * 2.25 * mean, rel=1e-6)


def test_references_step_every_20_ms():
    env = gymnasium.make("gem/PMSM-v0")
    infos, _ = rollout_single(env, 601)
    reference = np.array([info["i_sd_ref"] for info in infos[1:]])
    assert np.flatnonzero(np.diff(reference)).tolist() == [198, 398, 598]


def rollout_single(env, steps):
    _, info = env.reset(seed=0)
    controller = gym_suite.make_controller(env)
    observation, state, infos, observations = env.reset(seed=0)[0], None, [info], []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, _, _, info = env.step(action)
        infos.append(info)
        observations.append(observation)
    return infos, np.array(observations)


def test_preview_shows_what_comes():
    env = gymnasium.make("gem/PMSM-v0", preview=2, preview_interval=0.005)
    columns = env.unwrapped.setup.observation_columns
    assert columns.names[-4:] == ("i_sd_ref_1", "i_sq_ref_1", "i_sd_ref_2", "i_sq_ref_2")
    _, observations = rollout_single(env, 500)
    now = observations[:, columns.index("i_sd_ref")]
    for k in (1, 2):
        ahead = observations[:, columns.index(f"i_sd_ref_{k}")]
        assert np.array_equal(ahead[: -50 * k], now[50 * k :])


def test_random_policy_survives_about_a_hundred_steps():
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=200)
    envs.reset(seed=0)
    generator = np.random.default_rng(0)
    alive, steps = np.ones(200, dtype=bool), np.zeros(200)
    while alive.any() and steps.max() < 2000:
        _, _, terminated, _, _ = envs.step(generator.uniform(-1, 1, (200, 2)))
        steps += alive
        alive &= ~terminated
    assert 70 < steps.mean() < 200


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/PMSM-Speed-v0"])
def test_an_early_end_never_pays(id):
    """Whatever the weights, tripping now earns less than staying with the worst possible actions."""
    weights = {"effort": 0.3, "smoothness": 0.2}
    env = gymnasium.make(id, weights=weights).unwrapped
    p = env.nominal.parameters
    horizon = env.setup.horizon or 2000
    worst_step = p["weight_effort"] + 4.0 * p["weight_smoothness"]
    assert p["penalty_trip"] > horizon * worst_step
    with pytest.raises(ValueError, match="early end attractive"):
        gymnasium.make(id, weights=weights, penalty_trip=1.0)


def test_trip_ends_the_episode_and_costs():
    env = gymnasium.make("gem/PMSM-v0", speed=0.0)
    env.reset(seed=0)
    for _ in range(100):
        _, reward, terminated, truncated, info = env.step([1.0, 0.0])
        if terminated:
            break
    assert terminated and not truncated
    assert math.hypot(info["i_sd"], info["i_sq"]) > 400.0
    assert info["violation"] == 1.0 and info["reward_trip"] == -1.0
    assert reward == sum(v for k, v in info.items() if k.startswith("reward_"))


def test_drive_cycle_table_is_the_regulations():
    table = drive_cycle()
    assert table.shape == (1801, 2)
    assert table[:, 1].max() * 3.6 == pytest.approx(131.3)
    assert (table[:, 1] * 3.6).sum() == pytest.approx(83758.6, abs=0.05)
    # 23.266 km is the distance that the regulation states for class 3b.
    assert np.trapezoid(table[:, 1], table[:, 0]) == pytest.approx(23266, rel=1e-3)
    path = Path(__file__).parents[2] / "gym_suite/motors/data/wltc_class3b.csv"
    rows = [r for r in csv.reader(path.read_text().splitlines()) if r[0].isdigit()]
    assert len(rows) == 1801


def test_any_window_of_the_drive_cycle():
    env = gymnasium.make("gem/PMSM-DriveCycle-v0", window=20.0, start=600.0)
    _, info = env.reset(seed=0)
    table = drive_cycle()
    assert info["v"] == pytest.approx(np.interp(600.0, *table.T), abs=1e-12)
    infos, truncated, steps = [], False, 0
    while not truncated:
        _, _, _, truncated, info = env.step([0.0])
        infos.append(info)
        steps += 1
    assert steps == 2000
    expected = np.interp(600.0 + 0.01 * np.arange(1, 2001), *table.T)
    assert np.allclose([info["v_ref"] for info in infos], expected, atol=1e-9)
    starts = {
        float(gymnasium.make("gem/PMSM-DriveCycle-v0").unwrapped.reset(seed=s)[1]["v_ref"])
        for s in range(5)
    }
    assert len(starts) > 1
    full = gymnasium.make("gem/PMSM-DriveCycle-v0", window="full").unwrapped
    assert full.setup.horizon == 180000


def test_drive_cycle_by_direct_voltage():
    env = gymnasium.make("gem/PMSM-DriveCycle-v0", control="voltage", window=5.0, start=700.0)
    assert env.unwrapped.dt == 1e-4
    assert env.action_space.shape == (2,)
    controller = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    state, errors = None, []
    for _ in range(5000):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        errors.append(info["v"] - info["v_ref"])
    assert np.abs(errors[1000:]).max() < 0.1


def test_tables_are_shared_by_all_rows():
    envs = gymnasium.make_vec("gem/PMSM-DriveCycle-v0", num_envs=512).unwrapped
    cycle = envs.setup.tables[T.cycle]
    assert cycle.shape == (1801, 2)
    assert not cycle.flags.writeable


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        ("gem/PMSM-v0", {"machne": "PMSM"}, "'machine'"),
        ("gem/PMSM-v0", {"machine": "HSM16"}, "HSM16.17.12-C01"),
        ("gem/PMSM-v0", {"machine": {"l_d": -1e-4}}, "l_d must be greater than 0"),
        ("gem/PMSM-v0", {"frame": "abx"}, "'abc'"),
        ("gem/PMSM-Speed-v0", {"machine": {"i_limit": 1e300}}, "i_limit must be .* at most 1e.09"),
        ("gem/SCIM-Speed-v0", {"machine": {"omega_nominal": 1e300}}, "omega_nominal .* 1e.09"),
        ("gem/PMSM-v0", {"speed": 1000.0}, "speed must lie in"),
        ("gem/PMSM-v0", {"speed": (5.0, 1.0)}, "lowest"),
        ("gem/PMSM-v0", {"weights": {"i_d": 1.0}}, "'i_sd'"),
        ("gem/PMSM-v0", {"reference": {"i_sx": 1.0}}, "'i_sd'|'i_sq'"),
        ("gem/PMSM-v0", {"mismatch": {"rs": 1.1}}, "'r_s'"),
        ("gem/PMSM-v0", {"mismatch": {"r_s": -1.0}}, "greater than 0"),
        ("gem/PMSM-v0", {"noise": {"i_d": 1.0}}, "'i_sd'"),
        ("gem/PMSM-v0", {"noise": -0.1}, "noise must be at least 0, got -0.1"),
        ("gem/PMSM-v0", {"delay": 1.5}, "whole number"),
        ("gem/PMSM-v0", {"disturbance": {"torque": 1.0}}, "'torque_load'"),
        ("gem/PMSM-v0", {"disturbance": {"u_sd": {"kind": "sinus"}}}, "'sine'"),
        ("gem/PMSM-v0", {"disturbance": {"torque_load": 1.0}}, "holds its speed"),
        ("gem/PMSM-v0", {"dead_time": "no"}, "dead_time must be True or False"),
        ("gem/PMSM-v0", {"load": {"kind": "constant_speed", "omega": "x"}}, "omega must be a num"),
        ("gem/PMSM-v0", {"window": 5.0}, "unknown keyword"),
        ("gem/PMSM-Speed-v0", {"duration": -1.0}, "duration must be greater than 0"),
        ("gem/PMSM-Speed-v0", {"load": {"j_total": float("nan")}}, "j_total must be a finite"),
        ("gem/PMSM-Speed-v0", {"load": "constant_speed"}, "holds it"),
        ("gem/PMSM-Speed-v0", {"control": "torque", "control_period": 3.3e-4}, "whole number of"),
        ("gem/PMSM-DriveCycle-v0", {"load": "polynomial_static"}, "vehicle"),
        ("gem/PMSM-DriveCycle-v0", {"window": 5000.0}, "window"),
        ("gem/PMSM-DriveCycle-v0", {"window": 60.0, "start": 1790.0}, "start must lie in"),
        ("gem/PMSM-DriveCycle-v0", {"load": {"kind": "vehicle", "mass": 0.0}}, "mass"),
    ],
)
@pytest.mark.parametrize("maker", [gymnasium.make, gymnasium.make_vec])
def test_bad_keywords_are_refused(maker, id, keywords, message):
    with pytest.raises(ValueError, match=message):
        maker(id, **keywords)


def test_weights_that_are_no_mapping_are_refused():
    with pytest.raises(TypeError, match="weights must map reward terms"):
        gymnasium.make("gem/PMSM-v0", weights=[1.0, 1.0])


def test_many_worlds_need_at_least_one_step():
    with pytest.raises(ValueError, match="max_episode_steps must be a whole number of at least 1"):
        gymnasium.make_vec("gem/PMSM-v0", num_envs=2, max_episode_steps=0)


def test_controllers_of_other_packages_environments_are_refused():
    with pytest.raises(TypeError, match="of this package"):
        gym_suite.make_controller(gymnasium.make("CartPole-v1"))


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(ValueError, match="gem/PMSM-v0"):
        gym_suite.card("gem/PSMS-v0")
    with pytest.raises(gymnasium.error.NameNotFound, match="PMSM"):
        gymnasium.make("gem/PMSN-v0")


def test_machine_as_mapping_or_dataclass_or_name():
    for machine in ({"r_s": 0.02}, PMSM(r_s=0.02), {"base": "PMSM", "r_s": 0.02}):
        env = gymnasium.make("gem/PMSM-v0", machine=machine).unwrapped
        assert env.nominal.parameters["r_s"] == 0.02
    brusa = gymnasium.make("gem/PMSM-v0", machine="HSM16.17.12-C01").unwrapped
    assert brusa.nominal.parameters["psi_p"] == 65.65e-3
    assert brusa.nominal.parameters["u_dc"] == 350.0


def test_every_number_of_a_machine_names_its_source():
    def sources(machine):
        columns = gymnasium.make("gem/PMSM-v0", machine=machine).unwrapped.setup.parameter_columns
        return {name: columns[name].source for name in ("r_s", "l_d", "psi_p", "j_rotor")}

    assert set(sources("PMSM").values()) == {SETS["PMSM"].source}
    brusa = sources("HSM16.17.12-C01")
    assert "Brusa" in brusa["l_d"] and "not published" in brusa["j_rotor"]
    changed = sources({"base": "HSM16.17.12-C01", "r_s": 0.02})
    assert changed == brusa | {"r_s": "user"}


def test_mismatch_leaves_the_nominal_parameters_alone():
    env = gymnasium.make("gem/PMSM-v0", mismatch={"l_d": 1.3, "r_s": (0.5, 2.0)}).unwrapped
    env.reset(seed=0)
    assert env.nominal.parameters["l_d"] == 0.37e-3
    plant = env._rows.p[0]
    assert plant[env.setup.parameter_columns.index("l_d")] == pytest.approx(1.3 * 0.37e-3)
    factors = []
    for _ in range(50):
        env.reset()
        factors.append(env._rows.p[0, env.setup.parameter_columns.index("r_s")] / 18e-3)
    assert 0.5 <= min(factors) < 0.8 and 1.7 < max(factors) <= 2.0


def test_the_nominal_model_knows_neither_disturbance_nor_noise():
    reference = {"i_sq": 20.0}
    plain = gymnasium.make("gem/PMSM-v0", reference=reference).unwrapped
    disturbed = gymnasium.make(
        "gem/PMSM-v0", reference=reference, disturbance={"u_sd": 20.0}
    ).unwrapped
    for env in (plain, disturbed):
        env.reset(seed=0)
    x, action = plain._rows.x, np.array([0.1, 0.2])
    ours, theirs = (env.nominal.advance(x, action) for env in (plain, disturbed))
    assert np.array_equal(ours, theirs)
    column = plain.setup.state_columns.index("i_sd")
    moved = [env.step(action)[4]["i_sd"] for env in (plain, disturbed)]
    assert moved[0] == ours[0, column] and moved[1] > moved[0] + 1.0

    clean = gymnasium.make("gem/PMSM-DriveCycle-v0").unwrapped
    noisy = gymnasium.make("gem/PMSM-DriveCycle-v0", noise=0.01).unwrapped
    assert noisy.nominal.parameters == clean.nominal.parameters
    for env in (clean, noisy):
        env.reset(seed=0)
    moved = [env.step([0.5])[4]["i_sq"] for env in (clean, noisy)]
    assert moved[0] != moved[1]


def test_delay_makes_actions_late():
    late, punctual = (gymnasium.make("gem/PMSM-v0", delay=d).unwrapped for d in (3, 0))
    late.reset(seed=0)
    punctual.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-0.3, 0.3, (50, 2))
    for k in range(50):
        _, _, _, _, info = late.step(actions[k])
        _, _, _, _, other = punctual.step(actions[k - 3] if k >= 3 else np.zeros(2))
        assert info["i_sd"] == other["i_sd"]


def test_noise_is_on_the_measurements_only():
    noisy = gymnasium.make("gem/PMSM-v0", noise={"i_sd": 4.0}).unwrapped
    clean = gymnasium.make("gem/PMSM-v0").unwrapped
    noisy.reset(seed=0)
    clean.reset(seed=0)
    seen = []
    for _ in range(1000):
        measured, _, _, _, info = noisy.step(np.zeros(2))
        exact, _, _, _, truth = clean.step(np.zeros(2))
        assert info["i_sd"] == truth["i_sd"]
        assert np.array_equal(measured[1:], exact[1:])
        seen.append(400.0 * (float(measured[0]) - float(exact[0])))
    assert np.std(seen) == pytest.approx(4.0, rel=0.1)
    assert np.mean(seen) == pytest.approx(0.0, abs=0.5)
