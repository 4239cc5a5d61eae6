"""What a flight's past tells of thrust and tilt, on flights written here; what an emptying battery leaves."""

import gymnasium
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gym_suite.drones.logs import Log
from gym_suite.drones.parameters import MODELS, PHYSICS
from gym_suite.drones.replay import AIRBORNE, observe, physics_row, resting_tilt

P = PHYSICS.places
GRAVITY = MODELS["measured"].gravity
STEP = 0.01


def observed(push, velocity_0, *, seconds=20.0, speed=16_000.0):
    """Return what is believed at the end of a flight without rotation whose specific force, without drag, is ``push``.

    Args:
        push: In the body, which stays level, m/s^2.
        velocity_0: m/s; None: at once that at which drag and push are in balance with the weight.
    """
    row = physics_row({"mass": 0.03}, "measured")
    turning = 4.0 * speed * 2.0 * np.pi / 60.0
    drag = np.array([row[P.drag_xy], row[P.drag_xy], row[P.drag_z]]) * turning / row[P.mass]
    n = int(seconds / STEP)
    velocity, position = np.empty((n, 3)), np.empty((n, 3))
    velocity[0], position[0] = velocity_0, (0.0, 0.0, 0.0)
    for k in range(1, n):  # backward Euler, which is how the differences of a log are read
        velocity[k] = (velocity[k - 1] + STEP * (push - [0.0, 0.0, GRAVITY])) / (1.0 + STEP * drag)
        position[k] = position[k - 1] + STEP * velocity[k]
    quaternion, believed = np.tile([0.0, 0.0, 0.0, 1.0], (n, 1)), np.empty((n, 3))
    rotors = np.full((n, 4), speed)
    thrust = 4.0 * row[P.k_f] * speed**2 / row[P.mass]
    observe(
        np.arange(n) * STEP,
        position[:, 2] > AIRBORNE,
        quaternion,
        velocity,
        rotors,
        row,
        np.zeros(3),
        push[2] / thrust,
        believed,
    )
    return believed[-1], thrust


def test_a_thrust_that_leans_is_seen_to_lean_that_way():
    """A thrust turned by (0.04, 0.03) rad about x and y pushes along R z = (0.03, -0.04, 1)."""
    push = GRAVITY * np.array([0.03, -0.04, 1.0])
    believed, thrust = observed(push + np.array([0.0, 0.0, 0.05]), (0.0, 0.0, 0.3))
    assert believed[:2] == pytest.approx([0.04, 0.03], rel=0.02)
    assert believed[2] == pytest.approx((GRAVITY + 0.05) / thrust, rel=1e-3)


def test_drag_is_not_taken_for_a_lack_of_thrust():
    """A climb and a sideways drift at which drag matters: the thrust found is the one that was there, not less."""
    push = np.array([0.0, 0.0, GRAVITY + 1.0])
    believed, thrust = observed(push, (3.0, 0.0, 2.0))
    assert believed[2] == pytest.approx((GRAVITY + 1.0) / thrust, rel=1e-3)
    assert believed[:2] == pytest.approx([0.0, 0.0], abs=1e-3)


def test_the_frame_at_rest_is_turned_to_where_gravity_is_felt_upright():
    tilt, seen = np.array([0.03, -0.05, 0.0]), Rotation.from_euler("xyz", [0.1, 0.2, 0.7])
    accelerometer = seen * Rotation.from_rotvec(tilt)
    n = 300
    log = Log(
        name="rest",
        t=np.arange(n) * STEP,
        position=np.zeros((n, 3)),
        quaternion=np.tile(seen.as_quat(), (n, 1)),
        velocity=np.zeros((n, 3)),
        force=np.tile(accelerometer.inv().apply([0.0, 0.0, GRAVITY]), (n, 1)),
        rate=np.zeros((n, 3)),
        width=np.zeros((n, 4)),
        voltage=np.full(n, 4.1),
    )
    found = seen * Rotation.from_rotvec(resting_tilt(log))
    upright = found.apply(log.force[0]) / GRAVITY
    np.testing.assert_allclose(upright, [0.0, 0.0, 1.0], atol=1e-9)


def test_a_battery_nearly_empty_turns_the_rotors_no_faster_than_its_voltage_does():
    """V = 4.15 - 1.05e-3 q - 0.25 I and n = 2968 + 6648 V, with 90 % of 864 A s taken."""
    keywords = {"engine": "compiled", "model": "measured", "action_range": 1.0}
    env = gymnasium.make(
        "drones/Hover-v0", **keywords, battery=0.1, control_frequency=240
    ).unwrapped
    env.reset(seed=0)
    n = env.state()["rotor_0"][0]
    env.step(np.ones(4))
    taken = 0.9 * 864.0
    current = 0.281 + n**2 * (3.902e-9 + 1.371e-13 * n)
    voltage = 4.15 - 1.05e-3 * taken - 0.25 * current
    command = env.state()["command_0"][0]
    assert command == pytest.approx(2968.179 + 6647.949 * voltage, abs=2.0)
