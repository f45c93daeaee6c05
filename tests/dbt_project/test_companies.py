"""Companies, their people, and consents: which source is believed, and what the night cannot know."""

from __future__ import annotations

from datetime import date

import pytest

from tests.dbt_project.warehouse import Warehouse

NIGHT = date(2024, 6, 10)
RATINGS = ("rating_id", "company_name", "registration_number", "country", "rating", "score", "limit_gbp", "source")
RATINGS += ("rated_on", "valid_until")


def land_ratings(warehouse):
    told = [
        ("R1", "Alpha Old", "x-8", "France", "A", "90", "9000", "Bureau", "2023-01-01", "2023-12-31"),
        ("R2", "Alpha Group", "x-9", "France", "B", "61.5", "500", "Bureau", "2024-01-01", "2024-06-09"),
        ("R3", "Alpha Future", "x-7", "France", "E", "1", "1", "Bureau", "2024-06-11", "2025-06-10"),
        ("R4", "Delta", "", "", "C", "many", "-", "", "soon", "infinity"),
    ]
    warehouse.land_columns("reference", "credit_ratings", [dict(zip(RATINGS, row, strict=True)) for row in told])


def land_accounts(warehouse):
    alpha = {"Account_Name": "Alpha Ltd", "Billing_City": "Paris", "Website": "https://www.alpha.example/x"}
    warehouse.land(
        "zoho_crm",
        "Accounts",
        [
            ("A1", "2024-02-01 10:00", alpha | {"Industry": "Toys"}),
            ("A1", "2024-01-01 10:00", alpha | {"Industry": "Retail"}),
            ("A2", "2024-02-01 10:00", {"Account_Name": "Beta"}),
            ("A3", "2024-03-01 10:00", {"Account_Name": "Beta Deleted"}),
            ("A3", "2024-04-01 10:00", None),
        ],
    )
    warehouse.land("fxiaoke", "AccountObj", [("X1", "2024-01-01 10:00", {"name": "贝塔", "industry_level1": "零售"})])
    warehouse.land(
        "zoho_crm",
        "Leads",
        [
            ("L1", "2024-01-01 10:00", {"Last_Name": "Lee", "Company": "Gamma"}),
            ("L2", "2024-05-01 10:00", {"Last_Name": "Poe", "Company": "GAMMA Ltd"}),
        ],
    )
    warehouse.land(
        "shop",
        "accounts",
        [
            ("7", "2024-02-01 10:00", {"name": "Jo", "company": "Alpha", "job_title": "Clerk"}),
            ("7", "2024-03-01 10:00", {"name": "Jo", "company": "Gamma", "job_title": "Buyer"}),
            ("7", "2024-06-11 10:00", {"name": "Jo", "company": "Beta"}),
            ("8", "2024-02-01 10:00", {"name": "Al", "company": "Gamma", "job_title": "Head"}),
        ],
    )


def consent(status, at, account="7", channel="Mail", **more):
    told = {"account_id": account, "channel": channel, "purpose": "marketing", "status": status, "source": "web_form"}
    return told | {"recorded_at": f"{at}T10:00:00+00:00"} | more


def land_consents(warehouse):
    warehouse.land(
        "consents",
        "consents",
        [
            ("G1", "2024-02-01 10:00", consent("given", "2024-02-01")),
            ("G1", "2024-02-10 10:00", consent("Withdrawn", "2024-02-10", source="unsubscribe_link")),
            ("G2", "2024-02-05 10:00", consent("given", "2024-02-05", "8")),
            ("G2", "2024-02-10 10:00", consent("given", "2024-02-10", "8")),
            ("G2", "2024-03-01 10:00", consent("given", "2024-03-01", "8", source="call_centre")),
            ("G3", "2024-02-01 10:00", consent("given", "2024-02-01", "9", "sms")),
            ("G4", "2024-02-01 10:00", consent("given", "2024-02-01", "9", "post")),
            ("G4", "2024-02-02 10:00", None),
            ("G5", "2024-02-03 10:00", {"status": "maybe", "recorded_at": "x", "channel": " "}),
            ("G6", "2024-06-10 10:00", consent("given", "2024-07-01", "9", "phone")),
            ("G7", "2024-02-01 10:00", consent("given", "2024-02-01", "9", "chat")),
            ("G8", "2024-02-02 10:00", consent("withdrawn", "2024-02-02", "9", "chat")),
            ("G8", "2024-02-03 10:00", None),
        ],
    )
    # Told late: it had never been given.
    warehouse.land("consents", "consents", [("G3", "2024-02-20 10:00", consent("withdrawn", "2024-02-01", "9", "sms"))])


ASSIGNMENTS = {
    "company": {
        "c1": ("reference.credit_ratings:R1", "reference.credit_ratings:R2", "reference.credit_ratings:R3")
        + ("zoho_crm.Accounts:A1", "shop.accounts:7"),
        "c2": ("zoho_crm.Accounts:A2", "zoho_crm.Accounts:A3", "fxiaoke.AccountObj:X1", "shop.accounts:7#3"),
        "c3": ("zoho_crm.Leads:L1", "zoho_crm.Leads:L2", "shop.accounts:7#2", "shop.accounts:8"),
        "c4": ("reference.credit_ratings:R4",),
    },
    "person": {"p7": ("shop.accounts:7", "consents.consents:G1", "consents.consents:G2"), "p8": ("shop.accounts:8",)},
}


