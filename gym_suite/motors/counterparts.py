"""Which environment stands for one of gym-electric-motor 3.0, and with which keyword arguments.

Supplies, loads and periods are the defaults of release 3.0.3. Its references, rewards and observations are not ours;
the page on moving over says what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gym_suite.core.parameters import unknown_error

#: Its machines as its ids name them, with ours.
MACHINES: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("PermExDc", "SeriesDc", "ShuntDc", "ExtExDc")},
        **{name: name for name in ("PMSM", "SynRM", "EESM", "SCIM", "DFIM")},
        "SIXPMSM": "SixPhasePMSM",
    }
)
#: Its tasks, and what stands for them in our ids.
TASKS: Mapping[str, str] = MappingProxyType({"CC": "", "TC": "-Torque", "SC": "-Speed"})
#: Its kinds of action, and what stands for them in our ids.
ACTIONS: Mapping[str, str] = MappingProxyType({"Cont": "", "Finite": "-Finite"})

#: All of its names.
GEM_IDS = tuple(
    f"{action}-{task}-{machine}-v0" for action in ACTIONS for machine in MACHINES for task in TASKS
)

#: What its machines do otherwise than ours, in a sentence each.
DIFFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "PermExDc": "At 1e-4 s the full voltage changes the current by more than its limit; our default is 1e-5 s.",
        "SeriesDc": "Its finite current and torque control have seven times the voltage limit as their supply.",
        "ShuntDc": "Its continuous torque control turns at 230 rad/s, ours may at 223.5 and does here at 220.",
        "ExtExDc": "Its speed control acts on both voltages without a torque control between; our default has one.",
        "PMSM": "Its torque is normalised by what the nominal current gives, ours by 0.9 of the limit's.",
        "SynRM": "Its supply of 420 V is over five times the voltage that the machine is meant for, 80 V.",
        "EESM": "Its default inductances are not passive; ours are the same numbers read as referred to the stator.",
        "SCIM": "It starts without flux, ours magnetised; its dq currents are in the frame of the true flux.",
        "DFIM": "It follows the stator's currents, ours those of the rotor as well.",
        "SIXPMSM": "It takes the mechanical speed for the electrical one in its current equations; ours does not.",
    }
)

_ALTERNATING = ("PMSM", "SynRM", "EESM", "SCIM", "DFIM", "SIXPMSM")
#: Friction a (N m) and b (N m s) of its free shafts, where they are not those of the machines of alternating current.
_FRICTION = {
    "PermExDc": (0.0, 0.0),
    "ExtExDc": (0.0, 0.0),
    "SeriesDc": (0.01, 0.05),
    "ShuntDc": (0.05, 0.01),
}
_FINITE_FRICTION = {"EESM": (0.0, 0.0), "SeriesDc": (0.15, 0.05)}


def from_gem_id(name: str) -> tuple[str, dict[str, Any]]:
    """Return the id, and the keyword arguments, with which an environment of gym-electric-motor is built here.

    They give its supply, load, period and kind of action: phase voltages that act at once, in place of ours in the
    rotor's frame that act a period late. References, reward and observation are ours::

        id, keywords = from_gem_id("Cont-CC-PMSM-v0")
        env = gymnasium.make(id, **keywords)

    Args:
        name: Its name there, as in :data:`GEM_IDS`.

    Raises:
        ValueError: If release 3.0.3 has no such name; with the nearest one that it has.
    """
    if name not in GEM_IDS:
        raise unknown_error("id of gym-electric-motor", name, GEM_IDS)
    action, task, machine, _ = name.split("-")
    finite = action == "Finite"
    keywords: dict[str, Any] = {
        "machine": {"u_dc": _supply(action, task, machine)},
        "load": _load(task, machine, finite),
        "tau": 1e-5 if finite and machine != "SIXPMSM" else 1e-4,
        "dead_time": False,
    }
    if not finite and machine in _ALTERNATING:
        keywords["frame"] = "abc"
    if not finite and task == "SC":
        keywords["control"] = "voltage"
    if name == "Cont-TC-ShuntDc-v0":
        keywords["load"]["omega"] = 220.0
    return f"gem/{MACHINES[machine]}{TASKS[task]}{ACTIONS[action]}-v0", keywords


def _supply(action: str, task: str, machine: str) -> float:
    """Return the nominal voltage of its supply, V."""
    if machine == "SIXPMSM":
        return 300.0
    if machine in ("PMSM", "EESM"):
        return 300.0 if (action, task) == ("Cont", "CC") else 420.0
    if machine in _ALTERNATING or ((action, machine) == ("Finite", "SeriesDc") and task != "SC"):
        return 420.0
    return 60.0


def _load(task: str, machine: str, finite: bool) -> dict[str, Any]:
    """Return what its shaft carries."""
    if task != "SC":
        return {"kind": "constant_speed", "omega": 100.0}
    a, b = _FRICTION.get(machine, (0.01, 0.01))
    if finite:
        a, b = _FINITE_FRICTION.get(machine, (a, b))
    inertia = (
        1e-5 if machine in _ALTERNATING else 1e-3 if finite and machine == "PermExDc" else 1e-4
    )
    return {"kind": "polynomial_static", "a": a, "b": b, "j_load": inertia}
