"""Wind, gusts, turbulence, payload, failing rotors, battery: against closed forms, and the same in every form."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.drones import adversity, aerodynamics
from gym_suite.drones.columns import ADVERSITY, BODY, TABLES, USUAL
from gym_suite.drones.propulsion import fastest_speed

ID = "drones/Hover-v0"
CALM = {
    "engine": "compiled",
    "start_position": 0.0,
    "start_velocity": 0.0,
    "start_tilt": 0.0,
    "bound": 1e5,
}
X, A = BODY.places, ADVERSITY.places
EVERYTHING = {
    "wind": {"mean": ((-1, 1), (-1, 1), 0), "gust": (0.5, 2.0), "turbulence": "light"},
    "payload": {"mass": (0.001, 0.004), "offset": (0.01, 0, -0.02), "centre": ((-1e-3, 1e-3), 0)},
    "failure": {"effectiveness": (0.5, 1.0), "time": (0.2, 0.6)},
    "battery": (0.3, 1.0),
}


def rows_of(**keywords):
    env = gymnasium.make(ID, **CALM, **keywords)
    env.reset(seed=3)
    return env, env.unwrapped._rows


def value(rows, name):
    return rows.x[0, getattr(X, name)]


@pytest.mark.parametrize("engine", ["compiled", pytest.param("bullet", marks=pytest.mark.bullet)])
def test_a_level_drone_drifts_to_the_speed_of_the_wind(engine):
    env = gymnasium.make(
        ID, **CALM | {"engine": engine}, wind=(3.0, -1.0, 0.0), aerodynamics=("drag",)
    )
    env.reset(seed=0)
    rows, setup = env.unwrapped._rows, env.unwrapped.setup
    p = dict(zip(setup.parameter_columns.names, setup.row, strict=True))
    rate = p["drag_xy"] * 4 * p["hover_rpm"] * 2 * np.pi / 60 / p["mass"]
    for k in range(1, 241):
        env.step(np.zeros(4, dtype=np.float32))
        if k % 60 == 0:
            part = 1.0 - np.exp(-rate * k / 60)
            assert rows.x[0, X.velocity_x] == pytest.approx(3.0 * part, rel=0.01)
            assert rows.x[0, X.velocity_y] == pytest.approx(-1.0 * part, rel=0.01)
    env.close()


def turbulence(steps, dt, height, mean):
    """Return the turbulence's parts of one drone at a height, held there, in the order u, v, w."""
    numbers = np.zeros(len(ADVERSITY))
    numbers[A.turbulence], numbers[A.wind_x] = 10.0, mean
    numbers[A.gust_every] = numbers[A.gust_lasts] = 1.0
    agents = np.zeros((1, len(BODY)))
    agents[0, X.position_z] = height
    key = np.uint64(5)
    adversity.begin(agents, key, numbers)
    parts = np.empty((steps, 3))
    for k in range(steps):
        adversity.stir(agents, key, k, dt, numbers)
        parts[k] = adversity.wind(agents[0], key, k * dt, numbers)
    return parts - [mean, 0.0, 0.0]


def test_turbulence_has_dryden_s_variances_and_correlations():
    """MIL-F-8785C at 6 m: L_w = h, L_u = h / (0.177 + 0.000823 h)^1.2 (h in feet), sigma_w = 0.1 W_20.

    The correlation of a double pole with Dryden's zero is exp(-s) (1 - s/2), s = lag V / L.
    """
    height, mean, dt = 6.096, 4.0, 0.1
    parts = turbulence(60_000, dt, height, mean)
    feet = height / 0.3048
    base = 0.177 + 0.000823 * feet
    length = {0: height / base**1.2, 1: height / base**1.2, 2: height}
    sigma = {0: 1.0 / base**0.4, 1: 1.0 / base**0.4, 2: 1.0}
    for axis in range(3):
        x = parts[:, axis]
        assert x.std() == pytest.approx(sigma[axis], rel=0.06)
        for lag in (3, 10, 20):
            s = lag * dt * mean / length[axis]
            exact = np.exp(-s) * (1.0 if axis == 0 else 1.0 - 0.5 * s)
            got = np.mean(x[lag:] * x[:-lag]) / np.mean(x**2)
            assert got == pytest.approx(exact, abs=0.05)


