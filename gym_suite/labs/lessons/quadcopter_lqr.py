"""From the linearised quadcopter to LQR, against PID and geometric control, in wind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "drones/Hover-v0"
LAWS = ("lqr", "pid", "geometric")
STEPS = 480  # eight seconds at 60 Hz
WIND_FROM = 2.0  # s
#: What the lab's drone departs from, and what students need of it.
THRUST, ARMS = 3.16e-10, 4  # N/rpm^2 a rotor, rotors

LAB = Lab(
    number=6,
    name="quadcopter_lqr",
    title="A quadcopter: from the linear model to LQR, in wind",
    minutes=60,
    prerequisites="state space, quadratic costs, and Newton's second law",
    draws=(
        Draw(name="mass", low=25.0, high=34.0, step=0.5, unit="g", meaning="mass"),
        Draw(name="tilt", low=3.0, high=12.0, step=0.5, unit="degrees", meaning="a small tilt"),
        Draw(
            name="wind",
            low=8.0,
            high=30.0,
            step=1.0,
            unit="mN",
            meaning="force of the wind along x",
        ),
        Draw(
            name="deviation",
            low=0.10,
            high=0.40,
            step=0.02,
            unit="m",
            meaning="acceptable deviation",
        ),
        Draw(
            name="acceleration",
            low=1.0,
            high=4.0,
            step=0.2,
            unit="m/s^2",
            meaning="acceptable acceleration",
        ),
    ),
    questions=(
        Question(
            key="hover",
            text="Your drone has {mass:g} g, and a rotor gives 3.16e-10 N times the square of its speed in rpm. "
            "At which speed do its four rotors carry it? (g = 9.80665 m/s^2)",
            unit="rpm",
            tolerance=0.005,
            hint="Each rotor carries a quarter of the weight.",
        ),
        Question(
            key="slide",
            text="It hovers and tilts by {tilt:g} degrees with the thrust unchanged. Which horizontal "
            "acceleration does the model that is linear in the tilt give?",
            unit="m/s^2",
            tolerance=0.01,
            hint="The weight times the tilt in rad, over the mass.",
        ),
        Question(
            key="lean",
            text="The wind pushes with {wind:g} mN along x. By which angle does the drone have to lean against "
            "it to stand still? (linear model)",
            unit="degrees",
            tolerance=0.02,
            hint="The horizontal part of the thrust has to equal the wind.",
        ),
        Question(
            key="gain",
            text="Take the axis as a double integrator whose input is the acceleration, and Bryson's rule: "
            "{deviation:g} m and {acceleration:g} m/s^2 are acceptable, the velocity is free. Which gain on the "
            "position does LQR give?",
            unit="1/s^2",
            tolerance=0.02,
            hint="Write the Riccati equation of two states. Its first entry says that the gain's square is the "
            "ratio of the weights.",
        ),
        Question(
            key="damping",
            text="Which damping ratio does that closed loop have?",
            tolerance=0.01,
            hint="The gain on the velocity follows from the one on the position: its square is twice that.",
        ),
        Question(
            key="integral",
            text="Set the integral's weight so that there is none, and let the wind blow. What does the drone do?",
            choices=(
                "It stands beside its target, as far as the gain makes up for the wind.",
                "It comes back to its target, only more slowly.",
                "It drifts away at a constant speed.",
            ),
            hint="In rest the law has to ask for a lean, and all that it can ask with is a deviation.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight to the target, with wind from :data:`WIND_FROM` on.

    Attributes:
        time: s, (n,).
        x: Deviation from the target along the wind, m, (n,).
        distance: From the target, m, (n,).
        rest: Mean distance in the last half second, m.
    """

    time: NDArray[np.float64]
    x: NDArray[np.float64]
    distance: NDArray[np.float64]
    rest: float


def fly(numbers: Mapping[str, float], law: str, *, wind: float, **parameters: Any) -> Flight:
    """Return a flight of the student's drone.

    Args:
        numbers: The student's numbers.
        law: One of :data:`LAWS`.
        wind: Force along x, N.
        **parameters: Of the controller.
    """
    import gymnasium

    import gym_suite

    env = gymnasium.make(
        ID,
        engine="compiled",
        vehicle={"mass": numbers["mass"] * 1e-3},
        disturbance={"force_x": {"kind": "step", "amplitude": wind, "start": WIND_FROM}},
        max_episode_steps=STEPS,
    )
    controller = gym_suite.make_controller(env, law, **parameters)
    observation, info = env.reset(seed=4)
    state, rows = None, [(info["x"] - info["target_x"], info["distance"])]
    for _ in range(STEPS):
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append((info["x"] - info["target_x"], info["distance"]))
        if terminated or truncated:
            break
    told = np.array(rows, dtype=np.float64)
    period = float(env.get_wrapper_attr("dt"))
    env.close()
    time: NDArray[np.float64] = period * np.arange(len(told), dtype=np.float64)
    last = max(1, round(0.5 / period))
    return Flight(time, told[:, 0], told[:, 1], float(told[-last:, 1].mean()))
