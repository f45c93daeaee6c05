"""Columns named like a person's values are declared as personal; what raw rows name is told in known words."""

from __future__ import annotations

import re

import yaml

from kehu.paths import DBT_PROJECT
from kehu.privacy.subjects import FORMS, declared

PERSONAL = re.compile(
    r"^(?!(has|is|count)_)(.*_)?(mails?|emails?|phones?|mobile|full_name|first_name|last_name|display_name|handle"
    r"|birth_date|birth_raw|street|body)"
    r"(_raw)?$"
)
COMPANIES = {"stg_fxiaoke__account_versions.street", "stg_zoho_crm__account_versions.street"}  # a company's own street
KINDS = {"identifier", "contact", "name", "free_text", "content"}


def undeclared(text):
    """Columns of a YAML file that are named like personal ones and not declared so, or declared as no known kind."""
    found = []
    for model in (yaml.safe_load(text) or {}).get("models", []):
        for column in model.get("columns", []):
            kind = column.get("config", {}).get("meta", {}).get("personal") or column.get("meta", {}).get("personal")
            if (kind is None and PERSONAL.search(column["name"])) or (kind is not None and kind not in KINDS):
                found.append(f"{model['name']}.{column['name']}")
    return found


def test_no_personal_column_is_undeclared():
    files = sorted((DBT_PROJECT / "models").rglob("_*__models.yml"))
    assert len(files) > 20
    assert {name for file in files for name in undeclared(file.read_text())} == COMPANIES


def test_an_undeclared_column_is_noticed():
    columns = "[{name: mail}, {name: has_mail}, {name: city}, {name: phone, config: {meta: {personal: odd}}}]"
    text = f"models: [{{name: dim_x, columns: {columns}}}]"
    assert undeclared(text) == ["dim_x.mail", "dim_x.phone"]


def test_what_rows_name_is_told_in_known_words():
    told = declared()
    assert {way.form for ways in told.values() for way in ways} <= set(FORMS)
    assert [way.key for way in told["shop", "order_lines"]] == ["shop.orders", "shop.account"]
    assert [way.value("@Some_One ") for way in told["social", "posts"]] == ["some_one"]
