"""Every machine's equations against unified machine theory, recorded runs of the peer, and the balance of power."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import simpson

from gym_suite.motors import simulate
from gym_suite.motors.machines import DC, KINDS, SATURATED, SETS

from . import unified

DATA = Path(__file__).parent / "data"
LOAD = {"a": 0.05, "b": 0.01, "c": 1e-4, "tau_decay": 1e-3}
#: Those of DC machines and with flux maps have tests of their own.
APART = (DC, SATURATED)
MACHINES = {name: known.machine for name, known in SETS.items() if known.machine.group not in APART}


def deviation(ours, theirs):
    """Return max|a - b| / max|b|."""
    return np.abs(ours - theirs).max() / np.abs(theirs).max()


def size_of(machine):
    """Return the number of a machine's voltages in the frame of its state."""
    return len(next(iter(machine.frames.values())))


def drive(machine, steps, part=0.3):
    """Voltages that wander within a part of what the DC link gives."""
    t = np.arange(steps)
    size = size_of(machine)
    waves = [np.sin((0.021 + 0.008 * k) * t + 0.7 * k) for k in range(size)]
    return part * machine.u_dc / np.sqrt(3) * np.column_stack(waves)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("moving", [False, True])
def test_against_unified_machine_theory(name, moving):
    machine, tau, steps = MACHINES[name], 1e-4, 120
    load = LOAD | {"j_total": machine.j_rotor + 1e-3} if moving else None
    voltages = drive(machine, steps)
    theirs = unified.run(machine, voltages, tau, omega=0.0 if moving else 120.0, load=load)
    ours = simulate(
        machine,
        voltages,
        tau=tau,
        load={"kind": "polynomial_static", **load} if moving else {"omega": 120.0},
        rtol=1e-11,
    )
    for j, column in enumerate(("omega", *machine.states, "epsilon")):
        assert deviation(ours[column], theirs[:, j]) < 1e-8, column


def test_recorded_run_of_the_excited_machine():
    run = np.load(DATA / "EESM_k1_ConstantSpeed.npz")
    machine = {"kind": "EESM"} | json.loads(str(run["motor_parameter_json"]))
    ours = simulate(
        machine, run["ode_input"], tau=float(run["tau"]), load={"omega": 100.0}, rtol=1e-10
    )
    for j, name in enumerate(("omega", "i_sd", "i_sq", "i_e", "epsilon")):
        assert deviation(ours[name], run["ode_state"][:, j]) < 1e-8, name


def test_recorded_run_of_the_induction_machine():
    """The peer's machine from standstill under a load, with Coulomb friction at the start."""
    run = np.load(DATA / "SCIM_PolynomialStatic.npz")
    machine = {"kind": "SCIM"} | json.loads(str(run["motor_parameter_json"]))
    load = json.loads(str(run["load_parameter_json"]))
    load = {"kind": "polynomial_static"} | {k: load[k] for k in (*LOAD, "j_total")}
    ours = simulate(
        machine,
        run["ode_input"],
        tau=float(run["tau"]),
        frame="alphabeta",
        load=load,
        rtol=1e-10,
    )
    names = ("omega", "i_salpha", "i_sbeta", "psi_ralpha", "psi_rbeta", "epsilon")
    for j, name in enumerate(names):
        assert deviation(ours[name], run["ode_state"][:, j]) < 1e-8, name


def winding_frames(name, angle):
    """Return the matrix from the phases that converters hold to the voltages in the frame of the machine's state."""

    def vector(shift, turned):
        return np.exp(1j * (2 * np.pi / 3 * np.arange(3) + shift)) * np.exp(1j * turned) * 2 / 3

    if name == "SCIM":
        return np.array([vector(0, 0).real, vector(0, 0).imag])
    if name == "DFIM":  # the rotor's windings turn with it
        stator, rotor = vector(0, 0), vector(0, angle)
        zero = np.zeros((2, 3))
        parts = [np.array([v.real, v.imag]) for v in (stator, rotor)]
        return np.block([[parts[0], zero], [zero, parts[1]]])
    one, other = vector(0, -angle), vector(np.pi / 6, -angle)
    both = 0.5 * np.concatenate([one, other])
    apart = 0.5 * np.concatenate([one, -other])
    return np.array([both.real, both.imag, apart.real, -apart.imag])


