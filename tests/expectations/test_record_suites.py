"""What records of known entities tell: codes, amounts and scores are quarantined, forms of mails and phones warn."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import psycopg
import pytest

from expectations.raw_gate import check_raw
from expectations.records_gate import RECORD_SUITES
from expectations.suites.forms import MAIL, PHONE
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.entities import record_run, register
from kehu.warehouse.runs import Counts, open_night

DAY = date(2024, 1, 1)
PAYMENT = {"kind": "payment", "status": "Settled", "amount": "12.50", "currency": "gbp"}
CONSENT = {"status": "given", "channel": "mail", "purpose": "marketing", "email": "a@b.example", "phone": None}


@pytest.fixture
def land(url, tmp_path):
    """Land records of one entity as a file and check them; return the night."""

    def land(source, entity, records, day=0, name="a"):
        entities = {entity: {"format": "jsonl", "pattern": "*.jsonl", "key": "id", "changed_at": "at"}}
        settings = FilesSettings.model_validate({"location": str(tmp_path), "entities": entities})
        rows = [{"id": str(n), "at": "2024-01-01T00:00:00Z"} | record for n, record in enumerate(records, 1)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        night = open_night(url, DAY + timedelta(days=day), "test")
        FilesSource(source, settings).ingest(url, entity, night)
        check_raw(url, night)
        return night

    return land


def query(url, text, *values):
    with psycopg.connect(url) as connection:
        return connection.execute(text, values).fetchall()


def failed(url, night):
    text = "select expectation, severity from ops.quality_results where run_id = %s and not is_passed order by 1"
    return query(url, text, night.run_id)


def quarantined(url):
    return query(url, "select row_number, rule from ops.quarantine order by 1, 2")


def test_payments_that_nobody_understands_are_left_out(url, land):
    changes = [
        {}, {"kind": "gift"}, {"status": ""}, {"amount": "-3"}, {"amount": "NaN"}, {"currency": "pound"},
        {"kind": "REFUND"},
    ]  # fmt: skip
    land("payments", "payments", [PAYMENT | change for change in changes])
    assert quarantined(url) == [
        (2, "kind_known"), (3, "status_known"), (4, "amount_formed"), (5, "amount_formed"), (6, "currency_formed"),
    ]  # fmt: skip


def test_a_file_with_more_than_a_hundredth_of_unknown_codes_is_refused(url, land):
    land("payments", "payments", [PAYMENT] * 1200 + [PAYMENT | {"status": "odd"}] * 12)
    assert query(url, "select status from ops.loads") == [("accepted",)]
    land("payments", "payments", [PAYMENT] * 1200 + [PAYMENT | {"status": "odd"}] * 13, name="b")
    assert query(url, "select status from ops.loads order by load_id") == [("accepted",), ("rejected",)]


def test_an_unknown_word_in_a_consent_warns_and_leaves_it_in(url, land):
    night = land("consents", "consents", [CONSENT, CONSENT | {"status": "revoked"}])
    assert failed(url, night) == [("status_known", "warn")]
    assert quarantined(url) == []


def test_many_broken_mails_and_phones_warn(url, land):
    good = [{"email": "a@b.example", "phone": "+44 20 7946 0018"}] * 80
    single = [("mail_formed", "quarantine"), ("phone_formed", "quarantine")]
    few = [{"email": "nobody", "phone": "n/a"}] * 10
    assert failed(url, land("shop", "accounts", good + few)) == single
    night = land("shop", "accounts", good + few * 2, name="b")
    many = [("mail_formed", "quarantine"), ("mail_mostly_formed", "warn"), ("phone_formed", "quarantine")]
    assert failed(url, night) == [*many, ("phone_mostly_formed", "warn")]
    # Of few rows a share tells little.
    assert failed(url, land("shop", "accounts", few, name="c")) == single


def test_a_broken_mail_or_phone_is_set_aside_and_its_record_stays(url, land):
    records = [
        {"email": "a@b.example", "phone": "０２０ ７９４６ ００１８"}, {"email": "5ECRET", "phone": "0049150048140076"},
        {"email": None, "phone": "00000"}, {"email": "", "phone": None},
    ]  # fmt: skip
    night = land("shop", "accounts", records)
    values = query(url, "select row_number, field, rule, reason, run_id from ops.quarantined_values order by 1")
    assert values == [
        (2, "email", "mail_formed", "email has not the form of a mail", night.run_id),
        (3, "phone", "phone_formed", "phone has not the form of a phone", night.run_id),
    ]
    assert quarantined(url) == []
    assert query(url, "select status from ops.loads") == [("accepted",)]


def test_scores_and_ratings_off_the_scale_are_left_out(url, land):
    land("surveys", "nps", [{"score": score} for score in (0, 10, "7", 11, -1, None)])
    assert quarantined(url) == [(4, "score_formed"), (5, "score_formed"), (6, "score_formed")]


def test_two_truths_of_one_moment_warn_and_the_same_twice_does_not(url, land):
    assert failed(url, land("crm", "deals", [{"id": "1", "a": 1}, {"id": "1", "a": 1}, {"id": "2"}])) == []
    night = land("crm", "deals", [{"id": "1", "a": 1}, {"id": "1", "a": 2}, {"id": "2"}], name="b")
    assert failed(url, night) == [("versions_agree", "warn")]


def test_an_entity_that_is_not_read_or_too_old_warns(url, land):
    register(url, "crm", "files", {"deals": 2, "leads": None}, False)
    first = open_night(url, DAY, "test")
    record_run(url, first.run_id, "crm", "leads", Counts(0, 0))
    check_raw(url, first)
    assert failed(url, first) == [("sources_are_fresh", "warn"), ("sources_are_read", "warn")]
    land("crm", "deals", [{"id": "1"}])
    for age, rules in ((2, []), (3, [("sources_are_fresh", "warn")])):
        night = open_night(url, DAY + timedelta(days=age), "test")
        for entity in ("deals", "leads"):
            record_run(url, night.run_id, "crm", entity, Counts(0, 0))
        check_raw(url, night)
        assert failed(url, night) == rules


def test_a_column_nobody_knows_and_a_day_that_comes_late_warn(url, tmp_path):
    entities = {"cities": {"format": "csv", "pattern": "cities_{date}.csv"}}
    settings = FilesSettings.model_validate({"location": str(tmp_path), "entities": entities})

    def night(day, files):
        for offset, text in files.items():
            (tmp_path / f"cities_{DAY + timedelta(days=offset)}.csv").write_text(text)
        opened = open_night(url, DAY + timedelta(days=day), "test")
        FilesSource("geo", settings).ingest(url, "cities", opened)
        check_raw(url, opened)
        return failed(url, opened)

    assert night(20, {0: "a\n1\n", 20: "a\n2\n"}) == []  # a backlog at once is not late
    assert night(21, {21: "a,b\n3,4\n"}) == [("columns_are_expected", "warn")]
    assert night(22, {15: "a,b\n5,6\n", 22: "a,b\n7,8\n"}) == []  # within the window
    assert night(23, {1: "a,b\n9,9\n"}) == [("days_are_in_time", "warn")]


@pytest.mark.parametrize("mail", ["a@b.example", " A.B+c@d.co.uk ", "林@例子.公司"])
def test_mails_of_all_scripts_have_a_form(mail):
    assert re.search(MAIL, mail)


@pytest.mark.parametrize("mail", ["n/a", "a@b", "a b@c.de", "a@b@c.de", "@c.de"])
def test_what_is_no_mail_has_none(mail):
    assert not re.search(MAIL, mail)


@pytest.mark.parametrize(
    "phone", ["+44 (0)20 7946-0018", "０２５１７１０７２５１", "01210590321 ext. 919", "138 0013 8000"]
)
def test_phones_as_people_write_them_have_a_form(phone):
    assert re.search(PHONE, phone)


@pytest.mark.parametrize("phone", ["N/A", "00000", "12345678901234567890"])
def test_what_is_no_phone_has_none(phone):
    assert not re.search(PHONE, phone)


def test_each_entity_has_one_suite_with_names_of_its_own():
    tables = [suite.table for suite in RECORD_SUITES]
    assert len(set(tables)) == len(tables)
    for suite in RECORD_SUITES:
        rules = [check.rule for check in suite.checks_of(1000)]
        assert rules
        assert len(set(rules)) == len(rules)
