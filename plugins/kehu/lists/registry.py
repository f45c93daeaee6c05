"""The registry of lists for action: one YAML file that analysts edit, checked when read."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kehu import yaml_files
from kehu.rules import problem, set_out_alike, words

NAME = r"^[a-z][a-z0-9_]{0,59}$"

Channel = Literal["phone", "mail", "sms", "post", "visit"]
PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
CREDIT = re.compile(r"credit|rating")
TEXTS = ("reason_en", "reason_zh", "talking_points_en", "talking_points_zh")


class ListError(ValueError):
    """The registry cannot be used; the message names the file or the list, and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cap(_Part):
    """How many contacts one customer may get within so many days, whoever makes them."""

    contacts: int = Field(ge=0)
    days: int = Field(ge=1)


class Budget(_Part):
    """What a list may cost, in the reporting currency."""

    amount: Decimal = Field(ge=0, max_digits=16, decimal_places=2)
    per: Literal["night", "month"]


class ActionList(_Part):
    """One list as the file tells it."""

    id: str = Field(pattern=NAME)
    name_en: str = Field(min_length=1)
    name_zh: str = Field(min_length=1, pattern=r"[\u4e00-\u9fff]")
    readers: Literal["marketing", "service", "sales"]
    owner: str = Field(min_length=1)
    version: int = Field(ge=1)
    priority: int = Field(ge=1, description="1 comes first: it gets a customer's contacts before the others")
    model: str = Field(pattern=NAME, description="the dbt model whose rows the rule is asked of")
    rule: str = Field(min_length=1, description="SQL condition over one row of the model")
    occasion: str = Field(pattern=NAME, description="the column that tells one occasion of a customer from the next")
    since: str = Field(pattern=NAME, description="the column with the occasion's first day")
    valid_days: int | None = Field(None, gt=0, description="the last day is as many days after the first")
    until: str | None = Field(None, pattern=NAME, description="or the column with the last day")
    channels: tuple[Channel, ...] = Field(min_length=1, description="in the order they are tried")
    purpose: str = Field(pattern=NAME, description="the purpose that consents name")
    consent: Literal["opt_in", "opt_out"]
    is_capped: bool = Field(True, description="false: the customer asked for the contact, so that no cap forbids it")
    gain: str = Field("0", min_length=1, description="SQL: what the contact is expected to bring, reporting currency")
    cost: Decimal = Field(Decimal(0), ge=0, max_digits=12, decimal_places=2, description="of one contact")
    budget: Budget | None = None
    reason_en: str = Field(min_length=1)
    reason_zh: str = Field(min_length=1)
    talking_points_en: str = Field(min_length=1)
    talking_points_zh: str = Field(min_length=1)
    status: Literal["active", "retired"] = "active"

    @model_validator(mode="after")
    def _makes_sense(self) -> ActionList:
        if (self.valid_days is None) == (self.until is None):
            raise ValueError("valid_days: either valid_days or until is needed, not both")
        if self.budget and not self.cost:
            raise ValueError("cost: a budget needs what one contact costs")
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("channels: one is there twice")
        for field in ("rule", "gain"):
            if why := problem(getattr(self, field)):
                raise ValueError(f"{field}: {why}")
        if self.readers == "marketing" and any(CREDIT.search(word) for word in self.columns):
            raise ValueError("rule: credit ratings are kept out of marketing")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Words that may be columns of the model: those of rule, gain, texts, and of the occasion with its days."""
        placed = [name for field in TEXTS for name in PLACE.findall(getattr(self, field))]
        days = [name for name in (self.occasion, self.since, self.until) if name]
        return tuple(dict.fromkeys([*words(self.rule), *words(self.gain), *placed, *days]))

    @property
    def rule_hash(self) -> str:
        """Changes whenever somebody else might be on the list, or by another way."""
        told = [
            self.model, set_out_alike(self.rule), self.occasion, self.since, self.valid_days, self.until,
            self.channels, self.purpose, self.consent, self.is_capped, set_out_alike(self.gain), str(self.cost),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


class Registry(_Part):
    """The whole file."""

    caps: dict[Literal["phone", "mail", "sms", "post", "visit", "any"], Cap]
    lists: tuple[ActionList, ...]

    def __iter__(self) -> Iterator[ActionList]:  # type: ignore[override]
        return iter(sorted(self.lists, key=lambda one: one.priority))

    @model_validator(mode="after")
    def _fits_together(self) -> Registry:
        for field in ("id", "priority"):
            for value, count in Counter(getattr(one, field) for one in self.lists).items():
                if count > 1:
                    raise ValueError(f"lists: {field}: {value} is there {count} times")
        return self


def load(path: Path) -> Registry:
    """Read and check the registry.

    Raises
    ------
    ListError
        If the file cannot be read, or a list lacks a field, has one that is unknown, or contradicts another list.
    """
    return yaml_files.load(path, Registry, "lists", "list", ListError)
