"""History of people: no clear text of theirs in it, all of it opened by who may, whatever order nights come in."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from kehu.privacy.keys import HashKey
from kehu.privacy.reveal import RevealError, open_rows, reveal
from kehu.privacy.sealing import SealingError, keep_customers, personal_kinds
from kehu.privacy.vault import Vault, VaultError
from kehu.warehouse.runs import open_night
from tests.kehu.privacy.worlds import VAULT

KINDS = {
    "customer_id": "identifier", "full_name": "name", "birth_date": "birth_date", "mail": "mail", "phone": "phone",
    "street": "address", "postcode": "address", "city": "address",
}  # fmt: skip
ANN = {
    "full_name": "Ann Able", "birth_date": date(1980, 5, 17), "mail": "ann@example.com", "phone": "+441632960001",
    "street": "7 Long Lane", "postcode": "AB1 2CD", "city": "Leeds", "country": "United Kingdom",
}  # fmt: skip
BO = {"full_name": "Bo Best", "mail": "bo@example.com"}
# The same but for what its mask does not show.
ANN_MOVED = ANN | {"mail": "abel@example.com", "street": "8 Long Lane"}
KEPT = """
select customer_id, valid_from, valid_to, full_name, birth_date, mail, street, country, sealed
from history.customers order by 1, 2
"""


def on(number):
    return date(2026, 1, number)


def keep(url, people, day, vault=VAULT):
    with psycopg.connect(url) as connection:
        connection.execute("create temporary table golden (like history.customers)")
        connection.execute("alter table pg_temp.golden drop valid_from, drop valid_to, drop sealed")
        for customer_id, fields in people.items():
            row = {"customer_id": customer_id, "has_purchased": True} | fields
            connection.execute(
                sql.SQL("insert into pg_temp.golden ({}) values ({})").format(
                    sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(map(sql.Literal, row.values()))
                )
            )
        return keep_customers(connection, sql.Identifier("pg_temp", "golden"), KINDS, day, vault)


def rows(url, query=KEPT):
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query).fetchall()


def opened(url, vault=VAULT):
    with psycopg.connect(url) as connection:
        return open_rows(connection, rows(url), vault)


def test_history_shows_masks_and_opens_to_the_whole(url):
    assert keep(url, {"P-1": ANN, "P-2": BO}, on(1)) == 2
    (ann, bo) = rows(url)
    assert (ann["full_name"], ann["birth_date"], ann["mail"]) == ("A. A.", date(1980, 1, 1), "a***@…")
    assert (ann["street"], ann["country"]) == (None, "United Kingdom")
    assert set(bo["sealed"]) == {"full_name", "mail"}
    everything = str(rows(url, "select customers::text from history.customers as customers"))
    secrets = {str(value) for value in [*ANN.values(), *BO.values()]} - {ANN["country"]}
    assert not [text for text in secrets if text in everything]
    (ann, bo) = opened(url)
    assert {field: str(ann[field]) for field in ("full_name", "birth_date", "mail", "street")} == {
        "full_name": "Ann Able", "birth_date": "1980-05-17", "mail": "ann@example.com", "street": "7 Long Lane"
    }  # fmt: skip
    assert (bo["mail"], bo["street"]) == ("bo@example.com", None)


def test_only_what_changed_is_a_new_period_also_where_its_mask_is_the_same(url):
    keep(url, {"P-1": ANN, "P-2": BO}, on(1))
    places = rows(url, "select customer_id, ctid from history.customers order by 1")
    assert keep(url, {"P-1": ANN, "P-2": BO}, on(2)) == 0
    assert rows(url, "select customer_id, ctid from history.customers order by 1") == places
    assert keep(url, {"P-1": ANN_MOVED, "P-2": BO}, on(3)) == 1
    before, after, _ = rows(url)
    assert before["mail"] == after["mail"] == "a***@…"
    assert [field for field in ANN if before["sealed"].get(field) != after["sealed"].get(field)] == ["mail", "street"]
    assert [(row["mail"], row["valid_to"]) for row in opened(url)][:2] == [
        ("ann@example.com", on(3)),
        ("abel@example.com", None),
    ]


def test_nights_in_any_order_and_again_say_the_same(url):
    nights = {1: {"P-1": ANN, "P-2": BO}, 2: {"P-1": ANN_MOVED}, 3: {"P-1": ANN, "P-2": BO}}
    for number in (1, 2, 3):
        keep(url, nights[number], on(number))
    in_order = rows(url)
    with psycopg.connect(url) as connection:
        connection.execute("truncate history.customers, history.nights")
    for number in (3, 1, 2, 3, 1):
        keep(url, nights[number], on(number))
    assert rows(url) == in_order
    assert len(in_order) == 5


def test_what_was_sealed_last_is_only_remembered(url):
    """A crash of the server empties the memory; the same is sealed again to the same."""
    keep(url, {"P-1": ANN, "P-2": BO}, on(1))
    before = rows(url)
    with psycopg.connect(url) as connection:
        connection.execute("truncate vault.sealed_records")
    assert keep(url, {"P-1": ANN, "P-2": BO}, on(2)) == 0
    assert rows(url) == before
    keep(url, {"P-2": BO}, on(3))
    assert [row["customer_id"] for row in rows(url, "select customer_id from vault.sealed_records")] == ["P-2"]


def test_after_a_lost_secret_history_begins_anew(url):
    """As docs/privacy.md says: keys and history are emptied, and what is remembered was sealed under lost keys."""
    keep(url, {"P-1": ANN, "P-2": BO}, on(1))
    with psycopg.connect(url) as connection:
        connection.execute("truncate vault.person_keys, history.customers")
    new = Vault(HashKey("the secret that came after the lost one"))
    assert keep(url, {"P-1": ANN, "P-2": BO}, on(2), new) == 2
    assert [row["mail"] for row in opened(url, new)] == ["ann@example.com", "bo@example.com"]


def test_rows_from_before_are_read_as_they_are(url):
    """Between an upgrade and its first night nothing is sealed, and nobody has a key."""
    with psycopg.connect(url) as connection:
        before = [{"customer_id": "P-1", "mail": "ann@example.com"}]
        assert open_rows(connection, before, VAULT) == before
        assert open_rows(connection, [before[0] | {"sealed": None}], VAULT) == before


def test_rows_from_before_are_sealed_by_the_next_night(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into history.customers (customer_id, has_purchased, full_name, mail, valid_from, valid_to) values"
            " ('P-1', true, 'Ann Able', 'old@example.com', '2025-01-01', '2025-02-01'),"
            " ('P-1', true, 'Ann Able', 'ann@example.com', '2025-02-01', null),"
            " ('P-9', true, 'Cy Cole', null, '2025-01-01', '2025-02-01')"
        )
        connection.execute("insert into history.nights values ('customers', '2025-02-01')")
    keep(url, {"P-1": {"full_name": "Ann Able", "mail": "ann@example.com"}}, on(1))
    found = rows(url)
    assert [(row["full_name"], row["mail"], str(row["valid_to"])) for row in found] == [
        ("A. A.", "o***@…", "2025-02-01"), ("A. A.", "a***@…", "None"), ("C. C.", None, "2025-02-01")
    ]  # fmt: skip
    assert [row["mail"] or row["full_name"] for row in opened(url)] == ["old@example.com", "ann@example.com", "Cy Cole"]


def test_another_secret_takes_the_keys_over(url):
    keep(url, {"P-1": ANN, "P-2": BO}, on(1))
    before, old_keys = rows(url), rows(url, "select * from vault.person_keys order by 1")
    other = HashKey("the vault key of next year")
    with pytest.raises(VaultError, match="give the former"):
        keep(url, {"P-1": ANN}, on(2), Vault(other))
    assert rows(url) == before
    former = HashKey("a vault key that only these tests know")
    assert keep(url, {"P-1": ANN, "P-2": BO}, on(2), Vault(other, former)) == 0
    assert opened(url, Vault(other))[0]["mail"] == "ann@example.com"
    assert {row["key_id"] for row in old_keys} == {former.key_id}
    assert {row["key_id"] for row in rows(url, "select * from vault.person_keys")} == {other.key_id}


def test_what_is_sealed_is_declared_by_the_golden_record_itself():
    sealed = {column: kind for column, kind in KINDS.items() if kind != "identifier"}
    assert personal_kinds().items() >= sealed.items()


def test_in_doubt_nothing_is_kept(tmp_path):
    folder = tmp_path / "models" / "marts" / "customer"
    folder.mkdir(parents=True)
    (folder / "_customer__models.yml").write_text("models: [{name: dim_customers, columns: [{name: mail}]}]")
    with pytest.raises(SealingError, match="no column of dim_customers is declared personal"):
        personal_kinds(tmp_path)
    (folder / "_customer__models.yml").write_text(
        "models: [{name: dim_customers, columns: [{name: city, config: {meta: {personal: adress}}}]}]"
    )
    with pytest.raises(SealingError, match=r"dim_customers\.city: personal: adress is none of mail"):
        personal_kinds(tmp_path)


def test_no_statistics_quote_what_is_clear(url):
    with psycopg.connect(url) as connection:
        connection.execute(
            "insert into history.customers (customer_id, has_purchased, mail, valid_from, valid_to)"
            " select 'P-' || n % 3, true, 'old@example.com', date '2025-01-01' + n, date '2025-01-02' + n"
            " from generate_series(1, 60) as n"
        )
        connection.execute("analyze history.customers")
    quoted = "select count(*) as n from pg_stats where concat(most_common_vals, histogram_bounds) like '%@example.com%'"
    assert rows(url, quoted) == [{"n": 1}]
    keep(url, {f"P-{n}": ANN for n in range(3)}, on(1))
    with psycopg.connect(url) as connection:
        connection.execute("analyze vault.sealed_records")
    assert rows(url, quoted) == [{"n": 0}]


@pytest.fixture
def published(url):
    """The history as published; the records of P-4 went to P-3 and on to P-1, those of P-5 to P-1 and to P-2."""
    former = {one: {"mail": "ann@old.example.com"} for one in ("P-3", "P-4", "P-5")}
    keep(url, {"P-1": ANN, "P-2": BO, **former}, on(1))
    keep(url, {"P-1": ANN_MOVED, "P-2": BO}, on(2))
    held = [
        ("a", "P-1", on(1), None), ("b", "P-2", on(1), None), ("c", "P-3", on(1), on(3)), ("c", "P-1", on(3), None),
        ("d", "P-4", on(1), on(2)), ("d", "P-3", on(2), on(3)), ("d", "P-1", on(3), None),
        ("e", "P-5", on(1), on(2)), ("e", "P-1", on(2), None), ("f", "P-5", on(1), on(2)), ("f", "P-2", on(2), None),
    ]  # fmt: skip
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create view pii.dim_customer_history as select * from history.customers")
        cursor.executemany("insert into identity.assignments values ('person', %s, %s, %s, %s)", held)
    publish_night(url, on(3))
    return url


def publish_night(url, day):
    """The pointer goes to a run of that night."""
    night = open_night(url, day, f"test of {day}")
    with psycopg.connect(url) as connection:
        connection.execute("update store.current set run_id = %s", [night.run_id])


def test_identities_newer_than_what_is_published_reveal_nothing(published):
    """They may have failed the checks; P-3 and P-4 came to P-1 on the third night."""
    publish_night(published, on(2))
    told = {row["customer_id"] for row in reveal(published, "P-1", "anna", VAULT)}
    assert told == {"P-1"}
    assert {row["customer_id"] for row in reveal(published, "P-3", "anna", VAULT)} == {"P-3", "P-4"}


def test_a_member_reveals_all_periods_of_a_person_and_it_is_noted(published):
    told = reveal(published, "P-1", "anna", VAULT)
    assert [(row["customer_id"], row["mail"], row["valid_from"]) for row in told] == [
        ("P-1", "ann@example.com", on(1)), ("P-1", "abel@example.com", on(2)), ("P-3", "ann@old.example.com", on(1)),
        ("P-4", "ann@old.example.com", on(1)),
    ]  # fmt: skip
    noted = rows(published, "select customer_id, disclosed_by, count_rows from ops.disclosures")
    assert noted == [{"customer_id": "P-1", "disclosed_by": "anna", "count_rows": 4}]
    with pytest.raises(RevealError, match="knows nobody of the id P-7"):
        reveal(published, "P-7", "anna", VAULT)


def test_without_a_published_history_it_says_so(url):
    with pytest.raises(RevealError, match="no history is published yet"):
        reveal(url, "P-1", "anna", VAULT)


def test_the_role_is_enough_with_the_key_and_nobody_elses_is(published):
    with psycopg.connect(published) as connection:
        connection.execute("grant select on pii.dim_customer_history to pii_reader")
    as_reader, as_analyst = (f"{published}?options=-c%20role%3D{role}" for role in ("pii_reader", "analyst"))
    with psycopg.connect(as_reader) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from vault.sealed_records")
    assert len(reveal(as_reader, "P-2", "anna", VAULT)) == 1
    with pytest.raises(RevealError, match="members of the role pii_reader only"):
        reveal(as_analyst, "P-2", "eve", VAULT)
    with pytest.raises(VaultError):
        reveal(as_reader, "P-2", "anna", Vault(HashKey("not the installation's")))
