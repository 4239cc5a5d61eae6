"""Kernels as C: what C says is what Python says, whichever way a law takes through its branches."""

import ctypes
import math
import shutil
import subprocess

import numpy as np
import pytest

from gym_suite.analysis.c_source import literal, source_of
from gym_suite.analysis.c_translation import Batch, Numbers, Sampled, Table, law_of
from gym_suite.core.columns import Column, Columns
from gym_suite.core.kernel import kernel

COMPILER = shutil.which("gcc") or shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine")

LAW = Columns(
    Column("gain", "V/A", meaning="of the error"),
    Column("step", "s", meaning="period"),
    Column("limit", "V", meaning="of the output"),
    Column("kind", meaning="which branch is taken"),
)
SEEN = Columns(Column("speed", "rad/s", scale=300.0), Column("wanted", "rad/s", scale=300.0))
MEMORY = Columns(Column("integral", "V"), Column("last", "rad/s"), Column("unused"))
TABLE = np.array([[0.0, 1.0, 4.0, 9.0], [1.0, 3.0, 9.0, 27.0], [2.0, 2.0, 5.0, 1.0]])


@kernel
def looked_up(x, y, table):
    """Return the entry of a table between four."""
    j = min(int(max(x, 0.0)), table.shape[0] - 2)
    k = min(int(abs(y)), table.shape[1] - 2)
    along = abs(y) - k
    return (1.0 - along) * table[j, k] + along * table[j + 1, k + 1]


@kernel
def limited(value, low, high):
    """Return a value within limits, and whether it was."""
    if value < low:
        return low, 1.0
    if not value <= high:
        return high, -1.0
    return value, 0.0


@kernel
def toy_rows(group, seen, memory, law, table, action):
    """Fill actions by a law that has a bit of everything."""
    for i in range(seen.shape[0]):
        row = seen[i]
        error = row[1] - row[0]
        if law[3] > 1.0 and len(group) == 2:
            error *= 100.0
        demanded = law[0] * error + memory[i, 0]
        if 1.0 < abs(demanded) < 2.0 or error > 250.0:
            demanded -= 0.5 * math.copysign(law[0], error)
        out, side = limited(demanded, -law[2], law[2])
        if side * error >= 0.0:
            memory[i, 0] += law[1] * error
            memory[i, 0] -= min(0.1 * law[1], 1.0) * (demanded - out)
        row[0] = looked_up(out, 0.02 * row[0], table)
        turned = math.cos(0.05 * memory[i, 1]) - math.sin(-3.0 * out)
        size = math.hypot(row[0], turned) if row[0] > 2.0 else -turned
        memory[i, 1], swapped = row[1], memory[i, 1]
        memory[i, 2] = 0.5 * memory[i, 2]
        action[i, 0], action[i, 1] = out / law[2], size - 0.001 * swapped


def in_c(function, law):
    told = Numbers(law, LAW), Table(TABLE, "table", "of the test")

    def follow(translation, seen, memory, action):
        translation.run(function, (0,), Batch(seen), Batch(memory), *told, Batch(action))

    scale = np.array([column.scale for column in SEEN])
    return law_of(Sampled(follow, SEEN, MEMORY, [(0, 0), (1, 1)], scale, 2))


@needs_compiler
@pytest.mark.parametrize("kind", [0.0, 2.0])
def test_c_says_what_python_says(kind, tmp_path):
    law = np.array([0.02, 1e-3, 4.0, kind])
    made = in_c(toy_rows, law)
    out = Columns(Column("u"), Column("v"))
    (tmp_path / "toy.h").write_text(
        f"typedef struct {{ float {', '.join(made.memory)}; }} toy_memory;\n"
    )
    (tmp_path / "toy.c").write_text(source_of(made, "toy", SEEN, out))
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    files = [str(tmp_path / "toy.c"), "-o", str(tmp_path / "toy.so"), "-lm"]
    subprocess.run([COMPILER, *flags, *files], check=True)
    step = ctypes.CDLL(str(tmp_path / "toy.so")).toy_step
    kept, answer = np.zeros(8, np.float32), np.zeros(2, np.float32)
    memory, action = np.zeros((1, 3)), np.zeros((1, 2))
    random, taken = np.random.default_rng(1), set()
    for _ in range(3000):
        observed = random.uniform(-1.0, 1.0, 2).astype(np.float32)
        seen = observed[None].astype(float) * 300.0
        toy_rows((0,), seen, memory, law, TABLE, action)
        step(*(one.ctypes.data_as(ctypes.c_void_p) for one in (kept, observed, answer)))
        assert answer == pytest.approx(action[0], abs=2e-4)
        taken.add((action[0, 0] == 1.0, action[0, 0] == -1.0))
    assert len(taken) == 3
    # What stays zero is not kept, and a sum has a second number for what it rounds.
    assert list(made.memory) == ["integral", "integral_rest", "last"]
    assert set(made.tables) == {"table"} and made.constants["gain"] == (0.02, "V/A, of the error")


def rest_of(value):
    return value % 3.0


def test_what_has_no_form_in_c_is_refused_by_its_name():
    def loop(group, seen, memory, law, table, action):
        while seen[0, 0] > 0.0:
            seen[0, 0] -= 1.0

    def exponential(group, seen, memory, law, table, action):
        action[0, 0] = math.exp(seen[0, 0])

    def remainder(group, seen, memory, law, table, action):
        action[0, 0] = rest_of(seen[0, 0])

    cases = (loop, "while has no C source"), (remainder, "mod has no C source")
    cases += ((exponential, "math.exp of a measured value has no C source"),)
    for function, message in cases:
        with pytest.raises(ValueError, match=message):
            in_c(function, np.ones(4))


def test_numbers_are_written_as_what_single_precision_makes_of_them():
    assert [literal(x) for x in (0.1, 400.0, 1e-9, -2.5)] == ["0.1f", "400.0f", "1.0e-9f", "-2.5f"]
    for number in (1e39, math.inf, math.nan):
        with pytest.raises(ValueError, match="no C source"):
            literal(number)
