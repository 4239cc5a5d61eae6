"""A scenario is data: what is wrong is refused with the key's path, and nothing in it is executed."""

import copy
import json

import gymnasium
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gym_suite.radio import Entity, Scenario, import_rfrl, read_scenario, schema, shipped
from gym_suite.radio.bounds.chains import Chain, Uncounted
from gym_suite.radio.scenario.draws import read_draws
from gym_suite.radio.scenario.kinds import KIND, NAMES

OWN = {
    "channels": 4,
    "link": {},
    "steps": 10,
    "entities": {"a": {"kind": "stochastic_hopper", "channels": [0, 1], "weights": [0.5, 0.5]}},
}
PEER = {
    "environment": {
        "num_channels": 4,
        "max_steps": 10,
        "observation_mode": "detect",
        "reward_mode": "dsa",
        "target_entity": None,
    },
    "entities": {
        "a": {"type": "StochasticHopFreq", "channels": [0, 1], "channel_weights": [0.5, 0.5]}
    },
}


def changed(base, path, value):
    result = copy.deepcopy(base)
    here = result
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("base", "path", "value", "message"),
    [
        (OWN, ["channels"], 10_000, r"scenario\.channels must lie in \[1, 256\], got 10000"),
        (OWN, ["channels"], 3.5, r"scenario\.channels must be a whole number"),
        (OWN, ["steps"], 0, r"scenario\.steps"),
        (OWN, ["goal"], "acess", r"scenario\.goal 'acess'.*'access'"),
        (OWN, ["goal"], "jam", r"scenario\.target is missing"),
        (
            OWN,
            ["entities", "a", "weights"],
            [0.5, 0.4],
            r"entities\.a\.weights must sum to 1.*0\.9",
        ),
        (OWN, ["entities", "a", "weights"], [1.0], r"one probability per channel, 2, got 1"),
        (
            OWN,
            ["entities", "a", "channels"],
            [0, 4],
            r"entities\.a\.channels\[1\] must lie in \[0, 3\]",
        ),
        (OWN, ["entities", "a", "channels"], "01", r"entities\.a\.channels must be a list"),
        (OWN, ["entities", "a", "kind"], "stochastic_hoper", r"'stochastic_hopper'"),
        (
            OWN,
            ["entities", "a", "start"],
            "__import__('os').getpid()",
            r"entities\.a\.start must be",
        ),
        (OWN, ["entities", "a", "reaction"], 1, r"unknown key of scenario\.entities\.a"),
        (OWN, ["entities", "a", "distance"], 50.0, r"entities\.a\.distance counts only beside"),
        (OWN, ["link"], {"distance": 50.0}, r"link\.distance counts only beside"),
        (OWN, ["entities", "a"], 3, r"entities\.a must be an object"),
        (PEER, ["environment", "num_channels"], 10_000, r"environment\.num_channels"),
        (PEER, ["environment", "agents"], {}, r"environment\.agents"),
        (
            PEER,
            ["entities", "a", "type"],
            "StocasticHopFreq",
            r"entities\.a\.type.*'StochasticHopFreq'",
        ),
        (
            PEER,
            ["entities", "a", "channel_weights"],
            [0.9, 0.9],
            r"entities\.a\.channel_weights must sum",
        ),
        (
            PEER,
            ["entities", "a", "start"],
            "__import__('os').getpid()",
            r"entities\.a\.start must be",
        ),
        (PEER, ["entities", "a", "onoff"], [1, 1], r"entities\.a\.onoff must have 3 numbers"),
        (PEER, ["environment", "reward_mode"], "jam", r"environment\.target_entity"),
    ],
)
def test_mistakes_are_named_by_their_path(base, path, value, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("radio/Access-v0", scenario=changed(base, path, value))


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"channels": 4', '{"channels": NaN}', "\x00\x01"])
def test_broken_files_are_refused(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"broken\.json"):
        read_scenario(path)


def test_an_expression_in_a_file_is_not_executed(tmp_path):
    path, trace = tmp_path / "evil.json", tmp_path / "trace"
    scenario = changed(PEER, ["entities", "a", "stop"], f"open({str(trace)!r}, 'w')")
    path.write_text(json.dumps(scenario))
    with pytest.raises(ValueError, match=r"entities\.a\.stop"):
        import_rfrl(path)
    assert not trace.exists()


def test_json_toml_mapping_and_dataclass_give_the_same_scenario(tmp_path):
    (tmp_path / "s.json").write_text(json.dumps({"name": "s"} | OWN))
    (tmp_path / "s.toml").write_text(
        'channels = 4\nsteps = 10\n[entities.a]\nkind = "stochastic_hopper"\n'
        "channels = [0, 1]\nweights = [0.5, 0.5]\n"
    )
    built = Scenario(
        name="s",
        channels=4,
        steps=10,
        entities=(Entity(name="a", kind="stochastic_hopper", channels=(0, 1), weights=(0.5, 0.5)),),
    )
    assert read_scenario(tmp_path / "s.json") == read_scenario(tmp_path / "s.toml") == built
    assert read_scenario({"name": "s"} | OWN) == read_scenario(built) == built


@pytest.mark.parametrize("name", shipped())
def test_a_scenario_survives_its_own_form(name):
    scenario = read_scenario(name)
    assert read_scenario(json.loads(json.dumps(scenario.to_dict()))) == scenario


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="paper_s2"):
        read_scenario("papers2")


