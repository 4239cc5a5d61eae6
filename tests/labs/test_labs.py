"""Every lab runs, grades right answers as right and wrong ones as wrong, and gives nothing away."""

import importlib
import importlib.util
import itertools
import json
import re
import socket
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import urlopen

import numpy as np
import pytest

from gym_suite import cli
from gym_suite.labs import Session, lab_named, labs, opening, report_page
from gym_suite.labs.session import read_number

from . import browser

LABS = labs()
by_name = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
STUDENTS = (0, 7, 123456)


def wrong_answers(session, question):
    solution = session.solution(question.key)
    if question.choices:
        return [choice for choice in question.choices if choice != solution]
    far = 1.0 + 1.1 * question.tolerance
    return [solution * far, solution / far, -solution, solution * 1000.0, "1.5 V", "much"]


@by_name
@pytest.mark.parametrize("student", STUDENTS)
def test_right_answers_pass_and_wrong_ones_do_not(lab, student):
    session = Session(lab, student=student)
    for question in lab.questions:
        solution = session.solution(question.key)
        assert session.check(question.key, solution).passed, question.key
        if not question.choices:
            told = f"{solution:.8g}"
            assert session.check(question.key, f" {told} ").passed, question.key
            if "." in told and "e" not in told:
                assert session.check(question.key, told.replace(".", ",")).passed, question.key
        for wrong in wrong_answers(session, question):
            verdict = session.check(question.key, wrong)
            assert verdict.answered and not verdict.passed, (question.key, wrong)
        for nothing in (None, "", "  "):
            assert not session.check(question.key, nothing).answered


@by_name
def test_nothing_that_a_student_sees_has_the_solution(lab):
    session = Session(lab, student=7)
    source = lab.notebook.read_text("utf-8")
    lesson = importlib.import_module(f"gym_suite.labs.lessons.{lab.name}")
    assert "solutions" not in source
    assert "solution" not in Path(lesson.__file__).read_text("utf-8")
    for question in lab.questions:
        solution = session.solution(question.key)
        told = [session.text(question.key), question.hint]
        told += [session.check(question.key, w).message for w in wrong_answers(session, question)]
        if question.choices:
            assert solution in question.choices
            assert not any(solution in text for text in (source, *told))
        else:
            # A short number such as 4 stands in a text by chance; then only what is said of the answer counts.
            number = f"{solution:.4g}"
            where = (source, *told) if len(number.strip("0.")) > 2 else (question.hint,)
            digits = re.compile(rf"(?<![\d.]){re.escape(number)}(?![\d])")
            assert not any(digits.search(text) for text in where), question.key


@by_name
def test_students_have_numbers_of_their_own_within_what_was_said(lab):
    drawn = [Session(lab, student=student).numbers for student in range(30)]
    assert drawn[3] == Session(lab, student=3).numbers
    if lab.draws:
        assert len({tuple(numbers.values()) for numbers in drawn}) > 20
    for draw in lab.draws:
        assert all(draw.low <= numbers[draw.name] <= draw.high for numbers in drawn)


@by_name
def test_the_notebook_runs_as_it_opens(lab):
    pytest.importorskip("marimo")
    for extra in lab.extras:
        pytest.importorskip({"rl": "stable_baselines3", "control": "control"}[extra])
    notebook = importlib.import_module(f"gym_suite.labs.notebooks.{lab.name}")
    assert f"version={lab.version}" in lab.notebook.read_text("utf-8")
    outputs, defined = notebook.app.run()
    page = "\n".join(
        output.text for output in outputs if output is not None and hasattr(output, "text")
    )
    assert lab.title in page
    assert "data:image/png" in page
    assert defined["session"].lab is lab
    assert f"0 of {len(lab.questions)} answers are right" in page


@by_name
def test_the_notebook_grades_what_is_typed(lab):
    pytest.importorskip("marimo")
    from gym_suite.labs import widgets

    session = Session(lab, student=5)
    fields = widgets.answer_fields(session)
    right = {q.key: session.solution(q.key) for q in lab.questions}
    for key, answer in right.items():
        fields[key]._update(answer if isinstance(answer, str) else f"{answer:.8g}")
    fields._update({key: f"{a:.8g}" if not isinstance(a, str) else a for key, a in right.items()})
    page = widgets.graded(session, fields).text
    assert f"{len(lab.questions)} of {len(lab.questions)} answers are right" in page


