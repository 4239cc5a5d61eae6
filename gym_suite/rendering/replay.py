"""Episodes as one self-contained page: an interactive replay that loads nothing and needs no network.

The page draws by itself on canvases (``replay_page/``); what it draws stands in it as numbers of 16 bits, which tell
apart the 65,535th part of what a column spans. One or two runs stand side by side and share camera and time.
"""

from __future__ import annotations

import base64
import html
import importlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.rendering.charts import Panel, nice_limits
from gym_suite.rendering.recording import check_target
from gym_suite.rendering.stage import Body, Plane, Raster, Space, Stage
from gym_suite.rendering.style import PALETTE, WARNING

__all__ = ["EpisodeRecorder", "check_page", "episode_stage", "replay_page", "write_page"]

#: Steps of an id without an end.
LONGEST = 10_000
#: The 16-bit numbers of a column; the last one stands for "no number".
_LEVELS = 65534
_GREEK = {"omega": "ω", "varphi": "φ", "psi": "ψ", "epsilon": "ε", "theta": "θ"}


def episode_stage(
    env_id: str, agent: Any, *, seed: int = 0, steps: int | None = None, **keywords: Any
) -> Stage:
    """Run one episode and return what a replay shows of it.

    Args:
        env_id: A registered id of this package, for one agent or for several.
        agent: A function that takes the environment, of several agents the place of one, and returns an object with
            ``predict``. It acts for all, or, where sides oppose each other, for one, and the reference controller for
            the others.
        seed: Of the environment and its action space.
        steps: Most control periods to run; the episode's own end comes first. An id without one runs 10,000.
        **keywords: Of the id.

    Raises:
        ValueError: Unknown id, agent or keyword, or an environment whose family draws nothing.
    """
    import gymnasium

    from gym_suite.teams import as_team, seat_of, show_world, team_id

    env: Any = gymnasium.make(team_id(env_id), **keywords)
    try:
        if not hasattr(env.unwrapped, "setup"):
            raise ValueError(f"{env_id} is no environment of this package: only those are replayed")
        limits = [env.unwrapped.setup.horizon, _registered_limit(env_id), steps]
        limit = min((number for number in limits if number), default=LONGEST)
        recorder = EpisodeRecorder(env, limit)
        player = as_team(agent(seat_of(env)), env)
        show_world(player, env)
        _fly(env, player, recorder, seed, limit)
        return recorder.stage()
    finally:
        env.close()


def _registered_limit(env_id: str) -> int | None:
    import gymnasium

    spec = gymnasium.registry.get(env_id.removeprefix("gym_suite:"))
    return None if spec is None else spec.max_episode_steps


class EpisodeRecorder:
    """Hands what happens in an environment to the renderer of its family, which keeps it.

    Args:
        env: An environment of this package; its first world is kept.
        limit: Steps of the longest episode.

    Raises:
        ValueError: The family draws nothing.
    """

    def __init__(self, env: Any, limit: int) -> None:
        self._env = env.unwrapped
        # The renderer thins what it keeps by the horizon, so that an episode fits whole.
        setup = replace(self._env.setup, horizon=limit)
        module, _, name = setup.renderer.partition(":")
        if not name:
            raise ValueError(f"{setup.id} has nothing to draw")
        self._renderer = getattr(importlib.import_module(module), name)(setup, whole=True)

    def note(self) -> None:
        """Note the state after a reset or step."""
        rows = self._env.get_state()["rows"]
        metrics = np.array([values[0] for values in self._env.metrics().values()])
        self._renderer.note(0, int(rows["key"][0]), rows["p"][0])
        self._renderer.append(0, int(rows["step"][0]), metrics, rows["x"][0])

    def stage(self) -> Stage:
        """Return what was kept."""
        return self._renderer.stage()


def _fly(env: Any, agent: Any, recorder: EpisodeRecorder, seed: int, limit: int) -> None:
    """Play an episode."""
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    recorder.note()
    memory, fresh = None, True
    for _ in range(limit):
        action, memory = agent.predict(observation, memory, fresh, True)
        observation, _, terminated, truncated, _ = env.step(action)
        recorder.note()
        fresh = False
        if terminated or truncated:
            return


