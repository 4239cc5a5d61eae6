"""The command line: what it prints, what it writes, and how it refuses."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

import gym_suite
from gym_suite import cli, registration
from gym_suite.code_pages import PLAIN, write_plainly
from gym_suite.commands.output import put, width_of
from gym_suite.comparison import plan
from gym_suite.core.page import compose
from gym_suite.registration import catalogue, id_class_of

ID = "gem/PMSM-v0"
CONTROLLER = """
import numpy as np

class Idle:
    information = "observation"

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return np.zeros((*np.shape(observation)[:-1], 2), dtype=np.float32), state

def make(env):
    return Idle()
"""


@pytest.fixture(autouse=True)
def in_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def refusal(capsys, *argv):
    """Run a command line that must be refused and return the one line that says why."""
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gym-suite: ")
    assert printed.err.count("\n") == 1
    return printed.err


# ------------------------------------------------------------------------------------- list, show


def test_list_names_every_id_on_a_line_of_its_own(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for id in catalogue():
        assert sum(line.split()[:1] == [id] for line in lines) == 1


def test_list_can_be_narrowed(capsys):
    entry = catalogue()[ID]
    assert cli.main(["list", "--family", entry.family]) == 0
    assert ID in capsys.readouterr().out
    for tag in entry.tags:
        assert cli.main(["list", "--tag", tag]) == 0
        assert ID in capsys.readouterr().out


def test_list_does_not_compile_or_import_a_family():
    code = (
        "import sys; from gym_suite import cli; cli.main(['list']); "
        "print(sorted({'numba', 'scipy', 'matplotlib'} & sys.modules.keys()), file=sys.stderr)"
    )
    run = process("-c", code)
    assert run.stderr.strip() == "[]"


@pytest.mark.parametrize("id", [id for id, entry in catalogue().items() if entry.entry_point])
def test_show_tells_everything(capsys, id):
    import gymnasium

    assert cli.main(["show", id]) == 0
    printed = capsys.readouterr().out
    setup = gymnasium.make(id, **catalogue()[id].anywhere).unwrapped.setup
    page = compose(id_class_of(id))
    assert all(section.heading in printed for section in page.sections)
    sourced = [column for column in setup.parameter_columns if column.source]
    assert sourced, "parameters say where they come from"
    shown = (*setup.reward_terms, *setup.action_columns.names, *(c.name for c in sourced))
    for name in (*shown, *catalogue()[id].controllers, *setup.keywords):
        assert name in printed
    words = set(printed.split())
    assert all(words.issuperset(column.source.split()) for column in sourced)


def test_show_takes_keywords(capsys):
    assert cli.main(["show", ID, "--set", "machine=HSM16.17.12-C01"]) == 0
    assert "0.01793" in capsys.readouterr().out


# --------------------------------------------------------------------------------- run and render


def test_run_prints_metrics_and_writes_the_trajectory(capsys):
    assert cli.main(["run", ID, "--seed", "3", "--steps", "50", "--csv", "run.csv"]) == 0
    assert "rmse" in capsys.readouterr().out.casefold()
    with Path("run.csv").open() as file:
        header, *rows = list(csv.reader(file))
    assert header[0] == "time [s]"
    assert len(rows) == 51
    table = dict(zip(header, np.array(rows, dtype=float).T, strict=True))
    assert all(np.isfinite(column[1:]).all() for column in table.values())
    terms = [column for name, column in table.items() if name.startswith("reward_")]
    np.testing.assert_allclose(table["reward [1]"][1:], np.sum(terms, axis=0)[1:], atol=1e-9)
    assert {"i_sq [A]", "torque [N m]", "omega [rad/s]", "action_q [1]"} <= table.keys()


def test_run_writes_each_of_several_choices():
    argv = ["run", "gem/EESM-Finite-v0", "--seed", "0", "--steps", "20", "--csv", "states.csv"]
    assert cli.main(argv) == 0
    with Path("states.csv").open() as file:
        table = list(csv.DictReader(file))
    assert {float(row["action_0 [1]"]) for row in table[1:]} <= set(range(8))
    assert {float(row["action_1 [1]"]) for row in table[1:]} <= set(range(4))


def test_run_takes_a_controller_from_a_file(capsys):
    Path("mine.py").write_text(CONTROLLER)
    assert cli.main(["run", ID, "--agent", "mine.py:make", "--steps", "20"]) == 0
    assert "mine:make" in capsys.readouterr().out


def test_same_seed_same_numbers(capsys):
    for name in ("a.csv", "b.csv"):
        assert cli.main(["run", ID, "--agent", "random", "--steps", "30", "--csv", name]) == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


@pytest.mark.parametrize("name", ["run.gif", "run.png"])
def test_render_writes_a_picture(name):
    from PIL import Image

    assert cli.main(["render", ID, "--agent", "pi", "--steps", "40", "--out", name]) == 0
    with Image.open(name) as picture:
        assert min(picture.size) > 100


# --------------------------------------------------------------------------------- compare, bench


def test_compare_writes_a_report_and_says_where(capsys):
    argv = ["compare", ID, "--agents", "pi", "random", "--seeds", "3", "--steps", "60"]
    assert cli.main([*argv, "--setting", "nominal", "mismatch", "--out", "out"]) == 0
    printed = capsys.readouterr().out
    assert str(Path("out/index.html")) in printed.replace("\n", "")
    records = [json.loads(line) for line in Path("out/results.jsonl").read_text().splitlines()]
    assert {record["agent"]["name"] for record in records} == {"pi", "zero", "random"}
    assert {record["setting"]["name"] for record in records} == {"nominal", "mismatch"}
    assert {record["seed"] for record in records} == {0, 1, 2}
    assert all(record["status"] == "done" for record in records)


def test_compare_goes_on_where_it_was():
    argv = ["compare", ID, "--agents", "pi", "--seeds", "3", "--steps", "40", "--out", "out"]
    assert cli.main(argv) == 0
    first = Path("out/results.jsonl").read_text()
    assert cli.main(argv) == 0
    assert Path("out/results.jsonl").read_text() == first


FAILING = """
class Agent:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        raise RuntimeError("no idea what to do")

