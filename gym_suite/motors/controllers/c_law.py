"""Control of currents, torque and speed as C: the equations of the laws in single precision.

Those of the currents are in :mod:`gym_suite.motors.controllers.laws`, those above them in
:mod:`gym_suite.motors.controllers.cascade` and :mod:`gym_suite.motors.controllers.dc_points`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import CLaw
from gym_suite.controllers.pid import BACK_CALCULATION, CLAMPING
from gym_suite.motors.controllers.cascade import TABLE_ERROR
from gym_suite.motors.controllers.dc_points import LEAST_RESISTANCE
from gym_suite.motors.controllers.laws import L, S
from gym_suite.motors.converters import chopper_range
from gym_suite.motors.electrical import dc_field
from gym_suite.motors.machines import DC, SYNCHRONOUS, Machine
from gym_suite.motors.machines.dc import MAGNETS, SEPARATE
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
    read = _reader(take, scale, constants)
    build = _direct if machine.group == DC else _synchronous
    body, memory = build(machine, law, read, constants)
    return CLaw(constants, memory, body)


def torque_law_in_c(
    machine: Machine,
    law: Any,
    part: float,
    take: Sequence[tuple[int, int]],
    scale: NDArray[np.float64],
) -> CLaw:
    """Return torque control of a machine with a constant field and one voltage above that of its current, in C.

    Args:
        machine: The nominal machine.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        part: Part of the current's limit that may be used.
        take: As :func:`current_law_in_c`.
        scale: As :func:`current_law_in_c`.

    Raises:
        ValueError: For another machine.
    """
    _check_constant_field(machine, "torque")
    constants: Constants = {}
    read = _reader(take, scale, constants)
    wanted = [read("torque", S.reference_0, "N m"), *_armature(law, part, constants)]
    body, memory = _direct(machine, law, read, constants, wanted)
    return CLaw(constants, memory, body)


def speed_law_in_c(
    machine: Machine,
    law: Any,
    part: float,
    take: Sequence[tuple[int, int]],
    scale: NDArray[np.float64],
    *,
    commands: bool,
) -> CLaw:
    """Return speed control of a machine with a constant field and one voltage, in C.

    Args:
        machine: The nominal machine.
        law: Row of :data:`gym_suite.motors.controllers.laws.LAW`.
        part: Part of the current's limit that may be used.
        take: As :func:`current_law_in_c`.
        scale: As :func:`current_law_in_c`.
        commands: Whether a torque is commanded; otherwise the current's control stands below.

    Raises:
        ValueError: For another machine, or a reference that is observed in another unit than the speed.
    """
    _check_constant_field(machine, "speed")
    if scale[S.reference_0] != scale[S.omega]:
        raise ValueError(
            "speed control is exported as C where speed and reference are observed in parts of one full scale, got "
            f"{scale[S.omega]:g} and {scale[S.reference_0]:g} rad/s"
        )
    constants: Constants = {}
    read = _reader(take, scale, constants)
    constants["torque_limit"] = law[P.torque_limit], "N m, of a command of 1"
    followed, memory, kept = _followed(law, dict(take), scale, constants)
    wanted = read("wanted", S.reference_0, "rad/s")
    above = [
        *([wanted] if memory else []),  # without a memory of it the error is all that is needed
        *followed,
        *_demanded(law, constants),
        "const float torque = within(demanded, -torque_limit, torque_limit);",
        *_armature(law, part, constants),
        "const float realised = flux * wanted_a;",
        "const float apart = demanded - realised;",
        f"const float excess = apart > rounding || apart < -rounding ? apart : 0.0f;{_ROUNDED}",
    ]
    constants["rounding"] = TABLE_ERROR * law[P.torque_limit], "N m, an excess that is none"
    slope, updated = _integrated(
        "speed", law[L.ki_speed] * law[L.dt], law[L.back_gain_speed] * law[L.dt], law, constants,
        "N m s/rad", "excess",
    )  # fmt: skip
    above += [slope, *updated, *kept]
    memory["integral_speed"] = "N m, integral term of the speed"
    if commands:
        body = [read("omega", S.omega, "rad/s"), *above, "action[0] = torque / torque_limit;"]
        return CLaw(constants, memory, body)
    body, own = _direct(machine, law, read, constants, above)
    return CLaw(constants, memory | own, body)


#: What is said of the excess in the source.
_ROUNDED = " /* what a table would round is no limit */"


def _followed(
    law: Any, places: dict[int, int], scale: NDArray[np.float64], constants: Constants
) -> tuple[list[str], dict[str, str], list[str]]:
    """Return statements for the speed's error behind the reference's filter, what they remember, and what keeps that.

    What is left of a step decays towards zero, where single precision has digits to spare; the filtered reference
    itself would stand still in its last digits, and the integral would not. Both observations are subtracted before
    they are scaled, for the same reason.
    """
    reference, speed = (f"observation[{places[k]}]" for k in (S.reference_0, S.omega))
    ahead = f"({reference} - {speed}) * wanted_scale"
    statements = [f"const float ahead = {ahead};"]
    filtered, fed = law[L.prefilter] > 0.0, law[L.inertia] > 0.0
    if not filtered and not fed:
        return [*statements, "const float error_speed = ahead;"], {}, []
    memory = {"started": "1 after the first sample", "reference": "rad/s, that of the last sample"}
    kept = ["memory->started = 1.0f;", "memory->reference = wanted;"]
    before, lag = "wanted - memory->reference", "0.0f"
    if filtered:
        memory["lag"] = "rad/s, what the filter has left of the reference's steps"
        kept.append("memory->lag = lag;")
        constants["remaining"] = (
            1.0 - _share(law),
            "part of a step that is left after a sample of the reference's filter",
        )
        before, lag = f"{before} + memory->lag", "before * remaining"
    statements += [
        f"const float before = memory->started > 0.0f ? {before} : ahead;",
        f"const float lag = {lag};",
        "const float error_speed = ahead - lag;",
    ]
    return statements, memory, kept


def _demanded(law: Any, constants: Constants) -> list[str]:
    """Return statements for the torque that the law of the speed demands, with what is fed forward."""
    constants["kp_speed"] = law[L.kp_speed], "N m s/rad, proportional gain of the speed"
    if not law[L.inertia] > 0.0:
        return ["const float demanded = kp_speed * error_speed + memory->integral_speed;"]
    constants |= {
        "acceleration": (
            law[L.inertia] / law[L.dt] * _share(law),
            "N m s/rad, inertia over the period, times what a sample of the filter lets through",
        ),
        "friction": (law[L.friction], "N m, of either direction"),
        "viscous": (law[L.viscous], "N m s/rad"),
        "drag": (law[L.drag], "N m s^2/rad^2"),
        "slowest": (1e-3, "rad/s, below which friction has no direction"),
    }
    return [
        "const float target = wanted - lag;",
        "const float size = target < 0.0f ? -target : target;",
        "const float stuck = target > slowest ? friction : target < -slowest ? -friction : 0.0f;",
        "const float moved = memory->started > 0.0f ? acceleration * before : 0.0f;",
        "const float fed = moved + stuck + (viscous + drag * size) * target;",
        "const float demanded = kp_speed * error_speed + memory->integral_speed + fed;",
    ]


def _share(law: Any) -> float:
    """Return which part of a step of the reference a sample of its filter lets through."""
    if not law[L.prefilter] > 0.0:
        return 1.0
    return 1.0 - math.exp(-law[L.dt] / law[L.prefilter])


def _check_constant_field(machine: Machine, what: str) -> None:
    """Refuse machines whose torque is not one current times a constant."""
    if machine.group != DC or getattr(machine, "excitation", None) != MAGNETS:
        raise ValueError(
            f"{what} control is exported as C for machines of one current in a constant field, PermExDc and BLDC, not "
            f"for the {type(machine).__name__}"
        )


def _armature(law: Any, part: float, constants: Constants) -> list[str]:
    """Return statements for the current that gives a torque, or the nearest that voltage and limit allow."""
    low, high = chopper_range(law[P.quadrants_a], law[L.u_max])
    i_max = part * law[P.i_limit]
    constants |= {
        "flux": (law[P.psi_e], "Vs, magnets"),
        "r_a": (max(law[P.r_a], LEAST_RESISTANCE), "Ohm"),
        "u_low": (low, "V, least that operating points use"),
        "u_high": (high, "V, most that they use"),
        "i_least": (-i_max if int(law[P.quadrants_a]) > 1 else 0.0, "A"),
        "i_most": (i_max, "A"),
    }
    return [
        "const float induced = flux * omega;",
        "const float least = within((u_low - induced) / r_a, i_least, i_most);",
        "const float most = within((u_high - induced) / r_a, least, i_most);",
        "const float wanted_a = within(torque / flux, least, most);",
    ]


def _reader(
    take: Sequence[tuple[int, int]], scale: NDArray[np.float64], constants: Constants
) -> Callable[[str, int, str], str]:
    """Return what writes the statement that reads a column of what the law sees, and keeps its scale."""
    seen = {k: f"observation[{j}]" for k, j in take}

    def read(name: str, place: int, meaning: str) -> str:
        constants[f"{name}_scale"] = float(scale[place]), meaning
        return f"const float {name} = {seen[place]} * {name}_scale;"

    return read


def _learned(axis: str, number: int, law: Any, constants: Constants) -> tuple[list[str], list[str]]:
    """Return declarations and statements that update the integral term of an axis, as ``pi_update`` does."""
    tau = law[P.tau]
    slope, updated = _integrated(
        axis, law[L.ki_0 + number] * tau, law[L.back_gain_0 + number] * tau, law, constants,
        "V/A", f"(u_{axis} - real_{axis})",
    )  # fmt: skip
    return [slope], updated


def _integrated(
    axis: str,
    gain: float,
    back: float,
    law: Any,
    constants: Constants,
    unit: str,
    excess: str,
) -> tuple[str, list[str]]:
    """Return the declaration and the statements that update an integral term, as ``pi_update`` does.

    Args:
        axis: What its names end with.
        gain: Integral gain times the period.
        back: Back gain times the period.
        law: The law's row.
        constants: To add to.
        unit: Of the gain.
        excess: What is demanded beyond what is realised, in C.
    """
    constants[f"ki_tau_{axis}"] = gain, f"{unit}, integral gain a sample"
    slope = f"const float slope_{axis} = ki_tau_{axis} * error_{axis};"
    kind = int(law[L.anti_windup])
    if kind == CLAMPING:
        return slope, [
            f"if ({excess} * slope_{axis} <= 0.0f)",
            f"    memory->integral_{axis} += slope_{axis};",
        ]
    if kind == BACK_CALCULATION:
        constants[f"back_{axis}"] = min(back, 1.0), "part of the excess that a sample takes back"
        change = f"slope_{axis} - back_{axis} * {excess}"
        return slope, [f"memory->integral_{axis} += {change};"]
    return slope, [f"memory->integral_{axis} += slope_{axis};"]


def _direct(
    machine: Any,
    law: Any,
    read: Any,
    constants: Constants,
    wanted: Sequence[str] | None = None,
) -> tuple[list[str], dict[str, str]]:
    """Return statements and memory of the currents of a DC machine.

    Args:
        machine: The machine.
        law: The law's row.
        read: Of :func:`_reader`.
        constants: To add to.
        wanted: Statements that declare the armature's reference; None: it is observed.
    """
    magnets, series, mutual = (float(value) for value in dc_field(law))
    two, field = int(law[P.excitation]) == SEPARATE, len(machine.currents) > 1
    body = [read("i_a", S.current_0, "A, of an observed 1"), read("omega", S.omega, "rad/s")]
    if field:
        body.append(read("i_e", S.current_1, "A, excitation"))
    body += [read("wanted_a", S.reference_0, "A")] if wanted is None else wanted
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
