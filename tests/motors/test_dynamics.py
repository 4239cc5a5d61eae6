"""The drive's physics against closed forms and linear algebra."""

import itertools
import math

import gymnasium
import numpy as np
import pytest
from scipy.linalg import expm

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.motors import simulate
from gym_suite.motors.converters import limited
from gym_suite.motors.electrical import period
from gym_suite.motors.machines import SCIM, SYNCHRONOUS, group_of
from gym_suite.motors.overmodulation import HEXAGON
from gym_suite.motors.transforms import (
    clarke,
    inverse_clarke,
    rotate,
    turn,
    wrap,
)

R_S, L_D, L_Q, PSI_P, PAIRS = 18e-3, 0.37e-3, 1.2e-3, 66e-3, 3.0


def exact_period(i_d, i_q, u_d, u_q, omega_e, tau):
    """Solve one period at constant speed by a matrix exponential.

    State (i_d, i_q, u_d, u_q, 1): the held stator voltage turns by -omega_e t in the rotor's frame.
    """
    a = np.zeros((5, 5))
    a[0] = [-R_S / L_D, omega_e * L_Q / L_D, 1 / L_D, 0, 0]
    a[1] = [-omega_e * L_D / L_Q, -R_S / L_Q, 0, 1 / L_Q, -omega_e * PSI_P / L_Q]
    a[2, 3], a[3, 2] = omega_e, -omega_e
    return (expm(a * tau) @ [i_d, i_q, u_d, u_q, 1.0])[:2]


COEFFICIENTS = (PAIRS, R_S, L_D, L_Q, PSI_P, 1.0 / L_D, 1.0 / L_Q)
HELD = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("omega", [-400.0, 0.0, 314.0])
def test_inverter_hold_is_exact_in_the_limit_and_close_with_one_step(omega):
    tau, omega_e = 1e-4, PAIRS * omega
    exact = exact_period(50.0, -80.0, 100.0, 70.0, omega_e, tau)
    for steps, tolerance in ((1, 1e-4), (20, 1e-9)):
        start = (omega, 50.0, -80.0, 100.0, 70.0, 0.0)
        ours = period(group_of(SYNCHRONOUS), start, COEFFICIENTS, HELD, 1.0, tau, steps)
        assert np.abs(np.array(ours[1:3]) - exact).max() < tolerance * 100.0
        assert ours[0] == omega
        assert ours[5] == pytest.approx(omega_e * tau, rel=1e-14)
        # The voltage has turned backwards by the angle that passed.
        turned = rotate(100.0, 70.0, math.cos(ours[5]), -math.sin(ours[5]))
        assert np.abs(np.array(ours[3:5]) - turned).max() < tolerance


@pytest.mark.parametrize("angle", [-40.0, -1.0, -0.2999, -1e-9, 0.0, 0.1, 0.2999, 0.3001, 7.0])
def test_a_small_turn_is_that_of_the_library(angle):
    assert turn(angle) == pytest.approx((math.cos(angle), math.sin(angle)), rel=0, abs=2e-15)


def test_cosine_and_sine_stay_those_of_the_angle():
    env = gymnasium.make("gem/PMSM-Speed-v0", duration=None).unwrapped
    env.reset(seed=0)
    for _ in range(2000):
        env.step(np.array([0.05, 0.1]))
    state = {name: float(values[0]) for name, values in env.state().items()}
    columns = env.setup.state_columns
    x = env._rows.x[0]
    pair = x[columns.index("cos_epsilon")], x[columns.index("sin_epsilon")]
    expected = math.cos(state["epsilon"]), math.sin(state["epsilon"])
    assert pair == pytest.approx(expected, abs=1e-12)
    observation, _ = env.reset(seed=0, options={"state": {"epsilon": 1.0}})
    names = env.setup.observation_columns.names
    assert observation[names.index("cos_epsilon")] == pytest.approx(math.cos(1.0))
    assert observation[names.index("sin_epsilon")] == pytest.approx(math.sin(1.0))


def test_spare_columns_have_no_name():
    env = gymnasium.make("gem/PMSM-v0").unwrapped
    assert "i_sd_ref" in env.state() and "u_alpha" in env.state()
    spare = [column.name for column in env.setup.state_columns if column.spare]
    assert spare and not set(spare) & set(env.state())
    with pytest.raises(ValueError, match="unknown column"):
        env.reset(options={"state": {spare[-1]: 0.0}})


