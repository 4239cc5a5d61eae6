"""The ids of the family. The four scenes and their step caps are those of a paper, all else is ours."""

from __future__ import annotations

from gym_suite.agv.envs.base import AGVEnv
from gym_suite.core.ids import IdParallelEnv, IdVectorEnv


class SimpleStaticEnv(AGVEnv):
    """A standing target in a bay, agv/SimpleStatic-v0.

    Description:
        A differential-drive vehicle with a lidar is to reach a target
        in a walled bay of 12 m x 11.5 m with one block in its middle. Nothing else moves.
        That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse
        reward and a cap of 2000 steps is Yin et al., "Random Network Distillation Based Deep Reinforcement
        Learning for AGV Path Planning", arXiv:2404.12594; map, vehicle, sensor, control period and numbers are ours.

    Action Space:
        Box(-1, 1, (2,)): speed and yaw rate, parts of the vehicle's limits (``action="wheels"``: left and right
        wheel speed).

    Observation Space:
        Box: ranges of the lidar's beams (part of its range), then distance of the target, cosine and sine of its
        bearing, speed, yaw rate, payload, last action, position and heading (cosine, sine) on the map.

    Rewards:
        +1 for reaching the target, -1 for a collision, else 0. ``reward="dense"`` adds progress as the crow
        flies, closeness, change of the action and time; each is a metric "reward_...".
        How sparse that is: uniformly random actions reached no target in 500 episodes; the reference controller
        reached all of 500, after 8.2 s on average.

    Starting State:
        Start, heading, target and payload are drawn; the target at least ``least_distance`` away.

    Episode End:
        Terminated at the target (within ``goal_radius``) or in a collision; truncated after 2000 steps of 0.1 s.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`.

    Reference Controllers:
        "a_star": A* with regulated pure pursuit; "dwa" and "mppi" besides.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`.

    Version History:
        v0: first version.
    """

    id = "agv/SimpleStatic-v0"
    defaults = {"layout": "simple"}  # noqa: RUF012 - declared ClassVar[Mapping] in the base


class SimpleStaticVectorEnv(IdVectorEnv):
    """Many :class:`SimpleStaticEnv` in one compiled loop."""

    single = SimpleStaticEnv


class SimpleDynamicEnv(AGVEnv):
    """A walking target in a bay, agv/SimpleDynamic-v0.

    Description:
        A differential-drive vehicle with a lidar is to reach a target
        in a walled bay of 12 m x 11.5 m with one block in its middle. The target walks about.
        That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse
        reward and a cap of 2000 steps is Yin et al., "Random Network Distillation Based Deep Reinforcement
        Learning for AGV Path Planning", arXiv:2404.12594; map, vehicle, sensor, control period and numbers are ours.

    Action Space:
        Box(-1, 1, (2,)): speed and yaw rate, parts of the vehicle's limits (``action="wheels"``: left and right
        wheel speed).

    Observation Space:
        Box: ranges of the lidar's beams (part of its range), then distance of the target, cosine and sine of its
        bearing, speed, yaw rate, payload, last action, position and heading (cosine, sine) on the map.

    Rewards:
        +1 for reaching the target, -1 for a collision, else 0. ``reward="dense"`` adds progress as the crow
        flies, closeness, change of the action and time; each is a metric "reward_...".

    Starting State:
        Start, heading, target and payload are drawn; the target at least ``least_distance`` away.

    Episode End:
        Terminated at the target (within ``goal_radius``) or in a collision; truncated after 2000 steps of 0.1 s.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`.

    Reference Controllers:
        "a_star": A* with regulated pure pursuit; "dwa" and "mppi" besides.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`.

    Version History:
        v0: first version.
    """

    id = "agv/SimpleDynamic-v0"
    defaults = {"layout": "simple", "moving_target": True}  # noqa: RUF012


class SimpleDynamicVectorEnv(IdVectorEnv):
    """Many :class:`SimpleDynamicEnv` in one compiled loop."""

    single = SimpleDynamicEnv


class ComplexStaticEnv(AGVEnv):
    """A standing target among racks, agv/ComplexStatic-v0.

    Description:
        A differential-drive vehicle with a lidar is to reach a target
        in a hall of 25.5 m x 17.5 m with twelve racks and aisles that are shut. Nothing else moves.
        That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse
        reward and a cap of 3000 steps is Yin et al., "Random Network Distillation Based Deep Reinforcement
        Learning for AGV Path Planning", arXiv:2404.12594; map, vehicle, sensor, control period and numbers are ours.

    Action Space:
        Box(-1, 1, (2,)): speed and yaw rate, parts of the vehicle's limits (``action="wheels"``: left and right
        wheel speed).

    Observation Space:
        Box: ranges of the lidar's beams (part of its range), then distance of the target, cosine and sine of its
        bearing, speed, yaw rate, payload, last action, position and heading (cosine, sine) on the map.

    Rewards:
        +1 for reaching the target, -1 for a collision, else 0. ``reward="dense"`` adds progress as the crow
        flies, closeness, change of the action and time; each is a metric "reward_...".
        How sparse that is: uniformly random actions reached no target in 500 episodes; the reference controller
        reached all of 500, after 17.5 s on average.

    Starting State:
        Start, heading, target and payload are drawn; the target at least ``least_distance`` away.

    Episode End:
        Terminated at the target (within ``goal_radius``) or in a collision; truncated after 3000 steps of 0.1 s.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`.

    Reference Controllers:
        "a_star": A* with regulated pure pursuit; "dwa" and "mppi" besides.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`.

    Version History:
        v0: first version.
    """

    id = "agv/ComplexStatic-v0"
    defaults = {"layout": "complex", "least_distance": 8.0}  # noqa: RUF012


