"""The clairvoyant: it tries every action on copies of its worlds before it acts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gym_suite.radio.controllers.common import Array, ChannelController


class Clairvoyant(ChannelController):
    """Take the action that will earn most in the coming step, whose draws it foresees.

    It copies its worlds, random keys included, and plays one step with each action. Where nobody
    reacts and changing the channel costs nothing this is the clairvoyant bound; else it is greedy and
    the bound may be higher. Of equals it takes the lowest channel. Actions that are late (``delay``)
    it judges as if they were not.
    """

    name: ClassVar[str] = "clairvoyant"
    information = "state"

    def _set_up(self, nominal: Any) -> None:
        self._setup = nominal.setup
        self._worlds: Any = None

    def watch(self, env: Any) -> None:
        """Show it the worlds that it is to act in.

        Args:
            env: Single or vector environment of the setup that it was built for.
        """
        self._worlds = env.unwrapped

    def tune(self, env: Any) -> Clairvoyant:
        """Prepare for an environment, and watch it."""
        super().tune(env)
        if hasattr(getattr(env, "unwrapped", None), "get_state"):
            self.watch(env)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A copy is not in the worlds of its original: it has to be shown its own.
        return {**self.__dict__, "_worlds": None}

    def _law(self, observation: Array, state: Array) -> Array:
        if self._worlds is None:
            raise ValueError("a clairvoyant must be shown its worlds: controller.watch(env)")
        rows = self._worlds.get_state()["rows"]
        n, actions = len(observation), self.channels_ + 1
        if len(rows["x"]) != n:
            raise ValueError(
                f"{n} observations for {len(rows['x'])} worlds; show it the worlds: watch(env)"
            )
        return self._rewards(rows, actions).argmax(axis=1)[:, None].astype(np.float64)

    def _rewards(self, rows: dict[str, Any], actions: int) -> Array:
        """Return what each action would earn in each world, (n, actions)."""
        setup = self._setup
        n = len(rows["x"])
        x, key, step = (np.repeat(rows[name], actions, axis=0) for name in ("x", "key", "step"))
        work = np.zeros((n * actions, setup.work_size))
        p = np.repeat(rows["p"], actions, axis=0) if len(rows["p"]) > 1 else rows["p"].copy()
        u = np.tile(np.arange(actions, dtype=np.float64), n)[:, None]
        m = np.zeros((len(setup.metric_columns), n * actions + 8))
        o = np.zeros((n * actions, len(setup.observation_columns)), dtype=np.float32)
        reward = np.zeros((n * actions, 1))
        ended, skip = np.zeros((n * actions, 1), dtype=np.bool_), np.zeros(n * actions, np.bool_)
        setup.kernels.step(x, key, step, u, p, setup.tables, work, m, o, reward, ended, skip)
        return reward.reshape(n, actions)
