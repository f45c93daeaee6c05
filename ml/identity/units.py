"""Units: records that are one by their own keys, such as an account, its orders and its logins."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import numpy as np
import numpy.typing as npt

from ml.identity.cluster import components
from ml.identity.settings import Keys
from ml.identity.workspace import columns, run

Ints = npt.NDArray[np.int64]
Pairs = set[tuple[int, int]]


def make_key_links(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Make the table `key_links` (rule, is_own, a, b): from the first record that has a key to each other one."""
    own, linked = (", ".join(repr(name) for name in names) or "''" for names in (keys.own, keys.linked))
    run(
        connection,
        f"""
        create or replace table key_links as
        with used as (select * from held_keys anti join crowded using (block) where rule in ({own}, {linked})),
        firsts as (select key, min(n) as a from used group by key having count(*) > 1)
        select distinct rule, rule in ({own}) as is_own, a, n as b
        from used inner join firsts using (key)
        where n <> a
        order by a, b, rule
        """,
    )


def form_units(
    connection: duckdb.DuckDBPyConnection, count: int, apart: Iterable[tuple[int, int]]
) -> tuple[Ints, Ints]:
    """Family and unit (their first records' numbers) of each of `count` records; no unit holds a pair of `apart`."""
    own = columns(connection, "select a, b from key_links where is_own order by a, b")
    family = unit = components(count, own["a"], own["b"])
    torn = {int(unit[a]) for a, b in apart if unit[a] == unit[b]}
    if torn:
        forbidden = {(a, b) for a, b in apart} | {(b, a) for a, b in apart}
        chosen = np.isin(unit[own["a"]], list(torn))
        links = list(zip(own["a"][chosen].tolist(), own["b"][chosen].tolist(), strict=True))
        unit = _form_torn(unit, torn, links, forbidden)
    return family, unit


def _form_torn(unit: Ints, torn: set[int], links: list[tuple[int, int]], forbidden: Pairs) -> Ints:
    """Join the records of these units one link after the other, unless that would join what a decision keeps apart."""
    unit = unit.copy()
    members = {int(n): [int(n)] for n in np.flatnonzero(np.isin(unit, list(torn)))}
    home = {n: n for n in members}
    for a, b in links:
        left, right = sorted((home[a], home[b]))
        if left == right or any((x, y) in forbidden for x in members[left] for y in members[right]):
            continue
        for n in members[right]:
            home[n] = left
        members[left] += members.pop(right)
    for n, first in home.items():
        unit[n] = first
    return unit
