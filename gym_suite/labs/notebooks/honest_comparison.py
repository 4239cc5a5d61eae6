"""Lab 13: an honest comparison."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 13: an honest comparison")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import honest_comparison as lesson

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
def _(lesson, mo):
    mo.md(f"""
    A PI controller and five trainings of PPO control the currents of a machine whose numbers nobody knows exactly.
    All have played the same {lesson.EPISODES} episodes, which are your own. Somebody with less time would have used
    fewer: choose how many trainings and episodes a study has, and see what {lesson.RESAMPLES} such studies would
    have found.
    """)
    return


@app.cell
def _(lesson, session):
    found = lesson.returns(session.student)
    return (found,)


@app.cell
def _(lesson, mo):
    trainings = mo.ui.slider(1, 5, 1, value=1, label="trainings", show_value=True, full_width=True)
    episodes = mo.ui.slider(
        1, lesson.EPISODES, 1, value=1, label="episodes", show_value=True, full_width=True
    )
    mo.vstack([trainings, episodes])
    return episodes, trainings


@app.cell
def _(episodes, found, lesson, trainings):
    study = lesson.scatter(found, trainings=trainings.value, episodes=episodes.value)
    return (study,)


@app.cell
def _(Figure, found, lesson, mo, study, widgets):
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    each, many = figure.subplots(1, 2)
    for k, row in enumerate(found.policy):
        each.plot(found.controller, row, ".", ms=4, label=f"training {k}")
    ends = [found.controller.min(), found.controller.max()]
    each.plot(ends, ends, color="0.6", lw=1)
    each.set_xlabel("return of the PI controller")
    each.set_ylabel("return of the policy, same episode")
    each.legend(frameon=False, fontsize=8)
    for values, label in ((study.unpaired, "different episodes"), (study.paired, "same episodes")):
        many.hist(values, bins=60, alpha=0.6, label=label)
    many.axvline(0.0, color="k", lw=1)
    many.axvline(study.whole, color="k", ls="--", lw=1, label="all data")
    many.set_xlabel("policy less controller, mean return of a study")
    many.legend(frameon=False, fontsize=8)
    low, high = lesson.interval(study.paired)
    wide = lesson.interval(study.unpaired)
    mo.vstack(
        [
            widgets.picture(figure, "Returns by episode, and what small studies find"),
            mo.md(
                f"Of the studies **{100 * study.misled:.1f} %** come to the wrong sign. Middle 95 % with the same "
                f"episodes: **{low:.2f} to {high:.2f}**, with different ones: **{wide[0]:.2f} to {wide[1]:.2f}**."
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
    widgets.report_button(session, fields, {"Returns by episode, and small studies": figure})
    return


if __name__ == "__main__":
    app.run()
