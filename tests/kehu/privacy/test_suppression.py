"""A system that goes on telling of an erased record brings nobody back, and is not taken for out of step."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from kehu.privacy.erase import Installation, erase_requested, request
from kehu.privacy.keys import HashKey
from kehu.privacy.subjects import Naming, key_of
from kehu.sources.records import Policy, ingest_records
from kehu.warehouse.runs import open_night
from tests.kehu.privacy.worlds import VAULT
from tests.kehu.sources.memory import MemoryReader, ledger, newest

DAY = date(2024, 1, 1)
PERSON = """
create table intermediate.int_identity_values (kind text, record_key text, name_raw text, mails_raw text[],
    phones_raw text[], street_raw text);
create table intermediate.int_identity_records (kind text, record_key text, mails text[], phones text[], keys text[],
    devices text[]);
insert into identity.assignments values ('person', 'test.things:b', 'P-b', '2024-01-01')
"""


def run(url, reader, day, policy=None):
    night = open_night(url, DAY + timedelta(days=day), "test")
    ingest_records(url, "test", "things", reader, night, policy)


@pytest.fixture
def reader(url, monkeypatch):
    """A source of three records, of which b was erased here and not there."""
    monkeypatch.setenv("KEHU_ERASURE_KEY", "a key that only this test knows")
    reader = MemoryReader()
    for key in "abc":
        reader.put(key, key)
    run(url, reader, 0)
    with psycopg.connect(url) as connection:
        connection.execute(PERSON)
    request(url, ["P-b"], "anna", "letter 17")
    erase_requested(url, HashKey.from_environment(), VAULT, Installation())
    reader.asked.clear()
    return reader


def test_an_erased_record_stays_out_and_the_counts_agree(url, reader):
    assert newest(url) == {"a": "a", "c": "c"}
    assert ledger(url) == [(3, 2, 2, 3)]
    reader.now += 10
    reader.put("b", "changed")
    reader.put("d", "new")
    run(url, reader, 1)
    assert newest(url) == {"a": "a", "c": "c", "d": "new"}
    # Nothing seems to be missing: the list of ids is not asked for.
    assert reader.asked == ["read"]
    assert ledger(url)[1] == (2, 1, 3, 4)


def test_a_list_of_all_ids_does_not_bring_it_back_either(url, reader):
    reader.now += 10
    run(url, reader, 1, Policy(reconcile_days=0))
    assert reader.asked == ["read", "keys"]
    assert newest(url) == {"a": "a", "c": "c"}


def test_a_record_that_is_missing_beside_it_is_still_noticed(url, reader):
    reader.now += 10
    # Too late for what is asked: only the count tells.
    for key in "xy":
        reader.put(key, key, at=-5)
    run(url, reader, 1)
    assert newest(url) == {"a": "a", "c": "c", "x": "x", "y": "y"}


def test_sql_and_python_bring_keys_into_the_same_form(url):
    texts = [" @Some_One ", "C123", "123", "", "  ", "@", "CC1", None]
    with psycopg.connect(url) as connection:
        for form in ("plain", "order", "handle"):
            way = Naming("test.key", "text", form)
            expression = way.expression(is_record=False).as_string(connection)
            for text in texts:
                query = f"select nullif({expression}, '') from (values (cast(%s as text))) as rows (text)"
                assert connection.execute(query, [text]).fetchone() == (way.value(text),)
    assert key_of("zoho_crm.Leads:7:8") == ("zoho_crm.leads", "7:8")
