"""Field-oriented control of the PMSM: current control, and speed control in cascade above it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gym_suite.controllers.pid import anti_windup_kind, pi_output, pi_update
from gym_suite.controllers.protocol import Controller, Loop
from gym_suite.controllers.tuning import Gains, magnitude_optimum, symmetrical_optimum
from gym_suite.core.kernel import kernel
from gym_suite.core.parameters import check_number, check_option
from gym_suite.motors.controllers.current_control import current_control_one
from gym_suite.motors.controllers.operating_points import currents_for_torque
from gym_suite.motors.parameters import CONTROL_TORQUE, FRAME_ABC, VEHICLE
from gym_suite.motors.shaft import load_coefficients
from gym_suite.motors.transforms import SQRT3, inverse_clarke, torque_of

RULES = ("magnitude_optimum", "symmetrical_optimum")

# Layout of the constants that the compiled laws read.
(
    L_KP_D,
    L_KI_D,
    L_KP_Q,
    L_KI_Q,
    L_L_D,
    L_L_Q,
    L_PSI_P,
    L_PAIRS,
    L_U_DC,
    L_TAU,
    L_DEAD_TIME,
    L_DECOUPLING,
    L_ANTI_WINDUP,
    L_BACK_GAIN_D,
    L_BACK_GAIN_Q,
    L_ABC,
    L_KP_SPEED,
    L_KI_SPEED,
    L_PREFILTER,
    L_BACK_GAIN_SPEED,
    L_I_MAX,
    L_U_MAX,
    L_TORQUE_MAX,
    L_TORQUE_SCALE,
    L_DT,
    L_INERTIA,
    L_FRICTION,
    L_VISCOUS,
    L_DRAG,
) = range(29)

# Columns that the laws see, in SI.
S_I_D, S_I_Q, S_OMEGA, S_SIN, S_COS, S_REFERENCE, S_REFERENCE_2 = range(7)


@kernel
def _voltage_action(seen, i_d_ref, i_q_ref, state, law, action):
    """Run current control on one row; fill the voltage action, update integrals state[0:2]."""
    u_dc = law[L_U_DC]
    u_d, u_q, alpha, beta, state[0], state[1] = current_control_one(
        seen[S_I_D],
        seen[S_I_Q],
        i_d_ref,
        i_q_ref,
        law[L_PAIRS] * seen[S_OMEGA],
        math.atan2(seen[S_SIN], seen[S_COS]),
        state[0],
        state[1],
        law[L_KP_D],
        law[L_KI_D],
        law[L_KP_Q],
        law[L_KI_Q],
        law[L_L_D],
        law[L_L_Q],
        law[L_PSI_P],
        u_dc,
        law[L_TAU],
        law[L_DEAD_TIME],
        law[L_DECOUPLING],
        math.inf if law[L_ABC] > 0.0 else u_dc / SQRT3,
        int(law[L_ANTI_WINDUP]),
        law[L_BACK_GAIN_D],
        law[L_BACK_GAIN_Q],
    )
    if law[L_ABC] > 0.0:
        # The common part between the extremes makes the whole hexagon reachable with limited legs.
        a, b, c = inverse_clarke(alpha, beta)
        common = 0.5 * (max(a, b, c) + min(a, b, c))
        action[0] = 2.0 * (a - common) / u_dc
        action[1] = 2.0 * (b - common) / u_dc
        action[2] = 2.0 * (c - common) / u_dc
    else:
        action[0] = u_d * SQRT3 / u_dc
        action[1] = u_q * SQRT3 / u_dc


@kernel
def current_control_batch(seen, state, law, action):
    """Fill the actions of rows of current control.

    Args:
        seen: (n, 7) currents (A), speed (rad/s), sine and cosine of the angle, current references.
        state: (n, 2) integral terms, updated.
        law: Constants, (29,).
        action: (n, 2) dq or (n, 3) abc, filled.
    """
    for i in range(seen.shape[0]):
        _voltage_action(
            seen[i], seen[i, S_REFERENCE], seen[i, S_REFERENCE_2], state[i], law, action[i]
        )


@kernel
def _speed_law(seen, state, law):
    """Run the speed controller on one row; return current references and the torque they give.

    Uses state[2] (integral term, N m), state[3] (filtered reference, rad/s) and state[4] (whether there
    is an earlier reference to take a difference from).
    """
    omega, reference, earlier = seen[S_OMEGA], seen[S_REFERENCE], state[3]
    if law[L_PREFILTER] > 0.0:
        state[3] += (reference - state[3]) * (1.0 - math.exp(-law[L_DT] / law[L_PREFILTER]))
    else:
        state[3] = reference
    error = state[3] - omega
    demanded = pi_output(error, state[2], law[L_KP_SPEED])
    if law[L_INERTIA] > 0.0:
        # What the nominal shaft needs to follow the reference as it moves.
        target = state[3]
        if state[4] > 0.0:
            demanded += law[L_INERTIA] * (target - earlier) / law[L_DT]
        if abs(target) > 1e-3:
            demanded += math.copysign(law[L_FRICTION], target)
        demanded += (law[L_VISCOUS] + law[L_DRAG] * abs(target)) * target
        state[4] = 1.0
    torque = min(max(demanded, -law[L_TORQUE_MAX]), law[L_TORQUE_MAX])
    pairs, l_d, l_q, psi_p = law[L_PAIRS], law[L_L_D], law[L_L_Q], law[L_PSI_P]
    i_d, i_q = currents_for_torque(
        torque, pairs * omega, law[L_U_MAX], law[L_I_MAX], pairs, l_d, l_q, psi_p
    )
    realised = torque_of(i_d, i_q, pairs, l_d, l_q, psi_p)
    state[2] = pi_update(
        error,
        state[2],
        law[L_KI_SPEED],
        law[L_DT],
        demanded,
        realised,
        int(law[L_ANTI_WINDUP]),
        law[L_BACK_GAIN_SPEED],
    )
    return i_d, i_q, realised


@kernel
def speed_control_batch(seen, state, law, action):
    """Fill the voltage actions of rows of cascaded speed control; state is (n, 5)."""
    for i in range(seen.shape[0]):
        i_d, i_q, _ = _speed_law(seen[i], state[i], law)
        _voltage_action(seen[i], i_d, i_q, state[i], law, action[i])


@kernel
def torque_command_batch(seen, state, law, action):
    """Fill the torque actions (n, 1) of rows of speed control above the drive's own current loop."""
    for i in range(seen.shape[0]):
        _, _, torque = _speed_law(seen[i], state[i], law)
        action[i, 0] = torque / law[L_TORQUE_SCALE]


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

    def _current_gains(self, axis: str, nominal: Any) -> Gains:
        values = nominal.parameters
        inductance, resistance = values[f"l_{axis}"], values["r_s"]
        delay = self._delay(nominal)
        if self.rule == "symmetrical_optimum" or resistance == 0.0:
            gains = symmetrical_optimum(1.0 / inductance, delay=delay, a=self.symmetry)
        else:
            gains = magnitude_optimum(1.0 / resistance, inductance / resistance, delay=delay)
        return gains.with_unit("V/A")

    @staticmethod
    def _delay(nominal: Any) -> float:
        values = nominal.parameters
        return (values["dead_time"] + 0.5) * values["tau"]

    def _prepare(self, nominal: Any, references: tuple[str, ...]) -> NDArray[np.float64]:
        """Set the gains of the current loop and the columns to read; return the law's constants."""
        check_option("rule", self.rule, RULES)
        check_number("symmetry", self.symmetry, above=1.0)
        values, columns = nominal.parameters, nominal.setup.observation_columns
        names = ("i_sd", "i_sq", "omega", "sin_epsilon", "cos_epsilon", *references)
        self._take = [(k, columns.index(name)) for k, name in enumerate(names) if name in columns]
        self._scale = np.zeros(7)
        for k, j in self._take:
            self._scale[k] = columns[j].scale
        self._actions = len(nominal.setup.action_columns)
        self._loops = []
        for axis in "dq":
            self.gains_[f"i_s{axis}"] = self._current_gains(axis, nominal)
            gains = self.gains_[f"i_s{axis}"]
            self._loops.append(
                Loop.from_gains(
                    f"i_s{axis}",
                    gains,
                    numerator=[1.0],
                    denominator=[values[f"l_{axis}"], values["r_s"]],
                    delay=self._delay(nominal),
                    dt=values["tau"],
                )
            )
        law = np.zeros(29)
        law[L_KP_D], law[L_KI_D] = self.gains_["i_sd"].kp, self.gains_["i_sd"].ki
        law[L_KP_Q], law[L_KI_Q] = self.gains_["i_sq"].kp, self.gains_["i_sq"].ki
        law[L_L_D], law[L_L_Q] = values["l_d"], values["l_q"]
        law[L_PSI_P], law[L_PAIRS] = values["psi_p"], values["p"]
        law[L_U_DC], law[L_TAU] = values["u_dc"], values["tau"]
        law[L_DEAD_TIME] = values["dead_time"]
        law[L_DECOUPLING] = float(self.decoupling)
        law[L_ANTI_WINDUP] = anti_windup_kind(self.anti_windup)
        law[L_BACK_GAIN_D] = law[L_KI_D] / law[L_KP_D]
        law[L_BACK_GAIN_Q] = law[L_KI_Q] / law[L_KP_Q]
        law[L_ABC] = float(int(values["frame"]) == FRAME_ABC)
        law[L_DT] = nominal.dt
        return law

    def _seen(self, observation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the laws read, in SI, (n, 7)."""
        seen = np.zeros((observation.shape[0], 7))
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
    state_size = 2

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
    state_size = 5

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
        if int(values["load_kind"]) == VEHICLE:
            self._scale[S_REFERENCE] *= values["gear_ratio"] / values["wheel_radius"]
        friction, viscous, drag, inertia, _ = load_coefficients(nominal.row)
        if cycle if self.feedforward is None else self.feedforward:
            law[L_INERTIA], law[L_FRICTION] = inertia, friction
            law[L_VISCOUS], law[L_DRAG] = viscous, drag
        delay = 2.0 * self._delay(nominal)
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
        law[L_KP_SPEED], law[L_KI_SPEED] = gains.kp, gains.ki
        law[L_PREFILTER] = gains.prefilter
        law[L_BACK_GAIN_SPEED] = gains.ki / gains.kp
        margin = check_number("current_margin", self.current_margin, above=0.0, high=1.0)
        law[L_I_MAX] = margin * values["i_limit"]
        margin = check_number("voltage_margin", self.voltage_margin, above=0.0, high=1.0)
        law[L_U_MAX] = margin * values["u_dc"] / SQRT3
        law[L_TORQUE_SCALE] = values["torque_limit"]
        law[L_TORQUE_MAX] = values["torque_limit"]
        self._constants = law

    def _restart(
        self,
        state: NDArray[np.float64],
        rows: NDArray[np.bool_],
        observation: NDArray[np.float64],
    ) -> None:
        state[rows] = 0.0
        state[rows, 3] = self._seen(observation[rows])[:, S_OMEGA]

    def _law(
        self, observation: NDArray[np.float64], state: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        action = np.empty((len(observation), self._actions))
        law = torque_command_batch if self._torque else speed_control_batch
        law(self._seen(observation), state, self._constants, action)
        return action
