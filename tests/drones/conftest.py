"""Tests that fly in Bullet are skipped where PyBullet has no wheel; those of a firmware's process take turns."""

import importlib.util
import tempfile
from pathlib import Path

import pytest

STAND_IN = Path(__file__).parent / "stand_in.py"


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("pybullet") is None:
        skip = pytest.mark.skip(reason="PyBullet is not installed")
        for item in items:
            if item.get_closest_marker("bullet"):
                item.add_marker(skip)


@pytest.fixture
def alone():
    """The firmware's ports are fixed, so tests that run in several processes take turns."""
    fcntl = pytest.importorskip("fcntl")
    path = Path(tempfile.gettempdir()) / "gym-suite-firmware-ports.lock"
    with path.open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """The stand-in needs no calibration; what it leaves would stand in this folder."""
    from gym_suite.drones import firmware

    for name, seconds in {"_WAKING": 0.4, "_STARTING": 4.0, "_RESTING": 0.2}.items():
        monkeypatch.setattr(firmware, name, seconds)
    monkeypatch.setattr(firmware.tempfile, "tempdir", str(tmp_path))
