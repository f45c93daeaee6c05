"""Link anew what a night's changes touch, given last night's graph; the rows are those that linking everything gives.

What a change can touch is found by the keys and blocks of the records before and after it: the records it is one with,
those it is compared with, values that have become crowded or are no longer, and the components that links connect.
Everything outside stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa

from ml.identity.decisions import Judged
from ml.identity.link import Work, compare, lay_out, prepare, settle
from ml.identity.model import Model, add_frequencies
from ml.identity.settings import Linkage, Settings
from ml.identity.state import State
from ml.identity.workspace import (
    SIGNED,
    add_rare_blocks,
    columns,
    connect,
    load_records,
    make_blocks,
    make_held_keys,
    make_profiles,
    run,
    table,
)  # fmt: skip

UNSIGNED = "cast(cast(block as hugeint) + 9223372036854775808 as ubigint)"
HOLDERS = pa.schema({"record_key": pa.string(), "family": pa.string(), "block": pa.int64()})
FOUND = """
    select
        least(l.record_key, r.record_key) as left_key,
        greatest(l.record_key, r.record_key) as right_key,
        rule, weight, is_certain, evidence
    from unit_links inner join records as l on a = l.n inner join records as r on b = r.n
    order by left_key, right_key, rule
"""
OUTSIDE = """
    select found.left_key, found.right_key, rule, 1 / (1 + pow(2, -weight)) as match_probability,
        weight as match_weight, evidence, false as is_same_customer
    from found
    where found.left_key not in (select record_key from records)
        or found.right_key not in (select record_key from records)
    order by left_key, right_key, rule
