"""Physics-backed Gymnasium environments, reference controllers and one honest comparison."""

from gym_suite.version import __version__

__all__ = ["__version__"]
