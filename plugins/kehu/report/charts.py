"""Plots as SVG text that takes its colours and fonts from the page, so that one file serves light and dark."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

# Colours that stand for the page's variables; matplotlib needs real ones, the page wants names.
INK, MUTED, FIRST, SECOND = "#010203", "#010204", "#010205", "#010206"
VARIABLES = {INK: "var(--ink)", MUTED: "var(--line)", FIRST: "var(--first)", SECOND: "var(--second)"}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kehu",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def stage_times(stages: pd.DataFrame) -> str:
    """When each stage ran, as bars on a common time axis (seconds since the night began)."""

    def draw(axes: Axes) -> None:
        order = range(len(stages))
        axes.barh(order, stages["seconds"], left=stages["began"], color=FIRST, height=0.65)
        axes.set_yticks(order, stages["stage"])
        axes.invert_yaxis()
        axes.set_xlabel("seconds since the first stage began")
        axes.grid(axis="y", visible=False)

    return _svg(draw, height=0.32 * max(len(stages), 3) + 0.8, label="When each stage ran")


def segment_sizes(segments: pd.DataFrame, currency: str) -> str:
    """Customers and expected value by segment, side by side."""

    def draw_both(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        order = range(len(segments))
        left.barh(order, segments["customers"], color=FIRST)
        left.set_yticks(order, segments["segment"])
        left.invert_yaxis()
        left.set_xlabel("customers")
        right.barh(order, segments["customer_value"].astype(float).fillna(0), color=SECOND)
        right.set_xlabel(f"expected value, {currency}")
        for axes in (left, right):
            axes.xaxis.set_major_formatter(_short_numbers())
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.grid(axis="y", visible=False)

    return _figure(draw_both, height=0.36 * max(len(segments), 3) + 0.8, label="Customers and value by segment")


def value_distribution(values: pd.Series, currency: str) -> str:
    """How many customers are worth how much, on a logarithmic axis; values below 1 are counted at 1."""

    def draw(axes: Axes) -> None:
        known = values.dropna().clip(lower=1)
        edges = np.geomspace(1, max(known.max(), 10) if len(known) else 10, 40)
        axes.hist(known, bins=list(edges), color=SECOND)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_short_numbers())
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        axes.set_xlabel(f"expected value, {currency}")
        axes.set_ylabel("customers")

    return _svg(draw, label="Distribution of customer value")


def churn_distribution(probabilities: pd.Series) -> str:
    """How many customers have which probability of churn."""

    def draw(axes: Axes) -> None:
        axes.hist(probabilities.dropna(), bins=list(np.linspace(0, 1, 41)), color=FIRST)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("probability of no purchase within the horizon")
        axes.set_ylabel("customers")

    return _svg(draw, label="Distribution of churn probability")


def _short_numbers() -> FuncFormatter:
    def write(value: float, _: object = None) -> str:
        for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
            if abs(value) >= size:
                return f"{value / size:g}{unit}"
        return f"{value:g}"

    return FuncFormatter(write)


def _svg(draw: Callable[[Axes], None], label: str, height: float = 3.2) -> str:
    return _figure(lambda figure: draw(figure.subplots()), label, height)


def _figure(draw: Callable[[Figure], None], label: str, height: float) -> str:
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, height), layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Title": label})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg
