"""Leaders with followers, drones that cross above one another: targets, ends, and the laws that fly there."""

import re
from importlib import resources

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.drones.columns import GROUP, TABLES

LEADER, CROSSING = "drones/LeaderFollower-v0", "drones/Crossing-v0"
IDS = (LEADER, CROSSING, "drones/Pursuit-v0")
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
SETTINGS = ({}, {"noise": 0.01}, {"mismatch": 0.3}, {"delay": 1})
BULLET = pytest.param("bullet", marks=pytest.mark.bullet)


def vector(state, name, drone):
    return np.array([state[f"{name}_{a}_{drone}"][0] for a in "xyz"])


def fly(id, law=None, *, seeds=20, steps=479, **keywords):
    """Return which worlds lost nobody, and the infos of all steps: by name, (steps, worlds)."""
    envs = gymnasium.make_vec(id, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, state = envs.reset(seed=0)[0], None
    alive, infos = np.ones(seeds, bool), []
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, ended, _, info = envs.step(action)
        infos.append({name: np.where(alive, value, np.nan) for name, value in info.items()})
        alive &= ~ended
    envs.close()
    return alive, {name: np.array([info[name] for info in infos]) for name in infos[0]}


def page(name):
    folder = resources.files("gym_suite.drones") / "pages"
    return " ".join((folder / f"task_{name}.md").read_text("utf-8").split())


# ---------------------------------------------------------------------------------------------------- the leader


@pytest.mark.parametrize("engine", ["compiled", BULLET])
def test_followers_are_to_be_beside_where_the_leader_is(engine):
    offsets = [(-0.5, 0.6, 0.1), (0.2, -0.7, -0.2), (-1.0, 0.0, 0.3)]
    env = gymnasium.make(LEADER, engine=engine, drones=4, offsets=offsets).unwrapped
    env.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(30):
        state = env.state()
        place, speed = vector(state, "position", 0), vector(state, "velocity", 0)
        assert np.linalg.norm(place - vector(state, "target", 0)) > 1e-3  # it is off its path
        for j, offset in enumerate(offsets, start=1):
            np.testing.assert_allclose(vector(state, "target", j), place + offset, atol=1e-12)
            np.testing.assert_array_equal(vector(state, "target_velocity", j), speed)
        _, _, ended, _, info = env.step(rng.uniform(-0.3, 0.3, 16))
        gaps = [info[f"target_distance_{j}"] for j in range(4)]
        assert info["leader_distance"] == gaps[0]
        assert info["follower_distance"] == pytest.approx(np.mean(gaps[1:]))
        assert not ended
    env.close()


def test_the_leader_flies_the_path_that_a_lone_drone_would():
    path = {"kind": "circle", "size": 0.7, "rise": 0.2}
    leader = gymnasium.make(LEADER, engine="compiled", path=path, **STILL).unwrapped
    alone = gymnasium.make("drones/Track-v0", engine="compiled", path=path, **STILL).unwrapped
    leader.reset(seed=5), alone.reset(seed=5)
    for _ in range(20):
        for name in ("target", "target_velocity", "target_acceleration"):
            one = np.array([alone.state()[f"{name}_{a}"][0] for a in "xyz"])
            np.testing.assert_array_equal(vector(leader.state(), name, 0), one)
        leader.step(np.zeros(12)), alone.step(np.zeros(4))


def test_the_wedge_is_behind_the_leader_and_nobody_in_it_is_near_another():
    env = gymnasium.make(LEADER, engine="compiled", drones=9, spacing=0.7, **STILL).unwrapped
    env.reset(seed=0)
    places = np.array([vector(env.state(), "position", j) for j in range(9)])
    beside = places - places[0]
    assert (beside[1:, 0] < 0.0).all() and np.abs(beside[:, 2]).max() < 1e-12
    assert (np.sign(beside[1:, 1]) == [1, -1] * 4).all()
    np.testing.assert_allclose(np.linalg.norm(beside[1:], axis=1), 0.7 * np.repeat([1, 2, 3, 4], 2))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 9.0 * np.eye(9)
    assert apart.min() == pytest.approx(0.7)


def test_nobody_is_told_what_comes_next():
    env = gymnasium.make(LEADER, engine="compiled").unwrapped
    names = env.setup.observation_columns.names
    assert not [name for name in names if "acceleration" in name]
    assert [name for name in names if name.startswith("target_velocity")]


@pytest.mark.parametrize("keywords", [{"noise": 0.05}, {"sensors": {"velocity_noise": 0.1}}])
def test_what_is_known_of_another_ones_motion_is_measured(keywords):
    """The leader of its path knows it exactly only where no noise is on all that is observed."""
    exact = gymnasium.make(LEADER, engine="compiled").unwrapped
    noisy = gymnasium.make(LEADER, engine="compiled", **keywords).unwrapped
    at = exact.setup.observation_columns.index("target_velocity_x")
    gaps = []
    for seed in range(10):
        (one, _), (other, _) = exact.reset(seed=seed), noisy.reset(seed=seed)
        gaps.append((one - other).reshape(3, -1)[1:, at])
    assert 0.01 < np.std(gaps) < 0.3


def test_a_state_that_is_given_takes_the_targets_of_the_followers_along():
    env = gymnasium.make(LEADER, engine="compiled").unwrapped
    moved = {"position_x_0": 0.3, "velocity_z_0": 0.2}
    observation, _ = env.reset(seed=0, options={"state": moved})
    state, columns = env.state(), env.setup.observation_columns
    for j in (1, 2):
        assert vector(state, "target", j)[0] < 0.3 and vector(state, "target_velocity", j)[2] == 0.2
        error = vector(state, "target", j) - vector(state, "position", j)
        at = columns.index("error_x")
        np.testing.assert_allclose(observation.reshape(3, -1)[j, at : at + 3], error, atol=1e-6)


def test_who_loses_the_leader_ends_uncharged_and_who_loses_a_follower_goes_on():
    env = gym_suite.parallel_env(LEADER, engine="compiled", yaw=0.3)
    for lost, left in (("0", set()), ("1", {"drone_0", "drone_2"})):
        low = {f"position_z_{lost}": 0.0135, f"velocity_z_{lost}": -0.2}
        env.reset(seed=0, options={"state": low})
        idle = {agent: np.zeros(4, np.float32) for agent in env.agents}
        _, rewards, ended, *_ = env.step(idle)
        assert set(env.agents) == left
        assert {agent for agent, over in ended.items() if not over} == left
        charged = {agent for agent, reward in rewards.items() if reward < -5.0}
        assert charged == {f"drone_{lost}"}
    env.close()


def test_following_is_as_near_as_the_page_says_and_nobody_is_lost():
    said = re.search(
        r"followers are ([\d.]+) m off their places in the nominal setting, under `indi` ([\d.]+) m and "
        r"under `geometric` ([\d.]+) m",
        page("leader_follower"),
    )
    assert said
    for law, figure in zip(("following", "indi", "geometric"), said.groups(), strict=True):
        alive, infos = fly(LEADER, law)
        assert alive.all()
        assert round(infos["follower_distance"][120:].mean(), 2) == float(figure)
    for setting in SETTINGS[1:]:
        alive, _ = fly(LEADER, "following", **setting)
        assert alive.all()
    alive, _ = fly(LEADER, "geometric", mismatch=0.3)
    assert np.count_nonzero(~alive) == 1


def test_a_law_without_a_target_of_this_kind_is_refused():
    from gym_suite.drones.controllers.following import Following

    for id in ("drones/Hover-v0", CROSSING):
        with pytest.raises(ValueError, match="flies drones/LeaderFollower-v0"):
            Following().for_env(gymnasium.make(id, engine="compiled"))
    env = gymnasium.make(LEADER, engine="compiled")
    with pytest.raises(ValueError, match="smoothing"):
        gym_suite.make_controller(env, "following", smoothing=0.0)


# ------------------------------------------------------------------------------------------------------- crossing


def test_lines_cross_at_staggered_heights_and_the_motion_is_the_derivative_of_the_places():
    way, period, count, rate = 0.9, 3.0, 3, 240
    keywords = {"way": way, "period": period, "apart": 0.35, "drones": count, "bound": 90.0}
    env = gymnasium.make(
        CROSSING, engine="compiled", control_frequency=rate, **keywords, **STILL
    ).unwrapped
    env.reset(seed=6)
    seen = {name: [] for name in ("target", "target_velocity", "target_acceleration")}
    for _ in range(round(period * rate) + 1):
        state = env.state()
        for name, rows in seen.items():
            rows.append([vector(state, name, j) for j in range(count)])
        env.rows_step = env.step(np.zeros(4 * count))
    place, speed, gain = (np.array(rows) for rows in seen.values())
    t = np.arange(len(place)) / rate
    np.testing.assert_allclose(place[..., 2], np.tile(0.7 + 0.35 * np.arange(count), (len(t), 1)))
    begins = place[0, :, :2]
    np.testing.assert_allclose(np.linalg.norm(begins, axis=1), way)
    turned = np.arctan2(begins[:, 1], begins[:, 0])
    np.testing.assert_allclose(np.mod(np.diff(turned), 2 * np.pi), np.pi / count)
    along = np.cos(2 * np.pi * t / period)
    np.testing.assert_allclose(place[..., :2], along[:, None, None] * begins, atol=1e-9)
    middle = round(0.25 * period * rate)  # all are there at the same time
    np.testing.assert_allclose(place[middle, :, :2], 0.0, atol=1e-9)
    h = 1.0 / rate
    slope = (place[2:] - place[:-2]) / (2 * h)
    bend = (place[2:] - 2 * place[1:-1] + place[:-2]) / h**2
    w = 2 * np.pi / period
    np.testing.assert_allclose(speed[1:-1], slope, atol=way * w**3 * h**2)
    np.testing.assert_allclose(gain[1:-1], bend, atol=way * w**4 * h**2)
    env.close()


def test_each_episode_turns_the_star_anew():
    env = gymnasium.make(CROSSING, engine="compiled", **STILL).unwrapped
    angles = []
    for seed in range(8):
        env.reset(seed=seed)
        x, y, _ = vector(env.state(), "target", 0)
        angles.append(np.arctan2(y, x))
    assert np.ptp(angles) > 2.0


def test_downwash_pushes_the_lower_one_as_the_page_says():
    text = page("crossing")
    (share,) = re.findall(r"drone 0 meets comes to ([\d.]+) of its weight", text)
    rows = re.findall(r"\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|", text)
    assert [law for law, *_ in rows] == ["geometric", "indi"]
    for law, blown, calm in rows:
        alive, infos = fly(CROSSING, law)
        assert alive.all()
        gap = np.nanmax(infos["target_distance_0"][120:], axis=0).mean()
        assert round(gap, 3) == float(blown)
        assert round(np.nanmax(infos["downwash_0"], axis=0).mean(), 2) == float(share)
        assert np.nanmax(infos["downwash_1"]) == 0.0  # nobody is above the highest one
        low = np.argmin((infos["z_0"] - infos["target_z_0"])[120:], axis=0)
        assert (infos["downwash_0"][120:][np.maximum(low - 12, 0), np.arange(20)] > 0.02).any()
        alive, infos = fly(CROSSING, law, aerodynamics=("ground", "drag"))
        gap = np.nanmax(infos["target_distance_0"][120:], axis=0).mean()
        assert alive.all() and round(gap, 3) == float(calm)
        assert np.nanmax(infos["downwash_0"]) == 0.0
        for setting in SETTINGS[1:]:
            assert fly(CROSSING, law, **setting)[0].all()


def test_many_that_cross_press_the_lowest_one_down():
    for law in ("geometric", "indi"):
        alive, infos = fly(CROSSING, law, drones=4, seeds=10)
        assert alive.all() and 0.8 < np.nanmax(infos["downwash_0"]) < 1.1
        assert law == "geometric" or np.nanmax(infos["target_distance_0"][120:]) < 0.12
        alive, _ = fly(CROSSING, law, drones=10, seeds=10)
        assert not alive.any()


def test_downwash_in_info_is_the_force_that_moves_the_drone():
    """Two worlds alike but for the downwash: the lower drone's velocity differs by the force over its mass."""
    above = {"position_x_0": 0.0, "position_y_0": 0.0, "position_z_0": 1.0}
    above |= {"position_x_1": 0.02, "position_y_1": 0.0, "position_z_1": 1.6}
    fast = {"control_frequency": 240, **STILL}
    speeds, shares = [], []
    for effects in (("drag", "downwash"), ("drag",)):
        env = gymnasium.make(CROSSING, engine="compiled", aerodynamics=effects, **fast).unwrapped
        _, info = env.reset(seed=0, options={"state": above})
        shares.append(info["downwash_0"])
        env.step(np.zeros(8))
        speeds.append(env.state()["velocity_z_0"][0])
    gravity = env.nominal.parameters["gravity"]
    assert shares[0] > 0.2 and shares[1] == 0.0
    assert (speeds[1] - speeds[0]) * 240 / gravity == pytest.approx(shares[0], rel=1e-3)


# ---------------------------------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("id", IDS)
def test_the_joint_form_and_that_of_pettingzoo_are_the_same_world(id):
    joint, parallel = (
        gymnasium.make(id, engine="compiled"),
        gym_suite.parallel_env(id, engine="compiled"),
    )
    (seen, _), (each, _) = joint.reset(seed=3), parallel.reset(seed=3)
    agents, rng = parallel.agents, np.random.default_rng(1)
    for _ in range(25):
        np.testing.assert_array_equal(np.concatenate([each[agent] for agent in agents]), seen)
        action = rng.uniform(-0.2, 0.2, joint.action_space.shape).astype(np.float32)
        shares = dict(zip(agents, action.reshape(len(agents), -1), strict=True))
        seen, reward, *_ = joint.step(action)
        each, rewards, *_ = parallel.step(shares)
        assert np.mean(list(rewards.values())) == pytest.approx(reward, rel=1e-12)
    joint.close(), parallel.close()


@pytest.mark.parametrize("id", IDS)
def test_a_world_alone_is_a_row_of_many_and_threads_change_nothing(id):
    actions = np.random.default_rng(0).uniform(-0.2, 0.2, (20, 6, 100)).astype(np.float32)
    runs = []
    for threads in (1, 2):
        envs = gymnasium.make_vec(id, num_envs=6, engine="compiled", threads=threads)
        size = envs.single_action_space.shape[0]
        rows = [envs.reset(seed=9)[0]]
        for action in actions[:, :, :size]:
            observation, reward, ended, *_ = envs.step(action)
            rows.append(np.column_stack([observation, reward, ended]))
        runs.append(rows)
        envs.close()
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)
    env = gymnasium.make(id, engine="compiled")
    observation, _ = env.reset(seed=9 + 4)
    np.testing.assert_array_equal(observation, runs[0][0][4])
    for action, row in zip(actions[:, 4, :size], runs[0][1:], strict=True):
        observation, reward, ended, *_ = env.step(action)
        np.testing.assert_array_equal([*observation, reward, ended], row[4])


