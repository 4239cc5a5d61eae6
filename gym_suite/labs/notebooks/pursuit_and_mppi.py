"""Lab 11: pure pursuit, MPPI, and odometry that drifts."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 11: pure pursuit and MPPI")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import pursuit_and_mppi as lesson

    return Figure, Session, lesson, mo, widgets


@app.cell
def _(mo, widgets):
    student = widgets.student_field()
    mo.hstack([student])
    return (student,)


@app.cell
def _(Session, lesson, student, widgets):
    session = Session(lesson.LAB, student=int(student.value or 0), version=2)
    widgets.heading(session)
    return (session,)


@app.cell
def _(mo):
    mo.md(r"""
    A vehicle is to drive round the end of a wall. `a_star` plans a way over the cells and follows a point on it
    some distance ahead, on the arc that leads there (pure pursuit). `mppi` tries many sequences of actions on its
    model and averages them, the cheap ones with more weight.

    Move the lookahead and the width of the gap. Below, odometry: the vehicle believes that it drives straight on.
    """)
    return


@app.cell
def _(mo):
    lookahead = mo.ui.slider(
        0.4, 3.0, 0.1, value=1.0, label="lookahead in m", show_value=True, full_width=True
    )
    gap = mo.ui.slider(4, 10, 1, value=6, label="gap in cells of half a metre", show_value=True)
    error = mo.ui.slider(
        0.0, 2.0, 0.1, value=1.0, label="one wheel larger, in %", show_value=True, full_width=True
    )
    planned = mo.ui.switch(value=True, label="MPPI too (takes some seconds)")
    mo.vstack([lookahead, gap, error, planned])
    return error, gap, lookahead, planned


@app.cell
def _(gap, lesson, lookahead, planned):
    drives = {"pure pursuit": lesson.drive(gap.value, "a_star", lookahead=lookahead.value)}
    if planned.value:
        drives["MPPI"] = lesson.drive(gap.value, "mppi", samples=64)
    return (drives,)


@app.cell
def _(Figure, drives, error, gap, lesson, mo, session, widgets):
    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    hall, drift = figure.subplots(2, 1, height_ratios=(2, 1))
    rows = lesson.floor(gap.value).splitlines()
    for j, line in enumerate(reversed(rows)):
        for k, cell in enumerate(line):
            if cell == "#":
                hall.fill_between(
                    [k * lesson.CELL, (k + 1) * lesson.CELL],
                    j * lesson.CELL,
                    (j + 1) * lesson.CELL,
                    color="0.8",
                )
    for name, way in drives.items():
        hall.plot(way.x, way.y, label=name)
    hall.set_aspect("equal")
    hall.set_xlabel("m")
    hall.legend(frameon=False)
    way = session.numbers["way"]
    true = lesson.driven(way, 1e-2 * error.value)
    drift.plot([0.0, way], [0.0, 0.0], "--", label="believed")
    drift.plot(true[:, 0], true[:, 1], label="driven")
    drift.set_xlabel("along in m")
    drift.set_ylabel("across in m")
    drift.legend(frameon=False)
    told = "; ".join(
        f"{name}: {'arrived' if d.arrived else 'did not arrive'} after **{d.seconds:.1f} s** and {d.length:.1f} m, "
        f"clearance **{d.clearance:.2f} m**"
        for name, d in drives.items()
    )
    mo.vstack([widgets.picture(figure, "Ways round the wall, and odometry"), mo.md(told)])
    return (figure,)


@app.cell
def _(mo):
    mo.md(r"""
    ## A real run

    A Clearpath Husky drove outdoors for six and a half minutes (robot_localization, test1.bag). Its four wheels do not
    steer: in every turn they skid. The reckoning adds up what its wheels said; GPS knows the place to about a metre.
    The heading at the start is not recorded, so the way is turned as a whole to where it fits best.
    """)
    return


@app.cell
def _(mo):
    turn = mo.ui.slider(
        0.9, 1.15, 0.01, value=1.0, label="factor of the turns", show_value=True, full_width=True
    )
    mo.hstack([turn])
    return (turn,)


@app.cell
def _(Figure, lesson, mo, turn, widgets):
    run = lesson.reckon(turn.value)
    figure_real = Figure(figsize=(6.0, 5.0), layout="constrained")
    place = figure_real.subplots()
    place.plot(run.measured[:, 0], run.measured[:, 1], ".", ms=2, color="0.5", label="GPS")
    place.plot(run.reckoned[:, 0], run.reckoned[:, 1], label="reckoned")
    place.set_aspect("equal")
    place.set_xlabel("east in m")
    place.set_ylabel("north in m")
    place.legend(frameon=False)
    mo.vstack(
        [
            widgets.picture(figure_real, "A real run: reckoned by its wheels, and by GPS"),
            mo.md(
                f"Root of the mean square of the distance: **{run.distance:.2f} m**, on a way of "
                f"{run.length:.0f} m."
            ),
        ]
    )
    return (figure_real,)


@app.cell
def _(session, widgets):
    fields = widgets.answer_fields(session)
    return (fields,)


@app.cell
def _(fields, session, widgets):
    widgets.graded(session, fields)
    return


@app.cell
def _(fields, figure, figure_real, session, widgets):
    widgets.report_button(
        session,
        fields,
        {"Ways round the wall, and odometry": figure, "A real run": figure_real},
    )
    return


if __name__ == "__main__":
    app.run()
