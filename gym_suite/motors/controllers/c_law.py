"""PI control of currents as C: the equations of :mod:`gym_suite.motors.controllers.laws` in single precision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import CLaw
from gym_suite.controllers.pid import BACK_CALCULATION, CLAMPING
from gym_suite.motors.controllers.laws import L, S
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.electrical import dc_field
from gym_suite.motors.machines import DC, SYNCHRONOUS, Machine
from gym_suite.motors.machines.dc import SEPARATE
from gym_suite.motors.quantities import FRAME_ABC, P
from gym_suite.motors.transforms import SQRT3

#: Angle, rad, up to which four terms of the series of sine and cosine are exact in single precision.
SMALL = 0.3
#: How much faster than its highest speed a machine may turn for the frame to be turned ahead exactly.
FASTER = 2.0

Constants = dict[str, tuple[float, str]]


def current_law_in_c(
    machine: Machine,
    law: Any,
    take: Sequence[tuple[int, int]],
    scale: NDArray[np.float64],
) -> CLaw:
    """Return PI control of the currents of a DC machine or of a synchronous machine without excitation, in C.

    Args:
        machine: The nominal machine.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        take: Which column of the observation stands for which column of what the law sees.
        scale: Scale of each column that the law sees.

    Raises:
        ValueError: For another machine.
    """
    if machine.group not in (DC, SYNCHRONOUS):
        raise ValueError(
            "current control is exported as C for DC machines, PMSM and SynRM, not for the "
            f"{type(machine).__name__}"
        )
    constants: Constants = {}
    seen = {k: f"observation[{j}]" for k, j in take}

    def read(name: str, place: int, meaning: str) -> str:
        constants[f"{name}_scale"] = float(scale[place]), meaning
        return f"const float {name} = {seen[place]} * {name}_scale;"

    build = _direct if machine.group == DC else _synchronous
    body, memory = build(machine, law, read, constants)
    return CLaw(constants, memory, body)


def _learned(axis: str, number: int, law: Any, constants: Constants) -> tuple[list[str], list[str]]:
    """Return declarations and statements that update the integral term of an axis, as ``pi_update`` does."""
    constants[f"ki_tau_{axis}"] = law[L.ki_0 + number] * law[P.tau], "V/A, integral gain a sample"
    slope = f"const float slope_{axis} = ki_tau_{axis} * error_{axis};"
    kind = int(law[L.anti_windup])
    if kind == CLAMPING:
        return [slope], [
            f"if ((u_{axis} - real_{axis}) * slope_{axis} <= 0.0f)",
            f"    memory->integral_{axis} += slope_{axis};",
        ]
    if kind == BACK_CALCULATION:
        part = min(law[L.back_gain_0 + number] * law[P.tau], 1.0)
        constants[f"back_{axis}"] = part, "part of the excess that a sample takes back"
        change = f"slope_{axis} - back_{axis} * (u_{axis} - real_{axis})"
        return [slope], [f"memory->integral_{axis} += {change};"]
    return [slope], [f"memory->integral_{axis} += slope_{axis};"]


def _direct(
    machine: Any, law: Any, read: Any, constants: Constants
) -> tuple[list[str], dict[str, str]]:
    magnets, series, mutual = (float(value) for value in dc_field(law))
    two, field = int(law[P.excitation]) == SEPARATE, len(machine.currents) > 1
    body = [read("i_a", S.current_0, "A, of an observed 1"), read("omega", S.omega, "rad/s")]
    if field:
        body.append(read("i_e", S.current_1, "A, excitation"))
    body.append(read("wanted_a", S.reference_0, "A"))
    constants["u_dc"] = law[P.u_dc], "V, DC link"
    constants["kp_a"] = law[L.kp_0], "V/A, proportional gain"
    constants["low_a"] = (
        chopper_range(law[P.quadrants_a], law[P.u_dc])[0],
        "V, least of the chopper",
    )
    body += [
        "const float error_a = wanted_a - i_a;",
        "float u_a = memory->integral_a + kp_a * error_a;",
    ]
    terms = []
    told = (
        ("flux", magnets, "", "Vs, magnets"),
        ("flux_a", series, " * i_a", "H, induced voltage per speed and current"),
        ("flux_e", mutual, " * i_e", "H, induced voltage per speed and excitation current"),
    )
    for name, value, factor, meaning in told:
        if value != 0.0:
            constants[name] = value, meaning
            terms.append(f"{name}{factor}")
    if law[L.decoupling]:
        body.append(f"u_a += ({' + '.join(terms)}) * omega;")
    body.append("const float real_a = within(u_a, low_a, u_dc);")
    axes = ["a"]
    if two:
        axes.append("e")
        constants["kp_e"] = law[L.kp_1], "V/A, proportional gain of the excitation"
        low = chopper_range(law[P.quadrants_e], law[P.u_dc])[0]
        constants["low_e"] = low, "V, least of the excitation's chopper"
        body += [
            read("wanted_e", S.reference_1, "A, excitation"),
            "const float error_e = wanted_e - i_e;",
            "const float u_e = memory->integral_e + kp_e * error_e;",
            "const float real_e = within(u_e, low_e, u_dc);",
        ]
    for number, axis in enumerate(axes):
        declared, updated = _learned(axis, number, law, constants)
        body += [*declared, *updated]
    body += [f"action[{k}] = real_{axis} / u_dc;" for k, axis in enumerate(axes)]
    return body, {f"integral_{axis}": "V, integral term" for axis in axes}


def _synchronous(
    machine: Any, law: Any, read: Any, constants: Constants
) -> tuple[list[str], dict[str, str]]:
    body = [
        read("i_d", S.current_0, "A, of an observed 1"),
        read("i_q", S.current_1, "A"),
        read("omega", S.omega, "rad/s"),
        read("wanted_d", S.reference_0, "A"),
        read("wanted_q", S.reference_1, "A"),
        read("sine", S.sine, "of the rotor's angle"),
        read("cosine", S.cosine, "of the rotor's angle"),
    ]
    constants |= {
        "pairs": (law[P.p], "pole pairs"),
        "u_dc": (law[P.u_dc], "V, DC link"),
        "kp_d": (law[L.kp_0], "V/A, proportional gain"),
        "kp_q": (law[L.kp_1], "V/A, proportional gain"),
    }
    body += [
        "const float omega_e = pairs * omega;",
        "const float error_d = wanted_d - i_d;",
        "const float error_q = wanted_q - i_q;",
        "float u_d = kp_d * error_d + memory->integral_d;",
        "float u_q = kp_q * error_q + memory->integral_q;",
    ]
    if law[L.decoupling]:
        constants["l_d"] = law[P.l_d], "H"
        constants["l_q"] = law[P.l_q], "H"
        constants["psi_p"] = law[P.psi_p], "Vs, magnets"
        body += [
            "u_d -= omega_e * l_q * i_q;",
            "u_q += omega_e * (l_d * i_d + psi_p);",
        ]
    body += [*_ahead(machine, law, constants), *_hexagon(constants)]
    turned = int(law[P.frame]) == FRAME_ABC
    if turned:
        body += ["const float real_d = factor * u_d;", "const float real_q = factor * u_q;"]
    else:
        constants["u_axis"] = law[P.u_dc] / SQRT3, "V, an action of 1"
        body += [f"const float real_{a} = within(factor * u_{a}, -u_axis, u_axis);" for a in "dq"]
    for number, axis in enumerate("dq"):
        declared, updated = _learned(axis, number, law, constants)
        body += [*declared, *updated]
    if turned:
        body.append("const float common = 0.5f * (largest(a, b, c) + smallest(a, b, c));")
        body += [
            f"action[{k}] = 2.0f * factor * ({phase} - common) / u_dc;"
            for k, phase in enumerate("abc")
        ]
    else:
        body += [f"action[{k}] = real_{axis} / u_axis;" for k, axis in enumerate("dq")]
    return body, {f"integral_{axis}": "V, integral term" for axis in "dq"}


def _ahead(machine: Any, law: Any, constants: Constants) -> list[str]:
    """Return statements that turn the voltage into the stator's frame, ahead by what the rotor moves meanwhile.

    Sine and cosine come from their series, of an angle halved as often as it takes to be small at the highest speed,
    so no library is called whose last bit might differ.
    """
    per = (law[P.dead_time] + 0.5) * law[P.tau]
    most = per * law[P.p] * machine.omega_limit * FASTER
    halvings = max(0, math.ceil(math.log2(most / SMALL)))
    constants["ahead"] = per / 2.0**halvings, "s, over which the frame moves until the voltage acts"
    if halvings:
        constants["ahead"] = per / 2.0**halvings, f"s, that time halved {halvings} times"
    doubled = [
        line
        for _ in range(halvings)
        for line in (
            "twice = 2.0f * sin_a * cos_a;",
            "cos_a = 1.0f - 2.0f * sin_a * sin_a;",
            "sin_a = twice;",
        )
    ]
    return [
        "const float angle = ahead * omega_e;",
        "const float z = -angle * angle;",
        *(["float twice;"] if halvings else []),
        f"{'' if halvings else 'const '}float cos_a = 1.0f + z * (0.5f + z * (0.0416666679f + z * 0.00138888892f));",
        f"{'' if halvings else 'const '}float sin_a = "
        "angle * (1.0f + z * (0.166666672f + z * (0.00833333377f + z * 0.000198412701f)));",
        *doubled,
        "const float cos_m = cosine * cos_a - sine * sin_a;",
        "const float sin_m = sine * cos_a + cosine * sin_a;",
        "const float alpha = u_d * cos_m - u_q * sin_m;",
        "const float beta = u_d * sin_m + u_q * cos_m;",
    ]


def _hexagon(constants: Constants) -> list[str]:
    """Return statements that find the part of the voltage that lies within the inverter's hexagon."""
    constants["half_sqrt3"] = SQRT3 / 2.0, "sqrt(3) / 2"
    return [
        "const float a = alpha;",
        "const float b = half_sqrt3 * beta - 0.5f * alpha;",
        "const float c = -half_sqrt3 * beta - 0.5f * alpha;",
        "const float spread = largest(a, b, c) - smallest(a, b, c);",
        "const float factor = spread <= u_dc ? 1.0f : u_dc / spread;",
    ]
