"""The calendar of working days: the seed is what the library says, and each day of the mart follows it."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest

from tests.dbt_project.warehouse import Warehouse, line
from tools import public_holidays

NIGHT = date(2024, 3, 5)


@pytest.fixture(scope="module")
def seed():
    with public_holidays.SEED.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_seed_is_what_the_library_says(seed):
    assert tuple(seed[0]) == public_holidays.COLUMNS
    assert [tuple(row) for row in seed[1:]] == public_holidays.rows()


@pytest.mark.parametrize(("country", "subdivision", "language"), public_holidays.CALENDARS)
def test_days_that_the_seed_does_not_name_follow_their_weekday(seed, country, subdivision, language):
    named = {day: worked == "true" for code, day, _, worked in seed[1:] if code == country}
    library = public_holidays.calendar_of(country, subdivision, language)
    day, wrong = date(2009, 1, 1), []
    while day <= date(2027, 12, 31):
        if named.get(day.isoformat(), day.isoweekday() < 6) != library.is_working_day(day):
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


def test_each_day_tells_whether_it_is_worked_in_each_country(server_url):
    warehouse = Warehouse(server_url)
    for day in ("2008-12-31", "2011-01-04"):
        warehouse.land_columns("shop", "order_lines", [line(day, "7", f"{day} 10:00:00")], date.fromisoformat(day))
    warehouse.build_nodes("+dim_dates", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    columns = ", ".join(f"is_working_day_{code}" for code in ("gb", "cn", "de", "fr", "us"))
    days = {
        str(row[0]): list(row[1:]) for row in warehouse.rows(f"select date_day, {columns} from run_{run}.dim_dates")
    }
    assert len(days) == 17 * 365 + 5  # 2008 to 2024
    assert days["2011-04-29"] == [False, True, True, True, True]  # a royal wedding
    assert days["2011-01-30"] == [False, True, False, False, False]  # a Sunday worked before Chinese New Year
    assert days["2011-02-07"] == [True, False, True, True, True]  # and the Monday off for it
    assert days["2011-10-03"] == [True, False, False, True, True]  # German unity, and China's national holiday
    assert days["2011-07-14"] == [True, True, True, False, True]
    assert days["2011-07-04"] == [True, True, True, True, False]
    assert days["2011-06-15"] == [True] * 5
    assert days["2011-06-18"] == [False] * 5
    assert days["2008-12-31"] == [None] * 5  # a year that the seed does not know
    names = f"select holiday_name_gb, holiday_name_cn, holiday_name_us from run_{run}.dim_dates where date_day = "
    assert warehouse.rows(names + "'2011-04-29'") == [("Wedding of William and Catherine", None, None)]
    assert warehouse.rows(names + "'2011-01-30'") == [(None, None, None)]
