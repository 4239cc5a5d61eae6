"""Who transmits where: one step of all entities, at once with the agent.

A world is C channels and discrete steps. Entities act at the same time as the agent, from what
happened one step before; step 0 is played at the reset with the agent silent. The six kinds of RFRL
Gym (arXiv 2401.05406) behave as its code does, step by step.
"""

from __future__ import annotations

import math

import numpy as np

from gym_suite.core.family import parameter_row
from gym_suite.core.kernel import kernel
from gym_suite.core.random import uniform
from gym_suite.radio.layout import (
    DRAW_NONE,
    NO_SIGNAL,
    PAST,
    SILENT,
    X_ACTIONS,
    X_BLOCKED,
    X_CHANNEL,
    X_PRIMARY,
    X_SINR,
    X_SWITCHED,
    counter_at,
    draw_at,
    occupancy_at,
    on_at,
    pointer_at,
)
from gym_suite.radio.link import is_on, played_row, receive_one, span_on
from gym_suite.radio.parameters import (
    AGILE,
    BARRAGE,
    CONSTANT,
    E_COUNT,
    E_KIND,
    E_LIST,
    E_OFF,
    E_ON,
    E_ON_FIRST,
    E_PRIMARY,
    E_START,
    E_STEADY,
    E_STOP,
    E_VALUE,
    E_VALUE_2,
    E_WIDTH,
    FOLLOWER,
    GILBERT_ELLIOTT,
    HOPPER,
    L_CHANNEL,
    L_WEIGHT,
    P_CHANNELS,
    P_ENTITIES,
    P_IRREGULAR,
    PLAYBACK,
    RANDOM_JAMMER,
    SIMPLE_JAMMER,
    STOCHASTIC_CONSTANT,
    STOCHASTIC_HOPPER,
    SWEEP,
    T_ENTITIES,
    T_LISTS,
    T_PLAYBACK,
)

# ------------------------------------------------------------------------------------ random choices


@kernel
def _injected(x, e, n, channels):
    """Return the injected draw of an entity (channel, -1 for silent) or -2 without one."""
    return x[draw_at(n, channels) + e] - 2.0


@kernel
def _pick(count, key, step, e):
    """Return a number uniform in 0 .. count - 1."""
    return min(int(count * uniform(key, step, e)), count - 1)


@kernel
def _occupied_by_others(x, e, c, n):
    """Return whether the agent or another entity was on channel c in the step before."""
    code = x[occupancy_at(n) + c]
    return (code != 0.0 and code != e + 1.0) or x[X_CHANNEL] == c


# ----------------------------------------------------------------------------------- entities one by one


@kernel
def _stochastic_hop(x, key, step, e, entity, lists, n, channels):
    drawn = _injected(x, e, n, channels)
    if drawn >= 0.0:
        return drawn
    place, last = int(entity[E_LIST]), int(entity[E_LIST] + entity[E_COUNT]) - 1
    part = uniform(key, step, e)
    for j in range(place, last):
        place += 1 if part >= lists[j, L_WEIGHT] else 0  # no branch: chance is hard to predict
    return lists[place, L_CHANNEL]


@kernel
def _stochastic_constant(x, key, step, e, entity, lists, n, channels):
    drawn = _injected(x, e, n, channels)
    if drawn > -2.0:
        return drawn
    channel = lists[int(entity[E_LIST]), L_CHANNEL]
    return channel if uniform(key, step, e) < entity[E_VALUE] else SILENT


@kernel
def _agile(x, key, step, e, pointer, n, channels):
    """Keep the channel unless somebody else was on it; then go to one that was free, if any."""
    kept = x[pointer]
    if step == 0 or not _occupied_by_others(x, e, int(kept), n):
        return kept
    free = 0
    for c in range(channels):
        if not _occupied_by_others(x, e, c, n):
            free += 1
    if free == 0:
        return SILENT
    drawn = _injected(x, e, n, channels)
    if drawn < 0.0:
        place = _pick(free, key, step, e)
        for c in range(channels):
            if not _occupied_by_others(x, e, c, n):
                if place == 0:
                    drawn = float(c)
                    break
                place -= 1
    x[pointer] = drawn
    return drawn


@kernel
def _victim(x, e, c, n):
    """Return 2 for a fresh victim of the simple jammer, 1 for one it is already on, else 0.

    A channel is a victim if exactly one transmitter other than the jammer was there a step before.
    RFRL Gym sees a jammed entity as a collision, which it takes last, and a jammed agent as a fresh
    victim.
    """
    code = x[occupancy_at(n) + c]
    agent = x[X_CHANNEL] == c
    if code == 0.0 or code == e + 1.0:
        return 2 if agent else 0
    if code <= n:
        return 0 if agent else 2
    return 1 if x[X_ACTIONS + e] == c else 0


