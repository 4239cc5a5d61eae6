"""Laps near the limits of the rotors: what bounds them from below, how they are planned, and how they are flown."""

import re
from importlib.resources import files

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation

import gym_suite
from gym_suite.drones.controllers.flatness import Craft, flight
from gym_suite.drones.controllers.laps import (
    Bounds,
    Lap,
    Problem,
    check_frames,
    fastest_lap,
    first_lap,
)
from gym_suite.drones.controllers.time_optimal import TimeOptimal
from gym_suite.drones.tracks import build_track
from gym_suite.drones.vehicles import RPM, VEHICLES
from tests.drones.optimal_laps import BOUNDS, FILE, GRAVITY, LAG, PARTS, YAW_RATIO
from tests.drones.test_aims import ENGINES, fly, last

ID = "drones/Gates-v0"
TRACKS = ("oval", "eight")
V = VEHICLES["cf2x"]
HOVER = np.sqrt(V.mass * GRAVITY / (4.0 * V.k_f))
INERTIA = np.array([V.i_xx, V.i_yy, V.i_zz])
X, Y, SENSE = np.array(V.places).T


def slope(x, commands, drag):
    """Return the slope of place, velocity, quaternion (w x y z), body rate and rotor speeds over hovering speed."""
    turn = Rotation.from_quat(np.roll(x[6:10], -1)).as_matrix()
    thrusts = V.k_f * (HOVER * x[13:]) ** 2
    force = np.array([0.0, 0.0, thrusts.sum()]) - drag * RPM * HOVER * x[13:].sum() * (
        turn.T @ x[3:6]
    )
    torque = np.array([Y @ thrusts, -X @ thrusts, YAW_RATIO * (SENSE @ thrusts)])
    w, (a, b, c), (p, q, r) = x[6], x[7:10], x[10:13]
    turning = [
        -a * p - b * q - c * r,
        w * p + b * r - c * q,
        w * q - a * r + c * p,
        w * r + a * q - b * p,
    ]
    return np.concatenate(
        [
            x[3:6],
            turn @ force / V.mass - [0.0, 0.0, GRAVITY],
            0.5 * np.array(turning),
            (torque - np.cross(x[10:13], INERTIA * x[10:13])) / INERTIA,
            (commands - x[13:]) / LAG,
        ]
    )


def integrated(x, commands, time, drag):
    found = solve_ivp(
        lambda t, y: slope(y, commands(t), drag), (0.0, time), x, rtol=1e-9, atol=1e-10
    )
    return found.y[:, -1]


