"""The report of a lab: one page of HTML to print or to hand in, with answers, verdicts and pictures."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from html import escape
from typing import Any

from gym_suite.labs.session import Session
from gym_suite.version import __version__

_STYLE = """
body { font-family: sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.45; }
h1 { font-size: 1.5rem; margin-bottom: 0.2rem; } h2 { font-size: 1.1rem; margin-top: 1.6rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border: 1px solid #bbb; padding: 0.3rem 0.5rem; text-align: left; }
img { max-width: 100%; } figure { margin: 1rem 0; break-inside: avoid; }
.right { color: #1b6e3c; } .wrong { color: #a33; }
@media print { body { margin: 0; } }
"""


def report_page(
    session: Session, answers: Mapping[str, Any], figures: Mapping[str, bytes] | None = None
) -> str:
    """Return the page.

    Args:
        session: The student at the lab.
        answers: Answers by the keys of the questions; missing ones are shown as not answered.
        figures: Captions and PNG files, in order.
    """
    lab = session.lab
    verdicts = {q.key: session.check(q.key, answers.get(q.key)) for q in lab.questions}
    right = sum(verdict.passed for verdict in verdicts.values())
    numbers = "".join(
        f"<tr><td>{escape(d.meaning)}</td><td>{session.numbers[d.name]:g} {escape(d.unit)}</td></tr>"
        for d in lab.draws
    )
    parts = [
        f"<h1>Lab {lab.number}: {escape(lab.title)}</h1>",
        f"<p>Student {session.student}, {datetime.date.today().isoformat()}, gym_suite {__version__}, version "
        f"{lab.version} of the lab. <strong>{right} of {len(verdicts)} answers are right.</strong></p>",
        f"<h2>Numbers</h2><table>{numbers}</table><h2>Answers</h2><table>",
        "<tr><th>Question</th><th>Answer</th><th>Verdict</th></tr>",
    ]
    for question in lab.questions:
        verdict = verdicts[question.key]
        answer = answers.get(question.key)
        unit = f" {question.unit}" if question.unit else ""
        given = "" if answer in (None, "") else f"{answer}{unit}"
        style = "right" if verdict.passed else "wrong"
        parts.append(
            f"<tr><td>{escape(session.text(question.key))}</td><td>{escape(given)}</td>"
            f'<td class="{style}">{escape(verdict.message)}</td></tr>'
        )
    parts.append("</table>")
    for caption, picture in (figures or {}).items():
        data = base64.b64encode(picture).decode()
        parts.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Lab {lab.number}, student {session.student}</title><style>{_STYLE}</style></head>"
        f"<body>\n{body}\n</body></html>\n"
    )
