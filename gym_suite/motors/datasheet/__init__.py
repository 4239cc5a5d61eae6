"""A maker's data sheet as a machine: numbers in the maker's units and conventions, and what had to be assumed.

A form is a TOML file, one line a number of the sheet, in quotation marks with its unit:

kind = "PMSM"                  # or "PermExDc"
pole_pairs = 8                 # or poles = 16; of a DC machine neither
resistance = "0.573 Ohm"
inductance = "0.301 mH"
winding = "line-line"          # between which ends these two are measured; or "phase"
kv = "236 rpm/V"               # or k_t = "40.4 mN m/A", or k_e = "4.23 V/krpm"
current = "3.29 A"
current_of = "block"           # or "rms", "amplitude": what the current and k_t are counted in
inertia = "181 g cm^2"         # may be left out, and is assumed then
voltage = "24 V"
speed = "4750 rpm"

A number without quotation marks is in SI units. Units are read as makers write them: N m is Nm too, oz in is oz-in, and
the Greek letters for Ohm and micro are known.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gym_suite.core.parameters import check_keywords, check_number, check_option
from gym_suite.motors.datasheet.units import UNITS, in_si
from gym_suite.motors.machines import PMSM, Machine, PermExDc
from gym_suite.motors.machines.files import write_machine_file

_SQRT2, _SQRT3 = math.sqrt(2.0), math.sqrt(3.0)
#: What a form says: name to the quantity that it is.
NUMBERS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in UNITS},
        "inductance_q": "inductance",
        "peak_current": "current",
        "max_speed": "speed",
    }
)
#: Convention to what makes of a resistance or an inductance that of one phase in a star.
WINDINGS: Mapping[str, float] = MappingProxyType({"line-line": 0.5, "phase": 1.0})
#: Convention to what makes of a current the amplitude of sinusoidal currents: of block commutation, in which two phases
#: conduct, that of the same loss in the winding.
CURRENTS: Mapping[str, float] = MappingProxyType(
    {"rms": _SQRT2, "amplitude": 1.0, "block": 2.0 / _SQRT3}
)
#: Convention to what makes of an induced voltage the amplitude of one phase.
VOLTAGES: Mapping[str, float] = MappingProxyType(
    {
        "line-line peak": 1.0 / _SQRT3,
        "line-line rms": _SQRT2 / _SQRT3,
        "phase peak": 1.0,
        "phase rms": _SQRT2,
    }
)
#: Design values where a sheet is silent: peak over nominal current, highest over nominal speed.
PEAK, FASTEST = 1.5, 1.25
#: What two numbers of a sheet that say the same may differ by; makers round, and give tolerances of some 10 %.
APART = 0.15
#: Design values, with room for stall currents and for windings that are fed with a low voltage: most of the highest
#: current over the nominal one, and of the highest speed over that at which the magnets induce the nominal voltage.
MOST_PEAK, MOST_FASTEST = 100.0, 20.0
#: Bounds of r i / u and of l / r (s), outside of which a number is likelier in another unit.
DROP, TIME_CONSTANT = (1e-4, 0.9), (1e-6, 1.0)
#: The least of the same of l i over the flux of the magnets; of RE 40, whose winding has no iron, it is 0.016.
LEAST_FLUX = 2e-3
#: The same of the voltage that is induced at a nominal speed of the sheet, over the nominal one: of the machine's own
#: and that with the resistance's drop.
MOST_INDUCED, LEAST_TAKEN = 1.5, 0.2
#: The same of the time in which the nominal torque brings the rotor to the nominal speed, s; and that time of a rotor
#: whose inertia is not given, which lies between those of maxon's RE 40 (0.058 s) and EC 45 flat, 70 W (0.067 s).
RUN_UP, USUAL_RUN_UP = (1e-4, 100.0), 0.06
#: The same of p omega_nominal l i / u.
MOST_REACTANCE = 3.0

_WORDS = ("kind", "name", "winding", "current_of", "k_e_of", "pole_pairs", "poles")


@dataclass(frozen=True, slots=True)
class DataSheet:
    """A machine from a data sheet.

    Attributes:
        name: What the form calls it.
        machine: The machine.
        assumed: What the sheet does not say and was assumed, a sentence each.
    """

    name: str
    machine: Machine
    assumed: tuple[str, ...]

    def save(self, path: str | Path) -> None:
        """Write the machine file that ``machine=`` takes, with what was assumed in its head."""
        numbers = {"kind": type(self.machine).__name__, **asdict(self.machine)}  # type: ignore[call-overload]
        write_machine_file(path, str(self), numbers)

    def __str__(self) -> str:
        kind = type(self.machine).__name__
        lines = [f"{kind} from the data sheet of {self.name}."]
        lines += [f"assumed: {sentence}" for sentence in self.assumed]
        return "\n".join(lines)


def read_datasheet(form: str | Path | Mapping[str, Any]) -> DataSheet:
    """Return the machine of a data sheet.

    The flux follows from one of kv, k_e and k_t: the amplitude of a phase's voltage is p psi omega, that between lines
    sqrt(3) of it, and the torque 3/2 p psi i; of a DC machine k_e = k_t = psi. Where a sheet gives two, they must
    agree.

    Args:
        form: TOML file, or the mapping in it, as the module's description says.

    Raises:
        ValueError: For a form that cannot be read, an unknown entry or unit (naming the nearest), a number that is
            missing, or numbers that do not fit together, naming the unit or the convention that is likely wrong.
    """
    name, given = _form(form)
    check_keywords(given, (*_WORDS, *NUMBERS), "entry of a data sheet")
    if "kind" not in given:
        raise ValueError(f'the data sheet {name} lacks its kind: kind = "PMSM" or "PermExDc"')
    kind = check_option("kind of a data sheet", given["kind"], ("PMSM", "PermExDc"))
    name = str(given.get("name", name))
    numbers = {n: in_si(n, NUMBERS[n], given[n]) for n in NUMBERS if n in given}
    for needed in ("resistance", "inductance", "voltage", "current"):
        if needed not in numbers:
            raise ValueError(f"the data sheet {name} lacks {needed}, and nothing else says it")
    for nominal, most in (("current", "peak_current"), ("speed", "max_speed")):
        if most in numbers and numbers[most] < numbers.get(nominal, 0.0):
            raise ValueError(
                f"the data sheet {name}: {most} is {numbers[most] / numbers[nominal]:.3g} times {nominal}, and must "
                "not be below it; check their units"
            )
    sheet = _direct if kind == "PermExDc" else _synchronous
    machine, assumed = sheet(name, given, numbers)
    _check_scales(name, machine, numbers, given)
    return DataSheet(name, machine, tuple(assumed))


def _form(form: str | Path | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(form, Mapping):
        return "a motor", dict(form)
    path = Path(form)
    try:
        return path.stem, tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ValueError(f"the data sheet {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the data sheet {path} is no TOML: {error}") from None


def _listed(names: Iterable[str]) -> str:
    """Return names as words."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _plain_numbers(given: Mapping[str, Any], entries: Iterable[str]) -> str:
    """Return a hint to the unit of those entries that have none."""
    bare = [one for one in entries if one in given and not isinstance(given[one], str)]
    if not bare:
        return ""
    return f"; what is not in quotation marks ({_listed(bare)}) is in SI units"


