"""Every axis has its own noise, and rewards are what their formulas say for any exponent."""

import gymnasium
import numpy as np
import pytest

import gym_suite  # noqa: F401  (registers the ids)


def test_the_drives_own_sensors_err_independently():
    """With torque commands the noise enters the drive's own current control, d and q apart.

    From rest with equal gains per ampere of either axis the first voltages are proportional to the errors of the
    sensors, so those of d and q must not go together.
    """
    envs = gymnasium.make_vec(
        "gem/PMSM-Speed-v0",
        num_envs=2000,
        control="torque",
        control_period=1e-4,
        dead_time=False,
        noise={"i_sd": 0.05, "i_sq": 0.05},
        reference=0.0,
        load={"a": 0.0, "b": 0.0, "j_load": 1e3},
    )
    envs.reset(seed=0, options={"state": {"omega": 0.0, "epsilon": 0.0}})
    _, _, _, _, info = envs.step(np.zeros((2000, 1), np.float32))
    u_d, u_q = info["u_sd"], info["u_sq"]
    assert u_d.std() > 0.1
    assert u_q.std() > 0.1
    assert abs(np.corrcoef(u_d, u_q)[0, 1]) < 0.1


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0, 1.5])
def test_tracking_earns_what_the_formula_says(exponent):
    env = gymnasium.make("gem/PMSM-v0", error_exponent=exponent, error_scale=200.0)
    terms = {term.name: term.weight for term in env.unwrapped.setup.terms}
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(20):
        *_, terminated, _, info = env.step(0.2 * env.action_space.sample())
        if terminated:
            break
        for name in ("i_sd", "i_sq"):
            part = min(abs(info[f"{name}_ref"] - info[name]) / 200.0, 1.0)
            earned = terms[f"reward_{name}"] * (1.0 - part**exponent)
            assert info[f"reward_{name}"] == pytest.approx(earned, abs=1e-9)


@pytest.mark.parametrize(
    "signal",
    [
        {"kind": "sine", "amplitude": 50.0, "period": 0.2},
        {"table": [(0.0, 0.0), (1.0, 50.0)]},
        {"kind": "switched", "hold": 0.1, "signals": [{"kind": "sine", "amplitude": 5.0}, 20.0]},
    ],
)
def test_a_signal_is_the_reference_of_the_only_tracked_quantity(signal):
    alone, named = (
        gymnasium.make("gem/PMSM-Speed-v0", reference=reference)
        for reference in (signal, {"omega": signal})
    )
    seen = [env.reset(seed=3)[0] for env in (alone, named)]
    assert np.array_equal(*seen)
    with pytest.raises(
        TypeError, match=r'must map i_sd, i_sq to .* signal each, such as reference=\{"i_sd": 0.0\}'
    ):
        gymnasium.make("gem/PMSM-v0", reference=signal)
