"""From a configured source to its rows in the warehouse: which module reads which kind, entity by entity."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kehu.sources.config import Source, describe
from kehu.sources.contract import Credentials, RecordReader, SourceError, SourceUnavailable
from kehu.sources.records import Policy, ingest_records
from kehu.warehouse.entities import record_run, register
from kehu.warehouse.quota import DailyCalls
from kehu.warehouse.runs import Counts, Night
from kehu.warehouse.tokens import WarehouseTokens

log = logging.getLogger(__name__)
Settings = TypeVar("Settings", bound=BaseModel)


def ingest(url: str, source: Source, credentials: Credentials | None, night: Night) -> Counts:
    """Bring every entity of a source up to date; return rows read and rows landed.

    An entity that fails does not keep the others from landing.

    Raises
    ------
    SourceError, SourceUnavailable
        After the last entity, if any failed: the first one's message. `SourceUnavailable` if another try may mend one.
    """
    entities, load, close = _opened(url, source, credentials)
    rows_in = rows_out = 0
    errors: list[SourceError] = []
    try:
        for entity in entities:
            try:
                counts = load(entity, night)
            except SourceError as error:
                log.error("%s", error)
                errors.append(error)
                record_run(url, night.run_id, source.name, entity, error=str(error))
                continue
            record_run(url, night.run_id, source.name, entity, counts)
            rows_in, rows_out = rows_in + (counts.rows_in or 0), rows_out + (counts.rows_out or 0)
            log.info("%s: %s: %s rows read, %s landed", source.name, entity, counts.rows_in, counts.rows_out)
    finally:
        close()
    if errors:
        raise next((error for error in errors if isinstance(error, SourceUnavailable)), errors[0])
    return Counts(rows_in, rows_out)


def declare(url: str, source: Source) -> None:
    """Tell the warehouse which entities the source has, so that they are missed also where nothing answers."""
    ages = {name: _max_age(source, name) for name in _entities(source, settings_of(source))}
    register(url, source.name, source.kind, ages, source.required)


def check(source: Source) -> None:
    """Check what the sources' file says of one source, without a connection.

    Raises
    ------
    SourceError
        If its settings are not understood.
    """
    settings_of(source)


def settings_of(source: Source) -> Any:
    """The settings that belong to the source's kind."""
    if source.kind == "files":
        return files_settings(source)
    if source.kind == "database":
        from kehu.sources.database import DatabaseSettings

        return _settings(source, DatabaseSettings)
    if source.kind == "rest":
        from kehu.sources.rest import RestSettings

        return _settings(source, RestSettings)
    if source.kind == "zoho_crm":
        from kehu.sources.zoho import ZohoSettings

        return _settings(source, ZohoSettings)
    from kehu.sources.fxiaoke import FxiaokeSettings

    return _settings(source, FxiaokeSettings)


def files_settings(source: Source) -> Any:
    """A file source's settings, its folder made absolute against the sources' file."""
    from kehu.sources.files_settings import FilesSettings

    settings = _settings(source, FilesSettings)
    if "://" in settings.location:
        return settings
    return settings.model_copy(update={"location": str((source.folder / settings.location).resolve())})


def _entities(source: Source, settings: Any) -> list[str]:
    named = {"zoho_crm": "modules", "fxiaoke": "objects"}
    return list(getattr(settings, named.get(source.kind, "entities")))


def _max_age(source: Source, entity: str) -> int | None:
    """The entity's own limit where it has one (also none at all), else the source's."""
    entities = source.settings.get("entities")
    own = entities.get(entity) if isinstance(entities, dict) else None
    return own["max_age_days"] if isinstance(own, dict) and "max_age_days" in own else source.max_age_days


Opened = tuple[Iterable[str], Callable[[str, Night], Counts], Callable[[], None]]


def _opened(url: str, source: Source, credentials: Credentials | None) -> Opened:
    settings = settings_of(source)
    if source.kind == "files":
        from kehu.sources.files import FilesSource

        files = FilesSource(source.name, settings, credentials)
        return _entities(source, settings), lambda entity, night: files.ingest(url, entity, night), lambda: None
    reader = _reader(url, source, settings, credentials or Credentials())
    policy = Policy(reconcile_days=settings.reconcile_days)

    def load(entity: str, night: Night) -> Counts:
        return ingest_records(url, source.name, entity, reader, night, policy)

    return _entities(source, settings), load, reader.close


def _reader(url: str, source: Source, settings: Any, credentials: Credentials) -> RecordReader:
    """The reader of a source of records."""
    if source.kind == "database":
        from kehu.sources.database import DatabaseReader

        return DatabaseReader(source.name, credentials, settings)
    from kehu.sources.http import Patience

    patience = Patience(attempts=settings.attempts)
    if source.kind == "rest":
        from kehu.sources.rest import RestReader

        return RestReader(source.name, credentials, settings, patience=patience)
    if source.kind == "zoho_crm":
        from kehu.sources.zoho import ZohoReader

        return ZohoReader(source.name, credentials, settings, WarehouseTokens(url), patience=patience)
    from kehu.sources.fxiaoke import FxiaokeReader

    budget = DailyCalls(url, source.name)
    return FxiaokeReader(source.name, credentials, settings, WarehouseTokens(url), budget, patience=patience)


def _settings(source: Source, model: type[Settings]) -> Settings:
    try:
        return model.model_validate(source.settings)
    except ValidationError as error:
        raise SourceError(source.name, "sources.yml", describe(error)) from None
