"""Makers' data sheets: their units and conventions, against the sheets' own other numbers."""

import math

import gymnasium
import pytest

from gym_suite import cli
from gym_suite.motors import simulate
from gym_suite.motors.datasheet import read_datasheet
from gym_suite.motors.machines import SETS

# maxon catalogue: RE 40, order number 148867.
RE40 = {
    "kind": "PermExDc",
    "resistance": "0.299 Ohm",
    "inductance": "0.082 mH",
    "k_t": "30.2 mN m/A",
    "kv": "317 rpm/V",
    "inertia": "142 g cm^2",
    "voltage": "24 V",
    "current": "6 A",
    "peak_current": "15 A",
    "speed": "6940 rpm",
    "max_speed": "12000 rpm",
    "torque": "177 mN m",
}
# maxon catalogue: EC 45 flat, 70 W, 24 V winding; EC 45 flat, 50 W, 24 V winding.
EC45_70 = {
    "kind": "PMSM",
    "pole_pairs": 8,
    "resistance": "0.573 Ohm",
    "inductance": "0.301 mH",
    "winding": "line-line",
    "kv": "236 rpm/V",
    "k_t": "40.4 mN m/A",
    "current": "3.29 A",
    "current_of": "block",
    "inertia": "181 g cm^2",
    "voltage": "24 V",
    "speed": "4750 rpm",
    "max_speed": "10000 rpm",
    "torque": "134 mN m",
}
EC45_50 = EC45_70 | {
    "resistance": "0.942 Ohm",
    "inductance": "0.363 mH",
    "kv": "265 rpm/V",
    "k_t": "36 mN m/A",
    "current": "2.52 A",
    "inertia": "135 g cm^2",
    "speed": "5170 rpm",
    "torque": "91.1 mN m",
}


def without(form, *names):
    return {name: value for name, value in form.items() if name not in names}


def test_the_sheet_of_a_set_is_that_set():
    sheet = read_datasheet(RE40)
    known = SETS["RE40-148867"].machine
    for name in known.__slots__:
        assert getattr(sheet.machine, name) == pytest.approx(getattr(known, name), rel=1e-9)
    assert sheet.assumed == ()


@pytest.mark.parametrize(("form", "idle"), [(EC45_70, 5600.0), (EC45_50, 6250.0)])
def test_a_brushless_motor_does_what_its_sheet_says(form, idle):
    """The no-load speed is not in the form: at it the lines' voltage is the nominal one but for friction."""
    machine = read_datasheet(form).machine
    between_lines = math.sqrt(3.0) * machine.p * machine.psi_p * idle * math.pi / 30.0
    assert between_lines == pytest.approx(24.0, rel=0.02)
    # Nominal torque at the nominal current; the rest is friction and iron.
    assert 1.5 * machine.p * machine.psi_p * machine.i_nominal == pytest.approx(
        float(form["torque"].split()[0]) * 1e-3, rel=0.05
    )
    # The loss of two conducting phases, which block commutation has.
    block = float(form["current"].split()[0]) ** 2 * float(form["resistance"].split()[0])
    assert 1.5 * machine.r_s * machine.i_nominal**2 == pytest.approx(block)


def test_a_turning_rotor_induces_what_the_sheet_says():
    """By simulation at no current: k_e in V between lines, rms, per 1000 rpm, of a servo invented for this test."""
    form = without(EC45_70, "kv", "k_t", "torque") | {
        "k_e": "3.0 V/krpm",
        "k_e_of": "line-line rms",
    }
    machine = read_datasheet(form).machine
    load = {"kind": "constant_speed", "omega": 1000.0 * math.pi / 30.0}
    run = simulate(machine, [[0.0, 0.0]] * 400, tau=1e-4, load=load)
    # Shorted windings: r i_q + w l_d i_d + w psi = 0 in the steady state.
    w = machine.p * load["omega"]
    amplitude = -(machine.r_s * run["i_sq"][-1] + w * machine.l_d * run["i_sd"][-1])
    assert amplitude * math.sqrt(1.5) == pytest.approx(3.0, rel=1e-3)


def test_units_are_those_of_their_definitions():
    ounce_inch = 0.45359237 / 16.0 * 9.80665 * 0.0254
    told = [
        ("k_t", f"{0.0302 / ounce_inch:.10g} oz in/A", "psi_e", 0.0302),
        ("k_e", "0.0302 V s/rad", "psi_e", 0.0302),
        ("k_e", f"{0.0302 * math.pi / 30.0:.10g} V/rpm", "psi_e", 0.0302),
        ("inertia", f"{142e-7 / (0.45359237 / 16.0 * 0.0254**2):.10g} oz in^2", "j_rotor", 142e-7),
        ("inertia", f"{142e-7 / ounce_inch:.10g} oz in s^2", "j_rotor", 142e-7),
        ("inertia", 142e-7, "j_rotor", 142e-7),
        ("inductance", "82 uH", "l_a", 82e-6),
    ]
    for entry, text, name, value in told:
        form = without(RE40, "kv", *(("k_t",) if entry == "k_e" else ())) | {entry: text}
        assert getattr(read_datasheet(form).machine, name) == pytest.approx(value, rel=1e-8)


