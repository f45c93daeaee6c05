"""Records laid out in DuckDB: units of records that are one by their keys, their pooled values, whom to compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.identity.settings import Keys, Linkage

Ints = npt.NDArray[np.int64]
TEXTS = (
    "given_name", "surname", "name_key", "name_compact", "name_han", "birth_date", "street", "city", "postcode",
    "country", "company", "company_city", "registration", "identifier",
)  # fmt: skip
LISTS = ("mails", "phones", "domains", "keys")
LIST_COLUMNS = ("mails", "phone_tails", "domains")  # of profiles
TIME = "known_at"
THREADS = 2
SIGNED = "cast(cast(block as hugeint) - 9223372036854775808 as bigint)"  # of an unsigned hash, as PostgreSQL holds it
# Columns that are worked out from a unit's pooled values. Scalars beside lists let the training block on them.
DERIVED = """
    list_sort(list_distinct(list_transform(phones, lambda x: right(x, 9)))) as phone_tails,
    mails[1] as mail,
    split_part(mails[1], '@', 2) as mail_domain,
    right(phones[1], 9) as phone,
    domains[1] as domain,
    coalesce(street, postcode) as place,
    coalesce(company_city, city) as town
"""


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory database that works with two threads and keeps rows in their order."""
    connection = duckdb.connect()
    run(connection, f"set threads = {THREADS}")
    return connection


def run(connection: duckdb.DuckDBPyConnection, query: str, values: Iterable[object] | None = None) -> None:
    """Execute a statement and drain its result."""
    connection.execute(query, list(values) if values is not None else None).fetchall()


