"""Pictures of what was measured, as small SVG files that are the same whenever the figures are."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from figures import Curve
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.ticker import EngFormatter, MaxNLocator, NullLocator

# The list of fonts stands beside each word: a short one makes a smaller file.
FONTS: Final = {"font.size": 8, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]}
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rocketd", **FONTS})

COLOURS: Final = ("#1f4e8c", "#999999", "#c0632b", "#3f8f4f")


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Draw each in a panel of its own, all in one picture."""
    across = min(len(curves), 3 if len(curves) % 2 else 2)
    down = math.ceil(len(curves) / across)
    sheet = Sheet(figsize=(8.7, (4.3 if across == 1 else 2.3) * down), layout="constrained")
    for place, curve in enumerate(curves, 1):
        _draw(curve, sheet.add_subplot(down, across, place))
    sheet.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def draw_all(curves: Sequence[Curve], directory: Path) -> None:
    """Draw the pictures that they name."""
    for picture in dict.fromkeys(curve.picture for curve in curves):
        draw([curve for curve in curves if curve.picture == picture], directory / f"{picture}.svg")


def _draw(curve: Curve, axes: Axes) -> None:
    axes.set_title(curve.title, fontsize=8, loc="left")
    axes.set_xlabel(curve.over)
    for (name, points), colour in zip(curve.lines.items(), COLOURS, strict=False):
        marker = "o" if len(points) < 20 else ""
        axes.plot(*zip(*points, strict=True), label=name, color=colour, marker=marker, markersize=3, linewidth=1)
    if curve.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    highest = max(value for points in curve.lines.values() for _, value in points)
    axes.set_ylim(0, 1.15 * highest or 1)
    axes.grid(visible=True, linewidth=0.3, color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)
    if len(curve.lines) > 1:
        axes.legend(frameon=False, fontsize=7)
