"""The pages of ids: what ``gym-suite show ID --page`` says, with pictures and trainings.

Nothing of an id is written here; a new card is a new page.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pictures as drawn

from gym_suite.core.cards import OUTSIDE, Card
from gym_suite.core.page import Section
from gym_suite.core.page_tables import Table, policy_folders
from gym_suite.ladders import Rung, ladder_of
from gym_suite.registration import FAMILIES, catalogue
from gym_suite.show import page_of
from gym_suite.step_responses import step_response_of

FOLDER = "environments"


def cards() -> list[Card]:
    """Return the cards of the package's own ids, in the order of the catalogue."""
    return [card for card in catalogue().values() if card.module != OUTSIDE]


def file_name(id: str) -> str:
    """Return the name of an id's page, without folder and ending."""
    return id.replace("/", "-")


def pages(folder: Path, pictures: drawn.Pictures) -> Iterator[tuple[str, str]]:
    """Yield path and text of every page of this part.

    Args:
        folder: The folder that the paths are relative to.
        pictures: Where pictures are kept, below that folder.
    """
    yield f"{FOLDER}/index.md", _index(folder, pictures)
    for card in cards():
        yield f"{FOLDER}/{file_name(card.id)}.md", _page(card, folder, pictures)


def _index(folder: Path, pictures: drawn.Pictures) -> str:
    parts = [
        "# Environments",
        "One page for each id. Its tables are made from the columns, options and reward terms that the environment "
        "itself uses; `gym-suite show ID --page` prints the same text.",
    ]
    for family in FAMILIES:
        mine = [card for card in cards() if card.family == family]
        parts.append(f"## {_title(family)}")
        rows = ["| id | what it is | agents | policies |", "|---|---|---|---|"]
        for card in mine:
            link = f"[`{card.id}`]({file_name(card.id)}.md)"
            cells = (link, card.summary, card.agents, ", ".join(card.learned) or "-")
            rows.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(rows))
        toctree = "\n".join(f"{card.id} <{file_name(card.id)}>" for card in mine)
        parts.append(f"```{{toctree}}\n:hidden:\n:caption: {_title(family)}\n\n{toctree}\n```")
    return "\n\n".join(parts) + "\n"


def _title(family: str) -> str:
    """Return what a family calls itself: the first line of its package's docstring."""
    doc = __import__(f"gym_suite.{family}", fromlist=["__doc__"]).__doc__ or family
    return doc.partition("\n")[0].partition(":")[0].rstrip(".")


def _page(card: Card, folder: Path, pictures: drawn.Pictures) -> str:
    page = page_of(card.id)
    sections = list(page.sections)
    place = next(k for k, s in enumerate(sections) if s.heading == "Parameters and Sources")
    added = {
        "Step Response": _step_response(card),
        "Return Ladder": _ladder(card),
        "Training": _training(card, folder, pictures),
    }
    sections[place:place] = [Section(name, tuple(parts)) for name, parts in added.items() if parts]
    text = replace(page, sections=tuple(sections)).markdown()
    _, _, body = text.partition("\n\n")
    picture = os.path.relpath(drawn.scene(pictures, card), folder / FOLDER)
    head = [
        f"# {card.id}",
        f"{card.summary[0].upper()}{card.summary[1:]}.",
        f"![{card.id} under its reference controller]({picture})",
        f"*Its reference controller `{card.reference}` on episode seed {drawn.SEED}, drawn by the package.*",
        _first_lines(card),
    ]
    return "\n\n".join([*head, body])


def _first_lines(card: Card) -> str:
    if card.agents == "several":
        made = f'environment = gym_suite.parallel_env("{card.id}")\nobservations, infos = environment.reset(seed=1)'
    else:
        made = f'environment = gymnasium.make("{card.id}")\nobservation, info = environment.reset(seed=1)'
    python = f"import gymnasium\nimport gym_suite\n\n{made}\n{card.reference} = gym_suite.make_controller(environment)"
    blocks = [f"```python\n{python}\n```"]
    if card.agents != "several":
        shell = f"gym-suite compare {card.id} --out report\ngym-suite render {card.id} --out episode.gif"
        blocks.append(f"```console\n{shell}\n```")
    return "\n\n".join(blocks)


