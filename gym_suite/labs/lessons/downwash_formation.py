"""The downwash of one quadcopter on another, and a ring of quadcopters that change places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

PAIR_ID, RING_ID = "drones/MultiHover-v0", "drones/Formation-v0"
#: Laws of the lower drone: whether the error of the position is integrated.
LAWS = {"without integral action": False, "with integral action": True}
#: What students need of the downwash F = STRENGTH / h^2 exp(-r^2 / (2 w^2)) with w = SPREAD h + WIDTH: N m^2, 1, m.
STRENGTH, SPREAD, WIDTH = 0.0758, 0.16, -0.11
HEIGHT = 0.6  # m, of the lower drone
WAY = 1.2  # m: the upper drone comes from here and flies as far on the other side
RADIUS, TOUCH = 0.6, 0.12  # m: of the ring, and twice a drone's
SECONDS = 4.9  # of a flight: one swap, a second after its beginning

LAB = Lab(
    number=7,
    name="downwash_formation",
    title="Downwash, and quadcopters that change places",
    minutes=60,
    prerequisites="lab 6, and the bell curve",
    draws=(
        Draw(name="mass", low=25.0, high=34.0, step=0.5, unit="g", meaning="mass of a drone"),
        Draw(
            name="height", low=1.0, high=1.6, step=0.05, unit="m", meaning="height above the lower"
        ),
        Draw(
            name="share", low=10.0, high=60.0, step=5.0, unit="%", meaning="share of the downwash"
        ),
        Draw(
            name="stiffness",
            low=0.3,
            high=1.0,
            step=0.05,
            unit="N/m",
            meaning="stiffness of the height's control",
        ),
        Draw(name="drones", low=5.0, high=9.0, step=1.0, meaning="drones on the ring"),
        Draw(
            name="apart",
            low=0.25,
            high=0.45,
            step=0.01,
            unit="m",
            meaning="distance that neighbours have to keep",
        ),
    ),
    questions=(
        Question(
            key="push",
            text="The downwash of a drone at the height h above another one is F = A / h^2 exp(-r^2 / (2 w^2)) at the "
            "distance r from its axis, with A = 0.0758 N m^2 and the width w = 0.16 h - 0.11 m. How strong is it on "
            "the axis, {height:g} m below?",
            unit="mN",
            tolerance=0.02,
            hint="On the axis the bell is one.",
        ),
        Question(
            key="faster",
            text="The lower drone has {mass:g} g and stays in that place. By how much do its rotors turn faster than "
            "without the downwash? (g = 9.80665 m/s^2)",
            unit="%",
            tolerance=0.03,
            hint="Thrust goes with the square of the speed, and has to carry the weight and the downwash.",
        ),
        Question(
            key="aside",
            text="At the same height, how far aside is the downwash down to {share:g} % of what it is on the axis?",
            unit="cm",
            tolerance=0.02,
            hint="Solve the bell curve for r: a logarithm and a root.",
        ),
        Question(
            key="sink",
            text="The lower drone's height is held by a law without integral action that answers a deviation with "
            "{stiffness:g} N/m. How far does it sink under the downwash on the axis?",
            unit="cm",
            tolerance=0.03,
            hint="In rest the law's force has to equal the downwash.",
        ),
        Question(
            key="ring",
            text="Now {drones:g} drones stand on a ring at equal distances, and neighbours have to be {apart:g} m "
            "apart. How large does the radius of the ring have to be at least?",
            unit="m",
            tolerance=0.01,
            hint="Two neighbours and the middle of the ring make a triangle; half of it has a right angle.",
        ),
        Question(
            key="side",
            text="All drones are sent to the opposite place at once. Why is it not enough that each is pushed away "
            "from its neighbours?",
            choices=(
                "The pushes of all the others add up to nothing on the way through the middle, so that drones meet "
                "at full speed.",
                "Two that meet head-on are pushed straight back by each other, and none of them gets past.",
                "The push needs the neighbours' mass, which nobody knows.",
            ),
            hint="Set the share to the right to nought in the picture, and draw the forces on two drones that fly "
            "towards each other.",
        ),
    ),
)


def downwash(height: NDArray[np.float64], aside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the downwash of a hovering drone as the package's physics has it, N.

    Args:
        height: Of the upper drone above the lower, m, (n,).
        aside: Distance from its axis, m, (n,).
    """
    from gym_suite.drones import parameters as pm
    from gym_suite.drones.aerodynamics import downwash as push
    from gym_suite.drones.columns import BODY, USUAL

    vehicle, model = pm.build_vehicle("cf2x"), pm.build_model("identified")
    values = pm.physics_values(
        vehicle, model, pm.EFFECTS, integrator="rk4", dt=1.0 / 240.0, substeps=1
    )
    row = np.array(list(values.values()))
    agents, places = np.zeros((2, len(BODY))), BODY.places
    hover = np.sqrt(values["mass"] * values["gravity"] / (4.0 * values["k_f"]))
    agents[0, places.rotor_0 : places.rotor_0 + 4] = hover
    found = []
    for h, r in zip(height, aside, strict=True):
        agents[0, places.position_x], agents[0, places.position_z] = r, h
        found.append(push(agents, 1, row, USUAL))
    return np.array(found, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Pass:
    """One drone flies across above another, which is to stay where it is.

    Attributes:
        time: s, (n,).
        upper: Place of the upper drone along its way, m, (n,).
        lower: Deviation of the lower drone's height, m, (n,).
        sunk: How far the lower drone sinks at most, m.
    """

    time: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    sunk: float


def fly_over(numbers: Mapping[str, float], *, height: float, speed: float, integral: bool) -> Pass:
    """Return a pass of one drone above another.

    Args:
        numbers: The student's numbers.
        height: Of the upper drone above the lower, m.
        speed: Of the upper drone, m/s.
        integral: Whether the law integrates the error of the position.
    """
    import gymnasium

    import gym_suite

    env = gymnasium.make(
        PAIR_ID,
        engine="compiled",
        drones=2,
        vehicle={"mass": numbers["mass"] * 1e-3},
        bound=20.0,
        max_episode_steps=100_000,
    )
    controller = gym_suite.make_controller(env, integral=integral)
    period = float(env.get_wrapper_attr("dt"))
    at = {
        "position_x_0": -WAY,
        "position_z_0": HEIGHT + height,
        "velocity_x_0": speed,
        "position_x_1": 0.0,
        "position_z_1": HEIGHT,
    }
    still = {
        f"{name}_{axis}_{k}": 0.0
        for k in (0, 1)
        for name in ("position", "velocity")
        for axis in "xyz"
    }
    level = {f"quaternion_{axis}_{k}": float(axis == "w") for k in (0, 1) for axis in "xyzw"}
    observation, info = env.reset(seed=0, options={"state": {**still, **level, **at}})
    columns = env.get_wrapper_attr("setup").observation_columns
    state, rows = None, [(info["x_0"], info["z_1"])]
    for k in range(round(2.0 * WAY / speed / period)):
        # The drones are told where they are relative to the places of this experiment, and the upper one how fast.
        wanted = ((-WAY + speed * period * k, 0.0, HEIGHT + height), (0.0, 0.0, HEIGHT))
        seen = np.array(observation, dtype=np.float64).reshape(2, -1)
        for j, place in enumerate(wanted):
            for axis, goal in zip("xyz", place, strict=True):
                error = columns.index(f"error_{axis}")
                seen[j, error] = (goal - info[f"{axis}_{j}"]) / columns[error].scale
        along = columns.index("velocity_x")
        seen[0, along] -= speed / columns[along].scale
        action, state = controller.predict(seen.reshape(observation.shape), state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append((info["x_0"], info["z_1"]))
        if terminated or truncated:
            break
    env.close()
    told = np.array(rows, dtype=np.float64)
    lower = told[:, 1] - HEIGHT
    time: NDArray[np.float64] = period * np.arange(len(told), dtype=np.float64)
    return Pass(time, told[:, 0], lower, float(-lower.min()))


@dataclass(frozen=True, slots=True)
class Swap:
    """Drones on a ring are sent to the opposite places.

    Attributes:
        time: s, (n,).
        places: x and y of each drone, m, (n, drones, 2).
        nearest: Least distance of two drones, m, (n,).
        touched: Whether two drones touched or one crashed, which ends the flight.
        missed: Mean distance from the new places at the end, m.
    """

    time: NDArray[np.float64]
    places: NDArray[np.float64]
    nearest: NDArray[np.float64]
    touched: bool
    missed: float


def swap(*, drones: int, speed: float, swirl: float) -> Swap:
    """Return a flight in which all drones of a ring change places with the opposite one.

    Args:
        drones: How many.
        speed: At which they approach their places, m/s.
        swirl: Share of the push to the right, over that away from a neighbour.
    """
    import gymnasium

    import gym_suite

    env = gymnasium.make(RING_ID, engine="compiled", drones=drones, spacing=RADIUS, path=None)
    controller = gym_suite.make_controller(env, speed=speed, swirl=swirl)
    period = float(env.get_wrapper_attr("dt"))
    observation, info = env.reset(seed=3)
    names = [[f"{axis}_{k}" for axis in "xyz"] for k in range(drones)]
    state, rows = None, [[[info[n] for n in own] for own in names]]
    terminated = False
    for _ in range(round(SECONDS / period)):
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append([[info[n] for n in own] for own in names])
        if terminated or truncated:
            break
    env.close()
    told = np.array(rows, dtype=np.float64)
    first, second = np.triu_indices(drones, 1)
    between = np.linalg.norm(told[:, first] - told[:, second], axis=2)
    missed = [info[f"target_distance_{k}"] for k in range(drones)]
    return Swap(
        time=period * np.arange(len(told), dtype=np.float64),
        places=told[:, :, :2],
        nearest=between.min(axis=1),
        touched=bool(terminated),
        missed=float(np.mean(missed)),
    )