@pytest.mark.parametrize("id", IDS)
@pytest.mark.bullet
def test_both_engines_judge_alike(id):
    """In free flight they move nearly alike; targets, metrics and rewards are one function of the state."""
    envs = [gymnasium.make(id, engine=engine).unwrapped for engine in ("compiled", "bullet")]
    for env in envs:
        env.reset(seed=2)
    size = envs[0].action_space.shape
    rng = np.random.default_rng(3)
    for _ in range(40):
        action = rng.uniform(-0.1, 0.1, size).astype(np.float32)
        (o, r, e, _, i), (p, s, f, _, j) = (env.step(action) for env in envs)
        np.testing.assert_allclose(o, p, atol=2e-3)
        assert r == pytest.approx(s, abs=2e-3) and e == f
        assert i.keys() == j.keys()
        for name, value in i.items():
            assert j[name] == pytest.approx(value, rel=1e-3, abs=2e-3), name
    # what one engine has flown to the other one observes alike
    observed = envs[0].reset(
        seed=0, options={"state": {k: v[0] for k, v in envs[1].state().items()}}
    )
    for name, value in observed[1].items():
        if not name.startswith(("reward_", "violation")):
            assert value == pytest.approx(j[name], rel=1e-9, abs=1e-12), name
    for env in envs:
        env.close()


