"""The kernels without the compiler give the same numbers, bit for bit: what is debugged is what runs."""

import json
import os
import subprocess
import sys

import gymnasium
import pytest

import gym_suite  # noqa: F401 - registers the ids

PROGRAM = """
import json, sys, warnings
# Compiled uint64 arithmetic wraps silently; NumPy's scalars say so.
warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
import gymnasium, gym_suite
import gym_suite.testing as suite
id, steps, keywords = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
env = gymnasium.make(id, disable_env_checker=True, **keywords)
observation, info = env.reset(seed=5)
rows = [[observation.tolist(), info]]
for action in suite.random_actions(env.action_space, steps):
    observation, reward, terminated, truncated, info = env.step(action)
    rows.append([observation.tolist(), reward, terminated, truncated, info])
from gym_suite.core.random import philox
print(json.dumps([rows, hasattr(philox, "py_func")]))
"""


def rollout(id, steps, keywords, **environment):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, id, str(steps), json.dumps(keywords)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("id", "steps", "keywords"),
    [
        ("gem/PMSM-v0", 60, {}),
        ("gem/PMSM-v0", 60, {"noise": 0.01, "mismatch": 0.2, "preview": 1}),
        (
            "gem/PMSM-Speed-v0",
            30,
            {"disturbance": {"torque_load": {"kind": "random_walk", "amplitude": 50.0}}},
        ),
        ("gem/PMSM-DriveCycle-v0", 3, {}),
    ],
)
def test_uncompiled_equals_compiled(id, steps, keywords):
    gymnasium.make(id).reset()  # the first call may compile: once, here
    compiled, was_compiled = rollout(id, steps, keywords)
    plain, was_plain = rollout(id, steps, keywords, NUMBA_DISABLE_JIT="1")
    assert was_compiled
    assert not was_plain
    assert plain == compiled
