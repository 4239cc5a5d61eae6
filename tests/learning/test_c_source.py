"""A policy as C source does, once compiled, what the network's equations say and what predict does."""

import ctypes
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest

from gym_suite.learning import export_c, load_policy, shipped
from gym_suite.learning.policies import FORMAT, ExportedPolicy

COMPILER = shutil.which("gcc") or shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine")
WIDTH, ACTIONS, CHOICES = 5, 2, 4


def policy(*, activation="tanh", squash=False, choices=None, clip=None, history=1, each=False):
    """A policy of made-up weights, large enough that bounds and clips are met."""
    generator = np.random.default_rng(3)
    outputs = choices or ACTIONS
    sizes = [WIDTH * history, 8, 6, outputs]
    arrays = {}
    for k, (inputs, size) in enumerate(pairwise(sizes)):
        arrays[f"w{k}"] = generator.normal(size=(inputs, size)).astype(np.float32)
        arrays[f"b{k}"] = generator.normal(size=size).astype(np.float32)
    if choices is None:
        arrays["low"] = np.array([-1.0, -0.5], np.float32)
        arrays["high"] = np.array([1.0, np.inf if not squash else 2.0], np.float32)
    if clip is not None:
        scaled = WIDTH if each else WIDTH * history
        arrays["mean"] = generator.normal(size=scaled)
        arrays["std"] = generator.uniform(0.1, 2.0, size=scaled)
    meta = {
        "format": FORMAT,
        "id": "Made-v0",
        "algo": "ppo",
        "training_seed": 1,
        "observation_columns": [f"o_{k}" for k in range(WIDTH)],
        "action_columns": [f"a_{k}" for k in range(ACTIONS if choices is None else 1)],
        "layers": 3,
        "activation": activation,
        "squash": squash,
        "choices": choices,
        "clip_observation": clip,
        "history": history,
        "frames_scaled": each,
        "provenance": {},
    }
    return ExportedPolicy(meta, arrays)


def compiled(source):
    library = source.with_suffix(".so")
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1", "-ffp-contract=off"]
    subprocess.run(
        [COMPILER, *strict, "-shared", "-fPIC", str(source), "-o", str(library), "-lm"], check=True
    )
    return getattr(ctypes.CDLL(str(library)), source.stem)


def pointer(values):
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def reckoned(found, frames):
    """The action after some observations of one episode, in double precision, written anew from the format."""
    meta, arrays = found.meta, {k: np.asarray(v, np.float64) for k, v in found.arrays.items()}
    clip, history = meta["clip_observation"], meta["history"]

    def scaled(x):
        return np.clip((x - arrays["mean"]) / arrays["std"], -clip, clip)

    frames = [scaled(f) for f in frames] if meta["frames_scaled"] else list(frames)
    empty = [np.zeros(WIDTH)] * (history - 1)
    x = np.concatenate([*empty, *frames][-history:])
    if clip is not None and not meta["frames_scaled"]:
        x = scaled(x)
    for k in range(3):
        x = x @ arrays[f"w{k}"] + arrays[f"b{k}"]
        if k < 2:
            x = np.tanh(x) if meta["activation"] == "tanh" else np.maximum(x, 0.0)
    if meta["choices"] is not None:
        return int(np.argmax(x))
    if meta["squash"]:
        return arrays["low"] + (np.tanh(x) + 1.0) / 2.0 * (arrays["high"] - arrays["low"])
    return np.clip(x, arrays["low"], arrays["high"])