@pytest.mark.parametrize("id", IDS)
def test_a_restored_world_goes_on_as_it_did(id):
    env = gymnasium.make(id, engine="compiled").unwrapped
    env.reset(seed=1)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-0.1, 0.1, (20, *env.action_space.shape))
    for action in actions[:10]:
        env.step(action)
    kept = env.get_state()
    first = [env.step(action)[:2] for action in actions[10:]]
    env.reset(seed=5)
    env.set_state(kept)
    for (observation, reward), action in zip(first, actions[10:], strict=True):
        again = env.step(action)
        np.testing.assert_array_equal(again[0], observation)
        assert again[1] == reward


@pytest.mark.parametrize("vehicle", ["x500", "f550", "octorotor", "race"])
@pytest.mark.parametrize("id", IDS)
def test_other_vehicles_fly_them_by_default(id, vehicle):
    law = {LEADER: "following", CROSSING: "indi"}.get(id)
    alive, infos = fly(id, law, seeds=5, vehicle=vehicle)
    assert not np.nansum(infos["violation"])
    assert alive.all() or np.nansum(infos.get("caught", 0.0)) == 5


def test_a_hundred_follow():
    envs = gymnasium.make_vec(LEADER, num_envs=1, engine="compiled", drones=100)
    law = gym_suite.make_controller(envs, "following")
    observation, state = envs.reset(seed=0)[0], None
    for _ in range(60):
        action, state = law.predict(observation, state)
        observation, _, ended, _, info = envs.step(action)
        assert not ended.any()
    assert info["follower_distance"][0] < 0.1
    envs.close()


