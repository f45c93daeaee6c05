"""Each metric equals plain SQL on the marts, by day, month and a dimension; the daily report holds the same figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

import psycopg
import pytest

from kehu.airflow import dbt
from kehu.paths import DBT_PROJECT
from kehu.warehouse.runs import open_night
from tests.dbt_project.metric_truths import TRUTHS
from tests.dbt_project.metric_world import CALENDAR, NIGHT, World, days
from tests.dbt_project.warehouse import Warehouse
from tools.contracts import KEY, current_shapes
from tools.metrics import ask
from tools.semantic_layer import meta_of, problems, read_definitions, scale_of, sql_of

FORECASTS = ("sales_forecast", "ended_sales_forecast", "ended_won_value", "sales_forecast_error")


class Asked:
    """The definitions on a schema of random marts, where the report is built too."""

    def __init__(self, server_url):
        self.warehouse = Warehouse(server_url)
        self.night = open_night(self.warehouse.url, NIGHT, "test")
        World().write(self.warehouse.url, self.night.schema)
        dbt.build(self.warehouse.url, self.night, ["rpt_kpis_daily"])
        self.definitions = read_definitions(schema=self.night.schema, database=urlsplit(self.warehouse.url).path[1:])

    def metric(self, name, *group_by):
        sql = sql_of(self.definitions, metric_names=[name], group_by_names=group_by)
        return answer(self.warehouse.rows(sql))

    def truth(self, name, grain, by_dimension=False):
        return answer(self.warehouse.rows(TRUTHS[name].sql(self.night.schema, grain, by_dimension)))


def answer(rows):
    """Values by group, days as days; a group that comes twice would not be noticed, so it may not."""
    found = {tuple(key.date() if hasattr(key, "hour") else key for key in keys): value for *keys, value in rows}
    assert len(found) == len(rows)
    return {keys: value if value is None else float(value) for keys, value in found.items()}


def assert_same(found, truth):
    assert set(found) == set(truth)
    differ = {
        keys: (found[keys], value)
        for keys, value in truth.items()
        if (found[keys] is None) != (value is None) or (value is not None and found[keys] != pytest.approx(value))
    }
    assert differ == {}


@pytest.fixture(scope="module")
def asked(server_url):
    return Asked(server_url)


def test_every_metric_has_its_truth_a_label_a_meaning_an_owner_and_a_type(asked):
    assert {metric.name for metric in asked.definitions.metrics} == set(TRUTHS)
    assert problems(asked.definitions) == []
    assert {meta_of(metric)["owner"] for metric in asked.definitions.metrics} == {"data team"}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("grain", ["day", "month"])
def test_a_metric_is_what_it_should_be_in_each_period(asked, name, grain):
    found = asked.metric(name, f"metric_time__{grain}")
    assert_same(found, asked.truth(name, grain))
    assert len(found) >= (2 if grain == "month" or name in FORECASTS else 30)
    assert len({value for value in found.values() if value is not None}) > 1


@pytest.mark.parametrize("name", [name for name in TRUTHS if TRUTHS[name].dimension])
def test_a_metric_is_what_it_should_be_by_a_dimension(asked, name):
    found = asked.metric(name, "metric_time__month", TRUTHS[name].dimension)
    assert_same(found, asked.truth(name, "month", by_dimension=True))
    assert len({keys[1] for keys in found}) > 1


def reported(asked):
    names = [name for name in current_shapes()["rpt_kpis_daily"] if name not in ("kpi_date", KEY)]
    rows = asked.warehouse.rows(f"select kpi_date, {', '.join(names)} from {asked.night.schema}.rpt_kpis_daily")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def test_the_report_has_each_day_up_to_the_night_with_the_metrics_values(asked):
    report = reported(asked)
    assert sorted(report) == days(CALENDAR[0], NIGHT)
    scales = {metric.name: scale_of(metric) for metric in asked.definitions.metrics}
    for name in next(iter(report.values())):
        truth = asked.truth(name, "day")
        scale = scales[name]
        is_filled = "not_null" in contract_of(name)
        for day, values in report.items():
            wanted = truth.get((day,), 0.0 if is_filled else None)
            value = values[name]
            assert (value is None) == (wanted is None), (name, day)
            assert value is None or abs(float(value) - wanted) <= 0.50001 * 10**-scale, (name, day)


def contract_of(column):
    text = (DBT_PROJECT / "models" / "publish" / "metrics" / "_metrics__models.yml").read_text()
    return text.split(f"- name: {column}\n")[1].split("- name:")[0]


def test_a_day_without_an_order_counts_none_and_has_no_mean(asked):
    ordered = set(asked.truth("orders", "day"))
    silent = [day for day in days(CALENDAR[0], NIGHT) if (day,) not in ordered]
    report = reported(asked)
    assert silent
    for day in silent:
        assert (report[day]["orders"], report[day]["revenue"], report[day]["average_order_value"]) == (0, 0, None)


def test_a_few_figures_by_hand(asked):
    """Rows of the report's own night, put in beside the random ones on days that had none."""
    schema, day = asked.night.schema, date(2025, 5, 5)
    asked.warehouse.execute(f"""
        insert into {schema}.fct_orders (order_id, customer_id, order_type, amount, order_date) values
            ('a', 'p1', 'order', 10.5, '{day}'), ('b', 'p1', 'order', 20, '{day}'), ('c', null, 'order', 30, '{day}'),
            ('d', 'p1', 'credit_note', -5.25, '{day}');
        insert into {schema}.fct_returns (return_id, customer_id, returned_amount, returned_date)
        values ('d', 'p1', 5.25, '{day}');
        insert into {schema}.fct_survey_responses (response_id, survey, score, score_group, answered_date) values
            ('a', 'nps', 10, 'promoter', '{day}'), ('b', 'nps', 9, 'promoter', '{day}'),
            ('c', 'nps', 7, 'passive', '{day}'), ('d', 'nps', 0, 'detractor', '{day}'),
            ('e', 'csat', 5, 'satisfied', '{day}'), ('f', 'csat', 1, 'dissatisfied', '{day}'),
            ('g', 'csat', null, null, '{day}');
        insert into {schema}.fct_customer_days (country, date_day, count_active, count_active_before, count_retained)
        values ('France', '2025-05-04', 9, 9, 9), ('France', '{day}', 6, 4, 1), ('unknown', '{day}', 1, 1, 0);
        """)
    expected = {"revenue": 60.5, "net_revenue": 55.25, "orders": 3, "ordering_customers": 1, "nps": 25, "csat": 0.5}
    expected |= {"average_order_value": 60.5 / 3, "return_rate": 5.25 / 60.5, "csat_score": 3}
    expected |= {"active_customers": 7, "retention_rate": 0.2, "churn_rate": 0.8}
    for name, value in expected.items():
        assert asked.metric(name, "metric_time__month")[(date(2025, 5, 1),)] == pytest.approx(value), name


def test_whoasks_may_only_read(asked):
    url, schema = asked.warehouse.url, asked.night.schema
    assert ask(url, "select current_user::text, 1") == (["current_user", "?column?"], [("bi_reader", 1)])
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        ask(url, "create table public.mine (a integer)")
    with pytest.raises(psycopg.errors.SyntaxError):
        ask(url, "select 1; reset role")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(url, f"select * from {schema}.dim_customers")


def test_money_keeps_its_thousandths(asked):
    sql = sql_of(asked.definitions, metric_names=["revenue"])
    ((total,),) = asked.warehouse.rows(sql)
    assert isinstance(total, Decimal)
