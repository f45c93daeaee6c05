"""Files from a folder or an object store (any fsspec URL): found, verified, and landed once each.

A pattern with `{date}` names files by the day they tell of; without it, a file is known by its name. Loading is
append-only and idempotent: content is known by its SHA-256. A file sent again with other content is a new version,
also where that content was there before; staging reads the newest one.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import fsspec
import psycopg
import pyarrow as pa

from kehu.sources import formats
from kehu.sources.contract import Credentials, SourceError, SourceUnavailable
from kehu.sources.files_landing import Landed, land, landed_versions
from kehu.sources.files_settings import FileEntity, FilesSettings
from kehu.warehouse.landing import lock_entity
from kehu.warehouse.runs import Counts, Night

MAX_BYTES = 1 << 30  # one file unpacked; more is a mistake or a zip bomb
BATCH_ROWS = 100_000  # rows landed in one transaction, rounded up to whole files
READERS = 2
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
AHEAD_BYTES = 4 << 20  # packed size of the files that wait, read, to be landed


@dataclass(frozen=True)
class File:
    """One file of an entity, and the day it tells of if its name says so."""

    path: str
    size: int
    day: date | None
    stamp: str | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def identity(self) -> str:
        """What stays the same from version to version: the day, else the name without its packing."""
        return self.day.isoformat() if self.day else self.name.removesuffix(".gz")


@dataclass(frozen=True)
class Parsed:
    """One file's rows as they came; with `has_unread`, those without any value are lines that could not be read."""

    file: File
    sha256: str
    rows: pa.Table
    has_unread: bool = False


class FilesSource:
    """The files of one source."""

    def __init__(self, name: str, settings: FilesSettings, credentials: Credentials | None = None) -> None:
        self.name, self.settings = name, settings
        try:
            self.fs, self.root = fsspec.core.url_to_fs(settings.location, **settings.storage_options(credentials))
        except (ValueError, TypeError, ImportError) as error:
            reason = f"no store that an installed driver opens with these options ({type(error).__name__})"
            raise SourceError(name, "location", reason) from None

    def ingest(self, url: str, entity: str, night: Night) -> Counts:
        """Land the entity's files up to the night that are not landed yet; return rows read and rows landed.

        Files land in batches, each in one transaction with its ledger entries, so a failure leaves whole files only.

        Raises
        ------
        SourceError
            If a day's file is missing, or a file is empty, truncated, unreadable, breaks its contract of columns, or
            repeats the content of another day. Nothing of that file is landed.
        SourceUnavailable
            If the store does not answer.
        """
        settings = self.settings.entities[entity]
        files = [file for file in self.files(entity) if file.day is None or file.day <= night.as_of_date]
        counts = Counts(0, 0)
        with psycopg.connect(url) as connection:
            lock_entity(connection, self.name, entity)
            landed = landed_versions(connection, self.name, entity)
            if settings.every_day:
                self._require_every_day(settings, files, landed, night.as_of_date)
            connection.commit()
            for batch in self._batches(entity, files, landed):
                rows = land(connection, self.name, entity, settings, batch, night)
                counts = Counts((counts.rows_in or 0) + rows, (counts.rows_out or 0) + rows)
        return counts

    def files(self, entity: str) -> list[File]:
        """The entity's files, by day and name."""
        pattern = self.settings.entities[entity].regex
        found = []
        for info in self._list():
            match = pattern.fullmatch(info["name"].rsplit("/", 1)[-1])
            # A link is no file: it might lead to any.
            if match and info["type"] == "file":
                found.append(File(info["name"], info.get("size") or 0, self._day(match), _stamp(info)))
        if not found:
            raise SourceError(
                self.name, entity, f"no file named {self.settings.entities[entity].pattern}[.gz] is there"
            )
        by_identity: dict[str, File] = {}
        for file in sorted(found, key=lambda file: (file.identity, file.name)):
            if file.identity in by_identity:
                twin = by_identity[file.identity].name
                what = "day" if file.day else "rows"
                raise SourceError(self.name, file.name, f"{twin} tells of the same {what}; keep one of them")
            by_identity[file.identity] = file
        return list(by_identity.values())

    def _list(self) -> list[dict[str, Any]]:
        try:
            self.fs.invalidate_cache()
            listed: list[dict[str, Any]] = self.fs.ls(self.root, detail=True)
        except FileNotFoundError:
            raise SourceError(self.name, "location", "the folder does not exist") from None
        except PermissionError:
            raise SourceError(self.name, "location", "no right to list the folder") from None
        except Exception as error:
            raise SourceUnavailable(
                self.name, "location", f"the store does not answer ({type(error).__name__})"
            ) from None
        return listed

    def _day(self, match: re.Match[str]) -> date | None:
        text = match.groupdict().get("date")
        if text is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise SourceError(self.name, match[0], f"{text} is not a date") from None

    def _require_every_day(self, settings: FileEntity, files: list[File], landed: Landed, last: date) -> None:
        """Refuse days that neither lie in the folder nor have landed before."""
        # What landed before the pattern had a date is known by its name, and tells of no day.
        known = {file.identity for file in files} | {one for one in landed if DAY.fullmatch(one)}
        day = min((date.fromisoformat(one) for one in known), default=last)
        while day <= last:
            if day.isoformat() not in known:
                missing = settings.pattern.replace("{date}", day.isoformat())
                raise SourceError(self.name, missing, "the file is missing")
            day += timedelta(days=1)

    def _batches(self, entity: str, files: list[File], landed: Landed) -> Iterator[list[Parsed]]:
        batch: list[Parsed] = []
        count_rows = 0
        for parsed in self._new_files(entity, files, landed):
            batch.append(parsed)
            count_rows += parsed.rows.num_rows
            if count_rows >= BATCH_ROWS:
                yield batch
                batch, count_rows = [], 0
        if batch:
            yield batch

    def _new_files(self, entity: str, files: list[File], landed: Landed) -> Iterator[Parsed]:
        """What is new by content, in order; refuse a file that only repeats another day's rows.

        Only where each day has a file is that a sign of trouble: a change that is told twice may be a file of its own.
        """
        is_daily = self.settings.entities[entity].every_day
        twins = {version.sha256: identity for identity, version in landed.items() if version.rows}
        changed = [file for file in files if not _is_untouched(file, landed)]
        for parsed in self._read_ahead(entity, changed, landed):
            if parsed is None:
                continue
            twin = twins.get(parsed.sha256)
            if is_daily and twin is not None and twin != parsed.file.identity:
                raise SourceError(self.name, parsed.file.name, f"a duplicate: the same content as the file of {twin}")
            # The version before this one is no longer what the file says: its rows may come as another day's.
            if parsed.file.identity in landed:
                twins.pop(landed[parsed.file.identity].sha256, None)
            if parsed.rows.num_rows:
                twins[parsed.sha256] = parsed.file.identity
            yield parsed

    def _read_ahead(self, entity: str, files: list[File], landed: Landed) -> Iterator[Parsed | None]:
        """Read files in threads while the caller writes earlier ones; bounded by the size of what waits."""
        with ThreadPoolExecutor(READERS) as pool:
            waiting: deque[tuple[Future[Parsed | None], int]] = deque()
            for file in files:
                while waiting and sum(size for _, size in waiting) + file.size > AHEAD_BYTES:
                    yield waiting.popleft()[0].result()
                waiting.append((pool.submit(self._read, entity, file, landed), file.size))
            while waiting:
                yield waiting.popleft()[0].result()

    def _read(self, entity: str, file: File, landed: Landed) -> Parsed | None:
        """Unpack, hash and parse one file; None if its newest landed version has the same content."""
        content = self._unpack(file)
        sha256 = hashlib.sha256(content).hexdigest()
        if file.identity in landed and landed[file.identity].sha256 == sha256:
            return None
        try:
            return Parsed(file, sha256, *parse(self.settings.entities[entity], content))
        except formats.FormatError as error:
            raise SourceError(self.name, file.name, error.reason, error.row) from None

    def _unpack(self, file: File) -> bytes:
        content = b""
        try:
            with self.fs.open(file.path, "rb") as stream:
                if file.name.endswith(".gz"):
                    with gzip.open(stream) as unpacked:
                        content = unpacked.read(MAX_BYTES + 1)
                else:
                    content = stream.read(MAX_BYTES + 1)
        except EOFError:
            raise SourceError(
                self.name, file.name, "the file is truncated: its compressed data end too early"
            ) from None
        except (gzip.BadGzipFile, zlib.error):
            raise SourceError(self.name, file.name, "the file is not valid gzip") from None
        except PermissionError:
            raise SourceError(self.name, file.name, "no right to read the file") from None
        except Exception as error:
            # A store's own message may quote the address that was asked for.
            why = type(error).__name__
            raise SourceUnavailable(self.name, file.name, f"the file cannot be read ({why})") from None
        if len(content) > MAX_BYTES:
            raise SourceError(self.name, file.name, f"more than {MAX_BYTES} bytes unpacked")
        return content


