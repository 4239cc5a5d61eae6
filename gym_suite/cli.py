"""The command ``gym-suite``: thin over the functions that Python users call.

Every command imports what it needs when it runs, so that ``gym-suite list`` starts at once.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import tyro
from tyro.conf import DisallowNone, FlagCreatePairsOff

from gym_suite.code_pages import write_plainly
from gym_suite.commands.beginning import docs, doctor, examples, lab, warm
from gym_suite.commands.judging import compare, leaderboard, submit, train, tune
from gym_suite.commands.looking import (
    bench,
    datasheet,
    fly,
    identify,
    list_ids,
    render,
    run,
    show_id,
    validate,
)
from gym_suite.commands.taking import export
from gym_suite.provenance import THREADS
from gym_suite.version import __version__

USER_ERROR = 2
INTERRUPTED = 130
#: Letters of an error that are shown: one may quote all of a file that is damaged.
LONGEST = 1000


def first_steps() -> None:
    """Say the five things to do first."""
    steps = {
        "doctor": "what is installed and what is missing",
        "list": "all environments",
        "show gem/PMSM-v0": "what one of them is: spaces, rewards, controllers",
        "render gem/PMSM-v0 --out pi.gif": "a picture of its reference controller at work",
        "compare gem/PMSM-v0": "its agents side by side: report/index.html",
    }
    print("Controllers and learned policies on physics-backed environments. To begin with:\n")
    for command, what in steps.items():
        print(f"  gym-suite {command:<33}{what}")
    print("\ngym-suite --help lists all commands, gym-suite COMMAND --help their arguments;")
    print(
        "gym-suite docs lists the guides, gym-suite examples the programs, gym-suite lab the labs."
    )


COMMANDS = {
    "list": list_ids,
    "show": show_id,
    "run": run,
    "compare": compare,
    "leaderboard": leaderboard,
    "submit": submit,
    "train": train,
    "tune": tune,
    "render": render,
    "bench": bench,
    "fly": fly,
    "validate": validate,
    "identify": identify,
    "datasheet": datasheet,
    "export": export,
    "doctor": doctor,
    "warm": warm,
    "lab": lab,
    "examples": examples,
    "docs": docs,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit status.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        0, or 1 if a run of a comparison failed, or 2 for what the user can put right (told in one line on stderr),
        or 130 after Ctrl-C.
        Anything else that goes wrong is a fault of ours and raised.

    Raises:
        SystemExit: From the parser, for ``--help`` and for arguments that it refuses.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _one_thread()
    if sys.stdout is None:  # closed by the shell (>&-): nobody reads, and nothing fails for it
        sys.stdout = io.StringIO()
    write_plainly(sys.stdout)
    if not arguments:
        first_steps()
        return 0
    if arguments == ["--version"]:
        print(__version__)
        return 0
    try:
        _check_empty(arguments)
        status = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="gym-suite",
            description="Compare controllers and learned policies on physics-backed environments.",
            args=arguments,
            config=(FlagCreatePairsOff, DisallowNone),
        )
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; leave nothing for the interpreter to flush at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_the_users(error):
            raise
        sys.stderr.write(f"gym-suite: {_one_line(error)}\n")
        return USER_ERROR
    return status or 0


def _check_empty(arguments: Sequence[str]) -> None:
    """Refuse a text that is empty, as a variable of the shell is that nobody set.

    No command takes one, and as a path it would be the folder that one is in: ``--out ""`` would fill that.

    Raises:
        ValueError: Naming the option before it, or its place.
    """
    for k, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if argument and not (option.startswith("--") and equals and not value):
            continue
        before = option if equals else arguments[k - 1] if k else ""
        where = before if before.startswith("--") else f"argument {k + 1}"
        raise ValueError(f"{where} is empty: give a value, or leave it out")


def _one_thread() -> None:
    """Give each numeric library one thread: more gain nothing, and lose on a busy machine."""
    for variable in THREADS:
        os.environ.setdefault(variable, "1")


def _one_line(error: Exception) -> str:
    line = " ".join(str(error).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _is_the_users(error: Exception) -> bool:
    """Tell a refusal, by our own code or the file system, from a fault inside a library."""
    if isinstance(error, OSError):
        return True
    if not isinstance(error, ValueError | TypeError | ImportError):
        return False
    if isinstance(error, ModuleNotFoundError) and str(error.name).startswith("gym_suite"):
        return False
    frame, _ = list(traceback.walk_tb(error.__traceback__))[-1]
    return Path(frame.f_code.co_filename).is_relative_to(Path(__file__).parent)


if __name__ == "__main__":
    sys.exit(main())
