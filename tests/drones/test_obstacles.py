"""A field of pillars: where they stand, what rays see and what strikes, against search, marching and fine sampling."""

import re
from importlib.resources import files

import gymnasium
import numpy as np
import pytest
from scipy import ndimage

import gym_suite
from gym_suite.drones.obstacles import pillars_of
from gym_suite.drones.render import DroneRenderer, space_of
from gym_suite.drones.transforms import rotation

ID = "drones/Obstacles-v0"
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0}
OWN = 0.06
SETTINGS = {"nominal": {}, "noise": {"noise": 0.01}, "mismatch": {"mismatch": 0.3}}
SETTINGS["delay"] = {"delay": 1}


def world(**keywords):
    return gymnasium.make(ID, **({"engine": "compiled"} | keywords)).unwrapped


def standing(env):
    """Return the pillars of an environment, (n, 3): x, y, radius."""
    state = np.concatenate(list(env.state().values()))
    found = pillars_of(env.setup.tables, state)
    return found[found[:, 2] > 0.0]


def fly(law, *, seeds=20, steps=480, **keywords):
    """Return which drones reached the goal, which crashed, returns and the least way to a pillar of each."""
    envs = gymnasium.make_vec(ID, num_envs=seeds, **({"engine": "compiled"} | keywords))
    controller = gym_suite.make_controller(envs, law)
    observation, state = envs.reset(seed=0)[0], None
    alive, done, crashed = (np.full(seeds, value) for value in (True, False, False))
    total, clear, times = np.zeros(seeds), np.full(seeds, np.inf), np.zeros(seeds)
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, reward, ended, _, info = envs.step(action)
        total += reward * alive
        times += alive / 60.0
        done |= alive & (info["reached"] > 0.0)
        crashed |= alive & (info["violation"] > 0.0)
        clear = np.where(alive, np.minimum(clear, info["clearance"]), clear)
        alive &= ~ended
        if not alive.any():
            break
    envs.close()
    return done, crashed, total, clear, times


# ------------------------------------------------------------------------------------------------------- the field


@pytest.mark.parametrize(
    "keywords",
    [{}, {"pillars": 24, "gap": 0.13, "pillar_radius": (0.05, 0.3)}, {"pillars": 11, "reach": 0.1}],
)
def test_pillars_leave_their_gap_and_a_way_through_for_the_vehicle(keywords):
    env, gap = world(**keywords), keywords.get("gap", 0.45)
    least, most = keywords.get("pillar_radius", (0.12, 0.25))
    spacing, fewest = 0.02, []
    xs, ys = np.arange(-2.5, 2.5 + 1e-9, spacing), np.arange(-1.5, 1.5 + 1e-9, spacing)
    for seed in range(25):
        env.reset(seed=seed)
        x, y, r = standing(env).T
        fewest.append(len(r))
        assert (least <= r).all() and (r <= most).all()
        assert (np.abs(x) + r <= 2.0 + 1e-9).all() and (np.abs(y) <= 1.5).all()
        apart = (
            np.hypot(x[:, None] - x, y[:, None] - y) - r[:, None] - r + np.diag(np.full(len(r), 9))
        )
        assert apart.min() >= gap - 1e-12
        # search on a raster: places that the vehicle's middle may take, joined from one side to the other
        away = np.hypot(xs[:, None, None] - x, ys[None, :, None] - y) - r
        free = (away.min(axis=2) > OWN) & (np.abs(ys)[None] <= 1.5 - OWN)
        parts, _ = ndimage.label(free)
        state = env.state()
        column, line = (
            int(np.abs(a - state[f"position_{n}"][0]).argmin()) for a, n in ((xs, "x"), (ys, "y"))
        )
        assert parts[column, line] > 0
        assert parts[column, line] == parts[-1, int(np.abs(ys).argmin())]
    assert np.mean(fewest) > 0.97 * keywords.get("pillars", 8)


def test_pillars_come_from_the_key_alone_and_differ_between_episodes():
    env, vector = world(), gymnasium.make_vec(ID, num_envs=3, engine="compiled")
    vector.reset(seed=4)
    fields = []
    for seed in (4, 5, 6, 4):
        env.reset(seed=seed)
        fields.append(standing(env))
    np.testing.assert_array_equal(fields[0], fields[3])
    assert not np.array_equal(fields[0], fields[1])
    for row, field in zip(
        pillars_of(vector.unwrapped.setup.tables, vector.unwrapped._rows.x), fields, strict=False
    ):
        np.testing.assert_array_equal(row[row[:, 2] > 0.0], field)


# -------------------------------------------------------------------------------------------------------- the rays


