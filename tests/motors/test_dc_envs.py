"""The DC machines' ids: what their choppers give, where episodes start, what their controllers promise."""

import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.controllers.dc_points import dc_currents_for, torque_range
from gym_suite.motors.machines import DC, KINDS

# The brushless machine has windings and commutation of its own.
MACHINES = [name for name, cls in KINDS.items() if cls.group == DC and name != "BLDC"]
PAGE = Path(gym_suite.__file__).parent / "motors/pages/converter_chopper.md"
_ROW = re.compile(
    r"\| `(?P<id>\S+)` +\| (?P<name>\w+) to (?P<size>\S+) [^|]*?(at (?P<speed>\d+) rad/s)? *\|"
    r" (?P<rise>\S+) ms +\| (?P<over>\S+) % +\| (?P<end>\S+) % +\| (?P<mean>\S+) % +\|"
)
#: The figures that the page of these ids states: steps and what the reference controller makes of them at most.
STATED = {f"gem/{row['id']}-v0": row.groupdict() for row in _ROW.finditer(PAGE.read_text("utf-8"))}
#: How long the steps of each task are watched, s.
_LENGTHS = {"-Speed": 0.8, "SeriesDc": 0.1, "ExtExDc": 0.04, "ShuntDc-Torque": 0.3}


def follow(envs, steps, seed=0, controller=None):
    """Run the reference controller; return the infos as arrays (steps, worlds) and whether any world ended early."""
    controller = controller or gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=seed)
    state, infos, ended = None, [], False
    for _ in range(steps):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = envs.step(action)
        ended = ended or bool(np.any(terminated))
        infos.append({k: np.array(v) for k, v in info.items() if k[0] != "_" and k != "final_info"})
    return {name: np.array([info[name] for info in infos]) for name in infos[0]}, ended


def steps_of(id, setup):
    return setup.horizon or gymnasium.spec(id).max_episode_steps


def test_the_page_states_figures_of_every_id():
    assert set(STATED) == {
        f"gem/{m}{task}-v0" for m in MACHINES for task in ("", "-Torque", "-Speed")
    }


@pytest.mark.parametrize("id", STATED)
def test_reference_controller_follows_without_a_trip(id):
    envs = gymnasium.make_vec(id, num_envs=20)
    setup = envs.unwrapped.nominal.setup
    run, ended = follow(envs, steps_of(id, setup) - 1)
    assert not ended and not run["violation"].any()
    for item in setup.tracking:
        error = np.abs(run[item.value] - run[item.reference]).mean() / item.scale
        assert error <= float(STATED[id]["mean"]) / 100.0, (item.value, error)


