"""Train PPO with Stable-Baselines3, export the policy, and put it beside the PI controller.

The exported policy runs in NumPy, without torch. A policy worth comparing takes some million steps:

    python examples/train_with_sb3.py --steps 3000000
"""

import argparse
import tempfile
from pathlib import Path

import gym_suite
from gym_suite.behaviour import behaviour_of
from gym_suite.learning import export_policy, make_sb3_vec

ID = "gem/PMSM-v0"


def main(steps=10_000, seeds=3, out=None):
    """Train, export, compare; return the policy file."""
    import gymnasium
    import torch
    from stable_baselines3 import PPO

    torch.set_num_threads(1)
    # The model seeds the rows; they start from episodes for trainings, none of which compare() judges by.
    envs = make_sb3_vec(ID, 64)
    settings = {"n_steps": 64, "batch_size": 1024, "gamma": 0.9, "gae_lambda": 0.9}
    model = PPO("MlpPolicy", envs, seed=1, device="cpu", learning_rate=1e-3, **settings)
    model.learn(steps)
    setup = gymnasium.make(ID).get_wrapper_attr("setup")
    path = Path(out or tempfile.mkdtemp(prefix="gym_suite-")) / "ppo.npz"
    export_policy(
        model,
        path,
        id=ID,
        training_seed=1,
        observation_columns=setup.observation_columns.names,
        action_columns=setup.action_columns.names,
        provenance={"behaviour": behaviour_of(ID), "steps": model.num_timesteps},
    )
    print(gym_suite.compare(ID, agents=["pi", path], seeds=seeds))
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3_000_000)
    parser.add_argument("--out", default=".")
    arguments = parser.parse_args()
    main(arguments.steps, seeds=20, out=arguments.out)