def march(env, beams=16, angle=2.1, sight=3.0, step=1e-3):
    """Return how far one comes along each ray in small steps before a pillar or the floor holds one."""
    state = {name: value[0] for name, value in env.state().items()}
    turn = np.array(rotation(*(state[f"quaternion_{a}"] for a in "xyzw"))).reshape(3, 3)
    place = np.array([state[f"position_{a}"] for a in "xyz"]) + OWN * turn[:, 0]
    pillars, found = standing(env), []
    ways = np.arange(0.0, sight, step)
    for k in range(beams):
        to = angle * (0.5 - k / (beams - 1))
        ray = turn @ [np.cos(to), np.sin(to), 0.0]
        points = place + ways[:, None] * ray
        inside = (
            np.hypot(*(points[:, None, :2] - pillars[:, :2]).transpose(2, 0, 1)) < pillars[:, 2]
        )
        inside &= (points[:, 2:] < 2.5) & (points[:, 2:] > 0.0)
        hit = inside.any(axis=1) | (points[:, 2] < 0.0)
        found.append(ways[hit.argmax()] if hit.any() else sight)
    return np.array(found)


@pytest.mark.parametrize("tilt", [0.0, 0.6])
def test_rays_see_what_marching_along_them_finds(tilt):
    env, rng = world(), np.random.default_rng(int(10 * tilt))
    seen = []
    for seed in range(25):
        env.reset(seed=seed)
        while True:
            x, y, z = rng.uniform((-2.3, -1.3, 0.3), (1.5, 1.3, 2.2))
            if (np.hypot(*(standing(env)[:, :2] - [x, y]).T) - standing(env)[:, 2]).min() > OWN:
                break
        axis = rng.normal(size=3) * [1.0, 1.0, 0.0] + [0.0, 0.0, 1e-9]
        half = 0.5 * rng.uniform(-tilt, tilt)
        heading = rng.uniform(-np.pi, np.pi) / 2.0
        qx, qy = np.sin(half) * axis[:2] / np.linalg.norm(axis)
        c, s, w = np.cos(heading), np.sin(heading), np.cos(half)
        turned = (
            c * qx - s * qy,
            s * qx + c * qy,
            s * w,
            c * w,
        )  # tilted first, then turned about z
        state = dict(zip((f"quaternion_{a}" for a in "xyzw"), turned, strict=True))
        state |= {"position_x": x, "position_y": y, "position_z": z}
        observation, _ = env.reset(seed=seed, options={"state": state})
        expected = march(env)
        # a ray that touches a pillar may be found to by one and not by the other
        wrong = np.abs(observation[-16:] - expected) > 3e-3
        assert wrong.sum() <= 1
        seen.append(observation[-16:])
    seen = np.array(seen)
    assert (seen == 3.0).any() and (seen < 0.5).any()


def test_rays_go_from_left_to_right_and_turn_with_the_drone():
    env = world(beams=3, beam_angle=1.0, pillars=1, pillar_radius=0.2)
    env.reset(seed=0)
    (x, y, r), own = standing(env)[0], OWN
    for k, to in enumerate((0.5, 0.0, -0.5)):
        place = {"position_x": x - (0.6 + r) * np.cos(to), "position_y": y - (0.6 + r) * np.sin(to)}
        # the camera is ahead of the drone's middle, from which this ray would start
        place["position_x"] -= own
        seen, _ = env.reset(seed=0, options={"state": place | level()})
        assert seen[-3:][k] == pytest.approx(0.6, abs=1e-5)
        assert (np.delete(seen[-3:], k) > 0.6).all()
    seen, _ = env.reset(
        seed=0, options={"state": level(np.pi / 2) | {"position_x": x, "position_y": y - 1.0}}
    )
    assert seen[-2] == pytest.approx(1.0 - r - own, abs=1e-5)


def level(heading=0.0):
    return {
        "quaternion_x": 0.0,
        "quaternion_y": 0.0,
        "quaternion_z": np.sin(heading / 2.0),
        "quaternion_w": np.cos(heading / 2.0),
        "position_z": 1.0,
    }


def test_sensors_are_not_the_camera_and_noise_is_on_its_rays():
    plain, sensed = (
        world(),
        world(sensors={"position_noise": 0.2, "latency": 3, "attitude_noise": 0.1}),
    )
    noisy = world(noise=0.02)
    for seed in range(3):
        one, other, blurred = (env.reset(seed=seed)[0] for env in (plain, sensed, noisy))
        np.testing.assert_array_equal(one[-16:], other[-16:])
        assert np.abs(one[:3] - other[:3]).max() > 0.01
        away = np.abs(one - blurred)[-16:]
        assert 0.0 < away.max() < 0.2
        assert noisy.observation_space.contains(blurred)


