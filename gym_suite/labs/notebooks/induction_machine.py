"""Lab 4: an induction machine on the line, and field-oriented with a wrong rotor resistance."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 4: induction machine")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import induction_machine as lesson

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
    ## On the line

    A machine of 15 kW with a fan on its shaft stands still and is switched to the line. What happens until the flux
    has built up and the shaft has come near the speed of the field? On the right the same start in the plane of speed
    and torque: the torque of the steady state (dashed), the load of the fan (grey), and the way that the start takes.
    """)
    return


@app.cell
def _(mo):
    voltage = mo.ui.slider(
        40, 100, 5, value=100, label="voltage in %", show_value=True, full_width=True
    )
    resistance = mo.ui.slider(
        0.5,
        4.0,
        0.1,
        value=1.0,
        label="times the rotor's resistance",
        show_value=True,
        full_width=True,
    )
    fan = mo.ui.slider(
        0, 100, 5, value=40, label="torque of the fan in N m", show_value=True, full_width=True
    )
    mo.vstack([voltage, resistance, fan])
    return fan, resistance, voltage


@app.cell
def _(fan, lesson, resistance, session, voltage):
    begun = lesson.start(
        session.numbers,
        voltage=voltage.value / 100.0,
        resistance=resistance.value,
        fan=float(fan.value),
    )
    return (begun,)


@app.cell
def _(Figure, begun, lesson, mo, np, resistance, session, voltage, widgets):
    starting = Figure(figsize=(11.0, 3.6), layout="constrained")
    fast, flowing, plane = starting.subplots(1, 3)
    fast.plot(begun.time, begun.speed)
    fast.set_ylabel("speed in rad/s")
    flowing.plot(begun.time, begun.current)
    flowing.set_ylabel("amplitude of the current in A")
    for _axes in (fast, flowing):
        _axes.set_xlabel("time in s")
    field = 2.0 * np.pi * session.numbers["frequency"] / lesson.PAIRS
    speeds = np.linspace(0.0, 0.9999 * field, 300)
    steady = lesson.line_torque(
        session.numbers,
        speeds,
        voltage=voltage.value / 100.0,
        resistance=resistance.value,
    )
    plane.plot(begun.speed, begun.torque, lw=0.7, label="start")
    plane.plot(speeds, steady, "k--", label="steady")
    plane.plot(begun.speed, begun.load, color="0.6", label="fan")
    plane.set_xlabel("speed in rad/s")
    plane.set_ylabel("torque in N m")
    plane.legend(frameon=False, fontsize=8)
    mo.vstack(
        [
            widgets.picture(starting, "Start on the line: speed, current, and torque over speed"),
            mo.md(
                f"The largest current is **{begun.current.max():.0f} A**, the largest torque of the steady state "
                f"**{steady.max():.0f} N m**; after {begun.time[-1]:g} s the shaft turns at "
                f"**{100.0 * begun.speed[-1] / field:.1f} %** of the field's speed."
            ),
        ]
    )
    return (starting,)


@app.cell
def _(lesson, mo):
    mo.md(rf"""
    ## Field orientation

    An inverter now holds the current along the flux of the rotor and makes the current across it jump. Where that flux
    is nobody measures: the drive computes it from the currents, the speed and the resistance of the rotor that stands
    in its data. Another machine holds the speed at {lesson.SPEED:g} rad/s. Both currents look perfect; look at the
    torque.
    """)
    return


@app.cell
def _(mo, session):
    factor = mo.ui.slider(
        0.6,
        2.0,
        0.05,
        value=1.0,
        label="true resistance of the rotor over the drive's",
        show_value=True,
        full_width=True,
    )
    i_q = mo.ui.slider(
        5.0,
        50.0,
        1.0,
        value=session.numbers["i_q"],
        label="current across the flux in A",
        show_value=True,
        full_width=True,
    )
    mo.vstack([factor, i_q])
    return factor, i_q


@app.cell
def _(factor, i_q, lesson, session):
    oriented = lesson.orient(session.numbers, factor=factor.value, i_q=i_q.value)
    return (oriented,)


@app.cell
def _(Figure, factor, i_q, lesson, mo, np, oriented, session, widgets):
    turned = Figure(figsize=(11.0, 3.6), layout="constrained")
    currents, torques, curve = turned.subplots(1, 3)
    currents.plot(oriented.time, oriented.i_d, label="along")
    currents.plot(oriented.time, oriented.i_q, label="across")
    currents.set_ylabel("current in the drive's frame in A")
    torques.plot(oriented.time, oriented.torque, label="true")
    torques.plot(oriented.time, oriented.believed, "k--", lw=1, label="believed")
    torques.set_ylabel("torque in N m")
    for _axes in (currents, torques):
        _axes.set_xlabel("time in s")
        _axes.legend(frameon=False, fontsize=8)
    factors = np.linspace(0.6, 2.0, 100)
    curve.plot(factors, 100.0 * lesson.detuned(session.numbers, factors, i_q.value))
    curve.plot(factor.value, 100.0 * oriented.part, "ko")
    curve.set_xlabel("true resistance over the drive's")
    curve.set_ylabel("true torque over the believed in %")
    mo.vstack(
        [
            widgets.picture(
                turned, "Currents and torque after a jump, and what a wrong resistance costs"
            ),
            mo.md(
                f"At the end the machine gives **{oriented.torque[-1]:.1f} N m**, the drive believes in "
                f"**{oriented.believed[-1]:.1f} N m**."
            ),
        ]
    )
    return (turned,)


@app.cell
def _(session, widgets):
    fields = widgets.answer_fields(session)
    return (fields,)


@app.cell
def _(fields, session, widgets):
    widgets.graded(session, fields)
    return


@app.cell
def _(fields, session, starting, turned, widgets):
    widgets.report_button(
        session, fields, {"Start on the line": starting, "Field orientation": turned}
    )
    return


if __name__ == "__main__":
    app.run()