def _step_response(card: Card) -> list[str | Table]:
    """Return how the reference controller follows on the defaults, as recorded, and how it was."""
    told = step_response_of(card.id)
    if told is None:
        return []

    def cell(value: float | None, factor: float) -> str:
        return "-" if value is None else f"{factor * value:.3g}"

    heads = ("Rise time, ms", "Overshoot, %", "Steady error, %", "Mean error, %", "Trips, %")
    row = (
        cell(told.rise_time, 1e3),
        cell(told.overshoot, 1.0),
        cell(told.steady_error, 100.0),
        cell(told.mean_error, 100.0),
        cell(told.trips, 100.0),
    )
    first, count = told.seeds
    return [
        f"How `{told.agent}` follows on the defaults, over {count} episodes, the seeds {first} to {first + count - 1} "
        "of the protocol. Rise time (10 to 90 %) and overshoot are of the median step of an episode, the steady error "
        "that in the last tenth of a step; a dash stands where no step is at least 5 % of the full scale. Errors are "
        "parts of the full scale, the mean error with all jumps in it.",
        Table(heads, (row,)),
        f"It is written by\n\n```console\npython -m gym_suite.step_responses {card.id}\n```",
    ]


def _ladder(card: Card) -> list[str | Table]:
    """Return what each agent of an id earned under each setting, as recorded, and how."""
    ladder = ladder_of(card.id)
    if ladder is None:
        return []
    rows = []
    for rung in ladder.rungs:
        name = f"{rung.name} ×{rung.trainings}" if rung.trainings else rung.name
        cells = [_return(rung, setting) for setting in ladder.settings]
        rows.append((name, rung.rank, *cells))
    first, count = ladder.seeds
    return [
        "What each agent earned in an episode: the interquartile mean over "
        f"{count} episodes, the seeds {first} to {first + count - 1} of the protocol, with its bootstrap interval at "
        "95 %, and the share of episodes that failed where there is one. Of a learned method all trainings are taken "
        f"together. Recorded by version {ladder.version}; so few episodes show the order of the rungs, not small "
        "differences.",
        Table(("Name", "Rank", *ladder.settings), tuple(rows)),
        f"It is written by\n\n```console\npython -m gym_suite.ladders {card.id}\n```",
    ]


def _return(rung: Rung, setting: str) -> str:
    told = rung.returns.get(setting)
    if told is None:
        return "-"
    middle, low, high = told
    text = f"{middle:.4g}"
    if low is not None and high is not None:
        text += f" [{low:.4g}, {high:.4g}]"
    failed = rung.failures[setting]
    return f"{text}, {100.0 * failed:.0f} % failed" if failed else text


def _training(card: Card, folder: Path, pictures: drawn.Pictures) -> list[str]:
    """Return the paragraphs on the policies that ship: curve, command and time, for each setting."""
    parts = []
    for setting, path in policy_folders(card):
        runs = json.loads((path / "manifest.json").read_text("utf-8"))["runs"]
        if setting != "nominal":
            parts.append(f"Under the setting `{setting}`:")
        curve = drawn.learning_curve(pictures, f"curve-{file_name(card.id)}-{setting}", path)
        if curve:
            where = os.path.relpath(curve, folder / FOLDER)
            parts.append(f"![Learning curves of {card.id}, {setting}]({where})")
        for method, run in runs.items():
            minutes = [policy["wall_time"] / 60.0 for policy in run["policies"]]
            parts.append(
                f"`{method}`, {len(minutes)} trainings of {run['steps'] / 1e6:.3g} million steps, "
                f"{statistics.median(minutes):.0f} minutes each on one core:\n\n```console\n{run['command']}\n```"
            )
    if parts:
        parts.insert(
            0,
            "What the policies that ship came to is in the table above; these are the commands that made them. "
            "Each line of a picture is one training.",
        )
    return parts
