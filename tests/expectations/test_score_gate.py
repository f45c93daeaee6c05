from __future__ import annotations

from datetime import date

import psycopg
import pytest

from expectations.gate import GateError
from expectations.score_gate import check_scores
from kehu.warehouse.runs import open_night

SCORES = """
create table ml_features.ftr_customer_snapshots (snapshot_date date, as_of_date date);
insert into ml_features.ftr_customer_snapshots select '2024-01-01', '2024-01-01' from generate_series(1, 3);
create table store.fct_customer_scores (
    run_id bigint, segment text, expected_purchases float8, value_horizon_days integer, customer_value numeric,
    churn_probability float8, value_method text, churn_method text
);
"""
DAMAGES = {
    "a customer is missing": ("delete from store.fct_customer_scores where expected_purchases = 1", "every_customer"),
    "no probability": ("update store.fct_customer_scores set churn_probability = 1.5", "churn_is_probability"),
    "an unknown segment": ("update store.fct_customer_scores set segment = 'Nobody'", "segment_known"),
    "a negative value": ("update store.fct_customer_scores set customer_value = -1", "value_not_negative"),
    "more purchases than days": ("update store.fct_customer_scores set expected_purchases = 999", "within_horizon"),
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
            " select %s, 'Loyal', n, 365, 10.5, 0.4, 'nbd', 'logistic' from generate_series(1, 3) as n",
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
