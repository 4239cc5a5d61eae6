"""Deadbeat and predictive control of currents, torque and speed of any drive whose action is a voltage."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.dc_cascade import DcSpeedControl, DcTorqueControl
from gym_suite.motors.controllers.deadbeat_laws import (
    DEADBEAT,
    RECALLED,
    N,
    deadbeat_current_rows,
    deadbeat_speed_rows,
    deadbeat_torque_rows,
)
from gym_suite.motors.controllers.field_oriented import CurrentControl, TorqueControl, machine_of
from gym_suite.motors.controllers.prediction import MOST_DELAYS
from gym_suite.motors.controllers.rollout import ROLLOUT, Z
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.machines import DC, DOUBLY_FED, EXCITED
from gym_suite.motors.quantities import CONTROL_TORQUE, K, T

Rows = NDArray[np.float64]

#: Part of the current limits that a course of the search may use, where its references do not ask for more: usually,
#: and to a torque of doubly fed machines, whose currents then move far from their references: of 20 plants 30 % off 2
#: tripped with 0.95, none with 0.8.
COURSE_SHARE, COURSE_SHARES = 0.95, {DOUBLY_FED: 0.8}
#: What the distance of the currents counts beside the torque's error, as parts of their largest. With a tenth of it a
#: machine whose iron saturates stays at currents that make its torque and that nothing leads away from.
STRIVE = 0.3
#: Periods that are predicted, usually and where the rules know no good way.
LONG, SHORT = 30, 2
#: Part of the largest torque, or of a DC machine's largest excitation, whose field is kept under torque control:
#: usually, of a machine with an excitation winding, where more earns no more and costs more under noise, and of a DC
#: machine, whose armature waits too long for more.
KEPT_FIELD, KEPT_FIELDS = 1.0, {EXCITED: 0.5, DC: 0.2}


class DeadbeatControl(Controller):
    """The voltages that bring all currents to their references in one period, by the exact model of any machine.

    The dead time is compensated by prediction with the last command. What the model does not explain is learned by an
    observer, as an offset of the prediction: a part ``observer`` of each error of the prediction is added to it. A
    voltage beyond what the converters give is replaced by one that moves the currents in the same direction from where
    they are; the choppers of a DC machine's windings are limited each by itself, and in a doubly fed machine the
    movement of the leakage fluxes has the first claim on the voltage. Sources as
    :class:`gym_suite.motors.controllers.predictive.Deadbeat` has them: T. Kawabata, T. Miyashita and Y. Yamamoto, "Dead
    beat control of three phase PWM inverter", IEEE Trans. Power Electronics 5(1), 1990; with observer H. T. Moon, H. S.
    Kim and M. J. Youn, "A discrete-time predictive current control for PMSM", IEEE Trans. Power Electronics 18(1),
    2003, doi:10.1109/TPEL.2002.807131.

    A coarsely sampled DC machine, which a few periods of full voltage bring to its limit, is led so that its armature's
    current stays within it even if it moves by half more than the model has it in the periods not yet seen.

    A commutated machine is taken for the DC machine that it is to its drive; what a phase that takes over does to the
    current, and the edges of what the magnets induce, the observer learns.

    Above the currents stand the laws that stand above them under ``pi``: operating points of least loss, and a PI law
    of the speed with its gains.

    Args:
        step: Part of the way to the references that a period is to bring; 1 is deadbeat, less stands more noise,
            mismatch and delay.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected; 1 trusts
            the measurement, less trusts the model, within 2 % of the currents' limits.
        delays: Further periods of delay that it can find, at most 2.
        above: Keyword arguments of the law that stands above the currents, such as ``{"voltage_margin": 1.0}``; those
            of the class that controls the same quantity under ``pi``.
    """

    name: ClassVar[str] = "deadbeat"
    information: Information = "model"
    state_size = len(RECALLED)
    hyperparameters = (
        Hyperparameter(name="step", low=0.05, high=1.0, meaning="part of the way in one period"),
        Hyperparameter(name="observer", low=1e-3, high=1.0, meaning="gain of the observer"),
        Hyperparameter(name="filter", low=0.1, high=1.0, meaning="trust in the measurement"),
    )

    def __init__(
        self,
        *,
        step: float = 1.0,
        observer: float = 0.05,
        filter: float = 0.5,
        delays: int = 2,
        above: Mapping[str, Any] | None = None,
    ) -> None:
        self.step = step
        self.observer = observer
        self.filter = filter
        self.delays = delays
        self.above = dict(above or {})

    #: Keyword arguments of the law above that its own choice gives.
    _own: Mapping[str, Any] = MappingProxyType({})
    #: Row of the search, where there is one.
    _search: Any = ()

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine = machine_of(values, setup.keywords["machine"])
        if setup.choices or int(values["control"]) == CONTROL_TORQUE:
            raise ValueError(
                f"{type(self).__name__} chooses voltages, but the actions of {setup.id} are switching states or "
                "torques, which the drive itself makes currents of"
            )
        dc = machine.group == DC
        kinds: dict[str, tuple[Any, Any]] = {
            "torque": (deadbeat_torque_rows, DcTorqueControl if dc else TorqueControl),
            "omega": (deadbeat_speed_rows, DcSpeedControl if dc else SpeedControl),
        }
        tracked = setup.tracking[0].value
        self._follow, cascade = kinds.get(tracked, (deadbeat_current_rows, CurrentControl))
        # The currents have no gains: their voltages are solved for.
        given = {name: value for name, value in self._given.items() if name.startswith("omega")}
        self._above: Any = cascade.for_env(nominal, gains=given, **(dict(self._own) | self.above))
        if "omega" in self._above.gains_:
            self.gains_["omega"] = self._above.gains_["omega"]
        self._choice = np.zeros(len(DEADBEAT))
        self._choice[N.step] = check_number("step", self.step, above=0.0, high=1.0)
        self._choice[N.observer] = check_number("observer", self.observer, low=0.0, high=1.0)
        self._choice[N.filter] = check_number("filter", self.filter, above=0.0, high=1.0)
        most = check_number("delays", self.delays, low=0, high=MOST_DELAYS, integer=True)
        self._choice[N.delays] = most
        self._actions = len(setup.action_columns)

    def _law(self, observation: Rows, state: Rows) -> Rows:
        above, action = self._above, np.empty((len(observation), self._actions))
        seen, numbers = above._seen(observation), (self._choice, above._constants)
        if self._follow is not deadbeat_current_rows:
            numbers = *numbers, above._points
        self._follow(above._group, seen, state, *numbers, self._search, action)
        return action


class RolloutControl(DeadbeatControl):
    """Model predictive control of any machine on its exact model, with what its converters can give as a constraint.

    Where one period suffices the voltage is that of ``deadbeat``. Where the converters do not allow it, many first
    voltages are tried: those of rules that bring all currents to their references at once or some before the others,
    and those on the edges of what each converter can give. Each is finished over the horizon by these rules, and the
    first of the cheapest course is applied, in the next period anew. What a course costs is what the id's reward takes
    for the error of the currents or of the torque; under speed control, and with an excitation winding under torque
    control too, of the currents, but of a doubly fed machine of the torque that the speed law asks for. Courses that
    come near to a trip are left out. Rollout: D. P. Bertsekas, Dynamic Programming and Optimal Control, vol. 1, 4th
    ed., Athena Scientific 2017, section 6.4; predictive control of drives: P. Cortes, M. P. Kazmierkowski, R. M.
    Kennel, D. E. Quevedo and J. Rodriguez, "Predictive control in power electronics and drives", IEEE Trans. Industrial
    Electronics 55(12), 2008, doi:10.1109/TIE.2008.2007480.

    A DC machine leaves nothing to search for: each of its currents has a voltage of its own, and the cheapest course is
    to move it as far as that voltage can, which ``deadbeat`` does.

    Fields that windings and iron hold against their voltage are slower than any horizon. Under torque control of such
    machines the field of a large torque is kept whatever torque is asked for, which costs copper: where the reward
    takes losses the fields are those of least loss. Machines that are 30 % off may trip where ``deadbeat`` does not, as
    single episodes of EESM and DFIM under torque control and of SaturatedPMSM do: courses lead nearer to the limits.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        delays: Further periods of delay that it can find, at most 2.
        above: Keyword arguments of the law that stands above the currents, as of ``deadbeat``.
        moves: Directions of a bridge's voltage that are tried.
        horizon: Periods that are predicted; None: 30, under torque or speed control of a doubly fed machine 2. Its
            leakage currents hold a torque in any field, which none of the rules knows.
        field: Part of the largest torque, or of a DC machine's largest excitation, whose field is kept under torque
            control; None: where the reward takes no loss 1, of machines with an excitation winding 0.5 and of DC
            machines 0.2, else 0, the fields of least loss.
    """

    name: ClassVar[str] = "mpc"

    def __init__(
        self,
        *,
        step: float = 1.0,
        observer: float = 0.05,
        filter: float = 0.5,
        delays: int = 2,
        above: Mapping[str, Any] | None = None,
        moves: int = 24,
        horizon: int | None = None,
        field: float | None = None,
    ) -> None:
        super().__init__(step=step, observer=observer, filter=filter, delays=delays, above=above)
        self.moves = moves
        self.horizon = horizon
        self.field = field

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine = machine_of(values, setup.keywords["machine"])
        tracked, fed, usual = setup.tracking[0].value, machine.group == DOUBLY_FED, 0.0
        torque = tracked == "torque"
        # The torque of a doubly fed machine is judged where a law of the speed asks for it too.
        judged = torque or (fed and tracked == "omega")
        if values["weight_loss"] == 0.0:
            usual = KEPT_FIELDS.get(machine.group, KEPT_FIELD)
        given = usual if self.field is None else self.field
        field = check_number("field", given, low=0.0, high=1.0)
        horizon = self.horizon
        if horizon is None:
            horizon = SHORT if judged and fed else LONG
        self._own = {"least_field": field} if torque and machine.group == DC else {}
        super()._tune(nominal)
        search = np.zeros(len(ROLLOUT))
        search[Z.moves] = check_number("moves", self.moves, low=2, high=1000, integer=True)
        search[Z.horizon] = check_number("horizon", horizon, low=1, high=1000, integer=True)
        search[Z.margin], search[Z.exponent] = COURSE_SHARE, values["error_exponent"]
        axes = machine.followed
        for k, name in enumerate(axes):
            search[Z.weight_0 + k] = 1.0 / len(axes)
            search[Z.factor_0 + k] = 1.0 / getattr(machine, machine.currents[name])
        task, search[Z.kept] = nominal.tables[T.task], field * values["torque_limit"]
        # Judged by the torque, an excitation winding and the stator that it shares its flux with are driven apart where
        # parameters are off.
        if judged and machine.group != EXCITED:
            scale = task[0, K.tracked_factor] if torque else 1.0 / values["torque_limit"]
            search[Z.torque_factor], search[Z.strive] = scale, STRIVE
            search[Z.margin] = COURSE_SHARES.get(machine.group, COURSE_SHARE)
        elif self._follow is deadbeat_current_rows:
            for k in range(len(setup.tracking)):
                search[Z.weight_0 + k] = task[k, K.tracked_weight]
                search[Z.factor_0 + k] = task[k, K.tracked_factor]
        self._search = search


class SoftRolloutControl(RolloutControl):
    """Predictive control that goes a part of the way in a period where one would suffice.

    As :class:`RolloutControl`, but a deadbeat response becomes one of first order, which stands noise, parameters that
    are off and a further period of delay. In large steps it is as fast.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        delays: Further periods of delay that it can find, at most 2.
        above: Keyword arguments of the law that stands above the currents, as of ``deadbeat``.
        moves: Directions of a bridge's voltage that are tried.
        horizon: Periods that are predicted; None as of :class:`RolloutControl`.
        field: Part of the largest torque, or of a DC machine's largest excitation, whose field is kept under torque
            control; None as of :class:`RolloutControl`.
    """

    name: ClassVar[str] = "mpc-soft"

    def __init__(
        self,
        *,
        step: float = 0.4,
        observer: float = 0.05,
        filter: float = 0.5,
        delays: int = 2,
        above: Mapping[str, Any] | None = None,
        moves: int = 24,
        horizon: int | None = None,
        field: float | None = None,
    ) -> None:
        super().__init__(
            step=step,
            observer=observer,
            filter=filter,
            delays=delays,
            above=above,
            moves=moves,
            horizon=horizon,
            field=field,
        )
