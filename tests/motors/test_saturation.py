"""Machines whose iron saturates: flux maps, their spline, the machine's motion, operating points and control."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from scipy.integrate import simpson, solve_ivp
from scipy.interpolate import BSpline, RegularGridInterpolator, bisplev

import gym_suite
from gym_suite.motors import simulate
from gym_suite.motors.controllers.field_oriented import axis_plants, current_gains, current_law
from gym_suite.motors.controllers.laws import current_control_one
from gym_suite.motors.controllers.operating_points import (
    currents_for_torque,
    max_torque,
    operating_points,
)
from gym_suite.motors.machines import (
    PMSM,
    SATURATED,
    FluxMap,
    SaturatedPMSM,
    build_machine,
    group_of,
)
from gym_suite.motors.machines.flux_maps import SHIPPED
from gym_suite.motors.machines.spline import coenergy_rows
from gym_suite.registration import id_class_of

FILE = Path(gym_suite.__file__).parent / "motors" / "data" / "ecs101m0h7ef4_flux_map.csv"
MEASURED = np.loadtxt(FILE, delimiter=",", skiprows=1)
I_D, I_Q, PSI_D, PSI_Q = MEASURED.T
PAIRS = 2
GROUP = group_of(SATURATED)
IDS = ("gem/SaturatedPMSM-v0", "gem/SaturatedPMSM-Torque-v0", "gem/SaturatedPMSM-Speed-v0")


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def torque_of(i_d, i_q, psi_d, psi_q):
    return 1.5 * PAIRS * (psi_d * i_q - psi_q * i_d)


def measured():
    return FluxMap.of("ECS101M0H7EF4")


def linear(machine, reach=500.0):
    """The map of a machine with constant inductances."""
    axis = np.linspace(-reach, reach, 21)
    return FluxMap.sampled(
        lambda d, q: (machine.psi_p + machine.l_d * d, machine.l_q * q), i_d=axis, i_q=axis
    )


class Spline:
    """The co-energy of a map by SciPy's splines, from its values alone: its cells are those of one spline."""

    def __init__(self, row):
        knots, points, inverses = [], [], []
        for first in (0, 3):
            low, per, cells = row[first : first + 3]
            knots.append(low + np.arange(-3, int(cells) + 4) / per)
            within = np.linspace(low, low + cells / per, 4 * int(cells) + 1)
            points.append(np.minimum(within, knots[-1][-4]))
            inverses.append(
                np.linalg.pinv(BSpline.design_matrix(points[-1], knots[-1], 3).toarray())
            )
        one, two = np.meshgrid(*points, indexing="ij")
        energy = np.empty(one.size)
        coenergy_rows(np.column_stack([one.ravel(), two.ravel()]), np.array(row), energy)
        coefficients = inverses[0] @ energy.reshape(one.shape) @ inverses[1].T
        self.tck = (*knots, coefficients.ravel(), 3, 3)

    def __call__(self, i_d, i_q, d, q):
        """The derivative of order d along i_d and q along i_q."""
        return float(bisplev(i_d, i_q, self.tck, d, q))

    def linkages(self, i):
        return np.array([self(*i, 1, 0), self(*i, 0, 1)])

    def inductances(self, i):
        cross = self(*i, 1, 1)
        return np.array([[self(*i, 2, 0), cross], [cross, self(*i, 0, 2)]])

    def currents(self, psi, i):
        """The currents at flux linkages, from a guess on."""
        for _ in range(20):
            step = np.linalg.solve(self.inductances(i), psi - self.linkages(i))
            i = i + step
            if np.abs(step).max() < 1e-12:
                break
        return i

    def slopes(self, machine, omega, i, u):
        """di/dt and the torque of a machine with this map."""
        psi = self.linkages(i)
        induced = machine.p * omega * np.array([-psi[1], psi[0]])
        torque = 1.5 * machine.p * (psi[0] * i[1] - psi[1] * i[0])
        return np.linalg.solve(self.inductances(i), u - machine.r_s * i - induced), torque


# ------------------------------------------------------------------------------------------------------------ maps


def test_the_map_gives_the_measured_torque_where_constant_inductances_miss_it():
    theirs = torque_of(I_D, I_Q, PSI_D, PSI_Q)
    ours = torque_of(I_D, I_Q, *measured().linkages(I_D, I_Q))
    assert rms(ours - theirs) < 0.03
    flat = np.column_stack([np.ones_like(I_D), I_D])
    psi_p, l_d = np.linalg.lstsq(flat, PSI_D, rcond=None)[0]
    l_q = (I_Q @ PSI_Q) / (I_Q @ I_Q)
    best = torque_of(I_D, I_Q, psi_p + l_d * I_D, l_q * I_Q)
    assert rms(best - theirs) == pytest.approx(6.99, abs=0.05)