"""


class Relink:
    """The steps of one night: spread the changes, compare, settle."""

    def __init__(
        self, state: State, settings: Settings, linkage: Linkage, judged: Judged, model: Model,
        changed: Iterable[str], gone: Iterable[str],
    ) -> None:  # fmt: skip
        self.state, self.settings, self.linkage, self.judged, self.model = state, settings, linkage, judged, model
        self.changed, self.gone = set(changed), set(gone)

    def work(self) -> Work:
        """Do all of it."""
        with connect() as connection:
            self._know_crowded(connection)
            dirty = self._spread(connection)
            found = self._compare(connection, dirty)
            return self._settle(connection, dirty, found)

    def _know_crowded(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make `crowded_before` and, to begin with, `crowded` from last night's."""
        rows = self.state.read("select block, name, count_records as holders from identity.crowded where kind = {kind}")
        connection.register("_crowded", rows)
        run(connection, f"create table crowded_before as select {UNSIGNED} as block, name, holders from _crowded")
        run(connection, "create table crowded as select * from crowded_before")
        connection.unregister("_crowded")

    def _spread(self, connection: duckdb.DuckDBPyConnection) -> set[str]:
        """The records (with those that are gone) whose families are compared anew; makes `crowded` tonight's."""
        dirty = self._with_partners(self._mates(connection))
        while True:
            self._begin(connection, dirty)
            rules = ", ".join(f"'{name}'" for name in (*self.linkage.keys.all, ""))
            used = f"select block, rule as name from held_keys where rule in ({rules})"
            self._count(connection, "keys", "key", used)
            lay_out(connection, self.linkage, self.judged, is_whole=False)
            flipped = self._count(connection, "blocks", "value", "select block, name from holds")
            if not flipped:
                make_profiles(connection, self.linkage)
                make_blocks(connection, self.linkage)
                add_frequencies(connection, self.model, self.linkage)
                add_rare_blocks(connection, self.linkage, self.model.count_units)
                flipped = self._count(connection, "blocks", "block", "select block, name from blocks")
            if not flipped:
                return dirty
            dirty = self._with_partners(dirty | flipped)

    def _mates(self, connection: duckdb.DuckDBPyConnection) -> set[str]:
        """Changed and gone records with the families they were in, and of whoever shares a key of theirs."""
        seed = self.changed | self.gone
        self.state.put_keys("seed", seed)
        load_records(connection, self.state.records_in("seed"))
        make_held_keys(connection, self.linkage.keys)
        self.state.put("touched", table(connection, f"select distinct {SIGNED} as block from held_keys order by block"))
        return seed | self.state.keys(
            """
            with seeds as materialized (
                select family, keys from identity.records inner join pg_temp.seed using (record_key)
                where kind = {kind}
            ),
            both_sides as materialized (
                select block from pg_temp.touched union select unnest(keys) from seeds
            ),
            families as (
                select family from seeds
                union
                select records.family
                from both_sides inner join identity.records on records.keys @> array[both_sides.block]
                where records.kind = {kind}
            )
            select record_key from identity.records inner join families using (family) where kind = {kind}
            """
        )

    def _begin(self, connection: duckdb.DuckDBPyConnection, dirty: set[str]) -> None:
        """Load the dirty records as they are tonight, and what they held last night."""
        self.state.put_keys("dirty", dirty)
        load_records(connection, self.state.records_in("dirty"))
        make_held_keys(connection, self.linkage.keys)
        run(connection, "create or replace table crowded as select * from crowded_before")
        held = self.state.read(
            "select keys, blocks from identity.records inner join pg_temp.dirty using (record_key) where kind = {kind}"
        )
        connection.register("_held", held)
        for name in ("keys", "blocks"):
            run(
                connection,
                f"""
                create or replace table old_{name} as
                select {UNSIGNED} as block, count(*) as holders from (select unnest({name}) as block from _held)
                group by 1
                """,
            )
        connection.unregister("_held")

    def _count(self, connection: duckdb.DuckDBPyConnection, column: str, sort: str, mine: str) -> set[str]:
        """Count anew who holds what the dirty records hold or held, and bring `crowded` up to it.

        Returns the records outside whose families are touched because a value has become crowded or is no longer.
        """
        run(
            connection,
            f"""
            create or replace table mine as
            select block, '{sort} ' || name as name, count(*) as holders from ({mine}) group by all
            """,
        )
        query = f"select distinct {SIGNED} as block from mine anti join crowded_before using (block) order by block"
        clean = self._holders(column, table(connection, query))
        connection.register("_clean", clean)
        run(
            connection,
            f"create or replace table clean_{column} as select record_key, family, {UNSIGNED} as block from _clean",
        )
        connection.unregister("_clean")
        run(connection, RECOUNT.format(column=column, sort=sort, caps=self._caps()))
        run(connection, "delete from crowded where block in (select block from recounted)")
        run(connection, "insert into crowded select block, name, holders from recounted where is_crowded")
        became = f"select distinct family from clean_{column} inner join recounted using (block) where is_crowded"
        families = set(columns(connection, became)["family"].tolist())
        ceased = f"select {SIGNED} as block from recounted where was_crowded and not is_crowded order by block"
        families |= set(self._holders(column, table(connection, ceased))["family"].to_pylist())
        return self._of_families(families)

    def _caps(self) -> str:
        values = [f"when name = 'value {name}' then {value.cap}" for name, value in self.linkage.values.items()]
        keys = f"when name like 'key %' then {self.linkage.keys.cap}"
        return f"case {' '.join([keys, *values])} else {self.settings.block_cap} end"

    def _holders(self, column: str, blocks: pa.Table) -> pa.Table:
        """record_key, family, block of the records outside of the dirty ones that hold these."""
        if not blocks.num_rows:
            return HOLDERS.empty_table()
        self.state.put("wanted", blocks.cast(pa.schema({"block": pa.int64()})))
        return self.state.read(
            f"""
            select records.record_key, records.family, wanted.block
            from pg_temp.wanted
            -- One look into the index per value: comparing arrays with all values at once costs the product of both.
            inner join identity.records on records.{column} @> array[wanted.block]
            where
                records.kind = {{kind}}
                and not exists (select from pg_temp.dirty where dirty.record_key = records.record_key)
            """
        )

    def _with_partners(self, keys: set[str]) -> set[str]:
        """These records and the families of those that decisions say are the same: they form units together."""
        while partners := {key for pair in self.judged.same if keys & set(pair) for key in pair} - keys:
            self.state.put_keys("partners", partners)
            families = self.state.keys(
                "select family from identity.records inner join pg_temp.partners using (record_key) where kind = {kind}"
            )
            keys = keys | partners | self._of_families(families)
        return keys

    def _of_families(self, families: set[str]) -> set[str]:
        if not families:
            return set()
        self.state.put("families", pa.table({"family": pa.array(sorted(families), pa.string())}))
        return self.state.keys(
            "select record_key from identity.records inner join pg_temp.families using (family) where kind = {kind}"
        )

    def _compare(self, connection: duckdb.DuckDBPyConnection, dirty: set[str]) -> pa.Table:
        """The links of dirty units, to each other and to those around them."""
        near = "select distinct family from clean_{} anti join crowded using (block)"
        families = {
            family for name in ("keys", "blocks") for family in columns(connection, near.format(name))["family"]
        }
        around = self._with_partners(dirty | self._of_families(families))
        self.state.put_keys("loaded", dirty | around)
        load_records(connection, self.state.records_in("loaded"))
        make_held_keys(connection, self.linkage.keys)
        lay_out(connection, self.linkage, self.judged, is_whole=False)
        prepare(connection, self.settings, self.linkage, self.model, is_whole=False)
        connection.register("_dirty", pa.table({"record_key": pa.array(sorted(dirty), pa.string())}))
        run(
            connection,
            """
            create or replace table dirty_units as
            select distinct unit from members inner join records using (n) inner join _dirty using (record_key)
            """,
        )
        connection.unregister("_dirty")
        compare(connection, self.settings, self.linkage, self.model, only="dirty_units")
        return table(connection, FOUND)

    def _settle(self, connection: duckdb.DuckDBPyConnection, dirty: set[str], found: pa.Table) -> Work:
        """Cluster the components that are touched, with the links that are still good."""
        compared = int(columns(connection, "select count(*) as n from records")["n"][0])
        connection.register("_found", found)
        run(connection, "create or replace table found as select * from _found")
        connection.unregister("_found")
        strong = f"from found where is_certain or weight >= {self.linkage.link_weight!r}"
        ends = columns(connection, f"select left_key as k {strong} union select right_key {strong}")["k"].tolist()
        parted = {key for pair in self.judged.apart if dirty & set(pair) for key in pair}
        self.state.put_keys("ends", dirty | set(ends) | parted)
        affected = dirty | self.state.keys(AFFECTED)
        self.state.put_keys("loaded", affected)
        load_records(connection, self.state.records_in("loaded"))
        make_held_keys(connection, self.linkage.keys)
        lay_out(connection, self.linkage, self.judged, is_whole=False)
        prepare(connection, self.settings, self.linkage, self.model, is_whole=False)
        own = ", ".join(f"'{name}'" for name in (*self.linkage.keys.uniting, "decision"))
        self._join_links(connection, self.state.read(KEPT.format(kind="{kind}", own=own)))
        work = settle(connection, self.settings, self.linkage, self.model, self.judged, for_state=True)
        outside = table(connection, OUTSIDE)
        work.links = pa.concat_tables([work.links, outside.cast(work.links.schema)])
        work.stale, work.gone = dirty, self.gone
        work.counts |= {
            "compared_records": compared,
            "changed_records": len(self.changed),
            "gone_records": len(self.gone),
        }
        return work

    def _join_links(self, connection: duckdb.DuckDBPyConnection, kept: pa.Table) -> None:
        """Make `unit_links` of the new links and the kept ones whose ends are both loaded."""
        connection.register("_kept", kept)
        run(
            connection,
            """
            create or replace table unit_links as
            select least(l.unit, r.unit) as a, greatest(l.unit, r.unit) as b, rule, weight, is_certain, evidence
            from (select * from found union all by name select * from _kept) as all_links
            inner join records as lr on left_key = lr.record_key inner join members as l on lr.n = l.n
            inner join records as rr on right_key = rr.record_key inner join members as r on rr.n = r.n
            """,
        )
        connection.unregister("_kept")


