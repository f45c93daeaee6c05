"""Tables of another database, by any SQLAlchemy URL: incremental by a cursor column, deletions by comparing keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from math import ceil
from typing import Any
from uuid import UUID

import simplejson
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import exc

from kehu.sources.contract import Credentials, Outcome, Page, SourceError, SourceUnavailable, State, Version
from kehu.warehouse.landing import parts_of, record_id, require_tables

PAGE_ROWS = 5_000
UTC = timezone.utc
# What a connection's type is called here, and its SQLAlchemy dialect and driver.
DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
# Dialects whose JSON columns are read by a function of ours; by Python's own, decimals would become floats.
READ_JSON = ("postgresql", "mysql", "mariadb", "sqlite")
# How servers say that they know the login or the database and do not let it in: another try changes nothing.
REFUSED = re.compile(
    r"authentication failed|does not exist|no pg_hba\.conf entry|not permitted to log in|permission denied"
    r"|access denied|unknown database|login failed|no password supplied",
    re.IGNORECASE,
)
# How a value that was made a text by `_text` becomes the column's value again.
VALUES: dict[type, Callable[[str], Any]] = {
    int: int,
    str: str,
    Decimal: Decimal,
    float: float,
    UUID: UUID,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    bytes: bytes.fromhex,
}
CURSORS: dict[str, Callable[[str], Any]] = {
    kind.__name__: VALUES[kind] for kind in (datetime, date, int, float, Decimal)
}


class TableEntity(BaseModel):
    """One table or view and how to follow it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(description="table or view, with its schema if it is not the default one")
    key: str | tuple[str, ...] = Field(description="column(s) that identify a row")
    cursor: str | None = Field(
        None, description="column that grows with each change: a time or a number; none: read all"
    )
    lag_minutes: float = Field(60, ge=0, description="how far behind the newest cursor a time cursor reads again")
    lag: int = Field(0, ge=0, description="the same for a number cursor")

    @field_validator("key")
    @classmethod
    def _has_names(cls, key: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not key or "" in (key if isinstance(key, tuple) else (key,)):
            raise ValueError("it names no column")
        return key

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key


class DatabaseSettings(BaseModel):
    """What may be said of a source that is a database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: dict[str, TableEntity] = Field(min_length=1)
    reconcile_days: int = Field(1, ge=0, description="days between comparisons of all keys, which find deletions")

    @field_validator("entities")
    @classmethod
    def _a_table_each(cls, entities: dict[str, TableEntity]) -> dict[str, TableEntity]:
        require_tables(entities)
        return entities


class DatabaseReader:
    """Reads tables; see `RecordReader` for the contract."""

    def __init__(self, source: str, credentials: Credentials, settings: DatabaseSettings) -> None:
        if not credentials.uri:
            raise SourceError(source, "connection", "it names no database")
        self.source, self.settings = source, settings
        try:
            url = _url(credentials.uri)
            exact = {"json_deserializer": partial(simplejson.loads, use_decimal=True)}
            options = exact if url.get_backend_name() in READ_JSON else {}
            self.engine = sa.create_engine(url, pool_pre_ping=True, **options)
        except (exc.ArgumentError, ValueError, ImportError):
            raise SourceError(source, "connection", "no database URL that an installed driver understands") from None

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        """Rows whose cursor is not older than the last one seen less the lag; without a cursor, all rows."""
        cursor = self.settings.entities[entity].cursor
        # What another column had reached says nothing about this one.
        known = state.get("cursor") if state and state.get("column") == cursor else None
        last = _from_state(known) if known else None
        # A time in the future, by mistake, would hide all changes until then.
        now = datetime.now(UTC)
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            for page in self._pages(connection, self._changed(entity, table, last)):
                for row in page:
                    last = self._later(entity, last, row[cursor], now) if cursor else None
                yield [self._version(entity, row) for row in page]
        return Outcome({"column": cursor, "cursor": _to_state(last)} if cursor else {}, is_complete=cursor is None)

    def _changed(self, entity: str, table: sa.Table, last: Any) -> sa.Select[Any]:
        """The rows to read after `last`, the newest ones at the end."""
        settings = self.settings.entities[entity]
        keys = [table.c[name] for name in settings.keys]
        if settings.cursor is None:
            return sa.select(table).order_by(*keys)
        column = table.c[settings.cursor]
        statement = sa.select(table).order_by(column, *keys)
        if last is None:
            return statement
        return statement.where(sa.or_(column >= self._start(settings, last), column.is_(None)))

    def _later(self, entity: str, last: Any, value: Any, now: datetime) -> Any:
        """The later of two cursors, but none after `now`."""
        if value is None:
            return last
        if type(value).__name__ not in CURSORS:
            raise SourceError(self.source, entity, "the cursor column holds neither times nor numbers")
        if isinstance(value, datetime):
            value = min(value, now if value.tzinfo else now.replace(tzinfo=None))
        elif isinstance(value, date):
            value = min(value, now.date())
        return value if last is None or _comparable(value) > _comparable(last) else last

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        """The ids of all rows."""
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            columns = [table.c[name] for name in self.settings.entities[entity].keys]
            for page in self._pages(connection, sa.select(*columns)):
                yield [self._record_id(entity, row) for row in page]

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        """The rows with these ids."""
        wanted = set(record_ids)
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            for page in self._pages(connection, self._with_ids(entity, table, record_ids)):
                yield [one for one in (self._version(entity, row) for row in page) if one.record_id in wanted]

    def _with_ids(self, entity: str, table: sa.Table, record_ids: Sequence[str]) -> sa.Select[Any]:
        """The rows with these ids, found by their index; all rows where a key is of a type that has no way back."""
        columns = [table.c[name] for name in self.settings.entities[entity].keys]
        try:
            types = [VALUES[column.type.python_type] for column in columns]
            wanted = [
                [value(part) for value, part in zip(types, parts_of(one, len(columns)), strict=True)]
                for one in record_ids
            ]
        except (KeyError, NotImplementedError, ValueError, ArithmeticError):
            return sa.select(table)
        if len(columns) == 1:
            return sa.select(table).where(columns[0].in_([value for (value,) in wanted]))
        same = [sa.and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in wanted]
        return sa.select(table).where(sa.or_(*same))

    def count(self, entity: str) -> int | None:
        """Rows in the table."""
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _connected(self, entity: str) -> Iterator[sa.Connection]:
        # The drivers' messages quote values and URLs: only what kind of error it was goes on.
        try:
            with self.engine.connect() as connection:
                yield connection
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            if REFUSED.search(str(getattr(error, "orig", None))):
                raise SourceError(self.source, entity, "the database refuses the login, or is none") from None
            raise SourceUnavailable(self.source, entity, f"the database does not answer ({_kind(error)})") from None
        except exc.NoSuchTableError:
            raise SourceError(self.source, entity, "there is no such table, or no right to see it") from None
        except exc.SQLAlchemyError as error:
            raise SourceError(self.source, entity, f"the database refused the query ({_kind(error)})") from None

    def _table(self, connection: sa.Connection, entity: str) -> sa.Table:
        settings = self.settings.entities[entity]
        schema, _, name = settings.table.rpartition(".")
        table = sa.Table(name, sa.MetaData(), schema=schema or None, autoload_with=connection)
        for column in (*settings.keys, settings.cursor):
            if column is not None and column not in table.c:
                raise SourceError(self.source, entity, f"the table has no column {column}")
        return table

    def _pages(self, connection: sa.Connection, statement: sa.Select[Any]) -> Iterator[list[dict[str, Any]]]:
        streamed = connection.execution_options(stream_results=True, yield_per=PAGE_ROWS).execute(statement)
        for rows in streamed.mappings().partitions():
            yield [dict(row) for row in rows]

    def _start(self, settings: TableEntity, last: Any) -> Any:
        try:
            if isinstance(last, datetime):
                return last - timedelta(minutes=settings.lag_minutes)
            if isinstance(last, date):
                return last - timedelta(days=ceil(settings.lag_minutes / (24 * 60)))
        except OverflowError:
            return last.replace(year=1, month=1, day=1)
        return last - settings.lag

    def _version(self, entity: str, row: dict[str, Any]) -> Version:
        cursor = self.settings.entities[entity].cursor
        at = row[cursor] if cursor else None
        # Without `encoding=None`, bytes would be taken for UTF-8.
        record = simplejson.dumps(
            _finite(row), use_decimal=True, ignore_nan=True, ensure_ascii=False, encoding=None, default=_text
        )
        return Version(self._record_id(entity, row), record, _utc(at) if isinstance(at, datetime) else None)

    def _record_id(self, entity: str, row: dict[str, Any]) -> str:
        parts = [row[name] for name in self.settings.entities[entity].keys]
        if any(part is None for part in parts):
            raise SourceError(self.source, entity, "a row without its key")
        return record_id([_text(part) for part in parts])


def _url(uri: str) -> sa.URL:
    url = sa.make_url(uri)
    return url.set(drivername=DRIVERS[url.drivername]) if url.drivername in DRIVERS else url


def _kind(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return f"{type(original or error).__name__}{f' {code}' if code else ''}"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _comparable(value: Any) -> Any:
    return _utc(value) if isinstance(value, datetime) else value


def _to_state(value: Any) -> dict[str, str] | None:
    return None if value is None else {type(value).__name__: _text(value)}


def _from_state(state: dict[str, str]) -> Any:
    ((kind, text),) = state.items()
    return CURSORS[kind](text)


def _text(value: Any) -> str:
    """A value as text that is the same whatever the session's time zone is."""
    if isinstance(value, datetime):
        # A wall-clock time stays one.
        return (_utc(value) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """The value without decimals that are no numbers: JSON has none, and they become null as floats do."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value
