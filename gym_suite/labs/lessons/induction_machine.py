"""An induction machine started on the line, and field orientation with a rotor resistance that is not the true one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_suite.labs.course import Draw, Lab, Question

ID, SET = "gem/SCIM-v0", "20HP-400V-50Hz"
#: What students need of the machine: pole pairs; magnetising and leakage inductance, H, the latter of either winding;
#: stator resistance, Ohm.
PAIRS, L_M, L_SIG, R_S = 2, 64.19e-3, 0.991e-3, 0.2147
L = L_M + L_SIG  # of stator and rotor alike
#: Amplitude of a phase's voltage on the 400 V line, V.
LINE = 400.0 * np.sqrt(2.0 / 3.0)
TAU = 1e-4  # s, of the simulation of the start
START = 2.5  # s, its length
INERTIA = 1.5  # kg m^2, rotor and fan
PERIOD = 2e-4  # s, of the current control
SPEED = 60.0  # rad/s, at which another machine holds the shaft under current control
SETTLED = 0.05  # s, until the currents have found their voltage; shown from there
JUMP, END = 0.15, 1.5  # s: the q current jumps, and the end of that experiment

LAB = Lab(
    number=4,
    name="induction_machine",
    title="An induction machine: on the line, and field-oriented with a wrong rotor resistance",
    minutes=75,
    prerequisites="complex phasors, the equivalent circuit of the induction machine, and lab 1",
    draws=(
        Draw(
            name="r_r",
            low=0.25,
            high=0.45,
            step=0.01,
            unit="Ohm",
            meaning="resistance of the rotor",
        ),
        Draw(
            name="frequency", low=40.0, high=60.0, step=1.0, unit="Hz", meaning="line's frequency"
        ),
        Draw(name="slip", low=1.5, high=5.0, step=0.25, unit="%", meaning="slip under load"),
        Draw(
            name="voltage",
            low=60.0,
            high=92.0,
            step=2.0,
            unit="%",
            meaning="voltage that is left at the end of a long cable",
        ),
        Draw(name="i_d", low=12.0, high=16.0, step=0.5, unit="A", meaning="current along the flux"),
        Draw(
            name="i_q", low=30.0, high=44.0, step=1.0, unit="A", meaning="current across the flux"
        ),
        Draw(
            name="warm",
            low=1.25,
            high=1.75,
            step=0.05,
            meaning="the warm rotor's resistance over what the drive believes",
        ),
    ),
    questions=(
        Question(
            key="turns",
            text="The machine has two pole pairs and runs on a line of {frequency:g} Hz with a slip of {slip:g} %. "
            "At which speed does it turn?",
            unit="rpm",
            tolerance=0.002,
            hint="The field turns once in two periods of the line, and the shaft falls behind it by the slip.",
        ),
        Question(
            key="breakdown",
            text="Neglect the resistance of the stator. At which slip is the torque largest on that line? "
            "(l_m = 64.19 mH, either leakage 0.991 mH, r_r = {r_r:g} Ohm)",
            unit="%",
            tolerance=0.02,
            hint="There r_r over the slip equals the reactance that the rotor sees with the stator short-circuited, "
            "which is the leakage factor times l_r times the line's angular frequency.",
        ),
        Question(
            key="cable",
            text="A long cable leaves {voltage:g} % of the voltage. How much of the torque is left at the same speed?",
            unit="%",
            tolerance=0.01,
            hint="The circuit is linear: its currents go with the voltage, and a torque is a product of two of them.",
        ),
        Question(
            key="slip_speed",
            text="Now the drive holds {i_d:g} A along the flux and {i_q:g} A across it. How fast does the flux turn "
            "against the rotor? (electrical, steady state)",
            unit="rad/s",
            tolerance=0.01,
            hint="In the frame of its flux the rotor's equation has two parts; the one across the flux says how fast "
            "the frame has to turn.",
        ),
        Question(
            key="torque",
            text="The rotor gets warm: its resistance is {warm:g} times the one with which the drive computes the "
            "slip. The drive holds the same two currents in its own frame. Which part of the torque that it believes "
            "in does the machine give in the end?",
            unit="%",
            tolerance=0.01,
            hint="The slip is still the one of the cold rotor. At that slip the true flux is l_m times the current "
            "behind a lag with the true time constant: its length and its angle both change.",
        ),
        Question(
            key="flux",
            text="And the flux in that warm rotor?",
            choices=(
                "It is weaker than the drive believes.",
                "It is stronger than the drive believes.",
                "It has the length that the drive believes, in another direction.",
            ),
            hint="The length of the current is the same; ask how large the lag between current and flux is now.",
        ),
        Question(
            key="doubled",
            text="The resistance of the rotor is doubled, the stator's neglected. What becomes of the largest torque "
            "on the line?",
            choices=(
                "It is halved, at the same slip.",
                "It is doubled, at the same slip.",
                "It stays what it was, at twice the slip.",
            ),
            hint="In the circuit the rotor's resistance stands over the slip and nowhere else.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Start:
    """A start on the line.

    Attributes:
        time: s, (n,).
        speed: rad/s, (n,).
        current: Amplitude of the stator's current, A, (n,).
        torque: N m, (n,).
        load: Torque of the fan, N m, (n,).
    """

    time: NDArray[np.float64]
    speed: NDArray[np.float64]
    current: NDArray[np.float64]
    torque: NDArray[np.float64]
    load: NDArray[np.float64]


def start(
    numbers: Mapping[str, float],
    *,
    voltage: float = 1.0,
    resistance: float = 1.0,
    fan: float = 40.0,
) -> Start:
    """Return what happens when the student's machine, at rest and without field, is switched to the line.

    Args:
        numbers: The student's numbers.
        voltage: Share of the line's voltage.
        resistance: Times the resistance of the rotor.
        fan: Torque of the fan at the synchronous speed, N m; it grows with the square of the speed.
    """
    from gym_suite.motors import simulate

    line = 2.0 * np.pi * numbers["frequency"]
    phase = line * TAU * (np.arange(round(START / TAU)) + 0.5)
    run = simulate(
        {"base": SET, "r_r": resistance * numbers["r_r"]},
        voltage * LINE * np.column_stack([np.cos(phase), np.sin(phase)]),
        tau=TAU,
        frame="alphabeta",
        load={
            "kind": "polynomial_static",
            "a": 0.0,
            "b": 0.0,
            "c": fan / (line / PAIRS) ** 2,
            "j_total": INERTIA,
        },
    )
    return Start(
        time=TAU * np.arange(len(phase) + 1, dtype=np.float64),
        speed=run["omega"],
        current=np.hypot(run["i_salpha"], run["i_sbeta"]),
        torque=run["torque"],
        load=run["torque_load"],
    )


def line_torque(
    numbers: Mapping[str, float],
    speed: NDArray[np.float64],
    *,
    voltage: float = 1.0,
    resistance: float = 1.0,
    r_s: float = R_S,
) -> NDArray[np.float64]:
    """Return the steady torque on the line, from the T-shaped circuit.

    The stator's current is i_s = u / (r_s + j w l_s + (w l_m)^2 / (r_r / s + j w l_r)), the rotor's follows from it,
    and the torque is the power in r_r / s over the synchronous speed, 3/2 for amplitudes (Leonhard, "Control of
    Electrical Drives", 3rd ed., Springer 2001, section 10).

    Args:
        numbers: The student's numbers.
        speed: Mechanical speeds, rad/s, none of them the synchronous one, (n,).
        voltage: Share of the line's voltage.
        resistance: Times the resistance of the rotor.
        r_s: Resistance of the stator, Ohm.

    Returns:
        N m, (n,).
    """
    line = 2.0 * np.pi * numbers["frequency"]
    over_slip = resistance * numbers["r_r"] / (1.0 - PAIRS * speed / line)
    rotor = over_slip + 1j * line * L
    stator = voltage * LINE / (r_s + 1j * line * L + (line * L_M) ** 2 / rotor)
    through = np.abs(1j * line * L_M * stator / rotor)
    return 1.5 * PAIRS * through**2 * over_slip / line


@dataclass(frozen=True, slots=True)
class Oriented:
    """A jump of the q current under field orientation.

    Attributes:
        time: s, (n,).
        i_d: In the frame of the drive, A, (n,).
        i_q: In the frame of the drive, A, (n,).
        torque: N m, (n,).
        believed: Torque that the drive reckons with, N m, (n,).
    """

    time: NDArray[np.float64]
    i_d: NDArray[np.float64]
    i_q: NDArray[np.float64]
    torque: NDArray[np.float64]
    believed: NDArray[np.float64]

    @property
    def part(self) -> float:
        """Torque at the end over the one that the drive believes in."""
        return float(self.torque[-1] / self.believed[-1])


def orient(numbers: Mapping[str, float], *, factor: float, i_q: float) -> Oriented:
    """Return the torque after a jump of the q current, at a speed that another machine holds.

    Args:
        numbers: The student's numbers.
        factor: The rotor's resistance over the one that the drive knows.
        i_q: Current across the flux that the drive asks for from :data:`JUMP` on, A.
    """
    import gymnasium

    import gym_suite

    i_d = numbers["i_d"]
    env = gymnasium.make(
        ID,
        machine={"base": SET, "r_r": numbers["r_r"]},
        mismatch={"r_r": factor},
        tau=PERIOD,
        load={"kind": "constant_speed", "omega": SPEED},
        reference={"i_sd": i_d, "i_sq": {"kind": "step", "amplitude": i_q, "start": JUMP}},
        max_episode_steps=round(END / PERIOD),
    )
    controller = gym_suite.make_controller(env)
    # It begins with the flux that belongs to the d current, so that only the jump is to be seen.
    flux = {"psi_ralpha": L_M * i_d, "psi_rbeta": 0.0}
    told = {"flux_alpha": L_M * i_d, "flux_beta": 0.0, "i_salpha": i_d, "i_sbeta": 0.0}
    observation, info = env.reset(seed=0, options={"state": {**flux, **told}})
    state, ended, rows = None, False, [_row(info)]
    while not ended:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        rows.append(_row(info))
        ended = terminated or truncated
    env.close()
    values = np.array(rows[round(SETTLED / PERIOD) :], dtype=np.float64)
    return Oriented(
        time=PERIOD * np.arange(len(values), dtype=np.float64),
        i_d=values[:, 0],
        i_q=values[:, 1],
        torque=values[:, 2],
        believed=1.5 * PAIRS * L_M / L * values[:, 3] * values[:, 1],
    )


def _row(info: Mapping[str, float]) -> tuple[float, ...]:
    return info["i_sd"], info["i_sq"], info["torque"], info["psi_rd"]


def detuned(
    numbers: Mapping[str, float], factor: NDArray[np.float64], i_q: float
) -> NDArray[np.float64]:
    """Return the steady torque over the one that the drive believes in, for wrong resistances of the rotor.

    With x = i_q / i_d and the true resistance k times the drive's, the drive makes the slip x r / l_r; at it the true
    flux is l_m i / (1 + j x / k), so the torque is k (1 + x^2) / (k^2 + x^2) of the one at k = 1 (Novotny and Lipo,
    "Vector Control and Dynamics of AC Drives", Oxford 1996, on detuning of indirect field orientation).

    Args:
        numbers: The student's numbers.
        factor: k, (n,).
        i_q: Current across the flux, A.
    """
    square = (i_q / numbers["i_d"]) ** 2
    return factor * (1.0 + square) / (factor**2 + square)