def test_every_kind_has_its_keys_and_its_chances():
    """A kind without a chain is fine: its ids then have no computed bounds."""
    for kind in NAMES:
        own = {"width": 1} if kind in ("sweep", "random_jammer") else {}
        own |= {"table": [[-90.0] * 3] * 5} if kind == "playback" else {}
        own |= {"law": "mod(step, channels)"} if kind == "own" else {}
        own |= {"channels": [1]} if "channels" in KIND[kind].keys else {}
        scenario = {"channels": 3, "steps": 4, "entities": {"a": {"kind": kind} | own}}
        try:
            chain = Chain(read_scenario(scenario))
            air = chain.begin()
        except Uncounted:
            continue
        assert sum(air.values()) == pytest.approx(1.0)
        for state in air:
            assert sum(chain.follow(0, state, (-1,) * 8).values()) == pytest.approx(1.0)


def test_the_schema_is_json_and_names_every_kind():
    text = json.dumps(schema())
    assert all(f'"const": "{kind}"' in text for kind in NAMES)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
PLACES = [
    ["channels"],
    ["entities"],
    ["target"],
    ["entities", "a"],
    ["entities", "a", "kind"],
    ["entities", "a", "channels"],
    ["entities", "a", "weights"],
    ["entities", "a", "on_off"],
    ["entities", "a", "stop"],
    ["entities", "a", "power"],
    ["entities", "a", "waveform"],
    ["entities", "a", "table"],
    ["link"],
    ["link", "power"],
]


@given(place=st.sampled_from(PLACES), junk=JUNK)
def test_junk_is_read_or_refused_with_a_value_error(place, junk):
    try:
        read_scenario(changed(OWN, place, junk))
    except ValueError as error:
        assert "scenario" in str(error)


def test_bursts_of_rfrl_gym_take_their_part_of_a_step():
    modem = {"type": "psk", "order": 4, "start": 0.1, "duration": 0.7}
    given = {
        "environment": {"num_channels": 2, "reward_mode": "dsa", "observation_mode": "detect"},
        "entities": {"a": {"type": "ConstantFreq", "channels": [0], "modem_params": modem}},
    }
    (entity,) = import_rfrl(given).entities
    assert (entity.sends.start, entity.sends.duration) == (0.1, 0.7)


@pytest.mark.parametrize(("value", "on"), [(0.93, False), (0.2, True), (0, True), (1, False)])
def test_uniform_draws_of_rfrl_gym_decide_whether_an_emitter_is_on(value, on):
    scenario = read_scenario(
        {
            "channels": 3,
            "entities": {
                "a": {"kind": "stochastic_constant", "channels": [2], "probability": 0.5},
                "b": {"kind": "stochastic_hopper", "channels": [0, 1]},
            },
        }
    )
    draw = {"step": 4, "entity": "a", "fn": "uniform", "value": value}
    assert read_draws([draw], scenario) == {4: {0: 2.0 if on else -1.0}}
    with pytest.raises(ValueError, match="value"):
        read_draws([draw | {"value": 1.5}], scenario)
    with pytest.raises(ValueError, match=r"draws\[0\]\.value is missing"):
        read_draws([{"step": 4, "entity": "a", "fn": "uniform"}], scenario)
    with pytest.raises(ValueError, match="draws a channel"):
        read_draws([draw | {"entity": "b"}], scenario)
