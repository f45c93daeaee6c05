"""Descriptions for those who read the marts: the comments dbt puts on a run's tables, on readers' views too.

A comment belongs to the view, not to the run, so the views are given those of the run that is shown.
"""

from __future__ import annotations

from psycopg import Connection, sql

from kehu.warehouse.runs import Night

DIFFERENCES = """
with relations as (
    select oid, relname as mart, relnamespace::regnamespace::text as schema_name
    from pg_class
    where relnamespace in (to_regnamespace('marts'), to_regnamespace('pii'), to_regnamespace(%(schema)s))
),

described as (
    select relations.*, attname as column_name, col_description(oid, attnum) as description
    from relations
    inner join pg_attribute on relations.oid = attrelid and attnum > 0 and not attisdropped
    union all
    select relations.*, null, obj_description(oid, 'pg_class')
    from relations
),

shown as (select * from described where schema_name in ('marts', 'pii')),

built as (select * from described where schema_name = %(schema)s)

select shown.schema_name, built.mart, built.column_name, built.description
from built
inner join shown on built.mart = shown.mart and built.column_name is not distinct from shown.column_name
where built.description is distinct from shown.description
order by shown.schema_name, built.mart, built.column_name
"""


def describe_views(connection: Connection, night: Night) -> int:
    """Give the views of `marts` and `pii` the comments of a run's tables, where they differ; return how many did."""
    rows = connection.execute(DIFFERENCES, {"schema": night.schema}).fetchall()
    with connection.transaction():
        for schema, mart, column, description in rows:
            kind = sql.SQL("view" if column is None else "column")
            name = sql.Identifier(schema, *filter(None, (mart, column)))
            connection.execute(sql.SQL("comment on {} {} is {}").format(kind, name, sql.Literal(description)))
    return len(rows)
