"""Controllers with numbers of somebody's own, and the files that keep them.

A gains file is JSON that names id, controller and gains. This is enough::

    {"id": "gem/PMSM-v0", "agent": "pi", "gains": {"i_sd.kp": 4.1}}

"parameters" for the controller's keyword arguments may follow, "seeds" with the first and the last of the "episodes" on
which the gains were found, and "trials", how many were tried; :func:`gym_suite.learning.tune` adds how the gains
were found. ``compare``, ``run`` and ``render`` take such a file as an agent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gym_suite.learning.told import check_told, seeds_of


@dataclass(frozen=True, slots=True)
class OwnGains:
    """A controller of an id with numbers of somebody's own in place of the rule's.

    Attributes:
        id: Environment id.
        agent: Name of the id's controller.
        gains: Values by the names of the controller's hyper-parameters and gains.
        parameters: Keyword arguments of the controller.
        path: The file that says so, or None.
        about: All that the file says.
    """

    id: str
    agent: str
    gains: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tuned_on(self) -> tuple[int, int] | None:
        """First and last episode seed that the gains were searched on, None where nothing is told."""
        return seeds_of(self.about)

    @property
    def as_rule(self) -> bool:
        """Whether its search came back to the rule's own gains, so that this is the controller as the rule gives it."""
        return not self.parameters and self.gains == self.about.get("rule")

    def load(self, env: Any) -> Any:
        """Return the controller for an environment.

        Args:
            env: An environment of the id, single or vector.

        Raises:
            ValueError: The environment is of another id, or there is no such controller or gain (the nearest is told).
        """
        from gym_suite.registration import make_controller

        self.check_id(env.unwrapped.setup.id)
        try:
            return make_controller(env, self.agent, gains=self.gains, **self.parameters)
        except ValueError as error:
            if self.path is None:
                raise
            raise ValueError(f"{self.path}: {error}") from error

    def check_id(self, id: str) -> None:
        """Refuse another id.

        Raises:
            ValueError: If it is another one.
        """
        if self.id != id:
            raise ValueError(f"{self.path or 'this'} holds gains for {self.id!r}, not for {id!r}")

    def with_values(self, values: Mapping[str, Any]) -> OwnGains:
        """Return the same controller with other values laid over, of keyword arguments or of gains.

        Raises:
            ValueError: If the id has no such controller, naming the nearest.
        """
        from gym_suite.core.parameters import unknown_error
        from gym_suite.registration import card, load

        controllers = card(self.id).controllers
        if self.agent not in controllers:
            raise unknown_error(f"controller of {self.id}", self.agent, controllers)
        parameters, gains = load(controllers[self.agent]).split(values)
        return replace(
            self,
            parameters={**self.parameters, **parameters},
            gains={**self.gains, **gains},
        )


def load_gains(path: str | os.PathLike[str], id: str | None = None) -> OwnGains:
    """Read a gains file.

    Args:
        path: The file.
        id: Environment id that it must be for.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no gains file, or one for another id.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no gains file {path}")
    try:
        about = json.loads(path.read_text("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not a gains file: {error}") from error
    kinds = {"id": str, "agent": str, "gains": dict}
    if not isinstance(about, dict) or not all(
        isinstance(about.get(name), kind) for name, kind in kinds.items()
    ):
        raise ValueError(
            f"{path} is not a gains file: expected a JSON object with id, agent and gains by name"
        )
    try:
        if not isinstance(about.get("parameters", {}), dict):
            raise ValueError(f"parameters must be an object, got {about['parameters']!r:.80}")
        check_told(about, ("trials", "budget", "steps"))
    except ValueError as error:
        raise ValueError(f"{path} is not a gains file: {error}") from None
    read = OwnGains(
        about["id"], about["agent"], about["gains"], about.get("parameters", {}), path, about
    )
    if id is not None:
        read.check_id(id)
    return read


def shipped_gains(id: str, name: str, setting: str = "nominal") -> Path:
    """Return the file of tuned gains that ships for an id, beside its policies.

    Args:
        id: Environment id.
        name: Of the file without the seed of the search, such as "pi-tuned".
        setting: Setting of the id; where nothing was searched under it, the id's own gains are meant.
    """
    from gym_suite.learning.shelf import folder_of

    own = folder_of(id, setting) / f"{name}-0.json"
    return own if own.is_file() else folder_of(id) / own.name


def changed_behaviour(told: Mapping[str, Any], id: str) -> str:
    """Return what is to be said of something that was made on another behaviour of its id; empty: nothing.

    Args:
        told: What a policy's or a gains file says of its making: "behaviour", and "keywords" of the environment. Files
            without it were made before behaviours were recorded.
        id: Environment id.
    """
    from gym_suite.behaviour import behaviour_of

    before = told.get("behaviour")
    if before is None:
        return ""
    try:
        now = behaviour_of(id, told.get("keywords", {}))
    except (ValueError, TypeError) as error:
        return f"it was made with keywords that {id} does not take now: {error}"
    if now == before:
        return ""
    return (
        f"it was made on another behaviour of {id} ({before}; now {now}), so what it was made for is not what it is "
        "judged on: make it anew"
    )
