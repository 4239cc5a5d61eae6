"""Where PyBullet is not installed, drones fly in the compiled engine, and everything says so."""

import sys

import gymnasium
import pytest

from gym_suite import cli
from gym_suite.comparison import compare
from gym_suite.registration import assumed

ID = "drones/Hover-v0"


@pytest.fixture
def no_bullet(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybullet", None)


@pytest.mark.usefixtures("no_bullet")
def test_an_id_flies_in_the_compiled_engine_and_says_so():
    with pytest.warns(
        UserWarning, match="PyBullet is not installed, so drones fly in the compiled"
    ):
        env = gymnasium.make(ID)
    assert env.unwrapped.setup.keywords["engine"] == "compiled"
    with pytest.raises(
        ImportError, match=r"engine='bullet' needs PyBullet: pip install .*\[bullet\]"
    ):
        gymnasium.make(ID, engine="bullet")
    with pytest.warns(UserWarning), pytest.raises(ImportError, match="needs PyBullet"):
        # Pictures cannot do without it.
        gymnasium.make("drones/Track-v0")
        gymnasium.make(ID, observation="rgb")


def test_with_bullet_nothing_is_assumed_but_for_many_worlds():
    assert assumed(ID, {}) == {} == assumed(ID, {}, worlds=64)
    assert assumed(ID, {}, worlds=65) == {"engine": "compiled"}
    assert assumed(ID, {"engine": "bullet"}, worlds=65) == {}
    assert assumed("gem/PMSM-v0", {}, worlds=65) == {} == assumed("CartPole-v1", {})


@pytest.mark.usefixtures("no_bullet")
@pytest.mark.filterwarnings("ignore:PyBullet is not installed")
@pytest.mark.parametrize(
    "command",
    [
        ["show", ID],
        ["run", ID, "--steps", "3"],
        ["bench", ID, "--repeats", "1", "--seconds", "0.001", "--no-start"],
        ["render", ID, "--steps", "3", "--out", "last.png"],
    ],
)
def test_commands_go_on(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(command) == 0, capsys.readouterr().err


@pytest.mark.usefixtures("no_bullet")
@pytest.mark.filterwarnings("ignore:PyBullet is not installed")
def test_a_comparison_says_which_engine_it_was(tmp_path):
    result = compare(
        ID, agents=["zero"], seeds=1, settings="nominal", horizon=3, progress=False, out=tmp_path
    )
    assert not result.failed_runs
    assert {r["setting"]["keywords"]["engine"] for r in result.records} == {"compiled"}
    assert "engine" in result.report(tmp_path).read_text("utf-8")


def test_training_takes_the_engine_that_holds_its_rows(tmp_path):
    from gym_suite.learning import train

    told = []
    training = train(ID, algo="ppo-nominal", seeds=1, steps=1, out=tmp_path, progress=told.append)
    assert told[0] == f"{ID} is trained with engine='compiled'" and training.runs
