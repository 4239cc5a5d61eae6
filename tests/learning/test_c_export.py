"""Agents as C for a microcontroller: once compiled, what Python does, the same bits at every level of optimisation."""

import ctypes
import re
import shutil
import subprocess

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite import cli
from gym_suite.analysis.c_cycles import CORTEX_M4F, cycles_of, flops_of, operations_of
from gym_suite.analysis.c_source import listed
from gym_suite.core.columns import Column, Columns
from gym_suite.learning import export_folder, load_policy, shipped
from gym_suite.learning.c_export import TOLERANCE
from gym_suite.learning.c_source import export_c

COMPILER = shutil.which("gcc") or shutil.which("cc")
CPP = shutil.which("g++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine")
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def pointer(values):
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


def library(export, level, source=None):
    source = export.files[0] if source is None else source
    built = source.with_suffix(f".{level}.so")
    subprocess.run(
        [COMPILER, *STRICT, f"-{level}", "-shared", "-fPIC", str(source), "-o", str(built), "-lm"],
        check=True,
    )
    return ctypes.CDLL(str(built))


def answers(export, level, observations, actions):
    """What a law says to observations, one after another."""
    functions = library(export, level)
    memory = np.full(32, np.nan, np.float32)
    getattr(functions, f"{export.name}_reset")(pointer(memory))
    step = getattr(functions, f"{export.name}_step")
    out = np.zeros((len(observations), actions), np.float32)
    for row, action in zip(observations, out, strict=True):
        step(pointer(memory), pointer(np.ascontiguousarray(row)), pointer(action))
    return out


def episode(env, agent, seed, steps=2000):
    seen, done = [], []
    observation, _ = env.reset(seed=seed)
    state = None
    for _ in range(steps):
        action, state = agent.predict(observation, state)
        seen.append(observation)
        done.append(np.atleast_1d(action))
        observation, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            break
    return np.array(seen, np.float32), np.array(done, np.float32)


LAWS = {
    "field-oriented": ("gem/PMSM-v0", {}, {}),
    "phases": ("gem/PMSM-v0", {"frame": "abc"}, {"anti_windup": "back_calculation"}),
    "plain": ("gem/PMSM-v0", {"dead_time": False}, {"decoupling": False, "anti_windup": "none"}),
    "armature": ("gem/PermExDc-v0", {}, {}),
    "two windings": ("gem/ExtExDc-v0", {}, {"anti_windup": "back_calculation"}),
    "torque": ("gem/PermExDc-Torque-v0", {"converter": "2QC"}, {}),
    "speed above torque": ("gem/PermExDc-Speed-v0", {}, {"prefilter": False}),
    "speed with feedforward": (
        "gem/PermExDc-Speed-v0",
        {"load": {"a": 0.2, "b": 0.01, "c": 1e-4}},
        {"feedforward": True, "anti_windup": "back_calculation"},
    ),
    "speed above voltage": (
        "gem/PermExDc-Speed-v0",
        {"control": "voltage", "control_period": None, "duration": 0.01},
        {},
    ),
    "six steps": ("gem/BLDC-Speed-v0", {"duration": 0.4}, {}),
    "least current for a torque": ("gem/PMSM-Torque-v0", {}, {}),
    "reluctance": ("gem/SynRM-Torque-v0", {"frame": "abc"}, {"anti_windup": "back_calculation"}),
    "speed above currents": ("gem/PMSM-Speed-v0", {}, {}),
    "speed by reluctance": ("gem/SynRM-Speed-v0", {}, {"voltage_feedback": 0.0}),
    "currents along a flux": ("gem/SCIM-v0", {}, {}),
    "torque by a flux": ("gem/SCIM-Torque-v0", {}, {}),
    "speed by a flux": ("gem/SCIM-Speed-v0", {}, {}),
    "in parallel": ("gem/ShuntDc-Torque-v0", {}, {}),
    "position": ("gem/PermExDc-Position-v0", {}, {}),
    "position in a field": ("gem/ExtExDc-Position-v0", {}, {"gains": {"position.kp": 2.0}}),
}
#: By how much more than over an episode an action may differ where reference and currents jump anywhere at every
#: sample: a gain times what single precision rounds of a full scale.
WILD = 10.0
#: What the observed flux may differ by, of its full scale: single precision times the samples in the time constant of
#: the rotor.
FLUX_TOLERANCE = 5e-5


