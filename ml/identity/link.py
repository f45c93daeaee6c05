"""Link records: from records and decisions to clusters and the links between them, in one piece of work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ml.identity.decisions import Decision, Judged, judge
from ml.identity.group import CERTAIN, NAMED, Grouping, group
from ml.identity.model import Model, add_frequencies
from ml.identity.scoring import score, train_and_calibrate
from ml.identity.settings import Kind, Linkage, Settings, load
from ml.identity.units import form_units, make_key_links
from ml.identity.workspace import (
    SIGNED,
    add_rare_blocks,
    columns,
    connect,
    forget_crowded,
    load_records,
    load_units,
    make_blocks,
    make_held_keys,
    make_pairs,
    make_profiles,
    make_state,
    make_value_counts,
    note_crowded_blocks,
    note_crowded_keys,
    note_crowded_values,
    pairs_query,
    pool_values,
    run,
    table,
)  # fmt: skip

CROWDED = "more records than the cap allows share it: it links nothing"
OWN = 30.0  # bits that a key of their own is shown with
LINKS = """
    select
        least(l.record_key, r.record_key) as left_key,
        greatest(l.record_key, r.record_key) as right_key,
        rule,
        1 / (1 + pow(2, -weight)) as match_probability,
        weight as match_weight,
        evidence,
        l_cluster.cluster = r_cluster.cluster as is_same_customer
    from record_links
    inner join records as l on a = l.n
    inner join records as r on b = r.n
    inner join members as lm on a = lm.n
    inner join members as rm on b = rm.n
    inner join clusters as l_cluster on lm.unit = l_cluster.unit
    inner join clusters as r_cluster on rm.unit = r_cluster.unit
    order by left_key, right_key, rule
"""
RECORDS = """
    select
        records.record_key,
        coalesce(record_keys.keys, []) as keys,
        coalesce(record_blocks.blocks, []) as blocks,
        family.record_key as family,
        cluster.record_key as cluster,
        component.record_key as component
    from records
    inner join members using (n)
    inner join clusters using (unit)
    inner join records as family on members.family = family.n
    inner join records as cluster on clusters.cluster = cluster.n
    inner join records as component on clusters.component = component.n
    left join record_keys on records.n = record_keys.n
    left join record_blocks on records.n = record_blocks.n
    order by records.record_key
