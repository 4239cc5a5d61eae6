"""Ids of somebody else's: registered from outside, they get all that ours have, and wrong ones are refused."""

import importlib
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
import gym_suite.testing as suite
from gym_suite.core.options import OptionSet, PlantOptions, option
from gym_suite.registration import id_class_of

EXAMPLES = Path(__file__).parents[1] / "examples"
PENDULUM = "lab/Pendulum-v0"


@pytest.fixture(scope="module")
def own():
    """The example of a family in one file, imported as a user's module would be."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        import own_family

        yield own_family
    finally:
        sys.path.remove(str(EXAMPLES))


def test_a_family_is_one_short_file():
    assert len((EXAMPLES / "own_family.py").read_text("utf-8").splitlines()) <= 150


def test_an_own_family_keeps_all_promises(own):
    for check in suite.checks_for(PENDULUM):
        check(PENDULUM)
    for check in (*suite.CONTROLLER_CHECKS, *suite.REFERENCE_CHECKS):
        check(PENDULUM, "state_feedback")


def test_an_own_family_falls_as_the_closed_form_says(own):
    """Near upright without torque theta = theta_0 cosh(sqrt(g/l) t); the scheme is of first order."""
    env = gymnasium.make(PENDULUM).unwrapped
    env.reset(seed=0, options={"state": {"theta": 1e-3, "omega": 0.0}})
    for _ in range(25):
        _, _, _, _, info = env.step(np.zeros(1))
    assert info["theta"] == pytest.approx(1e-3 * np.cosh(np.sqrt(own.G / 0.8) * 0.5), rel=0.05)


def test_its_classes_and_specs_survive(own):
    env = gymnasium.make(PENDULUM)
    again = pickle.loads(pickle.dumps(env.unwrapped))
    assert type(again) is type(env.unwrapped)
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    assert gymnasium.make(spec).unwrapped.setup.id == PENDULUM
    assert "falls unless a torque holds it" in type(again).__doc__


def test_registering_again_changes_nothing_and_another_meaning_is_refused(own):
    card = gym_suite.card(PENDULUM)
    same = {
        "base": own.PendulumEnv,
        "summary": card.summary,
        "max_episode_steps": card.max_episode_steps,
        "controllers": {"state_feedback": own.Upright},
        "page": card.prose,
    }
    assert gym_suite.register(PENDULUM, **same) == card
    with pytest.raises(ValueError, match="exists already"):
        gym_suite.register(PENDULUM, **same | {"summary": "another"})


def test_an_id_like_another_has_its_own_defaults(own):
    gym_suite.register("lab/HeavyPendulum-v0", like=PENDULUM, keywords={"mass": 1.5})
    env = gymnasium.make("lab/HeavyPendulum-v0").unwrapped
    assert env.nominal.parameters["mass"] == 1.5
    assert re.search(r"\| `mass` +\| `1\.5`", env.__doc__)
    assert (
        gymnasium.make("lab/HeavyPendulum-v0", mass=1.0).unwrapped.nominal.parameters["mass"] == 1.0
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"id": "gem/PMSM-v0"}, "exists already"),
        ({"id": "CartPole-v1"}, "exists already"),
        ({"id": "no version"}, "namespace/Name-v0"),
        ({"base": None}, "like="),
        ({"like": "gem/PMSM-v0"}, "like="),
        ({"keywords": {"mas": 1.0}}, "mass"),
        ({"keywords": {"mass": 1.0}, "facets": {"machine": "PMSM"}}, "machine"),
        ({"page": "## Colour\n\nblue"}, "Colour"),
        ({"page": "## Description\n\n$nothing"}, "nothing"),
        ({"base": dict}, "IdEnv"),
        ({"agents": "many"}, "several"),
    ],
)
def test_what_cannot_be_registered(own, arguments, said):
    given = {"id": "lab/Refused-v0", "base": own.PendulumEnv} | arguments
    with pytest.raises(ValueError, match=said):
        gym_suite.register(given.pop("id"), **given)
    assert "lab/Refused-v0" not in gym_suite.catalogue()
    assert "lab/Refused-v0" not in gymnasium.registry


@pytest.mark.parametrize(
    ("module", "id", "law"),
    [("own_drive", "lab/Servo-v0", "pi"), ("own_scene", "lab/Yard-v0", "a_star")],
)
def test_an_own_machine_and_an_own_scene_keep_what_an_id_promises(own, module, id, law):
    importlib.import_module(module)
    for check in suite.LIGHT_CHECKS:
        check(id)
    suite.check_controller(id, law)
    assert id in inspect.getdoc(id_class_of(id))
    envs = gymnasium.make_vec(id, 3)
    assert envs.reset(seed=0)[0].shape[0] == 3


def test_a_class_that_no_other_process_could_find_is_refused(own):
    class Local(own.PendulumEnv):
        pass

    with pytest.raises(ValueError, match="level of a module"):
        gym_suite.register("lab/Local-v0", base=Local)


def test_an_option_without_a_meaning_is_refused():
    with pytest.raises(ValueError, match="meaning"):
        option(1.0, meaning=" ")

    class Silent(PlantOptions):
        pass

    assert "noise" in OptionSet(Silent)


def test_of_an_id_of_another_namespace_none_of_ours_is_suggested_but_how_one_registers():
    with pytest.raises(
        ValueError, match=r"namespace 'my'.*gym_suite\.register\('my/Di-v0'"
    ) as told:
        gym_suite.registration.card("my/Di-v0")
    assert "Did you mean" not in str(told.value)
    with pytest.raises(ValueError, match="Did you mean 'gem/PMSM-v0'"):
        gym_suite.registration.card("gems/PMSM-v0")


def test_other_processes_know_an_own_id(own, tmp_path):
    """A comparison with two workers, started from a script of one's own."""
    script = tmp_path / "mine.py"
    script.write_text(
        "import gym_suite, own_family\n"
        "if __name__ == '__main__':\n"
        "    found = gym_suite.compare('lab/Pendulum-v0', seeds=2, horizon=20, workers=2, progress=False)\n"
        "    print({r['status'] for r in found.records}, len(found.records))\n",
        "utf-8",
    )
    path = os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parent)])
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "{'done'}", json.dumps(done.stderr[-2000:])
