"""Lab 5: saturation and efficiency of a measured machine."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 5: saturation and efficiency")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import saturation_and_efficiency as lesson

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
    ## What iron does to a flux

    A 5.6 kW machine with magnets and much reluctance stood on a bench, and the flux linkages of both axes were measured
    over a grid of currents. Lines: the measured map, each flux over its own current; grey: the same with no current in
    the other axis; dashed: constant inductances, those that small currents show.
    """)
    return


@app.cell
def _(lesson, mo):
    i_d = mo.ui.slider(
        -lesson.REACH,
        lesson.REACH,
        0.5,
        value=-2.0,
        label="d current in A",
        show_value=True,
        full_width=True,
    )
    i_q = mo.ui.slider(
        0.0,
        lesson.REACH,
        0.5,
        value=4.0,
        label="q current in A",
        show_value=True,
        full_width=True,
    )
    mo.vstack([i_d, i_q])
    return i_d, i_q


@app.cell
def _(Figure, i_d, i_q, lesson, mo, np, widgets):
    fluxes = Figure(figsize=(11.0, 3.6), layout="constrained")
    along, across = fluxes.subplots(1, 2)
    _d, _q = np.linspace(-lesson.REACH, lesson.REACH, 145), np.linspace(0.0, lesson.REACH, 73)
    along.plot(_d, lesson.linkages(_d, np.zeros_like(_d))[0], color="0.7")
    along.plot(_d, lesson.linkages(_d, np.full_like(_d, i_q.value))[0], label="measured")
    along.plot(_d, lesson.PSI + lesson.L_D * _d, "k--", lw=1, label="constant inductance")
    across.plot(_q, lesson.linkages(np.zeros_like(_q), _q)[1], color="0.7")
    across.plot(_q, lesson.linkages(np.full_like(_q, i_d.value), _q)[1], label="measured")
    across.plot(_q, lesson.L_Q * _q, "k--", lw=1, label="constant inductance")
    psi_d, psi_q = (
        float(part[0])
        for part in lesson.linkages(np.array([float(i_d.value)]), np.array([float(i_q.value)]))
    )
    along.plot(i_d.value, psi_d, "ko")
    across.plot(i_q.value, psi_q, "ko")
    for _axes, _name in ((along, "d"), (across, "q")):
        _axes.set_xlabel(f"{_name} current in A")
        _axes.set_ylabel(f"{_name} flux linkage in Vs")
        _axes.legend(frameon=False, fontsize=8)
    mo.vstack(
        [
            widgets.picture(fluxes, "Flux linkages of both axes over their currents"),
            mo.md(f"There psi_d is **{psi_d:.4f} Vs** and psi_q **{psi_q:.4f} Vs**."),
        ]
    )
    return (fluxes,)


@app.cell
def _(mo):
    mo.md(r"""
    ## Most torque per ampere

    A current of one amplitude is turned away from the d axis. Most torque for it means least copper loss for a torque.
    """)
    return


@app.cell
def _(mo):
    current = mo.ui.slider(
        2.0, 18.0, 0.5, value=4.0, label="amplitude in A", show_value=True, full_width=True
    )
    angle = mo.ui.slider(
        90.0, 170.0, 0.5, value=95.0, label="angle in degrees", show_value=True, full_width=True
    )
    mo.vstack([current, angle])
    return angle, current


@app.cell
def _(Figure, angle, current, lesson, mo, np, widgets):
    turning = Figure(figsize=(11.0, 3.4), layout="constrained")
    curve = turning.subplots()
    turned = lesson.turn(float(current.value), np.linspace(90.0, 170.0, 161))
    at = lesson.turn(float(current.value), np.array([float(angle.value)]))
    curve.plot(turned.angle, turned.torque, label="measured")
    curve.plot(turned.angle, turned.linear, "k--", lw=1, label="constant inductances")
    curve.plot(angle.value, at.torque[0], "ko")
    curve.set_xlabel("angle of the current from the d axis in degrees")
    curve.set_ylabel("torque in N m")
    curve.legend(frameon=False, fontsize=8)
    mo.vstack(
        [
            widgets.picture(turning, "Torque over the angle of a current of one amplitude"),
            mo.md(
                f"The machine gives **{at.torque[0]:.3f} N m**; constant inductances promise "
                f"{at.linear[0]:.3f} N m."
            ),
        ]
    )
    return (turning,)


@app.cell
def _(mo):
    mo.md(r"""
    ## Least loss

    Copper is not all that gets warm: iron is magnetised to and fro, transistors drop a voltage and switch, bearings
    rub. Each angle below gives the same torque at the shaft, with the current that it needs. Dotted: the angle of the
    least current; solid: that of the least loss.
    """)
    return


@app.cell
def _(mo):
    wanted = mo.ui.slider(
        2.0, 30.0, 1.0, value=4.0, label="torque in N m", show_value=True, full_width=True
    )
    rpm = mo.ui.slider(
        100.0, 1800.0, 50.0, value=600.0, label="speed in rpm", show_value=True, full_width=True
    )
    mo.vstack([wanted, rpm])
    return rpm, wanted


@app.cell
def _(lesson, rpm, wanted):
    held = lesson.hold(float(wanted.value), float(rpm.value))
    return (held,)


@app.cell
def _(Figure, held, mo, np, widgets):
    losing = Figure(figsize=(11.0, 3.6), layout="constrained")
    parts, total = losing.subplots(1, 2)
    parts.stackplot(
        held.angle, *np.nan_to_num(list(held.parts.values())), labels=list(held.parts), alpha=0.8
    )
    parts.set_ylabel("losses in W")
    parts.set_ylim(0.0, 1.35 * np.nanmax(held.loss))
    parts.legend(frameon=False, fontsize=8, loc="upper left", ncols=5, columnspacing=0.9)
    total.plot(held.angle, held.loss)
    total.set_ylabel("all losses in W")
    for _axes in (parts, total):
        _axes.set_xlabel("angle of the current in degrees")
        _axes.axvline(held.short, ymax=0.85, color="k", ls=":", lw=1.2)
        _axes.axvline(held.least, ymax=0.85, color="k", lw=1.2)
    mo.vstack(
        [
            widgets.picture(losing, "Losses over the angle of the current at one torque"),
            mo.md(
                f"At the least loss the link gives **{held.link:.1f} W** and the shaft **{held.shaft:.1f} W**. The "
                f"least current stands at {held.short:.1f} degrees, the least loss at {held.least:.1f} degrees."
            ),
        ]
    )
    return (losing,)


@app.cell
def _(session, widgets):
    fields = widgets.answer_fields(session)
    return (fields,)


@app.cell
def _(fields, session, widgets):
    widgets.graded(session, fields)
    return


@app.cell
def _(fields, fluxes, losing, session, turning, widgets):
    widgets.report_button(
        session,
        fields,
        {"Flux linkages": fluxes, "Most torque per ampere": turning, "Losses": losing},
    )
    return


if __name__ == "__main__":
    app.run()