@pytest.mark.parametrize(("track", "least"), [("oval", 1.936), ("eight", 2.575)])
def test_the_optimum_on_record_is_a_flight_of_the_vehicle(track, least):
    """From every fourth node its commands lead to the next node, and it closes, within bounds, through all gates."""
    with np.load(FILE) as kept:
        states, commands, times = (
            kept[f"{track}_{name}"] for name in ("states", "commands", "times")
        )
    gates = build_track(track)
    assert times.sum() == pytest.approx(least, abs=1e-3)
    assert commands.min() >= BOUNDS[0] - 1e-6 and commands.max() <= BOUNDS[1] + 1e-6
    drag = np.array([V.drag_xy, V.drag_xy, V.drag_z])
    for k in range(0, len(states), 4):
        after = integrated(states[k], lambda t, k=k: commands[k], times[k // PARTS] / PARTS, drag)
        np.testing.assert_allclose(after, states[(k + 1) % len(states)], atol=2e-3)
    for k, gate in enumerate(gates):
        off = states[k * PARTS, :3] - gate.centre
        nx, ny = gate.through
        assert abs(nx * off[0] + ny * off[1]) < 1e-5
        assert abs(nx * off[1] - ny * off[0]) < 0.5 * gate.width - V.radius + 1e-5
        assert abs(off[2]) < 0.5 * gate.height - V.radius + 1e-5


def craft_of(drag=0.0):
    lift = V.k_f * np.array([np.ones(4), Y, -X, YAW_RATIO * SENSE])
    return Craft(
        mass=V.mass,
        gravity=GRAVITY,
        drag=(drag, drag, drag),
        inertia=tuple(INERTIA),
        effects=tuple(map(tuple, lift)),
        lag=LAG,
    )


def bounds_of(share=0.8, clear=0.16):
    low, high = ((HOVER * (1.0 + sign * 0.4 * share),) * 4 for sign in (-1.0, 1.0))
    return Bounds(lowest=low, highest=high, least=0.5 * HOVER, hover=HOVER, clear=clear)


def derivatives(lap, t):
    return np.stack([lap.at(t, k).T for k in range(1, 6)])


def test_commands_that_follow_from_a_lap_fly_it():
    """Without drag, for which flatness has a formula of its own: half a second off the plan by less than 1 mm."""
    lap = gym_suite.make_controller(gymnasium.make(ID, engine="compiled"), "time-optimal").planned_[
        1
    ]
    pieces, craft = lap.pieces, craft_of()
    start = flight(craft, derivatives(pieces, np.array([0.3])), 0.1 * HOVER)
    turn = Rotation.from_matrix(start.axes[:, :, 0].T).as_quat()
    x = [
        pieces.at(0.3),
        pieces.at(0.3, 1),
        np.roll(turn, 1),
        start.rate[:, 0],
        start.rotors[:, 0] / HOVER,
    ]

    def commands(t):
        return (
            flight(craft, derivatives(pieces, np.array([0.3 + t])), 0.1 * HOVER).commands[:, 0]
            / HOVER
        )

    after = integrated(np.concatenate(x), commands, 0.5, np.zeros(3))
    np.testing.assert_allclose(after[:3], pieces.at(0.8), atol=1e-3)
    np.testing.assert_allclose(after[3:6], pieces.at(0.8, 1), atol=1e-2)


def test_commands_of_a_rising_pace_fly_the_lap_faster_and_faster():
    """The pace rises from 0.6 to 1 in half a second; without the rates that this takes the flight ends 5 cm beside."""
    law = gym_suite.make_controller(gymnasium.make(ID, engine="compiled"), "time-optimal")
    law._craft, pieces = craft_of(), law.planned_[1].pieces
    begin, pace, gain = 0.3, 0.6, 0.8

    def flown(t):
        now = np.array([begin + pace * t + 0.5 * gain * t**2])
        return law._flown(now, np.array([pace + gain * t]), np.array([gain]), np.zeros((3, 1)))

    start = flown(0.0)
    turn = Rotation.from_matrix(start.axes[:, :, 0].T).as_quat()
    x = [
        pieces.at(begin),
        pace * pieces.at(begin, 1),
        np.roll(turn, 1),
        start.rate[:, 0],
        start.rotors[:, 0] / HOVER,
    ]
    after = integrated(
        np.concatenate(x), lambda t: flown(t).commands[:, 0] / HOVER, 0.5, np.zeros(3)
    )
    end = begin + 0.5 * pace + 0.125 * gain
    np.testing.assert_allclose(after[:3], pieces.at(end), atol=1e-3)
    np.testing.assert_allclose(after[3:6], pieces.at(end, 1), atol=1e-2)


def test_the_pace_rises_by_what_takes_the_thrust():
    law = gym_suite.make_controller(gymnasium.make(ID, engine="compiled"), "time-optimal")
    t, pace, none = np.linspace(0.0, 2.0, 9), np.full(9, 0.7), np.zeros((9, 3))
    for thrust in (18.0, 14.0):
        gain = law._room(t, pace, np.full(9, thrust), none)
        force = law._flown(t, pace, gain).force
        np.testing.assert_allclose(np.linalg.norm(force, axis=0), thrust, rtol=0.02)


@pytest.mark.parametrize("track", TRACKS)
def test_laps_that_ship_keep_to_their_bounds(track):
    """Between the moments at which they were planned too; and they are closed, smooth and through the openings."""
    env = gymnasium.make(ID, engine="compiled", track=track)
    law = gym_suite.make_controller(env, "time-optimal")
    lap, gates = law.planned_[1], build_track(track)
    pieces, t = lap.pieces, np.linspace(0.0, lap.time, 3000)
    drag = RPM * 4.0 * HOVER * np.array([V.drag_xy, V.drag_xy, V.drag_z]) / V.mass
    flown = flight(law._craft, derivatives(pieces, t), 0.1 * HOVER)
    np.testing.assert_allclose(law._craft.drag, drag)
    over = np.abs(flown.commands / HOVER - 1.0).max()
    assert 0.3 < over < 0.4 * law.share + 0.02
    for k in range(6):
        np.testing.assert_allclose(pieces.at(0.0, k), pieces.at(lap.time, k), rtol=1e-6, atol=1e-5)
    for gate, time in zip(gates, lap.crossings, strict=True):
        off, way = pieces.at(time) - gate.centre, pieces.at(time, 1)
        nx, ny = gate.through
        assert abs(nx * off[0] + ny * off[1]) < 1e-3 and nx * way[0] + ny * way[1] > 0.0
        room = 0.5 * gate.width - V.radius - law.clearance
        assert max(abs(nx * off[1] - ny * off[0]), abs(off[2])) < room + 1e-3


def table(*gates):
    """Return gates as a table: centre, direction, half of width and height, frame."""
    return np.array([[*centre, *way, 0.4, 0.4, 0.05] for centre, way in gates])


TRIANGLE = table(
    ((1.5, 0, 1), (0.0, 1.0)),
    ((-0.75, 1.3, 1.2), (-0.866, -0.5)),
    ((-0.75, -1.3, 1), (0.866, -0.5)),
)


def test_a_planned_lap_is_faster_than_that_of_least_snap_and_within_bounds():
    problem = Problem(TRIANGLE, craft_of(0.2), bounds_of())
    first, fast = first_lap(problem), fastest_lap(problem)
    assert problem.commands(first) <= 0.0
    assert problem.values(fast).max() < 2e-3 and fast.time < 0.9 * first.time
    # What its slopes say of a step is what happens.
    rng = np.random.default_rng(1)
    step = 1e-5 * rng.standard_normal(problem.size)
    changed = problem.values(problem.moved(fast, step)) - problem.values(problem.moved(fast, -step))
    np.testing.assert_allclose(changed, 2.0 * problem.slopes(fast) @ step, rtol=1e-3, atol=1e-5)


def test_a_lap_without_thrust_or_through_a_frame_is_refused():
    with pytest.raises(ValueError, match="cannot carry the vehicle"):
        first_lap(Problem(TRIANGLE, craft_of(), bounds_of(share=0.0)))
    angles = 2.0 * np.pi * np.arange(21) / 21
    ring = np.column_stack([1.5 * np.cos(angles), 1.5 * np.sin(angles), np.ones(21)])
    lap = Lap(ring, 3.0, np.array([0.5]))
    check_frames(lap, table(((1.5, 0, 3), (0.0, 1.0))), 0.16)
    with pytest.raises(ValueError, match="passes the frame of gate 0"):
        check_frames(lap, table(((1.5, 0, 1), (0.0, 1.0))), 0.16)


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
@pytest.mark.parametrize(("track", "ratio"), [("oval", 1.09), ("eight", 1.095)])
def test_the_planned_lap_is_flown_without_loss(engine, seeds, track, ratio):
    """And takes on average, over the optimum on record, what the page says."""
    _, alive, infos = fly(ID, "time-optimal", engine=engine, seeds=seeds, track=track)
    laps = last(infos, "lap_time")[-1]
    assert alive.all() and (laps > 0.0).all() and optimum(track) < laps.mean()
    assert laps.mean() < ratio * optimum(track)
    if engine == "compiled":
        row = told(r"`time-optimal` as flown.*\| ([\d.]+) \| ([\d.]+) \|")
        assert f"{laps.mean():.2f}" == row[TRACKS.index(track)]
        shares = told(r"takes ([\d.]+) and ([\d.]+) times the vehicle's optimum")
        assert f"{laps.mean() / optimum(track):.2f}" == shares[TRACKS.index(track)]


def optimum(track):
    """Return the time of the whole vehicle's optimal lap on record, s."""
    with np.load(FILE) as kept:
        return kept[f"{track}_times"].sum()


def told(pattern):
    """Return what the page of the id says of either track."""
    page = files("gym_suite.drones").joinpath("pages/task_gates.md").read_text("utf-8")
    found = re.search(pattern, page)
    assert found, "the page no longer says it"
    return found.groups()


SETTINGS = {
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "disturbance": {
        "disturbance": {
            f"force_{a}": {"kind": "prbs", "amplitude": 0.01, "period": 0.5} for a in "xyz"
        }
    },
}


@pytest.mark.parametrize(("engine", "seeds"), ENGINES)
@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_it_is_flown_in_the_other_settings_without_loss_too(setting, track, engine, seeds):
    """Who has hardly thrust to hover under mismatch may not have ended a lap; all others have."""
    _, alive, infos = fly(
        ID, "time-optimal", engine=engine, seeds=seeds, track=track, **SETTINGS[setting]
    )
    laps = last(infos, "lap_time")[-1]
    ended = laps > 0.0
    assert alive.all() and ended.sum() >= seeds - (setting == "mismatch")
    if (setting, engine) == ("mismatch", "compiled"):
        shares = told(r"under mismatch ([\d.]+) and ([\d.]+)\.")
        assert f"{laps[ended].mean() / optimum(track):.2f}" == shares[TRACKS.index(track)]


def test_what_the_law_cannot_fly_is_refused():
    with pytest.raises(ValueError, match="time-optimal control needs gates"):
        TimeOptimal.for_env(gymnasium.make("drones/Waypoints-v0", engine="compiled"))
    with pytest.raises(ValueError, match="share"):
        TimeOptimal.for_env(gymnasium.make(ID, engine="compiled"), share=1.5)
