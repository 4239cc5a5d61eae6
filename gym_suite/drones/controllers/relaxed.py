"""Flying on with a rotor lost: heading is given up, and the drone turns about an axis that it points."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.core.parameters import check_number
from gym_suite.drones.controllers.allocation import SOURCE, Sharing
from gym_suite.drones.controllers.base import parts, sizes
from gym_suite.drones.controllers.indi import INDI, rotor_levers
from gym_suite.drones.parameters import PHYSICS
from gym_suite.drones.rotors import effects
from gym_suite.drones.vehicles import FEWEST

P = PHYSICS.places

_SOURCE = (
    "M. W. Mueller and R. D'Andrea, Stability and control of a quadrocopter despite the complete loss of one, two, or "
    "three propellers, ICRA 2014, doi:10.1109/ICRA.2014.6906588"
)
#: Effectiveness below which a rotor counts as lost.
_LOST = 0.5
#: Largest level part of the axis, which is of length 1; least upright part of the wanted direction that thrust is for.
_SLANT, _UPRIGHT = 0.3, 0.5
#: Least level part of the axis; least vertical specific force of the rotors, m/s^2.
_LEAST_SLANT, _LEAST_THRUST = 0.05, 2.0
#: Largest share of the rotor opposite; at 2 nothing would turn the drone any more.
_MOST_SHARE = 1.6
#: What six or eight rotors may miss of the weight or of its torque at the longest lever, one of them being lost.
_MISSED = 1e-3
#: Weight of thrust beside torque where the rotors cannot give both.
_THRUST = 0.3
#: m, beyond which level errors count as that much; m/s^2, largest level and vertical acceleration.
_LONGEST, _LEVEL, _VERTICAL = 0.8, 2.0, 4.0
_UNITS = {
    "place": "1/s^2",
    "speed": "1/s",
    "tilt": "1/s",
    "turn": "1/s",
    "share": "1",
    "slanting": "1/s",
    "lag_left": "s",
}


class Relaxed(INDI):
    """Incremental inversion until a rotor is lost, from then on relaxed hover about a primary axis.

    A quadcopter with three rotors cannot keep its heading: it turns about an axis that is fixed in its body, and flies
    by pointing that axis (Mueller and D'Andrea 2014). The axis is slanted so that the rotor opposite of the lost one
    carries a ``share`` of what the other two carry each, or it could push one way only. The rates about the level axes
    of the body that turn the axis to where it is to point are commanded by inverting the dynamics of the rigid body,
    gyroscopic torque included, and the three rotors give what is nearest to torque and thrust within their bounds.

    What force and torque do not explain of the accelerations is undone as :class:`INDI` does, and the slant of the axis
    is moved until the rotor opposite carries what it is to carry, so mass, thrust and moments of inertia may be off.
    It needs rotors of which two carry the drone with thrust to spare, and actions that are fast beside the rate at
    which it turns.

    More than four rotors keep a vehicle upright when one is lost. There the law goes on inverting incrementally, and
    what thrust and torques it wants are shared among the other rotors: least squares within their bounds, in which
    the torque about z counts least (:class:`gym_suite.drones.controllers.allocation.Sharing`).

    Args:
        place: Acceleration per error of position.
        speed: Acceleration per error of velocity.
        tilt: Rate at which the axis is turned, per its error.
        turn: Angular acceleration per error of the rates about the level axes.
        share: What the rotor opposite carries at least, of one of the other two.
        slanting: Rate at which the slant of the axis follows what that rotor lacks.
        force_filter: Part of a period's force that was left over which the next one believes.
        torque_filter: The same of the torque.
        lag_left: Lag that a lead leaves of the rotors'.
    """

    name = "relaxed"
    hyperparameters = (
        Hyperparameter(name="place", low=0.3, high=5.0, unit="1/s^2"),
        Hyperparameter(name="speed", low=0.5, high=6.0, unit="1/s"),
        Hyperparameter(name="tilt", low=2.0, high=20.0, unit="1/s"),
        Hyperparameter(name="turn", low=5.0, high=60.0, unit="1/s"),
    )
    memory = parts(**sizes(INDI.memory), slant=1)
    lets_turn = True
    keeps_torque = (
        False  # of a drone that turns the commands of one rotor are not to be moved for another's
    )

    def __init__(
        self,
        *,
        place: float = 1.5,
        speed: float = 2.5,
        tilt: float = 8.0,
        turn: float = 20.0,
        share: float = 1.0,
        slanting: float = 0.3,
        force_filter: float = 0.02,
        torque_filter: float = 0.02,
        lag_left: float = 0.01,
    ) -> None:
        super().__init__(force_filter=force_filter, torque_filter=torque_filter)
        self.place = place
        self.speed = speed
        self.tilt = tilt
        self.turn = turn
        self.share = share
        self.slanting = slanting
        self.lag_left = lag_left

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        if "health_0" not in self._columns:
            raise ValueError(
                "relaxed hover has to be told which rotor is lost; make drones/RotorFailure-v0, whose observation does"
            )
        own = {name: check_number(name, getattr(self, name), above=0.0) for name in _UNITS}
        self.gains_ |= own
        self.gain_units_ = dict(self.gain_units_) | _UNITS
        self.source_ += f"; with a rotor lost: {_SOURCE}"
        row = self._row
        self._health = self._columns.index("health_0")
        self._weight = float(row[P.mass] * row[P.gravity])
        top = min(self._hover * (1.0 + self._range), float(row[P.max_rpm]))
        self._strongest = float(row[P.k_f]) * top**2
        if self._count > FEWEST:
            self._tune_sharing()
            return
        if self._rotor_table.ndim == 2:
            raise ValueError(
                "relaxed hover turns about an axis that it knows of layouts 'x' and '+'; this vehicle's four rotors "
                "are listed"
            )
        carried = 2.0 * self._strongest
        if carried <= self._weight:
            raise ValueError(
                f"two rotors carry {carried:.3g} N at most here, and the vehicle weighs {self._weight:.3g} N: it "
                "cannot fly on when one is lost"
            )
        self._arms = rotor_levers(row) / row[P.k_f]
        self._plans = [_Plan(self._arms, k, self._weight, self._strongest) for k in range(4)]
        lag = float(row[P.motor_lag])
        self._lead = max(1.0, lag / self.lag_left)

    def _tune_sharing(self) -> None:
        """Prepare how more than four rotors share thrust and torques when one is lost."""
        gives = effects(self._row, self._rotor_table) / self._row[P.k_f]
        self._sharing = Sharing(gives, self._weight)
        self.source_ += f"; sharing: {SOURCE}"
        tops = self._even * (1.0 + self._range)
        self._tops = np.minimum(tops, self._row[P.max_rpm]) ** 2 * self._row[P.k_f]
        level = np.array([self._weight, 0.0, 0.0, 0.0])
        for lost in range(self._count):
            missed = self._sharing.missed(
                level, np.where(np.arange(self._count) == lost, 0.0, self._tops)
            )
            if missed > _MISSED:
                raise ValueError(
                    f"with rotor {lost} lost the others cannot carry the vehicle level: they miss {missed:.2g} of "
                    "its weight or of that weight's torque at the longest lever"
                )

    def _shared(
        self,
        o: NDArray[np.float64],
        demand: NDArray[np.float64],
        believed: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        rotors = super()._shared(o, demand, believed)
        lost = o[:, self._health : self._health + self._count] < _LOST
        some = lost.any(axis=1)
        if self._count > FEWEST and some.any():
            most = np.where(lost[some], 0.0, self._tops)
            speeds = np.sqrt(self._sharing.forces(demand[some], most) / self._row[P.k_f])
            lead = max(1.0, float(self._row[P.motor_lag]) / self._gains.lag)
            led = believed[some] + lead * (speeds - believed[some])
            rotors[some] = np.where(lost[some], 0.0, np.clip(led, 0.0, self._row[P.max_rpm]))
        return rotors

    def _rotors(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        rotors = super()._rotors(o, state)
        if self._count > FEWEST:
            return rotors
        health = o[:, self._health : self._health + 4]
        lost = np.argmin(health, axis=1)
        for k in range(4):
            mine = (lost == k) & (health[:, k] < _LOST)
            if mine.any():
                memory = state[mine]
                rotors[mine] = self._relaxed(o[mine], memory, k)
                state[mine] = memory
        return rotors

    def _relaxed(
        self, o: NDArray[np.float64], state: NDArray[np.float64], lost: int
    ) -> NDArray[np.float64]:
        """Return rotor speeds, rpm, (n, 4), of drones that have lost the same rotor; moves their integrals on."""
        row, gains, inertia = self._row, self.gains_, self._inertia
        turned, rate = self._rotation(o).reshape(-1, 3, 3), self._seen(o, "body_rate")
        wanted = self._wanted(o, state)
        size = np.linalg.norm(wanted, axis=1)
        # Where the axis is to point, seen from the body, and how that moves as the body turns.
        to = (turned * wanted[:, :, None]).sum(axis=1) / size[:, None]
        moving = -np.cross(rate, to)
        believed = state[:, self.memory["rotors"]] + self._hover
        axis = self._axis(rate[:, 2], believed, state[:, self.memory["slant"]], lost)
        off = to[:, :2] - axis[:, :2]
        spin = rate[:, 2:3] * axis[:, :2] / axis[:, 2:3]
        rates = spin + gains["tilt"] * np.stack([-off[:, 1], off[:, 0]], axis=1)
        ahead = gains["tilt"] * np.stack([-moving[:, 1], moving[:, 0]], axis=1)
        torque = ahead + gains["turn"] * (rates - rate[:, :2])
        torque = inertia[:2] * (torque - state[:, self.memory["torque"]][:, :2])
        torque += np.cross(rate, inertia * rate)[:, :2]
        thrust = row[P.mass] * size / np.maximum(to[:, 2], _UPRIGHT)
        forces = self._plans[lost].forces(torque, thrust)
        speeds = np.sqrt(forces / row[P.k_f])
        commands = np.clip(believed + self._lead * (speeds - believed), 0.0, row[P.max_rpm])
        commands[:, lost] = 0.0
        return commands

    def _wanted(self, o: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the specific force that is wanted of the rotors, m/s^2, (n, 3)."""
        gains = self.gains_
        error = self._seen(o, "error")
        level = np.linalg.norm(error[:, :2], axis=1, keepdims=True)
        error[:, :2] *= np.minimum(1.0, _LONGEST / np.maximum(level, 1e-9))
        wanted = gains["place"] * error - gains["speed"] * self._seen(o, "velocity")
        level = np.linalg.norm(wanted[:, :2], axis=1, keepdims=True)
        wanted[:, :2] *= np.minimum(1.0, _LEVEL / np.maximum(level, 1e-9))
        wanted[:, 2] = np.clip(wanted[:, 2], -_VERTICAL, _VERTICAL)
        wanted -= state[:, self.memory["force"]]
        wanted[:, 2] = np.maximum(wanted[:, 2] + self._row[P.gravity], _LEAST_THRUST)
        return wanted

    def _axis(
        self,
        rate: NDArray[np.float64],
        rotors: NDArray[np.float64],
        memory: NDArray[np.float64],
        lost: int,
    ) -> NDArray[np.float64]:
        """Return the axis, (n, 3), about which a drone turns steadily where the opposite rotor carries its share.

        Torque and gyroscopic torque balance: about x q r (I_zz - I_yy), about y p r (I_xx - I_zz). The torque is that
        of the opposite rotor alone, for the other two stand symmetrically; it grows with s / (2 + s) of its share s,
        and the torque that turns the drone falls with (2 - s) / (2 + s). So a drone that turns faster than it would
        with the least share at the largest slant, because its thrust or torque is not what is believed, gives the
        opposite rotor more, and is braked.

        Args:
            rate: Body rate about z, rad/s.
            rotors: Speeds of the rotors, rpm, (n, 4).
            memory: By how much the slant is below the largest, (n, 1); moved on by what the rotor opposite lacks.
            lost: The rotor that is lost.
        """
        i_xx, i_yy, i_zz = self._inertia
        opposite = (lost + 2) % 4
        square = np.maximum(rate**2, 1e-9)
        about_x, about_y, _ = self._weight * self._arms[:, opposite]
        full = np.stack(
            [about_y / (square * (i_xx - i_zz)), about_x / (square * (i_zz - i_yy))], axis=1
        )
        size = np.linalg.norm(full, axis=1, keepdims=True)
        least, most = (s / (2.0 + s) for s in (float(self.gains_["share"]), _MOST_SHARE))
        wanted = np.clip(_SLANT / size, least, most)
        forces = rotors**2
        forces[:, lost] = 0.0
        carried = forces[:, [opposite]] / np.maximum(forces.sum(axis=1, keepdims=True), 1e-9)
        memory += self._dt * self.gains_["slanting"] * (carried - wanted)
        np.clip(memory, 0.0, _SLANT - _LEAST_SLANT, out=memory)
        axis = full / size * (_SLANT - memory)
        upright = np.sqrt(1.0 - np.square(axis).sum(axis=1, keepdims=True))
        return np.hstack([axis, upright])


class _Plan:
    """How three rotors share torque about the level axes and thrust: least squares within bounds, exactly.

    The best is the least-squares solution of the rotors that are not at a bound, so all choices of who is at which are
    tried.

    Args:
        levers: Body torques per force, (3, 4).
        lost: The rotor that gives nothing.
        weight: Of the vehicle, N.
        strongest: Largest force of a rotor, N.
    """

    def __init__(
        self, levers: NDArray[np.float64], lost: int, weight: float, strongest: float
    ) -> None:
        self._rotors = [k for k in range(4) if k != lost]
        reach = weight * float(np.abs(levers[:2]).max())
        self._scale = np.array([1.0 / reach, 1.0 / reach, _THRUST / weight])
        matrix = np.vstack([levers[:2, self._rotors], np.ones(3)]) * self._scale[:, None]
        self._matrix, self._strongest = matrix, strongest
        self._choices = []
        for held in itertools.product((None, 0.0, strongest), repeat=3):
            free = [k for k in range(3) if held[k] is None]
            bound = np.array([value or 0.0 for value in held])
            inverse = np.zeros((3, 3))
            if free:
                inverse[free] = np.linalg.pinv(matrix[:, free])
            self._choices.append((bound, inverse))

    def forces(
        self, torque: NDArray[np.float64], thrust: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the rotors' forces, N, (n, 4), for torques about x and y, (n, 2), and thrusts, (n,)."""
        wanted = np.column_stack([torque, thrust]) * self._scale
        best, least = np.zeros((len(wanted), 3)), np.full(len(wanted), np.inf)
        slack = 1e-9 * self._strongest
        for bound, inverse in self._choices:
            left = wanted - self._times(self._matrix, bound[None])
            forces = bound + self._times(inverse, left)
            within = ((forces >= -slack) & (forces <= self._strongest + slack)).all(axis=1)
            cost = np.square(wanted - self._times(self._matrix, forces)).sum(axis=1)
            better = within & (cost < least)
            best[better], least[better] = forces[better], cost[better]
        result = np.zeros((len(wanted), 4))
        result[:, self._rotors] = np.clip(best, 0.0, self._strongest)
        return result

    @staticmethod
    def _times(matrix: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the matrix times each row: summed alike however many rows there are, as BLAS does not."""
        return (rows[:, None, :] * matrix).sum(axis=2)
