"""Tables of channel powers that are played back, links and waveforms as data: read, refused, on the air."""

import json

import gymnasium
import jsonschema
import numpy as np
import pytest

from gym_suite.radio import import_rfrl, read_scenario, schema
from gym_suite.radio.bounds import ceilings
from gym_suite.radio.scenario.model import Link, Waveform

TABLE = [[-60.0, -120.0, -90.0], [-120.0, -120.0, -120.0], [-120.0, -70.0, -120.0]]


def scenario(table, **keys):
    user = {"kind": "playback", "table": table} | keys
    return {"channels": 3, "steps": 10, "entities": {"tv": user}}


def write(path, rows):
    path.write_text("# dBm\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return path


def test_the_table_says_who_is_where_step_by_step():
    env = gymnasium.make("radio/Access-v0", scenario=scenario(TABLE, repeat=True))
    infos = [env.reset(seed=0)[1]] + [env.step(1)[4] for _ in range(8)]
    for step, info in enumerate(infos):
        occupied = [int(power >= -100.0) for power in TABLE[step % 3]]
        assert info["occupancy"].tolist() == occupied
        lowest = occupied.index(1) if any(occupied) else -1
        assert info["entity_actions"].tolist() == [lowest]
        if step:
            assert info["ack"] == (-1.0 if occupied[0] else 1.0)
            assert info["primary"] == info["blocked"] == occupied[0]
            noise = 10.0 ** (Link().noise / 10.0)
            floor = noise + 10.0 ** (TABLE[step % 3][0] / 10.0)
            expected = 15.0 + Link().noise - 10.0 * np.log10(floor)
            assert info["sinr"] == pytest.approx(expected, abs=1e-9)


def test_it_plays_only_while_it_is_on():
    """Its rows wait outside of its window and while it is off."""
    user = scenario(TABLE, repeat=True, start=2, on_off=[1, 2, 1])
    env = gymnasium.make("radio/Access-v0", scenario=user)
    infos = [env.reset(seed=0)[1]] + [env.step(0)[4] for _ in range(8)]
    rows = [None, None, 0, 1, None, 2, 0, None, 1]
    for info, row in zip(infos, rows, strict=True):
        wanted = [0, 0, 0] if row is None else [int(power >= -100.0) for power in TABLE[row]]
        assert info["occupancy"].tolist() == wanted


def test_powers_below_the_level_are_heard_all_the_same():
    loud = scenario([[-100.1, -300.0, -300.0]], repeat=True, level=-100.0)
    env = gymnasium.make("radio/Access-v0", scenario=loud, physics="iq", samples=2000, history=1)
    observation, info = env.reset(seed=0)
    assert info["occupancy"].tolist() == [0, 0, 0]
    assert observation[0] == 1.0  # 8 dB above the noise
    power = 10.0 * np.log10(np.mean(np.abs(env.unwrapped.iq()[0]) ** 2))
    assert power == pytest.approx(
        10.0 * np.log10(10**-10.01 + 10 ** (Link().noise / 10.0)), abs=0.3
    )


def test_arrays_csv_and_npz_are_the_same(tmp_path):
    write(tmp_path / "t.csv", TABLE)
    np.savez(tmp_path / "t.npz", powers=np.array(TABLE))
    np.savez(tmp_path / "u.npz", only=np.array(TABLE, dtype=np.float32))
    (tmp_path / "s.json").write_text(json.dumps(scenario("t.csv", repeat=True) | {"name": "s"}))
    given = [TABLE, str(tmp_path / "t.csv"), tmp_path / "t.npz", str(tmp_path / "u.npz")]
    read = [read_scenario(scenario(table, repeat=True)) for table in given]
    assert all(one == read[0] for one in read)
    # A name within a file is meant from the file's folder; the setup then needs the file no more.
    assert read_scenario(tmp_path / "s.json").entities == read[0].entities
    env = gymnasium.make("radio/Access-v0", scenario=str(tmp_path / "s.json"))
    kept = json.loads(json.dumps(env.unwrapped.setup.keywords["scenario"]))
    assert read_scenario(kept).entities == read[0].entities


def test_a_table_as_long_as_the_episode_needs_no_repeating():
    read_scenario(scenario([TABLE[0]] * 11))
    read_scenario(scenario([TABLE[0]] * 3, start=2, stop=4))
    with pytest.raises(
        ValueError, match=r"tv\.table is truncated: it has 10 rows.*0 to 10 need 11"
    ):
        read_scenario(scenario([TABLE[0]] * 10))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, r"entities\.tv\.table must be a list of rows"),
        ([], r"entities\.tv\.table must be a list of rows"),
        (
            [[1.0, 2.0, 3.0], [1.0, 2.0]],
            r"entities\.tv\.table\[1\] must have one power per channel, 3",
        ),
        ([[1.0, 2.0, 101.0]], r"entities\.tv\.table\[0\]\[2\] must lie in \[-300, 100\], got 101"),
        ([[1.0, float("nan"), 0.0]], r"entities\.tv\.table\[0\]\[1\]"),
        ([[1.0, "2", 0.0]], r"entities\.tv\.table\[0\]\[1\]"),
        ([0.0, 1.0], r"entities\.tv\.table\[0\] must be a list of 3 powers"),
        ([[0.0] * 3] * 400_000, r"entities\.tv\.table has 400000 rows, at most 333333 fit"),
        ("none.csv", r"entities\.tv\.table: there is no file 'none\.csv'"),
        ("powers.xlsx", r"entities\.tv\.table must name a \.csv or \.npz file"),
    ],
)
def test_bad_tables_are_named_by_their_path(table, message):
    with pytest.raises(ValueError, match=message):
        read_scenario(scenario(table, repeat=True))


