"""One band: what the environments of all ids share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.radio.emission import read_link
from gym_suite.radio.envs.setup import configure
from gym_suite.radio.iq import band_samples
from gym_suite.radio.layout import X_ACTIONS
from gym_suite.radio.rfrl import read_draws
from gym_suite.radio.scenario import read_mapping
from gym_suite.radio.transforms import from_db


class RadioEnv(IdEnv):
    """One band. The class of each id names its task and documents it.

    Keywords are the attributes of :class:`gym_suite.radio.envs.setup.Options`.
    """

    task: ClassVar[str]

    @classmethod
    def configure(cls, **keywords: Any) -> Setup:
        """Return the setup of this id for a user's keywords."""
        return configure(cls.id, cls.task, **keywords)

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        super().__init__(render_mode=render_mode, **keywords)
        self._draws: dict[int, dict[int, float]] = {}
        channels, count = int(self.setup.row[0]), int(self.setup.row[1])
        start = X_ACTIONS + count + 2 * channels + 3 * count
        self._injected = slice(start, start + count)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Seeds the generator from which this and the following episodes draw their keys.
            options: ``{"draws": [...]}`` injects recorded random draws of the entities (see
                :func:`gym_suite.radio.rfrl.read_draws`); what is not recorded is drawn as usual.
                ``{"state": {column: value}}`` overwrites columns of the state.

        Returns:
            Observation, float32 of shape (no,), and the metrics by name.

        Raises:
            ValueError: For an unknown option or a draw that cannot be; nothing has changed then.
        """
        options = dict(options or {})
        given = options.pop("draws", None)
        draws: dict[int, dict[int, float]] = {}
        if given:
            if "scenario" not in self.setup.keywords:
                raise ValueError(
                    f"reset option 'draws': {self.setup.id} has no scenario whose draws could be injected"
                )
            draws = read_draws(given, read_mapping(self.setup.keywords["scenario"]))
        before = self._rows.x.copy()
        self._inject_draws(draws, 0)
        try:
            result = super().reset(seed=seed, options=options or None)
        except Exception:
            self._rows.x[:] = before
            raise
        self._draws = draws
        return result

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move by one step: all entities and the agent at once.

        Args:
            action: 0 for silence, k to transmit on channel k - 1.

        Returns:
            Observation, reward, terminated, truncated, metrics by name.

        Raises:
            ValueError: For a number that is no action; the environment is then as it was.
        """
        if self._draws:
            self._inject_draws(self._draws, int(self._rows.step[0]) + 1)
        return super().step(action)

    def _inject_draws(self, draws: Mapping[int, Mapping[int, float]], step: int) -> None:
        """Store the channels drawn in a step where the entities look for them (0: none)."""
        injected = self._rows.x[0, self._injected]
        injected[:] = 0.0
        for place, channel in draws.get(step, {}).items():
            injected[place] = channel + 2.0

    def iq(self, *, agent: bool = True) -> np.ndarray:
        """Return the samples of all channels in the last step, complex (channels, samples).

        A channel is sampled at its bandwidth, around its middle; the mean of ``abs(y) ** 2`` is its power
        in mW. With ``physics="iq"`` these are what the detector has averaged, but for the agent's own signal.

        Args:
            agent: Whether the agent's own signal is heard.

        Raises:
            gymnasium.error.ResetNeeded: Before the first reset.
        """
        self._require_start()
        rows = self._rows
        samples = band_samples(
            rows.x[0],
            int(rows.key[0]),
            int(rows.step[0]),
            rows.p[0],
            self.setup.tables,
            agent=agent,
        )
        return samples * math.sqrt(from_db(read_link("link", self.setup.keywords["link"]).noise))

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores this world exactly."""
        return super().get_state() | {"draws": self._draws}

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id and keywords."""
        super().set_state(snapshot)
        self._draws = dict(snapshot.get("draws", {}))