def test_whole_numbers_of_rays_are_observed_at_any_count():
    for beams in (1, 2, 40):
        env = world(beams=beams)
        seen, _ = env.reset(seed=0)
        assert (
            len(seen) == 23 + beams
            and env.setup.observation_columns.names[-1] == f"beam_{beams - 1}"
        )


# ------------------------------------------------------------------------------------------- what strikes, what ends


@pytest.mark.parametrize("engine", ENGINES)
def test_who_comes_too_near_to_a_pillar_anywhere_on_the_way_of_a_period_has_struck_it(engine):
    env, rng = world(engine=engine, bound=30.0, **STILL), np.random.default_rng(1)
    struck, jumped, past = 0, 0, 0
    for case in range(240 if engine == "compiled" else 60):
        env.reset(seed=case % 12)
        pillars = standing(env)
        x, y, r = pillars[rng.integers(len(pillars))]
        to = rng.uniform(-np.pi, np.pi)
        way = np.array([np.cos(to), np.sin(to)])
        speed = rng.choice([3.0, 15.0, 45.0])  # 0.05, 0.25 and 0.75 m a period
        aside = rng.uniform(-1.3, 1.3) * (r + OWN) * np.array([-way[1], way[0]])
        start = np.array([x, y]) + aside - rng.uniform(0.1, 1.0) * speed / 60.0 * way
        if (np.hypot(*(pillars[:, :2] - start).T) - pillars[:, 2]).min() < OWN + 1e-3:
            continue
        state = {"position_x": start[0], "position_y": start[1], **level()}
        state |= {"velocity_x": speed * way[0], "velocity_y": speed * way[1]}
        env.reset(seed=case % 12, options={"state": state})
        _, _, ended, _, info = env.step(np.zeros(4))
        after = env.state()
        end = np.array([after["position_x"][0], after["position_y"][0]])
        points = start + np.linspace(0.0, 1.0, 4001)[:, None] * (end - start)
        away = (
            np.hypot(*(points[:, None] - pillars[:, :2]).transpose(2, 0, 1)) - pillars[:, 2] - OWN
        )
        if abs(away.min()) < 1e-4 or np.abs(points[[0, -1], 1]).max() > 1.5 - OWN - 1e-3:
            continue
        expected = away.min() < 0.0
        assert (info["violation"] == 1, ended) == (expected, expected)
        assert info["clearance"] == pytest.approx(away[-1].min(), abs=1e-9)
        struck += expected
        past += not expected
        jumped += expected and away[-1].min() > 0.0
    assert struck > 10 and past > 5 and jumped > 3
    env.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_floor_sides_and_top_end_the_field_and_the_goal_ends_it_with_a_bonus(engine):
    env = world(engine=engine, **STILL)
    free = {"position_x": 2.3, "position_y": 0.0, **level()}  # behind all pillars
    for change, ended, failed in (
        ({}, False, 0),
        ({"position_y": 1.5 - OWN + 0.005}, True, 1),
        ({"position_y": OWN - 0.005 - 1.5}, True, 1),
        ({"position_y": 1.5 - OWN - 0.005}, False, 0),
        ({"position_z": 2.51}, True, 1),
        ({"position_z": 2.49}, False, 0),
        ({"position_z": 0.0125, "velocity_z": -0.2}, True, 1),
    ):
        env.reset(seed=0, options={"state": free | change})
        _, reward, over, _, info = env.step(np.zeros(4))
        assert (over, info["violation"], info["reached"]) == (ended, failed, 0)
        assert (reward < -5.0) == bool(failed)
    env.reset(seed=0, options={"state": free | {"position_x": 2.34, "velocity_x": 1.0}})
    _, reward, over, _, info = env.step(np.zeros(4))
    assert over and info["reached"] == 1 and info["violation"] == 0
    assert reward == pytest.approx(5.0 + 0.16 - info["target_distance"], abs=1e-3)
    env.close()


