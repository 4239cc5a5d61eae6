"""The equations of gym-pybullet-drones' PYB written down anew in NumPy, held against its recorded runs, then ours.

The recorded runs are of the CF2X; the equations carry over to the CF2P and to a vehicle of a user's.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gym_suite.drones import parameters as pm
from gym_suite.drones import simulate

DATA = Path(__file__).parent / "data"
DT = 1 / 240
ALL = ("ground", "drag", "downwash")
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))
SPINS = np.array([-1.0, 1.0, -1.0, 1.0])
USERS = {"base": "cf2p", "mass": 0.035, "i_yy": 2.0e-5, "lever": 0.05, "k_m": 6e-12}


def places(vehicle):
    """Return the rotors' places in the body, (4, 3)."""
    x = {"x": [1, -1, -1, 1], "+": [1, 0, -1, 0]}[vehicle.layout]
    y = {"x": [-1, -1, 1, 1], "+": [0, 1, 0, -1]}[vehicle.layout]
    return vehicle.lever * np.column_stack([x, y, np.zeros(4)])


def ground_thrust(vehicle, height, f, level):
    largest = vehicle.thrust_to_weight * vehicle.mass * 9.8 / 4  # of one rotor
    clip = (
        0.25
        * vehicle.prop_radius
        * np.sqrt(15 * largest * vehicle.ground_coefficient / (4 * largest))
    )
    if not level:
        return np.zeros(4)
    low = np.maximum(height, clip)
    return f * vehicle.ground_coefficient * (vehicle.prop_radius / (4 * low)) ** 2


def downwash(vehicle, position, j):
    push = 0.0
    for i in range(len(position)):
        dz = position[i, 2] - position[j, 2]
        d = np.linalg.norm(position[i, :2] - position[j, :2])
        if dz > 0 and d < 10:
            alpha = vehicle.downwash_1 * (vehicle.prop_radius / (4 * dz)) ** 2
            beta = vehicle.downwash_2 * dz + vehicle.downwash_3
            push += alpha * np.exp(-0.5 * (d / beta) ** 2)
    return push


def fly(vehicle, rpm, effects, start):
    """Return positions, (steps + 1, drones, 3), of the peer's PYB with some of its effects."""
    position, velocity, spin = (start[:, k : k + 3].copy() for k in (0, 7, 10))
    attitude = [Rotation.from_quat(q) for q in start[:, 3:7]]
    stale, before = [r.as_matrix() for r in attitude], np.zeros(rpm.shape[1:])
    inertia = np.array([vehicle.i_xx, vehicle.i_yy, vehicle.i_zz])
    arms, path = places(vehicle), [position.copy()]
    for command in rpm:
        old = position.copy()
        for j in range(len(position)):
            r = attitude[j].as_matrix()
            f = vehicle.k_f * command[j] ** 2
            fresh = r if "ground" in effects else stale[j]
            force = f.sum() * stale[j][:, 2] - [0, 0, 9.8 * vehicle.mass]
            torque = np.cross(arms @ r.T, f[:, None] * stale[j][:, 2]).sum(axis=0)
            torque += vehicle.k_m * (SPINS @ command[j] ** 2) * stale[j][:, 2]
            if "ground" in effects:
                roll, pitch, _ = attitude[j].as_euler("xyz")
                heights = old[j, 2] + (arms @ r.T)[:, 2]
                level = abs(roll) < np.pi / 2 and abs(pitch) < np.pi / 2
                g = ground_thrust(vehicle, heights, f, level)
                force = force + g.sum() * r[:, 2]
                torque = torque + np.cross(arms @ r.T, g[:, None] * r[:, 2]).sum(axis=0)
            if "drag" in effects:
                d = np.array([vehicle.drag_xy, vehicle.drag_xy, vehicle.drag_z])
                turning = 2 * np.pi * before[j].sum() / 60
                force = force + fresh @ (r.T @ (-d * velocity[j] * turning))
            if "downwash" in effects:
                force = force - downwash(vehicle, old, j) * fresh[:, 2]
            body = r.T @ spin[j]
            alpha = (r.T @ torque - np.cross(body, inertia * body)) / inertia
            alpha -= 0.04 * body * (1 + np.linalg.norm(body))
            gone = 0.04 * velocity[j] * (1 + np.linalg.norm(velocity[j]))
            velocity[j] += DT * (force / vehicle.mass - gone)
            position[j] += DT * velocity[j]
            spin[j] += DT * r @ alpha
            stale[j] = r
            attitude[j] = Rotation.from_rotvec(spin[j] * DT) * attitude[j]
        before = command
        path.append(position.copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("name", "effects", "steps"),
    [("openloop_cf2x_pyb_tilted", (), 300), ("openloop_cf2x_pyb_gnd_drag_dw_stack3", ALL, 200)],
)
def test_the_equations_are_the_peers(name, effects, steps):
    run = np.load(DATA / f"{name}.npz")
    path = fly(pm.VEHICLES["cf2x"], run["rpm"][:steps], effects, run["start"])
    np.testing.assert_allclose(path, run["pos"][: steps + 1], rtol=0, atol=1e-7)


