"""Parameters of a plant from a user's own log."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

from gym_suite.core.parameters import check_keywords, check_option
from gym_suite.registration import IDENTIFICATIONS, load


def identify(log: str | Path, family: str, **keywords: Any) -> Any:
    """Return a family's parameters that explain a log of real hardware, with intervals.

    Args:
        log: The log; each family says which columns it reads, see its page.
        family: The family whose model is fitted.
        keywords: What the family's own function takes, such as a known mass.

    Returns:
        The family's result: values with intervals, errors of prediction before and after, and a file to save.

    Raises:
        ValueError: For a family that identifies nothing or a keyword that it does not take, naming those that there
            are, or a log that cannot be used.
    """
    check_option("family", family, IDENTIFICATIONS)
    find = load(IDENTIFICATIONS[family])
    taken = list(signature(find).parameters)[1:]
    check_keywords(keywords, taken, f"keyword of the identification of {family}")
    return find(log, **keywords)
