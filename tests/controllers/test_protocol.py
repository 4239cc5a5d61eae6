"""What every controller promises: scikit-learn's rules, batching, fresh starts, kept states."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from gym_suite.controllers.baselines import DoNothing
from gym_suite.controllers.gains import Gains
from gym_suite.controllers.pid import pi_batch
from gym_suite.controllers.protocol import Agent, Controller, Loop, nominal_of
from gym_suite.controllers.tuning import magnitude_optimum


class Integrator(Controller):
    """Sums what it sees.

    Args:
        bandwidth: Scale of the gain.
        offset: Added to the action.
    """

    name = "sum"
    state_size = 2

    def __init__(self, *, bandwidth=1.0, offset=0.0):
        self.bandwidth = bandwidth
        self.offset = offset

    def _tune(self, nominal):
        gains = magnitude_optimum(10.0, 0.02, dt=nominal.dt).with_unit("V/A")
        self.gains_ = {"i": gains, "offset": self.offset}
        self.gain_units_ = {"offset": "V"}

    def _law(self, observation, state):
        assert observation.flags.c_contiguous and observation.dtype == np.float64
        assert state.flags.c_contiguous and state.dtype == np.float64
        state += observation
        return self.bandwidth * state[:, :1] + self.offset


@pytest.fixture
def nominal():
    setup = SimpleNamespace(observation_columns=("a", "b"))
    return SimpleNamespace(setup=setup, dt=1e-4, plant=None)


@pytest.fixture
def controller(nominal):
    return Integrator.for_env(nominal)


def test_constructor_stores_and_clone_copies(nominal):
    tuned = Integrator.for_env(nominal, bandwidth=3.0)
    assert tuned.get_params() == {"bandwidth": 3.0, "offset": 0.0}
    twin = tuned.clone()
    assert twin.get_params() == tuned.get_params()
    assert not hasattr(twin, "gains_")
    assert tuned.set_params(offset=1.0) is tuned
    assert tuned.offset == 1.0
    assert repr(twin) == "Integrator(bandwidth=3.0, offset=0.0)"


@pytest.mark.parametrize(
    "call",
    [
        lambda nominal: Integrator(bandwith=1.0),
        lambda nominal: Integrator.for_env(nominal, bandwith=1.0),
        lambda nominal: Integrator().set_params(bandwith=1.0),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(nominal, call):
    with pytest.raises(ValueError, match=r"bandwidth.*as gains={...}"):
        call(nominal)


def test_a_controller_without_parameters_refuses_any(nominal):
    class Plain(Controller):
        """Has none."""

    with pytest.raises(ValueError, match="gain"):
        Plain(gain=1.0)


def test_agents_are_recognised(controller):
    assert isinstance(controller, Agent)
    assert not isinstance(object(), Agent)


def test_pickle_and_deepcopy_keep_the_tuning(controller):
    for twin in (pickle.loads(pickle.dumps(controller)), copy.deepcopy(controller)):
        assert twin.describe() == controller.describe()


def test_predict_before_tuning_says_what_to_do():
    with pytest.raises(ValueError, match="for_env"):
        Integrator().predict(np.zeros(2))


def test_single_rows_equal_batches(controller):
    observations = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    batch_state, states = None, [None] * 3
    for observation in observations:
        action, batch_state = controller.predict(observation, batch_state)
        assert action.shape == (3, 1)
        assert action.dtype == np.float32
        for row in range(3):
            one, states[row] = controller.predict(observation[row], states[row])
            assert one.shape == (1,)
            np.testing.assert_array_equal(one, action[row])
            np.testing.assert_array_equal(states[row], batch_state[row])


def test_predict_leaves_the_given_state_alone(controller):
    _, state = controller.predict(np.ones((2, 2)))
    kept = state.copy()
    _, following = controller.predict(np.ones((2, 2)), state)
    np.testing.assert_array_equal(state, kept)
    np.testing.assert_array_equal(following, 2.0)


def test_episode_start_restarts_the_marked_rows_only(controller):
    _, state = controller.predict(np.ones((3, 2)))
    _, state = controller.predict(np.ones((3, 2)), state, np.array([True, False, True]))
    np.testing.assert_array_equal(state[:, 0], [1.0, 2.0, 1.0])
    _, state = controller.predict(np.ones((3, 2)), state, True)
    np.testing.assert_array_equal(state, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(3),), "observation must have shape"),
        ((np.zeros((2, 2, 2)),), "observation must have shape"),
        ((np.zeros((2, 2)), np.zeros((3, 2))), "state must have shape"),
        ((np.zeros(2), np.zeros((1, 2))), "state must have shape"),
        ((np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(3)), "episode_start"),
    ],
)
def test_wrong_shapes_are_refused(controller, arguments, message):
    with pytest.raises(ValueError, match=message):
        controller.predict(*arguments)


def test_describe_gives_gains_with_units(controller):
    described = controller.describe()
    assert described["name"] == "sum"
    assert described["information"] == "observation"
    assert described["rule"] == "magnitude optimum"
    assert "Kessler" in described["source"]
    assert described["summary"] == "Sums what it sees."
    gains = controller.gains_["i"]
    assert described["gains"] == {
        "i.kp": {"value": gains.kp, "unit": "V/A"},
        "i.ki": {"value": gains.ki, "unit": "V/(A s)"},
        "offset": {"value": 0.0, "unit": "V"},
    }


def test_nominal_of_accepts_env_unwrapped_and_nominal(nominal):
    bare = SimpleNamespace(nominal=nominal)
    wrapped = SimpleNamespace(unwrapped=bare)
    assert nominal_of(wrapped) is nominal_of(bare) is nominal_of(nominal) is nominal
    with pytest.raises(TypeError, match="env"):
        nominal_of(42)


def test_loop_from_gains_multiplies_law_and_plant():
    gains = Gains(kp=2.0, ki=3.0, kd=0.5, rule="r", source="s")
    loop = Loop.from_gains("x", gains, numerator=[4.0], denominator=[5.0, 6.0], delay=0.1)
    s = 0.7 + 0.2j
    law = gains.kp + gains.ki / s + gains.kd * s
    value = np.polyval(loop.numerator, s) / np.polyval(loop.denominator, s)
    assert value == pytest.approx(law * 4.0 / (5.0 * s + 6.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numerator": ()}, "numerator"),
        ({"denominator": (0.0, 0.0)}, "denominator"),
        ({"delay": -1.0}, "delay"),
        ({"dt": np.nan}, "dt"),
    ],
)
def test_a_bad_loop_is_refused(change, message):
    values = {"label": "x", "numerator": (1.0,), "denominator": (1.0, 0.0)} | change
    with pytest.raises(ValueError, match=message):
        Loop(**values)


def test_the_package_offers_its_names():
    import gym_suite.controllers as package

    assert package.DoNothing is DoNothing
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="PIX"):
        _ = package.PIX
    assert pi_batch is not None
