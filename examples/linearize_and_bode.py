"""The machine as a linear system, and the Bode plot of the PI current loop with its margins.

python examples/linearize_and_bode.py --out bode.png
"""

import argparse
from pathlib import Path

import gymnasium
import matplotlib.pyplot as plt

import gym_suite
from gym_suite.analysis import linearize, open_loop, operating_point, step_response


def main(out: str | None = None):
    """Linearise at 200 rad/s, print what a control engineer asks for, and draw the loops."""
    env = gymnasium.make("gem/PMSM-v0")
    point = operating_point(env, states={"omega": 200.0, "i_sd": -50.0, "i_sq": 100.0})
    model = linearize(env, point)
    print("at rest:", {k: round(v, 2) for k, v in point.as_dict().items()})
    for mode in model.damping():
        print(mode)
    info = step_response(model, input="u_sq", duration=0.2).info("i_sq")
    # The rotation couples the axes: without control the q current swings about the little that it comes to.
    print(
        f"a step of 1 V of u_sq, uncontrolled: i_sq comes to {info['SteadyStateValue']:.2f} A, after a peak of "
        f"{info['Peak']:.2f} A at {1e3 * info['PeakTime']:.1f} ms, and settles in {1e3 * info['SettlingTime']:.0f} ms"
    )

    controller = gym_suite.make_controller(env)
    loops = open_loop(controller)
    figure, (magnitude, phase) = plt.subplots(2, 1, sharex=True, figsize=(8, 6))
    for loop in loops:
        margins = f"{loop.gain_margin_db:.1f} dB, {loop.phase_margin:.0f} deg"
        print(f"open loop of {loop.label}: margins {margins}")
        loop.plot((magnitude, phase))
    figure.suptitle("Open loop of the PI controller, dead time included")
    if out:
        figure.savefig(Path(out), dpi=150)
    plt.close(figure)
    return loops


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="bode.png")
    main(parser.parse_args().out)
