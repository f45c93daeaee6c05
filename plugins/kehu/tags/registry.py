"""The registry of customer tags: one YAML file that analysts edit, checked when read."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kehu import yaml_files
from kehu.rules import problem, set_out_alike

TRAITS = "ftr_customer_traits"
NAME = r"^[a-z][a-z0-9_]{0,59}$"
Status = Literal["active", "expired", "retired"]


class TagError(ValueError):
    """The registry cannot be used; the message names the file or the tag, and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tag(_Part):
    """One tag as the file tells it."""

    id: str = Field(pattern=NAME)
    name_en: str = Field(min_length=1)
    name_zh: str = Field(min_length=1, pattern=r"[\u4e00-\u9fff]")
    kind: Literal["basic", "behaviour", "interest"]
    version: int = Field(ge=1)
    owner: str | None = Field(None, min_length=1, description="who answers for it; the review lists tags without")
    rule: str | None = Field(None, min_length=1, description="SQL condition over one row of the model")
    model: str | None = Field(None, pattern=NAME, description="a dbt model instead of the traits: customer_id, reason")
    since: str | None = Field(None, pattern=NAME, description="the column with the day from which valid_days count")
    valid_days: int | None = Field(None, gt=0)
    expires_on: date | None = Field(None, description="from this day on nobody has it")
    replaces: tuple[str, ...] = ()
    status: Literal["active", "retired"] = "active"

    @model_validator(mode="after")
    def _makes_sense(self) -> Tag:
        if not (self.rule or self.model):
            raise ValueError("rule: a rule or a model is needed")
        if (self.since is None) != (self.valid_days is None):
            raise ValueError("valid_days: it needs since, the day it counts from, and since needs it")
        if self.rule and (why := problem(self.rule)):
            raise ValueError(f"rule: {why}")
        return self

    @property
    def rule_hash(self) -> str:
        """Changes whenever somebody else might have the tag."""
        rule = set_out_alike(self.rule or "")
        told = json.dumps([self.model or TRAITS, rule, self.since, self.valid_days])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def status_on(self, day: date) -> Status:
        """What the tag is on a night."""
        if self.status == "active" and self.expires_on and self.expires_on <= day:
            return "expired"
        return self.status


class Registry(_Part):
    """The whole file."""

    tags: tuple[Tag, ...]

    def __iter__(self) -> Iterator[Tag]:  # type: ignore[override]
        return iter(self.tags)

    @model_validator(mode="after")
    def _fits_together(self) -> Registry:
        for name, count in Counter(tag.id for tag in self.tags).items():
            if count > 1:
                raise ValueError(f"tag {name}: id: it is there {count} times")
        statuses = {tag.id: tag.status for tag in self.tags}
        takers: dict[str, str] = {}
        for tag in self.tags:
            for old in tag.replaces:
                if old == tag.id or statuses.get(old) != "retired":
                    raise ValueError(f"tag {tag.id}: replaces: {old} must be another tag of the file that is retired")
                if old in takers:
                    raise ValueError(f"tag {tag.id}: replaces: {takers[old]} replaces {old} already")
                takers[old] = tag.id
        return self


def load(path: Path) -> Registry:
    """Read and check the registry.

    Raises
    ------
    TagError
        If the file cannot be read, or a tag lacks a field, has one that is unknown, or contradicts another tag.
    """
    return yaml_files.load(path, Registry, "tags", "tag", TagError)
