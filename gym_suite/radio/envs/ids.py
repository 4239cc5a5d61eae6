"""The ids: dynamic access, jamming, Gilbert-Elliott channels, and evading a jammer."""

from __future__ import annotations

from gym_suite.radio.envs.base import RadioEnv, RadioVectorEnv


class AccessEnv(RadioEnv):
    """radio/Access-v0: transmit where nobody will be.

    ## Description

    A band is shared with other transmitters. Each step the agent transmits on one channel or is silent; it must
    foresee who will be where.

    The six kinds of RFRL Gym (constant, hopper, stochastic hopper, stochastic constant, agile, simple jammer)
    behave as its code does: simultaneous moves, on/off clocks that stand outside an entity's window, a jammer
    that follows one step late, takes what it jams already last and is silent without a victim. Replayed
    recordings are equal in every step. Its scenarios ship; `scenario=` takes a shipped name, a JSON or TOML file,
    a mapping or a `Scenario` (`gym_suite.radio.schema()`); files of RFRL Gym are read as they are
    (`gym_suite.radio.import_rfrl`).

    ## Action Space

    `Discrete(11)`: 0 is silence, k transmits on channel k - 1 for the whole step. Entities and agent move at the
    same time: the agent has seen the step before, and is judged by the step to come.

    ## Observation Space

    `Box(float32)` of shape (52,): what was sensed in the last 4 steps, newest first (`sensed_<steps
    ago>_<channel>`), the own last action one-hot (`last_action_<k>`), and its acknowledgement `ack` (1 delivered
    or hit, -1 lost, 0 silent). Each is 0 (idle) or 1 (busy). What was not looked at, and what lies before the
    episode, counts as -1 of these units.

    With `physics="statistical"` a channel is busy if the mean energy of `samples` complex samples exceeds the
    threshold of probability `false_alarm`. The statistic is drawn exactly: noncentral chi-square with 2 `samples`
    degrees of freedom; signals of several entities add up in power, and Gaussian waveforms (those of jammers) add
    to the noise. That is exact for signals of constant envelope and independent phase, and near it for others. With
    `physics="iq"` the same detector averages synthesised samples of every channel: PSK, QAM,
    ASK, tones, chirps or noise with the entity's `waveform`, on clocks that run through all steps, and thermal
    noise; `env.unwrapped.iq()` returns them in root milliwatts. The own signal is not heard. An energy detector
    cannot tell who transmits.

    `info` holds, besides the reward terms, `channel` (-1: silent), `ack`, `delivered`, `blocked` (part of the
    step in which others were on the agent's channel), `primary` (1 if a primary user was there: for access
    the violation that `compare` counts), `switched`, `sinr` (of the agent at its receiver, dB; -200 while silent),
    `goodput` (bits delivered in the step), and whole-number arrays: `entity_actions` (channel of each entity,
    -1: silent), `occupancy` (0: idle, the number of the only entity, or entities + 1) and `peer_observation`
    (what RFRL Gym shows, without noise).

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term               | Formula                                                                      |
    |--------------------|------------------------------------------------------------------------------|
    | `reward_access`    | +1 if at most `tolerance` of the step was blocked, -1 if more, 0 for silence |
    | `reward_switching` | -`switching_cost` where a transmission changed the channel                   |

    With `reward="goodput"` a packet a step is sent over the `link`; it arrives by chance, with the bit error rate
    of its modulation at the step's SINR, interference counting as noise: 1 if it arrives, else 0.

    ## Starting State

    Step 0 is played at the reset with the agent silent. `reset(options={"draws": [...]})` injects recorded random
    draws in the form of RFRL Gym recordings; otherwise all chance comes from the seed.

    ## Episode End

    Truncation after the scenario's `steps` (200); nothing terminates an episode.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name             | Default         | Meaning                                                      |
    |------------------|-----------------|--------------------------------------------------------------|
    | `render_mode`    | `None`          | `None`, `"rgb_array"`, `"ansi"` or `"human"`                 |
    | `scenario`       | `"shared_band"` | shipped name, path, mapping or `Scenario`                    |
    | `observation`    | `None`          | `"detect"` or `"classify"`; `None`: the scenario's           |
    | `physics`        | `"perfect"`     | `"perfect"`, `"statistical"` or `"iq"`: energy detector      |
    | `sensing`        | `"all"`         | `"all"` channels, or the `"own"` one only                    |
    | `reward`         | `"peer"`        | `"peer"`: +1, 0, -1; `"throughput"` or `"goodput"`: 1 or 0   |
    | `history`        | `4`             | steps that an observation goes back, 1 to 64                 |
    | `switching_cost` | `0.0`           | cost of transmitting on another channel than before          |
    | `tolerance`      | `0.0`           | part of a step that may be interfered with before it is lost |
    | `samples`        | `100`           | complex samples of a channel that the detector averages      |
    | `false_alarm`    | `0.01`          | its probability of false alarm at the nominal noise power    |
    | `link`           | `None`          | mapping: what departs from the scenario's `Link`             |
    | `noise`          | `None`          | standard deviation added to the sensed channels              |
    | `mismatch`       | `None`          | how `noise_power` and `power` depart from nominal            |
    | `delay`          | `0`             | steps by which actions are late                              |
    | `disturbance`    | `None`          | there are no channels to disturb                             |

    ## Reference Controllers

    `table` (counts what follows what), `markov` (a learned two-state chain per channel), `sense_avoid`, the
    bandits `ucb1`, `sw_ucb`, `thompson`, `exp3`, `hopper` (uniform), `q_learning` (tabular, with memory; practises
    in the nominal model and goes on learning while it acts) and `clairvoyant` (foresees the coming step).
    `gym_suite.radio.bounds.ceilings(scenario)` computes the memoryless ceiling, the optimum and the clairvoyant
    bound of a scenario, by dynamic programming over the full state where somebody reacts; `compare` prints them.

    ## Parameters and Sources

    RFRL Gym: arXiv 2401.05406 (ICMLA 2023). Energy detector: Urkowitz, Proc. IEEE 55(4), 1967; Digham, Alouini
    and Simon, IEEE Trans. Commun. 55(1), 2007. `noise_power` and `power` are relative to nominal. An entity's
    power is given as `snr` (dB, received) or as `power` (dBm, sent) and `distance` (m). Noise: k T B at 290 K and
    the noise figure; path loss: Friis at 1 m, then a power of the distance (Rappaport 2002); Rayleigh block fading: one
    exponential gain per transmitter and step; bit error rates: Proakis and Salehi 2008, chapters 4 and 13.

    ## Version History

    * v0: first version.
    """

    id = "radio/Access-v0"
    task = "access"


