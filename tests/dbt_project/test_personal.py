"""Columns named like a person's values are declared as personal, in models and raw sources."""

from __future__ import annotations

import re

import yaml

from kehu.paths import DBT_PROJECT
from kehu.privacy.subjects import FORMS, declared
from kehu.warehouse.masks import MASKS

# What a person's values are called, in whatever table.
PERSONAL = re.compile(
    r"^(?!(has|is|count)_)(.*_)?(e?mails?|phones?|mobile|fax|full_name|first_name|last_name|surname|given_name"
    r"|display_name|handle|login|user_agent|devices?|birth_date|birth_raw|street|address|postcode|city|body|text|comment"
    r"|summary|words|record)(_raw)?$"
)
COMPANY = "a company's, not a person's"
NOT_PERSONAL = {
    "dim_companies.city": COMPANY,
    "int_identity_records.company_city": COMPANY,
    "stg_identity__normal_companies.company_city": COMPANY,
    "stg_fxiaoke__account_versions.street": COMPANY,
    "stg_fxiaoke__account_versions.city": COMPANY,
    "stg_zoho_crm__account_versions.street": COMPANY,
    "stg_zoho_crm__account_versions.city": COMPANY,
    "stg_zoho_crm__account_versions.postcode": COMPANY,
    "payments.payments.record": "an order's number, amounts and times; who paid is told by the order alone",
    "zoho_crm.products.record": "goods",
}


def tables(text):
    """Models and sources of a YAML file, by the name that this file's messages use."""
    told = yaml.safe_load(text) or {}
    yield from ((model["name"], model) for model in told.get("models", []))
    for source in told.get("sources", []):
        yield from ((f"{source['name']}.{table['name']}", table) for table in source["tables"])


def undeclared(text):
    """Columns of a YAML file that are named like personal ones and not declared so, or declared as no known kind."""
    found = []
    for name, table in tables(text):
        for column in table.get("columns", []):
            kind = column.get("config", {}).get("meta", {}).get("personal") or column.get("meta", {}).get("personal")
            if (kind is None and PERSONAL.search(column["name"])) or (kind is not None and kind not in MASKS):
                found.append(f"{name}.{column['name']}")
    return found


def test_no_personal_column_is_undeclared():
    files = sorted((DBT_PROJECT / "models").rglob("_*.yml"))
    assert len(files) > 40
    assert {name for file in files for name in undeclared(file.read_text())} == set(NOT_PERSONAL)


def test_an_undeclared_column_is_noticed():
    columns = "[{name: mail}, {name: has_mail}, {name: region}, {name: phone, config: {meta: {personal: contact}}}]"
    text = f"models: [{{name: dim_x, columns: {columns}}}]"
    assert undeclared(text) == ["dim_x.mail", "dim_x.phone"]
    assert undeclared("sources: [{name: s, tables: [{name: t, columns: [{name: record}]}]}]") == ["s.t.record"]


def test_what_rows_name_is_told_in_known_words():
    told = declared()
    assert {way.form for ways in told.values() for way in ways} <= set(FORMS)
    assert [way.key for way in told["shop", "order_lines"]] == ["shop.orders", "shop.account"]
    assert [way.value("@Some_One ") for way in told["social", "posts"]] == ["some_one"]