def _stamp(info: dict[str, Any]) -> str | None:
    """What a listing tells of a file that changes with its content; None if it tells nothing of the kind."""
    told = info.get("ETag") or info.get("mtime") or info.get("LastModified") or info.get("updated")
    return f"{info.get('size')} {told}" if told else None


def _is_untouched(file: File, landed: Landed) -> bool:
    """Whether the file lies there as it did when it landed: a night opens what is new, not all there ever was."""
    return file.identity in landed and file.stamp is not None and landed[file.identity].stamp == file.stamp


def parse(entity: FileEntity, content: bytes) -> tuple[pa.Table, bool]:
    """The rows of one file's unpacked bytes, by the entity's format, and whether some of them could not be read."""
    if entity.format == "jsonl":
        rows = formats.read_json_lines(content, entity.keys, entity.changed_at, entity.deleted, entity.encoding)
        return rows, False
    rows, has_unread = (
        (formats.read_parquet(content), False) if entity.format == "parquet" else _read_csv(entity, content)
    )
    if entity.columns:
        require_columns(entity, tuple(rows.column_names))
    return rows, has_unread


def _read_csv(entity: FileEntity, content: bytes) -> tuple[pa.Table, bool]:
    how = (entity.encoding, entity.separator, entity.quote)
    try:
        return formats.read_csv(content, *how), False
    except formats.BrokenRows:
        mended = formats.read_broken_csv(content, *how)
        if mended is None:
            raise
        return mended, True


def require_columns(entity: FileEntity, header: tuple[str, ...]) -> None:
    """Hold a file's columns against the entity's contract: none may be missing, in whatever order they come.

    A column may be added where the contract lets it land. A header that belongs to other rows is found by what the
    rows hold, as it is where the order stays.
    """
    columns = entity.columns
    missing, added = set(columns) - set(header), len(set(header) - set(columns))
    # Unknown names are counted, not quoted: a file without its header would show a customer's row here.
    if missing or (added and entity.on_added_columns == "refuse"):
        named = [f"missing {', '.join(sorted(missing))}"] if missing else []
        named += [f"{added} unknown"] if added else []
        raise formats.FormatError(f"the header changed: {'; '.join(named)}", 0)