def _fluxes(given: Mapping[str, Any]) -> list[str]:
    """Return the entries of a form that say the flux."""
    return [entry for entry in ("kv", "k_e", "k_t") if entry in given]


def _speeds(given: Mapping[str, Any]) -> list[str]:
    """Return the entry of a form that says the nominal speed, or those that it follows from."""
    return ["speed"] if "speed" in given else ["voltage"]


def _convention(
    name: str,
    given: Mapping[str, Any],
    usual: str,
    known: Mapping[str, float],
    assumed: list[str],
    of: str,
) -> float:
    """Return the factor of a convention, and note where it was assumed."""
    if name not in given:
        others = ", ".join(repr(other) for other in known if other != usual)
        assumed.append(f"{name} = {usual!r}: the sheet does not say what {of} (or {others})")
    return known[check_option(name, given.get(name, usual), known)]


def _agreed(name: str, told: Mapping[str, float], hint: str) -> float:
    """Return the flux that the first of a sheet's constants says, where the others agree."""
    if not told:
        raise ValueError(
            f"the data sheet {name} needs one of kv, k_e and k_t, from which the flux follows"
        )
    (first, flux), *others = told.items()
    for other, value in others:
        if abs(value / flux - 1.0) > APART:
            raise ValueError(
                f"the data sheet {name}: {other} says {value / flux:.3g} times the flux that {first} says; {hint}"
            )
    return flux


