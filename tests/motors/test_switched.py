"""Switched converters against SciPy integrations of equations written anew and closed forms."""

import math

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.motors.machines import SETS
from tests.motors import unified

MACHINES = {
    "PMSM": (8,),
    "SynRM": (8,),
    "EESM": (8, 4),
    "SCIM": (8,),
    "DFIM": (8, 8),
    "SixPhasePMSM": (8, 8),
    "PermExDc": (4,),
    "SeriesDc": (4,),
    "ShuntDc": (4,),
    "ExtExDc": (4, 4),
}
#: Unit vectors of the phases a, b, c.
PHASES = np.exp(2j * np.pi / 3 * np.arange(3))


def make(id, **keywords):
    return gymnasium.make(f"gem/{id}-Finite-v0", max_episode_steps=-1, **keywords)


def bridge(code, u_dc):
    """Return the space vector of a bridge whose legs are the bits of a number, a the highest."""
    legs = [code >> 2 & 1, code >> 1 & 1, code & 1]
    return 2 / 3 * u_dc * complex(np.dot(legs, PHASES))


CHOPPER = {0: 0.0, 1: 1.0, 2: -1.0, 3: 0.0}


def windings(name, u_dc, codes, angle):
    """Return the voltages of all windings in the frame of the equations of ``unified`` at an angle of the rotor."""
    if name.endswith("Dc"):
        return np.array([CHOPPER[code] * u_dc for code in codes])
    stator = bridge(codes[0], u_dc)
    turned = stator * np.exp(-1j * angle)
    if name == "EESM":
        return np.array([turned.real, turned.imag, CHOPPER[codes[1]] * u_dc])
    if name == "SCIM":
        return np.array([stator.real, stator.imag, 0.0, 0.0])
    if name == "DFIM":
        rotor = bridge(codes[1], u_dc) * np.exp(1j * angle)
        return np.array([stator.real, stator.imag, rotor.real, rotor.imag])
    if name == "SixPhasePMSM":
        # The second star's axes are 30 degrees ahead of the first's.
        other = bridge(codes[1], u_dc) * np.exp(1j * np.pi / 6) * np.exp(-1j * angle)
        half, difference = 0.5 * (turned + other), 0.5 * (turned - other)
        return np.array([half.real, half.imag, difference.real, -difference.imag])
    return np.array([turned.real, turned.imag])


def dc_slopes(name, m):
    """Return d(i_a, i_e)/dt of a DC machine as a function of speed, currents and voltages."""

    def slopes(omega, i, u):
        i_a = i[0]
        if name == "PermExDc":
            return np.array([(u[0] - m.r_a * i_a - m.psi_e * omega) / m.l_a])
        if name == "SeriesDc":
            induced = m.l_e_prime * i_a * omega
            return np.array([(u[0] - (m.r_a + m.r_e) * i_a - induced) / (m.l_a + m.l_e)])
        u_e = u[-1]
        induced = m.l_e_prime * i[1] * omega
        return np.array([(u[0] - m.r_a * i_a - induced) / m.l_a, (u_e - m.r_e * i[1]) / m.l_e])

    return slopes


