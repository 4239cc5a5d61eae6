"""Lab 14: your first policy, beside the PI controller."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Lab 14: your first policy")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    from gym_suite.labs import Session, widgets
    from gym_suite.labs.lessons import first_policy as lesson

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
    mo.md(rf"""
    PPO learns to control the currents of a synchronous machine from rewards alone: {lesson.ROWS} machines run side
    by side, and after every {lesson.ROLLOUT} steps the policy is changed a little. On the way it is judged on
    {lesson.EPISODES} episodes that it has never seen, with the score of 0 for doing nothing and of 1 for the PI
    controller.

    Choose the settings, then train again. The default takes a few seconds, the largest number of steps less than a
    minute.
    """)
    return


@app.cell
def _(mo):
    settings = mo.ui.dictionary(
        {
            "steps": mo.ui.slider(
                10_000,
                400_000,
                10_000,
                value=20_000,
                label="steps",
                show_value=True,
                full_width=True,
            ),
            "discount": mo.ui.slider(
                0.0, 0.99, 0.01, value=0.85, label="discount", show_value=True, full_width=True
            ),
            "learning_rate": mo.ui.slider(
                0.0005,
                0.01,
                0.0005,
                value=0.003,
                label="learning rate",
                show_value=True,
                full_width=True,
            ),
            "seed": mo.ui.slider(0, 9, 1, value=0, label="training seed", show_value=True),
        }
    ).form(submit_button_label="Train")
    mo.vstack([settings])
    return (settings,)


@app.cell
def _(lesson, settings):
    chosen = settings.value or {
        "steps": 20_000,
        "discount": 0.85,
        "learning_rate": 0.003,
        "seed": 0,
    }
    trained = lesson.train(
        steps=int(chosen["steps"]),
        discount=chosen["discount"],
        learning_rate=chosen["learning_rate"],
        seed=int(chosen["seed"]),
    )
    return (trained,)


@app.cell
def _(Figure, mo, trained, widgets):
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    curve, currents = figure.subplots(1, 2)
    curve.plot(1e-3 * trained.steps, trained.scores, "o-")
    curve.axhline(0.0, color="0.6", lw=1)
    curve.axhline(1.0, color="0.6", lw=1, ls="--")
    curve.set_xlabel("thousand steps")
    curve.set_ylabel("score: 0 do nothing, 1 PI")
    currents.plot(1e3 * trained.time, trained.reference, "k--", lw=1, label="reference")
    currents.plot(1e3 * trained.time, trained.controller, label="PI")
    currents.plot(1e3 * trained.time, trained.policy, label="policy")
    currents.set_xlabel("time in ms")
    currents.set_ylabel("q current in A")
    currents.legend(frameon=False)
    mo.vstack(
        [
            widgets.picture(figure, "How the policy learned, and an episode of it"),
            mo.md(f"Score after {trained.steps[-1]:,.0f} steps: **{trained.scores[-1]:.2f}**"),
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
    widgets.report_button(session, fields, {"How the policy learned": figure})
    return


if __name__ == "__main__":
    app.run()