class AccessVectorEnv(RadioVectorEnv):
    """Many :class:`AccessEnv` in one compiled loop."""

    single = AccessEnv


class JammingEnv(RadioEnv):
    """radio/Jamming-v0: transmit where the target will be alone.

    ## Description

    The agent jams one of several transmitters. As in RFRL Gym a hit counts only where the target is alone: on a
    channel that it shares with another entity the agent loses.

    The six kinds of RFRL Gym (constant, hopper, stochastic hopper, stochastic constant, agile, simple jammer)
    behave as its code does: simultaneous moves, on/off clocks that stand outside an entity's window, a jammer
    that follows one step late, takes what it jams already last and is silent without a victim. Replayed
    recordings are equal in every step. Its scenarios ship; `scenario=` takes a shipped name, a JSON or TOML file,
    a mapping or a `Scenario` (`gym_suite.radio.schema()`); files of RFRL Gym are read as they are
    (`gym_suite.radio.import_rfrl`).

    ## Action Space

    `Discrete(11)`: 0 is silence, k transmits on channel k - 1 for the whole step. Entities and agent move at the
    same time: the agent has seen the step before, and is judged by the step to come.

    ## Observation Space

    `Box(float32)` of shape (52,): what was sensed in the last 4 steps, newest first (`sensed_<steps
    ago>_<channel>`), the own last action one-hot (`last_action_<k>`), and its acknowledgement `ack` (1 delivered
    or hit, -1 lost, 0 silent). Each is a number over entities + 1 (4): 0 idle, i entity i alone, entities + 1
    several; `observation="detect"`: 0 or 1. What was not looked at, and what lies before the episode, counts as
    -1 of these units.

    With `physics="statistical"` a channel is busy if the mean energy of `samples` complex samples exceeds the
    threshold of probability `false_alarm`. The statistic is drawn exactly: noncentral chi-square with 2 `samples`
    degrees of freedom; signals of several entities add up in power, and Gaussian waveforms (those of jammers) add
    to the noise. That is exact for signals of constant envelope and independent phase, and near it for others. With
    `physics="iq"` the same detector averages synthesised samples of every channel: PSK, QAM,
    ASK, tones, chirps or noise with the entity's `waveform`, on clocks that run through all steps, and thermal
    noise; `env.unwrapped.iq()` returns them in root milliwatts. The own signal is not heard. An energy detector
    cannot tell who transmits.

    `info` holds, besides the reward terms, `channel` (-1: silent), `ack`, `delivered`, `blocked` (part of the
    step in which others were on the agent's channel), `primary` (1 if a primary user was there: for access
    the violation that `compare` counts), `switched`, `sinr` (of the agent at its receiver, dB; -200 while silent),
    `goodput` (bits delivered in the step), and whole-number arrays: `entity_actions` (channel of each entity,
    -1: silent), `occupancy` (0: idle, the number of the only entity, or entities + 1) and `peer_observation`
    (what RFRL Gym shows, without noise).

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term               | Formula                                                                     |
    |--------------------|-----------------------------------------------------------------------------|
    | `reward_access`    | +1 if the target was alone on the agent's channel, -1 if not, 0 for silence |
    | `reward_switching` | -`switching_cost` where a transmission changed the channel                  |

    ## Starting State

    Step 0 is played at the reset with the agent silent. `reset(options={"draws": [...]})` injects recorded random
    draws in the form of RFRL Gym recordings; otherwise all chance comes from the seed.

    ## Episode End

    Truncation after the scenario's `steps` (100); nothing terminates an episode.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name             | Default                      | Meaning                                                      |
    |------------------|------------------------------|--------------------------------------------------------------|
    | `render_mode`    | `None`                       | `None`, `"rgb_array"`, `"ansi"` or `"human"`                 |
    | `scenario`       | `"jam_fixed_w_hop_classify"` | shipped name, path, mapping or `Scenario`                    |
    | `observation`    | `None`                       | `"detect"` or `"classify"`; `None`: the scenario's           |
    | `physics`        | `"perfect"`                  | `"perfect"`, `"statistical"` or `"iq"`: energy detector      |
    | `sensing`        | `"all"`                      | `"all"` channels, or the `"own"` one only                    |
    | `reward`         | `"peer"`                     | `"peer"`: +1, 0, -1; `"throughput"`: 1 or 0                  |
    | `history`        | `4`                          | steps that an observation goes back, 1 to 64                 |
    | `switching_cost` | `0.0`                        | cost of transmitting on another channel than before          |
    | `tolerance`      | `0.0`                        | part of a step that may be interfered with before it is lost |
    | `samples`        | `100`                        | complex samples of a channel that the detector averages      |
    | `false_alarm`    | `0.01`                       | its probability of false alarm at the nominal noise power    |
    | `link`           | `None`                       | mapping: what departs from the scenario's `Link`             |
    | `noise`          | `None`                       | standard deviation added to the sensed channels              |
    | `mismatch`       | `None`                       | how `noise_power` and `power` depart from nominal            |
    | `delay`          | `0`                          | steps by which actions are late                              |
    | `disturbance`    | `None`                       | there are no channels to disturb                             |

    ## Reference Controllers

    `table` (counts what follows what), `markov`, `sense_avoid` (always one step late), the bandits `ucb1`,
    `sw_ucb`, `thompson`, `exp3`, `hopper` (uniform), `q_learning` (tabular, with memory; practises in the nominal
    model and goes on learning while it acts) and `clairvoyant` (foresees the coming step).

    ## Parameters and Sources

    RFRL Gym: arXiv 2401.05406 (ICMLA 2023). Energy detector: Urkowitz, Proc. IEEE 55(4), 1967; Digham, Alouini
    and Simon, IEEE Trans. Commun. 55(1), 2007. `noise_power` and `power` are relative to nominal. An entity's
    power is given as `snr` (dB, received) or as `power` (dBm, sent) and `distance` (m). Noise: k T B at 290 K and
    the noise figure; path loss: Friis at 1 m, then a power of the distance (Rappaport 2002); Rayleigh block fading: one
    exponential gain per transmitter and step; bit error rates: Proakis and Salehi 2008, chapters 4 and 13.

    ## Version History

    * v0: first version.
    """

    id = "radio/Jamming-v0"
    task = "jamming"


