"""What the page on moving over tells of errors: on which references, and what no controller can be better than."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def errors(monkeypatch):
    """The script that judges our controllers."""
    monkeypatch.syspath_prepend(str(DOCS))
    import peer_errors

    return peer_errors


@pytest.fixture
def bounds(monkeypatch):
    """The module of what can be reached."""
    monkeypatch.syspath_prepend(str(DOCS))
    import peer_bounds

    return peer_bounds


@pytest.fixture
def walks(monkeypatch):
    """The module of the references."""
    monkeypatch.syspath_prepend(str(DOCS))
    import peer_walks

    return peer_walks


def test_what_is_recorded_is_what_the_script_finds(errors, walks):
    recorded = json.loads(errors.FILE.read_text("utf-8"))
    assert tuple(recorded) == walks.NAMES and set(errors.runs()) == set(walks.NAMES)
    name, first = "Cont-TC-SeriesDc-v0", walks.JUDGED[0]
    again = errors.judge(name, (first,))
    told = recorded[name]
    assert again["pi"]["errors"][0][0] == pytest.approx(told["pi"]["errors"][0][0], rel=1e-2)
    assert again["least"][0][0] == pytest.approx(told["least"][0][0], rel=1e-2)
    assert again["best"]["errors"][0][0] == pytest.approx(told["best"]["errors"][0][0], rel=1e-2)
    assert again["pi"]["steps"][0] == told["pi"]["steps"][0]


def test_the_table_has_every_quantity_and_no_controller_is_better_than_possible(errors):
    table = errors.table()
    for name, there in errors.runs().items():
        for item in there["followed"]:
            assert f"| `{name}` | `{item['quantity']}` |" in table
    for ours in json.loads(errors.FILE.read_text("utf-8")).values():
        least = ours.get("least", [])
        bounded = [j for j, column in enumerate(least) if column is not None]
        # Together: of two currents one controller may prefer the one, another the other, and one may be lucky once.
        for agent in ("pi", "best"):
            if agent in ours and bounded:
                reached = np.sum([ours[agent]["errors"][j] for j in bounded])
                assert reached >= 0.99 * np.sum([least[j] for j in bounded])


def test_half_of_its_error_is_reached_or_out_of_reach(errors):
    """Where our best is not below half of its controller's error, nobody could be."""
    found = {(row["id"], row["quantity"]): row for row in errors.rows()}
    for key, row in found.items():
        reached, possible = row["best"] < 0.5 * row["its"], (row["least"] or 0.0) < 0.5 * row["its"]
        assert reached or not possible, key
    torque = found["Cont-TC-ExtExDc-v0", "torque"]
    assert torque["pi"] / torque["its"] == pytest.approx(0.66, abs=0.02)
    assert all(
        not sum(n for who, n in row["trips"].items() if "our" in who) for row in found.values()
    )
    count = sum(row["best"] < 0.5 * row["its"] for row in found.values())
    root = Path(__file__).parents[2]
    for page in ("CHANGELOG.md", "docs/moving/gym-electric-motor.md"):
        words = " ".join((root / page).read_text("utf-8").split())
        assert f"below half of its error in {count} of {len(found)} quantities" in words


def test_references_are_walks_clipped_at_their_bounds(walks):
    """Within a part of one standard deviation steps are normal, and nothing leaves the bounds."""
    course = walks.walk((-0.2, 0.6), (1e-3, 1e-1), 200_000, np.random.default_rng(0))
    assert course.min() >= -0.2 and course.max() <= 0.6
    changes = np.abs(np.diff(course))
    # The mean of log10 of the steps' standard deviations is half way between -3 and -1; the median of a normal
    # number's magnitude is 0.674 of its standard deviation.
    inside = changes[(course[1:] < 0.6) & (course[1:] > -0.2)]
    assert np.median(inside) == pytest.approx(0.674e-2, rel=0.4)


