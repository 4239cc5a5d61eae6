"""The main comparison from Python: the PI controller against the shipped PPO policies.

Writes a report that opens in a browser: examples/pi_versus_ppo.py --seeds 20 --out report
"""

import argparse
import tempfile

import gym_suite


def main(seeds=3, out=None):
    """Compare nominally and with every parameter off by up to 30 %; return the report's path."""
    result = gym_suite.compare(
        "gem/PMSM-v0",
        agents=["pi", "zero", "random", "ppo"],
        seeds=seeds,
        settings=["nominal", "mismatch"],
    )
    print(result)
    path = result.report(out or tempfile.mkdtemp(prefix="gym_suite-"))
    print(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", default="report")
    arguments = parser.parse_args()
    main(arguments.seeds, arguments.out)
