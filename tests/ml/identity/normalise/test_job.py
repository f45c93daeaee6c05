from __future__ import annotations

from datetime import date

import psycopg
import pytest

from ml.identity.normalise import job
from ml.identity.normalise.job import normalise

NIGHT = date(2024, 12, 31)
CREATE = """
create schema if not exists intermediate;
create table intermediate.int_identity_values (
    kind text, record_key text, name_raw text, mails_raw text[], phones_raw text[], country text, birth_raw text,
    street_raw text, city_raw text, postcode_raw text, company_raw text
)
"""


def rows_of(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def insert(url: str, *rows: dict[str, object]) -> None:
    with psycopg.connect(url) as connection:
        for number, row in enumerate(rows):
            row = {"kind": "person", "record_key": f"shop.accounts:{number}", "mails_raw": [], "phones_raw": [], **row}
            names, values = ", ".join(row), ", ".join(["%s"] * len(row))
            connection.execute(
                f"insert into intermediate.int_identity_values ({names}) values ({values})", list(row.values())
            )


@pytest.fixture
def values(url):
    with psycopg.connect(url) as connection:
        connection.execute(CREATE)
    everything = {
        "name_raw": "李小明",
        "mails_raw": ["A.B@example.com", "test@example.com"],
        "phones_raw": ["020 7946 0958", "N/A"],
        "country": "United Kingdom",
        "birth_raw": "1990-05-13",
        "street_raw": "1 Oak Street",
        "city_raw": "西安市",
        "postcode_raw": "SW1A 1AA",
        "company_raw": "西安安泰有限公司",
    }
    insert(
        url, everything, everything, {"name_raw": "test", "phones_raw": ["020 7946 0958"], "birth_raw": "2999-01-01"}
    )
    return url


def test_each_value_is_normalised_once(values):
    assert normalise(values, NIGHT) == 2 + 2 + 3 + 1 + 3 + 2
    names = rows_of(values, "select * from identity.normal_names order by raw")
    assert names == [("test", *[None] * 5), ("李小明", "xiaoming", "li", "li xiaoming", "lixiaoming", "李小明")]
    mails = rows_of(values, "select * from identity.normal_mails order by raw")
    assert mails == [("A.B@example.com", "ab@example.com"), ("test@example.com", None)]
    phones = rows_of(values, "select * from identity.normal_phones order by raw, country")
    assert phones == [
        ("020 7946 0958", "", "+02079460958"),
        ("020 7946 0958", "United Kingdom", "+442079460958"),
        ("N/A", "United Kingdom", None),
    ]
    companies = rows_of(values, "select * from identity.normal_companies")
    assert companies == [("西安安泰有限公司", "安泰", "xian")]
    addresses = rows_of(values, "select part, raw, normal from identity.normal_addresses order by part")
    assert addresses == [
        ("city", "西安市", "xian"),
        ("postcode", "SW1A 1AA", "sw1a1aa"),
        ("street", "1 Oak Street", "1 oak st"),
    ]
    births = rows_of(values, "select * from identity.normal_births order by raw")
    assert births == [("1990-05-13", date(1990, 5, 13)), ("2999-01-01", None)]


def test_a_repeat_finds_nothing_and_a_new_night_only_what_is_new(values):
    normalise(values, NIGHT)
    assert normalise(values, NIGHT) == 0
    insert(
        values, {"name_raw": "John Smith", "street_raw": "西安市", "phones_raw": ["020 7946 0958"], "country": "中国"}
    )
    assert normalise(values, date(3000, 1, 1)) == 3
    assert rows_of(values, "select birth_date from identity.normal_births where raw = '2999-01-01'") == [(None,)]


def test_a_failure_leaves_nothing_behind(values, monkeypatch):
    def fail(raw, as_of):
        raise RuntimeError

    monkeypatch.setattr(job, "normalise_birth", fail)
    with pytest.raises(RuntimeError):
        normalise(values, NIGHT)
    assert rows_of(values, "select raw from identity.normal_names") == []


def test_values_too_long_for_any_index_are_left_out(values):
    insert(
        values, {"name_raw": "长" * 5000, "mails_raw": ["x" * 5000], "phones_raw": ["1" * 5000], "country": "y" * 5000}
    )
    normalise(values, NIGHT)
    assert rows_of(values, "select raw from identity.normal_names where length(raw) > 100") == []


def test_values_come_in_several_batches(values):
    with psycopg.connect(values) as connection:
        connection.execute(
            "insert into intermediate.int_identity_values (kind, record_key, mails_raw, phones_raw)"
            " select 'person', 'x', array[repeat('b', 900) || n], '{}' from generate_series(1, 40000) as n"
        )
    assert normalise(values, NIGHT) == 13 + 40_000