class ComplexStaticVectorEnv(IdVectorEnv):
    """Many :class:`ComplexStaticEnv` in one compiled loop."""

    single = ComplexStaticEnv


class ComplexDynamicEnv(AGVEnv):
    """A walking target among racks, agv/ComplexDynamic-v0.

    Description:
        A differential-drive vehicle with a lidar is to reach a target
        in a hall of 25.5 m x 17.5 m with twelve racks and aisles that are shut. The target walks about.
        That there are four scenes (simple or complex, static or dynamic), continuous actions and positions, a sparse
        reward and a cap of 4000 steps is Yin et al., "Random Network Distillation Based Deep Reinforcement
        Learning for AGV Path Planning", arXiv:2404.12594; map, vehicle, sensor, control period and numbers are ours.

    Action Space:
        Box(-1, 1, (2,)): speed and yaw rate, parts of the vehicle's limits (``action="wheels"``: left and right
        wheel speed).

    Observation Space:
        Box: ranges of the lidar's beams (part of its range), then distance of the target, cosine and sine of its
        bearing, speed, yaw rate, payload, last action, position and heading (cosine, sine) on the map.

    Rewards:
        +1 for reaching the target, -1 for a collision, else 0. ``reward="dense"`` adds progress as the crow
        flies, closeness, change of the action and time; each is a metric "reward_...".

    Starting State:
        Start, heading, target and payload are drawn; the target at least ``least_distance`` away.

    Episode End:
        Terminated at the target (within ``goal_radius``) or in a collision; truncated after 4000 steps of 0.1 s.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`.

    Reference Controllers:
        "a_star": A* with regulated pure pursuit; "dwa" and "mppi" besides.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`.

    Version History:
        v0: first version.
    """

    id = "agv/ComplexDynamic-v0"
    defaults = {  # noqa: RUF012
        "layout": "complex",
        "least_distance": 8.0,
        "moving_target": True,
    }


class ComplexDynamicVectorEnv(IdVectorEnv):
    """Many :class:`ComplexDynamicEnv` in one compiled loop."""

    single = ComplexDynamicEnv


class DockEnv(AGVEnv):
    """Docking within tolerances, agv/Dock-v0.

    Description:
        A differential-drive vehicle is to stop in front of one of four docks in a wall, as exactly as a charger or
        a conveyor asks for.

    Action Space:
        Box(-1, 1, (2,)): speed and yaw rate, parts of the vehicle's limits.

    Observation Space:
        Box: as in the other ids, and cosine and sine of the turn to the dock's heading.

    Rewards:
        +1 for docking, -1 for a collision, else 0; ``reward="dense"`` as in the other ids.

    Starting State:
        A place in the left half, any heading; one of the docks; a payload.

    Episode End:
        Terminated when position (``goal_radius``), heading (``goal_angle``) and speed (``goal_speed``) are all
        within their tolerances, or in a collision; truncated after 1000 steps of 0.1 s.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`.

    Reference Controllers:
        "move_to_pose": Astolfi's law with an approach point in front of the dock.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`; the tolerances are ours.

    Version History:
        v0: first version.
    """

    id = "agv/Dock-v0"
    defaults = {"layout": "docks", "dock": True, "goal_radius": 0.05}  # noqa: RUF012


class DockVectorEnv(IdVectorEnv):
    """Many :class:`DockEnv` in one compiled loop."""

    single = DockEnv


class FleetEnv(AGVEnv):
    """Vehicles with targets of their own in one warehouse, agv/Fleet-v0.

    Description:
        Several differential-drive vehicles share a warehouse of twelve racks; each has its own target. Each sees
        the others by its lidar only.

    Action Space:
        Box(-1, 1, (2,)) for each: speed and yaw rate, parts of the vehicle's limits.

    Observation Space:
        Box for each: as in the other ids.

    Rewards:
        For each +1 at its target, -1 in a collision, else 0. The metrics "reward_..." are means over vehicles.

    Starting State:
        Starts and targets are drawn apart from each other.

    Episode End:
        A vehicle that arrives or collides is terminated and taken off the floor; truncated after 3000 steps.

    Arguments:
        See :class:`gym_suite.agv.envs.setup.Options`; ``agents`` is the number of vehicles, 2 to 50.

    Reference Controllers:
        "orca": ways by priority and optimal reciprocal collision avoidance, the vehicles knowing of each other;
        "a_star": each by A* with regulated pure pursuit around what its lidar sees.

    Parameters and Sources:
        :mod:`gym_suite.agv.parameters`.

    Version History:
        v0: first version.
    """

    id = "agv/Fleet-v0"
    defaults = {"layout": "warehouse", "least_distance": 6.0, "agents": 6}  # noqa: RUF012


class FleetParallelEnv(IdParallelEnv):
    """:class:`FleetEnv` as a PettingZoo ParallelEnv."""

    single = FleetEnv
