"""Dice that always fall the same way."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TypeVar

FIRST_MOMENT = datetime(2023, 7, 1, tzinfo=timezone.utc)
TWO_YEARS = 2 * 365 * 24 * 3600
ITEM = TypeVar("ITEM")


class Crowd:
    """What records of all fakes are made of."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)

    def times(self) -> tuple[datetime, datetime]:
        """Created, and modified some time later (or never)."""
        created = FIRST_MOMENT + timedelta(seconds=self.dice.randrange(TWO_YEARS))
        later = timedelta(seconds=self.dice.randrange(90 * 86_400)) if self.dice.random() < 0.5 else timedelta()
        return created, created + later

    def money(self, most: int = 100_000) -> float:
        return self.dice.randrange(100, most * 100) / 100

    def some(self, items: list[ITEM], share: float = 0.9) -> ITEM | None:
        """One of the items, or none."""
        return self.dice.choice(items) if items and self.dice.random() < share else None

    def day(self) -> datetime:
        return FIRST_MOMENT + timedelta(days=self.dice.randrange(1000))
