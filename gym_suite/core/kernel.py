"""The one way to compile: :func:`kernel`, and the cache folder that never goes stale.

Numba keys its disk cache by the file a function stands in, so a change in another file that the function calls is
not noticed. Our kernels are therefore cached in a folder per family, named after a digest of all sources that the
family's machine code is made from: an edit of one of them starts a new folder, an edit elsewhere compiles nothing.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import json
import os
import pickle
import re
import shutil
import sys
import tempfile
import threading
import time
import types as python_types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import config, event, types
from numba.core.caching import IndexDataCacheFile

from gym_suite.core.linked import KernelCompiler, LinkedCompiler

Function = TypeVar("Function", bound=Callable[..., Any])

CACHE_VARIABLE = "GYM_SUITE_CACHE_DIR"
SLOW_COMPILE = 2.0  # s, after which a first compile says that it is one
PACKAGE = Path(__file__).resolve().parent.parent
#: Folders of the package whose kernels every family may call.
SHARED = ("core", "controllers")
#: Shared sources that hold no kernel and decide no number: what is said of an id, and its catalogue.
_TOLD = frozenset({"core/page.py", "core/page_tables.py", "core/cards.py", "core/extras.py"})
#: What besides core, controllers and the family decides a result, and what of it only shows results.
_JUDGES = ("comparison", "learning")
_AFTER = (
    "board charts coverage curves figures leaderboard_page measures outcomes overviews plan ranks report rows "
    "samples sentences statistics submissions summary tables terminal verdicts"
)
_SHOWN = _TOLD | {f"comparison/{name}.py" for name in _AFTER.split()}
#: How the text of a module outside names one of ours.
_OF_OURS = re.compile(rb"gym_suite(?:\.|\s+import\s+\(?\s*)(\w+)")
_DATA = ("data/*", "scenarios/*", "scenes/*", "maps/*", "tracks/*")


# ------------------------------------------------------------------------------------------------------------ digests


def family_of(module: str) -> str:
    """Return whose kernels a module's are: a folder of this package, a module outside, "" for the shared ones."""
    top, _, rest = module.partition(".")
    if top != PACKAGE.name:
        return top
    part = rest.partition(".")[0]
    return "" if part in SHARED else part


@cache
def kernel_digest(family: str = "") -> str:
    """Return a hexadecimal digest of all sources that a family's machine code is made from.

    It names the cache folder. Pages, data, other families, the family's cards and its drawings are not among them.

    Args:
        family: A folder of this package, or a module or package outside of it; empty for the shared kernels.
    """
    return _digest(_kernel_sources(family))


@cache
def source_digest(family: str) -> str:
    """Return a hexadecimal digest of all that decides the results of a family: sources, data and how agents are judged.

    It marks results: after a change of any of them no old result is taken for current. Learned policies carry
    checksums of their own.

    Args:
        family: As for :func:`kernel_digest`.
    """
    parts = dict(_kernel_sources(family))
    for name in _JUDGES:
        parts.update(_below(PACKAGE / name, "*.py"))
    parts.update(_below(PACKAGE, "teams.py"))
    if _is_ours(family):
        parts.update(_below(PACKAGE / family, *_DATA))
    return _digest((name, path) for name, path in parts.items() if name not in _SHOWN)


