"""Finite-set predictive control and hysteresis beside pulse-width modulation: what they switch, and the ripple left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

FINITE_ID, AVERAGED_ID = "gem/PMSM-Finite-v0", "gem/PMSM-v0"
PAIRS, R_S, L_Q, PSI_P = 3, 0.018, 1.2e-3, 0.066  # of the lab's machine: 1, Ohm, H, Vs
PERIOD = 0.01  # s, of the currents; the shaft turns at constant speed
ELECTRICAL = 2.0 * np.pi / PERIOD  # rad/s
I_Q = 100.0  # A, the reference; that of the d current is 0
GRID = 1e-6  # s, at which currents are compared and the edges of the modulation lie
PRICES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3)  # of switching a leg, for the curves of finite-set control
BANDS = (0.005, 0.01, 0.02, 0.05)  # for that of hysteresis
CARRIERS = (2.5, 5.0, 10.0)  # kHz, for that of the modulation
LAB = Lab(
    number=3,
    name="switching_and_averaging",
    title="Why finite-set control switches as it does, and what PWM averages",
    minutes=60,
    prerequisites="lab 1, and space vectors of a three-phase inverter",
    draws=(
        Draw(name="u_dc", low=260.0, high=360.0, step=10.0, unit="V", meaning="DC link"),
        Draw(name="l_d", low=0.30, high=0.45, step=0.01, unit="mH", meaning="d inductance"),
        Draw(name="tau", low=10.0, high=50.0, step=5.0, unit="us", meaning="period of control"),
        Draw(
            name="asked",
            low=60.0,
            high=140.0,
            step=5.0,
            unit="V",
            meaning="length of the voltage that is asked for",
        ),
        Draw(
            name="angle",
            low=5.0,
            high=55.0,
            step=1.0,
            unit="degrees",
            meaning="its angle against phase a",
        ),
    ),
    questions=(
        Question(
            key="vector",
            text="The DC link has {u_dc:g} V. How long is the voltage vector of a switching state that is not a "
            "zero state (amplitude-invariant)?",
            unit="V",
            tolerance=0.01,
            hint="Put one leg to the upper rail and two to the lower one, then apply Clarke's transformation.",
        ),
        Question(
            key="stride",
            text="The machine stands with its d axis along phase a and carries no current (l_d = {l_d:g} mH, "
            "resistance neglected). By how much does state 4, leg a up, move the d current in one period of "
            "{tau:g} us?",
            unit="A",
            hint="The whole vector lies along d. What does a constant voltage do to an inductance?",
        ),
        Question(
            key="rate",
            text="Finite-set control decides every {tau:g} us. How often a second can one switch at most go "
            "through on and off?",
            unit="kHz",
            tolerance=0.01,
            hint="Turning on takes a decision, and turning off another one.",
        ),
        Question(
            key="dwell",
            text="PWM is asked for {asked:g} V at {angle:g} degrees against phase a. Which part of the carrier's "
            "period does it spend in state 4, leg a up?",
            unit="%",
            tolerance=0.01,
            hint="Make the vector of the two active states beside it: states 4 and 6, 60 degrees apart. The zero "
            "states fill up the rest.",
        ),
        Question(
            key="spread",
            text="The ripple of PWM stands in narrow lines of the spectrum, that of finite-set control is spread "
            "over it. Why?",
            choices=(
                "Its currents are measured less exactly than those under PWM.",
                "Its edges keep to a grid of instants, but to no pattern that comes again.",
                "It switches more legs at once than PWM can.",
            ),
            hint="A line stands for something that returns with a period. What returns under PWM?",
        ),
        Question(
            key="sampled",
            text="A current control above PWM measures at the peaks of the carrier. What does it see of the ripple?",
            choices=(
                "Next to nothing: there the current passes through its mean.",
                "Its largest value, which a filter has to take away.",
                "A random part of it, as noise.",
            ),
            hint="Compare the dots of the averaged machine with the current in the upper right picture.",
        ),
        Question(
            key="horizon",
            text="Look at the lower right picture where finite-set control, with the right model, switches at about "
            "5 kHz (tau = 10 us). What do three periods of foresight do that one does not?",
            choices=(
                "They take away the error that a wrong model leaves.",
                "They make the spectrum one of lines.",
                "They leave less ripple for as many switchings.",
            ),
            hint="Go along a vertical line, and from the curve of one horizon to that of another.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A whole period of the currents, after one that is not looked at.

    Attributes:
        time: s, (n,), every :data:`GRID`.
        current: d and q current, A, (n, 2).
        phase: Deviation of the current of phase a from its reference, A, (n,).
        ripple: Root of the mean square of the deviation of the current's space vector, A.
        frequency: With which a switch goes through on and off, mean of all six, kHz.
    """

    time: NDArray[np.float64]
    current: NDArray[np.float64]
    phase: NDArray[np.float64]
    ripple: float
    frequency: float


