"""A load behind an elastic shaft with backlash: SciPy, the closed form of its resonance, energy, and bad numbers."""

import json
import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.motors.machines import PMSM, ShuntDc
from gym_suite.motors.parameters import TwoMass

ID = "gem/PMSM-Speed-v0"
LOAD = {"kind": "two_mass", "a": 0.4, "b": 0.02, "c": 1e-4, "j_load": 0.05, "stiffness": 300.0}
M = PMSM()


def driven(action, steps, *, load, state=None, id=ID, **keywords):
    """Return info by name, (steps + 1,), under an action that is held, and the period."""
    env = gymnasium.make(id, load=load, duration=10.0, **keywords)
    _, info = env.reset(seed=0, options={"state": state or {}})
    told = [info]
    for _ in range(steps):
        _, _, terminated, _, info = env.step(np.asarray(action, np.float32))
        told.append(info)
        assert not terminated
    return {name: np.array([one[name] for one in told]) for name in info}, env.unwrapped.setup.dt


def test_machine_and_shaft_move_as_scipy_says():
    """Voltages held in the stator's frame by the inverter, its period one after the command; without a gap."""
    steps, tau, load = 60, 1e-4, {**LOAD, "damping": 1.0}
    start = {"omega": 30.0, "omega_load": 25.0, "twist": 0.05, "epsilon": 0.4, "i_sq": 40.0}
    action = (0.0125, 0.03125, -0.04375)
    told, _ = driven(
        action, steps, load=load, state=start, frame="abc", dead_time=False, substeps=16
    )
    u = 0.5 * M.u_dc * np.array(action)
    alpha, beta = (2 * u[0] - u[1] - u[2]) / 3.0, (u[1] - u[2]) / math.sqrt(3.0)
    linear = 0.4 * 1e-3 / 0.05

    def slope(t, y):
        w, i_d, i_q, angle, w_load, twist = y
        u_d = math.cos(angle) * alpha + math.sin(angle) * beta
        u_q = math.cos(angle) * beta - math.sin(angle) * alpha
        psi_d, psi_q, w_e = M.l_d * i_d + M.psi_p, M.l_q * i_q, M.p * w
        torque = 1.5 * M.p * (psi_d * i_q - psi_q * i_d)
        shaft = 300.0 * twist + 1.0 * (w - w_load)
        coulomb = 0.4 * min(max(w_load / linear, -1.0), 1.0)
        taken = coulomb + (0.02 + 1e-4 * abs(w_load)) * w_load
        return (
            (torque - shaft) / M.j_rotor,
            (u_d - M.r_s * i_d + w_e * psi_q) / M.l_d,
            (u_q - M.r_s * i_q - w_e * psi_d) / M.l_q,
            w_e,
            (shaft - taken) / 0.05,
            w - w_load,
        )

    t = tau * np.arange(steps + 1)
    found = solve_ivp(
        slope, (0, t[-1]), [30.0, 0.0, 40.0, 0.4, 25.0, 0.05], t_eval=t, rtol=1e-12, atol=1e-12
    ).y
    for name, theirs in zip(
        ("omega", "i_sd", "i_sq", "epsilon", "omega_load", "twist"), found, strict=True
    ):
        if name != "epsilon":
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(told[name], theirs, atol=1e-8 * scale, err_msg=name)
    assert told["torque_shaft"] == pytest.approx(300.0 * found[5] + found[0] - found[4], rel=1e-7)