class JammingVectorEnv(RadioVectorEnv):
    """Many :class:`JammingEnv` in one compiled loop."""

    single = JammingEnv


class GilbertElliottEnv(RadioEnv):
    """radio/GilbertElliott-v0: use one of several channels that turn good and bad unseen.

    ## Description

    Each channel is a two-state Markov chain (Gilbert 1960, Elliott 1963): idle stays idle with `p11`, busy
    becomes idle with `p01`. The agent uses one channel a step and, with `sensing="own"`, learns the state of that
    one only: a restless bandit. For equal channels with p11 >= p01 it is optimal to stay on a good one and to
    leave a bad one for the one left longest ago (Zhao, Krishnamachari and Liu 2008; Ahmad et al. 2009).

    ## Action Space

    `Discrete(6)`: 0 is silence, k transmits on channel k - 1 for the whole step. Entities and agent move at the
    same time: the agent has seen the step before, and is judged by the step to come.

    ## Observation Space

    `Box(float32)` of shape (47,): what was sensed in the last 8 steps, newest first (`sensed_<steps
    ago>_<channel>`), the own last action one-hot (`last_action_<k>`), and its acknowledgement `ack` (1 delivered
    or hit, -1 lost, 0 silent). Each is 0 (idle) or 1 (busy). What was not looked at, and what lies before the
    episode, counts as -1 of these units.

    With `physics="statistical"` a channel is busy if the mean energy of `samples` complex samples exceeds the
    threshold of probability `false_alarm`. The statistic is drawn exactly: noncentral chi-square with 2 `samples`
    degrees of freedom; signals of several entities add up in power, and Gaussian waveforms (those of jammers) add
    to the noise. That is exact for signals of constant envelope and independent phase, and near it for others. With
    `physics="iq"` the same detector averages synthesised samples of every channel: PSK, QAM,
    ASK, tones, chirps or noise with the entity's `waveform`, on clocks that run through all steps, and thermal
    noise; `env.unwrapped.iq()` returns them in root milliwatts. The own signal is not heard. An energy detector
    cannot tell who transmits.

    `info` holds, besides the reward terms, `channel` (-1: silent), `ack`, `delivered`, `blocked` (part of the
    step in which others were on the agent's channel), `primary` (1 if a primary user was there: for access
    the violation that `compare` counts), `switched`, `sinr` (of the agent at its receiver, dB; -200 while silent),
    `goodput` (bits delivered in the step), and whole-number arrays: `entity_actions` (channel of each entity,
    -1: silent), `occupancy` (0: idle, the number of the only entity, or entities + 1) and `peer_observation`
    (what RFRL Gym shows, without noise).

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term               | Formula                                                                |
    |--------------------|------------------------------------------------------------------------|
    | `reward_access`    | 1 if the channel was idle, else 0 (`reward="peer"`: -1 if it was busy) |
    | `reward_switching` | -`switching_cost` where a transmission changed the channel             |

    With `reward="goodput"` a packet a step is sent over the `link`; it arrives by chance, with the bit error rate
    of its modulation at the step's SINR, interference counting as noise: 1 if it arrives, else 0.

    ## Starting State

    Step 0 is played at the reset with the agent silent. The chains start in their stationary distribution.

    ## Episode End

    Truncation after `steps` (200); nothing terminates an episode.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name             | Default        | Meaning                                                                |
    |------------------|----------------|------------------------------------------------------------------------|
    | `render_mode`    | `None`         | `None`, `"rgb_array"`, `"ansi"` or `"human"`                           |
    | `channels`       | `5`            | number of channels                                                     |
    | `p01`            | `0.2`          | chance that a busy channel becomes idle, one number or one per channel |
    | `p11`            | `0.8`          | chance that an idle channel stays idle, one number or one per channel  |
    | `steps`          | `200`          | steps of an episode                                                    |
    | `snr`            | `0.0`          | received power of the users over the noise, dB                         |
    | `physics`        | `"perfect"`    | `"perfect"`, `"statistical"` or `"iq"`: energy detector                |
    | `sensing`        | `"own"`        | `"all"` channels, or the `"own"` one only                              |
    | `reward`         | `"throughput"` | `"peer"`: +1, 0, -1; `"throughput"` or `"goodput"`: 1 or 0             |
    | `history`        | `8`            | steps that an observation goes back, 1 to 64                           |
    | `switching_cost` | `0.0`          | cost of transmitting on another channel than before                    |
    | `tolerance`      | `0.0`          | part of a step that may be interfered with before it is lost           |
    | `samples`        | `100`          | complex samples of a channel that the detector averages                |
    | `false_alarm`    | `0.01`         | its probability of false alarm at the nominal noise power              |
    | `link`           | `None`         | mapping: what departs from the scenario's `Link`                       |
    | `noise`          | `None`         | standard deviation added to the sensed channels                        |
    | `mismatch`       | `None`         | how `noise_power` and `power` depart from nominal                      |
    | `delay`          | `0`            | steps by which actions are late                                        |
    | `disturbance`    | `None`         | there are no channels to disturb                                       |

    ## Reference Controllers

    `myopic` and `whittle` (Liu and Zhao 2010) know the chains; `markov`, `ucb1`, `sw_ucb`, `thompson`, `exp3`
    learn; `hopper` is uniform; `q_learning` practises in the nominal model and goes on learning; `clairvoyant`
    foresees the coming step. Two equal channels give w0 + w0 (1 - w0) |p11 - p01| a step at best, w0 = p01/(p01
    + 1 - p11).

    ## Parameters and Sources

    RFRL Gym: arXiv 2401.05406 (ICMLA 2023). Energy detector: Urkowitz, Proc. IEEE 55(4), 1967; Digham, Alouini
    and Simon, IEEE Trans. Commun. 55(1), 2007. `noise_power` and `power` are relative to nominal. An entity's
    power is given as `snr` (dB, received) or as `power` (dBm, sent) and `distance` (m). Noise: k T B at 290 K and
    the noise figure; path loss: Friis at 1 m, then a power of the distance (Rappaport 2002); Rayleigh block fading: one
    exponential gain per transmitter and step; bit error rates: Proakis and Salehi 2008, chapters 4 and 13.

    ## Version History

    * v0: first version.
    """

    id = "radio/GilbertElliott-v0"
    task = "gilbert_elliott"


