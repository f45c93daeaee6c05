"""One ingest task per configured source, each with its own retries, time-out, pool and asset."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.exceptions import AirflowNotFoundException
from airflow.sdk import Asset, BaseHook

from kehu.airflow.connections import to_credentials
from kehu.airflow.stages import stage
from kehu.sources.config import Source, Sources, load
from kehu.sources.contract import Credentials, SourceError
from kehu.warehouse.roles import Role
from kehu.warehouse.runs import Counts, Night


def configured() -> Sources:
    """The sources' file in force; small and read at each parse, since it decides which tasks there are."""
    return load()


def asset(source: Source) -> Asset:
    """What a source's ingest brings up to date."""
    return Asset(name=source.schema_name, uri=f"kehu://warehouse/{source.schema_name}")


def ingest_stage(source: Source) -> Any:
    """The stage that lands what is new in one source."""

    def work(url: str, night: Night) -> Counts:
        from kehu.sources.kinds import declare, ingest

        declare(url, source)
        return ingest(url, source, _credentials(source), night)

    return stage(
        f"ingest_{source.name}",
        f"Lands what is new in the source `{source.name}` (kind {source.kind}) in `{source.schema_name}`. If it fails,"
        " the message names the entity, the file or page, the row where there is one, and the reason."
        + (" The night needs this source." if source.required else " The night goes on without it."),
        role=Role.LOADER,
        retries=source.retries,
        retry_delay=timedelta(seconds=source.retry_seconds),
        retry_exponential_backoff=2.0,
        execution_timeout=timedelta(minutes=source.time_out_minutes),
        pool=source.pool,
        outlets=[asset(source)],
    )(work)


def _credentials(source: Source) -> Credentials | None:
    if source.connection is None:
        return None
    try:
        return to_credentials(BaseHook.get_connection(source.connection))
    except AirflowNotFoundException:
        reason = f"there is no Airflow connection {source.connection}: make it, see docs/connections.md"
        raise SourceError(source.name, "connection", reason) from None
