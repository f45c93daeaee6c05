"""From weighted pairs of units to clusters: components, their missing pairs, contraction, caps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.identity.cluster import NEVER, components, contract
from ml.identity.model import Model
from ml.identity.scoring import score
from ml.identity.settings import Linkage, Settings
from ml.identity.workspace import columns, make_pairs, run

Ints = npt.NDArray[np.int64]
CERTAIN = 12.0  # bits of a certain rule or of a key that one record names of another
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
    links = columns(
        connection,
        f"""
        select a, b, max(weight) as weight, bool_or(is_certain) as is_certain
        from unit_links where is_certain or weight >= {settings.link_weight!r} group by a, b order by a, b
        """,
    )
    left, right = np.searchsorted(units, links["a"]), np.searchsorted(units, links["b"])
    decided = [(int(a), int(b)) for a, b in np.searchsorted(units, np.array(sorted(same)).reshape(-1, 2)).tolist()]
    forbidden = [(int(a), int(b)) for a, b in np.searchsorted(units, np.array(sorted(apart)).reshape(-1, 2)).tolist()]
    kin = list(zip(range(len(units)), np.searchsorted(units, families).tolist(), strict=True))
    component, _ = _components(len(units), left, right, np.ones(len(left), dtype=bool), decided + kin)
    kept, suspicious = _tighten(
        settings.component_cap, len(units), left, right, links["weight"], links["is_certain"], decided
    )
    tight, sizes = _components(len(units), left, right, kept, decided)
    edges = _edges(
        connection,
        settings,
        linkage,
        model,
        units,
        tight,
        sizes,
        (left[kept], right[kept], links["weight"][kept], links["is_certain"][kept]),
    )
    edges = _decide(edges, decided, forbidden)
    cluster = np.arange(len(units))
    home = contract([(a, b, round(weight, 6)) for (a, b), weight in sorted(edges.items())])
    cluster[list(home)] = list(home.values())
    cluster, crowded = _cap(cluster, linkage.cluster_cap, len(units), decided)
    found = [
        (int(units[c]), n, f"more than {settings.component_cap} records hang together by certain rules only")
        for c, n in suspicious
    ]
    found += [(int(units[c]), n, f"more than {linkage.cluster_cap} records would be one customer") for c, n in crowded]
    return Grouping(units, units[cluster], units[component], tuple(found))


def _components(
    count: int, left: Ints, right: Ints, kept: npt.NDArray[np.bool_], decided: list[tuple[int, int]]
) -> tuple[Ints, Ints]:
    """Component of each unit and its size."""
    extra = np.array(decided, dtype=np.int64).reshape(-1, 2)
    component = components(count, np.concatenate([left[kept], extra[:, 0]]), np.concatenate([right[kept], extra[:, 1]]))
    return component, np.bincount(component, minlength=count)[component]


def _tighten(
    cap: int,
    count: int,
    left: Ints,
    right: Ints,
    weight: npt.NDArray,
    certain: npt.NDArray,
    decided: list[tuple[int, int]],
) -> tuple[npt.NDArray[np.bool_], list[tuple[int, int]]]:
    """Which links stay when components above the cap lose their weaker ones; and those that stay above it."""
    kept = np.ones(len(left), dtype=bool)
    for bits in (*TIGHTER, None):
        component, size = _components(count, left, right, kept, decided)
        if not (size > cap).any():
            return kept, []
        big = size[left] > cap
        kept &= ~big | certain | (weight >= bits if bits is not None else False)
    component, size = _components(count, left, right, kept, decided)
    suspicious = np.unique(component[size > cap])
    kept &= size[left] <= cap
    return kept, [(int(c), int(size[c])) for c in suspicious]


def _edges(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    linkage: Linkage,
    model: Model | None,
    units: Ints,
    component: Ints,
    sizes: Ints,
    links: tuple[Ints, Ints, npt.NDArray, npt.NDArray],
) -> dict[tuple[int, int], float]:
    """What speaks for and against each pair within a component; pairs that do not share a block are scored here."""
    left, right, weight, certain = links
    bits = np.where(certain, np.maximum(weight, CERTAIN), weight - settings.link_weight)
    edges: dict[tuple[int, int], float] = {}
    if model is not None:
        edges = _closing(connection, settings, linkage, model, units, component, sizes)
    for a, b, value in zip(left.tolist(), right.tolist(), bits.tolist(), strict=True):
        edges[a, b] = max(value, edges.get((a, b), NEVER))
    return edges


def _closing(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    linkage: Linkage,
    model: Model,
    units: Ints,
    component: Ints,
    sizes: Ints,
) -> dict[tuple[int, int], float]:
    """The evidence of all pairs within components of three units and more."""
    chosen = sizes > 2
    connection.register(
        "_inside", pa.table({"unit": units[chosen], "place": np.flatnonzero(chosen), "component": component[chosen]})
    )
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
    bits = np.maximum(rows["weight"] - settings.link_weight, MOST_AGAINST)
    # Who tells nothing but a phone neither confirms nor contradicts a name.
    bits = np.where(rows["is_telling"], bits, np.maximum(bits, 0.0))
    places = zip(
        np.searchsorted(units, rows["unit_l"]).tolist(), np.searchsorted(units, rows["unit_r"]).tolist(), strict=True
    )
    return dict(zip(places, bits.tolist(), strict=True))


def _decide(
    edges: dict[tuple[int, int], float], decided: list[tuple[int, int]], forbidden: list[tuple[int, int]]
) -> dict[tuple[int, int], float]:
    for weight, pairs in ((DECIDED, decided), (NEVER, forbidden)):
        for a, b in pairs:
            if a != b:
                edges[min(a, b), max(a, b)] = weight
    return edges


def _cap(cluster: Ints, cap: int, count: int, decided: list[tuple[int, int]]) -> tuple[Ints, list[tuple[int, int]]]:
    """Take clusters above the cap apart, up to what people decided."""
    size = np.bincount(cluster, minlength=count)
    crowded = np.flatnonzero(size > cap)
    if not len(crowded):
        return cluster, []
    pairs = np.array(decided, dtype=np.int64).reshape(-1, 2)
    alone = components(count, pairs[:, 0], pairs[:, 1])
    return np.where(size[cluster] > cap, alone, cluster), [(int(c), int(size[c])) for c in crowded]
