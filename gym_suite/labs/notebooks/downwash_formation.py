"""Lab 7: downwash, and quadcopters that change places."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 7: downwash and formation")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import downwash_formation as lesson

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
    ## Downwash

    A quadcopter that hovers blows air down, in a bell that is wider and weaker the further below you are. On the left
    the downwash of the package's physics (nearer than one metre it stays what it is at one metre: the measured law is
    not to be trusted there). On the right one drone flies across above another, whose law holds its
    place with or without an integral of the error.
    """)
    return


@app.cell
def _(mo):
    height = mo.ui.slider(
        0.3,
        2.0,
        0.1,
        value=1.0,
        label="height above the lower drone in m",
        show_value=True,
        full_width=True,
    )
    pace = mo.ui.slider(
        0.2,
        1.5,
        0.1,
        value=0.3,
        label="speed of the upper drone in m/s",
        show_value=True,
        full_width=True,
    )
    mo.vstack([height, pace])
    return height, pace


@app.cell
def _(height, lesson, pace, session):
    passes = {
        name: lesson.fly_over(
            session.numbers, height=height.value, speed=pace.value, integral=integral
        )
        for name, integral in lesson.LAWS.items()
    }
    return (passes,)


@app.cell
def _(Figure, height, lesson, mo, np, passes, widgets):
    blown = Figure(figsize=(9.0, 3.6), layout="constrained")
    bell, sinking = blown.subplots(1, 2)
    aside = np.linspace(-0.5, 0.5, 201)
    for _h in sorted({1.0, 1.5, 2.0, height.value}):
        force = lesson.downwash(np.full(aside.shape, _h), aside)
        bell.plot(aside, 1e3 * force, lw=2.5 if _h == height.value else 1.0, label=f"{_h:g} m")
    bell.set_xlabel("distance from the axis in m")
    bell.set_ylabel("downwash in mN")
    bell.legend(frameon=False, fontsize=8)
    for _name, _passed in passes.items():
        sinking.plot(_passed.upper, 100.0 * _passed.lower, label=_name)
    sinking.set_xlabel("place of the upper drone in m")
    sinking.set_ylabel("deviation of the lower drone's height in cm")
    sinking.legend(frameon=False, fontsize=8)
    told = ", ".join(f"**{100.0 * p.sunk:.1f} cm** {name}" for name, p in passes.items())
    mo.vstack(
        [
            widgets.picture(blown, "The bell of the downwash, and a drone that is flown over"),
            mo.md(f"The lower drone sinks by {told}."),
        ]
    )
    return (blown,)


@app.cell
def _(mo):
    mo.md(r"""
    ## Changing places

    Drones stand on a ring and are all sent to the opposite place at once. Each sees its neighbours and adds to its
    wanted velocity one away from them and one to their right; the slider says how much to the right. Two drones touch
    at twice their radius (dashed).
    """)
    return


@app.cell
def _(mo):
    count = mo.ui.slider(2, 9, 1, value=6, label="drones", show_value=True, full_width=True)
    swirl = mo.ui.slider(
        0.0, 2.0, 0.25, value=1.5, label="share to the right", show_value=True, full_width=True
    )
    speed = mo.ui.slider(
        0.3, 1.5, 0.05, value=0.65, label="speed in m/s", show_value=True, full_width=True
    )
    mo.vstack([count, swirl, speed])
    return count, speed, swirl


@app.cell
def _(count, lesson, speed, swirl):
    flown = lesson.swap(drones=count.value, speed=speed.value, swirl=swirl.value)
    return (flown,)


@app.cell
def _(Figure, flown, lesson, mo, widgets):
    changed = Figure(figsize=(9.0, 3.8), layout="constrained")
    above, near = changed.subplots(1, 2)
    for _k in range(flown.places.shape[1]):
        (_line,) = above.plot(flown.places[:, _k, 0], flown.places[:, _k, 1])
        above.plot(*flown.places[0, _k], "o", mfc="none", color=_line.get_color())
        above.plot(*flown.places[-1, _k], "o", color=_line.get_color())
    above.set_aspect("equal")
    above.set_xlabel("x in m")
    above.set_ylabel("y in m")
    near.plot(flown.time, flown.nearest)
    near.axhline(lesson.TOUCH, color="k", ls="--", lw=1)
    near.set_ylim(bottom=0.0)
    near.set_xlabel("time in s")
    near.set_ylabel("least distance of two drones in m")
    ended = "Two drones touched." if flown.touched else "No drone touched another."
    mo.vstack(
        [
            widgets.picture(changed, "Drones that change places, from above"),
            mo.md(
                f"{ended} They came as near as **{100.0 * flown.nearest.min():.0f} cm**, and at the end are "
                f"**{100.0 * flown.missed:.0f} cm** from their places in the mean."
            ),
        ]
    )
    return (changed,)


@app.cell
def _(session, widgets):
    fields = widgets.answer_fields(session)
    return (fields,)


@app.cell
def _(fields, session, widgets):
    widgets.graded(session, fields)
    return


@app.cell
def _(blown, changed, fields, session, widgets):
    widgets.report_button(session, fields, {"Downwash": blown, "Changing places": changed})
    return


if __name__ == "__main__":
    app.run()
