"""Losses and heat as a setup knows them: what a user gave, checked against the machine and the period."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from gym_suite.core.columns import Columns
from gym_suite.core.marks import Total
from gym_suite.motors.envs.options import Options, Task
from gym_suite.motors.losses import Losses, build_losses, nominal_power, usual_losses
from gym_suite.motors.machines import SATURATED
from gym_suite.motors.machines.base import LONGEST_STEP, USUAL_SUBSTEPS
from gym_suite.motors.machines.flux_maps import least_inductance
from gym_suite.motors.quantities import POWERS, TEMPERATURES
from gym_suite.motors.thermal import ThermalNetwork, build_network, usual_network

#: Speed below which what opposes standstill fades, as a part of the nominal one.
_STANDSTILL = 1e-3
#: Limit of each temperature that has one.
_LIMITS = {"temperature_winding": "limit_winding", "temperature_magnet": "limit_magnet"}


_DELIVERED = Total(
    "TorqueShare",
    ("torque", "torque_ref"),
    "share",
    "1",
    "Torque",
    "sum of the torque's size over that of the demand's",
    False,
)
_HOTTEST = Total(
    "HottestWinding",
    ("temperature_winding",),
    "most",
    "degC",
    "Hottest winding",
    "highest temperature of the winding",
    True,
)
_USED = Total(
    "Throughput",
    ("power_shaft", "power_shaft", *(name for name in POWERS.names if name.startswith("loss_"))),
    "share",
    "1",
    "Throughput",
    "energy through the shaft over that and all losses together",
    False,
)


@dataclass(frozen=True, slots=True)
class Dissipation:
    """What a drive loses, and how that warms its machine.

    Attributes:
        losses: The losses besides the windings'.
        network: The thermal network; None where temperatures do not move.
    """

    losses: Losses
    network: ThermalNetwork | None

    @property
    def kept(self) -> tuple[str, ...]:
        """What the state keeps of it."""
        return (*POWERS.names, *(TEMPERATURES.names if self.network else ()))

    @property
    def told(self) -> tuple[str, ...]:
        """What the metrics have of it."""
        return (*POWERS.names, "efficiency", *(TEMPERATURES.names if self.network else ()))

    @property
    def physical(self) -> tuple[str, ...]:
        """The parameters that ``mismatch=`` may touch: those that are not zero, and the network's."""
        own = [
            f.name for f in fields(Losses) if f.name != "i_knee" and getattr(self.losses, f.name)
        ]
        if self.network:
            own += [f.name for f in fields(ThermalNetwork) if f.name.startswith(("rth_", "c_"))]
        return tuple(own)

    def sources(self, machine: Any) -> dict[str, str]:
        """Return where its numbers come from, by name."""
        found: dict[str, str] = {}
        usual_ones = usual_losses(machine), usual_network(machine) if machine.r_s > 0.0 else None
        for own, usual in zip((self.losses, self.network), usual_ones, strict=True):
            for f in fields(own) if own else ():
                same = getattr(own, f.name) in (f.default, getattr(usual, f.name, None))
                found[f.name] = f.metadata["source"] if same else "user"
        return found

    @property
    def resolved(self) -> dict[str, Any]:
        """Its keyword arguments in a form that JSON can hold."""
        found = {"losses": asdict(self.losses)}
        return found | ({"thermal": asdict(self.network)} if self.network else {})

    @property
    def limits(self) -> dict[str, float]:
        """The usual limits of its quantities, degrees Celsius."""
        if self.network is None:
            return {}
        return {name: float(getattr(self.network, limit)) for name, limit in _LIMITS.items()}

    @property
    def scales(self) -> dict[str, float]:
        """The full scale of what is observed of it: the limit of a temperature, or of the winding where it has none."""
        if self.network is None:
            return {}
        own = dict.fromkeys(TEMPERATURES.names, float(self.network.limit_winding))
        return own | self.limits

    @property
    def totals(self) -> tuple[Total, ...]:
        """The figures of a whole episode by which agents that derate a torque are told apart."""
        if self.network is None:
            return ()
        return (_DELIVERED, _HOTTEST, _USED)

    def bounded(self, states: Columns) -> Columns:
        """Return the columns of a state in which no temperature is above its limit."""
        limits = self.limits
        return Columns(
            *(replace(c, high=limits[c.name]) if c.name in limits else c for c in states)
        )

    def numbers(self, machine: Any, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return its parameters, and the Runge-Kutta steps per period that follow its fastest motion too.

        Args:
            machine: The machine.
            values: Parameters of the drive, of which the period and its steps are read.

        Raises:
            ValueError: If a kind of loss takes all the machine's power, or a motion is too fast for the period; with
                the numbers.
        """
        tau, most = float(values["tau"]), nominal_power(machine)
        for kind, taken in self.losses.parts(machine, tau).items():
            if not taken < most:
                raise ValueError(
                    f"losses: {kind} would take {taken:.4g} W at the machine's nominal current, speed and flux, and "
                    f"its nominal power is {most:.4g} W: what takes more than a machine gives is no loss of it"
                )
        numbers = asdict(self.losses) | {"warms": float(self.network is not None)}
        if self.network:
            numbers |= asdict(self.network)
            _check_nodes(self.network, tau * float(values["ratio"]))
        # Friction that stops a rotor must not shake it: it fades as slowly as a period can follow.
        flux = getattr(machine, "psi_p", 0.0) + max(machine.l_d, machine.l_q) * machine.i_limit
        drag = self.losses.bearing + 1.5 * machine.pairs * self.losses.hysteresis * flux**2
        numbers["standstill"] = max(
            _STANDSTILL * machine.omega_nominal, drag * tau / machine.j_rotor
        )
        return numbers | {"substeps": self._substeps(machine, flux, values)}

    def _substeps(self, machine: Any, flux: float, values: Mapping[str, Any]) -> int:
        """Return the Runge-Kutta steps per period that resistances and drags ask for."""
        tau, losses = float(values["tau"]), self.losses
        inductance = min(machine.l_d, machine.l_q)
        if machine.group == SATURATED:
            inductance = least_inductance(machine.map.row)[0]
        warm = 1.0
        if self.network:
            hottest = self.network.limit_winding - self.network.temperature_nominal
            warm += self.network.alpha_winding * hottest
        origin = losses.slope + 4.0 / math.pi * losses.threshold / losses.i_knee
        decay = (warm * machine.r_s + origin) / inductance
        eddies = 1.5 * machine.pairs**2 * losses.eddy * flux**2
        slowing = (eddies + 2.0 * losses.windage * machine.omega_limit) / machine.j_rotor
        needed = max(1, math.ceil(max(decay, slowing) * tau / LONGEST_STEP - 1e-9))
        most = max(USUAL_SUBSTEPS, int(values["substeps"]))
        if needed > most:
            what = "eddy and windage brake the rotor"
            if decay >= slowing:
                what = "threshold / i_knee, slope and r_s make a small current decay"
            raise ValueError(
                f"losses: {what} with a time constant of {1.0 / max(decay, slowing):.3g} s, too fast for "
                f"tau = {tau:g} s; lower tau to {most * LONGEST_STEP / max(decay, slowing):.3g} s, or what is so fast"
            )
        return max(needed, int(values["substeps"]))


def _check_nodes(network: ThermalNetwork, period: float) -> None:
    """Refuse a node that follows its neighbours within a control period (s), over which its losses are a mean."""
    winding, magnet = 1.0 / network.rth_winding, 1.0 / network.rth_magnet
    around = {
        "winding": winding,
        "magnet": magnet,
        "housing": winding + magnet + 1.0 / network.rth_housing,
    }
    for node, conductance in around.items():
        capacity = float(getattr(network, f"c_{node}"))
        if capacity < conductance * period:
            raise ValueError(
                f"thermal: c_{node} = {capacity:g} J/K lets the {node} follow its neighbours within {period:g} s, the "
                f"period of control; it must be at least {conductance * period:.3g} J/K, or a thermal resistance larger"
            )


def check_heat(task: Task, dissipation: Dissipation | None) -> None:
    """Refuse a task that shows temperatures where none moves."""
    if set(task.seen) & set(TEMPERATURES.names) and not (dissipation and dissipation.network):
        raise ValueError(
            f"the task {task.name!r} shows temperatures, so it needs a thermal network: leave thermal= out, or give "
            'overrides of the usual one, such as thermal={"ambient": 40.0}'
        )


def read_dissipation(
    options: Options, machine: Any, *, fed: bool, shaped: bool, flexible: bool
) -> Dissipation | None:
    """Return what a drive loses and how it warms, None where neither is computed.

    Args:
        options: The keyword arguments.
        machine: The machine.
        fed: Whether the supply's voltage moves.
        shaped: Whether the converter's legs follow a carrier, or it goes beyond the hexagon's circle.
        flexible: Whether the load is behind an elastic shaft.

    Raises:
        ValueError: For an unknown name or a number out of bounds, and where link, converter or shaft are others than
            the plain ones.
        TypeError: For something that is neither losses nor a network.
    """
    losses, network = (
        build_losses(options.losses, machine),
        build_network(options.thermal, machine),
    )
    if losses is None and network is None:
        return None
    reasons = {
        "supply 'ideal'": fed,
        "modulation 'averaged' and overmodulation 'hexagon'": shaped,
        "loads on a stiff shaft": flexible,
    }
    for needed, other in reasons.items():
        if other:
            raise ValueError(
                f"losses and thermal are computed for {needed} alone; leave the other out"
            )
    return Dissipation(losses or Losses(), network)
