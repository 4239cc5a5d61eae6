"""PI control of currents, torque and speed: field-oriented where the machine has a field to be oriented by."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.gains import Gains
from gym_suite.controllers.pid import CLAMPING, anti_windup_kind
from gym_suite.controllers.protocol import Controller, Loop
from gym_suite.controllers.tuning import magnitude_optimum, symmetrical_optimum
from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.controllers.cascade import (
    current_control_rows,
    torque_control_rows,
)
from gym_suite.motors.controllers.interlocking import compensate_interlocking
from gym_suite.motors.controllers.laws import LAW, MEMORY, SEEN, L, S
from gym_suite.motors.controllers.least_loss import least_loss_points
from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.efficiency import AIMS
from gym_suite.motors.losses import build_losses
from gym_suite.motors.machines import (
    DC,
    DOUBLY_FED,
    EXCITED,
    INDUCTION,
    KINDS,
    SATURATED,
    SIX_PHASE,
    SYNCHRONOUS,
    Machine,
    group_of,
)
from gym_suite.motors.transforms import SQRT3

if TYPE_CHECKING:
    from gym_suite.analysis.c_source import CLaw
    from gym_suite.core.columns import Columns

#: Parameter a of the symmetrical optimum where none is given.
USUAL_SYMMETRY = 4.0

RULES = ("magnitude_optimum", "symmetrical_optimum")


def machine_of(values: Mapping[str, float], given: Mapping[str, Any] | None = None) -> Machine:
    """Return the machine of nominal parameters.

    Args:
        values: The nominal parameters.
        given: The machine's mapping in a setup's keywords, for what is no number; needed where there is such.
    """
    cls: Any = list(KINDS.values())[int(values["machine"])]
    known = ChainMap(dict(values), dict(given or {}))
    return cls(**{f.name: known[f.name] for f in fields(cls)})


def axis_plants(machine: Any) -> list[tuple[float, float]]:
    """Return inductance (H) and resistance (Ohm) of each axis, coupled axes taken as decoupled."""
    if machine.group == DC:
        return machine.circuits()[: len(machine.followed)]
    if machine.group == INDUCTION:
        coupling = machine.l_m / machine.l_r
        plant = machine.sigma * machine.l_s, machine.r_s + coupling**2 * machine.r_r
        return [plant, plant]
    if machine.group == DOUBLY_FED:
        stator, rotor = (machine.l_s, machine.r_s), (machine.l_r, machine.r_r)
        return [stator, stator, rotor, rotor]
    plants = [(machine.l_d, machine.r_s), (machine.l_q, machine.r_s)]
    if machine.group == EXCITED:
        plants.append((machine.l_e, machine.r_e))
    if machine.group == SIX_PHASE:
        plants += [(machine.l_x, machine.r_s), (machine.l_y, machine.r_s)]
    return plants


def current_gains(
    inductance: float,
    resistance: float,
    delay: float,
    *,
    rule: str = "magnitude_optimum",
    symmetry: float = 4.0,
) -> Gains:
    """Return the gains of one axis' current, a plant 1 / (L s + R) behind a delay.

    Args:
        inductance: L, H.
        resistance: R, Ohm. Without any the plant is an integrator, which the symmetrical optimum is for.
        delay: Sum of the small delays, s.
        rule: One of :data:`RULES`.
        symmetry: Parameter a of the symmetrical optimum.
    """
    if rule == "symmetrical_optimum" or resistance == 0.0:
        gains = symmetrical_optimum(1.0 / inductance, delay=delay, a=symmetry)
    else:
        gains = magnitude_optimum(1.0 / resistance, inductance / resistance, delay=delay)
    return gains.with_unit("V/A")


def sampled_delay(values: Mapping[str, float]) -> float:
    """Return the delay of a sampled current loop, s: half a period of hold, and the dead time where there is one."""
    return (values["dead_time"] + 0.5) * values["tau"]


def rise_time(machine: Any) -> float:
    """Return the time in which the voltage makes a torque, s, for machines that are sampled much faster than that.

    It is the flux of a winding by the voltage: that of the excitation, or of the q current of two stars. For the other
    machines it is 0: there the period is long enough for the delay of sampling to stand for it.
    """
    flux = 0.0
    if machine.group == EXCITED:
        flux = machine.l_m * machine.i_e_nominal
    elif machine.group == SIX_PHASE:
        flux = machine.l_q * machine.i_limit
    return float(flux * SQRT3 / machine.u_dc)


def current_law(
    row: NDArray[np.float64], gains: list[Gains], machine: Machine
) -> NDArray[np.float64]:
    """Return the law row of current control.

    Args:
        row: Nominal parameters.
        gains: Of each axis.
        machine: The machine; of one that saturates the flux map stands behind the columns of the law.
    """
    law = np.zeros(len(LAW))
    law[: len(row)] = row
    law[L.decoupling], law[L.anti_windup] = 1.0, CLAMPING
    for k, own in enumerate(gains):
        law[L.kp_0 + k], law[L.ki_0 + k] = own.kp, own.ki
        law[L.back_gain_0 + k] = own.ki / own.kp
    if machine.group == SATURATED:
        law = np.concatenate([law, machine.flux_row()])
    return law


class FieldOriented(Controller):
    """What the controllers share: hyper-parameters, the current loops' gains, the columns."""

    state_size = len(MEMORY)

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float | None = USUAL_SYMMETRY,
        anti_windup: str = "clamping",
        decoupling: bool = True,
    ) -> None:
        self.rule = rule
        self.symmetry = symmetry
        self.anti_windup = anti_windup
        self.decoupling = decoupling

    def _prepare(self, nominal: Any) -> None:
        """Set the current loops' gains, the columns to read and the law's row."""
        check_option("rule", self.rule, RULES)
        given = USUAL_SYMMETRY if self.symmetry is None else self.symmetry
        self._symmetry = check_number("symmetry", given, above=1.0)
        values, setup = nominal.parameters, nominal.setup
        self._machine: Any = machine_of(values, setup.keywords["machine"])
        self._group = group_of(self._machine.group)
        self._read(setup, self._machine)
        self._setup, self._actions = setup, len(setup.action_columns)
        self._loops = []
        delay, gains = self._delay(values), []
        spare = self._spare_periods() * values["tau"]
        plants = axis_plants(self._machine)
        for name, (inductance, resistance) in zip(self._machine.followed, plants, strict=True):
            rule = self._axis_gains(inductance, resistance, delay + spare, values)
            # Current references are not filtered, whatever the rule asks for.
            self.gains_[name] = replace(rule, prefilter=0.0)
            own = self.gains_[name]  # a user's own where he gave one
            gains.append(own)
            self._loops.append(
                Loop.from_gains(
                    name,
                    own,
                    numerator=[1.0],
                    denominator=[inductance, resistance],
                    delay=delay,
                    dt=values["tau"],
                )
            )
        self._constants = current_law(nominal.row, gains, self._machine)
        self._constants[L.decoupling] = float(self.decoupling)
        self._constants[L.anti_windup] = anti_windup_kind(self.anti_windup)
        self._constants[L.dt] = nominal.dt

    def _axis_gains(
        self, inductance: float, resistance: float, delay: float, values: Mapping[str, float]
    ) -> Gains:
        """Return the gains of one axis' current; arguments as :func:`current_gains`, and the nominal parameters."""
        return current_gains(inductance, resistance, delay, rule=self.rule, symmetry=self._symmetry)

    def _delay(self, values: Mapping[str, float]) -> float:
        """Return the delay of the nominal current loops, s."""
        return sampled_delay(values)

    def _spare_periods(self) -> float:
        """Return how many more periods of delay the current loops are tuned for."""
        return 0.0

    def _use_operating_points(
        self, values: Mapping[str, float], voltage_margin: float, current_margin: float | None
    ) -> None:
        margin = check_number("voltage_margin", voltage_margin, above=0.0, high=1.0)
        self._constants[L.u_max] = margin * values["u_dc"] / self._machine.voltage_divisor
        given = self._machine.current_share if current_margin is None else current_margin
        margin = check_number("current_margin", given, above=0.0, high=1.0)
        self._constants[L.i_max] = margin * self._machine.i_limit
        self._points = operating_points(self._machine, margin)

    def _aim_at(self, aim: str, nominal: Any) -> None:
        """Choose operating points for an aim, those of the least current being there already."""
        check_option("aim", aim, AIMS)
        losses = build_losses(nominal.setup.keywords.get("losses"), self._machine)
        if aim != "loss" or losses is None:
            return
        law, short = self._constants, self._points
        part = float(law[L.i_max]) / self._machine.i_limit
        self._points = least_loss_points(
            self._machine, part, losses, nominal.parameters["tau"], float(law[L.u_max])
        )
        # The time of the feedback is that of the machine's largest flux, not of the table's largest bound.
        law[L.feedback] *= self._points[-1, 0] / short[-1, 0]

    def _feed_back(self, given: float | None, usual: float) -> None:
        """Set the gain with which a voltage that lacks weakens the field: the given one, or else the usual."""
        gain = usual if given is None else given
        self._constants[L.feedback] = check_number("voltage_feedback", gain, low=0.0, high=10.0)

    def _read(self, setup: Any, machine: Machine) -> None:
        """Find in the observations what the laws see; what is not observed is any column, times zero."""
        self._take, self._scale = reading(setup, machine)
        self._places = np.zeros(len(SEEN), np.intp)
        for k, j in self._take:
            self._places[k] = j

    def _seen(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the laws see, rows of :data:`SEEN`."""
        seen = observation.take(self._places, axis=1)
        seen *= self._scale
        return seen

    def _over_rows(self) -> tuple[Callable[..., None], tuple[NDArray[np.float64], ...]]:
        """Return the law, a function over rows, and its numbers, which it takes between memory and action.

        For each law to fill in; one that needs more than a function over rows has a :meth:`_law` of its own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no law over rows (_over_rows)")

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action, seen = np.empty((len(observation), self._actions)), self._seen(observation)
        rows, numbers = self._over_rows()
        rows(self._group, seen, state, *numbers, action)
        self._beyond(seen, action)
        return action

    def _beyond(self, seen: NDArray[np.float64], action: NDArray[np.float64]) -> None:
        """Add to actions what stands outside of the law; nothing here."""

    def in_c(self) -> CLaw:
        """Return the law as C source for a microcontroller.

        Raises:
            ValueError: For a law whose equations are not written in C.
        """
        from gym_suite.motors.controllers.c_law import law_in_c

        self._check_tuned()
        if type(self)._law is not FieldOriented._law:
            raise ValueError(
                f"{self.name!r} ({type(self).__name__}) is not written in C: it does more than PI control above "
                "operating points, and remembers or looks at more than that; export 'pi'"
            )
        rows, numbers = self._over_rows()
        return law_in_c(rows, self._machine, numbers, self._take, self._scale, self._setup)

    def observers_in_c(self) -> dict[str, tuple[CLaw, Columns, Columns]]:
        """Return what firmware has to estimate for the law to see, by name, with the columns in and out."""
        from gym_suite.motors.controllers.c_law import flux_observer_in_c

        places = dict(self._take)
        if S.flux not in places:
            return {}
        columns = [self._setup.observation_columns[places[k]] for k in (S.sine, S.cosine, S.flux)]
        return {"flux": flux_observer_in_c(self._machine, self._constants, columns)}

    def loops(self) -> list[Loop]:
        """Return the open loops with their delays, for Bode plots and margins."""
        self._check_tuned()
        return list(self._loops)


def reading(setup: Any, machine: Machine) -> tuple[list[tuple[int, int]], NDArray[np.float64]]:
    """Return which column of an observation stands for each column of :data:`SEEN`, and their scales."""
    columns = setup.observation_columns
    names = dict(zip(machine.currents, range(S.current_0, S.omega), strict=False))
    names |= dict(
        zip(
            ("omega", "position", *machine.direction),
            (S.omega, S.position, S.sine, S.cosine),
            strict=False,
        )
    )
    names |= dict(zip(machine.estimates, range(S.flux, S.flux + 1), strict=False))
    references = (item.reference for item in setup.tracking)
    names |= dict(zip(references, range(S.reference_0, len(SEEN)), strict=False))
    take = [(k, columns.index(name)) for name, k in names.items() if name in columns]
    scale = np.zeros(len(SEEN))
    for k, j in take:
        scale[k] = columns[j].scale
    return take, scale


class CurrentControl(FieldOriented):
    """A PI controller for each current in the frame of the field, with decoupling and limitation of the voltage.

    Each axis is a first-order plant 1 / (L s + R) with 1.5 sampling periods of delay (one of dead time,
    half of the hold); the gains follow from it by the magnitude optimum.

    Args:
        rule: "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation and other windings induce, to show why it matters.
        interlocking_compensation: True adds what interlocking takes from the voltage, by the sign of the commanded
            currents; for machines with d and q windings alone.
    """

    name: ClassVar[str] = "pi"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        interlocking_compensation: bool = False,
    ) -> None:
        super().__init__(
            rule=rule, symmetry=symmetry, anti_windup=anti_windup, decoupling=decoupling
        )
        self.interlocking_compensation = interlocking_compensation

    def _tune(self, nominal: Any) -> None:
        self._prepare(nominal)
        if self.interlocking_compensation and self._machine.group not in (SYNCHRONOUS, SATURATED):
            raise ValueError(
                "interlocking_compensation is for machines with d and q windings alone, whose frame is that of the "
                f"rotor, not for {type(self._machine).__name__}"
            )

    def _spare_periods(self) -> float:
        return self._machine.spare_periods_of_currents

    def _over_rows(self) -> tuple[Callable[..., None], tuple[NDArray[np.float64], ...]]:
        return current_control_rows, (self._constants,)

    def _beyond(self, seen: NDArray[np.float64], action: NDArray[np.float64]) -> None:
        if self.interlocking_compensation:
            compensate_interlocking(seen, self._constants, action)

    def in_c(self) -> CLaw:
        """Return the law as C source for a microcontroller.

        Raises:
            ValueError: With compensation of interlocking, which is not written in C.
        """
        if self.interlocking_compensation:
            raise ValueError("interlocking_compensation is not written in C: leave it out")
        return super().in_c()


