"""What identity compares: one row per record, the values of all its versions, and the keys that tell who it is."""

from __future__ import annotations

from datetime import date

import pytest

from kehu.paths import PROJECT
from tests.dbt_project.warehouse import DAY, Warehouse, line

LAYERS = ("build_staging", "build_identity", "build_intermediate")


def requester(name=None, email=None, phone=None):
    return {"name": name, "email": email, "phone": phone}


def land_shop(warehouse):
    lines = [line("1", "7", "2024-03-01 11:00:00"), line("1", "7"), line("C1", "7"), line("2", None)]
    warehouse.land_columns("shop", "order_lines", [*lines, line("3", "7"), line("3", "8")], DAY)
    account = {
        "name": "Jo Lee",
        "email": "new@x.example",
        "phone": "2",
        "country": "France",
        "birth_date": "1980-01-02",
    }
    address = {"street": "1 Elm Road", "city": "Paris", "postcode": "75001"}
    warehouse.land(
        "shop",
        "accounts",
        [
            ("7", "2024-03-02 10:00", account | {"address": address, "company": "Alpha", "job_title": "Head"}),
            ("7", "2024-03-01 10:00", {"name": "J. Lee", "email": "old@x.example", "phone": "1", "company": "Beta"}),
            ("7", "2024-02-01 10:00", {"name": "J. Lee", "email": "new@x.example", "phone": " ", "company": "ALPHA"}),
        ],
    )
    fields = {"account_id": "7", "email": "new@x.example", "phone": None}
    warehouse.land("consents", "consents", [("G1", "2024-03-01 10:00", fields)])


def land_crm(warehouse):
    person = {"Last_Name": "Lee", "First_Name": "Jo", "Email": "jo@x.example", "Secondary_Email": "lee@x.example"}
    firm = {"Account_Name": {"id": "a1", "name": "Alpha Ltd"}}
    contacts = [
        ("lost", "2024-02-01 10:00", person | firm | {"Mobile": "1", "Phone": "2", "Title": "Clerk"}),
        ("kept", "2024-02-01 10:00", {"Last_Name": "Lee", "Full_Name": "J. Lee"}),
        ("gone", "2024-02-01 10:00", person),
        ("lost", "2024-03-01 10:00", None),
        ("gone", "2024-02-20 10:00", None),
    ]
    warehouse.land("zoho_crm", "Contacts", contacts)
    cases = [
        ("k1", "2024-02-02 10:00", {"Contact_Name": {"id": "lost"}}),
        ("k1", "2024-03-01 10:00", {"Contact_Name": {"id": "kept"}, "Order_Number": "1"}),
    ]
    warehouse.land("zoho_crm", "Cases", cases)
    site = {
        "Account_Name": "Alpha Ltd",
        "Website": "HTTPS://www.Alpha.example:443/shop?x=1",
        "Registration_Number": "9",
    }
    warehouse.land("zoho_crm", "Accounts", [("a1", "2024-02-01 10:00", site)])
    warehouse.land("zoho_crm", "Deals", [("d1", "2024-02-01 10:00", {"Account_Name": {"id": "a1"}})])
    warehouse.land("fxiaoke", "AccountObj", [("f1", "2024-02-01 10:00", {"name": "恒飞", "url": "alpha.example"})])
    told = {"name": "王伟", "mobile1": "1", "tel1": "2", "mobile3": "3", "account_id": "f1"}
    warehouse.land("fxiaoke", "ContactObj", [("w", "2024-02-01 10:00", told), ("v", "2024-02-01 10:00", {"name": "V"})])
    warehouse.land("fxiaoke", "ContactObj", [("v", "2024-02-02 10:00", None)])
    activities = [
        ("s1", "2024-02-01 10:00", {"related_object": "ContactObj", "related_object_data": "w"}),
        ("s2", "2024-02-01 10:00", {"related_object": "AccountObj", "related_object_data": "f1"}),
        ("s3", "2024-02-01 10:00", {"related_object": "ProductObj", "related_object_data": "p"}),
    ]
    warehouse.land("fxiaoke", "ActiveRecordObj", activities)


