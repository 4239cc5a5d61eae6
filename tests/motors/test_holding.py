"""The reference controllers hold their drives where the plant is not the believed one: seeds that have tripped."""

from typing import Any

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison.settings import DISTURBANCES
from gym_suite.learning.evaluation import Evaluation
from gym_suite.motors.controllers.cascade import within_circle
from gym_suite.motors.controllers.laws import SEEN, S, current_control_one
from gym_suite.motors.machines import DC, DFIM, DOUBLY_FED, INDUCTION, SYNCHRONOUS, group_of


def trips(id, seeds, *, steps=None, **keywords):
    """Return which of the seeds trip within the steps (None: 2000) under the reference controller."""
    envs: Any = gymnasium.make_vec(id, num_envs=len(seeds), **keywords)
    controller = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=list(seeds))
    state, tripped = None, np.zeros(len(seeds), bool)
    for _ in range(steps or 2000):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, _ = envs.step(action)
        tripped |= terminated
    return tripped


#: Seeds in which the laws before these trip, and the periods within which they do.
LATE = {
    "gem/PMSM-Speed-v0": ((8, 11, 12, 13, 15, 21), 6000),
    "gem/SCIM-Speed-v0": ((11, 13, 15, 21), 8100),
    "gem/SaturatedPMSM-Torque-v0": ((33, 41), None),
}


@pytest.mark.parametrize("id", LATE)
def test_one_more_period_of_delay_trips_no_drive(id):
    seeds, steps = LATE[id]
    assert not trips(id, seeds, steps=steps, delay=1).any()


def test_a_machine_that_is_not_the_believed_one_keeps_its_currents_within_the_limit():
    """The current across the field waits for its voltage, the one along it overshoots: both keep to the circle."""
    seeds = (11, 23, 26, 29, 52)
    assert not trips("gem/PMSM-Speed-v0", seeds, steps=6000, mismatch=0.3).any()


def test_stator_and_rotor_current_do_not_run_away_against_each_other():
    seeds = (9, 13, 28, 33, 36, 54, 70, 80, 99)
    assert not trips("gem/DFIM-Torque-v0", seeds, mismatch=0.3).any()


@pytest.mark.parametrize("setting", [{"delay": 1}, {"mismatch": 0.3}])
@pytest.mark.parametrize("id", ["gem/DFIM-v0", "gem/DFIM-Torque-v0"])
def test_a_doubly_fed_machine_keeps_its_currents_late_or_not_the_believed_one(id, setting):
    assert not trips(id, range(50_000, 50_060), **setting).any()


LATE_ACTION, OFF = {"delay": 1}, {"mismatch": 0.3}
#: Load and voltages of the setting "disturbance".
DISTURBED = {"disturbance": {name: DISTURBANCES[name] for name in ("torque_load", "u_sd", "u_sq")}}
#: How many of so many episodes trip under `pi`, as the changelog says: id, keywords, first seed, episodes, trips.
COUNTED = [
    ("gem/EESM-Torque-v0", OFF, 0, 100, 1),
    ("gem/PMSM-Torque-v0", OFF, 0, 100, 0),
    ("gem/PMSM-Speed-v0", OFF, 0, 100, 0),
    ("gem/PMSM-Speed-v0", LATE_ACTION, 0, 100, 0),
    ("gem/SCIM-Speed-v0", LATE_ACTION, 0, 100, 0),
    ("gem/DFIM-Speed-v0", OFF, 0, 100, 0),
    ("gem/DFIM-Speed-v0", OFF, 50_000, 200, 4),
    ("gem/DFIM-v0", OFF, 0, 200, 0),
    ("gem/DFIM-v0", LATE_ACTION, 0, 200, 0),
    ("gem/DFIM-Torque-v0", OFF, 0, 100, 0),
    ("gem/SaturatedPMSM-Torque-v0", LATE_ACTION, 0, 100, 0),
    *(
        ("gem/SynRM-Speed-v0", setting, 50_000, 100, 0)
        for setting in ({}, {"noise": 0.01}, OFF, LATE_ACTION, DISTURBED)
    ),
]


@pytest.mark.parametrize(("id", "keywords", "first", "episodes", "count"), COUNTED)
def test_as_many_episodes_trip_as_the_changelog_says(id, keywords, first, episodes, count):
    evaluation = Evaluation(id, episodes=episodes, seed=first, keywords=keywords)
    score = evaluation.score(gym_suite.make_controller(evaluation.envs))
    evaluation.close()
    assert score.trips * episodes == pytest.approx(count)


