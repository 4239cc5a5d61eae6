"""The lag environments, in the catalogue and in Gymnasium's registry while a test runs."""

import gymnasium
import lag_env as module
import pytest

from gym_suite import registration


def card(id):
    return registration.Card(
        id=id,
        family="lag",
        summary="a first-order lag",
        settings={"late": {"delay": 2}},
        max_episode_steps=module.HORIZON,
        controllers={
            "p": "lag_env:Proportional",
            "zero": "gym_suite.controllers.baselines:DoNothing",
            "random": "gym_suite.controllers.baselines:RandomAgent",
        },
    )


@pytest.fixture(autouse=True)
def lag(monkeypatch):
    cards = {id: card(id) for id in (module.ID, module.GOAL)}
    monkeypatch.setattr(registration, "_catalogue", {**registration.catalogue(), **cards})
    for id in cards:
        gymnasium.register(
            id,
            entry_point=module.LagEnv,
            vector_entry_point=module.LagVectorEnv,
            max_episode_steps=module.HORIZON,
            disable_env_checker=True,
            kwargs={"goal": True} if id == module.GOAL else {},
        )
    yield module
    for id in cards:
        gymnasium.registry.pop(id)
