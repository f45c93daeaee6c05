"""The configured sources: one YAML file says which systems the night reads, and how each is scheduled.

What only one kind of source needs (its entities, its paging) is checked by that kind's own settings, inside the task:
this module is read whenever Airflow parses the DAG and stays light.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kehu.paths import PROJECT
from kehu.yaml_files import Loader, RepeatedKey

Kind = Literal["files", "database", "rest", "zoho_crm", "fxiaoke"]
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ConfigError(ValueError):
    """The sources' file cannot be used; the message names the file, the place in it and the reason."""


class Source(BaseModel):
    """One source as the scheduler sees it; further keys belong to its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: Kind
    connection: str | None = Field(None, description="Airflow connection with the source's address and secrets")
    required: bool = Field(False, description="whether a night without this source must not be published")
    max_age_days: int | None = Field(
        0, ge=0, description="days its newest rows may lie behind the night; null: any age"
    )
    retries: int = Field(2, ge=0)
    retry_seconds: float = Field(
        60, ge=0, allow_inf_nan=False, description="delay before the first retry; doubled for each further one"
    )
    time_out_minutes: float = Field(120, gt=0, allow_inf_nan=False)
    parallel: int = Field(1, ge=1, description="slots of the source's own pool")
    name: str = ""
    folder: Path = PROJECT

    @property
    def schema_name(self) -> str:
        """The schema its rows land in."""
        return f"raw_{self.name}"

    @property
    def pool(self) -> str:
        """Its Airflow pool."""
        return f"source_{self.name}"

    @property
    def settings(self) -> dict[str, Any]:
        """What only this kind of source reads."""
        return dict(self.model_extra or {})


class Sources(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, Source]
    last_night: date | None = Field(None, description="where the data end; leave it out for living systems")

    @field_validator("sources")
    @classmethod
    def _names(cls, sources: dict[str, Source]) -> dict[str, Source]:
        for name in sources:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no source name: up to 40 lower case letters, digits and _, a letter first"
                )
        return sources

    def __iter__(self) -> Any:
        return iter(self.sources.values())

    def pools(self) -> dict[str, dict[str, Any]]:
        """The sources' pools, as `airflow pools import` reads them."""
        return {
            source.pool: {
                "slots": source.parallel,
                "description": f"ingest of {source.name}",
                "include_deferred": False,
            }
            for source in self
        }

    def __getitem__(self, name: str) -> Source:
        return self.sources[name]


def sources_file() -> Path:
    """The file in force: `KEHU_SOURCES`, else `sources.yml` in the project."""
    return Path(os.environ.get("KEHU_SOURCES") or PROJECT / "sources.yml").resolve()


def load(path: Path | None = None) -> Sources:
    """Read and check the sources' file.

    Raises
    ------
    ConfigError
        If it is missing, not YAML, or says something that is not understood.
    """
    path = path or sources_file()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a safe loader
    except OSError as error:
        raise ConfigError(f"{path.name}: the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}: the file is not UTF-8") from None
    except ValueError:
        raise ConfigError(f"{path.name}: a date or a number in it is none") from None
    except RepeatedKey as error:
        raise ConfigError(f"{path.name}: a name is there twice, line {error.line}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"{path.name}: not YAML{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path.name}: it must begin with `sources:`")
    try:
        checked = Sources.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {describe(error)}") from None
    named = {n: s.model_copy(update={"name": n, "folder": path.parent}) for n, s in checked.sources.items()}
    return checked.model_copy(update={"sources": named})


def describe(error: ValidationError) -> str:
    """The first complaint of a validation in one line: where, and what (never the value)."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'settings'}: {first['msg']}"
