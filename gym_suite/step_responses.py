"""How reference controllers follow: rise time, overshoot and error on the defaults of their ids, as recorded data.

The pages of the documentation show it. ``step_responses.json`` is written by the comparison itself, never by hand::

    python -m gym_suite.step_responses gem/PMSM-v0

and a family's name stands for all its ids. A record belongs to a behaviour: after a change of the id it is not shown
until it is recorded anew; after a change of the controller it is to be recorded anew by whoever changes it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gym_suite.behaviour import recorded as behaviours
from gym_suite.core.cards import OUTSIDE
from gym_suite.registration import FAMILIES, card, catalogue

FILE = Path(__file__).with_name("step_responses.json")
#: Episodes, the first of those that the id's protocol keeps for judging.
EPISODES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResponse:
    """How a reference controller follows on the defaults of its id.

    The figures of steps are :func:`gym_suite.comparison.metrics.step_metrics`': of each episode the median over its
    steps, then the interquartile mean over the episodes. They are None where the reference has no steps that are large
    enough to be judged, 5 % of the full scale, or where the usual step is not followed to its end.

    Attributes:
        behaviour: Of the id when it was recorded, as :func:`gym_suite.behaviour.behaviour_of` has it.
        agent: Name of the reference controller.
        seeds: The first episode seed, and the number of episodes.
        rise_time: From 10 to 90 % of a step, s.
        overshoot: Part of a step by which the value exceeds the reference, percent.
        steady_error: Error in the last tenth of a step as a part of the quantity's full scale.
        mean_error: Mean absolute error over whole episodes, jumps included, as a part of the full scale.
        trips: Share of the episodes that ended in a trip.
    """

    behaviour: str
    agent: str
    seeds: tuple[int, int]
    rise_time: float | None
    overshoot: float | None
    steady_error: float | None
    mean_error: float | None
    trips: float


def step_response_of(id: str) -> StepResponse | None:
    """Return the recorded step response of an id; None where there is none, or where the id now behaves otherwise.

    Args:
        id: An id of the catalogue.
    """
    told = _read().get(id)
    if told is None or told["behaviour"] != behaviours().get(id):
        return None
    return StepResponse(**told | {"seeds": tuple(told["seeds"])})


def judge(id: str, *, episodes: int = EPISODES) -> StepResponse:
    """Run the reference controller of an id on its defaults and return how it follows.

    Args:
        id: An id whose task is to follow a reference.
        episodes: Number of episodes, from the first seed of the id's protocol on.

    Raises:
        ValueError: For an unknown id, or one in which nothing is to follow a reference.
    """
    from gym_suite.comparison import compare

    entry = card(id)
    agent = entry.reference
    found = compare(
        entry.id,
        agents=[agent],
        seeds=entry.protocol.seeds[:episodes],
        settings=("nominal",),
        horizon=entry.protocol.horizon,
        progress=False,
    )
    (row,) = next(s for s in found.standings(entry.id) if s.name == agent).rows
    if "MAE" not in row.metrics:
        raise ValueError(f"in {entry.id} nothing is to follow a reference, so there is no error")

    def figure(name: str) -> float | None:
        return _rounded(row.metrics[name].estimate) if name in row.metrics else None

    return StepResponse(
        behaviour=behaviours().get(entry.id, ""),
        agent=agent,
        seeds=(entry.protocol.first_seed, episodes),
        rise_time=figure("RiseTime"),
        overshoot=figure("Overshoot"),
        steady_error=figure("SteadyStateError"),
        mean_error=figure("MAE"),
        trips=round(row.failures.estimate, 4),
    )


def _rounded(value: float) -> float | None:
    """Return a number to four digits, as JSON can say it; None for one that is not finite."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _read() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def _ids(name: str) -> list[str]:
    """Return the ids of a family, or an id itself."""
    if name not in FAMILIES:
        return [card(name).id]
    own = [entry for entry in catalogue().values() if entry.family == name]
    return [entry.id for entry in own if entry.module != OUTSIDE]


def main(names: Sequence[str]) -> None:
    """Record ids and write the file after each, so that what is done stays done; the others stay as they are.

    Args:
        names: Ids, or names of families for all their ids.
    """
    for id in [id for name in names for id in _ids(name)]:
        response = asdict(judge(id))
        table = _read() | {id: response}
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(table[key])}" for key in sorted(table))
        FILE.write_text(f"{{\n{text}\n}}\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
