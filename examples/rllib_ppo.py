"""RLlib on any id: a creator that its workers find by name, and a few updates of PPO."""

# Ray lives in an environment of its own, so that where types are checked it is missing.
# pyright: reportMissingImports=false

import gymnasium
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune.registry import register_env


def create(config):
    """Make an environment in a worker of RLlib.

    Args:
        config: The id under "id", its keyword arguments beside it.
    """
    import gym_suite  # noqa: F401 - registers the ids in the worker too

    keywords = dict(config)
    return gymnasium.make(keywords.pop("id"), **keywords)


def main(id="gem/PMSM-v0", iterations=1, steps=512):
    """Train PPO for some iterations and print the mean return.

    Args:
        id: Any id with a single environment.
        iterations: Number of updates.
        steps: Environment steps for each.
    """
    ours = not ray.is_initialized()
    register_env("gym_suite", create)
    config = (
        PPOConfig()
        .environment("gym_suite", env_config={"id": id})
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4)
        .training(train_batch_size_per_learner=steps, minibatch_size=128, num_epochs=2)
    )
    algorithm = config.build_algo()
    for iteration in range(iterations):
        found = algorithm.train()["env_runners"]
        print(f"{iteration}: mean return {found.get('episode_return_mean', float('nan')):.3g}")
    algorithm.stop()
    if ours:
        ray.shutdown()


if __name__ == "__main__":
    main(iterations=20, steps=4096)
