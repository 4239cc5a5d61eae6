"""Open-loop flight against recorded runs of the peer, SciPy, closed forms and the other engine."""

from pathlib import Path

import numpy as np
import pytest

from gym_suite.drones import parameters as pm
from gym_suite.drones import simulate

DATA = Path(__file__).parent / "data"
ALL = ("ground", "drag", "downwash")
RECORDED = {
    "openloop_cf2x_pyb": (),
    "openloop_cf2x_pyb_tilted": (),
    "openloop_cf2x_pyb_gnd_drag_dw_stack3": ALL,
    "circle_cf2x_pyb_velff": (),
}
DT = 1 / 240
ENGINES = ("compiled", pytest.param("bullet", marks=pytest.mark.bullet))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_flights_are_met(name, engine):
    run = np.load(DATA / f"{name}.npz")
    held = 5 if name.startswith("circle") else 1  # recorded at 48 Hz
    rpm = np.repeat(run["rpm"], held, axis=0)[:1200]
    start = run["start"]
    got = simulate(
        "CF2X",
        rpm,
        engine=engine,
        model="bullet-parity",
        aerodynamics=RECORDED[name],
        position=start[:, :3],
        quaternion=start[:, 3:7],
        velocity=start[:, 7:10],
        angular_velocity=start[:, 10:],
    )
    position = got["position"][::held]
    np.testing.assert_allclose(position, run["pos"][: len(position)], rtol=0, atol=1e-6)


def commands(steps, drones=1):
    t = np.arange(steps) * DT
    rpm = np.empty((steps, drones, 4))
    for j in range(drones):
        up = 800 * np.sin(2 * np.pi * 0.7 * t + j)
        roll = 60 * np.sin(2 * np.pi * 1.3 * t + 0.3 * j)
        pitch = 60 * np.sin(2 * np.pi * 1.1 * t + j)
        yaw = 100 * np.sin(2 * np.pi * 0.5 * t)
        parts = [up - roll - pitch - yaw, up - roll + pitch + yaw]
        parts += [up + roll + pitch - yaw, up + roll - pitch + yaw]
        rpm[:, j] = 14475 + np.stack(parts, axis=1)
    return rpm


TILTED = np.array([0.2, -0.1, 0.3, 0.9]) / np.linalg.norm([0.2, -0.1, 0.3, 0.9])


@pytest.mark.bullet
def test_engines_agree_on_the_identified_model():
    start = {
        "position": [[0, 0, 200], [3, 0, 201]],
        "quaternion": [TILTED, [0, 0, 0, 1]],
        "velocity": [[1, -1, 0.5], [0, 2, 0]],
    }
    rpm = commands(1200, 2)
    bullet = simulate("cf2x", rpm, engine="bullet", **start)
    compiled = simulate("cf2x", rpm, engine="compiled", **start)
    assert np.ptp(bullet["position"][:, 0], axis=0).max() > 5.0  # it flew somewhere
    np.testing.assert_allclose(compiled["position"], bullet["position"], rtol=0, atol=1e-3)


