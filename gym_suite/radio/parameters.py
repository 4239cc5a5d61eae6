"""Parameters of a radio world: the columns of a row p, and the enumerations that its numbers stand for."""

from __future__ import annotations

import math

from gym_suite.core.columns import Column, Columns

GOALS = ("access", "jam")
#: The goals as kernels know them: a lone jammer hits where its target is alone, one of several wherever it is.
GOAL_ACCESS, GOAL_JAM, GOAL_HIT = range(3)
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
WAVE_TONE, WAVE_FMCW, WAVE_NOISE = (WAVEFORMS.index(name) for name in ("tone", "fmcw", "noise"))

MAX_CHANNELS = 256
MAX_ENTITIES = 128
MAX_AGENTS = 32
MAX_STEPS = 1_000_000
MAX_REACTION = 6.0  # steps by which a follower may be late
MAX_WINDOW = 32  # steps that a predictor may look back
MAX_PAST = max(int(MAX_REACTION) + 1, MAX_WINDOW - 1)  # channels that they then look back on
MAX_HISTORY = 64

_PEER = "RFRL Gym, arXiv 2401.05406"
_URKOWITZ = "energy detection: Urkowitz, Proc. IEEE 55(4), 1967"

PARAMETERS = Columns(
    Column("channels", "1", 1, MAX_CHANNELS, "channels of the band"),
    Column("entities", "1", 0, MAX_ENTITIES, "entities in the band"),
    Column("agents", "1", 1, MAX_AGENTS, "agents in the band"),
    Column(
        "heard",
        "1",
        0,
        MAX_ENTITIES + MAX_AGENTS,
        "transmitters that are heard: the entities, and where there are several agents they too",
        1.0,
        _PEER,
    ),
    Column(
        "past",
        "1",
        0,
        MAX_PAST,
        "channels before the last that are remembered of an agent, for whoever follows it",
    ),
    Column("history", "1", 1, MAX_HISTORY, "steps that an observation goes back"),
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
    Column("partial", "1", 0, 1, "1 if somebody may be on a channel in part, or below its level"),
    Column("receives", "1", 0, 1, "1 if what arrives at the agent's receiver is computed"),
    Column("fading", "1", 0, 1, "0: none; 1: Rayleigh, a gain per transmitter and step"),
    Column("link_snr", "dB", -math.inf, math.inf, "received power of the agent over nominal noise"),
    Column("payload", "1", 0, math.inf, "bits that a delivered packet brings"),
    Column("packet", "1", 1, 1e9, "bits of a packet, one a step"),
)
P = PARAMETERS.places
PLANT_PARAMETERS = ("noise_power", "power")
