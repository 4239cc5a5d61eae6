"""A drive of your own: the numbers of a data sheet become an id with make, make_vec, show, compare and conformance.

The machine is a small servo as its maker's sheet would give it; what the sheet leaves out (the limit of the current,
the highest speed) is chosen and says so. The reference controller is tuned for it by its rule.
"""

from __future__ import annotations

import math

import gymnasium

import gym_suite
from gym_suite.motors.machines import PMSM

SERVO = PMSM(
    p=5,
    r_s=0.18,
    l_d=1.9e-3,
    l_q=1.9e-3,
    psi_p=15.9e-3,
    j_rotor=1.2e-4,
    i_nominal=5.7,
    i_limit=8.5,  # chosen: 1.5 times nominal
    omega_nominal=3000.0 * math.pi / 30.0,
    omega_limit=3600.0 * math.pi / 30.0,  # chosen
    u_dc=73.0,
)

gym_suite.register(
    "lab/Servo-v0",
    like="gem/PMSM-v0",
    summary="current control of a 400 W servo at 10 kHz",
    keywords={"machine": SERVO},
    page="## Parameters and Sources\n\nThe numbers are those of a data sheet but for both limits, which are chosen.",
)


def main() -> None:
    """Follow the current references of an episode with the controller that its rule gives, and print the error."""
    env = gymnasium.make("lab/Servo-v0")
    pi = gym_suite.make_controller(env)
    observation, info = env.reset(seed=0)
    state, errors = None, []
    for _ in range(2000):
        action, state = pi.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated, "the drive has tripped"
        errors.append(abs(info["i_sq_ref"] - info["i_sq"]))
    for axis, gains in pi.gains_.items():
        print(f"{axis}: kp {gains.kp:.3g} V/A, ki {gains.ki:.3g} V/(A s), by the {gains.rule}")
    print(f"mean error of the q current: {sum(errors) / len(errors):.3f} A of {SERVO.i_limit:g} A")


if __name__ == "__main__":
    main()
