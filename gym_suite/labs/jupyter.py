"""A lab as a notebook for Jupyter and Colab.

There the fields and sliders of marimo do not live. A cell with sliders says what to change by hand, and the answers are
written into a cell that grades them. The first cell installs the package where it is missing, from a wheel beside the
notebook or by its name.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gym_suite.labs.course import Lab
from gym_suite.labs.session import Session

#: Calls of ``widgets`` in the cells that ask, grade and report; one cell of plain Python stands for them.
_ASKING = ("answer_fields", "graded", "report_button")


def checked(path: Path) -> Path:
    """Return the path of a notebook.

    Raises:
        ValueError: If its name does not end in .ipynb.
    """
    if path.suffix != ".ipynb":
        raise ValueError(f"a notebook's name ends in .ipynb, got {str(path)!r}")
    return path


def as_notebook(lab: Lab, *, student: int = 0) -> str:
    """Return a lab as the text of a notebook of Jupyter's format 4.5.

    Args:
        lab: The lab.
        student: The student's number; it can be changed in the notebook.

    Raises:
        ValueError: If the student's number is none.
    """
    session = Session(lab, student=student)
    cells = [
        _cell("markdown", _opening(lab)),
        _cell("code", _installing(lab)),
        *_cells(lab, session.student),
        _cell("markdown", "## Questions"),
        _cell("code", _asking()),
        _cell("code", _grading(lab)),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"{lab.name.replace('_', '-')}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    told = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(told, indent=1) + "\n"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}}
    cell["source"] = source.strip().splitlines(keepends=True)
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def _opening(lab: Lab) -> str:
    return (
        f"# Lab {lab.number}: {lab.title}\n\n"
        "Run the cells from top to bottom. Where a cell has sliders, change the number behind `value=` and run that "
        "cell and those below it again. `gym-suite lab` opens the same lab with live sliders on your own machine."
    )


def _installing(lab: Lab) -> str:
    extras = ",".join(("lab", *lab.extras))
    return f"""
# Installs the package where it is missing, as on Colab: from a wheel that lies beside the notebook, if there is one.
import importlib.util
import subprocess
import sys
from pathlib import Path

if any(importlib.util.find_spec(name) is None for name in ("gym_suite", "marimo")):
    wheels = sorted(str(path.resolve()) for path in Path().glob("gym_suite-*.whl"))
    package = wheels[-1] if wheels else "gym-suite"
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", f"{{package}}[{extras}]"])
"""


def _cells(lab: Lab, student: int) -> Iterator[dict[str, Any]]:
    """Yield the cells of the lab's own notebook up to its questions."""
    text = lab.notebook.read_text("utf-8")
    for function in ast.parse(text).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        body = [node for node in function.body if not isinstance(node, ast.Return)]
        source = _source(text, body)
        if any(f"widgets.{call}(" in source for call in _ASKING):
            continue
        words = _words(body)
        if words is not None:
            yield _cell("markdown", words)
            continue
        if "widgets.student_field()" in source:
            yield _cell(
                "code",
                "# Your student number decides your numbers.\n"
                f"student = mo.ui.number(value={student})",
            )
        elif "mo.ui." in source:
            shown = isinstance(body[-1], ast.Expr)
            yield _cell(
                "code",
                "# Change a number behind value= and run this cell and those below it again.\n"
                + _source(text, body[:-1] if shown else body),
            )
        else:
            yield _cell("code", source)


def _source(text: str, body: list[ast.stmt]) -> str:
    """Return the lines of statements, as they would stand outside their function."""
    first, last = body[0].lineno, body[-1].end_lineno
    return textwrap.dedent("".join(text.splitlines(keepends=True)[first - 1 : last]))


def _words(body: list[ast.stmt]) -> str | None:
    """Return the Markdown of a cell that shows nothing but a constant text, else None."""
    match body:
        case [
            ast.Expr(
                value=ast.Call(func=ast.Attribute(attr="md"), args=[ast.Constant(value=str(words))])
            )
        ]:
            return textwrap.dedent(words)
    return None


def _asking() -> str:
    return """
for question in session.lab.questions:
    print(f"{question.key}: {session.text(question.key)}")
    for choice in question.choices:
        print(f"    - {choice}")
    if question.unit:
        print(f"    (a number in {question.unit})")
"""


def _grading(lab: Lab) -> str:
    lines = "".join(f'    "{question.key}": None,\n' for question in lab.questions)
    return f"""
# Write your answers in place of None, numbers or one of the choices, and run this cell.
from gym_suite.labs import report_page

answers = {{
{lines}}}
for key, answer in answers.items():
    print(f"{{key}}: {{session.check(key, answer).message}}")
with open(f"lab-{lab.number}-student-{{session.student}}.html", "w", encoding="utf-8") as report:
    report.write(report_page(session, answers))
"""