RECOUNT = """
    create or replace table recounted as
    with touched as (
        select block, name from mine
        union
        select block, name from crowded_before inner join old_{column} using (block)
        where name like '{sort} %'
    ),
    clean as (select block, count(*) as holders from clean_{column} group by block),
    counted as (
        select
            touched.block,
            touched.name,
            coalesce(mine.holders, 0) + case
                when before.block is not null then before.holders - coalesce(old.holders, 0)
                else coalesce(clean.holders, 0)
            end as holders,
            before.block is not null as was_crowded
        from touched
        left join mine on touched.block = mine.block
        left join crowded_before as before on touched.block = before.block
        left join old_{column} as old on touched.block = old.block
        left join clean on touched.block = clean.block
    )
    select *, holders > {caps} as is_crowded from counted
"""
AFFECTED = """
    with components as (
        select component from identity.records inner join pg_temp.ends using (record_key) where kind = {kind}
    )
    select record_key from identity.records inner join components using (component) where kind = {kind}
"""
KEPT = """
    select left_key, right_key, rule, match_weight as weight, rule <> 'model' as is_certain, evidence
    from identity.links
    inner join pg_temp.loaded as l on left_key = l.record_key
    inner join pg_temp.loaded as r on right_key = r.record_key
    where
        links.kind = {kind}
        and rule not in ({own})
        and not exists (select from pg_temp.dirty where dirty.record_key = left_key)
        and not exists (select from pg_temp.dirty where dirty.record_key = right_key)
    order by left_key, right_key, rule
"""
