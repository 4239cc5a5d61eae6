"""A folder of C99 for a microcontroller: a policy's or a control law's source, its header, and test vectors."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_cycles import CORTEX_M4F, cycles_of, flops_of, operations_of
from gym_suite.analysis.c_source import CLaw, check_name, comment, header_of, listed, source_of
from gym_suite.core.columns import Columns
from gym_suite.core.parameters import check_number
from gym_suite.learning.c_source import export_c
from gym_suite.learning.policies import ExportedPolicy
from gym_suite.learning.records import folder_named

#: Largest difference between an action of C and of Python over an episode, of an action's range from -1 to 1.
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class CExport:
    """What was written.

    Attributes:
        name: First part of the names of files and functions.
        files: The files, those of its observers among them.
        flops: Additions, multiplications, divisions and comparisons of a sample, at most; those inside of functions of
            the library, such as hyperbolic tangents, are not counted.
        constant_bytes: Bytes of constants.
        memory_bytes: Bytes of memory that the caller keeps.
        cycles: Estimate of the cycles of a sample, at most, on :data:`gym_suite.analysis.c_cycles.CORTEX_M4F`.
        period: Time between two samples, s.
        observers: What runs before it at each sample.
    """

    name: str
    files: tuple[Path, ...]
    flops: int
    constant_bytes: int
    memory_bytes: int
    cycles: int
    period: float
    observers: tuple[CExport, ...] = ()

    @property
    def share(self) -> float:
        """Part of the period that a sample takes with its observers, by the estimate."""
        cycles = self.cycles + sum(one.cycles for one in self.observers)
        return cycles / CORTEX_M4F.clock / self.period

    def __str__(self) -> str:
        parts = *self.observers, self
        lines = [str(file) for file in self.files]
        lines += [
            f"{one.name}: {one.flops} flops a sample, {one.constant_bytes} bytes of constants, "
            f"{one.memory_bytes} bytes of memory, single precision"
            for one in parts
        ]
        cycles = sum(one.cycles for one in parts)
        lines.append(
            f"estimate for an {CORTEX_M4F.name}: at most about {cycles} cycles a sample, "
            f"{1e6 * cycles / CORTEX_M4F.clock:.4g} us at {CORTEX_M4F.clock / 1e6:g} MHz, "
            f"{100.0 * self.share:.4g} % of the control period of {1e6 * self.period:g} us"
        )
        if self.share > 1.0:
            lines.append(
                "that is more than the period: it takes a faster core, a longer period or a smaller network"
            )
        lines.append(f"test: cc -std=c99 {self.name}.c {self.name}_test.c -lm && ./a.out")
        return "\n".join(lines)


def export_folder(
    env: Any,
    agent: Any,
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    seed: int = 0,
    steps: int = 200,
) -> CExport:
    """Write an agent as C99 in single precision, without allocation and with fixed memory.

    There are four files: the source, its header with units and scaling, test vectors (what the agent saw in an episode
    and did in Python), and a program that runs the source on them. Two more hold the flux observer of an induction
    machine's drive, whose estimates its controllers observe.

    Args:
        env: Single environment of the agent's id.
        agent: A policy, or a controller whose law is written in C.
        folder: Where to write; it is made if it is not there.
        name: First part of the names of files and functions; from id and agent by default.
        seed: Seed of the episode of the test vectors.
        steps: Samples in them.

    Raises:
        ValueError: For an agent that has no C source, or a name that cannot be one in C.
        OSError: If a file cannot be written.
    """
    setup = env.get_wrapper_attr("setup")
    told = getattr(agent, "name", None) or getattr(agent, "algo", "agent")
    plain = re.sub(r"\W+", "_", f"{setup.id}_{told}", flags=re.ASCII).lower()
    name = check_name(plain if name is None else name)
    steps = int(check_number("steps", steps, low=1, high=100_000, integer=True))
    if not isinstance(agent, ExportedPolicy) and not hasattr(agent, "in_c"):
        raise ValueError(
            f"{type(agent).__name__} has no C source: policies have one, and of the drives under gem/ PI control of "
            "currents, torque, speed and position above operating points"
        )
    law = None if isinstance(agent, ExportedPolicy) else agent.in_c()
    place = folder_named("folder", folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot write into {place}: {error.strerror or error}") from error
    observations, actions = _episode(env, agent, seed, steps)
    if law is None:
        stored = _policy(agent, setup, place, name)
        call, kept = _policy_call(agent, name)
    else:
        stored = _law(law, told, setup, place, name)
        call = f"{name}_step(&memory, {name}_observations[i], action);"
        kept = f"{name}_memory memory;\n    {name}_reset(&memory);"
    vectors = place / f"{name}_vectors.h"
    vectors.write_text(_vectors(name, observations, actions, seed), "utf-8")
    test = place / f"{name}_test.c"
    test.write_text(_test(name, call, kept, actions.shape[1]), "utf-8")
    files = [place / f"{name}.c", place / f"{name}.h", vectors, test]
    observers = tuple(
        _observer(observer, f"{name}_{told}", setup, place)
        for told, observer in getattr(agent, "observers_in_c", dict)().items()
    )
    files += [file for one in observers for file in one.files]
    function = name if law is None else f"{name}_step"
    return _export(name, files, function, stored, setup.dt, observers)


def _export(
    name: str,
    files: list[Path],
    function: str,
    stored: tuple[int, int],
    period: float,
    observers: tuple[CExport, ...] = (),
) -> CExport:
    """Return what was written, the source first, with the operations of its function."""
    operations = operations_of(files[0].read_text("utf-8"), function)
    counted = cycles_of(operations)
    return CExport(
        name, tuple(files), flops_of(operations), *stored, counted, period, observers=observers
    )


def _episode(
    env: Any, agent: Any, seed: int, steps: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what an agent sees and does in an episode, until it ends at the latest."""
    observation, _ = env.reset(seed=seed)
    state, start = None, True
    seen, done = [], []
    for _ in range(steps):
        action, state = agent.predict(observation, state, np.bool_(start), True)
        seen.append(np.asarray(observation, np.float32))
        done.append(np.atleast_1d(np.asarray(action, np.float32)))
        observation, _, terminated, truncated, _ = env.step(action)
        start = False
        if terminated or truncated:
            break
    return np.array(seen), np.array(done)


