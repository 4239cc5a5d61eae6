"""Power through every machine and switched converter: in = copper loss + shaft power + change of the stored energy."""

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.motors.machines import DC, SETS
from tests.motors.circuits import Ac, Dc, turned

DRIVES = [
    *[(name, None) for name in ("PMSM", "SynRM", "EESM", "SCIM", "DFIM", "SixPhasePMSM")],
    ("PMSM", "npc"),
    *[
        (name, converter)
        for name in ("PermExDc", "SeriesDc", "ShuntDc")
        for converter in ("1QC", "2QC", "4QC")
    ],
    ("ExtExDc", "4QC"),
    ("ExtExDc", {"u_a": "2QC", "u_e": "1QC"}),
]


def winding_voltages(name, machine, before, after):
    """Return the mean voltages of a period in the frame of the machine's circuit, from what is told at its end.

    They are told in the middle of the period: those of a squirrel cage in the frame of the estimated flux, of a doubly
    fed machine in the rotor's, which turns against the stator's in which its circuit stands.
    """
    u = np.array([after[v] for v in machine.voltages])
    if name == "SCIM":
        begin, end = (np.arctan2(s["flux_beta"], s["flux_alpha"]) for s in (before, after))
        return np.array([*turned(u, begin + 0.5 * (end - begin)), 0.0, 0.0])
    if name == "DFIM":
        angle = 0.5 * (before["epsilon"] + after["epsilon"])
        return np.array([*turned(u[:2], angle), *turned(u[2:], angle)])
    return np.array([u[0], u[-1]]) if machine.group == DC else u


@pytest.mark.parametrize(("name", "converter"), DRIVES)
def test_electrical_power_is_loss_shaft_power_and_stored_energy(name, converter):
    """What goes in is what comes out to 1e-6 of the throughput, from the mean voltages that are told."""
    machine = SETS[name].machine
    circuit = (Dc if machine.group == DC else Ac)(machine)
    # Periods are short against the time constants, so that currents are straight lines in them.
    omega, tau = 0.3 * machine.omega_nominal, 5e-8
    env = gymnasium.make(
        f"gem/{name}-Finite-v0",
        max_episode_steps=-1,
        speed=omega,
        dead_time=False,
        tau=tau,
        **({"converter": converter} if converter else {}),
    )
    env.reset(seed=2)
    env.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(60)]

    def told():
        return {column: float(value[0]) for column, value in env.unwrapped.state().items()}

    now, given, through, lost, made = told(), 0.0, 0.0, 0.0, 0.0
    start = i = circuit.ours(now)
    for k in range(10 * len(actions)):
        env.step(actions[k // 10])
        then = told()
        u, j = winding_voltages(name, machine, now, then), circuit.ours(then)
        parts = [circuit.slopes(omega, current, u)[1:] for current in (i, 0.5 * (i + j), j)]
        torque, power, copper = np.dot((1.0, 4.0, 1.0), parts) / 6.0
        given, through = given + power * tau, through + abs(power) * tau
        lost, made = lost + copper * tau, made + torque * omega * tau
        now, i = then, j
    stored = circuit.field(i) - circuit.field(start)
    assert through > 0.0
    assert given == pytest.approx(lost + made + stored, abs=1e-6 * through)