@pytest.fixture(scope="module")
def rows(server_url):
    """What a query on the marts ({} is their schema) returns."""
    warehouse = Warehouse(server_url)
    land_ratings(warehouse)
    land_accounts(warehouse)
    land_consents(warehouse)
    for kind, customers in ASSIGNMENTS.items():
        for customer, keys in customers.items():
            values = ", ".join(f"('{kind}', '{key}', '{customer}', '2024-06-01')" for key in keys)
            warehouse.execute(
                f"insert into identity.assignments (kind, record_key, customer_id, valid_from) values {values}"
            )
    warehouse.build_nodes("+dim_companies", "+bridge_company_people", "+fct_consents", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    return lambda query: warehouse.rows(query.format(f"run_{run}"))


def test_each_field_is_what_the_best_source_tells(rows):
    found = rows("""
        select company_id, name, name_source, registration_number, registration_source, country, city, industry, website
        from {}.dim_companies order by 1
    """)
    register = "reference.credit_ratings"
    assert found == [
        ("c1", "Alpha Group", register, "X9", register, "France", "Paris", "Toys", "alpha.example"),
        ("c2", "Beta", "zoho_crm.Accounts", None, None, None, None, "零售", None),
        ("c3", "Gamma", "shop.accounts", None, None, None, None, None, None),
        ("c4", "Delta", register, None, None, None, None, None, None),
    ]


def test_companies_are_counted_and_dated_as_of_the_night(rows):
    found = rows("""
        select company_id, count_records, count_people, count_sources,
            cast(first_known_at as date), cast(last_changed_at as date)
        from {}.dim_companies order by 1
    """)
    day = date.fromisoformat
    assert found == [
        ("c1", 5, 0, 3, day("2023-01-01"), day("2024-02-01")),
        ("c2", 4, 0, 3, day("2024-01-01"), day("2024-02-01")),
        ("c3", 4, 2, 2, day("2024-01-01"), day("2024-05-01")),
        ("c4", 1, 0, 1, None, None),
    ]


def test_the_newest_rating_of_the_night_counts_and_may_have_expired(rows):
    columns = "credit_rating, credit_score, credit_limit_gbp, credit_rating_source, rated_on, valid_until, is_expired"
    found = {row[0]: row[1:] for row in rows(f"select company_id, {columns} from {{}}.dim_companies")}
    nothing = (None,) * 7
    rated = ("B", 61.5, 500, "Bureau", date(2024, 1, 1), date(2024, 6, 9), True)
    assert found == {"c1": rated, "c2": nothing, "c3": nothing, "c4": nothing}


def test_people_belong_to_companies_in_periods(rows):
    found = rows("""
        select company_id, customer_id, title, valid_from, valid_to, is_current, source
        from {}.bridge_company_people order by 2, 4
    """)
    assert found == [
        ("c1", "p7", "Clerk", date(2024, 2, 1), date(2024, 3, 1), False, "shop"),
        ("c3", "p7", "Buyer", date(2024, 3, 1), None, True, "shop"),
        ("c3", "p8", "Head", date(2024, 2, 1), None, True, "shop"),
    ]


def test_the_newest_word_of_all_a_customers_consents_counts(rows):
    found = rows("""
        select customer_id, account_id, channel, purpose, status, cast(valid_from as date), cast(valid_to as date),
            is_current, source
        from {}.fct_consents order by 1 nulls last, 2 nulls last, valid_from, channel
    """)
    mail, day = ("p7", None, "mail", "marketing"), date.fromisoformat
    assert found == [
        (*mail, "given", day("2024-02-01"), day("2024-02-10"), False, "web_form"),
        (*mail, "withdrawn", day("2024-02-10"), day("2024-03-01"), False, "unsubscribe_link"),
        (*mail, "given", day("2024-03-01"), None, True, "call_centre"),
        (None, "9", "chat", "marketing", "given", day("2024-02-01"), day("2024-02-02"), False, "web_form"),
        (None, "9", "sms", "marketing", "withdrawn", day("2024-02-01"), None, True, "web_form"),
        (None, "9", "chat", "marketing", "withdrawn", day("2024-02-02"), None, True, "web_form"),
        (None, None, "unknown", "unknown", "unknown", day("2024-02-03"), None, True, None),
    ]


def test_each_version_of_a_consent_counts_or_says_why(rows):
    classified = "intermediate.int_consents__classified"
    assert rows(f"select count(*) from {classified}") == rows("select count(*) from raw_consents.consents")
    reasons = rows(
        f"select consent_id, exclusion_reason from {classified} where exclusion_reason is not null order by 1, 2"
    )
    assert reasons == [
        ("G2", "overruled"),
        ("G3", "corrected"),
        ("G4", "deleted"),
        ("G4", "deletion"),
        ("G6", "dated_after_night"),
        ("G8", "deletion"),
    ]
