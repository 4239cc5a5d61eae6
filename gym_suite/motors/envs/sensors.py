"""Sensors: from the keyword argument to bounds of an episode's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gym_suite.core.parameters import check_keywords, check_number
from gym_suite.motors.envs.options import Options
from gym_suite.motors.machines import DC, SYNCHRONOUS, Machine
from gym_suite.motors.quantities import SENSORS

#: Full scale of a current sensor's converter as a part of the current's limit, unless one is given: room for overshoots
#: until the drive trips, and for the sensor's own errors.
USUAL_RANGE = 1.25
#: Bounds of a full scale that is given, as parts of the current's limit: a converter that tells less of the current
#: than the least measures next to nothing of what the drive does.
LEAST_RANGE, MOST_RANGE = 0.05, 1e3
#: Largest error of a gain; largest error of a resolver, rad electrical.
MOST_GAIN, MOST_RESOLVER = 0.5, 0.25
MOST_BITS, MOST_LINES = 32, 10_000_000

Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """What the sensors of a drive are off by; by default nothing.

    A number holds for every sensor of its kind. A pair is the bounds between which each sensor's number is drawn at
    each reset. Gain, offset and range of current sensors may be given for single ones, in a mapping by the names of
    :func:`current_sensors`.

    Attributes:
        current_gain: Error of a current sensor's gain: 0.01 tells 1 % too much.
        current_offset: What a current sensor tells where there is no current, A.
        current_noise: Standard deviation of a current sensor, A.
        current_bits: Bits of the converters behind the current sensors; 0: none, they tell any number.
        current_range: Full scale of these converters, of either sign, A; from 0.05 to 1000 times the current's limit;
            None: 1.25 times it.
        encoder_lines: Lines of an incremental encoder, which counts four edges each, and which tells the speed by those
            that pass in a control period; 0: none.
        encoder_offset: What it is turned by against the rotor, rad of the shaft.
        resolver_first: Amplitude of a resolver's error once an electrical turn, rad electrical.
        resolver_second: Amplitude of the error that it has twice an electrical turn, rad electrical.
    """

    current_gain: Any = 0.0
    current_offset: Any = 0.0
    current_noise: Any = 0.0
    current_bits: int = 0
    current_range: Any = None
    encoder_lines: int = 0
    encoder_offset: Any = 0.0
    resolver_first: Any = 0.0
    resolver_second: Any = 0.0


def current_sensors(machine: Machine) -> tuple[str, ...]:
    """Return the names of a machine's current sensors: DC machines' currents, phases without the third of each star."""
    if machine.group == DC:
        return tuple(machine.currents)
    return tuple(name for name in machine.phases if "c" not in name)


def _limits(machine: Machine) -> list[float]:
    """Return the limit of the current at each of a machine's sensors, A."""
    limits = []
    for name in current_sensors(machine):
        limit = machine.currents.get(name, "i_e_limit" if name == "e" else "i_limit")
        limits.append(float(getattr(machine, limit)))
    return limits


def _bounds(name: str, value: object, **limits: Any) -> Bounds:
    """Return a number as two equal bounds, or a pair of them."""
    pair = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value, value)
    if isinstance(value, str) or len(pair) != 2:
        raise ValueError(f"{name} takes a number or a pair of bounds, got {value!r}")
    low, high = (check_number(name, number, **limits) for number in pair)
    if low > high:
        raise ValueError(f"{name}: the lower bound {low:g} is above the upper one {high:g}")
    return low, high


def _each(name: str, value: object, machine: Machine, usual: Sequence[Any]) -> list[Any]:
    """Return what was given for each current sensor, with its name; the usual where a mapping leaves one out."""
    if not isinstance(value, Mapping):
        return [value] * len(usual)
    names = current_sensors(machine)
    check_keywords(value, names, f"current sensor in sensors {name}")
    return [value.get(sensor, one) for sensor, one in zip(names, usual, strict=True)]


def ideal_sensors(*, shaft: bool = True) -> np.ndarray:
    """Return the table ``sensors`` of ideal ones: no row, or where the shaft has none two rows of zeros.

    Args:
        shaft: Whether the shaft has a sensor; without one its angle has no part in what is observed.
    """
    return np.zeros((0 if shaft else 2, len(SENSORS)))


def check_sensorless(options: Options, machine: Machine) -> None:
    """Refuse what operation without a sensor of the shaft does not go together with.

    Raises:
        ValueError: For another machine than one with d and q windings alone, or voltages in the rotor's frame.
    """
    if machine.group != SYNCHRONOUS:
        raise ValueError(
            "operation without a sensor of the shaft is for machines with d and q windings alone, not for a "
            f"{machine.words}"
        )
    if options.frame != "abc":
        raise ValueError(
            f"frame={options.frame!r} turns a voltage by the rotor's angle, which nobody measures here; take "
            "frame='abc'"
        )