def write_page(path: str | os.PathLike[str], title: str, runs: Mapping[str, Stage]) -> Path:
    """Write the replay of one or more runs as a page; the file appears when it is complete.

    Args:
        path: File to write.
        title: Heading of the page.
        runs: Name of each run and what it shows.

    Raises:
        OSError: The file cannot be written.
    """
    path = check_target(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(replay_page(title, runs), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def replay_page(title: str, runs: Mapping[str, Stage]) -> str:
    """Return the page of :func:`write_page` as text.

    Args:
        title: What stands above all.
        runs: What is shown of each run, by its name, side by side.
    """
    # The arrow keys go from one instant that was kept to the next.
    first = next(iter(runs.values())).time
    episode = {
        "title": title,
        "step": float(np.diff(first).max(initial=0.0)),
        "runs": [_run(name, stage) for name, stage in runs.items()],
    }
    # "<" would let a name end the script element in which the numbers stand.
    data = json.dumps(episode, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
    folder = files("gym_suite.rendering") / "replay_page"
    parts = {
        "title": html.escape(title),
        "style": (folder / "replay.css").read_text("utf-8"),
        "script": (folder / "replay.js").read_text("utf-8"),
        "episode": data,
    }
    page = (folder / "replay.html").read_text("utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: parts[found[1]], page)


def check_page(path: str | os.PathLike[str]) -> Path:
    """Return where a page is to be written, before anything is simulated for it.

    Args:
        path: The file, whose name ends with .html.

    Raises:
        ValueError: The suffix is not .html.
        OSError: The folder does not exist or cannot be written to.
    """
    if Path(path).suffix.lower() != ".html":
        raise ValueError(f"a replay is a page: its file ends with .html, got {os.fspath(path)!r}")
    return check_target(path)


def pack(values: Any) -> dict[str, Any]:
    """Return an array as JSON of 16-bit numbers between its least and its largest value.

    Args:
        values: Of any shape; what is not finite is "no number".

    Returns:
        ``low``, ``high``, ``shape`` and ``data``, little-endian in base64: v stands for low + (high - low) v / 65534,
        65535 for "no number".
    """
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    low = float(array[known].min()) if known.any() else 0.0
    high = float(array[known].max()) if known.any() else 0.0
    span = high - low if high > low else 1.0
    levels = np.full(array.shape, _LEVELS + 1, dtype="<u2")
    levels[known] = np.rint((array[known] - low) / span * _LEVELS)
    data = base64.b64encode(levels.tobytes()).decode("ascii")
    return {"low": low, "high": low + span, "shape": list(array.shape), "data": data}


def _run(name: str, stage: Stage) -> dict[str, Any]:
    used = {key for panel in stage.panels for key in panel.names}
    for view in stage.views:
        if isinstance(view, Plane):
            used |= {*view.values, *(view.reference or ())}
    return {
        "name": name,
        "time": pack(stage.time),
        "values": {key: pack(stage.values[key]) for key in sorted(used)},
        "panels": [_panel(panel, stage) for panel in stage.panels],
        "views": [_view(view) for view in stage.views],
        "alarm": None if stage.alarm is None else pack(np.asarray(stage.alarm, float)),
        "alarmText": stage.alarm_text,
    }


def _panel(panel: Panel, stage: Stage) -> dict[str, Any]:
    numbers = [panel.scale * np.asarray(stage.values[name], float) for name in panel.names]
    finite = np.concatenate([part[np.isfinite(part)] for part in numbers] or [np.zeros(1)])
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    return {
        "title": plain_text(f"{panel.title} ({panel.unit})" if panel.unit else panel.title),
        "scale": panel.scale,
        "view": nice_limits(float(low), float(high), span=panel.span * panel.scale),
        "limits": [limit * panel.scale for limit in panel.limits],
        "warning": WARNING,
        "series": [
            {
                "name": line.name,
                "label": plain_text(line.label),
                "reference": line.reference,
                "color": line.color or PALETTE[rank % len(PALETTE)],
            }
            for rank, line in enumerate(panel.series)
        ],
    }


def _view(view: Space | Plane | Raster) -> dict[str, Any]:
    if isinstance(view, Space):
        return {
            "kind": "space",
            "floor": view.floor,
            "boxes": np.round(view.boxes, 4).tolist(),
            "lines": [np.round(line, 4).tolist() for line in view.lines],
            "pillars": np.round(view.pillars, 4).tolist(),
            "magnified": view.magnified,
            "above": view.above,
            "bodies": [_body(body) for body in view.bodies],
        }
    if isinstance(view, Plane):
        return {
            "kind": "plane",
            "title": plain_text(view.title),
            "labels": [plain_text(label) for label in view.labels],
            "values": view.values,
            "reference": view.reference,
            "extent": view.extent,
            "circles": [[radius, plain_text(label)] for radius, label in view.circles],
            "corners": None if view.corners is None else pack(view.corners),
            "trail": view.trail,
        }
    return {
        "kind": "raster",
        "title": view.title,
        "label": view.label,
        "groups": view.groups,
        "values": pack(view.values),
        "classes": list(view.classes),
        "bounds": view.bounds,
        "unit": view.unit,
    }


def _body(body: Body) -> dict[str, Any]:
    return {
        "name": body.name,
        "color": body.color,
        "position": pack_columns(body.position),
        "quaternion": pack(body.quaternion),
        "size": body.size,
        "rotors": [list(place) for place in body.rotors],
        "rotorRadius": body.rotor_radius,
        "target": None if body.target is None else pack_columns(body.target),
        "present": None if body.present is None else pack(np.asarray(body.present, float)),
    }


def pack_columns(values: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return each column of (k, c) as :func:`pack` does, so that one that spans little keeps its precision."""
    return [pack(column) for column in np.asarray(values, float).T]


def plain_text(label: str) -> str:
    """Return a text with Matplotlib's mathtext as plain text."""
    text = re.sub(r"\\(\w+)", lambda found: _GREEK.get(found[1], found[1]), label)
    return text.replace("$", "").replace("{", "").replace("}", "")


def distinct(names: Sequence[str]) -> list[str]:
    """Return names made distinct by a number behind those that come again."""
    return [
        name if name not in names[:place] else f"{name} ({1 + names[:place].count(name)})"
        for place, name in enumerate(names)
    ]
