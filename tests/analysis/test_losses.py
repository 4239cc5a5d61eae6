"""Loss models: found again from maps that were made of them, and what is no map refused."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gym_suite.analysis import fit_losses
from gym_suite.analysis.losses import TERMS

TORQUE, SPEED = (
    grid.ravel() for grid in np.meshgrid(np.linspace(5, 80, 8), np.linspace(50, 600, 9))
)
TRUTH = {
    "standing": 120.0,
    "conduction": 6.0,
    "copper": 0.5,
    "hysteresis": 0.4,
    "eddy": 1.5e-3,
    "loaded_iron": 0.02,
    "weakening": 2e-7,
}


def losses(t, w, c):
    """Written anew."""
    return (
        c["standing"]
        + c["conduction"] * t
        + c["copper"] * t**2
        + c["hysteresis"] * w
        + c["eddy"] * w**2
        + c["loaded_iron"] * t * w
        + c["weakening"] * (t * w) ** 2
    )


def made(truth=TRUTH):
    power = TORQUE * SPEED
    return power / (power + losses(TORQUE, SPEED, truth))


def test_a_map_of_the_model_is_the_model():
    model = fit_losses(TORQUE, SPEED, made())
    assert dict(model.coefficients) == pytest.approx(TRUTH, rel=1e-5)
    assert model.rms < 1e-9 and model.held_out < 1e-9
    assert model.losses(-30.0, 200.0) == pytest.approx(losses(30.0, 200.0, TRUTH))
    assert model.efficiency(-30.0, 200.0) == 0.0 and model.efficiency(0.0, 0.0) == 0.0
    assert all(name in str(model) for name in TERMS)


def test_the_efficiency_is_what_is_fitted():
    """SciPy's general minimiser finds no smaller error of the efficiency."""
    rng = np.random.default_rng(2)
    seen = np.clip(made() + 0.01 * rng.standard_normal(len(TORQUE)), 0.05, 0.99)
    model = fit_losses(TORQUE, SPEED, seen)
    power = TORQUE * SPEED
    scale = np.array(list(TRUTH.values()))

    def error(x):
        told = losses(TORQUE, SPEED, dict(zip(TRUTH, x * scale, strict=True)))
        return 1e4 * np.mean((power / (power + told) - seen) ** 2)

    start = np.array(list(model.coefficients.values())) / scale
    found = minimize(error, start, bounds=[(0.0, None)] * 7, method="L-BFGS-B")
    assert error(start) <= found.fun * (1.0 + 1e-3)
    assert min(model.coefficients.values()) >= 0.0
    assert model.held_out > model.rms


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"efficiency": 100.0 * made()}, "per cent"),
        ({"torque": TORQUE - 5.0}, r"torque\[0\] is 0; .* gives power"),
        ({"speed": SPEED[:-1]}, "as many torques"),
        ({"speed": np.full(len(SPEED), 100.0)}, "at 1 speeds are too few"),
        ({"efficiency": np.where(TORQUE > 70.0, np.nan, made())}, r"efficiency\[7\] is nan"),
    ],
)
def test_what_is_no_map_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_losses(**{"torque": TORQUE, "speed": SPEED, "efficiency": made()} | change)
