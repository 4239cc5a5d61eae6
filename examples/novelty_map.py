"""Where a training has been, and where random network distillation still finds it new: two maps of the floor.

The vehicle starts in the same corner each time, so that the floor has to be explored. The bonus is that of the vehicle
standing in the middle of each cell, averaged over headings:

    python examples/novelty_map.py 500000
"""

import numpy as np

SCENE = "agv/ComplexStatic-v0"
NOVELTY = ("pose_x", "pose_y", "heading_cos", "heading_sin")
START = [(1.5, 1.5, 0.0)]


def explore(steps, **settings):
    """Train for some steps; return the model, the setup and all places visited, m."""
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecNormalize

    from gym_suite.learning import make_sb3_vec
    from gym_suite.learning.settings import settings_for

    chosen = settings_for(SCENE, "ppo-rnd", overrides={"novelty": NOVELTY} | settings)
    env = make_sb3_vec(SCENE, chosen.rows, metrics=False, starts=START)
    worlds = env.envs.unwrapped
    model = chosen.build(VecNormalize(env, gamma=chosen.discount), seed=0)
    places = []

    class Note(BaseCallback):
        def _on_step(self):
            state = worlds.state()
            places.append((state["x"], state["y"]))
            return True

    model.learn(steps, callback=Note())
    return model, worlds.setup, np.array(places).transpose(1, 0, 2)


def bonus_of_cells(bonus, setup):
    """Return the bonus in the middle of each cell of the map, averaged over headings, (rows, columns)."""
    p = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
    rows, columns = setup.tables[0][0].shape
    headings = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    row, column, heading = np.meshgrid(np.arange(rows), np.arange(columns), headings, indexing="ij")
    state = {
        "pose_x": ((column + 0.5) * p["cell"] - p["map_x"]) / p["scale_x"],
        "pose_y": ((row + 0.5) * p["cell"] - p["map_y"]) / p["scale_x"],
        "heading_cos": np.cos(heading),
        "heading_sin": np.sin(heading),
    }
    states = np.stack([state[name].ravel() for name in NOVELTY], axis=1)
    return bonus.novelty(states).reshape(row.shape).mean(axis=2)


def main(steps: int = 4_096, rows: int = 16, visits: str = "visits.png", bonus: str = "bonus.png"):
    """Explore and write both maps; return the bonus of each cell."""
    from gym_suite.agv.render import heat_map, value_map
    from gym_suite.rendering import save_frames

    model, setup, (x, y) = explore(steps, rows=rows)
    found = bonus_of_cells(model.bonus, setup)
    save_frames(heat_map(setup, x, y), visits)
    text = f"after {model.num_timesteps:,} steps"
    save_frames(value_map(setup, found, label="bonus (mean squared error)", text=text), bonus)
    print(visits, bonus)
    return found


if __name__ == "__main__":
    import sys

    main(*map(int, sys.argv[1:2] or ["500000"]), rows=64)
