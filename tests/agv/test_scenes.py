"""Scenes are files: those of the package, and those of somebody else's."""

import sys
from pathlib import Path

import gymnasium
import pytest

import gym_suite
import gym_suite.testing as suite
from gym_suite.agv.maps.scenes import SCENES, read_scene
from gym_suite.registration import catalogue, id_class_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_every_scene_is_an_id_and_says_its_defaults():
    used = {
        card.facets["scene"]: card
        for card in catalogue().values()
        if card.family == "agv" and card.module == "gym_suite.agv.envs"
    }
    assert set(used) == set(SCENES)
    for scene, card in used.items():
        defaults = id_class_of(card.id).option_set().defaults
        assert all(defaults[name] == value for name, value in read_scene(scene).items())


def test_a_scene_of_ones_own_is_an_id_like_ours():
    sys.path.insert(0, str(EXAMPLES))
    try:
        import own_scene
    finally:
        sys.path.remove(str(EXAMPLES))
    own_scene.main()
    env = gymnasium.make(own_scene.ID)
    assert env.unwrapped.nominal.parameters["obstacles"] == 2.0
    assert "joined by one gate" in env.unwrapped.__doc__
    assert "ppo" not in catalogue()[own_scene.ID].learned
    for check in suite.checks_for(own_scene.ID):
        check(own_scene.ID)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layout = ", "cannot be read"),
        ("layuot = 'simple'", "Did you mean 'layout'"),
        ("layout = '''\n###\n#.#\n###\n'''", "no free path"),
        ("moving_obstacles = -1", "moving_obstacles"),
    ],
)
def test_scenes_that_cannot_be_are_refused_by_name(tmp_path, text, words):
    path = tmp_path / "wrong.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=words):
        gym_suite.register("lab/Wrong-v0", like="agv/SimpleStatic-v0", keywords=read_scene(path))
    assert "lab/Wrong-v0" not in catalogue()


def test_a_scene_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="Did you mean 'simple_static'"):
        read_scene("simple_statics")
    with pytest.raises(ValueError, match="nowhere"):
        read_scene("nowhere.toml")
