"""What may be said of a source of files."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kehu.sources.contract import Credentials
from kehu.warehouse.landing import require_tables


class FileEntity(BaseModel):
    """One kind of file and what its rows look like."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["csv", "jsonl", "parquet"]
    pattern: str = Field(description="file name; {date} stands for the day the file tells of, * for anything")
    max_age_days: int | None = Field(None, ge=0, description="in place of the source's; null: any age")
    every_day: bool = Field(False, description="whether a day without a file is an error")
    columns: tuple[str, ...] = Field((), description="contract for CSV and Parquet; empty: whatever the files have")
    on_added_columns: Literal["land", "refuse"] = "land"
    key: str | tuple[str, ...] = Field((), description="JSON Lines: the field(s) that identify a record")
    changed_at: str | None = Field(None, description="JSON Lines: ISO 8601 or milliseconds since the epoch")
    deleted: str | None = Field(None, description="JSON Lines: a field that is true on records that tell of a deletion")
    encoding: str = "utf-8"
    separator: str = Field(",", min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            # Python also calls hex and gzip encodings; only those of text decode.
            b" ".decode(encoding, "ignore")
        except LookupError:
            raise ValueError("no such encoding of text") from None
        return encoding

    @field_validator("separator", "quote")
    @classmethod
    def _one_byte(cls, mark: str) -> str:
        if not mark.isascii() or mark in "\r\n\0":
            raise ValueError("it must be one ASCII character, and no line end")
        return mark

    @field_validator("pattern")
    @classmethod
    def _file_name(cls, pattern: str) -> str:
        if "/" in pattern or pattern.count("{date}") > 1:
            raise ValueError("a pattern is a file's name, without a folder and with {date} at most once")
        return pattern

    @model_validator(mode="after")
    def _parts_fit(self) -> FileEntity:
        if self.every_day and "{date}" not in self.pattern:
            raise ValueError("every_day needs {date} in the pattern")
        if self.separator == self.quote:
            raise ValueError("separator and quote are the same")
        if "" in self.keys:
            raise ValueError("a key without a name")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def regex(self) -> re.Pattern[str]:
        """The pattern as a regular expression over file names; each may be packed as `.gz`."""
        escaped = re.escape(self.pattern).replace(r"\{date\}", r"(?P<date>\d{4}-\d{2}-\d{2})").replace(r"\*", r"[^/]*")
        return re.compile(escaped + r"(\.gz)?")


class FilesSettings(BaseModel):
    """Where the files lie, and which kinds there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    location: str = Field(description="folder (relative to sources.yml) or any fsspec URL, such as s3://bucket/prefix")
    options: dict[str, Any] = Field({}, description="fsspec's storage options; secrets belong in the connection")
    entities: dict[str, FileEntity] = Field(min_length=1)

    @field_validator("entities")
    @classmethod
    def _a_table_each(cls, entities: dict[str, FileEntity]) -> dict[str, FileEntity]:
        require_tables(entities)
        return entities

    def storage_options(self, credentials: Credentials | None) -> dict[str, Any]:
        """The options with what an Airflow connection adds: for S3, its login and password are key and secret."""
        options = dict(self.options)
        if credentials is None:
            return options
        options |= dict(credentials.extra)
        if self.location.startswith(("s3://", "s3a://")):
            named = {"key": credentials.login, "secret": credentials.password}
        else:
            named = {"username": credentials.login, "password": credentials.password, "host": credentials.host}
        return options | {name: value for name, value in named.items() if value}
