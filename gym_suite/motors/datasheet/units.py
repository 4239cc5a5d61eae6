"""Units as makers of machines write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from gym_suite.core.parameters import check_number, unknown_error
from gym_suite.motors.machines.base import RPM

#: Exact by definition: the pound (kg) and the inch (m) of 1959, the standard acceleration (m/s^2).
_POUND, _INCH, _GRAVITY = 0.45359237, 0.0254, 9.80665
_OUNCE = _POUND / 16.0
_TORQUES = {
    **{"N m": 1.0, "mN m": 1e-3, "N cm": 1e-2},
    **{"oz in": _OUNCE * _GRAVITY * _INCH, "lb in": _POUND * _GRAVITY * _INCH},
    **{"kgf cm": _GRAVITY * 1e-2, "gf cm": _GRAVITY * 1e-5},
}
_SPEEDS = {"rad/s": 1.0, "rpm": RPM, "krpm": 1000.0 * RPM, "1/s": 2.0 * math.pi}
#: Quantity to the units of makers, each with what one of it is in SI units, which stand first.
UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "resistance": {"Ohm": 1.0, "mOhm": 1e-3},
        "inductance": {"H": 1.0, "mH": 1e-3, "uH": 1e-6},
        "voltage": {"V": 1.0, "kV": 1e3},
        "current": {"A": 1.0, "mA": 1e-3},
        "speed": _SPEEDS,
        "torque": _TORQUES,
        "inertia": {
            **{"kg m^2": 1.0, "kg cm^2": 1e-4, "g cm^2": 1e-7, "kg mm^2": 1e-6},
            **{"oz in^2": _OUNCE * _INCH**2, "lb in^2": _POUND * _INCH**2},
            **{"oz in s^2": _OUNCE * _GRAVITY * _INCH, "lb in s^2": _POUND * _GRAVITY * _INCH},
        },
        "k_e": {"V s/rad": 1.0, "mV s/rad": 1e-3, **{f"V/{n}": 1.0 / s for n, s in _SPEEDS.items()}}
        | {"mV/rpm": 1e-3 / RPM},
        "kv": {"rad/(V s)": 1.0, "rpm/V": RPM},
        "k_t": {f"{name}/A": size for name, size in _TORQUES.items()},
    }
)
#: Signs of makers, and what stands for them here: Greek capital omega and the sign for Ohm, the sign for micro and
#: Greek mu, and a raised two.
_SIGNS = str.maketrans(
    {"\u03a9": "Ohm", "\u2126": "Ohm", "\u00b5": "u", "\u03bc": "u", "\u00b2": "^2"}
)
#: What makers write between the parts of a unit: nothing, a space, a hyphen, a dot.
_BETWEEN = re.compile(r"[\s.*\-\u00b7\u22c5]")


def in_si(name: str, quantity: str, value: object) -> float:
    """Return a number in SI units of one as the maker writes it.

    Args:
        name: What it is called where it stands.
        quantity: One of :data:`UNITS`.
        value: A text of a number and its unit, or a number in SI units.

    Raises:
        ValueError: If it is no number above 0 with a unit of this quantity, naming the nearest unit.
    """
    units = UNITS[quantity]
    if not isinstance(value, str):
        return check_number(name, value, above=0.0)
    parts = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*", value)
    if parts is None or not parts[2] or not parts[2][0].isalnum():
        raise ValueError(
            f"{name} must be a number with its unit such as '1.5 {next(iter(units))}', got {value!r}"
        )
    amount, unit = parts.groups()
    sizes = {_spelling(known): size for known, size in units.items()}
    if _spelling(unit) not in sizes:
        raise unknown_error(f"unit of {name}", unit, units)
    return check_number(name, float(amount), above=0.0) * sizes[_spelling(unit)]


def _spelling(unit: str) -> str:
    """Return what spellings of one unit have in common."""
    plain = _BETWEEN.sub("", unit.translate(_SIGNS))
    return re.sub(r"ohms?$", "Ohm", plain, flags=re.IGNORECASE)