def scipy_flight(vehicle, model, rpm, position, velocity):
    """Integrate Newton's and Euler's equations with drag and motor lag, written down anew."""
    from scipy.integrate import solve_ivp
    from scipy.spatial.transform import Rotation

    inertia = np.diag([vehicle.i_xx, vehicle.i_yy, vehicle.i_zz])
    places = np.array([[1, -1], [-1, -1], [-1, 1], [1, 1]]) * vehicle.lever
    spins = np.array([-1, 1, -1, 1])
    drag = np.diag([vehicle.drag_xy, vehicle.drag_xy, vehicle.drag_z])

    def slope(_, y, command):
        q, v, w, n = y[3:7], y[7:10], y[10:13], y[13:]
        r = Rotation.from_quat(q).as_matrix()
        f = vehicle.k_f * n**2
        force = r @ [0, 0, f.sum()] - r @ drag @ r.T @ v * n.sum() * 2 * np.pi / 60
        torque = np.array([places[:, 1] @ f, -places[:, 0] @ f, model.yaw_ratio * (spins @ f)])
        body = r.T @ w
        alpha = np.linalg.solve(inertia, torque - np.cross(body, inertia @ body))
        turning = 0.5 * np.append(w * q[3] + np.cross(w, q[:3]), -w @ q[:3])
        gravity = [0, 0, -model.gravity]
        lagged = (command - n) / model.motor_lag
        return np.concatenate([v, turning, force / vehicle.mass + gravity, r @ alpha, lagged])

    y = np.concatenate([position, TILTED, velocity, np.zeros(3), rpm[0]])
    states = [y]
    for command in rpm:
        y = solve_ivp(
            slope, (0, DT), y, method="DOP853", rtol=1e-12, atol=1e-13, args=(command,)
        ).y[:, -1]
        states.append(y)
    return np.array(states)


def test_runge_kutta_against_scipy_and_the_default_scheme_is_of_first_order():
    rpm = commands(240)
    start = {"position": [0, 0, 60], "quaternion": TILTED, "velocity": [1, -1, 0.5]}
    exact = scipy_flight(
        pm.VEHICLES["cf2x"], pm.MODELS["identified"], rpm[:, 0], [0, 0, 60], [1, -1, 0.5]
    )
    keywords = {"engine": "compiled", "aerodynamics": ("drag",), **start}
    fine = simulate("cf2x", rpm, integrator="rk4", **keywords)
    for name, columns in (("position", slice(0, 3)), ("velocity", slice(7, 10))):
        scale = np.abs(exact[:, columns]).max()
        assert np.abs(fine[name][:, 0] - exact[:, columns]).max() < 1e-8 * scale
    errors = [
        np.abs(simulate("cf2x", rpm, substeps=s, **keywords)["position"][:, 0] - exact[:, :3]).max()
        for s in (1, 2, 4)
    ]
    ratios = np.array(errors[:-1]) / errors[1:]
    np.testing.assert_allclose(ratios, 2.0, rtol=0.1)