"""


@dataclass(frozen=True)
class Finding:
    """Something that was set aside: what kind of thing, which one (without personal values), how many, and why."""

    finding: str
    subject: str
    count_records: int
    reason: str


@dataclass
class Work:
    """What linking found out.

    records: record_key, keys and blocks (signed hashes), family, cluster and component (keys of their first records).
    links: left_key, right_key, rule, match_probability, match_weight, evidence (JSON), is_same_customer.
    crowded: block, name, count_records of what too many share. Of one night, `stale` are the records whose links are
    replaced altogether and `gone` those that are no more; records outside of `records` stay as they were.
    """

    records: pa.Table
    links: pa.Table
    crowded: pa.Table
    findings: list[Finding]
    model: Model | None
    stale: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def clusters(self) -> pa.Table:
        """record_key and cluster of each record."""
        return self.records.select(["record_key", "cluster"])


def link(
    records: pa.Table,
    kind: Kind = "person",
    settings: Settings | None = None,
    decisions: Iterable[Decision] = (),
    model: Model | None = None,
    for_state: bool = False,
) -> Work:
    """Work out which records are the same customer, from nothing but the records.

    Parameters
    ----------
    records : table with one row per record
        `record_key` (unique) and any of the columns of `workspace.TEXTS` and `workspace.LISTS`, normalised.
    kind, settings
        What the records are of, and how they are linked; the shipped settings by default.
    decisions
        What people decided about pairs of them.
    model
        A model trained before; None: one is trained on these records, where they are enough.
    for_state
        Whether the outcome has to hold what a later night goes on from: the hashes of keys and blocks.
    """
    settings = settings or load()
    linkage = settings.of(kind)
    judged = judge(decisions)
    with connect() as connection:
        forget_crowded(connection)
        load_records(connection, records)
        make_held_keys(connection, linkage.keys)
        lay_out(connection, linkage, judged, is_whole=True)
        model = prepare(connection, settings, linkage, model, is_whole=True)
        compare(connection, settings, linkage, model)
        if not for_state:
            run(connection, "drop table blocks")
        work = settle(connection, settings, linkage, model, judged, for_state)
        work.findings[:0] = crowded_findings(connection)
        return work


def lay_out(connection: duckdb.DuckDBPyConnection, linkage: Linkage, judged: Judged, is_whole: bool) -> None:
    """Make the tables of units and their pooled values from `records` and `held_keys`.

    `is_whole`: these are all records there are, so that what is crowded can be seen from them; otherwise the table
    `crowded` must hold it.
    """
    if is_whole:
        note_crowded_keys(connection, linkage)
    make_key_links(connection, linkage.keys)
    count = int(columns(connection, "select count(*) as n from records")["n"][0])
    same, apart = (_numbers(connection, pairs) for pairs in (judged.same, judged.apart))
    load_units(connection, *form_units(connection, count, same, apart))
    pool_values(connection)
    make_value_counts(connection, linkage)
    if is_whole:
        note_crowded_values(connection, linkage)


def prepare(
    connection: duckdb.DuckDBPyConnection, settings: Settings, linkage: Linkage, model: Model | None, is_whole: bool
) -> Model | None:
    """Make profiles and blocks; train on them where there is no model yet and these are all records."""
    make_profiles(connection, linkage)
    make_blocks(connection, linkage)
    if is_whole:
        note_crowded_blocks(connection, linkage.blocks, settings.block_cap)
    if model is None and is_whole:
        model = train_and_calibrate(connection, settings, linkage)
    elif model is not None:
        add_frequencies(connection, model, linkage)
    if model is not None:
        add_rare_blocks(connection, linkage, model.count_units)
        if is_whole:
            note_crowded_blocks(connection, linkage.rare_blocks, settings.block_cap)
    return model


def compare(
    connection: duckdb.DuckDBPyConnection, settings: Settings, linkage: Linkage, model: Model | None, only: str = ""
) -> None:
    """Compare the units that share a block, and make the table `unit_links` of what is worth a look.

    `only` names a table of units; pairs without one of them are left out.
    """
    make_pairs(connection, pairs_query(only=only))
    if model is not None:
        score(connection, model, linkage, settings.review_weight, "scored")
    _make_unit_links(connection, linkage, has_model=model is not None, only=only)


def settle(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    linkage: Linkage,
    model: Model | None,
    judged: Judged,
    for_state: bool,
) -> Work:
    """Cluster the units by the table `unit_links`."""
    rows = columns(connection, "select unit, min(family) as family from members group by unit order by unit")
    units, families = rows["unit"], rows["family"]
    same, apart = (_unit_pairs(connection, pairs) for pairs in (judged.same, judged.apart))
    grouping = group(connection, settings, linkage, model, units, families, same, apart)
    found = {"unit": grouping.units, "cluster": grouping.cluster, "component": grouping.component}
    connection.register("_clusters", pa.table(found))
    run(connection, "create or replace table clusters as select * from _clusters")
    connection.unregister("_clusters")
    _make_record_links(connection, judged)
    make_state(connection, is_empty=not for_state)
    run(connection, "drop table profiles")
    crowded = table(connection, f"select {SIGNED} as block, name, holders as count_records from crowded order by block")
    findings = suspicions(connection, grouping)
    counts = counts_of(connection)
    return Work(table(connection, RECORDS), table(connection, LINKS), crowded, findings, model, counts=counts)


def _make_unit_links(connection: duckdb.DuckDBPyConnection, linkage: Linkage, has_model: bool, only: str = "") -> None:
    """Make the table `unit_links` (a, b, rule, weight, is_certain, evidence) of the links between units.

    Rules are tried on the table `pairs`, the first one that holds names the link.
    `only` names a table of units; links without one of them are left out.
    """
    side = f"where a in (select unit from {only}) or b in (select unit from {only})" if only else ""
    certain = "cast({} as double) as weight, true as is_certain, cast(null as varchar) as evidence"
    key_links = f"""
        select distinct least(l.unit, r.unit) as a, greatest(l.unit, r.unit) as b, rule, {certain.format(NAMED)}
        from key_links inner join members as l on key_links.a = l.n inner join members as r on key_links.b = r.n
        where not is_own and l.unit <> r.unit
    """
    tests = " ".join(f"when {rule} then '{name}'" for name, rule in linkage.rules.items())
    rules = f"""
        select a, b, rule, {certain.format(CERTAIN)}
        from (
            select l.unit as a, r.unit as b, case {tests} end as rule
            from pairs
            inner join profiles as l on pairs.join_key_l = l.unit
            inner join profiles as r on pairs.join_key_r = r.unit
        )
        where rule is not null
    """
    scored = ["select unit_l as a, unit_r as b, 'model' as rule, weight, false as is_certain, evidence from scored"]
    parts = [key_links, *([rules] if tests else []), *(scored if has_model else [])]
    run(connection, f"create or replace table unit_links as select * from ({' union all '.join(parts)}) {side}")
    run(connection, "drop table if exists scored")


def _make_record_links(connection: duckdb.DuckDBPyConnection, judged: Judged) -> None:
    """Make the table `record_links`: own keys between records, the others between the first records of their units."""
    connection.register("_decided", judged.table())
    run(
        connection,
        f"""
        create or replace table record_links as
        select a, b, rule, cast({OWN} as double) as weight, cast(null as varchar) as evidence
        from key_links where is_own
        union all
        select a, b, rule, weight, evidence from unit_links
        union all
        select l.n, r.n, 'decision', cast(case when is_same then 100 else -100 end as double), null
        from _decided
        inner join records as l on left_key = l.record_key
        inner join records as r on right_key = r.record_key
        """,
    )
    connection.unregister("_decided")


def _numbers(connection: duckdb.DuckDBPyConnection, pairs: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
    """The numbers of these pairs of records, where both exist."""
    keys = sorted({key for pair in pairs for key in pair})
    rows = connection.execute(
        "select record_key, n from records where record_key in (select unnest(?))", [keys]
    ).fetchall()
    number = dict(rows)
    return [(number[a], number[b]) for a, b in pairs if a in number and b in number]


def _unit_pairs(connection: duckdb.DuckDBPyConnection, pairs: Iterable[tuple[str, str]]) -> list[tuple[int, int]]:
    numbers = _numbers(connection, pairs)
    wanted = sorted({n for pair in numbers for n in pair})
    unit = dict(connection.execute("select n, unit from members where n in (select unnest(?))", [wanted]).fetchall())
    return [(unit[a], unit[b]) for a, b in numbers]


def crowded_findings(connection: duckdb.DuckDBPyConnection) -> list[Finding]:
    """One finding per key or value that too many share; its subject tells which by a hash, never by the value."""
    query = "select name, block, holders from crowded where name not like 'block %' order by all"
    rows = connection.execute(query).fetchall()
    return [Finding("shared value", f"{name} {block:016x}", count, CROWDED) for name, block, count in rows]


def suspicions(connection: duckdb.DuckDBPyConnection, grouping: Grouping) -> list[Finding]:
    """One finding per cluster that is kept apart."""
    wanted = [unit for unit, _, _ in grouping.suspicious]
    key = dict(
        connection.execute("select n, record_key from records where n in (select unnest(?))", [wanted]).fetchall()
    )
    return [
        Finding("suspicious cluster", key[unit], count, f"{why}: kept apart")
        for unit, count, why in grouping.suspicious
    ]


def counts_of(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How much was there and how much was compared."""
    query = """
        select
            (select count(*) from records) as records,
            (select count(distinct unit) from members) as units,
            (select count(*) from record_links) as links,
            (select count(distinct cluster) from clusters) as customers
    """
    return {name: int(values[0]) for name, values in columns(connection, query).items()}
