"""Who has which tag on a night: the registry's rules asked of what dbt built, and kept as periods."""

from __future__ import annotations

from datetime import date

import psycopg
from psycopg import Connection, sql

from kehu.rules import words
from kehu.tags.registry import TRAITS, Registry, Tag, TagError
from kehu.warehouse.dbt import without_values
from kehu.warehouse.history import keep
from kehu.warehouse.runs import Night

TABLES = ("tags", "customer_tags")
COLUMNS = "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
OTHER_HASHES = "select distinct version from history.tags where tag_id = %s and version = %s and rule_hash <> %s"
# Of several rows of a customer the one that lasts longest counts.
ASSIGN = """
insert into pg_temp.tonight_customer_tags (customer_id, tag_id, version, reason, expires_on)
select distinct on (customer_id) customer_id, {id}, {version}, reason, expires_on
from (
    select customer_id, {reason} as reason, {expires_on} as expires_on
    from {relation}
    where (
        {rule}
    )
) as fulfilled
where customer_id is not null and ({is_lasting} or expires_on > {day})
order by customer_id, expires_on desc, reason collate "C"
"""


def keep_tags(connection: Connection, night: Night, registry: Registry) -> int:
    """Bring the history of tags and of who has them up to a night, in the caller's transaction; return the changes.

    Raises
    ------
    TagError
        If a rule changed without a new version, cannot be asked, or asks a model that was not built.
    """
    for tag in registry:
        _require_version(connection, tag)
    for table in TABLES:
        like = {"tonight": _tonight(table), "kept": sql.Identifier("history", table)}
        connection.execute(sql.SQL("create temporary table {tonight} (like {kept}) on commit drop").format(**like))
        # The columns of the period are not tonight's to tell.
        connection.execute(sql.SQL("alter table {tonight} drop valid_from, drop valid_to").format(**like))
    for tag in registry:
        _tell(connection, tag, night.as_of_date)
        if tag.status_on(night.as_of_date) == "active":
            _assign(connection, tag, night)
    return sum(keep(connection, table, _tonight(table), night.as_of_date) for table in TABLES)


def _tonight(table: str) -> sql.Identifier:
    """Tonight's rows of a table of the history."""
    return sql.Identifier("pg_temp", f"tonight_{table}")


def _require_version(connection: Connection, tag: Tag) -> None:
    if connection.execute(OTHER_HASHES, [tag.id, tag.version, tag.rule_hash]).fetchone():
        raise TagError(
            f"tag {tag.id}: version: the rule is not the one that version {tag.version} had before;"
            " raise the version, or take the rule back"
        )


def _tell(connection: Connection, tag: Tag, day: date) -> None:
    """Tonight's row of the registry's history."""
    told = tag.model_dump(exclude={"id"}) | {
        "tag_id": tag.id,
        "status": tag.status_on(day),
        "rule_hash": tag.rule_hash,
        "replaces": list(tag.replaces),
    }
    statement = sql.SQL("insert into pg_temp.tonight_tags ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, told)), sql.SQL(", ").join(map(sql.Placeholder, told))
    )
    connection.execute(statement, told)


def _assign(connection: Connection, tag: Tag, night: Night) -> None:
    """Tonight's customers of a tag."""
    statement = _question(connection, tag, night)
    try:
        with connection.transaction():
            # A prepared statement is one statement, whatever the rule says.
            connection.execute(statement, prepare=True)
    except psycopg.Error as error:
        # A value that does not fit its type may be a customer's.
        line = without_values(str(error).splitlines()[0])
        raise TagError(f"tag {tag.id}: {'rule' if tag.rule else 'model'}: {line}") from None


def _question(connection: Connection, tag: Tag, night: Night) -> sql.Composed:
    relation = _relation(connection, tag, night)
    columns = [name for (name,) in connection.execute(COLUMNS, [relation.as_string(connection)]).fetchall()]
    needed = ["customer_id", *(["reason"] if tag.model else []), *([tag.since] if tag.since else [])]
    if missing := [name for name in needed if name not in columns]:
        raise TagError(f"tag {tag.id}: {'since' if missing[0] == tag.since else 'model'}: no column {missing[0]}")
    last = sql.SQL("cast({} as date) + {}").format(sql.Identifier(tag.since), tag.valid_days) if tag.since else None
    return sql.SQL(ASSIGN).format(
        id=sql.Literal(tag.id),
        version=sql.Literal(tag.version),
        reason=sql.Identifier("reason") if tag.model else _reason(tag, columns),
        expires_on=last or sql.SQL("cast(null as date)"),
        relation=relation,
        rule=sql.SQL(tag.rule or "true"),  # type: ignore[arg-type]
        is_lasting=sql.Literal(last is None),
        day=sql.Literal(night.as_of_date),
    )


def _relation(connection: Connection, tag: Tag, night: Night) -> sql.Identifier:
    """Where dbt built the tag's model."""
    model = tag.model or TRAITS
    for schema in (night.schema, "ml_features", "intermediate"):
        relation = sql.Identifier(schema, model)
        if connection.execute("select to_regclass(%s)", [relation.as_string(connection)]).fetchone() != (None,):
            return relation
    raise TagError(f"tag {tag.id}: model: {model} is no table that the night has built by now")


def _reason(tag: Tag, columns: list[str]) -> sql.Composable:
    """The traits that the rule names, with the customer's values; the rule itself where it names none."""
    rule = tag.rule or ""
    named = [word for word in dict.fromkeys([*words(rule), tag.since]) if word in columns and word != "as_of_date"]
    if not named:
        return sql.Literal(" ".join(rule.split()))
    values = (
        sql.SQL("{} || coalesce(cast({} as text), 'unknown')").format(sql.Literal(f"{name} = "), sql.Identifier(name))
        for name in named
    )
    return sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(values))
