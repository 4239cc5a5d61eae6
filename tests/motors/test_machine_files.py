"""Machines in a user's TOML file: used by environments, simulation and the shell, and refused with what is near."""

import gymnasium
import numpy as np
import pytest

from gym_suite import show
from gym_suite.motors import simulate

TEXT = """
kind = "SeriesDc"
r_a = 0.021        # Ohm
i_limit = 150.0    # A
i_nominal = 90
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_motor.toml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_is_a_machine_wherever_one_is_taken(file, as_text):
    given = str(file) if as_text else file
    env = gymnasium.make("gem/SeriesDc-Torque-v0", machine=given)
    p = env.unwrapped.nominal.parameters
    assert (p["r_a"], p["i_limit"], p["i_nominal"], p["r_e"]) == (0.021, 150.0, 90.0, 0.048)
    one = simulate(given, np.ones((20, 1)), tau=1e-4)
    two = simulate(
        {"kind": "SeriesDc", "r_a": 0.021, "i_limit": 150.0, "i_nominal": 90.0},
        np.ones((20, 1)),
        tau=1e-4,
    )
    assert np.array_equal(one["i"], two["i"])
    # What is recorded of an environment holds the numbers, so that it outlives the file.
    again = gymnasium.make("gem/SeriesDc-Torque-v0", **env.unwrapped.setup.keywords)
    assert dict(again.unwrapped.nominal.parameters) == dict(p)


def test_show_prints_it_back_with_the_gains_that_follow(file):
    page = show.page_of("gem/SeriesDc-v0", {"machine": str(file)}).markdown()
    assert "| r_a" in page.replace("`", "") and "0.021" in page and "user" in page
    # Magnitude optimum: kp = L / (2 * 1.5 tau), ki = kp R / L.
    kp = (19e-6 + 5.4e-3) / 3e-4
    assert f"{kp:.6g}" in page
    assert f"{(0.021 + 0.048) / 3e-4:.6g}" in page


def test_a_base_in_a_file(tmp_path):
    path = tmp_path / "hot.toml"
    path.write_text('base = "RE40-148867"\nr_a = 0.4\n')
    p = gymnasium.make("gem/PermExDc-v0", machine=str(path)).unwrapped.nominal.parameters
    assert (p["r_a"], p["psi_e"]) == (0.4, 30.2e-3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r_a = ", "is no TOML"),
        ('kind = "SeriesDc"\nr_a = "0.02"', "r_a must be a number"),
        ("kind = 3", "kind must be a name"),
        ('kind = "SeriesDc"\nra = 0.02', "'r_a'"),
        ('kind = "SerieDc"', "'SeriesDc'"),
        ('kind = "ShuntDc"', "must be of kind SeriesDc"),
        ('kind = "SeriesDc"\nr_a = -1.0', "r_a must be at least 0"),
        ("[machine]\nr_a = 0.02", "machine must be a number"),
    ],
)
def test_a_file_that_is_no_such_machine_is_refused(tmp_path, text, message):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        gymnasium.make("gem/SeriesDc-v0", machine=str(path))


def test_a_file_that_is_not_there_names_the_nearest(file):
    with pytest.raises(ValueError, match=r"my_motor\.toml"):
        gymnasium.make("gem/SeriesDc-v0", machine=str(file.with_name("my_moter.toml")))
