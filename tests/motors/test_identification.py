"""Machines found again in logs of their bench: within the intervals, and what a log does not show refused."""

import math
import re
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gym_suite import cli
from gym_suite.analysis import identify
from gym_suite.motors import simulate
from gym_suite.motors.identification import fit
from gym_suite.motors.machines import build_machine

SHAFT = {"kind": "polynomial_static", "a": 0.5, "b": 0.01, "j_load": 0.0}
LOCKED = {"kind": "constant_speed", "omega": 0.0}


def steps(n, means, sizes, rows, seed):
    """Return voltages that jump at random between two levels, (n, number)."""
    rng = np.random.default_rng(seed)
    signs = np.repeat(rng.choice([-1.0, 1.0], size=(n // rows + 1, len(means))), rows, axis=0)[:n]
    return signs * np.array(sizes) + np.array(means)


def noisy(columns, seed, part=0.01):
    """Return columns with white noise of a part of their largest value, voltages and angles as they are."""
    rng = np.random.default_rng(seed)
    return {
        name: values + part * np.abs(values).max() * rng.standard_normal(len(values))
        if name.startswith(("i", "omega"))
        else values
        for name, values in columns.items()
    }


def write(path, columns):
    table = np.column_stack(list(columns.values()))
    np.savetxt(path, table, delimiter=",", header=",".join(columns), comments="", fmt="%.12g")
    return path


def run(machine, voltages, tau, load=SHAFT, **keywords):
    """Return time, voltages, currents and speed of a simulation, in columns."""
    run = simulate(machine, voltages, tau=tau, load=load, substeps=20, **keywords)
    names = [n for n in run.names if n in ("omega", "epsilon") or n[:2] in ("u_", "i_")]
    names += [n for n in ("u", "i") if n in run]
    return {"t": run.time, **{name: run[name] for name in names}}


def servo(**numbers):
    own = {"p": 4, "r_s": 0.2, "l_d": 2e-3, "l_q": 3e-3, "psi_p": 0.03, "j_rotor": 1e-3}
    return build_machine({"kind": "PMSM", **own, **numbers})


LIGHT = {"kind": "polynomial_static", "a": 0.02, "b": 1e-3, "j_load": 0.0}


def servo_log(path, seed=0, n=1500, part=0.01, **numbers):
    voltages = steps(n, [0.0, 6.0], [2.0, 4.0], 120, seed)
    columns = run(servo(**numbers), voltages, 2e-4, LIGHT)
    del columns["epsilon"]
    return write(path, noisy(columns, seed, part))


def scaled(log, **factors):
    """Write a log anew with columns times factors."""
    table = np.genfromtxt(log, delimiter=",", names=True)
    return write(log, {name: table[name] * factors.get(name, 1.0) for name in table.dtype.names})


def inside(result, truth):
    return {name: low <= truth[name] <= high for name, (_, low, high) in result.values.items()}


def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path):
    hits = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        odd = {
            name: value * math.exp(rng.uniform(-0.7, 0.7))
            for name, value in {
                **{"r_s": 0.2, "l_d": 2e-3, "l_q": 3e-3, "psi_p": 0.03, "j_rotor": 1e-3}
            }.items()
        }
        log = servo_log(tmp_path / f"{seed}.csv", seed, **odd)
        result = identify(log, "motors", kind="PMSM", machine={"p": 4})
        truth = {**odd, "j_total": odd["j_rotor"], "a": 0.02, "b": 1e-3}
        hits += inside(result, truth).values()
        for name in ("r_s", "l_d", "l_q", "psi_p"):
            assert result.values[name][0] == pytest.approx(truth[name], rel=0.03)
        assert all(result.after[signal] < 0.2 * result.before[signal] for signal in result.after)
    assert len(hits) == 8 * 7
    assert np.mean(hits) >= 0.87  # of 95 %, over 56 intervals


CASES = {
    "SynRM": (2e-3, [6.0, 6.0], [8.0, 8.0], 100, 1e-4),
    "EESM": (0.05, [0.0, 8.0, 1.0], [5.0, 10.0, 1.0], 100, 2e-4),
    "PermExDc": (0.02, [6.0], [4.0], 150, 1e-4),
    "SeriesDc": (0.02, [8.0], [3.0], 100, 1e-3),
    "ShuntDc": (0.02, [10.0], [3.0], 100, 1e-3),
    "ExtExDc": (0.02, [8.0, 10.0], [3.0, 4.0], 100, 1e-3),
}


@pytest.mark.parametrize("kind", CASES)
def test_each_kind_is_found_again(kind, tmp_path):
    inertia, means, sizes, rows, tau = CASES[kind]
    machine = replace(build_machine({"kind": kind}), j_rotor=inertia)
    columns = run(machine, steps(1500, means, sizes, rows, 1), tau)
    log = write(tmp_path / "log.csv", noisy(columns, 2, 0.003))
    begun = {"p": machine.p} if hasattr(machine, "p") else None
    result = identify(log, "motors", kind=kind, machine=begun)
    for name, (value, low, high) in result.values.items():
        truth = {"j_total": inertia, "a": 0.5, "b": 0.01}.get(name) or getattr(machine, name)
        assert abs(value - truth) < max(high - value, value - low) * 2.0 + 1e-4 * truth, name
    assert result.machine["kind"] == kind


def test_an_induction_machine_is_found_from_its_stator(tmp_path):
    machine = build_machine({"kind": "SCIM", "r_s": 2.0, "r_r": 1.8, "l_m": 0.1})
    machine = replace(machine, l_sigs=8e-3, l_sigr=8e-3)
    t = np.arange(1500) * 2e-4
    turning = 100.0 * np.column_stack([np.cos(130.0 * t), np.sin(130.0 * t)])
    load = {"kind": "polynomial_static", "a": 0.1, "b": 1e-3, "j_load": 1e-3}
    columns = run(machine, turning + steps(1500, [0, 0], [30, 30], 50, 3), 2e-4, load)
    columns = {n: columns[n] for n in columns if not n.startswith("psi")}
    result = identify(write(tmp_path / "log.csv", noisy(columns, 4)), "motors", kind="SCIM")
    for name in ("r_s", "r_r", "l_m", "l_sigs"):
        assert result.values[name][0] == pytest.approx(getattr(machine, name), rel=0.01)
    assert result.values["j_total"][0] == pytest.approx(machine.j_rotor + 1e-3, rel=0.01)
    assert any("l_sigr" in sentence for sentence in result.assumed)


def induction_log(path, n=2600, seed=5):
    """Write the log of an induction machine by equations of its own: flux linkages of the T circuit, from rest."""
    p, r_s, r_r, l_m, leakage, j, a, b = 3, 1.6, 1.1, 0.11, 0.007, 0.006, 0.15, 0.004
    winding, tau = l_m + leakage, 2.5e-4
    rng = np.random.default_rng(seed)

    def currents(stator, rotor):
        return np.linalg.solve([[winding, l_m], [l_m, winding]], [stator, rotor])

    def slope(x, u):
        i_s, i_r = currents(x[0], x[1])
        torque = 1.5 * p * (np.conj(x[0]) * i_s).imag
        omega = x[2].real
        friction = a * np.tanh(omega / 0.05) + b * omega
        return np.array([u - r_s * i_s, 1j * p * omega * x[1] - r_r * i_r, (torque - friction) / j])

    x, angle, rows = np.zeros(3, complex), 0.0, []
    for k in range(n):
        if k % 400 == 0:
            turning = 2.0 * math.pi * rng.uniform(8.0, 35.0)
        u = (14.0 + 1.1 * turning) * np.exp(1j * angle)
        u *= 1.0 + 0.2 * rng.choice([-1, 1]) * (k // 50 % 2)
        angle += turning * tau
        i_s = currents(x[0], x[1])[0]
        rows.append((k * tau, u.real, u.imag, i_s.real, i_s.imag, x[2].real))
        one = slope(x, u)
        two = slope(x + 0.5 * tau * one, u)
        three = slope(x + 0.5 * tau * two, u)
        four = slope(x + tau * three, u)
        x = x + tau / 6.0 * (one + 2.0 * two + 2.0 * three + four)
    names = ("t", "u_salpha", "u_sbeta", "i_salpha", "i_sbeta", "omega")
    return write(path, noisy(dict(zip(names, np.array(rows).T, strict=True)), seed))


def test_an_induction_machine_may_be_under_flux_when_the_log_begins(tmp_path):
    """No column says the rotor's flux, neither where a log begins nor where its judged part or a second one does."""
    whole = induction_log(tmp_path / "whole.csv")
    table = np.genfromtxt(whole, delimiter=",", names=True)
    parts = {}
    for name, rows in (("early", slice(500, 1100)), ("late", slice(1100, None))):
        columns = {n: table[n][rows] for n in table.dtype.names}
        parts[name] = write(tmp_path / f"{name}.csv", columns)
    truth = {"r_s": 1.6, "r_r": 1.1, "l_m": 0.11, "l_sigs": 0.007, "j_total": 0.006}
    for log, judge in ((whole, None), (parts["late"], None), (parts["late"], parts["early"])):
        result = identify(log, "motors", kind="SCIM", machine={"p": 3}, judge=judge)
        for name, value in truth.items():
            assert result.values[name][0] == pytest.approx(value, rel=0.03), name
        for name, after in result.after.items():
            # The right machine is wrong by the noise of the sensors alone, 1 % of their largest value.
            assert after < 0.015 * np.abs(table[name]).max(), name
            assert after < 0.5 * result.before[name], name


def test_equations_written_anew_are_understood(tmp_path):
    """The suite's own integrator has no part in the log: SciPy at a tight tolerance."""
    r, l_d, l_q, psi, p, j, a, b = 0.35, 1.4e-3, 2.2e-3, 0.021, 3, 4e-4, 0.015, 4e-4
    tau, n = 2e-4, 1200
    u = steps(n, [0.0, 7.0], [2.0, 3.0], 90, 8)

    def slope(_, x, u_d, u_q):
        i_d, i_q, omega = x
        w = p * omega
        torque = 1.5 * p * (psi * i_q + (l_d - l_q) * i_d * i_q)
        return (
            (u_d - r * i_d + w * l_q * i_q) / l_d,
            (u_q - r * i_q - w * (l_d * i_d + psi)) / l_q,
            (torque - a * np.tanh(omega / 1e-4) - b * omega) / j,
        )

    x = np.zeros((n, 3))
    x[0] = 0.0, 0.0, 40.0
    for k in range(n - 1):
        x[k + 1] = solve_ivp(slope, (0, tau), x[k], args=tuple(u[k]), rtol=1e-9, atol=1e-9).y[:, -1]
    assert x[:, 2].min() > 1.0  # friction is plain: the shaft never stands
    columns = {"t": np.arange(n) * tau, "u_sd": u[:, 0], "u_sq": u[:, 1]}
    columns |= {"i_sd": x[:, 0], "i_sq": x[:, 1], "omega": x[:, 2]}
    result = identify(write(tmp_path / "log.csv", columns), "motors", machine={"p": p})
    truth = {"r_s": r, "l_d": l_d, "l_q": l_q, "psi_p": psi, "j_total": j, "a": a, "b": b}
    assert {n: v for n, (v, _, _) in result.values.items()} == pytest.approx(truth, rel=2e-3)


def test_phases_say_what_axes_do(tmp_path):
    machine = servo()
    columns = run(machine, steps(1500, [0.0, 6.0], [2.0, 4.0], 120, 5), 2e-4, LIGHT)
    angle = columns["epsilon"]
    middle = angle + 0.5 * 4.0 * columns["omega"] * 2e-4  # where a held voltage is seen
    phases = {name: columns[name] for name in ("t", "omega", "epsilon")}
    for stem, turned in (("i", angle), ("u", middle)):
        vector = (columns[f"{stem}_sd"] + 1j * columns[f"{stem}_sq"]) * np.exp(1j * turned)
        for k, phase in enumerate("abc"):
            phases[f"{stem}_s{phase}"] = (vector * np.exp(-2j * np.pi * k / 3.0)).real
    phases["epsilon"] = np.mod(angle, 2.0 * np.pi)
    result = identify(write(tmp_path / "log.csv", phases), "motors", machine={"p": 4})
    for name in ("r_s", "l_d", "l_q", "psi_p"):
        assert result.values[name][0] == pytest.approx(getattr(machine, name), rel=5e-3)


def test_the_file_makes_the_drive(tmp_path, capsys):
    log, out = servo_log(tmp_path / "log.csv"), tmp_path / "servo.toml"
    words = ["identify", "motors", str(log), "--kind", "PMSM", "--set", "machine.p=4"]
    assert cli.main([*words, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "r_s = " in told and "before" in told and "assumed" in told
    env = gymnasium.make("gem/PMSM-v0", machine=str(out))
    p = env.unwrapped.nominal.parameters
    assert p["r_s"] == pytest.approx(0.2, rel=0.02) and p["p"] == 4
    assert f"{p['r_s']:.5g}" in told


def test_a_second_log_judges(tmp_path):
    log, other = servo_log(tmp_path / "one.csv", 1), servo_log(tmp_path / "two.csv", 2)
    result = identify(log, "motors", machine={"p": 4}, judge=other)
    assert result.judged == "two.csv"
    # What is predicted is right but for the noise of the sensors, 1 % of their largest value.
    largest = np.abs(np.genfromtxt(other, delimiter=",", names=True)["omega"]).max()
    assert result.after["omega"] < 0.02 * largest


def test_a_driven_shaft_shows_the_circuit_alone(tmp_path):
    speed = {"kind": "constant_speed", "omega": 50.0}
    columns = run(servo(), steps(900, [0.0, 6.0], [2.0, 4.0], 120, 5), 2e-4, speed)
    del columns["epsilon"]
    log = write(tmp_path / "log.csv", noisy(columns, 1))
    with pytest.raises(ValueError, match="say shaft='driven'"):
        identify(log, "motors", machine={"p": 4})
    result = identify(log, "motors", machine={"p": 4}, shaft="driven")
    assert set(result.values) == {"r_s", "l_d", "l_q", "psi_p"}
    assert result.values["psi_p"][0] == pytest.approx(0.03, rel=0.02)
    assert not result.load


@pytest.mark.parametrize(
    ("column", "factor", "message"),
    [
        ("omega", 30.0 / math.pi, "revolutions per minute"),
        ("omega", 180.0 / math.pi, "degrees per second"),
        ("omega", 4.0, "electrical speed"),
        ("t", 1000.0, "milliseconds"),
    ],
)
def test_mixed_up_units_are_named(tmp_path, column, factor, message):
    log = scaled(servo_log(tmp_path / "log.csv"), **{column: factor})
    with pytest.raises(ValueError, match=message):
        identify(log, "motors", machine={"p": 4})


PLATE = {"i_nominal": 15.0, "i_limit": 40.0, "u_dc": 24.0}


@pytest.mark.parametrize(
    ("factors", "known", "message"),
    [
        ({"i_sd": 1e3, "i_sq": 1e3}, PLATE, "currents look like mA; they are in A"),
        ({"i_sd": 1e3}, PLATE, "currents look like mA; they are in A"),
        ({"i_sd": 10.0, "i_sq": 10.0}, PLATE, "check the units of the currents.*and i_limit"),
        ({"u_sd": 1e3, "u_sq": 1e3}, PLATE, "voltages look like mV; they are in V"),
        ({"i_sd": 1e-3, "i_sq": 1e-3}, PLATE, "currents look like kA; they are in A"),
        ({"i_sd": 1e-3, "i_sq": 1e-3}, {"i_limit": 40.0}, "currents look like kA; they are in A"),
        ({"i_sd": 1e-3, "i_sq": 1e-3}, {"i_nominal": 15.0}, "r_s comes out as .* like kA"),
        ({"u_sd": 1e-3, "u_sq": 1e-3}, PLATE, "voltages look like kV; they are in V"),
        ({"u_sd": 1e-3, "u_sq": 1e-3}, {"u_dc": 24.0}, "r_s comes out as .* like kV"),
        ({"i_sd": 1e3, "i_sq": 1e3}, {"r_s": 0.2}, "r_s comes out 0.001 times"),
        ({"u_sd": 1e3, "u_sq": 1e3}, {"psi_p": 0.03}, "psi_p comes out 1e.03 times"),
        ({}, {"l_d": 2.0}, r"l_d comes out 0.00\d+ times what machine= says.*and that of l_d"),
    ],
)
def test_what_is_far_from_what_the_user_knows_is_refused(tmp_path, factors, known, message):
    log = scaled(servo_log(tmp_path / "log.csv", n=600), **factors)
    with pytest.raises(ValueError, match=message):
        identify(log, "motors", machine={"p": 4, **known})


@pytest.mark.parametrize(
    ("part", "plate"), [(0.01, {"i_limit": 40.0}), (0.01, {"u_dc": 24.0}), (0.001, PLATE)]
)
def test_a_careful_test_is_none_in_other_units(part, plate, tmp_path):
    """A locked rotor at a hundredth and a thousandth of the link's voltage, beside a plate."""
    top = part * PLATE["u_dc"] / math.sqrt(3.0)
    columns = run(servo(), steps(900, [0, 0], [top, top], 120, 5), 2e-4, LOCKED)
    del columns["epsilon"]
    log = write(tmp_path / "log.csv", noisy(columns, 1))
    result = identify(log, "motors", machine={"p": 4, **plate}, known={"psi_p": 0.03})
    assert result.values["r_s"][0] == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize(
    ("factors", "plate", "message"),
    [
        ({}, {}, r"currents in A and voltages in V, which i_limit and u_dc .*check\.$"),
        ({}, {"u_dc": 24.0}, r"currents in A, which i_limit .*check\.$"),
        ({"i_sd": 1e3, "i_sq": 1e3}, {}, r"Check them: a current of \d+ A and r_s = .* rare"),
        ({"u_sd": 1e3, "u_sq": 1e3}, {}, r"Check them: a DC link of .* rare"),
        ({"u_sd": 1e-3, "u_sq": 1e-3}, {"i_limit": 40.0}, r"voltages in V, .*r_s = .* rare"),
    ],
)
def test_units_that_nothing_checks_are_said_to_be_assumed(factors, plate, message, tmp_path):
    log = scaled(servo_log(tmp_path / "log.csv", n=600), **factors)
    result = identify(log, "motors", machine={"p": 4, **plate})
    assert sum(bool(re.search(message, sentence)) for sentence in result.assumed) == 1
    whole = identify(servo_log(log, n=600), "motors", machine={"p": 4, **PLATE})
    assert not any("would check" in sentence for sentence in whole.assumed)


@pytest.mark.parametrize("machine", [{"p": 3}, {"p": 4}])
def test_a_machine_that_does_not_explain_the_log_is_refused(tmp_path, machine):
    """Too few pole pairs give another torque; axes that are exchanged are another machine's."""
    log = servo_log(tmp_path / "log.csv", n=600)
    if machine["p"] == 4:
        header, rows = log.read_text().split("\n", 1)
        log.write_text(header.translate(str.maketrans("dq", "qd")) + "\n" + rows)
    with pytest.raises(ValueError, match=r"does not explain log.csv.*stay unexplained; check the"):
        identify(log, "motors", machine=machine)


@pytest.mark.parametrize(
    ("given", "others"),
    [
        ({"i_limit": 40.0}, ("i_nominal",)),
        ({"i_nominal": 1000.0}, ("i_limit",)),
        ({"omega_limit": 300.0}, ("omega_nominal",)),
        ({"omega_limit": 20.0}, ("omega_nominal",)),
        ({"omega_nominal": 1000.0}, ("omega_limit",)),
    ],
)
def test_half_a_plate_is_taken_and_the_log_says_the_other_half(tmp_path, given, others):
    result = identify(servo_log(tmp_path / "log.csv", n=600), "motors", machine={"p": 4, **given})
    for name, value in given.items():
        assert result.machine[name] == value
    told = next(sentence for sentence in result.assumed if "largest values" in sentence)
    assert all(f"{name} = " in told for name in others)
    for quantity in ("i", "omega"):
        assert result.machine[f"{quantity}_nominal"] <= result.machine[f"{quantity}_limit"]
    result.save(tmp_path / "servo.toml")
    build_machine(str(tmp_path / "servo.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("omega", "omega [rpm]", "omega is in 'rpm'; a log is in rad/s"),
        ("i_sd", "i_sd [mA]", "i_sd is in 'mA'; a log is in A"),
        ("t", "t [ms]", "t is in 'ms'; a log is in s"),
        ("i_sq", "i_sQ", "Did you mean 'i_sQ'"),
        ("omega", "speed", "lacks omega"),
    ],
)
def test_headers_are_read_with_their_units(tmp_path, old, new, message):
    log = servo_log(tmp_path / "log.csv", n=60)
    header, rows = log.read_text().split("\n", 1)
    names = [new if name == old else name for name in header.split(",")]
    log.write_text(",".join(names) + "\n" + rows)
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        identify(log, "motors", machine={"p": 4})


def test_a_gap_in_time_is_named_and_a_few_lost_rows_are_carried(tmp_path):
    log = servo_log(tmp_path / "log.csv", n=900)
    table = np.genfromtxt(log, delimiter=",", names=True)
    for jump, row in ((1.0, 300), (0.02, 700)):
        later = {n: table[n].copy() for n in table.dtype.names}
        later["t"][row + 1 :] += jump
        with pytest.raises(ValueError, match=rf"gap.csv: time jumps from .* after row {row}, wher"):
            identify(write(tmp_path / "gap.csv", later), "motors", machine={"p": 4})
    # A clock that jitters, a few rows lost, and half of the log at a tenth of the rate.
    random = np.random.default_rng(0)
    kept = np.r_[0:100, 108:250, 253:450, 450:901:10]
    fewer = {n: table[n][kept] for n in table.dtype.names}
    fewer["t"] += 3e-5 * random.uniform(-1.0, 1.0, len(kept))
    result = identify(write(tmp_path / "fewer.csv", fewer), "motors", machine={"p": 4})
    assert result.values["l_d"][0] == pytest.approx(2e-3, rel=0.03)


def test_what_a_log_does_not_show_is_named(tmp_path):
    still = {"kind": "constant_speed", "omega": 0.0}
    columns = run(servo(), steps(900, [0.0, 0.0], [2.0, 4.0], 120, 5), 2e-4, still)
    del columns["epsilon"]
    log = write(tmp_path / "log.csv", noisy(columns, 1))
    with pytest.raises(ValueError, match=r"psi_p cannot be seen.*singular value.*Turn the rotor"):
        identify(log, "motors", machine={"p": 4})
    result = identify(log, "motors", machine={"p": 4}, known={"psi_p": 0.03})
    assert result.values["l_d"][0] == pytest.approx(2e-3, rel=0.02)
    assert result.machine["psi_p"] == 0.03
    columns["u_sd"][:], columns["i_sd"][:] = 0.0, 0.0
    with pytest.raises(ValueError, match=r"l_d.*along d"):
        identify(write(log, noisy(columns, 1)), "motors", machine={"p": 4}, known={"psi_p": 0.03})


def bench(kind, voltages, tau, seed=0, load=SHAFT, amps=0.05, speed=0.05, cut=0):
    """Return the rows from one on of a run with white noise of both sensors, A and rad/s, also of what stands."""
    columns = {n: v[cut:] for n, v in run(kind, voltages, tau, load).items() if n != "epsilon"}
    rng, width = np.random.default_rng(seed), {"i": amps, "o": speed}
    return {
        name: values + width.get(name[0], 0.0) * rng.standard_normal(len(values))
        for name, values in columns.items()
    }


KINDS = {kind: build_machine({"kind": kind}) for kind in ("SCIM", "PermExDc", "ExtExDc")}
UNSEEN = {
    "locked": (servo(), steps(900, [0, 0], [2, 4], 120, 5), 2e-4, LOCKED, {"psi_p"}),
    "d alone": (servo(), steps(900, [0, 0], [2, 0], 120, 5), 2e-4, LOCKED, {"l_q", "psi_p"}),
    "q alone": (servo(), steps(900, [0, 0], [0, 2], 120, 5), 2e-4, LOCKED, {"l_d", "psi_p"}),
    "constant": (servo(), np.tile([1.0, 0.0], (900, 1)), 2e-4, LOCKED, {"l_d", "l_q", "psi_p"}),
    "nothing": (servo(), np.zeros((900, 2)), 2e-4, LIGHT, {"r_s", "l_d", "l_q", "psi_p"}),
    "locked SCIM": (
        KINDS["SCIM"],
        np.tile([8.0, 0.0], (3000, 1)),
        2e-4,
        LOCKED,
        {"r_r", "l_m", "l_sigs"},
    ),
    "no SCIM": (KINDS["SCIM"], np.zeros((900, 2)), 2e-4, SHAFT, {"r_s", "r_r", "l_m", "l_sigs"}),
    "locked DC": (KINDS["PermExDc"], steps(900, [0], [3], 120, 5), 1e-4, LOCKED, {"psi_e"}),
    "no DC": (KINDS["PermExDc"], np.zeros((900, 1)), 1e-4, SHAFT, {"r_a", "l_a", "psi_e"}),
    "no field": (
        *(KINDS["ExtExDc"], steps(900, [3, 0], [2, 0], 100, 5), 1e-3),
        *(LOCKED, {"r_e", "l_e", "l_e_prime"}),
    ),
}


@pytest.mark.parametrize("case", UNSEEN)
def test_noise_of_the_sensors_is_no_excitation(case, tmp_path):
    """Neither is that of an encoder a shaft that turns, nor is what stays unexplained a wrong model."""
    machine, voltages, tau, load, unseen = UNSEEN[case]
    about = {"kind": type(machine).__name__}
    about |= {"machine": {"p": machine.p}} if hasattr(machine, "p") else {}
    for seed, size in enumerate((0.01, 0.1)):
        settled = {"cut": len(voltages) - 600} if case in ("constant", "locked SCIM") else {}
        columns = bench(machine, voltages, tau, seed, load, size, size, **settled)
        with pytest.raises(ValueError, match=r"too little: .* cannot be seen") as refused:
            identify(write(tmp_path / "log.csv", columns), "motors", **about)
        what = str(refused.value).split(" in what is fitted")[0].split("too little: ")[1]
        named = {name for name in machine.circuit if re.search(rf"\b{name}\b", what)}
        # Where no current changes, an inductance may be so large that no resistance shows either.
        assert named == unseen if voltages.any() and not settled else named >= unseen


def test_a_locked_rotor_under_noise_shows_its_circuit(tmp_path):
    """The speed of an angle that was differenced is noise whose neighbours are opposite."""
    columns = bench(servo(), steps(900, [0, 0], [2, 4], 120, 5), 2e-4, 1, LOCKED)
    angle = 0.05 * np.random.default_rng(2).standard_normal(len(columns["t"]) + 1)
    for speed in (columns["omega"], np.diff(angle)):
        log = write(tmp_path / "log.csv", {**columns, "omega": speed})
        result = identify(log, "motors", machine={"p": 4}, known={"psi_p": 0.03})
        assert set(result.values) == {"r_s", "l_d", "l_q"}
        assert result.values["l_q"][0] == pytest.approx(3e-3, rel=0.02)


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_one_steady_speed_does_not_tell_resistance_from_flux(noise, tmp_path):
    columns = bench(servo(), np.tile([0, 6.0], (6000, 1)), 2e-4, 3, LIGHT, noise, noise, cut=5100)
    with pytest.raises(ValueError, match=r"too little:.* r_s.* cannot be") as refused:
        identify(write(tmp_path / "log.csv", columns), "motors", machine={"p": 4})
    assert "psi_p cannot be seen" not in str(refused.value)


def test_a_log_may_be_as_noisy_as_it_likes(tmp_path):
    hits = []
    for seed in range(4):
        log = servo_log(tmp_path / "log.csv", seed, part=0.12)
        result = identify(log, "motors", machine={"p": 4})
        truth = {"r_s": 0.2, "l_d": 2e-3, "l_q": 3e-3, "psi_p": 0.03, "j_total": 1e-3}
        truth |= {"a": 0.02, "b": 1e-3}
        assert result.residuals["i_sd"] > 0.2 * np.std(np.genfromtxt(log, delimiter=",")[1:, 3])
        hits += inside(result, truth).values()
    assert np.mean(hits) >= 0.8


def test_a_search_that_leads_nowhere_ends(tmp_path, monkeypatch):
    log = servo_log(tmp_path / "log.csv", n=600)
    monkeypatch.setattr(fit, "MOST_STEPS_OF_A_ROW", 0)
    identify(log, "motors", machine={"p": 4})
    monkeypatch.setattr(fit, "MOST_STEPS", 100_000)
    with pytest.raises(ValueError, match=r"log.csv has not settled within .* steps.*fewer rows"):
        identify(log, "motors", machine={"p": 4})


def test_a_known_machine_shows_its_shaft(tmp_path):
    log = servo_log(tmp_path / "log.csv", 3)
    circuit = {"r_s": 0.2, "l_d": 2e-3, "l_q": 3e-3, "psi_p": 0.03}
    result = identify(log, "motors", machine={"p": 4}, known=circuit)
    assert set(result.values) == {"j_total", "a", "b"}
    assert result.values["j_total"][0] == pytest.approx(1e-3, rel=0.02)
    with pytest.raises(ValueError, match="all numbers are known"):
        identify(log, "motors", machine={"p": 4}, known=circuit, shaft="driven")


def test_what_cannot_be_is_refused(tmp_path):
    log = servo_log(tmp_path / "log.csv", n=60)
    with pytest.raises(ValueError, match="'kind'"):
        identify(log, "motors", knd="PMSM")
    with pytest.raises(ValueError, match="'psi_p'"):
        identify(log, "motors", known={"psi": 0.1})
    with pytest.raises(ValueError, match="machine kind to identify 'DFIM'"):
        identify(log, "motors", kind="DFIM")
    whole = servo_log(tmp_path / "whole.csv", n=600)
    with pytest.raises(ValueError, match=r"does not explain whole.csv.*and the kind"):
        identify(whole, "motors", kind="SynRM", machine={"p": 4})
    with pytest.raises(ValueError, match=r"does not explain whole.csv.*units"):
        identify(scaled(whole, i_sd=1e3), "motors", machine={"p": 4})
    with pytest.raises(ValueError, match="i_sd is 0 throughout while its voltage is not"):
        identify(scaled(whole, i_sd=0.0), "motors", machine={"p": 4})
    with pytest.raises(ValueError, match="so r_s, l_d, l_q, psi_p cannot be seen"):
        identify(scaled(whole, i_sq=0.0), "motors", machine={"p": 4})
    table = np.genfromtxt(log, delimiter=",", names=True)
    bare = {n: table[n] for n in ("t", "i_sd", "i_sq", "omega")}
    with pytest.raises(ValueError, match="no voltages, so r_s, l_d, l_q, psi_p cannot be seen"):
        identify(write(log, bare), "motors", kind="PMSM")
    with pytest.raises(ValueError, match="time must grow"):
        identify(write(log, {**bare, "t": table["t"][::-1]}), "motors", kind="PMSM")
