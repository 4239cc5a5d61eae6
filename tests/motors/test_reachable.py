"""What voltage, current and period allow at all: it is refused beyond, with the nearest numbers, and driven within."""

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.motors.machines import FluxMap, SaturatedPMSM
from gym_suite.motors.machines.synchronous import magnet_speed

MAGNETS = ("gem/PMSM-v0", "gem/PMSM-Torque-v0", "gem/SixPhasePMSM-v0")


@pytest.mark.parametrize("r_s", [0.018, 0.5, 2.0])
@pytest.mark.parametrize("psi_p", [0.1, 0.3, 5.0])
def test_the_speed_at_which_magnets_can_be_held_is_found_on_a_grid_too(psi_p, r_s):
    """By trying currents: each speed is held whose voltage r i + j omega psi is short enough for one of them."""
    l_d, limit, voltage = 0.4e-3, 240.0, 173.0
    most = magnet_speed(psi_p, l_d, r_s, current=limit, voltage=voltage)
    i = np.linspace(0.0, limit, 200_001)
    i = i[r_s * i <= voltage]
    held = np.sqrt(voltage**2 - (r_s * i) ** 2) / (psi_p - l_d * i)
    if np.isinf(most):
        assert psi_p <= l_d * i[-1]
    else:
        assert most == pytest.approx(held.max(), rel=1e-6)


def bent(magnets):
    """Return the map of a machine of saturating iron with a flux of its magnets, Vs."""
    axis = np.linspace(-20.0, 20.0, 21)
    return FluxMap.sampled(
        lambda i_d, i_q: (magnets + 0.5 * np.tanh(i_d / 15.0), np.tanh(i_q / 15.0)),
        i_d=axis,
        i_q=axis,
    )


@pytest.mark.parametrize("r_s", [0.0, 0.63, 30.0])
def test_the_speed_at_which_the_magnets_of_a_map_can_be_held_follows_from_its_flux(r_s):
    """By trying currents along d, with the formula from which the map was sampled."""
    machine = SaturatedPMSM(flux_map=bent(3.0), r_s=r_s)
    voltage, i = machine.u_dc / np.sqrt(3.0), np.linspace(-machine.i_limit, 0.0, 100_001)
    i = i[r_s * -i <= voltage]
    held = np.sqrt(voltage**2 - (r_s * i) ** 2) / (3.0 + 0.5 * np.tanh(i / 15.0))
    usual, most = machine.speeds()
    assert most == pytest.approx(held.max() / machine.p, rel=1e-3)
    assert usual == pytest.approx(0.9 * most)


def test_a_map_whose_flux_a_current_can_take_away_bounds_no_speed():
    for machine in (SaturatedPMSM(), SaturatedPMSM(flux_map=bent(0.4))):
        assert machine.speeds() == (machine.omega_nominal, machine.omega_limit)


@pytest.mark.parametrize(
    ("id", "machine"),
    [
        *((id, {"psi_p": 5.0}) for id in MAGNETS),
        ("gem/SaturatedPMSM-v0", {"flux_map": bent(3.0)}),
    ],
)
def test_magnets_that_outdo_the_voltage_bound_the_speed_so_that_the_drive_is_driven(id, machine):
    with pytest.raises(ValueError, match=r"speed must lie in \[-\d+\.\d+, \d+\.\d+\], got 300"):
        gymnasium.make(id, machine=machine, speed=300.0)
    env = gymnasium.make_vec(id, num_envs=4, machine=machine)
    controller = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=1)
    state, starts = None, np.ones(4, bool)
    for _ in range(400):
        action, state = controller.predict(observation, state, starts)
        observation, _, starts, _, _ = env.step(action)
        assert not starts.any()
    env.close()


SWITCHED = {"kind": "switched", "signals": [1.0, 50.0], "hold": 1.0}