@kernel
def _simple_jammer(x, key, step, e, entity, n, channels):
    if step == 0:
        return SILENT
    fresh, stale = 0, 0
    for c in range(channels):
        kind = _victim(x, e, c, n)
        if kind == 2:
            fresh += 1
        elif kind == 1:
            stale += 1
    least = 2 if entity[E_VALUE] != 0.0 and fresh > 0 else 1
    count = fresh if least == 2 else fresh + stale
    if count == 0:
        return SILENT
    drawn = _injected(x, e, n, channels)
    if drawn >= 0.0:
        return drawn
    place = _pick(count, key, step, e)
    for c in range(channels):
        if _victim(x, e, c, n) >= least:
            if place == 0:
                return float(c)
            place -= 1
    return SILENT


@kernel
def _gilbert_elliott(key, step, e, entity, lists, pointer, x):
    """Return the channel while it is bad; p01 and p11 lead to good.

    The pointer holds 1 while good, 2 while bad and 0 before the first step, in which the chance of good
    is the stationary one.
    """
    p01, p11 = entity[E_VALUE], entity[E_VALUE_2]
    if x[pointer] == 0.0:
        chance = p01 / (p01 + 1.0 - p11) if p01 + 1.0 - p11 > 0.0 else 0.5
    else:
        chance = p11 if x[pointer] == 1.0 else p01
    x[pointer] = 1.0 if uniform(key, step, e) < chance else 2.0
    return SILENT if x[pointer] == 1.0 else lists[int(entity[E_LIST]), L_CHANNEL]


@kernel
def _act(x, key, step, e, entity, lists, counter, pointer, n, channels):
    """Return the channel on which an entity that is on transmits in this step, or -1."""
    kind = int(entity[E_KIND])
    first, count = int(entity[E_LIST]), int(entity[E_COUNT])
    if kind == CONSTANT:
        return lists[first, L_CHANNEL]
    if kind == HOPPER:
        if x[counter] == 0.0:
            x[pointer] += 1.0
            if x[pointer] > count:
                x[pointer] = 1.0
        return lists[first + int(x[pointer]) - 1, L_CHANNEL]
    if kind == STOCHASTIC_HOPPER:
        return _stochastic_hop(x, key, step, e, entity, lists, n, channels)
    if kind == STOCHASTIC_CONSTANT:
        return _stochastic_constant(x, key, step, e, entity, lists, n, channels)
    if kind == AGILE:
        return _agile(x, key, step, e, pointer, n, channels)
    if kind == SIMPLE_JAMMER:
        return _simple_jammer(x, key, step, e, entity, n, channels)
    if kind == GILBERT_ELLIOTT:
        return _gilbert_elliott(key, step, e, entity, lists, pointer, x)
    if kind == SWEEP:
        place = x[pointer]
        x[pointer] = (place + entity[E_WIDTH]) % channels
        return place
    if kind == RANDOM_JAMMER:
        return float(_pick(channels, key, step, e))
    return 0.0 if kind == BARRAGE else SILENT


@kernel
def _play_back(x, e, entity, pointer, n, channels, playback):
    """Play the next row of a table; return the lowest channel that counts as occupied, or -1."""
    played = abs(x[pointer]) + 1.0
    x[pointer] = 1.0 if played > entity[E_COUNT] else played
    return playback[played_row(x, e, entity, n, channels), 2 * channels]


@kernel
def _tick(x, entity, on, counter):
    """Move the on/off clock of an entity by one step."""
    x[counter] += 1.0
    if x[on] != 0.0:
        if x[counter] == entity[E_ON]:
            x[counter] = 0.0
            if entity[E_OFF] != 0.0:
                x[on] = 0.0
    elif x[counter] == entity[E_OFF]:
        x[counter] = 0.0
        if entity[E_ON] != 0.0:
            x[on] = 1.0


@kernel
def _hit(x, e, entity, c, n, channels, playback):
    """Return the part of the step in which an entity was on channel c.

    With a reaction r < 1 a follower jams the part 1 - r of every dwell (Torrieri, Principles of Secure
    Communication Systems, ch. 3).
    """
    if int(entity[E_KIND]) == PLAYBACK:
        return 1.0 if is_on(x, e, entity, c, n, channels, playback) else 0.0
    start, end = span_on(x, e, entity, c, n, channels)
    return end - start


@kernel
def _occupy(x, entities, playback, n, channels):
    """Fill the occupancy: 0, the number of the only entity, or n + 1 for several."""
    first = occupancy_at(n)
    occupancy, actions = x[first : first + channels], x[X_ACTIONS : X_ACTIONS + n]
    for c in range(channels):
        occupancy[c] = 0.0
    for e in range(n):
        action = actions[e]
        width = int(entities[e, E_WIDTH])
        played = int(entities[e, E_KIND]) == PLAYBACK
        if width == 1:
            # The usual case, without a branch on what chance decides.
            c = int(max(action, 0.0))
            before = occupancy[c]
            after = e + 1.0 if before == 0.0 else n + 1.0
            occupancy[c] = after if action >= 0.0 else before
            continue
        if action < 0.0:
            continue
        for k in range(width):
            c = int(action) + k
            if c >= channels:
                c -= channels
            if played and not is_on(x, e, entities[e], c, n, channels, playback):
                continue
            occupancy[c] = e + 1.0 if occupancy[c] == 0.0 else n + 1.0


