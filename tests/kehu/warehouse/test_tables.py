from __future__ import annotations

from datetime import date

import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from kehu.warehouse.tables import TableError, append, connect, read_frame, replace_night


@pytest.fixture
def table(url):
    with psycopg.connect(url) as connection:
        connection.execute("create table ml.numbers (as_of_date date, a double precision, b integer, c text)")
    return url


def test_whole_numbers_become_floats_not_garbage(table):
    with connect(table) as connection:
        append(connection, "ml", "numbers", pa.table({"a": pa.array([7, 8], pa.int64())}))
    assert read_frame(table, "select a from ml.numbers order by a")["a"].tolist() == [7.0, 8.0]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"b": [2**40]}, r"ml\.numbers\.b"),
        ({"b": [1.5]}, r"ml\.numbers\.b"),
        ({"nope": [1]}, "no column 'nope'"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(table, rows, why):
    with pytest.raises(TableError, match=why), connect(table) as connection:
        append(connection, "ml", "numbers", pa.table({"b": pa.array([1], pa.int64())}))
        append(connection, "ml", "numbers", pa.table(rows))
    assert read_frame(table, "select count(*) as n from ml.numbers")["n"].tolist() == [0]


def test_unknown_tables_are_named(url):
    with pytest.raises(TableError, match=r"no table ml\.nothing"), connect(url) as connection:
        append(connection, "ml", "nothing", pa.table({"a": [1]}))


def test_a_night_is_replaced_and_others_stay(table):
    for day, value in ((1, 1.0), (2, 2.0), (1, 3.0)):
        night = date(2024, 1, day)
        frame = pd.DataFrame({"as_of_date": [night], "a": [value]})
        replace_night(table, "ml", "numbers", frame, night)
    rows = read_frame(table, "select as_of_date, a from ml.numbers order by as_of_date")
    assert rows["a"].tolist() == [3.0, 2.0]