def integrate(name, machine, sequence, tau, omega, epsilon):
    """Return the state of the machine at the end of a sequence of switching states at constant speed."""
    if name.endswith("Dc"):
        slopes, size = dc_slopes(name, machine), len(machine.states)
        pairs = 0.0
    else:
        model = unified.OF[name](machine)
        size, pairs = len(model.r), model.pairs

        def slopes(omega, i, u):
            return model.slopes(omega, i, u)[0]

    i, angle = np.zeros(size), epsilon
    for codes in sequence:

        def slope(t, y, codes=codes, angle=angle):
            return slopes(omega, y, windings(name, machine.u_dc, codes, angle + pairs * omega * t))

        i = solve_ivp(slope, (0.0, tau), i, method="DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
        angle += pairs * omega * tau
    if name in ("SCIM", "DFIM"):
        return model.shown @ i
    return i


@pytest.mark.parametrize("name", MACHINES)
def test_a_sequence_of_switching_states_is_that_of_an_independent_integration(name):
    machine = SETS[name].machine
    omega, periods = 0.4 * machine.speeds()[1], 24
    env = make(name, speed=omega, dead_time=False, substeps=16)
    assert env.unwrapped.setup.choices == MACHINES[name]
    env.reset(seed=3)
    before = env.unwrapped.state()
    env.reset(seed=3, options={"state": dict.fromkeys(machine.states, 0.0)})
    generator = np.random.default_rng(5)
    sequence = [[int(generator.integers(n)) for n in MACHINES[name]] for _ in range(periods)]
    for codes in sequence:
        env.step(codes[0] if len(codes) == 1 else codes)
    state = env.unwrapped.state()
    epsilon = float(before["epsilon"][0]) if "epsilon" in before else 0.0
    expected = integrate(name, machine, sequence, env.unwrapped.dt, omega, epsilon)
    ours = np.array([state[s][0] for s in machine.states])
    assert ours == pytest.approx(expected, rel=1e-8, abs=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["PMSM", "EESM", "SCIM", "DFIM", "SixPhasePMSM", "ExtExDc"])
def test_zero_states_do_the_same(name):
    """All legs at the upper rail are as good as all at the lower one."""
    ends = []
    for high in (False, True):
        env = make(name)
        env.reset(seed=1)
        zero = [n - 1 if high else 0 for n in MACHINES[name]]
        for k in range(40):
            codes = [1] * len(zero) if k % 4 == 0 else zero
            env.step(codes[0] if len(codes) == 1 else codes)
        state = env.unwrapped.state()
        ends.append([state[s][0] for s in SETS[name].machine.states])
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


def test_a_period_of_pulses_has_the_mean_voltage_of_the_averaged_converter():
    """Ten periods of switching with seven of a state give 70 % of its voltage, for legs and for bridges."""
    env = make("PermExDc", speed=50.0, dead_time=False)
    env.reset(seed=0)
    told = [env.step(1 if k < 7 else 0)[4]["u"] for k in range(10)]
    assert np.mean(told) == pytest.approx(0.7 * 60.0, rel=1e-9)
    env = make("PMSM", speed=100.0, dead_time=False)
    env.reset(seed=0)
    mean = 0.0
    for code in (4, 4, 6, 6, 6, 7, 7, 0, 0, 0):
        env.step(code)
        told = env.unwrapped.state()
        middle = told["epsilon"][0] - 0.5 * 3 * 100.0 * env.unwrapped.dt
        mean += 0.1 * complex(told["u_sd"][0], told["u_sq"][0]) * np.exp(1j * middle)
    # Leg a is high for 7 periods, b for 5 and c for 2.
    expected = 2 / 3 * 300.0 * (0.7 * PHASES[0] + 0.5 * PHASES[1] + 0.2 * PHASES[2])
    assert mean == pytest.approx(expected, rel=1e-9)


def test_what_is_switched_fast_moves_currents_as_the_averaged_converter_does():
    switched = make("SeriesDc", speed=100.0, tau=1e-6, dead_time=False)
    averaged = gymnasium.make("gem/SeriesDc-v0", speed=100.0, tau=1e-5, dead_time=False)
    switched.reset(seed=0)
    averaged.reset(seed=0)
    for _ in range(100):
        for k in range(10):
            info = switched.step(1 if k < 6 else 0)[4]
        other = averaged.step([0.6])[4]
    assert info["i"] == pytest.approx(other["i"], rel=1e-3)


# ------------------------------------------------------------------------------------------------ interlocking


def test_the_current_of_a_chopper_that_is_being_switched_flows_through_a_diode():
    """A leg of 2QC: with current out of it the terminal is low until the upper switch closes."""
    m, dead = SETS["PermExDc"].machine, 1e-6
    env = make("PermExDc", converter="2QC", speed=0.0, dead_time=False, interlocking=dead)
    tau = env.unwrapped.dt

    def decayed(i, u, t):
        return u / m.r_a + (i - u / m.r_a) * math.exp(-t * m.r_a / m.l_a)

    for start, between in ((50.0, 0.0), (-50.0, m.u_dc)):
        env.reset(seed=0, options={"state": {"i": start, "switched_0": 2}})
        info = env.step(1)[4]
        expected = decayed(decayed(start, between, dead), m.u_dc, tau - dead)
        assert info["i"] == pytest.approx(expected, rel=1e-8)
        mean = (between * dead + m.u_dc * (tau - dead)) / tau
        assert info["u"] == pytest.approx(mean, rel=1e-12)


def test_a_current_that_reaches_zero_in_the_dead_time_stays_zero_until_a_switch_closes():
    m, dead = SETS["PermExDc"].machine, 3e-6
    omega, start = 200.0, 4.0
    env = make("PermExDc", speed=omega, dead_time=False, interlocking=dead)
    induced = m.psi_e * omega
    env.reset(seed=0, options={"state": {"i": start, "switched_0": 1}})
    # From +u_dc to -u_dc both legs are open: the current flows against the link until it is gone.
    rest = -(m.u_dc + induced) / m.r_a
    gone = m.l_a / m.r_a * math.log((start - rest) / -rest)
    assert gone < dead
    info = env.step(2)[4]
    left = env.unwrapped.dt - dead
    assert info["i"] == pytest.approx(rest * (1.0 - math.exp(-left * m.r_a / m.l_a)), rel=1e-6)
    mean = -m.u_dc * (gone + left) + induced * (dead - gone)
    assert info["u"] == pytest.approx(mean / env.unwrapped.dt, rel=1e-6)


@pytest.mark.parametrize("converter", ["1QC", "2QC"])
def test_with_no_switch_closed_a_current_ends_and_does_not_turn_back(converter):
    m, omega = SETS["PermExDc"].machine, 100.0
    env = make("PermExDc", converter=converter, speed=omega, dead_time=False)
    env.reset(seed=0, options={"state": {"i": 3.0}})
    info = env.step(0)[4]
    rest = -m.psi_e * omega / m.r_a
    gone = m.l_a / m.r_a * math.log((3.0 - rest) / -rest)
    tau = env.unwrapped.dt
    assert info["i"] == pytest.approx(0.0, abs=1e-6)
    if converter == "2QC":
        assert info["u"] == pytest.approx(m.psi_e * omega * (tau - gone) / tau, rel=1e-5)
        back = env.reset(seed=0, options={"state": {"i": -3.0}})
        back = env.step(0)[4]
        # It flows back into the link until it is gone.
        rest = (m.u_dc - m.psi_e * omega) / m.r_a
        gone = m.l_a / m.r_a * math.log((3.0 + rest) / rest)
        mean = (m.u_dc * gone + m.psi_e * omega * (tau - gone)) / tau
        assert back["u"] == pytest.approx(mean, rel=1e-5)


def phase_currents(state):
    """Return the currents of the phases of a synchronous machine."""
    turned = complex(state["i_sd"][0], state["i_sq"][0]) * np.exp(1j * state["epsilon"][0])
    return np.real(turned * PHASES.conj())


def blocked_phase(m, omega, angle, i, dead, u_b, u_c):
    """Integrate a machine without saliency whose leg a is open, by the equations of its phases.

    While i_a > 0 the terminal a is low; then the phases b and c carry one current between them.
    """
    omega_e = m.p * omega

    def induced(t):
        return -omega_e * m.psi_p * np.imag(np.exp(1j * (angle + omega_e * t)) * PHASES.conj())

    def conducting(t, y):
        u = np.array([0.0, u_b, u_c])
        return (u - u.mean() - m.r_s * y - induced(t)) / m.l_d

    def ends(_, y):
        return y[0]

    ends.terminal = True
    options = {"rtol": 1e-12, "atol": 1e-12, "method": "DOP853"}
    first = solve_ivp(conducting, (0.0, dead), i, events=ends, **options)
    if first.status != 1:
        return first.y[:, -1], None
    gone = first.t[-1]

    def blocked(t, y):
        e = induced(t)
        return [((u_b - u_c) - (e[1] - e[2]) - 2 * m.r_s * y[0]) / (2 * m.l_d)]

    second = solve_ivp(blocked, (gone, dead), [first.y[1, -1]], **options)
    return np.array([0.0, second.y[0, -1], -second.y[0, -1]]), gone


@pytest.mark.parametrize("current", [0.15, 3.0])
def test_a_phase_whose_current_ends_while_its_leg_is_open_blocks(current):
    """Leg a opens while b is high and c low; its current reaches zero inside the dead time, or does not."""
    machine = {"l_d": 0.4e-3, "l_q": 0.4e-3}
    dead, tau, omega = 9.9999e-6, 1e-5, 250.0
    env = make("PMSM", machine=machine, speed=omega, dead_time=False, interlocking=dead, substeps=4)
    m = env.unwrapped.setup.keywords["machine"]
    m = SETS["PMSM"].machine.__class__(**m)
    epsilon = 0.7
    i = np.array([current, 5.0, -5.0 - current])
    vector = 2 / 3 * np.dot(i, PHASES) * np.exp(-1j * epsilon)
    env.reset(
        seed=0,
        options={
            "state": {
                "epsilon": epsilon,
                "i_sd": vector.real,
                "i_sq": vector.imag,
                "switched_0": 0b010,
            }
        },
    )
    env.step(0b110)
    expected, gone = blocked_phase(m, omega, epsilon, i, dead, m.u_dc, 0.0)
    assert (gone is not None) == (current < 1.0)
    # What is left of the period is a hundred-thousandth of it, with leg a high.
    u = np.array([m.u_dc, m.u_dc, 0.0])
    expected = expected + (u - u.mean()) / m.l_d * (tau - dead)
    assert phase_currents(env.unwrapped.state()) == pytest.approx(expected, abs=2e-5)


def test_a_machine_whose_switches_are_open_carries_no_current_below_the_link_voltage():
    """Before the first command acts; above the link voltage the diodes rectify and the machine brakes."""
    for omega, flows in ((300.0, False), (400.0, True)):
        machine = {"psi_p": 0.15, "omega_limit": 420.0}
        env = make("PMSM", machine=machine, speed=omega)
        env.reset(seed=4, options={"state": {"epsilon": 0.0}})
        info = env.step(0)[4]
        amplitude = math.hypot(info["i_sd"], info["i_sq"])
        # At this angle the voltage between b and c is at its peak,
        # sqrt(3) psi omega_e: 234 V and 312 V at a link of 300 V.
        assert (amplitude > 1e-3) == flows, (omega, amplitude)
        assert info["torque"] <= 1e-9


def test_wrong_switching_states_and_times_are_refused():
    env = make("PMSM")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"whole number in \[0, 7\]"):
        env.step(8)
    env = make("EESM")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="whole numbers below 8, 4"):
        env.step([7, 4])
    with pytest.raises(ValueError, match="shape"):
        env.step(3)
    with pytest.raises(ValueError, match=r"interlocking = 2e-05 s must be shorter .* 1e-05 s"):
        make("PMSM", interlocking=2e-5)
    with pytest.raises(ValueError, match="control"):
        make("PMSM-Speed", control="torque")


def test_the_last_action_is_shown_leg_by_leg():
    env = make("ExtExDc", converter={"u_a": "2QC", "u_e": "4QC"})
    env.reset(seed=0)
    names = env.unwrapped.setup.observation_columns.names
    legs = [names.index(f"last_action_{leg}") for leg in ("a", "e1", "e2")]
    for action, shown in (([0, 1], (0, 1, -1)), ([1, 2], (1, -1, 1)), ([2, 3], (-1, 1, 1))):
        assert tuple(env.step(action)[0][legs]) == shown


def test_delayed_actions_are_shown_when_they_are_given():
    late = make("EESM", delay=2)
    late.reset(seed=0)
    names = late.unwrapped.setup.observation_columns.names
    legs = [names.index(f"last_action_{leg}") for leg in ("a", "b", "c", "e1", "e2")]
    assert tuple(late.step([6, 1])[0][legs]) == (1, 1, -1, 1, -1)
