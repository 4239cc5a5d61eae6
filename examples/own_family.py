"""A family of your own in one file: a pendulum with make, make_vec, show, compare and the conformance suite.

m l^2 theta'' = m g l sin(theta) + u, theta = 0 upright (any textbook on mechanics), by the symplectic Euler scheme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

import gym_suite
from gym_suite.controllers.protocol import Controller
from gym_suite.core.columns import Column, Columns, Term
from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.core.kernel import kernel
from gym_suite.core.loops import loops_of
from gym_suite.core.options import OptionSet, PlantOptions, option
from gym_suite.core.random import uniform4

G, DT = 9.80665, 0.02  # m/s^2 (ISO 80000-3); s, the control period
STATES = Columns(
    Column("theta", "rad", meaning="angle from upright"),
    Column("omega", "rad/s", meaning="angular speed"),
    Column("clipped", "1", 0, 1, "elements of the last action that were outside [-1, 1]"),
)
TERMS = (Term("reward_angle", "cos(theta)"), Term("reward_effort", "-0.01 * action^2"))
METRICS = Columns(*(term.column for term in TERMS), *STATES)


PARAMETERS = Columns(
    Column("mass", "kg", 0, meaning="mass on the rod", source="chosen here"),
    Column("length", "m", 0, meaning="length of the rod", source="chosen here"),
    Column("torque", "N m", 0, meaning="torque of an action of 1", source="chosen here"),
)
SEEN = Columns(
    Column("cos", "1", -1, 1, "cosine of the angle"),
    Column("sin", "1", -1, 1, "sine of the angle"),
    Column("omega", "rad/s", -2, 2, "angular speed", scale=10.0),
)
X, P, M = STATES.places, PARAMETERS.places, METRICS.places


@kernel
def advance_one(x, key, step, u, p, tables):
    """Move one row by one control period."""
    torque = p[P.mass] * G * p[P.length] * math.sin(x[X.theta]) + p[P.torque] * u[0]
    x[X.omega] += DT * torque / (p[P.mass] * p[P.length] * p[P.length])
    x[X.theta] += DT * x[X.omega]


@kernel
def reset_one(x, key, p, tables):
    """Start within half a radian of upright."""
    angle, speed, _, _ = uniform4(key, 0, 0)
    x[X.theta], x[X.omega] = angle - 0.5, speed - 0.5


@kernel
def judge_one(x, key, step, u, p, tables, m):
    """Fill the reward terms; nothing fails."""
    m[M.reward_angle], m[M.reward_effort] = math.cos(x[X.theta]), -0.01 * u[0] * u[0]
    return False


@kernel
def observe_one(x, key, step, p, tables, m, o):
    """Fill metrics and observation."""
    m[M.theta], m[M.omega], m[M.clipped] = x[X.theta], x[X.omega], x[X.clipped]
    o[0], o[1] = math.cos(x[X.theta]), math.sin(x[X.theta])
    o[2] = min(max(x[X.omega] / 10.0, -2.0), 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(PlantOptions):
    """The keyword arguments besides those of all plants."""

    mass: float = option(0.5, takes="kg", meaning="mass on the rod")


class PendulumEnv(IdEnv):
    """One pendulum."""

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments."""
        return OptionSet(Options)

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup for them."""
        return Setup(
            id=cls.id,
            family="pendulum",
            kernels=loops_of(__name__, terms=len(TERMS), clipped=X.clipped),
            dt=DT,
            state_columns=STATES,
            action_columns=Columns(Column("push", "N m", -1, 1, "torque", scale=5.0)),
            observation_columns=SEEN,
            metric_columns=METRICS,
            terms=TERMS,
            parameter_columns=PARAMETERS,
            row=np.array([options.mass, 0.8, 5.0]),
            tables=(),
            plant_parameters=PARAMETERS.names,
            measured=SEEN.names,
            idle_action=np.zeros(1),
            keywords=cls.option_set().as_given(options),
            **options.read(SEEN, SEEN.names, PARAMETERS, PARAMETERS.names, ()).setup,
        )


class Upright(Controller):
    """State feedback on the pendulum linearised about upright, both poles at -5/s."""

    name = "state_feedback"

    def _tune(self, nominal: Any) -> None:
        p = nominal.parameters
        inertia = p["mass"] * p["length"] ** 2 / p["torque"]
        self.gains_ = {"k_theta": (G / p["length"] + 25.0) * inertia, "k_omega": 10.0 * inertia}
        self.gain_units_ = {"k_theta": "1/rad", "k_omega": "s/rad"}

    def _law(self, observation: Any, state: Any) -> Any:
        angle = np.arctan2(observation[:, 1], observation[:, 0])
        push = self.gains_["k_theta"] * angle + self.gains_["k_omega"] * 10.0 * observation[:, 2]
        return np.clip(-push[:, None], -1.0, 1.0)


gym_suite.register(
    "lab/Pendulum-v0",
    base=PendulumEnv,
    summary="keep a pendulum upright with a limited torque",
    max_episode_steps=250,
    controllers={"state_feedback": Upright},
    page="## Description\n\nA mass on a rod falls unless a torque holds it.",
)


def main() -> None:
    """Print its page."""
    print(gymnasium.make("lab/Pendulum-v0").unwrapped.__doc__)


if __name__ == "__main__":
    main()
