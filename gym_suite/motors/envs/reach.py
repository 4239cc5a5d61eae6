"""What references can be reached and held at all: beyond it they are refused, with the numbers.

Constant currents rest at a voltage that is a part of their own and one in proportion to the speed; a torque and a speed
have the bounds that voltage and current leave them. What changes over time is not held, and only its limits count.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.core.signals import Signal
from gym_suite.motors.controllers.dc_points import LEAST_RESISTANCE, torque_range
from gym_suite.motors.controllers.operating_points import operating_points, torque_limit
from gym_suite.motors.envs.options import Task
from gym_suite.motors.envs.signals import Switched
from gym_suite.motors.machines import DC, DOUBLY_FED, EXCITED, INDUCTION, SATURATED
from gym_suite.motors.machines.dc import MAGNETS, SEPARATE, SERIES
from gym_suite.motors.quantities import P

Currents = Mapping[str, float]

#: Of the DC link's voltage, the longest that turns: the fundamental of six-step operation.
SIX_STEP = 2.0 / math.pi
#: Part of a torque by which the largest one may be off between the points of its table.
_BETWEEN = 0.02


def check_reach(
    task: Task,
    references: list[Signal],
    switched: list[Switched],
    scales: Mapping[str, float],
    units: Mapping[str, str],
) -> None:
    """Refuse references that leave what a quantity can reach at all: its limit.

    What voltage and current allow together is less, see :func:`check_together` and :func:`check_held`; a walk without
    bounds of its own is not checked.

    Args:
        task: The task.
        references: Signals of the tracked quantities.
        switched: What each is switched among.
        scales: The limit of each tracked quantity that has one.
        units: Their units.

    Raises:
        ValueError: Saying which values the signal may have, and which are allowed.
    """
    for name, one, among in zip(task.tracked, references, switched, strict=True):
        for signal in among.signals or (one,):
            low, high = signal.span()
            limit = scales.get(name, math.inf)
            least, most = (0.0 if math.isinf(end) else end for end in (low, high))
            if max(-least, most) > limit * (1.0 + 1e-9):
                raise ValueError(
                    f"reference {name!r} goes from {least:g} to {most:g} {units[name]}, beyond the limit of "
                    f"{limit:g} {units[name]}; keep it within, or bound it by the signal's low and high"
                )


def check_together(
    task: Task,
    references: list[Signal],
    switched: list[Switched],
    machine: Any,
) -> None:
    """Refuse references of both currents of a field of which no pair of values is within their common limit.

    Args:
        task: The task.
        references: Signals of the tracked quantities.
        switched: What each is switched among.
        machine: The machine.

    Raises:
        ValueError: With the nearest currents within the limit.
    """
    given = dict(zip(task.tracked, references, strict=True))
    if not {"i_sd", "i_sq"} <= given.keys() or any(among.signals for among in switched):
        return
    spans = [given[name].span() for name in ("i_sd", "i_sq")]
    d, q = (0.0 if low <= 0.0 <= high else min(low, high, key=abs) for low, high in spans)
    limit = machine.i_limit
    if math.hypot(d, q) > limit * (1.0 + 1e-9):
        part = limit / math.hypot(d, q)
        raise ValueError(
            f"references of at least i_sd = {d:g} A and i_sq = {q:g} A are a current of {math.hypot(d, q):.4g} A, "
            f"beyond its limit of {limit:g} A; {part * d:.4g} and {part * q:.4g} A are within it"
        )


def check_held(
    task: Task,
    references: list[Signal],
    switched: list[Switched],
    machine: Any,
    row: NDArray[np.float64],
    speeds: tuple[float, float],
) -> None:
    """Refuse constant references that no voltage holds at any speed of an episode.

    Args:
        task: The task.
        references: Signals of the tracked quantities.
        switched: What each is switched among.
        machine: The machine.
        row: Its parameter row.
        speeds: Lowest and highest speed of an episode, rad/s; equal where a speed is held.

    Raises:
        ValueError: With the voltage that is needed and the one there is, or the speeds or torques that can be held.
    """
    levels = {
        name: [low for low, high in (s.span() for s in among.signals or (one,)) if low == high]
        for name, one, among in zip(task.tracked, references, switched, strict=True)
    }
    fastest = machine.speeds()[1]
    for name in ("omega", "omega_load"):
        for omega in levels.get(name, ()):
            if abs(omega) > fastest * (1.0 + 1e-9):
                raise ValueError(
                    f"reference {name!r} is {omega:g} rad/s, and the voltage holds the machine up to {fastest:.4g} "
                    "rad/s; take a lower speed, or a higher u_dc"
                )
    for torque in levels.get("torque", ()):
        _check_torque(torque, machine, row, speeds)
    for winding in _windings(machine, speeds):
        told = [levels.get(name, []) for name in winding.currents]
        if len(told) > 1 and any(len(alone) != 1 for alone in told):
            continue
        for held in itertools.product(*told):
            currents = dict(zip(winding.currents, held, strict=True))
            _check_voltage(winding, currents, machine, row, speeds)


def check_drawn(machine: Any, largest: float) -> None:
    """Refuse random currents of which the resistance alone takes more than there is of voltage.

    Args:
        machine: The machine.
        largest: Largest of them, A; a winding of excitation has its nominal current.

    Raises:
        ValueError: With the voltage that would do.
    """
    if machine.group == DC:
        resistance, most = machine.circuits()[0][1], machine.u_dc
    else:
        resistance, most = machine.r_s, SIX_STEP * machine.u_dc
    drawn = [(largest, resistance, "reference_range", most)]
    if machine.group == EXCITED:
        drawn.append((machine.i_e_nominal, machine.r_e, "i_e_nominal", machine.u_dc))
    for current, ohms, name, most in drawn:
        if ohms * current > most:
            raise ValueError(
                f"random references go up to {current:g} A, of which the resistance alone takes {ohms * current:.4g} V "
                f"and the converter gives {most:.4g} V; they need a u_dc of {machine.u_dc * ohms * current / most:.4g} "
                f"V, or {name} = {most / ohms:.4g} A"
            )


@dataclass(frozen=True, slots=True)
class _Winding:
    """What holds constant currents.

    Attributes:
        currents: Those that the voltage depends on.
        voltage: From these (A) to what they need at standstill (V) and more per speed of the shaft (Vs); of three
            phases complex, along d and q.
        turns: Whether it is of three phases.
    """

    currents: tuple[str, ...]
    voltage: Callable[[Currents], tuple[complex, complex]]
    turns: bool = True


def _windings(m: Any, speeds: tuple[float, float]) -> list[_Winding]:
    """Return what holds the constant currents of a machine between two speeds."""
    if m.group == DC:
        return _direct_windings(m, speeds)

    def flux(i: Currents) -> complex:
        i_d, i_q = i["i_sd"], i["i_sq"]
        if m.group == SATURATED:
            psi_d, psi_q = m.map.linkages(i_d, i_q)
            return complex(float(psi_d), float(psi_q))
        if m.group == INDUCTION:  # beside the rotor's flux, which is along d
            return complex(m.l_s * i_d, m.sigma * m.l_s * i_q)
        if m.group == DOUBLY_FED:
            return m.l_s * complex(i_d, i_q) + m.l_m * complex(i["i_rd"], i["i_rq"])
        magnets = m.l_m * i["i_e"] if m.group == EXCITED else getattr(m, "psi_p", 0.0)
        return complex(m.l_d * i_d + magnets, m.l_q * i_q)

    def stator(i: Currents) -> tuple[complex, complex]:
        i_d, i_q = i["i_sd"], i["i_sq"]
        if m.group == INDUCTION and i_d <= 0.0:  # no flux by which the frame turns
            return 0.0, 0.0
        slip = m.r_r / m.l_r * i_q / i_d if m.group == INDUCTION else 0.0
        return m.r_s * complex(i_d, i_q) + 1j * slip * flux(i), 1j * m.pairs * flux(i)

    if m.group == EXCITED:
        exciter = _Winding(("i_e",), lambda i: (m.r_e * i["i_e"], 0.0), turns=False)
        return [_Winding(("i_sd", "i_sq", "i_e"), stator), exciter]
    if m.group == DOUBLY_FED:
        rotor = ("i_rd", "i_rq")
        return [
            _Winding(("i_sd", "i_sq", *rotor), stator),
            _Winding(rotor, lambda i: (m.r_r * complex(i["i_rd"], i["i_rq"]), 0.0)),
        ]
    return [_Winding(("i_sd", "i_sq"), stator)]


def _direct_windings(m: Any, speeds: tuple[float, float]) -> list[_Winding]:
    if m.excitation == MAGNETS:
        held = {("i",): lambda i: (m.r_a * i["i"], m.psi_e)}
    elif m.excitation == SERIES:
        held = {("i",): lambda i: ((m.r_a + m.r_e) * i["i"], m.l_e_prime * i["i"])}
    elif m.excitation == SEPARATE:
        held = {
            ("i_e",): lambda i: (m.r_e * i["i_e"], 0.0),
            ("i_a", "i_e"): lambda i: (m.r_a * i["i_a"], m.l_e_prime * i["i_e"]),
        }
    else:
        # One voltage, that of the field, whose part 1 - l_e_prime omega / r_e drops over the armature's resistance.
        r_e = max(m.r_e, LEAST_RESISTANCE)
        left = max((1.0 - m.l_e_prime * omega / r_e for omega in speeds), key=abs)
        held = {("i_a",): lambda i: (m.r_a * i["i_a"] / left if left else math.inf, 0.0)}
    return [_Winding(names, voltage, turns=False) for names, voltage in held.items()]


def _check_torque(
    torque: float, machine: Any, row: NDArray[np.float64], speeds: tuple[float, float]
) -> None:
    """Refuse a torque that voltage and current give at no speed within bounds."""
    among = {*speeds, 0.0} if speeds[0] <= 0.0 <= speeds[1] else {*speeds}
    ranges = []
    for omega in among:
        if machine.group == DC:
            ranges.append((*torque_range(row, omega, machine.u_dc, 1.0), omega))
        elif omega == 0.0:
            ranges.append(
                (-math.inf, math.inf, omega)
            )  # of the current alone, which its limit says
        else:
            points = operating_points(machine, 1.0)
            most = torque_limit(machine.pairs * omega, SIX_STEP * machine.u_dc, points)
            ranges.append((-most, most, omega))
    lacking = [max(least - torque, torque - most) for least, most, _ in ranges]
    least, most, omega = ranges[lacking.index(min(lacking))]
    if min(lacking) > _BETWEEN * abs(torque):
        raise ValueError(
            f"reference 'torque' is {torque:g} N m, and at {omega:g} rad/s voltage and current leave {least:.4g} to "
            f"{most:.4g} N m; take a smaller torque, another speed, or a higher u_dc"
        )


def _check_voltage(
    winding: _Winding,
    currents: Currents,
    machine: Any,
    row: NDArray[np.float64],
    speeds: tuple[float, float],
) -> None:
    """Refuse constant currents that need more voltage than there is at each speed within bounds."""
    rest, more = winding.voltage(currents)
    # The speed at which the voltage is shortest, or a chopper of one direction has to give least.
    omega = -(rest * more.conjugate()).real / abs(more) ** 2 if more != 0.0 else 0.0
    omega = min(max(omega, speeds[0]), speeds[1])
    needed = rest + omega * more
    least, most = 0.0, SIX_STEP * machine.u_dc
    if not winding.turns:
        place = P.quadrants_e if winding.currents == ("i_e",) else P.quadrants_a
        one_way = machine.group == DC and row[place] < 4
        least, most = 0.0 if one_way else -machine.u_dc, machine.u_dc
    size = abs(needed) if winding.turns else needed.real
    if least - 1e-9 * most <= size <= most * (1.0 + 1e-9):
        return
    *others, last = (f"{name} = {value:g} A" for name, value in currents.items())
    told = (
        f"references {', '.join(others)} and {last} need" if others else f"reference {last} needs"
    )
    at = f" at {omega:g} rad/s" if more != 0.0 else ""
    bound = f"the converter gives {least:g} to {most:g} V"
    if winding.turns:
        bound = f"no voltage that turns is above 2 u_dc / pi = {most:.4g} V"
    advice = f"a smaller current{' or speed' if more != 0.0 else ''}, or a higher u_dc"
    if size < least == 0.0:
        advice = "a current or a speed of the other sign, or converter='4QC'"
    raise ValueError(f"{told} {size:.4g} V{at}, and {bound}; take {advice}")