def test_turbulence_turns_with_the_mean_wind():
    """A mean wind along y in place of x turns all its parts by a right angle about z."""
    agents, key, numbers = np.zeros((1, len(BODY))), np.uint64(5), np.zeros(len(ADVERSITY))
    numbers[A.turbulence], agents[0, X.position_z] = 10.0, 6.0
    adversity.begin(agents, key, numbers)
    seen = []
    for mean in ((4.0, 0.0), (0.0, 4.0)):
        numbers[A.wind_x], numbers[A.wind_y] = mean
        seen.append(adversity.wind(agents[0], key, 0.0, numbers))
    (x, y, z), turned = seen
    assert abs(x - 4.0) > 0.01 and abs(y) > 0.01
    np.testing.assert_allclose(turned, (-y, x, z), atol=1e-12)


def test_what_moves_with_the_wind_feels_no_drag():
    """A tilted drone with unequal rotors at the wind's velocity has its thrust and nothing else."""
    env, rows = rows_of(wind=(3.0, -1.0, 0.5), aerodynamics=("drag",))
    p = rows.p[0]
    values = dict(zip(env.unwrapped.setup.parameter_columns.names, p, strict=True))
    assert values["drag_xy"] > 0.0 and values["drag_xy"] != values["drag_z"]
    numbers, agents = np.zeros(len(ADVERSITY)), np.zeros((1, len(BODY)))
    numbers[[A.wind_x, A.wind_y, A.wind_z, A.effectiveness]] = 3.0, -1.0, 0.5, 1.0
    attitude = Rotation.from_rotvec([0.5, -0.3, 0.2])
    speeds = np.array([14e3, 15e3, 16e3, 17e3])
    agents[0, X.quaternion_x : X.quaternion_x + 4] = attitude.as_quat()
    agents[0, X.velocity_x : X.velocity_x + 3] = 3.0, -1.0, 0.5
    agents[0, X.rotor_0 : X.rotor_0 + 4] = speeds
    adversity.endure(agents, np.uint64(1), 0.0, p, USUAL, p, numbers)
    work = np.zeros(6)
    aerodynamics.store_wrench(agents[0], 0.0, p, USUAL, work, 0)
    thrust = values["k_f"] * (speeds**2).sum()
    np.testing.assert_allclose(work[:3], attitude.apply([0.0, 0.0, thrust]), atol=1e-12)


def test_a_gust_rises_and_falls_once_in_its_interval():
    numbers = np.zeros(len(ADVERSITY))
    numbers[A.gust], numbers[A.gust_lasts], numbers[A.gust_every] = 6.0, 1.0, 4.0
    t = np.arange(0.0, 40.0, 0.01)
    agent = np.zeros(len(BODY))
    speed = np.array(
        [np.hypot(*adversity.wind(agent, np.uint64(9), now, numbers)[:2]) for now in t]
    )
    for interval in np.array_split(speed, 10):
        assert interval.max() == pytest.approx(6.0, rel=1e-3)
        assert (interval > 0.0).sum() == pytest.approx(100, abs=2)
        assert interval.sum() * 0.01 == pytest.approx(3.0, rel=0.02)  # half the height times 1 s


def test_a_payload_weighs_and_turns_as_statics_and_steiner_say():
    mass, offset = 0.006, np.array([0.02, -0.01, -0.015])
    env, rows = rows_of(payload={"mass": mass, "offset": tuple(offset)}, aerodynamics=())
    setup = env.unwrapped.setup
    own = dict(zip(setup.parameter_columns.names, setup.row, strict=True))
    plant = dict(zip(setup.parameter_columns.names, rows.p[0], strict=True))
    total = own["mass"] + mass
    assert plant["mass"] == pytest.approx(total)
    masses, places = np.array([own["mass"], mass]), np.array([[0.0, 0.0, 0.0], offset])
    centre = masses @ places / total
    about = places - centre
    for axis, name in enumerate(("i_xx", "i_yy", "i_zz")):
        others = [k for k in range(3) if k != axis]
        assert plant[name] == pytest.approx(
            own[name] + masses @ (about[:, others] ** 2).sum(axis=1), rel=1e-9
        )
    env.step(np.zeros(4, dtype=np.float32))
    dt, thrust = 1 / 60, own["mass"] * own["gravity"]
    assert value(rows, "velocity_z") == pytest.approx(
        (thrust / total - own["gravity"]) * dt, rel=1e-2
    )
    assert value(rows, "angular_velocity_x") == pytest.approx(
        -centre[1] * thrust / plant["i_xx"] * dt, rel=2e-2
    )
    assert value(rows, "angular_velocity_y") == pytest.approx(
        centre[0] * thrust / plant["i_yy"] * dt, rel=2e-2
    )


