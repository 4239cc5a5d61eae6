"""The measured model of the Crazyflie against recordings of real ones, and logs that are no good."""

import csv
import dataclasses
import gzip
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gym_suite import cli
from gym_suite.analysis import identify
from gym_suite.drones import replay, simulate, validation
from gym_suite.drones.logs import COLUMNS, read_log
from gym_suite.drones.parameters import build_model, build_vehicle, installed

bullet = pytest.mark.skipif(
    importlib.util.find_spec("pybullet") is None, reason="PyBullet is not installed"
)


@pytest.fixture(scope="module")
def found():
    return [validation.scores(log) for log in validation.read_flights()]


def of(flight, predictor):
    return next(score for score in flight if score.predictor == predictor)


def errors(score):
    return np.array(score.position + score.velocity)


def test_the_measured_model_beats_a_constant_thrust_on_every_flight_and_by_a_fifth(found):
    ratios = np.array(
        [errors(flight[0]) / errors(of(flight, "constant thrust")) for flight in found]
    )
    assert len(ratios) == 7
    assert ratios.max() < 1.0
    assert ratios.mean(axis=0).max() < 0.8


def test_it_beats_the_constant_thrust_that_knows_the_same_tilt_too(found):
    ratios = np.array(
        [
            errors(flight[0]) / errors(of(flight, "constant thrust, observed tilt"))
            for flight in found
        ]
    )
    assert ratios.mean(axis=0).max() < 0.95


def test_the_baselines_are_those_that_were_found_elsewhere(found):
    """Constant velocity: 0.05 to 0.2 m after 0.5 s; errors of a constant force grow with time and its square."""
    for flight in found:
        still = of(flight, "constant velocity")
        assert 0.05 < still.position[1] < 0.2
        constant = of(flight, "constant thrust")
        assert 0.2 < constant.position[1] / still.position[1] < 0.8
        assert 0.015 < constant.position[1] < 0.08


def test_a_prediction_is_what_newton_says():
    """One window integrated anew: gyro, thrust along the body's axis, linear drag, gravity."""
    log = validation.read_flights()[3]
    inputs = replay.constant_thrust(log, 1.02, 0.4)
    start, steps = 700, 50
    got = replay.predict(log, inputs, [start], steps)[0]
    p, v = log.position[start].copy(), log.velocity[start].copy()
    attitude, fine = Rotation.from_quat(log.quaternion[start]), 20
    for k in range(start, start + steps):
        rate = 0.5 * (log.rate[k] + log.rate[k + 1])
        h = (log.t[k + 1] - log.t[k]) / fine
        for _ in range(fine):
            middle = attitude * Rotation.from_rotvec(rate * h / 2)
            up = middle.apply([0.0, 0.0, 1.02 * 9.80665])
            a = up - 0.4 * v - [0.0, 0.0, 9.80665]
            p += h * v + 0.5 * h * h * a
            v += h * a
            attitude = attitude * Rotation.from_rotvec(rate * h)
    np.testing.assert_allclose(got[-1, :3], p, atol=2e-4)
    np.testing.assert_allclose(got[-1, 3:], v, atol=2e-3)


@bullet
def test_both_engines_replay_alike():
    log = validation.read_flights()[5]
    inputs = replay.understand(log)
    starts, steps = validation.windows(log)
    compiled, in_bullet = (
        replay.predict(log, inputs, starts[::10], steps, engine=engine) for engine in replay.ENGINES
    )
    np.testing.assert_allclose(in_bullet[..., :3], compiled[..., :3], atol=5e-3)
    np.testing.assert_allclose(in_bullet[..., 3:], compiled[..., 3:], atol=2e-2)


