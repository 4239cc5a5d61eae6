"""How every picture of the package looks: one palette, one set of fonts, thin spines.

Nothing here touches Matplotlib's global settings for longer than one drawing call.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

__all__ = ["COLORS", "FAINT", "INK", "MUTED", "PALETTE", "WARNING", "context"]

#: Okabe and Ito (2008), "Color Universal Design": told apart with every common colour blindness.
COLORS = MappingProxyType(
    {
        "blue": "#0072B2",
        "orange": "#E69F00",
        "green": "#009E73",
        "vermillion": "#D55E00",
        "purple": "#CC79A7",
        "sky": "#56B4E9",
    }
)
#: The order in which series take their colours: neighbours differ in lightness too.
PALETTE = tuple(COLORS[name] for name in ("blue", "orange", "green", "purple", "sky", "vermillion"))
INK = "#1f2933"  # text and references
MUTED = "#66717d"  # ticks and second-rank text
FAINT = "#c3cad2"  # spines, limits, grids
WARNING = COLORS["vermillion"]

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with Matplotlib: the same frame on every machine
    "font.size": 8.5,
    "mathtext.fontset": "dejavusans",
    "text.usetex": False,
    "text.color": INK,
    "figure.facecolor": "white",
    "figure.edgecolor": "white",
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "axes.facecolor": "white",
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "normal",
    "axes.titlepad": 4.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.0,
    "axes.ymargin": 0.0,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "grid.color": "#e9ecef",
    "grid.linewidth": 0.6,
    "grid.linestyle": "-",
    "grid.alpha": 1.0,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.7,
    "lines.antialiased": True,
    "lines.solid_capstyle": "round",
    "lines.solid_joinstyle": "round",
    "patch.antialiased": True,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 1.4,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "legend.borderpad": 0.0,
    "legend.borderaxespad": 0.0,
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
    "path.sketch": None,
    "path.effects": [],
}


def context() -> AbstractContextManager[None]:
    """Return a context in which new artists take the package's style.

    Settings that the caller made for their own figures are put back on leaving.
    """
    import matplotlib

    return matplotlib.rc_context(_SETTINGS)
