"""The entities of a scenario as a Markov chain with exact probabilities, where the kernels draw.

Written apart from :mod:`gym_suite.radio.dynamics`, in plain Python: the bounds are no replay of what
they bound, and tests hold the two against each other. What an entity does on air is a channel, -1 for
silence. Its on/off clock never depends on chance, so who may act when is known beforehand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio.scenario.kinds import KIND
from gym_suite.radio.scenario.model import Entity, Scenario
from gym_suite.radio.transforms import stationary_idle

SILENT = -1
#: Combinations of draws in a step at most.
COMBINATIONS = 4096


class Uncounted(Exception):
    """The states cannot be counted: more than in seconds, or of a kind whose chances are not written down here."""


#: What the drawing entities are at, in their order: (memory, channel on air) of each.
Air = tuple[tuple[int, int], ...]
#: The agent's channels, newest first.
Past = tuple[int, ...]
Matrix = NDArray[np.float64]
#: Kinds of users that have a channel of their own and turn busy and idle by a chain that nobody touches.
HIDDEN = ("gilbert_elliott", "bursty")


def clock(entity: Entity, steps: int) -> Iterator[tuple[bool, bool]]:
    """Yield for each step 0 .. ``steps`` whether an entity acts, and whether its clock stands at zero."""
    first, on_steps, off_steps = entity.on_off
    on, counter = bool(first and on_steps), 0
    for step in range(steps + 1):
        active = entity.start <= step <= entity.stop
        yield active and on, counter == 0
        if not active:
            continue
        counter += 1
        if on and counter == on_steps:
            counter, on = 0, off_steps == 0
        elif not on and counter == off_steps:
            counter, on = 0, on_steps != 0


def schedule(entity: Entity, channels: int, steps: int) -> list[int]:
    """Return the channels of an entity of a scheduled kind in the steps 0 .. ``steps``."""
    result, place = [], -1
    for acts, fresh in clock(entity, steps):
        if not acts:
            result.append(SILENT)
        elif entity.kind == "hopper":
            place += fresh
            result.append(entity.channels[place % len(entity.channels)])
        elif entity.kind == "sweep":
            place += 1
            result.append(place * entity.width % channels)
        elif entity.kind == "playback":
            place += 1
            on = _counted(entity, place)
            result.append(on[0] if on else SILENT)
        elif entity.kind in ("constant", "barrage"):
            result.append(entity.channels[0] if entity.kind == "constant" else 0)
        else:
            raise Uncounted(f"no schedule is known of a {entity.kind}")
    return result


def _counted(entity: Entity, place: int) -> list[int]:
    """Return the channels that count as occupied in a row of a table that is played back."""
    row = entity.table[place % len(entity.table)]
    return [c for c, power in enumerate(row) if power >= entity.level]


def chain_of(entity: Entity) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
    """Return the chain of a user of a :data:`HIDDEN` kind: its start, its transitions, and where it is busy.

    Gilbert-Elliott users are good or bad. Bursty ones are in a short or a long gap, or in a short or a long burst;
    a state of mean length m is left with chance 1 / m, and gaps and bursts take turns.

    Returns:
        Stationary chances (k,), chances of what follows (k, k), and whether the user is on its channel (k,).

    Raises:
        ValueError: For a user of another kind.
    """
    if entity.kind == "gilbert_elliott":
        idle = stationary_idle(entity.p01, entity.p11)
        move = [[entity.p11, 1.0 - entity.p11], [entity.p01, 1.0 - entity.p01]]
        return np.array([idle, 1.0 - idle]), np.array(move), np.array([False, True])
    if entity.kind != "bursty":
        raise ValueError(f"{entity.name} is a {entity.kind}, which has no chain of its own")
    gaps = np.array([1.0 - entity.long_gaps, entity.long_gaps])
    bursts = np.array([1.0 - entity.long_bursts, entity.long_bursts])
    means = np.array([entity.short_gap, entity.long_gap, entity.short_burst, entity.long_burst])
    turn = np.vstack(
        [np.tile(np.r_[0.0, 0.0, bursts], (2, 1)), np.tile(np.r_[gaps, 0.0, 0.0], (2, 1))]
    )
    leaves = 1.0 / means[:, None]
    start = np.r_[gaps, bursts] * means
    return start / start.sum(), leaves * turn + (1.0 - leaves) * np.eye(4), np.arange(4) > 1


class Chain:
    """The entities of a scenario, step by step.

    Args:
        scenario: The band.

    Attributes:
        steps: Steps of an episode; step 0 is played at the reset.
        scheduled: Channels of all entities by step, (steps + 1, N); -1 where they draw or follow.
        drawing: Places of the entities that draw, whose states make an :data:`Air`.
        following: Places of the followers.
        depth: Of the agent's channels as many as the entities may look back on.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.steps, self.channels = scenario.steps, scenario.channels
        count = len(scenario.entities)
        self.scheduled = np.full((self.steps + 1, count), SILENT)
        self.acting = np.zeros((self.steps + 1, count), dtype=np.bool_)
        for e, entity in enumerate(scenario.entities):
            self.acting[:, e] = [acts for acts, _ in clock(entity, self.steps)]
            if KIND[entity.kind].scheduled:
                self.scheduled[:, e] = schedule(entity, self.channels, self.steps)
        #: Channels that a table occupies, by step and entity.
        self._played = {
            (step, e): _counted(entity, place)
            for e, entity in enumerate(scenario.entities)
            if entity.kind == "playback"
            for place, step in enumerate(np.flatnonzero(self.acting[:, e]).tolist())
        }
        kinds = [KIND[entity.kind] for entity in scenario.entities]
        loose = [e for e, kind in enumerate(kinds) if not kind.scheduled]
        self.drawing = tuple(e for e in loose if kinds[e].name != "follower")
        self.following = tuple(e for e in loose if kinds[e].name == "follower")
        looks = any(kinds[e].reacts for e in self.drawing)
        late = [int(scenario.entities[e].reaction) + 1 for e in self.following]
        late += [scenario.entities[e].window for e in self.drawing if kinds[e].name == "predictor"]
        self.depth = max([int(looks), *late], default=0)
        #: Of the drawing entities, whose channel does not outlast its step: neither they nor others look at it.
        self._passing = tuple(
            (kinds[e].forgetful or kinds[e].tracks)
            and not any(kinds[o].reacts and not kinds[o].tracks for o in self.drawing)
            for e in self.drawing
        )
        #: Steps alike in who is scheduled and who acts, in it and in the next, have one number.
        self.phases = self._number()
        #: Whether channels differ by nothing but where the agent was.
        self.alike = (
            all(kind.tracks or kind.name == "barrage" for kind in kinds) and scenario.goal != "jam"
        )

    def _number(self) -> list[int]:
        later = np.vstack([self.acting[1:], self.acting[-1:]])
        rows = np.hstack([self.scheduled, self.acting, later])
        if self._played:  # tables repeat themselves seldom
            rows = np.arange(self.steps + 1)[:, None]
        return np.unique(rows, axis=0, return_inverse=True)[1].ravel().tolist()

    # ------------------------------------------------------------------------------------- who is where

    def actions(self, step: int, air: Air, past: Past) -> list[int]:
        """Return the channel of each entity in a step; ``past`` begins with the agent's channel in it."""
        result = self.scheduled[step].tolist()
        for e, (_, channel) in zip(self.drawing, air, strict=True):
            result[e] = channel
        for e in self.following:
            if self.acting[step, e]:
                late = int(self.scenario.entities[e].reaction)
                result[e] = past[late] if late < len(past) else SILENT
        return result

    def lasting(self, air: Air) -> Air:
        """Return of a state what anything that follows may depend on."""
        return tuple(
            (memory, SILENT if passing else channel)
            for (memory, channel), passing in zip(air, self._passing, strict=True)
        )

    def occupancy(self, step: int, actions: list[int]) -> list[int]:
        """Return per channel 0, the number of the only entity, or N + 1 for several."""
        result, several = [0] * self.channels, len(actions) + 1
        for e, action in enumerate(actions):
            for c in self.covered(step, e, action):
                result[c] = e + 1 if result[c] == 0 else several
        return result

    def covered(self, step: int, e: int, action: int) -> Sequence[int]:
        """Return the channels that an entity is on."""
        if action < 0:
            return ()
        if (step, e) in self._played:
            return self._played[step, e]
        width = self.width(e)
        if width == 1:
            return (action,)
        return [(action + k) % self.channels for k in range(width)]

    def width(self, e: int) -> int:
        """Return how many channels an entity covers at once."""
        entity = self.scenario.entities[e]
        return self.channels if KIND[entity.kind].wide else entity.width

    def blocked(self, step: int, air: Air, past: Past, channel: int) -> float:
        """Return the part of a step in which somebody was on the channel that the agent took."""
        worst = 0.0
        for e, action in enumerate(self.actions(step, air, past)):
            entity = self.scenario.entities[e]
            if entity.kind == "follower":
                worst = max(worst, self._followed(step, e, action, past, channel))
            elif channel in self.covered(step, e, action):
                worst = max(worst, entity.sends.duration)
        return worst

    def _followed(self, step: int, e: int, action: int, past: Past, channel: int) -> float:
        if not self.acting[step, e]:
            return 0.0
        late = int(self.scenario.entities[e].reaction)
        part = self.scenario.entities[e].reaction - late
        earlier = past[late + 1] if late + 1 < len(past) else SILENT
        return (1.0 - part) * (action == channel) + part * (earlier == channel)

    # ------------------------------------------------------------------------------------------ chances

    def begin(self) -> dict[Air, float]:
        """Return the chances of the states in step 0, in which the agent is silent.

        Raises:
            Uncounted: For more than COMBINATIONS of them; :meth:`follow` too.
        """
        options = [self._first(e) for e in self.drawing]
        return _joint(options)

    def _first(self, e: int) -> list[tuple[float, tuple[int, int]]]:
        entity, acts = self.scenario.entities[e], bool(self.acting[0, e])
        if entity.kind == "agile":
            chance = 1.0 / len(entity.channels)
            return [(chance, (c, c if acts else SILENT)) for c in entity.channels]
        if entity.kind in HIDDEN and acts:
            return self._hidden(e, 0)
        if not acts or entity.kind in ("simple_jammer", "predictor"):  # nobody is there yet
            return [(1.0, (0, SILENT))]
        return self.draw(e)

    def follow(self, step: int, air: Air, past: Past) -> dict[Air, float]:
        """Return the chances of the states in the step after ``step``.

        Args:
            step: The step that ``air`` and ``past`` belong to.
            air: The states of the entities that draw.
            past: The agent's channels, newest first, at least :attr:`depth` of them.
        """
        codes = self.occupancy(step, self.actions(step, air, past)) if self.drawing else []
        options = [
            self._next(step + 1, e, memory, channel, codes, past)
            for e, (memory, channel) in zip(self.drawing, air, strict=True)
        ]
        return _joint(options)

    def _next(
        self, step: int, e: int, memory: int, channel: int, codes: list[int], past: Past
    ) -> list[tuple[float, tuple[int, int]]]:
        entity = self.scenario.entities[e]
        if not self.acting[step, e]:
            return [(1.0, (memory, SILENT))]
        if entity.kind in HIDDEN:
            return self._hidden(e, memory)
        if entity.kind == "agile":
            return self._leave(e, memory, codes, past[0])
        if entity.kind == "simple_jammer":
            return self._chase(e, channel, codes, past[0])
        if entity.kind == "predictor":
            return self._predict(e, past)
        return self.draw(e)

    def _hidden(self, e: int, memory: int) -> list[tuple[float, tuple[int, int]]]:
        """Return the chances of a user with a chain of its own that was in state ``memory``; 0: not yet there."""
        entity = self.scenario.entities[e]
        start, move, busy = chain_of(entity)
        row = start if memory == 0 else move[memory - 1]
        channel = entity.channels[0]
        return [
            (float(chance), (k + 1, channel if busy[k] else SILENT)) for k, chance in enumerate(row)
        ]

    def draw(self, e: int) -> list[tuple[float, tuple[int, int]]]:
        """Return the chances of an entity whose draws do not depend on the past."""
        entity = self.scenario.entities[e]
        if entity.kind == "stochastic_constant":
            on = entity.probability
            return [(on, (0, entity.channels[0])), (1.0 - on, (0, SILENT))]
        if entity.kind == "random_jammer":
            return [(1.0 / self.channels, (0, c)) for c in range(self.channels)]
        if entity.kind != "stochastic_hopper":
            raise Uncounted(f"no chances are known of a {entity.kind}")
        count = len(entity.channels)
        weights = entity.weights or (1.0 / count,) * count
        pairs = zip(weights, entity.channels, strict=True)
        return [(weight, (0, c)) for weight, c in pairs]

    def _leave(
        self, e: int, kept: int, codes: list[int], agent: int
    ) -> list[tuple[float, tuple[int, int]]]:
        """An agile user stays where it was alone; else it goes to a channel that was free."""

        def taken(c: int) -> bool:
            return codes[c] not in (0, e + 1) or agent == c

        if not taken(kept):
            return [(1.0, (kept, kept))]
        free = [c for c in range(self.channels) if not taken(c)]
        if not free:
            return [(1.0, (kept, SILENT))]
        return [(1.0 / len(free), (c, c)) for c in free]

    def _chase(
        self, e: int, channel: int, codes: list[int], agent: int
    ) -> list[tuple[float, tuple[int, int]]]:
        """A simple jammer goes where one other was alone, last to whom it jams already."""
        fresh, stale = [], []
        for c, code in enumerate(codes):
            if code in (0, e + 1):
                kind = 2 if agent == c else 0
            elif code <= len(self.scenario.entities):
                kind = 0 if agent == c else 2
            else:
                kind = 1 if channel == c else 0
            if kind:
                (fresh if kind == 2 else stale).append(c)
        avoid = self.scenario.entities[e].avoid_repeats
        victims = fresh if avoid and fresh else fresh + stale
        if not victims:
            return [(1.0, (0, SILENT))]
        return [(1.0 / len(victims), (0, c)) for c in victims]

    def _predict(self, e: int, past: Past) -> list[tuple[float, tuple[int, int]]]:
        """A predictor draws one of the agent's last channels, or of those that it chose after the one it is on."""
        entity = self.scenario.entities[e]
        recent = past[: entity.window]
        likely = [c for c in recent if c != SILENT]
        if entity.succession:
            after = [new for new, old in pairwise(recent) if old == past[0] and new != SILENT]
            likely = after or likely
        if not likely:
            return [(1.0, (0, SILENT))]
        return [(count / len(likely), (0, c)) for c, count in Counter(likely).items()]


