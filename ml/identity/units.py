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
    own, linked = (", ".join(repr(name) for name in names) or "''" for names in (keys.uniting, keys.linked))
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
    connection: duckdb.DuckDBPyConnection,
    count: int,
    same: Iterable[tuple[int, int]],
    apart: Iterable[tuple[int, int]],
) -> tuple[Ints, Ints]:
    """Family and unit (their first records' numbers) of each of `count` records; no unit holds a pair of `apart`.

    Decisions that two records are the `same` are heard before the keys, so that what a key says never stands between
    them; a unit is part of one family all the same.
    """
    same, apart = list(same), list(apart)
    own = columns(connection, "select a, b from key_links where is_own order by a, b")
    family = components(count, own["a"], own["b"])
    ends = np.array(same, dtype=np.int64).reshape(-1, 2)
    whole = components(count, np.concatenate([own["a"], ends[:, 0]]), np.concatenate([own["b"], ends[:, 1]]))
    torn = {int(whole[a]) for a, b in apart if whole[a] == whole[b]}
    if not torn:
        return family, family
    forbidden = {(a, b) for a, b in apart} | {(b, a) for a, b in apart}
    links = [*same, *zip(own["a"].tolist(), own["b"].tolist(), strict=True)]
    home = _form_torn(whole, torn, [link for link in links if int(whole[link[0]]) in torn], forbidden)
    home = np.where(np.isin(whole, list(torn)), home, family)
    first: dict[tuple[int, int], int] = {}
    keys = zip(home.tolist(), family.tolist(), strict=True)
    return family, np.array([first.setdefault(key, n) for n, key in enumerate(keys)], dtype=np.int64)


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