def test_angular_momentum_is_kept_without_torque():
    from scipy.spatial.transform import Rotation

    run = simulate(
        {"i_xx": 1e-5, "i_yy": 1.5e-5, "i_zz": 2.17e-5},
        np.zeros((1200, 1, 4)),
        engine="compiled",
        integrator="rk4",
        position=[0, 0, 500],
        quaternion=TILTED,
        angular_velocity=[3, 8, -5],
    )
    r = Rotation.from_quat(run["quaternion"][:, 0])
    momentum = r.apply(
        r.apply(run["angular_velocity"][:, 0], inverse=True) * [1e-5, 1.5e-5, 2.17e-5]
    )
    size = np.linalg.norm(momentum[0])
    np.testing.assert_allclose(momentum, np.tile(momentum[0], (1201, 1)), atol=1e-6 * size, rtol=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rate", [20.0, 500.0])
def test_turning_freely_gains_no_energy_whatever_the_inertia(engine, rate):
    from scipy.spatial.transform import Rotation

    inertia = np.array([1e-5, 1.5e-5, 2.17e-5])
    run = simulate(
        dict(zip(("i_xx", "i_yy", "i_zz"), inertia, strict=True)),
        np.zeros((480, 1, 4)),
        engine=engine,
        aerodynamics=(),
        position=[0, 0, 5000],
        quaternion=TILTED,
        angular_velocity=np.array([0.3, 0.8, -0.5]) * rate,
    )
    attitude = Rotation.from_quat(run["quaternion"][:, 0])
    body = attitude.apply(run["angular_velocity"][:, 0], inverse=True)
    energy = (body**2 * inertia).sum(axis=1)
    np.testing.assert_allclose(energy, energy[0], rtol=1e-9)
    assert np.ptp(body, axis=0).max() > rate  # it tumbles


def test_an_uneven_body_turns_as_euler_says():
    """Euler's equations at tight tolerance, torque-free, at rates of ordinary flight."""
    from scipy.integrate import solve_ivp
    from scipy.spatial.transform import Rotation

    inertia = np.array([1.2e-5, 1.6e-5, 2.4e-5])
    start = np.array([6.0, -9.0, 4.0])
    exact = solve_ivp(
        lambda _, w: -np.cross(w, inertia * w) / inertia,
        (0, 1),
        start,
        method="DOP853",
        rtol=1e-12,
        atol=1e-12,
    ).y[:, -1]
    errors = []
    for per_step in (1, 2, 4):
        run = simulate(
            dict(zip(("i_xx", "i_yy", "i_zz"), inertia, strict=True)),
            np.zeros((240, 1, 4)),
            engine="compiled",
            aerodynamics=(),
            substeps=per_step,
            position=[0, 0, 5000],
            quaternion=[0, 0, 0, 1],
            angular_velocity=start,
        )
        body = Rotation.from_quat(run["quaternion"][-1, 0]).apply(
            run["angular_velocity"][-1, 0], inverse=True
        )
        errors.append(np.abs(body - exact).max())
    assert errors[0] < 2e-3
    np.testing.assert_allclose(np.array(errors[:-1]) / errors[1:], 4.0, rtol=0.1)  # second order


def test_a_lying_drone_is_held_until_something_moves_it():
    """Below its weight and with a torque that the floor takes it stays to the bit; above it leaves as ever."""
    lying = {"engine": "compiled", "position": [0, 0, 0.0124], "quaternion": [0, 0, 0, 1]}
    idle = np.full((480, 4), 9000.0)
    idle[:, ::2] += 200.0  # turns about z, held by friction
    still = simulate("cf2x", idle, **lying)
    assert np.ptp(still["position"][240:, 0], axis=0).max() == 0.0
    assert np.ptp(still["quaternion"][240:, 0], axis=0).max() == 0.0
    leaving = simulate("cf2x", np.full((240, 4), 15_500.0), **lying)
    height = leaving["position"][:, 0, 2] - 0.0124
    assert height[-1] > 0.2
    one_sided = np.tile(
        [20_000.0, 0.0, 0.0, 20_000.0], (240, 1)
    )  # the front lifts, the back does not
    tipped = simulate("cf2x", one_sided, **lying)
    assert tipped["position"][:, 0, 2].max() > 0.02


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dropped_drone_comes_to_rest_on_the_floor(engine):
    run = simulate(
        "cf2x",
        np.zeros((240 * 64, 1, 4)),
        engine=engine,
        position=[0, 0, 0.5],
        quaternion=[0.1, 0.05, 0.2, 0.97],
        velocity=[0.3, 0.1, 0],
    )
    resting = run["position"][960:, 0]
    assert np.abs(resting - resting[0]).max() < 1e-3
    assert resting[-1, 2] == pytest.approx(0.0125, abs=1e-3)  # half its height


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_tunnels_through_the_floor(engine):
    run = simulate(
        "cf2x",
        np.zeros((300, 1, 4)),
        engine=engine,
        position=[0, 0, 3],
        quaternion=[0.1, 0.05, 0.2, 0.97],
        velocity=[0, 0, -30],
    )
    assert (run["position"][264:, 0, 2] > 0.0).all()  # a second after the impact


@pytest.mark.parametrize("engine", ENGINES)
def test_colliding_drones_conserve_momentum(engine):
    run = simulate(
        "cf2x",
        np.zeros((240, 2, 4)),
        engine=engine,
        model={"gravity": 0.0},
        aerodynamics=(),
        position=[[0, 0, 3], [0.3, 0.01, 3.004]],
        quaternion=[[0, 0, 0, 1]] * 2,
        velocity=[[1, 0, 0], [-0.5, 0, 0]],
    )
    velocity = run["velocity"]
    assert velocity[-1, 0, 0] < 0.5  # they met
    np.testing.assert_allclose(velocity.sum(axis=1), [[0.5, 0, 0]] * 241, atol=1e-9)


def test_many_drones_near_one_another_fly_as_alone_until_they_touch():
    rng = np.random.default_rng(0)
    position = np.array([0.0, 0.0, 10.0]) + rng.uniform(0, 4, (200, 3))
    rpm = 14475 + rng.normal(0, 20, (60, 200, 4))
    keywords = {"engine": "compiled", "aerodynamics": ()}
    together = simulate("cf2x", rpm, position=position, quaternion=[[0, 0, 0, 1]] * 200, **keywords)
    apart = np.linalg.norm(position[:, None] - position[None], axis=-1) + 9 * np.eye(200)
    free = np.flatnonzero(apart.min(axis=1) > 0.25)
    assert 0 < len(free) < 200
    for j in free[:5]:
        alone = simulate(
            "cf2x", rpm[:, j], position=position[j], quaternion=[0, 0, 0, 1], **keywords
        )
        np.testing.assert_array_equal(together["position"][:, j], alone["position"][:, 0])


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"vehicle": "cf2z"}, "cf2"),
        ({"vehicle": {"mass": -1.0}}, "Vehicle.mass must be greater than 0"),
        ({"vehicle": {"i_zz": 1.0}}, "rigid body"),
        ({"vehicle": {"mass": 1e-9}}, r"Vehicle.mass must lie in \[0.001, 1000\], got 1e-09"),
        ({"model": {"contact_sink": 1e-9}}, "Model.contact_sink must lie in"),
        ({"model": "bullet_parity"}, "bullet-parity"),
        ({"engine": "bulet"}, "'bullet'"),
        ({"aerodynamics": ("downwsh",)}, "'downwash'"),
        ({"quaternion": [0, 0, 0, 0]}, "quaternion 0 is zero"),
        ({"position": [0, 0, np.nan]}, "position must be finite"),
        ({"position": [[0, 0, 1]] * 2}, "position must have shape"),
        ({"rpm": np.zeros((3, 3))}, "rpm must have shape"),
        ({"rpm": np.full((3, 1, 4), -1.0)}, "must be finite and >= 0"),
        ({"dt": 0.0}, "dt must be greater than 0"),
        ({"integrator": "rk4", "model": "bullet-parity"}, "integrator='rk4'"),
    ],
)
def test_bad_input_is_named(keywords, message):
    given = {"vehicle": "cf2x", "rpm": np.zeros((3, 1, 4)), "engine": "compiled"}
    given |= {"position": [0, 0, 1], "quaternion": [0, 0, 0, 1]}
    given |= keywords
    with pytest.raises(ValueError, match=message):
        simulate(given.pop("vehicle"), given.pop("rpm"), **given)


def test_without_pybullet_the_error_names_the_way_out(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pybullet", None)
    with pytest.raises(ImportError, match=r"pip install .*\[bullet\].*engine='compiled'"):
        simulate("cf2x", np.zeros((3, 4)), position=[0, 0, 1], quaternion=[0, 0, 0, 1])


@pytest.mark.bullet
@pytest.mark.parametrize("rate", [100.0, 187.0, 190.0, 500.0])
def test_engines_agree_however_fast_a_drone_spins(rate):
    start = {"position": [0, 0, 50], "quaternion": TILTED, "angular_velocity": [rate, 0, 0]}
    bullet, compiled = (
        simulate("cf2x", np.zeros((60, 4)), engine=engine, **start)["quaternion"][:, 0]
        for engine in ("bullet", "compiled")
    )
    # q and -q are the same attitude
    np.testing.assert_allclose(np.abs((bullet * compiled).sum(axis=1)), 1.0, rtol=0, atol=1e-9)
