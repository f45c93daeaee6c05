from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from expectations import records_gate
from expectations.gate import GateError, Outcome
from expectations.records_gate import check_records
from expectations.suites import records as suite
from kehu.sources.files import FilesSource
from kehu.sources.files_settings import FilesSettings
from kehu.warehouse.quarantine import quarantined_in
from kehu.warehouse.runs import open_night

DAY = date(2024, 1, 1)
NO_JSON = ("record_is_json", "the line is not a JSON object that can be read")
NO_KEY = ("record_has_key", "the record lacks its key")
NO_TIME = ("record_has_time", "the record's time of change is missing or not a time")


def good(number: int) -> str:
    return f'{{"id": {number}, "at": 1704067200000}}'


@pytest.fixture
def land(url, tmp_path):
    """Land files of two entities of records and one of columns; return the night."""
    entities = {
        name: {"format": "jsonl", "pattern": f"{name}*.jsonl", "key": "id", "changed_at": "at"}
        for name in ("deals", "LeadObj")
    }
    entities["cities"] = {"format": "csv", "pattern": "cities*.csv"}
    settings = FilesSettings.model_validate({"location": str(tmp_path), "entities": entities})

    def land(day: int = 0, **files: list[str]):
        night = open_night(url, DAY + timedelta(days=day), "test")
        for name, lines in files.items():
            entity = name.rstrip("0123456789")
            ending = "csv" if entity == "cities" else "jsonl"
            (tmp_path / f"{name}.{ending}").write_text("".join(f"{line}\n" for line in lines))
        for entity in {name.rstrip("0123456789") for name in files}:
            FilesSource("crm", settings).ingest(url, entity, night)
        return night

    return land


def query(url, text):
    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()


def quarantine(url):
    return query(
        url,
        """
        select file_name, row_number, rule, reason from ops.quarantine inner join ops.loads using (load_id)
        order by file_name, row_number, rule
        """,
    )


def states(url):
    return dict(query(url, "select file_name, status from ops.loads"))


def test_unreadable_records_are_quarantined_by_position(url, land):
    deals = [good(1), "{", '{"at": 1704067200000}', '{"id": 4, "at": "5ECRET"}', good(5), ""]
    night = land(deals1=deals, deals2=[good(7), "[]"], LeadObj1=['{"id": ""}', good(1)], cities1=["name", "Rome"])
    counts = check_records(url, night)
    assert (counts.rows_in, counts.rows_out, counts.quarantined) == (11, 5, 6)
    assert quarantine(url) == [
        ("LeadObj1.jsonl", 1, *NO_KEY),
        ("deals1.jsonl", 2, *NO_JSON),
        ("deals1.jsonl", 3, *NO_KEY),
        ("deals1.jsonl", 4, *NO_TIME),
        ("deals1.jsonl", 6, *NO_JSON),
        ("deals2.jsonl", 2, *NO_JSON),
    ]
    assert set(states(url).values()) == {"accepted"}
    lines = quarantined_in(url, night.run_id)
    assert f"crm: deals1.jsonl, row 4: {NO_TIME[1]}" in lines
    assert "5ECRET" not in "".join(lines)
    failed = query(url, "select expectation, count_unexpected from ops.quality_results where not is_passed order by 1")
    assert failed == [("record_has_key", 2), ("record_has_time", 1), ("record_is_json", 3)]


def test_a_mostly_broken_file_is_refused_and_the_others_are_not(url, land):
    many = [good(number) for number in range(89)]
    night = land(deals1=many + ["x"] * 11, deals2=many + ["x"] * 9, LeadObj1=[good(1)])
    counts = check_records(url, night)
    assert (counts.rows_in, counts.rows_out, counts.quarantined) == (199, 90, 9)
    assert states(url) == {"deals1.jsonl": "rejected", "deals2.jsonl": "accepted", "LeadObj1.jsonl": "accepted"}
    assert {row[0] for row in quarantine(url)} == {"deals2.jsonl"}
    assert check_records(url, night).rows_in == 0
    # Its next version is looked at anew.
    night = land(1, deals1=[*many, "x"])
    counts = check_records(url, night)
    assert (counts.rows_in, counts.rows_out, counts.quarantined) == (90, 89, 1)


