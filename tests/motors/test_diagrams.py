"""Diagrams of drives: what their lines say is true, and each is a picture with something on it."""

from dataclasses import replace
from io import BytesIO

import gymnasium
import numpy as np
import pytest
from matplotlib.image import imread

import gym_suite
from gym_suite.controllers.baselines import RandomAgent
from gym_suite.core.trajectory import Trajectory
from gym_suite.motors.controllers.operating_points import DQModel, operating_points
from gym_suite.motors.diagrams import DIAGRAMS, diagram, record, spectrum, switching_diagram
from gym_suite.motors.machines import PMSM
from gym_suite.motors.pattern import leg_steps, rises

IDS = ("gem/PMSM-Torque-v0", "gem/SCIM-Speed-v0", "gem/SeriesDc-Torque-v0", "gem/EESM-Finite-v0")


@pytest.fixture(scope="module")
def runs():
    made = {}
    for id in IDS:
        env = gymnasium.make(id)
        made[id] = env, record(env, gym_suite.make_controller(env), seed=1, steps=400)
    return made


def lines(ax):
    return {line.get_label(): np.array(line.get_data()) for line in ax.lines}


@pytest.mark.parametrize("kind", DIAGRAMS)
@pytest.mark.parametrize("id", IDS)
def test_every_diagram_is_a_picture(runs, id, kind):
    env, run = runs[id]
    if "Dc" in id and kind in ("dq", "alphabeta"):
        with pytest.raises(ValueError, match="diagrams are dashboard, torque-speed, spectrum"):
            diagram(kind, env, run)
        return
    figure = diagram(kind, env, run)
    file = BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    assert (imread(file)[..., :3] < 0.98).any(axis=-1).mean() > 0.01
    assert all(ax.lines for ax in figure.axes)


def test_an_unknown_diagram_names_the_nearest(runs):
    with pytest.raises(ValueError, match="Did you mean 'spectrum'"):
        diagram("spectrun", *runs[IDS[0]])


def test_a_record_holds_what_the_environment_told(runs):
    env, run = runs[IDS[0]]
    assert len(run) == 400 and run.dt == 1e-4 and run.units["torque"] == "N m"
    assert {"torque", "torque_ref", "i_sd", "action_d"} <= set(run.names)
    again = record(env, gym_suite.make_controller(env), seed=1, steps=400)
    assert all(np.array_equal(run[name], again[name]) for name in run.names)


def test_the_lines_of_the_dq_plane_are_those_of_the_machine(runs):
    env, run = runs["gem/PMSM-Torque-v0"]
    left, right = diagram("dq", env, run).axes
    seen = lines(left)
    machine = PMSM()
    for i_d, i_q in seen["most torque per ampere"].T[::5]:
        size = np.hypot(i_d, i_q)
        angle = np.linspace(np.pi / 2, np.pi, 4001)
        torque = 4.5 * (0.066 - 0.83e-3 * size * np.cos(angle)) * size * np.sin(angle)
        own = 4.5 * (0.066 - 0.83e-3 * i_d) * i_q
        assert own >= 0.999 * torque.max()
    assert np.hypot(*seen[f"current limit, {machine.i_limit:g} A"]) == pytest.approx(400.0)
    assert np.hypot(run["u_sd"], run["u_sq"]).max() < 2.0 / 3.0 * machine.u_dc * (1 + 1e-9)
    assert right.lines


@pytest.mark.parametrize("id", ["gem/PMSM-Torque-v0", "gem/SCIM-Speed-v0"])
def test_voltages_of_the_stator_s_plane_lie_in_the_hexagon(runs, id):
    env, run = runs[id]
    u_dc = env.unwrapped.nominal.parameters["u_dc"]
    _, right = diagram("alphabeta", env, run).axes
    (points,) = [np.array(line.get_data()) for line in right.lines if line.get_marker() == "."]
    sides = np.arange(6) * np.pi / 3.0 + np.pi / 6.0
    across = np.cos(sides)[:, None] * points[0] + np.sin(sides)[:, None] * points[1]
    assert across.max() <= u_dc / np.sqrt(3.0) * (1.0 + 2e-3)
    if "PMSM" in id:  # reached by the large steps of the torque
        assert across.max() > 0.99 * u_dc / np.sqrt(3.0)