def test_what_a_sheet_leaves_open_is_said(tmp_path, capsys):
    form = tmp_path / "gimbal.toml"
    form.write_text(
        'kind = "PMSM"\npoles = 14\nresistance = "10 Ohm"\ninductance = "3 mH"\nkv = "75 rpm/V"\ncurrent = "1 A"\n'
        'inertia = "60 g cm^2"\nvoltage = "12 V"\n'
    )
    out = tmp_path / "machine.toml"
    assert cli.main(["datasheet", "motors", str(form), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    for word in (
        "winding",
        "current_of",
        "kv is",
        "l_q = l_d",
        "i_limit",
        "omega_nominal",
        "omega_limit",
    ):
        assert word in told and word in out.read_text()
    p = gymnasium.make("gem/PMSM-v0", machine=str(out)).unwrapped.nominal.parameters
    assert (p["p"], p["r_s"], p["l_d"], p["l_q"]) == (7, 5.0, 1.5e-3, 1.5e-3)
    assert p["i_nominal"] == pytest.approx(math.sqrt(2.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inertia": "142 g cm2"}, r"unit of inertia 'g cm2'.*'g cm\^2'"),
        ({"inertia": "heavy"}, "a number with its unit"),
        ({"resistence": 1.0}, "'resistance'"),
        ({"kv": "31.7 rpm/V"}, "says 9.97 times the flux"),
        ({"torque": "1.77 N m"}, "torque is 9.77 times"),
        ({"resistance": "299 Ohm"}, "resistance drops"),
        ({"inductance": "0.082 uH", "resistance": "299 mOhm"}, "unit of the inductance"),
        ({"speed": "69400 rpm", "max_speed": "90000 rpm"}, "induces"),
        ({"pole_pairs": 4}, "has no pole_pairs"),
        ({"kind": "SCIM"}, "PMSM, PermExDc"),
        ({"voltage": -24.0}, "voltage"),
        ({"max_speed": "5000 rpm"}, "max_speed is 0.72 times speed"),
        ({"peak_current": "600 mA"}, "peak_current is 0.1 times current"),
        ({"inductance": "0.082 H"}, "inductance takes 14.9 times the voltage; check the unit of"),
        ({"inertia": "142 kg m^2"}, "to the nominal speed in .* s; check the unit of the inertia"),
        ({"inertia": 142e-12}, "to the nominal speed in .* s; check the unit of the inertia"),
        ({"peak_current": "1e6 A"}, r"peak_current is 1.67e\+05 times current, and may be 100"),
        ({"max_speed": "1e7 rpm"}, "max_speed is 1.32e.03 times .* 20 times; .*max_speed.* kv"),
        ({"inductance": "0.082 uH"}, "inductance 1.63e-05 times the flux .* inductance, .* k_t"),
        ({"resistance": "0,299 Ohm"}, "a number with its unit"),
        ({"resistance": "0.299"}, "a number with its unit"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        read_datasheet(RE40 | change)


# The guide's form, which says the flux once.
ONCE = without(EC45_70, "k_t", "max_speed")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv": 236}, "induces 2.108 V .* units of voltage, speed and kv; .*in SI units"),
        ({"voltage": "230 V"}, "is given 230 V; check the units of voltage, speed and kv"),
        ({"inductance": "0.301 H"}, "inductance takes 94.8 times the voltage; check the unit of"),
        ({"inductance_q": "0.301 H"}, "inductance_q takes 94.8 times the voltage; check the unit"),
        ({"inertia": "181 kg m^2"}, "to the nominal speed in .* s; check the unit of the inertia"),
        # Of a ratio that several numbers make, all are named.
        ({"current": "5000 A"}, "unit of the inertia, or of what .*: current, speed and kv"),
        ({"current": "5 mA"}, "unit of the inductance, or of what .*: current and kv$"),
        ({"voltage": "0.048 V"}, "check the units of voltage, speed and kv$"),
        (
            {"kv": "23.6 rpm/V", "speed": "400 rpm", "voltage": "1 kV", "inductance": "30 mH"},
            "check the units of voltage, speed and kv$",
        ),
        ({"resistance": "0.573 mOhm"}, "unit of the resistance, or .*: current and voltage$"),
        ({"k_e_of": "phase rms"}, "k_e_of says which voltage k_e is of, and there is no k_e"),
        ({"inductance": "0.301 uH"}, "the flux of the magnets; check the unit of the inductance"),
    ],
)
def test_a_factor_of_units_is_found_by_what_the_machine_does_at_its_nominal_speed(change, message):
    read_datasheet(ONCE)
    with pytest.raises(ValueError, match=message):
        read_datasheet(without(ONCE, "torque") | change)


def test_a_constant_without_its_unit_is_named_where_only_the_torque_shows_it():
    form = without(RE40, "kv", "speed", "max_speed", "torque") | {"k_t": 31.8}
    with pytest.raises(ValueError, match=r"current, voltage and k_t; .* \(k_t\) is in SI units"):
        read_datasheet(form)


@pytest.mark.parametrize("form", [RE40, EC45_70, EC45_50])
def test_a_rotor_whose_inertia_is_not_given_is_about_as_heavy_as_those_of_catalogues(form):
    sheet = read_datasheet(without(form, "inertia", "k_t" if "kv" in form else ""))
    known = read_datasheet(form).machine.j_rotor
    assert sheet.machine.j_rotor == pytest.approx(known, rel=0.3)
    assert sum("j_rotor" in sentence and "0.06 s" in sentence for sentence in sheet.assumed) == 1
    # What the nominal torque turns up in that time.
    machine = sheet.machine
    torque = (
        machine.psi_e * machine.i_nominal
        if form is RE40
        else (1.5 * machine.p * machine.psi_p * machine.i_nominal)
    )
    assert torque * 0.06 / machine.j_rotor == pytest.approx(machine.omega_nominal)


def test_the_least_that_a_sheet_says_is_a_machine():
    """What is on the plate and in the catalogue's first lines: nothing of the rotor, nothing of limits."""
    form = without(EC45_70, "inertia", "k_t", "max_speed", "torque", "winding", "current_of")
    sheet = read_datasheet(form)
    gymnasium.make("gem/PMSM-Speed-v0", machine=sheet.machine).reset(seed=0)
    named = {"winding", "current_of", "kv", "i_limit", "omega_limit", "j_rotor", "l_q"}
    assert {sentence.split()[0] for sentence in sheet.assumed} == named


@pytest.mark.parametrize(
    ("entry", "spellings"),
    [
        ("resistance", ["0.573 Ohm", "0.573 ohm", "0.573ohms", "0.573 OHM", "573 mohm"]),
        ("resistance", ["0.573 \u03a9", "0.573\u2126", "573 m\u03a9", "573 m\u2126"]),
        ("inductance", ["0.301 mH", "0.301mH", "301 uH", "301 \u00b5H", "301\u03bcH", "3.01e-4H"]),
        ("k_t", ["40.4 mN m/A", "40.4 mNm/A", "0.0404 Nm/A", "40.4mN\u00b7m/A", "0.0404 N*m / A"]),
        ("torque", ["134 mN m", "134 mNm", "0.134 Nm", "0.134 N.m", "0.134 N-m"]),
        ("inertia", ["181 g cm^2", "181 gcm^2", "181 g\u00b7cm\u00b2", "1.81e-5 kg m\u00b2"]),
        ("pole_pairs", [8, "8", " 8 "]),
        ("speed", ["4750 rpm", "4750rpm"]),
    ],
)
def test_units_are_read_as_makers_write_them(entry, spellings):
    known = read_datasheet(EC45_70).machine
    for spelling in spellings:
        machine = read_datasheet(EC45_70 | {entry: spelling}).machine
        for name in known.__slots__:
            assert getattr(machine, name) == pytest.approx(getattr(known, name), rel=1e-9)
    ounces = 0.0404 / (0.45359237 / 16.0 * 9.80665 * 0.0254)
    for unit in ("oz in/A", "oz-in/A", "ozin/A"):
        form = without(EC45_70, "kv") | {"k_t": f"{ounces:.12g} {unit}"}
        flux = read_datasheet(form).machine.psi_p
        assert 1.5 * 8 * flux * 2.0 / math.sqrt(3.0) == pytest.approx(0.0404)


def test_a_slow_motor_whose_resistance_takes_the_voltage_is_taken():
    """At 100 rpm the magnets induce little; eight tenths of the voltage drop over the resistance."""
    slow = without(EC45_70, "k_t", "max_speed", "torque") | {"speed": "100 rpm"}
    machine = read_datasheet(slow | {"resistance": "5.8 Ohm"}).machine
    assert machine.omega_nominal == pytest.approx(100.0 * math.pi / 30.0)


def test_a_highest_speed_below_that_of_no_load_is_the_nominal_one():
    sheet = read_datasheet(without(ONCE, "speed", "torque") | {"max_speed": "3000 rpm"})
    assert sheet.machine.omega_nominal == sheet.machine.omega_limit == 100.0 * math.pi
    assert any("omega_nominal" in text and "max_speed" in text for text in sheet.assumed)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match='lacks its kind: kind = "PMSM" or "PermExDc"'):
        read_datasheet(without(RE40, "kind"))
    with pytest.raises(ValueError, match="lacks current"):
        read_datasheet(without(RE40, "current"))
    with pytest.raises(ValueError, match="needs one of kv, k_e and k_t"):
        read_datasheet(without(RE40, "kv", "k_t"))
    with pytest.raises(ValueError, match="pole_pairs or poles"):
        read_datasheet(without(EC45_70, "pole_pairs"))