def test_a_map_of_every_second_current_gives_the_torque_between_its_points():
    """What it has not been told it knows as well: far within the 1.5 N m of published algebraic models."""
    known = np.isin(I_D, np.unique(I_D)[::2]) & np.isin(I_Q, np.unique(I_Q)[::2])
    size = 11, 14
    part = [column[known].reshape(size) for column in (I_D, I_Q, PSI_D, PSI_Q)]
    thin = FluxMap.from_arrays(part[0][:, 0], part[1][0], part[2], part[3])
    short = torque_of(I_D, I_Q, *thin.linkages(I_D, I_Q)) - torque_of(I_D, I_Q, PSI_D, PSI_Q)
    assert rms(short[~known]) < 0.3


def test_most_torque_per_ampere_is_that_of_the_measured_map():
    """Angles within 2 degrees, torques within 0.5 % of what another interpolation of the measurement gives."""
    sizes = np.array([5.0, 10.0, 15.0, 20.0])
    i_d, i_q = measured().strongest(sizes)
    angles = np.rad2deg(np.arctan2(i_q, i_d))
    np.testing.assert_allclose(angles, [123.0, 132.0, 137.5, 141.0], atol=2.0)
    torque = torque_of(i_d, i_q, *measured().linkages(i_d, i_q))
    np.testing.assert_allclose(torque, [9.53, 23.7, 39.3, 55.5], rtol=5e-3)
    axes, shape = (np.unique(I_D), np.unique(I_Q)), (21, 27)
    for size, best in zip(sizes, torque, strict=True):
        angle = np.linspace(np.pi / 2, np.pi, 1001)
        at = np.column_stack([size * np.cos(angle), size * np.sin(angle)])
        psi = [RegularGridInterpolator(axes, p.reshape(shape))(at) for p in (PSI_D, PSI_Q)]
        assert torque_of(*at.T, *psi).max() == pytest.approx(best, rel=1e-2)


def test_linkages_are_the_gradient_and_inductances_the_curvature_of_one_spline():
    known, generator = measured(), np.random.default_rng(0)
    spline = Spline(known.row)
    for i_d, i_q in generator.uniform([-20.0, -26.0], [20.0, 26.0], (50, 2)):
        ours = *known.linkages(i_d, i_q), *known.inductances(i_d, i_q)
        orders = (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)
        theirs = [spline(i_d, i_q, *order) for order in orders]
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
        energy = psi_times = ours[0] * i_d + ours[1] * i_q
        energy = 1.5 * (psi_times - spline(i_d, i_q, 0, 0) + spline(0.0, 0.0, 0, 0))
        assert known.energy(i_d, i_q) == pytest.approx(energy, rel=1e-10, abs=1e-12)


def test_inductances_are_positive_definite_inside_the_map_and_beyond_it():
    i_d, i_q = np.meshgrid(np.linspace(-40.0, 40.0, 331), np.linspace(-52.0, 52.0, 331))
    l_dd, l_dq, l_qq = measured().inductances(i_d, i_q, beyond=True)
    assert l_dd.min() > 0.0
    assert (l_dd * l_qq - l_dq**2).min() > 0.0


def test_currents_are_the_inverse_of_the_linkages():
    known = measured()
    i_d, i_q = known.currents(*known.linkages(I_D, I_Q))
    np.testing.assert_allclose(i_d, I_D, atol=1e-9)
    np.testing.assert_allclose(i_q, I_Q, atol=1e-9)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda m: m.linkages(100.0, 100.0), "i_d = 100 A, i_q = 100 A are outside .*-26 to 26 A"),
        (lambda m: m.linkages([0.0, 20.1], 0.0), r"i_d = 20.1 A, i_q = 0 A .* from -20 to 20 A"),
        (lambda m: m.linkages(np.nan, 0.0), "i_d = nan A"),
        (lambda m: m.inductances(1e6, 0.0), r"i_d = 1e\+06 A"),
        (lambda m: m.inductances(0.0, -26.2), "i_q = -26.2 A"),
        (lambda m: m.energy(100.0, 0.0), "i_d = 100 A"),
        (lambda m: m.currents(10.0, 10.0), "psi_d = 10 Vs, psi_q = 10 Vs are those of no current"),
        (lambda m: m.currents(np.nan, 1.0), "psi_d = nan Vs"),
        (lambda m: m.currents(0.4, [0.5, np.inf]), "psi_q = inf Vs"),
        (lambda m: m.strongest(100.0), "no current of 100 A is in the flux map"),
        (lambda m: m.strongest([5.0, np.nan]), "no current of nan A"),
    ],
)
def test_what_a_map_does_not_hold_it_does_not_tell(ask, told):
    with pytest.raises(ValueError, match=told):
        ask(measured())


def test_a_map_tells_up_to_its_edge_and_further_where_it_is_asked_to():
    known = measured()
    edge = known.linkages(20.0, 26.0)
    corner = (I_D == 20.0) & (I_Q == 26.0)
    np.testing.assert_allclose(edge, (PSI_D[corner][0], PSI_Q[corner][0]), atol=2e-3)
    l_dd, l_dq, _ = known.inductances(20.0, 26.0)
    further = known.linkages(21.0, 26.0, beyond=True)
    np.testing.assert_allclose(further, np.add(edge, (l_dd, l_dq)), rtol=1e-12)
    back = known.currents(*further, beyond=True)
    np.testing.assert_allclose(back, (21.0, 26.0), atol=1e-8)


