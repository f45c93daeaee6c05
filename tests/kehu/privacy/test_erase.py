"""Whoever is erased is nowhere any more and does not come back; whoever is not keeps all that is theirs."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from kehu.privacy.erase import ErasureError, Installation, erase_requested, request
from kehu.privacy.keys import HashKey, HashKeyError
from kehu.privacy.person import UnknownCustomerError, find
from kehu.privacy.reveal import open_rows
from kehu.privacy.scan import search, search_files
from kehu.privacy.sealing import keep_customers
from kehu.privacy.sought import Sought
from kehu.privacy.vault import Vault, VaultError
from kehu.warehouse.runs import working
from tests.kehu.privacy.worlds import DAY, KINDS, VAULT, World

SECRET = "a key that only this test knows"
GONE = 50  # of the planted customers, number 0 on; the others stay
PLANTED = 53


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("KEHU_ERASURE_KEY", SECRET)
    return HashKey.from_environment()


@pytest.fixture
def world(url, tmp_path, key):
    made = World(url, tmp_path / "files", PLANTED)
    made.land()
    made.run_night()
    return made


@pytest.fixture
def logs(tmp_path, world):
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "night.log").write_text(f"kept: wrote to {world.mail(0)}, {world.mail(PLANTED - 1)} and {world.id(1)}\n")
    return folder


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def planted(world, numbers):
    """What is unmistakably theirs."""
    return Sought([text for n in numbers for text in (world.mail(n), world.name(n), *world.records(n), world.id(n))])


def cells_with(world, numbers):
    with psycopg.connect(world.url) as connection:
        spared = (("ops", "erasures", "customer_ids"), ("ops", "erasure_requests", "customer_id"))
        return search(connection, planted(world, numbers), spared).places


def erase(world, numbers, key, logs):
    request(world.url, [world.id(n) for n in numbers], "anna", "letter 17")
    return erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))


def test_fifty_planted_customers_leave_no_value_behind_and_do_not_come_back(world, key, logs):
    gone, kept = range(GONE), range(GONE, PLANTED)
    before = cells_with(world, kept)
    found = cells_with(world, gone)
    assert found["raw_shop.accounts.record"] == GONE
    assert {
        "run_1.dim_customers.mail",
        "vault.sealed_records.clear",
        "sandbox_anna.copied.note",
        "identity.assignments.record_key",
    } <= set(found)
    assert any(place.startswith("statistics of") for place in found)
    assert found["history.customers.customer_id"] == GONE
    copied = rows(world.url, "select customer_id, sealed from history.customers order by 1")
    assert search_files([logs], planted(world, gone)).count == 1
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "insert into identity.nights values ('2024-03-05', 'person', 'm', 's', 1, false, true, '{}')"
        )
    suppressed = erase(world, gone, key, logs)
    assert cells_with(world, gone) == {}
    # Whom the erased ones held together, or made too many, is worked out anew.
    assert rows(world.url, "select holds_state from identity.nights") == [(False,)]
    assert search_files([logs], planted(world, gone)).count == 0
    # The others have all they had, and the file that told of both still tells of them.
    after = cells_with(world, kept)
    derived = ("staging", "intermediate", "statistics", "identity.normal_", "vault.sealed_records")
    assert {p: n for p, n in after.items() if not p.startswith(derived)} == {
        p: n for p, n in before.items() if not p.startswith(derived)
    }
    assert (logs / "night.log").read_text() == f"kept: wrote to [erased], {world.mail(PLANTED - 1)} and [erased]\n"
    words = "select record ->> 'body' from raw_support.tickets order by _record_id desc limit 1"
    assert rows(world.url, words) == [("as told to [erased]\nthank you",)]
    ((ids, residue, cells, counts),) = rows(
        world.url, "select customer_ids, count_residue, places_scanned -> 'cells', counts from ops.erasures"
    )
    assert ids == [world.id(n) for n in gone]
    assert residue == 0
    assert cells > 4 * PLANTED
    assert counts["raw_shop.order_lines"] == counts["raw_support.tickets"] == GONE
    assert suppressed.counts == counts
    assert rows(world.url, "select count(*) from ops.erasure_requests") == [(0,)]
    # Their keys are destroyed, so that a copy of the history tells of the others alone.
    assert counts["vault.person_keys"] == GONE
    with psycopg.connect(world.url) as connection:
        for customer_id, sealed in copied[:GONE]:
            with pytest.raises(VaultError, match="is gone"):
                open_rows(connection, [{"customer_id": customer_id, "sealed": sealed}], VAULT)
        others = [{"customer_id": customer_id, "sealed": sealed, "mail": None} for customer_id, sealed in copied[GONE:]]
        assert [row["mail"] for row in open_rows(connection, others, VAULT)] == [world.mail(n) for n in kept]

    # The same files again as another version of the day, and as another day's.
    world.write_files(date(2024, 3, 5), extra="sent again")
    world.write_files(date(2024, 3, 4), extra="sent late")
    world.land()
    returned = cells_with(world, range(1, GONE))
    assert returned == {}
    assert rows(world.url, "select count(*) from raw_shop.order_lines where \"CustomerID\" = '10001'") == [(0,)]
    newest = "select source, entity, count_rows, count_suppressed from ops.loads where file_date = '2024-03-04'"
    assert sorted(rows(world.url, newest)) == [
        ("shop", "accounts", 3, GONE), ("shop", "order_lines", 3, GONE), ("support", "tickets", 3, GONE)
    ]  # fmt: skip


def test_a_value_in_somebody_elses_sealed_history_is_overwritten(world, key, logs):
    """Number 2 was taken for number 1 for a night: 1's history has 2's mail, under a key that stays."""
    golden = sql.Identifier("run_1", "dim_customers")
    has_mail = sql.SQL("update {} set mail = %s where customer_id = %s").format(golden)
    with psycopg.connect(world.url) as connection:
        connection.execute(has_mail, [world.mail(2), world.id(1)])
        keep_customers(connection, golden, KINDS, DAY + timedelta(days=1), VAULT)
        connection.execute(has_mail, [world.mail(1), world.id(1)])
        connection.execute("create table run_1.dim_customer_history as select * from history.customers")
    receipt = erase(world, [2], key, logs)
    overwritten = {place for place in receipt.counts if place.endswith("(overwritten)")}
    assert {"history.customers (overwritten)", "run_1.dim_customer_history (overwritten)"} <= overwritten
    query = f"select customer_id, mail, sealed from {{}} where customer_id = '{world.id(1)}' order by valid_from"
    for table in ("history.customers", "run_1.dim_customer_history"):
        with psycopg.connect(world.url, row_factory=dict_row) as connection:
            found = connection.execute(query.format(table)).fetchall()
            told = [row["mail"] for row in open_rows(connection, found, VAULT)]
        assert (told, found[1]["mail"]) == ([world.mail(1), "[erased]"], None)


def test_what_cannot_be_opened_cannot_be_said_to_be_empty(world, key, logs):
    request(world.url, [world.id(0)], "anna", "letter 17")
    with pytest.raises(VaultError, match="wrapped by the vault key"):
        erase_requested(world.url, key, Vault(key), Installation((), (logs,), ()))
    assert rows(world.url, "select count(*) from ops.erasures") == [(0,)]


def test_a_stage_that_works_and_is_not_told_yet_is_waited_for(world, key, logs):
    with working(world.url), pytest.raises(ErasureError, match="a night is at work"):
        erase(world, [0], key, logs)


def test_a_value_that_somebody_else_has_too_stays_theirs(world, key, logs):
    erase(world, [0], key, logs)
    phones = "select count(*) from run_1.dim_customers where phone = '{}'"
    assert rows(world.url, phones.format(world.phone(1))) == [(1,)]
    assert rows(world.url, "select count(*) from raw_shop.accounts where record ->> 'phone' like '%001'") == [(1,)]


def test_nothing_is_erased_where_something_would_be_left(world, key, logs):
    # Packed files are not rewritten: only told of.
    import gzip

    (logs / "old.log.gz").write_bytes(gzip.compress(world.mail(0).encode()))
    before = cells_with(world, [0])
    with pytest.raises(ErasureError, match=r"values would be left in .*old\.log\.gz") as refusal:
        erase(world, [0], key, logs)
    assert world.mail(0) not in str(refusal.value)
    assert {p: n for p, n in cells_with(world, [0]).items() if "statistics" not in p} == {
        p: n for p, n in before.items() if "statistics" not in p
    }
    assert rows(world.url, "select count(*) from ops.erasures") == [(0,)]


def test_a_night_at_work_and_a_missing_reason_and_a_stranger_are_refused(world, key, logs):
    with pytest.raises(UnknownCustomerError, match="no records belong to a person P-none"):
        request(world.url, ["P-none"], "anna", "letter 17")
    with pytest.raises(ErasureError, match="needs a reason"):
        request(world.url, [world.id(0)], "anna", " ")
    with psycopg.connect(world.url) as connection:
        connection.execute(
            "insert into ops.stage_runs (run_id, stage, state, started_at) values (%s, 'publish', 'running', now())",
            [world.night.run_id],
        )
    with pytest.raises(ErasureError, match="a night is at work"):
        erase(world, [0], key, logs)


def test_landing_stops_without_the_key_and_with_another_one(world, key, logs, monkeypatch):
    erase(world, [0], key, logs)
    world.write_files(date(2024, 3, 5), extra="sent again")
    monkeypatch.setenv("KEHU_ERASURE_KEY", "another key, as long as that")
    with pytest.raises(HashKeyError, match="under another key"):
        world.land()
    monkeypatch.delenv("KEHU_ERASURE_KEY")
    with pytest.raises(HashKeyError, match="is missing"):
        world.land()
    assert rows(world.url, "select count(*) from ops.suppressed_keys") != [(0,)]
    assert SECRET not in str(rows(world.url, "select * from ops.suppressed_keys"))


def test_a_merged_customer_is_erased_with_its_aliases(world, key):
    with psycopg.connect(world.url) as connection:
        moves(connection, world.records(2), world.id(3), date(2024, 3, 6))
        subjects = find(connection, [world.id(2)])
    assert subjects.customer_ids == [world.id(2), world.id(3)]
    assert set(subjects.record_keys) == {*world.records(2), *world.records(3)}


def test_whom_records_left_again_is_not_erased_for_them(world, key):
    with psycopg.connect(world.url) as connection:
        moves(connection, world.records(2), world.id(3), date(2024, 3, 6))
        moves(connection, world.records(2), world.id(4), date(2024, 3, 7))
        subjects, other = find(connection, [world.id(2)]), find(connection, [world.id(3)])
        assert subjects.customer_ids == [world.id(2), world.id(4)]
        assert set(subjects.record_keys) == {*world.records(2), *world.records(4)}
        assert (other.customer_ids, set(other.record_keys)) == ([world.id(3)], set(world.records(3)))


def test_an_id_whose_records_are_several_peoples_is_refused(world, key):
    with psycopg.connect(world.url) as connection:
        first, *others = world.records(2)
        moves(connection, [first], world.id(3), date(2024, 3, 6))
        moves(connection, others, world.id(4), date(2024, 3, 6))
        with pytest.raises(UnknownCustomerError, match=f"several people .*{world.id(4)}.*{world.id(3)}"):
            find(connection, [world.id(2)])
        assert find(connection, [world.id(3)]).customer_ids == [world.id(3)]


def test_a_request_that_means_no_one_person_any_more_holds_up_no_other(world, key, logs):
    request(world.url, [world.id(n) for n in (0, 2)], "anna", "letter 17")
    parted(world, 2, 3, 4)
    receipt = erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))
    assert (receipt.customer_ids, receipt.count_left_open) == ([world.id(0)], 1)
    assert rows(world.url, "select customer_id from ops.erasure_requests") == [(world.id(2),)]
    with pytest.raises(ErasureError, match="nothing was erased: 1 of ops.erasure_requests mean nobody or several"):
        erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))


def parted(world, number, *heirs):
    """The records of one are others' from a night on: the first heir has one of them, the second the rest."""
    first, *others = world.records(number)
    with psycopg.connect(world.url) as connection:
        moves(connection, [first], world.id(heirs[0]), date(2024, 3, 6))
        moves(connection, others, world.id(heirs[1]), date(2024, 3, 6))


