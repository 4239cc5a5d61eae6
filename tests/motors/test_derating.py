"""Derating as a task: the most torque that winding and magnets bear, by a line and by looking ahead."""

import gymnasium
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import gym_suite
from gym_suite.comparison import settings
from gym_suite.motors.controllers.derating import heat_flow, loss_table
from gym_suite.motors.render import MotorRenderer
from gym_suite.motors.thermal import ThermalNetwork

ID = "gem/PMSM-Thermal-v0"
NODES = ("temperature_winding", "temperature_magnet", "temperature_housing")


def run(agent, *, worlds=1, steps, given=None, seed=50_000, **keywords):
    """Return what an agent earns, (worlds,), and what ``info`` told after each step, (steps, worlds)."""
    envs = gymnasium.make_vec(ID, num_envs=worlds, **keywords)
    controller = gym_suite.make_controller(envs, agent, **(given or {}))
    o, info = envs.reset(seed=seed)
    state, start, total, told = None, np.ones(worlds, bool), np.zeros(worlds), []
    for _ in range(steps):
        action, state = controller.predict(o, state, start)
        o, reward, terminated, _, info = envs.step(action)
        assert not terminated.any(), len(told)
        start, total = np.zeros(worlds, bool), total + reward
        told.append(info)
    return total, {name: np.array([one[name] for one in told]) for name in (*NODES, "torque")}


def nominal(**keywords):
    return gymnasium.make(ID, **keywords).unwrapped.nominal


def equations(values, copper, iron, friction):
    """The network's equations, written anew: copper loss of the nominal temperature, iron loss and friction in W."""

    def slopes(_, y):
        winding, magnet, housing = y
        heat = copper * (1.0 + values["alpha_winding"] * (winding - values["temperature_nominal"]))
        out = (winding - housing) / values["rth_winding"]
        through = (magnet - housing) / values["rth_magnet"]
        rotor = values["rotor_share"] * iron
        away = (housing - values["ambient"]) / values["rth_housing"]
        return (
            (heat - out) / values["c_winding"],
            (rotor - through) / values["c_magnet"],
            (out + through - away + iron - rotor + friction) / values["c_housing"],
        )

    return slopes


# --------------------------------------------------------------------------------------------------- the model


def test_the_linear_network_rests_where_its_algebra_says_and_moves_as_its_equations():
    values = nominal().parameters
    numbers = {name: values[name] for name in ThermalNetwork.__dataclass_fields__}
    a, b = heat_flow(values)
    losses = np.array([1500.0, 300.0, 80.0, values["ambient"]])
    rest = ThermalNetwork(**numbers).settled(*losses[:3])
    np.testing.assert_allclose(-np.linalg.solve(a, b @ losses), list(rest.values()), rtol=1e-12)
    y = np.array([120.0, 90.0, 100.0])
    cold = dict(values) | {"alpha_winding": 0.0}
    np.testing.assert_allclose(a @ y + b @ losses, equations(cold, *losses[:3])(0.0, y), rtol=1e-12)


def test_the_losses_and_the_heat_that_are_foreseen_are_those_of_the_simulated_drive():
    """Half a minute at one torque: the network's equations with the table's losses against the drive."""
    keywords = {"load": {"kind": "constant_speed", "omega": 200.0}, "reference": 150.0}
    envs = gymnasium.make(ID, **keywords)
    model = envs.unwrapped.nominal
    _, start = envs.reset(seed=3)
    for _ in range(300):
        *_, info = envs.step(np.array([150.0 / model.parameters["torque_limit"]]))
    copper, iron, friction, i_q = loss_table(model).at(np.array([150.0]), np.array([200.0]))[:, 0]
    assert i_q == pytest.approx(info["i_sq"], rel=0.01)
    assert iron == pytest.approx(info["loss_iron"], rel=0.1)  # the warm magnet's flux is less
    assert friction == pytest.approx(info["loss_friction"], rel=0.01)
    y = solve_ivp(
        equations(model.parameters, copper, iron, friction),
        (0.0, 30.0),
        [float(start[name]) for name in NODES],
        rtol=1e-9,
        atol=1e-9,
    ).y[:, -1]
    np.testing.assert_allclose(y, [float(info[name]) for name in NODES], atol=0.3)
    assert y[0] > float(start[NODES[0]]) + 10.0


