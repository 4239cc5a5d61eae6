"""The ids of the family, as data."""

from __future__ import annotations

from typing import Any

from gym_suite.core.cards import BASELINES, BUDGET, Card, Protocol
from gym_suite.motors.settings import NOTES, SETTINGS

_HOME = "gym_suite.motors.controllers"
_LAWS, _SPEED_LAWS = f"{_HOME}.field_oriented", f"{_HOME}.speed_control"
#: What stands above PI control of currents and torque: with the nominal model.
_PREDICTIVE = {
    "deadbeat": f"{_HOME}.predictive:Deadbeat",
    "mpc": f"{_HOME}.predictive:PredictiveControl",
    "mpc-soft": f"{_HOME}.predictive:SoftPredictiveControl",
}
#: The same of any machine, where the action is a voltage.
_DEADBEAT = {
    "deadbeat": f"{_HOME}.deadbeat:DeadbeatControl",
    "mpc": f"{_HOME}.deadbeat:RolloutControl",
    "mpc-soft": f"{_HOME}.deadbeat:SoftRolloutControl",
}
#: Control of the shaft, where an action is a torque.
_SHAFT = {"deadbeat": f"{_HOME}.shaft:DeadbeatShaftControl"}
#: Of a position, the course to which leaves a choice, predictive control too.
_COURSE = {
    "deadbeat": f"{_HOME}.shaft:DeadbeatPositionControl",
    "mpc": f"{_HOME}.shaft:CourseControl",
}
#: Machines that the predictive laws are for: those of two currents.
_LADDERED = ("PMSM", "SynRM")
#: Machines with direct torque control: those of two currents whose flux has a direction without torque.
_DIRECT = ("PMSM", "SCIM")
_LADDERS = {
    "CurrentControl": {
        "pi-predicted": f"{_HOME}.compensated:CompensatedCurrentControl",
        "lqr": f"{_HOME}.compensated:OptimalCurrentControl",
        **_PREDICTIVE,
    },
    "TorqueControl": {
        "pi-predicted": f"{_HOME}.compensated:CompensatedTorqueControl",
        "lqr": f"{_HOME}.compensated:OptimalTorqueControl",
        **_PREDICTIVE,
    },
    "SpeedControl": {"load-observer": f"{_HOME}.observed:ObservedSpeedControl"},
}
#: Of machines with :data:`_DIRECT`.
_DIRECT_PROSE = """## Reference Controllers

`dtc-svm` leaves the currents out: direct torque control with space-vector modulation (Buja and Kazmierkowski 2004,
doi:10.1109/TIE.2004.831717), a PI law of the stator flux' amplitude and one of the torque in the frame of that flux.
Both are led to those of the currents of least loss; their gains are the magnitude optimum's.
"""
#: Of ids with :data:`_DEADBEAT`.
_DEADBEAT_PROSE = """## Reference Controllers

`deadbeat` solves the nominal model for the voltages that bring all currents to their references in one period, with
an observer of what the model does not explain, and believes in that delay with which it has predicted best (Moon, Kim
and Youn 2003, doi:10.1109/TPEL.2002.807131). What stands above the currents is what stands above them under `pi`.
"""
_MPC_PROSE = """`mpc` does the same where one period suffices; where the converters cannot give that voltage it tries
many first voltages, finishes each by simple rules over a horizon and takes the cheapest by what the reward takes for
the error (rollout; Bertsekas 2017, section 6.4). Under torque control it also keeps a slow field for the torque that
may be asked for next, at the price of copper loss. `mpc-soft` goes a part of the way in a period, which stands noise
and mismatch.
"""
#: Of ids with :data:`_SHAFT`.
_SHAFT_PROSE = """## Reference Controllers

`deadbeat` solves the nominal shaft for the torque that brings it to its reference in one period, with an observer of
the load, which it believes the sooner the more its errors point one way (Ohnishi, Shibata and Murakami 1996,
doi:10.1109/3516.491410; Trigg and Leach 1967), and begins where the shaft will be when a late command acts.
"""
_SPEED_PROSE = """Beyond the largest torque a shaft of first order leaves predictive control nothing to choose: the
cheapest course to a speed is that of `deadbeat`.
"""
_COURSE_PROSE = """To a position it takes the fewest periods that a bounded torque allows (Desoer and Wing 1961),
braking by a fixed part of the largest torque. `mpc` predicts courses that brake sooner or later, with the limits of the
currents and the field that follows its own voltage, and takes the cheapest by what the reward takes for the error
(rollout; Bertsekas 2017, section 6.4).
"""
_CYCLE_PROSE = """A car it brings three tenths of the way in a period: the whole of it asks for steps of the torque that
trip a drive which is 30 % off.
"""
#: Of the load behind an elastic shaft.
_TWO_MASS_PROSE = """## Reference Controllers

`pi` takes the shaft for a lag, `notch` takes its resonance out of the loop, `state-feedback` observes the twist beyond
the gap and damps it (Anderson and Moore 1990; Nordin and Gutman 2002, doi:10.1016/S0005-1098(02)00047-X). `mpc` tries
torques beside that of the feedback, finishes each by the feedback over 40 periods with the nominal gap and takes the
cheapest course by what the reward takes for the error (rollout; Bertsekas 2017, section 6.4). There is no deadbeat
control: within the gap no torque reaches the load.
"""
#: Tasks under which an action is a torque, whatever keywords say, and what is said of them.
_BY_TORQUE = {"position": _COURSE_PROSE, "drive_cycle": _CYCLE_PROSE}
#: Tasks under which an action is a voltage, unless an id commands torques.
_BY_VOLTAGE = ("current", "torque", "speed")
_STRONG = {
    "CurrentControl": ("mpc", "mpc-soft"),
    "TorqueControl": ("mpc", "mpc-soft"),
    "SpeedControl": ("load-observer",),
}
_PROSE = {
    "CurrentControl": """## Reference Controllers

The ladder, from a named rule to the exact model; the formulas' sources stand in the classes'
docstrings.

* `pi`: gains by the magnitude optimum for one and a half periods of delay.
* `pi-predicted`: the same rule on the currents at the end of the dead time, which the model predicts from the last
  action (Smith 1957; Yang and Lee 2002): half a period of delay is left, and three times the gain.
* `lqr`: the same with linear-quadratic gains, from weights of error, integral and voltage (Anderson and Moore 1990).
* `deadbeat`: the voltage that brings the currents to their references in one period, with an observer of what the
  model does not explain (Kawabata, Miyashita and Yamamoto 1990; Moon, Kim and Youn 2003,
  doi:10.1109/TPEL.2002.807131).
* `mpc`: as deadbeat where one period suffices; where the hexagon does not allow it, the cheapest of many courses
  over 30 periods, by what the reward takes for the error (Cortes et al. 2008, doi:10.1109/TIE.2008.2007480).
* `mpc-soft`: as `mpc`, but it goes a part of the way in a period, learns what the model does not explain, and
  believes in that delay with which it has predicted best, up to two periods more than nominal.

The exact model without an observer is what is best on the nominal plant, and what loses most under a further period
of delay.
""",
    "TorqueControl": """## Reference Controllers

The others control these currents as under current control: `pi-predicted` and `lqr` by PI with the dead time
predicted, `deadbeat` in one period, `mpc` and `mpc-soft` with a search over the hexagon that judges a course by its
torque alone.
""",
    "SpeedControl": """## Reference Controllers

`load-observer` feeds forward what it knows of shaft and load and observes the rest (Ohnishi, Shibata and Murakami
1996, doi:10.1109/3516.491410); its currents are controlled as `mpc-soft` of the current task controls them.
""",
}
#: Gains of `pi` that were searched on the reward: on plants that differ for every id, on the nominal one for this too.
_TUNED = {"PMSM": ("pi-tuned", "pi-tuned-nominal")}