def test_no_other_id_has_what_groups_have():
    env = gymnasium.make("drones/Formation-v0", engine="compiled").unwrapped
    tables = env.setup.tables
    assert len(tables[TABLES.places.group]) == len(tables[TABLES.places.places]) == 0
    assert GROUP.names[0] == "kind"
    with pytest.raises(ValueError, match="offsets"):
        gymnasium.make("drones/Formation-v0", offsets=[(1, 0, 0)])


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        (LEADER, {"drones": 1}, "drones"),
        (LEADER, {"drones": 101}, "100"),
        (LEADER, {"spacing": 0.1}, r"3 drones 0.1 m from each other; they touch at 0.12 m"),
        (LEADER, {"offsets": [(1, 0, 0)]}, r"each of 2 followers, got shape \(1, 3\)"),
        (LEADER, {"offsets": [(1, 0, 0), (1, 0.1, 0)]}, "drones 1 and 2 0.1 m from each other"),
        (LEADER, {"offsets": [(0, 0.1, 0), (1, 0.1, 0)]}, "drones 0 and 1 0.1 m from each other"),
        (LEADER, {"offsets": [(1, 0, 0), (1, 1, np.nan)]}, "from -100 m to 100 m"),
        (
            LEADER,
            {"offsets": [(1, 0, 0), (1, 1, -0.9)]},
            r"drone 2 0.9 m below the leader, whose path comes down to 0.9 m; at most 0.84 m",
        ),
        (LEADER, {"path": "circel"}, "'circle'"),
        (LEADER, {"spacings": 0.4}, "'spacing'"),
        (LEADER, {"arena": 3.0}, "arena"),
        (CROSSING, {"apart": 0.1}, r"touch at 0.12 m; give more, 0.4 m is the default"),
        (CROSSING, {"way": 0.0}, "way"),
        (CROSSING, {"period": -1.0}, "period"),
        (CROSSING, {"period": 1.0}, r"ask for 23.7 m/s\^2.*has 19.7 m/s\^2.*period above 1.1 s"),
        (CROSSING, {"spacing": 0.4}, "spacing"),
    ],
)
def test_what_cannot_be_flown_together_is_refused(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, engine="compiled", **keywords)
