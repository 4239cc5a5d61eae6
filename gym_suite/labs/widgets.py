"""What all labs show alike: the student's number, fields for answers, verdicts, pictures and the report."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gym_suite.labs.report import report_page
from gym_suite.labs.session import MOST_STUDENTS, Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def student_field() -> Any:
    """Return the field for the student's number; ``--student`` on the command line fills it."""
    import marimo as mo

    given = mo.cli_args().get("student")
    start = int(given) if isinstance(given, int | float) and 0 <= given <= MOST_STUDENTS else 0
    return mo.ui.number(start=0, stop=MOST_STUDENTS, step=1, value=start, label="Student number")


def heading(session: Session) -> Any:
    """Return the title, the student's numbers, and a warning where the notebook is an older one.

    Args:
        session: The student at the lab.
    """
    import marimo as mo

    lab = session.lab
    rows = "\n".join(
        f"| {draw.meaning} | {session.numbers[draw.name]:g} {draw.unit} |" for draw in lab.draws
    )
    text = f"# Lab {lab.number}: {lab.title}\n\nAbout {lab.minutes} minutes. You need: {lab.prerequisites}.\n"
    table = mo.md(f"Your numbers:\n\n| what | value |\n|---|---|\n{rows}")
    shown = [mo.md(text), table]
    if session.outdated:
        shown.insert(0, mo.callout(mo.md(session.outdated), kind="warn"))
    return mo.vstack(shown)


def answer_fields(session: Session) -> Any:
    """Return one field a question, by the keys of the questions.

    Args:
        session: The student at the lab.
    """
    import marimo as mo

    fields: dict[str, Any] = {}
    for question in session.lab.questions:
        if question.choices:
            fields[question.key] = mo.ui.radio(options=list(question.choices))
        else:
            label = f"Answer in {question.unit}" if question.unit else "Answer"
            fields[question.key] = mo.ui.text(label=label)
    return mo.ui.dictionary(fields)


def graded(session: Session, fields: Any) -> Any:
    """Return all questions with their fields and what is to be said of the answers.

    Args:
        session: The student at the lab.
        fields: What :func:`answer_fields` gave.
    """
    import marimo as mo

    shown: list[Any] = [mo.md("## Questions")]
    right = 0
    for number, question in enumerate(session.lab.questions, start=1):
        verdict = session.check(question.key, fields.value[question.key])
        right += verdict.passed
        kind = "success" if verdict.passed else "warn" if verdict.answered else "neutral"
        shown += [
            mo.md(f"**{number}.** {session.text(question.key)}"),
            fields[question.key],
            mo.callout(verdict.message, kind=kind),
        ]
    shown.append(mo.md(f"**{right} of {len(session.lab.questions)} answers are right.**"))
    return mo.vstack(shown)


def picture(figure: Figure, alt: str) -> Any:
    """Return a figure as a picture of the page.

    Args:
        figure: Of matplotlib.
        alt: What it shows, in words.
    """
    import marimo as mo

    return mo.image(png(figure), alt=alt)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG file.

    Args:
        figure: Of matplotlib.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def report_button(session: Session, fields: Any, figures: Mapping[str, Figure]) -> Any:
    """Return the button that saves the report.

    Args:
        session: The student at the lab.
        fields: What :func:`answer_fields` gave.
        figures: Figures by their captions.
    """
    import marimo as mo

    page = report_page(
        session, fields.value, {caption: png(figure) for caption, figure in figures.items()}
    )
    name = f"lab-{session.lab.number}-student-{session.student}.html"
    return mo.download(
        data=page.encode(), filename=name, mimetype="text/html", label="Save the report"
    )
