from __future__ import annotations

from ml.identity.link import link
from tests.ml.identity.worlds import customers, sets, world

FIRM = {
    "company": "amber textiles",
    "registration": "12345678",
    "websites": ["amber.example"],
    "phones": ["+49301234567"],
    "company_city": "berlin",
    "country": "DE",
}


def firms(model=None, **rows):
    return customers(link(world(**rows), kind="company", model=model))


def test_companies_with_one_registration_are_one_whatever_they_are_called():
    assert firms(a=FIRM, b={"company": "bernstein", "registration": "12345678"}) == sets("ab")


def test_companies_with_one_name_and_website_are_one(company_model):
    other = {"company": "amber textiles", "websites": ["amber.example"]}
    assert firms(company_model, a=FIRM, b=other) == sets("ab")


def test_companies_that_share_an_office_are_not_one(company_model):
    other = {
        "company": "quick couriers",
        "registration": "87654321",
        "phones": FIRM["phones"],
        "company_city": "berlin",
        "country": "DE",
    }
    assert firms(company_model, a=FIRM, b=other) == sets("a", "b")


def test_companies_that_share_a_website_alone_are_not_one(company_model):
    other = {"company": "quick couriers", "websites": FIRM["websites"], "company_city": "berlin", "country": "DE"}
    assert firms(company_model, a=FIRM, b=other) == sets("a", "b")


def test_namesakes_with_other_registrations_are_not_one(company_model):
    other = {"company": "amber textiles", "registration": "87654321", "company_city": "wien", "country": "AT"}
    assert firms(company_model, a=FIRM, b=other) == sets("a", "b")


def test_a_chain_of_shared_contacts_does_not_join_its_ends(company_model):
    agency = {"company": "amber textiles", "websites": ["amber.example"], "phones": ["+49309999999"]}
    other = {"company": "quick couriers", "registration": "87654321", "phones": ["+49309999999"], "country": "DE"}
    found = firms(company_model, a=FIRM, b=agency, c=other)
    assert not any({"a", "c"} <= keys for keys in found)
