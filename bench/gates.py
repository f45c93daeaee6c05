"""`make bench-gates`: 40 corruptions of a night through the raw gate, and clean nights; prints a table and JSON."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta
from typing import Any

from bench import gates_corruptions, gates_records
from bench.gates_clean import measure_clean
from bench.gates_corruption import Corruption
from bench.gates_world import Gates, clean_nights, warehouse

ALL = (*gates_corruptions.CORRUPTIONS, *gates_records.CORRUPTIONS)
CORRUPTIONS = sorted(ALL, key=lambda one: one.number)
# Before the clean nights: four weeks to compare with, and invoices that payments may be for.
HISTORY_DAYS = 110


def measure(gates: Gates, corruptions: list[Corruption]) -> list[dict[str, Any]]:
    """One row per corruption: what was wanted at the stated magnitude, what came at each, by what, from where on."""
    rows = []
    for one in corruptions:
        sizes = sorted({*one.magnitudes, one.stated})
        gates.unspoilt(one.entity[0])
        said = {}
        for size in sizes:
            said[size] = gates.attempt(gates.spoilt(one, size), one.entity[0], one.is_sent_twice)
        seen = {size: letter for size, (letter, _) in said.items()}
        rows.append(
            {
                "number": one.number, "name": one.name, "wanted": one.wanted, "stated": one.stated,
                "is_as_wanted": seen[one.stated] == one.wanted, "seen": seen,
                "found_at": [size for size in sizes if seen[size] == one.wanted],
                "by": sorted({f"{rule} {why}" if not table else rule for table, rule, why in said[one.stated][1]}),
            }
        )  # fmt: skip
        verdict = "yes" if rows[-1]["is_as_wanted"] else "NO "
        say(f"{one.number:>3} {one.name:<34} {one.wanted} {verdict:<4} {seen} {', '.join(rows[-1]['by'])}")
    return rows


def say(text: str) -> None:
    """Tell a person what was measured."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure corruptions and clean nights."""
    parser = argparse.ArgumentParser(prog="bench.gates")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--nights", type=int, default=200, help="clean days of the shop, against the days before them")
    parser.add_argument("--whole", type=int, default=200, help="clean nights of all sources through all checks")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of corruptions")
    options = parser.parse_args()
    chosen = [one for one in CORRUPTIONS if options.only is None or one.number in options.only]
    with warehouse(options.customers, max(options.nights, options.whole) + HISTORY_DAYS) as gates:
        clean = measure_clean(gates.base, gates.last - timedelta(days=1), options.nights) if options.nights else None
        say(f"clean days: {clean}")
        rows = measure(gates, chosen)
        whole = clean_nights(gates, options.whole) if options.whole else None
        say(f"clean nights: {whole}")
    missed = {row["number"] for row in rows if not row["is_as_wanted"]}
    caught = {row["number"] for row in rows} - missed
    result = {"as_wanted": len(caught), "of": 40, "clean": clean, "whole": whole, "corruptions": rows}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