def _synchronous(
    name: str, given: Mapping[str, Any], numbers: Mapping[str, float]
) -> tuple[Machine, list[str]]:
    assumed: list[str] = []
    if "k_e_of" in given and "k_e" not in given:
        raise ValueError(
            f"the data sheet {name}: k_e_of says which voltage k_e is of, and there is no k_e"
        )
    pairs = _pole_pairs(name, given)
    of_one = _convention(
        "winding",
        given,
        "line-line",
        WINDINGS,
        assumed,
        "resistance and inductance are measured between",
    )
    amplitude = _convention(
        "current_of", given, "rms", CURRENTS, assumed, "current and k_t are counted in"
    )
    told = {}
    if "kv" in numbers:
        told["kv"] = VOLTAGES["line-line peak"] / (numbers["kv"] * pairs)
        assumed.append("kv is the speed over the amplitude of the voltage between lines")
    if "k_e" in numbers:
        part = _convention(
            "k_e_of", given, "line-line peak", VOLTAGES, assumed, "voltage k_e is of"
        )
        told["k_e"] = numbers["k_e"] * part / pairs
    if "k_t" in numbers:
        told["k_t"] = numbers["k_t"] / (1.5 * pairs * amplitude)
    flux = _agreed(name, told, "check units, pole pairs, k_e_of and current_of")
    current = numbers["current"] * amplitude
    torque = 1.5 * pairs * flux * current
    idle = numbers["voltage"] / (_SQRT3 * pairs * flux)
    plate = _plate(numbers, current, amplitude, idle, torque, assumed)
    inductance = numbers["inductance"] * of_one
    if "inductance_q" not in numbers:
        assumed.append("l_q = l_d: one inductance is given, as of magnets on the surface")
    machine = PMSM(
        p=pairs,
        r_s=numbers["resistance"] * of_one,
        l_d=inductance,
        l_q=numbers.get("inductance_q", numbers["inductance"]) * of_one,
        psi_p=flux,
        **plate,
    )
    _check_torque(name, numbers, torque, assumed)
    _check_speed(name, machine.omega_nominal * pairs * flux * _SQRT3, numbers, given)
    _check_run_up(name, machine, torque, given)
    _check_limits(name, machine, idle, given)
    _check_inductances(name, machine, flux, given)
    return machine, assumed


def _direct(
    name: str, given: Mapping[str, Any], numbers: Mapping[str, float]
) -> tuple[Machine, list[str]]:
    for word in ("pole_pairs", "poles", "winding", "current_of", "k_e_of", "inductance_q"):
        if word in given:
            raise ValueError(f"the data sheet {name}: a PermExDc has no {word}")
    assumed: list[str] = []
    told = {"kv": 1.0 / numbers["kv"]} if "kv" in numbers else {}
    told = {n: numbers[n] for n in ("k_t", "k_e") if n in numbers} | told
    flux = _agreed(name, told, "check their units")
    torque, idle = flux * numbers["current"], numbers["voltage"] / flux
    plate = _plate(numbers, numbers["current"], 1.0, idle, torque, assumed)
    machine = PermExDc(r_a=numbers["resistance"], l_a=numbers["inductance"], psi_e=flux, **plate)
    _check_torque(name, numbers, torque, assumed)
    _check_speed(name, machine.omega_nominal * flux, numbers, given)
    _check_run_up(name, machine, torque, given)
    _check_limits(name, machine, idle, given)
    _check_inductances(name, machine, flux, given)
    return machine, assumed