@needs_compiler
@pytest.mark.parametrize("case", LAWS)
def test_a_law_in_c_is_the_law(case, tmp_path):
    id, keywords, parameters = LAWS[case]
    env = gymnasium.make(id, **keywords)
    controller = gym_suite.make_controller(env, "pi", **parameters)
    export = export_folder(env, controller, tmp_path / "out", name="drive")
    seen, done = episode(env, controller, 7)
    assert len(seen) > 300
    # Observations of anywhere meet every limit; the memory winds up and down in between.
    random = np.random.default_rng(3).uniform(-1.0, 1.0, (400, seen.shape[1])).astype(np.float32)
    state, wild = None, []
    for row in random:
        action, state = controller.predict(row, state)
        wild.append(np.atleast_1d(action))
    assert (np.abs(wild) >= 1.0 - 1e-6).any()
    for observations, actions, most in ((seen, done, 1.0), (random, np.array(wild), WILD)):
        plain = answers(export, "O0", observations, actions.shape[1])
        assert np.abs(plain - actions).max() <= most * TOLERANCE
        for level in ("O2", "O3"):
            assert np.array_equal(plain, answers(export, level, observations, actions.shape[1]))
    header, source = export.files[1].read_text(), export.files[0].read_text()
    assert export.memory_bytes == 4 * header.split("typedef struct {")[1].split("}")[0].count(
        "float "
    )
    # Two numbers for each integral at least; a table only where operating points are looked up.
    integrals = sum(name != "position" for name in controller.gains_)
    assert export.memory_bytes >= 8 * integrals
    machine, task = id.split("/")[1].split("-")[:2]
    table = task in ("Torque", "Speed") and not machine.endswith(("Dc", "BLDC"))
    assert (export.constant_bytes > 10_000) == ("points[" in source) == table
    # Code without its tables.
    compiled = tmp_path / "drive.o"
    subprocess.run(
        [COMPILER, "-std=c99", "-O2", "-c", str(export.files[0]), "-o", str(compiled)], check=True
    )
    assert compiled.stat().st_size - export.constant_bytes < 10_000
    assert not any(word in source for word in ("alloc", "double", "for (", "while ("))


@needs_compiler
def test_the_flux_observer_in_c_is_the_one_inside_the_drive(tmp_path):
    env = gymnasium.make("gem/SCIM-Torque-v0")
    export = export_folder(env, gym_suite.make_controller(env), tmp_path, name="drive")
    source, header = (tmp_path / f"drive_flux.{end}" for end in "ch")
    assert {source, header} < set(export.files) and "psi_rd" in header.read_text()
    seen, _ = episode(env, gym_suite.make_controller(env), 7)
    columns = env.get_wrapper_attr("setup").observation_columns

    def value(name):
        return seen[:, columns.index(name)].astype(float) * columns[name].scale

    # What the sensors measure: the currents in the frame of the stator, and the speed.
    current = (value("i_sd") + 1j * value("i_sq")) * (value("cos_rho") + 1j * value("sin_rho"))
    measured = np.column_stack([current.real, current.imag, value("omega")]).astype(np.float32)
    wanted = np.column_stack([seen[:, columns.index(n)] for n in ("sin_rho", "cos_rho", "psi_rd")])
    told = []
    for level in ("O0", "O2"):
        functions = library(export, level, source)
        memory, out = np.full(16, np.nan, np.float32), np.zeros_like(wanted)
        functions.drive_flux_reset(pointer(memory))
        assert (memory[:4] == 0.0).all()
        # The drive's episode begins with its field up: the flux in the stator's frame, then the last currents.
        sine, cosine, flux = wanted[0]
        size = flux * columns["psi_rd"].scale
        memory[:4] = size * cosine, size * sine, *measured[0, :2]
        out[0] = wanted[0]
        for row, answer in zip(measured[1:], out[1:], strict=True):
            given = pointer(np.ascontiguousarray(row))
            functions.drive_flux_step(pointer(memory), given, pointer(answer))
        told.append(out)
    assert np.array_equal(*told)
    # There is a flux, and it turns.
    assert wanted[:, 2].min() > 0.3 and np.ptp(wanted[:, 0]) > 1.0
    apart = np.abs(told[0] - wanted).max(axis=0)
    assert apart[:2].max() <= TOLERANCE and apart[2] <= FLUX_TOLERANCE
    drive = gymnasium.make("gem/PMSM-Torque-v0")  # whose rotor tells where its flux is
    export = export_folder(drive, gym_suite.make_controller(drive), tmp_path / "other")
    assert len(export.files) == 4


