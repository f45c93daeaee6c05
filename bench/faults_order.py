"""Nights in another order, while late lines come in between: in the end all marts must be the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from bench.faults_copies import Copies
from bench.faults_trials import run_well
from bench.night import Bench
from kehu.warehouse.fingerprint import fingerprint
from tests.shops import SmallShop

LATE_LINES = 0.1
LATE_DAYS = 0.3


@dataclass
class LateShop:
    """A shop that sends three in ten of its days' files without some lines at first, and whole some nights later."""

    shop: SmallShop
    seed: int
    whole: dict[date, list[list[str]]] = field(init=False)
    whole_at: dict[date, int] = field(init=False)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        self.whole = {day: list(lines) for day, lines in self.shop.rows.items()}
        places = {day: place for place, day in enumerate(sorted(self.whole))}
        late = [day for day in places if self.whole[day] and dice.random() < LATE_DAYS]
        self.whole_at = {day: places[day] + dice.randint(1, 9) for day in late}

    def begin(self) -> None:
        """The files as they are before any correction."""
        dice = random.Random(self.seed)
        for day in self.whole_at:
            lines = self.whole[day]
            self.shop.rows[day] = [line for line in lines if dice.random() >= LATE_LINES] or lines[:1]
        self.shop.write()

    def go_on(self, step: int) -> None:
        """Send the files whole that are so from this night's turn on."""
        for day, at in self.whole_at.items():
            if at == step:
                self.shop.rows[day] = self.whole[day]
                self.shop.write_day(day)


def measure_order(bench: Bench, shop: LateShop, seed: int, log: Path, say: Callable[[str], None]) -> dict:
    """All nights in order, and shuffled, each time with the last one again in the end; the marts that differ."""
    days = sorted(shop.whole)
    copies = Copies(bench)
    copies.keep("nothing")
    in_order = _nights(bench, shop, days, log, say)
    copies.put_back("nothing")
    shuffled = _nights(bench, shop, random.Random(seed).sample(days, len(days)), log, say)
    differ = sorted(name for name in in_order.keys() | shuffled.keys() if in_order.get(name) != shuffled.get(name))
    return {"nights": len(days), "late_files": len(shop.whole_at), "marts": len(in_order), "differ": differ}


def _nights(
    bench: Bench, shop: LateShop, days: Sequence[date], log: Path, say: Callable[[str], None]
) -> dict[str, str]:
    shop.begin()
    for step, day in enumerate(days):
        shop.go_on(step)
        run_well(bench, day, log)
        say(f"night {step + 1}: {day}")
    for step in range(len(days), len(days) + 10):
        shop.go_on(step)
    run_well(bench, max(days), log)
    return fingerprint(bench.url)
