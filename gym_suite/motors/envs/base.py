"""One drive and many: what the environments of all ids share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from gym_suite.core.family import Setup
from gym_suite.core.ids import IdEnv
from gym_suite.core.options import OptionSet
from gym_suite.motors.envs.options import TASKS, Options
from gym_suite.motors.envs.setup import build_setup
from gym_suite.motors.loops import KERNELS
from gym_suite.motors.machines import DC, KINDS, SATURATED, SYNCHRONOUS

#: The converter whose switching states are the action.
SWITCHED = "finite"
#: Keyword arguments that only some converters take.
_OF_CONVERTERS = (
    "converter",
    "c_neutral",
    "frame",
    "interlocking",
    "modulation",
    "zero_sequence",
    "overmodulation",
    "control",
    "control_period",
    "losses",
    "thermal",
)
#: Groups whose losses and heat are computed, where their voltages are means of a period.
_LOSSY = (SYNCHRONOUS, SATURATED)


class MotorEnv(IdEnv):
    """One drive: a machine and a task, which the id's card names."""

    facets: ClassVar[Mapping[str, Sequence[str]]] = MappingProxyType(
        {
            "machine": tuple(name for name, cls in KINDS.items() if cls.group in KERNELS),
            "task": tuple(TASKS),
            "converter": ("averaged", "chopper", "commutated", SWITCHED),
        }
    )

    @classmethod
    def options(cls) -> OptionSet[Options]:
        """Return the keyword arguments that the task takes; the machine's default set is that of its kind."""
        task, kind = TASKS[cls.card.facets["task"]], cls.card.facets["machine"]
        machine, converter = KINDS[kind], cls.card.facets["converter"]
        switched = converter == SWITCHED
        period = machine.switching_period if switched else machine.period
        # A bridge of three levels is for the machines with d and q windings alone.
        bridge = machine.group == SYNCHRONOUS
        lossy = machine.group in _LOSSY and not switched
        defaults = {"machine": kind, "tau": period, **task.defaults}
        if bridge:
            defaults["converter"] = "two-level"
        own = ("converter",) if machine.group == DC else () if switched else ("frame",)
        if bridge:
            own = (*own, "converter", "c_neutral")
        pulses = ("modulation", "interlocking")
        if machine.group != DC:  # a chopper's legs have no zero sequence and turn no vector
            pulses = (*pulses, "zero_sequence", "overmodulation")
        own = (
            *own,
            *((*pulses, "control", "control_period") if not switched else ("interlocking",)),
        )
        own = (*own, *(("losses", "thermal") if lossy else ()))
        if machine.commutated:
            own = ("control", "control_period")
        without = (*task.without, *(name for name in _OF_CONVERTERS if name not in own))
        return OptionSet(Options, without=without, defaults=defaults)

    @classmethod
    def build(cls, options: Options) -> Setup:
        """Return the setup of this id for its options."""
        facets = cls.card.facets
        finite = facets["converter"] == SWITCHED
        return build_setup(
            cls.id,
            facets["machine"],
            facets["task"],
            cls.option_set(),
            options,
            finite=finite,
        )