def test_nothing_later_than_a_window_s_start_is_used_but_what_is_told():
    """Other positions and velocities after the start change no prediction."""
    log = validation.read_flights()[0]
    start, steps = 800, 50
    known = replay.predict(log, replay.understand(log), [start], steps)
    velocity, position = log.velocity.copy(), log.position.copy()
    velocity[start + 1 :] += 3.0
    position[start + 1 :] += 1.0
    import dataclasses

    other = dataclasses.replace(log, velocity=velocity, position=position)
    np.testing.assert_array_equal(
        replay.predict(other, replay.understand(other), [start], steps), known
    )


def test_the_scale_is_that_of_five_flights():
    logs = [
        log
        for log in validation.read_flights()
        if "helix" not in log.name and "figure8_medium" not in log.name
    ]
    assert validation.thrust_scale(logs) == pytest.approx(replay.THRUST_SCALE, rel=0.02)


def test_the_thrust_stand_is_met_and_the_peer_s_constant_is_too_large():
    stand = validation.stand_errors()
    assert stand["measured"][0] < 1.9e-3
    assert 0.27 < stand["peer"][1] < 0.4


def test_hovering_weighs_the_same_whatever_the_battery_and_shows_a_payload():
    """The thrust that carries healthy E9 carries the other flights of the airframe within 5 %, payloads in order."""
    hovers = {h.file.split("_E")[0].removeprefix("crazypad_"): h for h in validation.hovers()}
    healthy = next(h for h in validation.hovers() if "normal_flight_E9" in h.file)
    scale = 0.0313 / healthy.weight  # drone with two decks, by the voltage map of drone-models
    light, heavy = hovers["add_weight_W1_near_M3"], hovers["add_weight_W3_near_M3"]
    assert light.weight * scale == pytest.approx(0.0313 + 0.0004, rel=0.05)
    assert heavy.weight * scale == pytest.approx(0.0313 + 0.0023, rel=0.05)
    assert healthy.weight < light.weight < heavy.weight
    drifts = np.abs([hover.drift for hover in validation.hovers()])
    assert drifts.mean() < 0.02
    assert drifts.max() < 0.025


def test_the_battery_sags_and_fades_as_in_three_real_flights():
    """Hovering takes 0.38 to 0.48 V at once and then 1.8 to 2.3 mV a second, and a flat battery no longer lifts."""
    from gym_suite.drones import parameters as pm
    from gym_suite.drones.propulsion import current

    model = pm.MODELS["measured"]
    row = np.zeros(64)
    hover = pm.hover_rpm(pm.installed(pm.VEHICLES["cf2x"], model), model)
    from gym_suite.drones.columns import BODY

    place = BODY.places.rotor_0
    idle = current(row)
    row[place : place + 4] = hover
    assert 0.38 < model.battery_resistance * (current(row) - idle) < 0.48
    assert 1.8e-3 < model.battery_fade * current(row) < 2.3e-3
    full = simulate(
        "cf2x",
        np.full((240 * 300, 4), 25_000.0),
        model="measured",
        engine="compiled",
        position=[0, 0, 10],
        quaternion=[0, 0, 0, 1],
    )["velocity"][:, 0, 2]
    assert full[240 * 5] > full[240 * 120] > full[-1]


