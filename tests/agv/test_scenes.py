"""Scenes are files: those of the package, and those of somebody else's."""

import gymnasium
import pytest

import gym_suite
import gym_suite.testing as suite
from gym_suite.agv.maps.scenes import SCENES, read_scene
from gym_suite.registration import catalogue, id_class_of

CROSSING = """\
# Two halls joined by one gate, in which something walks about.
layout = '''
##############################
#............##..............#
#............##..............#
#............##..............#
#............##..............#
#............##..............#
#.SSS........................#
#.SSS........................#
#.SSS........................#
#.SSS...............##.......#
#............##.....##..GGG..#
#............##.....##..GGG..#
#............##.....##..GGG..#
#............##.....##..GGG..#
#............##..............#
##############################
'''
moving_obstacles = 2
vehicle = "MiR250"
"""


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


def test_a_scene_of_ones_own_is_an_id_like_ours(tmp_path):
    path = tmp_path / "crossing.toml"
    path.write_text(CROSSING, "utf-8")
    id = "lab/Crossing-v0"
    gym_suite.register(
        id,
        like="agv/SimpleStatic-v0",
        keywords=read_scene(path),
        page="## Description\n\nTwo halls are joined by one gate.",
    )
    env = gymnasium.make(id)
    assert env.unwrapped.nominal.parameters["obstacles"] == 2.0
    assert "joined by one gate" in env.unwrapped.__doc__
    assert not catalogue()[id].learned
    for check in suite.checks_for(id):
        check(id)


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
