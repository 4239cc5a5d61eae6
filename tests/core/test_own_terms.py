"""Reward terms of a user's own: formulas over named columns, in every face and beside the id's own terms."""

import copy
import json
import math
import pickle

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.comparison import compare
from gym_suite.core.expressions import Formula

DRIVE, BAND, FLEET = "gem/PMSM-v0", "radio/GilbertElliott-v0", "agv/Fleet-v0"
TERMS = {"torque": "-0.1 * abs(torque)", "heat": "-1e-6 * (i_sd**2 + i_sq**2)"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("-a ** 2", -4.0),
        ("(-a) ** 2", 4.0),
        ("a if b > 0 else -a", [2.0, 2.0, -2.0]),
        ("0 < b < 2", [1.0, 0.0, 0.0]),
        ("b > 0 and not b > 2 or b == -1", [1.0, 0.0, 1.0]),
        ("floor(b / 2) + mod(b, 2)", [1.0, 2.0, 0.0]),
        ("min(a, b) + max(b, 0) + clip(b, 0, 1)", [3.0, 6.0, -1.0]),
        ("hypot(3, 4) + sqrt(a + 2) + arctan2(0, -1)", 7.0 + math.pi),
        ("exp(log(a)) + sin(pi / 2) + cos(0) + tan(0) + tanh(0) + sign(-3) + abs(-1)", 4.0),
    ],
)
def test_a_formula_means_what_it_says(text, expected):
    columns = {"a": np.full(3, 2.0), "b": np.array([1.0, 3.0, -1.0])}
    formula = Formula(text, columns, "this")
    for one in (formula, pickle.loads(pickle.dumps(formula)), copy.deepcopy(formula)):
        assert np.allclose(np.broadcast_to(one(columns), 3), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no formula"),
        ("a +", "is no formula"),
        ("a; b", "is no formula"),
        ("torqe", "unknown column of this 'torqe'. Did you mean 'torque'"),
        ("abz(a)", "unknown function of this 'abz'. Did you mean 'abs'"),
        ("min(a)", "min takes 2 arguments, got 1"),
        ("a // 2", "has an operation that no formula knows"),
        ("a & a", "has an operation that no formula knows"),
        ("__import__('os').system('true')", "is none of what a formula is made of"),
        ("a.__class__", "is none of what a formula is made of"),
        ("(lambda: 1)()", "is none of what a formula is made of"),
        ("[a for a in a]", "is none of what a formula is made of"),
        ("a[0]", "is none of what a formula is made of"),
        ("'a'", "is none of what a formula is made of"),
        ("abs(*a)", "is none of what a formula is made of"),
        ("clip(a, 0, x=1)", "is none of what a formula is made of"),
        ("(" * 300 + "a" + ")" * 300, "a formula has at most 500 characters"),
        ("(" * 240 + "a" + ")" * 240, "is no formula"),
    ],
)
def test_what_is_no_formula_is_refused_in_a_sentence(text, message):
    with pytest.raises(ValueError) as refused:
        Formula(text, ("a", "torque"), "this")
    assert message in str(refused.value)


def test_terms_are_added_to_the_reward_and_told_beside_the_ids_own():
    plain, own = gymnasium.make(DRIVE), gymnasium.make(DRIVE, reward_terms=TERMS)
    plain.reset(seed=1), own.reset(seed=1)
    own.action_space.seed(0)
    for _ in range(40):
        action = own.action_space.sample()
        _, base, *_ = plain.step(action)
        _, reward, *_, info = own.step(action)
        torque = -0.1 * abs(info["torque"])
        heat = -1e-6 * (info["i_sd"] ** 2 + info["i_sq"] ** 2)
        assert info["reward_torque"] == pytest.approx(torque, rel=1e-14) and torque < 0
        assert info["reward_heat"] == pytest.approx(heat, rel=1e-14)
        assert reward == base + info["reward_torque"] + info["reward_heat"]
        names = own.unwrapped.setup.reward_terms
        assert reward == sum(info[name] for name in names) and names[-2:] == (
            "reward_torque",
            "reward_heat",
        )
    assert "own: `-0.1 * abs(torque)`" in {t.formula for t in own.unwrapped.setup.terms}


