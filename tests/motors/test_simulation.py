"""The open-loop simulation against recorded runs and independently written equations."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gym_suite.motors import simulate
from gym_suite.motors.loads import load_torque
from gym_suite.motors.machines import PMSM

DATA = Path(__file__).parent / "data"
MACHINE = {"r_s": 0.018, "l_d": 3.7e-4, "l_q": 1.2e-3, "psi_p": 0.066, "p": 3}
LOAD = {"kind": "polynomial_static", "a": 0.05, "b": 0.01, "c": 1e-4, "j_total": 0.04}


MACHINE_INERTIA = PMSM().j_rotor


def deviation(ours, theirs):
    """Return max|a - b| / max|b|, the angle's turns undone."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def drive(steps, scale=60.0):
    t = np.arange(steps)
    return scale * np.column_stack([np.sin(0.021 * t), np.cos(0.013 * t)])


@pytest.mark.parametrize(("keywords", "tolerance"), [({"rtol": 1e-10}, 1e-8), ({}, 1e-4)])
def test_recorded_run_of_the_peer(keywords, tolerance):
    run = np.load(DATA / "PMSM_ConstantSpeed.npz")
    machine = {"kind": "PMSM"} | json.loads(str(run["motor_parameter_json"]))
    load = {"kind": "constant_speed", "omega": 100.0}
    ours = simulate(machine, run["ode_input"], tau=float(run["tau"]), load=load, **keywords)
    assert len(ours) == len(run["ode_state"]) == 2001
    for j, name in enumerate(("omega", "i_sd", "i_sq", "epsilon")):
        assert deviation(ours[name], run["ode_state"][:, j]) <= tolerance, name