#: Names of ids, without family and version, for which policies ship.
_LEARNED = {
    "EESM-Torque": ("ppo",),
    "PMSM": ("ppo",),
    "PMSM-DriveCycle": ("ppo",),
    "PMSM-Finite": ("ppo",),
    "SCIM-Speed": ("ppo",),
    "SeriesDc-Speed": ("td3", "ddpg"),
}
#: Environment steps of a training or a search, by names of ids without family and version, where not the usual ones.
_BUDGETS = {
    "EESM-Torque": 4_000_000,
    "PMSM": 6_000_000,
    "PMSM-DriveCycle": 3_000_000,
    "PMSM-Finite": 6_000_000,
    "PMSM-Sensorless": 6_000_000,
    "SCIM-Speed": 1_000_000,
    "SeriesDc-Speed": 6_000_000,
}


def _protocol(name: str, *metrics: str) -> Protocol:
    """Return how an id is judged, with what it has to report besides the usual metrics."""
    budget = _BUDGETS.get(name, BUDGET)
    return Protocol(budget=budget, metrics=("return", "RMSE", "IAE", *metrics))


def _drive(
    name: str,
    machine: str,
    task: str,
    law: str,
    summary: str,
    *,
    converter: str = "averaged",
    laws: str = _LAWS,
    prose: str = "",
    **more: Any,
) -> Card:
    rung = law if machine in _LADDERED else ""
    direct, words = {}, prose or _PROSE.get(rung, "")
    ladder, strong = _LADDERS.get(rung, {}), _STRONG.get(rung, ())
    commanded = more.get("keywords", {}).get("control") == "torque"
    if task in _BY_VOLTAGE and not commanded and "deadbeat" not in ladder:
        words = f"{words}\n{_DEADBEAT_PROSE}"
        ladder, strong = _DEADBEAT | ladder, (*strong, "deadbeat", "mpc")
        words = f"{words}\n{_MPC_PROSE}"
    if commanded or task in _BY_TORQUE:
        own = _COURSE if task == "position" else _SHAFT
        ladder, strong = own | ladder, (*strong, *own)
        words = f"{words}\n{_SHAFT_PROSE}\n{_BY_TORQUE.get(task, _SPEED_PROSE)}"
    if law == "TorqueControl" and machine in _DIRECT:
        direct["dtc-svm"] = f"{_HOME}.flux_oriented:ModulatedTorqueControl"
        words = f"{words}\n{_DIRECT_PROSE}"
    if name in NOTES:
        words = f"{NOTES[name]}\n{words}"
    return Card(
        id=f"gem/{name}-v0",
        family="motors",
        summary=summary,
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": machine, "task": task, "converter": converter},
        controllers={"pi": f"{laws}:{law}", **direct, **ladder, **BASELINES},
        strong=strong,
        tuned=_TUNED.get(name, ("pi-tuned",)),
        learned=_LEARNED.get(name, ()),
        settings=SETTINGS.get(name, {}),
        prose=words,
        protocol=_protocol(name, "EffortVariation"),
        **more,
    )