def land_voices(warehouse):
    at = "2024-03-01 10:00"
    warehouse.land(
        "support", "tickets", [("T1", at, {"requester": requester("Jo", "jo@x.example"), "order_number": "C1"})]
    )
    warehouse.land("support", "visits", [("V1", at, {"requester": requester("Jo"), "company": "Alpha"})])
    warehouse.land("surveys", "csat", [("S1", at, {"subject_id": "T1", "name": None})])
    warehouse.land("surveys", "nps", [("N1", at, {"order_number": "1"}), ("N2", at, {"score": 3})])
    answers = [("M1", at, {"country": "France"}), ("M2", at, {"country": "France", "email": "jo@x.example"})]
    warehouse.land("surveys", "market_research", answers)
    login = {"anonymousId": "d1", "userId": "7", "traits": {"email": "a@x.example"}}
    events = [
        ("e1", "2024-03-01 10:00", login),
        ("e2", "2024-03-02 10:00", login | {"traits": {"email": "b@x.example"}}),
        ("e3", "2024-02-01 10:00", {"anonymousId": "d1", "userId": "7"}),
        ("e4", at, {"anonymousId": "d1"}),
        ("e5", at, login | {"userId": "8", "traits": None}),
    ]
    warehouse.land("web", "events", events)
    posts = [
        ("B1", "2024-02-01 10:00", {"platform": "forum", "handle": "@Jo", "display_name": "Jo Lee"}),
        ("B2", "2024-02-02 10:00", {"platform": "forum", "handle": "jo", "display_name": "JO"}),
        ("B3", "2024-02-02 10:00", {"platform": "video", "handle": "@jo", "display_name": "jo"}),
    ]
    warehouse.land("social", "posts", posts)
    warehouse.land("social", "mentions", [("Q1", at, {"platform": "forum", "handle": "@jo"})])
    reactions = [
        ("X1", "2024-01-01 10:00", {"post_id": "B1", "handle": "@ann"}),
        ("X2", "2024-01-01 10:00", {"post_id": "B9", "handle": "@ann"}),
    ]
    warehouse.land("social", "reactions", reactions)


@pytest.fixture(scope="module")
def world(server_url):
    """Every source with the smallest records that tell its rules apart, built up to identity's input."""
    warehouse = Warehouse(server_url)
    land_shop(warehouse)
    land_crm(warehouse)
    land_voices(warehouse)
    rating = {"rating_id": "R1", "company_name": "Alpha", "registration_number": "9", "country": "France"}
    warehouse.land_columns("reference", "credit_ratings", [rating | {"rated_on": "2024-01-02"}])
    warehouse.build("build_staging")
    return warehouse


def test_mails_and_phones_are_those_of_all_versions_and_the_rest_of_the_newest(world):
    columns = "name_raw, mails_raw, phones_raw, country, birth_raw, street_raw, city_raw, postcode_raw, title"
    told = world.values(columns, "kind = 'person' and source = 'shop' and entity = 'accounts'")
    mails = ["new@x.example", "old@x.example"]
    assert told == {
        "shop.accounts:7": ["Jo Lee", mails, ["2", "1"], "France", "1980-01-02", "1 Elm Road", "Paris", "75001", "Head"]
    }
    (times,) = world.rows("""
        select cast(known_at at time zone 'UTC' as text), cast(company_since at time zone 'UTC' as text)
        from intermediate.int_identity_values where kind = 'person' and record_key = 'shop.accounts:7'
    """)
    assert times == ("2024-02-01 10:00:00", "2024-03-02 10:00:00")


def test_parts_of_a_name_are_told_apart_and_several_numbers_kept(world):
    told = world.values("name_raw, mails_raw, phones_raw, company_raw", "kind = 'person' and entity like 'Contact%'")
    assert told == {
        "fxiaoke.ContactObj:w": ["王伟", [], ["1", "3", "2"], "恒飞"],
        "zoho_crm.Contacts:kept": ["J. Lee", [], [], None],
        "zoho_crm.Contacts:lost": ["Lee, Jo", ["jo@x.example", "lee@x.example"], ["1", "2"], "Alpha Ltd"],
    }


KEYS = {
    "shop.accounts:7": ["shop.account:7"],
    "shop.orders:1": ["shop.order:1", "shop.account:7"],
    "shop.orders:C1": ["shop.order:1", "shop.account:7"],
    "shop.orders:3": ["shop.order:3"],  # two accounts: neither
    "consents.consents:G1": ["shop.account:7"],
    "zoho_crm.Contacts:kept": ["zoho_crm.contact:kept"],
    "zoho_crm.Contacts:lost": ["zoho_crm.contact:lost", "zoho_crm.contact:kept"],
    "zoho_crm.Cases:k1": ["zoho_crm.contact:kept", "shop.order:1"],
    "fxiaoke.ContactObj:w": ["fxiaoke.contact:w"],
    "fxiaoke.ActiveRecordObj:s1": ["fxiaoke.contact:w"],
    "support.tickets:T1": ["support.ticket:T1", "shop.order:1"],
    "support.visits:V1": [],
    "surveys.csat:S1": ["support.ticket:T1"],
    "surveys.nps:N1": ["shop.order:1"],
    "surveys.market_research:M2": [],
    "web.logins:7/d1": ["shop.account:7"],
    "web.logins:8/d1": ["shop.account:8"],
    "social.handles:forum/jo": ["social.handle:jo"],
    "social.handles:video/jo": ["social.handle:jo"],
    "social.handles:forum/ann": ["social.handle:ann"],
    "social.handles:/ann": ["social.handle:ann"],
}


def test_every_record_of_a_person_has_one_row_with_its_strong_keys(world):
    assert {key: keys for key, (keys,) in world.values("keys", "kind = 'person'").items()} == KEYS