def test_an_id_of_several_people_means_none_of_them_after_one_is_erased(world, key, logs):
    """Else the next evening would erase who is left, whom nobody asked to erase."""
    parted_id = world.id(2)
    request(world.url, [world.id(2), world.id(3)], "anna", "letter 17")
    parted(world, 2, 3, 4)
    receipt = erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))
    assert set(receipt.customer_ids) == {parted_id, world.id(3)}
    assert receipt.count_left_open == 1
    with psycopg.connect(world.url) as connection:
        for schema, table in [("identity", "assignments"), ("vault", "person_keys"), ("history", "customers")]:
            whose = sql.SQL("select distinct customer_id from {}").format(sql.Identifier(schema, table))
            known = {who for (who,) in connection.execute(whose)}
            assert world.id(4) in known
            assert not known & {parted_id, world.id(3)}
    # Of number 2 the account came to number 3, the words to number 4.
    kept = "select _record_id from raw_shop.accounts where _record_id in ('10002', '10003', '10004')"
    assert rows(world.url, kept) == [("10004",)]
    said = "select _record_id from raw_support.tickets where _record_id like 'T90000000_' order by 1 offset 2 limit 2"
    assert rows(world.url, said) == [("T900000002",), ("T900000004",)]
    with pytest.raises(ErasureError, match="nothing was erased: 1 of ops.erasure_requests"):
        erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))


