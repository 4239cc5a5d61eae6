"""Opening a lab in a browser, copying its notebook, and saying plainly what is in the way."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from rich.table import Table

from gym_suite.core.extras import install_line
from gym_suite.core.parameters import check_number
from gym_suite.labs.course import Lab, labs
from gym_suite.labs.session import Session

LOOPBACK = "127.0.0.1"
PORT = 2718


def as_table() -> Table:
    """Return all labs as a table for a terminal."""
    from gym_suite.sheets import plain_table

    table = plain_table("number", "name", "minutes", "what it is about", "you need")
    for lab in labs():
        table.add_row(str(lab.number), lab.name, str(lab.minutes), lab.title, lab.prerequisites)
    return table


def solutions(lab: Lab, student: int) -> Table:
    """Return the answers of a lab for a student, for a teacher's terminal.

    Args:
        lab: The lab.
        student: The student's number.
    """
    from gym_suite.core.page_tables import number
    from gym_suite.sheets import plain_table

    session = Session(lab, student=student)
    table = plain_table("question", "answer", "unit", title=f"Lab {lab.number}, student {student}")
    for question in lab.questions:
        answer = session.solution(question.key)
        told = answer if isinstance(answer, str) else number(answer)
        table.add_row(question.key, told, question.unit)
    return table


def copy(lab: Lab, folder: Path) -> Path:
    """Copy a lab's notebook, so that its code can be changed, and return the copy's path.

    Args:
        lab: The lab.
        folder: Where to; it is made if need be.

    Raises:
        ValueError: If the folder cannot be written, or has such a file already.
    """
    target = folder / lab.notebook.name
    write_new(target, lab.notebook.read_text("utf-8"))
    return target


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, and its folder if need be.

    Args:
        path: Of the file.
        text: What it is to hold.

    Raises:
        ValueError: If there is such a file already, or the folder cannot be written.
    """
    if path.exists():
        raise ValueError(f"{path} is there already: move it away, or choose another place")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ValueError(
            f"{path.parent} cannot be written ({error.strerror or error}): choose a folder of your own"
        ) from error


def command(lab: Lab, *, student: int, host: str, port: int, browser: bool) -> list[str]:
    """Return the command that serves a lab.

    Args:
        lab: The lab.
        student: The student's number.
        host: Address to listen on.
        port: Port to listen on.
        browser: Whether to open a browser.
    """
    served = [sys.executable, "-m", "marimo", "run", str(lab.notebook)]
    served += ["--host", host, "--port", str(port), "--no-sandbox"]
    if not browser:
        served.append("--headless")
    return [*served, "--", "--student", str(student)]


def serve(
    lab: Lab,
    *,
    student: int = 0,
    host: str = LOOPBACK,
    port: int = PORT,
    browser: bool = True,
    tell: Callable[[str], None] = print,
) -> int:
    """Serve a lab until Ctrl-C, and return the exit status.

    Args:
        lab: The lab.
        student: The student's number.
        host: Address to listen on; only this machine reaches the loopback one, which is the default.
        port: Port to listen on.
        browser: Whether to open a browser.
        tell: Called with what the user should know.

    Raises:
        ValueError: If the student's number is none, or the port is no port, is in use or may not be used.
        ModuleNotFoundError: If marimo or an extra that the lab needs is not installed; the message says what to do.
    """
    Session(lab, student=student)
    _require(lab)
    check_port(host, port)
    if browser and not _has_browser():
        tell("No browser was found on this machine.")
        browser = False
    if host != LOOPBACK:
        tell(f"Everybody who reaches {host} can open this lab.")
    tell(f"Lab {lab.number} is at http://{host}:{port} until Ctrl-C.")
    try:
        return subprocess.call(command(lab, student=student, host=host, port=port, browser=browser))
    except KeyboardInterrupt:
        return 0  # the way to end it


def _require(lab: Lab) -> None:
    needs = {"lab": "marimo", "rl": "stable_baselines3", "control": "control"}
    for extra in ("lab", *lab.extras):
        if find_spec(needs[extra]) is None:
            raise ModuleNotFoundError(
                f"lab {lab.number} needs {needs[extra]}: {install_line(extra)}", name=needs[extra]
            )
    wanted, installed = _wanted("marimo"), version("marimo")
    if wanted and not Requirement(wanted).specifier.contains(installed, prereleases=True):
        raise ImportError(
            f"lab {lab.number} needs {wanted}, and marimo {installed} is installed: {install_line('lab')}"
        )


def _wanted(name: str) -> str:
    """Return what the package asks of another one, without its condition; empty where its metadata say nothing."""
    try:
        lines = requires("gym-suite") or []
    except PackageNotFoundError:
        return ""
    found = (line.partition(";")[0].strip() for line in lines)
    return next((line for line in found if Requirement(line).name == name), "")


def check_port(host: str, port: int) -> None:
    """Refuse a port on which nothing can be served.

    Args:
        host: Address to listen on.
        port: The port.

    Raises:
        ValueError: If it is no port, is in use, or may not be used; says what to do.
    """
    check_number("--port", port, low=1, high=65535)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as tried:
            # As the server does: a port whose last connections are only fading away is free.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
            tried.listen(1)
    except socket.gaierror as error:
        raise ValueError(
            f"--host {host} is no address of this machine: {error.strerror}"
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(
                f"port {port} is in use, perhaps by another lab: close it, or choose another one with --port {port + 1}"
            ) from error
        raise ValueError(f"port {port} of {host} cannot be used: {error.strerror}") from error


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
