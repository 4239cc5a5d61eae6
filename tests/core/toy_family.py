"""Two toy families, complete but small: coupled carts (two agents) and a lift (discrete actions).

They prove the core with physics that nothing in the package knows. Carts: positions and speeds of two
masses joined by a spring, each agent's action is the force on its own cart; an agent ends when its cart
leaves the track. Lift: the actions 0, 1, 2 move a cabin down, hold it, or move it up towards a floor.
"""

import math

import numpy as np

from gym_suite.core.columns import Column, Columns
from gym_suite.core.env import KernelEnv
from gym_suite.core.family import Kernels, Setup, clip_action, first_not_finite, parameter_row
from gym_suite.core.integrators import combine, combine_rk4
from gym_suite.core.kernel import kernel
from gym_suite.core.keywords import read_delay, read_mismatch, read_noise
from gym_suite.core.parallel_env import KernelParallelEnv
from gym_suite.core.parameters import check_keywords
from gym_suite.core.random import normal, uniform, uniform4
from gym_suite.core.vector_env import KernelVectorEnv

AGENTS = ("left", "right")

# ------------------------------------------------------------------------------------------ two carts

STATES = Columns(
    Column("rest", "m", meaning="length of the spring at rest, drawn at reset"),
    Column("clipped", "1", meaning="elements of the last action outside [-1, 1]"),
    Column("position_left", "m"),
    Column("velocity_left", "m/s"),
    Column("position_right", "m"),
    Column("velocity_right", "m/s"),
)
X_REST, X_CLIPPED, X_AGENTS = 0, 1, 2
PARAMETERS = Columns(
    Column("mass", "kg", 0),
    Column("stiffness", "N/m", 0),
    Column("force", "N", 0),
    Column("gust", "N", 0, meaning="standard deviation of the wind on both carts"),
)
P_MASS, P_STIFFNESS, P_FORCE, P_GUST = range(4)
METRICS = Columns(
    Column("reward_left", "1", meaning="half of what the left agent earns"),
    Column("reward_right", "1", meaning="half of what the right agent earns"),
    Column("rest", "m"),
    Column("position_left", "m"),
    Column("position_right", "m"),
    Column("clipped", "1"),
    Column("violation", "1", 0, 1, "1 if a cart is off the track"),
)
TRACK = 1.5  # m from the middle to either end
DT = 0.05
_START, _GUST = 0, 1


@kernel
def _slopes(x, constants):
    a, va, b, vb = x
    mass, stiffness, rest, force_a, force_b = constants
    pull = stiffness * (b - a - rest)
    return va, (pull + force_a) / mass, vb, (force_b - pull) / mass


@kernel
def carts_advance_one(x, key, step, u, p):
    gust = p[P_GUST] * normal(key, step, _GUST)
    constants = (
        p[P_MASS],
        p[P_STIFFNESS],
        x[X_REST],
        p[P_FORCE] * u[0] + gust,
        p[P_FORCE] * u[1] + gust,
    )
    state = (x[2], x[3], x[4], x[5])
    k1 = _slopes(state, constants)
    k2 = _slopes(combine(state, 0.5 * DT, k1), constants)
    k3 = _slopes(combine(state, 0.5 * DT, k2), constants)
    k4 = _slopes(combine(state, DT, k3), constants)
    x[2], x[3], x[4], x[5] = combine_rk4(state, DT, k1, k2, k3, k4)


@kernel
def _carts_observe_one(x, o):
    for a in range(2):
        own, other = X_AGENTS + 2 * a, X_AGENTS + 2 * (1 - a)
        o[4 * a] = min(max(x[own] / TRACK, -2.0), 2.0)
        o[4 * a + 1] = min(max(x[own + 1], -5.0), 5.0)
        o[4 * a + 2] = min(max((x[other] - x[own]) / TRACK, -4.0), 4.0)
        o[4 * a + 3] = x[X_REST]