@kernel
def move_entities(x, key, step, channel, p, tables, work):
    """Play one step: all entities and the agent, on ``channel`` (-1: silent), at once.

    Nobody reads another entity's new action: who reacts looks at the occupancy of the step before.
    """
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    entities, lists, playback = tables[T_ENTITIES], tables[T_LISTS], tables[T_PLAYBACK]
    first_on, first_counter = on_at(n, channels), counter_at(n, channels)
    first_pointer, first_draw = pointer_at(n, channels), draw_at(n, channels)
    actions, draws = x[X_ACTIONS : X_ACTIONS + n], x[first_draw : first_draw + n]
    now = float(step)
    for e in range(n):
        entity = entities[e]
        on, counter, pointer = first_on + e, first_counter + e, first_pointer + e
        if entity[E_STEADY] != 0.0:
            actions[e] = _act(x, key, step, e, entity, lists, counter, pointer, n, channels)
            continue
        kind = int(entity[E_KIND])
        active = entity[E_START] <= now <= entity[E_STOP]
        sends = active and x[on] != 0.0
        action = SILENT
        if kind == FOLLOWER:
            x[pointer] = 1.0 if sends else 0.0
        elif kind == PLAYBACK:
            x[pointer] = -abs(x[pointer])
            if sends:
                action = _play_back(x, e, entity, pointer, n, channels, playback)
        elif sends:
            action = _act(x, key, step, e, entity, lists, counter, pointer, n, channels)
        actions[e] = action
        if active:
            _tick(x, entity, on, counter)
    for k in range(PAST - 1, 0, -1):
        x[X_CHANNEL + k] = x[X_CHANNEL + k - 1]
    x[X_CHANNEL] = channel
    for e in range(n):
        draws[e] = DRAW_NONE
    if p[P_IRREGULAR] != 0.0:
        for e in range(n):
            if int(entities[e, E_KIND]) == FOLLOWER and x[first_pointer + e] != 0.0:
                actions[e] = x[X_CHANNEL + int(entities[e, E_VALUE])]
    _occupy(x, entities, playback, n, channels)


@kernel
def _meet(x, channel, code, p, tables):
    """Fill what part of the step others were on the agent's channel, and whether one was a primary user."""
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    entities, playback = tables[T_ENTITIES], tables[T_PLAYBACK]
    x[X_BLOCKED] = 0.0
    x[X_PRIMARY] = 0.0
    if channel < 0.0:
        return
    if p[P_IRREGULAR] == 0.0 and code <= n:  # the occupancy says it all
        if code != 0.0:
            x[X_BLOCKED] = 1.0
            x[X_PRIMARY] = entities[int(code) - 1, E_PRIMARY]
        return
    for e in range(n):
        part = _hit(x, e, entities[e], channel, n, channels, playback)
        x[X_BLOCKED] = max(x[X_BLOCKED], part)
        if part > 0.0 and entities[e, E_PRIMARY] != 0.0:
            x[X_PRIMARY] = 1.0


@kernel
def advance_one(x, key, step, u, p, tables, work):
    """Move one row by one step with action u[0]: 0 is silence, k is channel k - 1."""
    before = x[X_CHANNEL]
    channel = math.floor(u[0]) - 1.0
    move_entities(x, key, step + 1, channel, p, tables, work)
    code = x[occupancy_at(int(p[P_ENTITIES])) + int(max(channel, 0.0))]
    switched = channel >= 0.0 and before >= 0.0 and before != channel
    x[X_SWITCHED] = 1.0 if switched else 0.0
    _meet(x, channel, code, p, tables)
    receive_one(x, key, step + 1, channel, code, p, tables)


@kernel
def start_entities(x, key, p, tables, work):
    """Put all entities at the start of an episode and play step 0 with the agent silent."""
    n, channels = int(p[P_ENTITIES]), int(p[P_CHANNELS])
    entities, lists = tables[T_ENTITIES], tables[T_LISTS]
    for j in range(draw_at(n, channels)):
        x[j] = 0.0
    for k in range(PAST):
        x[X_CHANNEL + k] = SILENT
    x[X_SINR] = NO_SIGNAL
    for e in range(n):
        x[X_ACTIONS + e] = SILENT
        entity = entities[e]
        on = entity[E_ON_FIRST] != 0.0 and entity[E_ON] != 0.0
        x[on_at(n, channels) + e] = 1.0 if on else 0.0
        if int(entity[E_KIND]) == AGILE:
            drawn = _injected(x, e, n, channels)
            if drawn < 0.0:
                place = int(entity[E_LIST]) + _pick(int(entity[E_COUNT]), key, 0, e)
                drawn = lists[place, L_CHANNEL]
            x[pointer_at(n, channels) + e] = drawn
    start = np.int64(0)  # a literal would have everything compiled once more
    move_entities(x, key, start, SILENT, p, tables, work)


@kernel
def advance_batch(x, key, step, u, p, tables, work):
    """Move all rows by one step; see :class:`gym_suite.core.family.Kernels`."""
    for i in range(x.shape[0]):
        advance_one(x[i], key[i], step[i], u[i], p[parameter_row(p, i)], tables, work[i])
