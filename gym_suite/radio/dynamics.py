"""Who transmits where: one step of all entities, at once with the agents.

A world is C channels and discrete steps. Entities act at the same time as the agents, from what
happened one step before; step 0 is played at the reset with the agents silent. The six kinds of RFRL
Gym (arXiv 2401.05406) behave as its code does, step by step. A single agent is not on the air that it
hears itself; several agents are transmitters behind the entities (arXiv 2410.21521).
"""

from __future__ import annotations

import math

from gym_suite.core.kernel import called_kernel, kernel
from gym_suite.core.random import uniform
from gym_suite.radio.air.link import channel_of, played_row, receive_one, span_on
from gym_suite.radio.columns import (
    DRAW_NONE,
    NO_SIGNAL,
    SILENT,
    B,
    E,
    L,
    T,
    block_of,
)
from gym_suite.radio.parameters import P
from gym_suite.radio.scenario.kinds import K

# -------------------------------------------------------------------------------- what entities look at


@kernel
def _injected(x, e, s):
    """Return the injected draw of an entity (channel, -1 for silent) or -2 without one."""
    return x[s.draw + e] - 2.0


@kernel
def _pick(count, key, step, e):
    """Return a number uniform in 0 .. count - 1."""
    place = int(count * uniform(key, step, e))
    return place if place < count else count - 1


@kernel
def _occupied_by_others(occupancy, e, c, unheard):
    """Return whether an agent or another entity was on channel c in the step before.

    ``unheard`` is the channel of an agent that is not in the occupancy, -1 for none.
    """
    return (occupancy[c] != 0.0 and occupancy[c] != e + 1.0) or unheard == c


@kernel
def _victim(occupancy, e, c, unheard, own, heard):
    """Return 2 for a fresh victim of the simple jammer, 1 for one it is already on, else 0.

    A channel is a victim if exactly one transmitter other than the jammer was there a step before.
    RFRL Gym sees a jammed entity as a collision, which it takes last, and a jammed agent that is alone
    in the band as a fresh victim.
    """
    code = occupancy[c]
    if code == 0.0 or code == e + 1.0:
        return 2 if unheard == c else 0
    if code <= heard:
        return 0 if unheard == c else 2
    return 1 if own == c else 0


# ------------------------------------------------------------------------------------- entities one by one


@kernel
def _stochastic_hop(x, key, step, e, entities, lists, s):
    drawn = _injected(x, e, s)
    if drawn >= 0.0:
        return drawn
    place = int(entities[e, E.first])
    last = place + int(entities[e, E.rows]) - 1
    part = uniform(key, step, e)
    for j in range(place, last):
        place += 1 if part >= lists[j, L.weight] else 0  # no branch: chance is hard to predict
    return lists[place, L.channel]


@kernel
def _stochastic_constant(x, key, step, e, entities, lists, s):
    drawn = _injected(x, e, s)
    if drawn > -2.0:
        return drawn
    on = uniform(key, step, e) < entities[e, E.probability]
    return lists[int(entities[e, E.first]), L.channel] if on else SILENT


@called_kernel
def _agile(x, pointer, draw, key, step, e, occupancy, unheard):
    """Keep the channel unless somebody else was on it; then go to one that was free, if any."""
    kept, drawn = x[pointer], x[draw] - 2.0
    if step == 0 or not _occupied_by_others(occupancy, e, int(kept), unheard):
        return kept
    free = 0
    for c in range(occupancy.shape[0]):
        if not _occupied_by_others(occupancy, e, c, unheard):
            free += 1
    if free == 0:
        return SILENT
    if drawn < 0.0:
        place = _pick(free, key, step, e)
        for c in range(occupancy.shape[0]):
            if not _occupied_by_others(occupancy, e, c, unheard):
                if place == 0:
                    drawn = float(c)
                    break
                place -= 1
    x[pointer] = drawn
    return drawn


@called_kernel
def _simple_jammer(key, step, e, occupancy, unheard, own, heard, avoid, drawn):
    if step == 0:
        return SILENT
    fresh, stale = 0, 0
    for c in range(occupancy.shape[0]):
        kind = _victim(occupancy, e, c, unheard, own, heard)
        fresh += 1 if kind == 2 else 0
        stale += 1 if kind == 1 else 0
    least = 2 if avoid and fresh > 0 else 1
    count = fresh if least == 2 else fresh + stale
    if count == 0:
        return SILENT
    if drawn >= 0.0:
        return drawn
    place = _pick(count, key, step, e)
    for c in range(occupancy.shape[0]):
        if _victim(occupancy, e, c, unheard, own, heard) >= least:
            if place == 0:
                return float(c)
            place -= 1
    return SILENT


