"""Who is who: every record has one truth, and the traps for a matcher are there."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from datetime import datetime

import pandas as pd
import pytest

from tests.world.conftest import World
from world.layout import ENTITIES, INVOICE_KEY, Entity

MAIL = re.compile(r"[^\s\"<>@]+@([^\s\"<>@]+)")
EXAMPLE = re.compile(r"([\w-]+\.)*example(\.(com|org|net))?")


def key_of(entity: Entity) -> str:
    return entity.key or INVOICE_KEY


def test_every_record_is_in_the_truth_once_and_every_truth_has_a_record(world: World):
    truth = world.truth("records")
    assert not truth.duplicated(["source", "entity", "record_id"]).any()
    for entity in ENTITIES:
        told = truth[(truth["source"] == entity.source) & (truth["entity"] == entity.name)]
        if entity.tells_of == "nobody":
            assert told.empty
            continue
        written = {str(row[key_of(entity)]) for _, row in world.rows[entity.source, entity.name]}
        assert set(told["record_id"]) == written, entity
        if entity.tells_of == "company":
            assert told["company_id"].notna().all()
        elif entity.name != "order_lines":  # guests' invoices belong to nobody known
            assert told["person_id"].notna().all(), entity


def test_sources_never_name_what_the_truth_names(world: World):
    for rows in world.rows.values():
        assert not re.search(r"(person|company|household)-\d{6}", json.dumps([row for _, row in rows]))


def test_mails_are_at_example_domains_only(world: World):
    domains = {
        domain.lower()
        for rows in world.rows.values()
        for domain in MAIL.findall(json.dumps([row for _, row in rows], ensure_ascii=False))
    }
    assert len(domains) > 50
    assert not {domain for domain in domains if not EXAMPLE.fullmatch(domain)}


def accounts(world: World) -> pd.DataFrame:
    rows = pd.DataFrame([row for _, row in world.rows["shop", "accounts"]])
    truth = world.truth("records").query("source == 'shop' and entity == 'accounts'")
    people = world.truth("people")[["person_id", "household_id", "full_name"]]
    return rows.merge(truth, left_on="account_id", right_on="record_id").merge(people, on="person_id")


def test_people_of_a_household_share_phones_and_namesakes_share_an_address(world: World):
    rows = accounts(world).dropna(subset=["phone"])
    rows = rows[rows["phone"].str.replace(r"\D", "", regex=True).str.len() > 9]
    sharing = rows.groupby("phone").agg(people=("person_id", "nunique"), homes=("household_id", "nunique"))
    assert (sharing.query("homes == 1")["people"] > 1).sum() > 10
    people = world.truth("people")
    assert people.duplicated(["household_id", "full_name"]).any()


def test_colleagues_share_a_switchboard(world: World):
    phones = defaultdict(set)
    for _, row in world.rows["zoho_crm", "Contacts"]:
        if row.get("Phone") and "@" in (row.get("Email") or ""):
            phones[re.sub(r"\D", "", row["Phone"])[-9:]].add(row["Email"].lower().strip())
    assert max(len(mails) for mails in phones.values()) >= 2


def test_a_person_has_several_records_and_several_ways_to_write_the_name(world: World):
    rows = accounts(world)
    assert (rows.groupby("person_id")["account_id"].nunique() > 1).sum() > 20
    chinese = rows[rows["full_name"].str.contains(r"[\u4e00-\u9fff]")]
    in_latin = chinese["name"].str.fullmatch(r"[A-Za-z .,\-]+")
    assert 0.05 < in_latin.mean() < 0.5
    sources = world.truth("records").groupby("person_id")["source"].nunique()
    assert (sources >= 4).sum() > 200


@pytest.mark.parametrize("placeholder", ["0000000000", "test@example.com", "N/A", "1900-01-01"])
def test_placeholders_are_sprinkled_over_different_people(world: World, placeholder: str):
    told = ["shop", "zoho_crm", "fxiaoke"]
    hits = sum(
        f'"{placeholder}"' in json.dumps(row)
        for (source, _), rows in world.rows.items()
        if source in told
        for _, row in rows
    )
    assert hits >= 3


def test_late_rows_duplicates_and_corrections_exist(world: World):
    late = sum(row["timestamp"][:10] < day for day, row in world.rows["web", "events"])
    counts = Counter(json.dumps(row) for _, row in world.rows["web", "events"])
    twice = sum(count > 1 for count in counts.values())
    versions = {(row["account_id"], row["updated_at"]) for _, row in world.rows["shop", "accounts"]}
    corrected = sum(count > 1 for count in Counter(account for account, _ in versions).values())
    assert late > 50
    assert twice > 20
    assert corrected > 100


@pytest.mark.parametrize(("source", "entity"), [("zoho_crm", "Contacts"), ("fxiaoke", "ContactObj")])
def test_merged_records_are_deleted_and_their_children_follow(world: World, source: str, entity: str):
    key = "id" if source == "zoho_crm" else "_id"
    merges = world.truth("merges").query("source == @source and entity == @entity")
    assert len(merges) > 3
    truth = world.truth("records").query("source == @source and entity == @entity").set_index("record_id")["person_id"]
    deleted = {row[key] for _, row in world.rows[source, entity] if row.get("_deleted") or row.get("is_deleted")}
    for merge in merges.itertuples():
        assert truth[merge.lost_id] == truth[merge.kept_id]
        assert merge.lost_id in deleted
        assert merge.kept_id not in deleted


CHILDREN = {
    ("zoho_crm", "Accounts"): (("Contacts", "Account_Name"), ("Deals", "Account_Name")),
    ("zoho_crm", "Contacts"): (("Cases", "Contact_Name"),),
    ("fxiaoke", "AccountObj"): (("ContactObj", "account_id"), ("NewOpportunityObj", "account_id")),
    ("fxiaoke", "ContactObj"): (("CasesObj", "contact_id"), ("ActiveRecordObj", "related_object_data")),
}


@pytest.mark.parametrize(("source", "parent"), list(CHILDREN))
def test_newest_versions_never_point_to_a_record_that_was_merged_away(world: World, source: str, parent: str):
    key, changed_at = ("id", "Modified_Time") if source == "zoho_crm" else ("_id", "last_modified_time")
    lost = set(world.truth("merges").query("source == @source and entity == @parent")["lost_id"])
    for entity, field in CHILDREN[source, parent]:
        rows = [row for _, row in world.rows[source, entity] if not row.get("_deleted")]
        newest = {row[key]: row for row in sorted(rows, key=lambda row: row[changed_at])}
        links = [
            row[field]["id"] if isinstance(row[field], dict) else row[field]
            for row in newest.values()
            if row.get(field)
        ]
        assert len(links) > 5
        assert not lost & set(links), entity


def test_some_deleted_records_come_back(world: World):
    times = defaultdict(list)
    for name in ("Contacts", "Accounts", "Leads"):
        for _, row in world.rows["zoho_crm", name]:
            is_deletion = bool(row.get("_deleted"))
            times[row["id"]].append((row["deleted_time"] if is_deletion else row["Modified_Time"], is_deletion))
    last = {record: sorted(history)[-1][1] for record, history in times.items()}
    has_deletion = {record for record, history in times.items() if any(deleted for _, deleted in history)}
    assert any(not last[record] for record in has_deletion)
    assert any(last[record] for record in has_deletion)


def test_crm_rows_have_the_shapes_the_connectors_read(world: World):
    for name in ("Contacts", "Accounts", "Leads", "Deals", "Cases"):
        for _, row in world.rows["zoho_crm", name]:
            assert re.fullmatch(r"\d{18}", row["id"])
            if not row.get("_deleted"):
                assert datetime.fromisoformat(row["Modified_Time"]).utcoffset().total_seconds() == 0
                assert set(row["Owner"]) == {"name", "id", "email"}
    for name in ("AccountObj", "ContactObj", "LeadsObj", "NewOpportunityObj", "CasesObj", "ActiveRecordObj"):
        for _, row in world.rows["fxiaoke", name]:
            assert re.fullmatch(r"[0-9a-f]{24}", row["_id"])
            assert None not in row.values()
            assert isinstance(row["owner"], list)
            assert row["last_modified_time"] >= row["create_time"] > 1_000_000_000_000
            assert not any(isinstance(v, float) for v in row.values())


def test_consents_change_and_name_their_channel(world: World):
    versions = defaultdict(set)
    for _, row in world.rows["consents", "consents"]:
        versions[row["consent_id"]].add(row["status"])
        assert row["channel"] in {"mail", "phone", "sms", "post", "personalisation"}
    assert sum(statuses == {"given", "withdrawn"} for statuses in versions.values()) > 50


def test_visitors_are_anonymous_until_they_log_in_and_share_devices(world: World):
    events = pd.DataFrame([row for _, row in world.rows["web", "events"]])
    assert 0.2 < events["userId"].isna().mean() < 0.8
    known = events.dropna(subset=["userId"])
    assert (known.groupby("anonymousId")["userId"].nunique() > 1).sum() > 10
    assert set(events["type"]) == {"page", "track", "identify"}
    assert events["context"].map(lambda c: c["ip"]).str.match(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$").all()
