"""Lab 8: the energy detector and the SNR wall."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 8: the energy detector")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import energy_detector as lesson

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
    Is a channel in use? The detector averages $|y_k|^2$ over the samples of a slot and compares the mean with a
    threshold. A low threshold finds more signals and sounds more false alarms: the curve of both is the ROC. Lines
    are theory, points are {lesson.TRIALS} simulated slots of each kind.

    On the right the power of the noise is not known exactly. What is sure then is the detection under the weakest
    noise with a threshold for the strongest.
    """)
    return


@app.cell
def _(mo):
    snr = mo.ui.slider(
        -18.0,
        3.0,
        0.5,
        value=-6.0,
        label="signal over noise in dB",
        show_value=True,
        full_width=True,
    )
    samples = mo.ui.slider(
        10, 400, 10, value=50, label="samples a slot", show_value=True, full_width=True
    )
    doubt = mo.ui.slider(
        0.0,
        2.0,
        0.1,
        value=0.5,
        label="doubt about the noise in dB",
        show_value=True,
        full_width=True,
    )
    mo.vstack([snr, samples, doubt])
    return doubt, samples, snr


@app.cell
def _(lesson, samples, snr):
    curve = lesson.roc(snr.value, int(samples.value))
    return (curve,)


@app.cell
def _(Figure, curve, doubt, lesson, mo, np, samples, session, snr, widgets):
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    shape, sure = figure.subplots(1, 2)
    shape.plot(curve.false_alarm, curve.detection, label="theory")
    shape.plot(
        curve.false_alarm_counted[::4], curve.detection_counted[::4], "o", ms=4, label="simulated"
    )
    shape.set_xlabel("false alarms")
    shape.set_ylabel("detections")
    shape.legend(frameon=False)
    allowed = session.numbers["false_alarm"]
    counts = np.logspace(1, 7, 200)
    sure.semilogx(
        counts, lesson.worst_detection(snr.value, counts, doubt=doubt.value, false_alarm=allowed)
    )
    sure.set_ylim(-0.02, 1.02)
    sure.set_xlabel("samples a slot")
    sure.set_ylabel(f"sure detections at {allowed:g} false alarms")
    at = float(np.interp(allowed, curve.false_alarm, curve.detection))
    mo.vstack(
        [
            widgets.picture(figure, "ROC, and what is sure with the noise in doubt"),
            mo.md(
                f"At **{allowed:g}** false alarms and {samples.value} samples: **{at:.3f}** detections."
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
    widgets.report_button(session, fields, {"ROC, and noise in doubt": figure})
    return


if __name__ == "__main__":
    app.run()