def test_most_torque_per_ampere_is_looked_for_inside_a_map_of_one_side():
    """Of a reluctance machine with d along the larger inductance, whose map holds negative d currents alone."""
    known = FluxMap.sampled(
        lambda d, q: (0.1 + 0.05 * d, 0.01 * q), i_d=grid(-20.0, 0.0), i_q=grid(0.0, 20.0)
    )
    i_d, i_q = known.strongest([5.0, 10.0])
    # (psi + (l_d - l_q) i_d) i_q: at i_d < 0 the magnets and the reluctance work against each other.
    angle = np.linspace(np.pi / 2, np.pi, 20001)
    for size, d, q in zip((5.0, 10.0), i_d, i_q, strict=True):
        a, b = size * np.cos(angle), size * np.sin(angle)
        best = np.max((0.1 + 0.04 * a) * b)
        assert -20.0 <= d <= 1e-7 and np.hypot(d, q) == pytest.approx(size)
        assert (0.1 + 0.04 * d) * q == pytest.approx(best, rel=1e-6)


def test_the_half_of_a_map_is_the_whole():
    half = I_Q >= 0.0
    size = 21, 14
    d, q, psi_d, psi_q = (c[half].reshape(size) for c in MEASURED.T)
    mirrored = FluxMap.from_arrays(d[:, 0], q[0], psi_d, psi_q)
    np.testing.assert_allclose(mirrored.row, measured().row, rtol=1e-6, atol=1e-9)


def test_a_cross_inductance_that_is_not_reciprocal_is_projected():
    """Of fluxes m i_q in d and none in q the nearest reciprocal map is m / 2 both ways: a least-squares solution."""
    axis = np.linspace(-10.0, 10.0, 11)
    small = 2e-4
    known = FluxMap.sampled(
        lambda d, q: (0.05 * d + small * q * d, 0.05 * q), i_d=axis, i_q=axis - axis[0] - 10.0
    )
    i_d, i_q = np.meshgrid(np.linspace(-9.0, 9.0, 31), np.linspace(-9.0, 9.0, 31))
    step = 1e-4
    upper, lower = known.linkages(i_d, i_q + step)[0], known.linkages(i_d, i_q - step)[0]
    right, left = known.linkages(i_d + step, i_q)[1], known.linkages(i_d - step, i_q)[1]
    np.testing.assert_allclose(upper - lower, right - left, atol=1e-12)
    assert 0.0 < known.departure < 0.02


def test_the_shipped_maps_reach_as_far_as_they_say():
    for name, about in SHIPPED.items():
        assert FluxMap.of(name).reach == about.reach


def grid(low, high, count=9):
    return np.linspace(low, high, count)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda d, q: (0.01 * d - 2e-5 * d**3, 0.02 * q), r"not passive: at i_d = -?20 A.*-0\.0"),
        (lambda d, q: (0.01 * d, 0.02 * q + 0.0 * d - 0.02 * q), "singular"),
        (lambda d, q: (0.01 * d + 0.01 * q, 0.02 * q), "not reciprocal.*rms away"),
        (lambda d, q: (0.01 * d, np.where(q > 9.0, np.nan, q)), "is not finite"),
    ],
)
def test_maps_of_no_machine_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        FluxMap.sampled(model, i_d=grid(-20.0, 20.0), i_q=grid(-20.0, 20.0))


def one_sided():
    """The magnets' side of the measured map alone, as for field weakening."""
    kept = (I_D <= 0.0) & (I_Q >= 0.0)
    size = 11, 14
    d, q, psi_d, psi_q = (column[kept].reshape(size) for column in MEASURED.T)
    return FluxMap.from_arrays(d[:, 0], q[0], psi_d, psi_q)


@pytest.mark.parametrize("id", IDS)
def test_a_drive_warns_of_a_map_of_one_side(id):
    machine = SaturatedPMSM(flux_map=one_sided())
    with pytest.warns(
        UserWarning, match=r"holds i_d from -20 to 0 A, .* from -18.67 to 18.67 A to be sure"
    ):
        env = gymnasium.make(id, machine=machine)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"must lie in \[-20, 0\] \(A\)"):
        env.reset(seed=0, options={"state": {"i_sd": 1.0}})
    # A run takes it as it is, and says where it leaves it.
    held = np.tile([[-10.0, 170.0 * machine.psi_p]], (20, 1))
    assert len(simulate(machine, held, tau=1e-4, load={"omega": 80.0})["i_sd"]) == 21
    with pytest.raises(
        ValueError, match="are outside the flux map, which holds i_sd from -20 to 0"
    ):
        simulate(machine, np.full((20, 2), 60.0), tau=1e-4)