def read_sensors(given: object, machine: Machine, *, shaft: bool = True) -> np.ndarray:
    """Return the table ``sensors``: lowest and highest numbers of an episode, or the ideal ones'.

    Args:
        given: None, :class:`Sensors`, or a mapping of its attributes.
        machine: The machine.
        shaft: Whether the shaft has a sensor.

    Raises:
        ValueError: For an unknown name, naming the nearest, a number out of bounds, or numbers that contradict.
    """
    names = tuple(one.name for one in fields(Sensors))
    if given is None:
        return ideal_sensors(shaft=shaft)
    if not isinstance(given, Sensors):
        if not isinstance(given, Mapping):
            raise ValueError(f"sensors takes a mapping with {', '.join(names)}, got {given!r}")
        check_keywords(given, names, "number of sensors")
        given = Sensors(**given)
    of_shaft = _shaft_bounds(given)
    if not shaft and any(map(any, of_shaft.values())):
        named = ", ".join(name for name, pair in of_shaft.items() if any(pair))
        raise ValueError(f"sensors {named}: the shaft of this id has no sensor that could be off")
    bounds = _current_bounds(given, machine) | of_shaft
    table = np.array([bounds.get(name, (0.0, 0.0)) for name in SENSORS.names]).T.copy()
    ideal = not any(np.any(table[:, SENSORS.index(name)]) for name in bounds if "range" not in name)
    return ideal_sensors(shaft=shaft) if ideal else table


def _current_bounds(given: Sensors, machine: Machine) -> dict[str, Bounds]:
    """Return the bounds of the current sensors' numbers by column."""
    limits = _limits(machine)
    bits = check_number(
        "sensors current_bits", given.current_bits, low=0, high=MOST_BITS, integer=True
    )
    if bits == 1:
        raise ValueError("sensors current_bits must be 0 (no converter) or lie in [2, 32], got 1")
    if given.current_range is not None and not bits:
        raise ValueError(
            "sensors current_range is the full scale of a converter: give its current_bits too"
        )
    noise = _bounds("sensors current_noise", given.current_noise, low=0.0, high=max(limits))
    bounds = {"current_bits": (bits, bits), "current_noise": noise}
    none = [0.0] * len(limits)
    gains = _each("current_gain", given.current_gain, machine, none)
    offsets = _each("current_offset", given.current_offset, machine, none)
    usual = [USUAL_RANGE * limit for limit in limits]
    ranges = usual
    if given.current_range is not None:
        ranges = _each("current_range", given.current_range, machine, usual)
    for k, limit in enumerate(limits):
        bounds[f"gain_{k}"] = _bounds(
            "sensors current_gain", gains[k], low=-MOST_GAIN, high=MOST_GAIN
        )
        bounds[f"offset_{k}"] = _bounds(
            "sensors current_offset", offsets[k], low=-limit, high=limit
        )
        scale = check_number("sensors current_range", ranges[k], above=0.0, high=MOST_RANGE * limit)
        if scale < LEAST_RANGE * limit:
            raise ValueError(
                f"sensors current_range, the full scale of a converter, must be {LEAST_RANGE * limit:g} A at least, "
                f"{LEAST_RANGE:g} times the current's limit, got {scale:g} A"
            )
        bounds[f"range_{k}"] = (scale, scale)
    return bounds


def _shaft_bounds(given: Sensors) -> dict[str, Bounds]:
    """Return the bounds of the encoder's and the resolver's numbers by column."""
    lines = check_number(
        "sensors encoder_lines", given.encoder_lines, low=0, high=MOST_LINES, integer=True
    )
    bounds = {
        "encoder_lines": (lines, lines),
        "encoder_offset": _bounds(
            "sensors encoder_offset", given.encoder_offset, low=-math.pi, high=math.pi
        ),
    }
    harmonics = {
        name: _bounds(f"sensors {name}", getattr(given, name), low=0.0, high=MOST_RESOLVER)
        for name in ("resolver_first", "resolver_second")
    }
    if any(bounds["encoder_offset"]) and not lines:
        raise ValueError("sensors encoder_offset is of an encoder: give its encoder_lines too")
    if lines and any(high for _, high in harmonics.values()):
        told = " and ".join(
            f"{name} is {low:g}" if low == high else f"{name} lies between {low:g} and {high:g}"
            for name, (low, high) in harmonics.items()
            if high
        )
        raise ValueError(
            f"sensors takes an encoder or a resolver, not both: encoder_lines is {lines:g}, and {told}"
        )
    return bounds | harmonics


def plain_sensors(given: Any) -> dict[str, Any] | None:
    """Return what was given in a form that JSON can hold."""
    if given is None:
        return None
    shown = asdict(given) if isinstance(given, Sensors) else dict(given)

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: plain(inner) for name, inner in value.items()}
        return [float(one) for one in value] if isinstance(value, Sequence | np.ndarray) else value

    return {name: plain(value) for name, value in shown.items()}
