"""Commands for the first hour and the classroom: doctor, warm, lab, examples, docs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from gym_suite.commands.output import FAILED, put, tell_line


def doctor() -> int:
    """Say what is installed, what is missing for which feature and the line that installs it, and where the cache is.

    Ends with status 1 if a feature is missing.
    """
    from gym_suite import doctor as doctors

    findings = doctors.examine()
    put(doctors.as_table(findings))
    return FAILED if any(finding.state == "missing" for finding in findings) else 0


def warm(*, family: str | None = None) -> None:
    """Compile the kernels ahead, so that the first lesson or run does not wait for them.

    Args:
        family: Only this family.
    """
    from gym_suite import doctor as doctors

    count, seconds = doctors.warm(family, tell=tell_line)
    print(
        f"{count} functions compiled in {seconds:.0f} s"
        if count
        else "Everything was compiled before."
    )


def lab(
    name: Annotated[str, arg(metavar="[LAB]", help_behavior_hint="")] = "",
    /,
    *,
    student: int = 0,
    port: int = 2718,
    host: str = "127.0.0.1",
    browser: bool = True,
    copy: Path | None = None,
    notebook: Path | None = None,
    solutions: bool = False,
) -> int:
    """List the teaching labs, or open one in the browser (extra lab); Ctrl-C ends it.

    Args:
        name: Number or name of the lab; without one all labs are listed.
        student: The student's number, which decides the numbers of the lab.
        port: Port on which it is served.
        host: Address on which it is served; the default is reached from this machine alone.
        browser: Whether to open a browser.
        copy: Folder into which to copy the notebook instead, to change its code.
        notebook: File into which to write the lab as a notebook for Jupyter and Colab instead; its name ends in .ipynb.
        solutions: Print the answers for this student instead.
    """
    from gym_suite.labs import jupyter, lab_named, opening

    if not name:
        asked = {"--copy": copy, "--notebook": notebook, "--solutions": solutions}
        for option, value in asked.items():
            if value:
                raise ValueError(f"{option} needs a lab: give its number or its name first")
        put(opening.as_table())
        return 0
    chosen = lab_named(name)
    if solutions:
        put(opening.solutions(chosen, student))
        return 0
    if copy is not None:
        path = opening.copy(chosen, copy)
        print(f"{path}\nOpen it with: {sys.executable} -m marimo edit {path}")
        return 0
    if notebook is not None:
        opening.write_new(jupyter.checked(notebook), jupyter.as_notebook(chosen, student=student))
        print(notebook)
        return 0
    return opening.serve(
        chosen, student=student, host=host, port=port, browser=browser, tell=tell_line
    )


def examples(
    name: Annotated[str, arg(metavar="[NAME]", help_behavior_hint="")] = "",
    /,
    *,
    copy: Path | None = None,
) -> int:
    """List the example programs, print one, or copy them to change them.

    Args:
        name: Name of an example; without one all are meant.
        copy: Folder into which to copy instead.
    """
    from gym_suite import examples as programs

    chosen = programs.named(name) if name else programs.examples()
    if copy is not None:
        for path in programs.copied(chosen, copy):
            print(f"{path}\nRun it with: {sys.executable} {path}")
        return 0
    if name:
        print(chosen[0].path.read_text("utf-8"), end="")
        return 0
    put(programs.as_table())
    return 0


def docs(name: Annotated[str, arg(metavar="[PAGE]", help_behavior_hint="")] = "", /) -> int:
    """List the written pages of the documentation, or print one.

    The page of an id is what show ID --page prints.

    Args:
        name: Name of a page; without one all pages are listed.
    """
    from gym_suite import handbook

    if name:
        print(handbook.named(name).text, end="")
        return 0
    put(handbook.as_table())
    return 0
