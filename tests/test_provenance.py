"""Where a number comes from can be read back: the commit, the machine, the versions."""

import json
import subprocess
from pathlib import Path

from gym_suite import provenance
from gym_suite.version import __version__


def test_the_commit_is_that_of_the_checkout(monkeypatch, tmp_path):
    root = Path(provenance.__file__).parent.parent
    if (root / ".git").exists():
        head = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True
        )
        told = provenance.commit()
        assert told is not None and told.partition("+")[0] == head.stdout.strip()
    provenance.commit.cache_clear()
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    assert provenance.commit() is None  # installed, not checked out
    (tmp_path / ".git").mkdir()
    provenance.commit.cache_clear()
    assert provenance.commit() is None  # a damaged checkout is no reason to fail
    provenance.commit.cache_clear()


def test_the_machine_is_plain_data():
    told = provenance.machine()
    assert json.loads(json.dumps(told)) == told
    assert told["cpu"] and told["os"] and told["cores"] >= 1 and told["threads"] >= 1


def test_versions_name_what_is_installed_only():
    told = provenance.versions(["numpy", "no-such-package"])
    assert told["gym_suite"] == __version__
    assert "numpy" in told and "no-such-package" not in told