@pytest.mark.parametrize("id", STATED)
def test_step_response_is_what_the_page_states(id):
    stated = STATED[id]
    size = float(stated["size"])
    length = next((v for part, v in _LENGTHS.items() if part in id), 0.002)
    keywords = {"speed": float(stated["speed"])} if stated["speed"] else {"duration": length}
    env = gymnasium.make(id, reference={stated["name"]: size}, **keywords)
    dt = env.unwrapped.setup.dt
    steps = round(length / dt) - 1
    run, ended = follow(env, steps)
    response = run[stated["name"]] / size
    rise = (np.argmax(response > 0.9) - np.argmax(response > 0.1)) * dt
    assert not ended
    assert 0.0 < 1e3 * rise <= float(stated["rise"])
    assert response.max() <= 1.0 + float(stated["over"]) / 100.0
    assert np.abs(response[-steps // 10 :] - 1.0).max() <= float(stated["end"]) / 100.0


@pytest.mark.parametrize("factor", [0.7, 1.3])
@pytest.mark.parametrize("name", MACHINES)
def test_torque_control_survives_parameters_off_by_30_percent(name, factor):
    """A wrong flux is a wrong torque, so it is the currents that must stay in place."""
    id = f"gem/{name}-Torque-v0"
    mismatch = dict.fromkeys(KINDS[name]().circuit, factor)
    envs = gymnasium.make_vec(id, num_envs=10, mismatch=mismatch)
    run, ended = follow(envs, 1999)
    assert not ended
    assert np.isfinite(run["torque"]).all()


@pytest.mark.parametrize("setting", [{"delay": 1}, {"mismatch": 0.3}])
@pytest.mark.parametrize("name", ["ShuntDc", "ExtExDc"])
def test_torque_control_of_two_windings_overshoots_no_limit_while_the_field_grows(name, setting):
    """Answered a period later than believed, or with less inductance than believed."""
    envs = gymnasium.make_vec(f"gem/{name}-Torque-v0", num_envs=100, **setting)
    _, ended = follow(envs, 1500, seed=50_000)
    assert not ended


# ---------------------------------------------------------------------------------------------------------- choppers


def play(env, actions, seed=0):
    env.reset(seed=seed)
    infos = [env.step(np.atleast_1d(action))[4] for action in actions]
    return {name: np.array([info[name] for info in infos]) for name in infos[0]}


@pytest.mark.parametrize(("chopper", "low"), [("1QC", 0.0), ("2QC", 0.0), ("4QC", -60.0)])
def test_a_chopper_gives_the_voltages_of_its_quadrants(chopper, low):
    env = gymnasium.make("gem/SeriesDc-v0", converter=chopper, speed=0.0, dead_time=False)
    run = play(env, np.linspace(-1.0, 1.0, 41))
    assert run["u"] == pytest.approx(np.clip(60.0 * np.linspace(-1.0, 1.0, 41), low, 60.0))


def test_one_quadrant_blocks_a_current_that_would_flow_back():
    """Without a voltage the turning magnets drive a current backwards, which a diode does not carry."""
    keywords = {"speed": 200.0, "dead_time": False}
    blocked = play(gymnasium.make("gem/PermExDc-v0", converter="1QC", **keywords), [0.0] * 200)
    assert (blocked["i"] == 0.0).all()
    free = play(gymnasium.make("gem/PermExDc-v0", converter="2QC", **keywords), [0.0] * 5)
    assert free["i"][-1] < -50.0


def test_a_blocked_shunt_machine_feeds_its_own_field():
    """The armature's current may flow back through the field winding, and no further."""
    env = gymnasium.make("gem/ShuntDc-v0", converter="1QC", speed=150.0)
    run = play(env, [0.2] * 200 + [0.0] * 800)
    assert (run["i_a"] + run["i_e"] >= -1e-12).all()
    fed = run["i_a"] + run["i_e"] < 1e-9
    fed[:200] = False
    assert fed.sum() > 100
    assert run["i_a"][fed] == pytest.approx(-run["i_e"][fed], rel=1e-9)
    # From there on both circuits are one: (l_a + l_e) di/dt = -(r_a + r_e - l_e_prime omega) i.
    m = KINDS["ShuntDc"]()
    rate = (m.r_a + m.r_e - m.l_e_prime * 150.0) / (m.l_a + m.l_e)
    last = np.flatnonzero(fed)
    ratio = run["i_e"][last[-1]] / run["i_e"][last[0]]
    assert ratio == pytest.approx(np.exp(-rate * 2e-5 * (last[-1] - last[0])), rel=1e-6)


def test_each_chopper_of_the_externally_excited_machine_has_its_own_quadrants():
    env = gymnasium.make("gem/ExtExDc-v0", converter={"u_e": "1QC"}, speed=0.0, dead_time=False)
    run = play(env, [[-0.01, -0.5]] * 50)
    assert run["u_a"] == pytest.approx(-0.6)
    assert (run["u_e"] == 0.0).all() and (run["i_e"] == 0.0).all()


@pytest.mark.parametrize("task", ["", "-Torque", "-Speed"])
@pytest.mark.parametrize("chopper", ["1QC", "2QC"])
@pytest.mark.parametrize("name", MACHINES)
def test_reference_controllers_run_on_smaller_choppers(name, chopper, task):
    """References and starts keep to what the chopper can do, so the drive settles on them."""
    id = f"gem/{name}{task}-v0"
    envs = gymnasium.make_vec(id, num_envs=8, converter=chopper)
    setup = envs.unwrapped.nominal.setup
    hold = int(envs.unwrapped.nominal.parameters["reference_ticks"])
    hold //= int(envs.unwrapped.nominal.parameters["ratio"])
    run, ended = follow(envs, hold - 1)
    assert not ended
    if task != "-Speed":
        for item in setup.tracking:
            assert np.abs(run[item.value] - run[item.reference])[-3:].max() < 0.02 * item.scale


# --------------------------------------------------------------------------------------------------- operating points


def nominal(name, **keywords):
    return gymnasium.make(f"gem/{name}-Torque-v0", **keywords).unwrapped.nominal


def reachable(name, p, omega, u_max, quadrants, part):
    """Search the steady torques within limits and voltage on a grid: lowest and highest."""
    low = -u_max if quadrants == 4 else 0.0
    least = -part * p["i_limit"] if quadrants > 1 else 0.0
    i_a = np.linspace(least, part * p["i_limit"], 2001)
    if name == "PermExDc":
        u, torque = p["r_a"] * i_a + p["psi_e"] * omega, p["psi_e"] * i_a
    elif name == "SeriesDc":
        u = (p["r_a"] + p["r_e"] + p["l_e_prime"] * omega) * i_a
        torque = p["l_e_prime"] * i_a**2
    elif name == "ShuntDc":
        u = np.linspace(low, u_max, 4001)
        i_e = u / p["r_e"]
        i_a = (u - p["l_e_prime"] * i_e * omega) / p["r_a"]
        ok = (np.abs(i_a) <= part * p["i_limit"]) & (np.abs(i_e) <= part * p["i_e_limit"])
        if quadrants == 1:
            ok &= i_a + i_e >= 0.0
        u, torque = u[ok], (p["l_e_prime"] * i_a * i_e)[ok]
    else:
        i_e = np.linspace(0.0, min(part * p["i_e_limit"], u_max / p["r_e"]), 1001)[:, None]
        torque = p["l_e_prime"] * i_e * i_a
        u = p["r_a"] * i_a + p["l_e_prime"] * i_e * omega
    held = torque[(u >= low - 1e-9) & (u <= u_max + 1e-9)]
    return (held.min(), held.max()) if held.size else (np.nan, np.nan)


@pytest.mark.parametrize("quadrants", [1, 2, 4])
@pytest.mark.parametrize("name", MACHINES)
def test_range_of_the_torque_is_what_limits_and_voltage_allow(name, quadrants):
    known = nominal(name, converter=f"{quadrants}QC")
    p, part = known.parameters, 0.75
    for u_max in (20.0, 57.0):
        for omega in np.linspace(0.0 if quadrants < 4 else -200.0, 380.0, 15):
            low, high = reachable(name, p, omega, u_max, quadrants, part)
            if np.isnan(low):
                continue
            ours = torque_range(known.row, omega, u_max, part)
            assert ours[0] == pytest.approx(low, abs=0.01 * p["torque_limit"])
            assert ours[1] == pytest.approx(high, abs=0.01 * p["torque_limit"])


@pytest.mark.parametrize("name", MACHINES)
def test_torque_is_the_one_asked_for_or_the_largest_and_never_less_for_a_larger_command(name):
    known = nominal(name)
    p, part, u_max = known.parameters, 0.75, 57.0
    torques = np.linspace(-1.1, 1.1, 45) * p["torque_limit"]
    speeds = np.linspace(0.0, KINDS[name]().speeds()[1], 12)
    for omega in speeds:
        low, high = torque_range(known.row, omega, u_max, part)
        given = []
        for torque in torques:
            wanted = min(max(torque, low), high)
            # In the steady state the field is the one that is asked for.
            if name == "ShuntDc":
                ratio = p["r_a"] / (p["r_e"] * (1 - p["l_e_prime"] * omega / p["r_e"]))
                field = np.sqrt(max(wanted, 0.0) / p["l_e_prime"] * ratio)
            else:
                field = dc_currents_for(torque, omega, (0.0, 0.0), u_max, known.row, part, 0.0)[1]
            i_a, i_e, _, _ = dc_currents_for(
                torque, omega, (0.0, field), u_max, known.row, part, 0.0
            )
            flux = {
                "PermExDc": p["psi_e"],
                "SeriesDc": p["l_e_prime"] * i_a,
            }.get(name, p["l_e_prime"] * i_e)
            given.append(flux * i_a)
            assert given[-1] == pytest.approx(wanted, abs=2e-3 * p["torque_limit"])
            assert abs(i_a) <= part * p["i_limit"] * (1 + 1e-9)
        assert np.diff(given).min() > -1e-9 * p["torque_limit"]


@pytest.mark.parametrize("omega", [0.0, 150.0, 350.0, -350.0])
@pytest.mark.parametrize("torque", [-30.0, -5.0, 1.0, 10.0, 40.0])
def test_excitation_is_that_of_least_copper_loss(omega, torque):
    known = nominal("ExtExDc")
    p, part, u_max = known.parameters, 0.75, 57.0
    i_e = np.linspace(0.05, part * p["i_e_limit"], 40_001)
    i_a = torque / (p["l_e_prime"] * i_e)
    u = p["r_a"] * i_a + p["l_e_prime"] * i_e * omega
    allowed = (np.abs(i_a) <= part * p["i_limit"]) & (np.abs(u) <= u_max)
    loss = np.where(allowed, p["r_a"] * i_a**2 + p["r_e"] * i_e**2, np.inf)
    if not allowed.any():
        pytest.skip("no current gives this torque")
    ours = dc_currents_for(torque, omega, (0.0, 50.0), u_max, known.row, part, 0.0)[1]
    armature = torque / (p["l_e_prime"] * ours)
    assert p["r_a"] * armature**2 + p["r_e"] * ours**2 <= loss.min() * (1 + 1e-6)


@pytest.mark.parametrize("name", ["ShuntDc", "ExtExDc"])
@pytest.mark.parametrize("torque", [0.4, 2.0, 50.0])
def test_a_negative_field_takes_the_opposite_current_of_the_armature(name, torque):
    """The torque is l_e_prime i_a i_e, so that both signs of both currents give the same."""
    known = nominal(name)
    p, part, u_max = known.parameters, 0.75, 57.0
    i_a, *_ = dc_currents_for(torque, 100.0, (0.0, -50.0), u_max, known.row, part, 0.0)
    wanted = min(torque, torque_range(known.row, 100.0, u_max, part)[1])
    u = -u_max + p["l_e_prime"] * 100.0 * 50.0
    most = min(part * p["i_limit"], -u / p["r_a"])
    assert i_a == pytest.approx(-min(wanted / (p["l_e_prime"] * 50.0), most), rel=1e-12)


def test_a_shunt_machine_holds_its_torque_in_either_field():
    """Of one voltage: i_e^2 = T r_a / (l_e_prime (r_e - l_e_prime omega)), and i_a has the sign of i_e."""
    m, torque, omega = KINDS["ShuntDc"](), 2.5, 110.0
    field = np.sqrt(torque * m.r_a / (m.l_e_prime * (m.r_e - m.l_e_prime * omega)))
    for sign in (1.0, -1.0):
        keywords = {"speed": omega, "reference": {"torque": torque}}
        env = gymnasium.make("gem/ShuntDc-Torque-v0", **keywords)
        pi = gym_suite.make_controller(env)
        start = {"state": {"i_a": sign * 30.0, "i_e": sign * 30.0}}
        observation, state = env.reset(seed=0, options=start)[0], None
        for _ in range(15_000):
            action, state = pi.predict(observation, state)
            observation, _, terminated, _, info = env.step(action)
            assert not terminated
        assert info["torque"] == pytest.approx(torque, rel=1e-3)
        assert info["i_e"] == pytest.approx(sign * field, rel=2e-3)
        assert info["i_a"] == pytest.approx(sign * torque / (m.l_e_prime * field), rel=2e-3)


# ----------------------------------------------------------------------------------------------- starts and refusals


@pytest.mark.parametrize("task", ["", "-Torque", "-Speed"])
@pytest.mark.parametrize("name", MACHINES)
def test_no_episode_trips_in_its_first_period(name, task):
    envs = gymnasium.make_vec(f"gem/{name}{task}-v0", num_envs=200)
    envs.reset(seed=0)
    for action in (-1.0, 1.0):
        envs.reset(seed=0)
        _, _, terminated, _, info = envs.step(np.full(envs.action_space.shape, action))
        assert not terminated.any()
    if task != "-Speed":
        assert info["omega"].max() > 100.0


def test_a_current_that_leaves_its_limit_ends_the_episode():
    env = gymnasium.make("gem/PermExDc-v0", speed=0.0)
    env.reset(seed=0)
    for _ in range(30):
        *_, terminated, _, info = env.step([1.0])
        if terminated:
            break
    assert terminated and info["violation"] == 1.0 and info["i"] > 210.0


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        ("gem/PermExDc-v0", {"converter": "3QC"}, "4QC|2QC"),
        ("gem/PermExDc-v0", {"converter": {"u_a": "1QC"}}, "'u'"),
        ("gem/ExtExDc-v0", {"converter": {"u_f": "1QC"}}, "u_e"),
        ("gem/PermExDc-v0", {"frame": "abc"}, "unknown keyword"),
        ("gem/PMSM-v0", {"converter": "4QC"}, "unknown converter '4QC'.*npc"),
        ("gem/PermExDc-v0", {"speed": 380.0}, "363.6"),
        ("gem/PermExDc-v0", {"speed": -50.0, "converter": "2QC"}, "negative voltages"),
        ("gem/ShuntDc-v0", {"speed": 300.0}, "223.5"),
        ("gem/PermExDc-v0", {"tau": 5e-3, "substeps": 1}, "raise substeps to 5"),
        ("gem/PermExDc-v0", {"machine": "SeriesDc"}, "kind PermExDc"),
        ("gem/PermExDc-v0", {"machine": {"u_dc": 0.0}}, "u_dc"),
        ("gem/SeriesDc-v0", {"reference": {"i_a": 1.0}}, "'i'"),
        ("gem/SeriesDc-Speed-v0", {"reference_range": 500.0}, "400"),
        ("gem/ExtExDc-v0", {"disturbance": {"u": 1.0}}, "u_a"),
    ],
)
def test_bad_input_is_refused_with_what_is_near(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, **keywords)


def test_the_catalogue_motor_drives_every_task():
    for task in ("", "-Torque", "-Speed"):
        envs = gymnasium.make_vec(f"gem/PermExDc{task}-v0", num_envs=4, machine="RE40-148867")
        _, ended = follow(envs, 500)
        assert not ended


def test_a_shaft_that_is_driven_beyond_the_speed_of_self_excitation_does_not_trip_the_drive():
    """Its load turns it by several times its largest torque; above r_e / l_e_prime the field would run away."""
    torque = {"kind": "prbs", "amplitude": 10.0, "period": 0.1}
    envs = gymnasium.make_vec(
        "gem/ShuntDc-Speed-v0", num_envs=8, disturbance={"torque_load": torque}
    )
    law, state = gym_suite.make_controller(envs), None
    machine, fastest = KINDS["ShuntDc"](), 0.0
    observation, _ = envs.reset(seed=50_000)
    for _ in range(1499):
        action, state = law.predict(observation, state)
        observation, _, tripped, _, info = envs.step(action)
        assert not tripped.any()
        fastest = max(fastest, info["omega"].max())
    assert fastest > 1.5 * machine.r_e / machine.l_e_prime
