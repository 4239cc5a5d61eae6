"""A controller of your own beside the tuned one, on the same seeds.

Anything with `predict(observation, state, episode_start, deterministic)` can be compared; this one
is a bare P law on the current errors. The same from the shell, for the function below:

    gym-suite compare gem/PMSM-v0 --agents pi examples/custom_controller.py:make --seeds 5
"""

import numpy as np

import gym_suite


class Proportional:
    """u = kp * error, which leaves an error: without an integrator or decoupling it has no choice."""

    name = "P only"
    information = "observation"

    def __init__(self, columns, kp=1.0):
        self.kp = kp
        self.value = [columns.index("i_sd"), columns.index("i_sq")]
        self.reference = [columns.index("i_sd_ref"), columns.index("i_sq_ref")]

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        """Return the action of one row or many; columns are found by name."""
        observation = np.asarray(observation)
        error = observation[..., self.reference] - observation[..., self.value]
        return np.clip(self.kp * error, -1.0, 1.0), state


def make(env):
    """Build it for an environment."""
    return Proportional(env.unwrapped.setup.observation_columns)


def main(seeds: int = 3, steps: int | None = 400):
    """Compare it and return the comparison."""
    import gymnasium

    env = gymnasium.make("gem/PMSM-v0")
    result = gym_suite.compare("gem/PMSM-v0", agents=["pi", make(env)], seeds=seeds, horizon=steps)
    print(result)
    return result


if __name__ == "__main__":
    main(seeds=20, steps=None)
