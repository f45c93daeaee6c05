"""The golden record and the stages of a customer's life, against rows worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.dbt_project.warehouse import Warehouse, line

NIGHT = date(2024, 12, 31)
ORDERS = {
    "1": ("a", "2023-01-10"),  # lapsed, came back, then active again
    "2": ("a", "2023-08-01"),
    "3": ("a", "2023-08-20"),
    "4": ("b", "2024-12-31"),  # first order on the night's day
    "5": ("c", "2024-01-01"),  # ordered again on the very day the clocks run out
    "6": ("c", "2024-03-31"),
    "7": ("c", "2024-09-27"),
}
LEGAL = {
    None: {"prospect", "new"},
    "prospect": {"new"},
    "new": {"active", "at_risk"},
    "active": {"at_risk"},
    "at_risk": {"active", "lapsed"},
    "lapsed": {"returned"},
    "returned": {"active", "at_risk"},
}


@pytest.fixture(scope="module")
def built(server_url):
    """Three people who buy; d is known by a ticket alone, and a tells different things in different places."""
    made = Warehouse(server_url)
    for number, (account, day) in ORDERS.items():
        made.land_columns("shop", "order_lines", [line(number, account, f"{day} 10:00:00")], date.fromisoformat(day))
    ticket = {"requester": {"name": "Dee Low", "email": "dee@example.org"}, "opened_at": "2024-06-01T08:00:00+00:00"}
    made.land("support", "tickets", [("T1", "2024-06-01 08:00", ticket)])
    account = {"account_id": "a", "name": "Ann Able", "email": "ann@example.org", "registered_at": "2023-01-01"}
    made.land("shop", "accounts", [("a", "2023-01-01 08:00", account)])
    said = {"account_id": "a", "email": "ann.new@example.org"}
    made.land("consents", "consents", [("G1", "2023-05-01 08:00", said)])
    late = {"requester": {"name": "A. Able", "phone": "01134960000"}, "opened_at": "2024-10-01T08:00:00+00:00"}
    made.land("support", "calls", [("L1", "2024-10-01 08:00", late)])
    keys = [(f"shop.orders:{n}", account) for n, (account, _) in ORDERS.items()]
    keys += [("support.tickets:T1", "d"), ("shop.accounts:a", "a"), ("consents.consents:G1", "a")]
    keys += [("support.calls:L1", "a")]
    values = ", ".join(f"('person', '{key}', '{customer}', date '2023-01-01')" for key, customer in keys)
    made.execute(
        f"insert into identity.assignments (kind, record_key, customer_id, valid_from) values {values};"
        "insert into identity.normal_mails (raw, mail) values ('ann@example.org', 'ann@example.org'),"
        " ('ann.new@example.org', 'ann.new@example.org'), ('dee@example.org', 'dee@example.org')"
    )
    made.build_nodes("+fct_customer_lifecycle", day=NIGHT)
    (run_id,) = made.rows("select max(run_id) from ops.runs")[0]
    made.schema = f"run_{run_id}"
    return made


def periods(built, customer):
    query = f"""
        select stage, valid_from, valid_to from {built.schema}.fct_customer_lifecycle
        where customer_id = '{customer}' order by valid_from
    """
    return [(stage, str(begin), end and str(end)) for stage, begin, end in built.rows(query)]


def test_a_customer_who_stays_away_lapses_and_may_return(built):
    assert periods(built, "a") == [
        ("prospect", "2023-01-01", "2023-01-10"),
        ("new", "2023-01-10", "2023-04-10"),
        ("at_risk", "2023-04-10", "2023-07-09"),
        ("lapsed", "2023-07-09", "2023-08-01"),
        ("returned", "2023-08-01", "2023-08-20"),
        ("active", "2023-08-20", "2023-11-18"),
        ("at_risk", "2023-11-18", "2024-02-16"),
        ("lapsed", "2024-02-16", None),
    ]


def test_the_first_order_on_the_nights_day_counts(built):
    assert periods(built, "b") == [("new", "2024-12-31", None)]


def test_an_order_on_the_day_a_clock_runs_out_stops_it(built):
    """90 days after the first order at risk would begin, 180 days after the second lapsed: neither does."""
    assert periods(built, "c") == [
        ("new", "2024-01-01", "2024-03-31"),
        ("active", "2024-03-31", "2024-06-29"),
        ("at_risk", "2024-06-29", "2024-09-27"),
        ("active", "2024-09-27", "2024-12-26"),
        ("at_risk", "2024-12-26", None),
    ]


def test_who_never_ordered_stays_a_prospect(built):
    assert periods(built, "d") == [("prospect", "2024-06-01", None)]


def test_each_day_lies_in_one_stage_and_only_legal_steps_are_taken(built):
    rows = built.rows(
        f"""
        select customer_id, previous_stage, stage, valid_from, valid_to, is_current, days_in_stage
        from {built.schema}.fct_customer_lifecycle order by customer_id, valid_from
        """
    )
    assert {customer for customer, *_ in rows} == {"a", "b", "c", "d"}
    for customer in "abcd":
        mine = [row[1:] for row in rows if row[0] == customer]
        assert [row[1] for row in mine[:-1]] == [row[0] for row in mine[1:]]
        assert all(row[1] in LEGAL[row[0]] for row in mine)
        assert [row[3] for row in mine[:-1]] == [row[2] for row in mine[1:]]
        assert [row[4] for row in mine] == [False] * (len(mine) - 1) + [True]
        assert sum(row[5] for row in mine) == (NIGHT - mine[0][2]).days + 1


def test_a_field_is_of_the_source_that_is_trusted_for_it(built):
    """The shop's account for the name, the consents for the mail, the call for what nobody else tells."""
    found = built.rows(
        f"""
        select full_name, full_name_source, mail, mail_source, country, country_source, title, title_source,
            has_purchased, count_records, count_sources, count_orders, first_known_date, staleness_days
        from {built.schema}.dim_customers where customer_id = 'a'
        """
    )
    assert found == [
        ("Ann Able", "shop.accounts", "ann.new@example.org", "consents.consents", "France", "shop.order_lines")
        + (None, None, True, 6, 3, 3, date(2023, 1, 1), 91)
    ]


def test_who_never_bought_is_a_customer_too_and_completeness_is_what_is_known(built):
    found = built.rows(
        f"""
        select has_purchased, count_orders, net_amount, full_name, mail, completeness_share
        from {built.schema}.dim_customers where customer_id = 'd'
        """
    )
    assert [(*row[:-1], round(float(row[-1]), 3)) for row in found] == [
        (False, 0, 0, "Dee Low", "dee@example.org", round(2 / 9, 3))
    ]
