"""From weighted pairs of units to clusters: components, their missing pairs, contraction, caps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from ml.identity.cluster import NEVER, components
from ml.identity.model import Model
from ml.identity.mute import hang_on
from ml.identity.pairs import NONE, Flags, Ints, Pairs, clusters
from ml.identity.scoring import score
from ml.identity.settings import Linkage, Settings
from ml.identity.workspace import columns, make_pairs, run

CERTAIN = 12.0  # bits of a certain rule
NAMED = 20.0  # bits of a key that one record names of another, less what contradicts it
DECIDED = 1000.0
MOST_AGAINST = -5.0  # bits that a single pair may say against a cluster: one slip of the pen must not outweigh the rest
TIGHTER = (4.0, 8.0, 12.0)  # bits that the links of a component above its cap must have, one after the other


@dataclass(frozen=True)
class Grouping:
    """Cluster and component (their first unit) of each unit, in the order of `units`; suspicious clusters."""

    units: Ints
    cluster: Ints
    component: Ints
    suspicious: tuple[tuple[int, int, str], ...]


def group(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    linkage: Linkage,
    model: Model | None,
    units: Ints,
    families: Ints,
    same: Iterable[tuple[int, int]],
    apart: Iterable[tuple[int, int]],
) -> Grouping:
    """Cluster `units` (sorted) by the table `unit_links` (a, b, weight, is_certain) and decisions between units.

    The components tell what hangs together, the units of one family included, whatever keeps them apart.
    """
    links = _links(connection, linkage, units)
    decided, forbidden = _places(units, same), _places(units, apart)
    kin = np.column_stack([np.arange(len(units)), np.searchsorted(units, families)])
    component, _ = _components(len(units), links, np.concatenate([decided, kin]))
    kept, heavy = _tighten(settings.component_cap, len(units), links, decided)
    tight, sizes = _components(len(units), kept, decided)
    named = kept.left[kept.certain & (kept.bits == NAMED)]
    chosen = (sizes > 2) | np.isin(tight, tight[named])
    inside = _closing(connection, linkage, model, units, tight, chosen) if model else NONE
    edges = _strongest([_weighed(kept, inside, linkage), _against(inside, linkage)], len(units))
    edges = _decide(edges, decided, forbidden)
    certain = kept.numbers(len(units))[kept.certain]
    fixed = np.isin(edges.numbers(len(units)), certain) | (edges.bits == DECIDED) | (edges.bits == NEVER)
    edges = hang_on(edges, fixed, _mute(connection, linkage, units), tight, linkage.link_weight)
    cluster, crowded = _cap(clusters(len(units), edges), linkage.cluster_cap, decided)
    by_rules = f"more than {settings.component_cap} records hang together by certain rules only"
    as_one = f"more than {linkage.cluster_cap} records would be one customer"
    found = [(int(units[c]), n, why) for why, those in ((by_rules, heavy), (as_one, crowded)) for c, n in those]
    return Grouping(units, units[cluster], units[component], tuple(found))


def _links(connection: duckdb.DuckDBPyConnection, linkage: Linkage, units: Ints) -> Pairs:
    rows = columns(
        connection,
        f"""
        select a, b, max(weight) as weight, bool_or(is_certain) as is_certain
        from unit_links where is_certain or weight >= {linkage.link_weight!r} group by a, b order by a, b
        """,
    )
    left, right = np.searchsorted(units, rows["a"]), np.searchsorted(units, rows["b"])
    return Pairs(left, right, rows["weight"], rows["is_certain"])


def _places(units: Ints, pairs: Iterable[tuple[int, int]]) -> Ints:
    """Pairs of units as their places, an array of shape (n, 2), the smaller one first."""
    return np.sort(np.searchsorted(units, np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)), axis=1)


def _components(count: int, links: Pairs, further: Ints) -> tuple[Ints, Ints]:
    """Component of each unit and its size."""
    left, right = np.concatenate([links.left, further[:, 0]]), np.concatenate([links.right, further[:, 1]])
    component = components(count, left, right)
    return component, np.bincount(component, minlength=count)[component]


def _tighten(cap: int, count: int, links: Pairs, decided: Ints) -> tuple[Pairs, list[tuple[int, int]]]:
    """The links that stay when components above the cap lose their weaker ones; and those that stay above it."""
    for bits in (*TIGHTER, np.inf):
        _, size = _components(count, links, decided)
        if not (size > cap).any():
            return links, []
        links = links.chosen((size[links.left] <= cap) | links.certain | (links.bits >= bits))
    component, size = _components(count, links, decided)
    heavy = [(int(c), int(size[c])) for c in np.unique(component[size > cap])]
    return links.chosen(size[links.left] <= cap), heavy


def _closing(
    connection: duckdb.DuckDBPyConnection, linkage: Linkage, model: Model, units: Ints, component: Ints, chosen: Flags
) -> Pairs:
    """The weights of all pairs within these components, sharing a block or not; certain: can be told apart."""
    connection.register("_inside", pa.table({"unit": units[chosen], "component": component[chosen]}))
    make_pairs(
        connection,
        """
        with inside as (select _inside.* from _inside inner join profiles using (unit))
        select l.unit as a, r.unit as b from inside as l inner join inside as r
        on l.component = r.component and l.unit < r.unit
        """,
    )
    connection.unregister("_inside")
    score(connection, model, linkage, NEVER, "closing")
    rows = columns(connection, "select unit_l, unit_r, weight, is_telling from closing order by unit_l, unit_r")
    run(connection, "drop table closing")
    left, right = np.searchsorted(units, rows["unit_l"]), np.searchsorted(units, rows["unit_r"])
    return Pairs(left, right, rows["weight"], rows["is_telling"])


def _against(inside: Pairs, linkage: Linkage) -> Pairs:
    """What pairs within a component say; who tells nothing but a phone neither confirms nor contradicts a name."""
    bits = np.maximum(inside.bits - linkage.link_weight, MOST_AGAINST)
    return Pairs(inside.left, inside.right, np.where(inside.certain, bits, np.maximum(bits, 0.0)), inside.certain)


def _weighed(links: Pairs, inside: Pairs, linkage: Linkage) -> Pairs:
    """Links with what they say for a cluster: bits above the threshold; a named key less what contradicts it."""
    bits = np.where(links.certain, links.bits, links.bits - linkage.link_weight)
    told = {
        (a, b): min(w, 0.0)
        for a, b, w, is_telling in zip(
            inside.left.tolist(), inside.right.tolist(), inside.bits.tolist(), inside.certain.tolist(), strict=True
        )
        if is_telling and w < -NAMED
    }
    for n in np.flatnonzero(links.certain & (links.bits == NAMED)).tolist():
        bits[n] += told.get((int(links.left[n]), int(links.right[n])), 0.0)
    return Pairs(links.left, links.right, bits, links.certain)


def _mute(connection: duckdb.DuckDBPyConnection, linkage: Linkage, units: Ints) -> Flags:
    """The units that tell nothing of who somebody is, as opposed to how to reach them."""
    telling = columns(connection, f"select unit from profiles where not ({linkage.mute})")["unit"]
    return ~np.isin(units, telling)


def _strongest(parts: list[Pairs], count: int) -> Pairs:
    """Each pair once, with the most that is said for it; in the order of their places."""
    left, right, bits = (np.concatenate([getattr(part, n) for part in parts]) for n in ("left", "right", "bits"))
    key = left * count + right
    order = np.lexsort((-bits, key))
    _, first = np.unique(key[order], return_index=True)
    kept = order[first]
    return Pairs(left[kept], right[kept], bits[kept].round(6), np.zeros(len(kept), dtype=np.bool_))


def _decide(edges: Pairs, decided: Ints, forbidden: Ints) -> Pairs:
    """Edges with what people decided in the place of what was found."""
    if not len(decided) and not len(forbidden):
        return edges
    weights = {
        (a, b): w for a, b, w in zip(edges.left.tolist(), edges.right.tolist(), edges.bits.tolist(), strict=True)
    }
    for weight, pairs in ((DECIDED, decided), (NEVER, forbidden)):
        weights |= {(a, b): weight for a, b in pairs.tolist() if a != b}
    rows = sorted(weights)
    places = np.array(rows, dtype=np.int64).reshape(-1, 2)
    bits = np.array([weights[row] for row in rows], dtype=np.float64)
    return Pairs(places[:, 0], places[:, 1], bits, np.zeros(len(rows), dtype=np.bool_))


def _cap(cluster: Ints, cap: int, decided: Ints) -> tuple[Ints, list[tuple[int, int]]]:
    """Take clusters above the cap apart, up to what people decided."""
    size = np.bincount(cluster, minlength=len(cluster))
    crowded = np.flatnonzero(size > cap)
    if not len(crowded):
        return cluster, []
    alone = components(len(cluster), decided[:, 0], decided[:, 1])
    return np.where(size[cluster] > cap, alone, cluster), [(int(c), int(size[c])) for c in crowded]