@kernel
def _carts_measure_one(x, m):
    m[2], m[3], m[4], m[5] = x[X_REST], x[2], x[4], x[X_CLIPPED]
    m[6] = 1.0 if abs(x[2]) > TRACK or abs(x[4]) > TRACK else 0.0


@kernel
def _carts_step(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        x[i, X_CLIPPED] = clip_action(u[i])
        carts_advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)])
        for a in range(2):
            home = 0.5 * (2 * a - 1)
            error = x[i, X_AGENTS + 2 * a] - home
            reward[i, a] = 1.0 - error * error
            m[a, i] = 0.5 * reward[i, a]
            terminated[i, a] = abs(x[i, X_AGENTS + 2 * a]) > TRACK
        step[i] += 1
        _carts_measure_one(x[i], m[:, i])
        _carts_observe_one(x[i], o[i])
    return -1


@kernel
def _carts_reset(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            a, b, rest, speed = uniform4(key[i], 0, _START)
            x[i, X_REST], x[i, X_CLIPPED] = 0.8 + 0.4 * rest, 0.0
            x[i, 2], x[i, 3] = -0.5 + 0.4 * (a - 0.5), speed - 0.5
            x[i, 4], x[i, 5] = 0.5 + 0.4 * (b - 0.5), 0.5 - speed
            m[:, i] = 0.0
            _carts_measure_one(x[i], m[:, i])
            _carts_observe_one(x[i], o[i])


@kernel
def _carts_observe(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            m[:, i] = 0.0
            _carts_measure_one(x[i], m[:, i])
            _carts_observe_one(x[i], o[i])


@kernel
def _carts_advance(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        carts_advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)])
        step[i] += 1


CARTS = Kernels(
    step=_carts_step, reset=_carts_reset, observe=_carts_observe, advance=_carts_advance
)


def carts(**keywords):
    """The setup of two carts for mass, stiffness, force, gust, horizon, noise, mismatch, delay."""
    defaults = {
        "mass": 1.0,
        "stiffness": 4.0,
        "force": 6.0,
        "gust": 0.2,
        "horizon": None,
        "noise": None,
        "mismatch": None,
        "delay": 0,
    }
    check_keywords(keywords, defaults)
    options = defaults | keywords
    observations = Columns(
        Column("position", "m", -2.0, 2.0, scale=TRACK),
        Column("velocity", "m/s", -5.0, 5.0),
        Column("distance", "m", -4.0, 4.0, scale=TRACK),
        Column("rest", "m", 0.0, 2.0),
    )
    measured = ("position", "velocity", "distance")
    physical = ("mass", "stiffness")
    return Setup(
        id="toys/Carts-v0",
        family="toys",
        kernels=CARTS,
        dt=DT,
        state_columns=STATES,
        action_columns=Columns(Column("push", "N", -1.0, 1.0, scale=options["force"])),
        observation_columns=observations,
        metric_columns=METRICS,
        parameter_columns=PARAMETERS,
        row=np.array([options[name] for name in PARAMETERS.names], dtype=np.float64),
        tables=(np.zeros((1, 1)),),
        plant_parameters=physical,
        measured=measured,
        violation="violation",
        horizon=options["horizon"],
        agents=AGENTS,
        idle_action=np.zeros(1),
        noise=read_noise(options["noise"], observations, measured),
        mismatch=read_mismatch(options["mismatch"], PARAMETERS, physical),
        delay=read_delay(options["delay"]),
        keywords=options,
    )


def kinetic_and_spring_energy(x, p):
    """Closed form for the tests: J, of one row."""
    stretch = x[4] - x[2] - x[X_REST]
    return 0.5 * p[P_MASS] * (x[3] ** 2 + x[5] ** 2) + 0.5 * p[P_STIFFNESS] * stretch**2


class CartsEnv(KernelEnv):
    def __init__(self, *, render_mode=None, **keywords):
        super().__init__(carts(**keywords), render_mode=render_mode, rebuild=keywords)


class CartsVectorEnv(KernelVectorEnv):
    def __init__(self, **keywords):
        faces = {
            name: keywords.pop(name)
            for name in ("num_envs", "max_episode_steps", "autoreset_mode", "render_mode")
            if name in keywords
        }
        super().__init__(carts(**keywords), **faces, rebuild=keywords | faces)


