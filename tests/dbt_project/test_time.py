"""Wall-clock times to moments and days: 24 known answers around changes of clocks, leap day, year end; three zones."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import jinja2
import psycopg
import pytest

from kehu.airflow.stages import as_of_date
from kehu.paths import DBT_PROJECT

# What a clock in the zone shows, the moment in UTC. A time that it skips, or shows twice, counts as standard time.
CASES = {
    "Europe/London": [  # 31 March 2024 01:00 to 02:00, 27 October 02:00 to 01:00
        ("2024-03-31 00:59:59", "2024-03-31 00:59:59"),
        ("2024-03-31 01:30:00", "2024-03-31 01:30:00"),  # skipped
        ("2024-03-31 02:00:00", "2024-03-31 01:00:00"),
        ("2024-10-27 00:59:59", "2024-10-26 23:59:59"),
        ("2024-10-27 01:30:00", "2024-10-27 01:30:00"),  # twice
        ("2024-06-30 00:30:00", "2024-06-29 23:30:00"),
        ("2024-02-29 23:59:59", "2024-02-29 23:59:59"),
        ("2023-12-31 23:59:59", "2023-12-31 23:59:59"),
    ],
    "America/New_York": [  # 10 March 2024 02:00 to 03:00, 3 November 02:00 to 01:00
        ("2024-03-10 01:59:59", "2024-03-10 06:59:59"),
        ("2024-03-10 02:30:00", "2024-03-10 07:30:00"),  # skipped
        ("2024-03-10 03:00:00", "2024-03-10 07:00:00"),
        ("2024-11-03 00:59:59", "2024-11-03 04:59:59"),
        ("2024-11-03 01:30:00", "2024-11-03 06:30:00"),  # twice
        ("2024-02-29 20:00:00", "2024-03-01 01:00:00"),
        ("2023-12-31 19:00:00", "2024-01-01 00:00:00"),
        ("2024-01-01 00:00:00", "2024-01-01 05:00:00"),
    ],
    "Asia/Shanghai": [  # daylight saving from 4 May to 14 September 1986; none today
        ("1986-05-04 01:59:59", "1986-05-03 17:59:59"),
        ("1986-05-04 02:30:00", "1986-05-03 18:30:00"),  # skipped
        ("1986-05-04 03:00:00", "1986-05-03 18:00:00"),
        ("1986-09-14 01:30:00", "1986-09-13 17:30:00"),  # twice
        ("2024-03-31 01:30:00", "2024-03-30 17:30:00"),
        ("2024-02-29 07:59:59", "2024-02-28 23:59:59"),
        ("2024-02-29 08:00:00", "2024-02-29 00:00:00"),
        ("2024-01-01 07:59:59", "2023-12-31 23:59:59"),
    ],
}
ALL = [(zone, *case) for zone, cases in CASES.items() for case in cases]
# Which calendar day some of these moments are on, where the business reports: known apart from the zone they came from.
DAYS = [
    ("2024-03-31 23:30:00", "Europe/London", "2024-04-01"),
    ("2024-10-27 23:30:00", "Europe/London", "2024-10-27"),
    ("2024-03-01 01:00:00", "America/New_York", "2024-02-29"),
    ("2024-01-01 04:59:59", "America/New_York", "2023-12-31"),
    ("2024-02-28 16:00:00", "Asia/Shanghai", "2024-02-29"),
    ("2023-12-31 16:00:00", "Asia/Shanghai", "2024-01-01"),
]


def macros(**variables):
    """The project's macros of time, with other values of its variables."""
    template = jinja2.Environment(autoescape=False).from_string((DBT_PROJECT / "macros/time.sql").read_text())
    return template.make_module({"var": variables.__getitem__})


def test_there_are_eight_cases_of_each_zone():
    assert [len(cases) for cases in CASES.values()] == [8, 8, 8]


@pytest.mark.parametrize("session_zone", ["UTC", "Asia/Kathmandu"])
def test_a_wall_clock_time_is_one_moment_whatever_the_sessions_zone(server_url, session_zone):
    wrong = []
    with psycopg.connect(server_url) as connection:
        connection.execute(f"set time zone '{session_zone}'")
        for zone, shown, moment in ALL:
            made = macros(shop_time_zone=zone).shop_time("shown")
            query = f"select cast({made} at time zone 'UTC' as text) from (select text '{shown}' as shown) as one"
            ((told,),) = connection.execute(query).fetchall()
            if told != moment:
                wrong.append((zone, shown, moment, told))
    assert wrong == []


def test_the_day_of_a_moment_is_that_of_the_zone_it_is_reported_in(server_url):
    # A time that the clock skips is shown an hour later, on the same day.
    cases = [(moment, zone, shown[:10]) for zone, shown, moment in ALL] + DAYS
    wrong = []
    with psycopg.connect(server_url) as connection:
        for session_zone in ("UTC", "Asia/Kathmandu"):
            connection.execute(f"set time zone '{session_zone}'")
            for moment, zone, day in cases:
                made = macros(reporting_time_zone=zone).reporting_date("at")
                query = f"select cast({made} as text) from (select timestamptz '{moment}+00' as at) as one"
                ((told,),) = connection.execute(query).fetchall()
                if told != day:
                    wrong.append((moment, zone, day, told))
    assert wrong == []


@pytest.mark.parametrize("day", ["2024-02-28", "2024-02-29", "2023-12-31", "2024-03-31", "2024-10-27", "2024-11-03"])
def test_a_night_ends_where_the_next_begins_24_hours_later(server_url, day):
    following = str(datetime.date.fromisoformat(day) + datetime.timedelta(days=1))
    with psycopg.connect(server_url) as connection:
        connection.execute("set time zone 'Europe/London'")  # whose days have 23 and 25 hours
        ends = [macros(as_of_date=one).as_of_end() for one in (day, following)]
        query = f"select cast({ends[0]} at time zone 'UTC' as text), {ends[1]} - {ends[0]} = interval '24 hours'"
        assert connection.execute(query).fetchall() == [(f"{following} 00:00:00", True)]


@pytest.mark.parametrize(
    ("logical", "expected"),
    [
        ("2024-02-29T00:00:00", "2024-02-29"),  # scheduled for the leap day
        ("2023-12-31T00:00:00", "2023-12-31"),
        ("2024-03-01T00:30:00", "2024-02-29"),  # by hand: the day is not over
        ("2024-01-01T23:59:59", "2023-12-31"),
    ],
)
def test_the_nights_day_is_counted_in_utc(logical, expected):
    moment = datetime.datetime.fromisoformat(f"{logical}+00:00")
    run = SimpleNamespace(logical_date=moment, run_after=moment)
    assert as_of_date({"dag_run": run, "params": {}}) == datetime.date.fromisoformat(expected)