@pytest.mark.parametrize("rotor", range(4))
def test_a_failing_rotor_lacks_its_thrust_and_its_torques_from_its_time_on(rotor):
    env, rows = rows_of(
        failure={"rotor": rotor, "effectiveness": 0.75, "time": 0.1}, aerodynamics=()
    )
    setup = env.unwrapped.setup
    p = dict(zip(setup.parameter_columns.names, setup.row, strict=True))
    for _ in range(6):
        env.step(np.zeros(4, dtype=np.float32))
    assert np.abs(rows.x[0, X.velocity_x : X.angular_velocity_x + 3]).max() < 1e-9
    env.step(np.zeros(4, dtype=np.float32))
    dt, lost = 1 / 60, 0.25 * p["mass"] * p["gravity"] / 4
    place = p["lever"] * np.array([(1, -1), (-1, -1), (-1, 1), (1, 1)])[rotor]
    spin = (-1, 1, -1, 1)[rotor]
    assert value(rows, "velocity_z") == pytest.approx(-lost / p["mass"] * dt, rel=1e-2)
    wanted = [
        -place[1] * lost / p["i_xx"],
        place[0] * lost / p["i_yy"],
        -spin * lost * p["k_m"] / p["k_f"] / p["i_zz"],
    ]
    got = rows.x[0, X.angular_velocity_x : X.angular_velocity_x + 3] / dt
    np.testing.assert_allclose(got, wanted, rtol=0.03)


def test_a_battery_begins_where_it_is_told_and_limits_the_rotors():
    env, rows = rows_of(battery=0.5)
    env.step(np.ones(4, dtype=np.float32))
    assert value(rows, "charge") == pytest.approx(432.0, abs=1.0)
    hover, strong = (
        env.unwrapped.setup.row[[env.unwrapped.setup.parameter_columns.index("hover_rpm")]],
        0,
    )
    for _ in range(240):
        env.step(np.ones(4, dtype=np.float32))
        strong = max(strong, value(rows, "rotor_0"))
    full, full_rows = rows_of(battery=1.0, model="measured")
    assert strong > hover
    for _ in range(60):
        full.step(np.ones(4, dtype=np.float32))
    assert value(full_rows, "charge") > 0.0


def test_episodes_draw_their_own_numbers_and_are_the_same_in_every_form():
    keywords = {"engine": "compiled", **EVERYTHING}
    several = gymnasium.make_vec(ID, num_envs=3, **keywords)
    together, _ = several.reset(seed=7)
    actions = np.random.default_rng(0).uniform(-0.2, 0.2, (50, 3, 4)).astype(np.float32)
    alone = [gymnasium.make(ID, **keywords) for _ in range(3)]
    first = [env.reset(seed=7 + k)[0] for k, env in enumerate(alone)]
    np.testing.assert_array_equal(together, first)
    for action in actions:
        together, reward, terminated, *_ = several.step(action)
        if terminated.any():
            break
        for k, env in enumerate(alone):
            one, earned, *_ = env.step(action[k])
            np.testing.assert_array_equal(together[k], one)
            assert reward[k] == earned
    masses = several.unwrapped._rows.p[:, several.unwrapped.setup.parameter_columns.index("mass")]
    assert len(np.unique(masses)) == 3


@pytest.mark.parametrize("id", ["drones/Track-v0", "drones/MultiHover-v0", "drones/Formation-v0"])
def test_every_id_takes_them_and_controllers_see_nothing_of_them(id):
    env = gymnasium.make_vec(id, num_envs=4, engine="compiled", **EVERYTHING)
    env.reset(seed=1)
    for _ in range(120):
        observation, reward, *_ = env.step(env.action_space.sample())
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()
    nominal = env.unwrapped.setup.nominal_tables
    assert len(nominal[TABLES.places.adversity]) == 0
    env.close()


