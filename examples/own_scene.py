"""A warehouse scene of your own: a drawing and a few keywords become an id of your own.

In the drawing # is a wall and a dot free floor of one cell; starts and targets are poses on it.
"""

from __future__ import annotations

import gymnasium

import gym_suite

FLOOR = """
########################
#......................#
#......................#
#......................#
#....#############.....#
#................#.....#
#................#.....#
#................#.....#
#................#.....#
#....#############.....#
#......................#
#......................#
#......................#
########################
"""

gym_suite.register(
    "lab/Yard-v0",
    like="agv/SimpleStatic-v0",
    summary="a vehicle drives into a yard with one gate",
    max_episode_steps=1500,
    keywords={
        "layout": FLOOR,
        "starts": [[10.25, 3.5, 1.57], [10.25, 1.25, 0.0]],
        "goals": [[6.0, 3.5, 0.0], [7.0, 3.5, 0.0]],
        "least_distance": 2.0,
    },
    page="## Description\n\nThe target lies in a walled yard whose only gate faces away from the start.",
)


def main() -> None:
    """Drive there with the reference planner and print how long it took."""
    env = gymnasium.make("lab/Yard-v0")
    planner = gym_suite.make_controller(env)
    observation, info = env.reset(seed=0)
    seconds = env.get_wrapper_attr("dt")
    state, ended, steps = None, False, 0
    while not ended:
        action, state = planner.predict(observation, state)
        observation, _, terminated, truncated, info = env.step(action)
        ended, steps = terminated or truncated, steps + 1
    arrived = "arrived" if info["reward_goal"] > 0.0 else "did not arrive"
    print(f"{planner.name} {arrived} after {steps * seconds:.1f} s")


if __name__ == "__main__":
    main()