def _digest(parts: Iterable[tuple[str, Path]]) -> str:
    content = hashlib.sha256()
    content.update(f"{sys.version_info[:2]} numba {numba.__version__}".encode())
    for name, path in sorted(parts):
        content.update(name.encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def _kernel_sources(family: str) -> Iterator[tuple[str, Path]]:
    for name in SHARED:
        yield from (part for part in _below(PACKAGE / name, "*.py") if part[0] not in _TOLD)
    if _is_ours(family):
        told = {f"{family}/cards.py", f"{family}/render.py"}
        yield from (part for part in _below(PACKAGE / family, "*.py") if part[0] not in told)
    elif family:
        yield from _outside(family)


def _is_ours(family: str) -> bool:
    return family.isidentifier() and (PACKAGE / family).is_dir()


def _below(folder: Path, *patterns: str) -> Iterator[tuple[str, Path]]:
    for pattern in patterns:
        for path in folder.rglob(pattern):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{folder.name}/{path.relative_to(folder).as_posix()}", path


def _outside(module: str) -> Iterator[tuple[str, Path]]:
    """Yield the sources of a package that is not ours, or those beside a module that is not ours.

    Those of a family of ours whose name stands in them are among them: its kernels may be called from there.
    """
    path = _file_of(module)
    if path is None:
        return
    if path.name == "__init__.py":
        found = dict(_below(path.parent, "*.py"))
    else:
        found = {beside.name: beside for beside in path.parent.glob("*.py")}
    yield from found.items()
    named = {name for part in found.values() for name in _OF_OURS.findall(part.read_bytes())}
    for family in sorted(name.decode() for name in named):
        if _is_ours(family) and family not in SHARED:
            yield from _below(PACKAGE / family, "*.py")


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).resolve() if file and Path(file).is_file() else None


# --------------------------------------------------------------------------------------------------- the cache folder


def _user_cache() -> Path:
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "gym_suite"