def steady_voltage() -> complex:
    """Return the voltage d + jq that holds the reference currents at the lab's speed, V."""
    return complex(-ELECTRICAL * L_Q * I_Q, R_S * I_Q + ELECTRICAL * PSI_P)


def _environment(numbers: Mapping[str, float], name: str, tau: float, **options: Any) -> Any:
    """Return the lab's machine, at constant speed and with constant references."""
    import gymnasium

    return gymnasium.make(
        name,
        machine={"u_dc": numbers["u_dc"], "l_d": numbers["l_d"] * 1e-3},
        tau=tau,
        speed=ELECTRICAL / PAIRS,
        reference={"i_sq": I_Q},
        max_episode_steps=round(3.0 * PERIOD / tau),
        **options,
    )


#: Where every run begins: at its references.
_START = {"state": {"i_sd": 0.0, "i_sq": I_Q}}


def switched(numbers: Mapping[str, float], law: str, *, tau: float, **parameters: float) -> Run:
    """Return what a law that chooses switching states makes of the currents.

    Args:
        numbers: The student's numbers.
        law: "fcs-mpc" or "hysteresis".
        tau: Period of control, s; a whole number of them fills a period of the currents.
        **parameters: Of the law.
    """
    import gym_suite

    env = _environment(numbers, FINITE_ID, tau)
    controller = gym_suite.make_controller(env, law, **parameters)
    observation, info = env.reset(seed=0, options=_START)
    rows, states, state = [_told(info)], [], None
    for _ in range(round(2.0 * PERIOD / tau)):
        action, state = controller.predict(observation, state)
        observation, _, _, _, info = env.step(action)
        rows.append(_told(info))
        states.append(int(action))
    env.close()
    return _period(rows, states, tau)


def modulated(numbers: Mapping[str, float], carrier: float) -> Run:
    """Return what pulse-width modulation of the steady voltage makes of the currents, without a control above it.

    The reference is sampled twice a carrier's period, and turned to the middle of each half; edges are symmetrical
    about the carrier's lower peaks. What rounding an edge to the grid leaves over is given to the next half.

    Args:
        numbers: The student's numbers.
        carrier: Frequency of the carrier, kHz; half its period is a whole number of :data:`GRID`.
    """
    env = _environment(numbers, FINITE_ID, GRID, dead_time=False)
    _, info = env.reset(seed=0, options=_START)
    half = round(0.5e-3 / carrier / GRID)
    rows, states, rest = [_told(info)], [], np.zeros(3)
    for k in range(round(2.0 * PERIOD / GRID / half)):
        turned = steady_voltage() * np.exp(1j * (info["epsilon"] + 0.5 * ELECTRICAL * half * GRID))
        wanted = duties(turned, numbers["u_dc"]) * half + rest
        counts = np.clip(np.rint(wanted), 0, half)
        rest = wanted - counts
        for place in range(half):
            # Upper switches are closed around the lower peak of the carrier: late in one half, early in the next.
            left = half - place if k % 2 == 0 else place + 1
            a, b, c = (left <= counts).astype(int)
            states.append(int(4 * a + 2 * b + c))
            _, _, _, _, info = env.step(states[-1])
            rows.append(_told(info))
    env.close()
    return _period(rows, states, GRID)


