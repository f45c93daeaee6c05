from __future__ import annotations

from datetime import date

import psycopg
import pytest

from expectations.gate import GateError
from expectations.score_gate import check_scores
from kehu.warehouse.quarantine import waive_night
from kehu.warehouse.runs import open_night

SCORES = """
create table ml_features.ftr_customer_snapshots (snapshot_date date, as_of_date date);
insert into ml_features.ftr_customer_snapshots select '2024-01-01', '2024-01-01' from generate_series(1, 3);
create table store.fct_customer_scores (
    run_id bigint, segment text, expected_purchases float8, value_horizon_days integer, customer_value numeric,
    customer_value_lower numeric, customer_value_upper numeric,
    churn_probability float8, value_method text, churn_method text, customer_id text, value_model_version text,
    churn_model_version text
);
"""
DAMAGES = {
    "no segment": (
        "update store.fct_customer_scores set segment = null where expected_purchases = 1",
        "segment_present",
    ),
    "a customer is missing": ("delete from store.fct_customer_scores where expected_purchases = 1", "every_customer"),
    "no probability": ("update store.fct_customer_scores set churn_probability = 1.5", "churn_is_probability"),
    "an unknown segment": ("update store.fct_customer_scores set segment = 'Nobody'", "segment_known"),
    "a negative value": ("update store.fct_customer_scores set customer_value = -1", "value_not_negative"),
    "more purchases than days": ("update store.fct_customer_scores set expected_purchases = 999", "within_horizon"),
    "a missing interval": (
        "update store.fct_customer_scores set customer_value_upper = null where expected_purchases = 1",
        "interval_present",
    ),
    "an interval upside down": ("update store.fct_customer_scores set customer_value_lower = 99", "interval_in_order"),
    "a missing value": (
        "update store.fct_customer_scores set customer_value = null where expected_purchases = 1",
        "value_present",
    ),
}


@pytest.fixture
def scored(url):
    night = open_night(url, date(2024, 1, 1), "test")
    with psycopg.connect(url) as connection:
        connection.execute(SCORES)
        connection.execute(
            "insert into store.fct_customer_scores"
            " select %s, 'Loyal', n, 365, 10.5, 1, 20, 0.4, 'nbd', 'logistic', 'c' || n, 'v1', 'c1'"
            " from generate_series(1, 3) as n",
            [night.run_id],
        )
    return url, night


def test_sound_scores_pass(scored):
    assert check_scores(*scored, ["Loyal"]).rows_out == 3


@pytest.mark.parametrize(("damage", "rule"), DAMAGES.values(), ids=DAMAGES)
def test_unsound_scores_close_the_gate(scored, damage, rule):
    url, night = scored
    with psycopg.connect(url) as connection:
        connection.execute(damage)
    with pytest.raises(GateError, match=rule):
        check_scores(url, night, ["Loyal"])


MANY = """
truncate ml_features.ftr_customer_snapshots;
insert into ml_features.ftr_customer_snapshots select '2024-01-03', '2024-01-03' from generate_series(1, 300);
delete from store.fct_customer_scores;
insert into store.fct_customer_scores
select run_id, 'Loyal', 1, 365, 10.5, 1, 20, 0.4, 'nbd', 'logistic', 'c' || n, 'v1', 'c1'
from generate_series(1, 300) as n, unnest(array[{shown}, {fresh}]) as run_id;
update store.current set run_id = {shown};
"""
DRIFTS = {
    "churn a little": ("churn_probability = 0.5", ["churn_is_steady"], None),
    "churn far": ("churn_probability = 0.7", ["churn_holds", "churn_is_steady"], "churn_holds"),
    "churn far, another model": ("churn_probability = 0.7, churn_model_version = 'c2'", ["churn_is_steady"], None),
    "value far": ("customer_value = 1.5", ["value_holds", "value_is_steady"], "value_holds"),
    "value far, another model": ("customer_value = 1.5, value_model_version = 'v2'", ["value_is_steady"], None),
    "segments": ("segment = 'Lost'", ["segments_are_steady", "segments_hold"], "segments_hold"),
    "customers": (
        "customer_id = 'x' || customer_id",
        ["customers_are_not_lost", "customers_stay"],
        "customers_are_not_lost",
    ),
    "nothing": ("segment = segment", [], None),
}


def move(url, shown, day, change):
    """A night of 300 customers after the one that is shown, whose scores differ by `change`."""
    night = open_night(url, day, "test")
    with psycopg.connect(url) as connection:
        connection.execute(MANY.format(shown=shown.run_id, fresh=night.run_id))
        connection.execute(f"update store.fct_customer_scores set {change} where run_id = {night.run_id}")
    return night


def failed(url, night):
    query = "select expectation from ops.quality_results where run_id = %s and not is_passed order by 1"
    with psycopg.connect(url) as connection:
        return [rule for (rule,) in connection.execute(query, [night.run_id]).fetchall()]


@pytest.mark.parametrize(("change", "rules", "closed_by"), DRIFTS.values(), ids=DRIFTS)
def test_scores_are_held_beside_the_published_ones_of_the_same_customers(scored, change, rules, closed_by):
    url, shown = scored
    night = move(url, shown, date(2024, 1, 3), change)
    if closed_by:
        with pytest.raises(GateError, match=f"{closed_by}.*make waive NIGHT=2024-01-03"):
            check_scores(url, night, ["Loyal", "Lost"])
        waive_night(url, date(2024, 1, 3), "test", "prices doubled")
    check_scores(url, night, ["Loyal", "Lost"])
    assert failed(url, night) == rules


def test_nights_far_apart_and_few_customers_are_not_compared(scored):
    url, shown = scored
    late = move(url, shown, date(2024, 1, 9), "churn_probability = 0.7")
    check_scores(url, late, ["Loyal"])
    assert failed(url, late) == []
    few = move(url, shown, date(2024, 1, 3), "churn_probability = 0.7")
    with psycopg.connect(url) as connection:
        connection.execute("delete from store.fct_customer_scores where customer_id > 'c2'")
        connection.execute("delete from ml_features.ftr_customer_snapshots")
        connection.execute(
            "insert into ml_features.ftr_customer_snapshots select '2024-01-03', '2024-01-03'"
            " from store.fct_customer_scores where run_id = %s",
            [few.run_id],
        )
    check_scores(url, few, ["Loyal"])
    assert failed(url, few) == []
