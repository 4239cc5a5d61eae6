"""Losses and heat against SciPy and equations written anew, the balance of power, efficiency, limits, bad input."""

import re
from dataclasses import replace
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.optimize import root

import gym_suite
from gym_suite.core.kernel import kernel
from gym_suite.motors.dissipation import efficiency_of, warm_up
from gym_suite.motors.losses import Losses, nominal_power, usual_losses
from gym_suite.motors.machines import KINDS
from gym_suite.motors.quantities import P, X
from gym_suite.motors.thermal import ThermalNetwork, usual_network

MACHINES = ("PMSM", "SynRM", "SaturatedPMSM")
CLARKE = np.array([[2.0, -1.0, -1.0], [0.0, np.sqrt(3.0), -np.sqrt(3.0)]]) / 3.0
TAU = 1e-4
LOST = ("loss_copper", "loss_iron", "loss_conduction", "loss_switching", "loss_friction")
POWERS = ("power_dc", "power_shaft", *LOST)


class Oracle:
    """A machine, its inverter and its shaft by flux linkages in the stator's frame; nothing of it is the package's.

    Of a saturated machine the package's map is asked for flux linkages, and inverted by root finding.
    """

    def __init__(self, machine, losses, network, load):
        self.m, self.losses, self.network, self.load = machine, losses, network, load

    def magnets(self, temperatures):
        net = self.network
        warm = temperatures[1] - net.temperature_nominal
        own = getattr(self.m, "psi_p", 0.0)
        return own * net.alpha_magnet * warm

    def flux(self, i, temperatures):
        shift = np.array([self.magnets(temperatures), 0.0])
        if type(self.m).__name__ == "SaturatedPMSM":
            return shift + np.array(self.m.map.linkages(*i), float)
        magnets = getattr(self.m, "psi_p", 0.0)
        return shift + np.array([self.m.l_d * i[0] + magnets, self.m.l_q * i[1]])

    def currents(self, psi, temperatures, guess):
        found = root(lambda i: self.flux(i, temperatures) - psi, guess, tol=1e-13)
        assert np.allclose(self.flux(found.x, temperatures), psi, rtol=0.0, atol=1e-11)
        return found.x

    def slopes(self, y, v, temperatures, tau, guess):
        """y: speed, flux alpha, beta, electrical angle; then the seven energies."""
        m, lo, net = self.m, self.losses, self.network
        omega, psi, angle = y[0], y[1:3], y[3]
        to_rotor = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        dq = to_rotor @ psi
        i = to_rotor.T @ self.currents(dq, temperatures, guess)
        size = np.hypot(*i)
        r = m.r_s * (1.0 + net.alpha_winding * (temperatures[0] - net.temperature_nominal))
        drop = lo.slope * i + 4.0 / np.pi * lo.threshold * i / np.hypot(size, lo.i_knee)
        square, omega_e = psi @ psi, m.p * omega
        iron = 1.5 * (lo.hysteresis * abs(omega_e) + lo.eddy * omega_e**2) * square
        friction = (lo.bearing + lo.windage * omega**2) * abs(omega)
        switching = 6.0 / np.pi * lo.e_switch / tau * size / m.i_nominal
        air_gap = 1.5 * m.p * (psi[0] * i[1] - psi[1] * i[0])
        shaft = air_gap - (iron + friction) / omega
        a, b, inertia = self.load
        return np.array(
            [
                (shaft - np.sign(omega) * a - b * omega) / inertia,
                *(v - r * i - drop),
                omega_e,
                1.5 * v @ i + switching,
                shaft * omega,
                1.5 * r * size**2,
                iron,
                1.5 * drop @ i,
                switching,
                friction,
            ]
        )


def drive(kind, **keywords):
    start = 0.6 * KINDS[kind]().omega_nominal
    usual = {
        "frame": "abc",
        "dead_time": False,
        "speed": start,
        "load": {"kind": "polynomial_static", "a": 0.1, "b": 0.001, "j_load": 0.0},
        "losses": {"windage": 1e-5},
        "thermal": "usual",
    }
    task = keywords.pop("task", "Torque-")
    if task == "Speed-":
        del usual["speed"]
    task = "" if task == "Current" else task
    return gymnasium.make(f"gem/{kind}-{task}v0", **(usual | keywords)).unwrapped