@pytest.mark.parametrize(
    ("id", "keywords", "message"),
    [
        ("gem/PMSM-v0", {"reference": {"i_sd": -300.0, "i_sq": 300.0}}, "-282.8 and 282.8 A are"),
        ("gem/SynRM-v0", {"reference": {"i_sd": 14.0, "i_sq": -14.0}}, "beyond its limit of 18 A"),
        (
            "gem/PMSM-v0",
            {"reference": {"i_sd": 0.0, "i_sq": 200.0}, "speed": 400.0},
            "need 299.7 V",
        ),
        ("gem/PMSM-v0", {"tau": 5e-3, "speed": 300.0}, "speed must lie in"),
        ("gem/PermExDc-Speed-v0", {"reference": 399.0}, "holds the machine up to 363.6 rad/s"),
        (
            "gem/PMSM-Speed-v0",
            {"machine": {"psi_p": 5.0}, "reference": 300.0},
            r"holds the machine up to 11\.\d+ rad/s.*or a higher u_dc",
        ),
        (
            "gem/ExtExDc-v0",
            {"machine": {"r_e": 5.0}, "reference": {"i_e": 200.0}},
            "reference i_e = 200 A needs 1000 V, and the converter gives -60 to 60 V",
        ),
        (
            "gem/EESM-v0",
            {"machine": {"r_e": 5.0}, "reference": {"i_e": 100.0}},
            "reference i_e = 100 A needs 500 V",
        ),
        (
            "gem/EESM-v0",
            {"reference": {"i_sd": 0.0, "i_sq": 9.0, "i_e": 120.0}, "speed": 1200.0},
            "i_sd = 0 A, i_sq = 9 A and i_e = 120 A need",
        ),
        (
            "gem/PermExDc-v0",
            {"machine": {"r_a": 5.0}, "reference": 20.0, "speed": 300.0},
            "reference i = 20 A needs 149.5 V at 300 rad/s",
        ),
        (
            "gem/PermExDc-v0",
            {"reference": -20.0, "speed": 0.0, "converter": "2QC"},
            "gives 0 to 60 V; .*converter='4QC'",
        ),
        ("gem/SeriesDc-v0", {"machine": {"r_a": 5.0}, "reference": 50.0}, "needs 252.4 V"),
        (
            "gem/ShuntDc-v0",
            {"machine": {"r_a": 5.0}, "reference": 50.0, "speed": 100.0},
            "i_a = 50 A needs 434.8 V",
        ),
        (
            "gem/SCIM-v0",
            {"reference": {"i_sd": 5.0, "i_sq": 1.0}, "speed": 400.0},
            "need 602.8 V at 400 rad/s, and no voltage that turns",
        ),
        ("gem/DFIM-v0", {"machine": {"r_r": 100.0}, "reference": {"i_rd": 8.0}}, "need 800 V"),
        (
            "gem/PermExDc-v0",
            {"machine": {"r_a": 5.0}, "reference": {"i": SWITCHED}},
            "reference i = 50 A needs 250 V",
        ),
        (
            "gem/PermExDc-Torque-v0",
            {"reference": 20.0, "speed": 355.0},
            "at 355 rad/s voltage and current leave",
        ),
        (
            "gem/PMSM-Torque-v0",
            {"reference": 260.0, "speed": 400.0},
            r"at 400 rad/s voltage and current leave -20\d(\.\d)? to 20\d(\.\d)? N m",
        ),
        ("gem/PMSM-v0", {"machine": {"u_dc": 1e-3}}, "a u_dc of 6.786 V, or reference_range = "),
        ("gem/PMSM-v0", {"machine": {"r_s": 30.0}}, "a u_dc of 1.131e.04 V, or reference_range = "),
        ("gem/PermExDc-v0", {"machine": {"r_a": 5.0}}, "takes 485 V and the converter gives 60 V"),
        ("gem/EESM-v0", {"machine": {"r_e": 5.0}}, "a u_dc of 600 V, or i_e_nominal = 64 A"),
        ("gem/PMSM-Finite-v0", {"machine": {"l_d": 1e-6, "l_q": 2e-6}}, "a tau of at most 4e-06 s"),
    ],
)
def test_what_no_action_reaches_or_holds_is_refused_with_what_is_near(id, keywords, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make(id, **keywords)


def test_what_is_just_within_is_taken():
    gymnasium.make("gem/PMSM-v0", reference={"i_sd": -282.8, "i_sq": 282.8}).close()
    sine = {"kind": "sine", "amplitude": 350.0, "period": 0.1}
    gymnasium.make("gem/PMSM-v0", reference={"i_sd": sine, "i_sq": 300.0}).close()
    gymnasium.make("gem/PMSM-Finite-v0", machine={"l_d": 5e-6, "l_q": 5.1e-6}).close()
    gymnasium.make("gem/PermExDc-Speed-v0", reference=363.0).close()
    gymnasium.make("gem/PMSM-v0", machine={"r_s": 30.0}, reference_range=6.3).close()
    gymnasium.make("gem/ExtExDc-v0", machine={"r_e": 5.0}, reference={"i_e": 12.0}).close()
    # A current against what is induced takes less than its resistance does, and more at a speed that not all have.
    machine = {"r_a": 5.0}
    gymnasium.make("gem/PermExDc-v0", machine=machine, reference=-20.0, speed=300.0).close()
    gymnasium.make("gem/PermExDc-v0", machine=machine, reference=11.0).close()
    # What moves is not held: a sine that the voltage does not follow to its end.
    signal = {"kind": "sine", "amplitude": 200.0, "period": 0.1}
    gymnasium.make("gem/ExtExDc-v0", machine={"r_e": 5.0}, reference={"i_e": signal}).close()
    gymnasium.make("gem/PermExDc-Torque-v0", reference=20.0, speed=300.0).close()


def test_a_constant_reference_needs_the_voltage_at_which_its_currents_rest():
    """From the environment's own run: held at the speed, with the voltage that was told to be too little, it drifts."""
    with pytest.raises(ValueError, match=r"need 299.7 V at 400 rad/s") as refused:
        gymnasium.make("gem/PMSM-v0", reference={"i_sd": 0.0, "i_sq": 200.0}, speed=400.0)
    assert "higher u_dc" in str(refused.value)
    machine = {"u_dc": 299.7 * np.sqrt(3.0) * 1.02}
    env = gymnasium.make(
        "gem/PMSM-v0", machine=machine, reference={"i_sd": 0.0, "i_sq": 200.0}, speed=400.0
    )
    controller = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    state, info = None, {}
    for _ in range(1500):
        action, state = controller.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
    assert abs(info["i_sq"] - 200.0) < 4.0
    assert np.hypot(info["u_sd"], info["u_sq"]) == pytest.approx(299.7, rel=0.01)
    env.close()
