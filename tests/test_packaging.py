"""What is shipped: metadata, data files, versions and sizes."""

import fnmatch
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import gym_suite

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE = ROOT / "gym_suite"


def tracked_files() -> list[Path]:
    """Return the files of the repository; without git (an archive) there is nothing to say."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def citation(field: str) -> str:
    found = re.search(rf'^{field}: "?(.*?)"?$', (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    assert found, f"CITATION.cff has no {field}"
    return found[1]


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    found = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.casefold().replace("_", "-"): Version(version) for name, version in found}


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    written = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in written]


def test_version_is_written_in_one_place():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == (
        "gym_suite.version.__version__"
    )
    assigned = [
        path
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^__version__ *=", path.read_text("utf-8"), re.M)
    ]
    assert assigned == [PACKAGE / "version.py"]
    Version(gym_suite.__version__)


def test_citation_agrees_with_the_package():
    assert citation("version") == gym_suite.__version__
    assert citation("license") == PROJECT["project"]["license"]
    assert citation("title").startswith(PROJECT["project"]["name"].replace("-", "_"))


def test_changelog_has_this_version():
    assert f"## {gym_suite.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_data_file_is_shipped():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["gym_suite"]
    left_out = [
        name
        for path in tracked_files()
        if path.is_relative_to(PACKAGE) and path.suffix != ".py"
        for name in [path.relative_to(PACKAGE).as_posix()]
        if not any(
            fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, pattern.removeprefix("**/"))
            for pattern in patterns
        )
    ]
    assert not left_out, f"no pattern of package-data takes {left_out}"
    assert "py.typed" in patterns
    assert (PACKAGE / "py.typed").is_file()


def test_every_written_page_is_shipped_where_the_package_looks_for_it():
    shared = PROJECT["tool"]["setuptools"]["data-files"]
    taken = {path for patterns in shared.values() for p in patterns for path in ROOT.glob(p)}
    assert set((ROOT / "docs").rglob("*.md")) <= taken
    for folder, patterns in shared.items():
        below = folder.removeprefix("share/gym-suite/")
        assert all(pattern.rpartition("/")[0] == below for pattern in patterns), folder


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    bare = [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    assert not bare, f"no __init__.py, so not in the wheel: {bare}"


def test_every_requirement_is_pinned_within_its_range():
    pinned = pins()
    for requirement in requirements():
        if requirement.name == "gym-suite":
            continue
        assert requirement.name in pinned, f"constraints.txt does not pin {requirement.name}"
        assert pinned[requirement.name] in requirement.specifier, str(requirement)
    assert pinned["torch"] == Version("2.13.0")


def test_the_guide_on_rllib_installs_what_it_needs_beside_this_package():
    """Its pin of Gymnasium is Ray's own, where Ray is installed, and one with which this package works."""
    guide = (ROOT / "docs/guides/rllib.md").read_text("utf-8")
    found = re.search(r"pins Gymnasium, Ray ([\d.]+) to `(gymnasium==([\d.]+))`", guide)
    assert found and 'pip install -e . "ray[rllib]" torch' in guide
    assert str(pins()["ray"]).startswith(found[1])
    (ours,) = (one for one in PROJECT["project"]["dependencies"] if one.startswith("gymnasium"))
    assert found[3] in Requirement(ours).specifier
    assert pins()["gymnasium"] > Version(found[3])
    assert "ray" not in PROJECT["project"]["optional-dependencies"]
    try:
        needed = requires("ray") or ()
    except PackageNotFoundError:
        return
    if version("ray").startswith(found[1]):
        assert any(re.match(rf"{re.escape(found[2])};.*rllib", one) for one in needed)


def test_files_stay_small():
    large = [
        f"{path}: {path.stat().st_size}" for path in tracked_files() if path.stat().st_size > 2**20
    ]
    assert not large, "\n".join(large)


def test_no_absolute_paths_of_a_machine():
    path_of_a_machine = re.compile(rb"(^|[^A-Za-z0-9_.])/(work|root|farm)/[A-Za-z.]")
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.splitlines(), start=1):
            if path_of_a_machine.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    assert not found, "\n".join(found)


def test_text_files_say_where_data_comes_from():
    text = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    unnamed = [
        path.name
        for path in tracked_files()
        if path.is_relative_to(PACKAGE) and path.suffix == ".csv" and "policies" not in path.parts
        if path.name not in text
    ]
    assert not unnamed, f"THIRD_PARTY.md does not name {unnamed}"
