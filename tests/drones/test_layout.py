"""The kernels write by place what the columns name: as many of the one as of the other."""

import gymnasium
import pytest

from gym_suite.drones.envs.setup import configure
from gym_suite.drones.tasks import layout
from gym_suite.registration import catalogue

IDS = [card.id for card in catalogue().values() if card.family == "drones"]


@pytest.mark.parametrize("id", IDS)
def test_kernels_and_columns_count_alike(id):
    setup = gymnasium.make(id, engine="compiled", history=3).unwrapped.setup
    count = setup.agent_count
    assert len(setup.metric_columns) == layout.TERMS + layout.SHARED + count * layout.PER_DRONE
    assert len(setup.state_columns) == count * (layout.HISTORY + 3 * setup.action_size)


def test_a_task_that_the_kernels_do_not_know_is_refused():
    with pytest.raises((ValueError, KeyError)):
        configure("drones/Land-v0", "land")