@pytest.mark.parametrize("name", ["SCIM", "DFIM", "SixPhasePMSM"])
def test_voltages_of_phases_are_held_where_the_windings_are(name):
    """Phases held over long periods equal voltages of the state's frame that follow the windings in short ones."""
    machine, tau, fine, omega, steps = MACHINES[name], 1e-4, 200, 150.0, 6
    generator = np.random.default_rng(0)
    phases = generator.uniform(-40.0, 40.0, (steps, len(machine.frames["abc"])))
    load = {"omega": omega}
    held = simulate(machine, phases, tau=tau, frame="abc", load=load, rtol=1e-11)
    middle = machine.p * omega * tau / fine * (np.arange(steps * fine) + 0.5)
    followed = [winding_frames(name, angle) @ phases[k // fine] for k, angle in enumerate(middle)]
    run = simulate(machine, np.array(followed), tau=tau / fine, load=load, rtol=1e-11)
    for state in machine.states:
        assert deviation(held[state], run[state][::fine]) < 1e-6, state


@pytest.mark.parametrize("name", MACHINES)
def test_power_balance(name):
    """Electrical input = copper loss + shaft power + change of the stored energy, to 1e-6 of what goes through."""
    machine, tau, fine, omega = MACHINES[name], 1e-4, 20, 100.0
    model = unified.OF[type(machine).__name__](machine)
    voltages = drive(machine, 100)
    run = simulate(
        machine,
        np.repeat(voltages, fine, axis=0),
        tau=tau / fine,
        load={"omega": omega},
        rtol=1e-12,
    )
    voltages = unified.padded(model, voltages)
    i = unified.currents(model, np.column_stack([run[state] for state in machine.states]))
    inside = [slice(k * fine, (k + 1) * fine + 1) for k in range(len(voltages))]
    given = sum(
        simpson((i[part] * model.w) @ u, dx=tau / fine)
        for part, u in zip(inside, voltages, strict=True)
    )
    copper = simpson((i**2) @ (model.w * model.r), dx=tau / fine)
    shaft = simpson(run["torque"] * omega, dx=tau / fine)
    stored = model.energy(i[-1]) - model.energy(i[0])
    through = np.abs((i[:-1] * model.w * np.repeat(voltages, fine, axis=0)).sum(axis=1)).sum()
    assert abs(given - copper - shaft - stored) < 1e-6 * through * tau / fine


@pytest.mark.parametrize("name", MACHINES)
def test_stored_energy_decays_without_a_voltage(name):
    machine = MACHINES[name]
    model = unified.OF[type(machine).__name__](machine)
    assert np.linalg.eigvalsh(model.w[:, None] * model.inductance).min() > 0.0
    signs = {state: 10.0 * (-1) ** k for k, state in enumerate(machine.states)}
    start = {state: 0.05 * x if state.startswith("psi") else x for state, x in signs.items()}
    run = simulate(
        machine,
        np.zeros((400, size_of(machine))),
        tau=1e-4,
        load={"omega": 0.0},
        initial_state=start,
        rtol=1e-10,
    )
    states = np.column_stack([run[state] for state in machine.states])
    energy = [model.energy(i) for i in unified.currents(model, states)]
    assert (np.diff(energy) <= 1e-12 * energy[0]).all()


@pytest.mark.parametrize("name", MACHINES)
def test_every_number_of_a_circuit_is_read_by_its_equations(name):
    """A slot that no equation reads would be a number that does nothing."""
    machine = MACHINES[name]
    voltages = drive(machine, 40)

    def end(changes):
        given = {"kind": type(machine).__name__, "base": name, **changes}
        run = simulate(given, voltages, tau=1e-4, load={"omega": 80.0})
        return np.array([run[state][-1] for state in machine.states])

    plain = end({})
    for parameter in (name for name in machine.circuit if name not in machine.derived):
        assert np.abs(end({parameter: 1.01 * getattr(machine, parameter)}) - plain).max() > 1e-9


def test_every_kind_has_a_set_of_its_name_and_an_oracle():
    kinds = {name: cls for name, cls in KINDS.items() if cls.group not in APART}
    assert set(kinds) == set(unified.OF)
    assert all(type(MACHINES[name]) is cls for name, cls in kinds.items())


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ({"kind": "EESM", "l_m": 1.589e-3, "l_e": 1.74e-3}, "not passive"),
        ({"kind": "SynRM", "l_d": 1e-3}, "larger inductance along d"),
        ({"kind": "EESM", "i_e_nominal": 200.0}, "i_e_nominal must not exceed"),
        ({"kind": "SynRM", "psi_p": 0.1}, "unknown parameter of machine 'psi_p'"),
        ({"kind": "SynRN"}, "'SynRM'"),
        ("SynRN", "'SynRM'"),
        ({"kind": "SCIM", "l_sigs": 0.0}, "l_sigs must be greater than 0"),
        ({"kind": "SCIM", "l_sig_s": 1e-3}, "'l_sigs'"),
        ({"kind": "DFIM", "i_nominal": 20.0}, "i_nominal must not exceed i_limit"),
        ({"kind": "PMSM", "omega_limit": 300.0}, "omega_nominal must not exceed omega_limit"),
        ({"kind": "SCIM", "omega_nominal": 500.0}, "omega_nominal must not exceed omega_limit"),
        ({"kind": "SixPhasePMSM", "psi_p": 0.0, "l_q": 125e-6}, "gives no torque"),
    ],
)
def test_machines_that_cannot_be_are_refused(machine, message):
    with pytest.raises(ValueError, match=message):
        simulate(machine, np.zeros((5, 2)), tau=1e-4)


def test_the_plate_of_the_published_reluctance_machine_is_a_point_of_its_equations():
    """370 V, 15.5 A and 105.8 Hz (root mean squares, line to line) give the 20.1 N m of its plate."""
    machine = SETS["SyRM-6.7kW"].machine
    omega_e = machine.p * machine.omega_nominal
    assert omega_e == pytest.approx(2.0 * np.pi * 105.8, rel=1e-3)
    assert machine.i_nominal == pytest.approx(np.sqrt(2.0) * 15.5, rel=1e-3)
    angle = np.linspace(0.0, np.pi / 2, 2001)
    i_d, i_q = machine.i_nominal * np.cos(angle), machine.i_nominal * np.sin(angle)
    u_d = machine.r_s * i_d - omega_e * machine.l_q * i_q
    u_q = machine.r_s * i_q + omega_e * machine.l_d * i_d
    torque = 1.5 * machine.p * (machine.l_d - machine.l_q) * i_d * i_q
    held = torque[np.hypot(u_d, u_q) <= 370.0 * np.sqrt(2.0 / 3.0)].max()
    assert held == pytest.approx(20.1, rel=0.05)
