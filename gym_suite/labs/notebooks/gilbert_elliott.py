"""Lab 9: Gilbert-Elliott channels."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 9: Gilbert-Elliott channels")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import gilbert_elliott as lesson

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
    A channel is idle or busy, and changes by chance from slot to slot. You use one channel a slot and learn the
    state of that one alone. What you believe of the others moves by $w' = w\,p_{11} + (1 - w)\,p_{01}$ while you do
    not look.

    Move the probabilities and watch the ladder: who chooses at random (`hopper`), who learns from rewards (`ucb1`),
    who takes the largest belief (`myopic`), who uses Whittle's index, and who knows the future (`clairvoyant`). With
    five channels the policies that ship join (`ppo`); they were trained at $p_{11} = 0.8$ and $p_{01} = 0.2$.
    """)
    return


@app.cell
def _(mo):
    p11 = mo.ui.slider(
        0.05, 0.98, 0.01, value=0.8, label="p11: idle stays idle", show_value=True, full_width=True
    )
    p01 = mo.ui.slider(
        0.02,
        0.95,
        0.01,
        value=0.2,
        label="p01: busy becomes idle",
        show_value=True,
        full_width=True,
    )
    channels = mo.ui.slider(2, 8, 1, value=2, label="channels", show_value=True)
    mo.vstack([p11, p01, channels])
    return channels, p01, p11


@app.cell
def _(channels, lesson, p01, p11):
    found = lesson.ladder(p11.value, p01.value, channels=channels.value)
    after_idle, after_busy = lesson.beliefs(p11.value, p01.value)
    return after_busy, after_idle, found


@app.cell
def _(Figure, after_busy, after_idle, found, mo, widgets):
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    rates, belief = figure.subplots(1, 2)
    rates.barh(found.names, found.means, xerr=2.0 * found.errors, color="C0")
    rates.set_xlabel("delivered a slot, two standard errors")
    rates.set_xlim(0.0, 1.0)
    slots = range(1, len(after_idle) + 1)
    belief.plot(slots, after_idle, "o-", label="last seen idle")
    belief.plot(slots, after_busy, "o-", label="last seen busy")
    belief.set_ylim(0.0, 1.0)
    belief.set_xlabel("slots since then")
    belief.set_ylabel("belief in idle")
    belief.legend(frameon=False)
    told = ", ".join(
        f"{name} **{mean:.3f}**" for name, mean in zip(found.names, found.means, strict=True)
    )
    mo.vstack([widgets.picture(figure, "What agents deliver, and beliefs"), mo.md(told)])
    return (figure,)


@app.cell
def _(mo):
    mo.md(r"""
    ## A real channel

    A minute of noise on one channel in a university library, a reading a millisecond (TinyOS, trace meyer-heavy). Where
    a reading is above the threshold the slot is busy. Beside it: the chain of two states that changes as often. In a
    chain the next slot depends on this one alone, whatever came before.
    """)
    return


@app.cell
def _(mo):
    threshold = mo.ui.slider(
        -95, -75, 1, value=-90, label="busy above, in dBm", show_value=True, full_width=True
    )
    mo.hstack([threshold])
    return (threshold,)


@app.cell
def _(Figure, lesson, mo, threshold, widgets):
    heard = lesson.readings()
    real = lesson.against_chain(heard <= threshold.value)
    figure_real = Figure(figsize=(9.0, 5.6), layout="constrained")
    panels = figure_real.subplot_mosaic([["noise", "noise"], ["runs", "later"]])
    noise, runs, later = panels["noise"], panels["runs"], panels["later"]
    noise.plot(heard[:1000], lw=0.6)
    noise.axhline(threshold.value, color="k", ls="--", lw=1)
    noise.set_xlabel("ms")
    noise.set_ylabel("dBm")
    runs.semilogy(real.longer, label="library")
    runs.semilogy(real.longer_chain, "--", label="chain")
    runs.set_ylim(1e-4, 1.2)
    runs.set_xlabel("slots")
    runs.set_ylabel("busy runs that last longer")
    runs.legend(frameon=False)
    later.plot(range(1, len(real.belief) + 1), real.belief, label="library")
    later.plot(range(1, len(real.belief) + 1), real.belief_chain, "--", label="chain")
    later.set_xlabel("slots after an idle one")
    later.set_ylabel("part that is idle")
    later.legend(frameon=False)
    mo.vstack(
        [
            widgets.picture(figure_real, "Noise in a library, its busy runs, and its memory"),
            mo.md(
                f"p11 **{real.p11:.3f}**, p01 **{real.p01:.3f}**, busy **{100.0 * real.busy:.1f} %** of the time. "
                f"Of the busy runs **{100.0 * real.longer[2]:.1f} %** last longer than two slots "
                f"(the chain: {100.0 * real.longer_chain[2]:.1f} %) and **{100.0 * real.longer[32]:.2f} %** longer "
                f"than 32 (the chain: {100.0 * real.longer_chain[32]:.2f} %)."
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
        {
            "What agents deliver, and beliefs": figure,
            "Noise in a library beside a chain": figure_real,
        },
    )
    return


if __name__ == "__main__":
    app.run()
