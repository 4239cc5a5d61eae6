"""Derating: how much of a demanded torque a drive gives, so that its winding and its magnets do not get too hot.

What is commanded is a torque, which the drive's own current loop gives within milliseconds; what moves slowly is heat.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import machine_of
from gym_suite.motors.controllers.laws import L
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.efficiency import steady
from gym_suite.motors.losses import Losses
from gym_suite.motors.machines import group_of
from gym_suite.motors.quantities import CONTROL_TORQUE, TEMPERATURES, T

Values = NDArray[np.float64]

#: Nodes of the table of losses: of the torque and of the speed.
_TORQUES, _SPEEDS = 41, 25
#: Caps of the torque that are tried at once, and how often the range between two of them is divided further.
_CAPS, _ROUNDS = 17, 2
_WINDING, _MAGNET, _HOUSING = range(len(TEMPERATURES))


class _Derating(Controller):
    """What the controllers share: what they see, and the limits."""

    def _prepare(self, nominal: Any) -> None:
        """Read the limits and the places of what is observed.

        Raises:
            ValueError: If actions are no torques, no torque is demanded, or temperatures are not observed.
        """
        values, setup = nominal.parameters, nominal.setup
        columns = setup.observation_columns
        if int(values["control"]) != CONTROL_TORQUE or not {"torque_ref", *TEMPERATURES.names} <= {
            *columns.names
        }:
            raise ValueError(
                f"{type(self).__name__} derates a demanded torque by observed temperatures: it needs control='torque', "
                "and a task that demands a torque and shows temperatures, such as that of gem/PMSM-Thermal-v0"
            )
        self._at = {name: (k, columns[name].scale) for k, name in enumerate(columns.names)}
        self._limit = float(values["torque_limit"])
        self._hottest = np.array([values["limit_winding"], values["limit_magnet"]], np.float64)

    def _read(self, observation: Values, *names: str) -> Values:
        """Return observed quantities in SI units, (n, names)."""
        at = [self._at[name] for name in names]
        return np.column_stack([scale * observation[:, place] for place, scale in at])


class LinearDerating(_Derating):
    """Full torque up to a temperature, none at a higher one, and linear between: the usual derating of a drive.

    Winding and magnets each have such a line, which ends ``margin`` below the limit, and the lower counts. Engelhardt,
    "Derating-Strategien fuer elektrisch angetriebene Sportwagen", Springer 2017; Etzold and others, IEEE Trans.
    Transp. Electrification 5(4), 2019, pp. 1419, measure how its gradient trades lap time against energy.

    Args:
        width: How far below its end the line begins, K; a smaller one gives more torque and lets it jump more.
        margin: How far below the limit the line ends, K.
    """

    name: ClassVar[str] = "derating"
    hyperparameters = (
        Hyperparameter(name="width", low=1.0, high=60.0, unit="K", meaning="width of the line"),
        Hyperparameter(
            name="margin", low=0.1, high=20.0, unit="K", meaning="from its end to the limit"
        ),
    )

    def __init__(self, *, width: float = 20.0, margin: float = 1.0) -> None:
        self.width = width
        self.margin = margin

    def _tune(self, nominal: Any) -> None:
        self._prepare(nominal)
        check_number("width", self.width, above=0.0, high=200.0)
        check_number("margin", self.margin, low=0.0, high=100.0)

    def _law(self, observation: Values, state: Values) -> Values:
        hot = self._read(observation, *TEMPERATURES.names[:_HOUSING])
        left = (self._hottest - self.margin - hot) / self.width
        cap = self._limit * np.clip(left.min(axis=1), 0.0, 1.0)
        demand = self._read(observation, "torque_ref")[:, 0]
        return (np.clip(demand, -cap, cap) / self._limit)[:, None]


@dataclass(frozen=True, slots=True)
class LossTable:
    """Losses of a machine over torque and speed, in the operating points that its drive chooses, and what follows.

    Attributes:
        torque: Largest torque of the table, N m; its nodes are even.
        speed: Largest speed, rad/s.
        values: Copper loss at the nominal temperature, iron loss and friction (W), and the q current (A) at each torque
            and speed, (torques, speeds, 4).
    """

    torque: float
    speed: float
    values: Values

    def at(self, torque: Values, speed: Values) -> Values:
        """Return the four quantities, (4, ...), at sizes of torque (N m) and speed (rad/s), linear between nodes.

        Args:
            torque: Of any shape (n, ...).
            speed: (n,).
        """
        torques, speeds, _ = self.values.shape
        across = np.clip(speed / self.speed, 0.0, 1.0) * (speeds - 1)
        k = np.minimum(across.astype(np.int64), speeds - 2)
        d = (across - k)[:, None]
        curves = (1.0 - d) * self.values[:, k] + d * self.values[:, k + 1]  # (torques, n, 4)
        along = np.clip(torque / self.torque, 0.0, 1.0) * (torques - 1)
        j = np.minimum(along.astype(np.int64), torques - 2)
        row = np.arange(len(speed)).reshape((-1,) + (1,) * (torque.ndim - 1))
        b = (along - j)[..., None]
        told = (1.0 - b) * curves[j, row] + b * curves[j + 1, row]
        return np.moveaxis(told, -1, 0)


def loss_table(nominal: Any) -> LossTable:
    """Return the losses of a nominal drive under torque commands.

    Args:
        nominal: The nominal model of an environment with losses.
    """
    values, setup = nominal.parameters, nominal.setup
    machine: Any = machine_of(values, setup.keywords["machine"])
    law, points = setup.nominal_tables[T.law][0], setup.nominal_tables[T.points]
    torques = np.linspace(0.0, float(values["torque_limit"]), _TORQUES)
    speeds = np.linspace(0.0, machine.omega_limit, _SPEEDS)
    i = np.array(
        [
            [
                currents_for_torque(
                    group_of(machine.group), t, machine.pairs * w, law[L.u_max], points
                )
                for w in speeds
            ]
            for t in torques
        ]
    )
    lost = Losses(**{f.name: float(values[f.name]) for f in fields(Losses)})
    state = steady(machine, lost, i[:, :, 0], i[:, :, 1], speeds[None], tau=float(values["tau"]))
    parts = [state.parts[name] for name in ("copper", "iron", "friction")]
    return LossTable(torques[-1], speeds[-1], np.stack([*parts, i[:, :, 1]], axis=2))


def heat_flow(values: Any) -> tuple[Values, Values]:
    """Return the matrices a (1/s) and b of a thermal network, dT/dt = a T + b (copper, iron, friction, ambient).

    The temperatures are those of :data:`TEMPERATURES` in degrees Celsius, losses in W; the equations are those of
    :class:`gym_suite.motors.thermal.ThermalNetwork`.

    Args:
        values: Nominal parameters by name.
    """
    conductance = [1.0 / values[f"rth_{name}"] for name in ("winding", "magnet", "housing")]
    capacity = [values[f"c_{name}"] for name in ("winding", "magnet", "housing")]
    share, a, b = values["rotor_share"], np.zeros((3, 3)), np.zeros((3, 4))
    for node in (_WINDING, _MAGNET):
        a[node, node] = -conductance[node]
        a[node, _HOUSING] = a[_HOUSING, node] = conductance[node]
    a[_HOUSING, _HOUSING] = -sum(conductance)
    b[_WINDING, 0], b[_MAGNET, 1] = 1.0, share
    b[_HOUSING, 1:] = 1.0 - share, 1.0, conductance[_HOUSING]
    rows = np.array(capacity)[:, None]
    return a / rows, b / rows


class PreviewDerating(_Derating):
    """The largest cap on the torque with which the demand that is foreseen heats nothing beyond its limits.

    It predicts the temperatures over the observed preview by the nominal thermal network, which is linear once the
    losses are known, exactly over each interval; these follow from the torque by the machine's operating points, and
    the copper loss from the temperature at the beginning of an interval. What is cut is cut off peaks: copper loss
    grows with the square of the torque, so that a newton metre there spares most heat. Towards the end of the preview
    the cap falls with the winding's time constant: of the heat of a torque now that part is left when it matters, and
    where a newton metre is to cost the same everywhere, the bound on it is inverse to that part, by the maximum
    principle for one node and one bound that is reached. It decides anew in every control period, from the observed
    temperatures and the model's prediction of them. The idea is that of Wallscheid and Boecker, "Derating of
    automotive drive systems using model predictive control", IEEE PRECEDE 2017; the search for a cap takes the place
    of their optimiser.

    A warm magnet gives less torque a current, so it commands as much more as the nominal magnet's coefficient tells.

    Args:
        margin: How far below the limits the prediction stays, K.
        correction: Part of the difference between observed and predicted temperatures that it believes in a period.
        compensation: Whether it commands more torque from warm magnets.
    """

    name: ClassVar[str] = "preview-derating"
    information: Information = "model"
    #: Temperatures of winding, magnets and housing, and 1 if there is a prediction.
    state_size = 4
    hyperparameters = (
        Hyperparameter(
            name="margin", low=0.1, high=20.0, unit="K", meaning="from prediction to limit"
        ),
        Hyperparameter(
            name="correction", low=0.01, high=1.0, meaning="part of a difference believed"
        ),
    )

    def __init__(
        self, *, margin: float = 1.5, correction: float = 0.2, compensation: bool = True
    ) -> None:
        self.margin = margin
        self.correction = correction
        self.compensation = compensation

    def _tune(self, nominal: Any) -> None:
        from scipy.linalg import expm

        self._prepare(nominal)
        check_number("margin", self.margin, low=0.0, high=100.0)
        check_number("correction", self.correction, above=0.0, high=1.0)
        values = nominal.parameters
        ahead = int(values["preview"])
        if ahead < 1:
            raise ValueError(
                f"{type(self).__name__} looks at the demand ahead: preview = {ahead} shows none of it"
            )
        self._ahead = [f"torque_ref_{k}" for k in range(1, ahead + 1)]
        self._losses = loss_table(nominal)
        a, b = heat_flow(values)
        whole = np.block([[a, b], [np.zeros((4, 7))]])

        def exact(time: float) -> tuple[Values, Values]:
            step = np.asarray(expm(whole * time), np.float64)
            return step[:3, :3], step[:3, 3:]

        self._now = exact(float(nominal.dt))
        interval = float(values["preview_ticks"]) * float(values["tau"])
        self._step = exact(interval)
        fall = interval / float(values["rth_winding"] * values["c_winding"])
        self._fall = np.exp(-fall * np.arange(ahead))
        self._ambient, self._zero = float(values["ambient"]), float(values["temperature_nominal"])
        self._copper = float(values["alpha_winding"])
        self._flux = 1.5 * float(values["p"]) * float(values["psi_p"])
        self._magnet = float(values["alpha_magnet"])

    def _heat(
        self, torque: Values, speed: Values, step: tuple[Values, Values]
    ) -> tuple[Values, Values]:
        """Return what losses do to the three nodes in a step, K: the copper loss at its nominal temperature, the rest.

        Args:
            torque: Sizes of torques, N m, (n, ...).
            speed: Sizes of speeds, rad/s, (n,).
            step: Of :func:`heat_flow` over the step.
        """
        copper, iron, friction, _ = self._losses.at(torque, speed)
        _, b = step
        shape = (3,) + (1,) * copper.ndim
        by_copper, by_iron, by_friction, rest = (b[:, c].reshape(shape) for c in range(4))
        return by_copper * copper, by_iron * iron + by_friction * friction + rest * self._ambient

    def _warmed(self, nodes: Values, copper: Values, rest: Values, step: Any) -> Values:
        """Return the temperatures of the nodes, (3, ...), after a step in which losses do what :meth:`_heat` tells."""
        a, _ = step
        factor = 1.0 + self._copper * (nodes[_WINDING] - self._zero)
        shape = (3,) + (1,) * (nodes.ndim - 1)
        # Summed by hand: a matrix product would sum many rows in another order than one.
        own = a[:, 0].reshape(shape) * nodes[0] + a[:, 1].reshape(shape) * nodes[1]
        return own + a[:, 2].reshape(shape) * nodes[2] + copper * factor + rest

    def _stays(
        self, cap: Values, nodes: Values, demand: Values, speed: Values
    ) -> NDArray[np.bool_]:
        """Return which caps (n, caps) keep the limits over the preview.

        Args:
            cap: Caps of the torque now, N m, (n, caps).
            nodes: Temperatures now, (n, 3).
            demand: Sizes of the torques that are demanded now and at the end of each interval, (n, 1 + preview).
            speed: Sizes of the speed, (n,).
        """
        bound = (self._hottest - self.margin)[:, None, None]
        warm = np.repeat(nodes.T[:, :, None], cap.shape[1], axis=2)
        over = np.maximum(warm[:_HOUSING] - bound, 0.0)
        torque = np.minimum(demand[:, :-1, None], self._fall[:, None] * cap[:, None, :])
        copper, rest = self._heat(torque, speed, self._step)
        fits = np.ones(cap.shape, bool)
        for k in range(demand.shape[1] - 1):
            warm = self._warmed(warm, copper[:, :, k], rest[:, :, k], self._step)
            over = 0.5 * over  # what is too hot already has time to cool
            fits &= (warm[:_HOUSING] <= bound + over).all(axis=0)
        return fits

    def _law(self, observation: Values, state: Values) -> Values:
        seen = self._read(observation, *TEMPERATURES.names)
        fresh = state[:, 3] == 0.0
        state[fresh, :3], state[:, 3] = seen[fresh], 1.0
        state[:, :3] += self.correction * (seen - state[:, :3])
        nodes, rows = state[:, :3].copy(), len(seen)
        speed = np.abs(self._read(observation, "omega")[:, 0])
        wanted = self._read(observation, "torque_ref")[:, 0]
        demand = np.abs(np.column_stack([wanted, self._read(observation, *self._ahead)]))
        low, high = np.zeros(rows), np.full(rows, self._limit)
        for _ in range(_ROUNDS):
            cap = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, _CAPS)
            fits = self._stays(cap, nodes, demand, speed)
            # More torque heats more, so those that fit are the first ones.
            best = np.where(fits.any(axis=1), _CAPS - 1 - np.argmax(fits[:, ::-1], axis=1), 0)
            each = np.arange(rows)
            low, high = cap[each, best], cap[each, np.minimum(best + 1, _CAPS - 1)]
        size = np.minimum(np.abs(wanted), low)
        command = size
        if self.compensation:
            i_q = self._losses.at(size, speed)[3]
            lost = -self._flux * self._magnet * (nodes[:, _MAGNET] - self._zero) * i_q
            command = size + np.clip(lost, 0.0, 0.2 * size)
        copper, rest = self._heat(command, speed, self._now)
        state[:, :3] = self._warmed(nodes.T, copper, rest, self._now).T
        return (np.copysign(np.minimum(command, self._limit), wanted) / self._limit)[:, None]
