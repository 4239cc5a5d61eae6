"""Every example runs headless in seconds, and so does every block of code in the README."""

import importlib
import inspect
import re
import shlex
from pathlib import Path

import matplotlib
import pytest

from gym_suite import cli

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)


def commands() -> list[str]:
    return [line for block in blocks("shell") for line in block.splitlines() if line]


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, monkeypatch):
    needs(path.read_text("utf-8"))
    monkeypatch.syspath_prepend(str(path.parent))
    module = importlib.import_module(path.stem)
    assert module.__doc__, "an example says what it shows"
    defaults = inspect.signature(module.main).parameters.values()
    assert all(parameter.default is not parameter.empty for parameter in defaults)
    module.main()


def needs(source: str) -> None:
    """Skip, with the reason, where an extra that the source imports is not installed."""
    if "ray.rllib" in source:
        pytest.importorskip("ray.rllib.algorithms.ppo", exc_type=ImportError)
    for extra in ("torch", "stable_baselines3", "control"):
        if re.search(rf"^\s*(import|from) {extra}\b", source, re.M) or (
            extra == "stable_baselines3" and "make_sb3_vec" in source
        ):
            pytest.importorskip(extra)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.splitlines()[0])
def test_readme_python_runs(block):
    needs(block)
    exec(compile(block, "README.md", "exec"), {"__name__": "__readme__"})


@pytest.mark.parametrize("command", commands())
def test_readme_shell_runs(command):
    program, *arguments = shlex.split(command)
    assert program == "gym-suite"
    assert cli.main(arguments) == 0
    for option in ("--csv", "--out"):
        if option in arguments:
            assert Path(arguments[arguments.index(option) + 1]).exists()


def test_readme_names_every_id():
    from gym_suite.core.cards import OUTSIDE
    from gym_suite.registration import catalogue

    # Examples register ids of their own.
    ours = [card.id for card in catalogue().values() if card.module != OUTSIDE]
    missing = [id for id in ours if f"`{id}`" not in README]
    assert not missing


def test_readme_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert all((ROOT / link).is_file() for link in links), links


def test_readme_windows_commands_are_those_of_the_makefile():
    """The same packages, constraints and comparison, whichever way they are started."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    windows = blocks("bat")[0]
    for step in (
        "install -c constraints.txt -e .",
        "compare gem/PMSM-v0 gem/PMSM-DriveCycle-v0 --out",
    ):
        assert step in windows.replace("install --quiet", "install")
        assert step in makefile.replace("install --quiet", "install")
