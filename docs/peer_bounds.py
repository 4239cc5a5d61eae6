"""How exactly a reference can be followed at all, by a drive whose next references nobody knows.

The tracker of :func:`least_errors` knows the plant exactly, sees the reference when our controllers see it, and comes
in every period as near to it as the voltages of that period allow. For a quantity that can rise and fall equally fast,
and a reference that is as likely to rise as to fall, no causal controller has a smaller mean absolute error: the cost
of what is left, abs(e) and the mean cost to come, is then an even and convex function of the distance e that is left,
period for period from the last one backwards, so the smallest abs(e) that can be reached is best. Where speeds of
change differ with the state, as the induced voltage makes them, or a bound clips the reference, it is near to that.

Where a flux follows slowly, :func:`least_flux_error` and :func:`least_shunt_error` know all references from the start,
and their voltages have no limit: whoever sees less, or has less, does no better.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

Array = NDArray[np.float64]
#: Starts from which a plant's map is found, within which currents, and the error that the map may leave, A.
_STARTS, _SPREAD, _EXACT = 40, 5.0, 1e-8


def corners(actions: int) -> Array:
    """Return the extreme voltages of choppers, or of a bridge of three legs without its two zero vectors, (n, actions).

    Args:
        actions: Number of elements of an action.
    """
    found = np.array(list(itertools.product((-1.0, 1.0), repeat=actions)))
    return found[np.abs(found.sum(axis=1)) < 3.0] if actions == 3 else found


def nearest(points: Array, actions: Array, target: Array) -> Array:
    """Return the action whose output is nearest to a target, by the sum of absolute differences.

    Outputs are affine in the action, so what can be reached is the convex hull of what the extreme actions reach.

    Args:
        points: Outputs at the extreme actions, (n, 1) or (n, 2).
        actions: These actions, (n, actions).
        target: Wanted outputs, (1,) or (2,).
    """
    if points.shape[1] == 1:
        low, high = int(points[:, 0].argmin()), int(points[:, 0].argmax())
        span = points[high, 0] - points[low, 0]
        part = min(max((target[0] - points[low, 0]) / span, 0.0), 1.0)
        return actions[low] + part * (actions[high] - actions[low])
    # Round about their centre; an edge leads from each to the next.
    order = np.argsort(np.arctan2(*(points - points.mean(axis=0)).T[::-1]))
    points, actions = points[order], actions[order]
    along, on = np.roll(points, -1, axis=0) - points, np.roll(actions, -1, axis=0) - actions
    inward = np.column_stack((-along[:, 1], along[:, 0]))
    if np.sum((target - points) * inward, axis=1).min() >= 0.0:
        affine = np.column_stack((points, np.ones(len(points))))
        return np.asarray(
            np.append(target, 1.0) @ np.linalg.lstsq(affine, actions, rcond=None)[0], dtype=float
        )
    # The distance is convex and has a kink where an edge has the height of the target: least there or at a corner.
    with np.errstate(divide="ignore", invalid="ignore"):
        kinks = np.nan_to_num((target - points) / along)
    parts = np.clip(np.column_stack((np.zeros(len(points)), kinks)), 0.0, 1.0)
    tried = points[:, None] + parts[..., None] * along[:, None]
    edge, k = np.unravel_index(np.abs(tried - target).sum(axis=2).argmin(), parts.shape)
    return actions[edge] + parts[edge, k] * on[edge]


@dataclass(frozen=True, slots=True, kw_only=True)
class Currents:
    """The map of one period at constant speed: currents behind it from currents and voltages, which is affine.

    Attributes:
        rows: Currents (k), the voltages (v) in the frame of the currents and 1 give the currents, (k + v + 1, k).
        turned: Angle by which the frame turns in a period, rad; 0 where it rests.
        names: Of the currents.
    """

    rows: Array
    turned: float
    names: tuple[str, ...]

    @classmethod
    def of(cls, env: Any, names: tuple[str, ...]) -> Currents:
        """Return the map of an environment's plant, found from single periods under random actions.

        Args:
            env: The environment, with averaged voltages that act at once and a shaft of constant speed.
            names: Of the currents.

        Raises:
            RuntimeError: If its periods are no such map.
        """
        bare, generator = env.unwrapped, np.random.default_rng(0)
        features, after, turned = [], [], 0.0
        for seed in range(_STARTS):
            drawn = generator.uniform(-_SPREAD, _SPREAD, len(names))
            state = dict(zip(names, drawn.tolist(), strict=True))
            _, info = bare.reset(seed=seed, options={"state": state})
            action = generator.uniform(-1.0, 1.0, bare.action_space.shape)
            before = np.array([info[name] for name in names])
            angle = info.get("epsilon", 0.0)
            info = bare.step(action)[4]
            features.append([*before, *in_frame(action[None], angle)[0], 1.0])
            after.append([info[name] for name in names])
            turned = (info.get("epsilon", 0.0) - angle) % (2.0 * np.pi)
        rows = np.linalg.lstsq(np.array(features), np.array(after), rcond=None)[0]
        if np.abs(np.array(features) @ rows - after).max() > _EXACT:
            raise RuntimeError(
                "the periods of this plant are no affine map of currents and voltages"
            )
        return cls(rows=rows, turned=turned, names=names)

    def after(self, currents: Array, voltages: Array) -> Array:
        """Return the currents (n, k) behind a period from currents (k,) under voltages (n, v) in their frame."""
        k = len(self.names)
        return currents @ self.rows[:k] + voltages @ self.rows[k:-1] + self.rows[-1]


def in_frame(actions: Array, angle: float) -> Array:
    """Return actions (n, elements) as voltages of axes: three phases turned by an angle (rad), others as they are."""
    if actions.shape[1] != 3:
        return actions
    a, b, c = actions.T
    alpha, beta = (2.0 * a - b - c) / 3.0, (b - c) / np.sqrt(3.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.column_stack((cosine * alpha + sine * beta, cosine * beta - sine * alpha))


def least_errors(
    plant: Currents,
    start: Array,
    angle: float,
    wanted: Array,
    limits: Array,
    read: Callable[[Array], Array],
) -> Array:
    """Return the mean absolute errors of the tracker in one episode, as parts of limits; see the module.

    Args:
        plant: The map of a period.
        start: First currents, (k,), A.
        angle: First angle of their frame, rad.
        wanted: Currents that are asked for, (k, steps + 1), A.
        limits: Of what is tracked, (k,).
        read: What is tracked, of currents (..., k); a function that rises with each.
    """
    extremes = corners(3 if plant.turned else len(plant.names))
    scale, currents, total = np.abs(wanted).max(axis=1), start, 0.0
    for target in wanted.T[:-1]:
        voltages = in_frame(extremes, angle)
        reached = plant.after(currents, voltages)
        best = nearest(reached / scale, voltages, target / scale)
        currents = plant.after(currents, best[None])[0]
        angle += plant.turned
        total = total + np.abs(read(currents) - read(target)) / limits
    return total / (wanted.shape[1] - 1)


def least_speed_error(
    course: Array, step: float, start: float, torque: tuple[float, float], load: tuple[float, ...]
) -> float:
    """Return the mean absolute error of a speed whose torque is free between its extremes in every period.

    The extremes are those of the current limits, as though the currents were there at once and the voltage sufficed:
    who follows with currents that have to rise first has more.

    Args:
        course: References, (steps + 1,), rad/s.
        step: Period, s.
        start: First speed, rad/s.
        torque: Least and largest torque of the machine, N m.
        load: Coulomb friction (N m), viscous friction (N m s/rad) and inertia (kg m^2).
    """
    friction, viscous, inertia = load
    speed, total = start, 0.0
    for reference in course[:-1]:
        against = np.sign(speed) * friction + viscous * speed
        slowest, fastest = (speed + step * (t - against) / inertia for t in torque)
        speed = min(max(reference, slowest), fastest)
        total += abs(speed - reference)
    return total / (len(course) - 1)


def least_flux_error(
    course: Array, step: float, start: tuple[float, float], flux: tuple[float, float], limit: float
) -> float:
    """Return the least mean absolute error of the current along a flux that follows it, with all references known.

    The flux has no sign: time * dpsi/dt = l_m i - psi, and psi >= 0. In every period the current may go anywhere within
    its limit, where it arrives evenly; what it costs is a linear programme.

    Args:
        course: References, (steps + 1,), A.
        step: Period, s.
        start: First current (A) and flux (Vs).
        flux: Inductance between current and flux (H), and time constant (s).
        limit: Of the current, A.
    """
    n, (current, psi), (l_m, time) = len(course) - 1, start, flux
    kept = np.exp(-step / time)
    # Currents at the ends of the periods, their distances from the references, and fluxes.
    one, none = sparse.identity(n), sparse.csr_matrix((n, n))
    below = sparse.eye(n, k=-1)
    follows = sparse.hstack((-0.5 * (1.0 - kept) * l_m * (one + below), none, one - kept * below))
    begins = np.zeros(n)
    begins[0] = kept * psi + 0.5 * (1.0 - kept) * l_m * current
    distances = sparse.vstack((sparse.hstack((one, -one, none)), sparse.hstack((-one, -one, none))))
    wanted = course[:-1]
    found = linprog(
        np.repeat((0.0, 1.0 / n, 0.0), n),
        A_ub=distances,
        b_ub=np.concatenate((wanted, -wanted)),
        A_eq=follows,
        b_eq=begins,
        bounds=[(-limit, limit)] * n + [(0.0, None)] * (2 * n),
    )
    return float(found.fun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shunt:
    """A machine whose field winding is parallel to its armature, at a speed.

    The terminals' voltage falls out of the difference of both windings' equations: what is slow is
    z = l_e i_e - l_a i_a, with dz/dt = r_a i_a - r_e i_e + l_e_prime omega i_e.

    Attributes:
        r_a: Resistance of the armature, ohm.
        r_e: That of the field, ohm.
        l_a: Inductance of the armature, H.
        l_e: That of the field, H.
        l_e_prime: Torque by both currents, H.
        omega: Speed, rad/s.
        limit: Of the currents, A.
    """

    r_a: float
    r_e: float
    l_a: float
    l_e: float
    l_e_prime: float
    omega: float
    limit: float

    def field(self, slow: Array, armature: Array) -> Array:
        """Return the field current, A, with z (Vs) and the armature's current (A)."""
        return np.asarray((slow + self.l_a * armature) / self.l_e)

    def slope(self, slow: Array, armature: Array) -> Array:
        """Return dz/dt, V."""
        induced = (self.l_e_prime * self.omega - self.r_e) * self.field(slow, armature)
        return np.asarray(self.r_a * armature + induced)

    def torque(self, slow: Array, armature: Array) -> Array:
        """Return the torque, N m."""
        return self.l_e_prime * self.field(slow, armature) * armature

    def armature_for(self, slow: Array, torque: float) -> Array:
        """Return the armature's current for a torque, A; where none is large enough, one beyond all limits."""
        half = slow / (2.0 * self.l_a)
        root = half * half + torque * self.l_e / (self.l_e_prime * self.l_a)
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(np.sqrt(root) - half, nan=np.inf)


