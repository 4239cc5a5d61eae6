"""Recordings of real electric drives: what the models say of them, with the figures that the pages quote."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from gym_suite.analysis import fit_losses, identify
from gym_suite.motors import losses

ROBOTINO = Path(__file__).with_name("robotino")
# Dunkermotoren GR 42x25, catalogue.
MOTOR = {"r_a": 5.95, "l_a": 8.9e-3, "psi_e": 0.0514}


def recording(name, motor, path):
    """Write one motor of a recording in the documented form; return set speed, speed and current."""
    with gzip.open(ROBOTINO / f"robotino_dc_steps_{name}.csv.gz", "rt") as file:
        table = np.genfromtxt(file, delimiter=",", names=True)
    columns = np.column_stack([table["t"] * 1e-3, table[f"m{motor}vel"], table[f"m{motor}cur"]])
    np.savetxt(path, columns, delimiter=",", header="t,omega,i", comments="")
    return table[f"m{motor}setvel"], *columns[:, 1:].T


PAGE = Path(__file__).parents[2] / "docs/validation/drives.md"


@pytest.mark.parametrize(
    ("motor", "coulomb", "viscous"),
    [(1, 0.176, 3.7e-4), (2, 0.143, 4.5e-4), (3, 0.165, 3.7e-4)],
)
def test_friction_of_the_robotino(motor, coulomb, viscous, tmp_path):
    """Fitted on one recording, judged on another: as currents, A and A s, with the catalogue's torque constant."""
    fitted, judged = tmp_path / "fitted.csv", tmp_path / "judged.csv"
    recording("p_control", motor, fitted)
    wanted, speed, current = recording("validation", motor, judged)
    result = identify(fitted, "motors", kind="PermExDc", machine=MOTOR, judge=judged)
    told = {name: np.array(value) / MOTOR["psi_e"] for name, value in result.values.items()}
    a, b = told["a"][0], told["b"][0]
    assert (a, b) == (pytest.approx(coulomb, abs=1e-3), pytest.approx(viscous, abs=1e-5))
    assert result.after["torque"] < 0.5 * result.before["torque"]
    assert result.after["torque"] / MOTOR["psi_e"] < 0.11  # A; a step of the sensor is 0.026 A
    # Mean currents over each step, found without the package: after 0.4 s, by when the speed stands.
    begins = np.flatnonzero(np.diff(wanted)) + 1
    errors = [
        np.abs(current[k + 13 : end]).mean() - a - b * np.abs(speed[k + 13 : end]).mean()
        for k, end in zip(begins, [*begins[1:], len(wanted)], strict=True)
        if wanted[k] != 0.0 and end - k > 60
    ]
    assert len(errors) == 5
    error = np.sqrt(np.mean(np.square(errors)))
    assert error < 0.012
    assert any("sign of the current" in sentence for sentence in result.assumed)
    cells = [
        f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in (told["a"], 1e3 * told["b"])
    ]
    assert f"| {motor} | {' | '.join(cells)} | {error:.4f} |" in PAGE.read_text("utf-8")


EFFICIENCY = Path(__file__).with_name("efficiency")


def efficiency_map(name):
    """Return torque (N m), speed (rad/s) and efficiency of the points within the drive's torque."""
    rows = [
        line.split(",")
        for line in (EFFICIENCY / f"{name}.csv").read_text().splitlines()
        if not line.startswith("#")
    ]
    torque, speed = np.array(rows[0][1:], float), np.array([row[0] for row in rows[1:]], float)
    table = np.array([row[1:] for row in rows[1:]], float)
    limit = np.loadtxt(EFFICIENCY / f"{name}_limit.csv", delimiter=",", skiprows=1)
    rpm, torques = np.meshgrid(speed, torque, indexing="ij")
    most = np.interp(rpm, limit[:, 0], limit[:, 1])
    inside = (rpm > 0.0) & (torques > 0.0) & (torques <= most + 1e-6)
    return torques[inside], rpm[inside] * np.pi / 30.0, table[inside]


@pytest.mark.parametrize(
    ("name", "drive", "points", "rms", "best"),
    [
        ("pm_siemens_33kW", "33 kW, permanent magnets", 74, 0.007, 0.891),
        ("im_westinghouse_75kW", "75 kW, induction machine", 53, 0.039, 0.92),
    ],
)
def test_losses_of_published_maps(name, drive, points, rms, best):
    """Below what is asked for, and with errors recomputed from the losses alone."""
    torque, speed, efficiency = efficiency_map(name)
    assert (len(torque), efficiency.max()) == (points, best)
    model = fit_losses(torque, speed, efficiency)
    assert model.rms < rms and model.points == points
    power = torque * speed
    errors = power / (power + model.losses(torque, speed)) - efficiency
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(model.rms)
    assert np.allclose(model.efficiency(torque, speed) - efficiency, errors)
    cells = f"{drive} | {points} | {model.rms:.4f} | {model.held_out:.4f} | {model.worst:.3f}"
    assert f"| {cells} |" in PAGE.read_text("utf-8")


def test_the_usual_losses_are_those_of_the_measured_drive():
    """Shares of its 33 kW at 70 N m and 4,500 rpm, and the threshold that its conduction loss amounts to at 130 V."""
    model = fit_losses(*efficiency_map("pm_siemens_33kW"))
    torque, speed = 70.0, 4500.0 * np.pi / 30.0
    power, terms = torque * speed, model.coefficients
    assert pytest.approx(terms["hysteresis"] * speed / power, abs=1e-4) == losses.HYSTERESIS_SHARE
    assert pytest.approx(terms["eddy"] * speed**2 / power, abs=1e-4) == losses.EDDY_SHARE
    taken = power + model.losses(torque, speed)
    current = taken / (1.5 * 130.0 / np.sqrt(3.0))
    threshold = terms["conduction"] * torque / (6.0 / np.pi * current)
    assert threshold == pytest.approx(losses.THRESHOLD, abs=0.05)