def _law(law: CLaw, told: str, setup: Any, place: Path, name: str) -> tuple[int, int]:
    """Write a law; return bytes of its constants and of its memory."""
    about = f"Controller {told!r} of {setup.id}."
    columns = setup.observation_columns, setup.action_columns
    (place / f"{name}.h").write_text(header_of(law, name, about, setup.dt, *columns), "utf-8")
    (place / f"{name}.c").write_text(source_of(law, name, *columns), "utf-8")
    return law.constant_bytes, law.memory_bytes


def _observer(
    observer: tuple[CLaw, Columns, Columns], name: str, setup: Any, place: Path
) -> CExport:
    """Write what estimates a part of an observation."""
    law, measured, answered = observer
    files = [place / f"{name}.c", place / f"{name}.h"]
    header = header_of(
        law,
        name,
        f"Estimates for the controller of {setup.id} what it observes and nothing measures.",
        setup.dt,
        measured,
        answered,
        given="observation, as measured",
        answered="action, a part of the controller's observation",
    )
    files[1].write_text(header, "utf-8")
    files[0].write_text(source_of(law, name, measured, answered), "utf-8")
    stored = law.constant_bytes, law.memory_bytes
    return _export(name, files, f"{name}_step", stored, setup.dt)


def _policy(policy: ExportedPolicy, setup: Any, place: Path, name: str) -> tuple[int, int]:
    """Write a policy; return bytes of its constants and of its memory."""
    source = export_c(policy, place / f"{name}.c", precision="float")
    text = source.read_text("utf-8")
    prototype = next(line for line in text.splitlines() if f" {name}(" in line and line[0] != " ")
    guard = f"{name.upper()}_H"
    told = [
        f"Policy for {setup.id}, called every {setup.dt:.9g} s.",
        "",
        "observation:",
        *listed(setup.observation_columns, policy.observation_columns),
        *_acted(policy, setup),
    ]
    header = f"#ifndef {guard}\n#define {guard}\n\n{comment(told)}\n{prototype};\n\n#endif\n"
    (place / f"{name}.h").write_text(header, "utf-8")
    source.write_text(
        text.replace("#include <math.h>", f'#include <math.h>\n#include "{name}.h"', 1)
    )
    weights = [np.asarray(policy.arrays[f"w{k}"]) for k in range(policy.meta["layers"])]
    width = len(policy.observation_columns) * policy.history
    scaled = 2 * width if policy.meta["clip_observation"] is not None else 0
    numbers = sum(w.size + w.shape[1] for w in weights) + scaled + 2 * len(policy.action_columns)
    return 4 * numbers, 4 * width if policy.history > 1 else 0


def _acted(policy: ExportedPolicy, setup: Any) -> list[str]:
    """Return lines on what a policy answers."""
    if policy.meta.get("choices") is not None:
        return [f"Returned is the best of the choices 0 to {policy.meta['choices'] - 1}."]
    return ["action, from -1 to 1:", *listed(setup.action_columns, policy.action_columns)]


def _policy_call(policy: ExportedPolicy, name: str) -> tuple[str, str]:
    """Return the statement that calls a policy in its test, and those before it."""
    width = len(policy.observation_columns) * policy.history
    kept = f"float memory[{width}] = {{0.0f}};" if policy.history > 1 else ""
    given = f"{name}_observations[i]" + (", memory" if policy.history > 1 else "")
    if policy.meta.get("choices") is not None:
        return f"action[0] = (float){name}({given});", kept
    return f"{name}({given}, action);", kept


def _rows(values: NDArray[np.float32]) -> str:
    lines = [", ".join(f"{float(v):.9g}" for v in row) for row in values]
    return ",\n".join(f"    {{{line}}}" for line in lines)


def _vectors(
    name: str, observations: NDArray[np.float32], actions: NDArray[np.float32], seed: int
) -> str:
    told = f"/* What was seen and done in Python, an episode of seed {seed}. */\n"
    parts = [f"#define {name.upper()}_SAMPLES {len(observations)}\n", told]
    for what, values in (("observations", observations), ("actions", actions)):
        size = f"[{values.shape[0]}][{values.shape[1]}]"
        parts.append(f"static const float {name}_{what}{size} = {{\n{_rows(values)}\n}};\n")
    return "\n".join(parts)


def _test(name: str, call: str, kept: str, actions: int) -> str:
    return f"""\
#include <math.h>
#include <stdio.h>
#include "{name}.h"
#include "{name}_vectors.h"

/* Run the source on the test vectors; fail where an action differs by more than {TOLERANCE:g}. */
int main(void)
{{
    float action[{actions}], worst = 0.0f;
    {kept}
    for (int i = 0; i < {name.upper()}_SAMPLES; i++) {{
        {call}
        for (int k = 0; k < {actions}; k++) {{
            const float apart = fabsf(action[k] - {name}_actions[i][k]);
            worst = apart > worst ? apart : worst;
        }}
    }}
    printf("largest difference %.3g\\n", (double)worst);
    return worst <= {TOLERANCE:g}f ? 0 : 1;
}}
"""