def test_a_drone_that_strikes_as_it_reaches_the_goal_has_struck():
    """With a goal as large as the way to the field a pillar at the field's end is near enough to it."""
    env = world(reach=0.5, pillars=11, **STILL)
    for seed in range(200):
        env.reset(seed=seed)
        near = standing(env)
        near = near[np.hypot(near[:, 0] - 2.5, near[:, 1]) - near[:, 2] < 0.5 + OWN - 0.02]
        if len(near):
            break
    x, y, r = near[0]
    way = np.array([2.5 - x, -y]) / np.hypot(2.5 - x, y)
    place = np.array([x, y]) + (r + OWN - 0.005) * way
    env.reset(
        seed=seed, options={"state": {**level(), "position_x": place[0], "position_y": place[1]}}
    )
    _, _, over, _, info = env.step(np.zeros(4))
    assert info["target_distance"] < 0.5
    assert over and info["violation"] == 1 and info["reached"] == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_snapshots_bring_the_field_back(engine):
    env = world(engine=engine)
    env.reset(seed=1)
    actions = np.random.default_rng(0).uniform(-0.1, 0.1, (20, 4))
    for action in actions[:10]:
        env.step(action)
    kept = env.get_state()
    first = [env.step(action)[:2] for action in actions[10:]]
    field = standing(env)
    env.reset(seed=2)
    env.set_state(kept)
    np.testing.assert_array_equal(standing(env), field)
    for (observation, reward), action in zip(first, actions[10:], strict=True):
        again = env.step(action)
        np.testing.assert_array_equal(again[0], observation)
        assert again[1] == reward
    env.close()


def test_threads_and_single_worlds_see_the_same():
    several = gymnasium.make_vec(ID, num_envs=6, engine="compiled", threads=2)
    alone = gymnasium.make_vec(ID, num_envs=6, engine="compiled")
    single = world()
    rng = np.random.default_rng(2)
    one, other, third = several.reset(seed=3)[0], alone.reset(seed=3)[0], single.reset(seed=3)[0]
    for _ in range(40):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[0], third)
        action = rng.uniform(-0.05, 0.05, (6, 4)).astype(np.float32)
        one, other, third = (
            several.step(action)[0],
            alone.step(action)[0],
            single.step(action[0])[0],
        )
    several.close()


# ---------------------------------------------------------------------------------------------------- the pictures


