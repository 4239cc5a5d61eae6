"""Cascaded PI control of DC machines: currents, torque and speed, each loop tuned for the one inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.cascade import position_command_rows, position_control_rows
from gym_suite.motors.controllers.field_oriented import (
    CurrentControl,
    TorqueControl,
)
from gym_suite.motors.controllers.laws import L
from gym_suite.motors.controllers.speed_control import SpeedControl
from gym_suite.motors.loads import load_coefficients
from gym_suite.motors.machines.dc import DcMachine


class DcCurrentControl(CurrentControl):
    """A PI controller for each current that a chopper controls, with the induced voltage fed forward.

    The circuit is a first-order plant 1 / (L s + R) with 1.5 sampling periods of delay (one of dead time, half of the
    hold); the gains follow from it by the magnitude optimum.

    Args:
        rule: "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the induced voltage, to show why it matters.
    """

    name: ClassVar[str] = "pi"


class DcTorqueControl(TorqueControl):
    """The currents that give a torque, with an excitation of its own those of least copper loss, above current control.

    The armature's current is the one that gives the torque in the field that is measured, since the field is slow.
    Where the machine has a winding for it, the current loops are tuned for one more period of delay than the nominal
    ones: while the field grows any torque asks for the largest current of the armature.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the induced voltage.
        voltage_margin: Part of the chopper's voltage that operating points may use.
        current_margin: Part of the current limits that operating points may use; None: the machine's
            ``current_share``.
        least_field: Part of the largest excitation that a machine with a converter for it keeps, whatever the torque,
            as far as its voltage allows: a torque that is asked for finds its field there, at the price of the copper
            loss of the excitation. 0: the field of least loss alone.
    """

    name: ClassVar[str] = "pi"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        voltage_margin: float = 0.95,
        current_margin: float | None = None,
        least_field: float = 0.0,
    ) -> None:
        super().__init__(
            rule=rule,
            symmetry=symmetry,
            anti_windup=anti_windup,
            decoupling=decoupling,
            voltage_margin=voltage_margin,
            current_margin=current_margin,
        )
        self.least_field = least_field

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        part = check_number("least_field", self.least_field, low=0.0, high=1.0)
        self._constants[L.least_field] = part * nominal.parameters["i_e_limit"]


class DcSpeedControl(SpeedControl):
    """A PI speed controller above torque control.

    The shaft is an integrator 1 / (J s); the current loop, tuned by the magnitude optimum, acts as a lag of twice its
    delay. The time in which the chopper's voltage moves the armature's current by its nominal value is added to it. The
    speed loop follows from that by the symmetrical optimum. Under torque control the drive's own current loop is used
    and only the torque is commanded.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the induced voltage.
        prefilter: Whether steps of the reference are smoothed as the symmetrical optimum asks for;
            None: where the reference has steps (not on a drive cycle).
        feedforward: Whether the torque that the nominal shaft and load need for the reference's own
            acceleration and speed is added; None: on a drive cycle.
        voltage_margin: Part of the chopper's voltage that operating points may use.
        current_margin: Part of the current limits that operating points may use.
    """

    name: ClassVar[str] = "pi"
    # A step of the speed changes the current of a series-wound armature, which the voltage moves slowly; the others
    # command torques.
    spare_periods: ClassVar[float] = 0.0

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 2.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        prefilter: bool | None = None,
        feedforward: bool | None = None,
        voltage_margin: float = 0.9,
        current_margin: float = DcMachine.current_margin,
    ) -> None:
        super().__init__(
            rule=rule,
            symmetry=symmetry,
            anti_windup=anti_windup,
            decoupling=decoupling,
            prefilter=prefilter,
            feedforward=feedforward,
            voltage_margin=voltage_margin,
            current_margin=current_margin,
        )

    def _torque_delay(self, nominal: Any) -> float:
        return super()._torque_delay(nominal) + self._machine.slew()


class DcPositionControl(DcSpeedControl):
    """A position controller above speed control.

    Near the reference the speed is proportional to the error. The speed loop acts as a lag of the time constant of its
    reference filter, T; the gain 1 / (4 T) gives both together a double pole, so that nothing overshoots. Further away
    the speed is the one from which a part of the largest torque still stops the shaft in time.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the induced voltage.
        voltage_margin: Part of the chopper's voltage that operating points may use.
        current_margin: Part of the current limits that operating points may use.
        braking: Part of the largest torque that braking reckons with.
    """

    name: ClassVar[str] = "pi"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 2.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        voltage_margin: float = 0.9,
        current_margin: float = DcMachine.current_margin,
        braking: float = 0.7,
    ) -> None:
        super().__init__(
            rule=rule,
            symmetry=symmetry,
            anti_windup=anti_windup,
            decoupling=decoupling,
            voltage_margin=voltage_margin,
            current_margin=current_margin,
        )
        self.braking = braking

    def _tune(self, nominal: Any) -> None:
        super()._tune(nominal)
        law, values = self._constants, nominal.parameters
        lag = self._symmetry**2 * self._torque_delay(nominal)
        self.gains_["position"] = Gains(
            kp=0.25 / lag,
            rule="critical damping",
            source="double pole of K / (s (T s + 1) + K): K = 1 / (4 T)",
            assumptions={"lag": lag},
            unit="1/s",
        )
        law[L.kp_position] = self.gains_["position"].kp
        part = check_number("braking", self.braking, above=0.0, high=1.0)
        law[L.braking] = part * values["torque_limit"] / load_coefficients(nominal.row)[3]
        law[L.omega_max] = self._machine.speeds()[1]

    def _over_rows(self) -> tuple[Callable[..., None], tuple[NDArray[np.float64], ...]]:
        rows = position_command_rows if self._commands else position_control_rows
        return rows, (self._constants, self._points)