def test_load_torque_explains_the_peers_recorded_shaft():
    """Integrate the peer's DC motor with our load: its recorded speed follows."""
    run = np.load(DATA / "PermExDc_PolynomialStatic.npz")
    m = json.loads(str(run["motor_parameter_json"]))
    load = json.loads(str(run["load_parameter_json"]))
    inertia, tau = load["j_total"], float(run["tau"])
    linear = load["a"] * load["tau_decay"] / inertia
    x = run["ode_state"][0]
    states = [x]
    for (u,) in run["ode_input"]:

        def slope(_, y, u=u):
            taken = load_torque(y[0], load["a"], load["b"], load["c"], linear)
            current = (u - m["r_a"] * y[1] - m["psi_e"] * y[0]) / m["l_a"]
            return [(m["psi_e"] * y[1] - taken) / inertia, current]

        x = solve_ivp(slope, (0, tau), x, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
        states.append(x)
    states = np.array(states)
    for j in range(2):
        assert deviation(states[:, j], run["ode_state"][:, j]) < 1e-7


def reference_solution(voltages, tau, *, frame, load=None, omega=0.0):
    """Integrate the machine's equations as a textbook writes them, flux by flux."""
    m = MACHINE
    j, a, b, c = (LOAD[k] for k in ("j_total", "a", "b", "c"))
    linear = a * 1e-3 / j
    x = np.array([omega, 0.0, 0.0, 0.3])
    states = [x]
    for voltage in voltages:

        def slope(_, y, voltage=voltage):
            w, i_d, i_q, angle = y
            if frame == "abc":
                turn = 2 * math.pi / 3
                angles = angle - turn * np.arange(3)
                u_d = 2 / 3 * float(voltage @ np.cos(angles))
                u_q = -2 / 3 * float(voltage @ np.sin(angles))
            else:
                u_d, u_q = voltage
            psi_d, psi_q = m["l_d"] * i_d + m["psi_p"], m["l_q"] * i_q
            torque = 1.5 * m["p"] * (psi_d * i_q - psi_q * i_d)
            coulomb = a * max(-1.0, min(1.0, w / linear))
            dw = 0.0 if load is None else (torque - coulomb - b * w - c * w * abs(w)) / j
            d_d = (u_d - m["r_s"] * i_d + m["p"] * w * psi_q) / m["l_d"]
            d_q = (u_q - m["r_s"] * i_q - m["p"] * w * psi_d) / m["l_q"]
            return [dw, d_d, d_q, m["p"] * w]

        step = solve_ivp(
            slope, (0, tau), x, method="Radau" if load else "DOP853", rtol=1e-11, atol=1e-11
        )
        x = step.y[:, -1]
        states.append(x)
    return np.array(states)


@pytest.mark.parametrize("frame", ["dq", "abc"])
@pytest.mark.parametrize("load", [None, LOAD])
def test_independent_equations(frame, load):
    steps, tau = 150, 1e-4
    voltages = drive(steps)
    if frame == "abc":
        alpha, beta = voltages.T
        common = 7.0  # the star point's voltage has no effect
        half = math.sqrt(3) / 2 * beta
        voltages = common + np.column_stack([alpha, -alpha / 2 + half, -alpha / 2 - half])
    omega = 150.0 if load is None else 0.0
    theirs = reference_solution(voltages, tau, frame=frame, load=load, omega=omega)
    ours = simulate(
        MACHINE,
        voltages,
        tau=tau,
        frame=frame,
        load=load or {"kind": "constant_speed", "omega": omega},
        initial_state={"epsilon": 0.3},
        rtol=1e-11,
    )
    for j, name in enumerate(("omega", "i_sd", "i_sq", "epsilon")):
        assert deviation(ours[name], theirs[:, j]) < 1e-8, name


def test_fixed_step_converges_with_order_four():
    run = {"tau": 4e-4, "load": {"kind": "constant_speed", "omega": 300.0}}
    exact = simulate("PMSM", drive(50), rtol=1e-12, **run)
    errors = [
        deviation(simulate("PMSM", drive(50), substeps=n, **run)["i_sd"], exact["i_sd"])
        for n in (1, 2, 4)
    ]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert ((orders > 3.7) & (orders < 4.3)).all()


def test_power_balance():
    """Electrical input = copper loss + shaft power + change of the field's energy."""
    machine = PMSM()
    omega, tau, fine = 200.0, 1e-4, 20
    voltages = np.repeat(drive(200), fine, axis=0)
    load = {"kind": "constant_speed", "omega": omega}
    run = simulate(machine, voltages, tau=tau / fine, load=load, rtol=1e-11)
    i_d, i_q = run["i_sd"], run["i_sq"]
    supplied = 1.5 * (run["u_sd"] * i_d + run["u_sq"] * i_q)[:-1]
    following = 1.5 * (run["u_sd"][:-1] * i_d[1:] + run["u_sq"][:-1] * i_q[1:])
    energy_in = (0.5 * (supplied + following)).sum() * tau / fine
    inner = 1.5 * machine.r_s * (i_d**2 + i_q**2) + run["torque"] * omega
    energy_out = np.trapezoid(inner, dx=tau / fine)
    field = 0.75 * (machine.l_d * i_d**2 + machine.l_q * i_q**2)
    assert energy_in == pytest.approx(energy_out + field[-1] - field[0], rel=1e-5)


def test_coasting_shaft_stops_at_standstill():
    load = {"kind": "polynomial_static", "a": 5.0, "b": 0.0, "c": 0.0, "j_total": 0.04}
    machine = {"psi_p": 1e-9}
    run = simulate(
        machine, np.zeros((800, 2)), tau=1e-3, load=load, initial_state={"omega": 50.0}, rtol=1e-9
    )
    # Coulomb friction alone brakes linearly: 5 N m on 0.04 kg m^2 stop 50 rad/s in 0.4 s.
    before = run.time < 0.39
    assert np.abs(run["omega"] - (50.0 - 125.0 * run.time))[before].max() < 1e-6
    assert np.abs(run["omega"][run.time > 0.45]).max() < 1e-6


def test_vehicle_coasts_down_as_its_force_balance_says():
    run = simulate(
        {"base": "HSM16.17.12-C01", "psi_p": 1e-9, "j_rotor": 1e-6},
        np.zeros((600, 2)),
        tau=0.1,
        load="vehicle",
        initial_state={"omega": 500.0},
        rtol=1e-9,
    )
    lever = 0.350 / 5.72
    rolling, drag = 7.7e-3 * 9.80665, 0.5 * 1.2 * 0.29 * 2.38 / 1270.0
    v0 = 500.0 * lever
    # dv/dt = -(rolling + drag v^2) has a closed form.
    root = math.sqrt(drag / rolling)
    angle = math.atan(root * v0) - math.sqrt(rolling * drag) * run.time
    assert np.abs(run["omega"] * lever - np.tan(angle) / root).max() < 1e-3 * v0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"machine": "PSMS"}, "PMSM"),
        ({"machine": {"l_d": -1e-3}}, "l_d must be greater than 0"),
        ({"machine": {"ld": 1e-3}}, "'l_d'"),
        ({"machine": {"kind": "PMSN"}}, "PMSM"),
        ({"machine": {"r_s": math.nan}}, "finite"),
        ({"machine": {"psi_p": 0.0, "l_q": 1e-3, "l_d": 1e-3}}, "no torque"),
        ({"load": {"kind": "polynomial"}}, "polynomial_static"),
        ({"load": {"kind": "polynomial_static", "j_total": 1e-3}}, "j_rotor"),
        ({"load": {"kind": "polynomial_static", "j_total": 0.04, "j_load": 1e-3}}, "0.00117"),
        ({"voltages": {"u_sd": np.zeros(5)}}, "lack u_sq; needed are u_sd, u_sq"),
        ({"voltages": {"u_sd": 0.0, "u_q": np.zeros(5)}}, "'u_sq'"),
        ({"voltages": {"u_sd": np.zeros(4), "u_sq": np.zeros(5)}}, r"one length, got u_sd \(4,\)"),
        ({"voltages": np.zeros((5, 3))}, r"\(steps, 2\)"),
        ({"voltages": np.full((5, 2), np.inf)}, "not finite"),
        ({"frame": "alphabeta"}, "abc"),
        ({"initial_state": {"i_d": 1.0}}, "i_sd"),
        ({"tau": 0.0}, "greater than 0"),
        ({"rtol": 0.5}, "rtol"),
        ({"rtol": 1e-6, "substeps": 3}, "substeps"),
    ],
)
def test_bad_input_is_refused_with_what_is_near(change, message):
    given = {"machine": "PMSM", "voltages": np.zeros((5, 2)), "tau": 1e-4} | change
    machine, voltages = given.pop("machine"), given.pop("voltages")
    with pytest.raises(ValueError, match=message):
        simulate(machine, voltages, **given)