@pytest.mark.bullet
@pytest.mark.parametrize("attitude", [(0.0, 0.0), (0.12, -0.1)])
def test_pictures_show_the_pillars_that_rays_see_to_the_centimetre(attitude):
    """The rays are those of the picture's middle row; the depth of a picture is along the camera's axis."""
    width, focal = 257, 12.5 / np.tan(0.15)
    row = {"image_size": (width, 25), "field_of_view": 0.3, "beams": 16, "beam_angle": 2.0}
    angle = np.arctan((width // 2) / focal)
    row["beam_angle"] = 2.0 * float(angle)
    env = world(
        engine="bullet", observation=("state", "depth", "segmentation"), sight=5.0, **row, **STILL
    )
    qx, qy = attitude
    compared = 0
    for seed in (0, 1, 2, 0):
        env.reset(seed=seed)
        state = {**level(), "quaternion_x": qx, "quaternion_y": qy}
        seen, _ = env.reset(seed=seed, options={"state": state})
        to = angle * (1.0 - 2.0 * np.arange(16) / 15)
        pixel = np.clip(np.round(width // 2 - focal * np.tan(to)).astype(int), 1, width - 2)
        depth, what = seen["depth"][12, :, 0], seen["segmentation"][12, :, 0]
        for k, u in enumerate(pixel):
            near = depth[u - 1 : u + 2]
            if (
                seen["state"][-16:][k] < 4.9
                and (what[u - 1 : u + 2] == 2).all()
                and np.ptp(near) < 0.03
            ):
                assert near[1] == pytest.approx(seen["state"][-16:][k] * np.cos(to[k]), abs=0.02)
                compared += 1
            elif seen["state"][-16:][k] == 5.0 and (what[u - 1 : u + 2] == 2).all():
                assert near.min() / np.cos(to[k]) > 4.95
    assert compared > 10
    env.close()


@pytest.mark.bullet
def test_worlds_that_share_a_stage_are_each_seen_with_their_own_pillars():
    keywords = {"engine": "bullet", "observation": "depth", "image_size": (33, 25)}
    both = gymnasium.make_vec(ID, num_envs=2, **keywords)
    seen, _ = both.reset(seed=7)
    for k in range(2):
        alone = gymnasium.make(ID, **keywords)
        np.testing.assert_array_equal(alone.reset(seed=7 + k)[0], seen[k])
        alone.close()
    assert not np.array_equal(seen[0], seen[1])
    both.close()


# ------------------------------------------------------------------------------------------------------------ laws


def figures():
    """Return what the page says of each law: how many of 100 reach the goal in each setting."""
    page = (files("gym_suite.drones") / "pages" / "task_obstacles.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    return {name: [int(n) for n in numbers] for name, *numbers in rows}


@pytest.mark.parametrize("law", ["gaps", "remembering"])
def test_laws_reach_the_goal_as_often_as_the_page_says(law):
    told = figures()[law]
    assert min(told) >= 95
    for setting, expected in zip(SETTINGS.values(), told, strict=True):
        done, crashed, total, clear, _ = fly(law, seeds=100, **setting)
        assert abs(int(done.sum()) - expected) <= 2  # to round otherwise is another flight
        assert (done ^ crashed).all()
        assert total[done].min() > 8.0 and clear[done].min() > 0.0


def test_remembering_is_faster_and_straight_flight_fails_in_most_episodes():
    *_, slow = fly("gaps")
    *_, fast = fly("remembering")
    assert fast.mean() < 0.9 * slow.mean()
    done, crashed, *_ = fly("geometric", seeds=100)
    assert 22 <= done.sum() <= 26 and (done ^ crashed).all()


@pytest.mark.bullet
@pytest.mark.parametrize("setting", ["nominal", "mismatch"])
@pytest.mark.parametrize("law", ["gaps", "remembering"])
def test_laws_lose_no_drone_in_bullet(law, setting):
    done, crashed, *_ = fly(law, engine="bullet", **SETTINGS[setting])
    assert done.all() and not crashed.any()


def test_a_larger_vehicle_crosses_a_field_that_fits_it():
    given = {"vehicle": "x500", "field": (6.0, 8.0), "gap": 1.6, "pillars": 5, "bound": 12.0}
    done, *_ = fly("gaps", seeds=10, start_position=0.1, **given)
    assert done.sum() >= 8


def test_laws_that_need_rays_refuse_ids_without():
    for law in ("gaps", "remembering"):
        control = type(gym_suite.make_controller(world(), law))
        with pytest.raises(ValueError, match="needs the rays of a depth camera"):
            control.for_env(gymnasium.make("drones/Hover-v0", engine="compiled"))


# --------------------------------------------------------------------------------------------------- drawn, refused


def test_pillars_are_drawn_and_replayed():
    env = gymnasium.make(ID, engine="compiled", render_mode="rgb_array", view="room")
    env.reset(seed=0)
    picture = env.render().astype(int)
    warm = (picture[..., 0] - picture[..., 2] > 15) & (picture[..., 0] - picture[..., 2] < 60)
    assert warm.mean() > 0.01
    state = np.concatenate(list(env.unwrapped.state().values()))
    space = space_of(env.unwrapped.setup, state[None])
    np.testing.assert_array_equal(space.pillars[:, :3], standing(env.unwrapped))
    assert (space.pillars[:, 3] == 2.5).all() and len(space.lines) == 1
    assert "pillar_7_radius" in DroneRenderer(env.unwrapped.setup).watched()
    env.close()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"pillars": 0}, "pillars must"),
        ({"pillars": 65}, "pillars must"),
        ({"pillars": 2.5}, "pillars must be a whole number"),
        ({"pillars": 30}, r"pillars = 30 .* too dense .* at most 11 find room"),
        ({"pillar_radius": 1.2}, r"field 3 m wide; give a width of at least 3\.3 m"),
        ({"pillar_radius": 1.5}, "do not fit"),
        ({"pillar_radius": (0.3, 0.1)}, "least, largest"),
        ({"pillar_radius": -0.1}, "pillar_radius"),
        ({"pillar_radius": "wide"}, "pillar_radius"),
        ({"pillar_radius": (0.1, 0.2, 0.3)}, "pair of numbers"),
        ({"field": (4.0,)}, "field must be a pair"),
        ({"field": (0.4, 3.0)}, "do not fit into a field 0.4 m long"),
        ({"field": (8.0, 3.0)}, "give a bound above 9"),
        ({"gap": 0.1}, r"vehicle 0\.12 m wide; give more than 0\.12 m"),
        ({"vehicle": "x500"}, r"vehicle 0\.6 m wide"),
        ({"beams": 0}, "beams must"),
        ({"beams": 257}, "beams must"),
        ({"beam_angle": 3.5}, "beam_angle must"),
        ({"sight": 0.0}, "sight must"),
        ({"sight": float("inf")}, "sight must"),
        ({"reach": 0.6}, "reach must"),
        ({"start_position": 0.45}, r"give less than 0\.44 m"),
        ({"field": (4.0, 1.5), "start_position": 0.4, "pillars": 5}, "beside a field"),
        ({"bound": 4.0}, "bound = 4 m ends"),
        ({"pilars": 3}, "'pillars'"),
        ({"observation": ("state", "depth")}, "needs engine='bullet'"),
    ],
)
def test_fields_that_are_none_are_refused_with_numbers(keywords, message):
    with pytest.raises(ValueError, match=message):
        world(**keywords)