def test_a_state_outside_the_map_is_refused_and_one_inside_it_is_taken():
    for env, state in (
        (gymnasium.make(IDS[0]), {"i_sd": 50.0}),
        (gymnasium.make(IDS[0]), {"i_sq": -26.5}),
        (gymnasium.make_vec(IDS[0], num_envs=2), {"i_sd": np.array([0.0, -21.0])}),
    ):
        with pytest.raises(ValueError, match=r"must lie in \[-2[06], 2[06]\] \(A\)"):
            env.reset(seed=0, options={"state": state})
        env.reset(seed=0)
    _, info = env.reset(seed=0, options={"state": {"i_sd": -5.0, "i_sq": 12.0}})
    assert info["i_sd"][0] == -5.0 and info["i_sq"][1] == 12.0


def test_whatever_an_agent_does_a_current_outside_the_map_ends_the_episode():
    envs = gymnasium.make_vec(IDS[0], num_envs=30)
    low, high, most = measured().reach
    envs.reset(seed=0)
    envs.action_space.seed(0)
    left, ended = 0, 0
    for _ in range(300):
        held = envs.action_space.sample()
        for _ in range(8):
            *_, terminated, _, info = envs.step(held)
            inside = (low <= info["i_sd"]) & (info["i_sd"] <= high) & (abs(info["i_sq"]) <= most)
            assert terminated[~inside].all()
            left, ended = left + (~inside).sum(), ended + terminated.sum()
    assert ended > 100 and left > 0


def good(**changes):
    axis = grid(-20.0, 20.0)
    d, q = np.meshgrid(axis, axis, indexing="ij")
    arrays = {"i_d": axis, "i_q": axis, "psi_d": 0.3 + 0.01 * d, "psi_q": 0.03 * q}
    return {name: np.asarray(value).tolist() for name, value in (arrays | changes).items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("ECS101M0H7EF5", "'ECS101M0H7EF4'"),
        ("no_such.csv", "there is no flux map 'no_such.csv'"),
        ({"i_d": [0.0]}, "missing: i_q, psi_d, psi_q"),
        (good() | {"psi_x": []}, "'psi_d'|'psi_q'"),
        (good(i_d=grid(20.0, -20.0)), "increasing"),
        (good(i_d=[0.0, 1.0]), "4 to 400 currents"),
        (good(i_q=grid(-10.0, 20.0)), "as far below as above"),
        (good(psi_d=np.zeros((9, 8))), r"\(9, 9\), got \(9, 8\)"),
        (good() | {"i_d": ["a"] * 9}, "flux map's i_d must be an array of numbers: .*'a'"),
        (good() | {"psi_q": [[1.0, 2.0], [3.0]]}, "flux map's psi_q must be an array of numbers"),
        (good() | {"psi_d": None}, "flux map's psi_d"),
        (good() | {"psi_d": np.array(good()["psi_d"]) + 1j}, "flux map's psi_d is complex"),
        (
            good() | {"psi_q": np.ma.masked_greater(good()["psi_q"], 0.5)},
            "flux map's psi_q is masked in places",
        ),
    ],
)
def test_bad_maps_are_refused_with_what_is_wrong(given, message):
    with pytest.raises(ValueError, match=message):
        SaturatedPMSM(flux_map=given)
    with pytest.raises(TypeError, match="a name, a CSV file"):
        SaturatedPMSM(flux_map=3.0)


def test_files_of_maps_are_read_and_their_gaps_named(tmp_path, monkeypatch):
    assert FluxMap.from_csv(FILE) == measured()
    lines = FILE.read_text().splitlines()
    for changed, message in (
        ([*lines[:40], *lines[41:]], "i_d = -18 A, i_q = -2 A is missing"),
        ([*lines, lines[5]], "comes twice"),
        ([lines[0], "1,2,three,4"], "line 2: not four numbers"),
        (["i_d,i_q,psi_d", "1,2,3"], "missing: psi_q; its header has i_d, i_q, psi_d"),
        (["i_d [mA],i_q,psi_d,psi_q"], "column i_d is in 'mA'; a map is in A: convert it"),
        (["i_d,i_q,psi_d_mVs,psi_q"], "column psi_d is in 'mVs'; a map is in Vs: convert it"),
        (["i_d,i_q,psi_d,psi_q,i_d [A]"], "has the column i_d twice"),
        ([], "its header has nothing"),
    ):
        (tmp_path / "map.csv").write_text("\n".join(changed))
        with pytest.raises(ValueError, match=message):
            FluxMap.from_csv(tmp_path / "map.csv")
    with pytest.raises(ValueError, match=r"did you mean 'map.csv'"):
        FluxMap.from_csv(tmp_path / "mab.csv")
    (tmp_path / "map.csv").write_text("\n".join(lines))
    (tmp_path / "own.toml").write_text('kind = "SaturatedPMSM"\nr_s = 0.7\nflux_map = "map.csv"\n')
    monkeypatch.chdir(tmp_path.parent)
    machine = build_machine(str(tmp_path / "own.toml"), default="SaturatedPMSM")
    assert (machine.r_s, machine.map) == (0.7, measured())