@needs_compiler
def test_its_own_test_passes_and_notices(tmp_path, capsys):
    words = ["export", "gem/PMSM-v0", "--c", str(tmp_path), "--agent-set", "i_sd.kp=1.5"]
    assert cli.main([*words, "--name", "servo", "--steps", "50"]) == 0
    told = capsys.readouterr().out
    assert "flops a sample" in told and "bytes of memory" in told
    program = tmp_path / "check"
    source = tmp_path / "servo.c"

    def outcome():
        files = [str(source), str(tmp_path / "servo_test.c")]
        subprocess.run([COMPILER, *STRICT, *files, "-o", str(program), "-lm"], check=True)
        return subprocess.run([str(program)], capture_output=True).returncode

    assert outcome() == 0
    text = source.read_text()
    assert "kp_i_sd = 1.5f" in text
    # No allocation and no library: nothing is called that is not in the file.
    assert not any(word in text for word in ("alloc", "math.h", "double", "for (", "while"))
    source.write_text(text.replace("kp_i_sq * error_q +", "kp_i_sq * error_q -"))
    assert outcome() == 1
    compiled = tmp_path / "servo.o"
    source.write_text(text)
    subprocess.run([COMPILER, *STRICT, "-O2", "-c", str(source), "-o", str(compiled)], check=True)
    assert compiled.stat().st_size < 10_000  # with all of the object file's tables


