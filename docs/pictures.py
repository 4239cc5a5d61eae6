"""The pictures of the documentation, drawn by the package when the pages are built.

Each is kept under a name that ends in a digest of what it shows, so that a second build draws only what has changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gym_suite
from gym_suite.behaviour import behaviour_of
from gym_suite.core.cards import Card
from gym_suite.learning.records import read_curves

PACKAGE = Path(gym_suite.__file__).parent
SEED = 1
#: Control periods after which a picture is taken, where an episode lasts so long.
STEPS = 450


class Pictures:
    """A folder of pictures, drawn when they are first asked for.

    Args:
        folder: Where they lie; it is made if need be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._used: set[Path] = set()

    def get(self, name: str, digest: str, draw: Callable[[Path], None]) -> Path:
        """Return the path of a picture.

        Args:
            name: Its name with the ending, without the digest.
            digest: Of what it shows.
            draw: Writes it to a path.
        """
        stem, _, suffix = re.sub(r"[^\w.-]", "-", name).rpartition(".")
        path = self.folder / f"{stem}-{digest[:12]}.{suffix}"
        if not path.is_file():
            fresh = path.with_name(f"new-{path.name}")
            draw(fresh)
            fresh.replace(path)
        self._used.add(path)
        return path

    def forget_the_rest(self) -> None:
        """Remove the pictures that nobody has asked for."""
        for path in set(self.folder.iterdir()) - self._used:
            path.unlink()


def scene(pictures: Pictures, card: Card) -> Path:
    """Return a picture of an id: the reference controller at work.

    Args:
        pictures: Where it is kept.
        card: Of the id.
    """
    drawing = [
        *sorted((PACKAGE / "rendering").glob("*.py")),
        *sorted((PACKAGE / card.family).glob("render*")),
        *sorted((PACKAGE / card.family / "controllers").glob("*.py")),
    ]
    digest = _digest(behaviour_of(card.id).encode(), *map(_content, drawing))
    return pictures.get(f"{card.id}.png", digest, lambda path: _take(card, path))


def _take(card: Card, path: Path) -> None:
    steps = min(card.max_episode_steps or STEPS, STEPS)
    if card.agents == "several":
        _take_of_several(card, path, steps)
        return
    from gym_suite.rendering import record

    record(card.id, agent=card.reference, out=path, seed=SEED, steps=steps, **card.anywhere)


def _take_of_several(card: Card, path: Path, steps: int) -> None:
    """Write the last frame of an episode in which the reference controller moves every agent."""
    from gym_suite.rendering import save_frames

    env = gym_suite.parallel_env(card.id, render_mode="rgb_array", max_episode_steps=steps)
    controller = gym_suite.make_controller(env)
    observations, _ = env.reset(seed=SEED)
    states: dict[str, Any] = {name: np.zeros(controller.state_size) for name in env.agents}
    while env.agents:
        live = list(env.agents)
        rows = np.array([observations[name] for name in live])
        actions, after = controller.predict(rows, np.array([states[name] for name in live]))
        states.update(zip(live, after, strict=True))
        observations, *_ = env.step(dict(zip(live, actions, strict=True)))
    save_frames([env.render()], path)
    env.close()


def learning_curve(pictures: Pictures, name: str, folder: Path) -> Path | None:
    """Return a picture of how the policies of a folder learned, or None where their returns were not recorded.

    A thin line a training, over the steps; the method by colour; dashed what the reference controller gets.

    Args:
        pictures: Where it is kept.
        name: Of the picture, without ending.
        folder: With curves.csv.
    """
    path = folder / "curves.csv"
    if not path.is_file():
        return None
    rows = [row for row in read_curves(folder) if row.get("evaluation_return")]
    if not rows:
        return None
    digest = _digest(_content(path), _content(Path(__file__)))
    return pictures.get(f"{name}.svg", digest, lambda out: _draw_curves(rows, out))


def _draw_curves(rows: list[dict[str, str]], out: Path) -> None:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    axes = figure.add_subplot()
    for k, method in enumerate(dict.fromkeys(row["algo"] for row in rows)):
        mine = [row for row in rows if row["algo"] == method]
        for j, seed in enumerate(dict.fromkeys(row["seed"] for row in mine)):
            points = [row for row in mine if row["seed"] == seed]
            axes.plot(
                [float(row["step"]) / 1e6 for row in points],
                [float(row["evaluation_return"]) for row in points],
                color=f"C{k}",
                linewidth=1.0,
                alpha=0.8,
                label=method if j == 0 else None,
            )
    reference = [row["reference_return"] for row in rows if row.get("reference_return")]
    if reference:
        axes.axhline(float(reference[0]), color="0.3", linestyle="--", label="reference")
    axes.set_xlabel("training steps in millions")
    axes.set_ylabel("return in evaluation")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _digest(*parts: bytes) -> str:
    content = hashlib.sha256()
    for part in parts:
        content.update(hashlib.sha256(part).digest())
    return content.hexdigest()
