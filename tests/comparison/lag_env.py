"""A first-order lag with a stepwise reference: a small environment of the interface."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from gym_suite.core.columns import Column, Columns
from gym_suite.core.marks import Mark, Tracked

ID = "lag/Lag-v0"
GOAL = "lag/Goal-v0"
HOLD = 40
HORIZON = 200
METRICS = ("reward_error", "y", "y_ref", "u", "violation", "arrived")


def setup(gain: float, delay: int, goal: bool, best: float | None) -> Any:
    return SimpleNamespace(
        id=GOAL if goal else ID,
        family="lag",
        dt=1e-3,
        observation_columns=Columns(
            *(Column(n, low=-2.0, high=2.0) for n in ("y", "y_ref", "u_last"))
        ),
        action_columns=Columns(Column("u", low=-1.0, high=1.0)),
        metric_columns=Columns(*(Column(n, "V") for n in METRICS)),
        tracking=(Tracked("y", "y_ref", 1.0, "V", "y"),),
        effort=("u",),
        effort_scale=(1.0,),
        violation="violation",
        success="arrived" if goal else "",
        horizon=None,
        agents=(),
        idle_action=np.zeros(1),
        keywords={"gain": gain, "delay": delay},
        marks=lambda horizon: marks(horizon, best),
    )


def marks(horizon: int, best: float | None) -> tuple[Mark, ...]:
    return (
        Mark("no error", 0.0, "ceiling", f"no error in any of {horizon} steps"),
        Mark("a paper's", -3.0, "published", "made up for this test"),
        Mark("optimum", best, "optimum", "nobody knows"),
    )


class Lags:
    """n rows of y' = (gain u - y) / tau, with a level drawn every HOLD periods; with a goal it ends there."""

    def __init__(self, gain: float, delay: int, goal: bool, best: float | None) -> None:
        if gain <= 0:
            raise ValueError(f"gain must be positive, got {gain}")
        self.setup = setup(gain, delay, goal, best)
        self.goal = goal
        self.nominal = SimpleNamespace(setup=self.setup, parameters={"gain": 1.0})
        self.gain, self.delay = gain, delay

    def start(self, generators: list[np.random.Generator], mask: np.ndarray) -> None:
        n = len(mask)
        if not hasattr(self, "y"):
            self.y, self.u, self.age = np.zeros(n), np.zeros(n), np.zeros(n, dtype=int)
            self.levels = np.zeros((n, HORIZON // HOLD + 2))
            self.queue = np.zeros((n, self.delay + 1))
        for i in np.flatnonzero(mask):
            self.levels[i] = generators[i].uniform(-0.8, 0.8, self.levels.shape[1])
            self.y[i] = self.u[i] = self.age[i] = 0
            self.queue[i] = 0.0
        self.reward, self.bad, self.arrived = np.zeros(n), np.zeros(n), np.zeros(n)

    def move(self, action: np.ndarray, skip: np.ndarray) -> None:
        if not np.isfinite(action).all():
            raise ValueError("action must be finite")
        self.queue = np.roll(self.queue, -1, axis=1)
        self.queue[:, -1] = np.clip(action[:, 0], -1, 1)
        go = ~skip
        self.u[go] = self.queue[go, 0]
        self.y[go] += 0.1 * (self.gain * 1.25 * self.u[go] - self.y[go])
        self.age[go] += 1
        self.reward = np.where(go, -np.abs(self.y - self.ref()), 0.0)
        self.bad = np.where(go & (np.abs(self.y) > 0.95), 1.0, 0.0)
        near = np.abs(self.y - self.ref()) < 0.02
        self.arrived = np.where(go & near & (self.bad == 0.0) & self.goal, 1.0, 0.0)

    def ref(self) -> np.ndarray:
        return self.levels[np.arange(len(self.y)), np.minimum(self.age, HORIZON) // HOLD]

    def observe(self) -> np.ndarray:
        return np.stack([self.y, self.ref(), self.u], axis=1).astype(np.float32)

    def infos(self) -> dict[str, np.ndarray]:
        values = (self.reward, self.y, self.ref(), self.u, self.bad, self.arrived)
        return {name: np.array(v) for name, v in zip(METRICS, values, strict=True)}


BOX = spaces.Box(-2.0, 2.0, (3,), np.float32)
ACTION = spaces.Box(-1.0, 1.0, (1,), np.float32)


class LagEnv(gymnasium.Env):
    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    observation_space, action_space = BOX, ACTION

    def __init__(
        self,
        *,
        gain: float = 1.0,
        delay: int = 0,
        goal: bool = False,
        best: float | None = None,
    ) -> None:
        self.lags = Lags(gain, delay, goal, best)
        self.setup, self.nominal = self.lags.setup, self.lags.nominal

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.lags.start([self.np_random], np.ones(1, dtype=bool))
        return self.lags.observe()[0], {k: float(v[0]) for k, v in self.lags.infos().items()}

    def step(self, action):
        self.lags.move(np.reshape(action, (1, 1)), np.zeros(1, dtype=bool))
        infos = {k: float(v[0]) for k, v in self.lags.infos().items()}
        return (
            self.lags.observe()[0],
            float(self.lags.reward[0]),
            bool(infos["violation"] or infos["arrived"]),
            False,
            infos,
        )


class LagVectorEnv(VectorEnv):
    def __init__(
        self, *, num_envs=1, max_episode_steps=HORIZON, gain=1.0, delay=0, goal=False, best=None
    ) -> None:
        self.num_envs, self.limit = num_envs, max_episode_steps
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP, "render_modes": []}
        self.lags = Lags(gain, delay, goal, best)
        self.setup, self.nominal = self.lags.setup, self.lags.nominal
        self.single_observation_space, self.single_action_space = BOX, ACTION
        self.observation_space = batch_space(BOX, num_envs)
        self.action_space = batch_space(ACTION, num_envs)

    def reset(self, *, seed=None, options=None):
        seeds = seed if isinstance(seed, list) else [seed + i for i in range(self.num_envs)]
        self.generators = [seeding.np_random(s)[0] for s in seeds]
        self.done = np.zeros(self.num_envs, dtype=bool)
        self.lags.start(self.generators, np.ones(self.num_envs, dtype=bool))
        return self.lags.observe(), self.lags.infos()

    def step(self, actions):
        if np.shape(actions) != (self.num_envs, 1):
            raise ValueError(
                f"actions have shape {np.shape(actions)}, expected ({self.num_envs}, 1)"
            )
        skip = self.done.copy()
        self.lags.move(np.asarray(actions, dtype=float), skip)
        if skip.any():
            reward, bad, arrived = self.lags.reward, self.lags.bad, self.lags.arrived
            self.lags.start(self.generators, skip)
            self.lags.reward, self.lags.bad, self.lags.arrived = reward, bad, arrived
        ended, cut = (
            (self.lags.bad > 0) | (self.lags.arrived > 0),
            (self.lags.age >= self.limit) & ~skip,
        )
        self.done = ended | cut
        return self.lags.observe(), self.lags.reward.copy(), ended, cut, self.lags.infos()


class Proportional:
    """u = r / gain + k (r - y): follows the steps; made from the nominal model."""

    information = "observation"

    def __init__(self, k: float = 2.0) -> None:
        self.k = k

    @classmethod
    def for_env(cls, env: Any, **overrides: Any) -> Proportional:
        assert env.unwrapped.nominal.parameters["gain"] == 1.0
        return cls(**overrides)

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        o = np.asarray(observation, dtype=float)
        u = o[..., 1] / 1.25 + self.k * (o[..., 1] - o[..., 0])
        return np.clip(u, -1, 1)[..., None].astype(np.float32), state

    def describe(self) -> dict[str, Any]:
        return {
            "name": "p",
            "rule": "feedforward of the steady state",
            "source": "this test",
            "gains": {"y.kp": {"value": self.k, "unit": "V/V"}},
        }
