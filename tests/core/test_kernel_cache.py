"""Compiled code is never stale, and a missing or unwritable cache costs time, not results."""

import gc
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

import gym_suite
from gym_suite.core import kernel as module
from gym_suite.core.kernel import announce_slow_compile

PACKAGE = Path(gym_suite.__file__).parent
PROGRAM = """
import warnings
from gym_suite.core.kernel import cache_folder, kernel_digest, kernel
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    folders = {cache_folder() for _ in range(3)}
print(kernel_digest(), folders.pop(), len(caught), caught[0].message if caught else "-", sep="\\n")
"""


def run(path, program=PROGRAM, **environment):
    """Run a program on the package below a path, and return its lines and what it said on stderr."""
    variables = {**os.environ, "PYTHONPATH": str(path), **environment}
    # In that folder, for "python -c" looks for modules where it is started first of all.
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=variables,
        cwd=path,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


@pytest.fixture
def sources(tmp_path):
    """A copy of the package's core, free to edit."""
    for part in ("__init__.py", "registration.py", "version.py", "core"):
        target = tmp_path / "gym_suite" / part
        target.parent.mkdir(exist_ok=True)
        copy = shutil.copytree if (PACKAGE / part).is_dir() else shutil.copy
        copy(PACKAGE / part, target)
    return tmp_path


def test_the_digest_changes_with_any_source_and_only_then(sources):
    first = run(sources)[0][0]
    assert run(sources)[0][0] == first
    with (sources / "gym_suite" / "core" / "random.py").open("a") as file:
        file.write("# edited\n")
    second = run(sources)[0][0]
    assert second != first
    (sources / "gym_suite" / "core" / "another.py").write_text("")
    assert run(sources)[0][0] not in (first, second)


def test_an_edited_callee_is_compiled_again(sources, tmp_path):
    """Numba's own cache would return the old number: the caller's file has not changed."""
    callee = sources / "gym_suite" / "core" / "callee.py"
    caller = sources / "gym_suite" / "core" / "caller.py"
    head = "from gym_suite.core.kernel import kernel\n"
    caller.write_text(
        f"{head}from gym_suite.core.callee import inner\n"
        "@kernel\ndef outer(x):\n    return 2.0 * inner(x)\n"
    )
    program = (
        "from gym_suite.core.caller import outer; print(outer(1.0), len(outer.stats.cache_hits))"
    )
    cache = str(tmp_path / "cache")
    results = []
    for number in (1.0, 1.0, 100.0):
        callee.write_text(f"{head}@kernel\ndef inner(x):\n    return x + {number}\n")
        results.append(run(sources, program, GYM_SUITE_CACHE_DIR=cache)[0][0])
    # The second start finds everything on disk, the third compiles again.
    assert results == ["4.0 0", "4.0 1", "202.0 0"]


def test_the_cache_lies_where_the_variable_says(tmp_path):
    lines, _ = run(PACKAGE.parent, GYM_SUITE_CACHE_DIR=str(tmp_path / "new" / "cache"))
    digest, folder, warned, _ = lines
    assert Path(folder).parent == tmp_path / "new" / "cache"
    assert digest in Path(folder).name
    assert Path(folder).is_dir()
    assert warned == "0"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")
