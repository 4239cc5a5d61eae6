"""The clairvoyant: it tries every action on copies of its worlds before it acts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gym_suite.radio.controllers.common import Array, ChannelController


class Clairvoyant(ChannelController):
    """Take the action that will earn most in the coming step, whose draws it foresees.

    It copies its worlds, random keys included, and plays one step with each action. Where nobody
    reacts and changing the channel costs nothing this is the clairvoyant bound; else it is greedy and
    the bound may be higher. Of equals it takes the lowest channel. Where actions are late (``delay``)
    it first plays those that are under way, and judges the step in which its own will arrive.
    """

    name: ClassVar[str] = "clairvoyant"
    information = "state"

    def _set_up(self, nominal: Any) -> None:
        self._setup = nominal.setup
        if self._setup.engine is not None:
            raise ValueError(
                "a clairvoyant plays the compiled step ahead, which knows nothing of a law of one's own"
            )
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
        """Return what each action would earn in each world in the step in which it arrives, (n, actions)."""
        n = len(rows["x"])
        world = {name: rows[name].copy() for name in ("x", "key", "step", "p")}
        for late in range(rows["queue"].shape[1]):
            self._play(world, rows["queue"][:, late].copy())
        branches = {name: np.repeat(world[name], actions, axis=0) for name in ("x", "key", "step")}
        p = world["p"]
        branches["p"] = np.repeat(p, actions, axis=0) if len(p) > 1 else p
        every = np.tile(np.arange(actions, dtype=np.float64), n)[:, None]
        return self._play(branches, every).reshape(n, actions)

    def _play(self, rows: dict[str, Any], u: Array) -> Array:
        """Move copies of worlds by one step with the actions u, (n, 1), in place; return what it earns, (n, 1)."""
        setup, n = self._setup, len(rows["x"])
        work = np.zeros((n, setup.work_size))
        m = np.zeros((len(setup.metric_columns), n + 8))
        o = np.zeros((n, setup.filled_size), dtype=np.float32)
        reward, ended = np.zeros((n, 1)), np.zeros((n, 1), dtype=np.bool_)
        worlds = rows["x"], rows["key"], rows["step"], u, rows["p"]
        skip = np.zeros(n, dtype=np.bool_)
        setup.kernels.step(*worlds, setup.tables, work, m, o, reward, ended, skip)
        return reward