class CartsParallelEnv(KernelParallelEnv):
    def __init__(self, *, max_episode_steps=None, render_mode=None, **keywords):
        faces = {"max_episode_steps": max_episode_steps, "render_mode": render_mode}
        super().__init__(carts(**keywords), **faces, rebuild=keywords | faces)


# ----------------------------------------------------------------------------------------------- lift


LIFT_STATES = Columns(Column("height", "1"), Column("floor", "1"), Column("carry", "1"))
LIFT_METRICS = Columns(
    Column("reward_distance", "1"),
    Column("reward_arrival", "1"),
    Column("height", "1"),
    Column("floor", "1"),
)


@kernel
def _lift_fill_one(x, p, m, o):
    m[2], m[3] = x[0], x[1]
    o[0], o[1] = x[0] / p[0], x[1] / p[0]
    o[2] = math.copysign(1.0, x[1] - x[0]) if x[1] != x[0] else 0.0


@kernel
def _lift_move_one(x, key, step, u):
    x[0] += u[0] - 1.0
    x[2] = uniform(key, step, 1)


@kernel
def _lift_step(x, key, step, u, p, tables, work, m, o, reward, terminated, skip):
    wrong = first_not_finite(u, skip)
    if wrong >= 0:
        return wrong
    for i in range(x.shape[0]):
        if skip[i]:
            continue
        row = p[parameter_row(p, i)]
        _lift_move_one(x[i], key[i], step[i], u[i])
        x[i, 0] = min(max(x[i, 0], 0.0), row[0])
        arrived = x[i, 0] == x[i, 1] and x[i, 2] < 0.5
        m[0, i] = -abs(x[i, 0] - x[i, 1]) / row[0]
        m[1, i] = 1.0 if arrived else 0.0
        reward[i, 0] = m[0, i] + m[1, i]
        terminated[i, 0] = arrived
        step[i] += 1
        _lift_fill_one(x[i], row, m[:, i], o[i])
    return -1


@kernel
def _lift_reset(x, key, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            row = p[parameter_row(p, i)]
            a, b, c, _ = uniform4(key[i], 0, 0)
            x[i, 0], x[i, 1], x[i, 2] = math.floor(a * row[0]), math.floor(b * row[0]), c
            m[:, i] = 0.0
            _lift_fill_one(x[i], row, m[:, i], o[i])


@kernel
def _lift_observe(x, key, step, p, tables, work, m, o, mask):
    for i in range(x.shape[0]):
        if mask[i]:
            m[:, i] = 0.0
            _lift_fill_one(x[i], p[parameter_row(p, i)], m[:, i], o[i])


@kernel
def _lift_advance(x, key, step, u, p, tables, work):
    for i in range(x.shape[0]):
        _lift_move_one(x[i], key[i], step[i], u[i])
        step[i] += 1


LIFT = Kernels(step=_lift_step, reset=_lift_reset, observe=_lift_observe, advance=_lift_advance)


def lift(*, floors=8, horizon=30, delay=0):
    """The setup of a lift with actions 0 (down), 1 (hold), 2 (up)."""
    return Setup(
        id="toys/Lift-v0",
        family="toys",
        kernels=LIFT,
        dt=1.0,
        state_columns=LIFT_STATES,
        action_columns=Columns(),
        observation_columns=Columns(
            Column("height", "1", 0.0, 1.0, scale=floors),
            Column("floor", "1", 0.0, 1.0, scale=floors),
            Column("direction", "1", -1.0, 1.0),
        ),
        metric_columns=LIFT_METRICS,
        parameter_columns=Columns(Column("floors", "1", 1)),
        row=np.array([float(floors)]),
        tables=(np.zeros((1, 1)),),
        horizon=horizon,
        actions=3,
        idle_action=1,
        delay=read_delay(delay),
        keywords={"floors": floors, "horizon": horizon, "delay": delay},
    )