def synthetic(path, *, mass, thrust, drag, lag, seconds=40.0):
    """Write a log of a vehicle whose numbers are known, integrated here."""
    rng = np.random.default_rng(0)
    dt, fine = 0.01, 10
    hover = np.sqrt(mass * 9.80665 / 4 / thrust)
    p, v, speed, rows = np.zeros(3), np.zeros(3), 0.0, []

    def attitude_at(t):
        angles = [0.25 * np.sin(1.9 * t), 0.2 * np.cos(1.3 * t), 0.0]
        return Rotation.from_euler("xyz", angles if t > 2.0 else [0.0, 0.0, 0.0])

    for k in range(round(seconds / dt) + 1):
        t, volts = dt * k, 4.0 - 1e-4 * k
        shaking = 1 + 0.12 * np.sin(2.3 * t) + 0.1 * np.sin(7.1 * t)
        lift = np.clip((t - 1.0) / 0.3, 0, 1) * (shaking - 0.3 * (p[2] - 1.5) - 0.3 * v[2])
        pulse = max((hover * np.sqrt(max(lift, 0.0)) - 2968.179) / 6647.949, 0.0) / volts
        settled = 2968.179 + 6647.949 * pulse * volts if pulse > 0.0 else 0.0
        attitude = attitude_at(t)
        rate = (attitude.inv() * attitude_at(t + dt)).as_rotvec() / dt
        body = np.array([0, 0, 4 * thrust * speed**2 / mass]) - attitude.inv().apply(drag * v)
        felt = body if p[2] > 0.0 or body[2] > 9.80665 else np.array([0.0, 0.0, 9.80665])
        seen = v + rng.normal(0, 0.003, 3)
        pulses = [round(65535 * pulse)] * 4
        rows.append([t, *p, *attitude.as_quat(), *seen, *(felt / 9.80665), *rate, *pulses, volts])
        for part in range(fine):
            turned = attitude * Rotation.from_rotvec(rate * dt * (part + 0.5) / fine)
            speed += (settled - speed) * (1 - np.exp(-dt / fine / lag))
            a = turned.apply([0, 0, 4 * thrust * speed**2 / mass]) - drag * v
            a[2] -= 9.80665
            if p[2] <= 0.0 and a[2] < 0:
                a[:], v[:] = 0.0, 0.0
            v = v + dt / fine * a
            p = p + dt / fine * v
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "known.csv"
    return synthetic(path, mass=0.034, thrust=2.2e-10, drag=0.5, lag=0.09)


def test_identification_finds_the_numbers_of_a_flight_that_was_made_from_them(known, tmp_path):
    result = identify(known, "drones", mass=0.034)
    assert result.vehicle["k_f"] == pytest.approx(2.2e-10, rel=0.02)
    for name, true in (("drag_xy", 0.5), ("motor_lag", 0.09)):
        value, low, high = result.values[name]
        assert value == pytest.approx(true, rel=0.15)
        assert low < value < high
    assert result.after.velocity[1] < 0.3 * result.before.velocity[1]
    without = identify(known, "drones")
    assert without.values["mass"][0] == pytest.approx(0.034 * 2.432 / 2.2, rel=0.02)
    path = tmp_path / "mine.toml"
    result.save(path)
    flown = simulate(
        path,
        np.zeros((3, 4)),
        model=path,
        engine="compiled",
        position=[0, 0, 1],
        quaternion=[0, 0, 0, 1],
    )
    assert "mass=0.034" in flown.meta["vehicle"]


def flight(table, path, *, first=0.0):
    """Write a log of the table's samples from a time on."""
    header, values = table
    values = values[values[:, header.index("t")] >= first]
    np.savetxt(path, values, delimiter=",", header=",".join(header), comments="")
    return path


@pytest.mark.parametrize(
    ("vehicle", "model"),
    [
        ({"mass": 0.0319, "thrust_to_weight": 1.6, "k_m": 1.9e-12}, "measured"),
        ("cf21", {"base": "measured", "gravity": 9.7}),
        ("race", {"motor_lag": 0.05, "friction": 0.7}),
        ({"base": "cf2p", "mass": 0.03}, "bullet-parity"),
    ],
)
def test_what_is_saved_keeps_all_that_was_not_identified(known, tmp_path, vehicle, model):
    if vehicle == "race":  # whose thrust is far from the log's
        vehicle = {"base": "race", "mass": 0.0319, "k_f": 2.4e-10, "k_m": 5e-12}
    result = identify(known, "drones", vehicle=vehicle, model=model)
    result.save(tmp_path / "mine.toml")
    before, after = build_vehicle(vehicle), build_vehicle(tmp_path / "mine.toml")
    fitted = {"mass", "k_f", "drag_xy", "drag_z"}
    was, law = installed(before, build_model(model)), build_model(tmp_path / "mine.toml")
    for name in (f.name for f in dataclasses.fields(before)):
        if name not in {*fitted, "k_m"}:
            assert getattr(after, name) == getattr(before, name), name
    now = installed(after, law)
    assert now.k_m / now.k_f == pytest.approx(was.k_m / was.k_f)
    assert dataclasses.replace(law, motor_lag=0.0) == dataclasses.replace(
        build_model(model), motor_lag=0.0
    )
    for name in fitted:
        assert getattr(after, name) == result.vehicle[name]
    again = identify(known, "drones", vehicle=tmp_path / "mine.toml", model=tmp_path / "mine.toml")
    assert again.values["thrust_scale"][0] == pytest.approx(1.0, abs=0.05)


