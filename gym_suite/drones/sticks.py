"""What a transmitter's sticks mean to Betaflight's firmware that levels a craft, and a model of how it levels it.

The sticks are those of the firmware's "angle mode" with the settings of :mod:`gym_suite.drones.firmware`: roll and
pitch are angles, yaw is a rate, throttle is an output of the motors. The model is its outer loop alone, body rates in
proportion to the errors of the angles (a ``p_level`` of 50, the default of Betaflight 4.6.0, is 5 1/s); an inner loop
of this package then holds the rates.
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import kernel

#: Channels of a stick in the middle, and half of the way from stop to stop.
MIDDLE, HALF_WAY = 1500.0, 500.0
#: Output of an armed motor at rest, and the throttle from which on it rises (defaults of 4.6.0: motor_idle, min_check).
IDLE, LOWEST = 0.055, 1050.0
ANGLE = 60.0  # degrees at full stick, angle_limit
YAW_RATE = 200.0  # degrees/s at full stick
LEVEL_GAIN = 5.0  # 1/s, p_level / 10

_ANGLE, _YAW_RATE = math.radians(ANGLE), math.radians(YAW_RATE)


@kernel
def motor_output(throttle):
    """Return the output, 0 to 1, of all motors of a level craft at a throttle channel, 1000 to 2000."""
    return IDLE + (1.0 - IDLE) * max(throttle - LOWEST, 0.0) / (2000.0 - LOWEST)


@kernel
def meant(roll, pitch, yaw, throttle):
    """Return roll (rad, to the right), pitch (rad, ahead), yaw rate (rad/s, to the right) and motor output of sticks.

    Args:
        roll: -1 to 1, to the right.
        pitch: -1 to 1, ahead.
        yaw: -1 to 1, to the right.
        throttle: -1 to 1.
    """
    output = motor_output(MIDDLE + HALF_WAY * throttle)
    return _ANGLE * roll, _ANGLE * pitch, _YAW_RATE * yaw, output


@kernel
def level_rates(r, roll, pitch):
    """Return the body rates about x and y, rad/s, that turn a craft to a roll and a pitch angle, rad.

    With x ahead, y to the left and z up, roll to the right turns about x and pitch ahead about y; the angles are those
    of R = R_z(yaw) R_y(pitch) R_x(roll).

    Args:
        r: Rotation matrix, row by row.
        roll: Wanted, to the right.
        pitch: Wanted, ahead.
    """
    level = math.sqrt(r[7] * r[7] + r[8] * r[8])
    return (
        LEVEL_GAIN * (roll - math.atan2(r[7], r[8])),
        LEVEL_GAIN * (pitch - math.atan2(-r[6], level)),
    )
