"""How exactly our controllers follow the references of gym-electric-motor, beside its own controllers and what can be.

``moving/gem-errors.json`` is written by this script, never by hand, and takes some minutes::

    python docs/peer_errors.py

References are those of ``peer_walks.py``, on which ``peer_runs.py`` has recorded its controllers: both sides follow the
same numbers. ``peer_bounds.py`` says what no controller can be better than.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray
from peer_bounds import (
    Currents,
    Shunt,
    least_errors,
    least_flux_error,
    least_shunt_error,
    least_speed_error,
)
from peer_walks import JUDGED, NAMES, STEPS, courses

import gym_suite
from gym_suite.motors.controllers.field_oriented import machine_of
from gym_suite.motors.counterparts import from_gem_id

FILE = Path(__file__).with_name("moving") / "gem-errors.json"
RUNS = Path(__file__).with_name("moving") / "gem-runs.json"

#: Control period of its continuous ids, s.
PERIOD = 1e-4
#: Operating points need no margin for a machine that is known.
KNOWN: Mapping[str, Any] = {"voltage_margin": 1.0, "current_margin": 0.95}
#: The controller that is judged besides `pi`, with those of its settings that are not the default: one with the model,
#: or `pi` without the filter of steps, which a reference that moves in every period does not need.
BEST: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Cont-CC-PermExDc-v0": ("deadbeat", {}),
    "Cont-CC-SeriesDc-v0": ("deadbeat", {}),
    "Cont-CC-ShuntDc-v0": ("deadbeat", {}),
    "Cont-CC-ExtExDc-v0": ("deadbeat", {}),
    "Cont-CC-PMSM-v0": ("mpc", {}),
    "Cont-CC-SynRM-v0": ("mpc", {}),
    "Cont-TC-PermExDc-v0": ("deadbeat", {}),
    "Cont-TC-SeriesDc-v0": ("deadbeat", {}),
    "Cont-TC-ShuntDc-v0": ("deadbeat", {"above": KNOWN}),
    "Cont-TC-ExtExDc-v0": ("deadbeat", {"above": {**KNOWN, "least_field": 0.3}}),
    "Cont-SC-SeriesDc-v0": ("pi", {"prefilter": False}),
    "Cont-SC-ShuntDc-v0": ("pi", {"prefilter": False, **KNOWN}),
}
#: The id of which no least error is worked out. Of those whose flux is slow it is of one quantity alone.
UNBOUND = ("Cont-TC-ExtExDc-v0",)
SLOW = {"Cont-CC-SCIM-v0": "i_sd", "Cont-TC-ShuntDc-v0": "torque"}


def runs() -> dict[str, dict[str, Any]]:
    """Return what is recorded of its controllers, by its ids."""
    return json.loads(RUNS.read_text("utf-8"))


def given(name: str, seed: int) -> tuple[NDArray[np.float64], list[float]]:
    """Return the references of an episode, (quantities, STEPS + 1) in SI, and their limits.

    Args:
        name: An id of gym-electric-motor.
        seed: Of the episode.
    """
    followed = runs()[name]["followed"]
    limits = [item["limit"] for item in followed]
    bounds, sigma = ([item[part] for item in followed] for part in ("bounds", "sigma"))
    parts = courses(bounds, sigma, followed[0]["quantity"] == "i_sd", seed)
    return np.array(limits)[:, None] * parts, limits


def build(name: str, seed: int) -> tuple[Any, dict[str, Any], list[float]]:
    """Return our environment with the references of an episode, what its reset takes, and the limits.

    Speeds start at none, as they do there; currents start at none on both sides.

    Args:
        name: An id of gym-electric-motor.
        seed: Of the episode.
    """
    id, keywords = from_gem_id(name)
    references, limits = given(name, seed)
    bare: Any = gymnasium.make(id, **keywords).unwrapped
    times = keywords["tau"] * np.arange(STEPS + 1)
    tables = {
        item.value: {"table": np.column_stack((times, course)).tolist()}
        for item, course in zip(bare.setup.tracking, references, strict=True)
    }
    env = gymnasium.make(id, reference=tables, max_episode_steps=STEPS, **keywords)
    start: dict[str, Any] = {"seed": seed}
    if "-SC-" in name:
        start["options"] = {"state": {"omega": 0.0}}
    return env, start, limits


def errors(
    name: str, seed: int, agent: str, settings: Mapping[str, Any] | None = None
) -> tuple[list[float], int]:
    """Return the mean absolute error of each quantity as a part of its limit, and the periods until the episode's end.

    An action is judged by the reference that was seen when it was chosen, as that release judges it.

    Args:
        name: An id of gym-electric-motor.
        seed: Of the episode.
        agent: Name of our controller.
        settings: Its hyper-parameters that are not the default.
    """
    env, start, limits = build(name, seed)
    tracked = env.unwrapped.setup.tracking
    controller = gym_suite.make_controller(env, agent, **(settings or {}))
    observation, info = env.reset(**start)
    state, ended, found = None, False, []
    while not ended:
        seen = info
        action, state = controller.predict(observation, state)
        observation, _, tripped, late, info = env.step(action)
        ended = tripped or late
        found.append([abs(info[item.value] - seen[item.reference]) for item in tracked])
    return (np.mean(found, axis=0) / limits).tolist(), len(found)


def bound(name: str, seeds: Sequence[int]) -> list[list[float] | None]:
    """Return the least mean absolute errors as parts of the limits, a list of each quantity's or None.

    Args:
        name: An id of gym-electric-motor, not one of :data:`UNBOUND`.
        seeds: Of the episodes.
    """
    env, _, limits = build(name, seeds[0])
    tracked = env.unwrapped.setup.tracking
    machine: Any = machine_of(env.unwrapped.nominal.parameters)
    found: list[Any] = []
    if name in SLOW:
        slow = [_slow_bound(name, seed, machine) for seed in seeds]
        return [slow if item.value == SLOW[name] else None for item in tracked]
    if "-SC-" in name:
        load = from_gem_id(name)[1]["load"]
        shaft = load["a"], load["b"], load["j_load"] + machine.j_rotor
        most = machine.largest_torque(1.0)
        torque = (-most if machine.reversible else 0.0), most
        for seed in seeds:
            course = given(name, seed)[0][0]
            found.append([least_speed_error(course, PERIOD, 0.0, torque, shaft) / limits[0]])
        return np.transpose(found).tolist()
    series = hasattr(machine, "l_e_prime")

    def torque_of(currents: NDArray[np.float64]) -> NDArray[np.float64]:
        if series:
            return machine.l_e_prime * currents * np.abs(currents)
        return machine.psi_e * currents

    by_torque = "-TC-" in name
    names = ("i",) if by_torque else tuple(item.value for item in tracked)
    plant = Currents.of(env, names)
    for seed in seeds:
        env, start, _ = build(name, seed)
        _, info = env.reset(**start)
        wanted = given(name, seed)[0]
        if by_torque:
            wanted = np.sqrt(wanted / machine.l_e_prime) if series else wanted / machine.psi_e
        first = np.array([info[current] for current in names])
        read = torque_of if by_torque else np.asarray
        angle = info.get("epsilon", 0.0)
        found.append(least_errors(plant, first, angle, wanted, np.array(limits), read))
    return np.transpose(found).tolist()


def _slow_bound(name: str, seed: int, machine: Any) -> float:
    """Return the least error of the quantity of :data:`SLOW` in an episode, as a part of its limit."""
    env, start, limits = build(name, seed)
    _, info = env.reset(**start)
    course = given(name, seed)[0][0]
    if name == "Cont-CC-SCIM-v0":
        begin = info["i_sd"], info["psi_rd"]
        flux = machine.l_m, (machine.l_m + machine.l_sigr) / machine.r_r
        return least_flux_error(course, PERIOD, begin, flux, machine.i_limit) / limits[0]
    numbers = {key: getattr(machine, key) for key in ("r_a", "r_e", "l_a", "l_e", "l_e_prime")}
    shunt = Shunt(**numbers, omega=info["omega"], limit=machine.i_limit)
    slow = machine.l_e * info["i_e"] - machine.l_a * info["i_a"]
    return least_shunt_error(course, PERIOD, shunt, slow) / limits[0]


def judge(name: str, seeds: Sequence[int] = JUDGED) -> dict[str, Any]:
    """Return what is recorded of an id: errors and periods of each of our controllers, and the least errors.

    Args:
        name: An id of gym-electric-motor.
        seeds: Of the episodes.
    """
    agents: dict[str, Any] = {"pi": ("pi", None)}
    if name in BEST:
        agents["best"] = BEST[name]
    told: dict[str, Any] = {}
    for key, (agent, settings) in agents.items():
        found = [errors(name, seed, agent, settings) for seed in seeds]
        columns = zip(*(e for e, _ in found), strict=True)
        told[key] = {
            "errors": [_rounded(column) for column in columns],
            "steps": [n for _, n in found],
        }
    if name not in UNBOUND:
        found = bound(name, seeds)
        told["least"] = [None if column is None else _rounded(column) for column in found]
    return told


def _rounded(values: Any) -> list[float]:
    return [float(f"{max(value, 1e-12):.4g}") for value in values]


def rows() -> list[dict[str, Any]]:
    """Return of each id and quantity its controller's mean error, ours by `pi`, our best and the least, and trips.

    The least is None where none is worked out. Means are over the episodes that nobody ended by a trip.
    """
    recorded, found = json.loads(FILE.read_text("utf-8")), []
    for name, ours in recorded.items():
        there = runs()[name]
        lasted = {"its controller": [there["steps"][seed] for seed in JUDGED]}
        lasted |= {f"our {key}": ours[key]["steps"] for key in ("pi", "best") if key in ours}
        whole = [k for k in range(len(JUDGED)) if min(s[k] for s in lasted.values()) == STEPS]
        trips = {who: sum(n < STEPS for n in steps) for who, steps in lasted.items()}
        for j, item in enumerate(there["followed"]):
            pi = ours["pi"]["errors"][j]
            found.append(
                {
                    "id": name,
                    "quantity": item["quantity"],
                    "its": float(np.mean([item["errors"][JUDGED[k]] for k in whole])),
                    "pi": float(np.mean([pi[k] for k in whole])),
                    "best": float(
                        np.mean([ours.get("best", ours["pi"])["errors"][j][k] for k in whole])
                    ),
                    "least": None
                    if ours.get("least", [None] * 2)[j] is None
                    else float(np.mean([ours["least"][j][k] for k in whole])),
                    "trips": trips,
                }
            )
    return found


def table() -> str:
    """Return a table in Markdown: of each id and quantity the errors there and ours, and the least possible."""
    lines = [
        "| id | followed | its controller | `pi` | our best | least possible | our best by its |",
        "|---|---|---|---|---|---|---|",
    ]
    told: dict[str, None] = {}
    for row in rows():
        least = "not worked out" if row["least"] is None else f"{row['least']:.4f}"
        lines.append(
            f"| `{row['id']}` | `{row['quantity']}` | {row['its']:.4f} | {row['pi']:.4f} | {row['best']:.4f} | "
            f"{least} | {row['best'] / row['its']:.2f} |"
        )
        told |= {f"{who} {n} on `{row['id']}`": None for who, n in row["trips"].items() if n}
    trips = f"Of {len(JUDGED)} episodes each, these ended in a trip: {', '.join(told) or 'none'}."
    return "\n".join(lines) + f"\n\n{trips}\n"


def main() -> None:
    """Judge all ids, or those that are named, and write the file."""
    recorded = json.loads(FILE.read_text("utf-8")) if sys.argv[1:] else {}
    for name in sys.argv[1:] or NAMES:
        recorded[name] = judge(name)
        print(name, flush=True)
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(recorded[name])}" for name in NAMES if name in recorded
    )
    FILE.write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
