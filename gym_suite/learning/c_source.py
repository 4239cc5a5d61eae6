"""A learned policy as C99 source that needs nothing but the mathematics of the standard library.

The file has one function, named after it, without memory of its own and without allocation: what runs on the
microcontroller of a drive or a quadcopter. It computes the deterministic action in double precision from the same
weights as :meth:`gym_suite.learning.policies.ExportedPolicy.predict`, which computes in single precision; the two
differ by that rounding.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.analysis.c_source import check_name
from gym_suite.core.parameters import check_option
from gym_suite.learning.policies import ExportedPolicy

#: Number type of C to the suffix of its functions and constants.
PRECISIONS = {"double": "", "float": "f"}
_ACTIVATION = {"tanh": "tanh(sum)", "relu": "fmax(sum, 0.0)"}


def export_c(
    policy: ExportedPolicy, path: str | os.PathLike[str], *, precision: str = "double"
) -> Path:
    """Write a policy as C99 source and return the file's path.

    The file's first comment gives the function's prototype and the names of observations and actions in order; both are
    scaled as the environment scales them.

    Args:
        policy: From :func:`gym_suite.learning.load_policy` or :func:`gym_suite.learning.export_policy`.
        path: File to write; it ends in .c, and its name becomes that of the function.
        precision: "double", or "float" for processors that compute in single precision alone.

    Raises:
        ValueError: If the name is no name of a C function, does not end in .c, or there is no such precision.
        OSError: If the file cannot be written.
    """
    file = Path(path)
    name = file.stem
    if file.suffix != ".c":
        raise ValueError(f"a file of C source ends in .c, got {str(file)!r}")
    check_name(name)
    check_option("precision", precision, PRECISIONS)
    text = _source(policy, name)
    file.write_text(text if precision == "double" else single(text), "utf-8")
    return file


def single(text: str) -> str:
    """Return the source of a policy in single precision.

    Args:
        text: The source in double precision: its numbers, functions and types, outside of comments, are made single.
    """
    parts = re.split(r"(/\*.*?\*/)", text, flags=re.DOTALL)
    for k, part in enumerate(parts):
        if not part.startswith("/*"):
            part = re.sub(r"\b(tanh|fmax|fmin)\(", r"\1f(", part)
            part = re.sub(r"(?<![\w.])(\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)", r"\1f", part)
        parts[k] = re.sub(r"\bdouble\b", "float", part)
    return "".join(parts)


def _source(policy: ExportedPolicy, name: str) -> str:
    meta, arrays = policy.meta, policy.arrays
    prototype = _prototype(policy, name)
    parts = [
        _comment(policy, prototype),
        "#include <math.h>\n",
        *(_constant(key, arrays[key]) for key in _needed(meta)),
        _LAYER,
        f"{prototype}\n{{\n{_body(policy)}}}\n",
    ]
    return "\n".join(parts)


def _needed(meta: Any) -> list[str]:
    """Return the names of the arrays that the deterministic action depends on."""
    layers = [f"{kind}{k}" for k in range(meta["layers"]) for kind in "wb"]
    scaled = ["mean", "std"] if meta["clip_observation"] is not None else []
    return [*scaled, *layers, *([] if meta.get("choices") is not None else ["low", "high"])]


def _prototype(policy: ExportedPolicy, name: str) -> str:
    width, actions = len(policy.observation_columns), len(policy.action_columns)
    given = [f"const double observation[{width}]"]
    if policy.history > 1:
        given.append(f"double memory[{policy.history * width}]")
    if policy.meta.get("choices") is not None:
        return f"int {name}({', '.join(given)})"
    return f"void {name}({', '.join(given)}, double action[{actions}])"


def _comment(policy: ExportedPolicy, prototype: str) -> str:
    lines = [
        f"Policy for {policy.id}, trained by {policy.algo.upper()}, seed {policy.training_seed}.",
        "",
        f"    {prototype};",
        "",
    ]
    if policy.history > 1:
        lines += [
            f"memory holds the last {policy.history} observations, oldest first; zero it where an episode starts.",
            "",
        ]
    if policy.meta.get("choices") is not None:
        lines += [f"Returned is the best of the choices 0 to {policy.meta['choices'] - 1}.", ""]
    lines += ["observation:", *_listed(policy.observation_columns)]
    lines += ["action:", *_listed(policy.action_columns)]
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _listed(names: tuple[str, ...]) -> list[str]:
    return [f"    [{k}] {name}" for k, name in enumerate(names)]


def _constant(name: str, values: NDArray[Any]) -> str:
    """Return an array of one dimension as a constant; every number reads back exactly."""
    told = [_number(value) for value in np.asarray(values, np.float64).ravel()]
    rows = [", ".join(told[k : k + 4]) for k in range(0, len(told), 4)]
    body = ",\n".join(f"    {row}" for row in rows)
    return f"static const double {name}[{len(told)}] = {{\n{body}\n}};\n"


def _number(value: float) -> str:
    if np.isinf(value):
        return "INFINITY" if value > 0.0 else "-INFINITY"
    return repr(float(value))


_LAYER = """\
/* y = weight' x + bias; weight has a row for each input. */
static void layer(const double *x, int inputs, const double *weight, const double *bias, double *y, int outputs)
{
    for (int j = 0; j < outputs; j++) {
        double sum = bias[j];
        for (int i = 0; i < inputs; i++) {
            sum += x[i] * weight[i * outputs + j];
        }
        y[j] = sum;
    }
}
"""


def _body(policy: ExportedPolicy) -> str:
    meta, arrays = policy.meta, policy.arrays
    width, history = len(policy.observation_columns), policy.history
    size, clip = width * history, meta["clip_observation"]
    # The statistics are of one observation or of the whole stack, as the training had its wrappers.
    each = clip is not None and meta.get("frames_scaled", False)
    lines = [f"double h0[{size}];"]
    if history > 1:
        newest = "observation[i]"
        if clip is not None and each:
            newest = _scaled(newest, "i", clip)
        lines += [
            *_loop(size - width, f"memory[i] = memory[i + {width}];"),
            *_loop(width, f"memory[{size - width} + i] = {newest};"),
        ]
    source = "memory[i]" if history > 1 else "observation[i]"
    lines += _loop(
        size, f"h0[i] = {source if clip is None or each else _scaled(source, 'i', clip)};"
    )
    last = meta["layers"] - 1
    for k in range(meta["layers"]):
        inputs, outputs = arrays[f"w{k}"].shape
        lines += [
            f"double h{k + 1}[{outputs}];",
            f"layer(h{k}, {inputs}, w{k}, b{k}, h{k + 1}, {outputs});",
        ]
        if k < last:
            active = _ACTIVATION[meta["activation"]].replace("sum", f"h{k + 1}[i]")
            lines += _loop(outputs, f"h{k + 1}[i] = {active};")
    lines += _ending(meta, f"h{last + 1}", len(policy.action_columns))
    return "".join(f"    {line}\n" for line in lines)


def _scaled(value: str, index: str, clip: float) -> str:
    """Return the scaling of ``VecNormalize`` as an expression."""
    inside = f"({value} - mean[{index}]) / std[{index}]"
    return f"fmin(fmax({inside}, {_number(-clip)}), {_number(clip)})"


def _loop(count: int, statement: str) -> list[str]:
    return [f"for (int i = 0; i < {count}; i++) {{", f"    {statement}", "}"]


def _ending(meta: Any, out: str, actions: int) -> list[str]:
    """Return what makes an action of the network's last layer."""
    if meta.get("choices") is not None:
        return [
            "int best = 0;",
            *_loop(meta["choices"], f"if ({out}[i] > {out}[best]) best = i;"),
            "return best;",
        ]
    if meta["squash"]:
        value = f"low[i] + 0.5 * (tanh({out}[i]) + 1.0) * (high[i] - low[i])"
    else:
        value = f"fmin(fmax({out}[i], low[i]), high[i])"
    return _loop(actions, f"action[i] = {value};")
