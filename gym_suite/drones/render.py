"""Pictures of a flight: drones in space with their trails, error and rotor speeds over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.drones.bullet import World
from gym_suite.drones.camera import LIGHT, NEAR, Pillars, furnish
from gym_suite.drones.columns import (
    AIM,
    GATES,
    GROUP,
    PARAMETERS,
    ROTOR,
    STATES,
    TABLES,
    USUAL,
)
from gym_suite.drones.groups import ARENA_FLOOR, GROUPS
from gym_suite.drones.obstacles import PILLAR_HEIGHT, pillars_of
from gym_suite.drones.references import HEIGHT, TABLE
from gym_suite.drones.rotors import rotor_count
from gym_suite.drones.vehicles import FEWEST
from gym_suite.rendering import (
    Body,
    Box,
    EpisodeRenderer,
    Panel,
    Series,
    Space,
    SpacePlot,
    Stage,
    StripChart,
    style,
)
from gym_suite.rendering.canvas import Canvas
from gym_suite.rendering.spaceplot import FOCAL, rotate

__all__ = ["DroneRenderer", "rotor_places", "space_of"]

T, X, P, R = TABLES.places, STATES.places, PARAMETERS.places, ROTOR.places
A, G, K = AIM.places, GATES.places, GROUP.places

_TRAIL = 2.0  # s
_MOST_DRONES = 6
_SIDE = 420.0  # pixels of the room beside charts
#: m by which the floor goes beyond what was flown, and the raster of its edges.
_MARGIN, _RASTER = 0.3, 0.5
#: A drone is drawn at least at this part of the floor's width, but drones side by side do not touch.
_SMALLEST, _APART = 0.03, 0.4
#: Distance of the chasing eye in reaches of the drone; m up to which Bullet draws.
_CHASE, _FAR = 14.0, 60.0
#: Half the thickness of a gate's bars where Bullet draws, m.
_BAR = 0.015
#: The corners of a field, in halves of its sides.
_AROUND = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], dtype=np.float64)
#: Side of the box that is drawn as an evader, m, before it is magnified; points of a circle of its arena.
_EVADER, _ROUND = 0.06, 48


class DroneRenderer(EpisodeRenderer):
    """The drones in their room with trails and targets on the right, strip charts on the left.

    The keyword ``view=`` of the environments chooses whether charts are shown, and from where one looks. Where it asks
    for a room in which Bullet moves the drones, Bullet's TinyRenderer draws it, with the floor and the posts that
    cameras see; elsewhere :class:`gym_suite.rendering.SpacePlot` does, with trails and targets.
    """

    keeps_states = True

    def __init__(
        self, setup: Any, *, size: tuple[int, int] = (960, 540), whole: bool = False
    ) -> None:
        self._does = done_together(setup)
        super().__init__(setup, size=size, whole=whole)
        given = setup.keywords.get("view", "charts")
        self._views = (given,) if isinstance(given, str) else tuple(given)
        asked = [name for name in self._views if name != "charts"]
        self._eye = asked[0] if asked else "room"
        #: Whether Bullet draws: where it moves the drones and its room was asked for. It knows of no evader.
        self._bullets = bool(asked) and setup.engine is not None and self._does != "chase"
        self._shown = 0
        self._world: World | None = None
        self._standing: Pillars | None = None

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        drawn = [f"{a}{s}" for s in self._suffixes() for a in ("x", "y", "z")]
        drawn += [f"target_{name}" for name in drawn]
        drawn += [name for panel in self._panels() for name in panel.names]
        return tuple(dict.fromkeys([*drawn, self.setup.violation]))

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        top = canvas.height - 34.0
        head = canvas.height - 21.0
        right = canvas.width - _SIDE if "charts" in self._views else 0.0
        canvas.text(14.0, head, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, head, fontsize=10, color=style.MUTED, ha="right"
        )
        aside = right - 20.0 if right else canvas.width - 120.0
        self._alarm = canvas.text(
            aside, head, "crash", fontsize=10, color=style.WARNING, ha="right"
        )
        canvas.moving(self._clock, self._alarm)
        self._build_room(canvas, Box(right + 8.0, 8.0, canvas.width - right - 20.0, top - 12.0))
        if "charts" not in self._views:
            return
        self._chart = StripChart(
            canvas, self._panels(), box=Box(56.0, 4.0, right - 72.0, top - 4.0), span=self.span
        )

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        self._clock.set_text(f"t = {time[-1]:.2f} s")
        self._alarm.set_visible(bool(values[self.setup.violation][-1] > 0.0))
        if "charts" in self._views:
            self._chart.update(time, values)
        self._update_room(time)

    def frame(self, row: int = 0) -> NDArray[np.uint8]:
        """Return the picture of a row as fresh memory (height, width, 3)."""
        self._shown = row
        return super().frame(row)

    def close(self) -> None:
        """Close the window, the sheet and Bullet's world; more than once does no harm."""
        if self._world is not None:
            self._world.close()
            self._world = None
        super().close()

    def _build_room(self, canvas: Canvas, box: Box) -> None:
        """Put the room on the sheet: an image where Bullet draws it."""
        if not self._bullets:
            self._room = SpacePlot(canvas, box=box)
            return
        self._world = World(max(1, len(self.setup.agents)), self.setup.row)
        bullet, client = self._world.bullet, self._world.client
        pillars = self._pillars() > 0
        furnish(bullet, client, self._world.bodies, posts=not pillars)
        self._standing = Pillars(bullet, client) if pillars else None
        outlines = gate_outlines(self.setup.tables[T.gates])
        _hang_gates(bullet, client, outlines)
        scale = self.size[1] / canvas.height
        self._pixels = round(box.width * scale), round(box.height * scale)
        axes = canvas.axes(box)
        axes.set_axis_off()
        self._image = axes.imshow(np.zeros((*self._pixels[::-1], 3), np.uint8), aspect="auto")
        canvas.moving(self._image)

    def _update_room(self, time: NDArray[np.float64]) -> None:
        """Show the room as it is now."""
        rows = self._states[self._shown].rows()[1]
        recent = rows[int(np.searchsorted(time, time[-1] - _TRAIL)) :]
        extent = self._extent()
        eye, target = eye_of(self._eye, rows[-1], self.setup, extent)
        if self._world is None:
            space = space_of(self.setup, recent, extent=extent)
            self._room.update(space, eye=eye, target=target)
            return
        bullet = self._world.bullet
        self._world.set_poses(rows[-1].reshape(self._world.count, -1))
        if self._standing is not None:
            self._standing.place(pillars_of(self.setup.tables, rows[-1]))
        width, height = self._pixels
        angle = math.degrees(2.0 * math.atan(0.5 / FOCAL))
        _, _, colours, _, _ = bullet.getCameraImage(
            width,
            height,
            bullet.computeViewMatrix(eye.tolist(), target.tolist(), (0.0, 0.0, 1.0)),
            bullet.computeProjectionMatrixFOV(angle, width / height, NEAR, _FAR),
            lightDirection=LIGHT,
            renderer=bullet.ER_TINY_RENDERER,
            flags=bullet.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._world.client,
        )
        self._image.set_data(np.reshape(colours, (height, width, 4))[:, :, :3].astype(np.uint8))

    def stage(self, row: int = 0) -> Stage:
        """Return what an interactive replay shows of a row's episode: all drones in space, beside the charts."""
        time, values = self._episode(row)
        return Stage(
            dt=self.setup.dt,
            time=time,
            values=values,
            panels=self._panels(),
            views=[space_of(self.setup, self._states[row].rows()[1])],
            alarm=values[self.setup.violation],
            alarm_text="crash",
        )

    def watched(self) -> tuple[str, ...]:
        """Return the state columns of which the flight from above is made: where drones and targets are."""
        places = [X.position_x + k for k in range(3)] + [X.target_x + k for k in range(3)]
        shown = tuple(STATES.names[place] for place in places)
        names = self.setup.state_columns.names
        moving = (n for n in names if n in shown or n.rpartition("_")[0] in shown)
        return (*moving, *(n for n in names if n.startswith("pillar_")))

    def overview(self, columns: Mapping[str, NDArray[np.float64]]) -> Space:
        """Return the room with the ways of an episode's drones."""
        return space_of(self.setup, self._states_of(columns))

    def _pillars(self) -> int:
        """Return how many pillars stand about at most."""
        aim = self.setup.tables[T.aim]
        return int(aim[0, A.pillars]) if len(aim) else 0

    def _suffixes(self) -> list[str]:
        count = len(self.setup.agents)
        return [f"_{j}" for j in range(min(count, _MOST_DRONES))] if count else [""]

    def _extent(self) -> float:
        """Return half the width of the views, m."""
        columns, row = self.setup.parameter_columns, self.setup.row
        at = {name: float(row[columns.index(name)]) for name in columns.names}
        farthest = at["path_size"]
        if at["reference"] == TABLE:
            farthest = float(np.abs(self.setup.tables[T.path][:, 1:3]).max())
        if len(self.setup.tables[T.aim]):
            farthest = float(self.setup.tables[T.aim][0, A.extent])
        if self._does:
            farthest = float(self.setup.tables[T.group][0, K.extent])
            return 1.3 * (farthest + at["start_position"]) + 0.2
        return 1.3 * (farthest + at["spacing"] + at["start_position"]) + 0.2

    def _called(self, drone: int) -> str:
        return "leader" if self._does == "lead" and drone == 0 else f"drone {drone}"

    def _panels(self) -> list[Panel]:
        suffixes = self._suffixes()
        distances = [
            Series(
                name=f"target_distance{s}",
                label=self._called(k) if s else "distance",
                color=style.PALETTE[k % len(style.PALETTE)],
            )
            for k, s in enumerate(suffixes)
        ]
        first = suffixes[0]
        count = rotor_count(self.setup.tables[T.rotors])
        word = "rotor " if count <= FEWEST else ""  # more names stand beside the title without it
        rotors = [Series(name=f"command_{i}{first}", label=f"{word}{i}") for i in range(count)]
        height = [Series(name=f"z{first}", label="$z$", reference=f"target_z{first}")]
        of = " of drone 0" if first else ""
        title = "distance" if first else "distance from the target"  # many names stand beside it
        if self._pillars():
            distances.append(Series(name="clearance", label="free", color=style.WARNING))
        upper = Panel(title=title, unit="m", series=distances, span=0.1)
        if (
            self.setup.tracking[0].unit == "m/s"
        ):  # who is told a velocity has no place to be near to
            follow = [
                Series(name=t.value, label=f"${t.value[-1]}$", reference=t.reference)
                for t in self.setup.tracking
            ]
            upper = Panel(title="velocity", unit="m/s", series=follow, span=0.5)
        panels = [
            upper,
            Panel(title=f"height{of}", unit="m", series=height, span=0.2),
            Panel(title=f"rotors{of}", unit="krpm", series=rotors, span=2.0, scale=1e-3),
        ]
        each = [
            (s, self._called(k), style.PALETTE[k % len(style.PALETTE)])
            for k, s in enumerate(suffixes)
        ]
        if self._does == "cross":
            blown = [Series(name=f"downwash{s}", label=n, color=c) for s, n, c in each]
            panels[2] = Panel(title="downwash over weight", unit="1", series=blown, span=0.1)
        elif self._does == "chase":
            fast = [Series(name=f"speed{s}", label=n, color=c) for s, n, c in each[:5]]
            fast.append(Series(name="evader_speed", label="evader", color=style.WARNING))
            panels[1] = Panel(title="speed", unit="m/s", series=fast, span=0.5)
        return panels


