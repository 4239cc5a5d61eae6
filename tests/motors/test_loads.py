"""Loads that dictate the shaft's speed: a profile over time, and a random one that keeps returning to its mean."""

import warnings

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.motors import simulate
from gym_suite.motors.machines import PMSM, PermExDc
from gym_suite.registration import catalogue, id_class_of

RAMP = {"kind": "speed_profile", "omega": {"table": [[0.0, 50.0], [0.001, 150.0], [0.002, 100.0]]}}


def speeds(envs, steps, seed=0):
    _, info = envs.reset(seed=seed)
    idle = np.zeros(envs.action_space.shape)
    later = [np.array(envs.step(idle)[4]["omega"]) for _ in range(steps)]
    return np.array([np.array(info["omega"]), *later])


@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/PermExDc-v0", "gem/SeriesDc-Torque-v0"])
def test_a_profile_is_followed_to_the_period(id):
    env = gymnasium.make(id, load=RAMP)
    dt = env.unwrapped.setup.dt
    omega = speeds(env, 12)
    t = dt * np.arange(13)
    assert omega == pytest.approx(np.interp(t, [0, 0.001, 0.002], [50, 150, 100]), abs=1e-9)


def test_the_currents_see_the_speed_move_within_a_period():
    """Short-circuited at a speed that rises evenly: the induced voltage alone drives the current."""
    load = {"kind": "speed_profile", "omega": {"kind": "ramp", "amplitude": 200.0, "period": 1e-3}}
    env = gymnasium.make("gem/PermExDc-v0", load=load, dead_time=False)
    env.reset(seed=0)
    ours = [env.step([0.0])[4]["i"] for _ in range(50)]
    m = PermExDc()

    def slope(t, i):
        return (-m.r_a * i - m.psi_e * 2e5 * t) / m.l_a

    t = 1e-5 * np.arange(1, 51)
    theirs = solve_ivp(slope, (0, t[-1]), [0.0], t_eval=t, rtol=1e-11, atol=1e-12).y[0]
    assert ours == pytest.approx(theirs, rel=1e-8)


def test_a_periodic_profile_and_the_angle_that_it_turns():
    load = {"kind": "speed_profile", "omega": {"kind": "sine", "amplitude": 100.0, "period": 0.02}}
    nominal = gymnasium.make("gem/PMSM-v0", load=load).unwrapped.nominal
    place = nominal.setup.state_columns.index
    x = np.zeros(len(nominal.setup.state_columns))
    x[place("cos_epsilon")] = 1.0
    for k in range(100):  # half a period of the sine
        (x,) = nominal.advance(x, np.zeros(2), step=k)
    assert x[place("omega")] == pytest.approx(0.0, abs=1e-9)
    assert x[place("position")] == pytest.approx(100.0 * 0.02 / np.pi, rel=1e-3)
    assert PMSM().p == 3


def test_random_speed_has_the_mean_spread_and_memory_of_its_process():
    load = {"kind": "ornstein_uhlenbeck", "mu": 80.0, "theta": 100.0, "sigma": 300.0}
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=4000, load=load)
    omega = speeds(envs, 60)
    spread = 300.0 / np.sqrt(200.0)
    for row in (omega[0], omega[-1]):
        assert row.mean() == pytest.approx(80.0, abs=5 * spread / np.sqrt(4000))
        assert row.std() == pytest.approx(spread, rel=0.05)
    memory = np.corrcoef(omega[0], omega[60])[0, 1]
    assert memory == pytest.approx(np.exp(-100.0 * 60e-4), abs=0.05)
    steps = np.diff(omega, axis=0) + (omega[:-1] - 80.0) * (1 - np.exp(-0.01))
    assert steps.std() == pytest.approx(spread * np.sqrt(1 - np.exp(-0.02)), rel=0.01)
    again = speeds(gymnasium.make("gem/PMSM-v0", load=load), 60)
    assert np.array_equal(again, omega[:, 0])
    assert not np.array_equal(speeds(gymnasium.make("gem/PMSM-v0", load=load), 60, 1), omega[:, 0])