def test_clean_records_and_nights_without_any(url, land):
    assert check_records(url, open_night(url, DAY, "test")).rows_in == 0
    night = land(deals1=[good(1)], LeadObj1=[])
    counts = check_records(url, night)
    assert (counts.rows_in, counts.rows_out, counts.quarantined) == (1, 1, 0)
    assert set(states(url).values()) == {"accepted"}


def test_a_load_after_the_night_waits(url, land):
    land(1, deals1=["x"])
    assert check_records(url, open_night(url, DAY, "test")).rows_in == 0
    assert states(url) == {"deals1.jsonl": "landed"}


def test_a_check_that_cannot_run_accepts_nothing(url, land, monkeypatch):
    night = land(deals1=["x"])
    broken = [Outcome(suite.checks()[0], False, error="the check itself failed to run")]
    monkeypatch.setattr(records_gate, "run_gate", lambda *_: broken)
    with pytest.raises(GateError, match="record_is_json: the check itself failed to run"):
        check_records(url, night)
    assert states(url) == {"deals1.jsonl": "landed"}


def test_a_few_versions_come_twice_and_many_are_quarantined(url, land):
    records = [good(number) for number in range(100)]
    check_records(url, land(deals1=records + records[:8]))
    assert quarantine(url) == []
    # In a larger file more may be usual, and what is repeated more often counts each time.
    check_records(url, land(deals2=records * 5 + records[:1], LeadObj1=records + records[:9]))
    found = quarantine(url)
    assert states(url)["deals2.jsonl"] == "rejected"
    assert [(name, row, rule) for name, row, rule, _ in found] == [
        ("LeadObj1.jsonl", row, "versions_come_once") for row in range(101, 110)
    ]


def test_what_was_deleted_does_not_come_back_by_an_old_version(url, tmp_path):
    settings = FilesSettings.model_validate(
        {
            "location": str(tmp_path),
            "entities": {
                "deals": {
                    "format": "jsonl", "pattern": "deals_{date}.jsonl",
                    "key": "id", "changed_at": "at", "deleted": "gone",
                }
            },
        }
    )  # fmt: skip

    def night(day, *records):
        name = f"deals_{DAY + timedelta(days=day)}.jsonl"
        (tmp_path / name).write_text("".join(f"{record}\n" for record in records))
        opened = open_night(url, DAY + timedelta(days=day), "test")
        FilesSource("crm", settings).ingest(url, "deals", opened)
        check_records(url, opened)

    night(0, '{"id": 1, "at": "2024-01-01"}', '{"id": 2, "at": "2024-01-01"}', '{"id": 3, "at": "2024-01-01"}')
    night(
        1, '{"id": 1, "gone": true, "deleted_time": "2024-01-02T00:00:00Z"}', '{"id": 2, "at": "2024-01-02", "gone": 1}'
    )
    back = '{"id": 1, "at": "2024-01-01"}', '{"id": 2, "at": "2024-01-02"}', '{"id": 3, "at": "2024-01-01"}'
    night(2, *back, '{"id": 1, "at": "2024-01-03"}')
    assert [(row, rule) for _, row, rule, _ in quarantine(url)] == [
        (1, "deleted_stays_deleted"), (2, "deleted_stays_deleted"),
    ]  # fmt: skip


def test_lines_that_cannot_be_read_are_quarantined(url, land):
    cities = ["name,code", *(f'"Rome","{number}"' for number in range(40))]
    cities[12] = '"Rome,"12"'
    assert check_records(url, land(cities1=cities)).quarantined == 1
    assert quarantine(url) == [
        ("cities1.csv", 12, "line_is_read", "the line's quoting or number of fields is broken"),
    ]