def test_the_cap_is_the_largest_that_the_equations_allow_over_the_preview():
    """Of a demand that stays, the torque that falls with the winding's 60 s and brings SciPy's course to the limit."""
    keywords = {
        "load": {"kind": "constant_speed", "omega": 150.0},
        "reference": 300.0,
        "thermal": {"limit_winding": 150.0, "ambient": 130.0},
    }
    env = gymnasium.make(ID, **keywords)
    observation, _ = env.reset(seed=0)
    controller = gym_suite.make_controller(env, "preview-derating", compensation=False)
    model = env.unwrapped.nominal
    command = controller.predict(observation)[0][0] * model.parameters["torque_limit"]
    table = loss_table(model)

    def beyond(torque):
        def slopes(t, y):
            now = np.array([torque * np.exp(-t / 60.0)])
            lost = table.at(now, np.array([150.0]))[:3, 0]
            return equations(model.parameters, *lost)(t, y)

        course = solve_ivp(slopes, (0.0, 30.0), [130.0] * 3, rtol=1e-8, atol=1e-8, max_step=1.0)
        return course.y[0].max() - 148.5

    assert command == pytest.approx(brentq(beyond, 50.0, 300.0), rel=0.02)


def test_previews_show_the_demands_that_come():
    env = gymnasium.make(ID, duration=12.0)
    columns = env.unwrapped.setup.observation_columns
    first, _ = env.reset(seed=4)
    for _ in range(70):
        observation, *_, info = env.step(np.zeros(1))
    assert observation[columns.index("torque_ref")] == first[columns.index("torque_ref_7")]
    assert first[columns.index("torque_ref")] != first[columns.index("torque_ref_7")]
    shown = [observation[columns.index(name)] * columns[name].scale for name in NODES]
    assert shown == pytest.approx([float(info[name]) for name in NODES], rel=1e-6)


# ---------------------------------------------------------------------------------------------- what it is worth


def test_whoever_gives_all_that_is_demanded_burns_the_winding():
    env = gymnasium.make(ID, thermal={"limit_winding": 150.0}, reference=300.0, duration=100.0)
    env.reset(seed=1, options={"state": {"temperature_winding": 120.0}})
    for _ in range(999):
        _, _, terminated, _, info = env.step(np.ones(1))
        if terminated:
            break
    assert terminated and info["temperature_winding"] > 150.0 and info["reward_trip"] < 0.0
    assert np.hypot(info["i_sd"], info["i_sq"]) < 400.0


SETTINGS = {**settings.SETTINGS}
SETTINGS["disturbance"] = {
    "disturbance": {name: settings.DISTURBANCES[name] for name in ("u_sd", "u_sq")}
}
#: From a hot start, so that a short episode has to be derated.
HOT = {"ambient": 65.0, "limit_winding": 150.0, "temperature_low": 110.0, "temperature_high": 120.0}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_hot_drive_bears_the_demand_and_looking_ahead_earns_more_than_the_line(name):
    keywords = {"thermal": HOT, "duration": 45.0, **SETTINGS[name]}
    line, _ = run("derating", worlds=4, steps=449, **keywords)
    ahead, told = run("preview-derating", worlds=4, steps=449, **keywords)
    nothing, _ = run("zero", worlds=4, steps=449, **keywords)
    assert told["temperature_winding"].max() > 140.0  # it uses what there is
    assert ahead.mean() > line.mean() > nothing.mean()


