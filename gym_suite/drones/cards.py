"""The ids of the family, as data: what is to be done, by one drone or by several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gym_suite.core.cards import BASELINES, BUDGET, Card, Protocol

_HOME = "gym_suite.drones.controllers"
_PILOTS = {
    "geometric": f"{_HOME}.geometric:Geometric",
    "lqr": f"{_HOME}.lqr:HoverLQR",
    "pid": f"{_HOME}.pid:PeerPID",
    "indi": f"{_HOME}.indi:INDI",
    "mpc": f"{_HOME}.mpc:LinearMPC",
    "mellinger": f"{_HOME}.mellinger:Mellinger",
}
_ADAPTIVE = {"adaptive": f"{_HOME}.adaptive:Adaptive"}

#: Laws whose gains were searched, for the ids with policies of one quadcopter.
_TUNED = ("pid-tuned", "lqr-tuned", "geometric-tuned")
#: Environment steps of a training or a search, by names of ids without family and version, where not the usual ones.
_BUDGETS = {"Hover": 8_000_000, "Track": 9_000_000, "MultiHover": 8_000_000}


def _drone(
    name: str, task: str, summary: str, laws: Mapping[str, str] = _PILOTS, **more: Any
) -> Card:
    return Card(
        id=f"drones/{name}-v0",
        family="drones",
        summary=summary,
        base="gym_suite.drones.envs.base:DroneEnv",
        module="gym_suite.drones.envs",
        facets={"task": task},
        protocol=Protocol(
            budget=_BUDGETS.get(name, BUDGET),
            metrics=("return", "RMSE", "IAE", "EffortVariation"),
        ),
        controllers={**laws, **BASELINES},
        **{
            "max_episode_steps": 480,
            "settings": {"compiled": {"engine": "compiled"}},
            "strong": tuple(name for name in ("indi", "mpc") if name in laws),
            **more,
        },
    )


CARDS = (
    _drone(
        "Hover",
        "hover",
        "a quadcopter flies from a random start to a point and stays there",
        _PILOTS | _ADAPTIVE,
        tags=("hover", "quadcopter"),
        tuned=_TUNED,
        learned=("ppo",),
    ),
    _drone(
        "Track",
        "track",
        "a quadcopter follows a circle, a lemniscate, a helix or a table",
        _PILOTS | _ADAPTIVE,
        tags=("tracking", "quadcopter"),
        tuned=_TUNED,
        learned=("ppo",),
    ),
    _drone(
        "MultiHover",
        "multi_hover",
        "quadcopters hover side by side",
        agents="both",
        tags=("hover", "quadcopter", "agents"),
        learned=("ppo",),
    ),
    _drone(
        "Formation",
        "formation",
        "quadcopters fly in a ring and swap places with the opposite one",
        {"avoiding": f"{_HOME}.avoidance:Avoiding"},
        agents="both",
        tags=("tracking", "quadcopter", "agents"),
    ),
    _drone(
        "LeaderFollower",
        "leader_follower",
        "quadcopters keep their places beside a leader that follows a path",
        {
            "indi": _PILOTS["indi"],
            "geometric": _PILOTS["geometric"],
            "following": f"{_HOME}.following:Following",
        },
        strong=("following",),
        agents="both",
        tags=("tracking", "quadcopter", "agents"),
    ),
    _drone(
        "Crossing",
        "crossing",
        "quadcopters cross above one another, the lower ones through the downwash",
        {name: _PILOTS[name] for name in ("geometric", "indi")},
        agents="both",
        tags=("tracking", "quadcopter", "agents"),
    ),
    _drone(
        "Pursuit",
        "pursuit",
        "quadcopters chase an evader and catch it",
        {"pursuing": f"{_HOME}.pursuit:Pursuing"},
        agents="both",
        tags=("pursuit", "quadcopter", "agents"),
    ),
    _drone(
        "Waypoints",
        "waypoints",
        "a quadcopter flies from waypoint to waypoint as fast as it can",
        {
            "geometric": _PILOTS["geometric"],
            "indi": _PILOTS["indi"],
            **_ADAPTIVE,
            "guided": f"{_HOME}.guidance:Guided",
        },
        strong=("guided",),
        tags=("waypoints", "quadcopter"),
    ),
    _drone(
        "Gates",
        "gates",
        "a quadcopter races through the gates of a track",
        {"racing": f"{_HOME}.racing:Racer", "time-optimal": f"{_HOME}.time_optimal:TimeOptimal"},
        strong=("time-optimal",),
        tags=("racing", "quadcopter"),
        learned=("ppo-dagger",),
    ),
    _drone(
        "Velocity",
        "velocity",
        "a quadcopter flies at the velocities that it is told",
        {"indi": _PILOTS["indi"]},
        strong=(),
        tags=("tracking", "quadcopter"),
        learned=("ppo-dagger",),
    ),
    _drone(
        "Landing",
        "landing",
        "a quadcopter comes down on a pad that is driven over the floor",
        {"descent": f"{_HOME}.landing:Descent"},
        tags=("landing", "quadcopter"),
        learned=("ppo-dagger",),
    ),
    _drone(
        "TakeOff",
        "take_off",
        "a quadcopter stands on the floor, rises to a place above and holds it",
        {name: _PILOTS[name] for name in ("indi", "geometric")} | _ADAPTIVE,
        strong=(),
        tags=("take-off", "quadcopter"),
    ),
    _drone(
        "Obstacles",
        "obstacles",
        "a quadcopter flies by a depth camera through a field of pillars to a goal",
        {
            "gaps": f"{_HOME}.obstacles:GapFollower",
            "remembering": f"{_HOME}.obstacles:Remembering",
            "geometric": _PILOTS["geometric"],
        },
        strong=("remembering",),
        tags=("obstacles", "camera", "quadcopter"),
    ),
    _drone(
        "RotorFailure",
        "rotor_failure",
        "a quadcopter loses a rotor while it hovers, and stays where it is",
        {"relaxed": f"{_HOME}.relaxed:Relaxed", "geometric": _PILOTS["geometric"]},
        max_episode_steps=1920,
        tags=("hover", "failure", "quadcopter"),
        learned=("ppo-dagger",),
    ),
    _drone(
        "Autopilot",
        "autopilot",
        "a quadcopter that Betaflight's firmware flies follows a path by the sticks of its transmitter",
        {"pilot": f"{_HOME}.pilot:Pilot"},
        extra="sitl",
        tags=("tracking", "autopilot", "quadcopter"),
    ),
)
