"""Supplies of the DC link against SciPy and equations written anew, the balance of energy, controllers, bad input."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite
from gym_suite.motors.link import FED_LINK, mains_phase
from gym_suite.motors.machines import KINDS
from gym_suite.motors.supplies import Battery, RcSupply, Rectifier
from tests.motors.circuits import Ac, Dc

THIRD = 2.0 * np.pi / 3.0


def source(supply, charge, phase, t):
    if isinstance(supply, Battery):
        return np.interp(charge, *np.array(supply.open_circuit).T)
    if isinstance(supply, Rectifier):
        angles = 2.0 * np.pi * supply.mains_frequency * t + phase
        angles = angles + (THIRD * np.arange(3) if supply.mains_phases == 3 else np.zeros(1))
        return supply.u_source * np.abs(np.sin(angles)).max()
    return supply.u_source


def link(supply, y, drawn, inner):
    """Return the link's voltage, the current of the source and that of the brake."""
    u, charge = y
    if isinstance(supply, Battery):
        given = max(drawn, -supply.i_charge if charge < 1.0 else 0.0)
        return inner - supply.r_source * given, given, given - drawn
    given, brake = (inner - u) / supply.r_source, 0.0
    if isinstance(supply, Rectifier):
        given, brake = max(given, 0.0), max(u - supply.u_brake, 0.0) / supply.r_source
    return u, given, brake


def integrate(machine, supply, action, start, phase, t, tau, omega):
    """One period: (i, epsilon, u, charge, and the energies of link, source, brake, resistance, copper and shaft)."""
    size = len(start) - 9

    def parts(y):
        i, m = y[:size], machine.parts(action, y[size])
        _, _, per_volt, _ = machine.slopes(omega, i, m)
        return i, m, per_volt

    def slope(at, y):
        i, m, drawn = parts(y)
        inner = source(supply, y[size + 2], phase, at)
        u, given, brake = link(supply, y[size + 1 : size + 3], drawn, inner)
        di, torque, power, copper = machine.slopes(omega, i, m * u)
        du = dq = 0.0
        if isinstance(supply, Battery):
            dq = -given / supply.charge_capacity
        else:
            du = (given - drawn - brake) / supply.c_link
        loss = supply.r_source * given**2
        flows = [power, inner * given, u * brake, loss, copper, torque * omega]
        return [*di, machine.pairs * omega, du, dq, *flows]

    return solve_ivp(slope, (t, t + tau), start, method="DOP853", rtol=1e-11, atol=1e-10).y[:, -1]


def phase_of(fed, env, state):
    """Return the phase of the mains that an episode has drawn."""
    if not isinstance(fed, Rectifier):
        return 0.0
    return mains_phase(FED_LINK, env._rows.key[0], env.setup.row)


CASES = [
    ("PMSM", {"kind": "rc"}, 1.0),
    ("PMSM", {"kind": "rectifier", "mains_phases": 1}, 1.25),
    ("PMSM", {"kind": "rectifier", "mains_frequency": 400.0}, 0.9),
    ("PMSM", {"kind": "battery", "i_charge": 10.0}, 1.0),
    ("EESM", {"kind": "rc"}, 1.0),
    ("SCIM", {"kind": "rectifier"}, 1.25),
    ("DFIM", {"kind": "battery"}, 1.0),
    ("SixPhasePMSM", {"kind": "rc"}, 1.0),
    ("PMSM-Finite", {"kind": "rc"}, 1.0),
    ("PermExDc", {"kind": "rc"}, 1.0),
    ("SeriesDc", {"kind": "rectifier", "mains_phases": 1}, 0.8),
    ("ShuntDc", {"kind": "rc"}, 1.1),
    ("ExtExDc", {"kind": "battery"}, 1.0),
]


@pytest.mark.parametrize(("kind", "supply", "start"), CASES)
def test_machine_and_link_move_as_their_equations_and_energy_balances(kind, supply, start):
    kind, _, finite = kind.partition("-")
    dc = kind.endswith("Dc")
    own = {} if dc or finite else {"frame": "abc"}
    # Where diodes or the braking resistor begin to conduct within a Runge-Kutta step, these steps are short.
    substeps = 40 if supply["kind"] == "rc" else 800
    env = gymnasium.make(
        f"gem/{kind}{finite and '-Finite'}-v0",
        supply=supply,
        dead_time=False,
        substeps=substeps,
        speed=60.0,
        **own,
    ).unwrapped
    env.reset(seed=3)
    u_dc, tau = env.setup.row[env.setup.parameter_columns.index("u_dc")], env.setup.dt
    battery = supply["kind"] == "battery"
    env.reset(seed=3, options={} if battery else {"state": {"u_dc": start * u_dc}})
    keywords = env.setup.keywords
    made = {"rc": RcSupply, "rectifier": Rectifier, "battery": Battery}[supply["kind"]]
    fed = made(**{name: value for name, value in keywords["supply"].items() if name != "kind"})
    machine = (Dc if dc else Ac)(KINDS[kind](**keywords["machine"]))
    state = {name: float(value[0]) for name, value in env.state().items()}
    phase = phase_of(fed, env, state)
    i = machine.ours(state)
    begin = state["u_dc"], state.get("charge", 0.0)
    y = np.array([*i, state.get("epsilon", 0.0), *begin, *np.zeros(6)])
    field, size = machine.field(i), len(i)
    random = np.random.default_rng(5)
    for k in range(20):
        if finite:
            code = int(random.integers(8))
            env.step(code)
            action = 2.0 * np.array([code >> 2 & 1, code >> 1 & 1, code & 1]) - 1.0
        else:
            action = random.uniform(-0.6, 0.6, env.action_space.shape).astype(np.float32)
            env.step(action)
        y = integrate(machine, fed, action.astype(float), y, phase, k * tau, tau, 60.0)
    state = {name: float(value[0]) for name, value in env.state().items()}
    i = machine.ours(state)
    assert i == pytest.approx(y[:size], rel=1e-8, abs=1e-8 * np.abs(y[:size]).max())
    energies = [state[name] for name in ("energy_dc", "energy_source")]
    energies.append(state.get("energy_brake", 0.0))
    through = np.abs(y[size + 3 : size + 9]).max()
    assert energies == pytest.approx(y[size + 3 : size + 6], rel=1e-8, abs=1e-8 * through)
    stored = 0.0
    if battery:
        assert state["charge"] == pytest.approx(y[size + 2], rel=1e-10)
    else:
        assert state["u_dc"] == pytest.approx(y[size + 1], rel=1e-8)
        stored = 0.5 * fed.c_link * (state["u_dc"] ** 2 - begin[0] ** 2)
    resistance, copper, shaft = y[size + 6 :]
    assert energies[0] - copper - shaft - machine.field(i) + field == pytest.approx(
        0.0, abs=1e-6 * through
    )
    assert energies[1] - energies[0] - energies[2] - resistance - stored == pytest.approx(
        0.0, abs=1e-6 * through
    )
    if supply.get("i_charge") is not None or start > 1.2:
        assert energies[2] > 0.0


@pytest.mark.parametrize(
    ("id", "more"),
    [
        ("gem/PMSM-Speed-v0", {"disturbance": {"u_sd": 10.0, "torque_load": 3.0}}),
        ("gem/SCIM-Speed-v0", {"control": "torque"}),
        ("gem/DFIM-v0", {}),
        ("gem/PermExDc-Speed-v0", {}),
        ("gem/ShuntDc-v0", {"converter": "2QC"}),
        ("gem/PMSM-Finite-v0", {"interlocking": 2e-6}),
    ],
)
def test_a_supply_that_does_not_give_way_is_the_ideal_one(id, more):
    """Dead time, torque commands, disturbances and interlocking are those of the ideal supply."""
    envs = [
        gymnasium.make(id, supply=supply, substeps=4, **more).unwrapped
        for supply in ("ideal", {"kind": "rc", "c_link": 1e6})
    ]
    rows = []
    for env in envs:
        env.reset(seed=2)
        env.action_space.seed(4)
        for _ in range(40):
            action = env.action_space.sample()
            *_, info = env.step(action if "Finite" in id else 0.3 * action)
        rows.append({name: float(value) for name, value in info.items()})
    ideal, stiff = rows
    assert set(ideal) < set(stiff) and stiff["u_dc"] > 0.0
    for name, value in ideal.items():
        assert stiff[name] == pytest.approx(value, rel=2e-6, abs=2e-6 * max(1.0, abs(value))), name


def test_the_converter_cannot_pull_the_link_below_zero():
    """A machine that draws more than the source gives empties the capacitor; then its diodes short the link."""
    env = gymnasium.make(
        "gem/PMSM-v0",
        machine={"i_limit": 5000.0, "i_nominal": 50.0},
        supply={"kind": "rc", "r_source": 1.0, "c_link": 4e-3},
        speed=0.0,
    ).unwrapped
    env.reset(seed=0)
    voltages = []
    for k in range(600):
        *_, info = env.step(np.array([0.0, 1.0 if k < 300 else 0.0], dtype=np.float32))
        voltages.append(info["u_dc"])
    assert min(voltages) == 0.0
    assert voltages[-1] == pytest.approx(300.0, rel=0.01)  # no longer loaded, it has recovered


def test_a_drive_that_is_told_torques_measures_the_link():
    """At a stiff source of 0.8 of the nominal voltage it does what it does on a link that is meant for that."""
    u_dc = 300.0
    envs = [
        gymnasium.make("gem/PMSM-Speed-v0", control="torque", **given).unwrapped
        for given in (
            {"machine": {"u_dc": 0.8 * u_dc}, "substeps": 4},
            {"supply": {"kind": "rc", "u_source": 0.8 * u_dc, "c_link": 1e6}, "substeps": 4},
        )
    ]
    told = []
    for env in envs:
        env.reset(seed=2)
        currents = []
        for command in (0.2, -0.3, 0.4, -0.1):
            for _ in range(5):
                *_, info = env.step(np.array([command], dtype=np.float32))
                currents.append((info["i_sd"], info["i_sq"], info["torque"]))
        told.append(currents)
    assert np.ptp(np.array(told[0])[:, 2]) > 20.0
    np.testing.assert_allclose(told[1], told[0], rtol=2e-6, atol=1e-3)


