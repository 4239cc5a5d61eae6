import os
import shutil
import subprocess

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def no_display(monkeypatch):
    """Nothing but a window may need a display."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


@pytest.fixture
def frames():
    """Twelve frames that differ: a bar that moves to the right over a gradient."""
    pictures = np.zeros((12, 90, 160, 3), np.uint8)
    pictures[..., 2] = np.linspace(0, 255, 160).astype(np.uint8)
    for k, picture in enumerate(pictures):
        picture[20:70, 12 * k : 12 * k + 12] = (213, 94, 0)
    return list(pictures)


@pytest.fixture(scope="session")
def virtual_display():
    """The name of an X display with no screen attached."""
    pytest.importorskip("tkinter", reason="this Python was built without tkinter")
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    arguments = ["-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    process = subprocess.Popen([server, *arguments], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    try:
        if not number:
            pytest.skip("Xvfb does not start here")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()