def _joint(options: list[list[tuple[float, tuple[int, int]]]]) -> dict[Air, float]:
    """Return the chances of all combinations of independent draws."""
    if math.prod(map(len, options)) > COMBINATIONS:
        raise Uncounted
    result: dict[Air, float] = {}
    for picks in product(*options):
        chance = 1.0
        for part, _ in picks:
            chance *= part
        if chance > 0.0:
            air = tuple(state for _, state in picks)
            result[air] = result.get(air, 0.0) + chance
    return result


def rewards(
    chain: Chain, step: int, air: Air, past: Past, *, lost: float, tolerance: float
) -> NDArray[np.float64]:
    """Return what silence and each channel earn in a step, (channels + 1,).

    Args:
        chain: The entities.
        step: The step.
        air: Where the drawing entities are in it.
        past: The agent's channels before it, newest first.
        lost: What a transmission that fails earns: -1 or 0.
        tolerance: Part of a step that may be interfered with.
    """
    scenario = chain.scenario
    result = np.zeros(chain.channels + 1)
    whole = tolerance == 0.0 or not scenario.has_bursts  # nobody is there in part
    if scenario.goal == "access" and whole and not chain.following:
        codes = chain.occupancy(step, chain.actions(step, air, past))
        result[1:] = np.where(np.array(codes) == 0, 1.0, lost)
        return result
    for c in range(chain.channels):
        now = (c, *past)
        if scenario.goal == "jam":
            codes = chain.occupancy(step, chain.actions(step, air, now))
            good = codes[c] == scenario.target_number
        else:
            good = chain.blocked(step, air, now, c) <= tolerance
        result[1 + c] = 1.0 if good else lost
    return result