WARM = {"temperature_winding": 120.0, "temperature_magnet": 95.0, "temperature_housing": 60.0}


@pytest.mark.parametrize("kind", MACHINES)
def test_currents_speed_and_every_power_are_the_oracles(kind):
    """Sixty periods of random phase voltages from a warm machine, at a tolerance that no sign would pass."""
    env = drive(kind, substeps=4)
    env.reset(seed=3, options={"state": WARM})
    machine = KINDS[kind]()
    losses, network = replace(usual_losses(machine), windage=1e-5), usual_network(machine)
    oracle = Oracle(machine, losses, network, (0.1, 0.001, machine.j_rotor))
    state = {name: float(value[0]) for name, value in env.state().items()}
    temperatures = np.array([state[name] for name in WARM])
    i = np.array([state["i_sd"], state["i_sq"]])
    angle = state["epsilon"]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    y = np.array([state["omega"], *(turn @ oracle.flux(i, temperatures)), angle, *np.zeros(7)])
    random = np.random.default_rng(5)
    omega_e = machine.p * state["omega"]
    for _ in range(60):
        # Voltages near those that the turning machine induces, so that currents stay within their limit.
        psi = turn @ oracle.flux(np.zeros(2), temperatures)
        u = omega_e * np.array([-psi[1], psi[0]]) + 0.05 * machine.u_dc * random.normal(size=2)
        phases = np.linalg.lstsq(CLARKE, u, rcond=None)[0]
        action = np.clip(phases / (0.5 * machine.u_dc), -1.0, 1.0)
        v = 0.5 * machine.u_dc * CLARKE @ action
        y[4:] = 0.0
        found = solve_ivp(
            lambda _, z, v=v, warm=temperatures, i=i: oracle.slopes(z, v, warm, TAU, i),
            (0.0, TAU),
            y,
            method="DOP853",
            rtol=1e-10,
            atol=1e-10,
        )
        y = found.y[:, -1]
        _, _, terminated, _, info = env.step(action)
        assert not terminated
        angle = y[3]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        i = oracle.currents(turn.T @ y[1:3], temperatures, i)
        ours = np.array([info["i_sd"], info["i_sq"]])
        assert np.allclose(ours, i, rtol=0.0, atol=2e-6 * machine.i_limit)
        assert info["omega"] == pytest.approx(y[0], rel=1e-8)
        mean = y[4:] / TAU
        for name, value in zip(POWERS, mean, strict=True):
            assert info[name] == pytest.approx(
                value, rel=1e-5, abs=1e-6 * nominal_power(machine)
            ), name
        psi = oracle.flux(i, temperatures)
        assert info["torque"] == pytest.approx(
            1.5 * machine.p * (psi[0] * i[1] - psi[1] * i[0]), rel=1e-5, abs=1e-5
        )
        # The heat that has passed, through the network's matrix.
        temperatures = network_step(network, temperatures, mean, TAU)
        for name, value in zip(WARM, temperatures, strict=True):
            assert info[name] == pytest.approx(value, abs=1e-9)


def network_matrix(net):
    """d/dt (winding, magnet, housing) = matrix @ temperatures + injection."""
    w, m, h = 1.0 / net.rth_winding, 1.0 / net.rth_magnet, 1.0 / net.rth_housing
    capacity = np.array([net.c_winding, net.c_magnet, net.c_housing])
    matrix = np.array([[-w, 0.0, w], [0.0, -m, m], [w, m, -w - m - h]])
    return matrix / capacity[:, None], capacity, h


def network_step(net, temperatures, mean, time):
    matrix, capacity, to_ambient = network_matrix(net)
    copper, iron, friction = mean[2], mean[3], mean[6]
    injected = np.array([copper, net.rotor_share * iron, (1.0 - net.rotor_share) * iron + friction])
    injected[2] += to_ambient * net.ambient
    rest = np.linalg.solve(matrix, -injected / capacity)
    return rest + expm(matrix * time) @ (temperatures - rest)