@by_name
def test_the_lab_runs_as_a_notebook_of_jupyter_and_grades_what_is_written_into_it(
    lab, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("marimo")
    for extra in lab.extras:
        pytest.importorskip({"rl": "stable_baselines3", "control": "control"}[extra])
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", lab.name, "--notebook", "own.ipynb", "--student", "5"]) == 0
    told = json.loads(Path("own.ipynb").read_text("utf-8"))
    assert (told["nbformat"], told["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in told["cells"]}) == len(told["cells"])
    session = Session(lab, student=5)
    namespace: dict = {"__name__": "__main__"}
    for cell in told["cells"]:
        source = "".join(cell["source"])
        assert source and set(cell) >= {"cell_type", "metadata", "source", "id"}
        if cell["cell_type"] == "markdown":
            continue
        for question in lab.questions:
            line = f'    "{question.key}": None,'
            source = source.replace(
                line, f'    "{question.key}": {session.solution(question.key)!r},'
            )
        capsys.readouterr()
        exec(compile(source, cell["id"], "exec"), namespace)
    assert namespace["session"].numbers == session.numbers
    assert capsys.readouterr().out.count(": Right.") == len(lab.questions)
    page = Path(f"lab-{lab.number}-student-5.html").read_text("utf-8")
    assert f"{len(lab.questions)} of {len(lab.questions)} answers are right" in page


def test_a_notebook_installs_the_wheel_beside_it_or_else_the_package_by_name(tmp_path, monkeypatch):
    from gym_suite.labs import jupyter

    cells = json.loads(jupyter.as_notebook(lab_named("first_policy")))["cells"]
    source = "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))
    asked: list = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "check_call", asked.append)
    monkeypatch.chdir(tmp_path)
    exec(compile(source, "first cell", "exec"), {})
    wheel = tmp_path / "gym_suite-0.2.0-py3-none-any.whl"
    wheel.touch()
    exec(compile(source, "first cell", "exec"), {})
    assert [command[-1] for command in asked] == ["gym-suite[lab,rl]", f"{wheel}[lab,rl]"]


def test_a_notebook_is_refused_where_it_cannot_be_written(tmp_path, capsys):
    there = tmp_path / "there.ipynb"
    there.write_text("mine")
    for path, said in (
        (there, "is there already"),
        (tmp_path / "lab.py", "ends in .ipynb"),
        (there / "below" / "lab.ipynb", "cannot be written"),
    ):
        assert cli.main(["lab", "1", "--notebook", str(path)]) == 2
        assert said in capsys.readouterr().err
    assert there.read_text() == "mine"


def test_a_report_has_answers_verdicts_and_pictures():
    session = Session(1, student=7)
    page = report_page(session, {"delay": "150", "kp": "<b>1</b>"}, {"A step": b"\x89PNG"})
    assert "Student 7" in page and "1 of 6 answers are right" in page
    assert "&lt;b&gt;1&lt;/b&gt;" in page and "<b>1</b>" not in page
    assert "Not answered yet." in page and "data:image/png;base64," in page
    assert "http" not in page


def test_an_older_notebook_is_noticed():
    assert "copy it anew" in Session(1, version=0).outdated
    assert not Session(1, version=lab_named(1).version).outdated


def test_what_counts_as_a_number():
    assert [read_number(t) for t in ("1.5", "1,5", " 2e-3 ", "\u22123", 4)] == [
        1.5,
        1.5,
        2e-3,
        -3,
        4,
    ]
    assert [read_number(t) for t in ("", "x", "nan", "inf", "1,2,3", "1.2,3")] == [None] * 6


def test_the_shell_lists_and_explains(capsys, tmp_path):
    assert cli.main(["lab"]) == 0
    listed = capsys.readouterr().out
    assert all(lab.name in listed for lab in LABS)
    assert cli.main(["lab", "1", "--solutions", "--student", "7"]) == 0
    assert "72.2" in capsys.readouterr().out
    assert cli.main(["lab", "99"]) == 2
    assert "there is no lab 99" in capsys.readouterr().err
    assert cli.main(["lab", "pi_current_contrl"]) == 2
    assert "pi_current_control" in capsys.readouterr().err
    assert cli.main(["lab", "1", "--student", "-3"]) == 2
    assert "student" in capsys.readouterr().err
    assert cli.main(["lab", "1", "--copy", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "pi_current_control.py").is_file()
    capsys.readouterr()
    assert cli.main(["lab", "1", "--copy", str(tmp_path / "mine")]) == 2
    assert "is there already" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert cli.main(["lab", "1", "--copy", str(tmp_path / "file" / "x")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_port_in_use_and_no_browser_are_said_plainly(monkeypatch, capsys):
    pytest.importorskip("marimo")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["lab", "1", "--port", str(port)]) == 2
    assert f"port {port} is in use" in capsys.readouterr().err
    assert cli.main(["lab", "1", "--port", "0"]) == 2
    assert cli.main(["lab", "1", "--host", "no.such.host.invalid"]) == 2
    assert "no address" in capsys.readouterr().err
    served, told = [], []
    monkeypatch.setattr(opening, "_has_browser", lambda: False)
    monkeypatch.setattr(opening.subprocess, "call", lambda command: served.append(command) or 0)
    assert opening.serve(lab_named(1), port=free_port(), tell=told.append) == 0
    assert "--headless" in served[0] and "127.0.0.1" in served[0]
    assert "No browser" in told[0] and "http://127.0.0.1" in told[1]


def test_an_older_marimo_than_the_labs_need_is_said_plainly(monkeypatch, capsys):
    pytest.importorskip("marimo")
    served: list = []
    asked = ["numpy>=1.26", 'marimo>=0.23; extra == "lab"']
    monkeypatch.setattr(opening, "requires", lambda name: asked)
    monkeypatch.setattr(opening.subprocess, "call", lambda command: served.append(command) or 0)
    monkeypatch.setattr(opening, "version", lambda name: "0.9.1")
    assert cli.main(["lab", "1", "--port", str(free_port())]) == 2
    told = capsys.readouterr().err
    assert "needs marimo>=" in told and "marimo 0.9.1 is installed" in told and "install" in told
    assert not served
    monkeypatch.setattr(opening, "version", lambda name: "0.25.2")
    assert cli.main(["lab", "1", "--port", str(free_port()), "--no-browser"]) == 0
    assert len(served) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.mark.skipif(browser.PROGRAM is None, reason="no chromium on this machine")
@pytest.mark.parametrize(
    "name", ["pi_current_control", "energy_detector", "gilbert_elliott", "jamming_game"]
)
def test_a_slider_moves_plot_and_number_and_answers_are_graded_in_a_browser(name, tmp_path):
    pytest.importorskip("marimo")
    pytest.importorskip("websockets")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    lab, session = lab_named(name), Session(name, student=7)
    command = opening.command(lab, student=7, host="127.0.0.1", port=port, browser=False)
    assert command[0] == sys.executable
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    page = None
    try:
        wait_for_server(url)
        page = browser.Browser(url, tmp_path)
        count = len(lab.questions)
        page.wait_for(f"0 of {count} answers are right", 120)
        for draw in lab.draws:
            assert f"{session.numbers[draw.name]:g}" in page.text(), "the numbers of student 7"
        told, drawn = result(page.text()), page.pictures()
        page.focus("[role=slider]")
        page.press("ArrowRight", 10)
        page.wait_until(
            lambda: page.pictures() != drawn and moved(told, result(page.text())) > 1,
            "the plot and numbers beside the slider's own to follow",
        )
        asked = [question for question in lab.questions if not question.choices]
        first = page.count("input[type=text]") - len(asked)
        assert first >= 0
        page.write("input[type=text]", first, "123456")
        page.wait_for("Not yet.")
        page.write("input[type=text]", first, f"{session.solution(asked[0].key):.6g}")
        page.wait_for(f"1 of {count} answers are right")
        hosts = {urlparse(u).hostname for u in page.requests if u.startswith(("http", "ws"))}
        assert hosts == {"127.0.0.1"}, hosts
    finally:
        if page is not None:
            page.close()
        server.terminate()
        server.wait(timeout=20)


def result(text: str) -> list[str]:
    """Return the numbers that stand above the questions, among them what the sliders show of themselves."""
    return re.findall(r"\d+(?:\.\d+)?", text.partition(" Questions ")[0])


def moved(before: list[str], after: list[str]) -> int:
    """Return how many numbers are others than before."""
    return sum(a != b for a, b in itertools.zip_longest(before, after))


def wait_for_server(url: str) -> None:
    for _ in range(300):
        try:
            urlopen(url).read()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_the_answers_of_gilbert_elliott_are_what_the_dynamic_programme_and_a_simulation_give():
    from gym_suite.radio.bounds.gilbert_elliott import optimum

    session = Session("gilbert_elliott", student=7)
    p11, p01 = session.numbers["p11"], session.numbers["p01"]
    steps = 2000
    best = optimum([p01, p01], [p11, p11], steps=steps)
    assert best is not None
    assert session.check("optimum", best.value / steps).passed
    generator = np.random.default_rng(0)
    idle = np.zeros(200_000, np.bool_)
    for _ in range(int(session.numbers["wait"])):
        idle = generator.random(idle.size) < np.where(idle, p11, p01)
    assert idle.mean() == pytest.approx(session.solution("belief"), abs=0.004)
    for _ in range(200):
        idle = generator.random(idle.size) < np.where(idle, p11, p01)
    assert idle.mean() == pytest.approx(session.solution("idle"), abs=0.004)


def test_the_answers_of_the_energy_detector_are_what_samples_of_noise_give():
    from gym_suite.labs.lessons.energy_detector import worst_detection

    session = Session("energy_detector", student=7)
    numbers = session.numbers
    count, trials = int(numbers["samples"]), 40_000
    generator = np.random.default_rng(1)
    noise = generator.normal(size=(2, trials, count)) / np.sqrt(2.0)
    amplitude = 10.0 ** (numbers["snr"] / 20.0)
    idle = (noise**2).sum(axis=0).mean(axis=1)
    busy = ((noise[0] + amplitude) ** 2 + noise[1] ** 2).mean(axis=1)
    threshold = session.solution("threshold")
    assert np.mean(idle > threshold) == pytest.approx(numbers["false_alarm"], abs=0.004)
    assert np.mean(busy > threshold) == pytest.approx(session.solution("detection"), abs=0.01)
    assert busy.mean() == pytest.approx(session.solution("mean"), rel=0.003)
    wall, many = session.solution("wall"), np.array([1e12])
    for offset, sure in ((-0.2, 0.0), (0.2, 1.0)):
        found = worst_detection(wall + offset, many, doubt=numbers["doubt"], false_alarm=0.01)
        assert found == pytest.approx(sure, abs=1e-3)


def test_the_answers_on_the_quadcopter_are_those_of_the_package_and_of_a_riccati_solver():
    import gymnasium
    from scipy.linalg import solve_continuous_are

    from gym_suite.labs.lessons.quadcopter_lqr import ID, fly

    session = Session("quadcopter_lqr", student=7)
    numbers = session.numbers
    a, b = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]])
    q = np.diag([numbers["deviation"] ** -2, 0.0])
    r = np.array([[numbers["acceleration"] ** -2]])
    gain = (np.linalg.inv(r) @ b.T @ solve_continuous_are(a, b, q, r))[0]
    assert session.check("gain", gain[0]).passed
    assert session.check("damping", gain[1] / (2.0 * np.sqrt(gain[0]))).passed
    env = gymnasium.make(ID, engine="compiled", vehicle={"mass": numbers["mass"] * 1e-3})
    env.reset(seed=0)
    setup = env.unwrapped.setup
    assert setup.state_columns["rotor_0"].unit == "rpm"
    place = setup.state_columns.index("rotor_0")
    assert session.check("hover", env.unwrapped.get_state()["rows"]["x"].ravel()[place]).passed
    with_integral = fly(numbers, "lqr", wind=0.02)
    without = fly(numbers, "lqr", wind=0.02, gains={"k_i": np.zeros((4, 3))})
    assert with_integral.rest < 0.01 < without.rest


def test_pairing_and_more_episodes_do_what_the_lab_says():
    from gym_suite.labs.lessons.honest_comparison import Returns, interval, scatter

    generator = np.random.default_rng(3)
    common = generator.normal(size=40)
    found = Returns(common, common + 0.1 + 0.1 * generator.normal(size=(5, 40)))
    few = scatter(found, trainings=5, episodes=4)
    many = scatter(found, trainings=5, episodes=36)

    def width(values):
        low, high = interval(values)
        return high - low

    assert width(few.paired) < 0.3 * width(few.unpaired)
    assert width(many.unpaired) == pytest.approx(width(few.unpaired) / 3.0, rel=0.15)
    assert many.misled < few.misled < 0.5


def test_the_answers_on_pursuit_are_those_of_arcs_and_of_a_reckoning_step_by_step():
    from gym_suite.labs.lessons.pursuit_and_mppi import HALF_TRACK, drive, driven

    session = Session("pursuit_and_mppi", student=7)
    numbers = session.numbers
    radius = 1.0 / session.solution("curvature")
    # The arc leaves the vehicle straight ahead and meets the point: same distance from its centre.
    along = np.sqrt(numbers["ahead"] ** 2 - numbers["side"] ** 2)
    assert np.hypot(along, radius - numbers["side"]) == pytest.approx(radius)
    theta = x = y = 0.0
    count, error = 100_000, 1e-2 * numbers["error"]
    for _ in range(count):
        left, right = numbers["way"] / count, numbers["way"] / count * (1.0 + error)
        theta += (right - left) / (2.0 * HALF_TRACK)
        x += 0.5 * (left + right) * np.cos(theta)
        y += 0.5 * (left + right) * np.sin(theta)
    assert driven(numbers["way"], error)[-1] == pytest.approx([x, y], abs=1e-3)
    assert session.check("heading", np.degrees(theta)).passed
    near, far = drive(6, "a_star", lookahead=0.6), drive(6, "a_star", lookahead=2.0)
    assert near.arrived and far.clearance < near.clearance


def test_a_short_training_does_better_than_no_training():
    pytest.importorskip("stable_baselines3")
    from gym_suite.labs.lessons.first_policy import train

    found = train(steps=40_000, discount=0.85, learning_rate=0.003, seed=0)
    assert found.steps[0] == 0 and found.steps[-1] >= 40_000
    assert found.scores[-1] > found.scores[0] + 0.5
    assert found.policy.shape == found.controller.shape == found.time.shape


def test_the_answers_of_the_jamming_game_are_those_of_linear_programming_and_of_play():
    from scipy.optimize import linprog

    from gym_suite.labs.lessons.jamming_game import play, worth

    session = Session("jamming_game", student=7)
    values = np.array(worth(session.numbers))
    # Maximise w with (sum over i of q_i v_i) - q_j v_j >= w for every jammed channel j.
    earned = np.tile(values, (3, 1)) - np.diag(values)
    found = linprog(
        [0.0, 0.0, 0.0, -1.0],
        A_ub=np.column_stack([-earned, np.ones(3)]),
        b_ub=np.zeros(3),
        A_eq=[[1.0, 1.0, 1.0, 0.0]],
        b_eq=[1.0],
        bounds=[(0.0, 1.0)] * 3 + [(None, None)],
    )
    assert session.check("value", found.x[3]).passed
    assert session.check("often", found.x[0]).passed
    uniform = play(values.tolist(), (1.0, 1.0, 1.0))
    assert session.check("exploited", uniform.value - uniform.conceded).passed
    best = play(values.tolist(), found.x[:3].tolist())
    assert best.conceded == pytest.approx(best.value)
    assert best.against_minimax == pytest.approx(best.value)
    assert best.earned[-1] == pytest.approx(best.value, abs=0.1)


def test_exploration_shows_what_was_recorded_and_where_random_actions_lead():
    from gym_suite.labs.lessons.exploration import METHODS, SCENES, learned, visits

    session = Session("exploration", student=7)
    chance = session.numbers["chance"] / 100.0
    tries = np.random.default_rng(0).geometric(chance, 400_000)
    assert tries.mean() == pytest.approx(session.solution("wait"), rel=0.01)
    missed = np.mean(tries > session.numbers["episodes"])
    assert missed == pytest.approx(session.solution("none"), abs=0.003)
    for scene in SCENES:
        found = learned(scene)
        assert tuple(found) == METHODS
        for run in found.values():
            assert run.success.shape == run.coverage.shape == (len(run.first), len(run.steps))
            assert np.nanmin(run.success) >= 0.0 and np.nanmax(run.success) <= 1.0

    def squares(hold):
        return len(np.unique(np.floor(visits("a bay", hold) / 0.5), axis=0))

    assert squares(20) > squares(1)


def test_the_answers_on_speed_and_field_are_those_of_the_machine_and_of_the_open_loop():
    import gymnasium

    from gym_suite.labs.lessons.speed_and_field import PAIRS, U_DC, cycle, ellipse, respond

    session = Session("speed_and_field", student=7)
    numbers, circle = session.numbers, U_DC / np.sqrt(3.0)
    setup = gymnasium.make("gem/PMSM-Speed-v0", machine={"u_dc": U_DC}).unwrapped.nominal.parameters
    assert (setup["p"], setup["u_dc"]) == (PAIRS, U_DC)
    base, psi_p, l_d = session.solution("base"), numbers["psi_p"] * 1e-3, numbers["l_d"] * 1e-3
    assert base * PAIRS * psi_p == pytest.approx(circle)
    voltage = numbers["over"] * base * PAIRS * (psi_p + l_d * session.solution("weaken"))
    assert voltage == pytest.approx(circle)
    assert ellipse(numbers, 1.2e-3, 1e9).mean(axis=0)[0] == pytest.approx(
        session.solution("centre")
    )
    # The open loop of the symmetrical optimum, written anew: (1 + a^2 s) / (a^3 s^2 (1 + s)) in units of T_sigma.
    a = numbers["a"]
    crossing = 1j / a
    loop = (1.0 + a * a * crossing) / (a**3 * crossing**2 * (1.0 + crossing))
    assert abs(loop) == pytest.approx(1.0)
    assert session.check("margin", 180.0 + np.degrees(np.angle(loop))).passed
    filtered, bare = (respond(numbers, a=3.0, prefilter=on) for on in (True, False))
    assert filtered.overshoot < bare.overshoot
    assert cycle()[:, 1].min() < -20.0, "the field is weakened at the fast end of the cycle"


def test_the_answers_on_the_induction_machine_are_those_of_the_simulated_machine():
    from scipy.optimize import minimize_scalar

    from gym_suite.labs.lessons import induction_machine as lesson
    from gym_suite.motors.machines import SETS

    machine = SETS[lesson.SET].machine
    assert (machine.p, machine.l_m, machine.r_s) == (lesson.PAIRS, lesson.L_M, lesson.R_S)
    assert machine.l_sigs == machine.l_sigr == lesson.L_SIG
    session = Session("induction_machine", student=7)
    numbers = session.numbers
    field = 2.0 * np.pi * numbers["frequency"] / lesson.PAIRS
    # The largest torque without a resistance of the stator, found on the circuit's curve.
    found = minimize_scalar(
        lambda s: -lesson.line_torque(numbers, np.array([field * (1.0 - s)]), r_s=0.0)[0],
        bounds=(0.01, 1.5),
        method="bounded",
    )
    assert session.check("breakdown", 100.0 * found.x).passed
    # A start ends where the steady torque of the circuit meets the load, and takes it from the voltage squared.
    begun = lesson.start(numbers, voltage=0.8)
    end = begun.speed[-1:]
    assert begun.torque[-1] == pytest.approx(begun.load[-1], rel=1e-3)
    assert lesson.line_torque(numbers, end, voltage=0.8)[0] == pytest.approx(
        begun.torque[-1], rel=2e-3
    )
    assert begun.current.max() > 3.0 * begun.current[-1]
    # What the simulated drive does with a wrong resistance, against the answer.
    right, warm = (
        lesson.orient(numbers, factor=factor, i_q=numbers["i_q"])
        for factor in (1.0, numbers["warm"])
    )
    assert right.part == pytest.approx(1.0, abs=2e-3)
    assert warm.i_q[-1] == pytest.approx(numbers["i_q"], rel=0.01)
    assert 100.0 * warm.part == pytest.approx(session.solution("torque"), rel=0.015)
    cold = lesson.orient(numbers, factor=0.8, i_q=numbers["i_q"])
    known = lesson.detuned(numbers, np.array([0.8]), numbers["i_q"])
    assert cold.part == pytest.approx(known[0], rel=0.015)


def test_the_answers_on_downwash_and_formation_are_those_of_the_flown_drones():
    from gym_suite.drones.parameters import build_vehicle
    from gym_suite.labs.lessons import downwash_formation as lesson

    session = Session("downwash_formation", student=7)
    numbers = session.numbers
    heights = np.full(2001, numbers["height"])
    aside = np.linspace(0.0, 1.0, heights.size)
    force = lesson.downwash(heights, aside)
    assert 1e3 * force[0] == pytest.approx(session.solution("push"), rel=0.002)
    far = np.interp(-numbers["share"] / 100.0 * force[0], -force, aside)
    assert 100.0 * far == pytest.approx(session.solution("aside"), rel=0.002)
    assert 2.0 * build_vehicle("cf2x").radius == lesson.TOUCH
    angles = 2.0 * np.pi * np.arange(numbers["drones"]) / numbers["drones"]
    ring = session.solution("ring") * np.exp(1j * angles)
    assert np.abs(np.diff(ring)).min() == pytest.approx(numbers["apart"])
    # A drone that is flown over slowly sinks, less with an integral, and hardly where the way is high above.
    passes = [
        lesson.fly_over(numbers, height=h, speed=0.3, integral=integral)
        for h, integral in ((1.0, False), (1.0, True), (2.0, False))
    ]
    assert all(p.upper[-1] == pytest.approx(lesson.WAY, abs=0.02) for p in passes)
    low, mended, high = (p.sunk for p in passes)
    assert 0.05 < mended < low and high < 0.7 * low
    # Pushed straight back the drones of an even ring get stuck; to the right they all get past.
    stuck = lesson.swap(drones=6, speed=0.65, swirl=0.0)
    past = lesson.swap(drones=6, speed=0.65, swirl=1.5)
    assert stuck.missed > 0.5 and past.missed < 0.05
    assert not past.touched and past.nearest.min() > lesson.TOUCH


def test_the_answers_on_switching_are_those_of_the_switched_machine_and_of_its_legs():
    import gymnasium

    from gym_suite.labs.lessons import switching_and_averaging as lesson

    session = Session("switching_and_averaging", student=7)
    numbers = session.numbers
    machine = {"u_dc": numbers["u_dc"], "l_d": numbers["l_d"] * 1e-3}
    tau = 1e-6 * numbers["tau"]
    env = gymnasium.make(
        lesson.FINITE_ID, machine=machine, tau=tau, dead_time=False, reference={"i_sq": 0.0}
    )
    nominal = env.unwrapped.nominal.parameters
    assert [nominal[n] for n in ("p", "r_s", "l_q", "psi_p")] == [
        lesson.PAIRS,
        lesson.R_S,
        lesson.L_Q,
        lesson.PSI_P,
    ]
    still = {"omega": 0.0, "epsilon": 0.0, "i_sd": 0.0, "i_sq": 0.0}
    env.reset(seed=0, options={"state": still})
    info = env.step(4)[4]
    assert info["u_sd"] == pytest.approx(session.solution("vector"))
    assert info["i_sd"] == pytest.approx(session.solution("stride"), rel=2e-3)
    # Two legs' duties differ by the time in the state in which they differ; their mean voltage is what was asked for.
    asked = numbers["asked"] * np.exp(1j * np.radians(numbers["angle"]))
    a, b, c = lesson.duties(asked, numbers["u_dc"])
    assert 100.0 * (a - b) == pytest.approx(session.solution("dwell"))
    turn = np.exp(2j * np.pi / 3.0)
    mean = 2.0 / 3.0 * numbers["u_dc"] * (a + b * turn + c * turn**2)
    assert mean == pytest.approx(asked)
    assert a + c == pytest.approx(1.0), "equal shares of both zero states"
    fastest = lesson.switched(numbers, "fcs-mpc", tau=1e-5, switching=0.0)
    assert fastest.frequency < 1e3 / (2.0 * 10.0)


@pytest.mark.parametrize("carrier", [2.5, 5.0])
def test_modulation_averages_and_its_ripple_stands_in_lines_about_the_carrier(carrier):
    from gym_suite.labs.lessons import switching_and_averaging as lesson

    numbers = Session("switching_and_averaging", student=7).numbers
    run = lesson.modulated(numbers, carrier)
    time, mean = lesson.averaged(numbers, carrier)
    assert run.frequency == pytest.approx(carrier)
    assert mean == pytest.approx(np.tile([0.0, lesson.I_Q], (len(mean), 1)), abs=0.3)
    at_peaks = run.current[np.rint(time / lesson.GRID).astype(int)]
    assert at_peaks == pytest.approx(mean, abs=0.15 * run.ripple)
    assert np.abs(run.current - [0.0, lesson.I_Q]).max() > run.ripple
    frequency, amplitude = lesson.spectrum(run)
    power = 0.5 * amplitude**2
    assert power[1:].sum() == pytest.approx(np.var(run.phase[:-1]), rel=1e-3)
    # What all three legs have alike drives no current: no line at the carrier itself, one two periods aside.
    line = np.searchsorted(frequency, carrier - 0.01)
    assert frequency[line] == pytest.approx(carrier)
    assert amplitude[line] < 0.1 * min(amplitude[line - 2], amplitude[line + 2])
    # Four periods aside there is less; a current turned the wrong way would have the two exchanged.
    assert min(amplitude[[line - 2, line + 2]]) > 1.1 * max(amplitude[[line - 4, line + 4]])
    # Side bands of a few hundred hertz about the carrier's multiples hold the ripple of PWM, not that of finite sets.
    free = lesson.switched(numbers, "fcs-mpc", tau=1e-5, switching=1e-4)
    shares = []
    for found in (power, 0.5 * lesson.spectrum(free)[1] ** 2):
        off = np.abs(frequency - carrier * np.maximum(np.rint(frequency / carrier), 1.0))
        shares.append(found[off <= 0.55].sum() / found.sum())
    assert shares[0] > 0.98 and shares[1] < 0.7


@pytest.mark.parametrize("student", [7, 8])
def test_foresight_and_modulation_leave_less_ripple_at_the_same_switching(student):
    from gym_suite.labs.lessons import switching_and_averaging as lesson

    numbers = Session("switching_and_averaging", student=student).numbers
    curves = lesson.curves(numbers, 1e-5)
    curves["PWM"] = lesson.tradeoff([lesson.modulated(numbers, carrier) for carrier in (2.5, 5.0)])

    def ripple(name):
        at, found = np.log(curves[name]).T
        return np.exp(np.interp(np.log(5.0), at, found))

    assert ripple("fcs-mpc, horizon 3") < 0.95 * ripple("fcs-mpc, horizon 1")
    assert ripple("PWM") < 0.9 * ripple("fcs-mpc, horizon 1") < 0.8 * ripple("hysteresis")


def test_the_nearest_state_is_the_one_that_the_controller_chooses():
    import gymnasium

    import gym_suite
    from gym_suite.labs.lessons import switching_and_averaging as lesson

    numbers = Session("switching_and_averaging", student=7).numbers
    env = gymnasium.make(
        lesson.FINITE_ID,
        machine={"u_dc": numbers["u_dc"], "l_d": numbers["l_d"] * 1e-3},
        speed=lesson.ELECTRICAL / lesson.PAIRS,
        reference={"i_sq": lesson.I_Q},
        dead_time=False,
    )
    controller = gym_suite.make_controller(env, "fcs-mpc", switching=0.0)
    weights = np.zeros(8)
    for angle in np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False):
        start = {"epsilon": angle - np.pi, "i_sd": 0.0, "i_sq": lesson.I_Q}
        observation, _ = env.reset(seed=0, options={"state": start})
        chosen = int(controller.predict(observation, None)[0])
        moved, nearest = lesson.decision(numbers, angle=angle - np.pi, tau=1e-5)
        distance = (moved**2).sum(axis=1)
        # An Euler step and a Runge-Kutta step differ by a few per cent of a stride.
        assert distance[chosen] <= 1.1 * distance[nearest]
        weights[nearest] += 1
    assert np.count_nonzero(weights) >= 6