def test_armature_and_excitation_of_a_shunt_machine_share_its_terminals_on_the_shaft_too():
    """One voltage across both windings, as SciPy integrates them with rotor, shaft and load."""
    machine, steps = ShuntDc(), 200
    load = {**LOAD, "j_load": 0.01, "stiffness": 20.0, "damping": 0.05}
    start = {"omega": 30.0, "omega_load": 25.0, "twist": 0.02, "i_a": 20.0, "i_e": 10.0}
    told, tau = driven(
        (0.02,),
        steps,
        id="gem/ShuntDc-Speed-v0",
        load=load,
        state=start,
        control="voltage",
        dead_time=False,
        substeps=16,
    )
    u, linear = 0.02 * machine.u_dc, 0.4 * 1e-3 / 0.01

    def slope(t, y):
        w, i_a, i_e, w_load, twist = y
        shaft = 20.0 * twist + 0.05 * (w - w_load)
        coulomb = 0.4 * min(max(w_load / linear, -1.0), 1.0)
        taken = coulomb + (0.02 + 1e-4 * abs(w_load)) * w_load
        return (
            (machine.l_e_prime * i_e * i_a - shaft) / machine.j_rotor,
            (u - machine.r_a * i_a - machine.l_e_prime * i_e * w) / machine.l_a,
            (u - machine.r_e * i_e) / machine.l_e,
            (shaft - taken) / 0.01,
            w - w_load,
        )

    t = tau * np.arange(steps + 1)
    found = solve_ivp(
        slope, (0, t[-1]), [30.0, 20.0, 10.0, 25.0, 0.02], t_eval=t, rtol=1e-12, atol=1e-12
    ).y
    for name, theirs in zip(("omega", "i_a", "i_e", "omega_load", "twist"), found, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(told[name], theirs, atol=1e-7 * scale, err_msg=name)


def test_it_swings_at_the_resonance_of_both_inertias():
    """Without friction and torque: omega_r = sqrt(k (1/j_1 + 1/j_2)), damped by d (1/j_1 + 1/j_2) / 2."""
    damping, stiffness, inertia = 0.5, 300.0, 0.05
    load = {**LOAD, "a": 0.0, "b": 0.0, "c": 0.0, "damping": damping}
    state = {"omega": 1.0, "omega_load": -1.0}
    # Almost without a magnet the shorted winding does not brake.
    told, dt = driven((0.0, 0.0), 3000, load=load, state=state, machine={"psi_p": 1e-9})
    mobility = 1.0 / M.j_rotor + 1.0 / inertia
    omega, decay = math.sqrt(stiffness * mobility), 0.5 * damping * mobility
    swinging = math.sqrt(omega**2 - decay**2)
    t = dt * np.arange(3001)
    # twist(0) = 0, twist'(0) = 2
    expected = 2.0 / swinging * np.exp(-decay * t) * np.sin(swinging * t)
    np.testing.assert_allclose(told["twist"], expected, atol=1e-8)
    assert TwoMass(j_load=inertia, stiffness=stiffness, damping=damping).resonance(
        M.j_rotor
    ) == pytest.approx(omega)


@pytest.mark.parametrize("backlash", [0.0, 0.05])
def test_energy_is_neither_made_nor_lost(backlash):
    """Kinetic and elastic energy fall by what the damping takes; where nothing damps they stay, gap or not."""
    load = {**LOAD, "a": 0.0, "b": 0.0, "c": 0.0, "damping": 0.0, "backlash": backlash}
    state = {"omega": 3.0, "omega_load": -2.0, "twist": 0.01}
    told, _ = driven((0.0, 0.0), 2000, load=load, state=state, machine={"psi_p": 1e-9}, substeps=8)
    bent = np.sign(told["twist"]) * np.maximum(np.abs(told["twist"]) - 0.5 * backlash, 0.0)
    energy = 0.5 * M.j_rotor * told["omega"] ** 2 + 0.5 * 0.05 * told["omega_load"] ** 2
    energy = energy + 0.5 * 300.0 * bent**2
    np.testing.assert_allclose(energy, energy[0], rtol=1e-8 if backlash == 0.0 else 1e-5)
    impulse = M.j_rotor * told["omega"] + 0.05 * told["omega_load"]
    np.testing.assert_allclose(impulse, impulse[0], atol=1e-9)
    if backlash:
        loose = np.abs(told["twist"]) < 0.5 * backlash
        assert loose.any() and not loose.all()
        np.testing.assert_array_equal(told["torque_shaft"][loose], 0.0)
        damped, _ = driven(
            (0.0, 0.0), 2000, load={**load, "damping": 2.0}, state=state, machine={"psi_p": 1e-9}
        )
        pushing = damped["torque_shaft"] * damped["twist"]
        assert pushing.min() >= 0.0  # the sides of a gap push, they do not pull
        assert np.ptp(damped["omega"][-100:] - damped["omega_load"][-100:]) < 0.1


def test_the_load_has_the_friction_and_the_disturbance():
    """In the steady state the shaft transmits what the load takes at its own speed."""
    load = {**LOAD, "damping": 3.0, "backlash": 0.02}
    told, _ = driven((0.0, 0.02), 8000, load=load, disturbance={"torque_load": 5.0})
    taken = 0.4 + 0.02 * told["omega_load"][-1] + 1e-4 * told["omega_load"][-1] ** 2 + 5.0
    assert told["torque_load"][-1] == pytest.approx(taken, rel=1e-6)
    assert told["torque_shaft"][-1] == pytest.approx(taken, rel=0.02)
    assert told["torque"][-1] == pytest.approx(taken, rel=0.02)


def test_keywords_come_back_and_worlds_are_alike():
    env = gymnasium.make(ID, load="two_mass", sensors={"encoder_lines": 512})
    again = gymnasium.make(ID, **json.loads(json.dumps(env.unwrapped.setup.keywords)))
    many = gymnasium.make_vec(ID, num_envs=2, load="two_mass", sensors={"encoder_lines": 512})
    o, other, batch = env.reset(seed=2)[0], again.reset(seed=2)[0], many.reset(seed=2)[0]
    kept, then = None, None
    for k in range(10):
        np.testing.assert_array_equal(o, other)
        np.testing.assert_array_equal(o, batch[0])
        if k == 5:
            kept = env.unwrapped.get_state()
        action = np.full(2, 0.002 * k, np.float32)
        o, other = env.step(action)[0], again.step(action)[0]
        batch = many.step(np.tile(action, (2, 1)))[0]
        then = o if k == 5 else then
    env.unwrapped.set_state(kept)
    np.testing.assert_array_equal(env.step(np.full(2, 0.01, np.float32))[0], then)
    usual = env.unwrapped.setup.keywords["load"]
    shaft = TwoMass(**{name: value for name, value in usual.items() if name != "kind"})
    assert shaft.resonance(M.j_rotor) == pytest.approx(2.0 * math.pi * 20.0)


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        (ID, {"load": {"kind": "two_mass", "stifness": 1.0}}, "Did you mean 'stiffness'"),
        (ID, {"load": {"kind": "two_mass", "j_load": 0.0}}, "j_load must be greater than 0"),
        (ID, {"load": {"kind": "two_mass", "backlash": -0.1}}, "backlash"),
        (ID, {"load": {"kind": "two_mass", "stiffness": 1e12}}, "too fast for tau = 0.0001 s"),
        (ID, {"load": "two_mass", "supply": "rc"}, "not with a supply whose voltage moves"),
        (ID, {"load": "two_mass", "modulation": "carrier"}, "not with modulation='carrier'"),
        ("gem/PMSM-Speed-Finite-v0", {"load": "two_mass"}, "not with a switched converter"),
    ],
)
def test_what_cannot_be_is_refused(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, **keywords)


def test_a_simulation_does_not_take_it_for_a_rigid_shaft():
    from gym_suite.motors import simulate

    with pytest.raises(ValueError, match="simulate knows rigid shafts"):
        simulate("PMSM", np.zeros((3, 2)), tau=1e-4, load="two_mass")
