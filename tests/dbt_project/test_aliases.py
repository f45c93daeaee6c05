"""Aliases of merged Zoho records: right wherever there are any, and there wherever a merge leaves a trace."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import defaultdict
from datetime import date

import psycopg
import pyarrow.parquet as pq
import pytest

from expectations.raw_gate import check_raw
from kehu.airflow import dbt
from kehu.paths import PROJECT
from kehu.sources.config import load
from kehu.sources.files import FilesSource
from kehu.sources.kinds import settings_of
from kehu.warehouse.landing import Entry, ensure_record_table, next_load_ids, write_ledger
from kehu.warehouse.runs import open_night

MODULES = ("Accounts", "Contacts", "Leads", "Deals", "Cases")
STAGING = ("path:models/staging/zoho_crm",)
MODELS = (*STAGING, "int_zoho_crm_aliases__matched")
LAST_DAY = date(2011, 12, 9)
DAY = date(2024, 3, 5)


def rows(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def aliases(url):
    query = "select module, lost_record_id, kept_record_id, merged_at, evidence from {}"
    return rows(url, query.format("intermediate.int_zoho_crm_aliases__matched"))


@pytest.fixture
def sample(url):
    """A warehouse with the aliases of the sample's newest night."""
    night = open_night(url, LAST_DAY, "test")
    source = FilesSource("zoho_crm", settings_of(load(PROJECT / "sources.yml")["zoho_crm"]))
    for module in MODULES:
        source.ingest(url, module, night)
    check_raw(url, night)
    dbt.build(url, night, MODELS)
    return url


@pytest.fixture(scope="module")
def told():
    """The sample's records as the files list them, by module and id."""
    records = defaultdict(list)
    for module in MODULES:
        for path in sorted((PROJECT / "sample" / "zoho_crm").glob(f"{module}_*.jsonl.gz")):
            for line in gzip.decompress(path.read_bytes()).splitlines():
                record = json.loads(line)
                records[module, record["id"]].append(record)
    return records


@pytest.fixture(scope="module")
def merges():
    """The truth: module and lost id → kept id and time."""
    truth = pq.read_table(PROJECT / "tests" / "data" / "sample_truth" / "merges.parquet").to_pylist()
    found = {
        (row["entity"], row["lost_id"]): (row["kept_id"], row["merged_at"])
        for row in truth
        if row["source"] == "zoho_crm" and row["merged_at"].date() <= LAST_DAY
    }
    assert found
    return found


def values(record):
    """What a record says of itself that hardly anybody shares: its mail, its numbers with the name."""
    name = (record.get("Last_Name") or record.get("Account_Name") or "").lower()
    written = (unicodedata.normalize("NFKC", record.get(field) or "") for field in ("Phone", "Mobile"))
    digits = (re.sub("[^0-9]", "", number)[-9:] for number in written)
    mail = (record.get("Email") or "").strip().lower()
    return {(number, name) for number in digits if len(number) >= 7} | ({mail} if mail else set())


def parents(versions, field):
    """The records that a record was linked to."""
    links = (version.get(field) for version in versions)
    return {link["id"] for link in links if isinstance(link, dict)}


def leaves_a_trace(told, module, lost, kept):
    """Whether children moved from the one record to the other, or both say the same of themselves."""
    field = {"Accounts": "Account_Name", "Contacts": "Contact_Name"}.get(module)
    if field and any({lost, kept} <= parents(versions, field) for versions in told.values()):
        return True
    last = [version for version in told[module, lost] if "_deleted" not in version][-1]
    return any(values(last) & values(version) for version in told[module, kept])


def test_every_alias_of_the_sample_is_right_and_nearly_no_trace_is_missed(sample, told, merges):
    found = {(module, lost): (kept, at) for module, lost, kept, at, _ in aliases(sample)}
    assert {key: merges.get(key) for key in found} == found
    # Some merges of the sample leave none: no children, and nothing but the name in common.
    traced = {key for key, (kept, _) in merges.items() if leaves_a_trace(told, *key, kept)}
    assert len(traced) >= 0.5 * len(merges)
    assert len(traced & found.keys()) >= 0.9 * len(traced)
    assert {evidence for *_, evidence in aliases(sample)} == {"relinked children", "same values"}