def averaged(
    numbers: Mapping[str, float], carrier: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times (s) and d, q currents (A) of a machine whose inverter holds mean voltages, at the carrier's peaks.

    Args:
        numbers: The student's numbers.
        carrier: Frequency of the carrier, kHz.

    Returns:
        Arrays (n,) and (n, 2), of the same period as :func:`modulated`.
    """
    tau = 0.5e-3 / carrier
    env = _environment(numbers, AVERAGED_ID, tau, dead_time=False)
    _, info = env.reset(seed=0, options=_START)
    voltage = steady_voltage() / (numbers["u_dc"] / np.sqrt(3.0))
    action = np.array([voltage.real, voltage.imag], dtype=np.float32)
    rows = [_told(info)]
    for _ in range(round(2.0 * PERIOD / tau)):
        _, _, _, _, info = env.step(action)
        rows.append(_told(info))
    env.close()
    count = round(PERIOD / tau)
    told = np.array(rows, dtype=np.float64)[-count - 1 :]
    return np.arange(count + 1, dtype=np.float64) * tau, told[:, :2]


def duties(voltage: complex, u_dc: float) -> NDArray[np.float64]:
    """Return for which part of the time each leg's upper switch is closed, both zero states getting equal shares.

    Args:
        voltage: Space vector alpha + j beta that is asked for, V, inside the hexagon.
        u_dc: DC link, V.

    Returns:
        (3,): of the legs a, b, c.
    """
    legs = (voltage * np.exp(-2j * np.pi / 3.0 * np.arange(3))).real
    return 0.5 + (legs - 0.5 * (legs.max() + legs.min())) / u_dc


def decision(
    numbers: Mapping[str, float], *, angle: float, tau: float
) -> tuple[NDArray[np.float64], int]:
    """Return where each switching state would bring the currents from their references, and which one comes nearest.

    One Euler step; this is what finite-set control compares with a horizon of one and without a cost of switching.

    Args:
        numbers: The student's numbers.
        angle: Electrical angle of the rotor, rad.
        tau: Period, s.

    Returns:
        d and q deviation of the states 0 to 7, A, (8, 2), and the nearest state.
    """
    legs = np.arange(8)[:, None] >> np.array([2, 1, 0]) & 1
    stator = 2.0 / 3.0 * numbers["u_dc"] * legs @ np.exp(2j * np.pi / 3.0 * np.arange(3))
    over = stator * np.exp(-1j * angle) - steady_voltage()
    moved = tau * np.column_stack([over.real / (numbers["l_d"] * 1e-3), over.imag / L_Q])
    return moved, int(np.argmin((moved**2).sum(axis=1)))


def spectrum(run: Run) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return frequencies in kHz and amplitudes in A of the deviation of the current of phase a.

    Args:
        run: The currents, a whole period of them.
    """
    count = run.phase.size - 1
    amplitude = np.abs(np.fft.rfft(run.phase[:-1])) / count
    amplitude[1:] *= 2.0
    frequency = np.arange(amplitude.size, dtype=np.float64) / (1e3 * count * GRID)
    return frequency, amplitude


def curves(numbers: Mapping[str, float], tau: float) -> dict[str, NDArray[np.float64]]:
    """Return switching frequencies (kHz) and ripples (A) of the laws, by their names, each (n, 2).

    Args:
        numbers: The student's numbers.
        tau: Period of control, s.
    """
    found = {
        f"fcs-mpc, horizon {h}": [
            switched(numbers, "fcs-mpc", tau=tau, horizon=h, switching=price) for price in PRICES
        ]
        for h in (1, 2, 3)
    }
    found["hysteresis"] = [switched(numbers, "hysteresis", tau=tau, band=band) for band in BANDS]
    return {name: tradeoff(runs) for name, runs in found.items()}


def tradeoff(runs: list[Run]) -> NDArray[np.float64]:
    """Return switching frequencies (kHz) and ripples (A) of runs, (n, 2), the slowest first.

    Args:
        runs: The runs.
    """
    return np.array(sorted((run.frequency, run.ripple) for run in runs))


def _told(info: Mapping[str, Any]) -> tuple[float, float, float]:
    return info["i_sd"], info["i_sq"], info["epsilon"]


def _period(rows: list[tuple[float, float, float]], states: list[int], tau: float) -> Run:
    """Return the last period of currents and commands; between two rows currents are straight lines."""
    count = round(PERIOD / tau)
    told = np.array(rows, dtype=np.float64)[-count - 1 :]
    time = np.arange(round(PERIOD / GRID) + 1, dtype=np.float64) * GRID
    known = np.arange(count + 1, dtype=np.float64) * tau
    current = np.column_stack([np.interp(time, known, told[:, k]) for k in (0, 1)])
    deviation = current - (0.0, I_Q)
    epsilon = np.interp(time, known, np.unwrap(told[:, 2]))
    legs = np.array(states)[-count - 1 :, None] >> np.arange(3) & 1
    edges = np.abs(np.diff(legs, axis=0)).sum()
    return Run(
        time=time,
        current=current,
        phase=deviation[:, 0] * np.cos(epsilon) - deviation[:, 1] * np.sin(epsilon),
        ripple=float(np.sqrt((deviation[:-1] ** 2).sum(axis=1).mean())),
        # Three legs of two switches; each of a leg's edges is half a cycle of both.
        frequency=1e-3 * float(edges) / (6.0 * PERIOD),
    )
