"""Torque control by flux and torque of the stator in place of its currents, with a modulated voltage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.controllers.hyperparameters import Hyperparameter
from gym_suite.controllers.protocol import Information, Loop
from gym_suite.controllers.tuning import magnitude_optimum
from gym_suite.core.parameters import check_number
from gym_suite.motors.controllers.field_oriented import (
    TorqueControl,
    axis_plants,
    machine_of,
    sampled_delay,
)
from gym_suite.motors.controllers.flux_control import FLUX_LAW, F, flux_and_torque_rows
from gym_suite.motors.controllers.laws import L
from gym_suite.motors.machines import INDUCTION, SYNCHRONOUS, group_of


class ModulatedTorqueControl(TorqueControl):
    """Direct torque control with space-vector modulation: a PI controller of the flux and one of the torque.

    Both act in the frame of the stator's flux: the voltage along it changes its amplitude, that across it the torque
    (G. S. Buja and M. P. Kazmierkowski, "Direct torque control of PWM inverter-fed AC motors - a survey", IEEE Trans.
    Ind. Electronics 51(4), 2004, doi:10.1109/TIE.2004.831717). What the torque lacks is reckoned as a flux across the
    present one, by the machine's own slope, so that the torque's loop is as fast at every operating point. The gains
    follow by the magnitude optimum from the time constants of the windings and the delay of sampling. Flux and torque
    are led to those of the currents of least loss for the torque, or for the largest that the limits allow, and are
    estimated from the measured currents by the nominal machine, of an induction machine with the flux that the drive
    observes. On the way to another torque the flux is that of the torques between.

    Args:
        stride: Largest change of the torque that is aimed at in a period, as a part of the largest torque.
        voltage_margin: Part of the converter's voltage that operating points may use; None: the machine's share.
        current_margin: Part of the current limits that operating points may use; None: the machine's share.
        voltage_feedback: Gain with which a voltage that is demanded but not there weakens the field; 0 turns the
            feedback off. None: the machine's ``voltage_feedback``.

    Attributes:
        gains_: Of "flux" and "torque", both in V for a flux in Vs.
    """

    name: ClassVar[str] = "dtc-svm"
    information: Information = "model"
    hyperparameters = (
        Hyperparameter(name="stride", low=0.01, high=1.0, meaning="part of the largest torque"),
    )

    def __init__(
        self,
        *,
        stride: float = 0.1,
        voltage_margin: float | None = None,
        current_margin: float | None = None,
        voltage_feedback: float | None = None,
    ) -> None:
        super().__init__(
            voltage_margin=voltage_margin,
            current_margin=current_margin,
            voltage_feedback=voltage_feedback,
        )
        self.stride = stride

    def _prepare(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        machine: Any = machine_of(values, setup.keywords["machine"])
        if [item.value for item in setup.tracking] != ["torque"]:
            tracked = ", ".join(item.value for item in setup.tracking)
            raise ValueError(
                f"ModulatedTorqueControl follows a torque, and {setup.id} asks for {tracked}; take an id with -Torque "
                "in its name"
            )
        magnets = machine.group == SYNCHRONOUS and getattr(machine, "psi_p", 0.0) > 0.0
        if not magnets and machine.group != INDUCTION:
            raise ValueError(
                "ModulatedTorqueControl needs two currents and a flux that has a direction without torque, that of a "
                f"magnet or of an induction machine, and {setup.id} has a {machine.words}"
            )
        self._machine, self._group = machine, group_of(machine.group)
        self._read(setup, machine)
        self._actions = len(setup.action_columns)
        law = np.zeros(len(FLUX_LAW))
        law[: len(nominal.row)] = nominal.row
        law[L.dt] = nominal.dt
        law[F.stride] = check_number("stride", self.stride, above=0.0, high=1.0)
        law[F.stride] *= values["torque_limit"]
        delay, tau = sampled_delay(values), values["tau"]
        spare = self._spare_periods() * tau
        self._loops = []
        plants = axis_plants(machine)
        places = ("flux", F.kp_along, F.ki_along), ("torque", F.kp_across, F.ki_across)
        for (name, kp, ki), (inductance, resistance) in zip(places, plants, strict=True):
            self.gains_[name] = self._flux_gains(inductance, resistance, delay + spare)
            own = self.gains_[name]  # a user's own where he gave one
            law[kp], law[ki] = own.kp, own.ki
            self._loops.append(
                Loop.from_gains(
                    name,
                    own,
                    numerator=[1.0],
                    denominator=[1.0, resistance / inductance],
                    delay=delay,
                    dt=tau,
                )
            )
        self._constants = law

    def _flux_gains(self, inductance: float, resistance: float, delay: float) -> Gains:
        """Return the gains of a flux that a voltage moves against what the resistance takes: 1 / (s + R / L)."""
        time = inductance / resistance
        gains = magnitude_optimum(time, time, delay=delay)
        return replace(gains.with_unit("V/Vs"), prefilter=0.0)

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), self._actions))
        seen = self._seen(observation)
        flux_and_torque_rows(self._group, seen, state, self._constants, self._points, action)
        return action
