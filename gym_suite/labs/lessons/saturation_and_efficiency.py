"""Saturation, most torque per ampere and least loss of a machine whose flux linkages were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

KIND = "SaturatedPMSM"
#: What students need of the machine: pole pairs, stator resistance, Ohm.
PAIRS, R_S = 2, 0.63
#: Constant inductances, H, and magnet flux, Vs: those that the map has where no current flows, rounded.
L_D, L_Q, PSI = 25.5e-3, 138e-3, 0.445
REACH = 18.0  # A, up to where currents are shown
RPM = np.pi / 30.0  # rad/s

LAB = Lab(
    number=5,
    name="saturation_and_efficiency",
    title="Saturation and efficiency of a measured machine",
    minutes=75,
    prerequisites="the synchronous machine in its rotor's frame, and lab 2",
    draws=(
        Draw(name="i_d", low=-9.0, high=-4.0, step=0.5, unit="A", meaning="d current"),
        Draw(name="i_q", low=8.0, high=14.0, step=0.5, unit="A", meaning="q current"),
        Draw(
            name="current",
            low=6.0,
            high=17.0,
            step=0.5,
            unit="A",
            meaning="amplitude of a current",
        ),
        Draw(name="torque", low=6.0, high=16.0, step=1.0, unit="N m", meaning="torque of a shaft"),
        Draw(
            name="rpm",
            low=1300.0,
            high=1700.0,
            step=50.0,
            unit="rpm",
            meaning="speed of that shaft",
        ),
    ),
    questions=(
        Question(
            key="true",
            text="At i_d = {i_d:g} A and i_q = {i_q:g} A: which torque does the measured machine give? Read its flux "
            "linkages off with the sliders. (two pole pairs)",
            unit="N m",
            tolerance=0.01,
            hint="The torque is 3/2 p (psi_d i_q - psi_q i_d), whatever the iron does; watch the sign of i_d.",
        ),
        Question(
            key="linear",
            text="Which torque would constant inductances promise there, those of small currents? (l_d = 25.5 mH, "
            "l_q = 138 mH, magnets 0.445 Vs)",
            unit="N m",
            tolerance=0.01,
            hint="psi_d = magnets + l_d i_d and psi_q = l_q i_q, in the same formula.",
        ),
        Question(
            key="further",
            text="Hold that i_d and move i_q from 1 A below to 1 A above its value. By how much does psi_q grow an "
            "ampere: which incremental inductance has the q axis there?",
            unit="mH",
            tolerance=0.02,
            hint="Read psi_q at both ends. It is the slope between them, not psi_q over i_q; compare it with 138 mH.",
        ),
        Question(
            key="empty",
            text="Where does the dashed line of the q axis leave the measured one, and why?",
            choices=(
                "At large currents: iron that is nearly saturated takes little more flux for an ampere.",
                "At small currents: iron needs some current before it is magnetised at all.",
                "Nowhere: the flux of a winding goes with its current.",
            ),
            hint="Draw the slopes of both lines at 2 A and at 15 A.",
        ),
        Question(
            key="angle",
            text="A current of {current:g} A is to give as much torque as it can. At which angle from the d axis does "
            "it stand?",
            unit="degrees",
            tolerance=0.01,
            hint="Turn the angle's slider until the torque no longer grows; the curve is flat there, so look on both "
            "sides.",
        ),
        Question(
            key="copper",
            text="Which copper loss does that current cost? (0.63 Ohm a phase)",
            unit="W",
            tolerance=0.01,
            hint="Three phases, each with an effective current of the amplitude over the root of two.",
        ),
        Question(
            key="efficiency",
            text="The shaft gives {torque:g} N m at {rpm:g} rpm. With the currents of least loss, which part of the "
            "power from the link arrives at the shaft?",
            unit="%",
            tolerance=0.003,
            hint="Set both sliders of the last experiment to your numbers. Of the link's power the losses are what "
            "does not arrive.",
        ),
        Question(
            key="direction",
            text="Where do the currents of least loss stand, seen from those of most torque per ampere?",
            choices=(
                "At a larger angle from the d axis: a little more current buys a weaker flux, and with it less loss "
                "in the iron.",
                "At a smaller angle from the d axis: a stronger flux needs less current.",
                "Nowhere else: the least current has the least loss.",
            ),
            hint="Near its minimum the copper loss hardly changes with the angle. The other losses do.",
        ),
        Question(
            key="slow",
            text="And at a tenth of that speed?",
            choices=(
                "The two almost fall together, since the loss in the iron falls with the speed.",
                "They move further apart, since the copper loss falls with the speed.",
                "They move further apart, since the inverter loses more.",
            ),
            hint="Ask which of the losses depend on the speed at all.",
        ),
    ),
)


def machine() -> Any:
    """Return the measured machine."""
    from gym_suite.motors.machines import KINDS

    return KINDS[KIND]()


def linkages(i_d: NDArray[np.float64], i_q: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return the measured flux linkages at currents (A), Vs."""
    return machine().map.linkages(i_d, i_q)