def test_transforms_are_inverse_and_amplitude_invariant():
    generator = np.random.default_rng(1)
    for _ in range(50):
        alpha, beta, angle = generator.normal(size=3)
        assert np.allclose(clarke(*inverse_clarke(alpha, beta)), (alpha, beta))
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = rotate(*rotate(alpha, beta, cosine, -sine), cosine, sine)
        assert np.allclose(turned, (alpha, beta))
    phases = np.cos(0.4 - 2 * np.pi / 3 * np.arange(3))
    assert np.hypot(*clarke(*phases)) == pytest.approx(1.0)
    assert wrap(math.pi) == pytest.approx(-math.pi)
    assert wrap(-7.0) == pytest.approx(-7.0 + 2 * math.pi)


def test_hexagon_is_what_eight_switching_states_span():
    u_dc = 300.0
    corners = np.array(
        [clarke(*(u_dc * (np.array(bits) - 0.5))) for bits in itertools.product((0, 1), repeat=3)]
    )
    longest = np.hypot(*corners.T).max()
    assert longest == pytest.approx(2 / 3 * u_dc)
    for angle in np.linspace(0, 2 * np.pi, 97):
        direction = np.array([math.cos(angle), math.sin(angle)])
        shortened = np.array(limited(HEXAGON, *(1000.0 * direction), u_dc))
        assert direction @ shortened == pytest.approx(np.hypot(*shortened))
        # The support of the convex hull of the corners, in every face's direction.
        for face in np.arange(6) * np.pi / 3 + np.pi / 6:
            normal = np.array([math.cos(face), math.sin(face)])
            assert shortened @ normal <= (corners @ normal).max() + 1e-9
        assert np.hypot(*shortened) >= u_dc / math.sqrt(3) - 1e-9
        inside = 0.99 * u_dc / math.sqrt(3) * direction
        assert limited(HEXAGON, *inside, u_dc) == tuple(inside)


@pytest.mark.parametrize("dead_time", [True, False])
@pytest.mark.parametrize("frame", ["dq", "abc"])
def test_environment_applies_the_voltage_it_is_told(dead_time, frame):
    """The env's currents equal open-loop simulation of the voltages that should act."""
    keywords = {"dead_time": dead_time, "frame": frame, "speed": 200.0}
    env = gymnasium.make("gem/PMSM-v0", **keywords).unwrapped
    env.reset(seed=3)
    epsilon, tau, turn = float(env.state()["epsilon"][0]), 1e-4, 3 * 200.0 * 1e-4
    scale = 300.0 / math.sqrt(3) if frame == "dq" else 150.0
    generator = np.random.default_rng(0)
    acting, currents = [np.zeros(3)] * dead_time, []
    for k in range(60):
        action = generator.uniform(-0.5, 0.5, 2 if frame == "dq" else 3)
        voltage = scale * action
        if frame == "dq":
            ahead = epsilon + k * turn + (1.5 if dead_time else 0.5) * turn
            voltage = np.array(inverse_clarke(*rotate(*voltage, math.cos(ahead), math.sin(ahead))))
        acting.append(voltage)
        _, _, _, _, info = env.step(action)
        currents.append((info["i_sd"], info["i_sq"]))
    run = simulate(
        "PMSM",
        np.array(acting)[:60],
        tau=tau,
        frame="abc",
        load={"kind": "constant_speed", "omega": 200.0},
        initial_state={"epsilon": epsilon},
        rtol=1e-11,
    )
    theirs = np.column_stack([run["i_sd"], run["i_sq"]])[1:]
    assert np.abs(np.array(currents) - theirs).max() < 1e-4 * np.abs(theirs).max()


def test_angle_advance_keeps_the_mean_voltage_where_it_was_asked_for():
    """Averaged over the period in which it acts, a dq command points where it was told."""
    env = gymnasium.make("gem/PMSM-v0", speed=300.0).unwrapped
    env.reset(seed=0)
    for _ in range(3):
        _, _, _, _, info = env.step(np.array([0.3, 0.4]))
    scale = 300.0 / math.sqrt(3)
    assert info["u_sd"] == pytest.approx(0.3 * scale, rel=1e-9)
    assert info["u_sq"] == pytest.approx(0.4 * scale, rel=1e-9)