def test_voltages_of_two_stars_lie_in_the_dodecagons_that_their_switching_states_span():
    """In the plane of alpha and beta and in that of x and y, and the longest vectors are the corners."""
    env = gymnasium.make("gem/SixPhasePMSM-Finite-v0", speed=300.0)
    u_dc = env.unwrapped.nominal.parameters["u_dc"]
    bits = np.array([[code >> k & 1 for k in (2, 1, 0)] for code in range(8)])
    star = 2.0 / 3.0 * u_dc * bits @ np.exp(2j * np.pi / 3.0 * np.arange(3))
    one, other = np.meshgrid(star, np.exp(1j * np.pi / 6.0) * star)
    spans = 0.5 * (one + other), 0.5 * np.conj(one - other)
    run = record(env, RandomAgent().tune(env), steps=12)
    axes = diagram("alphabeta", env, run).axes
    for right, span in zip((axes[1], axes[3]), spans, strict=True):
        outline, points = (line.get_xydata() @ (1.0, 1j) for line in right.lines)
        direction = np.exp(-1j * np.linspace(0.0, 2.0 * np.pi, 100))[:, None]

        def reach(of, direction=direction):
            return np.real(direction * np.ravel(of)).max(axis=1)

        assert len(outline) == 13
        assert reach(outline) == pytest.approx(reach(span), abs=1e-9 * u_dc)
        # The angle between two samples is known to a thousandth of a turn.
        assert (reach(points) <= reach(span) + 2e-3 * u_dc).all()
        assert len(set(np.round(points, 3))) > 4


def test_the_limit_of_the_torque_is_what_current_and_voltage_allow(runs):
    env, run = runs["gem/PMSM-Torque-v0"]
    (ax,) = diagram("torque-speed", env, run).axes
    speed, limit = lines(ax)["current and voltage allow"]
    i_d, i_q = np.meshgrid(np.linspace(-360.0, 0.0, 721), np.linspace(0.0, 360.0, 721))
    torque = 4.5 * (0.066 - 0.83e-3 * i_d) * i_q
    flux = np.hypot(0.37e-3 * i_d + 0.066, 1.2e-3 * i_q)
    for rpm, most in list(zip(speed, limit, strict=True))[1::20]:
        inside = (np.hypot(i_d, i_q) <= 360.0) & (
            3.0 * rpm * np.pi / 30.0 * flux <= 0.95 * 300.0 / np.sqrt(3.0)
        )
        assert most == pytest.approx(torque[inside].max(), rel=0.01)


def test_the_largest_torque_is_found_where_the_voltage_alone_binds():
    """Maximum torque per voltage, at fluxes far below the magnets' own, against a grid."""
    machine = replace(PMSM(), omega_limit=4000.0)
    table = operating_points(machine, 0.9)
    model = DQModel(machine.p, machine.l_d, machine.l_q, machine.psi_p)
    for flux, most in table[1:40:3, :2]:
        angle = np.linspace(0.0, np.pi, 20001)
        i_d = (flux * np.cos(angle) - machine.psi_p) / machine.l_d
        i_q = flux * np.sin(angle) / machine.l_q
        inside = np.hypot(i_d, i_q) <= 0.9 * machine.i_limit
        assert most >= 0.999 * model.torque(i_d, i_q)[inside].max()


def test_the_spectrum_of_a_sine_is_its_amplitude_and_frequency():
    t = 1e-4 * np.arange(2000)
    wave = 3.0 + 12.0 * np.cos(2 * np.pi * 50.0 * t + 0.4) + 0.5 * np.sin(2 * np.pi * 350.0 * t)
    frequency, amplitude = spectrum(wave, 1e-4)
    at = {f: amplitude[np.argmin(np.abs(frequency - f))] for f in (0.0, 50.0, 350.0, 1000.0)}
    assert [at[0.0], at[50.0], at[350.0]] == pytest.approx([3.0, 12.0, 0.5], rel=1e-3)
    assert at[1000.0] < 1e-4 and frequency[-1] == 5000.0
    between = spectrum(np.sin(2 * np.pi * 52.5 * t), 1e-4)[1].max()
    assert 0.84 < between < 0.86


def between(figure):
    """Return what a picture shows, as parts that are not white."""
    file = BytesIO()
    figure.savefig(file, format="png")
    file.seek(0)
    return (imread(file)[..., :3] < 0.98).any(axis=-1).mean()