def table(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The rows of a query."""
    return connection.sql(query).to_arrow_table()


def columns(connection: duckdb.DuckDBPyConnection, query: str) -> Mapping[str, npt.NDArray[Any]]:
    """The rows of a query as one NumPy array per column; without nulls."""
    return cast("Mapping[str, npt.NDArray[Any]]", connection.execute(query).fetchnumpy())


def load_records(connection: duckdb.DuckDBPyConnection, records: pa.Table) -> None:
    """Make the table `records`, numbered (`n`) by when they became known; columns that are not given are null.

    The first record names what it is part of: a new one joins and renames nothing, so that a night writes little.
    Names given in parts only get the keys they are compared by.
    """
    given = set(records.column_names)
    connection.register("_given", records)
    texts = [f"cast({name} as varchar)" if name in given else "cast(null as varchar)" for name in TEXTS]
    lists = [f"coalesce({name}, [])" if name in given else "cast([] as varchar[])" for name in LISTS]
    time = f"cast({TIME} as timestamptz)" if TIME in given else "cast(null as timestamptz)"
    named = [f"{value} as {name}" for value, name in zip([*texts, *lists, time], [*TEXTS, *LISTS, TIME], strict=True)]
    run(
        connection,
        f"""
        create or replace table records as
        select
            row_number() over (order by known_at nulls last, record_key) - 1 as n,
            record_key,
            * exclude (record_key) replace (
                coalesce(
                    name_key,
                    case when given_name > surname then surname || ' ' || given_name
                    else concat_ws(' ', given_name, surname) end
                ) as name_key,
                coalesce(name_compact, concat(surname, given_name)) as name_compact
            )
        from (select record_key, {", ".join(named)} from _given)
        order by n
        """,
    )
    run(connection, "update records set name_key = null, name_compact = null where name_key = ''")
    connection.unregister("_given")


def forget_crowded(connection: duckdb.DuckDBPyConnection) -> None:
    """Make an empty table `crowded` (block, name, holders): values that too many share bring nobody together."""
    run(connection, "create or replace table crowded (block ubigint, name varchar, holders bigint)")


def make_held_keys(connection: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Make the table `held_keys` (n, key, rule, block): which record has which key, of its own or by what it tells."""
    told = [f"select n, '{name}:' || ({value}) as key from records" for name, value in keys.told.items()]
    held = " union all ".join(["select n, unnest(keys) as key from records", *told])
    run(
        connection,
        f"""
        create or replace table held_keys as
        select distinct n, key, split_part(key, ':', 1) as rule, {_hash("key", "key")} as block
        from ({held}) where key is not null
        """,
    )


def note_crowded_keys(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
    """Add to `crowded` the keys that more records hold than the cap allows."""
    rules = ", ".join(repr(name) for name in linkage.keys.all) or "''"
    run(
        connection,
        f"""
        insert into crowded
        select block, 'key ' || rule, count(*) from held_keys where rule in ({rules})
        group by block, rule having count(*) > {linkage.keys.cap}
        """,
    )


def note_crowded_values(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
    """Add to `crowded` the values that more units hold than their cap allows."""
    for name, value in linkage.values.items():
        run(
            connection,
            f"""
            insert into crowded
            select block, 'value {name}', count(*) from holds where name = '{name}'
            group by block having count(*) > {value.cap}
            """,
        )


def note_crowded_blocks(connection: duckdb.DuckDBPyConnection, names: Iterable[str], cap: int) -> None:
    """Add to `crowded` the blocks of these names that more than `cap` units share."""
    chosen = ", ".join(repr(name) for name in names) or "''"
    query = f"""
        select block, 'block ' || name, count(*) from blocks where cast(name as varchar) in ({chosen})
        group by block, name having count(*) > {cap}
    """
    run(connection, f"insert into crowded {query}")


def load_units(connection: duckdb.DuckDBPyConnection, families: Ints, units: Ints) -> None:
    """Make the table `members`: family and unit (numbers of their first records) of each record, in the order of `n`.

    A family is what keys connect; it is one unit unless a decision tears it apart.
    """
    connection.register("_units", pa.table({"n": np.arange(len(units)), "family": families, "unit": units}))
    run(connection, "create or replace table members as select n, family, unit from _units")
    connection.unregister("_units")


def pool_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `pools`, one row per unit that tells anything of its customer.

    The values of a unit's records are put together: of single values the first one known, names from one record.
    """
    tells = " or ".join(
        [*(f"{name} is not null" for name in TEXTS if name != "country"), *(f"len({n}) > 0" for n in LISTS[:-1])]
    )
    run(
        connection,
        f"""
        create or replace temp table telling as
        select unit, records.* exclude (keys), count(*) over (partition by unit) as size
        from records inner join members using (n)
        where {tells}
        """,
    )
    names = [name for name in TEXTS if "name" in name]
    others = [name for name in TEXTS if name not in names]
    order = "name_key is null, known_at, n"
    firsts = [f"first({name} order by {order}) filter (name_key is not null) as {name}" for name in names]
    firsts += [f"first({name} order by {order}) filter ({name} is not null) as {name}" for name in others]
    lists = [f"list_sort(list_distinct(flatten(list({name})))) as {name}" for name in LISTS[:-1]]
    run(
        connection,
        f"""
        create or replace table pools as
        select unit, {", ".join(names)}, {", ".join(others)}, {", ".join(LISTS[:-1])} from telling where size = 1
        union all by name
        select unit, {", ".join(firsts + lists)} from telling where size > 1 group by unit
        """,
    )
    run(connection, "drop table telling")
    # Their values are in the pools now, and take most of the memory.
    run(connection, "create or replace table records as select n, record_key from records order by n")


def make_profiles(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
    """Make the table `profiles`: pools without values that too many share, with what is derived from them."""
    source = "pools"
    for name in linkage.values:
        source = f"""(
            select * exclude (kept) replace (coalesce(kept, {name}) as {name})
            from {source} left join ({_without_crowded(name)}) using (unit)
        )"""
    emptied = ", ".join(f"case when len({name}) > 0 then {name} end as {name}" for name in LISTS[:-1])
    run(
        connection,
        f"create or replace table profiles as select *, {DERIVED} from (select * replace ({emptied}) from {source})",
    )
    run(connection, "drop table pools")


def _without_crowded(name: str) -> str:
    """What is left of the units' lists that hold a value too many share."""
    return f"""
        with affected as (select distinct unit from holds inner join crowded using (block) where holds.name = '{name}')
        select unit, coalesce(list(value order by value) filter (not is_crowded), []) as kept
        from (
            select unit, value, {_hash(name, _comparable(name))} in (select block from crowded) as is_crowded
            from (select unit, unnest({name}) as value from pools where unit in (select unit from affected))
        )
        group by unit
    """


def _comparable(name: str) -> str:
    return "right(value, 9)" if name == "phones" else "value"


def _hash(name: str, value: str) -> str:
    return f"hash('{name}', {value})"


def make_value_counts(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
    """Make the table `holds`: block and unit of each value that several records may hold."""
    parts = [
        f"select distinct unit, {_hash(name, _comparable(name))} as block, '{name}' as name"
        f" from (select unit, unnest({name}) as value from pools)"
        for name in linkage.values
    ] or ["select cast(null as bigint) as unit, cast(null as ubigint) as block, '' as name where false"]
    run(connection, f"create or replace table holds as {' union all '.join(parts)}")


def make_blocks(connection: duckdb.DuckDBPyConnection, linkage: Linkage) -> None:
    """Make the table `blocks`: one row per unit and value (of the block `name`) that brings it together with others."""
    parts = []
    for name, value in linkage.blocks.items():
        inner = f"unnest({value})" if value in LIST_COLUMNS else value
        parts.append(
            f"select unit, cast('{name}' as block_name) as name, {_hash('block ' + name, 'value')} as block"
            f" from (select unit, {inner} as value from profiles) where value is not null"
        )
    parts = parts or ["select cast(null as bigint) as unit, '' as name, cast(null as ubigint) as block where false"]
    # Twelve rows a unit: names as numbers save a fifth of all memory.
    names = ", ".join(repr(name) for name in (*linkage.blocks, *linkage.rare_blocks))
    run(connection, "drop table if exists blocks")
    run(connection, "drop type if exists block_name")
    run(connection, f"create type block_name as enum ({names})")
    run(connection, f"create table blocks as {' union all '.join(parts)}")


def add_rare_blocks(connection: duckdb.DuckDBPyConnection, linkage: Linkage, count_units: int) -> None:
    """Add to `blocks` the values of `profiles` that, by their frequency (`tf_…`), hardly any stranger shares."""
    for name, rare in linkage.rare_blocks.items():
        run(
            connection,
            f"""
            insert into blocks
            select unit, '{name}', {_hash("block " + name, rare.value)} from profiles
            where {rare.value} is not null and {rare.only} and tf_{rare.value} * {count_units} < {rare.strangers!r}
            """,
        )


def pairs_query(names: Iterable[str] = (), only: str = "") -> str:
    """The pairs of units (a < b) that share a block which is not crowded.

    `names` restricts the blocks; `only` names a table of units, pairs without one of them are left out.
    """
    chosen = f"where name in ({', '.join(repr(name) for name in names)})" if names else ""
    side = f"where l.unit in (select unit from {only}) or r.unit in (select unit from {only})" if only else ""
    return f"""
        with used as (select unit, block from blocks anti join crowded using (block) {chosen})
        select distinct l.unit as a, r.unit as b
        from used as l inner join used as r on l.block = r.block and l.unit < r.unit
        {side}
    """


def make_pairs(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Make the table `pairs` of units to compare, as Splink reads it, from a query with the columns a and b."""
    run(
        connection,
        f"create or replace table pairs as select a as join_key_l, b as join_key_r, '0' as match_key from ({query})",
    )


def make_state(connection: duckdb.DuckDBPyConnection, is_empty: bool) -> None:
    """Make the tables `record_keys` (n, keys) and `record_blocks` (n, blocks): signed hashes that the warehouse keeps.

    A record has its keys, the first record of a unit what it is compared by.
    """
    if is_empty:
        run(connection, "create or replace table record_keys (n bigint, keys bigint[])")
        run(connection, "create or replace table record_blocks (n bigint, blocks bigint[])")
        return
    keys = "select n, block from held_keys"
    blocks = "select unit as n, block from holds union all select unit, block from blocks"
    for name, held in (("keys", keys), ("blocks", blocks)):
        run(
            connection,
            f"""
            create or replace table record_{name} as
            select n, list_sort(list({SIGNED})) as {name} from ({held}) group by n
            """,
        )
