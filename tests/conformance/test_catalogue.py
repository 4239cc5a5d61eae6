"""Every id of the catalogue, and every controller of each, keeps the promises of the conformance suite.

All checks run once a kernel path (kernels, agents, engine, kind of action); ids that share one run those that could
differ from id to id. A controller is checked once for each kernel path that it meets.
"""

from importlib.util import find_spec

import pytest

import gym_suite.testing as suite
from gym_suite.registration import catalogue

IDS = tuple(catalogue())
BULLET = pytest.mark.skipif(find_spec("pybullet") is None, reason="PyBullet is not installed")
CAMERAS = {"observation": ("state", "rgb", "depth", "segmentation"), "image_size": (40, 36)}


def cases(rows):
    for *subject, check in rows:
        label = "-".join((*subject, check.__name__))
        yield pytest.param(*subject, check, id=label)


# Keywords under which an id runs on every machine, by ids whose defaults need an extra.
ANYWHERE = {id: dict(card.anywhere) for id, card in catalogue().items()}
PATHS = {id: suite.kernel_path(id, **ANYWHERE[id]) for id in IDS}


def environment_rows():
    seen = set()
    for id in IDS:
        heavy = PATHS[id] not in seen
        seen.add(PATHS[id])
        yield from (
            (id, check)
            for check in suite.checks_for(id, **ANYWHERE[id])
            if heavy or check in suite.LIGHT_CHECKS
        )


def controller_rows():
    seen = set()
    for id in (id for id in IDS if catalogue()[id].entry_point):
        laws = catalogue()[id].controllers
        for name, law in laws.items():
            if (law, PATHS[id]) not in seen:
                seen.add((law, PATHS[id]))
                yield from ((id, name, check) for check in suite.CONTROLLER_CHECKS)
        yield from ((id, next(iter(laws)), check) for check in suite.REFERENCE_CHECKS)


@pytest.mark.parametrize(("id", "check"), list(cases(environment_rows())))
def test_environment(id, check):
    check(id, **ANYWHERE[id])


@pytest.mark.parametrize(("id", "name", "check"), list(cases(controller_rows())))
def test_controller(id, name, check):
    check(id, name, **ANYWHERE[id])


@pytest.mark.parametrize(
    ("id", "keywords"),
    [
        ("gem/PMSM-v0", {"noise": 0.01, "mismatch": 0.2, "delay": 2}),
        ("gem/PMSM-v0", {"frame": "abc", "preview": 2, "dead_time": False, "substeps": 2}),
        ("gem/PMSM-v0", {"machine": "HSM16.17.12-C01", "load": "polynomial_static"}),
        ("gem/PMSM-v0", {"weights": {"effort": 0.1, "smoothness": 0.2}, "error_exponent": 1.0}),
        ("gem/PMSM-Speed-v0", {"reference": {"omega": {"kind": "random_walk", "amplitude": 40.0}}}),
        ("gem/PMSM-DriveCycle-v0", {"control": "voltage", "window": 30.0, "preview": 1}),
        pytest.param("drones/Hover-v0", CAMERAS, marks=BULLET),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
@pytest.mark.parametrize("check", suite.FAMILY_CHECKS, ids=lambda check: check.__name__)
def test_variants(id, keywords, check):
    check(id, **keywords)


@BULLET
@pytest.mark.parametrize("observation", ["segmentation", ("state", "rgb", "depth")], ids=str)
@pytest.mark.parametrize("check", suite.PARALLEL_CHECKS, ids=lambda check: check.__name__)
def test_several_agents_with_pictures(observation, check):
    check("drones/MultiHover-v0", observation=observation, image_size=(8, 6))
