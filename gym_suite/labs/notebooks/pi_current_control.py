"""Lab 1: PI current control of a synchronous machine."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 1: PI current control")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import pi_current_control as lesson

    return Figure, Session, lesson, mo, widgets


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
    The q current of a synchronous machine is the innermost loop of a drive. With the coupling fed forward the axis
    is a first-order plant, $1/(r_s + l_q s)$, and the inverter acts late: it computes for one period and holds for
    another.

    Move the gains and watch the response and the open loop. Find by hand what the magnitude optimum asks for, then
    look what the speed, the decoupling and the limit of the voltage do.
    """)
    return


@app.cell
def _(mo):
    kp = mo.ui.slider(
        0.2, 12.0, 0.05, value=1.0, label="k_p in V/A", show_value=True, full_width=True
    )
    reset_time = mo.ui.slider(
        2.0, 140.0, 0.5, value=10.0, label="T_n in ms", show_value=True, full_width=True
    )
    speed = mo.ui.slider(
        0.0, 300.0, 10.0, value=100.0, label="speed in rad/s", show_value=True, full_width=True
    )
    factor = mo.ui.slider(1.0, 3.0, 0.5, value=1.0, label="times your step", show_value=True)
    decoupling = mo.ui.switch(value=True, label="decoupling")
    anti_windup = mo.ui.switch(value=True, label="anti-windup")
    mo.vstack([kp, reset_time, speed, mo.hstack([factor, decoupling, anti_windup])])
    return anti_windup, decoupling, factor, kp, reset_time, speed


@app.cell
def _(anti_windup, decoupling, factor, kp, lesson, reset_time, session, speed):
    run = lesson.run(
        session.numbers,
        kp=kp.value,
        ki=kp.value / (reset_time.value * 1e-3),
        speed=speed.value,
        decoupling=decoupling.value,
        anti_windup=anti_windup.value,
        factor=factor.value,
    )
    return (run,)


@app.cell
def _(Figure, mo, run, widgets):
    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    (current, bode), (voltage, phase) = figure.subplots(2, 2, sharex="col")
    current.plot(1e3 * run.time, run.reference, "k--", lw=1, label="reference")
    current.plot(1e3 * run.time, run.i_q, label="q current")
    current.plot(1e3 * run.time, run.i_d, label="d current")
    current.set_ylabel("A")
    current.legend(frameon=False)
    voltage.plot(1e3 * run.time, run.voltage)
    voltage.axhline(1.0, color="0.6", lw=1)
    voltage.set_ylabel("voltage over its circle")
    voltage.set_xlabel("time in ms")
    run.loop.plot((bode, phase))
    bode.set_title("open loop of the q axis")
    mo.vstack(
        [
            widgets.picture(figure, "Response of the currents and open loop of the q axis"),
            mo.md(
                f"Overshoot **{run.overshoot:.1f} %**, ITAE **{1e6 * run.itae:.2f} A ms²**, phase margin "
                f"**{run.loop.phase_margin:.1f} degrees**, gain margin **{run.loop.gain_margin_db:.1f} dB**"
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
    widgets.report_button(session, fields, {"Response and open loop": figure})
    return


if __name__ == "__main__":
    app.run()
