"""Lab 12: exploration."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 12: exploration")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import exploration as lesson

    return Figure, Session, lesson, mo, np, widgets


@app.cell
def _(mo, widgets):
    student = widgets.student_field()
    mo.hstack([student])
    return (student,)


@app.cell
def _(Session, lesson, student, widgets):
    session = Session(lesson.LAB, student=int(student.value or 0), version=1)
    widgets.heading(session)
    return (session,)


@app.cell
def _(lesson, mo):
    mo.md(rf"""
    A vehicle is rewarded at its target and nowhere else. On the left is where {lesson.WORLDS} vehicles come with
    random actions: hold an action for longer, and they come farther. On the right is what recorded trainings came
    to, a line each: PPO alone, with random network distillation, and with a bonus for cells that were visited
    seldom.
    """)
    return


@app.cell
def _(lesson, mo):
    scene = mo.ui.dropdown(list(lesson.SCENES), value="a bay", label="scene")
    shown = mo.ui.radio(
        ["success", "coverage"], value="success", label="shown of the trainings", inline=True
    )
    hold = mo.ui.slider(
        1,
        60,
        1,
        value=10,
        label="steps for which a random action is held",
        show_value=True,
        full_width=True,
    )
    mo.vstack([mo.hstack([scene, shown]), hold])
    return hold, scene, shown


@app.cell
def _(hold, lesson, scene, session):
    places = lesson.visits(scene.value, hold.value, seed=session.student % 1000)
    trainings = lesson.learned(scene.value)
    return places, trainings


@app.cell
def _(Figure, mo, np, places, shown, trainings, widgets):
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    visited, curves = figure.subplots(1, 2)
    visited.hist2d(places[:, 0], places[:, 1], bins=40, cmin=1)
    visited.set_aspect("equal")
    visited.set_title("visited by random actions")
    visited.set_xlabel("x in m")
    visited.set_ylabel("y in m")
    for color, (method, run) in enumerate(trainings.items()):
        for k, row in enumerate(getattr(run, shown.value)):
            curves.plot(run.steps, row, color=f"C{color}", lw=1, label=method if k == 0 else None)
    curves.set_xlabel("training steps in millions")
    curves.set_ylabel({"success": "episodes that arrive", "coverage": "cells visited"}[shown.value])
    curves.legend(frameon=False)
    cells = len(np.unique(np.floor(places / 0.5), axis=0))
    never = {m: int(np.isinf(run.first).sum()) for m, run in trainings.items()}
    told = ", ".join(f"{m} **{never[m]} of {len(run.first)}**" for m, run in trainings.items())
    mo.vstack(
        [
            widgets.picture(figure, "Places visited, and trainings"),
            mo.md(
                f"Random actions visit **{cells}** squares of half a metre. Never arrived in training: {told}."
            ),
        ]
    )
    return (figure,)


@app.cell
def _(session, widgets):
    fields = widgets.answer_fields(session)
    return (fields,)


@app.cell
def _(fields, session, widgets):
    widgets.graded(session, fields)
    return


@app.cell
def _(fields, figure, session, widgets):
    widgets.report_button(session, fields, {"Places visited, and trainings": figure})
    return


if __name__ == "__main__":
    app.run()