@needs_compiler
def test_a_policy_in_single_precision_is_the_policy(tmp_path):
    env = gymnasium.make("gem/PMSM-v0")
    policy = load_policy(shipped("gem/PMSM-v0", "ppo")[0])
    export = export_folder(env, policy, tmp_path, name="pilot")
    seen, done = episode(env, policy, 3, steps=1000)
    told = {}
    for level in ("O0", "O2"):
        act = library(export, level).pilot
        out = np.zeros_like(done)
        memory = np.zeros(max(export.memory_bytes // 4, 1), np.float32)
        for row, action in zip(seen, out, strict=True):
            given = [pointer(np.ascontiguousarray(row))]
            given += [pointer(memory)] if export.memory_bytes else []
            act(*given, pointer(action))
        told[level] = out
    assert np.abs(told["O0"] - done).max() <= TOLERANCE
    assert np.array_equal(told["O0"], told["O2"])
    files = [str(export.files[0]), str(export.files[3])]
    subprocess.run([COMPILER, *STRICT, *files, "-o", str(tmp_path / "check"), "-lm"], check=True)
    assert subprocess.run([str(tmp_path / "check")], capture_output=True).returncode == 0
    size = sum(w.size for key, w in policy.arrays.items() if key[0] in "wb" and key[1:].isdigit())
    assert export.constant_bytes >= 4 * size and export.flops > size


@needs_compiler
def test_a_policy_that_chooses_returns_its_choice(tmp_path):
    env = gymnasium.make("radio/AntiJamming-v0")
    policy = load_policy(shipped("radio/AntiJamming-v0", "ppo")[0])
    export = export_folder(env, policy, tmp_path, name="radio_pilot")
    seen, done = episode(env, policy, 3, steps=60)
    act = library(export, "O2").radio_pilot
    act.restype = ctypes.c_int
    chosen = [act(pointer(np.ascontiguousarray(row))) for row in seen]
    assert chosen == done[:, 0].astype(int).tolist() and len(set(chosen)) > 1
    header = export.files[1].read_text()
    assert "best of the choices" in header and f"[{seen.shape[1] - 1}] ack" in header


def test_places_of_several_agents_have_their_names():
    columns = Columns(Column("speed", "m/s", scale=2.0, meaning="how fast"), Column("on"))
    lines = listed(columns, ("a/speed", "a/on", "b/speed", "b/on"))
    assert [line.strip() for line in lines] == [
        "[0] a/speed: how fast",
        "in m/s over 2 m/s",
        "[1] a/on: on",
        "[2] b/speed: how fast",
        "in m/s over 2 m/s",
        "[3] b/on: on",
    ]


def test_what_has_no_c_source_is_refused(tmp_path):
    env = gymnasium.make("gem/PMSM-v0")
    pi = gym_suite.make_controller(env)
    for name in ("for", "2nd", "a-b", "larger"):
        with pytest.raises(ValueError, match="cannot be one in C"):
            export_folder(env, pi, tmp_path, name=name)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"to be a folder, and .*file is a file"):
        export_folder(env, pi, tmp_path / "file")
    idle = gym_suite.make_controller(env, "zero")
    with pytest.raises(ValueError, match="has no C source: policies have one"):
        export_folder(env, idle, tmp_path)
    compensated = gym_suite.make_controller(env, interlocking_compensation=True)
    with pytest.raises(ValueError, match="leave it out"):
        export_folder(env, compensated, tmp_path)
    # What stands on PI control and does more must not be taken for it.
    predicted = gym_suite.make_controller(env, "pi-predicted")
    with pytest.raises(ValueError, match=r"'pi-predicted' .* is not written in C: .* export 'pi'"):
        export_folder(env, predicted, tmp_path)
    saturated = gymnasium.make("gem/SaturatedPMSM-v0")
    with pytest.raises(
        ValueError, match=r"flux map of SaturatedPMSM is not written in C: .* digits"
    ):
        export_folder(saturated, gym_suite.make_controller(saturated), tmp_path)
    torque = gymnasium.make("gem/PMSM-Torque-v0")
    with pytest.raises(ValueError, match=r"'dtc-svm' .* is not written in C"):
        export_folder(torque, gym_suite.make_controller(torque, "dtc-svm"), tmp_path)


#: A number of C++ that counts what is done with it, in place of C's float.
COUNTING = """
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include "data.h"
std::map<std::string, long> done;
struct Counting {
    float v;
    Counting(float v = 0.0f) : v(v) {}
    explicit Counting(int v) : v(v) { done["conversion"]++; }
    explicit operator int() const { done["conversion"]++; return (int)v; }
    Counting &operator+=(const Counting &b) { done["addition"]++; v += b.v; return *this; }
};
#define MADE(sign, kind) \\
    Counting operator sign(const Counting &a, const Counting &b) { done[kind]++; return a.v sign b.v; }
#define TOLD(sign) \\
    bool operator sign(const Counting &a, const Counting &b) { done["comparison"]++; return a.v sign b.v; }
MADE(+, "addition") MADE(-, "addition") MADE(*, "multiplication") MADE(/, "division")
TOLD(<) TOLD(>) TOLD(<=) TOLD(>=)
Counting operator-(const Counting &a) { done["sign"]++; return -a.v; }
#define CALLED(name, kind) Counting name(const Counting &a) { done[kind]++; return ::name(a.v); }
#define CALLED_WITH(name, kind) \\
    Counting name(const Counting &a, const Counting &b) { done[kind]++; return ::name(a.v, b.v); }
CALLED(sqrtf, "division") CALLED(fabsf, "sign") CALLED(tanhf, "tanhf")
CALLED_WITH(copysignf, "sign") CALLED_WITH(fminf, "fminf") CALLED_WITH(fmaxf, "fmaxf")
#define float Counting
#include "THE_SOURCE"
#undef float
int main()
{
    THE_START
    for (int i = 0; i < ROWS; i++) {
        Counting seen[WIDTH], action[16];
        for (int k = 0; k < WIDTH; k++) seen[k] = rows[i][k];
        done.clear();
        THE_CALL;
        for (auto &one : done) std::printf("%d %s %ld\\n", i, one.first.c_str(), one.second);
    }
}
"""
#: Kinds that a number can count which does not know where it lies.
SEEN = (
    "addition multiplication division comparison sign conversion tanhf fminf fmaxf".split()  # noqa: SIM905
)


def most_done(source, rows, start, call, folder):
    """The most operations of each kind that a run of the source takes, counted while it runs."""
    told = ",\n".join("{" + ", ".join(f"{float(v)!r}f" for v in row) + "}" for row in rows)
    (folder / "data.h").write_text(
        f"enum {{ ROWS = {len(rows)}, WIDTH = {len(rows[0])} }};\n"
        f"static const float rows[ROWS][WIDTH] = {{\n{told}\n}};\n"
    )
    text = (
        COUNTING.replace("THE_SOURCE", source.name)
        .replace("THE_START", start)
        .replace("THE_CALL", call)
    )
    (folder / "counting.cpp").write_text(text)
    program = folder / "counting"
    subprocess.run(
        [CPP, "-fpermissive", "-w", f"-I{source.parent}", str(folder / "counting.cpp"), "-o", str(program)],
        check=True,
    )  # fmt: skip
    most = dict.fromkeys(SEEN, 0)
    for line in subprocess.run([str(program)], capture_output=True, text=True).stdout.splitlines():
        _, kind, count = line.split()
        most[kind] = max(most[kind], int(count))
    return most


@pytest.mark.skipif(CPP is None, reason="no C++ compiler on this machine")
@pytest.mark.parametrize(
    "case", ["field-oriented", "two windings", "speed by reluctance", "six steps"]
)
def test_a_law_takes_the_operations_that_are_counted(case, tmp_path):
    id, keywords, parameters = LAWS[case]
    env = gymnasium.make(id, **keywords)
    controller = gym_suite.make_controller(env, "pi", **parameters)
    export = export_folder(env, controller, tmp_path / "out", name="drive", steps=20)
    seen, _ = episode(env, controller, 7, steps=200)
    random = np.random.default_rng(3).uniform(-1.0, 1.0, (400, seen.shape[1])).astype(np.float32)
    start = "drive_memory memory; drive_reset(&memory);"
    source = export.files[0]
    call = "drive_step(&memory, seen, action)"
    most = most_done(source, [*seen, *random], start, call, tmp_path)
    counted = operations_of(source.read_text(), "drive_step")
    for kind, count in most.items():
        # No sample takes more, and hardly fewer: the most that each branch can take meets in no sample.
        assert count <= counted[kind] <= 1.15 * count + 3, kind
    assert export.flops == flops_of(counted) and export.cycles == cycles_of(counted)
    # Each number that is observed, remembered or constant is loaded as often as it is written in the law.
    step = source.read_text().split("_step(")[1]
    assert counted["load"] >= len(re.findall(r"observation\[\d\]|= memory->|\b\w+_scale\b", step))
    assert counted["store"] == len(re.findall(r"^ +(?:action\[|memory->).* = ", step, re.MULTILINE))


@pytest.mark.skipif(CPP is None, reason="no C++ compiler on this machine")
@pytest.mark.parametrize("id", ["gem/PMSM-v0", "radio/AntiJamming-v0"])
def test_a_policy_takes_the_operations_that_are_counted(id, tmp_path):
    policy = load_policy(shipped(id, "ppo")[0])
    source = export_c(policy, tmp_path / "pilot.c", precision="float")
    rows = np.random.default_rng(3).uniform(-1.0, 1.0, (3, len(policy.observation_columns)))
    kept = policy.history > 1
    start = f"Counting memory[{policy.history * rows.shape[1]}];"
    chosen = policy.meta["choices"] is not None
    call = f"pilot(seen{', memory' if kept else ''}{'' if chosen else ', action'})"
    most = most_done(source, rows.astype(np.float32), start, call, tmp_path)
    counted = operations_of(source.read_text(), "pilot")
    assert {kind: counted[kind] for kind in SEEN} == most
    # By the sizes of the network: a product, a sum and two loads for each weight, besides what every loop takes.
    sizes = [policy.arrays[f"w{k}"].shape for k in range(policy.meta["layers"])]
    products = sum(a * b for a, b in sizes)
    assert counted["multiplication"] == products
    hidden = sum(b for _, b in sizes[:-1])
    assert counted["tanhf"] == hidden and 2 * products < counted["load"] < 2.2 * products
    cost = CORTEX_M4F.cycles
    each = cost["addition"] + cost["multiplication"] + cost["wait"] + 2 * cost["load"]
    loop = 6 * cost["whole"] + cost["branch"]
    least = products * (each + loop) + hidden * cost["tanhf"]
    assert least < cycles_of(counted) < 1.1 * least


def test_cycles_are_those_of_the_processors_manual():
    # Two loads, a product and a sum that waits for it; a square root; the larger branch of two; a store.
    source = """\
#include <math.h>
static const float gain = 2.0f; /* 1 - 2 */
static float twice(float a)
{
    return a + a;
}
void law_step(law_memory *memory, const float observation[2], float action[1])
{
    const float a = memory->sum + observation[0] * gain; /* 3 loads, 1 + 1 + 1 waits */
    float b;
    if (a > 1.0f) {
        b = sqrtf(a);
    } else {
        b = -a;
    }
    for (int i = 0; i < 3; i++) {
        action[0] = twice(b);
    }
}
"""
    counted = operations_of(source, "law_step")
    first = 3 * 2 + 1 + 1 + 1
    branch = 2 + 2 + 4 + (14 + 1)  # a load and a comparison; either side at most, kind by kind
    loop = 3 * (1 + 2 + 2 + 4)
    assert cycles_of(counted) == first + branch + loop
    assert flops_of(counted) == 2 + 1 + 2 + 3
    with pytest.raises(ValueError, match="no function 'law'"):
        operations_of(source, "law")
    with pytest.raises(ValueError, match="turns are not known"):
        operations_of("void law(int n)\n{\n    for (int i = 0; i < n; i++) {\n    }\n}\n", "law")
    with pytest.raises(ValueError, match="cannot count C at"):
        operations_of("void law(int n)\n{\n    while (n) {\n    }\n}\n", "law")


def test_an_export_says_what_it_takes_of_the_control_period(tmp_path, capsys):
    assert cli.main(["export", "gem/PMSM-v0", "--c", str(tmp_path), "--steps", "20"]) == 0
    told = re.search(
        r"estimate for an ARM Cortex-M4F: at most about (\d+) cycles a sample, ([\d.]+) us at 168 MHz, "
        r"([\d.]+) % of the control period of 100 us",
        capsys.readouterr().out,
    )
    cycles, time, share = map(float, told.groups())
    assert time == pytest.approx(cycles / 168.0, rel=1e-3) and share == pytest.approx(
        time, rel=1e-3
    )
    env = gymnasium.make("gem/PMSM-v0")
    policy = export_folder(env, load_policy(shipped("gem/PMSM-v0", "ppo")[0]), tmp_path, steps=20)
    assert policy.share > 1.0 and "more than the period" in str(policy)
    # What runs before a law at each sample is part of it.
    drive = gymnasium.make("gem/SCIM-v0")
    export = export_folder(drive, gym_suite.make_controller(drive), tmp_path, steps=20)
    both = export.cycles + export.observers[0].cycles
    assert f"about {both} cycles" in str(export) and export.share == both / 168e6 / export.period