def test_an_id_all_of_whose_heirs_are_erased_is_erased_with_them(world, key, logs):
    request(world.url, [world.id(n) for n in (2, 3, 4)], "anna", "letter 17")
    parted(world, 2, 3, 4)
    receipt = erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))
    assert receipt.count_left_open == 0
    assert rows(world.url, "select customer_id from ops.erasure_requests") == []


def test_a_request_from_before_an_erasure_of_its_id_means_nobody(world, key, logs):
    """Also where the id was given anew since."""
    erase(world, [2], key, logs)
    with psycopg.connect(world.url) as connection:
        moves(connection, world.records(4), world.id(2), date(2024, 3, 6))
        connection.execute(
            "insert into ops.erasure_requests values (%s, 'anna', 'letter 16', '2024-01-01 00:00+00')", [world.id(2)]
        )
    with pytest.raises(ErasureError, match="nothing was erased: 1 of ops.erasure_requests"):
        erase_requested(world.url, key, VAULT, Installation((), (logs,), ()))


def moves(connection, record_keys, customer_id, day):
    """The records belong to another customer from that night on."""
    query = "update identity.assignments set valid_to = %s where record_key = any(%s) and valid_to is null"
    connection.execute(query, [day, list(record_keys)])
    for record_key in record_keys:
        values = ["person", record_key, customer_id, day]
        connection.execute("insert into identity.assignments values (%s, %s, %s, %s)", values)
