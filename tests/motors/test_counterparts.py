"""Each of gym-electric-motor's names has its environment here, with the circuit that it has there."""

import json
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors import from_gem_id
from gym_suite.motors.counterparts import DIFFERENCES, GEM_IDS, MACHINES
from gym_suite.registration import catalogue

#: Those whose environments there are; others of the mapping may still be to come.
HERE = [name for name in GEM_IDS if from_gem_id(name)[0] in catalogue()]


def test_all_sixty_names_have_an_id_of_their_own():
    assert len(GEM_IDS) == 60
    ids = [from_gem_id(name)[0] for name in GEM_IDS]
    assert len(set(ids)) == 60
    pattern = r"gem/(\w+?Dc|PMSM|SynRM|EESM|SCIM|DFIM|SixPhasePMSM)(-Torque|-Speed)?(-Finite)?-v0"
    assert all(re.fullmatch(pattern, id) for id in ids)
    assert from_gem_id("Cont-CC-PMSM-v0")[0] == "gem/PMSM-v0"
    assert from_gem_id("Finite-SC-SIXPMSM-v0")[0] == "gem/SixPhasePMSM-Speed-Finite-v0"
    assert from_gem_id("Finite-TC-SeriesDc-v0")[0] == "gem/SeriesDc-Torque-Finite-v0"
    assert {name for name in HERE if name.startswith("Cont")} == set(GEM_IDS[:30])
    assert set(DIFFERENCES) == set(MACHINES)


def test_supplies_and_loads_are_those_of_its_default_components():
    """As recorded from its release, a few of each kind."""
    supplies = {
        "Cont-CC-PMSM-v0": 300.0,
        "Cont-TC-PMSM-v0": 420.0,
        "Finite-CC-PMSM-v0": 420.0,
        "Cont-CC-SynRM-v0": 420.0,
        "Cont-CC-EESM-v0": 300.0,
        "Cont-SC-EESM-v0": 420.0,
        "Cont-SC-SCIM-v0": 420.0,
        "Cont-SC-SIXPMSM-v0": 300.0,
        "Cont-SC-ShuntDc-v0": 60.0,
        "Finite-CC-SeriesDc-v0": 420.0,
        "Finite-SC-SeriesDc-v0": 60.0,
    }
    assert {name: from_gem_id(name)[1]["machine"]["u_dc"] for name in supplies} == supplies
    loads = {
        "Cont-SC-SCIM-v0": (0.01, 0.01, 1e-5),
        "Finite-SC-EESM-v0": (0.0, 0.0, 1e-5),
        "Cont-SC-SeriesDc-v0": (0.01, 0.05, 1e-4),
        "Finite-SC-SeriesDc-v0": (0.15, 0.05, 1e-4),
        "Cont-SC-ShuntDc-v0": (0.05, 0.01, 1e-4),
        "Finite-SC-PermExDc-v0": (0.0, 0.0, 1e-3),
    }
    for name, numbers in loads.items():
        load = from_gem_id(name)[1]["load"]
        assert (load["a"], load["b"], load["j_load"]) == numbers


@pytest.mark.parametrize("name", HERE)
def test_its_circuit_is_built_here(name):
    id, keywords = from_gem_id(name)
    assert json.loads(json.dumps(keywords)) == keywords
    env = gymnasium.make(id, **keywords)
    _, info = env.reset(seed=0)
    action, task, machine, _ = name.split("-")
    setup = env.unwrapped.setup
    value = dict(zip(setup.parameter_columns.names, setup.row, strict=True))
    assert setup.dt == (1e-5 if action == "Finite" and machine != "SIXPMSM" else 1e-4)
    assert value["u_dc"] == keywords["machine"]["u_dc"] and value["dead_time"] == 0.0
    if task == "SC":
        assert info["omega"] == 0.0 and value["j_load"] == keywords["load"]["j_load"]
    else:
        assert info["omega"] == (220.0 if name == "Cont-TC-ShuntDc-v0" else 100.0)
    for _ in range(3):
        env.step(env.action_space.sample())
    if action == "Cont":
        elements = {"DFIM": 6, "SIXPMSM": 6, "EESM": 4, "ExtExDc": 2}
        usual = 1 if machine.endswith("Dc") else 3
        assert env.action_space.shape == (elements.get(machine, usual),)


@pytest.mark.parametrize("name", ["Cont-SC-PMSM-v0", "Cont-CC-SynRM-v0", "Cont-TC-PermExDc-v0"])
def test_the_reference_controller_drives_it(name):
    id, keywords = from_gem_id(name)
    envs = gymnasium.make_vec(id, num_envs=8, **keywords)
    pi = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    state, start, rewards = None, np.ones(8, bool), []
    for _ in range(600):
        action, state = pi.predict(observation, state, start)
        observation, reward, terminated, truncated, _ = envs.step(action)
        assert not terminated.any()
        start = terminated | truncated
        rewards.append(reward)
    assert np.mean(rewards) > 0.85


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("Cont-CC-PSMM-v0", "Cont-CC-PMSM-v0"),
        ("DqCont-CC-PMSM-v0", "Cont-CC-PMSM-v0"),
        ("gem/PMSM-v0", ""),
    ],
)
def test_another_name_is_refused_with_the_nearest(wrong, near):
    with pytest.raises(ValueError, match=f"unknown id of gym-electric-motor.*{near}"):
        from_gem_id(wrong)


def test_the_page_names_all_of_them(monkeypatch):
    docs = Path(__file__).resolve().parents[2] / "docs"
    monkeypatch.syspath_prepend(str(docs))
    import counterparts

    table = counterparts.table()
    assert all(f"`{name}`" in table for name in GEM_IDS)
    assert all(f"| {name}, here" in counterparts.differences() for name in MACHINES)