def test_truncated_files_are_refused(tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("-60,-120,-90\n-120,-12")
    with pytest.raises(
        ValueError, match=r"entities\.tv\.table\[1\] must have one power per channel, 3"
    ):
        read_scenario(scenario(str(short)))
    short.write_text("-60,-120,-90\n-120,-12x,1")
    with pytest.raises(ValueError, match=r"entities\.tv\.table: line 2 of short\.csv.*-12x"):
        read_scenario(scenario(str(short)))
    whole = tmp_path / "whole.npz"
    np.savez(whole, powers=np.array(TABLE))
    (tmp_path / "cut.npz").write_bytes(whole.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"entities\.tv\.table: cut\.npz cannot be read"):
        read_scenario(scenario(str(tmp_path / "cut.npz")))
    for name, arrays in {
        "many": {"a": np.zeros((2, 3)), "b": np.zeros((2, 3))},
        "flat": {"powers": np.zeros(3)},
        "objects": {"powers": np.array([{}], dtype=object)},
    }.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(ValueError, match=rf"entities\.tv\.table: {name}\.npz"):
            read_scenario(scenario(str(tmp_path / f"{name}.npz")))


def test_what_a_table_can_be_earned_is_played():
    found = ceilings(scenario(TABLE, repeat=True))
    assert found.optimum is None
    assert found.clairvoyant == 10.0


# -------------------------------------------------------------------------------------- links, waveforms


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"modulation": "qam17"}, r"link\.modulation 'qam17'.*'qam16'"),
        ({"bandwith": 1e6}, r"key of link 'bandwith'.*'bandwidth'"),
        ({"bandwidth": 0.0}, r"link\.bandwidth"),
        ({"distance": "near"}, r"link\.distance"),
        ({"fading": "rice"}, r"link\.fading 'rice'"),
        ({"packet": 0}, r"link\.packet"),
        (3, r"link must be an object"),
    ],
)
def test_bad_links(keys, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("radio/AntiJamming-v0", link=keys)


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        ("psq", r"entities\.a\.waveform\.kind 'psq'.*'psk'"),
        (
            {"kind": "qam", "order": 8},
            r"waveform\.order of qam must be one of 4, 16, 64, 256, got 8",
        ),
        ({"offset": 0.2}, r"waveform\.offset 0\.2 moves a bandwidth of 0\.8 out of its channel"),
        ({"pulse": "gauss"}, r"waveform\.pulse 'gauss'"),
        ({"bandwidth": 2.0}, r"waveform\.bandwidth"),
        ({"chrip": 3}, r"key of scenario\.entities\.a\.waveform 'chrip'.*'chirp'"),
        (1, r"entities\.a\.waveform must be a kind or an object"),
    ],
)
def test_bad_waveforms(waveform, message):
    entity = {"kind": "constant", "channels": [0], "waveform": waveform}
    with pytest.raises(ValueError, match=message):
        read_scenario({"channels": 2, "entities": {"a": entity}})


def test_a_jammer_has_no_goodput():
    with pytest.raises(ValueError, match=r"'goodput'.*radio/Jamming-v0"):
        gymnasium.make("radio/Jamming-v0", reward="goodput")


def test_the_link_keyword_changes_what_it_names():
    own = {"channels": 2, "link": {"bandwidth": 2e6, "snr": 3.0}}
    env = gymnasium.make("radio/Access-v0", scenario=own, link={"snr": 7.0, "fading": "rayleigh"})
    assert Link(**env.unwrapped.setup.keywords["link"]) == Link(
        bandwidth=2e6, snr=7.0, fading="rayleigh"
    )


def test_entities_links_and_waveforms_survive_their_own_form():
    entities = {
        "a": {"kind": "constant", "channels": [0], "power": 20.0, "distance": 30.0},
        "b": {"kind": "sweep", "waveform": {"kind": "fmcw", "falling": True}},
        "c": {"kind": "playback", "table": TABLE, "repeat": True, "level": -80.0},
    }
    given = {"channels": 3, "link": {"power": 10.0}, "entities": entities}
    first = read_scenario(given)
    assert read_scenario(json.loads(json.dumps(first.to_dict()))) == first


def test_the_schema_agrees_with_the_reader():
    entities = {
        "a": {"kind": "playback", "table": TABLE, "repeat": True},
        "b": {"kind": "constant", "channels": [1], "waveform": {"kind": "qam", "order": 16}},
    }
    given = {"channels": 3, "link": {"snr": 3.0}, "entities": entities}
    jsonschema.validate(given, schema())
    jsonschema.validate(json.loads(json.dumps(read_scenario(given).to_dict())), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"channels": 3, "link": {"snr": "high"}}, schema())


def test_modems_of_rfrl_gym_become_waveforms():
    def modem(**keys):
        entity = {"type": "ConstantFreq", "channels": [1], "modem_params": keys}
        environment = {
            "num_channels": 3,
            "max_steps": 10,
            "observation_mode": "detect",
            "reward_mode": "dsa",
            "target_entity": None,
        }
        return (
            import_rfrl({"environment": environment, "entities": {"a": entity}}).entities[0].sends
        )

    assert modem(
        type="qam", order=16, filter="RC", center_frequency=[0.0, 0.1], bandwidth=0.5
    ) == Waveform(kind="qam", order=16, pulse="rc", bandwidth=0.5, offset=0.05)
    assert modem(type="n_fmcw", center_frequency=[-0.5, 0.0], bandwidth=0.8) == Waveform(
        kind="fmcw", falling=True, bandwidth=0.8, offset=pytest.approx(-0.1)
    )
    assert modem(type="carrier").kind == "tone"
    with pytest.raises(ValueError, match=r"entities\.a\.modem_params\.filter 'RRQ'.*'RRC'"):
        modem(type="psk", filter="RRQ")