def field_energy(machine, i):
    """Magnetic energy, J: 3/2 (psi i - coenergy), the latter along a straight line from no current."""
    if type(machine).__name__ != "SaturatedPMSM":
        return 0.75 * (machine.l_d * i[0] ** 2 + machine.l_q * i[1] ** 2)

    def along(part):
        return np.dot(machine.map.linkages(*(part * i)), i)

    knots = np.linspace(0.0, 1.0, 61)
    coenergy = sum(quad(along, a, b, epsabs=1e-12)[0] for a, b in pairwise(knots))
    return 1.5 * (np.dot(machine.map.linkages(*i), i) - coenergy)


@pytest.mark.parametrize("task", ["Torque-", "Speed-"])
@pytest.mark.parametrize("kind", MACHINES)
def test_the_links_power_is_what_is_lost_given_and_stored(kind, task):
    """To 1e-6 of the throughput with everything on, under random voltages and at a speed that moves."""
    keywords = {"duration": 1.0} if task == "Speed-" else {}
    env = drive(kind, task=task, substeps=4, frame="dq", **keywords)
    env.reset(seed=2)
    machine, random = KINDS[kind](), np.random.default_rng(1)
    controller = gym_suite.make_controller(env)
    state = {name: float(value[0]) for name, value in env.state().items()}
    before = field_energy(machine, np.array([state["i_sd"], state["i_sq"]]))
    observation, hidden = env.reset(seed=2)[0], None
    balance = throughput = 0.0
    for _ in range(300):
        action, hidden = controller.predict(observation, hidden)
        action = np.clip(action + 0.02 * random.normal(size=2), -1.0, 1.0)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        lost = sum(info[name] for name in LOST)
        balance += TAU * (info["power_dc"] - info["power_shaft"] - lost)
        throughput += TAU * max(abs(info["power_dc"]), abs(info["power_shaft"]))
        assert 0.0 <= info["efficiency"] < 1.0
        assert all(info[name] >= 0.0 for name in LOST)
    stored = field_energy(machine, np.array([info["i_sd"], info["i_sq"]])) - before
    assert throughput > 0.5
    assert abs(balance - stored) < 1e-6 * throughput


@pytest.mark.parametrize("kind", MACHINES)
def test_without_losses_a_drive_moves_as_it_does_plainly(kind):
    plain = drive(kind, task="Current", losses=None, thermal=None, frame="dq")
    lossy = drive(kind, task="Current", losses=Losses(), thermal=None, frame="dq")
    random = np.random.default_rng(0)
    for env in (plain, lossy):
        env.reset(seed=4)
    for _ in range(200):
        action = random.uniform(-0.2, 0.2, size=2)
        a, b = plain.step(action), lossy.step(action)
        assert np.allclose(a[0], b[0], rtol=0.0, atol=1e-6)
        assert a[4]["i_sq"] == pytest.approx(b[4]["i_sq"], rel=1e-7, abs=1e-6)
        assert a[2] == b[2]
        if a[2]:
            break
    assert b[4]["loss_iron"] == b[4]["loss_friction"] == b[4]["loss_conduction"] == 0.0
    assert b[4]["loss_copper"] > 0.0 and "temperature_winding" not in b[4]


def test_parts_are_what_three_legs_and_the_shaft_lose_at_the_nominal_point():
    """Phase by phase over a turn: |i| and i^2 are averaged, each leg switched on and off once a period."""
    machine = KINDS["PMSM"]()
    losses = Losses(
        hysteresis=2e-3,
        eddy=3e-3,
        threshold=1.1,
        slope=4e-3,
        e_switch=5e-3,
        bearing=0.2,
        windage=3e-6,
    )
    omega, i = machine.omega_nominal, machine.i_nominal
    size = i * np.abs(np.cos(np.linspace(0.0, 2.0 * np.pi, 100_000, endpoint=False)))
    induced = machine.u_dc / np.sqrt(3.0)
    assert losses.parts(machine, TAU) == pytest.approx(
        {
            "iron": 1.5 * (2e-3 * induced**2 / (machine.p * omega) + 3e-3 * induced**2),
            "conduction": 3.0 * np.mean(1.1 * size + 4e-3 * size**2),
            "switching": 3.0 * np.mean(5e-3 * size / i) / TAU,
            "friction": 0.2 * omega + 3e-6 * omega**3,
        },
        rel=1e-7,
    )


def test_efficiency_in_driving_and_in_braking_and_where_there_is_none():
    """In driving the shaft's part, in braking the link's; where both feed the losses, and at rest, nothing is used."""

    @kernel
    def ask(shaft, link, losses):
        return efficiency_of(shaft, link, losses)

    assert ask(80.0, 100.0, 20.0) == pytest.approx(0.8)
    assert ask(-100.0, -75.0, 25.0) == pytest.approx(0.75)
    assert ask(-10.0, 15.0, 25.0) == ask(0.0, 0.0, 0.0) == ask(0.0, 5.0, 5.0) == 0.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_efficiency_of_a_held_torque_follows_from_the_losses_by_hand(sign):
    env = gymnasium.make(
        "gem/PMSM-Speed-v0",
        control="torque",
        load={"j_load": 1e6},
        losses="usual",
        duration=1.0,
    ).unwrapped
    env.reset(seed=0, options={"state": {"omega": 200.0}})
    for _ in range(60):
        *_, info = env.step(np.array([0.4 * sign]))
    lost = sum(info[name] for name in LOST)
    useful = info["power_shaft"] if sign > 0.0 else -info["power_dc"]
    assert info["efficiency"] == pytest.approx(useful / (useful + lost), rel=1e-9)
    assert np.sign(info["power_dc"]) == np.sign(info["power_shaft"]) == sign
    assert 0.85 < info["efficiency"] < 0.97
    assert info["power_dc"] - info["power_shaft"] == pytest.approx(lost, rel=5e-3)


# ------------------------------------------------------------------------------------------------------ heat


def heated(network, temperatures, losses, time, steps):
    """Move the package's temperatures under constant losses (copper, iron, friction)."""
    x, p = np.zeros(len(X)), np.zeros(len(P))
    p[P.warms] = 1.0
    for name in type(network).__dataclass_fields__:
        p[getattr(P, name)] = getattr(network, name)
    x[X.temperature_winding], x[X.temperature_magnet], x[X.temperature_housing] = temperatures
    x[X.loss_copper], x[X.loss_iron], x[X.loss_friction] = losses

    @kernel
    def many(x, time, p, steps):
        for _ in range(steps):
            warm_up(x, time, p)

    many(x, time, p, steps)
    names = ("temperature_winding", "temperature_magnet", "temperature_housing")
    return np.array([x[getattr(X, name)] for name in names]), x[X.tripped]


def test_temperatures_settle_where_the_networks_algebra_says():
    """By steps far longer than its time constants too, in which an explicit rule would run away."""
    net = usual_network(KINDS["PMSM"]())
    losses = 900.0, 400.0, 90.0
    matrix, capacity, to_ambient = network_matrix(net)
    injected = np.array([900.0, 40.0, 360.0 + 90.0 + to_ambient * net.ambient])
    settled = np.linalg.solve(matrix, -injected / capacity)
    assert np.allclose(settled, list(net.settled(*losses).values()), rtol=1e-12)
    for time, steps in ((50.0, 2000), (500.0, 2000)):
        found, tripped = heated(net, (20.0, 30.0, 40.0), losses, time, steps)
        assert np.allclose(found, settled, rtol=1e-9) and not tripped


def test_temperatures_move_as_the_matrix_exponential():
    net = usual_network(KINDS["PMSM"]())
    start = np.array([80.0, 50.0, 45.0])
    exact = network_step(net, start, [0.0, 0.0, 2000.0, 500.0, 0.0, 0.0, 60.0], 120.0)
    errors = []
    for steps in (60, 120):
        found, _ = heated(net, start, (2000.0, 500.0, 60.0), 120.0 / steps, steps)
        errors.append(np.abs(found - exact).max())
    assert errors[1] < 5e-3 and errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


