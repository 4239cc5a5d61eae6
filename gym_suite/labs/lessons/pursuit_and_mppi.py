"""Pure pursuit and MPPI in a narrow aisle, and odometry that drifts: computed, and in a real run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "agv/SimpleStatic-v0"
CELL, LENGTH = 0.5, 26  # m, cells along the hall
HALF_TRACK = 0.26  # m, of the lab's questions

LAB = Lab(
    number=11,
    name="pursuit_and_mppi",
    title="Pure pursuit, MPPI, and odometry that drifts",
    minutes=60,
    version=2,
    prerequisites="circles, the exponential function, and how two wheels steer",
    draws=(
        Draw(name="ahead", low=0.8, high=2.0, step=0.1, unit="m", meaning="lookahead distance"),
        Draw(
            name="side",
            low=0.1,
            high=0.5,
            step=0.05,
            unit="m",
            meaning="how far the point lies to the side",
        ),
        Draw(name="speed", low=0.4, high=1.0, step=0.05, unit="m/s", meaning="speed"),
        Draw(
            name="error",
            low=0.2,
            high=1.5,
            step=0.1,
            unit="%",
            meaning="by which one wheel is larger",
        ),
        Draw(
            name="way", low=5.0, high=15.0, step=1.0, unit="m", meaning="length of a straight way"
        ),
        Draw(name="costs", low=0.05, high=0.40, step=0.05, meaning="difference of two costs"),
        Draw(name="slip", low=2.0, high=8.0, step=0.5, unit="%", meaning="of each turn is missed"),
        Draw(name="turns", low=3.0, high=12.0, step=0.5, meaning="full turns to the left"),
    ),
    questions=(
        Question(
            key="curvature",
            text="The point to follow is {ahead:g} m away and lies {side:g} m to the side. Which curvature has "
            "the arc of pure pursuit?",
            unit="1/m",
            hint="Twice the offset to the side over the square of the distance.",
        ),
        Question(
            key="wheel",
            text="The vehicle drives that arc at {speed:g} m/s. How fast does its outer wheel run, if the wheels "
            "are 0.52 m apart?",
            unit="m/s",
            tolerance=0.01,
            hint="The yaw rate is speed times curvature; the outer wheel is half the track farther out.",
        ),
        Question(
            key="weight",
            text="MPPI with the temperature 0.1 compares two sequences whose costs differ by {costs:g}. How many "
            "times the weight of the dearer one does the cheaper one get?",
            hint="Weights are exponential in the cost over the temperature.",
        ),
        Question(
            key="heading",
            text="One wheel is {error:g} % larger than odometry believes. By how many degrees does its heading "
            "err after a straight way of {way:g} m?",
            unit="degrees",
            hint="The wheels' ways differ by that part of the way; divide by the track, which is 0.52 m.",
        ),
        Question(
            key="drift",
            text="How far is the vehicle then beside where odometry believes it to be? (small angles)",
            unit="m",
            tolerance=0.03,
            hint="The heading's error grows with the way from nothing; add its effect up along the way.",
        ),
        Question(
            key="corner",
            text="Make the lookahead large. What happens in the bend at the end of the wall?",
            choices=(
                "The vehicle swings out wide and becomes slower at once.",
                "The vehicle stops, because the point is out of sight.",
                "The vehicle cuts the corner and comes nearer to the wall.",
            ),
            hint="Draw the line from the vehicle to a point that is already round the corner.",
        ),
        Question(
            key="missed",
            text="Wheels that skid make odometry believe that a vehicle turned {slip:g} % less than it did. By how "
            "many degrees does the heading err after {turns:g} full turns to the left, as reckoned?",
            unit="degrees",
            hint="The error is that part of the true turn, and the true turn is what is reckoned over the rest.",
        ),
        Question(
            key="real",
            text="Move the factor of the turns until the reckoning of the real run lies nearest to GPS. What did its "
            "odometry do?",
            choices=(
                "It missed some hundredths of every turn.",
                "It made every turn some hundredths too large.",
                "It had the turns right, and the lengths of the way wrong.",
            ),
            hint="Watch the mean distance that stands below the picture.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive round the end of a wall.

    Attributes:
        x: Way of the vehicle's axle, m, (n,).
        y: The same, (n,).
        seconds: Until the end.
        arrived: Whether it reached its target.
        clearance: Least distance from a wall, m.
        length: Of the way, m.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    seconds: float
    arrived: bool
    clearance: float
    length: float


def floor(gap: int) -> str:
    """Return the drawing of a hall with a wall in its middle that leaves a gap at the right.

    Args:
        gap: Cells between the wall's end and the hall's.
    """
    free, inside = "#" + "." * (LENGTH - 2) + "#", LENGTH - 2
    wall = "#" + "#" * (inside - gap) + "." * gap + "#"
    edge = "#" * LENGTH
    return "\n".join([edge, *[free] * 5, wall, *[free] * 5, edge])


def drive(gap: int, law: str, **parameters: Any) -> Drive:
    """Return a drive from the upper left to the lower left, round the wall.

    Args:
        gap: Cells between the wall's end and the hall's.
        law: Name of the controller.
        **parameters: Of the controller.
    """
    import gymnasium

    import gym_suite

    env = gymnasium.make(
        ID, layout=floor(gap), starts=[[2.0, 4.75, 0.0]], goals=[[2.0, 1.75, 3.14]], payload=0.0
    )
    controller = gym_suite.make_controller(env, law, **parameters)
    observation, info = env.reset(seed=0)
    told, state, ended = [_told(info)], None, False
    while not ended:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        told.append(_told(info))
        ended = terminated or truncated
    rows = np.array(told, dtype=np.float64)
    period = float(env.get_wrapper_attr("dt"))
    env.close()
    return Drive(
        x=rows[:, 0],
        y=rows[:, 1],
        seconds=period * (len(rows) - 1),
        arrived=bool(info["reward_goal"] > 0.0),
        clearance=float(rows[:, 2].min()),
        length=float(np.hypot(*np.diff(rows[:, :2], axis=0).T).sum()),
    )


def _told(info: dict[str, Any]) -> tuple[float, float, float]:
    return info["x"], info["y"], info["clearance"]


def driven(way: float, error: float, points: int = 100) -> NDArray[np.float64]:
    """Return where a vehicle drives that believes to drive straight on, with one wheel larger than it knows.

    Its wheels turn alike, so its reckoning is a straight line and its way an arc.

    Args:
        way: Length of the way as reckoned, m.
        error: By which part one wheel is larger.
        points: Number of points.

    Returns:
        (points, 2): along and across, m.
    """
    reckoned = np.linspace(0.0, way, points)
    curvature = error / ((1.0 + 0.5 * error) * 2.0 * HALF_TRACK)
    angle = curvature * reckoned * (1.0 + 0.5 * error)
    if curvature == 0.0:
        return np.column_stack([reckoned, np.zeros(points)])
    return np.column_stack([np.sin(angle), 1.0 - np.cos(angle)]) / curvature


@dataclass(frozen=True, slots=True)
class RealRun:
    """A real run as reckoned by its wheels, and as GPS saw it.

    Attributes:
        reckoned: Position at the instants of GPS, m east and north, (n, 2).
        measured: Position by GPS, m east and north, (n, 2).
        distance: Between both, root of the mean square, m.
        length: Of the way as reckoned, m.
    """

    reckoned: NDArray[np.float64]
    measured: NDArray[np.float64]
    distance: float
    length: float


@cache
def recording(name: str) -> NDArray[np.float64]:
    """Return a table of the run of a Clearpath Husky outdoors, six and a half minutes long.

    Four wheels that do not steer, so that they skid in every turn. From robot_localization (test1.bag, Charles River
    Analytics, BSD); its GPS has a standard deviation of about a metre.

    Args:
        name: "husky_odometry" (s, m/s, rad/s, every 0.1 s) or "husky_gps" (s, m east, m north, every 0.4 s).
    """
    path = resources.files("gym_suite.labs").joinpath(f"recordings/{name}.csv.gz")
    with resources.as_file(path) as file:
        return np.loadtxt(file, delimiter=",", skiprows=1)


def reckon(turn: float) -> RealRun:
    """Return the real run, reckoned from its wheels' speeds with the yaw rate times a factor.

    The heading at the start is not recorded: the way is turned as a whole to where it fits GPS best (Kabsch 1976).

    Args:
        turn: Factor of the yaw rate.
    """
    time, speed, rate = recording("husky_odometry").T
    step = np.diff(time)
    turned = np.cumsum(np.append(0.0, turn * 0.5 * (rate[1:] + rate[:-1]) * step))
    along = 0.5 * (speed[1:] + speed[:-1]) * step
    way = np.cumsum(np.append(0.0, along * np.exp(0.5j * (turned[1:] + turned[:-1]))))
    clock, east, north = recording("husky_gps").T
    measured = east - east[0] + 1j * (north - north[0])
    reckoned = np.interp(clock, time, np.real(way)) + 1j * np.interp(clock, time, np.imag(way))
    fit = np.vdot(reckoned, measured)
    reckoned = reckoned * fit / np.abs(fit)
    return RealRun(
        reckoned=np.column_stack([reckoned.real, reckoned.imag]),
        measured=np.column_stack([measured.real, measured.imag]),
        distance=float(np.sqrt(np.mean(np.abs(reckoned - measured) ** 2))),
        length=float(np.abs(along).sum()),
    )
