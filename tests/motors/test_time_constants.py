"""Steps of the integration against every time constant of the machines."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors import simulate
from gym_suite.motors.machines import SETS
from gym_suite.motors.machines.base import check_substeps
from tests.motors.unified import OF

GIMBAL = {
    "p": 7,
    "r_s": 11.1,
    "l_d": 3e-4,
    "l_q": 3e-4,
    "psi_p": 0.01,
    "i_nominal": 0.5,
    "i_limit": 1.5,
    "u_dc": 12.0,
    "omega_nominal": 60.0,
    "omega_limit": 120.0,
}


@pytest.mark.parametrize("name", [n for n in SETS if type(SETS[n].machine).__name__ in OF])
def test_decays_are_the_eigenvalues_of_the_machines_equations(name):
    """Against matrices written apart from the package: at standstill, all windings shorted."""
    machine = SETS[name].machine
    unified = OF[type(machine).__name__](machine)
    matrix = -np.linalg.solve(unified.inductance, np.diag(unified.r))
    fastest = max(-np.linalg.eigvals(matrix).real)
    assert max(machine.decays()) == pytest.approx(fastest, rel=1e-9)


def test_a_motor_with_a_short_time_constant_settles():
    """11.1 Ohm and 0.3 mH: 27 us at a period of 100 us. The exact answer is 0.3 A (1 - exp(-t r / l))."""
    held = {"kind": "constant_speed", "omega": 0.0}
    run = simulate(GIMBAL, np.tile([3.33, 0.0], (6, 1)), tau=1e-4, load=held)
    exact = 0.3 * (1.0 - np.exp(-np.arange(7) * 1e-4 * 11.1 / 3e-4))
    assert run["i_sd"] == pytest.approx(exact, abs=5e-4)
    env = gymnasium.make("gem/PMSM-v0", machine=GIMBAL, speed=0.0, dead_time=False)
    env.reset(seed=0, options={"state": {"i_sd": 0.0, "i_sq": 0.0}})
    action = np.array([3.33 / (12.0 / np.sqrt(3.0)), 0.0], dtype=np.float32)
    shown = [env.step(action)[-1]["i_sd"] for _ in range(4)]
    assert shown == pytest.approx(exact[1:5], abs=5e-4)


@pytest.mark.parametrize("machine", [{"r_s": 30.0}, {"r_s": 10.0, "l_d": 1e-4, "l_q": 1e-4}])
def test_stiff_machines_never_leave_what_the_voltage_allows(machine):
    env = gymnasium.make("gem/PMSM-v0", machine=machine, speed=0.0, reference_range=1.0)
    env.reset(seed=0)
    for _ in range(20):
        *_, info = env.step(np.array([0.5, 0.0], np.float32))
        assert abs(info["i_sd"]) < 400.0


def test_too_long_a_period_is_refused_with_what_will_do():
    with pytest.raises(ValueError, match=r"raise substeps to 4 or lower tau to 5\.41e-05 s"):
        gymnasium.make("gem/PMSM-v0", machine=GIMBAL, substeps=2, tau=1e-4)
    with pytest.raises(ValueError, match="lower tau"):
        gymnasium.make("gem/PMSM-v0", machine={"l_d": 1e-9})
    with pytest.raises(ValueError, match="turns by"):
        check_substeps(SETS["PMSM"].machine, 1e-2, 1)


@pytest.mark.parametrize(
    ("mismatch", "steps"),
    [
        (None, 3),
        (0.3, 6),  # 3, times 1.3 / 0.7
        ({"r_s": 2.0}, 6),  # factors, not parts
        ({"r_s": (0.5, 0.8)}, 3),
        ({"l_d": (0.5, 1.0), "r_s": 1.2}, 8),
        ({"psi_p": 0.5, "j_rotor": 0.1}, 3),
    ],
)
def test_a_plant_that_differs_gets_the_steps_that_its_numbers_may_need(mismatch, steps):
    machine = GIMBAL | {"r_s": 8.9}
    env = gymnasium.make("gem/PMSM-v0", machine=machine, mismatch=mismatch).unwrapped
    assert env.setup.row[env.setup.parameter_columns.index("substeps")] == steps
    with pytest.raises(ValueError, match="as mismatch= may make it"):
        gymnasium.make("gem/PMSM-v0", machine=machine, mismatch={"l_d": 1e-6})


@pytest.mark.parametrize("action", [(0.0, 0.0), (0.0, 0.8), (0.0, 1.0)])
def test_a_machine_of_small_inductance_can_be_driven_from_nominal_speed(action):
    """73 V, 0.25 mH, 15.9 mVs: without any voltage a period at nominal speed would trip it."""
    servo = {
        "p": 5,
        "r_s": 0.1811,
        "l_d": 0.25e-3,
        "l_q": 0.25e-3,
        "psi_p": 0.015921,
        "u_dc": 73.0,
        "i_nominal": 5.7,
        "i_limit": 8.55,
        "omega_nominal": 418.9,
        "omega_limit": 503.0,
    }
    env = gymnasium.make("gem/PMSM-v0", machine=servo, speed=np.array([418.9, 418.9]))
    env.reset(seed=0)
    *_, terminated, _, info = env.step(np.array(action, np.float32))
    assert not terminated
    assert abs(info["i_sq"]) < 0.5
    control = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    state = None
    for _ in range(200):
        action, state = control.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
