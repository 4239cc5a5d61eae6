"""What ``gym-suite doctor`` tells of this machine."""

import json
from importlib.metadata import PackageNotFoundError

import pytest

from gym_suite import cli, doctor
from gym_suite.core.extras import import_extra


def test_every_extra_that_the_package_declares_is_explained():
    assert set(doctor.requirements()) <= set(doctor.EXTRAS)


def test_what_is_missing_is_named_with_the_line_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "cmaes")
    (found,) = [one for one in doctor.examine() if one.state == "missing" and "cmaes" in one.about]
    assert "gym-suite tune" in found.about
    assert "tune]" in found.remedy
    assert cli.main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "cmaes" in told
    assert found.remedy in told


def test_a_package_that_is_only_on_the_path_is_told_to_be_installed(monkeypatch, capsys):
    def unknown(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "metadata", unknown)
    found = {finding.what: finding for finding in doctor.examine()}
    assert found["extras"].state == "missing" and found["extras"].remedy == "pip install -e ."
    assert cli.main(["doctor"]) == 1
    assert "not installed" in " ".join(capsys.readouterr().out.split())


def test_a_folder_called_like_a_package_is_not_taken_for_it(monkeypatch, tmp_path):
    """Python takes any folder in its path for a package, one without a single line."""
    (tmp_path / "beside").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^install it; the folder .*beside of that name is not"):
        import_extra("beside", "install it")
    with pytest.raises(ImportError, match=r"^install it$"):
        import_extra("beside_nowhere", "install it")
    assert import_extra("json", "install it") is json


def test_a_cold_cache_is_told_and_an_own_folder_is_named(monkeypatch, tmp_path):
    from gym_suite.core import kernel

    for name in ("cache_root", "cache_folder"):
        monkeypatch.setattr(doctor, name, lambda family="", p=tmp_path: p)
    found = {one.what: one for one in doctor.examine()}
    assert str(tmp_path) in found["kernel cache"].about
    assert kernel.CACHE_VARIABLE in found["kernel cache"].about
    assert found["compiled kernels"].remedy == "gym-suite warm"


def test_warming_up_makes_every_id_of_a_family_once(capsys):
    lines = []
    doctor.warm("radio", tell=lines.append)
    named = [line.split()[3].rstrip(":") for line in lines]
    assert named == [c.id for c in doctor.catalogue().values() if c.family == "radio"]
    with pytest.raises(ValueError, match="radio"):
        doctor.warm("radoi")
