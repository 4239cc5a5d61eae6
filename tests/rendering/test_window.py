"""The window shows frames on a real X server, and says what to do where there is none."""

import os
import subprocess
import sys
import time

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401 - registers the ids
from gym_suite.rendering import Window, window
from gym_suite.rendering.window import Pace

PICTURE = np.full((270, 480, 3), (0, 114, 178), np.uint8)


def run(code, display):
    environment = {**os.environ, "DISPLAY": display}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_screen_shows_the_newest_frame(virtual_display):
    features = pytest.importorskip("PIL.features")
    if not features.check("xcb"):
        pytest.skip("this Pillow cannot read the screen")
    code = """
import gymnasium
import numpy as np
from PIL import ImageGrab
import gym_suite  # noqa: F401 - registers the ids
from gym_suite.rendering import Window
window = Window("test")
for color in ((213, 94, 0), (0, 114, 178)):
    window.show(np.full((270, 480, 3), color, np.uint8))
    screen = np.asarray(ImageGrab.grab().convert("RGB")).reshape(-1, 3)
    print((screen == color).all(axis=1).sum())
window.close()
window.close()
"""
    for counted in run(code, virtual_display).split():
        # The window grows with the screen's resolution, and toolkits round to whole pixels.
        assert int(counted) > 0.9 * 270 * 480


def test_closing_the_window_stops_the_display_only(virtual_display):
    code = """
import gymnasium
import numpy as np
import gym_suite  # noqa: F401 - registers the ids
from gym_suite.rendering import Window
frame = np.zeros((270, 480, 3), np.uint8)
window = Window("test")
window.show(frame)
tk = window._manager.window
tk.tk.call(tk.protocol("WM_DELETE_WINDOW"))  # what the window manager does for the cross
for _ in range(3):
    window.show(frame)
print(window.closed)
other = Window("another")
other.show(frame)
try:
    other.show(frame[:100])
except ValueError as error:
    print(error)
other.close()
"""
    output = run(code, virtual_display)
    assert output.startswith("True")
    assert "(100, 480, 3)" in output


def test_without_a_display_the_error_says_what_to_do():
    with pytest.raises(RuntimeError, match="rgb_array") as caught:
        Window().show(PICTURE)
    assert "DISPLAY" in str(caught.value)


def test_a_display_that_is_not_there_is_told_from_a_toolkit_that_is_not(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":65000")  # no such server
    with pytest.raises(RuntimeError, match="cannot reach the display ':65000'") as caught:
        Window().show(PICTURE)
    assert "rgb_array" in str(caught.value)
    assert "python3-tk" not in str(caught.value)


def test_without_a_toolkit_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":65000")
    monkeypatch.setattr(window, "_candidates", lambda: ["of_no_toolkit"])
    with pytest.raises(RuntimeError, match="rgb_array") as caught:
        Window().show(PICTURE)
    assert "python3-tk" in str(caught.value)
    assert "of_no_toolkit" in str(caught.value)


@pytest.mark.parametrize(
    ("dt", "horizon", "seconds"), [(1e-4, 2000, 10.0), (1e-2, 6000, 60.0), (1e-2, None, 20.0)]
)
def test_short_episodes_run_in_slow_motion_and_long_ones_in_real_time(
    monkeypatch, dt, horizon, seconds
):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda wait: clock.__setitem__(0, clock[0] + wait))
    pace = Pace(dt, horizon, fps=25)
    steps = horizon or 2000
    shown = sum(pace.due(step) for step in range(steps + 1))
    assert clock[0] - 100.0 == pytest.approx(seconds, rel=0.02)
    assert shown == pytest.approx(25 * seconds, rel=0.05)


def test_human_mode_shows_an_episode_as_it_runs(virtual_display):
    code = """
import gymnasium, gym_suite
import gymnasium
import numpy as np
from PIL import ImageGrab
env = gymnasium.make("gem/PMSM-v0", render_mode="human")
env.reset(seed=0)
before = np.asarray(ImageGrab.grab())
for _ in range(40):
    env.step(np.array([0.05, 0.05]))
after = np.asarray(ImageGrab.grab())
env.close()
env.close()
print((before < 250).any(), (before != after).any())
"""
    assert run(code, virtual_display).split() == ["True", "True"]


def test_human_mode_without_a_display_says_what_to_do():
    env = gymnasium.make("gem/PMSM-v0", render_mode="human")
    with pytest.raises(RuntimeError, match="rgb_array"):
        env.reset(seed=0)
    env.close()
