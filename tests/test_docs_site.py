"""The documentation: every block of Python runs, every command exists, and the site builds without a warning."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

import pytest

from gym_suite import cli
from gym_suite.core.cards import OUTSIDE
from gym_suite.labs import labs
from gym_suite.registration import catalogue

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: What a block is; an unknown one might be code that nobody runs.
LANGUAGES = {"python", "console", "text", "{toctree}", "{literalinclude}", "{include}"}
EXTRAS = ("torch", "stable_baselines3", "control")


def blocks(path: Path, language: str) -> list[str]:
    """Return the blocks of a page, each behind as many empty lines as stand before it, so that errors name its line."""
    text = path.read_text("utf-8")
    found = re.finditer(rf"^```{re.escape(language)}\n(.*?)^```", text, re.M | re.S)
    return ["\n" * text.count("\n", 0, block.start(1)) + block[1] for block in found]


def name(path: Path) -> str:
    return path.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "python")], ids=name)
def test_the_python_of_a_page_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict = {"__name__": "__docs__"}
    for block in blocks(path, "python"):
        for extra in EXTRAS:
            if re.search(rf"^\s*(import|from) {extra}\b", block, re.M) or (
                extra == "control" and "to_control" in block
            ):
                pytest.importorskip(extra)
        exec(compile(block, str(path), "exec"), namespace)


def test_every_block_says_what_it_is():
    opened = [
        (name(path), language)
        for path in PAGES
        for language in re.findall(r"^```(\S+).*?^```", path.read_text("utf-8"), re.M | re.S)
    ]
    assert opened
    assert not [found for found in opened if found[1] not in LANGUAGES]


def test_commands_of_the_pages_are_commands():
    """The first word after gym-suite is a command, and what looks like an id is one."""
    own = {card.id for card in catalogue().values() if card.module != OUTSIDE}
    for path in PAGES:
        for line in "".join(blocks(path, "console")).splitlines():
            if not line.startswith("gym-suite "):
                continue
            words = shlex.split(line)
            assert words[1] in cli.COMMANDS, f"{name(path)}: {line}"
            ids = [word for word in words[2:] if re.fullmatch(r"\w+/[\w-]+-v\d+", word)]
            assert set(ids) <= own, f"{name(path)}: {line}"


def test_what_leads_elsewhere_is_well_formed_and_to_a_host_that_is_known():
    """No test asks the network: a new host is looked at once, and then stands in the list."""
    known = {"www.apache.org"}
    prose = [*PAGES, *ROOT.glob("*.md"), *(ROOT / "gym_suite").glob("*/pages/*.md")]
    identifiers = 0
    for path in prose:
        text = path.read_text("utf-8")
        for url in re.findall(r"https?://[^\s)>\"'`]+", text):
            assert urlparse(url).hostname in known, f"{path.name}: {url}"
        for found in re.findall(r"\bdoi:\s*(\S+)", text):
            assert re.match(r"10\.\d{4,9}/[^\s,;]*\w", found), f"{path.name}: doi:{found}"
            identifiers += 1
        for found in re.findall(r"\barXiv:\s*(\S+)", text):
            assert re.match(r"\d{4}\.\d{4,5}\b", found), f"{path.name}: arXiv:{found}"
            identifiers += 1
    assert identifiers


def test_the_site_builds_without_a_warning_and_has_a_page_with_a_picture_for_every_id():
    """One build, below build/ as `make docs` does it, so that pictures of before are used again."""
    pytest.importorskip("sphinx")
    pytest.importorskip("furo")
    pytest.importorskip("myst_parser")
    run = subprocess.run(
        [sys.executable, str(DOCS / "build.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    html = ROOT / "build" / "docs" / "html"
    assert str(html / "index.html") in run.stdout
    for id, card in catalogue().items():
        if card.module == OUTSIDE:
            continue
        page = (html / "environments" / f"{id.replace('/', '-')}.html").read_text("utf-8")
        pictures = re.findall(r'<img[^>]*src="([^"]+)"', page)
        scenes = [src for src in pictures if id.replace("/", "-") in src and src.endswith(".png")]
        assert scenes, id
        assert (html / "environments" / scenes[0]).resolve().is_file()
        for heading in ("Description", "Observation Space", "Version History"):
            assert f">{heading}<" in page, (id, heading)
        assert ("gym-suite train" in page) == bool(card.learned), id
    outside = [
        (path.name, found)
        for path in html.rglob("*.html")
        for found in re.findall(
            r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]+)"', path.read_text("utf-8")
        )
    ]
    assert not outside, "pages load nothing from elsewhere"
    index = (html / "searchindex.js").read_text("utf-8")
    terms = json.loads(index[index.index("{") : index.rindex("}") + 1])["terms"]
    assert {"field", "weaken"} <= terms.keys()


def test_labs_have_a_link_to_the_browser_only_where_there_is_an_address(monkeypatch):
    """A link that leads nowhere is worse than none."""
    monkeypatch.syspath_prepend(str(DOCS))
    import conf
    import courses

    address = "https://notebooks.example/public"
    table = courses.table(address)
    assert all(f"({address}/{lab.name}.ipynb)" in table for lab in labs())
    assert table.count("[open]") == len(labs())
    if not conf.notebook_address:
        assert "[open]" not in courses.table()
    rows = table.splitlines()
    assert len({row.count("|") for row in rows}) == 1
