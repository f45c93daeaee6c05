"""Tags through the nights: adding, changing, merging and retiring one is an edit of the registry, and nothing else."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from kehu.tags.night import keep_tags
from kehu.tags.registry import load
from kehu.warehouse.runs import Night
from tests.dbt_project.warehouse import Warehouse

REGISTRY = """
tags:
  - {id: regular, name_en: Regular, name_zh: 常客, kind: behaviour, owner: sales, version: 1, rule: count_orders >= 2}
  - {id: big, name_en: Big spender, name_zh: 大客户, kind: behaviour, owner: sales, version: 1, rule: net_amount >= 500}
  - {id: abroad, name_en: Abroad, name_zh: 海外客户, kind: basic, version: 1, rule: country <> 'France'}
"""
ADDED = """
  - {id: asleep, name_en: Asleep, name_zh: 沉睡客户, kind: behaviour, version: 1,
     rule: last_order_date < as_of_date - 30}
"""
TAKES_OVER = """
  - {id: key, name_en: Key account, name_zh: 重点客户, kind: basic, owner: sales, version: 1, replaces: [big, abroad],
     rule: net_amount >= 500 or country <> 'France'}
"""
# customer: orders, net amount, country, last order. On night 3 b orders twice more; c is merged into a on night 5.
FIRST = {
    "a": (5, 1000, "Spain", "2024-05-01"),
    "b": (2, 100, "France", "2024-05-20"),
    "c": (1, 600, "France", "2024-05-03"),
}
THIRD = FIRST | {"b": (4, 300, "France", "2024-06-03")}
FIFTH = {customer: values for customer, values in THIRD.items() if customer != "c"}
TRAITS = {1: FIRST, 2: FIRST, 3: THIRD, 4: THIRD, 5: FIFTH, 6: FIFTH}


def edits():
    """The registry of each night; night 6 brings no edit."""
    first = REGISTRY
    added = first + ADDED
    changed = added.replace("version: 1, rule: count_orders >= 2", "version: 2, rule: count_orders >= 4")
    retired_two = changed.replace("rule: net_amount >= 500}", "rule: net_amount >= 500, status: retired}").replace(
        "rule: country <> 'France'}", "rule: country <> 'France', status: retired}"
    )
    merged = retired_two + TAKES_OVER
    retired = merged.replace("rule: last_order_date", "status: retired, rule: last_order_date")
    nights = {1: first, 2: added, 3: changed, 4: merged, 5: retired, 6: retired}
    assert len({*nights.values()}) == 5
    return nights


def on(number):
    return date(2024, 6, number)


def keep_night(made, file, number):
    """What dbt and an analyst did on a night, then the stage."""
    rows = ", ".join(
        f"('{customer}', date '{on(number)}', {orders}, {amount}, '{country}', date '{last}')"
        for customer, (orders, amount, country, last) in TRAITS[number].items()
    )
    made.execute(f"""
        drop table if exists ml_features.ftr_customer_traits;
        create table ml_features.ftr_customer_traits as
        select * from (values {rows})
            as traits (customer_id, as_of_date, count_orders, net_amount, country, last_order_date)
    """)
    file.write_text(edits()[number])
    with psycopg.connect(made.url) as connection:
        keep_tags(connection, Night(number, on(number)), load(file))


@pytest.fixture(scope="module")
def built(server_url, tmp_path_factory):
    """Six nights, the fourth of them run last."""
    made = Warehouse(server_url)
    file = tmp_path_factory.mktemp("registry") / "tags.yml"
    for number in (1, 2, 3, 5, 6, 4):
        keep_night(made, file, number)
    made.build_nodes("path:models/staging/history", "dim_tags", "fct_customer_tags", "rpt_tag_review", day=on(6))
    made.schema = f"run_{made.rows('select max(run_id) from ops.runs')[0][0]}"
    return made


def customers(built, tag):
    """Who had a tag: customer, version, first night, first night without, reasons at both ends."""
    rows = built.rows(f"""
        select customer_id, tag_version, valid_from, valid_to, reason, last_reason
        from {built.schema}.fct_customer_tags where tag_id = '{tag}' order by 1, 3
    """)
    return [(*row[:2], row[2].day, row[3] and row[3].day, *row[4:]) for row in rows]


def versions(built, tag):
    rows = built.rows(f"""
        select tag_version, status, first_seen_date, last_seen_date, count_customers, replaces, replaced_by_tag_id
        from {built.schema}.dim_tags where tag_id = '{tag}' order by 1
    """)
    return [(*row[:2], row[2].day, row[3].day, *row[4:]) for row in rows]


def test_a_tag_is_added(built):
    """On night 2; c's last order lies long enough back on night 3. Days that go by bring no new reason."""
    assert versions(built, "asleep")[0][2] == 2
    assert customers(built, "asleep") == [
        ("a", 1, 2, 5, *["last_order_date = 2024-05-01"] * 2),
        ("c", 1, 3, 5, *["last_order_date = 2024-05-03"] * 2),
    ]


def test_a_tag_is_changed(built):
    """The second version, from night 3 on, asks for four orders: b reaches them that night."""
    assert versions(built, "regular") == [
        (1, "superseded", 1, 2, 0, None, None),
        (2, "active", 3, 6, 2, None, None),
    ]
    assert customers(built, "regular") == [
        ("a", 1, 1, 3, "count_orders = 5", "count_orders = 5"),
        ("a", 2, 3, None, "count_orders = 5", "count_orders = 5"),
        ("b", 1, 1, 3, "count_orders = 2", "count_orders = 2"),
        ("b", 2, 3, None, "count_orders = 4", "count_orders = 4"),
    ]


def test_tags_are_merged(built):
    """Night 4: the history stays under the old ids, the new tag names them and goes on with their customers."""
    assert versions(built, "key") == [(1, "active", 4, 6, 1, "big, abroad", None)]
    assert versions(built, "big") == [(1, "retired", 1, 3, 0, None, "key")]
    assert versions(built, "abroad") == [(1, "retired", 1, 3, 0, None, "key")]
    assert [row[:4] for row in customers(built, "big")] == [("a", 1, 1, 4), ("c", 1, 1, 4)]
    assert [row[:4] for row in customers(built, "abroad")] == [("a", 1, 1, 4)]
    assert customers(built, "key") == [
        ("a", 1, 4, None, *["net_amount = 1000, country = Spain"] * 2),
        ("c", 1, 4, 5, *["net_amount = 600, country = France"] * 2),
    ]


def test_a_tag_is_retired(built):
    """On night 5: nobody has it any more, the tag and who had it stay."""
    assert versions(built, "asleep") == [(1, "retired", 2, 4, 0, None, None)]
    assert [(row[0], row[3]) for row in customers(built, "asleep")] == [("a", 5), ("c", 5)]


def test_the_review_looks_at_tags_in_use(built):
    """asleep has no owner but is retired, and so is abroad; the pairs are too small to compare."""
    assert built.rows(f"select review_key from {built.schema}.rpt_tag_review") == []
