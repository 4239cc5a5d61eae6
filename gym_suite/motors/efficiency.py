"""What a drive loses in its steady state, and the currents at which it loses least: from its own map and losses.

The formulas are those of :class:`gym_suite.motors.losses.Losses`, with which the simulation computes as well; here for
arrays of operating points, without a step of time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.losses import Losses, build_losses
from gym_suite.motors.machines import SATURATED, SYNCHRONOUS
from gym_suite.motors.machines.search import STEPS, golden

Values = NDArray[np.float64]

#: What the currents of an operating point are chosen for: the least loss, or the least current.
AIMS = ("loss", "current")
_ANGLES = np.linspace(0.0, math.pi, 91)  # of the current, among which the best is looked for first


@dataclass(frozen=True, slots=True)
class Steady:
    """A drive in its steady state, each an array of the same shape.

    Attributes:
        torque: Torque of the shaft, the air gap's less the drag of iron and friction, N m.
        voltage: Amplitude of the voltage that the inverter's legs hold, V.
        parts: Loss of each kind, W: copper, iron, conduction, switching, friction.
        power_shaft: Power of the shaft, W.
        power_dc: Power out of the link, W.
    """

    torque: Values
    voltage: Values
    parts: Mapping[str, Values]
    power_shaft: Values
    power_dc: Values

    @property
    def loss(self) -> Values:
        """All losses, W."""
        return self.power_dc - self.power_shaft

    @property
    def efficiency(self) -> Values:
        """What is used, in driving the shaft's part and in braking the link's; 0 where both feed the losses."""
        drives, brakes = self.power_shaft > 0.0, (self.power_shaft < 0.0) & (self.power_dc < 0.0)
        used = np.where(drives, self.power_shaft, np.where(brakes, -self.power_dc, 0.0))
        taken = used + self.loss
        return np.divide(used, taken, out=np.zeros_like(taken), where=used > 0.0)


def steady(
    machine: Any,
    losses: object,
    i_d: ArrayLike,
    i_q: ArrayLike,
    speed: ArrayLike,
    *,
    tau: float | None = None,
) -> Steady:
    """Return the steady state of a drive whose currents and speed are held.

    Args:
        machine: A synchronous machine with one winding and without excitation.
        losses: "usual", a mapping of overrides of the usual ones, or losses.
        i_d: d currents, A.
        i_q: q currents, A, of a shape that goes with that of the d currents.
        speed: Mechanical speeds, rad/s, likewise.
        tau: Period of the inverter, s; None for the machine's usual one.

    Raises:
        ValueError: For another machine, or a number out of bounds.
    """
    own, period = _checked(machine, losses, tau)
    one, two, omega = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (i_d, i_q, speed)))
    psi_d, psi_q = linkages(machine, one, two)
    omega_e, square = machine.pairs * omega, one**2 + two**2
    drop = own.slope + 4.0 / math.pi * own.threshold / np.sqrt(square + own.i_knee**2)
    resistance = machine.r_s + drop
    u_d, u_q = resistance * one - omega_e * psi_q, resistance * two + omega_e * psi_d
    flux = psi_d**2 + psi_q**2
    iron = 1.5 * (own.hysteresis * np.abs(omega_e) + own.eddy * omega_e**2) * flux
    drag = np.sign(omega) * (own.bearing + own.windage * omega**2)
    # The torque of the iron does not vanish with the speed, from which its power is the product.
    braking = 1.5 * machine.pairs * flux * (own.hysteresis * np.sign(omega) + own.eddy * omega_e)
    torque = 1.5 * machine.pairs * (psi_d * two - psi_q * one) - braking - drag
    switching = 6.0 / math.pi * own.e_switch / (period * machine.i_nominal) * np.sqrt(square)
    return Steady(
        torque=torque,
        voltage=np.hypot(u_d, u_q),
        parts={
            "copper": 1.5 * machine.r_s * square,
            "iron": iron,
            "conduction": 1.5 * drop * square,
            "switching": switching,
            "friction": drag * omega,
        },
        power_shaft=torque * omega,
        power_dc=1.5 * (u_d * one + u_q * two) + switching,
    )


def best_currents(
    machine: Any,
    losses: object,
    torque: ArrayLike,
    speed: ArrayLike,
    *,
    aim: str = "loss",
    tau: float | None = None,
) -> tuple[Values, Values]:
    """Return the d and q currents (A) that give torques of the shaft at speeds, at the least loss or the least current.

    They stay within the limit of the current and the largest voltage without over-modulation, so that either aim
    weakens the field where it has to; what the drive cannot give is not a number. A vector of least current is the
    textbook's most torque per ampere; losses at their least are what Morimoto, Tong, Takeda and Hirasa, IEEE Trans.
    Ind. Electron. 41(5), 1994, doi:10.1109/41.315269, look for, here with any flux map and an inverter that loses too.

    Args:
        machine: A synchronous machine with one winding and without excitation.
        losses: "usual", a mapping of overrides of the usual ones, or losses.
        torque: Torques of the shaft, N m.
        speed: Mechanical speeds, rad/s, of a shape that goes with that of the torques.
        aim: One of :data:`AIMS`.
        tau: Period of the inverter, s; None for the machine's usual one.

    Raises:
        ValueError: For another machine, an unknown aim, or a number out of bounds.
    """
    check_option("aim", aim, AIMS)
    own, period = _checked(machine, losses, tau)
    wanted, omega = np.broadcast_arrays(
        np.asarray(torque, np.float64), np.asarray(speed, np.float64)
    )
    bound = machine.u_dc / machine.voltage_divisor

    def at(size: Values, angle: Values) -> Steady:
        return steady(
            machine,
            own,
            size * np.cos(angle),
            sign * size * np.sin(angle),
            omega,
            tau=period,
        )

    # Without a current the drag alone is left, and what is asked for lies on one side of it.
    nothing, sign = np.zeros(omega.shape), np.ones(omega.shape)
    sign = np.where(wanted >= at(nothing, nothing).torque, 1.0, -1.0)

    def amplitude(angle: Values) -> Values:
        """The least current at an angle that gives the torque; the limit where none does."""
        low, high = np.zeros(omega.shape), np.full(omega.shape, machine.i_limit)
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            short = sign * (at(middle, angle).torque - wanted) < 0.0
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high

    def merit(angle: Values) -> Values:
        size = amplitude(angle)
        state = at(size, angle)
        # A bisection that ends at its upper bound has found nothing.
        fits = (state.voltage <= bound) & (size < machine.i_limit)
        return np.where(fits, -(state.loss if aim == "loss" else size), -np.inf)

    coarse = np.array([merit(np.full(omega.shape, angle)) for angle in _ANGLES])
    best, step = _ANGLES[np.argmax(coarse, axis=0)], _ANGLES[1]
    angle = golden(merit, np.maximum(best - step, 0.0), np.minimum(best + step, math.pi))
    # Beside the border of what the voltage allows a golden section may stop just outside it.
    angle = np.where(merit(angle) >= coarse.max(axis=0), angle, best)
    size = np.where(np.isfinite(merit(angle)), amplitude(angle), np.nan)
    return size * np.cos(angle), sign * size * np.sin(angle)


@dataclass(frozen=True, slots=True)
class EfficiencyMap:
    """Operating points of a drive over torque and speed; what it cannot give is not a number.

    Attributes:
        torque: Torques of the shaft, N m, (n,).
        speed: Mechanical speeds, rad/s, (m,).
        i_d: d currents, A, (n, m).
        i_q: q currents, A, (n, m).
        state: The drive there, arrays (n, m).
    """

    torque: Values
    speed: Values
    i_d: Values
    i_q: Values
    state: Steady

    @property
    def efficiency(self) -> Values:
        """What is used of the power, (n, m)."""
        return np.where(np.isfinite(self.i_d), self.state.efficiency, np.nan)


def efficiency_map(
    machine: Any,
    losses: object = "usual",
    *,
    torque: ArrayLike | None = None,
    speed: ArrayLike | None = None,
    aim: str = "loss",
    tau: float | None = None,
) -> EfficiencyMap:
    """Return the operating points of a drive over a grid of torques and speeds.

    Args:
        machine: A synchronous machine with one winding and without excitation.
        losses: "usual", a mapping of overrides of the usual ones, or losses.
        torque: Torques of the shaft, N m, (n,); None for 24 up to the largest that the current gives.
        speed: Mechanical speeds, rad/s, (m,); None for 24 up to the machine's limit.
        aim: One of :data:`AIMS`.
        tau: Period of the inverter, s; None for the machine's usual one.

    Raises:
        ValueError: For another machine, an unknown aim, or a number out of bounds.
    """
    parts = np.arange(1, 25) / 24.0
    if torque is None:
        _checked(machine, losses, tau)
        psi_d, psi_q = linkages(machine, *_circle(machine))
        i_d, i_q = _circle(machine)
        torque = parts * 1.5 * machine.pairs * np.max(psi_d * i_q - psi_q * i_d)
    torques = np.asarray(torque, np.float64)
    speeds = np.asarray(parts * machine.omega_limit if speed is None else speed, np.float64)
    one, two = np.meshgrid(torques, speeds, indexing="ij")
    i_d, i_q = best_currents(machine, losses, one, two, aim=aim, tau=tau)
    state = steady(machine, losses, i_d, i_q, two, tau=tau)
    return EfficiencyMap(torques, speeds, i_d, i_q, state)


def _circle(machine: Any) -> tuple[Values, Values]:
    """Return the d and q currents of the limit with i_q from 0 on, A."""
    return machine.i_limit * np.cos(_ANGLES), machine.i_limit * np.sin(_ANGLES)


def _checked(machine: Any, losses: object, tau: float | None) -> tuple[Losses, float]:
    """Return the losses and the inverter's period."""
    if machine.group not in (SYNCHRONOUS, SATURATED):
        raise ValueError(
            f"losses are computed for PMSM, SynRM and SaturatedPMSM, not for a {machine.words}"
        )
    own = build_losses(losses, machine)
    if own is None:
        raise ValueError('losses must be "usual", a mapping of overrides or Losses, got None')
    return own, check_number("tau", machine.period if tau is None else tau, above=0.0)


def linkages(machine: Any, i_d: Values, i_q: Values) -> tuple[Values, Values]:
    """Return the flux linkages of a machine at its d and q currents (A), Vs.

    Args:
        machine: A synchronous machine with one winding and without excitation.
        i_d: d currents, A.
        i_q: q currents, A.
    """
    if machine.group == SATURATED:
        # Beyond its limit there may be no map; where currents are not numbers fluxes are none either.
        known = np.isfinite(i_d) & np.isfinite(i_q)
        inside = np.where(known, i_d, 0.0), np.where(known, i_q, 0.0)
        psi_d, psi_q = machine.map.linkages(*inside, beyond=True)
        return np.where(known, psi_d, np.nan), np.where(known, psi_q, np.nan)
    return machine.l_d * i_d + getattr(machine, "psi_p", 0.0), machine.l_q * i_q
