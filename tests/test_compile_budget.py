"""What a first start compiles: the number of functions is the same on every machine, so it is what is held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gym_suite
from gym_suite import bench

#: Functions that the first id of a family may compile, with an empty cache.
MOST = 96
#: Functions that an id of another kernel path of the same family may add to it.
MOST_MORE = 40
PACKAGE = Path(gym_suite.__file__).parent


@pytest.mark.parametrize("id", bench.first_ids())
def test_a_first_start_compiles_few_functions(id, tmp_path):
    (start,) = bench.measure_cold([id])
    assert 0 < start.compilations <= MOST


def test_a_page_an_edit_of_prose_and_another_family_compile_nothing(tmp_path):
    """A second start finds all machine code, also after edits of what is no kernel of its own."""
    import shutil

    root = tmp_path / "copy"
    ignored = shutil.ignore_patterns("policies", "__pycache__")
    shutil.copytree(PACKAGE, root / "gym_suite", ignore=ignored)
    program = (
        "import numba.core.event as e, gymnasium, gym_suite\n"
        "seen = e.RecordingListener(); e.register('numba:compile', seen)\n"
        "env = gymnasium.make('radio/Access-v0'); env.reset(seed=0); env.step(0)\n"
        "print(sum(one.is_start for _, one in seen.buffer))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "GYM_SUITE_CACHE_DIR": str(tmp_path / "cache"),
    }

    def compiled():
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            cwd=root,
        )
        return int(done.stdout)

    assert compiled() > 0
    for edited in ("radio/pages/family.md", "core/pages/shared.md", "motors/dynamics.py", "cli.py"):
        with (root / "gym_suite" / edited).open("a", encoding="utf-8") as file:
            file.write("\n# Another sentence.\n" if edited.endswith(".py") else "\nMore.\n")
    assert compiled() == 0
    with (root / "gym_suite" / "radio" / "dynamics.py").open("a", encoding="utf-8") as file:
        file.write("\nEDITED = 1\n")
    assert compiled() > 0