@pytest.mark.parametrize(
    "header",
    [
        "i_d_A,i_q_A,psi_d_Vs,psi_q_Vs",
        "i_d [A], i_q [A], psi_d [Vs], psi_q [V s]",
        "i_d (A),i_q,psi_d (Wb),psi_q",
    ],
)
def test_headers_of_maps_may_say_their_units(header, tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("\n".join([header, *FILE.read_text().splitlines()[1:]]))
    assert FluxMap.of(str(file)) == measured()
    # Further columns are left alone, wherever they stand.
    rows = [f"7,{line}" for line in FILE.read_text().splitlines()[1:]]
    file.write_text("\n".join([f"temperature,{header}", *rows]))
    assert FluxMap.of(file) == measured()


def test_archives_of_numpy_are_maps(tmp_path, monkeypatch):
    known, path = measured(), tmp_path / "map.npz"
    arrays = {name: np.array(getattr(known, name)) for name in ("i_d", "i_q", "psi_d", "psi_q")}
    np.savez(path, **arrays)
    assert FluxMap.of(str(path)) == FluxMap.from_npz(path) == known
    (tmp_path / "own.toml").write_text('kind = "SaturatedPMSM"\nflux_map = "map.npz"\n')
    monkeypatch.chdir(tmp_path.parent)
    assert build_machine(str(tmp_path / "own.toml"), default="SaturatedPMSM").map == known
    # As the map that ships was published: complex, d along the rows.
    current = arrays["i_d"][:, None] + 1j * arrays["i_q"]
    flux = arrays["psi_d"] + 1j * arrays["psi_q"]
    np.savez(path, i_s_dq=current, psi_s_dq=flux)
    assert FluxMap.of(path) == known
    for wrong, message in (
        ({"i_s_dq": current.T, "psi_s_dq": flux.T}, "must be a full grid of currents"),
        ({"i_s_dq": current, "psi_s_dq": flux[:-1]}, "the shape of psi_s_dq"),
        ({"i_d": arrays["i_d"], "psi": flux}, "missing: i_q, psi_d, psi_q; it has i_d, psi"),
        ({"i_d": np.array([None])}, "is no archive of NumPy arrays"),
    ):
        np.savez(path, **wrong)
        with pytest.raises(ValueError, match=message):
            FluxMap.of(path)
    path.write_text("i_d,i_q")
    with pytest.raises(ValueError, match="is no archive of NumPy arrays"):
        FluxMap.of(path)
    with pytest.raises(ValueError, match=r"did you mean 'map.npz'"):
        FluxMap.of(tmp_path / "mab.npz")


def test_what_a_map_loses_is_told(recwarn):
    FluxMap.of("ECS101M0H7EF4")
    FluxMap.of(good())
    assert not recwarn.list
    axis, half = grid(-20.0, 20.0), grid(0.0, 20.0)
    for i_q in (axis, half):
        with pytest.warns(UserWarning, match=r"Vs rms \(.* psi_q has an offset of 0.003 Vs"):
            known = FluxMap.sampled(
                lambda d, q: (0.1 + 0.01 * d, 0.01 * q + 0.003), i_d=axis, i_q=i_q
            )
        # Without i_q there is no psi_q, whatever was measured.
        np.testing.assert_allclose(known.linkages(axis, 0.0)[1], 0.0, atol=1e-9)
    with pytest.warns(UserWarning, match="is taken in its place$"):
        FluxMap.sampled(lambda d, q: (0.05 * d + 5e-5 * q * d, 0.05 * q), i_d=axis, i_q=axis)


def test_a_current_limit_outside_the_map_is_refused():
    with pytest.raises(
        ValueError, match=r"i_limit = 21 A is outside.*-20 to 20 A and i_q up to 26"
    ):
        SaturatedPMSM(i_limit=21.0)
    with pytest.raises(ValueError, match="must give a torque"):
        SaturatedPMSM(
            flux_map=FluxMap.sampled(
                lambda d, q: (0.01 * d, 0.01 * q), i_d=grid(-20, 20), i_q=grid(-20, 20)
            )
        )


# --------------------------------------------------------------------------------------------------------- motion


def voltages(machine, omega, steps):
    """Voltages that let the currents wander within the map."""
    t, turning = np.arange(steps), machine.p * omega
    held = turning * machine.psi_p
    return np.column_stack([250.0 * np.sin(0.21 * t), held + 400.0 * np.sin(0.13 * t + 0.7)])


def test_against_scipy_with_a_spline_of_its_own():
    """SciPy moves the flux linkages, whose currents its own spline gives."""
    machine, tau, omega, steps = SaturatedPMSM(), 1e-4, 90.0, 80
    spline, u = Spline(machine.map.row), voltages(machine, omega, steps)
    i = np.zeros(2)
    psi, theirs = spline.linkages(i), [i]
    turning = machine.p * omega * np.array([[0.0, 1.0], [-1.0, 0.0]])
    for held in u:

        def slope(_, y, held=held, near=i):
            return held - machine.r_s * spline.currents(y, near) + turning @ y

        psi = solve_ivp(slope, (0.0, tau), psi, method="DOP853", rtol=1e-11, atol=1e-12).y[:, -1]
        i = spline.currents(psi, i)
        theirs.append(i)
    theirs = np.array(theirs)
    assert np.all(np.ptp(theirs, axis=0) > 4.0)
    fine = simulate(machine, u, tau=tau, load={"omega": omega}, substeps=64)
    usual = simulate(machine, u, tau=tau, load={"omega": omega})
    adaptive = simulate(machine, u, tau=tau, load={"omega": omega}, rtol=1e-12)
    for run, within in ((fine, 1e-8), (adaptive, 1e-7), (usual, 1e-5)):
        for j, name in enumerate(("i_sd", "i_sq")):
            deviation = np.abs(run[name] - theirs[:, j]).max() / np.abs(theirs[:, j]).max()
            assert deviation < within, name
    torque = [spline.slopes(machine, omega, i, u[0])[1] for i in theirs]
    np.testing.assert_allclose(fine["torque"], torque, atol=1e-6)


def test_the_shaft_and_turning_voltages_are_those_of_the_adaptive_run():
    """From standstill on, with voltages of the stator's frame and a load that lets the shaft turn."""
    load = {"kind": "polynomial_static", "a": 0.2, "b": 0.01, "c": 1e-4, "j_total": 0.06}
    u = 60.0 * np.random.default_rng(4).uniform(-1.0, 1.0, (150, 3))
    runs = [
        simulate("SaturatedPMSM", u, tau=2e-4, frame="abc", load=load, **how)
        for how in ({"substeps": 8}, {"rtol": 1e-11})
    ]
    for name in ("omega", "i_sd", "i_sq", "epsilon", "torque"):
        size = np.abs(runs[1][name]).max()
        np.testing.assert_allclose(runs[0][name], runs[1][name], atol=1e-5 * size)


def test_power_balance():
    """Electrical input = copper loss + shaft power + change of the stored energy, to 1e-6 of what goes through."""
    machine, tau, fine, omega = SaturatedPMSM(), 1e-4, 20, 90.0
    held = voltages(machine, omega, 80)
    u = np.repeat(held, fine, axis=0)
    run = simulate(machine, u, tau=tau / fine, load={"omega": omega}, substeps=4)
    i = np.column_stack([run["i_sd"], run["i_sq"]])
    inside = [slice(k * fine, (k + 1) * fine + 1) for k in range(len(held))]
    given = sum(
        1.5 * simpson(i[part] @ v, dx=tau / fine) for part, v in zip(inside, held, strict=True)
    )
    copper = 1.5 * machine.r_s * simpson(np.sum(i**2, axis=1), dx=tau / fine)
    shaft = simpson(run["torque"] * omega, dx=tau / fine)
    stored = machine.map.energy(run["i_sd"], run["i_sq"])
    through = simpson(np.abs(run["torque"]) * omega, dx=tau / fine) + copper
    assert abs(given - copper - shaft - (stored[-1] - stored[0])) < 1e-6 * through


def test_the_stored_energy_never_grows_without_a_voltage():
    machine, generator = SaturatedPMSM(), np.random.default_rng(1)
    for angle in generator.uniform(-np.pi, np.pi, 12):
        start = {"i_sd": 19.0 * np.cos(angle), "i_sq": 19.0 * np.sin(angle)}
        run = simulate(
            machine, np.zeros((600, 2)), tau=1e-3, load={"omega": 0.0}, initial_state=start
        )
        energy = machine.map.energy(run["i_sd"], run["i_sq"])
        assert np.all(np.diff(energy) < 0.0)
        assert energy[-1] >= 0.0
        assert energy[-1] < 1e-2 * energy[0]


def test_currents_that_leave_the_map_are_refused():
    with pytest.raises(
        ValueError, match=r"in period \d+ the currents.*-20 to 20 A and i_sq from -26"
    ):
        simulate("SaturatedPMSM", np.full((200, 2), 200.0), tau=1e-3, load={"omega": 0.0})


def test_a_straight_map_is_a_machine_of_constant_inductances():
    """Motion, operating points, control: all as of a PMSM, to what the spline rounds and the tables leave open."""
    plain = PMSM()
    numbers = {
        name: getattr(plain, name)
        for name in ("p", "r_s", "j_rotor", "i_nominal", "i_limit", "u_dc")
    }
    bent = SaturatedPMSM(flux_map=linear(plain), **numbers, omega_nominal=300.0, omega_limit=400.0)
    assert (bent.l_d, bent.l_q, bent.psi_p) == pytest.approx((plain.l_d, plain.l_q, plain.psi_p))
    u = 40.0 * np.random.default_rng(0).uniform(-1.0, 1.0, (60, 2))
    runs = [simulate(m, u, tau=1e-4, load={"omega": 100.0}) for m in (plain, bent)]
    for name in ("i_sd", "i_sq", "torque"):
        np.testing.assert_allclose(runs[1][name], runs[0][name], atol=1e-8 * 400.0)
    assert max_torque(bent, 0.9) == pytest.approx(max_torque(plain, 0.9), rel=1e-6)
    tables = [operating_points(machine, 0.9) for machine in (plain, bent)]
    for omega in (0.0, 300.0, 900.0, 1500.0):
        for torque in (-60.0, 1.0, 25.0, 120.0, 1e4):
            one, two = (
                np.array(currents_for_torque(GROUP, torque, omega, 160.0, table))
                for table in tables
            )
            np.testing.assert_allclose(one, two, atol=0.02 * 400.0)
            given = 1.5 * 3 * (plain.psi_p + (plain.l_d - plain.l_q) * one[0]) * one[1]
            again = 1.5 * 3 * (plain.psi_p + (plain.l_d - plain.l_q) * two[0]) * two[1]
            assert again == pytest.approx(given, abs=0.01 * 385.0)


# --------------------------------------------------------------------------------------------- operating points


def test_operating_points_are_the_least_currents_within_the_bound_of_the_flux():
    """Against a search over a fine grid of currents."""
    machine, part = SaturatedPMSM(), 0.9
    table = operating_points(machine, part)
    i_max = part * machine.i_limit
    size = np.linspace(0.0, i_max, 500)[:, None]
    angle = np.linspace(0.0, np.pi, 1441)[None]
    i_d, i_q = size * np.cos(angle), size * np.sin(angle)
    psi_d, psi_q = machine.map.linkages(i_d, i_q)
    torque, flux = torque_of(i_d, i_q, psi_d, psi_q), np.hypot(psi_d, psi_q)
    strongest = max_torque(machine, part)
    for bound in (0.3, 0.5, 0.8, 1.1, 5.0):
        allowed = flux <= bound
        most = np.where(allowed, torque, 0.0).max()
        for share in (0.1, 0.4, 0.7, 0.95, 2.0):
            wanted = share * most
            d, q, _, _ = currents_for_torque(GROUP, wanted, 1.0, bound, table)
            own = torque_of(d, q, *machine.map.linkages(d, q))
            assert own == pytest.approx(min(wanted, most), abs=5e-3 * strongest)
            assert np.hypot(*machine.map.linkages(d, q)) < bound * 1.01
            enough = allowed & (torque >= own - 2e-3 * strongest)
            least = np.where(enough, size, np.inf).min()
            assert np.hypot(d, q) < least + 0.02 * i_max
            opposite = currents_for_torque(GROUP, -wanted, 1.0, bound, table)
            assert opposite[:2] == (d, -q)


def test_where_no_torque_keeps_the_bound_the_field_is_weakened_as_far_as_may_be():
    machine = SaturatedPMSM()
    table = operating_points(machine, 0.9)
    d, q, _, _ = currents_for_torque(GROUP, 10.0, 1000.0, 1.0, table)
    assert d == pytest.approx(-0.9 * machine.i_limit)
    assert q == 0.0


# --------------------------------------------------------------------------------------------------- environments


def test_the_plant_is_that_of_the_machines_equations():
    setup = id_class_of(IDS[2]).configure()
    machine, generator = SaturatedPMSM(), np.random.default_rng(3)
    spline = Spline(machine.map.row)
    for _ in range(5):
        i, omega = generator.uniform(-12.0, 12.0, 2), generator.uniform(-100.0, 100.0)
        u, dx, y = generator.uniform(-200.0, 200.0, 2), np.zeros(3), np.zeros(4)
        setup.plant.derivative(np.array([omega, *i]), np.array([*u, 0.0]), setup.row, dx)
        setup.plant.output(np.array([omega, *i]), np.array([*u, 0.0]), setup.row, y)
        wanted, torque = spline.slopes(machine, omega, i, u)
        np.testing.assert_allclose(dx[1:], wanted, rtol=1e-9)
        assert y[3] == pytest.approx(torque, rel=1e-9)


def test_an_environment_moves_as_the_simulation_does():
    env = gymnasium.make(IDS[0], dead_time=False, speed=80.0, substeps=4, reference_range=10.0)
    env.reset(seed=2)
    machine, infos = SaturatedPMSM(), []
    action = np.array([-0.05, 0.25], np.float32)
    for _ in range(30):
        infos.append(env.step(action)[4])
        assert infos[-1]["violation"] == 0.0
    omega_e, tau = machine.p * 80.0, 1e-4
    u = np.float64(action) @ [1.0, 1j] * machine.u_dc / np.sqrt(3.0)
    # Held in the stator's frame over the period, along the commanded vector in its middle.
    fine = 20
    middle = (np.arange(fine) + 0.5) / fine
    turned = u * np.exp(-1j * omega_e * tau * (middle - 0.5))
    u = np.tile(np.column_stack([turned.real, turned.imag]), (30, 1))
    run = simulate(machine, u, tau=tau / fine, load={"omega": 80.0})
    for name in ("i_sd", "i_sq", "torque"):
        told = [info[name] for info in infos]
        np.testing.assert_allclose(told, run[name][fine::fine], rtol=1e-4)


def test_mismatch_changes_all_fluxes_by_one_factor():
    env = gymnasium.make(IDS[0], mismatch={"flux_scale": 1.2}, speed=0.0, dead_time=False)
    plain = gymnasium.make(IDS[0], speed=0.0, dead_time=False)
    moved = []
    for one in (env, plain):
        one.reset(seed=0)
        moved.append(one.step(np.array([0.0, 0.05], np.float32))[4])
    # Currents begin to move with the reciprocal of the inductances; the torque per current is as the magnets' flux.
    assert moved[0]["i_sq"] * 1.2 == pytest.approx(moved[1]["i_sq"], rel=1e-3)
    share = moved[0]["torque"] / moved[0]["i_sq"] / (moved[1]["torque"] / moved[1]["i_sq"])
    assert share == pytest.approx(1.2, rel=1e-3)


def test_a_map_of_the_users_goes_through_json_and_comes_back():
    one = id_class_of(IDS[1]).configure(machine={"flux_map": good(), "i_limit": 19.0})
    again = json.loads(json.dumps(one.keywords))
    assert again["machine"]["flux_map"]["i_d"] == good()["i_d"]
    two = id_class_of(IDS[1]).configure(**again)
    assert all(np.array_equal(a, b) for a, b in zip(one.tables, two.tables, strict=True))
    env = gymnasium.make(IDS[1], **again)
    agent = gym_suite.make_controller(env)
    observation, _ = env.reset(seed=0)
    assert np.all(np.isfinite(agent.predict(observation)[0]))


def test_each_current_moves_for_itself_wherever_the_iron_is():
    """Where integrals hold the resistive drop, di/dt is error / (2 delay), the magnitude optimum's, on both axes."""
    machine, generator = SaturatedPMSM(), np.random.default_rng(6)
    setup = id_class_of(IDS[0]).configure(dead_time=False)
    delay = 0.5e-4
    gains = [current_gains(*plant, delay) for plant in axis_plants(machine)]
    law, spline = current_law(setup.row, gains, machine), Spline(machine.map.row)
    for i_d, i_q in generator.uniform(-12.0, 12.0, (20, 2)):
        omega, error = generator.uniform(-60.0, 60.0), generator.uniform(-0.02, 0.02, 2)
        i = np.array([i_d, i_q])
        references = i_d + error[0], i_q + error[1], 0.0, 0.0
        memory, seen = machine.r_s * i, (omega, 1.0, 0.0, 0.0)
        given = current_control_one(
            GROUP, (i_d, i_q, 0.0, 0.0), references, seen, memory, 0, law, machine.u_dc
        )
        di, _ = spline.slopes(machine, omega, i, np.array(given[0][:2]))
        np.testing.assert_allclose(di, error / (2.0 * delay), rtol=1e-9)


def test_random_currents_are_those_that_the_voltage_holds():
    envs = gymnasium.make_vec(IDS[0], num_envs=200, speed=314.0)
    _, info = envs.reset(seed=0)
    spline, machine = Spline(SaturatedPMSM().map.row), SaturatedPMSM()
    most = 0.95 * machine.u_dc / np.sqrt(3.0)
    needed = []
    for i in np.column_stack([info["i_sd_ref"], info["i_sq_ref"]]):
        psi = spline.linkages(i)
        induced = machine.p * 314.0 * np.array([-psi[1], psi[0]])
        needed.append(np.hypot(*(machine.r_s * i + induced)))
    assert max(needed) <= most * (1.0 + 1e-9)
    assert max(needed) > 0.97 * most
    assert np.ptp(info["i_sq_ref"]) > machine.i_nominal / 2


_SHAKEN = {"kind": "sine", "amplitude": 10.0, "period": 0.003}
SETTINGS = {
    "nominal": {},
    "noise": {"noise": 0.01},
    "mismatch": {"mismatch": 0.3},
    "delay": {"delay": 1},
    "disturbance": {"disturbance": {"u_sd": _SHAKEN, "u_sq": _SHAKEN | {"phase": 0.25}}},
}
#: What a step of the reference controller earns at least, of 1, and in the mismatch, in which a torque is not known.
EARNS = {"gem/SaturatedPMSM-v0": 0.85, "gem/SaturatedPMSM-Torque-v0": 0.7}
EARNS["gem/SaturatedPMSM-Speed-v0"] = 0.85


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_reference_controller_never_trips(id, setting):
    envs = gymnasium.make_vec(id, num_envs=20, **SETTINGS[setting])
    agent = gym_suite.make_controller(envs)
    observation, _ = envs.reset(seed=0)
    start, state, earned = np.ones(20, np.bool_), None, 0.0
    for _ in range(1500):
        action, state = agent.predict(observation, state, start)
        observation, reward, terminated, truncated, _ = envs.step(action)
        assert not terminated.any()
        start = terminated | truncated
        earned += reward.mean() / 1500
    assert earned > EARNS[id]
