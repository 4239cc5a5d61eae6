"""Controllers that choose switching states: hysteresis, finite-set predictive and direct torque control.

They control currents, torque or speed. Above the currents stand the laws that stand above PI control: operating points
of least loss, and a PI law of the speed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Controller, Information
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.dc_cascade import DcSpeedControl, DcTorqueControl
from gym_suite.motors.controllers.direct_torque import DIRECT, LEVELS, D, direct_torque_rows
from gym_suite.motors.controllers.field_oriented import (
    CurrentControl,
    TorqueControl,
    axis_plants,
    machine_of,
)
from gym_suite.motors.controllers.laws import MEMORY
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.controllers.switched_laws import (
    CHOICE,
    FOLLOW_CURRENTS,
    FOLLOW_SPEED,
    FOLLOW_TORQUE,
    C,
    finite_set_rows,
    hysteresis_rows,
)
from gym_suite.motors.controllers.three_level_laws import three_level_rows
from gym_suite.motors.machines import DC, INDUCTION
from gym_suite.motors.quantities import LEGS
from gym_suite.motors.switches import parts_of

#: Largest horizon of the search, periods.
MOST_HORIZON = 3
#: Sequences of switching states that a search may have to look at.
MOST_SEQUENCES = 5000


class _SlewedSpeedControl(SpeedControl):
    """Speed control above currents that move as fast as the voltage lets them."""

    spare_periods = 0.0  # they have no gains

    def _torque_delay(self, nominal: Any) -> float:
        """Add the time in which the voltage moves the current across the field by its nominal value, s."""
        machine = self._machine
        inductance = axis_plants(machine)[1][0]
        slew = inductance * machine.i_nominal * machine.voltage_divisor / machine.u_dc
        return super()._torque_delay(nominal) + slew


class _Switched(Controller, ABC):
    """What the controllers share: the law above the currents, and what they see."""

    state_size = len(MEMORY)
    #: Levels of the bridges that a law switches.
    _for_levels: ClassVar[tuple[int, ...]] = (2,)

    def _tune(self, nominal: Any) -> None:
        setup, machine = nominal.setup, machine_of(nominal.parameters)
        if not setup.choices:
            raise ValueError(
                f"{type(self).__name__} chooses switching states, but the actions of {setup.id} are voltages or "
                "torques; take an id with -Finite in its name"
            )
        self._levels = 3 if nominal.parameters["c_neutral"] > 0.0 else 2
        if self._levels not in self._for_levels:
            raise ValueError(
                f"{type(self).__name__} compares each current to a band and knows two positions of a leg; a bridge of "
                "three levels has three"
            )
        dc = machine.group == DC
        kinds: dict[str, tuple[int, Any]] = {
            "torque": (FOLLOW_TORQUE, DcTorqueControl if dc else TorqueControl),
            "omega": (FOLLOW_SPEED, DcSpeedControl if dc else _SlewedSpeedControl),
        }
        follows, cascade = kinds.get(setup.tracking[0].value, (FOLLOW_CURRENTS, CurrentControl))
        # The currents have no gains: they are switched.
        given = {name: value for name, value in self._given.items() if name.startswith("omega")}
        # A current that is switched leaves its reference by what one period moves, so a DC machine's keeps to what the
        # drive itself would use.
        kept = {"current_margin": machine.current_margin} if cascade is DcTorqueControl else {}
        self._above: Any = cascade.for_env(nominal, gains=given, **kept)
        if follows == FOLLOW_SPEED:
            self.gains_["omega"] = self._above.gains_["omega"]
        self._choice = np.zeros(len(CHOICE))
        self._choice[C.follows] = follows
        for k, name in enumerate(machine.followed):
            self._choice[C.weight_0 + k] = getattr(machine, machine.currents[name]) ** -2.0
        columns = setup.observation_columns
        self._legs = [
            (first + k, columns.index(f"last_action_{leg}"))
            for names, _, first in parts_of(machine, nominal.parameters)
            for k, leg in enumerate(names)
        ]
        self._choices = setup.choices

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        self._above._restart(state, rows, observation)

    def _last(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the positions of the legs that were commanded last, (n, 6)."""
        last = np.full((len(observation), LEGS), -1.0)
        for place, column in self._legs:
            last[:, place] = observation[:, column]
        return last

    def _cast(self, action: NDArray[np.float64]) -> NDArray[Any]:
        """Return whole numbers, one a row where there is one choice."""
        states = action.astype(np.int64)
        return states if len(self._choices) > 1 else states[:, 0]

    def _law(self, observation: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[Any]:
        above, action = self._above, np.empty((len(observation), len(self._choices)))
        points = getattr(above, "_points", np.zeros((1, 1)))
        seen, last = above._seen(observation), self._last(observation)
        rule = self._rule()
        rule(above._group, seen, last, state, above._constants, points, self._choice, action)
        return action

    @abstractmethod
    def _rule(self) -> Any:
        """Return the law, a kernel over rows."""


class HysteresisControl(_Switched):
    """Each leg is switched when its current has left a band about its reference.

    Mohan, Undeland and Robbins, "Power Electronics", 3rd ed., Wiley 2003, section 8.6. It knows no model of the
    machine's currents. Above it stand the operating points of least loss and, in speed control, a PI law by the
    symmetrical optimum.

    Args:
        band: Half the width of the band, as a part of the current limit.
    """

    name: ClassVar[str] = "hysteresis"
    hyperparameters = (
        Hyperparameter(name="band", low=1e-3, high=0.3, meaning="half the width of the band"),
    )

    def __init__(self, *, band: float = 0.02) -> None:
        self.band = band

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        self._choice[C.band] = check_number("band", self.band, above=0.0, high=1.0)

    def _rule(self) -> Any:
        return hysteresis_rows


class FiniteSetControl(_Switched):
    """The switching state from which the nominal model predicts the smallest error of the currents.

    J. Rodriguez and P. Cortes, "Predictive Control of Power Converters and Electrical Drives", Wiley 2012, chapters 2,
    4 and 12. All sequences of switching states over the horizon are looked at; the dead time is compensated by
    prediction with the last action; currents near their limits cost more than any error. Above it stand the
    operating points of least loss and, in speed control, a PI law by the symmetrical optimum.

    Args:
        horizon: Periods that are looked ahead, at most three.
        switching: Cost of switching one leg, beside squared errors in parts of the current limits.
        neutral: Cost of the neutral point's voltage as a part of the link's, squared; of a bridge of three levels, for
            which the law looks one period ahead.
    """

    name: ClassVar[str] = "fcs-mpc"
    information: Information = "model"
    hyperparameters = (
        Hyperparameter(name="switching", low=1e-7, high=1e-2, meaning="cost of switching one leg"),
    )
    _for_levels: ClassVar[tuple[int, ...]] = (2, 3)

    def __init__(self, *, horizon: int = 1, switching: float = 1e-6, neutral: float = 1.0) -> None:
        self.horizon = horizon
        self.switching = switching
        self.neutral = neutral

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        horizon = check_number("horizon", self.horizon, low=1, high=MOST_HORIZON, integer=True)
        if self._levels == 3 and horizon > 1:
            raise ValueError(
                f"horizon = {horizon:g}: under a bridge of three levels the law looks one period ahead"
            )
        sequences = math.prod(self._choices) ** int(horizon)
        if sequences > MOST_SEQUENCES:
            raise ValueError(
                f"horizon = {horizon:g} would look at {sequences} sequences of switching states in each period; at "
                f"most {MOST_SEQUENCES} are allowed, take a shorter horizon"
            )
        self._choice[C.horizon] = horizon
        self._choice[C.switching] = check_number("switching", self.switching, low=0.0)
        self._choice[C.neutral] = check_number("neutral", self.neutral, low=0.0)
        if self._levels == 3:
            columns = nominal.setup.observation_columns
            place = columns.index("u_n")
            self._neutral = place, columns[place].scale

    def _law(self, observation: NDArray[np.float64], state: NDArray[np.float64]) -> NDArray[Any]:
        if self._levels == 2:
            return super()._law(observation, state)
        above, action = self._above, np.empty((len(observation), 1))
        points = getattr(above, "_points", np.zeros((1, 1)))
        seen, last = above._seen(observation), self._last(observation)
        place, scale = self._neutral
        three_level_rows(
            above._group,
            seen,
            observation[:, place] * scale,
            last,
            state,
            above._constants,
            points,
            self._choice,
            action,
        )
        return action

    def _rule(self) -> Any:
        return finite_set_rows


class DirectTorqueControl(_Switched):
    """Flux and torque of the stator are kept in bands by a table of switching states.

    I. Takahashi and T. Noguchi, "A new quick-response and high-efficiency control strategy of an induction motor", IEEE
    Trans. Ind. Appl. 22(5), 1986, doi:10.1109/TIA.1986.4504799. The flux has two levels, the torque three. Both are led
    to those of the currents of least loss for the torque, or for the largest that current and voltage allow. What they
    are is estimated from the measured currents by the nominal machine, of an induction machine with the flux that the
    drive observes. Where the current comes near to its limit both are led to those without current.

    Args:
        flux_band: Half the width of the flux' band, as a part of its reference.
        torque_band: Half the width of the torque's band, as a part of the largest torque that is asked for.
        guard: Part of the current limit from which on flux and torque are led to those without current; None: halfway
            between what operating points use and the limit.
    """

    name: ClassVar[str] = "dtc"
    information: Information = "model"
    state_size = len(LEVELS)
    hyperparameters = (
        Hyperparameter(name="flux_band", low=1e-3, high=0.1, meaning="half the band of the flux"),
        Hyperparameter(name="torque_band", low=1e-3, high=0.2, meaning="half the torque's band"),
    )

    def __init__(
        self, *, flux_band: float = 0.01, torque_band: float = 0.01, guard: float | None = None
    ) -> None:
        self.flux_band = flux_band
        self.torque_band = torque_band
        self.guard = guard

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        setup, machine = nominal.setup, machine_of(nominal.parameters)
        tracked = [item.value for item in setup.tracking]
        if tracked != ["torque"]:
            raise ValueError(
                f"DirectTorqueControl follows a torque, and {setup.id} asks for {', '.join(tracked)}; take an id "
                "with -Torque-Finite in its name"
            )
        if machine.group != INDUCTION and not getattr(machine, "psi_p", 0.0) > 0.0:
            raise ValueError(
                "DirectTorqueControl needs a flux that has a direction without torque, that of a magnet or of an "
                f"induction machine, and {setup.id} has a {machine.words}"
            )
        self._choice = np.zeros(len(DIRECT))
        self._choice[D.flux_band] = check_number("flux_band", self.flux_band, above=0.0, high=1.0)
        band = check_number("torque_band", self.torque_band, above=0.0, high=1.0)
        self._choice[D.torque_band] = band
        usual = 0.5 * (machine.current_share + 1.0)
        guard = usual if self.guard is None else self.guard
        self._choice[D.guard] = check_number("guard", guard, above=0.0, high=1.0) * machine.i_limit

    def _rule(self) -> Any:
        return direct_torque_rows
