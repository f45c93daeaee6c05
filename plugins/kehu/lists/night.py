"""Who is on which list on a night: the registry's rules asked of what dbt built, within consent, caps and budgets.

A night is a function of what it knows (records, scores, and what was handed out before it), never of what another night
decided: nights may be kept in any order and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import psycopg
from psycopg import Connection, sql

from kehu.lists import questions
from kehu.lists.registry import PLACE, TEXTS, ActionList, Budget, ListError, Registry
from kehu.warehouse.dbt import without_values
from kehu.warehouse.history import keep
from kehu.warehouse.runs import Night

TABLES = ("lists", "list_candidates")
SCHEMA = "intermediate"
PEOPLE, CONSENTS, LEDGER, KEYS, HANDED_OUT, OUTCOMES = (
    sql.Identifier(SCHEMA, f"lst_{name}")
    for name in ("customers", "consents", "contacts", "keys", "handed_out", "outcomes")
)
# Which model's version stands behind a score that a list asks.
SCORES = {
    "customer_value": "value",
    "probability_alive": "value",
    "churn_probability": "churn",
    "segment": "segment",
}
UNKNOWN = {"en": "unknown", "zh": "未知"}
COLUMNS = "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped"
OTHER_HASHES = "select 1 from history.lists where list_id = %s and version = %s and rule_hash <> %s"
Parts = Mapping[str, sql.Composable]


def keep_lists(connection: Connection, night: Night, registry: Registry) -> int:
    """Bring the history of lists and of who is on them up to a night, in the caller's transaction; return the changes.

    Raises
    ------
    ListError
        If a rule changed without a new version, cannot be asked, or asks a model that was not built.
    """
    for one in registry:
        if connection.execute(OTHER_HASHES, [one.id, one.version, one.rule_hash]).fetchone():
            raise ListError(
                f"list {one.id}: version: the rule is not the one that version {one.version} had before;"
                " raise the version, or take the rule back"
            )
    _prepare(connection, registry, night.as_of_date)
    for one in registry:
        _tell(connection, one)
        if one.status == "active":
            _fill(connection, one, night.as_of_date)
    connection.execute(questions.SILENT)
    return sum(keep(connection, table, _tonight(table), night.as_of_date) for table in TABLES)


def quarantined_outcomes(connection: Connection) -> int:
    """Outcomes that cannot count tonight (`rpt_list_quarantine` says why)."""
    query = sql.SQL("select count(*) from {} where exclusion_reason is not null").format(OUTCOMES)
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _tonight(table: str) -> sql.Identifier:
    """Tonight's rows of a table of the history."""
    return sql.Identifier("pg_temp", f"tonight_{table}")


def _prepare(connection: Connection, registry: Registry, day: date) -> None:
    """Empty tables for tonight, and the pressure of the contacts that are made or planned already."""
    for table in TABLES:
        like = {"tonight": _tonight(table), "kept": sql.Identifier("history", table)}
        connection.execute(sql.SQL("create temporary table {tonight} (like {kept}) on commit drop").format(**like))
        connection.execute(sql.SQL("alter table {tonight} drop valid_from, drop valid_to").format(**like))
    connection.execute(
        "alter table pg_temp.tonight_list_candidates add is_holdout boolean, add is_handed_out boolean,"
        " add primary key (list_id, customer_id, occasion)"
    )
    connection.execute("create temporary table caps (channel text, contacts integer, days integer) on commit drop")
    for channel, cap in registry.caps.items():
        connection.execute("insert into pg_temp.caps values (%s, %s, %s)", [channel, cap.contacts, cap.days])
    connection.execute(
        "create temporary table pressure (customer_id text, channel text, used bigint not null,"
        " primary key (customer_id, channel)) on commit drop"
    )
    _ask(connection, questions.PRESSURE, {"ledger": LEDGER, "day": sql.Literal(day)})
    connection.execute("analyze pg_temp.pressure")


def _tell(connection: Connection, one: ActionList) -> None:
    """Tonight's row of the registry's history."""
    budget = one.budget
    told = one.model_dump(include={
        "version", "name_en", "name_zh", "readers", "owner", "priority", "purpose", "consent", "is_capped", "model",
        "rule", "gain", "cost", "status",
    }) | {
        "list_id": one.id,
        "channels": list(one.channels),
        "rule_hash": one.rule_hash,
        "budget_amount": budget and budget.amount,
        "budget_per": budget and budget.per,
    }  # fmt: skip
    statement = sql.SQL("insert into pg_temp.tonight_lists ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, told)), sql.SQL(", ").join(map(sql.Placeholder, told))
    )
    connection.execute(statement, told)


def _fill(connection: Connection, one: ActionList, day: date) -> None:
    """Tonight's rows of a list: candidates, then what stands against each of them."""
    parts = _parts(connection, one, day)
    try:
        with connection.transaction():
            # A prepared statement is one statement, whatever the rule says.
            connection.execute(sql.SQL(questions.CANDIDATES).format(**parts), prepare=True)
    except psycopg.Error as error:
        # A value that does not fit its type may be a customer's.
        raise ListError(f"list {one.id}: {without_values(str(error).splitlines()[0])}") from None
    connection.execute("analyze pg_temp.tonight_list_candidates")
    _ask(connection, questions.DONE, parts)
    _ask(connection, questions.WAYS, parts)
    if one.is_capped:
        _ask(connection, questions.SHARED, parts)
    if one.budget:
        places = _places(connection, one.budget, one.cost, parts)
        _ask(connection, questions.BUDGET, {**parts, "places": sql.Literal(places)})
    _ask(connection, questions.DECIDED, parts)
    _ask(connection, questions.PLANNED, parts)


