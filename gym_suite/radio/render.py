"""Pictures of a band: who was on which channel when, what the agent did, what it earned, and the air itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_suite.radio import game
from gym_suite.radio.air.iq import band_samples
from gym_suite.radio.columns import E, R, T
from gym_suite.radio.parameters import GOAL_ACCESS, IQ
from gym_suite.radio.scenario.kinds import KINDS
from gym_suite.radio.scenario.mapping import read_link
from gym_suite.rendering import (
    Box,
    EpisodeRenderer,
    History,
    Panel,
    Raster,
    Series,
    Stage,
    StripChart,
    style,
)
from gym_suite.rendering.canvas import Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gym_suite.radio.montecarlo import Roc

__all__ = ["RadioRenderer", "roc_figure", "spectrum"]

#: Steps that the occupancy map and the waterfall go back, and that a text shows.
WINDOW, TEXT_WINDOW = 100, 30
_IDLE, _USER, _JAMMER, _SEVERAL, _DELIVERED, _LOST = range(6)
#: What the two last are called where all agents send, where all jam, and where some do either.
_SENT, _JAMMED = ("agent: delivered", "agent: lost"), ("agent: hit", "agent: missed")
_MIXED = ("agent: succeeded", "agent: failed")
_COLORS = (
    "#f4f6f8",
    style.COLORS["sky"],
    style.COLORS["orange"],
    style.COLORS["purple"],
    style.COLORS["green"],
    style.WARNING,
)
_REWARD = Panel(
    title="cumulated reward", unit="", series=[Series(name="total", label="reward")], span=10.0
)
_DIGITS = "123456789abcdefghijklmnopqrstuvwxyz"


def spectrum(samples: NDArray[np.complex128], bins: int) -> NDArray[np.float64]:
    """Return the power of channels in ``bins`` parts each, lowest frequency first, (channels * bins,).

    Parts are scaled to a whole channel, so that white noise of power 1 shows 1 everywhere: the mean of
    the periodograms of Hann windows that overlap by half (Welch 1967).

    Args:
        samples: Of each channel, (channels, N), N >= bins.
        bins: Parts of a channel.
    """
    count = samples.shape[1]
    starts = range(0, count - bins + 1, max(1, bins // 2))
    window = np.sin(np.pi * (np.arange(bins) + 0.5) / bins) ** 2
    window /= np.sqrt((window**2).sum())
    cut = np.stack([samples[:, s : s + bins] for s in starts])
    power = np.mean(np.abs(np.fft.fft(cut * window, axis=2)) ** 2, axis=0)
    return np.fft.fftshift(power, axes=1).ravel()


class RadioRenderer(EpisodeRenderer):
    """The occupancy map, beside it the waterfall of the samples where there are any, above the reward.

    A column is a step, a row a channel. The agent's transmission covers what else was on its channel:
    green where it was delivered (or hit its target), red where it was lost. With ``physics="iq"`` the
    waterfall is the spectrum of what the receiver hears, the agent's own signal among it.
    """

    def __init__(
        self, setup: Any, *, size: tuple[int, int] = (960, 540), whole: bool = False
    ) -> None:
        super().__init__(setup, size=size, whole=whole)
        spans = {name: slice(first, stop) for name, first, stop in setup.info_arrays}
        self._span = spans["occupancy"]
        self._channels = self._span.stop - self._span.start
        self._bands: dict[int, History] = {}
        self._air: dict[int, History] = {}
        self._noted: dict[int, tuple[int, NDArray[np.float64]]] = {}
        self._row = 0
        value = dict(zip(setup.parameter_columns.names, setup.row.tolist(), strict=True))
        count, heard = int(value["entities"]), int(value["heard"])
        kinds = [KINDS[int(k)] for k in setup.tables[T.entities][:count, E.kind]]
        what = [_JAMMER if kind.jams else _USER for kind in kinds] + [_USER] * (heard - count)
        self._classes = np.array([_IDLE, *what, _SEVERAL])
        chains = kinds and all(kind.name == "gilbert_elliott" for kind in kinds)
        sends = setup.tables[T.roles][:, R.goal] == GOAL_ACCESS
        outcomes = _SENT if sends.all() else _MIXED if sends.any() else _JAMMED
        self._name_classes("bad channel" if chains else "user", *outcomes)
        self._hears = value["physics"] == IQ
        samples = int(value["samples"])
        most = max(2, min(32, 512 // self._channels, samples // 2))
        self._bins = min(samples, 1 << (most.bit_length() - 1))
        if self._hears:
            self._noise = read_link("link", setup.keywords["link"]).noise

    def _name_classes(self, user: str, success: str, failure: str) -> None:
        """Number the classes that can occur in this band, with their names and colours."""
        names = ("idle", user, "jammer", "several", success, failure)
        there = {_IDLE, *self._classes.tolist(), _DELIVERED, _LOST}
        if len(self._classes) <= 3:  # of one entity there are never several
            there.discard(_SEVERAL)
        self._legend = [(names[k], _COLORS[k]) for k in sorted(there)]
        self._number = np.zeros(len(names), dtype=np.int64)
        self._number[sorted(there)] = np.arange(len(there))

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return ("channel", "ack", *self.setup.reward_terms)

    def watched(self) -> tuple[str, ...]:
        """Return the columns of which the picture of the band is made: who was where, and what the agent did."""
        own = [name for name in self.names() if name not in self.setup.reward_terms]
        return (*own, *self.setup.state_columns.names[self._occupying])

    @property
    def _occupying(self) -> slice:
        """Where the state says who is on which channel."""
        return self._span

    def overview(self, columns: Mapping[str, NDArray[np.float64]]) -> Raster:
        """Return the band over the first steps of an episode, as many as can be told apart."""
        begin = {name: values[: WINDOW + 1] for name, values in columns.items()}
        return self._raster(begin, self._occupied(self._states_of(begin)))

    def _raster(
        self, values: Mapping[str, NDArray[np.float64]], occupied: NDArray[np.float64]
    ) -> Raster:
        """Return who was on which channel, with the agent's doing on top."""
        return Raster(
            title="who was on which channel",
            label="channel",
            groups=self._channels,
            values=self._picture(values, occupied, len(occupied)).T,
            classes=self._legend,
        )

    def _occupied(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what was on each channel, (k, channels), in states (k, nx)."""
        return states[:, self._span]

    def note(self, row: int, key: int, parameters: NDArray[np.float64]) -> None:
        """Note what the samples of a step follow from."""
        if self._hears:
            self._noted[row] = key, parameters.copy()

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note metrics, occupancy and spectrum after a reset (step 0) or step."""
        super().append(row, step, metrics, state)
        band = self._bands.setdefault(row, self._history(self._channels))
        if step == 0:
            band.clear()
        band.append(step, self._occupied(state[None])[0])
        if not self._hears:
            return
        key, parameters = self._noted[row]
        heard = spectrum(band_samples(state, key, step, parameters, self.setup.tables), self._bins)
        air = self._air.setdefault(row, self._history(len(heard)))
        if step == 0:
            air.clear()
        air.append(step, self._noise + 10.0 * np.log10(heard + 1e-30))

    def _history(self, width: int) -> History:
        """Return an empty history of what frames show, or of a whole episode."""
        if self.whole:
            return History(width, capacity=self.capacity, stride=self.stride)
        return History(width, capacity=WINDOW)

    def stage(self, row: int = 0) -> Stage:
        """Return what an interactive replay shows of a row's episode: occupancy, waterfall and the reward."""
        time, values = self._episode(row)
        views = [self._raster(values, self._bands[row].rows()[1][-len(time) :])]
        if self._hears:
            views.append(
                Raster(
                    title="received samples: power per bandwidth of a channel",
                    label="channel",
                    groups=self._channels,
                    values=self._air[row].rows()[1],
                    bounds=self._levels(),
                    unit="dBm",
                )
            )
        total = {"total": np.cumsum(self._earned(values))}
        return Stage(dt=self.setup.dt, time=time, values=total, panels=[_REWARD], views=views)

    def _earned(self, values: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return what each step that was kept earned, (k,)."""
        return np.sum([values[name] for name in self.setup.reward_terms], axis=0)

    def frame(self, row: int = 0) -> NDArray[np.uint8]:
        """Return the picture of a row as fresh memory (height, width, 3)."""
        self._row = row
        return super().frame(row)

    def text(self, row: int = 0) -> str:
        """Return the occupancy map of the last steps in letters, newest at the right.

        Raises:
            RuntimeError: The row was not reset yet.
        """
        history = self._started(row)
        self._row = row
        rows = history.rows()[1]
        values = dict(zip(self.columns, rows.T, strict=True))
        occupancy = self._bands[row].rows()[1][-TEXT_WINDOW:].astype(np.int64)
        count = len(self._classes) - 2
        marks = np.array([".", *(_DIGITS[min(e, 34)] for e in range(count)), "*"])
        grid = marks[occupancy]
        agent = np.asarray(values["channel"])[-len(grid) :].astype(np.int64)
        there = agent >= 0
        outcome = np.where(values["ack"][-len(grid) :] > 0.0, "O", "X")
        grid[np.flatnonzero(there), agent[there]] = outcome[there]
        reward = np.sum([values[name] for name in self.setup.reward_terms], axis=0)
        lines = [f"{self.setup.id}  step {history.step}  reward {reward[-1]:+g}"]
        lines += [f"{c:>4} {''.join(grid[:, c])}" for c in reversed(range(self._channels))]
        lines.append("     . idle  1-9 a-z entity  * several  O agent delivered  X agent lost")
        return "\n".join(lines) + "\n"

    def build(self, canvas: Canvas) -> None:
        """Put the plots on a fresh sheet."""
        from matplotlib.colors import to_rgb

        self._palette = np.array([to_rgb(color) for _, color in self._legend])
        top = canvas.height - 60.0
        split = 0.32 * canvas.height
        height, width = top - split - 34.0, canvas.width - 72.0
        shown = 0.47 * width if self._hears else width
        self._map = canvas.axes(Box(56.0, split + 34.0, shown, height))
        blank = np.ones((self._channels, WINDOW, 3))
        self._image = self._grid(self._map, blank)
        self._map.set_ylabel("channel")
        moving = [self._image]
        if self._hears:
            box = Box(canvas.width - 16.0 - shown, split + 34.0, shown, height)
            self._waterfall = self._build_air(canvas, box)
            moving.append(self._waterfall)
        self._chart = StripChart(
            canvas, [_REWARD], box=Box(56.0, 4.0, width, split - 4.0), span=self.span
        )
        canvas.text(14.0, canvas.height - 21.0, self.setup.id, fontsize=11, fontweight="bold")
        self._clock = canvas.text(
            canvas.width - 14.0, canvas.height - 21.0, fontsize=10, color=style.MUTED, ha="right"
        )
        x = 56.0
        for label, color in self._legend:
            # What is idle is as pale as paper: its sample is an outline.
            sample = ("□", style.MUTED) if color == _COLORS[_IDLE] else ("■", color)
            canvas.text(x, canvas.height - 46.0, sample[0], fontsize=11, color=sample[1])
            canvas.text(x + 14.0, canvas.height - 45.0, label, fontsize=8.5, color=style.MUTED)
            x += (29.0 + 5.6 * len(label)) if self._hears else (32.0 + 6.2 * len(label))
        canvas.moving(*moving, self._clock)

    def _grid(self, axes: Axes, values: NDArray[np.float64], **properties: Any) -> Any:
        """Put an image of channels over the last steps into axes."""
        image = axes.imshow(
            values,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(-WINDOW + 0.5, 0.5, -0.5, self._channels - 0.5),
            **properties,
        )
        axes.grid(visible=False)
        axes.set_xlabel("steps ago")
        ticks = np.arange(0, WINDOW + 1, 20)
        axes.set_xticks(-ticks, [str(tick) for tick in ticks])
        axes.set_xlim(-WINDOW + 0.5, 0.5)
        axes.set_yticks(range(0, self._channels, max(1, self._channels // 16)))
        return image

    def _build_air(self, canvas: Canvas, box: Box) -> Any:
        """Put the waterfall on the sheet, with the scale of its colours."""
        low, high = self._levels()
        axes = canvas.axes(Box(box.left, box.bottom, box.width - 44.0, box.height))
        blank = np.full((self._channels * self._bins, WINDOW), np.nan)
        image = self._grid(axes, blank, vmin=low, vmax=high, cmap="cividis")
        axes.set_yticklabels([])
        title = "received samples: power per bandwidth of a channel (dBm)"
        canvas.text(box.left, box.bottom + box.height + 6.0, title, fontsize=8.5)
        scale = canvas.axes(Box(box.left + box.width - 36.0, box.bottom, 8.0, box.height))
        scale.imshow(
            np.linspace(0.0, 1.0, 128)[:, None],
            aspect="auto",
            origin="lower",
            cmap="cividis",
            extent=(0.0, 1.0, low, high),
        )
        scale.grid(visible=False)
        scale.set_xticks([])
        scale.yaxis.tick_right()
        return image

    def _levels(self) -> tuple[float, float]:
        """Return the powers, dBm, of the waterfall's darkest and brightest colour."""
        count = int(self.setup.row[self.setup.parameter_columns.index("entities")])
        powers = [
            *self.setup.tables[T.entities][:count, E.snr],
            self.setup.tables[T.agent][0, E.snr],
        ]
        strongest = 10.0 * np.log10(max(*powers, 10.0))
        return self._noise - 6.0, self._noise + strongest + 6.0

    def update(self, time: NDArray[np.float64], values: dict[str, NDArray[np.float64]]) -> None:
        """Show an episode up to now."""
        self._chart.update(time, {"total": np.cumsum(self._earned(values))})
        occupied = self._bands[self._row].rows()[1]
        self._image.set_data(self._palette[self._picture(values, occupied, WINDOW)])
        if self._hears:
            rows = self._air[self._row].rows()[1]
            picture = np.full((rows.shape[1], WINDOW), np.nan)
            picture[:, WINDOW - len(rows) :] = rows.T
            self._waterfall.set_data(picture)
        self._clock.set_text(f"step {round(float(time[-1]) / self.setup.dt)}")

    def _picture(
        self,
        values: Mapping[str, NDArray[np.float64]],
        occupied: NDArray[np.float64],
        steps: int,
    ) -> NDArray[np.int64]:
        """Return the number in the legend of each channel and step, (channels, steps), the newest step last."""
        marks = [(values["channel"], values["ack"])]
        return self._number[_painted(occupied, self._classes, marks, steps)]


class TeamRenderer(RadioRenderer):
    """The occupancy map with the transmissions of all agents above their mean cumulated reward."""

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        agents = self.setup.agents
        own = [f"{what}_{agent}" for what in ("channel", "ack") for agent in agents]
        return (*own, *self.setup.reward_terms)

    def _picture(
        self,
        values: Mapping[str, NDArray[np.float64]],
        occupied: NDArray[np.float64],
        steps: int,
    ) -> NDArray[np.int64]:
        """Return the number in the legend of each channel and step, (channels, steps), the newest step last."""
        marks = [(values[f"channel_{a}"], values[f"ack_{a}"]) for a in self.setup.agents]
        return self._number[_painted(occupied, self._classes, marks, steps)]


class GameRenderer(RadioRenderer):
    """The map of what was jammed, with the transmitter, above what it has earned."""

    def __init__(
        self, setup: Any, *, size: tuple[int, int] = (960, 540), whole: bool = False
    ) -> None:
        EpisodeRenderer.__init__(self, setup, size=size, whole=whole)
        self._channels = int(setup.row[game.P.channels])
        self._span = slice(0, self._channels)
        self._players = slice(game.X.played + 1, game.X.played + len(setup.agents))
        self._bands: dict[int, History] = {}
        self._row = 0
        self._classes = np.array([_IDLE, _JAMMER])
        self._name_classes("user", *_SENT)
        self._hears = False  # a game has no samples

    def names(self) -> tuple[str, ...]:
        """Return the metric columns that are drawn."""
        return ("channel", "earned", *self.setup.reward_terms)

    def append(
        self, row: int, step: int, metrics: NDArray[np.float64], state: NDArray[np.float64]
    ) -> None:
        """Note metrics and the jammed channels after a reset (step 0) or step."""
        EpisodeRenderer.append(self, row, step, metrics, state)
        band = self._bands.setdefault(row, self._history(self._channels))
        if step == 0:
            band.clear()
        band.append(step, self._occupied(state[None])[0])

    @property
    def _occupying(self) -> slice:
        """Where the state says what the jammers have played."""
        return self._players

    def _occupied(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return 1 for each jammed channel, (k, channels), in states (k, nx)."""
        played = states[:, self._players].astype(np.int64)
        channels = np.arange(self._channels)
        return (played[:, :, None] == channels).any(axis=1).astype(np.float64)

    def _earned(self, values: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return what each step earned; the reward terms of a zero-sum game cancel."""
        return values["earned"]

    def _picture(
        self,
        values: Mapping[str, NDArray[np.float64]],
        occupied: NDArray[np.float64],
        steps: int,
    ) -> NDArray[np.int64]:
        """Return the number in the legend of each channel and step, (channels, steps), the newest step last."""
        ack = np.where(values["earned"] > 0.0, 1.0, -1.0)
        marks = [(values["channel"], ack)]
        return self._number[_painted(occupied, self._classes, marks, steps)]


def _painted(
    occupied: NDArray[np.float64],
    classes: NDArray[np.int64],
    marks: list[tuple[NDArray[np.float64], ...]],
    steps: int,
) -> NDArray[np.int64]:
    """Return the map of the last ``steps`` of what was on the channels with each agent's (channel, ack) on top."""
    picture = np.zeros((occupied.shape[1], steps), dtype=np.int64)
    length = min(len(occupied), steps)
    picture[:, steps - length :] = classes[occupied[-length:].astype(np.int64)].T
    for channels, acks in marks:
        recent = min(length, len(channels))
        places = np.arange(steps - recent, steps)
        channel, ack = channels[-recent:].astype(np.int64), acks[-recent:]
        for outcome, sign in ((_DELIVERED, 1.0), (_LOST, -1.0)):
            there = (channel >= 0) & (ack == sign)
            picture[channel[there], places[there]] = outcome
    return picture


def roc_figure(
    curves: dict[str, Roc], *, size: tuple[int, int] = (640, 540), title: str = "energy detector"
) -> NDArray[np.uint8]:
    """Return a picture of ROC curves: theory as lines, what was counted as points with standard errors.

    Args:
        curves: Label to what :func:`gym_suite.radio.montecarlo.receiver_operating_characteristic` returned.
        size: Width and height in pixels.
        title: Above the curves.

    Returns:
        uint8, (height, width, 3).
    """
    canvas = Canvas(size)
    axes = canvas.axes(Box(64.0, 56.0, canvas.width - 92.0, canvas.height - 92.0))
    axes.plot([0.0, 1.0], [0.0, 1.0], color=style.FAINT, linewidth=1.0)
    for color, (label, roc) in zip(style.PALETTE * len(curves), curves.items(), strict=False):
        axes.plot(roc.false_alarm, roc.detection, color=color, linewidth=1.4, label=label)
        spread = [
            np.sqrt(part * (1.0 - part) / roc.trials)
            for part in (roc.false_alarm_counted, roc.detection_counted)
        ]
        shown = slice(None, None, 4)
        axes.errorbar(
            roc.false_alarm_counted[shown],
            roc.detection_counted[shown],
            xerr=spread[0][shown],
            yerr=spread[1][shown],
            color=color,
            fmt="o",
            markersize=3.0,
            linewidth=0.8,
        )
    axes.set_xlim(-0.01, 1.0)
    axes.set_ylim(0.0, 1.01)
    axes.set_xlabel("probability of false alarm")
    axes.set_ylabel("probability of detection")
    axes.set_title(f"{title}: theory (lines), simulated (points, one standard error)")
    axes.legend(loc="lower right", frameon=False)
    return canvas.frame()
