"""How personal columns are shown: masked to readers of `marts`, in clear text to members of `pii_reader` in `pii`.

What a column holds is said once, as `meta: {personal: <kind>}` of the dbt column. A mask keeps the column's name and
type, so that contracts, comments and prepared statements stay.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import Connection, sql

# Names in these scripts are written without blanks, and their first letter is the family's name.
_HAN = "[\\u3040-\\u9fff\\uac00-\\ud7af\\U00020000-\\U0003ffff]"
_NAME = (
    f"case when {{column}} ~ '{_HAN}' then left(btrim({{column}}), 1) || '…'"
    " else regexp_replace({column}, '(\\S)\\S*', '\\1.', 'g') end"
)
_NOTHING = "cast(null as {type})"
# What each kind of personal text becomes. None: shown, because without it nothing joins, and it leads to a person only
# through tables that readers of `marts` cannot read.
MASKS: Mapping[str, str | None] = {
    "mail": "left({column}, 1) || '***@…'",
    "phone": "'***' || right({column}, 2)",
    "name": _NAME,
    "handle": "left({column}, 1) || '***'",
    "birth_date": "cast(date_trunc('year', {column}) as date)",
    "address": _NOTHING,
    "free_text": _NOTHING,
    "content": _NOTHING,
    "identifier": None,
    "sealed": _NOTHING,
}
DATED = ("birth_date",)
# Other bytes in each installation, because people's keys are drawn at random.
SEALED = "sealed"
PII_READER = "pii_reader"
# Who else reads which marts in clear text.
CLEAR_READERS: Mapping[str, tuple[str, ...]] = {"dim_customers": ("contact_exporter",)}
# A column stays masked as long as a kept run calls it personal: after a roll-back readers see that run's rows.
PERSONAL = """
select distinct on (column_name) column_name, kind from ops.mart_personal
where mart = %s order by column_name asc, run_id desc
"""


class UnknownKindError(ValueError):
    """A column is declared personal in a word that says nothing of how to mask it."""


def masked_columns(connection: Connection, mart: str) -> dict[str, str]:
    """The columns of a mart that readers see masked, and what each holds.

    Raises
    ------
    UnknownKindError
        If a column is declared in an unknown word.
    """
    kinds: dict[str, str] = dict(connection.execute(PERSONAL, [mart]).fetchall())
    for column, kind in kinds.items():
        if kind not in MASKS:
            raise UnknownKindError(f"{mart}.{column}: personal: {kind} is none of {', '.join(MASKS)}")
    return {column: kind for column, kind in kinds.items() if MASKS[kind] is not None}


def masked(column: str, kind: str | None, column_type: str) -> sql.Composable:
    """A column as readers of `marts` select it."""
    name = sql.Identifier(column)
    if kind is None:
        return name
    return sql.SQL("{} as {}").format(mask(column, kind, column_type), name)


def mask(column: str, kind: str, column_type: str) -> sql.Composable:
    """What is shown in place of a personal column; a type that its mask does not know shows nothing."""
    shown = MASKS[kind] or ""
    if column_type != ("date" if kind in DATED else "text"):
        shown = _NOTHING
    return sql.SQL(shown).format(column=sql.Identifier(column), type=sql.SQL(column_type))


def clear_readers(mart: str) -> tuple[str, ...]:
    """The roles that read the mart in `pii`."""
    return (PII_READER, *CLEAR_READERS.get(mart, ()))


def clear_text(connection: Connection, mart: str) -> sql.Identifier:
    """The view that shows a mart in clear text: the one in `pii` where it has personal columns."""
    row = connection.execute("select to_regclass(format('pii.%%I', %s::text)) is not null", [mart]).fetchone()
    return sql.Identifier("pii" if row == (True,) else "marts", mart)
