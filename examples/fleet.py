"""Twenty vehicles with targets of their own in one warehouse, and a clip of them.

Each vehicle tells the others where it is and where it goes; ways are planned by priority and made safe by optimal
reciprocal collision avoidance (`orca`). With `controller="a_star"` each one only sees the others by its lidar: some
then block an aisle for each other for ever. The clip in the README:

    python examples/fleet.py docs/fleet.gif
"""

import numpy as np

import gym_suite


def drive(env, controller, seed):
    """Play an episode and yield its infos by vehicle, from the reset on."""
    observations, infos = env.reset(seed=seed)
    memory = {agent: np.zeros(controller.state_size) for agent in env.agents}
    yield infos
    while env.agents:
        live = list(env.agents)
        rows = np.array([observations[agent] for agent in live])
        actions, states = controller.predict(rows, np.array([memory[agent] for agent in live]))
        memory = dict(zip(live, states, strict=True))
        observations, _, _, _, infos = env.step(dict(zip(live, actions, strict=True)))
        yield infos


def main(
    out: str = "fleet.gif",
    agents: int = 20,
    controller: str = "orca",
    seed: int = 3,
    steps: int = 60,
):
    """Drive a fleet, write the clip and return how many vehicles arrived."""
    from gym_suite.agv.render import FloorRenderer
    from gym_suite.rendering import Recorder

    env = gym_suite.parallel_env("agv/Fleet-v0", agents=agents, max_episode_steps=steps)
    names = env.setup.metric_columns.names
    renderer = FloorRenderer(env.setup, size=(600, 412))
    info = {"arrived": 0.0}
    with Recorder(out, fps=12.5) as recorder:
        for step, infos in enumerate(drive(env, gym_suite.make_controller(env, controller), seed)):
            info = next(iter(infos.values()))
            renderer.append(0, step, np.array([info[name] for name in names]), env.state())
            if step % 8 == 0:
                recorder.add(renderer.frame(0))
    env.close()
    print(f"{info['arrived']:.0f} of {agents} vehicles arrived; {out}")
    return int(info["arrived"])


if __name__ == "__main__":
    import sys

    main(sys.argv[1] if len(sys.argv) > 1 else "fleet.gif", steps=600)