def test_two_axes_are_not_asked_for_more_than_their_common_limit(walks):
    bound, sigma = [[-0.8, 0.8]] * 2, [[1e-3, 1e-1]] * 2
    free, both = (walks.courses(bound, sigma, circle, 4) for circle in (False, True))
    assert np.hypot(*free).max() > 1.0 and np.hypot(*both).max() <= 0.95 + 1e-12
    within = np.hypot(*free) <= walks.CIRCLE
    assert within.any() and np.array_equal(free[:, within], both[:, within])


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_voltage_is_that_of_a_linear_programme(bounds, seed):
    generator = np.random.default_rng(seed)
    voltages = bounds.in_frame(bounds.corners(3), generator.uniform(-3.0, 3.0))
    points = voltages @ generator.normal(size=(2, 2)) + generator.normal(size=2)
    target = 3.0 * generator.normal(size=2)
    chosen = bounds.nearest(points, voltages, target)
    affine = np.linalg.lstsq(np.column_stack((voltages, np.ones(6))), points, rcond=None)[0]
    reached = np.append(chosen, 1.0) @ affine
    # Weights of the corners, then the two distances above and below the target.
    found = linprog(
        [0.0] * 6 + [1.0] * 4,
        A_eq=np.vstack((np.hstack((points.T, -np.eye(2), np.eye(2))), [1.0] * 6 + [0.0] * 4)),
        b_eq=[*target, 1.0],
    )
    assert np.abs(reached - target).sum() == pytest.approx(found.fun, abs=1e-9)


def test_the_map_of_a_period_is_the_closed_form_of_the_circuit(errors, bounds):
    """A machine in series at constant speed: (l_a + l_e) di/dt = u - (r_a + r_e + l_e_prime omega) i."""
    env, _, _ = errors.build("Cont-CC-SeriesDc-v0", 3)
    plant = bounds.Currents.of(env, ("i",))
    resistance, inductance = 16e-3 + 48e-3 + 1.7e-3 * 100.0, 19e-6 + 5.4e-3
    kept = np.exp(-resistance / inductance * 1e-4)
    expected = [kept, (1.0 - kept) / resistance * 60.0, 0.0]
    assert plant.rows[:, 0] == pytest.approx(expected, abs=1e-8)
    # The full voltage moves the current by half a hundredth of its limit in a period.
    assert plant.rows[1, 0] / 210.0 == pytest.approx(0.005, rel=0.1)


def test_a_plant_whose_speed_moves_is_refused(errors, bounds):
    env, _, _ = errors.build("Cont-SC-SeriesDc-v0", 3)
    with pytest.raises(RuntimeError, match="no affine map"):
        bounds.Currents.of(env, ("i",))


def test_to_come_as_near_as_can_be_is_the_best_that_a_causal_controller_can_do():
    """Backwards from the last period, on a grid of distances: no other change of at most three cells costs less."""
    size, most = 60, 3
    distance = np.arange(-size, size + 1)
    cost = np.zeros(2 * size + 1)
    for _ in range(30):
        # The reference goes on by -4, 0 or 4 cells, as likely each; at the edge of the grid it stays.
        ahead = np.mean(
            [cost[np.clip(distance + step, -size, size) + size] for step in (-4, 0, 4)], axis=0
        )
        left = np.abs(distance) + ahead
        tried = np.array(
            [left[np.clip(distance + v, -size, size) + size] for v in range(-most, most + 1)]
        )
        nearest = np.sign(distance) * np.maximum(np.abs(distance) - most, 0)
        assert left[nearest + size] == pytest.approx(tried.min(axis=0), abs=1e-12)
        cost = tried.min(axis=0)


def test_a_speed_without_limits_leaves_no_error_and_one_with_them_follows_a_ramp_late(bounds):
    course = np.linspace(0.0, 10.0, 1001)
    shaft = 0.0, 0.0, 2.0
    assert bounds.least_speed_error(course, 0.01, 0.0, (-1e9, 1e9), shaft) == pytest.approx(0.0)
    # 1 rad/s^2 of the 10 rad/s in 10 s is all that 2 N m give, 0.5 rad/s^2 what 1 N m does.
    assert bounds.least_speed_error(course, 0.01, 0.0, (-2.0, 2.01), shaft) == pytest.approx(0.0)
    late = bounds.least_speed_error(course, 0.01, 0.0, (-1.0, 1.0), shaft)
    assert late == pytest.approx(2.5, rel=0.01)
    # A motor that cannot brake is braked by friction alone, which is against its motion.
    down = np.zeros(101)
    coasting = bounds.least_speed_error(down, 0.01, 1.0, (0.0, 5.0), (1.0, 0.0, 1.0))
    assert coasting == pytest.approx(0.5, rel=0.02)


def test_phase_voltages_act_in_the_frame_of_the_rotor(errors, bounds):
    """A bridge moves each current by its voltage over its inductance; the frame turns with the rotor."""
    env, _, _ = errors.build("Cont-CC-PMSM-v0", 3)
    plant = bounds.Currents.of(env, ("i_sd", "i_sq"))
    assert plant.turned == pytest.approx(3 * 100.0 * 1e-4)
    gains = np.diag(plant.rows[2:4])
    assert gains == pytest.approx([150.0 * 1e-4 / 0.37e-3, 150.0 * 1e-4 / 1.2e-3], rel=0.02)


