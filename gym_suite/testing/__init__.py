"""The conformance suite, for families and controllers of this package and of others.

Every check is a small function whose name and first line say what is promised; it returns nothing or raises
AssertionError. Run all that apply::

    from gym_suite.testing import check_controller, check_env_id
    check_env_id("gem/PMSM-v0", noise=0.01)
    check_controller("gem/PMSM-v0", "pi")

or one by one, as test cases of your own::

    @pytest.mark.parametrize("check", ENV_CHECKS, ids=lambda check: check.__name__)
    def test_my_env(check):
        check("my/Env-v0")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gym_suite.core.family import Setup
from gym_suite.registration import card
from gym_suite.testing import (
    controller_checks,
    env_checks,
    input_checks,
    parallel_checks,
    vector_checks,
)
from gym_suite.testing.controller_checks import is_reference, returns_of
from gym_suite.testing.subjects import Subject, assert_same, random_actions, setup_of

Check = Callable[..., None]

#: ``check(setup)`` or ``check(id, **keywords)``.
FAMILY_CHECKS: tuple[Check, ...] = (
    *env_checks.GENERAL,
    *vector_checks.GENERAL,
    *input_checks.GENERAL,
)
#: ``check(id, **keywords)``.
ENV_CHECKS: tuple[Check, ...] = (*FAMILY_CHECKS, *env_checks.BY_ID, *input_checks.BY_ID)
#: Those of :data:`ENV_CHECKS` that ids of one kernel path can keep or break apart from each other.
LIGHT_CHECKS: tuple[Check, ...] = (
    env_checks.check_gymnasium_contract,
    env_checks.check_spec_round_trip,
    env_checks.check_resolved_keywords,
    env_checks.check_pickle_and_deepcopy,
    env_checks.check_seeds,
    env_checks.check_observations,
    env_checks.check_observation_scale,
    env_checks.check_reward_terms,
    env_checks.check_info_is_state,
    env_checks.check_rendering,
    vector_checks.check_single_equals_native,
)
#: ``check(setup)`` or ``check(id, **keywords)``, for several agents.
PARALLEL_CHECKS: tuple[Check, ...] = parallel_checks.PARALLEL
#: ``check(id, name, **keywords)``, for every controller.
CONTROLLER_CHECKS: tuple[Check, ...] = controller_checks.PROTOCOL
#: ``check(id, name, **keywords)``, for the reference controller.
REFERENCE_CHECKS: tuple[Check, ...] = controller_checks.REFERENCE

__all__ = [
    "CONTROLLER_CHECKS",
    "ENV_CHECKS",
    "FAMILY_CHECKS",
    "LIGHT_CHECKS",
    "PARALLEL_CHECKS",
    "REFERENCE_CHECKS",
    "assert_same",
    "check_controller",
    "check_env_id",
    "check_family",
    "checks_for",
    "kernel_path",
    "random_actions",
    "returns_of",
]


def checks_for(subject: Subject, **keywords: Any) -> tuple[Check, ...]:
    """Return the checks that apply to an id or a setup.

    Args:
        subject: A registered id, or a setup.
        **keywords: Keyword arguments of the id.

    Raises:
        ValueError: If there is no such id, naming the nearest.
    """
    several = PARALLEL_CHECKS if setup_of(subject, **keywords).agents else ()
    if isinstance(subject, Setup):
        return FAMILY_CHECKS + several
    return (ENV_CHECKS if card(subject).entry_point else ()) + several


def kernel_path(subject: Subject, **keywords: Any) -> tuple[Any, ...]:
    """Return what decides which code an environment runs: ids with the same answer share their heavy checks.

    Args:
        subject: A registered id, or a setup.
        **keywords: Keyword arguments of the id.
    """
    setup = setup_of(subject, **keywords)
    step = setup.kernels.step
    return (
        f"{step.__module__}.{step.__qualname__}",
        bool(setup.agents),
        setup.engine is not None,
        setup.actions is not None,
        tuple(image.name for image in setup.images),
        setup.horizon is not None,
    )


def check_env_id(id: str, **keywords: Any) -> None:
    """Run every check that applies to a registered id.

    Args:
        id: The id.
        **keywords: Keyword arguments with which it is made.

    Raises:
        AssertionError: For the first promise that is not kept.
        ValueError: If there is no such id, naming the nearest.
    """
    id = card(id).id
    for check in checks_for(id, **keywords):
        check(id, **keywords)


def check_family(setup: Setup) -> None:
    """Run every check that needs no registered id on a setup.

    Raises:
        AssertionError: For the first promise that is not kept.
    """
    for check in checks_for(setup):
        check(setup)


def check_controller(id: str, name: str, **keywords: Any) -> None:
    """Run every check of a controller; the reference one must also earn its place.

    Args:
        id: The environment's id.
        name: One of the id's controllers.
        **keywords: Keyword arguments with which the environment is made.

    Raises:
        AssertionError: For the first promise that is not kept.
        ValueError: If there is no such id, naming the nearest.
    """
    checks = CONTROLLER_CHECKS + (REFERENCE_CHECKS if is_reference(id, name) else ())
    for check in checks:
        check(id, name, **keywords)