@cache
def cache_root() -> Path:
    """Return the folder that holds the machine code of all families and versions, created if need be.

    It is ``GYM_SUITE_CACHE_DIR`` or lies below the user's cache folder. Where that cannot be written a temporary
    folder serves for this process, with one warning.
    """
    root = _user_cache()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        warnings.warn(
            f"the kernel cache {root} cannot be written ({error.strerror}); compiled code is kept in a "
            f"temporary folder and compiled again at the next start. Set {CACHE_VARIABLE} to a writable folder.",
            RuntimeWarning,
            stacklevel=2,
        )
        folder = tempfile.mkdtemp(prefix="gym_suite-kernels-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)
    return root


@cache
def cache_folder(family: str = "") -> Path:
    """Return the folder of a family's machine code of this version, created if need be.

    Args:
        family: As for :func:`kernel_digest`.
    """
    name = f"kernels-{family or SHARED[0]}-{kernel_digest(family)}"
    folder, usual = cache_root() / name, _user_cache() / name
    if folder != usual and usual.is_dir():  # it can be read, though not written: take what is there
        with suppress(OSError):
            shutil.copytree(usual, folder, dirs_exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class _CheckedFile(IndexDataCacheFile):
    """Numba's cache file with a checksum: what is damaged counts as missing, and a full disk costs time only."""

    def load(self, key: Any) -> Any:
        try:
            return super().load(key)
        except Exception:  # whatever unpickling damaged bytes may raise
            return None

    def save(self, key: Any, data: Any) -> None:
        try:
            super().save(key, data)
        except OSError as error:
            _warn_once(f"the kernel cache {self._cache_path} cannot be written ({error.strerror})")

    def _load_index(self) -> dict[Any, Any]:
        try:
            return super()._load_index()
        except OSError:
            raise
        except Exception:
            return {}

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(content).digest() + content)

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        checksum, content = content[:32], content[32:]
        if hashlib.sha256(content).digest() != checksum:
            raise ValueError(f"{name} is damaged")
        return pickle.loads(content)


@cache
def _warn_once(what: str) -> None:
    warnings.warn(
        f"{what}; what has been compiled is compiled again at the next start. Make room there, or set "
        f"{CACHE_VARIABLE} to another folder.",
        RuntimeWarning,
        stacklevel=2,
    )


# ---------------------------------------------------------------------------------------------------------- compiling


def kernel(function: Function) -> Function:
    """Compile a function without Python objects, cached on disk under the digest of our sources; inline it.

    Floating point is strict (no fastmath), so that one row, many rows and uncompiled runs agree bit
    for bit; division by zero gives infinity or NaN as in NumPy. ``NUMBA_DISABLE_JIT=1`` leaves the
    function as it is.

    Kernels allocate nothing, so reference counting is switched off (``_nrt``): a view of a row then
    costs nothing. Allocating or returning an array is refused by the compiler. Callees are inlined by
    LLVM. Measured on the PMSM's step with 4,096 rows: 815 ns a row with counting, 450 without,
    205 without and inlined.

    Args:
        function: A function at the level of a module, or one that a function there makes from plain numbers: the disk
            cache tells such apart by what they enclose. Function arguments would defeat it.

    Returns:
        The compiled function.
    """
    return _compile(function, inline=True)


def called_kernel(function: Function) -> Function:
    """Compile as :func:`kernel` does, without forcing the function into its callers.

    For long functions that several loops call, beside which a call costs nothing.

    Args:
        function: A module-level function.

    Returns:
        The compiled function.
    """
    return _compile(function, inline=False)


def compiled_for(function: Any, arguments: Iterable[Any]) -> Any:
    """Return what a kernel compiled for the types of some arguments, to be called with such arguments only.

    It no longer looks at the types, which for a dozen arrays takes longer than many a step of one world.

    Args:
        function: A kernel; a plain function, as with compilation switched off, is returned as it is.
        arguments: Arguments with which it has been called.
    """
    if not hasattr(function, "overloads"):
        return function
    return function.overloads[tuple(map(numba.typeof, arguments))].entry_point


def _compile(function: Any, *, inline: bool) -> Any:
    """Return a function that Python calls with a wrapper, and other kernels without one.

    A kernel is compiled for each combination of argument types. A constant argument has a type of its own, so that
    ``f(key, 0)`` and ``f(key, 1)`` would be compiled apart, which was a third of a cold start: kernels are therefore
    typed as if no argument were a constant (LLVM still folds it where it inlines). Inner functions need no wrapper that
    Python could call, which is another quarter, and no machine code (:mod:`gym_suite.core.linked`); but one without
    must never be found by Python, which would jump to nowhere. So each function is two to Numba, under two names in the
    cache: one that Python calls, one that kernels call. Whichever is not used is never compiled.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    family = family_of(function.__module__)
    options = {
        # A function typed into a session has no file that a later start could find it by.
        "cache": not family or _is_ours(family) or _file_of(family) is not None,
        "error_model": "numpy",
        "nogil": True,
        "_nrt": False,
        "forceinline": inline,
        "no_cfunc_wrapper": True,  # nobody passes kernels to C; a tenth of the compile time
    }
    settings: Any = config  # its names are made at run time, and two options above are undocumented
    njit: Any = numba.njit
    previous = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder(family) if options["cache"] else "")
    try:
        outer = njit(**options, pipeline_class=KernelCompiler)(function)
        inner = njit(**options, no_cpython_wrapper=True, pipeline_class=LinkedCompiler)(
            _renamed(function, "_inner")
        )
    finally:
        settings.CACHE_DIR = previous
    outer.get_call_template = partial(_typed_without_constants, inner.get_call_template)
    outer.get_overload = inner.get_overload
    outer.inner = inner
    for made in (outer, inner):
        if options["cache"]:
            made._cache._cache_file.__class__ = _CheckedFile
    return outer


def _renamed(function: Any, suffix: str) -> Any:
    """Return the same function under another name, so that Numba's cache keeps both."""
    twin = python_types.FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__ + suffix,
        function.__defaults__,
        function.__closure__,
    )
    twin.__qualname__ = function.__qualname__ + suffix
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__module__ = function.__module__
    return twin


def _typed_without_constants(template: Any, args: Iterable[Any], kws: Mapping[str, Any]) -> Any:
    return template(
        tuple(map(types.unliteral, args)), {k: types.unliteral(v) for k, v in kws.items()}
    )


# ------------------------------------------------------------------------------------------------- saying that it runs

_TIMES = "compile-times.json"
_announcing = threading.local()
_said: set[str] = set()  # families of which this process has told that their kernels are compiled
#: Functions that it has compiled and the seconds that they took, by family and id.
_taken: dict[tuple[str, str], tuple[int, float]] = {}