@pytest.mark.bullet
def test_both_engines_suffer_alike():
    """Forty steps: both draw the same wind, payload and failure."""
    seen = []
    for engine in ("compiled", "bullet"):
        env = gymnasium.make(ID, **EVERYTHING, engine=engine)
        env.reset(seed=11)
        for _ in range(40):
            env.step(np.zeros(4, dtype=np.float32))
        seen.append(env.unwrapped._rows.x[0, : X.rotor_0].copy())
        env.close()
    np.testing.assert_allclose(seen[0], seen[1], atol=2e-3)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"wind": 3.0}, r"the mean wind takes \(x, y, z\)"),
        ({"wind": {"men": (1, 0, 0)}}, "'mean'"),
        ({"wind": {"turbulence": "lite"}}, "'light'"),
        ({"wind": {"turbulence": -1.0}}, "turbulence must lie in"),
        ({"wind": {"gust": (3.0, 1.0)}}, "the lower bound 3 is above the upper one 1"),
        ({"payload": 0.05}, "more than its rotors lift"),
        ({"payload": {"mas": 1}}, "'mass'"),
        ({"failure": {"rotor": 4}}, "failure rotor must lie in"),
        ({"failure": {"effectiveness": 1.5}}, "failure effectiveness must lie in"),
        ({"failure": 2}, "failure takes a mapping"),
        ({"battery": 0.0}, r"battery must lie in \[0.1, 1\]"),
    ],
)
def test_bad_input_is_said(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", **keywords)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        (
            {"model": "measured", "vehicle": {"mass": 0.2}},
            r"have to turn at 44902 rpm to carry 0.2 kg, and the battery's voltage, at its fullest",
        ),
        ({"model": "measured", "battery": 0.1, "vehicle": {"mass": 0.05}}, "22451 rpm to carry"),
        (
            {"model": "measured", "battery": (0.1, 0.3), "payload": (0.02, 0.03)},
            r"to carry 0.047 kg, and the battery",
        ),
        ({"model": {"gravity": 30.0}}, "they turn at 21703 rpm at most"),
        (
            {"payload": {"mass": 0.02, "offset": (0.5, 0, 0)}},
            r"with its centre of mass 0.213 m ahead and 0 m to the left",
        ),
        ({"payload": {"centre": (0, (-0.5, -0.027))}}, r"cannot hover level.*-0.027 m to the left"),
        ({"vehicle": "f550", "payload": {"centre": (0.5, 0)}}, "cannot hover"),
    ],
)
def test_a_vehicle_that_cannot_hover_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(ID, engine="compiled", **keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"battery": (0.1, 1.0), "vehicle": {"mass": 0.033}},
        {"payload": {"mass": (0.0, 0.02), "offset": (0.5, 0, 0)}},
        {"payload": {"centre": ((-0.5, 0.5), 0.01)}},
        {"payload": {"mass": 0.02, "offset": (0.05, 0, 0), "centre": (-0.02, 0)}},
    ],
)
def test_one_that_can_in_some_episodes_is_not(keywords):
    gymnasium.make(ID, engine="compiled", **keywords)


@pytest.mark.parametrize(("model", "battery"), [("measured", 0.6), ("identified", 0.2)])
def test_what_the_battery_turns_is_what_the_rotors_come_to(model, battery):
    """The bound by which a vehicle is refused, against a flight at full throttle."""
    env, rows = rows_of(model=model, battery=battery, action_range=1.0)
    for _ in range(60):
        env.step(np.ones(4, dtype=np.float32))
    top = rows.p[0, env.unwrapped.setup.parameter_columns.index("max_rpm")]
    settled = min(fastest_speed(rows.p[0], value(rows, "charge")), top)
    assert value(rows, "rotor_0") == pytest.approx(settled, rel=2e-3)


@pytest.mark.parametrize(
    "keywords",
    [
        {"vehicle": "f550", "wind": (3, 0, 0)},
        {"vehicle": "octorotor", "wind": {"turbulence": "light"}},
        {"vehicle": "x500", "wind": (0, 0, (-1, 2))},
        {"aerodynamics": (), "wind": {"gust": 2.0}},
    ],
)
def test_a_wind_that_nothing_feels_is_refused(keywords):
    with pytest.raises(ValueError, match=r"this wind would do nothing.*drag_xy = "):
        gymnasium.make(ID, engine="compiled", **keywords)


def test_a_wind_that_something_feels_is_taken():
    for keywords in (
        {"vehicle": "x500", "wind": (0, 1, 1)},
        {"vehicle": {"base": "f550", "drag_xy": 1e-4}, "wind": (3, 0, 0)},
        {"aerodynamics": (), "wind": (0, 0, 0)},
    ):
        gymnasium.make(ID, engine="compiled", **keywords)


@pytest.mark.parametrize("law", ["geometric", "lqr", "zero"])
def test_reference_controllers_outlive_a_weakened_rotor_and_doing_nothing_does_not(law):
    seeds = 20
    weak = {"engine": "compiled", "failure": {"effectiveness": (0.7, 0.9), "time": (1.0, 3.0)}}
    envs = gymnasium.make_vec(ID, num_envs=seeds, **weak)
    controller = gym_suite.make_controller(gymnasium.make(ID, **weak), law)
    observation, _ = envs.reset(seed=0)
    state, start, alive = None, np.ones(seeds, bool), np.ones(seeds, bool)
    for _ in range(479):
        action, state = controller.predict(observation, state, start)
        start = np.zeros(seeds, bool)
        observation, _, terminated, _, info = envs.step(action)
        alive &= ~terminated
    assert alive.sum() == (0 if law == "zero" else seeds)
    if law != "zero":
        assert info["target_distance"].mean() < 0.03
