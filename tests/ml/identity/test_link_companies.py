from __future__ import annotations

import numpy as np
import pytest

from ml.identity.link import link
from ml.identity.model import Model
from ml.identity.settings import load
from tests.ml.identity.worlds import customers, sets, table_of, world

FIRM = {
    "company": "amber textiles",
    "registration": "12345678",
    "domains": ["amber.example"],
    "phones": ["+49301234567"],
    "company_city": "berlin",
    "country": "DE",
}


SHOP = {"company": "云腾商贸", "company_city": "xian", "country": "CN"}


@pytest.fixture(scope="module")
def chinese_model() -> Model:
    """A model of companies: 400 Chinese and 200 others, with spellings and short forms of their names."""
    random = np.random.default_rng(4)
    rows = []
    for n in range(600):
        brand = "".join(random.choice(list("瑞恒华盛鸿嘉金联博安泰宏远"), 2))
        trade = random.choice(["贸易", "食品", "科技"])
        name = "".join(random.choice(list("abdefgiklmnoprstu"), 12))
        names = [brand + trade, brand + trade, brand] if n < 400 else [name, name, name[:9] + "x" + name[9:]]
        known = {"registration": f"{random.integers(10**7, 10**8)}", "country": "CN" if n < 400 else "DE"}
        known |= {"company_city": f"town {random.integers(15)}"} if n < 400 else {}
        known |= {"domains": [f"c{n}.example"]} if n % 2 else {}
        rows += [{"record_key": f"c:{n}:{i}", "company": written, **known} for i, written in enumerate(names)]
    trained = link(table_of(rows), kind="company").model
    assert trained is not None
    return trained


def firms(model=None, **rows):
    return customers(link(world(**rows), kind="company", model=model))


def test_companies_with_one_registration_are_one_whatever_they_are_called():
    assert firms(a=FIRM, b={"company": "bernstein", "registration": "12345678"}) == sets("ab")


def test_companies_with_one_name_and_website_are_one(company_model):
    other = {"company": "amber textiles", "domains": ["amber.example"]}
    assert firms(company_model, a=FIRM, b=other) == sets("ab")


def test_many_records_that_only_name_an_employer_are_one_whatever_the_cap_of_blocks(company_model):
    """Two hundred people wrote where they work: none of these records needs comparing with another."""
    rows = {f"m{n:03}": {"company": "amber textiles", "company_city": "berlin"} for n in range(200)}
    linked = link(world(a=FIRM, **rows), kind="company", model=company_model)
    assert len(customers(linked)) == 1
    assert linked.counts["units"] == 2
    others = {f"o{n:03}": {"company": "amber textiles", "company_city": "wien"} for n in range(200)}
    assert len(customers(link(world(**rows, **others), kind="company"))) == 2


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
    other = {"company": "quick couriers", "domains": FIRM["domains"], "company_city": "berlin", "country": "DE"}
    assert firms(company_model, a=FIRM, b=other) == sets("a", "b")


def test_namesakes_with_other_registrations_are_not_one(company_model):
    other = {"company": "amber textiles", "registration": "87654321", "company_city": "wien", "country": "AT"}
    assert firms(company_model, a=FIRM, b=other) == sets("a", "b")


def test_a_chain_of_shared_contacts_does_not_join_its_ends(company_model):
    agency = {"company": "amber textiles", "domains": ["amber.example"], "phones": ["+49309999999"]}
    other = {"company": "quick couriers", "registration": "87654321", "phones": ["+49309999999"], "country": "DE"}
    found = firms(company_model, a=FIRM, b=agency, c=other)
    assert not any({"a", "c"} <= keys for keys in found)


def test_a_name_that_many_people_mention_is_not_a_common_one(company_model):
    own = {"company": "amber textiles", "phones": ["+49301234567"], "country": "DE"}
    mentions = {f"m{n:02}": {"company": "amber textiles"} for n in range(40)}
    assert len(firms(company_model, a=own, **mentions)) == 1


def test_a_company_in_another_town_is_another_one(company_model):
    here, there = ({"company": "amber textiles", "company_city": town} for town in ("berlin", "wien"))
    assert firms(company_model, a=here, b=there) == sets("a", "b")


def test_a_chinese_name_without_its_trade_is_the_same_company_in_the_same_town(chinese_model):
    assert firms(chinese_model, a=SHOP, b=SHOP | {"company": "云腾"}) == sets("ab")
    assert firms(chinese_model, a=SHOP, b=SHOP | {"company": "云腾", "company_city": "wuhan"}) == sets("a", "b")


def test_a_name_of_two_characters_that_two_companies_of_a_town_bear_is_neither_s(chinese_model):
    food, brief = SHOP | {"company": "云腾食品"}, SHOP | {"company": "云腾"}
    assert firms(chinese_model, a=SHOP, b=food, c=brief) == sets("a", "b", "c")
    assert firms(chinese_model, a=SHOP, b=food | {"company_city": "wuhan"}, c=brief) == sets("ac", "b")


def test_where_its_people_have_their_mail_tells_which_company_it_is(chinese_model):
    food, brief = SHOP | {"company": "云腾食品"}, SHOP | {"company": "云腾"}
    at_food, at_shop = {"domains": ["yunteng.example"]}, {"domains": ["yt.example"]}
    found = firms(chinese_model, a=SHOP | at_shop, b=food | at_food, c=brief | at_food, d=brief | at_shop)
    assert found == sets("ad", "bc")


def test_a_mail_provider_of_many_companies_people_tells_nothing(chinese_model):
    food, brief = SHOP | {"company": "云腾食品"}, SHOP | {"company": "云腾"}
    at = {"domains": ["provider.example"]}
    others = {f"o{n}": {"company": f"firm {n}", **at} for n in range(load().company.values["domains"].cap)}
    found = firms(chinese_model, a=SHOP, b=food | at, c=brief | at, **others)
    assert sets("a", "b", "c") <= found


def test_one_character_makes_another_chinese_company(chinese_model):
    written = SHOP | {"company": "天云国际供应链管理咨询服务"}
    other = SHOP | {"company": "大云国际供应链管理咨询服务"}
    assert firms(chinese_model, a=written, b=other) == sets("a", "b")


@pytest.mark.parametrize("written", ["habour textile works", "harbour textile wroks", "harbour texctile works"])
def test_a_name_with_one_wrong_letter_is_the_same_company(chinese_model, written):
    own = {"company": "harbour textile works", "country": "DE"}
    assert firms(chinese_model, a=own, b=own | {"company": written}) == sets("ab")


@pytest.mark.parametrize(
    ("name", "other"), [("harbourside", "harbourside textiles"), ("harvest fund 1", "harvest fund 2"), ("opal", "opel")]
)
def test_names_that_are_alike_may_be_of_two_companies(chinese_model, name, other):
    own = {"country": "DE"}
    assert firms(chinese_model, a=own | {"company": name}, b=own | {"company": other}) == sets("a", "b")
