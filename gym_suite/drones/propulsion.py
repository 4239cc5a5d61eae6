"""Motors and battery of the Crazyflie 2.x as measured: speed from voltage, current from speed, voltage under load.

A brushed motor has no speed loop: its pulse width times the battery's voltage is the voltage that it gets, and from
that follows how fast it turns. The firmware widens the pulses as the battery empties, until there is nothing left to
widen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.drones.columns import BODY
from gym_suite.drones.parameters import PHYSICS

X, P = BODY.places, PHYSICS.places

#: rpm and rpm/V of a settled rotor, identified on a Crazyflie 2.x: drone-models 0.1.0, set cf2x_L250.
SPEED_OFFSET, SPEED_PER_VOLT = 2968.179, 6647.949
#: V, below which a rotor turns in proportion to its voltage: there the line above says more than the thrust stand.
LOWEST_VOLTAGE = 0.25
#: A, A/rpm^2 and A/rpm^3 of four rotors at one speed with the electronics: least squares on the 16 points of the
#: thrust stand (Bitcraze, "PWM to Thrust", 2015), rms 0.034 A.
IDLE_CURRENT, CURRENT_2, CURRENT_3 = 0.281, 3.902e-9, 1.371e-13


@kernel
def rotor_speed(voltage):
    """Return the speed, rpm, at which a motor settles under a voltage."""
    if voltage <= LOWEST_VOLTAGE:
        slope = SPEED_OFFSET / LOWEST_VOLTAGE + SPEED_PER_VOLT
        return slope * voltage if voltage > 0.0 else 0.0
    return SPEED_OFFSET + SPEED_PER_VOLT * voltage


@kernel
def current(a):
    """Return the current, A, of a drone at its rotors' speeds."""
    total = IDLE_CURRENT
    for c in range(4):
        n = a[X.rotor_0 + c]
        total += 0.25 * n * n * (CURRENT_2 + CURRENT_3 * n)
    return total


@kernel
def terminal_voltage(a, p):
    """Return the battery's voltage, V: it fades with the charge taken and sags with the current."""
    return (
        p[P.battery_voltage]
        - p[P.battery_fade] * a[X.charge]
        - p[P.battery_resistance] * current(a)
    )


def fastest_speed(p: NDArray[np.float64], taken: float) -> float:
    """Return the speed, rpm, at which all four rotors settle at most: the voltage that it leaves turns them no faster.

    Args:
        p: Physical parameters of a model with a battery.
        taken: Charge taken from the battery, A s.
    """
    a = np.zeros(len(BODY))
    a[X.charge] = taken
    low, high = 0.0, rotor_speed(float(p[P.battery_voltage]))
    for _ in range(60):  # bisection, to the last bit
        middle = 0.5 * (low + high)
        a[X.rotor_0 : X.rotor_0 + 4] = middle
        if rotor_speed(terminal_voltage(a, p)) > middle:
            low = middle
        else:
            high = middle
    return low


@called_kernel
def supply(agents, p):
    """Take a physics step's charge from every drone's battery and limit its commands to what the voltage can turn."""
    for j in range(agents.shape[0]):
        a = agents[j]
        a[X.charge] += current(a) * p[P.dt]
        fastest = rotor_speed(terminal_voltage(a, p))
        for c in range(4):
            a[X.command_0 + c] = min(a[X.command_0 + c], fastest)