def commands(vehicle, steps, drones):
    t = np.arange(steps)[:, None] * DT
    hover = np.sqrt(vehicle.mass * 9.8 / (4 * vehicle.k_f))
    phases = np.arange(drones) + 0.3
    rotors = [hover * (1 + 0.04 * np.sin(5 * t + k) * np.sin(phases)) for k in range(4)]
    return np.stack(rotors, axis=-1)


STACK = np.zeros((3, 13))
STACK[:, :3] = [[0, 0, 0.25], [0.02, -0.01, 1.25], [-0.01, 0.02, 2.25]]
STACK[:, 3:7] = Rotation.from_euler("xyz", [[0.1, 0.05, 0.4], [0, 0.1, 0], [0, 0, 1]]).as_quat()
TILTED = np.zeros((1, 13))
TILTED[0, 2] = 50.0
TILTED[0, 3:7] = Rotation.from_euler("xyz", [0.4, -0.3, 0.9]).as_quat()
TILTED[0, 7:] = [1.0, -2.0, 0.5, 3.0, -1.0, 2.0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("vehicle", "effects", "start"),
    [
        ("cf2p", (), TILTED),
        ("cf2p", ("ground",), STACK),
        ("cf2p", ("drag",), TILTED),
        ("cf2p", ("downwash",), STACK),
        ("cf2p", ALL, STACK),
        ("cf2x", ("drag",), TILTED),
        (USERS, ALL, STACK),
    ],
    ids=lambda value: "stack" if value is STACK else "tilted" if value is TILTED else str(value),
)
def test_the_plus_and_a_users_vehicle_fly_by_the_same_equations(vehicle, effects, start, engine):
    built = pm.build_vehicle(vehicle)
    rpm = commands(built, 80, len(start))
    got = simulate(
        vehicle,
        rpm,
        engine=engine,
        model="bullet-parity",
        aerodynamics=effects,
        position=start[:, :3],
        quaternion=start[:, 3:7],
        velocity=start[:, 7:10],
        angular_velocity=start[:, 10:],
    )
    expected = fly(built, rpm, effects, start)
    np.testing.assert_allclose(got["position"], expected, rtol=0, atol=1e-7)


def test_a_vehicle_is_a_name_a_mapping_or_a_dataclass():
    start = {"position": [0, 0, 1], "quaternion": [0, 0, 0, 1], "engine": "compiled"}
    heavier = replace(pm.VEHICLES["cf2p"], mass=0.03)
    rpm = np.full((20, 4), 15000.0)
    one, other = (
        simulate(v, rpm, **start)["position"] for v in (heavier, {"base": "CF2P", "mass": 0.03})
    )
    np.testing.assert_array_equal(one, other)
    assert (one != simulate("cf2p", rpm, **start)["position"]).any()


@pytest.mark.parametrize(
    ("vehicle", "message"),
    [
        ({"mass": -0.027}, r"Vehicle.mass must be greater than 0"),
        ({"mass": 0.0}, r"Vehicle.mass must be greater than 0"),
        ({"mass": "heavy"}, r"Vehicle.mass must be a number"),
        ({"i_zz": 1e-4}, "rigid body"),
        ({"i_xx": float("nan")}, "finite"),
        ({"k_f": 0.0}, "k_f"),
        ({"thrust_to_weight": 0.9}, "thrust_to_weight must be greater than 1"),
        ({"layout": "h"}, "layout"),
        ({"mas": 0.03}, "'mass'"),
        ({"base": "cf2y"}, "cf2"),
    ],
)
def test_impossible_vehicles_are_refused_everywhere(vehicle, message):
    import gymnasium

    with pytest.raises(ValueError, match=message):
        simulate(vehicle, np.zeros((2, 4)), position=[0, 0, 1], quaternion=[0, 0, 0, 1])
    with pytest.raises(ValueError, match=message):
        gymnasium.make("drones/Hover-v0", engine="compiled", vehicle=vehicle)


def test_something_else_is_no_vehicle():
    with pytest.raises(TypeError, match="name, a mapping or a Vehicle"):
        simulate(3, np.zeros((2, 4)), position=[0, 0, 1], quaternion=[0, 0, 0, 1])
