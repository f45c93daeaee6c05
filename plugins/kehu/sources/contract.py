"""What every source is to the rest of Kehu: the words they share, and what a reader of records has to offer."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class SourceError(RuntimeError):
    """A source's data or settings cannot be trusted: another try changes nothing.

    The message is one line that names the source, the place (a file, an entity, a page), the row where there is one,
    and the reason. It never quotes a value, a query string or a header.
    """

    def __init__(self, source: str, place: str, reason: str, row: int | None = None) -> None:
        where = f"{place}, row {row}" if row is not None else place
        super().__init__(f"{source}: {where}: {reason}")


class SourceUnavailable(SourceError):
    """A source did not answer as it should; a later try may succeed, and nothing of this one was kept."""

    can_pass = True


@dataclass(frozen=True)
class Credentials:
    """What an Airflow connection tells of a system; its values never show in a repr."""

    host: str | None = None
    port: int | None = None
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    uri: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one record, as the source tells it.

    `record` is the record as JSON text (for a deletion: what the source tells of the deletion, or None);
    `changed_at` is when the source says that this version came to be.
    """

    record_id: str
    record: str | None
    changed_at: datetime | None = None
    is_deleted: bool = False


Page = Sequence[Version]
State = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a reading ends with: where the next one goes on, and whether this one told of every living record."""

    state: State
    is_complete: bool = False


class RecordReader(Protocol):
    """A source whose entities are keyed records: read what changed, list keys, fetch by key, count.

    All methods raise `SourceUnavailable` for what may pass and `SourceError` for what will not.
    """

    def read(self, entity: str, state: State | None) -> Generator[Page, None, Outcome]:
        """Yield pages of what changed since `state` (None: everything); return the state to go on from."""
        ...

    def keys(self, entity: str) -> Iterator[Sequence[str]]:
        """Yield the ids of all living records, in pages."""
        ...

    def fetch(self, entity: str, record_ids: Sequence[str]) -> Iterator[Page]:
        """Yield the present versions of these records; ids that no longer exist are left out."""
        ...

    def count(self, entity: str) -> int | None:
        """How many living records the source says it has; None where it cannot tell."""
        ...

    def close(self) -> None:
        """Give back connections."""
        ...