@kernel
def _gilbert_elliott(x, key, step, e, entities, lists, s):
    """Return the channel while it is bad; p01 and p11 lead to good.

    The pointer holds 1 while good, 2 while bad and 0 before the first step, in which the chance of good
    is the stationary one.
    """
    p01, p11 = entities[e, E.p01], entities[e, E.p11]
    was = x[s.pointer + e]
    if was == 0.0:
        chance = p01 / (p01 + 1.0 - p11) if p01 + 1.0 - p11 > 0.0 else 0.5
    else:
        chance = p11 if was == 1.0 else p01
    good = uniform(key, step, e) < chance
    x[s.pointer + e] = 1.0 if good else 2.0
    return SILENT if good else lists[int(entities[e, E.first]), L.channel]


@called_kernel
def _bursty(x, key, step, e, entities, lists, s):
    """Return the channel during a burst; lengths of gaps and bursts mix two geometric distributions each.

    The pointer holds 1 and 2 in a short and a long gap, 3 and 4 in a short and a long burst, and 0 before the first
    step, whose state is drawn from the stationary distribution. One draw decides whether a state lasts, and what is
    left of it which state follows.
    """
    part, was = uniform(key, step, e), x[s.pointer + e]
    short_gap, long_gap = entities[e, E.short_gap], entities[e, E.long_gap]
    short_burst, long_burst = entities[e, E.short_burst], entities[e, E.long_burst]
    long_gaps, long_bursts = entities[e, E.long_gaps], entities[e, E.long_bursts]
    if was == 0.0:
        # A gap and a burst take turns, so what a state is worth is how often it comes times how long it lasts.
        first = (1.0 - long_gaps) * short_gap
        second = first + long_gaps * long_gap
        third = second + (1.0 - long_bursts) * short_burst
        place = part * (third + long_bursts * long_burst)
        now = 1.0 + (place >= first) + (place >= second) + (place >= third)
    else:
        mean = short_gap if was == 1.0 else long_gap
        if was > 2.0:
            mean = short_burst if was == 3.0 else long_burst
        leaves = 1.0 / mean
        now = was
        if part < leaves:
            if was > 2.0:
                now = 2.0 if part < leaves * long_gaps else 1.0
            else:
                now = 4.0 if part < leaves * long_bursts else 3.0
    x[s.pointer + e] = now
    return SILENT if now < 3.0 else lists[int(entities[e, E.first]), L.channel]


@called_kernel
def _predictor(x, key, step, e, entities, s):
    """Draw one of the agent's last choices, by succession one made after the channel that it is on if there is one."""
    window, here = int(entities[e, E.window]), channel_of(x, 0, 0, s)
    chosen, after = 0, 0
    for ago in range(window):
        if channel_of(x, 0, ago, s) >= 0.0:
            chosen += 1
            after += 1 if ago < window - 1 and channel_of(x, 0, ago + 1, s) == here else 0
    succession = entities[e, E.succession] != 0.0 and after > 0
    count = after if succession else chosen
    if count == 0:
        return SILENT
    place, ago = _pick(count, key, step, e), -1
    while place >= 0:
        ago += 1
        follows = ago < window - 1 and channel_of(x, 0, ago + 1, s) == here
        if channel_of(x, 0, ago, s) >= 0.0 and (follows or not succession):
            place -= 1
    return channel_of(x, 0, ago, s)