def test_a_flux_lets_a_negative_current_stand_only_until_it_is_gone(bounds):
    """From the flux psi a current of -1 A is kept for time * log(1 + psi / l_m); then, and without flux, none is."""
    l_m, time, step = 0.1, 0.2, 1e-3
    down = np.full(401, -1.0)
    none = bounds.least_flux_error(down, step, (-1e-9, 0.0), (l_m, time), 5.0)
    assert none == pytest.approx(1.0, abs=0.01)
    kept = time * np.log(1.0 + 0.3 / l_m)
    some = bounds.least_flux_error(down, step, (-1.0, 0.3), (l_m, time), 5.0)
    assert some == pytest.approx(1.0 - kept / 0.4, abs=0.01)
    up = bounds.least_flux_error(-down, step, (1.0, l_m), (l_m, time), 5.0)
    assert up == pytest.approx(0.0, abs=1e-9)


def test_the_flux_of_an_induction_machine_follows_its_current_as_the_bound_takes_it(errors):
    env, start, _ = errors.build("Cont-CC-SCIM-v0", 3)
    _, info = env.reset(**start)
    l_m, time = 0.14375, (0.14375 + 0.00587) / 1.355
    psi, currents = [info["psi_rd"]], [info["i_sd"]]
    for action in np.random.default_rng(0).uniform(-0.5, 0.5, (40, 3)):
        info = env.step(action.astype(np.float32))[4]
        psi.append(info["psi_rd"])
        currents.append(info["i_sd"])
    mean = 0.5 * (np.array(currents[1:]) + currents[:-1])
    kept = np.exp(-1e-4 / time)
    assert kept * np.array(psi[:-1]) + (1.0 - kept) * l_m * mean == pytest.approx(
        np.array(psi[1:]), abs=2e-5
    )


@pytest.fixture
def shunt(bounds):
    """The machine of ShuntDc at its speed."""
    numbers = {"r_a": 16e-3, "r_e": 0.4, "l_a": 19e-6, "l_e": 5.4e-3, "l_e_prime": 1.7e-3}
    return bounds.Shunt(**numbers, omega=220.0, limit=210.0)


def test_what_is_slow_in_a_shunt_machine_moves_as_the_bound_takes_it(errors, shunt):
    env, start, _ = errors.build("Cont-TC-ShuntDc-v0", 3)
    _, info = env.reset(**start)
    actions = np.random.default_rng(1).uniform(0.2, 1.0, (60, 1)).astype(np.float32)
    seen = [info, *(env.step(action)[4] for action in actions)]
    i_a, i_e = (np.array([one[name] for one in seen]) for name in ("i_a", "i_e"))
    slow = shunt.l_e * i_e - shunt.l_a * i_a
    assert shunt.field(slow, i_a) == pytest.approx(i_e)
    assert shunt.torque(slow, i_a) == pytest.approx([one["torque"] for one in seen])
    slope = shunt.slope(slow, i_a)
    # The armature settles within a period, so the mean of its ends is a rough one of the period.
    gained = 1e-4 * np.sum(0.5 * (slope[1:] + slope[:-1]))
    assert slow[-1] - slow[0] == pytest.approx(gained, rel=0.05)


def test_a_torque_that_the_field_sustains_leaves_no_error(bounds, shunt):
    field = 100.0
    armature = (shunt.r_e - shunt.l_e_prime * shunt.omega) / shunt.r_a * field
    slow = shunt.l_e * field - shunt.l_a * armature
    course = np.full(301, shunt.l_e_prime * field * armature)
    held = bounds.least_shunt_error(course, 1e-4, shunt, slow)
    assert held == pytest.approx(0.0, abs=0.01 * course[0])


def test_the_least_error_of_a_torque_is_what_trying_all_currents_finds(bounds, shunt):
    """Two periods, in which the present torque may be given up for the next one."""
    course, slow, step = np.array([2.0, 20.0, 0.0]), 0.05, 5e-3
    currents = np.linspace(-210.0, 210.0, 2001)
    first, second = np.meshgrid(currents, currents)
    later = slow + step * shunt.slope(slow, first)
    cost = np.abs(shunt.torque(slow, first) - 2.0) + np.abs(shunt.torque(later, second) - 20.0)
    found = bounds.least_shunt_error(course, step, shunt, slow, cells=(800, 400))
    assert found == pytest.approx(cost.min() / 2.0, rel=0.01)
