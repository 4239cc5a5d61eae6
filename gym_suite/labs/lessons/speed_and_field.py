"""Cascaded speed control by the symmetrical optimum, and field weakening along a driving cycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

SPEED_ID, CYCLE_ID = "gem/PMSM-Speed-v0", "gem/PMSM-DriveCycle-v0"
PAIRS, U_DC = 3, 300.0  # pole pairs and DC link (V) of the lab's machine
START, WINDOW = 1500.0, 150.0  # s, of the driving cycle: its fast end
JUMP, AT = 100.0, 0.02  # rad/s, s: the step of the reference

LAB = Lab(
    number=2,
    name="speed_and_field",
    title="Speed control, and field weakening along a driving cycle",
    minutes=60,
    prerequisites="lab 1, and the torque of a synchronous machine",
    draws=(
        Draw(
            name="psi_p", low=55.0, high=75.0, step=1.0, unit="mVs", meaning="flux of the magnets"
        ),
        Draw(name="l_d", low=0.30, high=0.45, step=0.01, unit="mH", meaning="d inductance"),
        Draw(name="a", low=2.2, high=5.0, step=0.2, meaning="ratio of symmetry"),
        Draw(
            name="sigma",
            low=0.2,
            high=0.8,
            step=0.05,
            unit="ms",
            meaning="small delays of a speed loop",
        ),
        Draw(name="over", low=1.2, high=2.0, step=0.1, meaning="times the base speed"),
    ),
    questions=(
        Question(
            key="margin",
            text="A speed loop is tuned by the symmetrical optimum with the ratio a = {a:g}. Which phase margin "
            "has it?",
            unit="degrees",
            tolerance=0.01,
            hint="The phase has its peak at the crossover; it is an arc tangent of a alone.",
        ),
        Question(
            key="reset_time",
            text="Its small delays add up to {sigma:g} ms. How large is the reset time T_n?",
            unit="ms",
            tolerance=0.01,
            hint="It grows with the square of a.",
        ),
        Question(
            key="base",
            text="Your machine has {psi_p:g} mVs and 3 pole pairs, the DC link 300 V. At which mechanical speed "
            "does its voltage without current reach the circle in the hexagon?",
            unit="rad/s",
            tolerance=0.01,
            hint="The radius of that circle is the DC link over the root of three.",
        ),
        Question(
            key="weaken",
            text="At {over:g} times that speed and without torque, which d current keeps the voltage on the circle? "
            "(l_d = {l_d:g} mH, resistance neglected)",
            unit="A",
            tolerance=0.02,
            hint="The flux that is left has to be the magnets' over that factor. Mind the sign.",
        ),
        Question(
            key="centre",
            text="Towards which d current does the ellipse of the voltage shrink as the speed grows without bound?",
            unit="A",
            tolerance=0.02,
            hint="Where no flux is left.",
        ),
        Question(
            key="reluctance",
            text="Below the base speed the currents of least loss of this machine (l_q larger than l_d) have a "
            "negative d part already. Why?",
            choices=(
                "It cools the magnets.",
                "The difference of the inductances gives torque of its own with it.",
                "Otherwise the voltage would not suffice.",
            ),
            hint="Look at the equation of the torque, and at its second part.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Response:
    """A step of the speed.

    Attributes:
        time: s, (n,).
        speed: rad/s, (n,).
        reference: rad/s, (n,).
        overshoot: %.
        margin: Phase margin of the speed loop, degrees.
    """

    time: NDArray[np.float64]
    speed: NDArray[np.float64]
    reference: NDArray[np.float64]
    overshoot: float
    margin: float


def respond(numbers: Mapping[str, float], *, a: float, prefilter: bool) -> Response:
    """Return the response of the speed to a step.

    Args:
        numbers: The student's numbers.
        a: Ratio of symmetry.
        prefilter: Whether the reference is filtered.
    """
    import gymnasium

    import gym_suite
    from gym_suite.analysis import open_loop

    env = gymnasium.make(
        SPEED_ID,
        machine={"psi_p": numbers["psi_p"] * 1e-3, "l_d": numbers["l_d"] * 1e-3, "u_dc": U_DC},
        reference={"omega": {"kind": "step", "amplitude": JUMP, "start": AT}},
    )
    controller = gym_suite.make_controller(env, symmetry=a, prefilter=prefilter)
    observation, info = env.reset(seed=0)
    state, ended, rows = None, False, [(info["omega"], info["omega_ref"])]
    while not ended:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append((info["omega"], info["omega_ref"]))
        ended = terminated or truncated
    told = np.array(rows, dtype=np.float64)
    time: NDArray[np.float64] = env.get_wrapper_attr("dt") * np.arange(len(told), dtype=np.float64)
    env.close()
    margins = {loop.label: loop.phase_margin for loop in open_loop(controller)}
    return Response(
        time=time,
        speed=told[:, 0],
        reference=told[:, 1],
        overshoot=float(100.0 * max(0.0, told[:, 0].max() / JUMP - 1.0)),
        margin=float(margins["omega"]),
    )


def ellipse(numbers: Mapping[str, float], l_q: float, speed: float) -> NDArray[np.float64]:
    """Return the currents at which the voltage is on the circle in the hexagon, the resistance neglected.

    Args:
        numbers: The student's numbers.
        l_q: q inductance, H.
        speed: Mechanical speed, rad/s, not zero.

    Returns:
        (k, 2): d and q current, A.
    """
    flux = U_DC / np.sqrt(3.0) / (PAIRS * speed)
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    l_d, psi_p = numbers["l_d"] * 1e-3, numbers["psi_p"] * 1e-3
    return np.column_stack([(flux * np.cos(angle) - psi_p) / l_d, flux * np.sin(angle) / l_q])


def cycle() -> NDArray[np.float64]:
    """Return speed, d and q current of a car on the fast end of the driving cycle, under the reference controller.

    Returns:
        (n, 3): mechanical speed in rad/s, currents in A.
    """
    import gymnasium

    import gym_suite

    env = gymnasium.make(CYCLE_ID, window=WINDOW, start=START)
    controller = gym_suite.make_controller(env)
    observation, info = env.reset(seed=0)
    state, ended, rows = None, False, []
    while not ended:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append((info["omega"], info["i_sd"], info["i_sq"]))
        ended = terminated or truncated
    env.close()
    return np.array(rows, dtype=np.float64)