def test_the_leakage_fluxes_of_a_doubly_fed_machine_are_moved_first():
    """From rest: di/dt = L^-1 u. The part in which i_s + i_r rests is as fast as wanted, the other what is left."""
    machine = DFIM(l_sigr=0.04)
    env: Any = gymnasium.make("gem/DFIM-v0", machine={"l_sigr": machine.l_sigr})
    pi = gym_suite.make_controller(env)
    errors = np.array([[3.0 + 0.5, 1.0], [3.0 - 0.5, 2.0]])  # stator and rotor, by d and q, A
    references = errors[0, 0], errors[0, 1], errors[1, 0], errors[1, 1]
    at_rest, memory = (0.0, 1.0, 0.0, 0.0), np.zeros(4)
    voltages, *_ = current_control_one(
        group_of(DOUBLY_FED), (0.0,) * 4, references, at_rest, memory, 0, pi._constants, 720.0
    )
    u = np.reshape(voltages, (2, 2))
    matrix = np.array([[machine.l_s, machine.l_m], [machine.l_m, machine.l_r]])
    rates = np.linalg.solve(matrix, u)
    share = machine.l_sigr / (machine.l_sigs + machine.l_sigr)
    # The magnitude optimum closes a loop with twice the delay as its time constant.
    fast = 1.0 / (2.0 * (1.5 + machine.spare_periods_of_currents) * 1e-4)
    apart, wanted = rates[0] - share * rates.sum(0), errors[0] - share * errors.sum(0)
    assert apart == pytest.approx(fast * wanted, rel=1e-9)
    together = rates.sum(0) / (fast * errors.sum(0))
    assert 0.0 < together[0] < 0.5 and together[1] == pytest.approx(together[0], rel=1e-9)
    assert np.hypot(*u.T).max() == pytest.approx(720.0 / np.sqrt(3.0), rel=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("winding", [0, 1])
def test_the_leakage_fluxes_move_as_far_as_a_windings_voltage_goes(winding, sign):
    """Stator against rotor: of what a winding's integral leaves of the voltage they take all, and no more."""
    machine = DFIM(l_sigs=0.04, l_sigr=0.04)
    env: Any = gymnasium.make("gem/DFIM-v0", machine={"l_sigs": 0.04, "l_sigr": 0.04})
    pi = gym_suite.make_controller(env)
    error, held, most = 4.0, 200.0, 720.0 / np.sqrt(3.0)
    fast = 1.0 / (2.0 * (1.5 + machine.spare_periods_of_currents) * 1e-4)
    part = (most - held) / (0.04 * fast * error)
    assert 0.5 < part < 0.6
    way = np.zeros(4)
    way[2 * winding], way[2 - 2 * winding] = sign, -sign
    memory = np.zeros(4)
    memory[2 * winding] = sign * held
    voltages, *_ = current_control_one(
        *(group_of(DOUBLY_FED), (0.0,) * 4, tuple(error * way), (0.0, 1.0, 0.0, 0.0)),
        *(memory.copy(), 0, pi._constants, 720.0),
    )
    assert voltages == pytest.approx(memory + part * 0.04 * fast * error * way, abs=1e-9)


@pytest.mark.parametrize(
    ("id", "spare"),
    [
        ("gem/PMSM-v0", 0),
        ("gem/PMSM-Speed-v0", 1),
        ("gem/SaturatedPMSM-Torque-v0", 1),
        ("gem/EESM-Speed-v0", 0),
    ],
)
def test_current_loops_keep_the_phase_margin_of_the_magnitude_optimum(id, spare):
    """With the delay that they are tuned for: crossover at 1 / (2 T), so 90 degrees less half a radian."""
    env: Any = gymnasium.make(id)
    tau = env.unwrapped.nominal.parameters["tau"]
    for loop in gym_suite.make_controller(env).loops():
        if loop.label not in ("i_sd", "i_sq"):
            continue
        assert loop.delay == pytest.approx(1.5 * tau)
        crossover = 0.5 / ((1.5 + spare) * tau)
        point = 1j * crossover
        rational = np.polyval(loop.numerator, point) / np.polyval(loop.denominator, point)
        assert abs(rational) == pytest.approx(1.0, rel=1e-6)
        late = rational * np.exp(-point * (1.5 + spare) * tau)
        assert 180.0 + np.degrees(np.angle(late)) == pytest.approx(90.0 - np.degrees(0.5))


def test_what_is_left_of_the_circle_is_by_the_measured_current():
    seen = np.zeros(len(SEEN))
    seen[S.current_0] = -300.0
    wanted = -240.0, -260.0, 3.0, 4.0
    kept = within_circle(group_of(SYNCHRONOUS), wanted, seen, 340.0)
    assert kept == pytest.approx((-240.0, -160.0, 3.0, 4.0))
    # Nothing is left beyond the circle; an armature's current has no partner, and a rotor's has a part in the field.
    assert within_circle(group_of(SYNCHRONOUS), wanted, seen, 290.0)[1] == 0.0
    for other in (DC, DOUBLY_FED):
        assert within_circle(group_of(other), wanted, seen, 340.0) == wanted


def test_a_load_beyond_the_torque_carries_the_shaft_away_and_trips_no_drive():
    """Its 10 N m are twice what the machine gives; when the speed comes back both currents grow with it."""
    load = {"kind": "prbs", "amplitude": 10.0, "period": 0.1}
    sine = {"kind": "sine", "amplitude": 10.0, "period": 0.003}
    disturbance = {"torque_load": load, "u_sd": sine, "u_sq": {**sine, "phase": 0.25}}
    seeds = (50001, 50002, 50003, 50004)
    assert not trips("gem/SynRM-Speed-v0", seeds, disturbance=disturbance).any()


def test_the_current_along_the_field_does_not_grow_while_the_other_fills_the_circle():
    seen = np.zeros(len(SEEN))
    seen[S.current_0], seen[S.current_1] = -100.0, 300.0
    wanted = -240.0, 260.0, 3.0, 4.0
    kept = within_circle(group_of(SYNCHRONOUS), wanted, seen, 340.0)
    assert kept == pytest.approx((-160.0, 260.0, 3.0, 4.0))
    # What is there already need not be given up, and a field that follows its current slowly is not let go.
    seen[S.current_0] = -200.0
    assert within_circle(group_of(SYNCHRONOUS), wanted, seen, 340.0)[0] == -200.0
    assert within_circle(group_of(INDUCTION), wanted, seen, 340.0)[0] == -240.0