class GilbertElliottVectorEnv(RadioVectorEnv):
    """Many :class:`GilbertElliottEnv` in one compiled loop."""

    single = GilbertElliottEnv


class AntiJammingEnv(RadioEnv):
    """radio/AntiJamming-v0: keep a link alive against a jammer.

    ## Description

    One jammer shares the band: a `follower`, a `sweep` over `width` adjacent channels, a `random_jammer` of
    `width` channels each step, or a `barrage` of all channels (with an on/off clock). A follower with reaction
    time r, in steps from the start of the agent's step, jams the part 1 - r of every dwell for r < 1 (Torrieri,
    Principles of Secure Communication Systems); with r = 1 it comes exactly one step late, so that only who stays
    is hit.

    ## Action Space

    `Discrete(11)`: 0 is silence, k transmits on channel k - 1 for the whole step. Entities and agent move at the
    same time: the agent has seen the step before, and is judged by the step to come.

    ## Observation Space

    `Box(float32)` of shape (52,): what was sensed in the last 4 steps, newest first (`sensed_<steps
    ago>_<channel>`), the own last action one-hot (`last_action_<k>`), and its acknowledgement `ack` (1 delivered
    or hit, -1 lost, 0 silent). Each is 0 (idle) or 1 (busy). What was not looked at, and what lies before the
    episode, counts as -1 of these units.

    With `physics="statistical"` a channel is busy if the mean energy of `samples` complex samples exceeds the
    threshold of probability `false_alarm`. The statistic is drawn exactly: noncentral chi-square with 2 `samples`
    degrees of freedom; signals of several entities add up in power, and Gaussian waveforms (those of jammers) add
    to the noise. That is exact for signals of constant envelope and independent phase, and near it for others. With
    `physics="iq"` the same detector averages synthesised samples of every channel: PSK, QAM,
    ASK, tones, chirps or noise with the entity's `waveform`, on clocks that run through all steps, and thermal
    noise; `env.unwrapped.iq()` returns them in root milliwatts. The own signal is not heard. An energy detector
    cannot tell who transmits.

    `info` holds, besides the reward terms, `channel` (-1: silent), `ack`, `delivered`, `blocked` (part of the
    step in which others were on the agent's channel), `primary` (1 if a primary user was there: for access
    the violation that `compare` counts), `switched`, `sinr` (of the agent at its receiver, dB; -200 while silent),
    `goodput` (bits delivered in the step), and whole-number arrays: `entity_actions` (channel of each entity,
    -1: silent), `occupancy` (0: idle, the number of the only entity, or entities + 1) and `peer_observation`
    (what RFRL Gym shows, without noise).

    ## Rewards

    The reward is the sum of the terms in `info`:

    | Term               | Formula                                                                      |
    |--------------------|------------------------------------------------------------------------------|
    | `reward_access`    | +1 if at most `tolerance` of the step was blocked, -1 if more, 0 for silence |
    | `reward_switching` | -`switching_cost` where a transmission changed the channel                   |

    With `reward="goodput"` a packet a step is sent over the `link`; it arrives by chance, with the bit error rate
    of its modulation at the step's SINR, interference counting as noise: 1 if it arrives, else 0.

    ## Starting State

    Step 0 is played at the reset with the agent silent. The jammer starts silent if it follows.

    ## Episode End

    Truncation after `steps` (200); nothing terminates an episode.

    ## Arguments

    `gymnasium.make` and `gymnasium.make_vec` take the same ones:

    | Name             | Default      | Meaning                                                      |
    |------------------|--------------|--------------------------------------------------------------|
    | `render_mode`    | `None`       | `None`, `"rgb_array"`, `"ansi"` or `"human"`                 |
    | `channels`       | `10`         | number of channels                                           |
    | `jammer`         | `"follower"` | kind, or a mapping with "kind" and keys of an `Entity`       |
    | `steps`          | `200`        | steps of an episode                                          |
    | `snr`            | `0.0`        | received power of the jammer over the noise, dB              |
    | `physics`        | `"perfect"`  | `"perfect"`, `"statistical"` or `"iq"`: energy detector      |
    | `sensing`        | `"all"`      | `"all"` channels, or the `"own"` one only                    |
    | `reward`         | `"peer"`     | `"peer"`: +1, 0, -1; `"throughput"` or `"goodput"`: 1 or 0   |
    | `history`        | `4`          | steps that an observation goes back, 1 to 64                 |
    | `switching_cost` | `0.0`        | cost of transmitting on another channel than before          |
    | `tolerance`      | `0.0`        | part of a step that may be interfered with before it is lost |
    | `samples`        | `100`        | complex samples of a channel that the detector averages      |
    | `false_alarm`    | `0.01`       | its probability of false alarm at the nominal noise power    |
    | `link`           | `None`       | mapping: what departs from the scenario's `Link`             |
    | `noise`          | `None`       | standard deviation added to the sensed channels              |
    | `mismatch`       | `None`       | how `noise_power` and `power` depart from nominal            |
    | `delay`          | `0`          | steps by which actions are late                              |
    | `disturbance`    | `None`       | there are no channels to disturb                             |

    ## Reference Controllers

    `evader` (leaves a channel alone for two steps), `hopper` (uniform: the minimax strategy, 1 - m/C of the steps
    against m jammed channels), `sense_avoid`, `markov`, the bandits `ucb1`, `sw_ucb`, `thompson`, `exp3`,
    `q_learning` (practises in the nominal model and goes on learning) and `clairvoyant` (foresees the coming step).

    ## Parameters and Sources

    RFRL Gym: arXiv 2401.05406 (ICMLA 2023). Energy detector: Urkowitz, Proc. IEEE 55(4), 1967; Digham, Alouini
    and Simon, IEEE Trans. Commun. 55(1), 2007. `noise_power` and `power` are relative to nominal. An entity's
    power is given as `snr` (dB, received) or as `power` (dBm, sent) and `distance` (m). Noise: k T B at 290 K and
    the noise figure; path loss: Friis at 1 m, then a power of the distance (Rappaport 2002); Rayleigh block fading: one
    exponential gain per transmitter and step; bit error rates: Proakis and Salehi 2008, chapters 4 and 13.

    ## Version History

    * v0: first version.
    """

    id = "radio/AntiJamming-v0"
    task = "anti_jamming"


class AntiJammingVectorEnv(RadioVectorEnv):
    """Many :class:`AntiJammingEnv` in one compiled loop."""

    single = AntiJammingEnv
