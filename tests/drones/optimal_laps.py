"""Time-optimal laps of the whole vehicle, the mark beside which the laps of `drones/Gates-v0` are put.

Written apart from the package's planner: attitude is a quaternion and free, rotors have their lag, drag is that of the
body's axes, and the lap is found by direct multiple shooting with an interior-point method, in CasADi (`pip install
casadi`), which nothing else here needs. In a minute or two a track::

    python tests/drones/optimal_laps.py

prints the times and writes `data/optimal_laps.npz`: for each track states at the nodes (place, velocity, quaternion
w x y z, body rate, rotor speeds over hovering speed), commands between them over hovering speed, and the times between
gates.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gym_suite.drones.controllers.racing import plan_lap
from gym_suite.drones.tracks import Gate, build_track, names
from gym_suite.drones.vehicles import RPM, VEHICLES

FILE = Path(__file__).parent / "data" / "optimal_laps.npz"
#: Nodes from gate to gate; Runge-Kutta steps between two; bounds of the commands over hovering speed.
PARTS, STEPS, BOUNDS = 16, 2, (0.6, 1.4)
#: m/s^2; m of torque per thrust, and s of the rotors' lag, of the model "identified".
GRAVITY, YAW_RATIO, LAG = 9.80665, 0.0074, 0.072
VEHICLE = VEHICLES["cf2x"]


def optimal_lap(gates: tuple[Gate, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return states (nodes, 17), commands (nodes, 4) and times between gates, s, of the fastest lap."""
    import casadi as ca

    n, nodes, v = len(gates), len(gates) * PARTS, VEHICLE
    hover = np.sqrt(v.mass * GRAVITY / (4.0 * v.k_f))
    inertia = ca.DM([v.i_xx, v.i_yy, v.i_zz])
    x, u, h = ca.SX.sym("x", 17), ca.SX.sym("u", 4), ca.SX.sym("h")
    velocity, (w, i, j, k), rate, rotors = x[3:6], ca.vertsplit(x[6:10]), x[10:13], x[13:17]
    turn = ca.vertcat(
        ca.horzcat(1 - 2 * (j**2 + k**2), 2 * (i * j - w * k), 2 * (i * k + w * j)),
        ca.horzcat(2 * (i * j + w * k), 1 - 2 * (i**2 + k**2), 2 * (j * k - w * i)),
        ca.horzcat(2 * (i * k - w * j), 2 * (j * k + w * i), 1 - 2 * (i**2 + j**2)),
    )
    thrusts = v.k_f * hover**2 * rotors**2
    px, py, sense = np.array(v.places).T
    torque = ca.vertcat(
        ca.dot(ca.DM(py), thrusts),
        -ca.dot(ca.DM(px), thrusts),
        YAW_RATIO * ca.dot(ca.DM(sense), thrusts),
    )
    drag = RPM * hover * ca.sum1(rotors) * ca.DM([v.drag_xy, v.drag_xy, v.drag_z])
    force = ca.vertcat(0, 0, ca.sum1(thrusts)) - drag * (turn.T @ velocity)
    p, q, r = ca.vertsplit(rate)
    slope = ca.vertcat(
        velocity,
        turn @ force / v.mass - ca.vertcat(0, 0, GRAVITY),
        0.5
        * ca.vertcat(
            -i * p - j * q - k * r,
            w * p + j * r - k * q,
            w * q - i * r + k * p,
            w * r + i * q - j * p,
        ),
        (torque - ca.cross(rate, inertia * rate)) / inertia,
        (u - rotors) / LAG,
    )
    f = ca.Function("f", [x, u], [slope])
    after = x
    for _ in range(STEPS):
        d = h / STEPS
        a = f(after, u)
        b = f(after + 0.5 * d * a, u)
        c = f(after + 0.5 * d * b, u)
        after = after + d / 6.0 * (a + 2 * b + 2 * c + f(after + d * c, u))
    step = ca.Function("step", [x, u, h], [after]).map(nodes)

    states, commands = ca.MX.sym("states", 17, nodes), ca.MX.sym("commands", 4, nodes)
    times = ca.MX.sym("times", 1, n)
    spans = ca.horzcat(*[times[g] / PARTS for g in range(n) for _ in range(PARTS)])
    gaps = step(states, commands, spans) - ca.horzcat(states[:, 1:], states[:, :1])
    bound, low, high = [ca.vec(gaps)], [np.zeros(17 * nodes)], [np.zeros(17 * nodes)]
    for g, gate in enumerate(gates):
        x_off, y_off, z_off = ca.vertsplit(states[:3, g * PARTS] - ca.DM(gate.centre))
        nx, ny = gate.through
        bound.append(ca.vertcat(nx * x_off + ny * y_off, nx * y_off - ny * x_off, z_off))
        room = [0.0, 0.5 * gate.width - v.radius, 0.5 * gate.height - v.radius]
        low.append(-np.array(room))
        high.append(np.array(room))
    bound.append(ca.sumsqr(states[6:10, 0]))
    low.append(np.ones(1))
    high.append(np.ones(1))

    centres = np.array([gate.centre for gate in gates])
    guess = plan_lap(centres, thrust=0.85 * 1.96 * GRAVITY, gravity=GRAVITY, rate=2.5)
    begins = np.cumsum(guess.durations) - guess.durations
    t = (begins[:, None] + np.arange(PARTS) / PARTS * guess.durations[:, None]).ravel()
    push = guess.at(t, 2) + np.array([0.0, 0.0, GRAVITY])
    size = np.linalg.norm(push, axis=1)
    axis = push / size[:, None]
    half = np.sqrt(0.5 * (1.0 + axis[:, 2]))
    turned = [half, -0.5 * axis[:, 1] / half, 0.5 * axis[:, 0] / half, 0.0 * half]
    speeds = np.repeat(np.sqrt(size / GRAVITY)[:, None], 4, axis=1)
    first = np.hstack(
        [guess.at(t), guess.at(t, 1), np.transpose(turned), np.zeros((nodes, 3)), speeds]
    )
    free = np.full(17 * nodes, np.inf)
    solver = ca.nlpsol(
        "lap",
        "ipopt",
        {
            "x": ca.vertcat(ca.vec(states), ca.vec(commands), ca.vec(times)),
            "f": ca.sum2(times),
            "g": ca.vertcat(*bound),
        },
        {
            "ipopt.tol": 1e-5,
            "ipopt.mu_strategy": "adaptive",
            "ipopt.print_level": 0,
            "print_time": 0,
        },
    )
    found = solver(
        x0=np.concatenate([first.ravel(), speeds.ravel(), guess.durations]),
        lbx=np.concatenate([-free, np.full(4 * nodes, BOUNDS[0]), np.full(n, 0.1)]),
        ubx=np.concatenate([free, np.full(4 * nodes, BOUNDS[1]), np.full(n, 3.0)]),
        lbg=np.concatenate(low),
        ubg=np.concatenate(high),
    )
    if not solver.stats()["success"]:
        raise RuntimeError(f"no lap was found: {solver.stats()['return_status']}")
    all_ = np.array(found["x"]).ravel()
    return all_[: 17 * nodes].reshape(nodes, 17), all_[17 * nodes : -n].reshape(nodes, 4), all_[-n:]


def main() -> None:
    """Find the laps of the tracks that ship and write them."""
    laps = {}
    for track in names():
        states, commands, times = optimal_lap(build_track(track))
        print(f"{track}: {times.sum():.4f} s")
        laps |= {f"{track}_states": states, f"{track}_commands": commands, f"{track}_times": times}
    np.savez_compressed(FILE, **laps)


if __name__ == "__main__":
    main()