def test_logins_and_handles_gather_what_their_rows_say(world):
    told = world.values("mails_raw, devices, cast(known_at at time zone 'UTC' as date)", "source = 'web'")
    assert told["web.logins:7/d1"] == [["b@x.example", "a@x.example"], ["d1"], date(2024, 2, 1)]
    assert told["web.logins:8/d1"] == [[], ["d1"], date(2024, 3, 1)]
    told = world.values("name_raw", "source = 'social' and record_id like '%jo'")
    assert told == {"social.handles:forum/jo": ["Jo Lee"], "social.handles:video/jo": [None]}


def test_companies_have_rows_of_their_own_and_one_for_each_mention(world):
    told = world.values("company_raw, registration_raw, websites, keys, country", "kind = 'company'")
    assert told == {
        "zoho_crm.Accounts:a1": ["Alpha Ltd", "9", ["alpha.example"], ["zoho_crm.account:a1"], None],
        "zoho_crm.Deals:d1": [None, None, [], ["zoho_crm.account:a1"], None],
        "zoho_crm.Contacts:lost": ["Alpha Ltd", None, [], ["zoho_crm.account:a1"], None],
        "fxiaoke.AccountObj:f1": ["恒飞", None, ["alpha.example"], ["fxiaoke.account:f1"], None],
        "fxiaoke.ActiveRecordObj:s2": [None, None, [], ["fxiaoke.account:f1"], None],
        "fxiaoke.ContactObj:w": ["恒飞", None, [], ["fxiaoke.account:f1"], None],
        "reference.credit_ratings:R1": ["Alpha", "9", [], [], "France"],
        "shop.accounts:7": ["Alpha", None, [], [], "France"],
        "shop.accounts:7#2": ["Beta", None, [], [], None],
        "support.visits:V1": ["Alpha", None, [], [], None],
    }


def test_an_installation_that_reads_nothing_has_no_records(server_url):
    warehouse = Warehouse(server_url)
    warehouse.build(*LAYERS)
    assert warehouse.rows("select count(*) from intermediate.int_identity_records") == [(0,)]


def test_records_are_the_values_by_way_of_the_dictionaries_until_those_are_forgotten(server_url):
    warehouse = Warehouse(server_url)
    fields = {"name": "Jo Lee", "country": "France", "company": "Alpha"}
    versions = [
        ("1", "2024-02-01 10:00", fields | {"email": "b@x.example", "phone": "22"}),
        ("1", "2024-02-02 10:00", fields | {"email": "a@x.example", "phone": "none"}),
        ("2", "2024-02-02 10:00", {"name": "Jo Lee", "phone": "22", "address": {"street": "Elm", "city": "Elm"}}),
    ]
    warehouse.land("shop", "accounts", versions)
    warehouse.build("build_staging")
    warehouse.execute("""
        insert into identity.normal_names values ('Jo Lee', 'jo', 'lee', 'jo lee', 'leejo', null);
        insert into identity.normal_mails values ('a@x.example', 'a@x.example'), ('b@x.example', 'b@x.example');
        insert into identity.normal_phones values ('22', 'France', '+3322'), ('22', '', '+022');
        insert into identity.normal_phones values ('none', 'France', null);
        insert into identity.normal_companies values ('Alpha', 'alpha', 'paris');
        insert into identity.normal_addresses values ('Elm', 'street', 'elm street'), ('Elm', 'city', 'elm town');
    """)
    warehouse.build("build_identity")
    records = "select {} from intermediate.int_identity_records order by kind, record_key"
    columns = "kind, record_id, name_key, mails, domains, phones, street, city, company, company_city"
    mails = ["a@x.example", "b@x.example"]
    assert warehouse.rows(records.format(columns)) == [
        ("company", "1", None, [], ["x.example"], [], None, None, "alpha", "paris"),
        ("person", "1", "jo lee", mails, [], ["+3322"], None, None, "alpha", "paris"),
        ("person", "2", "jo lee", [], [], ["+022"], "elm street", "elm town", None, None),
    ]
    hashes = warehouse.rows(records.format("content_hash"))
    assert len(set(hashes)) == 3
    # A version that says the same changes nothing; another word does.
    warehouse.land("shop", "accounts", [("2", "2024-02-03 10:00", versions[2][2])])
    warehouse.land("shop", "accounts", [("1", "2024-02-03 10:00", versions[0][2] | {"job_title": "Head"})])
    warehouse.build("build_staging", "build_identity")
    again = warehouse.rows(records.format("content_hash"))
    assert [old == new for old, new in zip(hashes, again, strict=True)] == [True, False, True]
    # What an older normaliser made of a value goes by the statements of docs/identity.md, and by nothing less.
    text = (PROJECT / "docs/identity.md").read_text().split("## Values that come out wrong")[1].split("```")[1]
    for forget, mail in ((text.splitlines()[1], "a@x.example"), (text, "new@x.example")):
        warehouse.execute(forget)
        warehouse.execute(
            "insert into identity.normal_mails values ('a@x.example', 'new@x.example'), ('b@x.example', 'b@x.example')"
        )
        warehouse.build("build_identity")
        told = "select mails from intermediate.int_identity_records where kind = 'person' and record_id = '1'"
        assert warehouse.rows(told) == [([*sorted([mail, "b@x.example"])],)]
