"""Sales marts: opportunities of two CRMs through time, the pipeline of each day, and forecasts that know no future."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.dbt_project.warehouse import Warehouse

NIGHT = date(2024, 6, 10)
ZOHO, FXIAOKE = "zoho_crm.Deals:", "fxiaoke.NewOpportunityObj:"


def milliseconds(day):
    return int(datetime.fromisoformat(f"{day}T10:00+00:00").timestamp() * 1000)


def deal(stage, amount, closing=None, probability=None, created="2024-01-10", **more):
    fields = {"Stage": stage, "Amount": amount, "Closing_Date": closing, "Probability": probability}
    return fields | {"Created_Time": f"{created}T10:00:00+00:00", "Currency": "GBP", "Owner": {"id": "E1"}} | more


def land_deals(warehouse):
    contact = {"Contact_Name": {"id": "K1"}}
    warehouse.land("zoho_crm", "Contacts", [("K1", "2024-01-09 10:00", {"Last_Name": "Lee"})])
    unreadable = deal("Dreaming", "lots", "soon", 200, Created_Time="now", Owner="E9")
    warehouse.land(
        "zoho_crm",
        "Deals",
        [
            ("D1", "2024-01-10 10:00", deal("Qualification", 100, "2024-03-20", 10, **contact)),
            ("D1", "2024-02-10 10:00", deal("Proposal/Price Quote", 120, "2024-03-20", 60, **contact)),
            ("D1", "2024-03-15 10:00", deal("closed won", 150, "2024-03-20", 100, **contact)),
            ("D2", "2024-01-20 10:00", deal("Qualification", 200, "2024-03-10", created="2024-01-20")),
            ("D2", "2024-02-20 10:00", deal("Closed Lost", 200, "2024-03-10", created="2024-01-20")),
            ("D3", "2024-02-05 10:00", deal("Qualification", 300, "2024-04-15", created="2024-02-05")),
            ("D3", "2024-06-11 08:00", deal("Closed Won", 300, "2024-04-15", created="2024-02-05")),
            ("D4", "2024-01-05 10:00", deal("Qualification", 400, "2024-03-05", 20, created="2024-01-05")),
            ("D4", "2024-03-02 10:00", None),
            ("D5", "2024-02-25 10:00", unreadable),
            ("D6", "2024-04-03 10:00", deal(" ", 10, "2024-05-01", created="2024-04-03")),
            ("D7", "2024-06-11 08:00", deal("Qualification", 70, created="2024-06-11")),
        ],
    )
    # Told late: a stage in between, and another amount for the same moment.
    warehouse.land(
        "zoho_crm",
        "Deals",
        [
            ("D2", "2024-02-01 10:00", deal("Needs Analysis", 200, "2024-03-10", created="2024-01-20")),
            ("D3", "2024-02-05 10:00", deal("Qualification", 310, "2024-04-15", created="2024-02-05")),
        ],
    )


def land_opportunities(warehouse):
    start = {"create_time": milliseconds("2024-03-01"), "close_date": milliseconds("2024-05-01")}
    start |= {"amount": "50", "mc_currency": "eur", "owner": ["1002"]}
    warehouse.land(
        "fxiaoke",
        "NewOpportunityObj",
        [
            ("F1", "2024-03-01 10:00", start | {"sales_stage": "验证客户"}),
            ("F1", "2024-03-10 10:00", start | {"sales_stage": "赢单"}),
            ("F1", "2024-03-20 10:00", start | {"sales_stage": "谈判审核"}),
        ],
    )


@pytest.fixture(scope="module")
def rows(server_url):
    """What a query on the marts ({0} is their schema) returns."""
    warehouse = Warehouse(server_url)
    land_deals(warehouse)
    land_opportunities(warehouse)
    warehouse.execute("""
        insert into identity.assignments (kind, record_key, customer_id, valid_from) values
            ('company', 'zoho_crm.Deals:D1', 'c1', '2024-06-01'),
            ('person', 'zoho_crm.Contacts:K1', 'p1', '2024-06-01'),
            ('person', 'zoho_crm.Deals:D1', 'p9', '2024-06-01')
    """)
    rate = {"rate_date": "2024-06-07", "base_currency": "EUR", "currency": "GBP", "rate": "0.8", "source": "bank"}
    warehouse.land_columns("reference", "exchange_rates", [rate])
    warehouse.build_nodes("+path:models/marts/sales", day=NIGHT)
    ((run,),) = warehouse.rows("select max(run_id) from ops.runs")
    return lambda query: warehouse.rows(query.format(f"run_{run}"))


def test_an_opportunity_is_what_the_night_knows_of_it(rows):
    columns = "opportunity_id, company_id, customer_id, owner_id, amount, currency, probability, stage_group, is_open"
    columns += ", opened_date, closed_date, expected_close_date, age_days, days_in_stage, stage_problem"
    found = {row[0]: row[1:] for row in rows(f"select {columns} from {{}}.fct_opportunities")}
    day = date.fromisoformat
    assert found == {
        f"{ZOHO}D1": (
            *("c1", "p1", "E1", 150, "GBP", 1, "won", False),
            *(day("2024-01-10"), day("2024-03-15"), day("2024-03-20"), 65, None, None),
        ),
        f"{ZOHO}D2": (
            *(None, None, "E1", 200, "GBP", 0, "lost", False),
            *(day("2024-01-20"), day("2024-02-20"), day("2024-03-10"), 31, None, None),
        ),
        f"{ZOHO}D3": (
            *(None, None, "E1", 310, "GBP", Decimal("0.1"), "open", True),
            *(day("2024-02-05"), None, day("2024-04-15"), 126, 126, None),
        ),
        f"{ZOHO}D5": (
            *(None, None, None, None, "GBP", None, "unknown", True),
            *(day("2024-02-25"), None, None, 106, 106, "not in opportunity_stages"),
        ),
        f"{ZOHO}D6": (
            *(None, None, "E1", 10, "GBP", None, "unknown", True),
            *(day("2024-04-03"), None, day("2024-05-01"), 68, 68, "missing"),
        ),
        f"{FXIAOKE}F1": (
            *(None, None, "1002", 50, "EUR", Decimal("0.8"), "open", True),
            *(day("2024-03-01"), None, day("2024-05-01"), 101, 82, None),
        ),
    }


def test_amounts_are_told_in_the_reporting_currency_too(rows):
    found = rows("select right(opportunity_id, 2), reporting_amount from {}.fct_opportunities where amount is not null")
    # 50 euros at 0.8 pounds each, the rate of the last working day before the night.
    assert dict(found) == {"D1": 150, "D2": 200, "D3": 310, "D6": 10, "F1": 40}


def test_stages_follow_each_other_however_late_they_were_told(rows):
    found = rows("""
        select split_part(opportunity_id, ':', 2), stage, cast(entered_at as date), cast(left_at as date),
            days_in_stage, amount, next_stage
        from {}.fct_opportunity_stages where opportunity_id ~ '(D1|D2|F1)$' order by 1, stage_number
    """)
    day = date.fromisoformat
    assert found == [
        ("D1", "Qualification", day("2024-01-10"), day("2024-02-10"), 31, 100, "Proposal/Price Quote"),
        ("D1", "Proposal/Price Quote", day("2024-02-10"), day("2024-03-15"), 34, 120, "Closed Won"),
        ("D1", "Closed Won", day("2024-03-15"), None, 87, 150, None),
        ("D2", "Qualification", day("2024-01-20"), day("2024-02-01"), 12, 200, "Needs Analysis"),
        ("D2", "Needs Analysis", day("2024-02-01"), day("2024-02-20"), 19, 200, "Closed Lost"),
        ("D2", "Closed Lost", day("2024-02-20"), None, 111, 200, None),
        ("F1", "验证客户", day("2024-03-01"), day("2024-03-10"), 9, 50, "赢单"),
        ("F1", "赢单", day("2024-03-10"), day("2024-03-20"), 10, 50, "谈判审核"),
        ("F1", "谈判审核", day("2024-03-20"), None, 82, 50, None),
    ]


def test_stages_convert(rows):
    found = rows("""
        select stage, count_entered, count_won, count_lost, conversion_share, median_days
        from {}.fct_stage_conversions where stage in ('Qualification', 'Proposal/Price Quote', '赢单', '(none)')
    """)
    assert sorted(found) == [
        ("(none)", 1, 0, 0, None, None),
        ("Proposal/Price Quote", 1, 1, 0, 1, 34),
        ("Qualification", 3, 1, 1, Decimal("0.5"), Decimal("21.5")),
        ("赢单", 1, 0, 0, None, 10),
    ]


@pytest.mark.parametrize(
    ("day", "stage", "expected"),
    [
        ("2024-01-05", "Qualification", (1, 400, 80)),
        ("2024-01-25", "Qualification", (3, 700, 110)),
        ("2024-02-15", "Qualification", (2, 710, 111)),
        ("2024-02-15", "Proposal/Price Quote", (1, 120, 72)),
        ("2024-03-01", "Qualification", (2, 710, 111)),  # deleted on the next day
        ("2024-03-02", "Qualification", (1, 310, 31)),
        ("2024-03-14", "Proposal/Price Quote", (1, 120, 72)),
        ("2024-03-15", "Proposal/Price Quote", (0, 0, 0)),
        ("2024-06-10", "Dreaming", (1, 0, 0)),
        ("2024-06-10", "Qualification", (1, 310, 31)),  # won on the day after the night
        ("2024-03-09", "验证客户", (1, 50, 5)),
        ("2024-03-15", "谈判审核", (0, 0, 0)),
        ("2024-06-10", "谈判审核", (1, 50, 40)),
    ],
)
def test_the_pipeline_is_as_it_stood(rows, day, stage, expected):
    query = "select count_opportunities, amount, weighted_amount from {}.fct_pipeline_days where pipeline_date = "
    assert rows(f"{query}'{day}' and stage = '{stage}'") == [expected]


def test_the_pipeline_has_each_day_and_ends_as_the_opportunities_stand(rows):
    days = {"zoho_crm": 5 * ((NIGHT - date(2024, 1, 5)).days + 1), "fxiaoke": 2 * ((NIGHT - date(2024, 3, 1)).days + 1)}
    assert dict(rows("select source, count(*) from {}.fct_pipeline_days group by 1")) == days
    last = "select sum(count_opportunities), sum(amount) from {}.fct_pipeline_days where pipeline_date = "
    now = rows("select count(*), sum(amount) from {}.fct_opportunities where is_open")
    assert rows(f"{last}'{NIGHT}'") == now == [(4, 370)]


def test_a_forecast_knows_nothing_of_what_came_later(rows):
    found = rows("""
        select cast(forecast_date as text), currency, cast(target_month as text), count_opportunities, forecast_amount,
            won_amount, is_month_over, error_share
        from {}.fct_sales_forecasts where count_opportunities > 0 order by 1, 2, 3
    """)
    assert found == [
        # Nothing was decided yet: one in two.
        ("2024-02-01", "GBP", "2024-03-01", 3, 350, 150, True, Decimal("1.3333")),
        # One loss after Qualification: one in three. That the proposal will be won nobody knows.
        ("2024-03-01", "GBP", "2024-03-01", 2, Decimal("193.33"), 150, True, Decimal("0.2889")),
        ("2024-03-01", "GBP", "2024-04-01", 1, Decimal("103.33"), 0, True, None),
        # A win and a loss. The win in euros was taken back before.
        ("2024-04-01", "EUR", "2024-05-01", 1, 25, 0, True, None),
        ("2024-04-01", "GBP", "2024-04-01", 1, 155, 0, True, None),
        ("2024-05-01", "EUR", "2024-05-01", 1, 25, 0, True, None),
        ("2024-05-01", "GBP", "2024-05-01", 1, 5, 0, True, None),
    ]
    assert rows("select distinct is_month_over from {}.fct_sales_forecasts where target_month = '2024-06-01'") == [
        (False,)
    ]


def test_each_raw_version_counts_or_says_why(rows):
    classified = "intermediate.int_opportunity_versions__classified"
    raw = "select (select count(*) from raw_zoho_crm.deals) + (select count(*) from raw_fxiaoke.new_opportunity_obj)"
    assert rows(f"select count(*) from {classified}") == rows(raw)
    reasons = f"select exclusion_reason, count(*) from {classified} where exclusion_reason is not null group by 1"
    assert dict(rows(reasons)) == {"dated_after_night": 2, "deletion": 1, "corrected": 1}
    followed = "select count(*) from intermediate.int_opportunity_versions__followed"
    assert rows(f"select count(*) from {classified} where exclusion_reason is null") == rows(followed)
    missing = f"""
        select right(opportunity_id, 2), bool_or(is_gone), bool_and(exclusion_reason is not null)
        from {classified} where opportunity_id not in (select opportunity_id from {{}}.fct_opportunities)
        group by 1 order by 1
    """
    assert rows(missing) == [("D4", True, False), ("D7", False, True)]
