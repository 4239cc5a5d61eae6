"""Lab 6: a quadcopter, from the linear model to LQR, in wind."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 6: quadcopter and LQR")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import quadcopter_lqr as lesson

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
    About hovering a quadcopter is a chain of integrators: the torque turns it, the tilt $\theta$ accelerates it by
    $g\,\theta$. LQR weighs what you accept of each quantity against the others (Bryson's rule). The reference
    controllers `pid` and `geometric` fly beside it; after {lesson.WIND_FROM:g} s the wind blows along x.

    Move the weights, take the integral action away, and watch what the wind does.
    """)
    return


@app.cell
def _(mo):
    position = mo.ui.slider(
        0.02,
        0.6,
        0.01,
        value=0.1,
        label="acceptable deviation in m",
        show_value=True,
        full_width=True,
    )
    tilt = mo.ui.slider(
        0.03,
        0.6,
        0.01,
        value=0.15,
        label="acceptable tilt in rad",
        show_value=True,
        full_width=True,
    )
    wind = mo.ui.slider(
        0.0, 40.0, 1.0, value=20.0, label="wind in mN", show_value=True, full_width=True
    )
    integral = mo.ui.switch(value=True, label="integral action")
    mo.vstack([position, tilt, wind, integral])
    return integral, position, tilt, wind


@app.cell
def _(integral, lesson, np, position, session, tilt, wind):
    weights = {"position": position.value, "tilt": tilt.value}
    if not integral.value:
        weights["gains"] = {"k_i": np.zeros((4, 3))}
    flights = {
        law: lesson.fly(
            session.numbers, law, wind=1e-3 * wind.value, **(weights if law == "lqr" else {})
        )
        for law in lesson.LAWS
    }
    return (flights,)


@app.cell
def _(Figure, flights, lesson, mo, widgets):
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    along, far = figure.subplots(1, 2)
    for law, flight in flights.items():
        along.plot(flight.time, flight.x, label=law)
        far.semilogy(flight.time, flight.distance, label=law)
    for axes in (along, far):
        axes.axvline(lesson.WIND_FROM, color="0.6", lw=1)
        axes.set_xlabel("time in s")
    along.set_ylabel("deviation along the wind in m")
    far.set_ylabel("distance from the target in m")
    far.legend(frameon=False)
    told = ", ".join(f"{law} **{1e3 * flight.rest:.1f} mm**" for law, flight in flights.items())
    mo.vstack(
        [
            widgets.picture(figure, "Flights to the target, in wind"),
            mo.md(f"From the target in the last half second: {told}"),
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
    widgets.report_button(session, fields, {"Flights to the target, in wind": figure})
    return


if __name__ == "__main__":
    app.run()