def done_together(setup: Any) -> str:
    """Return what several drones do together, of :data:`gym_suite.drones.groups.GROUPS`; empty where nothing."""
    group = setup.tables[T.group]
    return GROUPS[int(group[0, K.kind])] if len(group) else ""


def rotor_places(
    row: NDArray[np.float64], rotors: NDArray[np.float64] = USUAL
) -> tuple[tuple[float, float], ...]:
    """Return where the rotors are in the body, (x, y) in m, by number.

    Args:
        row: Parameters, of which the lever and the layout are read; see
            :func:`gym_suite.drones.transforms.rotor_moments` for the order.
        rotors: Table of the rotors, where they are others than four in a usual layout.
    """
    if rotors.ndim == 2:
        return tuple((float(x), float(y)) for x, y in rotors[:, [R.x, R.y]])
    lever = float(row[P.lever])
    if row[P.layout] > 0.5:
        signs = ((1, 0), (0, 1), (-1, 0), (0, -1))
    else:
        signs = ((1, -1), (-1, -1), (-1, 1), (1, 1))
    return tuple((lever * x, lever * y) for x, y in signs)


def eye_of(
    view: str, state: NDArray[np.float64], setup: Any, extent: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eye and target, m, (3,) each, of a view of the room.

    Args:
        view: "room", from a corner, or "chase", from behind the first drone and a little above it.
        state: The state now, (nx,).
        setup: The environment's setup.
        extent: Half the width of what is flown through, m.
    """
    if view == "room":
        high = 0.8 * HEIGHT
        if done_together(setup) == "chase":
            high = ARENA_FLOOR + 0.4 * float(setup.tables[T.group][0, K.arena])
        middle = np.array([0.0, 0.0, high])
        return middle + 2.6 * extent * np.array([-0.65, -0.6, 0.45]), middle
    place = state[X.position_x : X.position_x + 3]
    ahead = rotate((1.0, 0.0, 0.0), state[X.quaternion_x : X.quaternion_x + 4])[0]
    heading = math.atan2(ahead[1], ahead[0])
    places = rotor_places(setup.row, setup.tables[T.rotors])
    reach = max(math.hypot(*place) for place in places) + float(setup.row[P.prop_radius])
    back = _CHASE * reach * np.array([-math.cos(heading), -math.sin(heading), 0.4])
    return place + back, place


def gate_outlines(gates: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the corners of the openings of gates (n, numbers of a gate), m: n arrays (4, 3), in order around."""
    found = []
    for gate in gates:
        across = np.array([-gate[G.through_y], gate[G.through_x], 0.0]) * gate[G.half_width]
        up = np.array([0.0, 0.0, gate[G.half_height]])
        centre = gate[G.centre_x : G.centre_x + 3]
        found.append(centre + np.array([across + up, up - across, -across - up, across - up]))
    return found


def _arena(radius: float) -> list[NDArray[np.float64]]:
    """Return the edges of an evader's arena, m: its floor and its ceiling."""
    angle = np.linspace(0.0, 2.0 * math.pi, _ROUND, endpoint=False)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    heights = ARENA_FLOOR, ARENA_FLOOR + radius
    return [np.column_stack([x, y, np.full(_ROUND, z)]) for z in heights]


def _hang_gates(bullet: Any, client: int, outlines: Sequence[NDArray[np.float64]]) -> None:
    """Put frames that only the camera sees into a world of Bullet."""
    red, green, blue = (int(style.WARNING[k : k + 2], 16) / 255.0 for k in (1, 3, 5))
    for corners in outlines:
        for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            along = other - one
            length = float(np.linalg.norm(along))
            level = math.hypot(along[0], along[1])
            turn = (0.0, -math.atan2(along[2], level), math.atan2(along[1], along[0]))
            shape = bullet.createVisualShape(
                bullet.GEOM_BOX,
                halfExtents=(0.5 * length, _BAR, _BAR),
                rgbaColor=(red, green, blue, 1.0),
                physicsClientId=client,
            )
            bullet.createMultiBody(
                baseVisualShapeIndex=shape,
                basePosition=(0.5 * (one + other)).tolist(),
                baseOrientation=bullet.getQuaternionFromEuler(turn),
                physicsClientId=client,
            )


def space_of(setup: Any, rows: NDArray[np.float64], *, extent: float | None = None) -> Space:
    """Return the drones of an episode in their room.

    Args:
        setup: The environment's setup.
        rows: States, (k, nx), a drone's columns after the other's.
        extent: Half the width of the floor, m; None: as far as was flown.
    """
    count = max(1, len(setup.agents))
    agents = rows.reshape(len(rows), count, -1)
    place = slice(X.position_x, X.position_x + 3)
    target = slice(X.target_x, X.target_x + 3)
    turned = slice(X.quaternion_x, X.quaternion_x + 4)
    seen = np.concatenate([agents[:, :, place], agents[:, :, target]])[:, :, :2].reshape(-1, 2)
    low, high = seen.min(axis=0) - _MARGIN, seen.max(axis=0) + _MARGIN
    low, high = np.floor(low / _RASTER) * _RASTER, np.ceil(high / _RASTER) * _RASTER
    if extent is not None:
        low, high = np.full(2, -extent), np.full(2, extent)
    row, does = setup.row, done_together(setup)
    pillars = pillars_of(setup.tables, rows[-1])
    rotors, radius = rotor_places(row, setup.tables[T.rotors]), float(row[P.prop_radius])
    reach = max(math.hypot(*place) for place in rotors) + radius
    bodies = [
        Body(
            name="leader" if does == "lead" and j == 0 else f"drone {j}" if count > 1 else "drone",
            color=style.PALETTE[j % len(style.PALETTE)],
            position=agents[:, j, place],
            quaternion=agents[:, j, turned],
            size=(2.0 * reach, 2.0 * reach, float(row[P.height])),
            rotors=rotors,
            rotor_radius=radius,
            target=None if does == "chase" else agents[:, j, target],
        )
        for j in range(count)
    ]
    outlines = gate_outlines(setup.tables[T.gates])
    if len(pillars):
        aim = setup.tables[T.aim][0]
        half = 0.5 * np.array([aim[A.length], aim[A.width]])
        low, high = np.minimum(low, -half - _MARGIN), np.maximum(high, half + _MARGIN)
        outlines = [*outlines, np.array([(x, y, 0.0) for x, y in half * _AROUND])]
    if does == "chase":
        still = np.tile([0.0, 0.0, 0.0, 1.0], (len(rows), 1))
        bodies.append(
            Body(
                name="evader",
                color=style.WARNING,
                position=agents[:, 0, target],
                quaternion=still,
                size=(_EVADER, _EVADER, _EVADER),
            )
        )
        arena = float(setup.tables[T.group][0, K.arena])
        outlines += _arena(arena)
        low, high = np.minimum(low, -arena - _MARGIN), np.maximum(high, arena + _MARGIN)
    wanted = _SMALLEST * float((high - low).max()) / reach
    if count > 1:
        first = agents[0, :, place]
        apart = np.linalg.norm(first[:, None] - first[None], axis=2) + np.diag(
            np.full(count, np.inf)
        )
        wanted = min(wanted, _APART * float(apart.min()) / reach)
    return Space(
        bodies=bodies,
        floor=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        lines=outlines,
        pillars=np.array([(*one, PILLAR_HEIGHT) for one in pillars if one[2] > 0.0]).reshape(-1, 4),
        magnified=max(1.0, round(wanted, 1)),
    )