@pytest.mark.parametrize("reference", [300.0, -300.0])
@pytest.mark.parametrize(
    ("winding", "magnet", "part"),
    [
        (139.0, 40.0, 0.5),  # 10 K below the end of the winding's line, which begins 20 K below it
        (144.0, 40.0, 0.25),
        (100.0, 108.0, 0.55),  # the magnets' line counts where it is the lower one
        (139.0, 114.0, 0.25),
        (60.0, 40.0, 1.0),
        (149.5, 40.0, 0.0),
    ],
)
def test_the_line_gives_the_part_of_the_torque_that_its_page_says(winding, magnet, part, reference):
    """Full torque 21 K below a limit, none 1 K below it and linear between, in both directions."""
    limits = {"limit_winding": 150.0, "limit_magnet": 120.0}
    env = gymnasium.make(ID, reference=reference, thermal=limits)
    state = {"temperature_winding": winding, "temperature_magnet": magnet}
    observation, _ = env.reset(seed=0, options={"state": state})
    most = env.unwrapped.nominal.parameters["torque_limit"]
    command = gym_suite.make_controller(env).predict(observation)[0][0] * most
    wanted = np.copysign(min(abs(reference), part * most), reference)
    assert command == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_over_whole_episodes_looking_ahead_gives_more_than_the_narrowest_line():
    line, cut = run("derating", worlds=8, given={"width": 2.0}, steps=1199)
    ahead, told = run("preview-derating", worlds=8, steps=1199)
    assert ahead.mean() > line.mean()
    assert told["torque"].sum() > cut["torque"].sum()


def test_torque_that_warm_magnets_lack_is_commanded_on_top():
    keywords = {"load": {"kind": "constant_speed", "omega": 100.0}, "reference": 120.0}
    keywords["thermal"] = HOT
    _, plain = run("derating", steps=5, **keywords)
    _, more = run("preview-derating", steps=5, **keywords)
    assert plain["torque"][-1] < 0.97 * 120.0
    assert more["torque"][-1] == pytest.approx(120.0, rel=0.01)


def test_a_comparison_tells_the_share_of_the_torque_and_the_highest_temperature():
    found = gym_suite.compare(
        ID, agents=["derating"], seeds=[7], settings=("nominal",), horizon=100, progress=False
    )
    (row,) = next(s for s in found.standings(ID) if s.name == "derating").rows
    env = gymnasium.make(ID)
    controller, hidden, told = gym_suite.make_controller(env), None, []
    observation, first = env.reset(seed=7)
    for _ in range(100):
        action, hidden = controller.predict(observation, hidden)
        observation, *_, info = env.step(action)
        told.append(info)

    def column(name):
        return np.array([float(info[name]) for info in told])

    share = np.abs(column("torque")).sum() / np.abs(column("torque_ref")).sum()
    shaft = np.abs(column("power_shaft")).sum()
    kinds = ("copper", "iron", "conduction", "switching", "friction")
    lost = sum(column(f"loss_{kind}").sum() for kind in kinds)
    hottest = max(float(first[NODES[0]]), column(NODES[0]).max())
    assert row.metrics["TorqueShare"].estimate == pytest.approx(share, rel=1e-5)
    assert row.metrics["HottestWinding"].estimate == pytest.approx(hottest, rel=1e-5)
    assert row.metrics["Throughput"].estimate == pytest.approx(shaft / (shaft + lost), rel=1e-5)


def test_the_dashboard_has_a_chart_of_the_temperatures_with_the_limit():
    setup = gymnasium.make(ID).unwrapped.setup
    renderer = MotorRenderer(setup)
    for step in range(3):
        renderer.append(0, step, np.linspace(50.0, 90.0, len(setup.metric_columns)), None)
    assert renderer.frame(0).shape == (540, 960, 3)
    (panel,) = [panel for panel in renderer.stage().panels if panel.title == "temperature"]
    assert panel.names == NODES and panel.unit == "degC"
    assert panel.limits == (150.0,)


# ----------------------------------------------------------------------------------------------------- bad input


def test_a_task_that_shows_temperatures_refuses_a_drive_without_heat():
    with pytest.raises(ValueError, match="it needs a thermal network"):
        gymnasium.make(ID, thermal=None)


@pytest.mark.parametrize(
    ("id", "agent", "keywords", "given", "words"),
    [
        (ID, "preview-derating", {"preview": 0}, {}, "preview = 0 shows none of it"),
        (ID, "preview-derating", {}, {"correction": 0.0}, "correction"),
        (ID, "derating", {}, {"width": -1.0}, "width"),
        (ID, "derating", {"control": "voltage"}, {}, "LinearDerating derates"),
    ],
)
def test_controllers_refuse_what_they_are_not_for(id, agent, keywords, given, words):
    with pytest.raises(ValueError, match=words):
        gym_suite.make_controller(gymnasium.make(id, **keywords), agent, **given)