def test_policies_join_the_ladder_at_the_channels_for_which_they_were_trained():
    from gym_suite.labs.lessons.gilbert_elliott import AGENTS, CHANNELS, ladder

    home, other = (ladder(0.8, 0.2, channels=channels) for channels in (CHANNELS, 4))
    assert home.names == (*AGENTS, "ppo") and other.names == AGENTS
    rate = dict(zip(home.names, home.means, strict=True))
    assert rate["hopper"] < rate["ppo"] < rate["clairvoyant"]
    assert rate["hopper"] == pytest.approx(0.5, abs=0.02)
    # Where idle does not last, a policy that learned to stay falls behind who knows the chain.
    away = ladder(0.2, 0.8, channels=CHANNELS)
    there = dict(zip(away.names, away.means, strict=True))
    assert there["ppo"] < there["myopic"] - 0.05


def test_a_chain_is_told_from_the_library_whose_runs_are_those_of_the_whole_trace():
    from gym_suite.labs.lessons.gilbert_elliott import against_chain, readings

    session = Session("gilbert_elliott", student=7)
    numbers = session.numbers
    generator = np.random.default_rng(2)
    runs = generator.geometric(1.0 / numbers["burst"], 400_000)
    longer = 100.0 * np.mean(runs > numbers["longer"])
    assert longer == pytest.approx(session.solution("long_run"), rel=0.1)
    idle = np.zeros(200_000, np.bool_)
    draws = generator.random(idle.size)
    for k in range(1, idle.size):
        idle[k] = draws[k] < (0.85 if idle[k - 1] else 0.12)
    chain = against_chain(idle)
    assert (chain.p11, chain.p01) == pytest.approx((0.85, 0.12), abs=0.01)
    assert chain.longer == pytest.approx(chain.longer_chain, abs=0.015)
    assert chain.belief == pytest.approx(chain.belief_chain, abs=0.02)
    library = against_chain(readings() <= -85)
    assert library.longer[2] < 0.8 * library.longer_chain[2], "more very short runs"
    assert library.longer[32] > 1.2 * library.longer_chain[32], "and more very long ones"
    assert library.belief[20] > library.belief_chain[20] + 0.1
    # The excerpt has the lengths of the whole trace, of which the tests hold a count.
    whole = json.loads((Path(__file__).parents[1] / "radio/data/library_runs.json").read_text())
    lengths, counts = np.array(whole["bursts"], dtype=float).T
    told = [counts[lengths > k].sum() / counts.sum() for k in range(60)]
    assert against_chain(readings() <= -90).longer == pytest.approx(told, abs=0.06)
    for always in (True, False):
        with pytest.raises(ValueError, match="always in one state"):
            against_chain(np.full(100, always))