_WORDS = {
    "PMSM": "a permanent-magnet synchronous machine",
    "SynRM": "a synchronous reluctance machine",
    "EESM": "an electrically excited synchronous machine",
    "SCIM": "a squirrel-cage induction machine",
    "DFIM": "a doubly fed induction machine",
    "SixPhasePMSM": "a six-phase permanent-magnet machine",
}
#: Machines with averaged converters alone.
_AVERAGED_WORDS = {
    "SaturatedPMSM": "a measured machine whose iron saturates",
}


def _cards(machine: str) -> tuple[Card, ...]:
    """Return the ids of a machine: its currents, its torque and its speed."""
    words, tag = (_WORDS | _AVERAGED_WORDS)[machine], machine.lower()
    return (
        _drive(
            machine,
            machine,
            "current",
            "CurrentControl",
            f"current control of {words} by its voltage",
            max_episode_steps=2000,
            tags=("current", tag),
        ),
        _drive(
            f"{machine}-Torque",
            machine,
            "torque",
            "TorqueControl",
            f"torque control of {words} by its voltage",
            max_episode_steps=2000,
            tags=("torque", tag),
        ),
        _drive(
            f"{machine}-Speed",
            machine,
            "speed",
            "SpeedControl",
            f"speed control of {words} by its voltage",
            laws=_SPEED_LAWS,
            tags=("speed", tag),
        ),
    )


# ------------------------------------------------------------------------------------------------ DC machines

_DC_LAWS = "gym_suite.motors.controllers.dc_cascade"
_DC_WORDS = {
    "PermExDc": "a DC machine with permanent magnets",
    "SeriesDc": "a DC machine excited in series",
    "ShuntDc": "a DC machine excited in parallel",
    "ExtExDc": "an externally excited DC machine",
}
# How long references hold: some ten times what the voltage needs to move the current or the field.
_DC_HOLDS = {
    "PermExDc": {"current": 0.002, "torque": 0.002, "speed": 0.2},
    "SeriesDc": {"current": 0.05, "torque": 0.05, "speed": 0.4},
    "ShuntDc": {"current": 0.004, "torque": 0.1, "speed": 0.5},
    "ExtExDc": {"current": 0.02, "torque": 0.02, "speed": 0.2},
}
_DC_STEPS = {"ShuntDc": {"torque": 20_000}, "ExtExDc": {"current": 4000, "torque": 4000}}


