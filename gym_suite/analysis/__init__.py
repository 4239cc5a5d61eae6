"""Linear analysis of an env's nominal plant and of a controller's loop. Computing never draws.

    point = operating_point(env, states={"i_sd": -50.0, "i_sq": 100.0}, inputs={"omega": 200.0})
    model = linearize(env, point)            # A, B, C, D and the exact zero-order-hold pair
    model.poles(), model.damping()
    step_response(model, input="u_sq").info("i_sq")
    model.to_control()                       # hand over to python-control
    open_loop(controller)[0].phase_margin    # Bode data of each loop, dead time included

The functions take an env, its ``unwrapped``, or ``env.unwrapped.nominal``, and use the compiled
derivative that the env itself integrates.
"""

from gym_suite.analysis.frequency import FrequencyResponse, frequency_response, open_loop
from gym_suite.analysis.identification import identify
from gym_suite.analysis.linear import (
    LinearModel,
    Mode,
    OperatingPoint,
    linearize,
    operating_point,
    zero_order_hold,
)
from gym_suite.analysis.losses import LossModel, fit_losses
from gym_suite.analysis.response import Response, step_info, step_response

__all__ = [
    "FrequencyResponse",
    "LinearModel",
    "LossModel",
    "Mode",
    "OperatingPoint",
    "Response",
    "fit_losses",
    "frequency_response",
    "identify",
    "linearize",
    "open_loop",
    "operating_point",
    "step_info",
    "step_response",
    "zero_order_hold",
]
