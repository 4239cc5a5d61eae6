"""Tests that fly in Bullet are skipped where PyBullet has no wheel."""

import importlib.util

import pytest


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("pybullet") is None:
        skip = pytest.mark.skip(reason="PyBullet is not installed")
        for item in items:
            if item.get_closest_marker("bullet"):
                item.add_marker(skip)
