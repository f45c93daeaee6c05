"""The settings of the linkage: data in `settings.yml`, checked when read."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from math import log2
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Kind = Literal["person", "company"]
METHOD = 3  # of our own part of the work: a higher number has all records linked anew
SHIPPED = Path(__file__).with_name("settings.yml")


class SettingsError(ValueError):
    """A file of settings cannot be used; the message names the file and the setting."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Keys(_Part):
    """Certain rules: records that share a key of these types."""

    own: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    told: dict[str, str] = {}
    cap: int = Field(20_000, gt=1)

    @property
    def uniting(self) -> tuple[str, ...]:
        """The types whose keys make one unit of records."""
        return (*self.own, *self.told)

    @property
    def all(self) -> tuple[str, ...]:
        """All types of keys."""
        return (*self.uniting, *self.linked)


class Value(_Part):
    """A column of values that several records may hold; above `cap` holders a value says nothing."""

    cap: int = Field(gt=1)


class RareBlock(_Part):
    """A value with a frequency: it brings two records together where fewer than `strangers` others are to hold it."""

    value: str
    only: str = "true"
    strangers: float = Field(gt=0)


class Level(_Part):
    """One outcome of a comparison, SQL over the two records' columns (`…_l`, `…_r`)."""

    label: str
    sql: str
    frequency: str | None = None  # the more common the value of this column, the weaker the evidence
    holds: str | None = None  # a comparison that this outcome tells of too: without experience it does not count again
    exact: str | None = None  # agreement on this column's values: how often strangers share one is counted, not sampled


class Comparison(_Part):
    """What two records have in common in one respect, levels from the best to the worst."""

    needs: str
    levels: tuple[Level, ...] = Field(min_length=1)


class Linkage(_Part):
    """How records of one kind are linked."""

    link_probability: float = Field(gt=0.5, lt=1)
    keys: Keys = Keys()
    cluster_cap: int = Field(40, gt=1)
    values: dict[str, Value] = {}
    frequency: dict[str, tuple[str, ...]] = {}
    blocks: dict[str, str] = {}
    rare_blocks: dict[str, RareBlock] = {}
    comparisons: dict[str, Comparison] = {}
    contradiction: str = "false"
    telling: tuple[str, ...] = ()
    mute: str = "false"
    contact_blocks: tuple[str, ...] = ()
    rules: dict[str, str] = {}
    prior_blocks: tuple[str, ...] = ()
    training_blocks: tuple[str, ...] = ()
    fallback_blocks: tuple[str, ...] = ()

    @property
    def link_weight(self) -> float:
        """The weight (log2 odds) from which two records are linked."""
        return log2(self.link_probability / (1 - self.link_probability))


class Settings(_Part):
    """All of the linkage's settings."""

    review_probability: float = Field(gt=0, lt=1)
    training_pairs: int = Field(gt=0)
    block_cap: int = Field(gt=1)
    component_cap: int = Field(gt=2)
    person: Linkage
    company: Linkage

    @property
    def review_weight(self) -> float:
        """The weight (log2 odds) from which a pair is shown to a person."""
        return log2(self.review_probability / (1 - self.review_probability))

    def of(self, kind: Kind) -> Linkage:
        """The linkage of one kind."""
        return self.person if kind == "person" else self.company

    def fingerprint(self, kind: Kind) -> str:
        """Changes whenever the same records might be linked differently: by settings or by the libraries that work."""
        parts = self.model_dump_json(exclude={"person", "company"}), self.of(kind).model_dump_json()
        tools = [f"method {METHOD}", *(f"{name} {version(name)}" for name in ("splink", "duckdb"))]
        return hashlib.sha256("\n".join([*parts, *tools]).encode()).hexdigest()[:16]


@cache
def load(path: Path = SHIPPED) -> Settings:
    """Read settings from a file.

    Raises
    ------
    SettingsError
        If the file cannot be read, or a setting is missing, unknown or out of range.
    """
    try:
        return Settings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        told = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingsError(f"{path.name}: {'; '.join(told)}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name} is not YAML: {str(error).splitlines()[0]}") from None
    except OSError as error:
        raise SettingsError(f"{path.name}: {error.strerror}") from None
