"""The DC machines' equations against equations written anew, the recorded run of a peer, and the balance of power."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp

from gym_suite.motors import simulate
from gym_suite.motors.machines import DC, KINDS, SETS, ExtExDc, PermExDc, SeriesDc, ShuntDc
from gym_suite.motors.machines.brushless import BLDC

DATA = Path(__file__).parent / "data"
# The brushless machine has equations of its own.
MACHINES = {
    name: known.machine
    for name, known in SETS.items()
    if known.machine.group == DC and not isinstance(known.machine, BLDC)
}
LOAD = {"a": 0.05, "b": 0.01, "c": 1e-4, "tau_decay": 1e-3}
HELD = {"kind": "constant_speed", "omega": 120.0}


def circuit(m, omega, i, u):
    """Return (winding voltages less drops and induced ones, inductances, flux that turns) of a machine's circuits."""
    if isinstance(m, PermExDc):
        return [u[0] - m.r_a * i[0] - m.psi_e * omega], [m.l_a], m.psi_e
    if isinstance(m, SeriesDc):
        flux = m.l_e_prime * i[0]
        return [u[0] - (m.r_a + m.r_e) * i[0] - flux * omega], [m.l_a + m.l_e], flux
    assert isinstance(m, ShuntDc | ExtExDc)
    flux = m.l_e_prime * i[1]
    u_e = u[1] if isinstance(m, ExtExDc) else u[0]
    return [u[0] - m.r_a * i[0] - flux * omega, u_e - m.r_e * i[1]], [m.l_a, m.l_e], flux


