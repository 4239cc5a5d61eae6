"""Weights of the reward terms, and what a trip costs."""

from __future__ import annotations

from collections.abc import Mapping

from gym_suite.core.parameters import check_keywords, check_number
from gym_suite.motors.envs.options import Options, Task


def weights_of(task: Task, options: Options) -> dict[str, float]:
    """Return the weights of the reward terms but that of a trip."""
    names = task.weights
    given = {} if options.weights is None else options.weights
    if not isinstance(given, Mapping):
        raise TypeError(
            f"weights must map reward terms ({', '.join(names)}) to numbers, got {given!r}"
        )
    check_keywords(given, names, f"weight of task {task.name!r}")
    return {
        name: check_number(f"weight {name!r}", given.get(name, default), low=0.0)
        for name, default in names.items()
    }


def costs_of(
    task: Task, options: Options, weights: Mapping[str, float], horizon: int
) -> dict[str, float]:
    """Return the parameters of what lowers the reward, and of the errors' exponent.

    The tracking terms are never negative. The default penalty exceeds all that effort, smoothness
    and loss could cost until the end, so that an early end never pays.
    """
    # The change of an action within [-1, 1] is at most 2, its square 4.
    largest = {"loss": 1.0, "effort": 1.0, "smoothness": 4.0}
    costs = horizon * sum(largest[name] * weights[name] for name in task.costs)
    penalty = 1.0 + costs
    if options.penalty_trip is not None:
        penalty = check_number("penalty_trip", options.penalty_trip, low=0.0)
        if penalty < costs:
            raise ValueError(
                f"penalty_trip = {penalty:g} would make an early end attractive: effort, smoothness "
                f"and loss can cost {costs:g} until the end of the episode"
            )
    exponent = check_number("error_exponent", options.error_exponent, above=0.0, high=10.0)
    own = {f"weight_{name}": weights[name] for name in task.costs}
    return {"error_exponent": exponent, "penalty_trip": penalty} | own
