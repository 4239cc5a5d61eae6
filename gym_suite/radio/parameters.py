"""Parameters of a radio world, and where the tables keep what describes its entities."""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns

GOALS = ("access", "jam")
GOAL_ACCESS, GOAL_JAM = range(len(GOALS))
OBSERVATIONS = ("detect", "classify")
DETECT, CLASSIFY = range(len(OBSERVATIONS))
PHYSICS = ("perfect", "statistical")
PERFECT, STATISTICAL = range(len(PHYSICS))
SENSING = ("all", "own")
SENSE_ALL, SENSE_OWN = range(len(SENSING))
REWARDS = ("peer", "throughput")
REWARD_PEER, REWARD_THROUGHPUT = range(len(REWARDS))

KINDS = (
    "constant",
    "hopper",
    "stochastic_hopper",
    "stochastic_constant",
    "agile",
    "simple_jammer",
    "gilbert_elliott",
    "follower",
    "sweep",
    "random_jammer",
    "barrage",
)
(
    CONSTANT,
    HOPPER,
    STOCHASTIC_HOPPER,
    STOCHASTIC_CONSTANT,
    AGILE,
    SIMPLE_JAMMER,
    GILBERT_ELLIOTT,
    FOLLOWER,
    SWEEP,
    RANDOM_JAMMER,
    BARRAGE,
) = range(len(KINDS))
JAMMERS = frozenset({"simple_jammer", "follower", "sweep", "random_jammer", "barrage"})

# Columns of the entity table; one row per entity.
(
    E_KIND,
    E_START,
    E_STOP,
    E_ON_FIRST,
    E_ON,
    E_OFF,
    E_LIST,
    E_COUNT,
    E_VALUE,
    E_VALUE_2,
    E_WIDTH,
    E_PRIMARY,
    E_SNR,
    ENTITY_WIDTH,
) = range(14)
# Columns of the list table: the channels of all entities one after the other, with cumulated weights.
L_CHANNEL, L_WEIGHT = range(2)
T_ENTITIES, T_LISTS = range(2)

MAX_CHANNELS = 256
MAX_ENTITIES = 128
MAX_STEPS = 1_000_000
MAX_REACTION = 6.0

_PEER = "RFRL Gym, arXiv 2401.05406"
_URKOWITZ = "energy detection: Urkowitz, Proc. IEEE 55(4), 1967"

PARAMETERS = Columns(
    Column("channels", "1", 1, MAX_CHANNELS, "channels of the band"),
    Column("entities", "1", 0, MAX_ENTITIES, "entities in the band"),
    Column("history", "1", 1, 64, "steps that an observation goes back"),
    Column("goal", "1", 0, 1, "0: transmit where nobody is; 1: transmit where the target is alone"),
    Column("target", "1", 0, MAX_ENTITIES, "number of the target, from 1; 0 for none"),
    Column("observation", "1", 0, 1, "0: a channel is idle or busy; 1: who is on it", 1.0, _PEER),
    Column("physics", "1", 0, 1, "0: perfect sensing; 1: energy detector, exact statistics"),
    Column("sensing", "1", 0, 1, "0: all channels; 1: only the channel that was used"),
    Column("reward", "1", 0, 1, "0: +1, 0, -1; 1: 1 for what is delivered, else 0", 1.0, _PEER),
    Column("switching_cost", "1", 0, math.inf, "cost of transmitting on another channel than last"),
    Column("tolerance", "1", 0, 1, "part of a step that may be interfered with"),
    Column("samples", "1", 1, 1e7, "complex samples that the detector averages", 1.0, _URKOWITZ),
    Column(
        "threshold",
        "1",
        0,
        math.inf,
        "energy above which a channel counts as busy, in noise powers",
        1.0,
        _URKOWITZ,
    ),
    Column("noise_power", "1", 0, math.inf, "noise power over its nominal value"),
    Column("power", "1", 0, math.inf, "received power of all entities over its nominal value"),
)
(
    P_CHANNELS,
    P_ENTITIES,
    P_HISTORY,
    P_GOAL,
    P_TARGET,
    P_OBSERVATION,
    P_PHYSICS,
    P_SENSING,
    P_REWARD,
    P_SWITCHING_COST,
    P_TOLERANCE,
    P_SAMPLES,
    P_THRESHOLD,
    P_NOISE_POWER,
    P_POWER,
) = range(len(PARAMETERS))
PLANT_PARAMETERS = ("noise_power", "power")
