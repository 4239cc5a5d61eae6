"""PI control of the q current of a synchronous machine: gains by sliders, response, open loop, figures of merit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID = "gem/PMSM-v0"
TAU = 1e-4  # s, the control period
STEPS = 120

LAB = Lab(
    number=1,
    name="pi_current_control",
    title="PI current control of a synchronous machine",
    minutes=45,
    prerequisites="the transfer function, the Bode plot, and the dq frame",
    draws=(
        Draw(name="r_s", low=12.0, high=30.0, step=1.0, unit="mOhm", meaning="stator resistance"),
        Draw(name="l_q", low=0.8, high=1.6, step=0.05, unit="mH", meaning="q inductance"),
        Draw(name="step", low=40.0, high=80.0, step=5.0, unit="A", meaning="step of the q current"),
    ),
    questions=(
        Question(
            key="delay",
            text="The drive computes for one period of 100 us and then holds the voltage for one. How large is "
            "the sum T_sigma of the small delays?",
            unit="us",
            hint="The dead time counts in full, a held value with its mean age.",
        ),
        Question(
            key="kp",
            text="Your machine has l_q = {l_q:g} mH. Which gain k_p does the magnitude optimum give?",
            unit="V/A",
            hint="The integral part cancels the slow pole; the gain follows from the inductance and twice T_sigma.",
        ),
        Question(
            key="reset_time",
            text="Which reset time T_n = k_p / k_i cancels the pole of the axis (r_s is {r_s:g} mOhm, l_q "
            "{l_q:g} mH)?",
            unit="ms",
            hint="It is the time constant of the axis. Mind the units.",
        ),
        Question(
            key="margin",
            text="How large is the phase margin of this open loop if the delay is a dead time, as in the Bode plot?",
            unit="degrees",
            tolerance=0.015,
            hint="Set both gains to those of questions 2 and 3 and read the margin beside the plot.",
        ),
        Question(
            key="decoupling",
            text="Raise the speed and switch the decoupling off. What does a step of i_q do to i_d?",
            choices=(
                "Nothing: the axes of a machine are independent.",
                "It disturbs the d current, and more so at higher speed.",
                "It makes the d current unstable at any speed.",
            ),
            hint="Look at the d current in the plot, once at standstill and once at a high speed.",
        ),
        Question(
            key="windup",
            text="Take a large gain, a step that the voltage limit holds back, and no anti-windup. What happens?",
            choices=(
                "The integrator goes on during the limitation, and the current overshoots afterwards.",
                "The integrator stands still by itself, and nothing happens.",
                "The current stays below its reference for ever.",
            ),
            hint="Watch the current after the voltage has left its limit, with and without clamping.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A step response of the current loop.

    Attributes:
        time: s, (n,).
        reference: q current wanted, A, (n,).
        i_q: q current, A, (n,).
        i_d: d current, A, (n,).
        voltage: Amplitude of the voltage over what the inverter's circle allows, (n,).
        loop: The open loop of the q axis, :class:`gym_suite.analysis.FrequencyResponse`.
        overshoot: Largest excess over the step, %.
        itae: Integral of time times absolute error, A s^2.
    """

    time: NDArray[np.float64]
    reference: NDArray[np.float64]
    i_q: NDArray[np.float64]
    i_d: NDArray[np.float64]
    voltage: NDArray[np.float64]
    loop: Any
    overshoot: float
    itae: float


def run(
    numbers: Mapping[str, float],
    *,
    kp: float,
    ki: float,
    speed: float = 100.0,
    decoupling: bool = True,
    anti_windup: bool = True,
    factor: float = 1.0,
) -> Run:
    """Return the response of the q current to a step.

    Args:
        numbers: The student's numbers.
        kp: Gain of the q axis, V/A.
        ki: Its integral gain, V/(A s).
        speed: Mechanical speed, rad/s.
        decoupling: Whether the coupling voltages are fed forward.
        anti_windup: Whether the integrators stand still at the voltage limit.
        factor: Times the student's step.
    """
    import gymnasium

    import gym_suite
    from gym_suite.analysis import open_loop

    height = factor * numbers["step"]
    env = gymnasium.make(
        ID,
        machine={"r_s": numbers["r_s"] * 1e-3, "l_q": numbers["l_q"] * 1e-3},
        tau=TAU,
        speed=speed,
        reference={
            "i_sd": 0.0,
            "i_sq": {"kind": "step", "amplitude": height, "start": 10 * TAU},
        },
    )
    controller = gym_suite.make_controller(
        env,
        gains={"i_sq.kp": kp, "i_sq.ki": ki},
        decoupling=decoupling,
        anti_windup="clamping" if anti_windup else "none",
    )
    observation, info = env.reset(
        seed=0, options={"state": {"i_sd": 0.0, "i_sq": 0.0, "epsilon": 0.0}}
    )
    state, rows = None, [_told(info)]
    for _ in range(STEPS):
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append(_told(info))
        if terminated or truncated:
            break
    circle = env.unwrapped.nominal.parameters["u_dc"] / np.sqrt(3.0)  # type: ignore[attr-defined]
    told = np.array(rows)
    time: NDArray[np.float64] = TAU * np.arange(len(told), dtype=np.float64)
    reference, i_q, i_d = told[:, 0], told[:, 1], told[:, 2]
    after = np.maximum(time - 10 * TAU, 0.0)
    loops = {loop.label: loop for loop in open_loop(controller)}
    return Run(
        time=time,
        reference=reference,
        i_q=i_q,
        i_d=i_d,
        voltage=np.hypot(told[:, 3], told[:, 4]) / circle,
        loop=loops["i_sq"],
        overshoot=float(100.0 * max(0.0, i_q.max() - height) / height),
        itae=float(np.trapezoid(after * np.abs(reference - i_q), time)),
    )


def _told(info: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(float(info[name]) for name in ("i_sq_ref", "i_sq", "i_sd", "u_sd", "u_sq"))
