"""Lab 10: jamming as a game."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 10: jamming as a game")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import jamming_game as lesson

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
    A transmitter picks one of three channels, a jammer jams one, both at once. Channel $i$ is worth $v_i$ to the
    transmitter unless it is jammed. Whoever always does the same loses; so both mix.

    Move the weights of the transmitter's channels. The bars show what your mixture earns against the jammer's best
    answer and against its minimax strategy; the curve is an episode against the latter.
    """)
    return


@app.cell
def _(mo):
    weights = mo.ui.array(
        [
            mo.ui.slider(
                0.0,
                1.0,
                0.01,
                value=0.34,
                label=f"weight of channel {k}",
                show_value=True,
                full_width=True,
            )
            for k in (1, 2, 3)
        ]
    )
    mo.vstack(list(weights))
    return (weights,)


@app.cell
def _(lesson, session, weights):
    played = lesson.play(lesson.worth(session.numbers), weights.value, seed=session.student % 1000)
    return (played,)


@app.cell
def _(Figure, mo, played, widgets):
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    mixture, income = figure.subplots(1, 2)
    places = (1, 2, 3)
    mixture.bar(places, played.strategy, label="your mixture")
    mixture.set_xticks(places, [f"channel {k}" for k in places])
    mixture.set_ylabel("probability")
    mixture.set_ylim(0.0, 1.0)
    income.plot(played.earned, label="an episode, mean so far")
    income.axhline(played.value, color="k", ls="--", lw=1, label="value of the game")
    income.axhline(played.conceded, color="C3", lw=1, label="against the best answer")
    income.set_xlabel("step")
    income.set_ylabel("earned a step")
    income.set_ylim(0.0, 1.0)
    income.legend(frameon=False)
    short = played.value - played.conceded
    mo.vstack(
        [
            widgets.picture(figure, "Your mixture, and what it earns"),
            mo.md(
                f"Against the best answer you fall short of the value by **{short:.3f}**; against the minimax "
                f"jammer you earn **{played.against_minimax:.3f}** a step in the mean."
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
    widgets.report_button(session, fields, {"The mixture, and what it earns": figure})
    return


if __name__ == "__main__":
    app.run()
