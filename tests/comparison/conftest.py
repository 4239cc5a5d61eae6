"""The lag environment, in the catalogue and in Gymnasium's registry while a test runs."""

import gymnasium
import lag_env as module
import pytest

from gym_suite import registration


@pytest.fixture(autouse=True)
def lag(monkeypatch):
    card = registration.Card(
        id=module.ID,
        family="lag",
        summary="a first-order lag",
        settings={"late": {"delay": 2}},
        max_episode_steps=module.HORIZON,
        controllers={
            "p": "lag_env:Proportional",
            "zero": registration.DO_NOTHING,
            "random": registration.RANDOM,
        },
    )
    catalogue = {**registration.catalogue(), module.ID: card}
    monkeypatch.setattr(registration, "_catalogue", catalogue)
    gymnasium.register(
        module.ID,
        entry_point=module.LagEnv,
        vector_entry_point=module.LagVectorEnv,
        max_episode_steps=module.HORIZON,
        disable_env_checker=True,
    )
    yield module
    gymnasium.registry.pop(module.ID)
