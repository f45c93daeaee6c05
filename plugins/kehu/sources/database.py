"""Tables of another database, by any SQLAlchemy URL: incremental by a cursor column, deletions by comparing keys."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import simplejson
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import exc

from kehu.sources.contract import Credentials, Outcome, Page, SourceError, SourceUnavailable, State, Version

PAGE_ROWS = 5_000
UTC = timezone.utc
# What a connection's type is called here, and its SQLAlchemy dialect and driver.
DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}


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

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key


class DatabaseSettings(BaseModel):
    """What may be said of a source that is a database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entities: dict[str, TableEntity] = Field(min_length=1)
    reconcile_days: int = Field(1, ge=0, description="days between comparisons of all keys, which find deletions")


class DatabaseReader:
    """Reads tables; see `RecordReader` for the contract."""

    def __init__(self, source: str, credentials: Credentials, settings: DatabaseSettings) -> None:
        if not credentials.uri:
            raise SourceError(source, "connection", "it names no database")
        self.source, self.settings = source, settings
        try:
            self.engine = sa.create_engine(_url(credentials.uri), pool_pre_ping=True)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError):
            raise SourceError(source, "connection", "no database URL that an installed driver understands") from None

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        """Rows whose cursor is not older than the last one seen less the lag; without a cursor, all rows."""
        settings = self.settings.entities[entity]
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            statement = sa.select(table).order_by(*(table.c[name] for name in settings.keys))
            last = None
            if settings.cursor:
                column = table.c[settings.cursor]
                statement = sa.select(table).order_by(column, *(table.c[name] for name in settings.keys))
                if state and state.get("cursor") is not None:
                    last = _from_state(state["cursor"])
                    statement = statement.where(sa.or_(column >= self._start(settings, last), column.is_(None)))
            for page in self._pages(connection, statement, entity):
                if settings.cursor:
                    values = [row[settings.cursor] for row in page if row[settings.cursor] is not None]
                    last = max([*values, *([last] if last is not None else [])], key=_comparable, default=None)
                yield [self._version(entity, row) for row in page]
        return Outcome({"cursor": _to_state(last)} if settings.cursor else {}, is_complete=settings.cursor is None)

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        """The ids of all rows."""
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            columns = [table.c[name] for name in self.settings.entities[entity].keys]
            for page in self._pages(connection, sa.select(*columns), entity):
                yield [self._record_id(entity, row) for row in page]

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        """The rows with these ids."""
        wanted = set(record_ids)
        keys = self.settings.entities[entity].keys
        with self._connected(entity) as connection:
            table = self._table(connection, entity)
            statement = sa.select(table)
            if len(keys) == 1:
                statement = statement.where(sa.cast(table.c[keys[0]], sa.String).in_(record_ids))
            for page in self._pages(connection, statement, entity):
                yield [one for one in (self._version(entity, row) for row in page) if one.record_id in wanted]

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

    def _pages(
        self, connection: sa.Connection, statement: sa.Select[Any], entity: str
    ) -> Iterator[list[dict[str, Any]]]:
        streamed = connection.execution_options(stream_results=True, yield_per=PAGE_ROWS).execute(statement)
        for rows in streamed.mappings().partitions():
            yield [dict(row) for row in rows]

    def _start(self, settings: TableEntity, last: Any) -> Any:
        if isinstance(last, datetime | date):
            return last - timedelta(minutes=settings.lag_minutes)
        return last - settings.lag

    def _version(self, entity: str, row: dict[str, Any]) -> Version:
        cursor = self.settings.entities[entity].cursor
        at = row[cursor] if cursor else None
        record = simplejson.dumps(row, use_decimal=True, ignore_nan=True, ensure_ascii=False, default=_plain)
        return Version(self._record_id(entity, row), record, _utc(at) if isinstance(at, datetime) else None)

    def _record_id(self, entity: str, row: dict[str, Any]) -> str:
        parts = [row[name] for name in self.settings.entities[entity].keys]
        if any(part is None for part in parts):
            raise SourceError(self.source, entity, "a row without its key")
        return "|".join(map(str, parts))


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


def _to_state(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return {type(value).__name__: value.isoformat()}
    return {"number": str(value)} if value is not None else None


def _from_state(value: dict[str, str]) -> Any:
    ((kind, text),) = value.items()
    return {"datetime": datetime.fromisoformat, "date": date.fromisoformat, "number": Decimal}[kind](text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)