def test_an_unwritable_cache_warns_once_and_falls_back(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    lines, _ = run(PACKAGE.parent, GYM_SUITE_CACHE_DIR=str(blocked / "cache"))
    _, folder, warned, message = lines
    assert warned == "1"
    assert "GYM_SUITE_CACHE_DIR" in message
    assert str(blocked) in message
    assert not Path(folder).is_relative_to(blocked)
    program = "from gym_suite.core.random import uniform; print(0.0 <= uniform(1, 2, 3) < 1.0)"
    lines, stderr = run(PACKAGE.parent, program, GYM_SUITE_CACHE_DIR=str(blocked / "cache"))
    assert lines == ["True"]
    assert stderr.count("cannot be written") == 1


USES = (
    "from gym_suite.core.random import uniform\n"
    "uniform(1, 2, 3)\n"
    "print(0.0 <= uniform(1, 2, 3) < 1.0, len(uniform.stats.cache_hits))"
)


@pytest.mark.parametrize("damage", ["empty", "cut", "garbled", "garbled at the end", "text"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_is_a_miss(tmp_path, damage, kind):
    """And the next start is warm again."""
    environment = {"GYM_SUITE_CACHE_DIR": str(tmp_path)}
    assert run(PACKAGE.parent, USES, **environment)[0] == ["True 0"]
    assert run(PACKAGE.parent, USES, **environment)[0] == ["True 1"]
    files = list(tmp_path.rglob(f"*.{kind}"))
    assert files
    for path in files:
        content = bytearray(path.read_bytes())
        if damage == "empty":
            content = b""
        elif damage == "cut":
            content = content[:50]
        elif damage == "text":
            content = b"not a cache"
        else:
            place = len(content) // 3 if damage == "garbled" else len(content) - 20
            content[place : place + 15] = b"*" * 15
        path.write_bytes(content)
    assert run(PACKAGE.parent, USES, **environment)[0] == ["True 0"]
    assert run(PACKAGE.parent, USES, **environment)[0] == ["True 1"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or sys.platform == "win32", reason="POSIX permissions"
)
def test_a_warm_cache_that_cannot_be_written_is_read(tmp_path, monkeypatch):
    environment = {"GYM_SUITE_CACHE_DIR": str(tmp_path / "cache")}
    assert run(PACKAGE.parent, USES, **environment)[0] == ["True 0"]
    blocked = (
        "import os, tempfile\n"
        "usual = tempfile.TemporaryFile\n"
        "def refuse(*args, **keywords):\n"
        "    if str(keywords.get('dir', '')).startswith(os.environ['GYM_SUITE_CACHE_DIR']):\n"
        "        raise OSError(30, 'Read-only file system')\n"
        "    return usual(*args, **keywords)\n"
        "tempfile.TemporaryFile = refuse\n"
    )
    lines, stderr = run(PACKAGE.parent, blocked + USES, **environment)
    assert lines == ["True 1"]
    assert "cannot be written" in stderr


def test_a_full_disk_costs_time_and_no_result(tmp_path):
    full = (
        "import gym_suite.core.kernel as module\n"
        "def refuse(*_): raise OSError(28, 'No space left on device')\n"
        "module._CheckedFile._save_data = refuse\n"
    )
    lines, stderr = run(PACKAGE.parent, full + USES, GYM_SUITE_CACHE_DIR=str(tmp_path))
    assert lines == ["True 0"]
    assert "No space left on device" in stderr
    assert str(tmp_path) in stderr


def compile_something():
    """Compile a new function: what is announced is compilations, not time that passes."""
    numba.njit(lambda x: x + 1.0)(1.0)
    time.sleep(0.2)


@pytest.fixture
def silent(monkeypatch, tmp_path):
    """As in a process that has said nothing yet, with little patience and nothing known of earlier times."""
    monkeypatch.setattr(module, "_taken", {})
    monkeypatch.setattr(module, "_said", set())
    monkeypatch.setattr(module, "SLOW_COMPILE", 0.02)
    monkeypatch.setattr(module, "cache_root", lambda: tmp_path)


def kept(folder):
    """Return the sources' digest, functions and seconds that are kept of the family."""
    return json.loads((folder / "compile-times.json").read_text("utf-8"))["toys"]


def test_a_slow_compile_says_so_once_a_family(silent, capsys):
    for id in ("toys/Carts-v0", "toys/Cranes-v0"):
        with announce_slow_compile("toys", id):
            compile_something()
    said = capsys.readouterr().err
    assert said.count("compiling the toys kernels") == 1
    assert "once" in said
    assert "half a minute of an idle processor core" in said


def test_the_next_process_says_how_long_it_usually_takes(silent, capsys, tmp_path, monkeypatch):
    times = {"toys": ["an earlier version", 70, 12.3]}
    (tmp_path / "compile-times.json").write_text(json.dumps(times), "utf-8")
    monkeypatch.setattr(module, "SLOW_COMPILE", 0.0)
    with announce_slow_compile("toys", "toys/Carts-v0"):
        compile_something()
    assert "usually takes 12 s of an idle processor core" in capsys.readouterr().err
    _, count, seconds = kept(tmp_path)
    assert count >= 1
    assert 0.0 <= seconds < 60.0


def test_what_is_kept_is_work_and_not_waiting(silent, tmp_path):
    """On a busy machine most of the time is others'; here the process sleeps instead."""
    with announce_slow_compile("toys", "toys/Carts-v0"):
        start = time.thread_time()
        for _ in range(10):
            numba.njit(lambda x: x - 1.0)(1.0)
        worked = time.thread_time() - start
        time.sleep(3.0)
    assert kept(tmp_path)[2] == pytest.approx(worked, abs=0.3)


def test_what_is_kept_is_the_longest_first_start_of_this_version(silent, tmp_path):
    """One of an id that shares most functions says nothing of a start from nothing, nor do many ids together."""
    for many, id in ((3, "toys/Carts-v0"), (1, "toys/Cranes-v0"), (2, "toys/Carts-v0")):
        with announce_slow_compile("toys", id):
            for _ in range(many):
                compile_something()
    digest, count, _ = kept(tmp_path)
    assert digest == module.kernel_digest("toys")
    assert count == 5  # reset and step of one id
    (tmp_path / "compile-times.json").write_text('{"toys": ["another version", 70, 12.3]}', "utf-8")
    with announce_slow_compile("toys", "toys/Cranes-v0"):
        compile_something()
    assert kept(tmp_path)[:2] == [digest, 2]


@pytest.mark.parametrize("damage", ["{", "[]", '{"toys": 3}', '{"toys": [70, 12.3]}'])
def test_damaged_times_are_as_none(silent, capsys, tmp_path, damage):
    (tmp_path / "compile-times.json").write_text(damage, "utf-8")
    with announce_slow_compile("toys", "toys/Carts-v0"):
        compile_something()
    assert "half a minute" in capsys.readouterr().err
    assert kept(tmp_path)[1] >= 1


def test_a_quick_compile_says_nothing(silent, capsys, monkeypatch):
    monkeypatch.setattr(module, "SLOW_COMPILE", 5.0)
    with announce_slow_compile("toys", "toys/Carts-v0"):
        compile_something()
    assert capsys.readouterr().err == ""


def test_waiting_without_a_compilation_says_nothing(silent, capsys):
    with announce_slow_compile("toys", "toys/Carts-v0"):
        time.sleep(0.2)
    assert capsys.readouterr().err == ""


DIGESTS = """
from gym_suite.core.kernel import kernel_digest, source_digest
for family in ("motors", "drones"):
    print(kernel_digest(family), source_digest(family))
"""


@pytest.mark.parametrize(
    ("edited", "compiled_anew", "judged_anew"),
    [
        ("core/random.py", "motors drones", "motors drones"),
        ("controllers/pid.py", "motors drones", "motors drones"),
        ("motors/dynamics.py", "motors", "motors"),
        ("motors/data/wltc_class3b.csv", "", "motors"),
        ("motors/render.py", "", ""),
        ("motors/pages/family.md", "", ""),
        ("core/page.py", "", ""),
        ("comparison/metrics.py", "", "motors drones"),
        ("comparison/report.py", "", ""),
        ("comparison/statistics.py", "", ""),
        ("radio/dynamics.py", "", ""),
        ("cli.py", "", ""),
    ],
)
def test_an_edit_voids_what_it_must_and_nothing_else(tmp_path, edited, compiled_anew, judged_anew):
    """Machine code by family; results by what decides them. A page or another family voids neither."""
    shutil.copytree(
        PACKAGE, tmp_path / "gym_suite", ignore=shutil.ignore_patterns("policies", "*.npz")
    )
    before = [line.split() for line in run(tmp_path, DIGESTS)[0]]
    path = tmp_path / "gym_suite" / edited
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write("# edited\n")
    after = [line.split() for line in run(tmp_path, DIGESTS)[0]]
    changed = [
        {
            f
            for f, old, new in zip(("motors", "drones"), before, after, strict=True)
            if old[k] != new[k]
        }
        for k in range(2)
    ]
    assert changed == [set(compiled_anew.split()), set(judged_anew.split())]


def test_constants_are_no_types_of_their_own(tmp_path):
    """A kernel called with two constants is compiled once, and still gets the constants' values."""
    (tmp_path / "own_kernels.py").write_text(
        "from gym_suite.core.kernel import kernel\n"
        "@kernel\ndef inner(x, k):\n    return x * k\n"
        "@kernel\ndef outer(x):\n    return inner(x, 2) + inner(x, 3)\n"
    )
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from own_kernels import inner, outer\n"
        "print(outer(1.0), len(inner.inner.signatures), len(inner.signatures), inner(1.0, 7))"
    )
    path = os.pathsep.join([str(PACKAGE.parent), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "GYM_SUITE_CACHE_DIR": str(tmp_path / "cache")},
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.split() == ["5.0", "1", "0", "7.0"]


def test_a_module_outside_that_calls_a_familys_kernels_is_compiled_anew_with_them(tmp_path):
    """Its machine code holds theirs; a family that it does not name leaves it alone."""
    (tmp_path / "own_drive.py").write_text("from gym_suite.motors.electrical import period\n")
    shutil.copytree(
        PACKAGE, tmp_path / "gym_suite", ignore=shutil.ignore_patterns("policies", "*.npz")
    )
    program = (
        "import sys; sys.modules['own_drive'] = type(sys)('own_drive')\n"
        "sys.modules['own_drive'].__file__ = 'own_drive.py'\n"
        "from gym_suite.core.kernel import kernel_digest\nprint(kernel_digest('own_drive'))"
    )
    found = [run(tmp_path, program)[0]]
    for edited in ("radio/dynamics.py", "motors/loads.py"):
        with (tmp_path / "gym_suite" / edited).open("a") as file:
            file.write("# edited\n")
        found.append(run(tmp_path, program)[0])
    assert found[0] == found[1] != found[2]


def test_kernels_that_a_function_makes_are_told_apart_by_what_they_enclose(tmp_path):
    """In the first process and in the next, which finds both on the disk."""
    (tmp_path / "made_kernels.py").write_text(
        "from gym_suite.core.kernel import kernel\n"
        "def times(k):\n"
        "    @kernel\n    def product(x):\n        return k * x\n"
        "    return product\n"
        "double, triple = times(2), times(3)\n"
    )
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from gym_suite.core.kernel import Compilations\n"
        "from made_kernels import double, triple\n"
        "with Compilations() as compiled:\n"
        "    print(triple(5.0), double(5.0), compiled.count)"
    )
    path = os.pathsep.join([str(PACKAGE.parent), str(tmp_path)])
    variables = {**os.environ, "PYTHONPATH": path, "GYM_SUITE_CACHE_DIR": str(tmp_path / "cache")}
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env=variables,
            cwd=tmp_path,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert told == [["15.0", "10.0", "2"], ["15.0", "10.0", "0"]]


LINKED = """
import numpy as np
from gym_suite.core.kernel import called_kernel, kernel
@called_kernel
def part(x):
    return 2.0 * x
@kernel
def whole(row):
    total = 0.0
    for k in range(row.shape[0]):
        total += part(row[k])
    return total
def code(function):
    (result,) = function.overloads.values()
    return result.library.get_pointer_to_function(result.fndesc.llvm_func_name) != 0
print(whole(np.arange(4.0)), part(3.0))
"""


def test_what_other_kernels_call_has_machine_code_in_them_alone(tmp_path):
    """A second start, which reads all from the disk, computes the same."""
    (tmp_path / "made.py").write_text(LINKED)
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import made"
    asked = program + "; print(*map(made.code, (made.whole, made.part, made.part.inner)))"
    cache = str(tmp_path / "cache")
    first, _ = run(PACKAGE.parent, asked, GYM_SUITE_CACHE_DIR=cache)
    assert first == ["12.0 6.0", "True True False"]
    second, _ = run(PACKAGE.parent, program, GYM_SUITE_CACHE_DIR=cache)
    assert second == ["12.0 6.0"]


def test_garbage_waits_while_kernels_are_compiled():
    assert gc.isenabled()
    with announce_slow_compile("toys", "toys/Toy-v0"):
        assert not gc.isenabled()
        with announce_slow_compile("toys", "toys/Toy-v0"):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with announce_slow_compile("toys", "toys/Toy-v0"):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
