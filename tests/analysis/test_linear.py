"""Operating points and linear models against closed forms, SciPy and python-control."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import signal

from gym_suite.analysis import linearize, operating_point, step_response, zero_order_hold


def motor_matrices(row, i, omega, i_e):
    r, ind, m, j, friction = row
    a = [[-r / ind, -m * i_e / ind, 0], [m * i_e / j, -friction / j, 0], [0, 1, 0]]
    b = [[1 / ind, -m * omega / ind, 0], [0, m * i / j, -1 / j], [0, 0, 0]]
    c = [[0, 1, 0], [m * i_e, 0, 0]]
    d = [[0, 0, 0], [0, m * i, 0]]
    return [np.array(matrix, dtype=float) for matrix in (a, b, c, d)]


def assert_close(got, wanted, rtol=1e-9):
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol * max(np.abs(wanted).max(), 1e-3))


def test_oscillator_matrices_poles_and_damping(oscillator):
    model = linearize(oscillator)
    assert_close(model.A, [[0, 1], [-25, -0.4]])
    assert_close(model.B, [[0], [0.5]])
    assert_close(model.C, [[1, 0], [50, 0]])
    assert_close(model.D, np.zeros((2, 1)))
    slow, fast = model.damping()
    assert slow.frequency == fast.frequency == pytest.approx(5.0)
    assert slow.damping == pytest.approx(0.04)
    assert slow.time_constant == pytest.approx(5.0)
    assert_close(np.sort_complex(model.poles()), np.sort_complex(np.roots([1, 0.4, 25])))
    assert_close(np.abs(model.poles(discrete=True)), np.exp(-0.2 * 0.01))
    assert_close(model.dc_gain(), [[0.02], [1.0]])


def test_bilinear_matrices_follow_the_point(motor):
    for i, omega, i_e in ((0.0, 0.0, 0.0), (50.0, -120.0, 3.0), (-7.0, 300.0, 9.0)):
        model = linearize(motor, {"i": i, "omega": omega}, {"i_e": i_e, "u": 12.0})
        wanted = motor_matrices(motor.row, i, omega, i_e)
        for got, matrix in zip((model.A, model.B, model.C, model.D), wanted, strict=True):
            assert_close(got, matrix)


def test_zero_order_hold_equals_scipy(oscillator, motor):
    models = [linearize(oscillator), linearize(motor, {"omega": 90.0, "i": 20.0}, {"i_e": 4.0})]
    for model in models:
        system = (model.A, model.B, model.C, model.D)
        a, b, *_ = signal.cont2discrete(system, model.dt, method="zoh")
        assert_close(model.Ad, a, rtol=1e-12)
        assert_close(model.Bd, b, rtol=1e-12)


def test_zero_order_hold_of_an_integrator():
    a, b = zero_order_hold(np.zeros((1, 1)), np.ones((1, 1)), 0.25)
    assert (a[0, 0], b[0, 0]) == pytest.approx((1.0, 0.25))


def test_operating_point_by_inputs(motor):
    point = operating_point(
        motor,
        inputs={"u": 24.0, "i_e": 5.0, "load": 2.0},
        states={"epsilon": 0.0},
        moving=["epsilon"],
    )
    r, _, m, _, friction = motor.row
    # u = r i + m i_e omega, m i_e i = friction omega + load
    wanted = np.linalg.solve([[r, m * 5.0], [m * 5.0, -friction]], [24.0, 2.0])
    assert_close(point.x[:2], wanted)
    assert point.as_dict()["torque"] == pytest.approx(m * 5.0 * wanted[0])
    np.testing.assert_allclose(linearize(motor, point).drift[:2], 0.0, atol=1e-9)


def test_operating_point_by_states_and_outputs(motor):
    point = operating_point(
        motor,
        states={"omega": 100.0, "epsilon": 0.0},
        inputs={"i_e": 6.0},
        outputs={"torque": 9.0},
        moving=["epsilon"],
    )
    r, _, m, _, friction = motor.row
    i = 9.0 / (m * 6.0)
    assert point.as_dict()["i"] == pytest.approx(i)
    assert point.as_dict()["u"] == pytest.approx(r * i + m * 6.0 * 100.0)
    assert point.as_dict()["load"] == pytest.approx(9.0 - friction * 100.0)


def test_operating_point_of_the_bilinear_kind_needs_a_solver(motor):
    # Wanted torque and speed with u given: i_e and i are unknown and multiply each other.
    point = operating_point(
        motor,
        states={"omega": 100.0, "epsilon": 0.0},
        inputs={"u": 40.0},
        outputs={"torque": 10.0},
        moving=["epsilon"],
        guess={"i_e": 10.0},
    )
    values = point.as_dict()
    r, _, m, *_ = motor.row
    assert m * values["i_e"] * values["i"] == pytest.approx(10.0)
    assert r * values["i"] + m * values["i_e"] * 100.0 == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        # 400 rad/s at full field needs over 60 V
        ({"states": {"omega": 400.0, "epsilon": 0.0}, "inputs": {"i_e": 10.0, "load": 0.0}}, "u"),
        # a turning shaft with nothing said about its angle
        ({"states": {"omega": 10.0}, "moving": ()}, "epsilon"),
        # everything fixed and contradictory
        (
            {
                "states": {"i": 1.0, "omega": 0.0, "epsilon": 0.0},
                "inputs": {"u": 0.0, "i_e": 0.0, "load": 0.0},
            },
            r"d\(i\)/dt",
        ),
    ],
)
def test_an_infeasible_point_is_refused(motor, arguments, message):
    arguments = {"moving": ["epsilon"]} | arguments
    with pytest.raises(ValueError, match=f"no operating point.*{message}"):
        operating_point(motor, **arguments)


def test_bounds_can_be_given(motor):
    point = operating_point(
        motor,
        states={"omega": 400.0, "epsilon": 0.0},
        inputs={"i_e": 10.0, "load": 0.0},
        moving=["epsilon"],
        bounds={"u": (-600.0, 600.0)},
    )
    assert point.as_dict()["u"] > 120.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda n: linearize(n, {"postion": 1.0}), ValueError, "'position'"),
        (lambda n: linearize(n, u0={"forc": 1.0}), ValueError, "'force'"),
        (lambda n: linearize(n, np.zeros(3)), ValueError, "shape"),
        (lambda n: linearize(n, {"position": np.nan}), ValueError, "finite"),
        (lambda n: operating_point(n, states={"vel": 0.0}), ValueError, "'velocity'"),
        (lambda n: operating_point(n, inputs={"forc": 0.0}), ValueError, "'force'"),
        (lambda n: operating_point(n, outputs={"sprin": 0.0}), ValueError, "'spring'"),
        (lambda n: operating_point(n, moving=["sped"]), ValueError, "state"),
        (lambda n: operating_point(n, guess={"forc": 0.0}), ValueError, "'force'"),
        (lambda n: operating_point(n, bounds={"forc": (0.0, 1.0)}), ValueError, "'force'"),
        (lambda n: operating_point(n, bounds={"force": (1.0, 0.0)}), ValueError, "bounds"),
        (lambda n: operating_point(n, outputs={"spring": np.nan}), ValueError, "finite"),
        (lambda n: linearize(SimpleNamespace(plant=None, setup=None)), TypeError, "plant"),
        (lambda n: linearize(3), TypeError, "env"),
    ],
)
def test_bad_input_is_refused(oscillator, call, error, message):
    with pytest.raises(error, match=message):
        call(oscillator)


def test_env_unwrapped_and_nominal_give_the_same(oscillator):
    bare = SimpleNamespace(nominal=oscillator)
    for access in (bare, SimpleNamespace(unwrapped=bare)):
        np.testing.assert_array_equal(linearize(access).A, linearize(oscillator).A)


@pytest.mark.parametrize("discrete", [False, True])
def test_to_control_keeps_names_and_responds_alike(oscillator, discrete):
    control = pytest.importorskip("control")
    model = linearize(oscillator)
    system = model.to_control(discrete=discrete)
    assert system.input_labels == ["force"]
    assert system.output_labels == ["position", "spring"]
    assert system.state_labels == ["position", "velocity"]
    assert system.dt == (0.01 if discrete else 0)
    ours = step_response(model, duration=10.0, steps=1000)
    theirs = control.step_response(system, ours.time)
    np.testing.assert_allclose(ours.outputs.T, theirs.outputs[:, 0], atol=1e-9)


def test_to_control_without_python_control_names_the_extra(oscillator, monkeypatch):
    monkeypatch.setitem(sys.modules, "control", None)
    with pytest.raises(ImportError, match=r"pip install .*\[control\]"):
        linearize(oscillator).to_control()


def test_a_mode_is_told_with_its_units(oscillator):
    told = [str(mode) for mode in linearize(oscillator).damping()]
    assert all("rad/s, damping" in line and line.endswith(" s") for line in told)
