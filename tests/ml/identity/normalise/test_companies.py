from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml.identity.normalise.addresses import normalise_city, normalise_postcode, normalise_street
from ml.identity.normalise.cities import cities
from ml.identity.normalise.companies import Company, normalise_company


@pytest.mark.parametrize(
    "raw",
    [
        "西安安泰电子商务有限公司",
        "安泰电子商务(西安)有限公司",
        "安泰电子商务（西安）有限公司",
        "安泰电子商务【西安市】有限公司",
        "西安市安泰电子商务",
        "西安市安泰电子商务 有限公司",
        "陕西西安安泰电子商务有限公司",
        "陕西省西安市安泰电子商务股份有限公司",
        "西安安泰电子商务有限责任公司",
        "西安安泰电子商务集团有限公司",
        "西安安泰电子商务(集团)有限公司",
        "西安安泰电子商务有限公司北京分公司",
        "西安安泰电子商务有限公司分公司",
        "安泰电子商务西安",
    ],
)
def test_one_chinese_company_however_it_is_written(raw):
    assert normalise_company(raw) == Company("安泰电子商务", "xian")


@pytest.mark.parametrize(
    ("raw", "company", "city"),
    [
        ("安泰西安", "安泰", "xian"),
        ("浙江安泰贸易有限公司", "安泰贸易", "zhejiang"),
        ("上海安泰", "安泰", "shanghai"),
        ("安康药业有限公司", "安康药业", None),
        ("上海", "上海", None),
        ("安泰贸易(中国)有限公司", "安泰贸易", None),
        ("中国银行", "中国银行", None),
        ("安泰贸易有限公司", "安泰贸易", None),
        ("TCL科技集团股份有限公司", "tcl科技", None),
        ("吉林吉林安泰", "安泰", "jilin"),
    ],
)
def test_chinese_companies(raw, company, city):
    assert normalise_company(raw) == Company(company, city)


@pytest.mark.parametrize(
    ("raw", "company"),
    [
        ("Amber Textiles Ltd", "amber textiles"),
        ("AMBER TEXTILES LIMITED", "amber textiles"),
        ("Amber Textiles, LTD.", "amber textiles"),
        ("The Amber Textiles Co., Ltd.", "amber textiles"),
        ("Amber Textiles PLC", "amber textiles"),
        ("Amber Textiles LLP", "amber textiles"),
        ("Amber Textiles GmbH", "amber textiles"),
        ("Amber Textiles G.m.b.H.", "amber textiles"),
        ("Amber Textiles Gesellschaft mbH", "amber textiles"),
        ("Amber Textiles GmbH & Co. KG", "amber textiles"),
        ("Amber Textiles A.G.", "amber textiles"),
        ("Amber Textiles SARL", "amber textiles"),
        ("Amber Textiles S.A.S.", "amber textiles"),
        ("Amber Textiles Inc.", "amber textiles"),
        ("Amber Textiles Incorporated", "amber textiles"),
        ("Amber Textiles L.L.C.", "amber textiles"),
        ("Amber Textiles Corporation", "amber textiles"),
        ("Acme & Sons Ltd", "acme and sons"),
        ("Acme and Sons", "acme and sons"),
        ("Müller KG", "muller"),
        ("Mueller KG", "muller"),
        ("SAS", "sas"),
        ("Limited", "limited"),
        ("3M Company", "3m"),
        ("Self Storage Ltd", "self storage"),
    ],
)
def test_western_companies(raw, company):
    assert normalise_company(raw) == Company(company, None)


@pytest.mark.parametrize(
    "raw", [None, "", "-", "N/A", "none", "self", "Self-employed", "个人", "无", "xxx", "有限公司", "test", "()", "😀"]
)
def test_no_companies(raw):
    assert normalise_company(raw) == Company(None, None)


@given(st.text() | st.text("西安上海省市集团有限责任分公司()（）泰", max_size=14))
@example("有限公司" * 80)
@example("a b " * 300)
@example("(西安)")
@example("the")
@example("co co")
def test_companies_never_raise(raw):
    company = normalise_company(raw)
    assert company.company != "" and (company.company is not None or company.company_city is None)


@given(st.sampled_from(sorted(cities())), st.sampled_from(["鑫鑫隆", "乐宝优选"]))
def test_each_city_goes_before_in_brackets_or_after(city, name):
    written = (
        f"{city}{name}有限公司",
        f"{city}市{name}有限公司",
        f"{name}({city})有限公司",
        f"{name}（{city}市）有限公司",
    )
    assert {normalise_company(raw) for raw in written} == {Company(name, cities()[city])}


@pytest.mark.parametrize(
    ("raw", "street"),
    [
        ("61 Birch Street", "61 birch st"),
        ("61, BIRCH ST.", "61 birch st"),
        ("12 St James's Road", "12 st jamess rd"),
        ("12 Saint James’s Rd.", "12 st jamess rd"),
        ("Flat 3, 5 Oak Avenue", "apt 3 5 oak ave"),
        ("Apartment 3 5 Oak Ave", "apt 3 5 oak ave"),
        ("Hauptstraße 5", "hauptstr 5"),
        ("Hauptstrasse 5", "hauptstr 5"),
        ("Hauptstr. 5", "hauptstr 5"),
        ("Münzweg No. 5", "munzweg 5"),
        ("Muenzweg 5", "munzweg 5"),
        ("12 rue de l'Église", "12 rue de leglise"),
        ("西园区 兰亭路１７１号", "西园区兰亭路171号"),
        ("n/a", None),
        ("-", None),
        ("", None),
        (None, None),
    ],
)
def test_streets(raw, street):
    assert normalise_street(raw) == street


@pytest.mark.parametrize(
    ("raw", "city"),
    [
        ("西安", "xian"),
        ("西安市", "xian"),
        ("陕西省西安市", "xian"),
        ("Xi'an", "xian"),
        ("XI AN", "xian"),
        ("Xian City", "xian"),
        ("重庆市", "chongqing"),
        ("Chongqing", "chongqing"),
        ("六安", "luan"),
        ("香港特别行政区", "xianggang"),
        ("吕梁", "luliang"),
        ("陕西", "陕西"),
        ("昆山市", "昆山"),
        ("昆山", "昆山"),
        ("München", "munchen"),
        ("Muenchen", "munchen"),
        ("New  York", "new york"),
        ("Saint-Étienne", "saint etienne"),
        ("unknown", None),
        (" ", None),
        (None, None),
    ],
)
def test_cities(raw, city):
    assert normalise_city(raw) == city


@pytest.mark.parametrize(
    ("raw", "postcode"),
    [
        ("SW1A 1AA", "sw1a1aa"),
        ("sw1a1aa", "sw1a1aa"),
        ("７１００００", "710000"),
        ("710-000", "710000"),
        ("00000", None),
        ("N/A", None),
    ],
)
def test_postcodes(raw, postcode):
    assert normalise_postcode(raw) == postcode


@given(st.text())
def test_addresses_never_raise_and_stay(raw):
    for normalise in (normalise_street, normalise_city, normalise_postcode):
        value = normalise(raw)
        assert value != ""
        if normalise is normalise_postcode and value:
            assert normalise(value) == value
