"""Parameters of a radio world, and where the tables keep what describes its entities."""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns

GOALS = ("access", "jam")
GOAL_ACCESS, GOAL_JAM = range(len(GOALS))
OBSERVATIONS = ("detect", "classify")
DETECT, CLASSIFY = range(len(OBSERVATIONS))
PHYSICS = ("perfect", "statistical", "iq")
PERFECT, STATISTICAL, IQ = range(len(PHYSICS))
SENSING = ("all", "own")
SENSE_ALL, SENSE_OWN = range(len(SENSING))
REWARDS = ("peer", "throughput", "goodput")
REWARD_PEER, REWARD_THROUGHPUT, REWARD_GOODPUT = range(len(REWARDS))
FADINGS = ("none", "rayleigh")
MODULATIONS = ("bpsk", "dbpsk", "qpsk", "psk8", "qam16", "qam64")
PULSES = ("rrc", "rc", "rect")
WAVEFORMS = ("psk", "qam", "ask", "tone", "fmcw", "noise")
W_TONE, W_FMCW, W_NOISE = (WAVEFORMS.index(name) for name in ("tone", "fmcw", "noise"))

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
    "playback",
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
    PLAYBACK,
) = range(len(KINDS))
JAMMERS = frozenset({"simple_jammer", "follower", "sweep", "random_jammer", "barrage"})

# Columns of the entity table, a row per entity, and of the one row that says what the agent sends.
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
    E_WAVE,
    E_SYMBOLS,  # first point of the constellation
    E_ORDER,
    E_PULSE,  # first row of the pulse's taps
    E_RATE,  # symbols in 32 samples; bandwidth of chirps, in channels
    E_OFFSET,
    E_CHIRP,
    E_STEADY,  # 1 if it acts in every step and its on/off clock says nothing
    ENTITY_WIDTH,
) = range(22)
# Columns of the list table: the channels of all entities one after the other, with cumulated weights.
L_CHANNEL, L_WEIGHT = range(2)
# Tables: entities; their channels; powers played back (received power over noise of each channel, then 1
# for each that counts as occupied, then the lowest of these or -1); ln of the packet hazard over the SINR;
# points of constellations; taps of pulses; layers of the ziggurat; the agent.
T_ENTITIES, T_LISTS, T_PLAYBACK, T_HAZARD, T_SYMBOLS, T_PULSES, T_ZIGGURAT, T_AGENT = range(8)

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
    Column("physics", "1", 0, 2, "0: perfect; 1: energy detector, exact statistics; 2: of samples"),
    Column("sensing", "1", 0, 1, "0: all channels; 1: only the channel that was used"),
    Column("reward", "1", 0, 2, "0: +1, 0, -1; 1: 1 or 0; 2: 1 or 0 by the SINR", 1.0, _PEER),
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
    Column("irregular", "1", 0, 1, "1 if somebody may be on a channel in part, or below its level"),
    Column("fading", "1", 0, 1, "0: none; 1: Rayleigh, a gain per transmitter and step"),
    Column("link_snr", "dB", -math.inf, math.inf, "received power of the agent over nominal noise"),
    Column("payload", "1", 0, math.inf, "bits that a delivered packet brings"),
    Column("packet", "1", 1, 1e9, "bits of a packet, one a step"),
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
    P_IRREGULAR,
    P_FADING,
    P_LINK_SNR,
    P_PAYLOAD,
    P_PACKET,
) = range(len(PARAMETERS))
PLANT_PARAMETERS = ("noise_power", "power")