def least_shunt_error(
    course: Array, step: float, shunt: Shunt, slow: float, cells: tuple[int, int] = (400, 80)
) -> float:
    """Return the least mean absolute error of the torque of a shunt machine, with all references known.

    In every period the armature's current may be any within its limit, at once. Found backwards from the last period
    on a grid of what is slow; one that is twice as fine gives less by a hundredth.

    Args:
        course: References, (steps + 1,), N m.
        step: Period, s.
        shunt: The machine.
        slow: First z, Vs.
        cells: Of the grid, and currents tried besides the one that gives the wanted torque.
    """
    most = shunt.l_e * shunt.limit
    grid = np.linspace(-0.02 * most, most, cells[0])
    tried = np.broadcast_to(np.linspace(-shunt.limit, shunt.limit, cells[1])[:, None], cells[::-1])
    to_come = np.zeros(cells[0])
    given = shunt.torque(grid, tried)
    after = grid + step * shunt.slope(grid, tried)
    beyond = np.where((after < grid[0]) | (after > grid[-1]), np.inf, 0.0)
    for wanted in course[-2::-1]:
        exact = shunt.armature_for(grid, wanted)
        there = np.abs(exact) <= shunt.limit
        exact = np.where(there, exact, 0.0)
        next_of = grid + step * shunt.slope(grid, exact)
        there &= (next_of >= grid[0]) & (next_of <= grid[-1])
        hit = np.where(there, np.interp(next_of, grid, to_come), np.inf)
        others = np.abs(given - wanted) + beyond + np.interp(after, grid, to_come)
        to_come = np.minimum(hit, others.min(axis=0))
    return float(np.interp(slow, grid, to_come)) / (len(course) - 1)