def _dc_cards(machine: str) -> tuple[Card, ...]:
    """Return the ids of a DC machine: its currents, its torque and its speed."""
    words, tag, holds = _DC_WORDS[machine], machine.lower(), _DC_HOLDS[machine]

    def card(name: str, task: str, law: str, summary: str, **more: Any) -> Card:
        return _drive(
            name,
            machine,
            task,
            law,
            summary,
            converter="chopper",
            laws=_DC_LAWS,
            tags=(task, "dc", tag),
            **more,
        )

    def steps(task: str) -> int:
        return _DC_STEPS.get(machine, {}).get(task, 2000)

    # A speed moves in tenths of a second, currents of a small inductance in microseconds: between them the drive.
    speed: dict[str, Any] = {"reference_hold": holds["speed"], "duration": 3.0 * holds["speed"]}
    if machine != "SeriesDc":
        speed["control"] = "torque"
    return (
        card(
            machine,
            "current",
            "DcCurrentControl",
            f"current control of {words} by its voltage",
            max_episode_steps=steps("current"),
            keywords={"reference_hold": holds["current"]},
        ),
        card(
            f"{machine}-Torque",
            "torque",
            "DcTorqueControl",
            f"torque control of {words} by its voltage",
            max_episode_steps=steps("torque"),
            keywords={"reference_hold": holds["torque"]},
        ),
        card(
            f"{machine}-Speed",
            "speed",
            "DcSpeedControl",
            f"speed control of {words} by its {'torque' if 'control' in speed else 'voltage'}",
            keywords=speed,
        ),
    )


# ------------------------------------------------------------------------------------------------ six-step commutation


def _brushless(name: str, task: str, law: str, summary: str, **more: Any) -> Card:
    """Return an id of the brushless DC machine, which its drive controls as a DC machine."""
    return _drive(
        name,
        "BLDC",
        task,
        law,
        summary,
        converter="commutated",
        laws=_DC_LAWS,
        tags=(task, "dc", "bldc"),
        **more,
    )


_COMMUTATED = (
    _brushless(
        "BLDC",
        "current",
        "DcCurrentControl",
        "current control of a brushless DC machine in six-step commutation by its voltage",
        max_episode_steps=2000,
        keywords={"reference_hold": 0.01},
    ),
    _brushless(
        "BLDC-Speed",
        "speed",
        "DcSpeedControl",
        "speed control of a brushless DC machine in six-step commutation by its torque",
        keywords={"reference_hold": 0.1, "duration": 0.3, "control": "torque"},
    ),
)

# ------------------------------------------------------------------------------------------------ switched converters

#: How long references hold in current and torque control, s, and the steps of such an episode, four of them.
_SWITCHED_HOLDS = {
    "PermExDc": (0.002, 1600),
    "SeriesDc": (0.02, 4000),
    "ShuntDc": (0.002, 4000),
    "ExtExDc": (0.01, 8000),
    "SixPhasePMSM": (0.0025, 2000),
    "EESM": (0.005, 4000),
    "DFIM": (0.02, 4000),
}
#: Machines with hysteresis control. Under it windings that share a flux pull each other's currents out of their bands:
#: the EESM trips.
_BANDED = (*_DC_WORDS, "PMSM", "SynRM", "SCIM")
_SWITCHED_SPEEDS = {"PermExDc": 0.2, "SeriesDc": 0.4, "ShuntDc": 0.5}


def _switched_cards(machine: str) -> tuple[Card, ...]:
    """Return the ids of a machine whose converter is switched: its currents, its torque and its speed."""
    words, tag = (_WORDS | _DC_WORDS)[machine], machine.lower()
    hold, steps = _SWITCHED_HOLDS.get(machine, (0.005, 2000))
    hysteresis = {}
    if machine in _BANDED:
        hysteresis["hysteresis"] = f"{_HOME}.switched:HysteresisControl"

    def card(task: str, **more: Any) -> Card:
        direct = {}
        if task == "torque" and machine in _DIRECT:
            direct["dtc"] = f"{_HOME}.switched:DirectTorqueControl"
        middle = "" if task == "current" else f"-{task.title()}"
        return Card(
            id=f"gem/{machine}{middle}-Finite-v0",
            family="motors",
            summary=f"{task} control of {words} by the switches of its converter",
            base="gym_suite.motors.envs.base:MotorEnv",
            module="gym_suite.motors.envs",
            facets={"machine": machine, "task": task, "converter": "finite"},
            tags=(task, "finite", tag),
            controllers={
                "fcs-mpc": f"{_HOME}.switched:FiniteSetControl",
                **hysteresis,
                **direct,
                **BASELINES,
            },
            learned=_LEARNED.get(f"{machine}{middle}-Finite", ()),
            protocol=_protocol(f"{machine}{middle}-Finite"),
            **more,
        )

    speed = _SWITCHED_SPEEDS.get(machine, 0.2)
    return (
        card("current", max_episode_steps=steps, keywords={"reference_hold": hold}),
        card("torque", max_episode_steps=steps, keywords={"reference_hold": hold}),
        card("speed", keywords={"reference_hold": speed, "duration": speed}),
    )