def _places(connection: Connection, budget: Budget, cost: Decimal, parts: Parts) -> int:
    """How many more contacts the budget pays for."""
    spent = Decimal(0)
    if budget.per == "month":
        row = connection.execute(sql.SQL(questions.SPENT).format(**parts)).fetchone()
        spent = row[0] if row else spent
    return max(0, int((budget.amount - spent) // cost))


def _ask(connection: Connection, statement: str, parts: Parts) -> None:
    connection.execute(sql.SQL(statement).format(**parts))  # type: ignore[arg-type]


def _parts(connection: Connection, one: ActionList, day: date) -> dict[str, sql.Composable]:
    """The pieces of the statements in `questions`."""
    relation = sql.Identifier(SCHEMA, one.model)
    columns = [name for (name,) in connection.execute(COLUMNS, [relation.as_string(connection)]).fetchall()]
    _require_columns(one, columns)
    until = sql.SQL("cast({} as date)").format(sql.Identifier(one.until)) if one.until else None
    days = sql.SQL("cast({} as date) + {}").format(sql.Identifier(one.since), sql.Literal(one.valid_days))
    named = [name for name in one.columns if name in columns and name != "as_of_date"]
    is_opt_in = one.consent == "opt_in"
    return {
        "id": sql.Literal(one.id),
        "version": sql.Literal(one.version),
        "priority": sql.Literal(one.priority),
        "cost": sql.SQL("cast({} as numeric(12, 2))").format(sql.Literal(str(one.cost))),
        "occasion": sql.Identifier(one.occasion),
        "since": sql.Identifier(one.since),
        "until": until or days,
        "gain": sql.SQL(one.gain),  # type: ignore[arg-type]
        "rule": sql.SQL(one.rule),  # type: ignore[arg-type]
        "texts": sql.SQL(", ").join(_text(getattr(one, field), field) for field in TEXTS),
        "features": _features(named),
        "model_version": _model_version(named, columns),
        "relation": relation,
        "day": sql.SQL("cast({} as date)").format(sql.Literal(day.isoformat())),
        "is_free_of_budget": sql.Literal(one.budget is None),
        "is_capped": sql.Literal(one.is_capped),
        "channels": sql.Literal(list(one.channels)),
        "is_allowed": _is_allowed(one.purpose, is_opt_in),
        "is_allowed_unasked": sql.Literal(not is_opt_in),
        "people": PEOPLE,
        "consents": CONSENTS,
        "keys": KEYS,
        "handed_out": HANDED_OUT,
        "outcomes": OUTCOMES,
    }


def _require_columns(one: ActionList, columns: list[str]) -> None:
    if not columns:
        raise ListError(f"list {one.id}: model: {one.model} is no table that the night has built by now")
    placed = {field: PLACE.findall(getattr(one, field)) for field in TEXTS}
    days = {field: [name] for field in ("occasion", "since", "until") if (name := getattr(one, field))}
    for field, names in ({"model": ["customer_id"]} | days | placed).items():
        if missing := [name for name in names if name not in columns]:
            raise ListError(f"list {one.id}: {field}: no column {missing[0]}")


def _text(template: str, field: str) -> sql.Composable:
    """A text with the row's values in their places."""
    unknown = sql.Literal(UNKNOWN[field[-2:]])
    pieces = [
        sql.SQL("coalesce(cast({} as text), {})").format(sql.Identifier(piece), unknown)
        if number % 2
        else sql.Literal(piece)
        for number, piece in enumerate(PLACE.split(template))
    ]
    return sql.SQL("concat({}) as {}").format(sql.SQL(", ").join(pieces), sql.Identifier(field))


def _features(named: list[str]) -> sql.Composable:
    """The values that the list asked, as JSON text; jsonb puts them into one order."""
    pairs = sql.SQL(", ").join(sql.SQL("{}, {}").format(sql.Literal(name), sql.Identifier(name)) for name in named)
    return sql.SQL("cast(jsonb_build_object({}) as text)").format(pairs)


def _model_version(named: list[str], columns: list[str]) -> sql.Composable:
    """The versions of the models whose scores the list asked; null where it asked none."""
    models = sorted({SCORES[name] for name in named if name in SCORES and f"{SCORES[name]}_model_version" in columns})
    told = (
        sql.SQL("{} || {}").format(sql.Literal(f"{model} "), sql.Identifier(f"{model}_model_version"))
        for model in models
    )
    return sql.SQL("nullif(concat_ws(', ', {}), '')").format(sql.SQL(", ").join([*told, sql.SQL("null")]))


def _is_allowed(purpose: str, is_opt_in: bool) -> sql.Composable:
    """Whether a way may be used, by the row of `lst_consents`. A withdrawal for no known purpose goes for all."""
    word = sql.Literal(purpose)
    withdrawn = sql.SQL("known.withdrawn_purposes && array[{}, 'unknown']").format(word)
    if is_opt_in:
        return sql.SQL("({} = any(known.given_purposes) and not ({}))").format(word, withdrawn)
    return sql.SQL("(not ({}))").format(withdrawn)