def test_the_switching_pattern_of_chosen_states_is_the_voltage_that_the_machine_had():
    """Legs at the rails give u_dc / 3 (a + b e^j120 + c e^j240), and `info` tells it in the frame of d and q."""
    env = gymnasium.make("gem/PMSM-Finite-v0", speed=200.0)
    run = record(env, gym_suite.make_controller(env), seed=1, steps=120)
    steps = leg_steps(env, run)
    legs = np.array([positions for _, positions in steps.values()])
    assert list(steps) == ["a", "b", "c"] and set(np.unique(legs[:, 1:])) == {-1.0, 1.0}
    assert not legs[:, 0].any()  # one period of dead time, in which no switch is closed
    u_dc = env.unwrapped.nominal.parameters["u_dc"]
    expected = u_dc / 3.0 * np.exp(2j * np.pi / 3.0 * np.arange(3)) @ legs
    # The frame turns by 0.006 rad in a period, and the voltage is told in the middle of it.
    told = (run["u_sd"] + 1j * run["u_sq"]) * np.exp(1j * (run["epsilon"] - 0.003))
    assert np.abs(told - expected)[1:].max() < 1e-3 * u_dc
    assert np.abs(expected).max() > 0.6 * u_dc
    figure = switching_diagram(env, run, periods=60)
    upper, lower = figure.axes
    assert between(figure) > 0.01 and len(upper.lines) == 3 and len(lower.lines) == 3
    assert lower.get_xlim() == pytest.approx((0.6, 1.2))
    closed = [int(((positions[1:] > 0) & (positions[:-1] < 1)).sum()) for positions in legs]
    assert [text.get_text() for text in upper.texts] == [f"{n / 1.2:.4g} kHz" for n in closed]


def test_the_switching_pattern_of_a_carrier_has_its_frequency_and_its_mean_voltage():
    class Held:
        def predict(self, observation, state):
            return np.array([0.1, -0.5]), state

    env = gymnasium.make("gem/PMSM-v0", modulation="carrier", speed=100.0)
    run = record(env, Held(), seed=1, steps=20)
    steps = leg_steps(env, run)
    end, u_dc = len(run) * run.dt, env.unwrapped.nominal.parameters["u_dc"]
    means = []
    for times, positions in steps.values():
        assert rises(positions) == len(run)  # one pulse in each period: the carrier's frequency
        lasting = np.diff(times, append=end)
        period = np.minimum((times + 1e-12) / run.dt, len(run) - 1).astype(int)
        means.append(np.bincount(period, lasting * positions) / run.dt)
    mean = u_dc / 3.0 * np.exp(2j * np.pi / 3.0 * np.arange(3)) @ np.array(means)
    told = (run["u_sd"] + 1j * run["u_sq"]) * np.exp(1j * (run["epsilon"] - 0.015))
    assert np.abs(told - mean)[1:].max() < 1e-3 * u_dc
    assert between(switching_diagram(env, run, periods=5)) > 0.01


def written(env, actions):
    """Return a run of actions that nobody took, at rest."""
    names = env.unwrapped.setup.action_names
    columns = dict(zip(names, np.array(actions, dtype=np.float64).T, strict=True))
    columns |= dict.fromkeys(("i_sd", "i_sq", "epsilon"), np.zeros(len(actions)))
    return Trajectory(columns, dt=env.unwrapped.setup.dt)


def test_a_switching_pattern_of_mean_voltages_is_refused():
    env = gymnasium.make("gem/PMSM-v0")
    with pytest.raises(ValueError, match="modulation='carrier'"):
        switching_diagram(env, written(env, [(0.0, 0.0)] * 4))


def test_a_switching_pattern_names_the_legs_of_every_part_of_the_converter():
    """State 4 a + 2 b + c of the bridge; of the chopper of four quadrants 1 is +u_dc and 2 is -u_dc."""
    env = gymnasium.make("gem/EESM-Finite-v0")
    run = written(env, [(4, 1), (3, 2), (0, 0)])
    legs = {leg: list(positions) for leg, (_, positions) in leg_steps(env, run).items()}
    # The last command has not acted yet, and before the first one no switch is closed.
    assert legs == {
        **{"a": [0.0, 1.0, -1.0], "b": [0.0, -1.0, 1.0], "c": [0.0, -1.0, 1.0]},
        **{"e1": [0.0, 1.0, -1.0], "e2": [0.0, -1.0, 1.0]},
    }
    names = [text.get_text() for text in switching_diagram(env, run).axes[0].get_yticklabels()]
    assert names == list(legs)
    with pytest.raises(ValueError, match="periods"):
        switching_diagram(env, run, periods=0)