@needs_compiler
@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"activation": "relu", "squash": True},
        {"clip": 1.5, "choices": CHOICES},
        {"clip": 1.5, "history": 3},
        {"clip": 1.5, "history": 3, "each": True, "activation": "relu"},
    ],
    ids=str,
)
def test_compiled_source_gives_the_action_of_the_network(kind, tmp_path):
    found = policy(**kind)
    act = compiled(export_c(found, tmp_path / "act.c"))
    frames = np.random.default_rng(5).normal(scale=2.0, size=(40, WIDTH))
    memory, state = np.zeros(WIDTH * found.history), None
    choices = found.meta["choices"] is not None
    act.restype = ctypes.c_int if choices else None
    seen = set()
    for k, frame in enumerate(frames):
        arguments, action = [pointer(np.ascontiguousarray(frame))], np.full(ACTIONS, np.nan)
        if found.history > 1:
            arguments.append(pointer(memory))
        if not choices:
            arguments.append(pointer(action))
        given = act(*arguments)
        expected = reckoned(found, frames[: k + 1])
        single, state = found.predict(frame, state)
        if choices:
            assert given == expected == single
            seen.add(given)
        else:
            np.testing.assert_allclose(action, expected, rtol=0.0, atol=1e-12)
            np.testing.assert_allclose(action, single, rtol=0.0, atol=2e-5)
            seen.add(tuple(action))
    assert len(seen) > 2


@needs_compiler
@pytest.mark.parametrize("id", ["gem/PMSM-v0", "radio/Access-v0"])
def test_policies_that_ship_act_in_c_as_in_python(id, tmp_path):
    found = load_policy(shipped(id, "ppo")[0])
    act = compiled(export_c(found, tmp_path / "policy.c"))
    width = len(found.observation_columns)
    memory, state = np.zeros(width * found.history), None
    for row in np.random.default_rng(2).uniform(-1.0, 1.0, (50, width)):
        expected, state = found.predict(row, state)
        arguments = [pointer(row), *([pointer(memory)] if found.history > 1 else [])]
        if found.meta.get("choices") is not None:
            assert act(*arguments) == expected
            continue
        action = np.empty(len(found.action_columns))
        act(*arguments, pointer(action))
        np.testing.assert_allclose(action, expected, rtol=0.0, atol=1e-5)


def test_the_first_comment_says_how_to_call_it(tmp_path):
    text = export_c(policy(history=2), tmp_path / "pilot.c").read_text("utf-8")
    head = text[: text.index("*/")]
    assert "void pilot(const double observation[5], double memory[10], double action[2]);" in head
    assert "[4] o_4" in head and "[1] a_1" in head and "Made-v0" in head


@pytest.mark.parametrize("name", ["policy.h", "2nd.c", "while.c", "my-policy.c", "tanh.c", ".c"])
def test_a_name_that_c_cannot_have_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"\.c"):
        export_c(policy(), tmp_path / name)
    assert not list(tmp_path.iterdir())


#: Names by what has them.
TAKEN = {
    "<math.h>": "sin exp pow sqrt sqrtf hypotl isnan signbit NAN INFINITY HUGE_VAL FP_NAN M_PI j0 gamma",
    "<stdio.h>": "printf puts remove rewind stdout EOF FILE NULL size_t SEEK_SET",
    "<stdint.h>": "int32_t uint_fast8_t intptr_t INT8_MAX UINT64_C SIZE_MAX",
    "inside exported files": "low high mean std w0 b0 w12 h1 i k worst apart",
    "library": "malloc exit abs strlen toupper",
    "header": "math stdio stdint string",
    "compilers": "bool typeof linux",
}


@pytest.mark.parametrize(("what", "name"), [(w, n) for w, ns in TAKEN.items() for n in ns.split()])
def test_a_name_that_is_taken_is_refused_with_what_has_it(what, name, tmp_path):
    with pytest.raises(ValueError, match=f"'{name}' cannot be one in C: it is .*{what}"):
        export_c(policy(), tmp_path / f"{name}.c")
    assert not list(tmp_path.iterdir())


@needs_compiler
@pytest.mark.parametrize("kind", [{"clip": 1.5, "history": 3}, {"choices": CHOICES}], ids=str)
def test_names_beside_those_compile(kind, tmp_path):
    for name in ("lowpass", "w", "b", "w0b", "meaning", "sine", "exponent", "torque", "integral"):
        compiled(export_c(policy(**kind), tmp_path / f"{name}.c", precision="float"))
