"""Write the seed of public holidays, and of weekends that are worked in their place, from the library `holidays`.

Not called `calendar`: scripts have their own folder on their path first, and need the standard library's `calendar`.
"""

from __future__ import annotations

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import holidays

SEED = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds" / "public_holidays.csv"
YEARS = range(2009, 2028)
# Country code, subdivision, language of the names.
CALENDARS = (
    ("CN", None, "en_US"),
    ("DE", None, "en_US"),
    ("FR", None, "en_US"),
    ("GB", "ENG", "en_GB"),
    ("US", None, "en_US"),
)
COLUMNS = ("country_code", "date", "name", "is_working_day")
MOVED = "Working day moved to a weekend"


def calendar_of(country: str, subdivision: str | None, language: str) -> holidays.HolidayBase:
    """A country's holidays in all years."""
    return holidays.country_holidays(country, subdiv=subdivision, years=YEARS, language=language)


def rows() -> list[tuple[str, str, str, str]]:
    """Days that differ from what their weekday says or have a name, in order."""
    found = []
    for country, subdivision, language in CALENDARS:
        days = calendar_of(country, subdivision, language)
        day, end = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
        while day <= end:
            name = days.get(day) or (MOVED if day in days.weekend_workdays else None)
            if name:
                found.append((country, day.isoformat(), name, str(days.is_working_day(day)).lower()))
            day += timedelta(days=1)
    return found


def main() -> int:
    """Write the seed."""
    with SEED.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())
    return 0


if __name__ == "__main__":
    sys.exit(main())