def torque(psi_d: Any, psi_q: Any, i_d: Any, i_q: Any) -> Any:
    """Return the torque of flux linkages (Vs) and currents (A), N m; Schroeder 2015, section 16."""
    return 1.5 * PAIRS * (psi_d * i_q - psi_q * i_d)


@dataclass(frozen=True, slots=True)
class Turned:
    """A current of one amplitude turned from the d axis.

    Attributes:
        angle: Degrees, (n,).
        torque: Of the measured machine, N m, (n,).
        linear: With constant inductances, N m, (n,).
    """

    angle: NDArray[np.float64]
    torque: NDArray[np.float64]
    linear: NDArray[np.float64]


def turn(current: float, angle: NDArray[np.float64]) -> Turned:
    """Return what a current gives at angles.

    Args:
        current: Amplitude, A.
        angle: From the d axis, degrees, (n,).
    """
    i_d, i_q = current * np.cos(np.radians(angle)), current * np.sin(np.radians(angle))
    psi_d, psi_q = linkages(i_d, i_q)
    return Turned(
        angle=angle,
        torque=torque(psi_d, psi_q, i_d, i_q),
        linear=torque(PSI + L_D * i_d, L_Q * i_q, i_d, i_q),
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A shaft that is held at a torque and a speed, by currents of several angles.

    Attributes:
        angle: From the d axis, degrees, (n,).
        parts: Loss of each kind, W, (n,) each.
        loss: All losses, W, (n,).
        least: Angle of the least loss.
        short: Angle of the least current.
        link: Power out of the link with the least loss, W.
        shaft: Power of the shaft, W.
    """

    angle: NDArray[np.float64]
    parts: Mapping[str, NDArray[np.float64]]
    loss: NDArray[np.float64]
    least: float
    short: float
    link: float
    shaft: float


@cache
def hold(wanted: float, rpm: float) -> Held:
    """Return what the drive loses when its shaft gives a torque (N m) at a speed (rpm)."""
    from gym_suite.motors.efficiency import AIMS, best_currents, steady

    own, speed = machine(), rpm * RPM
    currents = {aim: best_currents(own, "usual", wanted, speed, aim=aim) for aim in AIMS}
    least, short = (float(np.degrees(np.arctan2(i_q, i_d))) for i_d, i_q in currents.values())
    best = steady(own, "usual", *currents["loss"], speed)
    angle = np.linspace(100.0, 160.0, 121)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    low, high = np.zeros(angle.shape), np.full(angle.shape, own.i_limit)
    for _ in range(50):  # halved until the current gives the torque
        size = 0.5 * (low + high)
        less = steady(own, "usual", size * cosine, size * sine, speed).torque < wanted
        low, high = np.where(less, size, low), np.where(less, high, size)
    state = steady(own, "usual", high * cosine, high * sine, speed)
    fits = state.voltage <= own.u_dc / own.voltage_divisor
    return Held(
        angle=angle,
        parts={name: np.where(fits, part, np.nan) for name, part in state.parts.items()},
        loss=np.where(fits, state.loss, np.nan),
        least=least,
        short=short,
        link=float(best.power_dc),
        shaft=float(best.power_shaft),
    )