@kernel
def act(x, key, step, e, entities, lists, occupancy, unheard, s):
    """Return the channel on which an entity that is on transmits in this step, or -1.

    The branch of each kind of :data:`gym_suite.radio.scenario.kinds.KINDS`, but for those that are on a
    channel in part: they are moved by :func:`move_entities` itself, as they act when they are off, too.
    """
    kind, first = int(entities[e, E.kind]), int(entities[e, E.first])
    pointer = s.pointer + e
    if kind == K.constant:
        return lists[first, L.channel]
    if kind == K.hopper:
        if x[s.counter + e] == 0.0:
            x[pointer] = x[pointer] + 1.0 if x[pointer] < entities[e, E.rows] else 1.0
        return lists[first + int(x[pointer]) - 1, L.channel]
    if kind == K.stochastic_hopper:
        return _stochastic_hop(x, key, step, e, entities, lists, s)
    if kind == K.stochastic_constant:
        return _stochastic_constant(x, key, step, e, entities, lists, s)
    if kind == K.agile:
        return _agile(x, pointer, s.draw + e, key, step, e, occupancy, unheard)
    if kind == K.simple_jammer:
        own, avoid = x[s.actions + e], entities[e, E.avoid_repeats] != 0.0
        drawn = _injected(x, e, s)
        return _simple_jammer(key, step, e, occupancy, unheard, own, s.heard, avoid, drawn)
    if kind == K.gilbert_elliott:
        return _gilbert_elliott(x, key, step, e, entities, lists, s)
    if kind == K.sweep:
        place = x[pointer]
        x[pointer] = (place + entities[e, E.width]) % s.channels
        return place
    if kind == K.random_jammer:
        return float(_pick(s.channels, key, step, e))
    if kind == K.bursty:
        return _bursty(x, key, step, e, entities, lists, s)
    if kind == K.predictor:
        return _predictor(x, key, step, e, entities, s)
    if kind == K.own:
        return max(_injected(x, e, s), SILENT)
    return 0.0 if kind == K.barrage else SILENT


@kernel
def _play_back(x, e, entities, playback, s):
    """Play the next row of a table; return the lowest channel that counts as occupied, or -1."""
    played = abs(x[s.pointer + e]) + 1.0
    x[s.pointer + e] = 1.0 if played > entities[e, E.rows] else played
    return playback[played_row(x, e, entities, s), 2 * s.channels]


@kernel
def _tick(x, e, entities, s):
    """Move the on/off clock of an entity by one step."""
    count = x[s.counter + e] + 1.0
    on_steps, off_steps = entities[e, E.on], entities[e, E.off]
    on = x[s.on + e] != 0.0
    if count == (on_steps if on else off_steps):
        count = 0.0
        if (off_steps if on else on_steps) != 0.0:
            x[s.on + e] = 0.0 if on else 1.0
    x[s.counter + e] = count


# ------------------------------------------------------------------------------------------ all at once


@kernel
def move_entities(x, key, step, entities, lists, playback, s):
    """Let every entity act in a step, from what happened one step before.

    Args:
        x: The row; its agents' channels and its occupancy are those of the step before.
        key: The row's key.
        step: The step to be played.
        entities: Table of the entities.
        lists: Table of their channels.
        playback: Table of what is played back.
        s: Where the row keeps what.
    """
    now = float(step)
    # Views whose places count from 0: the compiler then asks of none whether it is negative.
    actions, draws = x[s.actions : s.occupancy], x[s.draw : s.peer]
    occupancy = x[s.occupancy : s.occupancy + s.channels]
    unheard = actions[s.entities] if s.heard == s.entities else SILENT
    for e in range(s.entities):
        if entities[e, E.steady] != 0.0:
            actions[e] = act(x, key, step, e, entities, lists, occupancy, unheard, s)
            continue
        kind = int(entities[e, E.kind])
        active = entities[e, E.start] <= now <= entities[e, E.stop]
        sends = active and x[s.on + e] != 0.0
        action = SILENT
        if kind == K.follower:
            x[s.pointer + e] = 1.0 if sends else 0.0
        elif kind == K.playback:
            x[s.pointer + e] = -abs(x[s.pointer + e])
            if sends:
                action = _play_back(x, e, entities, playback, s)
        elif sends:
            action = act(x, key, step, e, entities, lists, occupancy, unheard, s)
        actions[e] = action
        if active:
            _tick(x, e, entities, s)
    for e in range(s.entities):
        draws[e] = DRAW_NONE


@kernel
def _send(x, j, channel, s):
    """Let agent j transmit on a channel; what it did before moves back, as far as somebody follows it."""
    block, here = block_of(j, s), s.actions + s.entities + j
    before = x[here]
    if s.block > B.before_1:
        past = x[block + B.before_1 : block + s.block]
        for k in range(past.shape[0] - 1, 0, -1):
            past[k] = past[k - 1]
        past[0] = before
    x[here] = channel
    switched = channel >= 0.0 and before >= 0.0 and before != channel
    x[block + B.switched] = 1.0 if switched else 0.0


