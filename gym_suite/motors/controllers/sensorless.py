"""Speed control without a sensor of the shaft: the cascade above an extended-EMF or a sliding-mode observer."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.deadbeat import DeadbeatControl, RolloutControl
from gym_suite.motors.controllers.deadbeat_laws import RECALLED
from gym_suite.motors.controllers.sensorless_laws import (
    PHASED,
    SENSORLESS,
    TRACED,
    N,
    V,
    sensorless_deadbeat_rows,
    sensorless_rows,
)
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.transforms import SQRT3

Rows = NDArray[np.float64]

#: Part of the current that cancels a salient machine's active flux, psi_p / (l_q - l_d) along d, and of the nominal
#: current, that drags the rotor along at the start.
START_SHARE = 0.5
#: Part of the acceleration by the largest torque of that current without saliency, 3/2 p psi_p i, with which it turns.
START_PACE = 0.5
#: Damping ratio of the rotor's swinging about that current, and the time for which it stands still by the reciprocal
#: of the frequency of that.
START_DAMPING, START_ALIGNING = 0.4, 8.0
#: Time constants of the phase-locked loop for which it must have been locked before it drives, and for which that is
#: waited for at the speed of the start.
LOCKED_FOR, WAITED_FOR = 5.0, 25.0
#: Part of the acceleration that the nominal shaft may misjudge; so much of the estimated speed lags.
MISJUDGED = 0.3
#: Speed that the phase-locked loop believes at most, as a part of the machine's highest.
FASTEST = 1.2
#: Columns of what the law sees, by the names of what is observed.
_READ = {"omega_ref": V.reference_0, "i_salpha": V.i_alpha, "i_sbeta": V.i_beta}
_PHASES = ("last_action_a", "last_action_b", "last_action_c")


class EmfControl(SpeedControl):
    """Speed control without a sensor of the shaft, by an observer of the extended electromotive force.

    The observer (Chen, Tomita, Doki and Okuma 2003, doi:10.1109/TIE.2003.809391; here with the active flux of Boldea,
    Paicu and Andreescu 2008, doi:10.1109/TPEL.2008.2002394) tells the angle and speed of the rotor by a phase-locked
    loop, and the cascade of PI speed control takes them for the shaft's. From standstill a current of constant length
    drags the rotor along (Wang, Lu and Blaabjerg 2012), in the direction of the first reference; the drive keeps that
    direction and goes no slower than ``start_speed``. The formulas are in
    :mod:`gym_suite.motors.controllers.sensorless_laws`.

    The speed loop is the one of :class:`gym_suite.motors.controllers.speed_control.SpeedControl`, with the lag of the
    estimated speed among its small delays: two time constants of the phase-locked loop for that part of the
    acceleration which the nominal shaft may misjudge.

    Args:
        bandwidth: Of the phase-locked loop, both poles, rad/s.
        ratio: How much faster the observer of the electromotive force is.
        start_speed: Part of the nominal speed from which on the observer drives.
        start_current: Current that drags the rotor along, as a part of the nominal one; None: half of it, but no more
            than half of what would cancel the active flux.
        symmetry: Parameter a of the symmetrical optimum, above 1.
        current_margin: Part of the current limits that operating points may use; None: the machine's.
    """

    name: ClassVar[str] = "emf"
    state_size = len(TRACED)
    hyperparameters = (
        Hyperparameter(name="bandwidth", low=20.0, high=1000.0, meaning="phase-locked loop, rad/s"),
        Hyperparameter(name="ratio", low=1.0, high=50.0, meaning="how much faster the observer is"),
        Hyperparameter(name="symmetry", low=1.5, high=20.0, meaning="of the symmetrical optimum"),
    )
    #: Whether the observer is in sliding mode.
    sliding: ClassVar[bool] = False

    def __init__(
        self,
        *,
        bandwidth: float = 150.0,
        ratio: float = 12.0,
        start_speed: float = 0.08,
        start_current: float | None = None,
        symmetry: float = 4.0,
        current_margin: float | None = None,
    ) -> None:
        super().__init__(symmetry=symmetry, current_margin=current_margin)
        self.bandwidth = bandwidth
        self.ratio = ratio
        self.start_speed = start_speed
        self.start_current = start_current

    def _tune(self, nominal: Any) -> None:
        setup, values = nominal.setup, nominal.parameters
        columns = setup.observation_columns
        lacking = [name for name in (*_READ, *_PHASES) if name not in columns]
        if lacking:
            raise ValueError(
                f"{type(self).__name__} drives without a sensor of the shaft and reads {', '.join(lacking)}, which "
                f"{setup.id} does not observe; take gem/PMSM-Sensorless-v0"
            )
        self._pace = check_number("bandwidth", self.bandwidth, above=0.0)
        super()._tune(nominal)
        machine = self._machine
        magnet = getattr(machine, "psi_p", 0.0)
        if not magnet > 0.0:
            raise ValueError(
                f"{type(self).__name__} starts by the flux of magnets, and {setup.id} has a {machine.words} with "
                "psi_p = 0"
            )
        tau = values["tau"]
        ratio = check_number("ratio", self.ratio, low=1.0)
        part = check_number("start_speed", self.start_speed, above=0.0, high=1.0)
        law = np.zeros(len(SENSORLESS))
        law[: len(self._constants)] = self._constants
        law[N.sliding] = float(self.sliding)
        law[N.pole] = math.exp(-ratio * self._pace * tau)
        law[N.bound] = values["u_dc"] / SQRT3
        law[N.locking] = math.exp(-self._pace * tau)
        speed = part * machine.p * machine.omega_nominal
        law[N.start_speed] = speed
        law[N.floor] = 0.5 * speed * magnet
        inertia = self._loops[-1].denominator[0]
        law[N.fastest] = FASTEST * machine.p * machine.omega_limit
        share = self.start_current
        if share is None:
            share = START_SHARE
            if machine.l_q > machine.l_d:
                cancels = magnet / (machine.l_q - machine.l_d)
                share = min(share, START_SHARE * cancels / machine.i_nominal)
        current = check_number("start_current", share, above=0.0, high=1.0) * machine.i_nominal
        law[N.agility] = machine.p / inertia
        law[N.start_current] = current
        law[N.start_slope] = START_PACE * 1.5 * machine.p**2 * magnet * current / inertia
        # The stiffness with which the current holds the rotor, N m per electrical rad.
        saliency = machine.l_d - machine.l_q
        stiffness = 1.5 * machine.p * current * (magnet + saliency * current)
        if not stiffness > 0.0:
            raise ValueError(
                f"start_current = {share:g} holds no rotor: {current:.4g} A along d cancel the torque of the magnets; "
                f"it must be below {magnet / (-saliency * machine.i_nominal):.4g}"
            )
        swing = math.sqrt(machine.p * stiffness / inertia)
        law[N.start_damping] = 2.0 * START_DAMPING / swing
        law[N.start_time] = START_ALIGNING / swing
        patience = law[N.start_speed] / law[N.start_slope] + WAITED_FOR / self._pace
        law[N.start_patience] = law[N.start_time] + patience
        #: Control periods that the start may take: those of two attempts.
        self.starting_ = math.ceil(2.0 * law[N.start_patience] / tau)
        law[N.periods] = math.ceil(LOCKED_FOR / (self._pace * tau))
        self._constants = law
        half = 0.5 * values["u_dc"]
        self._phases = [columns.index(name) for name in _PHASES]
        self._places = [(place, columns.index(name)) for name, place in _READ.items()]
        self._scales = [columns[j].scale for _, j in self._places]
        self._half = half

    def _torque_delay(self, nominal: Any) -> float:
        return super()._torque_delay(nominal) + 2.0 * MISJUDGED / self._pace

    def _law(self, observation: Rows, state: Rows) -> Rows:
        seen = np.zeros((len(observation), len(PHASED)))
        for (place, j), scale in zip(self._places, self._scales, strict=True):
            seen[:, place] = scale * observation[:, j]
        a, b, c = (self._half * observation[:, j].astype(np.float64) for j in self._phases)
        seen[:, V.u_alpha], seen[:, V.u_beta] = (2.0 * a - b - c) / 3.0, (b - c) / SQRT3
        action = np.empty((len(observation), self._actions))
        self._drive(seen, state, action)
        return action

    def _drive(self, seen: Rows, state: Rows, action: Rows) -> None:
        sensorless_rows(self._group, seen, state, self._constants, self._points, action)


class SlidingModeControl(EmfControl):
    """Speed control without a sensor of the shaft, by a discrete sliding-mode observer of the electromotive force.

    As :class:`EmfControl`, but for the observer: the observed current is led onto the measured one within a period, by
    no more than the largest voltage of the converter, and the low-pass value of what that takes is the electromotive
    force (Drakunov and Utkin 1989; Utkin, Guldner and Shi 2009).

    Args:
        bandwidth: Of the phase-locked loop, both poles, rad/s.
        ratio: How much faster the low-pass is.
        start_speed: Part of the nominal speed from which on the observer drives.
        start_current: Current that drags the rotor along, as a part of the nominal one; None: half of it, but no more
            than half of what would cancel the active flux.
        symmetry: Parameter a of the symmetrical optimum, above 1.
        current_margin: Part of the current limits that operating points may use; None: the machine's.
    """

    name: ClassVar[str] = "smo"
    sliding: ClassVar[bool] = True


class DeadbeatEmfControl(EmfControl):
    """Speed control without a sensor of the shaft above deadbeat control of the currents.

    As :class:`EmfControl`, but where the observer drives, the currents are those of
    :class:`gym_suite.motors.controllers.deadbeat.DeadbeatControl` in its frame, which takes the error of the estimated
    angle for an offset of its prediction. PI laws drag the rotor along.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        delays: Further periods of delay that it can find, at most 2.
        bandwidth: Of the phase-locked loop, both poles, rad/s.
        ratio: How much faster the observer of the electromotive force is.
        start_speed: Part of the nominal speed from which on the observer drives.
        start_current: Current that drags the rotor along, as a part of the nominal one; None as of :class:`EmfControl`.
        symmetry: Parameter a of the symmetrical optimum, above 1.
        current_margin: Part of the current limits that operating points may use; None: the machine's.
    """

    name: ClassVar[str] = "deadbeat"
    information: Information = "model"
    state_size = len(TRACED) + len(RECALLED)
    hyperparameters = (*EmfControl.hyperparameters, *DeadbeatControl.hyperparameters)
    #: What chooses the voltages where the observer drives.
    inner: ClassVar[type[DeadbeatControl]] = DeadbeatControl

    def __init__(
        self,
        *,
        step: float = 1.0,
        observer: float = 0.05,
        filter: float = 0.5,
        delays: int = 2,
        bandwidth: float = 150.0,
        ratio: float = 12.0,
        start_speed: float = 0.08,
        start_current: float | None = None,
        symmetry: float = 4.0,
        current_margin: float | None = None,
    ) -> None:
        super().__init__(
            bandwidth=bandwidth,
            ratio=ratio,
            start_speed=start_speed,
            start_current=start_current,
            symmetry=symmetry,
            current_margin=current_margin,
        )
        self.step = step
        self.observer = observer
        self.filter = filter
        self.delays = delays

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        names = ("step", "observer", "filter", "delays")
        inner: Any = self.inner.for_env(nominal, **{name: getattr(self, name) for name in names})
        self._choice, self._search = inner._choice, inner._search

    def _drive(self, seen: Rows, state: Rows, action: Rows) -> None:
        law, points = self._constants, self._points
        choice, search = self._choice, self._search
        sensorless_deadbeat_rows(self._group, seen, state, choice, law, points, search, action)


class PredictiveEmfControl(DeadbeatEmfControl):
    """Speed control without a sensor of the shaft above predictive control of the currents.

    As :class:`DeadbeatEmfControl`, with the search of :class:`gym_suite.motors.controllers.deadbeat.RolloutControl`
    where the converter cannot give the voltage that one period would take.

    Args:
        step: Part of the way to the references that a period is to bring.
        observer: Part of an error of the prediction that is learned as its offset.
        filter: Part of an error of the prediction by which the currents that are controlled are corrected.
        delays: Further periods of delay that it can find, at most 2.
        bandwidth: Of the phase-locked loop, both poles, rad/s.
        ratio: How much faster the observer of the electromotive force is.
        start_speed: Part of the nominal speed from which on the observer drives.
        start_current: Current that drags the rotor along, as a part of the nominal one; None as of :class:`EmfControl`.
        symmetry: Parameter a of the symmetrical optimum, above 1.
        current_margin: Part of the current limits that operating points may use; None: the machine's.
    """

    name: ClassVar[str] = "mpc"
    inner: ClassVar[type[DeadbeatControl]] = RolloutControl