def test_actions_and_states_have_names_and_a_function_will_do():
    def late(columns):
        return -columns["u_sd"] + 0.5 * columns["i_sq_ref"]

    env = gymnasium.make(DRIVE, reward_terms={"late": late, "same": "0.5 * i_sq_ref - u_sd"})
    env.reset(seed=0)
    *_, info = env.step(np.array([0.25, 0.0], np.float32))
    assert info["reward_late"] == info["reward_same"] != 0.0


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_many_worlds_pay_as_single_ones_through_their_ends(mode):
    terms = {"count": "1 if channel > 0 else 0.25", "cost": "-0.1 * channel"}
    keywords = {"reward_terms": terms, "max_episode_steps": 7}
    envs = gymnasium.make_vec(BAND, num_envs=3, autoreset_mode=mode, **keywords)
    singles = [gymnasium.make(BAND, **keywords) for _ in range(3)]
    envs.reset(seed=4)
    for i, env in enumerate(singles):
        _, info = env.reset(seed=4 + i)
        assert info["reward_count"] == info["reward_cost"] == 0.0
    envs.action_space.seed(1)
    over = np.zeros(3, bool)
    for _ in range(20):
        if mode == "Disabled" and over.any():
            envs.reset(options={"reset_mask": over})
            [env.reset() for env in singles]
            over[:] = False
        action = envs.action_space.sample()
        _, reward, _, truncated, infos = envs.step(action)
        for i, env in enumerate(singles):
            if over[i] and mode == "NextStep":
                env.reset()
                assert reward[i] == 0.0 == infos["reward_count"][i]
                over[i] = False
                continue
            _, own, _, cut, info = env.step(action[i])
            assert reward[i] == own and truncated[i] == cut
            told = infos["final_info"] if cut and mode == "SameStep" else infos
            assert told["reward_cost"][i] == info["reward_cost"]
            over[i] = cut
            if cut and mode == "SameStep":
                env.reset()


def test_every_agent_gets_the_term():
    plain = gym_suite.parallel_env(FLEET, agents=2)
    own = gym_suite.parallel_env(FLEET, agents=2, reward_terms={"haste": "-0.01 * goal_distance"})
    plain.reset(seed=0), own.reset(seed=0)
    action = {agent: np.array([0.5, 0.1], np.float32) for agent in own.agents}
    _, base, *_ = plain.step(action)
    _, rewards, _, _, infos = own.step(action)
    for agent in own.agents:
        haste = infos[agent]["reward_haste"]
        assert haste == pytest.approx(-0.01 * infos[agent]["goal_distance"]) and haste < 0
        assert rewards[agent] == base[agent] + haste


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_and_specs_keep_the_terms(twin):
    env = gymnasium.make(DRIVE, reward_terms=TERMS)
    env.reset(seed=0)
    other = twin(env.unwrapped)
    action = np.array([0.3, 0.2], np.float32)
    assert env.step(action)[1] == other.step(action)[1]
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.setup.reward_terms == env.unwrapped.setup.reward_terms
    pickle.loads(pickle.dumps(env.unwrapped.nominal))
    assert json.loads(json.dumps(dict(env.spec.kwargs)))["reward_terms"] == TERMS


@pytest.mark.parametrize(
    ("terms", "error", "message"),
    [
        ("abs(torque)", TypeError, "reward_terms must map names to formulas"),
        ({"a": [3]}, TypeError, "must be a formula or a function"),
        ({"a b": "1"}, ValueError, "a name is letters, digits and _, got 'a b'"),
        ({"current": "torqe"}, ValueError, "unknown column of reward term 'current' 'torqe'"),
    ],
)
def test_terms_that_cannot_be_are_refused(terms, error, message):
    with pytest.raises(error, match=message):
        gymnasium.make(DRIVE, reward_terms=terms)


def test_a_term_of_the_id_keeps_its_name_and_one_that_is_not_finite_is_named():
    first = gymnasium.make(DRIVE).unwrapped.setup.reward_terms[0].removeprefix("reward_")
    with pytest.raises(ValueError, match=f"has a term '{first}' already"):
        gymnasium.make(DRIVE, reward_terms={first: "1"})
    envs = gymnasium.make_vec(BAND, num_envs=3, reward_terms={"bad": "log(channel - 1)"})
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="reward_bad is nan in world 1; it must be finite"):
        envs.step(np.array([3, 0, 0]))


def test_a_comparison_is_run_on_the_terms_and_shows_no_bounds_of_another_reward():
    result = compare(
        BAND, agents=["random"], seeds=2, settings="nominal", horizon=20, progress=False,
        keywords={"reward_terms": {"more": "1"}},
    )  # fmt: skip
    zero = next(r for r in result.records if r["agent"]["name"] == "zero")
    assert zero["metrics"]["return"] == 20.0
    assert result.marks(result.experiments[0]) == ()