def test_a_dictated_speed_keeps_to_what_the_machine_may_turn_at():
    fast = {"kind": "speed_profile", "omega": {"kind": "sine", "amplitude": 900.0, "period": 0.01}}
    omega = speeds(gymnasium.make("gem/PMSM-v0", load=fast), 100)
    assert omega.max() == pytest.approx(PMSM().omega_limit)
    assert omega.min() == pytest.approx(-PMSM().omega_limit)
    one_way = speeds(gymnasium.make("gem/SeriesDc-v0", load=fast, converter="2QC"), 100)
    assert one_way.min() == 0.0 and one_way.max() == pytest.approx(400.0)


@pytest.mark.parametrize("kind", ["ornstein_uhlenbeck", RAMP])
@pytest.mark.parametrize("name", ["PermExDc", "SeriesDc", "ShuntDc", "ExtExDc"])
def test_a_drive_follows_its_currents_at_a_moving_speed(kind, name):
    from .test_dc_envs import follow

    load = kind
    if kind != RAMP:  # slow enough for all machines
        load = {"kind": kind, "mu": 60.0, "theta": 50.0, "sigma": 100.0}
    envs = gymnasium.make_vec(f"gem/{name}-v0", num_envs=10, load=load)
    _, ended = follow(envs, 1500)
    assert not ended


def test_a_setup_survives_json():
    import json

    for load in (RAMP, "ornstein_uhlenbeck"):
        one = gymnasium.make("gem/SeriesDc-v0", load=load)
        keywords = json.loads(json.dumps(one.unwrapped.setup.keywords))
        two = gymnasium.make("gem/SeriesDc-v0", **keywords)
        assert np.array_equal(speeds(one, 20), speeds(two, 20))


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        ("gem/PMSM-v0", {"load": "speed_profile"}, "needs omega"),
        ("gem/PMSM-v0", {"load": "speed_profil"}, "speed_profile"),
        ("gem/PMSM-v0", {"load": {"kind": "speed_profile", "omega": {"tabel": []}}}, "table"),
        ("gem/PMSM-v0", {"load": {"kind": "ornstein_uhlenbeck", "theta": 0.0}}, "theta"),
        ("gem/PMSM-v0", {"load": {"kind": "ornstein_uhlenbeck", "mean": 1.0}}, "mu"),
        ("gem/PMSM-v0", {"load": RAMP, "speed": 10.0}, "give the speed once"),
        ("gem/PMSM-Speed-v0", {"load": RAMP}, "turns freely"),
        ("gem/PMSM-v0", {"load": RAMP, "disturbance": {"torque_load": 1.0}}, "holds its speed"),
    ],
)
def test_what_cannot_be_is_refused(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, **keywords)


def test_open_loop_simulation_refuses_a_dictated_speed():
    with pytest.raises(ValueError, match="for environments"):
        simulate("PMSM", np.zeros((5, 2)), tau=1e-4, load=RAMP)


#: A gimbal motor: its largest torque is a twentieth of what the default load takes at its nominal speed.
GIMBAL = {
    **{"p": 7, "r_s": 11.1, "l_d": 3e-4, "l_q": 3e-4, "psi_p": 0.01, "u_dc": 12.0},
    **{"i_nominal": 0.5, "i_limit": 1.5, "omega_nominal": 400.0, "omega_limit": 500.0},
}


def test_a_default_load_that_stops_a_small_machine_is_told():
    configure = id_class_of("gem/PMSM-Speed-v0").configure
    with pytest.warns(UserWarning, match=r"takes 4.01 N m .* 400 rad/s .* at most 0.1[0-9]* N m"):
        configure(machine=GIMBAL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        configure(machine=GIMBAL, load={"a": 0.0, "b": 0.0})
        id_class_of("gem/PMSM-v0").configure(machine=GIMBAL)  # whose speed is held
        for id, card in catalogue().items():
            if card.family == "motors":
                id_class_of(id).configure()
