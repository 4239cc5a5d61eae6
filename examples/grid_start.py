"""Direct start of an induction machine on a 50 Hz line: inrush, pulsating torque, and the way to the rated slip.

The transient is simulated in the stator's frame; the dashed line is the torque that the equivalent circuit gives at
each speed in the steady state, on which the machine comes to rest.

python examples/grid_start.py --out grid_start.png
"""

import argparse
import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from gym_suite.motors import simulate
from gym_suite.motors.machines import SETS

NAME = "20HP-400V-50Hz"
LINE, FREQUENCY = 400.0, 50.0  # V between the lines (rms), Hz
PUMP = {
    "kind": "polynomial_static",
    "a": 0.0,
    "b": 0.0,
    "c": 4.1e-3,
    "j_load": 0.1,
}  # rated at 1460 rpm
DURATION, TAU = 0.4, 5e-5  # s


def steady_torque(machine, omega):
    """Return the torque of the equivalent circuit at speeds (rad/s), N m."""
    grid = 2.0 * math.pi * FREQUENCY
    slip = (grid - machine.p * omega) / grid
    rotor = machine.r_r / slip + 1j * grid * machine.l_sigr
    main = 1j * grid * machine.l_m
    total = machine.r_s + 1j * grid * machine.l_sigs + main * rotor / (main + rotor)
    current = LINE / math.sqrt(3.0) / total * main / (main + rotor)
    return 3.0 * np.abs(current) ** 2 * machine.r_r / slip * machine.p / grid


def main(out: str | None = None):
    """Switch the machine on, print what a plant engineer asks for, and draw the transient."""
    machine = SETS[NAME].machine
    middle = (np.arange(round(DURATION / TAU)) + 0.5) * TAU
    angle = 2.0 * math.pi * FREQUENCY * middle
    peak = LINE * math.sqrt(2.0 / 3.0)
    voltages = peak * np.column_stack([np.cos(angle), np.sin(angle)])
    run = simulate(NAME, voltages, tau=TAU, frame="alphabeta", load=PUMP)

    rpm, rated = run["omega"] * 30.0 / math.pi, machine.i_nominal
    inrush = np.abs(run["i_salpha"]).max()
    started = run.time[np.argmax(rpm > 0.95 * rpm[-1])]
    print(f"inrush: {inrush:.0f} A, {inrush / rated:.1f} times the rated amplitude")
    print(
        f"largest torque: {run['torque'].max():.0f} N m, largest braking: {-run['torque'].min():.0f} N m"
    )
    print(f"95 % of the speed after {started:.2f} s; at the end {rpm[-1]:.0f} rpm")
    print(
        f"torque there: {run['torque'][-1]:.1f} N m, by the circuit {steady_torque(machine, run['omega'][-1]):.1f} N m"
    )

    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    (current, plane), (torque, speed) = axes
    current.plot(run.time, run["i_salpha"], lw=0.8)
    current.set(title="current of phase a", xlabel="t (s)", ylabel="A")
    torque.plot(run.time, run["torque"], lw=0.8, label="machine")
    torque.plot(run.time, run["torque_load"], lw=1.2, label="pump")
    torque.set(title="torque", xlabel="t (s)", ylabel="N m")
    torque.legend()
    speed.plot(run.time, rpm)
    speed.set(title="speed", xlabel="t (s)", ylabel="rpm")
    grid = np.linspace(0.0, 1.06, 400) * 2.0 * math.pi * FREQUENCY / machine.p
    plane.plot(rpm, run["torque"], lw=0.7, label="transient")
    plane.plot(
        grid * 30.0 / math.pi, steady_torque(machine, grid + 1e-9), "k--", label="steady state"
    )
    plane.set(title="torque over speed", xlabel="rpm", ylabel="N m")
    plane.legend()
    for panel in axes.flat:
        panel.grid(alpha=0.3)
    figure.suptitle("15 kW induction machine with a pump, switched onto 400 V, 50 Hz")
    if out:
        figure.savefig(Path(out), dpi=110)
    plt.close(figure)
    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="grid_start.png")
    main(parser.parse_args().out)