def integrate(m, voltages, tau, *, omega, load):
    """Integrate under held voltages; return rows of omega and the currents."""
    x = np.zeros(1 + len(m.states))
    x[0] = omega
    states = [x]
    for u in voltages:

        def slope(_, y, u=u):
            driving, inductances, flux = circuit(m, y[0], y[1:], u)
            change = 0.0
            if load is not None:
                inertia = m.j_rotor + 1e-3
                coulomb = load["a"] * np.clip(
                    y[0] * inertia / (load["a"] * load["tau_decay"]), -1, 1
                )
                taken = coulomb + load["b"] * y[0] + load["c"] * y[0] * abs(y[0])
                change = (flux * y[1] - taken) / inertia
            return [change, *(np.array(driving) / inductances)]

        x = solve_ivp(slope, (0.0, tau), x, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        states.append(x)
    return np.array(states)


def waves(machine, steps, part=0.1):
    t = np.arange(steps)
    size = len(machine.voltages)
    columns = [np.cos((0.021 + 0.008 * k) * t + 0.7 * k) for k in range(size)]
    return part * machine.u_dc * np.column_stack(columns)


def deviation(ours, theirs):
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("name", MACHINES)
def test_against_equations_written_anew(name, moving):
    machine, tau = MACHINES[name], 1e-4
    voltages = waves(machine, 200)
    load = LOAD if moving else None
    theirs = integrate(machine, voltages, tau, omega=0.0 if moving else 120.0, load=load)
    carried = {"kind": "polynomial_static", **LOAD, "j_load": 1e-3} if moving else HELD
    ours = simulate(machine, voltages, tau=tau, load=carried, rtol=1e-10)
    for j, column in enumerate(("omega", *machine.states)):
        assert deviation(ours[column], theirs[:, j]) < 1e-8, column
    turning = [circuit(machine, 0.0, i, np.zeros(2))[2] * i[0] for i in theirs[:, 1:]]
    assert deviation(ours["torque"], np.array(turning)) < 1e-8


def test_recorded_run_of_the_peer():
    run = np.load(DATA / "PermExDc_PolynomialStatic.npz")
    machine = {"kind": "PermExDc"} | json.loads(str(run["motor_parameter_json"]))
    load = json.loads(str(run["load_parameter_json"]))
    load = {"kind": "polynomial_static"} | {k: load[k] for k in (*LOAD, "j_total")}
    ours = simulate(machine, run["ode_input"], tau=float(run["tau"]), load=load, rtol=1e-10)
    for j, name in enumerate(("omega", "i")):
        assert deviation(ours[name], run["ode_state"][:, j]) < 1e-8, name


def stored(machine, run):
    """Return the energy in the windings, J."""
    inductances = circuit(machine, 0.0, [0.0, 0.0], [0.0, 0.0])[1]
    windings = zip(inductances, machine.states, strict=True)
    return sum(0.5 * henry * run[state] ** 2 for henry, state in windings)


@pytest.mark.parametrize("name", MACHINES)
def test_power_balance(name):
    """Electrical input = copper loss + shaft power + change of the stored energy, to 1e-6 of what goes through."""
    machine, tau, fine, omega = MACHINES[name], 1e-4, 20, 100.0
    voltages = waves(machine, 100)
    held = np.repeat(voltages, fine, axis=0)
    run = simulate(machine, held, tau=tau / fine, load={"omega": omega}, rtol=1e-12)
    i = [run[state] for state in machine.states]
    drawn = [i[0]] if len(machine.voltages) == 1 else i
    if isinstance(machine, ShuntDc):
        drawn = [i[0] + i[1]]
    given = through = 0.0
    for k, u in enumerate(voltages):
        inside = slice(k * fine, (k + 1) * fine + 1)
        power = sum(current[inside] * v for current, v in zip(drawn, u, strict=True))
        given += simpson(power, dx=tau / fine)
        through += np.abs(power[:-1]).sum() * tau / fine
    resistances = [machine.r_a, getattr(machine, "r_e", 0.0)]
    if isinstance(machine, SeriesDc):
        i = [i[0], i[0]]
    copper = sum(simpson(r * c**2, dx=tau / fine) for r, c in zip(resistances, i, strict=False))
    shaft = simpson(run["torque"] * omega, dx=tau / fine)
    energy = stored(machine, run)
    assert abs(given - copper - shaft - (energy[-1] - energy[0])) < 1e-6 * through


@pytest.mark.parametrize("name", MACHINES)
def test_stored_energy_never_grows_without_a_voltage(name):
    machine = MACHINES[name]
    run = simulate(
        machine,
        np.zeros((400, len(machine.voltages))),
        tau=1e-5,
        load={"omega": 0.0},
        initial_state={state: 10.0 * (-1) ** k for k, state in enumerate(machine.states)},
    )
    energy = stored(machine, run)
    assert (np.diff(energy) <= 0.0).all() and energy[-1] < energy[0]


@pytest.mark.parametrize("name", MACHINES)
def test_every_number_of_a_circuit_is_read_by_its_equations(name):
    machine = MACHINES[name]

    def end(changes):
        given = {"kind": type(machine).__name__, "base": name, **changes}
        run = simulate(given, waves(machine, 40), tau=1e-4, load={"omega": 80.0}, substeps=4)
        return np.array([run[state][-1] for state in machine.states])

    plain = end({})
    for parameter in machine.circuit:
        assert np.abs(end({parameter: 1.01 * getattr(machine, parameter)}) - plain).max() > 1e-9


def test_catalogue_motor_runs_as_its_sheet_says():
    """The maxon RE 40 at 24 V: 7,580 rpm without a load, 80.2 A and 2.42 N m when held, within 1 %."""
    voltages = np.full((4000, 1), 24.0)
    free = simulate(
        "RE40-148867", voltages, tau=1e-4, load={"kind": "polynomial_static", "a": 0, "b": 0}
    )
    assert free["omega"][-1] * 30.0 / np.pi == pytest.approx(7580.0, rel=0.01)
    stalled = simulate("RE40-148867", voltages, tau=1e-4, load={"omega": 0.0})
    assert stalled["i"][-1] == pytest.approx(80.2, rel=0.01)
    assert stalled["torque"][-1] == pytest.approx(2.42, rel=0.01)


def test_every_kind_of_the_group_has_a_set_of_its_name():
    kinds = {name for name, cls in KINDS.items() if cls.group == DC and name != "BLDC"}
    assert kinds <= set(MACHINES)


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ({"kind": "PermExDc", "psi_e": 0.0}, "gives no torque"),
        ({"kind": "PermExDc", "r_a": -1.0}, "r_a must be at least 0"),
        ({"kind": "SeriesDc", "l_a": 0.0}, "l_a must be greater than 0"),
        ({"kind": "ShuntDc", "i_e_nominal": 300.0}, "i_e_nominal must not exceed"),
        ({"kind": "ExtExDc", "i_nominal": 300.0}, "i_nominal must not exceed"),
        ({"kind": "ExtExDc", "psi_e": 0.1}, "unknown parameter of machine 'psi_e'"),
        ({"kind": "SerieDc"}, "'SeriesDc'"),
        ("ShuntDC", "'ShuntDc'"),
    ],
)
def test_machines_that_cannot_be_are_refused(machine, message):
    with pytest.raises(ValueError, match=message):
        simulate(machine, np.zeros((5, 1)), tau=1e-4)


@pytest.mark.parametrize(
    ("machine", "columns", "named"),
    [("PermExDc", 2, "1"), ("ShuntDc", 2, "1"), ("ExtExDc", 1, "2")],
)
def test_a_wrong_number_of_terminals_is_refused(machine, columns, named):
    with pytest.raises(ValueError, match=rf"\(steps, {named}\)"):
        simulate(machine, np.zeros((5, columns)), tau=1e-4)
    with pytest.raises(ValueError, match="terminals"):
        simulate(machine, np.zeros((5, int(named))), tau=1e-4, frame="dq")
