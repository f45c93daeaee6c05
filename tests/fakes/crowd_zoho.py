"""A made-up Zoho tenant."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.dice import Crowd
from tests.fakes.people import person
from tests.fakes.zoho import FakeZoho


def fill_zoho(
    fake: FakeZoho,
    contacts: int = 5_000,
    accounts: int = 800,
    leads: int = 1_000,
    deals: int = 1_200,
    cases: int = 900,
    products: int = 60,
    campaigns: int = 12,
    wide: int = 0,
    seed: int = 7,
) -> dict[str, list[str]]:
    """Records of all modules, `wide` custom fields on Contacts; returns the ids by module."""
    crowd = Crowd(seed)
    if wide:
        fake.widen("Contacts", wide)
    ids: dict[str, list[str]] = {}
    ids["Campaigns"] = [_campaign(fake, crowd, number) for number in range(campaigns)]
    ids["Products"] = [_product(fake, crowd, number) for number in range(products)]
    ids["Accounts"] = [_account(fake, crowd, number) for number in range(accounts)]
    ids["Contacts"] = [_contact(fake, crowd, number, ids["Accounts"]) for number in range(contacts)]
    ids["Leads"] = [_lead(fake, crowd, contacts + number) for number in range(leads)]
    ids["Deals"] = [_deal(fake, crowd, number, ids) for number in range(deals)]
    ids["Cases"] = [_case(fake, crowd, number, ids) for number in range(cases)]
    return ids


def _campaign(fake: FakeZoho, crowd: Crowd, number: int) -> str:
    record = {
        "Campaign_Name": f"Season {number}",
        "Type": "Email",
        "Status": "Active",
        "Start_Date": str(crowd.day().date()),
    }
    return fake.add("Campaigns", record | {"Budgeted_Cost": crowd.money(), "Num_sent": 1000 + number} | stamps(crowd))


def _product(fake: FakeZoho, crowd: Crowd, number: int) -> str:
    record = {"Product_Name": f"Thing {number}", "Product_Code": f"T{number:05d}", "Product_Active": number % 9 != 0}
    return fake.add("Products", record | {"Unit_Price": crowd.money(500), "Tax": ["VAT"]} | stamps(crowd))


def _account(fake: FakeZoho, crowd: Crowd, number: int) -> str:
    someone = person(number, crowd.seed)
    record = {
        "Account_Name": f"{someone.last} & {crowd.dice.choice(('Sons', 'Partners', 'Company'))} {number}",
        "Phone": someone.phone,
        "Website": f"https://company-{number}.example",
        "Industry": crowd.dice.choice(("Retail", "Travel", "Food", None)),
        "Annual_Revenue": crowd.money(),
        "Employees": crowd.dice.randrange(1, 500),
        "Billing_City": someone.city,
    }
    return fake.add("Accounts", record | stamps(crowd))


def _contact(fake: FakeZoho, crowd: Crowd, number: int, accounts: list[str]) -> str:
    someone = person(number, crowd.seed)
    record = {
        "First_Name": someone.first,
        "Last_Name": someone.last,
        "Email": someone.email,
        "Phone": someone.phone,
        "Mobile": someone.mobile if number % 3 else None,
        "Date_of_Birth": str(someone.born),
        "Mailing_City": someone.city,
        "Email_Opt_Out": number % 11 == 0,
        "Account_Name": crowd.some(accounts),
        "Tag": [{"name": "regular", "id": "5725767000000000077"}] if number % 5 == 0 else [],
    }
    return fake.add("Contacts", record | stamps(crowd))


def _lead(fake: FakeZoho, crowd: Crowd, number: int) -> str:
    someone = person(number, crowd.seed)
    converted = crowd.dice.random() < 0.2
    record = {
        "First_Name": someone.first,
        "Last_Name": someone.last,
        "Company": f"Company {number}",
        "Email": someone.email,
        "Lead_Source": crowd.dice.choice(("Web", "Fair", "Call")),
        "Lead_Status": "Contacted",
        "Converted__s": converted,
    }
    return fake.add("Leads", record | stamps(crowd), converted=converted)


def _deal(fake: FakeZoho, crowd: Crowd, number: int, ids: dict[str, list[str]]) -> str:
    record = {
        "Deal_Name": f"Deal {number}",
        "Stage": crowd.dice.choice(("Qualification", "Proposal", "Closed Won", "Closed Lost")),
        "Amount": crowd.money(),
        "Closing_Date": str(crowd.day().date()),
        "Account_Name": crowd.some(ids["Accounts"]),
        "Contact_Name": crowd.some(ids["Contacts"]),
        "Campaign_Source": crowd.some(ids["Campaigns"], 0.3),
    }
    return fake.add("Deals", record | stamps(crowd))


def _case(fake: FakeZoho, crowd: Crowd, number: int, ids: dict[str, list[str]]) -> str:
    record = {
        "Case_Number": str(100_000 + number),
        "Subject": f"Question {number}",
        "Status": crowd.dice.choice(("New", "On Hold", "Closed")),
        "Priority": crowd.dice.choice(("High", "Medium", "Low")),
        "Case_Origin": crowd.dice.choice(("Email", "Phone", "Web")),
        "Related_To": crowd.some(ids["Contacts"]),
        "Product_Name": crowd.some(ids["Products"], 0.4),
    }
    return fake.add("Cases", record | stamps(crowd))


def stamps(crowd: Crowd) -> dict[str, datetime]:
    created, modified = crowd.times()
    return {"Created_Time": created, "Modified_Time": modified}
