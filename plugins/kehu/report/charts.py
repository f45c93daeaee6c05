"""Plots as SVG text that takes its colours and fonts from the page, so that one file serves light and dark."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

# Colours that stand for the page's variables; matplotlib needs real ones, the page wants names.
INK, MUTED, FIRST, SECOND, GOOD, BAD, CARD = (f"#01020{digit}" for digit in "3456789")
VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--line)",
    FIRST: "var(--first)",
    SECOND: "var(--second)",
    GOOD: "var(--good)",
    BAD: "var(--bad)",
    CARD: "var(--card)",
}
GATES = ("landing", "raw", "marts", "scores")
# How a gate ended, by colour and by letter: colour alone is not for everybody.
ENDINGS = {"passed": (GOOD, ""), "warned": (SECOND, "W"), "quarantined": (FIRST, "Q"), "blocked": (BAD, "B")}
DRIFTS = 12
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


def gate_nights(nights: pd.DataFrame) -> str:
    """How each of the newest nights (`as_of_date`) passed each `gate`: a square per night and gate by its `state`."""

    def draw(axes: Axes) -> None:
        days = sorted(nights["as_of_date"].unique())
        place = {day: number for number, day in enumerate(days)}
        for day, gate, state in nights[["as_of_date", "gate", "state"]].itertuples(index=False):
            colour, letter = ENDINGS[str(state)]
            x, y = place[day], GATES.index(str(gate))
            axes.barh(y, 0.9, left=x - 0.45, color=colour, height=0.8)
            axes.text(x, y, letter, ha="center", va="center", color=CARD, fontsize=9, fontweight="bold")
        axes.set_yticks(range(len(GATES)), GATES)
        axes.invert_yaxis()
        shown = range(0, len(days), max(1, len(days) // 6))
        axes.set_xticks(list(shown), [f"{days[number]:%d %b}" for number in shown])
        axes.set_xlim(-0.6, max(len(days), 30) - 0.4)
        axes.grid(visible=False)

    return _svg(draw, height=1.9, label="How the newest nights passed each gate")


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


def calibration(model: str, points: Sequence[Sequence[float]], unit: str | None) -> str:
    """What a model said against what came, a point per tenth of the predictions; on the line both are equal.

    Shares where `unit` is None; else amounts of that unit on logarithmic axes, those below 1 drawn at 1.
    """

    def draw(axes: Axes) -> None:
        told = np.array(points, dtype=float)[:, :2]
        shown = told if unit is None else np.maximum(told, 1.0)
        low, high = (0.0, 1.0) if unit is None else (float(shown.min()), float(shown.max()))
        axes.plot([low, high], [low, high], color=MUTED)
        axes.plot(shown[:, 0], shown[:, 1], color=FIRST, marker="o")
        axes.set_xlabel("predicted" if unit is None else f"predicted, {unit}")
        axes.set_ylabel("observed")
        if unit is not None:
            axes.set_xscale("log")
            axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            if unit is not None:
                axis.set_minor_formatter(FuncFormatter(lambda *_: ""))
            axis.set_major_formatter(PercentFormatter(1.0) if unit is None else _short_numbers())

    return _svg(draw, label=f"Calibration of the {model} model")


def drift(monitors: pd.DataFrame) -> str:
    """The inputs and scores that moved most since their models were taught, each with its threshold as a tick."""

    def draw(axes: Axes) -> None:
        order = range(len(shown))
        colours = [SECOND if is_alert else FIRST for is_alert in shown["is_alert"]]
        axes.barh(order, shown["value"].astype(float), color=colours, height=0.65)
        axes.plot(shown["threshold"].astype(float), order, color=INK, marker="|", markersize=11, linestyle="none")
        axes.set_yticks(order, [f"{row.question}: {row.subject}" for row in shown.itertuples()])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("population stability index; the tick is the threshold")
        axes.grid(axis="y", visible=False)

    is_drift = monitors["monitor"].isin(["input_drift", "score_drift"]) & monitors["value"].notna()
    shown = monitors[is_drift].sort_values(["value", "question", "subject"], ascending=[False, True, True]).head(DRIFTS)
    return _svg(draw, height=0.3 * max(len(shown), 3) + 0.8, label="Drift of inputs and scores")


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