def test_voltages_by_their_symbols_are_those_of_the_columns():
    held = drive(40)
    by_name = {"u_sq": held[:, 1], "u_sd": held[:, 0]}
    ours, theirs = (simulate("PMSM", u, tau=1e-4) for u in (by_name, held))
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs.names)
    driven = {"u_salpha": 10.0, "u_sbeta": 0.0, "u_ralpha": 0.0, "u_rbeta": np.full(5, 1.0)}
    run = simulate("DFIM", driven, tau=1e-4, frame="alphabeta")
    assert (run["u_salpha"] == 10.0).all() and (run["u_rbeta"] == 1.0).all() and len(run) == 6


def test_the_inertia_of_the_load_may_be_given_beside_the_whole():
    """As recordings of the peer name both."""
    load = LOAD | {"j_total": MACHINE_INERTIA + 1e-3, "j_load": 1e-3}
    alone = {name: value for name, value in load.items() if name != "j_load"}
    ours, theirs = (simulate("PMSM", drive(20), tau=1e-4, load=given) for given in (load, alone))
    assert ours["omega"] == pytest.approx(theirs["omega"], rel=1e-12) and ours["omega"].any()


def test_a_machine_of_another_type_is_a_type_error():
    with pytest.raises(TypeError, match="mapping"):
        simulate(3, np.zeros((5, 2)), tau=1e-4)