def test_disturbances_act_on_the_plant():
    quiet = gymnasium.make("gem/PMSM-Speed-v0").unwrapped
    loaded = gymnasium.make(
        "gem/PMSM-Speed-v0", disturbance={"torque_load": {"kind": "step", "amplitude": 20.0}}
    ).unwrapped
    for env in (quiet, loaded):
        env.reset(seed=0)
        for _ in range(20):
            env.step(np.zeros(2))
    slower = quiet.state()["omega"][0] - loaded.state()["omega"][0]
    # 20 N m on the shaft for 2 ms; the machine brakes a little as it turns, hence the tolerance.
    assert slower == pytest.approx(20.0 * 0.002 / 0.03884, rel=0.01)
    shifted = gymnasium.make(
        "gem/PMSM-v0", speed=0.0, disturbance={"u_sd": 3.6}, dead_time=False
    ).unwrapped
    shifted.reset(seed=0)
    for _ in range(2000):
        shifted.step(np.zeros(2))
    tau_d = L_D / R_S
    assert shifted.state()["i_sd"][0] == pytest.approx(
        200.0 * (1 - math.exp(-0.2 / tau_d)), rel=1e-6
    )


@pytest.mark.parametrize("dead_time", [True, False])
def test_the_drive_of_an_induction_machine_turns_its_voltage_with_the_flux(dead_time):
    """Commands are held where the flux will be in the middle of the period: it leads the rotor by the slip."""
    omega, machine = 100.0, SCIM()
    env = gymnasium.make("gem/SCIM-v0", speed=omega, dead_time=dead_time).unwrapped
    tau = env.setup.dt
    _, info = env.reset(seed=3)
    start = {name: float(env.state()[name][0]) for name in (*machine.states, "epsilon")}
    acting = [[float(env.state()[name][0]) for name in machine.held]] if dead_time else []
    scale, currents = machine.u_dc / math.sqrt(3), []
    for k in range(60):
        slip = machine.r_r * machine.l_m / machine.l_r * info["i_sq"] / info["psi_rd"]
        ahead = info["rho"] + (1.5 if dead_time else 0.5) * (machine.p * omega + slip) * tau
        action = np.array([0.04, 0.30 if k < 20 else 0.12])
        acting.append(rotate(*(scale * action), math.cos(ahead), math.sin(ahead)))
        _, _, _, _, info = env.step(action)
        currents.append([float(env.state()[name][0]) for name in ("i_salpha", "i_sbeta")])
    run = simulate(
        "SCIM",
        np.array(acting)[:60],
        tau=tau,
        frame="alphabeta",
        load={"kind": "constant_speed", "omega": omega},
        initial_state=start,
        rtol=1e-11,
    )
    theirs = np.column_stack([run["i_salpha"], run["i_sbeta"]])[1:]
    assert np.abs(np.array(currents) - theirs).max() < 1e-4 * np.abs(theirs).max()
    assert abs(slip) > 5.0


@pytest.mark.parametrize(
    ("id", "further"), [("gem/SixPhasePMSM-v0", "xy"), ("gem/DFIM-v0", ("rd", "rq"))]
)
def test_an_environment_tells_the_voltages_of_all_its_axes(id, further):
    """What is told of the last period is what was commanded two steps before, in sign and size."""
    env = gymnasium.make(id, speed=50.0).unwrapped
    env.reset(seed=0)
    names = env.setup.action_columns.names
    assert [name.removeprefix("action_") for name in names[2:]] == list(further)
    action = np.array([0.03, 0.05, 0.02, -0.04])
    for _ in range(3):
        _, _, _, _, info = env.step(action)
    scale = env.nominal.parameters["u_dc"] / math.sqrt(3)
    told = {"x": "u_sx", "y": "u_sy", "rd": "u_rd", "rq": "u_rq"}
    for name, part in zip(further, action[2:], strict=True):
        assert info[told[name]] == pytest.approx(part * scale, rel=1e-6)
