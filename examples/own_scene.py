"""A warehouse scene of your own: one file of map, starts, targets and movers, and one call that makes an id of it.

The scene is `crossing.toml` beside this file. The id has make, make_vec, a page, the controllers of the scene that it
is made from, `gym-suite show` and `compare`, and the conformance suite.
"""

from pathlib import Path

import gymnasium

import gym_suite
from gym_suite.agv.maps.scenes import read_scene

ID = "lab/Crossing-v0"
gym_suite.register(
    ID,
    like="agv/SimpleStatic-v0",
    summary="a vehicle drives through the gate between two halls",
    max_episode_steps=1500,
    keywords=read_scene(Path(__file__).with_name("crossing.toml")),
    page="## Description\n\nTwo halls are joined by one gate, and two obstacles walk about in them.",
)


def main(seed: int = 0):
    """Drive one episode with the reference controller; print how it ended and return its length in steps."""
    env = gymnasium.make(ID)
    controller = gym_suite.make_controller(env)
    observation, info = env.reset(seed=seed)
    state, over, steps = None, False, 0
    while not over:
        action, state = controller.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        over, steps = terminated or truncated, steps + 1
    print(f"{'arrived' if info['arrived'] else 'failed'} after {steps} steps")
    return steps


if __name__ == "__main__":
    main()
