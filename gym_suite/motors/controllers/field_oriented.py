"""Field-oriented control of the PMSM: current control, and speed control in cascade above it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.pid import CLAMPING, anti_windup_kind
from gym_suite.controllers.protocol import Controller, Loop
from gym_suite.controllers.tuning import Gains, magnitude_optimum, symmetrical_optimum
from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.controllers.foc import (
    LAW,
    MEMORY,
    SEEN,
    L,
    M,
    S,
    current_control_batch,
    speed_control_batch,
    torque_command_batch,
)
from gym_suite.motors.controllers.operating_points import operating_points
from gym_suite.motors.loads import load_coefficients
from gym_suite.motors.parameters import VEHICLE
from gym_suite.motors.quantities import CONTROL_TORQUE, FRAME_ABC
from gym_suite.motors.transforms import SQRT3

RULES = ("magnitude_optimum", "symmetrical_optimum")


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


def sampled_delay(values: Any) -> float:
    """Return the delay of a sampled current loop, s: half a period of hold, and the dead time where there is one."""
    return (values["dead_time"] + 0.5) * values["tau"]


def current_law(values: Any, gains: dict[str, Gains]) -> NDArray[np.float64]:
    """Return the law row of current control.

    Args:
        values: Nominal parameters by name.
        gains: Of the axes "d" and "q".
    """
    law = np.zeros(len(LAW))
    for name in ("p", "l_d", "l_q", "psi_p", "u_dc", "tau", "dead_time"):
        law[LAW.index(name)] = values[name]
    law[L.decoupling] = 1.0
    law[L.anti_windup] = CLAMPING
    for axis, own in gains.items():
        law[LAW.index(f"kp_{axis}")], law[LAW.index(f"ki_{axis}")] = own.kp, own.ki
        law[LAW.index(f"back_gain_{axis}")] = own.ki / own.kp
    law[L.phases] = float(int(values["frame"]) == FRAME_ABC)
    return law


class _FieldOriented(Controller):
    """What current and speed control share: hyper-parameters, the current loop's gains, the columns."""

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
    ) -> None:
        self.rule = rule
        self.symmetry = symmetry
        self.anti_windup = anti_windup
        self.decoupling = decoupling

    def _prepare(self, nominal: Any, references: tuple[str, ...]) -> NDArray[np.float64]:
        """Set the gains of the current loop and the columns to read; return the law's row."""
        check_option("rule", self.rule, RULES)
        check_number("symmetry", self.symmetry, above=1.0)
        values, columns = nominal.parameters, nominal.setup.observation_columns
        names = (*SEEN.names[: S.reference], *references)
        self._take = [(k, columns.index(name)) for k, name in enumerate(names) if name in columns]
        self._scale = np.zeros(len(SEEN))
        for k, j in self._take:
            self._scale[k] = columns[j].scale
        self._actions = len(nominal.setup.action_columns)
        self._loops = []
        delay, resistance = sampled_delay(values), values["r_s"]
        gains = {}
        for axis in "dq":
            inductance = values[f"l_{axis}"]
            rule = current_gains(
                inductance, resistance, delay, rule=self.rule, symmetry=self.symmetry
            )
            # Current references are not filtered, whatever the rule asks for.
            self.gains_[f"i_s{axis}"] = replace(rule, prefilter=0.0)
            gains[axis] = self.gains_[f"i_s{axis}"]  # a user's own where he gave one
            self._loops.append(
                Loop.from_gains(
                    f"i_s{axis}",
                    gains[axis],
                    numerator=[1.0],
                    denominator=[inductance, resistance],
                    delay=delay,
                    dt=values["tau"],
                )
            )
        law = current_law(values, gains)
        law[L.decoupling] = float(self.decoupling)
        law[L.anti_windup] = anti_windup_kind(self.anti_windup)
        law[L.dt] = nominal.dt
        return law

    def _seen(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the laws see, rows of :data:`SEEN`."""
        seen = np.zeros((observation.shape[0], len(SEEN)))
        for k, j in self._take:
            seen[:, k] = observation[:, j]
        seen *= self._scale
        return seen

    def loops(self) -> list[Loop]:
        """Return the open loops with their delays, for Bode plots and margins."""
        self._check_tuned()
        return list(self._loops)


class CurrentControl(_FieldOriented):
    """Two PI controllers in rotor coordinates with decoupling and voltage-hexagon limitation.

    Each axis is a first-order plant 1 / (L s + R) with 1.5 sampling periods of delay (one of dead time,
    half of the hold); the gains follow from it by the magnitude optimum.

    Args:
        rule: "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the voltages that the rotation induces, to show why they matter.
    """

    name: ClassVar[str] = "pi"
    state_size = M.integral_q + 1

    def _tune(self, nominal: Any) -> None:
        self._constants = self._prepare(nominal, ("i_sd_ref", "i_sq_ref"))

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), self._actions))
        current_control_batch(self._seen(observation), state, self._constants, action)
        return action


class SpeedControl(_FieldOriented):
    """A PI speed controller above maximum torque per ampere, field weakening and current control.

    The shaft is an integrator 1 / (J s); the current loop, tuned by the magnitude optimum, acts as a
    lag of twice its delay. The speed loop follows from that by the symmetrical optimum. Under torque
    control the drive's own current loop is used and only the torque is commanded.

    Args:
        rule: Rule of the current loop, "magnitude_optimum" or "symmetrical_optimum".
        symmetry: Parameter a of the symmetrical optimum, above 1.
        anti_windup: "none", "clamping" or "back_calculation".
        decoupling: False leaves out the voltages that the rotation induces.
        prefilter: Whether steps of the reference are smoothed as the symmetrical optimum asks for;
            None: where the reference has steps (not on a drive cycle).
        feedforward: Whether the torque that the nominal shaft and load need for the reference's own
            acceleration and speed is added; None: on a drive cycle.
        voltage_margin: Part of u_dc / sqrt(3) that operating points may use.
        current_margin: Part of the current limit that operating points may use.
    """

    name: ClassVar[str] = "pi"
    state_size = len(MEMORY)

    def __init__(
        self,
        *,
        rule: str = "magnitude_optimum",
        symmetry: float = 4.0,
        anti_windup: str = "clamping",
        decoupling: bool = True,
        prefilter: bool | None = None,
        feedforward: bool | None = None,
        voltage_margin: float = 0.9,
        current_margin: float = 0.9,
    ) -> None:
        super().__init__(
            rule=rule, symmetry=symmetry, anti_windup=anti_windup, decoupling=decoupling
        )
        self.prefilter = prefilter
        self.feedforward = feedforward
        self.voltage_margin = voltage_margin
        self.current_margin = current_margin

    def _tune(self, nominal: Any) -> None:
        values, setup = nominal.parameters, nominal.setup
        cycle = "v_ref" in setup.observation_columns
        law = self._prepare(nominal, ("v_ref" if cycle else "omega_ref",))
        self._torque = int(values["control"]) == CONTROL_TORQUE
        if self._torque:  # the drive's own current loop acts, with gains of its own
            for axis in "dq":
                del self.gains_[f"i_s{axis}"]
        machine = (values[name] for name in ("p", "l_d", "l_q", "psi_p"))
        if int(values["load_kind"]) == VEHICLE:
            self._scale[S.reference] *= values["gear_ratio"] / values["wheel_radius"]
        friction, viscous, drag, inertia, _ = load_coefficients(nominal.row)
        if cycle if self.feedforward is None else self.feedforward:
            law[L.inertia], law[L.friction] = inertia, friction
            law[L.viscous], law[L.drag] = viscous, drag
        delay = 2.0 * sampled_delay(values)
        if self._torque:
            delay += 1.5 * nominal.dt
        gains = symmetrical_optimum(1.0 / inertia, delay=delay, a=self.symmetry)
        filtered = not cycle if self.prefilter is None else self.prefilter
        gains = replace(gains, unit="N m s/rad", prefilter=gains.prefilter if filtered else 0.0)
        self.gains_["omega"] = gains
        gains = self.gains_["omega"]
        self._loops.append(
            Loop.from_gains(
                "omega", gains, numerator=[1.0], denominator=[inertia, 0.0], delay=delay,
                dt=nominal.dt,
            )
        )  # fmt: skip
        law[L.kp_speed], law[L.ki_speed] = gains.kp, gains.ki
        law[L.prefilter] = gains.prefilter
        law[L.back_gain_speed] = gains.ki / gains.kp
        margin = check_number("voltage_margin", self.voltage_margin, above=0.0, high=1.0)
        law[L.u_max] = margin * values["u_dc"] / SQRT3
        law[L.torque_limit] = values["torque_limit"]
        margin = check_number("current_margin", self.current_margin, above=0.0, high=1.0)
        self._points = operating_points(margin * values["i_limit"], *machine)
        self._constants = law

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        state[rows] = 0.0
        state[rows, M.target] = self._seen(observation[rows])[:, S.omega]

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), self._actions))
        law = torque_command_batch if self._torque else speed_control_batch
        law(self._seen(observation), state, self._constants, self._points, action)
        return action
