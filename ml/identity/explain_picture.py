"""The picture of a customer: how its records hang together, and what speaks for each link on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc

from ml.identity.evidence import Step
from ml.identity.explain import DECISION, MODEL, Explained, Link, Tie
from ml.identity.pictures import BAD, FIRST, GOOD, INK, LINE, SECOND, SOFT, bare, chance, save, short

MOST_PANELS = 12
MOST_ROWS = 50
MANY_ARCS = 60
INDENT, ROW_HEIGHT, STEP_HEIGHT, WIDTH = 0.35, 0.44, 0.26, 12.0
MOST_INDENTS = 12
MOST_LETTERS = 105  # of the small print beside a node
LEGEND = {"certain rule": FIRST, "model": SECOND, "decision": GOOD}


@dataclass(frozen=True)
class Node:
    """Records that are one by their own keys: the one next to the customer's first, all of them, and what ties it."""

    head: str
    members: tuple[str, ...]
    depth: int
    parent: int | None
    tie: Tie | None


def draw(explained: Explained, path: Path) -> Path:
    """Write the picture to `path`."""
    nodes = nodes_of(explained)
    panels = panels_of(nodes)
    shown = panels[:MOST_PANELS]
    rows = min(len(nodes), MOST_ROWS + 1)
    lines = [max(len(panel[0].steps) for panel in shown[n : n + 2]) + 3.5 for n in range(0, len(shown), 2)]
    heights = [rows * ROW_HEIGHT + 0.9, *(count * STEP_HEIGHT for count in lines)]

    size = sum(heights) + 0.6

    def draw_all(figure: Figure) -> None:
        counts = f"records: {len(explained.records)}, groups by the systems' own keys: {len(nodes)}"
        figure.suptitle(f"{explained.customer_id} ({counts})", x=0.01, ha="left", fontsize=14, weight="bold")
        for place, (name, colour) in enumerate(LEGEND.items()):
            figure.text(
                0.99 - 0.09 * place, 1 - 0.2 / size, f"■ {name}", color=colour, ha="right", va="center", fontsize=9
            )
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
        _draw_tree(figure.add_subplot(grid[0, :]), explained, nodes)
        for n, panel in enumerate(shown):
            _draw_waterfall(figure.add_subplot(grid[1 + n // 2, n % 2]), panel)
        if len(panels) > len(shown):
            figure.supxlabel(f"the weakest {len(shown)} of {len(panels)} kinds of links", color=SOFT, fontsize=9)

    return save(path, WIDTH, size, draw_all)


def panels_of(nodes: list[Node]) -> list[list[Link]]:
    """The links by the model that the tree rests on, those with the same steps together, the weakest first."""
    links = sorted(
        (node.tie.link for node in nodes if node.tie), key=lambda link: (link.weight, link.left_key, link.right_key)
    )
    alike: dict[tuple[Step, ...], list[Link]] = {}
    for link in links:
        if link.steps:
            alike.setdefault(link.steps, []).append(link)
    return list(alike.values())


def nodes_of(explained: Explained) -> list[Node]:
    """The customer's records as a tree in reading order; records that share a system's own key are one node."""
    if not explained.records:
        return []
    children: dict[str, list[Tie]] = {}
    for tie in explained.ties:
        children.setdefault(tie.towards, []).append(tie)
    nodes: list[Node] = []

    def visit(head: str, depth: int, parent: int | None, tie: Tie | None) -> None:
        members, onward = [head], list(children.get(head, []))
        while own := next((t for t in onward if t.link.is_own_key), None):
            onward.remove(own)
            members.append(own.record_key)
            onward += children.get(own.record_key, [])
        number = len(nodes)
        nodes.append(Node(head, tuple(members), depth, parent, tie))
        for following in onward:
            visit(following.record_key, depth + 1, number, following)

    visit(explained.records[0].record_key, 0, None, None)
    for record_key in explained.untied:
        visit(record_key, 0, None, None)
    return nodes


def _draw_tree(axes: Axes, explained: Explained, nodes: list[Node]) -> None:
    """One row per node; the strongest links as a tree, all other ones as arcs beside it."""
    bare(axes)
    shown = nodes[:MOST_ROWS]
    since = {record.record_key: record.known_at for record in explained.records}
    row = {member: n for n, node in enumerate(shown) for member in node.members}
    for n, node in enumerate(shown):
        x = INDENT * min(node.depth, MOST_INDENTS)
        if node.parent is not None:
            above = INDENT * min(shown[node.parent].depth, MOST_INDENTS)
            colour = colour_of(node.tie.link) if node.tie else SOFT
            axes.plot([above, above], [node.parent, n], color=LINE, linewidth=1.6, zorder=0)
            axes.plot([above, x], [n, n], color=colour, linewidth=1.6, zorder=1)
        axes.plot([x], [n], "o", color=INK, markersize=7, zorder=2)
        known = since[node.head]
        axes.text(x + 0.12, n - 0.13, short(node.head), va="center", weight="bold", fontsize=10)
        axes.text(x + 0.12, n + 0.27, _said(node, known, explained), va="center", fontsize=8.5, color=SOFT)
    if len(nodes) > len(shown):
        axes.text(0, len(shown), f"and {len(nodes) - len(shown)} more", color=SOFT)
    tree = {(node.tie.link.left_key, node.tie.link.right_key) for node in shown if node.tie}
    others = [link for link in explained.links if (link.left_key, link.right_key) not in tree and not link.is_own_key]
    _draw_others(axes, others, row)
    axes.set_xlim(-1.6, 9)
    axes.set_ylim(min(len(nodes), MOST_ROWS + 1) - 0.3, -0.7)


def _draw_others(axes: Axes, links: list[Link], row: dict[str, int]) -> None:
    ends = {
        (*sorted((row[link.left_key], row[link.right_key])),)
        for link in links
        if {link.left_key, link.right_key} <= row.keys()
    }
    line = 1.2 if len(ends) <= MANY_ARCS else 0.4
    longest = max((below - above for above, below in ends), default=1)
    for above, below in sorted(ends):
        if above != below:
            width = 0.5 + 2.4 * (below - above) / longest
            axes.add_patch(
                Arc(
                    (-0.12, (above + below) / 2),
                    width,
                    below - above,
                    theta1=90,
                    theta2=270,
                    color=LINE,
                    linewidth=line,
                )
            )


def colour_of(link: Link) -> str:
    """A link's colour by what it rests on."""
    return {MODEL: SECOND, DECISION: GOOD}.get(link.rule, FIRST)


def _said(node: Node, since: datetime | None, explained: Explained) -> str:
    """The small print of a node: what else it holds, since when it is known, and what ties it to the one above."""
    parts = []
    if node.tie is not None:
        tie = node.tie.link
        pair = {tie.left_key, tie.right_key}
        rules = [link.rule for link in explained.links if {link.left_key, link.right_key} == pair and link != tie]
        bits = f" {tie.weight:+.1f} bits" if tie.steps else ""
        parts.append("by " + ", ".join([f"{tie.rule}{bits}", *rules]))
    parts += [f"known since {since:%Y-%m-%d}"] if since else []
    others = Counter(member.partition(":")[0] for member in node.members[1:])
    parts += ["with " + ", ".join(f"{count} {entity}" for entity, count in sorted(others.items()))] if others else []
    text = " · ".join(parts)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _draw_waterfall(axes: Axes, links: list[Link]) -> None:
    """The steps of the links' weight from top to bottom, and what they come to."""
    link, at = links[0], 0.0
    names, edges = [], [0.0]
    for n, step in enumerate(link.steps):
        axes.barh(n, step.bits, left=at, color=GOOD if step.bits > 0 else BAD, height=0.62)
        at += step.bits
        edges.append(at)
        names.append(f"{step.name}: {step.outcome}" if step.outcome else step.name)
        axes.annotate(
            f"{step.bits:+.1f}",
            (max(at, at - step.bits), n),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=SOFT,
        )
    total = len(link.steps)
    axes.barh(total, link.weight, color=INK, height=0.62)
    axes.annotate(
        f"{link.weight:+.1f}",
        (max(link.weight, 0), total),
        (3, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )
    axes.set_yticks(range(total + 1), [*names, f"in all ({chance(link.probability)})"], fontsize=8.5)
    axes.set_ylim(total + 0.6, -0.6)
    axes.set_xlim(min(edges) - 2, max(edges) + 4)
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    more = f"; {len(links) - 1} more like it" if len(links) > 1 else ""
    axes.set_xlabel(f"bits (log2 of the odds that both are one){more}", fontsize=8)
    axes.set_title(f"{short(link.left_key)}\n{short(link.right_key)}", fontsize=9)