@pytest.mark.parametrize("supply", ["rc", "rectifier", "battery"])
@pytest.mark.parametrize("id", ["gem/PMSM-v0", "gem/SCIM-Speed-v0", "gem/PermExDc-v0"])
def test_the_reference_controllers_do_not_trip_on_the_shipped_supplies(id, supply):
    seeds = 5
    envs = gymnasium.make_vec(id, num_envs=seeds, supply=supply)
    pi = gym_suite.make_controller(envs)
    observations, _ = envs.reset(seed=list(range(100, 100 + seeds)))
    state, start = None, np.ones(seeds, dtype=bool)
    for _ in range(300):
        actions, state = pi.predict(observations, state, start)
        observations, _, terminated, _, info = envs.step(actions)
        start = np.zeros(seeds, dtype=bool)
        assert not terminated.any()
    assert len(set(np.round(info["u_dc"], 9))) == seeds or supply == "rc"


def test_make_vec_and_make_see_the_same_link_and_each_episode_its_own_mains():
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=3, supply="rectifier")
    envs.reset(seed=7)
    actions = np.full((3, 2), 0.4, dtype=np.float32)
    for _ in range(20):
        *_, info = envs.step(actions)
    for row in range(3):
        env = gymnasium.make("gem/PMSM-v0", supply="rectifier")
        env.reset(seed=7 + row)
        for _ in range(20):
            *_, one = env.step(actions[0])
        assert one["u_dc"] == info["u_dc"][row]
    assert len(set(info["u_dc"])) == 3


def test_an_empty_battery_trips():
    env = gymnasium.make(
        "gem/PMSM-v0", supply={"kind": "battery", "charge_capacity": 0.05}, speed=0.0
    )
    env.reset(seed=0)
    for _ in range(100):
        *_, terminated, _, info = env.step(np.array([0.3, 0.0], dtype=np.float32))
        if terminated:
            break
    assert terminated and info["violation"] == 1.0 and info["charge"] <= 0.0


@pytest.mark.parametrize(
    ("supply", "says"),
    [
        ("rectifer", "Did you mean 'rectifier'"),
        ({"kind": "rc", "c_lnk": 1.0}, "Did you mean 'c_link'"),
        ({"kind": "rc", "u_source": 600.0}, r"600 V does not fit .* \[150, 450\] V"),
        (
            {"kind": "rc", "r_source": 1.0, "c_link": 4e-3},
            "gives 2.25e.04 W at most.*lower r_source",
        ),
        ({"kind": "rc", "c_link": 1e-6}, "raise c_link = 1e-06 F to"),
        ({"kind": "rc", "c_link": -1.0}, "RcSupply.c_link must be greater than 0"),
        ({"kind": "rectifier", "mains_phases": 2}, "must be 1 or 3, got 2"),
        ({"kind": "rectifier", "u_brake": 290.0}, "u_brake = 290 V must be above"),
        (
            {"kind": "battery", "open_circuit": [[0, 300], [0.9, 310]]},
            "must lead from charge 0 to 1",
        ),
        ({"kind": "battery", "charge_low": 0.95}, "above charge_high = 0.9"),
        # What an episode starts with fits, and what charging by braking leads to does not; or the other way round.
        (
            {"kind": "battery", "open_circuit": [(0, 300), (0.3, 300), (0.31, 1e5), (1, 1e5)]},
            r"rises to 100000 V at charge 1.*from charge_low = 0.3 on it must lie in \[150, 450\] V",
        ),
        ({"kind": "battery", "open_circuit": [(0, 300), (0.95, 310), (1, 460)]}, "rises to 460 V"),
        ({"kind": "battery", "open_circuit": [(0, 10), (0.5, 20), (1, 300)]}, r"of 16 V does not"),
        ({"kind": "rectifier", "u_brake": 1e6}, "u_brake = 1e.06 V lets .* 600 V at most"),
        ({"kind": "rectifier", "mains_frequency": 1e7}, "mains_frequency = 1e.07 Hz is too fast"),
    ],
)
def test_a_supply_that_makes_no_sense_is_refused_with_numbers(supply, says):
    with pytest.raises(ValueError, match=says):
        gymnasium.make("gem/PMSM-v0", supply=supply)


def test_a_battery_that_is_hard_to_empty_below_its_lowest_charge_is_taken():
    """What lies below the lowest state of charge at reset is how the battery ends."""
    curve = [(0, 30), (0.3, 280), (1, 450)]
    env = gymnasium.make("gem/PMSM-v0", supply={"kind": "battery", "open_circuit": curve})
    _, info = env.reset(seed=0)
    assert 280.0 < info["u_dc"] < 450.0