def _pole_pairs(name: str, given: Mapping[str, Any]) -> int:
    if ("pole_pairs" in given) == ("poles" in given):
        raise ValueError(f"the data sheet {name} needs pole_pairs or poles, one of them")
    if "poles" not in given:
        return _whole("pole_pairs", given["pole_pairs"], low=1)
    poles = _whole("poles", given["poles"], low=2)
    if poles % 2:
        raise ValueError(f"poles come in pairs, got {poles}")
    return poles // 2


def _whole(name: str, value: object, *, low: int) -> int:
    """Return a whole number, which may stand in quotation marks as the others do."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return int(check_number(name, value, low=low, integer=True))


def _plate(
    numbers: Mapping[str, float],
    current: float,
    amplitude: float,
    idle: float,
    torque: float,
    assumed: list[str],
) -> dict[str, float]:
    """Return the numbers of the plate, with what is not on it assumed.

    Args:
        numbers: What the sheet says, SI.
        current: Nominal current, A, amplitude.
        amplitude: What makes an amplitude of the sheet's currents.
        idle: Speed at which the induced voltage is all that the link gives, rad/s.
        torque: What flux and nominal current give, N m.
        assumed: Sentences, to which are added those on what is assumed here.
    """
    peak = numbers["peak_current"] * amplitude if "peak_current" in numbers else PEAK * current
    if "peak_current" not in numbers:
        assumed.append(
            f"i_limit = {peak:.4g} A: {PEAK:g} times the nominal current, no peak is given"
        )
    speed = numbers.get("speed", min(idle, numbers.get("max_speed", idle)))
    if "speed" not in numbers:
        why = "where the induced voltage is the nominal one" if speed == idle else "max_speed"
        assumed.append(f"omega_nominal = {speed:.4g} rad/s: {why}")
    fastest = numbers.get("max_speed", FASTEST * speed)
    if "max_speed" not in numbers:
        assumed.append(f"omega_limit = {fastest:.4g} rad/s: {FASTEST:g} times the nominal speed")
    inertia = numbers.get("inertia", USUAL_RUN_UP * torque / speed)
    if "inertia" not in numbers:
        assumed.append(
            f"j_rotor = {inertia:.4g} kg m^2: that of a rotor which the nominal torque ({torque:.4g} N m) brings to "
            f"the nominal speed in {USUAL_RUN_UP:g} s, no inertia is given"
        )
    return {
        "j_rotor": inertia,
        "i_nominal": current,
        "i_limit": peak,
        "omega_nominal": speed,
        "omega_limit": fastest,
        "u_dc": numbers["voltage"],
    }


def _check_torque(name: str, numbers: Mapping[str, float], own: float, assumed: list[str]) -> None:
    """Compare the nominal torque with what flux and nominal current give, which friction and iron lower."""
    if "torque" not in numbers:
        return
    ratio = numbers["torque"] / own
    if not 0.5 < ratio < 1.3:
        raise ValueError(
            f"the data sheet {name}: the torque is {ratio:.3g} times what flux and current give ({own:.4g} N m); check "
            "units, current_of and k_e_of"
        )
    if abs(ratio - 1.0) > APART:
        assumed.append(
            f"nothing of the nominal torque: it is {ratio:.3g} times what flux and current give ({own:.4g} N m)"
        )


def _check_speed(
    name: str, induced: float, numbers: Mapping[str, float], given: Mapping[str, Any]
) -> None:
    """Compare what is induced at the nominal speed with the voltage, of which resistance and magnets take most."""
    voltage = numbers["voltage"]
    entries = ["voltage", "speed", *_fluxes(given)]
    said = (
        f"the data sheet {name}: at the nominal speed the machine induces {induced:.4g} V "
        f"and is given {voltage:.4g} V; check the units of {_listed(entries)}{_plain_numbers(given, entries)}"
    )
    if induced > MOST_INDUCED * voltage:
        raise ValueError(said)
    taken = induced + numbers["resistance"] * numbers["current"]
    if "speed" in numbers and taken < LEAST_TAKEN * voltage:
        raise ValueError(said)


def _misfit(
    name: str, said: str, first: str, others: Iterable[str], given: Mapping[str, Any]
) -> ValueError:
    """Return the error for a ratio of several entries, any of which may be the wrong one."""
    others = list(dict.fromkeys(others))
    return ValueError(
        f"the data sheet {name}: {said}; check the unit of the {first}, or of what enters this beside it: "
        f"{_listed(others)}"
        f"{_plain_numbers(given, (first, *others))}"
    )


def _check_scales(
    name: str, machine: Machine, numbers: Mapping[str, float], given: Mapping[str, Any]
) -> None:
    """Refuse a resistance or an inductance that no machine of these nominal values has."""
    drop = numbers["resistance"] * numbers["current"] / numbers["voltage"]
    if not DROP[0] < drop < DROP[1]:
        said = f"the resistance drops {drop:.3g} of the voltage at the nominal current"
        raise _misfit(name, said, "resistance", ("current", "voltage"), given)
    time = 1.0 / max(machine.decays())
    if not TIME_CONSTANT[0] < time < TIME_CONSTANT[1]:
        said = f"inductance over resistance is {time:.3g} s"
        raise _misfit(name, said, "inductance", ("resistance",), given)


def _check_inductances(name: str, machine: Machine, flux: float, given: Mapping[str, Any]) -> None:
    """Refuse an inductance whose flux or voltage at nominal speed and current is none of a machine with this flux."""
    taken = machine.pairs * machine.omega_nominal * machine.i_nominal / machine.u_dc
    own = {"inductance": "l_d" if isinstance(machine, PMSM) else "l_a", "inductance_q": "l_q"}
    for entry, symbol in own.items():
        inductance = getattr(machine, symbol, None)
        if inductance is None:
            continue
        part = taken * inductance
        if part > MOST_REACTANCE:
            said = (
                f"at the nominal speed and current the {entry} takes {part:.3g} times the voltage"
            )
            others = "current", *_speeds(given), "voltage"
            raise _misfit(name, said, entry, others, given)
        part = inductance * machine.i_nominal / flux
        if part < LEAST_FLUX:
            said = (
                f"the nominal current has by the {entry} {part:.3g} times the flux of the magnets"
            )
            raise _misfit(name, said, entry, ("current", *_fluxes(given)), given)


def _check_run_up(name: str, machine: Machine, torque: float, given: Mapping[str, Any]) -> None:
    """Refuse an inertia that a torque (N m) turns up to the nominal speed sooner or later than that of any machine."""
    seconds = machine.j_rotor * machine.omega_nominal / torque
    if not RUN_UP[0] < seconds < RUN_UP[1]:
        said = f"the nominal torque would bring the rotor to the nominal speed in {seconds:.3g} s"
        raise _misfit(name, said, "inertia", ("current", *_speeds(given), *_fluxes(given)), given)


def _check_limits(name: str, machine: Machine, idle: float, given: Mapping[str, Any]) -> None:
    """Refuse a highest current or speed that is out of all proportion to the nominal ones.

    Args:
        name: Of the sheet.
        machine: The machine.
        idle: Speed at which the induced voltage is the nominal one, rad/s.
        given: The form.
    """
    peak = machine.i_limit / machine.i_nominal
    if peak > MOST_PEAK:
        said = f"peak_current is {peak:.3g} times current, and may be {MOST_PEAK:g} times"
        raise _misfit(name, said, "peak_current", ("current",), given)
    fastest = machine.omega_limit / max(idle, machine.omega_nominal)
    if fastest > MOST_FASTEST:
        said = (
            f"max_speed is {fastest:.3g} times the speed at which the nominal voltage is induced, and may be "
            f"{MOST_FASTEST:g} times"
        )
        others = "voltage", "speed", *_fluxes(given)
        raise _misfit(name, said, "max_speed", (one for one in others if one in given), given)
