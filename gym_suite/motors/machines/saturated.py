"""Synchronous machines whose iron saturates: their numbers and where these come from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.motors.machines.base import (
    RPM,
    SATURATED,
    Machine,
    MachineSet,
    current_limit,
    link_voltage,
    nominal_current,
    nominal_speed,
    pole_pairs,
    resistance,
    rotor_inertia,
    speed_limit,
)
from gym_suite.motors.machines.flux_maps import SHIPPED, FluxMap, least_inductance
from gym_suite.motors.machines.search import golden
from gym_suite.motors.machines.synchronous import Synchronous, speeds_below

_MEASURED = "ECS101M0H7EF4"
_ALONG = 201  # of the currents along d, among which that of the largest speed is looked for first


@dataclass(frozen=True, slots=True, kw_only=True)
class SaturatedPMSM(Synchronous):
    """A permanent-magnet synchronous machine, or a reluctance machine, whose iron saturates: its flux is a map.

    psi_d and psi_q depend on both currents. ``l_d``, ``l_q`` and ``psi_p`` are not given but follow from the map: the
    incremental inductances at the nominal current of most torque per ampere, and the d flux without current.

    Raises:
        ValueError: If a number is out of bounds, the nominal current exceeds the limit, the map is none of a machine
            (:class:`gym_suite.motors.machines.flux_maps.FluxMap`), or does not reach the limit of the current.
    """

    group: ClassVar[int] = SATURATED
    words: ClassVar[str] = "permanent-magnet synchronous machine whose iron saturates"
    circuit: ClassVar[tuple[str, ...]] = ("r_s", "flux_scale")
    derived: ClassVar[tuple[str, ...]] = ("flux_scale", "l_d", "l_q", "psi_p")
    # Saturated iron needs much voltage to change its large flux; with 0.95 the currents of a machine whose fluxes are
    # 30 % larger than believed run away, and nominal torque steps are slower too.
    voltage_share: ClassVar[float] = 0.7
    # With the field the inductances change within a jump: what overshoots under a further period of delay trips.
    spare_periods: ClassVar[float] = 1.0

    p: int = pole_pairs(2)
    r_s: float = resistance(0.63, "stator")
    j_rotor: float = rotor_inertia(0.05)
    i_nominal: float = nominal_current(12.45)
    i_limit: float = current_limit(18.67)
    omega_nominal: float = nominal_speed(1800.0 * RPM)
    omega_limit: float = speed_limit(3000.0 * RPM)
    u_dc: float = link_voltage(540.0)
    #: A name of :data:`gym_suite.motors.machines.flux_maps.SHIPPED`, or a map; what else :meth:`FluxMap.of` takes
    #: becomes one.
    flux_map: Any = field(default=_MEASURED)

    def __post_init__(self) -> None:
        if not (isinstance(self.flux_map, str) and self.flux_map in SHIPPED):
            object.__setattr__(self, "flux_map", FluxMap.of(self.flux_map))
        # Not super(): a dataclass with slots is a class made anew, which that would not find.
        Synchronous.__post_init__(self)

    def numbers(self) -> dict[str, float]:
        """Return the numbers that kernels read, by name."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.metadata}
        return own | {name: getattr(self, name) for name in self.derived}

    @property
    def map(self) -> FluxMap:
        """The flux map."""
        return FluxMap.of(self.flux_map)

    def flux_row(self) -> NDArray[np.float64]:
        """Return the spline of the flux map as kernels read it."""
        return self.map.row

    def known_currents(self) -> dict[str, tuple[float, float]]:
        """Return the bounds of the flux map, A."""
        low, high, most = self.map.reach
        return {"i_sd": (low, high), "i_sq": (-most, most)}

    @property
    def flux_scale(self) -> float:
        """Factor of the flux linkages of the map: 1 for the machine as it is described."""
        return 1.0

    @property
    def l_d(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Incremental d inductance at the nominal current of most torque per ampere, H."""
        return _linear(self.map, self.i_nominal)[0]

    @property
    def l_q(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Incremental q inductance there, H."""
        return _linear(self.map, self.i_nominal)[1]

    @property
    def psi_p(self) -> float:
        """Flux of the d axis without current, Vs."""
        return _linear(self.map, self.i_nominal)[2]

    def decays(self) -> list[float]:
        """Return how fast its currents decay where the inductances are least, 1/s."""
        return [self.r_s / least_inductance(self.map.row)[0]]

    def speeds(self) -> tuple[float, float]:
        """Return the speeds at which a current within the limit holds against the magnets: usual and largest, rad/s."""
        low, high, _ = self.map.reach
        most = _magnet_speed(
            self.map,
            self.r_s,
            lowest=max(low, -self.i_limit),
            highest=min(high, self.i_limit),
            voltage=self.u_dc / self.voltage_divisor,
        )
        return speeds_below(self, most)

    def check(self) -> None:
        """Refuse a map that ends below the limit of the current, or gives no torque."""
        known = SHIPPED.get(self.flux_map) if isinstance(self.flux_map, str) else None
        low, high, most = known.reach if known else self.map.reach
        if most < self.i_limit or max(-low, high) < self.i_limit or not low <= 0.0 <= high:
            raise ValueError(
                f"SaturatedPMSM.i_limit = {self.i_limit:g} A is outside the flux map, which holds i_d from {low:g} to "
                f"{high:g} A and i_q up to {most:g} A: it must hold i_d from 0 to the limit on one side at least, and "
                "i_q up to the limit; lower i_limit or measure further"
            )
        if known is None:
            i_d, i_q = self.map.strongest(np.array([self.i_limit]))
            psi_d, psi_q = self.map.linkages(i_d, i_q)
            across = psi_d[0] * i_q[0] - psi_q[0] * i_d[0]
            if not across > 1e-9 * self.i_limit * np.hypot(psi_d[0], psi_q[0]):
                raise ValueError(
                    "the flux map of a SaturatedPMSM must give a torque; this one gives none"
                )


def tell_of_one_side(machine: Machine) -> None:
    """Warn of a machine in a drive whose currents may flow where its flux map holds none.

    Many maps are measured on the side of i_d alone on which a drive weakens the field. There a drive can be judged;
    beyond, the fluxes go on along the inductances of the map's edge.

    Args:
        machine: A machine; only of those with a flux map there is something to tell.
    """
    if not isinstance(machine, SaturatedPMSM):
        return
    low, high, _ = machine.map.reach
    if min(-low, high) < machine.i_limit:
        warnings.warn(
            f"the flux map of this SaturatedPMSM holds i_d from {low:g} to {high:g} A, and in a drive any current up "
            f"to i_limit = {machine.i_limit:g} A may flow, along d of either sign: beyond the map its fluxes go on "
            "along the inductances of its edge, which nobody has measured. Measure or compute the map from "
            f"{-machine.i_limit:g} to {machine.i_limit:g} A to be sure; simulate() says where a run leaves it",
            UserWarning,
            stacklevel=2,
        )


@cache
def _linear(known: FluxMap, current: float) -> tuple[float, float, float]:
    """Return l_d, l_q where a current gives most torque, and the d flux without current."""
    l_dd, _, l_qq = known.inductances(*known.strongest(np.array([current])))
    return float(l_dd[0]), float(l_qq[0]), float(known.linkages(0.0, 0.0)[0])


def _magnet_speed(
    known: FluxMap, r_s: float, *, lowest: float, highest: float, voltage: float
) -> float:
    """Return the electrical speed below which a current along d holds against the magnets, rad/s.

    As :func:`gym_suite.motors.machines.synchronous.magnet_speed`, with the map's flux of the d axis, which grows with
    its current, in place of the magnets' and l_d i_d.

    Args:
        known: The flux map.
        r_s: Resistance, Ohm.
        lowest: Lowest current, A.
        highest: Highest current, A.
        voltage: Largest length of a turning voltage, V.
    """
    most = voltage / r_s if r_s > 0.0 else math.inf
    lowest, highest = max(lowest, -most), min(highest, most)

    def speed(i_d: NDArray[np.float64]) -> NDArray[np.float64]:
        drop = np.minimum(r_s * np.abs(i_d), voltage)
        return np.sqrt(voltage**2 - drop**2) / np.abs(known.linkages(i_d, 0.0)[0])

    first, last = known.linkages(np.array([lowest, highest]), 0.0)[0]
    if first <= 0.0 <= last:
        return math.inf
    along = np.linspace(lowest, highest, _ALONG)
    k = int(speed(along).argmax())
    best = golden(speed, along[max(k - 1, 0)], along[min(k + 1, _ALONG - 1)])
    return float(speed(np.append(along[k], best)).max())


_MOTULATOR = (
    "Baldor ECS101M0H7EF4, a PM synchronous reluctance machine (5.6 kW, 460 V, 8.8 A, 60 Hz, 29.7 N m), as Aalto "
    "University publishes it in the examples of motulator; flux map measured there at a constant 400 rpm, after "
    "doi:10.1109/TIA.2013.2258876"
)

SETS: Mapping[str, MachineSet] = MappingProxyType(
    {
        "SaturatedPMSM": MachineSet(
            SaturatedPMSM(),
            _MOTULATOR,
            {
                "j_rotor": "of rotor and load together in that example; the rotor's own is not published",
                "i_nominal": f"sqrt(2) times the nominal current of 8.8 A: {8.8 * math.sqrt(2.0):.2f} A",
                "i_limit": "design value: 1.5 times the nominal current",
                "omega_nominal": "60 Hz with two pole pairs",
                "omega_limit": "design value: there the magnets induce nine tenths of the largest voltage",
                "u_dc": "the DC link of that example",
            },
        ),
    }
)
