"""One band and many: what the environments of all ids share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from gym_suite.core.env import read_options
from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv, IdVectorEnv
from gym_suite.core.options import OptionSet
from gym_suite.core.snapshots import check_entries
from gym_suite.radio.air.iq import band_samples
from gym_suite.radio.envs.draws import InjectedDraws
from gym_suite.radio.envs.game import jammed_transmitter
from gym_suite.radio.envs.options import TASKS, Options
from gym_suite.radio.envs.setup import BANDS, one_agent, several_agents
from gym_suite.radio.scenario.mapping import read_link
from gym_suite.radio.transforms import from_db

_BUILDERS = dict.fromkeys(BANDS, one_agent) | {
    "multi_access": several_agents,
    "jamming_game": jammed_transmitter,
}


class RadioEnv(IdEnv):
    """One band. The card of each id names its task; its page documents it."""

    facets: ClassVar[Mapping[str, Sequence[str]]] = {"task": tuple(TASKS)}

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments that the id's task takes."""
        return TASKS[cls.card.facets["task"]]

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup of the id's task for its options.

        Raises:
            ValueError: For an unknown value, naming the nearest, or one out of bounds.
            TypeError: For a value of the wrong kind.
            FileNotFoundError: For a scenario file that does not exist.
        """
        task = cls.card.facets["task"]
        return _BUILDERS[task](cls.id, task, options)

    _kept = (*IdEnv._kept, "draws")

    def __init__(self, *, render_mode: str | None = None, **keywords: Any) -> None:
        super().__init__(render_mode=render_mode, **keywords)
        self._draws = InjectedDraws(self.setup, self._rows)
        self._finish()

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: Seeds the generator from which this and the following episodes draw their keys.
            options: ``{"draws": [...]}`` injects recorded random draws of the entities (see
                :func:`gym_suite.radio.scenario.draws.read_draws`); what is not recorded is drawn as usual.
                ``{"state": {column: value}}`` overwrites columns of the state.

        Returns:
            Observation, float32 of shape (no,), and the metrics by name.

        Raises:
            ValueError: For an unknown option or a draw that cannot be; nothing has changed then.
        """
        options = read_options(options)
        draws = self._draws.read(options.pop("draws", None))
        before = self._draws.store(draws, np.zeros(1), self._everything)
        try:
            result = super().reset(seed=seed, options=options or None)
        except Exception:
            self._draws.restore(before)
            raise
        self._draws.worlds = draws
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
        if not self._draws.worlds[0]:
            return super().step(action)
        before = self._draws.store(self._draws.worlds, self._rows.step + 1, self._everything)
        try:
            return super().step(action)
        except Exception:
            self._draws.restore(before)
            raise

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
        return super().get_state() | {"draws": self._draws.worlds}

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id and keywords.

        Raises:
            ValueError: If it is none; the world is then as it was.
        """
        check_entries(snapshot, self._kept)
        draws = self._draws.kept(snapshot["draws"])
        super().set_state(snapshot)
        self._draws.worlds = draws


class RadioVectorEnv(IdVectorEnv):
    """Many bands in one compiled loop, into which recorded draws can be injected."""

    _kept = (*IdVectorEnv._kept, "draws")

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._draws = InjectedDraws(self.setup, self._rows)
        self._finish()

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all worlds, or those in ``options["reset_mask"]``.

        Args:
            seed: An int (world i gets seed + i), one per world, or None.
            options: ``{"draws": ...}`` injects recorded draws for one episode: a list of draws for all
                worlds that start, or a list of such lists, one a world. Besides the core's options.

        Returns:
            Observations, float32 of shape (num_envs, no), and the metrics by name with their masks.

        Raises:
            TypeError: If the mask is not a bool array.
            ValueError: For a wrong mask, an unknown option or a draw that cannot be; nothing has
                changed then.
        """
        options = read_options(options)
        draws = self._draws.read(options.pop("draws", None))
        mask = self._mask(options)
        before = self._draws.store(draws, np.zeros(self.num_envs), mask)
        try:
            result = super().reset(seed=seed, options=options or None)
        except Exception:
            self._draws.restore(before)
            raise
        kept = zip(mask.tolist(), draws, self._draws.worlds, strict=True)
        self._draws.worlds = [new if started else old for started, new, old in kept]
        return result

    def step(
        self, actions: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Move all worlds by one step; arguments and results as in the core's vector environment."""
        draws = self._draws
        if not any(draws.worlds):
            return super().step(actions)
        ended = self._done  # which start anew in this step, where that is the mode
        before = draws.store(draws.worlds, self._rows.step + 1, ~ended)
        try:
            result = super().step(actions)
        except Exception:
            draws.restore(before)
            raise
        over = ended | result[2] | result[3]  # injected draws are those of one episode
        draws.worlds = [{} if o else d for o, d in zip(over.tolist(), draws.worlds, strict=True)]
        return result

    def get_state(self) -> dict[str, Any]:
        """Return a snapshot from which :meth:`set_state` restores all worlds exactly."""
        return super().get_state() | {"draws": self._draws.worlds}

    def set_state(self, snapshot: Mapping[str, Any]) -> None:
        """Restore a snapshot of the same id, keywords and number of worlds.

        Raises:
            ValueError: If it is none; all worlds are then as they were.
        """
        check_entries(snapshot, self._kept)
        draws = self._draws.kept(snapshot["draws"])
        super().set_state(snapshot)
        self._draws.worlds = draws


RadioEnv.vector_face = RadioVectorEnv  # type: ignore[attr-defined]
