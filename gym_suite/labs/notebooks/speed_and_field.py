"""Lab 2: speed control, and field weakening along a driving cycle."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 2: speed and field weakening")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import speed_and_field as lesson

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
def _(mo):
    mo.md(r"""
    Above the current loop stands the loop of the speed, tuned by the symmetrical optimum: its ratio $a$ trades
    speed for damping, and a filter of the reference takes the overshoot of the zero away.

    Faster than the base speed the voltage does not suffice for the field of the magnets. Currents then have to lie
    in an ellipse that shrinks with the speed. In the middle are the current's circle and your machine's ellipse; on
    the right a car on the fast end of the driving cycle, coloured by the speed of its motor.
    """)
    return


@app.cell
def _(mo):
    ratio = mo.ui.slider(
        1.5, 6.0, 0.1, value=4.0, label="ratio a", show_value=True, full_width=True
    )
    prefilter = mo.ui.switch(value=True, label="filter of the reference")
    speed = mo.ui.slider(
        100.0,
        1500.0,
        10.0,
        value=600.0,
        label="speed of the ellipse in rad/s",
        show_value=True,
        full_width=True,
    )
    mo.vstack([ratio, prefilter, speed])
    return prefilter, ratio, speed


@app.cell
def _(lesson):
    driven = lesson.cycle()
    return (driven,)


@app.cell
def _(lesson, prefilter, ratio, session):
    response = lesson.respond(session.numbers, a=ratio.value, prefilter=prefilter.value)
    return (response,)


@app.cell
def _(Figure, driven, lesson, mo, np, response, session, speed, widgets):
    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    step, plane, car = figure.subplots(1, 3)
    step.plot(response.time, response.reference, "k--", lw=1)
    step.plot(response.time, response.speed)
    step.set_xlabel("time in s")
    step.set_ylabel("speed in rad/s")
    ring = np.linspace(0.0, 2.0 * np.pi, 200)
    plane.plot(400.0 * np.cos(ring), 400.0 * np.sin(ring), color="0.6", label="current limit")
    rim = lesson.ellipse(session.numbers, 1.2e-3, speed.value)
    plane.plot(rim[:, 0], rim[:, 1], label="voltage limit")
    plane.set_xlim(-450.0, 450.0)
    plane.set_ylim(-450.0, 450.0)
    plane.set_aspect("equal")
    plane.set_xlabel("d current in A")
    plane.set_ylabel("q current in A")
    plane.legend(frameon=False, fontsize=8, loc="upper right")
    dots = car.scatter(driven[::20, 1], driven[::20, 2], c=driven[::20, 0], s=4)
    figure.colorbar(dots, ax=car, label="rad/s")
    car.set_xlabel("d current in A")
    car.set_ylabel("q current in A")
    lowest = driven[:, 1].min()
    mo.vstack(
        [
            widgets.picture(
                figure, "Step of the speed, limits of the currents, and a car on the cycle"
            ),
            mo.md(
                f"Overshoot **{response.overshoot:.1f} %**, phase margin of the speed loop "
                f"**{response.margin:.1f} degrees**. On the cycle the d current goes down to **{lowest:.0f} A**."
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
    widgets.report_button(session, fields, {"Speed, limits, and the cycle": figure})
    return


if __name__ == "__main__":
    app.run()