class Compilations:
    """Counts the functions compiled while it is open; those read from the disk are not among them."""

    def __init__(self, tell: Callable[[int], None] = lambda count: None) -> None:
        self.count = 0
        self._tell = tell
        self._listener = _Listener(self._note)

    def _note(self) -> None:
        self.count += 1
        self._tell(self.count)

    def __enter__(self) -> Compilations:
        event.register("numba:compile", self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        event.unregister("numba:compile", self._listener)


class _Listener(event.Listener):
    def __init__(self, note: Callable[[], None]) -> None:
        self._note = note

    def on_start(self, event: Any) -> None:
        self._note()

    def on_end(self, event: Any) -> None:
        pass


@contextmanager
def announce_slow_compile(family: str, id: str) -> Iterator[None]:
    """Say on stderr that kernels are being compiled, should the body take over two seconds.

    It says so once for each family, and on a terminal it goes on to count. What the first start of an id has taken is
    kept beside the cache, so that the next process can say how long it usually takes: in seconds of the processor,
    since what else the machine had to do then says nothing of later.

    Garbage is not collected meanwhile: a compiler makes millions of objects that live until it is done, and to look
    through them again and again was a seventh of the time. It takes some 110 MiB more for as long as that.

    Args:
        family: Whose kernels, for the message.
        id: What is started.
    """
    if getattr(_announcing, "busy", False):
        yield
        return
    _announcing.busy = True
    usual = _usual(family)
    functions, seconds = _taken.get((family, id), (0, 0.0))
    start, worked = time.perf_counter(), time.thread_time()
    done = threading.Event()
    compiled = Compilations()

    def say() -> None:
        if done.wait(SLOW_COMPILE):
            return
        while not compiled.count:
            if done.wait(0.05):
                return
        if family not in _said:
            about = f"{usual[1]:.0f} s" if usual else "half a minute"
            sys.stderr.write(
                f"gym_suite: compiling the {family} kernels, which usually takes {about} of an idle processor core; "
                "this happens once per version and machine.\n"
            )
            _said.add(family)
        if not sys.stderr.isatty():
            return
        of = f" of about {usual[0]:.0f}" if usual else ""
        while not done.wait(0.5):
            passed = time.perf_counter() - start
            sys.stderr.write(f"\r  {functions + compiled.count}{of} functions, {passed:.0f} s ")
            sys.stderr.flush()
        sys.stderr.write("\r" + " " * 50 + "\r")

    teller = threading.Thread(target=say, daemon=True)
    try:
        with compiled, _collections_later():
            teller.start()
            yield
    finally:
        _announcing.busy = False
        done.set()
        teller.join()
        if compiled.count:
            taken = functions + compiled.count, seconds + time.thread_time() - worked
            _taken[family, id] = taken
            if time.perf_counter() - start > SLOW_COMPILE:
                _keep(family, *taken)


@contextmanager
def _collections_later() -> Iterator[None]:
    """Let garbage lie until the end of the body, where it was being collected."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _usual(family: str) -> tuple[float, float] | None:
    """Return how many functions and seconds the longest first start of a family took here, if it is known."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        _, count, seconds = json.loads((cache_root() / _TIMES).read_text("utf-8"))[family]
        return float(count), float(seconds)
    return None


def _keep(family: str, count: int, seconds: float) -> None:
    """Keep what a first start took, unless another one of the same sources has compiled more."""
    path, digest = cache_root() / _TIMES, kernel_digest(family)
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError, TypeError):
        known = dict(json.loads(path.read_text("utf-8")))
    with suppress(KeyError, ValueError, TypeError):
        of, most, _ = known[family]
        if of == digest and most > count:
            return
    known[family] = [digest, count, round(seconds, 1)]
    with suppress(OSError):
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_text(json.dumps(known), "utf-8")
        scratch.replace(path)
