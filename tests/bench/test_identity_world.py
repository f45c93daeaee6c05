"""Which true person or company stands behind a record of the night."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pytest

from bench.identity_world import score_world, world_set

RECORDS = [
    ("shop", "accounts", "7", "anna", None),
    ("shop", "order_lines", "600001", "anna", None),
    ("shop", "order_lines", "600002", None, None),
    ("zoho_crm", "Contacts", "z1", "bea", None),
    ("zoho_crm", "Accounts", "z2", None, "kiln"),
    ("social", "posts", "p1", "bea", None),
    ("social", "reactions", "r1", "anna", None),
    ("social", "mentions", "m1", "anna", None),
]
PEOPLE = [("anna", "home", "kiln", "kiln"), ("bea", "home", "kiln", "mill")]


@pytest.fixture
def truth(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    columns = ["source", "entity", "record_id", "person_id", "company_id"]
    pd.DataFrame(RECORDS, columns=columns).to_parquet(folder / "records.parquet")
    columns = ["person_id", "household_id", "company_id", "company_id_new"]
    pd.DataFrame(PEOPLE, columns=columns).to_parquet(folder / "people.parquet")
    social = tmp_path / "sources" / "social"
    social.mkdir(parents=True)
    post = {"post_id": "p1", "platform": "forum", "handle": "@B1"}
    reactions = {"reaction_id": "r1", "post_id": "p1", "handle": "@a1"}
    mention = {"mention_id": "m1", "platform": "video", "handle": "@b1"}
    for name, row in (("posts", post), ("reactions", reactions), ("mentions", mention)):
        (social / f"{name}_2024-01-01.jsonl").write_text(json.dumps(row) + "\n")
    return folder


def records_of(kind, keys):
    rows = {"kind": [kind] * len(keys), "record_key": keys, "source": [key.split(".")[0] for key in keys]}
    phones = pa.array([["+1"]] * len(keys), pa.list_(pa.string()))
    return pa.table(rows).append_column("phones", phones)


PERSON_KEYS = [
    "shop.accounts:7",
    "shop.orders:600001",
    "shop.orders:600002",
    "web.logins:7/device",
    "zoho_crm.Contacts:z1",
    "social.handles:forum/b1",
]


def test_orders_logins_and_handles_lead_to_their_people(truth):
    labelled = world_set(records_of("person", PERSON_KEYS), truth, "person")
    anna, order, nobody, login, bea, handle = labelled.truth.tolist()
    assert anna == order == login != bea
    assert handle == bea
    assert nobody == -1


def test_a_handle_is_known_by_its_platform_and_of_who_reacts_by_the_posts(truth):
    keys = ["zoho_crm.Contacts:z1", "shop.accounts:7", "social.handles:forum/a1", "social.handles:video/b1"]
    bea, anna, reacting, mentioning = world_set(records_of("person", keys), truth, "person").truth.tolist()
    assert reacting == mentioning == anna != bea


def test_a_person_names_the_company_unless_it_changed(truth):
    keys = ["zoho_crm.Accounts:z2", "shop.accounts:7", "shop.accounts:7#2", "zoho_crm.Contacts:z1"]
    kiln, anna, older, bea = world_set(records_of("company", keys), truth, "company").truth.tolist()
    assert kiln == anna == older
    assert bea == -1


def test_the_world_is_scored_with_and_without_handles(truth):
    customers = ["a", "a", "x", "a", "a", None]
    assignments = pa.table({"kind": ["person"] * 6, "record_key": PERSON_KEYS, "customer_id": customers})
    records = pa.concat_tables([records_of("person", PERSON_KEYS), records_of("company", ["zoho_crm.Accounts:z2"])])
    scores = score_world(records, assignments.slice(0, 5), truth)
    person = scores["person"]
    assert person["unassigned"] == person["records_of_unknown_truth"] == 1
    assert (person["all_records"]["pairs"]["recall"], person["all_records"]["pairs"]["precision"]) == (0.75, 0.5)
    assert person["without_social_handles"]["pairs"]["recall"] == 1.0
    assert person["households"] == {"people": 2, "false_merges": 1, "false_merges_sharing_a_phone": 1}
    assert scores["company"]["unassigned"] == 1
