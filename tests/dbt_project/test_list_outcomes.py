"""What came of lists: outcomes as a source brings them, those that cannot count, and what lists bring."""

from __future__ import annotations

from datetime import date

import pytest

from tests.dbt_project.warehouse import Warehouse

NIGHT = date(2024, 8, 31)
# 56 of 70 on the list and 48 of 80 held out ordered: the example of Newcombe (1998), table II, column (a).
MADE = """
create schema {schema};
create table {schema}.dim_channels as select unnest(array['phone', 'mail']) as channel;
create table {schema}.dim_lists as
select * from (values ('call'), ('small'), ('empty')) as l (list_id);
create table {schema}.dim_customers as
select 't' || n as customer_id from generate_series(1, 74) as n
union all select 'h' || n from generate_series(1, 80) as n;
create table {schema}.fct_list_members as
select 'call' as list_id, 't' || n as customer_id, date '2024-06-01' as valid_from from generate_series(1, 70) as n
union all select 'call', 't' || n, '2024-07-15' from generate_series(1, 70) as n
union all select 'call', 't71', '2024-08-02'
union all select 'call', 't72', '2024-06-01'
union all select 'call', 'gone', '2024-06-01'
union all select 'small', 't73', '2024-06-01';
create table {schema}.fct_list_holdouts as
select 'call' as list_id, 'h' || n as customer_id, date '2024-06-01' as valid_from from generate_series(1, 80) as n
union all select 'call', 't72', '2024-07-01'
union all select 'small', 'h1', '2024-06-01';
create table {schema}.fct_orders as
select 't' || n as customer_id, date '2024-07-01' as order_date, 'order' as order_type, false as is_cancelled
from generate_series(1, 56) as n
union all select 'h' || n, '2024-06-02', 'order', false from generate_series(1, 48) as n
union all select 't57', '2024-06-01', 'order', false
union all select 't58', '2024-07-02', 'order', false
union all select 't59', '2024-06-15', 'order', true
union all select 't60', '2024-06-15', 'credit_note', false
union all select 't1', '2024-06-20', 'order', false
union all select null, '2024-06-20', 'order', false;
create table intermediate.lst_keys as
select * from (values
    ('K1', 'call', 'o', 't1', 't1', 'phone'), ('K2', 'call', 'o', 't2', 't2', 'phone')
) as k (list_key, list_id, occasion, told_customer_id, customer_id, channel);
"""


def outcome(key, code="reached", at="2024-08-30T10:00:00+00:00", **fields):
    return {"list_key": key, "outcome": code, "contacted_at": at} | fields


@pytest.fixture(scope="module")
def built(server_url):
    made = Warehouse(server_url)
    made.land(
        "lists",
        "outcomes",
        [
            ("O1", "2024-08-30 11:00", outcome("K1", "Not_Reached")),
            ("O1", "2024-08-31 11:00", outcome(" K1 ", " Reached ", channel="Mail", note_code="PRICE")),
            ("O2", "2024-08-30 11:00", outcome("K2")),
            ("O2", "2024-08-31 11:00", None),
            ("O3", "2024-08-30 11:00", outcome("K9")),
            ("O4", "2024-08-30 11:00", outcome("K1", "shouted")),
            ("O5", "2024-08-30 11:00", outcome("K1", at="soon")),
            ("O6", "2024-08-30 11:00", outcome("K1", at="2024-09-01T00:00:00+00:00")),
            ("O7", "2024-08-30 11:00", outcome("")),
        ],
    )
    (run_id,) = made.rows("select max(run_id) + 1 from ops.runs")[0]
    made.schema = f"run_{run_id}"
    made.execute(MADE.format(schema=made.schema))
    made.build_nodes(
        "stg_lists__outcome_versions", "list_outcome_codes", "channels", "lst_outcomes", "fct_list_outcomes",
        "rpt_list_quarantine", "rpt_list_effects", day=NIGHT,
    )  # fmt: skip
    return made


def test_the_newest_version_of_an_outcome_counts_and_a_deleted_one_is_gone(built):
    assert built.rows(f"""
        select outcome_id, list_id, customer_id, channel, outcome_code, note_code, is_contact, is_final
        from {built.schema}.fct_list_outcomes
    """) == [("O1", "call", "t1", "mail", "reached", "price", True, True)]


def test_what_cannot_count_is_quarantined_with_its_place_and_reason(built):
    rows = built.rows(f"""
        select outcome_id, row_number, exclusion_reason from {built.schema}.rpt_list_quarantine order by 1
    """)
    assert rows == [
        ("O3", 5, "unknown_key"), ("O4", 6, "unknown_code"), ("O5", 7, "undated"), ("O6", 8, "dated_after_night"),
        ("O7", 9, "no_key"),
    ]  # fmt: skip
    assert built.rows(f"select count(reason), count(*) from {built.schema}.rpt_list_quarantine") == [(5, 5)]


def test_the_uplift_has_the_interval_of_the_published_example(built):
    """t71's days are not over, t72 was in both groups, `gone` is nobody any more; nobody counts twice."""
    ((*counts, low, high, uplift, uplift_low, uplift_high, verdict),) = built.rows(f"""
        select count_listed, count_listed_ordered, count_held_out, count_held_out_ordered, count_contacted,
            listed_share_low, listed_share_high, uplift, uplift_low, uplift_high, verdict
        from {built.schema}.rpt_list_effects where list_id = 'call'
    """)
    assert counts == [70, 56, 80, 48, None]  # one contact alone is not told
    assert [float(x) for x in (low, high)] == [0.6918, 0.877]
    assert [float(x) for x in (uplift, uplift_low, uplift_high)] == [0.2, 0.0524, 0.3339]
    assert verdict == "more orders"


def test_figures_of_few_customers_are_left_out(built):
    rows = built.rows(f"""
        select list_id, count_listed, count_held_out, uplift, is_suppressed, verdict
        from {built.schema}.rpt_list_effects where list_id <> 'call' order by 1
    """)
    assert rows == [
        ("empty", 0, 0, None, False, "too few customers to tell"),
        ("small", None, None, None, True, "too few customers to tell"),
    ]