def test_an_installation_without_the_crm_has_empty_models(url):
    night = open_night(url, DAY, "test")
    dbt.build(url, night, MODELS)
    assert aliases(url) == []
    types = """
        select column_name, data_type from information_schema.columns
        where table_schema = 'staging' and table_name = 'stg_zoho_crm__deal_versions' order by ordinal_position
    """
    empty = rows(url, types)
    assert rows(url, "select count(*) from staging.stg_zoho_crm__deal_versions") == [(0,)]
    # One of its tables appears: the same columns, and the other models go on without theirs.
    with psycopg.connect(url) as connection:
        ensure_record_table(connection, "raw_zoho_crm", "deals")
    dbt.build(url, night, STAGING)
    assert rows(url, types) == empty


@pytest.fixture
def land(url):
    """Land records of one entity as a load with a status; return its id."""
    run_id = open_night(url, DAY, "test").run_id

    def land(records, status="accepted", name=None, day=None, as_of=DAY):
        with psycopg.connect(url) as connection:
            ensure_record_table(connection, "raw_zoho_crm", "contacts")
            (load_id,) = next_load_ids(connection, 1)
            entry = Entry(load_id, run_id, "zoho_crm", "Contacts", as_of, len(records), name, day, name and "hash")
            write_ledger(connection, [entry])
            connection.execute("update ops.loads set status = %s where load_id = %s", [status, load_id])
            for number, (record_id, fields) in enumerate(records.items(), 1):
                connection.execute(
                    """
                    insert into raw_zoho_crm.contacts
                        (_load_id, _row_number, _record_id, _is_deleted, _changed_at, record)
                    values (%s, %s, %s, %s, %s, %s)
                    """,
                    [load_id, number, record_id, "type" in fields, fields.get("Modified_Time"), json.dumps(fields)],
                )
        return load_id

    return land


def test_only_versions_that_are_known_and_sound_on_the_night_are_staged(url, land):
    one = {"Modified_Time": "2024-03-01T10:00:00+01:00"}
    land({"rejected": one}, status="rejected")
    land({"landed": one}, status="landed")
    land({"later": one}, as_of=date(2024, 3, 6))
    for version in ("first", "second"):
        land({f"{version} of a day": one}, name=f"{version}.jsonl", day=DAY)
    land({"refused version": one}, status="rejected", name="third.jsonl", day=DAY)
    land({"first of a name": one}, name="contacts.jsonl")
    land({"second of a name": one}, name="contacts.jsonl.gz")
    land({"emptied": one}, name="emptied.jsonl")
    land({}, name="emptied.jsonl")
    land({"no file": one})
    bad = land({"no file either": one, "quarantined": one})
    with psycopg.connect(url) as connection:
        for rule in ("a", "b"):
            connection.execute("insert into ops.quarantine values (%s, 2, %s, '', 1)", [bad, rule])
    dbt.build(url, open_night(url, DAY, "test"), STAGING)
    staged = rows(url, "select contact_id from staging.stg_zoho_crm__contact_versions order by 1")
    assert [row[0] for row in staged] == ["no file", "no file either", "second of a day", "second of a name"]


def test_versions_are_trimmed_and_deletions_have_the_time_they_tell(url, land):
    person = {
        "Modified_Time": "2024-03-01T10:00:00+01:00",
        "Last_Name": " Lee ",
        "Email": " ",
        "Account_Name": {"name": "Toys", "id": "7"},
    }
    gone = {"type": "recycle"}
    land(
        {
            "a": person,
            "b": gone | {"deleted_time": "2024-03-02T10:00:00+01:00"},
            "c": gone | {"deleted_time": "yesterday evening"},
            "d": gone,
        }
    )
    dbt.build(url, open_night(url, DAY, "test"), STAGING)
    query = """
        select contact_id, last_name, email, account_id, is_deleted, cast(changed_at at time zone 'UTC' as text)
        from staging.stg_zoho_crm__contact_versions order by 1
    """
    assert rows(url, query) == [
        ("a", "Lee", None, "7", False, "2024-03-01 09:00:00"),
        ("b", None, None, None, True, "2024-03-02 09:00:00"),
        ("c", None, None, None, True, None),
        ("d", None, None, None, True, None),
    ]