def make(env):
    return Agent()
"""


def test_compare_ends_with_1_if_a_run_failed(capsys):
    Path("bad.py").write_text(FAILING)
    argv = ["compare", ID, "--agents", "bad.py:make", "--seeds", "2", "--steps", "20"]
    assert cli.main([*argv, "--setting", "nominal", "--out", "out"]) == 1
    printed = capsys.readouterr().out
    assert "no idea what to do" in printed and Path("out/index.html").exists()


ENDING = """
import sys

class Agent:
    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        sys.exit(0)

def make(env):
    return Agent()

def ends(env):
    sys.exit(0)
"""


@pytest.mark.parametrize("name", ["make", "ends"])
def test_an_agent_that_ends_the_process_is_a_failed_run(name, capsys):
    """What calls sys.exit would otherwise end the comparison with the status that it gives, 0, and no word."""
    Path("bad.py").write_text(ENDING)
    argv = ["compare", ID, "--agents", f"bad.py:{name}", "--seeds", "2", "--steps", "20"]
    assert cli.main([*argv, "--setting", "nominal", "--out", "out"]) == 1
    assert "SystemExit: 0" in capsys.readouterr().out


def test_a_file_that_ends_the_process_cannot_be_imported(capsys):
    Path("bad.py").write_text(ENDING + "\nsys.exit(0)\n")
    said = refusal(capsys, "compare", ID, "--agents", "bad.py:make")
    assert "bad.py cannot be imported: SystemExit: 0" in said


def test_compare_takes_any_gymnasium_id_between_two_anchors(capsys):
    argv = ["compare", "CartPole-v1", "--anchors", "zero", "500", "--seeds", "2", "--out", "out"]
    assert cli.main(argv) == 0
    assert "CartPole-v1" in capsys.readouterr().out


def test_a_code_page_without_our_signs_loses_nothing():
    argv = ["compare", ID, "--seeds", "1", "--steps", "10", "--setting", "nominal", "--out", "out"]
    for code_page in ("cp1252", "ascii"):
        run = process("-m", "gym_suite.cli", *argv, code_page=code_page)
        assert run.returncode == 0, run.stderr
        assert "pi" in run.stdout and Path("out/index.html").exists()


def test_a_minus_stays_a_minus_in_every_code_page():
    """A score that loses its sign says a wrong thing."""
    for code_page in ("cp1252", "ascii"):
        stream = io.TextIOWrapper(io.BytesIO(), code_page)
        write_plainly(stream)
        stream.write("−0.46 ≤ 3 µs, 5 °, 中")
        stream.flush()
        said = stream.buffer.getvalue().decode(code_page)
        assert said.startswith("-0.46 <= 3 ") and said.endswith("?")
    assert said == "-0.46 <= 3 us, 5  deg, ?"
    assert all(text.isascii() for text in PLAIN.values())


@pytest.mark.parametrize("columns", ["40", "60", "80"])
def test_names_of_agents_stay_in_narrow_terminals(columns, monkeypatch, capsys):
    from gym_suite.comparison import compare

    agents = ["pi", "random", "ppo"]
    result = compare(ID, agents=agents, seeds=1, horizon=10, progress=False)
    Console(width=int(columns)).print(result.table())
    lines = capsys.readouterr().out.splitlines()
    for name in agents:
        assert any(line.startswith(name) for line in lines)
    assert max(map(len, lines)) <= int(columns)


@pytest.mark.parametrize("columns", [20, 40, 60, 80])
def test_no_table_breaks_a_name_or_a_number_in_a_narrow_terminal(columns):
    """What is too narrow for a table is told as a list; a word is cut only where it is longer than a line."""
    from gym_suite import bench, doctor, show
    from gym_suite.comparison.plan import Estimate, as_table

    finding = doctor.Finding("extras", "missing", "of 3 only control", "pip install -e .[rl]")
    measured = bench.Rate("gem/PMSM-v0", "make_vec", 4096, (12_345_678.0,), (9_876_543.0,))
    planned = Estimate("gem/PMSM-v0", 12, 9, 1200, 7_654_321, 98_765.0, 4321.5, "mpc")
    told = {
        show.list_ids(): list(catalogue()),
        doctor.as_table([finding]): ["extras", "control", ".[rl]"],
        bench.as_table([measured], []): ["gem/PMSM-v0", "12,345,678", "9,876,543", "4096"],
        as_table([planned]): ["gem/PMSM-v0", "98765", "4321.5", "1,200"],
    }
    for renderable, words in told.items():
        console = Console(width=columns, file=io.StringIO(), markup=False)
        console.print(renderable)
        lines = console.file.getvalue().splitlines()
        assert max(map(len, lines)) <= columns
        found = {word for line in lines for word in line.split()}
        assert {word for word in words if len(word) <= columns} <= found
        whole = "".join(line.strip() for line in lines)
        assert all(word in whole for word in words)


@pytest.mark.parametrize(("asked", "expected"), [("44", 44), ("", 40), ("nonsense", 40)])
def test_a_dumb_terminal_is_as_wide_as_it_is(asked, expected, monkeypatch):
    """A table that is written for 80 columns breaks everywhere in one of 40."""
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", asked)
    master, slave = pty.openpty()
    with open(slave, "w") as stream:
        termios.tcsetwinsize(stream, (30, 40))
        assert width_of(stream) == expected
        monkeypatch.setattr(sys, "stdout", stream)
        put(Text("word " * 40))
        stream.flush()
        seen = os.read(master, 4096).decode().splitlines()
    os.close(master)
    assert 0.8 * expected < max(map(len, seen)) <= expected
    assert width_of(io.StringIO()) == 160


def test_compare_passes_keywords_on():
    argv = ["compare", ID, "--agents", "pi", "--seeds", "1", "--steps", "20", "--out", "out"]
    argv += ["--setting", "nominal"]
    assert cli.main([*argv, "--set", "machine=HSM16.17.12-C01"]) == 0
    record = json.loads(Path("out/results.jsonl").read_text().splitlines()[0])
    assert record["setting"]["keywords"] == {"machine": "HSM16.17.12-C01"}


def test_bench_measures_every_layer(capsys):
    argv = ["bench", ID, "--repeats", "2", "--seconds", "0.02", "--no-start", "--json"]
    assert cli.main(argv) == 0
    data = json.loads(capsys.readouterr().out)
    measured = {(rate["id"], rate["what"], rate["rows"]) for rate in data["rates"]}
    assert {rows for id, what, rows in measured if id == ID} == {1, 64, 4096}
    assert {id for id, _, _ in measured} == {ID, "CartPole-v1"}
    assert len(measured) == 7
    assert all(len(rate["runs"]) == 2 for rate in data["rates"])
    assert all(0 < rate["median"] <= rate["best"] for rate in data["rates"])
    assert data["versions"]["gym_suite"] == gym_suite.__version__


def test_bench_measures_threads_beside_one(capsys):
    argv = ["bench", ID, "--threads", "2", "--repeats", "1", "--seconds", "0.01", "--no-start"]
    assert cli.main([*argv, "--json"]) == 0
    rates = json.loads(capsys.readouterr().out)["rates"]
    told = [(r["what"], r["rows"]) for r in rates if r["id"] == ID and "make_vec" in r["what"]]
    one, two = "make_vec, native", "make_vec, native, 2 threads"
    assert told == [(one, 1), (one, 64), (two, 64), (one, 4096), (two, 4096)]


def test_bench_measures_beside_one_thread_as_many_as_pay(capsys):
    argv = ["bench", ID, "--threads", "auto", "--repeats", "1", "--seconds", "0.01", "--no-start"]
    assert cli.main([*argv, "--json"]) == 0
    rates = json.loads(capsys.readouterr().out)["rates"]
    told = [(r["what"], r["rows"]) for r in rates if r["id"] == ID and "make_vec" in r["what"]]
    one, most = "make_vec, native", "make_vec, native, auto threads"
    assert told == [(one, 1), (one, 64), (one, 4096), (most, 4096)]


# ---------------------------------------------------------------------------------------- refusals

NEAR = [
    (["show", "gem/PMSM-v9"], "gem/PMSM-v0"),
    (["run", "gem/PMSM"], "gem/PMSM-v0"),
    (["run", ID, "--agent", "pii"], "'pi'"),
    (["run", ID, "--set", "machin=PMSM"], "machine"),
    (["show", ID, "--set", "machine=HSM16"], "HSM16.17.12-C01"),
    (["compare", "gem/PMSM-v1"], "gem/PMSM-v0"),
    (["compare", ID, "--agents", "zer"], "zero"),
    (["compare", ID, "--setting", "noisy"], "noise"),
    (["compare", "--family", "motor"], "motors"),
    (["list", "--family", "motor"], "motors"),
    (["render", "gem/PMSN-v0", "--out", "a.gif"], "gem/PMSM-v0"),
    (["bench", "gem/PMSM-v00"], "gem/PMSM-v0"),
]


@pytest.mark.parametrize(("argv", "near"), NEAR, ids=lambda value: " ".join(value)[:40])
def test_unknown_names_are_refused_with_the_nearest(capsys, argv, near):
    assert near in refusal(capsys, *argv)


WRONG = [
    (["compare"], "no environment"),
    (["compare", ID, "--seeds", "0"], "seeds"),
    (["compare", ID, "--workers", "0"], "workers"),
    (["compare", ID, "--agents", "nowhere.npz"], "nowhere.npz"),
    (["compare", ID, "--agents", "nowhere.py:make"], "nowhere.py"),
    (["show", ID, "--set", "machine"], "KEY=VALUE"),
    (["show", ID, "--set", 'machine={"l_d": -1'], "JSON"),
    (["show", ID, "--set", 'machine={"l_d": -1}'], "l_d"),
    (["show", ID, "--set", "noise=1", "--set", "noise=2"], "twice"),
    (["render", ID, "--out", "run.avi"], ".gif"),
    (["render", ID, "--out", "no/such/folder/run.gif"], "folder"),
    (["bench", ID, "--repeats", "0"], "repeats"),
    (["bench", ID, "--threads", "0"], "threads must"),
    (["bench", ID, "--threads", "100000"], "threads must lie in [1, 1024], got 100000"),
    (["bench", "radio/MultiAccess-v0", "--threads", "2"], "none of radio/MultiAccess-v0"),
    (["bench", ID, "--threads", "2", "--cold"], "--threads goes without --cold"),
]


@pytest.mark.parametrize(("argv", "said"), WRONG, ids=lambda value: " ".join(value)[:40])
def test_wrong_values_are_refused_with_the_reason(capsys, argv, said):
    assert said in refusal(capsys, *argv)


def test_a_damaged_policy_is_refused(capsys):
    Path("policy.npz").write_bytes(b"PK\x03\x04 cut off")
    assert "policy.npz" in refusal(capsys, "compare", ID, "--agents", "policy.npz")


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(capsys):
    Path("report").write_text("a file where the folder should be")
    argv = ["compare", ID, "--agents", "mine.py:make", "--out", "report/out"]
    Path("mine.py").write_text(CONTROLLER + "\n    raise SystemExit('the agent was built')\n")
    assert "report" in refusal(capsys, *argv)


@pytest.mark.parametrize("argv", [["lits"], ["run"], ["run", ID, "--stepz", "3"]])
def test_the_parser_refuses_with_status_2(capsys, argv):
    with pytest.raises(SystemExit) as refused:
        cli.main(argv)
    assert refused.value.code == 2


def test_help_of_every_command(capsys):
    for command in cli.COMMANDS:
        with pytest.raises(SystemExit) as asked:
            cli.main([command, "--help"])
        assert asked.value.code == 0
        assert "usage: gym-suite" in capsys.readouterr().out


# ------------------------------------------------------------------------------ ends of a process


def process(*arguments, code_page="utf-8", **keywords):
    environment = {**os.environ, "PYTHONPATH": str(Path(gym_suite.__file__).parent.parent)}
    environment["PYTHONIOENCODING"] = code_page
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        encoding=code_page,
        env=environment,
        check=False,
        **keywords,
    )


def test_a_refusal_in_a_process_of_its_own():
    refused = process("-m", "gym_suite.cli", "show", "gem/PMSM-v9")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


def test_ctrl_c_ends_with_130(monkeypatch):
    def interrupted() -> None:
        """Be interrupted."""
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.COMMANDS, "list", interrupted)
    assert cli.main(["list"]) == 130


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    def faulty() -> None:
        """Fail inside a library."""
        np.zeros(3) + np.zeros(4)

    monkeypatch.setitem(cli.COMMANDS, "list", faulty)
    with pytest.raises(ValueError, match="broadcast"):
        cli.main(["list"])


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently on Windows")
def test_a_reader_that_goes_away_is_no_error():
    code = "import sys; from gym_suite import cli; sys.exit(cli.main(['list']))"
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(Path(gym_suite.__file__).parent.parent)}
    run = subprocess.run(
        [sys.executable, "-c", code],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_closed_standard_output_is_no_error():
    run = subprocess.run(
        f"{sys.executable} -m gym_suite list >&-", shell=True, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_gains_from_the_command_line_reach_the_control(capsys):
    """Other gains give another episode, and a file of gains says the same as the command line."""
    argv = ["run", ID, "--agent", "pi", "--steps", "40", "--csv"]
    Path("gains.json").write_text(json.dumps({"id": ID, "agent": "pi", "gains": {"i_sd.kp": 0.2}}))
    for name, more in (
        ("rule", []),
        ("own", ["--agent-set", "i_sd.kp=0.2"]),
        ("file", ["--gains", "gains.json"]),
        ("both", ["--gains", "gains.json", "--agent-set", "decoupling=false"]),
    ):
        assert cli.main([*argv, f"{name}.csv", *more]) == 0
    told = {name: Path(f"{name}.csv").read_text() for name in ("rule", "own", "file", "both")}
    assert told["own"] == told["file"] != told["rule"]
    assert told["both"] not in (told["own"], told["rule"])
    assert cli.main(["run", ID, "--agent", "gains.json", "--steps", "40", "--csv", "a.csv"]) == 0
    assert Path("a.csv").read_text() == told["file"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--agent-set", "i_sd.kq=1"], "'i_sd.kp'"),
        (["--agent-set", "rul=1"], "'rule'"),
        (["--agent-set", "i_sd.kp"], "--agent-set expects KEY=VALUE"),
        (["--agent-set", "i_sd.kp=fast"], "number"),
        (["--agent", "pie", "--agent-set", "i_sd.kp=1"], "'pi'"),
        (["--gains", "nowhere.json"], "nowhere.json"),
        (["--agent", "zero", "--gains", "gains.json"], "holds gains of 'pi', not of 'zero'"),
    ],
)
def test_wrong_gains_are_refused_with_the_reason(capsys, argv, said):
    Path("gains.json").write_text(json.dumps({"id": ID, "agent": "pi", "gains": {"i_sd.kp": 0.2}}))
    assert said in refusal(capsys, "run", ID, "--steps", "5", *argv)


def test_tune_writes_gains_and_says_where(capsys):
    argv = ["tune", ID, "--budget", "2e3", "--episodes", "4", "--set", "max_episode_steps=100"]
    assert cli.main([*argv, "--out", "gains"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(Path("gains") / "pi-tuned-0.json")
    assert "5 trials in 2,000 steps" in printed.err
    about = json.loads(Path("gains/pi-tuned-0.json").read_text())
    assert about["command"].startswith(f"gym-suite tune {ID} --agent pi --budget 2000")
    assert "budget" in refusal(capsys, "tune", ID, "--budget", "0")


# ------------------------------------------------------------------------------------ the first hour


def test_without_arguments_it_says_what_to_do_first(capsys):
    assert cli.main([]) == 0
    lines = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("  gym-suite")
    ]
    assert len(lines) == 5
    for line in lines:
        assert line.split()[1] in cli.COMMANDS


def test_the_version_can_be_asked_for_by_the_module_too():
    told = subprocess.run(
        [sys.executable, "-m", "gym_suite", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == gym_suite.__version__


def test_dots_lead_into_mappings(capsys):
    assert cli.main(["show", ID, "--set", "machine.r_s=0.02", "--set", "machine.l_d=4e-4"]) == 0
    assert "0.02" in capsys.readouterr().out
    assert "twice" in refusal(
        capsys, "show", ID, "--set", "machine.r_s=1", "--set", "machine.r_s=2"
    )
    assert "already" in refusal(
        capsys, "show", ID, "--set", "machine=PMSM", "--set", "machine.r_s=2"
    )


@pytest.mark.parametrize("command", ["run", "render"])
@pytest.mark.parametrize("option", [("--steps", "0"), ("--seed", "-1")])
def test_an_episode_that_cannot_be_is_refused_by_the_options_name(capsys, command, option):
    more = ("--out", "x.png") if command == "render" else ()
    assert option[0] in refusal(capsys, command, ID, *option, *more)


def test_an_id_after_agents_is_told_from_an_agent(capsys):
    assert "put ids before --agents" in refusal(capsys, "compare", "--agents", "pi", ID)


def test_an_agent_that_does_not_ship_is_told_apart_from_one_misspelt(capsys):
    assert "No policies ship" in refusal(capsys, "run", "gem/PMSM-Speed-v0", "--agent", "ppo")
    told = refusal(capsys, "run", ID, "--agent", "pii")
    assert "Did you mean 'pi'?" in told
    Path("text.npz").write_text("hello")
    told = refusal(capsys, "compare", ID, "--agents", "text.npz", "--seeds", "1")
    assert "not a usable policy file" in told
    assert "pickle" not in told


def test_the_examples_are_listed_printed_and_copied(tmp_path, capsys):
    assert cli.main(["examples"]) == 0
    listed = capsys.readouterr().out
    sources = {
        path.stem: path.read_text("utf-8")
        for path in (Path(cli.__file__).parents[1] / "examples").glob("*.py")
    }
    assert sources and all(name in listed for name in sources)
    assert cli.main(["examples", "fleet"]) == 0
    assert capsys.readouterr().out == sources["fleet"]
    assert cli.main(["examples", "--copy", str(tmp_path / "mine")]) == 0
    assert {p.stem: p.read_text("utf-8") for p in (tmp_path / "mine").iterdir()} == sources
    capsys.readouterr()
    assert cli.main(["examples", "fleet", "--copy", str(tmp_path / "mine")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert cli.main(["examples", "fleets"]) == 2
    assert "'fleet'" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert cli.main(["examples", "fleet", "--copy", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "gem/PMSM-v0", "--agents", "pi", "--out"],
        ["leaderboard", "--out"],
        ["train", "gem/PMSM-v0", "--out"],
        ["tune", "gem/PMSM-v0", "--out"],
    ],
)
def test_a_file_where_a_folder_is_wanted_is_named(tmp_path, capsys, command):
    (tmp_path / "file").write_text("in the way")
    assert cli.main([*command, str(tmp_path / "file")]) == cli.USER_ERROR
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("gym-suite: out is to be a folder, and ") and "file is a file" in told


def test_the_pages_are_listed_and_printed(capsys):
    assert cli.main(["docs"]) == 0
    listed = capsys.readouterr().out
    for path in (Path(cli.__file__).parents[1] / "docs").rglob("*.md"):
        assert path.stem in listed or path.stem == "index"
    assert cli.main(["docs", "planning"]) == 0
    assert capsys.readouterr().out.startswith("# ")
    assert cli.main(["docs", "teaching"]) == 0
    told = capsys.readouterr().out
    assert "{include}" not in told and "make docs" in told
    assert cli.main(["docs", "guides/planing"]) == 2
    assert "guides/planning" in capsys.readouterr().err
    assert cli.main(["docs", "drones"]) == 0
    capsys.readouterr()


def test_an_installation_finds_its_examples_and_pages_and_one_without_says_so(
    monkeypatch, capsys, tmp_path
):
    from importlib.metadata import PackagePath

    from gym_suite import shipped

    lines = []
    for name, text in (
        ("examples/mine.py", '"""A program. It runs."""'),
        ("docs/guides/mine.md", "# A guide\n\nIt leads.\n"),
    ):
        line = PackagePath(f"share/gym-suite/{name}")
        line.dist = type("D", (), {"locate_file": lambda self, path: tmp_path / path})()  # pyright: ignore
        target = tmp_path / line
        target.parent.mkdir(parents=True)
        target.write_text(text)
        lines.append(line)
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "gym_suite" / "shipped.py"))
    monkeypatch.setattr(shipped, "distribution", lambda name: type("D", (), {"files": lines}))
    assert cli.main(["examples"]) == 0
    assert "mine" in capsys.readouterr().out
    assert cli.main(["docs", "mine"]) == 0
    assert capsys.readouterr().out == "# A guide\n\nIt leads.\n"
    monkeypatch.setattr(shipped, "distribution", lambda name: type("D", (), {"files": None}))
    assert cli.main(["examples"]) == 2
    assert "no examples" in capsys.readouterr().err
    assert cli.main(["docs"]) == 2
    assert "no pages" in capsys.readouterr().err


# ------------------------------------------------------------------------- what is empty or damaged


def told(argv, capsys):
    """The lines that a command prints, each as its first cell and the rest."""
    assert cli.main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    return {row[0]: row[1] for line in lines if len(row := re.split(r"\s{2,}", line.strip())) == 2}


def test_run_tells_each_number_with_its_unit(capsys):
    printed = told(["run", ID, "--seed", "3", "--steps", "50"], capsys)
    assert cli.main(["run", ID, "--seed", "3", "--steps", "50", "--csv", "run.csv"]) == 0
    with Path("run.csv").open() as file:
        table = list(csv.DictReader(file))[1:]
    error = np.array([float(row["i_sd [A]"]) - float(row["i_sd_ref [A]"]) for row in table])
    tau = float(table[1]["time [s]"]) - float(table[0]["time [s]"])
    amounts = {name: text.split(" ", 1) for name, text in printed.items()}
    for name, value, unit in (
        ("d current/RMSE", np.sqrt(np.mean(error**2)), "A"),
        ("d current/IAE", np.sum(np.abs(error)) * tau, "A s"),
        ("d current/ISE", np.sum(error**2) * tau, "A² s"),
    ):
        assert amounts[name][1] == unit
        assert float(amounts[name][0]) == pytest.approx(value, rel=1e-4)
    assert amounts["RiseTime"][1] == "s"
    assert amounts["Overshoot"][1] == "% of the step"
    assert amounts["RMSE"][1] == "% of full scale"
    assert 1.0 < float(amounts["RMSE"][0]) < 100.0  # of full scale: a share would be below 1
    assert amounts["completed"] == ["100", "% of the horizon"]
    assert printed["failed"] == "no"


def test_run_tells_units_of_other_families_too(capsys):
    printed = told(["run", "drones/Hover-v0", "--steps", "30"], capsys)
    assert printed["x/RMSE"].endswith(" m")
    assert printed["x/ISE"].endswith(" m² s")
    printed = told(["run", "agv/SimpleStatic-v0", "--steps", "5"], capsys)
    assert printed["success"] == "no"
    assert printed["TimeToGoal"].endswith(" s")


@pytest.mark.parametrize(
    "argv",
    [
        ["compare", ID, "--out", ""],
        ["compare", ID, "--out="],
        ["train", ID, "--out", ""],
        ["tune", ID, "--out", ""],
        ["export", ID, "--c", ""],
        ["leaderboard", ID, "--out", ""],
        ["lab", "1", "--copy", ""],
        ["examples", "--copy", ""],
        ["render", ID, "--out", ""],
        ["run", ID, "--csv", ""],
    ],
)
def test_an_empty_path_is_not_the_folder_that_one_is_in(capsys, argv):
    before = sorted(Path().iterdir())
    assert cli.main(argv) == cli.USER_ERROR
    option = next(word for word in argv if word.startswith("--")).rstrip("=")
    assert (
        capsys.readouterr().err == f"gym-suite: {option} is empty: give a value, or leave it out\n"
    )
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("argv", "option"),
    [
        (["run", ID, "--csv", "nowhere/a.csv"], "--csv"),
        (["identify", "motors", "a.csv", "--out", "nowhere/a.toml"], "--out"),
        (["validate", "drones", "--json", "nowhere/a.json"], "--json"),
        (["validate", "drones", "--page", "nowhere/a.md"], "--page"),
        (["leaderboard", ID, "--plan", "--page", "nowhere/a.md"], "--page"),
    ],
)
def test_a_file_in_a_folder_that_is_not_there_is_told_before_anything_runs(
    capsys, monkeypatch, argv, option
):
    monkeypatch.setattr(registration, "load", lambda path: pytest.fail(f"{path} ran"))
    monkeypatch.setattr(plan, "estimate", lambda *_: pytest.fail("rates were measured"))
    assert f"{option}: there is no folder" in refusal(capsys, *argv)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["leaderboard", ID, "--plan", "--jobs", "0"], "--jobs must be at least 1, got 0"),
        (["lab", "--copy", "here"], "--copy needs a lab: give its number or its name first"),
        (["lab", "--solutions"], "--solutions needs a lab"),
        (["run", ID, "--set", "losses.eddy=x"], "gym-suite: Losses.eddy must be a number, got 'x'"),
        (["run", "drones/Hover-v0", "--set", "view=3"], "gym-suite: unknown view 3. Valid: charts"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(capsys, argv, told):
    assert told in refusal(capsys, *argv)


def test_an_empty_argument_is_told_by_its_place(capsys):
    assert cli.main(["show", ""]) == cli.USER_ERROR
    assert "argument 2 is empty" in capsys.readouterr().err


DEEP = "[" * 100_000  # what a JSON parser gives up on


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"[]", b"5", bytes(range(256)), DEEP.encode()]
)
@pytest.mark.parametrize(
    "argv",
    [
        ["run", ID, "--gains", "file.json"],
        ["render", ID, "--out", "a.png", "--agent", "file.json"],
        ["render", ID, "--out", "a.png", "--agent", "file.npz"],
        ["render", ID, "--out", "a.png", "--set", "machine=file.toml"],
        ["render", "gem/SaturatedPMSM-v0", "--out", "a.png", "--set", "machine.flux_map=file.csv"],
        ["render", "gem/PMSM-DriveCycle-v0", "--out", "a.png", "--set", "cycle=file.csv"],
        ["render", "drones/Hover-v0", "--out", "a.png", "--set", "vehicle=file.toml"],
        ["render", "radio/Access-v0", "--out", "a.png", "--set", "scenario=file.json"],
        ["render", "agv/SimpleStatic-v0", "--out", "a.png", "--set", "layout=file.map"],
        ["render", "agv/SimpleStatic-v0", "--out", "a.png", "--set", "layout=file.yaml"],
        ["identify", "motors", "file.csv"],
        ["datasheet", "motors", "file.toml"],
        ["submit", "entry"],
    ],
)
def test_a_damaged_file_is_named_in_one_line(capsys, argv, content):
    Path("entry").mkdir()
    name = next((w.rpartition("=")[2] for w in argv if "file." in w), "entry/submission.json")
    Path(name).write_bytes(content)
    assert cli.main([*argv, *(["--steps", "3"] if argv[0] in ("run", "render") else [])]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert Path(name).stem in said or "kind" in said
    assert len(said) <= cli.LONGEST + 20
    assert not Path("a.png").exists()


@pytest.mark.parametrize("option", ["--set", "--agent-set"])
def test_json_beyond_any_parser_is_refused(capsys, option):
    assert cli.main(["run", ID, option, f"machine={DEEP}"]) == cli.USER_ERROR
    said = capsys.readouterr().err
    assert "not valid JSON" in said
    assert len(said) < 500


MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"  # with which some editors begin a file


@pytest.mark.parametrize(
    ("id", "keyword", "name", "text"),
    [
        (ID, "machine", "a.toml", "r_s = 0.02\n"),
        ("gem/PMSM-DriveCycle-v0", "cycle", "a.csv", "time_s,speed_mps\r\n0,0\r\n1,1\r\n60,1\r\n"),
        ("drones/Hover-v0", "vehicle", "a.toml", "[vehicle]\r\nmass = 0.03\r\n"),
        (
            "radio/Access-v0",
            "scenario",
            "a.json",
            '{"channels": 3, "steps": 9, "entities": {"a": {"kind": "constant", "channels": [1]}}}',
        ),
    ],
)
def test_files_may_begin_as_editors_of_other_systems_begin_them(capsys, id, keyword, name, text):
    printed = []
    for mark in ("", MARK):
        Path(name).write_text(mark + text, "utf-8")
        rows = told(["run", id, "--steps", "5", "--set", f"{keyword}={name}"], capsys)
        printed.append({name: value for name, value in rows.items() if name != "time_per_action"})
    assert printed[0] == printed[1]
    assert "return" in printed[0]


@pytest.mark.parametrize(
    ("id", "keyword", "name", "text"),
    [
        (ID, "machine", "A.TOML", "r_s = 0.02\n"),
        ("gem/PMSM-DriveCycle-v0", "cycle", "A.CSV", "time_s,speed_mps\n0,0\n1,1\n60,1\n"),
        ("drones/Hover-v0", "vehicle", "A.Toml", "[vehicle]\nmass = 0.03\n"),
        ("radio/Access-v0", "scenario", "A.JSON", '{"channels": 3, "steps": 9, "entities": {}}'),
    ],
)
def test_endings_of_files_may_be_capitals(id, keyword, name, text):
    Path(name).write_text(text, "utf-8")
    env = gymnasium.make(id, **{keyword: name})
    assert np.isfinite(env.reset(seed=0)[0]).all()
    env.close()


def test_what_is_said_twice_in_a_scenario_is_refused():
    entity = '"kind": "constant", "channels": [1]'
    entities = f'{{"a": {{{entity}}}, "a": {{{entity}}}}}'
    Path("two.json").write_text(f'{{"channels": 3, "steps": 9, "entities": {entities}}}')
    with pytest.raises(
        ValueError, match=r"two\.json is not a valid scenario file: 'a' is there twice"
    ):
        gymnasium.make("radio/Access-v0", scenario="two.json")


def test_a_vehicle_file_holds_tables():
    Path("v.toml").write_text("vehicle = 3\n")
    with pytest.raises(ValueError, match=r"v\.toml: vehicle must be a table, got 3"):
        gymnasium.make("drones/Hover-v0", vehicle="v.toml")


def test_a_garbled_table_of_powers_is_named():
    np.savez_compressed("t.npz", powers=np.full((9, 3), -90.0))
    content = bytearray(Path("t.npz").read_bytes())
    content[60:120] = bytes([255] * 60)
    Path("t.npz").write_bytes(bytes(content))
    scenario = {
        "channels": 3,
        "steps": 5,
        "entities": {"a": {"kind": "playback", "table": "t.npz"}},
    }
    with pytest.raises(ValueError, match=r"t\.npz cannot be read"):
        gymnasium.make("radio/Access-v0", scenario=scenario)
