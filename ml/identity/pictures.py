"""What the pictures of identity share: colours and type as in the nightly report, and how a file is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAPER, CARD, INK, SOFT, LINE = "#fbfaf7", "#ffffff", "#1d2530", "#5a6472", "#d9d7d0"
FIRST, SECOND, GOOD, BAD = "#2a6f97", "#b5651d", "#2d6a4f", "#b42318"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a record key may hold a dollar sign
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": LINE,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "ytick.left": False,
}
DPI = 130
LONGEST_KEY = 40
LEAST_BARS = 5  # that a plot has room for, so that few are not fat


def save(path: Path, width: float, height: float, draw: Callable[[Figure], None]) -> Path:
    """Draw a figure of this size (inches) and write it as PNG in one move; return its path."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        figure.savefig(unfinished, format="png", dpi=DPI, metadata={"Software": None})
    unfinished.replace(path)
    return path


def short(key: str) -> str:
    """A record key that fits into a picture: letters the fonts may lack are spelt out, a long one loses its middle."""
    plain = key.encode("ascii", "backslashreplace").decode()
    half = LONGEST_KEY // 2
    return plain if len(plain) <= LONGEST_KEY else f"{plain[: half - 1]}…{plain[-half:]}"


def chance(probability: float) -> str:
    """A probability with four decimals, never as certain as it is not."""
    return "> 0.9999" if probability > 0.9999 else f"{probability:.4f}"


def bare(axes: Axes) -> None:
    """Take away all but what is drawn."""
    axes.grid(visible=False)
    axes.set_axis_off()


def bars(axes: Axes, names: list[str], values: list[float], colours: list[str], labels: list[str]) -> None:
    """Horizontal bars from zero, the first on top, each with its label beyond its end."""
    places = range(len(names))
    axes.barh(places, values, color=colours, height=0.62)
    axes.set_yticks(places, names)
    axes.set_ylim(max(len(names), LEAST_BARS) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.margins(x=0.22)
    for place, value, label in zip(places, values, labels, strict=True):
        side = -1 if value < 0 else 1
        axes.annotate(
            label, (value, place), (4 * side, 0), textcoords="offset points", va="center",
            ha="left" if side > 0 else "right", fontsize=9, color=SOFT,
        )  # fmt: skip