def test_a_log_that_begins_in_flight_is_judged_and_identified_as_the_whole_one(table, tmp_path):
    whole = read_log(flight(table, tmp_path / "whole.csv"))
    cut = read_log(flight(table, tmp_path / "cut.csv", first=6.0))
    assert replay.airborne(cut)[:100].all() and not replay.airborne(whole)[:100].any()
    late = validation.scores(cut)
    blind = of(late, "measured, nothing observed")
    assert errors(late[0]).max() < 0.8 * errors(blind).max()
    assert (errors(late[0]) < errors(of(late, "constant thrust"))).all()


def test_a_whole_recording_without_its_first_seconds_is_identified(tmp_path):
    folder = Path(__file__).parents[3] / "shared/data/real/drones"
    path = folder / "nanobench_B2_circle_fast_rep2.csv.gz"
    if not path.exists():
        pytest.skip("the whole recordings are not in this checkout")
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))
    recording = rows[0], np.array(rows[1:], dtype=float)
    cut = identify(flight(recording, tmp_path / "cut.csv", first=8.0), "drones")
    whole = identify(path, "drones")
    scale = whole.values["thrust_scale"][0]
    assert cut.values["thrust_scale"][0] == pytest.approx(scale, rel=0.03)


def test_a_log_without_a_flight_is_refused_as_such(table, tmp_path):
    header, values = edit(table, ("px", "py", "pz", "vx", "vy", "vz"), lambda v: 0.001 * v)
    path = flight((header, values), tmp_path / "still.csv")
    with pytest.raises(ValueError, match=r"still\.csv holds no flight"):
        validation.scores(read_log(path))
    with pytest.raises(ValueError, match=r"still\.csv holds no flight"):
        identify(path, "drones")


def test_a_mass_in_grams_and_a_thrust_far_from_the_model_s_are_refused(known):
    with pytest.raises(ValueError, match="looks like grams"):
        identify(known, "drones", mass=34.0)
    with pytest.raises(ValueError, match=r"times the thrust of a vehicle of 0\.4 kg"):
        identify(known, "drones", vehicle={"mass": 0.4})


def test_identification_lowers_the_error_on_real_flights():
    for file in sorted((validation.MEASUREMENTS / "flights").glob("*circle*")):
        result = identify(file, "drones")
        assert result.after.position[1] < 0.25 * result.before.position[1]


@pytest.fixture
def table():
    path = next(iter(sorted((validation.MEASUREMENTS / "flights").glob("*.csv.gz"))))
    with gzip.open(path, "rt") as file:
        rows = list(csv.reader(file))
    return rows[0], np.array(rows[1:], dtype=float)


def edit(table, columns, change):
    header, values = table
    values = values.copy()
    for name in columns:
        at = header.index(name)
        values[:, at] = change(values[:, at])
    return header, values


MOTION = ("px", "py", "pz", "vx", "vy", "vz")


def jump(t):
    return t + np.where(t > 5.0, 1.5, 0.0)


