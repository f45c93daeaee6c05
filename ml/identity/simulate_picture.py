"""The picture of a simulation: what becomes of the customers, which rules did it, whose customers they are."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Polygon

from ml.identity.compare import MERGED, REGROUPED, SIZES, SPLIT, UNCHANGED
from ml.identity.pictures import BAD, FIRST, GOOD, INK, SECOND, SOFT, bare, bars, save
from ml.identity.simulate import Simulation

LEAST_SHARE = 0.04  # of the height that a flow has, however few customers it stands for
GAP = 0.16
COLOURS = {MERGED: FIRST, SPLIT: SECOND, REGROUPED: SOFT}


def draw(simulation: Simulation, path: Path) -> Path:
    """Write the picture to `path`."""

    def draw_all(figure: Figure) -> None:
        figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, 0, 1, 0.88), h_pad=0.15, w_pad=0.15))
        figure.text(0.015, 0.95, headline(simulation), fontsize=16, weight="bold", va="center")
        figure.text(0.015, 0.908, stakes(simulation), fontsize=10.5, color=SOFT, va="center")
        (flows, rules), (sizes, segments) = figure.subplots(2, 2)
        _draw_flows(flows, simulation)
        _draw_rules(rules, simulation)
        _draw_sizes(sizes, simulation)
        _draw_segments(segments, simulation)

    return save(path, 12.5, 8.2, draw_all)


def headline(simulation: Simulation) -> str:
    """The outcome in one line."""
    before, after = simulation.before.count_customers, simulation.after.count_customers
    word = {"person": "persons", "company": "companies"}[simulation.kind]
    if not simulation.moved:
        return f"Nothing moves: {before:,} customers ({word}) stay as they are"
    return f"{before:,} customers ({word}) would be {after:,}: {len(simulation.moved):,} records move"


def stakes(simulation: Simulation) -> str:
    """What hangs on it in one line."""
    orders, largest = simulation.orders, (simulation.before.count_largest, simulation.after.count_largest)
    money = f"{orders.count_orders:,} orders with {orders.count_lines:,} lines worth {orders.amount:,.2f} move · "
    others = f"largest customer {largest[0]:,} → {largest[1]:,} records · night of {simulation.as_of_date}"
    return (money if simulation.kind == "person" else "") + others


def _draw_flows(axes: Axes, simulation: Simulation) -> None:
    """Customers before (left) and after (right), one band per outcome that changes any."""
    bare(axes)
    unchanged = next(o for o in simulation.outcomes if o.outcome == UNCHANGED)
    axes.set_title(f"What becomes of the customers ({unchanged.count_before:,} unchanged)")
    changed = [o for o in simulation.outcomes if o.outcome != UNCHANGED and o.count_records]
    if not changed:
        _draw_nothing(axes, "all stay as they are")
        return
    most = max(max(o.count_before, o.count_after) for o in changed)
    top = 0.0
    for outcome in changed:
        left, right = (max(n / most, LEAST_SHARE) for n in (outcome.count_before, outcome.count_after))
        height = max(left, right)
        middle = top - height / 2
        corners = [(0, middle + left / 2), (1, middle + right / 2), (1, middle - right / 2), (0, middle - left / 2)]
        axes.add_patch(Polygon(corners, closed=True, color=COLOURS[outcome.outcome], alpha=0.85, linewidth=0))
        axes.text(-0.03, middle, f"{outcome.count_before:,}", ha="right", va="center", weight="bold", fontsize=13)
        axes.text(1.03, middle, f"{outcome.count_after:,}", ha="left", va="center", weight="bold", fontsize=13)
        said = f"{outcome.outcome} ({outcome.count_records:,} records)"
        axes.text(0.5, top + 0.02, said, ha="center", va="bottom", color=INK)
        top -= height + GAP
    axes.set_xlim(-0.25, 1.25)
    axes.set_ylim(top + GAP - 0.03, 0.14)


def _draw_rules(axes: Axes, simulation: Simulation) -> None:
    axes.set_title("Links within customers, by rule")
    changed = [rule for rule in simulation.rules if rule.count_gained or rule.count_lost]
    if not changed:
        _draw_nothing(axes, "no link is gained or lost")
        return
    names = [rule.rule for rule in changed]
    bars(
        axes,
        names,
        [rule.count_gained for rule in changed],
        [GOOD] * len(names),
        [f"+{r.count_gained:,}" for r in changed],
    )
    lost = [-rule.count_lost for rule in changed]
    axes.barh(range(len(names)), lost, color=BAD, height=0.62)
    for place, value in enumerate(lost):
        axes.annotate(
            f"−{-value:,}",
            (value, place),
            (-4, 0),
            textcoords="offset points",
            va="center",
            ha="right",
            fontsize=9,
            color=SOFT,
        )
    axes.set_xlabel("lost, gained")


def _draw_sizes(axes: Axes, simulation: Simulation) -> None:
    axes.set_title("Customers by number of records, more or fewer")
    names = [
        f"{least}" if least == most else f"{least} to {most}" if most else f"{least} and more" for least, most in SIZES
    ]
    change = [after - before for before, after in zip(simulation.before.sizes, simulation.after.sizes, strict=True)]
    if not any(change):
        _draw_nothing(axes, "as many of each size as before")
        return
    bars(
        axes,
        names,
        [float(n) for n in change],
        [FIRST if n > 0 else SECOND for n in change],
        [f"{n:+,}" for n in change],
    )
    axes.set_xlabel("customers")


def _draw_segments(axes: Axes, simulation: Simulation) -> None:
    axes.set_title("Scored customers that move, by segment")
    moved = [segment for segment in simulation.segments if segment.count_moved]
    if not moved:
        _draw_nothing(
            axes, "none of any segment" if simulation.segments else "nobody of this kind has a published score"
        )
        return
    labels = [f"{s.count_moved:,} of {s.count_customers:,}" for s in moved]
    bars(axes, [s.segment for s in moved], [s.count_moved for s in moved], [FIRST] * len(moved), labels)
    axes.set_xlabel("customers of the published night")


def _draw_nothing(axes: Axes, said: str) -> None:
    bare(axes)
    axes.text(0.0, 0.9, said, transform=axes.transAxes, color=SOFT, va="top")