def test_the_nominal_current_is_borne_for_ever():
    """The usual network settles 100 K above the ambient by copper alone, below its limit."""
    for kind in MACHINES:
        machine, net = KINDS[kind](), usual_network(KINDS[kind]())
        hot = 140.0
        copper = 1.5 * machine.r_s * (1.0 + 3.93e-3 * (hot - 20.0)) * machine.i_nominal**2
        assert net.settled(copper)["winding"] == pytest.approx(hot)
        assert net.settled(1.2**2 * copper)["winding"] > net.limit_winding


def test_no_episode_starts_too_hot():
    env = gymnasium.make("gem/PMSM-v0", thermal="usual")
    env.reset(seed=1, options={"state": {"temperature_winding": 154.0}})
    with pytest.raises(ValueError, match="155"):
        env.reset(options={"state": {"temperature_winding": 156.0}})


def test_only_the_heat_trips_when_the_current_is_within_its_limit():
    env = gymnasium.make(
        "gem/PMSM-Speed-v0",
        control="torque",
        load={"j_load": 1e6},
        thermal={"limit_winding": 40.2},
        duration=30.0,
    ).unwrapped
    env.reset(seed=0, options={"state": {"omega": 50.0}})
    for _ in range(3_000):
        _, _, terminated, _, info = env.step(np.array([0.6]))
        if terminated:
            break
    assert terminated and info["temperature_winding"] > 40.2
    assert np.hypot(info["i_sd"], info["i_sq"]) < 400.0


@pytest.mark.parametrize(
    ("node", "losses"), [("winding", (600.0, 0.0, 0.0)), ("magnet", (0.0, 1500.0, 0.0))]
)
def test_winding_and_magnets_trip_each_at_its_own_limit(node, losses):
    """Iron loss heats the magnets while the winding stays cold, copper loss the winding; alone a limit below trips."""
    net = usual_network(KINDS["PMSM"]())
    reached = net.settled(*losses)
    other = "magnet" if node == "winding" else "winding"
    assert reached[node] > reached[other] + 1.0
    far = {f"limit_{name}": max(reached.values()) + 50.0 for name in (node, other)}
    for limit, trips in ((reached[node] - 0.5, True), (reached[node] + 0.5, False)):
        own = replace(net, **far | {f"limit_{node}": limit})
        _, tripped = heated(own, (40.0, 40.0, 40.0), losses, 5.0, 5000)
        assert bool(tripped) == trips


def test_a_range_of_starting_temperatures_is_drawn_for_each_episode():
    thermal = {"temperature_low": 30.0, "temperature_high": 90.0}
    envs = gymnasium.make_vec("gem/PMSM-v0", num_envs=64, thermal=thermal)
    _, info = envs.reset(seed=0)
    drawn = info["temperature_winding"]
    assert np.array_equal(drawn, info["temperature_housing"])
    assert 30.0 <= drawn.min() < 40.0 and 80.0 < drawn.max() <= 90.0


# ------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"losses": "usuall"}, "Did you mean 'usual'"),
        ({"losses": {"edy": 1.0}}, "Did you mean 'eddy'"),
        ({"losses": {"eddy": -1.0}}, "Losses.eddy must be at least 0, got -1"),
        ({"losses": {"threshold": 1e3}}, "conduction would take"),
        ({"losses": {"i_knee": 1e-6}}, "lower tau to"),
        ({"losses": {"windage": 1e3}}, "friction would take"),
        ({"losses": "usual", "supply": "rc"}, "supply 'ideal' alone"),
        (
            {"thermal": "usual", "modulation": "carrier"},
            "modulation 'averaged' and overmodulation 'hexagon' alone",
        ),
        ({"thermal": {"rth_windin": 1.0}}, "Did you mean 'rth_winding'"),
        ({"thermal": {"ambient": 200.0}}, "limit_winding = 155 degC must be above"),
        ({"thermal": {"temperature_low": 60.0}}, "above temperature_high = 40"),
        ({"thermal": {"alpha_magnet": -5e-3, "limit_magnet": 390.0}}, "would leave nothing"),
        ({"thermal": "usual", "machine": {"r_s": 0.0}}, "r_s = 0 gives none"),
        ({"thermal": {"c_winding": 1e-9}}, "it must be at least"),
    ],
)
def test_what_cannot_be_is_refused_with_the_number(keywords, words):
    with pytest.raises(ValueError, match=words):
        gymnasium.make("gem/PMSM-v0", **keywords)


@pytest.mark.parametrize("keywords", [{"losses": 3.0}, {"thermal": [1.0]}])
def test_another_kind_of_thing_is_refused(keywords):
    with pytest.raises(TypeError, match="overrides"):
        gymnasium.make("gem/PMSM-v0", **keywords)


def test_switched_drives_and_other_machines_have_no_such_keyword():
    for id in ("gem/PMSM-Finite-v0", "gem/SCIM-v0"):
        with pytest.raises(ValueError, match="losses"):
            gymnasium.make(id, losses="usual")


def test_a_drive_with_losses_is_built_anew_from_its_keywords_and_its_plant_may_differ():
    env = gymnasium.make(
        "gem/SynRM-Torque-v0",
        losses={"eddy": 2e-3},
        thermal={"ambient": 25.0},
        mismatch={"eddy": 0.3, "rth_winding": 0.2, "threshold": 0.1},
    ).unwrapped
    names = env.setup.plant_parameters
    assert {"eddy", "rth_winding", "c_housing"} <= set(names)
    keywords = env.setup.keywords
    again = gymnasium.make("gem/SynRM-Torque-v0", **keywords).unwrapped
    assert np.array_equal(again.setup.row, env.setup.row)
    sources = {column.name: column.source for column in env.setup.parameter_columns}
    assert sources["eddy"] == sources["ambient"] == "user" and "33 kW" in sources["hysteresis"]
    assert isinstance(ThermalNetwork(**keywords["thermal"]), ThermalNetwork)


def test_rows_of_a_vector_are_single_drives_to_the_bit():
    keywords = {"losses": "usual", "thermal": "usual", "mismatch": {"hysteresis": 0.2}}
    envs = gymnasium.make_vec("gem/SaturatedPMSM-v0", num_envs=3, **keywords)
    one = gymnasium.make("gem/SaturatedPMSM-v0", **keywords)
    many = envs.reset(seed=7)[0]
    assert np.array_equal(many[1], one.reset(seed=8)[0])
    random = np.random.default_rng(1)
    for _ in range(20):
        actions = random.uniform(-0.3, 0.3, size=(3, 2)).astype(np.float32)
        many, rewards, *_ = envs.step(actions)
        own, reward, *_ = one.step(actions[1])
        assert np.array_equal(many[1], own) and rewards[1] == reward


SIZES = st.floats(-9.0, 6.0).map(lambda exponent: 10.0**exponent)


def drawn(cls, but=()):
    names = [name for name in cls.__dataclass_fields__ if name not in but]
    return st.dictionaries(st.sampled_from(names), SIZES, max_size=3)


@given(
    losses=drawn(Losses),
    thermal=drawn(ThermalNetwork, but=("alpha_winding", "alpha_magnet", "rotor_share")),
    kind=st.sampled_from(MACHINES),
)
def test_numbers_of_any_size_are_refused_or_leave_a_drive_that_can_be_simulated(
    losses, thermal, kind
):
    try:
        env = gymnasium.make(
            f"gem/{kind}-v0",
            losses=losses,
            thermal=thermal,
            load={"kind": "polynomial_static", "a": 0.0, "b": 0.0},
        )
    except ValueError as error:
        assert re.search(r"\d", str(error))
        return
    env.reset(seed=0)
    for _ in range(30):
        observation, reward, terminated, _, info = env.step(np.array([0.1, 0.3]))
        assert np.all(np.isfinite(observation)) and np.isfinite(reward)
        assert all(np.isfinite(value) for value in info.values())
        assert 0.0 <= info["efficiency"] <= 1.0
        if terminated:
            break