def test_the_real_run_is_reckoned_step_by_step_and_skids_in_turns():
    from gym_suite.labs.lessons.pursuit_and_mppi import reckon, recording

    session = Session("pursuit_and_mppi", student=7)
    numbers = session.numbers
    reckoned = 360.0 * numbers["turns"]
    true = reckoned / (1.0 - numbers["slip"] / 100.0)
    assert true - reckoned == pytest.approx(session.solution("missed"))
    run = reckon(1.02)
    time, speed, rate = recording("husky_odometry").T
    x, y, heading = [0.0], [0.0], 0.0
    for k in range(1, time.size):
        turned = 1.02 * 0.5 * (rate[k] + rate[k - 1]) * (time[k] - time[k - 1])
        way = 0.5 * (speed[k] + speed[k - 1]) * (time[k] - time[k - 1])
        x.append(x[-1] + way * np.cos(heading + 0.5 * turned))
        y.append(y[-1] + way * np.sin(heading + 0.5 * turned))
        heading += turned
    clock = recording("husky_gps")[:, 0]
    far = np.hypot(np.interp(clock, time, x), np.interp(clock, time, y))
    assert np.hypot(*run.reckoned.T) == pytest.approx(far, abs=1e-6), "turned as a whole alone"
    # No other heading at the start fits better.
    for angle in (-0.02, 0.02):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        off = run.reckoned @ turn.T - run.measured
        assert np.sqrt((off**2).sum(axis=1).mean()) > run.distance
    tried = {factor: reckon(factor).distance for factor in (0.96, 1.0, 1.04, 1.08)}
    assert min(tried, key=tried.__getitem__) == 1.04 and tried[1.04] < 0.6 * tried[1.0]
    assert run.length == pytest.approx(358.9, abs=1.0)


