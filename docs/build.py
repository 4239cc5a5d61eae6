"""Build the documentation: ``python docs/build.py [--out build/docs]``, or ``make docs``.

The pages that are written (``docs/*.md`` and folders) and those that are made from the package are put together in one
folder, which Sphinx reads with warnings as errors. Pictures and what Sphinx has understood stay there, so that a second
build takes seconds. Needs the extra ``docs``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
#: Pages of the repository that are pages here too.
SHARED = ("CHANGELOG.md", "CONTRIBUTING.md", "THIRD_PARTY.md")
#: Folder of fragments made from the package, which written pages include.
MADE = "made"


def written() -> Iterator[tuple[str, str]]:
    """Yield path and text of the pages that are written by hand, and of fragments that commands have measured."""
    for path in sorted((*DOCS.rglob("*.md"), *DOCS.rglob("*.inc"))):
        yield path.relative_to(DOCS).as_posix(), path.read_text("utf-8")
    for name in SHARED:
        yield f"project/{name.lower()}", (ROOT / name).read_text("utf-8")


def made(source: Path) -> Iterator[tuple[str, str]]:
    """Yield path and text of the pages and fragments that are made from the package.

    Args:
        source: The folder of all pages; pictures are put below it.
    """
    import counterparts
    import courses
    import elsewhere
    import environments
    import novelty
    import peer_errors
    import promises
    import reference
    from pictures import Pictures

    pictures = Pictures(source / "pictures")
    yield from environments.pages(source, pictures)
    pictures.forget_the_rest()
    yield from reference.pages()
    yield f"{MADE}/promises.inc", promises.table()
    yield f"{MADE}/gem.inc", counterparts.table()
    yield f"{MADE}/gem_machines.inc", counterparts.differences()
    yield f"{MADE}/gem_errors.inc", peer_errors.table()
    yield f"{MADE}/labs.inc", courses.table()
    yield f"{MADE}/novelty.inc", novelty.table()
    yield f"{MADE}/elsewhere.inc", elsewhere.table()
    yield from courses.notebooks()


def assemble(source: Path) -> None:
    """Bring a folder up to date with all pages; files that have not changed stay as they are.

    Args:
        source: The folder.
    """
    source.mkdir(parents=True, exist_ok=True)
    current = set()
    for name, text in (*written(), *made(source)):
        path = source / name
        current.add(path)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    (source / "examples").mkdir(exist_ok=True)
    for path in (*DOCS.glob("*.png"), *DOCS.glob("*.gif"), *ROOT.glob("examples/*.py")):
        folder = source / "examples" if path.suffix == ".py" else source
        shutil.copy2(path, folder / path.name)
    kept = {path for ending in ("md", "inc", "ipynb") for path in source.rglob(f"*.{ending}")}
    for path in kept - current:
        path.unlink()


def build(out: Path) -> Path | None:
    """Build the pages and return the first one, or None if something is wrong, which Sphinx has then said.

    Args:
        out: The folder; the pages are in "html" below it.
    """
    from sphinx.cmd.build import build_main

    source, html = out / "source", out / "html"
    assemble(source)
    arguments = [
        "-b",
        "html",
        "-c",
        str(DOCS),
        "-d",
        str(out / "doctrees"),
        "-q",
        "-W",
        "--keep-going",
    ]
    if build_main([*arguments, str(source), str(html)]):
        return None
    return html / "index.html"


def main() -> int:
    """Build, and print where the first page is and how long it took."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs", help="folder to write")
    began = time.monotonic()
    page = build(parser.parse_args().out.resolve())
    if page is None:
        return 1
    print(f"{page} ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS))
    sys.exit(main())