@kernel
def _occupy(x, p, entities, playback, s):
    """Fill the occupancy: 0, the number of the only transmitter that is heard, or one more for several."""
    if p[P.partial] != 0.0:
        for e in range(s.entities):
            if int(entities[e, E.kind]) == K.follower and x[s.pointer + e] != 0.0:
                x[s.actions + e] = channel_of(x, 0, int(entities[e, E.reaction]), s)
    several = s.heard + 1.0
    actions = x[s.actions : s.occupancy]
    occupancy = x[s.occupancy : s.occupancy + s.channels]
    for c in range(s.channels):
        occupancy[c] = 0.0
    for e in range(s.heard):
        action = actions[e]
        width = int(entities[e, E.width]) if e < s.entities else 1
        if width == 1:
            # The usual case, without a branch on what chance decides.
            c = int(action) if action > 0.0 else 0
            before = occupancy[c]
            after = e + 1.0 if before == 0.0 else several
            occupancy[c] = after if action >= 0.0 else before
            continue
        for c in range(s.channels):
            start, end = span_on(x, e, entities, float(c), playback, s)
            if end > start:
                occupancy[c] = e + 1.0 if occupancy[c] == 0.0 else several


@kernel
def _meet(x, j, channel, code, p, entities, playback, s):
    """Fill in what part of the step others were on agent j's channel, and whether one was a primary user.

    With a reaction r < 1 a follower jams the part 1 - r of every dwell (Torrieri, Principles of Secure
    Communication Systems, ch. 3).
    """
    blocked, primary, collided = 0.0, 0.0, 0.0
    if p[P.partial] == 0.0 and code <= s.entities:  # the occupancy says it all
        blocked = 1.0
        primary = entities[int(code) - 1, E.primary]
    else:
        for e in range(s.entities):
            start, end = span_on(x, e, entities, channel, playback, s)
            if end > start:
                blocked = end - start if end - start > blocked else blocked
                primary = 1.0 if entities[e, E.primary] != 0.0 else primary
        for i in range(s.agents):
            if i != j and channel_of(x, i, 0, s) == channel:
                blocked, collided = 1.0, 1.0
    block = block_of(j, s)
    x[block + B.blocked], x[block + B.primary], x[block + B.collided] = blocked, primary, collided


@kernel
def advance_one(x, key, step, u, p, tables, s):
    """Move one row by one step; u[j] is the action of agent j: 0 is silence, k is channel k - 1."""
    entities, playback = tables[T.entities], tables[T.playback]
    move_entities(x, key, step + 1, entities, tables[T.lists], playback, s)
    for j in range(s.agents):
        _send(x, j, math.floor(u[j]) - 1.0, s)
    _occupy(x, p, entities, playback, s)
    for j in range(s.agents):
        block, channel = block_of(j, s), channel_of(x, j, 0, s)
        x[block + B.blocked], x[block + B.primary], x[block + B.collided] = 0.0, 0.0, 0.0
        x[block + B.sinr], x[block + B.success] = NO_SIGNAL, 0.0
        if channel < 0.0:
            continue
        code = x[s.occupancy + int(channel)]
        own = s.entities + j + 1.0 if s.heard > s.entities else 0.0
        alone = p[P.partial] == 0.0 and (code == 0.0 or code == own)
        if not alone:
            _meet(x, j, channel, code, p, entities, playback, s)
        if p[P.receives] != 0.0:
            receive_one(x, key, step + 1, channel, alone, p, tables, s)


@kernel
def start_one(x, key, p, tables, s):
    """Put all entities at the start of an episode and play step 0 with the agents silent."""
    entities, lists, playback = tables[T.entities], tables[T.lists], tables[T.playback]
    for i in range(s.draw):
        x[i] = 0.0
    for j in range(s.agents):
        x[block_of(j, s) + B.sinr] = NO_SIGNAL
        for k in range(B.before_1, s.block):
            x[block_of(j, s) + k] = SILENT
    for i in range(s.entities + s.agents):
        x[s.actions + i] = SILENT
    for e in range(s.entities):
        on = entities[e, E.on_first] != 0.0 and entities[e, E.on] != 0.0
        x[s.on + e] = 1.0 if on else 0.0
        if int(entities[e, E.kind]) == K.agile:
            drawn = _injected(x, e, s)
            if drawn < 0.0:
                rows = int(entities[e, E.rows])
                drawn = lists[int(entities[e, E.first]) + _pick(rows, key, 0, e), L.channel]
            x[s.pointer + e] = drawn
    move_entities(x, key, 0, entities, lists, playback, s)
    _occupy(x, p, entities, playback, s)
