"""Tables of periods: what each night knew, from the night it was known so until the night it was not.

A table of the schema `history` has a primary key that ends in `valid_from`, values, and `valid_to`. Nights may be kept
in any order and again; the table is always the same function of what each night told last: equal rows of nights that
follow each other are one period, and what a night told holds until the next night that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg import Connection, sql

KEY = """
select attribute.attname
from pg_index as index
inner join pg_attribute as attribute
    on index.indrelid = attribute.attrelid and attribute.attnum = any(index.indkey)
where index.indrelid = to_regclass(%s) and index.indisprimary and attribute.attname <> 'valid_from'
order by array_position(cast(index.indkey as smallint[]), attribute.attnum)
"""
VALUES = """
select attname from pg_attribute
where
    attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
    and attname not in ('valid_from', 'valid_to') and attname <> all(%s)
order by attnum
"""
# What tonight tells otherwise than the table, and the periods beside the night that say the same as tonight.
MOVED = """
create temporary table moved on commit drop as
with old as (
    select * from {table}
    where valid_from <= {day} and (valid_to is null or valid_to > {day})
)
select {either_key}, {new_values}, new.{first} is not null as is_told, old.valid_from as old_from,
    before.valid_from as before_from, after.valid_from as after_from, after.valid_to as after_to
from old
full join {tonight} as new on {same_old}
left join {table} as before on before.valid_to = {day} and {equal_before}
left join {table} as after on after.valid_from = {later} and {equal_after}
where old.{first} is null or new.{first} is null or ({old_values}) is distinct from ({new_values})
"""
# What was known before of the later nights stays known of them.
KEEP_LATER = """
insert into {table} ({columns}, valid_from, valid_to)
select {target_columns}, {later}, target.valid_to
from {table} as target
inner join pg_temp.moved on {same_key}
where
    target.valid_from = moved.old_from
    and {later} is not null and (target.valid_to is null or target.valid_to > {later})
"""
FORGET = """
delete from {table} as target using pg_temp.moved
where
    {same_key}
    and (
        (target.valid_from = moved.old_from and moved.old_from = {day})
        or (target.valid_from = moved.before_from and moved.is_told)
        or (target.valid_from = moved.after_from and moved.is_told)
    )
"""
END = """
update {table} as target set valid_to = {day} from pg_temp.moved
where {same_key} and target.valid_from = moved.old_from and moved.old_from < {day}
"""
BEGIN = """
insert into {table} ({columns}, valid_from, valid_to)
select {moved_columns}, coalesce(before_from, {day}), case when after_from is null then {later} else after_to end
from pg_temp.moved
where is_told
"""


@dataclass(frozen=True)
class _Shape:
    """A table of periods: the columns that tell its subjects apart, and those that tell of them."""

    key: list[str]
    values: list[str]

    @classmethod
    def of(cls, connection: Connection, table: str) -> _Shape:
        name = f"history.{table}"
        key = [column for (column,) in connection.execute(KEY, [name]).fetchall()]
        if not key:
            raise LookupError(f"there is no table {name} with a primary key")
        return cls(key, [column for (column,) in connection.execute(VALUES, [name, key]).fetchall()])


def keep(connection: Connection, table: str, tonight: sql.Composable, day: date) -> int:
    """Bring a table of periods up to a night, in the caller's transaction; return how many subjects changed.

    Parameters
    ----------
    connection
        The transaction.
    table
        Name of a table of the schema `history`.
    tonight
        A relation with all columns of the table but the period's, one row per key: all that is known on the night.
    day
        The night. Nights that are kept already, earlier and later ones, keep what they tell.
    """
    shape = _Shape.of(connection, table)
    row = connection.execute(
        "select min(as_of_date) from history.nights where table_name = %s and as_of_date > %s", [table, day]
    ).fetchone()
    parts = _parts(shape, table, tonight, day, row[0] if row else None)
    connection.execute("drop table if exists pg_temp.moved")
    connection.execute(sql.SQL(MOVED).format(**parts))
    (count,) = connection.execute("select count(*) from pg_temp.moved").fetchone() or (0,)
    if count:
        for statement in (KEEP_LATER, FORGET, END, BEGIN):
            connection.execute(sql.SQL(statement).format(**parts))
        connection.execute(sql.SQL("analyze {table}").format(**parts))
    connection.execute("insert into history.nights values (%s, %s) on conflict do nothing", [table, day])
    return int(count)


def _parts(
    shape: _Shape, table: str, tonight: sql.Composable, day: date, later: date | None
) -> dict[str, sql.Composable]:
    """The pieces of the statements above."""
    columns = [*shape.key, *shape.values]
    either = "coalesce(old.{0}, new.{0}) as {0}"
    return {
        "table": sql.Identifier("history", table),
        "tonight": tonight,
        "day": sql.SQL("cast({} as date)").format(sql.Literal(day.isoformat())),
        "later": sql.SQL("cast({} as date)").format(sql.Literal(later and later.isoformat())),
        "first": sql.Identifier(shape.key[0]),
        "columns": _each("{}", columns),
        "target_columns": _each("target.{}", columns),
        "moved_columns": _each("moved.{}", columns),
        "either_key": _each(either, shape.key),
        "old_values": _each("old.{}", shape.values),
        "new_values": _each("new.{}", shape.values),
        "same_old": _each("old.{0} = new.{0}", shape.key, " and "),
        "same_key": _each("target.{0} = moved.{0}", shape.key, " and "),
        "equal_before": _equal("before", shape),
        "equal_after": _equal("after", shape),
    }


def _each(piece: str, columns: list[str], between: str = ", ") -> sql.Composable:
    """A piece of SQL for each column."""
    return sql.SQL(between).join(sql.SQL(piece).format(sql.Identifier(column)) for column in columns)


def _equal(period: str, shape: _Shape) -> sql.Composable:
    """That a period says of the same subject what tonight says."""
    key = _each(f"{period}.{{0}} = new.{{0}}", shape.key, " and ")
    return sql.SQL("{} and {}").format(
        key, _each(f"{period}.{{0}} is not distinct from new.{{0}}", shape.values, " and ")
    )