@pytest.mark.parametrize(
    ("columns", "change", "message"),
    [
        (("gyro_x", "gyro_y", "gyro_z"), np.degrees, "degrees per second.*rad/s is expected"),
        (("acc_x", "acc_y", "acc_z"), lambda a: a * 9.80665, "looks like m/s.2; they are in g"),
        (("px", "py", "pz"), lambda p: 1000 * p, "px to pz look like millimetres: "),
        (("vx", "vy", "vz"), lambda v: 1000 * v, "vx to vz look like millimetres a second"),
        (MOTION, lambda p: 1000 * p, "vx to vz change .* times as fast as the accelerometer says"),
        (("vx", "vy", "vz"), lambda v: 0.0 * v, "vx to vz never change, while px to pz do"),
        (("m1", "m2", "m3", "m4"), lambda m: 1000 + m / 65.535, "microseconds"),
        (("vbat",), lambda v: 1000 * v, "looks like mV"),
        (("m1", "m2", "m3", "m4"), lambda m: m / 65535, "pulse widths go from 0 to 65535"),
        (("t",), jump, "time stamps jump from 4.99.* s to 6.50.* s after row 499"),
        (("t",), lambda t: 1000 * t, "looks like milliseconds"),
        (("t",), lambda t: np.where(np.arange(len(t)) == 600, t[500], t), "time must grow"),
        (("qw",), lambda q: 0.5 * q, "the quaternion in row .* has length"),
        (("vx",), lambda v: np.where(np.arange(len(v)) == 7, np.nan, v), "vx in row 7 is nan"),
    ],
)
def test_what_is_wrong_with_a_log_is_said(table, tmp_path, columns, change, message):
    header, values = edit(table, columns, change)
    path = tmp_path / "log.csv"
    np.savetxt(path, values, delimiter=",", header=",".join(header), comments="")
    with pytest.raises(ValueError, match=message):
        read_log(path)


def test_missing_columns_and_files_are_named(table, tmp_path, capsys):
    header, values = table
    path = tmp_path / "log.csv"
    renamed = ",".join(header).replace("vbat", "battery").replace("gyro_z", "gyroz")
    np.savetxt(path, values, delimiter=",", header=renamed, comments="")
    with pytest.raises(ValueError, match=r"log.csv lacks gyro_z, vbat.*'gyroz'"):
        read_log(path)
    path.write_text("time,a,b\n0,1,2\n1,2,3\n")
    with pytest.raises(
        ValueError, match=r"log.csv lacks every column of .*; it has time, a, b instead$"
    ):
        read_log(path)
    assert cli.main(["validate", "drones", "--data", str(tmp_path / "none")]) == cli.USER_ERROR
    assert "is no folder of logs" in capsys.readouterr().err
    assert cli.main(["validate", "drone"]) == cli.USER_ERROR
    assert "'drones'" in capsys.readouterr().err


def test_tables_of_another_kind_are_left_out_and_named(table, tmp_path):
    header, values = table
    np.savetxt(tmp_path / "flight.csv", values, delimiter=",", header=",".join(header), comments="")
    (tmp_path / "stand.csv").write_text("rpm,thrust_g\n1000,1.0\n")
    logs, others = validation.files_of(tmp_path)
    assert ([file.name for file in logs], [file.name for file in others]) == (
        ["flight.csv"],
        ["stand.csv"],
    )
    (tmp_path / "flight.csv").unlink()
    with pytest.raises(ValueError, match=r"stand\.csv lacks"):
        validation.read_flights(tmp_path)


def test_the_command_writes_scores_and_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(validation, "_engines", lambda: ("compiled",))
    scores, page = tmp_path / "scores.json", tmp_path / "page.md"
    assert cli.main(["validate", "drones", "--json", str(scores), "--page", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "constant thrust" in printed
    told = json.loads(scores.read_text("utf-8"))
    assert len(told) == 7
    assert set(told[0]) == {"file", "p_0.1", "p_0.5", "v_0.1", "v_0.5"}
    assert "Thrust stand" in page.read_text("utf-8")