class TorqueControl(FieldOriented):
    """The currents of least loss for a torque, from the machine's table, above current control.

    Args:
        rule: Rule of the current loops, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out what rotation and other windings induce.
        voltage_margin: Part of the converter's voltage that operating points may use; None: the machine's
            ``voltage_share``.
        current_margin: Part of the current limits that operating points may use; None: the machine's
            ``current_share``.
        voltage_feedback: Gain with which a voltage that is demanded but not there weakens the field; 0 turns the
            feedback off. None: the machine's ``voltage_feedback``.
        aim: "current", operating points of the least current, or "loss", of all that the drive loses at its speed, for
            the nominal voltage; without ``losses=`` that is its copper, and they are the same.
    """

    name: ClassVar[str] = "pi"

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        voltage_margin: float | None = None,
        current_margin: float | None = None,
        voltage_feedback: float | None = None,
        aim: str = "current",
    ) -> None:
        super().__init__(
            rule=rule, symmetry=symmetry, anti_windup=anti_windup, decoupling=decoupling
        )
        self.voltage_margin = voltage_margin
        self.current_margin = current_margin
        self.voltage_feedback = voltage_feedback
        self.aim = aim

    def _tune(self, nominal: Any) -> None:
        self._prepare(nominal)
        own = self._machine.voltage_share if self.voltage_margin is None else self.voltage_margin
        self._use_operating_points(nominal.parameters, own, self.current_margin)
        self._feed_back(self.voltage_feedback, self._machine.voltage_feedback)
        self._aim_at(self.aim, nominal)

    def _spare_periods(self) -> float:
        return self._machine.spare_periods

    def _over_rows(self) -> tuple[Callable[..., None], tuple[NDArray[np.float64], ...]]:
        return torque_control_rows, (self._constants, self._points)
