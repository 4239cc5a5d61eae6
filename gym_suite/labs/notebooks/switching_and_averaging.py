"""Lab 3: finite-set control and PWM."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 3: switching and averaging")


@app.cell
def _():
    import marimo as mo
    import numpy as np
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import switching_and_averaging as lesson

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
    An inverter of three legs has eight switching states and nothing in between. Pulse-width modulation alternates
    between them within each period of a carrier, so that the mean is what was asked for. Finite-set control asks for
    nothing: every $\tau$ it predicts where each state would lead the currents, and takes the one that comes nearest
    to the reference; a cost of switching makes it change less often, a horizon makes it look further. Hysteresis
    switches a leg when its current has left a band.

    The machine turns at 100 electrical periods a second and is to carry 100 A across its field. Upper left: where
    the eight states would lead within $\tau$, at a rotor angle. Upper right: a millisecond of the q current; the dots
    are a machine whose inverter gives mean voltages. Below: what the current of phase a holds besides its
    reference, and what each law pays for its ripple (RMS of the space vector). Modulation has its steady voltage
    and no control; the other laws have the right model of the machine and no noise.
    """)
    return


@app.cell
def _(mo):
    price = mo.ui.slider(
        -6.0, -2.5, 0.25, value=-4.0, label="cost of switching, 10 to the", show_value=True
    )
    horizon = mo.ui.slider(1, 3, 1, value=1, label="horizon in periods", show_value=True)
    tau = mo.ui.slider(
        steps=[10, 20, 25, 40, 50], value=10, label="period tau in us", show_value=True
    )
    band = mo.ui.slider(
        0.5, 10.0, 0.5, value=1.0, label="half the band in % of 400 A", show_value=True
    )
    carrier = mo.ui.slider(
        steps=[2, 2.5, 4, 5, 10, 20], value=5, label="carrier in kHz", show_value=True
    )
    angle = mo.ui.slider(0, 360, 5, value=30, label="rotor angle in degrees", show_value=True)
    mo.vstack([price, horizon, tau, band, carrier, angle])
    return angle, band, carrier, horizon, price, tau


@app.cell
def _(horizon, lesson, price, session, tau):
    predicted = lesson.switched(
        session.numbers,
        "fcs-mpc",
        tau=1e-6 * tau.value,
        horizon=horizon.value,
        switching=10.0**price.value,
    )
    return (predicted,)


@app.cell
def _(band, lesson, session, tau):
    banded = lesson.switched(
        session.numbers, "hysteresis", tau=1e-6 * tau.value, band=0.01 * band.value
    )
    return (banded,)


@app.cell
def _(carrier, lesson, session):
    pulsed = lesson.modulated(session.numbers, carrier.value)
    peaks, mean = lesson.averaged(session.numbers, carrier.value)
    return mean, peaks, pulsed


@app.cell
def _(lesson, session, tau):
    curves = lesson.curves(session.numbers, 1e-6 * tau.value)
    return (curves,)


@app.cell
def _(lesson, session):
    modulation = lesson.tradeoff([lesson.modulated(session.numbers, c) for c in lesson.CARRIERS])
    return (modulation,)


@app.cell
def _(
    Figure,
    angle,
    banded,
    curves,
    lesson,
    mean,
    mo,
    modulation,
    np,
    peaks,
    predicted,
    pulsed,
    session,
    tau,
    widgets,
):
    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    (plane, current), (lines, paid) = figure.subplots(2, 2)
    moved, nearest = lesson.decision(
        session.numbers, angle=np.radians(angle.value), tau=1e-6 * tau.value
    )
    for k, (d, q) in enumerate(moved):
        plane.plot([0.0, d], [0.0, q], color="C0" if k == nearest else "0.8")
    for k, (d, q) in enumerate(moved[:7]):
        plane.annotate("0, 7" if k == 0 else str(k), (d, q))
    plane.plot(0.0, 0.0, "k+", ms=12)
    plane.set_xlabel("change of the d current in A")
    plane.set_ylabel("of the q current in A")
    plane.set_aspect("equal", adjustable="datalim")
    runs = {"fcs-mpc": predicted, "hysteresis": banded, "PWM": pulsed}
    for name, run in runs.items():
        shown = run.time <= 1e-3
        current.plot(1e3 * run.time[shown], run.current[shown, 1], label=name, lw=1)
        frequency, amplitude = lesson.spectrum(run)
        heard = (frequency > 0.0) & (frequency <= 40.0)
        lines.semilogy(frequency[heard], amplitude[heard], label=name, lw=0.8)
    near = peaks <= 1e-3
    current.plot(1e3 * peaks[near], mean[near, 1], "k.", label="mean voltage")
    current.set_xlabel("time in ms")
    current.set_ylabel("q current in A")
    current.legend(frameon=False, fontsize=8)
    lines.set_ylim(1e-4, None)
    lines.set_xlabel("kHz")
    lines.set_ylabel("amplitude in phase a, A")
    for name, points in {**curves, "PWM": modulation}.items():
        paid.loglog(points[:, 0], points[:, 1], ".-", label=name, lw=1)
    for run in runs.values():
        paid.plot(run.frequency, run.ripple, "ko", mfc="none")
    paid.set_xlabel("switching frequency in kHz")
    paid.set_ylabel("ripple in A")
    paid.legend(frameon=False, fontsize=8)
    told = "; ".join(
        f"{name}: **{run.ripple:.2f} A** at **{run.frequency:.2f} kHz**"
        for name, run in runs.items()
    )
    named = "0 or 7" if nearest in (0, 7) else nearest
    mo.vstack(
        [
            widgets.picture(
                figure, "A decision, currents, their spectra, and ripple against switching"
            ),
            mo.md(f"Nearest is state **{named}**. Ripple and switching: {told}."),
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
    widgets.report_button(session, fields, {"Switching, ripple and spectra": figure})
    return


if __name__ == "__main__":
    app.run()