#: Current control by a bridge of three levels, whose neutral point is to be kept in the middle too.
_THREE_LEVEL = Card(
    id="gem/PMSM-ThreeLevel-Finite-v0",
    family="motors",
    summary="current control of a permanent-magnet synchronous machine by the switches of a bridge of three levels",
    base="gym_suite.motors.envs.base:MotorEnv",
    module="gym_suite.motors.envs",
    facets={"machine": "PMSM", "task": "current", "converter": "finite"},
    tags=("current", "finite", "three-level", "pmsm"),
    controllers={"fcs-mpc": f"{_HOME}.switched:FiniteSetControl", **BASELINES},
    protocol=_protocol("PMSM-ThreeLevel-Finite"),
    max_episode_steps=2000,
    keywords={"converter": "npc", "reference_hold": 0.005},
)

CARDS = (
    *(card for machine in (*_WORDS, *_AVERAGED_WORDS) for card in _cards(machine)),
    *(card for machine in _DC_WORDS for card in _dc_cards(machine)),
    *(
        _drive(
            f"{machine}-Position",
            machine,
            "position",
            "DcPositionControl",
            f"position control of {_DC_WORDS[machine]} by its torque",
            converter="chopper",
            laws=_DC_LAWS,
            tags=("position", "dc", machine.lower()),
        )
        for machine in ("PermExDc", "ExtExDc")
    ),
    *(card for machine in (*_WORDS, *_DC_WORDS) for card in _switched_cards(machine)),
    _THREE_LEVEL,
    *_COMMUTATED,
    Card(
        id="gem/PMSM-Sensorless-v0",
        family="motors",
        summary="speed control of a permanent-magnet synchronous machine without a sensor of its shaft",
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": "PMSM", "task": "sensorless", "converter": "averaged"},
        tags=("speed", "pmsm", "sensorless"),
        controllers={
            "emf": f"{_HOME}.sensorless:EmfControl",
            "smo": f"{_HOME}.sensorless:SlidingModeControl",
            "deadbeat": f"{_HOME}.sensorless:DeadbeatEmfControl",
            "mpc": f"{_HOME}.sensorless:PredictiveEmfControl",
            **BASELINES,
        },
        tuned=("emf-tuned",),
        protocol=_protocol("PMSM-Sensorless", "EffortVariation"),
    ),
    Card(
        id="gem/PMSM-TwoMass-v0",
        family="motors",
        summary="speed control of a load behind an elastic shaft with backlash by the machine's torque",
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": "PMSM", "task": "load_speed", "converter": "averaged"},
        keywords={"load": {"kind": "two_mass", "backlash": 0.03}},
        tags=("speed", "pmsm", "vibration"),
        controllers={
            "pi": f"{_HOME}.two_mass:TwoMassControl",
            "notch": f"{_HOME}.two_mass:NotchControl",
            "state-feedback": f"{_HOME}.two_mass:StateFeedbackControl",
            "mpc": f"{_HOME}.two_mass:PredictiveTwoMassControl",
            **BASELINES,
        },
        strong=("state-feedback", "mpc"),
        prose=_TWO_MASS_PROSE,
        tuned=("pi-tuned",),
        protocol=_protocol("PMSM-TwoMass", "EffortVariation"),
    ),
    Card(
        id="gem/PMSM-Thermal-v0",
        family="motors",
        summary="the most torque of a permanent-magnet synchronous machine whose winding must not pass 150 degC",
        base="gym_suite.motors.envs.base:MotorEnv",
        module="gym_suite.motors.envs",
        facets={"machine": "PMSM", "task": "thermal", "converter": "averaged"},
        tags=("torque", "pmsm", "thermal"),
        controllers={
            "derating": f"{_HOME}.derating:LinearDerating",
            "preview-derating": f"{_HOME}.derating:PreviewDerating",
            **BASELINES,
        },
        strong=("preview-derating",),
        protocol=Protocol(
            metrics=("return", "TorqueShare", "HottestWinding", "Throughput", "RMSE"),
        ),
    ),
    _drive(
        "PMSM-DriveCycle",
        "PMSM",
        "drive_cycle",
        "SpeedControl",
        "an electric car follows the WLTC class 3b by torque commands at 100 Hz",
        laws=_SPEED_LAWS,
        keywords={"machine": "HSM16.17.12-C01"},
        tags=("speed", "pmsm", "vehicle"),
    ),
)