def measured_fluxes():
    """Return splines through the measured points themselves, which the package's map smooths."""
    from scipy.interpolate import RectBivariateSpline

    text = resources.files("gym_suite.motors").joinpath("data/ecs101m0h7ef4_flux_map.csv")
    rows = np.array(
        [
            [float(cell) for cell in line.split(",")]
            for line in text.read_text("utf-8").splitlines()
            if line and line[0] in "-0123456789"
        ]
    )
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    d, q = np.unique(rows[:, 0]), np.unique(rows[:, 1])
    return [RectBivariateSpline(d, q, rows[:, k].reshape(len(d), len(q))) for k in (2, 3)]


def test_the_answers_on_saturation_are_those_of_the_measured_points_and_of_a_minimiser():
    from scipy.optimize import minimize, minimize_scalar

    from gym_suite.labs.lessons import saturation_and_efficiency as lesson
    from gym_suite.motors.losses import usual_losses

    machine, (along, across) = lesson.machine(), measured_fluxes()
    assert (machine.p, machine.r_s) == (lesson.PAIRS, lesson.R_S)
    slopes = machine.map.inductances(0.0, 0.0)
    told = slopes[0], slopes[2], machine.psi_p
    assert np.allclose(told, (lesson.L_D, lesson.L_Q, lesson.PSI), rtol=5e-3)
    session = Session("saturation_and_efficiency", student=7)
    numbers = session.numbers
    i_d, i_q = numbers["i_d"], numbers["i_q"]

    def torque(i_d, i_q):
        return 1.5 * 2 * (along.ev(i_d, i_q) * i_q - across.ev(i_d, i_q) * i_d)

    assert session.check("true", torque(i_d, i_q)).passed
    rise = 500.0 * (across.ev(i_d, i_q + 1.0) - across.ev(i_d, i_q - 1.0))
    assert session.check("further", rise).passed
    assert session.solution("linear") > 1.1 * session.solution("true")
    size = numbers["current"]
    best = minimize_scalar(
        lambda a: -torque(size * np.cos(a), size * np.sin(a)), bounds=(1.7, 2.8), method="bounded"
    )
    assert session.check("angle", np.degrees(best.x)).passed

    def state(i, speed):
        """Power out of the link and torque of the shaft, from the docstring of the losses."""
        lost, square = usual_losses(machine), i[0] ** 2 + i[1] ** 2
        flux = along.ev(*i) ** 2 + across.ev(*i) ** 2
        omega_e = 2 * speed
        iron = 1.5 * (lost.hysteresis * omega_e + lost.eddy * omega_e**2) * flux
        shaft = torque(*i) - iron / speed - lost.bearing
        amplitude = np.sqrt(square)
        inverter = 6.0 / np.pi * lost.threshold * amplitude + 1.5 * lost.slope * square
        inverter += 6.0 / np.pi * lost.e_switch / machine.period * amplitude / machine.i_nominal
        friction = lost.bearing * speed
        link = shaft * speed + iron + friction + inverter + 1.5 * 0.63 * square
        return link, shaft

    def least(rpm):
        speed = rpm * np.pi / 30.0
        found = minimize(
            lambda i: state(i, speed)[0],
            (-4.0, 6.0),
            constraints={"type": "eq", "fun": lambda i: state(i, speed)[1] - numbers["torque"]},
            method="SLSQP",
            options={"ftol": 1e-10},
        )
        assert found.success
        return found.x, found.fun, numbers["torque"] * speed

    currents, link, shaft = least(numbers["rpm"])
    held = lesson.hold(numbers["torque"], numbers["rpm"])
    assert session.check("efficiency", 100.0 * shaft / link).passed
    assert held.least == pytest.approx(np.degrees(np.arctan2(*currents[::-1])), abs=1.5)
    slow = lesson.hold(numbers["torque"], 0.1 * numbers["rpm"])
    assert 0.0 < slow.least - slow.short < 0.5 * (held.least - held.short)
    assert np.nanmin(held.loss) == pytest.approx(held.link - held.shaft, rel=1e-4)
